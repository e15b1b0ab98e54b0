//! By what recent files are encrypted, and which rule made it so.
//!
//! CloudTrail says at each put by what a file is to be encrypted; that wins over the bucket's default. Digest files were under
//! SSE-S3 always until May 2025, and are under the trail's key since.
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html>

use super::files::{File, Kind};
use crate::{
    context::Context,
    page::{State, fact, not_available, state, table, time},
};
use maud::{Markup, html};
use operator::{
    delivery::LogFile,
    message,
    message::Message,
    survey::{Fact, Survey, Trail},
};

/// The newest files of a kind, each with what HeadObject says of it.
pub(super) type Newest = Fact<Vec<(File, Fact<LogFile>)>>;

/// The rule by which a file has its encryption, and whether it is that of today's settings.
pub(super) fn rule(kind: Kind, key: Option<&str>, file: &LogFile) -> (State, Message) {
    let is_s3 = file.algorithm == "AES256";
    let is_of_trail = key.is_some() && file.kms_key.as_deref() == key;
    match (kind, key) {
        (_, Some(_)) if is_of_trail => (
            State::Good,
            message!(
                "The trail's key: what CloudTrail says at each put wins over the bucket's default.",
                "証跡のキー。CloudTrail が書き込み時に指定する暗号化はバケットのデフォルトより優先されます。"
            ),
        ),
        (Kind::Digest, Some(_)) if is_s3 => (
            State::Good,
            message!(
                "SSE-S3: the rule for digest files until May 2025, whatever the key of the trail and the bucket's default.",
                "SSE-S3。2025 年 5 月までのダイジェストファイルの規則で、証跡のキーやバケットのデフォルトにかかわらず適用されます。"
            ),
        ),
        (_, None) if is_s3 => (
            State::Plain,
            message!(
                "SSE-S3: the trail has no key, and CloudTrail says so at each put, whatever the bucket's default.",
                "SSE-S3。証跡にキーがないため、バケットのデフォルトにかかわらず CloudTrail が書き込み時に指定します。"
            ),
        ),
        _ => (
            State::Warn,
            message!(
                "Another than the trail's setting of today: it was delivered under an earlier one, or copied since.",
                "現在の証跡の設定と異なります。以前の設定で配信されたか、後からコピーされたファイルです。"
            ),
        ),
    }
}

/// The rule for what others put without saying how.
fn rule_of_others(default: Option<&operator::survey::Encryption>) -> Message {
    match default {
        Some(default) if default.is_kms() => message!(
            "The bucket's default: whoever says nothing at a put gets it.",
            "バケットのデフォルト。書き込み時に指定がなければ適用されます。"
        ),
        Some(_) => message!("The bucket's default: SSE-S3.", "バケットのデフォルト (SSE-S3)。"),
        None => message!(
            "The bucket has no default of its own: S3 encrypts by SSE-S3.",
            "バケット独自のデフォルトはありません。S3 が SSE-S3 で暗号化します。"
        ),
    }
}

fn writer(kind: Kind) -> Message {
    match kind {
        Kind::Log => message!("CloudTrail log file", "CloudTrail ログファイル"),
        Kind::Digest => message!("CloudTrail digest file", "CloudTrail ダイジェストファイル"),
    }
}

/// The table of this very bucket.
pub(super) fn shown(c: &Context, survey: &Survey, trail: &Trail, logs: &Newest, digests: &Newest) -> Markup {
    let mut rows = Vec::new();
    for (kind, newest) in [(Kind::Log, logs), (Kind::Digest, digests)] {
        rows.extend(of_kind(c, trail, kind, newest));
    }
    rows.push(others(c, survey, trail));
    let head = [
        message!("Writer", "書き込み元"),
        message!("File", "ファイル"),
        message!("Encryption and key", "暗号化とキー"),
        message!("Why", "理由"),
    ];
    let bucket = &trail.bucket;
    let caption = message!(
        "The newest files in {bucket} as HeadObject tells them, and the rule of each",
        "{bucket} の最新ファイルの暗号化(HeadObject の応答)とその規則"
    );
    table(c, &caption, &head, rows)
}

fn of_kind(c: &Context, trail: &Trail, kind: Kind, newest: &Newest) -> Vec<Vec<Markup>> {
    let name = html! { (c.t(&writer(kind))) };
    let one = |cell: Markup| vec![vec![name.clone(), cell, html! { "–" }, html! { "–" }]];
    match newest {
        Fact::NotAvailable(missing) => one(not_available(c, missing)),
        Fact::Known(files) if files.is_empty() => one(html! {
            (c.t(&message!("none in this time", "この期間にはありません")))
        }),
        Fact::Known(files) => files
            .iter()
            .map(|(file, looked)| {
                let why = fact(c, looked, |looked| {
                    let (how, says) = rule(kind, trail.kms_key.as_deref(), looked);
                    match how {
                        State::Warn => state(c, how, &says),
                        _ => html! { (c.t(&says)) },
                    }
                });
                vec![
                    name.clone(),
                    html! { (super::file_link(&trail.bucket, &file.key)) br; span.aside { (time(c, file.time)) } },
                    fact(c, looked, |looked| {
                        encryption(&looked.algorithm, looked.kms_key.as_deref())
                    }),
                    why,
                ]
            })
            .collect(),
    }
}

fn encryption(algorithm: &str, key: Option<&str>) -> Markup {
    html! {
        code { (if algorithm.is_empty() { "–" } else { algorithm }) }
        @if let Some(key) = key { br; (super::key_link(key, key.rsplit('/').next().unwrap_or(key))) }
    }
}

fn others(c: &Context, survey: &Survey, trail: &Trail) -> Vec<Markup> {
    let default = survey.bucket_of(trail).map(|bucket| &bucket.encryption);
    let (how, why) = match default {
        None => (html! { "–" }, html! { "–" }),
        Some(known) => (
            fact(c, known, |default| match default {
                Some(default) => encryption(&default.algorithm, default.key.as_deref()),
                None => encryption("AES256", None),
            }),
            fact(c, known, |default| html! { (c.t(&rule_of_others(default.as_ref()))) }),
        ),
    };
    vec![
        html! { (c.t(&message!("Others, by a plain PutObject", "その他(指定のない PutObject)"))) },
        html! { "–" },
        how,
        why,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_the_rule_that_made_it_so() {
        const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/a";
        let check =
            |kind: Kind, key: Option<&str>, algorithm: &str, of_file: Option<&str>, expected: State, begins: &str| {
                let file = LogFile {
                    bucket: String::new(),
                    key: String::new(),
                    algorithm: algorithm.to_owned(),
                    kms_key: of_file.map(str::to_owned),
                    last_modified: String::new(),
                };
                let (state, says) = rule(kind, key, &file);
                assert_eq!(state, expected, "{says}");
                assert!(says.to_string().starts_with(begins), "{says}");
            };
        check(
            Kind::Log,
            Some(KEY),
            "aws:kms",
            Some(KEY),
            State::Good,
            "The trail's key",
        );
        check(
            Kind::Digest,
            Some(KEY),
            "aws:kms",
            Some(KEY),
            State::Good,
            "The trail's key",
        );
        check(
            Kind::Digest,
            Some(KEY),
            "AES256",
            None,
            State::Good,
            "SSE-S3: the rule for digest files",
        );
        check(Kind::Log, Some(KEY), "AES256", None, State::Warn, "Another");
        check(
            Kind::Log,
            None,
            "AES256",
            None,
            State::Plain,
            "SSE-S3: the trail has no key",
        );
        check(
            Kind::Digest,
            None,
            "AES256",
            None,
            State::Plain,
            "SSE-S3: the trail has no key",
        );
        check(Kind::Log, None, "aws:kms", Some(KEY), State::Warn, "Another");
        check(
            Kind::Log,
            Some(KEY),
            "aws:kms",
            Some("arn:aws:kms:us-east-1:111122223333:key/b"),
            State::Warn,
            "Another",
        );
    }
}
