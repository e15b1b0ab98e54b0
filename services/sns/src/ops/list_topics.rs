//! ListTopics: the topics of the caller's account in this Region.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html>

use super::shapes::{PAGE, next_token, parse_token};
use crate::{SnsError, model::Topic, table};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListTopics;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().maybe_text("nextToken", self.next_token.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    topics: Vec<TopicShape>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TopicShape {
    topic_arn: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListTopics {
    const NAME: &'static str = "ListTopics";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        parse_token(input.next_token.as_deref())?;
        let all = base::arn::topic(&ctx.region, ctx.account, "*");
        Ok(Demand::on("SNS:ListTopics", all).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let after = parse_token(input.next_token.as_deref())?;
        let mut topics = table::topics(&txn.view(), ctx.account, &ctx.region, after.as_deref(), PAGE + 1).await?;
        let more = topics.len() > PAGE;
        topics.truncate(PAGE);
        let last = topics.last().filter(|_| more).map(|topic| next_token(&topic.at.name));
        let arn = |topic: &Topic| TopicShape {
            topic_arn: topic.at.arn().as_str().to_owned(),
        };
        Ok(QueryResult(Output {
            topics: topics.iter().map(arn).collect(),
            next_token: last,
        }))
    }
}
