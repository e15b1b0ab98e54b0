//! What the two simulating operations are asked and answer.

use crate::{IamError, model::spans::Position};
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::collections::BTreeMap;

/// Input of SimulatePrincipalPolicy and, without `PolicySourceArn`, of SimulateCustomPolicy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::ops) struct Input {
    pub(in crate::ops) policy_source_arn: Option<String>,
    #[serde(default)]
    pub(in crate::ops) policy_input_list: Vec<String>,
    #[serde(default)]
    pub(super) permissions_boundary_policy_input_list: Vec<String>,
    pub(super) policy_exclusion_list: Option<IgnoredAny>,
    pub(super) action_names: Vec<String>,
    #[serde(default)]
    pub(super) resource_arns: Vec<String>,
    pub(super) resource_policy: Option<String>,
    pub(super) resource_owner: Option<String>,
    pub(super) caller_arn: Option<String>,
    #[serde(default)]
    pub(super) context_entries: Vec<ContextEntry>,
    pub(super) resource_handling_option: Option<String>,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContextEntry {
    pub(super) context_key_name: Option<String>,
    #[serde(default)]
    pub(super) context_key_values: Vec<String>,
    pub(super) context_key_type: Option<String>,
}

impl Evident for ContextEntry {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("contextKeyName", self.context_key_name.as_deref())
            .texts("contextKeyValues", &self.context_key_values)
            .maybe_text("contextKeyType", self.context_key_type.as_deref())
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let list = |params: Params, name, texts: &[String]| match texts.is_empty() {
            true => params,
            false => params.texts(name, texts),
        };
        let params = Params::new().maybe_text("policySourceArn", self.policy_source_arn.as_deref());
        let params = list(params, "policyInputList", &self.policy_input_list);
        let boundary = &self.permissions_boundary_policy_input_list;
        let params = list(params, "permissionsBoundaryPolicyInputList", boundary);
        let params = list(params, "actionNames", &self.action_names);
        let params = list(params, "resourceArns", &self.resource_arns)
            .maybe_text("resourcePolicy", self.resource_policy.as_deref())
            .maybe_text("resourceOwner", self.resource_owner.as_deref())
            .maybe_text("callerArn", self.caller_arn.as_deref());
        let params = match self.context_entries.is_empty() {
            true => params,
            false => params.objects("contextEntries", self.context_entries.iter().map(Evident::evident)),
        };
        params
            .maybe_text("resourceHandlingOption", self.resource_handling_option.as_deref())
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// AWS's refusal of a call without a member that it must have.
pub(in crate::ops) fn missing(at: &str) -> IamError {
    IamError::Validation(format!(
        "1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member must not be null"
    ))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::ops) struct Output {
    pub(super) evaluation_results: Vec<Evaluation>,
    pub(super) is_truncated: bool,
    pub(super) marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// What became of one action on all the resources.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Evaluation {
    pub(super) eval_action_name: String,
    pub(super) eval_resource_name: String,
    pub(super) eval_decision: Outcome,
    pub(super) matched_statements: Vec<Matched>,
    pub(super) missing_context_values: Vec<String>,
    pub(super) organizations_decision_detail: Option<ByOrganizations>,
    pub(super) permissions_boundary_decision_detail: Option<ByBoundary>,
    pub(super) eval_decision_details: Option<Details>,
    pub(super) resource_specific_results: Option<Vec<Specific>>,
}

/// What became of one action on one resource.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Specific {
    pub(super) eval_resource_name: String,
    pub(super) eval_resource_decision: Outcome,
    pub(super) matched_statements: Vec<Matched>,
    pub(super) missing_context_values: Vec<String>,
    pub(super) eval_decision_details: Option<Details>,
    pub(super) permissions_boundary_decision_detail: Option<ByBoundary>,
}

/// A decision, in the order of restriction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Outcome {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

/// What each type of policy by itself says.
pub(super) type Details = BTreeMap<&'static str, Outcome>;

/// A statement that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Matched {
    pub(super) source_policy_id: String,
    pub(super) source_policy_type: &'static str,
    pub(super) start_position: Position,
    pub(super) end_position: Position,
}

impl Matched {
    /// What tells it from others.
    pub(super) fn place(&self) -> (&str, &'static str, usize, usize) {
        let start = self.start_position;
        (
            &self.source_policy_id,
            self.source_policy_type,
            start.line,
            start.column,
        )
    }
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByOrganizations {
    pub(super) allowed_by_organizations: bool,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByBoundary {
    pub(super) allowed_by_permissions_boundary: bool,
}

#[cfg(test)]
mod tests {
    use super::super::super::shapes::tests::{read, result, shown};
    use super::*;

    #[test]
    fn the_form_is_read_and_recorded() {
        let input: Input = read(
            "Action=SimulatePrincipalPolicy&PolicySourceArn=a&ActionNames.member.1=s3:GetObject&ContextEntries.member.1.ContextKeyName=a:b&ContextEntries.member.1.ContextKeyValues.member.1=c&ContextEntries.member.1.ContextKeyType=string&PolicyExclusionList.member.1.PolicyType=scp",
        );
        assert!(input.policy_exclusion_list.is_some());
        assert_eq!(
            shown(&input),
            r#"{"policySourceArn":"a","actionNames":["s3:GetObject"],"contextEntries":[{"contextKeyName":"a:b","contextKeyValues":["c"],"contextKeyType":"string"}]}"#
        );
    }

    #[test]
    fn the_answer_has_awss_names() {
        let position = Position { line: 3, column: 16 };
        let evaluation = Evaluation {
            eval_action_name: "s3:PutObject".to_owned(),
            eval_resource_name: "*".to_owned(),
            eval_decision: Outcome::Allowed,
            matched_statements: vec![Matched {
                source_policy_id: "PolicyInputList.1".to_owned(),
                source_policy_type: "IAM Policy",
                start_position: position,
                end_position: position,
            }],
            missing_context_values: Vec::new(),
            organizations_decision_detail: None,
            permissions_boundary_decision_detail: Some(ByBoundary {
                allowed_by_permissions_boundary: true,
            }),
            eval_decision_details: Some(Details::from([("IAM Policy", Outcome::ImplicitDeny)])),
            resource_specific_results: None,
        };
        assert_eq!(
            result("SimulateCustomPolicy", &evaluation),
            "<EvalActionName>s3:PutObject</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>allowed</EvalDecision><MatchedStatements><member><SourcePolicyId>PolicyInputList.1</SourcePolicyId><SourcePolicyType>IAM Policy</SourcePolicyType><StartPosition><Line>3</Line><Column>16</Column></StartPosition><EndPosition><Line>3</Line><Column>16</Column></EndPosition></member></MatchedStatements><MissingContextValues/><PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>true</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail><EvalDecisionDetails><entry><key>IAM Policy</key><value>implicitDeny</value></entry></EvalDecisionDetails>"
        );
    }
}
