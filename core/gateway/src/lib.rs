//! # Gateway: the one front door
//!
//! Every call, from a client or from another room, goes through [`pipeline`]: route, authenticate, parse, authorise,
//! stage, run, record, commit, render. A room declares its operations with [`Operation`] and lists them as
//! [`Route`]s; it asks other rooms through [`ports`] only. Start reading at [`pipeline`], then [`operation`].
//!
//! ## Invariants
//! - A call that was answered is in the journal, in the same commit as its effect.
//! - Nothing runs without an `Authorized` input, and only `policy` makes those.
//! - Rooms hold `&mut Txn`: they can neither commit nor forget the event.
//! - A port call is decided by the same policies and recorded like any other call; there is no side door.
#![deny(missing_docs)]

mod answered;
pub mod authorise;
pub mod body;
pub mod calls;
pub mod check;
pub mod ctx;
pub mod decision;
pub mod deliveries;
pub mod demand;
pub mod error;
pub mod event;
pub mod history;
mod ingested;
mod invoke;
pub mod journal;
pub mod keyring;
pub mod operation;
pub mod organization;
pub mod pipeline;
pub mod ports;
pub mod principals;
mod refused;
pub mod reply;
pub mod rotation;
mod session;
pub mod settings;
pub mod standing;
mod txn;
pub mod work;
pub mod world;

pub use answered::AnsweredCall;
pub use authorise::Asker;
pub use body::{Body, BodyFault};
pub use calls::{Answered, Calls, S3Call};
pub use ctx::{Caller, Ctx, RoleSession, ServiceCaller, Session, SessionIssuer, SignedCaller, Source};
pub use deliveries::{Deliveries, Delivery, DeliveryKind};
pub use demand::{Demand, Demands};
pub use error::{CallFailure, OperationError, PortRefusal};
pub use ingested::Ingested;
pub use operation::{BodyUse, Call, EventClass, Operation, Parse, Render, RenderCtx, Route, Signature, Staged};
pub use organization::Organization;
pub use pipeline::Gateway;
pub use reply::{Json, QueryForm, QueryResult, Reply, ReplyBody};
pub use settings::{AwsBehavior, Settings};
pub use standing::{NoLonger, still_allowed};
pub use txn::Txn;
pub use world::{Ports, World};

/// A boxed, sendable future: what the object-safe port traits return.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
