//! Which page is where.

use crate::{
    Console, ROOT, assets,
    context::Context,
    failure::Failure,
    form::Form,
    page, pages,
    session::same,
    sign_in,
    web::{Answer, Request, unescaped},
};
use http::{Method, StatusCode, header};
use operator::message;
use std::{future::Future, pin::Pin, sync::Arc};

/// What a page gives.
pub(crate) type Outcome = Result<Answer, Failure>;
type Handler = Box<dyn Fn(Arc<Context>) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// One page, or what a form of one does.
pub(crate) struct Route {
    method: Method,
    /// The path below the console's root. `{name}` stands for one segment.
    pattern: &'static str,
    handler: Handler,
}

fn route<F>(method: Method, pattern: &'static str, handler: fn(Arc<Context>) -> F) -> Route
where
    F: Future<Output = Outcome> + Send + 'static,
{
    Route {
        method,
        pattern,
        handler: Box::new(move |context| Box::pin(handler(context))),
    }
}

/// A page. It changes nothing.
pub(crate) fn get<F>(pattern: &'static str, handler: fn(Arc<Context>) -> F) -> Route
where
    F: Future<Output = Outcome> + Send + 'static,
{
    route(Method::GET, pattern, handler)
}

/// What a form does. It is asked for only when the form carries the session's token.
pub(crate) fn post<F>(pattern: &'static str, handler: fn(Arc<Context>) -> F) -> Route
where
    F: Future<Output = Outcome> + Send + 'static,
{
    route(Method::POST, pattern, handler)
}

impl Route {
    /// The parts of the path that the pattern names, when the path is of this pattern.
    fn params(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let (mut wanted, mut given) = (self.pattern.split('/'), path.split('/'));
        let mut params = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(params),
                (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                    Some(_) if given.is_empty() => return None,
                    Some(name) => params.push((name, unescaped(given)?)),
                    None if wanted == given => {}
                    None => return None,
                },
                _ => return None,
            }
        }
    }
}

static ROUTES: std::sync::LazyLock<Vec<Route>> = std::sync::LazyLock::new(pages::routes);

/// Answers a request.
pub(crate) async fn answer(console: Arc<Console>, mut request: Request) -> Answer {
    // HEAD is answered as GET; the server leaves the body out.
    if request.method == Method::HEAD {
        request.method = Method::GET;
    }
    if request.method != Method::GET && request.method != Method::POST {
        let refused = Answer::see(ROOT).status(StatusCode::METHOD_NOT_ALLOWED);
        return refused.with(header::ALLOW, "GET, HEAD, POST");
    }
    if let Some(asset) = assets::at(&request.path) {
        return asset;
    }
    if request.path == ROOT || request.path == "/" {
        return Answer::see(&format!("{ROOT}/"));
    }
    if request.method == Method::POST && !is_from_here(&console, &request) {
        return page::refused(
            &request,
            &Failure::Bad(message!(
                "The form was not sent from a page of this console. Nothing was changed.",
                "このコンソールのページから送信されたフォームではありません。何も変更していません。"
            )),
            StatusCode::FORBIDDEN,
        );
    }
    let query = Form::parse(request.query.as_bytes());
    let form = match request.method {
        Method::POST => Form::parse(&request.body),
        _ => Form::default(),
    };
    let path = request.path.strip_prefix(ROOT).unwrap_or_default();
    match (&request.method, path) {
        (&Method::GET, "/sign-in") => return sign_in::show(&console, &request, &query).await,
        (&Method::POST, "/sign-in") => return sign_in::enter(&console, &request, &form).await,
        _ => {}
    }
    let name = request.cookie(&sign_in::session_cookie(&console)).unwrap_or_default();
    let Some(session) = console.sessions.of(name, console.settings.clock.real_now()) else {
        return sign_in::needed(&request);
    };
    if request.method == Method::POST && !same(&session.token, form.get("token")) {
        return page::refused(
            &request,
            &Failure::Bad(message!(
                "The form does not carry this session's token. Nothing was changed.",
                "フォームにこのセッションのトークンがありません。何も変更していません。"
            )),
            StatusCode::FORBIDDEN,
        );
    }
    if request.method == Method::POST && path == "/sign-out" {
        return sign_in::leave(&console, &request);
    }
    let context = Context::new(Arc::clone(&console), session, &request, query, form);
    routed(context, &request).await
}

async fn routed(mut context: Context, request: &Request) -> Answer {
    let found = ROUTES
        .iter()
        .filter(|route| route.method == request.method)
        .find_map(|route| Some((route, route.params(&context.path)?)));
    let Some((route, params)) = found else {
        return page::failed(&context, &Failure::no_page()).await;
    };
    context.params = params;
    let named = [context.param("region"), &context.region];
    let failure = named.into_iter().find_map(|region| unknown(&context, region));
    if let Some(failure) = failure {
        context.region = context.session.taste().region;
        return page::failed(&context, &failure).await;
    }
    let context = Arc::new(context);
    match (route.handler)(Arc::clone(&context)).await {
        Ok(answer) => answer,
        Err(Failure::Aws(error)) if Failure::is_of_credentials(&error) => {
            // The key was taken back, or its time is over: so is the session.
            sign_in::leave(&context.console, request)
        }
        Err(failure) => page::failed(&context, &failure).await,
    }
}

/// Why a Region cannot be looked at. Services refuse a signature for one that is not enabled as they refuse a wrong key.
fn unknown(context: &Context, region: &str) -> Option<Failure> {
    let is_known = region.is_empty() || context.regions().iter().any(|known| known == region);
    (!is_known).then(|| {
        Failure::Missing(message!(
            "There is no Region of this name here, or it is not enabled.",
            "この名前のリージョンは存在しないか、有効になっていません。"
        ))
    })
}

/// Whether a form was sent by a page of this server, as the browser says. Old browsers say nothing; the token is asked for anyway.
fn is_from_here(console: &Console, request: &Request) -> bool {
    let site = request.header("sec-fetch-site");
    let origin = request.header(header::ORIGIN);
    let host = request.header(header::HOST);
    let scheme = if request.https { "https" } else { "http" };
    // Behind a proxy that ends TLS the scheme is another.
    let is_own = |origin: &str| {
        origin == console.settings.endpoint
            || origin == format!("{scheme}://{host}")
            || (!host.is_empty() && origin == format!("https://{host}"))
    };
    (site.is_empty() || site == "same-origin") && (origin.is_empty() || is_own(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_segments() {
        let route = get("/keys/{region}/{id}", |_| async { Err(Failure::no_page()) });
        let check = |path: &str, expected: Option<&[(&str, &str)]>| {
            let params = route.params(path);
            let params: Option<Vec<(&str, &str)>> = params
                .as_ref()
                .map(|all| all.iter().map(|(name, value)| (*name, value.as_str())).collect());
            assert_eq!(params.as_deref(), expected, "{path}");
        };
        check("/keys/eu-west-1/a%2Fb", Some(&[("region", "eu-west-1"), ("id", "a/b")]));
        check("/keys/eu-west-1", None);
        check("/keys/eu-west-1/", None);
        check("/keys/eu-west-1/a/b", None);
        check("/trails/eu-west-1/a", None);
    }

    #[test]
    fn every_route_is_there_once() {
        let mut all: Vec<_> = pages::routes()
            .iter()
            .map(|route| format!("{} {}", route.method, route.pattern))
            .collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
    }
}
