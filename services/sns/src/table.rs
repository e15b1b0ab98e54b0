//! Typed rows over the transaction. The only file that knows how this room's keys are laid out.
//!
//! | key | row |
//! |---|---|
//! | `sns/topic/ACCOUNT/REGION/NAME` | [`Topic`] |
//! | `sns/subscription/ACCOUNT/REGION/NAME/ID` | [`Subscription`], under its topic |
//! | `sns/subscriber/OWNER/REGION/ACCOUNT/NAME/ID` | [`SubscriptionRef`], under who subscribed |
//! | `sns/asked/ACCOUNT/REGION/NAME/ID` | [`AskedRow`]: by which message a subscription was asked last |
//! | `sns/token/ACCOUNT/REGION/NAME/SHA256` | [`TokenRow`] |
//! | `sns/expiry/MICROS/SHA256` | [`ExpiryRow`]: when a token ends, by domain time |
//! | `sns/message/ID` | [`MessageRow`], until all its deliveries are done |
//! | `sns/delivery/ID/SUBSCRIPTION` | [`DeliveryRow`] |
//! | `sns/due/MICROS/ID/SUBSCRIPTION` | [`DueRow`]: when the next attempt is made, by real time |
//! | `sns/signing/REGION/NOTBEFORE` | [`SigningRow`] |

use crate::model::{Kind, Subscription, SubscriptionRef, Topic, TopicRef, endpoint::Endpoint, topic::SignatureVersion};
use base::{AccountId, Fault, Region, Secret, Timestamp};
use bytes::Bytes;
use envelope::WrappedKey;
use gateway::{
    Txn,
    check::{Checker, RowCheck},
    rotation::{Renewal, SealedRows},
};
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, Stored};

const SIGNING: &str = "sns/signing/";
const MESSAGES: &str = "sns/message/";
const DUE: &[u8] = b"sns/due/";
const EXPIRY: &[u8] = b"sns/expiry/";
const SCAN: usize = store::SCAN_ROWS_MAX;

/// So many subscriptions are read at a time: each may have a filter policy of 256 KiB.
pub const PAGE: usize = 100;

impl Stored for Topic {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for Subscription {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for SubscriptionRef {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// By which message a subscription was asked for its confirmation last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskedRow {
    /// The message's id. While it waits, the subscription is not asked again.
    pub message: String,
}

impl Stored for AskedRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What a token confirms. The token itself is stored nowhere but in the sealed message that carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRow {
    /// The subscription's id.
    pub id: String,
    /// The subscription as it was before it ended: the token brings it back.
    pub ended: Option<Subscription>,
    /// When the token ends, by domain time.
    pub expires: Timestamp,
}

impl Stored for TokenRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// Which token ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExpiryRow {
    /// Its topic.
    pub topic: TopicRef,
    /// The token's SHA-256.
    pub sha256: [u8; 32],
}

impl Stored for ExpiryRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// A message that waits.
#[derive(Clone, Serialize, Deserialize)]
pub struct MessageRow {
    /// What it is.
    pub kind: Kind,
    /// Its topic.
    pub topic: TopicRef,
    /// When it was published, by domain time.
    pub created: Timestamp,
    /// How it is to be signed.
    pub signature_version: SignatureVersion,
    /// The key that seals the payload, wrapped under the keyring of the topic's account.
    pub key: WrappedKey,
    /// The payload, sealed.
    pub sealed: Vec<u8>,
}

impl Stored for MessageRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What is still to be done with a message for a subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Where to.
    pub to: SubscriptionRef,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// How many attempts have failed.
    pub failed: u32,
    /// When the next one is made, by real time.
    pub due: Timestamp,
}

impl Stored for DeliveryRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// Which delivery is due.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DueRow {
    /// The message.
    pub message: String,
    /// The subscription's id.
    pub subscription: String,
}

impl Stored for DueRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// A Region's signing key with its certificate.
#[derive(Clone, Serialize, Deserialize)]
pub struct SigningRow {
    /// PKCS#8, sealed under the first account's keyring.
    pub sealed: Vec<u8>,
    /// The certificate: PEM.
    pub certificate: String,
    /// What the certificate's name ends with: 32 hex digits.
    pub fingerprint: String,
    /// When its use began, by domain time.
    pub not_before: Timestamp,
    /// When its use ends.
    pub not_after: Timestamp,
}

impl Stored for SigningRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What the private key of a signing key is sealed as.
pub fn signing_identity(region: &str, fingerprint: &str) -> Vec<u8> {
    format!("shoseki sns signing key {region} {fingerprint}").into_bytes()
}

/// What the key of a message is wrapped for.
pub fn message_purpose(id: &str) -> String {
    format!("shoseki sns message {id}")
}

/// The rows that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[
    SealedRows {
        prefix: MESSAGES,
        renew: renew_message,
    },
    SealedRows {
        prefix: SIGNING,
        renew: renew_signing_key,
    },
];

fn renew_message(renewal: &Renewal, key: &[u8], row: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let id = part_after(key, MESSAGES)?;
    let mut row = MessageRow::decode(row)?;
    match renewal.wrapped(&row.key, &message_purpose(&id))? {
        None => Ok(None),
        Some(key) => {
            row.key = key;
            row.encode().map(Some)
        }
    }
}

fn renew_signing_key(renewal: &Renewal, key: &[u8], row: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let mut row = SigningRow::decode(row)?;
    let identity = signing_identity(&part_after(key, SIGNING)?, &row.fingerprint);
    match renewal.sealed(renewal.first_account(), &identity, &row.sealed)? {
        None => Ok(None),
        Some(sealed) => {
            row.sealed = sealed;
            row.encode().map(Some)
        }
    }
}

/// The part of a key that follows a prefix, up to the next slash.
fn part_after(key: &[u8], prefix: &str) -> Result<String, Fault> {
    let part = std::str::from_utf8(key)
        .ok()
        .and_then(|key| key.strip_prefix(prefix)?.split('/').next());
    part.map(str::to_owned)
        .ok_or_else(|| Fault::corrupt("the key of a row of SNS's"))
}

/// The tables of this room, for the check of a closed data directory.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::decodes::<Topic>("sns/topic/"),
    RowCheck::decodes::<Subscription>("sns/subscription/"),
    RowCheck::decodes::<SubscriptionRef>("sns/subscriber/"),
    RowCheck::decodes::<AskedRow>("sns/asked/"),
    RowCheck::decodes::<TokenRow>("sns/token/"),
    RowCheck::decodes::<ExpiryRow>("sns/expiry/"),
    RowCheck::new(MESSAGES, |checker, key, row| Box::pin(check_message(checker, key, row))),
    RowCheck::new("sns/delivery/", |checker, key, row| {
        Box::pin(check_delivery(checker, key, row))
    }),
    RowCheck::decodes::<DueRow>("sns/due/"),
    RowCheck::new(SIGNING, |checker, key, row| {
        Box::pin(check_signing_key(checker, key, row))
    }),
];

async fn check_message(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let (id, row) = (part_after(key, MESSAGES)?, MessageRow::decode(row)?);
    let keyring = checker.world.keyrings.of(&checker.view, row.topic.account).await?;
    let data_key = keyring.unwrap(&row.key, &message_purpose(&id)).map_err(Fault::from)?;
    ::envelope::small::open(&data_key, id.as_bytes(), &row.sealed)
        .map(Secret::new)
        .map_err(|e| Fault::corrupt_by("a message that waits", e))?;
    if deliveries(&checker.view, &id, 1).await?.is_empty() {
        checker.orphan(key, "a message that nobody waits for");
    }
    checker.count("messages that wait", 1);
    Ok(())
}

async fn check_delivery(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let row = DeliveryRow::decode(row)?;
    let id = part_after(key, "sns/delivery/")?;
    if message(&checker.view, &id).await?.is_none() {
        checker.orphan(key, "a delivery of no message");
    } else if checker.view.get(&due_key(row.due, &id, &row.to.id)).await?.is_none() {
        checker.row(gateway::check::Kind::Missing, key, "the delivery is never due");
    }
    Ok(())
}

async fn check_signing_key(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let row = SigningRow::decode(row)?;
    let first = checker.world.settings.first_account;
    let keyring = checker.world.keyrings.of(&checker.view, first).await?;
    keyring
        .open(
            &signing_identity(&part_after(key, SIGNING)?, &row.fingerprint),
            &row.sealed,
        )
        .map(Secret::new)
        .map_err(|e| Fault::corrupt_by("a signing key of SNS's", e))?;
    Ok(())
}

fn under(kind: &str, topic: &TopicRef) -> String {
    format!("sns/{kind}/{}/{}/{}", topic.account, topic.region, topic.name)
}

fn topic_key(topic: &TopicRef) -> Vec<u8> {
    under("topic", topic).into_bytes()
}

fn subscription_key(at: &SubscriptionRef) -> Vec<u8> {
    format!("{}/{}", under("subscription", &at.topic), at.id).into_bytes()
}

fn asked_key(at: &SubscriptionRef) -> Vec<u8> {
    format!("{}/{}", under("asked", &at.topic), at.id).into_bytes()
}

fn subscriber_prefix(owner: AccountId, region: &Region) -> String {
    format!("sns/subscriber/{owner}/{region}/")
}

fn subscriber_key(owner: AccountId, at: &SubscriptionRef) -> Vec<u8> {
    let TopicRef { account, region, name } = &at.topic;
    format!("{}{account}/{name}/{}", subscriber_prefix(owner, region), at.id).into_bytes()
}

fn token_key(topic: &TopicRef, sha256: &[u8; 32]) -> Vec<u8> {
    format!("{}/{}", under("token", topic), hex::encode(sha256)).into_bytes()
}

fn expiry_key(expires: Timestamp, sha256: &[u8; 32]) -> Vec<u8> {
    format!("sns/expiry/{:020}/{}", expires.as_micros().max(0), hex::encode(sha256)).into_bytes()
}

fn message_key(id: &str) -> Vec<u8> {
    format!("{MESSAGES}{id}").into_bytes()
}

fn delivery_key(message: &str, subscription: &str) -> Vec<u8> {
    format!("sns/delivery/{message}/{subscription}").into_bytes()
}

fn due_key(due: Timestamp, message: &str, subscription: &str) -> Vec<u8> {
    format!("sns/due/{:020}/{message}/{subscription}", due.as_micros().max(0)).into_bytes()
}

/// A topic.
pub async fn topic(view: &ReadView<'_>, at: &TopicRef) -> Result<Option<Topic>, Fault> {
    view.get_row(&topic_key(at)).await
}

/// Stores a topic, new or changed.
pub fn put_topic(txn: &mut Txn, topic: &Topic) {
    txn.put_row(topic_key(&topic.at), topic);
}

/// The topics of an account in a Region by name, after the one given; at most `limit`.
pub async fn topics(
    view: &ReadView<'_>,
    account: AccountId,
    region: &Region,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Topic>, Fault> {
    let prefix = format!("sns/topic/{account}/{region}/");
    let after = after.map(|name| format!("{prefix}{name}"));
    let rows = view
        .scan_rows(prefix.as_bytes(), after.as_ref().map(String::as_bytes), limit)
        .await?;
    Ok(rows.into_iter().map(|(_, topic)| topic).collect())
}

/// Deletes a topic with its subscriptions and their tokens. What waits for it finds no subscription any more. Of more tokens than
/// one scan reads the rest open nothing, being of this topic and not of its name, and are forgotten in their time.
pub async fn delete_topic(txn: &mut Txn, at: &TopicRef) -> Result<(), Fault> {
    for subscription in subscriptions(&txn.view(), at, None, SCAN).await? {
        delete_subscription(txn, &subscription);
    }
    let tokens = format!("{}/", under("token", at));
    for (key, row) in txn.view().scan_rows::<TokenRow>(tokens.as_bytes(), None, SCAN).await? {
        txn.delete(key.clone());
        if let Some(sha256) = sha256_of(&key) {
            txn.delete(expiry_key(row.expires, &sha256));
        }
    }
    txn.delete(topic_key(at));
    Ok(())
}

fn sha256_of(key: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(key).ok()?.rsplit('/').next()?;
    hex::decode(text).ok()?.try_into().ok()
}

/// A subscription.
pub async fn subscription(view: &ReadView<'_>, at: &SubscriptionRef) -> Result<Option<Subscription>, Fault> {
    view.get_row(&subscription_key(at)).await
}

/// The subscriptions of a topic by id, after the one given; at most `limit`.
pub async fn subscriptions(
    view: &ReadView<'_>,
    topic: &TopicRef,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Subscription>, Fault> {
    let prefix = format!("{}/", under("subscription", topic));
    let after = after.map(|id| format!("{prefix}{id}"));
    let rows = view
        .scan_rows(prefix.as_bytes(), after.as_ref().map(String::as_bytes), limit)
        .await?;
    Ok(rows.into_iter().map(|(_, subscription)| subscription).collect())
}

/// The subscriptions of an account in a Region, after the one given; at most `limit`. Of one that has gone there is nothing.
pub async fn subscriptions_of(
    view: &ReadView<'_>,
    owner: AccountId,
    region: &Region,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Option<Subscription>)>, Fault> {
    let prefix = subscriber_prefix(owner, region);
    let after = after.map(|after| format!("{prefix}{after}"));
    let rows = view
        .scan_rows::<SubscriptionRef>(prefix.as_bytes(), after.as_ref().map(String::as_bytes), limit)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for (key, at) in rows {
        let place = String::from_utf8_lossy(key.get(prefix.len()..).unwrap_or_default()).into_owned();
        found.push((place, subscription(view, &at).await?));
    }
    Ok(found)
}

/// Stores a subscription, new or changed.
pub fn put_subscription(txn: &mut Txn, subscription: &Subscription) {
    txn.put_row(subscription_key(&subscription.at), subscription);
    txn.put_row(subscriber_key(subscription.owner, &subscription.at), &subscription.at);
}

/// Deletes a subscription.
pub fn delete_subscription(txn: &mut Txn, subscription: &Subscription) {
    txn.delete(subscription_key(&subscription.at));
    txn.delete(subscriber_key(subscription.owner, &subscription.at));
    txn.delete(asked_key(&subscription.at));
}

/// Whether a message that asks a subscription for its confirmation waits.
pub async fn is_being_asked(view: &ReadView<'_>, at: &SubscriptionRef) -> Result<bool, Fault> {
    match view.get_row::<AskedRow>(&asked_key(at)).await? {
        Some(asked) => Ok(message(view, &asked.message).await?.is_some()),
        None => Ok(false),
    }
}

/// Remembers by which message a subscription is asked.
pub fn put_asked(txn: &mut Txn, at: &SubscriptionRef, message: String) {
    txn.put_row(asked_key(at), &AskedRow { message });
}

/// What a token confirms.
pub async fn token(view: &ReadView<'_>, topic: &TopicRef, sha256: &[u8; 32]) -> Result<Option<TokenRow>, Fault> {
    view.get_row(&token_key(topic, sha256)).await
}

/// Stores a token.
pub fn put_token(txn: &mut Txn, topic: &TopicRef, sha256: [u8; 32], row: &TokenRow) {
    txn.put_row(token_key(topic, &sha256), row);
    let expiry = ExpiryRow {
        topic: topic.clone(),
        sha256,
    };
    txn.put_row(expiry_key(row.expires, &sha256), &expiry);
}

/// Forgets a token.
pub fn delete_token(txn: &mut Txn, topic: &TopicRef, sha256: &[u8; 32], row: &TokenRow) {
    txn.delete(token_key(topic, sha256));
    txn.delete(expiry_key(row.expires, sha256));
}

/// The tokens that end first; at most `limit`. The time is the token's end.
pub async fn expiries(view: &ReadView<'_>, limit: usize) -> Result<Vec<(Bytes, ExpiryRow, Timestamp)>, Fault> {
    let rows = view.scan_rows::<ExpiryRow>(EXPIRY, None, limit).await?;
    rows.into_iter()
        .map(|(key, row)| {
            let at = micros_of(&key, EXPIRY)?;
            Ok((key, row, at))
        })
        .collect()
}

/// Forgets that a token ends.
pub fn delete_expiry(txn: &mut Txn, key: Bytes) {
    txn.delete(key);
}

fn micros_of(key: &[u8], prefix: &[u8]) -> Result<Timestamp, Fault> {
    let rest = key.strip_prefix(prefix).unwrap_or_default();
    let digits = rest
        .split(|b| *b == b'/')
        .next()
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let micros = digits.and_then(|digits| digits.parse().ok());
    micros
        .map(Timestamp::from_micros)
        .ok_or_else(|| Fault::corrupt("the key of a row of SNS's that is in the order of time"))
}

/// A message that waits.
pub async fn message(view: &ReadView<'_>, id: &str) -> Result<Option<MessageRow>, Fault> {
    view.get_row(&message_key(id)).await
}

/// Stores a message.
pub fn put_message(txn: &mut Txn, id: &str, row: &MessageRow) {
    txn.put_row(message_key(id), row);
}

/// A delivery.
pub async fn delivery(view: &ReadView<'_>, due: &DueRow) -> Result<Option<DeliveryRow>, Fault> {
    view.get_row(&delivery_key(&due.message, &due.subscription)).await
}

/// What is still to be done with a message; at most `limit`.
async fn deliveries(view: &ReadView<'_>, message: &str, limit: usize) -> Result<Vec<(Bytes, Bytes)>, Fault> {
    view.scan_prefix(format!("sns/delivery/{message}/").as_bytes(), None, limit)
        .await
}

/// Stores a delivery, new or changed. `before` is when it was due.
pub fn put_delivery(txn: &mut Txn, message: &str, row: &DeliveryRow, before: Option<Timestamp>) {
    let id = &row.to.id;
    if let Some(before) = before {
        txn.delete(due_key(before, message, id));
    }
    txn.put_row(delivery_key(message, id), row);
    let due = DueRow {
        message: message.to_owned(),
        subscription: id.clone(),
    };
    txn.put_row(due_key(row.due, message, id), &due);
}

/// Forgets that a delivery is due at a time at which it is not.
pub fn delete_due(txn: &mut Txn, due: &DueRow, at: Timestamp) {
    txn.delete(due_key(at, &due.message, &due.subscription));
}

/// Ends a delivery, and the message when that was its last.
pub async fn end_delivery(txn: &mut Txn, due: &DueRow, at: Timestamp) -> Result<(), Fault> {
    txn.delete(due_key(at, &due.message, &due.subscription));
    txn.delete(delivery_key(&due.message, &due.subscription));
    if deliveries(&txn.view(), &due.message, 1).await?.is_empty() {
        txn.delete(message_key(&due.message));
    }
    Ok(())
}

/// Where the deliveries begin that are due at a time or later.
pub fn due_from(at: Timestamp) -> Bytes {
    format!("sns/due/{:020}", at.as_micros().max(0)).into()
}

/// The deliveries that are due first behind a place ([`due_from`], or what this gave last); at most `limit`.
pub async fn due(view: &ReadView<'_>, after: &[u8], limit: usize) -> Result<Vec<(Bytes, Timestamp, DueRow)>, Fault> {
    let rows = view.scan_rows::<DueRow>(DUE, Some(after), limit).await?;
    rows.into_iter()
        .map(|(key, row)| {
            let at = micros_of(&key, DUE)?;
            Ok((key, at, row))
        })
        .collect()
}

/// The signing keys of a Region, oldest first.
pub async fn signing_keys(view: &ReadView<'_>, region: &Region) -> Result<Vec<SigningRow>, Fault> {
    let rows = view
        .scan_rows(format!("{SIGNING}{region}/").as_bytes(), None, SCAN)
        .await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// The certificate whose name ends with this fingerprint.
pub async fn certificate(view: &ReadView<'_>, fingerprint: &str) -> Result<Option<String>, Fault> {
    let rows = view.scan_rows::<SigningRow>(SIGNING.as_bytes(), None, SCAN).await?;
    let mut rows = rows.into_iter().map(|(_, row)| row);
    Ok(rows
        .find(|row| row.fingerprint == fingerprint)
        .map(|row| row.certificate))
}

/// Stores a signing key.
pub fn put_signing_key(txn: &mut Txn, region: &Region, row: &SigningRow) {
    let key = format!("{SIGNING}{region}/{:020}", row.not_before.as_micros().max(0));
    txn.put_row(key.into_bytes(), row);
}
