//! What somebody has chosen for their own session: Region, language, light or dark. No call is made for it.

use crate::{
    Console, ROOT,
    context::Context,
    failure::Failure,
    router::{Outcome, Route, post},
    session::Theme,
    web::Answer,
};
use operator::{message, message::Language};
use std::sync::Arc;

pub(crate) fn routes() -> Vec<Route> {
    vec![post("/taste", choose)]
}

async fn choose(c: Arc<Context>) -> Outcome {
    let region = c.form.given("region");
    if region.is_some_and(|region| c.regions().iter().all(|known| known != region)) {
        return Err(Failure::Bad(message!(
            "There is no Region of this name here, or it is not enabled.",
            "この名前のリージョンは存在しないか、有効になっていません。"
        )));
    }
    c.session.set_taste(|taste| {
        if let Some(region) = region {
            region.clone_into(&mut taste.region);
        }
        match c.form.get("language") {
            "ja" => taste.language = Some(Language::Japanese),
            "en" => taste.language = Some(Language::English),
            _ => {}
        }
        match c.form.get("theme") {
            "light" => taste.theme = Some(Theme::Light),
            "dark" => taste.theme = Some(Theme::Dark),
            _ => {}
        }
    });
    let back = c.form.get("back");
    let is_own = Console::is_at(back) && !back.contains(['\\', '\n', '\r']);
    Ok(Answer::see(if is_own { back } else { ROOT }))
}
