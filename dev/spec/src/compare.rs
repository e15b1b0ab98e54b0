//! Both deciders on one case.

use crate::{
    case::Case,
    decider::{self, Place, Verdict},
};
use policy::{Decision, Grounds, PolicyType};
use std::fmt;

/// A case that does not come out as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The two deciders differ.
    Disagreement {
        /// What this crate says.
        slow: Verdict,
        /// What the real engine says.
        real: Grounds,
    },
    /// The real parser refuses a generated document.
    Refused(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Disagreement { slow, real } => write!(f, "by the book: {slow:?}\nreal engine: {real:?}"),
            Trouble::Refused(why) => write!(f, "the parser refuses a document: {why}"),
        }
    }
}

/// Asks both.
///
/// # Errors
/// When they differ: in what they decide, in a denying statement that does not deny, in a missing type that is not missing.
pub fn compare(case: &Case) -> Result<Verdict, Trouble> {
    let real_case = case.real().map_err(Trouble::Refused)?;
    let real = policy::decide(&real_case.request(), &real_case.policies());
    let slow = decider::decide(case);
    match agree(&slow, &real) {
        true => Ok(slow),
        false => Err(Trouble::Disagreement {
            slow,
            real: real.grounds().clone(),
        }),
    }
}

fn agree(slow: &Verdict, real: &Decision) -> bool {
    match (slow, real.grounds()) {
        (Verdict::Allowed, _) => real.is_allowed(),
        (Verdict::ExplicitDeny(places), Grounds::ExplicitDeny { policy, nth, index, .. }) => places.contains(&Place {
            policy: *policy,
            nth: *nth,
            index: *index,
        }),
        (Verdict::ImplicitDeny(types), Grounds::NothingAllows { missing }) => {
            // Where an identity or a resource policy would do, either may be named.
            types.contains(missing) || (types.contains(&PolicyType::Identity) && *missing == PolicyType::Resource)
        }
        _ => false,
    }
}
