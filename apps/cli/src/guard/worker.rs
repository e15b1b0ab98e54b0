//! A guard inside `shoseki serve`, on the server's own clock: it acts as a role that trusts it, as CloudTrail does with its log role.

use super::{SESSION, read_baseline};
use anyhow::{Context, Result, anyhow, bail};
use base::{AccountId, Fault, Region, Timestamp};
use gateway::{Boxed, PortRefusal, RoleSession, S3Call, ServiceCaller, World, ctx::By, ports::Worker, work::Work};
use operator::{
    aws::{Error, Refused},
    change::{Call, s3_request},
    guard::{Asker, Baseline, Item, Mode, Report, State, inspect, put_back},
    message::Language,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// Whom the role's trust policy has to name.
const PRINCIPAL: &str = "guard.shoseki.amazonaws.com";
/// In the data directory: what is remembered, and the last report.
const STATE_FILE: &str = "guard.state.json";
const REPORT_FILE: &str = "guard.report.json";
/// How often a call is made again that met another writer.
const ATTEMPTS_MAX: u32 = 64;
/// A run that failed is tried again after an hour, then after two, four and so on, up to a day.
const RETRY_FIRST: Duration = Duration::from_secs(3_600);
const RETRY_MAX: Duration = Duration::from_secs(86_400);

/// Where the console finds what a server's guard does.
pub(crate) fn shown(baseline: &Path, data_dir: &Path) -> console_pages::Guard {
    console_pages::Guard {
        baseline: baseline.to_owned(),
        state: data_dir.join(STATE_FILE),
        report: data_dir.join(REPORT_FILE),
    }
}

struct Guard {
    baseline: Baseline,
    role: String,
    account: AccountId,
    region: Region,
    state_file: PathBuf,
    report_file: PathBuf,
    memory: Mutex<Memory>,
}

struct Memory {
    state: State,
    /// A run failed, and is tried again then.
    retry_at: Option<Timestamp>,
    /// How often it failed since it last ran.
    failures: u32,
}

impl Memory {
    /// A run failed, or could not put everything back: it is owed still, and tried again after a while.
    fn put_off(&mut self, now: Timestamp) {
        let pause = RETRY_FIRST.saturating_mul(1 << self.failures.min(16)).min(RETRY_MAX);
        self.failures += 1;
        self.retry_at = Some(now.plus(pause));
    }
}

/// The guard of this baseline, for a server with this data directory.
///
/// # Errors
/// When the baseline cannot be used, or names no role: a server has no rights of its own.
pub(crate) fn worker(baseline: &Path, data_dir: &Path) -> Result<Arc<dyn Worker>> {
    let name = baseline.display().to_string();
    let baseline = read_baseline(baseline, Language::English)?;
    let Some(role) = baseline.role.clone() else {
        bail!("`{name}` names no `role`: inside a server a guard acts as a role whose trust policy names {PRINCIPAL}");
    };
    let account = base::arn::split(&role).map_or("", |parts| parts.account);
    let account = AccountId::parse(account).map_err(|fault| anyhow!("`{role}` is no role: {fault}"))?;
    let region = baseline
        .trails
        .first()
        .map_or("us-east-1", |trail| trail.home_region.as_str());
    let region = Region::parse(region).map_err(|fault| anyhow!("`{region}` is no Region: {fault}"))?;
    let state_file = data_dir.join(STATE_FILE);
    let state = State::read(&state_file)
        .map_err(|fault| anyhow!(fault))
        .context("the guard cannot start")?;
    Ok(Arc::new(Guard {
        baseline,
        role,
        account,
        region,
        report_file: data_dir.join(REPORT_FILE),
        state_file,
        memory: Mutex::new(Memory {
            state,
            retry_at: None,
            failures: 0,
        }),
    }))
}

impl Worker for Guard {
    fn name(&self) -> &'static str {
        "guard"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            if memory.state.since().is_none() {
                memory.state.begin(world.clock.now());
                // A server that is stopped over its first run owes it, too.
                if let Err(fault) = memory.state.write(&self.state_file) {
                    tracing::error!(%fault, "the guard cannot keep what it remembers");
                }
            }
            let since = memory.state.since().unwrap_or_else(|| world.clock.now());
            let due = self.baseline.schedule.next_after(since);
            Ok(due.map(|due| memory.retry_at.map_or(due, |retry| retry.max(due))))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let knows = {
                let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
                let since = memory.state.since().unwrap_or(now);
                let due = self.baseline.schedule.next_after(since).is_some_and(|due| due <= now);
                if !due || memory.retry_at.is_some_and(|retry| retry > now) {
                    return Ok(());
                }
                memory.state.knows(&self.baseline)
            };
            let ran = self.run(world, knows).await;
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            match ran {
                Ok(report) if report.has_failed() => {
                    memory.put_off(now);
                    tracing::warn!(
                        role = self.role,
                        "the guard could not put everything back; it will be tried again"
                    );
                    self.keep(&memory.state, &json!({ "at": now.iso8601(), "report": report }));
                }
                Ok(report) => {
                    (memory.retry_at, memory.failures) = (None, 0);
                    memory.state.ran(&self.baseline, now);
                    self.keep(&memory.state, &json!({ "at": now.iso8601(), "report": report }));
                }
                Err(fault) => {
                    memory.put_off(now);
                    tracing::warn!(role = self.role, %fault, "the guard could not run; it will be tried again");
                    self.keep(
                        &memory.state,
                        &json!({ "at": now.iso8601(), "failed": fault.to_string() }),
                    );
                }
            }
            Ok(())
        })
    }
}

impl Guard {
    /// One run. The first of a baseline only looks.
    async fn run(&self, world: &Arc<World>, knows: bool) -> Result<Report, Error> {
        let caller = ServiceCaller {
            name: PRINCIPAL,
            source_arn: None,
            source_account: self.account,
        };
        let session = self.assume(world, &caller).await?;
        let inside = Inside { world, caller, session };
        let regions: Vec<String> = match self.baseline.level(Item::Config) {
            Some(_) => self
                .baseline
                .trails
                .iter()
                .map(|trail| trail.home_region.clone())
                .collect(),
            None => Vec::new(),
        };
        let mut findings = inspect(&inside, &self.baseline, &regions).await;
        let enforces = self.baseline.mode == Mode::Enforce;
        if enforces && knows {
            put_back(&inside, &mut findings, &|| false).await;
        }
        let report = Report {
            mode: self.baseline.mode,
            dry_run: enforces && !knows,
            findings,
        };
        if report.has_drift() {
            tracing::warn!(
                report = self.report_file.display().to_string(),
                "the guard found what differs from its baseline"
            );
        }
        Ok(report)
    }

    async fn assume(&self, world: &Arc<World>, caller: &ServiceCaller) -> Result<RoleSession, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let mut work = Work::begin(world, ServiceName::Shoseki, caller.clone(), self.region.clone());
            let (ctx, txn) = work.parts();
            let roles = &world.ports().map_err(|fault| own(&fault))?.roles;
            let session = roles
                .assume_role(ctx, txn, caller.clone(), self.region.clone(), &self.role, SESSION)
                .await;
            match session {
                Ok(session) => {
                    if committed(work).await? {
                        return Ok(session);
                    }
                }
                Err(refusal) if refusal.status >= 500 => {}
                Err(refusal) => {
                    work.abandon().await.map_err(|fault| own(&fault))?;
                    return Err(refused(refusal));
                }
            }
        }
        Err(conflicts())
    }

    /// Keeps the state and the report. What cannot be written is said, and does not stop the guard.
    fn keep(&self, state: &State, report: &Value) {
        let report = serde_json::to_vec_pretty(report).map_err(std::io::Error::other);
        let kept = state
            .write(&self.state_file)
            .and_then(|()| std::fs::write(&self.report_file, report?));
        if let Err(fault) = kept {
            tracing::error!(%fault, "the guard cannot keep what it found");
        }
    }
}

/// Calls from inside the server, under the role, each decided and recorded as one from outside.
struct Inside<'a> {
    world: &'a Arc<World>,
    caller: ServiceCaller,
    session: RoleSession,
}

impl Asker for Inside<'_> {
    fn ask<'a>(&'a self, call: &'a Call) -> Boxed<'a, Result<Value, Error>> {
        Box::pin(async move {
            for _ in 0..ATTEMPTS_MAX {
                if let Some(answer) = self.attempt(call).await? {
                    return Ok(answer);
                }
            }
            Err(conflicts())
        })
    }
}

impl Inside<'_> {
    /// The answer; nothing when the call met another writer.
    async fn attempt(&self, call: &Call) -> Result<Option<Value>, Error> {
        let region = Region::parse(&call.region).map_err(|fault| Error::Unsendable(fault.to_string()))?;
        let mut work = Work::begin(self.world, ServiceName::Shoseki, self.caller.clone(), region.clone());
        let (ctx, txn) = work.parts();
        let calls = &self.world.ports().map_err(|fault| own(&fault))?.calls;
        let place = (By::Role(self.session.clone()), self.caller.source_account, region);
        let answered = if call.service == "s3" {
            let request = s3_request(call).ok_or_else(|| unknown(call))?;
            let s3 = S3Call {
                method: request.method,
                bucket: &request.bucket,
                key: None,
                query: request.query.trim_end_matches('='),
                headers: &[],
                body: request.body,
            };
            calls.call_s3(ctx, txn, place, s3).await
        } else {
            let service = ServiceName::ALL
                .into_iter()
                .find(|service| service.signing_name() == call.service);
            let service = service.ok_or_else(|| unknown(call))?;
            calls.call(ctx, txn, place, service, &call.operation, &call.input).await
        };
        match answered.result {
            Ok(answer) if call.service == "s3" => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                Ok(committed(work).await?.then(|| json!({ "Text": text })))
            }
            Ok(answer) => {
                let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                Ok(committed(work).await?.then_some(value))
            }
            Err(refusal) if refusal.status >= 500 => Ok(None),
            Err(refusal) => {
                work.abandon().await.map_err(|fault| own(&fault))?;
                Err(refused(refusal))
            }
        }
    }
}

/// Whether the work is done; it is not when it met another writer.
async fn committed(work: Work) -> Result<bool, Error> {
    match work.commit(Maintenance::Cursor).await {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict) => Ok(false),
        Err(CommitError::Fault(fault)) => Err(own(&fault)),
    }
}

fn refused(refusal: PortRefusal) -> Error {
    Error::Refused(Refused {
        status: refusal.status,
        code: refusal.code,
        message: refusal.message,
        request_id: String::new(),
    })
}

/// What this server has no such service for is answered as an endpoint that does not know it would.
fn unknown(call: &Call) -> Error {
    Error::Refused(Refused {
        status: 400,
        code: "UnknownOperationException".to_owned(),
        message: format!("This server has no {}:{}.", call.service, call.operation),
        request_id: String::new(),
    })
}

fn own(fault: &Fault) -> Error {
    Error::Settings(format!("the server's own fault: {fault}"))
}

fn conflicts() -> Error {
    Error::Settings("the call met other writers without end".to_owned())
}
