//! What is loaded: the server itself, a server elsewhere, the floor, moto_server.

use crate::{
    machine,
    scenario::{BUCKET, OBJECT_BYTES, OBJECT_PATH},
};
use anyhow::{Context, Result, ensure};
use std::{
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{Client, Credentials, Server, load::content_of};

const MOTO_WAIT_MAX: Duration = Duration::from_secs(60);

/// The floor's only credentials; also what moto is told, who does not look.
pub(crate) const ACCESS_KEY: &str = "AKIABENCHBENCHBENCH0";
pub(crate) const SECRET: &str = "bench0123456789bench0123456789bench01234";

/// A server with what the calls need.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) client: Client,
    pub(crate) key_arn: String,
    // Ended, and its data removed, when the target is dropped; in this order.
    _server: Option<Server>,
    _process: Option<Process>,
    _folder: Option<TempDir>,
}

/// A process that is killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Takes charge of it.
    pub(crate) fn of(child: Child) -> Process {
        Process(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the server is measured by.
pub(crate) struct Yardsticks {
    pub(crate) floor: Target,
    pub(crate) moto: Option<Target>,
}

impl Yardsticks {
    pub(crate) async fn start(moto_server: Option<&Path>) -> Result<Yardsticks> {
        let moto = match moto_server {
            Some(program) => Some(Target::moto(program).await?),
            None => None,
        };
        Ok(Yardsticks {
            floor: Target::floor()?,
            moto,
        })
    }
}

impl Target {
    /// The binary on a new data directory, as it is started by default.
    pub(crate) async fn shoseki(binary: &Path) -> Result<Target> {
        let folder = machine::directory()?;
        let mut server = Server::of(binary, &folder.path().join("data"), &[]);
        server.launch()?;
        let mut target = Target::prepared("shoseki", server.client()?).await?;
        target._server = Some(server);
        target._folder = Some(folder);
        Ok(target)
    }

    /// A server that somebody else runs.
    pub(crate) async fn at(endpoint: &str, access_key: Option<&str>, secret: Option<&str>) -> Result<Target> {
        let credentials = Credentials::new(access_key.context("no access key")?, secret.context("no secret")?);
        Target::prepared("endpoint", Client::new(endpoint, credentials, "us-east-1")?).await
    }

    async fn moto(program: &Path) -> Result<Target> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let process = Process(child);
        let deadline = Instant::now() + MOTO_WAIT_MAX;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(Instant::now() < deadline, "moto_server does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let endpoint = format!("http://127.0.0.1:{port}");
        let client = Client::new(&endpoint, Credentials::new(ACCESS_KEY, SECRET), "us-east-1")?;
        let mut target = Target::prepared("moto_server", client).await?;
        target._process = Some(process);
        Ok(target)
    }

    pub(crate) fn floor() -> Result<Target> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("floor")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the floor")?;
        let stdout = child.stdout.take();
        let process = Process(child);
        let mut line = String::new();
        BufReader::new(stdout.context("the floor has no output")?).read_line(&mut line)?;
        let endpoint = line.trim().strip_prefix("ready ").context("the floor is not ready")?;
        Ok(Target {
            name: "the floor",
            client: Client::new(endpoint, Credentials::new(ACCESS_KEY, SECRET), "us-east-1")?,
            key_arn: "arn:aws:kms:us-east-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef".to_owned(),
            _server: None,
            _process: Some(process),
            _folder: None,
        })
    }

    /// A process that somebody else made ready; it has no KMS.
    pub(crate) fn process(name: &'static str, client: Client, process: Process, folder: TempDir) -> Target {
        Target {
            name,
            client,
            key_arn: String::new(),
            _server: None,
            _process: Some(process),
            _folder: Some(folder),
        }
    }

    /// A running server, made ready for the calls.
    pub(crate) async fn of(name: &'static str, client: Client) -> Result<Target> {
        Target::prepared(name, client).await
    }

    /// The same server, called by somebody else.
    pub(crate) fn by(&self, name: &'static str, client: Client) -> Target {
        Target {
            name,
            client,
            key_arn: self.key_arn.clone(),
            _server: None,
            _process: None,
            _folder: None,
        }
    }

    async fn prepared(name: &'static str, client: Client) -> Result<Target> {
        let key_arn = client
            .create_key(None)
            .await
            .with_context(|| format!("preparing {name}"))?;
        client.create_bucket(BUCKET).await?;
        client
            .put_object(OBJECT_PATH, content_of(1, OBJECT_BYTES), Some(&key_arn))
            .await?
            .ok()?;
        let read = client.get_object(OBJECT_PATH).await?.ok()?;
        ensure!(
            read.body == content_of(1, OBJECT_BYTES),
            "{name} reads back something else"
        );
        Ok(Target {
            name,
            client,
            key_arn,
            _server: None,
            _process: None,
            _folder: None,
        })
    }
}
