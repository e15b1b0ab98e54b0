//! One object of 5 GiB, in and out, and the memory that this takes.

use crate::{machine, process::memory_mib, table::Table};
use anyhow::{Context, Result, ensure};
use http::Method;
use std::{path::Path, time::Instant};
use testkit::{Client, Server, SignPayload, load::content_of, write_request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const OBJECT_BYTES: usize = 5 << 30;
/// Sent over and over; of odd length, so that it meets no boundary of the server's twice in the same place.
const PIECE_BYTES: usize = (1 << 20) + 7;
const PATH: &str = "/bench/big";
const MEMORY_MIB_MAX: f64 = 150.0;

/// Puts and gets 5 GiB under SSE-KMS and compares every byte.
pub(crate) async fn put_and_get(binary: &Path) -> Result<Table> {
    let folder = machine::directory()?;
    let mut server = Server::of(binary, &folder.path().join("data"), &[]);
    server.launch()?;
    let client = server.client()?;
    client.create_bucket("bench").await?;
    let key = client.create_key(None).await?;
    let piece = content_of(5, PIECE_BYTES);
    let put_s = put(&client, &key, &piece).await?;
    let after_put = memory_mib(&server, "VmHWM")?;
    let get_s = get(&client, &piece).await?;
    let after_get = memory_mib(&server, "VmHWM")?;
    let mib = OBJECT_BYTES as f64 / f64::from(1 << 20);
    let mut table = Table::new(&["5 GiB, SSE-KMS", "MiB/s", "most memory, MiB", "goal"]);
    for (name, seconds, peak) in [("PUT", put_s, after_put), ("GET, after it", get_s, after_get)] {
        let word = if peak <= MEMORY_MIB_MAX { "reached" } else { "MISSED" };
        let goal = format!("at most {MEMORY_MIB_MAX:.0} MiB: {word}");
        table.row(vec![
            name.to_owned(),
            format!("{:.0}", mib / seconds),
            format!("{peak:.0}"),
            goal,
        ]);
    }
    Ok(table)
}

async fn send_head(client: &Client, method: Method, headers: &[(&str, &str)], length: usize) -> Result<TcpStream> {
    let mut head = client.head("s3", &method, PATH, headers, SignPayload::Unsigned)?;
    head.insert(http::header::CONTENT_LENGTH, length.into());
    let mut stream = TcpStream::connect(client.authority()).await?;
    stream.write_all(&write_request(&method, PATH, &head, b"")).await?;
    Ok(stream)
}

/// Reads up to the end of an answer's head; what came after it is the start of the body.
async fn read_head(stream: &mut TcpStream) -> Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        ensure!(stream.read_buf(&mut read).await? > 0, "closed instead of an answer");
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = read.split_off(end + 4);
            let head = String::from_utf8_lossy(&read).into_owned();
            ensure!(
                head.starts_with("HTTP/1.1 200"),
                "answered {head}{}",
                String::from_utf8_lossy(&body)
            );
            return Ok((head, body));
        }
    }
}

async fn put(client: &Client, key: &str, piece: &[u8]) -> Result<f64> {
    let start = Instant::now();
    let headers = [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", key),
    ];
    let mut stream = send_head(client, Method::PUT, &headers, OBJECT_BYTES).await?;
    let mut left = OBJECT_BYTES;
    while left > 0 {
        let part = piece.get(..left.min(piece.len())).context("no piece")?;
        stream.write_all(part).await?;
        left -= part.len();
    }
    read_head(&mut stream).await?;
    Ok(start.elapsed().as_secs_f64())
}

async fn get(client: &Client, piece: &[u8]) -> Result<f64> {
    let start = Instant::now();
    let mut stream = send_head(client, Method::GET, &[], 0).await?;
    let (_, mut buffer) = read_head(&mut stream).await?;
    let mut at = 0;
    loop {
        let mut read: &[u8] = &buffer;
        while !read.is_empty() {
            let expected = piece.get(at % piece.len()..).context("no piece")?;
            let length = read.len().min(expected.len());
            ensure!(
                read.get(..length) == expected.get(..length),
                "other bytes came back at {at}"
            );
            at += length;
            read = read.get(length..).unwrap_or_default();
        }
        if at >= OBJECT_BYTES {
            break;
        }
        buffer.clear();
        buffer.reserve(1 << 18);
        ensure!(stream.read_buf(&mut buffer).await? > 0, "closed after {at} bytes");
    }
    ensure!(at == OBJECT_BYTES, "{at} bytes came back");
    Ok(start.elapsed().as_secs_f64())
}
