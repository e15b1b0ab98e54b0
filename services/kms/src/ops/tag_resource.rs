//! TagResource.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>

use crate::{
    access::{self, Reach},
    conditions,
    error::KmsError,
    model::{KeyRef, Tag, add_tags, parse_tags, state::Act},
    ops::shapes::{self, NoOutput},
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// TagResource.
pub struct TagResource;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResourceInput {
    key_id: String,
    tags: Vec<Tag>,
}

impl TagResourceInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

impl Evident for TagResourceInput {
    fn evident(&self) -> Params {
        shapes::evident_tags(Params::new().text("keyId", &self.key_id), &self.tags)
    }
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<TagResourceInput>;
    type Output = NoOutput;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        parse_tags(&input.tags)?;
        let demand = access::demand_named(ctx, view, "kms:TagResource", &input.named()?, Reach::OwnAccount).await?;
        Ok(conditions::with_request_tags(demand, &input.tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::TagResource)?;
        let mut key = before.clone();
        key.tags = add_tags(&before.tags, &input.tags)?;
        table::put_key(txn, &key, Some(&before));
        Ok(NoOutput)
    }
}
