//! ListPublicKeys: the keys whose private halves signed digests of this Region in a time range.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html>

use crate::{CloudTrailError, table};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{Blob, EpochSeconds, ServiceName};

/// The operation.
pub(super) struct ListPublicKeys;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    start_time: Option<EpochSeconds>,
    end_time: Option<EpochSeconds>,
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_moment("startTime", self.start_time.as_ref().map(|time| time.0))
            .maybe_moment("endTime", self.end_time.as_ref().map(|time| time.0))
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    public_key_list: Vec<PublicKey>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKey {
    value: Blob,
    validity_start_time: EpochSeconds,
    validity_end_time: EpochSeconds,
    fingerprint: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListPublicKeys {
    const NAME: &'static str = "ListPublicKeys";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = CloudTrailError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudTrailError> {
        Ok(Demand::on("cloudtrail:ListPublicKeys", arn::any()).into())
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
        let end = input.end_time.as_ref().map_or_else(|| ctx.now(), |time| time.0);
        let start = input.start_time.as_ref().map_or(end.min(ctx.now()), |time| time.0);
        if start > end {
            return Err(CloudTrailError::InvalidTimeRange);
        }
        let keys = table::signing_keys(&txn.view(), &ctx.region).await?;
        let keys = keys
            .into_iter()
            .filter(|key| key.not_before <= end && key.not_after >= start);
        let public_key_list = keys
            .map(|key| PublicKey {
                value: Blob(key.public),
                validity_start_time: EpochSeconds(key.not_before),
                validity_end_time: EpochSeconds(key.not_after),
                fingerprint: key.fingerprint,
            })
            .collect();
        Ok(Json(Output { public_key_list }))
    }
}
