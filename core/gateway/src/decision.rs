//! Why calls were refused: kept for each refused call in the commit that records it, found again by the call's request id,
//! by the id of its event, or by the encoded message that its answer carried.
//!
//! A refusal is explained with the policies as they were, for by the time somebody asks they may have changed.

use crate::{
    Boxed, Ctx, World,
    check::{Checker, Kind},
    event::Copy,
};
use base::{AccountId, Fault, Timestamp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::{Change, Check, Grounds, Policies, Policy, PolicyType, Principal, Trace, TraceOutcome};
use serde::{Deserialize, Serialize};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use store::{NoAncestor, ReadView, Stored};
use tokio::sync::OnceCell;
use wire::ServiceName;

/// The name of a caller without a signature.
const ANONYMOUS: &str = "anonymous";

/// Who was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The ARN; of a service its name; `anonymous`.
    pub name: String,
    /// `AIDA…`, `AROA…:session`, an account's number; empty for services and nobody.
    pub id: String,
    /// The account.
    pub account: Option<AccountId>,
}

impl Who {
    /// A principal.
    pub fn of(principal: &Principal) -> Who {
        let (name, id) = match principal {
            Principal::Anonymous => (ANONYMOUS.to_owned(), String::new()),
            Principal::Service { name } => (name.clone(), String::new()),
            Principal::Root { account } => (base::arn::root(*account).to_string(), account.to_string()),
            Principal::User { arn, id, .. } => (arn.clone(), id.clone()),
            Principal::Session {
                session_arn,
                role_id,
                session_name,
                ..
            } => (session_arn.clone(), format!("{role_id}:{session_name}")),
        };
        Who {
            name,
            id,
            account: principal.account(),
        }
    }
}

/// A demand that the policies refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Denied {
    /// The service that was asked, by its event source.
    pub service: String,
    /// Its operation.
    pub operation: String,
    /// The request id under which it was asked: the call's own, or that of a call it made.
    pub request_id: String,
    /// Who asked.
    pub who: Who,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The account that owns it.
    pub owner: Option<AccountId>,
    /// What decided.
    pub grounds: Grounds,
    /// The same in the words of AWS's messages.
    pub because: String,
    /// Every condition key that the request had.
    pub context: Vec<(String, Vec<String>)>,
    /// What became of each statement.
    pub trace: Trace,
    /// The smallest changes that, all made, would allow it.
    pub changes: Vec<Change>,
    /// The [`fingerprint`] of the document that each of them is of; `None` for a new one.
    pub documents: Vec<Option<String>>,
}

/// By which a policy's document is known to be what it was.
pub fn fingerprint(document: &str) -> String {
    URL_SAFE_NO_PAD.encode(sigv4::sha256(document.as_bytes()))
}

/// The document that a change is of.
fn changed_document<'a>(policies: &Policies<'a>, change: &Change) -> Option<&'a str> {
    let nth = change.nth?;
    let shared = |policies: &'a [Arc<Policy>]| policies.get(nth).map(AsRef::as_ref);
    let leveled = |levels: &'a [Vec<Arc<Policy>>]| levels.iter().flatten().nth(nth).map(AsRef::as_ref);
    let policy: Option<&'a Policy> = match change.policy {
        PolicyType::Identity => shared(policies.identity),
        PolicyType::Session => policies.session.and_then(shared),
        PolicyType::PermissionsBoundary => policies.boundary,
        PolicyType::Resource | PolicyType::RoleTrust => policies.resource,
        PolicyType::ServiceControl => leveled(policies.service_control),
        PolicyType::ResourceControl => leveled(policies.resource_control),
    };
    policy.map(Policy::document)
}

impl Denied {
    pub(crate) fn of(ctx: &Ctx, operation: &str, check: &Check<'_>) -> Denied {
        let request = &check.request;
        let decision = policy::decide(request, &check.policies);
        let because = decision.denial().map(|denial| denial.because(request.action));
        let changes = match request.principal {
            // Nobody can give a stranger's call more rights than everybody's.
            Principal::Anonymous => Vec::new(),
            _ => policy::remedy(check),
        };
        Denied {
            service: ctx.service.event_source().to_owned(),
            operation: operation.to_owned(),
            request_id: ctx.request_id.clone(),
            who: Who::of(request.principal),
            action: request.action.to_owned(),
            resource: request.resource.to_owned(),
            owner: request.owner,
            grounds: decision.grounds().clone(),
            because: because.unwrap_or_default(),
            context: request
                .context
                .iter()
                .map(|(key, values)| (key.to_owned(), values.to_vec()))
                .collect(),
            trace: policy::explain(check),
            documents: changes
                .iter()
                .map(|change| changed_document(&check.policies, change).map(fingerprint))
                .collect(),
            changes,
        }
    }

    /// Forgets the statements that spoke of other actions: the longest part of a long trace, and the least told.
    fn forget_other_actions(&mut self) {
        self.trace.statements.retain(|statement| {
            !matches!(&statement.outcome, TraceOutcome::Element { element, .. } if element.ends_with("Action"))
        });
    }

    /// Forgets all but who, what and what decided.
    fn forget_details(&mut self) {
        self.trace.statements.clear();
        self.trace.grants.clear();
        self.changes.clear();
        self.documents.clear();
        self.context.clear();
    }
}

/// Why a call failed: all that policies refused to it and to the calls it made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The call's request id.
    pub request_id: String,
    /// When it was.
    pub time: Timestamp,
    /// The service that was called, by its event source.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Who called.
    pub who: Who,
    /// The account that the call was made in.
    pub account: AccountId,
    /// The error that the caller got.
    pub error_code: String,
    /// Its text.
    pub error_message: String,
    /// In the order in which they came. Never empty.
    pub denials: Vec<Denied>,
}

/// So many explanations are kept; a new one takes the place of the oldest.
const PLACES: u64 = 65_536;

/// Of callers without a signature fewer, in places of their own: they cannot push the others' out.
const ANONYMOUS_PLACES: u64 = 4_096;

/// How far the count of explanations is promised ahead.
const PROMISED: u64 = 256;

/// A promise is made so often before it is due that one lost with its transaction does no harm.
const PROMISED_EVERY: u64 = 32;

/// What is in one place. The explanation is JSON, so that what it holds may grow.
#[derive(Serialize, Deserialize)]
struct Place {
    request_id: String,
    event_ids: Vec<String>,
    json: String,
}

impl Stored for Place {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// Where the explanation of a request or of an event is: the key of its place.
#[derive(Serialize, Deserialize)]
struct Pointer {
    place: String,
}

impl Stored for Pointer {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// No explanation kept so far has a number as high as this.
#[derive(Serialize, Deserialize)]
struct Promise {
    below: u64,
}

impl Stored for Promise {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// Request ids and event ids are never equal: both are random.
fn pointer_key(id: &str) -> Vec<u8> {
    format!("decision/of/{id}").into_bytes()
}

/// Places that are filled one after another, again and again; counted from where the last process left off.
pub(crate) struct Ring {
    name: &'static str,
    places: u64,
    count: OnceCell<AtomicU64>,
}

impl Ring {
    fn of(name: &'static str, places: u64) -> Ring {
        Ring {
            name,
            places,
            count: OnceCell::new(),
        }
    }

    fn promise_key(&self) -> Vec<u8> {
        format!("decision/promise/{}", self.name).into_bytes()
    }

    async fn next(&self, txn: &mut store::Txn) -> Result<String, Fault> {
        let key = self.promise_key();
        let start = || async {
            let promise: Option<Promise> = txn.view().get_row(&key).await?;
            Ok::<_, Fault>(AtomicU64::new(promise.map_or(0, |promise| promise.below)))
        };
        let count = self.count.get_or_try_init(start).await?;
        let number = count.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(PROMISED_EVERY) {
            let below = number.saturating_add(PROMISED);
            txn.put_row(key, &Promise { below });
        }
        Ok(format!("decision/place/{}/{:05}", self.name, number % self.places))
    }
}

/// Where explanations are kept.
pub(crate) struct Rings {
    signed: Ring,
    anonymous: Ring,
}

impl Default for Rings {
    fn default() -> Rings {
        Rings {
            signed: Ring::of("signed", PLACES),
            anonymous: Ring::of("anonymous", ANONYMOUS_PLACES),
        }
    }
}

/// The ids of the events that explanations are of, by the id of their call. A call and its parts have one.
pub(crate) struct EventIds(Vec<(String, Vec<String>)>);

impl EventIds {
    /// For these explanations, none known yet.
    pub(crate) fn of(whys: &[Arc<Explanation>]) -> EventIds {
        EventIds(whys.iter().map(|why| (why.request_id.clone(), Vec::new())).collect())
    }

    /// Notes a copy of an event, if its call is explained.
    pub(crate) fn note(&mut self, copy: &Copy) {
        let (Some(request), event) = copy.ids() else { return };
        let of = self.0.iter_mut().find(|(id, _)| id == request);
        if let Some((_, ids)) = of.filter(|(_, ids)| ids.len() < EVENT_IDS_MAX) {
            ids.push(event.to_owned());
        }
    }

    /// The events of a call.
    pub(crate) fn take(&mut self, request_id: &str) -> Vec<String> {
        let of = self.0.iter_mut().find(|(id, _)| id == request_id);
        of.map(|(_, ids)| std::mem::take(ids)).unwrap_or_default()
    }
}

/// An explanation is found by so many of its events.
const EVENT_IDS_MAX: usize = 64;

/// The longest explanation that is kept whole.
const EXPLANATION_BYTES_MAX: usize = 64 * 1024;

/// An explanation as it is stored: when it is too long, without the statements that spoke of other actions, then with its
/// first denial alone, then without traces and changes.
fn fitted(why: &Explanation) -> Result<String, Fault> {
    let mut why = why.clone();
    for cut in 0..4 {
        match cut {
            0 => {}
            1 => why.denials.iter_mut().for_each(Denied::forget_other_actions),
            2 => why.denials.truncate(1),
            _ => why.denials.iter_mut().for_each(Denied::forget_details),
        }
        let json = serde_json::to_string(&why).map_err(|e| Fault::io("writing an explanation", e))?;
        if json.len() <= EXPLANATION_BYTES_MAX || cut == 3 {
            return Ok(json);
        }
    }
    Err(Fault::Bug("an explanation was cut without end"))
}

/// Writes an explanation in the transaction that records the events it is of.
pub(crate) async fn keep(
    world: &World,
    txn: &mut store::Txn,
    why: &Explanation,
    event_ids: Vec<String>,
) -> Result<(), Fault> {
    let ring = match why.who.name.as_str() {
        ANONYMOUS => &world.explanations.anonymous,
        _ => &world.explanations.signed,
    };
    let place = ring.next(txn).await?;
    if let Some(oldest) = txn.view().get_row::<Place>(place.as_bytes()).await? {
        for id in oldest.event_ids.iter().chain([&oldest.request_id]) {
            let key = pointer_key(id);
            let pointer: Option<Pointer> = txn.view().get_row(&key).await?;
            if pointer.is_some_and(|pointer| pointer.place == place) {
                txn.delete(key);
            }
        }
    }
    for id in event_ids.iter().chain([&why.request_id]) {
        txn.put_row(pointer_key(id), &Pointer { place: place.clone() });
    }
    let row = Place {
        request_id: why.request_id.clone(),
        event_ids,
        json: fitted(why)?,
    };
    txn.put_row(place.into_bytes(), &row);
    Ok(())
}

/// The longest id that is looked for.
const ID_CHARS_MAX: usize = 128;

/// The explanation of the call with this request id, or of the call that made the event with this id; `None` when there is
/// none: no such call, or it was allowed, or so many were refused since that it is no longer kept.
pub async fn find(view: &ReadView<'_>, id: &str) -> Result<Option<Explanation>, Fault> {
    if id.is_empty() || id.len() > ID_CHARS_MAX || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(None);
    }
    let Some(pointer) = view.get_row::<Pointer>(&pointer_key(id)).await? else {
        return Ok(None);
    };
    let place: Option<Place> = view.get_row(pointer.place.as_bytes()).await?;
    place
        .map(|place| serde_json::from_str(&place.json).map_err(|e| Fault::corrupt_by("an explanation", e)))
        .transpose()
}

/// A place and its pointers decode; a pointer leads to its place.
pub(crate) fn check_row<'a>(checker: &'a Checker<'a>, key: &'a [u8], row: &'a [u8]) -> Boxed<'a, Result<(), Fault>> {
    Box::pin(async move {
        let id = key.strip_prefix(pointer_key("").as_slice());
        if key.starts_with(b"decision/promise/") {
            Promise::decode(row)?;
        } else if key.starts_with(b"decision/place/") {
            let place = Place::decode(row)?;
            serde_json::from_str::<Explanation>(&place.json).map_err(|e| Fault::corrupt_by("an explanation", e))?;
            checker.count("explanations", 1);
        } else if id.is_some() {
            let pointer = Pointer::decode(row)?;
            if checker.view.get(pointer.place.as_bytes()).await?.is_none() {
                checker.orphan(key, "it leads to an explanation that is not there");
            }
        } else {
            checker.row(Kind::Unknown, key, "a row of no table that is known");
        }
        Ok(())
    })
}

/// What an encoded message opens under.
fn message_identity(account: AccountId) -> Vec<u8> {
    format!("sts/authorization-message/{account}").into_bytes()
}

/// The encoded message for this call's refusal, for the services whose messages carry one (EC2).
///
/// SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>
pub(crate) async fn encoded(ctx: &Ctx, view: &ReadView<'_>) -> Result<Option<String>, Fault> {
    let (ServiceName::Ec2, Some(account)) = (ctx.service, ctx.caller.account()) else {
        return Ok(None);
    };
    let keyring = ctx.world.keyrings.of(view, account).await?;
    let sealed = keyring.seal(&message_identity(account), ctx.request_id.as_bytes(), ctx.random());
    Ok(Some(URL_SAFE_NO_PAD.encode(sealed)))
}

/// The request id that an encoded message of this account stands for; `None` when it is none.
pub async fn decode(
    world: &World,
    view: &ReadView<'_>,
    account: AccountId,
    message: &str,
) -> Result<Option<String>, Fault> {
    let Ok(sealed) = URL_SAFE_NO_PAD.decode(message) else {
        return Ok(None);
    };
    let keyring = world.keyrings.of(view, account).await?;
    let opened = keyring.open(&message_identity(account), &sealed).ok();
    Ok(opened.and_then(|bytes| String::from_utf8(bytes).ok()))
}
