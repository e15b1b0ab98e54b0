//! How the policies that speak about a request combine.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>

use crate::{
    Context, Effect, Grant, Policy, Principal,
    principal::Naming,
    statement::{Asked, Folded, Outcome, Side},
};
use base::AccountId;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// The rules of combination differ by what the resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResourceKind {
    /// A bucket, or an object in it.
    Bucket,
    /// A KMS key: nothing is allowed without its key policy, not even to its account's root.
    KmsKey,
    /// Anything else.
    Other,
    /// A role that is assumed: nothing is allowed without its trust policy.
    RoleTrust,
}

/// A demand: who wants to do what to which resource, under which conditions.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// `service:Name`; case does not matter.
    pub action: &'a str,
    /// An ARN, or `*` when the call names no resource.
    pub resource: &'a str,
    /// The account that owns the resource; `None` is the caller's own.
    pub owner: Option<AccountId>,
    /// Which rules hold.
    pub kind: ResourceKind,
    /// The condition keys. [`Context::of`] sets those of the principal.
    pub context: &'a Context,
}

impl<'a> Request<'a> {
    /// What statements see of it.
    pub(crate) fn asked(&self, policies: &Policies<'_>, folded: &'a Folded<'a>) -> Asked<'a> {
        Asked {
            principal: self.principal,
            action: self.action,
            folded,
            resource: self.resource,
            context: self.context,
            bounded: policies.boundary.is_some(),
        }
    }

    /// Whether resource and caller are of one account.
    pub(crate) fn same_account(&self) -> bool {
        self.owner.is_none() || self.owner == self.principal.account()
    }
}

/// Every policy that speaks about a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// The caller's own, those of the caller's groups, or those of the session's role.
    pub identity: &'a [Arc<Policy>],
    /// The caller's permissions boundary.
    pub boundary: Option<&'a Policy>,
    /// Given when the session was made: one of them must allow.
    pub session: Option<&'a [Arc<Policy>]>,
    /// The resource's: key policy, bucket policy, trust policy.
    pub resource: Option<&'a Policy>,
    /// From the organization's root to the caller's account: each level must allow. Empty: no organization.
    pub service_control: &'a [Vec<Arc<Policy>>],
    /// From the organization's root to the account of the resource: each level must allow. Empty: no organization, or a
    /// resource or service that they do not bind.
    pub resource_control: &'a [Vec<Arc<Policy>>],
    /// The grants of a KMS key.
    pub grants: &'a [Arc<Grant>],
}

/// A request with the policies that speak about it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// What is demanded.
    pub request: Request<'a>,
    /// What speaks about it.
    pub policies: Policies<'a>,
}

/// Which of the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PolicyType {
    /// Identity-based.
    Identity,
    /// Permissions boundary.
    PermissionsBoundary,
    /// Resource-based, but for trust policies.
    Resource,
    /// Resource control policy.
    ResourceControl,
    /// A role's trust policy.
    RoleTrust,
    /// Service control policy.
    ServiceControl,
    /// Session policy.
    Session,
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grounds {
    /// A statement denies; nothing else counts.
    ExplicitDeny {
        /// Which of the policies.
        policy: PolicyType,
        /// Which policy of this type, in the order given (all levels of an organization in one row).
        nth: usize,
        /// The statement's place in it.
        index: usize,
        /// The statement's id.
        sid: Option<Arc<str>>,
        /// The ARN of the managed policy that it is in; an inline or a resource's policy has none.
        arn: Option<Arc<str>>,
    },
    /// A grant of the key allows.
    Grant {
        /// Which, in the order given.
        nth: usize,
    },
    /// No policy of this type allows, and one must.
    NothingAllows {
        /// The type.
        missing: PolicyType,
    },
    /// The root of an account may do all to what the account owns.
    RootOfAccount,
    /// A statement allows, and all that must allow beside it does.
    Statement {
        /// Which of the policies.
        policy: PolicyType,
        /// Which policy of this type, in the order given.
        nth: usize,
        /// The statement's place in it.
        index: usize,
        /// The statement's id.
        sid: Option<Arc<str>>,
    },
}

/// Allowed or denied, and on what grounds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision(Grounds);

impl Decision {
    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(
            self.0,
            Grounds::Grant { .. } | Grounds::RootOfAccount | Grounds::Statement { .. }
        )
    }

    /// What decided.
    pub fn grounds(&self) -> &Grounds {
        &self.0
    }

    /// Why the request is refused; `None` when it is allowed.
    pub fn denial(&self) -> Option<Denial> {
        match &self.0 {
            Grounds::Grant { .. } | Grounds::RootOfAccount | Grounds::Statement { .. } => None,
            Grounds::ExplicitDeny { policy, arn, .. } => Some(Denial(Cause::Explicit(*policy, arn.clone()))),
            Grounds::NothingAllows { missing } => Some(Denial(Cause::Missing(*missing))),
        }
    }
}

/// The reason of a refusal, as AWS's messages tell it: one type of policy, of a managed one its ARN, never its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial(Cause);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    Explicit(PolicyType, Option<Arc<str>>),
    Missing(PolicyType),
    NothingDemanded,
}

impl Denial {
    /// An operation asked to be authorised for nothing.
    pub(crate) const NOTHING_DEMANDED: Denial = Denial(Cause::NothingDemanded);

    /// The end of AWS's message, such as `because no identity-based policy allows the kms:Decrypt action`.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
    pub fn because(&self, action: &str) -> String {
        match &self.0 {
            Cause::Missing(policy) => format!("because no {} allows the {action} action", policy.name()),
            Cause::Explicit(policy, arn) => {
                let article = match policy {
                    PolicyType::RoleTrust => "the",
                    PolicyType::Identity => "an",
                    _ => "a",
                };
                let text = format!("with an explicit deny in {article} {}", policy.name());
                match arn {
                    Some(arn) => format!("{text}: {arn}"),
                    None => text,
                }
            }
            Cause::NothingDemanded => "because nothing was demanded".to_owned(),
        }
    }

    /// The type of policy that should have allowed.
    pub fn missing(&self) -> Option<PolicyType> {
        match self.0 {
            Cause::Missing(policy) => Some(policy),
            Cause::Explicit(..) | Cause::NothingDemanded => None,
        }
    }

    /// Whether a statement denies.
    pub fn is_explicit(&self) -> bool {
        matches!(self.0, Cause::Explicit(..))
    }

    /// The type of policy that a message names.
    pub fn policy(&self) -> Option<PolicyType> {
        match self.0 {
            Cause::Missing(policy) | Cause::Explicit(policy, _) => Some(policy),
            Cause::NothingDemanded => None,
        }
    }
}

impl PolicyType {
    /// AWS's words for it.
    fn name(self) -> &'static str {
        match self {
            PolicyType::Identity => "identity-based policy",
            PolicyType::PermissionsBoundary => "permissions boundary",
            PolicyType::Resource => "resource-based policy",
            PolicyType::ResourceControl => "resource control policy",
            PolicyType::RoleTrust => "role trust policy",
            PolicyType::ServiceControl => "service control policy",
            PolicyType::Session => "session policy",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Decides a request against every policy that speaks about it.
///
/// An explicit deny wins over any allow, and silence is a deny. A statement that cannot be evaluated counts against the
/// caller: skipping a broken `Deny` would open a door.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let mut buffer = [0; 64];
    let folded = Folded::new(request.action, &mut buffer);
    Decision(match Court::new(request, policies, &folded).decide() {
        Ok(grounds) | Err(grounds) => grounds,
    })
}

/// One request before its judges. `Err` ends the case with a refusal.
struct Court<'a> {
    request: &'a Request<'a>,
    policies: &'a Policies<'a>,
    asked: Asked<'a>,
    /// What messages call the resource's policy.
    resource_type: PolicyType,
    /// Whether resource and caller are of one account.
    same_account: bool,
}

/// A statement that matched.
#[derive(Clone, Copy)]
struct Hit<'a> {
    policy: PolicyType,
    nth: usize,
    index: usize,
    sid: Option<&'a Arc<str>>,
    arn: Option<&'a Arc<str>>,
    naming: Naming,
}

impl Hit<'_> {
    fn allows(self) -> Grounds {
        Grounds::Statement {
            policy: self.policy,
            nth: self.nth,
            index: self.index,
            sid: self.sid.cloned(),
        }
    }

    fn denies(self) -> Grounds {
        // Messages name managed policies, never those of resources.
        let arn = match self.policy {
            PolicyType::Resource | PolicyType::RoleTrust => None,
            PolicyType::Identity
            | PolicyType::PermissionsBoundary
            | PolicyType::ResourceControl
            | PolicyType::ServiceControl
            | PolicyType::Session => self.arn.cloned(),
        };
        Grounds::ExplicitDeny {
            policy: self.policy,
            nth: self.nth,
            index: self.index,
            sid: self.sid.cloned(),
            arn,
        }
    }
}

type Allow<'a> = Result<Option<Hit<'a>>, Grounds>;

impl<'a> Court<'a> {
    fn new(request: &'a Request<'a>, policies: &'a Policies<'a>, folded: &'a Folded<'a>) -> Court<'a> {
        Court {
            request,
            policies,
            asked: request.asked(policies, folded),
            resource_type: resource_type(request.kind),
            same_account: request.same_account(),
        }
    }

    /// All policies are read before any allow counts: a deny may stand in the last of them.
    fn decide(&self) -> Result<Grounds, Grounds> {
        let beyond_control = !self.levels(
            PolicyType::ResourceControl,
            Side::Resource,
            self.policies.resource_control,
        )?;
        if self.request.principal.account().is_none() {
            let allow = self.resource()?.map(Hit::allows);
            if beyond_control {
                return Err(missing(PolicyType::ResourceControl));
            }
            let granted = || self.grant().map(|(nth, _)| Grounds::Grant { nth });
            return allow.or_else(granted).ok_or(missing(self.resource_type));
        }
        let uncontrolled = !self.levels(PolicyType::ServiceControl, Side::Holder, self.policies.service_control)?;
        let resource = if self.root_guards_its_bucket() {
            None
        } else {
            self.resource()?
        };
        let identity = self.holder(PolicyType::Identity, self.policies.identity)?;
        let boundary = match self.policies.boundary {
            None => true,
            Some(boundary) => self
                .listen(
                    PolicyType::PermissionsBoundary,
                    Side::Holder,
                    0,
                    std::iter::once(boundary),
                )?
                .is_some(),
        };
        let session = match self.policies.session {
            None => true,
            Some(session) => self.holder(PolicyType::Session, session)?.is_some(),
        };
        if beyond_control {
            return Err(missing(PolicyType::ResourceControl));
        }
        if uncontrolled {
            return Err(missing(PolicyType::ServiceControl));
        }
        let limits = match (boundary, session) {
            (false, _) => Err(missing(PolicyType::PermissionsBoundary)),
            (_, false) => Err(missing(PolicyType::Session)),
            _ => Ok(()),
        };
        let Some((nth, naming)) = self.grant() else {
            return self.combine(resource, identity, limits, session);
        };
        // A grant is like a key policy's statement that names its grantee, in whichever account: it asks nothing of the
        // caller's identity policies, and what a session has through its role is limited as its role is.
        // SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>
        let limits = match naming {
            Naming::Direct => Ok(()),
            Naming::Role | Naming::Account => limits,
        };
        match limits {
            Ok(()) => Ok(Grounds::Grant { nth }),
            Err(limit) => self
                .combine(resource, identity, Err(limit.clone()), session)
                .or(Err(limit)),
        }
    }

    fn combine(
        &self,
        resource: Option<Hit<'a>>,
        identity: Option<Hit<'a>>,
        limits: Result<(), Grounds>,
        session: bool,
    ) -> Result<Grounds, Grounds> {
        let resource_decides = matches!(self.request.kind, ResourceKind::KmsKey | ResourceKind::RoleTrust);
        if resource.is_none() && (resource_decides || !self.same_account) {
            return Err(missing(self.resource_type));
        }
        let root = matches!(self.request.principal, Principal::Root { .. });
        match resource.filter(|_| self.same_account) {
            // A session under its own ARN is beyond every silence of its own policies; a user, of identity and boundary.
            Some(hit) if hit.naming == Naming::Direct && (resource_decides || !root) => {
                let is_session = matches!(self.request.principal, Principal::Session { .. });
                return match session || is_session {
                    true => Ok(hit.allows()),
                    false => Err(missing(PolicyType::Session)),
                };
            }
            Some(hit) if hit.naming == Naming::Role => return limits.map(|()| hit.allows()),
            _ => {}
        }
        let allowed = match identity {
            _ if root => Grounds::RootOfAccount,
            Some(hit) => hit.allows(),
            None => return Err(missing(PolicyType::Identity)),
        };
        limits.map(|()| allowed)
    }

    /// A bucket owner's root can always reach the bucket policy, or nobody could repair one that denies everyone.
    ///
    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>
    fn root_guards_its_bucket(&self) -> bool {
        const ALWAYS: [&str; 3] = ["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"];
        self.request.kind == ResourceKind::Bucket
            && self.same_account
            && matches!(self.request.principal, Principal::Root { .. })
            && ALWAYS
                .iter()
                .any(|action| action.eq_ignore_ascii_case(self.request.action))
    }

    /// Whether every level of an organization allows.
    fn levels(&self, policy: PolicyType, side: Side, levels: &'a [Vec<Arc<Policy>>]) -> Result<bool, Grounds> {
        let mut all = true;
        let mut nth = 0;
        for level in levels {
            let allow = self.listen(policy, side, nth, level.iter().map(AsRef::as_ref))?;
            all &= allow.is_some();
            nth += level.len();
        }
        Ok(all)
    }

    /// The grant that gives this action to who asks and names them most closely; of several, the first.
    fn grant(&self) -> Option<(usize, Naming)> {
        let gives = |(nth, grant): (usize, &Arc<Grant>)| {
            let naming = grant.gives(self.asked.principal, self.asked.action)?;
            Some((nth, naming))
        };
        let grants = self.policies.grants.iter().enumerate();
        grants
            .filter_map(gives)
            .min_by_key(|(nth, naming)| (std::cmp::Reverse(*naming), *nth))
    }

    fn resource(&self) -> Allow<'a> {
        self.listen(
            self.resource_type,
            Side::Resource,
            0,
            self.policies.resource.into_iter(),
        )
    }

    fn holder(&self, policy: PolicyType, policies: &'a [Arc<Policy>]) -> Allow<'a> {
        self.listen(policy, Side::Holder, 0, policies.iter().map(AsRef::as_ref))
    }

    /// Reads policies of one type: the first deny ends the case, else the allow that names the caller most closely.
    fn listen(
        &self,
        policy: PolicyType,
        side: Side,
        first: usize,
        policies: impl Iterator<Item = &'a Policy>,
    ) -> Allow<'a> {
        let mut best: Option<Hit<'a>> = None;
        for (nth, each) in policies.enumerate() {
            for (index, statement) in each.statements().iter().enumerate() {
                let naming = match (statement.meet(side, self.asked), statement.effect) {
                    (Outcome::Unmatched(_), _) | (Outcome::Undecidable(_), Effect::Allow) => continue,
                    (Outcome::Matched(naming), _) => naming,
                    (Outcome::Undecidable(_), Effect::Deny) => Naming::Direct,
                };
                let hit = Hit {
                    policy,
                    nth: first + nth,
                    index,
                    sid: statement.sid.as_ref(),
                    arn: each.source().and_then(|source| source.arn.as_ref()),
                    naming,
                };
                if statement.effect == Effect::Deny {
                    return Err(hit.denies());
                }
                if best.is_none_or(|best| best.naming < naming) {
                    best = Some(hit);
                }
            }
        }
        Ok(best)
    }
}

fn missing(missing: PolicyType) -> Grounds {
    Grounds::NothingAllows { missing }
}

/// What messages call the policy of a resource of this kind.
pub(crate) fn resource_type(kind: ResourceKind) -> PolicyType {
    match kind {
        ResourceKind::RoleTrust => PolicyType::RoleTrust,
        ResourceKind::Bucket | ResourceKind::KmsKey | ResourceKind::Other => PolicyType::Resource,
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod world;
