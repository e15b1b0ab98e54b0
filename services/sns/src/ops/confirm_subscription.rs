//! ConfirmSubscription: an endpoint wants a topic's messages. Who has the token needs no signature.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html>

use super::{find, tokens};
use crate::{
    SnsError,
    model::{SubscriptionRef, subscription::Confirmation},
    table,
};
use gateway::{Caller, Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::{Authorized, Exemption, ResourceKind};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ConfirmSubscription;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    topic_arn: String,
    token: String,
    authenticate_on_unsubscribe: Option<String>,
}

impl Input {
    fn guarded(&self) -> bool {
        let text = self.authenticate_on_unsubscribe.as_deref();
        text.is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        // The token opens the subscription to whoever reads it.
        Params::new()
            .text("topicArn", &self.topic_arn)
            .hidden("token")
            .maybe_text("authenticateOnUnsubscribe", self.authenticate_on_unsubscribe.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    subscription_arn: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("subscriptionArn", &self.subscription_arn)
    }
}

impl Operation for ConfirmSubscription {
    const NAME: &'static str = "ConfirmSubscription";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        if matches!(ctx.caller, Caller::Anonymous) {
            // Anybody can name a topic's ARN: its owner hears of who has a token of it.
            let topic = find::topic(view, &at).await?;
            tokens::find(ctx, view, &topic, &input.token).await?;
            ctx.notes().owners = vec![at.account];
            if input.guarded() {
                return Err(SnsError::Authorization(
                    "AuthenticateOnUnsubscribe needs a signed request.".to_owned(),
                ));
            }
            return Ok(Demands::Exempt(Exemption::HoldsToken));
        }
        let action = "SNS:ConfirmSubscription";
        Ok(match ctx.caller.account() {
            // The token is the consent of the topic's side; what its caller may do, the caller's own account says.
            Some(account) if account != at.account => Demand::on(action, at.arn())
                .guarded(ResourceKind::Other, account, None)
                .into(),
            _ => find::demand(ctx, view, action, &at).await?.into(),
        })
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        // Read, so that a topic that is deleted meanwhile does not leave a subscription behind.
        let topic = find::topic(&txn.view(), &at).await?;
        let (_, token) = tokens::find(ctx, &txn.view(), &topic, &input.token).await?;
        let known = SubscriptionRef {
            topic: at,
            id: token.id,
        };
        let found = table::subscription(&txn.view(), &known).await?;
        let mut subscription = match (found, token.ended) {
            (Some(found), _) => found,
            (None, Some(ended)) => {
                let others = find::others(&txn.view(), &ended).await?;
                // Its endpoint has subscribed again meanwhile.
                if others.same.is_some() {
                    return Err(tokens::invalid());
                }
                others.check_room(&ended)?;
                ended
            }
            (None, None) => return Err(tokens::invalid()),
        };
        if subscription.confirmed.is_none() {
            subscription.confirmed = Some(Confirmation {
                at: ctx.now(),
                authenticated: !matches!(ctx.caller, Caller::Anonymous),
                guarded: input.guarded(),
            });
            table::put_subscription(txn, &subscription);
        }
        Ok(QueryResult(Output {
            subscription_arn: subscription.at.arn().as_str().to_owned(),
        }))
    }
}
