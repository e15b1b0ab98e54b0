//! CloudWatch Logs as other rooms ask it: the same operations, decided and recorded like any other call.

use crate::{
    LogsError,
    access::Named,
    error::Thing,
    model::put,
    ops::{
        create_log_stream::{CreateLogStream, StreamInput},
        put_log_events::{Input, InputLogEvent, PutLogEvents},
    },
    table,
};
use base::{Arn, Fault};
use gateway::{
    Boxed, CallFailure, Ctx, Json, PortRefusal, Txn,
    ctx::{By, Inner},
    pipeline,
    ports::{LogEvent, Logs},
};
use store::ReadView;
use wire::ServiceName;

/// This room, for the composition root to wire.
pub struct LogGroups;

/// A stream of a group, as a port call names it.
struct Place {
    group: Named,
    by: By,
}

impl Place {
    fn of(ctx: &Ctx, group: &Arn, by: By) -> Result<Place, PortRefusal> {
        match Named::of_arn(group) {
            Some(group) => Ok(Place { group, by }),
            None => Err(refusal(ctx, &LogsError::NotFound(Thing::Group))),
        }
    }

    fn inner(&self) -> Inner {
        Inner {
            by: self.by.clone(),
            account: self.group.account,
            region: self.group.region.clone(),
        }
    }

    fn stream(&self, stream: &str) -> Json<StreamInput> {
        Json(StreamInput {
            log_group_name: self.group.name.clone(),
            log_stream_name: stream.to_owned(),
        })
    }

    fn events(&self, stream: &str, log_events: Vec<InputLogEvent>) -> Json<Input> {
        Json(Input {
            log_group_name: self.group.name.clone(),
            log_stream_name: stream.to_owned(),
            log_events,
        })
    }
}

fn refusal(ctx: &Ctx, error: &LogsError) -> PortRefusal {
    PortRefusal::from_failure(
        ServiceName::Logs,
        CallFailure::of(error, ServiceName::Logs, &ctx.request_id),
    )
}

async fn exists(view: &ReadView<'_>, group: &Arn) -> Result<bool, Fault> {
    match Named::of_arn(group) {
        Some(named) => Ok(table::group(view, named.account, &named.region, &named.name)
            .await?
            .is_some()),
        None => Ok(false),
    }
}

async fn check(ctx: &Ctx, txn: &mut Txn, by: By, group: &Arn, stream: &str) -> Result<(), PortRefusal> {
    let place = Place::of(ctx, group, by)?;
    pipeline::probe::<CreateLogStream>(ctx, txn, place.inner(), place.stream(stream)).await?;
    let event = InputLogEvent {
        timestamp: ctx.now().as_millis(),
        message: "-".to_owned(),
    };
    let put = place.events(stream, vec![event]);
    pipeline::probe::<PutLogEvents>(ctx, txn, place.inner(), put).await?;
    match exists(&txn.view(), group).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(refusal(ctx, &LogsError::NotFound(Thing::Group))),
        Err(fault) => Err(ctx.port_fault(ServiceName::Logs, &fault)),
    }
}

async fn has_stream(view: &ReadView<'_>, group: &Named, stream: &str) -> Result<bool, LogsError> {
    let group = group.group(view).await?;
    Ok(table::stream(view, &group.id, stream).await?.is_some())
}

async fn put_events(
    ctx: &Ctx,
    txn: &mut Txn,
    place: &Place,
    stream: &str,
    events: Vec<LogEvent>,
) -> Result<usize, PortRefusal> {
    let is_there = has_stream(&txn.view(), &place.group, stream).await;
    if !is_there.map_err(|error| refusal(ctx, &error))? {
        pipeline::reenter::<CreateLogStream>(ctx, txn, place.inner(), place.stream(stream)).await?;
    }
    let sizes: Vec<_> = events
        .iter()
        .map(|event| (event.timestamp.as_millis(), event.message.len()))
        .collect();
    let mut events = events.into_iter().map(|event| InputLogEvent {
        timestamp: event.timestamp.as_millis(),
        message: event.message,
    });
    let mut taken = 0;
    for batch in put::batches(&sizes) {
        let batch = events.by_ref().take(batch.len()).collect();
        let put = place.events(stream, batch);
        let done = pipeline::reenter::<PutLogEvents>(ctx, txn, place.inner(), put).await?;
        taken += done.0.taken;
    }
    Ok(taken)
}

impl Logs for LogGroups {
    fn exists<'a>(&'a self, view: &'a ReadView<'a>, group: &'a Arn) -> Boxed<'a, Result<bool, Fault>> {
        Box::pin(exists(view, group))
    }

    fn check<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        group: &'a Arn,
        stream: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(check(ctx, txn, by, group, stream))
    }

    fn put_events<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        group: &'a Arn,
        stream: &'a str,
        events: Vec<LogEvent>,
    ) -> Boxed<'a, Result<usize, PortRefusal>> {
        Box::pin(async move {
            let place = Place::of(ctx, group, by)?;
            let savepoint = txn.savepoint();
            let result = put_events(ctx, txn, &place, stream, events).await;
            if result.is_err() {
                txn.rollback_to(savepoint);
            }
            result
        })
    }
}
