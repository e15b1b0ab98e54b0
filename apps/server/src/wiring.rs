//! The only place that names every service: its operations, the ports it answers, its background work.

use crate::{data_dir::DataDir, first_start::RootAccessKey, workers};
use anyhow::Result;
use base::{AccountId, Fault};
use gateway::{
    Gateway, Ports, Route, World,
    ports::{AccountFacts, Worker},
    rotation::{Rotate, SealedRows},
    work::Work,
};
use std::sync::Arc;

/// Puts every room behind one door.
pub(crate) fn wire(world: &Arc<World>, dir: &DataDir) -> Result<Gateway> {
    let identities = Arc::new(iam::IdentityStore::default());
    // In the order in which work is done that is due at one moment: keys vanish before they could be used once more, and are
    // rotated before they are, log files come before the digest that names them, and what is no longer needed is taken out last.
    let workers: Vec<Arc<dyn Worker>> = vec![
        Arc::new(kms::DueKeys::deletions()),
        Arc::new(kms::DueKeys::expiries()),
        Arc::new(kms::DueKeys::rotations()),
        Arc::new(cloudtrail::Deliver),
        Arc::new(cloudtrail::SignDigests),
        Arc::new(cloudtrail::Compact),
        Arc::new(iam::Housekeeping::new(Arc::clone(&identities))),
        Arc::new(s3::work::Forget),
        Arc::new(s3::work::Sweep::default()),
        Arc::new(Rotate::new(vec![dir.under_root()], sealed_rows())),
    ];
    world.wire(Ports {
        identities,
        keys: Arc::new(kms::KmsKeys),
        objects: Arc::new(s3::S3Objects),
        trails: Arc::new(cloudtrail::Selectors::default()),
        workers: workers::in_turns(workers),
    })?;
    Ok(Gateway::new(Arc::clone(world), &ROOMS))
}

/// Every table that holds what is sealed under keyrings.
fn sealed_rows() -> impl Iterator<Item = &'static SealedRows> {
    [cloudtrail::SEALED, iam::SEALED, kms::SEALED, s3::SEALED]
        .into_iter()
        .flatten()
}

/// The operations of every room.
const ROOMS: [&[Route]; 6] = [
    cloudtrail::OPERATIONS,
    iam::OPERATIONS,
    kms::OPERATIONS,
    regions::OPERATIONS,
    s3::OPERATIONS,
    shoseki_service::OPERATIONS,
];

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

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::EventClass;
    use std::{fmt::Write, path::Path};

    fn listing() -> String {
        let class = |event: EventClass| match event {
            EventClass::Management { read_only: true } => "management read".to_owned(),
            EventClass::Management { read_only: false } => "management write".to_owned(),
            EventClass::Data {
                resource_type,
                read_only,
            } => format!("data {} {resource_type}", if read_only { "read" } else { "write" }),
            EventClass::None => "no event".to_owned(),
        };
        let mut lines: Vec<String> = ROOMS
            .into_iter()
            .flatten()
            .map(|route| format!("{} {} {}", route.service.signing_name(), route.name, class(route.event)))
            .collect();
        lines.sort();
        lines.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }

    /// What there is to call, and what each call leaves in the record. `cargo xtask bless` writes the file anew.
    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told by the environment whether to bless"
    )]
    fn the_operations_are_those_of_the_golden_file() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/golden/operations.txt");
        let (now, golden) = (listing(), std::fs::read_to_string(&path).unwrap_or_default());
        if std::env::var_os("SHOSEKI_BLESS").is_some() {
            std::fs::write(&path, now).unwrap();
            return;
        }
        let missing: Vec<&str> = golden.lines().filter(|line| !now.lines().any(|l| l == *line)).collect();
        let new: Vec<&str> = now.lines().filter(|line| !golden.lines().any(|l| l == *line)).collect();
        assert!(
            now == golden,
            "no longer there: {missing:#?}\nnew: {new:#?}\nif that is meant: cargo xtask bless -p server"
        );
    }

    #[test]
    fn no_operation_is_there_twice() {
        let listing = listing();
        let mut names: Vec<Vec<&str>> = listing.lines().map(|line| line.split(' ').take(2).collect()).collect();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
