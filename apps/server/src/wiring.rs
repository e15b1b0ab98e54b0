//! The only place that names every service: its operations, the ports it answers, its background work.

use crate::{data_dir::DataDir, first_start::RootAccessKey, workers};
use anyhow::Result;
use base::{AccountId, Fault};
use gateway::{
    Calls, Gateway, Ports, Route, World,
    ports::{AccountFacts, Roles, Worker},
    rotation::{Rotate, SealedRows},
    work::Work,
};
use std::sync::Arc;

/// Puts every room behind one door. `more` work is done after that of the rooms.
pub(crate) fn wire(world: &Arc<World>, dir: &DataDir, more: Vec<Arc<dyn Worker>>) -> Result<Gateway> {
    let identities = Arc::new(iam::IdentityStore::default());
    // In the order in which work is done that is due at one moment: keys vanish before they could be used once more, and are
    // rotated before they are, log files come before the digest that names them, and what is no longer needed is taken out last.
    let mut workers: Vec<Arc<dyn Worker>> = vec![
        Arc::new(kms::DueKeys::deletions()),
        Arc::new(kms::DueKeys::expiries()),
        Arc::new(kms::AdoptManagedKeys),
        Arc::new(kms::DueKeys::rotations()),
        Arc::new(cloudtrail::Deliver),
        Arc::new(cloudtrail::DeliverLogs::default()),
        Arc::new(cloudtrail::SignDigests::default()),
        Arc::new(cloudtrail::Archive::default()),
        Arc::new(iam::Housekeeping::new(Arc::clone(&identities))),
        Arc::new(cloudformation::Stacks),
        Arc::new(cloudformation::Forget),
        Arc::new(sns::Forget),
        Arc::new(logs::Retain),
        Arc::new(logs::Reclaim),
        Arc::new(logs::Forget),
        Arc::new(s3::work::DeliverAccessLogs),
        Arc::new(s3::work::Forget),
        Arc::new(s3::work::Expire),
        Arc::new(s3::work::Sweep::default()),
        Arc::new(Rotate::new(vec![dir.under_root()], sealed_rows())),
    ];
    workers.extend(more);
    world.wire(Ports {
        roles: Arc::clone(&identities) as Arc<dyn Roles>,
        identities,
        keys: Arc::new(kms::KmsKeys),
        objects: Arc::new(s3::S3Objects),
        logs: Arc::new(logs::LogGroups),
        topics: Arc::new(sns::SnsTopics),
        trails: Arc::new(cloudtrail::Selectors::default()),
        calls: Calls::new(&rooms()),
        workers: workers::in_turns(workers),
    })?;
    Ok(Gateway::new(Arc::clone(world), &rooms()))
}

/// Every table that holds what is sealed under keyrings.
fn sealed_rows() -> impl Iterator<Item = &'static SealedRows> {
    [
        cloudformation::SEALED,
        cloudtrail::SEALED,
        iam::SEALED,
        kms::SEALED,
        logs::SEALED,
        s3::SEALED,
        sns::SEALED,
    ]
    .into_iter()
    .flatten()
}

/// The operations of every room. They are statics of the rooms, read when this runs: so each room's calls are compiled with
/// the room, beside the other rooms, and not all of them here.
pub(crate) fn rooms() -> [&'static [Route]; 9] {
    [
        cloudformation::OPERATIONS,
        cloudtrail::OPERATIONS,
        iam::OPERATIONS,
        kms::OPERATIONS,
        logs::OPERATIONS,
        regions::OPERATIONS,
        s3::OPERATIONS,
        shoseki_service::OPERATIONS,
        sns::OPERATIONS,
    ]
}

/// Makes the first account, with its keyring and the access key of its root.
pub(crate) async fn bootstrap_account(work: &mut Work, account: AccountId) -> Result<RootAccessKey, Fault> {
    let (ctx, txn) = work.parts();
    let facts = AccountFacts {
        id: account,
        created: ctx.now(),
        name: String::new(),
    };
    let identities = &ctx.world().ports()?.identities;
    let key = identities.create_account(ctx, txn, &facts).await?;
    let key = key.ok_or(Fault::Bug("a new data directory has an account"))?;
    Ok(RootAccessKey {
        access_key_id: key.id,
        secret_access_key: key.secret,
    })
}
