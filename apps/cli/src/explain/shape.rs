//! What ExplainDecision answers.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Explanation {
    pub(super) request_id: String,
    pub(super) time: f64,
    pub(super) service: String,
    pub(super) operation: String,
    pub(super) principal: Who,
    pub(super) account: String,
    pub(super) error_code: String,
    pub(super) error_message: String,
    pub(super) denials: Vec<Denial>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) account: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Denial {
    pub(super) service: String,
    pub(super) operation: String,
    pub(super) request_id: String,
    pub(super) principal: Who,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) owner: Option<String>,
    pub(super) grounds: Grounds,
    pub(super) statements: Vec<Statement>,
    pub(super) grants: Vec<Grant>,
    pub(super) changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Grounds {
    pub(super) decision: String,
    pub(super) policy_type: String,
    pub(super) policy: Option<String>,
    pub(super) statement: Option<usize>,
    pub(super) sid: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    pub(super) policy_type: String,
    pub(super) policy: String,
    pub(super) statement: usize,
    pub(super) sid: Option<String>,
    pub(super) effect: String,
    pub(super) outcome: String,
    pub(super) element: Option<String>,
    pub(super) operator: Option<String>,
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) wanted: Vec<String>,
    pub(super) found: Option<Vec<String>>,
    #[serde(default)]
    pub(super) unreadable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Grant {
    pub(super) grant_id: String,
    pub(super) outcome: String,
    #[serde(default)]
    pub(super) wanted: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Change {
    pub(super) policy_type: String,
    pub(super) policy: Option<String>,
    pub(super) why: String,
    pub(super) patch: Vec<PatchOp>,
    pub(super) new_document: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PatchOp {
    pub(super) op: String,
    pub(super) path: String,
    pub(super) value: Option<serde_json::Value>,
}
