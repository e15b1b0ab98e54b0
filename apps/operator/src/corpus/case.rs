//! What a case is, and all of them.

use super::{cases_chain, cases_digest, cases_log, cases_sound, maker::Maker};
use base::Fault;
use serde::Serialize;

/// A case as the code has it.
pub(super) struct Case {
    pub name: &'static str,
    /// Whether all is in order with the trail.
    pub valid: bool,
    /// What was done.
    pub done: &'static str,
    /// What a careful validator says.
    pub careful: &'static str,
    pub make: fn(&mut Maker) -> Result<(), Fault>,
}

/// A case of the corpus, without its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseInfo {
    /// Its name, which is also that of its folder.
    pub name: &'static str,
    /// Whether all is in order with the trail, so that a careful validator finds nothing wrong.
    pub valid: bool,
    /// What was done to the trail.
    pub done: &'static str,
    /// What a careful validator says about it.
    pub careful: &'static str,
}

/// All cases, the sound ones first.
pub fn cases() -> Vec<CaseInfo> {
    let info = |case: &Case| CaseInfo {
        name: case.name,
        valid: case.valid,
        done: case.done,
        careful: case.careful,
    };
    all().map(info).collect()
}

pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    let groups = [
        cases_sound::CASES,
        cases_log::CASES,
        cases_digest::CASES,
        cases_chain::CASES,
    ];
    groups.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_case_has_a_name_of_its_own_and_says_what_it_is() {
        let cases = cases();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), cases.len());
        for case in &cases {
            let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            assert!(case.name.chars().all(plain), "{}", case.name);
            for text in [case.done, case.careful] {
                assert!(text.ends_with('.') && !text.contains('|'), "{}: {text}", case.name);
            }
        }
    }

    /// The same bytes each time: otherwise what other validators say about it could not be compared.
    #[test]
    fn cases_are_made_the_same_each_time() {
        for case in all().filter(|case| case.name != "log-of-many-bytes") {
            let [one, two] = [(), ()].map(|()| {
                let mut maker = Maker::new().unwrap();
                (case.make)(&mut maker).unwrap();
                maker
            });
            assert!(!one.runs.is_empty(), "{}", case.name);
            let bodies = |maker: &Maker| {
                let files = maker.objects.iter();
                files
                    .map(|(place, object)| (place.clone(), object.body.clone(), object.metadata.clone()))
                    .collect::<Vec<_>>()
            };
            assert!(bodies(&one) == bodies(&two), "{}", case.name);
        }
    }
}
