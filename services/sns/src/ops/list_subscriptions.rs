//! ListSubscriptions: what the caller's account has subscribed to in this Region.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptions.html>

use super::{
    listed::SubscriptionPage,
    shapes::{PAGE, next_token, parse_token},
};
use crate::{SnsError, table};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListSubscriptions;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().maybe_text("nextToken", self.next_token.as_deref())
    }
}

impl Operation for ListSubscriptions {
    const NAME: &'static str = "ListSubscriptions";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<SubscriptionPage>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        parse_token(input.next_token.as_deref())?;
        let all = base::arn::topic(&ctx.region, ctx.account, "*");
        Ok(Demand::on("SNS:ListSubscriptions", all).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let after = parse_token(input.next_token.as_deref())?;
        let view = txn.view();
        let mut found = table::subscriptions_of(&view, ctx.account, &ctx.region, after.as_deref(), PAGE + 1).await?;
        let more = found.len() > PAGE;
        found.truncate(PAGE);
        let next = found.last().filter(|_| more).map(|(place, _)| next_token(place));
        let all = found.into_iter().filter_map(|(_, subscription)| subscription);
        Ok(QueryResult(SubscriptionPage::of(all, next)))
    }
}
