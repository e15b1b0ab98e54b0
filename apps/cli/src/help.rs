//! What a command says of itself: help, manual pages, completions. All of it comes from the declarations of the commands;
//! here are only the groups they are shown in, and the examples and exit statuses of those that do not declare their own.

use crate::{Cli, style::say};
use anyhow::{Context, Result, bail};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use std::{fmt::Write as _, io::Write, path::PathBuf, process::ExitCode};

/// The groups that `shoseki --help` shows commands in. What is in none is shown last.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "The server",
        &[
            "serve", "demo", "env", "console", "clock", "account", "ingest", "rootkey", "fsck",
        ],
    ),
    ("Trails", &["trail", "template", "check", "plan", "guard", "cost"]),
    ("Evidence", &["search", "explain", "access", "corpus"]),
    ("This program", &["completions", "man"]),
];

/// Examples and exit statuses, by the words of the command.
const MORE: [(&str, &str, &str); 15] = [
    (
        "serve",
        "  shoseki serve --data-dir ./data\n  shoseki serve --listen 127.0.0.1:0 --rehearsal",
        "0 told to stop; 1 could not start; 2 wrong usage; 70 the store takes no more writes until the next start.",
    ),
    (
        "demo",
        "  shoseki demo",
        "0 all of it went as it must; 1 failed; 2 wrong usage.",
    ),
    (
        "env",
        "  eval \"$(shoseki env --data-dir ./data)\"\n  shoseki env --output json",
        "0 printed; 1 no server answers; 2 wrong usage.",
    ),
    (
        "console",
        "  shoseki console --data-dir ./data",
        "0 printed; 1 no server answers; 2 wrong usage.",
    ),
    (
        "clock advance",
        "  shoseki clock advance 1h\n  shoseki clock advance 30d --data-dir ./data",
        SERVER,
    ),
    (
        "account create",
        "  shoseki account create --account 111111111111 --name logs",
        SERVER,
    ),
    (
        "account list",
        "  shoseki account list\n  shoseki account list --output json",
        SERVER,
    ),
    (
        "ingest",
        "  shoseki ingest ./events --channel app --state ./ingested\n  zcat *.json.gz | shoseki ingest",
        "0 all records are in; 1 failed, or a file could not be read; 2 wrong usage; 3 some records were refused.",
    ),
    (
        "fsck",
        "  shoseki fsck --data-dir ./data\n  shoseki fsck --data-dir ./data --repair",
        "0 nothing is wrong; 1 something is, repaired or not; 2 the check could not be made, or wrong usage.",
    ),
    ("rootkey rotate", "  shoseki rootkey rotate", SERVER),
    ("rootkey status", "  shoseki rootkey status --output json", SERVER),
    (
        "explain",
        "  shoseki explain 3f2c1a4e-0000-4000-8000-000000000000\n  shoseki explain EVENT-ID --change 1 > policy.json",
        SERVER,
    ),
    (
        "access",
        "  shoseki access --trail audit\n  shoseki access --key alias/audit --with-change key-policy.json",
        SERVER,
    ),
    (
        "completions",
        "  shoseki completions bash > ~/.local/share/bash-completion/completions/shoseki\n  source <(shoseki completions zsh)",
        "0 printed; 2 wrong usage.",
    ),
    (
        "man",
        "  shoseki man search | man -l -\n  shoseki man --dir /usr/local/share/man/man1",
        "0 printed or written; 1 could not be written; 2 wrong usage.",
    ),
];

const SERVER: &str = "0 done; 1 no server answers, or it refused; 2 wrong usage.";

const EXIT_STATUS: &str = "\
Exit status: 0 good; 1 failed; 2 wrong usage; 3 it worked and found something (drift, a wrong file, a failed control); \
130 interrupted. Each command says its own. Colours are for terminals, and never when NO_COLOR is set.";

/// The whole command line.
pub(crate) fn command() -> Command {
    let mut command = Cli::command();
    for (path, examples, status) in MORE {
        let text = format!("Examples:\n{examples}\n\nExit status: {status}");
        let words: Vec<&str> = path.split(' ').collect();
        command = at(command, &words, &|command| command.after_help(text.clone()));
    }
    let template = format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n{}\nOptions:\n{{options}}{{after-help}}",
        grouped(&command)
    );
    command.help_template(template).after_help(EXIT_STATUS)
}

/// Changes the command of this path, when there is one.
fn at(command: Command, path: &[&str], change: &dyn Fn(Command) -> Command) -> Command {
    match path {
        [] => change(command),
        [first, rest @ ..] if command.find_subcommand(first).is_some() => {
            command.mut_subcommand(*first, |command| at(command, rest, change))
        }
        _ => command,
    }
}

fn grouped(command: &Command) -> String {
    let names = command.get_subcommands().map(Command::get_name);
    let in_none: Vec<&str> = names
        .filter(|name| !GROUPS.iter().any(|(_, group)| group.contains(name)))
        .collect();
    let groups = GROUPS
        .iter()
        .map(|(title, names)| (*title, *names))
        .chain([("Others", in_none.as_slice())]);
    let mut text = String::new();
    for (title, names) in groups {
        let commands: Vec<&Command> = names.iter().filter_map(|name| command.find_subcommand(name)).collect();
        if commands.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{title}:");
        for command in commands {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {:<12} {}", command.get_name(), about.trim_end_matches('.'));
        }
    }
    text
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "shoseki", &mut text);
    let _ = std::io::stdout().write_all(&text);
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
pub(crate) struct ManArgs {
    /// The command, such as `trail setup` [default: the program itself].
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    words: Vec<String>,
    /// Write the pages of all commands into this directory.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn man(args: &ManArgs) -> Result<ExitCode> {
    if let Some(dir) = &args.dir {
        let what = || format!("the pages could not be written to `{}`", dir.display());
        std::fs::create_dir_all(dir).with_context(what)?;
        let mut pages = Vec::new();
        page_names(&built(), &mut pages);
        for (name, page) in &pages {
            std::fs::write(dir.join(format!("{name}.1")), page).with_context(what)?;
        }
        say(format_args!("{} pages in {}", pages.len(), dir.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let root = built();
    let mut command = &root;
    for word in &args.words {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None => bail!(
                "there is no command `{}`; shoseki --help lists them",
                args.words.join(" ")
            ),
        }
    }
    let _ = std::io::stdout().write_all(&page(command));
    Ok(ExitCode::SUCCESS)
}

/// The command line with what clap adds to every command. A page's own list of commands is not grouped.
fn built() -> Command {
    let mut command = command().help_template("{about}");
    command.build();
    command
}

/// The pages of a command and of all below it: `shoseki-trail-setup`.
fn page_names(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    pages.push((name.to_owned(), page(command)));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        page_names(inner, pages);
    }
}

fn page(command: &Command) -> Vec<u8> {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let mut text = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .render(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves<'a>(command: &'a Command, path: &str, found: &mut Vec<(String, &'a Command)>) {
        let inner: Vec<&Command> = command.get_subcommands().collect();
        if inner.is_empty() {
            found.push((path.trim().to_owned(), command));
        }
        inner
            .iter()
            .for_each(|inner| leaves(inner, &format!("{path} {}", inner.get_name()), found));
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_gives_examples_and_its_exit_statuses() {
        let command = command();
        let mut found = Vec::new();
        leaves(&command, "", &mut found);
        assert!(found.len() > 10);
        for (path, command) in found {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let long = command
                .get_after_long_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let text = (text + &long).to_lowercase();
            assert!(text.contains("exit status"), "`{path}` does not say its exit statuses");
            assert!(text.contains(&format!("shoseki {path}")), "`{path}` has no example");
        }
    }

    #[test]
    fn every_text_here_is_of_a_command_that_is_there() {
        let command = command();
        let mut found = Vec::new();
        leaves(&command, "", &mut found);
        for (path, _, _) in MORE {
            assert!(found.iter().any(|(leaf, _)| leaf == path), "{path}");
        }
    }

    #[test]
    fn each_command_is_in_the_help_once() {
        let command = command();
        let text = grouped(&command);
        for inner in command.get_subcommands() {
            let start = format!("\n  {:<12} ", inner.get_name());
            assert_eq!(text.matches(&start).count(), 1, "{start}");
        }
    }
}
