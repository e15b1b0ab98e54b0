//! CreateAccessKey: an access key whose secret is shown this once.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>

use super::{find, shapes::MaybeUser};
use crate::{
    IamError,
    error::Quota,
    model::access_key::{ACCESS_KEYS_PER_USER_MAX, AccessKey},
    table,
};
use base::Secret;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Serialize, Serializer};
use store::ReadView;
use wire::{Iso8601, ServiceName};

/// The operation.
pub(super) struct CreateAccessKey;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    access_key: NewAccessKey,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewAccessKey {
    user_name: Option<String>,
    access_key_id: String,
    status: &'static str,
    #[serde(serialize_with = "show_once")]
    secret_access_key: Secret<String>,
    create_date: Iso8601,
}

/// The one answer that shows a secret.
fn show_once<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl Output {
    fn of(key: &AccessKey, secret: Secret<String>) -> Output {
        Output {
            access_key: NewAccessKey {
                user_name: key.owner.user_name().map(str::to_owned),
                access_key_id: key.id.clone(),
                status: key.status(),
                secret_access_key: secret,
                create_date: Iso8601(key.created),
            },
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        let key = Params::new()
            .maybe_text("userName", self.access_key.user_name.as_deref())
            .text("accessKeyId", &self.access_key.access_key_id)
            .text("status", self.access_key.status)
            .moment("createDate", self.access_key.create_date.0);
        Params::new().object("accessKey", key)
    }
}

impl Operation for CreateAccessKey {
    const NAME: &'static str = "CreateAccessKey";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<MaybeUser>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:CreateAccessKey", input.user_name.as_deref()).await
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
        if keys.len() >= ACCESS_KEYS_PER_USER_MAX {
            return Err(IamError::LimitExceeded(Quota::AccessKeysPerUser));
        }
        let keyring = ctx.world().keyrings.of(&view, ctx.account).await?;
        let (key, secret) = AccessKey::generate(&keyring, ctx.account, owner, ctx.random(), ctx.now());
        table::add_access_key(txn, &key).await?;
        Ok(QueryResult(Output::of(&key, secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{bob, result, shown};
    use super::*;
    use crate::model::user::Owner;
    use base::{AccountId, Random, Timestamp};
    use envelope::Keyring;

    #[test]
    fn the_answer_shows_the_secret_and_the_record_does_not() {
        let random = Random::seeded(1);
        let keyring = Keyring::generate(&random);
        let owner = Owner::user(&bob());
        let (key, secret) = AccessKey::generate(&keyring, AccountId::FIRST, owner, &random, Timestamp::EPOCH);
        let (id, text) = (key.id.clone(), secret.expose().clone());
        let output = Output::of(&key, secret);
        assert_eq!(
            result("CreateAccessKey", &output),
            format!(
                "<AccessKey><UserName>Bob</UserName><AccessKeyId>{id}</AccessKeyId><Status>Active</Status><SecretAccessKey>{text}</SecretAccessKey><CreateDate>1970-01-01T00:00:00Z</CreateDate></AccessKey>"
            )
        );
        assert_eq!(
            shown(&output),
            format!(
                r#"{{"accessKey":{{"userName":"Bob","accessKeyId":"{id}","status":"Active","createDate":"Jan 1, 1970, 12:00:00 AM"}}}}"#
            )
        );
    }
}
