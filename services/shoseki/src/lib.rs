//! # Shoseki: the product's own service
//!
//! What AWS has no API for, on AWS's own terms: JSON 1.1, signed, authorised as `shoseki:<Operation>`, recorded like every
//! other call. By default it is open to the first account's root only, but for what is of the caller's own account. The command line uses it; nothing opens the data
//! directory of a running server.
//!
//! It moves the rehearsal clock (`ops::advance_clock`), keeps several accounts (`ops::create_account`), changes the root key
//! (`ops::rotate_root_key`; how is the gateway's `rotation`), counts events and objects (`ops::summarise_events`,
//! `ops::summarise_objects`), tells events as they are committed (`ops::subscribe_events`, `feed`), and says why calls were refused (`ops::explain_decision`) and who could make them (`ops::describe_access`, `reach`). Start reading at
//! [`OPERATIONS`].
//!
//! ## Invariants
//! - Domain time never goes back: the offset is durable before anything is done at the time that it makes.
//! - Work that falls due while time is moved is done in the order of time, each worker at most once at one moment.
//! - A data directory whose clock was moved opens only in rehearsal mode.
//! - Nothing is decided here: what is told of access comes from the policies and the decider that calls meet.

mod access;
mod current;
mod error;
mod feed;
mod model;
mod ops;
mod reach;
mod table;

pub use error::ShosekiError;
pub use table::CHECKS;

use base::Fault;
use gateway::Route;
use std::time::Duration;
use store::ReadView;

/// The service's operations.
pub static OPERATIONS: &[Route] = &[
    Route::of::<ops::advance_clock::AdvanceClock>(),
    Route::of::<ops::create_account::CreateAccount>(),
    Route::of::<ops::describe_access::DescribeAccess>(),
    Route::of::<ops::describe_root_key::DescribeRootKey>(),
    Route::of::<ops::explain_decision::ExplainDecision>(),
    Route::of::<ops::list_accounts::ListAccounts>(),
    Route::of::<ops::rotate_root_key::RotateRootKey>(),
    Route::of::<ops::subscribe_events::SubscribeEvents>(),
    Route::of::<ops::summarise_events::SummariseEvents>(),
    Route::of::<ops::summarise_objects::SummariseObjects>(),
];

/// How far domain time was moved ahead of real time in this data directory; zero when it never was.
pub async fn clock_offset(view: &ReadView<'_>) -> Result<Duration, Fault> {
    Ok(table::clock(view).await?.map_or(Duration::ZERO, |clock| clock.offset()))
}
