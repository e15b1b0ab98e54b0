//! What each state of a key blocks: one table, asked by every operation.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>

use crate::{
    error::KmsError,
    model::{Key, KeyState, Origin},
};

/// An operation on a key, as the table lists them; of UpdateAlias, the key that the alias is to stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "AWS's names, each its own description")]
pub enum Act {
    CancelKeyDeletion,
    CreateAlias,
    CreateGrant,
    Decrypt,
    DeleteAlias,
    DeleteImportedKeyMaterial,
    DeriveSharedSecret,
    DescribeKey,
    DisableKey,
    DisableKeyRotation,
    EnableKey,
    EnableKeyRotation,
    Encrypt,
    GenerateDataKey,
    GenerateDataKeyPair,
    GenerateDataKeyPairWithoutPlaintext,
    GenerateDataKeyWithoutPlaintext,
    GenerateMac,
    GetKeyLastUsage,
    GetKeyPolicy,
    GetKeyRotationStatus,
    GetParametersForImport,
    GetPublicKey,
    ImportKeyMaterial,
    ListAliases,
    ListGrants,
    ListKeyPolicies,
    ListKeyRotations,
    ListResourceTags,
    PutKeyPolicy,
    ReEncrypt,
    ReplicateKey,
    RetireGrant,
    RevokeGrant,
    RotateKeyOnDemand,
    ScheduleKeyDeletion,
    Sign,
    TagResource,
    UntagResource,
    UpdateAlias,
    UpdateKeyDescription,
    UpdatePrimaryRegion,
    Verify,
    VerifyMac,
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
    /// Footnotes 6 and 9: not the state, but where the key's material comes from.
    Origin(Origin),
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

/// Why a key in `state` with material from `origin` blocks `act`, or `None` when it does not.
pub fn blocked(act: Act, state: KeyState, origin: Origin) -> Option<Blocked> {
    blocked_by_origin(act, state, origin).or_else(|| blocked_by_state(act, state))
}

fn blocked_by_origin(act: Act, state: KeyState, origin: Origin) -> Option<Blocked> {
    let refused = match act {
        Act::DisableKeyRotation | Act::EnableKeyRotation => origin == Origin::External,
        Act::GetKeyRotationStatus => origin == Origin::External && state == KeyState::PendingImport,
        Act::DeleteImportedKeyMaterial | Act::GetParametersForImport | Act::ImportKeyMaterial => {
            origin != Origin::External
        }
        _ => false,
    };
    refused.then_some(Blocked::Origin(origin))
}

fn blocked_by_state(act: Act, state: KeyState) -> Option<Blocked> {
    use KeyState as S;
    match (act, state) {
        (
            Act::DeleteAlias
            | Act::DescribeKey
            | Act::GetKeyLastUsage
            | Act::GetKeyPolicy
            | Act::GetKeyRotationStatus
            | Act::ListAliases
            | Act::ListGrants
            | Act::ListKeyPolicies
            | Act::ListKeyRotations
            | Act::ListResourceTags
            | Act::PutKeyPolicy
            | Act::RetireGrant
            | Act::RevokeGrant,
            _,
        ) => None,

        (Act::CancelKeyDeletion, S::PendingDeletion { .. } | S::PendingReplicaDeletion { .. }) => None,
        (Act::CancelKeyDeletion, _) => Some(Blocked::NotPendingDeletion),

        (Act::DeleteImportedKeyMaterial, S::Creating) => Some(Blocked::Creating),
        (Act::DeleteImportedKeyMaterial, S::Updating) => Some(Blocked::Updating),
        (Act::DeleteImportedKeyMaterial, _) => None,

        // Every other operation stops at a key that is about to go.
        (_, S::PendingDeletion { .. } | S::PendingReplicaDeletion { .. }) => Some(Blocked::PendingDeletion),

        (
            Act::CreateAlias | Act::TagResource | Act::UntagResource | Act::UpdateAlias | Act::UpdateKeyDescription,
            _,
        ) => None,

        (Act::ScheduleKeyDeletion, S::Updating) => Some(Blocked::Updating),
        (Act::ScheduleKeyDeletion, _) => None,

        (Act::GetParametersForImport | Act::ImportKeyMaterial, S::Creating) => Some(Blocked::Creating),
        (Act::GetParametersForImport, S::Updating) => Some(Blocked::Updating),
        (Act::GetParametersForImport | Act::ImportKeyMaterial, _) => None,

        (Act::DisableKey | Act::EnableKey, S::PendingImport) => Some(Blocked::PendingImport),
        (Act::DisableKey | Act::EnableKey, S::Creating) => Some(Blocked::Creating),
        (Act::DisableKey | Act::EnableKey, S::Updating) => Some(Blocked::Updating),
        (Act::DisableKey | Act::EnableKey, S::Enabled | S::Disabled | S::Unavailable) => None,

        (Act::CreateGrant, S::Unavailable) => None,
        (Act::ReplicateKey, S::Updating) => Some(Blocked::Updating),

        (
            Act::CreateGrant
            | Act::Decrypt
            | Act::DeriveSharedSecret
            | Act::DisableKeyRotation
            | Act::EnableKeyRotation
            | Act::Encrypt
            | Act::GenerateDataKey
            | Act::GenerateDataKeyPair
            | Act::GenerateDataKeyPairWithoutPlaintext
            | Act::GenerateDataKeyWithoutPlaintext
            | Act::GenerateMac
            | Act::GetPublicKey
            | Act::ReEncrypt
            | Act::ReplicateKey
            | Act::RotateKeyOnDemand
            | Act::Sign
            | Act::UpdatePrimaryRegion
            | Act::Verify
            | Act::VerifyMac,
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
    /// Goes on only if the key's state, and the origin of its material, let `act` be done. Asked after the caller's right:
    /// who may not use a key does not learn its state.
    pub fn permit(&self, act: Act) -> Result<(), KmsError> {
        match blocked(act, self.state, self.origin) {
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

    fn row(act: Act, origin: Origin) -> Vec<&'static str> {
        let footnote = |state| match blocked(act, state, origin) {
            None => "ok",
            Some(Blocked::Disabled) => "X1",
            Some(Blocked::PendingDeletion) => "X3",
            Some(Blocked::NotPendingDeletion) => "X4",
            Some(Blocked::PendingImport) => "X5",
            Some(Blocked::Origin(Origin::External)) => "X6",
            Some(Blocked::Origin(Origin::AwsKms)) => "X9",
            Some(Blocked::Unavailable) => "X11",
            Some(Blocked::Creating) => "X14",
            Some(Blocked::Updating) => "X15",
        };
        STATES.into_iter().map(footnote).collect()
    }

    /// The guide's table, written as the guide prints it: one row an operation, one column a state, the footnote where it
    /// blocks. Where the guide says that a state cannot be, the column is what is answered all the same.
    #[test]
    fn the_table_is_the_guides() {
        let columns = "             En  Dis  Del  Repl Imp  Unav Crea Upd";
        assert_eq!(columns.split_whitespace().count(), STATES.len());
        let crypto = "ok  X1   X3   X3   X5   X11  X14  ok";
        let any = "ok  ok   ok   ok   ok   ok   ok   ok";
        let alias = "ok  ok   X3   X3   ok   ok   ok   ok";
        let switch = "ok  ok   X3   X3   X5   ok   X14  X15";
        let check = |act: Act, expected: &str| {
            let expected: Vec<&str> = expected.split_whitespace().collect();
            // Material that is not there is material of the account's own.
            let pending_import = row(act, Origin::External).get(4).copied();
            let mut found = row(act, Origin::AwsKms);
            found.splice(4..5, pending_import);
            assert_eq!(found, expected, "{act:?}");
        };
        check(Act::CancelKeyDeletion, "X4  X4   ok   ok   X4   X4   X4   X4");
        check(Act::CreateAlias, alias);
        check(Act::CreateGrant, "ok  X1   X3   X3   X5   ok   X14  ok");
        check(Act::Decrypt, crypto);
        check(Act::DeleteAlias, any);
        check(Act::DeriveSharedSecret, crypto);
        check(Act::DescribeKey, any);
        check(Act::DisableKey, switch);
        check(Act::DisableKeyRotation, "ok  X1   X3   X3   X6   X11  X14  ok");
        check(Act::EnableKey, switch);
        check(Act::EnableKeyRotation, "ok  X1   X3   X3   X6   X11  X14  ok");
        check(Act::Encrypt, crypto);
        check(Act::GenerateDataKey, crypto);
        check(Act::GenerateDataKeyPair, crypto);
        check(Act::GenerateDataKeyPairWithoutPlaintext, crypto);
        check(Act::GenerateDataKeyWithoutPlaintext, crypto);
        check(Act::GenerateMac, crypto);
        check(Act::GetKeyPolicy, any);
        check(Act::GetKeyRotationStatus, "ok  ok   ok   ok   X6   ok   ok   ok");
        check(Act::GetPublicKey, crypto);
        check(Act::ListAliases, any);
        check(Act::ListGrants, any);
        check(Act::ListKeyPolicies, any);
        check(Act::ListResourceTags, any);
        check(Act::PutKeyPolicy, any);
        check(Act::ReEncrypt, crypto);
        check(Act::ReplicateKey, "ok  X1   X3   X3   X5   X11  X14  X15");
        check(Act::RetireGrant, any);
        check(Act::RevokeGrant, any);
        check(Act::ScheduleKeyDeletion, "ok  ok   X3   X3   ok   ok   ok   X15");
        check(Act::Sign, crypto);
        check(Act::TagResource, alias);
        check(Act::UntagResource, alias);
        check(Act::UpdateAlias, alias);
        check(Act::UpdateKeyDescription, alias);
        check(Act::UpdatePrimaryRegion, crypto);
        check(Act::Verify, crypto);
        check(Act::VerifyMac, crypto);
        // Not in the guide's table.
        check(Act::GetKeyLastUsage, any);
        check(Act::ListKeyRotations, any);
        check(Act::RotateKeyOnDemand, crypto);
    }

    /// The rows of keys with material of their account's own, where they are not the same.
    #[test]
    fn the_table_is_the_guides_for_imported_material() {
        let check = |act: Act, expected: &str| {
            let expected: Vec<&str> = expected.split_whitespace().collect();
            assert_eq!(row(act, Origin::External), expected, "{act:?}");
            assert_eq!(row(act, Origin::AwsKms), ["X9"; 8], "{act:?}");
        };
        check(Act::DeleteImportedKeyMaterial, "ok  ok   ok   ok   ok   ok   X14  X15");
        check(Act::GetParametersForImport, "ok  ok   X3   X3   ok   ok   X14  X15");
        check(Act::ImportKeyMaterial, "ok  ok   X3   X3   ok   ok   X14  ok");
        for act in [Act::DisableKeyRotation, Act::EnableKeyRotation] {
            assert_eq!(row(act, Origin::External), ["X6"; 8], "{act:?}");
        }
    }
}
