//! AWS::CloudFormation::WaitConditionHandle: the address of a signal. Nothing waits for signals here, and nothing is asked to
//! make one; templates use it as the resource that costs nothing.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitconditionhandle.html>

use crate::api::{Api, HandlerError};
use crate::types::{Desired, Existing, Handler, Made, ResourceType};
use gateway::Boxed;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The type.
pub static TYPE: ResourceType = ResourceType {
    name: "AWS::CloudFormation::WaitConditionHandle",
    properties: &[],
    unsupported: &[],
    attributes: &[],
    secrets: &[],
    tags: None,
    handler: &Handle,
};

struct Handle;

impl Handler for Handle {
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let region = api.region();
            let at = desired.stack_id.replace(':', "%3A").replace('/', "%2F");
            let (id, name) = (&desired.logical_id, &desired.generated_name);
            Ok(Made {
                physical_id: format!(
                    "https://cloudformation-waitcondition-{region}.s3.amazonaws.com/{at}/{id}?Handle={name}"
                ),
                attributes: BTreeMap::new(),
            })
        })
    }

    fn update<'a>(
        &'a self,
        _: &'a mut Api,
        existing: &'a Existing,
        _: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            Ok(Made {
                physical_id: existing.physical_id.clone(),
                attributes: BTreeMap::new(),
            })
        })
    }

    fn delete<'a>(&'a self, _: &'a mut Api, _: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
        Box::pin(async { Ok(()) })
    }

    fn read<'a>(&'a self, _: &'a mut Api, _: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
        Box::pin(async { Ok(json!({})) })
    }
}
