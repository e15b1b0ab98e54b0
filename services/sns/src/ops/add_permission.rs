//! AddPermission: a statement of a topic's policy that lets other accounts do something.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_AddPermission.html>

use super::{attributes, find, shapes::Done};
use crate::{SnsError, model::topic_policy, table};
use base::AccountId;
use gateway::principals;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct AddPermission;

#[derive(Deserialize)]
pub(super) struct Input {
    #[serde(rename = "TopicArn")]
    topic_arn: String,
    #[serde(rename = "Label")]
    label: String,
    #[serde(rename = "AWSAccountId", default)]
    aws_account_id: Vec<String>,
    #[serde(rename = "ActionName", default)]
    action_name: Vec<String>,
}

impl Input {
    fn label(&self) -> Result<&str, SnsError> {
        match self.label.is_empty() || self.label.len() > 80 {
            true => Err(SnsError::invalid("Label")),
            false => Ok(&self.label),
        }
    }

    fn accounts(&self) -> Result<Vec<AccountId>, SnsError> {
        if self.aws_account_id.is_empty() {
            return Err(SnsError::invalid("AWSAccountId"));
        }
        if self.action_name.is_empty() {
            return Err(SnsError::invalid("ActionName"));
        }
        let parse = |text: &String| AccountId::parse(text).map_err(|_| SnsError::invalid("AWSAccountId"));
        self.aws_account_id.iter().map(parse).collect()
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("topicArn", &self.topic_arn)
            .text("label", &self.label)
            .texts("aWSAccountId", &self.aws_account_id)
            .texts("actionName", &self.action_name)
    }
}

impl Operation for AddPermission {
    const NAME: &'static str = "AddPermission";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        Ok(find::demand(ctx, view, "SNS:AddPermission", &at).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let mut topic = find::topic(&txn.view(), &find::here(ctx, "TopicArn", &input.topic_arn)?).await?;
        let accounts = input.accounts()?;
        let shown = principals::to_arns(ctx, &txn.view(), &topic.policy).await?;
        let policy = topic_policy::with_permission(&topic.at, &shown, input.label()?, &accounts, &input.action_name)?;
        topic.policy = attributes::accept_policy(ctx, &txn.view(), &policy).await?;
        table::put_topic(txn, &topic);
        Ok(Done)
    }
}
