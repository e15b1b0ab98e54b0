//! Temporary credentials, and when credentials and roles were used. None of these rows makes rights: they move no epoch.

use super::{LastUsed, Mark};
use crate::model::session::StoredSession;
use base::{Fault, Timestamp};
use bytes::Bytes;
use store::{ReadView, Stored, Txn};

const END_PREFIX: &str = "iam/session-end/";

fn session_key(id: &str) -> Vec<u8> {
    format!("iam/session/{id}").into_bytes()
}

/// In the order of time.
pub(super) fn end_key(expires: Timestamp, id: &str) -> Vec<u8> {
    let micros = u64::try_from(expires.as_micros()).unwrap_or(0);
    format!("{END_PREFIX}{micros:020}/{id}").into_bytes()
}

fn last_used_key(id: &str) -> Vec<u8> {
    format!("iam/last-used/{id}").into_bytes()
}

/// The row of a session as bytes.
pub(crate) async fn session_row(view: &ReadView<'_>, id: &str) -> Result<Option<Bytes>, Fault> {
    view.get(&session_key(id)).await
}

/// A session, ended or not.
pub(crate) async fn session(view: &ReadView<'_>, id: &str) -> Result<Option<StoredSession>, Fault> {
    let row = session_row(view, id).await?;
    row.map(|row| StoredSession::decode(&row)).transpose()
}

/// Adds a new session.
pub(crate) fn put_session(txn: &mut Txn, session: &StoredSession) {
    txn.put_row(session_key(&session.id), session);
    txn.put_row(end_key(session.facts.expires, &session.id), &Mark);
}

pub(crate) fn delete_session(txn: &mut Txn, expires: Timestamp, id: &str) {
    txn.delete(session_key(id));
    txn.delete(end_key(expires, id));
}

/// The ends of sessions in the order of time, at most `limit`: when, and whose.
pub(crate) async fn ends(view: &ReadView<'_>, limit: usize) -> Result<Vec<(Timestamp, String)>, Fault> {
    let rows = view.scan_prefix(END_PREFIX.as_bytes(), None, limit).await?;
    let end = |key: &[u8]| {
        let rest = std::str::from_utf8(key).ok()?.strip_prefix(END_PREFIX)?;
        let (micros, id) = rest.split_once('/')?;
        Some((Timestamp::from_micros(micros.parse().ok()?), id.to_owned()))
    };
    rows.iter()
        .map(|(key, _)| end(key).ok_or_else(|| Fault::corrupt("the key of a session's end")))
        .collect()
}

/// When an access key (by id) or a role (by unique id) was used last.
pub(crate) async fn last_used(view: &ReadView<'_>, id: &str) -> Result<Option<LastUsed>, Fault> {
    view.get_row(&last_used_key(id)).await
}

pub(crate) fn put_last_used(txn: &mut Txn, id: &str, row: &LastUsed) {
    txn.put_row(last_used_key(id), row);
}

pub(crate) fn forget_use(txn: &mut Txn, id: &str) {
    txn.delete(last_used_key(id));
}
