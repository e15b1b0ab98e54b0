//! Who can read a trail's log files.

use super::{Found, find, page_below};
use crate::{
    context::Context,
    page::{State, notice, state, table},
    router::Outcome,
};
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    rights::{Allowed, Kind, Reader, Verdict, World},
    survey::{Depth, Trail},
};
use std::sync::Arc;

/// So many are shown.
const SHOWN_MAX: usize = 200;

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let Found { survey, trail } = find(&c, Depth::Full).await?;
    let page = page_below(
        &c,
        &trail,
        message!("Who can read the log files", "ログファイルを読める人"),
    );
    let world = World::of(&survey);
    let readers = world.readers(&trail);
    Ok(page.with(html! {
        div #readers {
            (shown(&c, &trail, readers))
            @if !world.remarks().is_empty() {
                details {
                    summary { (c.t(&message!("What this does not see", "この結果に含まれないもの"))) }
                    ul { @for remark in world.remarks() { li { (c.t(&remark)) } } }
                }
            }
        }
    }))
}

fn shown(c: &Context, trail: &Trail, mut readers: Vec<Reader>) -> Markup {
    let rank = |reader: &Reader| std::cmp::Reverse(reader.reads().allowed);
    readers.sort_by_key(rank);
    let count = |allowed: Allowed| {
        readers
            .iter()
            .filter(|reader| reader.reads().allowed == allowed)
            .count()
    };
    let (yes, unknown, no) = (count(Allowed::Yes), count(Allowed::Unknown), count(Allowed::No));
    let says = message!(
        "{yes} can read them, {no} cannot, of {unknown} it is not known.",
        "読める {yes} 件、読めない {no} 件、不明 {unknown} 件。"
    );
    let head = [
        message!("Who", "誰"),
        message!("What", "種類"),
        message!("Reads", "読める"),
        message!("S3 gives the file", "S3 の取得"),
        message!("KMS opens it", "KMS の復号"),
    ];
    let rows = readers.iter().take(SHOWN_MAX).map(|reader| {
        vec![
            html! { code { (reader.arn) } },
            html! { (c.t(&kind(reader.kind))) },
            allowed(c, reader.reads().allowed),
            verdict(c, &reader.s3),
            match &reader.kms {
                Some(kms) => verdict(c, kms),
                None => html! { (c.t(&message!("not needed", "不要"))) },
            },
        ]
    });
    let most = SHOWN_MAX;
    html! {
        p data-said { (c.t(&says)) }
        @if trail.kms_key.is_none() {
            (notice(c, State::Warn, &message!(
                "The trail has no key: whoever may read the bucket reads the log files.",
                "証跡にキーがないため、バケットを読める人は誰でもログファイルを読めます。"
            )))
        }
        (table(c, &message!("Readers of the log files to come", "今後のログファイルの閲覧者"), &head, rows.collect()))
        @if readers.len() > most { p { (c.t(&message!("The first {most} are shown.", "最初の {most} 件を表示しています。"))) } }
    }
}

fn kind(kind: Kind) -> Message {
    match kind {
        Kind::Root => message!("root of the account", "アカウントの root"),
        Kind::User => message!("user", "ユーザー"),
        Kind::Role => message!("role", "ロール"),
        Kind::OtherAccount => message!("another account", "他のアカウント"),
        Kind::Service => message!("service", "サービス"),
        Kind::Anonymous => message!("anyone, unsigned", "署名のない誰でも"),
    }
}

fn allowed(c: &Context, allowed: Allowed) -> Markup {
    match allowed {
        Allowed::Yes => state(c, State::Plain, &message!("yes", "はい")),
        Allowed::No => state(c, State::Plain, &message!("no", "いいえ")),
        Allowed::Unknown => state(c, State::Unknown, &message!("not known", "不明")),
    }
}

fn verdict(c: &Context, verdict: &Verdict) -> Markup {
    html! { (allowed(c, verdict.allowed)) br; span.aside { (c.t(&verdict.why)) } }
}
