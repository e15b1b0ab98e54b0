//! Why calls were refused: kept for each refused call in the commit that records it, found again by the call's request id,
//! by the id of its event, or by the encoded message that its answer carried.
//!
//! A refusal is explained with the policies as they were, for by the time somebody asks they may have changed.

use crate::{Ctx, World};
use base::{AccountId, Fault, Timestamp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use envelope::small;
use policy::{Change, Check, Grounds, Principal, Trace};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use store::{NoAncestor, ReadView, Stored};
use tokio::sync::OnceCell;
use wire::ServiceName;

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
            Principal::Anonymous => ("anonymous".to_owned(), String::new()),
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
}

impl Denied {
    pub(crate) fn of(ctx: &Ctx, operation: &str, check: &Check<'_>) -> Denied {
        let request = &check.request;
        let decision = policy::decide(request, &check.policies);
        let because = decision.denial().map(|denial| denial.because(request.action));
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
            changes: policy::remedy(check),
        }
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

/// How far the count of explanations is promised ahead, so that only one in so many writes the promise.
const PROMISED: u64 = 256;

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

/// Where the explanation of a request or of an event is.
#[derive(Serialize, Deserialize)]
struct Pointer {
    place: u64,
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

const PROMISE: &[u8] = b"decision/promise";

fn place_key(place: u64) -> Vec<u8> {
    format!("decision/place/{place:05}").into_bytes()
}

/// Request ids and event ids are never equal: both are random.
fn pointer_key(id: &str) -> Vec<u8> {
    format!("decision/of/{id}").into_bytes()
}

/// Counts the explanations, from where the last process left off.
#[derive(Default)]
pub(crate) struct Counter(OnceCell<AtomicU64>);

impl Counter {
    async fn next(&self, view: &ReadView<'_>) -> Result<u64, Fault> {
        let start = || async {
            let promise: Option<Promise> = view.get_row(PROMISE).await?;
            Ok::<_, Fault>(AtomicU64::new(promise.map_or(0, |promise| promise.below)))
        };
        let count = self.0.get_or_try_init(start).await?;
        Ok(count.fetch_add(1, Ordering::Relaxed))
    }
}

/// Writes an explanation in the transaction that records the events it is of.
pub(crate) async fn keep(
    world: &World,
    txn: &mut store::Txn,
    why: &Explanation,
    event_ids: Vec<String>,
) -> Result<(), Fault> {
    let number = world.explanations.next(&txn.view()).await?;
    if number.is_multiple_of(PROMISED) {
        let below = number.saturating_add(PROMISED);
        txn.put_row(PROMISE, &Promise { below });
    }
    let place = number % PLACES;
    if let Some(oldest) = txn.view().get_row::<Place>(&place_key(place)).await? {
        txn.delete(pointer_key(&oldest.request_id));
        for id in &oldest.event_ids {
            txn.delete(pointer_key(id));
        }
    }
    txn.put_row(pointer_key(&why.request_id), &Pointer { place });
    for id in &event_ids {
        txn.put_row(pointer_key(id), &Pointer { place });
    }
    let row = Place {
        request_id: why.request_id.clone(),
        event_ids,
        json: serde_json::to_string(why).map_err(|e| Fault::io("writing an explanation", e))?,
    };
    txn.put_row(place_key(place), &row);
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
    let place: Option<Place> = view.get_row(&place_key(pointer.place)).await?;
    place
        .map(|place| serde_json::from_str(&place.json).map_err(|e| Fault::corrupt_by("an explanation", e)))
        .transpose()
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
    let sealed = small::seal(
        &keyring,
        &message_identity(account),
        ctx.request_id.as_bytes(),
        ctx.random(),
    );
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
    let opened = small::open(&keyring, &message_identity(account), &sealed).ok();
    Ok(opened.and_then(|bytes| String::from_utf8(bytes).ok()))
}
