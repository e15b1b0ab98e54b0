//! The work on one stack: from phase to phase, until nothing is to be done any more.

use super::{Bell, Told, deploy, phase, remove, restore};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    model::stack::{Identity, Operation, Phase, Stack, StackRef},
    table::{self, Seal},
};
use base::{AccountId, Fault};
use gateway::{Ctx, ServiceCaller, Txn, World, ctx::By};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use store::{CommitError, Maintenance};
use tokio::sync::watch;

/// The session's name in the records of calls under a stack's role.
const SESSION: &str = "AWSCloudFormation";

/// The most attempts at a transaction that meets conflicts; more is a bug.
pub(super) const ATTEMPTS_MAX: u32 = 1_000;

/// The work on a stack in one phase of one operation.
pub(super) struct Run {
    pub(super) world: Arc<World>,
    pub(super) bell: Arc<Bell>,
    pub(super) at: StackRef,
    pub(super) operation: Operation,
    pub(super) told: Told,
    /// With whose rights resources are made; or why there are none.
    pub(super) rights: Result<By, String>,
    stop: watch::Receiver<bool>,
    cancelled: AtomicBool,
}

/// Works on a stack until its operation is done, or another has taken its place and is done, or the server stops.
pub(super) async fn drive(world: &Arc<World>, at: &StackRef, mut stop: watch::Receiver<bool>) -> Result<(), Fault> {
    let bell = world.kept::<Bell>();
    let stack = table::by_id(&world.snapshot().view(), at.account, &at.region, &at.id).await?;
    let _place = match stack.is_some_and(|stack| stack.parent.is_some()) {
        true => None,
        false => tokio::select! {
            place = bell.places.acquire() => place.ok(),
            _ = stop.wait_for(|stop| *stop) => return Err(Fault::Stopping),
        },
    };
    loop {
        if *stop.borrow() {
            return Err(Fault::Stopping);
        }
        let Some((stack, run)) = Run::begin(world, at, stop.clone()).await? else {
            return Ok(());
        };
        let run = Arc::new(run);
        match run.operation.phase {
            Phase::Create | Phase::Update => deploy::deploy(&run, &stack).await?,
            Phase::CreateRollback | Phase::Delete => remove::everything(&run, &stack).await?,
            Phase::UpdateCleanup | Phase::UpdateRollbackCleanup => remove::what_is_left(&run, &stack).await?,
            Phase::UpdateRollback => restore::restore(&run, &stack).await?,
        }
        run.bell.forget_faults(&run.operation.id);
        run.bell.moved.notify_waiters();
    }
}

impl Run {
    /// What is to be done now with a stack; `None` when nothing is.
    async fn begin(
        world: &Arc<World>,
        at: &StackRef,
        stop: watch::Receiver<bool>,
    ) -> Result<Option<(Stack, Run)>, Fault> {
        let snapshot = world.snapshot();
        let view = snapshot.view();
        let Some(operation) = table::operation(&view, at).await? else {
            return Ok(None);
        };
        let stack = table::by_id(&view, at.account, &at.region, &at.id).await?;
        let stack = stack.ok_or_else(|| Fault::corrupt("an operation on no stack"))?;
        let seal = Seal::of(world, &view, at.account).await?;
        let number = phase::shown_deployment(&stack);
        let deployment = table::deployment(&view, &seal, at, number).await?;
        let rights = rights(world, at, &operation.identity).await?;
        let told = Told {
            topics: deployment
                .map(|deployment| deployment.notification_arns)
                .unwrap_or_default(),
            by: rights.clone().unwrap_or_else(|_| By::Service(caller(at))),
            token: stack.token.clone(),
        };
        let run = Run {
            world: Arc::clone(world),
            bell: world.kept::<Bell>(),
            at: at.clone(),
            operation,
            told,
            rights,
            stop,
            cancelled: AtomicBool::new(false),
        };
        Ok(Some((stack, run)))
    }

    /// A transaction with the stack's rights.
    pub(super) fn api(&self) -> Result<Api, HandlerError> {
        let rights = self.rights.clone();
        let by = rights.map_err(|why| HandlerError::of(HandlerErrorCode::AccessDenied, why))?;
        let work = super::begin(&self.world, &self.at);
        Ok(Api::new(work, by, self.at.account, self.at.region.clone()))
    }

    /// A transaction for rows and events alone.
    pub(super) fn own(&self) -> Api {
        let by = self.told.by.clone();
        let work = super::begin(&self.world, &self.at);
        Api::new(work, by, self.at.account, self.at.region.clone())
    }

    /// Whether the operation is still the one that this is the work of, by the transaction's own snapshot.
    pub(super) async fn is_current(&self, api: &mut Api) -> Result<bool, Fault> {
        let (_, txn) = api.parts();
        let now = table::operation(&txn.view(), &self.at).await?;
        Ok(now.is_some_and(|now| now.id == self.operation.id && now.phase == self.operation.phase))
    }

    /// The seal, for what this transaction writes.
    pub(super) async fn seal(&self, api: &mut Api) -> Result<Seal, Fault> {
        let (_, txn) = api.parts();
        Seal::of(&self.world, &txn.view(), self.at.account).await
    }

    /// Commits; `false` says that it met a conflict and is to be done again.
    pub(super) async fn commit(&self, api: Api) -> Result<bool, Fault> {
        match api.into_work().commit(Maintenance::StackProgress).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(CommitError::Fault(fault)) => Err(fault),
        }
    }

    /// Steps that are under way and not yet done give up.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.bell.moved.notify_waiters();
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether the server stops, so that no step begins any more.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// What a phase that was broken off comes to: who has taken the stack over goes on, or the next start does.
    pub(super) fn given(&self) -> Result<(), Fault> {
        match self.is_stopping() {
            true => Err(Fault::Stopping),
            false => Ok(()),
        }
    }

    /// Whether the operation has taken longer than it was given.
    pub(super) fn is_late(&self) -> bool {
        self.operation
            .deadline
            .is_some_and(|deadline| deadline <= self.world.clock.now())
    }
}

fn caller(at: &StackRef) -> ServiceCaller {
    ServiceCaller {
        name: super::PRINCIPAL,
        source_arn: Some(at.arn()),
        source_account: at.account,
    }
}

/// The rights of an operation as they are now. A key that was deleted or a session that is over gives none.
async fn rights(world: &Arc<World>, at: &StackRef, identity: &Identity) -> Result<Result<By, String>, Fault> {
    match identity {
        Identity::Key(id) => {
            let snapshot = world.snapshot();
            let identities = &world.ports()?.identities;
            let Some(credential) = identities.credential(world, &snapshot.view(), id).await? else {
                return Ok(Err("The security token included in the request is invalid".to_owned()));
            };
            let over = |expires| expires <= world.clock.real_now();
            let caller = &credential.caller;
            if !credential.active || caller.session.as_ref().is_some_and(|session| over(session.expires)) {
                return Ok(Err("The security token included in the request is expired".to_owned()));
            }
            Ok(Ok(By::OnBehalf(Arc::clone(caller))))
        }
        Identity::Role(role) => assumed(world, at, role).await,
    }
}

/// Whether the role is of the account. A role's trust policy alone cannot say for whom CloudFormation assumes it, so that no
/// role is assumed for a stack of another account.
pub(crate) fn is_role_of(account: AccountId, role: &str) -> bool {
    base::arn::split(role).is_some_and(|parts| parts.account == account.as_str())
}

/// Whether CloudFormation may assume the role for the stack, asked in a call's own transaction.
pub(crate) async fn assumes(ctx: &Ctx, txn: &mut Txn, at: &StackRef, role: &str) -> Result<bool, Fault> {
    if !is_role_of(at.account, role) {
        return Ok(false);
    }
    let roles = &ctx.world().ports()?.roles;
    match roles
        .assume_role(ctx, txn, caller(at), at.region.clone(), role, SESSION)
        .await
    {
        Ok(_) => Ok(true),
        Err(refusal) if refusal.status >= 500 => Err(Fault::Stale),
        Err(_) => Ok(false),
    }
}

async fn assumed(world: &Arc<World>, at: &StackRef, role: &str) -> Result<Result<By, String>, Fault> {
    let refused = || format!("Role {role} is invalid or cannot be assumed");
    if !is_role_of(at.account, role) {
        return Ok(Err(refused()));
    }
    for _ in 0..ATTEMPTS_MAX {
        let mut work = super::begin(world, at);
        let (ctx, txn) = work.parts();
        let roles = &world.ports()?.roles;
        let session = roles
            .assume_role(ctx, txn, caller(at), at.region.clone(), role, SESSION)
            .await;
        let session = match session {
            Ok(session) => session,
            Err(refusal) if refusal.status >= 500 => continue,
            Err(_) => {
                work.abandon().await?;
                return Ok(Err(refused()));
            }
        };
        match work.commit(Maintenance::StackProgress).await {
            Ok(()) => return Ok(Ok(By::Role(session))),
            Err(CommitError::Conflict) => continue,
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(Fault::Bug("assuming a stack's role conflicted without end"))
}
