//! The record of one event.

use crate::{
    Params, UserIdentity,
    json::{Object, cut},
};
use base::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version of the record's format.
pub const EVENT_VERSION: &str = "1.11";
/// A record is at most this long.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;
/// `userAgent`, `errorCode`, `errorMessage` and `requestID` are cut here.
const TEXT_BYTES_MAX: usize = 1024;
/// `requestParameters`, `responseElements` and `serviceEventDetails` above this are omitted.
const PARAMETERS_BYTES_MAX: usize = 100 * 1024;
/// `additionalEventData` above this is omitted.
const ADDITIONAL_BYTES_MAX: usize = 28 * 1024;
/// How many resources a record keeps that would be too long with all of them.
const RESOURCES_WHEN_CUT: usize = 16;

/// A resource that an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The resource.
    pub arn: Arn,
    /// Its owner; left out when unknown or not to be told.
    pub account_id: Option<AccountId>,
    /// Its type, such as `AWS::KMS::Key`.
    pub resource_type: Cow<'static, str>,
}

/// `eventType`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// A call of an API.
    AwsApiCall,
    /// Something a service did by itself, such as rotating a key.
    AwsServiceEvent,
    /// An act in the console that is no API call.
    AwsConsoleAction,
    /// A sign-in.
    AwsConsoleSignIn,
    /// A network activity event.
    AwsVpceEvents,
    /// An Insights event.
    AwsCloudTrailInsight,
}

impl EventType {
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventType::AwsApiCall => "AwsApiCall",
            EventType::AwsServiceEvent => "AwsServiceEvent",
            EventType::AwsConsoleAction => "AwsConsoleAction",
            EventType::AwsConsoleSignIn => "AwsConsoleSignIn",
            EventType::AwsVpceEvents => "AwsVpceEvents",
            EventType::AwsCloudTrailInsight => "AwsCloudTrailInsight",
        }
    }
}

/// `eventCategory`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventCategory {
    /// Control plane.
    Management,
    /// Data plane.
    Data,
    /// Calls through VPC endpoints.
    NetworkActivity,
    /// Unusual activity.
    Insight,
    /// What happened outside of AWS, told by an integration.
    ActivityAuditLog,
}

impl EventCategory {
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventCategory::Management => "Management",
            EventCategory::Data => "Data",
            EventCategory::NetworkActivity => "NetworkActivity",
            EventCategory::Insight => "Insight",
            EventCategory::ActivityAuditLog => "ActivityAuditLog",
        }
    }
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventError {
    /// `errorCode`
    pub code: Cow<'static, str>,
    /// `errorMessage`
    pub message: Option<String>,
}

/// `tlsDetails`: absent when a service made the call, or when there was no TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsDetails {
    /// Such as `TLSv1.3`.
    pub tls_version: Option<Cow<'static, str>>,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: Option<Cow<'static, str>>,
    /// The host that the client asked for.
    pub client_provided_host_header: Option<String>,
    /// Such as `X25519MLKEM768`.
    pub key_exchange: Option<Cow<'static, str>>,
}

/// The record of one event, as one account gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Who called.
    pub user_identity: UserIdentity,
    /// When the request was completed.
    pub event_time: Timestamp,
    /// The service, such as `kms.amazonaws.com`.
    pub event_source: Cow<'static, str>,
    /// The action, such as `CreateKey`.
    pub event_name: Cow<'static, str>,
    /// The Region of the call; `us-east-1` for global services.
    pub aws_region: Region,
    /// The caller's address, or the name of the service that called.
    pub source_ip_address: Cow<'static, str>,
    /// The client program, cut at 1 KB.
    pub user_agent: Option<String>,
    /// Why the call failed, if it did.
    pub error: Option<EventError>,
    /// What was asked; `null` when empty.
    pub request_parameters: Params,
    /// What was answered; `null` when empty.
    pub response_elements: Params,
    /// What belongs to neither; absent when empty.
    pub additional_event_data: Params,
    /// The request's id, cut at 1 KB.
    pub request_id: Option<String>,
    /// This record's own id.
    pub event_id: String,
    /// Whether the call changes nothing.
    pub read_only: bool,
    /// What the event is about.
    pub resources: Vec<Resource>,
    /// What kind of event it is.
    pub event_type: EventType,
    /// The API's version, such as `2013-11-01`.
    pub api_version: Option<Cow<'static, str>>,
    /// The account that gets this copy.
    pub recipient_account_id: AccountId,
    /// The id that all accounts' copies of one event share; none when only one account gets it.
    pub shared_event_id: Option<String>,
    /// What a service event tells; absent when empty.
    pub service_event_details: Params,
    /// The VPC endpoint of the call and its owner.
    pub vpc_endpoint: Option<(String, AccountId)>,
    /// Management or data; `managementEvent` follows from it.
    pub event_category: EventCategory,
    /// How the connection was protected.
    pub tls_details: Option<TlsDetails>,
    /// Whether the credentials came from a console session.
    pub session_credential_from_console: bool,
}

impl EventRecord {
    /// The copy of this event for an account, with its own id. Who called from another account is told by id and account
    /// alone.
    #[must_use]
    pub fn copy_for(&self, account: AccountId, new_event_id: String, shared_event_id: String) -> EventRecord {
        EventRecord {
            event_id: new_event_id,
            recipient_account_id: account,
            shared_event_id: Some(shared_event_id),
            user_identity: self.user_identity.as_seen_by(account),
            ..self.clone()
        }
    }

    /// Takes out whose the resources are: a caller of another account who was refused is not told.
    ///
    /// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-receive-logs-from-multiple-accounts.html>
    pub fn hide_owners(&mut self) {
        for resource in &mut self.resources {
            if resource.account_id != Some(self.recipient_account_id) {
                resource.account_id = None;
            }
        }
    }

    /// The record as compact JSON, in the order of the documented examples, at most [`RECORD_BYTES_MAX`] long. Parameters
    /// too large are omitted, and say so.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        for cuts in 0..=CUTS_MAX {
            out.clear();
            self.write(&mut out, cuts);
            if out.len() <= RECORD_BYTES_MAX {
                break;
            }
        }
        out
    }

    fn write(&self, bytes: &mut Vec<u8>, cuts: u8) {
        let mut out = Object::open(bytes);
        out.text("eventVersion", EVENT_VERSION);
        self.user_identity.write(out.object("userIdentity"));
        out.text("eventTime", &self.event_time.iso8601());
        out.text("eventSource", &self.event_source);
        out.text("eventName", &self.event_name);
        out.text("awsRegion", self.aws_region.as_str());
        out.text("sourceIPAddress", cut(&self.source_ip_address, TEXT_BYTES_MAX));
        out.maybe_text("userAgent", self.user_agent.as_deref().map(short));
        if let Some(error) = &self.error {
            out.text("errorCode", short(&error.code));
            out.maybe_text("errorMessage", error.message.as_deref().map(short));
        }
        put_params(
            &mut out,
            "requestParameters",
            &self.request_parameters,
            cuts >= CUT_REQUEST,
        );
        put_params(
            &mut out,
            "responseElements",
            &self.response_elements,
            cuts >= CUT_RESPONSE,
        );
        let additional = &self.additional_event_data;
        if !additional.is_empty() && additional.len_bytes() <= ADDITIONAL_BYTES_MAX && cuts < CUT_ADDITIONAL {
            additional.write_to(out.member("additionalEventData"));
        }
        out.maybe_text("requestID", self.request_id.as_deref().map(short));
        out.text("eventID", &self.event_id);
        out.flag("readOnly", self.read_only);
        self.write_resources(&mut out, cuts);
        out.text("eventType", self.event_type.as_str());
        out.maybe_text("apiVersion", self.api_version.as_deref());
        out.flag("managementEvent", self.event_category == EventCategory::Management);
        out.text("recipientAccountId", self.recipient_account_id.as_str());
        out.maybe_text("sharedEventID", self.shared_event_id.as_deref());
        self.write_tail(&mut out, cuts);
        out.close();
    }

    fn write_tail(&self, out: &mut Object<'_>, cuts: u8) {
        let details = &self.service_event_details;
        if !details.is_empty() && details.len_bytes() <= PARAMETERS_BYTES_MAX && cuts < CUT_DETAILS {
            details.write_to(out.member("serviceEventDetails"));
        }
        if let Some((id, account)) = &self.vpc_endpoint {
            out.text("vpcEndpointId", id);
            out.text("vpcEndpointAccountId", account.as_str());
        }
        out.text("eventCategory", self.event_category.as_str());
        if let Some(tls) = &self.tls_details {
            let mut object = out.object("tlsDetails");
            object.maybe_text("tlsVersion", tls.tls_version.as_deref());
            object.maybe_text("cipherSuite", tls.cipher_suite.as_deref());
            let host = tls.client_provided_host_header.as_deref().map(short);
            object.maybe_text("clientProvidedHostHeader", host);
            object.maybe_text("keyExchange", tls.key_exchange.as_deref());
            object.close();
        }
        if self.session_credential_from_console {
            out.text("sessionCredentialFromConsole", "true");
        }
    }

    fn write_resources(&self, out: &mut Object<'_>, cuts: u8) {
        let kept = if cuts >= CUT_RESOURCES {
            RESOURCES_WHEN_CUT
        } else {
            usize::MAX
        };
        let mut shown = self.shown_resources().take(kept).peekable();
        if shown.peek().is_none() {
            return;
        }
        out.member("resources").push(b'[');
        for (index, (resource, how)) in shown.enumerate() {
            let bytes = out.bytes();
            if index > 0 {
                bytes.push(b',');
            }
            resource.write(Object::open(bytes), how);
        }
        out.bytes().push(b']');
    }

    /// S3 tells objects before their buckets, and of a data event on no one object the prefix of them all.
    fn shown_resources(&self) -> impl Iterator<Item = (&Resource, Shown)> {
        let (objects, others): (Vec<_>, Vec<_>) = self.resources.iter().partition(|one| one.is_object());
        let bucket = others.first().filter(|one| one.resource_type == BUCKET);
        let all = bucket.filter(|_| objects.is_empty() && self.event_category == EventCategory::Data);
        let all = all.map(|bucket| (*bucket, Shown::Prefix));
        all.into_iter()
            .chain(objects.into_iter().chain(others).map(|one| (one, Shown::Whole)))
    }
}

/// How a resource is shown.
#[derive(Clone, Copy)]
enum Shown {
    Whole,
    /// As all objects of this bucket.
    Prefix,
}

const BUCKET: &str = "AWS::S3::Bucket";
const OBJECT: &str = "AWS::S3::Object";

impl Resource {
    fn is_object(&self) -> bool {
        self.resource_type == OBJECT
    }

    fn write(&self, mut object: Object<'_>, how: Shown) {
        // S3 keys have at most 1 KB, so this cuts no ARN that names a thing.
        let arn = cut(self.arn.as_str(), 2 * TEXT_BYTES_MAX);
        if let Shown::Prefix = how {
            object.text("type", OBJECT);
            object.text("ARNPrefix", &format!("{arn}/"));
            return object.close();
        }
        match &self.account_id {
            // The bucket beside it says whose an object is.
            _ if self.is_object() => {}
            Some(account) => object.text("accountId", account.as_str()),
            // A bucket always has an owner: one that is not told is shown as empty.
            None if self.resource_type == BUCKET => object.text("accountId", ""),
            None => {}
        }
        object.text("type", &self.resource_type);
        object.text("ARN", arn);
        object.close();
    }
}

// What is left out, one more at each step, of a record that would be too long. The documented order, resources last.
const CUT_ADDITIONAL: u8 = 1;
const CUT_DETAILS: u8 = 2;
const CUT_RESOURCES: u8 = 3;
const CUT_RESPONSE: u8 = 4;
const CUT_REQUEST: u8 = 5;
const CUTS_MAX: u8 = CUT_REQUEST;

fn short(text: &str) -> &str {
    cut(text, TEXT_BYTES_MAX)
}

fn put_params(out: &mut Object<'_>, name: &str, params: &Params, omit: bool) {
    let size = params.len_bytes();
    if params.is_empty() {
        out.member(name).extend_from_slice(b"null");
    } else if omit || size > PARAMETERS_BYTES_MAX {
        Params::new()
            .flag("omitted", true)
            .number("originalSize", size)
            .text("reason", format!("{name} too large"))
            .write_to(out.member(name));
    } else {
        params.write_to(out.member(name));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Identity, IndexFields, SessionAttributes, SessionContext, SessionIssuer, check_record};
    use proptest::prelude::*;

    pub(crate) fn sample() -> EventRecord {
        EventRecord {
            user_identity: user().into(),
            event_time: Timestamp::from_secs(1_439_820_091),
            event_source: "kms.amazonaws.com".into(),
            event_name: "CreateKey".into(),
            aws_region: Region::us_east_1(),
            source_ip_address: "192.0.2.1".into(),
            user_agent: Some("aws-cli/2".to_owned()),
            error: None,
            request_parameters: Params::new().flag("multiRegion", false),
            response_elements: Params::new(),
            additional_event_data: Params::new(),
            request_id: Some("request".to_owned()),
            event_id: "08d43247-084f-459d-88be-9889f3926669".to_owned(),
            read_only: false,
            resources: vec![Resource {
                arn: base::arn::kms_key(&Region::us_east_1(), AccountId::FIRST, "id"),
                account_id: Some(AccountId::FIRST),
                resource_type: "AWS::KMS::Key".into(),
            }],
            event_type: EventType::AwsApiCall,
            api_version: None,
            recipient_account_id: AccountId::FIRST,
            shared_event_id: None,
            service_event_details: Params::new(),
            vpc_endpoint: None,
            event_category: EventCategory::Management,
            tls_details: None,
            session_credential_from_console: false,
        }
    }

    fn user() -> Identity {
        Identity::IamUser {
            principal_id: "AIDAEXAMPLEEXAMPLE00".to_owned(),
            arn: base::arn::user(AccountId::FIRST, "/", "alice"),
            account: AccountId::FIRST,
            access_key_id: Some("AKIAEXAMPLEEXAMPLE00".to_owned()),
            user_name: "alice".to_owned(),
            session: None,
        }
    }

    fn text(record: &EventRecord) -> String {
        String::from_utf8(record.to_json()).unwrap()
    }

    fn mistakes(record: &EventRecord) -> String {
        check_record(&record.to_json()).map_or_else(|misfit| misfit.to_string(), |()| String::new())
    }

    fn member(record: &EventRecord, pointer: &str) -> serde_json::Value {
        let json: serde_json::Value = serde_json::from_slice(&record.to_json()).unwrap();
        json.pointer(pointer).cloned().unwrap_or(serde_json::Value::Null)
    }

    #[test]
    fn members_stand_in_the_documented_order() {
        assert_eq!(
            text(&sample()),
            concat!(
                r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLEEXAMPLE00","#,
                r#""arn":"arn:aws:iam::000000000000:user/alice","accountId":"000000000000","#,
                r#""accessKeyId":"AKIAEXAMPLEEXAMPLE00","userName":"alice"},"eventTime":"2015-08-17T14:01:31Z","#,
                r#""eventSource":"kms.amazonaws.com","eventName":"CreateKey","awsRegion":"us-east-1","#,
                r#""sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2","requestParameters":{"multiRegion":false},"#,
                r#""responseElements":null,"requestID":"request","eventID":"08d43247-084f-459d-88be-9889f3926669","readOnly":false,"#,
                r#""resources":[{"accountId":"000000000000","type":"AWS::KMS::Key","#,
                r#""ARN":"arn:aws:kms:us-east-1:000000000000:key/id"}],"eventType":"AwsApiCall","#,
                r#""managementEvent":true,"recipientAccountId":"000000000000","eventCategory":"Management"}"#,
            )
        );
    }

    #[test]
    fn each_identity_prints_its_members() {
        let attributes = SessionAttributes {
            creation_date: Timestamp::EPOCH,
            mfa_authenticated: false,
        };
        let role = Identity::AssumedRole {
            principal_id: "AROAEXAMPLEEXAMPLE00:session".to_owned(),
            arn: Arn::parse("arn:aws:sts::000000000000:assumed-role/Role/session").unwrap(),
            account: AccountId::FIRST,
            access_key_id: None,
            session_context: Some(SessionContext {
                session_issuer: SessionIssuer {
                    principal_id: "AROAEXAMPLEEXAMPLE00".to_owned(),
                    arn: base::arn::role(AccountId::FIRST, "/path/", "Role"),
                    account: AccountId::FIRST,
                    user_name: "Role".to_owned(),
                },
                attributes,
                source_identity: None,
            }),
        };
        let root = Identity::Root {
            account: AccountId::FIRST,
            access_key_id: None,
            user_name: None,
            session: Some(attributes),
        };
        for (identity, name, expected) in [
            (
                UserIdentity::service("cloudtrail.amazonaws.com"),
                None,
                r#"{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}"#,
            ),
            (
                Identity::ServiceEvent {
                    account: AccountId::FIRST,
                }
                .invoked_by("AWS Internal"),
                None,
                r#"{"accountId":"000000000000","invokedBy":"AWS Internal"}"#,
            ),
            (
                Identity::Anonymous.into(),
                None,
                r#"{"type":"AWSAccount","principalId":"","accountId":"anonymous"}"#,
            ),
            (
                root.into(),
                Some("root"),
                r#"{"type":"Root","principalId":"000000000000","arn":"arn:aws:iam::000000000000:root","accountId":"000000000000","sessionContext":{"attributes":{"creationDate":"1970-01-01T00:00:00Z","mfaAuthenticated":"false"}}}"#,
            ),
            (
                role.into(),
                Some("session"),
                r#"{"type":"AssumedRole","principalId":"AROAEXAMPLEEXAMPLE00:session","arn":"arn:aws:sts::000000000000:assumed-role/Role/session","accountId":"000000000000","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEEXAMPLE00","arn":"arn:aws:iam::000000000000:role/path/Role","accountId":"000000000000","userName":"Role"},"attributes":{"creationDate":"1970-01-01T00:00:00Z","mfaAuthenticated":"false"}}}"#,
            ),
        ] {
            assert_eq!(identity.lookup_name(), name);
            let record = EventRecord {
                user_identity: identity,
                ..sample()
            };
            assert!(
                text(&record).contains(&format!(r#""userIdentity":{expected},"#)),
                "{expected}"
            );
        }
    }

    #[test]
    fn s3_tells_objects_first_and_of_none_the_prefix() {
        let (bucket, object) = (base::arn::bucket("b"), base::arn::object("b", "k/"));
        let resource = |arn: &Arn, resource_type| Resource {
            arn: arn.clone(),
            account_id: Some(AccountId::FIRST),
            resource_type,
        };
        let (bucket, object) = (resource(&bucket, BUCKET.into()), resource(&object, OBJECT.into()));
        let shown = |resources: &[&Resource], event_category| {
            let record = EventRecord {
                resources: resources.iter().copied().cloned().collect(),
                event_category,
                ..sample()
            };
            member(&record, "/resources").to_string()
        };
        let whole = r#"{"accountId":"000000000000","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}"#;
        let one = r#"{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k/"}"#;
        let all = r#"{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/"}"#;
        let same = |text: &str, parts: &[&str]| {
            let text: serde_json::Value = serde_json::from_str(text).unwrap();
            let parts: serde_json::Value = serde_json::from_str(&format!("[{}]", parts.join(","))).unwrap();
            assert_eq!(text, parts);
        };
        same(&shown(&[&bucket, &object], EventCategory::Data), &[one, whole]);
        same(&shown(&[&bucket], EventCategory::Data), &[all, whole]);
        same(&shown(&[&bucket], EventCategory::Management), &[whole]);
    }

    #[test]
    fn parameters_too_large_are_omitted_and_say_so() {
        let record = EventRecord {
            request_parameters: Params::new().text("a", "x".repeat(PARAMETERS_BYTES_MAX - 8)),
            response_elements: Params::new().text("a", "x".repeat(PARAMETERS_BYTES_MAX)),
            additional_event_data: Params::new().text("a", "x".repeat(ADDITIONAL_BYTES_MAX)),
            user_agent: Some("ü".repeat(1000)),
            ..sample()
        };
        assert_eq!(
            member(&record, "/requestParameters/a").as_str().map(str::len),
            Some(PARAMETERS_BYTES_MAX - 8)
        );
        assert_eq!(member(&record, "/responseElements/omitted"), true);
        assert_eq!(
            member(&record, "/responseElements/originalSize"),
            PARAMETERS_BYTES_MAX + 8
        );
        assert!(member(&record, "/additionalEventData").is_null());
        assert_eq!(
            member(&record, "/userAgent").as_str().map(str::len),
            Some(TEXT_BYTES_MAX)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_record_is_json_and_not_too_long(
            piece: String,
            times in 0..60_000_usize,
            resources in 0..1500_usize,
        ) {
            let long = piece.repeat(times.min(300_000 / piece.len().max(1)));
            let key = cut(&long, 1024).to_owned();
            let params = || Params::new().text(&key, &long);
            let record = EventRecord {
                user_agent: Some(long.clone()),
                error: Some(EventError { code: long.clone().into(), message: Some(long.clone()) }),
                request_parameters: params(),
                response_elements: Params::new().text("a", cut(&long, 60_000)),
                additional_event_data: Params::new().text("a", cut(&long, 20_000)),
                service_event_details: params(),
                resources: (0..resources).map(|_| Resource {
                    arn: base::arn::object("bucket", &key),
                    account_id: None,
                    resource_type: "AWS::S3::Object".into(),
                }).collect(),
                ..sample()
            };
            let json = record.to_json();
            prop_assert!(json.len() <= RECORD_BYTES_MAX, "{}", json.len());
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        }

        /// Text is whole up to its limit; beyond, it is its own beginning and ends between characters.
        #[test]
        fn text_is_cut_between_characters(text in "\\PC{1,40}", times in 1..60_usize) {
            let text = text.repeat(times);
            let record = EventRecord {
                user_agent: Some(text.clone()),
                request_id: Some(text.clone()),
                error: Some(EventError { code: "Code".into(), message: Some(text.clone()) }),
                ..sample()
            };
            prop_assert_eq!(mistakes(&record), "");
            for pointer in ["/userAgent", "/requestID", "/errorMessage"] {
                let kept = member(&record, pointer).as_str().unwrap().to_owned();
                prop_assert!(text.starts_with(&kept));
                prop_assert!(kept.len() <= TEXT_BYTES_MAX);
                prop_assert!(kept == text || kept.len() + 4 > TEXT_BYTES_MAX, "{}", kept.len());
            }
        }

        /// What is too large is omitted as a whole and says how large it was; what is not stays as it is.
        #[test]
        fn parameters_are_whole_or_omitted(value in "\\PC{1,12}", bytes in 0..130_000_usize) {
            let value = value.repeat(bytes / value.len());
            let params = || Params::new().text("a", &value);
            let size = params().len_bytes();
            let record = EventRecord { request_parameters: params(), additional_event_data: params(), ..sample() };
            let service = EventRecord { service_event_details: params(), ..sample() };
            prop_assert_eq!(mistakes(&record), "");
            match size <= PARAMETERS_BYTES_MAX {
                true => prop_assert_eq!(member(&record, "/requestParameters/a"), value.as_str()),
                false => {
                    let told = member(&record, "/requestParameters");
                    prop_assert_eq!(&told["omitted"], true);
                    prop_assert_eq!(&told["originalSize"], size);
                    prop_assert_eq!(&told["reason"], "requestParameters too large");
                }
            }
            let kept = |record: &EventRecord, name: &str| !member(record, name).is_null();
            prop_assert_eq!(kept(&record, "/additionalEventData"), size <= ADDITIONAL_BYTES_MAX);
            prop_assert_eq!(kept(&service, "/serviceEventDetails"), size <= PARAMETERS_BYTES_MAX);
        }

        #[test]
        fn a_copy_differs_in_account_ids_and_who_called_only(event_id in "[a-z]{1,8}", shared in "[a-z]{1,8}") {
            let other = AccountId::parse("123456789012").unwrap();
            let copy = sample().copy_for(other, event_id.clone(), shared.clone());
            let own = r#""type":"IAMUser","principalId":"AIDAEXAMPLEEXAMPLE00","arn":"arn:aws:iam::000000000000:user/alice","accountId":"000000000000","accessKeyId":"AKIAEXAMPLEEXAMPLE00","userName":"alice""#;
            let strangers = r#""type":"AWSAccount","principalId":"AIDAEXAMPLEEXAMPLE00","accountId":"000000000000""#;
            prop_assert_eq!(
                text(&copy),
                text(&sample())
                    .replace(own, strangers)
                    .replace(r#""eventID":"08d43247-084f-459d-88be-9889f3926669""#, &format!(r#""eventID":"{event_id}""#))
                    .replace(
                        r#""recipientAccountId":"000000000000""#,
                        &format!(r#""recipientAccountId":"123456789012","sharedEventID":"{shared}""#),
                    )
            );
        }
    }

    #[test]
    fn index_fields_are_stored_and_read_back() {
        let fields = IndexFields::from(&sample());
        assert_eq!(
            (fields.user_name.as_deref(), fields.access_key_id.as_deref()),
            (Some("alice"), Some("AKIAEXAMPLEEXAMPLE00"))
        );
        let bytes = postcard::to_allocvec(&fields).unwrap();
        assert_eq!(postcard::from_bytes::<IndexFields>(&bytes).unwrap(), fields);
    }
}
