//! Regions as an account sees them.

use base::Region;

/// The Regions of AWS that an account must opt in to.
///
/// SPEC: <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>, Regions disabled by default.
const OPT_IN: [&str; 17] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];

/// Whether a Region can be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptInStatus {
    NotOptedIn,
    NotRequired,
    OptedIn,
}

impl OptInStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            OptInStatus::NotOptedIn => "not-opted-in",
            OptInStatus::NotRequired => "opt-in-not-required",
            OptInStatus::OptedIn => "opted-in",
        }
    }
}

/// A Region as an account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownRegion {
    pub(crate) name: String,
    pub(crate) status: OptInStatus,
}

impl KnownRegion {
    pub(crate) fn endpoint(&self) -> String {
        format!("ec2.{}.amazonaws.com", self.name)
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.status != OptInStatus::NotOptedIn
    }
}

/// Every Region, by name: those enabled here, and what AWS has beyond them.
pub(crate) fn known(enabled: &[Region]) -> Vec<KnownRegion> {
    let here = enabled.iter().map(|region| KnownRegion {
        name: region.as_str().to_owned(),
        status: match OPT_IN.contains(&region.as_str()) {
            true => OptInStatus::OptedIn,
            false => OptInStatus::NotRequired,
        },
    });
    let standard = gateway::settings::standard_regions();
    let beyond = standard
        .iter()
        .map(Region::as_str)
        .chain(OPT_IN)
        .map(|name| KnownRegion {
            name: name.to_owned(),
            status: OptInStatus::NotOptedIn,
        });
    let mut all: Vec<KnownRegion> = here.chain(beyond).collect();
    // The sort is stable: of one name the enabled entry stays.
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all.dedup_by(|later, earlier| later.name == earlier.name);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_there_once() {
        let check = |enabled: &[&str], name: &str, expected: OptInStatus| {
            let enabled: Vec<Region> = enabled.iter().map(|name| Region::parse(name).unwrap()).collect();
            let all = known(&enabled);
            let found: Vec<_> = all.iter().filter(|region| region.name == name).collect();
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].status, expected, "{name}");
            assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name));
        };
        check(&["us-east-1"], "us-east-1", OptInStatus::NotRequired);
        check(&["us-east-1"], "us-west-2", OptInStatus::NotOptedIn);
        check(&["us-east-1"], "af-south-1", OptInStatus::NotOptedIn);
        check(&["us-east-1", "af-south-1"], "af-south-1", OptInStatus::OptedIn);
        check(&["us-east-1", "local-1"], "local-1", OptInStatus::NotRequired);
    }
}
