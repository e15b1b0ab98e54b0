//! Pages that say why there is no other.

use super::{Outside, Page, outside};
use crate::{
    context::Context,
    failure::Failure,
    form::Form,
    web::{Answer, Request},
};
use http::StatusCode;
use maud::{Markup, html};
use operator::{aws::Error, message};

/// For somebody who is signed in: what went wrong in AWS's words and, where the server knows why, its reasons.
pub(crate) async fn failed(c: &Context, failure: &Failure) -> Answer {
    let content = html! {
        (told(c, failure))
        (reasons(c, failure).await)
    };
    Page::new(c, failure.title()).with(content).status(failure.status())
}

/// The refusal itself, as a part of a page that shows the rest.
pub(crate) fn told(c: &Context, failure: &Failure) -> Markup {
    match failure {
        Failure::Aws(error) => refusal(c, error),
        _ => html! { div.notice.bad role="alert" { p { (c.t(&failure.says())) } } },
    }
}

/// The error of a call, as AWS says it.
pub(crate) fn refusal(c: &Context, error: &Error) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { (c.t(&error.message())) }
            @if let Some(refused) = error.refused() && !refused.request_id.is_empty() {
                p.aside { (c.t(&message!("Request", "リクエスト ID"))) " " code { (refused.request_id) } }
            }
        }
    }
}

/// Why the server refused, when it keeps that and the reader may ask.
async fn reasons(c: &Context, failure: &Failure) -> Markup {
    match failure {
        Failure::Aws(error) => reasons_of(c, error).await,
        _ => html! {},
    }
}

/// The same of a call's error.
pub(crate) async fn reasons_of(c: &Context, error: &Error) -> Markup {
    let Some(refused) = error.refused().filter(|_| Failure::is_denial(error)) else {
        return html! {};
    };
    super::why(c, &c.client(), &refused.request_id).await
}

/// For a request that is refused before its session is looked at.
pub(crate) fn refused(request: &Request, failure: &Failure, status: StatusCode) -> Answer {
    let form = Form::default();
    let to = Outside::of(request, &form);
    let title = failure.title();
    let content = html! {
        h1 { (title.in_language(to.language)) }
        p.notice.bad role="alert" { (failure.says().in_language(to.language)) }
        p { a href={ (crate::ROOT) "/" } { (message!("To the console", "コンソールへ").in_language(to.language)) } }
    };
    Answer::page(outside(&to, &title, content)).status(status)
}
