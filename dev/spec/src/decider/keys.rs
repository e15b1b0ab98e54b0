//! The condition keys of a request.

use crate::case::{Caller, Case};
use std::collections::BTreeMap;

/// Every key, its name in lower case, with its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(BTreeMap<String, Vec<String>>);

impl Keys {
    /// The keys that follow from the caller, and those that the case gives.
    pub(super) fn of(case: &Case) -> Keys {
        let mut keys = Keys::default();
        for (name, value) in of_caller(&case.caller) {
            keys.set(name, vec![value]);
        }
        for (name, values) in &case.context {
            keys.set(name, values.clone());
        }
        keys
    }

    fn set(&mut self, name: &str, values: Vec<String>) {
        self.0.insert(name.to_ascii_lowercase(), values);
    }

    /// The values of a key; none when it is absent.
    ///
    /// SPEC: names ignore case,
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>
    pub(super) fn values(&self, name: &str) -> &[String] {
        self.0.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties>
fn of_caller(caller: &Caller) -> Vec<(&'static str, String)> {
    let text = str::to_owned;
    match caller {
        Caller::Anonymous => vec![
            ("aws:PrincipalAccount", text("anonymous")),
            ("aws:PrincipalType", text("Anonymous")),
            ("aws:userid", text("anonymous")),
        ],
        Caller::Root { account } => vec![
            ("aws:PrincipalAccount", account.clone()),
            ("aws:PrincipalArn", format!("arn:aws:iam::{account}:root")),
            ("aws:PrincipalIsAWSService", text("false")),
            ("aws:PrincipalType", text("Account")),
            ("aws:userid", account.clone()),
        ],
        Caller::Service { name } => vec![
            ("aws:PrincipalIsAWSService", text("true")),
            ("aws:PrincipalServiceName", name.clone()),
            ("aws:PrincipalServiceNamesList", name.clone()),
        ],
        Caller::Session {
            account,
            role,
            id,
            name,
            ..
        } => vec![
            ("aws:PrincipalAccount", account.clone()),
            ("aws:PrincipalArn", role.clone()),
            ("aws:PrincipalIsAWSService", text("false")),
            ("aws:PrincipalType", text("AssumedRole")),
            ("aws:userid", format!("{id}:{name}")),
        ],
        Caller::User { account, arn, id, name } => vec![
            ("aws:PrincipalAccount", account.clone()),
            ("aws:PrincipalArn", arn.clone()),
            ("aws:PrincipalIsAWSService", text("false")),
            ("aws:PrincipalType", text("User")),
            ("aws:userid", id.clone()),
            ("aws:username", name.clone()),
        ],
    }
}
