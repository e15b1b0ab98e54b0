//! The only place that names every service: its operations, the ports it answers, its background work.

use crate::{first_start::RootAccessKey, workers};
use anyhow::Result;
use base::{AccountId, Fault};
use gateway::{Gateway, Ports, Txn, World, ports::Worker};
use std::sync::Arc;

/// Puts every room behind one door.
pub(crate) fn wire(world: &Arc<World>) -> Result<Gateway> {
    // In the order in which work is done that is due at one moment: keys vanish before they could be used once more, log
    // files come before the digest that names them, and what is no longer needed is taken out last.
    let workers: Vec<Arc<dyn Worker>> = vec![
        Arc::new(kms::DeleteKeys),
        Arc::new(cloudtrail::Deliver),
        Arc::new(cloudtrail::SignDigests),
        Arc::new(cloudtrail::Compact),
        Arc::new(s3::work::Sweep::default()),
    ];
    world.wire(Ports {
        identities: Arc::new(iam::IdentityStore::default()),
        keys: Arc::new(kms::KmsKeys),
        objects: Arc::new(s3::S3Objects),
        trails: Arc::new(cloudtrail::Selectors::default()),
        workers: workers::in_turns(workers),
    })?;
    let rooms = [
        cloudtrail::OPERATIONS,
        iam::OPERATIONS,
        kms::OPERATIONS,
        regions::OPERATIONS,
        s3::OPERATIONS,
        shoseki_service::OPERATIONS,
    ];
    Ok(Gateway::new(Arc::clone(world), &rooms))
}

/// Makes a new account known, with its keyring and the access key of its root.
pub(crate) async fn bootstrap_account(
    world: &World,
    txn: &mut Txn,
    account: AccountId,
) -> Result<RootAccessKey, Fault> {
    let keyring = world.keyrings.create(txn, account, &world.random)?;
    let key = iam::bootstrap_root(txn, &keyring, account, &world.random, world.clock.now()).await?;
    Ok(RootAccessKey {
        access_key_id: key.access_key_id,
        secret_access_key: key.secret,
    })
}
