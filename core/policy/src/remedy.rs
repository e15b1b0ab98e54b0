//! The smallest changes of policies that would allow what was denied.
//!
//! Found by trying: each step looks at what denies, writes the change that undoes it, parses the changed document and
//! decides again. What is handed back has therefore been seen to allow.

mod edit;

use crate::{
    Check, Decision, Effect, Grounds, PatchOp, Policies, Policy, PolicyKind, PolicyType, Principal, ResourceKind,
    Statement, apply_patch, decide,
    decide::resource_type,
    principal::Naming,
    statement::{Asked, Folded, Outcome, Side},
};
use serde::{Deserialize, Serialize};
use std::{cell::Cell, sync::Arc};

/// A change of one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which of the policies.
    pub policy: PolicyType,
    /// Which policy of this type, in the order given (all levels of an organization in one row); `None` for a policy that
    /// is not there yet.
    pub nth: Option<usize>,
    /// For control policies: which level, from the organization's root.
    pub level: Option<usize>,
    /// Where the policy is kept, in the words of its [`PolicySource`](crate::PolicySource).
    pub source: Option<String>,
    /// What to do to its document, for [`apply_patch`]; a new policy's is empty.
    pub patch: Vec<PatchOp>,
    /// Why, for people.
    pub why: String,
}

/// A denial that needs more changes than this is no slip, and no list of changes would help.
const STEPS_MAX: usize = 8;

/// So many changed documents are parsed and no more: what a refusal costs is bounded, whatever the policies are.
const TRIES_MAX: usize = 48;

/// The smallest list of changes which, all applied, makes [`decide`] allow.
///
/// An `Allow` that is one value away from matching gets that value, when it then gives nothing but what was asked; else a
/// statement is added that allows just this
/// action on this resource to this principal, in a policy that is there when one takes it. A `Deny` spares the caller by a
/// condition on who asks; where that cannot be, the statement goes. A session is named by its role, for its own name dies
/// with it. When the caller's own policies and the resource's would do alike, the caller's are changed.
///
/// Empty when the request is allowed, and when no change of these policies can allow it:
/// - the resource has no policy that could name a caller of another account or without one: a key or a role whose policy
///   is not among those given (an operation that never reaches across accounts), or a resource other than a bucket;
/// - the caller is anonymous and the resource is no bucket;
/// - what denies stands in a policy that AWS manages, in a policy's only statement that cannot spare the caller, or in a
///   policy of another kind than its place asks for;
/// - the changed policy would be too long;
/// - more than eight changes would be needed, or too many were tried.
pub fn remedy(check: &Check<'_>) -> Vec<Change> {
    if decide(&check.request, &check.policies).is_allowed() {
        return Vec::new();
    }
    let mut buffer = [0; 64];
    let folded = Folded::new(check.request.action, &mut buffer);
    let asked = check.request.asked(&check.policies, &folded);
    let by_holder = Repair::new(check, asked, Way::Holder).run();
    let by_resource = Repair::new(check, asked, Way::Resource).run();
    match (by_holder, by_resource) {
        (Some(holder), Some(resource)) if resource.len() < holder.len() => resource,
        (Some(found), _) | (None, Some(found)) => found,
        (None, None) => Vec::new(),
    }
}

/// Which policy is changed where either would do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Holder,
    Resource,
}

/// Policies of one type, of organizations those of one level: one of them must allow.
struct Group {
    policy: PolicyType,
    level: Option<usize>,
    entries: Vec<Entry>,
}

struct Entry {
    policy: Arc<Policy>,
    /// Its place among those given; `None` when it is new.
    given: Option<usize>,
    /// Its change, once it has one.
    change: Option<usize>,
}

impl Group {
    fn new(policy: PolicyType, level: Option<usize>, first: usize, policies: &[Arc<Policy>]) -> Group {
        let entry = |(nth, policy): (usize, &Arc<Policy>)| Entry {
            policy: policy.clone(),
            given: Some(first + nth),
            change: None,
        };
        Group {
            policy,
            level,
            entries: policies.iter().enumerate().map(entry).collect(),
        }
    }

    fn levels(policy: PolicyType, levels: &[Vec<Arc<Policy>>]) -> Vec<Group> {
        let mut first = 0;
        let mut groups = Vec::new();
        for (level, policies) in levels.iter().enumerate() {
            groups.push(Group::new(policy, Some(level), first, policies));
            first += policies.len();
        }
        groups
    }

    fn side(&self) -> Side {
        match self.policy {
            PolicyType::Resource | PolicyType::ResourceControl | PolicyType::RoleTrust => Side::Resource,
            PolicyType::Identity
            | PolicyType::PermissionsBoundary
            | PolicyType::ServiceControl
            | PolicyType::Session => Side::Holder,
        }
    }

    fn policies(&self) -> Vec<Arc<Policy>> {
        self.entries.iter().map(|entry| entry.policy.clone()).collect()
    }
}

/// A way from the policies as they are to those that allow.
struct Repair<'a> {
    check: &'a Check<'a>,
    asked: Asked<'a>,
    way: Way,
    groups: Vec<Group>,
    changes: Vec<Change>,
    tries: Cell<usize>,
}

impl<'a> Repair<'a> {
    fn new(check: &'a Check<'a>, asked: Asked<'a>, way: Way) -> Repair<'a> {
        let policies = &check.policies;
        let one = |policy: Option<&Policy>| -> Vec<Arc<Policy>> { policy.cloned().map(Arc::new).into_iter().collect() };
        let resource = resource_type(check.request.kind);
        let mut groups = vec![
            Group::new(PolicyType::Identity, None, 0, policies.identity),
            Group::new(resource, None, 0, &one(policies.resource)),
        ];
        if policies.boundary.is_some() {
            let boundary = one(policies.boundary);
            groups.push(Group::new(PolicyType::PermissionsBoundary, None, 0, &boundary));
        }
        if let Some(session) = policies.session {
            groups.push(Group::new(PolicyType::Session, None, 0, session));
        }
        groups.extend(Group::levels(PolicyType::ServiceControl, policies.service_control));
        groups.extend(Group::levels(PolicyType::ResourceControl, policies.resource_control));
        Repair {
            check,
            asked,
            way,
            groups,
            changes: Vec::new(),
            tries: Cell::new(0),
        }
    }

    fn run(mut self) -> Option<Vec<Change>> {
        for _ in 0..STEPS_MAX {
            match self.decide().grounds() {
                Grounds::Grant { .. } | Grounds::RootOfAccount | Grounds::Statement { .. } => {
                    return Some(self.changes);
                }
                Grounds::ExplicitDeny { policy, nth, index, .. } => self.spare(*policy, *nth, *index)?,
                Grounds::NothingAllows { missing } => self.allow(*missing)?,
            }
        }
        None
    }

    fn decide(&self) -> Decision {
        let of = |policy: PolicyType| self.groups.iter().filter(move |group| group.policy == policy);
        let all = |policy| -> Vec<Vec<Arc<Policy>>> { of(policy).map(Group::policies).collect() };
        let (identity, session) = (all(PolicyType::Identity).concat(), all(PolicyType::Session));
        let boundary = all(PolicyType::PermissionsBoundary).concat();
        let resource = all(resource_type(self.check.request.kind)).concat();
        let policies = Policies {
            identity: &identity,
            boundary: boundary.first().map(AsRef::as_ref),
            session: session.first().map(Vec::as_slice),
            resource: resource.first().map(AsRef::as_ref),
            service_control: &all(PolicyType::ServiceControl),
            resource_control: &all(PolicyType::ResourceControl),
            grants: self.check.policies.grants,
        };
        decide(&self.check.request, &policies)
    }

    /// Makes a deny spare the caller, or removes it.
    fn spare(&mut self, policy: PolicyType, nth: usize, index: usize) -> Option<()> {
        let mut flat = Vec::new();
        for (at, group) in self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.policy == policy)
        {
            flat.extend((0..group.entries.len()).map(|entry| (at, entry)));
        }
        let place = *flat.get(nth)?;
        let silent = |statement: Option<&Statement>, side, asked| {
            statement.is_some_and(|statement| matches!(statement.meet(side, asked), Outcome::Unmatched(_)))
        };
        let who = self.check.request.principal.shown();
        let named = edit::named(self.entry(place)?.policy.statements().get(index)?, index);
        if let Some(op) = edit::spare(&self.entry(place)?.policy, index, self.asked)
            && let Some(changed) = self.changed(place, &op)
            && silent(
                changed.statements().get(index),
                self.groups.get(place.0)?.side(),
                self.asked,
            )
        {
            let why = format!("{named} denies; it is to spare {who}");
            return self.accept(place, changed, op, why);
        }
        let op = edit::remove(&self.entry(place)?.policy, index)?;
        let changed = self.changed(place, &op)?;
        self.accept(
            place,
            changed,
            op,
            format!("{named} denies and cannot be made to spare {who}"),
        )
    }

    /// Makes a policy of the type allow, or the resource's where that is the way and does as well.
    fn allow(&mut self, missing: PolicyType) -> Option<()> {
        let request = &self.check.request;
        let resource = resource_type(request.kind);
        let by_resource = match request.principal {
            Principal::User { .. } => matches!(missing, PolicyType::Identity | PolicyType::PermissionsBoundary),
            Principal::Session { .. } => missing == PolicyType::Identity,
            Principal::Anonymous | Principal::Root { .. } | Principal::Service { .. } => false,
        };
        let full = match request.principal {
            Principal::Session { .. } => Naming::Role,
            _ => Naming::Direct,
        };
        let by_resource = self.way == Way::Resource && request.same_account() && (by_resource || missing == resource);
        let (policy, need) = match by_resource {
            true => (resource, full),
            false => (missing, Naming::Account),
        };
        let group = self.silent_group(policy, need)?;
        self.extend(group, need)
            .or_else(|| self.append(group, need))
            .or_else(|| self.create(group))
    }

    /// The first group of the type in which nothing allows.
    fn silent_group(&self, policy: PolicyType, need: Naming) -> Option<usize> {
        self.groups.iter().position(|group| {
            let allows = |entry: &Entry| {
                let mut statements = entry.policy.statements().iter();
                statements.any(|statement| self.allows(group.side(), statement, need))
            };
            group.policy == policy && !group.entries.iter().any(allows)
        })
    }

    fn allows(&self, side: Side, statement: &Statement, need: Naming) -> bool {
        statement.effect == Effect::Allow
            && matches!(statement.meet(side, self.asked), Outcome::Matched(naming) if naming >= need)
    }

    /// Gives a statement that nearly allows the one value that it lacks.
    fn extend(&mut self, group: usize, need: Naming) -> Option<()> {
        let side = self.groups.get(group)?.side();
        for entry in 0..self.groups.get(group)?.entries.len() {
            let place = (group, entry);
            let policy = self.entry(place)?.policy.clone();
            for (index, statement) in policy.statements().iter().enumerate() {
                if statement.effect == Effect::Deny {
                    continue;
                }
                for (op, lacks) in edit::extend(&policy, index, side, self.asked) {
                    if let Some(changed) = self.changed(place, &op)
                        && changed
                            .statements()
                            .get(index)
                            .is_some_and(|it| self.allows(side, it, need))
                    {
                        let why = format!("{} lacks only {lacks}", edit::named(statement, index));
                        return self.accept(place, changed, op, why);
                    }
                }
            }
        }
        None
    }

    /// Adds a statement to the last policy that takes it.
    fn append(&mut self, group: usize, need: Naming) -> Option<()> {
        let side = self.groups.get(group)?.side();
        for entry in (0..self.groups.get(group)?.entries.len()).rev() {
            let place = (group, entry);
            let policy = &self.entry(place)?.policy;
            let statement = edit::statement(policy.kind(), policy.variables, self.asked)?;
            if let Some(op) = edit::append(policy, statement)
                && let Some(changed) = self.changed(place, &op)
                && changed
                    .statements()
                    .last()
                    .is_some_and(|it| self.allows(side, it, need))
            {
                return self.accept(place, changed, op, self.nothing_allows());
            }
        }
        None
    }

    /// Makes a policy where none takes the statement. Only buckets can be without one of their own.
    fn create(&mut self, group: usize) -> Option<()> {
        let Group { policy, level, entries } = self.groups.get(group)?;
        let kind = match policy {
            PolicyType::Identity => PolicyKind::Identity,
            PolicyType::Session => PolicyKind::Session,
            PolicyType::ServiceControl => PolicyKind::ServiceControl,
            PolicyType::ResourceControl => PolicyKind::ResourceControl,
            PolicyType::Resource if entries.is_empty() && self.check.request.kind == ResourceKind::Bucket => {
                PolicyKind::BucketPolicy
            }
            PolicyType::Resource | PolicyType::RoleTrust | PolicyType::PermissionsBoundary => return None,
        };
        let op = edit::create(edit::statement(kind, true, self.asked)?);
        let document = apply_patch("", std::slice::from_ref(&op))?;
        let change = Change {
            policy: *policy,
            nth: None,
            level: *level,
            source: None,
            patch: vec![op],
            why: self.nothing_allows(),
        };
        let entry = Entry {
            policy: Arc::new(Policy::parse(&document, kind).ok()?),
            given: None,
            change: Some(self.changes.len()),
        };
        self.changes.push(change);
        self.groups.get_mut(group)?.entries.push(entry);
        Some(())
    }

    fn nothing_allows(&self) -> String {
        let (action, who) = (self.check.request.action, self.check.request.principal.shown());
        format!("nothing allows {action} to {who}")
    }

    fn entry(&self, (group, entry): (usize, usize)) -> Option<&Entry> {
        self.groups.get(group)?.entries.get(entry)
    }

    /// The policy after the operation, when it still is one; what AWS manages nobody else changes.
    fn changed(&self, place: (usize, usize), op: &PatchOp) -> Option<Policy> {
        let policy = &self.entry(place)?.policy;
        let arn = policy.source().and_then(|source| source.arn.as_deref());
        if arn
            .and_then(base::arn::split)
            .is_some_and(|parts| parts.account == "aws")
        {
            return None;
        }
        self.tries.set(self.tries.get() + 1);
        if self.tries.get() > TRIES_MAX {
            return None;
        }
        let document = apply_patch(policy.document(), std::slice::from_ref(op))?;
        let changed = Policy::parse(&document, policy.kind()).ok()?;
        Some(match policy.source() {
            Some(source) => changed.with_source(source.clone()),
            None => changed,
        })
    }

    fn accept(&mut self, (group, entry): (usize, usize), changed: Policy, op: PatchOp, why: String) -> Option<()> {
        let Group { policy, level, entries } = self.groups.get_mut(group)?;
        let entry = entries.get_mut(entry)?;
        entry.policy = Arc::new(changed);
        if let Some(change) = entry.change.and_then(|change| self.changes.get_mut(change)) {
            change.patch.push(op);
            change.why = format!("{}; {why}", change.why);
            return Some(());
        }
        entry.change = Some(self.changes.len());
        self.changes.push(Change {
            policy: *policy,
            nth: entry.given,
            level: *level,
            source: entry.policy.source().map(|source| source.name.to_string()),
            patch: vec![op],
            why,
        });
        Some(())
    }
}

#[cfg(test)]
mod tests;
