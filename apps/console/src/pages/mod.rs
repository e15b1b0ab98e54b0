//! The pages. Each module has the routes of its own.

mod buckets;
mod changes;
mod checks;
mod create;
mod events;
mod guard;
mod keys;
mod making;
mod overview;
mod policy;
mod rollback;
mod taste;
mod trails;
mod who;

use crate::router::Route;

/// All pages.
pub(crate) fn routes() -> Vec<Route> {
    let mut all = Vec::new();
    // Each group of pages is a line here.
    all.extend(changes::routes());
    all.extend(buckets::routes());
    all.extend(keys::routes());
    all.extend(create::routes());
    all.extend(events::routes());
    all.extend(overview::routes());
    all.extend(rollback::routes());
    all.extend(checks::routes());
    all.extend(guard::routes());
    all.extend(policy::routes());
    all.extend(taste::routes());
    all.extend(crate::live::routes());
    all.extend(trails::routes());
    all
}
