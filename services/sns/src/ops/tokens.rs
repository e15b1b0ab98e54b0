//! The tokens of confirmations. A token is known to its endpoint alone: stored are its hash and, until it is sent, a message
//! that is sealed.

use crate::{
    SnsError,
    model::{Subscription, Topic, subscription::TOKEN_TIME},
    table::{self, TokenRow},
};
use aws_lc_rs::digest::{SHA256, digest};
use gateway::{Ctx, Txn};
use store::ReadView;

/// A token that is none, is over, or is another topic's.
pub(super) fn invalid() -> SnsError {
    SnsError::invalid("Token")
}

/// A token is its topic's: of one that is made again under the same name it opens nothing.
fn sha256(topic: &Topic, token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &[&topic.id, token.as_bytes()].concat()).as_ref());
    out
}

/// Makes a token of a subscription. Of one that has `ended` it brings back what was there.
pub(super) fn make(
    ctx: &Ctx,
    txn: &mut Txn,
    topic: &Topic,
    subscription: &Subscription,
    ended: Option<&Subscription>,
) -> String {
    let secret: [u8; 104] = ctx.random().bytes();
    let token = hex::encode(secret);
    let row = TokenRow {
        id: subscription.at.id.clone(),
        // Whoever follows the link confirms anew.
        ended: ended.map(|ended| Subscription {
            confirmed: None,
            ..ended.clone()
        }),
        expires: ctx.now().plus(TOKEN_TIME),
    };
    table::put_token(txn, &topic.at, sha256(topic, &token), &row);
    token
}

/// Finds what a token confirms.
pub(super) async fn find(
    ctx: &Ctx,
    view: &ReadView<'_>,
    topic: &Topic,
    token: &str,
) -> Result<([u8; 32], TokenRow), SnsError> {
    let sha256 = sha256(topic, token);
    let row = table::token(view, &topic.at, &sha256).await?;
    let row = row.filter(|row| ctx.now() < row.expires).ok_or_else(invalid)?;
    Ok((sha256, row))
}
