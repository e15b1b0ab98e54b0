//! TagResource, UntagResource and ListTagsForResource: tags of a group by its ARN.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html>

use super::{
    log_group_tags::TagsOutput,
    shapes::{NoOutput, check_tags, tagged},
};
use crate::{
    LogsError,
    access::{Named, On, with_request_tags},
    error::Thing,
    model::tags::Tags,
    table,
    violations::Violations,
};
use base::Arn;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

const ARN_CHARS_MAX: usize = 1011;

/// The operation.
pub(super) struct TagResource;

/// The operation.
pub(super) struct UntagResource;

/// The operation.
pub(super) struct ListTagsForResource;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagInput {
    resource_arn: String,
    tags: Tags,
}

impl Evident for TagInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("resourceArn", &self.resource_arn)
            .pairs("tags", &self.tags)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UntagInput {
    resource_arn: String,
    tag_keys: Vec<String>,
}

impl Evident for UntagInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("resourceArn", &self.resource_arn)
            .texts("tagKeys", &self.tag_keys)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListInput {
    resource_arn: String,
}

impl Evident for ListInput {
    fn evident(&self) -> Params {
        Params::new().text("resourceArn", &self.resource_arn)
    }
}

/// The group that an ARN names. Groups of other Regions are not here, and nothing else has tags.
fn parse(ctx: &Ctx, arn: &str) -> Result<Named, LogsError> {
    let mut violations = Violations::new();
    violations.length("resourceArn", arn, 1..=ARN_CHARS_MAX);
    violations.finish()?;
    let named = Arn::parse(arn).and_then(|arn| Named::of_arn(&arn));
    named
        .filter(|named| named.region == ctx.region)
        .ok_or(LogsError::NotFound(Thing::Group))
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<TagInput>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        check_tags(&input.tags, true)?;
        let named = parse(ctx, &input.resource_arn)?;
        let demand = named.demand(view, "logs:TagResource", On::Tags).await?;
        Ok(with_request_tags(demand, &input.tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = parse(ctx, &input.resource_arn)?.group(&txn.view()).await?;
        table::put_group(txn, &tagged(&group, &input.tags)?, Some(&group));
        Ok(NoOutput)
    }
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<UntagInput>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let mut violations = Violations::new();
        violations.count_unseen("tagKeys", input.tag_keys.len(), 0..=50);
        violations.finish()?;
        let named = parse(ctx, &input.resource_arn)?;
        let demand = named.demand(view, "logs:UntagResource", On::Tags).await?;
        Ok(demand.with_all("aws:TagKeys", input.tag_keys.clone()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = parse(ctx, &input.resource_arn)?.group(&txn.view()).await?;
        let mut after = group.clone();
        after.tags.retain(|key, _| !input.tag_keys.contains(key));
        table::put_group(txn, &after, Some(&group));
        Ok(NoOutput)
    }
}

impl Operation for ListTagsForResource {
    const NAME: &'static str = "ListTagsForResource";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListInput>;
    type Output = Json<TagsOutput>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let named = parse(ctx, &input.resource_arn)?;
        Ok(named.demand(view, "logs:ListTagsForResource", On::Tags).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = parse(ctx, &input.resource_arn)?.group(&txn.view()).await?;
        Ok(Json(TagsOutput { tags: group.tags }))
    }
}
