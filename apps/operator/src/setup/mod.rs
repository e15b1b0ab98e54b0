//! Setting up a sealed trail: what is looked at before, and the steps that make what is missing.
//!
//! [`prepare`] only reads. It compares a [`Definition`] with what is there: what is missing becomes a [`Step`] with what takes it back,
//! what is there as it is wanted is left alone, so that a second run finds nothing to do and a run after an interrupted one does the
//! rest. What is there and is something else is never taken over; it is a [`Check`] that says so.

mod bucket;
mod caller;
pub mod encrypt;
pub mod faults;
mod key;
mod logs;
pub(crate) mod needs;
mod outlook;
pub(crate) mod place;
pub(crate) mod topic;
mod trails;

pub use caller::Caller;
pub use outlook::outlook;

use crate::{
    aws::{Client, Error},
    change::{Call, Shown, Step},
    message,
    message::Message,
    template::{GLOBAL_REGIONS, Text},
    trail::{Definition, policies::Trails},
};
use place::Place;
use serde::Serialize;
use serde_json::Value;

/// What is to be set up.
#[derive(Clone, Debug)]
pub struct Order {
    /// The trail and everything it needs.
    pub definition: Definition,
    /// Whether a new key and a new bucket get the policies that AWS's console writes, in place of the least.
    pub console_policies: bool,
    /// The Regions of which each gets a trail of its own, all with one bucket, key and role. Empty: one trail.
    pub per_region: Vec<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Nothing is in the way.
    Good,
    /// This would fail or be wrong; nothing is changed.
    Wrong,
    /// It cannot be told, for a call is refused.
    Unknown,
}

/// Something that was looked at before anything is changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What: `caller`, `trail`, `quota`, `bucket`, `key`, `logs`, `topic`, `rights`.
    pub about: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// In words.
    pub says: Message,
}

/// What was found, and what there is to do.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Who asks.
    pub caller: Caller,
    /// The home Region of the trail, or of what the trails of several Regions share.
    pub region: String,
    /// The ARNs of the trails.
    pub trails: Vec<String>,
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's Region.
    pub bucket_region: String,
    /// What the log files' keys begin with, before `AWSLogs/`.
    pub prefix: Option<String>,
    /// The ARN of the key; nothing when there is none, or it is still to be made.
    pub key: Option<String>,
    /// Whether the log files are to be sealed by a key of the account's own.
    pub sealed: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// What is to be done; nothing when all is there.
    pub steps: Vec<Step>,
    /// What is to be known beside.
    pub notes: Vec<Message>,
}

impl Prepared {
    /// Whether nothing stands in the way.
    pub fn is_possible(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Wrong)
    }
}

/// Looks at what is there, and says what is to be done. Changes nothing.
///
/// # Errors
/// What is no answer of the service at all, a definition that no trail can have, and a caller that is not known. A call that is refused
/// is a [`Check`] instead.
pub async fn prepare(client: &Client, order: &Order) -> Result<Prepared, Error> {
    let definition = &order.definition;
    definition.check().map_err(|fault| Error::Settings(fault.to_string()))?;
    let region = definition.region.clone().unwrap_or_else(|| client.region().to_owned());
    let client = client.in_region(&region);
    let caller = Caller::ask(&client).await?;
    if let Some(wanted) = definition.account.as_ref().filter(|wanted| **wanted != caller.account) {
        return Err(Error::Settings(format!(
            "the credentials are of the account {}, not of {wanted}",
            caller.account
        )));
    }
    let mut draft = Draft::new(&client, order, caller, &region);
    draft.caller_check();
    draft.place.bucket = draft.place.text(&definition.bucket.name);
    let found = draft.bucket_found().await?;
    let key = draft.key(&found).await?;
    draft.bucket(&found, key.as_ref()).await?;
    let logs = draft.logs().await?;
    let topics = draft.topics().await?;
    draft.trails(key.as_ref(), logs.as_ref(), &topics).await?;
    draft.rights().await?;
    draft.notes();
    Ok(draft.finished(key, found.region))
}

/// The Regions that are enabled for the account, in order.
pub async fn enabled_regions(client: &Client) -> Result<Vec<String>, Error> {
    let answer = client.query(wire::ServiceName::Ec2, "DescribeRegions", &[]).await?;
    let mut regions = crate::aws::elements(&answer, "regionName");
    regions.sort_unstable();
    Ok(regions)
}

/// A key as the trail is given it.
struct KeyRef {
    /// Its ARN, or the place that it will fill.
    arn: String,
    /// Whether it is there.
    is_there: bool,
}

/// The id of a key that is not there yet.
const NEW_KEY: &str = "00000000-0000-0000-0000-000000000000";

/// What is being put together.
struct Draft<'a> {
    client: &'a Client,
    order: &'a Order,
    definition: &'a Definition,
    caller: Caller,
    place: Place,
    checks: Vec<Check>,
    steps: Vec<Step>,
    notes: Vec<Message>,
    /// The policy that the key will have, when it is known.
    key_document: Option<String>,
    /// The policy that a key has that is there, when it is known.
    key_present: Option<String>,
    /// The option by which a key that is there is named.
    key_option: &'static str,
}

impl<'a> Draft<'a> {
    fn new(client: &'a Client, order: &'a Order, caller: Caller, region: &str) -> Draft<'a> {
        let definition = &order.definition;
        let mut place = Place {
            account: caller.account.clone(),
            partition: caller.partition.clone(),
            region: region.to_owned(),
            bucket: String::new(),
            log_group: String::new(),
        };
        if let Some(logs) = &definition.logs {
            place.log_group = place.text(&logs.group);
        }
        Draft {
            client,
            order,
            definition,
            caller,
            place,
            checks: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            key_document: None,
            key_present: None,
            key_option: "--existing-key",
        }
    }

    fn check(&mut self, about: &'static str, outcome: Outcome, says: Message) {
        self.checks.push(Check { about, outcome, says });
    }

    fn good(&mut self, about: &'static str, says: Message) {
        self.check(about, Outcome::Good, says);
    }

    fn wrong(&mut self, about: &'static str, says: Message) {
        self.check(about, Outcome::Wrong, says);
    }

    /// What a call found; nothing when there is no such thing, which these codes say, and when it may not be asked, which becomes a
    /// check. What is no answer of the service at all ends everything.
    fn found<T>(
        &mut self,
        about: &'static str,
        call: &str,
        answer: Result<T, Error>,
        absent: &[&str],
    ) -> Result<Option<T>, Error> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is(absent) => Ok(None),
            Err(error) => match error.refused() {
                Some(refused) => {
                    let code = &refused.code;
                    let says = message!(
                        "It cannot be told: {call} was refused ({code}).",
                        "確認できません: {call} が拒否されました ({code})。",
                    );
                    self.check(about, Outcome::Unknown, says);
                    Ok(None)
                }
                None => Err(error),
            },
        }
    }

    fn step(&mut self, title: Message, call: Call, undo: Vec<Call>) -> &mut Step {
        self.steps.push(Step {
            title,
            call,
            shown: None,
            undo,
            answers: Vec::new(),
        });
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    fn call(&self, service: &str, operation: &str, input: Value) -> Call {
        Call::new(service, operation, &self.place.region, input)
    }

    /// The ARN of the key; of one that is still to be made, one of the form that it will have.
    fn arn_of_key(&self, key: &KeyRef, region: &str) -> String {
        let (partition, account) = (&self.place.partition, &self.place.account);
        match key.is_there {
            true => key.arn.clone(),
            false => format!("arn:{partition}:kms:{region}:{account}:key/{NEW_KEY}"),
        }
    }

    /// The Regions that get a trail, the home Region first.
    fn regions(&self) -> Vec<String> {
        let home = &self.place.region;
        match self.order.per_region.is_empty() {
            true => vec![home.clone()],
            false => {
                let others = self.order.per_region.iter().filter(|region| *region != home);
                let home = self.order.per_region.iter().filter(|region| *region == home);
                home.chain(others).cloned().collect()
            }
        }
    }

    fn is_per_region(&self) -> bool {
        !self.order.per_region.is_empty()
    }

    /// The trails that the policies let in.
    fn let_in(&self) -> Trails {
        Trails {
            name: Text::literal(&self.definition.name),
            region: match self.is_per_region() {
                true => Text::literal("*"),
                false => Text::literal(&self.place.region),
            },
        }
    }

    /// The ARNs of the trails.
    fn trail_arns(&self) -> Vec<String> {
        let name = &self.definition.name;
        let arn = |region: &String| self.place.in_region(region).trail_arn(name);
        self.regions().iter().map(arn).collect()
    }

    /// Whether the trail of this Region takes the events that have none.
    fn takes_global_events(&self, region: &str) -> bool {
        let partition = &self.place.partition;
        let home = GLOBAL_REGIONS.iter().find(|(name, _)| name == partition);
        match self.is_per_region() {
            true => home.is_some_and(|(_, global)| *global == region),
            false => self.definition.global_events,
        }
    }

    fn notes(&mut self) {
        let name = &self.definition.name;
        let region = self.place.region.clone();
        if self.definition.all_regions && !self.is_per_region() {
            let note = message!(
                "One trail of all Regions brings every Region's log files into {region}, where they are easy to search together. When most of what \
                 is logged comes from other Regions, their transfer between Regions costs more than it is worth: then make a trail with a bucket \
                 of its own in each of those Regions (--single-region --region REGION).",
                "全リージョンの証跡は各リージョンのログファイルを {region} に集めるため、まとめて分析しやすくなります。ただし、ログの多くが他のリージョンのものである場合は\
                 リージョン間の転送料金がかさみます。その場合はリージョンごとに証跡とバケットを作ることをお勧めします (--single-region --region REGION)。",
            );
            self.notes.push(note);
        }
        let is_global = |region: &String| self.takes_global_events(region);
        if self.is_per_region() && !self.regions().iter().any(is_global) {
            let note = message!(
                "None of the Regions is the one in which events without a Region (IAM, STS, CloudFront) happen: the trails {name} will not have them.",
                "リージョンを持たないイベント (IAM, STS, CloudFront) が記録されるリージョンが含まれていないため、証跡 {name} には記録されません。",
            );
            self.notes.push(note);
        }
    }

    fn finished(self, key: Option<KeyRef>, bucket_region: String) -> Prepared {
        let trails = self.trail_arns();
        Prepared {
            region: self.place.region.clone(),
            trails,
            bucket: self.place.bucket.clone(),
            bucket_region,
            prefix: self.definition.bucket.prefix.clone(),
            sealed: key.is_some(),
            key: key.filter(|key| key.is_there).map(|key| key.arn),
            caller: self.caller,
            checks: self.checks,
            steps: self.steps,
            notes: self.notes,
        }
    }
}

/// A policy before and after, to be shown.
fn shown(what: Message, before: &str, after: &str) -> Option<Shown> {
    let pretty = crate::text::policy;
    Some(Shown {
        what,
        before: pretty(before),
        after: pretty(after),
    })
}
