//! How a call fails: the reply the client gets and, for our own faults, what is logged.

use base::Fault;
use wire::{AwsError, ErrorReply, ServiceName};

/// A room's closed error enum. Besides AWS's shapes it carries [`Fault`], refusals of port calls, and nothing else.
pub trait OperationError: AwsError + From<Fault> + From<PortRefusal> + Send + 'static {
    /// The fault, when this error is ours and not the caller's.
    fn fault(&self) -> Option<&Fault>;
}

/// The failure of a call, ready to be recorded and rendered.
#[derive(Debug)]
pub struct CallFailure {
    /// What the client is told.
    pub reply: ErrorReply,
    /// Whether a policy refused it.
    pub denied: bool,
    /// Whether it is our fault (already logged).
    pub fault: bool,
    /// Whether the call is to be repeated on a new snapshot instead of answered.
    pub stale: bool,
}

impl CallFailure {
    /// From a room's error; a fault is logged here, once, and the client is told nothing but that.
    pub fn of<E: OperationError>(error: &E, service: ServiceName, request_id: &str) -> CallFailure {
        if let Some(fault) = error.fault() {
            return CallFailure::fault(fault, service, request_id);
        }
        CallFailure {
            reply: ErrorReply::of(error),
            denied: matches!(error.status(), 403) || error.code().starts_with("AccessDenied"),
            fault: false,
            stale: false,
        }
    }

    /// From a fault; logged here, once.
    pub fn fault(fault: &Fault, service: ServiceName, request_id: &str) -> CallFailure {
        let stale = matches!(fault, Fault::Stale);
        if !stale {
            tracing::error!(request_id, error = %Chain(fault), "call failed");
        }
        CallFailure {
            reply: ErrorReply::internal(service),
            denied: false,
            fault: true,
            stale,
        }
    }

    /// A reply that needs no room: routing, authentication, parsing.
    pub fn reply(reply: ErrorReply) -> CallFailure {
        CallFailure {
            reply,
            denied: false,
            fault: false,
            stale: false,
        }
    }
}

/// A port call that did not succeed, as the asking room sees it. The inner event is already in the transaction.
#[derive(Debug)]
pub struct PortRefusal {
    /// The service that refused.
    pub service: ServiceName,
    /// Its AWS error code.
    pub code: String,
    /// Its AWS error text.
    pub message: String,
    /// Its HTTP status.
    pub status: u16,
    /// Whether a policy refused it.
    pub denied: bool,
}

impl PortRefusal {
    /// From an inner call's failure.
    pub fn from_failure(service: ServiceName, failure: CallFailure) -> PortRefusal {
        PortRefusal {
            service,
            code: failure.reply.code,
            message: failure.reply.message,
            status: failure.reply.status,
            denied: failure.denied,
        }
    }
}

/// Prints a fault with its sources, for the log.
pub struct Chain<'a>(pub &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
