//! May X do Y on Z? Now, by the server, and after the change.

use super::{Desk, Tried};
use crate::{
    context::Context,
    form::Form,
    page::{Field, State, notice, state, table},
};
use maud::{Markup, html};
use operator::{
    aws::elements,
    message,
    message::Message,
    rights::{Allowed, Context as Keys, Traced, Verdict, World},
    survey::{Fact, Survey},
};
use wire::ServiceName;

/// So many statements of a trace are shown.
const TRACED_MAX: usize = 40;
/// So many condition keys of a call are taken.
const KEYS_MAX: usize = 50;

pub(super) fn form(c: &Context, form: &Form, survey: &Survey) -> Markup {
    let mut principals = vec![survey.caller.clone()];
    if let Fact::Known(known) = &survey.principals {
        principals.extend(known.users.iter().map(|one| one.arn.clone()));
        principals.extend(known.roles.iter().map(|one| one.arn.clone()));
    }
    let buckets = survey.buckets.keys().map(|name| format!("arn:aws:s3:::{name}/*"));
    let resources: Vec<String> = survey.keys.keys().cloned().chain(buckets).take(100).collect();
    principals.truncate(100);
    let who = Field {
        offered: principals,
        ..Field::new(
            "who",
            message!("Who: an ARN, a service, or *", "誰が (ARN、サービス名、または *)"),
            form.get("who"),
        )
    };
    let action = Field::new(
        "action",
        message!("Does what: kms:Decrypt", "何を (例: kms:Decrypt)"),
        form.get("action"),
    );
    let resource = Field {
        offered: resources,
        ..Field::new(
            "resource",
            message!("With what: an ARN", "何に対して (ARN)"),
            form.get("resource"),
        )
    };
    let keys = Field::new(
        "context",
        message!(
            "Condition keys of the call, KEY=VALUE, one a line",
            "呼び出しの条件キー (KEY=VALUE、1 行に 1 つ)"
        ),
        form.get("context"),
    );
    html! {
        details open[form.given("action").is_some()] {
            summary { (c.t(&message!("Ask: may X do Y on Z?", "質問: 誰が、何を、何に対してできるか"))) }
            (who.line(c)) (action.line(c)) (resource.line(c)) (keys.lines(c, 3))
        }
    }
}

fn keys_of(form: &Form) -> Keys {
    let mut keys = Keys::new();
    let lines = form.get("context").lines().take(KEYS_MAX);
    for (key, value) in lines.filter_map(|line| line.split_once('=')) {
        keys.set(key.trim().to_owned(), value.trim());
    }
    keys
}

pub(super) async fn answers(c: &Context, desk: &Desk, tried: &Tried, form: &Form) -> Markup {
    let (who, action, resource) = (form.get("who"), form.get("action"), form.get("resource"));
    let keys = keys_of(form);
    if who.is_empty() || resource.is_empty() {
        return notice(
            c,
            State::Warn,
            &message!(
                "Say who, what and with what.",
                "誰が、何を、何に対してを指定してください。"
            ),
        );
    }
    let told = by_server(c, desk, form).await;
    let answer = |world: &World| {
        (
            world.may(who, action, resource, &keys),
            world.trace(who, action, resource, &keys),
        )
    };
    let after = tried.after.as_ref().map(|(world, _)| answer(world));
    let before = answer(&tried.before);
    html! {
        section #answer aria-live="polite" {
            h2 { (c.t(&message!("May {who} do {action}?", "{who} は {action} を実行できるか"))) }
            p { code { (resource) } }
            @if let Some(told) = &told { p { (c.t(&message!("As the server decides it now (iam:SimulatePrincipalPolicy):", "現在のサーバーの判定 (iam:SimulatePrincipalPolicy):"))) " " (told) } }
            (verdict(c, "now", &message!("As the policies are now", "現在のポリシー"), &before.0, before.1.as_deref()))
            @if let Some((found, trace)) = &after { (verdict(c, "then", &message!("With this policy", "このポリシーの場合"), found, trace.as_deref())) }
        }
    }
}

fn verdict(c: &Context, when: &str, heading: &Message, verdict: &Verdict, trace: Option<&[Traced]>) -> Markup {
    let (id, how, says) = match verdict.allowed {
        Allowed::Yes => ("yes", State::Good, message!("Yes", "できます")),
        Allowed::No => ("no", State::Bad, message!("No", "できません")),
        Allowed::Unknown => ("unknown", State::Unknown, message!("Not known", "不明")),
    };
    html! {
        section {
            h3 { (c.t(heading)) }
            p data-when=(when) data-allowed=(id) { (state(c, how, &says)) " " (c.t(&verdict.why)) }
            @if let Some(trace) = trace { (traced(c, heading, trace)) }
        }
    }
}

fn traced(c: &Context, heading: &Message, trace: &[Traced]) -> Markup {
    use operator::message::Language::{English, Japanese};
    let head = [
        message!("Policy", "ポリシー"),
        message!("Statement", "ステートメント"),
        message!("Effect", "効果"),
        message!("Outcome", "結果"),
    ];
    let rows = trace.iter().take(TRACED_MAX).map(|one| {
        let number = one.number.map(|number| number.to_string()).unwrap_or_default();
        let effect = if one.allows { "Allow" } else { "Deny" };
        let how = match (one.matches, one.allows) {
            (true, true) => State::Good,
            (true, false) => State::Bad,
            (false, _) => State::Plain,
        };
        let matches = if one.matches {
            message!("matches", "一致")
        } else {
            message!("does not match", "不一致")
        };
        vec![
            html! { (one.policy) },
            html! { (number) @if let Some(sid) = &one.sid { " " (sid) } },
            html! { (effect) },
            html! { (state(c, how, &matches)) " " (c.t(&one.why)) },
        ]
    });
    let caption = Message::new(
        format!("What was read: {}", heading.in_language(English)),
        format!("評価の経過: {}", heading.in_language(Japanese)),
    );
    html! { details { summary { (c.t(&caption)) } (table(c, &caption, &head, rows.collect())) } }
}

/// What the server decides of a user or role of the account; nothing for others, whose policies are not the account's.
async fn by_server(c: &Context, desk: &Desk, form: &Form) -> Option<Markup> {
    let (who, action, resource) = (form.get("who"), form.get("action"), form.get("resource"));
    let parts = base::arn::split(who)?;
    let is_entity = parts.service == "iam" && parts.account == desk.survey.account;
    if !is_entity || !["user/", "role/"].iter().any(|begin| parts.resource.starts_with(begin)) {
        return None;
    }
    let policy = policy_of(&desk.survey, resource);
    let mut members: Vec<(String, String)> = vec![
        ("PolicySourceArn".to_owned(), who.to_owned()),
        ("ActionNames.member.1".to_owned(), action.to_owned()),
        ("ResourceArns.member.1".to_owned(), resource.to_owned()),
    ];
    members.extend(policy.map(|policy| ("ResourcePolicy".to_owned(), policy)));
    let lines = form.get("context").lines().take(KEYS_MAX);
    for (at, (key, value)) in lines.filter_map(|line| line.split_once('=')).enumerate() {
        let begin = format!("ContextEntries.member.{}", at + 1);
        members.push((format!("{begin}.ContextKeyName"), key.trim().to_owned()));
        members.push((format!("{begin}.ContextKeyType"), "string".to_owned()));
        members.push((format!("{begin}.ContextKeyValues.member.1"), value.trim().to_owned()));
    }
    let members: Vec<(&str, &str)> = members
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Some(
        match c
            .client()
            .query(ServiceName::Iam, "SimulatePrincipalPolicy", &members)
            .await
        {
            Ok(answer) => {
                let decision = elements(&answer, "EvalDecision").into_iter().next().unwrap_or_default();
                let how = if decision == "allowed" { State::Good } else { State::Bad };
                html! { span data-server=(decision) { (state(c, how, &Message::plain(decision.as_str()))) } }
            }
            Err(error) => {
                html! { (state(c, State::Unknown, &message!("not told", "不明"))) " " (c.t(&error.message())) }
            }
        },
    )
}

/// The policy of a bucket or key, as it is.
fn policy_of(survey: &Survey, resource: &str) -> Option<String> {
    if let Some(key) = survey.keys.get(resource) {
        return key.policy.known().map(ToString::to_string);
    }
    let place = resource.strip_prefix("arn:aws:s3:::")?;
    let bucket = place.split('/').next().unwrap_or(place);
    survey.buckets.get(bucket)?.policy.found().map(ToString::to_string)
}
