//! STS DecodeAuthorizationMessage: why a call of the caller's account was refused.
//!
//! Takes an encoded message and, since few answers carry one, the request id of any refused call. Beside AWS's members the
//! decoded message has `trace` and `changes`: what became of each statement, and the smallest changes that would allow the
//! call. Statements of policies that are not the account's own are left out, and of another account's resource nothing is
//! told but what the caller said of it.
//!
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>

use crate::{IamError, model::name};
use base::{AccountId, Fault, arn};
use gateway::{
    Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn,
    decision::{self, Denied, Explanation},
};
use policy::{Authorized, Change, Effect, Grounds, PolicyType, StatementTrace, TraceOutcome};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use store::ReadView;
use wire::ServiceName;

const MESSAGE_CHARS_MAX: usize = 10_240;

/// The condition keys that tell of the caller and the call alone, in lower case; those that end in `*` begin so.
const OF_THE_CALL: [&str; 28] = [
    "aws:calledvia*",
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauth*",
    "aws:principal*",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag/*",
    "aws:securetransport",
    "aws:source*",
    "aws:tagkeys",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "kms:calleraccount",
    ENCRYPTION_CONTEXT,
    "kms:grantisforawsresource",
    "kms:viaservice",
    "s3:authtype",
    "s3:delimiter",
    "s3:max-keys",
    "s3:prefix",
    "s3:signature*",
    "s3:tlsversion",
    "s3:x-amz-*",
    "sts:*",
];

/// The caller's, but for RetireGrant, where it is the constraint of the grant.
const ENCRYPTION_CONTEXT: &str = "kms:encryptioncontext*";

const REQUEST_ALIAS: &str = "kms:RequestAlias";

/// The operation.
pub(super) struct DecodeAuthorizationMessage;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    encoded_message: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().text("encodedMessage", &self.encoded_message)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    decoded_message: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DecodeAuthorizationMessage {
    const NAME: &'static str = "DecodeAuthorizationMessage";
    const SERVICE: ServiceName = ServiceName::Sts;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        name::length_of("encodedMessage", &input.encoded_message, 1, MESSAGE_CHARS_MAX)?;
        Ok(Demand::on("sts:DecodeAuthorizationMessage", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let why = find(ctx, &txn.view(), &input.encoded_message).await?;
        let why = why.filter(|why| why.account == ctx.account);
        let why = why.ok_or(IamError::InvalidAuthorizationMessage)?;
        let denied = why.denials.first().ok_or(Fault::Bug("an explanation of no denial"))?;
        Ok(QueryResult(Output {
            decoded_message: decoded(denied, ctx.account).to_string(),
        }))
    }
}

async fn find(ctx: &Ctx, view: &ReadView<'_>, message: &str) -> Result<Option<Explanation>, Fault> {
    match decision::decode(ctx.world(), view, ctx.account, message).await? {
        Some(request_id) => decision::find(view, &request_id).await,
        None => decision::find(view, message).await,
    }
}

/// Whether a condition key tells of the caller and the call alone.
fn is_of_the_call(key: &str, action: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let is = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => key == **pattern,
    };
    OF_THE_CALL
        .iter()
        .find(|pattern| is(pattern))
        .is_some_and(|pattern| *pattern != ENCRYPTION_CONTEXT || action != "kms:RetireGrant")
}

/// The resource as the caller named it: a key that was named by an alias has that alias's ARN.
fn named_resource(denied: &Denied) -> String {
    let alias = denied
        .context
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(REQUEST_ALIAS));
    let alias = alias.and_then(|(_, values)| values.first());
    match (alias, denied.resource.split_once(":key/")) {
        (Some(alias), Some((place, _))) => format!("{place}:{alias}"),
        _ => denied.resource.clone(),
    }
}

/// What the account may see of a denial. Of another account's resource it sees no more than its caller said, nor any
/// changes: that its own would do tells what the other's policies are.
fn visible(denied: &Denied, account: AccountId) -> Cow<'_, Denied> {
    if denied.owner == Some(account) {
        return Cow::Borrowed(denied);
    }
    let mut shown = denied.clone();
    shown.resource = named_resource(denied);
    shown.context.retain(|(key, _)| is_of_the_call(key, &denied.action));
    shown.changes.clear();
    for statement in &mut shown.trace.statements {
        match &mut statement.outcome {
            TraceOutcome::Condition {
                key, found, unreadable, ..
            } if !is_of_the_call(key, &denied.action) => (*found, *unreadable) = (None, false),
            TraceOutcome::Element { asked, .. } if *asked == denied.resource => asked.clone_from(&shown.resource),
            _ => {}
        }
    }
    Cow::Owned(shown)
}

fn decoded(denied: &Denied, account: AccountId) -> Value {
    let denied = visible(denied, account);
    let denied = denied.as_ref();
    let matched = |trace: &&&StatementTrace| matches!(trace.outcome, TraceOutcome::Matched { .. });
    let seen = |policy: &PolicyType| is_seen_by(*policy, denied, account);
    let trace: Vec<&StatementTrace> = denied
        .trace
        .statements
        .iter()
        .filter(|trace| seen(&trace.policy))
        .collect();
    let changes: Vec<&Change> = denied.changes.iter().filter(|change| seen(&change.policy)).collect();
    let matched: Vec<Value> = trace
        .iter()
        .filter(matched)
        .map(|trace| matched_statement(trace))
        .collect();
    let conditions: Vec<Value> = denied
        .context
        .iter()
        .map(|(key, values)| json!({"key": key, "values": items(values.iter().map(|value| json!({"value": value})))}))
        .collect();
    // A change that is one of several does not allow alone.
    let changes = if changes.len() == denied.changes.len() {
        changes
    } else {
        Vec::new()
    };
    json!({
        "allowed": false,
        "explicitDeny": matches!(denied.grounds, Grounds::ExplicitDeny { policy, .. } if seen(&policy)),
        "matchedStatements": {"items": matched},
        "failures": {"items": []},
        "context": {
            "principal": {"id": denied.who.id, "name": short_name(&denied.who.name), "arn": denied.who.name},
            "action": denied.action,
            "resource": denied.resource,
            "conditions": {"items": conditions},
        },
        "trace": trace,
        "changes": changes,
    })
}

fn items(values: impl Iterator<Item = Value>) -> Value {
    json!({"items": values.collect::<Vec<Value>>()})
}

fn matched_statement(trace: &StatementTrace) -> Value {
    let effect = match trace.effect {
        Effect::Allow => "ALLOW",
        Effect::Deny => "DENY",
    };
    json!({"statementId": trace.sid.as_deref().unwrap_or(""), "effect": effect})
}

/// Whether a policy is the account's to see: its principals' and its resources', not the organization's.
fn is_seen_by(policy: PolicyType, denied: &Denied, account: AccountId) -> bool {
    match policy {
        PolicyType::Identity | PolicyType::PermissionsBoundary | PolicyType::Session => {
            denied.who.account == Some(account)
        }
        PolicyType::Resource | PolicyType::RoleTrust => denied.owner == Some(account),
        PolicyType::ServiceControl | PolicyType::ResourceControl => false,
    }
}

/// A user's or a session's name: what is behind the last `/`, or the last `:` of root.
fn short_name(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::decision::Who;
    use policy::{PatchOp, Trace};

    fn account(digit: char) -> AccountId {
        AccountId::parse(&digit.to_string().repeat(12)).unwrap()
    }

    fn statement(policy: PolicyType, sid: &str, outcome: TraceOutcome) -> StatementTrace {
        StatementTrace {
            policy,
            nth: 0,
            source: None,
            index: 0,
            sid: Some(sid.to_owned()),
            effect: Effect::Deny,
            outcome,
        }
    }

    fn change(policy: PolicyType) -> Change {
        Change {
            policy,
            nth: None,
            level: None,
            source: None,
            patch: Vec::<PatchOp>::new(),
            why: String::new(),
        }
    }

    /// Alice of account 1 is denied by her own policy, a role of account 2 by its trust policy, and a control policy.
    fn denied() -> Denied {
        let matched = || TraceOutcome::Matched { delegates: false };
        Denied {
            service: "sts.amazonaws.com".to_owned(),
            operation: "AssumeRole".to_owned(),
            request_id: "r".to_owned(),
            who: Who {
                name: "arn:aws:iam::111111111111:user/a/alice".to_owned(),
                id: "AIDAX".to_owned(),
                account: Some(account('1')),
            },
            action: "sts:AssumeRole".to_owned(),
            resource: "arn:aws:iam::222222222222:role/R".to_owned(),
            owner: Some(account('2')),
            grounds: Grounds::ExplicitDeny {
                policy: PolicyType::Identity,
                nth: 0,
                index: 0,
                sid: None,
                arn: None,
            },
            because: String::new(),
            context: vec![("aws:TagKeys".to_owned(), vec!["a".to_owned(), "b".to_owned()])],
            trace: Trace {
                statements: vec![
                    statement(PolicyType::ServiceControl, "scp", matched()),
                    statement(PolicyType::RoleTrust, "trust", matched()),
                    statement(PolicyType::Identity, "own", matched()),
                    statement(PolicyType::Identity, "inert", TraceOutcome::Inert),
                ],
                grants: Vec::new(),
            },
            changes: vec![change(PolicyType::Identity)],
            documents: Vec::new(),
        }
    }

    #[test]
    fn the_message_is_awss_with_a_trace() {
        let mut value = decoded(&denied(), account('1'));
        let trace = value["trace"].take();
        assert_eq!(trace.as_array().unwrap().len(), 2);
        assert_eq!(
            value,
            json!({
                "allowed": false,
                "explicitDeny": true,
                "matchedStatements": {"items": [{"statementId": "own", "effect": "DENY"}]},
                "failures": {"items": []},
                "context": {
                    "principal": {"id": "AIDAX", "name": "alice", "arn": "arn:aws:iam::111111111111:user/a/alice"},
                    "action": "sts:AssumeRole",
                    "resource": "arn:aws:iam::222222222222:role/R",
                    "conditions": {"items": [{"key": "aws:TagKeys", "values": {"items": [{"value": "a"}, {"value": "b"}]}}]},
                },
                "trace": null,
                "changes": [],
            })
        );
        assert_eq!(short_name("arn:aws:iam::111111111111:root"), "root");
    }

    #[test]
    fn policies_of_others_are_not_shown() {
        let sids = |owner, account| {
            let denied = Denied { owner, ..denied() };
            let value = decoded(&denied, account);
            let trace = value["trace"].as_array().unwrap().iter();
            trace
                .map(|entry| entry["sid"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(sids(Some(account('2')), account('1')), ["own", "inert"]);
        assert_eq!(sids(Some(account('1')), account('1')), ["trust", "own", "inert"]);
        assert_eq!(sids(Some(account('2')), account('2')), ["trust"]);
        let changes = |policies: &[PolicyType], owner| {
            let changes = policies.iter().copied().map(change).collect();
            let owner = Some(account(owner));
            let value = decoded(
                &Denied {
                    owner,
                    changes,
                    ..denied()
                },
                account('1'),
            );
            value["changes"].as_array().unwrap().len()
        };
        assert_eq!(changes(&[PolicyType::Identity, PolicyType::RoleTrust], '1'), 2);
        assert_eq!(changes(&[PolicyType::Identity, PolicyType::ServiceControl], '1'), 0);
        assert_eq!(
            changes(&[PolicyType::Identity], '2'),
            0,
            "they tell what the other's policies are"
        );
    }

    #[test]
    fn of_others_resources_only_what_the_call_said_is_told() {
        let check = |action: &str, key: &str, told: bool| {
            let shown = |owner| {
                let denied = Denied {
                    action: action.to_owned(),
                    owner,
                    context: vec![(key.to_owned(), vec!["v".to_owned()])],
                    ..denied()
                };
                let value = decoded(&denied, account('1'));
                !value["context"]["conditions"]["items"].as_array().unwrap().is_empty()
            };
            assert!(shown(Some(account('1'))), "{key}");
            assert_eq!(shown(Some(account('2'))), told, "{key} of {action}");
        };
        for key in [
            "aws:PrincipalTag/a",
            "AWS:SourceIp",
            "aws:userid",
            "aws:RequestTag/a",
            "aws:referer",
        ] {
            check("kms:Encrypt", key, true);
        }
        for key in [
            "kms:EncryptionContext:a",
            "kms:EncryptionContextKeys",
            "kms:ViaService",
            "kms:CallerAccount",
        ] {
            check("kms:Decrypt", key, true);
        }
        for key in ["s3:x-amz-acl", "s3:prefix", "s3:signatureversion", "sts:ExternalId"] {
            check("s3:PutObject", key, true);
        }
        for key in [
            "aws:ResourceTag/a",
            "aws:ResourceAccount",
            "aws:ResourceOrgID",
            "iam:ResourceTag/a",
        ] {
            check("sts:AssumeRole", key, false);
        }
        for key in [
            "kms:ResourceAliases",
            "kms:KeySpec",
            "kms:EncryptionAlgorithm",
            "s3:ResourceAccount",
        ] {
            check("kms:Encrypt", key, false);
        }
        check("kms:RetireGrant", "kms:EncryptionContext:a", false);
    }

    #[test]
    fn an_alias_of_another_account_does_not_tell_its_key() {
        let outcomes = [
            TraceOutcome::Condition {
                operator: "StringEquals".to_owned(),
                key: "aws:ResourceTag/a".to_owned(),
                wanted: vec!["w".to_owned()],
                found: Some(vec!["the-tag".to_owned()]),
                unreadable: true,
            },
            TraceOutcome::Element {
                element: "Resource".into(),
                asked: "arn:aws:kms:us-east-1:222222222222:key/the-id".to_owned(),
                wanted: Vec::new(),
            },
        ];
        let mut asked = Denied {
            resource: "arn:aws:kms:us-east-1:222222222222:key/the-id".to_owned(),
            context: vec![("kms:RequestAlias".to_owned(), vec!["alias/a".to_owned()])],
            ..denied()
        };
        asked.trace.statements = outcomes
            .into_iter()
            .map(|outcome| statement(PolicyType::Identity, "own", outcome))
            .collect();
        let value = decoded(&asked, account('1'));
        assert_eq!(
            value["context"]["resource"],
            "arn:aws:kms:us-east-1:222222222222:alias/a"
        );
        let text = value.to_string();
        assert!(!text.contains("the-id") && !text.contains("the-tag"), "{text}");
        assert!(decoded(&asked, account('2')).to_string().contains("the-id"));
    }

    /// A service that acts for an account on another's resource shows the account no more than the account's own callers.
    #[test]
    fn a_policy_that_is_not_seen_denies_nothing_explicitly() {
        let explicit = |policy, owner, who_account| {
            let denied = Denied {
                owner: Some(account(owner)),
                who: Who {
                    name: "cloudtrail.amazonaws.com".to_owned(),
                    id: String::new(),
                    account: who_account,
                },
                grounds: Grounds::ExplicitDeny {
                    policy,
                    nth: 0,
                    index: 0,
                    sid: None,
                    arn: None,
                },
                context: vec![("aws:ResourceTag/a".to_owned(), vec!["the-tag".to_owned()])],
                ..denied()
            };
            let value = decoded(&denied, account('1'));
            assert_eq!(value.to_string().contains("the-tag"), owner == '1');
            value["explicitDeny"].as_bool().unwrap()
        };
        assert!(explicit(PolicyType::Identity, '2', Some(account('1'))));
        assert!(explicit(PolicyType::Resource, '1', None));
        assert!(!explicit(PolicyType::Resource, '2', None));
        assert!(!explicit(PolicyType::Identity, '2', None));
        assert!(!explicit(PolicyType::RoleTrust, '2', Some(account('1'))));
        assert!(!explicit(PolicyType::ServiceControl, '1', Some(account('1'))));
    }
}
