//! The standards whose numbers a control has.

use super::controls::Control;
use serde::Serialize;

/// A standard that numbers controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framework {
    /// CIS AWS Foundations Benchmark, by its version.
    Cis(&'static str),
    /// AWS Security Hub's own ids, as they are today.
    SecurityHub,
    /// PCI DSS, by its version.
    Pci(&'static str),
    /// NIST SP 800-53 revision 5.
    Nist80053,
    /// NIST SP 800-171 revision 2.
    Nist800171,
    /// The managed rules of AWS Config.
    Config,
    /// The names that were in use when sample templates cited CIS 1.2, PCI and the first ids of Security Hub side by side.
    Seeds,
    /// This product's own controls.
    Shoseki,
}

/// The versions of the CIS benchmark, and which group of numbers each has.
const CIS: [(&str, usize); 9] = [
    ("1.2", 0),
    ("1.4", 1),
    ("1.5", 1),
    ("2.0", 1),
    ("3.0", 2),
    ("4.0", 2),
    ("5.0", 2),
    ("6.0", 3),
    ("7.0", 3),
];

impl Framework {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Framework> {
        let others = [
            Framework::SecurityHub,
            Framework::Pci("3.2.1"),
            Framework::Pci("4.0.1"),
            Framework::Nist80053,
            Framework::Nist800171,
            Framework::Config,
            Framework::Seeds,
            Framework::Shoseki,
        ];
        CIS.iter().map(|(version, _)| Framework::Cis(version)).chain(others)
    }

    /// The framework of this name: `cis-3.0`, `security-hub`.
    pub fn named(name: &str) -> Option<Framework> {
        Framework::all().find(|framework| framework.name() == name)
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        match self {
            Framework::Cis(version) => format!("cis-{version}"),
            Framework::SecurityHub => "security-hub".to_owned(),
            Framework::Pci(version) => format!("pci-{version}"),
            Framework::Nist80053 => "nist-800-53".to_owned(),
            Framework::Nist800171 => "nist-800-171".to_owned(),
            Framework::Config => "config".to_owned(),
            Framework::Seeds => "seeds".to_owned(),
            Framework::Shoseki => "shoseki".to_owned(),
        }
    }

    /// Its name in a finding's list of requirements.
    pub fn title(self) -> String {
        match self {
            Framework::Cis(version) => format!("CIS AWS Foundations Benchmark v{version}.0"),
            Framework::SecurityHub => "AWS Security Hub".to_owned(),
            Framework::Pci("3.2.1") => "PCI DSS v3.2.1".to_owned(),
            Framework::Pci(version) => format!("PCI DSS v{version}"),
            Framework::Nist80053 => "NIST.800-53.r5".to_owned(),
            Framework::Nist800171 => "NIST.800-171.r2".to_owned(),
            Framework::Config => "AWS Config".to_owned(),
            Framework::Seeds => "CIS 1.2, PCI and Security Hub of 2022".to_owned(),
            Framework::Shoseki => "shoseki".to_owned(),
        }
    }

    /// The numbers that a control has in it; none when it is not in it.
    pub fn numbers(self, control: &Control) -> Vec<&'static str> {
        let is_own = control.id.starts_with("Shoseki.");
        let is_rule = control.id.contains('-');
        match self {
            Framework::Cis(version) => {
                let group = CIS.iter().find(|(known, _)| *known == version).map(|(_, group)| *group);
                let number = group.and_then(|group| control.cis.get(group).copied());
                number.filter(|number| !number.is_empty()).into_iter().collect()
            }
            Framework::SecurityHub if !is_own && !is_rule => vec![control.id],
            Framework::Shoseki if is_own => vec![control.id],
            Framework::SecurityHub | Framework::Shoseki => Vec::new(),
            Framework::Pci("3.2.1") => control.pci_3_2_1.to_vec(),
            Framework::Pci(_) => control.pci_4_0_1.to_vec(),
            Framework::Nist80053 => control.nist_800_53.to_vec(),
            Framework::Nist800171 => control.nist_800_171.to_vec(),
            Framework::Config => control.config_rules.to_vec(),
            Framework::Seeds => control.seeds.to_vec(),
        }
    }
}

/// The controls that a name means: an id (`CloudTrail.2`), a rule of AWS Config by its name or identifier, or a framework and its
/// number there (`cis-3.0:3.5`, `seeds:CloudTrail.3`).
pub fn controls_named(name: &str) -> Vec<&'static Control> {
    let all = || super::controls::CONTROLS.iter();
    if let Some((framework, number)) = name.split_once(':')
        && let Some(framework) = Framework::named(framework)
    {
        return all()
            .filter(|control| framework.numbers(control).contains(&number))
            .collect();
    }
    let by_id: Vec<_> = all().filter(|control| control.id.eq_ignore_ascii_case(name)).collect();
    if !by_id.is_empty() {
        return by_id;
    }
    let rule = name.to_ascii_uppercase().replace('-', "_");
    let in_rules = |control: &Control| {
        let mut rules = control.config_rules.iter();
        rules.any(|known| known.to_ascii_uppercase().replace('-', "_") == rule)
    };
    let by_rule = all().filter(|control| in_rules(control) || control.pci_3_2_1.contains(&name));
    by_rule.collect()
}

/// The standards and numbers of a control, as a finding of Security Hub lists them: `PCI DSS v4.0.1/10.3.2`.
pub fn requirements(control: &Control) -> Vec<String> {
    let listed = |framework: &Framework| {
        !matches!(
            framework,
            Framework::SecurityHub | Framework::Config | Framework::Seeds | Framework::Shoseki
        )
    };
    let mut out = Vec::new();
    for framework in Framework::all().filter(listed) {
        let joint = if matches!(framework, Framework::Nist80053 | Framework::Nist800171) {
            ' '
        } else {
            '/'
        };
        let title = framework.title();
        let numbers = framework.numbers(control);
        out.extend(numbers.iter().map(|number| format!("{title}{joint}{number}")));
    }
    out
}
