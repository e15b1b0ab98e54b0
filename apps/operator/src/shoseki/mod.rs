//! The product's own service, for what AWS has no API for: why a call was refused ([`decision`]), counts of events over time
//! ([`events`]), of objects ([`objects`]), and events as they happen ([`stream`]). AWS itself does not have it, so these calls are
//! for a shoseki server.

pub mod decision;
pub mod events;
pub mod objects;
pub mod stream;

pub use decision::explain_decision;
pub use events::{Bin, Condition, Count, EventsQuestion, EventsSummary, Outcome, summarise_events};
pub use objects::{GroupBy, ObjectGroup, ObjectsQuestion, ObjectsSummary, summarise_objects};
pub use stream::{Delivered, DeliveryKind, Line, Subscription, SubscriptionQuestion, TrailState, subscribe};

use base::Timestamp;
use serde::{Deserialize, Deserializer};
use wire::EpochSeconds;

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    EpochSeconds::deserialize(deserializer).map(|time| time.0)
}

fn maybe_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Option::<EpochSeconds>::deserialize(deserializer).map(|time| time.map(|time| time.0))
}
