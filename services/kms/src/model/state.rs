//! What each state of a key blocks: one table, asked by every operation.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>

use crate::{
    error::KmsError,
    model::{Key, KeyState},
};

/// An operation on a key, as the table lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// CancelKeyDeletion.
    CancelKeyDeletion,
    /// CreateAlias.
    CreateAlias,
    /// CreateGrant.
    CreateGrant,
    /// Decrypt.
    Decrypt,
    /// DeleteAlias.
    DeleteAlias,
    /// DescribeKey.
    DescribeKey,
    /// DisableKey.
    DisableKey,
    /// EnableKey.
    EnableKey,
    /// Encrypt.
    Encrypt,
    /// GenerateDataKey.
    GenerateDataKey,
    /// GenerateDataKeyWithoutPlaintext.
    GenerateDataKeyWithoutPlaintext,
    /// GetKeyPolicy.
    GetKeyPolicy,
    /// ListAliases.
    ListAliases,
    /// ListGrants.
    ListGrants,
    /// ListKeyPolicies.
    ListKeyPolicies,
    /// PutKeyPolicy.
    PutKeyPolicy,
    /// ReEncrypt.
    ReEncrypt,
    /// RetireGrant.
    RetireGrant,
    /// RevokeGrant.
    RevokeGrant,
    /// ScheduleKeyDeletion.
    ScheduleKeyDeletion,
    /// UpdateAlias, of the key that the alias is to stand for.
    UpdateAlias,
}

/// Why a state blocks an operation, in the table's footnotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Footnote 14.
    Creating,
    /// Footnote 1.
    Disabled,
    /// Footnote 4.
    NotPendingDeletion,
    /// Footnotes 2 and 3. The guide names DisabledException for cryptographic operations; AWS answers
    /// KMSInvalidStateException for them too.
    PendingDeletion,
    /// Footnote 5.
    PendingImport,
    /// Footnote 11.
    Unavailable,
    /// Footnote 15.
    Updating,
}

/// Why `state` blocks `act`, or `None` when it does not.
pub fn blocked(act: Act, state: KeyState) -> Option<Blocked> {
    use KeyState as S;
    match (act, state) {
        (
            Act::DeleteAlias
            | Act::DescribeKey
            | Act::GetKeyPolicy
            | Act::ListAliases
            | Act::ListGrants
            | Act::ListKeyPolicies
            | Act::PutKeyPolicy
            | Act::RetireGrant
            | Act::RevokeGrant,
            _,
        ) => None,

        (Act::CancelKeyDeletion, S::PendingDeletion { .. } | S::PendingReplicaDeletion { .. }) => None,
        (Act::CancelKeyDeletion, _) => Some(Blocked::NotPendingDeletion),

        // Every other operation stops at a key that is about to go.
        (_, S::PendingDeletion { .. } | S::PendingReplicaDeletion { .. }) => Some(Blocked::PendingDeletion),

        (Act::CreateAlias | Act::UpdateAlias, _) => None,

        (Act::ScheduleKeyDeletion, S::Updating) => Some(Blocked::Updating),
        (Act::ScheduleKeyDeletion, _) => None,

        (Act::DisableKey | Act::EnableKey, S::PendingImport) => Some(Blocked::PendingImport),
        (Act::DisableKey | Act::EnableKey, S::Creating) => Some(Blocked::Creating),
        (Act::DisableKey | Act::EnableKey, S::Updating) => Some(Blocked::Updating),
        (Act::DisableKey | Act::EnableKey, S::Enabled | S::Disabled | S::Unavailable) => None,

        (Act::CreateGrant, S::Unavailable) => None,

        (
            Act::CreateGrant
            | Act::Decrypt
            | Act::Encrypt
            | Act::GenerateDataKey
            | Act::GenerateDataKeyWithoutPlaintext
            | Act::ReEncrypt,
            state,
        ) => match state {
            S::Disabled => Some(Blocked::Disabled),
            S::PendingImport => Some(Blocked::PendingImport),
            S::Unavailable => Some(Blocked::Unavailable),
            S::Creating => Some(Blocked::Creating),
            S::Enabled | S::Updating | S::PendingDeletion { .. } | S::PendingReplicaDeletion { .. } => None,
        },
    }
}

impl Key {
    /// Goes on only if the key's state lets `act` be done. Asked after the caller's right: who may not use a key does not
    /// learn its state.
    pub fn permit(&self, act: Act) -> Result<(), KmsError> {
        match blocked(act, self.state) {
            None => Ok(()),
            Some(why) => Err(KmsError::KeyState { key: self.arn(), why }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;

    const STATES: [KeyState; 8] = [
        KeyState::Enabled,
        KeyState::Disabled,
        KeyState::PendingDeletion {
            deletion_date: Timestamp::EPOCH,
        },
        KeyState::PendingReplicaDeletion { window_days: 7 },
        KeyState::PendingImport,
        KeyState::Unavailable,
        KeyState::Creating,
        KeyState::Updating,
    ];

    /// The guide's table, written as the guide prints it: one row an operation, one column a state, the footnote where it
    /// blocks.
    #[test]
    fn the_table_is_the_guides() {
        let columns = "             En  Dis  Del  Repl Imp  Unav Crea Upd";
        assert_eq!(columns.split_whitespace().count(), STATES.len());
        let crypto = "ok  X1   X3   X3   X5   X11  X14  ok";
        let any = "ok  ok   ok   ok   ok   ok   ok   ok";
        let alias = "ok  ok   X3   X3   ok   ok   ok   ok";
        let switch = "ok  ok   X3   X3   X5   ok   X14  X15";
        let check = |act: Act, row: &str| {
            let found: Vec<&str> = STATES
                .into_iter()
                .map(|state| match blocked(act, state) {
                    None => "ok",
                    Some(Blocked::Disabled) => "X1",
                    Some(Blocked::PendingDeletion) => "X3",
                    Some(Blocked::NotPendingDeletion) => "X4",
                    Some(Blocked::PendingImport) => "X5",
                    Some(Blocked::Unavailable) => "X11",
                    Some(Blocked::Creating) => "X14",
                    Some(Blocked::Updating) => "X15",
                })
                .collect();
            assert_eq!(found, row.split_whitespace().collect::<Vec<_>>(), "{act:?}");
        };
        check(Act::CancelKeyDeletion, "X4  X4   ok   ok   X4   X4   X4   X4");
        check(Act::CreateAlias, alias);
        check(Act::CreateGrant, "ok  X1   X3   X3   X5   ok   X14  ok");
        check(Act::Decrypt, crypto);
        check(Act::DeleteAlias, any);
        check(Act::DescribeKey, any);
        check(Act::DisableKey, switch);
        check(Act::EnableKey, switch);
        check(Act::Encrypt, crypto);
        check(Act::GenerateDataKey, crypto);
        check(Act::GenerateDataKeyWithoutPlaintext, crypto);
        check(Act::GetKeyPolicy, any);
        check(Act::ListAliases, any);
        check(Act::ListGrants, any);
        check(Act::ListKeyPolicies, any);
        check(Act::PutKeyPolicy, any);
        check(Act::ReEncrypt, crypto);
        check(Act::RetireGrant, any);
        check(Act::RevokeGrant, any);
        check(Act::ScheduleKeyDeletion, "ok  ok   X3   X3   ok   ok   ok   X15");
        check(Act::UpdateAlias, alias);
    }
}
