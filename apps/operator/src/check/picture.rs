//! The trails with what they need and who uses it, to be drawn.

use super::{Finding, Ground, Status, access};
use crate::{
    message,
    message::Message,
    rights::{Allowed, Right},
    survey::Trail,
};
use serde::Serialize;

/// A trail and what is around it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// The trail's name.
    pub trail: String,
    /// Its ARN.
    pub arn: String,
    /// The trail first, then what it uses, then who uses that.
    pub places: Vec<Place>,
    /// Who uses what.
    pub edges: Vec<Edge>,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum PlaceKind {
    Trail,
    Bucket,
    Key,
    LogGroup,
    Topic,
    /// Someone who is to read.
    Reader,
    /// Those of the account who read and are not named as readers.
    Others,
    /// Someone outside the account.
    Outsiders,
}

/// Something in the picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// What it is.
    pub kind: PlaceKind,
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub what: Message,
}

/// Whether a use is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen {
    /// It is.
    Good,
    /// It is not.
    Bad,
    /// It could not be found out.
    Unknown,
}

/// A use of a place by another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    /// Who uses, by its place in the list.
    pub from: usize,
    /// What is used.
    pub to: usize,
    /// How: the call.
    pub what: Message,
    /// Whether it is as it should be.
    pub seen: Seen,
}

/// So many readers are drawn one by one.
const READERS_MAX: usize = 4;

pub(super) fn of(ground: &Ground<'_>, findings: &[Finding]) -> Vec<Picture> {
    ground
        .trails()
        .map(|trail| Drawing::of(ground, trail, findings))
        .collect()
}

/// A picture that is being drawn.
struct Drawing {
    places: Vec<Place>,
    edges: Vec<Edge>,
}

impl Drawing {
    fn of(ground: &Ground<'_>, trail: &Trail, findings: &[Finding]) -> Picture {
        let mut drawing = Drawing {
            places: Vec::new(),
            edges: Vec::new(),
        };
        let from = drawing.place(PlaceKind::Trail, &trail.name, message!("trail", "証跡"));
        let bucket = drawing.place(PlaceKind::Bucket, &trail.bucket, message!("bucket", "バケット"));
        let key = trail
            .kms_key
            .as_ref()
            .map(|arn| drawing.place(PlaceKind::Key, last_of(arn), message!("KMS key", "KMS キー")));
        let rights = ground.world.trail_rights(trail);
        drawing.uses(from, bucket, "s3:", "PutObject", &rights);
        if let Some(key) = key {
            drawing.uses(from, key, "kms:", "GenerateDataKey", &rights);
        }
        if let Some(arn) = &trail.log_group {
            let name = arn.split(":log-group:").nth(1).unwrap_or(arn).trim_end_matches(":*");
            let group = drawing.place(PlaceKind::LogGroup, name, message!("log group", "ロググループ"));
            drawing.uses(from, group, "logs:", "PutLogEvents", &rights);
        }
        if let Some(arn) = &trail.topic {
            let name = arn.rsplit(':').next().unwrap_or(arn);
            let topic = drawing.place(PlaceKind::Topic, name, message!("topic", "トピック"));
            drawing.uses(from, topic, "sns:", "Publish", &rights);
        }
        drawing.readers(ground, trail, bucket, key);
        drawing.others(ground, trail, bucket, key);
        drawing.outsiders(trail, ground, findings, bucket, key);
        Picture {
            trail: trail.name.clone(),
            arn: trail.arn.clone(),
            places: drawing.places,
            edges: drawing.edges,
        }
    }

    fn place(&mut self, kind: PlaceKind, name: &str, what: Message) -> usize {
        self.places.push(Place {
            kind,
            name: name.to_owned(),
            what,
        });
        self.places.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, what: &str, seen: Seen) {
        self.edges.push(Edge {
            from,
            to,
            what: Message::plain(what),
            seen,
        });
    }

    /// What the trail uses by the calls of a service: as bad as the worst of them.
    fn uses(&mut self, from: usize, to: usize, service: &str, what: &str, rights: &[Right]) {
        let of_it = rights.iter().filter(|right| right.action.starts_with(service));
        let worst = of_it.map(|right| right.verdict.allowed).min();
        self.edge(from, to, what, worst.map_or(Seen::Unknown, seen));
    }

    /// The intended readers; of many, the first.
    fn readers(&mut self, ground: &Ground<'_>, trail: &Trail, bucket: usize, key: Option<usize>) {
        for arn in ground.options.readers.iter().take(READERS_MAX) {
            let Some(reader) = ground.world.reader_in(trail, &trail.home_region, arn) else {
                continue;
            };
            let from = self.place(PlaceKind::Reader, last_of(arn), message!("reader", "読む人"));
            self.edge(from, bucket, "GetObject", seen(reader.s3.allowed));
            if let (Some(key), Some(kms)) = (key, &reader.kms) {
                self.edge(from, key, "Decrypt", seen(kms.allowed));
            }
        }
    }

    /// Those who read beside them: not as it should be once the readers are named.
    fn others(&mut self, ground: &Ground<'_>, trail: &Trail, bucket: usize, key: Option<usize>) {
        let (certain, open) = access::uninvited(ground, trail);
        let (count, looks) = match (certain.len(), open.len(), ground.options.readers.is_empty()) {
            (0, 0, _) => return,
            (0, open, _) => (open, Seen::Unknown),
            (certain, _, true) => (certain, Seen::Good),
            (certain, _, false) => (certain, Seen::Bad),
        };
        let first = certain.first().or(open.first()).map_or("", |arn| last_of(arn));
        let name = match count {
            1 => first.to_owned(),
            count => format!("{first} +{}", count - 1),
        };
        let from = self.place(
            PlaceKind::Others,
            &name,
            message!("others who can read", "他に読める人"),
        );
        self.edge(from, bucket, "GetObject", looks);
        if let Some(key) = key {
            self.edge(from, key, "Decrypt", looks);
        }
    }

    fn outsiders(
        &mut self,
        trail: &Trail,
        ground: &Ground<'_>,
        findings: &[Finding],
        bucket: usize,
        key: Option<usize>,
    ) {
        let failed = |control: &str, id: &str| {
            let mut all = findings.iter();
            all.any(|one| one.control.id == control && one.resource.id == id && one.status == Status::Failed)
        };
        let bucket_arn = format!("arn:{}:s3:::{}", ground.survey.partition, trail.bucket);
        let in_bucket = failed("Shoseki.BucketOutsiders", &bucket_arn);
        let in_key = trail
            .kms_key
            .as_ref()
            .is_some_and(|arn| failed("Shoseki.KeyOutsiders", arn));
        if !in_bucket && !in_key {
            return;
        }
        let name = Message::new("Outside the account", "アカウントの外");
        let from = self.place(PlaceKind::Outsiders, "!", name);
        if in_bucket {
            self.edge(from, bucket, "s3", Seen::Bad);
        }
        if let Some(key) = key.filter(|_| in_key) {
            self.edge(from, key, "kms", Seen::Bad);
        }
    }
}

fn seen(allowed: Allowed) -> Seen {
    match allowed {
        Allowed::Yes => Seen::Good,
        Allowed::No => Seen::Bad,
        Allowed::Unknown => Seen::Unknown,
    }
}

/// What an ARN ends with.
fn last_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
