//! A network in a box: a relay in front of a server that puts latency on every call, without limiting how many are under way.

use anyhow::{Context, Result, anyhow};
use std::{
    net::SocketAddr,
    sync::mpsc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc as queue, oneshot},
    time::sleep_until,
};

/// Read at once in one direction of a connection.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks on their way in one direction of a connection: more than a fast link holds in the time that it takes.
const CHUNKS_MAX: usize = 1_024;

/// A relay on a port of its own, ended when dropped.
///
/// Each byte arrives half of the latency after it was sent, in either direction, so that a request and its answer take the whole of
/// it more than without; bytes are not held up by one another. What it does not have is a handshake that takes time, and loss.
pub(crate) struct Relay {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
    _thread: JoinHandle<()>,
}

impl Relay {
    /// In front of the server at `endpoint`, a URL of the form `http://host:port`.
    pub(crate) fn start(endpoint: &str, latency: Duration) -> Result<Relay> {
        let to = endpoint
            .strip_prefix("http://")
            .unwrap_or(endpoint)
            .trim_end_matches('/');
        let to: SocketAddr = to.parse().with_context(|| format!("`{to}` is no address"))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = mpsc::sync_channel(1);
        // On a thread of its own: whoever measures may wait for a process meanwhile.
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(fault) => return drop(ready.send(Err(anyhow!(fault)))),
            };
            runtime.block_on(async {
                match listen().await {
                    Ok((listener, address)) => {
                        let _ = ready.send(Ok(address));
                        tokio::select! {
                            () = serve(&listener, to, latency / 2) => {}
                            _ = stopped => {}
                        }
                    }
                    Err(fault) => drop(ready.send(Err(fault))),
                }
            });
        })?;
        let address = is_ready.recv().context("the relay did not start")??;
        Ok(Relay {
            address,
            _stop: stop,
            _thread: thread,
        })
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("the relay cannot listen")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve(listener: &TcpListener, to: SocketAddr, one_way: Duration) {
    loop {
        let Ok((near, _)) = listener.accept().await else {
            // Too many open files, for instance: those that are open may end.
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        tokio::spawn(async move {
            // A server that is not there is a connection that ends.
            let Ok(far) = TcpStream::connect(to).await else { return };
            if near.set_nodelay(true).and(far.set_nodelay(true)).is_err() {
                return;
            }
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::join!(carry(near_in, far_out, one_way), carry(far_in, near_out, one_way));
        });
    }
}

/// Carries bytes, and at last the end, so much later.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, later: Duration) {
    let (sender, mut queue) = queue::channel::<(Instant, Vec<u8>)>(CHUNKS_MAX);
    let read = async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let Some(chunk) = buffer.get(..count) else { break };
            if sender.send((Instant::now() + later, chunk.to_vec())).await.is_err() {
                break;
            }
        }
        // The end takes its time, too.
        let _ = sender.send((Instant::now() + later, Vec::new())).await;
    };
    let write = async move {
        while let Some((due, chunk)) = queue.recv().await {
            sleep_until(due.into()).await;
            if chunk.is_empty() || to.write_all(&chunk).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// A server that answers every byte by the next one.
    fn server() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || {
                    let (mut stream, mut byte) = (stream.unwrap(), [0]);
                    while let Ok(1) = stream.read(&mut byte) {
                        stream.write_all(&[byte[0] + 1]).unwrap();
                    }
                });
            }
        });
        endpoint
    }

    fn exchange(relay: &Relay, times: usize) -> Duration {
        let mut stream = std::net::TcpStream::connect(relay.address).unwrap();
        let start = Instant::now();
        for _ in 0..times {
            let mut byte = [0];
            stream.write_all(&[7]).unwrap();
            stream.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [8]);
        }
        start.elapsed()
    }

    #[test]
    fn every_exchange_takes_the_latency_and_none_waits_for_another() {
        let relay = Relay::start(&server(), Duration::from_millis(40)).unwrap();
        assert!(exchange(&relay, 3) >= Duration::from_millis(120));
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| exchange(&relay, 1));
            }
        });
        // One after another they would take 20 times 40 ms.
        assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
    }

    #[test]
    fn the_end_is_carried_too() {
        let relay = Relay::start(&server(), Duration::from_millis(2)).unwrap();
        let mut stream = std::net::TcpStream::connect(relay.address).unwrap();
        stream.write_all(&[1, 2, 3]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        assert_eq!(answers, [2, 3, 4]);
    }
}
