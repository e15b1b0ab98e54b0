//! Background work: events whose time is over, what is left of what was deleted, keys that were kept long enough.

mod forget;
mod reclaim;
mod retain;

pub use forget::Forget;
pub use reclaim::Reclaim;
pub use retain::Retain;

use base::{AccountId, Region};
use gateway::{ServiceCaller, World, work::Work};
use std::sync::Arc;
use wire::ServiceName;

/// A transaction of Logs' own in an account.
fn begin(world: &Arc<World>, account: AccountId, region: Region) -> Work {
    let caller = ServiceCaller {
        name: ServiceName::Logs.event_source(),
        source_arn: None,
        source_account: account,
    };
    Work::begin(world, ServiceName::Logs, caller, region)
}
