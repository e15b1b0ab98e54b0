//! The table of docs/tamper-corpus.md, as it follows from the cases and from what is recorded. `cargo xtask bless` writes it.

use super::{
    cases,
    write::{own, recorded},
};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write, path::Path};

const PAGE: &str = "../../docs/tamper-corpus.md";
const BEGIN: &str = "<!-- cases: written by `cargo xtask bless` -->\n";
const END: &str = "<!-- end of cases -->";

/// What the stock validator makes of a run, in few words.
fn verdict(answer: &Value) -> Vec<String> {
    let (out, err) = (answer["stdout"].as_str().unwrap(), answer["stderr"].as_str().unwrap());
    let status = answer["exitStatus"].as_u64().unwrap();
    if status > 1 {
        return vec![format!("stops: `{}`", err.trim())];
    }
    let mut said = Vec::new();
    for line in err.lines().filter(|line| !line.is_empty()) {
        match line.rsplit_once("\tINVALID: ") {
            Some((_, reason)) => {
                let reason = reason
                    .split(" for fingerprint")
                    .next()
                    .unwrap()
                    .split(" with fingerprint")
                    .next();
                said.push(format!("INVALID: {}", reason.unwrap()));
            }
            None => said.push("tells of a gap".to_owned()),
        }
    }
    match (said.is_empty(), out.contains("No digests found")) {
        (true, true) => said.push("passes: no digests found".to_owned()),
        (true, false) => said.push("passes".to_owned()),
        (false, _) if status == 0 => said.push("passes".to_owned()),
        (false, _) => {}
    }
    said
}

/// What this program makes of a run.
fn own_verdict(said: &Value) -> String {
    let findings = said["findings"].as_array().unwrap().iter();
    let findings: Vec<&str> = findings.map(|kind| kind.as_str().unwrap()).collect();
    let verdict = said["verdict"].as_str().unwrap();
    match findings.is_empty() {
        true => verdict.to_owned(),
        false => format!("{verdict}: {}", findings.join(", ")),
    }
}

fn table() -> String {
    let (recorded, own) = (recorded(), own());
    let mut table = String::from(
        "| case | what was done | what a careful validator says | what the AWS CLI says | what `shoseki trail verify` says |\n|---|---|---|---|---|\n",
    );
    for case in cases() {
        let runs = recorded["cases"][case.name].as_array().unwrap().iter();
        let said: BTreeSet<String> = runs.flat_map(|run| verdict(&run["quiet"])).collect();
        let said = said.into_iter().collect::<Vec<_>>().join("; ");
        let missed = !case.valid && said.starts_with("passes");
        let said = if missed { format!("**{said}**") } else { said };
        let ours: BTreeSet<String> = own[case.name].as_array().unwrap().iter().map(own_verdict).collect();
        let ours = ours.into_iter().collect::<Vec<_>>().join("; ");
        let _ = writeln!(
            table,
            "| {} | {} | {} | {said} | {ours} |",
            case.name, case.done, case.careful
        );
    }
    let missed = table.lines().filter(|line| line.contains("**passes")).count();
    let (count, sound) = (cases().len(), cases().iter().filter(|case| case.valid).count());
    let validator = recorded["validator"].as_str().unwrap();
    format!(
        "{count} cases, {sound} of them sound. The last column but one is that of {validator}; where it is in bold ({missed} cases), \
         the AWS CLI passes what is not in order. The last is the verdict of this program without `--compat`, with the kinds of what it found.\n\n{table}"
    )
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by the environment whether to bless"
)]
fn the_table_of_the_page_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (told, after) = rest.split_once(END).unwrap();
    let now = table();
    if std::env::var_os("SHOSEKI_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{now}{END}{after}")).unwrap();
        return;
    }
    let new: Vec<&str> = now
        .lines()
        .filter(|line| !told.lines().any(|other| other == *line))
        .collect();
    assert!(
        told == now,
        "docs/tamper-corpus.md: new is {new:#?}; if that is meant: cargo xtask bless"
    );
}
