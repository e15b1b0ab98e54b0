//! One process per data directory, and a clean end.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use testkit::{
    Client, Server,
    load::{self, Failing, Job, Place, Writer},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_directory_is_refused() -> Result<()> {
    let server = Server::start(&[])?;
    let folder = server.data_dir().to_str().context("the path is not text")?;
    let done = server.run(&["serve", "--data-dir", folder, "--listen", "127.0.0.1:0"])?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(
        !done.status.success() && done.status.code() != Some(101),
        "it ended with {}",
        done.status
    );
    ensure!(
        said.contains(folder) && !said.contains("panicked"),
        "it does not name the directory: {said}"
    );
    ensure!(
        !String::from_utf8_lossy(&done.stdout).contains("ready"),
        "it said that it is ready"
    );
    server.client()?.query("sts", "GetCallerIdentity", &[]).await?.ok()?;
    server.assert_calm()
}

pub(crate) async fn place(client: &Client) -> Result<Place> {
    client.create_bucket("data").await?;
    Ok(Place {
        bucket: "data".to_owned(),
        key_arn: client.create_key(None).await?,
    })
}

pub(crate) fn writers(place: &Place, failing: Failing) -> Vec<Writer> {
    (0..8)
        .map(|number| Writer::new(number, 7, place.clone(), failing))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_nothing_that_was_answered() -> Result<()> {
    let mut server = Server::start(&[])?;
    let client = server.client()?;
    let place = place(&client).await?;
    // A call that comes while the server ends may be told so.
    let jobs = load::start(writers(&place, Failing::Answering), &client, Job::Work);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let status = server.terminate()?;
    ensure!(status.success(), "SIGTERM ended with {status}:\n{}", server.stderr());
    let writers = load::join(jobs).await?;
    server.launch()?;
    let writers = load::all(writers, &server.client()?, Job::CheckAll).await?;
    let watched: usize = writers.iter().map(Writer::watched).sum();
    ensure!(watched > 20, "too few calls to mean anything: {watched}");
    server.assert_calm()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_hold_up_the_end() -> Result<()> {
    let mut server = Server::start(&[])?;
    let authority = server.client()?.authority().to_owned();
    let _idle = tokio::net::TcpStream::connect(&authority).await?;
    let mut half = tokio::net::TcpStream::connect(&authority).await?;
    tokio::io::AsyncWriteExt::write_all(&mut half, b"POST / HTTP/1.1\r\nHost: x\r\nContent-").await?;
    let start = std::time::Instant::now();
    let status = server.terminate()?;
    ensure!(
        status.success() && start.elapsed() < Duration::from_secs(15),
        "{status} after {:?}",
        start.elapsed()
    );
    server.assert_calm()
}

/// Idle sockets take no descriptor that the store needs.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_leave_the_store_its_descriptors() -> Result<()> {
    let mut server = Server::prepare(&[])?;
    server.wrap(&["sh", "-c", "ulimit -n 300; exec \"$0\" \"$@\""]);
    server.launch()?;
    let client = server.client()?;
    client.create_bucket("data").await?;
    let mut silent = Vec::new();
    for _ in 0..260 {
        silent.push(tokio::net::TcpStream::connect(client.authority()).await?);
    }
    // Time to accept them all, if it did.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid()?)).map(Iterator::count);
    ensure!(open.as_ref().is_ok_and(|open| *open < 200), "{open:?} descriptors");
    drop(silent);
    let other = server.client()?;
    other.put_object("/data/after", "x", None).await?.ok()?;
    ensure!(server.terminate()?.success(), "SIGTERM");
    server.assert_calm()
}

/// An object may hold what the HTTP library says when it refuses a call.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_looks_like_a_refusal_is_given_as_it_is() -> Result<()> {
    let mut server = Server::start(&[])?;
    let client = server.client()?;
    client.create_bucket("data").await?;
    let segment: Vec<u8> = b"HTTP/1.1 400 x\r\n".iter().copied().cycle().take(64 << 10).collect();
    let body = segment.repeat(4);
    client.put_object("/data/odd", body.clone(), None).await?.ok()?;
    for _ in 0..8 {
        let got = client.get_object("/data/odd").await?.ok()?;
        ensure!(
            got.body[..] == body[..],
            "{} of {} bytes, or others",
            got.body.len(),
            body.len()
        );
    }
    ensure!(server.terminate()?.success(), "SIGTERM");
    server.assert_calm()
}

/// The certificate names nothing that this machine calls the server by, and is of no known root.
#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_moved_under_a_certificate_of_ones_own() -> Result<()> {
    let made = |file: &std::path::Path| -> Result<String> {
        let cert = rcgen::generate_simple_self_signed(["logs.example".to_owned()])?;
        let (cert_file, key_file) = (file.with_extension("crt"), file.with_extension("key"));
        std::fs::write(&cert_file, cert.cert.pem())?;
        std::fs::write(&key_file, cert.signing_key.serialize_pem())?;
        Ok(format!("{},{}", cert_file.display(), key_file.display()))
    };
    let home = Server::prepare(&[])?;
    let folder = home.data_dir().parent().context("no folder")?;
    let file = folder.join("own");
    let server = Server::start(&["--rehearsal", "--tls", &made(&file)?])?;
    let data_dir = server.data_dir().to_str().context("the path is not text")?;
    let done = server.run(&["clock", "advance", "1h", "--data-dir", data_dir])?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // Of another certificate nothing is believed.
    made(&file)?;
    let done = server.run(&["clock", "advance", "1h", "--data-dir", data_dir])?;
    ensure!(!done.status.success(), "it took another certificate");
    server.assert_calm()
}
