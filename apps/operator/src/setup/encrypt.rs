//! Sealing the log files of a trail that is there: the key's policy first, the readers before the trail gets the key, then the trail.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail-update-trail.html>

use super::{Caller, Check, Draft, KeyRef, Order as SetupOrder, Outcome, bucket::BucketFound};
use crate::{
    aws::{Client, Error},
    change::{Call, Step},
    message,
    message::Message,
    rights::{Reader, Verdict, World},
    rollback::Encryption,
    survey::{self, Depth, Fact, KeyMetadata, Survey, What},
    template::Text,
    trail::{Bucket, Definition, Key},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wire::ServiceName::CloudTrail;

/// By which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyWanted {
    /// A new one, by this name.
    New {
        /// Its alias, with `alias/`.
        alias: String,
    },
    /// One that is there: its ARN, id or alias.
    Existing(String),
}

/// What is to be sealed.
#[derive(Clone, Debug)]
pub struct Order {
    /// The trail's name or ARN.
    pub trail: String,
    /// The key.
    pub key: KeyWanted,
    /// ARNs of users and roles to whom the key's policy gives the right to open log files.
    pub readers: Vec<String>,
    /// Whether the key becomes the bucket's default, too.
    pub bucket_default: bool,
}

/// Somebody who reads the log files now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loser {
    /// The ARN, an account's number, a service's name, or `anonymous`.
    pub arn: String,
    /// Why they could not read any more.
    pub why: Message,
}

/// What was found, and what there is to do.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Who asks.
    pub caller: Caller,
    /// The trail's ARN.
    pub trail: String,
    /// The trail's home Region.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's Region.
    pub bucket_region: String,
    /// What the log files' keys begin with, before `AWSLogs/`.
    pub prefix: Option<String>,
    /// The ARN of the key; nothing when it is still to be made.
    pub key: Option<String>,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// Who reads the log files now and could not open the new ones.
    pub losers: Vec<Loser>,
    /// Whether it is known who reads the log files.
    pub readers_known: bool,
    /// What is to be done; nothing when the trail has the key.
    pub steps: Vec<Step>,
}

impl Prepared {
    /// Whether nothing stands in the way but the readers.
    pub fn is_possible(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Wrong)
    }

    /// Whether somebody loses access, or it cannot be told whether anybody does.
    pub fn is_loss(&self) -> bool {
        !self.steps.is_empty() && (!self.losers.is_empty() || !self.readers_known)
    }
}

/// What DescribeTrails says of the trail.
struct Found {
    name: String,
    arn: String,
    home: String,
    bucket: String,
    prefix: Option<String>,
    key: Option<String>,
    all_regions: bool,
}

/// Looks at trail, key, bucket and readers, and says what is to be done. Changes nothing.
///
/// # Errors
/// What is no answer of the service at all, and a trail that is not there. A call that is refused is a [`Check`] instead.
pub async fn prepare(client: &Client, order: &Order) -> Result<Prepared, Error> {
    let trail = trail_of(client, &order.trail).await?;
    let client = client.in_region(&trail.home);
    let caller = Caller::ask(&client).await?;
    let set_up = set_up(&trail, order);
    let mut draft = Draft::new(&client, &set_up, caller, &trail.home);
    draft.key_option = "--key";
    draft.caller_check();
    draft.place.bucket.clone_from(&trail.bucket);
    let found = draft.bucket_found().await?;
    let region = found.region.clone();
    let key = draft.key(&found).await?;
    let mut losers = Vec::new();
    let mut readers_known = true;
    if let Some(key) = &key {
        draft.seal(&trail, key);
        if order.bucket_default {
            draft.default_of_bucket(&found, key).await?;
        }
        if !draft.steps.is_empty() && draft.is_possible() {
            let readers = draft.losers(&trail, &found, key).await?;
            (losers, readers_known) = readers;
        }
    }
    draft.rights().await?;
    Ok(Prepared {
        trail: trail.arn,
        region: trail.home,
        bucket: trail.bucket,
        bucket_region: region,
        prefix: trail.prefix,
        key: key.filter(|key| key.is_there).map(|key| key.arn),
        caller: draft.caller,
        checks: draft.checks,
        steps: draft.steps,
        losers,
        readers_known,
    })
}

async fn trail_of(client: &Client, name: &str) -> Result<Found, Error> {
    let input = json!({ "trailNameList": [name], "includeShadowTrails": true });
    let answer = client.json(CloudTrail, "DescribeTrails", &input).await?;
    let trail = &answer["trailList"][0];
    if trail.is_null() {
        let region = client.region();
        return Err(Error::Settings(format!(
            "there is no trail `{name}` in {region}: give its --region, or its ARN"
        )));
    }
    let text = |name: &str| trail[name].as_str().unwrap_or_default().to_owned();
    let some = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    if trail["IsOrganizationTrail"] == true {
        let name = text("Name");
        return Err(Error::Settings(format!(
            "the trail `{name}` is of an organization, whose accounts' readers cannot be looked at from here"
        )));
    }
    Ok(Found {
        name: text("Name"),
        arn: text("TrailARN"),
        home: text("HomeRegion"),
        bucket: text("S3BucketName"),
        prefix: some("S3KeyPrefix"),
        key: some("KmsKeyId"),
        all_regions: trail["IsMultiRegionTrail"] == true,
    })
}

/// The trail as a definition, with the key that it is to have.
fn set_up(trail: &Found, order: &Order) -> SetupOrder {
    let (existing, alias) = match &order.key {
        KeyWanted::Existing(id) => (Some(Text::literal(id)), None),
        KeyWanted::New { alias } => (None, Some(Text::parse(alias))),
    };
    let key = Key {
        existing,
        alias,
        readers: order.readers.iter().map(Text::literal).collect(),
        ..Key::default()
    };
    let bucket = Bucket {
        name: Text::literal(&trail.bucket),
        existing: true,
        prefix: trail.prefix.clone(),
        ..Bucket::default()
    };
    SetupOrder {
        definition: Definition {
            name: trail.name.clone(),
            region: Some(trail.home.clone()),
            all_regions: trail.all_regions,
            global_events: trail.all_regions,
            bucket,
            key: Some(key),
            ..Definition::default()
        },
        console_policies: false,
        per_region: Vec::new(),
    }
}

impl Draft<'_> {
    fn is_possible(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Wrong)
    }

    /// The trail gets the key.
    fn seal(&mut self, trail: &Found, key: &KeyRef) {
        let name = &trail.name;
        if trail.key.as_deref() == Some(key.arn.as_str()) {
            let says = message!(
                "The trail {name} has this key already.",
                "証跡 {name} はすでにこのキーを使っています。",
            );
            return self.good("trail", says);
        }
        let former = trail.key.clone().unwrap_or_default();
        let says = match former.as_str() {
            "" => message!(
                "The log files of the trail {name} are sealed by S3's own keys (SSE-S3) now.",
                "証跡 {name} のログファイルは現在 S3 のキー (SSE-S3) で暗号化されています。",
            ),
            former => message!(
                "The log files of the trail {name} are sealed by {former} now; what it has sealed stays under it, so keep that key.",
                "証跡 {name} のログファイルは現在 {former} で暗号化されています。暗号化済みのファイルには引き続きそのキーが必要です。",
            ),
        };
        self.good("trail", says);
        let update = |key: &str| {
            let input = json!({ "Name": trail.name, "KmsKeyId": key });
            Call::new("cloudtrail", "UpdateTrail", &trail.home, input)
        };
        let title = message!(
            "Give the key to the trail {name}: its next log files are sealed by it.",
            "証跡 {name} にキーを設定します。以降のログファイルはこのキーで暗号化されます。",
        );
        self.step(title, update(&key.arn), vec![update(&former)]);
    }

    /// The key becomes the default of the bucket.
    async fn default_of_bucket(&mut self, found: &BucketFound, key: &KeyRef) -> Result<(), Error> {
        let name = self.place.bucket.clone();
        let client = self.client.in_region(&found.region);
        let former = match Encryption::of(&client, &name).await {
            Ok(former) => former,
            Err(error) => match error.refused() {
                Some(refused) => {
                    let code = &refused.code;
                    let says = message!(
                        "The default encryption of the bucket {name} could not be put back: s3:GetEncryptionConfiguration was refused ({code}).",
                        "バケット {name} のデフォルト暗号化を確認できないため、元に戻せません: s3:GetEncryptionConfiguration が拒否されました ({code})。",
                    );
                    self.wrong("bucket", says);
                    return Ok(());
                }
                None => return Err(error),
            },
        };
        if former
            .as_ref()
            .is_some_and(|former| former.is_kms() && former.key() == Some(&key.arn))
        {
            return Ok(());
        }
        let title = message!(
            "Make the key the default of the bucket {name}: what others put into it is sealed by it, too.",
            "キーをバケット {name} のデフォルト暗号化に設定します。他の書き込みもこのキーで暗号化されます。",
        );
        let region = &found.region;
        let (wanted, undo) = match &former {
            Some(former) => {
                let wanted = Encryption::kms(&key.arn, former.has_bucket_key());
                (former.with_default_of(&wanted), former.put(&name, region))
            }
            None => {
                let delete = Call::new("s3", "DeleteBucketEncryption", region, json!({ "Bucket": name }));
                (Encryption::kms(&key.arn, false), delete)
            }
        };
        self.step(title, wanted.put(&name, region), vec![undo]);
        Ok(())
    }

    /// Who reads the log files now and could not open the next ones, and whether these are certainly all.
    async fn losers(&mut self, trail: &Found, found: &BucketFound, key: &KeyRef) -> Result<(Vec<Loser>, bool), Error> {
        let mut regions = vec![trail.home.clone(), found.region.clone()];
        regions.dedup();
        let what = What {
            regions: Some(regions),
            trails: Some(vec![trail.arn.clone()]),
            buckets: Vec::new(),
            keys: Some(key.arn.clone()).filter(|_| key.is_there).into_iter().collect(),
            depth: Depth::Full,
        };
        let survey = survey::read(self.client, &what).await?;
        let (Some(one), Fact::Known(_)) = (
            survey.trails.iter().find(|one| one.arn == trail.arn),
            &survey.principals,
        ) else {
            let says = message!(
                "Who reads the log files cannot be told: the users and roles of the account may not be listed.",
                "アカウントのユーザーとロールを一覧できないため、ログファイルの閲覧者を確認できません。",
            );
            self.check("readers", Outcome::Unknown, says);
            return Ok((Vec::new(), false));
        };
        let now = World::of(&survey).readers(one);
        let sealed = self.sealed(&survey, trail, found, key);
        let then = sealed.trails.iter().find(|one| one.arn == trail.arn);
        let then = then.map(|one| World::of(&sealed).readers(one)).unwrap_or_default();
        let Compared { losers, stay, unclear } = compared(&now, &then);
        if !unclear.is_empty() {
            let list = unclear.join(", ");
            let says = message!(
                "Whether these read the log files now cannot be told, and so not whether they lose access: {list}.",
                "次の利用者は現在ログファイルを読めるかどうか判定できず、変更後に読めなくなる可能性があります: {list}。",
            );
            self.check("readers", Outcome::Unknown, says);
        }
        let lose = losers.len();
        let says = match lose {
            0 if stay == 0 && !unclear.is_empty() => return Ok((losers, false)),
            0 => message!(
                "All {stay} who can read the log files now can read the next ones, too.",
                "現在ログファイルを読める {stay} 件すべてが、変更後も読めます。",
            ),
            _ => message!(
                "{lose} who can read the log files now could not open the next ones; {stay} still could.",
                "現在ログファイルを読める {lose} 件が、変更後のファイルを復号できなくなります (引き続き読めるのは {stay} 件)。",
            ),
        };
        let outcome = if losers.is_empty() {
            Outcome::Good
        } else {
            Outcome::Unknown
        };
        self.check("readers", outcome, says);
        Ok((losers, unclear.is_empty()))
    }

    /// The survey as it would be.
    fn sealed(&self, survey: &Survey, trail: &Found, found: &BucketFound, key: &KeyRef) -> Survey {
        let mut sealed = survey.clone();
        let arn = self.arn_of_key(key, &found.region);
        let document = self
            .key_document
            .as_ref()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        if let Some(document) = document {
            let known = sealed.keys.entry(arn.clone()).or_insert_with(|| survey::Key {
                arn: arn.clone(),
                region: found.region.clone(),
                metadata: Fact::Known(KeyMetadata {
                    state: "Enabled".to_owned(),
                    manager: "CUSTOMER".to_owned(),
                    ..KeyMetadata::default()
                }),
                policy: Fact::Known(Value::Null),
                rotation: Fact::Known(survey::Rotation::default()),
                aliases: Fact::Known(Vec::new()),
                grants: Fact::Known(Vec::new()),
                tags: Fact::Known(BTreeMap::new()),
            });
            known.policy = Fact::Known(document);
        }
        for one in sealed.trails.iter_mut().filter(|one| one.arn == trail.arn) {
            one.kms_key = Some(arn.clone());
        }
        sealed
    }
}

/// What becomes of those who read the log files.
#[derive(Default)]
struct Compared {
    /// Who reads now and would not for certain then.
    losers: Vec<Loser>,
    /// How many still would.
    stay: usize,
    /// Of whom it is not known whether they read now, and whom the key does not let in for certain.
    unclear: Vec<String>,
}

fn compared(now: &[Reader], then: &[Reader]) -> Compared {
    let mut compared = Compared::default();
    let mut seen = BTreeSet::new();
    let mut may_read = now.iter().filter(|reader| !reader.reads().is_no());
    while let Some(reader) = may_read.find(|reader| seen.insert(reader.arn.clone())) {
        let after = then.iter().find(|other| other.arn == reader.arn);
        let is_let_in = after.and_then(|after| after.kms.as_ref()).is_some_and(Verdict::is_yes);
        let losers = &mut compared.losers;
        match after.map(Reader::reads) {
            _ if !reader.reads().is_yes() => {
                if !is_let_in {
                    compared.unclear.push(reader.arn.clone());
                }
            }
            Some(verdict) if verdict.is_yes() => compared.stay += 1,
            Some(verdict) => losers.push(Loser {
                arn: reader.arn.clone(),
                why: verdict.why,
            }),
            None => losers.push(Loser {
                arn: reader.arn.clone(),
                why: message!("the key's policy does not know it", "キーポリシーに記載がありません"),
            }),
        }
    }
    compared
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::Kind;

    fn reader(arn: &str, s3: Verdict, kms: Option<Verdict>) -> Reader {
        Reader {
            arn: arn.to_owned(),
            kind: Kind::User,
            s3,
            kms,
        }
    }

    #[test]
    fn who_may_read_perhaps_is_not_taken_for_nobody() {
        let (yes, no) = (|| Verdict::yes(message!("y", "y")), || Verdict::no(message!("n", "n")));
        let unknown = || Verdict::unknown(message!("?", "?"));
        let now = [
            reader("stays", yes(), None),
            reader("loses", yes(), None),
            reader("perhaps", unknown(), None),
            reader("perhaps, with the key", unknown(), None),
            reader("never", no(), None),
        ];
        let then = [
            reader("stays", yes(), Some(yes())),
            reader("loses", yes(), Some(unknown())),
            reader("perhaps", unknown(), Some(no())),
            reader("perhaps, with the key", unknown(), Some(yes())),
            reader("never", no(), Some(no())),
        ];
        let found = compared(&now, &then);
        let losers: Vec<&str> = found.losers.iter().map(|loser| loser.arn.as_str()).collect();
        assert_eq!(
            (losers, found.stay, found.unclear),
            (vec!["loses"], 1, vec!["perhaps".to_owned()])
        );
    }
}
