//! What the shapes of several operations share.

use crate::{
    LogsError,
    model::{
        chunk::EVENT_OVERHEAD_BYTES,
        group::LogGroup,
        tags::{self, KEY_CHARS_MAX, TAGS_MAX, Tags, VALUE_CHARS_MAX},
    },
    violations::Violations,
};
use gateway::{Render, RenderCtx, Reply};
use record::{Evident, Params};
use serde::Deserialize;

/// The most events of an answer.
pub(super) const EVENTS_MAX: i64 = 10_000;
/// The most bytes of an answer's events.
pub(super) const ANSWER_BYTES_MAX: u64 = 1_048_576;

/// The output of an operation that answers nothing: an empty body.
pub(crate) struct NoOutput;

impl Render for NoOutput {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        Reply::with_body(200, wire::json::CONTENT_TYPE, "")
    }
}

impl Evident for NoOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The input of an operation on a group and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupInput {
    pub(super) log_group_name: String,
}

impl Evident for GroupInput {
    fn evident(&self) -> Params {
        Params::new().text("logGroupName", &self.log_group_name)
    }
}

/// Room in an answer for events.
pub(super) struct Room {
    events: usize,
    bytes: u64,
}

impl Room {
    pub(super) fn new(limit: Option<i64>) -> Room {
        Room {
            events: usize::try_from(limit.unwrap_or(EVENTS_MAX)).unwrap_or(0),
            bytes: ANSWER_BYTES_MAX,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.events == 0
    }

    /// Whether there is room for this text, which takes it. The first event always has some.
    pub(super) fn takes(&mut self, message: &str, is_first: bool) -> bool {
        let bytes = message.len() as u64 + EVENT_OVERHEAD_BYTES;
        if self.events == 0 || bytes > self.bytes && !is_first {
            return false;
        }
        self.events -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        true
    }
}

/// Tags as they are given, by shape.
pub(super) fn check_tags(given: &Tags, is_required: bool) -> Result<(), LogsError> {
    let mut violations = Violations::new();
    violations.count_unseen("tags", given.len(), usize::from(is_required)..=TAGS_MAX);
    for (key, value) in given {
        violations.length("tags", key, 1..=KEY_CHARS_MAX);
        violations.pattern("tags", key, tags::KEY_PATTERN, tags::is_tag_text(key));
        violations.length("tags", value, 0..=VALUE_CHARS_MAX);
        violations.pattern("tags", value, tags::VALUE_PATTERN, tags::is_tag_text(value));
    }
    violations.finish()?;
    match given.keys().any(|key| tags::is_reserved(key)) {
        true => Err(LogsError::invalid(
            "Tag keys that begin with aws: are reserved for system use.",
        )),
        false => Ok(()),
    }
}

/// A group with more tags.
pub(super) fn tagged(group: &LogGroup, given: &Tags) -> Result<LogGroup, LogsError> {
    let mut group = group.clone();
    group.tags.extend(given.clone());
    match group.tags.len() > TAGS_MAX {
        true => Err(LogsError::TooManyTags {
            resource: group.arn().as_str().to_owned(),
        }),
        false => Ok(group),
    }
}

/// A KMS key as a group is given it: its ARN.
pub(super) fn check_kms_key(text: &str) -> Result<(), LogsError> {
    let mut violations = Violations::new();
    violations.length("kmsKeyId", text, 0..=256);
    violations.finish()?;
    let parts = base::arn::split(text);
    match parts.is_some_and(|parts| parts.service == "kms" && parts.resource.starts_with("key/")) {
        true => Ok(()),
        false => Err(LogsError::invalid("The specified KMS key ID is not the ARN of a key.")),
    }
}
