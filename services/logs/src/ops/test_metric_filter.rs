//! TestMetricFilter: which of some texts a pattern means, and what it reads out of them.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html>

use super::put_metric_filter::parse_pattern;
use crate::{LogsError, violations::Violations};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::ReadView;
use wire::ServiceName;

const MESSAGES_MAX: usize = 50;

/// The operation.
pub(super) struct TestMetricFilter;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    filter_pattern: String,
    log_event_messages: Vec<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("filterPattern", &self.filter_pattern)
            .texts("logEventMessages", &self.log_event_messages)
    }
}

#[derive(Serialize)]
pub(super) struct Output {
    matches: Vec<Match>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    /// From 1.
    event_number: usize,
    event_message: String,
    extracted_values: BTreeMap<String, String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for TestMetricFilter {
    const NAME: &'static str = "TestMetricFilter";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = LogsError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let count = input.log_event_messages.len();
        let mut violations = Violations::new().count_first("logEventMessages", count, 1..=MESSAGES_MAX)?;
        for (n, message) in (1..).zip(&input.log_event_messages) {
            if message.is_empty() {
                violations.length(&format!("logEventMessages.{n}.member"), "", 1..=usize::MAX);
            }
        }
        violations.finish()?;
        parse_pattern(&input.filter_pattern)?;
        Ok(Demand::on("logs:TestMetricFilter", base::arn::any()).into())
    }

    async fn run(_: &Ctx, _: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Self::Output, LogsError> {
        let pattern = parse_pattern(&input.filter_pattern)?;
        let mut matches = Vec::new();
        for (event_number, message) in (1..).zip(&input.log_event_messages) {
            if pattern.matches(message) {
                matches.push(Match {
                    event_number,
                    event_message: message.clone(),
                    extracted_values: pattern.extract(message),
                });
            }
            // A text can be as long as the call: others have their turn between them.
            tokio::task::yield_now().await;
        }
        Ok(Json(Output { matches }))
    }
}
