//! What `shoseki check` is told.

use crate::{
    changes::ChangeOptions,
    operate::{Access, Output, tr},
};
use anyhow::{Result, bail};
use base::Timestamp;
use clap::{Args, ValueEnum};
use operator::{
    check::{CONTROLS, Control, FixOptions, Framework, Options, Severity, controls_named},
    message::Language,
    survey::{Depth, What},
};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Controls go by today's ids of Security Hub (CloudTrail.2), by rules of AWS Config (CLOUD_TRAIL_ENCRYPTION_ENABLED), and by the
numbers of a framework (cis-3.0:3.5). Controls of this product's own begin with Shoseki.

Frameworks: cis-1.2, cis-1.4, cis-1.5, cis-2.0, cis-3.0, cis-4.0, cis-5.0, cis-6.0, cis-7.0, security-hub, pci-3.2.1, pci-4.0.1,
nist-800-53, nist-800-171, config, seeds (CIS 1.2, PCI.CloudTrail and the CloudTrail numbers of 2022, side by side), shoseki.

PASSED, FAILED; WARNING where it depends on what is intended and was not said; NOT_AVAILABLE where a call that decides it was
refused or is not served: the call is named.

Examples:
  shoseki check --framework cis-3.0,pci-4.0.1
  shoseki check --reader arn:aws:iam::111122223333:role/auditor --retention 1095 --output html --out trails.html
  shoseki check --output sarif --out trails.sarif --fail-on high
  shoseki check --fix CloudTrail.4 KMS.4 --dry-run

Exit status: 0 no control failed; 1 the check could not be made; 2 wrong usage; 3 a control failed that matters as much as
--fail-on says (with --strict, also one that is not available); 130 interrupted.";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(super) access: Access,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    intent: Intent,
    /// Look at a survey that was saved, instead of the account.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fix", "save_survey", "regions", "trail"])]
    pub(super) from: Option<PathBuf>,
    /// Save what was read, for --from.
    #[arg(long, value_name = "FILE")]
    pub(super) save_survey: Option<PathBuf>,
    /// As of this time, in RFC 3339 [default: now; of a saved survey, when it was made].
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<String>,
    #[command(flatten)]
    pub(super) verdict: Verdict,
    #[command(flatten)]
    fixing: Fixing,
    #[command(flatten)]
    pub(super) change: ChangeOptions,
}

#[derive(Args)]
#[command(next_help_heading = "What to look at")]
struct Which {
    /// These trails alone, by name or ARN.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    trail: Vec<String>,
    /// These Regions alone.
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    regions: Vec<String>,
    /// The controls of these frameworks alone.
    #[arg(long, value_name = "FRAMEWORK", value_delimiter = ',', value_parser = framework)]
    framework: Vec<Framework>,
    /// These controls alone.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    control: Vec<String>,
    /// The controls alone that matter so much at least.
    #[arg(long, value_enum)]
    severity: Option<Matters>,
}

#[derive(Args)]
#[command(next_help_heading = "What is intended")]
struct Intent {
    /// The ARN of someone who is to read the log files.
    #[arg(long, value_name = "ARN", value_delimiter = ',')]
    reader: Vec<String>,
    /// The ARN of someone who is to administer trails, their buckets and keys.
    #[arg(long, value_name = "ARN", value_delimiter = ',')]
    administrator: Vec<String>,
    /// Another account that may be let in.
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    trusted_account: Vec<String>,
    /// How many days log files have to be kept [default: 365, and less is a warning].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    retention: Option<u32>,
    /// A tag that every trail has to have [default: any tag].
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    required_tag: Vec<String>,
    /// In how many hours events must have gone to CloudWatch Logs [default: not looked at].
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    delivery_window: Option<u32>,
}

#[derive(Args)]
#[command(next_help_heading = "What is said")]
pub(super) struct Verdict {
    /// How the report is written.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    pub(super) output: Form,
    /// Into this file [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// End with status 3 when a control failed that matters so much.
    #[arg(long, value_enum, default_value_t = Matters::Low)]
    pub(super) fail_on: Matters,
    /// End with status 3 also when a control is not available.
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Args)]
#[command(next_help_heading = "What to put right")]
struct Fixing {
    /// Put failed controls right, these or all that can be: shown first, asked for, then checked again.
    #[arg(long, value_name = "CONTROL", num_args = 0.., value_delimiter = ',')]
    fix: Option<Vec<String>>,
    /// The ARN of the key for trails and buckets without one.
    #[arg(long, value_name = "ARN", requires = "fix")]
    key: Option<String>,
    /// The bucket that accesses to the bucket of the log files are to be logged to.
    #[arg(long, value_name = "BUCKET", requires = "fix")]
    access_log_bucket: Option<String>,
    /// A tag for trails without tags.
    #[arg(long, value_name = "KEY=VALUE", requires = "fix")]
    tag: Vec<String>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    #[value(alias = "text")]
    Table,
    /// One JSON document, in English.
    Json,
    /// JUnit XML, for CI.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// One page with pictures.
    Html,
}

/// How much a control matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Matters {
    /// Every control.
    Low,
    /// Medium and above.
    Medium,
    /// High and critical.
    High,
    /// The critical ones.
    Critical,
}

impl From<Matters> for Severity {
    fn from(matters: Matters) -> Severity {
        match matters {
            Matters::Low => Severity::Low,
            Matters::Medium => Severity::Medium,
            Matters::High => Severity::High,
            Matters::Critical => Severity::Critical,
        }
    }
}

fn framework(name: &str) -> Result<Framework, String> {
    let known = || Framework::all().map(Framework::name).collect::<Vec<_>>().join(", ");
    Framework::named(name).ok_or_else(|| format!("there is no framework of this name; there are {}", known()))
}

/// The controls of these names; an unknown name is an error.
pub(super) fn controls(names: &[String], language: Language) -> Result<Vec<&'static Control>> {
    let mut all = Vec::new();
    for name in names {
        let found = controls_named(name);
        if found.is_empty() {
            bail!(tr!(
                language,
                "there is no control `{name}`; `shoseki check --help` says how they are named",
                "コントロール `{name}` はありません。名前の書き方は `shoseki check --help` にあります。"
            ));
        }
        all.extend(found);
    }
    Ok(all)
}

impl CheckArgs {
    pub(super) fn options(&self, language: Language) -> Result<Options> {
        let Which { framework, control, .. } = &self.which;
        let mut wanted = controls(control, language)?;
        let in_frameworks =
            |control: &&Control| framework.iter().any(|framework| !framework.numbers(control).is_empty());
        wanted.extend(CONTROLS.iter().filter(in_frameworks));
        let intent = &self.intent;
        Ok(Options {
            controls: wanted,
            severity: self.which.severity.map(Severity::from),
            readers: intent.reader.clone(),
            administrators: intent.administrator.clone(),
            trusted_accounts: intent.trusted_account.clone(),
            retention_days: intent.retention,
            required_tags: intent.required_tag.clone(),
            delivery_window_hours: intent.delivery_window,
        })
    }

    pub(super) fn what(&self) -> What {
        let named = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
        What {
            regions: named(&self.which.regions),
            trails: named(&self.which.trail),
            depth: Depth::Full,
            ..What::default()
        }
    }

    /// The time as of which is checked.
    pub(super) fn time(&self, now: Timestamp, language: Language) -> Result<Timestamp> {
        let Some(text) = &self.at else { return Ok(now) };
        match Timestamp::parse(text) {
            Some(at) => Ok(at),
            None => bail!(tr!(
                language,
                "`{text}` is no time in RFC 3339, such as 2026-01-31T12:00:00Z",
                "`{text}` は RFC 3339 の時刻ではありません。2026-01-31T12:00:00Z のように書いてください。"
            )),
        }
    }

    pub(super) fn fix(&self) -> Option<&[String]> {
        self.fixing.fix.as_deref()
    }

    pub(super) fn fix_options(&self, without_tls: bool) -> Result<FixOptions> {
        let pair = |text: &String| match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => bail!("`{text}` is no tag: KEY=VALUE"),
        };
        Ok(FixOptions {
            key: self.fixing.key.clone(),
            access_log_bucket: self.fixing.access_log_bucket.clone(),
            tags: self.fixing.tag.iter().map(pair).collect::<Result<_>>()?,
            without_tls,
        })
    }

    /// Where the words about a change go: beside a report that is for machines.
    pub(super) fn words(&self) -> Output {
        match self.verdict.output {
            Form::Table => Output::Text,
            _ => Output::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_what_there_is() {
        let help = AFTER_HELP;
        for framework in Framework::all() {
            assert!(help.contains(&framework.name()), "{}", framework.name());
        }
        assert_eq!(operator::check::RETENTION_DAYS, 365, "as --retention says");
    }
}
