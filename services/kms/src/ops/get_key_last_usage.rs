//! GetKeyLastUsage: the last cryptographic operation that a key was used for, as the event history tells it.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    heavy,
    model::{Key, KeyRef, state::Act},
};
use base::{Arn, Fault, Timestamp};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn, journal};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{Journal, JournalEntry, ReadView};
use wire::{EpochSeconds, ServiceName};

/// So far back the event history reaches.
const HISTORY: Duration = Duration::from_secs(90 * 24 * 3600);
/// The journal is read back in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

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
        let question = Question::of(&key, ctx.now());
        let since = question.since;
        let journal = ctx.world().journal();
        let found = heavy::search(move || search(&journal, &question)).await??;
        Ok(Json(GetKeyLastUsageOutput {
            key_id: key.id.to_string(),
            key_last_usage: found.unwrap_or_default(),
            tracking_start_date: EpochSeconds(since),
            key_creation_date: EpochSeconds(key.created),
        }))
    }
}

/// Which key, and since when.
struct Question {
    account: String,
    region: String,
    arn: Arn,
    since: Timestamp,
}

impl Question {
    fn of(key: &Key, now: Timestamp) -> Question {
        Question {
            account: key.account.as_str().to_owned(),
            region: key.region.as_str().to_owned(),
            arn: key.arn(),
            since: key.created.max(now.minus(HISTORY)),
        }
    }

    /// The use that an entry of the journal records, if it is one of the key's.
    fn answer(&self, entry: &JournalEntry) -> Result<Option<KeyLastUsage>, Fault> {
        if !entry.management || entry.account != self.account || entry.region != self.region {
            return Ok(None);
        }
        let entry = journal::decode(&entry.payload)?;
        let index = entry.index;
        let is_use = index.event_source == "kms.amazonaws.com"
            && USES.contains(&index.event_name.as_str())
            && index.resources.iter().any(|resource| resource.arn == self.arn);
        if !is_use {
            return Ok(None);
        }
        let told: Told = serde_json::from_slice(&entry.json).map_err(|e| Fault::corrupt_by("an event's record", e))?;
        if told.error_code.is_some() {
            return Ok(None);
        }
        Ok(Some(KeyLastUsage {
            operation: Some(index.event_name),
            timestamp: Some(EpochSeconds(index.event_time)),
            cloud_trail_event_id: Some(index.event_id),
            kms_request_id: told.request_id,
        }))
    }
}

/// What only the record itself tells.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "errorCode")]
    error_code: Option<String>,
    #[serde(rename = "requestID")]
    request_id: Option<String>,
}

/// Reads the journal back until a use is found, or the time since which uses are told is passed. Blocks its thread.
fn search(journal: &Journal, question: &Question) -> Result<Option<KeyLastUsage>, Fault> {
    let mut to = journal.head();
    loop {
        let page = journal.read_back(0, to, PIECE_BYTES)?;
        for placed in &page.entries {
            // An event is committed after it happened, never before.
            if placed.time < question.since {
                return Ok(None);
            }
            if let Some(found) = question.answer(&placed.entry)? {
                return Ok(Some(found));
            }
        }
        match page.next {
            Some(next) => to = next,
            None => return Ok(None),
        }
    }
}
