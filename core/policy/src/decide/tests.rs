//! The rules of combination, one case a line or two.

use crate::{
    Check, Context, Decision, Grant, Grounds, Policies, Policy, PolicyKind, Principal, Request, ResourceKind, decide,
};
use base::AccountId;
use std::sync::Arc;

pub(super) const A: &str = "111111111111";
pub(super) const B: &str = "222222222222";
const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/k";
const OBJECT: &str = "arn:aws:s3:::bucket/a/b";
const ROLE: &str = "arn:aws:iam::111111111111:role/R";

pub(super) fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub(super) fn root(id: &str) -> Principal {
    Principal::Root { account: account(id) }
}

pub(super) fn user(id: &str, name: &str) -> Principal {
    Principal::User {
        account: account(id),
        arn: format!("arn:aws:iam::{id}:user/{name}"),
        id: "AIDAABCDEFGHIJKLMNOPQ".into(),
        name: name.into(),
    }
}

pub(super) fn session(id: &str) -> Principal {
    Principal::Session {
        account: account(id),
        role_arn: format!("arn:aws:iam::{id}:role/R"),
        session_arn: format!("arn:aws:sts::{id}:assumed-role/R/s"),
        role_id: "AROAABCDEFGHIJKLMNOPQ".into(),
        session_name: "s".into(),
    }
}

pub(super) fn service(name: &str) -> Principal {
    Principal::Service { name: name.into() }
}

/// A policy as its statements.
type Statements = Vec<String>;

/// A request and its policies.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) who: Principal,
    pub(super) action: &'static str,
    pub(super) resource: String,
    pub(super) owner: &'static str,
    pub(super) kind: ResourceKind,
    pub(super) context: Vec<(&'static str, String)>,
    pub(super) identity: Vec<Statements>,
    pub(super) boundary: Option<Statements>,
    pub(super) session: Option<Vec<Statements>>,
    pub(super) resource_policy: Option<Statements>,
    pub(super) service_control: Vec<Vec<Statements>>,
    pub(super) resource_control: Vec<Vec<Statements>>,
    pub(super) grants: Vec<Grant>,
}

pub(super) fn case(kind: ResourceKind, who: Principal, action: &'static str) -> Case {
    let resource = match kind {
        ResourceKind::Bucket => OBJECT,
        ResourceKind::KmsKey => KEY,
        ResourceKind::RoleTrust => ROLE,
        ResourceKind::Other => "*",
    };
    Case {
        who,
        action,
        resource: resource.into(),
        owner: A,
        kind,
        context: Vec::new(),
        identity: Vec::new(),
        boundary: None,
        session: None,
        resource_policy: None,
        service_control: Vec::new(),
        resource_control: Vec::new(),
        grants: Vec::new(),
    }
}

impl Case {
    fn identity(mut self, statements: &str) -> Case {
        self.identity.push(vec![statements.into()]);
        self
    }
    fn boundary(mut self, statements: &str) -> Case {
        self.boundary = Some(vec![statements.into()]);
        self
    }
    fn session(mut self, statements: &str) -> Case {
        self.session.get_or_insert_default().push(vec![statements.into()]);
        self
    }
    fn resource_policy(mut self, statements: &str) -> Case {
        self.resource_policy = Some(vec![statements.into()]);
        self
    }
    fn level(mut self, statements: &str) -> Case {
        self.service_control.push(vec![vec![statements.into()]]);
        self
    }
    fn on(mut self, resource: &str) -> Case {
        self.resource = resource.into();
        self
    }
    pub(super) fn with(mut self, key: &'static str, value: &str) -> Case {
        self.context.push((key, value.into()));
        self
    }

    pub(super) fn grant(mut self, grantee: &str, action: &str) -> Case {
        self.grants.push(Grant::new("g", grantee, [action]).unwrap());
        self
    }

    pub(super) fn resource_level(mut self, statements: &str) -> Case {
        self.resource_control.push(vec![vec![statements.into()]]);
        self
    }

    pub(super) fn decide(&self) -> Decision {
        self.run(|check| decide(&check.request, &check.policies))
    }

    pub(super) fn run<T>(&self, run: impl FnOnce(&Check<'_>) -> T) -> T {
        self.documents().run(self, run)
    }

    pub(super) fn documents(&self) -> Documents {
        let all = |policies: &Vec<Statements>| policies.iter().map(document).collect();
        let levels = |levels: &Vec<Vec<Statements>>| levels.iter().map(all).collect();
        Documents {
            identity: all(&self.identity),
            boundary: self.boundary.as_ref().map(document),
            session: self.session.as_ref().map(all),
            resource: self.resource_policy.as_ref().map(document),
            service_control: levels(&self.service_control),
            resource_control: levels(&self.resource_control),
        }
    }
}

/// One statement stands alone, several in a list.
fn document(statements: &Statements) -> String {
    let all = statements.join(",");
    match statements.len() {
        1 => format!(r#"{{"Version":"2012-10-17","Statement":{all}}}"#),
        _ => format!(r#"{{"Version":"2012-10-17","Statement":[{all}]}}"#),
    }
}

/// The documents of a case's policies.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    pub(super) identity: Vec<String>,
    pub(super) boundary: Option<String>,
    pub(super) session: Option<Vec<String>>,
    pub(super) resource: Option<String>,
    pub(super) service_control: Vec<Vec<String>>,
    pub(super) resource_control: Vec<Vec<String>>,
}

pub(super) fn parse(text: &str, kind: PolicyKind) -> Arc<Policy> {
    Arc::new(Policy::parse(text, kind).unwrap_or_else(|error| panic!("{error}: {text}")))
}

impl Documents {
    /// Which grammar the resource's policy has in these tests.
    pub(super) fn resource_kind(kind: ResourceKind) -> PolicyKind {
        match kind {
            ResourceKind::Bucket => PolicyKind::BucketPolicy,
            ResourceKind::KmsKey | ResourceKind::Other => PolicyKind::KeyPolicy,
            ResourceKind::RoleTrust => PolicyKind::Trust,
        }
    }

    pub(super) fn run<T>(&self, case: &Case, run: impl FnOnce(&Check<'_>) -> T) -> T {
        let all = |texts: &Vec<String>, kind| -> Vec<_> { texts.iter().map(|text| parse(text, kind)).collect() };
        let levels = |levels: &Vec<Vec<String>>, kind| -> Vec<Vec<_>> {
            levels.iter().map(|level| all(level, kind)).collect()
        };
        let one = |text: &Option<String>, kind| text.as_ref().map(|text| parse(text, kind));
        let mut context = Context::of(&case.who);
        for (key, value) in &case.context {
            context.set(*key, value.as_str());
        }
        let identity = all(&self.identity, PolicyKind::Identity);
        let boundary = one(&self.boundary, PolicyKind::PermissionsBoundary);
        let session = self.session.as_ref().map(|texts| all(texts, PolicyKind::Session));
        let resource = one(&self.resource, Documents::resource_kind(case.kind));
        let grants: Vec<_> = case.grants.iter().cloned().map(Arc::new).collect();
        run(&Check {
            request: Request {
                principal: &case.who,
                action: case.action,
                resource: &case.resource,
                owner: Some(account(case.owner)),
                kind: case.kind,
                context: &context,
            },
            policies: Policies {
                identity: &identity,
                boundary: boundary.as_deref(),
                session: session.as_deref(),
                resource: resource.as_deref(),
                service_control: &levels(&self.service_control, PolicyKind::ServiceControl),
                resource_control: &levels(&self.resource_control, PolicyKind::ResourceControl),
                grants: &grants,
            },
        })
    }
}

/// `expected`: `root`, the statement that allowed as `Type policy.statement`, or AWS's words for the denial, with `the
/// action` for the action's name.
#[track_caller]
pub(super) fn check(case: Case, expected: &str) {
    let decision = case.decide();
    let found = match (decision.grounds(), decision.denial()) {
        (Grounds::RootOfAccount, None) => "root".to_owned(),
        (Grounds::Grant { nth }, None) => format!("grant {nth}"),
        (Grounds::Statement { policy, nth, index, .. }, None) => format!("{policy:?} {nth}.{index}"),
        (_, Some(denial)) => denial.because("").replace("the  action", "the action"),
        (grounds, None) => format!("{grounds:?}"),
    };
    assert_eq!(found, expected, "{:?} {} {}", case.who, case.action, case.resource);
}

const NO_IDENTITY: &str = "because no identity-based policy allows the action";
const NO_RESOURCE: &str = "because no resource-based policy allows the action";
const NO_TRUST: &str = "because no role trust policy allows the action";
const NO_BOUNDARY: &str = "because no permissions boundary allows the action";
const NO_SESSION: &str = "because no session policy allows the action";
const NO_CONTROL: &str = "because no service control policy allows the action";
const DENY_IDENTITY: &str = "with an explicit deny in an identity-based policy";
const DENY_RESOURCE: &str = "with an explicit deny in a resource-based policy";

const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const DENY_ALL: &str = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
const ALLOW_EC2: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;

/// A resource policy's statement on everything.
fn to(effect: &str, principal: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":"*","Resource":"*"}}"#)
}

/// A trust policy's statement.
fn trusts(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

fn aws(name: &str) -> String {
    format!(r#"{{"AWS":"{name}"}}"#)
}

fn other(who: Principal) -> Case {
    case(ResourceKind::Other, who, "cloudtrail:CreateTrail")
}

fn key(who: Principal) -> Case {
    case(ResourceKind::KmsKey, who, "kms:Decrypt")
}

fn bucket(who: Principal) -> Case {
    case(ResourceKind::Bucket, who, "s3:GetObject")
}

#[test]
fn identity_policies_decide_where_no_resource_speaks() {
    let u = || other(user(A, "u"));
    check(u(), NO_IDENTITY);
    check(u().identity(ALLOW_ALL), "Identity 0.0");
    check(u().identity(ALLOW_EC2).identity(ALLOW_ALL), "Identity 1.0");
    check(u().identity(ALLOW_EC2), NO_IDENTITY);
    check(u().identity(ALLOW_ALL).identity(DENY_ALL), DENY_IDENTITY);
    check(other(root(A)), "root");
    check(other(service("x.amazonaws.com")), NO_RESOURCE);
    check(other(Principal::Anonymous), NO_RESOURCE);
    check(other(user(B, "u")).identity(ALLOW_ALL), NO_RESOURCE);
    check(other(session(A)).identity(ALLOW_ALL), "Identity 0.0");
}

#[test]
fn elements_and_their_complements() {
    let one = |statement: &str| {
        other(user(A, "u"))
            .identity(statement)
            .on("arn:aws:cloudtrail:r:1:trail/T")
    };
    let allow = |elements: &str| one(&format!(r#"{{"Effect":"Allow",{elements}}}"#));
    let yes = "Identity 0.0";
    check(allow(r#""Action":"CLOUDTRAIL:createtrail","Resource":"*""#), yes);
    check(allow(r#""Action":"cloudtrail:Create*","Resource":"*""#), yes);
    check(allow(r#""Action":"cloudtrail:?reate*l","Resource":"*""#), yes);
    check(allow(r#""Action":["ec2:*","cloudtrail:*"],"Resource":"*""#), yes);
    check(allow(r#""Action":"*:*","Resource":"*""#), yes);
    check(allow(r#""Action":"cloudtrail:Create","Resource":"*""#), NO_IDENTITY);
    check(allow(r#""NotAction":"ec2:*","Resource":"*""#), yes);
    check(
        allow(r#""NotAction":["ec2:*","cloudtrail:create*"],"Resource":"*""#),
        NO_IDENTITY,
    );
    check(allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:*:trail/T""#), yes);
    check(
        allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:*:trail/t""#),
        NO_IDENTITY,
    );
    check(allow(r#""Action":"*","NotResource":"arn:aws:s3:::*""#), yes);
    check(
        allow(r#""Action":"*","NotResource":"arn:aws:cloudtrail:*""#),
        NO_IDENTITY,
    );
    check(
        allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:r:1:trail/${aws:username}""#),
        NO_IDENTITY,
    );
    check(
        allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:r:1:trail/${tag:x, 'T'}""#),
        yes,
    );
    check(
        allow(r#""Action":"*","NotResource":"arn:aws:cloudtrail:r:1:trail/${tag:x}""#),
        NO_IDENTITY,
    );
    // Unnamed resources are covered by `*` alone.
    let star = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:cloudtrail:*"}"#;
    check(other(user(A, "u")).identity(star), NO_IDENTITY);
}

#[test]
fn a_users_folder_is_the_users() {
    let home = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/${aws:username}/*"}"#;
    check(bucket(user(A, "a")).identity(home), "Identity 0.0");
    check(bucket(user(A, "b")).identity(home), NO_IDENTITY);
    check(bucket(session(A)).identity(home), NO_IDENTITY);
}

#[test]
fn a_bucket_is_opened_by_either_side_at_home_and_by_both_from_afar() {
    let named = to("Allow", &aws("arn:aws:iam::111111111111:user/u"));
    let delegated = to("Allow", &aws(A));
    check(bucket(user(A, "u")).resource_policy(&named), "Resource 0.0");
    check(bucket(user(A, "v")).resource_policy(&named), NO_IDENTITY);
    check(
        bucket(user(A, "v")).resource_policy(&named).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(bucket(user(A, "u")).resource_policy(&delegated), NO_IDENTITY);
    check(
        bucket(user(A, "u")).resource_policy(&delegated).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        bucket(user(A, "u")).resource_policy(&to("Allow", r#""*""#)),
        "Resource 0.0",
    );
    check(bucket(root(A)), "root");
    check(bucket(root(A)).resource_policy(&to("Deny", r#""*""#)), DENY_RESOURCE);
    let far = to("Allow", &aws("arn:aws:iam::222222222222:user/u"));
    check(bucket(user(B, "u")).identity(ALLOW_ALL), NO_RESOURCE);
    check(bucket(user(B, "u")).resource_policy(&far), NO_IDENTITY);
    check(
        bucket(user(B, "u")).resource_policy(&far).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        bucket(user(B, "u"))
            .resource_policy(&to("Allow", &aws(B)))
            .identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(bucket(root(B)).resource_policy(&to("Allow", &aws(B))), "root");
    check(bucket(root(B)).resource_policy(&to("Allow", &aws(A))), NO_RESOURCE);
    check(bucket(Principal::Anonymous), NO_RESOURCE);
    check(
        bucket(Principal::Anonymous).resource_policy(&to("Allow", r#""*""#)),
        "Resource 0.0",
    );
    check(
        bucket(Principal::Anonymous).resource_policy(&to("Allow", &aws("*"))),
        "Resource 0.0",
    );
    check(
        bucket(Principal::Anonymous).resource_policy(&to("Allow", &aws(A))),
        NO_RESOURCE,
    );
    check(
        bucket(user(A, "u")).resource_policy(&to("Allow", &aws("AIDAABCDEFGHIJKLMNOPQ"))),
        "Resource 0.0",
    );
}

#[test]
fn services_are_named_or_meant_by_a_plain_star() {
    let trail = || bucket(service("cloudtrail.amazonaws.com"));
    let named = to("Allow", r#"{"Service":"cloudtrail.amazonaws.com"}"#);
    check(trail().resource_policy(&named), "Resource 0.0");
    check(trail().resource_policy(&to("Allow", r#""*""#)), "Resource 0.0");
    check(trail().resource_policy(&to("Allow", &aws("*"))), NO_RESOURCE);
    check(
        trail().resource_policy(&to("Allow", r#"{"Service":"logs.amazonaws.com"}"#)),
        NO_RESOURCE,
    );
    check(trail().identity(ALLOW_ALL), NO_RESOURCE);
    // What speaks of an organization's members does not speak of services.
    check(trail().resource_policy(&named).level(DENY_ALL), "Resource 0.0");
    check(
        key(service("cloudtrail.amazonaws.com")).resource_policy(&to("Allow", &aws(A))),
        NO_RESOURCE,
    );
    check(bucket(user(A, "u")).resource_policy(&named), NO_IDENTITY);
}

#[test]
fn the_owners_root_always_reaches_the_bucket_policy() {
    let locked = to("Deny", r#""*""#);
    for action in ["s3:PutBucketPolicy", "s3:getbucketpolicy", "s3:DeleteBucketPolicy"] {
        check(
            case(ResourceKind::Bucket, root(A), action).resource_policy(&locked),
            "root",
        );
        check(
            case(ResourceKind::Bucket, root(B), action).resource_policy(&locked),
            DENY_RESOURCE,
        );
        check(
            case(ResourceKind::Bucket, user(A, "u"), action)
                .resource_policy(&locked)
                .identity(ALLOW_ALL),
            DENY_RESOURCE,
        );
    }
    check(
        case(ResourceKind::Bucket, root(A), "s3:PutBucketAcl").resource_policy(&locked),
        DENY_RESOURCE,
    );
}

#[test]
fn a_key_obeys_its_policy_first() {
    let delegated = to("Allow", &aws("arn:aws:iam::111111111111:root"));
    check(key(root(A)), NO_RESOURCE);
    check(key(root(A)).resource_policy(&delegated), "Resource 0.0");
    check(key(root(A)).resource_policy(&to("Allow", &aws(B))), NO_RESOURCE);
    check(key(root(A)).resource_policy(&to("Allow", r#""*""#)), "Resource 0.0");
    check(key(user(A, "u")).identity(ALLOW_ALL), NO_RESOURCE);
    check(key(user(A, "u")).resource_policy(&delegated), NO_IDENTITY);
    check(
        key(user(A, "u")).resource_policy(&delegated).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    let named = to("Allow", &aws("arn:aws:iam::111111111111:user/u"));
    check(key(user(A, "u")).resource_policy(&named), "Resource 0.0");
    check(
        key(user(A, "v")).resource_policy(&named).identity(ALLOW_ALL),
        NO_RESOURCE,
    );
    check(
        key(user(A, "u")).resource_policy(&named).identity(DENY_ALL),
        DENY_IDENTITY,
    );
    check(key(user(B, "u")).resource_policy(&to("Allow", &aws(B))), NO_IDENTITY);
    check(
        key(user(B, "u"))
            .resource_policy(&to("Allow", &aws(B)))
            .identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        key(user(B, "u")).resource_policy(&delegated).identity(ALLOW_ALL),
        NO_RESOURCE,
    );
    // A delegation covers only what it says.
    let only = r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"kms:Describe*","Resource":"*"}"#;
    check(key(user(A, "u")).resource_policy(only).identity(ALLOW_ALL), NO_RESOURCE);
    // `Resource` means this key.
    let of = |resource: &str| {
        let allow = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"RESOURCE"}"#;
        key(user(A, "u")).resource_policy(&allow.replace("RESOURCE", resource))
    };
    check(of("arn:aws:kms:us-east-1:111111111111:key/*"), "Resource 0.0");
    check(of(KEY), "Resource 0.0");
    check(of("arn:aws:kms:us-east-1:111111111111:key/other"), NO_RESOURCE);
    check(of("anything"), NO_RESOURCE);
    // A statement without action or resource has no effect.
    check(
        key(user(A, "u")).resource_policy(r#"{"Effect":"Allow","Principal":"*","Action":"kms:*"}"#),
        NO_RESOURCE,
    );
    check(
        key(user(A, "u")).resource_policy(r#"{"Effect":"Allow","Principal":"*","Resource":"*"}"#),
        NO_RESOURCE,
    );
}

#[test]
fn a_role_obeys_its_trust_policy_first() {
    let assume = |who| case(ResourceKind::RoleTrust, who, "sts:AssumeRole");
    check(assume(user(A, "u")).identity(ALLOW_ALL), NO_TRUST);
    check(assume(user(A, "u")).resource_policy(&trusts(&aws(A))), NO_IDENTITY);
    check(
        assume(user(A, "u"))
            .resource_policy(&trusts(&aws(A)))
            .identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        assume(user(A, "u")).resource_policy(&trusts(&aws("arn:aws:iam::111111111111:user/u"))),
        "RoleTrust 0.0",
    );
    let service_only = trusts(r#"{"Service":"cloudtrail.amazonaws.com"}"#);
    check(
        assume(service("cloudtrail.amazonaws.com")).resource_policy(&service_only),
        "RoleTrust 0.0",
    );
    check(
        assume(user(A, "u")).resource_policy(&service_only).identity(ALLOW_ALL),
        NO_TRUST,
    );
    check(assume(user(B, "u")).resource_policy(&trusts(&aws(B))), NO_IDENTITY);
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"sts:*"}"#;
    check(
        assume(user(A, "u")).resource_policy(deny),
        "with an explicit deny in the role trust policy",
    );
}

#[test]
fn boundaries_and_sessions_limit() {
    let u = || other(user(A, "u")).identity(ALLOW_ALL);
    check(u().boundary(ALLOW_ALL), "Identity 0.0");
    check(u().boundary(ALLOW_EC2), NO_BOUNDARY);
    check(
        u().boundary(DENY_ALL),
        "with an explicit deny in a permissions boundary",
    );
    check(other(user(A, "u")).boundary(ALLOW_ALL), NO_IDENTITY);
    let s = || other(session(A)).identity(ALLOW_ALL);
    check(s().session(ALLOW_EC2), NO_SESSION);
    check(s().session(ALLOW_EC2).session(ALLOW_ALL), "Identity 0.0");
    check(s().session(DENY_ALL), "with an explicit deny in a session policy");
    check(s().session(ALLOW_ALL).boundary(ALLOW_EC2), NO_BOUNDARY);
    let mut none = s();
    none.session = Some(Vec::new());
    check(none, NO_SESSION);
    // A user's own name in a resource policy is beyond the boundary's silence, not beyond its deny.
    let named = to("Allow", &aws("arn:aws:iam::111111111111:user/u"));
    check(
        bucket(user(A, "u")).resource_policy(&named).boundary(ALLOW_EC2),
        "Resource 0.0",
    );
    check(
        bucket(user(A, "u")).resource_policy(&named).boundary(DENY_ALL),
        "with an explicit deny in a permissions boundary",
    );
    // A session's own name is beyond all silence; its role's is not.
    let session_named = to("Allow", &aws("arn:aws:sts::111111111111:assumed-role/R/s"));
    let role_named = to("Allow", &aws(ROLE));
    let limited = || bucket(session(A)).boundary(ALLOW_EC2);
    check(
        limited().session(ALLOW_EC2).resource_policy(&session_named),
        "Resource 0.0",
    );
    check(limited().resource_policy(&role_named), NO_BOUNDARY);
    check(bucket(session(A)).resource_policy(&role_named), "Resource 0.0");
    check(
        bucket(session(A)).resource_policy(&role_named).session(ALLOW_EC2),
        NO_SESSION,
    );
    check(limited().resource_policy(&to("Allow", r#""*""#)), "Resource 0.0");
    check(key(session(A)).resource_policy(&role_named), "Resource 0.0");
    check(
        key(session(A)).resource_policy(&to("Allow", &aws("AROAABCDEFGHIJKLMNOPQ"))),
        "Resource 0.0",
    );
    check(
        bucket(session(B)).resource_policy(&to("Allow", &aws("arn:aws:iam::222222222222:role/R"))),
        NO_IDENTITY,
    );
}

#[test]
fn every_level_of_the_organization_must_allow() {
    let u = || other(user(A, "u")).identity(ALLOW_ALL);
    check(u().level(ALLOW_ALL).level(ALLOW_ALL), "Identity 0.0");
    check(u().level(ALLOW_ALL).level(ALLOW_EC2), NO_CONTROL);
    check(u().level(DENY_ALL), "with an explicit deny in a service control policy");
    check(other(root(A)).level(ALLOW_EC2), NO_CONTROL);
    check(
        bucket(user(A, "u"))
            .resource_policy(&to("Allow", r#""*""#))
            .level(ALLOW_EC2),
        NO_CONTROL,
    );
    // A deny below is named before a silence above.
    check(u().level(ALLOW_EC2).identity(DENY_ALL), DENY_IDENTITY);
}

#[test]
fn not_principal_spares_only_whom_it_lists_in_every_form() {
    let spare = |listed: &str| {
        let deny = r#"{"Effect":"Deny","NotPrincipal":{"AWS":LISTED},"Action":"s3:*","Resource":"*"}"#;
        let both = vec![deny.replace("LISTED", listed), to("Allow", r#""*""#)];
        move |who| {
            let mut case = bucket(who).identity(ALLOW_ALL);
            case.resource_policy = Some(both.clone());
            case
        }
    };
    let user_and_root = spare(r#"["arn:aws:iam::111111111111:user/u","111111111111"]"#);
    check(user_and_root(user(A, "u")), "Resource 0.1");
    check(user_and_root(user(A, "v")), DENY_RESOURCE);
    check(user_and_root(root(A)), "root");
    check(user_and_root(Principal::Anonymous), DENY_RESOURCE);
    check(user_and_root(service("x.amazonaws.com")), DENY_RESOURCE);
    // Whoever has a boundary is not spared, whatever is listed.
    check(user_and_root(user(A, "u")).boundary(ALLOW_ALL), DENY_RESOURCE);
    check(
        spare(r#""arn:aws:iam::111111111111:user/u""#)(user(A, "u")),
        DENY_RESOURCE,
    );
    let role = spare(r#"["arn:aws:iam::111111111111:role/R","111111111111"]"#);
    check(role(session(A)), DENY_RESOURCE);
    let whole =
        spare(r#"["arn:aws:iam::111111111111:role/R","arn:aws:sts::111111111111:assumed-role/R/s","111111111111"]"#);
    check(whole(session(A)), "Resource 0.1");
    let but = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"222222222222"},"Action":"s3:*","Resource":"*"}"#;
    check(bucket(user(A, "u")).resource_policy(but), "Resource 0.0");
    check(
        bucket(user(B, "u")).resource_policy(but).identity(ALLOW_ALL),
        NO_RESOURCE,
    );
}

#[test]
fn conditions_join() {
    let when = |condition: &str| {
        let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":WHEN}"#;
        other(user(A, "u"))
            .identity(&allow.replace("WHEN", condition))
            .with("a:x", "1")
            .with("a:y", "2")
    };
    check(when(r#"{"StringEquals":{"a:x":"1","A:Y":"2"}}"#), "Identity 0.0");
    check(when(r#"{"StringEquals":{"a:x":"1","a:y":"3"}}"#), NO_IDENTITY);
    check(
        when(r#"{"StringEquals":{"a:x":"1"},"NumericLessThan":{"a:y":3}}"#),
        "Identity 0.0",
    );
    check(
        when(r#"{"StringEquals":{"a:x":"1"},"NumericLessThan":{"a:y":2}}"#),
        NO_IDENTITY,
    );
    check(when(r#"{"StringEquals":{"a:x":["0","1"]}}"#), "Identity 0.0");
    check(
        when(r#"{"StringEquals":{"aws:username":"u"},"Bool":{"aws:PrincipalIsAWSService":false}}"#),
        "Identity 0.0",
    );
    check(
        when(r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#),
        "Identity 0.0",
    );
    check(when("{}"), "Identity 0.0");
}

#[test]
fn what_cannot_be_read_counts_against_the_caller() {
    let statement = |effect: &str| {
        format!(
            r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{"NumericGreaterThan":{{"a:n":"5"}},"StringEquals":{{"a:x":"1"}}}}}}"#
        )
    };
    let u = |value: &str, x: &str| other(user(A, "u")).with("a:n", value).with("a:x", x);
    check(u("6", "1").identity(&statement("Allow")), "Identity 0.0");
    check(u("six", "1").identity(&statement("Allow")), NO_IDENTITY);
    check(
        u("six", "1").identity(ALLOW_ALL).identity(&statement("Deny")),
        DENY_IDENTITY,
    );
    check(
        u("4", "1").identity(ALLOW_ALL).identity(&statement("Deny")),
        "Identity 0.0",
    );
    // Another condition that plainly fails settles it.
    check(
        u("six", "2").identity(ALLOW_ALL).identity(&statement("Deny")),
        "Identity 0.0",
    );
}

#[test]
fn resource_control_binds_everyone_who_comes_to_the_resource() {
    const FULL: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    const DENIED: &str = "with an explicit deny in a resource control policy";
    const NO_CONTROL: &str = "because no resource control policy allows the action";
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    let open = |who| bucket(who).resource_policy(&to("Allow", r#""*""#)).identity(ALLOW_ALL);
    let trail = || service("cloudtrail.amazonaws.com");
    for who in [user(A, "u"), user(B, "u"), session(A), root(A), trail(), Principal::Anonymous] {
        check(open(who.clone()).resource_level(FULL).resource_level(deny), DENIED);
        check(open(who.clone()).resource_level(deny), DENIED);
        assert!(open(who).resource_level(FULL).resource_level(FULL).decide().is_allowed());
    }
    let mut none = open(user(A, "u"));
    none.resource_control.push(Vec::new());
    check(none, NO_CONTROL);
    let but_services = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
        "Condition":{"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}"#;
    let held = |who| {
        let mut case = open(who);
        case.resource_control = vec![vec![vec![FULL.into()], vec![but_services.into()]]];
        case
    };
    check(held(trail()), "Resource 0.0");
    check(held(user(A, "u")), DENIED);
}

#[test]
fn a_grant_is_all_that_its_grantee_needs() {
    let by_grant = |who| key(who).grant("arn:aws:iam::111111111111:user/u", "kms:Decrypt");
    check(by_grant(user(A, "u")), "grant 0");
    check(by_grant(user(A, "v")), NO_RESOURCE);
    check(key(user(A, "u")).grant("arn:aws:iam::111111111111:user/u", "kms:Encrypt"), NO_RESOURCE);
    // Nothing is asked of the caller's own policies, in the key's account or another.
    check(key(user(B, "u")).grant("arn:aws:iam::222222222222:user/u", "kms:Decrypt"), "grant 0");
    check(by_grant(user(A, "u")).boundary(ALLOW_EC2), "grant 0");
    check(key(session(A)).grant(ROLE, "kms:Decrypt").session(ALLOW_EC2), "grant 0");
    // A deny anywhere wins, and so do the limits of an organization.
    check(by_grant(user(A, "u")).identity(DENY_ALL), DENY_IDENTITY);
    check(by_grant(user(A, "u")).resource_policy(&to("Deny", r#""*""#)), DENY_RESOURCE);
    check(by_grant(user(A, "u")).level(ALLOW_EC2), NO_CONTROL);
    // An account's grant is its root's.
    check(key(root(B)).grant("222222222222", "kms:Decrypt"), "grant 0");
    check(key(user(B, "u")).grant("222222222222", "kms:Decrypt").identity(ALLOW_ALL), NO_RESOURCE);
}

#[test]
fn a_policy_of_another_kind_in_a_resources_place_allows_nothing() {
    let who = user(A, "u");
    let context = Context::of(&who);
    let request = Request {
        principal: &who,
        action: "kms:Decrypt",
        resource: KEY,
        owner: None,
        kind: ResourceKind::KmsKey,
        context: &context,
    };
    let text = |effect| format!(r#"{{"Statement":{{"Effect":"{effect}","Action":"*","Resource":"*"}}}}"#);
    for (effect, explicit) in [("Allow", false), ("Deny", true)] {
        let policy = Policy::parse(&text(effect), PolicyKind::Identity).unwrap();
        let policies = Policies {
            resource: Some(&policy),
            ..Policies::default()
        };
        let denial = decide(&request, &policies).denial().unwrap();
        assert_eq!(denial.is_explicit(), explicit);
    }
}
