//! Brought material that has expired.

use crate::{access::RESOURCE_TYPE, model::Key, table};
use base::Fault;
use gateway::{event::ServiceEvent, work::Work};
use record::Params;

pub(super) async fn expire(work: &mut Work, before: &Key) -> Result<(), Fault> {
    let (ctx, txn) = work.parts();
    let now = ctx.now();
    let mut key = before.clone();
    let gone = key.expire_imports(now);
    table::put_key(txn, &key, Some(before));
    for id in gone {
        work.service_event(ServiceEvent {
            as_call: false,
            name: "DeleteExpiredKeyMaterial",
            account: key.account,
            resource: key.arn(),
            resource_type: RESOURCE_TYPE,
            response: Params::new(),
            details: Params::new()
                .text("keyId", key.id.as_str())
                .text("keyMaterialId", id.to_string()),
        });
    }
    Ok(())
}
