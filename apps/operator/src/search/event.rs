//! What a search looks at in a record.

use super::scan::{Scan, elements, members};
use base::Timestamp;
use serde_json::Value;
use std::borrow::Cow;

/// A record and where in it is what. Nothing is parsed before it is asked for.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>
#[derive(Clone, Copy, Debug, Default)]
pub struct Event<'a> {
    raw: &'a [u8],
    time: &'a [u8],
    id: &'a [u8],
    source: &'a [u8],
    name: &'a [u8],
    region: &'a [u8],
    source_ip: &'a [u8],
    user_agent: &'a [u8],
    error_code: &'a [u8],
    error_message: &'a [u8],
    read_only: &'a [u8],
    identity: &'a [u8],
    request: &'a [u8],
    response: &'a [u8],
    resources: &'a [u8],
    recipient: &'a [u8],
}

/// A value that is a string.
fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    match inside.contains(&b'\\') {
        false => std::str::from_utf8(inside).ok().map(Cow::Borrowed),
        true => serde_json::from_slice::<String>(raw).ok().map(Cow::Owned),
    }
}

/// The string of this name in an object.
fn member<'a>(object: &'a [u8], name: &str) -> &'a [u8] {
    let mut found: &[u8] = &[];
    members(object, 0, |key, value| {
        if key == name.as_bytes() {
            found = value;
        }
    });
    found
}

impl<'a> Event<'a> {
    /// The record that begins at `from`, and where it ends.
    pub(super) fn scan(bytes: &'a [u8], from: usize) -> Scan<(usize, Event<'a>)> {
        let mut event = Event::default();
        let end = members(bytes, from, |name, value| {
            let place = match name {
                b"eventTime" => &mut event.time,
                b"eventID" => &mut event.id,
                b"eventSource" => &mut event.source,
                b"eventName" => &mut event.name,
                b"awsRegion" => &mut event.region,
                b"sourceIPAddress" => &mut event.source_ip,
                b"userAgent" => &mut event.user_agent,
                b"errorCode" => &mut event.error_code,
                b"errorMessage" => &mut event.error_message,
                b"readOnly" => &mut event.read_only,
                b"userIdentity" => &mut event.identity,
                b"requestParameters" => &mut event.request,
                b"responseElements" => &mut event.response,
                b"resources" => &mut event.resources,
                b"recipientAccountId" => &mut event.recipient,
                _ => return,
            };
            *place = value;
        });
        match end {
            Scan::Done(end) => {
                event.raw = bytes.get(from..end).unwrap_or_default();
                Scan::Done((end, event))
            }
            Scan::More => Scan::More,
            Scan::Bad => Scan::Bad,
        }
    }

    /// Of a record's text; whatever is no object is an event without anything.
    pub fn of(record: &'a str) -> Event<'a> {
        match Event::scan(record.as_bytes(), 0) {
            Scan::Done((_, event)) => event,
            _ => Event::default(),
        }
    }

    /// The record as it was found.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    pub(super) fn raw_time(&self) -> &'a [u8] {
        self.time
    }

    /// `eventTime` as it is written.
    pub fn time_text(&self) -> Cow<'a, str> {
        text(self.time).unwrap_or_default()
    }

    /// `eventTime`.
    pub fn time(&self) -> Option<Timestamp> {
        Timestamp::parse(&text(self.time)?)
    }

    /// `eventID`.
    pub fn id(&self) -> Cow<'a, str> {
        text(self.id).unwrap_or_default()
    }

    /// `eventSource`.
    pub fn source(&self) -> Cow<'a, str> {
        text(self.source).unwrap_or_default()
    }

    /// `eventName`.
    pub fn name(&self) -> Cow<'a, str> {
        text(self.name).unwrap_or_default()
    }

    /// `awsRegion`.
    pub fn region(&self) -> Cow<'a, str> {
        text(self.region).unwrap_or_default()
    }

    /// `sourceIPAddress`.
    pub fn source_ip(&self) -> Cow<'a, str> {
        text(self.source_ip).unwrap_or_default()
    }

    /// `userAgent`.
    pub fn user_agent(&self) -> Cow<'a, str> {
        text(self.user_agent).unwrap_or_default()
    }

    /// `errorCode`; nothing when the call was not refused.
    pub fn error_code(&self) -> Option<Cow<'a, str>> {
        text(self.error_code)
    }

    /// `errorMessage`.
    pub fn error_message(&self) -> Option<Cow<'a, str>> {
        text(self.error_message)
    }

    /// `readOnly`; nothing when the record does not say.
    pub fn read_only(&self) -> Option<bool> {
        match self.read_only {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// `recipientAccountId`, else the caller's account.
    pub fn account(&self) -> Cow<'a, str> {
        text(self.recipient)
            .or_else(|| self.identity("accountId"))
            .unwrap_or_default()
    }

    /// A string of `userIdentity`.
    pub fn identity(&self, name: &str) -> Option<Cow<'a, str>> {
        text(member(self.identity, name))
    }

    /// A string of `userIdentity.sessionContext.sessionIssuer`.
    fn issuer(&self, name: &str) -> Option<Cow<'a, str>> {
        text(member(
            member(member(self.identity, "sessionContext"), "sessionIssuer"),
            name,
        ))
    }

    /// Who called, as one name: the ARN, else the service, the user's or the session's name, the type.
    pub fn principal(&self) -> Cow<'a, str> {
        let names = ["arn", "invokedBy", "userName", "principalId", "accountId", "type"];
        names.iter().find_map(|name| self.identity(name)).unwrap_or_default()
    }

    /// Whether the caller is called so by any of its names.
    pub(super) fn is_called(&self, by: impl Fn(&str) -> bool) -> bool {
        let names = ["arn", "userName", "accessKeyId", "principalId", "invokedBy"];
        let own = names
            .iter()
            .any(|name| self.identity(name).is_some_and(|found| by(&found)));
        let is_root = || self.identity("type").is_some_and(|kind| kind == "Root") && by("root");
        own || self.last_of_arn_or_issuer(&by) || is_root()
    }

    fn last_of_arn_or_issuer(&self, by: &impl Fn(&str) -> bool) -> bool {
        let arn = self.identity("arn").unwrap_or_default();
        // A session's own name, which is nowhere else.
        let session = arn.rsplit_once('/').is_some_and(|(_, session)| by(session));
        session
            || ["arn", "userName", "principalId"]
                .iter()
                .any(|name| self.issuer(name).is_some_and(|found| by(&found)))
    }

    /// The ARNs of `resources`, in order.
    pub fn resources(&self) -> Vec<Cow<'a, str>> {
        let mut found = Vec::new();
        if self.resources.starts_with(b"[") {
            elements(self.resources, |resource| {
                let arn = ["ARN", "ARNPrefix", "arn"]
                    .iter()
                    .find_map(|name| text(member(resource, name)));
                found.extend(arn);
            });
        }
        found
    }

    /// Whether a string in what was asked or answered is so.
    pub(super) fn has_parameter(&self, is: impl Fn(&str) -> bool) -> bool {
        [self.request, self.response].iter().any(|raw| {
            let value = serde_json::from_slice::<Value>(raw).unwrap_or_default();
            any_string(&value, &is)
        })
    }

    /// What the call was about, as one name: the first resource, else a name among what was asked for.
    pub fn resource(&self) -> Cow<'a, str> {
        if let Some(first) = self.resources().into_iter().next() {
            return first;
        }
        NAMING
            .iter()
            .find_map(|name| text(member(self.request, name)))
            .unwrap_or_default()
    }
}

/// Members of `requestParameters` that name what a call is about, the telling ones first.
const NAMING: [&str; 20] = [
    "bucketName",
    "keyId",
    "trailName",
    "name",
    "stackName",
    "roleArn",
    "roleName",
    "userName",
    "groupName",
    "policyArn",
    "policyName",
    "logGroupName",
    "topicArn",
    "functionName",
    "instanceId",
    "tableName",
    "secretId",
    "resourceArn",
    "aliasName",
    "accessKeyId",
];

fn any_string(value: &Value, is: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is(text),
        Value::Array(list) => list.iter().any(|value| any_string(value, is)),
        Value::Object(map) => map.values().any(|value| any_string(value, is)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_tells_who_did_what_to_what() {
        let record = json!({
            "eventTime": "2026-11-22T10:00:00Z", "eventName": "GetObject", "readOnly": true,
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::012345678901:assumed-role/Auditor/taro",
                "accountId": "012345678901", "sessionContext": {"sessionIssuer": {"userName": "Auditor",
                "arn": "arn:aws:iam::012345678901:role/Auditor"}}},
            "requestParameters": {"bucketName": "logs", "nested": [{"x": "deep \"one\""}]},
            "resources": [{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::logs/"}, {"ARN": "arn:aws:s3:::logs"}],
        });
        let text = record.to_string();
        let event = Event::of(&text);
        assert_eq!(event.raw(), text.as_bytes());
        assert_eq!(event.time().unwrap().iso8601(), "2026-11-22T10:00:00Z");
        assert_eq!((event.name().as_ref(), event.read_only()), ("GetObject", Some(true)));
        for name in ["taro", "Auditor", "arn:aws:iam::012345678901:role/Auditor"] {
            assert!(event.is_called(|found| found == name), "{name}");
        }
        assert!(!event.is_called(|found| found == "root"));
        assert_eq!(event.account(), "012345678901");
        assert_eq!(event.resources(), ["arn:aws:s3:::logs/", "arn:aws:s3:::logs"]);
        assert_eq!(event.resource(), "arn:aws:s3:::logs/");
        assert!(event.has_parameter(|found| found == "deep \"one\""));
        assert_eq!(event.error_code(), None);
        let plain = json!({"requestParameters": {"bucketName": "logs"}, "userIdentity": {"type": "Root"}}).to_string();
        let event = Event::of(&plain);
        assert_eq!(event.resource(), "logs");
        assert!(event.is_called(|found| found == "root"));
        assert_eq!(Event::of("nonsense").principal(), "");
    }
}
