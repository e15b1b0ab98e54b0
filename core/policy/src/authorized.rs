//! The proof that a decision was made.

use crate::{Check, Denial, decide};
use std::{fmt, ops::Deref, sync::Arc};

/// An operation's input that was authorised.
///
/// Only [`authorize`] and [`authorize_exempt`] make one; it can be read but not taken apart, changed or copied, so that it
/// proves what it was made for and nothing else. The input is shared, so that a call that conflicted can be authorised
/// again without a copy.
pub struct Authorized<T>(Arc<T>);

impl<T> Authorized<T> {
    /// The input.
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Authorized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorized").field(&self.0).finish()
    }
}

/// The input given back, with the reason.
#[derive(Debug)]
pub struct Refusal<T> {
    /// What was to be authorised.
    pub input: Arc<T>,
    /// Which check failed; 0 when there was none.
    pub check: usize,
    /// Why.
    pub denial: Denial,
}

/// Authorises the input when every check allows. The first that does not refuses; an empty list refuses too, for an
/// operation that needs nothing says so by [`Exemption`].
pub fn authorize<T>(input: Arc<T>, checks: &[Check<'_>]) -> Result<Authorized<T>, Refusal<T>> {
    if checks.is_empty() {
        let denial = Denial::NOTHING_DEMANDED;
        return Err(Refusal {
            input,
            check: 0,
            denial,
        });
    }
    for (check, each) in checks.iter().enumerate() {
        if let Some(denial) = decide(&each.request, &each.policies).denial() {
            return Err(Refusal { input, check, denial });
        }
    }
    Ok(Authorized(input))
}

/// Why an operation is authorised without any policy. A closed list: each entry is AWS's own exemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// The operation itself needs nothing: each item it names is a call of its own, decided and recorded as such
    /// (`s3:DeleteObject` for each key of DeleteObjects).
    ///
    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>
    DecidedPerItem,
    /// Who calls without a signature has the token that was sent to the endpoint, or the link that its messages carry:
    /// ConfirmSubscription and Unsubscribe of SNS.
    ///
    /// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html>,
    /// <https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html>
    HoldsToken,
    /// `sts:GetCallerIdentity` cannot be denied.
    ///
    /// SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    NeedsNoPermission,
}

/// Authorises the input of an operation that AWS exempts.
pub fn authorize_exempt<T>(input: Arc<T>, exemption: Exemption) -> Authorized<T> {
    match exemption {
        Exemption::DecidedPerItem | Exemption::HoldsToken | Exemption::NeedsNoPermission => Authorized(input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Policies, Principal, Request, ResourceKind};
    use base::AccountId;

    #[test]
    fn all_checks_must_allow_and_there_must_be_one() {
        let root = Principal::Root {
            account: AccountId::FIRST,
        };
        let context = Context::of(&root);
        let check = |kind| Check {
            request: Request {
                principal: &root,
                action: "kms:Decrypt",
                resource: "*",
                owner: None,
                kind,
                context: &context,
            },
            policies: Policies::default(),
        };
        let (yes, no) = (check(ResourceKind::Other), check(ResourceKind::KmsKey));
        assert_eq!(*authorize(Arc::new(7), &[yes, yes]).unwrap(), 7);
        let refusal = authorize(Arc::new(7), &[yes, no]).unwrap_err();
        assert_eq!((*refusal.input, refusal.check), (7, 1));
        let refusal = authorize(Arc::new(7), &[]).unwrap_err();
        assert_eq!(refusal.denial.because("kms:Decrypt"), "because nothing was demanded");
        assert_eq!(*authorize_exempt(Arc::new(7), Exemption::NeedsNoPermission), 7);
    }
}
