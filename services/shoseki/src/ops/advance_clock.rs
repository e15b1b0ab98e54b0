//! AdvanceClock: moves domain time forward and does, in the order of time, all work that falls due on the way.
//!
//! It takes effect step by step, while it runs: each step is durable before work is done at the time it leads to. A call
//! that is broken off has moved the clock as far as it got, and can be made again for the rest.

use crate::{
    ShosekiError, access,
    model::agenda::Agenda,
    table::{self, ClockRow},
};
use base::Fault;
use gateway::{Body, Ctx, Demands, EventClass, Json, Operation, ServiceCaller, Staged, Txn, World, work::Work};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use store::{CommitError, Maintenance, ReadView};
use wire::{EpochSeconds, ServiceName};

/// The furthest that one call moves the clock: ten years and a few days.
const SECONDS_MAX: u64 = 3_660 * 86_400;

/// Writing the clock's row meets no other writer but another call of this operation; more conflicts than this are a bug.
const ATTEMPTS_MAX: u32 = 64;

/// The operation.
pub(crate) struct AdvanceClock;

/// Its input.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AdvanceClockRequest {
    seconds: u64,
}

/// Its output.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AdvanceClockResponse {
    /// Domain time, now.
    now: EpochSeconds,
    /// How far domain time is ahead of real time.
    offset_seconds: u64,
    /// How often a worker was asked to work on the way.
    ticks: u64,
}

impl Evident for AdvanceClockRequest {
    fn evident(&self) -> Params {
        Params::new().number("seconds", self.seconds)
    }
}

impl Evident for AdvanceClockResponse {
    fn evident(&self) -> Params {
        Params::new()
            .number("offsetSeconds", self.offset_seconds)
            .number("ticks", self.ticks)
    }
}

impl Operation for AdvanceClock {
    const NAME: &'static str = "AdvanceClock";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const STAGED: bool = true;
    type Input = Json<AdvanceClockRequest>;
    type Output = Json<AdvanceClockResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(access::demands(ctx, "shoseki:AdvanceClock"))
    }

    /// The move itself is here and not in `run`, for it is not to be repeated when the record of it meets a conflict.
    async fn stage(ctx: &Ctx, _: &mut Txn, input: &Authorized<Self::Input>, _: Body) -> Result<Staged, ShosekiError> {
        if !ctx.settings().rehearsal {
            return Err(ShosekiError::RehearsalModeRequired);
        }
        let seconds = input.seconds;
        if !(1..=SECONDS_MAX).contains(&seconds) {
            let text = format!("Seconds must be between 1 and {SECONDS_MAX}, and is {seconds}.");
            return Err(ShosekiError::Validation(text));
        }
        let ticks = advance(ctx.world(), Duration::from_secs(seconds)).await?;
        Ok(Staged::of(ticks))
    }

    async fn run(
        ctx: &Ctx,
        _: &mut Txn,
        _: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let ticks = *staged.get::<u64>()?;
        let clock = &ctx.world().clock;
        Ok(Json(AdvanceClockResponse {
            now: EpochSeconds(clock.now()),
            offset_seconds: clock.offset().as_secs(),
            ticks,
        }))
    }
}

/// Moves the clock by `span` beyond the real time that passes meanwhile, and works on the way. Answers how often a worker
/// was asked.
async fn advance(world: &Arc<World>, span: Duration) -> Result<u64, Fault> {
    let workers = &world.ports()?.workers;
    let mut agenda = Agenda::new(workers.len(), world.settings.delivery_interval);
    let mut left = span;
    let mut ticks = 0;
    loop {
        let mut due = Vec::with_capacity(workers.len());
        for (at, worker) in workers.iter().enumerate() {
            due.push(agenda.next(at, worker.next_due(world).await?));
        }
        let now = world.clock.now();
        let Some(next) = due.iter().flatten().min().filter(|next| **next <= now.plus(left)) else {
            return move_by(world, left).await.map(|()| ticks);
        };
        let step = next.since(now);
        move_by(world, step).await?;
        left = left.saturating_sub(step);
        let now = world.clock.now();
        for (at, worker) in workers.iter().enumerate() {
            if due.get(at).copied().flatten().is_some_and(|due| due <= now) {
                worker.tick(world, now).await?;
                agenda.asked(at, now);
                ticks += 1;
            }
        }
    }
}

/// Moves the clock. After a crash it stands at this time or a little later, never before what was done at it.
async fn move_by(world: &Arc<World>, step: Duration) -> Result<(), Fault> {
    if step.is_zero() {
        return Ok(());
    }
    for _ in 0..ATTEMPTS_MAX {
        let mut work = Work::begin(
            world,
            ServiceName::Shoseki,
            own_caller(world),
            world.settings.region.clone(),
        );
        let txn = work.parts().1;
        // Another call may be moving the clock too: the row, not the clock, says how far it has been promised to go.
        let promised = table::clock(&txn.view())
            .await?
            .map_or(Duration::ZERO, |row| row.offset());
        let offset = promised.max(world.clock.offset()).saturating_add(step);
        table::put_clock(txn, &ClockRow::new(offset));
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => {
                world.clock.advance(step);
                return Ok(());
            }
            Err(CommitError::Conflict) => continue,
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(Fault::Bug("the clock's row conflicted without end"))
}

fn own_caller(world: &World) -> ServiceCaller {
    ServiceCaller {
        name: ServiceName::Shoseki.event_source(),
        source_arn: None,
        source_account: world.settings.first_account,
    }
}
