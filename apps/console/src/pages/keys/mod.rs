//! Keys: which there are, what each protects, and what may be done to them.

mod change;
mod deletion;
mod one;
mod protects;

use crate::{
    ROOT,
    context::Context,
    failure::Failure,
    page::{self, Page, State, bytes, empty, fact, link, number, state, table},
    router::{Outcome, Route, get, post},
    web::segment,
};
use maud::{Markup, html};
use operator::{
    aws::Client,
    message,
    message::Message,
    survey::{self, Depth, Fact, Key, KeyMetadata, Trail},
};
use protects::Protected;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use wire::ServiceName::Kms;

/// So many keys are on a page of the list.
const KEYS_AT_ONCE: u32 = 25;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/keys", list),
        get("/keys/{region}/{id}", one::show),
        get("/keys/{region}/{id}/delete", deletion::show),
        post("/keys/{region}/{id}/delete", deletion::schedule),
        post("/keys/{region}/{id}/state", change::set_state),
        post("/keys/{region}/{id}/rotation", change::set_rotation),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    keys: Vec<ListedKey>,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedKey {
    key_arn: String,
}

/// The place of a key's page below the console's root.
pub(crate) fn place(arn: &str) -> String {
    let parts = base::arn::split(arn);
    let region = parts.as_ref().map_or("-", |parts| parts.region);
    let id = parts.as_ref().and_then(|parts| parts.resource.strip_prefix("key/"));
    format!("/keys/{}/{}", segment(region), segment(id.unwrap_or(arn)))
}

async fn list(c: Arc<Context>) -> Outcome {
    let client = c.client();
    let mut input = json!({ "Limit": KEYS_AT_ONCE });
    if let Some(marker) = c.query.given("marker") {
        input["Marker"] = marker.into();
    }
    let listed: Listed = client.ask(Kms, "ListKeys", &input).await?;
    let names: Vec<String> = listed.keys.into_iter().map(|key| key.key_arn).collect();
    let (keys, trails, protected) = tokio::join!(
        survey::read_keys(&client, &names, Depth::Status),
        trails(&client),
        protects::count(&client, protects::LIST),
    );
    let region = &c.region;
    let page = Page::new(&c, message!("Keys in {region}", "{region} のキー"));
    Ok(page.with(html! {
        @if keys.is_empty() {
            (empty(&c, &message!("There is no key here. A key is made with a trail, or by kms:CreateKey.", "このリージョンにキーはありません。キーは証跡の作成時か kms:CreateKey で作成されます。")))
        } @else {
            (rows(&c, &keys, &trails, &protected))
            (protects::limits(&c, &protected))
        }
        @if let Some(marker) = &listed.next_marker {
            p.actions { a.button href={ (ROOT) "/keys?" (c.query.with(&[("marker", marker), ("region", &c.region)])) } { (c.t(&message!("More keys", "次のキー"))) } }
        }
    }))
}

fn rows(c: &Context, keys: &[Key], trails: &Fact<Vec<Trail>>, protected: &Protected) -> Markup {
    let rows = keys.iter().map(|key| {
        let sum = protected.of(&key.arn);
        let users = fact(c, trails, |trails| {
            let used: Vec<&Trail> = users(trails, &key.arn).collect();
            trail_links(&used)
        });
        vec![
            html! { (link(&place(&key.arn), key.id())) (aliases(c, key)) },
            fact(c, &key.metadata, |metadata| key_state(c, metadata)),
            fact(
                c,
                &key.metadata,
                |metadata| html! { (metadata.manager) ", " (metadata.spec) },
            ),
            users,
            html! {
                (number(sum.objects)) @if sum.objects > 0 { span.aside { " (" (bytes(sum.bytes)) ")" } }
                @if protected.is_at_least() { " " span.aside { (c.t(&message!("at least", "以上"))) } }
            },
        ]
    });
    let head = [
        message!("Key", "キー"),
        message!("State", "状態"),
        message!("Kind", "種類"),
        message!("Trails", "証跡"),
        message!("Objects", "オブジェクト"),
    ];
    let count = keys.len();
    let caption = message!("{count} keys on this page", "このページのキー {count} 件");
    table(c, &caption, &head, rows.collect())
}

fn aliases(c: &Context, key: &Key) -> Markup {
    fact(c, &key.aliases, |aliases| {
        html! { @for alias in aliases { br; span.aside { (alias) } } }
    })
}

/// A key's state in words, with AWS's name.
fn key_state(c: &Context, metadata: &KeyMetadata) -> Markup {
    let (kind, says) = match metadata.state.as_str() {
        "Enabled" => (State::Good, message!("Enabled", "有効 (Enabled)")),
        "Disabled" => (State::Warn, message!("Disabled", "無効 (Disabled)")),
        "PendingDeletion" => (
            State::Bad,
            message!("Deletion is scheduled (PendingDeletion)", "削除予定 (PendingDeletion)"),
        ),
        other => (State::Warn, Message::plain(other)),
    };
    state(c, kind, &says)
}

/// The trails of all Regions.
async fn trails(client: &Client) -> Fact<Vec<Trail>> {
    let what = survey::What::default();
    match survey::read(client, &what).await {
        Ok(survey) => Fact::Known(survey.trails),
        Err(error) => Fact::NotAvailable(survey::Missing::of(
            "cloudtrail:DescribeTrails",
            client.region(),
            &error,
        )),
    }
}

/// Those that seal their files under a key.
fn users<'a>(trails: &'a [Trail], arn: &'a str) -> impl Iterator<Item = &'a Trail> {
    trails.iter().filter(move |trail| trail.kms_key.as_deref() == Some(arn))
}

fn trail_links(trails: &[&Trail]) -> Markup {
    html! {
        @for (at, trail) in trails.iter().enumerate() {
            @if at > 0 { ", " }
            (link(&format!("/trails/{}/{}", segment(&trail.home_region), segment(&trail.name)), &trail.name))
        }
        @if trails.is_empty() { "–" }
    }
}

/// A key as its page's path names it, and a client in its Region.
struct Asked {
    client: Client,
    region: String,
    key: Key,
}

/// Reads the key that the path names.
async fn asked(c: &Context, depth: Depth) -> Result<Asked, Failure> {
    let (region, id) = (c.param("region"), c.param("id"));
    let none = || {
        Failure::Missing(message!(
            "There is no key {id} in {region}, or you may not see it.",
            "{region} にキー {id} はないか、表示する権限がありません。"
        ))
    };
    if region.parse::<base::Region>().is_err() {
        return Err(none());
    }
    let client = c.client().in_region(region);
    let named = [name_of(c, region, id)];
    let key = survey::read_keys(&client, &named, depth).await.pop().ok_or_else(none)?;
    let nothing = key.metadata.missing().is_some() && key.policy.known().is_none() && key.aliases.known().is_none();
    if key.is_gone() || (nothing && depth == Depth::Full) {
        return Err(none());
    }
    Ok(Asked {
        client,
        region: region.to_owned(),
        key,
    })
}

/// An id as an ARN, so that what may be read is read though DescribeKey is refused.
fn name_of(c: &Context, region: &str, id: &str) -> String {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    match !id.is_empty() && id.bytes().all(plain) {
        true => {
            let caller = &c.session.caller;
            let partition = base::arn::split(&caller.arn).map_or("aws", |parts| parts.partition);
            format!("arn:{partition}:kms:{region}:{}:key/{id}", caller.account)
        }
        false => id.to_owned(),
    }
}

impl Asked {
    /// What people call it: its first alias, else its id.
    fn title(&self) -> String {
        let aliases = self.key.aliases.known();
        let first = aliases.and_then(|aliases| aliases.first());
        first.cloned().unwrap_or_else(|| self.key.id().to_owned())
    }

    fn place(&self) -> String {
        format!("/keys/{}/{}", segment(&self.region), segment(self.key.id()))
    }

    /// A page of this key, below the list.
    fn page<'a>(&self, c: &'a Context, title: Message) -> Page<'a> {
        let list = format!("/keys?region={}", segment(&self.region));
        let page = Page::new(c, title).of_all_regions();
        page.below(message!("Keys", "キー"), list)
    }
}
