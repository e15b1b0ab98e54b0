//! A survey in a file, with what was found in the buckets beside it.

use crate::operate::{cannot_be_used, cannot_read, cannot_write};
use anyhow::{Context, Result};
use operator::{check::Evidence, message::Language, survey::Survey};
use serde_json::Value;
use std::path::Path;

/// The member that a survey's file has beside the survey's own.
const EVIDENCE: &str = "evidence";

pub(super) fn write(file: &Path, survey: &Survey, evidence: &Evidence, language: Language) -> Result<()> {
    let mut document = serde_json::to_value(survey)?;
    document[EVIDENCE] = serde_json::to_value(evidence)?;
    let text = format!("{}\n", serde_json::to_string_pretty(&document)?);
    std::fs::write(file, text).with_context(|| cannot_write(file, language))
}

pub(super) fn read(file: &Path, language: Language) -> Result<(Survey, Evidence)> {
    let unusable = || cannot_be_used(file, language);
    let text = std::fs::read_to_string(file).with_context(|| cannot_read(file, language))?;
    let mut document: Value = serde_json::from_str(&text).with_context(unusable)?;
    let evidence = document.as_object_mut().and_then(|members| members.remove(EVIDENCE));
    let evidence = evidence.map(serde_json::from_value).transpose();
    let survey = serde_json::from_value(document).with_context(unusable)?;
    let evidence = evidence.with_context(unusable)?;
    Ok((survey, evidence.unwrap_or_default()))
}
