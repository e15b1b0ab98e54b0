//! GetAccountSummary: how many there are of each thing, and how many there may be.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>

use crate::{
    IamError,
    model::{
        access_key::ACCESS_KEYS_PER_USER_MAX,
        document::{GROUP_INLINE_BYTES_MAX, MANAGED_CHARS_MAX, ROLE_INLINE_BYTES_MAX, USER_INLINE_BYTES_MAX},
        group::{GROUPS_PER_ACCOUNT_MAX, GROUPS_PER_USER_MAX},
        managed_policy::{ATTACHED_MAX, POLICIES_PER_ACCOUNT_MAX, VERSIONS_MAX},
        role::ROLES_PER_ACCOUNT_MAX,
        user::{Owner, USERS_PER_ACCOUNT_MAX},
    },
    table::{self, groups, holdings, managed, roles},
};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::{Authorized, PolicyKind};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetAccountSummary;

#[derive(Deserialize)]
pub(super) struct Input {}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    summary_map: BTreeMap<&'static str, usize>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The limits, and AWS's numbers for what is not here.
fn fixed() -> [(&'static str, usize); 27] {
    [
        ("AccessKeysPerUserQuota", ACCESS_KEYS_PER_USER_MAX),
        ("AccountMFAEnabled", 0),
        ("AccountPasswordPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("AssumeRolePolicySizeQuota", PolicyKind::Trust.size_max()),
        ("AttachedPoliciesPerGroupQuota", ATTACHED_MAX),
        ("AttachedPoliciesPerRoleQuota", ATTACHED_MAX),
        ("AttachedPoliciesPerUserQuota", ATTACHED_MAX),
        ("GlobalEndpointTokenVersion", 1),
        ("GroupPolicySizeQuota", GROUP_INLINE_BYTES_MAX),
        ("GroupsPerUserQuota", GROUPS_PER_USER_MAX),
        ("GroupsQuota", GROUPS_PER_ACCOUNT_MAX),
        ("InstanceProfiles", 0),
        ("InstanceProfilesQuota", 1_000),
        ("MFADevices", 0),
        ("MFADevicesInUse", 0),
        ("PoliciesQuota", POLICIES_PER_ACCOUNT_MAX),
        ("PolicySizeQuota", MANAGED_CHARS_MAX),
        ("PolicyVersionsInUseQuota", 10_000),
        ("Providers", 0),
        ("RolePolicySizeQuota", ROLE_INLINE_BYTES_MAX),
        ("RolesQuota", ROLES_PER_ACCOUNT_MAX),
        ("ServerCertificates", 0),
        ("ServerCertificatesQuota", 20),
        ("SigningCertificatesPerUserQuota", 2),
        ("UserPolicySizeQuota", USER_INLINE_BYTES_MAX),
        ("VersionsPerPolicyQuota", VERSIONS_MAX),
    ]
}

impl Operation for GetAccountSummary {
    const NAME: &'static str = "GetAccountSummary";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, IamError> {
        Ok(Demand::on("iam:GetAccountSummary", arn::any()).into())
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, _: &Authorized<Self::Input>, _: &Staged) -> Result<Self::Output, IamError> {
        let (view, account) = (txn.view(), ctx.account);
        let root_keys = table::access_keys(&view, account, &Owner::Root).await?;
        let mut summary_map = BTreeMap::from(fixed());
        summary_map.extend([
            ("AccountAccessKeysPresent", usize::from(!root_keys.is_empty())),
            ("Groups", groups::groups(&view, account).await?.len()),
            ("Policies", managed::policies(&view, account).await?.len()),
            // Of a policy that is attached or a boundary, the default version is in use.
            ("PolicyVersionsInUse", holdings::all_uses(&view, account).await?.len()),
            ("Roles", roles::roles(&view, account).await?.len()),
            ("Users", table::users(&view, account).await?.len()),
            ("UsersQuota", USERS_PER_ACCOUNT_MAX),
        ]);
        Ok(QueryResult(Output { summary_map }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::result;
    use super::*;

    #[test]
    fn the_answer_is_a_map() {
        let summary_map = BTreeMap::from([("Users", 3)]);
        assert_eq!(
            result("GetAccountSummary", &Output { summary_map }),
            "<SummaryMap><entry><key>Users</key><value>3</value></entry></SummaryMap>"
        );
    }
}
