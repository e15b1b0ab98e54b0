//! One change of a page: shown, confirmed, and what became of it.

use crate::{
    ROOT,
    change::{self, Carried, Planned},
    context::Context,
    page::{Page, State, code, notice},
    router::Outcome,
};
use http::StatusCode;
use maud::{Markup, html};
use operator::{message, text::policy};
use serde_json::Value;
use std::sync::Arc;

/// Shows the change, or makes it when its form confirms it. The form goes to `action`, and what became of it leads back to `back`; both
/// are paths below the console's root.
pub(crate) async fn shown_or_made(
    c: &Arc<Context>,
    page: Page<'_>,
    planned: &Planned,
    (action, back): (&str, &str),
) -> Outcome {
    if !change::is_confirmed(c) {
        return Ok(page.with(change::preview(c, planned, action)));
    }
    let says = match change::carry_out(c, planned).await? {
        Carried::Done(done) => {
            let told = change::told(c, &done).await;
            return Ok(page.with(html! {
                (told)
                p { a href={ (ROOT) (back) } { (c.t(&message!("Back", "戻る"))) } }
            }));
        }
        Carried::Differs => message!(
            "What would be done is not what was shown before: somebody has changed something meanwhile. Nothing was changed. Look again.",
            "実行内容が先ほどの表示と異なります。その間に誰かが変更しました。何も変更していません。もう一度確認してください。"
        ),
        Carried::SentBefore => message!(
            "This form was sent already. It has changed nothing now.",
            "このフォームはすでに送信されています。今回は何も変更していません。"
        ),
    };
    let again = html! { (notice(c, State::Warn, &says)) (change::preview(c, planned, action)) };
    Ok(page.with(again).status(StatusCode::CONFLICT))
}

/// A policy in sentences, and as it is.
pub(crate) fn policy_told(c: &Context, document: &Value) -> Markup {
    let text = policy(&document.to_string());
    html! {
        (change::statements(c, &text, ""))
        details { summary { (c.t(&message!("As JSON", "JSON"))) } (code(c, &text)) }
    }
}
