//! Why a call was refused: what ExplainDecision answers.

use crate::aws::{Client, Error};
use serde::Deserialize;
use serde_json::json;
use wire::ServiceName;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    explanation: Explanation,
}

/// ExplainDecision: one call. The id is that of the refused request, of its event, or the encoded message of its answer. Demands
/// `shoseki:ExplainDecision`.
pub async fn explain_decision(client: &Client, id: &str) -> Result<Explanation, Error> {
    let answer: Answer = client
        .ask(ServiceName::Shoseki, "ExplainDecision", &json!({ "Id": id }))
        .await?;
    Ok(answer.explanation)
}

/// Why a call was refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Explanation {
    /// The call.
    pub request_id: String,
    /// When, in seconds since 1970.
    pub time: f64,
    /// Its `eventSource`.
    pub service: String,
    /// Its name.
    pub operation: String,
    /// Who called.
    pub principal: Who,
    /// In which account.
    pub account: String,
    /// The code of the answer.
    pub error_code: String,
    /// The message of the answer.
    pub error_message: String,
    /// All that was missing.
    pub denials: Vec<Denial>,
}

/// A principal.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub struct Who {
    /// The ARN, or the name of a service.
    pub name: String,
    /// The account; `None` for a service.
    pub account: Option<String>,
}

/// One right that was missing.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Denial {
    /// The service whose call was refused: that of the call, or of one inside it.
    pub service: String,
    /// That call's name.
    pub operation: String,
    /// That call's id.
    pub request_id: String,
    /// Who made that call.
    pub principal: Who,
    /// The right.
    pub action: String,
    /// On what.
    pub resource: String,
    /// Who owns that.
    pub owner: Option<String>,
    /// What decided.
    pub grounds: Grounds,
    /// All statements that were read.
    pub statements: Vec<Statement>,
    /// All grants that were read.
    pub grants: Vec<Grant>,
    /// The smallest changes that, all made, would allow it.
    pub changes: Vec<Change>,
}

/// What decided.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Grounds {
    /// `ExplicitDeny` or `NothingAllows`.
    pub decision: String,
    /// In AWS's words: `identity-based policy`.
    pub policy_type: String,
    /// Of an explicit deny, where its policy is.
    pub policy: Option<String>,
    /// Of an explicit deny, its place in the policy, from 0.
    pub statement: Option<usize>,
    /// Its `Sid`.
    pub sid: Option<String>,
}

/// A statement that was read, and how it compares with the request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// In AWS's words.
    pub policy_type: String,
    /// Where its policy is.
    pub policy: String,
    /// Its place in the policy, from 0.
    pub statement: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// `Matched`, `Delegates`, `NeverMatches` or `Differs`.
    pub outcome: String,
    /// What differs: `Principal`, `Action`, `Resource`, `Condition`, or one of the first three with `Not`.
    pub element: Option<String>,
    /// Of a condition, its operator.
    pub operator: Option<String>,
    /// Of a condition, its key.
    pub key: Option<String>,
    /// What it wants.
    #[serde(default)]
    pub wanted: Vec<String>,
    /// What the request had; `None` when it had nothing.
    pub found: Option<Vec<String>>,
    /// Whether the condition cannot read the request's value.
    #[serde(default)]
    pub unreadable: bool,
}

/// A grant of a key that was read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Grant {
    /// Its id.
    pub grant_id: String,
    /// `Gives`, `OtherActions`, `OtherGrantee` or `Unmet`.
    pub outcome: String,
    /// What it wants.
    #[serde(default)]
    pub wanted: Vec<String>,
}

/// A change that would help.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Change {
    /// In AWS's words.
    pub policy_type: String,
    /// Where the policy is; `None` for one that is to be made.
    pub policy: Option<String>,
    /// What for.
    pub why: String,
    /// The change.
    pub patch: Vec<PatchOp>,
    /// The policy as it is now.
    pub document: Option<String>,
    /// The policy as the patch makes it; `None` when it is no longer what the patch is of.
    pub new_document: Option<String>,
}

/// A step of a JSON patch (RFC 6902).
#[derive(Deserialize)]
pub struct PatchOp {
    /// `add`, `replace` or `remove`.
    pub op: String,
    /// Where.
    pub path: String,
    /// What.
    pub value: Option<serde_json::Value>,
}
