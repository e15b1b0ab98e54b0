//! Events that somebody else recorded: checked when they come in, and marked so that none passes for one of our own.
//!
//! Two schemas are taken. An *activity event* is AWS's for integrations; it is wrapped, so that nothing of what was sent
//! stands where a record of ours has its members. A *CloudTrail record* is what CloudTrail itself writes of a service that
//! is not here; its members stay where they are, `eventID` and `recipientAccountId` become ours, and `metadata`, which no
//! record of ours has and no submission may have, says by which channel it came.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-integration-event-schema.html>

mod fields;
#[cfg(test)]
mod tests;

use crate::{
    EVENT_VERSION, EventCategory, IndexFields, RECORD_BYTES_MAX, Resource,
    json::{Object, put_text},
    served::{Served, amazons, is_dns_name},
    strict::{self, Members, Text},
};
use base::{AccountId, Arn, Region, Timestamp};
use fields::{Value, check_case, flag, free, missing, object, required, text, time, value_of};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, ops::Range, time::Duration};

const PARAMETERS_BYTES_MAX: usize = 100 * 1024;
const ADDITIONAL_BYTES_MAX: usize = 28 * 1024;
const LONG_TEXT_MAX: usize = 1024;
const SHORT_TEXT_MAX: usize = 256;
const TYPE_MAX: usize = 128;
/// What our members and the wrapping add at most; what is sent is shorter by as much than a record may be.
const OWN_BYTES_MAX: usize = 4096;
/// A submission is at most so long.
pub const SUBMISSION_BYTES_MAX: usize = RECORD_BYTES_MAX - OWN_BYTES_MAX;
/// An event may be so far ahead of our clock, as far as a signature may: it happens at most so long after its commit.
pub const AHEAD_MAX: Duration = Duration::from_secs(15 * 60);

/// Why an event is refused, by AWS's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// A member is longer than it may be.
    FieldTooLong,
    /// A member is not there.
    FieldNotFound,
    /// The checksum is another one.
    InvalidChecksum,
    /// It is no JSON, or a member is not what it should be.
    InvalidData,
    /// It is for another account than the channel's.
    InvalidRecipient,
    /// It claims to come from a service that is here, or from none that could be.
    InvalidEventSource,
}

impl FaultCode {
    /// The code in the answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            FaultCode::FieldTooLong => "FieldTooLong",
            FaultCode::FieldNotFound => "FieldNotFound",
            FaultCode::InvalidChecksum => "InvalidChecksum",
            FaultCode::InvalidData => "InvalidData",
            FaultCode::InvalidRecipient => "InvalidRecipient",
            FaultCode::InvalidEventSource => "InvalidEventSource",
        }
    }
}

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmissionFault {
    /// The kind.
    pub code: FaultCode,
    /// For people; at most 1,024 characters.
    pub message: String,
}

/// What a submission says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// AWS's schema for integrations.
    Activity,
    /// A record as CloudTrail writes it.
    Record,
    /// A record of a version that nobody knows.
    Unknown,
}

/// An event that was sent and found to be good, as far as that can be said without knowing for whom it is.
#[derive(Debug)]
pub struct Submission {
    data: String,
    schema: Schema,
    members: Vec<Member>,
    time: Timestamp,
    /// `recipientAccountId`, as sent.
    recipient: Option<String>,
    /// `awsRegion` of a record.
    region: Option<Region>,
    index: IndexFields,
    seen: Seen,
}

/// What else selectors may go by.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// `eventType`
    pub event_type: &'static str,
    /// `errorCode`
    pub error_code: Option<String>,
    /// `userIdentity.arn`
    pub user_arn: Option<String>,
    /// `userIdentity.invokedBy`
    pub invoked_by: Option<String>,
    /// Whether `sessionCredentialFromConsole` is `true`.
    pub from_console: bool,
    /// `vpcEndpointId`
    pub vpc_endpoint: Option<String>,
}

#[derive(Debug)]
struct Member {
    name: Name,
    value: Range<usize>,
}

#[derive(Debug)]
enum Name {
    Known(&'static str),
    Other(String),
}

/// Under what a submission is admitted.
pub struct Admission<'a> {
    /// The channel's ARN.
    pub channel: &'a Arn,
    /// The channel's owner.
    pub account: AccountId,
    /// The channel's Region.
    pub region: &'a Region,
    /// Other Regions of which an event may be.
    pub regions: &'a [Region],
    /// When it is.
    pub now: Timestamp,
}

/// A record of an event from elsewhere. Made by [`Submission::admit`] alone, so it always says by which channel it came.
#[derive(Debug)]
pub struct IngestedRecord {
    json: Vec<u8>,
    index: IndexFields,
    seen: Seen,
}

impl IngestedRecord {
    /// The record, as it goes into a log file.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// By what it is looked up, selected and delivered. Its Region is that of the log file.
    pub fn index(&self) -> &IndexFields {
        &self.index
    }

    /// What else it is selected by.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }
}

type Checked<T> = Result<T, SubmissionFault>;

fn fault<T>(code: FaultCode, message: impl Into<String>) -> Checked<T> {
    let mut message: String = message.into();
    message.truncate(message.floor_char_boundary(LONG_TEXT_MAX));
    Err(SubmissionFault { code, message })
}

impl Submission {
    /// Checks what was sent.
    pub fn parse(data: String, served: Served<'_>) -> Checked<Submission> {
        if data.len() > SUBMISSION_BYTES_MAX {
            return fault(
                FaultCode::FieldTooLong,
                format!("eventData has more than {SUBMISSION_BYTES_MAX} bytes."),
            );
        }
        let data = strict::one_line(data);
        let Members(members) = match strict::members(&data) {
            Ok(members) => members,
            Err(error) => return fault(FaultCode::InvalidData, format!("eventData is no JSON object: {error}")),
        };
        let is = |name: &str| members.iter().any(|(other, _)| other == name);
        let parsed = match (is("version"), is("eventVersion")) {
            (true, false) => activity(&members, served)?,
            (false, true) => record(&data, &members, served)?,
            (true, true) => {
                return fault(
                    FaultCode::InvalidData,
                    "eventData has both a version and an eventVersion.",
                );
            }
            (false, false) => return missing("version"),
        };
        drop(members);
        Ok(Submission { data, ..parsed })
    }

    /// Which schema it is of.
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// Takes it in for an account by a channel, under an id of ours.
    pub fn admit(&self, under: &Admission<'_>, event_id: String) -> Checked<IngestedRecord> {
        if self.time > under.now.plus(AHEAD_MAX) {
            return fault(FaultCode::InvalidData, "eventTime is in the future.");
        }
        let named = self.region.as_ref().filter(|named| under.regions.contains(named));
        let index = IndexFields {
            aws_region: named.unwrap_or(under.region).clone(),
            event_id,
            recipient_account_id: under.account,
            ..self.index.clone()
        };
        let json = match self.schema {
            Schema::Activity => self.wrapped(under, &index.event_id)?,
            Schema::Record => self.marked(under, &index.event_id),
            Schema::Unknown => return fault(FaultCode::InvalidData, "eventVersion is not a known one, 1.x."),
        };
        if json.len() > RECORD_BYTES_MAX {
            return fault(FaultCode::FieldTooLong, "The event is too long.");
        }
        Ok(IngestedRecord {
            json,
            index,
            seen: self.seen.clone(),
        })
    }

    /// An activity event as AWS shows it: what was sent stands under `eventData`.
    fn wrapped(&self, under: &Admission<'_>, event_id: &str) -> Checked<Vec<u8>> {
        match self.recipient.as_deref() {
            Some(recipient) if recipient == under.account.as_str() => {}
            _ => {
                return fault(
                    FaultCode::InvalidRecipient,
                    "recipientAccountId is not the account of the channel's owner.",
                );
            }
        }
        let mut json = Vec::with_capacity(self.data.len() + 512);
        let mut out = Object::open(&mut json);
        out.text("eventVersion", EVENT_VERSION);
        out.text("eventCategory", EventCategory::ActivityAuditLog.as_str());
        out.text("eventType", "ActivityLog");
        out.text("eventID", event_id);
        out.text("eventTime", &self.time.iso8601());
        out.text("awsRegion", under.region.as_str());
        out.text("recipientAccountId", under.account.as_str());
        let metadata = out.object("metadata");
        put_origin(metadata, under);
        out.member("eventData").extend_from_slice(self.data.as_bytes());
        out.close();
        Ok(json)
    }

    /// A record with our id and account, and with the mark that it is from elsewhere.
    fn marked(&self, under: &Admission<'_>, event_id: &str) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.data.len() + 512);
        let mut out = Object::open(&mut json);
        let mut original_id = None;
        let (mut has_id, mut has_recipient) = (false, false);
        for Member { name, value } in &self.members {
            let value = self.data.get(value.clone()).unwrap_or("null");
            match name {
                Name::Known("eventID") => {
                    has_id = true;
                    original_id = Some(value);
                    out.text("eventID", event_id);
                }
                Name::Known("recipientAccountId") => {
                    has_recipient = true;
                    out.text("recipientAccountId", under.account.as_str());
                }
                Name::Known(name) => out.member(name).extend_from_slice(value.as_bytes()),
                Name::Other(name) => out.member(name).extend_from_slice(value.as_bytes()),
            }
        }
        if !has_id {
            out.text("eventID", event_id);
        }
        if !has_recipient {
            out.text("recipientAccountId", under.account.as_str());
        }
        let mut metadata = out.object("metadata");
        if let Some(original) = original_id.filter(|id| *id != "null") {
            metadata
                .member("originalEventID")
                .extend_from_slice(original.as_bytes());
        }
        if let Some(original) = self.recipient.as_deref().filter(|id| *id != under.account.as_str()) {
            put_text(metadata.member("originalRecipientAccountId"), original);
        }
        put_origin(metadata, under);
        out.close();
        json
    }
}

/// Where AWS puts it: when and by which channel an event came in.
fn put_origin(mut metadata: Object<'_>, under: &Admission<'_>) {
    metadata.text("ingestionTime", &under.now.iso8601());
    metadata.text("channelARN", under.channel.as_str());
    metadata.close();
}

const ACTIVITY: [&str; 14] = [
    "version",
    "userIdentity",
    "userAgent",
    "eventSource",
    "eventName",
    "eventTime",
    "UID",
    "requestParameters",
    "responseElements",
    "errorCode",
    "errorMessage",
    "sourceIPAddress",
    "recipientAccountId",
    "additionalEventData",
];

/// Who acted, in an activity event.
#[derive(Deserialize)]
struct Actor<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    #[serde(rename = "principalId", borrow)]
    principal_id: Option<Text<'a>>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
}

fn activity(members: &[(Cow<'_, str>, &RawValue)], served: Served<'_>) -> Checked<Submission> {
    if let Some((name, _)) = members.iter().find(|(name, _)| !ACTIVITY.contains(&name.as_ref())) {
        check_case(name, &ACTIVITY)?;
        return fault(FaultCode::InvalidData, format!("{name} is no member of the schema."));
    }
    let value = |name| value_of(members, name);
    required("version", value("version"), SHORT_TEXT_MAX)?;
    let Some(identity) = value("userIdentity") else {
        return missing("userIdentity");
    };
    object("userIdentity", Some(identity), SUBMISSION_BYTES_MAX)?;
    let Ok(actor) = serde_json::from_str::<Actor<'_>>(identity) else {
        return fault(
            FaultCode::InvalidData,
            "userIdentity is not {type, principalId, details}.",
        );
    };
    let part = |name: &str, text: Option<Text<'_>>, bytes_max: usize| match text {
        Some(Text(text)) if text.len() > bytes_max => fault(
            FaultCode::FieldTooLong,
            format!("{name} has more than {bytes_max} bytes."),
        ),
        Some(Text(text)) if !text.is_empty() => Ok(text.into_owned()),
        _ => missing(name),
    };
    part("userIdentity.type", actor.kind, TYPE_MAX)?;
    let principal_id = part("userIdentity.principalId", actor.principal_id, LONG_TEXT_MAX)?;
    object(
        "userIdentity.details",
        actor.details.map(RawValue::get).filter(|raw| *raw != "null"),
        PARAMETERS_BYTES_MAX,
    )?;
    text("userAgent", value("userAgent"), LONG_TEXT_MAX)?;
    let source = required("eventSource", value("eventSource"), LONG_TEXT_MAX)?;
    let folded = source.trim().trim_end_matches('.').to_ascii_lowercase();
    if served.has(&source) || amazons(&folded).is_some() {
        return fault(
            FaultCode::InvalidEventSource,
            format!("{source} is a service of AWS; an event of this schema is of something else."),
        );
    }
    let name = required("eventName", value("eventName"), LONG_TEXT_MAX)?;
    let when = time("eventTime", &required("eventTime", value("eventTime"), LONG_TEXT_MAX)?)?;
    required("UID", value("UID"), LONG_TEXT_MAX)?;
    object("requestParameters", value("requestParameters"), PARAMETERS_BYTES_MAX)?;
    object("responseElements", value("responseElements"), PARAMETERS_BYTES_MAX)?;
    text("errorCode", value("errorCode"), SHORT_TEXT_MAX)?;
    text("errorMessage", value("errorMessage"), SHORT_TEXT_MAX)?;
    if let Some(address) = text("sourceIPAddress", value("sourceIPAddress"), LONG_TEXT_MAX)?
        && address.parse::<std::net::IpAddr>().is_err()
    {
        return fault(FaultCode::InvalidData, "sourceIPAddress is no IP address.");
    }
    let recipient = required("recipientAccountId", value("recipientAccountId"), LONG_TEXT_MAX)?;
    object(
        "additionalEventData",
        value("additionalEventData"),
        ADDITIONAL_BYTES_MAX,
    )?;
    Ok(Submission {
        data: String::new(),
        schema: Schema::Activity,
        members: Vec::new(),
        time: when,
        recipient: Some(recipient.into_owned()),
        region: None,
        index: IndexFields {
            event_time: when,
            event_source: source.into_owned(),
            event_name: name.into_owned(),
            aws_region: Region::us_east_1(),
            read_only: false,
            category: EventCategory::ActivityAuditLog,
            event_id: String::new(),
            recipient_account_id: AccountId::FIRST,
            user_name: Some(principal_id),
            access_key_id: None,
            resources: Vec::new(),
        },
        seen: Seen {
            event_type: "ActivityLog",
            ..Seen::default()
        },
    })
}

/// The members that a record may have by CloudTrail's documentation. Others are kept as they are: services get new ones.
const RECORD: [&str; 31] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "apiVersion",
    "managementEvent",
    "recipientAccountId",
    "sharedEventID",
    "serviceEventDetails",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "eventCategory",
    "addendum",
    "sessionCredentialFromConsole",
    "edgeDeviceDetails",
    "tlsDetails",
    "metadata",
];

/// Who called, in a record.
#[derive(Deserialize)]
struct Caller<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    #[serde(rename = "principalId", borrow)]
    principal_id: Option<Text<'a>>,
    #[serde(borrow)]
    arn: Option<Text<'a>>,
    #[serde(rename = "invokedBy", borrow)]
    invoked_by: Option<Text<'a>>,
    #[serde(rename = "accessKeyId", borrow)]
    access_key_id: Option<Text<'a>>,
    #[serde(rename = "userName", borrow)]
    user_name: Option<Text<'a>>,
}

impl Caller<'_> {
    /// By which name LookupEvents finds the caller.
    fn lookup_name(&self) -> Option<String> {
        let of = |text: &Option<Text<'_>>| text.as_ref().map(|Text(text)| text.clone().into_owned());
        match self.kind.as_ref().map(|Text(kind)| kind.as_ref()) {
            Some("Root") => Some("root".to_owned()),
            Some("AssumedRole") => {
                let Text(id) = self.principal_id.as_ref()?;
                id.split_once(':').map(|(_, session)| session.to_owned())
            }
            _ => of(&self.user_name),
        }
    }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "ARN", borrow)]
    arn: Option<Text<'a>>,
    #[serde(rename = "accountId", borrow)]
    account_id: Option<Text<'a>>,
    #[serde(rename = "type", borrow)]
    resource_type: Option<Text<'a>>,
}

/// The resources that selectors and lookups can go by: those with an ARN.
fn resources(value: Value<'_>) -> Checked<Vec<Resource>> {
    let Some(raw) = value else { return Ok(Vec::new()) };
    let named: Vec<Named<'_>> = match serde_json::from_str(raw) {
        Ok(named) => named,
        Err(_) => {
            return fault(
                FaultCode::InvalidData,
                "resources is not a list of {accountId, type, ARN}.",
            );
        }
    };
    Ok(named
        .into_iter()
        .filter_map(|one| {
            Some(Resource {
                arn: Arn::parse(&one.arn?.0)?,
                account_id: one.account_id.and_then(|Text(id)| AccountId::parse(&id).ok()),
                resource_type: Cow::Owned(
                    one.resource_type
                        .map(|Text(kind)| kind.into_owned())
                        .unwrap_or_default(),
                ),
            })
        })
        .collect())
}

/// The types of events that a trail takes in. A record without one is of a version before there were others.
fn event_type(named: Option<&str>) -> Checked<&'static str> {
    const TYPES: [&str; 4] = ["AwsApiCall", "AwsServiceEvent", "AwsConsoleAction", "AwsConsoleSignIn"];
    let named = named.unwrap_or("AwsApiCall");
    match TYPES.iter().find(|known| **known == named) {
        Some(known) => Ok(known),
        None => fault(
            FaultCode::InvalidData,
            format!("Events of type {named} are not taken in by a channel to a trail."),
        ),
    }
}

fn category(category: Option<&str>, management: Option<bool>) -> Checked<EventCategory> {
    let found = match (category, management) {
        (Some("Management"), _) => EventCategory::Management,
        (Some("Data"), _) => EventCategory::Data,
        (Some(other), _) => {
            return fault(
                FaultCode::InvalidData,
                format!("Events of category {other} are not taken in by a channel to a trail."),
            );
        }
        // Before 1.07 there were no categories, and before 1.06 all were management events.
        (None, Some(false)) => EventCategory::Data,
        (None, _) => EventCategory::Management,
    };
    match management.is_some_and(|management| management != (found == EventCategory::Management)) {
        true => fault(
            FaultCode::InvalidData,
            "managementEvent and eventCategory contradict each other.",
        ),
        false => Ok(found),
    }
}

fn record(data: &str, members: &[(Cow<'_, str>, &RawValue)], served: Served<'_>) -> Checked<Submission> {
    let value = |name| value_of(members, name);
    let long = |name| text(name, value(name), LONG_TEXT_MAX);
    let version = required("eventVersion", value("eventVersion"), SHORT_TEXT_MAX)?;
    let known = version
        .strip_prefix("1.")
        .is_some_and(|minor| (1..=3).contains(&minor.len()) && minor.bytes().all(|b| b.is_ascii_digit()));
    let source = required("eventSource", value("eventSource"), LONG_TEXT_MAX)?;
    if served.has(&source) {
        return fault(
            FaultCode::InvalidEventSource,
            format!("{source} is a service of this server, which alone tells of its events."),
        );
    }
    if !is_dns_name(&source) {
        return fault(
            FaultCode::InvalidEventSource,
            format!("{source} is no service's DNS name in lower case."),
        );
    }
    let name = required("eventName", value("eventName"), LONG_TEXT_MAX)?;
    let when = time("eventTime", &required("eventTime", value("eventTime"), LONG_TEXT_MAX)?)?;
    let region = required("awsRegion", value("awsRegion"), LONG_TEXT_MAX)?;
    let Some(identity) = value("userIdentity") else {
        return missing("userIdentity");
    };
    object("userIdentity", Some(identity), SUBMISSION_BYTES_MAX)?;
    let Ok(caller) = serde_json::from_str::<Caller<'_>>(identity) else {
        return fault(FaultCode::InvalidData, "userIdentity is not as CloudTrail writes it.");
    };
    for name in [
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestID",
        "eventID",
        "apiVersion",
        "sharedEventID",
        "vpcEndpointId",
        "vpcEndpointAccountId",
        "sessionCredentialFromConsole",
    ] {
        long(name)?;
    }
    for name in ["requestParameters", "responseElements", "serviceEventDetails"] {
        free(name, value(name), PARAMETERS_BYTES_MAX)?;
    }
    free(
        "additionalEventData",
        value("additionalEventData"),
        ADDITIONAL_BYTES_MAX,
    )?;
    let read_only = flag("readOnly", value("readOnly"))?.unwrap_or(false);
    let (kind, named) = (long("eventType")?, long("eventCategory")?);
    let event_type = event_type(kind.as_deref())?;
    let category = category(named.as_deref(), flag("managementEvent", value("managementEvent"))?)?;
    let recipient = long("recipientAccountId")?.map(Cow::into_owned);
    Ok(Submission {
        data: String::new(),
        schema: if known { Schema::Record } else { Schema::Unknown },
        members: spans(data, members)?,
        time: when,
        recipient,
        region: Region::parse(&region).ok(),
        index: IndexFields {
            event_time: when,
            event_source: source.into_owned(),
            event_name: name.into_owned(),
            aws_region: Region::us_east_1(),
            read_only,
            category,
            event_id: String::new(),
            recipient_account_id: AccountId::FIRST,
            user_name: caller.lookup_name(),
            access_key_id: caller.access_key_id.map(|Text(id)| id.into_owned()),
            resources: resources(value("resources"))?,
        },
        seen: Seen {
            event_type,
            error_code: long("errorCode")?.map(Cow::into_owned),
            user_arn: caller.arn.map(|Text(arn)| arn.into_owned()),
            invoked_by: caller.invoked_by.map(|Text(name)| name.into_owned()),
            from_console: long("sessionCredentialFromConsole")?.as_deref() == Some("true"),
            vpc_endpoint: long("vpcEndpointId")?.map(Cow::into_owned),
        },
    })
}

/// Where each member's value stands in what was sent.
fn spans(data: &str, members: &[(Cow<'_, str>, &RawValue)]) -> Checked<Vec<Member>> {
    let start = data.as_ptr().addr();
    let mut spans = Vec::with_capacity(members.len());
    for (name, value) in members {
        let name = match RECORD.iter().find(|known| *known == name) {
            Some(&"metadata") => {
                return fault(FaultCode::InvalidData, "metadata is CloudTrail's to write.");
            }
            Some(known) => Name::Known(known),
            None => {
                check_case(name, &RECORD)?;
                Name::Other(name.clone().into_owned())
            }
        };
        let from = value.get().as_ptr().addr().saturating_sub(start);
        spans.push(Member {
            name,
            value: from..from + value.get().len(),
        });
    }
    Ok(spans)
}
