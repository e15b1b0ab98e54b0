//! What an update would do: the resources that it adds, changes and removes, found before any of it is done.

use crate::{
    CloudFormationError,
    model::{
        change_set::{Action, ResourceChange},
        changes::{
            Attribute, Causes, Change, ChangeSource, ChangeType, Detail, Evaluation, KNOWN_AFTER_APPLY, Recreation,
            Replacement, Side, change, policy_name,
        },
        held::Deployment,
        stack::Stack,
    },
    table::Resource,
    types,
    work::Wanted,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use template::{DeletionPolicy, EvaluateError, Known, Reference, Scope, Unknown};

/// What there is when something is foreseen.
pub(super) struct Now<'a> {
    /// The stack.
    pub(super) stack: &'a Stack,
    /// What it is; `None` of one that is only reviewed.
    pub(super) deployment: Option<&'a Deployment>,
    /// Its resources, by logical id.
    pub(super) resources: &'a BTreeMap<String, Resource>,
    /// The exports that the new template uses.
    pub(super) exports: &'a BTreeMap<String, String>,
}

/// What is known of resources before the update: those that are new or made anew have values that it will tell.
struct Foreseen<'a> {
    now: &'a Now<'a>,
    unknown: BTreeSet<String>,
}

impl Known for Foreseen<'_> {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        Some(match self.thing(logical_id) {
            Some(resource) => Value::from(resource.physical_id.as_str()),
            None => Value::from(KNOWN_AFTER_APPLY),
        })
    }

    fn attribute(&self, logical_id: &str, name: &str) -> Result<Value, Unknown> {
        match self.thing(logical_id) {
            None => Ok(Value::from(KNOWN_AFTER_APPLY)),
            Some(thing) => match thing.attributes.get(name) {
                Some(value) => Ok(value.clone()),
                None if name.starts_with("Outputs.") => Ok(Value::from(KNOWN_AFTER_APPLY)),
                None => Err(Unknown::NoSuchAttribute),
            },
        }
    }

    fn export(&self, name: &str) -> Option<String> {
        self.now.exports.get(name).cloned()
    }

    fn is_secret(&self, logical_id: &str, name: &str) -> bool {
        let resource = self.now.resources.get(logical_id);
        resource.is_some_and(|resource| resource.held.is_secret(name))
    }
}

impl Foreseen<'_> {
    fn thing(&self, logical_id: &str) -> Option<&crate::model::held::Thing> {
        match self.unknown.contains(logical_id) {
            true => None,
            false => self.now.resources.get(logical_id)?.held.thing.as_ref(),
        }
    }

    /// The value, in which what functions make of what is not known yet is not known either.
    fn value(&self, scope: &Scope<'_>, value: &Value, is_shown: bool) -> Result<Value, CloudFormationError> {
        let evaluated = match is_shown {
            true => scope.evaluate_shown(value, self),
            false => scope.evaluate(value, self),
        };
        match evaluated {
            Ok(value) => Ok(value),
            Err(EvaluateError::NotYet(_)) => Ok(Value::from(KNOWN_AFTER_APPLY)),
            Err(EvaluateError::Refused(_)) if self.rests_on_unknown(scope, value) => Ok(Value::from(KNOWN_AFTER_APPLY)),
            Err(EvaluateError::Refused(refused)) => Err(refused.into()),
        }
    }

    fn rests_on_unknown(&self, scope: &Scope<'_>, value: &Value) -> bool {
        scope.references(value).iter().any(|reference| match reference {
            Reference::Resource(id) | Reference::Attribute(id, _) => self.thing(id).is_none(),
            Reference::Parameter(_) | Reference::Import(_) => false,
        })
    }

    fn properties(&self, scope: &Scope<'_>, properties: &Value, is_shown: bool) -> Result<Value, CloudFormationError> {
        let mut evaluated = Map::new();
        for (name, value) in properties.as_object().into_iter().flatten() {
            let value = self.value(scope, value, is_shown)?;
            if !value.is_null() {
                evaluated.insert(name.clone(), value);
            }
        }
        Ok(Value::Object(evaluated))
    }

    /// `BeforeContext` or `AfterContext`.
    fn context(&self, scope: &Scope<'_>, resource: &template::Resource) -> Result<Value, CloudFormationError> {
        let mut context = json!({"Properties": self.properties(scope, &resource.properties, true)?});
        if let (Some(metadata), Value::Object(members)) = (&resource.metadata, &mut context) {
            members.insert("Metadata".to_owned(), self.value(scope, metadata, true)?);
        }
        Ok(context)
    }
}

/// The names of the exports that a deployment uses.
pub(super) fn imports(stack: &Stack, next: &Deployment) -> Result<Vec<String>, CloudFormationError> {
    let wanted = Wanted::read(stack, stack.wanted + 1, next.clone())?;
    Ok(wanted.scope()?.exports_imported()?)
}

/// What the deployment would do to the stack's resources, by logical id.
pub(super) fn changes(now: &Now<'_>, next: &Deployment) -> Result<Vec<ResourceChange>, CloudFormationError> {
    let wanted = Wanted::read(now.stack, now.stack.wanted + 1, next.clone())?;
    let scope = wanted.scope()?;
    let previous = match now.deployment {
        Some(deployment) => Some(Wanted::read(now.stack, now.stack.wanted, deployment.clone())?),
        None => None,
    };
    let previous_scope = previous.as_ref().map(Wanted::scope).transpose()?;
    let mut foreseeing = Foreseeing {
        now,
        next,
        scope: &scope,
        previous: previous_scope.as_ref(),
        causes: Causes {
            parameters: changed_parameters(now.deployment, next),
            ..Causes::default()
        },
        known: Foreseen {
            now,
            unknown: BTreeSet::new(),
        },
        found: Vec::new(),
    };
    for node in scope.resources() {
        foreseeing.resource(node.resource)?;
    }
    foreseeing.removed()?;
    let mut found = foreseeing.found;
    found.sort_by(|one, other| one.logical_id.cmp(&other.logical_id));
    Ok(found)
}

fn changed_parameters(previous: Option<&Deployment>, next: &Deployment) -> BTreeSet<String> {
    let Some(previous) = previous else {
        return BTreeSet::new();
    };
    next.parameters
        .iter()
        .filter(|parameter| {
            let before = previous.parameters.named(&parameter.name);
            before.is_some_and(|before| before.text != parameter.text)
        })
        .map(|parameter| parameter.name.clone())
        .collect()
}

struct Foreseeing<'a> {
    now: &'a Now<'a>,
    next: &'a Deployment,
    scope: &'a Scope<'a>,
    previous: Option<&'a Scope<'a>>,
    causes: Causes,
    known: Foreseen<'a>,
    found: Vec<ResourceChange>,
}

impl Foreseeing<'_> {
    /// What would be done for a resource of the new template.
    fn resource(&mut self, resource: &template::Resource) -> Result<(), CloudFormationError> {
        let id = &resource.logical_id;
        let there = self.now.resources.get(id).and_then(|found| found.held.thing.as_ref());
        let Some(thing) = there else {
            self.known.unknown.insert(id.clone());
            let after = self.known.context(self.scope, resource)?;
            self.found.push(ResourceChange {
                action: Action::Add,
                logical_id: id.clone(),
                physical_id: None,
                type_name: resource.type_name.clone(),
                policy_action: None,
                change: None,
                before: None,
                after: Some(after.to_string()),
            });
            return Ok(());
        };
        let Some((change, before, after)) = self.change(resource)? else {
            return Ok(());
        };
        if change.replacement == Replacement::True {
            self.known.unknown.insert(id.clone());
        }
        self.causes.add(id, change.replacement);
        let policy_action = match (change.replacement, resource.update_replace_policy) {
            (Replacement::True, Some(DeletionPolicy::Retain | DeletionPolicy::RetainExceptOnCreate)) => {
                Some("ReplaceAndRetain")
            }
            (Replacement::True, _) => Some("ReplaceAndDelete"),
            (Replacement::Conditional | Replacement::False, _) => None,
        };
        self.found.push(ResourceChange {
            action: Action::Modify,
            logical_id: id.clone(),
            physical_id: Some(thing.physical_id.clone()),
            type_name: resource.type_name.clone(),
            policy_action: policy_action.map(str::to_owned),
            change: Some(change),
            before: Some(before.to_string()),
            after: Some(after.to_string()),
        });
        Ok(())
    }

    /// What of a resource that is there would change, with its contexts before and after.
    fn change(&self, resource: &template::Resource) -> Result<Option<(Change, Value, Value)>, CloudFormationError> {
        let declared = |scope: &&Scope<'_>| {
            let nodes = scope.resources();
            let found = nodes
                .iter()
                .find(|node| node.resource.logical_id == resource.logical_id);
            found.map(|node| node.resource.clone())
        };
        let old = self.previous.and_then(|scope| declared(&scope).map(|old| (scope, old)));
        let (Some(kind), Some((scope, old))) = (types::find(&resource.type_name), old) else {
            return Ok(None);
        };
        let present = Foreseen {
            now: self.now,
            unknown: BTreeSet::new(),
        };
        let before = present.properties(scope, &old.properties, false)?;
        let after = self.known.properties(self.scope, &resource.properties, false)?;
        let old_tags = tags(self.now.deployment);
        let new_tags = tags(Some(self.next));
        let sides = (
            Side {
                resource: &old,
                properties: &before,
                stack_tags: &old_tags,
            },
            Side {
                resource,
                properties: &after,
                stack_tags: &new_tags,
            },
        );
        let found = change(kind, sides.0, sides.1, &self.causes);
        let is_nested = resource.type_name == types::cloudformation::STACK.name;
        let Some(mut found) = found.or_else(|| is_nested.then(of_nested)) else {
            return Ok(None);
        };
        let before = present.context(scope, &old)?;
        let after = self.known.context(self.scope, resource)?;
        for detail in &mut found.details {
            show(detail, &before, &after);
        }
        Ok(Some((found, before, after)))
    }

    /// What the new template has no more.
    fn removed(&mut self) -> Result<(), CloudFormationError> {
        let nodes = self.scope.resources();
        let kept: BTreeSet<&str> = nodes.iter().map(|node| node.resource.logical_id.as_str()).collect();
        for (id, resource) in self.now.resources {
            let Some(thing) = resource.held.thing.as_ref().filter(|_| !kept.contains(id.as_str())) else {
                continue;
            };
            let nodes = self.previous.map(|scope| scope.resources()).unwrap_or_default();
            let old = nodes.iter().find(|node| node.resource.logical_id == *id);
            let policy = old.and_then(|node| node.resource.deletion_policy).unwrap_or_default();
            let policy = match policy {
                DeletionPolicy::RetainExceptOnCreate => DeletionPolicy::Retain,
                other => other,
            };
            let before = match (self.previous, old) {
                (Some(scope), Some(node)) => Some(self.known.context(scope, node.resource)?),
                _ => None,
            };
            self.found.push(ResourceChange {
                action: Action::Remove,
                logical_id: id.clone(),
                physical_id: Some(thing.physical_id.clone()),
                type_name: thing.type_name.clone(),
                policy_action: Some(policy_name(policy).to_owned()),
                change: None,
                before: before.map(|before| before.to_string()),
                after: None,
            });
        }
        Ok(())
    }
}

fn tags(deployment: Option<&Deployment>) -> Vec<(String, String)> {
    let tags = deployment
        .map(|deployment| deployment.tags.as_slice())
        .unwrap_or_default();
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// A nested stack's own template may have changed.
fn of_nested() -> Change {
    Change {
        replacement: Replacement::False,
        scope: vec![Attribute::Properties],
        details: vec![Detail {
            attribute: Attribute::Properties,
            name: None,
            recreation: Recreation::Never,
            evaluation: Evaluation::Dynamic,
            source: ChangeSource::Automatic,
            causing_entity: None,
            change_type: ChangeType::Modify,
            before: None,
            after: None,
        }],
    }
}

/// Puts the values that may be shown in place of those that were compared.
fn show(detail: &mut Detail, before: &Value, after: &Value) {
    // The other parts have no values that are evaluated.
    let Some(name) = &detail.name else {
        return;
    };
    let of = |context: &Value| {
        context
            .get("Properties")
            .and_then(|properties| properties.get(name))
            .cloned()
    };
    detail.before = of(before);
    detail.after = of(after);
}
