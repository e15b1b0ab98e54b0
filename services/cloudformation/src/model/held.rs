//! What is known of deployments, resources and outputs: JSON that is sealed wherever it lies, for it may hold secrets.

use crate::{model::stack::Tag, table::Keep, types};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a stack was asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The template as it was given.
    pub template: String,
    /// The parameters as the language keeps them.
    pub parameters: template::Parameters,
    /// The stack's tags.
    pub tags: Vec<Tag>,
    /// `Capabilities` that were given.
    pub capabilities: Vec<String>,
    /// `ResourceTypes` that were given: of no other type is any resource.
    #[serde(default)]
    pub resource_types: Option<Vec<String>>,
    /// The host by which who asked for it reaches this server: what its nested stacks' URLs may name.
    #[serde(default)]
    pub host: String,
    /// What was asked for besides the template, as [`Asked`](crate::ops::begin::Asked) has it: what tells a request that is
    /// repeated from another of the same token.
    #[serde(default)]
    pub request: String,
    /// Topics that are told of every event.
    pub notification_arns: Vec<String>,
}

/// A thing that was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// Its type, such as `AWS::S3::Bucket`.
    pub type_name: String,
    /// Its physical id.
    pub physical_id: String,
    /// The properties that it was made of or last changed to, with the stack's tags.
    pub properties: Value,
    /// The properties as events show them: JSON, without the stack's tags and without secrets.
    pub shown: String,
    /// What `Fn::GetAtt` gives of it.
    pub attributes: BTreeMap<String, Value>,
}

/// What a stack knows of a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// The thing; `None` when it is not made or no more.
    pub thing: Option<Thing>,
    /// What it was before the operation under way changed it, for the way back.
    pub before: Option<Before>,
    /// Things that it was and that are still to be deleted, with whether they are kept instead.
    pub leftovers: Vec<(Thing, bool)>,
}

impl Held {
    /// Whether an attribute of the thing is shown to nobody.
    pub fn is_secret(&self, attribute: &str) -> bool {
        let kind = self.thing.as_ref().and_then(|thing| types::find(&thing.type_name));
        kind.is_some_and(|kind| kind.is_secret(attribute))
    }

    /// The attributes that are shown to nobody, of all that it is and was.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let before = self.before.iter().map(|before| &before.thing);
        let left = self.leftovers.iter().map(|(thing, _)| thing);
        self.thing.iter().chain(before).chain(left).flat_map(|thing| {
            let kind = types::find(&thing.type_name);
            let names = kind.map(|kind| kind.secrets).unwrap_or_default();
            names.iter().filter_map(|name| thing.attributes.get(*name)?.as_str())
        })
    }

    /// There is no way back any more: what was replaced is left to be deleted.
    pub fn let_go(&mut self) {
        if let Some(before) = self.before.take()
            && before.replaced
        {
            self.leftovers.push((before.thing, before.keep_replaced));
        }
    }
}

/// A resource as it was before an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// The thing.
    pub thing: Thing,
    /// Of which deployment it was.
    pub deployment: u32,
    /// What it was made after.
    pub depends_on: Vec<String>,
    /// Whether it was replaced and not changed.
    pub replaced: bool,
    /// Whether it stays when its stack has it no more.
    pub keep: Keep,
    /// Whether it stays when another has taken its place.
    pub keep_replaced: bool,
    /// Of a nested stack, what it was asked to be.
    #[serde(default)]
    pub nested: Option<Box<Deployment>>,
}

/// An output of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// `OutputKey`
    pub key: String,
    /// `OutputValue`
    pub value: String,
    /// `Description`
    pub description: Option<String>,
    /// `ExportName`
    pub export: Option<String>,
}

/// The outputs of a stack.
pub type Outputs = Vec<Output>;

#[cfg(test)]
mod tests {
    use super::*;

    fn held(replaced: bool) -> Held {
        let thing = |id: &str| Thing {
            physical_id: id.to_owned(),
            ..Thing::default()
        };
        Held {
            thing: Some(thing("new")),
            before: Some(Before {
                thing: thing("old"),
                deployment: 1,
                depends_on: Vec::new(),
                replaced,
                keep: Keep::No,
                keep_replaced: true,
                nested: None,
            }),
            leftovers: vec![(thing("older"), false)],
        }
    }

    #[test]
    fn what_was_replaced_is_left_to_be_deleted_and_what_was_changed_is_not() {
        for (replaced, left) in [
            (false, vec![("older", false)]),
            (true, vec![("older", false), ("old", true)]),
        ] {
            let mut held = held(replaced);
            held.let_go();
            let leftovers: Vec<_> = held
                .leftovers
                .iter()
                .map(|(thing, keep)| (thing.physical_id.as_str(), *keep))
                .collect();
            assert_eq!((leftovers, held.before), (left, None));
        }
    }
}
