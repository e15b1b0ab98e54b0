//! STS GetAccessKeyInfo: the account of an access key, whoever's it is.
//!
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>

use crate::{
    IamError,
    model::{access_key::AccessKey, name},
    table::{self, sessions},
};
use base::{AccountId, arn};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::{ReadView, Stored};
use wire::ServiceName;

const ID_CHARS_MIN: usize = 16;
const ID_CHARS_MAX: usize = 128;

/// The operation.
pub(super) struct GetAccessKeyInfo;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    access_key_id: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().text("accessKeyId", &self.access_key_id)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    account: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Input {
    fn parse_id(&self) -> Result<&str, IamError> {
        let id = self.access_key_id.as_str();
        name::length("accessKeyId", id, ID_CHARS_MIN, ID_CHARS_MAX)?;
        match id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            true => Ok(id),
            false => {
                let constraint = r"Member must satisfy regular expression pattern: [\w]*";
                Err(IamError::constraint("accessKeyId", id, constraint))
            }
        }
    }
}

async fn account_of(view: &ReadView<'_>, id: &str) -> Result<Option<AccountId>, IamError> {
    if let Some(row) = table::access_key_row(view, id).await? {
        return Ok(Some(AccessKey::decode(&row)?.account));
    }
    let session = sessions::session(view, id).await?;
    Ok(session.map(|session| session.account))
}

impl Operation for GetAccessKeyInfo {
    const NAME: &'static str = "GetAccessKeyInfo";
    const SERVICE: ServiceName = ServiceName::Sts;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        input.parse_id()?;
        Ok(Demand::on("sts:GetAccessKeyInfo", arn::any()).into())
    }

    async fn run(
        _: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let account = account_of(&txn.view(), input.parse_id()?).await?;
        let account = account.ok_or(IamError::InvalidClientTokenId)?;
        Ok(QueryResult(Output {
            account: account.as_str().to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::read;
    use super::*;
    use wire::AwsError;

    #[test]
    fn ids_have_a_shape() {
        let message = |id: &str| {
            let input: Input = read(&format!("AccessKeyId={id}"));
            input.parse_id().map(str::to_owned).map_err(|error| error.message())
        };
        assert_eq!(message("AKIAIOSFODNN7EXAMPLE").as_deref(), Ok("AKIAIOSFODNN7EXAMPLE"));
        for (id, constraint) in [
            ("AKIA", "Member must have length greater than or equal to 16"),
            (
                "AKIAIOSFODNN7-EXAMPLE",
                r"Member must satisfy regular expression pattern: [\w]*",
            ),
        ] {
            assert_eq!(
                message(id),
                Err(format!(
                    "1 validation error detected: Value '{id}' at 'accessKeyId' failed to satisfy constraint: {constraint}"
                ))
            );
        }
    }
}
