//! PutBucketOwnershipControls: whether ACLs count, and whose the objects are that other accounts put.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>

use crate::{
    S3Error, access,
    model::acl::{Grantee, Ownership},
    ops::bucket_call::{self, Done},
    request::Request,
    table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketOwnershipControls.
pub struct PutBucketOwnershipControls;

/// The new controls.
pub struct Input {
    request: Request,
    ownership: Ownership,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OwnershipControls {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    object_ownership: String,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let (request, controls): (_, OwnershipControls) = bucket_call::document_of(call, "OwnershipControls")?;
    let mut rules = controls.rule.into_iter();
    let (Some(rule), None) = (rules.next(), rules.next()) else {
        return Err(S3Error::MalformedXml);
    };
    Ok(Input {
        request,
        ownership: Ownership::parse(&rule.object_ownership).ok_or(S3Error::MalformedXml)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let rule = Params::new().text("ObjectOwnership", self.ownership.as_str());
        Params::new()
            .object("OwnershipControls", Params::new().object("Rule", rule))
            .and(self.request.evident())
            .text("ownershipControls", "")
    }
}

impl Operation for PutBucketOwnershipControls {
    const NAME: &'static str = "PutBucketOwnershipControls";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutBucketOwnershipControls", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        let owner = Grantee::Account(bucket.owner);
        let is_shared = bucket.granted().iter().any(|grant| grant.grantee != owner);
        if !input.ownership.has_acls() && is_shared {
            return Err(S3Error::InvalidBucketAclWithObjectOwnership);
        }
        bucket.ownership = input.ownership;
        bucket.ownership_controls = true;
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}
