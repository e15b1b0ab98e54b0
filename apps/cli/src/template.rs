//! `shoseki template`: a sealed trail written down, to be deployed by CloudFormation, Terraform or the AWS CLI.

use crate::{
    style::say,
    trail_args::{Existing, TrailArgs, definition_of},
};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use operator::{
    aws::{Environment, Settings},
    template::{self, Format},
    trail::{self, Definition, Observed},
};
use std::{path::PathBuf, process::ExitCode};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki template --name audit --logs > trail.yaml
  aws cloudformation deploy --stack-name audit --template-file trail.yaml --capabilities CAPABILITY_NAMED_IAM

  shoseki template --name audit --format cli | bash
  shoseki template --definition audit.yaml --format terraform --output audit.tf
  shoseki template --example per-region-trail --output per-region.yaml

Names may hold {account}, {region} and {partition}, which are filled in where the trail is made.

Exit status: 0 written; 1 failed, or the definition cannot be written in this format; 2 wrong usage.";

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
    /// The trail's home Region [default: where the template is deployed].
    #[arg(long, conflicts_with = "example", help_heading = "The trail")]
    region: Option<String>,
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
    #[arg(long, value_enum, conflicts_with = "TrailArgs")]
    example: Option<Example>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Example {
    /// A trail in every Region with one bucket, key and role for all of them: one template, deployed in each Region.
    PerRegionTrail,
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
            definition.region = args.region.clone().or_else(|| definition.region.take());
            args.trail.apply(&mut definition, Existing::AsItIs)?;
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
        let region = args.region.as_deref();
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
