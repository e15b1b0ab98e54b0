//! The rows of channels.
//!
//! | key | row |
//! |---|---|
//! | `ct/channel/ACCOUNT/REGION/ID` | [`Channel`] |
//! | `ct/ingestion/ID` | [`Ingestion`] |

use crate::model::channel::{Channel, Ingestion};
use base::{AccountId, Fault, Region};
use gateway::Txn;
use store::{NoAncestor, ReadView, Stored};

impl Stored for Channel {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for Ingestion {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

fn key(account: AccountId, region: &Region, id: &str) -> Vec<u8> {
    format!("ct/channel/{account}/{region}/{id}").into_bytes()
}

fn ingestion_key(id: &str) -> Vec<u8> {
    format!("ct/ingestion/{id}").into_bytes()
}

/// A channel.
pub async fn get(view: &ReadView<'_>, account: AccountId, region: &Region, id: &str) -> Result<Option<Channel>, Fault> {
    view.get_row(&key(account, region, id)).await
}

/// The channels of an account in a Region, by id: no more than the quota lets be.
pub async fn all(view: &ReadView<'_>, account: AccountId, region: &Region) -> Result<Vec<Channel>, Fault> {
    super::rows(view, &key(account, region, "")).await
}

/// Stores a channel, new or changed.
pub fn put(txn: &mut Txn, channel: &Channel) {
    txn.put_row(key(channel.account, &channel.region, &channel.id), channel);
}

/// Forgets a channel. Its ARN is never used again.
pub fn delete(txn: &mut Txn, channel: &Channel) {
    txn.delete(key(channel.account, &channel.region, &channel.id));
    txn.delete(ingestion_key(&channel.id));
}

/// What came in last through a channel.
pub async fn ingestion(view: &ReadView<'_>, id: &str) -> Result<Ingestion, Fault> {
    Ok(view.get_row(&ingestion_key(id)).await?.unwrap_or_default())
}

/// Stores what came in last through a channel.
pub fn put_ingestion(txn: &mut Txn, id: &str, row: &Ingestion) {
    txn.put_row(ingestion_key(id), row);
}
