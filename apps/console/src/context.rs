//! What a page knows of its request.

use crate::{
    Console, Settings,
    form::Form,
    session::{Session, Theme},
    web::Request,
};
use base::Timestamp;
use operator::{
    aws::Client,
    message::{Language, Message},
};
use std::sync::Arc;

/// One request of somebody who is signed in.
pub(crate) struct Context {
    pub(crate) console: Arc<Console>,
    pub(crate) session: Arc<Session>,
    /// The path, without the console's root: `/trails/…`.
    pub(crate) path: String,
    /// What is in the path where the route has `{name}`, unescaped.
    pub(crate) params: Vec<(&'static str, String)>,
    /// The query.
    pub(crate) query: Form,
    /// The form of a POST, already proven to come from a page of this session.
    pub(crate) form: Form,
    pub(crate) language: Language,
    pub(crate) theme: Option<Theme>,
    /// The id of the last event of a stream that the browser has lost and asks for again; else empty.
    pub(crate) last_event: String,
    /// The Region that is looked at: that of `?region=`, else as chosen.
    pub(crate) region: String,
}

impl Context {
    pub(crate) fn new(
        console: Arc<Console>,
        session: Arc<Session>,
        request: &Request,
        query: Form,
        form: Form,
    ) -> Context {
        let taste = session.taste();
        let region = match query.get("region") {
            "" => taste.region,
            named => named.to_owned(),
        };
        Context {
            console,
            path: request.path.strip_prefix(crate::ROOT).unwrap_or_default().to_owned(),
            params: Vec::new(),
            query,
            form,
            language: taste.language.unwrap_or_else(|| accepted_language(request)),
            theme: taste.theme,
            last_event: request.header("last-event-id").to_owned(),
            region,
            session,
        }
    }

    /// What the console was made with.
    pub(crate) fn settings(&self) -> &Settings {
        &self.console.settings
    }

    /// A client as who is signed in, in the Region that is looked at.
    pub(crate) fn client(&self) -> Client {
        let settings = self.settings();
        settings
            .client
            .with_credentials(self.session.credentials.clone())
            .in_region(&self.region)
    }

    /// A part of the path; empty when the route has none of this name.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// In the reader's language.
    pub(crate) fn t<'a>(&self, message: &'a Message) -> &'a str {
        message.in_language(self.language)
    }

    /// The Regions that are enabled.
    pub(crate) fn regions(&self) -> &[String] {
        &self.settings().regions
    }

    /// Now, as the server's domain has it: in rehearsal mode it may lie ahead.
    pub(crate) fn now(&self) -> Timestamp {
        self.settings().clock.now()
    }
}

/// The language that a browser asks for first, of those that are spoken here.
pub(crate) fn accepted_language(request: &Request) -> Language {
    let header = request.header(http::header::ACCEPT_LANGUAGE);
    let tags = header.split(',').filter_map(|one| one.split(';').next()).map(str::trim);
    for tag in tags {
        match tag.split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "ja" => return Language::Japanese,
            "en" => return Language::English,
            _ => {}
        }
    }
    Language::English
}
