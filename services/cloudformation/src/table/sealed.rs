//! What is sealed of the rows, under the account's keyring and as its row's key; and what must be true of every row.

use super::change_sets::{DetectionRow, DriftRow, IdRow};
use super::{DeploymentRow, EventRow, ExportRow, GoneRow, ImportRow, NameRow, ResourceRow};
use crate::model::{
    change_set::{ChangeSet, Contents},
    drift::Comparison,
    held::{Deployment, Held, Outputs},
    stack::{Operation, Stack},
};
use base::{AccountId, Fault, Random, Secret};
use envelope::Keyring;
use gateway::{
    World,
    check::{Checker, Kind, RowCheck},
    rotation::{Renewal, SealedRows},
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use store::{ReadView, Stored};

/// Seals and opens what an account's stacks hold.
///
/// Made anew in each transaction that seals: it has read the keyring's row then.
#[derive(Clone)]
pub struct Seal {
    keyring: Arc<Keyring>,
    random: Random,
}

impl Seal {
    /// The seal of an account.
    pub async fn of(world: &World, view: &ReadView<'_>, account: AccountId) -> Result<Seal, Fault> {
        Ok(Seal {
            keyring: world.keyrings.of(view, account).await?,
            random: world.random.clone(),
        })
    }

    pub(super) fn close<T: Serialize>(&self, key: &[u8], value: &T) -> Result<Vec<u8>, Fault> {
        let text = serde_json::to_vec(value).map_err(|e| Fault::io("writing what a stack holds", e))?;
        Ok(self.keyring.seal(key, &text, &self.random))
    }

    pub(super) fn open<T: DeserializeOwned>(&self, key: &[u8], sealed: &[u8]) -> Result<T, Fault> {
        let text = self
            .keyring
            .open(key, sealed)
            .map(Secret::new)
            .map_err(|e| Fault::corrupt_by("what a stack holds", e))?;
        serde_json::from_slice(text.expose()).map_err(|e| Fault::corrupt_by("what a stack holds", e))
    }
}

/// A row of which a part is sealed as its key.
trait Holds: Stored {
    /// What is sealed: nothing when it is empty.
    type What: DeserializeOwned;
    fn sealed(&mut self) -> &mut Vec<u8>;
}

macro_rules! holds {
    ($($row:ty: $field:ident as $what:ty),* $(,)?) => { $(impl Holds for $row {
        type What = $what;
        fn sealed(&mut self) -> &mut Vec<u8> {
            &mut self.$field
        }
    })* };
}

holds!(
    Stack: outputs as Outputs,
    ChangeSet: sealed as Contents,
    DeploymentRow: sealed as Deployment,
    DriftRow: sealed as Comparison,
    ResourceRow: sealed as Held,
    EventRow: sealed as String,
    ExportRow: sealed as String,
);

/// The account in a row's key.
fn account_of(key: &[u8]) -> Result<AccountId, Fault> {
    let part = std::str::from_utf8(key).ok().and_then(|key| key.split('/').nth(2));
    part.and_then(|text| AccountId::parse(text).ok())
        .ok_or_else(|| Fault::corrupt("the key of a row of CloudFormation's"))
}

fn renew<T: Holds>(renewal: &Renewal, key: &[u8], row: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let mut row = T::decode(row)?;
    if row.sealed().is_empty() {
        return Ok(None);
    }
    match renewal.sealed(account_of(key)?, key, row.sealed())? {
        None => Ok(None),
        Some(sealed) => {
            *row.sealed() = sealed;
            row.encode().map(Some)
        }
    }
}

/// The tables that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[
    SealedRows {
        prefix: "cloudformation/stack/",
        renew: renew::<Stack>,
    },
    SealedRows {
        prefix: "cloudformation/changeset/",
        renew: renew::<ChangeSet>,
    },
    SealedRows {
        prefix: "cloudformation/drift/",
        renew: renew::<DriftRow>,
    },
    SealedRows {
        prefix: "cloudformation/deployment/",
        renew: renew::<DeploymentRow>,
    },
    SealedRows {
        prefix: "cloudformation/resource/",
        renew: renew::<ResourceRow>,
    },
    SealedRows {
        prefix: "cloudformation/event/",
        renew: renew::<EventRow>,
    },
    SealedRows {
        prefix: "cloudformation/export/",
        renew: renew::<ExportRow>,
    },
];

/// The tables of this room, for the check of a closed data directory.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::new("cloudformation/stack/", |checker, key, row| {
        Box::pin(opens::<Stack>(checker, key, row))
    }),
    RowCheck::new("cloudformation/changeset/", |checker, key, row| {
        Box::pin(belongs::<ChangeSet>(checker, key, row))
    }),
    RowCheck::new("cloudformation/drift/", |checker, key, row| {
        Box::pin(belongs::<DriftRow>(checker, key, row))
    }),
    RowCheck::decodes::<DetectionRow>("cloudformation/detection/"),
    RowCheck::new("cloudformation/id/", |checker, key, row| {
        Box::pin(check_id(checker, key, row))
    }),
    RowCheck::new("cloudformation/deployment/", |checker, key, row| {
        Box::pin(belongs::<DeploymentRow>(checker, key, row))
    }),
    RowCheck::new("cloudformation/resource/", |checker, key, row| {
        Box::pin(belongs::<ResourceRow>(checker, key, row))
    }),
    RowCheck::new("cloudformation/event/", |checker, key, row| {
        Box::pin(belongs::<EventRow>(checker, key, row))
    }),
    RowCheck::new("cloudformation/export/", |checker, key, row| {
        Box::pin(opens::<ExportRow>(checker, key, row))
    }),
    RowCheck::new("cloudformation/name/", |checker, key, row| {
        Box::pin(check_name(checker, key, row))
    }),
    RowCheck::new("cloudformation/operation/", |checker, key, row| {
        Box::pin(check_operation(checker, key, row))
    }),
    RowCheck::decodes::<ImportRow>("cloudformation/import/"),
    RowCheck::decodes::<GoneRow>("cloudformation/gone/"),
];

/// What is sealed in the row opens and is what it should be.
async fn opens<T: Holds>(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let mut row = T::decode(row)?;
    if row.sealed().is_empty() {
        return Ok(());
    }
    let seal = Seal::of(checker.world, &checker.view, account_of(key)?).await?;
    seal.open::<T::What>(key, row.sealed()).map(drop)
}

/// The same of a row of a stack, which must be there.
async fn belongs<T: Holds>(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let stack = stack_key(key)?;
    if checker.view.get(stack.as_bytes()).await?.is_none() {
        checker.orphan(key, "it is of a stack that is not there");
    }
    opens::<T>(checker, key, row).await
}

/// The key of the stack that a row is of: its account, Region and id stand in its own key.
fn stack_key(key: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(key).ok();
    let parts: Option<Vec<&str>> = text.map(|text| text.split('/').skip(2).take(3).collect());
    match parts.as_deref() {
        Some([account, region, id]) => Ok(format!("cloudformation/stack/{account}/{region}/{id}")),
        _ => Err(Fault::corrupt("the key of a row of CloudFormation's")),
    }
}

async fn check_name(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let row = NameRow::decode(row)?;
    let text = std::str::from_utf8(key).unwrap_or_default();
    let stack = text.replacen("/name/", "/stack/", 1);
    let stack = stack
        .rsplit_once('/')
        .map_or_else(String::new, |(place, _)| format!("{place}/{}", row.id));
    if checker.view.get(stack.as_bytes()).await?.is_none() {
        checker.orphan(key, "the name of no stack");
    }
    checker.count("stacks", 1);
    Ok(())
}

/// An id leads to a stack that is there.
async fn check_id(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let row = IdRow::decode(row)?;
    let text = std::str::from_utf8(key).unwrap_or_default();
    let stack = text.replacen("/id/", "/stack/", 1);
    let stack = stack
        .rsplit_once('/')
        .map_or_else(String::new, |(place, _)| format!("{place}/{}", row.stack_id));
    if checker.view.get(stack.as_bytes()).await?.is_none() {
        checker.orphan(key, "the id of a change set or detection of no stack");
    }
    Ok(())
}

async fn check_operation(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    Operation::decode(row)?;
    match checker.view.get_row::<Stack>(stack_key(key)?.as_bytes()).await? {
        None => checker.orphan(key, "an operation on no stack"),
        Some(stack) if !stack.status.is_in_progress() => {
            checker.row(
                Kind::Disagrees,
                key,
                "something is to be done with a stack that is in no progress",
            );
        }
        Some(_) => {}
    }
    Ok(())
}
