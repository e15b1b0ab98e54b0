//! `shoseki template`: a sealed trail written down, to be deployed by CloudFormation, Terraform or the AWS CLI.

use crate::style::say;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use operator::{
    aws::{Environment, Settings},
    template::{self, Format, Text},
    trail::{self, DataResource, Definition, EventSelector, Key, LifecycleRule, Logs, Notation, Observed, Topic},
};
use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki template --name audit --logs > trail.yaml
  aws cloudformation deploy --stack-name audit --template-file trail.yaml --capabilities CAPABILITY_NAMED_IAM

  shoseki template --name audit --format cli | bash
  shoseki template --definition audit.yaml --format terraform --output audit.tf
  shoseki template --example per-region-trail --output per-region.yaml

Names may hold {account}, {region} and {partition}, which are filled in where the trail is made.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TemplateArgs {
    /// What to write.
    #[arg(long, value_enum, default_value_t = FormatArg::Cloudformation)]
    format: FormatArg,
    /// Write into this file [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    trail: TrailArgs,
}

/// How to reach what is there. What is not said is read where the AWS CLI reads it.
#[derive(Args)]
#[command(next_help_heading = "With --from-trail")]
struct AccessArgs {
    /// A profile of ~/.aws/config.
    #[arg(long, requires = "from_trail")]
    profile: Option<String>,
    /// Another place than AWS.
    #[arg(long, value_name = "URL", requires = "from_trail")]
    endpoint_url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// A CloudFormation template in YAML.
    Cloudformation,
    /// A Terraform configuration for the provider hashicorp/aws.
    Terraform,
    /// A bash script with commands of the AWS CLI.
    Cli,
}

#[derive(Args)]
#[group(multiple = false)]
struct SourceArgs {
    /// A file that says what the trail is, in YAML, JSON or TOML by its name; `-` is standard input, in YAML.
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    /// A trail that is there, by its name or ARN: on AWS, or where AWS_ENDPOINT_URL points. Only reads.
    #[arg(long, value_name = "NAME", conflicts_with = "account")]
    from_trail: Option<String>,
    /// One of the templates that come with the product.
    #[arg(long, value_enum)]
    example: Option<Example>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Example {
    /// A trail in every Region with one bucket, key and role for all of them: one template, deployed in each Region.
    PerRegionTrail,
}

/// Parts of a trail that are said on the command line. They stand above what the definition says.
#[derive(Args)]
#[command(next_help_heading = "The trail")]
struct TrailArgs {
    /// Its name [default: trail].
    #[arg(long, conflicts_with = "example")]
    name: Option<String>,
    /// Its home Region [default: where the template is deployed].
    #[arg(long, conflicts_with = "example")]
    region: Option<String>,
    /// The account; scripts refuse any other [default: where the template is deployed].
    #[arg(long, conflicts_with = "example")]
    account: Option<String>,
    /// Record the events of one Region only, and of none without a Region.
    #[arg(long, conflicts_with = "example")]
    single_region: bool,
    /// The bucket to make [default: cloudtrail-{account}-{region}].
    #[arg(long, value_name = "NAME", conflicts_with = "example")]
    bucket: Option<String>,
    /// A bucket that is there already. Its policy must let the trail in.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["bucket", "expire_days", "example"])]
    existing_bucket: Option<String>,
    /// What the keys of log files begin with, before AWSLogs/.
    #[arg(long, conflicts_with = "example")]
    prefix: Option<String>,
    /// Delete log files after so many days [default: never].
    #[arg(long, value_name = "DAYS", conflicts_with = "example")]
    expire_days: Option<u32>,
    /// The alias of the key to make [default: alias/cloudtrail].
    #[arg(long, value_name = "ALIAS", conflicts_with = "example")]
    key_alias: Option<String>,
    /// The ARN of a key that is there already. Its policy must let the trail in.
    #[arg(long, value_name = "ARN", conflicts_with_all = ["key_alias", "reader", "example"])]
    existing_key: Option<String>,
    /// Seal by S3's own keys instead of a key of yours.
    #[arg(long, conflicts_with_all = ["key_alias", "existing_key", "reader", "example"])]
    no_key: bool,
    /// The ARN of a user or role that may open log files by the key; may be given again. It needs rights on the bucket, too.
    #[arg(long, value_name = "ARN", conflicts_with = "example")]
    reader: Vec<String>,
    /// Write events to a log group of CloudWatch Logs, too [default group: CloudTrail].
    #[arg(long, value_name = "GROUP", num_args = 0..=1, default_missing_value = "CloudTrail", conflicts_with = "example")]
    logs: Option<String>,
    /// Tell a new topic of each log file [default topic: cloudtrail].
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "cloudtrail", conflicts_with = "example")]
    topic: Option<String>,
    /// Record data events of these, too; may be given again. Beware of the trail's own bucket: each log file would be an event.
    #[arg(long, value_enum, value_name = "KIND", conflicts_with = "example")]
    data_events: Vec<DataEvents>,
}

#[derive(Clone, Copy, ValueEnum)]
enum DataEvents {
    /// Objects in all buckets.
    S3,
    /// Invocations of all functions.
    Lambda,
    /// Items of all tables.
    Dynamodb,
}

pub(crate) async fn run(args: TemplateArgs) -> Result<ExitCode> {
    let text = match args.source.example {
        Some(Example::PerRegionTrail) if args.format != FormatArg::Cloudformation => {
            bail!("this example is a CloudFormation template only: leave --format out");
        }
        Some(Example::PerRegionTrail) => template::per_region_trail(),
        None => {
            let Observed {
                mut definition,
                remarks,
            } = source(&args).await?;
            for remark in &remarks {
                eprintln!("shoseki: note: {remark}");
            }
            let home = definition.region.clone();
            args.trail.apply(&mut definition)?;
            if args.source.from_trail.is_some() {
                // Where a trail was found its home is known, and the Region that was asked may be another.
                definition.region = home;
            }
            template::write(&definition, args.format.into(), &remarks)?
        }
    };
    match &args.output {
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?,
        None => say(text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// The trail, before what the command line says of it.
async fn source(args: &TemplateArgs) -> Result<Observed> {
    if let Some(name) = &args.source.from_trail {
        let region = args.trail.region.as_deref();
        let access = &args.access;
        let settings = Settings::read(
            Environment::new(std::env::vars()),
            access.profile.as_deref(),
            region,
            access.endpoint_url.as_deref(),
        )?;
        let observed = trail::observe(&settings.client()?, name).await;
        let mut observed = observed.with_context(|| format!("the trail `{name}` cannot be read"))?;
        let origin = format!("Written from the trail {name} as it was found.");
        observed.remarks.insert(0, origin);
        return Ok(observed);
    }
    let definition = match &args.source.definition {
        Some(path) => definition_of(path)?,
        None => Definition::default(),
    };
    let remarks = Vec::new();
    Ok(Observed { definition, remarks })
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Format {
        match format {
            FormatArg::Cloudformation => Format::CloudFormation,
            FormatArg::Terraform => Format::Terraform,
            FormatArg::Cli => Format::Cli,
        }
    }
}

fn definition_of(path: &Path) -> Result<Definition> {
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
    fn apply(&self, trail: &mut Definition) -> Result<()> {
        if let Some(name) = &self.name {
            trail.name.clone_from(name);
        }
        trail.region = self.region.clone().or_else(|| trail.region.take());
        trail.account = self.account.clone().or_else(|| trail.account.take());
        if self.single_region {
            (trail.all_regions, trail.global_events) = (false, false);
        }
        self.apply_bucket(trail);
        self.apply_key(trail);
        self.check_existing(trail)?;
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
    fn check_existing(&self, trail: &Definition) -> Result<()> {
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
            ("--reader", !self.reader.is_empty(), "key", key),
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
    fn resource(self) -> DataResource {
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
