//! A request that did not become a call, and what its sender is told.

use crate::{
    BodyFault, CallFailure, Reply, World,
    operation::BODY_BYTES_MAX,
    pipeline::{render_failure, request_id},
};
use base::Fault;
use sigv4::{AuthFault, Family};
use wire::{ErrorReply, Head, Protocol, ServiceName};

/// A request that did not become a call. Not recorded: who it is from is not proven, or what it wants is not known.
pub(crate) struct Refused {
    service: ServiceName,
    head_request: bool,
    reply: ErrorReply,
}

impl Refused {
    pub(crate) fn of(service: ServiceName, head: &Head, reply: ErrorReply) -> Refused {
        Refused {
            service,
            head_request: head.method == http::Method::HEAD,
            reply,
        }
    }

    pub(crate) fn auth(service: ServiceName, head: &Head, fault: AuthFault) -> Refused {
        Refused::of(service, head, auth_reply(service, &fault))
    }

    pub(crate) fn fault(service: ServiceName, head: &Head, fault: &Fault) -> Refused {
        let failure = CallFailure::fault(fault, service, "before the call");
        Refused::of(service, head, failure.reply)
    }

    pub(crate) fn reply(self, world: &World) -> Reply {
        world.count_refused(&self.reply.code);
        render_failure(
            self.service,
            &self.reply,
            &request_id(world, self.service),
            self.head_request,
            None,
        )
    }
}

/// What a client is told whose credentials are not taken.
pub(crate) fn auth_reply(service: ServiceName, fault: &AuthFault) -> ErrorReply {
    let family = match service.protocol() {
        Protocol::RestXml => Family::S3,
        Protocol::Json11 | Protocol::RestJson => Family::Json,
        Protocol::Query | Protocol::Ec2Query => Family::Query,
    };
    let error = sigv4::render(fault, family);
    let status = match service.protocol() {
        Protocol::RestJson => 403,
        _ => error.status.as_u16(),
    };
    ErrorReply {
        extra: error.elements,
        ..ErrorReply::new(status, error.code, error.message)
    }
}

/// What a client is told whose body is longer than is read.
pub(crate) fn too_large(bytes_max: usize) -> ErrorReply {
    let message = format!("Request size exceeded {bytes_max} bytes");
    ErrorReply::new(413, "RequestEntityTooLargeException", message)
}

/// What a client is told whose body cannot be read.
pub fn body_fault(service: ServiceName, fault: &BodyFault) -> ErrorReply {
    let (code, message, status) = match fault {
        BodyFault::Auth(fault) => return auth_reply(service, fault),
        BodyFault::Truncated => (
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
            400,
        ),
        BodyFault::TooLarge if service == ServiceName::S3 => {
            ("MaxMessageLengthExceeded", "Your request was too big.", 400)
        }
        BodyFault::TooLarge => return too_large(BODY_BYTES_MAX),
    };
    ErrorReply::new(status, code, message)
}
