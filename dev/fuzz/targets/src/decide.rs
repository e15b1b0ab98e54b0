//! Bytes make a case; the real engine must decide it as the book does, explain it, and find remedies that work.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{Check, decide, explain, remedy};
use spec::{
    choices::Choices,
    compare::{Trouble, compare},
    generate,
};

fuzz_target!(|data: &[u8]| {
    let case = generate::case(&mut Choices::of_bytes(data));
    let trouble = match compare(&case) {
        Ok(_) => None,
        // Bytes can make a document that is too long.
        Err(Trouble::Refused(_)) => return,
        Err(trouble) => Some(trouble),
    };
    if let Some(trouble) = trouble {
        panic!("{trouble}\n{}", serde_json::to_string_pretty(&case).unwrap_or_default());
    }
    let Ok(real) = case.real() else { return };
    let check = Check {
        request: real.request(),
        policies: real.policies(),
    };
    let allowed = decide(&check.request, &check.policies).is_allowed();
    let trace = explain(&check);
    assert_eq!(trace, explain(&check));
    assert!(!allowed || remedy(&check).is_empty(), "a remedy for what is allowed");
});
