//! Calls that a service makes on others as a client would: any operation by its name, in the wire's own form.
//!
//! Where a room knows beforehand what it asks of another, it has a port for it ([`crate::ports`]). A service that works
//! from a customer's document, as CloudFormation does, calls what the document names: those calls are parsed, authorised,
//! run and recorded as if they had come from outside, inside the caller's transaction.

use crate::{
    Boxed, Call, Ctx, PortRefusal, Reply, ReplyBody, Route, Txn,
    ctx::{By, Inner},
};
use base::{AccountId, Region};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;
use serde_json::Value;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};
use wire::{ErrorReply, Form, Head, Protocol, ServiceName};

/// The longest answer that a service takes: as long as a template may be.
pub const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// How an operation is driven by another service: the id of the call, and what came of it.
pub(crate) type Invoke =
    for<'a> fn(&'a Ctx, &'a mut Txn, Inner, Call) -> Boxed<'a, (String, Result<Reply, PortRefusal>)>;

/// Every operation of every room, by name.
#[derive(Default)]
pub struct Calls {
    routes: HashMap<ServiceName, HashMap<&'static str, &'static Route>>,
}

/// What came of a call.
#[derive(Debug)]
pub struct Answered {
    /// The call's request id, which its event carries; empty when the call did not begin.
    pub request_id: String,
    /// The HTTP status, headers and body; or the refusal.
    pub result: Result<Answer, PortRefusal>,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A call of S3, which is a request and no form.
#[derive(Clone, Debug)]
pub struct S3Call<'a> {
    /// The method.
    pub method: Method,
    /// The bucket's name.
    pub bucket: &'a str,
    /// The object's key; `None` for a call on the bucket.
    pub key: Option<&'a str>,
    /// The query, encoded, without `?`, such as `versioning`.
    pub query: &'a str,
    /// The headers, names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body: an XML document, or nothing.
    pub body: String,
}

impl Calls {
    /// The operations of these rooms.
    pub fn new(rooms: &[&'static [Route]]) -> Calls {
        let mut routes: HashMap<ServiceName, HashMap<&'static str, &'static Route>> = HashMap::new();
        for route in rooms.iter().flat_map(|room| room.iter()) {
            routes.entry(route.service).or_default().insert(route.name, route);
        }
        Calls { routes }
    }

    /// The operation of this name.
    pub fn route(&self, service: ServiceName, operation: &str) -> Option<&'static Route> {
        self.routes.get(&service)?.get(operation).copied()
    }

    /// Every operation, in no order.
    pub fn routes(&self) -> impl Iterator<Item = &'static Route> {
        self.routes.values().flat_map(|service| service.values().copied())
    }

    /// Calls an operation of a JSON or query service in the account and Region. `input` is an object of the members' wire
    /// names: it is the body as it stands, or is spelled out as a form (`Tags.member.1.Key`), in which numbers and booleans
    /// are texts and `null` is absent.
    ///
    /// Done inside `txn`: when the call fails its effects are undone and its event stays. IAM's calls are of us-east-1.
    pub async fn call(
        &self,
        ctx: &Ctx,
        txn: &mut Txn,
        (by, account, region): (By, AccountId, Region),
        service: ServiceName,
        operation: &str,
        input: &Value,
    ) -> Answered {
        let (body, form) = match service.protocol() {
            Protocol::Query | Protocol::Ec2Query => {
                let mut pairs = vec![
                    ("Action".to_owned(), operation.to_owned()),
                    ("Version".to_owned(), service.api_version().to_owned()),
                ];
                spell_out("", input, &mut pairs);
                (Bytes::new(), Some(Form::of(pairs)))
            }
            _ => (Bytes::from(input.to_string()), None),
        };
        let call = Call {
            service,
            signature: None,
            head: head(Method::POST, "/".to_owned(), String::new(), HeaderMap::new()),
            body,
            form,
            target: None,
        };
        let region = match service {
            ServiceName::Iam => Region::us_east_1(),
            _ => region,
        };
        let inner = Inner { by, account, region };
        self.drive(ctx, txn, inner, operation, call).await
    }

    /// Calls an operation of S3 in the account and Region: the one that method, target and query mean.
    pub async fn call_s3(
        &self,
        ctx: &Ctx,
        txn: &mut Txn,
        (by, account, region): (By, AccountId, Region),
        call: S3Call<'_>,
    ) -> Answered {
        let settings = ctx.settings();
        let mut headers = HeaderMap::new();
        for (name, value) in call.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(call.body.len()));
        let path = match call.key {
            None => format!("/{}", call.bucket),
            Some(key) => format!("/{}/{}", call.bucket, encoded_key(key)),
        };
        let head = head(call.method, path, call.query.to_owned(), headers);
        let target = match wire::s3_operation(&head, &settings.domain) {
            Ok(target) => target,
            Err(fault) => return not_begun(ServiceName::S3, ErrorReply::of_route(&fault, ServiceName::S3)),
        };
        let operation = target.operation;
        let call = Call {
            service: ServiceName::S3,
            signature: None,
            head,
            body: Bytes::from(call.body),
            form: None,
            target: Some(target),
        };
        self.drive(ctx, txn, Inner { by, account, region }, operation, call)
            .await
    }

    async fn drive(&self, ctx: &Ctx, txn: &mut Txn, inner: Inner, operation: &str, call: Call) -> Answered {
        let service = call.service;
        let Some(route) = self.route(service, operation) else {
            return not_begun(service, wire::not_implemented(service, operation));
        };
        let (request_id, reply) = (route.invoke)(ctx, txn, inner, call).await;
        let result = match reply {
            Ok(reply) => whole(service, reply).await,
            Err(refused) => Err(refused),
        };
        Answered { request_id, result }
    }
}

/// An answer's body, read whole; a longer one than [`ANSWER_BYTES_MAX`] is refused.
async fn whole(service: ServiceName, reply: Reply) -> Result<Answer, PortRefusal> {
    let (status, headers) = (reply.status, reply.headers);
    let body = match reply.body {
        ReplyBody::Bytes(body) => body,
        ReplyBody::Stream { length, .. } if length > ANSWER_BYTES_MAX => {
            let text = format!("The answer has {length} bytes; up to {ANSWER_BYTES_MAX} are taken.");
            return Err(refusal(service, ErrorReply::new(400, "EntityTooLarge", text)));
        }
        ReplyBody::Endless(_) => {
            let text = "The answer has no end; services take none such.";
            return Err(refusal(service, ErrorReply::new(400, "EntityTooLarge", text)));
        }
        ReplyBody::Stream { stream, .. } => match stream.collect().await {
            Ok(whole) => whole.to_bytes(),
            Err(error) => {
                tracing::error!(%error, "an answer to a service could not be read");
                return Err(refusal(service, ErrorReply::internal(service)));
            }
        },
    };
    Ok(Answer { status, headers, body })
}

fn not_begun(service: ServiceName, reply: ErrorReply) -> Answered {
    Answered {
        request_id: String::new(),
        result: Err(refusal(service, reply)),
    }
}

fn refusal(service: ServiceName, reply: ErrorReply) -> PortRefusal {
    PortRefusal::from_failure(service, crate::CallFailure::reply(reply))
}

fn head(method: Method, path: String, query: String, headers: HeaderMap) -> Head {
    Head {
        method,
        path,
        query,
        headers,
        authority: String::new(),
        https: true,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        tls: None,
    }
}

/// A key in a path: everything but what stands for itself is escaped, and the slashes stay.
fn encoded_key(key: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(key, ESCAPED).to_string()
}

/// A value in a form's dotted names. An empty list is the empty text, as the query protocol has it.
fn spell_out(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    let below = |part: &str| match name {
        "" => part.to_owned(),
        name => format!("{name}.{part}"),
    };
    match value {
        Value::Null => {}
        Value::Bool(truth) => pairs.push((name.to_owned(), truth.to_string())),
        Value::Number(number) => pairs.push((name.to_owned(), number.to_string())),
        Value::String(text) => pairs.push((name.to_owned(), text.clone())),
        Value::Array(items) if items.is_empty() => pairs.push((name.to_owned(), String::new())),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                spell_out(&below(&format!("member.{}", at + 1)), item, pairs);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                spell_out(&below(member), value, pairs);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_spelled_out_as_a_form() {
        let mut pairs = Vec::new();
        let input =
            json!({"Name": "n", "On": true, "Tags": [{"Key": "k", "Value": "v"}], "None": null, "Of": [], "N": 3});
        spell_out("", &input, &mut pairs);
        let mut shown: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        shown.sort();
        assert_eq!(
            shown,
            [
                "N=3",
                "Name=n",
                "Of=",
                "On=true",
                "Tags.member.1.Key=k",
                "Tags.member.1.Value=v"
            ]
        );
    }

    #[test]
    fn a_key_in_a_path_is_read_back() {
        for key in ["a/b", "a b+c", "日本/%41?x=y", "~._-"] {
            let back = wire::decode_percent(&encoded_key(key)).ok();
            assert_eq!(back.as_deref(), Some(key));
        }
    }
}
