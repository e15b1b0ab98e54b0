//! One template for every Region: single-Region trails that share a bucket, a key and a role.
//!
//! What one stack makes, a stack of another Region knows by name alone: exports and references end at a Region's border.

use super::{
    Part, Text,
    cloudformation::{kept, public_access_block, resource, yaml_text, yaml_tree},
    yaml::{Member, Yaml, comment_line},
};
use crate::trail::policies::{self, Trails};

const HEAD: [&str; 15] = [
    "A trail in every Region, with one bucket, one key and one role for all of them. First in the home Region, then in each of",
    "the others, with the same parameters:",
    "",
    "  for region in ap-northeast-1 us-east-1; do",
    "    aws cloudformation deploy --region $region --stack-name cloudtrail --template-file FILE \\",
    "      --capabilities CAPABILITY_NAMED_IAM --parameter-overrides HomeRegion=ap-northeast-1",
    "  done",
    "",
    "Each trail records its own Region. Events without a Region (IAM, STS, CloudFront) happen in us-east-1 (in China in",
    "cn-north-1, in GovCloud in us-gov-west-1), and its trail alone takes them, so that none is recorded twice: let it be one",
    "of the Regions.",
    "",
    "One trail of all Regions does the same with less to keep in step; per-Region trails save the transfer of logs between",
    "Regions and let each Region have a log group of its own. Not both: an account's second copy of management events costs.",
    "",
];

/// The Region in which the events without a Region happen, of each partition.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events>
pub(crate) const GLOBAL_REGIONS: [(&str, &str); 5] = [
    ("aws", "us-east-1"),
    ("aws-cn", "cn-north-1"),
    ("aws-us-gov", "us-gov-west-1"),
    ("aws-iso", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-east-1"),
];

/// The Region of what is shared.
const HOME: Part = Part::Parameter("HomeRegion");

pub(super) fn write() -> String {
    let mut out: String = HEAD.iter().map(|line| comment_line(line)).collect();
    let resources = vec![
        key(),
        alias(),
        bucket(),
        bucket_policy(),
        role(),
        role_policy(),
        log_group(),
        home_trail(),
        trail(),
    ];
    let template = Yaml::map([
        ("AWSTemplateFormatVersion", Yaml::text("2010-09-09")),
        (
            "Description",
            Yaml::text("CloudTrail trails for one Region each, with bucket, key and role in the home Region"),
        ),
        ("Parameters", parameters()),
        ("Mappings", mappings()),
        ("Conditions", conditions()),
        ("Resources", Yaml::Map(resources)),
        ("Outputs", outputs()),
    ]);
    out.push_str(&template.document());
    out
}

fn parameters() -> Yaml {
    let text = |name: &str, description: &str, default: Option<&str>| {
        let mut members = vec![("Type", Yaml::text("String")), ("Description", Yaml::text(description))];
        members.extend(default.map(|default| ("Default", Yaml::text(default))));
        (name.to_owned(), Yaml::map(members))
    };
    let days = |name: &str, description: &str, default: i64| {
        let members = [
            ("Type", Yaml::text("Number")),
            ("Description", Yaml::text(description)),
            ("Default", Yaml::Number(default)),
        ];
        (name.to_owned(), Yaml::map(members))
    };
    Yaml::map([
        text("HomeRegion", "The Region of the bucket, the key and the role", None),
        text("TrailName", "The name of the trail in each Region", Some("CloudTrail")),
        text(
            "BucketPrefix",
            "The bucket is called so, with a hyphen and the account",
            Some("cloudtrail"),
        ),
        days(
            "KeepDays",
            "Days after which log files are deleted; what is deleted or overwritten before stays as long again",
            180,
        ),
        text("KeyAlias", "The name of the key", Some("alias/CloudTrailKey")),
        text("LogGroupName", "The log group of each Region", Some("CloudTrail")),
        days("LogDays", "Days that log groups keep events", 90),
        text(
            "RoleName",
            "The role by which CloudTrail writes to the log groups",
            Some("CloudTrailLogsRole"),
        ),
    ])
}

fn mappings() -> Yaml {
    let regions = GLOBAL_REGIONS.map(|(partition, region)| (partition, Yaml::map([("Global", Yaml::text(region))])));
    Yaml::Map(vec![Member::commented(
        &["Where the events without a Region happen."],
        "Regions",
        Yaml::map(regions),
    )])
}

fn global_region() -> Yaml {
    let place = vec![
        Yaml::text("Regions"),
        Yaml::reference("AWS::Partition"),
        Yaml::text("Global"),
    ];
    Yaml::tagged("FindInMap", Yaml::List(place))
}

fn conditions() -> Yaml {
    let is = |region: Yaml| Yaml::tagged("Equals", Yaml::List(vec![Yaml::reference("AWS::Region"), region]));
    Yaml::Map(vec![
        Member::commented(
            &["Whether this is the Region of what is shared."],
            "IsHome",
            is(Yaml::reference("HomeRegion")),
        ),
        Member::new(
            "IsElsewhere",
            Yaml::tagged("Not", Yaml::List(vec![Yaml::tagged("Condition", Yaml::text("IsHome"))])),
        ),
        Member::commented(
            &["Whether events without a Region happen here."],
            "IsGlobal",
            is(global_region()),
        ),
    ])
}

/// The trails of this name in every Region.
fn trails() -> Trails {
    Trails {
        name: Text::of([Part::Parameter("TrailName")]),
        region: Text::literal("*"),
    }
}

fn bucket_name() -> Text {
    Text::of([
        Part::Parameter("BucketPrefix"),
        Part::Literal("-".to_owned()),
        Part::Account,
    ])
}

fn at_home(mut attributes: Vec<(&'static str, Yaml)>) -> Vec<(&'static str, Yaml)> {
    attributes.insert(0, ("Condition", Yaml::text("IsHome")));
    attributes
}

fn key() -> Member {
    let properties = vec![
        ("Description", Yaml::text("Seals CloudTrail log files")),
        ("EnableKeyRotation", Yaml::Bool(true)),
        ("KeyPolicy", yaml_tree(&policies::key(&trails(), &[], None))),
    ];
    Member::commented(
        &[
            "The key that seals the log files of all Regions: it is of the bucket's Region. It stays when the stack is deleted.",
        ],
        "TrailKey",
        resource("AWS::KMS::Key", at_home(kept()), properties),
    )
}

fn alias() -> Member {
    let properties = vec![
        ("AliasName", Yaml::reference("KeyAlias")),
        ("TargetKeyId", Yaml::reference("TrailKey")),
    ];
    Member::commented(
        &["The name by which the trails of other Regions find the key."],
        "TrailKeyAlias",
        resource("AWS::KMS::Alias", at_home(Vec::new()), properties),
    )
}

fn bucket() -> Member {
    let by_default = Yaml::map([("SSEAlgorithm", Yaml::text("AES256"))]);
    let encryption = Yaml::List(vec![Yaml::map([("ServerSideEncryptionByDefault", by_default)])]);
    let ownership = Yaml::map([("ObjectOwnership", Yaml::text("BucketOwnerEnforced"))]);
    let rule = Yaml::map([
        ("Id", Yaml::text("log-files-end")),
        ("Status", Yaml::text("Enabled")),
        ("ExpirationInDays", Yaml::reference("KeepDays")),
        (
            "NoncurrentVersionExpiration",
            Yaml::map([("NoncurrentDays", Yaml::reference("KeepDays"))]),
        ),
    ]);
    let properties = vec![
        ("BucketName", yaml_text(&bucket_name())),
        (
            "BucketEncryption",
            Yaml::map([("ServerSideEncryptionConfiguration", encryption)]),
        ),
        ("PublicAccessBlockConfiguration", public_access_block()),
        ("OwnershipControls", Yaml::map([("Rules", Yaml::List(vec![ownership]))])),
        (
            "VersioningConfiguration",
            Yaml::map([("Status", Yaml::text("Enabled"))]),
        ),
        ("LifecycleConfiguration", Yaml::map([("Rules", Yaml::List(vec![rule]))])),
    ];
    Member::commented(
        &["The bucket of the log files of all Regions. It stays when the stack is deleted."],
        "TrailBucket",
        resource("AWS::S3::Bucket", at_home(kept()), properties),
    )
}

fn bucket_policy() -> Member {
    let properties = vec![
        ("Bucket", Yaml::reference("TrailBucket")),
        ("PolicyDocument", yaml_tree(&policies::bucket(&trails(), None))),
    ];
    Member::commented(
        &["Only the account's trails of this name may put log files into the bucket, whatever their Region."],
        "TrailBucketPolicy",
        resource("AWS::S3::BucketPolicy", at_home(Vec::new()), properties),
    )
}

fn role() -> Member {
    let properties = vec![
        ("RoleName", Yaml::reference("RoleName")),
        ("AssumeRolePolicyDocument", yaml_tree(&policies::role_trust())),
    ];
    Member::commented(
        &["The role by which CloudTrail writes to the log groups. Roles are of the account, not of a Region."],
        "TrailLogsRole",
        resource("AWS::IAM::Role", at_home(Vec::new()), properties),
    )
}

fn role_policy() -> Member {
    let group = Text::of([Part::Parameter("LogGroupName")]);
    let streams = with_group(&policies::role(&Text::literal("*")), &group);
    let properties = vec![
        ("PolicyName", Yaml::text("CloudTrailWritesLogs")),
        ("Roles", Yaml::List(vec![Yaml::reference("TrailLogsRole")])),
        ("PolicyDocument", yaml_tree(&streams)),
    ];
    Member::commented(
        &["All that the role may do: make CloudTrail's own streams in the groups of this name, and write to them."],
        "TrailLogsRolePolicy",
        resource("AWS::IAM::Policy", at_home(Vec::new()), properties),
    )
}

fn with_group(tree: &super::Tree, group: &Text) -> super::Tree {
    use super::Tree;
    match tree {
        Tree::Text(text) => Tree::Text(text.with(&Part::LogGroup, group)),
        Tree::List(items) => Tree::List(items.iter().map(|item| with_group(item, group)).collect()),
        Tree::Map(members) => Tree::Map(
            members
                .iter()
                .map(|(name, value)| (name.clone(), with_group(value, group)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn log_group() -> Member {
    let properties = vec![
        ("LogGroupName", Yaml::reference("LogGroupName")),
        ("RetentionInDays", Yaml::reference("LogDays")),
    ];
    Member::commented(
        &["This Region's log group."],
        "TrailLogGroup",
        resource("AWS::Logs::LogGroup", kept(), properties),
    )
}

fn home_trail() -> Member {
    let depends = ["TrailBucketPolicy", "TrailLogsRolePolicy"].map(Yaml::text).to_vec();
    let properties = trail_properties(
        Yaml::reference("TrailBucket"),
        Yaml::attribute("TrailKey", "Arn"),
        Yaml::attribute("TrailLogsRole", "Arn"),
    );
    Member::commented(
        &["The home Region's trail."],
        "HomeTrail",
        resource(
            "AWS::CloudTrail::Trail",
            at_home(vec![("DependsOn", Yaml::List(depends))]),
            properties,
        ),
    )
}

fn trail() -> Member {
    let literal = |text: &str| Part::Literal(text.to_owned());
    let (alias, role_name) = (Part::Parameter("KeyAlias"), Part::Parameter("RoleName"));
    let (colon, kms, iam, role) = (literal(":"), literal(":kms:"), literal(":iam::"), literal(":role/"));
    let key = Text::of([
        literal("arn:"),
        Part::Partition,
        kms,
        HOME,
        colon.clone(),
        Part::Account,
        colon,
        alias,
    ]);
    let role = Text::of([literal("arn:"), Part::Partition, iam, Part::Account, role, role_name]);
    let properties = trail_properties(yaml_text(&bucket_name()), yaml_text(&key), yaml_text(&role));
    Member::commented(
        &["The trail of another Region: it knows by their names what is in the home Region."],
        "Trail",
        resource(
            "AWS::CloudTrail::Trail",
            vec![("Condition", Yaml::text("IsElsewhere"))],
            properties,
        ),
    )
}

fn trail_properties(bucket: Yaml, key: Yaml, role: Yaml) -> Vec<(&'static str, Yaml)> {
    let global = vec![Yaml::text("IsGlobal"), Yaml::Bool(true), Yaml::Bool(false)];
    vec![
        ("TrailName", Yaml::reference("TrailName")),
        ("IsLogging", Yaml::Bool(true)),
        ("IsMultiRegionTrail", Yaml::Bool(false)),
        ("IncludeGlobalServiceEvents", Yaml::tagged("If", Yaml::List(global))),
        ("EnableLogFileValidation", Yaml::Bool(true)),
        ("S3BucketName", bucket),
        ("KMSKeyId", key),
        ("CloudWatchLogsLogGroupArn", Yaml::attribute("TrailLogGroup", "Arn")),
        ("CloudWatchLogsRoleArn", role),
    ]
}

fn outputs() -> Yaml {
    let arn = vec![
        Yaml::text("IsHome"),
        Yaml::attribute("HomeTrail", "Arn"),
        Yaml::attribute("Trail", "Arn"),
    ];
    let output = |description: &str, value| Yaml::map([("Description", Yaml::text(description)), ("Value", value)]);
    Yaml::map([
        (
            "TrailArn",
            output("This Region's trail", Yaml::tagged("If", Yaml::List(arn))),
        ),
        (
            "BucketName",
            output("Where the log files of all Regions are", yaml_text(&bucket_name())),
        ),
    ])
}
