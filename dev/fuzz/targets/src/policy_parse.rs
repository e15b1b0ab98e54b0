//! Any bytes as a document of each kind: no panic, errors that point into the text, a normal form that stays itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{Malformed, Policy, PolicyKind, rewrite_principals};

const KINDS: [PolicyKind; 8] = [
    PolicyKind::BucketPolicy,
    PolicyKind::Identity,
    PolicyKind::KeyPolicy,
    PolicyKind::PermissionsBoundary,
    PolicyKind::ResourceControl,
    PolicyKind::ServiceControl,
    PolicyKind::Session,
    PolicyKind::Trust,
];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert_eq!(rewrite_principals(text, &mut |_| None), text);
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    if let Some(document) = value(text) {
        let same = rewrite_principals(text, &mut |named| Some(named.to_owned()));
        assert_eq!(value(&same), Some(document));
    }
    for kind in KINDS {
        match Policy::parse(text, kind) {
            Ok(policy) => printed(&policy, kind),
            Err(error) => match error.what {
                Malformed::NotJson { offset } | Malformed::InvalidCharacter { offset } => {
                    assert!(text.is_char_boundary(offset), "{kind:?}: no place {offset}");
                    assert!(error.at.is_empty(), "{kind:?}: an element of no document: {}", error.at);
                }
                Malformed::TooLong { size, max } => assert!(size > max, "{kind:?}: {size} is not over {max}"),
                _ => assert!(!error.to_string().is_empty()),
            },
        }
    }
});

/// The normal form parses, and is its own; only its length may be another.
fn printed(policy: &Policy, kind: PolicyKind) {
    let text = policy.to_json();
    match Policy::parse(&text, kind) {
        Ok(again) => assert_eq!(again.to_json(), text, "{kind:?}"),
        Err(error) if matches!(error.what, Malformed::TooLong { .. }) => {}
        Err(error) => panic!("{kind:?}: {error} in {text}"),
    }
}
