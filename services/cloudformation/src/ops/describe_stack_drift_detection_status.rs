//! DescribeStackDriftDetectionStatus: what drift detection found of a stack.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackDriftDetectionStatus.html>

use super::shapes::moment;
use crate::{
    CloudFormationError,
    table::{self, DetectionRow},
};
use base::Fault;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeStackDriftDetectionStatus;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_drift_detection_id: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().text("stackDriftDetectionId", &self.stack_drift_detection_id)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_id: String,
    stack_drift_detection_id: String,
    stack_drift_status: String,
    detection_status: &'static str,
    detection_status_reason: Option<String>,
    drifted_stack_resource_count: u32,
    timestamp: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The detection of this id, if it is the last one of its stack.
async fn detection(ctx: &Ctx, view: &ReadView<'_>, id: &str) -> Result<Option<DetectionRow>, Fault> {
    let Some(stack) = table::stack_of(view, ctx.account, &ctx.region, id).await? else {
        return Ok(None);
    };
    let Some(stack) = table::by_id(view, ctx.account, &ctx.region, &stack).await? else {
        return Ok(None);
    };
    let last = table::detection(view, &stack.at).await?;
    Ok(last.filter(|last| last.id == id))
}

impl Operation for DescribeStackDriftDetectionStatus {
    const NAME: &'static str = "DescribeStackDriftDetectionStatus";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudFormationError> {
        let action = "cloudformation:DescribeStackDriftDetectionStatus";
        Ok(Demand::on(action, base::arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let id = &input.stack_drift_detection_id;
        let Some(found) = detection(ctx, &txn.view(), id).await? else {
            return Err(CloudFormationError::Validation(format!(
                "Drift detection Id {id} does not exist"
            )));
        };
        Ok(QueryResult(Output {
            stack_id: found.stack.arn().as_str().to_owned(),
            stack_drift_detection_id: found.id,
            stack_drift_status: found.status,
            detection_status: match found.failure {
                None => "DETECTION_COMPLETE",
                Some(_) => "DETECTION_FAILED",
            },
            detection_status_reason: found.failure,
            drifted_stack_resource_count: found.drifted,
            timestamp: moment(found.at),
        }))
    }
}
