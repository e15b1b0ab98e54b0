//! Buckets: which there are, what is set for each, what lies in them and how it is encrypted; log files opened for those who may.

mod change;
mod download;
mod lifecycle;
mod object;
mod one;
mod opened;
mod rows;
mod xml;

use crate::{
    ROOT,
    context::Context,
    failure::Failure,
    page::{Page, State, empty, fact, link, state, table, time},
    router::{Outcome, Route, get, post},
    web::{escaped, segment},
};
use http::Method;
use maud::{Markup, html};
use operator::{
    aws::{Client, Error},
    message,
    rollback::Encryption,
    survey::{Fact, Missing},
};
use std::sync::Arc;
use tokio::task::JoinSet;

/// So many buckets are on a page of the list.
const BUCKETS_AT_ONCE: usize = 50;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/buckets", list),
        get("/buckets/{name}", one::show),
        get("/buckets/{name}/object", object::show),
        get("/buckets/{name}/download", download::give),
        get("/buckets/{name}/settings", change::show),
        post("/buckets/{name}/settings", change::set),
    ]
}

/// The place of a bucket's page below the console's root.
pub(crate) fn place(bucket: &str) -> String {
    format!("/buckets/{}", segment(bucket))
}

/// The place of an object's page.
pub(crate) fn object_place(bucket: &str, key: &str, version: Option<&str>) -> String {
    let version = version.map_or_else(String::new, |version| format!("&versionId={}", escaped(version)));
    format!("{}/object?key={}{version}", place(bucket), escaped(key))
}

/// A query of S3, as it is sent: signatures are made of names in order.
fn query(pairs: &[(&str, &str)]) -> String {
    let mut pairs: Vec<_> = pairs.to_vec();
    pairs.sort_unstable();
    let pairs = pairs.iter().map(|(name, value)| {
        let value = percent_encoding::utf8_percent_encode(value, QUERY);
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

const QUERY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The first so many buckets of the client's Region, and whether there are more.
pub(crate) async fn in_region(client: &Client, most: usize) -> Result<(Vec<String>, bool), Error> {
    let (count, region) = (most.to_string(), client.region());
    let pairs = [("bucket-region", region), ("max-buckets", count.as_str())];
    let found = listed(client, &query(&pairs)).await?;
    // A copy of S3 may know nothing of the Regions of others' buckets, or of this filter.
    let here = |bucket: &xml::Bucket| bucket.region.as_deref().is_none_or(|of| of == region);
    let names: Vec<String> = found
        .buckets
        .bucket
        .into_iter()
        .filter(here)
        .map(|bucket| bucket.name)
        .collect();
    Ok((names, found.token.is_some()))
}

async fn listed(client: &Client, query: &str) -> Result<xml::Buckets, Error> {
    let answer = client.s3(Method::GET, "", "", query, &[], "").await?;
    xml::read("ListBuckets", &answer.body)
}

/// The bucket that the path names.
fn named(c: &Context) -> Result<&str, Failure> {
    let name = c.param("name");
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    // Nothing else is a name, and names stand in paths.
    match (3..=255).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.') {
        true => Ok(name),
        false => Err(Failure::Missing(message!(
            "This is no name of a bucket.",
            "バケット名として正しくありません。"
        ))),
    }
}

async fn list(c: Arc<Context>) -> Outcome {
    let client = c.client();
    let count = BUCKETS_AT_ONCE.to_string();
    let mut pairs = vec![("max-buckets", count.as_str())];
    pairs.extend(c.query.given("token").map(|token| ("continuation-token", token)));
    pairs.extend(c.query.given("prefix").map(|prefix| ("prefix", prefix)));
    let found = listed(&client, &query(&pairs)).await?;
    let token = found.token.clone();
    let buckets = with_encryption(&client, found.buckets.bucket).await;
    let page = Page::new(&c, message!("Buckets", "バケット")).of_all_regions();
    Ok(page.with(html! {
        form.actions method="get" action={ (ROOT) "/buckets" } {
            label for="prefix" { (c.t(&message!("Names that begin with", "名前の先頭"))) }
            input #prefix name="prefix" value=(c.query.get("prefix")) spellcheck="false" autocapitalize="off";
            button type="submit" { (c.t(&message!("Show", "表示"))) }
        }
        @if buckets.is_empty() {
            (empty(&c, &message!("There is no bucket of yours here.", "該当するバケットはありません。")))
        } @else { (rows(&c, buckets)) }
        @if let Some(token) = &token {
            p.actions { a.button href={ (ROOT) "/buckets?" (c.query.with(&[("token", token)])) } { (c.t(&message!("More buckets", "次のバケット"))) } }
        }
    }))
}

async fn with_encryption(client: &Client, buckets: Vec<xml::Bucket>) -> Vec<(xml::Bucket, Fact<Option<Encryption>>)> {
    let mut asking = JoinSet::new();
    for (at, bucket) in buckets.into_iter().enumerate() {
        let client = client.in_region(bucket.region.as_deref().unwrap_or(client.region()));
        asking.spawn(async move {
            let found = Encryption::of(&client, &bucket.name).await;
            let found = found.map_err(|error| Missing::of("s3:GetBucketEncryption", client.region(), &error));
            (at, bucket, Fact::from(found))
        });
    }
    let mut all = asking.join_all().await;
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter().map(|(_, bucket, found)| (bucket, found)).collect()
}

fn rows(c: &Context, buckets: Vec<(xml::Bucket, Fact<Option<Encryption>>)>) -> Markup {
    let count = buckets.len();
    let rows = buckets.iter().map(|(bucket, encryption)| {
        vec![
            link(&place(&bucket.name), &bucket.name),
            html! { (bucket.region.as_deref().unwrap_or("–")) },
            base::Timestamp::parse(&bucket.created).map_or_else(|| html! { "–" }, |at| time(c, at)),
            fact(c, encryption, |found| default_encryption(c, found.as_ref())),
        ]
    });
    let head = [
        message!("Bucket", "バケット"),
        message!("Region", "リージョン"),
        message!("Made", "作成日時"),
        message!("Default encryption", "デフォルト暗号化"),
    ];
    let caption = message!("{count} buckets on this page", "このページのバケット {count} 件");
    table(c, &caption, &head, rows.collect())
}

/// A default encryption in words, with a link to its key.
fn default_encryption(c: &Context, found: Option<&Encryption>) -> Markup {
    match found {
        None => state(c, State::Warn, &message!("none", "なし")),
        Some(found) => sealed_by(c, found.algorithm(), found.key()),
    }
}

/// How something is encrypted.
fn sealed_by(c: &Context, algorithm: &str, key: Option<&str>) -> Markup {
    let says = match algorithm {
        "AES256" => message!("SSE-S3 (AES256)", "SSE-S3 (AES256)"),
        "aws:kms" => message!("SSE-KMS (aws:kms)", "SSE-KMS (aws:kms)"),
        "aws:kms:dsse" => message!("DSSE-KMS (aws:kms:dsse)", "DSSE-KMS (aws:kms:dsse)"),
        "" => message!("not told", "不明"),
        other => operator::message::Message::plain(other),
    };
    let how = if algorithm.starts_with("aws:kms") {
        State::Good
    } else {
        State::Plain
    };
    html! {
        (state(c, how, &says))
        @if let Some(key) = key {
            " "
            @if base::arn::split(key).is_some() { (link(&super::keys::place(key), key.rsplit('/').next().unwrap_or(key))) }
            @else { code { (key) } }
        }
    }
}
