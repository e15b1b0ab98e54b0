//! Which service a request is for, and which operation in the JSON protocols.

use crate::{Form, Head};

/// How a service's requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// AWS JSON 1.1: `POST /`, the operation in `X-Amz-Target`.
    Json11,
    /// A form in, XML out.
    Query,
    /// The query protocol in EC2's dialect: lists without `member`, other envelopes.
    Ec2Query,
    /// Method and path name the operation; JSON in the body, further members in the query.
    RestJson,
    /// S3: method, path and query name the operation; XML or bytes in the body.
    RestXml,
}

/// A service that this server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// Amazon S3.
    S3,
    /// AWS KMS.
    Kms,
    /// AWS CloudTrail.
    CloudTrail,
    /// CloudTrail's data plane: events from elsewhere.
    CloudTrailData,
    /// AWS IAM.
    Iam,
    /// AWS STS.
    Sts,
    /// Amazon CloudWatch Logs.
    Logs,
    /// Amazon EC2, of which only the Regions are here.
    Ec2,
    /// Amazon SNS.
    Sns,
    /// AWS CloudFormation.
    CloudFormation,
    /// The product's own service.
    Shoseki,
}

impl ServiceName {
    /// Every service.
    pub const ALL: [ServiceName; 11] = [
        ServiceName::S3,
        ServiceName::Kms,
        ServiceName::CloudTrail,
        ServiceName::CloudTrailData,
        ServiceName::Iam,
        ServiceName::Sts,
        ServiceName::Logs,
        ServiceName::Ec2,
        ServiceName::Sns,
        ServiceName::CloudFormation,
        ServiceName::Shoseki,
    ];

    /// The service's name in a signature's scope and in IAM actions.
    pub fn signing_name(self) -> &'static str {
        match self {
            ServiceName::S3 => "s3",
            ServiceName::Kms => "kms",
            ServiceName::CloudTrail => "cloudtrail",
            ServiceName::CloudTrailData => "cloudtrail-data",
            ServiceName::Iam => "iam",
            ServiceName::Sts => "sts",
            ServiceName::Logs => "logs",
            ServiceName::Ec2 => "ec2",
            ServiceName::Sns => "sns",
            ServiceName::CloudFormation => "cloudformation",
            ServiceName::Shoseki => "shoseki",
        }
    }

    /// The service of a signature's scope.
    pub fn from_signing_name(name: &str) -> Option<ServiceName> {
        ServiceName::ALL.into_iter().find(|s| s.signing_name() == name)
    }

    /// An event's `eventSource`.
    pub fn event_source(self) -> &'static str {
        match self {
            ServiceName::S3 => "s3.amazonaws.com",
            ServiceName::Kms => "kms.amazonaws.com",
            ServiceName::CloudTrail => "cloudtrail.amazonaws.com",
            ServiceName::CloudTrailData => "cloudtrail-data.amazonaws.com",
            ServiceName::Iam => "iam.amazonaws.com",
            ServiceName::Sts => "sts.amazonaws.com",
            ServiceName::Logs => "logs.amazonaws.com",
            ServiceName::Ec2 => "ec2.amazonaws.com",
            ServiceName::Sns => "sns.amazonaws.com",
            ServiceName::CloudFormation => "cloudformation.amazonaws.com",
            ServiceName::Shoseki => "shoseki.amazonaws.com",
        }
    }

    /// The protocol.
    pub fn protocol(self) -> Protocol {
        match self {
            ServiceName::S3 => Protocol::RestXml,
            ServiceName::CloudTrailData => Protocol::RestJson,
            ServiceName::Kms | ServiceName::CloudTrail | ServiceName::Logs | ServiceName::Shoseki => Protocol::Json11,
            ServiceName::Iam | ServiceName::Sts | ServiceName::Sns | ServiceName::CloudFormation => Protocol::Query,
            ServiceName::Ec2 => Protocol::Ec2Query,
        }
    }

    /// The API's version; the query protocols' `Version`.
    pub fn api_version(self) -> &'static str {
        match self {
            ServiceName::S3 => "2006-03-01",
            ServiceName::Kms => "2014-11-01",
            ServiceName::CloudTrail => "2013-11-01",
            ServiceName::CloudTrailData => "2021-08-11",
            ServiceName::Iam => "2010-05-08",
            ServiceName::Sts => "2011-06-15",
            ServiceName::Logs => "2014-03-28",
            ServiceName::Ec2 => "2016-11-15",
            ServiceName::Sns => "2010-03-31",
            ServiceName::CloudFormation => "2010-05-15",
            ServiceName::Shoseki => "2026-11-01",
        }
    }

    /// What stands before the operation in `X-Amz-Target`; the first is what AWS's clients send. Empty outside JSON.
    pub fn target_prefixes(self) -> &'static [&'static str] {
        match self {
            ServiceName::Kms => &["TrentService"],
            ServiceName::CloudTrail => &[
                "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
                "CloudTrail_20131101",
            ],
            ServiceName::Logs => &["Logs_20140328"],
            ServiceName::Shoseki => &["Shoseki_20261101"],
            ServiceName::S3
            | ServiceName::CloudTrailData
            | ServiceName::Iam
            | ServiceName::Sts
            | ServiceName::Ec2
            | ServiceName::Sns
            | ServiceName::CloudFormation => &[],
        }
    }

    /// The XML namespace of its documents; empty for JSON.
    pub fn xml_namespace(self) -> &'static str {
        match self {
            ServiceName::S3 => "http://s3.amazonaws.com/doc/2006-03-01/",
            ServiceName::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            ServiceName::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            ServiceName::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
            ServiceName::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            ServiceName::CloudFormation => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
            ServiceName::Kms
            | ServiceName::CloudTrail
            | ServiceName::Logs
            | ServiceName::CloudTrailData
            | ServiceName::Shoseki => "",
        }
    }

    fn from_target(target: &str) -> Option<ServiceName> {
        let (prefix, _) = target.rsplit_once('.')?;
        ServiceName::ALL
            .into_iter()
            .find(|s| s.target_prefixes().contains(&prefix))
    }

    fn from_version(version: &str) -> Option<ServiceName> {
        const BY_VERSION: [ServiceName; 5] = [
            ServiceName::Iam,
            ServiceName::Sts,
            ServiceName::Ec2,
            ServiceName::Sns,
            ServiceName::CloudFormation,
        ];
        BY_VERSION.into_iter().find(|s| s.api_version() == version)
    }
}

/// Why a request could not be routed. [`crate::ErrorReply::of_route`] says it in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteFault {
    /// Bad percent-encoding, or not UTF-8.
    #[error("the uri does not decode")]
    InvalidUri,
    /// The resource is known, the method not on it.
    #[error("method `{method}` does not fit the resource")]
    MethodNotAllowed {
        /// The method sent.
        method: String,
    },
    /// A form without `Action`.
    #[error("the form names no action")]
    MissingAction,
    /// The service has no such operation; empty when none was named.
    #[error("operation `{operation}` is not known")]
    UnknownOperation {
        /// As sent.
        operation: String,
        /// The query protocols' `Version`, as sent.
        version: Option<String>,
    },
    /// The signature or target names a service that is not here.
    #[error("service `{0}` is not known")]
    UnknownService(String),
}

impl RouteFault {
    /// An operation that is not known, without a version.
    pub fn unknown_operation(operation: impl Into<String>) -> RouteFault {
        RouteFault::UnknownOperation {
            operation: operation.into(),
            version: None,
        }
    }
}

/// The service a request is for: what the signature is scoped to; unsigned, what `X-Amz-Target` or the form's `Version`
/// says, or the path of PutAuditEvents; else S3. `scope_service` is the service of the signature's scope, `None` for an unsigned request.
///
/// An unsigned form in a body cannot be read here, so it counts as one for STS, the one query service of AWS with
/// operations that need no signature.
pub fn route_service(head: &Head, scope_service: Option<&str>) -> Result<ServiceName, RouteFault> {
    let target = head.header("x-amz-target");
    if let Some(name) = scope_service {
        let service =
            ServiceName::from_signing_name(name).ok_or_else(|| RouteFault::UnknownService(name.to_owned()))?;
        return match target {
            // A target of another service than the one signed for must not reach either.
            Some(target)
                if service.protocol() == Protocol::Json11 && ServiceName::from_target(target) != Some(service) =>
            {
                Err(RouteFault::unknown_operation(operation_of(target)))
            }
            _ => Ok(service),
        };
    }
    if let Some(target) = target {
        return ServiceName::from_target(target).ok_or_else(|| RouteFault::unknown_operation(operation_of(target)));
    }
    Ok(unsigned_service(head))
}

/// The service of an unsigned request that names none. No bucket is called as PutAuditEvents is.
fn unsigned_service(head: &Head) -> ServiceName {
    match operation_rest_json(head, ServiceName::CloudTrailData) {
        Ok(_) => ServiceName::CloudTrailData,
        Err(_) => form_service(head).unwrap_or(ServiceName::S3),
    }
}

fn form_service(head: &Head) -> Option<ServiceName> {
    if head.path != "/" {
        return None;
    }
    if head.method == http::Method::POST && head.is_form() && !head.has_query("delete") {
        return Some(ServiceName::Sts);
    }
    if head.method != http::Method::GET || !head.has_query("Action") {
        return None;
    }
    let version = head.query_value("Version").unwrap_or_default();
    // The links in SNS's messages carry no version.
    let action = head.query_value("Action").unwrap_or_default();
    let by_action = || needs_no_signature(ServiceName::Sns, &action).then_some(ServiceName::Sns);
    Some(
        ServiceName::from_version(&version)
            .or_else(by_action)
            .unwrap_or(ServiceName::Sts),
    )
}

/// Whether AWS takes a GET of an operation without a signature: the links that SNS sends to endpoints.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html>
pub fn needs_no_signature(service: ServiceName, operation: &str) -> bool {
    service == ServiceName::Sns && matches!(operation, "ConfirmSubscription" | "Unsubscribe")
}

fn operation_of(target: &str) -> &str {
    target.rsplit_once('.').map_or("", |(_, operation)| operation)
}

/// In whose words to refuse a request that [`route_service`] could not route: by the protocol it seems to speak.
pub fn service_for_fault(head: &Head, scope_service: Option<&str>) -> ServiceName {
    if let Some(service) = scope_service.and_then(ServiceName::from_signing_name) {
        return service;
    }
    match head.header("x-amz-target") {
        Some(target) => ServiceName::from_target(target).unwrap_or(ServiceName::Shoseki),
        None if head.is_form() => ServiceName::Sts,
        None => unsigned_service(head),
    }
}

/// The operation that a JSON request names after the last dot of `X-Amz-Target`.
pub fn operation_json(head: &Head) -> Result<&str, RouteFault> {
    let unknown = || RouteFault::unknown_operation(head.header("x-amz-target").map_or("", operation_of));
    let target = head.header("x-amz-target").ok_or_else(unknown)?;
    ServiceName::from_target(target).ok_or_else(unknown)?;
    match operation_of(target) {
        "" => Err(unknown()),
        operation if head.method != http::Method::POST || head.path != "/" => {
            Err(RouteFault::unknown_operation(operation))
        }
        operation => Ok(operation),
    }
}

/// The operation that method and path name in a service of the REST-JSON protocol.
pub fn operation_rest_json(head: &Head, service: ServiceName) -> Result<&str, RouteFault> {
    match (service, head.path.strip_prefix('/')) {
        (ServiceName::CloudTrailData, Some(name @ "PutAuditEvents")) if head.method == http::Method::POST => Ok(name),
        (_, path) => Err(RouteFault::unknown_operation(path.unwrap_or_default())),
    }
}

impl Form {
    /// The operation that a form names. The `Version` must be the service's, except at EC2, whose older versions are
    /// taken for its newest.
    pub fn operation(&self, service: ServiceName) -> Result<&str, RouteFault> {
        let action = match self.action() {
            None | Some("") => return Err(RouteFault::MissingAction),
            Some(action) => action,
        };
        if service.protocol() != Protocol::Ec2Query && self.version() != Some(service.api_version()) {
            return Err(RouteFault::UnknownOperation {
                operation: action.to_owned(),
                version: self.version().map(str::to_owned),
            });
        }
        Ok(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::head;

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn the_scope_rules_then_the_target_then_the_form() {
        let check = |method: &str, target: &str, headers: &[(&str, &str)], scope, expected| {
            let head = head(method, "localhost:4566", target, headers);
            assert_eq!(route_service(&head, scope), expected, "{target} {headers:?} {scope:?}");
        };
        let kms = ("x-amz-target", "TrentService.Encrypt");
        let trail = (
            "x-amz-target",
            "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.GetTrail",
        );
        check("POST", "/", &[kms], Some("kms"), Ok(ServiceName::Kms));
        check("POST", "/", &[kms], None, Ok(ServiceName::Kms));
        check("POST", "/", &[trail], None, Ok(ServiceName::CloudTrail));
        check(
            "POST",
            "/",
            &[("x-amz-target", "CloudTrail_20131101.X")],
            None,
            Ok(ServiceName::CloudTrail),
        );
        check(
            "POST",
            "/",
            &[("x-amz-target", "Shoseki_20261101.X")],
            None,
            Ok(ServiceName::Shoseki),
        );
        check(
            "POST",
            "/",
            &[kms],
            Some("cloudtrail"),
            Err(RouteFault::unknown_operation("Encrypt")),
        );
        check(
            "POST",
            "/",
            &[("x-amz-target", "Odd")],
            None,
            Err(RouteFault::unknown_operation("")),
        );
        check("POST", "/", &[FORM], Some("iam"), Ok(ServiceName::Iam));
        check("POST", "/", &[FORM], None, Ok(ServiceName::Sts));
        check("GET", "/?Action=X&Version=2016-11-15", &[], None, Ok(ServiceName::Ec2));
        check("GET", "/?Action=X", &[], None, Ok(ServiceName::Sts));
        check("GET", "/b?Action=X", &[], None, Ok(ServiceName::S3));
        check(
            "POST",
            "/PutAuditEvents?channelArn=x",
            &[],
            None,
            Ok(ServiceName::CloudTrailData),
        );
        check("GET", "/PutAuditEvents", &[], None, Ok(ServiceName::S3));
        check("GET", "/", &[], Some("s3"), Ok(ServiceName::S3));
        check(
            "GET",
            "/",
            &[],
            Some("sqs"),
            Err(RouteFault::UnknownService("sqs".to_owned())),
        );
    }

    #[test]
    fn json_operations_follow_the_last_dot() {
        let check = |method, path, target: &str, expected| {
            let head = head(method, "h", path, &[("x-amz-target", target)]);
            assert_eq!(operation_json(&head).map(str::to_owned), expected, "{target}");
        };
        check("POST", "/", "TrentService.Encrypt", Ok("Encrypt".to_owned()));
        check("POST", "/", "TrentService.", Err(RouteFault::unknown_operation("")));
        check(
            "POST",
            "/",
            "Other.Encrypt",
            Err(RouteFault::unknown_operation("Encrypt")),
        );
        check(
            "GET",
            "/",
            "TrentService.Encrypt",
            Err(RouteFault::unknown_operation("Encrypt")),
        );
        check(
            "POST",
            "/x",
            "TrentService.Encrypt",
            Err(RouteFault::unknown_operation("Encrypt")),
        );
        assert_eq!(
            operation_json(&head("POST", "h", "/", &[])),
            Err(RouteFault::unknown_operation(""))
        );
    }

    #[test]
    fn rest_json_operations_are_method_and_path() {
        let check = |method, target: &str, expected| {
            let head = head(method, "h", target, &[]);
            let found = operation_rest_json(&head, ServiceName::CloudTrailData).map(str::to_owned);
            assert_eq!(found, expected, "{method} {target}");
        };
        let unknown = |name: &str| Err(RouteFault::unknown_operation(name));
        check("POST", "/PutAuditEvents?channelArn=x", Ok("PutAuditEvents".to_owned()));
        check("GET", "/PutAuditEvents", unknown("PutAuditEvents"));
        check("POST", "/PutAuditEvents/", unknown("PutAuditEvents/"));
        check("POST", "/", unknown(""));
    }

    #[test]
    fn forms_name_action_and_version() {
        let check = |form: &str, service, expected| {
            let form = Form::parse(form.as_bytes()).unwrap();
            assert_eq!(form.operation(service).map(str::to_owned), expected);
        };
        check(
            "Action=GetUser&Version=2010-05-08",
            ServiceName::Iam,
            Ok("GetUser".to_owned()),
        );
        check("Version=2010-05-08", ServiceName::Iam, Err(RouteFault::MissingAction));
        check(
            "Action=DescribeRegions&Version=2014-10-01",
            ServiceName::Ec2,
            Ok("DescribeRegions".to_owned()),
        );
        let unknown = RouteFault::UnknownOperation {
            operation: "GetUser".to_owned(),
            version: None,
        };
        check("Action=GetUser", ServiceName::Iam, Err(unknown));
    }
}
