//! Aliases: names of keys, within one account and Region.

use crate::{error::KmsError, model::KeyId, violations::Violations};
use base::{AccountId, Arn, Region, Timestamp, arn};
use serde::{Deserialize, Serialize};

/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>, aliases per KMS key.
pub const ALIASES_PER_KEY_MAX: usize = 50;

const PREFIX: &str = "alias/";
const RESERVED: &str = "alias/aws/";
const CHARS_MAX: usize = 256;

/// A name that an account may give: `alias/` and 1 to 250 of `[a-zA-Z0-9:/_-]`, not `alias/aws/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasName(String);

impl AliasName {
    /// The alias of the key that S3 uses when it is asked for KMS and told no key.
    pub fn aws_s3() -> AliasName {
        AliasName("alias/aws/s3".to_owned())
    }

    /// Reads a name that a caller gives to, takes from or moves between keys.
    pub fn parse(text: &str) -> Result<AliasName, KmsError> {
        let mut violations = Violations::new();
        violations.length("aliasName", text, 1..=CHARS_MAX);
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b)) {
            violations.pattern("aliasName", text, "^[a-zA-Z0-9:/_-]+$");
        }
        violations.finish()?;
        match text.strip_prefix(PREFIX) {
            None => Err(KmsError::AliasWithoutPrefix),
            Some("") => Err(KmsError::Validation("Invalid identifier".to_owned())),
            Some(_) if text.starts_with(RESERVED) => Err(KmsError::ReservedAlias),
            Some(_) => Ok(AliasName(text.to_owned())),
        }
    }

    /// The name with `alias/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The alias's ARN.
    pub fn arn(&self, region: &Region, account: AccountId) -> Arn {
        arn::kms_alias(region, account, &self.0)
    }
}

/// What an alias stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The key, of the same account and Region.
    pub target: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed keys.
    pub updated: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn names_that_accounts_may_give() {
        let long = format!("alias/{}", "a".repeat(251));
        let check = |text: &str, code: Option<&str>| {
            let error = AliasName::parse(text).err();
            assert_eq!(error.as_ref().map(|e| e.code()).as_deref(), code, "{text}");
        };
        check("alias/a", None);
        check("alias/Team:a/b_c-d", None);
        check("alias/awsome", None);
        check(&long[..256], None);
        check(&long, Some("ValidationException"));
        check("a", Some("ValidationException"));
        check("", Some("ValidationException"));
        check("alias/", Some("ValidationException"));
        check("alias/a b", Some("ValidationException"));
        check("alias/証跡", Some("ValidationException"));
        check("alias/aws/s3", Some("NotAuthorizedException"));
    }
}
