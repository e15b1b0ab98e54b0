//! A report as SARIF 2.1.0: a rule for each control, a result for each finding.
//!
//! SPEC: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use operator::{
    check::{Control, Finding, Report, Severity, Status, requirements},
    message::Language,
};
use serde_json::{Value, json};

pub(super) fn document(report: &Report, language: Language) -> Value {
    let rules: Vec<Value> = report.controls.iter().map(|control| rule(control, language)).collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(report, finding, language))
        .collect();
    let unavailable: Vec<Value> = report
        .findings
        .iter()
        .filter(|finding| finding.status == Status::NotAvailable)
        .flat_map(|finding| notifications(finding, language))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "shoseki check",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "language": match language { Language::English => "en", Language::Japanese => "ja" },
                "rules": rules,
            } },
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": report.checked_at,
                "toolExecutionNotifications": unavailable,
            }],
            "automationDetails": { "id": format!("shoseki-check/{}", report.account) },
            "results": results,
        }],
    })
}

fn rule(control: &Control, language: Language) -> Value {
    let mut tags = vec!["security".to_owned()];
    tags.extend(requirements(control));
    let mut rule = json!({
        "id": control.id,
        "shortDescription": { "text": control.title().in_language(language) },
        "help": { "text": control.remedy().in_language(language) },
        "defaultConfiguration": { "level": level(control.severity) },
        "properties": { "tags": tags, "security-severity": score(control.severity) },
    });
    if let Some(page) = control.page() {
        rule["helpUri"] = page.into();
    }
    rule
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// On the scale of 0 to 10 by which viewers sort.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn result(report: &Report, finding: &Finding, language: Language) -> Value {
    let (kind, level) = match finding.status {
        Status::Passed => ("pass", "none"),
        Status::Failed => ("fail", level(finding.control.severity)),
        Status::Warning => ("review", "none"),
        Status::NotAvailable => ("open", "none"),
    };
    let index = report.controls.iter().position(|control| *control == finding.control);
    let reasons: Vec<&str> = finding
        .reasons
        .iter()
        .map(|reason| reason.in_language(language))
        .collect();
    json!({
        "ruleId": finding.control.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": reasons.join("\n") },
        "locations": [{
            "logicalLocations": [{
                "fullyQualifiedName": finding.resource.id,
                "kind": "resource",
                "properties": { "type": finding.resource.kind, "region": finding.resource.region },
            }],
        }],
        "partialFingerprints": { "controlAndResource/v1": finding.id() },
    })
}

fn notifications(finding: &Finding, language: Language) -> Vec<Value> {
    let of_call = |missing: &operator::survey::Missing| {
        json!({
            "level": "warning",
            "message": { "text": missing.said().in_language(language) },
            "associatedRule": { "id": finding.control.id },
        })
    };
    finding.missing.iter().map(of_call).collect()
}
