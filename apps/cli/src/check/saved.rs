//! A survey in a file, with what was found in the buckets beside it.

use anyhow::{Context, Result};
use operator::{check::Evidence, survey::Survey};
use serde_json::Value;
use std::path::Path;

/// The member that a survey's file has beside the survey's own.
const EVIDENCE: &str = "evidence";

pub(super) fn write(file: &Path, survey: &Survey, evidence: &Evidence) -> Result<()> {
    let mut document = serde_json::to_value(survey)?;
    document[EVIDENCE] = serde_json::to_value(evidence)?;
    let text = format!("{}\n", serde_json::to_string_pretty(&document)?);
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

pub(super) fn read(file: &Path) -> Result<(Survey, Evidence)> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
    let mut document: Value = serde_json::from_str(&text).with_context(|| format!("{name} is no JSON document"))?;
    let evidence = document.as_object_mut().and_then(|members| members.remove(EVIDENCE));
    let evidence = evidence.map(serde_json::from_value).transpose();
    let survey = serde_json::from_value(document).with_context(|| format!("{name} is no survey"))?;
    let evidence = evidence.with_context(|| format!("{name} has evidence that cannot be read"))?;
    Ok((survey, evidence.unwrap_or_default()))
}
