//! `shoseki serve`: the server in the foreground.

use crate::style::{Style, say};
use anyhow::{Context, Result};
use clap::Args;
use server::{Config, RootAccessKey, Running};
use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

/// The status of a server that has to be started again, for its supervisor (EX_SOFTWARE of sysexits.h).
const STORE_FAILED: u8 = 70;

/// Every flag can also be given as SHOSEKI_<FLAG> in the environment or as a line of the configuration file; flags win over
/// the environment, and the environment over the file.
#[derive(Args)]
pub(crate) struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:4566]. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
    /// Where everything is kept [default: shoseki-data]. Made at the first start.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// A TOML file with settings, named as the flags are, with _ for -.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The Region of calls that name none [default: us-east-1].
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Regions enabled beside the 17 of a standard account.
    #[arg(long, value_name = "REGION,REGION")]
    pub(crate) regions: Option<String>,
    /// The account that the first start makes [default: 000000000000].
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// How often log files are delivered [default: 5m].
    #[arg(long, value_name = "DURATION")]
    pub(crate) delivery_interval: Option<String>,
    /// How long the window of one digest is [default: 1h].
    #[arg(long, value_name = "DURATION")]
    pub(crate) digest_interval: Option<String>,
    /// How far back LookupEvents reaches; older events are dropped [default: 90d].
    #[arg(long, value_name = "DURATION")]
    pub(crate) event_history: Option<String>,
    /// Encrypt connections: with a local CA kept in the data directory, or with two PEM files [default: off].
    #[arg(long, value_name = "off|auto|CERT,KEY")]
    pub(crate) tls: Option<String>,
    /// Let `shoseki clock advance` move time. A data directory whose clock was moved opens in this mode only.
    #[arg(long)]
    pub(crate) rehearsal: bool,
    /// Behave as the documents that this product follows, or as AWS does today, where the two differ [default: seeds].
    #[arg(long, value_name = "seeds|current")]
    pub(crate) aws_behavior: Option<String>,
    /// The domain under which virtual hosts hang [default: localhost].
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Where SNS may send messages to: this machine alone; any address that is routed everywhere; or private networks and this
    /// machine too [default: loopback].
    #[arg(long, value_name = "loopback|any|private")]
    pub(crate) sns_endpoints: Option<String>,
    /// The roots (PEM) that SNS's endpoints of https must be known to [default: the system's].
    #[arg(long, value_name = "FILE")]
    pub(crate) sns_ca_bundle: Option<String>,
    /// Keep the settings of the server's accounts as this baseline says, on the server's clock: see `shoseki guard`.
    #[arg(long, value_name = "FILE")]
    pub(crate) guard: Option<PathBuf>,
}

impl ServeArgs {
    fn load(self) -> Result<Config> {
        let texts = [
            ("listen", self.listen),
            ("data_dir", self.data_dir),
            ("region", self.region),
            ("regions", self.regions),
            ("account", self.account),
            ("delivery_interval", self.delivery_interval),
            ("digest_interval", self.digest_interval),
            ("event_history", self.event_history),
            ("tls", self.tls),
            ("rehearsal", self.rehearsal.then(|| "true".to_owned())),
            ("aws_behavior", self.aws_behavior),
            ("domain", self.domain),
            ("sns_endpoints", self.sns_endpoints),
            ("sns_ca_bundle", self.sns_ca_bundle),
        ];
        let flags = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)))
            .collect();
        Config::load(self.config, flags).context("cannot take the settings")
    }
}

pub(crate) async fn run(args: ServeArgs) -> Result<ExitCode> {
    // The signals are caught before anything is made, so that a stop during the start is a clean one too.
    let stop = StopSignal::new()?;
    let guard = args.guard.clone();
    let more = |data_dir: &Path| match &guard {
        Some(baseline) => Ok(vec![crate::guard::worker(baseline, data_dir)?]),
        None => Ok(Vec::new()),
    };
    let running = server::start_with(args.load()?, more).await?;
    if let Some(key) = &running.first_key {
        show_first_key(key, running.data_dir());
    }
    let guarded = guard
        .as_deref()
        .map(|baseline| crate::guard::shown(baseline, running.data_dir()));
    let link = crate::console::open(&running, guarded)?;
    // Whoever sees the link is root. What is not a terminal may be kept as a log.
    if std::io::stdout().is_terminal() {
        say(format_args!("console {link}"));
    }
    say(format_args!("ready {}", running.endpoint));
    let _ = std::io::stdout().flush();
    tokio::select! {
        () = stop.wait() => {}
        () = running.failed() => {}
    }
    shut_down(running).await
}

pub(crate) async fn shut_down(running: Running) -> Result<ExitCode> {
    let store_failed = running.has_failed();
    let stopped = running
        .shutdown()
        .await
        .context("the server did not stop cleanly; nothing that was answered is lost");
    match stopped {
        Err(error) if store_failed => {
            crate::complain(&error);
            Ok(ExitCode::from(STORE_FAILED))
        }
        stopped => stopped.map(|()| ExitCode::SUCCESS),
    }
}

fn show_first_key(key: &RootAccessKey, data_dir: &Path) {
    let style = Style::of_stdout();
    say(format_args!(
        "{}",
        style.bold("A new data directory, with one account and its root access key:")
    ));
    say(format_args!("  access key id      {}", key.access_key_id));
    say(format_args!("  secret access key  {}", key.secret_access_key.expose()));
    say(format_args!(
        "  kept in            {}",
        data_dir.join("credentials").display()
    ));
    say(format_args!(
        "It is shown this once. Use it: eval \"$(shoseki env --data-dir '{}')\"",
        data_dir.display()
    ));
}

/// What the system sends to a process that writes beyond its limit on file sizes (on Linux and macOS alike).
const SIGXFSZ: i32 = 25;

/// SIGTERM or SIGINT.
pub(crate) struct StopSignal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignal {
    pub(crate) fn new() -> Result<StopSignal> {
        let catch = |kind| signal(kind).context("cannot catch signals");
        // A limit on file sizes is to fail the write, as a full disk does, and not to end the process.
        drop(catch(SignalKind::from_raw(SIGXFSZ))?);
        Ok(StopSignal {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
        })
    }

    pub(crate) async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
