//! Grant tokens: each names a grant, tells nobody which, and none can be made up.
//!
//! A token is base64 of `version 1 | account (12 digits) | REGION/KEY/GRANT`, the last part sealed under the account's
//! keyring. AWS's tokens let a grant be used before all of KMS knows of it; here it is known at once, and a token need not
//! be given.

use crate::{
    error::KmsError,
    model::{Grant, GrantId, Key, KeyId},
    table::{self, Shelf},
};
use base::AccountId;
use base64::{Engine, engine::general_purpose::STANDARD};
use gateway::Ctx;
use store::ReadView;

const VERSION: u8 = 1;
const ACCOUNT_CHARS: usize = 12;
const IDENTITY: &[u8] = b"kms/grant-token";

/// A new token for a grant. No two are equal.
pub async fn issue(ctx: &Ctx, view: &ReadView<'_>, key: &Key, grant: &GrantId) -> Result<String, KmsError> {
    let keyring = ctx.world().keyrings.of(view, key.account).await?;
    let place = format!("{}/{}/{grant}", key.region, key.id);
    let mut token = vec![VERSION];
    token.extend_from_slice(key.account.as_str().as_bytes());
    token.extend_from_slice(&keyring.seal(IDENTITY, place.as_bytes(), ctx.random()));
    Ok(STANDARD.encode(token))
}

/// The grant that a token names, in the Region of the call, with its key.
pub async fn find(ctx: &Ctx, view: &ReadView<'_>, token: &str) -> Result<(Key, Grant), KmsError> {
    let invalid = || KmsError::InvalidGrantToken;
    let bytes = STANDARD.decode(token).map_err(|_| invalid())?;
    let (account, sealed) = split(&bytes).ok_or_else(invalid)?;
    let keyrings = &ctx.world().keyrings;
    if !keyrings.exists(view, account).await? {
        return Err(invalid());
    }
    let keyring = keyrings.of(view, account).await?;
    let place = keyring.open(IDENTITY, sealed).map_err(|_| invalid())?;
    let place = String::from_utf8(place).map_err(|_| invalid())?;
    let (region, key, grant) = parse_place(&place).ok_or_else(invalid)?;
    if region != ctx.region.as_str() {
        return Err(invalid());
    }
    let shelf = Shelf {
        account,
        region: &ctx.region,
    };
    let key = table::key(view, shelf, &key).await?.ok_or_else(invalid)?;
    let grant = table::grant(view, &key, &grant).await?.ok_or_else(invalid)?;
    Ok((key, grant))
}

fn split(token: &[u8]) -> Option<(AccountId, &[u8])> {
    let (version, rest) = token.split_first()?;
    let (account, sealed) = rest.split_at_checked(ACCOUNT_CHARS)?;
    let account = AccountId::parse(std::str::from_utf8(account).ok()?).ok()?;
    (*version == VERSION).then_some((account, sealed))
}

fn parse_place(place: &str) -> Option<(&str, KeyId, GrantId)> {
    let mut parts = place.split('/');
    let (region, key, grant) = (parts.next()?, parts.next()?, parts.next()?);
    Some((region, KeyId::parse(key)?, GrantId::parse(grant).ok()?))
}
