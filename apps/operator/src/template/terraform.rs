//! A definition as a Terraform configuration for the provider `hashicorp/aws`, version 5.
//!
//! SPEC: <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudtrail>

use super::{
    Part, Text,
    cloudformation::{bucket_policy, key_policy, log_group_arn, named, role_policy, topic_policy},
    hcl::{Block, Expr, Places},
    yaml::comment_line,
};
use crate::trail::{
    AdvancedEventSelector, Bucket, DefaultEncryption, Definition, EventSelector, Key, LifecycleRule, Logs, Topic,
    policies,
};
use std::collections::BTreeMap;

pub(super) fn write(definition: &Definition, remarks: &[String]) -> String {
    let mut out = comment_line(&format!(
        "The trail {} and everything it needs. To make it:",
        definition.name
    ));
    out.push_str("#\n#   terraform init && terraform apply\n#\n");
    for remark in remarks {
        out.push_str(&comment_line(remark));
    }
    let named = |text: &Text| named(definition, text);
    let places = Places { named: &named, place };
    for block in blocks(definition) {
        out.push('\n');
        block.write(&mut out, 0, &places);
    }
    out
}

/// A place as an expression.
fn place(part: &Part) -> String {
    match part {
        Part::Literal(text) => text.clone(),
        Part::Account => "data.aws_caller_identity.current.account_id".to_owned(),
        // The provider's own Region: its `name` was renamed between versions 5 and 6, its `id` is in both.
        Part::Region => "data.aws_region.current.id".to_owned(),
        Part::Partition => "data.aws_partition.current.partition".to_owned(),
        Part::Bucket => "aws_s3_bucket.trail.id".to_owned(),
        Part::LogGroup => "aws_cloudwatch_log_group.trail.name".to_owned(),
        Part::Parameter(name) => format!("var.{name}"),
    }
}

fn blocks(definition: &Definition) -> Vec<Block> {
    let mut blocks = provider(definition);
    if let Some(key) = definition.key.as_ref().filter(|key| key.existing.is_none()) {
        blocks.extend(key_blocks(definition, key));
    }
    if !definition.bucket.existing {
        blocks.extend(bucket_blocks(definition));
    }
    if let Some(logs) = &definition.logs {
        blocks.extend(logs_blocks(logs));
    }
    if let Some(topic) = definition.topic.as_ref().filter(|topic| !topic.existing) {
        blocks.extend(topic_blocks(definition, topic));
    }
    blocks.push(trail(definition));
    blocks.extend(outputs(definition));
    blocks
}

fn provider(definition: &Definition) -> Vec<Block> {
    let source = Expr::Object(vec![
        ("source".to_owned(), Expr::literal("hashicorp/aws")),
        ("version".to_owned(), Expr::literal(">= 5.0")),
    ]);
    let required = Block::new("required_providers", &[]).with("aws", source);
    let mut blocks = vec![Block::new("terraform", &[]).block(required)];
    let region = definition.region.as_ref().map(Expr::literal);
    let account = definition.account.as_ref().map(Expr::literal);
    if region.is_some() || account.is_some() {
        let provider = Block::new("provider", &["aws"])
            .comment(&["The trail's home: credentials of another account are refused."]);
        let accounts = account.map(|account| Expr::List(vec![account]));
        blocks.push(
            provider
                .with_some("region", region)
                .with_some("allowed_account_ids", accounts),
        );
    }
    blocks.push(Block::new("data", &["aws_caller_identity", "current"]).comment(&["Where it is made."]));
    blocks.push(Block::new("data", &["aws_partition", "current"]));
    blocks.push(Block::new("data", &["aws_region", "current"]));
    blocks
}

fn tags(tags: &BTreeMap<String, String>) -> Option<Expr> {
    let tag = |(name, value): (&String, &String)| (name.clone(), Expr::literal(value));
    (!tags.is_empty()).then(|| Expr::Object(tags.iter().map(tag).collect()))
}

fn reference(name: &str) -> Expr {
    Expr::Reference(name.to_owned())
}

fn text(text: &Text) -> Expr {
    Expr::Text(text.clone())
}

fn days(days: u32) -> Expr {
    Expr::Number(days.into())
}

/// A resource that `terraform destroy` refuses to take.
fn protected() -> Block {
    Block::new("lifecycle", &[]).with("prevent_destroy", Expr::Bool(true))
}

fn key_blocks(definition: &Definition, key: &Key) -> Vec<Block> {
    let description = Some(text(&key.description)).filter(|_| !key.description.is_empty());
    let resource = Block::new("resource", &["aws_kms_key", "trail"])
        .comment(&[
            "The key that seals the log files. Its policy is who may open them. It is not destroyed with the rest: without it",
            "the log files cannot be read.",
        ])
        .with_some("description", description)
        .with("enable_key_rotation", Expr::Bool(key.rotation))
        .with_some("rotation_period_in_days", key.rotation_days.filter(|_| key.rotation).map(days))
        .with_some("multi_region", key.multi_region.then_some(Expr::Bool(true)))
        .with("policy", Expr::Json(key_policy(definition, key)))
        .with_some("tags", tags(&key.tags))
        .block(protected());
    let alias = key.alias.as_ref().map(|alias| {
        Block::new("resource", &["aws_kms_alias", "trail"])
            .comment(&["A name for the key."])
            .with("name", text(alias))
            .with("target_key_id", reference("aws_kms_key.trail.key_id"))
    });
    std::iter::once(resource).chain(alias).collect()
}

fn bucket_blocks(definition: &Definition) -> Vec<Block> {
    let bucket = &definition.bucket;
    let of_bucket = |kind| Block::new("resource", &[kind, "trail"]).with("bucket", reference("aws_s3_bucket.trail.id"));
    let mut blocks = vec![
        Block::new("resource", &["aws_s3_bucket", "trail"])
            .comment(&["The bucket of the log files. It is not destroyed with the rest."])
            .with("bucket", text(&bucket.name))
            .with_some("tags", tags(&bucket.tags))
            .block(protected()),
    ];
    if bucket.private {
        let names = [
            "block_public_acls",
            "block_public_policy",
            "ignore_public_acls",
            "restrict_public_buckets",
        ];
        let block = of_bucket("aws_s3_bucket_public_access_block").comment(&["Nobody from outside may be let in."]);
        blocks.push(
            names
                .iter()
                .fold(block, |block, name| block.with(name, Expr::Bool(true))),
        );
    }
    if let Some(ownership) = &bucket.ownership {
        let rule = Block::new("rule", &[]).with("object_ownership", Expr::literal(ownership));
        blocks.push(of_bucket("aws_s3_bucket_ownership_controls").block(rule));
    }
    if bucket.versioning {
        let on = Block::new("versioning_configuration", &[]).with("status", Expr::literal("Enabled"));
        let block =
            of_bucket("aws_s3_bucket_versioning").comment(&["What is overwritten or deleted stays as a version."]);
        blocks.push(block.block(on));
    }
    blocks.push(encryption(
        definition,
        of_bucket("aws_s3_bucket_server_side_encryption_configuration"),
    ));
    if !bucket.lifecycle.is_empty() {
        let block = of_bucket("aws_s3_bucket_lifecycle_configuration").comment(&["How long log files are kept."]);
        blocks.push(block.blocks(bucket.lifecycle.iter().enumerate().map(lifecycle)));
    }
    blocks.extend(bucket.access_log.as_ref().map(|log| {
        of_bucket("aws_s3_bucket_logging")
            .comment(&["Who reads the log files is logged in another bucket."])
            .with("target_bucket", text(&log.bucket))
            .with("target_prefix", text(&log.prefix))
    }));
    blocks.push(bucket_policy_block(
        bucket,
        definition,
        of_bucket("aws_s3_bucket_policy"),
    ));
    blocks
}

fn bucket_policy_block(bucket: &Bucket, definition: &Definition, block: Block) -> Block {
    let waits = bucket.private.then(|| {
        // S3 answers one of the two with a conflict when they come at once.
        Expr::List(vec![reference("aws_s3_bucket_public_access_block.trail")])
    });
    block
        .comment(&["Only this trail may put log files into the bucket, and only at this account's place in it."])
        .with("policy", Expr::Json(bucket_policy(definition)))
        .with_some("depends_on", waits)
}

fn encryption(definition: &Definition, block: Block) -> Block {
    let bucket = &definition.bucket;
    let (algorithm, key) = match &bucket.encryption {
        DefaultEncryption::S3 => ("AES256", None),
        DefaultEncryption::AwsManagedKey => ("aws:kms", None),
        DefaultEncryption::TrailKey => ("aws:kms", key_arn(definition)),
        DefaultEncryption::Key(arn) => ("aws:kms", Some(text(arn))),
    };
    let by_default = Block::new("apply_server_side_encryption_by_default", &[])
        .with("sse_algorithm", Expr::literal(algorithm))
        .with_some("kms_master_key_id", key);
    let rule = Block::new("rule", &[])
        .with_some("bucket_key_enabled", bucket.bucket_key.then_some(Expr::Bool(true)))
        .block(by_default);
    block.block(rule)
}

fn lifecycle((index, rule): (usize, &LifecycleRule)) -> Block {
    let id = if rule.id.is_empty() {
        Text::literal(format!("rule-{}", index + 1))
    } else {
        rule.id.clone()
    };
    let prefix = Some(Expr::literal(&rule.prefix)).filter(|_| !rule.prefix.is_empty());
    let transitions = rule.transitions.iter().map(|transition| {
        Block::new("transition", &[])
            .with("days", days(transition.days))
            .with("storage_class", Expr::literal(&transition.storage_class))
    });
    let aged = |kind, name: &str, value: Option<u32>| value.map(|value| Block::new(kind, &[]).with(name, days(value)));
    Block::new("rule", &[])
        .with("id", text(&id))
        .with(
            "status",
            Expr::literal(if rule.disabled { "Disabled" } else { "Enabled" }),
        )
        .block(Block::new("filter", &[]).with_some("prefix", prefix))
        .blocks(aged("expiration", "days", rule.expire_days))
        .blocks(aged(
            "noncurrent_version_expiration",
            "noncurrent_days",
            rule.noncurrent_expire_days,
        ))
        .blocks(aged(
            "abort_incomplete_multipart_upload",
            "days_after_initiation",
            rule.abort_upload_days,
        ))
        .blocks(transitions)
}

fn logs_blocks(logs: &Logs) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !logs.existing {
        blocks.push(
            Block::new("resource", &["aws_cloudwatch_log_group", "trail"])
                .comment(&["The log group that events go to as well. It stays when the rest is destroyed."])
                .with("name", text(&logs.group))
                .with_some("retention_in_days", logs.retention_days.map(days))
                .with_some("kms_key_id", logs.key.as_ref().map(text))
                .with("skip_destroy", Expr::Bool(true)),
        );
    }
    if logs.existing_role.is_some() {
        return blocks;
    }
    let path = Some(Expr::literal(&logs.role_path)).filter(|_| logs.role_path != "/");
    blocks.push(
        Block::new("resource", &["aws_iam_role", "trail_logs"])
            .comment(&["The role by which CloudTrail writes to the log group."])
            .with("name", text(&logs.role))
            .with_some("path", path)
            .with("assume_role_policy", Expr::Json(policies::role_trust())),
    );
    blocks.push(
        Block::new("resource", &["aws_iam_role_policy", "trail_logs"])
            .comment(&["All that the role may do: make CloudTrail's own streams in this group, and write to them."])
            .with("name", Expr::literal(&logs.policy_name))
            .with("role", reference("aws_iam_role.trail_logs.id"))
            .with("policy", Expr::Json(role_policy(logs))),
    );
    blocks
}

fn topic_blocks(definition: &Definition, topic: &Topic) -> Vec<Block> {
    vec![
        Block::new("resource", &["aws_sns_topic", "trail"])
            .comment(&["The topic that is told of each log file."])
            .with("name", text(&topic.name)),
        Block::new("resource", &["aws_sns_topic_policy", "trail"])
            .comment(&["Only this trail may publish to the topic."])
            .with("arn", reference("aws_sns_topic.trail.arn"))
            .with("policy", Expr::Json(topic_policy(definition, topic))),
    ]
}

fn key_arn(definition: &Definition) -> Option<Expr> {
    definition.key.as_ref().map(|key| match &key.existing {
        Some(arn) => text(arn),
        None => reference("aws_kms_key.trail.arn"),
    })
}

fn trail(definition: &Definition) -> Block {
    let logs = definition.logs.as_ref();
    let group = logs.map(|logs| match logs.existing {
        true => text(&log_group_arn(logs)),
        false => Expr::Joined("aws_cloudwatch_log_group.trail.arn".to_owned(), ":*"),
    });
    let role = logs.map(|logs| match &logs.existing_role {
        Some(arn) => text(arn),
        None => reference("aws_iam_role.trail_logs.arn"),
    });
    let topic = definition.topic.as_ref().map(|topic| match topic.existing {
        true => text(&topic.name),
        false => reference("aws_sns_topic.trail.name"),
    });
    let waits = depends_on(definition);
    Block::new("resource", &["aws_cloudtrail", "trail"])
        .comment(&["The trail. It is made last: CloudTrail tries bucket, key and role when it makes a trail."])
        .with("name", Expr::literal(&definition.name))
        .with("enable_logging", Expr::Bool(definition.logging))
        .with("is_multi_region_trail", Expr::Bool(definition.all_regions))
        .with("include_global_service_events", Expr::Bool(definition.global_events))
        .with("enable_log_file_validation", Expr::Bool(definition.validation))
        .with("s3_bucket_name", Expr::Text(Text::of([Part::Bucket])))
        .with_some("s3_key_prefix", definition.bucket.prefix.as_ref().map(Expr::literal))
        .with_some("kms_key_id", key_arn(definition))
        .with_some("cloud_watch_logs_group_arn", group)
        .with_some("cloud_watch_logs_role_arn", role)
        .with_some("sns_topic_name", topic)
        .with_some("tags", tags(&definition.tags))
        .with_some("depends_on", (!waits.is_empty()).then_some(Expr::List(waits)))
        .blocks(definition.event_selectors.iter().map(selector))
        .blocks(definition.advanced_event_selectors.iter().map(advanced))
        .blocks(
            definition
                .insights
                .iter()
                .map(|kind| Block::new("insight_selector", &[]).with("insight_type", Expr::literal(kind))),
        )
}

/// What the trail needs without naming it.
fn depends_on(definition: &Definition) -> Vec<Expr> {
    let makes_role = definition
        .logs
        .as_ref()
        .is_some_and(|logs| logs.existing_role.is_none());
    let makes_topic = definition.topic.as_ref().is_some_and(|topic| !topic.existing);
    let parts = [
        ("aws_s3_bucket_policy.trail", !definition.bucket.existing),
        ("aws_iam_role_policy.trail_logs", makes_role),
        ("aws_sns_topic_policy.trail", makes_topic),
    ];
    parts
        .iter()
        .filter(|(_, is_made)| *is_made)
        .map(|(name, _)| reference(name))
        .collect()
}

fn selector(selector: &EventSelector) -> Block {
    let excluded = &selector.exclude_management_event_sources;
    let excluded = (!excluded.is_empty()).then(|| Expr::List(excluded.iter().map(Expr::literal).collect()));
    Block::new("event_selector", &[])
        .with("read_write_type", Expr::literal(&selector.read_write_type))
        .with(
            "include_management_events",
            Expr::Bool(selector.include_management_events),
        )
        .with_some("exclude_management_event_sources", excluded)
        .blocks(selector.data_resources.iter().map(|resource| {
            Block::new("data_resource", &[])
                .with("type", Expr::literal(&resource.kind))
                .with("values", Expr::List(resource.values.iter().map(text).collect()))
        }))
}

fn advanced(selector: &AdvancedEventSelector) -> Block {
    let name = Some(Expr::literal(&selector.name)).filter(|_| !selector.name.is_empty());
    let fields = selector.field_selectors.iter().map(|field| {
        let block = Block::new("field_selector", &[]).with("field", Expr::literal(&field.field));
        field.conditions().fold(block, |block, (name, values)| {
            block.with(terraform_name(name), Expr::List(values.iter().map(text).collect()))
        })
    });
    Block::new("advanced_event_selector", &[])
        .with_some("name", name)
        .blocks(fields)
}

fn terraform_name(condition: &str) -> &'static str {
    match condition {
        "StartsWith" => "starts_with",
        "EndsWith" => "ends_with",
        "NotEquals" => "not_equals",
        "NotStartsWith" => "not_starts_with",
        "NotEndsWith" => "not_ends_with",
        _ => "equals",
    }
}

fn outputs(definition: &Definition) -> Vec<Block> {
    let output = |name, description: &str, value| {
        let block = Block::new("output", &[name]).with("description", Expr::literal(description));
        block.with("value", value)
    };
    let mut blocks = vec![
        output("trail_arn", "The trail", reference("aws_cloudtrail.trail.arn")),
        output(
            "bucket_name",
            "Where the log files are",
            Expr::Text(Text::of([Part::Bucket])),
        ),
    ];
    blocks.extend(key_arn(definition).map(|arn| output("key_arn", "What seals them", arn)));
    blocks
}
