//! What the operations on drift share: looking at resources, and showing what was found.
//!
//! Every resource is read by its own service's operations with the caller's rights, each in a transaction of its own whose
//! events are kept; nothing is changed.

use super::shapes::moment;
use crate::{
    CloudFormationError,
    api::Api,
    model::{
        attachments::leave_out,
        drift::{Comparison, Difference, compare},
        stack::{Drift, Stack, StackStatus},
    },
    table::{self, DriftRow, Resource, Seal},
    types::{self, Existing},
    work,
};
use base::Fault;
use gateway::{Caller, Ctx, ServiceCaller, Txn, ctx::By, work::Work};
use serde::Serialize;
use serde_json::Value;
use template::parameters::NO_ECHO;
use wire::ServiceName;

/// What was found of one resource.
pub(super) struct Found {
    pub(super) row: DriftRow,
    pub(super) comparison: Option<Comparison>,
}

/// Drift is looked for in stacks that are whole.
pub(super) fn check_status(stack: &Stack) -> Result<(), CloudFormationError> {
    match stack.status {
        StackStatus::CreateComplete
        | StackStatus::UpdateComplete
        | StackStatus::UpdateRollbackComplete
        | StackStatus::UpdateRollbackFailed => Ok(()),
        other => Err(CloudFormationError::Validation(format!(
            "Drift detection cannot be performed on stack [{}] while it is in [{}] state",
            stack.at.arn(),
            other.as_str()
        ))),
    }
}

/// The resources of a stack that there are.
pub(super) async fn resources(ctx: &Ctx, txn: &Txn, stack: &Stack) -> Result<Vec<Resource>, Fault> {
    let view = txn.view();
    let seal = Seal::of(ctx.world(), &view, stack.at.account).await?;
    let mut resources = table::resources(&view, &seal, &stack.at).await?;
    resources.retain(|resource| resource.held.thing.is_some());
    Ok(resources)
}

/// Looks at a resource, one of `all` that its stack has.
pub(super) async fn look(ctx: &Ctx, stack: &Stack, all: &[Resource], resource: &Resource) -> Result<Found, Fault> {
    let thing = resource.held.thing.clone().unwrap_or_default();
    let mut row = DriftRow {
        logical_id: resource.row.logical_id.clone(),
        physical_id: thing.physical_id.clone(),
        type_name: thing.type_name.clone(),
        status: "NOT_CHECKED".to_owned(),
        reason: None,
        at: ctx.now(),
        sealed: Vec::new(),
    };
    let kind = types::find(&thing.type_name).filter(|kind| !is_only_here(kind.name));
    let Some(kind) = kind else {
        return Ok(Found { row, comparison: None });
    };
    let existing = Existing {
        physical_id: thing.physical_id.clone(),
        properties: thing.properties.clone(),
        attributes: thing.attributes.clone(),
    };
    let caller = ServiceCaller {
        name: work::PRINCIPAL,
        source_arn: Some(stack.at.arn()),
        source_account: stack.at.account,
    };
    let work = Work::begin(
        ctx.world(),
        ServiceName::CloudFormation,
        caller,
        stack.at.region.clone(),
    );
    let mut api = Api::new(work, rights(ctx)?, stack.at.account, stack.at.region.clone());
    let read = kind.handler.read(&mut api, &existing).await;
    api.into_work().abandon().await?;
    let mut comparison = None;
    row.status = match read {
        Ok(mut actual) => {
            let others: Vec<_> = all.iter().filter_map(|other| other.held.thing.as_ref()).collect();
            leave_out(&thing, &others, &mut actual);
            let mut compared = compare(kind, &thing.properties, &actual);
            hide_secrets(&mut compared, &thing.shown);
            let status = match compared.differences.is_empty() {
                true => "IN_SYNC",
                false => "MODIFIED",
            };
            comparison = Some(compared);
            status
        }
        Err(error) if error.is_not_found() => "DELETED",
        Err(error) => {
            row.reason = Some(work::hidden(ctx.world(), &stack.at, &error.message).await?);
            "UNKNOWN"
        }
    }
    .to_owned();
    Ok(Found { row, comparison })
}

/// Of a property that holds what is shown to nobody, neither value is shown. `shown` is the properties as events have them.
fn hide_secrets(compared: &mut Comparison, shown: &str) {
    let shown: Value = serde_json::from_str(shown).unwrap_or_default();
    let is_hidden = |value: &Value| value.to_string().contains(NO_ECHO);
    let members = compared.expected.as_object().into_iter().flatten();
    let secret: Vec<String> = members
        .filter(|(name, value)| shown.get(*name).is_some_and(is_hidden) && !is_hidden(value))
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        for side in [&mut compared.expected, &mut compared.actual] {
            if let Some(value) = side.get_mut(&name) {
                *value = Value::from(NO_ECHO);
            }
        }
        let path = format!("/{name}");
        for one in &mut compared.differences {
            if one
                .path
                .strip_prefix(&path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            {
                one.expected = NO_ECHO.to_owned();
                one.actual = NO_ECHO.to_owned();
            }
        }
    }
}

/// What nothing but a stack knows of has nothing to drift from; a nested stack is looked at by itself.
fn is_only_here(type_name: &str) -> bool {
    type_name.starts_with("AWS::CloudFormation::") || type_name.starts_with("AWS::CDK::")
}

/// Those of the caller.
fn rights(ctx: &Ctx) -> Result<By, Fault> {
    match &ctx.caller {
        Caller::Signed(caller) | Caller::Forwarded { caller, .. } => Ok(By::OnBehalf(caller.clone())),
        Caller::Role(session) => Ok(By::Role(session.as_ref().clone())),
        Caller::Anonymous | Caller::Service(_) => Err(Fault::Bug("drift is looked for by nobody")),
    }
}

/// Stores what was found of a resource, if the stack still has it.
pub(super) async fn keep(txn: &mut Txn, seal: &Seal, stack: &Stack, found: &Found) -> Result<(), Fault> {
    let resource = table::resource(&txn.view(), seal, &stack.at, &found.row.logical_id).await?;
    let Some(mut resource) = resource else {
        return Ok(());
    };
    resource.row.drift = Some(Drift {
        status: found.row.status.clone(),
        checked: found.row.at,
    });
    table::put_resource_row(txn, &stack.at, &resource.row);
    table::put_drift(txn, seal, &stack.at, found.row.clone(), found.comparison.as_ref())
}

/// `StackResourceDrift`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DriftShape {
    stack_id: String,
    logical_resource_id: String,
    physical_resource_id: String,
    resource_type: String,
    expected_properties: Option<String>,
    actual_properties: Option<String>,
    property_differences: Option<Vec<DifferenceShape>>,
    stack_resource_drift_status: String,
    timestamp: String,
    drift_status_reason: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DifferenceShape {
    property_path: String,
    expected_value: String,
    actual_value: String,
    difference_type: &'static str,
}

impl DriftShape {
    pub(super) fn of(stack: &Stack, row: DriftRow, comparison: Option<Comparison>) -> DriftShape {
        let difference = |one: Difference| DifferenceShape {
            property_path: one.path,
            expected_value: one.expected,
            actual_value: one.actual,
            difference_type: one.kind.as_str(),
        };
        let (expected, actual, differences) = match comparison {
            Some(compared) => (
                Some(compared.expected.to_string()),
                Some(compared.actual.to_string()),
                Some(compared.differences.into_iter().map(difference).collect()),
            ),
            None => (None, None, None),
        };
        DriftShape {
            stack_id: stack.at.arn().as_str().to_owned(),
            logical_resource_id: row.logical_id,
            physical_resource_id: row.physical_id,
            resource_type: row.type_name,
            expected_properties: expected,
            actual_properties: actual,
            property_differences: differences,
            stack_resource_drift_status: row.status,
            timestamp: moment(row.at),
            drift_status_reason: row.reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::drift::DifferenceType;
    use serde_json::json;

    #[test]
    fn secrets_are_not_shown() {
        let difference = |path: &str| Difference {
            path: path.to_owned(),
            expected: "secret".to_owned(),
            actual: "other".to_owned(),
            kind: DifferenceType::NotEqual,
        };
        let mut compared = Comparison {
            expected: json!({"Title": {"Text": "secret"}, "Titles": "a"}),
            actual: json!({"Title": {"Text": "other"}, "Titles": "b"}),
            differences: vec![difference("/Title/Text"), difference("/Titles")],
        };
        hide_secrets(&mut compared, r#"{"Title": {"Text": "****"}, "Titles": "a"}"#);
        assert_eq!(compared.expected, json!({"Title": "****", "Titles": "a"}));
        assert_eq!(compared.actual, json!({"Title": "****", "Titles": "b"}));
        let shown: Vec<&str> = compared.differences.iter().map(|one| one.actual.as_str()).collect();
        assert_eq!(shown, ["****", "other"]);
    }
}
