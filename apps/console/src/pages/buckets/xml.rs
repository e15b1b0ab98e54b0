//! What S3 answers when it lists.

use operator::aws::Error;
use serde::{Deserialize, de::DeserializeOwned};

/// The answer to an operation of this name.
pub(super) fn read<T: DeserializeOwned>(operation: &str, body: &[u8]) -> Result<T, Error> {
    wire::xml::parse(body).map_err(|fault| Error::Unreadable {
        operation: operation.to_owned(),
        reason: fault.to_string(),
    })
}

/// ListBuckets.
#[derive(Deserialize)]
pub(super) struct Buckets {
    #[serde(rename = "Buckets", default)]
    pub(super) buckets: BucketList,
    #[serde(rename = "ContinuationToken")]
    pub(super) token: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct BucketList {
    #[serde(rename = "Bucket", default)]
    pub(super) bucket: Vec<Bucket>,
}

#[derive(Deserialize)]
pub(super) struct Bucket {
    #[serde(rename = "Name")]
    pub(super) name: String,
    #[serde(rename = "CreationDate", default)]
    pub(super) created: String,
    #[serde(rename = "BucketRegion")]
    pub(super) region: Option<String>,
}

/// ListObjectsV2, with keys as in URLs.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Objects {
    #[serde(default)]
    pub(super) contents: Vec<Object>,
    #[serde(default)]
    pub(super) common_prefixes: Vec<Folder>,
    pub(super) next_continuation_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Folder {
    pub(super) prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Object {
    pub(super) key: String,
    #[serde(default)]
    pub(super) last_modified: String,
    #[serde(default)]
    pub(super) size: u64,
    pub(super) version_id: Option<String>,
    #[serde(default)]
    pub(super) is_latest: bool,
}

/// ListObjectVersions, with keys as in URLs.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versions {
    #[serde(default)]
    pub(super) version: Vec<Object>,
    #[serde(default)]
    pub(super) delete_marker: Vec<Object>,
    #[serde(default)]
    pub(super) common_prefixes: Vec<Folder>,
    pub(super) next_key_marker: Option<String>,
    pub(super) next_version_id_marker: Option<String>,
}

/// A key as `encoding-type=url` writes it.
pub(super) fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_markers_may_take_turns() {
        let text = "<R><Version><Key>a+b%2Bc</Key><VersionId>1</VersionId><IsLatest>true</IsLatest><Size>3</Size></Version>\
                    <DeleteMarker><Key>a</Key><VersionId>2</VersionId></DeleteMarker>\
                    <Version><Key>c</Key><VersionId>3</VersionId></Version></R>";
        let found: Versions = read("x", text.as_bytes()).unwrap();
        assert_eq!((found.version.len(), found.delete_marker.len()), (2, 1));
        assert_eq!(decoded(&found.version[0].key), "a b+c");
        assert!(found.version[0].is_latest && !found.version[1].is_latest);
    }
}
