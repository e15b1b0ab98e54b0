//! Who is who in the account, and what IAM lets them do.

use super::Fact;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The users, roles, groups and managed policies of an account.
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Principals {
    /// The users.
    pub users: Vec<User>,
    /// The roles.
    pub roles: Vec<Role>,
    /// The groups.
    pub groups: Vec<Group>,
    /// The managed policies that are attached to any of them or are a boundary, by their ARNs. One that could not be read is
    /// named.
    pub policies: BTreeMap<String, Fact<ManagedPolicy>>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its id: `AIDA…`.
    pub id: String,
    /// Its path.
    pub path: String,
    /// The names of its groups.
    pub groups: Fact<Vec<String>>,
    /// Its own policies by their names.
    pub inline: Fact<BTreeMap<String, Value>>,
    /// The managed policies that it has.
    pub attached: Fact<Vec<Attached>>,
    /// The ARN of the managed policy that is its boundary.
    pub boundary: Fact<Option<String>>,
    /// Its tags.
    pub tags: Fact<BTreeMap<String, String>>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its id: `AROA…`.
    pub id: String,
    /// Its path.
    pub path: String,
    /// Who may take it.
    pub trust: Value,
    /// Its own policies by their names.
    pub inline: Fact<BTreeMap<String, Value>>,
    /// The managed policies that it has.
    pub attached: Fact<Vec<Attached>>,
    /// The ARN of the managed policy that is its boundary.
    pub boundary: Fact<Option<String>>,
    /// Its tags.
    pub tags: Fact<BTreeMap<String, String>>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its own policies by their names.
    pub inline: Fact<BTreeMap<String, Value>>,
    /// The managed policies that it has.
    pub attached: Fact<Vec<Attached>>,
}

/// A managed policy that someone has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// A managed policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedPolicy {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The document of its default version.
    pub document: Value,
}
