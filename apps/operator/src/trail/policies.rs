//! The least that a trail needs: the policies of its bucket, key, role and topic.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html>

use crate::template::{Part, Text, Tree};

const SERVICE: &str = "cloudtrail.amazonaws.com";
const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:aws:cloudtrail:arn";
/// What a data key of an S3 Bucket Key is bound to: the bucket, and nothing of the trail.
const BUCKET_CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";

/// The trails that the policies let in.
pub struct Trails {
    /// The trail's name.
    pub name: Text,
    /// Its Region; `*` for the trails of that name of all Regions.
    pub region: Text,
}

impl Trails {
    fn arn(&self) -> Tree {
        let mut parts = Text::parse("arn:{partition}:cloudtrail:").parts().to_vec();
        parts.extend(self.region.parts().iter().cloned());
        parts.extend(Text::parse(":{account}:trail/").parts().iter().cloned());
        parts.extend(self.name.parts().iter().cloned());
        Tree::Text(Text::of(parts))
    }

    /// The condition that the call is made for these trails: no other trail, of whatever account, can use the resource.
    fn source(&self) -> (&'static str, Tree) {
        let is_pattern = self.region.as_literal() == Some("*");
        let operator = if is_pattern { "ArnLike" } else { "StringEquals" };
        (operator, Tree::map([("aws:SourceArn", self.arn())]))
    }

    fn condition(&self) -> Tree {
        Tree::map([self.source()])
    }

    /// The same, and that a key of the call's context is just this.
    fn condition_with(&self, name: &'static str, value: Tree) -> Tree {
        match self.source() {
            ("StringEquals", Tree::Map(members)) => {
                let first = std::iter::once((name.to_owned(), value));
                Tree::map([("StringEquals", Tree::Map(first.chain(members).collect()))])
            }
            source => Tree::map([("StringEquals", Tree::map([(name, value)])), source]),
        }
    }
}

/// A bucket's policy: the trail may look at its ACL and put log files at its place, for this account, and no more.
pub fn bucket(trails: &Trails, prefix: Option<&str>) -> Tree {
    let bucket = || Text::of(arn_parts(":s3:::").into_iter().chain([Part::Bucket]));
    let objects = objects_of_account(prefix);
    let write = trails.condition_with("s3:x-amz-acl", Tree::literal("bucket-owner-full-control"));
    policy([
        service_statement(
            "AWSCloudTrailAclCheck",
            &["s3:GetBucketAcl"],
            bucket().into(),
            trails.condition(),
        ),
        service_statement("AWSCloudTrailWrite", &["s3:PutObject"], objects.into(), write),
    ])
}

/// A key's policy: the account's own IAM policies decide who administers it; the trail may seal its log files; the readers
/// may open them. `bucket_key`: the name of the bucket, when it has an S3 Bucket Key or may have one. The data keys of a
/// Bucket Key are bound to the bucket, and CloudTrail opens them again.
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html>
pub fn key(trails: &Trails, readers: &[Text], bucket_key: Option<&Text>) -> Tree {
    let root = Tree::map([("AWS", "arn:{partition}:iam::{account}:root".into())]);
    let administered = Tree::map([
        ("Sid", Tree::literal("Enable IAM policies of the account")),
        ("Effect", Tree::literal("Allow")),
        ("Principal", root),
        ("Action", Tree::literal("kms:*")),
        ("Resource", Tree::literal("*")),
    ]);
    let of_trails = Tree::from("arn:{partition}:cloudtrail:*:{account}:trail/*");
    let sealed = Tree::map([
        trails.source(),
        ("StringLike", Tree::map([(ENCRYPTION_CONTEXT, of_trails.clone())])),
    ]);
    let statement = |sid, actions: &[&str], condition| service_statement(sid, actions, Tree::literal("*"), condition);
    let mut statements = vec![
        administered,
        statement(
            "Allow CloudTrail to encrypt log files",
            &["kms:GenerateDataKey*"],
            sealed,
        ),
        statement(
            "Allow CloudTrail to describe the key",
            &["kms:DescribeKey"],
            trails.condition(),
        ),
    ];
    let bucket = bucket_key.map(|name| Text::of(arn_parts(":s3:::").into_iter().chain(name.parts().iter().cloned())));
    if let Some(bucket) = &bucket {
        statements.extend([
            statement(
                "Allow CloudTrail to make an S3 Bucket Key",
                &["kms:GenerateDataKey*"],
                trails.condition_with(BUCKET_CONTEXT, bucket.clone().into()),
            ),
            statement(
                "Allow CloudTrail to use the S3 Bucket Key",
                &["kms:Decrypt"],
                trails.condition(),
            ),
        ]);
    }
    if !readers.is_empty() {
        statements.push(reader_statement(
            "Allow readers to decrypt log files",
            readers,
            ("StringLike", Tree::map([(ENCRYPTION_CONTEXT, of_trails)])),
        ));
        statements.extend(bucket.map(|bucket| {
            let condition = ("StringEquals", Tree::map([(BUCKET_CONTEXT, bucket.into())]));
            reader_statement("Allow readers to use the S3 Bucket Key", readers, condition)
        }));
    }
    policy(statements)
}

fn reader_statement(sid: &str, readers: &[Text], condition: (&str, Tree)) -> Tree {
    let principals = Tree::List(readers.iter().cloned().map(Tree::Text).collect());
    Tree::map([
        ("Sid", Tree::literal(sid)),
        ("Effect", Tree::literal("Allow")),
        ("Principal", Tree::map([("AWS", principals)])),
        ("Action", Tree::list(["kms:Decrypt", "kms:ReEncryptFrom"])),
        ("Resource", Tree::literal("*")),
        ("Condition", Tree::map([condition])),
    ])
}

/// Who may be the role of the log group: CloudTrail.
pub fn role_trust() -> Tree {
    policy([Tree::map([
        ("Sid", Tree::literal("AWSCloudTrailAssumesRole")),
        ("Effect", Tree::literal("Allow")),
        ("Principal", Tree::map([("Service", Tree::literal(SERVICE))])),
        ("Action", Tree::literal("sts:AssumeRole")),
    ])])
}

/// The rights of that role: to make its own streams in the group, and to write to them. `region` as in [`Trails`].
pub fn role(region: &Text) -> Tree {
    let mut streams = arn_parts(":logs:");
    streams.extend(region.parts().iter().cloned());
    streams.extend([Part::Literal(":".to_owned()), Part::Account]);
    streams.extend([Part::Literal(":log-group:".to_owned()), Part::LogGroup]);
    streams.extend([Part::Literal(":log-stream:".to_owned()), Part::Account]);
    streams.push(Part::Literal("_CloudTrail_".to_owned()));
    streams.extend(region.parts().iter().cloned());
    if region.as_literal() != Some("*") {
        streams.push(Part::Literal("*".to_owned()));
    }
    let streams = Text::of(streams);
    let statement = |sid, action| {
        Tree::map([
            ("Sid", Tree::literal(sid)),
            ("Effect", Tree::literal("Allow")),
            ("Action", Tree::literal(action)),
            ("Resource", Tree::Text(streams.clone())),
        ])
    };
    policy([
        statement("AWSCloudTrailCreateLogStream", "logs:CreateLogStream"),
        statement("AWSCloudTrailPutLogEvents", "logs:PutLogEvents"),
    ])
}

/// A topic's policy: the trail may publish.
pub fn topic(trails: &Trails, name: &Text) -> Tree {
    policy([service_statement(
        "AWSCloudTrailPublish",
        &["sns:Publish"],
        Tree::Text(topic_arn(name)),
        trails.condition(),
    )])
}

/// The ARN of a topic of this account and Region.
pub fn topic_arn(name: &Text) -> Text {
    let arn = Text::parse("arn:{partition}:sns:{region}:{account}:");
    Text::of(arn.parts().iter().chain(name.parts()).cloned())
}

/// The key policy that AWS's console wrote when it made a trail together with its key: whoever makes the key beside the account's
/// root, all principals of the account may decrypt log files, and the alias is made by way of EC2.
/// `creator`: the ARN of the user or role that makes the key; nothing for the root.
pub fn console_key(creator: Option<&str>) -> Tree {
    let trails = || Tree::from("arn:{partition}:cloudtrail:*:{account}:trail/*");
    let of_trails = || ("StringLike", Tree::map([(ENCRYPTION_CONTEXT, trails())]));
    let of_account = || ("kms:CallerAccount", Tree::from("{account}"));
    let root = Text::parse("arn:{partition}:iam::{account}:root");
    let owner = match creator {
        Some(creator) => Tree::List(vec![Tree::literal(creator), root.into()]),
        None => root.into(),
    };
    let anyone = || Tree::literal("*");
    let principal = |sid, who: Tree, action: Tree, condition: Option<Tree>| {
        let mut members = vec![
            ("Sid".to_owned(), Tree::literal(sid)),
            ("Effect".to_owned(), Tree::literal("Allow")),
            ("Principal".to_owned(), Tree::map([("AWS", who)])),
            ("Action".to_owned(), action),
            ("Resource".to_owned(), Tree::literal("*")),
        ];
        members.extend(condition.map(|condition| ("Condition".to_owned(), condition)));
        Tree::Map(members)
    };
    let service = |sid, action, condition: Option<Tree>| {
        let mut members = vec![
            ("Sid".to_owned(), Tree::literal(sid)),
            ("Effect".to_owned(), Tree::literal("Allow")),
            ("Principal".to_owned(), Tree::map([("Service", Tree::literal(SERVICE))])),
            ("Action".to_owned(), Tree::literal(action)),
            ("Resource".to_owned(), Tree::literal("*")),
        ];
        members.extend(condition.map(|condition| ("Condition".to_owned(), condition)));
        Tree::Map(members)
    };
    let decrypt = |sid| {
        let condition = Tree::map([("StringEquals", Tree::map([of_account()])), of_trails()]);
        principal(
            sid,
            anyone(),
            Tree::list(["kms:Decrypt", "kms:ReEncryptFrom"]),
            Some(condition),
        )
    };
    let via = ("kms:ViaService", Tree::from("ec2.{region}.amazonaws.com"));
    let setup = Tree::map([("StringEquals", Tree::map([via, of_account()]))]);
    let statements = vec![
        principal("Enable IAM User Permissions", owner, Tree::literal("kms:*"), None),
        service(
            "Allow CloudTrail to encrypt logs",
            "kms:GenerateDataKey*",
            Some(Tree::map([of_trails()])),
        ),
        service("Allow CloudTrail to describe key", "kms:DescribeKey", None),
        decrypt("Allow principals in the account to decrypt log files"),
        principal(
            "Allow alias creation during setup",
            anyone(),
            Tree::literal("kms:CreateAlias"),
            Some(setup),
        ),
        decrypt("Enable cross account log decryption"),
    ];
    Tree::map([
        ("Version", Tree::literal("2012-10-17")),
        ("Id", Tree::literal("Key policy created by CloudTrail")),
        ("Statement", Tree::List(statements)),
    ])
}

/// The bucket policy that AWS's console wrote when it made a trail together with its bucket.
pub fn console_bucket(prefix: Option<&str>) -> Tree {
    let bucket = || Text::of(arn_parts(":s3:::").into_iter().chain([Part::Bucket]));
    let condition = Tree::map([(
        "StringEquals",
        Tree::map([("s3:x-amz-acl", Tree::literal("bucket-owner-full-control"))]),
    )]);
    let mut look = service_statement(
        "AWSCloudTrailAclCheck20150319",
        &["s3:GetBucketAcl"],
        bucket().into(),
        Tree::Map(Vec::new()),
    );
    if let Tree::Map(members) = &mut look {
        members.retain(|(name, _)| name != "Condition");
    }
    policy([
        look,
        service_statement(
            "AWSCloudTrailWrite20150319",
            &["s3:PutObject"],
            objects_of_account(prefix).into(),
            condition,
        ),
    ])
}

/// All that is put at the account's place in the bucket.
fn objects_of_account(prefix: Option<&str>) -> Text {
    let folder = prefix.map_or_else(|| "/AWSLogs/".to_owned(), |prefix| format!("/{prefix}/AWSLogs/"));
    let objects = [
        Part::Bucket,
        Part::Literal(folder),
        Part::Account,
        Part::Literal("/*".to_owned()),
    ];
    Text::of(arn_parts(":s3:::").into_iter().chain(objects))
}

fn arn_parts(rest: &str) -> Vec<Part> {
    vec![
        Part::Literal("arn:".to_owned()),
        Part::Partition,
        Part::Literal(rest.to_owned()),
    ]
}

fn policy(statements: impl IntoIterator<Item = Tree>) -> Tree {
    Tree::map([
        ("Version", Tree::literal("2012-10-17")),
        ("Statement", Tree::List(statements.into_iter().collect())),
    ])
}

fn service_statement(sid: &str, actions: &[&str], resource: Tree, condition: Tree) -> Tree {
    let action = match actions {
        [action] => Tree::literal(*action),
        actions => Tree::list(actions.iter().copied()),
    };
    Tree::map([
        ("Sid", Tree::literal(sid)),
        ("Effect", Tree::literal("Allow")),
        ("Principal", Tree::map([("Service", Tree::literal(SERVICE))])),
        ("Action", action),
        ("Resource", resource),
        ("Condition", condition),
    ])
}
