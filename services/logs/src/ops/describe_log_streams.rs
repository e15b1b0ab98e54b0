//! DescribeLogStreams: by name, or by the newest event.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html>

use crate::{
    LogsError,
    access::{Named, On},
    model::{group::LogGroup, stream::LogStream, token},
    table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

const LIMIT_MAX: i64 = 50;

/// The operation.
pub(super) struct DescribeLogStreams;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    descending: Option<bool>,
    next_token: Option<String>,
    limit: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("logGroupName", self.log_group_name.as_deref())
            .maybe_text("logGroupIdentifier", self.log_group_identifier.as_deref())
            .maybe_text("logStreamNamePrefix", self.log_stream_name_prefix.as_deref())
            .maybe_text("orderBy", self.order_by.as_deref())
            .maybe_flag("descending", self.descending)
            .maybe_text("nextToken", self.next_token.as_deref())
            .maybe_number("limit", self.limit)
    }
}

impl Input {
    fn is_by_time(&self) -> bool {
        self.order_by.as_deref() == Some("LastEventTime")
    }

    fn named(&self, ctx: &Ctx) -> Result<Named, LogsError> {
        let mut violations = Violations::new();
        if let Some(prefix) = &self.log_stream_name_prefix {
            violations.stream("logStreamNamePrefix", prefix);
        }
        violations.choice("orderBy", self.order_by.as_deref(), &["LogStreamName", "LastEventTime"]);
        violations.range("limit", self.limit, 1..=LIMIT_MAX);
        violations.finish()?;
        let named = Named::parse(
            ctx,
            self.log_group_name.as_deref(),
            self.log_group_identifier.as_deref(),
        )?;
        match self.is_by_time() && self.log_stream_name_prefix.is_some() {
            true => Err(LogsError::invalid(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            )),
            false => Ok(named),
        }
    }

    /// What a token of this call belongs to.
    fn checksum(&self, group: &LogGroup) -> u64 {
        token::checksum([
            b"streams".as_slice(),
            &group.id,
            self.log_stream_name_prefix.as_deref().unwrap_or("").as_bytes(),
            &[u8::from(self.is_by_time()), u8::from(self.descending == Some(true))],
        ])
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    log_streams: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    log_stream_name: String,
    creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ingestion_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_sequence_token: Option<String>,
    arn: String,
    /// AWS has answered nothing but zero since 2019.
    stored_bytes: u64,
}

impl Shown {
    fn of(group: &LogGroup, stream: LogStream) -> Shown {
        let arn = base::arn::log_stream(&group.region, group.account, &group.name, &stream.name);
        Shown {
            creation_time: stream.created.as_millis(),
            first_event_timestamp: stream.first_event,
            last_event_timestamp: stream.last_event,
            last_ingestion_time: stream.last_ingestion,
            upload_sequence_token: (stream.next_chunk > 0).then(|| super::put_log_events::sequence_token(&stream)),
            arn: arn.as_str().to_owned(),
            stored_bytes: 0,
            log_stream_name: stream.name,
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeLogStreams {
    const NAME: &'static str = "DescribeLogStreams";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let named = input.named(ctx)?;
        Ok(named.demand(view, "logs:DescribeLogStreams", On::Group).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let view = txn.view();
        let group = input.named(ctx)?.group(&view).await?;
        let checksum = input.checksum(&group);
        let parse = |token: &String| token::parse_after_name(checksum, token).ok_or_else(LogsError::bad_token);
        let after = input.next_token.as_ref().map(parse).transpose()?;
        let limit = usize::try_from(input.limit.unwrap_or(LIMIT_MAX)).unwrap_or(0);
        // One more than fits tells that there are more.
        let page = (limit.saturating_add(1), input.descending == Some(true));
        let mut found: Vec<(String, LogStream)> = if input.is_by_time() {
            table::latest_streams(&view, &group.id, after.as_deref(), page).await?
        } else {
            let prefix = input.log_stream_name_prefix.as_deref().unwrap_or("");
            let streams = table::streams(&view, &group.id, prefix, after.as_deref(), page).await?;
            streams
                .into_iter()
                .map(|stream| (stream.name.clone(), stream))
                .collect()
        };
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        let next_token = last.map(|(mark, _)| token::after_name(checksum, mark));
        let log_streams = found.into_iter().map(|(_, stream)| Shown::of(&group, stream)).collect();
        Ok(Json(Output {
            log_streams,
            next_token,
        }))
    }
}
