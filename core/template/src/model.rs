//! A template as it was read: the sections, in their order. Values still hold intrinsic functions, in the long form
//! (`{"Fn::Sub": …}`, `{"Ref": …}`, `{"Condition": …}`).

use serde_json::Value;

use crate::ordered::Ordered;

/// A template, free of static faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// `AWSTemplateFormatVersion`: `2010-09-09` or not said.
    pub format_version: Option<String>,
    /// `Description`
    pub description: Option<String>,
    /// `Metadata`
    pub metadata: Option<Value>,
    /// `Transform`: names of macros, in order; such as `AWS::LanguageExtensions`.
    pub transforms: Vec<String>,
    /// `Parameters`
    pub parameters: Vec<ParameterDeclaration>,
    /// `Rules`
    pub rules: Vec<Rule>,
    /// `Mappings`: name, top-level key, second-level key.
    pub mappings: Value,
    /// `Conditions`: name and expression.
    pub conditions: Vec<(String, Value)>,
    /// `Resources`
    pub resources: Vec<Resource>,
    /// `Outputs`
    pub outputs: Vec<Output>,
    /// The whole document, in long form and in its order, where `AWS::LanguageExtensions` has yet to be applied to it. Then
    /// `conditions`, `resources` and `outputs` hold what stands there without `Fn::ForEach`, and not all faults have been
    /// looked for.
    pub unexpanded: Option<Ordered>,
}

/// A declared parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterDeclaration {
    /// Its logical name.
    pub name: String,
    /// `Type`, such as `String`, `Number`, `CommaDelimitedList`, `List<Number>`.
    pub kind: String,
    /// `Default`, as text.
    pub default: Option<String>,
    /// `AllowedValues`, as texts.
    pub allowed_values: Option<Vec<String>>,
    /// `AllowedPattern`
    pub allowed_pattern: Option<String>,
    /// `ConstraintDescription`
    pub constraint_description: Option<String>,
    /// `Description`
    pub description: Option<String>,
    /// `MinLength`
    pub min_length: Option<u64>,
    /// `MaxLength`
    pub max_length: Option<u64>,
    /// `MinValue`, as text.
    pub min_value: Option<String>,
    /// `MaxValue`, as text.
    pub max_value: Option<String>,
    /// `NoEcho`: the value is shown to nobody.
    pub no_echo: bool,
}

/// A rule about parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its logical name.
    pub name: String,
    /// `RuleCondition`: when it is to be kept.
    pub condition: Option<Value>,
    /// `Assertions`: the expression and `AssertDescription`.
    pub assertions: Vec<(Value, Option<String>)>,
}

/// What becomes of a thing whose resource goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays.
    Retain,
    /// It stays, but for a resource whose creation is being rolled back.
    RetainExceptOnCreate,
    /// A snapshot is made of it; of the types that are here none can be.
    Snapshot,
}

/// A declared resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its logical id.
    pub logical_id: String,
    /// `Type`, such as `AWS::S3::Bucket`.
    pub type_name: String,
    /// `Properties`: an object.
    pub properties: Value,
    /// `Condition`: the name of one.
    pub condition: Option<String>,
    /// `DependsOn`
    pub depends_on: Vec<String>,
    /// `DeletionPolicy`; `None` when it is not said.
    pub deletion_policy: Option<DeletionPolicy>,
    /// `UpdateReplacePolicy`
    pub update_replace_policy: Option<DeletionPolicy>,
    /// `Metadata`
    pub metadata: Option<Value>,
    /// `CreationPolicy`
    pub creation_policy: Option<Value>,
    /// `UpdatePolicy`
    pub update_policy: Option<Value>,
}

/// A declared output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its logical name.
    pub name: String,
    /// `Value`
    pub value: Value,
    /// `Description`
    pub description: Option<String>,
    /// `Export.Name`
    pub export: Option<Value>,
    /// `Condition`: the name of one.
    pub condition: Option<String>,
}
