//! A key whose material's time has come.

use crate::{
    access::RESOURCE_TYPE,
    crypto,
    model::{ClearMaterial, Key, RotationType},
    synchronize,
};
use base::Fault;
use gateway::{event::ServiceEvent, work::Work};
use record::Params;

/// The key and its replicas get the new material in one commit, so nothing is sealed in one Region that another cannot open.
pub(super) async fn rotate(work: &mut Work, before: &Key) -> Result<(), Fault> {
    let (ctx, txn) = work.parts();
    let mut key = before.clone();
    let clear = ClearMaterial::generate(key.spec, ctx.random())?;
    let material = crypto::make_material(ctx, &txn.view(), before, &clear, Some(RotationType::Automatic)).await?;
    key.rotate(material, ctx.now());
    synchronize::put_shared(ctx, txn, &key, before).await?;
    work.service_event(rotated(before, &key, RotationType::Automatic));
    Ok(())
}

/// The event of a rotation.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/ct-rotatekey.html>
pub(crate) fn rotated(before: &Key, after: &Key, rotation: RotationType) -> ServiceEvent {
    let material = |key: &Key| key.current().map(|material| material.id.to_string());
    ServiceEvent {
        as_call: false,
        name: "RotateKey",
        account: after.account,
        resource: after.arn(),
        resource_type: RESOURCE_TYPE,
        response: Params::new(),
        details: Params::new()
            .text("rotationType", rotation.as_str())
            .text("keyOrigin", after.origin.as_str())
            .maybe_text("previousKeyMaterialId", material(before))
            .maybe_text("currentKeyMaterialId", material(after))
            .text("keyId", after.id.as_str()),
    }
}
