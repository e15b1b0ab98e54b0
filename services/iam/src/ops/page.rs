//! Listings page by page: `MaxItems`, `Marker`, `IsTruncated`.

use crate::IamError;

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>
const MAX_ITEMS_DEFAULT: usize = 100;
const MAX_ITEMS_MAX: i64 = 1_000;

/// A page of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Where the next page goes on, if there is one.
    pub(super) marker: Option<String>,
}

/// Cuts the page that a caller asked for out of all items. A marker is the name of the last item given, so that a page is
/// right also when items come and go between two calls.
pub(super) fn page<T>(
    all: Vec<T>,
    name: impl Fn(&T) -> &str,
    max_items: Option<i64>,
    marker: Option<&str>,
) -> Result<Page<T>, IamError> {
    Ok(page_of(all, name, parse_max_items(max_items)?, marker))
}

/// The same, of at most `limit` items.
pub(super) fn page_of<T>(all: Vec<T>, name: impl Fn(&T) -> &str, limit: usize, marker: Option<&str>) -> Page<T> {
    let from = match marker {
        None => 0,
        Some(marker) => match all.iter().position(|item| name(item) == marker) {
            Some(at) => at + 1,
            // Gone since: names are in order but for their case, so what comes behind it is still known.
            None => all.iter().take_while(|item| !is_behind(name(item), marker)).count(),
        },
    };
    let mut items: Vec<T> = all.into_iter().skip(from).collect();
    let truncated = items.len() > limit;
    items.truncate(limit);
    let marker = items.last().filter(|_| truncated).map(|last| name(last).to_owned());
    Page { items, marker }
}

fn is_behind(name: &str, marker: &str) -> bool {
    name.to_ascii_lowercase() > marker.to_ascii_lowercase()
}

/// Reads `MaxItems`.
pub(super) fn parse_max_items(max_items: Option<i64>) -> Result<usize, IamError> {
    let refused = |n: i64, constraint: &str| Err(IamError::constraint("maxItems", &n.to_string(), constraint));
    match max_items {
        None => Ok(MAX_ITEMS_DEFAULT),
        Some(n) if n < 1 => refused(n, "Member must have value greater than or equal to 1"),
        Some(n) if n > MAX_ITEMS_MAX => refused(n, "Member must have value less than or equal to 1000"),
        Some(n) => Ok(usize::try_from(n).unwrap_or(MAX_ITEMS_DEFAULT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn pages_together_are_the_whole(names in proptest::collection::btree_set("[a-c]{1,3}", 0..12), limit in 1_i64..5) {
            let all: Vec<String> = names.iter().cloned().collect();
            let (mut read, mut marker) = (Vec::new(), None);
            loop {
                let page = page(all.clone(), |name| name, Some(limit), marker.as_deref()).unwrap();
                read.extend(page.items);
                match page.marker {
                    Some(next) => marker = Some(next),
                    None => break,
                }
            }
            prop_assert_eq!(read, all);
        }

        #[test]
        fn a_page_goes_on_where_its_marker_was(names in proptest::collection::btree_set("[a-c]{1,3}", 0..12), gone in "[a-c]{1,3}") {
            let left: BTreeSet<String> = names.iter().filter(|name| **name != gone).cloned().collect();
            let page = page(left.iter().cloned().collect(), |name: &String| name.as_str(), None, Some(&gone)).unwrap();
            let behind: Vec<String> = left.into_iter().filter(|name| *name > gone).collect();
            prop_assert_eq!(page.items, behind);
        }
    }

    #[test]
    fn the_number_of_items_has_its_bounds() {
        for (max_items, ok) in [
            (None, true),
            (Some(1), true),
            (Some(1_000), true),
            (Some(0), false),
            (Some(1_001), false),
        ] {
            assert_eq!(page(vec![()], |()| "", max_items, None).is_ok(), ok, "{max_items:?}");
        }
    }
}
