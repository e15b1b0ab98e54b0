//! CloudWatch Logs' types.

mod log_group;
mod log_stream;

pub use log_group::LOG_GROUP;
pub use log_stream::LOG_STREAM;

use crate::api::{Api, HandlerError};
use serde_json::Value;
use wire::ServiceName;

/// The longest name of a group or stream.
const NAME_CHARS_MAX: usize = 512;

async fn ask(api: &mut Api, operation: &str, input: &Value) -> Result<Value, HandlerError> {
    api.json(ServiceName::Logs, operation, input).await
}
