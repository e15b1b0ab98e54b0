//! What is to be so: levels, items, what is left out, whose rights are used, and when.

use super::Schedule;
use crate::{
    message::Message,
    trail::{Notation, parsed},
};
use serde::{Deserialize, Serialize};
/// A baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Baseline {
    /// The account; any other is refused. Without one, the role's or the caller's.
    pub account: Option<String>,
    /// The ARN of the role that it acts as.
    pub role: Option<String>,
    /// Whether it reports what differs, or puts it back.
    pub mode: Mode,
    /// When it runs.
    pub schedule: Schedule,
    /// The items that are opted in at the basic level.
    pub basic: Levels,
    /// The items that are opted in at the secure level, which wins.
    pub secure: Levels,
    /// Regions whose trails and recorders are left alone.
    pub exclude_regions: Vec<String>,
    /// Trails (by name or ARN) and buckets (by name) that are left alone.
    pub exclude_resources: Vec<String>,
    /// The trails of the item `cloudtrail`.
    pub trails: Vec<GuardedTrail>,
}

impl Default for Baseline {
    fn default() -> Baseline {
        Baseline {
            account: None,
            role: None,
            mode: Mode::Report,
            schedule: Schedule::default(),
            basic: Levels::default(),
            secure: Levels::default(),
            exclude_regions: Vec::new(),
            exclude_resources: Vec::new(),
            trails: Vec::new(),
        }
    }
}

/// What it does about what differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It says so.
    #[default]
    Report,
    /// It puts it back.
    Enforce,
}

/// Which items are opted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Levels {
    /// Trails and the default encryption of their buckets.
    pub cloudtrail: bool,
    /// AWS Config's recorders.
    pub config: bool,
}

/// A level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As an account is handed over: log files are sealed by S3's own keys.
    Basic,
    /// Log files are sealed by a key of the account's own.
    Secure,
}

/// Something that can be opted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// Trails and the default encryption of their buckets.
    CloudTrail,
    /// AWS Config's recorders.
    Config,
}

/// A trail that is kept as it should be: of all Regions, logging, with validation, and by level sealed by its key or by S3's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardedTrail {
    /// Its name.
    pub name: String,
    /// Its home Region.
    pub home_region: String,
    /// The ARN of the key of the secure level.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether the default encryption of its bucket is kept, too.
    #[serde(default = "yes")]
    pub bucket_default: bool,
    /// Whether S3 may use one data key for many objects, where the bucket's default is the key.
    #[serde(default)]
    pub bucket_key: bool,
}

fn yes() -> bool {
    true
}

/// A baseline that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidBaseline(String);

impl Baseline {
    /// Reads and checks a baseline. What it does not say is as in [`Baseline::default`], in which nothing is opted in.
    pub fn parse(text: &str, notation: Notation) -> Result<Baseline, InvalidBaseline> {
        let baseline: Baseline =
            parsed(text, notation).map_err(|fault| InvalidBaseline(format!("this is no baseline: {fault}")))?;
        baseline.check().map_err(InvalidBaseline)?;
        Ok(baseline)
    }

    fn check(&self) -> Result<(), String> {
        self.schedule.check()?;
        let is_account = |text: &String| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if let Some(account) = self.account.as_ref().filter(|account| !is_account(account)) {
            return Err(format!("`{account}` is no account: it has twelve digits"));
        }
        if let Some(role) = &self.role {
            let parts = base::arn::split(role).filter(|parts| parts.service == "iam");
            let of_role = parts.ok_or_else(|| format!("`{role}` is no ARN of a role"))?.account;
            if self.account.as_ref().is_some_and(|account| account != of_role) {
                return Err(format!("the role {role} is of another account"));
            }
        }
        if self.level(Item::CloudTrail).is_some() && self.trails.is_empty() {
            return Err("the item cloudtrail is opted in, and no trail is named under `trails`".to_owned());
        }
        let is_key = |key: &str| {
            let parts = base::arn::split(key).filter(|parts| parts.service == "kms");
            parts.is_some_and(|parts| parts.resource.starts_with("key/"))
        };
        // CloudTrail tells the key by its ARN: anything else would differ for ever.
        let mut keys = self.trails.iter().filter_map(|trail| trail.key.as_deref());
        if let Some(key) = keys.find(|key| !is_key(key)) {
            return Err(format!(
                "`{key}` is no ARN of a key: give the key by its ARN, not by its id or alias"
            ));
        }
        let keyless = self.trails.iter().find(|trail| trail.key.is_none());
        match keyless.filter(|_| self.level(Item::CloudTrail) == Some(Level::Secure)) {
            Some(trail) => Err(format!(
                "the trail {} has no `key`, which the secure level needs",
                trail.name
            )),
            None => Ok(()),
        }
    }

    /// The level at which an item is kept; nothing when it is opted in at none. Secure wins.
    pub fn level(&self, item: Item) -> Option<Level> {
        let of = |levels: Levels| match item {
            Item::CloudTrail => levels.cloudtrail,
            Item::Config => levels.config,
        };
        match (of(self.secure), of(self.basic)) {
            (true, _) => Some(Level::Secure),
            (false, true) => Some(Level::Basic),
            (false, false) => None,
        }
    }

    /// Whether what is in this Region is left alone.
    pub fn excludes_region(&self, region: &str) -> bool {
        self.exclude_regions.iter().any(|excluded| excluded == region)
    }

    /// Whether a resource of one of these names is left alone.
    pub fn excludes(&self, names: &[&str]) -> bool {
        self.exclude_resources
            .iter()
            .any(|excluded| names.contains(&excluded.as_str()))
    }

    /// What tells this baseline from another: it changes with everything that changes what a run does.
    pub fn identity(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text))
    }
}

impl Item {
    /// For people.
    pub fn named(self) -> Message {
        Message::plain(match self {
            Item::CloudTrail => "cloudtrail",
            Item::Config => "config",
        })
    }
}

impl Level {
    /// For people.
    pub fn named(self) -> Message {
        match self {
            Level::Basic => Message::new("basic", "ベーシック"),
            Level::Secure => Message::new("secure", "セキュア"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const YAML: &str = "
account: '000000000000'
role: arn:aws:iam::000000000000:role/maintenance
mode: enforce
secure: { cloudtrail: true }
basic: { cloudtrail: true, config: true }
exclude_regions: [eu-west-1]
trails:
  - { name: Members, home_region: ap-northeast-1, key: 'arn:aws:kms:ap-northeast-1:000000000000:key/k' }
";

    #[test]
    fn a_baseline_is_read_in_three_notations() {
        let of_yaml = Baseline::parse(YAML, Notation::Yaml).unwrap();
        assert_eq!(of_yaml.level(Item::CloudTrail), Some(Level::Secure));
        assert_eq!(of_yaml.level(Item::Config), Some(Level::Basic));
        let json = serde_json::to_string(&of_yaml).unwrap();
        assert_eq!(Baseline::parse(&json, Notation::Json).unwrap(), of_yaml);
        let toml = toml::to_string(&of_yaml).unwrap();
        assert_eq!(Baseline::parse(&toml, Notation::Toml).unwrap(), of_yaml);
        let other = YAML.replace("enforce", "report");
        let other = Baseline::parse(&other, Notation::Yaml).unwrap();
        assert_ne!(other.identity(), of_yaml.identity());
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_its_fault() {
        for (text, fault) in [
            ("mod: enforce", "unknown field `mod`"),
            ("schedule: { time_zone: Mars }", "Mars"),
            ("account: '1'", "twelve digits"),
            ("role: x", "no ARN of a role"),
            (
                "trails: [{ name: a, home_region: us-east-1, key: alias/k }]",
                "no ARN of a key",
            ),
            (
                "account: '111111111111'\nrole: arn:aws:iam::000000000000:role/r",
                "another account",
            ),
            ("basic: { cloudtrail: true }", "no trail is named"),
            (
                "secure: { cloudtrail: true }\ntrails: [{ name: a, home_region: us-east-1 }]",
                "no `key`",
            ),
        ] {
            let found = Baseline::parse(text, Notation::Yaml).unwrap_err().to_string();
            assert!(found.contains(fault), "{text}: {found}");
        }
    }

    proptest! {
        /// Secure wins, basic is second, and what is opted in nowhere is left alone, for each item by itself.
        #[test]
        fn secure_wins(basic_trail: bool, basic_config: bool, secure_trail: bool, secure_config: bool) {
            let baseline = Baseline {
                basic: Levels { cloudtrail: basic_trail, config: basic_config },
                secure: Levels { cloudtrail: secure_trail, config: secure_config },
                ..Baseline::default()
            };
            let expected = |basic: bool, secure: bool| {
                let basic = basic.then_some(Level::Basic);
                if secure { Some(Level::Secure) } else { basic }
            };
            prop_assert_eq!(baseline.level(Item::CloudTrail), expected(basic_trail, secure_trail));
            prop_assert_eq!(baseline.level(Item::Config), expected(basic_config, secure_config));
        }
    }
}
