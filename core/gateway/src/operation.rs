//! An operation declares itself once: route, action, resource, event class, record fields.

use crate::{Body, CallFailure, Ctx, Demands, OperationError, Reply, Txn, event::Event};
use base::{Fault, Timestamp};
use bytes::Bytes;
use policy::Authorized;
use record::Evident;
use std::any::Any;
use store::ReadView;
use wire::{ErrorReply, Form, Head, S3Target, ServiceName};

/// What kind of event a call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventClass {
    /// A management event.
    Management {
        /// Whether the call changes nothing.
        read_only: bool,
    },
    /// A data event on a resource of this type.
    Data {
        /// Such as `AWS::S3::Object`.
        resource_type: &'static str,
        /// Whether the call changes nothing.
        read_only: bool,
    },
    /// No event (AWS records none for it).
    None,
}

/// How an operation takes its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// Read whole before parsing, up to so many bytes.
    Whole {
        /// The most bytes that are read; more is refused.
        bytes_max: usize,
    },
    /// Left to [`Operation::stage`].
    Streamed,
}

/// The default limit of a body that is read whole: 1 MiB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What the signature of a request proved about it.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The value of `x-amz-content-sha256` that was signed; `UNSIGNED-PAYLOAD` for a presigned request without one.
    pub content_sha256: String,
    /// Whether it is in the query.
    pub presigned: bool,
    /// When it was made.
    pub signed_at: Timestamp,
}

/// A request as parsing sees it: authenticated, with its whole body unless the operation streams it.
pub struct Call {
    /// The service that is called.
    pub service: ServiceName,
    /// What was signed; `None` for an anonymous call.
    pub signature: Option<Signature>,
    /// The request's head.
    pub head: Head,
    /// The whole body; empty when it is streamed.
    pub body: Bytes,
    /// The form of a Query or EC2 call.
    pub form: Option<Form>,
    /// The bucket and key of an S3 call.
    pub target: Option<S3Target>,
}

/// Untrusted input becomes the operation's typed input, or is refused.
pub trait Parse: Sized {
    /// Parses the call; a refusal is what the client is told.
    fn parse(call: &Call) -> Result<Self, ErrorReply>;
}

/// What rendering may know of the call.
pub struct RenderCtx<'a> {
    /// The service.
    pub service: ServiceName,
    /// The operation.
    pub operation: &'static str,
    /// The request's id.
    pub request_id: &'a str,
}

/// An output becomes the reply.
pub trait Render {
    /// Renders without request-id headers, which the pipeline adds.
    fn render(self, ctx: &RenderCtx<'_>) -> Reply;
}

/// The result of [`Operation::stage`], handed to every attempt at [`Operation::run`].
pub struct Staged {
    value: Option<Box<dyn Any + Send + Sync>>,
}

impl Staged {
    /// Nothing was staged.
    pub fn nothing() -> Staged {
        Staged { value: None }
    }

    /// A staged value.
    pub fn of<T: Any + Send + Sync>(value: T) -> Staged {
        Staged {
            value: Some(Box::new(value)),
        }
    }

    /// The staged value, which must be of the type that was staged.
    pub fn get<T: Any>(&self) -> Result<&T, Fault> {
        self.value
            .as_ref()
            .and_then(|value| value.downcast_ref())
            .ok_or(Fault::Bug("another type was staged than is run"))
    }
}

/// One AWS operation, declared once.
pub trait Operation: Send + Sync + 'static {
    /// AWS's name of the operation.
    const NAME: &'static str;
    /// The service it belongs to.
    const SERVICE: ServiceName;
    /// The name in the record, where it differs from the operation's (`ListObjectsV2` is recorded as `ListObjects`).
    const EVENT_NAME: &'static str = Self::NAME;
    /// What kind of event it makes.
    const EVENT: EventClass;
    /// Whether the record shows what was answered although the call changes nothing (AssumeRole).
    const SHOWS_RESPONSE: bool = false;
    /// What of AWS's operation is not here, in one line for the documents; empty when nothing is missing.
    const MISSING: &'static str = "";
    /// How its body is taken.
    const BODY: BodyUse = BodyUse::Whole {
        bytes_max: BODY_BYTES_MAX,
    };
    /// Whether it has work before the transaction; then it is authorised twice, before staging and before running.
    const STAGED: bool = false;

    /// The parsed input. `Evident` says what of it may appear in a record; secrets have no impl.
    type Input: Parse + Evident + Send + Sync + 'static;
    /// The output.
    type Output: Render + Evident + Send + 'static;
    /// The room's error enum.
    type Error: OperationError;

    /// Every (action, resource, owner, condition keys) that this call needs, read from the state that the run will see.
    fn demands(
        ctx: &Ctx,
        view: &ReadView<'_>,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Demands, Self::Error>> + Send;

    /// Slow or streaming work before the transaction. Runs once, however often the transaction is repeated. Events of
    /// port calls made on `txn` are kept, its writes are not.
    fn stage(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        body: Body,
    ) -> impl Future<Output = Result<Staged, Self::Error>> + Send {
        let _ = (ctx, txn, input, body);
        async { Ok(Staged::nothing()) }
    }

    /// The effect. May be repeated on a new snapshot after a conflict; hence no effect outside `txn`.
    fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

/// A row of a room's `OPERATIONS`.
pub struct Route {
    /// The service.
    pub service: ServiceName,
    /// The operation's name.
    pub name: &'static str,
    /// What kind of event it makes.
    pub event: EventClass,
    /// How its body is taken.
    pub body: BodyUse,
    /// What of AWS's operation is not here; empty when nothing is missing.
    pub missing: &'static str,
    pub(crate) drive: fn(Ctx, Call, Body) -> crate::Boxed<'static, Reply>,
    pub(crate) invoke: crate::calls::Invoke,
}

impl Route {
    /// The route of an operation.
    pub const fn of<O: Operation>() -> Route {
        Route {
            service: O::SERVICE,
            name: O::NAME,
            event: O::EVENT,
            body: O::BODY,
            missing: O::MISSING,
            drive: |ctx, call, body| match O::STAGED {
                true => Box::pin(crate::pipeline::drive_to_the_end::<O>(ctx, call, body)),
                false => Box::pin(crate::pipeline::drive::<O>(ctx, call, body)),
            },
            invoke: |outer, txn, inner, call| Box::pin(crate::invoke::invoke::<O>(outer, txn, inner, call)),
        }
    }
}

/// What one attempt left behind when it failed: the failure and the events of its inner calls.
pub(crate) struct Failed {
    pub(crate) failure: CallFailure,
    pub(crate) events: Vec<Event>,
}
