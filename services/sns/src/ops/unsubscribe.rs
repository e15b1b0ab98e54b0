//! Unsubscribe: an endpoint gets no more of a topic. By the link in its messages it needs no signature.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html>

use super::{
    find, queue,
    shapes::{Done, NamedSubscription},
    tokens,
};
use crate::{SnsError, error::Missing, model::Kind, table};
use gateway::{Caller, Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use policy::Exemption;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct Unsubscribe;

impl Operation for Unsubscribe {
    const NAME: &'static str = "Unsubscribe";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedSubscription>;
    type Output = Done;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::subscription_here(ctx, &input.subscription_arn)?;
        if !matches!(ctx.caller, Caller::Anonymous) {
            return Ok(find::demand_on_subscription(ctx, view, "SNS:Unsubscribe", &at)
                .await?
                .into());
        }
        let found = table::subscription(view, &at).await?;
        // Anybody can name an ARN: the topic's owner hears of who names a subscription that is there.
        if found.is_some() {
            ctx.notes().owners = vec![at.topic.account];
        }
        let confirmed = found.as_ref().and_then(|subscription| subscription.confirmed.as_ref());
        match confirmed.is_some_and(|confirmed| confirmed.guarded) {
            true => Err(SnsError::Authorization(
                "This subscription requires authentication to unsubscribe.".to_owned(),
            )),
            false => Ok(Demands::Exempt(Exemption::HoldsToken)),
        }
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let at = find::subscription_here(ctx, &input.subscription_arn)?;
        let Some(subscription) = table::subscription(&txn.view(), &at).await? else {
            return match table::topic(&txn.view(), &at.topic).await? {
                Some(_) => Ok(Done),
                None => Err(SnsError::NotFound(Missing::Topic)),
            };
        };
        let mut topic = find::topic(&txn.view(), &at.topic).await?;
        let account = ctx.caller.account();
        if account.is_some_and(|account| account != subscription.owner && account != at.topic.account) {
            return Err(SnsError::Authorization(
                "The caller owns neither the subscription nor the topic.".to_owned(),
            ));
        }
        if subscription.confirmed.is_none() {
            return Err(SnsError::invalid(
                "SubscriptionArn Reason: cannot unsubscribe a subscription that is pending confirmation",
            ));
        }
        table::delete_subscription(txn, &subscription);
        topic.deleted += 1;
        table::put_topic(txn, &topic);
        // The way back is for an endpoint whose link somebody followed. Who signed meant it: a token would undo what they had the
        // right to do, for whoever reads the endpoint's messages.
        if matches!(ctx.caller, Caller::Anonymous) {
            let token = tokens::make(ctx, txn, &topic, &subscription, Some(&subscription));
            queue::confirmation(ctx, txn, &topic, &subscription, Kind::UnsubscribeConfirmation, token).await?;
        }
        Ok(Done)
    }
}
