//! What pages are made of: the frame around each, and the parts that many have.
//!
//! Parts take what they show as text and escape it. Whatever has a state says it in words beside its colour.

mod frame;
mod parts;
mod refusal;
mod why;

pub(crate) use frame::{Outside, Page, outside, token};
pub(crate) use parts::*;
pub(crate) use refusal::{failed, reasons_of, refusal, refused, told};
pub(crate) use why::why;
