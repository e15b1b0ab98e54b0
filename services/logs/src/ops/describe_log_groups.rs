//! DescribeLogGroups: by name, a page at a time.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>

use crate::{
    LogsError,
    access::Named,
    model::{group::LogGroup, name, token},
    table::{self, ROWS_AT_ONCE},
    violations::Violations,
};
use base::Fault;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

const LIMIT_MAX: i64 = 50;
/// A page ends after the group with which so many streams were summed up, and has a token then.
const STREAMS_AT_ONCE: usize = 10_000;

/// The operation.
pub(super) struct DescribeLogGroups;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(default)]
    account_identifiers: Vec<String>,
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    include_linked_accounts: Option<bool>,
    log_group_class: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .maybe_text("logGroupNamePrefix", self.log_group_name_prefix.as_deref())
            .maybe_text("logGroupNamePattern", self.log_group_name_pattern.as_deref())
            .maybe_text("nextToken", self.next_token.as_deref())
            .maybe_number("limit", self.limit)
            .maybe_flag("includeLinkedAccounts", self.include_linked_accounts)
            .maybe_text("logGroupClass", self.log_group_class.as_deref());
        let params = match self.account_identifiers.is_empty() {
            true => params,
            false => params.texts("accountIdentifiers", &self.account_identifiers),
        };
        match &self.log_group_identifiers {
            Some(identifiers) => params.texts("logGroupIdentifiers", identifiers),
            None => params,
        }
    }
}

impl Input {
    fn check(&self) -> Result<(), LogsError> {
        let mut violations = Violations::new();
        if let Some(prefix) = &self.log_group_name_prefix {
            violations.group("logGroupNamePrefix", prefix);
        }
        if let Some(pattern) = &self.log_group_name_pattern {
            violations.length("logGroupNamePattern", pattern, 0..=name::NAME_CHARS_MAX);
            let (at, expected) = ("logGroupNamePattern", "[\\.\\-_/#A-Za-z0-9]*");
            violations.pattern(at, pattern, expected, name::is_group_text(pattern));
        }
        let classes = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"];
        violations.choice("logGroupClass", self.log_group_class.as_deref(), &classes);
        violations.range("limit", self.limit, 1..=LIMIT_MAX);
        if let Some(identifiers) = &self.log_group_identifiers {
            violations.count_unseen("logGroupIdentifiers", identifiers.len(), 1..=50);
        }
        violations.finish()?;
        if self.log_group_name_prefix.is_some() && self.log_group_name_pattern.is_some() {
            return Err(LogsError::invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
        if !self.account_identifiers.is_empty() || self.include_linked_accounts == Some(true) {
            return Err(LogsError::NotImplemented("Observing linked accounts"));
        }
        Ok(())
    }

    /// What a token of this call belongs to.
    fn checksum(&self, ctx: &Ctx) -> u64 {
        let part = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let identifiers = self
            .log_group_identifiers
            .iter()
            .flatten()
            .map(|text| text.clone().into_bytes());
        let parts: Vec<Vec<u8>> = [
            b"groups".to_vec(),
            ctx.account.as_str().as_bytes().to_vec(),
            ctx.region.as_str().as_bytes().to_vec(),
            part(&self.log_group_name_prefix),
            part(&self.log_group_name_pattern),
            part(&self.log_group_class),
        ]
        .into_iter()
        .chain(identifiers)
        .collect();
        token::checksum(parts.iter().map(Vec::as_slice))
    }

    /// The names that are asked for; `None` for all.
    fn names(&self, ctx: &Ctx) -> Result<Option<Vec<String>>, LogsError> {
        let Some(identifiers) = &self.log_group_identifiers else {
            return Ok(None);
        };
        let mut names = Vec::with_capacity(identifiers.len());
        for identifier in identifiers {
            let named = Named::parse_identifier(ctx, "logGroupIdentifiers", identifier)?;
            if named.account == ctx.account {
                names.push(named.name);
            }
        }
        Ok(Some(names))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    log_groups: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    log_group_name: String,
    creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_in_days: Option<u16>,
    metric_filter_count: u32,
    arn: String,
    stored_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    log_group_class: &'static str,
    log_group_arn: String,
    deletion_protection_enabled: bool,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeLogGroups {
    const NAME: &'static str = "DescribeLogGroups";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "linked accounts";
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        input.check()?;
        let all = base::arn::log_stream(&ctx.region, ctx.account, "", "");
        Ok(Demand::on("logs:DescribeLogGroups", all).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let checksum = input.checksum(ctx);
        let names = input.names(ctx)?;
        let parse = |token: &String| token::parse_after_name(checksum, token).ok_or_else(LogsError::bad_token);
        let mut after = input.next_token.as_ref().map(parse).transpose()?;
        let limit = usize::try_from(input.limit.unwrap_or(LIMIT_MAX)).unwrap_or(0);
        let prefix = input.log_group_name_prefix.as_deref().unwrap_or("");
        let pattern = input.log_group_name_pattern.as_deref().unwrap_or("");
        let is_standard = input.log_group_class.as_deref().is_none_or(|class| class == "STANDARD");
        let is_meant = |group: &LogGroup| {
            is_standard
                && group.name.contains(pattern)
                && names.as_ref().is_none_or(|names| names.contains(&group.name))
        };
        let view = txn.view();
        let mut found: Vec<LogGroup> = Vec::new();
        loop {
            let rows = table::groups(&view, ctx.account, &ctx.region, prefix, after.as_deref()).await?;
            let is_last = rows.len() < ROWS_AT_ONCE;
            after = rows.last().map(|group| group.name.clone());
            found.extend(rows.into_iter().filter(is_meant));
            // One more than fits tells that there are more.
            if is_last || found.len() > limit {
                break;
            }
        }
        let mut has_more = found.len() > limit;
        found.truncate(limit);
        let mut log_groups = Vec::with_capacity(found.len());
        let mut streams = 0_usize;
        for group in &found {
            if streams >= STREAMS_AT_ONCE {
                has_more = true;
                break;
            }
            log_groups.push(shown(&view, group, &mut streams).await?);
        }
        let last = log_groups.last().filter(|_| has_more);
        let next_token = last.map(|group| token::after_name(checksum, &group.log_group_name));
        Ok(Json(Output { log_groups, next_token }))
    }
}

async fn shown(view: &ReadView<'_>, group: &LogGroup, streams: &mut usize) -> Result<Shown, Fault> {
    let arn = group.arn();
    Ok(Shown {
        log_group_name: group.name.clone(),
        creation_time: group.created.as_millis(),
        retention_in_days: group.retention_days,
        metric_filter_count: group.metric_filters,
        stored_bytes: stored_bytes(view, group, streams).await?,
        kms_key_id: group.kms_key.as_ref().map(|key| key.as_str().to_owned()),
        log_group_class: "STANDARD",
        log_group_arn: arn.as_str().to_owned(),
        arn: format!("{arn}:*"),
        deletion_protection_enabled: false,
    })
}

/// What the events of all streams count for, and how many streams were summed up. Summed here and not kept in the group's row, which every put would change.
async fn stored_bytes(view: &ReadView<'_>, group: &LogGroup, summed: &mut usize) -> Result<u64, Fault> {
    let (mut sum, mut after) = (0_u64, None);
    loop {
        let streams = table::streams(view, &group.id, "", after.as_deref(), (ROWS_AT_ONCE, false)).await?;
        let bytes: u64 = streams.iter().map(|stream| stream.bytes).sum();
        sum = sum.saturating_add(bytes);
        *summed = summed.saturating_add(streams.len());
        match streams.last() {
            Some(last) if streams.len() == ROWS_AT_ONCE => after = Some(last.name.clone()),
            _ => return Ok(sum),
        }
        tokio::task::yield_now().await;
    }
}
