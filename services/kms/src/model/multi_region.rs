//! Related keys of several Regions: what they share, and which of them is the primary.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>, shared properties.

use crate::{
    error::KmsError,
    model::{Import, Key, KeyState, Material, Origin},
};
use base::Region;
use serde::{Deserialize, Serialize};

/// Which of the related keys of several Regions a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MultiRegionKind {
    /// The one that is replicated and rotated.
    Primary,
    /// A copy of it in another Region.
    Replica,
}

impl MultiRegionKind {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            MultiRegionKind::Primary => "PRIMARY",
            MultiRegionKind::Replica => "REPLICA",
        }
    }
}

/// That a key is of several Regions, and where its related keys are. Each of them says the same but for `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegion {
    /// Which of them this is.
    pub kind: MultiRegionKind,
    /// Where the primary is.
    pub primary: Region,
    /// Where the replicas are, sorted.
    pub replicas: Vec<Region>,
}

impl MultiRegion {
    /// A primary without replicas.
    pub fn primary(region: Region) -> MultiRegion {
        MultiRegion {
            kind: MultiRegionKind::Primary,
            primary: region,
            replicas: Vec::new(),
        }
    }

    /// The same with one more replica.
    pub fn with_replica(&self, region: &Region) -> MultiRegion {
        let mut all = self.clone();
        all.replicas.push(region.clone());
        all.replicas.sort_unstable();
        all.replicas.dedup();
        all
    }

    /// The same without a replica.
    pub fn without_replica(&self, region: &Region) -> MultiRegion {
        let mut all = self.clone();
        all.replicas.retain(|replica| replica != region);
        all
    }

    /// The same with the replica in `region` for the primary, and the primary for a replica.
    pub fn with_primary(&self, region: &Region) -> MultiRegion {
        let mut all = self.without_replica(region).with_replica(&self.primary);
        all.primary = region.clone();
        all
    }

    /// The same as the key in `region` says it.
    fn seen_from(&self, region: &Region) -> MultiRegion {
        let kind = match *region == self.primary {
            true => MultiRegionKind::Primary,
            false => MultiRegionKind::Replica,
        };
        MultiRegion { kind, ..self.clone() }
    }
}

impl Key {
    /// Whether it is a replica.
    pub fn is_replica(&self) -> bool {
        self.multi_region
            .as_ref()
            .is_some_and(|multi| multi.kind == MultiRegionKind::Replica)
    }

    /// Goes on only with a multi-Region primary; answers what it says of its related keys.
    pub fn permit_primary(&self) -> Result<&MultiRegion, KmsError> {
        match &self.multi_region {
            Some(multi) if multi.kind == MultiRegionKind::Primary => Ok(multi),
            _ => Err(KmsError::NotPrimary { key: self.arn() }),
        }
    }

    /// Where its related keys are.
    pub fn related(&self) -> Vec<Region> {
        let Some(multi) = &self.multi_region else {
            return Vec::new();
        };
        let all = std::iter::once(&multi.primary).chain(&multi.replicas);
        all.filter(|region| **region != self.region).cloned().collect()
    }

    /// Takes over what `other`, a related key, shares with it: material, rotation and who the related keys are. Material
    /// that an account brings it brings to every Region: of that only the description is shared.
    pub fn take_shared(&mut self, other: &Key) {
        self.rotation = other.rotation.clone();
        self.multi_region = other.multi_region.as_ref().map(|multi| multi.seen_from(&self.region));
        match self.origin {
            Origin::AwsKms => self.material.clone_from(&other.material),
            Origin::External => {
                let own: Vec<Material> = self.material.drain(..).chain(self.staged.take()).collect();
                self.material = other.material.iter().map(|shared| of_own(&own, shared)).collect();
                self.staged = other.staged.as_ref().map(|shared| of_own(&own, shared));
                self.settle();
            }
        }
    }

    /// Brings the state of a key with brought material in line with whether all of it is there.
    pub fn settle(&mut self) {
        let whole = !self.material.is_empty() && self.material.iter().all(|one| one.wrapped.is_some());
        match (self.state, whole) {
            (KeyState::PendingImport, true) => self.state = KeyState::Enabled,
            (KeyState::Enabled | KeyState::Disabled | KeyState::Creating | KeyState::Updating, false) => {
                self.state = KeyState::PendingImport;
            }
            _ => {}
        }
    }
}

/// The account's own copy of shared material in this Region, or the place of it.
fn of_own(own: &[Material], shared: &Material) -> Material {
    let found = own.iter().find(|one| one.id == shared.id);
    let (wrapped, expires) = match found {
        Some(found) => (
            found.wrapped.clone(),
            found.import.as_ref().and_then(|import| import.expires),
        ),
        None => (None, None),
    };
    Material {
        wrapped,
        import: shared.import.as_ref().map(|import| Import {
            expires,
            ..import.clone()
        }),
        ..shared.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::MaterialId, table::tests::key};
    use base::Random;

    fn region(text: &str) -> Region {
        Region::parse(text).unwrap()
    }

    /// A primary in us-east-1 with these replicas.
    fn primary(replicas: &[&str]) -> Key {
        let mut key = key();
        let mut multi = MultiRegion::primary(key.region.clone());
        for replica in replicas {
            multi = multi.with_replica(&region(replica));
        }
        key.multi_region = Some(multi);
        key.state = KeyState::Enabled;
        key
    }

    fn in_region(key: &Key, code: &str) -> Key {
        let mut other = Key {
            region: region(code),
            ..key.clone()
        };
        other.take_shared(key);
        other
    }

    #[test]
    fn related_keys_say_the_same_each_from_where_it_is() {
        let first = primary(&["eu-west-1", "eu-central-1"]);
        let replica = in_region(&first, "eu-west-1");
        assert!(replica.is_replica() && !first.is_replica());
        assert_eq!(first.related(), [region("eu-central-1"), region("eu-west-1")]);
        assert_eq!(replica.related(), [region("us-east-1"), region("eu-central-1")]);
        let moved = first.multi_region.as_ref().unwrap().with_primary(&replica.region);
        assert_eq!(moved.primary, region("eu-west-1"));
        assert_eq!(moved.replicas, [region("eu-central-1"), region("us-east-1")]);
        assert!(replica.permit_primary().is_err() && first.permit_primary().is_ok() && key().permit_primary().is_err());
    }

    #[test]
    fn material_of_aws_kms_is_shared_and_brought_material_is_not() {
        let first = primary(&["eu-west-1"]);
        assert_eq!(in_region(&first, "eu-west-1").material, first.material);
        let mut brought = Key {
            origin: Origin::External,
            ..first
        };
        for material in &mut brought.material {
            material.import = Some(Import {
                expires: None,
                description: Some("ours".to_owned()),
            });
        }
        let mut replica = Key {
            region: region("eu-west-1"),
            material: Vec::new(),
            ..brought.clone()
        };
        replica.take_shared(&brought);
        assert_eq!(replica.state, KeyState::PendingImport);
        let place = replica.material.first().unwrap().clone();
        assert!(place.wrapped.is_none() && place.import.is_some() && place.id == brought.material[0].id);
        // What was brought to the replica stays its own when the primary's goes.
        replica.material[0].wrapped = brought.material[0].wrapped.clone();
        replica.settle();
        assert_eq!(replica.state, KeyState::Enabled);
        brought.material[0].wrapped = None;
        replica.take_shared(&brought);
        assert!(replica.material[0].wrapped.is_some() && replica.state == KeyState::Enabled);
        // New material of the primary is a place to fill, and blocks nothing until it is the current one.
        let next = Material {
            version: 2,
            id: MaterialId::generate(&Random::seeded(3)),
            ..place
        };
        brought.staged = Some(next.clone());
        replica.take_shared(&brought);
        assert!(replica.staged.is_some() && replica.state == KeyState::Enabled);
        brought.staged = None;
        brought.material.push(next);
        replica.take_shared(&brought);
        assert_eq!((replica.material.len(), replica.state), (2, KeyState::PendingImport));
    }
}
