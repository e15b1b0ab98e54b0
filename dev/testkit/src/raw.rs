//! Bytes on a socket, for requests that no proper client sends.

use anyhow::{Context, Result};
use http::{HeaderMap, Method};
use std::{future::pending, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long a server may be silent before an exchange is taken to be over.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// So long after its last byte a client says that no more will come from it.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a server sent until it closed the connection, or was silent.
#[derive(Debug)]
pub struct RawAnswer {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether the server closed the connection.
    pub closed: bool,
}

impl RawAnswer {
    /// The statuses of all answers in it, in order.
    pub fn statuses(&self) -> Vec<u16> {
        let text = String::from_utf8_lossy(&self.bytes);
        let starts = text.match_indices("HTTP/1.").map(|(at, _)| at);
        starts
            .filter_map(|at| text.get(at + 9..at + 12)?.parse().ok())
            .collect()
    }

    /// What stands after the first head.
    pub fn body(&self) -> &[u8] {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        end.and_then(|end| self.bytes.get(end + 4..)).unwrap_or_default()
    }

    /// The error's code in the first answer.
    pub fn code(&self) -> Option<String> {
        crate::client::error_code(self.body())
    }

    /// The start of it, for messages.
    pub fn describe(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.bytes).chars().take(400).collect();
        format!("{text:?}{}", if self.closed { " then closed" } else { " then silence" })
    }
}

/// Writes a request as HTTP/1.1 has it. `Content-Length` is not added.
pub fn write_request(method: &Method, target: &str, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut out = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// Sends bytes and reads what there is to read, up to the end or to a long silence. A server may close before it has read
/// all; one that keeps the connection is told after a while that no more will come.
pub async fn exchange(authority: &str, bytes: &[u8]) -> Result<RawAnswer> {
    let stream = TcpStream::connect(authority).await.context("cannot connect")?;
    let (mut from, mut to) = stream.into_split();
    let sending = async {
        let _ = to.write_all(bytes).await;
        sleep(PATIENCE).await;
        let _ = to.shutdown().await;
        // Never done: a half that is dropped would close the connection.
        pending::<RawAnswer>().await
    };
    let receiving = async {
        let mut answer = RawAnswer {
            bytes: Vec::new(),
            closed: false,
        };
        let mut piece = [0; 16 * 1024];
        while let Ok(read) = timeout(SILENCE_MAX, from.read(&mut piece)).await {
            match read {
                Ok(0) | Err(_) => {
                    answer.closed = true;
                    break;
                }
                Ok(length) => answer.bytes.extend_from_slice(piece.get(..length).unwrap_or_default()),
            }
        }
        answer
    };
    tokio::select! {
        answer = sending => Ok(answer),
        answer = receiving => Ok(answer),
    }
}
