//! One question with every document that speaks about it, as plain data, and the same as the real engine takes it.

use base::AccountId;
use policy::{Context, Grant, Policies, Policy, PolicyKind, Principal, Request, ResourceKind};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Caller {
    /// No signature.
    Anonymous,
    /// The root user of an account.
    Root {
        /// Twelve digits.
        account: String,
    },
    /// An AWS service for itself.
    Service {
        /// `cloudtrail.amazonaws.com`
        name: String,
    },
    /// A role's session.
    Session {
        /// Twelve digits.
        account: String,
        /// The role's ARN, with its path.
        role: String,
        /// The session's ARN, without path.
        session: String,
        /// `AROA…`
        id: String,
        /// The session's name.
        name: String,
    },
    /// An IAM user.
    User {
        /// Twelve digits.
        account: String,
        /// With its path.
        arn: String,
        /// `AIDA…`
        id: String,
        /// Without its path.
        name: String,
    },
}

/// What the resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// A bucket or an object.
    Bucket,
    /// A KMS key.
    Key,
    /// Anything without a policy of its own.
    Other,
    /// A role to be assumed.
    Role,
}

/// A grant of the key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseGrant {
    /// A principal as policies write it.
    pub grantee: String,
    /// `kms:Decrypt` and so on.
    pub actions: Vec<String>,
    /// Whether the request meets the grant's constraints.
    pub met: bool,
}

/// A question with all its documents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// Who asks.
    pub caller: Caller,
    /// `service:Name`
    pub action: String,
    /// An ARN or `*`.
    pub resource: String,
    /// The account that owns the resource; the caller's own when there is none.
    pub owner: Option<String>,
    /// What the resource is.
    pub kind: Kind,
    /// Condition keys beside those that follow from the caller.
    pub context: BTreeMap<String, Vec<String>>,
    /// Identity-based policies.
    pub identity: Vec<Value>,
    /// The permissions boundary.
    pub boundary: Option<Value>,
    /// Session policies.
    pub session: Option<Vec<Value>>,
    /// The resource's policy.
    pub resource_policy: Option<Value>,
    /// Service control policies by level.
    pub service_control: Vec<Vec<Value>>,
    /// Resource control policies by level.
    pub resource_control: Vec<Vec<Value>>,
    /// Grants of the key.
    pub grants: Vec<CaseGrant>,
}

impl Caller {
    /// The caller's account, if the caller has one.
    pub fn account(&self) -> Option<&str> {
        match self {
            Caller::Anonymous | Caller::Service { .. } => None,
            Caller::Root { account } | Caller::Session { account, .. } | Caller::User { account, .. } => Some(account),
        }
    }

    fn real(&self) -> Option<Principal> {
        let number = |text: &str| AccountId::parse(text).ok();
        Some(match self.clone() {
            Caller::Anonymous => Principal::Anonymous,
            Caller::Root { account } => Principal::Root {
                account: number(&account)?,
            },
            Caller::Service { name } => Principal::Service { name },
            Caller::Session {
                account,
                role,
                session,
                id,
                name,
            } => Principal::Session {
                account: number(&account)?,
                role_arn: role,
                session_arn: session,
                role_id: id,
                session_name: name,
            },
            Caller::User { account, arn, id, name } => Principal::User {
                account: number(&account)?,
                arn,
                id,
                name,
            },
        })
    }
}

impl Kind {
    fn real(self) -> ResourceKind {
        match self {
            Kind::Bucket => ResourceKind::Bucket,
            Kind::Key => ResourceKind::KmsKey,
            Kind::Other => ResourceKind::Other,
            Kind::Role => ResourceKind::RoleTrust,
        }
    }

    /// The grammar of the resource's policy.
    pub fn policy_kind(self) -> PolicyKind {
        match self {
            Kind::Bucket | Kind::Other => PolicyKind::BucketPolicy,
            Kind::Key => PolicyKind::KeyPolicy,
            Kind::Role => PolicyKind::Trust,
        }
    }
}

/// A case as the real engine takes it.
#[derive(Clone, Debug)]
pub struct RealCase {
    principal: Principal,
    action: String,
    resource: String,
    owner: Option<AccountId>,
    kind: ResourceKind,
    context: Context,
    identity: Vec<Arc<Policy>>,
    boundary: Option<Arc<Policy>>,
    session: Option<Vec<Arc<Policy>>>,
    resource_policy: Option<Arc<Policy>>,
    service_control: Vec<Vec<Arc<Policy>>>,
    resource_control: Vec<Vec<Arc<Policy>>>,
    grants: Vec<Arc<Grant>>,
}

impl RealCase {
    /// What is demanded.
    pub fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            owner: self.owner,
            kind: self.kind,
            context: &self.context,
        }
    }

    /// What speaks about it.
    pub fn policies(&self) -> Policies<'_> {
        Policies {
            identity: &self.identity,
            boundary: self.boundary.as_deref(),
            session: self.session.as_deref(),
            resource: self.resource_policy.as_deref(),
            service_control: &self.service_control,
            resource_control: &self.resource_control,
            grants: &self.grants,
        }
    }
}

fn parsed(document: &Value, kind: PolicyKind) -> Result<Arc<Policy>, String> {
    let text = serde_json::to_string(document).map_err(|error| error.to_string())?;
    match Policy::parse(&text, kind) {
        Ok(policy) => Ok(Arc::new(policy)),
        Err(error) => Err(format!("{kind:?}: {error}: {text}")),
    }
}

fn list(documents: &[Value], kind: PolicyKind) -> Result<Vec<Arc<Policy>>, String> {
    documents.iter().map(|document| parsed(document, kind)).collect()
}

fn levels(levels: &[Vec<Value>], kind: PolicyKind) -> Result<Vec<Vec<Arc<Policy>>>, String> {
    levels.iter().map(|level| list(level, kind)).collect()
}

impl Case {
    /// The case as the real engine takes it; the parser's complaint when it refuses a document.
    pub fn real(&self) -> Result<RealCase, String> {
        let principal = self.caller.real().ok_or("the caller's account is not one")?;
        let mut context = Context::of(&principal);
        for (key, values) in &self.context {
            context.set_all(key.clone(), values.clone());
        }
        let optional = |document: Option<&Value>, kind| document.map(|document| parsed(document, kind)).transpose();
        let grants = self.grants.iter().enumerate().map(|(nth, given)| {
            let actions = given.actions.iter().map(String::as_str);
            let grant = Grant::new(&format!("grant-{nth}"), &given.grantee, actions)
                .ok_or_else(|| format!("no grantee: {}", given.grantee))?;
            Ok(Arc::new(if given.met { grant } else { grant.unmet("constraints") }))
        });
        Ok(RealCase {
            principal,
            action: self.action.clone(),
            resource: self.resource.clone(),
            owner: self.owner.as_deref().and_then(|owner| AccountId::parse(owner).ok()),
            kind: self.kind.real(),
            context,
            identity: list(&self.identity, PolicyKind::Identity)?,
            boundary: optional(self.boundary.as_ref(), PolicyKind::PermissionsBoundary)?,
            session: self
                .session
                .as_ref()
                .map(|documents| list(documents, PolicyKind::Session))
                .transpose()?,
            resource_policy: optional(self.resource_policy.as_ref(), self.kind.policy_kind())?,
            service_control: levels(&self.service_control, PolicyKind::ServiceControl)?,
            resource_control: levels(&self.resource_control, PolicyKind::ResourceControl)?,
            grants: grants.collect::<Result<_, String>>()?,
        })
    }

    /// Every document with its grammar, to be changed in place.
    pub fn documents_mut(&mut self) -> impl Iterator<Item = (PolicyKind, &mut Value)> {
        fn of(kind: PolicyKind) -> impl Fn(&mut Value) -> (PolicyKind, &mut Value) {
            move |document| (kind, document)
        }
        let resource_kind = self.kind.policy_kind();
        let service_control = self.service_control.iter_mut().flatten();
        let resource_control = self.resource_control.iter_mut().flatten();
        (self.identity.iter_mut().map(of(PolicyKind::Identity)))
            .chain(self.boundary.iter_mut().map(of(PolicyKind::PermissionsBoundary)))
            .chain(self.session.iter_mut().flatten().map(of(PolicyKind::Session)))
            .chain(self.resource_policy.iter_mut().map(of(resource_kind)))
            .chain(service_control.map(of(PolicyKind::ServiceControl)))
            .chain(resource_control.map(of(PolicyKind::ResourceControl)))
    }
}
