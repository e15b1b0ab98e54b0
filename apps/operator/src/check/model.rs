//! What a check says: findings, each of a control and a resource, and the report that they make up.

use super::controls::Control;
use crate::{change::Step, message::Message, survey::Missing};
use serde::Serialize;

/// What became of a control on a resource, in the words of AWS Security Hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It is as it should be.
    Passed,
    /// It may be as it should be: what was said of the intent does not decide it.
    Warning,
    /// A call that decides it was refused, or is not served.
    NotAvailable,
    /// It is not as it should be.
    Failed,
}

impl Status {
    /// As it is written in findings.
    pub fn name(self) -> &'static str {
        match self {
            Status::Passed => "PASSED",
            Status::Warning => "WARNING",
            Status::NotAvailable => "NOT_AVAILABLE",
            Status::Failed => "FAILED",
        }
    }
}

/// How much a failed control matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Good to have.
    Low,
    /// To be put right.
    Medium,
    /// To be put right soon.
    High,
    /// To be put right now.
    Critical,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Severity; 4] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

    /// As it is written in findings.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "LOW",
            Severity::Medium => "MEDIUM",
            Severity::High => "HIGH",
            Severity::Critical => "CRITICAL",
        }
    }

    /// Its place on the scale of 0 to 100 that findings of Security Hub have.
    /// SPEC: <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html>
    pub fn normalized(self) -> u8 {
        match self {
            Severity::Low => 1,
            Severity::Medium => 40,
            Severity::High => 70,
            Severity::Critical => 90,
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// `AWS::CloudTrail::Trail`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its ARN; of an account, `AWS::::Account:` and its number.
    pub id: String,
    /// Where it is.
    pub region: String,
}

/// How a finding is put right.
#[derive(Clone, Debug, PartialEq)]
pub enum Fix {
    /// By these steps.
    Steps(Vec<Step>),
    /// By hand: what to run, or what has to be known before it can be said.
    Manual(Message),
    /// There is nothing to put right.
    None,
}

/// What a control says of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The control.
    pub control: &'static Control,
    /// What it is about.
    pub resource: Resource,
    /// What became of it.
    pub status: Status,
    /// Why; a sentence each, at least one.
    pub reasons: Vec<Message>,
    /// The calls that would have decided it, when it is not available.
    pub missing: Vec<Missing>,
}

/// How many findings there are of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// As they should be.
    pub passed: usize,
    /// Not as they should be.
    pub failed: usize,
    /// Undecided for want of intent.
    pub warning: usize,
    /// Undecided for want of an answer.
    pub not_available: usize,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The account.
    pub account: String,
    /// Its partition.
    pub partition: String,
    /// Who asked.
    pub caller: String,
    /// The Regions that were asked.
    pub regions: Vec<String>,
    /// The time as of which it is true, in RFC 3339.
    pub checked_at: String,
    /// The controls that were looked at, in the table's order.
    pub controls: Vec<&'static Control>,
    /// The findings, in the order of the controls.
    pub findings: Vec<Finding>,
    /// The trails and what they need, to be drawn.
    pub pictures: Vec<super::picture::Picture>,
}

impl Report {
    /// How many findings there are of each status.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for finding in &self.findings {
            *match finding.status {
                Status::Passed => &mut summary.passed,
                Status::Failed => &mut summary.failed,
                Status::Warning => &mut summary.warning,
                Status::NotAvailable => &mut summary.not_available,
            } += 1;
        }
        summary
    }

    /// The worst that became of a control: FAILED, else NOT_AVAILABLE, WARNING, PASSED; nothing when there is nothing that it is
    /// about.
    pub fn status_of(&self, control: &Control) -> Option<Status> {
        let of_it = self.findings.iter().filter(|finding| finding.control.id == control.id);
        of_it.map(|finding| finding.status).max()
    }

    /// Whether a control that matters so much FAILED; when `strict`, also whether one is NOT_AVAILABLE.
    pub fn is_bad(&self, at_least: Severity, strict: bool) -> bool {
        self.findings.iter().any(|finding| {
            let counts = finding.status == Status::Failed || (strict && finding.status == Status::NotAvailable);
            counts && finding.control.severity >= at_least
        })
    }
}
