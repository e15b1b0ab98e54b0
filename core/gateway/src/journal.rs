//! A journal entry's payload: the index fields and the record's JSON, side by side.
//!
//! Layout: a version byte, the length of the index fields as four big-endian bytes, the index fields (postcard), the
//! JSON of the record as it will stand in the log file.

use crate::event::Copy;
use base::{Fault, Timestamp};
use bytes::Bytes;
use record::{EventCategory, IndexFields, IngestedRecord};
use store::{JournalEntry, Selection};

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 5;
const INDEX_BYTES: usize = 512;

/// An entry read back.
pub struct Entry {
    /// What it is looked up by.
    pub index: IndexFields,
    /// The record, exactly as it goes into a log file.
    pub json: Bytes,
}

/// The entry of one copy of an event, with the trails that selected it.
pub(crate) fn encode(copy: &Copy, selected: Vec<Selection>) -> Result<JournalEntry, Fault> {
    entry(&IndexFields::from(&copy.record), &copy.record.to_json(), selected)
}

/// The entry of an event from elsewhere, with the trails that selected it.
pub(crate) fn encode_ingested(record: &IngestedRecord, selected: Vec<Selection>) -> Result<JournalEntry, Fault> {
    entry(record.index(), record.json(), selected)
}

/// The entry of an event with these index fields and this record, with the trails that selected it.
pub fn entry(index: &IndexFields, json: &[u8], selected: Vec<Selection>) -> Result<JournalEntry, Fault> {
    check(json)?;
    // The index fields seldom take more; if they do, the room grows.
    let mut payload = Vec::with_capacity(HEAD_BYTES + INDEX_BYTES + json.len());
    payload.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    payload = postcard::to_extend(index, payload).map_err(|e| Fault::io("encoding an event's index fields", e))?;
    let length = u32::try_from(payload.len() - HEAD_BYTES).unwrap_or(u32::MAX);
    if let Some(place) = payload.get_mut(1..HEAD_BYTES) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    payload.extend_from_slice(json);
    Ok(JournalEntry {
        selected,
        management: index.category == EventCategory::Management,
        account: index.recipient_account_id.as_str().to_owned(),
        region: index.aws_region.as_str().to_owned(),
        payload: Bytes::from(payload),
    })
}

/// In debug builds, so in every test, a record that is not of the published schema is a fault of ours: the call fails and
/// the log says what is wrong with it.
fn check(json: &[u8]) -> Result<(), Fault> {
    match cfg!(debug_assertions) {
        true => record::check_record(json).map_err(|e| Fault::io("checking a record by its schema", e)),
        false => Ok(()),
    }
}

/// Reads an entry's payload.
pub fn decode(payload: &Bytes) -> Result<Entry, Fault> {
    let (index, json) = split(payload)?;
    let index = postcard::from_bytes(index).map_err(|e| Fault::corrupt_by("an event's index fields", e))?;
    Ok(Entry {
        index,
        json: payload.slice_ref(json),
    })
}

/// Reads of an entry's payload what delivery needs: when the event was, and its record. Both are borrowed.
pub fn decode_record(payload: &[u8]) -> Result<(Timestamp, &[u8]), Fault> {
    let (index, json) = split(payload)?;
    // The event time is the first of the index fields.
    let (time, _) = postcard::take_from_bytes(index).map_err(|e| Fault::corrupt_by("an event's time", e))?;
    Ok((time, json))
}

fn split(payload: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let corrupt = || Fault::corrupt("a journal entry's payload");
    let (head, rest) = payload.split_at_checked(HEAD_BYTES).ok_or_else(corrupt)?;
    let [VERSION, a, b, c, d] = *head else {
        return Err(corrupt());
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    rest.split_at_checked(length).ok_or_else(corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Region};

    #[test]
    fn the_event_time_is_the_first_index_field() {
        let index = IndexFields {
            event_time: Timestamp::from_secs(1_439_820_091),
            event_source: "kms.amazonaws.com".to_owned(),
            event_name: "Decrypt".to_owned(),
            aws_region: Region::us_east_1(),
            read_only: true,
            category: EventCategory::Management,
            event_id: "e".to_owned(),
            recipient_account_id: AccountId::FIRST,
            user_name: None,
            access_key_id: None,
            resources: vec![],
        };
        let fields = postcard::to_allocvec(&index).unwrap();
        let mut payload = vec![VERSION];
        payload.extend_from_slice(&u32::try_from(fields.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(&fields);
        payload.extend_from_slice(b"{}");
        let payload = Bytes::from(payload);
        assert_eq!(decode_record(&payload).unwrap(), (index.event_time, b"{}".as_slice()));
        assert_eq!(decode(&payload).unwrap().index, index);
        for cut in 0..payload.len() - 2 {
            assert!(decode(&payload.slice(..cut)).is_err(), "{cut}");
        }
    }
}
