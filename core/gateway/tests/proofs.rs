//! What must not compile: a room that commits, a forged right, a forged caller, a printed secret.
//!
//! Each program in `tests/fail` is one misuse; the `.stderr` beside it is what the compiler says of it.

#[test]
#[ignore = "slow: cargo xtask test runs it; it calls the compiler"]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}
