//! A trail said on the command line, or in a file: what the commands that make or write down trails have in common.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use operator::{
    template::Text,
    trail::{DataResource, Definition, EventSelector, Key, LifecycleRule, Logs, Notation, Topic},
};
use std::{
    io::{IsTerminal, Read},
    path::Path,
};

/// Parts of a trail that are said on the command line. They stand above what the definition says.
#[derive(Args)]
#[command(next_help_heading = "The trail")]
pub(crate) struct TrailArgs {
    /// Its name [default: trail].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The account; no other is touched [default: that of the credentials].
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// Record the events of one Region only, and of none without a Region.
    #[arg(long)]
    pub(crate) single_region: bool,
    /// The bucket to make [default: cloudtrail-{account}-{region}].
    #[arg(long, value_name = "NAME")]
    pub(crate) bucket: Option<String>,
    /// A bucket that is there already. Its policy must let the trail in.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["bucket", "expire_days"])]
    pub(crate) existing_bucket: Option<String>,
    /// What the keys of log files begin with, before AWSLogs/.
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    /// Delete log files after so many days [default: never].
    #[arg(long, value_name = "DAYS")]
    pub(crate) expire_days: Option<u32>,
    /// The alias of the key to make [default: alias/cloudtrail].
    #[arg(long, value_name = "ALIAS")]
    pub(crate) key_alias: Option<String>,
    /// A key that is there already, by its ARN. Its policy must let the trail in; `trail setup` adds what it lacks.
    #[arg(long, value_name = "ARN", conflicts_with = "key_alias")]
    pub(crate) existing_key: Option<String>,
    /// Seal by S3's own keys instead of a key of yours.
    #[arg(long, conflicts_with_all = ["key_alias", "existing_key", "reader"])]
    pub(crate) no_key: bool,
    /// The ARN of a user or role that may open log files by the key; may be given again. It needs rights on the bucket, too.
    #[arg(long, value_name = "ARN")]
    pub(crate) reader: Vec<String>,
    /// Write events to a log group of CloudWatch Logs, too [default group: CloudTrail].
    #[arg(long, value_name = "GROUP", num_args = 0..=1, default_missing_value = "CloudTrail")]
    pub(crate) logs: Option<String>,
    /// Tell a new topic of each log file [default topic: cloudtrail].
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "cloudtrail")]
    pub(crate) topic: Option<String>,
    /// Record data events of these, too; may be given again. Beware of the trail's own bucket: each log file would be an event.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) data_events: Vec<DataEvents>,
}

/// What becomes of a key that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Nothing.
    AsItIs,
    /// Its policy gets what it lacks.
    Completed,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DataEvents {
    /// Objects in all buckets.
    S3,
    /// Invocations of all functions.
    Lambda,
    /// Items of all tables.
    Dynamodb,
}

pub(crate) fn definition_of(path: &Path) -> Result<Definition> {
    let mut text = String::new();
    if path == Path::new("-") {
        if std::io::stdin().is_terminal() {
            bail!(
                "standard input is a terminal: give it a definition, as in `shoseki template --definition - < audit.yaml`"
            );
        }
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    }
    let notation = Notation::of_name(&path.to_string_lossy());
    Definition::parse(&text, notation).with_context(|| format!("`{}` cannot be used", path.display()))
}

impl TrailArgs {
    /// Puts the options above what the definition says. An option about what is there already would do nothing: it is an
    /// error.
    pub(crate) fn apply(&self, trail: &mut Definition, existing: Existing) -> Result<()> {
        if let Some(name) = &self.name {
            trail.name.clone_from(name);
        }
        trail.account = self.account.clone().or_else(|| trail.account.take());
        if self.single_region {
            (trail.all_regions, trail.global_events) = (false, false);
        }
        self.apply_bucket(trail);
        self.apply_key(trail);
        self.check_existing(trail, existing)?;
        if let Some(group) = &self.logs {
            trail.logs.get_or_insert_with(Logs::default).group = Text::parse(group);
        }
        if let Some(name) = &self.topic {
            trail.topic.get_or_insert_with(Topic::default).name = Text::parse(name);
        }
        if !self.data_events.is_empty() {
            trail.event_selectors = vec![EventSelector {
                data_resources: self.data_events.iter().map(|kind| kind.resource()).collect(),
                ..EventSelector::default()
            }];
        }
        Ok(())
    }

    /// Nothing is written about what is there already.
    fn check_existing(&self, trail: &Definition, existing: Existing) -> Result<()> {
        let key = trail.key.as_ref().and_then(|key| key.existing.as_ref());
        let bucket = Some(&trail.bucket.name).filter(|_| trail.bucket.existing);
        let logs = trail.logs.as_ref().filter(|logs| logs.existing).map(|logs| &logs.group);
        let topic = trail
            .topic
            .as_ref()
            .filter(|topic| topic.existing)
            .map(|topic| &topic.name);
        let options = [
            ("--key-alias", self.key_alias.is_some(), "key", key),
            (
                "--reader",
                !self.reader.is_empty() && existing == Existing::AsItIs,
                "key",
                key,
            ),
            ("--expire-days", self.expire_days.is_some(), "bucket", bucket),
            ("--logs", self.logs.is_some(), "log group", logs),
            ("--topic", self.topic.is_some(), "topic", topic),
        ];
        for (option, is_given, kind, existing) in options {
            if let Some(name) = existing.filter(|_| is_given) {
                bail!(
                    "{option} is for a {kind} that is made, but the definition names one that is there already, `{name}`: \
                     leave out the option, or `existing` in the definition"
                );
            }
        }
        Ok(())
    }

    fn apply_bucket(&self, trail: &mut Definition) {
        if let Some(name) = self.bucket.as_ref().or(self.existing_bucket.as_ref()) {
            trail.bucket.name = Text::parse(name);
            trail.bucket.existing = self.existing_bucket.is_some();
        }
        if let Some(prefix) = &self.prefix {
            trail.bucket.prefix = Some(prefix.trim_end_matches('/').to_owned()).filter(|prefix| !prefix.is_empty());
        }
        if let Some(days) = self.expire_days {
            trail.bucket.lifecycle = vec![LifecycleRule {
                id: Text::literal("log-files-end"),
                expire_days: Some(days),
                noncurrent_expire_days: Some(days),
                ..LifecycleRule::default()
            }];
        }
    }

    fn apply_key(&self, trail: &mut Definition) {
        if self.no_key {
            trail.key = None;
        }
        if let Some(alias) = &self.key_alias {
            let alias = Text::parse(alias);
            trail.key.get_or_insert_with(Key::default).alias = Some(alias);
        }
        if let Some(arn) = &self.existing_key {
            trail.key.get_or_insert_with(Key::default).existing = Some(Text::parse(arn));
        }
        if !self.reader.is_empty() {
            let readers = self.reader.iter().map(|reader| Text::parse(reader)).collect();
            trail.key.get_or_insert_with(Key::default).readers = readers;
        }
    }
}

impl DataEvents {
    /// By its word.
    pub(crate) fn named(word: &str) -> Option<DataEvents> {
        DataEvents::from_str(word, true).ok()
    }

    pub(crate) fn resource(self) -> DataResource {
        let (kind, value) = match self {
            DataEvents::S3 => ("AWS::S3::Object", "arn:{partition}:s3"),
            DataEvents::Lambda => ("AWS::Lambda::Function", "arn:{partition}:lambda"),
            DataEvents::Dynamodb => ("AWS::DynamoDB::Table", "arn:{partition}:dynamodb"),
        };
        DataResource {
            kind: kind.to_owned(),
            values: vec![Text::parse(value)],
        }
    }
}
