//! A sealed trail set up: the form, what exactly will be made, and the trail as it begins.

mod form;
mod made;
mod outlook;
mod typed;

use crate::{
    change::{self, Carried, Planned},
    context::Context,
    failure::Failure,
    page::{Page, State, notice, token},
    router::{Outcome, Route, get, post},
    web::Answer,
};
use http::StatusCode;
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    setup::{self, Check, Order, Outcome as Checked, Prepared},
};
use std::sync::Arc;
use typed::{Faults, Typed};

/// Where the form goes.
const PATH: &str = "/trails/create";

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get(PATH, empty),
        post(PATH, create),
        get("/made/{region}/{name}", made::show),
    ]
}

fn page(c: &Context) -> Page<'_> {
    // The form has a Region of its own.
    Page::new(c, message!("Create a trail", "証跡の作成"))
        .of_all_regions()
        .below(message!("Trails", "証跡"), "/trails")
}

async fn empty(c: Arc<Context>) -> Outcome {
    Ok(page(&c).with(form::form(&c, &Typed::fresh(&c), &Faults::new())))
}

async fn create(c: Arc<Context>) -> Outcome {
    let typed = Typed::of(&c.form);
    let (order, mut faults) = typed.order(&c);
    // To go back to the form is no mistake.
    if c.form.is_on("edit") {
        return Ok(page(&c).with(form::form(&c, &typed, &Faults::new())));
    }
    if !faults.is_empty() {
        return Ok(wrong(&c, &typed, &faults));
    }
    let prepared = match setup::prepare(&c.client().in_region(&typed.region), &order).await {
        Ok(prepared) => prepared,
        Err(error) if Failure::is_of_credentials(&error) => return Err(error.into()),
        Err(error) => {
            faults.insert("", vec![error.message()]);
            return Ok(wrong(&c, &typed, &faults));
        }
    };
    for check in prepared.checks.iter().filter(|check| check.outcome == Checked::Wrong) {
        faults
            .entry(field_of(&typed, check))
            .or_default()
            .push(check.says.clone());
    }
    if !faults.is_empty() {
        return Ok(wrong(&c, &typed, &faults));
    }
    let planned = planned(&c, &order, &prepared);
    if !change::is_confirmed(&c) {
        return preview(&c, planned, (&typed, &order, &prepared), html! {}).await;
    }
    match change::carry_out(&c, &planned).await? {
        Carried::Done(done) => Ok(told(&c, &prepared, &done).await),
        not_done => {
            let says = notice(&c, State::Warn, &change::why_not(&not_done));
            let answer = preview(&c, planned, (&typed, &order, &prepared), says).await?;
            Ok(answer.status(StatusCode::CONFLICT))
        }
    }
}

fn wrong(c: &Context, typed: &Typed, faults: &Faults) -> Answer {
    page(c)
        .with(form::form(c, typed, faults))
        .status(StatusCode::UNPROCESSABLE_ENTITY)
}

/// The command's options and what they are in the form, in both languages. A longer one stands before one that it begins with.
const OPTIONS: [(&str, &str, &str); 6] = [
    (" (--single-region --region REGION)", "", ""),
    (
        "--existing-bucket",
        "the choice of a bucket that is there:",
        "「既存のバケットを使用」で",
    ),
    (
        "--existing-key",
        "the choice of a key that is there:",
        "「既存のキーを使用」で",
    ),
    ("--key-alias", "alias", "エイリアス"),
    ("--bucket", "name", "名前"),
    ("--name", "name", "名前"),
];

/// What the setup says, with the form's words in the place of the command's options.
fn of_form(says: &Message) -> Message {
    use operator::message::Language::{English, Japanese};
    let (mut english, mut japanese) = (
        says.in_language(English).to_owned(),
        says.in_language(Japanese).to_owned(),
    );
    for (option, in_english, in_japanese) in OPTIONS {
        english = english.replace(option, in_english);
        japanese = japanese.replace(option, in_japanese);
    }
    Message::new(english, japanese)
}

/// The field to which a check belongs.
fn field_of(typed: &Typed, check: &Check) -> &'static str {
    match (check.about, typed.new_key) {
        ("trail" | "quota", _) => "name",
        ("bucket", _) => "bucket",
        ("key", true) => "alias",
        ("key", false) => "key",
        ("logs", _) => "group",
        ("topic", _) => "topic",
        _ => "",
    }
}

fn planned(c: &Context, order: &Order, prepared: &Prepared) -> Planned {
    let (name, region) = (&order.definition.name, &prepared.region);
    let title = match order.per_region.len() {
        0 => message!("Set up the trail {name} in {region}", "{region} に証跡 {name} を設定"),
        count => message!(
            "Set up the trail {name} in {count} Regions",
            "{count} リージョンに証跡 {name} を設定"
        ),
    };
    let checks = prepared.checks.iter().map(|check| {
        let how = match check.outcome {
            Checked::Good => State::Good,
            Checked::Wrong => State::Bad,
            Checked::Unknown => State::Unknown,
        };
        (how, of_form(&check.says))
    });
    Planned {
        checks: checks.collect(),
        warnings: prepared.notes.iter().map(of_form).collect(),
        take_back_on_failure: true,
        ..Planned::new(c, title, "setup", prepared.steps.clone())
    }
}

async fn preview(
    c: &Context,
    mut planned: Planned,
    (typed, order, prepared): (&Typed, &Order, &Prepared),
    before: Markup,
) -> Outcome {
    planned.more = outlook::shown(c, typed, order, prepared).await;
    let title = planned.title.clone();
    let back = message!("Change what was typed", "入力内容を変更");
    let page = Page::new(c, title)
        .of_all_regions()
        .below(message!("Trails", "証跡"), "/trails")
        .below(message!("Create a trail", "証跡の作成"), PATH);
    Ok(page.with(html! {
        (before)
        (change::preview(c, &planned, PATH))
        form method="post" action={ (crate::ROOT) (PATH) } {
            (token(c))
            @for (name, value) in &planned.fields { input type="hidden" name=(name) value=(value); }
            button type="submit" name="edit" value="on" { (c.t(&back)) }
        }
        @if planned.steps.is_empty() { (made::now(c, &prepared.region, &order.definition.name).await) }
    }))
}

/// What became of it, and the trail as it begins.
async fn told(c: &Context, prepared: &Prepared, done: &change::Done) -> Answer {
    let title: Message = done.title.clone();
    let trails: Vec<(String, String)> = prepared
        .trails
        .iter()
        .filter_map(|arn| {
            let parts = base::arn::split(arn)?;
            let name = parts.resource.rsplit('/').next()?;
            Some((parts.region.to_owned(), name.to_owned()))
        })
        .collect();
    let page = Page::new(c, title)
        .of_all_regions()
        .below(message!("Trails", "証跡"), "/trails");
    let answer = page.with(html! {
        @if done.is_made() && let Some((region, name)) = trails.first() {
            (made::now(c, region, name).await)
            @if trails.len() > 1 {
                ul { @for (region, name) in &trails { li { (crate::page::link(&made::place(region, name), &format!("{name} ({region})"))) } } }
            }
        }
        (change::told(c, done).await)
    });
    match done.is_made() {
        true => answer,
        false => answer.status(StatusCode::BAD_GATEWAY),
    }
}
