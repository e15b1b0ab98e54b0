//! ListResourceTags.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, Tag, state::Act},
    ops::shapes::{self, Paging},
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

const LIMIT_MAX: usize = 50;

/// ListResourceTags.
pub struct ListResourceTags;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListResourceTagsInput {
    key_id: String,
    limit: Option<i64>,
    marker: Option<String>,
}

impl ListResourceTagsInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn paging(&self) -> Result<Paging, KmsError> {
        Paging::parse(self.limit, self.marker.as_deref(), LIMIT_MAX, LIMIT_MAX)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListResourceTagsOutput {
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl Evident for ListResourceTagsInput {
    fn evident(&self) -> Params {
        let params = Params::new().text("keyId", &self.key_id);
        shapes::evident_paging(params, self.limit, self.marker.as_deref())
    }
}

impl Evident for ListResourceTagsOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListResourceTagsInput>;
    type Output = Json<ListResourceTagsOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.paging()?;
        let named = input.named()?;
        Ok(
            access::demand_named(ctx, view, "kms:ListResourceTags", &named, Reach::OwnAccount)
                .await?
                .into(),
        )
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &input.named()?).await?;
        key.permit(Act::ListResourceTags)?;
        let paging = input.paging()?;
        let mut tags = key.tags;
        // A marker is the key of the tag that the last page ended with.
        tags.sort_by(|one, other| one.key.cmp(&other.key));
        tags.retain(|tag| paging.after.as_ref().is_none_or(|after| tag.key > *after));
        let next_marker = paging.cut(&mut tags, |tag| tag.key.as_str());
        Ok(Json(ListResourceTagsOutput {
            tags,
            truncated: next_marker.is_some(),
            next_marker,
        }))
    }
}
