//! A case before the library.

use crate::{Case, ContextValue, Kind, PolicyText};
use anyhow::{Context as _, Result, bail};
use base::AccountId;
use policy::{
    Check, Context, Grant, Policies, Policy, PolicyKind, PolicySource, Principal, Request, ResourceKind, explain,
};
use std::{fmt::Write as _, sync::Arc};

/// What the library made of a case.
#[derive(Debug)]
pub struct Verdict {
    /// What is not as expected; empty when all is.
    pub complaints: Vec<String>,
    /// Every statement with what became of it.
    pub trace: String,
}

/// Decides a case by `policy::decide`. An error is a case that is not well made.
pub fn decide(case: &Case) -> Result<Verdict> {
    let principal = principal(&case.who, case.role_path.as_deref())?;
    let context = context(case, &principal);
    let identity = all(&case.identity, PolicyKind::Identity)?;
    let session = case
        .session
        .as_deref()
        .map(|texts| all(texts, PolicyKind::Session))
        .transpose()?;
    let boundary = case
        .boundary
        .as_ref()
        .map(|text| parsed(text, PolicyKind::PermissionsBoundary))
        .transpose()?;
    let (kind, resource_kind) = kinds(case.kind);
    let resource = case
        .resource
        .as_ref()
        .map(|text| parsed(text, resource_kind))
        .transpose()?;
    let levels =
        |levels: &[Vec<PolicyText>], kind| levels.iter().map(|level| all(level, kind)).collect::<Result<Vec<_>>>();
    let service_control = levels(&case.scp, PolicyKind::ServiceControl)?;
    let resource_control = levels(&case.rcp, PolicyKind::ResourceControl)?;
    let grants = grants(case)?;
    let owner = case
        .owner
        .as_deref()
        .map(AccountId::parse)
        .transpose()
        .context("owner")?;
    let check = Check {
        request: Request {
            principal: &principal,
            action: &case.action,
            resource: &case.on,
            owner,
            kind,
            context: &context,
        },
        policies: Policies {
            identity: &identity,
            boundary: boundary.as_deref(),
            session: session.as_deref(),
            resource: resource.as_deref(),
            service_control: &service_control,
            resource_control: &resource_control,
            grants: &grants,
        },
    };
    let decision = policy::decide(&check.request, &check.policies);
    Ok(Verdict {
        complaints: complaints(case, &decision),
        trace: trace(&check),
    })
}

fn complaints(case: &Case, decision: &policy::Decision) -> Vec<String> {
    let mut complaints = Vec::new();
    let grants: Vec<&str> = case.grants.iter().map(|grant| grant.id.as_str()).collect();
    if decision.is_allowed() != case.expected.is_allowed() || !case.expected.is_met_by(decision.grounds(), &grants) {
        complaints.push(format!("expected {}, decided {:?}", case.expected, decision.grounds()));
        return complaints;
    }
    let end = decision.denial().map(|denial| denial.because(&case.action));
    let expected = case.expected.message_end(&case.action, denying_arn(case));
    if end != expected {
        complaints.push(format!("the message ends `{end:?}`, not `{expected:?}`"));
    }
    if let Some(message) = &case.message
        && end.as_ref() != Some(message)
    {
        complaints.push(format!("the message ends `{end:?}`, not `{message}`"));
    }
    complaints
}

/// The ARN of the managed policy that should deny.
fn denying_arn(case: &Case) -> Option<&str> {
    let crate::Expected::Denied(place) = &case.expected else {
        return None;
    };
    let policy = match place.policy {
        policy::PolicyType::Identity => case.identity.get(place.nth),
        policy::PolicyType::PermissionsBoundary => case.boundary.as_ref(),
        policy::PolicyType::Session => case.session.as_ref().and_then(|session| session.get(place.nth)),
        policy::PolicyType::ServiceControl => case.scp.iter().flatten().nth(place.nth),
        policy::PolicyType::ResourceControl => case.rcp.iter().flatten().nth(place.nth),
        policy::PolicyType::Resource | policy::PolicyType::RoleTrust => None,
    };
    policy.and_then(|policy| policy.arn.as_deref())
}

fn trace(check: &Check<'_>) -> String {
    let mut text = String::new();
    let trace = explain(check);
    // Writing to a String does not fail.
    for one in trace.statements {
        let _ = writeln!(text, "    {one:?}");
    }
    for one in trace.grants {
        let _ = writeln!(text, "    {one:?}");
    }
    text
}

fn kinds(kind: Kind) -> (ResourceKind, PolicyKind) {
    match kind {
        Kind::Bucket => (ResourceKind::Bucket, PolicyKind::BucketPolicy),
        Kind::Key => (ResourceKind::KmsKey, PolicyKind::KeyPolicy),
        Kind::Role => (ResourceKind::RoleTrust, PolicyKind::Trust),
        // A policy for anything at all: of the forms known here a key's is the one that asks least of its text.
        Kind::Other => (ResourceKind::Other, PolicyKind::KeyPolicy),
    }
}

fn all(texts: &[PolicyText], kind: PolicyKind) -> Result<Vec<Arc<Policy>>> {
    texts.iter().map(|text| parsed(text, kind)).collect()
}

fn parsed(text: &PolicyText, kind: PolicyKind) -> Result<Arc<Policy>> {
    let policy = Policy::parse(&text.text, kind).with_context(|| format!("{kind:?}: {}", text.text))?;
    Ok(Arc::new(match &text.arn {
        None => policy,
        Some(arn) => policy.with_source(PolicySource {
            arn: Some(arn.as_str().into()),
            name: arn.as_str().into(),
        }),
    }))
}

fn grants(case: &Case) -> Result<Vec<Arc<Grant>>> {
    case.grants
        .iter()
        .map(|text| {
            let grant = Grant::new(&text.id, &text.to, text.actions.iter().map(String::as_str))
                .with_context(|| format!("grantee `{}`", text.to))?;
            Ok(Arc::new(match &text.unmet {
                None => grant,
                Some(why) => grant.unmet(why.as_str()),
            }))
        })
        .collect()
}

fn context(case: &Case, principal: &Principal) -> Context {
    let mut context = Context::of(principal);
    for (key, value) in &case.tags {
        context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    for (key, value) in &case.context {
        match value {
            ContextValue::One(value) => context.set(key.clone(), value.as_str()),
            ContextValue::Many(values) => context.set_all(key.clone(), values.iter().map(String::as_str)),
        }
    }
    context
}

/// Who asks, with the ids that README.md promises.
fn principal(who: &str, role_path: Option<&str>) -> Result<Principal> {
    if who == "anonymous" {
        return Ok(Principal::Anonymous);
    }
    let Some(parts) = base::arn::split(who) else {
        return Ok(Principal::Service { name: who.to_owned() });
    };
    let account = AccountId::parse(parts.account).with_context(|| format!("account in `{who}`"))?;
    let (kind, rest) = parts.resource.split_once('/').unwrap_or((parts.resource, ""));
    Ok(match (parts.service, kind) {
        ("iam", "root") => Principal::Root { account },
        ("iam", "user") => {
            let name = rest.rsplit('/').next().unwrap_or(rest);
            Principal::User {
                account,
                arn: who.to_owned(),
                id: unique_id("AIDA", name),
                name: name.to_owned(),
            }
        }
        ("sts", "assumed-role") => {
            let (role, session) = rest.split_once('/').with_context(|| format!("session in `{who}`"))?;
            Principal::Session {
                account,
                role_arn: format!("arn:aws:iam::{account}:role{}{role}", role_path.unwrap_or("/")),
                session_arn: who.to_owned(),
                role_id: unique_id("AROA", role),
                session_name: session.to_owned(),
            }
        }
        _ => bail!("`{who}` is nobody that signs"),
    })
}

/// The name's letters and digits in capitals, filled up with X to 17.
fn unique_id(prefix: &str, name: &str) -> String {
    let letters = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase());
    let filled = letters.chain(std::iter::repeat('X')).take(17);
    prefix.chars().chain(filled).collect()
}
