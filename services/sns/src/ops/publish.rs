//! Publish: a message for all who subscribed to a topic. It is durable with the answer and sent after it.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use super::{
    find, queue,
    sent::{SentAttribute, SentMessage},
    shapes::Entries,
};
use crate::SnsError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(crate) struct Publish;

/// What is published, and where.
pub(crate) struct Input {
    topic_arn: Option<String>,
    target_arn: Option<String>,
    phone_number: Option<String>,
    message_deduplication_id: Option<String>,
    message: SentMessage,
}

impl Input {
    /// What a service publishes to a topic.
    pub(crate) fn of(topic: &str, subject: Option<String>, message: String) -> Input {
        Input {
            topic_arn: Some(topic.to_owned()),
            target_arn: None,
            phone_number: None,
            message_deduplication_id: None,
            message: SentMessage::of(subject, message),
        }
    }

    fn target(&self) -> Result<(&'static str, &str), SnsError> {
        match (&self.topic_arn, &self.target_arn, &self.phone_number) {
            (Some(arn), None, None) => Ok(("TopicArn", arn)),
            (None, Some(arn), None) => Ok(("TargetArn", arn)),
            (None, None, Some(_)) => Err(SnsError::NotImplemented("PhoneNumber".to_owned())),
            (None, None, None) => Err(SnsError::invalid(
                "TopicArn or TargetArn Reason: no value for required parameter",
            )),
            _ => Err(SnsError::invalid("TopicArn Reason: exactly one target may be given")),
        }
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Wire {
            topic_arn: Option<String>,
            target_arn: Option<String>,
            phone_number: Option<String>,
            message_deduplication_id: Option<String>,
            message: String,
            subject: Option<String>,
            message_structure: Option<String>,
            #[serde(default)]
            message_attributes: Entries<SentAttribute>,
        }
        let wire = Wire::deserialize(deserializer)?;
        Ok(Input {
            topic_arn: wire.topic_arn,
            target_arn: wire.target_arn,
            phone_number: wire.phone_number,
            message_deduplication_id: wire.message_deduplication_id,
            message: SentMessage {
                message: wire.message,
                subject: wire.subject,
                message_structure: wire.message_structure,
                message_attributes: wire.message_attributes,
            },
        })
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .maybe_text("topicArn", self.topic_arn.as_deref())
            .maybe_text("targetArn", self.target_arn.as_deref());
        let params = match self.phone_number {
            Some(_) => params.hidden("phoneNumber"),
            None => params,
        };
        params.and(self.message.evident())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    pub(crate) message_id: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("messageId", &self.message_id)
    }
}

impl Operation for Publish {
    const NAME: &'static str = "Publish";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Data {
        resource_type: find::TOPIC_TYPE,
        read_only: false,
    };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let (parameter, arn) = input.target()?;
        let at = find::here(ctx, parameter, arn)?;
        let demand = find::demand(ctx, view, "SNS:Publish", &at).await?;
        Ok(demand.shown_as(find::TOPIC_TYPE).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let (parameter, arn) = input.target()?;
        let topic = find::topic(&txn.view(), &find::here(ctx, parameter, arn)?).await?;
        if input.message_deduplication_id.is_some() {
            return Err(SnsError::invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
                 this topic type",
            ));
        }
        let payload = input.message.payload()?;
        let data_key = queue::data_key(ctx, txn, &topic).await?;
        let message_id = queue::publish(ctx, txn, &topic, &payload, &data_key).await?;
        Ok(QueryResult(Output { message_id }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::{read, shown};
    use super::*;

    #[test]
    fn records_show_nothing_of_a_message() {
        let input: Input = read(
            "Action=Publish&TopicArn=arn&Message=secret&Subject=s&MessageStructure=json&MessageAttributes.entry.1.Name=n&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=v",
        );
        let hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
        assert_eq!(
            shown(&input),
            format!(
                r#"{{"topicArn":"arn","message":"{hidden}","subject":"{hidden}","messageStructure":"{hidden}","messageAttributes":"{hidden}"}}"#
            )
        );
        assert_eq!(input.message.message_attributes.entry.len(), 1);
    }
}
