//! The policy desk: what is wrong with a policy and where, whose policy it is and the call that puts it, and who could do what
//! before and after.
//!
//! What a policy is and how it decides is the policy engine's ([`crate::rights`]); here is what people need beside it while they
//! write one. Nothing here calls anything.

mod action;
mod condition_key;
mod lint;
mod matrix;
mod place;
mod said;
mod target;

pub use lint::{Remark, Ruled, Weight, lint};
pub use matrix::{Column, Matrix, Row, matrix};
pub use place::{Place, Places};
pub use target::{Holder, Refused, Target};
