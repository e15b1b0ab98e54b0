//! SummariseObjects: how many objects a bucket has and how many bytes, by how they are encrypted, how old they are and where they
//! lie. The latest versions of keys are counted.
//!
//! A call looks at so many objects and answers with a token when there are more. It needs the right to list the bucket, and, to tell
//! how objects are encrypted, which a listing does not tell, the right to get what is under the prefix.

use crate::{ShosekiError, access};
use base::{Timestamp, arn};
use gateway::{
    Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn,
    ports::{ObjectFacts, ObjectGuard},
};
use policy::{Authorized, ResourceKind};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

const OBJECTS_MAX: usize = 10_000;
/// Rows are read in pieces of so many.
const OBJECTS_AT_ONCE: usize = 1_000;
const LEVELS_MAX: u32 = 16;
/// As long as a key may be.
const PREFIX_BYTES_MAX: usize = 1_024;
const DAY: i64 = 86_400;
/// Ages, each up to so many days.
const AGES: [(&str, i64); 5] = [
    ("UnderDay", 1),
    ("UnderWeek", 7),
    ("UnderMonth", 30),
    ("UnderQuarter", 90),
    ("UnderYear", 365),
];
const OLDER: &str = "Older";

/// The operation.
pub(crate) struct SummariseObjects;

/// Its input.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SummariseObjectsRequest {
    bucket: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    group_by: Vec<GroupBy>,
    prefix_levels: Option<u32>,
    max_objects: Option<usize>,
    next_token: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum GroupBy {
    Encryption,
    KmsKeyId,
    Age,
    Prefix,
}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SummariseObjectsResponse {
    groups: Vec<Group>,
    objects: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// What the objects of a group have in common, in the order in which groups are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Common {
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip)]
    age_at: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    #[serde(flatten)]
    common: Common,
    objects: u64,
    bytes: u64,
    oldest: EpochSeconds,
    newest: EpochSeconds,
}

/// What was counted of a group.
#[derive(Clone, Copy)]
struct Sum {
    objects: u64,
    bytes: u64,
    oldest: Timestamp,
    newest: Timestamp,
}

impl Sum {
    fn of(fact: &ObjectFacts) -> Sum {
        Sum {
            objects: 1,
            bytes: fact.bytes,
            oldest: fact.modified,
            newest: fact.modified,
        }
    }

    fn and(self, other: Sum) -> Sum {
        Sum {
            objects: self.objects + other.objects,
            bytes: self.bytes.saturating_add(other.bytes),
            oldest: self.oldest.min(other.oldest),
            newest: self.newest.max(other.newest),
        }
    }
}

impl Evident for SummariseObjectsRequest {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("bucketName", &self.bucket)
            .maybe_text("prefix", Some(&self.prefix).filter(|prefix| !prefix.is_empty()));
        let params = match self.group_by.as_slice() {
            [] => params,
            some => params.texts("groupBy", some.iter().map(|group| format!("{group:?}"))),
        };
        params
            .maybe_number("prefixLevels", self.prefix_levels)
            .maybe_number("maxObjects", self.max_objects)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

impl Evident for SummariseObjectsResponse {
    fn evident(&self) -> Params {
        Params::new()
    }
}

fn invalid<T>(text: impl Into<String>) -> Result<T, ShosekiError> {
    Err(ShosekiError::Validation(text.into()))
}

/// Where a call begins, and from when ages are counted: the same for all calls of one question.
struct Begin {
    now: Timestamp,
    after: Option<String>,
}

impl SummariseObjectsRequest {
    fn is_by(&self, group: GroupBy) -> bool {
        self.group_by.contains(&group)
    }

    fn objects(&self) -> Result<usize, ShosekiError> {
        match self.max_objects.unwrap_or(OBJECTS_MAX) {
            count @ 1..=OBJECTS_MAX => Ok(count),
            count => invalid(format!(
                "MaxObjects must be between 1 and {OBJECTS_MAX}, and is {count}."
            )),
        }
    }

    fn levels(&self) -> Result<usize, ShosekiError> {
        match self.prefix_levels {
            Some(_) if !self.is_by(GroupBy::Prefix) => invalid("PrefixLevels goes with GroupBy Prefix."),
            Some(levels) if !(1..=LEVELS_MAX).contains(&levels) => invalid(format!(
                "PrefixLevels must be between 1 and {LEVELS_MAX}, and is {levels}."
            )),
            levels => Ok(levels.unwrap_or(1) as usize),
        }
    }

    /// A token is from when ages are counted, and the last key.
    fn begin(&self, now: Timestamp) -> Result<Begin, ShosekiError> {
        if self.prefix.len() > PREFIX_BYTES_MAX {
            return invalid(format!("Prefix must have at most {PREFIX_BYTES_MAX} bytes."));
        }
        let Some(token) = &self.next_token else {
            return Ok(Begin { now, after: None });
        };
        let parts = token.split_once(':');
        let place = parts.and_then(|(now, key)| Some((now.parse().ok()?, key)));
        match place.filter(|(_, key)| key.starts_with(&self.prefix)) {
            Some((now, key)) => Ok(Begin {
                now: Timestamp::from_secs(now),
                after: Some(key.to_owned()),
            }),
            None => invalid("NextToken is none of ours, or of another question."),
        }
    }

    fn common(&self, fact: &ObjectFacts, now: Timestamp, levels: usize) -> Common {
        let (age_at, age) = age(now, fact.modified);
        let by_age = self.is_by(GroupBy::Age);
        let by_key = self.is_by(GroupBy::KmsKeyId);
        Common {
            prefix: self
                .is_by(GroupBy::Prefix)
                .then(|| folder(&fact.key, self.prefix.len(), levels).to_owned()),
            encryption: self.is_by(GroupBy::Encryption).then_some(fact.encryption),
            kms_key_id: fact.kms_key.as_ref().filter(|_| by_key).map(ToString::to_string),
            age_at: if by_age { age_at } else { 0 },
            age: by_age.then_some(age),
        }
    }

    async fn bucket(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<ObjectGuard, ShosekiError> {
        let guard = ctx.world().ports()?.objects.guard(view, &self.bucket, "").await?;
        let Some(guard) = guard else {
            let text = format!("There is no bucket {}.", self.bucket);
            return Err(ShosekiError::ResourceNotFound(text));
        };
        match guard.place.region == ctx.region {
            true => Ok(guard),
            false => invalid(format!(
                "The bucket {} is in {}; ask there.",
                self.bucket, guard.place.region
            )),
        }
    }
}

/// How old something is: the name of it, and its place among the names.
fn age(now: Timestamp, modified: Timestamp) -> (usize, &'static str) {
    let seconds = now.as_secs().saturating_sub(modified.as_secs());
    let ages = AGES.iter().enumerate();
    let found = ages.clone().find(|(_, (_, days))| seconds < days * DAY);
    found.map_or((AGES.len(), OLDER), |(at, (name, _))| (at, name))
}

/// What a key begins with: as much of it as is given, and up to so many more parts that `/` ends.
fn folder(key: &str, given: usize, levels: usize) -> &str {
    let rest = key.get(given..).unwrap_or_default();
    let last = rest.match_indices('/').take(levels).last();
    let end = last.map_or(given, |(at, _)| given + at + 1);
    key.get(..end).unwrap_or(key)
}

impl Operation for SummariseObjects {
    const NAME: &'static str = "SummariseObjects";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<SummariseObjectsRequest>;
    type Output = Json<SummariseObjectsResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ShosekiError> {
        let guard = input.bucket(ctx, view).await?;
        let on = |action, resource| {
            Demand::on(action, resource)
                .guarded(ResourceKind::Bucket, guard.place.owner, guard.policy.clone())
                .with("s3:ResourceAccount", guard.place.owner.as_str())
        };
        let prefix = Some(input.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        let list = on("s3:ListBucket", arn::bucket(&input.bucket))
            .with_some("s3:prefix", prefix)
            .with("s3:max-keys", OBJECTS_AT_ONCE.to_string())
            .shown_as("AWS::S3::Bucket");
        let mut demands = vec![
            access::own("shoseki:SummariseObjects", arn::bucket(&input.bucket)),
            list,
        ];
        if input.is_by(GroupBy::Encryption) || input.is_by(GroupBy::KmsKeyId) {
            let under = format!("{}*", input.prefix);
            demands.push(on("s3:GetObject", arn::object(&input.bucket, &under)));
        }
        Ok(Demands::All(demands))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let (levels, mut left) = (input.levels()?, input.objects()?);
        let Begin { now, mut after } = input.begin(ctx.now())?;
        let (objects, view) = (&ctx.world().ports()?.objects, txn.view());
        let mut sums: BTreeMap<Common, Sum> = BTreeMap::new();
        let mut more = true;
        while more && left > 0 {
            let wanted = left.min(OBJECTS_AT_ONCE);
            let facts = objects
                .facts(&view, &input.bucket, &input.prefix, after.as_deref(), wanted)
                .await?;
            more = facts.len() == wanted;
            left -= facts.len();
            for fact in &facts {
                let sum = Sum::of(fact);
                let of = sums.entry(input.common(fact, now, levels));
                of.and_modify(|mine| *mine = mine.and(sum)).or_insert(sum);
            }
            after = facts.into_iter().next_back().map(|fact| fact.key).or(after);
            // Others get their turn.
            tokio::task::yield_now().await;
        }
        let token = after.filter(|_| more).map(|key| format!("{}:{key}", now.as_secs()));
        Ok(Json(answer(sums, token)))
    }
}

fn answer(sums: BTreeMap<Common, Sum>, next_token: Option<String>) -> SummariseObjectsResponse {
    let all = sums.values().copied().reduce(Sum::and);
    let groups = sums.into_iter().map(|(common, sum)| Group {
        common,
        objects: sum.objects,
        bytes: sum.bytes,
        oldest: EpochSeconds(sum.oldest),
        newest: EpochSeconds(sum.newest),
    });
    SummariseObjectsResponse {
        groups: groups.collect(),
        objects: all.map_or(0, |all| all.objects),
        bytes: all.map_or(0, |all| all.bytes),
        oldest: all.map(|all| EpochSeconds(all.oldest)),
        newest: all.map(|all| EpochSeconds(all.newest)),
        next_token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_cut_at_folders() {
        let check = |key: &str, given: usize, levels, expected: &str| {
            assert_eq!(folder(key, given, levels), expected, "{key} {given} {levels}");
        };
        check("a/b/c", 0, 1, "a/");
        check("a/b/c", 0, 2, "a/b/");
        check("a/b/c", 0, 9, "a/b/");
        check("a/b/c", 2, 1, "a/b/");
        check("a/b/c", 4, 1, "a/b/");
        check("plain", 0, 1, "");
        check("plain", 2, 1, "pl");
        check("é/ü/x", "é".len(), 1, "é/");
    }

    #[test]
    fn ages_have_names() {
        let check = |seconds: i64, expected| {
            let now = Timestamp::from_secs(1_000_000_000);
            assert_eq!(
                age(now, Timestamp::from_secs(1_000_000_000 - seconds)).1,
                expected,
                "{seconds}"
            );
        };
        check(-5, "UnderDay");
        check(DAY - 1, "UnderDay");
        check(DAY, "UnderWeek");
        check(29 * DAY, "UnderMonth");
        check(30 * DAY, "UnderQuarter");
        check(365 * DAY, "Older");
    }

    #[test]
    fn a_token_goes_on_within_its_prefix() {
        let request = |token: &str| SummariseObjectsRequest {
            bucket: "bkt".to_owned(),
            prefix: "a/".to_owned(),
            group_by: vec![],
            prefix_levels: None,
            max_objects: None,
            next_token: Some(token.to_owned()),
        };
        let begin = request("50:a/b:c").begin(Timestamp::EPOCH).unwrap();
        assert_eq!((begin.now.as_secs(), begin.after.as_deref()), (50, Some("a/b:c")));
        for wrong in ["", "50", "x:a/b", "50:b"] {
            assert!(request(wrong).begin(Timestamp::EPOCH).is_err(), "{wrong}");
        }
    }
}
