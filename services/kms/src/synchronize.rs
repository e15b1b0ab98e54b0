//! What related keys of several Regions share is the same in all of them, in one commit and with one event.

use crate::{access::RESOURCE_TYPE, model::Key, table};
use base::Fault;
use gateway::{
    Ctx, Txn,
    event::{ServiceEvent, emit_service_event},
};
use record::Params;

/// Writes a key that changed, and what it shares into its related keys; where there are any, the event says so, of the
/// primary and in its Region. AWS writes it as of a call that nobody made.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/ct-synchronize-multi-region-key.html>
pub(crate) async fn put_shared(ctx: &Ctx, txn: &mut Txn, key: &Key, before: &Key) -> Result<(), Fault> {
    table::put_shared(txn, key, before).await?;
    if !key.related().is_empty() {
        let event = ServiceEvent {
            as_call: true,
            name: "SynchronizeMultiRegionKey",
            account: key.account,
            resource: key.arn(),
            resource_type: RESOURCE_TYPE,
            response: Params::new().text("keyId", key.arn().as_str()),
            details: Params::new(),
        };
        emit_service_event(ctx, txn, event);
    }
    Ok(())
}
