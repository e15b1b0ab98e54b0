//! GetObjectLockConfiguration. Recorded as GetBucketObjectLockConfiguration.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html>

use crate::{
    S3Error, access, answer,
    model::lock::{BucketLock, Period},
    ops::bucket_call::{self, BucketCall, OBJECT_LOCK},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetObjectLockConfiguration.
pub struct GetObjectLockConfiguration;

/// The configuration.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    object_lock_enabled: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    default_retention: Default,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Default {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    years: Option<u32>,
}

impl Output {
    fn of(lock: BucketLock) -> Output {
        let rule = lock.default.map(|default| Rule {
            default_retention: Default {
                mode: default.mode.as_str(),
                days: match default.period {
                    Period::Days(days) => Some(days),
                    Period::Years(_) => None,
                },
                years: match default.period {
                    Period::Days(_) => None,
                    Period::Years(years) => Some(years),
                },
            },
        });
        Output {
            object_lock_enabled: "Enabled",
            rule,
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("ObjectLockConfiguration", &self)
    }
}

impl Operation for GetObjectLockConfiguration {
    const NAME: &'static str = "GetObjectLockConfiguration";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "GetBucketObjectLockConfiguration";
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<OBJECT_LOCK>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketObjectLockConfiguration", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let name = &input.request.bucket;
        let bucket = access::row(&txn.view(), name).await?;
        let lock = bucket
            .lock
            .ok_or_else(|| S3Error::NoObjectLock { bucket: name.clone() })?;
        Ok(Output::of(lock))
    }
}
