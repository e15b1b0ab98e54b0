//! GetSubscriptionAttributes: what a subscription is like.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html>

use super::{
    find,
    shapes::{Attributes, NamedSubscription},
};
use crate::{
    SnsError,
    model::delivery_policy::{SubscriptionDelivery, TopicDelivery},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use std::collections::BTreeMap;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetSubscriptionAttributes;

impl Operation for GetSubscriptionAttributes {
    const NAME: &'static str = "GetSubscriptionAttributes";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<NamedSubscription>;
    type Output = QueryResult<Attributes>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::subscription_here(ctx, &input.subscription_arn)?;
        Ok(
            find::demand_on_subscription(ctx, view, "SNS:GetSubscriptionAttributes", &at)
                .await?
                .into(),
        )
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let view = txn.view();
        let at = find::subscription_here(ctx, &input.subscription_arn)?;
        let subscription = find::subscription(&view, &at).await?;
        let topic = find::topic(&view, &at.topic).await?;
        let delivery = TopicDelivery::stored(topic.delivery_policy.as_deref());
        let effective = SubscriptionDelivery::effective(subscription.delivery_policy.as_deref(), &delivery);
        let flag = |flag: bool| flag.to_string();
        let confirmed = subscription.confirmed.as_ref();
        let mut attributes = BTreeMap::from([
            (
                "ConfirmationWasAuthenticated",
                flag(confirmed.is_some_and(|confirmed| confirmed.authenticated)),
            ),
            ("EffectiveDeliveryPolicy", effective.shown()),
            ("Endpoint", subscription.endpoint.url.clone()),
            ("Owner", subscription.owner.to_string()),
            ("PendingConfirmation", flag(confirmed.is_none())),
            ("Protocol", subscription.endpoint.protocol.as_str().to_owned()),
            ("RawMessageDelivery", flag(subscription.raw)),
            ("SubscriptionArn", at.arn().as_str().to_owned()),
            ("SubscriptionPrincipal", subscription.principal.clone()),
            ("TopicArn", at.topic.arn().as_str().to_owned()),
        ]);
        attributes.extend(subscription.delivery_policy.map(|text| ("DeliveryPolicy", text)));
        if let Some(filter) = subscription.filter_policy {
            attributes.insert("FilterPolicy", filter);
            attributes.insert("FilterPolicyScope", subscription.filter_scope.as_str().to_owned());
        }
        Ok(QueryResult(Attributes { attributes }))
    }
}
