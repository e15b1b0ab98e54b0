//! One step: what is done for one resource in one transaction, with its row and the stack's events.
//!
//! A step that is refused is abandoned, which leaves nothing of it but the records of its calls; that it failed is written in
//! a transaction of its own. A nested stack takes two transactions: it is asked for in the first and looked at in the second,
//! when it has come to something.

use super::{
    events::Happened,
    run::{ATTEMPTS_MAX, Run},
};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    model::{
        held::{Before, Held, Thing},
        stack::{Phase, ResourceStatus},
    },
    table::{self, Keep, Resource, ResourceRow},
    types::{self, Desired, Existing, Made, cloudformation::stack as nested},
};
use base::Fault;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use wire::ServiceName;

/// A refusal that may pass is met so often before it counts.
const TRANSIENT_MAX: u32 = 5;

/// Reasons that AWS gives.
const INITIATED: &str = "Resource creation Initiated";
const CREATE_CANCELLED: &str = "Resource creation cancelled";
const UPDATE_CANCELLED: &str = "Resource update cancelled";
const CUSTOM_NAMED: &str = "CloudFormation cannot update a stack when a custom-named resource requires replacing.";
const REPLACES: &str = "Requested update requires the creation of a new physical resource; hence creating one.";

/// What is told of our own faults; the log has more.
const OUR_FAULT: &str = "The server failed by a fault of its own, which its log tells.";

/// What is done.
pub(super) enum Change {
    /// It is made; in place of what it was, if it was something.
    Create(Box<Desired>),
    /// It is changed in place.
    Modify(Box<Desired>),
    /// It was asked for before, and comes to something.
    Await,
    /// It is changed back to what it was before the operation.
    Restore(Box<Before>),
    /// It failed to change and is what it was: so it is told.
    Keep,
    /// It is deleted, with what is left of it.
    Remove {
        /// Whether the thing itself stays.
        keep: bool,
        /// Whether only what is left of it goes.
        leftovers_only: bool,
        /// Whether its row goes with it.
        forget: bool,
    },
}

/// A step.
pub(super) struct Step {
    /// The resource: its row as it is to be, its things as they are.
    pub(super) resource: Resource,
    /// The properties as events show them.
    pub(super) shown: Option<String>,
    /// What is done.
    pub(super) change: Change,
    /// The resource as the stack knows it: what it still is when the step fails before it has begun.
    pub(super) original: Option<Box<Resource>>,
    /// Whether it has been told that it begins.
    pub(super) begun: bool,
}

/// How a step went.
pub(super) enum Outcome {
    /// It is done.
    Done(Box<Resource>),
    /// It failed, for the reason that the resource tells.
    Failed(Box<Resource>),
    /// Another operation has taken the stack over, or the server stops: nothing was done.
    Given,
}

/// Why an attempt is not to be committed.
enum Refused {
    Fault(Fault),
    Handler(HandlerError),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused::Fault(fault)
    }
}

impl From<HandlerError> for Refused {
    fn from(error: HandlerError) -> Refused {
        Refused::Handler(error)
    }
}

/// What one transaction of a step came to.
enum Attempted {
    Committed(Box<Resource>),
    Refused(HandlerError),
    Cancelled,
    Given,
}

impl Step {
    /// Does it.
    pub(super) async fn perform(mut self, run: Arc<Run>) -> Result<Outcome, Fault> {
        if matches!(self.change, Change::Remove { .. })
            && let Some(outcome) = self.remove_leftovers(&run).await?
        {
            return Ok(outcome);
        }
        if !matches!(self.change, Change::Await) {
            if !self.nested_is_at_rest(&run).await? {
                return Ok(Outcome::Given);
            }
            match self.ask(&run).await? {
                Attempted::Committed(resource) => {
                    self.resource = *resource;
                    self.begun = true;
                }
                Attempted::Refused(error) => {
                    let reason = match self.name_in_the_way(&error) {
                        Some(name) => format!("{CUSTOM_NAMED} Rename {name} and update the stack again."),
                        None => reason(&error, &run),
                    };
                    self.was_not_replaced();
                    return self.fail(&run, &reason).await;
                }
                Attempted::Cancelled => {
                    let reason = match self.status().1 {
                        ResourceStatus::UpdateFailed => UPDATE_CANCELLED,
                        _ => CREATE_CANCELLED,
                    };
                    self.was_not_replaced();
                    return self.fail(&run, reason).await;
                }
                Attempted::Given => return Ok(Outcome::Given),
            }
        }
        match self.is_awaited() {
            true => self.come_to_something(&run).await,
            false => Ok(Outcome::Done(Box::new(self.resource))),
        }
    }

    /// Deletes what is left of it, each thing in a transaction of its own. What cannot be deleted is left to the account if
    /// the stack goes on, and else fails the step. `None` says that the thing itself is to be deleted now.
    async fn remove_leftovers(&mut self, run: &Arc<Run>) -> Result<Option<Outcome>, Fault> {
        let mut all = true;
        while self.leftover().is_some() {
            match self.ask(run).await? {
                Attempted::Committed(resource) => self.resource = *resource,
                Attempted::Refused(error) => {
                    let reason = reason(&error, run);
                    if !self.write_failure(run, &reason).await? {
                        return Ok(Some(Outcome::Given));
                    }
                    if !self.leaves_behind() {
                        return Ok(Some(Outcome::Failed(Box::new(self.resource.clone()))));
                    }
                    all = false;
                }
                Attempted::Cancelled | Attempted::Given => return Ok(Some(Outcome::Given)),
            }
        }
        let Change::Remove {
            leftovers_only: true, ..
        } = self.change
        else {
            return Ok(None);
        };
        let resource = Box::new(self.resource.clone());
        Ok(Some(match all {
            true => Outcome::Done(resource),
            false => Outcome::Failed(resource),
        }))
    }

    /// The next of the things that are left of what is removed.
    fn leftover(&self) -> Option<&Thing> {
        match self.change {
            Change::Remove { .. } => self.resource.held.leftovers.first().map(|(left, _)| left),
            _ => None,
        }
    }

    /// Whether the stack goes on without what cannot be deleted: it belongs to the stack no more.
    fn leaves_behind(&self) -> bool {
        matches!(
            self.change,
            Change::Remove {
                leftovers_only: true,
                ..
            } | Change::Remove { forget: true, .. }
        )
    }

    /// What was to take the thing's place was not made: it is what it was, and is not to be deleted for it.
    fn was_not_replaced(&mut self) {
        let held = &mut self.resource.held;
        let (Change::Create(_), Some(thing), Some(before)) = (&self.change, &held.thing, &mut held.before) else {
            return;
        };
        match held.leftovers.last() {
            // It had itself taken the place of another before.
            Some((left, _)) if left == thing => drop(held.leftovers.pop()),
            _ => before.replaced = false,
        }
    }

    /// The name that the template gives both to what is to be replaced and to what takes its place, when that was refused for it.
    fn name_in_the_way(&self, error: &HandlerError) -> Option<&str> {
        let (Change::Create(desired), Some(before)) = (&self.change, &self.resource.held.before) else {
            return None;
        };
        let name = before.thing.physical_id.rsplit(['/', ':']).next()?;
        let given = desired.properties.as_object()?.values();
        let is_given = given.into_iter().any(|value| value.as_str() == Some(name));
        (is_given && error.code == HandlerErrorCode::AlreadyExists).then_some(name)
    }

    /// Whether what was asked for takes its time.
    fn is_awaited(&self) -> bool {
        let asked = matches!(
            self.resource.row.status,
            ResourceStatus::CreateInProgress | ResourceStatus::UpdateInProgress | ResourceStatus::DeleteInProgress
        );
        asked && self.resource.row.type_name == nested::NAME
    }

    /// Waits until nothing is being done with a nested stack that is to be changed. `false` says that this is not to be done
    /// any more.
    async fn nested_is_at_rest(&self, run: &Run) -> Result<bool, Fault> {
        let changes = matches!(self.change, Change::Modify(_) | Change::Restore(_));
        let Some(id) = self.resource.row.physical_id.as_deref() else {
            return Ok(true);
        };
        if !changes || self.resource.row.type_name != nested::NAME {
            return Ok(true);
        }
        loop {
            let moved = run.bell.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            let mut api = run.own();
            if run.is_stopping() || !run.is_current(&mut api).await? {
                return Ok(false);
            }
            if !nested::is_under_way(&mut api, id).await? {
                return Ok(true);
            }
            drop(api);
            let _ = tokio::time::timeout(Duration::from_secs(1), moved).await;
        }
    }

    /// Begins, fails and ends with these.
    fn status(&self) -> (ResourceStatus, ResourceStatus, ResourceStatus) {
        use ResourceStatus as S;
        match (&self.change, self.resource.row.status) {
            (Change::Create(_), _) => match self.resource.held.before.is_some() {
                true => (S::UpdateInProgress, S::UpdateFailed, S::UpdateComplete),
                false => (S::CreateInProgress, S::CreateFailed, S::CreateComplete),
            },
            (Change::Remove { .. }, _) | (Change::Await, S::DeleteInProgress) => {
                (S::DeleteInProgress, S::DeleteFailed, S::DeleteComplete)
            }
            (Change::Await, S::CreateInProgress) => (S::CreateInProgress, S::CreateFailed, S::CreateComplete),
            _ => (S::UpdateInProgress, S::UpdateFailed, S::UpdateComplete),
        }
    }

    /// Attempts it until it is committed or refused for good. Once calls of a service were met to conflict, its steps take turns.
    async fn ask(&self, run: &Arc<Run>) -> Result<Attempted, Fault> {
        let service = self.resource.row.type_name.split("::").nth(1).unwrap_or_default();
        let (mut conflicts, mut transient) = (0, 0);
        while conflicts < ATTEMPTS_MAX {
            if self.is_cancelled(run) {
                return Ok(Attempted::Cancelled);
            }
            let turn = run.bell.turn(service);
            let _turn = match &turn {
                None => None,
                Some(turn) => Some(turn.lock().await),
            };
            let mut api = match run.api() {
                Ok(api) => api,
                Err(error) => return Ok(Attempted::Refused(error)),
            };
            if !run.is_current(&mut api).await? {
                return Ok(Attempted::Given);
            }
            match self.attempt(run, &mut api).await {
                Ok(resource) => {
                    if self.is_cancelled(run) {
                        return Ok(Attempted::Cancelled);
                    }
                    if run.commit(api).await? {
                        return Ok(Attempted::Committed(Box::new(resource)));
                    }
                    conflicts += 1;
                    run.bell.take_turns(service);
                }
                Err(Refused::Fault(Fault::Stale)) => conflicts += 1,
                Err(Refused::Fault(fault)) => return Err(fault),
                Err(Refused::Handler(error)) if is_transient(&error) && transient < TRANSIENT_MAX => {
                    transient += 1;
                    conflicts += 1;
                    tokio::time::sleep(Duration::from_millis(10 << transient)).await;
                }
                Err(Refused::Handler(error)) => {
                    api.into_work().abandon().await?;
                    return Ok(Attempted::Refused(error));
                }
            }
        }
        Err(Fault::Bug("a step of a stack conflicted without end"))
    }

    /// Deletions and the way back are not given up because of others.
    fn is_cancelled(&self, run: &Run) -> bool {
        matches!(self.change, Change::Create(_) | Change::Modify(_)) && run.is_cancelled()
    }

    async fn attempt(&self, run: &Run, api: &mut Api) -> Result<Resource, Refused> {
        match &self.change {
            Change::Create(desired) => self.create(run, api, desired).await,
            Change::Modify(desired) => self.modify(run, api, desired).await,
            Change::Restore(before) => self.restore(run, api, before).await,
            Change::Remove { keep, forget, .. } => match self.leftover() {
                Some(left) => self.remove_leftover(run, api, left, *keep).await,
                None => self.remove(run, api, *keep, *forget).await,
            },
            Change::Keep => self.keep(run, api).await,
            Change::Await => Ok(self.resource.clone()),
        }
    }

    async fn create(&self, run: &Run, api: &mut Api, desired: &Desired) -> Result<Resource, Refused> {
        let kind = types::find(&self.resource.row.type_name).ok_or_else(|| unknown(&self.resource.row.type_name))?;
        let (begins, _, ends) = self.status();
        let replaces = self.resource.held.before.is_some();
        let old = self.resource.row.physical_id.as_deref();
        self.happened(run, api, begins, old, replaces.then_some(REPLACES))
            .await?;
        let made = kind.handler.create(api, desired).await?;
        self.happened(run, api, begins, Some(&made.physical_id), Some(INITIATED))
            .await?;
        let mut resource = self.resource.clone();
        resource.held.thing = Some(thing(
            &resource.row.type_name,
            made,
            desired.properties.clone(),
            self.shown.as_deref(),
        ));
        self.settle(run, api, resource, (begins, ends)).await
    }

    async fn modify(&self, run: &Run, api: &mut Api, desired: &Desired) -> Result<Resource, Refused> {
        let kind = types::find(&self.resource.row.type_name).ok_or_else(|| unknown(&self.resource.row.type_name))?;
        let (begins, _, ends) = self.status();
        let mut resource = self.resource.clone();
        let existing = resource.held.thing.as_ref().map(existing);
        let existing = existing.ok_or(Fault::Bug("what is not there was to be changed"))?;
        self.happened(run, api, begins, Some(&existing.physical_id), None)
            .await?;
        if kind.name == nested::NAME
            && let Some(before) = &mut resource.held.before
            && before.nested.is_none()
        {
            before.nested = nested::deployment(api, &existing.physical_id).await?.map(Box::new);
        }
        let made = kind.handler.update(api, &existing, desired).await?;
        let changed = thing(
            &resource.row.type_name,
            made,
            desired.properties.clone(),
            self.shown.as_deref(),
        );
        if changed.physical_id != existing.physical_id
            && let Some(before) = &mut resource.held.before
        {
            before.replaced = true;
        }
        resource.held.thing = Some(changed);
        self.settle(run, api, resource, (begins, ends)).await
    }

    /// The way back: another thing took its place and is left to be deleted, or it is changed once more.
    async fn restore(&self, run: &Run, api: &mut Api, before: &Before) -> Result<Resource, Refused> {
        let (begins, _, ends) = self.status();
        let mut resource = self.resource.clone();
        let now = resource.held.thing.take();
        self.happened(run, api, begins, Some(&before.thing.physical_id), None)
            .await?;
        let (mut back, mut waits) = (before.thing.clone(), false);
        match now {
            Some(now) if before.replaced => resource.held.leftovers.push((now, false)),
            Some(_) if before.nested.is_some() => {
                let (id, identity) = (&back.physical_id, &run.operation.identity);
                nested::put_back(api, id, before.nested.as_deref(), identity).await??;
                waits = nested::is_under_way(api, id).await?;
            }
            Some(now) if now.properties != back.properties => {
                let kind = types::find(&back.type_name).ok_or_else(|| unknown(&back.type_name))?;
                let desired = desired(run, &resource.row.logical_id, back.properties.clone());
                let made = kind.handler.update(api, &existing(&now), &desired).await?;
                back = thing(&before.thing.type_name, made, back.properties, Some(&back.shown));
                if back.physical_id != now.physical_id {
                    resource.held.leftovers.push((now, false));
                }
            }
            _ => {}
        }
        resource.row.type_name.clone_from(&back.type_name);
        resource.row.deployment = before.deployment;
        resource.row.depends_on.clone_from(&before.depends_on);
        resource.row.keep = before.keep;
        resource.held.thing = Some(back);
        if !waits {
            resource.held.before = None;
        }
        self.settle(run, api, resource, (begins, ends)).await
    }

    async fn keep(&self, run: &Run, api: &mut Api) -> Result<Resource, Refused> {
        let (begins, _, ends) = self.status();
        let mut resource = self.resource.clone();
        self.happened(run, api, begins, resource.row.physical_id.as_deref(), None)
            .await?;
        self.happened(run, api, ends, resource.row.physical_id.as_deref(), None)
            .await?;
        resource.row.status = ends;
        resource.row.reason = None;
        self.put(run, api, &resource).await?;
        Ok(resource)
    }

    async fn remove_leftover(&self, run: &Run, api: &mut Api, left: &Thing, keep: bool) -> Result<Resource, Refused> {
        let mut resource = self.resource.clone();
        let (_, kept) = resource.held.leftovers.remove(0);
        self.delete(run, api, left, kept || keep).await?;
        self.put(run, api, &resource).await?;
        Ok(resource)
    }

    async fn remove(&self, run: &Run, api: &mut Api, keep: bool, forget: bool) -> Result<Resource, Refused> {
        use ResourceStatus as S;
        let mut resource = self.resource.clone();
        if let Some(thing) = resource.held.thing.take() {
            let goes_on = self.delete(run, api, &thing, keep).await?;
            resource.row.status = match (keep, goes_on) {
                (true, _) => S::DeleteSkipped,
                (false, true) => S::DeleteInProgress,
                (false, false) => S::DeleteComplete,
            };
            if goes_on {
                resource.held.thing = Some(thing);
            }
        } else {
            resource.row.status = S::DeleteComplete;
            self.happened(run, api, S::DeleteComplete, resource.row.physical_id.as_deref(), None)
                .await?;
        }
        resource.row.reason = None;
        if resource.row.status != S::DeleteInProgress {
            resource.held = Held::default();
        }
        match forget && resource.row.status != S::DeleteInProgress {
            true => table::forget_resource(api.parts().1, &run.at, &resource.row.logical_id),
            false => self.put(run, api, &resource).await?,
        }
        Ok(resource)
    }

    /// Deletes a thing, with its events. Answers whether it takes its time.
    async fn delete(&self, run: &Run, api: &mut Api, thing: &Thing, keep: bool) -> Result<bool, Refused> {
        use ResourceStatus as S;
        let id = Some(thing.physical_id.as_str());
        if keep {
            self.happened(run, api, S::DeleteSkipped, id, None).await?;
            return Ok(false);
        }
        self.happened(run, api, S::DeleteInProgress, id, None).await?;
        let kind = types::find(&thing.type_name).ok_or_else(|| unknown(&thing.type_name))?;
        match kind.handler.delete(api, &existing(thing)).await {
            Ok(()) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        if thing.type_name == nested::NAME && !nested::is_gone(api, &thing.physical_id).await? {
            return Ok(true);
        }
        self.happened(run, api, S::DeleteComplete, id, None).await?;
        Ok(false)
    }

    /// The last event and the row; of what takes its time the row alone.
    async fn settle(
        &self,
        run: &Run,
        api: &mut Api,
        mut resource: Resource,
        (begins, ends): (ResourceStatus, ResourceStatus),
    ) -> Result<Resource, Refused> {
        resource.row.physical_id = resource.held.thing.as_ref().map(|thing| thing.physical_id.clone());
        resource.row.reason = None;
        resource.row.updated = run.world.clock.now();
        let id = resource.row.physical_id.clone().unwrap_or_default();
        // A nested stack for which there was nothing to do is what it should be.
        resource.row.status = match resource.row.type_name == nested::NAME && nested::is_under_way(api, &id).await? {
            true => begins,
            false => ends,
        };
        if resource.row.status == ends {
            self.happened(run, api, ends, resource.row.physical_id.as_deref(), None)
                .await?;
        }
        self.put(run, api, &resource).await?;
        Ok(resource)
    }

    /// Waits for a nested stack, and writes what has become of it.
    async fn come_to_something(mut self, run: &Arc<Run>) -> Result<Outcome, Fault> {
        let (_, _, ends) = self.status();
        let goes_back = run.operation.phase == Phase::UpdateRollback;
        let id = self.resource.row.physical_id.clone().unwrap_or_default();
        loop {
            let moved = run.bell.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if run.is_stopping() {
                return Ok(Outcome::Given);
            }
            let mut api = run.own();
            if !run.is_current(&mut api).await? {
                return Ok(Outcome::Given);
            }
            match nested::outcome(&mut api, &id, ends, goes_back).await? {
                nested::Outcome::UnderWay => {}
                nested::Outcome::Failed(why) => return self.fail(run, &why).await,
                nested::Outcome::Done(attributes) => {
                    let mut resource = self.resource.clone();
                    resource.row.status = ends;
                    resource.row.updated = run.world.clock.now();
                    if goes_back {
                        resource.held.before = None;
                    }
                    match &mut resource.held.thing {
                        Some(_) if ends == ResourceStatus::DeleteComplete => resource.held = Held::default(),
                        Some(thing) => thing.attributes = attributes,
                        None => {}
                    }
                    let written = async {
                        self.happened(run, &mut api, ends, Some(&id), None).await?;
                        match self.change {
                            Change::Remove { forget: true, .. } => {
                                table::forget_resource(api.parts().1, &run.at, &resource.row.logical_id);
                                Ok(())
                            }
                            _ => self.put(run, &mut api, &resource).await,
                        }
                    };
                    written.await?;
                    if run.commit(api).await? {
                        self.resource = resource;
                        return Ok(Outcome::Done(Box::new(self.resource)));
                    }
                    continue;
                }
            }
            drop(api);
            let _ = tokio::time::timeout(Duration::from_secs(1), moved).await;
        }
    }

    /// Writes that it failed by our own fault.
    pub(super) async fn fail_by_us(self, run: &Arc<Run>) -> Result<Outcome, Fault> {
        let error = HandlerError::of(HandlerErrorCode::InternalFailure, OUR_FAULT);
        let mut step = self;
        step.was_not_replaced();
        step.fail(run, &reason(&error, run)).await
    }

    /// Writes that it failed. Secrets in the reason stay untold.
    pub(super) async fn fail(mut self, run: &Arc<Run>, reason: &str) -> Result<Outcome, Fault> {
        Ok(match self.write_failure(run, reason).await? {
            true => Outcome::Failed(Box::new(self.resource)),
            false => Outcome::Given,
        })
    }

    /// The same. Of a thing that is left behind the event alone tells. `false` says that another operation has taken over.
    async fn write_failure(&mut self, run: &Arc<Run>, reason: &str) -> Result<bool, Fault> {
        let reason = super::hidden(&run.world, &run.at, reason).await?;
        let (begins, failed, _) = self.status();
        for _ in 0..ATTEMPTS_MAX {
            let mut api = run.own();
            if !run.is_current(&mut api).await? {
                return Ok(false);
            }
            let mut resource = match &self.original {
                Some(original) if !self.begun => (**original).clone(),
                _ => self.resource.clone(),
            };
            let left = self.leftover().map(|left| left.physical_id.clone());
            let leaves = left.is_some() && self.leaves_behind();
            let id = left.or_else(|| resource.row.physical_id.clone());
            if !self.begun {
                let replaces = matches!(self.change, Change::Create(_)) && self.resource.held.before.is_some();
                self.happened(run, &mut api, begins, id.as_deref(), replaces.then_some(REPLACES))
                    .await?;
            }
            self.happened(run, &mut api, failed, id.as_deref(), Some(&reason))
                .await?;
            if leaves {
                resource.held.leftovers.remove(0);
            } else {
                resource.row.status = failed;
                resource.row.reason = Some(reason.clone());
                resource.row.updated = run.world.clock.now();
            }
            self.put(run, &mut api, &resource).await?;
            if run.commit(api).await? {
                self.resource = resource;
                return Ok(true);
            }
        }
        Err(Fault::Bug("what became of a step conflicted without end"))
    }

    async fn happened(
        &self,
        run: &Run,
        api: &mut Api,
        status: ResourceStatus,
        physical_id: Option<&str>,
        reason: Option<&str>,
    ) -> Result<(), Fault> {
        let seal = run.seal(api).await?;
        let row = &self.resource.row;
        let happened = Happened::resource(&row.logical_id, &row.type_name, status, physical_id)
            .because(reason)
            .with(self.shown.as_deref());
        let (ctx, txn) = api.parts();
        happened.write(ctx, txn, &seal, &run.at, &run.told).await
    }

    async fn put(&self, run: &Run, api: &mut Api, resource: &Resource) -> Result<(), Fault> {
        let seal = run.seal(api).await?;
        table::put_resource(api.parts().1, &seal, &run.at, resource)
    }
}

/// A resource that was never made.
pub(super) fn new(logical_id: &str, type_name: &str, deployment: u32, run: &Run) -> Resource {
    Resource {
        row: ResourceRow {
            logical_id: logical_id.to_owned(),
            type_name: type_name.to_owned(),
            physical_id: None,
            status: ResourceStatus::CreateInProgress,
            reason: None,
            updated: run.world.clock.now(),
            deployment,
            since: deployment,
            depends_on: Vec::new(),
            keep: Keep::No,
            drift: None,
            sealed: Vec::new(),
        },
        held: Held::default(),
    }
}

/// What a handler is asked for.
pub(super) fn desired(run: &Run, logical_id: &str, properties: Value) -> Desired {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let unique = run.world.random.text(12, LETTERS);
    Desired {
        stack_name: run.at.name.clone(),
        stack_id: run.at.arn().to_string(),
        logical_id: logical_id.to_owned(),
        properties,
        generated_name: format!("{}-{logical_id}-{unique}", run.at.name),
    }
}

fn existing(thing: &Thing) -> Existing {
    Existing {
        physical_id: thing.physical_id.clone(),
        properties: thing.properties.clone(),
        attributes: thing.attributes.clone(),
    }
}

fn thing(type_name: &str, made: Made, properties: Value, shown: Option<&str>) -> Thing {
    Thing {
        type_name: type_name.to_owned(),
        physical_id: made.physical_id,
        properties,
        shown: shown.unwrap_or_default().to_owned(),
        attributes: made.attributes,
    }
}

fn unknown(type_name: &str) -> HandlerError {
    let text = format!("Template format error: Unrecognized resource types: [{type_name}]");
    HandlerError::of(HandlerErrorCode::InvalidRequest, text)
}

/// Whether the same may well succeed a moment later.
fn is_transient(error: &HandlerError) -> bool {
    matches!(
        error.code,
        HandlerErrorCode::ServiceInternalError | HandlerErrorCode::Throttling
    )
}

/// A handler's refusal in an event's words.
fn reason(error: &HandlerError, run: &Run) -> String {
    let token = base::ids::uuid(&run.world.random);
    let message = match &error.refused_by {
        None => error.message.clone(),
        Some((service, status, id)) => format!(
            "{} (Service: {}, Status Code: {status}, Request ID: {id}) (SDK Attempt Count: 1)",
            error.message,
            client_name(*service)
        ),
    };
    format!(
        "Resource handler returned message: \"{message}\" (RequestToken: {token}, HandlerErrorCode: {})",
        error.code
    )
}

/// What AWS's own clients call a service.
fn client_name(service: ServiceName) -> &'static str {
    match service {
        ServiceName::CloudFormation => "CloudFormation",
        ServiceName::CloudTrail => "CloudTrail",
        ServiceName::Iam => "Iam",
        ServiceName::Kms => "Kms",
        ServiceName::Logs => "CloudWatchLogs",
        ServiceName::S3 => "S3",
        ServiceName::Sns => "Sns",
        ServiceName::Sts => "Sts",
        other => other.signing_name(),
    }
}
