//! Back from keys of one's own to S3's keys: which trails, what stays under the key, and the way back again.

use crate::{
    ROOT,
    change::{self, Carried, Planned},
    context::Context,
    page::{Page, State, empty, notice, refusal, state, table, tick, token},
    router::{Outcome, Route, get, post},
};
use http::StatusCode;
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    rights::{Allowed, Reader, World},
    rollback::{self, Choice, Found, Plan, SealedTrail},
    survey::{self, Depth, Fact, What},
};
use std::{collections::BTreeSet, sync::Arc};

/// Where the form goes.
const PATH: &str = "/rollback";
/// So many objects of each bucket are looked at to count what stays under the key.
const COUNT_MAX: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    vec![get(PATH, show), post(PATH, roll_back)]
}

fn page(c: &Context) -> Page<'_> {
    Page::new(c, message!("Roll back encryption", "暗号化の切り戻し")).of_all_regions()
}

async fn show(c: Arc<Context>) -> Outcome {
    let found = rollback::read(&c.client()).await?;
    Ok(page(&c).with(html! {
        p { (c.t(&message!(
            "Takes trails and the default encryption of their buckets back from your KMS keys (SSE-KMS) to S3's own keys (SSE-S3). Log files that are there stay as they are: they need their key as long as somebody reads them.",
            "証跡とそのバケットのデフォルト暗号化を、独自の KMS キー (SSE-KMS) から S3 のキー (SSE-S3) に切り戻します。既存のログファイルはそのまま残り、読むためにはキーが必要です。"
        ))) }
        (seen(&c, &found))
        (choice(&c, &found, None))
        p { a href={ (ROOT) "/changes" } { (c.t(&message!("Changes that can be taken back", "元に戻せる変更"))) } }
    }))
}

/// The check of the procedure by hand: each Region, and how its trails seal; each bucket.
fn seen(c: &Context, found: &Found) -> Markup {
    let names: BTreeSet<&str> = found.trails.iter().map(|trail| trail.name.as_str()).collect();
    let head: Vec<Message> = std::iter::once(message!("Region", "リージョン"))
        .chain(names.iter().map(|name| Message::plain(*name)))
        .collect();
    let rows = found.regions.iter().map(|region| {
        let cell = |name: &&str| match &region.trails {
            Fact::Known(trails) => match trails.get(*name) {
                Some(true) => state(c, State::Good, &message!("SSE-KMS", "SSE-KMS")),
                Some(false) => state(c, State::Plain, &message!("SSE-S3", "SSE-S3")),
                None => html! { (c.t(&message!("no trail", "証跡なし"))) },
            },
            Fact::NotAvailable(missing) => crate::page::not_available(c, missing),
        };
        std::iter::once(html! { (region.region) })
            .chain(names.iter().map(cell))
            .collect()
    });
    let buckets: BTreeSet<&String> = found.trails.iter().map(|trail| &trail.bucket).collect();
    let of_buckets = buckets
        .into_iter()
        .map(|bucket| vec![html! { code { (bucket) } }, default_of(c, found, bucket)]);
    html! {
        section {
            h2 { (c.t(&message!("How it stands", "現在の状態"))) }
            @if found.trails.is_empty() {
                (empty(c, &message!("This account has no trail.", "このアカウントに証跡はありません。")))
            } @else {
                (table(c, &message!("Encryption of the log files, as each Region tells it", "各リージョンから見たログファイルの暗号化"), &head, rows.collect()))
                (table(c, &message!("Default encryption of the buckets", "バケットのデフォルト暗号化"),
                    &[message!("Bucket", "バケット"), message!("Default", "デフォルト")], of_buckets.collect()))
            }
        }
    }
}

fn default_of(c: &Context, found: &Found, bucket: &str) -> Markup {
    match found.buckets.get(bucket) {
        Some(Fact::Known(Some(encryption))) if encryption.is_kms() => html! {
            (state(c, State::Good, &message!("SSE-KMS", "SSE-KMS"))) @if let Some(key) = encryption.key() { " " code { (key) } }
        },
        Some(Fact::Known(Some(_))) => state(c, State::Plain, &message!("SSE-S3", "SSE-S3")),
        Some(Fact::NotAvailable(missing)) => crate::page::not_available(c, missing),
        Some(Fact::Known(None)) | None => html! { (c.t(&message!("not set", "未設定"))) },
    }
}

/// Whether there is something of the trail to take back.
fn is_sealed(found: &Found, trail: &SealedTrail) -> bool {
    let of_bucket = found.buckets.get(&trail.bucket).and_then(Fact::known);
    trail.kms_key.is_some()
        || of_bucket
            .and_then(Option::as_ref)
            .is_some_and(rollback::Encryption::is_kms)
}

/// The form: which trails, and of which Regions.
fn choice(c: &Context, found: &Found, fault: Option<&Message>) -> Markup {
    let sealed: Vec<&SealedTrail> = found.trails.iter().filter(|trail| is_sealed(found, trail)).collect();
    if sealed.is_empty() {
        return html! { (notice(c, State::Good, &message!("No trail and no bucket of one is sealed by a key of yours: there is nothing to roll back.", "独自のキーで暗号化された証跡やバケットはありません。切り戻すものはありません。"))) };
    }
    let ticked = |field: &str, value: &str, fresh: bool| match c.form.fields().next() {
        None => fresh,
        Some(_) => c.form.all(field).any(|one| one == value),
    };
    html! {
        form method="post" action={ (ROOT) (PATH) } {
            (token(c))
            h2 { (c.t(&message!("What to roll back", "切り戻す対象"))) }
            @if let Some(fault) = fault { (notice(c, State::Bad, fault)) }
            fieldset {
                legend { (c.t(&message!("Trails", "証跡"))) }
                @for trail in &sealed { (tick(c, "trail", &trail.arn, ticked("trail", &trail.arn, true), &named(trail))) }
            }
            details open[c.form.all("home").next().is_some()] {
                summary { (c.t(&message!("Only trails whose home is in certain Regions", "ホームリージョンで絞り込む"))) }
                fieldset {
                    legend { (c.t(&message!("Regions; none ticked: all", "リージョン (選択なしはすべて)"))) }
                    div.many { @for region in &found.regions {
                        (tick(c, "home", &region.region, ticked("home", &region.region, false), &Message::plain(region.region.as_str())))
                    } }
                }
            }
            (tick(c, "keep-default", "on", ticked("keep-default", "on", false), &message!("Leave the default encryption of the buckets as it is", "バケットのデフォルト暗号化は変更しない")))
            div.actions { button.primary type="submit" { (c.t(&message!("Show what will be done", "変更内容を確認"))) } }
        }
    }
}

fn named(trail: &SealedTrail) -> Message {
    let (name, region, bucket) = (&trail.name, &trail.home_region, &trail.bucket);
    let key = trail.kms_key.as_deref().unwrap_or_default();
    match trail.kms_key {
        Some(_) => message!(
            "{name} in {region}: its key {key}, its bucket {bucket}",
            "{region} の {name}: キー {key}、バケット {bucket}"
        ),
        None => message!(
            "{name} in {region}: without a key, but its bucket {bucket} has one by default",
            "{region} の {name}: キーなし (バケット {bucket} のデフォルトは KMS)"
        ),
    }
}

async fn roll_back(c: Arc<Context>) -> Outcome {
    let found = rollback::read(&c.client()).await?;
    let choice_made = Choice {
        trails: c.form.all("trail").map(str::to_owned).collect(),
        regions: c.form.all("home").map(str::to_owned).collect(),
        keep_bucket_default: c.form.is_on("keep-default"),
        ..Choice::default()
    };
    let none = message!("Choose a trail.", "証跡を選択してください。");
    let plan = match choice_made.trails.is_empty() {
        true => Err(none),
        false => rollback::plan(&found, &choice_made).map_err(|fault| Message::plain(fault.to_string())),
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(fault) => {
            let again = page(&c).with(html! { (seen(&c, &found)) (choice(&c, &found, Some(&fault))) });
            return Ok(again.status(StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let title = message!(
        "Roll back the encryption of trails to SSE-S3",
        "証跡の暗号化を SSE-S3 に切り戻す"
    );
    let planned = Planned::new(&c, title, "rollback", plan.steps.clone());
    if !change::is_confirmed(&c) {
        return preview(&c, planned, &plan, html! {}).await;
    }
    match change::carry_out(&c, &planned).await? {
        Carried::Done(done) => told(&c, &done).await,
        not_done => {
            let says = notice(&c, State::Warn, &change::why_not(&not_done));
            Ok(preview(&c, planned, &plan, says).await?.status(StatusCode::CONFLICT))
        }
    }
}

async fn preview(c: &Context, mut planned: Planned, plan: &Plan, before: Markup) -> Outcome {
    let client = c.client();
    let trails: Vec<String> = plan.trails.iter().map(|trail| trail.arn.clone()).collect();
    let what = What {
        trails: Some(trails.clone()),
        depth: Depth::Full,
        ..What::default()
    };
    let looked = async {
        match plan.trails.is_empty() {
            true => None,
            false => Some(rollback::remaining(&client, &plan.trails, &plan.keys, COUNT_MAX).await),
        }
    };
    let read = async {
        match trails.is_empty() {
            true => None,
            false => Some(survey::read(&client, &what).await),
        }
    };
    let (remains, survey) = tokio::join!(looked, read);
    planned.warnings = rollback::warnings(plan, remains.as_ref());
    planned.more = match survey {
        Some(Ok(survey)) => {
            let world = World::of(&survey);
            html! { @for trail in &survey.trails { (readers(c, &world, trail)) } }
        }
        Some(Err(error)) => refusal(c, &error),
        None => html! {},
    };
    let page = Page::new(c, planned.title.clone())
        .of_all_regions()
        .below(message!("Roll back encryption", "暗号化の切り戻し"), PATH);
    Ok(page.with(html! { (before) (change::preview(c, &planned, PATH)) }))
}

/// Who reads what stays, who needs the key for that, and who reads what comes.
fn readers(c: &Context, world: &World, trail: &survey::Trail) -> Markup {
    let without = survey::Trail {
        kms_key: None,
        ..trail.clone()
    };
    let later = world.readers(&without);
    let reads = |readers: &[Reader], arn: &str| {
        let found = readers.iter().find(|one| one.arn == arn);
        found.map_or(Allowed::No, |one| one.reads().allowed)
    };
    let word = |allowed: Allowed| match allowed {
        Allowed::Yes => state(c, State::Good, &message!("Yes", "はい")),
        Allowed::No => state(c, State::Plain, &message!("No", "いいえ")),
        Allowed::Unknown => state(c, State::Unknown, &message!("Not known", "不明")),
    };
    let now = world.readers(trail);
    let names: BTreeSet<&str> = now.iter().chain(&later).map(|one| one.arn.as_str()).collect();
    let rows: Vec<Vec<Markup>> = names
        .into_iter()
        .map(|arn| (arn, reads(&now, arn), reads(&later, arn)))
        .filter(|(_, stays, comes)| (*stays, *comes) != (Allowed::No, Allowed::No))
        .map(|(arn, stays, comes)| vec![html! { code { (arn) } }, word(stays), word(comes)])
        .collect();
    let (name, region) = (&trail.name, &trail.home_region);
    let head = [
        message!("Who", "誰が"),
        message!("Reads what stays under the key", "キーの下に残るファイルを読めるか"),
        message!("Reads what comes", "新しいファイルを読めるか"),
    ];
    html! {
        section {
            h2 { (c.t(&message!("Readers of {name} in {region}", "{region} の {name} の閲覧者"))) }
            p { (c.t(&message!(
                "Whoever reads what stays goes on needing kms:Decrypt by the key. What comes after the roll-back is opened by S3 to whoever may read the objects.",
                "残るファイルを読むには、今後もキーの kms:Decrypt が必要です。切り戻し後のファイルは、オブジェクトを読める人なら誰でも読めます。"
            ))) }
            (table(c, &message!("Who reads, now and after", "現在と切り戻し後に読める人"), &head, rows))
        }
    }
}

async fn told(c: &Context, done: &change::Done) -> Outcome {
    let after = rollback::read(&c.client()).await;
    let page = Page::new(c, done.title.clone())
        .of_all_regions()
        .below(message!("Roll back encryption", "暗号化の切り戻し"), PATH);
    let answer = page.with(html! {
        (change::told(c, done).await)
        @match &after {
            Ok(found) => { (seen(c, found)) }
            Err(error) => { (refusal(c, error)) }
        }
    });
    Ok(match done.is_made() {
        true => answer,
        false => answer.status(StatusCode::BAD_GATEWAY),
    })
}
