//! # Server: the composition root
//!
//! Puts the rooms behind the gateway, the gateway behind a listener, and both on a data directory: [`start`]. What a
//! call means is the rooms' affair, and how it is decided and recorded the gateway's; here is what a process needs.
//!
//! Start reading at [`start`]; settings are in [`config`], the only place that names every service is `wiring`.
//!
//! ## Invariants
//! - A data directory belongs to one process; the lock is taken before anything else in it is looked at.
//! - Whatever start is broken off wherever, the next one goes on from there.
//! - A stop answers the calls under way, ends the workers between two ticks, and closes the store last.

pub mod config;
mod conn;
mod data_dir;
#[cfg(test)]
mod documents;
mod first_start;
pub mod fsck;
mod listen;
mod organization;
mod pages;
mod root_key;
#[cfg(test)]
mod rotation_tests;
mod tls;
mod wiring;
mod workers;

pub use config::{Config, ConfigError, TlsMode, parse_duration};
pub use first_start::RootAccessKey;
pub use pages::{PageBody, PageRequest, Pages};

use anyhow::{Context, Result, bail};
use base::{Clock, Random, Region};
use data_dir::DataDir;
use gateway::World;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Opens the store of a data directory that no server uses, for tools that write or read it directly. The first start makes
/// the directory; this does not.
pub fn open_store(data_dir: &Path, clock: &Clock) -> Result<store::Store> {
    if !data_dir.join("store-format").exists() {
        bail!("`{}` is no data directory", data_dir.display());
    }
    DataDir::open(data_dir, &Random::os())?.open_store(clock)
}

const ENDPOINT_FILE: &str = "endpoint";
const AWS_CONFIG_FILE: &str = "aws-config";
/// In the announcement, for `shoseki`'s own commands; AWS's clients pass over names that they do not know.
const CERTIFICATE: &str = "shoseki_certificate";

/// The store is looked at so often.
const STORE_LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a write failed, callers are told so for this long, each by its own error, before the process is to end.
const FAILED_TIME: Duration = Duration::from_secs(30);

/// A server that is listening. Dropped without [`Running::shutdown`] it goes on until its runtime ends.
pub struct Running {
    /// Where it is, as clients name it: `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// The address that it is bound to.
    pub address: SocketAddr,
    /// The local CA's certificate, with `--tls auto`.
    pub ca_bundle: Option<PathBuf>,
    /// The root access key, from the start that made it.
    pub first_key: Option<RootAccessKey>,
    /// Its clock.
    pub clock: Clock,
    /// The Regions that are enabled.
    pub regions: Vec<Region>,
    dir: DataDir,
    pages: Arc<OnceLock<Arc<dyn Pages>>>,
    store: store::Store,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts a server in this process, on a runtime that is running.
pub async fn start(config: Config) -> Result<Running> {
    start_with(config, |_| Ok(Vec::new())).await
}

/// The same with more background work, made once the data directory is this server's.
pub async fn start_with(
    config: Config,
    more: impl FnOnce(&Path) -> Result<Vec<Arc<dyn gateway::ports::Worker>>>,
) -> Result<Running> {
    let (clock, random) = (Clock::system(), Random::os());
    let dir = DataDir::open(&config.data_dir, &random)?;
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; choose another address with --listen",
            config.listen
        )
    })?;
    let store = dir.open_store(&clock)?;
    let row = first_start::directory(&store).await?;
    let first_account = first_start::first_account(row.as_ref(), config.account)?;
    restore_clock(&store, &clock, config.rehearsal).await?;
    let address = listener.local_addr()?;
    let endpoint = endpoint(address, config.tls != TlsMode::Off);
    let mut settings = config.settings(first_account);
    settings.endpoint = endpoint.clone();
    let tls = tls::server_config(&config.tls, &dir, &settings, address.ip(), clock.real_now())?;
    let regions = settings.regions.clone();
    let world = Arc::new(World::new(store.clone(), clock.clone(), random, settings, dir.root()));
    let sns_roots = tls::sns_roots(config.sns_ca_bundle.as_deref())?;
    let gateway = wiring::wire(&world, &dir, more(dir.path())?)?;
    let first_key = first_start::make(&world, &dir, row).await?;

    let ca_bundle = (config.tls == TlsMode::Auto).then(|| dir.path().join(tls::CA_FILE));
    if in_clear(address.ip(), tls.is_some()) {
        tracing::warn!(
            %address,
            "listening without TLS on an address that others can reach: keys that are handed out and the bodies of calls \
             travel in clear; use --tls"
        );
    }
    announce(&dir, &endpoint, &config, ca_bundle.as_deref())?;
    let (stop, stopped) = watch::channel(false);
    let front = listen::Front {
        gateway: Arc::new(gateway),
        tls: tls.map(Into::into),
        calls: listen::Calls::default(),
        pages: Arc::default(),
    };
    let pages = Arc::clone(&front.pages);
    let tasks = vec![
        workers::spawn(listen::run(listener, front, stopped.clone())),
        workers::spawn(workers::run(Arc::clone(&world), stopped.clone())),
        workers::spawn(cloudformation::run(Arc::clone(&world), stopped.clone())),
        workers::spawn(sns::deliver(Arc::clone(&world), sns_roots, stopped)),
    ];
    Ok(Running {
        endpoint,
        address,
        ca_bundle,
        first_key,
        clock,
        regions,
        dir,
        pages,
        store,
        stop,
        tasks,
    })
}

impl Running {
    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Shows pages to browsers from now on. What is shown first stays.
    pub fn show(&self, pages: Arc<dyn Pages>) {
        let _ = self.pages.set(pages);
    }

    /// Whether a write failed, so that no call that would be recorded can succeed until a new start.
    pub fn has_failed(&self) -> bool {
        self.store.has_failed()
    }

    /// Ends some time after a write failed: the server is of no use any more and is to be shut down and started again.
    pub async fn failed(&self) {
        while !self.has_failed() {
            tokio::time::sleep(STORE_LOOK_EVERY).await;
        }
        tracing::error!(
            "the store takes no more writes; calls are answered with errors for {} s, then the process ends to be started again",
            FAILED_TIME.as_secs()
        );
        tokio::time::sleep(FAILED_TIME).await;
    }

    /// Answers the calls under way, ends the workers, and closes the store. Nothing that was answered is lost.
    pub async fn shutdown(self) -> Result<()> {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.context("a background task ended badly")?;
        }
        for file in [ENDPOINT_FILE, AWS_CONFIG_FILE] {
            self.dir.remove(file)?;
        }
        self.store.close().await.context("cannot close the store")
    }
}

/// Puts the clock where it was moved to. Times in the data would lie in the future of a server that did not know.
async fn restore_clock(store: &store::Store, clock: &Clock, rehearsal: bool) -> Result<()> {
    let offset = {
        let txn = store.begin();
        shoseki_service::clock_offset(&txn.view()).await?
    };
    if offset > Duration::ZERO && !rehearsal {
        bail!(
            "the clock of this data directory was moved ahead by {} s, so it opens in rehearsal mode only; \
             start with --rehearsal or choose another --data-dir",
            offset.as_secs()
        );
    }
    clock.advance(offset);
    Ok(())
}

/// Whether others than this machine can reach the server, and nothing hides what they say.
fn in_clear(ip: IpAddr, tls: bool) -> bool {
    !tls && !ip.to_canonical().is_loopback()
}

/// How clients on this machine name the server.
fn endpoint(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

/// Tells other programs of this user where the server is: the endpoint, and the same as a profile for AWS's clients.
fn announce(dir: &DataDir, endpoint: &str, config: &Config, ca_bundle: Option<&Path>) -> Result<()> {
    let mut profile = format!("[default]\nregion = {}\nendpoint_url = {endpoint}\n", config.region);
    if let Some(ca) = ca_bundle {
        let ca = std::path::absolute(ca).context("cannot tell where the CA's certificate is")?;
        profile.push_str(&format!("ca_bundle = {}\n", ca.display()));
    }
    if let TlsMode::Files { cert, .. } = &config.tls {
        let cert = std::path::absolute(cert).context("cannot tell where the certificate is")?;
        profile.push_str(&format!("{CERTIFICATE} = {}\n", cert.display()));
    }
    dir.write_passing(AWS_CONFIG_FILE, profile.as_bytes())?;
    dir.write_passing(ENDPOINT_FILE, format!("{endpoint}\n").as_bytes())
}

/// What `shoseki env` and the other commands need to know of a running server: read from its data directory, without
/// opening it.
pub struct Announced {
    /// Where the server is.
    pub endpoint: String,
    /// Its Region.
    pub region: String,
    /// The local CA's certificate, under `--tls auto`.
    pub ca_bundle: Option<PathBuf>,
    /// The server's own certificate, under `--tls CERT,KEY`.
    pub certificate: Option<PathBuf>,
    /// The root access key of its credentials file.
    pub key: RootAccessKey,
}

/// Reads what a running server has announced in its data directory.
pub fn announced(data_dir: &Path) -> Result<Announced> {
    let read = |name: &str| std::fs::read_to_string(data_dir.join(name));
    let profile = read(AWS_CONFIG_FILE).with_context(|| {
        let dir = data_dir.display();
        format!("no server runs on the data directory `{dir}`; start one: shoseki serve --data-dir '{dir}'")
    })?;
    let value = |name: &str| {
        profile
            .lines()
            .find_map(|l| l.strip_prefix(name)?.strip_prefix(" = "))
            .map(str::to_owned)
    };
    let credentials = read(first_start::CREDENTIALS_FILE).with_context(|| {
        format!(
            "cannot read the root access key in `{}`",
            data_dir.join(first_start::CREDENTIALS_FILE).display()
        )
    })?;
    Ok(Announced {
        endpoint: value("endpoint_url").context("the server's announcement names no endpoint")?,
        region: value("region").context("the server's announcement names no Region")?,
        ca_bundle: value("ca_bundle").map(PathBuf::from),
        certificate: value(CERTIFICATE).map(PathBuf::from),
        key: first_start::parse_profile(&credentials).context("the credentials file holds no access key")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_what_a_client_can_call() {
        let check = |address: &str, tls, expected: &str| {
            assert_eq!(endpoint(address.parse().unwrap(), tls), expected);
        };
        check("127.0.0.1:4566", false, "http://127.0.0.1:4566");
        check("0.0.0.0:1", true, "https://127.0.0.1:1");
        check("[::]:1", false, "http://[::1]:1");
        check("192.0.2.1:80", false, "http://192.0.2.1:80");
    }

    #[test]
    fn only_this_machine_is_listened_to_in_clear_without_a_word() {
        let check = |ip: &str, tls, expected| assert_eq!(in_clear(ip.parse().unwrap(), tls), expected, "{ip}");
        check("127.0.0.1", false, false);
        check("::1", false, false);
        check("0.0.0.0", false, true);
        check("::", false, true);
        check("192.0.2.1", false, true);
        check("192.0.2.1", true, false);
    }
}
