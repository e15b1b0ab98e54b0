//! The least that a trail needs: the policies of its bucket, key, role and topic.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html>

use crate::template::{Part, Text, Tree};

const SERVICE: &str = "cloudtrail.amazonaws.com";
const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:aws:cloudtrail:arn";

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
}

/// A bucket's policy: the trail may look at its ACL and put log files at its place, for this account, and no more.
pub fn bucket(trails: &Trails, prefix: Option<&str>) -> Tree {
    let bucket = || Text::of(arn_parts(":s3:::").into_iter().chain([Part::Bucket]));
    let folder = prefix.map_or_else(|| "/AWSLogs/".to_owned(), |prefix| format!("/{prefix}/AWSLogs/"));
    let objects = [Part::Literal(folder), Part::Account, Part::Literal("/*".to_owned())];
    let objects = Text::of(bucket().parts().iter().cloned().chain(objects));
    let owner = ("s3:x-amz-acl", Tree::literal("bucket-owner-full-control"));
    let (operator, source) = trails.source();
    let write = match (operator, source) {
        ("StringEquals", Tree::Map(members)) => {
            let owner = (owner.0.to_owned(), owner.1);
            Tree::map([(
                "StringEquals",
                Tree::Map(std::iter::once(owner).chain(members).collect()),
            )])
        }
        (operator, source) => Tree::map([("StringEquals", Tree::map([owner])), (operator, source)]),
    };
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
/// may open them. `decrypts`: whether the bucket has an S3 Bucket Key, for which CloudTrail opens its data key again.
pub fn key(trails: &Trails, readers: &[Text], decrypts: bool) -> Tree {
    let root = Tree::map([("AWS", "arn:{partition}:iam::{account}:root".into())]);
    let administered = Tree::map([
        ("Sid", Tree::literal("Enable IAM policies of the account")),
        ("Effect", Tree::literal("Allow")),
        ("Principal", root),
        ("Action", Tree::literal("kms:*")),
        ("Resource", Tree::literal("*")),
    ]);
    let of_trails = || {
        Tree::map([(
            ENCRYPTION_CONTEXT,
            "arn:{partition}:cloudtrail:*:{account}:trail/*".into(),
        )])
    };
    let sealed = Tree::map([trails.source(), ("StringLike", of_trails())]);
    let statement = |sid, actions: &[&str], condition| service_statement(sid, actions, Tree::literal("*"), condition);
    let mut statements = vec![
        administered,
        statement(
            "Allow CloudTrail to encrypt log files",
            &["kms:GenerateDataKey*"],
            sealed.clone(),
        ),
        statement(
            "Allow CloudTrail to describe the key",
            &["kms:DescribeKey"],
            trails.condition(),
        ),
    ];
    if decrypts {
        statements.push(statement(
            "Allow CloudTrail to use the S3 Bucket Key",
            &["kms:Decrypt"],
            sealed,
        ));
    }
    if !readers.is_empty() {
        let principals = Tree::List(readers.iter().cloned().map(Tree::Text).collect());
        statements.push(Tree::map([
            ("Sid", Tree::literal("Allow readers to decrypt log files")),
            ("Effect", Tree::literal("Allow")),
            ("Principal", Tree::map([("AWS", principals)])),
            ("Action", Tree::list(["kms:Decrypt", "kms:ReEncryptFrom"])),
            ("Resource", Tree::literal("*")),
            ("Condition", Tree::map([("StringLike", of_trails())])),
        ]));
    }
    policy(statements)
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
    let mut arn = Text::parse("arn:{partition}:sns:{region}:{account}:").parts().to_vec();
    arn.extend(name.parts().iter().cloned());
    policy([service_statement(
        "AWSCloudTrailPublish",
        &["sns:Publish"],
        Tree::Text(Text::of(arn)),
        trails.condition(),
    )])
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
