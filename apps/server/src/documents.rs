//! What there is to call, as files beside the code tell it: the golden list of operations, and the tables of the guides.
//! `cargo xtask bless` writes them anew.

use crate::wiring::rooms;
use gateway::{EventClass, Route};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};
use wire::ServiceName;

const BEGIN: &str = "<!-- operations: written by `cargo xtask bless` -->\n";
const END: &str = "<!-- end of operations -->";

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn routes() -> impl Iterator<Item = &'static Route> {
    rooms().into_iter().flatten()
}

fn listing() -> String {
    let class = |event: EventClass| match event {
        EventClass::Management { read_only: true } => "management read".to_owned(),
        EventClass::Management { read_only: false } => "management write".to_owned(),
        EventClass::Data {
            resource_type,
            read_only,
        } => format!("data {} {resource_type}", if read_only { "read" } else { "write" }),
        EventClass::None => "no event".to_owned(),
    };
    let mut lines: Vec<String> = routes()
        .map(|route| {
            format!(
                "{} {} {}\n",
                route.service.signing_name(),
                route.name,
                class(route.event)
            )
        })
        .collect();
    lines.sort();
    lines.concat()
}

/// Every operation that AWS has in a service, and how much of it is here.
fn table(service: ServiceName, names: &[&str]) -> String {
    let mut table = String::from("| operation | here | what is missing |\n|---|---|---|\n");
    for name in names {
        let route = routes().find(|route| route.service == service && route.name == *name);
        let (state, missing) = match route {
            Some(route) if route.missing.is_empty() => ("complete", ""),
            Some(route) => ("partial", route.missing),
            None => ("refused", "by its name"),
        };
        let _ = writeln!(table, "| {name} | {state} | {missing} |");
    }
    table
}

/// Compares what follows from the code with what a file says, or writes it.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by the environment whether to bless"
)]
fn check(path: &str, now: &str, told: impl Fn(&str) -> String, written: impl Fn(&str) -> String) {
    let file = std::fs::read_to_string(in_tree(path)).unwrap_or_default();
    if std::env::var_os("SHOSEKI_BLESS").is_some() {
        std::fs::write(in_tree(path), written(&file)).unwrap();
        return;
    }
    let golden = told(&file);
    let missing: Vec<&str> = golden.lines().filter(|line| !now.lines().any(|l| l == *line)).collect();
    let new: Vec<&str> = now.lines().filter(|line| !golden.lines().any(|l| l == *line)).collect();
    assert!(
        now == golden,
        "{path}: no longer so: {missing:#?}\nnew: {new:#?}\nif that is meant: cargo xtask bless -p server"
    );
}

/// The part of a guide between its marks.
fn between(file: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = file.split_once(BEGIN)?;
    let (inner, after) = rest.split_once(END)?;
    Some((before, inner, after))
}

fn check_guide(path: &str, service: ServiceName, names: &[&str]) {
    let now = table(service, names);
    let unknown = routes().filter(|route| route.service == service && !names.contains(&route.name));
    assert_eq!(unknown.map(|route| route.name).collect::<Vec<_>>(), [""; 0]);
    check(
        path,
        &now,
        |file| between(file).map(|parts| parts.1.to_owned()).unwrap_or_default(),
        |file| {
            let (before, _, after) = between(file).unwrap();
            format!("{before}{BEGIN}{now}{END}{after}")
        },
    );
}

/// What there is to call, and what each call leaves in the record.
#[test]
fn the_operations_are_those_of_the_golden_file() {
    let now = listing();
    check("dev/golden/operations.txt", &now, str::to_owned, |_| now.clone());
}

#[test]
fn the_guides_tell_every_operation() {
    check_guide("docs/kms.md", ServiceName::Kms, kms::AWS_OPERATIONS);
    check_guide("docs/s3.md", ServiceName::S3, &wire::s3_operation_names());
    check_guide("docs/trails.md", ServiceName::CloudTrail, wire::CLOUDTRAIL_OPERATIONS);
    check_guide("docs/logs.md", ServiceName::Logs, wire::LOGS_OPERATIONS);
    check_guide("docs/sns.md", ServiceName::Sns, wire::SNS_OPERATIONS);
}

#[test]
fn no_operation_is_there_twice() {
    let mut names: Vec<_> = routes()
        .map(|route| (route.service.signing_name(), route.name))
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
