//! DescribeStackResourceDrifts: what drift detection found of a stack's resources.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResourceDrifts.html>

use super::{
    drifts::DriftShape,
    find,
    shapes::{PAGE, next_token, parse_token},
    source::constraint,
};
use crate::{
    CloudFormationError,
    table::{self, Seal},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeStackResourceDrifts;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    stack_resource_drift_status_filters: Option<Vec<String>>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Input {
    fn limit(&self) -> Result<usize, CloudFormationError> {
        match self.max_results {
            None => Ok(PAGE),
            Some(limit @ 1..=PAGE) => Ok(limit),
            Some(other) => Err(constraint(
                &other.to_string(),
                "maxResults",
                "Member must have value between 1 and 100",
            )),
        }
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("nextToken", self.next_token.as_deref());
        match &self.stack_resource_drift_status_filters {
            Some(filters) => params.texts("stackResourceDriftStatusFilters", filters),
            None => params,
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_resource_drifts: Vec<DriftShape>,
    next_token: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeStackResourceDrifts {
    const NAME: &'static str = "DescribeStackResourceDrifts";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let action = "cloudformation:DescribeStackResourceDrifts";
        Ok(find::demand(ctx, view, action, &input.stack_name).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let limit = input.limit()?;
        let stack = find::living(ctx, &view, &input.stack_name).await?;
        let seal = Seal::of(ctx.world(), &view, stack.at.account).await?;
        let rows = table::resource_rows(&view, &stack.at).await?;
        let there: BTreeSet<&str> = rows.iter().map(|row| row.logical_id.as_str()).collect();
        let after = parse_token(input.next_token.as_deref())?;
        let filters = input.stack_resource_drift_status_filters.as_ref();
        let mut found = table::drifts(&view, &seal, &stack.at).await?;
        found.retain(|(row, _)| {
            there.contains(row.logical_id.as_str())
                && after.as_ref().is_none_or(|after| row.logical_id > *after)
                && filters.is_none_or(|filters| filters.is_empty() || filters.contains(&row.status))
        });
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next_token = found
            .last()
            .filter(|_| has_more)
            .map(|(last, _)| next_token(&last.logical_id));
        Ok(QueryResult(Output {
            stack_resource_drifts: found
                .into_iter()
                .map(|(row, comparison)| DriftShape::of(&stack, row, comparison))
                .collect(),
            next_token,
        }))
    }
}
