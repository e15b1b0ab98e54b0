//! The server's process: started on a free port, ended by its own id, its messages kept.

use crate::Client;
use anyhow::{Context, Result, anyhow, bail, ensure};
use sigv4::sign::Credentials;
use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const READY_WAIT_MAX: Duration = Duration::from_secs(30);
const END_WAIT_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// A server on a data directory, through as many lives of its process as a test wants. Killed when dropped.
pub struct Server {
    binary: PathBuf,
    data_dir: PathBuf,
    arguments: Vec<String>,
    /// A program that starts the binary, such as `nsenter`; it must replace itself by it.
    wrapper: Vec<String>,
    running: Option<Running>,
    stderr: Arc<Mutex<Vec<String>>>,
    home: Option<TempDir>,
}

struct Running {
    child: Child,
    endpoint: String,
}

impl Server {
    /// Starts the binary under test on a new data directory, with these arguments of `serve`.
    pub fn start(arguments: &[&str]) -> Result<Server> {
        let mut server = Server::prepare(arguments)?;
        server.launch()?;
        Ok(server)
    }

    /// The same, not started yet.
    pub fn prepare(arguments: &[&str]) -> Result<Server> {
        let home = TempDir::with_prefix("shoseki-test-")?;
        let mut server = Server::of(&binary()?, &home.path().join("data"), arguments);
        server.home = Some(home);
        Ok(server)
    }

    /// This binary on this data directory, not started yet.
    pub fn of(binary: &Path, data_dir: &Path, arguments: &[&str]) -> Server {
        Server {
            binary: binary.to_owned(),
            data_dir: data_dir.to_owned(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            wrapper: Vec::new(),
            running: None,
            stderr: Arc::default(),
            home: None,
        }
    }

    /// From its next life on, the binary is started by this program, which must replace itself by it.
    pub fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&a| a.to_owned()).collect();
    }

    /// From its next life on, the server works in this directory.
    pub fn move_to(&mut self, data_dir: &Path) {
        data_dir.clone_into(&mut self.data_dir);
    }

    /// Starts the process and waits until it listens. Answers how long that took.
    pub fn launch(&mut self) -> Result<Duration> {
        ensure!(self.running.is_none(), "the server is running already");
        let start = Instant::now();
        let mut child = self.spawn()?;
        let ready = self.read_ready(&mut child, start + READY_WAIT_MAX);
        let took = start.elapsed();
        match ready {
            Ok(endpoint) => {
                self.running = Some(Running { child, endpoint });
                Ok(took)
            }
            Err(error) => {
                let _ = child.kill();
                let status = child.wait()?;
                Err(error.context(format!("{status}; it said:\n{}", self.stderr_tail())))
            }
        }
    }

    /// Starts the process and kills it after `span`, ready or not.
    pub fn launch_and_kill(&mut self, span: Duration) -> Result<()> {
        ensure!(self.running.is_none(), "the server is running already");
        let mut child = self.spawn()?;
        thread::sleep(span);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill9(&mut self) -> Result<()> {
        let mut running = self.running.take().context("the server is not running")?;
        running.child.kill()?;
        running.child.wait()?;
        Ok(())
    }

    /// Asks the process to end (SIGTERM) and waits for it.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        let mut running = self.running.take().context("the server is not running")?;
        signal("TERM", running.child.id())?;
        self.wait(&mut running.child)
    }

    /// Waits for a process that ends by itself.
    pub fn wait_for_end(&mut self) -> Result<ExitStatus> {
        let mut running = self.running.take().context("the server is not running")?;
        self.wait(&mut running.child)
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus> {
        let deadline = Instant::now() + END_WAIT_MAX;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        child.kill()?;
        child.wait()?;
        bail!(
            "the server did not end in {END_WAIT_MAX:?}; it said:\n{}",
            self.stderr_tail()
        )
    }

    /// Ends it cleanly if it runs, and starts it again on the same data.
    pub fn restart(&mut self) -> Result<Duration> {
        if self.running.is_some() {
            let status = self.terminate()?;
            ensure!(status.success(), "SIGTERM ended with {status}:\n{}", self.stderr_tail());
        }
        self.launch()
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> Result<&str> {
        Ok(&self.running.as_ref().context("the server is not running")?.endpoint)
    }

    /// The id of the process.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running.as_ref().context("the server is not running")?.child.id())
    }

    /// Whether the process is there still.
    pub fn is_running(&mut self) -> bool {
        self.running
            .as_mut()
            .is_some_and(|running| matches!(running.child.try_wait(), Ok(None)))
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A client with the root access key.
    pub fn client(&self) -> Result<Client> {
        Client::new(self.endpoint()?, credentials_in(&self.data_dir)?, "us-east-1")
    }

    /// Another command of the binary, to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command(&self.binary);
        command.args(arguments).stdin(Stdio::null());
        command
            .output()
            .with_context(|| format!("cannot run {}", self.binary.display()))
    }

    /// All that it has said on standard error, in all its lives.
    pub fn stderr(&self) -> String {
        lines(&self.stderr).join("\n")
    }

    /// Fails if any life panicked or logged an error.
    pub fn assert_calm(&self) -> Result<()> {
        let said = lines(&self.stderr);
        let bad: Vec<&str> = said
            .iter()
            .map(String::as_str)
            .filter(|line| line.contains("panicked") || line.contains("ERROR"))
            .collect();
        ensure!(
            bad.is_empty(),
            "the server complained {} times:\n{}",
            bad.len(),
            bad.join("\n")
        );
        Ok(())
    }

    fn stderr_tail(&self) -> String {
        let said = lines(&self.stderr);
        said.iter()
            .skip(said.len().saturating_sub(20))
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn spawn(&self) -> Result<Child> {
        let mut command = match self.wrapper.split_first() {
            None => self.command(&self.binary),
            Some((program, arguments)) => {
                let mut command = self.command(Path::new(program));
                command.args(arguments).arg(&self.binary);
                command
            }
        };
        command.arg("serve").arg("--data-dir").arg(&self.data_dir);
        command.args(["--listen", "127.0.0.1:0"]).args(&self.arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let said = Arc::clone(&self.stderr);
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || each_line(stderr, |line| lines(&said).push(line)));
        }
        Ok(child)
    }

    /// The program without anything of this environment that would change what it does.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let is_setting = |n: &str| n.starts_with("AWS_") || n.starts_with("SHOSEKI_") || n == "RUST_LOG";
            if name.to_str().is_some_and(is_setting) {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1");
        command
    }

    fn read_ready(&self, child: &mut Child, deadline: Instant) -> Result<String> {
        let stdout = child.stdout.take().context("no standard output")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || each_line(stdout, |line| drop(sender.send(line))));
        loop {
            let line = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line = line.map_err(|error| match error {
                RecvTimeoutError::Disconnected => anyhow!("the server ended before it was ready"),
                RecvTimeoutError::Timeout => anyhow!("the server was not ready in {READY_WAIT_MAX:?}"),
            })?;
            if let Some(endpoint) = line.strip_prefix("ready ") {
                return Ok(endpoint.trim().to_owned());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

fn lines(kept: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn each_line(from: impl Read, mut take: impl FnMut(String)) {
    for line in BufReader::new(from).split(b'\n') {
        match line {
            Ok(line) => take(String::from_utf8_lossy(&line).into_owned()),
            Err(_) => return,
        }
    }
}

/// By the shell's own `kill`, so that no program has to be there and nothing unsafe is called.
fn signal(name: &str, pid: u32) -> Result<()> {
    let script = format!("kill -{name} {pid}");
    let status = Command::new("sh")
        .args(["-c", &script])
        .status()
        .context("cannot run sh")?;
    ensure!(status.success(), "`{script}` ended with {status}");
    Ok(())
}

/// The binary under test: `SHOSEKI_BIN`, else the one that cargo built beside the running test.
#[expect(clippy::disallowed_methods, reason = "a test tool is told what to test")]
fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SHOSEKI_BIN").filter(|p: &OsString| !p.is_empty()) {
        let path = PathBuf::from(path);
        ensure!(
            path.is_file(),
            "SHOSEKI_BIN is `{}`, and there is no such file",
            path.display()
        );
        return Ok(path);
    }
    let test = std::env::current_exe().context("where am I?")?;
    // target/debug/deps/crash-0123456789abcdef
    let beside = test.ancestors().skip(1).take(2).map(|folder| folder.join("shoseki"));
    beside.into_iter().find(|path| path.is_file()).with_context(|| {
        format!(
            "no binary `shoseki` near {}; run `cargo build --bin shoseki`, or set SHOSEKI_BIN",
            test.display()
        )
    })
}

/// The root access key of a data directory.
pub fn credentials_in(data_dir: &Path) -> Result<Credentials> {
    let path = data_dir.join("credentials");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let value = |name: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let found = pairs
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned());
        found.with_context(|| format!("no {name} in {}", path.display()))
    };
    Ok(Credentials::new(
        value("aws_access_key_id")?,
        value("aws_secret_access_key")?,
    ))
}
