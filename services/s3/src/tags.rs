//! Tags as requests give them: in the `x-amz-tagging` header or as a document, refused in AWS's words.

use crate::{
    S3Error,
    model::tagging::{self, TagFault, Tags},
    request,
};
use gateway::Demand;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use record::Params;
use serde::{Deserialize, Serialize};
use wire::Head;

/// A set of tags as documents have it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tagging {
    tag_set: TagSet,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TagSet {
    tag: Vec<Tag>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

impl Tagging {
    /// To be answered.
    pub fn of(tags: Tags) -> Tagging {
        let tag = tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
        Tagging {
            tag_set: TagSet { tag },
        }
    }

    /// The tags of an object.
    pub fn of_object(self) -> Result<Tags, S3Error> {
        self.checked(tagging::OF_OBJECT_MAX, "Object tags cannot be greater than 10")
    }

    /// The tags of a bucket.
    pub fn of_bucket(self) -> Result<Tags, S3Error> {
        self.checked(tagging::OF_BUCKET_MAX, "Bucket tag count cannot be greater than 50")
    }

    fn checked(self, max: usize, too_many: &'static str) -> Result<Tags, S3Error> {
        let tags: Tags = self.tag_set.tag.into_iter().map(|tag| (tag.key, tag.value)).collect();
        checked(tags, max, too_many)
    }
}

fn checked(tags: Tags, max: usize, too_many: &'static str) -> Result<Tags, S3Error> {
    tagging::check(&tags, max).map_err(|fault| refused(fault, too_many))?;
    Ok(tags)
}

fn refused(fault: TagFault, too_many: &'static str) -> S3Error {
    let invalid = |message, key, value| S3Error::InvalidTag { message, key, value };
    match fault {
        TagFault::TooMany => S3Error::BadRequest(too_many),
        TagFault::System => invalid("System tags cannot be added/updated by requester", None, None),
        TagFault::Duplicate(key) => invalid("Cannot provide multiple Tags with the same key", Some(key), None),
        TagFault::Key(key) => invalid("The TagKey you have provided is invalid", Some(key), None),
        TagFault::Value(key, value) => invalid("The TagValue you have provided is invalid", Some(key), Some(value)),
    }
}

const HEADER: &str = "x-amz-tagging";

/// The tags of the `x-amz-tagging` header; none when there is none.
pub fn of_header(head: &Head) -> Result<Tags, S3Error> {
    let Some(header) = request::amz(head, HEADER) else {
        return Ok(Tags::new());
    };
    let malformed = || {
        let text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag \
                    name duplicates.";
        S3Error::argument(text, HEADER, &*header)
    };
    let tags = tagging::of_header(&header).ok_or_else(malformed)?;
    checked(tags, tagging::OF_OBJECT_MAX, "Object tags cannot be greater than 10")
}

/// The header as a record shows it.
pub fn shown(tags: &[(String, String)]) -> Option<String> {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

/// A document of tags as a record shows it.
pub fn params(tags: &[(String, String)]) -> Params {
    let tags = tags
        .iter()
        .map(|(key, value)| Params::new().text("Key", key).text("Value", value));
    Params::new().object(
        "Tagging",
        Params::new().object("TagSet", Params::new().objects("Tag", tags)),
    )
}

/// Adds the condition keys of tags that a request gives.
pub fn conditions(demand: Demand, tags: &[(String, String)]) -> Demand {
    if tags.is_empty() {
        return demand;
    }
    let keys = tags.iter().map(|(key, _)| key.clone()).collect();
    tags.iter()
        .fold(demand, |demand, (key, value)| {
            demand.with(format!("s3:RequestObjectTag/{key}"), value)
        })
        .with_all("s3:RequestObjectTagKeys", keys)
}

/// Adds the global condition keys of tags that a request gives a resource.
pub fn global_conditions(demand: Demand, tags: &[(String, String)]) -> Demand {
    if tags.is_empty() {
        return demand;
    }
    let keys = tags.iter().map(|(key, _)| key.clone()).collect();
    tags.iter()
        .fold(demand, |demand, (key, value)| {
            demand.with(format!("aws:RequestTag/{key}"), value)
        })
        .with_all("aws:TagKeys", keys)
}
