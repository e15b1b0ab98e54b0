//! Stored types carry a version, and remember their ancestors.
//!
//! A stored row is one version byte and the postcard of that version's shape. When a shape changes, the old struct is kept
//! under a name of its own, and the new one names it as its [`Stored::Ancestor`] with a `From` beside it. Reading an old
//! row walks down to the version that wrote it and up again through every conversion; the row is written back in the
//! newest shape the next time it changes.

use base::Fault;
use serde::{Serialize, de::DeserializeOwned};

/// A type that can be a row.
pub trait Stored: Serialize + DeserializeOwned {
    /// The version of this shape. Greater than the ancestor's, and never used again for another shape.
    const VERSION: u8;

    /// The shape before this one, or [`NoAncestor`].
    type Ancestor: Upgrade<Self>;

    /// The row's bytes.
    fn encode(&self) -> Result<Vec<u8>, Fault> {
        postcard::to_extend(self, vec![Self::VERSION])
            .map_err(|e| Fault::io(format!("encoding `{}`", std::any::type_name::<Self>()), e))
    }

    /// The row, of this or any earlier version.
    fn decode(row: &[u8]) -> Result<Self, Fault> {
        match row.split_first() {
            Some((&version, body)) if version == Self::VERSION => decode_body(body),
            _ => Self::Ancestor::upgrade(row),
        }
    }
}

/// How an earlier shape becomes `T`. Implemented for every [`Stored`] type that converts into `T`, and for [`NoAncestor`].
pub trait Upgrade<T> {
    /// Reads a row written by this shape or one before it.
    fn upgrade(row: &[u8]) -> Result<T, Fault>;
}

/// Ends the chain: there was no shape before.
pub enum NoAncestor {}

impl<T> Upgrade<T> for NoAncestor {
    fn upgrade(row: &[u8]) -> Result<T, Fault> {
        let name = std::any::type_name::<T>();
        Err(match row.first() {
            Some(version) => Fault::corrupt(format!("a row of `{name}` has the unknown version {version}")),
            None => Fault::corrupt(format!("a row of `{name}` is empty")),
        })
    }
}

impl<A: Stored, T: Stored + From<A>> Upgrade<T> for A {
    fn upgrade(row: &[u8]) -> Result<T, Fault> {
        const {
            assert!(
                A::VERSION < T::VERSION,
                "a stored type's version must exceed its ancestor's"
            )
        };
        A::decode(row).map(T::from)
    }
}

fn decode_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    let what = || format!("a row of `{}`", std::any::type_name::<T>());
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(Fault::corrupt(format!("{} has bytes after its end", what()))),
        Err(e) => Err(Fault::corrupt_by(what(), e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize)]
    struct TrailV1 {
        name: String,
    }
    #[derive(Serialize, Deserialize)]
    struct TrailV3 {
        name: String,
        logging: bool,
    }
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Trail {
        name: String,
        logging: bool,
        prefix: Option<String>,
    }
    impl Stored for TrailV1 {
        const VERSION: u8 = 1;
        type Ancestor = NoAncestor;
    }
    impl Stored for TrailV3 {
        const VERSION: u8 = 3;
        type Ancestor = TrailV1;
    }
    impl Stored for Trail {
        const VERSION: u8 = 4;
        type Ancestor = TrailV3;
    }
    impl From<TrailV1> for TrailV3 {
        fn from(old: TrailV1) -> TrailV3 {
            TrailV3 {
                name: old.name,
                logging: true,
            }
        }
    }
    impl From<TrailV3> for Trail {
        fn from(old: TrailV3) -> Trail {
            Trail {
                name: old.name,
                logging: old.logging,
                prefix: None,
            }
        }
    }

    #[test]
    fn every_version_reads_as_the_newest() {
        let name = || "t".to_owned();
        let check = |row: Vec<u8>, logging| {
            let expected = Trail {
                name: name(),
                logging,
                prefix: None,
            };
            assert_eq!(Trail::decode(&row).unwrap(), expected);
        };
        check(TrailV1 { name: name() }.encode().unwrap(), true);
        check(
            TrailV3 {
                name: name(),
                logging: false,
            }
            .encode()
            .unwrap(),
            false,
        );
        check(
            Trail {
                name: name(),
                logging: false,
                prefix: None,
            }
            .encode()
            .unwrap(),
            false,
        );
    }

    #[test]
    fn what_no_version_wrote_is_corrupt() {
        for row in [
            &[][..],
            &[0],
            &[2, 1, b't'],
            &[5, 1, b't'],
            &[1, 9, b't'],
            &[1, 1, b't', 0],
        ] {
            assert!(matches!(Trail::decode(row), Err(Fault::Corrupt { .. })), "{row:?}");
        }
    }
}
