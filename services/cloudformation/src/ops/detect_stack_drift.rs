//! DetectStackDrift: looks at a stack's resources for what is no longer as its template says. It is done when the call answers.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DetectStackDrift.html>

use super::{
    drifts::{self, Found},
    find,
};
use crate::{
    CloudFormationError,
    model::stack::{Drift, Stack},
    table::{self, DetectionRow, Seal},
};
use gateway::{Body, Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DetectStackDrift;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    logical_resource_ids: Option<Vec<String>>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new().text("stackName", &self.stack_name);
        match &self.logical_resource_ids {
            Some(ids) => params.texts("logicalResourceIds", ids),
            None => params,
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_drift_detection_id: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("stackDriftDetectionId", &self.stack_drift_detection_id)
    }
}

/// What was found before the transaction.
struct Looked {
    stack: Stack,
    found: Vec<Found>,
}

impl Operation for DetectStackDrift {
    const NAME: &'static str = "DetectStackDrift";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const STAGED: bool = true;
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = find::demand(ctx, view, "cloudformation:DetectStackDrift", &input.stack_name).await?;
        Ok(demand.into())
    }

    async fn stage(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: Body,
    ) -> Result<Staged, CloudFormationError> {
        let stack = find::living(ctx, &txn.view(), &input.stack_name).await?;
        drifts::check_status(&stack)?;
        let resources = drifts::resources(ctx, txn, &stack).await?;
        if let Some(asked) = &input.logical_resource_ids {
            let is_there = |id: &String| resources.iter().any(|resource| resource.row.logical_id == *id);
            if let Some(missing) = asked.iter().find(|id| !is_there(id)) {
                return Err(CloudFormationError::Validation(format!(
                    "Resource {missing} does not exist for stack {}",
                    stack.at.name
                )));
            }
        }
        let is_asked = |id: &String| {
            input
                .logical_resource_ids
                .as_ref()
                .is_none_or(|asked| asked.contains(id))
        };
        let mut found = Vec::with_capacity(resources.len());
        for resource in resources.iter().filter(|resource| is_asked(&resource.row.logical_id)) {
            found.push(drifts::look(ctx, &stack, &resources, resource).await?);
        }
        Ok(Staged::of(Looked { stack, found }))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        _: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let Looked { stack, found } = staged.get()?;
        let at = &stack.at;
        let seal = Seal::of(ctx.world(), &txn.view(), at.account).await?;
        for one in found {
            drifts::keep(txn, &seal, stack, one).await?;
        }
        let count = |status: &str| found.iter().filter(|one| one.row.status == status).count();
        let drifted = count("MODIFIED") + count("DELETED");
        let unknown: Vec<&str> = found
            .iter()
            .filter(|one| one.row.status == "UNKNOWN")
            .map(|one| one.row.logical_id.as_str())
            .collect();
        let status = match (drifted, unknown.is_empty()) {
            (0, true) => "IN_SYNC",
            (0, false) => "UNKNOWN",
            _ => "DRIFTED",
        };
        let row = DetectionRow {
            id: base::ids::uuid(ctx.random()),
            stack: at.clone(),
            at: ctx.now(),
            status: status.to_owned(),
            drifted: u32::try_from(drifted).unwrap_or(u32::MAX),
            failure: (!unknown.is_empty())
                .then(|| format!("Failed to detect drift on resource [{}]", unknown.join(", "))),
        };
        let previous = table::detection(&txn.view(), at).await?;
        table::put_detection(txn, previous.as_ref(), &row);
        if let Some(mut now) = table::by_id(&txn.view(), at.account, &at.region, &at.id).await? {
            now.drift = Some(Drift {
                status: row.status.clone(),
                checked: row.at,
            });
            table::put_stack(txn, &now);
        }
        Ok(QueryResult(Output {
            stack_drift_detection_id: row.id,
        }))
    }
}
