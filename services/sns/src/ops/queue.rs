//! From an accepted message to what waits to be sent: sealed, one delivery for each subscription that wants it, in the
//! transaction that answers for it.

use crate::{
    SnsError,
    model::{Kind, Payload, Subscription, Topic, filter::Filter},
    table::{self, DeliveryRow, MessageRow, message_purpose},
    work::Eager,
};
use base::{Fault, Secret, ids};
use envelope::{EncryptionContext, Key256, small};
use gateway::{Ctx, Txn, ctx::By};

/// The data key of a topic's messages: of a topic under a KMS key made by that, with the rights of who publishes, who must be
/// able to open it too.
///
/// The data key is kept under the account's keyring until the message is sent, as AWS keeps data keys for a while: for what
/// was accepted the KMS key is not asked again.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html>,
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>
pub(crate) async fn data_key(ctx: &Ctx, txn: &mut Txn, topic: &Topic) -> Result<Key256, SnsError> {
    data_key_for(ctx, txn, By::Forward, topic).await
}

/// The same, with the rights of another.
pub(crate) async fn data_key_for(ctx: &Ctx, txn: &mut Txn, by: By, topic: &Topic) -> Result<Key256, SnsError> {
    let Some(key) = &topic.kms_key else {
        return Ok(Key256::generate(ctx.random()));
    };
    let context = || {
        let mut context = EncryptionContext::new();
        context.insert("aws:sns:topicArn", topic.at.arn().as_str());
        context
    };
    let (keys, region) = (&ctx.world().ports()?.keys, &topic.at.region);
    let key = key_arn(topic, key);
    let made = keys
        .generate_data_key(ctx, txn, by.clone(), region.clone(), &key, context())
        .await?;
    let opened = keys
        .decrypt(ctx, txn, by, region.clone(), &made.ciphertext, context())
        .await?;
    match opened.expose() == made.plain.expose() {
        true => Ok(made.plain),
        false => Err(Fault::Bug("a data key opens as another").into()),
    }
}

/// A bare id or alias is one of the topic's account, whoever publishes.
fn key_arn(topic: &Topic, key: &str) -> String {
    let (region, account) = (&topic.at.region, topic.at.account);
    match key {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        alias if alias.starts_with("alias/") => base::arn::kms_alias(region, account, alias).as_str().to_owned(),
        id => base::arn::kms_key(region, account, id).as_str().to_owned(),
    }
}

/// Takes a message for every confirmed subscription that wants it. Answers the message's id.
pub(crate) async fn publish(
    ctx: &Ctx,
    txn: &mut Txn,
    topic: &Topic,
    payload: &Payload,
    data_key: &Key256,
) -> Result<String, SnsError> {
    let id = ids::uuid(ctx.random());
    let attributes = payload.filtered_by();
    let (mut stored, mut after): (bool, Option<String>) = (false, None);
    loop {
        let page = table::subscriptions(&txn.view(), &topic.at, after.as_deref(), table::PAGE).await?;
        let is_last = page.len() < table::PAGE;
        after = page.last().map(|last| last.at.id.clone());
        for subscription in page.iter().filter(|subscription| subscription.confirmed.is_some()) {
            let scope = subscription.filter_scope;
            let body = payload.message_for(subscription.endpoint.protocol);
            let wants = match &subscription.filter_policy {
                None => true,
                // It was read before it was stored.
                Some(text) => Filter::parse(text, scope, "")
                    .map_err(|_| Fault::corrupt("the filter policy of a subscription"))?
                    .wants(scope, &attributes, body),
            };
            if !wants {
                continue;
            }
            if !stored {
                store(ctx, txn, topic, (&id, Kind::Notification), payload, data_key).await?;
                stored = true;
            }
            enqueue(ctx, txn, &id, subscription);
        }
        if is_last {
            return Ok(id);
        }
    }
}

/// Asks an endpoint, or tells it that it gets no more. Answers the message's id.
pub(super) async fn confirmation(
    ctx: &Ctx,
    txn: &mut Txn,
    topic: &Topic,
    subscription: &Subscription,
    kind: Kind,
    token: String,
) -> Result<String, SnsError> {
    let id = ids::uuid(ctx.random());
    let payload = Payload {
        token: Some(token),
        ..Payload::text(None, String::new())
    };
    let data_key = Key256::generate(ctx.random());
    store(ctx, txn, topic, (&id, kind), &payload, &data_key).await?;
    enqueue(ctx, txn, &id, subscription);
    Ok(id)
}

async fn store(
    ctx: &Ctx,
    txn: &mut Txn,
    topic: &Topic,
    (id, kind): (&str, Kind),
    payload: &Payload,
    data_key: &Key256,
) -> Result<(), SnsError> {
    let clear = serde_json::to_vec(payload).map(Secret::new);
    let clear = clear.map_err(|_| Fault::Bug("a message does not serialise"))?;
    let keyring = ctx.world().keyrings.of(&txn.view(), topic.at.account).await?;
    let row = MessageRow {
        kind,
        topic: topic.at.clone(),
        created: ctx.now(),
        signature_version: topic.signature_version.unwrap_or_default(),
        key: keyring.wrap(data_key, &message_purpose(id), ctx.random()),
        sealed: small::seal(data_key, id.as_bytes(), clear.expose(), ctx.random()),
    };
    table::put_message(txn, id, &row);
    Ok(())
}

fn enqueue(ctx: &Ctx, txn: &mut Txn, message: &str, subscription: &Subscription) {
    let row = DeliveryRow {
        to: subscription.at.clone(),
        endpoint: subscription.endpoint.clone(),
        failed: 0,
        due: ctx.world().clock.real_now(),
    };
    table::put_delivery(txn, message, &row, None);
    ctx.world().kept::<Eager>().rouse();
}
