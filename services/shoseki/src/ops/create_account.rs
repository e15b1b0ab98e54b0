//! CreateAccount: a further account in this server, with a keyring of its own and the access key of its root.
//!
//! The secret is in the answer and nowhere else in clear, and is not shown a second time.

use crate::{ShosekiError, access};
use base::{AccountId, Secret};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn, ports::AccountFacts};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, Serializer};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

/// The longest name of an account.
///
/// SPEC: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>
const NAME_CHARS_MAX: usize = 50;

/// Of 10^12 numbers one is drawn that is not taken; no server has so many accounts that this needs many draws.
const DRAWS_MAX: u32 = 64;

/// The operation.
pub(crate) struct CreateAccount;

/// Its input.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateAccountRequest {
    /// Its number; without one a free one is drawn.
    account: Option<String>,
    /// What people call it.
    #[serde(default)]
    name: String,
}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateAccountResponse {
    account: AccountId,
    name: String,
    created: EpochSeconds,
    access_key_id: String,
    #[serde(serialize_with = "show_once")]
    secret_access_key: Secret<String>,
}

/// The one answer that shows the secret.
fn show_once<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl Evident for CreateAccountRequest {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("account", self.account.as_deref())
            .maybe_text("name", Some(self.name.as_str()).filter(|name| !name.is_empty()))
    }
}

impl Evident for CreateAccountResponse {
    fn evident(&self) -> Params {
        Params::new()
            .text("account", self.account.as_str())
            .text("accessKeyId", &self.access_key_id)
    }
}

impl CreateAccountRequest {
    fn parse_account(&self) -> Result<Option<AccountId>, ShosekiError> {
        let parse = |text: &String| {
            AccountId::parse(text)
                .map_err(|_| ShosekiError::Validation(format!("Account must be twelve digits, and is `{text}`.")))
        };
        self.account.as_ref().map(parse).transpose()
    }

    fn parse_name(&self) -> Result<&str, ShosekiError> {
        let printable = self.name.bytes().all(|b| (b' '..=b'~').contains(&b));
        match printable && self.name.len() <= NAME_CHARS_MAX {
            true => Ok(&self.name),
            false => Err(ShosekiError::Validation(format!(
                "Name must be at most {NAME_CHARS_MAX} printable ASCII characters."
            ))),
        }
    }
}

impl Operation for CreateAccount {
    const NAME: &'static str = "CreateAccount";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<CreateAccountRequest>;
    type Output = Json<CreateAccountResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(access::demands(ctx, "shoseki:CreateAccount"))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let (wanted, name) = (input.parse_account()?, input.parse_name()?);
        for _ in 0..DRAWS_MAX {
            let facts = AccountFacts {
                id: wanted.map_or_else(|| draw(ctx), Ok)?,
                created: ctx.now().floor_second(),
                name: name.to_owned(),
            };
            let identities = &ctx.world().ports()?.identities;
            match (identities.create_account(ctx, txn, &facts).await?, wanted) {
                (Some(key), _) => {
                    return Ok(Json(CreateAccountResponse {
                        account: facts.id,
                        name: facts.name,
                        created: EpochSeconds(facts.created),
                        access_key_id: key.id,
                        secret_access_key: key.secret,
                    }));
                }
                (None, Some(taken)) => return Err(ShosekiError::AccountAlreadyExists(taken)),
                (None, None) => {}
            }
        }
        Err(base::Fault::Bug("no free account number was drawn").into())
    }
}

fn draw(ctx: &Ctx) -> Result<AccountId, ShosekiError> {
    let digits = ctx.random().text(12, b"0123456789");
    AccountId::parse(&digits).map_err(|_| base::Fault::Bug("twelve digits are no account number").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn numbers_and_names_are_checked() {
        let check = |account: Option<&str>, name: &str, expected: Option<&str>| {
            let request = CreateAccountRequest {
                account: account.map(str::to_owned),
                name: name.to_owned(),
            };
            let result = request.parse_account().and_then(|_| request.parse_name().map(drop));
            assert_eq!(
                result.err().map(|e| e.message()).as_deref(),
                expected,
                "{account:?} {name}"
            );
        };
        let long = "x".repeat(51);
        let name = Some("Name must be at most 50 printable ASCII characters.");
        check(None, "", None);
        check(Some("111122223333"), "the auditors", None);
        check(Some("12"), "", Some("Account must be twelve digits, and is `12`."));
        check(None, &long, name);
        check(None, "a\nb", name);
        check(None, "監査", name);
    }
}
