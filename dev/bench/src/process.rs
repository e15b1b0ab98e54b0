//! The process itself: how soon it is ready, how much memory it holds, how fast it rehearses.

use crate::{
    machine::{self, ms},
    table::Table,
};
use anyhow::{Context, Result};
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use testkit::{Server, setup::TrailPlan};

const STARTS: usize = 10;
const IDLE: Duration = Duration::from_secs(2);
const THIRTY_DAYS_S: u64 = 30 * 86_400;

/// Clock ticks of `/proc/PID/stat` in a second; the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A figure of the process in MiB, by its name in `/proc/PID/status`, such as `VmRSS`.
pub(crate) fn memory_mib(server: &Server, name: &str) -> Result<f64> {
    let path = format!("/proc/{}/status", server.pid()?);
    let line = machine::line_of(&path, name).with_context(|| format!("no {name} in {path}; this needs Linux"))?;
    let kib: f64 = line.split(' ').next().unwrap_or_default().parse()?;
    Ok(kib / 1024.0)
}

/// Processor time in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// In the program itself.
    pub(crate) user_s: f64,
    /// In the kernel, for the program: files, sockets, memory that it had not touched before.
    pub(crate) system_s: f64,
}

impl Cpu {
    /// That the server's process has used.
    pub(crate) fn of(server: &Server) -> Result<Cpu> {
        Cpu::at(&format!("/proc/{}/stat", server.pid()?))
    }

    /// That this very process has used.
    pub(crate) fn own() -> Result<Cpu> {
        Cpu::at("/proc/self/stat")
    }

    fn at(path: &str) -> Result<Cpu> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}; this needs Linux"))?;
        // The name of the program, in parentheses, may hold spaces; the times are the 12th and 13th word after it.
        let after = text.rsplit(')').next().unwrap_or_default();
        let mut ticks = after.split_whitespace().skip(11).map(str::parse::<f64>);
        let mut next = || -> Result<f64> { Ok(ticks.next().context("no times of the process")?? / TICKS_PER_SECOND) };
        Ok(Cpu {
            user_s: next()?,
            system_s: next()?,
        })
    }

    /// All of it.
    pub(crate) fn all_s(self) -> f64 {
        self.user_s + self.system_s
    }

    /// What was used since then.
    pub(crate) fn since(self, then: Cpu) -> Cpu {
        Cpu {
            user_s: self.user_s - then.user_s,
            system_s: self.system_s - then.system_s,
        }
    }
}

/// The processor time that the process has used, in seconds.
pub(crate) fn cpu_s(server: &Server) -> Result<f64> {
    Ok(Cpu::of(server)?.all_s())
}

/// The processor time that this very process has used, in seconds.
pub(crate) fn own_cpu_s() -> Result<f64> {
    Ok(Cpu::own()?.all_s())
}

fn goal(found: f64, most: f64, unit: &str) -> String {
    format!(
        "at most {most:.0} {unit}: {}",
        if found <= most { "reached" } else { "MISSED" }
    )
}

/// Start-up on an empty data directory and on one that was used, and memory when idle.
pub(crate) async fn start_and_idle(binary: &Path) -> Result<Table> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let mut idle = 0.0;
    for round in 0..STARTS {
        let folder = machine::directory()?;
        let mut server = Server::of(binary, &folder.path().join("data"), &[]);
        first.push(server.launch()?);
        if round == 0 {
            tokio::time::sleep(IDLE).await;
            idle = memory_mib(&server, "VmRSS")?;
        }
        again.push(server.restart()?);
        server.terminate()?;
    }
    let mut table = Table::new(&["process", "median", "worst", "goal"]);
    for (name, times, limit) in [
        ("ready on an empty data directory, ms", &mut first, 100.0),
        ("ready on a used one, ms", &mut again, 100.0),
    ] {
        times.sort_unstable();
        let median = ms(times.get(times.len() / 2).copied().unwrap_or_default());
        let worst = ms(times.last().copied().unwrap_or_default());
        table.row(vec![
            name.to_owned(),
            format!("{median:.0}"),
            format!("{worst:.0}"),
            goal(median, limit, "ms"),
        ]);
    }
    let name = format!("resident when idle for {} s, MiB", IDLE.as_secs());
    table.row(vec![
        name,
        format!("{idle:.1}"),
        format!("{idle:.1}"),
        goal(idle, 40.0, "MiB"),
    ]);
    Ok(table)
}

/// Thirty days of the rehearsal clock with one multi-Region trail with validation.
pub(crate) async fn thirty_days(binary: &Path) -> Result<Table> {
    let folder = machine::directory()?;
    let mut server = Server::of(binary, &folder.path().join("data"), &["--rehearsal"]);
    server.launch()?;
    let client = server.client()?;
    let plan = TrailPlan {
        name: "bench",
        with_key: true,
        multi_region: true,
        validation: true,
        data_bucket: None,
    };
    let trail = client.create_trail(&plan).await?;
    let start = Instant::now();
    // A day at a time, as a patient user would: no answer has to be waited for longer than a client likes to.
    for _ in 0..30 {
        client
            .json("shoseki", "AdvanceClock", &json!({"Seconds": THIRTY_DAYS_S / 30}))
            .await?
            .ok()?;
    }
    let took = start.elapsed().as_secs_f64();
    let digests = client
        .list_keys(
            &trail.bucket,
            &format!("AWSLogs/{}/CloudTrail-Digest/", testkit::setup::ACCOUNT),
        )
        .await?;
    let peak = memory_mib(&server, "VmHWM")?;
    let mut table = Table::new(&["rehearsal", "found", "goal"]);
    table.row(vec![
        "30 days, 17 Regions, validation: s".to_owned(),
        format!("{took:.1}"),
        goal(took, 60.0, "s"),
    ]);
    table.row(vec![
        "digests written".to_owned(),
        digests.len().to_string(),
        String::new(),
    ]);
    table.row(vec!["most memory, MiB".to_owned(), format!("{peak:.0}"), String::new()]);
    Ok(table)
}
