//! Buckets of AWS's own that its tools read: `awscloudtrail-policy-REGION` in every enabled Region, with the templates by
//! which `aws cloudtrail create-subscription` gives a new bucket or topic its policy.
//!
//! Their two objects are part of the program. Everybody who signs may get them, by a bucket policy that says so and the
//! caller's own rights; the call is decided and recorded as one on another account's bucket. Nobody may do anything else
//! with them, and nobody can make a bucket of such a name. One that was made before the name was taken goes before.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail-by-using-the-aws-cli.html>

use crate::{
    S3Error, access,
    model::etag,
    ops::read::{self, Part, ReadInput},
    request::Request,
    table::{self, Object, Place, Seal},
};
use base::{AccountId, Fault, Region, Timestamp, arn};
use bytes::Bytes;
use gateway::{Caller, Ctx, Demand, Demands, Reply};
use policy::{Policy, PolicyKind, ResourceKind};
use record::{Params, Resource};
use sigv4::checksum::Md5;
use std::sync::Arc;
use store::ReadView;

const PREFIX: &str = "awscloudtrail-policy-";
/// An account of CloudTrail itself, as AWS's pages show it.
const OWNER: &str = "903692715234";
/// The day that the names of the documents tell.
const MODIFIED: &str = "2014-12-17T00:00:00Z";

const DOCUMENTS: [(&str, &str); 2] = [
    (
        "policy/S3/AWSCloudTrail-S3BucketPolicy-2014-12-17.json",
        include_str!("published/s3_bucket_policy.json"),
    ),
    (
        "policy/SNS/AWSCloudTrail-SnsTopicPolicy-2014-12-17.json",
        include_str!("published/sns_topic_policy.json"),
    ),
];

/// A bucket of AWS's own.
pub struct Published {
    region: Region,
    owner: AccountId,
}

impl Published {
    /// The bucket of this name, if it is one and no bucket of the server has the name.
    pub async fn find(ctx: &Ctx, view: &ReadView<'_>, name: &str) -> Result<Option<Published>, Fault> {
        let region = name.strip_prefix(PREFIX);
        let Some(region) = region.and_then(|of| ctx.settings().regions.iter().find(|region| region.as_str() == of))
        else {
            return Ok(None);
        };
        if table::bucket(view, name).await?.is_some() {
            return Ok(None);
        }
        Ok(Some(Published {
            region: region.clone(),
            owner: AccountId::parse(OWNER).map_err(|_| Fault::Bug("the owner of AWS's own buckets is no account"))?,
        }))
    }

    /// What reading an object asks for.
    pub fn demands(&self, ctx: &Ctx, input: &ReadInput) -> Result<Demands, S3Error> {
        let request = &input.request;
        access::note(ctx, request, (request.bytes_in, 0), Params::new());
        let stranger = |owner: &str| owner != OWNER;
        if matches!(ctx.caller, Caller::Anonymous) || request.expected_owner.as_deref().is_some_and(stranger) {
            return Err(denied());
        }
        if self.region != ctx.region {
            return Err(access::elsewhere(ctx, request, &self.region));
        }
        ctx.notes().resources.push(Resource {
            arn: arn::bucket(&request.bucket),
            account_id: Some(self.owner),
            resource_type: access::BUCKET.into(),
        });
        let action = match input.version {
            Some(_) => "s3:GetObjectVersion",
            None => "s3:GetObject",
        };
        let demand = Demand::on(action, arn::object(&request.bucket, &request.key));
        let mut demand = access::conditions(ctx, demand, request)
            .with("s3:ResourceAccount", OWNER)
            .guarded(ResourceKind::Bucket, self.owner, Some(policy(&request.bucket)?))
            .shown_as(access::OBJECT);
        // No organization binds AWS, and its account does not hear of the call.
        demand.uncontrolled = true;
        demand.absent = true;
        Ok(demand.into())
    }

    /// The answer to a GetObject or HeadObject that was allowed, with its body.
    pub async fn read(&self, view: &ReadView<'_>, input: &ReadInput) -> Result<(Reply, Bytes), S3Error> {
        let found = DOCUMENTS.iter().find(|(key, _)| *key == input.request.key);
        let (_, text) = found.ok_or_else(denied)?;
        let object = object(text);
        match read::part(view, input, &object).await? {
            Part::NotModified => Ok((read::not_modified(&object, None), Bytes::new())),
            Part::Section(section) => {
                let head = read::head(input, &object, None, section);
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                let bytes = text.as_bytes().get(place(head.range.start)..place(head.range.end));
                let bytes = bytes.ok_or(Fault::Bug("a range was checked and is not there"))?;
                Ok((head.reply, Bytes::from_static(bytes)))
            }
        }
    }
}

/// What everything else on such a bucket is told.
pub fn denied() -> S3Error {
    S3Error::AccessDenied("Access Denied".to_owned())
}

/// Refuses a call on such a bucket that is not for reading an object.
pub async fn refuse(ctx: &Ctx, view: &ReadView<'_>, request: &Request) -> Result<(), S3Error> {
    match Published::find(ctx, view, &request.bucket).await? {
        Some(_) => Err(denied()),
        None => Ok(()),
    }
}

fn policy(bucket: &str) -> Result<Arc<Policy>, Fault> {
    let resources = DOCUMENTS.map(|(key, _)| arn::object(bucket, key).as_str().to_owned());
    let text = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resources}],
    });
    Policy::parse(&text.to_string(), PolicyKind::BucketPolicy)
        .map(Arc::new)
        .map_err(|_| Fault::Bug("the policy of AWS's own buckets is none"))
}

/// A document as a row of its object would be.
fn object(text: &str) -> Object {
    let mut md5 = Md5::new();
    md5.update(text.as_bytes());
    Object {
        id: [0; 16],
        size: u64::try_from(text.len()).unwrap_or(u64::MAX),
        modified: Timestamp::parse(MODIFIED).unwrap_or(Timestamp::EPOCH),
        etag: etag::of_md5(md5.finish()),
        seal: Seal::S3 { wrapped: Vec::new() },
        segments_header: Default::default(),
        place: Place::Row,
        headers: Default::default(),
        metadata: Vec::new(),
        checksum: None,
        acl: None,
        tags: Vec::new(),
        lock: Default::default(),
        owner: None,
        grants: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_policies_once_their_placeholders_are_filled() {
        for (key, text) in DOCUMENTS {
            for prefix in ["", "logs/"] {
                let filled = text
                    .replace("<BucketName>", "the-bucket")
                    .replace("<CustomerAccountID>", "123456789012")
                    .replace("<Prefix>/", prefix)
                    .replace("<Region>", "us-east-1")
                    .replace("<SNSTopicOwnerAccountId>", "123456789012")
                    .replace("<SNSTopicName>", "topic");
                assert!(!filled.contains('<'), "{key}: {filled}");
                let json: serde_json::Value = serde_json::from_str(&filled).unwrap();
                assert!(json["Statement"].is_array(), "{key}");
                if key.contains("S3BucketPolicy") {
                    assert!(Policy::parse(&filled, PolicyKind::BucketPolicy).is_ok(), "{filled}");
                }
            }
        }
        assert!(policy("awscloudtrail-policy-us-east-1").is_ok());
        assert!(object("x").modified > Timestamp::EPOCH);
    }
}
