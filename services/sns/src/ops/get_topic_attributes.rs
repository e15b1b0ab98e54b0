//! GetTopicAttributes: what a topic is like.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html>

use super::{
    find,
    shapes::{Attributes, NamedTopic},
};
use crate::{
    SnsError,
    model::{delivery_policy::TopicDelivery, subscription::SUBSCRIPTIONS_PER_TOPIC_MAX},
    table,
};
use gateway::principals;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use std::collections::BTreeMap;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetTopicAttributes;

impl Operation for GetTopicAttributes {
    const NAME: &'static str = "GetTopicAttributes";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<NamedTopic>;
    type Output = QueryResult<Attributes>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        Ok(find::demand(ctx, view, "SNS:GetTopicAttributes", &at).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let view = txn.view();
        let topic = find::topic(&view, &find::here(ctx, "TopicArn", &input.topic_arn)?).await?;
        let all = table::subscriptions(&view, &topic.at, None, SUBSCRIPTIONS_PER_TOPIC_MAX).await?;
        let confirmed = all
            .iter()
            .filter(|subscription| subscription.confirmed.is_some())
            .count();
        let mut attributes = BTreeMap::from([
            ("DisplayName", topic.display_name.clone()),
            (
                "EffectiveDeliveryPolicy",
                TopicDelivery::stored(topic.delivery_policy.as_deref()).shown(),
            ),
            ("Owner", topic.at.account.to_string()),
            ("Policy", principals::to_arns(ctx, &view, &topic.policy).await?),
            ("SubscriptionsConfirmed", confirmed.to_string()),
            ("SubscriptionsDeleted", topic.deleted.to_string()),
            ("SubscriptionsPending", (all.len() - confirmed).to_string()),
            ("TopicArn", topic.at.arn().as_str().to_owned()),
        ]);
        attributes.extend(topic.delivery_policy.map(|text| ("DeliveryPolicy", text)));
        attributes.extend(topic.kms_key.map(|key| ("KmsMasterKeyId", key)));
        let version = topic.signature_version.map(|version| version.as_str().to_owned());
        attributes.extend(version.map(|version| ("SignatureVersion", version)));
        Ok(QueryResult(Attributes { attributes }))
    }
}
