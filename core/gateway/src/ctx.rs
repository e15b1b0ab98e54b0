//! The call's context: who calls, from where, in which account and Region, and the world it runs in.

use crate::{World, decision::Denied, error::PortRefusal};
use base::{AccountId, Arn, Fault, Random, Region, Timestamp};
use policy::{Policy, Principal};
use record::Params;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::{ServiceName, TlsDetails};

/// Calls nest no deeper than this; deeper is a bug that fails the call.
pub const DEPTH_MAX: u8 = 8;

/// Of all that is refused to one call and its parts, so many are explained.
pub(crate) const DENIALS_MAX: usize = 16;

/// A principal whose signature was verified.
#[derive(Debug)]
pub struct SignedCaller {
    /// Who it is.
    pub principal: Principal,
    /// The access key that signed.
    pub access_key_id: String,
    /// The principal's unique id, as a record's `principalId`.
    pub principal_id: String,
    /// How the temporary credentials came about; `None` when the key is a long-term one.
    pub session: Option<Arc<Session>>,
}

/// Temporary credentials: a role that was assumed, or what GetSessionToken gave a user or root.
#[derive(Debug)]
pub struct Session {
    /// When they were issued, by domain time (`aws:TokenIssueTime`, a record's `creationDate`).
    pub issued: Timestamp,
    /// When they end, by real time.
    pub expires: Timestamp,
    /// Whether they were issued to a caller with MFA.
    pub mfa: bool,
    /// `aws:SourceIdentity`, kept through every further session.
    pub source_identity: Option<String>,
    /// The session's own tags, before those of the role.
    pub tags: Vec<(String, String)>,
    /// Which of them a further session inherits.
    pub transitive_tag_keys: Vec<String>,
    /// The session policies: `None` when none were given.
    pub policies: Option<Vec<Arc<Policy>>>,
    /// Whether a role session assumed the role (role chaining: an hour at most).
    pub chained: bool,
    /// The role; `None` for GetSessionToken.
    pub issuer: Option<SessionIssuer>,
}

/// The role of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionIssuer {
    /// `AROA…`
    pub role_id: String,
    /// The role, with its path.
    pub role_arn: Arn,
    /// The role's account.
    pub account: AccountId,
    /// The role's name.
    pub role_name: String,
}

/// A service acting by itself, named by its principal.
#[derive(Clone, Debug)]
pub struct ServiceCaller {
    /// The service principal, such as `cloudtrail.amazonaws.com`.
    pub name: &'static str,
    /// The resource for which it acts (`aws:SourceArn`).
    pub source_arn: Option<Arn>,
    /// The account for which it acts (`aws:SourceAccount`).
    pub source_account: AccountId,
}

/// A session of a role that a service assumed, to act under the role's rights: what [`crate::ports::Roles`] makes.
#[derive(Clone, Debug)]
pub struct RoleSession {
    /// The session, as its calls show it.
    pub caller: Arc<SignedCaller>,
    /// The service that assumed the role.
    pub service: ServiceCaller,
}

/// Who calls.
#[derive(Clone)]
pub enum Caller {
    /// Nobody signed.
    Anonymous,
    /// A principal, directly.
    Signed(Arc<SignedCaller>),
    /// A principal, through a service that uses its rights (forward access session).
    Forwarded {
        /// Whose rights are used.
        caller: Arc<SignedCaller>,
        /// The service's host in its Region, the value of `kms:ViaService`: `s3.us-east-1.amazonaws.com`; `None` for a service
        /// that KMS does not know as one that uses keys for others.
        via: Option<String>,
        /// The principals of the services on the way, the first one that was called first, the values of `aws:CalledVia`:
        /// `s3.amazonaws.com`.
        services: Vec<&'static str>,
    },
    /// A service principal.
    Service(Arc<ServiceCaller>),
    /// A service, under a role that it assumed. Unlike forwarded access it is no call on somebody's behalf.
    Role(Arc<RoleSession>),
}

impl Caller {
    /// The principal that policies see.
    pub fn principal(&self) -> Principal {
        match self {
            Caller::Anonymous => Principal::Anonymous,
            Caller::Signed(caller) | Caller::Forwarded { caller, .. } => caller.principal.clone(),
            Caller::Service(service) => Principal::Service {
                name: service.name.to_owned(),
            },
            Caller::Role(role) => role.caller.principal.clone(),
        }
    }

    /// The caller's account; for a service the account for which it acts.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Caller::Anonymous => None,
            Caller::Signed(caller) | Caller::Forwarded { caller, .. } => caller.principal.account(),
            Caller::Service(service) => Some(service.source_account),
            Caller::Role(role) => role.caller.principal.account(),
        }
    }

    /// The credentials that stand behind the call, if there are any.
    pub fn signed(&self) -> Option<&Arc<SignedCaller>> {
        match self {
            Caller::Signed(caller) | Caller::Forwarded { caller, .. } => Some(caller),
            Caller::Role(role) => Some(&role.caller),
            Caller::Anonymous | Caller::Service(_) => None,
        }
    }
}

/// Where a call came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The client's IP address, a service's DNS name, or `AWS Internal`.
    pub address: String,
    /// The client's User-Agent.
    pub user_agent: String,
    /// The client's Referer (`aws:Referer`).
    pub referer: Option<String>,
    /// The Host that the client named.
    pub host: String,
    /// Whether the connection was encrypted (`aws:SecureTransport`). Calls between services always are.
    pub secure: bool,
    /// The connection's TLS parameters, for the record.
    pub tls: Option<TlsDetails>,
}

/// What a run wants to have in its record besides parameters and answer.
#[derive(Default)]
pub struct Notes {
    /// `additionalEventData`.
    pub additional: Option<Params>,
    /// What `requestParameters` show besides what was sent, such as a session's inherited tags.
    pub requested: Option<Params>,
    /// Shown in `resources`, in the order of the demands: ARN, owner, type.
    pub resources: Vec<record::Resource>,
    /// Accounts that own a demanded resource; each gets a copy of the event.
    pub owners: Vec<AccountId>,
    /// What policies refused to this call and to the calls it made, in order.
    pub denials: Vec<Arc<Denied>>,
}

/// The context of one call.
pub struct Ctx {
    pub(crate) world: Arc<World>,
    /// The id that the reply and the record carry.
    pub request_id: String,
    /// The service that is called.
    pub service: ServiceName,
    /// Who calls.
    pub caller: Caller,
    /// The account in which the call acts.
    pub account: AccountId,
    /// The Region in which the call acts.
    pub region: Region,
    /// Where the call came from.
    pub source: Source,
    /// The host by which whoever stands behind the call reaches this server, for what that caller names by URL. The calls that
    /// this one makes keep it. Empty when nobody called.
    pub reached_by: String,
    pub(crate) depth: u8,
    /// Whether this is a part of another call, which is explained with its whole.
    pub(crate) is_part: bool,
    denials_max: usize,
    notes: Mutex<Notes>,
}

/// How an inner call is made: with whose rights, and where.
pub struct Inner {
    /// With whose rights.
    pub by: By,
    /// The account in which the inner call acts (the owner of what it is about, or the caller's).
    pub account: AccountId,
    /// The Region in which the inner call acts.
    pub region: Region,
}

/// With whose rights a port call is made.
#[derive(Clone)]
pub enum By {
    /// The outer caller's, by forward access: a user's rights with `kms:ViaService` set; a service stays itself.
    Forward,
    /// A service principal's own.
    Service(ServiceCaller),
    /// Those of a role that a service assumed.
    Role(RoleSession),
    /// Those of a principal who asked for background work, by forward access: what the service does for it later.
    OnBehalf(Arc<SignedCaller>),
}

impl Ctx {
    pub(crate) fn new(
        world: Arc<World>,
        request_id: String,
        service: ServiceName,
        caller: Caller,
        place: (AccountId, Region),
        source: Source,
    ) -> Ctx {
        Ctx {
            world,
            request_id,
            service,
            caller,
            account: place.0,
            region: place.1,
            reached_by: source.host.clone(),
            source,
            depth: 0,
            is_part: false,
            denials_max: DENIALS_MAX,
            notes: Mutex::default(),
        }
    }

    /// The context of a call that this one makes on another service.
    pub(crate) fn inner(&self, service: ServiceName, inner: Inner) -> Result<Ctx, Fault> {
        if self.depth >= DEPTH_MAX {
            return Err(Fault::Bug("calls nest too deeply"));
        }
        let caller = match inner.by {
            By::Service(service) => Caller::Service(Arc::new(service)),
            By::Role(role) => Caller::Role(Arc::new(role)),
            By::OnBehalf(caller) => self.forwarded(&caller, &[]),
            By::Forward => match &self.caller {
                Caller::Signed(caller) => self.forwarded(caller, &[]),
                Caller::Forwarded { caller, services, .. } => self.forwarded(caller, services),
                other => other.clone(),
            },
        };
        let address = match (&caller, &self.caller) {
            (Caller::Service(service), _) => service.name.to_owned(),
            (Caller::Role(role), _) => role.service.name.to_owned(),
            (Caller::Forwarded { .. }, Caller::Service(service)) => service.name.to_owned(),
            _ => "AWS Internal".to_owned(),
        };
        Ok(Ctx {
            world: Arc::clone(&self.world),
            request_id: base::ids::ordered_uuid(self.world.clock.now(), &self.world.random),
            service,
            caller,
            account: inner.account,
            region: inner.region,
            source: Source {
                user_agent: address.clone(),
                address,
                referer: None,
                host: String::new(),
                secure: true,
                tls: None,
            },
            reached_by: self.reached_by.clone(),
            depth: self.depth + 1,
            is_part: false,
            denials_max: DENIALS_MAX,
            notes: Mutex::default(),
        })
    }

    /// A principal's rights, through these services and then this one.
    fn forwarded(&self, caller: &Arc<SignedCaller>, through: &[&'static str]) -> Caller {
        // CloudFormation makes what it is asked for and uses no keys itself.
        let uses_keys = self.service != ServiceName::CloudFormation;
        let mut services = through.to_vec();
        services.push(self.service.event_source());
        Caller::Forwarded {
            caller: Arc::clone(caller),
            via: uses_keys.then(|| format!("{}.{}.amazonaws.com", self.service.signing_name(), self.region)),
            services,
        }
    }

    /// A part of this very call: the same caller, source, place and request.
    pub(crate) fn part(&self) -> Result<Ctx, Fault> {
        if self.depth >= DEPTH_MAX {
            return Err(Fault::Bug("calls nest too deeply"));
        }
        let denials_max = self.denials_max.saturating_sub(self.notes().denials.len());
        Ok(self.beside(self.depth + 1, true, denials_max))
    }

    /// Another context of the same caller, source, place and request.
    pub(crate) fn beside(&self, depth: u8, is_part: bool, denials_max: usize) -> Ctx {
        Ctx {
            world: Arc::clone(&self.world),
            request_id: self.request_id.clone(),
            service: self.service,
            caller: self.caller.clone(),
            account: self.account,
            region: self.region.clone(),
            source: self.source.clone(),
            reached_by: self.reached_by.clone(),
            depth,
            is_part,
            denials_max,
            notes: Mutex::default(),
        }
    }

    /// The world: ports, settings, keyrings.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Domain time.
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// The source of randomness.
    pub fn random(&self) -> &Random {
        &self.world.random
    }

    /// The settings.
    pub fn settings(&self) -> &crate::Settings {
        &self.world.settings
    }

    /// What the record is to show besides parameters and answer.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more denial would be kept.
    pub(crate) fn has_room_for_denials(&self) -> bool {
        self.notes().denials.len() < self.denials_max
    }

    /// What was refused to a call that this one made was refused to this one.
    pub(crate) fn notes_denials_of(&self, inner: &Ctx) {
        let denials = std::mem::take(&mut inner.notes().denials);
        let mut notes = self.notes();
        let room = self.denials_max.saturating_sub(notes.denials.len());
        notes.denials.extend(denials.into_iter().take(room));
    }

    pub(crate) fn reset_notes(&self) {
        *self.notes() = Notes::default();
    }

    /// A refusal that says that our own side failed, for ports that meet a fault; the fault is logged here.
    pub fn port_fault(&self, service: ServiceName, fault: &Fault) -> PortRefusal {
        PortRefusal::from_failure(service, crate::CallFailure::fault(fault, service, &self.request_id))
    }
}
