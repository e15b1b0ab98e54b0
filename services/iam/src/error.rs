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
    /// A rule that no policy can lift; AWS's words.
    AccessDenied(&'static str),
    /// Something is still there.
    DeleteConflict(Attached),
    /// The name is taken, perhaps in another case.
    EntityAlreadyExists(Entity),
    /// Ours.
    Fault(Fault),
    /// No encoded message of ours.
    InvalidAuthorizationMessage,
    /// No access key of this id.
    InvalidClientTokenId,
    /// A value that does not fit the others or what is there; AWS's words.
    InvalidInput(String),
    /// The same in STS; AWS's words.
    InvalidParameterValue(String),
    /// A quota.
    LimitExceeded(Quota),
    /// The document is no policy of its kind; AWS's words.
    MalformedPolicyDocument(String),
    /// There is no such thing.
    NoSuchEntity(Entity),
    /// A feature of AWS that is not here. Refused by name, never left out in silence.
    NotImplemented(&'static str),
    /// Session policies and tags together are too large, in percent of what is allowed.
    PackedPolicyTooLarge {
        /// More than 100.
        percent: usize,
    },
    /// It is AWS's own and cannot be changed.
    UnmodifiableEntity {
        /// The AWS managed policy's name.
        policy: String,
    },
    /// A parameter is out of its range; AWS's words.
    Validation(String),
}

/// What keeps something from being deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// Access keys of a user.
    AccessKeys,
    /// The version of a policy is the default.
    DefaultVersion,
    /// A user, group or role has a managed policy.
    ManagedPolicies,
    /// A user is in groups, or a group has users.
    Membership,
    /// A user, group or role has inline policies.
    Policies,
    /// A policy is attached, or somebody's boundary.
    Uses,
    /// A policy has versions beside the default.
    Versions,
}

/// A thing that has a name, as messages speak of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity {
    /// An access key, by id.
    AccessKey(String),
    /// The name of an account.
    AccountAlias(String),
    /// A managed policy to be attached, by ARN.
    AttachablePolicy(String),
    /// A managed policy to be a boundary, by ARN.
    BoundaryPolicy(String),
    /// A group, by name.
    Group(String),
    /// An inline policy of a group, by name.
    GroupPolicy(String),
    /// A user's place in a group.
    Member {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// A managed policy, by ARN; of one that is not attached it is said too.
    Policy(String),
    /// A managed policy, by name.
    PolicyName(String),
    /// A version of a managed policy.
    PolicyVersion {
        /// The policy.
        arn: String,
        /// Such as `v2`.
        version: String,
    },
    /// A role, by name.
    Role(String),
    /// A role's permissions boundary.
    RoleBoundary(String),
    /// An inline policy of a role, by name.
    RolePolicy(String),
    /// A user, by name.
    User(String),
    /// A user's permissions boundary.
    UserBoundary(String),
    /// An inline policy of a user, by name.
    UserPolicy(String),
}

/// A quota of AWS's.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Access keys per user.
    AccessKeysPerUser,
    /// Groups in the account.
    GroupsPerAccount,
    /// Groups of a user.
    GroupsPerUser,
    /// The inline policies of a user, group or role together.
    InlinePolicySize {
        /// The limit.
        bytes_max: usize,
        /// `user`, `group` or `role`.
        kind: &'static str,
        /// Whose.
        name: String,
    },
    /// Customer managed policies in the account.
    PoliciesPerAccount,
    /// Managed policies attached to a group.
    PoliciesPerGroup,
    /// Managed policies attached to a role.
    PoliciesPerRole,
    /// Managed policies attached to a user.
    PoliciesPerUser,
    /// The size of a managed policy.
    PolicySize,
    /// Roles in the account.
    RolesPerAccount,
    /// Tags of a policy.
    TagsPerPolicy,
    /// Tags of a role.
    TagsPerRole,
    /// Tags of a user.
    TagsPerUser,
    /// The size of a trust policy.
    TrustSize,
    /// Users in the account.
    UsersPerAccount,
    /// Versions of a managed policy.
    VersionsPerPolicy,
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

    /// The same in the form that does not repeat the value: of lists, patterns and the newer operations.
    pub(crate) fn constraint_at(at: &str, constraint: impl AsRef<str>) -> IamError {
        IamError::Validation(format!(
            "1 validation error detected: Value at '{at}' failed to satisfy constraint: {}",
            constraint.as_ref()
        ))
    }

    /// The same of a value that is not of a pattern.
    pub(crate) fn pattern(at: &str, pattern: &str) -> IamError {
        IamError::constraint_at(at, format!("Member must satisfy regular expression pattern: {pattern}"))
    }
}

impl Entity {
    fn not_found(&self) -> String {
        match self {
            Entity::AccessKey(id) => format!("The Access Key with id {id} cannot be found."),
            Entity::AccountAlias(alias) => format!("The account alias {alias} cannot be found."),
            Entity::AttachablePolicy(arn) => format!("Policy {arn} does not exist or is not attachable."),
            Entity::BoundaryPolicy(arn) => format!("Scope ARN: {arn} does not exist or is not attachable."),
            Entity::Group(name) => format!("The group with name {name} cannot be found."),
            Entity::GroupPolicy(name) => format!("The group policy with name {name} cannot be found."),
            Entity::Member { user, group } => format!("User {user} is not in group {group}."),
            Entity::Policy(arn) | Entity::PolicyName(arn) => format!("Policy {arn} was not found."),
            Entity::PolicyVersion { arn, version } => {
                format!("Policy {arn} version {version} does not exist or is not attachable.")
            }
            Entity::Role(name) => format!("The role with name {name} cannot be found."),
            Entity::RoleBoundary(name) => format!("Role {name} does not have a permissions boundary."),
            Entity::RolePolicy(name) => format!("The role policy with name {name} cannot be found."),
            Entity::User(name) => format!("The user with name {name} cannot be found."),
            Entity::UserBoundary(name) => format!("User {name} does not have a permissions boundary."),
            Entity::UserPolicy(name) => format!("The user policy with name {name} cannot be found."),
        }
    }

    fn exists(&self) -> String {
        match self {
            Entity::AccountAlias(alias) => format!("The account alias {alias} already exists."),
            Entity::Group(name) => format!("Group with name {name} already exists."),
            Entity::Role(name) => format!("Role with name {name} already exists."),
            Entity::User(name) => format!("User with name {name} already exists."),
            Entity::PolicyName(name) => {
                format!("A policy called {name} already exists. Duplicate names are not allowed.")
            }
            // The names of these are never taken: what has one is put in the place of another, or named here.
            Entity::AccessKey(name)
            | Entity::AttachablePolicy(name)
            | Entity::BoundaryPolicy(name)
            | Entity::GroupPolicy(name)
            | Entity::Member { user: name, .. }
            | Entity::Policy(name)
            | Entity::PolicyVersion { version: name, .. }
            | Entity::RoleBoundary(name)
            | Entity::RolePolicy(name)
            | Entity::UserBoundary(name)
            | Entity::UserPolicy(name) => format!("{name} already exists."),
        }
    }
}

impl Attached {
    fn message(self) -> &'static str {
        match self {
            Attached::AccessKeys => "Cannot delete entity, must delete access keys first.",
            Attached::DefaultVersion => "Cannot delete the default version of a policy.",
            Attached::ManagedPolicies => "Cannot delete entity, must detach all policies first.",
            Attached::Membership => "Cannot delete entity, must remove users from group first.",
            Attached::Policies => "Cannot delete entity, must delete policies first.",
            Attached::Uses => "Cannot delete a policy attached to entities.",
            Attached::Versions => {
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy."
            }
        }
    }
}

impl Quota {
    fn message(&self) -> String {
        let (name, max) = match self {
            Quota::InlinePolicySize { bytes_max, kind, name } => {
                return format!("Maximum policy size of {bytes_max} bytes exceeded for {kind} {name}");
            }
            Quota::VersionsPerPolicy => {
                return "A managed policy can have up to 5 versions. Before you create a new version, you must delete \
                        an existing version."
                    .to_owned();
            }
            Quota::AccessKeysPerUser => ("AccessKeysPerUser", 2),
            Quota::GroupsPerAccount => ("GroupsPerAccount", 300),
            Quota::GroupsPerUser => ("GroupsPerUser", 10),
            Quota::PoliciesPerAccount => ("PoliciesPerAccount", 1_500),
            Quota::PoliciesPerGroup => ("PoliciesPerGroup", 10),
            Quota::PoliciesPerRole => ("PoliciesPerRole", 10),
            Quota::PoliciesPerUser => ("PoliciesPerUser", 10),
            Quota::PolicySize => ("PolicySize", 6_144),
            Quota::RolesPerAccount => ("RolesPerAccount", 1_000),
            Quota::TagsPerPolicy => ("TagsPerPolicy", 50),
            Quota::TagsPerRole => ("TagsPerRole", 50),
            Quota::TagsPerUser => ("TagsPerUser", 50),
            Quota::TrustSize => ("ACLSizePerRole", 2_048),
            Quota::UsersPerAccount => ("UsersPerAccount", 5_000),
        };
        format!("Cannot exceed quota for {name}: {max}")
    }
}

impl AwsError for IamError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            IamError::AccessDenied(_) => "AccessDenied",
            IamError::DeleteConflict(_) => "DeleteConflict",
            IamError::EntityAlreadyExists(_) => "EntityAlreadyExists",
            IamError::Fault(_) => "InternalFailure",
            IamError::InvalidAuthorizationMessage => "InvalidAuthorizationMessageException",
            IamError::InvalidClientTokenId => "InvalidClientTokenId",
            IamError::InvalidInput(_) => "InvalidInput",
            IamError::InvalidParameterValue(_) => "InvalidParameterValue",
            IamError::LimitExceeded(_) => "LimitExceeded",
            IamError::MalformedPolicyDocument(_) => "MalformedPolicyDocument",
            IamError::NoSuchEntity(_) => "NoSuchEntity",
            IamError::NotImplemented(_) => "NotImplemented",
            IamError::PackedPolicyTooLarge { .. } => "PackedPolicyTooLarge",
            IamError::UnmodifiableEntity { .. } => "UnmodifiableEntity",
            IamError::Validation(_) => "ValidationError",
        })
    }

    fn message(&self) -> String {
        match self {
            IamError::AccessDenied(message) => (*message).to_owned(),
            IamError::DeleteConflict(attached) => attached.message().to_owned(),
            IamError::EntityAlreadyExists(entity) => entity.exists(),
            IamError::Fault(_) => "An internal error occurred.".to_owned(),
            IamError::InvalidAuthorizationMessage => "Message is not valid".to_owned(),
            IamError::InvalidClientTokenId => "The security token included in the request is invalid.".to_owned(),
            IamError::InvalidInput(message)
            | IamError::InvalidParameterValue(message)
            | IamError::MalformedPolicyDocument(message)
            | IamError::Validation(message) => message.clone(),
            IamError::LimitExceeded(quota) => quota.message(),
            IamError::NoSuchEntity(entity) => entity.not_found(),
            IamError::NotImplemented(what) => format!("{what} is not implemented by this server."),
            IamError::PackedPolicyTooLarge { percent } => {
                format!("Packed size of session tags and session policies consumes {percent}% of allotted space.")
            }
            IamError::UnmodifiableEntity { policy } => format!(
                "Cannot perform the operation on the protected policy '{policy}' - this policy is only modifiable by AWS"
            ),
        }
    }

    fn status(&self) -> u16 {
        match self {
            IamError::InvalidAuthorizationMessage
            | IamError::InvalidInput(_)
            | IamError::InvalidParameterValue(_)
            | IamError::MalformedPolicyDocument(_)
            | IamError::PackedPolicyTooLarge { .. }
            | IamError::UnmodifiableEntity { .. }
            | IamError::Validation(_) => 400,
            IamError::AccessDenied(_) | IamError::InvalidClientTokenId => 403,
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
            IamError::LimitExceeded(Quota::TrustSize),
            "LimitExceeded",
            409,
            "Cannot exceed quota for ACLSizePerRole: 2048",
        );
        check(
            IamError::EntityAlreadyExists(Entity::PolicyName("P".to_owned())),
            "EntityAlreadyExists",
            409,
            "A policy called P already exists. Duplicate names are not allowed.",
        );
        check(
            IamError::NoSuchEntity(Entity::BoundaryPolicy("arn:x".to_owned())),
            "NoSuchEntity",
            404,
            "Scope ARN: arn:x does not exist or is not attachable.",
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
