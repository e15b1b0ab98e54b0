//! What a value is compared with: wildcards and networks.

use std::net::IpAddr;

/// A text in which `*` stands for anything and `?` for one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    pattern: String,
    literal: bool,
}

impl Wildcard {
    /// Of the pattern.
    pub fn new(pattern: impl Into<String>) -> Wildcard {
        let pattern = pattern.into();
        Wildcard {
            literal: !pattern.contains(['*', '?']),
            pattern,
        }
    }

    /// Whether the whole text fits. Upper and lower case differ.
    pub fn matches(&self, text: &str) -> bool {
        match self.literal {
            true => self.pattern == text,
            false => glob(self.pattern.as_bytes(), text.as_bytes()),
        }
    }

    /// The text, when it has no wildcard.
    pub fn literal(&self) -> Option<&str> {
        self.literal.then_some(self.pattern.as_str())
    }

    /// The longest part that every text that fits must have, of characters that no writer of JSON escapes. Nothing when it is
    /// too short to help.
    pub(super) fn needle(&self) -> Option<&[u8]> {
        let words = self
            .pattern
            .split(|c: char| !c.is_ascii_alphanumeric() && !"-_.:@".contains(c));
        let longest = words.max_by_key(|word| word.len())?;
        (longest.len() >= 3).then_some(longest.as_bytes())
    }
}

/// `?` is one character: as many bytes as it has.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                back = Some((p + 1, t));
                p += 1;
                continue;
            }
            (Some(b'?'), Some(_)) => {
                (p, t) = (p + 1, next_character(text, t));
                continue;
            }
            (Some(one), Some(other)) if one == other => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        match back {
            Some((after, from)) if from < text.len() => {
                let from = next_character(text, from);
                back = Some((after, from));
                (p, t) = (after, from);
            }
            _ => return false,
        }
    }
}

fn next_character(text: &[u8], at: usize) -> usize {
    let rest = text.get(at + 1..).unwrap_or_default();
    let more = rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
    at + 1 + more
}

/// Where a call came from: a network, or a name as services write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceIp {
    /// All addresses that begin with so many bits of this one.
    Network(IpAddr, u8),
    /// `AWS Internal`, `cloudtrail.amazonaws.com`, with wildcards.
    Name(Wildcard),
}

impl SourceIp {
    /// Reads an address, a network (`10.0.0.0/8`) or a name.
    pub fn parse(text: &str) -> Result<SourceIp, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return match bits {
                Some(_) => Err(format!("`{text}` is no network; one is written as 10.0.0.0/8")),
                None => Ok(SourceIp::Name(Wildcard::new(text))),
            };
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits.map(str::parse::<u8>) {
            None => most,
            Some(Ok(bits)) if bits <= most => bits,
            Some(_) => return Err(format!("`{text}` is no network: it has 0 to {most} bits")),
        };
        Ok(SourceIp::Network(address, bits))
    }

    /// Whether a record's `sourceIPAddress` is meant.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            SourceIp::Name(name) => name.matches(text),
            SourceIp::Network(network, bits) => {
                let there = text.parse::<IpAddr>().map(|address| match network {
                    IpAddr::V4(_) => address.to_canonical(),
                    IpAddr::V6(_) => address,
                });
                match (network, there) {
                    (IpAddr::V4(a), Ok(IpAddr::V4(b))) => {
                        same(a.to_bits().into(), b.to_bits().into(), 32 - u32::from(*bits))
                    }
                    (IpAddr::V6(a), Ok(IpAddr::V6(b))) => same(a.to_bits(), b.to_bits(), 128 - u32::from(*bits)),
                    _ => false,
                }
            }
        }
    }
}

/// Whether two addresses are the same but for their last bits.
fn same(a: u128, b: u128, last: u32) -> bool {
    a.checked_shr(last).unwrap_or(0) == b.checked_shr(last).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(Wildcard::new(pattern).matches(text), expected, "{pattern} {text}");
        };
        check("Get*", "GetObject", true);
        check("Get*", "PutObject", false);
        check("*Object", "GetObject", true);
        check("*Object", "GetObjectAcl", false);
        check("*b*b*", "abcb", true);
        check("?", "証", true);
        check("??", "証", false);
        check("", "", true);
        check("*", "", true);
        check("a", "A", false);
        check("GetObject", "GetObject", true);
        assert_eq!(
            Wildcard::new("a/arn:aws:s3:::my_bucket-1/*").needle(),
            Some(&b"arn:aws:s3:::my_bucket-1"[..])
        );
        assert_eq!(Wildcard::new("*a*").needle(), None);
    }

    #[test]
    fn networks() {
        let check = |network: &str, text: &str, expected: bool| {
            assert_eq!(
                SourceIp::parse(network).unwrap().matches(text),
                expected,
                "{network} {text}"
            );
        };
        check("10.0.0.0/8", "10.200.3.4", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.1.2.3", "10.1.2.3", true);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "1.2.3.4", false);
        check("2001:db8::/32", "2001:db8:1::5", true);
        check("2001:db8::/32", "2001:db9::", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("cloudtrail.*", "cloudtrail.amazonaws.com", true);
        check("10.0.0.0/8", "AWS Internal", false);
        for wrong in ["10.0.0.0/33", "10.0.0.0/x", "x/8", "::/129"] {
            assert!(SourceIp::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_wildcard_is_the_regular_expression_it_looks_like(pattern in "[ab証*?]{0,7}", text in "[ab証]{0,9}") {
            let expression: String = pattern.chars().map(|c| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                c => c.to_string(),
            }).collect();
            let expected = regex_lite::Regex::new(&format!("^(?s:{expression})$")).unwrap().is_match(&text);
            prop_assert_eq!(Wildcard::new(pattern).matches(&text), expected);
        }
    }
}
