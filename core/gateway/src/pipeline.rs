//! The front door: route → authenticate → parse → authorise → stage → run → record → commit → render.
//!
//! [`Gateway::handle`] takes a request as far as a typed operation; [`drive`] takes the operation through the rest.
//! [`reenter`] is the same door for calls between rooms, entered at *authorise*.

pub use crate::refused::body_fault;
use crate::{
    Body, BodyFault, BodyUse, Call, CallFailure, Caller, Calls, Ctx, EventClass, Operation, PortRefusal, RenderCtx,
    Reply, Route, Source, Staged, Txn, World,
    answered::Telling,
    authorise::authorise,
    body::RawBody,
    ctx::Inner,
    decision::EventIds,
    event::{Event, Outcome, event_of},
    ingested, journal,
    operation::{Failed, Parse, Render, Signature},
    ports::Credential,
    refused::{Refused, too_large},
    session,
};
use base::{AccountId, Fault, Region};
use record::{Evident, Params};
use sigv4::{AuthFault, Authenticated, Claim, Kind, Payload};
use std::sync::Arc;
use store::{CommitError, JournalEntry};
use tokio::sync::Semaphore;
use wire::{ErrorReply, Form, Head, Protocol, ServiceName};

/// Any error of the transport.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A call is repeated after a conflict at most so often; then it fails as a fault of ours.
const ATTEMPTS_MAX: u32 = 256;

/// A form of a Query call, and a JSON body, is read whole before the signature can be checked; no more than this.
const UNPROVEN_BODY_BYTES_MAX: usize = crate::operation::BODY_BYTES_MAX;

/// A body up to here is read without ado; larger ones, at most so many at a time.
const UNPROVEN_SMALL_BYTES_MAX: u64 = 32 * 1024;
const UNPROVEN_LARGE_MAX: usize = 32;

/// The front door: the world and every room's operations.
pub struct Gateway {
    world: Arc<World>,
    /// Room for large bodies whose signature can be checked only at their end.
    unproven_large: Semaphore,
    routes: Calls,
}

/// A request that is known to be a call: whose, and of what.
pub(crate) struct Entered {
    pub(crate) ctx: Ctx,
    pub(crate) call: Call,
    body: Body,
    pub(crate) route: &'static Route,
}

impl Gateway {
    /// Opens the door for these operations.
    pub fn new(world: Arc<World>, rooms: &[&'static [Route]]) -> Gateway {
        Gateway {
            world,
            unproven_large: Semaphore::new(UNPROVEN_LARGE_MAX),
            routes: Calls::new(rooms),
        }
    }

    /// The world behind the door.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Every operation, in no order.
    pub fn routes(&self) -> impl Iterator<Item = &'static Route> {
        self.routes.routes()
    }

    /// Answers one request. Never panics on what is in it, and answers only what is recorded.
    pub async fn handle(&self, head: Head, raw: RawBody) -> Reply {
        match self.enter(head, raw).await {
            Ok(entered) => self.answer(entered).await,
            Err(refused) => refused.reply(&self.world),
        }
    }

    async fn answer(&self, entered: Entered) -> Reply {
        let telling = match self.world.ports() {
            Ok(ports) if ports.objects.is_told(&self.world) => Telling::of(&entered).map(|telling| (ports, telling)),
            _ => None,
        };
        let reply = (entered.route.drive)(entered.ctx, entered.call, entered.body).await;
        if let Some((ports, telling)) = telling {
            ports.objects.answered(&self.world, telling.answered(&reply)).await;
        }
        reply
    }

    /// Route and authenticate: from bytes to a call whose caller is proven.
    async fn enter(&self, head: Head, raw: RawBody) -> Result<Entered, Refused> {
        let service = {
            let claim = Claim::parse(&request_head(&head))
                .map_err(|fault| Refused::auth(wire::service_for_fault(&head, None), &head, fault))?;
            let scope = claim.as_ref().map(|claim| claim.scope().service.as_str());
            wire::route_service(&head, scope).map_err(|fault| {
                let service = wire::service_for_fault(&head, scope);
                Refused::of(service, &head, ErrorReply::of_route(&fault, service))
            })?
        };
        match service.protocol() {
            Protocol::RestXml => self.enter_s3(head, raw).await,
            protocol => self.enter_whole(service, protocol, head, raw).await,
        }
    }

    /// S3: the signature is over the head; the body is proven while it is read.
    async fn enter_s3(&self, head: Head, raw: RawBody) -> Result<Entered, Refused> {
        let service = ServiceName::S3;
        let target = wire::s3_operation(&head, &self.world.settings.domain)
            .map_err(|fault| Refused::of(service, &head, ErrorReply::of_route(&fault, service)))?;
        let request = request_head(&head);
        let claim = Claim::parse(&request).map_err(|fault| Refused::auth(service, &head, fault))?;
        let (caller, region, body, signature) = match claim {
            None => {
                let payload = Payload::of_anonymous(&request).map_err(|fault| Refused::auth(service, &head, fault))?;
                let region = wire::host_region(&head.authority, &self.world.settings.domain)
                    .filter(|region| self.world.settings.regions.contains(region))
                    .unwrap_or_else(|| self.world.settings.region.clone());
                let body = Body::anonymous(raw, head.content_length(), payload);
                (Caller::Anonymous, region, body, None)
            }
            Some(claim) => {
                let region = self.region_of(&claim, service, &head)?;
                let credential = self.credential_of(&claim, service, &head).await?;
                let signed = self.verify(claim, &credential, service, &head, None)?;
                let body = Body::authenticated(raw, head.content_length(), &signed);
                let signature = Signature {
                    content_sha256: signed.content_sha256().to_owned(),
                    presigned: matches!(signed.kind(), Kind::Presigned { .. }),
                    signed_at: signed.signed_at(),
                };
                (
                    Caller::Signed(Arc::clone(&credential.caller)),
                    region,
                    body,
                    Some(signature),
                )
            }
        };
        let route = self.route(service, target.operation, &head)?;
        let account = caller.account().unwrap_or(self.world.settings.first_account);
        let ctx = self.ctx(service, caller, (account, region), &head);
        let call = Call {
            service,
            signature,
            head,
            body: bytes::Bytes::new(),
            form: None,
            target: Some(target),
        };
        Ok(Entered { ctx, call, body, route })
    }

    /// JSON and Query: the signature is over the body too, so it is read first, and the caller must be someone.
    async fn enter_whole(
        &self,
        service: ServiceName,
        protocol: Protocol,
        head: Head,
        raw: RawBody,
    ) -> Result<Entered, Refused> {
        let request = request_head(&head);
        let claim = Claim::parse(&request).map_err(|fault| Refused::auth(service, &head, fault))?;
        let Some(claim) = claim else {
            return self.enter_unsigned(service, head);
        };
        let region = self.region_of(&claim, service, &head)?;
        // Only who names a key that exists gets memory for a body, and only so many at a time get much of it.
        let credential = self.credential_of(&claim, service, &head).await?;
        let _room = match head.content_length() {
            Some(length) if length <= UNPROVEN_SMALL_BYTES_MAX => None,
            _ => self.unproven_large.acquire().await.ok(),
        };
        let bytes_max = self.unproven_bytes_max(service, protocol, &head);
        let body = Body::plain(raw, head.content_length())
            .whole(bytes_max)
            .await
            .map_err(|fault| match fault {
                BodyFault::TooLarge => Refused::of(service, &head, too_large(bytes_max)),
                fault => Refused::of(service, &head, body_fault(service, &fault)),
            })?;
        let sha256 = sigv4::sha256(&body);
        let signed = self.verify(claim, &credential, service, &head, Some(&sha256))?;
        let signature = Signature {
            content_sha256: signed.content_sha256().to_owned(),
            presigned: matches!(signed.kind(), Kind::Presigned { .. }),
            signed_at: signed.signed_at(),
        };
        let (operation, form) = match protocol {
            Protocol::Json11 => (wire::operation_json(&head).map(str::to_owned), None),
            Protocol::RestJson => (wire::operation_rest_json(&head, service).map(str::to_owned), None),
            _ => {
                let form = if body.is_empty() {
                    Form::from_query(&head)
                } else {
                    Form::parse(&body)
                };
                let form = form.map_err(|fault| Refused::of(service, &head, ErrorReply::of_wire(&fault, service)))?;
                (form.operation(service).map(str::to_owned), Some(form))
            }
        };
        let operation =
            operation.map_err(|fault| Refused::of(service, &head, ErrorReply::of_route(&fault, service)))?;
        let route = self.route(service, &operation, &head)?;
        if !session::reaches(&credential.caller, service, route.name) {
            return Err(Refused::auth(service, &head, session::unknown(&credential.caller)));
        }
        let caller = Caller::Signed(Arc::clone(&credential.caller));
        let account = caller.account().unwrap_or(self.world.settings.first_account);
        let ctx = self.ctx(service, caller, (account, region), &head);
        let call = Call {
            service,
            signature: Some(signature),
            head,
            body,
            form,
            target: None,
        };
        Ok(Entered {
            ctx,
            call,
            body: Body::empty(),
            route,
        })
    }

    /// A link that was followed: a GET of one of the few operations that need no signature.
    fn enter_unsigned(&self, service: ServiceName, head: Head) -> Result<Entered, Refused> {
        let missing = |head: &Head| Refused::auth(service, head, AuthFault::Missing);
        if head.method != http::Method::GET || service.protocol() != Protocol::Query {
            return Err(missing(&head));
        }
        let form = Form::from_query(&head)
            .map_err(|fault| Refused::of(service, &head, ErrorReply::of_wire(&fault, service)))?;
        let operation = form.action().unwrap_or_default().to_owned();
        if !wire::needs_no_signature(service, &operation) {
            return Err(missing(&head));
        }
        let route = self.route(service, &operation, &head)?;
        let settings = &self.world.settings;
        let arn = form.value("TopicArn").or_else(|| form.value("SubscriptionArn"));
        let parts = arn.and_then(base::arn::split);
        let region = parts.and_then(|parts| Region::parse(parts.region).ok());
        let region = region.filter(|region| settings.regions.contains(region));
        let account = parts.and_then(|parts| AccountId::parse(parts.account).ok());
        let place = (
            account.unwrap_or(settings.first_account),
            region.unwrap_or_else(|| settings.region.clone()),
        );
        let ctx = self.ctx(service, Caller::Anonymous, place, &head);
        let call = Call {
            service,
            signature: None,
            head,
            body: bytes::Bytes::new(),
            form: Some(form),
            target: None,
        };
        Ok(Entered {
            ctx,
            call,
            body: Body::empty(),
            route,
        })
    }

    /// How much of a body is read before its signature can be checked: what the operation asks for, if the head names it.
    fn unproven_bytes_max(&self, service: ServiceName, protocol: Protocol, head: &Head) -> usize {
        let named = wire::operation_json(head).ok().filter(|_| protocol == Protocol::Json11);
        match named
            .and_then(|name| self.routes.route(service, name))
            .map(|route| route.body)
        {
            Some(BodyUse::Whole { bytes_max }) => bytes_max,
            _ => UNPROVEN_BODY_BYTES_MAX,
        }
    }

    fn route(&self, service: ServiceName, name: &str, head: &Head) -> Result<&'static Route, Refused> {
        self.routes
            .route(service, name)
            .ok_or_else(|| Refused::of(service, head, wire::not_implemented(service, name)))
    }

    /// The Region of the signature's scope, which must be enabled: where no trail can follow, no call is made. AWS answers
    /// calls to a Region that an account has not enabled as it answers unknown keys.
    fn region_of(&self, claim: &Claim<'_>, service: ServiceName, head: &Head) -> Result<Region, Refused> {
        let settings = &self.world.settings;
        let region = Region::parse(&claim.scope().region).ok();
        match region.filter(|region| settings.regions.contains(region)) {
            // IAM is one service for all Regions; its calls are signed for and recorded in us-east-1.
            Some(_) if service == ServiceName::Iam => Ok(Region::us_east_1()),
            Some(region) => Ok(region),
            None => {
                let unknown = AuthFault::UnknownKey {
                    access_key_id: claim.access_key_id().to_owned(),
                };
                let fault = match service {
                    ServiceName::S3 => claim.expect_region(settings.region.as_str()).err().unwrap_or(unknown),
                    _ => unknown,
                };
                Err(Refused::auth(service, head, fault))
            }
        }
    }

    /// The credential of the access key that a claim names.
    async fn credential_of(
        &self,
        claim: &Claim<'_>,
        service: ServiceName,
        head: &Head,
    ) -> Result<Arc<Credential>, Refused> {
        claim
            .expect_service(service.signing_name())
            .map_err(|fault| Refused::auth(service, head, fault))?;
        let id = claim.access_key_id();
        let snapshot = self.world.snapshot();
        let found = match self.world.ports() {
            Ok(ports) => ports.identities.credential(&self.world, &snapshot.view(), id).await,
            Err(fault) => Err(fault),
        };
        let credential = found.map_err(|fault| Refused::fault(service, head, &fault))?;
        let unknown = || AuthFault::UnknownKey {
            access_key_id: id.to_owned(),
        };
        let credential = credential
            .filter(|credential| credential.active)
            .ok_or_else(|| Refused::auth(service, head, unknown()))?;
        session::check_token(claim.session_token(), &credential, self.world.clock.real_now())
            .map_err(|fault| Refused::auth(service, head, fault))?;
        Ok(credential)
    }

    fn verify(
        &self,
        claim: Claim<'_>,
        credential: &Credential,
        service: ServiceName,
        head: &Head,
        body_sha256: Option<&[u8; 32]>,
    ) -> Result<Authenticated, Refused> {
        let (keys, now) = (&self.world.signing_keys, self.world.clock.real_now());
        let region = Region::parse(&claim.scope().region).ok();
        let signed = claim
            .verify(&credential.secret, keys, now, body_sha256)
            .map_err(|fault| Refused::auth(service, head, fault))?;
        if let (Ok(ports), Some(region)) = (self.world.ports(), region) {
            let now = self.world.clock.now();
            ports
                .identities
                .used(&credential.caller, now, service.signing_name(), &region);
        }
        Ok(signed)
    }

    fn ctx(&self, service: ServiceName, caller: Caller, place: (AccountId, Region), head: &Head) -> Ctx {
        let source = Source {
            address: head.peer.to_string(),
            user_agent: head.user_agent().unwrap_or("").to_owned(),
            referer: head.header("referer").map(str::to_owned),
            host: head.authority.clone(),
            secure: head.https,
            tls: head.tls.clone(),
        };
        Ctx::new(
            Arc::clone(&self.world),
            request_id(&self.world, service),
            service,
            caller,
            place,
            source,
        )
    }
}

fn request_head(head: &Head) -> sigv4::RequestHead<'_> {
    sigv4::RequestHead {
        method: &head.method,
        path: &head.path,
        query: &head.query,
        headers: &head.headers,
        host_authority: Some(&head.authority),
    }
}

pub(crate) fn request_id(world: &World, service: ServiceName) -> String {
    match service {
        ServiceName::S3 => base::ids::s3_request_id(&world.random),
        _ => own_request_id(world),
    }
}

/// A request id that sorts by time.
pub(crate) fn own_request_id(world: &World) -> String {
    base::ids::ordered_uuid(world.clock.now(), &world.random)
}

pub(crate) fn render_failure(
    service: ServiceName,
    error: &ErrorReply,
    request_id: &str,
    head_request: bool,
    resource: Option<&str>,
) -> Reply {
    let host_id = host_id(request_id);
    wire::render_error(service, error, request_id, &host_id, resource, head_request).into()
}

/// S3's second id (`x-amz-id-2`); derived, so that a log line with the first is enough to find a call.
pub fn host_id(request_id: &str) -> String {
    format!("shoseki-{request_id}")
}

/// The same as [`drive`], and also when the client goes away in the middle: what was staged with its rights is recorded.
pub(crate) async fn drive_to_the_end<O: Operation>(ctx: Ctx, call: Call, body: Body) -> Reply {
    // A task of its own, for a connection that closes drops what waits on it.
    match tokio::spawn(drive::<O>(ctx, call, body)).await {
        Ok(reply) => reply,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Reply::empty(500),
    }
}

/// Takes an authenticated call of a known operation through parse, authorise, stage, run, record, commit and render.
/// Whatever comes of it is recorded before it is answered.
pub(crate) async fn drive<O: Operation>(ctx: Ctx, call: Call, body: Body) -> Reply {
    let head_request = call.head.method == http::Method::HEAD;
    let resource = call.head.path.clone();
    match parse_and_execute::<O>(&ctx, call, body).await {
        Ok(output) => {
            let render = RenderCtx {
                service: O::SERVICE,
                operation: O::NAME,
                request_id: &ctx.request_id,
            };
            with_request_id(output.render(&render), O::SERVICE, &ctx.request_id)
        }
        Err(failure) => render_failure(
            O::SERVICE,
            &failure.reply,
            &ctx.request_id,
            head_request,
            Some(&resource),
        ),
    }
}

async fn parse_and_execute<O: Operation>(ctx: &Ctx, mut call: Call, body: Body) -> Result<O::Output, CallFailure> {
    let mut body = Some(body);
    let parsed = match O::BODY {
        BodyUse::Streamed => O::Input::parse(&call),
        BodyUse::Whole { bytes_max } => match read_whole(&mut body, bytes_max).await {
            Ok(bytes) => {
                if !bytes.is_empty() {
                    call.body = bytes;
                }
                O::Input::parse(&call)
            }
            Err(fault) => Err(body_fault(O::SERVICE, &fault)),
        },
    };
    match parsed {
        Ok(input) => execute::<O>(ctx, Arc::new(input), body).await,
        Err(reply) => {
            let failure = CallFailure::reply(reply);
            note_owner(ctx, &call).await;
            let event = event_of::<O>(ctx, unparsed(&call), Outcome::Failed(&failure));
            record_failure(
                ctx,
                Failed {
                    failure,
                    events: event.into_iter().collect(),
                },
            )
            .await
        }
    }
}

/// A call that cannot be parsed has demanded nothing, so nothing has said whom it concerns: the owner of the bucket that it
/// names. If that cannot be found out, the event goes to the caller alone.
pub(crate) async fn note_owner(ctx: &Ctx, call: &Call) {
    let bucket = call.target.as_ref().and_then(|target| target.bucket.as_deref());
    let (Some(bucket), Ok(ports)) = (bucket, ctx.world.ports()) else {
        return;
    };
    let snapshot = ctx.world.snapshot();
    let place = ports.objects.place(&snapshot.view(), bucket).await;
    if let Ok(Some(place)) = place {
        ctx.notes().owners.push(place.owner);
    }
}

/// What is shown of a call that cannot be parsed: the bucket and the key that its path names. Of members nothing is, for only
/// the parsed input knows which of them are secret.
pub(crate) fn unparsed(call: &Call) -> Params {
    match &call.target {
        Some(target) => Params::new()
            .maybe_text("bucketName", target.bucket.as_deref())
            .text("Host", &call.head.authority)
            .maybe_text("key", target.key.as_deref()),
        None => Params::new(),
    }
}

async fn read_whole(body: &mut Option<Body>, bytes_max: usize) -> Result<bytes::Bytes, BodyFault> {
    match body.take() {
        Some(body) => body.whole(bytes_max).await,
        None => Ok(bytes::Bytes::new()),
    }
}

/// Authorise, stage, run, record, commit, repeated from authorise on conflicts.
async fn execute<O: Operation>(ctx: &Ctx, input: Arc<O::Input>, body: Option<Body>) -> Result<O::Output, CallFailure> {
    let (staged, staged_events) = if O::STAGED {
        match stage_on_what_is::<O>(ctx, &input, body).await {
            Ok(staged) => staged,
            Err(failed) => return record_failure(ctx, failed).await,
        }
    } else {
        (Staged::nothing(), Vec::new())
    };
    for _ in 0..ATTEMPTS_MAX {
        ctx.reset_notes();
        let mut txn = Txn::new(ctx.world.store().begin(), staged_events.clone());
        match attempt::<O>(ctx, &mut txn, Arc::clone(&input), &staged).await {
            Ok(output) => match commit(ctx, txn).await {
                Ok(()) => return Ok(output),
                Err(CommitError::Conflict) => continue,
                Err(CommitError::Fault(fault)) => {
                    return Err(CallFailure::fault(&fault, O::SERVICE, &ctx.request_id));
                }
            },
            Err(failure) if failure.stale => continue,
            Err(failure) => {
                let (_, events) = txn.into_parts();
                return record_failure(ctx, Failed { failure, events }).await;
            }
        }
    }
    let fault = Fault::Bug("a call conflicted without end");
    let failure = CallFailure::fault(&fault, O::SERVICE, &ctx.request_id);
    let event = event_of::<O>(ctx, input.evident(), Outcome::Failed(&failure));
    let mut events = staged_events;
    events.extend(event);
    record_failure(ctx, Failed { failure, events }).await
}

/// Stages, and again when what the snapshot named has gone meanwhile. Only what takes a body cannot: that comes once.
async fn stage_on_what_is<O: Operation>(
    ctx: &Ctx,
    input: &Arc<O::Input>,
    body: Option<Body>,
) -> Result<(Staged, Vec<Event>), Failed> {
    let repeats = if body.is_none() { ATTEMPTS_MAX } else { 0 };
    for _ in 0..repeats {
        match stage::<O>(ctx, input, None).await {
            Err(failed) if failed.failure.stale => ctx.reset_notes(),
            done => return done,
        }
    }
    stage::<O>(ctx, input, body).await
}

/// Authorises on a short snapshot and does the slow work. The events of its port calls are kept for the transaction.
async fn stage<O: Operation>(
    ctx: &Ctx,
    input: &Arc<O::Input>,
    body: Option<Body>,
) -> Result<(Staged, Vec<Event>), Failed> {
    let mut txn = ctx.world.begin();
    let result = match authorise::<O>(ctx, &txn, Arc::clone(input)).await {
        Ok(authorized) => O::stage(ctx, &mut txn, &authorized, body.unwrap_or_else(Body::empty))
            .await
            .map_err(|error| CallFailure::of(&error, O::SERVICE, &ctx.request_id)),
        Err(failure) => Err(failure),
    };
    let outer = result
        .as_ref()
        .err()
        .and_then(|failure| event_of::<O>(ctx, input.evident(), Outcome::Failed(failure)));
    let (_, mut events) = txn.into_parts();
    match result {
        Ok(staged) => Ok((staged, events)),
        Err(failure) => {
            events.extend(outer);
            Err(Failed { failure, events })
        }
    }
}

/// One attempt: authorise, run, and the event of it, appended to the transaction whichever way it went.
pub(crate) async fn attempt<O: Operation>(
    ctx: &Ctx,
    txn: &mut Txn,
    input: Arc<O::Input>,
    staged: &Staged,
) -> Result<O::Output, CallFailure> {
    let result = authorise_and_run::<O>(ctx, txn, &input, staged).await;
    let outcome = match &result {
        Ok(output) => Outcome::Answered(output.evident()),
        Err(failure) => Outcome::Failed(failure),
    };
    if let Some(event) = event_of::<O>(ctx, input.evident(), outcome) {
        txn.emit(event);
    }
    result
}

async fn authorise_and_run<O: Operation>(
    ctx: &Ctx,
    txn: &mut Txn,
    input: &Arc<O::Input>,
    staged: &Staged,
) -> Result<O::Output, CallFailure> {
    let authorized = authorise::<O>(ctx, txn, Arc::clone(input)).await?;
    O::run(ctx, txn, &authorized, staged)
        .await
        .map_err(|error| CallFailure::of(&error, O::SERVICE, &ctx.request_id))
}

/// Records the events of a call that failed, in a transaction of their own that commits before the answer. If even
/// that cannot be done the caller gets an internal error: nothing is answered that is not recorded. What concerns no
/// account, such as an anonymous call on nothing, is counted only.
async fn record_failure<T>(ctx: &Ctx, failed: Failed) -> Result<T, CallFailure> {
    if failed.events.is_empty() && matches!(ctx.caller, Caller::Anonymous) {
        ctx.world.count_refused(&failed.failure.reply.code);
    }
    match commit_events(&ctx.world, failed.events).await {
        Ok(()) => Err(failed.failure),
        Err(fault) => Err(CallFailure::fault(&fault, ctx.service, &ctx.request_id)),
    }
}

/// Commits events alone, on as many snapshots as it takes.
pub(crate) async fn commit_events(world: &Arc<World>, mut events: Vec<Event>) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    let acts = Event::take_acts(&mut events);
    for _ in 0..ATTEMPTS_MAX {
        let mut txn = world.store().begin();
        let entries = journal_entries(world, &mut txn, events.clone()).await?;
        match txn.record(entries).commit().await {
            Ok(_) => {
                acts.iter().for_each(|act| act());
                return Ok(());
            }
            Err(CommitError::Conflict) => continue,
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(Fault::Bug("recording conflicted without end"))
}

/// The commit point of a call.
async fn commit(ctx: &Ctx, mut txn: Txn) -> Result<(), CommitError> {
    let (ingested, once_committed) = (txn.take_ingested(), txn.take_acts());
    let (mut rows, mut events) = txn.into_parts();
    let acts = Event::take_acts(&mut events);
    let mut entries = journal_entries(&ctx.world, &mut rows, events)
        .await
        .map_err(CommitError::Fault)?;
    ingested::entries(&ctx.world, &rows, ingested, &mut entries)
        .await
        .map_err(CommitError::Fault)?;
    // From here the effect exists: rows and events are durable together, and a reader after a crash sees both or
    // neither. Do not answer above this call: a client that saw 200 must find its event in the journal.
    rows.record(entries).commit().await?;
    acts.iter().for_each(|act| act());
    once_committed.into_iter().for_each(|act| act());
    Ok(())
}

/// Turns events into journal entries: one copy for each account concerned, each with the trails that select it by the
/// state of this very snapshot. Beside them goes why a call was refused.
pub(crate) async fn journal_entries(
    world: &World,
    rows: &mut store::Txn,
    events: Vec<Event>,
) -> Result<Vec<JournalEntry>, Fault> {
    let ports = world.ports()?;
    let mut entries = Vec::with_capacity(events.len());
    let whys: Vec<_> = events.iter().filter_map(Event::why).collect();
    let mut explained = EventIds::of(&whys);
    for event in events {
        for copy in event.copies(&world.random) {
            let selected = ports.trails.select(&rows.view(), &copy.candidate()).await?;
            explained.note(&copy);
            entries.push(journal::encode(&copy, selected)?);
        }
    }
    for why in whys {
        let event_ids = explained.take(&why.request_id);
        crate::decision::keep(world, rows, &why, event_ids).await?;
    }
    Ok(entries)
}

/// A call from one room to another, entered at *authorise*, inside the caller's transaction. On failure its effects
/// are rolled back; its event stays in the transaction either way.
pub async fn reenter<O: Operation>(
    outer: &Ctx,
    txn: &mut Txn,
    inner: Inner,
    input: O::Input,
) -> Result<O::Output, PortRefusal> {
    let ctx = outer
        .inner(O::SERVICE, inner)
        .map_err(|fault| outer.port_fault(O::SERVICE, &fault))?;
    let result = nested::<O>(&ctx, txn, input).await;
    outer.notes_denials_of(&ctx);
    result
}

/// A part of a call that is many, such as one key of DeleteObjects: the same caller from the same place, decided and
/// recorded as a call of its own. On failure its effects alone are rolled back.
pub async fn part<O: Operation>(outer: &Ctx, txn: &mut Txn, input: O::Input) -> Result<O::Output, PortRefusal> {
    let ctx = outer.part().map_err(|fault| outer.port_fault(O::SERVICE, &fault))?;
    let result = nested::<O>(&ctx, txn, input).await;
    outer.notes_denials_of(&ctx);
    result
}

pub(crate) async fn nested<O: Operation>(ctx: &Ctx, txn: &mut Txn, input: O::Input) -> Result<O::Output, PortRefusal> {
    let (savepoint, ingested) = (txn.savepoint(), txn.ingested());
    let result = attempt::<O>(ctx, txn, Arc::new(input), &Staged::nothing()).await;
    result.map_err(|failure| {
        txn.rollback_to(savepoint);
        txn.forget_ingested_after(ingested);
        PortRefusal::from_failure(O::SERVICE, failure)
    })
}

/// The authorisation of a call without the call: CreateTrail's probe of a bucket. Makes no event of its own.
pub async fn probe<O: Operation>(outer: &Ctx, txn: &mut Txn, inner: Inner, input: O::Input) -> Result<(), PortRefusal> {
    let ctx = outer
        .inner(O::SERVICE, inner)
        .map_err(|fault| outer.port_fault(O::SERVICE, &fault))?;
    let result = authorise::<O>(&ctx, txn, Arc::new(input)).await;
    outer.notes_denials_of(&ctx);
    match result {
        Ok(_) => Ok(()),
        Err(failure) => Err(PortRefusal::from_failure(O::SERVICE, failure)),
    }
}

fn with_request_id(mut reply: Reply, service: ServiceName, request_id: &str) -> Reply {
    use http::{HeaderName, HeaderValue};
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            reply.headers.insert(HeaderName::from_static(name), value);
        }
    };
    match service {
        ServiceName::S3 => {
            set("x-amz-request-id", request_id);
            set("x-amz-id-2", &host_id(request_id));
        }
        _ => set("x-amzn-requestid", request_id),
    }
    reply
}

/// The class of an event, for matrices and documents.
pub fn class_name(class: EventClass) -> &'static str {
    match class {
        EventClass::Management { read_only: true } => "management, read",
        EventClass::Management { read_only: false } => "management, write",
        EventClass::Data { read_only: true, .. } => "data, read",
        EventClass::Data { read_only: false, .. } => "data, write",
        EventClass::None => "none",
    }
}
