//! Every way an EC2 call fails, in AWS's code, status and words.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>

use base::Fault;
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// How much of a caller's text a message repeats.
const ECHO_CHARS_MAX: usize = 1_024;

/// The closed set of errors of this room.
#[derive(Debug)]
pub enum Ec2Error {
    /// The call was allowed and was only to find out whether it is.
    DryRunOperation,
    /// Ours.
    Fault(Fault),
    /// A parameter's value; AWS's words.
    InvalidParameterValue(String),
}

impl Ec2Error {
    pub(crate) fn invalid_filter(name: &str) -> Ec2Error {
        Ec2Error::InvalidParameterValue(format!("The filter '{}' is invalid", echo(name)))
    }

    pub(crate) fn invalid_region_names(names: &[&str]) -> Ec2Error {
        Ec2Error::InvalidParameterValue(format!("Invalid region names: [{}]", echo(&names.join(", "))))
    }
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO_CHARS_MAX).collect()
}

impl AwsError for Ec2Error {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Ec2Error::DryRunOperation => "DryRunOperation",
            Ec2Error::Fault(_) => "InternalError",
            Ec2Error::InvalidParameterValue(_) => "InvalidParameterValue",
        })
    }

    fn message(&self) -> String {
        match self {
            Ec2Error::DryRunOperation => "Request would have succeeded, but DryRun flag is set.".to_owned(),
            Ec2Error::Fault(_) => "An internal error has occurred".to_owned(),
            Ec2Error::InvalidParameterValue(message) => message.clone(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Ec2Error::DryRunOperation => 412,
            Ec2Error::Fault(_) => 500,
            Ec2Error::InvalidParameterValue(_) => 400,
        }
    }
}

impl OperationError for Ec2Error {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Ec2Error::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for Ec2Error {
    fn from(fault: Fault) -> Self {
        Ec2Error::Fault(fault)
    }
}

impl From<PortRefusal> for Ec2Error {
    /// This service makes no port calls; a refusal can only be a mistake of ours.
    fn from(_: PortRefusal) -> Self {
        Ec2Error::Fault(Fault::Bug("EC2 was refused by a port"))
    }
}
