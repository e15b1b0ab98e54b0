//! Pages of objects, and the blobs that rows name.

use super::{
    Content, Object, Part, Place, ROWS_AT_ONCE, Version, latest, object::is_marker, objects_prefix, older, text_after,
};
use crate::model::{
    listing::{Item, Listing, Page, Step},
    version::VersionId,
};
use base::Fault;
use bytes::Bytes;
use store::{BlobId, ReadView, Stored};

/// A page of a listing of latest versions that are objects, and whether there is more behind it.
pub async fn list(view: &ReadView<'_>, bucket: &str, listing: &Listing) -> Result<(Vec<Item<Object>>, bool), Fault> {
    let prefix = objects_prefix(bucket);
    let at = |key: &[u8]| [prefix.as_slice(), key].concat();
    let end = end_of(&prefix, listing);
    let mut page: Page<'_, Bytes> = Page::new(listing);
    let mut from = at(&listing.start());
    'read: loop {
        let wanted = ROWS_AT_ONCE.min(listing.max_keys.saturating_add(1));
        let rows = view.scan(from.clone()..end.clone(), wanted, false).await?;
        let complete = rows.len() < wanted;
        for (row_key, row) in &rows {
            if row_key.as_ref() < from.as_slice() {
                continue;
            }
            if is_marker(row) {
                continue;
            }
            match page.offer(&text_after(row_key, &prefix)?, || row.clone()) {
                Step::Done => break 'read,
                Step::Next => {}
                Step::Seek(to) => from = at(&to),
            }
        }
        if let Some((last, _)) = rows.last()
            && from.as_slice() <= last.as_ref()
        {
            from = [last.as_ref(), &[0]].concat();
        }
        if complete {
            break;
        }
        // A page may lie behind any number of delete markers; others get their turn.
        tokio::task::yield_now().await;
    }
    let (items, truncated) = page.finish();
    let items = items.into_iter().map(|item| match item {
        Item::Key(key, row) => match Version::decode(&row)?.content {
            Content::Object(object) => Ok(Item::Key(key, *object)),
            Content::DeleteMarker { .. } => Err(Fault::corrupt("a delete marker that did not look like one")),
        },
        Item::Prefix(prefix) => Ok(Item::Prefix(prefix)),
    });
    Ok((items.collect::<Result<_, Fault>>()?, truncated))
}

/// Where a listing of versions goes on within a key: after this version of it.
pub struct After<'a> {
    /// The key.
    pub key: &'a str,
    /// The version.
    pub version: &'a VersionId,
}

/// A version in a listing, with whether it is the latest of its key.
pub type Listed = (Version, bool);

/// A page of a listing of all versions, those of a key newest first, and whether there is more behind it.
///
/// `listing.after` is a key, none of whose versions is listed again but those behind `after`.
pub async fn list_versions(
    view: &ReadView<'_>,
    bucket: &str,
    listing: &Listing,
    after: Option<After<'_>>,
) -> Result<(Vec<Item<Listed>>, bool), Fault> {
    let mut page = Page::new(listing);
    if let Some(after) = after
        && listing.shows(after.key)
        && rest_of_key(view, bucket, &after, &mut page).await? == Step::Done
    {
        return Ok(page.finish());
    }
    let prefix = objects_prefix(bucket);
    let at = |key: &[u8]| [prefix.as_slice(), key].concat();
    let end = end_of(&prefix, listing);
    let mut from = at(&listing.start());
    'read: loop {
        let wanted = ROWS_AT_ONCE.min(listing.max_keys.saturating_add(1));
        let rows = view.scan(from.clone()..end.clone(), wanted, false).await?;
        let complete = rows.len() < wanted;
        for (row_key, row) in &rows {
            if row_key.as_ref() < from.as_slice() {
                continue;
            }
            let key = text_after(row_key, &prefix)?;
            match versions_of(view, (bucket, &key), Version::decode(row)?, None, &mut page).await? {
                Step::Done => break 'read,
                Step::Next => from = [row_key.as_ref(), &[0]].concat(),
                Step::Seek(to) => from = at(&to),
            }
        }
        if complete {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(page.finish())
}

/// Past every key that a listing can show.
fn end_of(prefix: &[u8], listing: &Listing) -> Vec<u8> {
    match listing.end() {
        Some(end) => [prefix, &end].concat(),
        // The byte after `/`: past every key of the bucket.
        None => [prefix.get(..prefix.len().saturating_sub(1)).unwrap_or_default(), b"0"].concat(),
    }
}

/// The versions of a key behind one of them. Is that gone, its id still says where it was, unless it was the null version:
/// then all are shown again, for one too many does no harm where one too few does.
async fn rest_of_key(
    view: &ReadView<'_>,
    bucket: &str,
    after: &After<'_>,
    page: &mut Page<'_, Listed>,
) -> Result<Step, Fault> {
    let at = (bucket, after.key);
    let Some(newest) = latest(view, at).await? else {
        return Ok(Step::Next);
    };
    let below = match after.version {
        VersionId::Own { order, .. } => Some(*order),
        VersionId::Null if newest.id == VersionId::Null => Some(newest.order),
        VersionId::Null => newest.null_older,
    };
    versions_of(view, at, newest, below, page).await
}

/// Offers the versions of a key, those below an order when there is one.
async fn versions_of(
    view: &ReadView<'_>,
    at: (&str, &str),
    newest: Version,
    below: Option<u64>,
    page: &mut Page<'_, Listed>,
) -> Result<Step, Fault> {
    let (has_older, mut before) = (newest.has_older, newest.order);
    match below {
        Some(below) if below <= before => before = below,
        _ => match page.offer(at.1, || (newest, true)) {
            Step::Next => {}
            step => return Ok(step),
        },
    }
    if !has_older {
        return Ok(Step::Next);
    }
    loop {
        let older = older(view, at, before).await?;
        let Some(last) = older.last() else {
            return Ok(Step::Next);
        };
        before = last.order;
        for version in older {
            match page.offer(at.1, || (version, false)) {
                Step::Next => {}
                step => return Ok(step),
            }
        }
    }
}

/// The tables whose rows name blobs, in order.
const NAMING: [&[u8]; 3] = [b"s3/object/", b"s3/part/", b"s3/version/"];
const PARTS: usize = 1;

/// The blobs that rows name, from a row on; and where to go on.
pub async fn blobs_named(view: &ReadView<'_>, after: Option<&[u8]>) -> Result<(Vec<BlobId>, Option<Bytes>), Fault> {
    let table = NAMING
        .iter()
        .position(|table| after.is_none_or(|after| after < *table || after.starts_with(table)));
    let Some(table) = table else {
        return Ok((Vec::new(), None));
    };
    let prefix = NAMING.get(table).copied().unwrap_or_default();
    let rows = view.scan_prefix(prefix, after, ROWS_AT_ONCE).await?;
    let next = match rows.last() {
        Some((key, _)) if rows.len() == ROWS_AT_ONCE => Some(key.clone()),
        // The table is read: on with the next, whose name follows every row of this one.
        _ => NAMING.get(table.saturating_add(1)).map(|next| Bytes::from_static(next)),
    };
    let mut blobs = Vec::new();
    for (_, row) in &rows {
        let place = match table == PARTS {
            true => Some(Part::decode(row)?.place),
            false => Version::decode(row)?.object().map(|object| object.place),
        };
        if let Some(Place::Blob(id)) = place {
            blobs.push(id);
        }
    }
    Ok((blobs, next))
}
