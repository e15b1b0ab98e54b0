//! SetTopicAttributes: changes one attribute of a topic.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>

use super::{attributes, find, shapes::Done};
use crate::{SnsError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct SetTopicAttributes;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    topic_arn: String,
    attribute_name: String,
    attribute_value: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("topicArn", &self.topic_arn)
            .text("attributeName", &self.attribute_name)
            .maybe_text("attributeValue", self.attribute_value.as_deref())
    }
}

impl Operation for SetTopicAttributes {
    const NAME: &'static str = "SetTopicAttributes";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        Ok(find::demand(ctx, view, "SNS:SetTopicAttributes", &at).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let view = txn.view();
        let mut topic = find::topic(&view, &find::here(ctx, "TopicArn", &input.topic_arn)?).await?;
        let value = input.attribute_value.as_deref().unwrap_or("");
        attributes::set(ctx, &view, &mut topic, &input.attribute_name, value).await?;
        table::put_topic(txn, &topic);
        Ok(Done)
    }
}
