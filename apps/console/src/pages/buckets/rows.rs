//! What lies in a bucket: folders and objects, each with what HeadObject says of its encryption.

use super::{object_place, place, query, sealed_by, xml};
use crate::{
    ROOT,
    context::Context,
    page::{State, bytes, empty, fact, link, state, table, time},
    web::escaped,
};
use base::Timestamp;
use http::Method;
use maud::{Markup, html};
use operator::{
    aws::{Client, Error},
    message,
    message::Message,
    survey::{Fact, Missing},
};
use std::sync::Arc;
use tokio::{sync::Semaphore, task::JoinSet};

/// So many objects and folders are on a page.
const OBJECTS_AT_ONCE: &str = "50";
/// So many are asked for at a time.
const HEADS_AT_ONCE: usize = 16;

/// What HeadObject says of an object's encryption.
#[derive(Clone, Debug, Default)]
pub(super) struct Sealed {
    pub(super) algorithm: String,
    pub(super) key: Option<String>,
    pub(super) bucket_key: bool,
}

impl Sealed {
    pub(super) fn of(header: impl Fn(&str) -> String) -> Sealed {
        let own = header("x-amz-server-side-encryption-customer-algorithm");
        let algorithm = header("x-amz-server-side-encryption");
        Sealed {
            algorithm: if own.is_empty() { algorithm } else { "SSE-C".to_owned() },
            key: Some(header("x-amz-server-side-encryption-aws-kms-key-id")).filter(|key| !key.is_empty()),
            bucket_key: header("x-amz-server-side-encryption-bucket-key-enabled") == "true",
        }
    }

    pub(super) fn told(&self, c: &Context) -> Markup {
        html! {
            (sealed_by(c, &self.algorithm, self.key.as_deref()))
            @if self.bucket_key { " " span.aside { (c.t(&message!("bucket key", "バケットキー"))) } }
        }
    }
}

/// A page of a bucket.
pub(super) struct Listing {
    folders: Vec<String>,
    objects: Vec<Row>,
    /// With what the next page is asked for; empty at the end.
    next: Vec<(&'static str, String)>,
}

struct Row {
    object: xml::Object,
    is_marker: bool,
    sealed: Fact<Sealed>,
}

impl Listing {
    /// The first object, for whom it may concern.
    pub(super) fn first(&self) -> Option<&str> {
        let objects = self.objects.iter().filter(|row| !row.is_marker);
        objects.map(|row| row.object.key.as_str()).next()
    }
}

/// A field of the query as it was sent: keys may begin or end with space.
fn raw<'a>(c: &'a Context, name: &str) -> &'a str {
    c.query
        .fields()
        .find(|(known, _)| *known == name)
        .map_or("", |(_, value)| value)
}

fn given<'a>(c: &'a Context, name: &str) -> Option<&'a str> {
    Some(raw(c, name)).filter(|value| !value.is_empty())
}

/// The page that the query asks for: `prefix`, `versions`, and where the page before ended.
pub(super) async fn read(c: &Context, client: &Client, bucket: &str) -> Result<Listing, Error> {
    let prefix = raw(c, "prefix");
    let mut pairs = vec![
        ("delimiter", "/"),
        ("encoding-type", "url"),
        ("max-keys", OBJECTS_AT_ONCE),
        ("prefix", prefix),
    ];
    let (folders, objects, markers, next) = if c.query.is_on("versions") {
        pairs.push(("versions", ""));
        pairs.extend(given(c, "key").map(|key| ("key-marker", key)));
        pairs.extend(given(c, "version").map(|version| ("version-id-marker", version)));
        let answer = client.s3(Method::GET, bucket, "", &query(&pairs), &[], "").await?;
        let found: xml::Versions = xml::read("ListObjectVersions", &answer.body)?;
        let key = found
            .next_key_marker
            .filter(|key| !key.is_empty())
            .map(|key| ("key", xml::decoded(&key)));
        let version = found
            .next_version_id_marker
            .filter(|id| !id.is_empty())
            .map(|id| ("version", id));
        (
            found.common_prefixes,
            found.version,
            found.delete_marker,
            key.into_iter().chain(version).collect(),
        )
    } else {
        pairs.push(("list-type", "2"));
        pairs.extend(given(c, "token").map(|token| ("continuation-token", token)));
        let answer = client.s3(Method::GET, bucket, "", &query(&pairs), &[], "").await?;
        let found: xml::Objects = xml::read("ListObjectsV2", &answer.body)?;
        let next = found.next_continuation_token.map(|token| ("token", token));
        (
            found.common_prefixes,
            found.contents,
            Vec::new(),
            next.into_iter().collect(),
        )
    };
    let decoded = |mut object: xml::Object| {
        object.key = xml::decoded(&object.key);
        object
    };
    let objects: Vec<_> = objects.into_iter().map(decoded).map(|object| (object, false)).collect();
    let markers = markers.into_iter().map(decoded).map(|object| (object, true));
    let mut rows = with_heads(client, bucket, objects.into_iter().chain(markers)).await;
    // By key; of a key's versions the newest first.
    rows.sort_by(|one, other| {
        let modified = other.object.last_modified.cmp(&one.object.last_modified);
        one.object
            .key
            .cmp(&other.object.key)
            .then(other.object.is_latest.cmp(&one.object.is_latest))
            .then(modified)
    });
    Ok(Listing {
        folders: folders.iter().map(|folder| xml::decoded(&folder.prefix)).collect(),
        objects: rows,
        next,
    })
}

async fn with_heads(client: &Client, bucket: &str, objects: impl Iterator<Item = (xml::Object, bool)>) -> Vec<Row> {
    let turns = Arc::new(Semaphore::new(HEADS_AT_ONCE));
    let mut asking = JoinSet::new();
    for (object, is_marker) in objects {
        let (client, bucket, turns) = (client.clone(), bucket.to_owned(), Arc::clone(&turns));
        asking.spawn(async move {
            // The semaphore is never closed.
            let _turn = turns.acquire().await;
            let sealed = match is_marker {
                true => Fact::NotAvailable(Missing::not_asked("s3:HeadObject")),
                false => head(&client, &bucket, &object).await,
            };
            Row {
                object,
                is_marker,
                sealed,
            }
        });
    }
    asking.join_all().await
}

async fn head(client: &Client, bucket: &str, object: &xml::Object) -> Fact<Sealed> {
    let version = object.version_id.as_deref().map(|id| query(&[("versionId", id)]));
    let query = version.unwrap_or_default();
    match client.s3(Method::HEAD, bucket, &object.key, &query, &[], "").await {
        Ok(answer) => Fact::Known(Sealed::of(|name| answer.header(name).to_owned())),
        Err(error) => Fact::NotAvailable(Missing::of("s3:HeadObject", client.region(), &error)),
    }
}

/// A link to another folder or page of the same bucket.
fn browse(c: &Context, bucket: &str, changed: &[(&str, &str)]) -> String {
    let clear = [("token", ""), ("key", ""), ("version", "")];
    let kept: Vec<_> = clear
        .iter()
        .filter(|(name, _)| changed.iter().all(|(other, _)| other != name))
        .chain(changed)
        .copied()
        .collect();
    format!("{ROOT}{}?{}#objects", place(bucket), c.query.with(&kept))
}

/// The folders above, each a link.
fn path(c: &Context, bucket: &str, prefix: &str) -> Markup {
    let mut at = 0;
    let parts: Vec<(&str, &str)> = prefix
        .split_inclusive('/')
        .map(|part| {
            at += part.len();
            (part, prefix.get(..at).unwrap_or(prefix))
        })
        .collect();
    html! {
        p.path { a href=(browse(c, bucket, &[("prefix", "")])) { (bucket) "/" }
            @for (part, whole) in &parts { " " a href=(browse(c, bucket, &[("prefix", whole)])) { (part) } }
        }
    }
}

/// The page as a table, with its folders and what leads on.
pub(super) fn told(c: &Context, bucket: &str, listing: &Listing) -> Markup {
    let prefix = raw(c, "prefix");
    let versions = c.query.is_on("versions");
    let next: Vec<(&str, &str)> = listing
        .next
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let (turned, says) = match versions {
        true => ("", message!("Hide older versions", "古いバージョンを隠す")),
        false => ("1", message!("Show all versions", "すべてのバージョンを表示")),
    };
    html! {
        (path(c, bucket, prefix))
        p { a href=(browse(c, bucket, &[("versions", turned)])) { (c.t(&says)) } }
        @if !listing.folders.is_empty() {
            ul.folders {
                @for folder in &listing.folders {
                    li { a href=(browse(c, bucket, &[("prefix", folder)])) { (folder.strip_prefix(prefix).unwrap_or(folder)) } }
                }
            }
        }
        @if listing.objects.is_empty() {
            @if listing.folders.is_empty() { (empty(c, &message!("Nothing lies here.", "オブジェクトはありません。"))) }
        } @else { (objects(c, bucket, prefix, listing, versions)) }
        @if !next.is_empty() {
            p.actions { a.button href=(browse(c, bucket, &next)) { (c.t(&message!("Next page", "次のページ"))) } }
        }
    }
}

fn objects(c: &Context, bucket: &str, prefix: &str, listing: &Listing, versions: bool) -> Markup {
    let rows = listing.objects.iter().map(|row| {
        let object = &row.object;
        let version = object.version_id.as_deref().filter(|_| versions);
        let name = object
            .key
            .strip_prefix(prefix)
            .filter(|name| !name.is_empty())
            .unwrap_or(&object.key);
        let mut cells = vec![
            match row.is_marker {
                true => html! { (name) " " (state(c, State::Plain, &message!("delete marker", "削除マーカー"))) },
                false => link(&object_place(bucket, &object.key, version), name),
            },
            html! { @if row.is_marker { "–" } @else { (bytes(object.size)) } },
            Timestamp::parse(&object.last_modified).map_or_else(|| html! { "–" }, |at| time(c, at)),
            match row.is_marker {
                true => html! { "–" },
                false => fact(c, &row.sealed, |sealed| sealed.told(c)),
            },
        ];
        if versions {
            let latest = object.is_latest;
            cells.push(html! {
                code { (object.version_id.as_deref().unwrap_or("–")) }
                @if latest { " " span.aside { (c.t(&message!("latest", "最新"))) } }
            });
        }
        cells
    });
    let mut head: Vec<Message> = vec![
        message!("Object", "オブジェクト"),
        message!("Size", "サイズ"),
        message!("Put", "更新日時"),
        message!("Encryption", "暗号化"),
    ];
    if versions {
        head.push(message!("Version", "バージョン"));
    }
    let count = listing.objects.len();
    let caption = message!("{count} objects on this page", "このページのオブジェクト {count} 件");
    table(c, &caption, &head, rows.collect())
}

/// The page of a folder.
pub(super) fn folder_place(bucket: &str, key: &str) -> String {
    let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
    let slash = if folder.is_empty() { "" } else { "%2F" };
    format!("{}?prefix={}{slash}", place(bucket), escaped(folder))
}
