//! What S3 and KMS cost beside the least that the same work can cost: the cipher, the disk, the library, another server.

use crate::{
    generator::{self, Cell},
    machine::{self, ms},
    scenario::{BUCKET, json, signed},
    table::Table,
    target::{ACCESS_KEY, Process, SECRET, Target},
};
use anyhow::{Context, Result, ensure};
use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use http::Method;
use serde_json::json as value;
use std::{
    fs::File,
    io::Write,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use testkit::{Client, Credentials, SignPayload, load::content_of, setup::base64, write_request};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "By 16 clients, each pair in turn in one run. GET of 1 MiB: the floor is the same \
HTTP stack in a process of its own that checks the signature and opens the body with AES-256-GCM from memory in segments of 64 \
KiB. PUT of 1 MiB: 16 threads that write the same bytes to files of the same few names and sync them, again and again; below it to files of new names, as a new object needs them. Sign: the library's own \
signatures on all cores, nothing else. s3s-fs (from crates.io) is an S3 server over plain files that neither seals nor records. \
Listing: pages of 1,000 keys from random places of a bucket of 1,000,000, by one client, the median.";

/// The object of a mebibyte.
pub(crate) const MEBIBYTE: usize = 1 << 20;
/// Where it is.
pub(crate) const MEBIBYTE_PATH: &str = "/bench/mebibyte";

const CLIENTS: usize = 16;
const KEYS_PER_CLIENT: usize = 16;
const LISTED: usize = 1_000_000;
const FILLERS: usize = 64;
const PAGES: usize = 200;
const START_WAIT_MAX: Duration = Duration::from_secs(30);

/// GET, PUT, Sign beside their yardsticks, and GET of 4 KiB beside another server.
pub(crate) async fn ratios(binary: &Path, s3s_fs: Option<&Path>, span: Duration) -> Result<Table> {
    let mut table = Table::new(&["16 clients", "ours/s", "p50 ms", "yardstick/s", "%", "goal"]);
    let ours = Target::shoseki(binary).await?;
    let floor = Target::floor()?;
    ours.client
        .put_object(MEBIBYTE_PATH, content_of(7, MEBIBYTE), Some(&ours.key_arn))
        .await?
        .ok()?;
    let found = generator::run_requests(&ours, gets(&ours, MEBIBYTE_PATH)?, span).await?;
    let least = generator::run_requests(&floor, gets(&floor, MEBIBYTE_PATH)?, span).await?;
    row(&mut table, "GET 1 MiB, SSE-KMS / floor", &found, least.rate, Some(70.0));

    let found = generator::run_requests(&ours, puts(&ours)?, span).await?;
    let least = plain_writes(span, Names::Again)?;
    row(
        &mut table,
        "PUT 1 MiB, SSE-KMS / write and sync",
        &found,
        least,
        Some(60.0),
    );
    let least = plain_writes(span, Names::New)?;
    row(
        &mut table,
        "the same / write and sync of new files",
        &found,
        least,
        None,
    );

    let found = generator::run_requests(&ours, signs(&ours).await?, span).await?;
    let least = library_signatures(span)?;
    row(&mut table, "Sign RSA-2048 / library", &found, least, Some(80.0));

    if let Some(program) = s3s_fs {
        let peer = s3s(program).await?;
        let found = generator::run_requests(&ours, gets(&ours, crate::scenario::OBJECT_PATH)?, span).await?;
        let least = generator::run_requests(&peer, gets(&peer, crate::scenario::OBJECT_PATH)?, span).await?;
        row(
            &mut table,
            "GET 4 KiB, SSE-KMS / s3s-fs",
            &found,
            least.rate,
            Some(100.0),
        );
    }
    Ok(table)
}

fn row(table: &mut Table, name: &str, ours: &Cell, yardstick: f64, goal: Option<f64>) {
    let share = ours.rate / yardstick * 100.0;
    let told = goal.map(|goal| {
        let word = if share >= goal { "reached" } else { "MISSED" };
        format!("at least {goal:.0} %: {word}")
    });
    table.row(vec![
        name.to_owned(),
        format!("{:.0}", ours.rate),
        format!("{:.2}", ms(ours.p50)),
        format!("{yardstick:.0}"),
        format!("{share:.0}"),
        told.unwrap_or_default(),
    ]);
}

fn gets(target: &Target, path: &str) -> Result<Vec<Vec<Vec<u8>>>> {
    let one = signed(target, "s3", Method::GET, path, &[], b"")?;
    Ok(vec![vec![one]; CLIENTS])
}

/// Puts whose payload is not part of the signature.
fn puts(target: &Target) -> Result<Vec<Vec<Vec<u8>>>> {
    let content = content_of(9, MEBIBYTE);
    let headers = [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", target.key_arn.as_str()),
    ];
    let put = |client: usize, number: usize| {
        let path = format!("/{BUCKET}/mebibytes/{client}/{number}");
        let mut head = target
            .client
            .head("s3", &Method::PUT, &path, &headers, SignPayload::Unsigned)?;
        head.insert(http::header::CONTENT_LENGTH, content.len().into());
        anyhow::Ok(write_request(&Method::PUT, &path, &head, &content))
    };
    (0..CLIENTS)
        .map(|client| (0..KEYS_PER_CLIENT).map(|number| put(client, number)).collect())
        .collect()
}

/// Under which names the yardstick of a PUT writes its files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// The same few, so that the file system has next to nothing to make.
    Again,
    /// A new one each time, as a new object needs it; the file of some writes ago is removed.
    New,
}

/// Files of the same bytes, each synced, a second.
fn plain_writes(span: Duration, names: Names) -> Result<f64> {
    let folder = machine::directory()?;
    let content = content_of(9, MEBIBYTE);
    let written = thread::scope(|scope| {
        let writers = (0..CLIENTS).map(|writer| {
            let (folder, content) = (folder.path(), &content);
            scope.spawn(move || write_files(folder, writer, content, span, names))
        });
        let writers: Vec<_> = writers.collect();
        writers
            .into_iter()
            .map(|writer| writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?)
            .sum::<Result<usize>>()
    })?;
    Ok(written as f64 / span.as_secs_f64())
}

fn write_files(folder: &Path, writer: usize, content: &[u8], span: Duration, names: Names) -> Result<usize> {
    let end = Instant::now() + span;
    let mut written = 0;
    while Instant::now() < end {
        let path = match names {
            Names::Again => folder.join(format!("{writer}-{}", written % KEYS_PER_CLIENT)),
            Names::New => folder.join(format!("new-{writer}-{written}")),
        };
        if names == Names::New && written >= KEYS_PER_CLIENT {
            std::fs::remove_file(folder.join(format!("new-{writer}-{}", written - KEYS_PER_CLIENT)))?;
        }
        let mut file = File::create(path)?;
        file.write_all(content)?;
        file.sync_all()?;
        written += 1;
    }
    Ok(written)
}

async fn signs(target: &Target) -> Result<Vec<Vec<Vec<u8>>>> {
    let input = value!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"});
    let made = target.client.json("kms", "CreateKey", &input).await?.ok()?.json()?;
    let key = made.pointer("/KeyMetadata/Arn").and_then(|arn| arn.as_str());
    let input = value!({
        "KeyId": key.context("no key was made")?,
        "Message": base64(&[7; 32]),
        "MessageType": "DIGEST",
        "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
    });
    let one = json(target, "Sign", &input.to_string())?;
    Ok(vec![vec![one]; CLIENTS])
}

/// Signatures of the library a second, on all cores.
fn library_signatures(span: Duration) -> Result<f64> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow::anyhow!("no RSA key"))?;
    let der = key.as_der().map_err(|_| anyhow::anyhow!("no DER of an RSA key"))?;
    let key =
        RsaKeyPair::from_pkcs8(der.as_ref()).map_err(|_| anyhow::anyhow!("an RSA key that does not read back"))?;
    let made = thread::scope(|scope| {
        let signers: Vec<_> = (0..cores).map(|_| scope.spawn(|| sign_until(&key, span))).collect();
        signers
            .into_iter()
            .map(|signer| signer.join().map_err(|_| anyhow::anyhow!("a signer panicked"))?)
            .sum::<Result<usize>>()
    })?;
    Ok(made as f64 / span.as_secs_f64())
}

fn sign_until(key: &RsaKeyPair, span: Duration) -> Result<usize> {
    let end = Instant::now() + span;
    let random = aws_lc_rs::rand::SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let mut made = 0;
    while Instant::now() < end {
        key.sign(&RSA_PKCS1_SHA256, &random, &[7; 32], &mut signature)
            .map_err(|_| anyhow::anyhow!("no signature"))?;
        made += 1;
    }
    Ok(made)
}

/// s3s-fs with the object of 4 KiB.
async fn s3s(program: &Path) -> Result<Target> {
    let folder = machine::directory()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--access-key", ACCESS_KEY, "--secret-key", SECRET])
        .arg(folder.path())
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let process = Process::of(child);
    let deadline = Instant::now() + START_WAIT_MAX;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(Instant::now() < deadline, "s3s-fs does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = Client::new(
        &format!("http://127.0.0.1:{port}"),
        Credentials::new(ACCESS_KEY, SECRET),
        "us-east-1",
    )?;
    client.create_bucket(BUCKET).await?;
    let content = content_of(1, crate::scenario::OBJECT_BYTES);
    client
        .put_object(crate::scenario::OBJECT_PATH, content.clone(), None)
        .await?
        .ok()?;
    let read = client.get_object(crate::scenario::OBJECT_PATH).await?.ok()?;
    ensure!(read.body == content, "s3s-fs reads back something else");
    Ok(Target::process("s3s-fs", client, process, folder))
}

/// Pages of a bucket of a million keys.
pub(crate) async fn listing(binary: &Path) -> Result<Table> {
    let ours = Target::shoseki(binary).await?;
    ours.client.create_bucket("listed").await?;
    let start = Instant::now();
    let fillers = (0..FILLERS).map(|filler| {
        let client = ours.client.clone();
        tokio::spawn(async move {
            for number in (filler..LISTED).step_by(FILLERS) {
                client
                    .s3(Method::PUT, &format!("/listed/{}", key(number)), &[], "")
                    .await?
                    .ok()?;
            }
            anyhow::Ok(())
        })
    });
    for filler in fillers.collect::<Vec<_>>() {
        filler.await??;
    }
    let filled = start.elapsed();
    let mut times = Vec::new();
    for page in 0..PAGES {
        // Spread over the bucket, and never the same place twice.
        let after = key((page * 7_919) % (LISTED - 2_000));
        let path = format!("/listed?list-type=2&max-keys=1000&start-after={after}");
        let asked = Instant::now();
        let answer = ours.client.s3(Method::GET, &path, &[], "").await?.ok()?;
        times.push(asked.elapsed());
        ensure!(answer.elements("KeyCount") == ["1000"], "a page is not full");
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).map(|t| ms(*t)).unwrap_or(f64::NAN);
    let word = if at(50) < 5.0 { "reached" } else { "MISSED" };
    let mut table = Table::new(&["listing", "p50 ms", "p95 ms", "filled in s", "goal"]);
    table.row(vec![
        "1,000 keys out of 1,000,000".to_owned(),
        format!("{:.2}", at(50)),
        format!("{:.2}", at(95)),
        format!("{:.0}", filled.as_secs_f64()),
        format!("under 5 ms: {word}"),
    ]);
    Ok(table)
}

fn key(number: usize) -> String {
    format!("logs/{:03}/{number:09}", number / 10_000)
}
