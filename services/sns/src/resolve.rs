//! From the host of an endpoint to addresses.
//!
//! ## Invariants
//! - So many names are asked for at a time, whatever became of who asked: the system's resolver cannot be told to stop, and its
//!   threads are those of all that blocks.

use crate::model::endpoint::Endpoint;
use gateway::settings::SnsEndpoints;
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    sync::Arc,
};
use tokio::sync::Semaphore;

const AT_ONCE: usize = 8;

/// Asks the system's resolver.
pub(crate) struct Resolver(Arc<Semaphore>);

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Resolver {
    /// The addresses of an endpoint. Where messages go to this machine alone, `localhost` is it and no other name is asked for;
    /// then, and of a name that has no address, an error.
    pub(crate) async fn resolve(&self, setting: SnsEndpoints, to: &Endpoint) -> io::Result<Vec<SocketAddr>> {
        if let Some(address) = to.address() {
            return Ok(vec![SocketAddr::new(address, to.port)]);
        }
        let (host, port) = (to.host.clone(), to.port);
        if setting == SnsEndpoints::Loopback {
            return match host.eq_ignore_ascii_case("localhost") {
                true => Ok(vec![
                    (Ipv4Addr::LOCALHOST, port).into(),
                    (Ipv6Addr::LOCALHOST, port).into(),
                ]),
                false => Err(io::ErrorKind::NotFound.into()),
            };
        }
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(io::Error::other)?;
        let asked = tokio::task::spawn_blocking(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            drop(permit);
            found
        });
        asked.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Protocol;

    async fn resolved(setting: SnsEndpoints, url: &str) -> Vec<String> {
        let to = Endpoint::parse(Protocol::Http, url).unwrap();
        let found = Resolver::default().resolve(setting, &to).await.unwrap_or_default();
        found.iter().map(SocketAddr::to_string).collect()
    }

    #[tokio::test]
    async fn on_this_machine_alone_no_name_is_asked_for() {
        let here = SnsEndpoints::Loopback;
        assert_eq!(
            resolved(here, "http://LocalHost:81/").await,
            ["127.0.0.1:81", "[::1]:81"]
        );
        assert_eq!(resolved(here, "http://10.0.0.1/").await, ["10.0.0.1:80"]);
        assert!(resolved(here, "http://localhost.example/").await.is_empty());
        assert!(!resolved(SnsEndpoints::Private, "http://localhost/").await.is_empty());
    }
}
