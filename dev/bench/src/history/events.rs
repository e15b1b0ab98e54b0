//! Management events as a busy account has them: a few callers and calls make most, ids and times never repeat.

use anyhow::{Context, Result};
use base::{AccountId, Arn, Region, Timestamp};
use record::{EventCategory, IndexFields, Resource};
use serde_json::json;
use std::fmt::Write;
use store::JournalEntry;
use testkit::{load::Dice, setup::ACCOUNT};

/// How many events have the rare values.
pub(super) const RARE: u64 = 64;
pub(super) const COMMON_USER: &str = "deploy";

/// For each attribute but the event's id a value that many events have.
pub(super) const COMMON: [(&str, &str); 7] = [
    ("AccessKeyId", "AKIADEPLOY0000000000"),
    ("EventName", "Decrypt"),
    ("EventSource", "kms.amazonaws.com"),
    ("ReadOnly", "true"),
    ("ResourceName", "arn:aws:kms:us-east-1:000000000000:key/common"),
    ("ResourceType", "AWS::KMS::Key"),
    ("Username", COMMON_USER),
];

/// The value that few events have.
pub(super) fn rare(attribute: &str) -> &'static str {
    match attribute {
        "AccessKeyId" => "AKIARARE000000000000",
        "EventName" => "DeleteHostedZone",
        "EventSource" => "route53.amazonaws.com",
        "ResourceName" => "rare-bucket",
        "ResourceType" => "AWS::S3::Bucket",
        _ => "rare-user",
    }
}

/// Service, call, whether it reads, how often of 1,000.
const CALLS: [(&str, &str, bool, u64); 40] = [
    ("kms", "Decrypt", true, 180),
    ("kms", "GenerateDataKey", true, 90),
    ("sts", "AssumeRole", true, 160),
    ("sts", "GetCallerIdentity", true, 30),
    ("ec2", "DescribeInstances", true, 90),
    ("ec2", "DescribeVolumes", true, 40),
    ("ec2", "DescribeSecurityGroups", true, 30),
    ("ec2", "DescribeNetworkInterfaces", true, 30),
    ("ec2", "RunInstances", false, 5),
    ("ec2", "TerminateInstances", false, 5),
    ("ec2", "CreateTags", false, 10),
    ("logs", "CreateLogStream", false, 60),
    ("logs", "DescribeLogGroups", true, 30),
    ("logs", "DescribeLogStreams", true, 20),
    ("monitoring", "DescribeAlarms", true, 20),
    ("monitoring", "PutMetricAlarm", false, 4),
    ("iam", "GetRole", true, 25),
    ("iam", "ListAttachedRolePolicies", true, 10),
    ("iam", "GetPolicyVersion", true, 8),
    ("iam", "PutRolePolicy", false, 2),
    ("iam", "CreateAccessKey", false, 1),
    ("lambda", "GetFunction20150331v2", true, 15),
    ("lambda", "ListFunctions20150331", true, 10),
    ("lambda", "UpdateFunctionCode20150331v2", false, 4),
    ("ssm", "GetParameters", true, 20),
    ("ssm", "GetParameter", true, 20),
    ("ssm", "UpdateInstanceInformation", false, 25),
    ("secretsmanager", "GetSecretValue", true, 15),
    ("secretsmanager", "DescribeSecret", true, 5),
    ("autoscaling", "DescribeAutoScalingGroups", true, 10),
    ("elasticloadbalancing", "DescribeTargetHealth", true, 10),
    ("elasticloadbalancing", "RegisterTargets", false, 2),
    ("dynamodb", "DescribeTable", true, 5),
    ("dynamodb", "UpdateTable", false, 1),
    ("cloudtrail", "LookupEvents", true, 2),
    ("cloudtrail", "DescribeTrails", true, 2),
    ("config", "DescribeConfigRules", true, 1),
    ("kms", "CreateGrant", false, 1),
    ("kms", "DescribeKey", true, 1),
    ("kms", "RetireGrant", false, 1),
];

const AGENTS: [&str; 6] = [
    "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#ec2.describe-instances",
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.223 md/arch#x86_64 lang/python#3.9.16 md/pyimpl#CPython exec-env/AWS_Lambda_python3.9 cfg/retry-mode#legacy Botocore/1.34.51",
    "APN/1.0 HashiCorp/1.0 Terraform/1.7.4 (+https://www.terraform.io) terraform-provider-aws/5.38.0 aws-sdk-go-v2/1.25.2 os/linux lang/go#1.21.6 md/GOOS#linux md/GOARCH#amd64",
    "aws-sdk-java/1.12.660 Linux/5.10.223-212.873.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/17.0.12+7-LTS java/17.0.12 kotlin/1.9.10 vendor/Amazon.com_Inc. cfg/retry-mode/standard",
    "AWS Internal",
    "aws-sdk-nodejs/2.1560.0 linux/v18.20.4 exec-env/AWS_ECS_FARGATE promise",
];

/// Makes events, always the same ones.
pub(super) struct Maker {
    dice: Dice,
    made: u64,
    total: u64,
    /// The sessions of roles, each with an access key for a while.
    sessions: Vec<(String, u64)>,
    /// Ids of a few events.
    pub(super) ids: Vec<String>,
}

impl Maker {
    pub(super) fn new(total: u64) -> Maker {
        Maker {
            dice: Dice::new(4711),
            made: 0,
            total,
            sessions: vec![(String::new(), 0); 60],
            ids: Vec::new(),
        }
    }

    fn uuid(&mut self) -> String {
        let (a, b) = (self.dice.next(), self.dice.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 48 & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// Small numbers are likelier: the smaller of three.
    fn skewed(&mut self, end: u64) -> u64 {
        (0..3).map(|_| self.dice.below(end)).min().unwrap_or_default()
    }

    fn key(&mut self, prefix: &str) -> String {
        let mut key = prefix.to_owned();
        while key.len() < 20 {
            let at = usize::try_from(self.dice.below(32)).unwrap_or_default();
            key.push(char::from(
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".get(at).copied().unwrap_or(b'A'),
            ));
        }
        key
    }

    /// The next event, which happened at `time`.
    pub(super) fn next(&mut self, time: Timestamp) -> Result<JournalEntry> {
        let is_rare = self.made % (self.total / RARE).max(1) == 7;
        let is_kept = self.made % (self.total / 4).max(1) == 11;
        self.made += 1;
        let mut dice = self.dice.below(1_000);
        let call = CALLS.iter().find(|call| {
            let found = dice < call.3;
            dice = dice.saturating_sub(call.3);
            found
        });
        let (service, mut name, read_only, _) = *call.unwrap_or(&CALLS[0]);
        let mut source = format!("{service}.amazonaws.com");
        let (user, access_key, identity) = if is_rare {
            (name, source) = ("DeleteHostedZone", rare("EventSource").to_owned());
            self.user(rare("Username"), rare("AccessKeyId"))
        } else if self.dice.below(5) < 1 {
            self.user(COMMON_USER, "AKIADEPLOY0000000000")
        } else if self.dice.below(4) < 1 {
            let number = self.skewed(400);
            self.user(&format!("user-{number}"), &format!("AKIAUSER{number:012}"))
        } else {
            self.role(time)
        };
        let resources = self.resources(service, is_rare)?;
        let event_id = self.uuid();
        if is_kept {
            self.ids.push(event_id.clone());
        }
        let json = self.json(&identity, (&source, name, read_only), &resources, time, &event_id);
        let index = IndexFields {
            event_time: time,
            event_source: source,
            event_name: name.to_owned(),
            aws_region: Region::us_east_1(),
            read_only,
            category: EventCategory::Management,
            event_id,
            recipient_account_id: AccountId::FIRST,
            user_name: Some(user),
            access_key_id: Some(access_key),
            resources,
        };
        Ok(gateway::journal::entry(&index, json.as_bytes(), Vec::new())?)
    }

    fn user(&mut self, name: &str, key: &str) -> (String, String, String) {
        let identity = json!({
            "type": "IAMUser", "principalId": format!("AIDA{:0>17}", name.to_uppercase()),
            "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"), "accountId": ACCOUNT, "accessKeyId": key,
            "userName": name,
        });
        (name.to_owned(), key.to_owned(), identity.to_string())
    }

    fn role(&mut self, time: Timestamp) -> (String, String, String) {
        let number = self.skewed(60);
        let at = usize::try_from(number).unwrap_or_default();
        let fresh = self.key("ASIA");
        let length = 50 + self.dice.below(400);
        let session = match self.sessions.get_mut(at) {
            Some(session) => session,
            None => return self.user(COMMON_USER, "AKIADEPLOY0000000000"),
        };
        if session.1 == 0 {
            *session = (fresh, length);
        }
        session.1 -= 1;
        let key = session.0.clone();
        let (role, id) = (format!("service-role-{number}"), format!("AROA{number:017}"));
        let name = format!("i-{:017x}", number * 0x1234_5678_9abc);
        let identity = json!({
            "type": "AssumedRole", "principalId": format!("{id}:{name}"),
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"), "accountId": ACCOUNT, "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": id, "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
                    "accountId": ACCOUNT, "userName": role},
                "attributes": {"creationDate": time.floor_to(std::time::Duration::from_secs(3600)).iso8601(), "mfaAuthenticated": "false"},
            },
        });
        (name, key, identity.to_string())
    }

    fn resources(&mut self, service: &str, is_rare: bool) -> Result<Vec<Resource>> {
        let (arn, kind) = match service {
            _ if is_rare => ("arn:aws:s3:::rare-bucket".to_owned(), "AWS::S3::Bucket"),
            "kms" => match self.dice.below(2) {
                0 => (COMMON[4].1.to_owned(), "AWS::KMS::Key"),
                _ => {
                    let key = self.skewed(300);
                    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{key:08x}-aaaa-4bbb-8ccc-{key:012x}");
                    (arn, "AWS::KMS::Key")
                }
            },
            "sts" => (
                format!("arn:aws:iam::{ACCOUNT}:role/service-role-{}", self.skewed(60)),
                "AWS::IAM::Role",
            ),
            _ => return Ok(Vec::new()),
        };
        Ok(vec![Resource {
            arn: Arn::parse(&arn).with_context(|| format!("no ARN: {arn}"))?,
            account_id: Some(AccountId::FIRST),
            resource_type: kind.into(),
        }])
    }

    fn json(
        &mut self,
        identity: &str,
        (source, name, read_only): (&str, &str, bool),
        resources: &[Resource],
        time: Timestamp,
        event_id: &str,
    ) -> String {
        let request_id = self.uuid();
        let agent = AGENTS
            .get(usize::try_from(self.skewed(6)).unwrap_or_default())
            .copied()
            .unwrap_or_default();
        let (a, b) = (self.skewed(200), self.skewed(30));
        let parameters = match name {
            "Decrypt" | "GenerateDataKey" => format!(
                r#"{{"encryptionContext":{{"aws:s3:arn":"arn:aws:s3:::data-bucket-{b}/2026/{:06}/part-{:08x}.parquet"}},"keyId":"{}","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#,
                self.dice.below(999_999),
                self.dice.below(1 << 32),
                resources.first().map_or("", |r| r.arn.as_str()),
            ),
            "AssumeRole" => format!(
                r#"{{"roleArn":"{}","roleSessionName":"session-{:016x}","durationSeconds":3600}}"#,
                resources.first().map_or("", |r| r.arn.as_str()),
                self.dice.next(),
            ),
            "DescribeInstances" => format!(
                r#"{{"instancesSet":{{"items":[{{"instanceId":"i-{:017x}"}}]}},"filterSet":{{}}}}"#,
                self.dice.below(5_000) * 0x9e37_79b9
            ),
            "CreateLogStream" => format!(
                r#"{{"logGroupName":"/aws/lambda/function-{b}","logStreamName":"2026/10/{:02}/[$LATEST]{:016x}{:016x}"}}"#,
                1 + a % 28,
                self.dice.next(),
                self.dice.next()
            ),
            _ if read_only => format!(r#"{{"maxResults":{},"name":"thing-{a}"}}"#, 10 * (1 + a % 10)),
            _ => format!(
                r#"{{"name":"thing-{a}","token":"{}","tags":[{{"key":"team","value":"team-{b}"}}]}}"#,
                self.uuid()
            ),
        };
        let response = match name {
            "AssumeRole" => format!(
                r#"{{"credentials":{{"accessKeyId":"{}","sessionToken":"HIDDEN_DUE_TO_SECURITY_REASONS","expiration":"{}"}},"assumedRoleUser":{{"assumedRoleId":"AROA{b:017}:session","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/service-role-{b}/session"}}}}"#,
                self.key("ASIA"),
                time.iso8601()
            ),
            _ if read_only => "null".to_owned(),
            _ => format!(r#"{{"_return":true,"requestId":"{request_id}"}}"#),
        };
        let mut json = format!(
            r#"{{"eventVersion":"1.11","userIdentity":{identity},"eventTime":"{}","eventSource":"{source}","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"10.{}.{a}.{b}","userAgent":"{agent}","requestParameters":{parameters},"responseElements":{response},"requestID":"{request_id}","eventID":"{event_id}","readOnly":{read_only},"#,
            time.iso8601(),
            a % 4,
        );
        if let Some(resource) = resources.first() {
            let _ = write!(
                json,
                r#""resources":[{{"accountId":"{ACCOUNT}","type":"{}","ARN":"{}"}}],"#,
                resource.resource_type, resource.arn
            );
        }
        let _ = write!(
            json,
            r#""eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{source}"}}}}"#
        );
        json
    }
}
