//! The case files: read strictly, made into [`Case`]s.

use crate::Expected;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};

/// What stands in a policy's text for the case's `condition`.
const CONDITION: &str = "\"CONDITION\"";

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    theme: String,
    #[serde(default)]
    policies: BTreeMap<String, String>,
    #[serde(default)]
    arns: BTreeMap<String, String>,
    #[serde(default)]
    defaults: Defaults,
    #[serde(rename = "case")]
    cases: Vec<CaseText>,
}

/// What the cases of a file have unless they say otherwise.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    source: Option<String>,
    who: Option<String>,
    action: Option<String>,
    on: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    identity: Vec<String>,
    resource: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, ContextValue>,
}

/// A case as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseText {
    name: String,
    source: Option<String>,
    who: Option<String>,
    role_path: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    identity: Option<Vec<String>>,
    boundary: Option<String>,
    session: Option<Vec<String>>,
    resource: Option<String>,
    #[serde(default)]
    scp: Vec<Vec<String>>,
    #[serde(default)]
    rcp: Vec<Vec<String>>,
    #[serde(default)]
    grants: Vec<GrantText>,
    condition: Option<String>,
    action: Option<String>,
    on: Option<String>,
    owner: Option<String>,
    kind: Option<Kind>,
    #[serde(default)]
    context: BTreeMap<String, ContextValue>,
    allow: Option<String>,
    deny: Option<String>,
    message: Option<String>,
    #[serde(default)]
    server: bool,
}

/// Which rules of combination hold.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A bucket or an object.
    Bucket,
    /// A KMS key.
    Key,
    /// A role that is assumed.
    Role,
    /// Anything else.
    Other,
}

/// The value of a condition key: one, or several.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum ContextValue {
    /// One.
    One(String),
    /// Several; none is an absent key.
    Many(Vec<String>),
}

/// A grant as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantText {
    /// The grant's id.
    pub id: String,
    /// The grantee.
    pub to: String,
    /// The actions it gives, `kms:Decrypt` and so on.
    pub actions: Vec<String>,
    /// Why the request does not meet its constraints.
    pub unmet: Option<String>,
    /// The constraint itself, for a server: `EncryptionContextSubset` or `EncryptionContextEquals`.
    #[serde(default)]
    pub constraints: BTreeMap<String, BTreeMap<String, String>>,
}

/// A policy's document, and the ARN of a managed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// The document.
    pub text: String,
    /// The ARN.
    pub arn: Option<String>,
}

/// One case, its names resolved and its defaults filled in.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file, without its ending.
    pub file: String,
    /// Unique among all files.
    pub name: String,
    /// Where the expectation comes from.
    pub source: String,
    /// An ARN, a service principal, or `anonymous`.
    pub who: String,
    /// The path of a session's role.
    pub role_path: Option<String>,
    /// The principal's tags.
    pub tags: BTreeMap<String, String>,
    /// Identity-based policies.
    pub identity: Vec<PolicyText>,
    /// Permissions boundary.
    pub boundary: Option<PolicyText>,
    /// Session policies.
    pub session: Option<Vec<PolicyText>>,
    /// The resource's policy.
    pub resource: Option<PolicyText>,
    /// Service control policies by level.
    pub scp: Vec<Vec<PolicyText>>,
    /// Resource control policies by level.
    pub rcp: Vec<Vec<PolicyText>>,
    /// The key's grants.
    pub grants: Vec<GrantText>,
    /// The action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub on: String,
    /// The resource's account.
    pub owner: Option<String>,
    /// Which rules hold.
    pub kind: Kind,
    /// The condition keys beside those of the principal.
    pub context: BTreeMap<String, ContextValue>,
    /// What should decide.
    pub expected: Expected,
    /// The end of the message, where the case spells it out.
    pub message: Option<String>,
    /// Whether the case is also put before the server.
    pub server: bool,
}

impl Case {
    /// Every policy of the case.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyText> {
        let session = self.session.iter().flatten();
        let controls = self.scp.iter().chain(&self.rcp).flatten();
        let single = self.boundary.iter().chain(&self.resource);
        self.identity.iter().chain(single).chain(session).chain(controls)
    }
}

/// Reads every file of a folder, in the order of their names.
pub fn load(folder: &Path) -> Result<Vec<Case>> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    ensure!(!paths.is_empty(), "no case files in {}", folder.display());
    let mut cases = Vec::new();
    for path in paths {
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let parsed = parse(&file, &text).with_context(|| path.display().to_string())?;
        cases.extend(parsed);
    }
    Ok(cases)
}

fn parse(name: &str, text: &str) -> Result<Vec<Case>> {
    let mut file: File = toml::from_str(text)?;
    ensure!(!file.theme.is_empty(), "a file has a theme");
    for name in file.arns.keys() {
        ensure!(file.policies.contains_key(name), "`arns` names no policy `{name}`");
    }
    let cases = std::mem::take(&mut file.cases);
    cases
        .into_iter()
        .map(|case| {
            let label = case.name.clone();
            resolve(name, &file, case).with_context(|| format!("case `{label}`"))
        })
        .collect()
}

fn resolve(name: &str, file: &File, case: CaseText) -> Result<Case> {
    let condition = case.condition.as_deref();
    let one = |text: &String| policy(file, text, condition);
    let many = |texts: &[String]| texts.iter().map(one).collect::<Result<Vec<_>>>();
    let levels = |levels: &[Vec<String>]| levels.iter().map(|level| many(level)).collect::<Result<Vec<_>>>();
    let given = |own: Option<String>, default: &Option<String>, what: &str| {
        own.or_else(|| default.clone()).with_context(|| format!("no `{what}`"))
    };
    let defaults = &file.defaults;
    let action = given(case.action, &defaults.action, "action")?;
    let on = given(case.on, &defaults.on, "on")?;
    let mut context = defaults.context.clone();
    context.extend(case.context);
    let expected = match (&case.allow, &case.deny) {
        (Some(text), None) => Expected::allow(text)?,
        (None, Some(text)) => Expected::deny(text)?,
        _ => bail!("a case has either `allow` or `deny`"),
    };
    let resolved = Case {
        file: name.to_owned(),
        name: case.name,
        source: given(case.source, &defaults.source, "source")?,
        who: given(case.who, &defaults.who, "who")?,
        role_path: case.role_path,
        tags: case.tags,
        identity: many(case.identity.as_deref().unwrap_or(&defaults.identity))?,
        boundary: case.boundary.as_ref().map(one).transpose()?,
        session: case.session.as_deref().map(many).transpose()?,
        resource: case
            .resource
            .as_ref()
            .or(defaults.resource.as_ref())
            .map(one)
            .transpose()?,
        scp: levels(&case.scp)?,
        rcp: levels(&case.rcp)?,
        grants: case.grants,
        kind: case.kind.unwrap_or_else(|| kind_of(&action, &on)),
        owner: case
            .owner
            .or_else(|| defaults.owner.clone())
            .or_else(|| account_in(&on)),
        action,
        on,
        context,
        expected,
        message: case.message,
        server: case.server,
    };
    if let Some(condition) = condition {
        let stands = resolved.policies().any(|policy| policy.text.contains(condition));
        ensure!(stands, "`condition` stands in no policy");
    }
    Ok(resolved)
}

/// A policy by its name in the file, or itself when it begins with a brace.
fn policy(file: &File, text: &String, condition: Option<&str>) -> Result<PolicyText> {
    let (text, arn) = match text.starts_with('{') {
        true => (text, None),
        false => {
            let document = file.policies.get(text).with_context(|| format!("no policy `{text}`"))?;
            (document, file.arns.get(text).cloned())
        }
    };
    let text = match (text.contains(CONDITION), condition) {
        (false, _) => text.clone(),
        (true, Some(condition)) => text.replace(CONDITION, condition),
        (true, None) => bail!("a policy wants a `condition`"),
    };
    Ok(PolicyText { text, arn })
}

fn kind_of(action: &str, on: &str) -> Kind {
    if action.starts_with("s3:") && on.starts_with("arn:aws:s3:::") {
        Kind::Bucket
    } else if action.starts_with("kms:") && on.contains(":key/") {
        Kind::Key
    } else if action.starts_with("sts:") && on.contains(":role/") {
        Kind::Role
    } else {
        Kind::Other
    }
}

/// The account in an ARN; buckets have none.
fn account_in(on: &str) -> Option<String> {
    let account = on.split(':').nth(4)?;
    (!account.is_empty()).then(|| account.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str =
        "name = 'n'\nsource = 's'\nwho = 'anonymous'\naction = 's3:GetObject'\non = 'arn:aws:s3:::b/k'\n";

    fn file(top: &str, case: &str) -> Result<Vec<Case>> {
        parse("f", &format!("theme = 't'\n{top}\n[[case]]\n{CASE}{case}"))
    }

    #[test]
    fn unknown_fields_names_and_double_expectations_are_refused() {
        assert!(file("", "deny = 'no resource'").is_ok());
        for (top, case) in [
            ("", ""),
            ("", "deny = 'no resource'\nallow = 'root'"),
            ("", "deny = 'no resource'\nnote = 'x'"),
            ("", "deny = 'no resource'\nresource = 'nobody'"),
            ("", "deny = 'no resource'\ncondition = '{}'"),
            ("more = 1", "deny = 'no resource'"),
            (
                "[policies]\np = '{\"c\":\"CONDITION\"}'",
                "deny = 'no resource'\nresource = 'p'",
            ),
            ("[arns]\np = 'arn'", "deny = 'no resource'"),
        ] {
            assert!(file(top, case).is_err(), "{top} {case}");
        }
    }

    #[test]
    fn policies_are_found_by_name_and_take_the_condition() {
        let top = "[policies]\np = '{\"c\":\"CONDITION\"}'\n[arns]\np = 'arn'";
        let cases = file(top, "deny = 'no resource'\nresource = 'p'\ncondition = '{\"x\":1}'").unwrap();
        let policy = cases[0].resource.as_ref().unwrap();
        assert_eq!(policy.text, "{\"c\":{\"x\":1}}");
        assert_eq!(policy.arn.as_deref(), Some("arn"));
        assert_eq!(cases[0].kind, Kind::Bucket);
    }
}
