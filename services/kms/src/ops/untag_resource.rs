//! UntagResource. A tag that is not there is gone already.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html>

use crate::{
    access::{self, Reach},
    conditions,
    error::KmsError,
    model::{KeyRef, parse_tag_keys, state::Act},
    ops::shapes::NoOutput,
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// UntagResource.
pub struct UntagResource;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagResourceInput {
    key_id: String,
    tag_keys: Vec<String>,
}

impl UntagResourceInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

impl Evident for UntagResourceInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .texts("tagKeys", &self.tag_keys)
    }
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<UntagResourceInput>;
    type Output = NoOutput;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        parse_tag_keys(&input.tag_keys)?;
        let demand = access::demand_named(ctx, view, "kms:UntagResource", &input.named()?, Reach::OwnAccount).await?;
        Ok(conditions::with_tag_keys(demand, &input.tag_keys).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::UntagResource)?;
        let mut key = before.clone();
        key.tags.retain(|tag| !input.tag_keys.contains(&tag.key));
        table::put_key(txn, &key, Some(&before));
        Ok(NoOutput)
    }
}
