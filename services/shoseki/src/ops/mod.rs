//! One file per operation.

pub(crate) mod advance_clock;
pub(crate) mod create_account;
pub(crate) mod describe_access;
pub(crate) mod describe_root_key;
pub(crate) mod explain_decision;
pub(crate) mod list_accounts;
pub(crate) mod rotate_root_key;
pub(crate) mod subscribe_events;
pub(crate) mod summarise_events;
pub(crate) mod summarise_objects;
