//! ListTagsForResource: the tags of a topic.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ListTagsForResource.html>

use super::{find, shapes::Tag, tagging};
use crate::SnsError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListTagsForResource;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    resource_arn: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().text("resourceArn", &self.resource_arn)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    tags: Vec<Tag>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListTagsForResource {
    const NAME: &'static str = "ListTagsForResource";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "ResourceArn", &input.resource_arn)?;

        Ok(find::demand(ctx, view, "SNS:ListTagsForResource", &at).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let at = find::here(ctx, "ResourceArn", &input.resource_arn)?;

        let topic = tagging::topic(&txn.view(), &at).await?;
        let tag = |(key, value)| Tag { key, value };
        Ok(QueryResult(Output {
            tags: topic.tags.into_iter().map(tag).collect(),
        }))
    }
}
