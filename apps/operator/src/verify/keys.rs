//! Public keys: asked of CloudTrail, kept in a file, read from one.
//!
//! The file is JSON: `{"regions": {"us-east-1": [{"Fingerprint": …, "Value": …}]}}`, or what `aws cloudtrail list-public-keys`
//! prints, which then counts for every Region.

use crate::aws::{Client, Error};
use base::Timestamp;
use base64::{Engine, engine::general_purpose::STANDARD};
use record::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::ServiceName;

/// Public keys by the Region whose digests they verify.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeys {
    #[serde(default)]
    regions: BTreeMap<String, Vec<Listed>>,
    /// Keys of no particular Region.
    #[serde(rename = "PublicKeyList", default, skip_serializing_if = "Vec::is_empty")]
    anywhere: Vec<Listed>,
}

/// A key as ListPublicKeys has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    #[serde(rename = "Fingerprint")]
    fingerprint: String,
    /// Base64 of the DER.
    #[serde(rename = "Value")]
    value: String,
}

impl PublicKeys {
    /// Reads a file's text. A key whose fingerprint is not its own is refused.
    pub fn read(text: &str) -> Result<PublicKeys, String> {
        let keys: PublicKeys = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
        for listed in keys.regions.values().flatten().chain(&keys.anywhere) {
            let key = listed.key()?;
            if key.fingerprint() != listed.fingerprint {
                return Err(format!(
                    "the key of the fingerprint {} has the fingerprint {}",
                    listed.fingerprint,
                    key.fingerprint()
                ));
            }
        }
        Ok(keys)
    }

    /// Takes what others have asked for.
    pub(crate) fn take(&mut self, others: PublicKeys) {
        for (region, listed) in others.regions {
            let known = self.regions.entry(region).or_default();
            for key in listed {
                if !known.contains(&key) {
                    known.push(key);
                }
            }
        }
    }

    /// The keys of a Region.
    pub(crate) fn of(&self, region: &str) -> Vec<PublicKey> {
        let listed = self.regions.get(region).into_iter().flatten().chain(&self.anywhere);
        listed.filter_map(|listed| listed.key().ok()).collect()
    }

    /// Asks CloudTrail for the keys of a Region that were good in this time.
    pub(crate) async fn fetch(
        &mut self,
        client: &Client,
        region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(), Error> {
        let client = client.in_region(region);
        let mut input = json!({"StartTime": from.as_secs(), "EndTime": to.as_secs()});
        let keys = self.regions.entry(region.to_owned()).or_default();
        loop {
            let answer: Value = client.json(ServiceName::CloudTrail, "ListPublicKeys", &input).await?;
            let unreadable = |reason: String| Error::Unreadable {
                operation: "ListPublicKeys".to_owned(),
                reason,
            };
            let listed = serde_json::from_value::<Vec<Listed>>(answer["PublicKeyList"].clone());
            for listed in listed.map_err(|fault| unreadable(fault.to_string()))? {
                listed.key().map_err(unreadable)?;
                if !keys.contains(&listed) {
                    keys.push(listed);
                }
            }
            match answer["NextToken"].as_str() {
                Some(token) => input["NextToken"] = json!(token),
                None => return Ok(()),
            }
        }
    }
}

impl Listed {
    fn key(&self) -> Result<PublicKey, String> {
        let der = STANDARD.decode(&self.value);
        let der =
            der.map_err(|fault| format!("the key of the fingerprint {} is no base64: {fault}", self.fingerprint))?;
        Ok(PublicKey::from_pkcs1_der(&der))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_both_forms_and_with_their_own_fingerprints_only() {
        let key = PublicKey::from_pkcs1_der(b"der");
        let listed = format!(
            r#"[{{"Fingerprint":"{}","Value":"{}"}}]"#,
            key.fingerprint(),
            STANDARD.encode(b"der")
        );
        let by_region = PublicKeys::read(&format!(r#"{{"regions":{{"eu-west-1":{listed}}}}}"#)).unwrap();
        assert_eq!(by_region.of("eu-west-1"), std::slice::from_ref(&key));
        assert!(by_region.of("us-east-1").is_empty());
        let anywhere = PublicKeys::read(&format!(r#"{{"PublicKeyList":{listed}}}"#)).unwrap();
        assert_eq!(anywhere.of("us-east-1"), [key]);
        let forged = listed.replace(r#""Value":""#, r#""Value":"AAAA"#);
        assert!(PublicKeys::read(&format!(r#"{{"PublicKeyList":{forged}}}"#)).is_err());
        assert!(PublicKeys::read("{\"other\":1}").is_err());
    }
}
