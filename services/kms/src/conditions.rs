//! KMS's own condition keys, each where AWS sets it.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html>

use crate::model::{
    Constraint, DataKeyPairSpec, GrantTerms, Key, KeyAgreementAlgorithm, KeySpec, KeyUsage, MacAlgorithm, MessageType,
    MultiRegionKind, Origin, SigningAlgorithm, Tag,
};
use base::AccountId;
use envelope::EncryptionContext;
use gateway::{Caller, Ctx, Demand};

/// Who asks, as far as KMS's condition keys tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asking<'a> {
    /// The caller's account; of a service acting for itself, the one on whose behalf it acts.
    pub account: Option<AccountId>,
    /// The service through which a principal asks, such as `s3.us-east-1.amazonaws.com`.
    pub via: Option<&'a str>,
}

impl Asking<'_> {
    /// The caller of a call.
    pub fn of(ctx: &Ctx) -> Asking<'_> {
        Asking {
            account: ctx.caller.account(),
            via: match &ctx.caller {
                Caller::Forwarded { via, .. } => via.as_deref(),
                Caller::Anonymous | Caller::Signed(_) | Caller::Service(_) | Caller::Role(_) => None,
            },
        }
    }
}

/// The bytes that a cryptographic operation works on are bound to this.
#[derive(Clone, Copy, Debug)]
pub struct CryptoUse<'a> {
    /// The encryption context.
    pub context: &'a EncryptionContext,
    /// The algorithm, as AWS writes it.
    pub algorithm: &'static str,
}

/// Who asks. Set for what is demanded on a key and for CreateKey, on nothing else.
pub fn with_caller(demand: Demand, asking: Asking<'_>) -> Demand {
    let account = asking.account.as_ref().map(AccountId::as_str);
    demand
        .with_some("kms:CallerAccount", account)
        .with_some("kms:ViaService", asking.via)
}

/// What a key is, as far as conditions see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The kind of its material.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// Whether it is of several Regions.
    pub multi_region: bool,
    /// Which of those it is, of a key that is there.
    pub kind: Option<MultiRegionKind>,
}

impl KeyFacts {
    /// What most keys are, and what is shown of a key that is not there.
    pub const COMMON: KeyFacts = KeyFacts {
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AwsKms,
        multi_region: false,
        kind: None,
    };

    /// Those of a key.
    pub fn of(key: &Key) -> KeyFacts {
        KeyFacts {
            spec: key.spec,
            usage: key.usage,
            origin: key.origin,
            multi_region: key.multi_region.is_some(),
            kind: key.multi_region.as_ref().map(|multi| multi.kind),
        }
    }
}

/// What a key is.
pub fn with_key_facts(demand: Demand, facts: KeyFacts) -> Demand {
    demand
        .with("kms:KeySpec", facts.spec.as_str())
        .with("kms:CustomerMasterKeySpec", facts.spec.as_str())
        .with("kms:KeyUsage", facts.usage.as_str())
        .with("kms:CustomerMasterKeyUsage", facts.usage.as_str())
        .with("kms:KeyOrigin", facts.origin.as_str())
        .with("kms:MultiRegion", facts.multi_region.to_string())
        .with_some("kms:MultiRegionKeyType", facts.kind.map(MultiRegionKind::as_str))
}

/// By what a key is known: its aliases and its tags.
pub fn with_key_names(mut demand: Demand, key: &Key) -> Demand {
    if !key.aliases.is_empty() {
        demand = demand.with_all("kms:ResourceAliases", key.aliases.clone());
    }
    key.tags.iter().fold(demand, |demand, tag| {
        demand.with(format!("aws:ResourceTag/{}", tag.key), tag.value.as_str())
    })
}

/// The tags that a request gives.
pub fn with_request_tags(demand: Demand, tags: &[Tag]) -> Demand {
    if tags.is_empty() {
        return demand;
    }
    let names = tags.iter().map(|tag| tag.key.clone()).collect();
    let demand = demand.with_all("aws:TagKeys", names);
    tags.iter().fold(demand, |demand, tag| {
        demand.with(format!("aws:RequestTag/{}", tag.key), tag.value.as_str())
    })
}

/// A cryptographic operation.
pub fn with_crypto(demand: Demand, crypto: CryptoUse<'_>) -> Demand {
    with_context(demand.with("kms:EncryptionAlgorithm", crypto.algorithm), crypto.context)
}

/// A signature, made or verified.
pub fn with_signing(demand: Demand, algorithm: SigningAlgorithm, kind: MessageType) -> Demand {
    demand
        .with("kms:SigningAlgorithm", algorithm.as_str())
        .with("kms:MessageType", kind.as_str())
}

/// A message authentication code, made or verified.
pub fn with_mac(demand: Demand, algorithm: MacAlgorithm) -> Demand {
    demand.with("kms:MacAlgorithm", algorithm.as_str())
}

/// A data key pair.
pub fn with_data_key_pair(demand: Demand, spec: DataKeyPairSpec) -> Demand {
    demand.with("kms:DataKeyPairSpec", spec.as_str())
}

/// An agreement on a secret.
pub fn with_key_agreement(demand: Demand, algorithm: KeyAgreementAlgorithm) -> Demand {
    demand.with("kms:KeyAgreementAlgorithm", algorithm.as_str())
}

/// The names of tags that a request takes away.
pub fn with_tag_keys(demand: Demand, names: &[String]) -> Demand {
    match names.is_empty() {
        true => demand,
        false => demand.with_all("aws:TagKeys", names.to_vec()),
    }
}

/// An encryption context, of a request or of a grant's constraint.
pub fn with_context(mut demand: Demand, context: &EncryptionContext) -> Demand {
    if context.is_empty() {
        return demand;
    }
    let mut names: Vec<String> = Vec::with_capacity(context.len());
    // Condition keys know no case, so names that differ by case alone are one key of several values.
    let mut keys: Vec<(String, Vec<String>)> = Vec::with_capacity(context.len());
    for (name, value) in context.iter() {
        names.push(name.to_owned());
        let key = format!("kms:EncryptionContext:{name}");
        match keys.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some((_, values)) => values.push(value.to_owned()),
            None => keys.push((key, vec![value.to_owned()])),
        }
    }
    for (key, values) in keys {
        demand = demand.with_all(key, values);
    }
    demand.with_all("kms:EncryptionContextKeys", names)
}

/// A grant's constraint, where it is made or retired.
pub fn with_constraint(demand: Demand, constraint: Option<&Constraint>) -> Demand {
    match constraint {
        None => demand,
        Some(constraint) => with_context(
            demand.with("kms:GrantConstraintType", constraint.kind()),
            constraint.pairs(),
        ),
    }
}

/// The terms of a grant that is made, and between whom.
pub fn with_grant(demand: Demand, terms: &GrantTerms, grantee: &str, retiring: Option<&str>) -> Demand {
    let operations = terms.operations.iter().map(|one| one.as_str().to_owned()).collect();
    with_constraint(demand, terms.constraint.as_ref())
        .with_all("kms:GrantOperations", operations)
        .with("kms:GranteePrincipal", grantee)
        .with_some("kms:RetiringPrincipal", retiring)
}

/// Whether an AWS service asks on a principal's behalf, for the operations that give, list and revoke grants.
pub fn with_grant_is_for_aws_resource(demand: Demand, asking: Asking<'_>) -> Demand {
    demand.with("kms:GrantIsForAWSResource", asking.via.is_some().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GrantOperation;

    fn shown(demand: Demand) -> Vec<(String, Vec<String>)> {
        demand.context
    }

    fn expected(pairs: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        pairs
            .iter()
            .map(|(key, values)| ((*key).to_owned(), texts(values)))
            .collect()
    }

    fn demand() -> Demand {
        Demand::on("kms:CreateGrant", base::arn::any())
    }

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        let mut context = EncryptionContext::new();
        for (name, value) in pairs {
            context.insert(*name, *value);
        }
        context
    }

    #[test]
    fn a_context_is_shown_by_name_and_value() {
        let check = |pairs: &[(&str, &str)], wanted: &[(&str, &[&str])]| {
            assert_eq!(shown(with_context(demand(), &context(pairs))), expected(wanted));
        };
        check(&[], &[]);
        check(
            &[("a", "1"), ("b", "2")],
            &[
                ("kms:EncryptionContext:a", &["1"]),
                ("kms:EncryptionContext:b", &["2"]),
                ("kms:EncryptionContextKeys", &["a", "b"]),
            ],
        );
        check(
            &[("A", "1"), ("a", "2")],
            &[
                ("kms:EncryptionContext:A", &["1", "2"]),
                ("kms:EncryptionContextKeys", &["A", "a"]),
            ],
        );
    }

    #[test]
    fn a_grant_is_shown_with_its_terms() {
        let terms = GrantTerms {
            operations: vec![GrantOperation::Decrypt, GrantOperation::CreateGrant],
            constraint: Some(Constraint::Subset(context(&[("a", "1")]))),
        };
        assert_eq!(
            shown(with_grant(demand(), &terms, "arn:g", Some("arn:r"))),
            expected(&[
                ("kms:GrantConstraintType", &["EncryptionContextSubset"]),
                ("kms:EncryptionContext:a", &["1"]),
                ("kms:EncryptionContextKeys", &["a"]),
                ("kms:GrantOperations", &["Decrypt", "CreateGrant"]),
                ("kms:GranteePrincipal", &["arn:g"]),
                ("kms:RetiringPrincipal", &["arn:r"]),
            ])
        );
        let bare = GrantTerms {
            operations: vec![GrantOperation::Encrypt],
            constraint: None,
        };
        assert_eq!(
            shown(with_grant(demand(), &bare, "arn:g", None)),
            expected(&[
                ("kms:GrantOperations", &["Encrypt"]),
                ("kms:GranteePrincipal", &["arn:g"])
            ])
        );
    }

    #[test]
    fn a_service_in_between_is_shown() {
        let asking = Asking {
            account: AccountId::parse("111122223333").ok(),
            via: Some("s3.eu-west-1.amazonaws.com"),
        };
        let found = with_grant_is_for_aws_resource(with_caller(demand(), asking), asking);
        assert_eq!(
            shown(found),
            expected(&[
                ("kms:CallerAccount", &["111122223333"]),
                ("kms:ViaService", &["s3.eu-west-1.amazonaws.com"]),
                ("kms:GrantIsForAWSResource", &["true"]),
            ])
        );
        let direct = with_grant_is_for_aws_resource(demand(), Asking::default());
        assert_eq!(shown(direct), expected(&[("kms:GrantIsForAWSResource", &["false"])]));
    }
}
