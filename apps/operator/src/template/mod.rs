//! Definitions of trails written down: as a CloudFormation template, a Terraform configuration, a script of AWS CLI commands.
//!
//! The same definition always gives the same text. What is written can be deployed as it is.

mod cloudformation;
mod hcl;
mod per_region;
mod shell;
mod terraform;
mod text;
mod yaml;

pub(crate) use per_region::GLOBAL_REGIONS;
pub(crate) use text::json_inner;
pub use text::{Part, Text, Tree};
pub use yaml::scalar as yaml_scalar;

use crate::trail::{Definition, InvalidDefinition};

/// What a trail is written down as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A CloudFormation template in YAML.
    CloudFormation,
    /// A Terraform configuration for the provider `hashicorp/aws`.
    Terraform,
    /// A script for bash with the commands of the AWS CLI.
    Cli,
}

/// The definition in this format. `remarks` are said at its head, a line each.
pub fn write(definition: &Definition, format: Format, remarks: &[String]) -> Result<String, InvalidDefinition> {
    definition.check()?;
    Ok(match format {
        Format::CloudFormation => cloudformation::write(definition, remarks),
        Format::Terraform => terraform::write(definition, remarks),
        Format::Cli => shell::write(definition, remarks),
    })
}

/// The CloudFormation template of single-Region trails, to be deployed in every Region: the bucket, the key and the role are
/// made in the home Region and shared, global events are recorded there alone.
pub fn per_region_trail() -> String {
    per_region::write()
}
