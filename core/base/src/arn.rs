//! Amazon Resource Names: one builder per resource, one splitter.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use crate::{AccountId, Region};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The partition of everything that this product makes.
pub const PARTITION: &str = "aws";

/// An ARN as text. Built by the functions of this module, or [`Arn::parse`]d from outside by shape.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arn(String);

/// The six parts of an ARN; `resource` keeps any further colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArnParts<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// The service's namespace, such as `kms`.
    pub service: &'a str,
    /// The Region, empty for global resources and buckets.
    pub region: &'a str,
    /// The account, empty for buckets and objects.
    pub account: &'a str,
    /// All after the fifth colon.
    pub resource: &'a str,
}

impl Arn {
    /// Takes text that has the shape `arn:partition:service:region:account:resource`, partition, service and resource
    /// not empty. Says nothing about whether the resource exists.
    pub fn parse(text: &str) -> Option<Arn> {
        split(text).map(|_| Arn(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The six parts.
    pub fn parts(&self) -> ArnParts<'_> {
        split(&self.0).unwrap_or(ArnParts {
            partition: PARTITION,
            service: "",
            region: "",
            account: "",
            resource: &self.0,
        })
    }
}

/// Splits text into the six parts of an ARN, or `None` when it is none.
pub fn split(text: &str) -> Option<ArnParts<'_>> {
    let mut parts = text.splitn(6, ':');
    let (Some("arn"), Some(partition), Some(service), Some(region), Some(account), Some(resource)) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return None;
    };
    (!partition.is_empty() && !service.is_empty() && !resource.is_empty()).then_some(ArnParts {
        partition,
        service,
        region,
        account,
        resource,
    })
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `arn:aws:iam::A:root`
pub fn root(account: AccountId) -> Arn {
    Arn(format!("arn:aws:iam::{account}:root"))
}

/// `arn:aws:iam::A:user/path/name`; `path` begins and ends with `/`.
pub fn user(account: AccountId, path: &str, name: &str) -> Arn {
    Arn(format!("arn:aws:iam::{account}:user{path}{name}"))
}

/// `arn:aws:iam::A:role/path/name`; `path` begins and ends with `/`.
pub fn role(account: AccountId, path: &str, name: &str) -> Arn {
    Arn(format!("arn:aws:iam::{account}:role{path}{name}"))
}

/// `arn:aws:kms:R:A:key/id`
pub fn kms_key(region: &Region, account: AccountId, key_id: &str) -> Arn {
    Arn(format!("arn:aws:kms:{region}:{account}:key/{key_id}"))
}

/// `arn:aws:kms:R:A:alias/name`; `alias_name` begins with `alias/`.
pub fn kms_alias(region: &Region, account: AccountId, alias_name: &str) -> Arn {
    Arn(format!("arn:aws:kms:{region}:{account}:{alias_name}"))
}

/// `arn:aws:s3:::bucket`
pub fn bucket(bucket: &str) -> Arn {
    Arn(format!("arn:aws:s3:::{bucket}"))
}

/// `arn:aws:s3:::bucket/key`
pub fn object(bucket: &str, key: &str) -> Arn {
    Arn(format!("arn:aws:s3:::{bucket}/{key}"))
}

/// `arn:aws:sns:R:A:name`
pub fn topic(region: &Region, account: AccountId, name: &str) -> Arn {
    Arn(format!("arn:aws:sns:{region}:{account}:{name}"))
}

/// `arn:aws:sns:R:A:topic:id`
pub fn subscription(region: &Region, account: AccountId, topic: &str, id: &str) -> Arn {
    Arn(format!("arn:aws:sns:{region}:{account}:{topic}:{id}"))
}

/// `arn:aws:cloudtrail:R:A:trail/name`; the Region is the trail's home Region.
pub fn trail(home: &Region, account: AccountId, name: &str) -> Arn {
    Arn(format!("arn:aws:cloudtrail:{home}:{account}:trail/{name}"))
}

/// `arn:aws:cloudtrail:R:A:channel/id`; the id is `*` where the one meant is still to be made.
pub fn channel(region: &Region, account: AccountId, id: &str) -> Arn {
    Arn(format!("arn:{PARTITION}:cloudtrail:{region}:{account}:channel/{id}"))
}

/// `arn:aws:logs:R:A:log-group:name`
pub fn log_group(region: &Region, account: AccountId, name: &str) -> Arn {
    Arn(format!("arn:aws:logs:{region}:{account}:log-group:{name}"))
}

/// `arn:aws:logs:R:A:log-group:group:log-stream:stream`; of no stream, how Logs names a group in its decisions.
pub fn log_stream(region: &Region, account: AccountId, group: &str, stream: &str) -> Arn {
    Arn(format!(
        "arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
    ))
}

/// `arn:aws:cloudformation:R:A:changeSet/NAME/ID`
pub fn change_set(region: &Region, account: AccountId, name: &str, id: &str) -> Arn {
    Arn(format!(
        "arn:aws:cloudformation:{region}:{account}:changeSet/{name}/{id}"
    ))
}

/// `arn:aws:cloudformation:R:A:stack/NAME/ID`; the id is `*` where the one meant is still to be made.
pub fn stack(region: &Region, account: AccountId, name: &str, id: &str) -> Arn {
    Arn(format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/{id}"))
}

/// The resource `*` of a service call that names no resource.
pub fn any() -> Arn {
    Arn("*".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_its_colons_and_short_text_is_no_arn() {
        let parts = split("arn:aws:logs:us-east-1:123456789012:log-group:a:*");
        assert_eq!(parts.map(|p| p.resource), Some("log-group:a:*"));
        for text in ["", "arn", "arn:aws:s3:::", "x:aws:s3:::b", "arn::s3:::b"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
