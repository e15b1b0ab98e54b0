//! Which trails select an event: asked for every event at its commit, so the answer is compiled once per change.

use crate::{access_port, model::trail::Trail, table};
use base::{AccountId, Fault};
use gateway::{
    Boxed,
    ports::{Candidate, TrailPlace, TrailSelection},
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::{ReadView, Selection};

/// The logging trails by account, as they were at one epoch.
#[derive(Default)]
struct Compiled {
    epoch: table::EpochRow,
    trails: HashMap<AccountId, Vec<Trail>>,
}

/// The port by which the gateway asks.
#[derive(Default)]
pub struct Selectors {
    compiled: RwLock<Arc<Compiled>>,
}

impl Selectors {
    async fn at(&self, view: &ReadView<'_>) -> Result<Arc<Compiled>, Fault> {
        // The epoch is read from the caller's snapshot: a trail that changes meanwhile changes the epoch, and a call that
        // writes conflicts with that and is repeated.
        let epoch = table::epoch(view).await?;
        let known = Arc::clone(&self.compiled.read().unwrap_or_else(PoisonError::into_inner));
        if known.epoch == epoch {
            return Ok(known);
        }
        let mut trails: HashMap<AccountId, Vec<Trail>> = HashMap::new();
        for trail in table::all_trails(view)
            .await?
            .into_iter()
            .filter(|t| t.logging || t.stopped_by.is_some())
        {
            trails.entry(trail.account).or_default().push(trail);
        }
        let compiled = Arc::new(Compiled { epoch, trails });
        *self.compiled.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&compiled);
        Ok(compiled)
    }
}

impl TrailSelection for Selectors {
    fn trails<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<TrailPlace>, Fault>> {
        Box::pin(access_port::trails(view))
    }

    fn select<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        event: &'a Candidate<'a>,
    ) -> Boxed<'a, Result<Vec<Selection>, Fault>> {
        Box::pin(async move {
            let compiled = self.at(view).await?;
            let trails = compiled.trails.get(&event.account).map_or(&[][..], Vec::as_slice);
            let selected = trails.iter().filter(|trail| trail.selects(event));
            Ok(selected
                .map(|t| Selection {
                    trail: t.id.clone(),
                    generation: t.generation,
                })
                .collect())
        })
    }
}
