//! What trails deliver, told within the process to whoever listens, once it is durable. Nothing rests on it: after a crash, or for
//! a listener that is slow, the rows say how a trail stands.

use base::{Arn, Region, Timestamp};
use std::sync::Arc;
use tokio::sync::broadcast;

/// A listener that is further behind than this is told that it has missed some.
const WAITING_MAX: usize = 1_024;

/// What a trail delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryKind {
    /// A log file.
    LogFile,
    /// A signed digest.
    Digest,
}

/// Something that a trail has delivered, or could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The trail.
    pub trail: Arn,
    /// Of which Region it is.
    pub region: Region,
    /// What it is.
    pub kind: DeliveryKind,
    /// The bucket.
    pub bucket: String,
    /// The object's key; `None` when it was refused.
    pub key: Option<String>,
    /// When.
    pub time: Timestamp,
    /// The error code of a refusal.
    pub error: Option<String>,
}

/// Where deliveries are told: [`World::kept`](crate::World::kept).
pub struct Deliveries(broadcast::Sender<Arc<Delivery>>);

impl Default for Deliveries {
    fn default() -> Deliveries {
        Deliveries(broadcast::Sender::new(WAITING_MAX))
    }
}

impl Deliveries {
    /// Tells of one, if anybody listens. It must be durable.
    pub fn tell(&self, delivery: Delivery) {
        // Nobody listening is no fault.
        let _ = self.0.send(Arc::new(delivery));
    }

    /// Hears of all from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Delivery>> {
        self.0.subscribe()
    }
}
