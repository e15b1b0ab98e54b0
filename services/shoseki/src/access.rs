//! What a caller needs: each operation is a right of the first account's, for its root alone until that gives it on.

use base::arn;
use gateway::{Ctx, Demand, Demands};
use policy::ResourceKind;

/// The right to `action`, such as `shoseki:ListAccounts`.
pub(crate) fn demands(ctx: &Ctx, action: &'static str) -> Demands {
    let owner = ctx.settings().first_account;
    Demand::on(action, arn::any())
        .guarded(ResourceKind::Other, owner, None)
        .into()
}
