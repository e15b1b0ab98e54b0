//! Messages that wait are sent: so many at a time, each tried again as its delivery policy says, on real time.
//!
//! ## Invariants
//! - What was accepted is sent at least once, or tried as often as its policy says; a crash or a stop in the middle of an attempt
//!   repeats the attempt.
//! - A subscription, an endpoint's host and port, and a topic's account each have a share of what is sent at a time; subscriptions
//!   whose last attempt failed have half of all together, and one attempt each.
//! - Every message that is due is looked at, however many of others wait before it.
//! - Of a subscription whose attempts fail so many wait, and the newer are given up and told.
//! - Who stops the server waits for no endpoint.

use super::post::{Failure, Outcome, Post, Poster};
use crate::{
    model::{
        Kind, Payload, Subscription,
        delivery_policy::{Effective, SubscriptionDelivery, TopicDelivery},
        envelope::{Envelope, Signed},
    },
    resolve::Resolver,
    signing::{self, begin},
    table::{self, DeliveryRow, DueRow, MessageRow, message_purpose},
};
use base::{AccountId, Fault, Secret, Timestamp};
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
use store::{CommitError, Maintenance, ReadView};
use tokio::{
    sync::{Notify, watch},
    task::{Id, JoinSet},
};

/// So many messages are under way at a time,
const AT_ONCE: usize = 32;
/// so many of one subscription's,
const AT_ONCE_PER_SUBSCRIPTION: usize = 4;
/// so many to one host and port,
const AT_ONCE_PER_HOST: usize = 8;
/// so many of one account's topics,
const AT_ONCE_PER_ACCOUNT: usize = 24;
/// and so many of all subscriptions whose last attempt failed within this time, each of which has one.
const AT_ONCE_SICK: usize = 16;
const SICK_FOR: Duration = Duration::from_secs(300);
/// So many messages may wait of a subscription whose last attempt failed; so many at most are given up at a time.
const SICK_BACKLOG_MAX: usize = 10_000;
const GIVEN_UP_AT_ONCE: usize = 100;
/// What could not be tried for a fault of this server's is tried again after this time.
const PUT_OFF: Duration = Duration::from_secs(60);
/// What is remembered of so many subscriptions.
const REMEMBERED_MAX: usize = 20_000;
/// The queue is looked at this often without a reason,
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// and sooner after something was put into it: its transaction will be durable in a moment.
const LOOK_SOON: Duration = Duration::from_millis(4);
/// What is due is looked for from a little before the first that was found on; now and then from the very beginning.
const MARGIN: Duration = Duration::from_secs(60);
/// What is due is looked at in pages of so many, and in so many pages; the next look goes on behind them.
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
        poster: Arc::new(Poster::new(
            world.settings.sns_endpoints,
            world.kept::<Resolver>(),
            roots,
        )),
        world,
        under_way: JoinSet::new(),
        names: HashMap::new(),
        places: HashMap::new(),
        sick: HashMap::new(),
        pass: None,
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
    under_way: JoinSet<Result<Health, Fault>>,
    names: HashMap<Id, DueRow>,
    /// Where subscriptions are, by their ids.
    places: HashMap<String, Place>,
    /// Until when subscriptions count as those whose last attempt failed.
    sick: HashMap<String, Timestamp>,
    /// How far what is due was looked at, when that was not to the end.
    pass: Option<Pass>,
    /// Nothing is due before this,
    floor: Timestamp,
    /// as was last made sure at this time.
    floored: Timestamp,
}

/// What an attempt says of its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// Its endpoint took the message.
    Well,
    /// It did not.
    Sick,
    /// Nothing was tried.
    Unknown,
}

/// Whose share an attempt takes beside its subscription's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    authority: Arc<str>,
    account: AccountId,
}

/// One walk over what is due.
struct Pass {
    place: Bytes,
    first: Option<Timestamp>,
    /// How many wait, by subscription.
    waiting: HashMap<String, usize>,
}

/// What is under way, by whose it is.
#[derive(Default)]
struct Shares {
    subscriptions: HashMap<String, usize>,
    authorities: HashMap<Arc<str>, usize>,
    accounts: HashMap<AccountId, usize>,
    sick: usize,
}

impl Shares {
    /// Whether this subscription's own share has room.
    fn has_room(&self, subscription: &str, sick: bool) -> bool {
        let own = if sick { 1 } else { AT_ONCE_PER_SUBSCRIPTION };
        self.subscriptions.get(subscription).is_none_or(|n| *n < own) && (!sick || self.sick < AT_ONCE_SICK)
    }

    /// Whether the shares of where it is have room.
    fn has_room_at(&self, place: &Place) -> bool {
        self.authorities
            .get(&place.authority)
            .is_none_or(|n| *n < AT_ONCE_PER_HOST)
            && self
                .accounts
                .get(&place.account)
                .is_none_or(|n| *n < AT_ONCE_PER_ACCOUNT)
    }

    fn take(&mut self, subscription: &str, place: Option<&Place>, sick: bool) {
        *self.subscriptions.entry(subscription.to_owned()).or_default() += 1;
        if let Some(place) = place {
            *self.authorities.entry(Arc::clone(&place.authority)).or_default() += 1;
            *self.accounts.entry(place.account).or_default() += 1;
        }
        self.sick += usize::from(sick);
    }
}

impl Delivery {
    fn ended(&mut self, ended: Result<(Id, Result<Health, Fault>), tokio::task::JoinError>) {
        let (id, health) = match ended {
            Ok((id, Ok(health))) => (id, health),
            Ok((id, Err(Fault::Stale | Fault::Stopping))) => (id, Health::Unknown),
            Ok((id, Err(fault))) => {
                tracing::error!(error = %Chain(&fault), "a message cannot be delivered; it will be tried again");
                (id, Health::Sick)
            }
            Err(error) => {
                tracing::error!("the delivery of a message panicked; it will be tried again");
                (error.id(), Health::Sick)
            }
        };
        let Some(row) = self.names.remove(&id) else {
            return;
        };
        match health {
            Health::Well => drop(self.sick.remove(&row.subscription)),
            Health::Sick => {
                let now = self.world.clock.real_now();
                if self.sick.len() >= REMEMBERED_MAX {
                    self.sick.retain(|_, until| *until > now);
                }
                self.sick.insert(row.subscription, now.plus(SICK_FOR));
            }
            Health::Unknown => {}
        }
    }

    fn is_sick(&self, subscription: &str, now: Timestamp) -> bool {
        self.sick.get(subscription).is_some_and(|until| *until > now)
    }

    /// Where a delivery goes. Of one that is not there or cannot be read its attempt finds that out.
    async fn place(&mut self, view: &ReadView<'_>, due: &DueRow) -> Option<Place> {
        if let Some(known) = self.places.get(&due.subscription) {
            return Some(known.clone());
        }
        let row = table::delivery(view, due).await.ok()??;
        let place = Place {
            authority: row.endpoint.authority().to_ascii_lowercase().into(),
            account: row.to.topic.account,
        };
        if self.places.len() >= REMEMBERED_MAX {
            self.places.clear();
        }
        self.places.insert(due.subscription.clone(), place.clone());
        Some(place)
    }

    /// Begins what is due, as far as there is room. Whether anything was begun, or there is more to look at.
    async fn look(&mut self) -> Result<bool, Fault> {
        if self.under_way.len() >= AT_ONCE {
            return Ok(false);
        }
        let now = self.world.clock.real_now();
        if now < self.floored || now.since(self.floored) > MARGIN {
            (self.floor, self.floored) = (Timestamp::from_micros(0), now);
        }
        let busy: HashSet<DueRow> = self.names.values().cloned().collect();
        let mut shares = Shares::default();
        for row in &busy {
            let sick = self.is_sick(&row.subscription, now);
            shares.take(&row.subscription, self.places.get(&row.subscription), sick);
        }
        let mut pass = self.pass.take().unwrap_or_else(|| Pass {
            place: table::due_from(self.floor),
            first: None,
            waiting: HashMap::new(),
        });
        let (mut begun, mut ended, mut excess) = (false, false, Vec::new());
        'pages: for _ in 0..LOOK_PAGES_MAX {
            let world = Arc::clone(&self.world);
            let snapshot = world.snapshot();
            let view = snapshot.view();
            let due = table::due(&view, &pass.place, LOOK_ROWS).await?;
            ended = due.len() < LOOK_ROWS || due.last().is_none_or(|(_, at, _)| *at > now);
            pass.first = pass.first.or(due.first().map(|(_, at, _)| *at));
            for (key, at, row) in due.into_iter().filter(|(_, at, _)| *at <= now) {
                if self.under_way.len() >= AT_ONCE || excess.len() >= GIVEN_UP_AT_ONCE {
                    ended = false;
                    break 'pages;
                }
                pass.place = key;
                let sick = self.is_sick(&row.subscription, now);
                let waiting = pass.waiting.entry(row.subscription.clone()).or_default();
                *waiting += 1;
                if busy.contains(&row) {
                    continue;
                }
                if sick && *waiting > SICK_BACKLOG_MAX {
                    excess.push((row, at));
                    continue;
                }
                if !shares.has_room(&row.subscription, sick) {
                    continue;
                }
                let place = self.place(&view, &row).await;
                if place.as_ref().is_none_or(|place| shares.has_room_at(place)) {
                    shares.take(&row.subscription, place.as_ref(), sick);
                    self.begin(row, at);
                    begun = true;
                }
            }
            if ended {
                break;
            }
        }
        match ended {
            true => self.floor = pass.first.map_or(now, |first| first.min(now)).minus(MARGIN),
            false => self.pass = Some(pass),
        }
        if !excess.is_empty() {
            give_up(&self.world, &excess).await?;
        }
        Ok(begun || !ended)
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

/// One attempt; what it stumbles over in this server is put off.
async fn attempt(world: Arc<World>, poster: Arc<Poster>, due: DueRow, at: Timestamp) -> Result<Health, Fault> {
    match tried(&world, &poster, &due, at).await {
        Err(fault @ (Fault::Stale | Fault::Stopping)) => Err(fault),
        Err(fault) => {
            if let Err(again) = put_off(&world, &due, at).await {
                tracing::error!(error = %Chain(&again), "a message that cannot be delivered cannot be put off");
                tokio::time::sleep(PUT_OFF).await;
            }
            Err(fault)
        }
        done => done,
    }
}

/// From the rows to the outcome in the rows.
async fn tried(world: &Arc<World>, poster: &Poster, due: &DueRow, at: Timestamp) -> Result<Health, Fault> {
    let ready = match prepare(world, due, at).await? {
        Next::Try(ready) => ready,
        Next::Drop => return settle(world, due, at, None).await.map(|()| Health::Unknown),
    };
    let post = written(world, &due.message, &ready).await?;
    let outcome = poster.post(&ready.row.endpoint, post).await;
    let health = match &outcome {
        Outcome::Taken => Health::Well,
        Outcome::Refused(_) | Outcome::Failed(_) => Health::Sick,
    };
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
    settle(world, due, at, retry).await.map(|()| health)
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

/// Tries a delivery later, as often as it was tried before.
async fn put_off(world: &Arc<World>, due: &DueRow, at: Timestamp) -> Result<(), Fault> {
    let stands = {
        let snapshot = world.snapshot();
        table::delivery(&snapshot.view(), due).await?
    };
    let later = world.clock.real_now().plus(PUT_OFF);
    settle(world, due, at, stands.map(|row| DeliveryRow { due: later, ..row })).await
}

/// Ends deliveries of subscriptions of which too many wait.
async fn give_up(world: &Arc<World>, excess: &[(DueRow, Timestamp)]) -> Result<(), Fault> {
    let mut work = begin(world, world.settings.first_account, &world.settings.region);
    let (_, txn) = work.parts();
    for (due, at) in excess {
        match table::delivery(&txn.view(), due).await? {
            Some(stands) if stands.due != *at => table::delete_due(txn, due, *at),
            _ => table::end_delivery(txn, due, *at).await?,
        }
    }
    match work.commit(Maintenance::Cursor).await {
        Ok(()) => {
            let (given_up, waiting) = (excess.len(), SICK_BACKLOG_MAX);
            tracing::warn!(
                given_up,
                waiting,
                "messages are given up: too many wait for endpoints that do not take them"
            );
            Ok(())
        }
        // They are found again.
        Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
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

    #[test]
    fn nobody_takes_more_than_a_share() {
        let place = |authority: &str, account: &str| Place {
            authority: authority.into(),
            account: AccountId::parse(account).unwrap(),
        };
        let (here, there) = (place("a:1", "111122223333"), place("b:1", "111122223333"));
        let elsewhere = place("b:1", "444455556666");
        let mut shares = Shares::default();
        for _ in 0..AT_ONCE_PER_SUBSCRIPTION {
            assert!(shares.has_room("s", false));
            shares.take("s", Some(&here), false);
        }
        assert!(!shares.has_room("s", false) && shares.has_room("t", false));
        for _ in AT_ONCE_PER_SUBSCRIPTION..AT_ONCE_PER_HOST {
            assert!(shares.has_room_at(&here));
            shares.take("t", Some(&here), false);
        }
        assert!(!shares.has_room_at(&here) && shares.has_room_at(&there));
        for n in AT_ONCE_PER_HOST..AT_ONCE_PER_ACCOUNT {
            assert!(shares.has_room_at(&there));
            shares.take(&format!("u{n}"), Some(&place(&format!("c:{n}"), "111122223333")), false);
        }
        assert!(!shares.has_room_at(&there) && shares.has_room_at(&elsewhere));
        // Who is sick has one attempt, and all who are sick have half.
        let mut shares = Shares::default();
        for n in 0..AT_ONCE_SICK {
            assert!(shares.has_room(&n.to_string(), true));
            shares.take(&n.to_string(), None, true);
            assert!(!shares.has_room(&n.to_string(), true));
        }
        assert!(!shares.has_room("new", true) && shares.has_room("new", false));
    }
}
