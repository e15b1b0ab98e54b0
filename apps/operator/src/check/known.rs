//! Three-valued answers: yes, no, or the calls that would have told. What is not known never makes a yes.

use crate::{
    message::Message,
    survey::{Fact, Missing},
};

/// An answer about a resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    Yes,
    /// Why not.
    No(Vec<Message>),
    Unknown(Vec<Missing>),
}

impl Known {
    pub(super) fn of(is_so: bool, why_not: impl FnOnce() -> Message) -> Known {
        if is_so { Known::Yes } else { Known::No(vec![why_not()]) }
    }

    /// Of a fact, by what it says when it is known.
    pub(super) fn by<T>(fact: &Fact<T>, judge: impl FnOnce(&T) -> Known) -> Known {
        match fact {
            Fact::Known(known) => judge(known),
            Fact::NotAvailable(missing) => Known::Unknown(vec![missing.clone()]),
        }
    }

    /// Whether all are so: no as soon as one is not, unknown as long as one may not be.
    pub(super) fn all(parts: impl IntoIterator<Item = Known>) -> Known {
        let (mut whys, mut unknown) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Known::Yes => {}
                Known::No(more) => whys.extend(more),
                Known::Unknown(more) => unknown.extend(more),
            }
        }
        match (whys.is_empty(), unknown.is_empty()) {
            (false, _) => Known::No(whys),
            (true, false) => Known::Unknown(unknown),
            (true, true) => Known::Yes,
        }
    }
}

/// A fact that is a yes or a no, and what follows when both have to be so.
pub(super) fn both(one: Fact<bool>, other: Fact<bool>) -> Fact<bool> {
    match (one, other) {
        (Fact::Known(false), _) | (_, Fact::Known(false)) => Fact::Known(false),
        (Fact::Known(true), other) => other,
        (one, _) => one,
    }
}

/// The opposite.
pub(super) fn not(fact: Fact<bool>) -> Fact<bool> {
    fact.map(|is_so| !is_so)
}

/// Sentences about missing calls: one for each call and reason, however many Regions it is missing in.
pub(super) fn sentences(missing: &[Missing]) -> Vec<Message> {
    let mut groups: Vec<(&Missing, Vec<&str>)> = Vec::new();
    for one in missing {
        match groups
            .iter_mut()
            .find(|(first, _)| first.call == one.call && first.code == one.code)
        {
            Some((_, regions)) if regions.contains(&one.region.as_str()) => {}
            Some((_, regions)) => regions.push(&one.region),
            None => groups.push((one, vec![&one.region])),
        }
    }
    let said = |(first, regions): (&Missing, Vec<&str>)| match regions.len() {
        0 | 1 => first.said(),
        count => {
            let first = Missing {
                region: String::new(),
                ..first.clone()
            };
            let said = first.said();
            let (en, ja) = (
                said.to_string(),
                said.in_language(crate::message::Language::Japanese).to_owned(),
            );
            Message::new(
                format!("{en}, in {count} Regions"),
                format!("{ja} ({count} リージョン)"),
            )
        }
    };
    groups.into_iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_neither() {
        let no = || Known::No(vec![Message::plain("no")]);
        let unknown = || Known::Unknown(vec![Missing::not_asked("s3:GetBucketAcl")]);
        assert_eq!(Known::all([Known::Yes, Known::Yes]), Known::Yes);
        assert_eq!(Known::all([Known::Yes, unknown()]), unknown());
        assert_eq!(Known::all([unknown(), no(), Known::Yes]), no());
        let missing = || Fact::NotAvailable(Missing::not_asked("s3:GetBucketAcl"));
        assert_eq!(both(missing(), Fact::Known(false)), Fact::Known(false));
        assert_eq!(both(missing(), Fact::Known(true)), missing());
        assert_eq!(both(Fact::Known(true), Fact::Known(true)), Fact::Known(true));
    }

    #[test]
    fn a_call_is_named_once_for_all_regions() {
        let missing = |region: &str| Missing {
            call: "config:DescribeConfigurationRecorders".to_owned(),
            region: region.to_owned(),
            code: "UnknownOperationException".to_owned(),
            message: String::new(),
        };
        let said = sentences(&[missing("a"), missing("b"), missing("b")]);
        assert_eq!(
            said.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["config:DescribeConfigurationRecorders is not there (UnknownOperationException), in 2 Regions"]
        );
    }
}
