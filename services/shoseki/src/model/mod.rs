//! The domain, pure.

pub(crate) mod agenda;
pub(crate) mod explained;
