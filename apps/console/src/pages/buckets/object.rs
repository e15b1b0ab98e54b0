//! One object: what HeadObject says of it, who reads it, and, for a log file or digest, what is in it.

use super::{named, object_place, opened, place, query, rows};
use crate::{
    ROOT,
    context::Context,
    failure::Failure,
    page::{Page, bytes, facts, time},
    pages::who,
    router::Outcome,
    web::escaped,
};
use base::Timestamp;
use http::Method;
use maud::{Markup, html};
use operator::{
    aws::{Answer, Client, Error},
    message,
    message::Message,
};
use serde_json::json;
use std::sync::Arc;

/// An object as the query names it.
pub(super) struct Asked<'a> {
    pub(super) bucket: &'a str,
    /// As it was sent: a key may begin or end with space.
    pub(super) key: &'a str,
    pub(super) version: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub(super) fn of(c: &'a Context) -> Result<Asked<'a>, Failure> {
        let field = |name| {
            c.query
                .fields()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        };
        let asked = Asked {
            bucket: named(c)?,
            key: field("key").unwrap_or_default(),
            version: field("versionId").filter(|id| !id.is_empty()),
        };
        match asked.key.is_empty() {
            true => Err(Failure::no_page()),
            false => Ok(asked),
        }
    }

    /// The query that names the version.
    pub(super) fn query(&self) -> String {
        self.version.map_or_else(String::new, |id| query(&[("versionId", id)]))
    }

    /// The name without its folders.
    pub(super) fn name(&self) -> &str {
        self.key.rsplit('/').find(|part| !part.is_empty()).unwrap_or(self.key)
    }

    pub(super) fn place(&self) -> String {
        object_place(self.bucket, self.key, self.version)
    }
}

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let asked = Asked::of(&c)?;
    let client = c.client();
    let object = json!({ "Object": format!("s3://{}/{}", asked.bucket, asked.key) });
    let query = asked.query();
    let opened = async {
        match c.query.is_on("open") && opened::kind(asked.key).is_some() {
            true => Some(opened::open(&c, &client, &asked).await),
            false => None,
        }
    };
    let (head, access, opened) = tokio::join!(
        client.s3(Method::HEAD, asked.bucket, asked.key, &query, &[], ""),
        who::may(&client, &object),
        opened,
    );
    let head = match head {
        Ok(head) => head,
        Err(error) => return refused(&c, &client, &asked, error).await,
    };
    let (bucket, folder) = (asked.bucket, rows::folder_place(asked.bucket, asked.key));
    let folders = asked.key.rsplit_once('/').map_or("", |(folder, _)| folder);
    let page = Page::new(&c, Message::plain(asked.name())).of_all_regions();
    let mut page = page
        .below(message!("Buckets", "バケット"), "/buckets")
        .below(Message::plain(bucket), place(bucket));
    if !folders.is_empty() {
        page = page.below(Message::plain(folders), folder);
    }
    Ok(page.with(html! {
        (told(&c, &asked, &head))
        (actions(&c, &asked, opened.is_some()))
        @if let Some(opened) = &opened { (opened) }
        section {
            h2 { (c.t(&message!("Who can read it", "読み取れる人"))) }
            (who::table_of(&c, &access, false))
        }
    }))
}

/// HEAD is refused without words; a GET of one byte has them.
async fn refused(c: &Context, client: &Client, asked: &Asked<'_>, error: Error) -> Outcome {
    let query = asked.query();
    let error = match error.refused().map(|refused| refused.status) {
        Some(403) => {
            let headers = [("range", "bytes=0-0")];
            let answer = client
                .s3(Method::GET, asked.bucket, asked.key, &query, &headers, "")
                .await;
            answer.err().unwrap_or(error)
        }
        Some(404) => {
            return Err(Failure::Missing(message!(
                "There is no such object, or no such version of it.",
                "このオブジェクトまたはバージョンは存在しません。"
            )));
        }
        Some(405) => {
            return Err(Failure::Missing(message!(
                "This version is a delete marker: it says that the object was deleted.",
                "このバージョンは削除マーカーです。オブジェクトが削除されたことを示します。"
            )));
        }
        _ => error,
    };
    let told = opened::refused(c, &error).await;
    let failure = Failure::from(error);
    let page = Page::new(c, failure.title()).of_all_regions();
    let page = page
        .below(message!("Buckets", "バケット"), "/buckets")
        .below(Message::plain(asked.bucket), place(asked.bucket));
    Ok(page.with(told).status(failure.status()))
}

fn told(c: &Context, asked: &Asked<'_>, head: &Answer) -> Markup {
    let sealed = rows::Sealed::of(|name| head.header(name).to_owned());
    let size: u64 = head.header("content-length").parse().unwrap_or(0);
    let modified = head.header("last-modified");
    let mut rows = vec![
        (message!("Key", "キー"), html! { code { (asked.key) } }),
        (message!("Size", "サイズ"), html! { (bytes(size)) }),
        (message!("Encryption", "暗号化"), sealed.told(c)),
        (
            message!("Put", "更新日時"),
            Timestamp::parse_http(modified).map_or_else(|| html! { (modified) }, |at| time(c, at)),
        ),
    ];
    const MORE: [&str; 10] = [
        "content-type",
        "content-encoding",
        "etag",
        "x-amz-version-id",
        "x-amz-storage-class",
        "x-amz-expiration",
        "x-amz-object-lock-mode",
        "x-amz-object-lock-retain-until-date",
        "x-amz-object-lock-legal-hold",
        "x-amz-tagging-count",
    ];
    let more = MORE
        .iter()
        .map(|name| (*name, head.header(name)))
        .filter(|(_, value)| !value.is_empty());
    rows.extend(more.map(|(name, value)| (Message::plain(name), html! { (value) })));
    let own = head
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
    rows.extend(own.map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (Message::plain(name.as_str()), html! { (text) })
    }));
    facts(c, rows)
}

fn actions(c: &Context, asked: &Asked<'_>, is_open: bool) -> Markup {
    let version = asked
        .version
        .map_or_else(String::new, |id| format!("&versionId={}", escaped(id)));
    let download = format!("{}/download?key={}{version}", place(asked.bucket), escaped(asked.key));
    html! {
        div.actions {
            @if opened::kind(asked.key).is_some() && !is_open {
                a.button.primary href={ (ROOT) (asked.place()) "&open=1" } { (c.t(&message!("Open", "開く"))) }
            }
            a.button href={ (ROOT) (download) } download="" { (c.t(&message!("Download", "ダウンロード"))) }
        }
    }
}
