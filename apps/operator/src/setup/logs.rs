//! The log groups and the role by which CloudTrail writes to them.

use super::{Draft, place::same_policy, shown};
use crate::{
    aws::{Client, Error, elements},
    change::Call,
    message,
    template::{Text, Tree},
    trail::{Logs, policies},
};
use serde_json::{Value, json};
use wire::ServiceName::{Iam, Logs as LogsService};

/// The log groups of the Regions, by one name, and the role.
pub(super) struct LogsRef {
    pub(super) role_arn: String,
}

impl Draft<'_> {
    pub(super) async fn logs(&mut self) -> Result<Option<LogsRef>, Error> {
        let Some(logs) = &self.definition.logs else {
            return Ok(None);
        };
        for region in self.regions() {
            self.group(logs, &region).await?;
        }
        let role_arn = match &logs.existing_role {
            Some(arn) => self.place.text(arn),
            None => self.role(logs).await?,
        };
        Ok(Some(LogsRef { role_arn }))
    }

    /// The ARN by which the trail of a Region names its group.
    pub(super) fn group_arn(&self, region: &str) -> String {
        let (partition, account, group) = (&self.place.partition, &self.place.account, &self.place.log_group);
        format!("arn:{partition}:logs:{region}:{account}:log-group:{group}:*")
    }

    async fn group(&mut self, logs: &Logs, region: &str) -> Result<(), Error> {
        let name = self.place.log_group.clone();
        let client = self.client.in_region(region);
        let answer = client
            .json(LogsService, "DescribeLogGroups", &json!({ "logGroupNamePrefix": name }))
            .await;
        let unknown = self.checks.len();
        let answer = self.found("logs", "logs:DescribeLogGroups", answer, &[])?;
        if self.checks.len() > unknown && logs.existing {
            return Ok(());
        }
        let groups = answer.as_ref().and_then(|answer| answer["logGroups"].as_array());
        let present = groups
            .into_iter()
            .flatten()
            .find(|group| group["logGroupName"] == name.as_str());
        match present {
            None if logs.existing => {
                let says = message!(
                    "There is no log group {name} in {region}.",
                    "{region} にロググループ {name} はありません。"
                );
                self.wrong("logs", says);
            }
            None => {
                self.make_group(logs, region);
                let says = message!(
                    "The log group {name} is made in {region}; its name is free.",
                    "ロググループ {name} を {region} に作成します。この名前は空いています。",
                );
                self.good("logs", says);
            }
            Some(_) if logs.existing => {
                let says = message!("The log group {name} is there.", "ロググループ {name} があります。");
                self.good("logs", says);
            }
            Some(group) => {
                let days = group["retentionInDays"].as_u64();
                let wanted = logs.retention_days.map(u64::from);
                match days {
                    found if found == wanted => {
                        let says = message!(
                            "The log group {name} is there as it is wanted.",
                            "ロググループ {name} は望む設定で存在します。",
                        );
                        self.good("logs", says);
                    }
                    // What an interrupted run has left: a group that keeps events for ever, and none in it.
                    None if group["storedBytes"].as_u64() == Some(0) => {
                        self.retention(logs, region);
                        let says = message!(
                            "The log group {name} is there as an earlier run has left it.",
                            "ロググループ {name} は以前の実行で作成済みです。",
                        );
                        self.good("logs", says);
                    }
                    _ => {
                        let says = message!(
                            "The log group {name} is there already, with another retention: give another name, or take it as it is by \
                             `existing` in a definition.",
                            "ロググループ {name} は異なる保持期間ですでに存在します。別の名前を指定するか、定義の `existing` でそのまま使ってください。",
                        );
                        self.wrong("logs", says);
                    }
                }
            }
        }
        Ok(())
    }

    fn make_group(&mut self, logs: &Logs, region: &str) {
        let name = self.place.log_group.clone();
        let mut input = json!({ "logGroupName": name });
        if let Some(key) = &logs.key {
            input["kmsKeyId"] = self.place.text(key).into();
        }
        let title = message!(
            "Make the log group {name} in {region}.",
            "ロググループ {name} を {region} に作成します。",
        );
        let undo = Call::new("logs", "DeleteLogGroup", region, json!({ "logGroupName": name }));
        self.step(title, Call::new("logs", "CreateLogGroup", region, input), vec![undo]);
        self.retention(logs, region);
    }

    fn retention(&mut self, logs: &Logs, region: &str) {
        let Some(days) = logs.retention_days else { return };
        let name = self.place.log_group.clone();
        let title = message!(
            "Keep the events of the log group {name} for {days} days.",
            "ロググループ {name} のイベントを {days} 日間保持します。",
        );
        let input = json!({ "logGroupName": name, "retentionInDays": days });
        self.step(
            title,
            Call::new("logs", "PutRetentionPolicy", region, input),
            Vec::new(),
        );
    }

    fn role_policy(&self, logs: &Logs) -> Tree {
        let region = match self.is_per_region() {
            true => "*",
            false => &self.place.region,
        };
        let least = || policies::role(&Text::literal(region));
        logs.policy.clone().unwrap_or_else(least)
    }

    async fn role(&mut self, logs: &Logs) -> Result<String, Error> {
        let name = self.place.text(&logs.role);
        let trust = self.place.document(&policies::role_trust());
        let policy = self.place.document(&self.role_policy(logs));
        let of_role = [("RoleName", name.as_str())];
        let answer = self.client.query(Iam, "GetRole", &of_role).await;
        let present = self.found("logs", "iam:GetRole", answer, &["NoSuchEntity"])?;
        let Some(present) = present else {
            let says = message!(
                "The role {name} is made; its name is free.",
                "ロール {name} を作成します。この名前は空いています。"
            );
            self.good("logs", says);
            self.make_role(logs, &name, &trust);
            self.put_role_policy(logs, &name, &policy);
            return Ok("{{roleArn}}".to_owned());
        };
        let first = |element| elements(&present, element).into_iter().next().unwrap_or_default();
        let arn = first("Arn");
        let inline = inline_policy(self.client, &name, &logs.policy_name).await;
        let inline = self.found("logs", "iam:GetRolePolicy", inline, &["NoSuchEntity"])?;
        let is_ours = same_policy(&decoded(&first("AssumeRolePolicyDocument")), &trust);
        match inline {
            Some(found) if is_ours && same_policy(&found, &policy) => {
                let says = message!(
                    "The role {name} is there with just this policy.",
                    "ロール {name} は同じポリシーで作成済みです。"
                );
                self.good("logs", says);
            }
            None if is_ours => {
                let says = message!(
                    "The role {name} is there as an earlier run has left it.",
                    "ロール {name} は以前の実行で作成済みです。",
                );
                self.good("logs", says);
                self.put_role_policy(logs, &name, &policy);
            }
            _ => {
                let says = message!(
                    "The role {name} is there already, with other policies: name another role, or take it by `existing_role`, in a definition.",
                    "ロール {name} は異なるポリシーですでに存在します。定義で別のロール名を指定するか、`existing_role` で使ってください。",
                );
                self.wrong("logs", says);
            }
        }
        Ok(arn)
    }

    fn make_role(&mut self, logs: &Logs, name: &str, trust: &str) {
        let input = json!({ "RoleName": name, "Path": logs.role_path, "AssumeRolePolicyDocument": trust });
        let undo = self.call("iam", "DeleteRole", json!({ "RoleName": name }));
        let call = self.call("iam", "CreateRole", input);
        let title = message!(
            "Make the role {name} by which CloudTrail writes to the log group.",
            "CloudTrail がロググループに書き込むためのロール {name} を作成します。",
        );
        let what = message!("Who may be the role {name}", "ロール {name} の信頼ポリシー");
        let step = self.step(title, call, vec![undo]);
        step.shown = shown(what, "", trust);
        step.answers = vec![("roleArn".to_owned(), "Arn".to_owned())];
    }

    fn put_role_policy(&mut self, logs: &Logs, name: &str, policy: &str) {
        let of_policy = json!({ "RoleName": name, "PolicyName": logs.policy_name });
        let mut input = of_policy.clone();
        input["PolicyDocument"] = Value::from(policy);
        let undo = self.call("iam", "DeleteRolePolicy", of_policy);
        let call = self.call("iam", "PutRolePolicy", input);
        let title = message!(
            "Let the role {name} make CloudTrail's streams in the log group, and write to them.",
            "ロール {name} に、ログストリームの作成と書き込みを許可します。",
        );
        let what = message!("The policy of the role {name}", "ロール {name} のポリシー");
        self.step(title, call, vec![undo]).shown = shown(what, "", policy);
    }
}

fn decoded(document: &str) -> String {
    percent_encoding::percent_decode_str(document)
        .decode_utf8_lossy()
        .into_owned()
}

async fn inline_policy(client: &Client, role: &str, name: &str) -> Result<String, Error> {
    let input = [("RoleName", role), ("PolicyName", name)];
    let answer = client.query(Iam, "GetRolePolicy", &input).await?;
    let document = elements(&answer, "PolicyDocument").into_iter().next();
    Ok(decoded(&document.unwrap_or_default()))
}
