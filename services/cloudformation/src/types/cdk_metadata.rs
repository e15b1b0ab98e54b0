//! AWS::CDK::Metadata: what the CDK says of itself in every template that it writes. It makes nothing.
//!
//! SPEC: <https://docs.aws.amazon.com/cdk/v2/guide/usage-data.html>

use super::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled};
use crate::api::{Api, HandlerError};
use serde_json::{Value, json};

/// The type.
pub static METADATA: ResourceType = ResourceType {
    name: "AWS::CDK::Metadata",
    properties: &[
        Property::new("Analytics", Kind::Text).write_only(),
        Property::new("Modules", Kind::Text).write_only(),
    ],
    unsupported: &[],
    attributes: &[],
    secrets: &[],
    tags: None,
    handler: &Metadata,
};

handled!(Metadata);

async fn create(_: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    Ok(made::made_of_texts(&desired.generated_name, &[]))
}

async fn update(_: &mut Api, existing: &Existing, _: &Desired) -> Result<Made, HandlerError> {
    Ok(made::same(existing))
}

async fn delete(_: &mut Api, _: &Existing) -> Result<(), HandlerError> {
    Ok(())
}

async fn read(_: &mut Api, _: &Existing) -> Result<Value, HandlerError> {
    Ok(json!({}))
}
