//! The policy desk: a policy looked at, tried out, and put.
//!
//! What is typed is looked at by POST, for it is too long for an address; nothing is changed before the change itself is confirmed.

mod question;
mod tables;

use crate::{
    ROOT,
    change::{self, Carried, Planned},
    context::Context,
    failure::Failure,
    form::Form,
    page::{Field, Page, State, notice, state, token},
    router::{Outcome, Route, get, post},
    web::Answer,
};
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    plan::{self, Plan},
    policy_desk::{Holder, Refused, Remark, Ruled, Target, Weight, lint},
    rights::{Proposed, World},
    survey::{self, Depth, Survey, What},
};
use std::sync::Arc;
use wire::ServiceName;

/// So many remarks are shown.
const REMARKS_MAX: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/policy", show),
        post("/policy", look),
        post("/policy/apply", apply),
    ]
}

/// The kinds that can be chosen.
fn kinds() -> [(&'static str, Message); 6] {
    [
        ("key", message!("Key policy", "キーポリシー")),
        ("bucket", message!("Bucket policy", "バケットポリシー")),
        (
            "role",
            message!(
                "Role: trust policy, or an inline policy by its name",
                "ロール: 信頼ポリシー、または名前を指定したインラインポリシー"
            ),
        ),
        (
            "user",
            message!("User: an inline policy", "ユーザーのインラインポリシー"),
        ),
        (
            "group",
            message!("Group: an inline policy", "グループのインラインポリシー"),
        ),
        ("managed", message!("Managed policy, by its ARN", "管理ポリシー (ARN)")),
    ]
}

/// What is on the desk.
struct Desk {
    target: Target,
    survey: Survey,
    /// What counts now, as text; empty when there is none.
    current: String,
}

/// Whose policy a query or a form names; nothing when it names none yet. `id` is of keys, `name` of all else.
fn named(form: &Form) -> Result<Option<(Target, What)>, Failure> {
    let name = form.given("name").or(form.given("id")).or(form.given("arn"));
    let (Some(kind), Some(name)) = (form.given("kind"), name) else {
        return Ok(None);
    };
    let name = name.to_owned();
    let mut what = What {
        depth: Depth::Full,
        ..What::default()
    };
    let policy = form.given("policy").map(str::to_owned);
    let inline = |holder| {
        let name_of = policy.clone().ok_or_else(|| {
            Failure::Bad(message!(
                "Give the name of the inline policy.",
                "インラインポリシーの名前を指定してください。"
            ))
        });
        name_of.map(|policy| Target::Inline {
            holder,
            of: name.clone(),
            name: policy,
        })
    };
    let target = match kind {
        "key" => {
            what.keys.push(name.clone());
            Target::Key { arn: name }
        }
        "bucket" => {
            what.buckets.push(name.clone());
            Target::Bucket { name }
        }
        "role" if policy.is_none() => Target::Trust { role: name },
        "role" => inline(Holder::Role)?,
        "user" => inline(Holder::User)?,
        "group" => inline(Holder::Group)?,
        "managed" => Target::Managed { arn: name },
        other => {
            return Err(Failure::Bad(message!(
                "There is no kind of policy `{other}`.",
                "ポリシーの種類 `{other}` はありません。"
            )));
        }
    };
    Ok(Some((target, what)))
}

async fn desk(c: &Context, form: &Form) -> Result<Option<Desk>, Failure> {
    let Some((target, what)) = named(form)? else {
        return Ok(None);
    };
    let mut survey = survey::read(&c.client(), &what).await?;
    // The server's clock decides, which may be ahead.
    survey.made_at = Some(c.now());
    let target = match target {
        // A key by its id or alias is the key of its ARN.
        Target::Key { arn } => {
            let known = survey.key_named(&arn, &c.region).map(|key| key.arn.clone());
            Target::Key {
                arn: known.unwrap_or(arn),
            }
        }
        other => other,
    };
    let current = target.current(&survey).map_err(refused)?;
    let current = current.map(|document| operator::text::policy(&document.to_string()));
    Ok(Some(Desk {
        target,
        survey,
        current: current.unwrap_or_default(),
    }))
}

fn refused(why: Refused) -> Failure {
    match why {
        Refused::Absent(says) => Failure::Missing(says),
        Refused::Unread(missing) => Failure::Bad(missing.said()),
    }
}

async fn show(c: Arc<Context>) -> Outcome {
    match desk(&c, &c.query).await? {
        None => Ok(Page::new(&c, title()).with(html! { (choose(&c, &c.query)) })),
        Some(desk) => {
            let text = desk.current.clone();
            Ok(Page::new(&c, title()).with(content(&c, &desk, &c.query, &text).await))
        }
    }
}

async fn look(c: Arc<Context>) -> Outcome {
    let desk = desk(&c, &c.form).await?.ok_or_else(nothing_named)?;
    Ok(Page::new(&c, title()).with(content(&c, &desk, &c.form, c.form.get("text")).await))
}

fn title() -> Message {
    message!("Policy desk", "ポリシー")
}

fn nothing_named() -> Failure {
    Failure::Bad(message!(
        "Say whose policy it is.",
        "対象のポリシーを指定してください。"
    ))
}

/// The form that says whose policy is looked at.
fn choose(c: &Context, form: &Form) -> Markup {
    let kind = Field::new("kind", message!("Policy of", "対象の種類"), form.get("kind"));
    let name = Field {
        required: true,
        ..Field::new(
            "name",
            message!(
                "Its name; a key by its id, alias or ARN",
                "名前 (キーは ID・エイリアス・ARN)"
            ),
            form.get("name"),
        )
    };
    let policy = Field::new(
        "policy",
        message!("The inline policy's name", "インラインポリシーの名前"),
        form.get("policy"),
    )
    .hint(message!(
        "Of a role without it: who may take the role.",
        "ロールで省略すると信頼ポリシーになります。"
    ));
    html! {
        form method="get" action={ (ROOT) "/policy" } {
            (kind.choice(c, &kinds())) (name.line(c)) (policy.line(c))
            div.actions { button.primary type="submit" { (c.t(&message!("Open", "開く"))) } }
        }
    }
}

/// What comes of a text in the place of the policy.
struct Tried {
    ruled: Ruled,
    before: World,
    /// The account with the text in place; nothing, when it is no policy.
    after: Option<(World, Plan)>,
}

fn tried(desk: &Desk, text: &str) -> Tried {
    let ruled = lint(text, &desk.target);
    let before = World::of(&desk.survey);
    let proposal = ruled
        .document
        .clone()
        .and_then(|document| desk.target.proposal(Some(document)));
    let after = proposal.map(|proposal| {
        let proposed = Proposed::one(proposal);
        (before.with(&proposed), plan::make(&desk.survey, &proposed))
    });
    Tried { ruled, before, after }
}

async fn content(c: &Context, desk: &Desk, form: &Form, text: &str) -> Markup {
    let tried = match text {
        "" => None,
        text => Some(tried(desk, text)),
    };
    let has_question = form.given("action").is_some();
    let (keys, buckets) = tables::resources(&desk.target, &desk.survey);
    html! {
        p { b { (c.t(&desk.target.said())) } " · " a href={ (ROOT) "/policy" } { (c.t(&message!("another one", "別のポリシー"))) } }
        @if desk.current.is_empty() { (notice(c, State::Plain, &message!("There is no such policy yet: what is written here would be the first.", "まだポリシーがありません。ここに書いた内容が最初のポリシーになります。"))) }
        form method="post" action={ (ROOT) "/policy" } {
            (token(c))
            @for (name, value) in whose(c, form) { input type="hidden" name=(name) value=(value); }
            (editor(c, text, tried.as_ref()))
            (question::form(c, form, &desk.survey))
            div.actions {
                button.primary type="submit" { (c.t(&message!("Look at it", "確認する"))) }
                button type="submit" formaction={ (ROOT) "/policy/apply" } { (c.t(&message!("Show the change", "変更内容を表示"))) }
            }
        }
        @if let Some(tried) = &tried {
            (remarks(c, &tried.ruled))
            @if has_question { (question::answers(c, desk, tried, form).await) }
            @if tried.ruled.document.is_some() {
                section { h2 { (c.t(&message!("In sentences", "文章での説明"))) } (change::statements(c, text, &desk.current)) }
            }
            @if let Some((after, plan)) = &tried.after {
                (tables::breaks(c, plan))
                (tables::matrices(c, &tried.before, after, &keys, &buckets))
            }
        }
    }
}

fn whose<'a>(c: &'a Context, form: &'a Form) -> Vec<(&'static str, &'a str)> {
    let name = form
        .given("name")
        .or(form.given("id"))
        .or(form.given("arn"))
        .unwrap_or_default();
    vec![
        ("kind", form.get("kind")),
        ("name", name),
        ("policy", form.get("policy")),
        ("region", c.region.as_str()),
    ]
}

fn editor(c: &Context, text: &str, tried: Option<&Tried>) -> Markup {
    let refusal = tried.and_then(|tried| {
        tried
            .ruled
            .remarks
            .iter()
            .find(|remark| remark.weight == Weight::Refused)
    });
    let error = refusal.map(|remark| {
        let (line, column) = (remark.place.line, remark.place.column);
        message!(
            "Line {line}, column {column} is wrong; see below.",
            "{line} 行 {column} 列に誤りがあります。下の一覧を見てください。"
        )
    });
    let rows = u32::try_from(text.lines().count()).unwrap_or(40).clamp(12, 40);
    Field::new("text", message!("The policy", "ポリシー"), text)
        .error(error)
        .lines(c, rows)
}

fn remarks(c: &Context, ruled: &Ruled) -> Markup {
    html! {
        section #remarks aria-live="polite" {
            h2 { (c.t(&message!("What is wrong with it", "問題点"))) }
            @if ruled.remarks.is_empty() { (notice(c, State::Good, &message!("Nothing was found.", "問題は見つかりませんでした。"))) }
            ol.remarks { @for remark in ruled.remarks.iter().take(REMARKS_MAX) { li { (one(c, remark)) } } }
        }
    }
}

fn one(c: &Context, remark: &Remark) -> Markup {
    let (how, says) = match remark.weight {
        Weight::Refused => (State::Bad, message!("Refused", "拒否されます")),
        Weight::Warning => (State::Warn, message!("Warning", "警告")),
        Weight::Note => (State::Plain, message!("Note", "補足")),
    };
    let (line, column) = (remark.place.line, remark.place.column);
    html! {
        (state(c, how, &says)) " "
        b data-line=(line) data-column=(column) { (c.t(&message!("Line {line}, column {column}", "{line} 行 {column} 列"))) }
        @if !remark.path.is_empty() { " " code { (remark.path) } }
        p { (c.t(&remark.what)) @if let Some(code) = remark.code { " " span.aside { (code) } } }
    }
}

/// The version of a managed policy that counts.
async fn version(c: &Context, target: &Target) -> Result<Option<String>, Failure> {
    let Target::Managed { arn } = target else {
        return Ok(None);
    };
    let answer = c
        .client()
        .query(ServiceName::Iam, "GetPolicy", &[("PolicyArn", arn)])
        .await?;
    Ok(operator::aws::elements(&answer, "DefaultVersionId").into_iter().next())
}

async fn apply(c: Arc<Context>) -> Outcome {
    let desk = desk(&c, &c.form).await?.ok_or_else(nothing_named)?;
    let text = c.form.get("text");
    let tried = tried(&desk, text);
    let page = |title: Message| Page::new(&c, title).below(self::title(), "/policy");
    let Some((after, plan)) = &tried.after else {
        let told = content(&c, &desk, &c.form, text).await;
        return Ok(page(title()).with(told).status(http::StatusCode::BAD_REQUEST));
    };
    let version = version(&c, &desk.target).await?;
    let step = desk
        .target
        .step(text, &desk.survey, &c.region, version.as_deref())
        .map_err(refused)?;
    let is_same = step.shown.as_ref().is_some_and(|shown| shown.before == shown.after);
    let title = desk.target.said();
    let mut planned = Planned::new(
        &c,
        title.clone(),
        "policy",
        if is_same { Vec::new() } else { vec![step] },
    );
    planned.checks = checks(plan);
    planned.warnings = warnings(&tried.ruled, plan);
    let (keys, buckets) = tables::resources(&desk.target, &desk.survey);
    planned.more = html! {
        (tables::breaks(&c, plan))
        (tables::matrices(&c, &tried.before, after, &keys, &buckets))
    };
    let differs = match change::is_confirmed(&c) {
        false => false,
        true => match change::carry_out(&c, &planned).await? {
            Carried::Done(done) => return Ok(page(title).with(change::told(&c, &done).await)),
            Carried::SentBefore => return Ok(Answer::see(&format!("{ROOT}/changes"))),
            Carried::Differs => true,
        },
    };
    Ok(page(title).with(html! {
        @if differs { (notice(&c, State::Warn, &super::checks::differs())) }
        (change::preview(&c, &planned, "/policy/apply"))
    }))
}

/// What the service would answer, whoever asks.
fn checks(plan: &Plan) -> Vec<(State, Message)> {
    let told = plan.changes.iter().map(|change| match &change.refused {
        Some(refusal) if refusal.certain => (State::Bad, tables::refusal(refusal)),
        Some(refusal) => (State::Unknown, tables::refusal(refusal)),
        None => (
            State::Good,
            message!("The service takes it.", "サービスはこのポリシーを受け付けます。"),
        ),
    });
    told.collect()
}

fn warnings(ruled: &Ruled, plan: &Plan) -> Vec<Message> {
    let of_text = ruled.remarks.iter().filter(|remark| remark.weight == Weight::Warning);
    let of_text = of_text.map(|remark| remark.what.clone());
    of_text
        .chain(plan.lockouts.iter().map(|lockout| lockout.why.clone()))
        .collect()
}
