//! What belongs to the decision: who will read the log files, and what it costs.

use super::typed::Typed;
use crate::{
    context::Context,
    page::{State, notice, number, refusal, state, table},
};
use maud::{Markup, html};
use operator::{
    cost::{Estimate, Surveyed, monthly},
    message,
    message::Message,
    rights::{Allowed, Reader, World},
    setup::{Order, Prepared, outlook},
    survey::{self, Depth, Survey, Trail, What},
};

/// Readers and costs after the steps of a set-up.
pub(super) async fn shown(c: &Context, typed: &Typed, order: &Order, prepared: &Prepared) -> Markup {
    let is_made = prepared.steps.iter().any(|step| step.call.operation == "CreateBucket");
    let what = What {
        buckets: (!is_made).then(|| prepared.bucket.clone()).into_iter().collect(),
        keys: prepared.key.clone().into_iter().collect(),
        depth: Depth::Full,
        ..What::default()
    };
    let survey = match survey::read(&c.client().in_region(&prepared.region), &what).await {
        Ok(survey) => survey,
        Err(error) => return refusal(c, &error),
    };
    let ahead = outlook(&survey, order, prepared);
    let first = prepared.trails.first();
    let trail = ahead.trails.iter().find(|trail| Some(&trail.arn) == first);
    html! {
        @if let Some(trail) = trail { (readers(c, &World::of(&ahead), trail)) }
        (costs(c, &ahead, typed))
    }
}

/// Who will be able to read the log files of a trail.
fn readers(c: &Context, world: &World, trail: &Trail) -> Markup {
    let all = world.readers(trail);
    let (some, none): (Vec<&Reader>, Vec<&Reader>) = all.iter().partition(|one| one.reads().allowed != Allowed::No);
    html! {
        section #readers {
            h2 { (c.t(&message!("Who will be able to read the log files", "ログファイルを読める人"))) }
            @if some.is_empty() {
                (notice(c, State::Warn, &message!("Nobody who is known will be able to read them.", "読める人はいません。")))
            } @else {
                (rows(c, &message!("Who reads, and why", "読める人とその理由"), &some))
            }
            @if !none.is_empty() {
                details {
                    summary { (number(none.len() as u64)) " " (c.t(&message!("will not", "人は読めません"))) }
                    (rows(c, &message!("Who does not read, and why", "読めない人とその理由"), &none))
                }
            }
            ul.aside { @for remark in world.remarks() { li { (c.t(&remark)) } } }
        }
    }
}

fn rows(c: &Context, caption: &Message, readers: &[&Reader]) -> Markup {
    let head = [
        message!("Who", "誰が"),
        message!("Reads", "読めるか"),
        message!("Why", "理由"),
    ];
    let row = |reader: &&Reader| {
        let reads = reader.reads();
        let (how, says) = match reads.allowed {
            Allowed::Yes => (State::Good, message!("Yes", "はい")),
            Allowed::No => (State::Plain, message!("No", "いいえ")),
            Allowed::Unknown => (State::Unknown, message!("Not known", "不明")),
        };
        vec![
            html! { code { (reader.arn) } },
            state(c, how, &says),
            html! { (c.t(&reads.why)) },
        ]
    };
    table(c, caption, &head, readers.iter().map(row).collect())
}

/// What the trails and keys of the account cost a month, with these.
fn costs(c: &Context, ahead: &Survey, typed: &Typed) -> Markup {
    let events = typed.events_a_month().unwrap_or_default();
    let surveyed = Surveyed::of(ahead, events);
    let mut estimate = monthly(&surveyed.usage);
    estimate.assumptions.extend(surveyed.assumptions);
    let count = number(events);
    html! {
        section #costs {
            h2 { (c.t(&message!("What it costs a month", "1 か月の料金"))) }
            (lines(c, &estimate))
            details {
                summary { (c.t(&message!("What this rests on", "前提条件"))) }
                ul {
                    li { (c.t(&message!("{count} management events a month, as typed in the form.", "管理イベントは月 {count} 件 (フォームの入力値)。"))) }
                    @for one in &estimate.assumptions { li { (c.t(one)) } }
                }
                h3 { (c.t(&message!("Not counted", "含まれないもの"))) }
                ul { @for one in &estimate.not_counted { li { (c.t(one)) } } }
            }
        }
    }
}

fn lines(c: &Context, estimate: &Estimate) -> Markup {
    let head = [
        message!("What", "項目"),
        message!("How it comes about", "計算"),
        message!("Amount", "金額"),
    ];
    let mut rows: Vec<Vec<Markup>> = estimate
        .lines
        .iter()
        .map(|line| {
            vec![
                html! { (c.t(&line.what)) },
                html! { code { (line.formula) } },
                html! { (line.amount) },
            ]
        })
        .collect();
    rows.push(vec![
        html! { (c.t(&message!("Total", "合計"))) },
        html! {},
        html! { b { (estimate.total) } },
    ]);
    let caption = message!(
        "All trails and keys of the account, with what is made here",
        "アカウント全体の証跡とキー (ここで作成するものを含む)"
    );
    table(c, &caption, &head, rows)
}
