//! RotateRootKey: a new root key, and everything that hangs from the older one wrapped anew while the server serves.
//!
//! The answer says that it has begun: the new key is durable and wraps from then on. The rest is background work, which a
//! restart goes on with; DescribeRootKey says how far it has come.

use crate::{ShosekiError, access};
use base::Fault;
use gateway::{
    Body, Ctx, Demands, EventClass, Json, Operation, Staged, Txn,
    rotation::{self, Rotation},
};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

/// The operation.
pub(crate) struct RotateRootKey;

/// Its input.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RotateRootKeyRequest {
    /// Whether every account gets a new keyring too, and what is under it is sealed anew. Without that the older
    /// keyrings are wrapped under the new root key.
    #[serde(default = "yes")]
    keyrings: bool,
}

fn yes() -> bool {
    true
}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RotateRootKeyResponse {
    /// Which rotation of this data directory it is.
    rotation: u64,
    keyrings: bool,
    begun: EpochSeconds,
}

impl Evident for RotateRootKeyRequest {
    fn evident(&self) -> Params {
        Params::new().flag("keyrings", self.keyrings)
    }
}

impl Evident for RotateRootKeyResponse {
    fn evident(&self) -> Params {
        Params::new().number("rotation", self.rotation)
    }
}

impl Operation for RotateRootKey {
    const NAME: &'static str = "RotateRootKey";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const STAGED: bool = true;
    type Input = Json<RotateRootKeyRequest>;
    type Output = Json<RotateRootKeyResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(access::demands(ctx, "shoseki:RotateRootKey"))
    }

    /// It begins here and not in `run`, for it is not to begin twice when the record of it meets a conflict.
    async fn stage(ctx: &Ctx, _: &mut Txn, input: &Authorized<Self::Input>, _: Body) -> Result<Staged, ShosekiError> {
        match rotation::begin(ctx.world(), input.keyrings).await? {
            Some(begun) => Ok(Staged::of(begun)),
            None => Err(ShosekiError::RotationInProgress),
        }
    }

    async fn run(
        _: &Ctx,
        _: &mut Txn,
        _: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let rotation = staged.get::<Rotation>()?;
        let begun = rotation.begun.ok_or(Fault::Bug("a rotation without a beginning"))?;
        Ok(Json(RotateRootKeyResponse {
            rotation: rotation.number,
            keyrings: rotation.keyrings,
            begun: EpochSeconds(begun),
        }))
    }
}
