//! Every way an IAM or STS call fails, in AWS's code, status and words.

use base::Fault;
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// How much of a caller's text a validation message repeats.
const ECHO_CHARS_MAX: usize = 1_024;

/// The closed set of errors of this room.
#[derive(Debug)]
pub enum IamError {
    /// The user still has something.
    DeleteConflict(Attached),
    /// The name is taken, perhaps in another case.
    EntityAlreadyExists(Entity),
    /// Ours.
    Fault(Fault),
    /// Two tags have one key.
    InvalidInput(&'static str),
    /// A quota.
    LimitExceeded(Quota),
    /// The document is no identity policy; AWS's words.
    MalformedPolicyDocument(String),
    /// There is no such thing.
    NoSuchEntity(Entity),
    /// A feature of AWS that is not here. Refused by name, never left out in silence.
    NotImplemented(&'static str),
    /// A parameter is out of its range; AWS's words.
    Validation(String),
}

/// What keeps a user from being deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// Access keys.
    AccessKeys,
    /// Inline policies.
    Policies,
}

/// A thing with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity {
    /// An access key, by id.
    AccessKey(String),
    /// A user, by name.
    User(String),
    /// An inline policy of a user, by name.
    UserPolicy(String),
}

/// A quota of AWS's.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Two access keys per user.
    AccessKeysPerUser,
    /// The inline policies of this user together.
    UserPolicySize {
        /// The user.
        user: String,
    },
    /// Users in the account.
    UsersPerAccount,
}

impl IamError {
    /// AWS's generic refusal of a member's value.
    pub(crate) fn constraint(at: &str, value: &str, constraint: impl AsRef<str>) -> IamError {
        let value: String = value.chars().take(ECHO_CHARS_MAX).collect();
        IamError::Validation(format!(
            "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {}",
            constraint.as_ref()
        ))
    }
}

impl Entity {
    fn not_found(&self) -> String {
        match self {
            Entity::AccessKey(id) => format!("The Access Key with id {id} cannot be found."),
            Entity::User(name) => format!("The user with name {name} cannot be found."),
            Entity::UserPolicy(name) => format!("The user policy with name {name} cannot be found."),
        }
    }

    fn exists(&self) -> String {
        match self {
            Entity::AccessKey(id) => format!("Access Key with id {id} already exists."),
            Entity::User(name) => format!("User with name {name} already exists."),
            Entity::UserPolicy(name) => format!("User policy with name {name} already exists."),
        }
    }
}

impl AwsError for IamError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            IamError::DeleteConflict(_) => "DeleteConflict",
            IamError::EntityAlreadyExists(_) => "EntityAlreadyExists",
            IamError::Fault(_) => "InternalFailure",
            IamError::InvalidInput(_) => "InvalidInput",
            IamError::LimitExceeded(_) => "LimitExceeded",
            IamError::MalformedPolicyDocument(_) => "MalformedPolicyDocument",
            IamError::NoSuchEntity(_) => "NoSuchEntity",
            IamError::NotImplemented(_) => "NotImplemented",
            IamError::Validation(_) => "ValidationError",
        })
    }

    fn message(&self) -> String {
        match self {
            IamError::DeleteConflict(Attached::AccessKeys) => {
                "Cannot delete entity, must delete access keys first.".to_owned()
            }
            IamError::DeleteConflict(Attached::Policies) => {
                "Cannot delete entity, must delete policies first.".to_owned()
            }
            IamError::EntityAlreadyExists(entity) => entity.exists(),
            IamError::Fault(_) => "An internal error occurred.".to_owned(),
            IamError::InvalidInput(message) => (*message).to_owned(),
            IamError::LimitExceeded(Quota::AccessKeysPerUser) => {
                "Cannot exceed quota for AccessKeysPerUser: 2".to_owned()
            }
            IamError::LimitExceeded(Quota::UserPolicySize { user }) => {
                format!("Maximum policy size of 2048 bytes exceeded for user {user}")
            }
            IamError::LimitExceeded(Quota::UsersPerAccount) => {
                "Cannot exceed quota for UsersPerAccount: 5000".to_owned()
            }
            IamError::MalformedPolicyDocument(message) | IamError::Validation(message) => message.clone(),
            IamError::NoSuchEntity(entity) => entity.not_found(),
            IamError::NotImplemented(what) => format!("{what} is not implemented by this server."),
        }
    }

    fn status(&self) -> u16 {
        match self {
            IamError::InvalidInput(_) | IamError::MalformedPolicyDocument(_) | IamError::Validation(_) => 400,
            IamError::NoSuchEntity(_) => 404,
            IamError::DeleteConflict(_) | IamError::EntityAlreadyExists(_) | IamError::LimitExceeded(_) => 409,
            IamError::Fault(_) => 500,
            IamError::NotImplemented(_) => 501,
        }
    }
}

impl OperationError for IamError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            IamError::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for IamError {
    fn from(fault: Fault) -> Self {
        IamError::Fault(fault)
    }
}

impl From<PortRefusal> for IamError {
    /// This service makes no port calls; a refusal can only be a mistake of ours.
    fn from(_: PortRefusal) -> Self {
        IamError::Fault(Fault::Bug("IAM was refused by a port"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_awss_words() {
        let check = |error: IamError, code: &str, status, message: &str| {
            assert_eq!((error.code().as_ref(), error.status()), (code, status), "{message}");
            assert_eq!(error.message(), message);
        };
        let user = || Entity::User("Bob".to_owned());
        check(
            IamError::EntityAlreadyExists(user()),
            "EntityAlreadyExists",
            409,
            "User with name Bob already exists.",
        );
        check(
            IamError::NoSuchEntity(user()),
            "NoSuchEntity",
            404,
            "The user with name Bob cannot be found.",
        );
        check(
            IamError::LimitExceeded(Quota::AccessKeysPerUser),
            "LimitExceeded",
            409,
            "Cannot exceed quota for AccessKeysPerUser: 2",
        );
        check(
            IamError::DeleteConflict(Attached::Policies),
            "DeleteConflict",
            409,
            "Cannot delete entity, must delete policies first.",
        );
        check(
            IamError::constraint("maxItems", "0", "Member must have value greater than or equal to 1"),
            "ValidationError",
            400,
            "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1",
        );
    }
}
