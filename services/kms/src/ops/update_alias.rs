//! UpdateAlias: an alias goes over to another key.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>

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

/// UpdateAlias.
pub struct UpdateAlias;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateAliasInput {
    alias_name: String,
    target_key_id: String,
}

impl UpdateAliasInput {
    fn target(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("targetKeyId", &self.target_key_id)
    }
}

impl Evident for UpdateAliasInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("aliasName", &self.alias_name)
            .text("targetKeyId", &self.target_key_id)
    }
}

impl Operation for UpdateAlias {
    const NAME: &'static str = "UpdateAlias";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<UpdateAliasInput>;
    type Output = Changed;
    type Error = KmsError;

    /// Needed on three: the alias, the key it leaves and the key it goes to.
    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let name = AliasName::parse(&input.alias_name)?;
        let target = input.target()?;
        let leaves = access::find_aliased(ctx, view, &name).await?.1;
        Ok(Demands::All(vec![
            access::demand_alias(ctx, "kms:UpdateAlias", &name),
            access::demand(ctx, view, "kms:UpdateAlias", &leaves, Reach::OwnAccount).await?,
            access::demand_named(ctx, view, "kms:UpdateAlias", &target, Reach::OwnAccount).await?,
        ]))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let (name, shelf) = (AliasName::parse(&input.alias_name)?, access::shelf(ctx));
        let target = access::find(ctx, &txn.view(), &input.target()?).await?;
        target.permit(Act::UpdateAlias)?;
        let (was, leaves) = access::find_aliased(ctx, &txn.view(), &name).await?;
        if leaves.spec.family() != target.spec.family() || leaves.usage != target.usage {
            let text = "The alias can stand only for a KMS key of the same type and key usage as its current one.";
            return Err(KmsError::Validation(text.to_owned()));
        }
        if leaves.id != target.id {
            let (mut left, mut taken) = (leaves.clone(), target.clone());
            left.remove_alias(name.as_str());
            taken.add_alias(name.as_str())?;
            table::put_key(txn, &left, Some(&leaves));
            table::put_key(txn, &taken, Some(&target));
        }
        let changed = Changed::of(&target);
        let alias = Alias {
            target: target.id,
            created: was.created,
            updated: ctx.now(),
        };
        table::put_alias(txn, shelf, &name, &alias);
        Ok(changed)
    }
}
