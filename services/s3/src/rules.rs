//! Lifecycle rules as documents have them, read and written; what is wrong with them in AWS's words.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>

use crate::{
    S3Error,
    model::lifecycle::{DAY, Expiration, Filter, Noncurrent, Rule, Shape},
};
use base::{Random, Timestamp};
use serde::{Deserialize, Serialize, de::IgnoredAny};

/// The most rules of a bucket.
const RULES_MAX: usize = 1000;
const ID_CHARS_MAX: usize = 255;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    #[serde(default)]
    rule: Vec<RuleIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleIn {
    #[serde(rename = "ID")]
    id: Option<String>,
    status: Option<String>,
    prefix: Option<String>,
    filter: Option<FilterIn>,
    expiration: Option<ExpirationElement>,
    noncurrent_version_expiration: Option<NoncurrentElement>,
    abort_incomplete_multipart_upload: Option<AbortElement>,
    transition: Option<Vec<IgnoredAny>>,
    noncurrent_version_transition: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct FilterIn {
    prefix: Option<String>,
    tag: Option<TagElement>,
    object_size_greater_than: Option<u64>,
    object_size_less_than: Option<u64>,
    and: Option<AndElement>,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AndElement {
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    tag: Vec<TagElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_size_greater_than: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_size_less_than: Option<u64>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagElement {
    key: String,
    value: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExpirationElement {
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_object_delete_marker: Option<bool>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NoncurrentElement {
    noncurrent_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newer_noncurrent_versions: Option<i64>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AbortElement {
    days_after_initiation: Option<i64>,
}

/// The rules of a document.
pub fn read(document: Document, random: &Random) -> Result<Vec<Rule>, S3Error> {
    if document.rule.is_empty() || document.rule.len() > RULES_MAX {
        return Err(S3Error::MalformedXml);
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(document.rule.len());
    for rule in document.rule {
        let rule = one(rule, random)?;
        if rules.iter().any(|known| known.id == rule.id) {
            let text = "Rule ID must be unique. Found same ID for more than one rule";
            return Err(S3Error::argument(text, "RuleId", rule.id));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn one(rule: RuleIn, random: &Random) -> Result<Rule, S3Error> {
    for (there, name) in [
        (rule.transition.is_some(), "Transition"),
        (
            rule.noncurrent_version_transition.is_some(),
            "NoncurrentVersionTransition",
        ),
    ] {
        if there {
            return Err(S3Error::NotImplemented(name.into()));
        }
    }
    let id = match rule.id.filter(|id| !id.is_empty()) {
        Some(id) if id.chars().count() > ID_CHARS_MAX => {
            let text = "ID length should not exceed allowed limit of 255";
            return Err(S3Error::argument(text, "ID", id));
        }
        Some(id) => id,
        None => hex::encode(random.bytes::<24>()),
    };
    let enabled = match rule.status.as_deref() {
        Some("Enabled") => true,
        Some("Disabled") => false,
        _ => return Err(S3Error::MalformedXml),
    };
    let filter = filter(rule.prefix, rule.filter)?;
    let expiration = rule.expiration.map(expiration).transpose()?;
    let noncurrent = rule.noncurrent_version_expiration.map(noncurrent).transpose()?;
    let abort_days = match rule.abort_incomplete_multipart_upload {
        None => None,
        Some(abort) => Some(positive(
            abort.days_after_initiation.ok_or(S3Error::MalformedXml)?,
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
            "DaysAfterInitiation",
        )?),
    };
    if expiration.is_none() && noncurrent.is_none() && abort_days.is_none() {
        let text = "At least one action needs to be specified in a rule";
        return Err(S3Error::InvalidRequest(text.into()));
    }
    if !filter.tags.is_empty() {
        let refused = |what: &str| {
            Err(S3Error::InvalidRequest(
                format!("{what} cannot be specified with Tags.").into(),
            ))
        };
        if abort_days.is_some() {
            return refused("AbortIncompleteMultipartUpload");
        }
        if matches!(expiration, Some(Expiration::Marker(_))) {
            return refused("ExpiredObjectDeleteMarker");
        }
    }
    Ok(Rule {
        id,
        enabled,
        filter,
        expiration,
        noncurrent,
        abort_days,
    })
}

fn filter(legacy: Option<String>, filter: Option<FilterIn>) -> Result<Filter, S3Error> {
    let pair = |tag: TagElement| (tag.key, tag.value);
    match (legacy, filter) {
        (Some(prefix), None) => Ok(Filter {
            shape: Shape::Legacy,
            prefix: Some(prefix),
            ..Filter::default()
        }),
        (None, Some(filter)) => {
            let conditions = [
                filter.prefix.is_some(),
                filter.tag.is_some(),
                filter.object_size_greater_than.is_some(),
                filter.object_size_less_than.is_some(),
                filter.and.is_some(),
            ];
            if conditions.iter().filter(|there| **there).count() > 1 {
                return Err(S3Error::MalformedXml);
            }
            Ok(match filter.and {
                Some(and) => Filter {
                    shape: Shape::And,
                    prefix: and.prefix,
                    tags: and.tag.into_iter().map(pair).collect(),
                    greater: and.object_size_greater_than,
                    less: and.object_size_less_than,
                },
                None => Filter {
                    shape: Shape::Plain,
                    prefix: filter.prefix,
                    tags: filter.tag.into_iter().map(pair).collect(),
                    greater: filter.object_size_greater_than,
                    less: filter.object_size_less_than,
                },
            })
        }
        _ => Err(S3Error::MalformedXml),
    }
}

fn expiration(element: ExpirationElement) -> Result<Expiration, S3Error> {
    match (element.days, element.date, element.expired_object_delete_marker) {
        (Some(days), None, None) => {
            let text = "'Days' for Expiration action must be a positive integer";
            positive(days, text, "Days").map(Expiration::Days)
        }
        (None, Some(text), None) => {
            let date = Timestamp::parse(&text).ok_or(S3Error::MalformedXml)?;
            match date.floor_to(DAY) == date {
                true => Ok(Expiration::Date(date)),
                false => Err(S3Error::argument("'Date' must be at midnight GMT", "Date", text)),
            }
        }
        (None, None, Some(marker)) => Ok(Expiration::Marker(marker)),
        _ => Err(S3Error::MalformedXml),
    }
}

fn noncurrent(element: NoncurrentElement) -> Result<Noncurrent, S3Error> {
    let days = positive(
        element.noncurrent_days.ok_or(S3Error::MalformedXml)?,
        "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
        "NoncurrentDays",
    )?;
    let newer = match element.newer_noncurrent_versions {
        None => None,
        Some(newer @ 1..=100) => u32::try_from(newer).ok(),
        Some(other) => {
            let text = "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be between 1 and 100";
            return Err(S3Error::argument(text, "NewerNoncurrentVersions", other.to_string()));
        }
    };
    Ok(Noncurrent { days, newer })
}

fn positive(number: i64, text: &'static str, name: &'static str) -> Result<u32, S3Error> {
    match u32::try_from(number) {
        Ok(days @ 1..=0x7fff_ffff) => Ok(days),
        _ => Err(S3Error::argument(text, name, number.to_string())),
    }
}

/// Rules to be answered.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Written {
    rule: Vec<RuleOut>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RuleOut {
    #[serde(rename = "ID")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<FilterOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<ExpirationElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    noncurrent_version_expiration: Option<NoncurrentElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    abort_incomplete_multipart_upload: Option<AbortElement>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct FilterOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<TagElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_size_greater_than: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_size_less_than: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    and: Option<AndElement>,
}

/// Writes rules as they were put.
pub fn written(rules: Vec<Rule>) -> Written {
    let rule = rules.into_iter().map(|rule| {
        let (filter, prefix) = filter_out(rule.filter);
        RuleOut {
            id: rule.id,
            filter,
            prefix,
            status: if rule.enabled { "Enabled" } else { "Disabled" },
            expiration: rule.expiration.map(expiration_out),
            noncurrent_version_expiration: rule.noncurrent.map(|ends| NoncurrentElement {
                noncurrent_days: Some(ends.days.into()),
                newer_noncurrent_versions: ends.newer.map(Into::into),
            }),
            abort_incomplete_multipart_upload: rule.abort_days.map(|days| AbortElement {
                days_after_initiation: Some(days.into()),
            }),
        }
    });
    Written { rule: rule.collect() }
}

fn expiration_out(expiration: Expiration) -> ExpirationElement {
    let (mut days, mut date, mut marker) = (None, None, None);
    match expiration {
        Expiration::Days(number) => days = Some(number.into()),
        Expiration::Date(at) => date = Some(at.iso8601_millis()),
        Expiration::Marker(on) => marker = Some(on),
    }
    ExpirationElement {
        days,
        date,
        expired_object_delete_marker: marker,
    }
}

fn filter_out(filter: Filter) -> (Option<FilterOut>, Option<String>) {
    let mut tags = filter.tags.into_iter().map(|(key, value)| TagElement { key, value });
    match filter.shape {
        Shape::Legacy => (None, filter.prefix),
        Shape::Plain => {
            let out = FilterOut {
                prefix: filter.prefix,
                tag: tags.next(),
                object_size_greater_than: filter.greater,
                object_size_less_than: filter.less,
                and: None,
            };
            (Some(out), None)
        }
        Shape::And => {
            let and = AndElement {
                prefix: filter.prefix,
                tag: tags.collect(),
                object_size_greater_than: filter.greater,
                object_size_less_than: filter.less,
            };
            let out = FilterOut {
                and: Some(and),
                ..FilterOut::default()
            };
            (Some(out), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    fn rules(inner: &str) -> Result<Vec<Rule>, S3Error> {
        let body = format!("<LifecycleConfiguration>{inner}</LifecycleConfiguration>");
        let document: Document = wire::xml::parse_as("LifecycleConfiguration", body.as_bytes())?;
        read(document, &Random::seeded(1))
    }

    #[test]
    fn documents_come_back_as_they_were_put() {
        for inner in [
            "<Rule><ID>a</ID><Filter/><Status>Enabled</Status><Expiration><Days>180</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule>",
            "<Rule><ID>a</ID><Prefix>logs/</Prefix><Status>Disabled</Status><Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>",
            "<Rule><ID>a</ID><Filter><And><Prefix>p</Prefix><Tag><Key>k</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>",
            "<Rule><ID>a</ID><Filter><Prefix/></Filter><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>",
        ] {
            let text = wire::xml::s3_document("LifecycleConfiguration", &written(rules(inner).unwrap())).unwrap();
            assert!(text.contains(inner), "{text}\n{inner}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let check = |inner: &str, code: &str| {
            let refused = rules(inner).map_err(|e| e.code().into_owned());
            assert_eq!(refused.err().as_deref(), Some(code), "{inner}");
        };
        let rule = |inner: &str| format!("<Rule><ID>a</ID><Status>Enabled</Status>{inner}</Rule>");
        let days = "<Expiration><Days>1</Days></Expiration>";
        check("", "MalformedXML");
        check(&rule(days), "MalformedXML");
        check(&rule(&format!("<Prefix/><Filter/>{days}")), "MalformedXML");
        check(&rule("<Filter/>"), "InvalidRequest");
        check(
            &rule("<Filter/><Expiration><Days>0</Days></Expiration>"),
            "InvalidArgument",
        );
        check(
            &rule("<Filter/><Expiration><Date>2030-01-01T00:00:01Z</Date></Expiration>"),
            "InvalidArgument",
        );
        check(
            &rule(
                "<Filter/><Expiration><Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
            ),
            "MalformedXML",
        );
        check(&rule(&format!("<Filter/>{days}")).repeat(2), "InvalidArgument");
        check(
            &rule("<Filter/><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"),
            "NotImplemented",
        );
        let tag = "<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>";
        let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
        check(&rule(&format!("{tag}{abort}")), "InvalidRequest");
        check(
            &rule(&format!("<Filter/>{days}")).replace("Enabled", "On"),
            "MalformedXML",
        );
        check(
            &rule(
                "<Filter/><NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays></NoncurrentVersionExpiration>",
            ),
            "InvalidArgument",
        );
    }
}
