//! Trails: those of all Regions, and a page for each with what it selects, where that goes, whether it arrives and can be trusted.

mod chain;
mod checks;
mod files;
mod list;
mod path;
mod plan;
mod readers;
mod sealed;
mod selectors;
mod settings;
mod verify;
mod view;

use crate::{
    ROOT,
    context::Context,
    failure::Failure,
    page::{Page, State, state},
    router::{Route, get, post},
    web::{escaped, segment},
};
use base::{Region, Timestamp};
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    survey::{self, Depth, Encryption, Fact, Survey, Trail, What},
};
use serde_json::json;
use wire::ServiceName::CloudTrail;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/trails", list::show),
        get("/trails/{region}/{name}", view::show),
        get("/trails/{region}/{name}/verify", verify::show),
        get("/trails/{region}/{name}/readers", readers::show),
        get("/trails/{region}/{name}/checks", checks::show),
        get("/trails/{region}/{name}/settings", settings::show),
        post("/trails/{region}/{name}/settings", settings::change),
    ]
}

/// The page of a trail, below the root.
fn path_of(region: &str, name: &str) -> String {
    format!("/trails/{}/{}", segment(region), segment(name))
}

fn bucket_link(bucket: &str) -> Markup {
    html! { a href={ (ROOT) "/buckets/" (segment(bucket)) } { (bucket) } }
}

/// A key's page, by its ARN; only its name when that is no ARN.
fn key_link(arn: &str, name: &str) -> Markup {
    match key_path(arn) {
        Some(path) => html! { a href=(path) title=(arn) { (name) } },
        None => html! { code { (name) } },
    }
}

/// The address of a key's page.
fn key_path(arn: &str) -> Option<String> {
    let parts = base::arn::split(arn)?;
    let id = parts.resource.strip_prefix("key/")?;
    Some(format!("{ROOT}/keys/{}/{}", segment(parts.region), segment(id)))
}

/// A file in a bucket, by its name; its whole key where one looks for it.
fn file_link(bucket: &str, key: &str) -> Markup {
    let name = key.rsplit('/').next().unwrap_or(key);
    let path = format!("{ROOT}/buckets/{}/object?key={}", segment(bucket), escaped(key));
    html! { a.file href=(path) title=(key) { (name) } }
}

fn logging(c: &Context, is_logging: bool) -> Markup {
    match is_logging {
        true => state(c, State::Good, &message!("Logging", "記録中")),
        false => state(c, State::Bad, &message!("Stopped", "停止中")),
    }
}

fn key_state(c: &Context, known: &str) -> Markup {
    let how = if known == "Enabled" { State::Good } else { State::Bad };
    state(c, how, &Message::plain(known))
}

/// A bucket's default encryption, in words.
fn default_encryption(c: &Context, encryption: Option<&Encryption>) -> Markup {
    match encryption {
        None => html! { (c.t(&message!("no default encryption", "デフォルト暗号化なし"))) },
        Some(encryption) => html! {
            (encryption.algorithm)
            @if let Some(key) = &encryption.key { " " (key_link(key, key.rsplit('/').next().unwrap_or(key))) }
            @if encryption.bucket_key { " (" (c.t(&message!("Bucket Key", "バケットキー"))) ")" }
        },
    }
}

/// A trail with what is around it, as its home Region and the services tell it.
struct Found {
    survey: Survey,
    trail: Trail,
}

/// The trail that the path names, and what is read of its surroundings.
///
/// # Errors
/// When DescribeTrails is refused in its Region, and when there is no such trail.
async fn find(c: &Context, depth: Depth) -> Result<Found, Failure> {
    let (region, name) = (c.param("region").to_owned(), c.param("name").to_owned());
    // Elsewhere nobody knows the caller, which would be taken for the end of the session.
    if !c.regions().contains(&region) {
        return Err(Failure::no_page());
    }
    let client = c.client().in_region(&region);
    let what = What {
        regions: Some(vec![region.clone()]),
        trails: Some(vec![name.clone()]),
        depth,
        ..What::default()
    };
    let survey = survey::read(&client, &what).await?;
    let trail = survey.trails.iter().find(|trail| trail.home_region == region);
    match (trail.cloned(), survey.by_region.get(&region).map(|facts| &facts.trails)) {
        (Some(trail), _) => Ok(Found { survey, trail }),
        (None, Some(Fact::NotAvailable(missing))) => {
            // The same call, for its error as it is.
            client.json(CloudTrail, "DescribeTrails", &json!({})).await?;
            Err(Failure::Own(missing.said()))
        }
        (None, _) => Err(Failure::Missing(message!(
            "There is no trail {name} whose home is {region}.",
            "{region} をホームリージョンとする証跡 {name} はありません。"
        ))),
    }
}

/// A page below the one of a trail.
fn page_below<'a>(c: &'a Context, trail: &Trail, title: Message) -> Page<'a> {
    let path = path_of(&trail.home_region, &trail.name);
    Page::new(c, title)
        .of_all_regions()
        .below(message!("Trails", "証跡"), "/trails")
        .below(Message::plain(trail.name.clone()), path)
}

/// The time that a page is about, and the Region.
struct Window {
    region: String,
    from: Timestamp,
    to: Timestamp,
}

/// What is shown when nothing is asked for, and the longest that is.
const WINDOW: std::time::Duration = std::time::Duration::from_secs(86_400);
const WINDOW_MAX: std::time::Duration = std::time::Duration::from_secs(31 * 86_400);

impl Window {
    /// As the query says (`in`, `from`, `to`): without it, the day up to now in the trail's home Region.
    fn of(c: &Context, trail: &Trail) -> Result<Window, Failure> {
        let read = |name: &str| match c.query.given(name) {
            Some(text) => operator::verify::read_time(text, c.now())
                .map(Some)
                .map_err(Failure::Bad),
            None => Ok(None),
        };
        let to = read("to")?.unwrap_or_else(|| c.now());
        let from = read("from")?.unwrap_or_else(|| to.minus(WINDOW));
        let region = c.query.given("in").unwrap_or(&trail.home_region).to_owned();
        if region.parse::<Region>().is_err() {
            return Err(Failure::Bad(message!(
                "This is no name of a Region.",
                "リージョン名として正しくありません。"
            )));
        }
        if from >= to || to.since(from) > WINDOW_MAX {
            return Err(Failure::Bad(message!(
                "The time must begin before it ends, and last 31 days at most.",
                "期間の開始は終了より前で、長さは 31 日以内にしてください。"
            )));
        }
        Ok(Window { region, from, to })
    }

    /// As a query.
    fn query(&self) -> String {
        let (from, to) = (self.from.iso8601(), self.to.iso8601());
        format!(
            "?in={}&from={}&to={}",
            escaped(&self.region),
            escaped(&from),
            escaped(&to)
        )
    }

    /// In words.
    fn says(&self) -> Message {
        let (from, to, region) = (self.from.iso8601(), self.to.iso8601(), &self.region);
        message!("{region}, {from} to {to}", "{region}、{from} から {to} まで")
    }
}
