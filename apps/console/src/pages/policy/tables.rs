//! Who may do what before and after, and what would break.

use crate::{
    context::Context,
    page::{State, notice, state, table},
};
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    plan::{Plan, Refusal},
    policy_desk::{Matrix, Row, Target, matrix},
    rights::{Allowed, Verdict, World},
    survey::Survey,
};

/// So many principals are shown for a resource.
const ROWS_MAX: usize = 100;

/// The keys and buckets that a policy is about: of a key or bucket itself, else those of the trails.
pub(super) fn resources(target: &Target, survey: &Survey) -> (Vec<String>, Vec<String>) {
    match target {
        Target::Key { arn } => (
            vec![arn.clone()],
            survey
                .trails
                .iter()
                .filter(|trail| trail.kms_key.as_ref() == Some(arn))
                .map(|trail| trail.bucket.clone())
                .collect(),
        ),
        Target::Bucket { name } => (Vec::new(), vec![name.clone()]),
        Target::Trust { .. } => (Vec::new(), Vec::new()),
        Target::Inline { .. } | Target::Managed { .. } => (
            survey.keys.keys().cloned().collect(),
            survey.buckets.keys().cloned().collect(),
        ),
    }
}

pub(super) fn refusal(refusal: &Refusal) -> Message {
    use operator::message::Language::{English, Japanese};
    let code = &refusal.code;
    let (english, japanese) = (refusal.why.in_language(English), refusal.why.in_language(Japanese));
    message!("{code}: {english}", "{code}: {japanese}")
}

pub(super) fn breaks(c: &Context, plan: &Plan) -> Markup {
    let stopped = plan.trails.iter().filter(|trail| trail.breaks());
    let lost = plan.readers.iter().filter(|reader| reader.loses());
    let refused = plan.changes.iter().filter_map(|change| change.refused.as_ref());
    html! {
        section #breaks {
            h2 { (c.t(&message!("What would break", "影響"))) }
            @if !plan.breaks { (notice(c, State::Good, &message!("Nothing breaks, as far as could be read.", "読み取れた範囲では、影響はありません。"))) }
            ul.warnings {
                @for one in refused { li { (state(c, State::Bad, &message!("Refused", "拒否されます"))) " " (c.t(&refusal(one))) } }
                @for one in &plan.lockouts { li { (state(c, State::Bad, &message!("Lock-out", "ロックアウト"))) " " (c.t(&one.why)) } }
                @for one in stopped { li { (state(c, State::Bad, &message!("Trail", "証跡"))) " " (one.name) @for (name, part) in one.parts() { @if part.stops() { " " (name) @if let Some(error) = &part.error { ": " (c.t(&refusal(error))) } } } } }
                @for one in lost { li { (state(c, State::Warn, &message!("Reader", "閲覧者"))) " " code { (one.principal) } " " (one.trail) ": " (word(c, one.before)) " → " (word(c, one.after)) " " (c.t(&one.why)) } }
            }
        }
    }
}

fn word(c: &Context, allowed: Allowed) -> Markup {
    match allowed {
        Allowed::Yes => state(c, State::Good, &message!("yes", "可")),
        Allowed::No => state(c, State::Plain, &message!("no", "不可")),
        Allowed::Unknown => state(c, State::Unknown, &message!("not known", "不明")),
    }
}

pub(super) fn matrices(c: &Context, before: &World, after: &World, keys: &[String], buckets: &[String]) -> Markup {
    let all = matrix(before, after, keys, buckets);
    html! {
        @if !all.is_empty() {
            section #access {
                h2 { (c.t(&message!("Who may do what, before and after", "変更前後のアクセス権"))) }
                @for one in &all { (table_of(c, one)) }
                details {
                    summary { (c.t(&message!("What limits these answers", "この表の前提"))) }
                    ul { @for remark in before.remarks() { li { (c.t(&remark)) } } }
                }
            }
        }
    }
}

fn table_of(c: &Context, matrix: &Matrix) -> Markup {
    let resource = &matrix.resource;
    let mut head = vec![message!("Who", "誰が")];
    head.extend(matrix.columns.iter().map(|column| match column.right {
        "read" => message!("read", "読み取り"),
        "write" => message!("write", "書き込み"),
        "administer" => message!("administer", "管理"),
        _ => message!("delete", "削除"),
    }));
    // Those first for whom something changes.
    let mut rows: Vec<&Row> = matrix.rows.iter().collect();
    rows.sort_by_key(|row| !row.is_changed());
    let (others, more) = (matrix.others, rows.len().saturating_sub(ROWS_MAX));
    let shown = rows.iter().take(ROWS_MAX).map(|row| {
        let who = match row.principal.as_str() {
            "*" => html! { (c.t(&message!("anybody, without a signature", "署名のない呼び出し"))) },
            name => html! { code { (name) } },
        };
        let cells = row.cells.iter().map(|(before, after)| cell(c, before, after));
        std::iter::once(who).chain(cells).collect()
    });
    html! {
        h3 { code { (resource) } }
        (table(c, &message!("Who may do what with {resource}", "{resource} へのアクセス権"), &head, shown.collect()))
        p.aside {
            (c.t(&message!("{others} others may do none of it.", "他の {others} 件のプリンシパルはいずれも実行できません。")))
            @if more > 0 { " " (c.t(&message!("{more} more are not shown.", "ほか {more} 件は省略しました。"))) }
        }
    }
}

fn cell(c: &Context, before: &Verdict, after: &Verdict) -> Markup {
    if before.allowed == after.allowed {
        return html! { span title=(c.t(&after.why)) { (word(c, after.allowed)) } };
    }
    let says = match before.allowed < after.allowed {
        true => message!("newly", "新たに"),
        false => message!("no longer", "失われる"),
    };
    html! {
        span.changed title=(c.t(&after.why)) {
            (word(c, before.allowed)) " → " (word(c, after.allowed)) " " b { (c.t(&says)) }
        }
    }
}
