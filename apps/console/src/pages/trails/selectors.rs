//! What a trail selects, in sentences.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html>

use operator::{
    message,
    message::{
        Language::{English, Japanese},
        Message,
    },
    survey::{AdvancedSelector, BasicSelector, DataResource, FieldSelector, Selectors},
};

/// One sentence for each selector, or more.
pub(super) fn sentences(selectors: &Selectors) -> Vec<Message> {
    let basic = selectors.basic.iter().flat_map(of_basic);
    basic.chain(selectors.advanced.iter().map(of_advanced)).collect()
}

/// Whether management events are selected, and which; whether other events are. For a picture.
pub(super) fn sources(selectors: &Selectors) -> (Option<Message>, Option<Message>) {
    let of_category = |name: &str| {
        let mut all = selectors.advanced.iter();
        all.any(|selector| category(selector) == Some(name))
    };
    let is_managed = selectors
        .basic
        .iter()
        .any(|selector| selector.include_management_events)
        || of_category("Management");
    let kinds: Vec<String> = kinds(selectors);
    let management = is_managed.then(|| message!("Management events", "管理イベント"));
    let list = kinds.join(", ");
    let data = match kinds.as_slice() {
        [] => None,
        [_] | [_, _] => Some(Message::plain(list)),
        [first, rest @ ..] => {
            let more = rest.len();
            Some(message!("{first} and {more} more", "{first} ほか {more} 種"))
        }
    };
    (management, data)
}

/// The types of resources whose events are selected, and the other categories.
fn kinds(selectors: &Selectors) -> Vec<String> {
    let basic = selectors
        .basic
        .iter()
        .flat_map(|selector| &selector.data_resources)
        .map(|resource| resource.kind.clone());
    let advanced = selectors.advanced.iter().flat_map(|selector| {
        let types = selector
            .field_selectors
            .iter()
            .filter(|field| field.field == "resources.type")
            .flat_map(|field| field.equals.clone());
        let network = category(selector)
            .filter(|category| *category == "NetworkActivity")
            .map(str::to_owned);
        types.chain(network)
    });
    let mut all: Vec<String> = basic.chain(advanced).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn category(selector: &AdvancedSelector) -> Option<&str> {
    let field = selector
        .field_selectors
        .iter()
        .find(|field| field.field == "eventCategory")?;
    field.equals.first().map(String::as_str)
}

/// Reads, writes or both, as adjectives.
fn reads_or_writes(kind: &str) -> Message {
    match kind {
        "ReadOnly" => message!("read", "読み取り"),
        "WriteOnly" => message!("write", "書き込み"),
        _ => message!("read and write", "読み取りと書き込み"),
    }
}

fn of_basic(selector: &BasicSelector) -> Vec<Message> {
    let kind = reads_or_writes(&selector.read_write_type);
    let (en, ja) = (kind.in_language(English), kind.in_language(Japanese));
    let mut all = Vec::new();
    if selector.include_management_events {
        let sources = selector.exclude_management_event_sources.join(", ");
        all.push(match sources.as_str() {
            "" => message!("All {en} management events.", "管理イベント({ja})すべて。"),
            sources => message!(
                "All {en} management events except those of {sources}.",
                "{sources} を除く管理イベント({ja})。"
            ),
        });
    }
    all.extend(
        selector
            .data_resources
            .iter()
            .map(|resource| of_resource(resource, &kind)),
    );
    if all.is_empty() {
        all.push(message!(
            "A selector that selects nothing.",
            "何も選択しないセレクター。"
        ));
    }
    all
}

fn of_resource(resource: &DataResource, kind: &Message) -> Message {
    let (en, ja) = (kind.in_language(English), kind.in_language(Japanese));
    let all_of = |value: &String| {
        matches!(
            value.as_str(),
            "arn:aws:s3" | "arn:aws:s3:::" | "arn:aws:lambda" | "arn:aws:dynamodb"
        )
    };
    let (what, what_ja) = match resource.kind.as_str() {
        "AWS::S3::Object" => ("S3 objects", "S3 オブジェクト"),
        "AWS::Lambda::Function" => ("Lambda functions (Invoke)", "Lambda 関数(Invoke)"),
        "AWS::DynamoDB::Table" => ("DynamoDB tables", "DynamoDB テーブル"),
        other => (other, other),
    };
    if resource.values.iter().any(all_of) {
        return message!(
            "{en} data events of all {what}.",
            "すべての {what_ja} のデータイベント({ja})。"
        );
    }
    let values = resource.values.join(", ");
    match values.as_str() {
        "" => message!(
            "{en} data events of no {what}.",
            "{what_ja} のデータイベント({ja}、対象なし)。"
        ),
        values => message!(
            "{en} data events of these {what}: {values}.",
            "次の {what_ja} のデータイベント({ja}): {values}。"
        ),
    }
}

fn of_advanced(selector: &AdvancedSelector) -> Message {
    let (what, what_ja) = match category(selector) {
        Some("Management") => ("Management events", "管理イベント"),
        Some("Data") => ("Data events", "データイベント"),
        Some("NetworkActivity") => ("Network activity events", "ネットワークアクティビティイベント"),
        Some(other) => (other, other),
        None => ("Events", "イベント"),
    };
    let conditions = selector
        .field_selectors
        .iter()
        .filter(|field| field.field != "eventCategory")
        .flat_map(of_field);
    let (mut english, mut japanese): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for condition in conditions {
        english.push(condition.in_language(English).to_owned());
        japanese.push(condition.in_language(Japanese).to_owned());
    }
    let named = match selector.name.as_str() {
        "" => String::new(),
        name => format!("“{name}”: "),
    };
    match english.is_empty() {
        true => message!("{named}{what}, all of them.", "{named}{what_ja}すべて。"),
        false => {
            let (english, japanese) = (english.join(" and "), japanese.join("、"));
            message!("{named}{what} whose {english}.", "{named}{what_ja}のうち {japanese}。")
        }
    }
}

fn of_field(field: &FieldSelector) -> Vec<Message> {
    let name = &field.field;
    let on = |values: &[String], english: &str, japanese: &str| {
        let (any, any_ja) = (values.join(" or "), values.join(" または "));
        (!values.is_empty()).then(|| message!("{name} {english} {any}", "{name} が {any_ja} {japanese}"))
    };
    [
        on(&field.equals, "is", "に等しい"),
        on(&field.starts_with, "begins with", "で始まる"),
        on(&field.ends_with, "ends with", "で終わる"),
        on(&field.not_equals, "is not", "でない"),
        on(&field.not_starts_with, "does not begin with", "で始まらない"),
        on(&field.not_ends_with, "does not end with", "で終わらない"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn selectors(basic: Value, advanced: Value) -> Selectors {
        Selectors {
            basic: serde_json::from_value(basic).unwrap(),
            advanced: serde_json::from_value(advanced).unwrap(),
            raw: Value::Null,
        }
    }

    #[test]
    fn selectors_are_told_in_sentences() {
        let check = |basic: Value, advanced: Value, english: &[&str], sources_of: (Option<&str>, Option<&str>)| {
            let selectors = selectors(basic, advanced);
            let found = sentences(&selectors);
            let found: Vec<&str> = found.iter().map(|message| message.in_language(English)).collect();
            assert_eq!(found, english);
            let (management, data) = sources(&selectors);
            let text = |message: &Option<Message>| message.as_ref().map(ToString::to_string);
            assert_eq!((text(&management).as_deref(), text(&data).as_deref()), sources_of);
        };
        check(
            json!([{ "ReadWriteType": "All", "IncludeManagementEvents": true }]),
            json!([]),
            &["All read and write management events."],
            (Some("Management events"), None),
        );
        check(
            json!([{
                "ReadWriteType": "WriteOnly", "IncludeManagementEvents": true, "ExcludeManagementEventSources": ["kms.amazonaws.com"],
                "DataResources": [
                    { "Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::a/", "arn:aws:s3:::b/c"] },
                    { "Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"] },
                ],
            }]),
            json!([]),
            &[
                "All write management events except those of kms.amazonaws.com.",
                "write data events of these S3 objects: arn:aws:s3:::a/, arn:aws:s3:::b/c.",
                "write data events of all Lambda functions (Invoke).",
            ],
            (
                Some("Management events"),
                Some("AWS::Lambda::Function, AWS::S3::Object"),
            ),
        );
        check(
            json!([]),
            json!([
                { "Name": "tables", "FieldSelectors": [
                    { "Field": "eventCategory", "Equals": ["Data"] },
                    { "Field": "resources.type", "Equals": ["AWS::DynamoDB::Table"] },
                    { "Field": "readOnly", "Equals": ["false"] },
                    { "Field": "resources.ARN", "NotStartsWith": ["arn:a", "arn:b"] },
                ] },
                { "FieldSelectors": [{ "Field": "eventCategory", "Equals": ["Management"] }] },
            ]),
            &[
                "“tables”: Data events whose resources.type is AWS::DynamoDB::Table and readOnly is false and \
                 resources.ARN does not begin with arn:a or arn:b.",
                "Management events, all of them.",
            ],
            (Some("Management events"), Some("AWS::DynamoDB::Table")),
        );
        check(
            json!([{ "ReadWriteType": "All", "IncludeManagementEvents": false }]),
            json!([]),
            &["A selector that selects nothing."],
            (None, None),
        );
    }
}
