//! Forms of the query protocols: `Action`, `Version`, and structures and lists spelled out in dotted names.
//!
//! `Tags.member.1.Key` (query) and `Filter.1.Value.2` (EC2) are read alike: a field that is a list takes either. `Name=`
//! is the empty text, and as a list the empty list. Names that the input does not have are ignored.

use crate::{
    Head, WireFault,
    head::escapes_are_whole,
    tree::{Lists, Node, Value},
};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

/// The longest form that is read.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The most dotted segments of a name.
const DEPTH_MAX: usize = 16;

/// The most pairs of a form.
const PAIRS_MAX: usize = 10_000;

/// The pairs of a form, decoded, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body.
    pub fn parse(body: &[u8]) -> Result<Form, WireFault> {
        if body.len() > BODY_BYTES_MAX {
            return Err(WireFault::TooLarge {
                bytes_max: BODY_BYTES_MAX,
            });
        }
        let body = std::str::from_utf8(body).map_err(|_| WireFault::Malformed("not UTF-8"))?;
        let pairs = body
            .trim_end_matches(['\r', '\n'])
            .split('&')
            .filter(|pair| !pair.is_empty());
        if pairs.clone().count() > PAIRS_MAX {
            return Err(WireFault::Malformed("too many parameters"));
        }
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(Form {
            pairs: pairs.collect::<Result<_, WireFault>>()?,
        })
    }

    /// A form of these pairs, which a service of ours made.
    pub fn of(pairs: Vec<(String, String)>) -> Form {
        Form { pairs }
    }

    /// The form of a GET, in its query.
    pub fn from_query(head: &Head) -> Result<Form, WireFault> {
        Form::parse(head.query.as_bytes())
    }

    /// The pairs in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The first value of a name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `Action`.
    pub fn action(&self) -> Option<&str> {
        self.value("Action")
    }

    /// `Version`.
    pub fn version(&self) -> Option<&str> {
        self.value("Version")
    }

    fn tree(&self) -> Result<Node, WireFault> {
        let mut root = Node::default();
        for (name, value) in &self.pairs {
            let mut place = &mut root;
            for (depth, segment) in name.split('.').enumerate() {
                if depth >= DEPTH_MAX {
                    return Err(WireFault::Malformed("a name has too many parts"));
                }
                let below = place.children.entry(segment.to_owned()).or_default();
                if below.is_empty() {
                    below.push(Node::default());
                }
                let Some(first) = below.first_mut() else {
                    return Err(WireFault::Malformed("a name has no place"));
                };
                place = first;
            }
            if place.text.replace(value.clone()).is_some() {
                return Err(WireFault::Malformed("a parameter is repeated"));
            }
        }
        Ok(root)
    }
}

fn decode(text: &str) -> Result<String, WireFault> {
    let malformed = WireFault::Malformed("a parameter does not decode");
    if !escapes_are_whole(text) {
        return Err(malformed);
    }
    match percent_decode_str(&text.replace('+', " ")).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(malformed),
    }
}

/// Reads an operation's input out of a form.
pub fn parse<T: DeserializeOwned>(form: &Form) -> Result<T, WireFault> {
    T::deserialize(Value::root(form.tree()?, Lists::Numbered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorReply, ServiceName};
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Input {
        user_name: Option<String>,
        max_items: Option<u32>,
        dry_run: Option<bool>,
        tags: Vec<Tag>,
        #[serde(rename = "RegionName")]
        region_names: Vec<String>,
        #[serde(rename = "Filter")]
        filters: Vec<Filter>,
        nested: Option<Nested>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tag {
        key: String,
        value: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Filter {
        name: String,
        #[serde(rename = "Value")]
        values: Vec<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Nested {
        arn: String,
    }

    fn read(form: &str) -> Result<Input, WireFault> {
        parse(&Form::parse(form.as_bytes())?)
    }

    #[test]
    fn structures_and_lists_are_read() {
        let check = |form: &str, expected| assert_eq!(read(form), Ok(expected), "{form}");
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        check("", Input::default());
        check("Action=X&Version=1&Other.1.2=x&Tags=", Input::default());
        check(
            "UserName=a+b%2Bc&MaxItems=7&DryRun=true&Nested.Arn=x",
            Input {
                user_name: Some("a b+c".to_owned()),
                max_items: Some(7),
                dry_run: Some(true),
                nested: Some(Nested { arn: "x".to_owned() }),
                ..Input::default()
            },
        );
        check(
            "Tags.member.1.Key=k&Tags.member.1.Value=",
            Input {
                tags: vec![Tag {
                    key: "k".to_owned(),
                    value: String::new(),
                }],
                ..Input::default()
            },
        );
        check(
            "RegionName.2=b&RegionName.10=c&RegionName.1=a&Filter.1.Name=n&Filter.1.Value.1=v&Filter.1.Value.2=w",
            Input {
                region_names: texts(&["a", "b", "c"]),
                filters: vec![Filter {
                    name: "n".to_owned(),
                    values: texts(&["v", "w"]),
                }],
                ..Input::default()
            },
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let check = |form: &str, code: &str| {
            let fault = read(form).unwrap_err();
            assert_eq!(
                ErrorReply::of_wire(&fault, ServiceName::Iam).code,
                code,
                "{form}: {fault}"
            );
        };
        let deep = format!("A{}=x", ".a".repeat(5_000));
        for malformed in [
            "UserName=%",
            "UserName=%zz",
            "UserName=%ff",
            "UserName=a&UserName=b",
            "UserName.x=a",
            "MaxItems=x",
            "MaxItems=-1",
            "DryRun=maybe",
            "Tags=x",
            "Tags.member=x",
            "Tags.x.Key=a",
            "RegionName.1=a&RegionName.01=b",
            "Nested=x",
            "Nested=x&Nested.Arn=y",
            deep.as_str(),
        ] {
            check(malformed, "MalformedInput");
        }
        check("Tags.member.1.Key=k", "ValidationError");
        let fault = read("Tags.member.1.Key=k").unwrap_err();
        let code = |service| ErrorReply::of_wire(&fault, service);
        assert_eq!(
            code(ServiceName::Iam).message,
            "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(code(ServiceName::Ec2).code, "MissingParameter");
        assert!(matches!(
            Form::parse(&vec![b'a'; BODY_BYTES_MAX + 1]),
            Err(WireFault::TooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in any::<Vec<u8>>(), text in "[&=.%+0-9a-zTagsmemberKeyFilter]{0,80}") {
            let _ = Form::parse(&body).and_then(|form| parse::<Input>(&form));
            let _ = read(&text);
        }

        #[test]
        fn what_is_encoded_comes_back(tags in proptest::collection::vec(any::<(String, String)>(), 1..12)) {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (n, (key, value)) in tags.iter().enumerate().rev() {
                form.append_pair(&format!("Tags.member.{}.Key", n + 1), key);
                form.append_pair(&format!("Tags.member.{}.Value", n + 1), value);
            }
            let read = read(&form.finish()).unwrap().tags;
            let read: Vec<_> = read.into_iter().map(|t| (t.key, t.value)).collect();
            prop_assert_eq!(read, tags);
        }
    }
}
