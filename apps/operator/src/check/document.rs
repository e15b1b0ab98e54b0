//! A report as one JSON document, with the members that a finding of AWS Security Hub has, in English.
//!
//! SPEC: <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>

use super::{Control, Finding, Framework, Report, Resource, Status, Summary, requirements};
use crate::{message::Message, survey::Missing};
use serde::Serialize;

/// The document's form; it grows by members, and the number changes when one changes its meaning.
const VERSION: u32 = 1;

/// A report as it is written in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    version: u32,
    account: &'a str,
    partition: &'a str,
    caller: &'a str,
    regions: &'a [String],
    checked_at: &'a str,
    summary: Summary,
    controls: Vec<ControlLine>,
    findings: Vec<FindingLine<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlLine {
    id: &'static str,
    title: Message,
    severity: &'static str,
    resource_type: &'static str,
    /// The worst of its findings; null when there is nothing that it is about.
    status: Option<Status>,
    related_requirements: Vec<String>,
    config_rules: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingLine<'a> {
    id: String,
    title: Message,
    compliance: Compliance<'a>,
    severity: SeverityLine,
    resources: [&'a Resource; 1],
    remediation: Remediation,
    not_available: &'a [Missing],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Compliance<'a> {
    status: Status,
    security_control_id: &'static str,
    related_requirements: Vec<String>,
    status_reasons: Vec<Reason<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    description: &'a Message,
}

#[derive(Serialize)]
struct SeverityLine {
    label: &'static str,
    normalized: u8,
}

#[derive(Serialize)]
struct Remediation {
    recommendation: Recommendation,
}

#[derive(Serialize)]
struct Recommendation {
    text: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Report {
    /// The report as JSON.
    pub fn document(&self) -> Document<'_> {
        Document {
            version: VERSION,
            account: &self.account,
            partition: &self.partition,
            caller: &self.caller,
            regions: &self.regions,
            checked_at: &self.checked_at,
            summary: self.summary(),
            controls: self
                .controls
                .iter()
                .map(|control| control_line(self, control))
                .collect(),
            findings: self.findings.iter().map(finding_line).collect(),
        }
    }
}

fn control_line(report: &Report, control: &Control) -> ControlLine {
    ControlLine {
        id: control.id,
        title: control.title(),
        severity: control.severity.name(),
        resource_type: control.resource,
        status: report.status_of(control),
        related_requirements: requirements(control),
        config_rules: Framework::Config.numbers(control),
    }
}

fn finding_line(finding: &Finding) -> FindingLine<'_> {
    let control = finding.control;
    let reasons = finding.reasons.iter().map(|description| Reason { description });
    FindingLine {
        id: finding.id(),
        title: control.title(),
        compliance: Compliance {
            status: finding.status,
            security_control_id: control.id,
            related_requirements: requirements(control),
            status_reasons: reasons.collect(),
        },
        severity: SeverityLine {
            label: control.severity.name(),
            normalized: control.severity.normalized(),
        },
        resources: [&finding.resource],
        remediation: Remediation {
            recommendation: Recommendation {
                text: control.remedy(),
                url: control.page(),
            },
        },
        not_available: &finding.missing,
    }
}

impl Finding {
    /// The same for the same control and resource, whenever it is checked: `CloudTrail.2/arn:…`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.control.id, self.resource.id)
    }
}
