//! A definition as a CloudFormation template.

use super::{
    Part, Text, Tree,
    yaml::{Member, Yaml, comment_line},
};
use crate::trail::{
    AdvancedEventSelector, Bucket, DefaultEncryption, Definition, EventSelector, Key, LifecycleRule, Logs, Topic,
    policies::{self, Trails},
};
use std::collections::BTreeMap;

/// Kept when the stack goes: log files and what opens them. When the stack's creation fails it goes with the rest.
pub(super) const KEPT: [(&str, &str); 2] = [
    ("DeletionPolicy", "RetainExceptOnCreate"),
    ("UpdateReplacePolicy", "Retain"),
];

pub(super) fn write(definition: &Definition, remarks: &[String]) -> String {
    let writer = Writer { definition };
    let mut out = head(definition, remarks);
    out.push_str(&writer.template().document());
    out
}

fn head(definition: &Definition, remarks: &[String]) -> String {
    let name = definition.name.to_ascii_lowercase().replace(['.', '_'], "-");
    let region = definition.region.as_deref().map(|region| format!(" --region {region}"));
    let capability = if definition.logs.is_some() {
        " --capabilities CAPABILITY_NAMED_IAM"
    } else {
        ""
    };
    let lines = [
        format!("The trail {} and everything it needs. To deploy it:", definition.name),
        String::new(),
        format!(
            "  aws cloudformation deploy{} --stack-name cloudtrail-{name} --template-file FILE{capability}",
            region.unwrap_or_default()
        ),
        String::new(),
    ];
    let mut out: String = lines.iter().map(|line| comment_line(line)).collect();
    for remark in remarks {
        out.push_str(&comment_line(remark));
    }
    if !remarks.is_empty() {
        out.push_str("#\n");
    }
    out
}

/// Text as a template says it: itself, or by `Fn::Sub`.
pub(super) fn yaml_text(text: &Text) -> Yaml {
    match (text.as_literal(), text.parts()) {
        (Some(text), _) => Yaml::text(text),
        (None, [part]) => Yaml::reference(place_name(part)),
        (None, _) => Yaml::tagged("Sub", Yaml::text(substituted(text))),
    }
}

/// The name that `Ref` and `Fn::Sub` know a place by.
fn place_name(part: &Part) -> &str {
    match part {
        Part::Literal(text) => text,
        Part::Account => "AWS::AccountId",
        Part::Region => "AWS::Region",
        Part::Partition => "AWS::Partition",
        Part::Bucket => "TrailBucket",
        Part::LogGroup => "TrailLogGroup",
        Part::Parameter(name) => name,
    }
}

fn substituted(text: &Text) -> String {
    text.written(
        |literal| literal.replace("${", "${!"),
        |part| format!("${{{}}}", place_name(part)),
    )
}

pub(super) fn yaml_tree(tree: &Tree) -> Yaml {
    Yaml::of_tree(tree, &yaml_text)
}

pub(super) fn tags(tags: &BTreeMap<String, String>) -> Option<Yaml> {
    let tag = |(name, value): (&String, &String)| Yaml::map([("Key", Yaml::text(name)), ("Value", Yaml::text(value))]);
    (!tags.is_empty()).then(|| Yaml::List(tags.iter().map(tag).collect()))
}

/// A resource.
pub(super) fn resource(kind: &str, attributes: Vec<(&str, Yaml)>, properties: Vec<(&str, Yaml)>) -> Yaml {
    let mut members = vec![("Type", Yaml::text(kind))];
    members.extend(attributes);
    members.push(("Properties", Yaml::map(properties)));
    Yaml::map(members)
}

pub(super) fn kept() -> Vec<(&'static str, Yaml)> {
    KEPT.iter().map(|(name, value)| (*name, Yaml::text(*value))).collect()
}

pub(super) fn public_access_block() -> Yaml {
    let names = [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ];
    Yaml::map(names.map(|name| (name, Yaml::Bool(true))))
}

struct Writer<'a> {
    definition: &'a Definition,
}

impl Writer<'_> {
    fn template(&self) -> Yaml {
        let description = format!(
            "CloudTrail trail {} with its bucket, key and policies",
            self.definition.name
        );
        let mut resources = Vec::new();
        self.key(&mut resources);
        self.bucket(&mut resources);
        self.logs(&mut resources);
        self.topic(&mut resources);
        resources.push(Member::commented(
            &["The trail. It is made last: CloudTrail tries bucket, key and role when it makes a trail."],
            "Trail",
            self.trail(),
        ));
        Yaml::map([
            ("AWSTemplateFormatVersion", Yaml::text("2010-09-09")),
            ("Description", Yaml::text(description)),
            ("Resources", Yaml::Map(resources)),
            ("Outputs", self.outputs()),
        ])
    }

    fn new_key(&self) -> Option<&Key> {
        self.definition.key.as_ref().filter(|key| key.existing.is_none())
    }

    fn new_topic(&self) -> Option<&Topic> {
        self.definition.topic.as_ref().filter(|topic| !topic.existing)
    }

    fn new_role(&self) -> Option<&Logs> {
        self.definition
            .logs
            .as_ref()
            .filter(|logs| logs.existing_role.is_none())
    }

    fn new_group(&self) -> Option<&Logs> {
        self.definition.logs.as_ref().filter(|logs| !logs.existing)
    }

    /// The text with the names of what is not made here.
    fn text(&self, text: &Text) -> Yaml {
        yaml_text(&named(self.definition, text))
    }

    fn tree(&self, tree: &Tree) -> Yaml {
        Yaml::of_tree(tree, &|text| self.text(text))
    }

    fn key(&self, resources: &mut Vec<Member>) {
        let Some(key) = self.new_key() else { return };
        let policy = key_policy(self.definition, key);
        let mut properties = Vec::new();
        if !key.description.is_empty() {
            properties.push(("Description", self.text(&key.description)));
        }
        properties.push(("EnableKeyRotation", Yaml::Bool(key.rotation)));
        if let Some(days) = key.rotation_days.filter(|_| key.rotation) {
            properties.push(("RotationPeriodInDays", Yaml::Number(days.into())));
        }
        if key.multi_region {
            properties.push(("MultiRegion", Yaml::Bool(true)));
        }
        properties.push(("KeyPolicy", self.tree(&policy)));
        properties.extend(tags(&key.tags).map(|tags| ("Tags", tags)));
        resources.push(Member::commented(
            &[
                "The key that seals the log files. Its policy is who may open them. It stays when the stack is deleted: without",
                "it the log files cannot be read.",
            ],
            "TrailKey",
            resource("AWS::KMS::Key", kept(), properties),
        ));
        if let Some(alias) = &key.alias {
            let properties = vec![
                ("AliasName", self.text(alias)),
                ("TargetKeyId", Yaml::reference("TrailKey")),
            ];
            resources.push(Member::commented(
                &["A name for the key."],
                "TrailKeyAlias",
                resource("AWS::KMS::Alias", Vec::new(), properties),
            ));
        }
    }

    fn bucket(&self, resources: &mut Vec<Member>) {
        let bucket = &self.definition.bucket;
        if bucket.existing {
            return;
        }
        resources.push(Member::commented(
            &["The bucket of the log files. It stays when the stack is deleted."],
            "TrailBucket",
            resource("AWS::S3::Bucket", kept(), self.bucket_properties(bucket)),
        ));
        let policy = bucket_policy(self.definition);
        let properties = vec![
            ("Bucket", Yaml::reference("TrailBucket")),
            ("PolicyDocument", self.tree(&policy)),
        ];
        resources.push(Member::commented(
            &["Only this trail may put log files into the bucket, and only at this account's place in it."],
            "TrailBucketPolicy",
            resource("AWS::S3::BucketPolicy", Vec::new(), properties),
        ));
    }

    fn bucket_properties(&self, bucket: &Bucket) -> Vec<(&'static str, Yaml)> {
        let mut properties = vec![
            ("BucketName", self.text(&bucket.name)),
            ("BucketEncryption", self.encryption(bucket)),
        ];
        if bucket.private {
            properties.push(("PublicAccessBlockConfiguration", public_access_block()));
        }
        if let Some(ownership) = &bucket.ownership {
            let rule = Yaml::map([("ObjectOwnership", Yaml::text(ownership))]);
            properties.push(("OwnershipControls", Yaml::map([("Rules", Yaml::List(vec![rule]))])));
        }
        if bucket.versioning {
            properties.push((
                "VersioningConfiguration",
                Yaml::map([("Status", Yaml::text("Enabled"))]),
            ));
        }
        if !bucket.lifecycle.is_empty() {
            let rules = bucket.lifecycle.iter().map(|rule| self.lifecycle(rule)).collect();
            properties.push(("LifecycleConfiguration", Yaml::map([("Rules", Yaml::List(rules))])));
        }
        if let Some(log) = &bucket.access_log {
            let mut logging = vec![("DestinationBucketName", self.text(&log.bucket))];
            if !log.prefix.is_empty() {
                logging.push(("LogFilePrefix", self.text(&log.prefix)));
            }
            properties.push(("LoggingConfiguration", Yaml::map(logging)));
        }
        properties.extend(tags(&bucket.tags).map(|tags| ("Tags", tags)));
        properties
    }

    fn encryption(&self, bucket: &Bucket) -> Yaml {
        let mut by_default = Vec::new();
        match &bucket.encryption {
            DefaultEncryption::S3 => by_default.push(("SSEAlgorithm", Yaml::text("AES256"))),
            DefaultEncryption::AwsManagedKey => by_default.push(("SSEAlgorithm", Yaml::text("aws:kms"))),
            DefaultEncryption::TrailKey => {
                by_default.push(("SSEAlgorithm", Yaml::text("aws:kms")));
                by_default.extend(self.key_arn().map(|arn| ("KMSMasterKeyID", arn)));
            }
            DefaultEncryption::Key(arn) => {
                by_default.push(("SSEAlgorithm", Yaml::text("aws:kms")));
                by_default.push(("KMSMasterKeyID", self.text(arn)));
            }
        }
        let mut rule = vec![("ServerSideEncryptionByDefault", Yaml::map(by_default))];
        if bucket.bucket_key {
            rule.push(("BucketKeyEnabled", Yaml::Bool(true)));
        }
        Yaml::map([("ServerSideEncryptionConfiguration", Yaml::List(vec![Yaml::map(rule)]))])
    }

    fn lifecycle(&self, rule: &LifecycleRule) -> Yaml {
        let mut members = Vec::new();
        if !rule.id.is_empty() {
            members.push(("Id", self.text(&rule.id)));
        }
        members.push(("Status", Yaml::text(if rule.disabled { "Disabled" } else { "Enabled" })));
        if !rule.prefix.is_empty() {
            members.push(("Prefix", Yaml::text(&rule.prefix)));
        }
        let days = |days: u32| Yaml::Number(days.into());
        members.extend(rule.expire_days.map(|value| ("ExpirationInDays", days(value))));
        if let Some(value) = rule.noncurrent_expire_days {
            members.push((
                "NoncurrentVersionExpiration",
                Yaml::map([("NoncurrentDays", days(value))]),
            ));
        }
        if let Some(value) = rule.abort_upload_days {
            let member = Yaml::map([("DaysAfterInitiation", days(value))]);
            members.push(("AbortIncompleteMultipartUpload", member));
        }
        if !rule.transitions.is_empty() {
            let transitions = rule.transitions.iter().map(|transition| {
                let class = Yaml::text(&transition.storage_class);
                Yaml::map([("StorageClass", class), ("TransitionInDays", days(transition.days))])
            });
            members.push(("Transitions", Yaml::List(transitions.collect())));
        }
        Yaml::map(members)
    }

    fn logs(&self, resources: &mut Vec<Member>) {
        if let Some(logs) = self.new_group() {
            let mut properties = vec![("LogGroupName", self.text(&logs.group))];
            properties.extend(
                logs.retention_days
                    .map(|days| ("RetentionInDays", Yaml::Number(days.into()))),
            );
            properties.extend(logs.key.as_ref().map(|key| ("KmsKeyId", self.text(key))));
            resources.push(Member::commented(
                &["The log group that events go to as well."],
                "TrailLogGroup",
                resource("AWS::Logs::LogGroup", kept(), properties),
            ));
        }
        let Some(logs) = self.new_role() else { return };
        let mut properties = vec![("RoleName", self.text(&logs.role))];
        if logs.role_path != "/" {
            properties.push(("Path", Yaml::text(&logs.role_path)));
        }
        properties.push(("AssumeRolePolicyDocument", self.tree(&policies::role_trust())));
        resources.push(Member::commented(
            &["The role by which CloudTrail writes to the log group."],
            "TrailLogsRole",
            resource("AWS::IAM::Role", Vec::new(), properties),
        ));
        let properties = vec![
            ("PolicyName", Yaml::text(&logs.policy_name)),
            ("Roles", Yaml::List(vec![Yaml::reference("TrailLogsRole")])),
            ("PolicyDocument", self.tree(&role_policy(logs))),
        ];
        resources.push(Member::commented(
            &["All that the role may do: make CloudTrail's own streams in this group, and write to them."],
            "TrailLogsRolePolicy",
            resource("AWS::IAM::Policy", Vec::new(), properties),
        ));
    }

    fn topic(&self, resources: &mut Vec<Member>) {
        let Some(topic) = self.new_topic() else { return };
        let properties = vec![("TopicName", self.text(&topic.name))];
        resources.push(Member::commented(
            &["The topic that is told of each log file."],
            "TrailTopic",
            resource("AWS::SNS::Topic", Vec::new(), properties),
        ));
        let policy = topic_policy(self.definition, topic);
        let properties = vec![
            ("Topics", Yaml::List(vec![Yaml::reference("TrailTopic")])),
            ("PolicyDocument", self.tree(&policy)),
        ];
        resources.push(Member::commented(
            &["Only this trail may publish to the topic."],
            "TrailTopicPolicy",
            resource("AWS::SNS::TopicPolicy", Vec::new(), properties),
        ));
    }

    fn key_arn(&self) -> Option<Yaml> {
        let key = self.definition.key.as_ref()?;
        Some(match &key.existing {
            Some(arn) => self.text(arn),
            None => Yaml::attribute("TrailKey", "Arn"),
        })
    }

    fn trail(&self) -> Yaml {
        let trail = self.definition;
        let mut properties = vec![
            ("TrailName", Yaml::text(&trail.name)),
            ("IsLogging", Yaml::Bool(trail.logging)),
            ("IsMultiRegionTrail", Yaml::Bool(trail.all_regions)),
            ("IncludeGlobalServiceEvents", Yaml::Bool(trail.global_events)),
            ("EnableLogFileValidation", Yaml::Bool(trail.validation)),
            ("S3BucketName", self.text(&Text::of([Part::Bucket]))),
        ];
        properties.extend(
            trail
                .bucket
                .prefix
                .as_ref()
                .map(|prefix| ("S3KeyPrefix", Yaml::text(prefix))),
        );
        properties.extend(self.key_arn().map(|arn| ("KMSKeyId", arn)));
        if let Some(logs) = &trail.logs {
            let group = match logs.existing {
                true => self.text(&log_group_arn(logs)),
                false => Yaml::attribute("TrailLogGroup", "Arn"),
            };
            let role = match &logs.existing_role {
                Some(arn) => self.text(arn),
                None => Yaml::attribute("TrailLogsRole", "Arn"),
            };
            properties.extend([("CloudWatchLogsLogGroupArn", group), ("CloudWatchLogsRoleArn", role)]);
        }
        if let Some(topic) = &trail.topic {
            let topic = match topic.existing {
                true => self.text(&topic.name),
                false => Yaml::attribute("TrailTopic", "TopicName"),
            };
            properties.push(("SnsTopicName", topic));
        }
        self.selectors(&mut properties);
        properties.extend(tags(&trail.tags).map(|tags| ("Tags", tags)));
        let mut attributes = Vec::new();
        let depends = self.depends_on();
        if !depends.is_empty() {
            attributes.push(("DependsOn", Yaml::List(depends)));
        }
        resource("AWS::CloudTrail::Trail", attributes, properties)
    }

    /// What the trail needs without naming it.
    fn depends_on(&self) -> Vec<Yaml> {
        let parts = [
            ("TrailBucketPolicy", !self.definition.bucket.existing),
            ("TrailLogsRolePolicy", self.new_role().is_some()),
            ("TrailTopicPolicy", self.new_topic().is_some()),
        ];
        parts
            .iter()
            .filter(|(_, is_made)| *is_made)
            .map(|(name, _)| Yaml::text(*name))
            .collect()
    }

    fn selectors(&self, properties: &mut Vec<(&'static str, Yaml)>) {
        let trail = self.definition;
        if !trail.event_selectors.is_empty() {
            let selectors = trail
                .event_selectors
                .iter()
                .map(|selector| self.selector(selector))
                .collect();
            properties.push(("EventSelectors", Yaml::List(selectors)));
        }
        if !trail.advanced_event_selectors.is_empty() {
            let selectors = trail
                .advanced_event_selectors
                .iter()
                .map(|selector| self.advanced(selector))
                .collect();
            properties.push(("AdvancedEventSelectors", Yaml::List(selectors)));
        }
        if !trail.insights.is_empty() {
            let insight = |kind: &String| Yaml::map([("InsightType", Yaml::text(kind))]);
            properties.push((
                "InsightSelectors",
                Yaml::List(trail.insights.iter().map(insight).collect()),
            ));
        }
    }

    fn selector(&self, selector: &EventSelector) -> Yaml {
        let mut members = vec![
            ("ReadWriteType", Yaml::text(&selector.read_write_type)),
            (
                "IncludeManagementEvents",
                Yaml::Bool(selector.include_management_events),
            ),
        ];
        if !selector.exclude_management_event_sources.is_empty() {
            let sources = selector
                .exclude_management_event_sources
                .iter()
                .map(Yaml::text)
                .collect();
            members.push(("ExcludeManagementEventSources", Yaml::List(sources)));
        }
        if !selector.data_resources.is_empty() {
            let resources = selector.data_resources.iter().map(|resource| {
                let values = resource.values.iter().map(|value| self.text(value)).collect();
                Yaml::map([("Type", Yaml::text(&resource.kind)), ("Values", Yaml::List(values))])
            });
            members.push(("DataResources", Yaml::List(resources.collect())));
        }
        Yaml::map(members)
    }

    fn advanced(&self, selector: &AdvancedEventSelector) -> Yaml {
        let fields = selector.field_selectors.iter().map(|field| {
            let mut members = vec![("Field", Yaml::text(&field.field))];
            for (name, values) in field.conditions() {
                members.push((name, Yaml::List(values.iter().map(|value| self.text(value)).collect())));
            }
            Yaml::map(members)
        });
        let mut members = Vec::new();
        if !selector.name.is_empty() {
            members.push(("Name", Yaml::text(&selector.name)));
        }
        members.push(("FieldSelectors", Yaml::List(fields.collect())));
        Yaml::map(members)
    }

    fn outputs(&self) -> Yaml {
        let mut outputs = vec![
            ("TrailArn", "The trail", Yaml::attribute("Trail", "Arn")),
            (
                "BucketName",
                "Where the log files are",
                self.text(&Text::of([Part::Bucket])),
            ),
        ];
        outputs.extend(self.key_arn().map(|arn| ("KeyArn", "What seals them", arn)));
        Yaml::map(outputs.into_iter().map(|(name, description, value)| {
            (
                name,
                Yaml::map([("Description", Yaml::text(description)), ("Value", value)]),
            )
        }))
    }
}

/// The text with the names of what is there already, and so has no place of its own.
pub(super) fn named(definition: &Definition, text: &Text) -> Text {
    let mut text = text.clone();
    if definition.bucket.existing {
        text = text.with(&Part::Bucket, &definition.bucket.name);
    }
    match &definition.logs {
        Some(logs) if logs.existing => text.with(&Part::LogGroup, &logs.group),
        _ => text,
    }
}

/// The trail that the policies let in.
pub(super) fn trails(definition: &Definition) -> Trails {
    Trails {
        name: Text::literal(&definition.name),
        region: Text::of([Part::Region]),
    }
}

pub(super) fn key_policy(definition: &Definition, key: &Key) -> Tree {
    // Of a bucket that is there already it is not known whether it has a Bucket Key. The bucket goes by its name: its
    // encryption may refer to the key.
    let bucket = &definition.bucket;
    let bucket_key = (bucket.bucket_key || bucket.existing).then_some(&bucket.name);
    let least = || policies::key(&trails(definition), &key.readers, bucket_key);
    key.policy.clone().unwrap_or_else(least)
}

pub(super) fn bucket_policy(definition: &Definition) -> Tree {
    let bucket = &definition.bucket;
    let least = || policies::bucket(&trails(definition), bucket.prefix.as_deref());
    bucket.policy.clone().unwrap_or_else(least)
}

pub(super) fn role_policy(logs: &Logs) -> Tree {
    let least = || policies::role(&Text::of([Part::Region]));
    logs.policy.clone().unwrap_or_else(least)
}

pub(super) fn topic_policy(definition: &Definition, topic: &Topic) -> Tree {
    let least = || policies::topic(&trails(definition), &topic.name);
    topic.policy.clone().unwrap_or_else(least)
}

/// The ARN by which a trail names its group.
pub(super) fn log_group_arn(logs: &Logs) -> Text {
    let parts = Text::parse("arn:{partition}:logs:{region}:{account}:log-group:")
        .parts()
        .to_vec();
    let end = Part::Literal(":*".to_owned());
    Text::of(parts.into_iter().chain(logs.group.parts().iter().cloned()).chain([end]))
}
