//! Every setting of the server, and where its value comes from: flags over `SHOSEKI_*` in the environment over the
//! configuration file (TOML) over the defaults.
//!
//! A setting has one name everywhere: `delivery_interval` in the file, `SHOSEKI_DELIVERY_INTERVAL` in the environment,
//! `--delivery-interval` as a flag. One thing only the file can say, for no line of text holds it: the table
//! `organization`. This file is the only place of this crate that reads the environment.

use crate::organization;
use base::{AccountId, Region};
use gateway::{AwsBehavior, Organization, Settings, settings::SnsEndpoints};
use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// What the server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, such as `127.0.0.1:4566`. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where everything is kept. Made at the first start.
    pub data_dir: PathBuf,
    /// The Region of calls that name none, and the one that `shoseki env` exports.
    pub region: Region,
    /// The Regions that are enabled beside the 17 of a standard account; in text separated by commas.
    pub regions: Vec<Region>,
    /// The account that the first start makes. At later starts, when given, it must be the same.
    pub account: Option<AccountId>,
    /// How often log files are delivered, such as `5m`; at least one second.
    pub delivery_interval: Duration,
    /// How long the window of one digest is, such as `1h`; at least one second.
    pub digest_interval: Duration,
    /// How far back LookupEvents reaches, such as `90d`; at least a day. What is older is dropped.
    pub event_history: Duration,
    /// `off`, `auto` (a local CA in the data directory) or `CERT,KEY` (two PEM files).
    pub tls: TlsMode,
    /// Whether `shoseki clock advance` may move time in this data directory.
    pub rehearsal: bool,
    /// `seeds` or `current`: as AWS was documented when this product was asked for, or as it is today.
    pub aws_behavior: AwsBehavior,
    /// Virtual hosts hang under this domain: `bucket.s3.DOMAIN`.
    pub domain: String,
    /// `loopback` or `any`: where SNS may send messages to.
    pub sns_endpoints: SnsEndpoints,
    /// Certificates (PEM) of the roots that endpoints of https must be known to; without it the system's.
    pub sns_ca_bundle: Option<PathBuf>,
    /// The organization that accounts of this server belong to, with the policies above them.
    pub organization: Option<Organization>,
}

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// By a certificate of a CA that the data directory keeps.
    Auto,
    /// By this certificate (chain) and key.
    Files {
        /// The certificate, and those that lead from it to its root.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// Not at all.
    Off,
}

/// A setting that cannot be taken, and where it stands.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct ConfigError {
    place: String,
    why: String,
}

/// A configuration file as it was read.
struct ConfigFile {
    /// Its name, for errors.
    place: String,
    text: String,
    /// Where the files lie that it names.
    folder: PathBuf,
}

/// The table that only the file can have.
const ORGANIZATION: &str = "organization";

/// The names of all settings that are text, in the order of the documentation.
pub const NAMES: [&str; 14] = [
    "listen",
    "data_dir",
    "region",
    "regions",
    "account",
    "delivery_interval",
    "digest_interval",
    "event_history",
    "tls",
    "rehearsal",
    "aws_behavior",
    "domain",
    "sns_endpoints",
    "sns_ca_bundle",
];

/// Where to listen when nothing is said.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 4566);

/// No interval is shorter.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// No event history is shorter.
const HISTORY_MIN: Duration = Duration::from_secs(86_400);

impl Default for Config {
    fn default() -> Config {
        let settings = Settings::standard();
        Config {
            listen: SocketAddr::from(LISTEN),
            data_dir: PathBuf::from("shoseki-data"),
            region: settings.region,
            regions: Vec::new(),
            account: None,
            delivery_interval: settings.delivery_interval,
            digest_interval: settings.digest_interval,
            event_history: settings.event_history,
            tls: TlsMode::Off,
            rehearsal: settings.rehearsal,
            aws_behavior: settings.aws_behavior,
            domain: settings.domain,
            sns_endpoints: settings.sns_endpoints,
            sns_ca_bundle: None,
            organization: None,
        }
    }
}

impl ConfigFile {
    fn read(path: &Path) -> Result<ConfigFile, ConfigError> {
        let place = format!("configuration file `{}`", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| fault(&place, e))?;
        Ok(ConfigFile {
            place,
            text,
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        })
    }
}

impl Config {
    /// The defaults with another data directory and a free port: what tests start with.
    pub fn at(data_dir: impl Into<PathBuf>) -> Config {
        Config {
            listen: SocketAddr::from((LISTEN.0, 0)),
            data_dir: data_dir.into(),
            ..Config::default()
        }
    }

    /// Reads file and environment and puts the flags, given as names and texts, on top of them.
    pub fn load(config_file: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Result<Config, ConfigError> {
        let environment = NAMES
            .into_iter()
            .filter_map(|name| Some((name, variable(&variable_of(name))?)));
        let file = config_file.or_else(|| variable("SHOSEKI_CONFIG").map(PathBuf::from));
        let file = file.map(|path| ConfigFile::read(&path)).transpose()?;
        Config::layered(file, environment.collect(), flags)
    }

    fn layered(
        file: Option<ConfigFile>,
        environment: Vec<(&'static str, String)>,
        flags: Vec<(&'static str, String)>,
    ) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        if let Some(file) = file {
            config.take(&file)?;
        }
        for (name, text) in environment {
            config
                .set(name, &text)
                .map_err(|why| fault(&format!("environment variable {}", variable_of(name)), why))?;
        }
        for (name, text) in flags {
            config
                .set(name, &text)
                .map_err(|why| fault(&format!("flag --{}", name.replace('_', "-")), why))?;
        }
        config.check_region()?;
        Ok(config)
    }

    fn take(&mut self, file: &ConfigFile) -> Result<(), ConfigError> {
        let place = &file.place;
        let table: toml::Table = file
            .text
            .parse()
            .map_err(|e: toml::de::Error| fault(place, e.to_string().trim_end()))?;
        for (name, value) in &table {
            if name == ORGANIZATION {
                let organization = organization::parse(value, &file.folder);
                self.organization = Some(organization.map_err(|(at, why)| fault(&format!("{place}, `{at}`"), why))?);
                continue;
            }
            let set = text_of(value).and_then(|text| self.set(name, &text));
            set.map_err(|why| fault(&format!("{place}, `{name}`"), why))?;
        }
        Ok(())
    }

    /// The default Region must be one that is enabled; a slip in its name would otherwise make a Region.
    fn check_region(&self) -> Result<(), ConfigError> {
        let standard = gateway::settings::standard_regions();
        if standard
            .iter()
            .chain(&self.regions)
            .any(|region| *region == self.region)
        {
            return Ok(());
        }
        let why = format!(
            "`{}` is not an enabled Region; name one of the standard account's, or enable it with --regions too",
            self.region
        );
        Err(fault("region", why))
    }

    /// Sets one setting from its text.
    fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        match name {
            "listen" => self.listen = parsed(text, "an address and a port, such as 127.0.0.1:4566")?,
            "data_dir" => self.data_dir = not_empty(text)?.into(),
            "region" => self.region = parsed(text, "a Region, such as us-east-1")?,
            "regions" => self.regions = list(text, "Regions, such as me-south-1")?,
            "account" => self.account = Some(parsed(text, "an account id of twelve digits")?),
            "delivery_interval" => self.delivery_interval = interval(text)?,
            "digest_interval" => self.digest_interval = interval(text)?,
            "event_history" => self.event_history = history(text)?,
            "tls" => self.tls = tls_mode(text)?,
            "rehearsal" => self.rehearsal = parsed(text, "true or false")?,
            "aws_behavior" => self.aws_behavior = aws_behavior(text)?,
            "domain" => self.domain = domain(text)?,
            "sns_endpoints" => self.sns_endpoints = sns_endpoints(text)?,
            "sns_ca_bundle" => self.sns_ca_bundle = Some(not_empty(text)?.into()),
            _ => return Err("there is no such setting".to_owned()),
        }
        Ok(())
    }

    /// What rooms may read of it. `first_account` is the data directory's.
    pub(crate) fn settings(&self, first_account: AccountId) -> Settings {
        let mut regions = gateway::settings::standard_regions();
        regions.extend(self.regions.iter().cloned().chain([self.region.clone()]));
        regions.sort();
        regions.dedup();
        Settings {
            region: self.region.clone(),
            first_account,
            regions,
            domain: self.domain.clone(),
            aws_behavior: self.aws_behavior,
            delivery_interval: self.delivery_interval,
            digest_interval: self.digest_interval,
            event_history: self.event_history,
            endpoint: String::new(),
            sns_endpoints: self.sns_endpoints,
            rehearsal: self.rehearsal,
            organization: self.organization.clone(),
        }
    }
}

fn fault(place: &str, why: impl fmt::Display) -> ConfigError {
    ConfigError {
        place: place.to_owned(),
        why: why.to_string(),
    }
}

fn variable_of(name: &str) -> String {
    format!("SHOSEKI_{}", name.to_ascii_uppercase())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the server's one door to the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// A value of the file as the text that flags and environment would give.
fn text_of(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        toml::Value::Array(items) => Ok(items.iter().map(text_of).collect::<Result<Vec<_>, _>>()?.join(",")),
        other => Err(format!("is a TOML {}; write it as text in quotes", other.type_str())),
    }
}

fn parsed<T: std::str::FromStr>(text: &str, wanted: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not {wanted}"))
}

fn not_empty(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        Err("is empty".to_owned())
    } else {
        Ok(text)
    }
}

fn list<T: std::str::FromStr>(text: &str, wanted: &str) -> Result<Vec<T>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| parsed(item, wanted))
        .collect()
}

fn interval(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        span if span < INTERVAL_MIN => Err(format!("`{text}` is shorter than a second")),
        span => Ok(span),
    }
}

fn history(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        span if span < HISTORY_MIN => Err(format!("`{text}` is shorter than a day")),
        span => Ok(span),
    }
}

fn tls_mode(text: &str) -> Result<TlsMode, String> {
    match text {
        "off" => Ok(TlsMode::Off),
        "auto" => Ok(TlsMode::Auto),
        files => match files.split_once(',') {
            Some((cert, key)) if !cert.is_empty() && !key.is_empty() => Ok(TlsMode::Files {
                cert: cert.into(),
                key: key.into(),
            }),
            _ => Err(format!("`{text}` is not off, auto or CERT,KEY (two PEM files)")),
        },
    }
}

fn aws_behavior(text: &str) -> Result<AwsBehavior, String> {
    match text {
        "seeds" => Ok(AwsBehavior::Seeds),
        "current" => Ok(AwsBehavior::Current),
        _ => Err(format!("`{text}` is not seeds or current")),
    }
}

fn sns_endpoints(text: &str) -> Result<SnsEndpoints, String> {
    match text {
        "any" => Ok(SnsEndpoints::Any),
        "loopback" => Ok(SnsEndpoints::Loopback),
        "private" => Ok(SnsEndpoints::Private),
        _ => Err(format!("`{text}` is not loopback, private or any")),
    }
}

fn domain(text: &str) -> Result<String, String> {
    let shaped = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let name = text.to_ascii_lowercase();
    if name.len() <= 190 && name.split('.').all(shaped) {
        Ok(name)
    } else {
        Err(format!("`{text}` is not a domain name"))
    }
}

/// Parses a span of time: whole numbers with `s`, `m`, `h` or `d`, such as `90s`, `5m` or `1h30m`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration, such as 30s, 5m, 1h or 30d");
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit = match tail.chars().next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        seconds = number
            .checked_mul(unit)
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(wrong)?;
        rest = tail.get(1..).unwrap_or_default();
    }
    // A century is enough for every setting, and no sum of times overflows.
    if text.is_empty() || seconds > 100 * 366 * 86_400 {
        Err(wrong())
    } else {
        Ok(Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(parse_duration(text).ok().map(|d| d.as_secs()), seconds, "{text}");
        };
        check("2s", Some(2));
        check("5m", Some(300));
        check("1h30m", Some(5_400));
        check("30d", Some(2_592_000));
        check("0s", Some(0));
        for wrong in [
            "",
            "5",
            "m",
            "5x",
            "-5m",
            "5 m",
            "1.5h",
            "5µ",
            "99999999999999999999d",
            "1h-1m",
            "99999d",
        ] {
            check(wrong, None);
        }
    }

    fn layers(
        file: &str,
        environment: &[(&'static str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Config, String> {
        let own = |pairs: &[(&'static str, &str)]| pairs.iter().map(|(n, t)| (*n, (*t).to_owned())).collect();
        let file = ConfigFile {
            place: "file".to_owned(),
            text: file.to_owned(),
            folder: PathBuf::new(),
        };
        Config::layered(Some(file), own(environment), own(flags)).map_err(|e| e.to_string())
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let file = r#"
            delivery_interval = "1s"
            digest_interval = "2s"
            region = "eu-west-1"
            regions = ["me-south-1", "af-south-1"]
            rehearsal = true
        "#;
        let config = layers(
            file,
            &[("digest_interval", "3s"), ("region", "eu-west-2")],
            &[("region", "eu-west-3")],
        );
        let config = config.unwrap();
        assert_eq!(config.delivery_interval, Duration::from_secs(1));
        assert_eq!(config.digest_interval, Duration::from_secs(3));
        assert_eq!(config.region.as_str(), "eu-west-3");
        assert!(config.rehearsal);
        assert_eq!(config.listen, Config::default().listen);
        let settings = config.settings(AccountId::FIRST);
        assert_eq!(settings.regions.len(), 19);
        assert!(settings.regions.is_sorted());
    }

    #[test]
    fn what_cannot_be_taken_is_named_with_its_place() {
        let check = |result: Result<Config, String>, expected: &str| {
            assert_eq!(result.map(|c| format!("{c:?}")), Err(expected.to_owned()));
        };
        check(
            layers("colour = 1", &[], &[]),
            "file, `colour`: is a TOML integer; write it as text in quotes",
        );
        check(
            layers("colour = \"red\"", &[], &[]),
            "file, `colour`: there is no such setting",
        );
        check(
            layers("[listen]", &[], &[]),
            "file, `listen`: is a TOML table; write it as text in quotes",
        );
        check(
            layers("", &[("tls", "on")], &[]),
            "environment variable SHOSEKI_TLS: `on` is not off, auto or CERT,KEY (two PEM files)",
        );
        check(
            layers("", &[], &[("delivery_interval", "0s")]),
            "flag --delivery-interval: `0s` is shorter than a second",
        );
        check(
            layers("event_history = \"23h\"", &[], &[]),
            "file, `event_history`: `23h` is shorter than a day",
        );
        check(
            layers("", &[], &[("domain", "a..b")]),
            "flag --domain: `a..b` is not a domain name",
        );
        check(
            layers("", &[], &[("account", "12")]),
            "flag --account: `12` is not an account id of twelve digits",
        );
        check(
            layers("", &[], &[("region", "mars-north-1")]),
            "region: `mars-north-1` is not an enabled Region; name one of the standard account's, or enable it with --regions too",
        );
        check(
            layers("organization = true", &[], &[]),
            "file, `organization`: invalid type: boolean `true`, expected a table",
        );
        let why = layers("[organization]\nid = \"o-1\"\nmanagement_account = \"1\"", &[], &[]).unwrap_err();
        assert!(why.starts_with("file, `organization.id`: `o-1` is not o-"), "{why}");
        assert!(layers("regions = \"mars-north-1\"", &[], &[("region", "mars-north-1")]).is_ok());
        assert!(layers("x", &[], &[]).unwrap_err().starts_with("file: TOML parse error"));
    }

    #[test]
    fn every_name_is_a_setting() {
        for name in NAMES {
            let why = Config::default().set(name, "\0").err();
            assert_ne!(why.as_deref(), Some("there is no such setting"), "{name}");
        }
    }
}
