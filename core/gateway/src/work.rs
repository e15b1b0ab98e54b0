//! Background work: what a service does by itself, as its own principal, in transactions of its own.

use crate::{
    Caller, Ctx, ServiceCaller, Source, Txn, World,
    event::{Event, ServiceEvent, service_event},
    pipeline::{journal_entries, own_request_id},
};
use base::{AccountId, Fault, Region};
use std::sync::Arc;
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// One transaction of background work. Port calls made with its context act as the named service principal, are
/// decided by the resources' policies and recorded; rows are written beside them.
pub struct Work {
    ctx: Ctx,
    txn: Txn,
}

impl Work {
    /// Begins work of `service` as `caller`, in `region`.
    ///
    /// Background work acts only as a service principal, never as root.
    pub fn begin(world: &Arc<World>, service: ServiceName, caller: ServiceCaller, region: Region) -> Work {
        let account: AccountId = caller.source_account;
        let name = caller.name.to_owned();
        let source = Source {
            address: name.clone(),
            user_agent: name,
            referer: None,
            host: String::new(),
            secure: true,
            tls: None,
        };
        let ctx = Ctx::new(
            Arc::clone(world),
            own_request_id(world),
            service,
            Caller::Service(Arc::new(caller)),
            (account, region),
            source,
        );
        Work {
            ctx,
            txn: world.begin(),
        }
    }

    /// The context and the transaction, for reading, writing rows and port calls.
    pub fn parts(&mut self) -> (&Ctx, &mut Txn) {
        (&self.ctx, &mut self.txn)
    }

    /// Says by which host whoever stands behind the work reaches this server: see [`Ctx::reached_by`].
    pub fn reached_by(&mut self, host: String) {
        self.ctx.reached_by = host;
    }

    /// Adds the event of something the service does by itself in this transaction (`AwsServiceEvent`).
    pub fn service_event(&mut self, event: ServiceEvent) {
        let event = service_event(&self.ctx, event);
        self.txn.emit(event);
    }

    /// Commits rows and the events of the port calls together. `why` names the housekeeping when there is no event.
    ///
    /// On `Conflict` nothing was done: begin again.
    pub async fn commit(mut self, why: Maintenance) -> Result<(), CommitError> {
        if self.txn.ingested() > 0 {
            return Err(CommitError::Fault(Fault::Bug("background work took in events")));
        }
        let once_committed = self.txn.take_acts();
        let (mut rows, mut events) = self.txn.into_parts();
        if events.is_empty() {
            rows.maintain(why).commit().await?;
            once_committed.into_iter().for_each(|act| act());
            return Ok(());
        }
        let acts = Event::take_acts(&mut events);
        let entries = journal_entries(self.ctx.world(), &mut rows, events)
            .await
            .map_err(CommitError::Fault)?;
        rows.record(entries).commit().await?;
        acts.iter().for_each(|act| act());
        once_committed.into_iter().for_each(|act| act());
        Ok(())
    }

    /// Throws the rows away and commits the events of the port calls alone, so that a refused attempt is recorded too.
    pub async fn abandon(self) -> Result<(), Fault> {
        let world = Arc::clone(self.ctx.world());
        let (_, events) = self.txn.into_parts();
        crate::pipeline::commit_events(&world, events).await
    }
}
