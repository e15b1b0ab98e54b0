//! RemovePermission: takes a statement out of a topic's policy.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_RemovePermission.html>

use super::{find, shapes::Done};
use crate::{SnsError, model::topic_policy, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct RemovePermission;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    topic_arn: String,
    label: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("topicArn", &self.topic_arn)
            .text("label", &self.label)
    }
}

impl Operation for RemovePermission {
    const NAME: &'static str = "RemovePermission";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        Ok(find::demand(ctx, view, "SNS:RemovePermission", &at).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let mut topic = find::topic(&txn.view(), &find::here(ctx, "TopicArn", &input.topic_arn)?).await?;
        topic.policy = topic_policy::without_permission(&topic.policy, &input.label)?;
        table::put_topic(txn, &topic);
        Ok(Done)
    }
}
