//! Events from elsewhere on their way into the journal, with the call that brings them.

use crate::{World, journal, ports::Candidate};
use base::Fault;
use record::IngestedRecord;
use store::JournalEntry;

/// Records that came in together, and the trails that may get them.
pub struct Ingested {
    /// The records; each says by which channel it came, for there are no others.
    pub records: Vec<IngestedRecord>,
    /// The ids of the trails that the channel names.
    pub trails: Vec<String>,
}

fn candidate(record: &IngestedRecord) -> Candidate<'_> {
    let (index, seen) = (record.index(), record.seen());
    Candidate {
        account: index.recipient_account_id,
        region: &index.aws_region,
        category: index.category,
        read_only: index.read_only,
        event_source: &index.event_source,
        event_name: &index.event_name,
        event_type: seen.event_type,
        error_code: seen.error_code.as_deref(),
        user_arn: seen.user_arn.as_deref().map(Into::into),
        invoked_by: seen.invoked_by.as_deref(),
        from_console: seen.from_console,
        vpc_endpoint: seen.vpc_endpoint.as_deref(),
        resource_type: None,
        resources: &index.resources,
        global: false,
        request_id: None,
    }
}

/// The entries of what came in, each with the trails that select it by the state of this very snapshot.
pub(crate) async fn entries(
    world: &World,
    rows: &store::Txn,
    all: Vec<Ingested>,
    entries: &mut Vec<JournalEntry>,
) -> Result<(), Fault> {
    let trails = &world.ports()?.trails;
    for ingested in all {
        let candidates: Vec<Candidate<'_>> = ingested.records.iter().map(candidate).collect();
        let selected = trails
            .select_ingested(&rows.view(), &candidates, &ingested.trails)
            .await?;
        if selected.len() != candidates.len() {
            return Err(Fault::Bug("not every event from elsewhere was asked for"));
        }
        entries.reserve(selected.len());
        for (record, selected) in ingested.records.iter().zip(selected) {
            entries.push(journal::encode_ingested(record, selected)?);
        }
    }
    Ok(())
}
