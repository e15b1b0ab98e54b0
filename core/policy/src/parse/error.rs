//! What is wrong with a policy document, and where.

/// A document that is no policy of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at `{at}`")]
pub struct ParseError {
    /// The element, such as `Statement[1].Condition`; empty for the document as a whole.
    pub at: String,
    /// What is wrong with it.
    pub what: Malformed,
}

/// What is wrong with a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The version is neither 2012-10-17 nor 2008-10-17.
    #[error("unknown version `{text}`")]
    BadVersion {
        /// What is there.
        text: String,
    },
    /// An element and its `Not…` form are both there.
    #[error("both `{element}` and `Not{element}`")]
    Contradiction {
        /// The positive form's name.
        element: &'static str,
    },
    /// A member is given twice.
    #[error("duplicate member `{name}`")]
    DuplicateField {
        /// The member.
        name: String,
    },
    /// Two statements have one Sid.
    #[error("duplicate Sid `{sid}`")]
    DuplicateSid {
        /// The Sid.
        sid: String,
    },
    /// The list of statements has none.
    #[error("no statement")]
    EmptyStatement,
    /// Not `*` and not `vendor:name`, or of a service that such a policy cannot speak of.
    #[error("invalid action `{text}`")]
    InvalidAction {
        /// The action.
        text: String,
    },
    /// A character that a key policy may not hold.
    #[error("character outside U+0020 to U+00FF at byte {offset}")]
    InvalidCharacter {
        /// Where.
        offset: usize,
    },
    /// A condition key without a vendor.
    #[error("invalid condition key `{key}`")]
    InvalidConditionKey {
        /// The key.
        key: String,
    },
    /// A value that is not of the operator's type.
    #[error("`{text}` is no value for {operator}")]
    InvalidConditionValue {
        /// The operator.
        operator: String,
        /// The value.
        text: String,
    },
    /// Neither `Allow` nor `Deny`.
    #[error("invalid effect `{text}`")]
    InvalidEffect {
        /// What is there.
        text: String,
    },
    /// An account of another partition.
    #[error("partition `{partition}` is not valid for resource `{text}`")]
    InvalidPartition {
        /// The partition.
        partition: String,
        /// The whole resource.
        text: String,
    },
    /// A principal that is not of a form that AWS takes.
    #[error("invalid principal `{kind}`: `{text}`")]
    InvalidPrincipal {
        /// `AWS`, `Service` and so on; empty when there is none.
        kind: String,
        /// The principal.
        text: String,
    },
    /// Neither `*` nor an ARN, or not one that such a policy can speak of.
    #[error("invalid resource `{text}`")]
    InvalidResource {
        /// The resource.
        text: String,
    },
    /// A Sid with characters other than letters and digits, where those only may be.
    #[error("invalid Sid `{sid}`")]
    InvalidSid {
        /// The Sid.
        sid: String,
    },
    /// `${` that is not a variable.
    #[error("invalid variable `{text}`")]
    InvalidVariable {
        /// From the `$` on.
        text: String,
    },
    /// Neither `Action` nor `NotAction`.
    #[error("no action")]
    MissingAction,
    /// No `Effect`.
    #[error("no effect")]
    MissingEffect,
    /// No `Principal` (nor `NotPrincipal`, where that may be).
    #[error("no principal")]
    MissingPrincipal,
    /// Neither `Resource` nor `NotResource`.
    #[error("no resource")]
    MissingResource,
    /// No `Statement`.
    #[error("no member `Statement`")]
    MissingStatement,
    /// No `Version`, where there must be one.
    #[error("no member `Version`")]
    MissingVersion,
    /// Not a JSON object.
    #[error("no JSON object from byte {offset}")]
    NotJson {
        /// Where it stops being one.
        offset: usize,
    },
    /// A principal where the policy's holder is the principal.
    #[error("prohibited member `Principal`")]
    ProhibitedPrincipal,
    /// An `Allow` in a resource control policy that is not the one which allows everything.
    #[error("prohibited effect `Allow`")]
    ProhibitedAllow,
    /// A resource in a trust policy.
    #[error("prohibited member `Resource`")]
    ProhibitedResource,
    /// More than the kind allows.
    #[error("size {size} is over {max}")]
    TooLong {
        /// The [`counted_size`].
        size: usize,
        /// The limit.
        max: usize,
    },
    /// A member that the grammar does not have.
    #[error("unknown member `{name}`")]
    UnknownField {
        /// The member.
        name: String,
    },
    /// A member that other kinds of policies have.
    #[error("`{name}` is not supported in this kind of policy")]
    UnsupportedElement {
        /// The member.
        name: &'static str,
    },
    /// A condition operator that does not exist.
    #[error("unknown operator `{name}`")]
    UnknownOperator {
        /// The operator.
        name: String,
    },
    /// A value of the wrong JSON type.
    #[error("expected {expected}")]
    WrongType {
        /// What should be there.
        expected: &'static str,
    },
}
