//! What a caller needs. Most operations are about the whole server: each is a right of the first account's, for its root alone
//! until that gives it on. Those that tell of an account's own events and objects are a right of that account, and need beside it
//! what the calls need that tell the same.

use base::{Arn, arn};
use gateway::{Ctx, Demand, Demands};
use policy::ResourceKind;

/// The right to `action`, such as `shoseki:ListAccounts`.
pub(crate) fn demands(ctx: &Ctx, action: &'static str) -> Demands {
    let owner = ctx.settings().first_account;
    Demand::on(action, arn::any())
        .guarded(ResourceKind::Other, owner, None)
        .into()
}

/// The right to `action`, such as `shoseki:SummariseEvents`, on what is the caller's own account's or needs another right too.
pub(crate) fn own(action: &'static str, resource: Arn) -> Demand {
    Demand::on(action, resource)
}
