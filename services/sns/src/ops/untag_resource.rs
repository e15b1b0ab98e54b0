//! UntagResource: takes tags off a topic.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_UntagResource.html>

use super::{
    find,
    tagging::{self, Nothing},
};
use crate::{SnsError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UntagResource;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    resource_arn: String,
    tag_keys: Vec<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("resourceArn", &self.resource_arn)
            .texts("tagKeys", &self.tag_keys)
    }
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Nothing>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "ResourceArn", &input.resource_arn)?;

        let demand = find::demand(ctx, view, "SNS:UntagResource", &at).await?;
        Ok(tagging::of_keys(demand, input.tag_keys.clone()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let at = find::here(ctx, "ResourceArn", &input.resource_arn)?;

        let mut topic = tagging::topic(&txn.view(), &at).await?;
        topic.tags.retain(|(key, _)| !input.tag_keys.contains(key));
        table::put_topic(txn, &topic);
        Ok(QueryResult(Nothing {}))
    }
}
