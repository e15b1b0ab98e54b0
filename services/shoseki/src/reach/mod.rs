//! Who can do what: every principal known before the very decisions that its calls would meet.
//!
//! [`target`] is what is asked about, with the policies that guard it now or would; [`subject`] is everybody who might
//! come; [`matrix`] decides each for each.

pub(crate) mod matrix;
pub(crate) mod reason;
pub(crate) mod subject;
pub(crate) mod target;
