//! What there is to call, as files beside the code tell it: the golden list of operations, and the tables of the guides.
//! `cargo xtask bless` writes them anew.

use crate::wiring::rooms;
use cloudformation::types::{Kind, Property};
use gateway::{EventClass, Route};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};
use wire::ServiceName;

const BEGIN: &str = "<!-- operations: written by `cargo xtask bless` -->\n";
const END: &str = "<!-- end of operations -->";
const BEGIN_TYPES: &str = "<!-- types: written by `cargo xtask bless` -->\n";
const END_TYPES: &str = "<!-- end of types -->";

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

/// The part of a guide between two marks.
fn between<'a>(file: &'a str, (begin, end): (&str, &str)) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = file.split_once(begin)?;
    let (inner, after) = rest.split_once(end)?;
    Some((before, inner, after))
}

/// Compares the part of a guide between two marks with what it should be, or writes it.
fn check_part(path: &str, now: &str, (begin, end): (&str, &str)) {
    check(
        path,
        now,
        |file| {
            between(file, (begin, end))
                .map(|parts| parts.1.to_owned())
                .unwrap_or_default()
        },
        |file| {
            let (before, _, after) = between(file, (begin, end)).unwrap();
            format!("{before}{begin}{now}{end}{after}")
        },
    );
}

fn check_guide(path: &str, service: ServiceName, names: &[&str]) {
    let now = table(service, names);
    let unknown = routes().filter(|route| route.service == service && !names.contains(&route.name));
    assert_eq!(unknown.map(|route| route.name).collect::<Vec<_>>(), [""; 0]);
    check_part(path, &now, (BEGIN, END));
}

/// The resource types of templates: what each has here, and what of AWS's it has not.
fn types() -> String {
    let mut text = String::new();
    for kind in cloudformation::types::ALL {
        let _ = writeln!(text, "\n### {}\n", kind.name);
        if !kind.properties.is_empty() {
            text.push_str("| property | holds | |\n|---|---|---|\n");
            properties(&mut text, "", kind.properties);
        }
        let attributes = match kind.attributes {
            [] => "nothing".to_owned(),
            attributes => quoted(attributes),
        };
        let _ = write!(text, "\n`Fn::GetAtt` gives {attributes}.");
        if !kind.unsupported.is_empty() {
            let _ = write!(text, " Refused by name: {}.", quoted(kind.unsupported));
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A row for each property, those of members below their own.
fn properties(text: &mut String, above: &str, all: &[Property]) {
    for property in all {
        let mut marks = Vec::new();
        if property.required {
            marks.push("required");
        }
        if property.create_only {
            marks.push("another value takes a new resource");
        }
        if property.write_only {
            marks.push("not read back");
        }
        let name = format!("{above}{}", property.name);
        let _ = writeln!(text, "| `{name}` | {} | {} |", holds(&property.kind), marks.join(", "));
        properties(text, &format!("{name}."), members(&property.kind));
    }
}

/// The members of an object, or of a list's objects.
fn members(kind: &Kind) -> &'static [Property] {
    match kind {
        Kind::Object(members) => members,
        Kind::List(of) | Kind::Set(of) => members(of),
        _ => &[],
    }
}

fn holds(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::OneOf(words) => quoted(words),
        Kind::Integer => "whole number".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Json => "document".to_owned(),
        Kind::List(of) => format!("list of: {}", holds(of)),
        Kind::Set(of) => format!("set of: {}", holds(of)),
        Kind::Object(_) => "members".to_owned(),
        Kind::Map => "texts by name".to_owned(),
    }
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
    check_guide(
        "docs/cloudformation.md",
        ServiceName::CloudFormation,
        wire::CLOUDFORMATION_OPERATIONS,
    );
}

#[test]
fn the_guide_tells_every_resource_type() {
    check_part("docs/cloudformation.md", &types(), (BEGIN_TYPES, END_TYPES));
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
