//! # Template: CloudFormation's language
//!
//! From text to resources: a *document* (YAML with short tags, or JSON) is read into a tree that knows its positions, the
//! tree into a [`Template`], whose static faults are all found then; with parameters and a look at what exists it is
//! *evaluated*: conditions, intrinsic functions, dependencies. Pure: nothing here reads or writes anything.
//!
//! ## Invariants
//! - A date of YAML is a text; booleans and numbers are those of YAML 1.1, as CloudFormation's reader takes them.
//! - Whatever is refused is refused in AWS's words, with line and column where it is a matter of the document.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>
#![deny(missing_docs)]

mod check;
mod conditions;
mod declare;
mod document;
#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod evaluation_tests;
mod expand;
mod functions;
pub mod graph;
pub mod model;
pub mod ordered;
pub mod parameters;
mod pattern;
pub mod read;
mod rules;
mod scalar;
pub mod scope;
#[cfg(test)]
mod scope_tests;
mod shape;

pub use graph::{Node, Reference};
pub use model::{DeletionPolicy, Output, ParameterDeclaration, Resource, Rule, Template};
pub use ordered::Ordered;
pub use parameters::{Given, Parameter, Parameters};
pub use scope::{EvaluateError, Known, Nothing, Pseudo, Scope, Unknown, export_name, output_text};

/// A refusal of a template or of its parameters: the text of AWS's `ValidationError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);
