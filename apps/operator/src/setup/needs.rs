//! What CloudTrail must be allowed by the policies of a bucket and a key, and the statements to add when it is not.
//!
//! Whether a policy allows it is decided by the policy engine, on the very requests that CloudTrail makes; statements are added for
//! what is refused only, and the outcome is decided again.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html>

use super::place::Place;
use base::AccountId;
use policy::{Context, Decision, Grounds, Policies, Policy, PolicyKind, Principal, Request, ResourceKind, decide};
use serde_json::{Value, json};

/// CloudTrail's service principal.
const SERVICE: &str = "cloudtrail.amazonaws.com";
/// What a data key of a log file is bound to.
const CONTEXT: &str = "kms:EncryptionContext:aws:cloudtrail:arn";
/// What a data key of an S3 Bucket Key is bound to.
const BUCKET_CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";
/// An ending such as log files have.
const LOG_FILE: &str = "2026/01/02/log.json.gz";

/// A right, and the statement that gives it.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// The action.
    pub(crate) action: &'static str,
    /// The resource of a call; for a key, its ARN.
    pub(crate) resource: String,
    /// The condition keys of the call beside the trail's.
    pub(crate) context: Vec<(&'static str, String)>,
    /// The id of its statement in the policy that is the least that is needed.
    pub(crate) sid: &'static str,
    /// Who calls: the ARN of a user or role; nothing for CloudTrail.
    pub(crate) reader: Option<String>,
}

/// What CloudTrail needs of a bucket. Files are put with the headers that it sends: its ACL, and by what they are sealed, which policies
/// may demand. Digests are sealed as the log files are.
///
/// `key`: the ARN of the trail's key; nothing for S3's own.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-document-history.html> (May 2025, digests)
pub(crate) fn of_bucket(place: &Place, prefix: Option<&str>, key: Option<&str>) -> Vec<Need> {
    let mut needs = vec![of_acl(place)];
    needs.extend(["CloudTrail", "CloudTrail-Digest"].map(|kind| of_files(place, prefix, kind, key)));
    needs
}

/// What a digest needs that is sealed by S3's own keys though the trail has one, as CloudTrail did until May 2025 and others do.
pub(crate) fn of_plain_digests(place: &Place, prefix: Option<&str>) -> Need {
    of_files(place, prefix, "CloudTrail-Digest", None)
}

fn of_files(place: &Place, prefix: Option<&str>, kind: &str, key: Option<&str>) -> Need {
    let (partition, bucket, account) = (&place.partition, &place.bucket, &place.account);
    let folder = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
    let mut context = vec![
        ("s3:x-amz-acl", "bucket-owner-full-control".to_owned()),
        ("s3:ObjectCreationOperation", "true".to_owned()),
    ];
    match key {
        None => context.push(("s3:x-amz-server-side-encryption", "AES256".to_owned())),
        Some(key) => context.extend([
            ("s3:x-amz-server-side-encryption", "aws:kms".to_owned()),
            ("s3:x-amz-server-side-encryption-aws-kms-key-id", key.to_owned()),
        ]),
    }
    Need {
        action: "s3:PutObject",
        resource: format!(
            "arn:{partition}:s3:::{bucket}/{folder}AWSLogs/{account}/{kind}/{}/{LOG_FILE}",
            place.region
        ),
        context,
        sid: "AWSCloudTrailWrite",
        reader: None,
    }
}

fn of_acl(place: &Place) -> Need {
    Need {
        action: "s3:GetBucketAcl",
        resource: format!("arn:{}:s3:::{}", place.partition, place.bucket),
        context: Vec::new(),
        sid: "AWSCloudTrailAclCheck",
        reader: None,
    }
}

/// Whether a policy alone lets the user or role, or the account's own policies, do something with its resource. Nothing when the policy
/// cannot be read.
pub(crate) fn lets(policy: &str, kind: PolicyKind, who: &str, action: &'static str, resource: &str) -> Option<Lets> {
    let parsed = Policy::parse(policy, kind).ok()?;
    let account = base::arn::split(who)?.account.to_owned();
    let of = |reader: String| {
        let need = Need {
            action,
            resource: resource.to_owned(),
            context: vec![("kms:CallerAccount", account.clone())],
            sid: "",
            reader: Some(reader),
        };
        decided(&parsed, kind, "", &need, &account)
    };
    let partition = base::arn::split(who)?.partition;
    let caller = of(who.to_owned());
    let is_denied = matches!(caller.grounds(), Grounds::ExplicitDeny { .. });
    Some(Lets {
        caller: caller.is_allowed(),
        account: !is_denied && of(format!("arn:{partition}:iam::{account}:root")).is_allowed(),
    })
}

/// Whom a policy lets do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lets {
    /// The one who asks, whatever its own policies say.
    pub(crate) caller: bool,
    /// Whomever the account's own policies allow it, the one who asks among them.
    pub(crate) account: bool,
}

/// What CloudTrail needs of a key. `bucket_key`: whether the bucket has an S3 Bucket Key.
pub(crate) fn of_key(place: &Place, trail_arn: &str, key_arn: &str, bucket_key: bool) -> Vec<Need> {
    let need = |action, context, sid| Need {
        action,
        resource: key_arn.to_owned(),
        context,
        sid,
        reader: None,
    };
    let mut needs = vec![
        need(
            "kms:GenerateDataKey",
            sealed(
                "kms:EncryptionContext:aws:cloudtrail:arn",
                "aws:cloudtrail:arn",
                trail_arn.to_owned(),
            ),
            "Allow CloudTrail to encrypt log files",
        ),
        need("kms:DescribeKey", Vec::new(), "Allow CloudTrail to describe the key"),
    ];
    if bucket_key {
        let bucket = format!("arn:{}:s3:::{}", place.partition, place.bucket);
        let of_bucket = || sealed(BUCKET_CONTEXT, "aws:s3:arn", bucket.clone());
        needs.extend([
            need(
                "kms:GenerateDataKey",
                of_bucket(),
                "Allow CloudTrail to make an S3 Bucket Key",
            ),
            need("kms:Decrypt", of_bucket(), "Allow CloudTrail to use the S3 Bucket Key"),
        ]);
    }
    needs
}

fn sealed(name: &'static str, keys: &str, arn: String) -> Vec<(&'static str, String)> {
    vec![(name, arn), ("kms:EncryptionContextKeys", keys.to_owned())]
}

/// What readers need of a key by its policy alone.
pub(crate) fn of_readers(
    place: &Place,
    trail_arn: &str,
    key_arn: &str,
    bucket_key: bool,
    readers: &[String],
) -> Vec<Need> {
    let via = crate::aws::via_s3(&place.partition, &place.region);
    let need = |reader: &String, mut context: Vec<(&'static str, String)>, sid| {
        context.extend([
            ("kms:ViaService", via.clone()),
            ("kms:CallerAccount", place.account.clone()),
        ]);
        Need {
            action: "kms:Decrypt",
            resource: key_arn.to_owned(),
            context,
            sid,
            reader: Some(reader.clone()),
        }
    };
    let bucket = format!("arn:{}:s3:::{}", place.partition, place.bucket);
    let mut needs = Vec::new();
    for reader in readers {
        let of_trail = sealed(CONTEXT, "aws:cloudtrail:arn", trail_arn.to_owned());
        needs.push(need(reader, of_trail, "Allow readers to decrypt log files"));
        if bucket_key {
            let of_bucket = sealed(BUCKET_CONTEXT, "aws:s3:arn", bucket.clone());
            needs.push(need(reader, of_bucket, "Allow readers to use the S3 Bucket Key"));
        }
    }
    needs
}

/// Who an ARN is.
fn principal(arn: &str) -> Option<Principal> {
    let parts = base::arn::split(arn)?;
    let account = parts.account.parse::<AccountId>().ok()?;
    let name = parts.resource.rsplit('/').next().unwrap_or_default().to_owned();
    Some(match parts.resource.split('/').next() {
        Some("root") => Principal::Root { account },
        Some("role") => Principal::Session {
            account,
            role_arn: arn.to_owned(),
            session_arn: format!(
                "arn:{}:sts::{}:assumed-role/{name}/session",
                parts.partition, parts.account
            ),
            role_id: "AROA".to_owned(),
            session_name: "session".to_owned(),
        },
        _ => Principal::User {
            account,
            arn: arn.to_owned(),
            id: "AIDA".to_owned(),
            name,
        },
    })
}

/// What became of a policy that was to allow something more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Adopted {
    /// It allows all of it already.
    AsItIs,
    /// With these statements, named by their ids, it does.
    With {
        /// The whole policy, as text.
        policy: String,
        /// The ids of the statements that were added.
        added: Vec<String>,
    },
    /// A statement denies it, and no other statement helps against that.
    Denied {
        /// What.
        action: String,
        /// The statement's id, or its number.
        by: String,
    },
    /// It cannot be understood.
    Unreadable(String),
}

/// The policy with just those statements of `least` added whose needs it does not meet for the trails of these ARNs.
///
/// `present`: its text; nothing when there is none. `least`: the policy that is the least that is needed.
pub(crate) fn adopt(
    present: Option<&str>,
    least: &Value,
    kind: PolicyKind,
    trails: &[(String, Vec<Need>)],
    account: &str,
) -> Adopted {
    let mut document: Value =
        match serde_json::from_str(present.unwrap_or(r#"{"Version":"2012-10-17","Statement":[]}"#)) {
            Ok(value) => value,
            Err(fault) => return Adopted::Unreadable(fault.to_string()),
        };
    let mut wanted: Vec<&'static str> = Vec::new();
    if let Some(text) = present {
        match refused(text, kind, trails, account) {
            Ok(missing) => wanted.extend(missing),
            Err(other) => return other,
        }
    } else {
        wanted.extend(trails.iter().flat_map(|(_, needs)| needs.iter().map(|need| need.sid)));
    }
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Adopted::AsItIs;
    }
    let added = add(&mut document, least, &wanted);
    let text = document.to_string();
    match refused(&text, kind, trails, account) {
        Ok(still) if still.is_empty() => Adopted::With {
            policy: sized(text, kind),
            added,
        },
        Ok(still) => Adopted::Unreadable(format!(
            "with the statement added it still does not allow: {}",
            still.join(", ")
        )),
        Err(other) => other,
    }
}

/// The policy as people read it, or without blanks where that would be longer than AWS takes.
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html>
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>
fn sized(text: String, kind: PolicyKind) -> String {
    let longest = match kind {
        PolicyKind::KeyPolicy => 32 * 1024,
        _ => 20 * 1024,
    };
    let readable = crate::text::policy(&text);
    match readable.len() <= longest {
        true => readable,
        false => text,
    }
}

/// Adds the statements of `least` that have these ids, each under an id that is free.
fn add(document: &mut Value, least: &Value, wanted: &[&str]) -> Vec<String> {
    let present = match document["Statement"].take() {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let mut statements = present;
    let mut added = Vec::new();
    for statement in least["Statement"].as_array().into_iter().flatten() {
        let Some(sid) = statement["Sid"].as_str().filter(|sid| wanted.contains(sid)) else {
            continue;
        };
        let taken = |name: &str| statements.iter().any(|statement| statement["Sid"] == name);
        let free = std::iter::once(sid.to_owned())
            .chain((2..).map(|number| format!("{sid}{number}")))
            .find(|name| !taken(name))
            .unwrap_or_default();
        let mut statement = statement.clone();
        statement["Sid"] = json!(free);
        statements.push(statement);
        added.push(free);
    }
    document["Statement"] = Value::Array(statements);
    added
}

/// The ids of the statements whose needs a policy does not meet.
fn refused(
    text: &str,
    kind: PolicyKind,
    trails: &[(String, Vec<Need>)],
    account: &str,
) -> Result<Vec<&'static str>, Adopted> {
    let parsed = Policy::parse(text, kind).map_err(|fault| Adopted::Unreadable(fault.to_string()))?;
    let mut missing = Vec::new();
    for (trail_arn, needs) in trails {
        for need in needs {
            let decision = decided(&parsed, kind, trail_arn, need, account);
            match decision.grounds() {
                _ if decision.is_allowed() => {}
                Grounds::ExplicitDeny { sid, index, .. } => {
                    let number = index + 1;
                    let by = sid.as_deref().map_or_else(|| format!("#{number}"), str::to_owned);
                    let action = need.action.to_owned();
                    return Err(Adopted::Denied { action, by });
                }
                _ => missing.push(need.sid),
            }
        }
    }
    Ok(missing)
}

fn decided(policy: &Policy, kind: PolicyKind, trail_arn: &str, need: &Need, account: &str) -> Decision {
    let service = || Principal::Service {
        name: SERVICE.to_owned(),
    };
    let reader = need.reader.as_deref().and_then(principal);
    let principal = reader.clone().unwrap_or_else(service);
    let mut context = Context::of(&principal);
    if reader.is_none() {
        context.set("aws:SourceArn", trail_arn);
        context.set("aws:SourceAccount", account);
    }
    context.set("aws:SecureTransport", "true");
    for (name, value) in &need.context {
        context.set(*name, value.as_str());
    }
    let request = Request {
        principal: &principal,
        action: need.action,
        resource: &need.resource,
        owner: account.parse::<AccountId>().ok(),
        kind: match kind {
            PolicyKind::KeyPolicy => ResourceKind::KmsKey,
            _ => ResourceKind::Bucket,
        },
        context: &context,
    };
    let policies = Policies {
        resource: Some(policy),
        ..Policies::default()
    };
    decide(&request, &policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:cloudtrail:eu-west-1:012345678901:trail/audit";

    fn place() -> Place {
        Place {
            account: "012345678901".into(),
            partition: "aws".into(),
            region: "eu-west-1".into(),
            bucket: "logs".into(),
            log_group: String::new(),
        }
    }

    fn least() -> Value {
        let trails = crate::trail::policies::Trails {
            name: crate::template::Text::literal("audit"),
            region: crate::template::Text::literal("eu-west-1"),
        };
        place().value(&crate::trail::policies::bucket(&trails, None))
    }

    fn adopted(present: Option<&str>) -> Adopted {
        let needs = vec![(ARN.to_owned(), of_bucket(&place(), None, None))];
        adopt(present, &least(), PolicyKind::BucketPolicy, &needs, "012345678901")
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let Adopted::With { policy, added } = adopted(None) else {
            panic!()
        };
        assert_eq!(added, ["AWSCloudTrailAclCheck", "AWSCloudTrailWrite"]);
        assert_eq!(adopted(Some(&policy)), Adopted::AsItIs);
        // Another trail's statements have the ids; its conditions do not fit this trail.
        let other = policy.replace("trail/audit", "trail/other");
        let Adopted::With { policy, added } = adopted(Some(&other)) else {
            panic!()
        };
        assert_eq!(added, ["AWSCloudTrailAclCheck2", "AWSCloudTrailWrite2"]);
        assert!(policy.contains("trail/other") && policy.contains("trail/audit"));
        // A wider statement does as well as ours.
        let wide = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "s3:Get*", "Resource": "*",
            "Principal": { "Service": "cloudtrail.amazonaws.com" } } });
        let Adopted::With { added, .. } = adopted(Some(&wide.to_string().replace("\"*\"", "\"arn:aws:s3:::logs\"")))
        else {
            panic!()
        };
        assert_eq!(added, ["AWSCloudTrailWrite"]);
    }

    #[test]
    fn a_policy_that_demands_a_seal_is_asked_with_the_seal_of_the_trail() {
        const KEY: &str = "arn:aws:kms:eu-west-1:012345678901:key/k";
        let demands = |algorithm: &str| {
            json!({ "Version": "2012-10-17", "Statement": { "Sid": "Sealed", "Effect": "Deny", "Principal": "*",
                "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/*",
                "Condition": { "StringNotEquals": { "s3:x-amz-server-side-encryption": algorithm } } } })
            .to_string()
        };
        let with = |algorithm: &str, key: Option<&str>| {
            let needs = vec![(ARN.to_owned(), of_bucket(&place(), None, key))];
            adopt(
                Some(&demands(algorithm)),
                &least(),
                PolicyKind::BucketPolicy,
                &needs,
                "012345678901",
            )
        };
        assert!(matches!(with("aws:kms", Some(KEY)), Adopted::With { .. }));
        assert!(matches!(with("AES256", None), Adopted::With { .. }));
        for adopted in [with("aws:kms", None), with("AES256", Some(KEY))] {
            assert_eq!(
                adopted,
                Adopted::Denied {
                    action: "s3:PutObject".to_owned(),
                    by: "Sealed".to_owned()
                }
            );
        }
        let digests = vec![(ARN.to_owned(), vec![of_plain_digests(&place(), None)])];
        let plain = adopt(
            Some(&demands("aws:kms")),
            &least(),
            PolicyKind::BucketPolicy,
            &digests,
            "012345678901",
        );
        assert!(matches!(plain, Adopted::Denied { .. }));
    }

    #[test]
    fn a_key_policy_lets_the_caller_or_leaves_it_to_the_account() {
        let lets = |principal: &str, effect: &str| {
            let all =
                json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "kms:*", "Resource": "*" });
            let one = json!({ "Effect": effect, "Principal": { "AWS": "arn:aws:iam::012345678901:user/x" },
                "Action": "kms:PutKeyPolicy", "Resource": "*" });
            let policy = json!({ "Version": "2012-10-17", "Statement": [all, one] }).to_string();
            let who = "arn:aws:iam::012345678901:user/x";
            let found = lets(
                &policy,
                PolicyKind::KeyPolicy,
                who,
                "kms:PutKeyPolicy",
                "arn:aws:kms:r:012345678901:key/k",
            );
            let found = found.unwrap();
            (found.caller, found.account)
        };
        assert_eq!(lets("arn:aws:iam::012345678901:root", "Allow"), (true, true));
        assert_eq!(lets("arn:aws:iam::012345678901:user/other", "Allow"), (true, false));
        assert_eq!(lets("arn:aws:iam::012345678901:root", "Deny"), (false, false));
    }

    #[test]
    fn a_policy_is_written_as_long_as_it_may_be_and_no_longer() {
        let long = |count: usize| {
            let statement = |at| {
                json!({ "Sid": format!("S{at}"), "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::012345678901:root" },
                "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"] })
            };
            let statements: Vec<Value> = (0..count).map(statement).collect();
            json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
        };
        let check = |count, expected: Option<bool>| match (adopted(Some(&long(count))), expected) {
            (Adopted::With { policy, .. }, Some(is_readable)) => {
                assert!(
                    policy.len() <= 20 * 1024 && policy.contains('\n') == is_readable,
                    "{count}"
                );
            }
            (Adopted::Unreadable(fault), None) => assert!(fault.contains("over 20480"), "{fault}"),
            (other, _) => panic!("{count}: {other:?}"),
        };
        check(10, Some(true));
        check(80, Some(false));
        check(200, None);
    }

    #[test]
    fn a_deny_is_said_and_not_argued_with() {
        let deny = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "Never", "Effect": "Deny", "Action": "s3:Put*",
            "Resource": "arn:aws:s3:::logs/*", "Principal": "*" }] });
        let expected = Adopted::Denied {
            action: "s3:PutObject".into(),
            by: "Never".into(),
        };
        assert_eq!(adopted(Some(&deny.to_string())), expected);
        assert!(matches!(adopted(Some("{")), Adopted::Unreadable(_)));
    }

    #[test]
    fn a_bucket_key_needs_more_of_the_key() {
        let trails = crate::trail::policies::Trails {
            name: crate::template::Text::literal("audit"),
            region: crate::template::Text::literal("eu-west-1"),
        };
        let key_arn = "arn:aws:kms:eu-west-1:012345678901:key/k";
        let bucket = crate::template::Text::literal("logs");
        let least = place().value(&crate::trail::policies::key(&trails, &[], Some(&bucket)));
        let plain = place().document(&crate::trail::policies::key(&trails, &[], None));
        let check = |bucket_key, expected: &[&str]| {
            let needs = vec![(ARN.to_owned(), of_key(&place(), ARN, key_arn, bucket_key))];
            let found = match adopt(Some(&plain), &least, PolicyKind::KeyPolicy, &needs, "012345678901") {
                Adopted::AsItIs => Vec::new(),
                Adopted::With { added, .. } => added,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected);
        };
        check(false, &[]);
        check(
            true,
            &[
                "Allow CloudTrail to make an S3 Bucket Key",
                "Allow CloudTrail to use the S3 Bucket Key",
            ],
        );
    }
}
