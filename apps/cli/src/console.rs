//! The console of a server that this process runs.

use crate::{client, style::say};
use anyhow::Result;
use base::{Clock, Random};
use clap::Args;
use console_pages::{Console, Request, Settings};
use server::{Announced, PageBody, PageRequest, Pages, Running};
use sigv4::sign::Credentials;
use std::{future::Future, path::PathBuf, pin::Pin, process::ExitCode, sync::Arc};

/// The directory of the files that take back what was changed in the console.
const BEFORE_STATES: &str = "console";

struct Shown(Arc<Console>);

impl Pages for Shown {
    fn are_at(&self, path: &str) -> bool {
        Console::is_at(path)
    }

    fn body_bytes_max(&self) -> usize {
        console_pages::FORM_BYTES_MAX
    }

    fn answer(&self, request: PageRequest) -> Pin<Box<dyn Future<Output = http::Response<PageBody>> + Send + '_>> {
        let request = Request {
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: request.body,
            peer: request.peer,
            https: request.https,
        };
        Box::pin(async { self.0.answer(request).await.into_response() })
    }
}

/// Opens the console of a running server. The link that is given back signs in as its root: once.
pub(crate) fn open(running: &Running, guard: Option<console_pages::Guard>) -> Result<String> {
    let announced = server::announced(running.data_dir())?;
    let console = Console::new(Settings {
        client: client::of(&announced)?,
        root: root(&announced),
        endpoint: running.endpoint.clone(),
        regions: running.regions.iter().map(ToString::to_string).collect(),
        clock: running.clock.clone(),
        random: Random::os(),
        before_states: running.data_dir().join(BEFORE_STATES),
        guard,
    });
    running.show(Arc::new(Shown(console)));
    Ok(link(&announced))
}

fn root(announced: &Announced) -> Credentials {
    client::key(&announced.key.access_key_id, announced.key.secret_access_key.clone())
}

fn link(announced: &Announced) -> String {
    let now = Clock::system().real_now();
    console_pages::link(&announced.endpoint, &root(announced), &Random::os(), now)
}

#[derive(Args)]
pub(crate) struct ConsoleArgs {
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

/// `shoseki console`: a link to the console of a running server.
pub(crate) fn run(args: &ConsoleArgs) -> Result<ExitCode> {
    say(link(&server::announced(&args.data_dir)?));
    Ok(ExitCode::SUCCESS)
}
