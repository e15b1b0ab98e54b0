//! Events: searched and counted over time, told one by one, and downloaded.

mod asked;
mod download;
mod filter;
mod list;
mod look;
mod record;
mod story;

use crate::router::{Route, get};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/events", list::show),
        get("/events/download", download::give),
        get("/events/{region}/{id}", record::show),
    ]
}
