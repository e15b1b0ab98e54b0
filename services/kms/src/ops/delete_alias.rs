//! DeleteAlias. The key stays.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{AliasName, state::Act},
    ops::shapes::Changed,
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// DeleteAlias.
pub struct DeleteAlias;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteAliasInput {
    alias_name: String,
}

impl Evident for DeleteAliasInput {
    fn evident(&self) -> Params {
        Params::new().text("aliasName", &self.alias_name)
    }
}

impl Operation for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<DeleteAliasInput>;
    type Output = Changed;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let name = AliasName::parse(&input.alias_name)?;
        let key = access::find_aliased(ctx, view, &name).await?.1;
        Ok(Demands::All(vec![
            access::demand_alias(ctx, "kms:DeleteAlias", &name),
            access::demand(ctx, view, "kms:DeleteAlias", &key, Reach::OwnAccount).await?,
        ]))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let name = AliasName::parse(&input.alias_name)?;
        let (_, before) = access::find_aliased(ctx, &txn.view(), &name).await?;
        before.permit(Act::DeleteAlias)?;
        let mut key = before.clone();
        key.remove_alias(name.as_str());
        table::put_key(txn, &key, Some(&before));
        table::delete_alias(txn, access::shelf(ctx), &name);
        Ok(Changed::of(&key))
    }
}
