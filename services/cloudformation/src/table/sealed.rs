//! What is sealed of the rows, under the account's keyring and as its row's key; and what must be true of every row.

use super::change_sets::{ContentsRow, DetectionRow, DriftRow, IdRow};
use super::{DeploymentRow, EventRow, ExportRow, GoneRow, ImportRow, NameRow, ResourceRow};
use crate::model::{
    change_set::{ChangeSet, Contents},
    drift::Comparison,
    held::{Deployment, Held, Outputs},
    stack::{Operation, Stack, StackStatus},
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
    ContentsRow: sealed as Contents,
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
        prefix: "cloudformation/contents/",
        renew: renew::<ContentsRow>,
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
        Box::pin(check_stack(checker, key, row))
    }),
    RowCheck::new("cloudformation/changeset/", |checker, key, row| {
        Box::pin(check_change_set(checker, key, row))
    }),
    RowCheck::new("cloudformation/contents/", |checker, key, row| {
        Box::pin(belongs::<ContentsRow>(checker, key, row))
    }),
    RowCheck::new("cloudformation/drift/", |checker, key, row| {
        Box::pin(belongs::<DriftRow>(checker, key, row))
    }),
    RowCheck::new("cloudformation/detection/", |checker, key, row| {
        Box::pin(check_detection(checker, key, row))
    }),
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
    RowCheck::new("cloudformation/import/", |checker, key, row| {
        Box::pin(check_import(checker, key, row))
    }),
    RowCheck::new("cloudformation/gone/", |checker, key, row| {
        Box::pin(check_gone(checker, key, row))
    }),
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
    of_a_stack(checker, key).await?;
    opens::<T>(checker, key, row).await
}

/// The stack that stands in the key is there.
async fn of_a_stack(checker: &Checker<'_>, key: &[u8]) -> Result<(), Fault> {
    let stack = stack_key(key)?;
    if checker.view.get(stack.as_bytes()).await?.is_none() {
        checker.orphan(key, "it is of a stack that is not there");
    }
    Ok(())
}

/// What is in progress is being done.
async fn check_stack(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let stack = Stack::decode(row)?;
    if stack.status.is_in_progress() && super::operation(&checker.view, &stack.at).await?.is_none() {
        let what = "the stack is in progress and nothing is to be done with it";
        checker.row(Kind::Disagrees, key, what);
    }
    opens::<Stack>(checker, key, row).await
}

async fn check_change_set(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    ChangeSet::decode(row)?;
    let contents = String::from_utf8_lossy(key).replacen("/changeset/", "/contents/", 1);
    if checker.view.get(contents.as_bytes()).await?.is_none() {
        checker.row(Kind::Missing, key, "the change set's contents are not there");
    }
    of_a_stack(checker, key).await
}

async fn check_detection(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    DetectionRow::decode(row)?;
    of_a_stack(checker, key).await
}

/// The stack that uses an export is there, and says so.
async fn check_import(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let at = ImportRow::decode(row)?.stack;
    let name = std::str::from_utf8(key).unwrap_or_default().rsplit('/').nth(1);
    match super::by_id(&checker.view, at.account, &at.region, &at.id).await? {
        None => checker.orphan(key, "an import by no stack"),
        Some(stack) if !stack.imports.iter().any(|import| Some(import.as_str()) == name) => {
            checker.row(Kind::Disagrees, key, "the stack does not know of its import");
        }
        Some(_) => {}
    }
    Ok(())
}

/// What is to be forgotten was deleted.
async fn check_gone(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let at = GoneRow::decode(row)?.stack;
    match super::by_id(&checker.view, at.account, &at.region, &at.id).await? {
        None => checker.orphan(key, "a stack that is to be forgotten is not there"),
        Some(stack) if stack.status != StackStatus::DeleteComplete => {
            checker.row(Kind::Disagrees, key, "a stack that was not deleted is to be forgotten");
        }
        Some(_) => {}
    }
    Ok(())
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
    let name = text.rsplit('/').next();
    match checker.view.get_row::<Stack>(stack.as_bytes()).await? {
        None => checker.orphan(key, "the name of no stack"),
        Some(stack) if Some(stack.at.name.as_str()) != name || stack.status == StackStatus::DeleteComplete => {
            checker.row(Kind::Disagrees, key, "the name of a stack that has it not");
        }
        Some(_) => {}
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
