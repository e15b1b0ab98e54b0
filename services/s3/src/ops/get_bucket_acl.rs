//! GetBucketAcl.

use crate::{
    S3Error, access, answer,
    model::acl::{CannedAcl, LOG_DELIVERY_GROUP},
    ops::bucket_call::{self, ACL, BucketCall},
    request::Request,
};
use base::AccountId;
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetBucketAcl.
pub struct GetBucketAcl;

impl GetBucketAcl {
    /// The input of a service that wants to know whether it may.
    pub fn input(bucket: &str) -> BucketCall<ACL> {
        BucketCall {
            request: Request::internal(bucket, ""),
        }
    }
}

/// The bucket's owner and ACL.
pub struct Output {
    owner: AccountId,
    acl: CannedAcl,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessControlPolicy {
    owner: answer::Owner,
    access_control_list: AccessControlList,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessControlList {
    grant: Vec<Grant>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Grant {
    grantee: Grantee,
    permission: &'static str,
}

#[derive(Serialize)]
struct Grantee {
    #[serde(rename = "@xmlns:xsi")]
    xmlns: &'static str,
    #[serde(rename = "@xsi:type")]
    kind: &'static str,
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "URI", skip_serializing_if = "Option::is_none")]
    uri: Option<&'static str>,
}

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

impl Output {
    fn grants(&self) -> Vec<Grant> {
        let owner = || Grantee {
            xmlns: XSI,
            kind: "CanonicalUser",
            id: Some(answer::canonical_id(self.owner)),
            uri: None,
        };
        let group = || Grantee {
            xmlns: XSI,
            kind: "Group",
            id: None,
            uri: Some(LOG_DELIVERY_GROUP),
        };
        let mut grants = vec![Grant {
            grantee: owner(),
            permission: "FULL_CONTROL",
        }];
        if self.acl == CannedAcl::LogDeliveryWrite {
            for permission in ["WRITE", "READ_ACP"] {
                grants.push(Grant {
                    grantee: group(),
                    permission,
                });
            }
        }
        grants
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let policy = AccessControlPolicy {
            owner: answer::Owner::of(self.owner),
            access_control_list: AccessControlList { grant: self.grants() },
        };
        answer::document("AccessControlPolicy", &policy)
    }
}

impl Operation for GetBucketAcl {
    const NAME: &'static str = "GetBucketAcl";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<ACL>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketAcl", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        Ok(Output {
            owner: bucket.owner,
            acl: bucket.acl,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_delivery_group_is_shown() {
        let output = Output {
            owner: AccountId::FIRST,
            acl: CannedAcl::LogDeliveryWrite,
        };
        let render = RenderCtx {
            service: ServiceName::S3,
            operation: "GetBucketAcl",
            request_id: "r",
        };
        let gateway::ReplyBody::Bytes(body) = output.render(&render).body else {
            panic!("a document")
        };
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.contains(r#"xsi:type="CanonicalUser""#) && text.contains("FULL_CONTROL"),
            "{text}"
        );
        assert!(
            text.contains("/s3/LogDelivery</URI></Grantee><Permission>WRITE</Permission>"),
            "{text}"
        );
    }
}
