//! The signed load generator and the benches of cargo xtask bench.
