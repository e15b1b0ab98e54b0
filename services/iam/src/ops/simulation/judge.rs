//! One action on one resource before the policies, and what answers tell of it.

use super::{
    Scene,
    shapes::{ByBoundary, ByOrganizations, Details, Evaluation, Matched, Outcome, Specific},
    source::Source,
};
use crate::model::context_keys;
use base::{AccountId, arn};
use policy::{
    Check, Context, Effect, Policies, Policy, PolicyType, Request, ResourceKind, StatementTrace, TraceOutcome,
};
use std::{collections::BTreeSet, sync::Arc};

/// What became of one action on one resource.
struct Verdict {
    outcome: Outcome,
    /// The statements that decided; of an implicit deny those that allow, but not enough.
    matched: Vec<Matched>,
    missing: Vec<String>,
    by_organization: Option<bool>,
    by_boundary: Option<bool>,
    /// What each type says, when resource and caller are of two accounts.
    details: Option<Details>,
}

/// Evaluates one action on all the resources.
pub(super) fn evaluate(scene: &Scene, action: &str) -> Evaluation {
    let verdicts: Vec<(&String, Verdict)> = scene
        .resources
        .iter()
        .map(|resource| (resource, judge(scene, action, resource)))
        .collect();
    let outcome = verdicts.iter().map(|(_, verdict)| verdict.outcome).max();
    let outcome = outcome.unwrap_or(Outcome::ImplicitDeny);
    let (mut matched, mut missing, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (_, verdict) in &verdicts {
        for name in &verdict.missing {
            context_keys::add(&mut missing, name.clone());
        }
        if outcome != Outcome::ImplicitDeny && verdict.outcome == outcome {
            let new = verdict.matched.iter().filter(|one| seen.insert(one.place()));
            matched.extend(new.cloned());
        }
    }
    let all = |of: fn(&Verdict) -> Option<bool>| {
        let mut answers = verdicts.iter().filter_map(|(_, verdict)| of(verdict)).peekable();
        answers.peek().is_some().then(|| answers.all(|allows| allows))
    };
    let stopped = all(|verdict| verdict.by_organization) == Some(false);
    Evaluation {
        eval_action_name: action.to_owned(),
        eval_resource_name: shown_resource(&scene.resources),
        eval_decision: outcome,
        matched_statements: matched,
        missing_context_values: missing,
        organizations_decision_detail: all(|verdict| verdict.by_organization).map(by_organizations),
        permissions_boundary_decision_detail: all(|verdict| verdict.by_boundary).map(by_boundary),
        eval_decision_details: (scene.names_resources() && !stopped).then(|| worst(&verdicts)),
        resource_specific_results: scene.names_resources().then(|| {
            verdicts
                .into_iter()
                .map(|(resource, verdict)| specific(resource, verdict))
                .collect()
        }),
    }
}

fn by_organizations(allowed_by_organizations: bool) -> ByOrganizations {
    ByOrganizations {
        allowed_by_organizations,
    }
}

fn by_boundary(allowed_by_permissions_boundary: bool) -> ByBoundary {
    ByBoundary {
        allowed_by_permissions_boundary,
    }
}

fn specific(resource: &str, verdict: Verdict) -> Specific {
    Specific {
        eval_resource_name: resource.to_owned(),
        eval_resource_decision: verdict.outcome,
        matched_statements: verdict.matched,
        missing_context_values: verdict.missing,
        eval_decision_details: verdict.details,
        permissions_boundary_decision_detail: verdict.by_boundary.map(by_boundary),
    }
}

/// The most restrictive decision of each type.
fn worst(verdicts: &[(&String, Verdict)]) -> Details {
    let mut all = Details::new();
    for (_, verdict) in verdicts {
        for (kind, outcome) in verdict.details.iter().flatten() {
            let known = all.entry(kind).or_insert(*outcome);
            *known = (*known).max(*outcome);
        }
    }
    all
}

fn judge(scene: &Scene, action: &str, resource: &str) -> Verdict {
    let owner = scene.owner_of(resource);
    let context = context_of(scene, owner);
    let request = Request {
        principal: &scene.principal,
        action,
        resource,
        owner: Some(owner),
        kind: scene.kind_of(action, resource),
        context: &context,
    };
    let policies = Policies {
        identity: &scene.identity,
        boundary: scene.boundary.as_ref().map(|source| source.policy.as_ref()),
        resource: scene.resource.as_ref().map(|source| source.policy.as_ref()),
        service_control: scene.service_control.as_deref().unwrap_or_default(),
        ..Policies::default()
    };
    let decision = policy::decide(&request, &policies);
    let trace = policy::explain(&Check { request, policies }).statements;
    let outcome = match decision.denial() {
        None => Outcome::Allowed,
        Some(denial) if denial.is_explicit() => Outcome::ExplicitDeny,
        Some(_) => Outcome::ImplicitDeny,
    };
    let across = scene.principal.account() != Some(owner);
    let by_organization = scene
        .service_control
        .as_deref()
        .map(|levels| levels_allow(scene, &request, levels));
    Verdict {
        outcome,
        matched: matched(scene, &trace, outcome),
        missing: missing(scene, &trace, &context),
        by_organization,
        by_boundary: scene
            .boundary
            .as_ref()
            .map(|_| alone(&trace, PolicyType::PermissionsBoundary) == Outcome::Allowed),
        details: (across && by_organization != Some(false)).then(|| details(scene, &trace)),
    }
}

/// The condition keys: those of the caller, then those given.
fn context_of(scene: &Scene, owner: AccountId) -> Context {
    let mut context = scene.context.clone();
    context.set("aws:ResourceAccount", owner.as_str());
    for (key, values) in scene.given.iter() {
        context.set_all(key.to_owned(), values.iter().map(String::as_str));
    }
    context
}

/// Whether the organization would let this be allowed.
fn levels_allow(scene: &Scene, request: &Request<'_>, levels: &[Vec<Arc<Policy>>]) -> bool {
    let request = Request {
        owner: None,
        kind: ResourceKind::Other,
        ..*request
    };
    let policies = Policies {
        identity: &scene.everything,
        service_control: levels,
        ..Policies::default()
    };
    policy::decide(&request, &policies).is_allowed()
}

fn source<'a>(scene: &'a Scene, trace: &StatementTrace) -> Option<&'a Source> {
    match trace.policy {
        PolicyType::Identity => scene.sources.get(trace.nth),
        PolicyType::PermissionsBoundary => scene.boundary.as_ref(),
        PolicyType::Resource | PolicyType::RoleTrust => scene.resource.as_ref(),
        PolicyType::ResourceControl | PolicyType::ServiceControl | PolicyType::Session => None,
    }
}

/// Whether the statement counts; a deny that cannot be told does.
fn counts(trace: &StatementTrace) -> bool {
    match &trace.outcome {
        TraceOutcome::Matched { .. } => true,
        TraceOutcome::Condition { unreadable, .. } => *unreadable && trace.effect == Effect::Deny,
        TraceOutcome::Element { .. } | TraceOutcome::Inert | TraceOutcome::Principal { .. } => false,
    }
}

/// A boundary's statements are told only when they deny: an allow in it grants nothing.
fn matched(scene: &Scene, traces: &[StatementTrace], outcome: Outcome) -> Vec<Matched> {
    let wanted = match outcome {
        Outcome::ExplicitDeny => Effect::Deny,
        Outcome::Allowed | Outcome::ImplicitDeny => Effect::Allow,
    };
    let told = |trace: &&StatementTrace| {
        let grants = trace.policy != PolicyType::PermissionsBoundary || wanted == Effect::Deny;
        trace.effect == wanted && grants && counts(trace)
    };
    let shown = |trace: &StatementTrace| {
        let source = source(scene, trace)?;
        let span = source.spans.get(trace.index)?;
        Some(Matched {
            source_policy_id: source.id.clone(),
            source_policy_type: source.kind,
            start_position: span.start,
            end_position: span.end,
        })
    };
    traces.iter().filter(told).filter_map(shown).collect()
}

/// The keys without a value of the statements that speak of this action and resource.
fn missing(scene: &Scene, traces: &[StatementTrace], context: &Context) -> Vec<String> {
    let mut names = Vec::new();
    for trace in traces {
        let keys = source(scene, trace).and_then(|source| source.keys.get(trace.index));
        let keys = match &trace.outcome {
            TraceOutcome::Matched { .. } | TraceOutcome::Condition { .. } => keys.cloned().unwrap_or_default(),
            // A resource that rests on a variable.
            TraceOutcome::Element { wanted, .. } if keys.is_some() => wanted
                .iter()
                .flat_map(|text| context_keys::variables_of(text))
                .collect(),
            TraceOutcome::Element { .. } | TraceOutcome::Inert | TraceOutcome::Principal { .. } => Vec::new(),
        };
        for key in keys {
            if key.required && context.get(&key.name).is_none() {
                context_keys::add(&mut names, key.name);
            }
        }
    }
    names
}

/// What a type of policy says by itself.
fn alone(traces: &[StatementTrace], policy: PolicyType) -> Outcome {
    let of_type = || traces.iter().filter(|trace| trace.policy == policy && counts(trace));
    if of_type().any(|trace| trace.effect == Effect::Deny) {
        Outcome::ExplicitDeny
    } else if of_type().next().is_some() {
        Outcome::Allowed
    } else {
        Outcome::ImplicitDeny
    }
}

fn details(scene: &Scene, traces: &[StatementTrace]) -> Details {
    let resource = match alone(traces, PolicyType::RoleTrust) {
        Outcome::ImplicitDeny => alone(traces, PolicyType::Resource),
        told => told,
    };
    let mut details = Details::from([
        ("IAM Policy", alone(traces, PolicyType::Identity)),
        ("Resource Policy", resource),
    ]);
    if scene.boundary.is_some() {
        let boundary = alone(traces, PolicyType::PermissionsBoundary);
        details.insert("Permissions Boundary Policy", boundary);
    }
    details
}

/// The resource, or what several of one type have in common.
fn shown_resource(resources: &[String]) -> String {
    match resources {
        [one] => one.clone(),
        several => {
            let mut templates = several.iter().map(|resource| template(resource));
            let first = templates.next().unwrap_or("*");
            let same = templates.all(|other| other == first);
            if same { first } else { "*" }.to_owned()
        }
    }
}

/// The shape of the ARNs of a resource's type; `*` of a type that is not here.
///
/// SPEC: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
fn template(resource: &str) -> &'static str {
    let Some(parts) = arn::split(resource) else {
        return "*";
    };
    let kind = parts.resource.split('/').next().unwrap_or_default();
    match (parts.service, kind) {
        ("s3", _) if parts.resource.contains('/') => "arn:${Partition}:s3:::${BucketName}/${KeyName}",
        ("s3", _) => "arn:${Partition}:s3:::${BucketName}",
        ("kms", "alias") => "arn:${Partition}:kms:${Region}:${Account}:alias/${Alias}",
        ("kms", "key") => "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}",
        ("iam", "group") => "arn:${Partition}:iam::${Account}:group/${GroupNameWithPath}",
        ("iam", "policy") => "arn:${Partition}:iam::${Account}:policy/${PolicyNameWithPath}",
        ("iam", "role") => "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}",
        ("iam", "user") => "arn:${Partition}:iam::${Account}:user/${UserNameWithPath}",
        ("cloudtrail", "trail") => "arn:${Partition}:cloudtrail:${Region}:${Account}:trail/${TrailName}",
        _ => "*",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_resources_are_shown_by_their_type() {
        let check = |resources: &[&str], expected: &str| {
            let resources: Vec<String> = resources.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(shown_resource(&resources), expected);
        };
        check(&["*"], "*");
        check(&["arn:aws:s3:::b/k"], "arn:aws:s3:::b/k");
        check(
            &["arn:aws:s3:::b/k", "arn:aws:s3:::b/l"],
            "arn:${Partition}:s3:::${BucketName}/${KeyName}",
        );
        check(&["arn:aws:s3:::b/k", "arn:aws:s3:::b"], "*");
    }
}
