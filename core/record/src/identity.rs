//! `userIdentity`: who called.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>

use crate::json::Object;
use base::{AccountId, Arn, Timestamp};
use std::borrow::Cow;

/// Who called, and for whom when a service called in their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// Who it was.
    pub identity: Identity,
    /// `invokedBy`: the service that called in this identity's name (`AWS Internal` or a DNS name).
    pub invoked_by: Option<Cow<'static, str>>,
}

/// The kinds of callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// An account's root user.
    Root {
        /// The account.
        account: AccountId,
        /// The access key used.
        access_key_id: Option<String>,
        /// The account's alias, if it has one.
        user_name: Option<String>,
        /// The session, when temporary credentials were used.
        session: Option<SessionAttributes>,
    },
    /// An IAM user.
    IamUser {
        /// `AIDA…`
        principal_id: String,
        /// The user.
        arn: Arn,
        /// The user's account.
        account: AccountId,
        /// The access key used.
        access_key_id: Option<String>,
        /// The user's name.
        user_name: String,
        /// The session, when temporary credentials were used.
        session: Option<SessionAttributes>,
    },
    /// A session of a role.
    AssumedRole {
        /// `AROA…:session`
        principal_id: String,
        /// `arn:aws:sts::A:assumed-role/Role/session`
        arn: Arn,
        /// The role's account.
        account: AccountId,
        /// `ASIA…`
        access_key_id: Option<String>,
        /// The role and the session.
        session_context: Option<SessionContext>,
    },
    /// A principal of another account, as a resource's owner sees it.
    AwsAccount {
        /// The principal's id.
        principal_id: String,
        /// The principal's account.
        account: AccountId,
    },
    /// A caller without a signature, in S3.
    Anonymous,
    /// An AWS service on its own behalf; `invokedBy` names it.
    AwsService,
    /// A service event (`AwsServiceEvent`) in an account: no type, only the account and `invokedBy`.
    ServiceEvent {
        /// The account.
        account: AccountId,
    },
}

/// `sessionContext.attributes`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionAttributes {
    /// When the credentials were issued.
    pub creation_date: Timestamp,
    /// Whether they were issued to a caller with MFA.
    pub mfa_authenticated: bool,
}

/// `sessionContext` of a role session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionContext {
    /// The role.
    pub session_issuer: SessionIssuer,
    /// When and how the session began.
    pub attributes: SessionAttributes,
    /// The source identity set when the role was assumed.
    pub source_identity: Option<String>,
}

/// `sessionContext.sessionIssuer`: the role of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionIssuer {
    /// `AROA…`
    pub principal_id: String,
    /// The role, with its path.
    pub arn: Arn,
    /// The role's account.
    pub account: AccountId,
    /// The role's name.
    pub user_name: String,
}

impl From<Identity> for UserIdentity {
    fn from(identity: Identity) -> Self {
        UserIdentity {
            identity,
            invoked_by: None,
        }
    }
}

impl UserIdentity {
    /// A service on its own behalf, such as `cloudtrail.amazonaws.com`.
    pub fn service(dns_name: impl Into<Cow<'static, str>>) -> UserIdentity {
        Identity::AwsService.invoked_by(dns_name)
    }

    /// The same caller as another account is told of it.
    ///
    /// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>,
    /// "userIdentity for requests by other accounts"
    #[must_use]
    pub fn as_seen_by(&self, account: AccountId) -> UserIdentity {
        let stranger = |id: String, of: AccountId| UserIdentity {
            identity: Identity::AwsAccount {
                principal_id: id,
                account: of,
            },
            invoked_by: self.invoked_by.clone(),
        };
        match &self.identity {
            Identity::Root { account: own, .. } if *own != account => stranger(own.as_str().to_owned(), *own),
            Identity::IamUser {
                principal_id,
                account: own,
                ..
            }
            | Identity::AssumedRole {
                principal_id,
                account: own,
                ..
            } if *own != account => stranger(principal_id.clone(), *own),
            _ => self.clone(),
        }
    }

    /// The access key used.
    pub fn access_key_id(&self) -> Option<&str> {
        match &self.identity {
            Identity::Root { access_key_id, .. }
            | Identity::IamUser { access_key_id, .. }
            | Identity::AssumedRole { access_key_id, .. } => access_key_id.as_deref(),
            _ => None,
        }
    }

    /// `userIdentity.arn`; services, strangers and anonymous callers have none.
    pub fn arn(&self) -> Option<Cow<'_, str>> {
        match &self.identity {
            Identity::Root { account, .. } => Some(Cow::Owned(base::arn::root(*account).as_str().to_owned())),
            Identity::IamUser { arn, .. } | Identity::AssumedRole { arn, .. } => Some(Cow::Borrowed(arn.as_str())),
            _ => None,
        }
    }

    /// The name by which LookupEvents finds the caller: a user's name, a session's name, `root`.
    pub fn lookup_name(&self) -> Option<&str> {
        match &self.identity {
            Identity::Root { .. } => Some("root"),
            Identity::IamUser { user_name, .. } => Some(user_name),
            Identity::AssumedRole { principal_id, .. } => principal_id.split_once(':').map(|(_, session)| session),
            _ => None,
        }
    }

    pub(crate) fn write(&self, mut out: Object<'_>) {
        match &self.identity {
            Identity::Root {
                account,
                access_key_id,
                user_name,
                session,
            } => {
                let arn = base::arn::root(*account);
                out.text("type", "Root");
                write_principal(&mut out, account.as_str(), &arn, *account, access_key_id.as_deref());
                out.maybe_text("userName", user_name.as_deref());
                write_session(&mut out, *session);
            }
            Identity::IamUser {
                principal_id,
                arn,
                account,
                access_key_id,
                user_name,
                session,
            } => {
                out.text("type", "IAMUser");
                write_principal(&mut out, principal_id, arn, *account, access_key_id.as_deref());
                out.text("userName", user_name);
                write_session(&mut out, *session);
            }
            Identity::AssumedRole {
                principal_id,
                arn,
                account,
                access_key_id,
                session_context,
            } => {
                out.text("type", "AssumedRole");
                write_principal(&mut out, principal_id, arn, *account, access_key_id.as_deref());
                if let Some(context) = session_context {
                    context.write(out.object("sessionContext"));
                }
            }
            Identity::AwsAccount { principal_id, account } => {
                out.text("type", "AWSAccount");
                out.text("principalId", principal_id);
                out.text("accountId", account.as_str());
            }
            Identity::Anonymous => {
                out.text("type", "AWSAccount");
                out.text("principalId", "");
                out.text("accountId", "anonymous");
            }
            Identity::AwsService => out.text("type", "AWSService"),
            Identity::ServiceEvent { account } => out.text("accountId", account.as_str()),
        }
        out.maybe_text("invokedBy", self.invoked_by.as_deref());
        out.close();
    }
}

impl Identity {
    /// This identity, called for by a service.
    pub fn invoked_by(self, service: impl Into<Cow<'static, str>>) -> UserIdentity {
        UserIdentity {
            identity: self,
            invoked_by: Some(service.into()),
        }
    }
}

fn write_principal(
    out: &mut Object<'_>,
    principal_id: &str,
    arn: &Arn,
    account: AccountId,
    access_key_id: Option<&str>,
) {
    out.text("principalId", principal_id);
    out.text("arn", arn.as_str());
    out.text("accountId", account.as_str());
    out.maybe_text("accessKeyId", access_key_id);
}

fn write_session(out: &mut Object<'_>, session: Option<SessionAttributes>) {
    if let Some(attributes) = session {
        let mut context = out.object("sessionContext");
        attributes.write(context.object("attributes"));
        context.close();
    }
}

impl SessionAttributes {
    fn write(self, mut out: Object<'_>) {
        out.text("creationDate", &self.creation_date.iso8601());
        out.text(
            "mfaAuthenticated",
            if self.mfa_authenticated { "true" } else { "false" },
        );
        out.close();
    }
}

impl SessionContext {
    fn write(&self, mut out: Object<'_>) {
        let mut issuer = out.object("sessionIssuer");
        issuer.text("type", "Role");
        issuer.text("principalId", &self.session_issuer.principal_id);
        issuer.text("arn", self.session_issuer.arn.as_str());
        issuer.text("accountId", self.session_issuer.account.as_str());
        issuer.text("userName", &self.session_issuer.user_name);
        issuer.close();
        self.attributes.write(out.object("attributes"));
        out.maybe_text("sourceIdentity", self.source_identity.as_deref());
        out.close();
    }
}
