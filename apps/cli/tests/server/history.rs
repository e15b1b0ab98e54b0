//! What is in the event history, and what is nowhere on the disk.

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use testkit::{
    Reply, Server,
    load::content_of,
    setup::{base64, string_at},
};

fn id_of(reply: &Reply) -> Result<String> {
    Ok(reply.request_id().context("no request id")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_signatures_are_not_in_the_history_and_denied_calls_are() -> Result<()> {
    let server = Server::start(&[])?;
    let client = server.client()?;
    let nobody = client.with_credentials(client.create_user("nobody", None).await?);
    let mut strangers = Vec::new();
    for stranger in [client.mis_signed(), client.unknown_key(), client.anonymous()] {
        let reply = stranger.json("kms", "CreateKey", &json!({})).await?;
        ensure!(
            reply.status.is_client_error() && reply.code().is_some(),
            "{}",
            reply.describe()
        );
        strangers.push(id_of(&reply)?);
        let reply = stranger.query("iam", "CreateUser", &[("UserName", "stranger")]).await?;
        ensure!(reply.status == StatusCode::FORBIDDEN, "{}", reply.describe());
        strangers.push(id_of(&reply)?);
    }
    for stranger in [client.mis_signed(), client.unknown_key()] {
        let reply = stranger
            .create_bucket("strange")
            .await
            .err()
            .context("a bucket was made by a stranger")?;
        ensure!(reply.to_string().contains("403"), "{reply}");
    }
    let unknown = client.json("kms", "NoSuchOperation", &json!({})).await?;
    ensure!(!unknown.status.is_success(), "{}", unknown.describe());
    strangers.push(id_of(&unknown)?);
    let denied = [
        nobody
            .json("kms", "CreateKey", &json!({}))
            .await?
            .refused("AccessDeniedException")?,
        nobody
            .query("iam", "CreateUser", &[("UserName", "other")])
            .await?
            .refused("AccessDenied")?,
        nobody
            .s3(http::Method::PUT, "/nobodys-bucket", &[], "")
            .await?
            .refused("AccessDenied")?,
        nobody
            .json("cloudtrail", "DescribeTrails", &json!({}))
            .await?
            .refused("AccessDeniedException")?,
    ];
    let records = client.lookup_events(None).await?;
    let ids: Vec<String> = records
        .iter()
        .map(|r| string_at(r, "/requestID"))
        .collect::<Result<_>>()?;
    for stranger in &strangers {
        ensure!(
            !ids.contains(stranger),
            "{stranger} is in the history and nobody knows who called"
        );
    }
    for reply in &denied {
        let id = id_of(reply)?;
        let record = records
            .iter()
            .find(|record| string_at(record, "/requestID").is_ok_and(|found| found == id));
        let record = record.with_context(|| format!("not in the history: {}", reply.describe()))?;
        let code = record.get("errorCode").and_then(Value::as_str).unwrap_or_default();
        ensure!(code.starts_with("AccessDenied"), "errorCode `{code}` in {record}");
        ensure!(string_at(record, "/userIdentity/userName")? == "nobody", "{record}");
    }
    server.assert_calm()
}

/// Random content does not compress, so it is found in a compressed block too, if only it was put there in clear.
struct Marker {
    what: &'static str,
    needles: Vec<Vec<u8>>,
}

impl Marker {
    fn of(what: &'static str, secret: &[u8]) -> Marker {
        let piece = |at: usize| secret.get(at..(at + 24).min(secret.len())).unwrap_or_default().to_vec();
        let mut needles: Vec<Vec<u8>> = [0, secret.len() / 3, secret.len() / 2].into_iter().map(piece).collect();
        needles.retain(|needle| needle.len() >= 16);
        // Base64 of a part, from any place that begins a group of three bytes.
        let text = base64(secret.get(..secret.len().min(48)).unwrap_or_default());
        needles.push(text.trim_end_matches('=').as_bytes().to_vec());
        Marker { what, needles }
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files_below(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn search(folder: &Path, markers: &[Marker]) -> Result<usize> {
    let mut files = Vec::new();
    files_below(folder, &mut files)?;
    for path in &files {
        if path.file_name().is_some_and(|name| name == "credentials") {
            continue;
        }
        let bytes = std::fs::read(path)?;
        for marker in markers {
            for needle in &marker.needles {
                let found = bytes.windows(needle.len()).any(|window| window == needle.as_slice());
                ensure!(!found, "{} is in clear in {}", marker.what, path.display());
            }
        }
    }
    Ok(files.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plaintext_of_objects_or_keys_is_in_the_data_directory() -> Result<()> {
    let mut server = Server::start(&[])?;
    let client = server.client()?;
    let place = super::process::place(&client).await?;
    let mut markers = Vec::new();
    for (number, (what, bytes, with_key)) in [
        ("a small object under SSE-S3", 600, false),
        ("a small object under SSE-KMS", 20_000, true),
        ("a large object under SSE-S3", 300_000, false),
        ("a large object under SSE-KMS", 300_000, true),
    ]
    .into_iter()
    .enumerate()
    {
        let content = content_of(0xC0FFEE + number as u64, bytes);
        markers.push(Marker::of(what, &content));
        let key = with_key.then_some(place.key_arn.as_str());
        client
            .put_object(&format!("/data/{number}"), content, key)
            .await?
            .ok()?;
        client.get_object(&format!("/data/{number}")).await?.ok()?;
    }
    let plaintext = content_of(1, 2_000);
    markers.push(Marker::of("a plaintext that was encrypted", &plaintext));
    let input = json!({"KeyId": place.key_arn, "Plaintext": base64(&plaintext)});
    let sealed = client.json("kms", "Encrypt", &input).await?.ok()?.json()?;
    let input = json!({"CiphertextBlob": string_at(&sealed, "/CiphertextBlob")?});
    client.json("kms", "Decrypt", &input).await?.ok()?;
    let input = json!({"KeyId": place.key_arn, "KeySpec": "AES_256"});
    let made = client.json("kms", "GenerateDataKey", &input).await?.ok()?.json()?;
    let key = testkit::setup::from_base64(&string_at(&made, "/Plaintext")?)?;
    markers.push(Marker::of("a data key", &key));
    let made = client
        .json("kms", "GenerateRandom", &json!({"NumberOfBytes": 256}))
        .await?
        .ok()?
        .json()?;
    markers.push(Marker::of(
        "random bytes",
        &testkit::setup::from_base64(&string_at(&made, "/Plaintext")?)?,
    ));
    let user = client.create_user("alice", None).await?;
    markers.push(Marker::of("a secret access key", user.secret.expose().as_bytes()));
    let root = testkit::credentials_in(server.data_dir())?;
    markers.push(Marker::of("root's secret access key", root.secret.expose().as_bytes()));
    ensure!(
        search(server.data_dir(), &markers)? > 2,
        "too few files to mean anything"
    );
    // Once more when all buffers are on the disk.
    ensure!(server.terminate()?.success(), "SIGTERM");
    search(server.data_dir(), &markers)?;
    server.assert_calm()
}
