//! Messages that wait are sent: so many at a time, each tried again as its delivery policy says, on real time.
//!
//! ## Invariants
//! - What was accepted is sent at least once, or tried as often as its policy says; a crash or a stop in the middle of an attempt
//!   repeats the attempt.
//! - An endpoint that does not answer takes a share of what is sent at a time, and not all of it.
//! - Who stops the server waits for no endpoint.

use super::post::{Failure, Outcome, Post, Poster};
use crate::{
    model::{
        Kind, Payload, Subscription,
        delivery_policy::{Effective, SubscriptionDelivery, TopicDelivery},
        envelope::{Envelope, Signed},
    },
    signing::{self, begin},
    table::{self, DeliveryRow, DueRow, MessageRow, message_purpose},
};
use base::{Fault, Secret, Timestamp};
use bytes::Bytes;
use envelope::small;
use gateway::{World, error::Chain};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use rustls::RootCertStore;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{CommitError, Maintenance};
use tokio::{
    sync::{Notify, watch},
    task::{Id, JoinSet},
};

/// So many messages are under way at a time,
const AT_ONCE: usize = 32;
/// and so many of one subscription's.
const AT_ONCE_PER_SUBSCRIPTION: usize = 4;
/// The queue is looked at this often without a reason,
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// and sooner after something was put into it: its transaction will be durable in a moment.
const LOOK_SOON: Duration = Duration::from_millis(4);
/// What is due is looked for from a little before the first that was found on; now and then from the very beginning.
const MARGIN: Duration = Duration::from_secs(60);
/// What is due is looked at in pages of so many, and in so many pages: of those who have their share of what is under way
/// there may be many before the first who has not.
const LOOK_ROWS: usize = 256;
const LOOK_PAGES_MAX: usize = 64;
/// The outcome of an attempt is written down on as many snapshots as it takes.
const ATTEMPTS_MAX: usize = 256;
/// So many signatures are remembered, since all subscriptions of a topic get the same one.
const SIGNATURES_MAX: usize = 1_024;

const USER_AGENT: &str = "Amazon Simple Notification Service Agent";
const CONFIRMATION_TYPE: &str = "text/plain; charset=UTF-8";

/// Rouses delivery when there will be something to do.
#[derive(Default)]
pub(crate) struct Eager(Notify);

impl Eager {
    pub(crate) fn rouse(&self) {
        self.0.notify_one();
    }
}

/// Signatures by message and protocol.
#[derive(Default)]
struct Signatures(Mutex<HashMap<String, Arc<str>>>);

/// Delivers until told to stop. Endpoints of https must be known to these roots.
pub async fn deliver(world: Arc<World>, roots: RootCertStore, mut stop: watch::Receiver<bool>) {
    let eager = world.kept::<Eager>();
    let mut delivery = Delivery {
        poster: Arc::new(Poster::new(world.settings.sns_endpoints, roots)),
        world,
        under_way: JoinSet::new(),
        names: HashMap::new(),
        floor: Timestamp::from_micros(0),
        floored: Timestamp::from_micros(0),
    };
    let mut wait = LOOK_SOON;
    loop {
        match delivery.look().await {
            Ok(true) => wait = LOOK_SOON,
            Ok(false) => wait = (wait * 2).min(LOOK_EVERY),
            Err(Fault::Stopping) => return,
            Err(fault) => {
                tracing::error!(error = %Chain(&fault), "the queue of messages cannot be read; it will be tried again");
                wait = LOOK_EVERY;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = eager.0.notified() => wait = LOOK_SOON,
            Some(ended) = delivery.under_way.join_next_with_id(), if !delivery.under_way.is_empty() => {
                delivery.ended(ended);
            }
            // What is under way is dropped with this, and done again after the next start.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

struct Delivery {
    world: Arc<World>,
    poster: Arc<Poster>,
    under_way: JoinSet<Result<(), Fault>>,
    names: HashMap<Id, DueRow>,
    /// Nothing is due before this,
    floor: Timestamp,
    /// as was last made sure at this time.
    floored: Timestamp,
}

impl Delivery {
    fn ended(&mut self, ended: Result<(Id, Result<(), Fault>), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, Ok(()) | Err(Fault::Stopping))) => id,
            Ok((id, Err(fault))) => {
                tracing::error!(error = %Chain(&fault), "a message cannot be delivered; it will be tried again");
                id
            }
            Err(error) => {
                tracing::error!("the delivery of a message panicked; it will be tried again");
                error.id()
            }
        };
        self.names.remove(&id);
    }

    /// Begins what is due, as far as there is room. Whether anything was begun.
    async fn look(&mut self) -> Result<bool, Fault> {
        if self.under_way.len() >= AT_ONCE {
            return Ok(false);
        }
        let now = self.world.clock.real_now();
        if now < self.floored || now.since(self.floored) > MARGIN {
            (self.floor, self.floored) = (Timestamp::from_micros(0), now);
        }
        let busy: HashSet<DueRow> = self.names.values().cloned().collect();
        let mut shares: HashMap<String, usize> = HashMap::new();
        for row in &busy {
            *shares.entry(row.subscription.clone()).or_default() += 1;
        }
        let (mut begun, mut first) = (false, None);
        let mut place = table::due_from(self.floor);
        for _ in 0..LOOK_PAGES_MAX {
            let due = {
                let snapshot = self.world.snapshot();
                table::due(&snapshot.view(), &place, LOOK_ROWS).await?
            };
            let is_last = due.len() < LOOK_ROWS || due.last().is_none_or(|(_, at, _)| *at > now);
            first = first.or(due.first().map(|(_, at, _)| *at));
            for (key, at, row) in due.into_iter().filter(|(_, at, _)| *at <= now) {
                place = key;
                let share = shares.entry(row.subscription.clone()).or_default();
                let is_free = *share < AT_ONCE_PER_SUBSCRIPTION && self.under_way.len() < AT_ONCE;
                if is_free && !busy.contains(&row) {
                    *share += 1;
                    self.begin(row, at);
                    begun = true;
                }
            }
            if is_last || self.under_way.len() >= AT_ONCE {
                break;
            }
        }
        self.floor = first.map_or(now, |first| first.min(now)).minus(MARGIN);
        Ok(begun)
    }

    fn begin(&mut self, row: DueRow, at: Timestamp) {
        let task = attempt(Arc::clone(&self.world), Arc::clone(&self.poster), row.clone(), at);
        let handle = self.under_way.spawn(task);
        self.names.insert(handle.id(), row);
    }
}

/// What is needed for an attempt, as it is now.
struct Ready {
    row: DeliveryRow,
    message: MessageRow,
    payload: Payload,
    raw: bool,
    policy: Effective,
}

/// What is to be done with a delivery.
enum Next {
    /// It is to be tried.
    Try(Box<Ready>),
    /// Nobody wants it any more, or it is not there, or not at this time.
    Drop,
}

/// One attempt, from the rows to the outcome in the rows.
async fn attempt(world: Arc<World>, poster: Arc<Poster>, due: DueRow, at: Timestamp) -> Result<(), Fault> {
    let ready = match prepare(&world, &due, at).await? {
        Next::Try(ready) => ready,
        Next::Drop => return settle(&world, &due, at, None).await,
    };
    let post = written(&world, &due.message, &ready).await?;
    let outcome = poster.post(&ready.row.endpoint, post).await;
    let retry = match &outcome {
        Outcome::Taken => None,
        Outcome::Refused(failure) => {
            told(&ready, failure, "a message was refused by its endpoint and is given up");
            None
        }
        Outcome::Failed(failure) => match ready.policy.retries.delay_after(ready.row.failed + 1) {
            Some(delay) => {
                let due = world.clock.real_now().plus(delay);
                let failed = ready.row.failed + 1;
                Some(DeliveryRow {
                    failed,
                    due,
                    ..ready.row
                })
            }
            None => {
                told(
                    &ready,
                    failure,
                    "a message was not taken by its endpoint in all its attempts and is given up",
                );
                None
            }
        },
    };
    settle(&world, &due, at, retry).await
}

fn told(ready: &Ready, failure: &Failure, what: &str) {
    let (subscription, attempts) = (ready.row.to.arn(), ready.row.failed + 1);
    tracing::warn!(%subscription, attempts, why = %failure, "{what}");
}

async fn prepare(world: &Arc<World>, due: &DueRow, at: Timestamp) -> Result<Next, Fault> {
    let snapshot = world.snapshot();
    let view = snapshot.view();
    let Some(row) = table::delivery(&view, due).await?.filter(|row| row.due == at) else {
        return Ok(Next::Drop);
    };
    let message = table::message(&view, &due.message).await?;
    let message = message.ok_or_else(|| Fault::corrupt("a delivery of a message that is not there"))?;
    let (topic, subscription) = (
        table::topic(&view, &message.topic).await?,
        table::subscription(&view, &row.to).await?,
    );
    if !is_wanted(message.kind, subscription.as_ref()) {
        return Ok(Next::Drop);
    }
    let topic = TopicDelivery::stored(topic.as_ref().and_then(|topic| topic.delivery_policy.as_deref()));
    let own = subscription
        .as_ref()
        .and_then(|subscription| subscription.delivery_policy.as_deref());
    let keyring = world.keyrings.of(&view, message.topic.account).await?;
    let data_key = keyring
        .unwrap(&message.key, &message_purpose(&due.message))
        .map_err(|e| Fault::corrupt_by("the key of a message that waits", e))?;
    let clear = small::open(&data_key, due.message.as_bytes(), &message.sealed)
        .map(Secret::new)
        .map_err(|e| Fault::corrupt_by("a message that waits", e))?;
    Ok(Next::Try(Box::new(Ready {
        payload: serde_json::from_slice(clear.expose()).map_err(|e| Fault::corrupt_by("a message that waits", e))?,
        policy: SubscriptionDelivery::effective(own, &topic),
        raw: message.kind == Kind::Notification && subscription.as_ref().is_some_and(|subscription| subscription.raw),
        row,
        message,
    })))
}

/// Whether a subscription, as it is now, is still to get it.
fn is_wanted(kind: Kind, subscription: Option<&Subscription>) -> bool {
    let confirmed = subscription.map(|subscription| subscription.confirmed.is_some());
    match kind {
        Kind::Notification => confirmed == Some(true),
        Kind::SubscriptionConfirmation => confirmed == Some(false),
        Kind::UnsubscribeConfirmation => confirmed.is_none(),
    }
}

/// The message as it travels.
async fn written(world: &Arc<World>, id: &str, ready: &Ready) -> Result<Post, Fault> {
    let (kind, to) = (ready.message.kind, &ready.row.to);
    let topic = ready.message.topic.arn();
    let envelope = Envelope {
        kind,
        id,
        topic: &topic,
        subscription: to,
        protocol: ready.row.endpoint.protocol,
        created: ready.message.created,
        payload: &ready.payload,
        server: signing::server(world),
    };
    let body = match ready.raw {
        true => ready.payload.message_for(ready.row.endpoint.protocol).to_owned(),
        false => {
            let signer = signing::current(world, &ready.message.topic.region, world.clock.now()).await?;
            let certificate = signer.certificate();
            let version = ready.message.signature_version;
            let key = format!("{id} {certificate} {}", envelope.protocol.as_str());
            let signatures = world.kept::<Signatures>();
            let known = {
                let all = signatures.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.get(&key).cloned()
            };
            let signature = match known {
                Some(signature) => signature,
                None => {
                    let text = envelope.string_to_sign();
                    // A signature takes milliseconds; the runtime's threads have other work.
                    let signature: Arc<str> = tokio::task::spawn_blocking(move || signer.sign(&text, version))
                        .await
                        .map_err(|error| Fault::io("signing a message", error))??
                        .into();
                    let mut all = signatures.0.lock().unwrap_or_else(PoisonError::into_inner);
                    if all.len() >= SIGNATURES_MAX {
                        all.clear();
                    }
                    all.insert(key, Arc::clone(&signature));
                    signature
                }
            };
            envelope.body(&Signed {
                version,
                signature: &signature,
                certificate: &certificate,
            })
        }
    };
    let content_type = match kind {
        Kind::Notification => ready.policy.content_type.as_str(),
        _ => CONFIRMATION_TYPE,
    };
    let subscription = (kind != Kind::SubscriptionConfirmation).then(|| to.arn());
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(HeaderName::from_static("x-amz-sns-message-type"), kind.as_str());
    set(HeaderName::from_static("x-amz-sns-message-id"), id);
    set(HeaderName::from_static("x-amz-sns-topic-arn"), topic.as_str());
    if let Some(arn) = &subscription {
        set(HeaderName::from_static("x-amz-sns-subscription-arn"), arn.as_str());
    }
    if ready.raw {
        set(HeaderName::from_static("x-amz-sns-rawdelivery"), "true");
    }
    set(header::CONTENT_TYPE, content_type);
    set(header::USER_AGENT, USER_AGENT);
    set(header::ACCEPT_ENCODING, "gzip,deflate");
    Ok(Post {
        headers,
        body: Bytes::from(body),
    })
}

/// Writes down what came of an attempt: when it is tried again, or that it is over.
async fn settle(world: &Arc<World>, due: &DueRow, at: Timestamp, retry: Option<DeliveryRow>) -> Result<(), Fault> {
    let region = &world.settings.region;
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, world.settings.first_account, region);
        let (_, txn) = work.parts();
        let stands = table::delivery(&txn.view(), due).await?;
        match (&retry, stands) {
            // A topic that was deleted and what was due with it may have gone meanwhile.
            (Some(retry), Some(stands)) if stands.due == at => table::put_delivery(txn, &due.message, retry, Some(at)),
            (_, Some(stands)) if stands.due != at => table::delete_due(txn, due, at),
            _ => table::end_delivery(txn, due, at).await?,
        }
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(Fault::Bug("writing down a delivery conflicted without end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_any_more_is_dropped() {
        for (kind, gone) in [
            (Kind::Notification, false),
            (Kind::SubscriptionConfirmation, false),
            (Kind::UnsubscribeConfirmation, true),
        ] {
            assert_eq!(is_wanted(kind, None), gone, "{kind:?}");
        }
    }
}
