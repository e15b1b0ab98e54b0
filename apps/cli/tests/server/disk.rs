//! A full disk: a clear 5xx, and nothing lost that was answered.

use super::process::{place, writers};
use anyhow::{Context, Result, ensure};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use testkit::{
    Server,
    load::{self, Failing, Job, Writer},
};

/// Loads the server until writes fail, without its help; then gives it room, starts it again and checks everything.
async fn fill_and_recover(server: &mut Server, give_room: impl FnOnce(&mut Server) -> Result<()>) -> Result<()> {
    server.launch()?;
    let client = server.client()?;
    let place = place(&client).await?;
    let work = load::all(writers(&place, Failing::Answering), &client, Job::Work);
    let writers = tokio::time::timeout(std::time::Duration::from_secs(60), work)
        .await
        .context("never full")??;
    ensure!(
        server.is_running(),
        "a full disk ended the process:\n{}",
        server.stderr()
    );
    let watched: usize = writers.iter().map(Writer::watched).sum();
    ensure!(watched > 20, "too few calls to mean anything: {watched}");
    // It still answers, if only to say that it cannot.
    let reply = client.query("sts", "GetCallerIdentity", &[]).await?;
    ensure!(
        reply.status.is_success() || reply.code().is_some(),
        "{}",
        reply.describe()
    );
    // The end may tell that not all is well and a new start is needed, but it comes, and by itself.
    let status = server.terminate()?;
    ensure!([Some(0), Some(70)].contains(&status.code()), "it ended with {status}");
    give_room(server)?;
    server.launch()?;
    let writers = load::all(writers, &server.client()?, Job::CheckAll)
        .await
        .context("after the disk was full")?;
    drop(writers);
    let client = server.client()?;
    client.put_object("/data/after", "room again", None).await?.ok()?;
    ensure!(server.terminate()?.success(), "SIGTERM at the end");
    ensure!(!server.stderr().contains("panicked"), "{}", server.stderr());
    Ok(())
}

/// Files of the process cannot grow beyond this; the rows' log is longer by far before it begins another.
const FILE_BYTES_MAX: u32 = 16 << 20;

/// Works everywhere. `before` is what the shell that sets the limit does first.
async fn fill_under_a_limit(before: &str) -> Result<()> {
    let mut server = Server::prepare(&[])?;
    // The first life reserves space for the log; a later one lets it grow.
    server.launch()?;
    ensure!(server.terminate()?.success(), "SIGTERM of the first life");
    // POSIX counts in blocks of 512 bytes.
    let script = format!("{before} ulimit -f {}; exec \"$0\" \"$@\"", FILE_BYTES_MAX / 512);
    server.wrap(&["sh", "-c", &script]);
    fill_and_recover(&mut server, |server| {
        server.wrap(&[]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: cargo xtask test runs it"]
async fn a_limit_on_file_sizes_loses_nothing() -> Result<()> {
    fill_under_a_limit("trap '' XFSZ;").await
}

/// The signal that goes with the limit must not end the process either, also where nobody told it to ignore it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: cargo xtask test runs it"]
async fn the_signal_of_a_file_size_limit_does_not_end_the_process() -> Result<()> {
    fill_under_a_limit("").await
}

/// Callers are told for a while; then it makes way for a new start.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: cargo xtask test runs it"]
async fn a_server_that_cannot_write_ends_for_its_supervisor() -> Result<()> {
    let mut server = Server::prepare(&[])?;
    server.launch()?;
    ensure!(server.terminate()?.success(), "SIGTERM of the first life");
    server.wrap(&["sh", "-c", "ulimit -f 2; exec \"$0\" \"$@\""]);
    server.launch()?;
    let client = server.client()?;
    let refused = client.create_bucket("data").await.err().context("it could write")?;
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    ensure!(server.is_running(), "it ended at once after: {refused:#}");
    client.create_bucket("data").await.err().context("it could write")?;
    let status = server.wait_for_end()?;
    ensure!(
        status.code() == Some(70),
        "it ended with {status}:\n{}",
        server.stderr()
    );
    let told = server
        .stderr()
        .matches("the store takes no more writes; calls are")
        .count();
    ensure!(told == 1, "it was told {told} times:\n{}", server.stderr());
    server.wrap(&[]);
    server.launch()?;
    server.client()?.create_bucket("data").await?;
    Ok(())
}

/// A small file system in memory, in a namespace that a process without rights can make where the system lets it.
struct SmallDisk {
    holder: Child,
    /// The disk as all processes of this user see it.
    root: PathBuf,
}

const DISK: &str = "/tmp/shoseki-small-disk";

impl SmallDisk {
    /// None where the system does not let us.
    fn of(mebibytes: u32) -> Result<Option<SmallDisk>> {
        // /tmp of the namespace is covered by a fresh one, so that nothing is left behind anywhere.
        let script = format!(
            "mount -t tmpfs shoseki /tmp && mkdir {DISK} && mount -t tmpfs -o size={mebibytes}m shoseki {DISK} \
             && echo mounted && exec sleep 600"
        );
        let made = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut holder) = made else {
            return Ok(None);
        };
        let mut line = String::new();
        BufReader::new(holder.stdout.take().context("no output")?).read_line(&mut line)?;
        if line.trim() != "mounted" {
            holder.kill()?;
            holder.wait()?;
            return Ok(None);
        }
        let root = PathBuf::from(format!("/proc/{}/root{DISK}", holder.id()));
        Ok(Some(SmallDisk { holder, root }))
    }

    fn grow_to(&self, mebibytes: u32) -> Result<()> {
        let mut command = Command::new("nsenter");
        command.args([
            "--target",
            &self.holder.id().to_string(),
            "--user",
            "--mount",
            "--preserve-credentials",
        ]);
        let status = command
            .args(["mount", "-o", &format!("remount,size={mebibytes}m"), DISK])
            .status()?;
        ensure!(status.success(), "remount ended with {status}");
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: cargo xtask test runs it"]
async fn a_full_disk_loses_nothing() -> Result<()> {
    let Some(disk) = SmallDisk::of(160)? else {
        eprintln!(
            "NOT RUN: this system lets no user mount a small disk; the tests with a file size limit are in its place"
        );
        return Ok(());
    };
    let mut server = Server::prepare(&[])?;
    server.move_to(&disk.root.join("data"));
    fill_and_recover(&mut server, |_| disk.grow_to(1_024)).await
}
