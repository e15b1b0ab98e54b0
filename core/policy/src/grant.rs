//! Grants of a KMS key: who may do what with it, beside its policy. They only allow.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>

use crate::{
    Principal,
    principal::{Named, Naming},
};

/// A grant as a request meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    id: String,
    grantee: Named,
    grantee_text: String,
    /// In lower case.
    actions: Vec<String>,
    unmet: Option<String>,
}

impl Grant {
    /// A grant of `actions` (`kms:Decrypt` and so on) to a principal: an account, a user, a role, a role's session or a
    /// service. `None` when the grantee is of no form that AWS takes.
    pub fn new<'a>(id: &str, grantee: &str, actions: impl IntoIterator<Item = &'a str>) -> Option<Grant> {
        Some(Grant {
            id: id.to_owned(),
            grantee: Named::service(grantee)
                .or_else(|| Named::aws(grantee).filter(|named| *named != Named::EveryAws))?,
            grantee_text: grantee.to_owned(),
            actions: actions.into_iter().map(str::to_ascii_lowercase).collect(),
            unmet: None,
        })
    }

    /// The same grant before a request that does not meet its constraints, and why not.
    pub fn unmet(mut self, why: impl Into<String>) -> Grant {
        self.unmet = Some(why.into());
        self
    }

    /// The grant's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// To whom, as it was given.
    pub fn grantee(&self) -> &str {
        &self.grantee_text
    }

    /// The actions given, in lower case.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str)
    }

    /// Why the request does not meet the grant's constraints; `None` when it does.
    pub fn why_unmet(&self) -> Option<&str> {
        self.unmet.as_deref()
    }

    /// How the grantee is who asks, if so. An account is its root alone: a grant to an account is not handed on by IAM.
    pub(crate) fn naming(&self, principal: &Principal) -> Option<Naming> {
        self.grantee
            .naming(principal)
            .filter(|naming| *naming != Naming::Account)
    }

    /// Whether the action is one of those given.
    pub(crate) fn speaks_of(&self, action: &str) -> bool {
        self.actions.iter().any(|given| given.eq_ignore_ascii_case(action))
    }

    /// How the grant names who asks, when it allows them the action.
    pub(crate) fn gives(&self, principal: &Principal, action: &str) -> Option<Naming> {
        match self.unmet.is_none() && self.speaks_of(action) {
            true => self.naming(principal),
            false => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Policies, Request, ResourceKind, decide};
    use std::sync::Arc;

    #[test]
    fn a_service_may_hold_a_grant() {
        let service = Principal::Service {
            name: "logs.amazonaws.com".to_owned(),
        };
        let context = Context::of(&service);
        let check = |grantee: &str, action: &'static str, allowed: bool| {
            let grant = Grant::new("g", grantee, ["kms:Encrypt"]).unwrap();
            let request = Request {
                principal: &service,
                action,
                resource: "arn:aws:kms:us-east-1:111111111111:key/k",
                owner: None,
                kind: ResourceKind::KmsKey,
                context: &context,
            };
            let grants = [Arc::new(grant)];
            let policies = Policies {
                grants: &grants,
                ..Policies::default()
            };
            assert_eq!(decide(&request, &policies).is_allowed(), allowed, "{grantee} {action}");
        };
        check("logs.amazonaws.com", "kms:Encrypt", true);
        check("logs.amazonaws.com", "kms:Decrypt", false);
        check("s3.amazonaws.com", "kms:Encrypt", false);
    }
}
