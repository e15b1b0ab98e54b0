//! The weekly maintenance of settings: a baseline, what differs from it, and the calls that put it back.
//!
//! A baseline has two levels, basic and secure; each of its items is opted in at each level by itself, and secure wins where
//! both are. What it works on is asked and changed through an [`Asker`], so that it is the same work for a client of AWS and
//! inside a server.

mod baseline;
mod inspect;
mod schedule;
mod state;
mod undo;

pub use baseline::{Baseline, GuardedTrail, InvalidBaseline, Item, Level, Levels, Mode};
pub use inspect::{Asker, Finding, Report, Standing, inspect, put_back};
pub use schedule::{Day, Schedule};
pub use state::State;
pub use undo::undo;
