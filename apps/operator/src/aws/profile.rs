//! AWS's shared files: `config` and `credentials`.
//!
//! SPEC: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;

type Section = BTreeMap<String, String>;

/// What the two files say, profile by profile.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profiles {
    profiles: BTreeMap<String, Section>,
    sso_sessions: BTreeMap<String, Section>,
    services: BTreeMap<String, Section>,
}

impl Profiles {
    /// Out of the texts of both files. What one profile says in both is as `credentials` says it. Lines that mean nothing are
    /// left out, as AWS's clients do.
    pub fn parse(config: &str, credentials: &str) -> Profiles {
        let mut profiles = Profiles::default();
        for (name, section) in sections(config) {
            let (kind, name) = name.split_once(char::is_whitespace).unwrap_or(("", name.as_str()));
            let into = match (kind, name.trim()) {
                ("", "default") | ("profile", _) => &mut profiles.profiles,
                ("sso-session", _) => &mut profiles.sso_sessions,
                ("services", _) => &mut profiles.services,
                _ => continue,
            };
            into.entry(name.trim().to_owned()).or_default().extend(section);
        }
        for (name, section) in sections(credentials) {
            profiles.profiles.entry(name).or_default().extend(section);
        }
        profiles
    }

    /// Whether there is such a profile.
    pub fn has(&self, profile: &str) -> bool {
        self.profiles.contains_key(profile)
    }

    /// A setting of a profile.
    pub fn value(&self, profile: &str, name: &str) -> Option<&str> {
        value(&self.profiles, profile, name)
    }

    /// A setting of an `sso-session`.
    pub(super) fn of_sso_session(&self, session: &str, name: &str) -> Option<&str> {
        value(&self.sso_sessions, session, name)
    }

    /// A setting for one service, in the `services` section that the profile names.
    pub(super) fn of_service(&self, profile: &str, service: &str, name: &str) -> Option<&str> {
        let section = self.value(profile, "services")?;
        value(&self.services, section, &format!("{service}.{name}"))
    }
}

fn value<'a>(sections: &'a BTreeMap<String, Section>, section: &str, name: &str) -> Option<&'a str> {
    let value = sections.get(section)?.get(name)?;
    (!value.is_empty()).then_some(value.as_str())
}

/// The sections in order, with their settings; a nested setting is `outer.inner`.
fn sections(text: &str) -> Vec<(String, Section)> {
    let mut found: Vec<(String, Section)> = Vec::new();
    let mut outer = String::new();
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            found.push((name.trim().to_owned(), Section::new()));
            continue;
        }
        let (Some((_, section)), Some((name, value))) = (found.last_mut(), line.split_once('=')) else {
            continue;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), without_comment(value));
        if is_nested && !outer.is_empty() {
            section.insert(format!("{outer}.{name}"), value.to_owned());
            continue;
        }
        outer.clear();
        if value.is_empty() {
            outer.clone_from(&name);
        }
        section.insert(name, value.to_owned());
    }
    found
}

/// A comment after a value begins with a blank.
fn without_comment(value: &str) -> &str {
    let end = [" #", " ;", "\t#", "\t;"]
        .iter()
        .filter_map(|mark| value.find(mark))
        .min();
    value.get(..end.unwrap_or(value.len())).unwrap_or(value).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read_as_one() {
        let config = "
# all
[default]
region = eu-west-1   # near
output=json
[profile  audit]
role_arn = arn:aws:iam::1:role/x
source_profile=default
services = local
endpoint_url = http://127.0.0.1:1
[services local]
s3 =
  endpoint_url = http://127.0.0.1:2
  addressing_style = path
cloudwatch_logs =
  endpoint_url = http://127.0.0.1:3
[sso-session corp]
sso_region = us-east-1
[nonsense]
region = x
no line
";
        let credentials =
            "[default]\naws_access_key_id = AKIA\naws_secret_access_key = a=b#c\nregion = eu-west-2\n[other]\n";
        let profiles = Profiles::parse(config, credentials);
        assert_eq!(profiles.value("default", "region"), Some("eu-west-2"));
        assert_eq!(profiles.value("default", "aws_secret_access_key"), Some("a=b#c"));
        assert_eq!(profiles.value("audit", "source_profile"), Some("default"));
        assert_eq!(
            profiles.of_service("audit", "s3", "endpoint_url"),
            Some("http://127.0.0.1:2")
        );
        assert_eq!(
            profiles.of_service("audit", "cloudwatch_logs", "endpoint_url"),
            Some("http://127.0.0.1:3")
        );
        assert_eq!(profiles.of_service("audit", "kms", "endpoint_url"), None);
        assert_eq!(profiles.of_sso_session("corp", "sso_region"), Some("us-east-1"));
        assert!(profiles.has("other") && !profiles.has("nonsense"));
    }
}
