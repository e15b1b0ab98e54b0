//! Who asks, and whom a resource's policy names.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use crate::{Context, Effect};
use base::AccountId;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// No signature.
    Anonymous,
    /// The root user of an account.
    Root {
        /// The account.
        account: AccountId,
    },
    /// An AWS service that acts for itself.
    Service {
        /// Its principal, such as `cloudtrail.amazonaws.com`.
        name: String,
    },
    /// A session of a role.
    Session {
        /// The role's account.
        account: AccountId,
        /// `arn:aws:iam::A:role/path/name`
        role_arn: String,
        /// `arn:aws:sts::A:assumed-role/name/session`
        session_arn: String,
        /// `AROA…`
        role_id: String,
        /// What the session was called when the role was assumed.
        session_name: String,
    },
    /// An IAM user.
    User {
        /// The user's account.
        account: AccountId,
        /// `arn:aws:iam::A:user/path/name`
        arn: String,
        /// `AIDA…`
        id: String,
        /// The name without its path.
        name: String,
    },
}

impl Principal {
    /// The account whose principal this is; services and anonymous callers have none.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Principal::Root { account } | Principal::Session { account, .. } | Principal::User { account, .. } => {
                Some(*account)
            }
            Principal::Anonymous | Principal::Service { .. } => None,
        }
    }

    /// The ARN that messages and records show: of a session its own, not its role's.
    pub fn arn(&self) -> Option<String> {
        match self {
            Principal::Root { account } => Some(base::arn::root(*account).to_string()),
            Principal::Session { session_arn, .. } => Some(session_arn.clone()),
            Principal::User { arn, .. } => Some(arn.clone()),
            Principal::Anonymous | Principal::Service { .. } => None,
        }
    }

    /// What people call the one who asks: the ARN, a service's name, or `anonymous`.
    pub(crate) fn shown(&self) -> String {
        match self {
            Principal::Anonymous => "anonymous".to_owned(),
            Principal::Service { name } => name.clone(),
            Principal::Root { .. } | Principal::Session { .. } | Principal::User { .. } => {
                self.arn().unwrap_or_default()
            }
        }
    }

    /// Sets the condition keys that follow from who asks.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>
    pub(crate) fn describe(&self, context: &mut Context) {
        if *self != Principal::Anonymous {
            let service = matches!(self, Principal::Service { .. });
            context.set("aws:PrincipalIsAWSService", if service { "true" } else { "false" });
        }
        if let Some(account) = self.account() {
            context.set("aws:PrincipalAccount", account.as_str());
        }
        match self {
            Principal::Anonymous => {
                // Set for every request; BlockPublicPolicy therefore counts the word as nobody in particular.
                context.set("aws:PrincipalAccount", "anonymous");
                context.set("aws:PrincipalType", "Anonymous");
                context.set("aws:userid", "anonymous");
            }
            Principal::Root { account } => {
                context.set("aws:PrincipalType", "Account");
                context.set("aws:PrincipalArn", base::arn::root(*account).as_str());
                context.set("aws:userid", account.as_str());
            }
            Principal::Service { name } => {
                context.set("aws:PrincipalServiceName", name.as_str());
                context.set_all("aws:PrincipalServiceNamesList", [name.as_str()]);
            }
            Principal::Session {
                role_arn,
                role_id,
                session_name,
                ..
            } => {
                context.set("aws:PrincipalType", "AssumedRole");
                context.set("aws:PrincipalArn", role_arn.as_str());
                context.set("aws:userid", format!("{role_id}:{session_name}"));
            }
            Principal::User { arn, id, name, .. } => {
                context.set("aws:PrincipalType", "User");
                context.set("aws:PrincipalArn", arn.as_str());
                context.set("aws:userid", id.as_str());
                context.set("aws:username", name.as_str());
            }
        }
    }
}

/// How closely a statement names the one who asks. Ordered: more is closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// By the account: hands the decision to the account's identity policies.
    Account,
    /// A session by its role: boundary and session policy still limit.
    Role,
    /// The user, the session or the root itself, or everyone.
    Direct,
}

/// One entry of a `Principal` or `NotPrincipal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// `"*"`
    Everyone,
    /// `{"AWS": "*"}`: everyone but services.
    EveryAws,
    /// The account, by number or by the ARN of its root.
    Account(AccountId),
    /// A user, a role, a role's session or a federated user.
    Arn(Box<str>),
    /// `AIDA…` or `AROA…`: what is left of a user or role in a policy that was saved.
    Id(Box<str>),
    /// `{"Service": …}`
    Service(Box<str>),
    /// `{"Federated": …}`: nobody signs in this way here, so it names no one.
    Federated,
}

impl Named {
    /// The `AWS` form, or `None` when it is not one that AWS takes.
    pub(crate) fn aws(text: &str) -> Option<Named> {
        if text == "*" {
            return Some(Named::EveryAws);
        }
        if let Ok(account) = AccountId::parse(text) {
            return Some(Named::Account(account));
        }
        if is_unique_id(text) {
            return Some(Named::Id(text.into()));
        }
        let parts = base::arn::split(text)?;
        let account = AccountId::parse(parts.account).ok()?;
        if parts.partition != base::arn::PARTITION || !parts.region.is_empty() || text.contains(['*', '?']) {
            return None;
        }
        let (kind, name) = parts.resource.split_once('/').unwrap_or((parts.resource, ""));
        match (parts.service, kind) {
            ("iam", "root") if parts.resource == "root" => Some(Named::Account(account)),
            ("iam", "user" | "role") | ("sts", "federated-user") if !name.is_empty() => Some(Named::Arn(text.into())),
            ("sts", "assumed-role")
                if name
                    .split_once('/')
                    .is_some_and(|(role, session)| !role.is_empty() && !session.is_empty()) =>
            {
                Some(Named::Arn(text.into()))
            }
            _ => None,
        }
    }

    /// The `Service` form.
    pub(crate) fn service(text: &str) -> Option<Named> {
        let label = text
            .strip_suffix(".amazonaws.com")
            .or_else(|| text.strip_suffix(".amazonaws.com.cn"))?;
        let shaped = !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        shaped.then(|| Named::Service(text.into()))
    }

    pub(crate) fn naming(&self, who: &Principal) -> Option<Naming> {
        match (self, who) {
            (Named::Everyone, _) => Some(Naming::Direct),
            // A session under `*` is named itself, not by its role: neither boundary nor session policy limit what a
            // wildcard gives, as AWS's page on evaluation says of roles.
            (Named::EveryAws, who) if !matches!(who, Principal::Service { .. }) => Some(Naming::Direct),
            (Named::Account(named), Principal::Root { account }) if named == account => Some(Naming::Direct),
            (Named::Account(named), Principal::User { account, .. } | Principal::Session { account, .. })
                if named == account =>
            {
                Some(Naming::Account)
            }
            (Named::Arn(named), Principal::User { arn, .. }) if **named == **arn => Some(Naming::Direct),
            (Named::Arn(named), Principal::Session { session_arn, .. }) if **named == **session_arn => {
                Some(Naming::Direct)
            }
            (Named::Arn(named), Principal::Session { role_arn, .. }) if **named == **role_arn => Some(Naming::Role),
            (Named::Id(named), Principal::User { id, .. }) if **named == **id => Some(Naming::Direct),
            (Named::Id(named), Principal::Session { role_id, .. }) if **named == **role_id => Some(Naming::Role),
            (Named::Service(named), Principal::Service { name }) if **named == **name => Some(Naming::Direct),
            _ => None,
        }
    }
}

fn is_unique_id(text: &str) -> bool {
    (text.starts_with("AIDA") || text.starts_with("AROA"))
        && (16..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A statement's `Principal` or `NotPrincipal`.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) not: bool,
    pub(crate) named: Vec<Named>,
    /// As the policy writes them, in the order of `named`.
    pub(crate) texts: Vec<Box<str>>,
}

impl Who {
    /// How the statement names who asks; `None` when it does not speak of them. A `Deny` with `NotPrincipal` spares nobody
    /// who has a permissions boundary, whomever it lists.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
    pub(crate) fn naming(&self, who: &Principal, effect: Effect, bounded: bool) -> Option<Naming> {
        let named = self.named.iter().filter_map(|named| named.naming(who)).max();
        match (self.not, effect) {
            (false, _) => named,
            (true, Effect::Allow) if named.is_some() => None,
            (true, Effect::Deny) if !bounded && self.excludes(who) => None,
            (true, _) => Named::Everyone.naming(who),
        }
    }

    /// Whether a `Deny` with `NotPrincipal` spares who asks: every form of them must be listed, the account included, for
    /// whoever lists a user alone denies the user's account, and with it the user.
    fn excludes(&self, who: &Principal) -> bool {
        let lists = |wanted: &dyn Fn(&Named) -> bool| self.named.iter().any(wanted);
        let arn = |text: &str| lists(&|named| matches!(named, Named::Arn(arn) if **arn == *text));
        let id = |text: &str| lists(&|named| matches!(named, Named::Id(id) if **id == *text));
        let account = |account: &AccountId| lists(&|named| matches!(named, Named::Account(a) if a == account));
        let every_aws = !matches!(who, Principal::Service { .. }) && lists(&|named| *named == Named::EveryAws);
        if every_aws || lists(&|named| *named == Named::Everyone) {
            return true;
        }
        match who {
            Principal::Anonymous => false,
            Principal::Root { account: a } => account(a),
            Principal::Service { .. } => self.named.iter().any(|named| named.naming(who).is_some()),
            Principal::Session {
                account: a,
                role_arn,
                session_arn,
                role_id,
                ..
            } => account(a) && arn(session_arn) && (arn(role_arn) || id(role_id)),
            Principal::User {
                account: a,
                arn: user,
                id: user_id,
                ..
            } => account(a) && (arn(user) || id(user_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_forms_that_aws_takes_name_someone() {
        for (text, ok) in [
            ("*", true),
            ("123456789012", true),
            ("arn:aws:iam::123456789012:root", true),
            ("arn:aws:iam::123456789012:user/a/b", true),
            ("arn:aws:iam::123456789012:role/a", true),
            ("arn:aws:sts::123456789012:assumed-role/a/s", true),
            ("arn:aws:sts::123456789012:federated-user/a", true),
            ("AIDAABCDEFGHIJKLMNOPQ", true),
            ("arn:aws:sts::123456789012:assumed-role/a", false),
            ("arn:aws:iam::123456789012:user/*", false),
            ("arn:aws:iam::123456789012:user/", false),
            ("arn:aws:iam::123456789012:group/a", false),
            ("arn:aws:iam::1234:root", false),
            ("arn:aws-cn:iam::123456789012:root", false),
            ("arn:aws:iam:us-east-1:123456789012:root", false),
            ("12345", false),
            ("alice", false),
            ("", false),
        ] {
            assert_eq!(Named::aws(text).is_some(), ok, "{text}");
        }
        assert!(Named::service("cloudtrail.amazonaws.com").is_some());
        for text in ["*", "cloudtrail", ".amazonaws.com", "*.amazonaws.com"] {
            assert!(Named::service(text).is_none(), "{text}");
        }
    }

    #[test]
    fn anonymous_callers_are_named_so_and_have_no_arn() {
        let mut context = Context::new();
        Principal::Anonymous.describe(&mut context);
        let mut expected = Context::new();
        expected.set("aws:PrincipalAccount", "anonymous");
        expected.set("aws:PrincipalType", "Anonymous");
        expected.set("aws:userid", "anonymous");
        assert_eq!(context, expected);
    }
}
