//! ListAccessKeys: a user's keys, or the caller's, without their secrets.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>

use super::{
    find,
    page::page,
    shapes::{AccessKeyMetadata, Listing},
};
use crate::{IamError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListAccessKeys;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    access_key_metadata: Vec<AccessKeyMetadata>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListAccessKeys {
    const NAME: &'static str = "ListAccessKeys";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Listing>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:ListAccessKeys", input.user_name.as_deref()).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let owner = find::subject(ctx, &view, input.user_name.as_deref()).await?.owner();
        let keys = table::access_keys(&view, ctx.account, &owner).await?;
        let page = page(keys, |key| &key.id, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Output {
            access_key_metadata: page.items.iter().map(AccessKeyMetadata::from).collect(),
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}
