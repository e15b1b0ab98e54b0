//! What has to be known before a roll-back, in words.

use super::{Expiry, Plan, Remains};
use crate::{
    cost::Line,
    message,
    message::{Language, Message},
    survey::Fact,
};

/// What has to be known before a roll-back: what is left, what stays under keys and for how long, what it costs, who would put the key back.
pub fn warnings(plan: &Plan, remains: Option<&Remains>) -> Vec<Message> {
    let left = plan.left.iter().map(|left| {
        let (name, english) = (&left.name, left.why.in_language(Language::English));
        let japanese = left.why.in_language(Language::Japanese);
        Message::new(
            format!("{name} is left as it is: {english}."),
            format!("{name} は変更しません: {japanese}。"),
        )
    });
    let mut warnings: Vec<Message> = left.collect();
    if plan.steps.is_empty() {
        return warnings;
    }
    if let Some(remains) = remains {
        warnings.extend(of_objects(remains));
    }
    for key in &plan.keys {
        warnings.push(message!(
            "Do not delete the key {key}: without it nobody can read the log files that are sealed with it. AWS Config and others may use it, too.",
            "鍵 {key} を削除しないでください。削除すると、この鍵で暗号化されたログファイルを誰も読めなくなります。AWS Config などが同じ鍵を使っている場合もあります。"
        ));
    }
    if let Some(remains) = remains {
        warnings.extend(of_costs(remains));
        warnings.extend(of_expiry(remains));
    }
    warnings.push(message!(
        "Where a weekly maintenance keeps these settings (`shoseki guard`, or a member portal that is opted in), switch its item off first: it would put the key back at its next run.",
        "週次メンテナンス(`shoseki guard` やオプトインが有効な会員ポータル)がこの設定を維持している場合は、先にその項目を無効にしてください。次回の実行で鍵が再設定されます。"
    ));
    warnings
}

fn of_objects(remains: &Remains) -> Vec<Message> {
    let mut said = Vec::new();
    for (bucket, objects) in &remains.objects {
        let count = match objects {
            Fact::Known(count) => count,
            Fact::NotAvailable(missing) => {
                let (call, code) = (&missing.call, &missing.code);
                said.push(message!(
                    "How many objects in {bucket} stay under the key is not known: {call} was answered with {code}.",
                    "{bucket} で鍵の下に残るオブジェクトの数は不明です: {call} の応答は {code} でした。"
                ));
                continue;
            }
        };
        let (looked_at, unknown) = (count.looked_at, count.unknown);
        for (key, number) in &count.by_key {
            let (least, at_least) = match count.is_whole {
                true => (String::new(), String::new()),
                false => ("At least ".to_owned(), "少なくとも ".to_owned()),
            };
            said.push(message!(
                "{least}{number} of {looked_at} log and digest files looked at in {bucket} are sealed with {key} and stay so; readers need kms:Decrypt on it.",
                "{bucket} で確認した {looked_at} 個のログ・ダイジェストファイルのうち {at_least}{number} 個は {key} で暗号化されたままです。読むには kms:Decrypt が必要です。"
            ));
        }
        if count.by_key.is_empty() && count.is_whole {
            said.push(message!(
                "None of the {looked_at} log and digest files in {bucket} is sealed with a key of KMS.",
                "{bucket} の {looked_at} 個のログ・ダイジェストファイルに KMS の鍵で暗号化されたものはありません。"
            ));
        }
        if unknown > 0 {
            said.push(message!(
                "{unknown} files in {bucket} could not be looked at.",
                "{bucket} の {unknown} 個のファイルは確認できませんでした。"
            ));
        }
    }
    said
}

fn of_costs(remains: &Remains) -> Vec<Message> {
    let of_key = |(key, cost): (&String, &Fact<_>)| match cost {
        Fact::Known(Line { formula, amount, .. }) => message!(
            "The key {key} goes on costing {amount} a month as long as it exists ({formula}).",
            "鍵 {key} には存在する限り月額 {amount} がかかります ({formula})。"
        ),
        Fact::NotAvailable(missing) => {
            let (call, code) = (&missing.call, &missing.code);
            message!(
                "The key {key} goes on costing at least $1.00 a month as long as it exists; what it has is not known: {call} was answered with {code}.",
                "鍵 {key} には存在する限り月額 $1.00 以上がかかります。詳細は不明です: {call} の応答は {code} でした。"
            )
        }
    };
    remains.costs.iter().map(of_key).collect()
}

fn of_expiry(remains: &Remains) -> Vec<Message> {
    let of_bucket = |(bucket, expiry): (&String, &Fact<Option<Expiry>>)| match expiry {
        Fact::Known(Some(Expiry { rule, days })) => message!(
            "The lifecycle rule `{rule}` removes log files from {bucket} {days} days after they were written: then the last one under the key is gone.",
            "ライフサイクルルール `{rule}` は {bucket} のログファイルを保存から {days} 日後に削除します。それまで鍵が必要です。"
        ),
        Fact::Known(None) => message!(
            "No lifecycle rule removes the log files from {bucket}: what is under the key stays under it.",
            "{bucket} のログファイルを削除するライフサイクルルールはありません。鍵の下のファイルは残り続けます。"
        ),
        Fact::NotAvailable(missing) => {
            let (call, code) = (&missing.call, &missing.code);
            message!(
                "Whether a lifecycle rule removes log files from {bucket} is not known: {call} was answered with {code}.",
                "{bucket} のログファイルを削除するライフサイクルルールの有無は不明です: {call} の応答は {code} でした。"
            )
        }
    };
    remains.expiry.iter().map(of_bucket).collect()
}
