//! Grants: leave for one principal to use a key in some ways, given and taken back without a change of any policy.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html>

use crate::{
    error::KmsError,
    model::{Key, KeyId, KeySpec, KeyUsage},
    violations::Violations,
};
use base::{AccountId, Random, Timestamp};
use envelope::EncryptionContext;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::{self, Write as _};

/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>, grants per KMS key.
pub const GRANTS_PER_KEY_MAX: u32 = 50_000;

const NAME_CHARS_MAX: usize = 256;
const PRINCIPAL_CHARS_MAX: usize = 256;
const CONSTRAINT_PAIRS_MAX: usize = 8;
const CONSTRAINT_VALUE_CHARS_MAX: usize = 384;

/// A grant's id: 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(String);

impl GrantId {
    /// A new id.
    pub fn generate(random: &Random) -> GrantId {
        let mut digits = String::with_capacity(64);
        for byte in random.bytes::<32>() {
            // Writing to a string does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        GrantId(digits)
    }

    /// Takes the id that a caller names a grant by.
    pub fn parse(text: &str) -> Result<GrantId, KmsError> {
        let mut violations = Violations::new();
        violations.length("grantId", text, 1..=128);
        violations.finish()?;
        let shaped = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match shaped {
            true => Ok(GrantId(text.to_owned())),
            false => Err(KmsError::InvalidGrantId),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! grant_operations {
    ($($name:ident => $action:literal,)*) => {
        /// What a grant can allow. Stored by place: new ones go to the end.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "AWS's names, each its own description")]
        pub enum GrantOperation {
            $($name,)*
        }

        impl GrantOperation {
            /// Every one, in AWS's order.
            pub const ALL: &[GrantOperation] = &[$(GrantOperation::$name,)*];

            /// As AWS writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(GrantOperation::$name => stringify!($name),)*
                }
            }

            /// The IAM action that it allows.
            pub fn action(self) -> &'static str {
                match self {
                    $(GrantOperation::$name => $action,)*
                }
            }
        }
    };
}

grant_operations! {
    Decrypt => "kms:Decrypt",
    Encrypt => "kms:Encrypt",
    GenerateDataKey => "kms:GenerateDataKey",
    GenerateDataKeyWithoutPlaintext => "kms:GenerateDataKeyWithoutPlaintext",
    ReEncryptFrom => "kms:ReEncryptFrom",
    ReEncryptTo => "kms:ReEncryptTo",
    Sign => "kms:Sign",
    Verify => "kms:Verify",
    GetPublicKey => "kms:GetPublicKey",
    CreateGrant => "kms:CreateGrant",
    RetireGrant => "kms:RetireGrant",
    DescribeKey => "kms:DescribeKey",
    GenerateDataKeyPair => "kms:GenerateDataKeyPair",
    GenerateDataKeyPairWithoutPlaintext => "kms:GenerateDataKeyPairWithoutPlaintext",
    GenerateMac => "kms:GenerateMac",
    VerifyMac => "kms:VerifyMac",
    DeriveSharedSecret => "kms:DeriveSharedSecret",
    Encapsulate => "kms:Encapsulate",
    Decapsulate => "kms:Decapsulate",
}

impl GrantOperation {
    /// The operation that an action is leave for; `None` for an action that no grant allows.
    pub fn of_action(action: &str) -> Option<GrantOperation> {
        GrantOperation::ALL
            .iter()
            .copied()
            .find(|operation| operation.action() == action)
    }

    /// Whether keys of this spec for this usage have the operation.
    ///
    /// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>, grant operations
    fn is_of(self, spec: KeySpec, usage: KeyUsage) -> bool {
        use GrantOperation as G;
        let symmetric = spec == KeySpec::SymmetricDefault;
        match self {
            G::CreateGrant | G::RetireGrant | G::DescribeKey => true,
            G::Decrypt | G::Encrypt | G::ReEncryptFrom | G::ReEncryptTo => usage == KeyUsage::EncryptDecrypt,
            G::GenerateDataKey
            | G::GenerateDataKeyWithoutPlaintext
            | G::GenerateDataKeyPair
            | G::GenerateDataKeyPairWithoutPlaintext => symmetric,
            G::Sign | G::Verify => usage == KeyUsage::SignVerify,
            G::GetPublicKey => !symmetric && usage != KeyUsage::GenerateVerifyMac,
            G::GenerateMac | G::VerifyMac => usage == KeyUsage::GenerateVerifyMac,
            G::DeriveSharedSecret => usage == KeyUsage::KeyAgreement,
            G::Encapsulate | G::Decapsulate => false,
        }
    }
}

/// What the encryption context of a request must be for a grant to allow it. Names and values match in their exact case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constraint {
    /// These pairs and no others.
    Equals(EncryptionContext),
    /// These pairs, and any others.
    Subset(EncryptionContext),
}

impl Constraint {
    /// Takes the two members of a request, of which one at most may be given.
    pub fn parse(
        equals: Option<&EncryptionContext>,
        subset: Option<&EncryptionContext>,
    ) -> Result<Option<Constraint>, KmsError> {
        let (constraint, at) = match (equals, subset) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                let text = "A grant can have EncryptionContextEquals or EncryptionContextSubset, and not both.";
                return Err(KmsError::Validation(text.to_owned()));
            }
            (Some(pairs), None) => (Constraint::Equals(pairs.clone()), "encryptionContextEquals"),
            (None, Some(pairs)) => (Constraint::Subset(pairs.clone()), "encryptionContextSubset"),
        };
        let at = format!("constraints.{at}");
        let mut violations = Violations::new();
        violations.length_unseen(&at, constraint.pairs().len(), 0..=CONSTRAINT_PAIRS_MAX);
        for (name, value) in constraint.pairs().iter() {
            let at = format!("{at}.{name}.member");
            violations.length_unseen(&at, value.chars().count(), 0..=CONSTRAINT_VALUE_CHARS_MAX);
        }
        violations.finish()?;
        Ok(Some(constraint))
    }

    /// The pairs.
    pub fn pairs(&self) -> &EncryptionContext {
        match self {
            Constraint::Equals(pairs) | Constraint::Subset(pairs) => pairs,
        }
    }

    /// AWS's name for its kind (`kms:GrantConstraintType`).
    pub fn kind(&self) -> &'static str {
        match self {
            Constraint::Equals(_) => "EncryptionContextEquals",
            Constraint::Subset(_) => "EncryptionContextSubset",
        }
    }

    /// Whether a request of this encryption context meets it.
    pub fn is_met_by(&self, context: &EncryptionContext) -> bool {
        match self {
            Constraint::Equals(pairs) => pairs == context,
            Constraint::Subset(pairs) => contains(context, pairs),
        }
    }

    /// Whether every request that meets `other` meets this one too.
    fn covers(&self, other: &Constraint) -> bool {
        match (self, other) {
            (Constraint::Equals(pairs), Constraint::Equals(others)) => pairs == others,
            (Constraint::Equals(_), Constraint::Subset(_)) => false,
            (Constraint::Subset(pairs), Constraint::Equals(others) | Constraint::Subset(others)) => {
                contains(others, pairs)
            }
        }
    }
}

fn contains(context: &EncryptionContext, pairs: &EncryptionContext) -> bool {
    pairs.iter().all(|(name, value)| context.value(name) == Some(value))
}

/// What CreateGrant asks for, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantTerms {
    /// What it is to allow, without repetition, in AWS's order.
    pub operations: Vec<GrantOperation>,
    /// What requests must meet.
    pub constraint: Option<Constraint>,
}

impl GrantTerms {
    /// Takes the operations of a request: each one that AWS knows.
    pub fn parse_operations(names: &[String]) -> Result<Vec<GrantOperation>, KmsError> {
        let mut violations = Violations::new();
        violations.length_unseen("operations", names.len(), 1..=usize::MAX);
        let find = |name: &String| GrantOperation::ALL.iter().copied().find(|one| one.as_str() == name);
        let mut operations: Vec<GrantOperation> = names.iter().filter_map(find).collect();
        if names.iter().any(|name| find(name).is_none()) {
            let known: Vec<&str> = GrantOperation::ALL.iter().map(|one| one.as_str()).collect();
            violations.value(
                "operations",
                format!("[{}]", names.join(", ")),
                &format!(
                    "Member must satisfy constraint: [Member must satisfy enum value set: [{}]]",
                    known.join(", ")
                ),
            );
        }
        violations.finish()?;
        operations.sort_unstable();
        operations.dedup();
        Ok(operations)
    }

    /// Goes on only if the key can do all that the grant is to allow, and can be held to its constraint.
    pub fn permit(&self, key: &Key) -> Result<(), KmsError> {
        let other = |operation: &&GrantOperation| !operation.is_of(key.spec, key.usage);
        if let Some(other) = self.operations.iter().find(other) {
            return Err(KmsError::Validation(format!(
                "Operation {} is not valid for a grant on a KMS key with KeySpec {} and KeyUsage {}.",
                other.as_str(),
                key.spec,
                key.usage
            )));
        }
        match &self.constraint {
            Some(constraint) if key.spec != KeySpec::SymmetricDefault => Err(KmsError::Validation(format!(
                "The grant constraint {} is not valid for a KMS key with KeySpec {}.",
                constraint.kind(),
                key.spec
            ))),
            _ => Ok(()),
        }
    }

    /// Why a grant on these terms may not be made by one who has leave to make grants from a grant on `parent` terms alone;
    /// `None` when it may.
    pub fn beyond(&self, parent: &GrantTerms) -> Option<String> {
        let more = |operation: &&GrantOperation| !parent.operations.contains(operation);
        if let Some(operation) = self.operations.iter().find(more) {
            return Some(format!(
                "the new grant allows {}, which this grant does not",
                operation.as_str()
            ));
        }
        match (&parent.constraint, &self.constraint) {
            (None, _) => None,
            (Some(limit), Some(constraint)) if limit.covers(constraint) => None,
            (Some(limit), _) => Some(format!(
                "the new grant is not as strict as this grant's {}",
                limit.kind()
            )),
        }
    }
}

/// A grant as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id, unique on the key.
    pub id: GrantId,
    /// The key.
    pub key: KeyId,
    /// What its maker called it.
    pub name: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// The account whose principal made it.
    pub issuer: AccountId,
    /// Who may: a unique id, the ARN of an account's root or of a session.
    pub grantee: String,
    /// Who may retire it, in the same forms.
    pub retiring: Option<String>,
    /// What it allows.
    pub operations: Vec<GrantOperation>,
    /// What requests must meet.
    pub constraint: Option<Constraint>,
}

impl Grant {
    /// What it allows, and under which condition.
    pub fn terms(&self) -> GrantTerms {
        GrantTerms {
            operations: self.operations.clone(),
            constraint: self.constraint.clone(),
        }
    }

    /// All but its id and its moment, in one text: two requests of one name with one such text are one request repeated.
    /// `None` for a grant without a name, which no request repeats.
    pub fn request(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let operations: Vec<&str> = self.operations.iter().map(|one| one.as_str()).collect();
        let constraint = self.constraint.as_ref().map(|one| (one.kind(), one.pairs()));
        Some(json!([name, self.issuer, self.grantee, self.retiring, operations, constraint]).to_string())
    }
}

/// Refuses a name that no grant may have.
pub fn parse_name(name: &str) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    violations.length("name", name, 1..=NAME_CHARS_MAX);
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b)) {
        violations.pattern("name", name, "^[a-zA-Z0-9:/_-]+$");
    }
    violations.finish()
}

/// Refuses text that cannot name a principal. Says nothing about whether there is one.
pub fn parse_principal(at: &str, text: &str) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    violations.length(at, text, 1..=PRINCIPAL_CHARS_MAX);
    if !text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b))
    {
        violations.pattern(at, text, r"^[\w+=,.@:/-]+$");
    }
    violations.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wire::AwsError;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        let mut context = EncryptionContext::new();
        for (name, value) in pairs {
            context.insert(*name, *value);
        }
        context
    }

    #[test]
    fn a_grant_id_is_64_hex_digits() {
        let id = GrantId::generate(&Random::seeded(1));
        assert_eq!(GrantId::parse(id.as_str()).ok(), Some(id));
        let check = |text: &str, code: &str| assert_eq!(GrantId::parse(text).unwrap_err().code(), code, "{text}");
        check("", "ValidationException");
        check(&"a".repeat(129), "ValidationException");
        check("abc", "InvalidGrantIdException");
        check(&"A".repeat(64), "InvalidGrantIdException");
        check(&"g".repeat(64), "InvalidGrantIdException");
    }

    #[test]
    fn operations_are_those_of_a_symmetric_key() {
        use GrantOperation as G;
        let check = |names: &[&str], expected: Result<&[GrantOperation], &str>| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let found = GrantTerms::parse_operations(&names).map_err(|e| e.message());
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                _ => panic!("{names:?}: {found:?}"),
            }
        };
        check(
            &["RetireGrant", "Decrypt", "Decrypt"],
            Ok(&[G::Decrypt, G::RetireGrant]),
        );
        check(
            &["GenerateDataKeyPairWithoutPlaintext"],
            Ok(&[G::GenerateDataKeyPairWithoutPlaintext]),
        );
        check(
            &[],
            Err("'operations' failed to satisfy constraint: Member must have length"),
        );
        check(
            &["Decrypt", "decrypt"],
            Err(
                "Value '[Decrypt, decrypt]' at 'operations' failed to satisfy constraint: Member must satisfy constraint: \
                 [Member must satisfy enum value set: [Decrypt, Encrypt, ",
            ),
        );
        check(&["PutKeyPolicy"], Err("enum value set"));
    }

    /// The guide's table: what grants on keys of each kind can allow, beside CreateGrant, RetireGrant and DescribeKey.
    #[test]
    fn a_grant_allows_what_its_key_can_do() {
        use GrantOperation as G;
        let check = |spec: KeySpec, usage: KeyUsage, operations: &[G], constrained: bool| {
            let key = Key {
                spec,
                usage,
                ..crate::table::tests::key()
            };
            let terms = |operation: G, constraint: Option<Constraint>| GrantTerms {
                operations: vec![G::DescribeKey, operation],
                constraint,
            };
            for operation in G::ALL {
                let good = operations.contains(operation)
                    || matches!(operation, G::CreateGrant | G::RetireGrant | G::DescribeKey);
                let found = terms(*operation, None).permit(&key);
                assert_eq!(found.is_ok(), good, "{spec} {usage} {operation:?}");
            }
            let constraint = Constraint::Equals(context(&[("a", "1")]));
            assert_eq!(
                terms(G::DescribeKey, Some(constraint)).permit(&key).is_ok(),
                constrained,
                "{spec} {usage}"
            );
        };
        let symmetric = [
            G::Decrypt,
            G::Encrypt,
            G::GenerateDataKey,
            G::GenerateDataKeyPair,
            G::GenerateDataKeyPairWithoutPlaintext,
            G::GenerateDataKeyWithoutPlaintext,
            G::ReEncryptFrom,
            G::ReEncryptTo,
        ];
        check(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, &symmetric, true);
        let sealing = [
            G::Decrypt,
            G::Encrypt,
            G::GetPublicKey,
            G::ReEncryptFrom,
            G::ReEncryptTo,
        ];
        check(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt, &sealing, false);
        let signing = [G::GetPublicKey, G::Sign, G::Verify];
        check(KeySpec::Rsa2048, KeyUsage::SignVerify, &signing, false);
        check(KeySpec::MlDsa65, KeyUsage::SignVerify, &signing, false);
        check(
            KeySpec::EccNistP256,
            KeyUsage::KeyAgreement,
            &[G::DeriveSharedSecret, G::GetPublicKey],
            false,
        );
        check(
            KeySpec::Hmac256,
            KeyUsage::GenerateVerifyMac,
            &[G::GenerateMac, G::VerifyMac],
            false,
        );
    }

    #[test]
    fn one_constraint_of_few_short_pairs() {
        let pair = context(&[("a", "1")]);
        let many: Vec<(String, String)> = (0..9).map(|n| (n.to_string(), String::new())).collect();
        let many: Vec<(&str, &str)> = many
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let long = "v".repeat(385);
        let parse = |equals: Option<&EncryptionContext>, subset: Option<&EncryptionContext>| {
            Constraint::parse(equals, subset).map_err(|e| e.code().into_owned())
        };
        let refused = Err("ValidationException".to_owned());
        assert_eq!(parse(None, None), Ok(None));
        assert_eq!(parse(Some(&pair), None), Ok(Some(Constraint::Equals(pair.clone()))));
        assert_eq!(parse(None, Some(&pair)), Ok(Some(Constraint::Subset(pair.clone()))));
        assert_eq!(parse(Some(&pair), Some(&pair)), refused);
        assert!(parse(Some(&context(&many[..8])), None).is_ok());
        assert_eq!(parse(Some(&context(&many)), None), refused);
        assert!(parse(None, Some(&context(&[("a", &long[..384])]))).is_ok());
        assert_eq!(parse(None, Some(&context(&[("a", &long)]))), refused);
    }

    #[test]
    fn constraints_know_case() {
        let pairs = context(&[("Department", "IT")]);
        let check = |request: &[(&str, &str)], equals: bool, subset: bool| {
            let request = context(request);
            assert_eq!(
                Constraint::Equals(pairs.clone()).is_met_by(&request),
                equals,
                "{request:?}"
            );
            assert_eq!(
                Constraint::Subset(pairs.clone()).is_met_by(&request),
                subset,
                "{request:?}"
            );
        };
        check(&[("Department", "IT")], true, true);
        check(&[("Department", "IT"), ("Purpose", "Test")], false, true);
        check(&[("department", "IT")], false, false);
        check(&[("Department", "it")], false, false);
        check(&[], false, false);
    }

    #[test]
    fn a_child_is_no_wider_than_its_parent() {
        let (it, more) = (context(&[("d", "IT")]), context(&[("d", "IT"), ("p", "t")]));
        let equals = |pairs: &EncryptionContext| Some(Constraint::Equals(pairs.clone()));
        let subset = |pairs: &EncryptionContext| Some(Constraint::Subset(pairs.clone()));
        let terms = |names: &[&str], constraint: Option<Constraint>| GrantTerms {
            operations: GrantTerms::parse_operations(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>())
                .unwrap(),
            constraint,
        };
        let check = |parent: &Option<Constraint>, child: &Option<Constraint>, allowed: bool| {
            let parent = terms(&["Decrypt", "CreateGrant"], parent.clone());
            let narrow = terms(&["Decrypt"], child.clone());
            assert_eq!(narrow.beyond(&parent).is_none(), allowed, "{parent:?} {narrow:?}");
            let wide = terms(&["Decrypt", "Encrypt"], child.clone());
            assert!(wide.beyond(&parent).is_some());
        };
        check(&None, &None, true);
        check(&None, &equals(&it), true);
        check(&subset(&it), &None, false);
        check(&subset(&it), &subset(&it), true);
        check(&subset(&it), &subset(&more), true);
        check(&subset(&it), &equals(&more), true);
        check(&subset(&more), &subset(&it), false);
        check(&subset(&more), &equals(&it), false);
        check(&equals(&it), &equals(&it), true);
        check(&equals(&it), &equals(&more), false);
        check(&equals(&it), &subset(&more), false);
        check(&equals(&it), &None, false);
    }

    #[test]
    fn a_name_and_a_principal_have_their_characters() {
        let check = |text: &str, name: bool, principal: bool| {
            assert_eq!(parse_name(text).is_ok(), name, "{text}");
            assert_eq!(parse_principal("granteePrincipal", text).is_ok(), principal, "{text}");
        };
        check("a:b/c_d-e", true, true);
        check("a@b.c=d,e+f", false, true);
        check("", false, false);
        check("a b", false, false);
        check("a|b", false, false);
        check("証跡", false, false);
        check(&"a".repeat(256), true, true);
        check(&"a".repeat(257), false, false);
    }

    prop_compose! {
        fn contexts()(pairs in proptest::collection::btree_map("[ab]", "[12]", 0..3)) -> EncryptionContext {
            let mut context = EncryptionContext::new();
            for (name, value) in pairs {
                context.insert(name, value);
            }
            context
        }
    }

    prop_compose! {
        fn constraints()(pairs in contexts(), exact: bool) -> Constraint {
            match exact {
                true => Constraint::Equals(pairs),
                false => Constraint::Subset(pairs),
            }
        }
    }

    proptest! {
        #[test]
        fn what_meets_the_covered_meets_the_covering(one in constraints(), other in constraints(), request in contexts()) {
            if one.covers(&other) && other.is_met_by(&request) {
                prop_assert!(one.is_met_by(&request));
            }
            prop_assert!(one.covers(&one));
        }
    }
}
