//! From a call to its event: who, what, where, with what outcome, and which accounts get a copy.

use crate::{
    CallFailure, Caller, Ctx, Demand, EventClass, Operation, SignedCaller, Txn,
    decision::{Denied, Explanation, Who},
    ports::Candidate,
};
use base::{AccountId, Random};
use policy::{Denial, PolicyType, Principal};
use record::{
    EventCategory, EventError, EventRecord, EventType, Identity, Params, Resource, SessionAttributes, SessionContext,
    SessionIssuer, TlsDetails, UserIdentity,
};
use std::{borrow::Cow, sync::Arc};
use wire::{ErrorReply, Protocol, ServiceName};

/// An event of a call, before it is copied for the accounts concerned.
#[derive(Clone)]
pub struct Event {
    record: EventRecord,
    recipients: Vec<AccountId>,
    resource_type: Option<&'static str>,
    global: bool,
    /// Whether the caller, of another account, was refused and is not to learn whose the resource is.
    redacted: bool,
    why: Option<Arc<Explanation>>,
    /// What is done once the event is durable.
    then: Vec<OnceRecorded>,
}

/// Something that is done in this process once an event is durable, such as remembering what a call answered. When the
/// attempt is thrown away it is not done.
pub type OnceRecorded = Arc<dyn Fn() + Send + Sync>;

/// How a call ended.
pub(crate) enum Outcome<'a> {
    Answered(Params),
    Failed(&'a CallFailure),
}

/// The copy of an event for one account.
pub struct Copy {
    pub(crate) record: EventRecord,
    resource_type: Option<&'static str>,
    global: bool,
}

impl Copy {
    /// The ids of the call and of this copy of its event.
    pub(crate) fn ids(&self) -> (Option<&str>, &str) {
        (self.record.request_id.as_deref(), &self.record.event_id)
    }

    pub(crate) fn candidate(&self) -> Candidate<'_> {
        let record = &self.record;
        Candidate {
            account: record.recipient_account_id,
            region: &record.aws_region,
            category: record.event_category,
            read_only: record.read_only,
            event_source: &record.event_source,
            event_name: &record.event_name,
            event_type: record.event_type.as_str(),
            error_code: record.error.as_ref().map(|error| &*error.code),
            user_arn: record.user_identity.arn(),
            invoked_by: record.user_identity.invoked_by.as_deref(),
            from_console: record.session_credential_from_console,
            vpc_endpoint: record.vpc_endpoint.as_ref().map(|(id, _)| id.as_str()),
            resource_type: self.resource_type,
            resources: &record.resources,
            global: self.global,
            request_id: record.request_id.as_deref(),
        }
    }
}

impl Event {
    pub(crate) fn then(&mut self, act: OnceRecorded) {
        self.then.push(act);
    }

    /// Takes out of events what is done once they are durable.
    pub(crate) fn take_acts(events: &mut [Event]) -> Vec<OnceRecorded> {
        events
            .iter_mut()
            .flat_map(|event| std::mem::take(&mut event.then))
            .collect()
    }

    /// Why the call was refused, if policies refused something to it.
    pub(crate) fn why(&self) -> Option<Arc<Explanation>> {
        self.why.clone()
    }

    /// One copy for each account concerned. When there are several they share one sharedEventID.
    pub(crate) fn copies(self, random: &Random) -> Vec<Copy> {
        let Event {
            record,
            recipients,
            resource_type,
            global,
            redacted,
            why: _,
            then: _,
        } = self;
        let copy = |record| Copy {
            record,
            resource_type,
            global,
        };
        match recipients.as_slice() {
            [] => Vec::new(),
            [_] => vec![copy(record)],
            several => {
                let shared = base::ids::uuid(random);
                let one =
                    |account: &AccountId| copy(record.copy_for(*account, base::ids::uuid(random), shared.clone()));
                let mut copies: Vec<Copy> = several.iter().map(one).collect();
                if let Some(callers) = copies.first_mut().filter(|_| redacted) {
                    callers.record.hide_owners();
                }
                copies
            }
        }
    }
}

/// The event of a call, or `None` when the operation makes none or no account is concerned (an anonymous call on nothing).
pub(crate) fn event_of<O: Operation>(ctx: &Ctx, parameters: Params, outcome: Outcome<'_>) -> Option<Event> {
    let (category, resource_type, read_only) = match O::EVENT {
        EventClass::Management { read_only } => (EventCategory::Management, None, read_only),
        EventClass::Data {
            resource_type,
            read_only,
        } => (EventCategory::Data, Some(resource_type), read_only),
        EventClass::None => return None,
    };
    let mut notes = ctx.notes();
    let mut recipients = recipients(ctx, &notes.owners);
    if is_callers_alone(O::SERVICE, &outcome) {
        recipients.truncate(1);
    }
    let recipient = *recipients.first()?;
    let said = match &outcome {
        Outcome::Failed(failure) if failure.fault => None,
        Outcome::Failed(failure) => Some((failure.reply.code.as_str(), failure.reply.message.as_str())),
        Outcome::Answered(_) => Some(PARTLY),
    };
    let why = said.and_then(|said| explanation::<O>(ctx, recipient, said, &notes.denials));
    let mut redacted = false;
    let (response, error) = match outcome {
        Outcome::Answered(response) if read_only && !O::SHOWS_RESPONSE => {
            drop(response);
            (Params::new(), None)
        }
        Outcome::Answered(response) => (response, None),
        Outcome::Failed(failure) => {
            redacted = failure.denied
                && O::SERVICE == ServiceName::S3
                && category == EventCategory::Data
                && ctx.caller.account().is_some();
            (Params::new(), Some(error_of(O::SERVICE, &failure.reply)))
        }
    };
    let record = EventRecord {
        user_identity: identity_of(ctx),
        event_time: ctx.now(),
        event_source: Cow::Borrowed(O::SERVICE.event_source()),
        event_name: Cow::Borrowed(O::EVENT_NAME),
        aws_region: ctx.region.clone(),
        source_ip_address: Cow::Owned(ctx.source.address.clone()),
        user_agent: user_agent(ctx),
        error,
        request_parameters: parameters.and(notes.requested.take().unwrap_or_default()),
        response_elements: response,
        additional_event_data: notes.additional.take().unwrap_or_default(),
        request_id: Some(ctx.request_id.clone()),
        event_id: base::ids::uuid(ctx.random()),
        read_only,
        resources: notes.resources.clone(),
        event_type: EventType::AwsApiCall,
        api_version: None,
        recipient_account_id: recipient,
        shared_event_id: None,
        service_event_details: Params::new(),
        vpc_endpoint: None,
        event_category: category,
        tls_details: tls_of(ctx),
        session_credential_from_console: false,
    };
    Some(Event {
        record,
        recipients,
        resource_type,
        global: is_global(O::SERVICE, ctx),
        redacted,
        why,
        then: Vec::new(),
    })
}

/// The account of a role does not hear of those who could not assume it, nor that of a key of those who were denied.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html>
fn is_callers_alone(service: ServiceName, outcome: &Outcome<'_>) -> bool {
    match (service, outcome) {
        (ServiceName::Sts, Outcome::Failed(_)) => true,
        (ServiceName::Kms, Outcome::Failed(failure)) => failure.denied,
        _ => false,
    }
}

/// What is told of a call that was answered although parts of it were refused.
const PARTLY: (&str, &str) = (
    "AccessDenied",
    "Parts of the call were refused; the call itself was answered.",
);

/// Why a call failed, or parts of it did, if policies refused something to it or to a call that it made.
fn explanation<O: Operation>(
    ctx: &Ctx,
    account: AccountId,
    (code, message): (&str, &str),
    denials: &[Arc<Denied>],
) -> Option<Arc<Explanation>> {
    // A part is explained with its whole.
    (!denials.is_empty() && !ctx.is_part).then(|| {
        Arc::new(Explanation {
            request_id: ctx.request_id.clone(),
            time: ctx.now(),
            service: O::SERVICE.event_source().to_owned(),
            operation: O::NAME.to_owned(),
            who: Who::of(&ctx.caller.principal()),
            account,
            error_code: code.to_owned(),
            error_message: message.to_owned(),
            denials: denials.iter().map(|denied| Denied::clone(denied)).collect(),
        })
    })
}

/// What a service did by itself to a resource of an account: a key that was rotated, deleted or synchronised.
pub struct ServiceEvent {
    /// Whether AWS tells of it as of a call, `AwsApiCall` with a `requestID`; otherwise it is an `AwsServiceEvent`.
    pub as_call: bool,
    /// `eventName`, such as `DeleteKey`.
    pub name: &'static str,
    /// The resource's owner, who gets the event.
    pub account: AccountId,
    /// The resource, shown in `resources`.
    pub resource: base::Arn,
    /// The resource's type.
    pub resource_type: &'static str,
    /// `responseElements`.
    pub response: Params,
    /// `serviceEventDetails`.
    pub details: Params,
}

/// Adds the event of something the service does by itself in the course of a call.
pub fn emit_service_event(ctx: &Ctx, txn: &mut Txn, event: ServiceEvent) {
    txn.emit(service_event(ctx, event));
}

/// Who a service is to itself.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html>
const INTERNAL: &str = "AWS Internal";

/// The event of something a service did by itself.
pub(crate) fn service_event(ctx: &Ctx, event: ServiceEvent) -> Event {
    let source = ctx.service.event_source();
    let record = EventRecord {
        user_identity: Identity::ServiceEvent { account: event.account }.invoked_by(INTERNAL),
        event_time: ctx.now(),
        event_source: Cow::Borrowed(source),
        event_name: Cow::Borrowed(event.name),
        aws_region: ctx.region.clone(),
        source_ip_address: Cow::Borrowed(INTERNAL),
        user_agent: Some(INTERNAL.to_owned()),
        error: None,
        request_parameters: Params::new(),
        response_elements: event.response,
        additional_event_data: Params::new(),
        request_id: event.as_call.then(|| ctx.request_id.clone()),
        event_id: base::ids::uuid(ctx.random()),
        read_only: false,
        resources: vec![Resource {
            arn: event.resource,
            account_id: Some(event.account),
            resource_type: Cow::Borrowed(event.resource_type),
        }],
        event_type: match event.as_call {
            true => EventType::AwsApiCall,
            false => EventType::AwsServiceEvent,
        },
        api_version: None,
        recipient_account_id: event.account,
        shared_event_id: None,
        service_event_details: event.details,
        vpc_endpoint: None,
        event_category: EventCategory::Management,
        tls_details: None,
        session_credential_from_console: false,
    };
    Event {
        record,
        recipients: vec![event.account],
        resource_type: None,
        global: false,
        redacted: false,
        why: None,
        then: Vec::new(),
    }
}

/// IAM's events, and those of STS's global endpoint, are of us-east-1 and are "global service events".
fn is_global(service: ServiceName, ctx: &Ctx) -> bool {
    match service {
        ServiceName::Iam => true,
        ServiceName::Sts => ctx.region == base::Region::us_east_1(),
        _ => false,
    }
}

/// The caller's account, and the owners of what was called on.
fn recipients(ctx: &Ctx, owners: &[AccountId]) -> Vec<AccountId> {
    let mut all: Vec<AccountId> = ctx.caller.account().into_iter().collect();
    for owner in owners {
        if !all.contains(owner) {
            all.push(*owner);
        }
    }
    all
}

/// Records do not all name errors as the wire does: IAM's carry the exception's name, EC2's whose fault it was.
fn recorded_code(service: ServiceName, code: &str) -> String {
    match service {
        ServiceName::Ec2 => format!("Client.{code}"),
        ServiceName::Iam if !code.starts_with("AccessDenied") && !code.ends_with("Exception") => {
            format!("{}Exception", code.trim_end_matches("Error"))
        }
        _ => code.to_owned(),
    }
}

fn error_of(service: ServiceName, reply: &ErrorReply) -> EventError {
    let message = (!reply.message.is_empty()).then(|| reply.message.clone());
    EventError {
        code: Cow::Owned(recorded_code(service, &reply.code)),
        message,
    }
}

fn user_agent(ctx: &Ctx) -> Option<String> {
    match (&ctx.source.user_agent, ctx.service) {
        (agent, _) if agent.is_empty() => None,
        // S3 writes it in brackets.
        (agent, ServiceName::S3) if matches!(ctx.caller, Caller::Signed(_) | Caller::Anonymous) => {
            Some(format!("[{agent}]"))
        }
        (agent, _) => Some(agent.clone()),
    }
}

fn tls_of(ctx: &Ctx) -> Option<TlsDetails> {
    let tls = ctx.source.tls.as_ref()?;
    Some(TlsDetails {
        tls_version: Some(Cow::Owned(tls.version.clone())),
        cipher_suite: Some(Cow::Owned(tls.cipher_suite.clone())),
        client_provided_host_header: Some(ctx.source.host.clone()),
        key_exchange: Some(Cow::Owned(tls.key_exchange.clone())),
    })
}

fn identity_of(ctx: &Ctx) -> UserIdentity {
    match &ctx.caller {
        Caller::Anonymous => Identity::Anonymous.into(),
        Caller::Service(service) => UserIdentity::service(service.name),
        Caller::Signed(signed) => signed_identity(signed).into(),
        Caller::Forwarded { caller, .. } => signed_identity(caller).invoked_by(ctx.source.address.clone()),
        Caller::Role(role) => signed_identity(&role.caller).invoked_by(role.service.name),
    }
}

fn signed_identity(signed: &SignedCaller) -> Identity {
    let access_key_id = Some(signed.access_key_id.clone());
    let attributes = signed.session.as_deref().map(|session| SessionAttributes {
        creation_date: session.issued,
        mfa_authenticated: session.mfa,
    });
    match &signed.principal {
        Principal::Root { account } => Identity::Root {
            account: *account,
            access_key_id,
            user_name: None,
            session: attributes,
        },
        Principal::User { account, arn, id, name } => match base::Arn::parse(arn) {
            Some(arn) => Identity::IamUser {
                principal_id: id.clone(),
                arn,
                account: *account,
                access_key_id,
                user_name: name.clone(),
                session: attributes,
            },
            None => Identity::AwsAccount {
                principal_id: id.clone(),
                account: *account,
            },
        },
        Principal::Session {
            account,
            session_arn,
            role_id,
            session_name,
            ..
        } => match base::Arn::parse(session_arn) {
            Some(arn) => Identity::AssumedRole {
                principal_id: format!("{role_id}:{session_name}"),
                arn,
                account: *account,
                access_key_id,
                session_context: session_context(signed),
            },
            None => Identity::AwsAccount {
                principal_id: role_id.clone(),
                account: *account,
            },
        },
        Principal::Service { .. } => Identity::AwsService,
        Principal::Anonymous => Identity::Anonymous,
    }
}

/// The role that a session is of, and how it began.
fn session_context(signed: &SignedCaller) -> Option<SessionContext> {
    let session = signed.session.as_deref()?;
    let issuer = session.issuer.as_ref()?;
    Some(SessionContext {
        session_issuer: SessionIssuer {
            principal_id: issuer.role_id.clone(),
            arn: issuer.role_arn.clone(),
            account: issuer.account,
            user_name: issuer.role_name.clone(),
        },
        attributes: SessionAttributes {
            creation_date: session.issued,
            mfa_authenticated: session.mfa,
        },
        source_identity: session.source_identity.clone(),
    })
}

/// Remembers for the record what the call demanded: the resources shown, and their owners.
pub(crate) fn note_demands(ctx: &Ctx, demands: &[Demand]) {
    let mut notes = ctx.notes();
    for demand in demands {
        let owner = demand.owner.unwrap_or(ctx.account);
        if demand.owner.is_some() && !demand.absent && !notes.owners.contains(&owner) {
            notes.owners.push(owner);
        }
        if let Some(resource_type) = demand.shown_as
            && !notes.resources.iter().any(|shown| shown.arn == demand.resource)
        {
            notes.resources.push(Resource {
                arn: demand.resource.clone(),
                account_id: Some(owner),
                resource_type: Cow::Borrowed(resource_type),
            });
        }
    }
}

/// The refusal of a call by policy, in each protocol's code and AWS's words.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
pub(crate) fn denied(
    ctx: &Ctx,
    demand: Option<&Demand>,
    principal: &Principal,
    denial: &Denial,
    encoded: Option<String>,
) -> CallFailure {
    let (code, status) = match (ctx.service, ctx.service.protocol()) {
        (ServiceName::Ec2, _) => ("UnauthorizedOperation", 403),
        (ServiceName::Sns, _) => ("AuthorizationError", 403),
        (_, Protocol::Json11) => ("AccessDeniedException", 400),
        (_, Protocol::RestJson) => ("AccessDeniedException", 403),
        _ => ("AccessDenied", 403),
    };
    let message = match (demand, principal.arn()) {
        (Some(demand), who) => {
            let who = who.unwrap_or_else(|| match principal {
                Principal::Service { name } => name.clone(),
                _ => "anonymous".to_owned(),
            });
            explain(ctx, demand, principal, &who, denial)
        }
        (None, _) => "Access Denied".to_owned(),
    };
    let message = match encoded {
        // EC2's, the only one that carries one.
        Some(encoded) => format!(
            "You are not authorized to perform this operation. {message}. Encoded authorization failure message: {encoded}"
        ),
        None => message,
    };
    CallFailure {
        reply: ErrorReply::new(status, code, message),
        denied: true,
        fault: false,
        stale: false,
    }
}

/// Whether a caller's account is the owner's, or of one organization with it.
fn is_known_to(ctx: &Ctx, account: Option<AccountId>, owner: AccountId) -> bool {
    let organization = ctx.settings().organization.as_ref();
    account == Some(owner) || organization.is_some_and(|all| all.joins(account, Some(owner)))
}

/// Whether somebody of another account is refused by what that account, or its organization, has set.
fn is_strangers(ctx: &Ctx, principal: &Principal, owner: AccountId, denial: &Denial) -> bool {
    match denial.policy() {
        Some(PolicyType::Resource) => principal.account() != Some(owner),
        Some(PolicyType::ResourceControl) => !is_known_to(ctx, principal.account(), owner),
        _ => false,
    }
}

fn explain(ctx: &Ctx, demand: &Demand, principal: &Principal, who: &str, denial: &Denial) -> String {
    let owner = demand.owner.unwrap_or(ctx.account);
    let because = denial.because(demand.action);
    let (action, resource) = (demand.action, demand.resource.as_str());
    match ctx.service {
        // S3 explains itself only inside the account and the organization.
        ServiceName::S3 if !is_known_to(ctx, principal.account(), owner) => "Access Denied".to_owned(),
        // Nor does STS tell a stranger whether a role is there.
        ServiceName::Sts if !is_known_to(ctx, principal.account(), owner) => {
            format!("User: {who} is not authorized to perform: {action} on resource: {resource}")
        }
        ServiceName::S3 => {
            format!("User: {who} is not authorized to perform: {action} on resource: \"{resource}\" {because}")
        }
        // KMS tells a stranger one thing for a key that is not there and a key that is not theirs to use.
        ServiceName::Kms if is_strangers(ctx, principal, owner, denial) => {
            let on = demand.worded.unwrap_or("on this resource");
            format!(
                "User: {who} is not authorized to perform: {action} {on} because the resource does not exist in this \
                 Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
            )
        }
        // A service that calls in somebody's name knows the resource, and its refusal names it.
        _ if let (Some(on), Caller::Signed(_)) = (demand.worded, &ctx.caller) => {
            format!("User: {who} is not authorized to perform: {action} {on} {because}")
        }
        _ => format!("User: {who} is not authorized to perform: {action} on resource: {resource} {because}"),
    }
}
