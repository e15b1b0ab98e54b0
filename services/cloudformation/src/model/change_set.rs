//! A change set: what a stack is asked to be, not yet done, and what that would do to its resources.

use super::{
    changes::Change,
    stack::{OnFailure, StackRef, Tag},
};
use base::{Arn, Timestamp};
use serde::{Deserialize, Serialize};
use template::Parameters;

/// A change set. What of it may hold secrets is in its [`Contents`], sealed in a row of
/// their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// The stack that it is for.
    pub stack: StackRef,
    /// `ChangeSetName`
    pub name: String,
    /// The UUID that ends its ARN.
    pub id: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// `Description`
    pub description: Option<String>,
    /// Whether it makes the stack.
    pub is_create: bool,
    /// Why there is nothing to execute.
    pub failure: Option<String>,
    /// Whether it can be executed, or was.
    pub execution: Execution,
    /// `OnStackFailure`
    pub on_failure: Option<OnFailure>,
    /// `RoleARN`
    pub role: Option<String>,
    /// `ClientToken`
    pub token: Option<String>,
}

/// `ExecutionStatus`. A new one goes to the end, for they are stored by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Execution {
    /// There is nothing to execute.
    Unavailable,
    /// It can be executed.
    Available,
    /// It is being executed.
    InProgress,
    /// It was executed.
    Complete,
    /// It was executed, and the stack did not come to it.
    Failed,
    /// The stack has become another since.
    Obsolete,
}

impl Execution {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Execution::Unavailable => "UNAVAILABLE",
            Execution::Available => "AVAILABLE",
            Execution::InProgress => "EXECUTE_IN_PROGRESS",
            Execution::Complete => "EXECUTE_COMPLETE",
            Execution::Failed => "EXECUTE_FAILED",
            Execution::Obsolete => "OBSOLETE",
        }
    }
}

impl ChangeSet {
    /// `arn:aws:cloudformation:R:A:changeSet/NAME/ID`
    pub fn arn(&self) -> Arn {
        base::arn::change_set(&self.stack.region, self.stack.account, &self.name, &self.id)
    }

    /// `Status`
    pub fn status(&self) -> &'static str {
        match self.failure {
            None => "CREATE_COMPLETE",
            Some(_) => "FAILED",
        }
    }
}

/// What a change set holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// The template as it was given.
    pub template: String,
    /// The parameters, each with its value.
    pub parameters: Parameters,
    /// The tags that the stack will have.
    pub tags: Vec<Tag>,
    /// `Capabilities` that were given.
    pub capabilities: Vec<String>,
    /// `ResourceTypes` that were given.
    #[serde(default)]
    pub resource_types: Option<Vec<String>>,
    /// Topics that will be told of every event.
    pub notification_arns: Vec<String>,
    /// What would be done, by logical id.
    pub changes: Vec<ResourceChange>,
}

/// `Action`. Stored by name: none is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// The resource is made.
    Add,
    /// It is changed.
    Modify,
    /// It is deleted, or left.
    Remove,
}

/// `ResourceChange`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceChange {
    /// What is done.
    pub action: Action,
    /// `LogicalResourceId`
    pub logical_id: String,
    /// `PhysicalResourceId`, of what is there.
    pub physical_id: Option<String>,
    /// `ResourceType`
    pub type_name: String,
    /// `PolicyAction`: what becomes of the thing that is there.
    pub policy_action: Option<String>,
    /// What of it changes.
    pub change: Option<Change>,
    /// `BeforeContext`: JSON, without secrets.
    pub before: Option<String>,
    /// `AfterContext`: JSON, without secrets.
    pub after: Option<String>,
}
