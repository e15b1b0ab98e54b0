//! DescribeRootKey: the last rotation of the root key, and how far it has come.

use crate::{ShosekiError, access};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn, rotation};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

/// The operation.
pub(crate) struct DescribeRootKey;

/// Its input.
#[derive(Deserialize)]
pub(crate) struct DescribeRootKeyRequest {}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeRootKeyResponse {
    /// How often the root key was rotated.
    rotations: u64,
    /// Whether the last rotation is still at work.
    in_progress: bool,
    /// Whether it gave every account a new keyring.
    keyrings: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    begun: Option<EpochSeconds>,
    /// When nothing was under the older keys any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<EpochSeconds>,
    /// Rows that were looked at since the server began to work on it, those that were sealed anew, and those that no key
    /// opens.
    rows_looked_at: u64,
    rows_sealed_anew: u64,
    rows_unreadable: u64,
}

impl Evident for DescribeRootKeyRequest {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Evident for DescribeRootKeyResponse {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeRootKey {
    const NAME: &'static str = "DescribeRootKey";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<DescribeRootKeyRequest>;
    type Output = Json<DescribeRootKeyResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(access::demands(ctx, "shoseki:DescribeRootKey"))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        _: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let last = rotation::state(&txn.view()).await?;
        let progress = &ctx.world().keyrings.progress;
        Ok(Json(DescribeRootKeyResponse {
            rotations: last.number,
            in_progress: last.is_under_way(),
            keyrings: last.keyrings,
            begun: last.begun.map(EpochSeconds),
            done: last.done.map(EpochSeconds),
            rows_looked_at: progress.looked(),
            rows_sealed_anew: progress.rewrapped(),
            rows_unreadable: progress.unreadable(),
        }))
    }
}
