//! Who could change a policy again.

use crate::{
    message,
    message::Message,
    rights::{Proposal, World},
};
use policy::Context;
use serde::Serialize;

/// A policy that somebody could no longer change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lockout {
    /// The ARN of the key or bucket.
    pub resource: String,
    /// The action: `kms:PutKeyPolicy`, `s3:PutBucketPolicy`.
    pub action: String,
    /// Whether the one who asked could no longer.
    pub caller: bool,
    /// Whether nobody of the account could, neither its root: of a key only AWS Support could help. Never so where the users and roles
    /// were not read.
    pub nobody: bool,
    /// The principals of the account that still could, or perhaps could.
    pub still: Vec<String>,
    /// What that means.
    pub why: Message,
}

/// The lock-outs of all changes.
pub(super) fn of(before: &World, after: &World, changes: &[Proposal]) -> Vec<Lockout> {
    let changed = changes.iter().filter_map(|change| match change {
        Proposal::KeyPolicy { key, .. } => Some((key.clone(), "kms:PutKeyPolicy")),
        Proposal::BucketPolicy {
            bucket,
            document: Some(_),
        } => Some((base::arn::bucket(bucket).to_string(), "s3:PutBucketPolicy")),
        _ => None,
    });
    changed
        .filter_map(|(resource, action)| lockout(before, after, resource, action))
        .collect()
}

fn lockout(before: &World, after: &World, resource: String, action: &str) -> Option<Lockout> {
    let context = Context::new();
    let could = |world: &World, who: &str| !world.may(who, action, &resource, &context).is_no();
    let caller = &before.survey().caller;
    let caller_loses = could(before, caller) && !could(after, caller);
    let all = before.known_principals();
    let still: Vec<String> = all.iter().filter(|who| could(after, who)).cloned().collect();
    let could_before = all.iter().any(|who| could(before, who));
    // Where the users and roles were not read, some of them may be let in.
    let is_known = before.survey().principals.known().is_some() && after.survey().principals.known().is_some();
    let nobody = is_known && still.is_empty() && could_before;
    if !nobody && !caller_loses {
        return None;
    }
    let why = match (nobody, action) {
        (true, "kms:PutKeyPolicy") => message!(
            "nobody of the account could change the key policy any more, not even its root: only AWS Support could",
            "アカウントの誰も (ルートも) キーポリシーを変更できなくなります。復旧には AWS サポートが必要です"
        ),
        (true, _) => message!(
            "nobody of the account could change the policy any more",
            "アカウントの誰もポリシーを変更できなくなります"
        ),
        (false, _) if !is_known => message!(
            "{caller} could not change the policy again; who else could is not known, for the users and roles were not read",
            "{caller} はポリシーを再変更できなくなります (ユーザーとロールを読み取れないため、他に可能な者は不明です)"
        ),
        (false, _) => {
            let count = still.len();
            message!(
                "{caller} could not change the policy again; {count} others could",
                "{caller} はポリシーを再変更できなくなります (可能な他のプリンシパル: {count})"
            )
        }
    };
    Some(Lockout {
        action: action.to_owned(),
        caller: caller_loses,
        nobody,
        still,
        why,
        resource,
    })
}
