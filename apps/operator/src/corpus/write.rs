//! The corpus as a directory.

use super::{
    CaseInfo,
    case::{Case, all},
    cases,
    maker::{HOME, Maker, Object, Run, Status},
};
use base::Fault;
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What the AWS CLI printed about each case, by case and run. `cargo xtask bless` writes it.
const STOCK: &str = include_str!("stock.json");
/// What `shoseki trail verify` itself says about each, in the same form. `cargo xtask bless` writes it.
const OWN: &str = include_str!("own.json");
/// The version of the directory's form.
const FORMAT: u32 = 2;

/// What stands for itself in the names of files; all else is percent-encoded.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// Why the corpus was not written, or not all of it.
#[derive(Debug, Error)]
pub enum NotWritten {
    /// There is no such case.
    #[error("there is no case named {0}")]
    NoSuchCase(String),
    /// The folder holds something.
    #[error("{0} is not empty: the corpus is written into a folder of its own")]
    NotEmpty(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The corpus could not be made.
    #[error("cannot make the case {case}")]
    Fault {
        /// The case.
        case: &'static str,
        /// Why.
        #[source]
        source: Fault,
    },
}

/// Writes these cases, or all when none is named, into a folder that is empty or not there yet; gives what was written.
/// The folder's form is described in docs/tamper-corpus.md.
pub fn write(folder: &Path, names: &[String]) -> Result<Vec<CaseInfo>, NotWritten> {
    let wanted = cases();
    if let Some(unknown) = names.iter().find(|name| wanted.iter().all(|case| case.name != **name)) {
        return Err(NotWritten::NoSuchCase(unknown.clone()));
    }
    make_folder(folder)?;
    let mut entries = std::fs::read_dir(folder).map_err(io(folder))?;
    if entries.next().is_some() {
        return Err(NotWritten::NotEmpty(folder.to_owned()));
    }
    let wanted = |case: &&Case| names.is_empty() || names.iter().any(|name| name == case.name);
    let (stock, own) = (recorded(), own());
    for case in all().filter(wanted) {
        let told = (&stock["cases"][case.name], &own[case.name]);
        write_case(&folder.join(case.name), case, told)?;
    }
    let written: Vec<CaseInfo> = cases()
        .into_iter()
        .filter(|case| names.is_empty() || names.iter().any(|name| name == case.name))
        .collect();
    write_json(
        &folder.join("corpus.json"),
        &json!({
            "format": FORMAT,
            "validator": stock["validator"],
            "cases": written,
        }),
    )?;
    Ok(written)
}

/// What is recorded of the stock validator.
pub(super) fn recorded() -> Value {
    serde_json::from_str(STOCK).unwrap_or_default()
}

/// What is recorded of this program.
pub(super) fn own() -> Value {
    serde_json::from_str(OWN).unwrap_or_default()
}

fn write_case(folder: &Path, case: &'static Case, (stock, own): (&Value, &Value)) -> Result<(), NotWritten> {
    let fault = |source| NotWritten::Fault {
        case: case.name,
        source,
    };
    let mut maker = Maker::new().map_err(fault)?;
    (case.make)(&mut maker).map_err(fault)?;
    let runs = maker.runs.iter().enumerate();
    let runs: Vec<Value> = runs
        .map(|(number, run)| json_of_run(&maker, run, (&stock[number], &own[number])))
        .collect();
    let trail = &maker.trail;
    let events = maker.events.iter();
    let events: Vec<Value> = events
        .map(|(name, time)| json!({ "eventName": name, "eventTime": time.iso8601() }))
        .collect();
    let json = json!({
        "name": case.name,
        "valid": case.valid,
        "done": case.done,
        "careful": case.careful,
        "trail": {
            "arn": maker.arn(),
            "name": trail.name,
            "homeRegion": HOME,
            "account": trail.account,
            "bucket": maker.bucket,
            "prefix": trail.prefix,
            "organization": trail.organization,
        },
        "buckets": maker.buckets,
        "events": events,
        "status": maker.status.as_ref().map(json_of_status),
        "runs": runs,
    });
    make_folder(folder)?;
    write_json(&folder.join("case.json"), &json)?;
    write_json(&folder.join("public-keys.json"), &json_of_keys(&maker))?;
    for ((bucket, key), object) in &maker.objects {
        write_object(&folder.join("objects").join(bucket), key, object)?;
    }
    Ok(())
}

/// As GetTrailStatus has it, but for the times.
fn json_of_status(status: &Status) -> Value {
    json!({
        "IsLogging": status.is_logging,
        "StartLoggingTime": status.started.iso8601(),
        "StopLoggingTime": status.stopped.map(base::Timestamp::iso8601),
        "LatestDigestDeliveryTime": status.digest_delivered.iso8601(),
    })
}

fn json_of_run(maker: &Maker, run: &Run, (stock, own): (&Value, &Value)) -> Value {
    let mut arguments = vec![
        "--region".to_owned(),
        run.region.to_owned(),
        "--trail-arn".to_owned(),
        maker.arn(),
        "--start-time".to_owned(),
        run.start.iso8601(),
        "--end-time".to_owned(),
        run.end.iso8601(),
    ];
    for (flag, value) in [("--account-id", run.account), ("--s3-bucket", run.bucket)] {
        if let Some(value) = value {
            arguments.extend([flag.to_owned(), value.to_owned()]);
        }
    }
    json!({
        "region": run.region,
        "startTime": run.start.iso8601(),
        "endTime": run.end.iso8601(),
        "account": run.account,
        "bucket": run.bucket,
        "arguments": arguments,
        "stock": stock,
        "own": own,
    })
}

/// As ListPublicKeys answers it.
fn json_of_keys(maker: &Maker) -> Value {
    let keys = maker.keys.iter();
    let keys: Vec<Value> = keys
        .map(|key| {
            json!({
                "Value": STANDARD.encode(&key.der),
                "Fingerprint": key.fingerprint,
                "ValidityStartTime": key.from.iso8601(),
                "ValidityEndTime": key.until.iso8601(),
            })
        })
        .collect();
    json!({ "PublicKeyList": keys })
}

fn write_object(bucket: &Path, key: &str, object: &Object) -> Result<(), NotWritten> {
    let path = bucket.join(file_name(key));
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    std::fs::write(&path, &object.body).map_err(io(&path))?;
    if object.metadata.is_empty() {
        return Ok(());
    }
    let mut beside = path.into_os_string();
    beside.push(".metadata.json");
    write_json(Path::new(&beside), &json!(object.metadata))
}

/// The path of an object's file below the folder of its bucket.
fn file_name(key: &str) -> String {
    utf8_percent_encode(key, PLAIN).to_string()
}

fn write_json(path: &Path, value: &Value) -> Result<(), NotWritten> {
    std::fs::write(path, format!("{value:#}\n")).map_err(io(path))
}

fn make_folder(folder: &Path) -> Result<(), NotWritten> {
    std::fs::create_dir_all(folder).map_err(io(folder))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> NotWritten {
    let path = path.to_owned();
    move |source| NotWritten::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(file_name("a b/c%41?.gz"), "a%20b/c%2541%3F.gz");
        assert_eq!(file_name("証跡"), "%E8%A8%BC%E8%B7%A1");
    }

    /// What is recorded is of these cases: a new case is recorded by `cargo xtask bless`.
    #[test]
    fn the_answers_of_both_validators_are_recorded_for_every_run() {
        let stock = recorded();
        let recorded = stock["cases"].as_object().unwrap();
        let own = own();
        assert_eq!(recorded.len(), cases().len());
        assert_eq!(own.as_object().unwrap().len(), cases().len());
        for case in all() {
            let mut maker = Maker::new().unwrap();
            (case.make)(&mut maker).unwrap();
            let runs = recorded[case.name].as_array().unwrap();
            assert_eq!(runs.len(), maker.runs.len(), "{}", case.name);
            assert_eq!(own[case.name].as_array().unwrap().len(), runs.len(), "{}", case.name);
            for answer in runs.iter().flat_map(|run| [&run["quiet"], &run["verbose"]]) {
                assert!(
                    answer["exitStatus"].is_u64() && answer["stdout"].is_string(),
                    "{}",
                    case.name
                );
            }
        }
    }
}
