//! What changes a trail: the steps of each change, with what has to be known before.

use super::{Found, checks};
use crate::{change::Planned, context::Context, failure::Failure, page::State};
use maud::html;
use operator::{
    change::{Call, Shown, Step},
    check::{self, Fix},
    encrypt::{self, KeyWanted, Order},
    message,
    message::Message,
    setup::Outcome as Checked,
    survey::{Fact, Selectors, Trail},
};
use serde_json::{Map, Value, json};

/// The change that the form asks for.
///
/// # Errors
/// When the form names no change, or says what cannot be used.
pub(super) async fn planned(c: &Context, found: &Found) -> Result<Planned, Failure> {
    let trail = &found.trail;
    match c.form.get("action") {
        "start" => Ok(start(c, trail)),
        "stop" => Ok(stop(c, trail)),
        "encrypt" => sealed(c, trail).await,
        "validation" => Ok(validation(c, trail)),
        "selectors" => selectors(c, trail, simple(c)),
        "selectors-json" => selectors(c, trail, advanced(c)?),
        "delete" => Ok(delete(c, trail)),
        "fix" => fix(c, found).await,
        _ => Err(Failure::Bad(message!(
            "There is no such change.",
            "このような変更はありません。"
        ))),
    }
}

fn call(trail: &Trail, operation: &str, input: Value) -> Call {
    Call::new("cloudtrail", operation, &trail.home_region, input)
}

fn step(title: Message, call: Call, undo: Vec<Call>) -> Step {
    Step {
        title,
        call,
        shown: None,
        undo,
        answers: Vec::new(),
    }
}

/// What is done already needs no step.
fn steps(is_so: bool, step: Step) -> Vec<Step> {
    if is_so { Vec::new() } else { vec![step] }
}

fn is_logging(trail: &Trail) -> Option<bool> {
    trail.status.known().map(|status| status.is_logging)
}

fn start(c: &Context, trail: &Trail) -> Planned {
    let name = &trail.name;
    let of = |operation: &str| call(trail, operation, json!({ "Name": trail.arn }));
    let title = message!("Start the trail {name}.", "証跡 {name} の記録を開始します。");
    let one = step(title, of("StartLogging"), vec![of("StopLogging")]);
    let title = message!("Start {name}", "{name} を開始");
    let mut planned = Planned::new(c, title, "start", steps(is_logging(trail) == Some(true), one));
    planned.warnings.push(message!(
        "What happened while it was stopped is not delivered later. Its chain of digests begins anew.",
        "停止中のイベントは後から配信されません。ダイジェストのチェーンは新しく始まります。"
    ));
    planned
}

fn stop(c: &Context, trail: &Trail) -> Planned {
    let name = &trail.name;
    let of = |operation: &str| call(trail, operation, json!({ "Name": trail.arn }));
    let title = message!("Stop the trail {name}.", "証跡 {name} の記録を停止します。");
    let one = step(title, of("StopLogging"), vec![of("StartLogging")]);
    let title = message!("Stop {name}", "{name} を停止");
    let mut planned = Planned::new(c, title, "stop", steps(is_logging(trail) == Some(false), one));
    planned.warnings = what_stops(trail);
    planned
}

/// What is no longer done when a trail does not log.
fn what_stops(trail: &Trail) -> Vec<Message> {
    let (name, bucket) = (&trail.name, &trail.bucket);
    let mut all = vec![message!(
        "{name} puts no event into {bucket} any more; what happens meanwhile is in the event history alone, for 90 days.",
        "{name} は {bucket} にイベントを保存しなくなります。その間のイベントはイベント履歴に 90 日間残るだけです。"
    )];
    if trail.validation {
        all.push(message!(
            "The chain of digests ends within an hour.",
            "ダイジェストのチェーンは 1 時間以内に終わります。"
        ));
    }
    if let Some(group) = &trail.log_group {
        all.push(message!(
            "The log group {group} gets no events any more: its metric filters and alarms are silent.",
            "ロググループ {group} にイベントが届かなくなり、メトリクスフィルターとアラームが反応しなくなります。"
        ));
    }
    if let Some(topic) = &trail.topic {
        all.push(message!(
            "The topic {topic} is told of no new log file any more.",
            "トピック {topic} に新しいログファイルが通知されなくなります。"
        ));
    }
    if trail.multi_region {
        all.push(message!(
            "This is so in all Regions: the trail is of all of them.",
            "全リージョンの証跡のため、すべてのリージョンに影響します。"
        ));
    }
    all
}

async fn sealed(c: &Context, trail: &Trail) -> Result<Planned, Failure> {
    let key = match c.form.get("key-from") {
        "existing" => KeyWanted::Existing(given(c, "key")?),
        _ => {
            let alias = given(c, "alias")?;
            KeyWanted::New {
                alias: match alias.strip_prefix("alias/") {
                    Some(_) => alias,
                    None => format!("alias/{alias}"),
                },
            }
        }
    };
    let order = Order {
        trail: trail.arn.clone(),
        key,
        readers: c.form.get("readers").split_whitespace().map(str::to_owned).collect(),
        bucket_default: c.form.is_on("bucket-default"),
    };
    let client = c.client().in_region(&trail.home_region);
    let prepared = encrypt::prepare(&client, &order).await?;
    let name = &trail.name;
    let title = message!("Encrypt the log files of {name}", "{name} のログファイルを暗号化");
    let mut planned = Planned::new(c, title, "encrypt", prepared.steps.clone());
    planned.checks = prepared
        .checks
        .iter()
        .map(|check| {
            let state = match check.outcome {
                Checked::Good => State::Good,
                Checked::Wrong => State::Bad,
                Checked::Unknown => State::Unknown,
            };
            (state, check.says.clone())
        })
        .collect();
    if prepared.is_loss() && !c.form.is_on("accept-loss") {
        // As the command does: nobody is locked out without being named and accepted.
        planned.checks.push((
            State::Bad,
            message!(
                "Somebody who reads the log files now would not open the next ones, or that is not known. Name them as readers, or accept it in the form.",
                "現在ログファイルを読める人が今後読めなくなるか、判定できません。閲覧者として指定するか、フォームで承諾してください。"
            ),
        ));
    }
    planned.more = html! {
        @if !prepared.losers.is_empty() {
            h2 { (c.t(&message!("Who could not open the next log files", "今後のログファイルを復号できなくなる人"))) }
            ul { @for loser in &prepared.losers { li { code { (loser.arn) } ": " (c.t(&loser.why)) } } }
        }
    };
    planned.warnings.push(message!(
        "Log files that are there stay as they are. Whoever deletes the key later makes the files under it unreadable.",
        "既存のログファイルは変わりません。後でキーを削除すると、そのキーで暗号化されたファイルは読めなくなります。"
    ));
    Ok(planned)
}

fn given(c: &Context, name: &str) -> Result<String, Failure> {
    c.form.given(name).map(str::to_owned).ok_or_else(|| {
        Failure::Bad(message!(
            "The form lacks the field {name}.",
            "フォームに {name} がありません。"
        ))
    })
}

fn validation(c: &Context, trail: &Trail) -> Planned {
    let name = &trail.name;
    let on = c.form.is_on("on");
    let set = |on: bool| {
        let input = json!({ "Name": trail.arn, "EnableLogFileValidation": on });
        call(trail, "UpdateTrail", input)
    };
    let title = match on {
        true => message!(
            "Turn log file validation of {name} on.",
            "{name} のログファイルの検証を有効にします。"
        ),
        false => message!(
            "Turn log file validation of {name} off.",
            "{name} のログファイルの検証を無効にします。"
        ),
    };
    let one = step(title, set(on), vec![set(!on)]);
    let title = message!("Log file validation of {name}", "{name} のログファイルの検証");
    let mut planned = Planned::new(c, title, "validation", steps(trail.validation == on, one));
    planned.warnings.push(match on {
        true => message!(
            "A new chain of digests begins; log files that were delivered before are not in it.",
            "新しいダイジェストのチェーンが始まります。これ以前に配信されたログファイルは含まれません。"
        ),
        false => message!(
            "The chain of digests ends within an hour; nothing proves log files that are delivered later.",
            "ダイジェストのチェーンは 1 時間以内に終わり、以後のログファイルは証明できなくなります。"
        ),
    });
    planned
}

/// One basic selector, as the form's fields say.
fn simple(c: &Context) -> Value {
    let lines = |name: &str| -> Vec<String> { c.form.get(name).split_whitespace().map(str::to_owned).collect() };
    let resources = [
        ("AWS::S3::Object", lines("s3")),
        ("AWS::Lambda::Function", lines("lambda")),
        ("AWS::DynamoDB::Table", lines("dynamodb")),
    ];
    let resources: Vec<Value> = resources
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(kind, values)| json!({ "Type": kind, "Values": values }))
        .collect();
    let kind = match c.form.get("read-write") {
        "ReadOnly" => "ReadOnly",
        "WriteOnly" => "WriteOnly",
        _ => "All",
    };
    let excluded: Vec<&str> = [
        ("without-kms", "kms.amazonaws.com"),
        ("without-rds", "rdsdata.amazonaws.com"),
    ]
    .into_iter()
    .filter(|(field, _)| c.form.is_on(field))
    .map(|(_, source)| source)
    .collect();
    json!({ "EventSelectors": [{
        "ReadWriteType": kind,
        "IncludeManagementEvents": c.form.is_on("management"),
        "DataResources": resources,
        "ExcludeManagementEventSources": excluded,
    }] })
}

/// Selectors as they were typed.
fn advanced(c: &Context) -> Result<Value, Failure> {
    let text = given(c, "json")?;
    let value: Value = serde_json::from_str(&text).map_err(|fault| {
        Failure::Bad(message!(
            "The selectors are no JSON: {fault}",
            "セレクターが JSON ではありません: {fault}"
        ))
    })?;
    let names = ["EventSelectors", "AdvancedEventSelectors"];
    let chosen: Map<String, Value> = names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), value.get(name)?.clone())))
        .filter(|(_, list)| list.as_array().is_some_and(|list| !list.is_empty()))
        .collect();
    match chosen.len() {
        1 => Ok(Value::Object(chosen)),
        _ => Err(Failure::Bad(message!(
            "There must be either EventSelectors or AdvancedEventSelectors, and they must hold something.",
            "EventSelectors か AdvancedEventSelectors のどちらか一方を、空でない値で指定してください。"
        ))),
    }
}

/// The input that puts selectors as they are.
pub(super) fn present(trail: &Trail, selectors: &Selectors) -> Value {
    let mut input = json!({ "TrailName": trail.arn });
    for name in ["AdvancedEventSelectors", "EventSelectors"] {
        if let Some(list) = selectors.raw[name].as_array().filter(|list| !list.is_empty()) {
            input[name] = json!(list);
            break;
        }
    }
    input
}

fn selectors(c: &Context, trail: &Trail, wanted: Value) -> Result<Planned, Failure> {
    let name = &trail.name;
    let Fact::Known(now) = &trail.selectors else {
        return Err(Failure::Bad(message!(
            "The selectors of today could not be read: what cannot be put back is not changed.",
            "現在のセレクターを読み取れません。元に戻せないため変更しません。"
        )));
    };
    let before = present(trail, now);
    let mut input = wanted;
    input["TrailName"] = json!(trail.arn);
    let shown = Shown {
        what: message!("The selectors of {name}", "{name} のセレクター"),
        before: pretty(&before),
        after: pretty(&input),
    };
    let title = message!("Set what {name} records.", "{name} の記録対象を設定します。");
    let one = Step {
        shown: Some(shown),
        ..step(
            title,
            call(trail, "PutEventSelectors", input.clone()),
            vec![call(trail, "PutEventSelectors", before.clone())],
        )
    };
    let title = message!("What {name} records", "{name} の記録対象");
    let mut planned = Planned::new(c, title, "selectors", steps(input == before, one));
    planned.warnings.push(message!(
        "The new selectors take the place of all that are there.",
        "新しいセレクターが既存のすべてを置き換えます。"
    ));
    let text = input.to_string();
    if text.contains("DataResources") && text.contains("arn:aws") || text.contains("resources.type") {
        planned.warnings.push(message!(
            "Data events are many and are charged for; choose the buckets, functions and tables that matter.",
            "データイベントは大量に発生し、課金対象です。重要なバケット・関数・テーブルに絞ってください。"
        ));
    }
    Ok(planned)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn delete(c: &Context, trail: &Trail) -> Planned {
    let name = &trail.name;
    let title = message!("Delete the trail {name}.", "証跡 {name} を削除します。");
    let one = step(
        title,
        call(trail, "DeleteTrail", json!({ "Name": trail.arn })),
        made_again(trail),
    );
    let mut planned = Planned::new(c, message!("Delete {name}", "{name} を削除"), "delete", vec![one]);
    if is_logging(trail) == Some(true) {
        planned.warnings = what_stops(trail);
    }
    let bucket = &trail.bucket;
    planned.warnings.push(message!(
        "The bucket {bucket}, its files, the key and the log group stay.",
        "バケット {bucket} とそのファイル、キー、ロググループは残ります。"
    ));
    let unread = [
        (trail.selectors.known().is_none(), "GetEventSelectors"),
        (trail.insights.known().is_none(), "GetInsightSelectors"),
        (trail.tags.known().is_none(), "ListTags"),
        (trail.status.known().is_none(), "GetTrailStatus"),
    ];
    for (_, call) in unread.into_iter().filter(|(is_unread, _)| *is_unread) {
        planned.warnings.push(message!(
            "{call} told nothing: taking this back would make the trail without it.",
            "{call} の応答がありません。元に戻しても、その設定は復元されません。"
        ));
    }
    planned
}

/// The calls that make a trail as it is.
fn made_again(trail: &Trail) -> Vec<Call> {
    let mut input = json!({
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "IncludeGlobalServiceEvents": trail.global_events,
        "IsMultiRegionTrail": trail.multi_region,
        "EnableLogFileValidation": trail.validation,
        "IsOrganizationTrail": trail.organization,
    });
    let prefix = Some(trail.prefix.clone()).filter(|prefix| !prefix.is_empty());
    let some = [
        ("S3KeyPrefix", prefix),
        ("KmsKeyId", trail.kms_key.clone()),
        ("CloudWatchLogsLogGroupArn", trail.log_group.clone()),
        ("CloudWatchLogsRoleArn", trail.log_role.clone()),
        ("SnsTopicName", trail.topic.clone()),
    ];
    for (name, value) in some {
        if let Some(value) = value {
            input[name] = json!(value);
        }
    }
    if let Some(tags) = trail.tags.known().filter(|tags| !tags.is_empty()) {
        let tags = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
        input["TagsList"] = tags.collect();
    }
    let mut calls = vec![call(trail, "CreateTrail", input)];
    if let Some(selectors) = trail.selectors.known() {
        calls.push(call(trail, "PutEventSelectors", present(trail, selectors)));
    }
    if let Some(insights) = trail.insights.known().filter(|kinds| !kinds.is_empty()) {
        let selectors: Vec<Value> = insights.iter().map(|kind| json!({ "InsightType": kind })).collect();
        let input = json!({ "TrailName": trail.arn, "InsightSelectors": selectors });
        calls.push(call(trail, "PutInsightSelectors", input));
    }
    if is_logging(trail) == Some(true) {
        calls.push(call(trail, "StartLogging", json!({ "Name": trail.arn })));
    }
    calls
}

/// The fix of one check, by its control.
async fn fix(c: &Context, found: &Found) -> Result<Planned, Failure> {
    let trail = &found.trail;
    let control = c.form.get("control");
    let findings = checks::findings(c, &found.survey, trail).await;
    let of_it: Vec<&check::Finding> = findings
        .iter()
        .filter(|finding| finding.control.id == control)
        .collect();
    let Some(first) = of_it.first() else {
        return Err(Failure::Bad(message!(
            "There is no such check of this trail.",
            "この証跡にそのチェックはありません。"
        )));
    };
    let (name, title) = (&trail.name, first.control.title());
    let title_ja = title.in_language(operator::message::Language::Japanese);
    let heading = message!("Fix for {name}: {title}", "{name} の修正: {title_ja}");
    let mut planned = Planned::new(c, heading, "fix", Vec::new());
    for (_, fix) in check::fixes(&of_it, &found.survey, &checks::options(c)) {
        match fix {
            Fix::Steps(steps) => planned.steps.extend(steps),
            Fix::Manual(says) => planned.warnings.push(says),
            Fix::None => {}
        }
    }
    Ok(planned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use operator::survey::{Missing, Status};

    fn trail() -> Trail {
        let selectors = Selectors {
            basic: Vec::new(),
            advanced: Vec::new(),
            raw: json!({ "EventSelectors": [], "AdvancedEventSelectors": [{ "Name": "x" }] }),
        };
        Trail {
            name: "audit".to_owned(),
            arn: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit".to_owned(),
            home_region: "eu-west-1".to_owned(),
            multi_region: true,
            organization: false,
            global_events: true,
            bucket: "logs".to_owned(),
            prefix: String::new(),
            kms_key: Some("arn:key".to_owned()),
            validation: true,
            log_group: None,
            log_role: None,
            topic: None,
            seen_in: Vec::new(),
            status: Fact::Known(Status {
                is_logging: true,
                ..Status::default()
            }),
            selectors: Fact::Known(selectors),
            insights: Fact::Known(vec!["ApiCallRateInsight".to_owned()]),
            tags: Fact::Known([("a".to_owned(), "b".to_owned())].into()),
        }
    }

    #[test]
    fn a_trail_that_is_deleted_can_be_made_again_as_it_was() {
        let calls = made_again(&trail());
        let names: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(
            names,
            [
                "CreateTrail",
                "PutEventSelectors",
                "PutInsightSelectors",
                "StartLogging"
            ]
        );
        assert_eq!(calls[0].input["KmsKeyId"], "arn:key");
        assert_eq!(calls[0].input["TagsList"], json!([{ "Key": "a", "Value": "b" }]));
        assert!(calls[0].input.get("S3KeyPrefix").is_none());
        assert_eq!(calls[1].input["AdvancedEventSelectors"], json!([{ "Name": "x" }]));
        assert!(calls[1].input.get("EventSelectors").is_none());
        let bare = Trail {
            selectors: Fact::NotAvailable(Missing::not_asked("cloudtrail:GetEventSelectors")),
            insights: Fact::Known(Vec::new()),
            status: Fact::Known(Status::default()),
            ..trail()
        };
        assert_eq!(made_again(&bare).len(), 1);
    }
}
