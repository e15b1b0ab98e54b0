//! The resource types: what each is called, which properties it has here, and how it is made, changed, deleted and read.
//!
//! One file per type. [`ALL`] lists them; the guide's tables are made of it.

mod capability;
mod cdk_metadata;
pub mod cloudformation;
mod cloudtrail;
mod iam;
mod kms;
mod logs;
mod made;
mod s3;
pub mod schema;
mod sns;
pub mod values;

pub use capability::{Capability, capability};

use crate::api::{Api, HandlerError};
use gateway::Boxed;
use serde_json::Value;
use std::collections::BTreeMap;

/// A resource type.
pub struct ResourceType {
    /// Such as `AWS::S3::Bucket`.
    pub name: &'static str,
    /// The properties that it has here.
    pub properties: &'static [Property],
    /// The properties that it has at AWS and not here: refused by name. One of a member is named by its way, lists left out:
    /// `LifecycleConfiguration.Rules.Transitions`.
    pub unsupported: &'static [&'static str],
    /// What `Fn::GetAtt` gives of it.
    pub attributes: &'static [&'static str],
    /// Those of them that are shown to nobody but where a template puts them into an output.
    pub secrets: &'static [&'static str],
    /// The property that holds tags, to which the stack's tags and `aws:cloudformation:*` are added by the engine's caller;
    /// `None` for a type without tags.
    pub tags: Option<Tags>,
    /// How it is made.
    pub handler: &'static dyn Handler,
}

/// How a type has its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tags {
    /// The property.
    pub property: &'static str,
    /// Whether AWS's service takes tags of CloudFormation's own (`aws:cloudformation:stack-name` and so on).
    pub system: bool,
}

/// A property.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// Whether a change of it takes a new resource.
    pub create_only: bool,
    /// Whether it cannot be read back, so that drift does not compare it.
    pub write_only: bool,
}

/// What a property holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text; a number or truth value given is taken for its text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A whole number; its text is taken too.
    Integer,
    /// `true` or `false`; their texts are taken too.
    Boolean,
    /// Any JSON, such as a policy document.
    Json,
    /// A list.
    List(&'static Kind),
    /// A list in which order means nothing.
    Set(&'static Kind),
    /// An object of these members.
    Object(&'static [Property]),
    /// An object of texts with any names.
    Map,
}

impl ResourceType {
    /// Whether an attribute is one of its [`ResourceType::secrets`].
    pub fn is_secret(&self, attribute: &str) -> bool {
        self.secrets.contains(&attribute)
    }
}

impl Property {
    /// A property that may be left out and changed.
    pub const fn new(name: &'static str, kind: Kind) -> Property {
        Property {
            name,
            kind,
            required: false,
            create_only: false,
            write_only: false,
        }
    }

    /// The same, which must be given.
    pub const fn required(mut self) -> Property {
        self.required = true;
        self
    }

    /// The same, of which a change takes a new resource.
    pub const fn create_only(mut self) -> Property {
        self.create_only = true;
        self
    }

    /// The same, which cannot be read back.
    pub const fn write_only(mut self) -> Property {
        self.write_only = true;
        self
    }
}

/// What a handler is asked to make a resource of.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The stack's name.
    pub stack_name: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// The resource's logical id.
    pub logical_id: String,
    /// The properties, evaluated, checked and of the kinds that the type declares; the stack's tags among them.
    pub properties: Value,
    /// A name that nothing has, for a resource whose name is not given: `STACK-LOGICALID-12LETTERS`.
    pub generated_name: String,
}

/// A resource that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its physical id, which `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: BTreeMap<String, Value>,
}

/// A resource that is there, as the stack knows it.
#[derive(Clone, Debug)]
pub struct Existing {
    /// Its physical id.
    pub physical_id: String,
    /// The properties that it was made of or last changed to.
    pub properties: Value,
    /// What `Fn::GetAtt` gives of it.
    pub attributes: BTreeMap<String, Value>,
}

/// How a type's resources are made. Each method is done in one transaction, which is undone when it fails.
pub trait Handler: Send + Sync {
    /// Makes the resource. [`HandlerErrorCode::AlreadyExists`](crate::api::HandlerErrorCode) when its name is taken.
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>>;

    /// Changes it in place; what is create-only is the same in both. May answer another physical id, and then the old one is
    /// deleted in the cleanup.
    fn update<'a>(
        &'a self,
        api: &'a mut Api,
        existing: &'a Existing,
        desired: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>>;

    /// Deletes it. [`HandlerErrorCode::NotFound`](crate::api::HandlerErrorCode) counts as done.
    fn delete<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<(), HandlerError>>;

    /// Its properties as they are now, those that cannot be read left out; what is at its default may be left out or told.
    fn read<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>>;
}

/// Every type, by name.
pub static ALL: &[&ResourceType] = &[
    &cdk_metadata::METADATA,
    &cloudformation::STACK,
    &cloudformation::WAIT_CONDITION_HANDLE,
    &cloudtrail::CHANNEL,
    &cloudtrail::TRAIL,
    &iam::ACCESS_KEY,
    &iam::GROUP,
    &iam::MANAGED_POLICY,
    &iam::POLICY,
    &iam::ROLE,
    &iam::USER,
    &kms::ALIAS,
    &kms::KEY,
    &kms::REPLICA_KEY,
    &logs::LOG_GROUP,
    &logs::LOG_STREAM,
    &s3::BUCKET,
    &s3::BUCKET_POLICY,
    &sns::SUBSCRIPTION,
    &sns::TOPIC,
    &sns::TOPIC_POLICY,
];

/// The type of this name.
pub fn find(name: &str) -> Option<&'static ResourceType> {
    ALL.iter().copied().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every way to a property, members by their way, lists left out.
    fn ways(properties: &[Property], above: &str, found: &mut BTreeSet<String>) {
        for property in properties {
            let way = match above {
                "" => property.name.to_owned(),
                above => format!("{above}.{}", property.name),
            };
            assert!(found.insert(way.clone()), "{way} is there twice");
            let mut kind = &property.kind;
            while let Kind::List(of) | Kind::Set(of) = kind {
                kind = of;
            }
            if let Kind::Object(members) = kind {
                ways(members, &way, found);
            }
        }
    }

    #[test]
    fn every_type_is_declared_whole() {
        let mut names = BTreeSet::new();
        for kind in ALL {
            let name = kind.name;
            assert!(names.insert(name), "{name} is there twice");
            let mut known = BTreeSet::new();
            ways(kind.properties, "", &mut known);
            for unsupported in kind.unsupported {
                assert!(!known.contains(*unsupported), "{name} has {unsupported}");
                if let Some((above, _)) = unsupported.rsplit_once('.') {
                    assert!(known.contains(above), "{name}: {unsupported} is refused with {above}");
                }
            }
            for secret in kind.secrets {
                assert!(kind.attributes.contains(secret), "{name} has no {secret}");
            }
            if let Some(tags) = kind.tags {
                assert!(
                    known.contains(tags.property),
                    "{name} has tags and no {}",
                    tags.property
                );
            }
        }
    }
}
