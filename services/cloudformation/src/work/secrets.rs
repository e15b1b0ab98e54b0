//! What must not be told: a refusal of another service may quote what it was given.

use crate::{
    model::stack::{Stack, StackRef},
    table::{self, Seal},
};
use base::Fault;
use gateway::World;
use template::parameters;

/// A text with `****` in place of what a stack keeps secret: the values of parameters with `NoEcho`, of every deployment that
/// may be under way, and secret attributes of its resources. Those of one or two characters stay.
pub(crate) async fn hidden(world: &World, at: &StackRef, text: &str) -> Result<String, Fault> {
    let snapshot = world.snapshot();
    let view = snapshot.view();
    let seal = Seal::of(world, &view, at.account).await?;
    let stack = table::by_id(&view, at.account, &at.region, &at.id).await?;
    let mut deployments = Vec::new();
    for number in stack.as_ref().map(numbers).into_iter().flatten() {
        deployments.extend(table::deployment(&view, &seal, at, number).await?);
    }
    let resources = table::resources(&view, &seal, at).await?;
    let given = deployments
        .iter()
        .flat_map(|deployment| deployment.parameters.secrets());
    let made = resources.iter().flat_map(|resource| resource.held.secrets());
    Ok(parameters::hidden(text.to_owned(), given.chain(made)))
}

/// The deployments that there may be, the oldest first.
fn numbers(stack: &Stack) -> impl Iterator<Item = u32> + use<> {
    stack.oldest..=stack.wanted
}
