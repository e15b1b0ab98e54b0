//! Every error of KMS: AWS's code, text and status in one match.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html> and each operation's own.

use crate::model::{GrantId, KeySpec, KeyUsage, state::Blocked};
use base::{Arn, Fault, Region};
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// Why a KMS call is refused.
#[derive(Debug)]
pub enum KmsError {
    /// An alias of this name is there already.
    AliasExists {
        /// The alias.
        alias: Arn,
    },
    /// There is no such alias.
    AliasNotFound {
        /// The alias.
        alias: Arn,
    },
    /// An alias name without `alias/`.
    AliasWithoutPrefix,
    /// A ciphertext names a key that is not here. Says the same whether it never was, is gone or is another's.
    CiphertextOfNoKey,
    /// The call would have succeeded, and was only a trial.
    DryRun,
    /// An import token whose time is over.
    ExpiredImportToken,
    /// Ours, not the caller's.
    Fault(Fault),
    /// The key has no such grant.
    GrantNotFound {
        /// Its id.
        grant: GrantId,
    },
    /// An algorithm that the key has not.
    IncompatibleAlgorithm {
        /// The algorithm.
        algorithm: String,
        /// The key's spec.
        spec: KeySpec,
    },
    /// The key named is not the one that sealed.
    IncorrectKey,
    /// Material that is not of the key's kind, or not the same as before.
    IncorrectKeyMaterial,
    /// An ARN that is none of a key or alias.
    InvalidArn {
        /// As sent.
        text: String,
    },
    /// Altered, cut, of another context: which of these is not told, so that nobody can probe.
    InvalidCiphertext,
    /// A message authentication code is not that of the message.
    InvalidMac,
    /// A signature is not one of the message by the key.
    InvalidSignature,
    /// A token that is none, or of another key.
    InvalidImportToken,
    /// Text that is no grant's id.
    InvalidGrantId,
    /// Text that is no token, or one of a grant that is no more.
    InvalidGrantToken,
    /// A grant names a principal that does not exist, or one that no grant can be to.
    InvalidGrantPrincipal {
        /// As sent.
        text: String,
    },
    /// Neither a key id nor any other form that names a key.
    InvalidKeyId {
        /// As sent.
        text: String,
    },
    /// A marker that no listing gave.
    InvalidMarker,
    /// The key is for something else.
    KeyUsage {
        /// The key.
        key: Arn,
        /// What it is for.
        usage: KeyUsage,
        /// What was asked of it.
        operation: &'static str,
    },
    /// The key's state blocks the operation.
    KeyState {
        /// The key.
        key: Arn,
        /// Why.
        why: Blocked,
    },
    /// There is no such key.
    KeyNotFound {
        /// The key.
        key: Arn,
    },
    /// A quota is used up.
    LimitExceeded(&'static str),
    /// A key policy that is none, or that may not be.
    MalformedPolicy(&'static str),
    /// The key has no material of that id.
    NoSuchMaterial {
        /// The key.
        key: Arn,
    },
    /// No new material was brought, or not to every Region.
    NothingToRotateTo {
        /// The key.
        key: Arn,
    },
    /// A key has no policy but `default`.
    NoSuchPolicy,
    /// What only the primary of a multi-Region key can do.
    NotPrimary {
        /// The key.
        key: Arn,
    },
    /// There are as many rotations on demand as there may be.
    OnDemandRotationsUsedUp {
        /// The key.
        key: Arn,
    },
    /// An ARN of another Region.
    OtherRegion {
        /// Which.
        region: String,
    },
    /// A Region in which the account has nothing.
    RegionNotEnabled {
        /// Which.
        region: Region,
    },
    /// Another room refused.
    Refused(PortRefusal),
    /// There is a related key in that Region already.
    ReplicaExists {
        /// The related key.
        key: Arn,
    },
    /// `alias/aws/…` belongs to AWS services.
    ReservedAlias,
    /// An automatic rotation is about to be made.
    RotationIsNear {
        /// The key.
        key: Arn,
    },
    /// Tags against their rules.
    Tag(&'static str),
    /// Known to AWS and not to this server, named.
    Unsupported(String),
    /// An input against its constraints.
    Validation(String),
}

impl KmsError {
    /// What AWS has and this server has not, by its name.
    pub fn not_supported(what: &str) -> KmsError {
        KmsError::Unsupported(format!("{what} is not supported."))
    }

    /// Code, text, status: the only place where they are.
    fn shape(&self) -> (&str, Cow<'_, str>, u16) {
        let (code, message): (&str, Cow<'_, str>) = match self {
            KmsError::AliasExists { alias } => {
                ("AlreadyExistsException", format!("An alias with the name {alias} already exists").into())
            }
            KmsError::AliasNotFound { alias } => ("NotFoundException", format!("Alias {alias} is not found.").into()),
            KmsError::AliasWithoutPrefix => (
                "ValidationException",
                "Alias must start with the prefix \"alias/\". Please see \
                 https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
                    .into(),
            ),
            KmsError::CiphertextOfNoKey => (
                "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or \
                 you are not allowed to access."
                    .into(),
            ),
            KmsError::DryRun => (
                "DryRunOperationException",
                "The request would have succeeded, but the DryRun option is set.".into(),
            ),
            // The pipeline asks `fault` first and answers for it; this is what it would say.
            KmsError::Fault(_) => {
                let text = "The request was rejected because an internal exception occurred.";
                return ("KMSInternalException", text.into(), 500);
            }
            KmsError::GrantNotFound { grant } => ("NotFoundException", format!("Grant '{grant}' does not exist").into()),
            KmsError::IncompatibleAlgorithm { algorithm, spec } => (
                "InvalidKeyUsageException",
                format!("Algorithm {algorithm} is incompatible with key spec {spec}.").into(),
            ),
            KmsError::IncorrectKey => (
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.".into(),
            ),
            KmsError::InvalidArn { text } => ("InvalidArnException", format!("Invalid arn {text}").into()),
            KmsError::InvalidCiphertext => ("InvalidCiphertextException", "".into()),
            KmsError::InvalidMac => ("KMSInvalidMacException", "".into()),
            KmsError::InvalidSignature => ("KMSInvalidSignatureException", "".into()),
            KmsError::InvalidGrantId => ("InvalidGrantIdException", "The grant ID is not valid.".into()),
            KmsError::InvalidGrantPrincipal { text } => {
                ("InvalidArnException", format!("ARN does not refer to a valid principal: {text}").into())
            }
            KmsError::InvalidGrantToken => ("InvalidGrantTokenException", "The grant token is not valid.".into()),
            KmsError::InvalidKeyId { text } => ("NotFoundException", format!("Invalid keyId '{text}'").into()),
            KmsError::InvalidMarker => ("InvalidMarkerException", "The marker is not valid.".into()),
            KmsError::KeyNotFound { key } => ("NotFoundException", format!("Key '{key}' does not exist").into()),
            KmsError::KeyUsage { key, usage, operation } => (
                "InvalidKeyUsageException",
                format!("{key} key usage is {usage} which is not valid for {operation}.").into(),
            ),
            KmsError::KeyState { key, why } => match why {
                Blocked::Origin(origin) => (
                    "UnsupportedOperationException",
                    format!("{key} origin is {origin} which is not valid for this operation.").into(),
                ),
                Blocked::Disabled => ("DisabledException", format!("{key} is disabled.").into()),
                Blocked::Creating => ("KMSInvalidStateException", format!("{key} is creating.").into()),
                Blocked::NotPendingDeletion => {
                    ("KMSInvalidStateException", format!("{key} is not pending deletion.").into())
                }
                Blocked::PendingDeletion => ("KMSInvalidStateException", format!("{key} is pending deletion.").into()),
                Blocked::PendingImport => ("KMSInvalidStateException", format!("{key} is pending import.").into()),
                Blocked::Unavailable => ("KMSInvalidStateException", format!("{key} is unavailable.").into()),
                Blocked::Updating => ("KMSInvalidStateException", format!("{key} is updating.").into()),
            },
            KmsError::LimitExceeded(text) => ("LimitExceededException", (*text).into()),
            KmsError::MalformedPolicy(text) => ("MalformedPolicyDocumentException", (*text).into()),
            KmsError::ExpiredImportToken => ("ExpiredImportTokenException", "The import token has expired.".into()),
            KmsError::IncorrectKeyMaterial => (
                "IncorrectKeyMaterialException",
                "The key material is invalid, or is not the same key material that was previously imported.".into(),
            ),
            KmsError::InvalidImportToken => ("InvalidImportTokenException", "The import token is not valid.".into()),
            KmsError::NoSuchMaterial { key } => {
                ("NotFoundException", format!("{key} has no key material with this ID.").into())
            }
            KmsError::NothingToRotateTo { key } => (
                "KMSInvalidStateException",
                format!("{key} has no imported key material that is pending rotation.").into(),
            ),
            KmsError::RegionNotEnabled { region } => (
                "UnsupportedOperationException",
                format!("The Region {region} is not enabled for this account.").into(),
            ),
            KmsError::NotPrimary { key } => (
                "UnsupportedOperationException",
                format!("{key} is not a multi-region primary key.").into(),
            ),
            KmsError::OnDemandRotationsUsedUp { key } => (
                "LimitExceededException",
                format!(
                    "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can \
                     be performed for this key: {key}"
                )
                .into(),
            ),
            KmsError::ReplicaExists { key } => ("AlreadyExistsException", format!("{key} already exists.").into()),
            KmsError::RotationIsNear { key } => (
                "ConflictException",
                format!("An automatic rotation of {key} is in progress or will begin within the next 20 minutes.").into(),
            ),
            KmsError::NoSuchPolicy => ("NotFoundException", "No such policy exists".into()),
            KmsError::OtherRegion { region } => ("NotFoundException", format!("Invalid arn {region}").into()),
            KmsError::Refused(refusal) => return (&refusal.code, refusal.message.as_str().into(), refusal.status),
            KmsError::ReservedAlias => ("NotAuthorizedException", "".into()),
            KmsError::Tag(text) => ("TagException", (*text).into()),
            KmsError::Unsupported(text) => ("UnsupportedOperationException", text.as_str().into()),
            KmsError::Validation(text) => ("ValidationException", text.as_str().into()),
        };
        (code, message, 400)
    }
}

impl AwsError for KmsError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Owned(self.shape().0.to_owned())
    }

    fn message(&self) -> String {
        self.shape().1.into_owned()
    }

    fn status(&self) -> u16 {
        self.shape().2
    }
}

impl OperationError for KmsError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            KmsError::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for KmsError {
    fn from(fault: Fault) -> KmsError {
        KmsError::Fault(fault)
    }
}

impl From<PortRefusal> for KmsError {
    fn from(refusal: PortRefusal) -> KmsError {
        KmsError::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_speak_as_aws_does() {
        let key = Arn::parse("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
        let check = |why: Blocked, code: &str, end: &str| {
            let error = KmsError::KeyState { key: key.clone(), why };
            assert_eq!((error.code().as_ref(), error.message()), (code, format!("{key} {end}")));
            assert_eq!(error.status(), 400);
        };
        check(Blocked::Disabled, "DisabledException", "is disabled.");
        check(
            Blocked::PendingDeletion,
            "KMSInvalidStateException",
            "is pending deletion.",
        );
        check(
            Blocked::NotPendingDeletion,
            "KMSInvalidStateException",
            "is not pending deletion.",
        );
    }
}
