//! A definition as a script for bash with the commands of the AWS CLI.
//!
//! Structured input goes by files that the script writes, so that nothing of it is taken apart by the shell or the CLI.

use super::{
    Part, Text, Tree,
    cloudformation::{bucket_policy, key_policy, log_group_arn, named, role_policy, topic_policy},
    text::json_inner,
    yaml::comment_line,
};
use crate::trail::{Bucket, DefaultEncryption, Definition, Key, LifecycleRule, Logs, Topic, policies};
use std::collections::BTreeMap;

/// The Region of whoever runs the script; without one it stops.
const REGION: &str = r#"region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
if [ -z "$region" ]; then
  echo "no Region is set: set AWS_REGION, or say 'aws configure set region REGION'" >&2
  exit 1
fi"#;

/// A function that wants a command to fail by this error; the command's last word is the name of what it looks for.
const ABSENT: &str = r#"taken=
absent() {
  local what=$1 error=$2 said
  shift 2
  if said=$("$@" 2>&1); then
    echo "$what ${*: -1} is there already" >&2
    taken=yes
  elif [[ $said != *"($error)"* ]]; then
    echo "it cannot be told whether $what ${*: -1} is there already: $said" >&2
    taken=yes
  fi
}"#;

/// What ends a script that would take something over.
const TAKEN: &str = r#"if [ -n "$taken" ]; then
  echo "nothing was made: give other names, or take away what an earlier run has left" >&2
  exit 1
fi"#;

/// The end of a document in the script. JSON has no line like it.
const END: &str = "JSON";

pub(super) fn write(definition: &Definition, remarks: &[String]) -> String {
    let mut script = Script {
        out: "#!/usr/bin/env bash\n".to_owned(),
        definition,
    };
    script.head(remarks);
    script.absent();
    if let Some(key) = &definition.key {
        script.key(key);
    }
    script.bucket(&definition.bucket);
    if let Some(logs) = &definition.logs {
        script.logs(logs);
    }
    if let Some(topic) = &definition.topic {
        script.topic(topic);
    }
    script.trail();
    script.out
}

/// A text as one word of bash.
pub(super) fn word(text: &Text) -> String {
    if let Some(literal) = text.as_literal() {
        return quoted(literal);
    }
    let literal = |text: &str| escaped(text, "\\\"$`");
    format!("\"{}\"", text.written(literal, variable))
}

/// Quoted, where that is needed.
fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:+=@%,".contains(&b);
    match !text.is_empty() && text.bytes().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn variable(part: &Part) -> String {
    let name = match part {
        Part::Literal(text) => text,
        Part::Account => "account",
        Part::Region => "region",
        Part::Partition => "partition",
        Part::Bucket => "bucket",
        Part::LogGroup => "log_group",
        Part::Parameter(name) => name,
    };
    format!("${{{name}}}")
}

fn escaped(text: &str, special: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A document as the inside of a here-document, in which variables are filled in and nothing else happens.
pub(super) fn here_document(tree: &Tree) -> String {
    tree.json(&|text| text.written(|literal| escaped(&json_inner(literal), "\\$`"), variable))
}

struct Script<'a> {
    out: String,
    definition: &'a Definition,
}

impl Script<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    /// What the next part is for.
    fn part(&mut self, comment: &str) {
        self.out.push('\n');
        self.out.push_str(&comment_line(comment));
    }

    /// A command of the AWS CLI, a line for each option.
    fn aws(&mut self, command: &str, options: &[String]) {
        let text = self.command(command, options);
        self.line(format!("{text} > /dev/null"));
    }

    /// The same, with a variable set to a text of its answer.
    fn ask(&mut self, variable: &str, command: &str, options: &[String], query: &str) {
        let text = self.command(command, options);
        self.line(format!("{variable}=$({text} --query {query} --output text)"));
    }

    fn command(&self, command: &str, options: &[String]) -> String {
        let one_line = format!("aws {command} {}", options.join(" "));
        match one_line.len() > 110 {
            true => format!("aws {command} \\\n  {}", options.join(" \\\n  ")),
            false => one_line.trim_end().to_owned(),
        }
    }

    fn word(&self, text: &Text) -> String {
        word(&named(self.definition, text))
    }

    /// Writes a document into a file and gives the option's value that reads it.
    fn file(&mut self, name: &str, tree: &Tree) -> String {
        let document = here_document(tree);
        self.line(format!("cat > \"$work/{name}.json\" <<{END}\n{document}\n{END}"));
        format!("\"file://$work/{name}.json\"")
    }

    fn head(&mut self, remarks: &[String]) {
        let name = &self.definition.name;
        let about = format!("Makes the trail {name} and everything it needs, by the credentials of the AWS CLI.");
        self.out.push_str(&comment_line(&about));
        for remark in remarks {
            self.out.push_str(&comment_line(remark));
        }
        self.line("set -euo pipefail");
        self.part("Where it is made.");
        match &self.definition.region {
            Some(region) => self.line(format!("region={}", quoted(region))),
            None => self.line(REGION),
        }
        self.line("export AWS_REGION=\"$region\" AWS_DEFAULT_REGION=\"$region\" AWS_PAGER=");
        self.line("caller=$(aws sts get-caller-identity --query Arn --output text)");
        self.line("IFS=: read -r _ partition _ _ account _ <<< \"$caller\"");
        if let Some(account) = &self.definition.account {
            let account = quoted(account);
            self.line(format!(
                "if [ \"$account\" != {account} ]; then\n  echo \"these are credentials of $account, not of\" {account} >&2\n  exit 1\nfi"
            ));
        }
        let bucket = word(&self.definition.bucket.name);
        self.line(format!("bucket={bucket}"));
        if let Some(logs) = &self.definition.logs {
            let group = word(&logs.group);
            self.line(format!("log_group={group}"));
        }
        self.line("work=$(mktemp -d)\ntrap 'rm -rf \"$work\"' EXIT");
    }

    /// Looks before anything is made: some calls of AWS that make things take over what is there.
    fn absent(&mut self) {
        let trail = self.definition;
        self.part("Nothing that is there already is taken over, and what is there is known before anything is made.");
        self.line(ABSENT);
        let mut look = |what: &str, error: &str, command: &str, name: &str| {
            self.line(format!("absent {} {error} aws {command} {name}", quoted(what)));
        };
        look(
            "the trail",
            "TrailNotFoundException",
            "cloudtrail get-trail --name",
            &quoted(&trail.name),
        );
        let key = trail.key.as_ref().filter(|key| key.existing.is_none());
        if let Some(alias) = key.and_then(|key| key.alias.as_ref()) {
            look(
                "the key",
                "NotFoundException",
                "kms describe-key --key-id",
                &word(&named(trail, alias)),
            );
        }
        if !trail.bucket.existing {
            look("the bucket", "404", "s3api head-bucket --bucket", "\"$bucket\"");
        }
        if let Some(logs) = &trail.logs {
            if !logs.existing {
                let command = "logs describe-log-streams --max-items 1 --log-group-name";
                look("the log group", "ResourceNotFoundException", command, "\"$log_group\"");
            }
            if logs.existing_role.is_none() {
                let name = word(&named(trail, &logs.role));
                look("the role", "NoSuchEntity", "iam get-role --role-name", &name);
            }
        }
        if let Some(topic) = trail.topic.as_ref().filter(|topic| !topic.existing) {
            let arn = word(&named(trail, &policies::topic_arn(&topic.name)));
            look("the topic", "NotFound", "sns get-topic-attributes --topic-arn", &arn);
        }
        self.line(TAKEN);
    }

    fn key(&mut self, key: &Key) {
        if let Some(arn) = &key.existing {
            self.part("The key that seals the log files is there already.");
            let arn = self.word(arn);
            return self.line(format!("key={arn}"));
        }
        self.part("The key that seals the log files. Its policy is who may open them.");
        let policy = self.file("key-policy", &key_policy(self.definition, key));
        let mut options = vec![format!("--policy {policy}")];
        if !key.description.is_empty() {
            options.push(format!("--description={}", self.word(&key.description)));
        }
        if key.multi_region {
            options.push("--multi-region".to_owned());
        }
        if !key.tags.is_empty() {
            let tags = self.file("key-tags", &tags(&key.tags, ["TagKey", "TagValue"]));
            options.push(format!("--tags {tags}"));
        }
        self.ask("key", "kms create-key", &options, "KeyMetadata.Arn");
        if key.rotation {
            let days = key
                .rotation_days
                .map(|days| format!("--rotation-period-in-days {days}"));
            let options: Vec<String> = std::iter::once("--key-id \"$key\"".to_owned()).chain(days).collect();
            self.aws("kms enable-key-rotation", &options);
        }
        if let Some(alias) = &key.alias {
            let alias = format!("--alias-name {}", self.word(alias));
            self.aws("kms create-alias", &[alias, "--target-key-id \"$key\"".to_owned()]);
        }
    }

    fn bucket(&mut self, bucket: &Bucket) {
        if bucket.existing {
            return;
        }
        self.part("The bucket of the log files.");
        self.line(
            "location=(--create-bucket-configuration \"LocationConstraint=$region\")\n\
             if [ \"$region\" = us-east-1 ]; then location=(); fi",
        );
        let ownership = bucket
            .ownership
            .as_ref()
            .map(|value| format!("--object-ownership {}", quoted(value)));
        let mut options = vec![of_bucket()];
        options.extend(ownership);
        // An empty array is an unset variable to the bash of older systems.
        options.push("${location[@]+\"${location[@]}\"}".to_owned());
        self.aws("s3api create-bucket", &options);
        if bucket.private {
            let names = [
                "BlockPublicAcls",
                "BlockPublicPolicy",
                "IgnorePublicAcls",
                "RestrictPublicBuckets",
            ];
            let value = names.map(|name| format!("{name}=true")).join(",");
            let option = format!("--public-access-block-configuration {value}");
            self.aws("s3api put-public-access-block", &[of_bucket(), option]);
        }
        if bucket.versioning {
            let option = "--versioning-configuration Status=Enabled".to_owned();
            self.aws("s3api put-bucket-versioning", &[of_bucket(), option]);
        }
        self.encryption(bucket);
        if !bucket.lifecycle.is_empty() {
            let rules = bucket.lifecycle.iter().map(lifecycle).collect();
            let file = self.file("lifecycle", &Tree::map([("Rules", Tree::List(rules))]));
            let option = format!("--lifecycle-configuration {file}");
            self.aws("s3api put-bucket-lifecycle-configuration", &[of_bucket(), option]);
        }
        if let Some(log) = &bucket.access_log {
            let target = [
                ("TargetBucket", log.bucket.clone().into()),
                ("TargetPrefix", log.prefix.clone().into()),
            ];
            let file = self.file("logging", &Tree::map([("LoggingEnabled", Tree::map(target))]));
            let option = format!("--bucket-logging-status {file}");
            self.aws("s3api put-bucket-logging", &[of_bucket(), option]);
        }
        if !bucket.tags.is_empty() {
            let set = Tree::map([("TagSet", tags(&bucket.tags, ["Key", "Value"]))]);
            let option = format!("--tagging {}", self.file("bucket-tags", &set));
            self.aws("s3api put-bucket-tagging", &[of_bucket(), option]);
        }
        self.part("Only this trail may put log files into the bucket, and only at this account's place in it.");
        let option = format!(
            "--policy {}",
            self.file("bucket-policy", &bucket_policy(self.definition))
        );
        self.aws("s3api put-bucket-policy", &[of_bucket(), option]);
    }

    fn encryption(&mut self, bucket: &Bucket) {
        let algorithm = |name: &str| vec![("SSEAlgorithm".to_owned(), Tree::literal(name))];
        let key = |key: Tree| ("KMSMasterKeyID".to_owned(), key);
        let by_default = match &bucket.encryption {
            DefaultEncryption::S3 => algorithm("AES256"),
            DefaultEncryption::AwsManagedKey => algorithm("aws:kms"),
            DefaultEncryption::TrailKey => {
                let mut members = algorithm("aws:kms");
                members.push(key(Text::of([Part::Parameter("key")]).into()));
                members
            }
            DefaultEncryption::Key(arn) => {
                let mut members = algorithm("aws:kms");
                members.push(key(arn.clone().into()));
                members
            }
        };
        let mut rule = vec![("ApplyServerSideEncryptionByDefault".to_owned(), Tree::Map(by_default))];
        if bucket.bucket_key {
            rule.push(("BucketKeyEnabled".to_owned(), Tree::Bool(true)));
        }
        let rules = Tree::map([("Rules", Tree::List(vec![Tree::Map(rule)]))]);
        let option = format!(
            "--server-side-encryption-configuration {}",
            self.file("encryption", &rules)
        );
        self.aws("s3api put-bucket-encryption", &[of_bucket(), option]);
    }

    fn logs(&mut self, logs: &Logs) {
        if !logs.existing {
            self.part("The log group that events go to as well.");
            let mut options = vec!["--log-group-name \"$log_group\"".to_owned()];
            options.extend(logs.key.as_ref().map(|key| format!("--kms-key-id {}", self.word(key))));
            self.aws("logs create-log-group", &options);
            if let Some(days) = logs.retention_days {
                let options = [
                    "--log-group-name \"$log_group\"".to_owned(),
                    format!("--retention-in-days {days}"),
                ];
                self.aws("logs put-retention-policy", &options);
            }
        }
        if let Some(arn) = &logs.existing_role {
            self.part("The role by which CloudTrail writes to it is there already.");
            let arn = self.word(arn);
            return self.line(format!("logs_role={arn}"));
        }
        self.part("The role by which CloudTrail writes to it: make its own streams, and write to them.");
        let name = self.word(&logs.role);
        let trust = self.file("role-trust", &policies::role_trust());
        let mut options = vec![
            format!("--role-name {name}"),
            format!("--assume-role-policy-document {trust}"),
        ];
        if logs.role_path != "/" {
            options.push(format!("--path {}", quoted(&logs.role_path)));
        }
        self.ask("logs_role", "iam create-role", &options, "Role.Arn");
        let policy = self.file("role-policy", &role_policy(logs));
        let options = [
            format!("--role-name {name}"),
            format!("--policy-name {}", quoted(&logs.policy_name)),
            format!("--policy-document {policy}"),
        ];
        self.aws("iam put-role-policy", &options);
    }

    fn topic(&mut self, topic: &Topic) {
        let name = self.word(&topic.name);
        if topic.existing {
            self.part("The topic that is told of each log file is there already.");
            return self.line(format!("topic={name}"));
        }
        self.part("The topic that is told of each log file. Only this trail may publish to it.");
        self.ask("topic", "sns create-topic", &[format!("--name {name}")], "TopicArn");
        let policy = self.file("topic-policy", &topic_policy(self.definition, topic));
        let options = [
            "--topic-arn \"$topic\"".to_owned(),
            "--attribute-name Policy".to_owned(),
            format!("--attribute-value {policy}"),
        ];
        self.aws("sns set-topic-attributes", &options);
    }

    fn trail(&mut self) {
        let trail = self.definition;
        let name = quoted(&trail.name);
        let switch = |is_on: bool, name: &str| {
            if is_on {
                format!("--{name}")
            } else {
                format!("--no-{name}")
            }
        };
        let mut options = vec![
            format!("--name {name}"),
            "--s3-bucket-name \"$bucket\"".to_owned(),
            switch(trail.all_regions, "is-multi-region-trail"),
            switch(trail.global_events, "include-global-service-events"),
            switch(trail.validation, "enable-log-file-validation"),
        ];
        options.extend(
            trail
                .bucket
                .prefix
                .as_ref()
                .map(|prefix| format!("--s3-key-prefix={}", quoted(prefix))),
        );
        options.extend(trail.key.as_ref().map(|_| "--kms-key-id \"$key\"".to_owned()));
        if let Some(logs) = &trail.logs {
            let group = word(&log_group_arn(logs));
            options.push(format!("--cloud-watch-logs-log-group-arn {group}"));
            options.push("--cloud-watch-logs-role-arn \"$logs_role\"".to_owned());
        }
        options.extend(trail.topic.as_ref().map(|_| "--sns-topic-name \"$topic\"".to_owned()));
        self.part("The trail. CloudTrail tries bucket, key and role when it makes a trail.");
        if !trail.tags.is_empty() {
            let file = self.file("trail-tags", &tags(&trail.tags, ["Key", "Value"]));
            options.push(format!("--tags-list {file}"));
        }
        let makes_role = trail.logs.as_ref().is_some_and(|logs| logs.existing_role.is_none());
        if makes_role {
            self.line(
                "# A role can be used some seconds after it was made.\n\
                 again() {\n  for pause in 3 5 10 10; do\n    \"$@\" && return\n    sleep \"$pause\"\n  done\n  \"$@\"\n}",
            );
        }
        let command = self.command("cloudtrail create-trail", &options);
        let again = if makes_role { "again " } else { "" };
        self.line(format!("{again}{command} > /dev/null"));
        self.selectors(&name);
        if trail.logging {
            self.aws("cloudtrail start-logging", &[format!("--name {name}")]);
        }
        self.line(format!("echo {name} \"is made: its log files go to $bucket\""));
    }

    fn selectors(&mut self, name: &str) {
        let trail = self.definition;
        let event = documents(&trail.event_selectors);
        let advanced = documents(&trail.advanced_event_selectors);
        let insight = |kind: &String| Tree::map([("InsightType", Tree::literal(kind))]);
        let insights = trail.insights.iter().map(insight).collect();
        let parts = [
            ("put-event-selectors", "event-selectors", event),
            ("put-event-selectors", "advanced-event-selectors", advanced),
            ("put-insight-selectors", "insight-selectors", insights),
        ];
        for (command, option, selectors) in parts {
            if selectors.is_empty() {
                continue;
            }
            self.part("Which events it records.");
            let option = format!("--{option} {}", self.file(option, &Tree::List(selectors)));
            self.aws(
                &format!("cloudtrail {command}"),
                &[format!("--trail-name {name}"), option],
            );
        }
    }
}

fn of_bucket() -> String {
    "--bucket \"$bucket\"".to_owned()
}

/// Selectors in AWS's own shape. They have no parts that cannot be JSON.
fn documents<T: serde::Serialize>(selectors: &[T]) -> Vec<Tree> {
    let values = selectors
        .iter()
        .filter_map(|selector| serde_json::to_value(selector).ok());
    values.map(|value| Tree::of_json(&value, &Text::parse)).collect()
}

fn tags(tags: &BTreeMap<String, String>, [name, value]: [&'static str; 2]) -> Tree {
    let tag = |(key, text): (&String, &String)| Tree::map([(name, Tree::literal(key)), (value, Tree::literal(text))]);
    Tree::List(tags.iter().map(tag).collect())
}

fn lifecycle(rule: &LifecycleRule) -> Tree {
    let days = |days: u32| Tree::Number(days.into());
    let status = if rule.disabled { "Disabled" } else { "Enabled" };
    let prefix = Some(("Prefix".to_owned(), Tree::literal(&rule.prefix))).filter(|_| !rule.prefix.is_empty());
    let mut members = vec![
        ("Status".to_owned(), Tree::literal(status)),
        ("Filter".to_owned(), Tree::Map(prefix.into_iter().collect())),
    ];
    let mut member = |name: &str, tree: Tree| members.push((name.to_owned(), tree));
    if !rule.id.is_empty() {
        member("ID", rule.id.clone().into());
    }
    if let Some(value) = rule.expire_days {
        member("Expiration", Tree::map([("Days", days(value))]));
    }
    if let Some(value) = rule.noncurrent_expire_days {
        member(
            "NoncurrentVersionExpiration",
            Tree::map([("NoncurrentDays", days(value))]),
        );
    }
    if let Some(value) = rule.abort_upload_days {
        member(
            "AbortIncompleteMultipartUpload",
            Tree::map([("DaysAfterInitiation", days(value))]),
        );
    }
    if !rule.transitions.is_empty() {
        let transition = |transition: &crate::trail::Transition| {
            let class = Tree::literal(&transition.storage_class);
            Tree::map([("Days", days(transition.days)), ("StorageClass", class)])
        };
        member(
            "Transitions",
            Tree::List(rule.transitions.iter().map(transition).collect()),
        );
    }
    Tree::Map(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// What bash makes of a script, with the account set.
    fn bash(script: &str) -> String {
        let done = Command::new("bash")
            .arg("-c")
            .arg(format!("account=012345678901\n{script}"))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}\n{script}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }

    fn texts() -> impl Strategy<Value = Text> {
        // A file's name or an argument has no NUL.
        let literal = prop_oneof![
            "[ -~\n\t]{0,10}",
            "[$`\"'\\\\!*{}()&;|<>~#\n]{0,6}",
            "[^\0]{0,5}",
            Just("\nJSON\n".to_owned()),
        ];
        let part = prop_oneof![3 => literal.prop_map(Part::Literal), 1 => Just(Part::Account)];
        proptest::collection::vec(part, 0..4).prop_map(Text::of)
    }

    fn expected(text: &Text) -> String {
        text.written(str::to_owned, |_| "012345678901".to_owned())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_word_reaches_its_command_as_it_was(texts in proptest::collection::vec(texts(), 1..6)) {
            let words: Vec<String> = texts.iter().map(word).collect();
            let found = bash(&format!("printf '%s\\0' {}", words.join(" ")));
            let expected: String = texts.iter().map(|text| expected(text) + "\0").collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_document_reaches_its_file_as_it_was(name in "[^\0]{0,8}", texts in proptest::collection::vec(texts(), 0..4)) {
            let list = Tree::List(texts.iter().cloned().map(Tree::Text).collect());
            let tree = Tree::Map(vec![(name.clone(), list)]);
            let found = bash(&format!("cat <<{END}\n{}\n{END}", here_document(&tree)));
            let found: serde_json::Value = serde_json::from_str(&found).unwrap();
            let texts: Vec<String> = texts.iter().map(expected).collect();
            prop_assert_eq!(found, serde_json::json!({ name: texts }));
        }
    }
}
