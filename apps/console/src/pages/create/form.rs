//! The form.

use super::typed::{Faults, Scope, Typed};
use crate::{
    ROOT,
    context::Context,
    page::{Field, State, notice, radio, tick, token},
};
use maud::{Markup, html};
use operator::{message, message::Message};

/// The form with what was typed, and what is wrong at its place.
pub(super) fn form(c: &Context, typed: &Typed, faults: &Faults) -> Markup {
    let known = FIELDS;
    let general = faults
        .iter()
        .filter(|(field, _)| !known.contains(field))
        .flat_map(|(_, all)| all);
    html! {
        @if !faults.is_empty() {
            (notice(c, State::Bad, &message!("Nothing was changed: what is marked has to be put right.", "何も変更していません。示された項目を修正してください。")))
        }
        @for fault in general { (notice(c, State::Bad, fault)) }
        form method="post" action={ (ROOT) "/trails/create" } novalidate {
            (token(c))
            (place(c, typed, faults))
            (events(c, typed, faults))
            (bucket(c, typed, faults))
            (key(c, typed, faults))
            (more(c, typed, faults))
            p.hint { (c.t(&message!("Nothing is made before you have seen exactly what.", "作成する内容を確認するまで、何も作成しません。"))) }
            div.actions { button.primary type="submit" { (c.t(&message!("Show what will be made", "作成する内容を確認"))) } }
        }
    }
}

/// The names of fields that show their faults themselves.
const FIELDS: [&str; 15] = [
    "home",
    "name",
    "regions",
    "management",
    "s3",
    "lambda",
    "dynamodb",
    "bucket",
    "prefix",
    "alias",
    "key",
    "readers",
    "group",
    "topic",
    "events",
];

fn fault(faults: &Faults, field: &str) -> Option<Message> {
    use operator::message::Language::{English, Japanese};
    let all = faults.get(field)?;
    let text = |language| {
        all.iter()
            .map(|one| one.in_language(language))
            .collect::<Vec<_>>()
            .join(" ")
    };
    Some(Message::new(text(English), text(Japanese)))
}

fn place(c: &Context, typed: &Typed, faults: &Faults) -> Markup {
    html! {
        fieldset {
            legend { (c.t(&message!("Trail", "証跡"))) }
            (Field::new("home", message!("Region", "リージョン"), &typed.region)
                .hint(message!("The trail, its key and its bucket are made in this Region.", "証跡・キー・バケットは、このリージョンに作成されます。"))
                .error(fault(faults, "home")).offered(c.regions().to_vec()).required().line(c))
            (Field::new("name", message!("Name", "名前"), &typed.name).error(fault(faults, "name")).required().line(c))
        }
        fieldset {
            legend { (c.t(&message!("Events of which Regions", "記録するリージョン"))) }
            (radio(c, "scope", "all", typed.scope == Scope::All, &message!("All Regions, by one trail", "すべてのリージョン (1 つの証跡)")))
            (radio(c, "scope", "one", typed.scope == Scope::One, &message!("This Region only", "このリージョンのみ")))
            (radio(c, "scope", "each", typed.scope == Scope::Each, &message!("A trail of its own in each Region, all with one bucket and key", "リージョンごとに証跡を作成 (バケットとキーは共通)")))
            (Field::new("regions", message!("Regions that get a trail of their own", "証跡を作成するリージョン"), &typed.regions)
                .hint(message!("Only for a trail in each Region. Names between blanks; without any: all.", "リージョンごとに作成する場合のみ。空白区切りで指定します。省略するとすべて。"))
                .error(fault(faults, "regions")).line(c))
            p.hint { (c.t(&message!(
                "One trail for all Regions puts all log files into one bucket, easy to search. When most of them come from other Regions, their transfer costs: then a trail in each Region, with a bucket of its own there, is cheaper.",
                "全リージョンを対象にすると、ログが 1 つのバケットに集まり分析しやすくなります。ただし他のリージョンのログが多い場合はリージョン間の転送料金がかかるため、リージョンごとに証跡とバケットを作る方が安くなります。"
            ))) }
        }
    }
}

fn events(c: &Context, typed: &Typed, faults: &Faults) -> Markup {
    let kinds = [
        ("All", message!("Reads and writes", "読み取りと書き込み")),
        ("ReadOnly", message!("Reads only", "読み取りのみ")),
        ("WriteOnly", message!("Writes only", "書き込みのみ")),
        ("None", message!("None", "なし")),
    ];
    let of_data = kinds.get(..3).unwrap_or_default();
    html! {
        fieldset {
            legend { (c.t(&message!("Events", "イベント"))) }
            (Field::new("management", message!("Management events", "管理イベント"), &typed.management)
                .hint(message!("What is done to resources. Usually all of it is recorded.", "リソースに対する操作です。通常はすべて記録します。"))
                .error(fault(faults, "management")).choice(c, &kinds))
            p.hint { (c.t(&message!(
                "Data events (reads and writes of objects, calls of functions) come in great numbers and cost. Name only what matters.",
                "データイベント (オブジェクトの読み書き、関数の呼び出し) は量が多く、料金がかかります。必要なものだけを指定してください。"
            ))) }
            (Field::new("s3", message!("S3: buckets and prefixes", "S3: バケットとプレフィックス"), &typed.s3)
                .hint(message!("One on each line: bucket, bucket/prefix, or * for all.", "1 行に 1 つ: バケット、バケット/プレフィックス、または * (すべて)。"))
                .error(fault(faults, "s3")).lines(c, 2))
            (Field::new("lambda", message!("Lambda: functions", "Lambda: 関数"), &typed.lambda)
                .hint(message!("Names or ARNs, one on each line, or * for all: Invoke is recorded.", "名前または ARN を 1 行に 1 つ、または * (すべて)。Invoke が記録されます。"))
                .error(fault(faults, "lambda")).lines(c, 2))
            (Field::new("dynamodb", message!("DynamoDB: tables", "DynamoDB: テーブル"), &typed.dynamodb)
                .hint(message!("Names or ARNs, one on each line, or * for all.", "名前または ARN を 1 行に 1 つ、または * (すべて)。"))
                .error(fault(faults, "dynamodb")).lines(c, 2))
            (Field::new("data", message!("Which of these data events", "記録するデータイベント"), &typed.data).choice(c, of_data))
        }
    }
}

fn bucket(c: &Context, typed: &Typed, faults: &Faults) -> Markup {
    html! {
        fieldset {
            legend { (c.t(&message!("Where the log files go", "ログファイルの保存先"))) }
            (radio(c, "bucket-is", "new", typed.new_bucket, &message!("A new bucket", "新しいバケットを作成")))
            (radio(c, "bucket-is", "there", !typed.new_bucket, &message!("A bucket that is there: what its policy lacks is added", "既存のバケットを使用 (ポリシーに不足があれば追加)")))
            (Field::new("bucket", message!("Name of the bucket", "バケット名"), &typed.bucket).error(fault(faults, "bucket")).required().line(c))
            (Field::new("prefix", message!("Prefix", "プレフィックス"), &typed.prefix)
                .hint(message!("What the files' names begin with, before AWSLogs/. May be empty.", "ファイル名の AWSLogs/ の前に付きます。省略できます。"))
                .error(fault(faults, "prefix")).line(c))
        }
    }
}

fn key(c: &Context, typed: &Typed, faults: &Faults) -> Markup {
    html! {
        fieldset {
            legend { (c.t(&message!("Encryption", "暗号化"))) }
            (radio(c, "sealed", "yes", typed.sealed, &message!("By a KMS key of yours (SSE-KMS): only who may also use the key reads the log files", "独自の KMS キーで暗号化 (SSE-KMS): キーも使える人だけがログを読めます")))
            (radio(c, "sealed", "no", !typed.sealed, &message!("By S3's own keys (SSE-S3): whoever may read the bucket reads the log files", "S3 のキーで暗号化 (SSE-S3): バケットを読める人はログを読めます")))
        }
        fieldset {
            legend { (c.t(&message!("Key", "キー"))) }
            (radio(c, "key-is", "new", typed.new_key, &message!("A new key", "新しいキーを作成")))
            (radio(c, "key-is", "there", !typed.new_key, &message!("A key that is there: what its policy lacks is added", "既存のキーを使用 (ポリシーに不足があれば追加)")))
            (Field::new("alias", message!("Alias of the new key", "新しいキーのエイリアス"), &typed.alias).error(fault(faults, "alias")).line(c))
            (Field::new("key", message!("The existing key's ARN, id or alias", "既存のキーの ARN、ID またはエイリアス"), &typed.key)
                .hint(message!("It must be in the Region of the bucket.", "バケットと同じリージョンにある必要があります。")).error(fault(faults, "key")).line(c))
            (Field::new("readers", message!("Who shall read the log files", "ログファイルを読む人"), &typed.readers)
                .hint(message!("ARNs of users and roles, one on each line. They need s3:GetObject, too. Others of the account read only when their own policies allow kms:Decrypt by this key.", "ユーザーとロールの ARN を 1 行に 1 つ。s3:GetObject も必要です。それ以外の人は、自身のポリシーでこのキーの kms:Decrypt が許可されている場合だけ読めます。"))
                .error(fault(faults, "readers")).lines(c, 3))
        }
        fieldset {
            legend { (c.t(&message!("Policies of a new key and a new bucket", "新しいキーとバケットのポリシー"))) }
            (radio(c, "policies", "least", !typed.console_policies, &message!("The least that the trail and its readers need", "証跡と閲覧者に必要な最小限")))
            (radio(c, "policies", "console", typed.console_policies, &message!("What AWS's console writes: a key policy of six statements, by which everybody of the account decrypts", "AWS コンソールと同じもの (6 つのステートメントのキーポリシー。アカウントの全員が復号できます)")))
        }
    }
}

fn more(c: &Context, typed: &Typed, faults: &Faults) -> Markup {
    html! {
        fieldset {
            legend { (c.t(&message!("More", "その他"))) }
            (tick(c, "validation", "on", typed.validation, &message!("Sign digests of the log files, so that tampering shows", "改ざんを検知できるよう、ログファイルの検証を有効にする")))
            (tick(c, "logs", "on", typed.logs, &message!("Write events to CloudWatch Logs, too", "CloudWatch Logs にもイベントを送る")))
            (Field::new("group", message!("Log group", "ロググループ"), &typed.group).error(fault(faults, "group")).line(c))
            (tick(c, "tells", "on", typed.tells, &message!("Tell an SNS topic of each log file", "ログファイルごとに SNS トピックへ通知する")))
            (Field::new("topic", message!("Topic", "トピック"), &typed.topic)
                .hint(message!("The name of a new one, or the ARN of one that is there.", "新しいトピックの名前、または既存のトピックの ARN。"))
                .error(fault(faults, "topic")).line(c))
            (Field::new("events", message!("Management events a month, for the estimate of costs", "1 か月の管理イベント数 (料金の見積もり用)"), &typed.events)
                .error(fault(faults, "events")).line(c))
        }
    }
}
