//! GetKeyLastUsage: the last cryptographic operation that a key was used for, as the event history tells it.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    heavy,
    model::{Key, KeyRef, state::Act},
};
use base::{Fault, Timestamp};
use gateway::{
    Ctx, Demands, EventClass, Json, Operation, Staged, Txn,
    history::{self, Attribute, Found, Query},
};
use policy::Authorized;
use record::{Evident, IndexFields, Params};
use serde::{Deserialize, Serialize};
use std::{ops::ControlFlow, time::Duration};
use store::{History, ReadView};
use wire::{EpochSeconds, ServiceName};

/// The operations that count, of those that are here.
const USES: [&str; 12] = [
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// GetKeyLastUsage.
pub struct GetKeyLastUsage;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyLastUsageInput {
    key_id: String,
}

impl GetKeyLastUsageInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyLastUsageOutput {
    key_id: String,
    key_last_usage: KeyLastUsage,
    tracking_start_date: EpochSeconds,
    key_creation_date: EpochSeconds,
}

/// A use; empty when there was none.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyLastUsage {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_trail_event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_request_id: Option<String>,
}

impl Evident for GetKeyLastUsageInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Evident for GetKeyLastUsageOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetKeyLastUsage {
    const NAME: &'static str = "GetKeyLastUsage";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "uses of more than 90 days ago";
    type Input = Json<GetKeyLastUsageInput>;
    type Output = Json<GetKeyLastUsageOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let named = input.named()?;
        Ok(
            access::demand_named(ctx, view, "kms:GetKeyLastUsage", &named, Reach::OwnAccount)
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
        let key = access::find(ctx, &txn.view(), &input.named()?).await?;
        key.permit(Act::GetKeyLastUsage)?;
        let question = question(&key, ctx.now(), ctx.settings().event_history);
        let since = question.start;
        let history = ctx.world().history();
        let found = heavy::search(move || last_use(&history, &question)).await??;
        Ok(Json(GetKeyLastUsageOutput {
            key_id: key.id.to_string(),
            key_last_usage: found.unwrap_or_default(),
            tracking_start_date: EpochSeconds(since),
            key_creation_date: EpochSeconds(key.created),
        }))
    }
}

/// The events that name the key, since its creation or as far back as the history reaches.
fn question(key: &Key, now: Timestamp, reach: Duration) -> Query {
    Query {
        account: key.account,
        region: key.region.clone(),
        attribute: Some((Attribute::ResourceName, key.arn().to_string())),
        start: key.created.max(now.minus(reach)),
        end: now,
        before: None,
    }
}

fn is_use(index: &IndexFields) -> bool {
    index.event_source == "kms.amazonaws.com" && USES.contains(&index.event_name.as_str())
}

/// The use that an event records, unless the call failed.
fn use_of(found: Found) -> Result<Option<KeyLastUsage>, Fault> {
    let told: Told = serde_json::from_slice(&found.json).map_err(|e| Fault::corrupt_by("an event's record", e))?;
    Ok(told.error_code.is_none().then_some(KeyLastUsage {
        operation: Some(found.index.event_name),
        timestamp: Some(EpochSeconds(found.index.event_time)),
        cloud_trail_event_id: Some(found.index.event_id),
        kms_request_id: told.request_id,
    }))
}

/// What only the record itself tells.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "errorCode")]
    error_code: Option<String>,
    #[serde(rename = "requestID")]
    request_id: Option<String>,
}

/// The last use. Blocks its thread.
fn last_use(history: &History, question: &Query) -> Result<Option<KeyLastUsage>, Fault> {
    let mut last = None;
    history::search(history, question, is_use, |found| {
        last = use_of(found)?;
        Ok(match last {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    })?;
    Ok(last)
}
