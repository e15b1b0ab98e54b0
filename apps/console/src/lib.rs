//! # The console
//!
//! Web pages over the public APIs, for people who set up trails and look at what they record. It is a client and nothing else: what it
//! shows it has asked for with the access key of who is signed in, and what it changes it changes by calls that anybody could make. All
//! of them are authorised and recorded like any others.
//!
//! Start reading at [`Console::answer`]; [`router`] says which page is where, [`pages`] has one module for each group of pages, [`page`]
//! what they are made of.
//!
//! ## Invariants
//! - GET changes nothing. POST carries the session's token, and comes from this origin.
//! - Nothing is loaded from elsewhere, no script or style stands in a page.
//! - A session's secret is in memory alone; the browser has a random name for it.
//! - What somebody wrote (names, records, policies) is text, never markup.
#![deny(missing_docs)]
#![allow(
    dead_code,
    unused_imports,
    reason = "pages that use all of its parts are being added"
)]

mod assets;
mod change;
mod chart;
mod compress;
mod context;
mod failure;
mod form;
mod live;
mod page;
mod pages;
mod router;
mod session;
mod sign_in;
mod throttle;
mod web;

pub use session::Caller;
pub use sign_in::{LINK_TIME, link};
pub use web::{Answer, Body, FORM_BYTES_MAX, Request};

use base::{Clock, Random};
use operator::aws::Client;
use session::Sessions;
use sign_in::Links;
use sigv4::sign::Credentials;
use std::{path::PathBuf, sync::Arc};
use throttle::Throttle;

/// What the User-Agent of the console's calls begins with: by it they are told from others.
pub const AGENT: &str = "shoseki-console/";

/// Where the console is.
pub const ROOT: &str = "/console";

/// What a console needs.
pub struct Settings {
    /// A client of the server whose console this is. Its credentials are never used: each session has its own.
    pub client: Client,
    /// The access key that links sign in with.
    pub root: Credentials,
    /// How browsers reach the server: `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// The Regions that are enabled, to be offered.
    pub regions: Vec<String>,
    /// The server's clock. Sessions live in real time; "ago" is said in the domain's.
    pub clock: Clock,
    /// Where random names come from.
    pub random: Random,
    /// A directory for the files that take changes back. Made at the first change.
    pub before_states: PathBuf,
    /// Where the guard's baseline and its state are, when the server keeps a guard.
    pub guard: Option<Guard>,
}

/// The server's guard, as `shoseki serve --guard` has started it.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Its baseline file.
    pub baseline: PathBuf,
    /// The file that says when it ran.
    pub state: PathBuf,
    /// The report of its last run.
    pub report: PathBuf,
}

/// The console of one server.
pub struct Console {
    settings: Settings,
    sessions: Sessions,
    links: Links,
    throttle: Throttle,
    /// Changes that were confirmed.
    sent: change::Sent,
}

impl Console {
    /// With these settings, and nobody signed in.
    pub fn new(mut settings: Settings) -> Arc<Console> {
        let agent = format!("{AGENT}{}", env!("CARGO_PKG_VERSION"));
        settings.client = settings.client.named(&agent);
        Arc::new(Console {
            sessions: Sessions::new(settings.random.clone()),
            links: Links::new(settings.root.clone(), settings.clock.real_now()),
            throttle: Throttle::default(),
            sent: change::Sent::default(),
            settings,
        })
    }

    /// Whether a request for this path is the console's, by the path alone.
    pub fn is_at(path: &str) -> bool {
        path.strip_prefix(ROOT)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers one request of a browser. Never fails: what goes wrong is told in a page.
    pub async fn answer(self: &Arc<Console>, request: Request) -> Answer {
        let gzip = request.accepts_gzip();
        let answer = router::answer(Arc::clone(self), request).await;
        compress::compressed(answer, gzip).with_security_headers()
    }
}
