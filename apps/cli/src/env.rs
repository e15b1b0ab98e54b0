//! `shoseki env`: exports for a shell.

use crate::{operate::AsJson, style::say};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value};
use server::{Announced, RootAccessKey};
use std::{
    net::{TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct EnvArgs {
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

pub(crate) fn run(args: EnvArgs) -> Result<ExitCode> {
    let announced = announced(&args.data_dir)?;
    if args.output.json() {
        let variables = variables(&announced, &announced.key);
        let variables: Map<String, Value> = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        say(format_args!("{:#}", Value::Object(variables)));
        return Ok(ExitCode::SUCCESS);
    }
    for line in exports(&announced, &announced.key) {
        say(line);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the server of a data directory has announced, if it answers.
pub(crate) fn announced(data_dir: &Path) -> Result<Announced> {
    let announced = server::announced(data_dir)?;
    let (_, address) = announced.endpoint.split_once("://").unwrap_or_default();
    let reached = address.to_socket_addrs().and_then(|mut found| match found.next() {
        Some(found) => TcpStream::connect_timeout(&found, CONNECT_TIME_MAX),
        None => Err(std::io::ErrorKind::AddrNotAvailable.into()),
    });
    reached.with_context(|| {
        let (endpoint, dir) = (&announced.endpoint, data_dir.display());
        format!(
            "the server that used `{dir}` does not answer at {endpoint}; start it: shoseki serve --data-dir '{dir}'"
        )
    })?;
    Ok(announced)
}

/// What AWS's clients read to use the server by this access key.
fn variables(announced: &Announced, key: &RootAccessKey) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", announced.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", key.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret_access_key.expose().clone()),
        ("AWS_DEFAULT_REGION", announced.region.clone()),
    ];
    if let Some(ca) = &announced.ca_bundle {
        variables.push(("AWS_CA_BUNDLE", ca.display().to_string()));
    }
    variables
}

/// Lines with which a shell's AWS clients use the server by this access key.
pub(crate) fn exports(announced: &Announced, key: &RootAccessKey) -> Vec<String> {
    let line = |(name, value): (&str, String)| format!("export {name}={}", quoted(&value));
    variables(announced, key).into_iter().map(line).collect()
}

/// Quoted for any POSIX shell, where that is needed.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:+=@%,".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_when_a_shell_would_take_them_apart() {
        for (text, expected) in [
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("a/b+c=", "a/b+c="),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(x)", "'$(x)'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
