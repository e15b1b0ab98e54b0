//! PublishBatch: up to ten messages for a topic, each taken or refused by itself.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html>

use super::sent::SentAttribute;
use super::{find, queue, sent::SentMessage, shapes::Entries};
use crate::{SnsError, model::message::MESSAGE_BYTES_MAX};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::AwsError;
use wire::ServiceName;

/// The operation.
pub(super) struct PublishBatch;

const ENTRIES_MAX: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    topic_arn: String,
    #[serde(default)]
    publish_batch_request_entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    message: String,
    subject: Option<String>,
    message_structure: Option<String>,
    #[serde(default)]
    message_attributes: Entries<SentAttribute>,
}

impl Entry {
    fn message(&self) -> SentMessage {
        SentMessage {
            message: self.message.clone(),
            subject: self.subject.clone(),
            message_structure: self.message_structure.clone(),
            message_attributes: Entries {
                entry: self.message_attributes.entry.clone(),
            },
        }
    }
}

impl Input {
    fn check(&self) -> Result<(), SnsError> {
        let entries = &self.publish_batch_request_entries;
        if entries.is_empty() {
            return Err(SnsError::EmptyBatchRequest);
        }
        if entries.len() > ENTRIES_MAX {
            return Err(SnsError::TooManyEntriesInBatchRequest);
        }
        let shaped = |id: &str| {
            (1..=80).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !entries.iter().all(|entry| shaped(&entry.id)) {
            return Err(SnsError::InvalidBatchEntryId);
        }
        for (n, entry) in entries.iter().enumerate() {
            if entries.iter().skip(n + 1).any(|other| other.id == entry.id) {
                return Err(SnsError::BatchEntryIdsNotDistinct);
            }
        }
        let weight: usize = entries.iter().map(|entry| entry.message().weight()).sum();
        match weight > MESSAGE_BYTES_MAX {
            true => Err(SnsError::BatchRequestTooLong),
            false => Ok(()),
        }
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let entry = |entry: &Entry| Params::new().text("id", &entry.id).and(entry.message().evident());
        Params::new().text("topicArn", &self.topic_arn).objects(
            "publishBatchRequestEntries",
            self.publish_batch_request_entries.iter().map(entry),
        )
    }
}

/// The answer.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    successful: Vec<Taken>,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    id: String,
    message_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    id: String,
    code: String,
    message: String,
    sender_fault: bool,
}

impl Failed {
    fn of(entry: &Entry, refused: &SnsError) -> Failed {
        Failed {
            id: entry.id.clone(),
            code: refused.code().into_owned(),
            message: refused.message(),
            sender_fault: true,
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        let taken = |taken: &Taken| Params::new().text("id", &taken.id).text("messageId", &taken.message_id);
        let failed = |failed: &Failed| {
            Params::new()
                .text("id", &failed.id)
                .text("code", &failed.code)
                .text("message", &failed.message)
                .flag("senderFault", failed.sender_fault)
        };
        Params::new()
            .objects("successful", self.successful.iter().map(taken))
            .objects("failed", self.failed.iter().map(failed))
    }
}

impl Operation for PublishBatch {
    const NAME: &'static str = "PublishBatch";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Data {
        resource_type: find::TOPIC_TYPE,
        read_only: false,
    };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        input.check()?;
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        let demand = find::demand(ctx, view, "SNS:Publish", &at).await?;
        Ok(demand.shown_as(find::TOPIC_TYPE).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let topic = find::topic(&txn.view(), &find::here(ctx, "TopicArn", &input.topic_arn)?).await?;
        let data_key = queue::data_key(ctx, txn, &topic).await?;
        let mut output = Output::default();
        for entry in &input.publish_batch_request_entries {
            let payload = match entry.message().payload() {
                Ok(payload) => payload,
                Err(SnsError::Fault(fault)) => return Err(fault.into()),
                Err(refused) => {
                    output.failed.push(Failed::of(entry, &refused));
                    continue;
                }
            };
            let message_id = queue::publish(ctx, txn, &topic, &payload, &data_key).await?;
            output.successful.push(Taken {
                id: entry.id.clone(),
                message_id,
            });
        }
        Ok(QueryResult(output))
    }
}
