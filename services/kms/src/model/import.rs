//! Material that an account brings: where it belongs among what its key has, and what is left of it when it goes.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html>

use crate::{
    error::KmsError,
    model::{Key, KeySpec, Material, MaterialId},
};
use base::Timestamp;

/// Whether a request means material that the key has had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// It has.
    Existing,
    /// It has not.
    New,
}

/// Where material belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the key's first.
    First,
    /// It is to follow the current one at the next rotation on demand.
    Next,
    /// It is this version, brought again.
    Known(u32),
}

impl Key {
    /// Where material of this id belongs. It must be the same again, unless the key has none yet, or is symmetric, is not a
    /// replica, and new material is asked for by name.
    pub fn place_import(&self, id: MaterialId, kind: Option<ImportKind>) -> Result<Place, KmsError> {
        let known = self.material.iter().chain(&self.staged).find(|one| one.id == id);
        let has_staged = self.staged.as_ref().is_some_and(|staged| staged.wrapped.is_some());
        match (known, kind) {
            (Some(known), None | Some(ImportKind::Existing)) => Ok(Place::Known(known.version)),
            (None, None | Some(ImportKind::New)) if self.material.is_empty() && !self.is_replica() => Ok(Place::First),
            (None, Some(ImportKind::New))
                if self.spec == KeySpec::SymmetricDefault && !self.is_replica() && !has_staged =>
            {
                Ok(Place::Next)
            }
            _ => Err(KmsError::IncorrectKeyMaterial),
        }
    }

    /// The version that material has in its place.
    pub fn version_at(&self, place: Place) -> u32 {
        match place {
            Place::Known(version) => version,
            Place::First | Place::Next => self.next_version(),
        }
    }

    /// Puts brought material into its place. Of material brought again, what was said before of it stays.
    pub fn put_import(&mut self, place: Place, material: Material) {
        match place {
            Place::First => self.material.push(material),
            Place::Next => self.staged = Some(material),
            Place::Known(version) => {
                let all = self.material.iter_mut().chain(&mut self.staged);
                for known in all.filter(|known| known.version == version) {
                    let said = known.import.take().and_then(|import| import.description);
                    known.wrapped.clone_from(&material.wrapped);
                    known.import = material.import.clone().map(|mut import| {
                        import.description = import.description.or(said.clone());
                        import
                    });
                }
            }
        }
        self.settle();
    }

    /// Takes brought material out: the current one, or that of an id. What is not permanently the key's leaves nothing,
    /// unless the primary of the key goes on waiting for it; the rest leaves its id, by which it is known when it comes
    /// again. Answers which it was.
    pub fn delete_import(&mut self, id: Option<&str>) -> Result<Option<MaterialId>, KmsError> {
        let is_it = |material: &Material| id.is_none_or(|id| material.id.to_string() == id);
        if let Some(staged) = self.staged.as_mut().filter(|staged| id.is_some() && is_it(staged)) {
            let gone = staged.id;
            staged.wrapped = None;
            if !self.is_replica() {
                self.staged = None;
            }
            return Ok(Some(gone));
        }
        let found = self.material.iter_mut().rev().find(|material| is_it(material));
        let gone = match (found, id) {
            (Some(found), _) => {
                found.wrapped = None;
                Some(found.id)
            }
            (None, None) => None,
            (None, Some(_)) => return Err(KmsError::NoSuchMaterial { key: self.arn() }),
        };
        self.settle();
        Ok(gone)
    }

    /// Takes out what has expired. Answers which that was.
    pub fn expire_imports(&mut self, now: Timestamp) -> Vec<MaterialId> {
        let mut gone = Vec::new();
        for material in self.material.iter_mut().chain(&mut self.staged) {
            if material.expires().is_some_and(|at| at <= now) {
                material.wrapped = None;
                gone.push(material.id);
            }
        }
        self.settle();
        gone
    }

    /// Whether the material that waits for a rotation was brought to every Region of the key.
    pub fn is_staged_everywhere(&self, related: &[Key]) -> bool {
        let mut all = std::iter::once(self).chain(related);
        all.all(|key| key.staged.as_ref().is_some_and(|staged| staged.wrapped.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Import, KeyState, MultiRegion, MultiRegionKind, Origin},
        table::tests::key,
    };
    use base::{Random, Region};

    fn empty() -> Key {
        Key {
            origin: Origin::External,
            state: KeyState::PendingImport,
            material: Vec::new(),
            ..key()
        }
    }

    fn material(version: u32, seed: u64, expires: Option<i64>) -> Material {
        Material {
            version,
            id: MaterialId::generate(&Random::seeded(seed)),
            import: Some(Import {
                expires: expires.map(Timestamp::from_secs),
                description: Some(format!("{seed}")),
            }),
            ..key().material[0].clone()
        }
    }

    fn with_first() -> Key {
        let mut key = empty();
        key.put_import(Place::First, material(1, 1, None));
        assert_eq!(key.state, KeyState::Enabled);
        key
    }

    #[test]
    fn material_has_its_place() {
        let (first, second) = (material(1, 1, None).id, material(2, 2, None).id);
        let check = |key: &Key, id: MaterialId, kind: Option<ImportKind>, expected: Option<Place>| {
            assert_eq!(key.place_import(id, kind).ok(), expected, "{kind:?}");
        };
        let (new, existing) = (Some(ImportKind::New), Some(ImportKind::Existing));
        check(&empty(), first, None, Some(Place::First));
        check(&empty(), first, new, Some(Place::First));
        check(&empty(), first, existing, None);
        let key = with_first();
        check(&key, first, None, Some(Place::Known(1)));
        check(&key, first, existing, Some(Place::Known(1)));
        check(&key, first, new, None);
        check(&key, second, None, None);
        check(&key, second, existing, None);
        check(&key, second, new, Some(Place::Next));
        let mut staged = key.clone();
        staged.put_import(Place::Next, material(2, 2, None));
        check(&staged, second, None, Some(Place::Known(2)));
        check(&staged, material(3, 3, None).id, new, None);
        let hmac = Key {
            spec: KeySpec::Hmac256,
            ..key
        };
        check(&hmac, second, new, None);
        check(&hmac, first, None, Some(Place::Known(1)));
    }

    #[test]
    fn what_is_deleted_or_expired_comes_again_as_the_same() {
        let mut key = with_first();
        key.put_import(Place::Next, material(2, 2, None));
        assert_eq!(key.delete_import(None).unwrap(), Some(material(1, 1, None).id));
        assert_eq!((key.state, key.material.len()), (KeyState::PendingImport, 1));
        let again = Material {
            import: Some(Import {
                expires: Some(Timestamp::from_secs(9)),
                description: None,
            }),
            ..material(1, 1, None)
        };
        key.put_import(Place::Known(1), again);
        let first = key.material[0].import.clone().unwrap();
        assert_eq!(
            (key.state, first.description.as_deref()),
            (KeyState::Enabled, Some("1"))
        );
        assert_eq!(key.expires(), Some(Timestamp::from_secs(9)));
        assert!(key.expire_imports(Timestamp::from_secs(8)).is_empty());
        assert_eq!(key.expire_imports(Timestamp::from_secs(9)), [material(1, 1, None).id]);
        assert_eq!((key.state, key.expires()), (KeyState::PendingImport, None));
        // What waits for a rotation leaves nothing.
        let staged = material(2, 2, None).id;
        assert_eq!(key.delete_import(Some(&staged.to_string())).unwrap(), Some(staged));
        assert!(key.staged.is_none());
        assert!(key.delete_import(Some(&staged.to_string())).is_err());
        // A replica knows it again, as long as its primary waits for it.
        key.put_import(Place::Next, material(2, 2, None));
        key.multi_region = Some(MultiRegion {
            kind: MultiRegionKind::Replica,
            ..MultiRegion::primary(Region::us_east_1())
        });
        assert_eq!(key.delete_import(Some(&staged.to_string())).unwrap(), Some(staged));
        assert_eq!(key.place_import(staged, None).ok(), Some(Place::Known(2)));
    }

    #[test]
    fn a_key_that_is_about_to_go_stays_so() {
        let mut key = with_first();
        key.state = KeyState::PendingDeletion {
            deletion_date: Timestamp::EPOCH,
        };
        key.delete_import(None).unwrap();
        assert_eq!(key.state.as_str(), "PendingDeletion");
    }
}
