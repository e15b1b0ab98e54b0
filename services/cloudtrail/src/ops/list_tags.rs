//! ListTags: the tags of trails, home or shadow, and of channels. All of them fit one page.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTags.html>

use super::{
    shapes::TagShape,
    tagged::{self, Tagged},
};
use crate::CloudTrailError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// A call names at most so many resources.
const RESOURCES_MAX: usize = 20;

/// The operation.
pub(super) struct ListTags;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    resource_id_list: Vec<String>,
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .texts("resourceIdList", &self.resource_id_list)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    resource_tag_list: Vec<ResourceTag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceTag {
    resource_id: String,
    tags_list: Vec<TagShape>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListTags {
    const NAME: &'static str = "ListTags";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "event data stores, dashboards";
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        if input.resource_id_list.is_empty() || input.resource_id_list.len() > RESOURCES_MAX {
            return Err(CloudTrailError::InvalidParameter(
                "The number of resources must be between 1 and 20.",
            ));
        }
        let mut demands = Vec::with_capacity(input.resource_id_list.len());
        for id in &input.resource_id_list {
            demands.push(tagged::demand_on(ctx, view, "cloudtrail:ListTags", id).await?);
        }
        Ok(Demands::All(demands))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        if input.next_token.as_ref().is_some_and(|token| !token.is_empty()) {
            return Err(CloudTrailError::InvalidToken);
        }
        let mut resource_tag_list = Vec::with_capacity(input.resource_id_list.len());
        for resource_id in &input.resource_id_list {
            let resource = Tagged::find(ctx, &txn.view(), resource_id).await?;
            resource_tag_list.push(ResourceTag {
                resource_id: resource_id.clone(),
                tags_list: resource.tags().iter().cloned().map(TagShape::from).collect(),
            });
        }
        Ok(Json(Output { resource_tag_list }))
    }
}
