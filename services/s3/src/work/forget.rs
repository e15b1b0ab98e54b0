//! Wipes bucket keys at the end of their window, whether or not anybody asks for them again.

use crate::bucket_keys::BucketKeys;
use base::{Fault, Timestamp};
use gateway::{Boxed, World, ports::Worker};
use std::sync::Arc;

/// The worker: at each end of a window.
pub struct Forget;

impl Worker for Forget {
    fn name(&self) -> &'static str {
        "s3 bucket keys"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move { Ok(world.kept::<BucketKeys>().next_end()) })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            world.kept::<BucketKeys>().forget(now);
            Ok(())
        })
    }
}
