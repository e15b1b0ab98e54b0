//! The decider: AWS's flow chart, one function for each rule.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>

mod condition;
mod keys;
mod pattern;
mod principal;
mod statement;
mod value;

use crate::case::{Caller, Case, Kind};
use policy::PolicyType;
use principal::Naming;
use serde_json::Value;
use statement::Asked;

/// Where a denying statement is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The type of its policy.
    pub policy: PolicyType,
    /// Which policy of this type, all levels in one row.
    pub nth: usize,
    /// Which statement of it.
    pub index: usize,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// These statements deny.
    ExplicitDeny(Vec<Place>),
    /// No statement denies, and each of these types would have had to allow; the first is the flow chart's first.
    ImplicitDeny(Vec<PolicyType>),
}

/// Decides a case.
pub fn decide(case: &Case) -> Verdict {
    let asked = Asked::of(case);
    let denies = denies(case, &asked);
    if !denies.is_empty() {
        return Verdict::ExplicitDeny(denies);
    }
    let mut missing = Vec::new();
    if !every_level_allows(&case.resource_control, &asked) {
        missing.push(PolicyType::ResourceControl);
    }
    if has_service_control(case) && !every_level_allows(&case.service_control, &asked) {
        missing.push(PolicyType::ServiceControl);
    }
    missing.extend(match (case.caller.account(), &case.owner) {
        (None, _) => without_account(case, &asked),
        (Some(own), Some(owner)) if own != owner => cross_account(case, &asked),
        (Some(_), _) => same_account(case, &asked),
    });
    match missing.is_empty() {
        true => Verdict::Allowed,
        false => Verdict::ImplicitDeny(missing),
    }
}

/// Every applicable statement that denies, in any policy.
///
/// SPEC: the flow chart's first step
fn denies(case: &Case, asked: &Asked<'_>) -> Vec<Place> {
    let mut found = Vec::new();
    let mut look = |policy: PolicyType, documents: Vec<&Value>| {
        for (nth, document) in documents.into_iter().enumerate() {
            let denying = statement::denying(document, asked);
            found.extend(denying.into_iter().map(|index| Place { policy, nth, index }));
        }
    };
    look(
        PolicyType::ResourceControl,
        case.resource_control.iter().flatten().collect(),
    );
    if has_service_control(case) {
        look(
            PolicyType::ServiceControl,
            case.service_control.iter().flatten().collect(),
        );
    }
    look(resource_type(case), resource_policy(case).into_iter().collect());
    look(PolicyType::Identity, case.identity.iter().collect());
    look(PolicyType::PermissionsBoundary, case.boundary.iter().collect());
    look(PolicyType::Session, case.session.iter().flatten().collect());
    found
}

/// Service control policies bind the users, roles and root of member accounts, nobody else.
///
/// SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>
fn has_service_control(case: &Case) -> bool {
    case.caller.account().is_some()
}

/// Some policy of every level must allow.
///
/// SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>,
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_evaluation.html>
fn every_level_allows(levels: &[Vec<Value>], asked: &Asked<'_>) -> bool {
    levels.iter().all(|level| any_allows(level, asked))
}

fn any_allows(documents: &[Value], asked: &Asked<'_>) -> bool {
    documents
        .iter()
        .any(|document| statement::allowing(document, asked).is_some())
}

/// A trust policy is a role's resource-based policy.
fn resource_type(case: &Case) -> PolicyType {
    match case.kind {
        Kind::Role => PolicyType::RoleTrust,
        Kind::Bucket | Kind::Key | Kind::Other => PolicyType::Resource,
    }
}

/// How the resource's policy allows the caller.
fn resource_naming(case: &Case, asked: &Asked<'_>) -> Option<Naming> {
    statement::allowing(resource_policy(case)?, asked)
}

/// The resource's policy, as far as it binds the caller: the root of a bucket's owner cannot lock itself out of the
/// bucket's policy.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>
fn resource_policy(case: &Case) -> Option<&Value> {
    let is_owner = case.owner.is_none() || case.owner.as_deref() == case.caller.account();
    let of_policy = ["s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"];
    match case.caller {
        Caller::Root { .. } if case.kind == Kind::Bucket && is_owner && of_policy.contains(&case.action.as_str()) => {
            None
        }
        _ => case.resource_policy.as_ref(),
    }
}

/// How a grant of the key allows the caller.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>
fn grant_naming(case: &Case) -> Option<Naming> {
    let gives = |actions: &[String]| actions.iter().any(|given| given.eq_ignore_ascii_case(&case.action));
    case.grants
        .iter()
        .filter(|grant| case.kind == Kind::Key && grant.met && gives(&grant.actions))
        .filter_map(|grant| principal::grantee(&grant.grantee, &case.caller))
        .max()
}

/// Services and anonymous callers: the resource alone decides.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services>
fn without_account(case: &Case, asked: &Asked<'_>) -> Vec<PolicyType> {
    match resource_naming(case, asked).or(grant_naming(case)) {
        Some(_) => Vec::new(),
        None => vec![resource_type(case)],
    }
}

/// Both accounts must allow: the resource's by its policy, the caller's by what the caller holds. A grant allows by itself.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html> (key trust)
fn cross_account(case: &Case, asked: &Asked<'_>) -> Vec<PolicyType> {
    if let Some(granted) = grant_naming(case) {
        return match granted {
            Naming::Direct | Naming::Account => Vec::new(),
            Naming::Role => limits(case, asked),
        };
    }
    let mut missing = Vec::new();
    if resource_naming(case, asked).is_none() {
        missing.push(resource_type(case));
    }
    if !matches!(case.caller, Caller::Root { .. }) {
        missing.extend(own_policies(case, asked));
    }
    missing
}

/// One account: the resource's policy or the caller's own, but for keys and roles, whose policy must speak first.
///
/// SPEC: the flow chart's steps `Resource-based policies` to `Session policies`
fn same_account(case: &Case, asked: &Asked<'_>) -> Vec<PolicyType> {
    let naming = resource_naming(case, asked).max(grant_naming(case));
    match naming {
        Some(Naming::Direct) => return Vec::new(),
        Some(Naming::Role) => return limits(case, asked),
        Some(Naming::Account) | None => {}
    }
    if needs_resource_policy(case.kind) && naming.is_none() {
        return vec![resource_type(case)];
    }
    if matches!(case.caller, Caller::Root { .. }) {
        return Vec::new();
    }
    own_policies(case, asked)
}

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
/// (role trust policies and key policies are exceptions)
fn needs_resource_policy(kind: Kind) -> bool {
    matches!(kind, Kind::Key | Kind::Role)
}

/// The caller's identity policies, within boundary and session policy.
fn own_policies(case: &Case, asked: &Asked<'_>) -> Vec<PolicyType> {
    let mut missing = Vec::new();
    if !any_allows(&case.identity, asked) {
        missing.push(PolicyType::Identity);
    }
    missing.extend(limits(case, asked));
    missing
}

/// The boundary and the session policy that do not allow.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-eval-logic>
fn limits(case: &Case, asked: &Asked<'_>) -> Vec<PolicyType> {
    let mut missing = Vec::new();
    if let Some(boundary) = &case.boundary
        && statement::allowing(boundary, asked).is_none()
    {
        missing.push(PolicyType::PermissionsBoundary);
    }
    if let Some(session) = &case.session
        && !any_allows(session, asked)
    {
        missing.push(PolicyType::Session);
    }
    missing
}

/// A string, a number, a boolean or a list of them, as texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Null | Value::Object(_) => Vec::new(),
    }
}
