//! An ACL as GetBucketAcl and GetObjectAcl answer it.

use crate::{
    answer,
    model::acl::{Grant, Grantee},
};
use base::AccountId;
use gateway::{Render, RenderCtx, Reply};
use record::{Evident, Params};
use serde::Serialize;

/// An owner and what is granted.
pub struct AclDocument {
    /// The owner.
    pub owner: AccountId,
    /// The grants.
    pub grants: Vec<Grant>,
    /// The version whose ACL it is, when that is told.
    pub version: Option<crate::model::version::VersionId>,
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
    grant: Vec<GrantElement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GrantElement {
    grantee: GranteeElement,
    permission: &'static str,
}

#[derive(Serialize)]
struct GranteeElement {
    #[serde(rename = "@xmlns:xsi")]
    xmlns: &'static str,
    #[serde(rename = "@xsi:type")]
    kind: &'static str,
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "URI", skip_serializing_if = "Option::is_none")]
    uri: Option<&'static str>,
}

fn element(grant: Grant) -> GrantElement {
    let id = match grant.grantee {
        Grantee::Account(account) => Some(answer::canonical_id(account)),
        _ => None,
    };
    GrantElement {
        grantee: GranteeElement {
            xmlns: "http://www.w3.org/2001/XMLSchema-instance",
            kind: if id.is_some() { "CanonicalUser" } else { "Group" },
            id,
            uri: grant.grantee.uri(),
        },
        permission: grant.permission.as_str(),
    }
}

impl Evident for AclDocument {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for AclDocument {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let policy = AccessControlPolicy {
            owner: answer::Owner::of(self.owner),
            access_control_list: AccessControlList {
                grant: self.grants.into_iter().map(element).collect(),
            },
        };
        answer::with_version(answer::document("AccessControlPolicy", &policy), self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::acl::{self, CannedAcl};
    use wire::ServiceName;

    #[test]
    fn the_log_delivery_group_is_shown() {
        let output = AclDocument {
            owner: AccountId::FIRST,
            grants: acl::grants_of_bucket(CannedAcl::LogDeliveryWrite, AccountId::FIRST),
            version: None,
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
