//! TagLogGroup, UntagLogGroup and ListTagsLogGroup: tags of a group by its name. AWS calls them old, and serves them.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagLogGroup.html>

use super::shapes::{GroupInput, NoOutput, check_tags, tagged};
use crate::{
    LogsError,
    access::{self, Named, On, with_request_tags},
    model::tags::Tags,
    table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct TagLogGroup;

/// The operation.
pub(super) struct UntagLogGroup;

/// The operation.
pub(super) struct ListTagsLogGroup;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagInput {
    log_group_name: String,
    tags: Tags,
}

impl Evident for TagInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("logGroupName", &self.log_group_name)
            .pairs("tags", &self.tags)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UntagInput {
    log_group_name: String,
    tags: Vec<String>,
}

impl Evident for UntagInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("logGroupName", &self.log_group_name)
            .texts("tags", &self.tags)
    }
}

/// The tags of a group.
#[derive(Serialize)]
pub(super) struct TagsOutput {
    pub(super) tags: Tags,
}

impl Evident for TagsOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for TagLogGroup {
    const NAME: &'static str = "TagLogGroup";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<TagInput>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_group_name(&input.log_group_name)?;
        check_tags(&input.tags, true)?;
        let named = Named::here(ctx, &input.log_group_name);
        let demand = named.demand(view, "logs:TagLogGroup", On::Group).await?;
        Ok(with_request_tags(demand, &input.tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        table::put_group(txn, &tagged(&group, &input.tags)?, Some(&group));
        Ok(NoOutput)
    }
}

impl Operation for UntagLogGroup {
    const NAME: &'static str = "UntagLogGroup";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<UntagInput>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_group_name(&input.log_group_name)?;
        let mut violations = Violations::new();
        violations.count_unseen("tags", input.tags.len(), 1..=usize::MAX);
        violations.finish()?;
        let named = Named::here(ctx, &input.log_group_name);
        let demand = named.demand(view, "logs:UntagLogGroup", On::Group).await?;
        Ok(demand.with_all("aws:TagKeys", input.tags.clone()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let mut after = group.clone();
        after.tags.retain(|key, _| !input.tags.contains(key));
        table::put_group(txn, &after, Some(&group));
        Ok(NoOutput)
    }
}

impl Operation for ListTagsLogGroup {
    const NAME: &'static str = "ListTagsLogGroup";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<GroupInput>;
    type Output = Json<TagsOutput>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_group_name(&input.log_group_name)?;
        let named = Named::here(ctx, &input.log_group_name);
        Ok(named.demand(view, "logs:ListTagsLogGroup", On::Group).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        Ok(Json(TagsOutput { tags: group.tags }))
    }
}
