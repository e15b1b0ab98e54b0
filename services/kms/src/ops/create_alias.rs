//! CreateAlias.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{Alias, AliasName, KeyRef, state::Act},
    ops::shapes::Changed,
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// CreateAlias.
pub struct CreateAlias;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAliasInput {
    alias_name: String,
    target_key_id: String,
}

impl CreateAliasInput {
    fn target(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("targetKeyId", &self.target_key_id)
    }
}

impl Evident for CreateAliasInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("aliasName", &self.alias_name)
            .text("targetKeyId", &self.target_key_id)
    }
}

impl Operation for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<CreateAliasInput>;
    type Output = Changed;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let name = AliasName::parse(&input.alias_name)?;
        let target = input.target()?;
        Ok(Demands::All(vec![
            access::demand_alias(ctx, "kms:CreateAlias", &name),
            access::demand_named(ctx, view, "kms:CreateAlias", &target, Reach::OwnAccount).await?,
        ]))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let (name, shelf) = (AliasName::parse(&input.alias_name)?, access::shelf(ctx));
        let before = access::find(ctx, &txn.view(), &input.target()?).await?;
        before.permit(Act::CreateAlias)?;
        if table::alias(&txn.view(), shelf, name.as_str()).await?.is_some() {
            return Err(KmsError::AliasExists {
                alias: name.arn(shelf.region, shelf.account),
            });
        }
        let mut key = before.clone();
        key.add_alias(name.as_str())?;
        let alias = Alias {
            target: key.id.clone(),
            created: ctx.now(),
            updated: ctx.now(),
        };
        table::put_key(txn, &key, Some(&before));
        table::put_alias(txn, shelf, &name, &alias);
        Ok(Changed::of(&key))
    }
}
