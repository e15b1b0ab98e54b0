//! RetireGrant: a grant is given back by those it names.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html>

use crate::{
    access,
    conditions::{self, Asking},
    error::KmsError,
    model::{Grant, GrantId, GrantOperation, Key, KeyRef, state::Act},
    ops::shapes::{self, NoOutput},
    table, tokens,
    violations::Violations,
};
use base::{AccountId, Fault, arn};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::{Authorized, Policy, PolicyKind};
use record::{Evident, Params};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use store::ReadView;
use wire::ServiceName;

const RETIRE: &str = "kms:RetireGrant";

/// RetireGrant.
pub struct RetireGrant;

/// The request: a token, or a key and a grant of it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RetireGrantInput {
    grant_token: Option<String>,
    key_id: Option<String>,
    grant_id: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// By what a grant is named.
enum Named<'a> {
    Token(&'a str),
    Place(KeyRef, GrantId),
}

impl RetireGrantInput {
    fn named(&self) -> Result<Named<'_>, KmsError> {
        match (&self.grant_token, &self.key_id, &self.grant_id) {
            (Some(token), None, None) => {
                let mut violations = Violations::new();
                shapes::check_token(&mut violations, "grantToken", token);
                violations.finish()?;
                Ok(Named::Token(token))
            }
            (None, Some(key), Some(grant)) => {
                let key = KeyRef::parse_without_alias("keyId", key)?;
                Ok(Named::Place(key, GrantId::parse(grant)?))
            }
            _ => Err(KmsError::Validation(
                "You must specify either GrantToken, or both KeyId and GrantId.".to_owned(),
            )),
        }
    }

    async fn find(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<(Key, Grant), KmsError> {
        match self.named()? {
            Named::Token(token) => tokens::find(ctx, view, token).await,
            Named::Place(named, id) => {
                let key = access::find(ctx, view, &named).await?;
                let grant = table::grant(view, &key, &id).await?;
                Ok((key, grant.ok_or(KmsError::GrantNotFound { grant: id })?))
            }
        }
    }
}

/// The grant itself says who may retire it, whatever the key policy says: its retiring principal; its grantee, if
/// RetireGrant is among what it allows; and, as accounts, which may hand it on by IAM, the key's owner, the one that made
/// the grant, and a retiring principal that is one.
fn demand(ctx: &Ctx, key: &Key, grant: &Grant) -> Result<Demand, KmsError> {
    let mut accounts = vec![key.account, grant.issuer];
    accounts.extend(grant.retiring.as_deref().and_then(account_of_root));
    let accounts: Vec<String> = accounts
        .into_iter()
        .map(|account| arn::root(account).to_string())
        .collect();
    let statement = json!({ "Effect": "Allow", "Principal": { "AWS": accounts }, "Action": RETIRE, "Resource": "*" });
    let policy = Policy::parse(&json!({ "Statement": [statement] }).to_string(), PolicyKind::KeyPolicy)
        .map_err(|e| Fault::corrupt_by("who may retire a grant", e))?;
    let mut demand = access::bare_key_demand(RETIRE, key, Some(Arc::new(policy)), Asking::of(ctx));
    let retires = grant.operations.contains(&GrantOperation::RetireGrant);
    let grantee = Some(&grant.grantee).filter(|_| retires);
    for principal in grant.retiring.iter().chain(grantee) {
        let given = policy::Grant::new(grant.id.as_str(), principal, [RETIRE]);
        demand.grants.extend(given.map(Arc::new));
    }
    Ok(conditions::with_constraint(demand, grant.constraint.as_ref()))
}

fn account_of_root(principal: &str) -> Option<AccountId> {
    let parts = arn::split(principal)?;
    (parts.service == "iam" && parts.resource == "root").then_some(())?;
    AccountId::parse(parts.account).ok()
}

impl Evident for RetireGrantInput {
    /// A token is not shown: the grant's id stands in `additionalEventData`.
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("keyId", self.key_id.as_deref())
            .maybe_text("grantId", self.grant_id.as_deref())
    }
}

impl Operation for RetireGrant {
    const NAME: &'static str = "RetireGrant";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<RetireGrantInput>;
    type Output = NoOutput;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        match (input.find(ctx, view).await, input.named()?) {
            (Ok((key, grant)), _) => Ok(demand(ctx, &key, &grant)?.into()),
            // Whether another account's key and its grant exist is told to nobody else.
            (Err(absent @ (KmsError::KeyNotFound { .. } | KmsError::GrantNotFound { .. })), Named::Place(named, _)) => {
                Ok(access::demand_absent(ctx, RETIRE, &named, absent)?.into())
            }
            (Err(other), _) => Err(other),
        }
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let (before, grant) = input.find(ctx, &txn.view()).await?;
        before.permit(Act::RetireGrant)?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        ctx.notes().additional = Some(Params::new().text("grantId", grant.id.as_str()));
        take_back(ctx, txn, &before, &grant);
        Ok(NoOutput)
    }
}

/// Removes a grant, by whatever right.
pub(crate) fn take_back(ctx: &Ctx, txn: &mut Txn, before: &Key, grant: &Grant) {
    let mut key = before.clone();
    key.remove_grant(ctx.random());
    table::put_key(txn, &key, Some(before));
    table::delete_grant(txn, &key, grant);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_named_by_token_or_by_place() {
        let check = |body: &str, ok: bool| {
            let input: RetireGrantInput = wire::json::parse(body.as_bytes()).unwrap();
            assert_eq!(input.named().is_ok(), ok, "{body}");
        };
        let key = r#""KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab""#;
        let grant = format!(r#""GrantId":"{}""#, "a".repeat(64));
        check(r#"{"GrantToken":"t"}"#, true);
        check(&format!("{{{key},{grant}}}"), true);
        check("", false);
        check(&format!("{{{key}}}"), false);
        check(&format!("{{{grant}}}"), false);
        check(r#"{"GrantToken":""}"#, false);
        check(&format!(r#"{{"GrantToken":"t",{key},{grant}}}"#), false);
    }

    #[test]
    fn only_a_root_is_an_account() {
        let check = |text: &str, expected: bool| assert_eq!(account_of_root(text).is_some(), expected, "{text}");
        check("arn:aws:iam::111122223333:root", true);
        check("arn:aws:iam::111122223333:user/root", false);
        check("arn:aws:sts::111122223333:assumed-role/root/root", false);
        check("AIDAABCDEFGHIJKLMNOPQ", false);
    }
}
