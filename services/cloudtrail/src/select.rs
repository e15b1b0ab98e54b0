//! Which trails select an event: asked for every event at its commit, so the answer is compiled once per change.

use crate::{access_port, model::compiled::Compiled, model::trail::Trail, table};
use base::{Arn, Fault};
use gateway::{
    Boxed, World,
    ports::{Candidate, TrailPlace, TrailSelection, TrailStanding},
};
use std::sync::{Arc, PoisonError, RwLock};
use store::{ReadView, Selection};

/// The logging trails as they were at one epoch.
#[derive(Default)]
struct AtEpoch {
    epoch: table::EpochRow,
    trails: Compiled,
}

/// The port by which the gateway asks.
#[derive(Default)]
pub struct Selectors {
    compiled: RwLock<Arc<AtEpoch>>,
}

impl Selectors {
    async fn at(&self, view: &ReadView<'_>) -> Result<Arc<AtEpoch>, Fault> {
        // The epoch is read from the caller's snapshot: a trail that changes meanwhile changes the epoch, and the call
        // conflicts with that and is repeated.
        let epoch = table::epoch(view).await?;
        let known = Arc::clone(&self.compiled.read().unwrap_or_else(PoisonError::into_inner));
        if known.epoch == epoch {
            return Ok(known);
        }
        let trails = table::all_trails(view).await?;
        let compiled = Arc::new(AtEpoch {
            epoch,
            trails: Compiled::of(trails.iter().filter_map(Trail::logged)),
        });
        *self.compiled.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&compiled);
        Ok(compiled)
    }
}

impl TrailSelection for Selectors {
    fn standing<'a>(
        &'a self,
        world: &'a World,
        view: &'a ReadView<'a>,
        arn: &'a Arn,
    ) -> Boxed<'a, Result<Option<TrailStanding>, Fault>> {
        Box::pin(access_port::standing(world, view, arn))
    }

    fn journal_dropped<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<u64, Fault>> {
        Box::pin(async move { Ok(table::archive(view).await?.dropped) })
    }

    fn trails<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<TrailPlace>, Fault>> {
        Box::pin(access_port::trails(view))
    }

    fn select<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        event: &'a Candidate<'a>,
    ) -> Boxed<'a, Result<Vec<Selection>, Fault>> {
        Box::pin(async move { Ok(self.at(view).await?.trails.select(event)) })
    }

    fn select_ingested<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        events: &'a [Candidate<'a>],
        trails: &'a [String],
    ) -> Boxed<'a, Result<Vec<Vec<Selection>>, Fault>> {
        Box::pin(async move {
            let compiled = self.at(view).await?;
            let of = |event: &Candidate<'_>| {
                let mut selected = compiled.trails.select(event);
                selected.retain(|selection| trails.contains(&selection.trail));
                selected
            };
            Ok(events.iter().map(of).collect())
        })
    }
}
