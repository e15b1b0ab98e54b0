//! DeleteTopic: a topic with its subscriptions. One that is not there is as deleted as it can be.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html>

use super::{
    find,
    shapes::{Done, NamedTopic},
};
use crate::{SnsError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteTopic;

impl Operation for DeleteTopic {
    const NAME: &'static str = "DeleteTopic";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedTopic>;
    type Output = Done;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        Ok(find::demand(ctx, view, "SNS:DeleteTopic", &at).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        table::delete_topic(txn, &at).await?;
        Ok(Done)
    }
}
