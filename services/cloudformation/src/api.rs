//! How resources are made: calls of other services' operations, as the stack's caller or role, in one transaction.

use base::{AccountId, Region};
use bytes::Bytes;
use gateway::{Ctx, PortRefusal, S3Call, Txn, ctx::By, work::Work};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use wire::ServiceName;

/// One transaction of work for a stack, with whose rights it is done and where.
///
/// Every call is done inside the transaction: one that fails is undone and keeps its event; the transaction is committed, or
/// abandoned with all its events, by who made this.
pub struct Api {
    work: Work,
    by: By,
    account: AccountId,
    region: Region,
}

/// Why a resource could not be made, changed, deleted or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerError {
    /// CloudFormation's word for it.
    pub code: HandlerErrorCode,
    /// The service's own code; empty when no service was asked.
    pub service_code: String,
    /// The text: the service's, or the handler's own.
    pub message: String,
    /// The service that refused, with its HTTP status and the call's request id; `None` for what the handler itself refuses.
    pub refused_by: Option<(ServiceName, u16, String)>,
}

/// `HandlerErrorCode`
///
/// SPEC: <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerErrorCode {
    /// What is to be made is there already.
    AlreadyExists,
    /// A policy refuses.
    AccessDenied,
    /// What is asked for is not proper.
    InvalidRequest,
    /// A property that cannot change would have to.
    NotUpdatable,
    /// What is named is not there.
    NotFound,
    /// A quota.
    ServiceLimitExceeded,
    /// The resource is held by something else.
    ResourceConflict,
    /// The service could not, by its own fault.
    ServiceInternalError,
    /// The service refuses in another way.
    GeneralServiceException,
    /// It was not done in time.
    NotStabilized,
    /// Too many calls.
    Throttling,
    /// CloudFormation itself could not, by its own fault.
    InternalFailure,
}

impl HandlerErrorCode {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            HandlerErrorCode::AlreadyExists => "AlreadyExists",
            HandlerErrorCode::AccessDenied => "AccessDenied",
            HandlerErrorCode::InvalidRequest => "InvalidRequest",
            HandlerErrorCode::NotUpdatable => "NotUpdatable",
            HandlerErrorCode::NotFound => "NotFound",
            HandlerErrorCode::ServiceLimitExceeded => "ServiceLimitExceeded",
            HandlerErrorCode::ResourceConflict => "ResourceConflict",
            HandlerErrorCode::ServiceInternalError => "ServiceInternalError",
            HandlerErrorCode::GeneralServiceException => "GeneralServiceException",
            HandlerErrorCode::NotStabilized => "NotStabilized",
            HandlerErrorCode::Throttling => "Throttling",
            HandlerErrorCode::InternalFailure => "InternalFailure",
        }
    }
}

impl fmt::Display for HandlerErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl HandlerError {
    /// What a handler itself refuses.
    pub fn of(code: HandlerErrorCode, message: impl Into<String>) -> HandlerError {
        HandlerError {
            code,
            service_code: String::new(),
            message: message.into(),
            refused_by: None,
        }
    }

    /// Whether what was named is not there, which deleting takes for done.
    pub fn is_not_found(&self) -> bool {
        self.code == HandlerErrorCode::NotFound
    }

    fn from_refusal(refusal: PortRefusal, request_id: String) -> HandlerError {
        let code = match refusal.code.as_str() {
            code if refusal.denied || code.starts_with("AccessDenied") || code == "AuthorizationError" => {
                HandlerErrorCode::AccessDenied
            }
            code if code.starts_with("NoSuch") || code.contains("NotFound") => HandlerErrorCode::NotFound,
            "BucketAlreadyOwnedByYou" | "BucketAlreadyExists" => HandlerErrorCode::AlreadyExists,
            code if code.contains("AlreadyExists") => HandlerErrorCode::AlreadyExists,
            code if code.contains("LimitExceeded") || code == "MaximumNumberOfTrailsExceededException" => {
                HandlerErrorCode::ServiceLimitExceeded
            }
            "BucketNotEmpty" => HandlerErrorCode::GeneralServiceException,
            "DeleteConflict" | "OperationAborted" => HandlerErrorCode::ResourceConflict,
            _ if refusal.status >= 500 && refusal.status != 501 => HandlerErrorCode::ServiceInternalError,
            _ => HandlerErrorCode::InvalidRequest,
        };
        HandlerError {
            code,
            service_code: refusal.code,
            message: refusal.message,
            refused_by: Some((refusal.service, refusal.status, request_id)),
        }
    }
}

impl Api {
    /// Work for a stack of the account and Region, with these rights.
    pub fn new(work: Work, by: By, account: AccountId, region: Region) -> Api {
        Api {
            work,
            by,
            account,
            region,
        }
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The Region.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The context and the transaction.
    pub fn parts(&mut self) -> (&Ctx, &mut Txn) {
        self.work.parts()
    }

    /// The calls of this work reach this server by the host of whoever asked for it.
    pub fn reached_by(&mut self, host: String) {
        self.work.reached_by(host);
    }

    /// The transaction, to be committed or abandoned.
    pub fn into_work(self) -> Work {
        self.work
    }

    /// Calls an operation of a JSON service. `input` is the body; answers the body, `null` when there is none.
    pub async fn json(&mut self, service: ServiceName, operation: &str, input: &Value) -> Result<Value, HandlerError> {
        let body = self.call(service, operation, input).await?;
        match body.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&body).map_err(|_| unread(operation)),
        }
    }

    /// Calls an operation of a query service. `input` is an object of the members' wire names, lists as lists; the answer is
    /// read from what is in `<OPERATIONResult>`.
    pub async fn query<T: DeserializeOwned>(
        &mut self,
        service: ServiceName,
        operation: &str,
        input: &Value,
    ) -> Result<T, HandlerError> {
        let body = self.call(service, operation, input).await?;
        let text = std::str::from_utf8(&body).map_err(|_| unread(operation))?;
        let (open, close) = (format!("<{operation}Result>"), format!("</{operation}Result>"));
        let inner = text
            .find(&open)
            .zip(text.rfind(&close))
            .and_then(|(from, to)| text.get(from..to + close.len()));
        let result = inner.map_or_else(|| format!("{open}{close}"), str::to_owned);
        wire::xml::parse(result.as_bytes()).map_err(|_| unread(operation))
    }

    /// The same for an operation whose answer does not matter.
    pub async fn query_done(
        &mut self,
        service: ServiceName,
        operation: &str,
        input: &Value,
    ) -> Result<(), HandlerError> {
        self.call(service, operation, input).await.map(drop)
    }

    /// Calls an operation of S3. Answers headers and body.
    pub async fn s3(&mut self, call: S3Call<'_>) -> Result<(HeaderMap, Bytes), HandlerError> {
        let place = (self.by.clone(), self.account, self.region.clone());
        let (ctx, txn) = self.work.parts();
        let calls = match ctx.world().ports() {
            Ok(ports) => &ports.calls,
            Err(_) => return Err(unread("S3")),
        };
        let answered = calls.call_s3(ctx, txn, place, call).await;
        match answered.result {
            Ok(answer) => Ok((answer.headers, answer.body)),
            Err(refusal) => Err(HandlerError::from_refusal(refusal, answered.request_id)),
        }
    }

    /// The same calls in another Region, such as that of a replica key's primary.
    pub async fn json_in(
        &mut self,
        region: Region,
        service: ServiceName,
        operation: &str,
        input: &Value,
    ) -> Result<Value, HandlerError> {
        let own = std::mem::replace(&mut self.region, region);
        let result = self.json(service, operation, input).await;
        self.region = own;
        result
    }

    async fn call(&mut self, service: ServiceName, operation: &str, input: &Value) -> Result<Bytes, HandlerError> {
        let place = (self.by.clone(), self.account, self.region.clone());
        let (ctx, txn) = self.work.parts();
        let calls = match ctx.world().ports() {
            Ok(ports) => &ports.calls,
            Err(_) => return Err(unread(operation)),
        };
        let answered = calls.call(ctx, txn, place, service, operation, input).await;
        match answered.result {
            Ok(answer) => Ok(answer.body),
            Err(refusal) => Err(HandlerError::from_refusal(refusal, answered.request_id)),
        }
    }
}

/// An answer of ours that we cannot read is our own fault.
fn unread(operation: &str) -> HandlerError {
    HandlerError::of(
        HandlerErrorCode::ServiceInternalError,
        format!("What {operation} answered could not be read."),
    )
}
