//! The organization that accounts belong to, and the policies that it puts above theirs.
//!
//! SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>,
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_evaluation.html>

use base::AccountId;
use policy::{Policy, Principal};
use std::{collections::BTreeMap, sync::Arc};

/// From the organization's root down to an account: each level's policies.
pub type Levels = Vec<Vec<Arc<Policy>>>;

/// An organization: who is in it, where, and under which policies.
#[derive(Clone, Debug)]
pub struct Organization {
    /// `o-…`
    pub id: String,
    /// The account that its service and resource control policies do not bind.
    pub management_account: AccountId,
    /// Every account in it, the management account too.
    pub members: BTreeMap<AccountId, Member>,
}

/// An account of an organization.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// Where it hangs: `o-…/r-…/ou-…/`.
    pub path: String,
    /// What its principals may do at most.
    pub service_control: Levels,
    /// What may be done at most to its resources.
    pub resource_control: Levels,
}

/// The services whose resources resource control policies bind.
///
/// SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services>
const RESOURCE_CONTROLLED: [&str; 3] = ["s3", "sts", "kms"];

impl Organization {
    /// The member that an account is.
    pub fn member(&self, account: Option<AccountId>) -> Option<&Member> {
        self.members.get(&account?)
    }

    /// Whether both accounts are in it.
    pub fn joins(&self, one: Option<AccountId>, other: Option<AccountId>) -> bool {
        self.member(one).is_some() && self.member(other).is_some()
    }

    /// The levels that bind a principal; none for services, strangers and the management account.
    pub fn service_control(&self, principal: &Principal) -> &[Vec<Arc<Policy>>] {
        match principal.account() {
            Some(account) if account != self.management_account => self
                .member(Some(account))
                .map_or(&[], |member| member.service_control.as_slice()),
            _ => &[],
        }
    }

    /// The levels that bind an action (`service:Name`) on a resource of this account.
    pub fn resource_control(&self, action: &str, owner: AccountId) -> &[Vec<Arc<Policy>>] {
        let service = action.split(':').next().unwrap_or("");
        let exempt = action.eq_ignore_ascii_case("kms:RetireGrant");
        if owner == self.management_account || exempt || !RESOURCE_CONTROLLED.contains(&service) {
            return &[];
        }
        self.member(Some(owner))
            .map_or(&[], |member| member.resource_control.as_slice())
    }
}
