//! The domain, pure.

pub(crate) mod agenda;
