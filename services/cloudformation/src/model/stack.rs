//! A stack: what names it, what it has come to, and what is being done with it.

use base::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};

/// What names a stack for ever. Its name may be another's after it was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StackRef {
    /// Whose it is.
    pub account: AccountId,
    /// Where it is.
    pub region: Region,
    /// Its name.
    pub name: String,
    /// The UUID that ends its ARN.
    pub id: String,
}

impl StackRef {
    /// `arn:aws:cloudformation:R:A:stack/NAME/ID`
    pub fn arn(&self) -> Arn {
        base::arn::stack(&self.region, self.account, &self.name, &self.id)
    }
}

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant),*
        }

        impl $name {
            /// As AWS writes it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            /// The status of this text.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }
    };
}

statuses! {
    /// `StackStatus`. A new one goes to the end, for they are stored by their place.
    StackStatus {
        CreateInProgress = "CREATE_IN_PROGRESS",
        CreateFailed = "CREATE_FAILED",
        CreateComplete = "CREATE_COMPLETE",
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        RollbackFailed = "ROLLBACK_FAILED",
        RollbackComplete = "ROLLBACK_COMPLETE",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        DeleteFailed = "DELETE_FAILED",
        DeleteComplete = "DELETE_COMPLETE",
        UpdateInProgress = "UPDATE_IN_PROGRESS",
        UpdateCompleteCleanupInProgress = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        UpdateComplete = "UPDATE_COMPLETE",
        UpdateFailed = "UPDATE_FAILED",
        UpdateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS",
        UpdateRollbackFailed = "UPDATE_ROLLBACK_FAILED",
        UpdateRollbackCompleteCleanupInProgress = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        UpdateRollbackComplete = "UPDATE_ROLLBACK_COMPLETE",
        ReviewInProgress = "REVIEW_IN_PROGRESS",
    }
}

statuses! {
    /// `ResourceStatus`. A new one goes to the end, for they are stored by their place.
    ResourceStatus {
        CreateInProgress = "CREATE_IN_PROGRESS",
        CreateFailed = "CREATE_FAILED",
        CreateComplete = "CREATE_COMPLETE",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        DeleteFailed = "DELETE_FAILED",
        DeleteComplete = "DELETE_COMPLETE",
        DeleteSkipped = "DELETE_SKIPPED",
        UpdateInProgress = "UPDATE_IN_PROGRESS",
        UpdateFailed = "UPDATE_FAILED",
        UpdateComplete = "UPDATE_COMPLETE",
    }
}

impl StackStatus {
    /// Whether something is being done with the stack.
    pub fn is_in_progress(self) -> bool {
        self != StackStatus::ReviewInProgress && self.as_str().ends_with("_IN_PROGRESS")
    }

    /// Whether the stack may be updated now.
    pub fn is_updatable(self) -> bool {
        matches!(
            self,
            StackStatus::CreateComplete
                | StackStatus::UpdateComplete
                | StackStatus::UpdateRollbackComplete
                | StackStatus::CreateFailed
                | StackStatus::UpdateFailed
        )
    }
}

/// With whose rights a stack's resources are made. Stored by place: new ones go to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// Those of who asked, known by the access key.
    Key(String),
    /// Those of the role that was passed.
    Role(String),
}

/// What becomes of a stack whose creation fails. Stored by place: new ones go to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// It stays as it is.
    DoNothing,
    /// What was made is taken away.
    #[default]
    Rollback,
    /// The stack is deleted.
    Delete,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// `Key`
    pub key: String,
    /// `Value`
    pub value: String,
}

/// What drift detection has found last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// `IN_SYNC`, `DRIFTED`, `UNKNOWN`; of a resource `IN_SYNC`, `MODIFIED`, `DELETED`.
    pub status: String,
    /// When it looked.
    pub checked: Timestamp,
}

/// A stack. What of it may hold secrets is in its deployments and [`Outputs`](crate::model::held::Outputs), sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// What names it.
    pub at: StackRef,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was last asked to change.
    pub updated: Option<Timestamp>,
    /// When it was gone, or was asked to go.
    pub deleted: Option<Timestamp>,
    /// What it has come to.
    pub status: StackStatus,
    /// Why.
    pub reason: Option<String>,
    /// `Description` of its template.
    pub description: Option<String>,
    /// The stack that it is nested in, and the outermost one: ARNs.
    pub parent: Option<(String, String)>,
    /// The number of the deployment whose state it has, or goes back to when an update fails; 0 before it has any.
    pub deployed: u32,
    /// The number of the newest deployment, which is being made when it is another.
    pub wanted: u32,
    /// The number of the oldest deployment that may be there.
    pub oldest: u32,
    /// Names of exports that it uses.
    pub imports: Vec<String>,
    /// With whose rights the last operation was done.
    pub identity: Identity,
    /// The role of the last operation that had one, which further operations take.
    pub role: Option<String>,
    /// Whether a failure changes nothing back.
    pub disable_rollback: bool,
    /// `TimeoutInMinutes` of its creation.
    pub timeout_minutes: Option<u32>,
    /// `RetainExceptOnCreate` of the last operation.
    pub retain_except_on_create: bool,
    /// Whether it cannot be deleted.
    pub termination_protection: bool,
    /// The stack policy.
    pub policy: Option<String>,
    /// What drift detection has found last.
    pub drift: Option<Drift>,
    /// The change set that made it what it is.
    pub change_set: Option<String>,
    /// `ClientRequestToken` of the last operation.
    pub token: Option<String>,
    /// `DeletionMode` of the last DeleteStack.
    pub deletion_mode: Option<String>,
    /// The outputs, sealed; empty when there are none.
    pub outputs: Vec<u8>,
}

/// What is to be done with a stack now: there is a row of it for as long as that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The stack.
    pub at: StackRef,
    /// What tells this operation from every other; each step of it finds it unchanged or is not done.
    pub id: String,
    /// How far it is.
    pub phase: Phase,
    /// With whose rights.
    pub identity: Identity,
    /// What is done when creating fails.
    pub on_failure: OnFailure,
    /// Logical ids that a deletion keeps, or that a rollback skips.
    pub spared: Vec<String>,
    /// Whether a deletion leaves what it cannot delete.
    pub force: bool,
    /// What the stack was before: what it is again when a deletion does not begin.
    pub was: StackStatus,
    /// The stack policy that an update keeps to.
    pub policy: Option<String>,
    /// When it has taken too long.
    pub deadline: Option<Timestamp>,
}

/// How far an operation is. Stored by place: new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Resources are made.
    Create,
    /// What was made of a stack that failed is taken away.
    CreateRollback,
    /// Everything is deleted.
    Delete,
    /// Resources are made and changed.
    Update,
    /// What the new template has no more is deleted.
    UpdateCleanup,
    /// What was changed is changed back.
    UpdateRollback,
    /// What was made for nothing is deleted.
    UpdateRollbackCleanup,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_is_written_and_only_some_are_in_progress() {
        for text in [
            "CREATE_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "REVIEW_IN_PROGRESS",
        ] {
            assert_eq!(StackStatus::parse(text).map(StackStatus::as_str), Some(text));
        }
        assert_eq!(StackStatus::parse("NO"), None);
        assert!(StackStatus::UpdateCompleteCleanupInProgress.is_in_progress());
        assert!(!StackStatus::ReviewInProgress.is_in_progress() && !StackStatus::CreateFailed.is_in_progress());
    }
}
