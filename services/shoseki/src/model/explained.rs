//! An explanation as callers get it: the kept one, in AWS's spelling, with what the policies concerned say now.

use base::AccountId;
use gateway::decision::{Denied, Explanation, Who};
use policy::{Change, Effect, GrantOutcome, GrantTrace, Grounds, PatchOp, PolicyType, StatementTrace, TraceOutcome};
use serde::Serialize;
use serde_json::Value;
use wire::EpochSeconds;

/// CloudTrail's service principal.
pub(crate) const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// Why a call was refused.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Explained {
    request_id: String,
    time: EpochSeconds,
    service: String,
    operation: String,
    principal: ShownWho,
    account: AccountId,
    error_code: String,
    error_message: String,
    denials: Vec<ShownDenial>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownWho {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownDenial {
    service: String,
    operation: String,
    request_id: String,
    principal: ShownWho,
    action: String,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<AccountId>,
    grounds: ShownGrounds,
    /// In the words of AWS's messages.
    reason: String,
    /// What the request had of condition keys.
    context: Vec<ShownKey>,
    statements: Vec<ShownStatement>,
    grants: Vec<ShownGrant>,
    /// The smallest changes that, all made, would allow it.
    changes: Vec<ShownChange>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownGrounds {
    /// `ExplicitDeny` or `NothingAllows`.
    decision: &'static str,
    /// In AWS's words, such as `identity-based policy`.
    policy_type: String,
    /// Of an explicit deny, where its policy is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// Of an explicit deny, its place in the policy, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownKey {
    key: String,
    values: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownStatement {
    policy_type: String,
    policy: String,
    /// Its place in the policy, from 0.
    statement: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    effect: Effect,
    /// `Matched`, `Delegates`, `NeverMatches` or `Differs`.
    outcome: &'static str,
    /// What differs: `Principal`, `Action`, `Resource`, `Condition`, or one of the first three with `Not`.
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wanted: Vec<String>,
    /// What the request had; absent when it had nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Vec<String>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unreadable: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownGrant {
    grant_id: String,
    /// `Gives`, `OtherActions`, `OtherGrantee` or `Unmet`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wanted: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    found: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownChange {
    policy_type: String,
    /// Where the policy is kept; absent for one that is to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// Of a control policy, the level from the organization's root.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<usize>,
    why: String,
    patch: Vec<PatchOp>,
    /// The document as it is now, and as the patch makes it; absent when the policy is no longer what the patch is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_document: Option<String>,
}

/// What a policy says now that a change is of; of one that is to be made, nothing.
pub(crate) type CurrentDocument = Option<String>;

impl Explained {
    /// `documents` has one entry for each change of each denial.
    pub(crate) fn of(why: Explanation, documents: Vec<Vec<CurrentDocument>>) -> Explained {
        let denials = why.denials.into_iter().map(LogFiles::meant).zip(documents);
        Explained {
            request_id: why.request_id,
            time: EpochSeconds(why.time),
            service: why.service,
            operation: why.operation,
            principal: ShownWho::of(why.who),
            account: why.account,
            error_code: why.error_code,
            error_message: why.error_message,
            denials: denials
                .map(|(denied, documents)| ShownDenial::of(denied, documents))
                .collect(),
        }
    }
}

impl ShownWho {
    fn of(who: Who) -> ShownWho {
        ShownWho {
            name: who.name,
            id: who.id,
            account: who.account,
        }
    }
}

impl ShownDenial {
    fn of(denied: Denied, documents: Vec<CurrentDocument>) -> ShownDenial {
        let of_resource = resource_policy(&denied);
        let statements = denied.trace.statements;
        let changes = denied.changes.into_iter().zip(documents);
        ShownDenial {
            grounds: ShownGrounds::of(&denied.grounds, &statements, &of_resource),
            statements: statements
                .into_iter()
                .map(|s| ShownStatement::of(s, &of_resource))
                .collect(),
            grants: denied.trace.grants.into_iter().map(ShownGrant::of).collect(),
            changes: changes
                .map(|(change, now)| ShownChange::of(change, now, &of_resource))
                .collect(),
            service: denied.service,
            operation: denied.operation,
            request_id: denied.request_id,
            principal: ShownWho::of(denied.who),
            action: denied.action,
            resource: denied.resource,
            owner: denied.owner,
            reason: denied.because,
            context: denied
                .context
                .into_iter()
                .map(|(key, values)| ShownKey { key, values })
                .collect(),
        }
    }
}

/// CloudTrail gives every log file a name that no other has: to be allowed one of them helps nobody. What it is to be
/// allowed is the trail's place in the bucket, as in the policy that AWS's guide tells to put there.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
struct LogFiles {
    /// The one that was refused.
    one: String,
    /// All of the account's.
    all: String,
}

impl LogFiles {
    fn of(denied: &Denied) -> Option<LogFiles> {
        let one = &denied.resource;
        let (start, rest) = one.split_once("/AWSLogs/").filter(|_| denied.who.name == CLOUDTRAIL)?;
        let (account, _) = rest.split_once('/')?;
        Some(LogFiles {
            all: format!("{start}/AWSLogs/{account}/*"),
            one: one.clone(),
        })
    }

    /// The denial, its changes widened from the one file to all.
    fn meant(mut denied: Denied) -> Denied {
        if let Some(files) = LogFiles::of(&denied) {
            for change in &mut denied.changes {
                change.why = change.why.replace(&files.one, &files.all);
                change
                    .patch
                    .iter_mut()
                    .filter_map(|op| op.value.as_mut())
                    .for_each(|value| files.widen(value));
            }
        }
        denied
    }

    fn widen(&self, value: &mut Value) {
        match value {
            Value::String(text) if *text == self.one => text.clone_from(&self.all),
            Value::Array(items) => items.iter_mut().for_each(|item| self.widen(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.widen(member)),
            _ => {}
        }
    }
}

/// What the resource's policy is called when nobody has named it: a resource has one policy only.
pub(crate) fn resource_policy(denied: &Denied) -> String {
    let Some(parts) = base::arn::split(&denied.resource) else {
        return "the resource's policy".to_owned();
    };
    match parts.service {
        "s3" => {
            let bucket = parts.resource.split('/').next().unwrap_or_default();
            format!("bucket policy of {bucket}")
        }
        "kms" => format!("key policy of {}", denied.resource),
        "iam" => format!("trust policy of {}", denied.resource),
        _ => format!("policy of {}", denied.resource),
    }
}

fn policy_name(policy: PolicyType, source: Option<String>, of_resource: &str) -> String {
    match (source, policy) {
        (Some(source), _) => source,
        (None, PolicyType::Resource | PolicyType::RoleTrust) => of_resource.to_owned(),
        (None, other) => other.to_string(),
    }
}

impl ShownGrounds {
    fn of(grounds: &Grounds, statements: &[StatementTrace], of_resource: &str) -> ShownGrounds {
        match grounds {
            Grounds::ExplicitDeny {
                policy,
                nth,
                index,
                sid,
                ..
            } => {
                let source = statements
                    .iter()
                    .find(|s| s.policy == *policy && s.nth == *nth)
                    .and_then(|s| s.source.clone());
                ShownGrounds {
                    decision: "ExplicitDeny",
                    policy_type: policy.to_string(),
                    policy: Some(policy_name(*policy, source, of_resource)),
                    statement: Some(*index),
                    sid: sid.as_deref().map(str::to_owned),
                }
            }
            Grounds::NothingAllows { missing } => ShownGrounds::without("NothingAllows", missing.to_string()),
            Grounds::Grant { .. } | Grounds::RootOfAccount | Grounds::Statement { .. } => {
                ShownGrounds::without("Allowed", String::new())
            }
        }
    }

    fn without(decision: &'static str, policy_type: String) -> ShownGrounds {
        ShownGrounds {
            decision,
            policy_type,
            policy: None,
            statement: None,
            sid: None,
        }
    }
}

impl ShownStatement {
    fn of(trace: StatementTrace, of_resource: &str) -> ShownStatement {
        let mut shown = ShownStatement {
            policy_type: trace.policy.to_string(),
            policy: policy_name(trace.policy, trace.source, of_resource),
            statement: trace.index,
            sid: trace.sid,
            effect: trace.effect,
            outcome: "Differs",
            element: None,
            operator: None,
            key: None,
            wanted: Vec::new(),
            found: None,
            unreadable: false,
        };
        match trace.outcome {
            TraceOutcome::Matched { delegates: false } => shown.outcome = "Matched",
            TraceOutcome::Matched { delegates: true } => shown.outcome = "Delegates",
            TraceOutcome::Inert => shown.outcome = "NeverMatches",
            TraceOutcome::Principal { element, asked, wanted } | TraceOutcome::Element { element, asked, wanted } => {
                shown.element = Some(element.into_owned());
                shown.wanted = wanted;
                shown.found = Some(vec![asked]);
            }
            TraceOutcome::Condition {
                operator,
                key,
                wanted,
                found,
                unreadable,
            } => {
                shown.element = Some("Condition".to_owned());
                shown.operator = Some(operator);
                shown.key = Some(key);
                shown.wanted = wanted;
                shown.found = found;
                shown.unreadable = unreadable;
            }
        }
        shown
    }
}

impl ShownGrant {
    fn of(trace: GrantTrace) -> ShownGrant {
        let (outcome, wanted, found) = match trace.outcome {
            GrantOutcome::Gives => ("Gives", Vec::new(), String::new()),
            GrantOutcome::Action { asked, wanted } => ("OtherActions", wanted, asked),
            GrantOutcome::Grantee { asked, wanted } => ("OtherGrantee", vec![wanted], asked),
            GrantOutcome::Unmet { why } => ("Unmet", vec![why], String::new()),
        };
        ShownGrant {
            grant_id: trace.id,
            outcome,
            wanted,
            found,
        }
    }
}

impl ShownChange {
    fn of(change: Change, now: CurrentDocument, of_resource: &str) -> ShownChange {
        let made = change.nth.is_none();
        let new_document = now.as_deref().and_then(|now| policy::apply_patch(now, &change.patch));
        ShownChange {
            policy_type: change.policy.to_string(),
            policy: (!made).then(|| policy_name(change.policy, change.source, of_resource)),
            level: change.level,
            why: change.why,
            patch: change.patch,
            document: now.filter(|now| !now.is_empty() && new_document.is_some()),
            new_document,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Timestamp};
    use policy::{Op, Trace};
    use serde_json::json;

    fn denied(who: &str, resource: &str) -> Denied {
        Denied {
            service: "s3.amazonaws.com".to_owned(),
            operation: "PutObject".to_owned(),
            request_id: "r".to_owned(),
            who: Who {
                name: who.to_owned(),
                id: String::new(),
                account: None,
            },
            action: "s3:PutObject".to_owned(),
            resource: resource.to_owned(),
            owner: Some(AccountId::FIRST),
            grounds: Grounds::NothingAllows {
                missing: PolicyType::Resource,
            },
            because: String::new(),
            context: Vec::new(),
            trace: Trace::default(),
            documents: Vec::new(),
            changes: vec![Change {
                policy: PolicyType::Resource,
                nth: Some(0),
                level: None,
                source: None,
                patch: vec![PatchOp {
                    op: Op::Add,
                    path: "/Statement/-".to_owned(),
                    value: Some(json!({"Action": "s3:PutObject", "Resource": [resource]})),
                }],
                why: format!("nothing allows {resource}"),
            }],
        }
    }

    fn shown(denied: Denied, now: &str) -> Value {
        let why = Explanation {
            request_id: "r".to_owned(),
            time: Timestamp::from_secs(0),
            service: "s3.amazonaws.com".to_owned(),
            operation: "PutObject".to_owned(),
            who: denied.who.clone(),
            account: AccountId::FIRST,
            error_code: "AccessDenied".to_owned(),
            error_message: String::new(),
            denials: vec![denied],
        };
        serde_json::to_value(Explained::of(why, vec![vec![Some(now.to_owned())]])).unwrap()["Denials"][0].clone()
    }

    #[test]
    fn a_log_file_stands_for_all_of_its_account_when_cloudtrail_puts_it() {
        let file = "arn:aws:s3:::b/p/AWSLogs/000000000000/CloudTrail/us-east-1/f.json.gz";
        let check = |who: &str, resource: &str, expected: &str| {
            let denial = shown(denied(who, resource), r#"{"Statement":[]}"#);
            let change = &denial["Changes"][0];
            assert_eq!(change["Patch"][0]["value"]["Resource"][0], expected, "{who} {resource}");
            assert_eq!(change["Why"], format!("nothing allows {expected}"));
            let document: Value = serde_json::from_str(change["NewDocument"].as_str().unwrap()).unwrap();
            assert_eq!(document["Statement"][0]["Resource"][0], expected);
            assert_eq!(denial["Resource"], resource);
        };
        check(CLOUDTRAIL, file, "arn:aws:s3:::b/p/AWSLogs/000000000000/*");
        check(CLOUDTRAIL, "arn:aws:s3:::b", "arn:aws:s3:::b");
        check("arn:aws:iam::000000000000:user/alice", file, file);
    }

    #[test]
    fn a_resources_policy_has_a_name_and_what_no_longer_fits_has_no_document() {
        let denial = shown(denied("x", "arn:aws:s3:::b/k"), "");
        assert_eq!(denial["Changes"][0]["Policy"], "bucket policy of b");
        assert_eq!(denial["Changes"][0]["NewDocument"], Value::Null);
        assert_eq!(denial["Grounds"]["PolicyType"], "resource-based policy");
    }
}
