//! ListImports: which stacks use an export.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListImports.html>

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
pub(super) struct ListImports;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    export_name: String,
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("exportName", &self.export_name)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

/// The answer: the names of the stacks.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    imports: Vec<String>,
    next_token: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListImports {
    const NAME: &'static str = "ListImports";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(Demand::on("cloudformation:ListImports", base::arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let after = parse_token(input.next_token.as_deref())?;
        let view = txn.view();
        let (place, name) = ((ctx.account, &ctx.region), input.export_name.as_str());
        let seal = Seal::of(ctx.world(), &view, ctx.account).await?;
        if table::export(&view, &seal, place, name).await?.is_none() {
            return Err(CloudFormationError::Validation(format!(
                "Export '{name}' does not exist."
            )));
        }
        let mut stacks = table::importers(&view, place, name, after.as_deref(), PAGE + 1).await?;
        let has_more = stacks.len() > PAGE;
        stacks.truncate(PAGE);
        if stacks.is_empty() && after.is_none() {
            return Err(CloudFormationError::Validation(format!(
                "Export '{name}' is not imported by any stack."
            )));
        }
        let next_token = stacks.last().filter(|_| has_more).map(|stack| next_token(&stack.id));
        Ok(QueryResult(Output {
            imports: stacks.into_iter().map(|stack| stack.name).collect(),
            next_token,
        }))
    }
}
