//! ListExports: what the stacks of the caller's account in this Region export.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListExports.html>

use super::shapes::{PAGE, next_token, parse_token};
use crate::{
    CloudFormationError,
    table::{self, Seal},
};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListExports;

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

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    exports: Vec<ExportShape>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExportShape {
    exporting_stack_id: String,
    name: String,
    value: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListExports {
    const NAME: &'static str = "ListExports";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(Demand::on("cloudformation:ListExports", base::arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let after = parse_token(input.next_token.as_deref())?;
        let view = txn.view();
        let seal = Seal::of(ctx.world(), &view, ctx.account).await?;
        let place = (ctx.account, &ctx.region);
        let mut exports = table::exports(&view, &seal, place, after.as_deref(), PAGE + 1).await?;
        let has_more = exports.len() > PAGE;
        exports.truncate(PAGE);
        let next_token = exports.last().filter(|_| has_more).map(|(name, ..)| next_token(name));
        let shape = |(name, stack, value): (String, crate::model::stack::StackRef, String)| ExportShape {
            exporting_stack_id: stack.arn().as_str().to_owned(),
            name,
            value,
        };
        Ok(QueryResult(Output {
            exports: exports.into_iter().map(shape).collect(),
            next_token,
        }))
    }
}
