//! CreateTopic: a topic of a name, or the one that has it already and is just like it.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>

use super::{
    attributes,
    shapes::{Entries, Pair, Tag},
    tagging,
};
use crate::{
    SnsError,
    model::{
        Topic, TopicRef,
        tags::Tags,
        topic::{TOPICS_PER_REGION_MAX, parse_name},
        topic_policy,
    },
    table,
};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreateTopic;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
    #[serde(default)]
    attributes: Entries<Pair>,
    #[serde(default)]
    tags: Vec<Tag>,
    data_protection_policy: Option<String>,
}

impl Input {
    fn tags(&self) -> Result<Tags, SnsError> {
        tagging::parse(&self.tags)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = self.attributes.evident(Params::new().text("name", &self.name));
        tagging::evident(params, &self.tags)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    topic_arn: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("topicArn", &self.topic_arn)
    }
}

async fn new_topic(ctx: &Ctx, view: &ReadView<'_>, at: TopicRef) -> Result<Topic, SnsError> {
    let others = table::topics(view, at.account, &at.region, None, TOPICS_PER_REGION_MAX).await?;
    if others.len() >= TOPICS_PER_REGION_MAX {
        return Err(SnsError::TopicLimitExceeded);
    }
    Ok(Topic {
        id: ctx.random().bytes(),
        created: ctx.now(),
        display_name: String::new(),
        policy: topic_policy::default_text(&at),
        delivery_policy: None,
        kms_key: None,
        signature_version: None,
        tags: Vec::new(),
        deleted: 0,
        at,
    })
}

/// What is wrong with an attribute is wrong with `Attributes`.
fn within(error: SnsError) -> SnsError {
    match error {
        SnsError::InvalidParameter(what) => SnsError::InvalidParameter(format!("Attributes Reason: {what}")),
        other => other,
    }
}

impl Operation for CreateTopic {
    const NAME: &'static str = "CreateTopic";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let name = parse_name(&input.name)?;
        let tags = input.tags()?;
        let demand = Demand::on("SNS:CreateTopic", base::arn::topic(&ctx.region, ctx.account, name));
        Ok(tagging::of_request(demand, &tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        if input
            .data_protection_policy
            .as_ref()
            .is_some_and(|text| !text.is_empty())
        {
            return Err(SnsError::NotImplemented("DataProtectionPolicy".to_owned()));
        }
        let at = TopicRef {
            account: ctx.account,
            region: ctx.region.clone(),
            name: parse_name(&input.name)?.to_owned(),
        };
        let output = Output {
            topic_arn: at.arn().as_str().to_owned(),
        };
        let (existing, tags) = (table::topic(&txn.view(), &at).await?, input.tags()?);
        let mut topic = match &existing {
            Some(topic) => topic.clone(),
            None => new_topic(ctx, &txn.view(), at).await?,
        };
        for (name, value) in input.attributes.pairs() {
            attributes::set(ctx, &txn.view(), &mut topic, name, value)
                .await
                .map_err(within)?;
        }
        match existing {
            None => {
                topic.tags = tags;
                table::put_topic(txn, &topic);
            }
            Some(existing) if existing != topic => {
                return Err(SnsError::invalid(
                    "Attributes Reason: Topic already exists with different attributes",
                ));
            }
            Some(existing) if !tags.is_empty() && !tagging::are_same(&existing.tags, &tags) => {
                return Err(SnsError::invalid(
                    "Tags Reason: Topic already exists with different tags",
                ));
            }
            Some(_) => {}
        }
        Ok(QueryResult(output))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::{read, shown};
    use super::*;

    #[test]
    fn a_form_is_read_and_shown() {
        let input: Input = read(
            "Action=CreateTopic&Name=t&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=D&Tags.member.1.Key=k&Tags.member.1.Value=v",
        );
        assert_eq!(
            shown(&input),
            r#"{"name":"t","attributes":{"DisplayName":"D"},"tags":[{"key":"k","value":"v"}]}"#
        );
    }
}
