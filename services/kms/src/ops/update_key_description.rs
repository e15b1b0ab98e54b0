//! UpdateKeyDescription.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, state::Act},
    ops::shapes::{self, NoOutput},
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// UpdateKeyDescription.
pub struct UpdateKeyDescription;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateKeyDescriptionInput {
    key_id: String,
    description: String,
}

impl UpdateKeyDescriptionInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

impl Evident for UpdateKeyDescriptionInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("description", &self.description)
            .text("keyId", &self.key_id)
    }
}

impl Operation for UpdateKeyDescription {
    const NAME: &'static str = "UpdateKeyDescription";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<UpdateKeyDescriptionInput>;
    type Output = NoOutput;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        shapes::check_description(&input.description)?;
        let named = input.named()?;
        Ok(
            access::demand_named(ctx, view, "kms:UpdateKeyDescription", &named, Reach::OwnAccount)
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
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::UpdateKeyDescription)?;
        let mut key = before.clone();
        key.description.clone_from(&input.description);
        table::put_key(txn, &key, Some(&before));
        Ok(NoOutput)
    }
}
