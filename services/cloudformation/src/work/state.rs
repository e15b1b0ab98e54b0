//! What a phase works on, read once: the resources as they are, and the deployment as it is wanted.

use super::run::Run;
use crate::{
    model::{
        held::Deployment,
        stack::{Stack, Tag},
    },
    table::{self, Resource, Seal},
    types,
};
use base::Fault;
use serde_json::Value;
use std::collections::BTreeMap;
use template::{Known, Parameters, Pseudo, Scope, Template, TemplateError, Unknown};

/// The resources of a stack, and the exports that its template uses.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) exports: BTreeMap<String, String>,
}

/// A deployment, read and ready to be evaluated.
pub(crate) struct Wanted {
    pub(crate) number: u32,
    pub(crate) tags: Vec<Tag>,
    template: Template,
    parameters: Parameters,
    pseudo: Pseudo,
}

impl State {
    /// Reads the resources.
    pub(super) async fn of(run: &Run) -> Result<State, Fault> {
        let snapshot = run.world.snapshot();
        let seal = Seal::of(&run.world, &snapshot.view(), run.at.account).await?;
        let resources = table::resources(&snapshot.view(), &seal, &run.at).await?;
        let named = |resource: Resource| (resource.row.logical_id.clone(), resource);
        Ok(State {
            resources: resources.into_iter().map(named).collect(),
            exports: BTreeMap::new(),
        })
    }

    pub(super) fn put(&mut self, resource: Resource) {
        self.resources.insert(resource.row.logical_id.clone(), resource);
    }
}

impl Known for State {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        let thing = self.resources.get(logical_id)?.held.thing.as_ref()?;
        Some(Value::from(thing.physical_id.as_str()))
    }

    fn attribute(&self, logical_id: &str, name: &str) -> Result<Value, Unknown> {
        let thing = self
            .resources
            .get(logical_id)
            .and_then(|resource| resource.held.thing.as_ref());
        let thing = thing.ok_or(Unknown::NotYet)?;
        thing.attributes.get(name).cloned().ok_or(Unknown::NoSuchAttribute)
    }

    fn export(&self, name: &str) -> Option<String> {
        self.exports.get(name).cloned()
    }

    fn is_secret(&self, logical_id: &str, name: &str) -> bool {
        let resource = self.resources.get(logical_id);
        resource.is_some_and(|resource| resource.held.is_secret(name))
    }
}

impl Wanted {
    /// Reads a deployment of a stack. A template that this server does not take any more is refused as it would be now.
    pub(super) async fn of(run: &Run, stack: &Stack, number: u32) -> Result<Result<Wanted, TemplateError>, Fault> {
        let snapshot = run.world.snapshot();
        let seal = Seal::of(&run.world, &snapshot.view(), run.at.account).await?;
        let deployment = table::deployment(&snapshot.view(), &seal, &run.at, number).await?;
        let deployment = deployment.ok_or_else(|| Fault::corrupt("a stack has not the deployment that it names"))?;
        Ok(Wanted::read(stack, number, deployment))
    }

    /// The same of a deployment at hand.
    pub(crate) fn read(stack: &Stack, number: u32, deployment: Deployment) -> Result<Wanted, TemplateError> {
        let pseudo = pseudo(stack, &deployment);
        let template = Template::parse(&deployment.template)?;
        let template = template.expanded(&deployment.parameters, &pseudo)?;
        Ok(Wanted {
            number,
            tags: deployment.tags,
            template,
            parameters: deployment.parameters,
            pseudo,
        })
    }

    /// What can be evaluated of it.
    pub(crate) fn scope(&self) -> Result<Scope<'_>, TemplateError> {
        Scope::new(&self.template, &self.parameters, &self.pseudo)
    }

    /// The template's description.
    pub(crate) fn description(&self) -> Option<&str> {
        self.template.description.as_deref()
    }

    /// The tags that the stack gives a resource of a type.
    pub(super) fn tags_of(&self, kind: &types::ResourceType, logical_id: &str) -> Vec<(String, String)> {
        let own = self.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
        let system = [
            ("aws:cloudformation:logical-id", logical_id),
            ("aws:cloudformation:stack-id", self.pseudo.stack_id.as_str()),
            ("aws:cloudformation:stack-name", self.pseudo.stack_name.as_str()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let takes_system = kind.tags.is_some_and(|tags| tags.system);
        own.chain(system.into_iter().filter(|_| takes_system)).collect()
    }
}

/// The pseudo parameters of a stack.
pub(crate) fn pseudo(stack: &Stack, deployment: &Deployment) -> Pseudo {
    Pseudo {
        account_id: stack.at.account.to_string(),
        region: stack.at.region.to_string(),
        stack_name: stack.at.name.clone(),
        stack_id: stack.at.arn().to_string(),
        notification_arns: deployment.notification_arns.clone(),
    }
}

/// `Metadata` of a declared resource as JSON, its functions not evaluated; `None` when it has none.
pub(crate) fn metadata(stack: &Stack, deployment: Deployment, logical_id: &str) -> Option<String> {
    let wanted = Wanted::read(stack, 0, deployment).ok()?;
    let declared = wanted
        .template
        .resources
        .iter()
        .find(|declared| declared.logical_id == logical_id)?;
    declared.metadata.as_ref().map(Value::to_string)
}
