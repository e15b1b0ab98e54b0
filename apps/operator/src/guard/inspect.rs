//! What differs from a baseline, and the calls that put it back.

use super::{Baseline, GuardedTrail, Item, Level, Mode};
use crate::{
    aws::{Client, Error},
    change::{Call, described},
    message,
    message::Message,
    rollback::Encryption,
    survey::{Missing, MissingKind},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::pin::Pin;

/// Who makes the calls of a guard.
pub trait Asker: Send + Sync {
    /// Makes a call. The answer is as that of [`Call::send`].
    fn ask<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, Error>> + Send + 'a>>;
}

impl Asker for Client {
    fn ask<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, Error>> + Send + 'a>> {
        Box::pin(call.send(self))
    }
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether what differs was put back, as far as it could be.
    pub mode: Mode,
    /// Whether it is the first run of its baseline, which only looks.
    pub dry_run: bool,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
}

/// Something that was looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Of which item.
    pub item: Item,
    /// At which level; absent for what is opted in at none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The trail, bucket or recorder.
    pub resource: String,
    /// Its Region.
    pub region: String,
    /// What it is about: `KmsKeyId`.
    pub setting: String,
    /// How it stands.
    pub standing: Standing,
    /// For people.
    pub what: Message,
    /// The call that puts it back, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// As it should be.
    InOrder,
    /// Not as it should be.
    Drift,
    /// It was not as it should be, and was put back.
    PutBack,
    /// It was to be put back, and the call failed.
    Failed,
    /// It is left alone.
    Skipped,
    /// It could not be looked at.
    Unknown,
}

impl Report {
    /// Whether anything is not, or not known to be, as it should be.
    pub fn has_drift(&self) -> bool {
        let bad = [Standing::Drift, Standing::Failed, Standing::Unknown];
        self.findings.iter().any(|finding| bad.contains(&finding.standing))
    }

    /// Whether a call failed.
    pub fn has_failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.standing == Standing::Failed)
    }
}

/// What is about one resource.
struct About<'a> {
    item: Item,
    level: Option<Level>,
    resource: &'a str,
    region: &'a str,
}

impl About<'_> {
    fn finding(&self, setting: &str, standing: Standing, what: Message, call: Option<Call>) -> Finding {
        Finding {
            item: self.item,
            level: self.level,
            resource: self.resource.to_owned(),
            region: self.region.to_owned(),
            setting: setting.to_owned(),
            standing,
            what,
            call,
        }
    }

    fn drift(&self, setting: &str, found: &str, expected: &str, call: Call) -> Finding {
        let (found, expected) = (said(found), said(expected));
        let what = message!(
            "{setting} is {found} and should be {expected}",
            "{setting} は {found} ですが、{expected} であるべきです"
        );
        self.finding(setting, Standing::Drift, what, Some(call))
    }

    fn in_order(&self, setting: &str, found: &str) -> Finding {
        let found = said(found);
        let what = message!("{setting} is {found}", "{setting} は {found} です");
        self.finding(setting, Standing::InOrder, what, None)
    }

    fn unknown(&self, call: &str, error: &Error) -> Finding {
        let missing = Missing::of(call, self.region, error);
        let (code, text) = (missing.code, missing.message);
        let what = message!(
            "it could not be looked at: {call} was answered with {code}: {text}",
            "確認できません: {call} の応答は {code} でした: {text}"
        );
        self.finding(call, Standing::Unknown, what, None)
    }

    fn skipped(&self, what: Message) -> Finding {
        self.finding("", Standing::Skipped, what, None)
    }
}

fn said(value: &str) -> String {
    match value {
        "" => "\"\"".to_owned(),
        value => value.to_owned(),
    }
}

/// Looks at everything that the baseline names. Nothing is changed. `regions` are those that the account has.
pub async fn inspect(asker: &dyn Asker, baseline: &Baseline, regions: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    match baseline.level(Item::CloudTrail) {
        Some(level) => {
            for trail in &baseline.trails {
                findings.extend(of_trail(asker, baseline, trail, level).await);
            }
        }
        None => findings.push(opted_out(Item::CloudTrail)),
    }
    match baseline.level(Item::Config) {
        Some(level) => {
            for region in regions {
                findings.push(of_recorder(asker, baseline, region, level).await);
            }
        }
        None => findings.push(opted_out(Item::Config)),
    }
    findings
}

fn opted_out(item: Item) -> Finding {
    let about = About {
        item,
        level: None,
        resource: "",
        region: "",
    };
    about.skipped(message!("it is not opted in", "オプトインされていません"))
}

async fn of_trail(asker: &dyn Asker, baseline: &Baseline, trail: &GuardedTrail, level: Level) -> Vec<Finding> {
    let region = trail.home_region.as_str();
    let about = About {
        item: Item::CloudTrail,
        level: Some(level),
        resource: &trail.name,
        region,
    };
    let excluded = message!("the baseline excludes it", "ベースラインの除外対象です");
    if baseline.excludes_region(region) || baseline.excludes(&[&trail.name]) {
        return vec![about.skipped(excluded)];
    }
    let call = |operation: &str, input: Value| Call::new("cloudtrail", operation, region, input);
    let name = json!({ "Name": trail.name });
    let answer = asker.ask(&call("GetTrail", name.clone())).await;
    let found = match answer {
        Ok(answer) => answer["Trail"].clone(),
        Err(error) if error.is(&["TrailNotFoundException"]) => {
            let what = message!(
                "there is no such trail; `shoseki trail setup` makes one",
                "証跡がありません。`shoseki trail setup` で作成できます"
            );
            return vec![about.finding("Name", Standing::Drift, what, None)];
        }
        Err(error) => return vec![about.unknown("cloudtrail:GetTrail", &error)],
    };
    let arn = found["TrailARN"].as_str().unwrap_or_default();
    if baseline.excludes(&[arn]) {
        return vec![about.skipped(excluded)];
    }
    let key = match level {
        Level::Secure => trail.key.clone().unwrap_or_default(),
        Level::Basic => String::new(),
    };
    let mut findings = of_bucket(asker, baseline, trail, &found, level).await;
    let update = |setting: &str, value: Value| call("UpdateTrail", json!({ "Name": trail.name, setting: value }));
    for (setting, member) in [
        ("IsMultiRegionTrail", "IsMultiRegionTrail"),
        ("EnableLogFileValidation", "LogFileValidationEnabled"),
    ] {
        findings.push(match found[member].as_bool() {
            Some(true) => about.in_order(setting, "true"),
            _ => {
                let mut call = update(setting, json!(true));
                if setting == "IsMultiRegionTrail" {
                    // CloudTrail takes no trail of all Regions without the events that have none.
                    call.input["IncludeGlobalServiceEvents"] = json!(true);
                }
                about.drift(setting, "false", "true", call)
            }
        });
    }
    let has = found["KmsKeyId"].as_str().unwrap_or_default();
    findings.push(match has == key {
        true => about.in_order("KmsKeyId", has),
        false => about.drift("KmsKeyId", has, &key, update("KmsKeyId", json!(key))),
    });
    findings.push(match asker.ask(&call("GetTrailStatus", name.clone())).await {
        Ok(status) if status["IsLogging"] == true => about.in_order("IsLogging", "true"),
        Ok(_) => about.drift("IsLogging", "false", "true", call("StartLogging", name)),
        Err(error) => about.unknown("cloudtrail:GetTrailStatus", &error),
    });
    findings
}

async fn of_bucket(
    asker: &dyn Asker,
    baseline: &Baseline,
    trail: &GuardedTrail,
    found: &Value,
    level: Level,
) -> Vec<Finding> {
    let bucket = found["S3BucketName"].as_str().unwrap_or_default();
    let region = trail.home_region.as_str();
    let about = About {
        item: Item::CloudTrail,
        level: Some(level),
        resource: bucket,
        region,
    };
    if !trail.bucket_default {
        return Vec::new();
    }
    if baseline.excludes(&[bucket]) {
        return vec![about.skipped(message!("the baseline excludes it", "ベースラインの除外対象です"))];
    }
    let get = Call::new("s3", "GetBucketEncryption", region, json!({ "Bucket": bucket }));
    let has: Result<Encryption, Error> = asker.ask(&get).await.and_then(|answer| {
        let text = answer["Text"].as_str().unwrap_or_default();
        wire::xml::parse(text.as_bytes()).map_err(|fault| Error::Unreadable {
            operation: "GetBucketEncryption".to_owned(),
            reason: fault.to_string(),
        })
    });
    let has = match has {
        Ok(has) => has,
        Err(error) => return vec![about.unknown("s3:GetBucketEncryption", &error)],
    };
    let wanted = match (level, &trail.key) {
        (Level::Secure, Some(key)) => Encryption::kms(key, trail.bucket_key),
        _ => Encryption::s3(),
    };
    let shown = |encryption: &Encryption| {
        let key = encryption.key().map(|key| format!(", {key}")).unwrap_or_default();
        let bucket_key = if encryption.has_bucket_key() {
            ", bucket key"
        } else {
            ""
        };
        format!("{}{key}{bucket_key}", encryption.algorithm())
    };
    let (is, should) = (shown(&has), shown(&wanted));
    let setting = "default encryption";
    vec![match is == should {
        true => about.in_order(setting, &is),
        false => about.drift(setting, &is, &should, has.with_default_of(&wanted).put(bucket, region)),
    }]
}

/// A recorder of AWS Config: it is there, and runs. Where AWS Config is absent it is said so and left alone.
async fn of_recorder(asker: &dyn Asker, baseline: &Baseline, region: &str, level: Level) -> Finding {
    let about = About {
        item: Item::Config,
        level: Some(level),
        resource: "configuration recorder",
        region,
    };
    if baseline.excludes_region(region) {
        return about.skipped(message!("the baseline excludes it", "ベースラインの除外対象です"));
    }
    const CALL: &str = "config:DescribeConfigurationRecorderStatus";
    let call = Call::new("config", "DescribeConfigurationRecorderStatus", region, json!({}));
    let answer = match asker.ask(&call).await {
        Ok(answer) => answer,
        Err(error) if Missing::of(CALL, region, &error).kind() == MissingKind::Unsupported => {
            let code = Missing::of(CALL, region, &error).code;
            return about.skipped(message!(
                "AWS Config is not there ({CALL} was answered with {code})",
                "AWS Config がありません ({CALL} の応答は {code} でした)"
            ));
        }
        Err(error) => return about.unknown(CALL, &error),
    };
    let recorders = answer["ConfigurationRecordersStatus"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let Some(recorder) = recorders.first() else {
        let what = message!("there is no configuration recorder", "設定レコーダーがありません");
        return about.finding("recorder", Standing::Drift, what, None);
    };
    if recorder["recording"] == true {
        return about.in_order("recording", "true");
    }
    let input = json!({ "ConfigurationRecorderName": recorder["name"] });
    let start = Call::new("config", "StartConfigurationRecorder", region, input);
    about.drift("recording", "false", "true", start)
}

/// Puts back what differs, one call after the other, also when some fail, until `stopped`.
pub async fn put_back(asker: &dyn Asker, findings: &mut [Finding], stopped: &(dyn Fn() -> bool + Sync)) {
    for finding in findings.iter_mut() {
        let Some(call) = finding.call.as_ref().filter(|_| finding.standing == Standing::Drift) else {
            continue;
        };
        if stopped() {
            return;
        }
        let done = described(call);
        match asker.ask(call).await {
            Ok(_) => {
                finding.standing = Standing::PutBack;
                finding.what = done;
            }
            Err(error) => {
                finding.standing = Standing::Failed;
                let (english, japanese) = (
                    done.in_language(crate::message::Language::English),
                    done.in_language(crate::message::Language::Japanese),
                );
                finding.what = Message::new(
                    format!("{english} It failed: {error}"),
                    format!("{japanese} 失敗しました: {error}"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{aws::Refused, guard::Levels};
    use proptest::prelude::*;
    use std::sync::Mutex;

    const KEY: &str = "arn:aws:kms:ap-northeast-1:000000000000:key/k";

    /// An account with some trails of one state, each of its own bucket; every change that is asked for is noted.
    struct Account {
        sealed: bool,
        changes: Mutex<Vec<Call>>,
    }

    impl Asker for Account {
        fn ask<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, Error>> + Send + 'a>> {
            let name = call.input["Name"].as_str().unwrap_or_default();
            let answer = match call.operation.as_str() {
                "GetTrail" => Ok(json!({ "Trail": {
                    "TrailARN": format!("arn:aws:cloudtrail:{}:000000000000:trail/{name}", call.region),
                    "S3BucketName": format!("{name}-logs"), "IsMultiRegionTrail": true, "LogFileValidationEnabled": false,
                    "KmsKeyId": self.sealed.then_some(KEY) } })),
                "GetTrailStatus" => Ok(json!({ "IsLogging": true })),
                "GetBucketEncryption" => Ok(json!({ "Text": "<ServerSideEncryptionConfiguration><Rule>\
                    <ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
                    </Rule></ServerSideEncryptionConfiguration>" })),
                "DescribeConfigurationRecorderStatus" => Err(Error::Refused(Refused {
                    status: 400,
                    code: "UnknownOperationException".to_owned(),
                    message: String::new(),
                    request_id: String::new(),
                })),
                _ => {
                    self.changes.lock().unwrap().push(call.clone());
                    Ok(Value::Null)
                }
            };
            Box::pin(async move { answer })
        }
    }

    fn baseline(secure: bool, exclude_regions: &[&str], exclude_resources: &[&str]) -> Baseline {
        let trail = |name: &str, region: &str| GuardedTrail {
            name: name.to_owned(),
            home_region: region.to_owned(),
            key: Some(KEY.to_owned()),
            bucket_default: true,
            bucket_key: true,
        };
        let on = Levels {
            cloudtrail: true,
            config: true,
        };
        Baseline {
            basic: on,
            secure: if secure { on } else { Levels::default() },
            exclude_regions: exclude_regions.iter().map(|name| (*name).to_owned()).collect(),
            exclude_resources: exclude_resources.iter().map(|name| (*name).to_owned()).collect(),
            trails: vec![trail("a", "ap-northeast-1"), trail("b", "us-east-1")],
            ..Baseline::default()
        }
    }

    fn run(sealed: bool, baseline: &Baseline) -> (Vec<Finding>, Vec<Call>) {
        let account = Account {
            sealed,
            changes: Mutex::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let findings = runtime.block_on(async {
            let mut findings = inspect(
                &account,
                baseline,
                &["ap-northeast-1".to_owned(), "us-east-1".to_owned()],
            )
            .await;
            put_back(&account, &mut findings, &|| false).await;
            findings
        });
        (findings, account.changes.into_inner().unwrap())
    }

    #[test]
    fn secure_gives_the_key_back_and_basic_takes_it_away() {
        let (findings, changes) = run(false, &baseline(true, &["us-east-1"], &[]));
        let operations: Vec<&str> = changes.iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(operations, ["PutBucketEncryption", "UpdateTrail", "UpdateTrail"]);
        assert_eq!(
            changes[1].input,
            json!({ "Name": "a", "EnableLogFileValidation": true })
        );
        assert_eq!(changes[2].input, json!({ "Name": "a", "KmsKeyId": KEY }));
        let rule = &changes[0].input["ServerSideEncryptionConfiguration"]["Rules"][0];
        assert_eq!(rule["BucketKeyEnabled"], true);
        let config: Vec<_> = findings.iter().filter(|finding| finding.item == Item::Config).collect();
        assert!(config.iter().all(|finding| finding.standing == Standing::Skipped));
        assert!(
            config[0].what.to_string().contains("AWS Config is not there"),
            "{:?}",
            config[0]
        );
        let (_, changes) = run(true, &baseline(false, &["us-east-1"], &[]));
        assert_eq!(changes[1].input, json!({ "Name": "a", "KmsKeyId": "" }));
    }

    proptest! {
        /// What is excluded, by Region, name, ARN or bucket, is never changed; everything else that differs is.
        #[test]
        fn what_is_excluded_is_never_changed(regions in 0..4_u8, resources in 0..16_u8, secure: bool, sealed: bool) {
            let among = |bits: u8, names: &[&'static str]| -> Vec<&'static str> {
                names.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, name)| *name).collect()
            };
            let regions = among(regions, &["ap-northeast-1", "us-east-1"]);
            let arn = "arn:aws:cloudtrail:us-east-1:000000000000:trail/b";
            let resources = among(resources, &["a", "a-logs", arn, "b-logs"]);
            let (_, changes) = run(sealed, &baseline(secure, &regions, &resources));
            let changed = |name: &str| changes.iter().any(|call| call.input["Name"] == name || call.input["Bucket"] == name);
            let has = |name: &str| resources.contains(&name) || regions.contains(&name);
            prop_assert_eq!(changed("a"), !has("ap-northeast-1") && !has("a"));
            prop_assert_eq!(changed("b"), !has("us-east-1") && !has(arn));
            prop_assert_eq!(changed("a-logs"), secure && !has("ap-northeast-1") && !has("a") && !has("a-logs"));
            prop_assert_eq!(changed("b-logs"), secure && !has("us-east-1") && !has(arn) && !has("b-logs"));
        }
    }
}
