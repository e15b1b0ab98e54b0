//! XML documents: results of the query protocols and of S3 out, S3's bodies in.
//!
//! Both directions go by serde. A struct is its fields as elements; a field named `@x` is the attribute `x` of its
//! struct's element, one named `$text` the text of that element; absent options are left out. How a list looks is the
//! writer's [`ListStyle`]; the reader takes a repeated element as a list, so that a wrapped list is a struct of one field.
//! `#[serde(flatten)]` and untagged enums are not supported.

mod read;
mod write;

pub use read::{BODY_BYTES_MAX, parse, parse_as};
pub use write::{ListStyle, to_string};

pub(crate) use write::Text;

use crate::{Reply, ServiceName};
use base::Fault;
use serde::Serialize;

const UNFIT: Fault = Fault::Bug("a result does not fit XML");

/// A query protocol's answer: `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`. Lists have `member`s.
pub fn query_response(
    service: ServiceName,
    operation: &str,
    result: &impl Serialize,
    request_id: &str,
) -> Result<Reply, Fault> {
    let response = format!("{operation}Response");
    let result = write::element(&format!("{operation}Result"), None, result, ListStyle::Member).map_err(|_| UNFIT)?;
    Ok(query_envelope(service, &response, &result, request_id))
}

/// The same for an operation without a result, which has no `OpResult`.
pub fn query_response_empty(service: ServiceName, operation: &str, request_id: &str) -> Reply {
    query_envelope(service, &format!("{operation}Response"), "", request_id)
}

fn query_envelope(service: ServiceName, response: &str, result: &str, request_id: &str) -> Reply {
    let mut out = Text::default();
    out.open_with(response, service.xml_namespace());
    out.raw(result);
    out.open("ResponseMetadata");
    out.element("RequestId", request_id);
    out.close("ResponseMetadata");
    out.close(response);
    Reply::new(200)
        .header("x-amzn-requestid", request_id)
        .header("content-type", "text/xml")
        .body(out.finish())
}

/// EC2's answer: the result's fields beside `<requestId>`. Lists have `item`s; the result is a struct.
pub fn ec2_response(operation: &str, result: &impl Serialize, request_id: &str) -> Result<Reply, Fault> {
    let response = format!("{operation}Response");
    let whole = write::element(&response, None, result, ListStyle::Item).map_err(|_| UNFIT)?;
    let fields = whole
        .strip_prefix(&format!("<{response}>"))
        .and_then(|rest| rest.strip_suffix(&format!("</{response}>")));
    let mut out = Text::declared();
    out.open_with(&response, ServiceName::Ec2.xml_namespace());
    out.element("requestId", request_id);
    // Without fields the element is `<x/>`, which has neither end.
    out.raw(fields.unwrap_or(""));
    out.close(&response);
    Ok(Reply::new(200)
        .header("x-amzn-requestid", request_id)
        .header("content-type", "text/xml;charset=UTF-8")
        .body(out.finish()))
}

/// S3's document: declaration, root with S3's namespace, flat lists. Characters that XML 1.0 lacks are written as
/// references, as S3 does, which is why its clients ask for `encoding-type=url`.
pub fn s3_document(root: &str, value: &impl Serialize) -> Result<String, Fault> {
    let body = write::element(root, Some(ServiceName::S3.xml_namespace()), value, ListStyle::Flat);
    Ok(format!("{}{}", write::DECLARATION, body.map_err(|_| UNFIT)?))
}

/// An S3 answer with a document, status 200 and the request's ids.
pub fn s3_response(root: &str, value: &impl Serialize, request_id: &str, host_id: &str) -> Result<Reply, Fault> {
    Ok(Reply::new(200)
        .header("x-amz-request-id", request_id)
        .header("x-amz-id-2", host_id)
        .header("content-type", "application/xml")
        .body(s3_document(root, value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Identity {
        user_id: String,
        account: Option<String>,
        tags: Vec<String>,
    }

    fn text(reply: &Reply) -> &str {
        std::str::from_utf8(&reply.body).unwrap()
    }

    #[test]
    fn envelopes() {
        let identity = Identity {
            user_id: "A&B".to_owned(),
            account: None,
            tags: vec!["x".to_owned(), String::new()],
        };
        let reply = query_response(ServiceName::Sts, "GetCallerIdentity", &identity, "RID").unwrap();
        assert_eq!(
            text(&reply),
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><UserId>A&amp;B</UserId><Tags><member>x</member><member/></Tags></GetCallerIdentityResult><ResponseMetadata><RequestId>RID</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
        let reply = query_response_empty(ServiceName::Iam, "DeleteUser", "RID");
        assert_eq!(
            text(&reply),
            "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ResponseMetadata><RequestId>RID</RequestId></ResponseMetadata></DeleteUserResponse>"
        );
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Regions {
            region_info: Vec<Region>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Region {
            region_name: &'static str,
        }
        let regions = Regions {
            region_info: vec![Region { region_name: "a" }],
        };
        assert_eq!(
            text(&ec2_response("DescribeRegions", &regions, "RID").unwrap()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>RID</requestId><regionInfo><item><regionName>a</regionName></item></regionInfo></DescribeRegionsResponse>"
        );
        #[derive(Serialize)]
        struct Nothing {}
        assert_eq!(
            text(&ec2_response("X", &Nothing {}, "RID").unwrap()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<XResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>RID</requestId></XResponse>"
        );
        assert_eq!(
            s3_document("LocationConstraint", &"").unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"
        );
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Document {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        marker: Option<String>,
        truncated: bool,
        max_keys: i64,
        #[serde(default)]
        contents: Vec<Content>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Content {
        #[serde(rename = "@kind")]
        kind: String,
        key: String,
        #[serde(default)]
        part: Vec<u32>,
    }

    fn any_text() -> impl Strategy<Value = String> {
        any::<String>().prop_map(|text| text.replace('\0', ""))
    }

    prop_compose! {
        fn any_content()(kind in any_text(), key in any_text(), part in any::<Vec<u32>>()) -> Content {
            Content { kind, key, part }
        }
    }

    prop_compose! {
        fn any_document()(
            name in any_text(),
            marker in proptest::option::of(any_text()),
            truncated in any::<bool>(),
            max_keys in any::<i64>(),
            contents in proptest::collection::vec(any_content(), 0..4),
        ) -> Document {
            Document { name, marker, truncated, max_keys, contents }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(document in any_document()) {
            let written = s3_document("Document", &document).unwrap();
            prop_assert_eq!(parse_as::<Document>("Document", written.as_bytes()), Ok(document), "{}", written);
        }
    }
}
