//! ListKeys.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>

use crate::{
    access,
    error::KmsError,
    ops::shapes::{self, Paging},
    table,
};
use base::{Arn, arn};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// ListKeys.
pub struct ListKeys;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeysInput {
    limit: Option<i64>,
    marker: Option<String>,
}

impl ListKeysInput {
    fn paging(&self) -> Result<Paging, KmsError> {
        Paging::parse(self.limit, self.marker.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeysOutput {
    keys: Vec<KeyListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyListEntry {
    key_id: String,
    key_arn: Arn,
}

impl Evident for ListKeysInput {
    fn evident(&self) -> Params {
        shapes::evident_paging(Params::new(), self.limit, self.marker.as_deref())
    }
}

impl Evident for ListKeysOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListKeys {
    const NAME: &'static str = "ListKeys";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListKeysInput>;
    type Output = Json<ListKeysOutput>;
    type Error = KmsError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.paging()?;
        Ok(Demand::on("kms:ListKeys", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let paging = input.paging()?;
        let shelf = access::shelf(ctx);
        let mut keys = table::keys(&txn.view(), shelf, paging.after.as_deref(), paging.read_max()).await?;
        let next_marker = paging.cut(&mut keys, |key| key.id.as_str());
        let entry = |key: &crate::model::Key| KeyListEntry {
            key_id: key.id.to_string(),
            key_arn: key.arn(),
        };
        Ok(Json(ListKeysOutput {
            keys: keys.iter().map(entry).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        }))
    }
}
