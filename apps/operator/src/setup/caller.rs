//! Who asks, and whether they may do what is to be done.

use super::{Draft, NEW_KEY, Outcome, needs};
use crate::{
    aws::{Client, Error, elements},
    change::Call,
    message,
};
use base::arn;
use policy::PolicyKind;
use serde::Serialize;
use std::collections::BTreeMap;
use wire::ServiceName::{Iam, Sts};

/// How many actions are asked about in one call.
const ACTIONS_MAX: usize = 50;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The ARN, of a session its own.
    pub arn: String,
    /// The account.
    pub account: String,
    /// The account's partition.
    pub partition: String,
}

impl Caller {
    /// Who the credentials are of.
    pub async fn ask(client: &Client) -> Result<Caller, Error> {
        let answer = client.query(Sts, "GetCallerIdentity", &[]).await?;
        let first = |name| elements(&answer, name).into_iter().next().unwrap_or_default();
        let arn = first("Arn");
        let partition = arn::split(&arn).map_or_else(|| arn::PARTITION.to_owned(), |parts| parts.partition.to_owned());
        Ok(Caller {
            account: first("Account"),
            partition,
            arn,
        })
    }

    /// Whether it is the account's root.
    pub fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }

    /// The user or the role whose policies say what the caller may; of a role the path is not known and asked for. Nothing for the root.
    pub async fn entity(&self, client: &Client) -> Result<Option<String>, Error> {
        let resource = arn::split(&self.arn).map_or("", |parts| parts.resource);
        let Some(session) = resource.strip_prefix("assumed-role/") else {
            return Ok((resource.starts_with("user/")).then(|| self.arn.clone()));
        };
        let name = session.split('/').next().unwrap_or_default();
        let without_path = format!("arn:{}:iam::{}:role/{name}", self.partition, self.account);
        match client.query(Iam, "GetRole", &[("RoleName", name)]).await {
            Ok(answer) => Ok(elements(&answer, "Arn").into_iter().next().or(Some(without_path))),
            Err(error) if error.refused().is_some() => Ok(Some(without_path)),
            Err(error) => Err(error),
        }
    }
}

impl Draft<'_> {
    pub(super) fn caller_check(&mut self) {
        let Caller { arn, account, .. } = self.caller.clone();
        let region = self.place.region.clone();
        let says = message!(
            "The account is {account}, the Region {region}, the caller {arn}.",
            "アカウントは {account}、リージョンは {region}、呼び出し元は {arn} です。",
        );
        self.good("caller", says);
    }

    /// Whether the caller may make the calls of the steps, as IAM's own simulator says.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
    pub(super) async fn rights(&mut self) -> Result<(), Error> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let client = self.client;
        let Some(entity) = self.caller.entity(client).await? else {
            let says = message!(
                "The caller is the account's root, whom no policy of IAM limits.",
                "呼び出し元はアカウントのルートユーザーで、IAM のポリシーによる制限を受けません。",
            );
            self.good("rights", says);
            return Ok(());
        };
        let (mut denied, mut doubtful) = (Vec::new(), Vec::new());
        for (resource, actions) in self.demands() {
            for actions in actions.chunks(ACTIONS_MAX) {
                let answer = simulated(client, &entity, actions, &resource).await;
                let Some(answer) = self.found("rights", "iam:SimulatePrincipalPolicy", answer, &[])? else {
                    return Ok(());
                };
                let answer = self.by_key_policy(answer, actions, &resource);
                let (certain, perhaps): (Vec<Denied>, Vec<Denied>) =
                    answer.into_iter().partition(|denied| denied.hangs_on.is_empty());
                denied.extend(certain.into_iter().map(|denied| denied.action));
                doubtful.extend(
                    perhaps
                        .into_iter()
                        .map(|denied| format!("{} ({})", denied.action, denied.hangs_on.join(", "))),
                );
            }
        }
        for list in [&mut denied, &mut doubtful] {
            list.sort_unstable();
            list.dedup();
        }
        if !doubtful.is_empty() {
            let list = doubtful.join(", ");
            let says = message!(
                "Whether the caller's policies allow these cannot be told, for it hangs on conditions of the call itself: {list}.",
                "次の呼び出しが許可されるかどうかは、呼び出し時の条件によるため確認できません: {list}。",
            );
            self.check("rights", Outcome::Unknown, says);
        }
        let list = denied.join(", ");
        match denied.is_empty() {
            true if !doubtful.is_empty() => {}
            true => {
                let says = message!(
                    "The caller's policies allow every call of the change.",
                    "呼び出し元のポリシーは、変更に必要な呼び出しをすべて許可しています。",
                );
                self.good("rights", says);
            }
            false => {
                let says = message!(
                    "The caller's policies do not allow: {list}.",
                    "呼び出し元のポリシーで許可されていません: {list}。",
                );
                self.check("rights", Outcome::Wrong, says);
            }
        }
        Ok(())
    }

    /// The actions of the steps by the resources that they are on.
    fn demands(&self) -> BTreeMap<String, Vec<String>> {
        let mut demands: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for step in &self.steps {
            for (resource, action) in demanded(&step.call, self) {
                let known = demands.entry(resource).or_default();
                if !known.iter().any(|known| known == action) {
                    known.push(action.to_owned());
                }
            }
        }
        demands
    }

    /// What of a key is denied, when its policy is known: it may let the caller do what the caller's own policies do not say, and what
    /// they allow only counts where it leaves the matter to the account.
    fn by_key_policy(&self, answer: Vec<Denied>, actions: &[String], resource: &str) -> Vec<Denied> {
        let policy = self.key_present.as_ref().or(self.key_document.as_ref());
        let (Some(policy), true) = (policy, resource.contains(":key/")) else {
            return answer;
        };
        let denied = |action: &String| {
            let of_caller = answer.iter().find(|denied| denied.action == *action);
            let name = OF_KEY.iter().copied().find(|name| name == action)?;
            let lets = needs::lets(policy, PolicyKind::KeyPolicy, &self.caller.arn, name, resource);
            match lets {
                None => of_caller.cloned(),
                Some(lets) if lets.caller => of_caller.filter(|denied| denied.explicit).cloned(),
                Some(lets) if lets.account => of_caller.cloned(),
                Some(_) => Some(Denied {
                    action: action.clone(),
                    explicit: false,
                    hangs_on: Vec::new(),
                }),
            }
        };
        actions.iter().filter_map(denied).collect()
    }
}

/// Actions on keys, which their policies decide with those of the caller.
const OF_KEY: [&str; 3] = ["kms:CreateAlias", "kms:EnableKeyRotation", "kms:PutKeyPolicy"];

/// The resources that a call is on, and the actions that it needs there.
fn demanded(call: &Call, draft: &Draft<'_>) -> Vec<(String, &'static str)> {
    let (partition, account) = (&draft.place.partition, &draft.place.account);
    let text = |name: &str| call.input[name].as_str().unwrap_or_default().to_owned();
    let region = &call.region;
    let resource = match call.service.as_str() {
        "s3" => format!("arn:{partition}:s3:::{}", text("Bucket")),
        "cloudtrail" => {
            let name = [text("Name"), text("TrailName")].concat();
            format!("arn:{partition}:cloudtrail:{region}:{account}:trail/{name}")
        }
        "logs" => format!(
            "arn:{partition}:logs:{region}:{account}:log-group:{}:*",
            text("logGroupName")
        ),
        "iam" => {
            let path = call.input["Path"].as_str().unwrap_or("/");
            format!("arn:{partition}:iam::{account}:role{path}{}", text("RoleName"))
        }
        "sns" => match text("TopicArn") {
            arn if arn.is_empty() => format!("arn:{partition}:sns:{region}:{account}:{}", text("Name")),
            arn => arn,
        },
        "kms" if call.operation != "CreateKey" => key_of(call, (partition, account)),
        _ => "*".to_owned(),
    };
    let mut demands: Vec<(String, &str)> = Vec::new();
    demands.extend(actions(call).into_iter().map(|action| (resource.clone(), action)));
    if call.operation == "CreateAlias" {
        let alias = format!("arn:{partition}:kms:{region}:{account}:{}", text("AliasName"));
        demands.push((alias, "kms:CreateAlias"));
    }
    if call.service == "cloudtrail" && !text("CloudWatchLogsRoleArn").is_empty() {
        let logs = draft.definition.logs.as_ref();
        let made = logs.map(|logs| {
            let (path, name) = (&logs.role_path, draft.place.text(&logs.role));
            format!("arn:{partition}:iam::{account}:role{path}{name}")
        });
        let role = match text("CloudWatchLogsRoleArn") {
            arn if arn.starts_with("arn:") => arn,
            _ => made.unwrap_or_default(),
        };
        demands.push((role, "iam:PassRole"));
    }
    demands
}

/// The ARN of the key that a call is on; of one that is still to be made, one of the form that it will have.
fn key_of(call: &Call, (partition, account): (&str, &str)) -> String {
    let id = call.input["KeyId"]
        .as_str()
        .or_else(|| call.input["TargetKeyId"].as_str());
    match id.unwrap_or_default() {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        id => {
            let id = if id.contains("{{") { NEW_KEY } else { id };
            format!("arn:{partition}:kms:{}:{account}:key/{id}", call.region)
        }
    }
}

/// The actions of IAM that a call needs on its resource.
fn actions(call: &Call) -> Vec<&'static str> {
    match (call.service.as_str(), call.operation.as_str()) {
        ("s3", "CreateBucket") => vec!["s3:CreateBucket"],
        ("s3", "PutBucketPolicy") => vec!["s3:PutBucketPolicy"],
        ("s3", "PutBucketEncryption") => vec!["s3:PutEncryptionConfiguration"],
        ("s3", "PutPublicAccessBlock") => vec!["s3:PutBucketPublicAccessBlock"],
        ("s3", "PutBucketVersioning") => vec!["s3:PutBucketVersioning"],
        ("s3", "PutBucketLogging") => vec!["s3:PutBucketLogging"],
        ("s3", "PutBucketLifecycleConfiguration") => vec!["s3:PutLifecycleConfiguration"],
        ("s3", "PutBucketOwnershipControls") => vec!["s3:PutBucketOwnershipControls"],
        ("s3", "PutBucketTagging") => vec!["s3:PutBucketTagging"],
        ("cloudtrail", "CreateTrail") => vec!["cloudtrail:CreateTrail"],
        ("cloudtrail", "StartLogging") => vec!["cloudtrail:StartLogging"],
        ("cloudtrail", "UpdateTrail") => vec!["cloudtrail:UpdateTrail"],
        ("cloudtrail", "PutEventSelectors") => vec!["cloudtrail:PutEventSelectors"],
        ("cloudtrail", "PutInsightSelectors") => vec!["cloudtrail:PutInsightSelectors"],
        ("logs", "CreateLogGroup") => vec!["logs:CreateLogGroup"],
        ("logs", "PutRetentionPolicy") => vec!["logs:PutRetentionPolicy"],
        ("iam", "CreateRole") => vec!["iam:CreateRole"],
        ("iam", "PutRolePolicy") => vec!["iam:PutRolePolicy"],
        ("sns", "CreateTopic") => vec!["sns:CreateTopic"],
        ("sns", "SetTopicAttributes") => vec!["sns:SetTopicAttributes"],
        ("kms", "CreateKey") if call.input["Tags"].is_array() => vec!["kms:CreateKey", "kms:TagResource"],
        ("kms", "CreateKey") => vec!["kms:CreateKey"],
        ("kms", "CreateAlias") => vec!["kms:CreateAlias"],
        ("kms", "EnableKeyRotation") => vec!["kms:EnableKeyRotation"],
        ("kms", "PutKeyPolicy") => vec!["kms:PutKeyPolicy"],
        _ => Vec::new(),
    }
}

/// An action that the entity's policies do not allow, as far as the simulator knows.
#[derive(Clone, Debug, PartialEq)]
struct Denied {
    action: String,
    /// Whether a statement denies it.
    explicit: bool,
    /// The condition keys that it was not told, such as `aws:MultiFactorAuthPresent`: with them it might be allowed.
    hangs_on: Vec<String>,
}

/// Those of the actions that the entity's policies do not allow.
async fn simulated(client: &Client, entity: &str, actions: &[String], resource: &str) -> Result<Vec<Denied>, Error> {
    if actions.is_empty() {
        return Ok(Vec::new());
    }
    let mut input = vec![
        ("PolicySourceArn".to_owned(), entity.to_owned()),
        ("ResourceArns.member.1".to_owned(), resource.to_owned()),
    ];
    for (at, action) in actions.iter().enumerate() {
        input.push((format!("ActionNames.member.{}", at + 1), action.clone()));
    }
    // Policies let pass a role to one service only.
    if actions.iter().any(|action| action == "iam:PassRole") {
        let entry = [
            ("ContextKeyName", "iam:PassedToService"),
            ("ContextKeyValues.member.1", "cloudtrail.amazonaws.com"),
            ("ContextKeyType", "string"),
        ];
        input.extend(entry.map(|(name, text)| (format!("ContextEntries.member.1.{name}"), text.to_owned())));
    }
    let input: Vec<(&str, &str)> = input
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let answer = client.query(Iam, "SimulatePrincipalPolicy", &input).await?;
    Ok(denied_in(&answer))
}

fn denied_in(answer: &str) -> Vec<Denied> {
    fn inner<'a>(text: &'a str, name: &str) -> Option<&'a str> {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
    }
    let result = |text: &str| {
        let action = text.split('<').next().unwrap_or_default().to_owned();
        let hangs_on = inner(text, "MissingContextValues").map(|missing| elements(missing, "member"));
        let decision = inner(text, "EvalDecision");
        (decision != Some("allowed")).then(|| Denied {
            action,
            explicit: decision == Some("explicitDeny"),
            hangs_on: hangs_on.unwrap_or_default(),
        })
    };
    answer.split("<EvalActionName>").skip(1).filter_map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_that_hangs_on_a_condition_is_told_from_a_certain_one() {
        let answer = "<EvaluationResults><member><EvalActionName>a:A</EvalActionName><EvalDecision>explicitDeny</EvalDecision>\
                      <MissingContextValues><member>aws:MultiFactorAuthPresent</member></MissingContextValues></member>\
                      <member><EvalActionName>a:B</EvalActionName><EvalDecision>implicitDeny</EvalDecision>\
                      <MissingContextValues/></member><member><EvalActionName>a:C</EvalActionName>\
                      <EvalDecision>allowed</EvalDecision></member></EvaluationResults>";
        let denied = |action: &str, hangs_on: &[&str]| Denied {
            action: action.to_owned(),
            explicit: action == "a:A",
            hangs_on: hangs_on.iter().map(|key| (*key).to_owned()).collect(),
        };
        assert_eq!(
            denied_in(answer),
            [denied("a:A", &["aws:MultiFactorAuthPresent"]), denied("a:B", &[])]
        );
    }
}
