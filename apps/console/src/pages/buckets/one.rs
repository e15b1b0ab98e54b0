//! One bucket: its settings, who reads, and what lies in it.

use super::{lifecycle, named, place, rows, sealed_by};
use crate::{
    ROOT,
    context::Context,
    failure::Failure,
    page::{Page, State, fact, facts, link, notice, state},
    pages::{making::policy_told, who},
    router::Outcome,
    web::segment,
};
use maud::{Markup, html};
use operator::{
    aws::{Client, Error},
    message,
    message::Message,
    survey::{self, Bucket, Fact, Missing, PublicAccessBlock, Survey, Trail},
};
use serde_json::json;
use std::sync::Arc;

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let name = named(&c)?;
    // Whoever walks through folders is not told the settings again.
    let is_browsing = ["prefix", "token", "key", "versions"]
        .iter()
        .any(|part| c.query.given(part).is_some());
    let client = c.client();
    if is_browsing {
        let listing = rows::read(&c, &client, name).await?;
        let page = Page::new(&c, message!("Bucket {name}", "バケット {name}")).of_all_regions();
        let page = page
            .below(message!("Buckets", "バケット"), "/buckets")
            .below(Message::plain(name), place(name));
        return Ok(page.with(html! { section #objects { h2 { (c.t(&objects())) } (rows::told(&c, name, &listing)) } }));
    }
    let (bucket, listing, survey) = tokio::join!(
        survey::read_bucket(&client, name),
        rows::read(&c, &client, name),
        trails(&client),
    );
    let bucket = bucket
        .filter(|bucket| bucket.exists != Fact::Known(false))
        .ok_or_else(|| none(name))?;
    let client = client.in_region(bucket.region.known().map_or(client.region(), String::as_str));
    let (counted, access) = tokio::join!(
        lifecycle::counted(&client, name, bucket.lifecycle.known().map_or(&[], Vec::as_slice)),
        readers(&client, name, &listing),
    );
    let page = Page::new(&c, message!("Bucket {name}", "バケット {name}")).of_all_regions();
    let page = page.below(message!("Buckets", "バケット"), "/buckets");
    Ok(page.with(html! {
        (told(&c, &bucket, &survey))
        section #objects {
            h2 { (c.t(&objects())) }
            @match &listing {
                Ok(listing) => (rows::told(&c, name, listing)),
                Err(error) => (notice(&c, State::Bad, &error.message())),
            }
        }
        section {
            h2 { (c.t(&message!("Lifecycle", "ライフサイクル"))) }
            (fact(&c, &bucket.lifecycle, |rules| {
                let writing = writing(&survey, name);
                lifecycle::told(&c, rules, &counted, &writing)
            }))
        }
        (policy(&c, &bucket))
        (who_reads(&c, access.as_ref()))
    }))
}

fn objects() -> Message {
    message!("Objects", "オブジェクト")
}

fn none(name: &str) -> Failure {
    Failure::Missing(message!(
        "There is no bucket {name}.",
        "バケット {name} は存在しません。"
    ))
}

async fn trails(client: &Client) -> Fact<Survey> {
    let found = survey::read(client, &survey::What::default()).await;
    found
        .map_err(|error| Missing::of("cloudtrail:DescribeTrails", client.region(), &error))
        .into()
}

/// The trails that write into a bucket.
fn writing<'a>(survey: &'a Fact<Survey>, name: &str) -> Vec<&'a Trail> {
    let trails = survey
        .known()
        .map(|survey| survey.trails.as_slice())
        .unwrap_or_default();
    trails.iter().filter(|trail| trail.bucket == name).collect()
}

/// Who may read one of the objects, and which; nothing when none is known.
async fn readers(
    client: &Client,
    bucket: &str,
    listing: &Result<rows::Listing, Error>,
) -> Option<(String, Fact<who::Access>)> {
    let key = listing.as_ref().ok().and_then(rows::Listing::first);
    // Without an object, a name of none: what the policies say of the bucket as a whole.
    let object = format!("s3://{bucket}/{}", key.unwrap_or("AWSLogs/"));
    let access = who::may(client, &json!({ "Object": object })).await;
    Some((object, access))
}

fn who_reads(c: &Context, access: Option<&(String, Fact<who::Access>)>) -> Markup {
    html! {
        @if let Some((object, access)) = access {
            section {
                h2 { (c.t(&message!("Who can read", "読み取れる人"))) }
                p { (c.t(&message!("Asked for", "対象:"))) " " code { (object) } }
                (who::table_of(c, access, false))
            }
        }
    }
}

fn policy(c: &Context, bucket: &Bucket) -> Markup {
    let desk = format!("/policy?kind=bucket&id={}", crate::web::escaped(&bucket.name));
    html! {
        section {
            h2 { (c.t(&message!("Bucket policy", "バケットポリシー"))) }
            (fact(c, &bucket.policy, |document| match document {
                Some(document) => policy_told(c, document),
                None => crate::page::empty(c, &message!("It has none.", "設定されていません。")),
            }))
            p { (link(&desk, c.t(&message!("Edit it at the policy desk", "ポリシー画面で編集")))) }
        }
    }
}

fn told(c: &Context, bucket: &Bucket, survey: &Fact<Survey>) -> Markup {
    let none = || html! { "–" };
    let writing = fact(c, survey, |_| {
        let writing = writing(survey, &bucket.name);
        html! {
            @for (at, trail) in writing.iter().enumerate() {
                @if at > 0 { ", " }
                (link(&format!("/trails/{}/{}", segment(&trail.home_region), segment(&trail.name)), &trail.name))
            }
            @if writing.is_empty() { "–" }
        }
    });
    let encryption = fact(c, &bucket.encryption, |found| match found {
        Some(found) => html! {
            (sealed_by(c, &found.algorithm, found.key.as_deref()))
            @if found.bucket_key { " " span.aside { (c.t(&message!("bucket key", "バケットキー"))) } }
        },
        None => state(c, State::Warn, &message!("none", "なし")),
    });
    let tags = fact(c, &bucket.tags, |tags| {
        html! {
            @if tags.is_empty() { "–" } @else { ul { @for (name, value) in tags { li { (name) " = " (value) } } } }
        }
    });
    let rows = vec![
        (
            message!("Region", "リージョン"),
            fact(c, &bucket.region, |region| html! { (region) }),
        ),
        (message!("Trails that write into it", "書き込む証跡"), writing),
        (message!("Default encryption", "デフォルト暗号化"), encryption),
        (message!("Public access", "パブリックアクセス"), public(c, bucket)),
        (message!("Versioning", "バージョニング"), versioning(c, bucket)),
        (message!("Object Lock", "オブジェクトロック"), lock(c, bucket)),
        (
            message!("Object ownership", "オブジェクト所有権"),
            fact(c, &bucket.ownership, |found| {
                found.as_ref().map_or_else(none, |found| html! { (found) })
            }),
        ),
        (
            message!("Access logs", "アクセスログ"),
            fact(c, &bucket.logging, |found| {
                found.as_ref().map_or_else(
                    none,
                    |found| html! { (link(&place(&found.bucket), &found.bucket)) "/" (found.prefix) },
                )
            }),
        ),
        (message!("Tags", "タグ"), tags),
    ];
    html! {
        (facts(c, rows))
        p.actions { a.button href={ (ROOT) (place(&bucket.name)) "/settings" } { (c.t(&message!("Change settings…", "設定を変更…"))) } }
    }
}

/// What blocks public access, by AWS's names.
pub(super) fn blocks(block: &PublicAccessBlock) -> [(&'static str, bool); 4] {
    [
        ("BlockPublicAcls", block.block_public_acls),
        ("IgnorePublicAcls", block.ignore_public_acls),
        ("BlockPublicPolicy", block.block_public_policy),
        ("RestrictPublicBuckets", block.restrict_public_buckets),
    ]
}

fn public(c: &Context, bucket: &Bucket) -> Markup {
    let block = fact(c, &bucket.public_access_block, |found| match found {
        Some(block) if block.is_whole() => state(c, State::Good, &message!("all blocked", "すべてブロック")),
        Some(block) => {
            let off: Vec<&str> = blocks(block)
                .iter()
                .filter(|(_, on)| !on)
                .map(|(name, _)| *name)
                .collect();
            let off = off.join(", ");
            state(c, State::Warn, &message!("not blocked: {off}", "ブロックなし: {off}"))
        }
        None => state(c, State::Warn, &message!("not blocked", "ブロックなし")),
    });
    html! {
        (block)
        (fact(c, &bucket.policy_is_public, |is_public| match is_public {
            Some(true) => html! { " " (state(c, State::Bad, &message!("the policy is public", "ポリシーが公開状態"))) },
            Some(false) | None => html! {},
        }))
    }
}

fn versioning(c: &Context, bucket: &Bucket) -> Markup {
    fact(c, &bucket.versioning, |found| match found.status.as_deref() {
        Some("Enabled") => state(c, State::Good, &message!("Enabled", "有効 (Enabled)")),
        Some(other) => state(c, State::Warn, &Message::plain(other)),
        None => state(c, State::Plain, &message!("never switched on", "未設定")),
    })
}

fn lock(c: &Context, bucket: &Bucket) -> Markup {
    fact(c, &bucket.object_lock, |found| match found {
        None => html! { "–" },
        Some(lock) => {
            let time = match (lock.days, lock.years) {
                (Some(days), _) => message!("{days} days", "{days} 日"),
                (None, Some(years)) => message!("{years} years", "{years} 年"),
                (None, None) => message!("no default retention", "デフォルト保持期間なし"),
            };
            html! { (lock.mode.as_deref().unwrap_or("")) " " (c.t(&time)) }
        }
    })
}
