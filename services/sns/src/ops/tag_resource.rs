//! TagResource: gives a topic tags, in the place of those with the same keys.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html>

use super::{
    find,
    shapes::Tag,
    tagging::{self, Nothing},
};
use crate::{SnsError, model::tags, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct TagResource;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    resource_arn: String,
    tags: Vec<Tag>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        tagging::evident(Params::new().text("resourceArn", &self.resource_arn), &self.tags)
    }
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Nothing>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "ResourceArn", &input.resource_arn)?;

        let tags = tagging::parse(&input.tags)?;
        let demand = find::demand(ctx, view, "SNS:TagResource", &at).await?;
        Ok(tagging::of_request(demand, &tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let at = find::here(ctx, "ResourceArn", &input.resource_arn)?;

        let mut topic = tagging::topic(&txn.view(), &at).await?;
        tags::put(&mut topic.tags, tagging::parse(&input.tags)?)?;
        table::put_topic(txn, &topic);
        Ok(QueryResult(Nothing {}))
    }
}
