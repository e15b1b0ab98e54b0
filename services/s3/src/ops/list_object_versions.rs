//! ListObjectVersions: every version and delete marker, key by key, newest first.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>

use crate::{
    S3Error, access, answer,
    model::{etag, listing::Item, version::VersionId},
    ops::listed::{self, CommonPrefix, Parameters},
    table::{self, After, Content, Listed},
    versions,
};
use base::AccountId;
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use store::ReadView;
use wire::{ErrorReply, Iso8601Millis, ServiceName};

/// ListObjectVersions.
pub struct ListObjectVersions;

/// What is listed.
pub struct Input {
    parameters: Parameters,
    key_marker: Option<String>,
    version_marker: Option<VersionId>,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    const VERSION_MARKER: &str = "version-id-marker";
    let key_marker = listed::query(call, "key-marker").filter(|marker| !marker.is_empty());
    let refused = |text, value: &str| Err(S3Error::argument(text, VERSION_MARKER, value));
    let version_marker = match (listed::query(call, VERSION_MARKER), &key_marker) {
        (None, _) => None,
        (Some(text), _) if text.is_empty() => return refused("A version-id marker cannot be empty.", ""),
        (Some(text), None) => {
            return refused("A version-id marker cannot be specified without a key marker.", &text);
        }
        (Some(text), Some(_)) => Some(versions::parse(&text, VERSION_MARKER)?),
    };
    Ok(Input {
        parameters: Parameters::of(call)?,
        key_marker,
        version_marker,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.parameters
            .request
            .evident()
            .text("versions", "")
            .maybe_text("prefix", self.parameters.prefix.as_ref())
            .maybe_text("delimiter", self.parameters.delimiter.as_ref())
            .maybe_text("key-marker", self.key_marker.as_ref())
            .maybe_text(
                "version-id-marker",
                self.version_marker.map(|marker| marker.to_string()),
            )
            .maybe_text("max-keys", self.parameters.max_keys.as_ref())
            .maybe_text("encoding-type", self.parameters.url.then_some("url"))
    }
}

/// A page. Versions and delete markers stand in one order, so that it is written entry by entry.
pub struct Output {
    about: Vec<(&'static str, String)>,
    is_truncated: bool,
    entries: Vec<Entry>,
    common_prefixes: Vec<CommonPrefix>,
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document =
            serializer.serialize_struct("ListVersionsResult", self.about.len() + self.entries.len() + 2)?;
        for (name, value) in &self.about {
            document.serialize_field(name, value)?;
        }
        document.serialize_field("IsTruncated", &self.is_truncated)?;
        for entry in &self.entries {
            match entry {
                Entry::Version(version) => document.serialize_field("Version", version)?,
                Entry::Marker(marker) => document.serialize_field("DeleteMarker", marker)?,
            }
        }
        document.serialize_field("CommonPrefixes", &self.common_prefixes)?;
        document.end()
    }
}

enum Entry {
    Version(Box<ObjectVersion>),
    Marker(DeleteMarker),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ObjectVersion {
    key: String,
    version_id: String,
    is_latest: bool,
    last_modified: Iso8601Millis,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
    size: u64,
    owner: answer::Owner,
    storage_class: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteMarker {
    key: String,
    version_id: String,
    is_latest: bool,
    last_modified: Iso8601Millis,
    owner: answer::Owner,
}

impl Entry {
    fn of(key: String, (version, is_latest): Listed, bucket_owner: AccountId) -> Entry {
        let version_id = version.id.to_string();
        match version.content {
            Content::Object(object) => Entry::Version(Box::new(ObjectVersion {
                key,
                version_id,
                is_latest,
                last_modified: Iso8601Millis(object.modified),
                etag: etag::quoted(&object.etag),
                checksum_type: object.checksum.as_ref().map(table::Checksum::kind),
                checksum_algorithm: object.checksum.map(|checksum| checksum.algorithm),
                size: object.size,
                owner: answer::Owner::of(object.owner.unwrap_or(bucket_owner)),
                storage_class: "STANDARD",
            })),
            Content::DeleteMarker { modified } => Entry::Marker(DeleteMarker {
                key,
                version_id,
                is_latest,
                last_modified: Iso8601Millis(modified),
                owner: answer::Owner::of(bucket_owner),
            }),
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("ListVersionsResult", &self)
    }
}

impl Input {
    /// What the document says of itself, in the order of AWS's.
    fn about(&self, next: Option<&Item<Listed>>) -> Vec<(&'static str, String)> {
        let parameters = &self.parameters;
        let encoded = |text: &Option<String>| parameters.encoded(text.as_deref().unwrap_or_default());
        let marker = self.version_marker.map(|marker| marker.to_string());
        let mut about = vec![
            ("Name", parameters.request.bucket.clone()),
            ("Prefix", encoded(&parameters.prefix)),
            ("KeyMarker", encoded(&self.key_marker)),
            ("VersionIdMarker", marker.unwrap_or_default()),
        ];
        if let Some(next) = next {
            about.push(("NextKeyMarker", parameters.encoded(next.name())));
        }
        if let Some(Item::Key(_, (version, _))) = next {
            about.push(("NextVersionIdMarker", version.id.to_string()));
        }
        about.push(("MaxKeys", parameters.page.to_string()));
        if parameters
            .delimiter
            .as_ref()
            .is_some_and(|delimiter| !delimiter.is_empty())
        {
            about.push(("Delimiter", encoded(&parameters.delimiter)));
        }
        if parameters.url {
            about.push(("EncodingType", "url".to_owned()));
        }
        about
    }
}

impl Operation for ListObjectVersions {
    const NAME: &'static str = "ListObjectVersions";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        input.parameters.demands(ctx, view, "s3:ListBucketVersions").await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let parameters = &input.parameters;
        let name = &parameters.request.bucket;
        let bucket = access::row(&txn.view(), name).await?;
        let listing = parameters.listing(input.key_marker.clone());
        let after = match (&input.key_marker, &input.version_marker) {
            (Some(key), Some(version)) => Some(After { key, version }),
            _ => None,
        };
        let (items, is_truncated) = table::list_versions(&txn.view(), name, &listing, after).await?;
        let about = input.about(items.last().filter(|_| is_truncated));
        let (mut entries, mut common_prefixes) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Key(key, listed) => entries.push(Entry::of(parameters.encoded(&key), listed, bucket.owner)),
                Item::Prefix(prefix) => common_prefixes.push(parameters.common_prefix(&prefix)),
            }
        }
        Ok(Output {
            about,
            is_truncated,
            entries,
            common_prefixes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{request::tests::call, table::Version};
    use base::Timestamp;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn markers_are_read_together() {
        let check = |query: &str, expected: Result<(Option<&str>, Option<VersionId>), &str>| {
            let result = parse(&call(Method::GET, &format!("/bkt?versions&{query}"), &[], b""));
            let result = result
                .map(|input| (input.key_marker, input.version_marker))
                .map_err(|e| e.message());
            let expected = expected.map(|(key, version)| (key.map(str::to_owned), version));
            assert_eq!(result, expected.map_err(str::to_owned), "{query}");
        };
        check("", Ok((None, None)));
        check("key-marker=", Ok((None, None)));
        check("key-marker=k", Ok((Some("k"), None)));
        check(
            "key-marker=k&version-id-marker=null",
            Ok((Some("k"), Some(VersionId::Null))),
        );
        check(
            "key-marker=k&version-id-marker=",
            Err("A version-id marker cannot be empty."),
        );
        check("key-marker=k&version-id-marker=x", Err("Invalid version id specified"));
        check(
            "version-id-marker=null",
            Err("A version-id marker cannot be specified without a key marker."),
        );
    }

    #[test]
    fn entries_stand_in_one_order() {
        let marker = |key: &str| {
            let version = Version {
                content: Content::DeleteMarker {
                    modified: Timestamp::EPOCH,
                },
                order: 0,
                id: VersionId::Null,
                has_older: false,
                null_older: None,
                noncurrent_since: None,
            };
            Entry::of(key.to_owned(), (version, true), AccountId::FIRST)
        };
        let output = Output {
            about: vec![("Name", "b".to_owned())],
            is_truncated: false,
            entries: vec![marker("a"), marker("b")],
            common_prefixes: Vec::new(),
        };
        let text = wire::xml::s3_document("ListVersionsResult", &output).unwrap();
        let owner = format!("<Owner><ID>{}</ID></Owner>", answer::canonical_id(AccountId::FIRST));
        let entry = |key: &str| {
            format!(
                "<DeleteMarker><Key>{key}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>\
                 <LastModified>1970-01-01T00:00:00.000Z</LastModified>{owner}</DeleteMarker>"
            )
        };
        let expected = format!(
            "<Name>b</Name><IsTruncated>false</IsTruncated>{}{}</ListV",
            entry("a"),
            entry("b")
        );
        assert!(text.contains(&expected), "{text}");
    }
}
