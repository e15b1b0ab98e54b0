//! ListGroups: the account's groups by name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html>

use super::{group::Groups, page::page, shapes::PathListing};
use crate::{IamError, model::arns, table::groups};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListGroups;

impl Operation for ListGroups {
    const NAME: &'static str = "ListGroups";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<PathListing>;
    type Output = QueryResult<Groups>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let arn = arns::group(ctx.account, &input.parse_prefix()?, "");
        Ok(Demand::on("iam:ListGroups", arn).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let prefix = input.parse_prefix()?;
        let mut all = groups::groups(&txn.view(), ctx.account).await?;
        all.retain(|group| group.path.starts_with(&prefix));
        let page = page(all, |group| &group.name, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Groups::from(page)))
    }
}
