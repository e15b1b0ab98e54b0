//! Calls that race for one name: exactly one wins, and every other is told so.

use anyhow::{Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Client, Reply, Server, load::Place, setup::trail_bucket_policy};
use tokio::task::JoinSet;

const CALLERS: usize = 32;

/// Makes the calls at the same time and counts the answers by their code; `200` stands for success.
async fn race<F, R>(client: &Client, call: F) -> Result<BTreeMap<String, usize>>
where
    F: Fn(Client, usize) -> R,
    R: Future<Output = Result<Reply>> + Send + 'static,
{
    let mut calls: JoinSet<Result<Reply>> = JoinSet::new();
    for number in 0..CALLERS {
        calls.spawn(call(client.clone(), number));
    }
    let mut counts = BTreeMap::new();
    while let Some(reply) = calls.join_next().await {
        let reply = reply??;
        ensure!(!reply.status.is_server_error(), "{}", reply.describe());
        let word = if reply.status.is_success() {
            "200".to_owned()
        } else {
            reply.code().unwrap_or_default()
        };
        *counts.entry(word).or_insert(0) += 1;
    }
    Ok(counts)
}

fn expect_one(counts: &BTreeMap<String, usize>, code: &str) -> Result<()> {
    let expected = BTreeMap::from([("200".to_owned(), 1), (code.to_owned(), CALLERS - 1)]);
    ensure!(
        *counts == expected,
        "expected one success and {} times {code}, got {counts:?}",
        CALLERS - 1
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_that_make_the_same_name_wins() -> Result<()> {
    let server = Server::start(&[])?;
    let client = server.client()?;
    let Place { key_arn, .. } = super::process::place(&client).await?;
    let aliases = race(&client, |client, _| {
        let input = json!({"AliasName": "alias/contested", "TargetKeyId": key_arn});
        async move { client.json("kms", "CreateAlias", &input).await }
    });
    expect_one(&aliases.await?, "AlreadyExistsException")?;
    let users = race(&client, |client, _| async move {
        client.query("iam", "CreateUser", &[("UserName", "contested")]).await
    });
    expect_one(&users.await?, "EntityAlreadyExists")?;
    client.create_bucket("trail-logs").await?;
    client
        .put_bucket_policy("trail-logs", &trail_bucket_policy("trail-logs"))
        .await?
        .ok()?;
    let trails = race(&client, |client, _| async move {
        let input = json!({"Name": "contested", "S3BucketName": "trail-logs"});
        client.json("cloudtrail", "CreateTrail", &input).await
    });
    expect_one(&trails.await?, "TrailAlreadyExistsException")?;
    // Every one of them is in the history, the losers with their error.
    for (name, code) in [
        ("CreateAlias", "AlreadyExistsException"),
        ("CreateUser", "EntityAlreadyExistsException"),
        ("CreateTrail", "TrailAlreadyExistsException"),
    ] {
        let records = client.lookup_events(Some(("EventName", name))).await?;
        let failed = |record: &&Value| record.get("errorCode").and_then(Value::as_str) == Some(code);
        let count = records.iter().filter(failed).count();
        ensure!(
            (records.len(), count) == (CALLERS, CALLERS - 1),
            "{name}: {count} of {} failed",
            records.len()
        );
    }
    server.assert_calm()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_many_bucket_policies_is_whole() -> Result<()> {
    let server = Server::start(&[])?;
    let client = server.client()?;
    client.create_bucket("contested").await?;
    let policy = |number: usize| {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": format!("S{number}"), "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::contested/{number}/*")}]})
    };
    let puts = race(&client, |client, number| {
        let policy = policy(number);
        async move { client.put_bucket_policy("contested", &policy).await }
    });
    ensure!(
        puts.await? == BTreeMap::from([("200".to_owned(), CALLERS)]),
        "every one of them is allowed"
    );
    let kept = client
        .s3(Method::GET, "/contested?policy", &[], "")
        .await?
        .ok()?
        .json()?;
    ensure!(
        (0..CALLERS).any(|number| policy(number) == kept),
        "nobody sent this policy: {kept}"
    );
    let records = client.lookup_events(Some(("EventName", "PutBucketPolicy"))).await?;
    ensure!(records.len() == CALLERS, "{} events of {CALLERS} calls", records.len());
    server.assert_calm()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_writes_with_if_none_match_wins() -> Result<()> {
    let server = Server::start(&[])?;
    let client = server.client()?;
    client.create_bucket("data").await?;
    let puts = race(&client, |client, number| async move {
        let reply = client
            .s3(Method::PUT, "/data/once", &[("if-none-match", "*")], number.to_string())
            .await?;
        ensure!(reply.status != StatusCode::CONFLICT, "repeat it instead");
        Ok(reply)
    });
    expect_one(&puts.await?, "PreconditionFailed")?;
    server.assert_calm()
}
