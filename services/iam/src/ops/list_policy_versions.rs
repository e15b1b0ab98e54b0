//! ListPolicyVersions: the versions of a managed policy, newest first.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html>

use super::{
    managed::{self, ManagedListing, VersionShape},
    page::page,
};
use crate::{IamError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListPolicyVersions;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    versions: Vec<VersionShape>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The number of a version's id.
fn number(id: &str) -> u32 {
    id.strip_prefix('v').and_then(|n| n.parse().ok()).unwrap_or(0)
}

impl Operation for ListPolicyVersions {
    const NAME: &'static str = "ListPolicyVersions";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<ManagedListing>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        managed::demands(ctx, view, "iam:ListPolicyVersions", &input.policy_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let arn = managed::parse_arn(&input.policy_arn)?;
        let found = table::managed::existing(&txn.view(), ctx.account, &arn).await?;
        let mut versions = VersionShape::all(&found);
        // The order is by number and not by name, so what comes behind the marker is told here.
        if let Some(marker) = input.marker.as_deref() {
            versions.retain(|version| number(&version.version_id) < number(marker));
        }
        let page = page(versions, |version| &version.version_id, input.max_items, None)?;
        Ok(QueryResult(Output {
            versions: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}
