//! Requests and policies for tests, in few words.

use crate::{
    Check, Context, Decision, Grant, Policies, Policy, PolicyKind, PolicySource, Principal, Request, ResourceKind,
    decide,
};
use base::AccountId;
use std::sync::Arc;

pub(crate) const A: &str = "111111111111";
pub(crate) const B: &str = "222222222222";
pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/k";
const OBJECT: &str = "arn:aws:s3:::bucket/a/b";
pub(crate) const ROLE: &str = "arn:aws:iam::111111111111:role/R";

pub(crate) fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub(crate) fn root(id: &str) -> Principal {
    Principal::Root { account: account(id) }
}

pub(crate) fn user(id: &str, name: &str) -> Principal {
    Principal::User {
        account: account(id),
        arn: format!("arn:aws:iam::{id}:user/{name}"),
        id: "AIDAABCDEFGHIJKLMNOPQ".into(),
        name: name.into(),
    }
}

pub(crate) fn session(id: &str) -> Principal {
    Principal::Session {
        account: account(id),
        role_arn: format!("arn:aws:iam::{id}:role/R"),
        session_arn: format!("arn:aws:sts::{id}:assumed-role/R/s"),
        role_id: "AROAABCDEFGHIJKLMNOPQ".into(),
        session_name: "s".into(),
    }
}

pub(crate) fn service(name: &str) -> Principal {
    Principal::Service { name: name.into() }
}

/// A policy as its statements.
type Statements = Vec<String>;

/// A request and its policies.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) who: Principal,
    pub(crate) action: &'static str,
    pub(crate) resource: String,
    pub(crate) owner: &'static str,
    pub(crate) kind: ResourceKind,
    pub(crate) context: Vec<(&'static str, String)>,
    pub(crate) identity: Vec<Statements>,
    pub(crate) boundary: Option<Statements>,
    pub(crate) session: Option<Vec<Statements>>,
    pub(crate) resource_policy: Option<Statements>,
    pub(crate) service_control: Vec<Vec<Statements>>,
    pub(crate) resource_control: Vec<Vec<Statements>>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) managed: Vec<&'static str>,
}

pub(crate) fn case(kind: ResourceKind, who: Principal, action: &'static str) -> Case {
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
        managed: Vec::new(),
    }
}

impl Case {
    pub(crate) fn identity(mut self, statements: &str) -> Case {
        self.identity.push(vec![statements.into()]);
        self
    }
    pub(crate) fn boundary(mut self, statements: &str) -> Case {
        self.boundary = Some(vec![statements.into()]);
        self
    }
    pub(crate) fn session(mut self, statements: &str) -> Case {
        self.session.get_or_insert_default().push(vec![statements.into()]);
        self
    }
    pub(crate) fn resource_policy(mut self, statements: &str) -> Case {
        self.resource_policy = Some(vec![statements.into()]);
        self
    }
    pub(crate) fn level(mut self, statements: &str) -> Case {
        self.service_control.push(vec![vec![statements.into()]]);
        self
    }
    pub(crate) fn on(mut self, resource: &str) -> Case {
        self.resource = resource.into();
        self
    }
    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Case {
        self.context.push((key, value.into()));
        self
    }

    pub(crate) fn grant(mut self, grantee: &str, action: &str) -> Case {
        self.grants.push(Grant::new("g", grantee, [action]).unwrap());
        self
    }

    pub(crate) fn resource_level(mut self, statements: &str) -> Case {
        self.resource_control.push(vec![vec![statements.into()]]);
        self
    }

    pub(crate) fn decide(&self) -> Decision {
        self.run(|check| decide(&check.request, &check.policies))
    }

    pub(crate) fn run<T>(&self, run: impl FnOnce(&Check<'_>) -> T) -> T {
        self.documents().run(self, run)
    }

    /// Identity policies are kept under these ARNs, as managed ones are.
    pub(crate) fn managed(mut self, arns: &[&'static str]) -> Case {
        self.managed = arns.to_vec();
        self
    }

    pub(crate) fn documents(&self) -> Documents {
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
pub(crate) struct Documents {
    pub(crate) identity: Vec<String>,
    pub(crate) boundary: Option<String>,
    pub(crate) session: Option<Vec<String>>,
    pub(crate) resource: Option<String>,
    pub(crate) service_control: Vec<Vec<String>>,
    pub(crate) resource_control: Vec<Vec<String>>,
}

pub(crate) fn parse(text: &str, kind: PolicyKind) -> Arc<Policy> {
    Arc::new(Policy::parse(text, kind).unwrap_or_else(|error| panic!("{error}: {text}")))
}

impl Documents {
    /// Which grammar the resource's policy has in these tests.
    pub(crate) fn resource_kind(kind: ResourceKind) -> PolicyKind {
        match kind {
            ResourceKind::Bucket => PolicyKind::BucketPolicy,
            ResourceKind::KmsKey | ResourceKind::Other => PolicyKind::KeyPolicy,
            ResourceKind::RoleTrust => PolicyKind::Trust,
        }
    }

    /// Each document as the function makes it anew.
    pub(crate) fn map(mut self, mut new: impl FnMut(&str, PolicyKind) -> String, kind: ResourceKind) -> Documents {
        let mut all = |texts: &mut Vec<String>, kind| texts.iter_mut().for_each(|text| *text = new(text, kind));
        all(&mut self.identity, PolicyKind::Identity);
        self.service_control
            .iter_mut()
            .for_each(|level| all(level, PolicyKind::ServiceControl));
        self.resource_control
            .iter_mut()
            .for_each(|level| all(level, PolicyKind::ResourceControl));
        self.session
            .iter_mut()
            .for_each(|texts| all(texts, PolicyKind::Session));
        let mut one = |text: &mut Option<String>, kind| text.iter_mut().for_each(|text| *text = new(text, kind));
        one(&mut self.boundary, PolicyKind::PermissionsBoundary);
        one(&mut self.resource, Documents::resource_kind(kind));
        self
    }

    pub(crate) fn run<T>(&self, case: &Case, run: impl FnOnce(&Check<'_>) -> T) -> T {
        let all = |texts: &Vec<String>, kind| -> Vec<_> { texts.iter().map(|text| parse(text, kind)).collect() };
        let levels =
            |levels: &Vec<Vec<String>>, kind| -> Vec<Vec<_>> { levels.iter().map(|level| all(level, kind)).collect() };
        let one = |text: &Option<String>, kind| text.as_ref().map(|text| parse(text, kind));
        let mut context = Context::of(&case.who);
        for (key, value) in &case.context {
            context.set(*key, value.as_str());
        }
        let mut identity = all(&self.identity, PolicyKind::Identity);
        for (policy, arn) in identity.iter_mut().zip(&case.managed) {
            let source = PolicySource {
                arn: Some((*arn).into()),
                name: format!("managed policy {arn}").into(),
            };
            *policy = Arc::new(policy.as_ref().clone().with_source(source));
        }
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

pub(crate) const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
pub(crate) const DENY_ALL: &str = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
pub(crate) const ALLOW_EC2: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;

/// A resource policy's statement on everything.
pub(crate) fn to(effect: &str, principal: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":"*","Resource":"*"}}"#)
}

/// A trust policy's statement.
pub(crate) fn trusts(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

pub(crate) fn aws(name: &str) -> String {
    format!(r#"{{"AWS":"{name}"}}"#)
}

pub(crate) fn other(who: Principal) -> Case {
    case(ResourceKind::Other, who, "cloudtrail:CreateTrail")
}

pub(crate) fn key(who: Principal) -> Case {
    case(ResourceKind::KmsKey, who, "kms:Decrypt")
}

pub(crate) fn bucket(who: Principal) -> Case {
    case(ResourceKind::Bucket, who, "s3:GetObject")
}
