//! GetObjectLegalHold.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html>

use crate::{
    S3Error, access, answer, locks,
    ops::lock_call::{LEGAL_HOLD, LockRead},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetObjectLegalHold.
pub struct GetObjectLegalHold;

/// The version's.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    status: &'static str,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("LegalHold", &self)
    }
}

impl Operation for GetObjectLegalHold {
    const NAME: &'static str = "GetObjectLegalHold";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = LockRead<LEGAL_HOLD>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        let call = &input.0;
        let found = access::find(ctx, view, &call.request).await?;
        let demand = call.demand(ctx, &found, "s3:GetObjectLegalHold");
        Ok(found.demands(ctx, &call.request, vec![demand]))
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let chosen = input.0.chosen(&txn.view(), "GET").await?;
        let on = chosen.object.lock.legal_hold.ok_or_else(|| input.0.has_none())?;
        Ok(Output {
            status: locks::hold(on),
        })
    }
}
