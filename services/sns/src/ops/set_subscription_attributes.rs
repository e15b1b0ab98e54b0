//! SetSubscriptionAttributes: changes one attribute of a subscription.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html>

use super::{attributes, find, shapes::Done};
use crate::{SnsError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct SetSubscriptionAttributes;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    subscription_arn: String,
    attribute_name: String,
    attribute_value: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("subscriptionArn", &self.subscription_arn)
            .text("attributeName", &self.attribute_name)
            .maybe_text("attributeValue", self.attribute_value.as_deref())
    }
}

impl Operation for SetSubscriptionAttributes {
    const NAME: &'static str = "SetSubscriptionAttributes";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::subscription_here(ctx, &input.subscription_arn)?;
        Ok(
            find::demand_on_subscription(ctx, view, "SNS:SetSubscriptionAttributes", &at)
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
        let at = find::subscription_here(ctx, &input.subscription_arn)?;
        let mut subscription = find::subscription(&txn.view(), &at).await?;
        let value = input.attribute_value.as_deref().unwrap_or("");
        attributes::set_on_subscription(&mut subscription, &input.attribute_name, value, "")?;
        attributes::check_filter(&subscription, "")?;
        if input.attribute_name == "FilterPolicy" && subscription.filter_policy.is_some() {
            find::others(&txn.view(), &subscription)
                .await?
                .check_room(&subscription)?;
        }
        table::put_subscription(txn, &subscription);
        Ok(Done)
    }
}
