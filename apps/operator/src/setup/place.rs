//! Where a definition is made: its places filled in.

use crate::template::{Part, Text, Tree};
use serde_json::Value;

/// What stands for the places of a definition.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) partition: String,
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) log_group: String,
}

impl Place {
    /// The text with its places filled in.
    pub(crate) fn text(&self, text: &Text) -> String {
        text.written(str::to_owned, |part| match part {
            Part::Account => self.account.clone(),
            Part::Partition => self.partition.clone(),
            Part::Region => self.region.clone(),
            Part::Bucket => self.bucket.clone(),
            Part::LogGroup => self.log_group.clone(),
            Part::Parameter(name) => format!("{{{{{name}}}}}"),
            Part::Literal(text) => text.clone(),
        })
    }

    /// A document as JSON, its members in the order in which people write a policy's.
    pub(crate) fn document(&self, tree: &Tree) -> String {
        tree.json(&|text| crate::template::json_inner(&self.text(text)))
    }

    /// A document as a value.
    pub(crate) fn value(&self, tree: &Tree) -> Value {
        match tree {
            Tree::Text(text) => self.text(text).into(),
            Tree::Bool(value) => (*value).into(),
            Tree::Number(value) => (*value).into(),
            Tree::List(items) => items.iter().map(|item| self.value(item)).collect(),
            Tree::Map(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.value(value)))
                .collect(),
        }
    }

    /// The same place in another Region.
    pub(crate) fn in_region(&self, region: &str) -> Place {
        Place {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// The ARN of the account's trail of this name in this Region.
    pub(crate) fn trail_arn(&self, name: &str) -> String {
        let Place {
            partition,
            region,
            account,
            ..
        } = self;
        format!("arn:{partition}:cloudtrail:{region}:{account}:trail/{name}")
    }
}

/// Whether two policies say the same, where a list of one is the one.
pub(crate) fn same_policy(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).map(plain);
    matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}

fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(plain).collect();
            match items.len() {
                1 => items.remove(0),
                _ => Value::Array(items),
            }
        }
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_the_same_whatever_their_lists_of_one() {
        let check = |one: &str, other: &str, same| assert_eq!(same_policy(one, other), same, "{one} {other}");
        check(
            r#"{"Statement":[{"Action":["a"]}]}"#,
            r#"{"Statement":{"Action":"a"}}"#,
            true,
        );
        check(r#"{"Action":["a","b"]}"#, r#"{"Action":["b","a"]}"#, false);
        check("", "", false);
    }
}
