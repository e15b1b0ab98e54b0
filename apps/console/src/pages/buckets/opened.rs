//! A log file or digest, opened: fetched and decrypted by S3 for the reader, inflated within bounds, shown as records.

use super::{object::Asked, object_place};
use crate::{
    ROOT,
    context::Context,
    failure::Failure,
    page::{State, code, fact, facts, link, notice, number, reasons_of, refusal, table},
    web::segment,
};
use flate2::bufread::GzDecoder;
use http::Method;
use maud::{Markup, html};
use operator::{
    aws::{Client, Error},
    message,
    message::Message,
    search::Event,
    text::pretty,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::io::Read;

/// A file is opened here up to so many bytes as it lies.
const STORED_BYTES_MAX: u64 = 8 << 20;
/// And up to so many when it is inflated.
const INFLATED_BYTES_MAX: usize = 64 << 20;
/// So many records are on a page.
const RECORDS_AT_ONCE: usize = 50;
/// So many bytes of JSON a page shows.
const JSON_BYTES_MAX: usize = 1 << 20;
/// A digest is read whole up to so many bytes; one of an hour with 10 000 files has 3 MiB.
const DIGEST_BYTES_MAX: usize = 8 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What a key says that an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Log,
    Digest,
}

/// Whether a key is that of a log file or of a digest of CloudTrail.
pub(super) fn kind(key: &str) -> Option<Kind> {
    let is_file = key.ends_with(".json.gz") || key.ends_with(".json");
    let (_, behind) = key.split_once("AWSLogs/").filter(|_| is_file)?;
    match behind {
        _ if behind.contains("/CloudTrail-Digest/") => Some(Kind::Digest),
        _ if behind.contains("/CloudTrail/") => Some(Kind::Log),
        _ => None,
    }
}

/// Why a file is not shown.
enum NotShown {
    /// S3 or KMS said no.
    Refused(Error),
    /// It has more bytes than are opened here.
    TooLong,
    /// More bytes come out than are shown here.
    Bomb,
    /// What it holds is damaged, or something else.
    Unreadable,
}

/// The file as a part of its page. What cannot be opened says why.
pub(super) async fn open(c: &Context, client: &Client, asked: &Asked<'_>) -> Markup {
    match text(client, asked).await {
        Ok(text) => shown(c, asked, &text),
        Err(NotShown::Refused(error)) => refused(c, &error).await,
        Err(NotShown::TooLong) => notice(
            c,
            State::Warn,
            &message!(
                "It is too long to be opened here; download it.",
                "大きすぎるためここでは開けません。ダウンロードしてください。"
            ),
        ),
        Err(NotShown::Bomb) => notice(
            c,
            State::Bad,
            &message!(
                "Far more comes out of it than a log file holds: it was not opened to its end.",
                "展開後のサイズがログファイルとしては異常に大きいため、途中で中止しました。"
            ),
        ),
        Err(NotShown::Unreadable) => unreadable(c),
    }
}

fn unreadable(c: &Context) -> Markup {
    notice(
        c,
        State::Bad,
        &message!(
            "This is no log file or digest as CloudTrail writes them, or it is damaged.",
            "CloudTrail が書き込む形式のログファイルやダイジェストではないか、破損しています。"
        ),
    )
}

async fn text(client: &Client, asked: &Asked<'_>) -> Result<String, NotShown> {
    let range = format!("bytes=0-{}", STORED_BYTES_MAX - 1);
    let headers = [("range", range.as_str())];
    let answer = client
        .s3(Method::GET, asked.bucket, asked.key, &asked.query(), &headers, "")
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        // Nothing lies in it, so no part of it can be had.
        Err(error) if error.is(&["InvalidRange"]) => return Err(NotShown::Unreadable),
        Err(error) => return Err(NotShown::Refused(error)),
    };
    let whole = answer
        .header("content-range")
        .rsplit('/')
        .next()
        .and_then(|size| size.parse::<u64>().ok());
    if whole.unwrap_or(0) > answer.body.len() as u64 {
        return Err(NotShown::TooLong);
    }
    // Inflating and reading take a while; others are served meanwhile.
    let body = answer.body.clone();
    let bytes = tokio::task::spawn_blocking(move || inflated(&body)).await;
    let bytes = bytes.map_err(|_| NotShown::Unreadable)??;
    String::from_utf8(bytes).map_err(|_| NotShown::Unreadable)
}

/// What gzip holds, up to a bound; what is no gzip as it is.
fn inflated(body: &[u8]) -> Result<Vec<u8>, NotShown> {
    if !body.starts_with(&GZIP) {
        return Ok(body.to_vec());
    }
    let mut out = Vec::new();
    let mut within = GzDecoder::new(body).take(INFLATED_BYTES_MAX as u64 + 1);
    within.read_to_end(&mut out).map_err(|_| NotShown::Unreadable)?;
    match out.len() > INFLATED_BYTES_MAX {
        true => Err(NotShown::Bomb),
        false => Ok(out),
    }
}

#[derive(Deserialize)]
struct LogFile<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
}

fn shown(c: &Context, asked: &Asked<'_>, text: &str) -> Markup {
    let body = match kind(asked.key) {
        Some(Kind::Digest) => digest(c, text),
        _ => log(c, asked, text),
    };
    html! { section #opened { h2 { (c.t(&message!("What is in it", "内容"))) } (body) } }
}

fn log(c: &Context, asked: &Asked<'_>, text: &str) -> Markup {
    let Ok(file) = serde_json::from_str::<LogFile<'_>>(text) else {
        return unreadable(c);
    };
    let all = file.records.len();
    let from = c.query.get("from").parse::<usize>().unwrap_or(0).min(all);
    let page = file.records.iter().skip(from).take(RECORDS_AT_ONCE);
    let rows: Vec<Vec<Markup>> = page.clone().map(|raw| row(raw.get())).collect();
    let (count, first, last) = (number(all as u64), from + 1, from + rows.len());
    let next = (last < all).then(|| format!("{ROOT}{}&open=1&from={last}#opened", asked.place()));
    let head = [
        message!("Time", "時刻"),
        message!("Event", "イベント"),
        message!("Who", "誰が"),
        message!("Region", "リージョン"),
        message!("Error", "エラー"),
    ];
    let caption = message!(
        "{count} records; here {first} to {last}",
        "レコード {count} 件中 {first}〜{last}"
    );
    html! {
        @if rows.is_empty() { (notice(c, State::Plain, &message!("It holds no record.", "レコードはありません。"))) }
        @else { (table(c, &caption, &head, rows)) }
        @if let Some(next) = &next { p.actions { a.button href=(next) { (c.t(&message!("Next records", "次のレコード"))) } } }
        details {
            summary { (c.t(&message!("These records as JSON", "このページのレコード (JSON)"))) }
            @for text in within(page.map(|raw| raw.get())) {
                @match text {
                    Some(text) => (code(c, &pretty(text))),
                    None => (notice(c, State::Plain, &too_long())),
                }
            }
        }
    }
}

/// The texts as long as they fit the page; nothing in place of one that does not.
fn within<'a>(texts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = Option<&'a str>> {
    texts.scan(JSON_BYTES_MAX, |room, text| {
        let fits = text.len() <= *room;
        if fits {
            *room -= text.len();
        }
        Some(fits.then_some(text))
    })
}

fn too_long() -> Message {
    message!(
        "It is too long for a page; the download has it.",
        "長すぎるため表示しません。ダウンロードして確認してください。"
    )
}

fn row(raw: &str) -> Vec<Markup> {
    let event = Event::of(raw);
    let (region, id) = (event.region(), event.id());
    let time = event.time_text();
    let story = format!("/events/{}/{}", segment(&region), segment(&id));
    let name = html! { (event.name()) " " span.aside { (event.source()) } };
    vec![
        html! { @if id.is_empty() || region.is_empty() { (time) } @else { (link(&story, &time)) } },
        name,
        html! { (event.principal()) },
        html! { (region) },
        html! { (event.error_code().unwrap_or_default()) },
    ]
}

/// What a digest says.
fn digest(c: &Context, text: &str) -> Markup {
    if text.len() > DIGEST_BYTES_MAX {
        return notice(c, State::Plain, &too_long());
    }
    let Ok(Value::Object(digest)) = serde_json::from_str::<Value>(text) else {
        return unreadable(c);
    };
    let field = |name: &str| digest.get(name).and_then(Value::as_str).unwrap_or("–").to_owned();
    let place = |bucket: &str, key: &str| {
        let (bucket, key) = (field(bucket), field(key));
        html! { @if key == "–" { "–" } @else { (link(&format!("{}&open=1", object_place(&bucket, &key, None)), &key)) } }
    };
    let rows = vec![
        (message!("From", "開始"), html! { (field("digestStartTime")) }),
        (message!("To", "終了"), html! { (field("digestEndTime")) }),
        (
            message!("Digest before", "前のダイジェスト"),
            place("previousDigestS3Bucket", "previousDigestS3Object"),
        ),
        (
            message!("Its hash", "前のダイジェストのハッシュ"),
            html! { code { (field("previousDigestHashValue")) } },
        ),
        (
            message!("Signed with", "署名アルゴリズム"),
            html! { (field("digestSignatureAlgorithm")) },
        ),
        (
            message!("Public key", "公開鍵"),
            html! { code { (field("digestPublicKeyFingerprint")) } },
        ),
    ];
    let files = digest
        .get("logFiles")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let count = files.len();
    let head = [
        message!("Log file", "ログファイル"),
        message!("Hash", "ハッシュ"),
        message!("Newest event", "最新イベント"),
    ];
    let files = files.iter().take(1_000).map(|file| {
        let text = |name: &str| file[name].as_str().unwrap_or("–");
        let (bucket, key) = (text("s3Bucket"), text("s3Object"));
        vec![
            link(&format!("{}&open=1", object_place(bucket, key, None)), key),
            html! { code { (text("hashValue")) } },
            html! { (text("newestEventTime")) },
        ]
    });
    html! {
        (facts(c, rows))
        @if count > 0 { (table(c, &message!("{count} log files", "ログファイル {count} 件"), &head, files.collect())) }
        @else { (notice(c, State::Plain, &message!("It names no log file: nothing was delivered in its hour.", "ログファイルの記載がありません。この期間に配信はありませんでした。"))) }
        details { summary { (c.t(&message!("As JSON", "JSON"))) }
            @if text.len() <= JSON_BYTES_MAX { (code(c, &pretty(text))) } @else { (notice(c, State::Plain, &too_long())) }
        }
    }
}

/// The action that an AccessDenied names.
fn action_of(message: &str) -> Option<&str> {
    let (_, behind) = message.split_once("to perform: ")?;
    behind
        .split_whitespace()
        .next()
        .map(|action| action.trim_end_matches(['.', ',']))
}

/// Which of the two services said no, and what it takes.
pub(super) async fn refused(c: &Context, error: &Error) -> Markup {
    let told = error
        .refused()
        .map(|refused| (refused.status, refused.message.as_str(), refused.code.as_str()));
    let says: Option<Message> = told.and_then(|(status, text, code)| match action_of(text) {
        _ if code.starts_with("KMS.") => Some(message!(
            "S3 would give it; KMS cannot open it now. The key is not usable: see its state.",
            "S3 の権限はありますが、KMS で復号できません。キーが使用できない状態です。キーの状態を確認してください。"
        )),
        Some(action) if action.starts_with("kms:") => {
            let action = action.to_owned();
            Some(message!(
                "S3 lets you get this object, but KMS does not let you open it: it lies under a key for which you have no {action}. The key's policy (or a policy of yours, where the key's lets IAM decide) must allow it.",
                "S3 はこのオブジェクトの取得を許可していますが、KMS が復号を許可していません。暗号化に使われたキーに対する {action} の権限がありません。キーポリシー (または、キーポリシーが IAM に委ねている場合は IAM ポリシー) で許可する必要があります。"
            ))
        }
        Some(action) => {
            let action = action.to_owned();
            Some(message!(
                "S3 does not let you get this object: you have no {action}. KMS was not asked.",
                "S3 がこのオブジェクトの取得を許可していません。{action} の権限がありません。KMS には問い合わせていません。"
            ))
        }
        None if status == 403 => Some(message!("You may not open this object.", "このオブジェクトを開く権限がありません。")),
        None => None,
    });
    html! {
        section #opened {
            h2 { (c.t(&message!("It was not opened", "開けませんでした"))) }
            @if let Some(says) = &says { (notice(c, State::Bad, says)) }
            (refusal(c, error))
            (reasons_of(c, error).await)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    #[test]
    fn keys_say_what_files_are() {
        let check = |key: &str, expected: Option<Kind>| assert_eq!(kind(key), expected, "{key}");
        check("AWSLogs/1/CloudTrail/eu-west-1/2026/01/01/a.json.gz", Some(Kind::Log));
        check(
            "p/AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/01/01/a.json.gz",
            Some(Kind::Digest),
        );
        check("AWSLogs/1/Config/a.json.gz", None);
        check("AWSLogs/1/CloudTrail/a.html", None);
        check("CloudTrail/a.json.gz", None);
    }

    #[test]
    fn what_comes_out_is_bounded() {
        let packed = |length: usize| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&vec![b' '; length]).unwrap();
            gzip.finish().unwrap()
        };
        assert_eq!(inflated(&packed(5)).ok().map(|out| out.len()), Some(5));
        assert!(matches!(inflated(&packed(INFLATED_BYTES_MAX + 1)), Err(NotShown::Bomb)));
        let whole = packed(5_000);
        assert!(matches!(inflated(&whole[..whole.len() / 2]), Err(NotShown::Unreadable)));
    }

    #[test]
    fn a_refusal_names_its_action() {
        let text = "User: arn:aws:iam::111111111111:user/a is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because";
        assert_eq!(action_of(text), Some("kms:Decrypt"));
        assert_eq!(action_of("Access Denied"), None);
    }
}
