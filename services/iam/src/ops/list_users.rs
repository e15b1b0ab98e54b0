//! ListUsers: the account's users by name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>

use super::{
    page::page,
    shapes::{PathListing, UserShape},
};
use crate::{IamError, table};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListUsers;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    users: Vec<UserShape>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListUsers {
    const NAME: &'static str = "ListUsers";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<PathListing>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let arn = arn::user(ctx.account, &input.parse_prefix()?, "");
        Ok(Demand::on("iam:ListUsers", arn).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let prefix = input.parse_prefix()?;
        let mut users = table::users(&txn.view(), ctx.account).await?;
        users.retain(|user| user.path.starts_with(&prefix));
        let page = page(users, |user| &user.name, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Output {
            users: page.items.iter().map(UserShape::listed).collect(),
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{bob, read, result};
    use super::*;

    #[test]
    fn the_form_and_the_answer_are_awss() {
        let input: PathListing = read("Action=ListUsers&Version=2010-05-08&PathPrefix=%2Fa");
        assert_eq!(input.parse_prefix().unwrap(), "/a");
        let output = Output {
            users: vec![UserShape::listed(&bob())],
            is_truncated: true,
            marker: Some("Bob".to_owned()),
        };
        let text = result("ListUsers", &output);
        assert!(
            text.starts_with("<Users><member><Path>/a/</Path><UserName>Bob</UserName>"),
            "{text}"
        );
        assert!(
            text.ends_with("</member></Users><IsTruncated>true</IsTruncated><Marker>Bob</Marker>"),
            "{text}"
        );
    }
}
