//! AWS::CloudFormation::Stack: a stack in a stack. It is asked for like any other, by CreateStack, UpdateStack and
//! DeleteStack, and the stack that has it waits for what it comes to.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html>

use crate::types::{Desired, Existing, Handler, Kind, Made, Property, ResourceType, Tags, made};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    model::{
        held::Deployment,
        stack::{Identity, OnFailure, Operation, Phase, ResourceStatus, Stack, StackStatus},
    },
    ops::{begin, find},
    table::{self, Seal},
};
use base::Fault;
use gateway::Boxed;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use wire::ServiceName;

/// The type's name.
pub const NAME: &str = "AWS::CloudFormation::Stack";

/// The type.
pub static TYPE: ResourceType = ResourceType {
    name: NAME,
    properties: &[
        Property::new("NotificationARNs", Kind::List(&Kind::Text)),
        Property::new("Parameters", Kind::Map),
        Property::new("Tags", Kind::List(&Kind::Object(TAG))),
        Property::new("TemplateURL", Kind::Text).required(),
        Property::new("TimeoutInMinutes", Kind::Integer),
    ],
    unsupported: &[
        "Capabilities",
        "Description",
        "DisableRollback",
        "EnableTerminationProtection",
        "RoleARN",
        "StackName",
        "StackPolicyBody",
        "StackPolicyURL",
        "StackStatusReason",
        "TemplateBody",
    ],
    attributes: &["Outputs"],
    secrets: &[],
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &Nested,
};

const TAG: &[Property] = &[
    Property::new("Key", Kind::Text).required(),
    Property::new("Value", Kind::Text).required(),
];

/// The longest name of a stack.
const NAME_CHARS_MAX: usize = 128;

/// What a nested stack has come to.
pub enum Outcome {
    /// It is not there yet.
    UnderWay,
    /// It is what it should be, with these attributes.
    Done(BTreeMap<String, Value>),
    /// It is not, for this reason.
    Failed(String),
}

async fn stack(api: &mut Api, arn: &str) -> Result<Option<Stack>, Fault> {
    let (account, region) = (api.account(), api.region().clone());
    let (_, txn) = api.parts();
    find::by_arn(&txn.view(), account, &region, arn).await
}

/// Whether the nested stack of this ARN is deleted.
pub async fn is_gone(api: &mut Api, arn: &str) -> Result<bool, Fault> {
    let stack = stack(api, arn).await?;
    Ok(stack.is_none_or(|stack| stack.status == StackStatus::DeleteComplete))
}

/// Whether something is being done with the nested stack of this ARN.
pub async fn is_under_way(api: &mut Api, arn: &str) -> Result<bool, Fault> {
    let stack = stack(api, arn).await?;
    Ok(stack.is_some_and(|stack| stack.status.is_in_progress()))
}

/// What the nested stack of this ARN was last asked to be.
pub async fn deployment(api: &mut Api, arn: &str) -> Result<Option<Deployment>, Fault> {
    let Some(stack) = stack(api, arn).await? else {
        return Ok(None);
    };
    let (ctx, txn) = api.parts();
    find::deployment(ctx, &txn.view(), &stack).await
}

/// Takes the nested stack of this ARN back to what it was, if it is something else: as it was asked then, for its template
/// may lie no more where it lay. One whose own way back has failed goes on with that.
///
/// The stack is changed and not rolled back, for it may have come to its end long ago. If that fails it stays as it is, so
/// that it is never `UPDATE_ROLLBACK_COMPLETE` but as what it was.
pub async fn put_back(
    api: &mut Api,
    arn: &str,
    back: Option<&Deployment>,
    identity: &Identity,
) -> Result<Result<(), HandlerError>, Fault> {
    let is_same = deployment(api, arn).await?.as_ref() == back;
    let (Some(mut stack), Some(back)) = (stack(api, arn).await?, back) else {
        let text = format!("Stack with id {arn} does not exist");
        return Ok(Err(HandlerError::of(HandlerErrorCode::NotFound, text)));
    };
    let (was, goes_on) = (stack.status, stack.status == StackStatus::UpdateRollbackFailed);
    if is_same && !goes_on && was != StackStatus::UpdateFailed {
        return Ok(Ok(()));
    }
    if !goes_on && !was.is_updatable() {
        let text = format!("Stack:{arn} is in {} state and can not be updated.", was.as_str());
        return Ok(Err(HandlerError::of(HandlerErrorCode::InvalidRequest, text)));
    }
    let (ctx, txn) = api.parts();
    let (phase, deployment) = match goes_on {
        true => (Phase::UpdateRollback, None),
        false => (Phase::Update, Some(back)),
    };
    if goes_on {
        stack.status = StackStatus::UpdateRollbackInProgress;
    } else {
        stack.status = StackStatus::UpdateInProgress;
        stack.updated = Some(ctx.now());
        stack.wanted += 1;
    }
    let operation = Operation {
        at: stack.at.clone(),
        id: base::ids::uuid(ctx.random()),
        phase,
        identity: identity.clone(),
        on_failure: OnFailure::DoNothing,
        spared: Vec::new(),
        force: false,
        was,
        policy: None,
        deadline: None,
    };
    begin::start(ctx, txn, &stack, operation, deployment).await?;
    Ok(Ok(()))
}

/// What the nested stack of this ARN has come to, of which `ends` was asked; `goes_back` where it was to be what it had been.
pub async fn outcome(api: &mut Api, arn: &str, ends: ResourceStatus, goes_back: bool) -> Result<Outcome, Fault> {
    use ResourceStatus as R;
    let Some(stack) = stack(api, arn).await? else {
        return Ok(Outcome::Done(BTreeMap::new()));
    };
    if stack.status.is_in_progress() {
        return Ok(Outcome::UnderWay);
    }
    let deletes = ends == R::DeleteComplete;
    let is_done = match stack.status {
        StackStatus::DeleteComplete => deletes,
        StackStatus::CreateComplete | StackStatus::UpdateComplete => !deletes,
        StackStatus::UpdateRollbackComplete => goes_back,
        _ => false,
    };
    if is_done {
        let seal = {
            let account = api.account();
            let (ctx, txn) = api.parts();
            Seal::of(ctx.world(), &txn.view(), account).await?
        };
        let outputs = table::outputs(&seal, &stack)?;
        let attribute = |output: crate::model::held::Output| (format!("Outputs.{}", output.key), output.value.into());
        return Ok(Outcome::Done(outputs.into_iter().map(attribute).collect()));
    }
    let verb = match ends {
        R::DeleteComplete => "deleted",
        R::UpdateComplete => "updated",
        _ => "created",
    };
    let reason = stack.reason.unwrap_or_default();
    Ok(Outcome::Failed(match ends {
        R::CreateComplete => format!("Embedded stack {arn} was not successfully {verb}: {reason}"),
        _ => format!(
            "Embedded stack {arn} was not successfully {verb}. Currently in {} with reason: {reason}",
            stack.status.as_str()
        ),
    }))
}

struct Nested;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    stack_id: String,
}

/// The members of CreateStack and UpdateStack that the properties give.
fn request(name: &str, properties: &Value) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("StackName".to_owned(), name.into());
    for member in ["NotificationARNs", "Tags", "TemplateURL"] {
        if let Some(value) = properties.get(member) {
            members.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(Value::Object(parameters)) = properties.get("Parameters") {
        let pair = |(key, value): (&String, &Value)| json!({"ParameterKey": key, "ParameterValue": value});
        members.insert("Parameters".to_owned(), parameters.iter().map(pair).collect());
    }
    members
}

/// What the outer stack was asked for goes for its parts: what was acknowledged, and nothing else; of which types resources
/// may be; and the host by which the caller named this server.
async fn inherit(api: &mut Api, outer: &str, members: &mut Map<String, Value>) -> Result<(), HandlerError> {
    let read = async {
        let Some(outer) = stack(api, outer).await? else {
            return Ok(None);
        };
        let (ctx, txn) = api.parts();
        find::deployment(ctx, &txn.view(), &outer).await
    };
    let lost = |_: Fault| {
        HandlerError::of(
            HandlerErrorCode::ServiceInternalError,
            "The outer stack cannot be read.",
        )
    };
    let Some(outer) = read.await.map_err(lost)? else {
        return Ok(());
    };
    members.insert("Capabilities".to_owned(), outer.capabilities.into());
    if let Some(types) = outer.resource_types {
        members.insert("ResourceTypes".to_owned(), types.into());
    }
    api.reached_by(outer.host);
    Ok(())
}

impl Handler for Nested {
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let name = made::fitted(&desired.generated_name, NAME_CHARS_MAX);
            let mut members = request(&name, &desired.properties);
            inherit(api, &desired.stack_id, &mut members).await?;
            if let Some(minutes) = desired.properties.get("TimeoutInMinutes") {
                members.insert("TimeoutInMinutes".to_owned(), minutes.clone());
            }
            let created: Created = api
                .query(ServiceName::CloudFormation, "CreateStack", &Value::Object(members))
                .await?;
            find::adopt(api, &created.stack_id, &desired.stack_id).await?;
            Ok(Made {
                physical_id: created.stack_id,
                attributes: BTreeMap::new(),
            })
        })
    }

    fn update<'a>(
        &'a self,
        api: &'a mut Api,
        existing: &'a Existing,
        desired: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let mut members = request(&existing.physical_id, &desired.properties);
            inherit(api, &desired.stack_id, &mut members).await?;
            // Left out they would stay.
            for list in ["NotificationARNs", "Tags"] {
                members.entry(list).or_insert_with(|| json!([]));
            }
            let updated = api
                .query_done(ServiceName::CloudFormation, "UpdateStack", &Value::Object(members))
                .await;
            match updated {
                Err(error) if error.message != crate::ops::begin::NO_UPDATES => return Err(error),
                _ => {}
            }
            Ok(Made {
                physical_id: existing.physical_id.clone(),
                attributes: existing.attributes.clone(),
            })
        })
    }

    fn delete<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
        Box::pin(async move {
            let members = json!({"StackName": existing.physical_id});
            api.query_done(ServiceName::CloudFormation, "DeleteStack", &members)
                .await
        })
    }

    fn read<'a>(&'a self, _: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
        // Drift of a nested stack is its own.
        Box::pin(async move { Ok(existing.properties.clone()) })
    }
}
