//! Errors out: what AWS calls an error, and how each protocol writes it.

use crate::{
    CLOUDTRAIL_OPERATIONS, Protocol, Reply, RouteFault, ServiceName, WireFault,
    fault::{LIST, STRUCTURE},
    json, xml,
};
use http::HeaderName;
use std::borrow::Cow;

/// What a room's closed error enum says of itself; one `match` each, in the room's `error.rs`.
pub trait AwsError {
    /// The code, such as `TrailNotFoundException`.
    fn code(&self) -> Cow<'static, str>;
    /// AWS's text.
    fn message(&self) -> String;
    /// The HTTP status.
    fn status(&self) -> u16;
    /// S3's further elements, such as `BucketName`; members in JSON.
    fn extra(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// Headers that go with it, such as `x-amz-bucket-region`.
    fn headers(&self) -> Vec<(HeaderName, String)> {
        Vec::new()
    }
}

/// An error, ready to be rendered in any protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// The code.
    pub code: String,
    /// The text; empty leaves it out in JSON.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// S3's further elements; members in JSON.
    pub extra: Vec<(&'static str, String)>,
    /// Headers that go with it.
    pub headers: Vec<(HeaderName, String)>,
}

impl ErrorReply {
    /// An error without extras.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> ErrorReply {
        ErrorReply {
            code: code.into(),
            message: message.into(),
            status,
            extra: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// What a room's error says.
    pub fn of(error: &(impl AwsError + ?Sized)) -> ErrorReply {
        ErrorReply {
            code: error.code().into_owned(),
            message: error.message(),
            status: error.status(),
            extra: error.extra(),
            headers: error.headers(),
        }
    }

    /// With a further element.
    pub fn extra(mut self, name: &'static str, value: impl Into<String>) -> ErrorReply {
        self.extra.push((name, value.into()));
        self
    }

    /// What a service says of a request that could not be routed.
    pub fn of_route(fault: &RouteFault, service: ServiceName) -> ErrorReply {
        match fault {
            RouteFault::InvalidUri if service == ServiceName::S3 => {
                ErrorReply::new(400, "InvalidURI", "Couldn't parse the specified URI.")
            }
            RouteFault::InvalidUri => ErrorReply::of_wire(&WireFault::Malformed("the uri does not decode"), service),
            RouteFault::MethodNotAllowed { method } => ErrorReply::new(
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            )
            .extra("Method", method),
            RouteFault::MissingAction => {
                ErrorReply::new(400, "MissingAction", "The request must contain the parameter Action")
            }
            RouteFault::UnknownOperation { operation, version } => {
                unknown_operation(service, operation, version.as_deref())
            }
            RouteFault::UnknownService(name) => {
                ErrorReply::new(501, "NotImplemented", format!("The service {name} is not implemented."))
            }
        }
    }

    /// What a service says of an input that could not be read.
    pub fn of_wire(fault: &WireFault, service: ServiceName) -> ErrorReply {
        match service.protocol() {
            Protocol::Json11 | Protocol::RestJson => json_fault(fault, service),
            Protocol::Query => query_fault(fault),
            Protocol::Ec2Query => ec2_fault(fault),
            Protocol::RestXml => s3_fault(fault),
        }
    }

    /// Our own failure: says nothing but that.
    pub fn internal(service: ServiceName) -> ErrorReply {
        const TEXT: &str = "We encountered an internal error. Please try again.";
        match service {
            ServiceName::S3 | ServiceName::Ec2 => ErrorReply::new(500, "InternalError", TEXT),
            ServiceName::Sns => ErrorReply::new(500, "InternalError", TEXT),
            ServiceName::Kms => ErrorReply::new(500, "KMSInternalException", TEXT),
            ServiceName::Logs => ErrorReply::new(500, "ServiceUnavailableException", TEXT),
            ServiceName::CloudTrail
            | ServiceName::CloudTrailData
            | ServiceName::Iam
            | ServiceName::Sts
            | ServiceName::CloudFormation
            | ServiceName::Shoseki => ErrorReply::new(500, "InternalFailure", TEXT),
        }
    }
}

/// The answer to an operation that has a name and no implementation here. The JSON and query services do not tell
/// such a one from a name that AWS has never heard, and AWS's own clients know both codes.
pub fn not_implemented(service: ServiceName, operation: &str) -> ErrorReply {
    match service.protocol() {
        Protocol::RestXml => ErrorReply::new(
            501,
            "NotImplemented",
            format!("The operation {operation} is not implemented."),
        ),
        // CloudTrail has an exception for it, which its clients know by type.
        _ if service == ServiceName::CloudTrail && CLOUDTRAIL_OPERATIONS.binary_search(&operation).is_ok() => {
            ErrorReply::new(
                400,
                "UnsupportedOperationException",
                format!("The operation {operation} is not implemented."),
            )
        }
        _ => unknown_operation(service, operation, Some(service.api_version())),
    }
}

fn unknown_operation(service: ServiceName, operation: &str, version: Option<&str>) -> ErrorReply {
    match service.protocol() {
        Protocol::RestXml => not_implemented(service, operation),
        Protocol::RestJson => ErrorReply::new(404, "UnknownOperationException", ""),
        Protocol::Json11 if operation.is_empty() => ErrorReply::new(400, "UnknownOperationException", ""),
        Protocol::Json11 => ErrorReply::new(
            400,
            "UnknownOperationException",
            format!("The operation {operation} is not implemented."),
        ),
        Protocol::Query => {
            let version = version.unwrap_or("NO_VERSION_SPECIFIED");
            let message = format!("Could not find operation {operation} for version {version}");
            ErrorReply::new(400, "InvalidAction", message)
        }
        Protocol::Ec2Query => ErrorReply::new(
            400,
            "InvalidAction",
            format!("The action {operation} is not valid for this web service."),
        ),
    }
}

/// How AWS's parser of JSON and forms says that a value is of another type.
fn conversion(found: &str, expected: &str) -> String {
    match found {
        STRUCTURE => "Start of structure or map found where not expected.".to_owned(),
        LIST => "Start of list found where not expected".to_owned(),
        _ => format!("{found} can not be converted to {expected}"),
    }
}

/// How AWS's validation says that a member is absent or outside its set; `None` for other faults.
fn validation(fault: &WireFault) -> Option<String> {
    let (value, at, constraint) = match fault {
        WireFault::Missing { at } => ("null".to_owned(), at, "Member must not be null".to_owned()),
        WireFault::NotInSet { at, value, allowed } => {
            let constraint = format!("Member must satisfy enum value set: [{}]", allowed.join(", "));
            (format!("'{value}'"), at, constraint)
        }
        _ => return None,
    };
    Some(format!(
        "1 validation error detected: Value {value} at '{}' failed to satisfy constraint: {constraint}",
        at.validation_path()
    ))
}

fn json_fault(fault: &WireFault, service: ServiceName) -> ErrorReply {
    if let Some(message) = validation(fault) {
        let code = match service {
            ServiceName::Logs => "InvalidParameterException",
            _ => "ValidationException",
        };
        return ErrorReply::new(400, code, message);
    }
    let message = match fault {
        WireFault::TooLarge { bytes_max } => {
            let message = format!("Request size must be at most {bytes_max} bytes.");
            return ErrorReply::new(413, "RequestEntityTooLargeException", message);
        }
        WireFault::Mismatch { found, expected, .. } => conversion(found, expected),
        WireFault::Invalid { message, .. } => message.clone(),
        WireFault::Unknown { at } => format!("Unexpected field {}", at.name()),
        // AWS says no more than the code.
        _ => String::new(),
    };
    ErrorReply::new(400, "SerializationException", message)
}

fn query_fault(fault: &WireFault) -> ErrorReply {
    if let Some(message) = validation(fault) {
        return ErrorReply::new(400, "ValidationError", message);
    }
    match fault {
        WireFault::TooLarge { bytes_max } => ErrorReply::new(
            413,
            "RequestEntityTooLarge",
            format!("Request size must be at most {bytes_max} bytes."),
        ),
        WireFault::Mismatch { found, expected, .. } => {
            ErrorReply::new(400, "MalformedInput", conversion(found, expected))
        }
        WireFault::Invalid { message, .. } => ErrorReply::new(400, "MalformedInput", message),
        _ => ErrorReply::new(400, "MalformedInput", "The request could not be parsed."),
    }
}

fn ec2_fault(fault: &WireFault) -> ErrorReply {
    match fault {
        WireFault::Missing { at } => ErrorReply::new(
            400,
            "MissingParameter",
            format!("The request must contain the parameter {}", at.name()),
        ),
        WireFault::NotInSet { at, value, .. } => ErrorReply::new(
            400,
            "InvalidParameterValue",
            format!("Value ({value}) for parameter {} is invalid.", at.name()),
        ),
        WireFault::Mismatch { at, .. } | WireFault::Invalid { at, .. } => ErrorReply::new(
            400,
            "InvalidParameterValue",
            format!("Invalid value for parameter {}.", at.name()),
        ),
        _ => query_fault(fault),
    }
}

fn s3_fault(fault: &WireFault) -> ErrorReply {
    match fault {
        WireFault::TooLarge { bytes_max } => {
            ErrorReply::new(400, "MaxMessageLengthExceeded", "Your request was too big.")
                .extra("MaxMessageLengthBytes", bytes_max.to_string())
        }
        _ => ErrorReply::new(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
    }
}

/// Writes an error as the service does. `host_id` and `resource` (the request's path) are S3's; `head_request` leaves the
/// body out.
pub fn render_error(
    service: ServiceName,
    error: &ErrorReply,
    request_id: &str,
    host_id: &str,
    resource: Option<&str>,
    head_request: bool,
) -> Reply {
    let reply = match service.protocol() {
        Protocol::Json11 => json_error(service, error, request_id),
        Protocol::RestJson => rest_json_error(service, error, request_id),
        Protocol::Query => query_error(service, error, request_id),
        Protocol::Ec2Query => ec2_error(error, request_id),
        Protocol::RestXml => s3_error(error, request_id, host_id, resource),
    };
    let headers = error.headers.iter();
    let reply = headers.fold(reply, |reply, (name, value)| reply.with(name.clone(), value));
    match head_request || reply.status == 304 {
        true => reply.without_body(),
        false => reply,
    }
}

fn json_error(service: ServiceName, error: &ErrorReply, request_id: &str) -> Reply {
    // SPEC: CloudTrail's exceptions have a capital Message, the others of this protocol do not (spec/trails.md 1).
    let message_name = match service {
        ServiceName::CloudTrail => "Message",
        _ => "message",
    };
    let mut members = serde_json::Map::new();
    members.insert("__type".to_owned(), error.code.as_str().into());
    if !error.message.is_empty() {
        members.insert(message_name.to_owned(), error.message.as_str().into());
    }
    for (name, value) in &error.extra {
        members.insert((*name).to_owned(), value.as_str().into());
    }
    Reply::new(error.status)
        .header("x-amzn-requestid", request_id)
        .header("content-type", json::CONTENT_TYPE)
        .body(serde_json::Value::Object(members).to_string())
}

/// As [`json_error`], with the code in a header, where clients of this protocol look for it first.
fn rest_json_error(service: ServiceName, error: &ErrorReply, request_id: &str) -> Reply {
    let body = json_error(service, error, request_id).body;
    Reply::new(error.status)
        .header("x-amzn-requestid", request_id)
        .header("x-amzn-errortype", &error.code)
        .header("content-type", json::REST_CONTENT_TYPE)
        .body(body)
}

fn query_error(service: ServiceName, error: &ErrorReply, request_id: &str) -> Reply {
    let mut out = xml::Text::default();
    out.open_with("ErrorResponse", service.xml_namespace());
    out.open("Error");
    out.element("Type", if error.status >= 500 { "Receiver" } else { "Sender" });
    out.element("Code", &error.code);
    out.element("Message", &error.message);
    out.close("Error");
    out.element("RequestId", request_id);
    out.close("ErrorResponse");
    Reply::new(error.status)
        .header("x-amzn-requestid", request_id)
        .header("content-type", "text/xml")
        .body(out.finish())
}

fn ec2_error(error: &ErrorReply, request_id: &str) -> Reply {
    let mut out = xml::Text::declared();
    out.open("Response");
    out.open("Errors");
    out.open("Error");
    out.element("Code", &error.code);
    out.element("Message", &error.message);
    out.close("Error");
    out.close("Errors");
    out.element("RequestID", request_id);
    out.close("Response");
    Reply::new(error.status)
        .header("x-amzn-requestid", request_id)
        .header("content-type", "text/xml;charset=UTF-8")
        .body(out.finish())
}

fn s3_error(error: &ErrorReply, request_id: &str, host_id: &str, resource: Option<&str>) -> Reply {
    let mut out = xml::Text::declared();
    out.open("Error");
    out.element("Code", &error.code);
    out.element("Message", &error.message);
    for (name, value) in &error.extra {
        out.element(name, value);
    }
    if let Some(resource) = resource {
        out.element("Resource", resource);
    }
    out.element("RequestId", request_id);
    out.element("HostId", host_id);
    out.close("Error");
    Reply::new(error.status)
        .header("x-amz-request-id", request_id)
        .header("x-amz-id-2", host_id)
        .header("content-type", "application/xml")
        .body(out.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(service: ServiceName, error: &ErrorReply) -> Reply {
        render_error(service, error, "RID", "HID", Some("/b/k&"), false)
    }

    #[test]
    fn each_protocol_has_its_shape() {
        let check = |service, status, body: &str, content_type: &str| {
            let reply = rendered(service, &ErrorReply::new(status, "Code", "a <b> \"c\""));
            assert_eq!(std::str::from_utf8(&reply.body).unwrap(), body);
            assert_eq!(reply.status, status);
            let header = |name: &str| reply.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            assert_eq!(header("content-type").unwrap(), content_type);
            assert!(
                header("x-amzn-requestid")
                    .or(header("x-amz-request-id"))
                    .is_some_and(|id| id == "RID")
            );
        };
        let json = "application/x-amz-json-1.1";
        check(
            ServiceName::Kms,
            400,
            r#"{"__type":"Code","message":"a <b> \"c\""}"#,
            json,
        );
        check(
            ServiceName::Shoseki,
            400,
            r#"{"__type":"Code","message":"a <b> \"c\""}"#,
            json,
        );
        check(
            ServiceName::CloudTrail,
            400,
            r#"{"Message":"a <b> \"c\"","__type":"Code"}"#,
            json,
        );
        check(
            ServiceName::Sts,
            403,
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>Code</Code><Message>a &lt;b&gt; &quot;c&quot;</Message></Error><RequestId>RID</RequestId></ErrorResponse>",
            "text/xml",
        );
        check(
            ServiceName::Ec2,
            400,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>Code</Code><Message>a &lt;b&gt; &quot;c&quot;</Message></Error></Errors><RequestID>RID</RequestID></Response>",
            "text/xml;charset=UTF-8",
        );
        check(
            ServiceName::S3,
            404,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>Code</Code><Message>a &lt;b&gt; &quot;c&quot;</Message><Resource>/b/k&amp;</Resource><RequestId>RID</RequestId><HostId>HID</HostId></Error>",
            "application/xml",
        );
    }

    #[test]
    fn extras_and_headers_go_along_and_head_has_no_body() {
        let mut error = ErrorReply::new(301, "PermanentRedirect", "m").extra("Bucket", "b\u{1}");
        error.headers = vec![(HeaderName::from_static("x-amz-bucket-region"), "eu-west-1".to_owned())];
        let reply = rendered(ServiceName::S3, &error);
        let body = String::from_utf8(reply.body.to_vec()).unwrap();
        assert!(body.contains("<Bucket>b\u{fffd}</Bucket>"), "{body}");
        assert!(
            reply
                .headers
                .iter()
                .any(|(n, v)| n == "x-amz-bucket-region" && v == "eu-west-1")
        );
        let head = render_error(ServiceName::S3, &error, "RID", "HID", None, true);
        assert!(head.body.is_empty());
        assert!(head.headers.iter().all(|(n, _)| n != "content-type"));
        assert!(head.headers.iter().any(|(n, _)| n == "x-amz-request-id"));
        let code_only = rendered(ServiceName::Kms, &ErrorReply::new(400, "SerializationException", ""));
        assert_eq!(&code_only.body[..], br#"{"__type":"SerializationException"}"#);
    }

    #[test]
    fn route_faults_are_said_by_the_service() {
        let check = |fault: &RouteFault, service, status, code: &str, message: &str| {
            let error = ErrorReply::of_route(fault, service);
            assert_eq!(
                (error.status, error.code.as_str(), error.message.as_str()),
                (status, code, message)
            );
        };
        let unknown = RouteFault::unknown_operation("Foo");
        check(
            &unknown,
            ServiceName::Kms,
            400,
            "UnknownOperationException",
            "The operation Foo is not implemented.",
        );
        check(
            &unknown,
            ServiceName::Iam,
            400,
            "InvalidAction",
            "Could not find operation Foo for version NO_VERSION_SPECIFIED",
        );
        check(
            &RouteFault::unknown_operation(""),
            ServiceName::Kms,
            400,
            "UnknownOperationException",
            "",
        );
        check(
            &RouteFault::InvalidUri,
            ServiceName::S3,
            400,
            "InvalidURI",
            "Couldn't parse the specified URI.",
        );
        let method = RouteFault::MethodNotAllowed {
            method: "POST".to_owned(),
        };
        check(
            &method,
            ServiceName::S3,
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        );
        let error = not_implemented(ServiceName::S3, "PutBucketWebsite");
        assert_eq!(error.message, "The operation PutBucketWebsite is not implemented.");
        assert_eq!((error.status, error.code.as_str()), (501, "NotImplemented"));
        let error = not_implemented(ServiceName::CloudTrail, "StartQuery");
        assert_eq!(error.message, "The operation StartQuery is not implemented.");
        assert_eq!(
            (error.status, error.code.as_str()),
            (400, "UnsupportedOperationException")
        );
        let error = not_implemented(ServiceName::CloudTrail, "StartNothing");
        assert_eq!(error.code, "UnknownOperationException");
        assert!(CLOUDTRAIL_OPERATIONS.is_sorted());
        let error = not_implemented(ServiceName::Sts, "AssumeRole");
        assert_eq!(
            error.message,
            "Could not find operation AssumeRole for version 2011-06-15"
        );
    }
}
