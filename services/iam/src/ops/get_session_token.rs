//! STS GetSessionToken: temporary credentials of the caller, with the caller's rights but for most of IAM and STS. Needs no
//! permission.
//!
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>

use super::credentials::Credentials;
use crate::{
    IamError,
    model::{
        assumption,
        session::{SessionFacts, SessionOwner, StoredSession},
        tags::Tags,
        user::Owner,
    },
    table::{sessions, users},
};
use base::Fault;
use gateway::{Caller, Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, SignedCaller, Staged, Txn};
use policy::{Authorized, Exemption, Principal};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetSessionToken;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    duration_seconds: Option<i64>,
    serial_number: Option<String>,
    token_code: Option<String>,
    minimum_session_token_size: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("serialNumber", self.serial_number.as_deref())
            .maybe_number("durationSeconds", self.duration_seconds)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    credentials: Credentials,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().object("credentials", self.credentials.evident())
    }
}

impl Input {
    fn refuse_unknown(&self) -> Result<(), IamError> {
        if self.serial_number.is_some() || self.token_code.is_some() {
            return Err(IamError::NotImplemented(
                "Multi-factor authentication (SerialNumber, TokenCode)",
            ));
        }
        match self.minimum_session_token_size {
            None | Some(0) => Ok(()),
            Some(_) => Err(IamError::NotImplemented("MinimumSessionTokenSize")),
        }
    }
}

/// The caller, who must have signed with a long-term key.
fn long_term(ctx: &Ctx) -> Result<&SignedCaller, IamError> {
    match &ctx.caller {
        Caller::Signed(caller) if caller.session.is_none() => Ok(caller),
        _ => Err(IamError::AccessDenied(
            "Cannot call GetSessionToken with session credentials",
        )),
    }
}

async fn owner_of(view: &ReadView<'_>, caller: &SignedCaller) -> Result<Owner, IamError> {
    match &caller.principal {
        Principal::Root { .. } => Ok(Owner::Root),
        Principal::User { id, .. } => match users::by_id(view, id).await? {
            Some(user) => Ok(Owner::user(&user)),
            // A user with keys cannot be deleted.
            None => Err(IamError::Fault(Fault::corrupt(format!(
                "the user {id} has keys and is missing"
            )))),
        },
        _ => Err(IamError::Fault(Fault::Bug(
            "a long-term key is neither root's nor a user's",
        ))),
    }
}

impl Operation for GetSessionToken {
    const NAME: &'static str = "GetSessionToken";
    const SERVICE: ServiceName = ServiceName::Sts;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        input.refuse_unknown()?;
        long_term(ctx)?;
        Ok(Demands::Exempt(Exemption::NeedsNoPermission))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let owner = owner_of(&view, long_term(ctx)?).await?;
        let duration = assumption::parse_token_seconds(input.duration_seconds, owner == Owner::Root)?;
        let facts = SessionFacts {
            issued: ctx.now().floor_second(),
            expires: ctx.world().clock.real_now().floor_second().plus(duration),
            mfa: false,
            source_identity: None,
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            policies: None,
            chained: false,
        };
        let keyring = ctx.world().keyrings.of(&view, ctx.account).await?;
        let owner = SessionOwner::Caller(owner);
        let (session, secrets) = StoredSession::generate(&keyring, ctx.account, owner, facts, ctx.random());
        sessions::put_session(txn, &session);
        Ok(QueryResult(Output {
            credentials: Credentials::of(&session, secrets),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;
    use wire::AwsError;

    #[test]
    fn the_form_is_read_and_factors_are_refused_by_name() {
        let input: Input = read("Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900");
        assert_eq!(shown(&input), r#"{"durationSeconds":900}"#);
        input.refuse_unknown().unwrap();
        for form in [
            "SerialNumber=GAHT12345678",
            "TokenCode=123456",
            "MinimumSessionTokenSize=1",
        ] {
            let input: Input = read(form);
            assert_eq!(input.refuse_unknown().unwrap_err().code(), "NotImplemented", "{form}");
        }
    }
}
