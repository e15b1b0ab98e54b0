//! # Shoseki: the product's own service
//!
//! What AWS has no API for, on AWS's own terms: JSON 1.1, signed, authorised as `shoseki:<Operation>`, recorded like every
//! other call. By default it is open to the first account's root only. The command line uses it; nothing opens the data
//! directory of a running server.
//!
//! Today it moves the rehearsal clock. Start reading at [`OPERATIONS`], then `ops::advance_clock`.
//!
//! ## Invariants
//! - Domain time never goes back: the offset is durable before anything is done at the time that it makes.
//! - Work that falls due while time is moved is done in the order of time, each worker at most once at one moment.
//! - A data directory whose clock was moved opens only in rehearsal mode.

mod error;
mod model;
mod ops;
mod table;

pub use error::ShosekiError;

use base::Fault;
use gateway::Route;
use std::time::Duration;
use store::ReadView;

/// The service's operations.
pub const OPERATIONS: &[Route] = &[Route::of::<ops::advance_clock::AdvanceClock>()];

/// How far domain time was moved ahead of real time in this data directory; zero when it never was.
pub async fn clock_offset(view: &ReadView<'_>) -> Result<Duration, Fault> {
    Ok(table::clock(view).await?.map_or(Duration::ZERO, |clock| clock.offset()))
}
