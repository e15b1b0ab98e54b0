//! Starts, stops and starts again, in this process: what a data directory goes through.

use server::{Config, Running, start};
use std::{fs, os::unix::fs::MetadataExt, path::Path};

async fn started(dir: &Path) -> anyhow::Result<Running> {
    start(Config::at(dir)).await
}

/// Starts and stops; answers the key id, if this start gave one.
async fn once(dir: &Path) -> anyhow::Result<Option<String>> {
    let running = started(dir).await?;
    let key = running.first_key.as_ref().map(|key| key.access_key_id.clone());
    running.shutdown().await?;
    Ok(key)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_gives_the_root_key_and_later_ones_do_not() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let running = started(&dir).await.unwrap();
    assert!(running.endpoint.starts_with("http://127.0.0.1:"));
    assert_eq!(
        fs::read_to_string(dir.join("endpoint")).unwrap().trim(),
        running.endpoint
    );
    let announced = server::announced(&dir).unwrap();
    let key = running.first_key.as_ref().unwrap();
    assert_eq!(announced.key.access_key_id, key.access_key_id);
    assert_eq!(announced.region, "us-east-1");
    assert_eq!(fs::metadata(dir.join("credentials")).unwrap().mode() & 0o777, 0o600);
    running.shutdown().await.unwrap();
    assert!(!dir.join("endpoint").exists());
    assert!(server::announced(&dir).is_err());
    assert_eq!(once(&dir).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_broken_off_around_the_commit_of_the_account_is_finished_by_the_next() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    // Before the commit: the file of a key that never came to be.
    fs::write(
        dir.join("credentials.pending"),
        "[default]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n",
    )
    .unwrap();
    let key = once(dir).await.unwrap().unwrap();
    assert_ne!(key, "AKIAX");
    assert!(!dir.join("credentials.pending").exists());
    // After the commit: the file has not got its name yet.
    fs::rename(dir.join("credentials"), dir.join("credentials.pending")).unwrap();
    assert_eq!(once(dir).await.unwrap(), Some(key));
    // Of another key: left over, and removed.
    fs::write(dir.join("credentials.pending"), "nonsense").unwrap();
    assert_eq!(once(dir).await.unwrap(), None);
    assert!(!dir.join("credentials.pending").exists());
    // Removed by its owner: stays away.
    fs::remove_file(dir.join("credentials")).unwrap();
    assert_eq!(once(dir).await.unwrap(), None);
    assert!(!dir.join("credentials").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_has_one_server_and_one_first_account() {
    let temp = tempfile::tempdir().unwrap();
    let account = |text: &str| base::AccountId::parse(text).ok();
    let with = |account| Config {
        account,
        ..Config::at(temp.path())
    };
    let running = start(with(account("111122223333"))).await.unwrap();
    let second = start(Config::at(temp.path()))
        .await
        .err()
        .map(|e| format!("{e:#}"))
        .unwrap();
    assert!(second.contains("in use by another process"), "{second}");
    running.shutdown().await.unwrap();
    let other = start(with(account("000000000000")))
        .await
        .err()
        .map(|e| format!("{e:#}"))
        .unwrap();
    assert!(other.contains("is 111122223333, not 000000000000"), "{other}");
    start(with(None)).await.unwrap().shutdown().await.unwrap();
}
