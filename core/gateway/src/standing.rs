//! Calls whose answer goes on: whether they may, as time goes by.

use crate::{Asker, Caller, Ctx, Demand};
use base::{Fault, Timestamp};

/// Why a call may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLonger {
    /// The session's time is over, or the access key is not active any more or gone.
    Credentials,
    /// Policies allow this action no more.
    Allowed(&'static str),
}

impl Ctx {
    /// The context of a call, for what goes on after it is answered. What it notes is recorded nowhere.
    pub fn lasting(&self) -> Ctx {
        self.beside(self.depth, self.is_part, 0)
    }

    /// When the caller's credentials end, by real time; `None` for those that do not.
    pub fn credentials_end(&self) -> Option<Timestamp> {
        let session = self.caller.signed()?.session.as_deref()?;
        Some(session.expires)
    }
}

/// Whether a call that was allowed would be now: by the same credentials, and by policies as they are at this moment.
pub async fn still_allowed(ctx: &Ctx, demands: &[Demand]) -> Result<Result<(), NoLonger>, Fault> {
    let world = &ctx.world;
    if ctx.credentials_end().is_some_and(|end| end <= world.clock.real_now()) {
        return Ok(Err(NoLonger::Credentials));
    }
    let snapshot = world.snapshot();
    let view = snapshot.view();
    if let Caller::Signed(caller) = &ctx.caller {
        let identities = &world.ports()?.identities;
        let found = identities.credential(world, &view, &caller.access_key_id).await?;
        let same = found.is_some_and(|found| found.active && found.caller.principal_id == caller.principal_id);
        if !same {
            return Ok(Err(NoLonger::Credentials));
        }
    }
    let asker = Asker::of(ctx, &view).await?;
    let refused = demands
        .iter()
        .find(|demand| !asker.decide(&world.settings, ctx.account, demand).is_allowed());
    Ok(refused.map_or(Ok(()), |demand| Err(NoLonger::Allowed(demand.action))))
}
