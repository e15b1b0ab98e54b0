//! `shoseki account`: the accounts of a running server, by its CreateAccount and ListAccounts calls.

use crate::{
    client, env,
    operate::AsJson,
    style::{Style, say},
    table,
};
use anyhow::{Context, Result};
use base::Secret;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use server::{Announced, RootAccessKey};
use std::{path::PathBuf, process::ExitCode};
use wire::ServiceName;

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Make a further account, and show the access key of its root, once.
    Create(CreateArgs),
    /// List the accounts, and where the organization has them.
    List(ListArgs),
}

#[derive(Args)]
pub(crate) struct CreateArgs {
    /// Its number of twelve digits [default: a free one].
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// What people call it.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

pub(crate) async fn run(command: AccountCommand) -> Result<ExitCode> {
    match command {
        AccountCommand::Create(args) => create(args).await,
        AccountCommand::List(args) => list(args).await,
    }
}

async fn create(args: CreateArgs) -> Result<ExitCode> {
    let announced = env::announced(&args.data_dir)?;
    let mut input = Map::new();
    let given = [("Account", args.account), ("Name", args.name)];
    input.extend(
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into()))),
    );
    let made = client::of(&announced)?
        .json(ServiceName::Shoseki, "CreateAccount", &input.into())
        .await
        .context("the account could not be made")?;
    if args.output.json() {
        say(format_args!("{made:#}"));
        return Ok(ExitCode::SUCCESS);
    }
    let text = |name: &str| made[name].as_str().unwrap_or_default();
    let key = RootAccessKey {
        access_key_id: text("AccessKeyId").to_owned(),
        secret_access_key: Secret::new(text("SecretAccessKey").to_owned()),
    };
    show(&announced, text("Account"), text("Name"), &key);
    Ok(ExitCode::SUCCESS)
}

fn show(announced: &Announced, account: &str, name: &str, key: &RootAccessKey) {
    let style = Style::of_stdout();
    let called = match name {
        "" => String::new(),
        name => format!(" ({name})"),
    };
    say(style.bold(format_args!(
        "Account {account}{called}, with the access key of its root, shown this once."
    )));
    say("\nTo use it in a shell, paste:\n");
    for line in env::exports(announced, key) {
        say(format_args!("  {line}"));
    }
    say(format_args!(
        "\nOr keep it in ~/.aws/config, and say --profile {}:\n",
        profile_name(account, name)
    ));
    for line in profile(announced, account, name, key) {
        say(format_args!("  {line}"));
    }
}

/// A name that needs no quotes anywhere.
fn profile_name(account: &str, name: &str) -> String {
    let word = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(word).collect();
    match name.trim_matches('-') {
        "" => format!("shoseki-{account}"),
        name => name.to_owned(),
    }
}

fn profile(announced: &Announced, account: &str, name: &str, key: &RootAccessKey) -> Vec<String> {
    let mut lines = vec![
        format!("[profile {}]", profile_name(account, name)),
        format!("endpoint_url = {}", announced.endpoint),
        format!("region = {}", announced.region),
        format!("aws_access_key_id = {}", key.access_key_id),
        format!("aws_secret_access_key = {}", key.secret_access_key.expose()),
    ];
    lines.extend(
        announced
            .ca_bundle
            .iter()
            .map(|ca| format!("ca_bundle = {}", ca.display())),
    );
    lines
}

async fn list(args: ListArgs) -> Result<ExitCode> {
    let client = client::of(&env::announced(&args.data_dir)?)?;
    let mut accounts: Vec<Value> = Vec::new();
    let mut input = json!({});
    loop {
        let page = client.json(ServiceName::Shoseki, "ListAccounts", &input).await;
        let page = page.context("the accounts could not be listed")?;
        accounts.extend(page["Accounts"].as_array().into_iter().flatten().cloned());
        match page["NextToken"].as_str() {
            Some(token) => input = json!({ "NextToken": token }),
            None => break,
        }
    }
    if args.output.json() {
        say(format_args!("{:#}", json!({ "Accounts": accounts })));
        return Ok(ExitCode::SUCCESS);
    }
    let style = Style::of_stdout();
    for (at, line) in table::aligned(&rows(&accounts), &[]).into_iter().enumerate() {
        say(if at == 0 { style.dim(line) } else { line });
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(accounts: &[Value]) -> Vec<Vec<String>> {
    let in_organization = accounts.iter().any(|account| account["OrganizationPath"].is_string());
    let row = |account: &Value| {
        let text = |name: &str| account[name].as_str().unwrap_or("-").to_owned();
        let name = match (account["Name"].as_str().unwrap_or_default(), &account["First"]) {
            ("", Value::Bool(true)) => "(the first)".to_owned(),
            ("", _) => "-".to_owned(),
            (name, _) => name.to_owned(),
        };
        let created = account["Created"].as_f64().unwrap_or_default();
        let mut row = vec![text("Id"), name, base::Timestamp::from_secs_f64(created).to_string()];
        row.extend(in_organization.then(|| text("OrganizationPath")));
        row
    };
    let head = ["account", "name", "made", "in the organization"];
    let shown = if in_organization { 4 } else { 3 };
    let head = head.into_iter().take(shown).map(str::to_owned).collect();
    std::iter::once(head).chain(accounts.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_a_plain_name() {
        for (name, expected) in [
            ("", "shoseki-111122223333"),
            ("The Auditors", "the-auditors"),
            ("--", "shoseki-111122223333"),
            ("a'b", "a-b"),
        ] {
            assert_eq!(profile_name("111122223333", name), expected);
        }
    }

    #[test]
    fn the_organization_is_shown_where_there_is_one() {
        let account = json!({"Id": "000000000000", "Name": "", "Created": 0.0, "First": true});
        let made = "1970-01-01T00:00:00Z";
        assert_eq!(
            rows(std::slice::from_ref(&account)),
            [
                vec!["account", "name", "made"],
                vec!["000000000000", "(the first)", made]
            ]
        );
        let member =
            json!({"Id": "111122223333", "Name": "b", "Created": 0.0, "First": false, "OrganizationPath": "o/r/"});
        assert_eq!(
            rows(&[account, member])[1..],
            [
                vec!["000000000000", "(the first)", made, "-"],
                vec!["111122223333", "b", made, "o/r/"]
            ]
        );
    }
}
