//! The organization of the configuration file: its accounts in their units, and the policies that stand above them.
//!
//! AWS keeps all this in Organizations. Its API is not here, so the file says it, and the server holds everybody to it:
//!
//! ```toml
//! [organization]
//! id = "o-exampleorgid"
//! management_account = "000000000000"
//! accounts = ["222222222222"]                 # directly under the root
//! detach_full_access = ["prod"]               # where FullAWSAccess is taken away
//!
//! [organization.units]
//! "prod" = ["111111111111"]
//! "prod/eu" = { id = "ou-exam-11111111", accounts = ["333333333333"] }
//!
//! [[organization.policies]]
//! name = "keep-trails"
//! type = "service_control"                    # or "resource_control"
//! targets = ["prod"]                          # root, units, accounts
//! file = "scp.json"                           # beside this file; or document = '''{...}'''
//! ```
//!
//! SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>

use base::AccountId;
use gateway::{
    Organization,
    organization::{Levels, Member},
};
use policy::{Policy, PolicyKind, PolicySource};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The name of the root among targets.
const ROOT: &str = "root";
/// Units hang no deeper under the root.
///
/// SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>
const DEPTH_MAX: usize = 5;
/// What is attached everywhere until it is detached.
const FULL_ACCESS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
/// What is attached everywhere, always.
const RESOURCE_FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// What cannot be taken: the place under `organization`, and why.
pub(crate) type Wrong = (String, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RawOrganization {
    id: String,
    root_id: Option<String>,
    management_account: String,
    #[serde(default)]
    accounts: Vec<String>,
    #[serde(default)]
    units: toml::Table,
    #[serde(default)]
    detach_full_access: Vec<String>,
    #[serde(default)]
    policies: Vec<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RawUnit {
    id: Option<String>,
    #[serde(default)]
    accounts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RawPolicy {
    id: Option<String>,
    name: String,
    #[serde(rename = "type")]
    kind: RawKind,
    targets: Vec<String>,
    document: Option<String>,
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawKind {
    ResourceControl,
    ServiceControl,
}

impl RawKind {
    fn kind(self) -> PolicyKind {
        match self {
            RawKind::ResourceControl => PolicyKind::ResourceControl,
            RawKind::ServiceControl => PolicyKind::ServiceControl,
        }
    }

    /// In ARNs.
    fn word(self) -> &'static str {
        match self {
            RawKind::ResourceControl => "resource_control_policy",
            RawKind::ServiceControl => "service_control_policy",
        }
    }
}

/// Reads the table `organization` of a configuration file that lies in `folder`.
pub(crate) fn parse(value: &toml::Value, folder: &Path) -> Result<Organization, Wrong> {
    let raw: RawOrganization = typed(value.clone(), "organization")?;
    let tree = Tree::parse(&raw)?;
    let attached = Attached::parse(&raw, &tree, folder)?;
    let members = tree.accounts.iter().map(|(account, unit)| {
        let levels = |kind| attached.levels(kind, &tree.chain(*account, unit));
        let member = Member {
            path: tree.path(unit),
            service_control: levels(RawKind::ServiceControl),
            resource_control: levels(RawKind::ResourceControl),
        };
        (*account, member)
    });
    Ok(Organization {
        members: members.collect(),
        management_account: tree.management_account,
        id: tree.id,
    })
}

fn typed<T: serde::de::DeserializeOwned>(value: toml::Value, place: &str) -> Result<T, Wrong> {
    value
        .try_into()
        .map_err(|error: toml::de::Error| wrong(place, error.to_string().trim_end()))
}

fn wrong(place: impl Into<String>, why: impl Into<String>) -> Wrong {
    (place.into(), why.into())
}

/// Who hangs where.
struct Tree {
    id: String,
    root_id: String,
    management_account: AccountId,
    /// Each unit's id by its path, such as `prod/eu`.
    units: BTreeMap<String, String>,
    /// Each account's unit; empty under the root.
    accounts: BTreeMap<AccountId, String>,
}

impl Tree {
    fn parse(raw: &RawOrganization) -> Result<Tree, Wrong> {
        let id = shaped("organization.id", &raw.id, "o-", 10..=32)?;
        let root_id = match &raw.root_id {
            Some(root_id) => shaped("organization.root_id", root_id, "r-", 4..=32)?,
            None => format!("r-{}", id.chars().skip(2).take(4).collect::<String>()),
        };
        let management_account = account("organization.management_account", &raw.management_account)?;
        let mut tree = Tree {
            id,
            root_id,
            management_account,
            units: BTreeMap::new(),
            accounts: BTreeMap::new(),
        };
        tree.hang("organization.accounts", "", &raw.accounts)?;
        for (path, value) in &raw.units {
            tree.add_unit(path, value)?;
        }
        tree.check_parents()?;
        // The management account hangs under the root where nothing else is said.
        tree.accounts.entry(management_account).or_default();
        Ok(tree)
    }

    fn add_unit(&mut self, path: &str, value: &toml::Value) -> Result<(), Wrong> {
        let place = format!("organization.units.\"{path}\"");
        let names: Vec<&str> = path.split('/').collect();
        if names.iter().any(|name| name.is_empty() || name.chars().count() > 128) {
            return Err(wrong(place, "is no path of units, such as \"prod\" or \"prod/eu\""));
        }
        if path == ROOT || AccountId::parse(path).is_ok() {
            return Err(wrong(place, "a unit cannot have the name of the root or of an account"));
        }
        if names.len() > DEPTH_MAX {
            return Err(wrong(place, format!("units hang at most {DEPTH_MAX} deep")));
        }
        let unit = match value {
            toml::Value::Array(_) => RawUnit {
                id: None,
                accounts: typed(value.clone(), &place)?,
            },
            value => typed(value.clone(), &place)?,
        };
        let tail = self.root_id.trim_start_matches("r-").to_owned();
        let id = match &unit.id {
            Some(id) => shaped(&format!("{place}.id"), id, &format!("ou-{tail}-"), 8..=32)?,
            None => format!("ou-{tail}-{}", derived(&[&self.id, path])),
        };
        if self.units.values().any(|known| *known == id) {
            return Err(wrong(place, format!("another unit has the id `{id}`")));
        }
        self.units.insert(path.to_owned(), id);
        self.hang(&place, path, &unit.accounts)
    }

    fn hang(&mut self, place: &str, unit: &str, accounts: &[String]) -> Result<(), Wrong> {
        for text in accounts {
            let account = account(place, text)?;
            if self.accounts.insert(account, unit.to_owned()).is_some() {
                return Err(wrong(
                    place,
                    format!("account {account} is in another place already; it can be in one only"),
                ));
            }
        }
        Ok(())
    }

    fn check_parents(&self) -> Result<(), Wrong> {
        for path in self.units.keys() {
            if let Some((parent, _)) = path.rsplit_once('/')
                && !self.units.contains_key(parent)
            {
                let why = format!("its parent is not there; add \"{parent}\" = []");
                return Err(wrong(format!("organization.units.\"{path}\""), why));
            }
        }
        Ok(())
    }

    /// The units from the top down to this one.
    fn units_to<'a>(&'a self, unit: &'a str) -> impl Iterator<Item = &'a str> {
        let ends = unit.match_indices('/').map(|(at, _)| at);
        let ends = ends.chain((!unit.is_empty()).then_some(unit.len()));
        ends.filter_map(move |end| unit.get(..end))
    }

    /// The targets that bind an account, from the root down.
    fn chain(&self, account: AccountId, unit: &str) -> Vec<String> {
        let units = self.units_to(unit).map(str::to_owned);
        std::iter::once(ROOT.to_owned())
            .chain(units)
            .chain([account.to_string()])
            .collect()
    }

    /// `o-…/r-…/ou-…/`
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-view-data-orgs.html#access_policies_last-accessed-viewing-orgs-entity-path>
    fn path(&self, unit: &str) -> String {
        let ids = self.units_to(unit).filter_map(|path| self.units.get(path));
        let start = [&self.id, &self.root_id];
        start.into_iter().chain(ids).map(|id| format!("{id}/")).collect()
    }

    fn parse_target(&self, place: &str, text: &str) -> Result<(), Wrong> {
        let account = AccountId::parse(text).ok();
        let known = text == ROOT
            || self.units.contains_key(text)
            || account.is_some_and(|account| self.accounts.contains_key(&account));
        match known {
            true => Ok(()),
            false => {
                let why = format!("`{text}` is neither root nor a unit nor an account of this organization");
                Err(wrong(place, why))
            }
        }
    }
}

/// Which policies are attached to which target.
struct Attached {
    full_access: Arc<Policy>,
    resource_full_access: Arc<Policy>,
    detached: BTreeSet<String>,
    policies: BTreeMap<(RawKind, String), Vec<Arc<Policy>>>,
}

impl Attached {
    fn parse(raw: &RawOrganization, tree: &Tree, folder: &Path) -> Result<Attached, Wrong> {
        let mut attached = Attached {
            full_access: of_aws(FULL_ACCESS, "FullAWSAccess", RawKind::ServiceControl)?,
            resource_full_access: of_aws(RESOURCE_FULL_ACCESS, "RCPFullAWSAccess", RawKind::ResourceControl)?,
            detached: raw.detach_full_access.iter().cloned().collect(),
            policies: BTreeMap::new(),
        };
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (index, value) in raw.policies.iter().enumerate() {
            let place = format!("organization.policies[{index}]");
            let raw: RawPolicy = typed(value.clone(), &place)?;
            let place = format!("{place} (\"{}\")", raw.name);
            let (id, policy) = read_policy(&place, &raw, tree, folder)?;
            if !ids.insert(id.clone()) || !names.insert((raw.kind, raw.name.clone())) {
                return Err(wrong(place, format!("another policy has this name, or the id `{id}`")));
            }
            attached.attach(&place, &raw, tree, &policy)?;
        }
        attached.check_detached(tree)?;
        Ok(attached)
    }

    fn attach(&mut self, place: &str, raw: &RawPolicy, tree: &Tree, policy: &Arc<Policy>) -> Result<(), Wrong> {
        let place = format!("{place}.targets");
        let mut seen = BTreeSet::new();
        for target in &raw.targets {
            tree.parse_target(&place, target)?;
            if !seen.insert(target) {
                return Err(wrong(place, format!("`{target}` is there twice")));
            }
            let attached = self.policies.entry((raw.kind, target.clone())).or_default();
            attached.push(Arc::clone(policy));
        }
        Ok(())
    }

    /// AWS lets nobody detach the last service control policy.
    fn check_detached(&self, tree: &Tree) -> Result<(), Wrong> {
        let place = "organization.detach_full_access";
        for target in &self.detached {
            tree.parse_target(place, target)?;
            if !self.policies.contains_key(&(RawKind::ServiceControl, target.clone())) {
                let why = format!("`{target}` needs another service control policy, or nothing is allowed under it");
                return Err(wrong(place, why));
            }
        }
        Ok(())
    }

    fn levels(&self, kind: RawKind, chain: &[String]) -> Levels {
        let level = |target: &String| {
            let default = match kind {
                RawKind::ResourceControl => Some(&self.resource_full_access),
                RawKind::ServiceControl => Some(&self.full_access).filter(|_| !self.detached.contains(target)),
            };
            let attached = self.policies.get(&(kind, target.clone()));
            default
                .into_iter()
                .chain(attached.into_iter().flatten())
                .cloned()
                .collect()
        };
        chain.iter().map(level).collect()
    }
}

fn read_policy(place: &str, raw: &RawPolicy, tree: &Tree, folder: &Path) -> Result<(String, Arc<Policy>), Wrong> {
    let id = match &raw.id {
        Some(id) if is_policy_id(id) => id.clone(),
        Some(id) => {
            let why = format!("`{id}` is not p- and 8 to 128 letters, digits or underscores");
            return Err(wrong(format!("{place}.id"), why));
        }
        None => format!("p-{}", derived(&[&tree.id, raw.kind.word(), &raw.name])),
    };
    let (text, at) = match (&raw.document, &raw.file) {
        (Some(text), None) => (text.clone(), format!("{place}.document")),
        (None, Some(file)) => {
            let path = folder.join(file);
            let at = format!("{place}, file `{}`", path.display());
            let text = std::fs::read_to_string(&path).map_err(|error| wrong(&at, error.to_string()))?;
            (text, at)
        }
        _ => return Err(wrong(place, "needs one of document and file")),
    };
    let arn = format!(
        "arn:aws:organizations::{}:policy/{}/{}/{id}",
        tree.management_account,
        tree.id,
        raw.kind.word()
    );
    let name = format!("{} {} ({id})", raw.kind.word().replace('_', " "), raw.name);
    Ok((id, known(&text, raw.kind, &arn, &name).map_err(|why| wrong(at, why))?))
}

fn of_aws(text: &str, name: &str, kind: RawKind) -> Result<Arc<Policy>, Wrong> {
    let arn = format!("arn:aws:organizations::aws:policy/{}/p-{name}", kind.word());
    let shown = format!("{} {name}", kind.word().replace('_', " "));
    known(text, kind, &arn, &shown).map_err(|why| wrong("organization", why))
}

fn known(text: &str, kind: RawKind, arn: &str, name: &str) -> Result<Arc<Policy>, String> {
    let policy = Policy::parse(text.trim(), kind.kind()).map_err(|error| error.to_string())?;
    Ok(Arc::new(policy.with_source(PolicySource {
        arn: Some(arn.into()),
        name: name.into(),
    })))
}

fn account(place: &str, text: &str) -> Result<AccountId, Wrong> {
    AccountId::parse(text).map_err(|error| wrong(place, error.to_string()))
}

/// A prefix and so many lower-case letters and digits.
fn shaped(place: &str, text: &str, prefix: &str, length: std::ops::RangeInclusive<usize>) -> Result<String, Wrong> {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    let letters = rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if letters && length.contains(&rest.len()) {
        return Ok(text.to_owned());
    }
    let (min, max) = (length.start(), length.end());
    let why = format!("`{text}` is not {prefix} and {min} to {max} lower-case letters or digits");
    Err(wrong(place, why))
}

fn is_policy_id(text: &str) -> bool {
    text.strip_prefix("p-").is_some_and(|rest| {
        (8..=128).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// Eight characters that follow from the words alone, so that an id is the same at every start (64-bit FNV-1a).
fn derived(words: &[&str]) -> String {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut letter = || {
        let digit = u32::try_from(hash % 36).unwrap_or(0);
        hash /= 36;
        char::from_digit(digit, 36).unwrap_or('0')
    };
    (0..8).map(|_| letter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCP: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"cloudtrail:*","Resource":"*"}]}"#;

    fn parsed(text: &str) -> Result<Organization, Wrong> {
        let table: toml::Table = text.parse().unwrap();
        parse(&table["organization"], Path::new("/nowhere"))
    }

    fn example() -> String {
        format!(
            r#"
            [organization]
            id = "o-exampleorgid"
            management_account = "000000000000"
            accounts = ["222222222222"]
            detach_full_access = ["prod"]
            [organization.units]
            "prod/eu" = {{ id = "ou-exam-33333333", accounts = ["333333333333"] }}
            "prod" = ["111111111111"]
            [[organization.policies]]
            name = "no trails"
            type = "service_control"
            targets = ["prod", "333333333333"]
            document = '''
              {SCP}'''
            "#
        )
    }

    #[test]
    fn each_account_has_the_policies_of_every_level_above_it() {
        let organization = parsed(&example()).unwrap();
        let names = |account: &str| -> Vec<Vec<String>> {
            let member = &organization.members[&AccountId::parse(account).unwrap()];
            let level = |level: &Vec<Arc<Policy>>| {
                let name = |policy: &Arc<Policy>| policy.source().unwrap().name.to_string();
                level.iter().map(name).collect()
            };
            assert!(member.resource_control.iter().all(|level| level.len() == 1));
            assert_eq!(member.resource_control.len(), member.service_control.len());
            member.service_control.iter().map(level).collect()
        };
        let full = "service control policy FullAWSAccess".to_owned();
        let id = derived(&["o-exampleorgid", "service_control_policy", "no trails"]);
        let own = format!("service control policy no trails (p-{id})");
        assert_eq!(names("000000000000"), [vec![full.clone()], vec![full.clone()]]);
        assert_eq!(names("222222222222"), names("000000000000"));
        assert_eq!(
            names("111111111111"),
            [vec![full.clone()], vec![own.clone()], vec![full.clone()]]
        );
        assert_eq!(
            names("333333333333"),
            [
                vec![full.clone()],
                vec![own.clone()],
                vec![full.clone()],
                vec![full, own]
            ]
        );
    }

    #[test]
    fn paths_lead_from_the_organization_to_the_unit() {
        let organization = parsed(&example()).unwrap();
        let path = |account: &str| organization.members[&AccountId::parse(account).unwrap()].path.clone();
        let prod = format!(
            "o-exampleorgid/r-exam/ou-exam-{}/",
            derived(&["o-exampleorgid", "prod"])
        );
        assert_eq!(path("222222222222"), "o-exampleorgid/r-exam/");
        assert_eq!(path("111111111111"), prod);
        assert_eq!(path("333333333333"), format!("{prod}ou-exam-33333333/"));
        let policies = &organization.members[&AccountId::parse("111111111111").unwrap()].service_control[1];
        let arn = policies[0].source().unwrap().arn.clone().unwrap();
        assert!(
            arn.starts_with("arn:aws:organizations::000000000000:policy/o-exampleorgid/service_control_policy/p-"),
            "{arn}"
        );
    }

    #[test]
    fn what_cannot_be_taken_is_named_with_its_place() {
        let check = |from: &str, to: &str, place: &str, why: &str| {
            let text = example().replacen(from, to, 1);
            assert_ne!(text, example(), "{from}");
            let (at, found) = parsed(&text).unwrap_err();
            assert_eq!(at, place, "{from} -> {to}: {found}");
            assert!(found.contains(why), "{from} -> {to}: {found}");
        };
        let policy = "organization.policies[0] (\"no trails\")";
        check(
            "o-exampleorgid",
            "o-Short",
            "organization.id",
            "10 to 32 lower-case letters",
        );
        check(
            "\"000000000000\"",
            "\"12\"",
            "organization.management_account",
            "twelve digits",
        );
        check("accounts =", "acounts =", "organization", "unknown field `acounts`");
        check(
            "[\"222222222222\"]",
            "[\"111111111111\"]",
            "organization.units.\"prod\"",
            "in one only",
        );
        check(
            "\"prod\" = [",
            "\"dev\" = [",
            "organization.units.\"prod/eu\"",
            "add \"prod\" = []",
        );
        check(
            "\"prod\" = [",
            "\"root\" = [",
            "organization.units.\"root\"",
            "the name of the root",
        );
        check(
            "accounts = [\"333",
            "acounts = [\"333",
            "organization.units.\"prod/eu\"",
            "unknown field",
        );
        check(
            "ou-exam-3",
            "ou-other-3",
            "organization.units.\"prod/eu\".id",
            "is not ou-exam-",
        );
        check("name =", "nam =", "organization.policies[0]", "unknown field `nam`");
        check(
            "service_control\"",
            "tag\"",
            "organization.policies[0]",
            "unknown variant `tag`",
        );
        check(
            "targets = [\"prod\"",
            "targets = [\"prd\"",
            &format!("{policy}.targets"),
            "`prd` is neither root",
        );
        check(
            "\"prod\", \"333333333333\"]",
            "\"prod\", \"prod\"]",
            &format!("{policy}.targets"),
            "twice",
        );
        check(
            "Deny",
            "Denied",
            &format!("{policy}.document"),
            "at `Statement[0].Effect`",
        );
        check(
            "document",
            "file = \"x.json\"\nother",
            "organization.policies[0]",
            "unknown field `other`",
        );
        check(
            "document = '''",
            "id = 'x'\ndocument = '''",
            &format!("{policy}.id"),
            "`x` is not p-",
        );
        check(
            "targets = [\"prod\", ",
            "targets = [",
            "organization.detach_full_access",
            "`prod` needs another service control policy",
        );
        let file = example().replace(
            &format!("document = '''\n              {SCP}'''"),
            "file = \"scp.json\"",
        );
        let (at, _) = parsed(&file).unwrap_err();
        assert_eq!(at, format!("{policy}, file `/nowhere/scp.json`"));
        let none = example().replace(&format!("document = '''\n              {SCP}'''"), "");
        assert_eq!(
            parsed(&none).unwrap_err(),
            wrong(policy, "needs one of document and file")
        );
    }

    #[test]
    fn policies_that_are_attached_everywhere_are_policies() {
        assert!(of_aws(FULL_ACCESS, "FullAWSAccess", RawKind::ServiceControl).is_ok());
        assert!(of_aws(RESOURCE_FULL_ACCESS, "RCPFullAWSAccess", RawKind::ResourceControl).is_ok());
    }
}
