//! What types have in common: what handlers answer, and the names of resources that were not given one.

use super::{Desired, Existing, Kind, Made, Property};
use serde_json::Value;
use std::collections::BTreeMap;

/// A tag, as most types have it.
pub const TAG: Kind = Kind::Object(&[
    Property::new("Key", Kind::Text).required(),
    Property::new("Value", Kind::Text).required(),
]);

/// So many characters of a logical id are in a generated name that is too long.
const LOGICAL_ID_CHARS_MAX: usize = 24;

/// A handler whose methods are the functions `create`, `update`, `delete` and `read` beside it.
macro_rules! handled {
    ($name:ident) => {
        struct $name;

        impl $crate::types::Handler for $name {
            fn create<'a>(
                &'a self,
                api: &'a mut $crate::api::Api,
                desired: &'a $crate::types::Desired,
            ) -> gateway::Boxed<'a, Result<$crate::types::Made, $crate::api::HandlerError>> {
                Box::pin(create(api, desired))
            }

            fn update<'a>(
                &'a self,
                api: &'a mut $crate::api::Api,
                existing: &'a $crate::types::Existing,
                desired: &'a $crate::types::Desired,
            ) -> gateway::Boxed<'a, Result<$crate::types::Made, $crate::api::HandlerError>> {
                Box::pin(update(api, existing, desired))
            }

            fn delete<'a>(
                &'a self,
                api: &'a mut $crate::api::Api,
                existing: &'a $crate::types::Existing,
            ) -> gateway::Boxed<'a, Result<(), $crate::api::HandlerError>> {
                Box::pin(delete(api, existing))
            }

            fn read<'a>(
                &'a self,
                api: &'a mut $crate::api::Api,
                existing: &'a $crate::types::Existing,
            ) -> gateway::Boxed<'a, Result<serde_json::Value, $crate::api::HandlerError>> {
                Box::pin(read(api, existing))
            }
        }
    };
}
pub(crate) use handled;

/// The resource as it was, after a change that it keeps its id and attributes in.
pub fn same(existing: &Existing) -> Made {
    Made {
        physical_id: existing.physical_id.clone(),
        attributes: existing.attributes.clone(),
    }
}

/// A resource with its attributes.
pub fn made<const N: usize>(physical_id: impl Into<String>, attributes: [(&str, Value); N]) -> Made {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
    Made {
        physical_id: physical_id.into(),
        attributes: attributes.collect(),
    }
}

/// A resource with attributes that are all texts.
pub fn made_of_texts(physical_id: impl Into<String>, attributes: &[(&str, &str)]) -> Made {
    let pairs = attributes.iter();
    Made {
        physical_id: physical_id.into(),
        attributes: pairs
            .map(|(name, text)| ((*name).to_owned(), Value::from(*text)))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// The name that the property gives, else the generated one, which is made to fit in `chars_max` characters.
pub fn name_of(desired: &Desired, property: &str, chars_max: usize) -> String {
    match super::values::text(&desired.properties, property) {
        Some(given) => given.to_owned(),
        None => fitted(&desired.generated_name, chars_max),
    }
}

/// A generated name (`STACK-LOGICALID-12LETTERS`, of which only the stack's name may have hyphens) of at most `chars_max`
/// characters: of the logical id 24 stay, then as much of the stack's name as there is room for.
pub fn fitted(generated: &str, chars_max: usize) -> String {
    if generated.len() <= chars_max {
        return generated.to_owned();
    }
    let mut parts = generated.rsplitn(3, '-');
    let (unique, logical, stack) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let logical: String = logical.chars().take(LOGICAL_ID_CHARS_MAX).collect();
    let room = chars_max.saturating_sub(unique.len() + logical.len() + 2);
    let stack: String = stack.chars().take(room).collect();
    match stack.trim_end_matches('-') {
        "" => format!("{logical}-{unique}"),
        stack => format!("{stack}-{logical}-{unique}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_name_fits() {
        let short = "stack-Role-ABCDEFGHIJKL";
        assert_eq!(fitted(short, 64), short);
        let long = "my-rather-long-name-of-a-stack-ResourceWithARatherLongLogicalId-ABCDEFGHIJKL";
        assert_eq!(
            fitted(long, 64),
            "my-rather-long-name-of-a-s-ResourceWithARatherLongL-ABCDEFGHIJKL"
        );
        assert_eq!(fitted(long, 64).len(), 64);
        assert_eq!(
            fitted("a-b-stack-ResourceWithARatherLongLogicalId-ABCDEFGHIJKL", 40),
            "a-ResourceWithARatherLongL-ABCDEFGHIJKL",
            "no two hyphens stand together"
        );
    }
}
