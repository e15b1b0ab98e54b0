//! What users, groups and roles hold, by their unique ids: inline policies, attached managed policies, boundaries.

use super::{AttachedRow, Mark, PoliciesRow, managed, put, remove};
use crate::model::arns::PolicyArn;
use base::{AccountId, Fault};
use bytes::Bytes;
use std::collections::HashMap;
use store::{ReadView, SCAN_ROWS_MAX, Txn};

pub(super) fn inline_key(account: AccountId, holder_id: &str) -> Vec<u8> {
    format!("iam/policies/{account}/{holder_id}").into_bytes()
}

fn attached_key(account: AccountId, holder_id: &str) -> Vec<u8> {
    format!("iam/attached/{account}/{holder_id}").into_bytes()
}

fn use_key(what: &str, account: AccountId, policy_id: &str, holder_id: &str) -> Vec<u8> {
    format!("iam/{what}/{account}/{policy_id}/{holder_id}").into_bytes()
}

const ATTACHMENT: &str = "attachment";
const BOUNDED: &str = "bounded";

/// The inline policies of a user, group or role.
pub(crate) async fn inline(view: &ReadView<'_>, account: AccountId, holder_id: &str) -> Result<PoliciesRow, Fault> {
    let row = view.get_row(&inline_key(account, holder_id)).await?;
    Ok(row.unwrap_or_default())
}

pub(crate) fn put_inline(txn: &mut Txn, account: AccountId, holder_id: &str, row: &PoliciesRow) {
    let key = inline_key(account, holder_id);
    match row.policies.is_empty() {
        true => remove(txn, account, key),
        false => put(txn, account, key, row),
    }
}

/// The ARNs of the managed policies of a user, group or role, in the order in which they were attached.
pub(crate) async fn attached(view: &ReadView<'_>, account: AccountId, holder_id: &str) -> Result<Vec<String>, Fault> {
    let row: Option<AttachedRow> = view.get_row(&attached_key(account, holder_id)).await?;
    Ok(row.unwrap_or_default().arns)
}

/// Attaches a managed policy that exists to a user, group or role of the account, if it is not attached already.
pub(crate) async fn attach(
    txn: &mut Txn,
    account: AccountId,
    holder_id: &str,
    arn: &str,
    policy_id: &str,
) -> Result<(), Fault> {
    let mut row = AttachedRow {
        arns: attached(&txn.view(), account, holder_id).await?,
    };
    if row.arns.iter().any(|other| other == arn) {
        return Ok(());
    }
    row.arns.push(arn.to_owned());
    put(txn, account, attached_key(account, holder_id), &row);
    put(txn, account, use_key(ATTACHMENT, account, policy_id, holder_id), &Mark);
    Ok(())
}

/// Takes a managed policy off a user, group or role. Whether it was attached.
pub(crate) async fn detach(
    txn: &mut Txn,
    account: AccountId,
    holder_id: &str,
    arn: &str,
    policy_id: &str,
) -> Result<bool, Fault> {
    let mut arns = attached(&txn.view(), account, holder_id).await?;
    let before = arns.len();
    arns.retain(|other| other != arn);
    if arns.len() == before {
        return Ok(false);
    }
    let key = attached_key(account, holder_id);
    match arns.is_empty() {
        true => remove(txn, account, key),
        false => put(txn, account, key, &AttachedRow { arns }),
    }
    remove(txn, account, use_key(ATTACHMENT, account, policy_id, holder_id));
    Ok(true)
}

/// The ids of the users, groups and roles of an account to which a managed policy is attached.
pub(crate) async fn attached_to(
    view: &ReadView<'_>,
    account: AccountId,
    policy_id: &str,
) -> Result<Vec<String>, Fault> {
    uses(view, ATTACHMENT, account, policy_id).await
}

/// The ids of the users and roles of an account whose boundary a managed policy is.
pub(crate) async fn bounded_by(view: &ReadView<'_>, account: AccountId, policy_id: &str) -> Result<Vec<String>, Fault> {
    uses(view, BOUNDED, account, policy_id).await
}

/// How often a managed policy is used in an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    /// To how many users, groups and roles it is attached.
    pub(crate) attached: usize,
    /// Of how many users and roles it is the boundary.
    pub(crate) bounded: usize,
}

/// How often each managed policy that is used in an account is used, by its id.
pub(crate) async fn all_uses(view: &ReadView<'_>, account: AccountId) -> Result<HashMap<String, Uses>, Fault> {
    let mut all: HashMap<String, Uses> = HashMap::new();
    for id in used_policies(view, ATTACHMENT, account).await? {
        all.entry(id).or_default().attached += 1;
    }
    for id in used_policies(view, BOUNDED, account).await? {
        all.entry(id).or_default().bounded += 1;
    }
    Ok(all)
}

/// The policy's id of each use, as often as there are uses.
async fn used_policies(view: &ReadView<'_>, what: &str, account: AccountId) -> Result<Vec<String>, Fault> {
    let prefix = format!("iam/{what}/{account}/");
    let (mut ids, mut after) = (Vec::new(), None::<Bytes>);
    loop {
        let rows = view
            .scan_prefix(prefix.as_bytes(), after.as_deref(), SCAN_ROWS_MAX)
            .await?;
        for (key, _) in &rows {
            let rest = key.get(prefix.len()..).and_then(|rest| std::str::from_utf8(rest).ok());
            let id = rest
                .and_then(|rest| rest.split_once('/'))
                .map(|(policy, _)| policy.to_owned());
            ids.push(id.ok_or_else(|| Fault::corrupt("the key of a use of a managed policy"))?);
        }
        match rows.last() {
            Some((last, _)) if rows.len() == SCAN_ROWS_MAX => after = Some(last.clone()),
            _ => return Ok(ids),
        }
    }
}

async fn uses(view: &ReadView<'_>, what: &str, account: AccountId, policy_id: &str) -> Result<Vec<String>, Fault> {
    let prefix = use_key(what, account, policy_id, "");
    let rows = view.scan_prefix(&prefix, None, SCAN_ROWS_MAX).await?;
    let id = |key: &[u8]| {
        let id = key.get(prefix.len()..).and_then(|id| std::str::from_utf8(id).ok());
        id.map(str::to_owned)
            .ok_or_else(|| Fault::corrupt("the key of a use of a managed policy"))
    };
    rows.iter().map(|(key, _)| id(key)).collect()
}

/// Notes that a managed policy became the boundary of a user or role in the place of another; the holder's own row is its
/// caller's to write.
pub(crate) async fn move_boundary(
    txn: &mut Txn,
    account: AccountId,
    holder_id: &str,
    before: Option<&str>,
    now: Option<&str>,
) -> Result<(), Fault> {
    if let Some(before) = before {
        unmark_boundary(txn, account, before, holder_id).await?;
    }
    if let Some(now) = now
        && let Some(policy_id) = policy_id(txn, now).await?
    {
        put(txn, account, use_key(BOUNDED, account, &policy_id, holder_id), &Mark);
    }
    Ok(())
}

pub(super) async fn unmark_boundary(
    txn: &mut Txn,
    account: AccountId,
    boundary: &str,
    holder_id: &str,
) -> Result<(), Fault> {
    if let Some(policy_id) = policy_id(txn, boundary).await? {
        remove(txn, account, use_key(BOUNDED, account, &policy_id, holder_id));
    }
    Ok(())
}

async fn policy_id(txn: &Txn, arn: &str) -> Result<Option<String>, Fault> {
    let Some(arn) = PolicyArn::of(arn) else {
        return Ok(None);
    };
    let found = managed::find(&txn.view(), &arn).await?;
    Ok(found.map(|policy| policy.id().to_owned()))
}
