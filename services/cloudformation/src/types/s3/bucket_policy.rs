//! `AWS::S3::BucketPolicy`: the policy of a bucket.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html>

use super::call;
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Handler, Kind, Made, Property, ResourceType, made, values::text},
};
use gateway::Boxed;
use http::Method;
use serde_json::{Value, json};

/// `AWS::S3::BucketPolicy`
pub static BUCKET_POLICY: ResourceType = ResourceType {
    name: "AWS::S3::BucketPolicy",
    properties: &[
        Property::new("Bucket", Kind::Text).required().create_only(),
        Property::new("PolicyDocument", Kind::Json).required(),
    ],
    unsupported: &[],
    attributes: &[],
    secrets: &[],
    tags: None,
    handler: &BucketPolicy,
};

struct BucketPolicy;

impl Handler for BucketPolicy {
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let bucket = text(&desired.properties, "Bucket").unwrap_or_default();
            match call(api, Method::GET, bucket, "policy", None).await {
                Ok(_) => {
                    let text = format!("The bucket policy already exists on bucket {bucket}.");
                    return Err(HandlerError::of(HandlerErrorCode::AlreadyExists, text));
                }
                Err(error) if error.service_code == "NoSuchBucketPolicy" => {}
                Err(error) => return Err(error),
            }
            put(api, bucket, &desired.properties).await
        })
    }

    fn update<'a>(
        &'a self,
        api: &'a mut Api,
        existing: &'a Existing,
        desired: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(put(api, &existing.physical_id, &desired.properties))
    }

    fn delete<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
        Box::pin(async move {
            call(api, Method::DELETE, &existing.physical_id, "policy", None)
                .await
                .map(drop)
        })
    }

    fn read<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
        Box::pin(async move {
            let body = call(api, Method::GET, &existing.physical_id, "policy", None).await?;
            let document: Value = serde_json::from_slice(&body).map_err(|_| {
                let text = "The bucket's policy could not be read.";
                HandlerError::of(HandlerErrorCode::ServiceInternalError, text)
            })?;
            Ok(json!({"Bucket": existing.physical_id, "PolicyDocument": document}))
        })
    }
}

async fn put(api: &mut Api, bucket: &str, properties: &Value) -> Result<Made, HandlerError> {
    let document = properties.get("PolicyDocument").map(Value::to_string);
    call(api, Method::PUT, bucket, "policy", document).await?;
    Ok(made::made(bucket, []))
}
