//! The load: so many clients, each on its own connection, each sending its next call when the last is answered.

use crate::{scenario::Scenario, target::Target};
use anyhow::{Context, Result, bail, ensure};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "Closed loop: every client sends its next call when the last is answered, on a \
connection of its own that is kept, all clients on one thread. Requests are signed before the clock runs and sent again \
and again while the signature is good, so that the generator costs next to nothing; the server checks each as if it were \
new. Every answer waits until its event is durable. The floor is the same HTTP stack with the same settings in a process \
of its own, which reads the body, checks the signature and answers fixed bytes of about the real length. Ours, the floor \
and moto_server (one process with threads, as it comes) are measured in turn for every row; goals are for 16 clients.";

/// Before this is over nothing is counted.
const WARM_UP: Duration = Duration::from_millis(250);
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);

/// What one combination of call and clients reached.
pub(crate) struct Cell {
    /// Answers a second.
    pub(crate) rate: f64,
    /// The time that half of the calls took at most.
    pub(crate) p50: Duration,
    /// The time that 99 of 100 calls took at most.
    pub(crate) p99: Duration,
}

/// Loads a server with one kind of call.
pub(crate) async fn run(target: &Target, scenario: Scenario, clients: usize, span: Duration) -> Result<Cell> {
    let requests = (0..clients)
        .map(|client| scenario.requests(target, client))
        .collect::<Result<Vec<_>>>()?;
    run_requests(target, requests, span)
        .await
        .with_context(|| format!("{scenario:?} of {clients} at {}", target.name))
}

/// Loads a server with these requests, one list for each client.
pub(crate) async fn run_requests(target: &Target, requests: Vec<Vec<Vec<u8>>>, span: Duration) -> Result<Cell> {
    let authority = target.client.authority();
    let mut clients = Vec::with_capacity(requests.len());
    for list in requests {
        clients.push((Connection::open(authority).await?, list));
    }
    let start = Instant::now() + WARM_UP;
    let end = start + span;
    let work = clients
        .into_iter()
        .map(|(connection, list)| tokio::spawn(client(connection, list, start, end)));
    let mut times = Vec::new();
    for one in work.collect::<Vec<_>>() {
        times.append(&mut one.await??);
    }
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times
            .get(index.min(times.len().saturating_sub(1)))
            .map(|micros| Duration::from_micros(u64::from(*micros)))
    };
    Ok(Cell {
        rate: times.len() as f64 / span.as_secs_f64(),
        p50: at(0.5).context("not one call was answered in time")?,
        p99: at(0.99).context("not one call was answered in time")?,
    })
}

/// Calls until the end; the times of those answered in the span, in microseconds.
async fn client(mut connection: Connection, list: Vec<Vec<u8>>, start: Instant, end: Instant) -> Result<Vec<u32>> {
    let mut times = Vec::with_capacity(1 << 14);
    for request in list.iter().cycle() {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        connection.call(request).await?;
        let answered = Instant::now();
        if answered >= start && answered < end {
            times.push(u32::try_from(answered.duration_since(sent).as_micros()).unwrap_or(u32::MAX));
        }
    }
    Ok(times)
}

/// A connection that knows just enough HTTP/1.1 to tell where an answer ends.
struct Connection {
    authority: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

struct AnswerHead {
    head_bytes: usize,
    status: u16,
    body: BodyEnd,
    closes: bool,
}

#[derive(Clone, Copy)]
enum BodyEnd {
    After(usize),
    LastChunk,
    Close,
}

impl Connection {
    async fn open(authority: &str) -> Result<Connection> {
        let stream = TcpStream::connect(authority)
            .await
            .with_context(|| format!("cannot connect to {authority}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            authority: authority.to_owned(),
            stream,
            buffer: Vec::with_capacity(16 << 10),
        })
    }

    /// Sends a request and reads its answer, which must be a good one.
    async fn call(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            self.read()
                .await?
                .then_some(())
                .context("closed instead of an answer")?;
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
        };
        let mut open = true;
        while !is_whole(&self.buffer, &head, open) {
            open = self.read().await?;
            ensure!(open || matches!(head.body, BodyEnd::Close), "closed within an answer");
        }
        ensure!(
            (200..300).contains(&head.status),
            "answered {}",
            String::from_utf8_lossy(&self.buffer)
                .chars()
                .take(800)
                .collect::<String>()
        );
        if head.closes {
            *self = Connection::open(&self.authority).await?;
        }
        Ok(())
    }

    /// Reads what there is. False: the server has closed.
    async fn read(&mut self) -> Result<bool> {
        // A timer for each read would cost more than the read; a silent server is found by the first bytes of a call only.
        if self.buffer.is_empty() {
            let read = tokio::time::timeout(ANSWER_WAIT_MAX, self.stream.read_buf(&mut self.buffer)).await;
            return Ok(read.context("no answer")?? > 0);
        }
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

fn is_whole(buffer: &[u8], head: &AnswerHead, open: bool) -> bool {
    match head.body {
        BodyEnd::After(length) => buffer.len() >= head.head_bytes + length,
        BodyEnd::LastChunk => buffer
            .get(head.head_bytes..)
            .is_some_and(|body| body.ends_with(b"0\r\n\r\n")),
        BodyEnd::Close => !open,
    }
}

/// The head of an answer; none while it is not all there.
fn parse_head(buffer: &[u8]) -> Result<Option<AnswerHead>> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
    let mut lines = text.split("\r\n");
    let Some((version, status)) = lines.next().and_then(|line| line.split_once(' ')) else {
        bail!("no HTTP: {text}");
    };
    let status: u16 = status
        .get(..3)
        .and_then(|code| code.parse().ok())
        .with_context(|| format!("no status: {text}"))?;
    let mut head = AnswerHead {
        head_bytes: end + 4,
        status,
        body: BodyEnd::Close,
        closes: version == "HTTP/1.0",
    };
    if status == 204 {
        head.body = BodyEnd::After(0);
    }
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.body = BodyEnd::After(value.parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.body = BodyEnd::LastChunk;
        } else if name.eq_ignore_ascii_case("connection") {
            head.closes = value.eq_ignore_ascii_case("close");
        }
    }
    head.closes |= matches!(head.body, BodyEnd::Close);
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_answers() {
        let check = |text: &str, whole: Option<bool>| {
            let head = parse_head(text.as_bytes()).unwrap();
            assert_eq!(head.map(|head| is_whole(text.as_bytes(), &head, true)), whole, "{text}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Le", None);
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", Some(false));
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", Some(true));
        check("HTTP/1.1 204 No Content\r\n\r\n", Some(true));
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            Some(false),
        );
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            Some(true),
        );
        check("HTTP/1.0 200 OK\r\n\r\nabc", Some(false));
    }
}
