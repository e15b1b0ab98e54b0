//! Wrong keys are counted for each address that tries them.

use base::Timestamp;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// So many wrong keys may come from an address in [`WINDOW`].
const WRONG_MAX: u32 = 10;
/// The time in which wrong keys are counted.
const WINDOW: Duration = Duration::from_secs(300);
/// So many addresses are remembered; when there are more, those of the oldest windows are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// The wrong keys of each address: when its window began, and how many there were.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

/// Whoever has one address of IPv6 has the 2^64 of its network.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
        }
        ip => ip,
    }
}

impl Throttle {
    /// Takes one try. The seconds to wait when there were too many; else the try counts as wrong until [`Throttle::right`] is
    /// said, so that tries side by side are all counted.
    pub(crate) fn take(&self, peer: IpAddr, now: Timestamp) -> Result<(), u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (since, _)| now.since(*since) < WINDOW);
        let peer = network(peer);
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&peer) {
            let oldest = all.iter().min_by_key(|(_, (since, _))| *since).map(|(peer, _)| *peer);
            oldest.map(|peer| all.remove(&peer));
        }
        let (since, count) = all.entry(peer).or_insert((now, 0));
        if *count >= WRONG_MAX {
            return Err((WINDOW - now.since(*since)).as_secs().max(1));
        }
        *count += 1;
        Ok(())
    }

    /// The key was right: the try does not count.
    pub(crate) fn right(&self, peer: IpAddr) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = all.get_mut(&network(peer)) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_wrong_key_of_an_address_waits() {
        let throttle = Throttle::default();
        let start = Timestamp::from_secs_f64(1_000.0);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..WRONG_MAX {
            assert_eq!(throttle.take(one, start), Ok(()));
        }
        assert_eq!(throttle.take(one, start.plus(Duration::from_secs(100))), Err(200));
        assert_eq!(throttle.take("192.0.2.2".parse().unwrap(), start), Ok(()));
        assert_eq!(throttle.take(one, start.plus(WINDOW)), Ok(()));
    }

    #[test]
    fn right_keys_are_not_counted_and_a_network_is_one_address() {
        let throttle = Throttle::default();
        let now = Timestamp::from_secs_f64(1_000.0);
        let address = |last: u32| -> IpAddr { format!("2001:db8::{last:x}").parse().unwrap() };
        for last in 0..100 {
            assert_eq!(throttle.take(address(last), now), Ok(()));
            throttle.right(address(last));
        }
        for last in 0..WRONG_MAX {
            assert_eq!(throttle.take(address(last), now), Ok(()));
        }
        assert!(throttle.take(address(99), now).is_err());
    }
}
