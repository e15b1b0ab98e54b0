//! ListSubscriptionsByTopic: who gets what is published to a topic.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>

use super::{
    find,
    listed::SubscriptionPage,
    shapes::{PAGE, next_token, parse_token},
};
use crate::{SnsError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListSubscriptionsByTopic;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    topic_arn: String,
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("topicArn", &self.topic_arn)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

impl Operation for ListSubscriptionsByTopic {
    const NAME: &'static str = "ListSubscriptionsByTopic";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<SubscriptionPage>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        parse_token(input.next_token.as_deref())?;
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        Ok(find::demand(ctx, view, "SNS:ListSubscriptionsByTopic", &at)
            .await?
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let after = parse_token(input.next_token.as_deref())?;
        let view = txn.view();
        let topic = find::topic(&view, &find::here(ctx, "TopicArn", &input.topic_arn)?).await?;
        let mut all = table::subscriptions(&view, &topic.at, after.as_deref(), PAGE + 1).await?;
        let more = all.len() > PAGE;
        all.truncate(PAGE);
        let next = all.last().filter(|_| more).map(|last| next_token(&last.at.id));
        Ok(QueryResult(SubscriptionPage::of(all.into_iter(), next)))
    }
}
