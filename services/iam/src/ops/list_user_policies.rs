//! ListUserPolicies: the names of a user's inline policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html>

use super::{find, page::page};
use crate::{IamError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListUserPolicies;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    user_name: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    policy_names: Vec<String>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListUserPolicies {
    const NAME: &'static str = "ListUserPolicies";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:ListUserPolicies", Some(&input.user_name)).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let user = find::user(ctx, &view, &input.user_name).await?;
        let mut names: Vec<String> = table::policies(&view, &user).await?.policies.into_keys().collect();
        names.sort_by_cached_key(|name| (name.to_ascii_lowercase(), name.clone()));
        let page = page(names, |name| name, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Output {
            policy_names: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::result;
    use super::*;

    #[test]
    fn the_answer_has_awss_names() {
        let output = Output {
            policy_names: vec!["p".to_owned()],
            is_truncated: false,
            marker: None,
        };
        assert_eq!(
            result("ListUserPolicies", &output),
            "<PolicyNames><member>p</member></PolicyNames><IsTruncated>false</IsTruncated>"
        );
    }
}
