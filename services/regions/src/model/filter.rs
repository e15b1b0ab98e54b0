//! EC2's filters: names with values, in which `*` and `?` stand for any characters and any one.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>

use super::region::KnownRegion;
use crate::Ec2Error;

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Endpoint,
    OptInStatus,
    RegionName,
}

/// One filter; any of its values may match.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    field: Field,
    values: Vec<String>,
}

impl Filter {
    pub(crate) fn parse(name: &str, values: &[String]) -> Result<Filter, Ec2Error> {
        let field = match name {
            "endpoint" => Field::Endpoint,
            "opt-in-status" => Field::OptInStatus,
            "region-name" => Field::RegionName,
            _ => return Err(Ec2Error::invalid_filter(name)),
        };
        let values = values.to_vec();
        Ok(Filter { field, values })
    }

    pub(crate) fn matches(&self, region: &KnownRegion) -> bool {
        let endpoint = region.endpoint();
        let text = match self.field {
            Field::Endpoint => endpoint.as_str(),
            Field::OptInStatus => region.status.as_str(),
            Field::RegionName => region.name.as_str(),
        };
        self.values.iter().any(|pattern| like(pattern, text))
    }
}

/// Whether the text is of the pattern. Goes back to the last `*` only, so it takes no more than the product of the two
/// lengths.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&b) if b == b'?' || Some(&b) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("us-*", "us-east-1", true),
            ("*-1", "us-east-1", true),
            ("us-????-1", "us-east-1", true),
            ("us-???-1", "us-east-1", false),
            ("us-east", "us-east-1", false),
            ("US-east-1", "us-east-1", false),
            ("", "us-east-1", false),
            ("*", "", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// The obvious and slow way.
    fn like_slowly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                like_slowly(rest, text) || text.split_first().is_some_and(|(_, text)| like_slowly(pattern, text))
            }
            ([b'?', pattern @ ..], [_, text @ ..]) => like_slowly(pattern, text),
            ([a, pattern @ ..], [b, text @ ..]) => a == b && like_slowly(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_agrees_with_the_slow_one(pattern in "[ab*?]{0,7}", text in "[ab]{0,7}") {
            prop_assert_eq!(like(&pattern, &text), like_slowly(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
