//! The frame of a page: header, navigation, footer.

use crate::{
    ROOT, assets,
    context::{Context, accepted_language},
    form::Form,
    session::Theme,
    web::{Answer, Request},
};
use maud::{DOCTYPE, Markup, html};
use operator::{
    message,
    message::{Language, Message},
};

/// What the navigation leads to: the path below the root, its name, and whether it is made for changing things.
fn places() -> [(&'static str, Message); 9] {
    [
        ("/", message!("Overview", "概要")),
        ("/trails", message!("Trails", "証跡")),
        ("/events", message!("Events", "イベント")),
        ("/keys", message!("Keys", "キー")),
        ("/buckets", message!("Buckets", "バケット")),
        ("/policy", message!("Policy desk", "ポリシー")),
        ("/checks", message!("Checks", "チェック")),
        ("/rollback", message!("Roll back", "ロールバック")),
        ("/guard", message!("Guard", "ガード")),
    ]
}

/// A page above this one: its name and its path below the root.
pub(crate) type Crumb = (Message, String);

/// A page of somebody who is signed in.
pub(crate) struct Page<'a> {
    context: &'a Context,
    title: Message,
    crumbs: Vec<Crumb>,
    regional: bool,
}

impl<'a> Page<'a> {
    /// With this title, which is also its heading.
    pub(crate) fn new(context: &'a Context, title: Message) -> Page<'a> {
        Page {
            context,
            title,
            crumbs: Vec::new(),
            regional: true,
        }
    }

    /// With a page above it.
    pub(crate) fn below(mut self, name: Message, path: impl Into<String>) -> Page<'a> {
        self.crumbs.push((name, path.into()));
        self
    }

    /// A page that shows all Regions, or what is of none: it offers no choice of one.
    pub(crate) fn of_all_regions(mut self) -> Page<'a> {
        self.regional = false;
        self
    }

    /// The page with what is in it, below its heading.
    pub(crate) fn with(self, content: Markup) -> Answer {
        Answer::page(self.markup(content))
    }

    pub(crate) fn markup(self, content: Markup) -> Markup {
        let c = self.context;
        let title = c.t(&self.title);
        let main = html! {
            @if !self.crumbs.is_empty() {
                nav.crumbs aria-label=(c.t(&message!("Above this page", "上位のページ"))) {
                    ol { @for (name, path) in &self.crumbs { li { a href={ (ROOT) (path) } { (c.t(name)) } } } }
                }
            }
            h1 { (title) }
            (content)
        };
        document(
            c.language,
            c.theme,
            title,
            html! {
                a.skip href="#main" { (c.t(&message!("Skip to the content", "本文へ移動"))) }
                (header(c, self.regional))
                div.body {
                    (navigation(c))
                    main #main tabindex="-1" { (main) }
                }
                (footer(c))
            },
        )
    }
}

fn header(c: &Context, regional: bool) -> Markup {
    let other = match c.language {
        Language::English => ("ja", "日本語"),
        Language::Japanese => ("en", "English"),
    };
    let dark = c.theme == Some(Theme::Dark);
    html! {
        header.top {
            a.brand href={ (ROOT) "/" } { img src=(assets::icon()) alt="" width="24" height="24"; span { "shoseki" } }
            @if regional {
                form.region method="post" action={ (ROOT) "/taste" } {
                    (token(c)) (back(c))
                    label for="taste-region" { (c.t(&message!("Region", "リージョン"))) }
                    input #taste-region name="region" value=(c.region) list="regions" size="15" spellcheck="false" autocapitalize="off";
                    datalist #regions { @for region in c.regions() { option value=(region) {} } }
                    button type="submit" { (c.t(&message!("Go", "移動"))) }
                }
            }
            div.who {
                span title=(c.session.caller.arn) { (short(&c.session.caller.arn)) " · " (c.session.caller.account) }
                form method="post" action={ (ROOT) "/taste" } {
                    (token(c)) (back(c))
                    button.plain type="submit" name="language" value=(other.0) lang=(other.0) { (other.1) }
                    button.plain type="submit" name="theme" value=(if dark { "light" } else { "dark" }) {
                        (c.t(&if dark { message!("Light", "ライト") } else { message!("Dark", "ダーク") }))
                    }
                }
                form method="post" action={ (ROOT) "/sign-out" } {
                    (token(c))
                    button.plain type="submit" { (c.t(&message!("Sign out", "サインアウト"))) }
                }
            }
        }
    }
}

/// The last part of an ARN: `user/alice`.
fn short(arn: &str) -> &str {
    arn.splitn(6, ':').last().unwrap_or(arn)
}

fn navigation(c: &Context) -> Markup {
    let is_here = |path: &str| match path {
        "/" => c.path == "/",
        path => c.path == path || c.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')),
    };
    html! {
        nav.places aria-label=(c.t(&message!("Console", "コンソール"))) {
            ul {
                @for (path, name) in places() {
                    li { a href={ (ROOT) (path) } aria-current=[is_here(path).then_some("page")] { (c.t(&name)) } }
                }
            }
        }
    }
}

fn footer(c: &Context) -> Markup {
    let now = c.now().iso8601();
    let ahead = c.settings().clock.offset() > std::time::Duration::ZERO;
    html! {
        footer {
            p {
                (c.t(&message!("Times are UTC. The page is of", "時刻はすべて UTC です。表示時点:"))) " " time datetime=(now) { (now) }
                @if ahead { " " (c.t(&message!("on the rehearsal's clock.", "（リハーサルの時計）"))) }
            }
        }
    }
}

/// The session's token, for every form that changes something.
pub(crate) fn token(c: &Context) -> Markup {
    html! { input type="hidden" name="token" value=(c.session.token); }
}

/// This page, to come back to.
fn back(c: &Context) -> Markup {
    let query = c.query.with(&[("region", "")]);
    let place = match query.as_str() {
        "" => format!("{ROOT}{}", c.path),
        query => format!("{ROOT}{}?{query}", c.path),
    };
    html! { input type="hidden" name="back" value=(place); }
}

fn document(language: Language, theme: Option<Theme>, title: &str, body: Markup) -> Markup {
    let lang = match language {
        Language::English => "en",
        Language::Japanese => "ja",
    };
    let theme = theme.map(|theme| match theme {
        Theme::Light => "light",
        Theme::Dark => "dark",
    });
    html! {
        (DOCTYPE)
        html lang=(lang) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · shoseki" }
                link rel="icon" href=(assets::icon());
                link rel="stylesheet" href=(assets::style());
                script src=(assets::script()) defer {}
            }
            body { (body) }
        }
    }
}

/// How to speak to somebody who is not signed in.
pub(crate) struct Outside {
    pub(crate) language: Language,
}

impl Outside {
    /// As `lang` in the query says, else as the browser does.
    pub(crate) fn of(request: &Request, sent: &Form) -> Outside {
        Outside {
            language: match sent.get("lang") {
                "ja" => Language::Japanese,
                "en" => Language::English,
                _ => accepted_language(request),
            },
        }
    }
}

/// A page for whoever comes.
pub(crate) fn outside(outside: &Outside, title: &Message, content: Markup) -> Markup {
    document(
        outside.language,
        None,
        title.in_language(outside.language),
        html! {
            header.top { a.brand href={ (ROOT) "/" } { img src=(assets::icon()) alt="" width="24" height="24"; span { "shoseki" } } }
            main #main.alone { (content) }
        },
    )
}
