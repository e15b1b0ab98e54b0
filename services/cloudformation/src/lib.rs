//! # CloudFormation: stacks of resources from templates
//!
//! A template says what is to be; a stack is what came of it. The language is `template`'s; this room keeps stacks, their
//! resources, events and change sets, and does the work: each resource is made, changed and deleted by the operations of its
//! own service, called by [`api::Api`] with the rights of who asked for it or of the stack's role, and recorded like any call.
//!
//! Start reading at [`OPERATIONS`], then `work`, then [`types`] (one file per resource type).
//!
//! ## Invariants
//! - What is done for a resource and what the stack knows of it are one transaction: a crash leaves no resource that its stack
//!   does not know.
//! - A property that a type does not have here is refused by its name and never ignored.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/welcome.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/>

pub mod api;
mod error;
pub mod model;
pub mod ops;
pub mod table;
pub mod types;
mod work;

pub use error::CloudFormationError;
pub use ops::OPERATIONS;
pub use table::{CHECKS, SEALED};
pub use work::{Forget, Stacks, run};
