//! Wipes data keys under KMS at the end of their window, whether or not anybody asks for them again.

use crate::seal::OpenKeys;
use base::{Fault, Timestamp};
use gateway::{Boxed, World, ports::Worker};
use std::sync::Arc;

/// The worker: at each end of a window.
pub struct Forget;

impl Worker for Forget {
    fn name(&self) -> &'static str {
        "logs: forget keys"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move { Ok(world.kept::<OpenKeys>().next_end()) })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            world.kept::<OpenKeys>().forget(now);
            Ok(())
        })
    }
}
