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
