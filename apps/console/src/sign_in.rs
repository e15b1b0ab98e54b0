//! The door: an access key, or a link that was printed on the server's terminal.

use crate::{
    Caller, Console, ROOT,
    failure::Failure,
    form::Form,
    page::{self, Outside},
    session::{same, unguessable},
    throttle::Throttle,
    web::{Answer, Request, cookie, escaped},
};
use aws_lc_rs::hmac;
use base::{Random, Secret, Timestamp};
use http::{StatusCode, header};
use maud::html;
use operator::{message, message::Message};
use serde::Deserialize;
use sigv4::sign::Credentials;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use wire::ServiceName;

/// A link signs in within this time of its making, once.
pub const LINK_TIME: Duration = Duration::from_secs(15 * 60);
/// Whoever sees the form has this long to send it.
const FORM_TIME: Duration = Duration::from_secs(3600);
/// What a link's proof is made for, so that it is good for nothing else.
const PURPOSE: &[u8] = b"shoseki console link 1";

/// The address of a page that signs in with this access key: once, within [`LINK_TIME`]. Whoever has the key can make it; the key is
/// not in it, only the proof that its maker had it.
pub fn link(endpoint: &str, key: &Credentials, random: &Random, now: Timestamp) -> String {
    let made = now.as_secs_f64().to_bits();
    let claim = format!("{made:016x}{}", hex::encode(random.bytes::<16>()));
    format!(
        "{endpoint}{ROOT}/sign-in?code={claim}{}",
        hex::encode(proof(key, &claim))
    )
}

fn proof(key: &Credentials, claim: &str) -> hmac::Tag {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, key.secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&secret);
    context.update(PURPOSE);
    context.update(claim.as_bytes());
    context.sign()
}

/// The door for links.
pub(crate) struct Links {
    key: Credentials,
    /// Links made before are refused: which of them were used is not known any more.
    since: Timestamp,
    used: Mutex<HashMap<String, Timestamp>>,
}

impl Links {
    /// For links made with this key from now on.
    pub(crate) fn new(key: Credentials, now: Timestamp) -> Links {
        Links {
            key,
            since: now,
            used: Mutex::default(),
        }
    }

    /// The key, when the code is a link's that is good and was not used.
    fn take(&self, code: &str, now: Timestamp) -> Option<Credentials> {
        const CLAIM: usize = 48;
        let (claim, tag) = code.split_at_checked(CLAIM)?;
        let expected = hex::encode(proof(&self.key, claim));
        if !same(&expected, tag) {
            return None;
        }
        let made = u64::from_str_radix(claim.get(..16)?, 16).ok()?;
        let made = Timestamp::from_secs_f64(f64::from_bits(made));
        if made < self.since || made > now || now.since(made) >= LINK_TIME {
            return None;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, made| now.since(*made) < LINK_TIME);
        let first = used.insert(claim.to_owned(), made).is_none();
        first.then(|| self.key.clone())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    account: String,
    arn: String,
}

/// The name of the session's cookie. Browsers give all ports of a host the same cookies, so the port is in it.
pub(crate) fn session_cookie(console: &Console) -> String {
    let port = console.settings.endpoint.rsplit(':').next().unwrap_or_default();
    format!("shoseki-console-{port}")
}

fn form_cookie(console: &Console) -> String {
    format!("{}-form", session_cookie(console))
}

/// Where to go after signing in: a page of this console and nothing else.
fn next(form: &Form) -> String {
    let next = form.get("next");
    let is_own = crate::Console::is_at(next)
        && !next.starts_with(&format!("{ROOT}/sign-"))
        && !next.contains(['\\', '\n', '\r']);
    if is_own { next.to_owned() } else { format!("{ROOT}/") }
}

/// GET: the form, or the end of a link.
pub(crate) async fn show(console: &Console, request: &Request, query: &Form) -> Answer {
    match query.given("code") {
        None => form(console, request, query, None, StatusCode::OK),
        Some(code) => match console.links.take(code, console.settings.clock.real_now()) {
            Some(credentials) => match begin(console, request, credentials, &next(query), None).await {
                Ok(answer) => answer,
                Err(refusal) => form(console, request, query, Some(refusal.says), refusal.status),
            },
            None => form(
                console,
                request,
                query,
                Some(message!(
                    "This link was used, or its time is over. Sign in with an access key, or print a new link: shoseki console",
                    "このリンクは使用済みか期限切れです。アクセスキーでサインインするか、shoseki console で新しいリンクを発行してください。"
                )),
                StatusCode::FORBIDDEN,
            ),
        },
    }
}

/// POST: an access key.
pub(crate) async fn enter(console: &Console, request: &Request, sent: &Form) -> Answer {
    let refused = |says: Message, status| form(console, request, sent, Some(says), status);
    let expected = request.cookie(&form_cookie(console)).unwrap_or_default();
    if expected.is_empty() || !same(expected, sent.get("token")) {
        return refused(
            message!(
                "The form was too old, or it was not sent from this page. Send it again.",
                "フォームの有効期限が切れたか、このページから送信されたものではありません。もう一度送信してください。"
            ),
            StatusCode::FORBIDDEN,
        );
    }
    let (Some(key), Some(secret)) = (sent.given("key"), sent.given("secret")) else {
        return refused(
            message!(
                "Both the access key id and the secret access key are needed.",
                "アクセスキー ID とシークレットアクセスキーの両方を入力してください。"
            ),
            StatusCode::BAD_REQUEST,
        );
    };
    let credentials = Credentials {
        access_key_id: key.to_owned(),
        secret: Secret::new(secret.to_owned()),
        session_token: sent.given("session").map(str::to_owned),
    };
    match begin(console, request, credentials, &next(sent), Some(&console.throttle)).await {
        Ok(answer) => answer,
        Err(refusal) => refused(refusal.says, refusal.status),
    }
}

struct Refusal {
    says: Message,
    status: StatusCode,
}

/// Begins a session with a key that STS knows. Whoever comes by a link has proven the key already, and is not counted.
async fn begin(
    console: &Console,
    request: &Request,
    credentials: Credentials,
    next: &str,
    counted: Option<&Throttle>,
) -> Result<Answer, Refusal> {
    let now = console.settings.clock.real_now();
    if let Some(throttle) = counted {
        throttle.take(request.peer, now).map_err(|seconds| Refusal {
            says: message!(
                "Too many wrong keys came from your address. Wait {seconds} seconds.",
                "このアドレスからのサインインの失敗が多すぎます。{seconds} 秒待ってからやり直してください。"
            ),
            status: StatusCode::TOO_MANY_REQUESTS,
        })?;
    }
    let right = || counted.into_iter().for_each(|throttle| throttle.right(request.peer));
    let client = console.settings.client.with_credentials(credentials.clone());
    let identity: Result<Identity, _> = client.ask_query(ServiceName::Sts, "GetCallerIdentity", &[]).await;
    let caller = match identity {
        Ok(identity) => Caller {
            account: identity.account,
            arn: identity.arn,
        },
        Err(error)
            if Failure::is_of_credentials(&error) || error.refused().is_some_and(|refused| refused.status < 500) =>
        {
            return Err(Refusal {
                says: message!(
                    "The access key is not known here, or the secret is not its own, or a session's time is over.",
                    "アクセスキーが登録されていないか、シークレットが一致しないか、セッションの有効期限が切れています。"
                ),
                status: StatusCode::FORBIDDEN,
            });
        }
        Err(error) => {
            right();
            return Err(Refusal {
                says: error.message(),
                status: StatusCode::BAD_GATEWAY,
            });
        }
    };
    right();
    // Whoever was signed in at this browser is not any more: a name of before never becomes that of somebody else.
    if let Some(before) = request.cookie(&session_cookie(console)) {
        console.sessions.end(before);
    }
    let name = console
        .sessions
        .begin(credentials, caller, console.settings.client.region(), now);
    let until = now.plus(crate::session::TIME);
    Ok(Answer::see(next)
        .with(
            header::SET_COOKIE,
            &cookie(&session_cookie(console), &name, request.https, Some((now, until))),
        )
        .with(
            header::SET_COOKIE,
            &cookie(&form_cookie(console), "", request.https, Some((now, now))),
        ))
}

/// POST: ends the session, here and wherever its cookie may have been taken to.
pub(crate) fn leave(console: &Console, request: &Request) -> Answer {
    if let Some(name) = request.cookie(&session_cookie(console)) {
        console.sessions.end(name);
    }
    let now = console.settings.clock.real_now();
    Answer::see(&format!("{ROOT}/sign-in")).with(
        header::SET_COOKIE,
        &cookie(&session_cookie(console), "", request.https, Some((now, now))),
    )
}

/// To the form, and back to the page that was asked for.
pub(crate) fn needed(request: &Request) -> Answer {
    let asked = match request.query.as_str() {
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    };
    let asked = if request.method == http::Method::POST {
        String::new()
    } else {
        asked
    };
    Answer::see(&format!("{ROOT}/sign-in?next={}", escaped(&asked)))
}

fn form(console: &Console, request: &Request, sent: &Form, says: Option<Message>, status: StatusCode) -> Answer {
    let outside = Outside::of(request, sent);
    let t = |message: &Message| message.in_language(outside.language).to_owned();
    // The form's cookie of another tab goes on to serve.
    let token = match request.cookie(&form_cookie(console)) {
        Some(token) if token.len() == 43 => token.to_owned(),
        _ => unguessable(&console.settings.random),
    };
    let now = console.settings.clock.real_now();
    let body = html! {
        div.sign-in {
            h1 { (t(&message!("Sign in to the console", "コンソールにサインイン"))) }
            @if let Some(says) = &says {
                p.notice.bad role="alert" { (t(says)) }
            }
            form method="post" action={ (ROOT) "/sign-in" } {
                input type="hidden" name="token" value=(token);
                input type="hidden" name="next" value=(next(sent));
                div.field {
                    label for="key" { (t(&message!("Access key ID", "アクセスキー ID"))) }
                    input #key name="key" required autocomplete="username" spellcheck="false" value=(sent.get("key"));
                }
                div.field {
                    label for="secret" { (t(&message!("Secret access key", "シークレットアクセスキー"))) }
                    input #secret name="secret" type="password" required autocomplete="current-password";
                }
                details {
                    summary { (t(&message!("With a session's token", "セッショントークンを使う"))) }
                    div.field {
                        label for="session" { (t(&message!("Session token", "セッショントークン"))) }
                        textarea #session name="session" rows="3" spellcheck="false" autocomplete="off" {}
                    }
                }
                button.primary type="submit" { (t(&message!("Sign in", "サインイン"))) }
            }
            p.aside {
                (t(&message!(
                    "Every page asks the public APIs with this key: you see what its policies let you see, and each call is recorded. For a link that signs in as the root of the first account, run on the server:",
                    "各ページはこのキーで公開 API を呼び出します。表示されるのはポリシーで許可された内容だけで、呼び出しはすべて記録されます。最初のアカウントのルートとしてサインインするリンクは、サーバー上で次のコマンドを実行すると得られます。"
                )))
                " " code { "shoseki console" }
            }
        }
    };
    let title = message!("Sign in", "サインイン");
    Answer::page(page::outside(&outside, &title, body)).status(status).with(
        header::SET_COOKIE,
        &cookie(
            &form_cookie(console),
            &token,
            request.https,
            Some((now, now.plus(FORM_TIME))),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_signs_in_once_and_in_time() {
        let (random, now) = (Random::seeded(1), Timestamp::from_secs_f64(1_000.5));
        let key = Credentials::new("AKIA", "secret");
        let links = Links::new(key.clone(), now);
        let code = |key: &Credentials, made: Timestamp| {
            let link = link("http://127.0.0.1:1", key, &random, made);
            link.strip_prefix("http://127.0.0.1:1/console/sign-in?code=")
                .unwrap()
                .to_owned()
        };
        let later = |seconds: u64| now.plus(Duration::from_secs(seconds));
        let good = code(&key, now);
        assert!(links.take(&good, later(1)).is_some());
        assert!(links.take(&good, later(1)).is_none(), "a second time");
        let late = code(&key, now);
        assert!(links.take(&late, now.plus(LINK_TIME)).is_none(), "too late");
        let early = code(&key, Timestamp::from_secs_f64(1_000.0));
        assert!(links.take(&early, later(1)).is_none(), "made before this console");
        assert!(
            links.take(&code(&key, later(9)), later(1)).is_none(),
            "made in the future"
        );
        assert!(
            links
                .take(&code(&Credentials::new("AKIA", "other"), now), later(1))
                .is_none()
        );
        let mut forged = code(&key, now).into_bytes();
        for at in 0..forged.len() {
            let before = forged[at];
            forged[at] = if before == b'0' { b'1' } else { b'0' };
            assert!(
                links.take(std::str::from_utf8(&forged).unwrap(), later(1)).is_none(),
                "changed at {at}"
            );
            forged[at] = before;
        }
        assert!(links.take("", now).is_none() && links.take("ö", now).is_none());
    }

    #[test]
    fn signing_in_leads_to_pages_of_the_console_only() {
        let check = |next_is: &str, expected: &str| {
            let query = Form::parse(format!("next={}", escaped(next_is)).as_bytes());
            assert_eq!(next(&query), expected, "{next_is}");
        };
        check("/console/trails?region=eu-west-1", "/console/trails?region=eu-west-1");
        check("https://elsewhere.example/console/", "/console/");
        check("//elsewhere.example/console/", "/console/");
        check("/console\\@elsewhere.example", "/console/");
        check("/consoles", "/console/");
        check("/console/sign-out", "/console/");
        check("", "/console/");
    }
}
