//! GetAccessKeyLastUsed: when, where and for what an access key signed last.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>

use super::{find, tagging};
use crate::{
    IamError,
    error::Entity,
    model::access_key::AccessKey,
    table::{self, LastUsed, sessions, users},
};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::{ReadView, Stored};
use wire::{Iso8601, ServiceName};

/// The operation.
pub(super) struct GetAccessKeyLastUsed;

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
    user_name: Option<String>,
    access_key_last_used: Use,
}

/// `N/A` where there is nothing to tell.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Use {
    last_used_date: Option<Iso8601>,
    service_name: String,
    region: String,
}

impl From<Option<LastUsed>> for Use {
    fn from(used: Option<LastUsed>) -> Use {
        let nothing = || "N/A".to_owned();
        match used {
            Some(used) => Use {
                last_used_date: Some(Iso8601(used.at.floor_second())),
                service_name: used.service,
                region: used.region,
            },
            None => Use {
                last_used_date: None,
                service_name: nothing(),
                region: nothing(),
            },
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The account's key of an id. A key of another account is nobody's.
async fn key(ctx: &Ctx, view: &ReadView<'_>, id: &str) -> Result<Option<AccessKey>, IamError> {
    find::parse_access_key_id(id)?;
    let row = table::access_key_row(view, id).await?;
    let key = row.map(|row| AccessKey::decode(&row)).transpose()?;
    Ok(key.filter(|key| key.account == ctx.account))
}

impl Operation for GetAccessKeyLastUsed {
    const NAME: &'static str = "GetAccessKeyLastUsed";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let action = "iam:GetAccessKeyLastUsed";
        let owner = key(ctx, view, &input.access_key_id).await?.map(|key| key.owner);
        let user = match &owner {
            Some(owner) => users::by_id(view, owner.id()).await?,
            None => None,
        };
        Ok(match (user, owner) {
            (Some(user), _) => tagging::of_resource(Demand::on(action, user.arn()), &user.tags).into(),
            (None, Some(_)) => Demand::on(action, arn::root(ctx.account)).into(),
            (None, None) => Demand::on(action, arn::any()).into(),
        })
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let (id, view) = (&input.access_key_id, txn.view());
        let key = key(ctx, &view, id).await?;
        let key = key.ok_or_else(|| IamError::NoSuchEntity(Entity::AccessKey(id.clone())))?;
        Ok(QueryResult(Output {
            user_name: key.owner.user_name().map(str::to_owned),
            access_key_last_used: Use::from(sessions::last_used(&view, id).await?),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::result;
    use super::*;
    use base::Timestamp;

    #[test]
    fn a_use_is_shown_with_awss_names() {
        let used = LastUsed {
            at: Timestamp::from_secs(1_570_057_949),
            service: "s3".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        assert_eq!(
            result("GetAccessKeyLastUsed", &Use::from(Some(used))),
            "<LastUsedDate>2019-10-02T23:12:29Z</LastUsedDate><ServiceName>s3</ServiceName><Region>eu-west-1</Region>"
        );
        assert_eq!(
            result("GetAccessKeyLastUsed", &Use::from(None)),
            "<ServiceName>N/A</ServiceName><Region>N/A</Region>"
        );
    }
}
