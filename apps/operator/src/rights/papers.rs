//! The policies of a survey, each read once.

use super::{
    document::{Document, Reading},
    query::Query,
    verdict::Held,
};
use crate::{
    message,
    message::Message,
    survey::{Fact, Missing},
};
use policy::PolicyKind;
use serde_json::Value;
use std::sync::Arc;

/// A policy, or why it is not known.
#[derive(Clone, Debug)]
pub(super) enum Paper {
    /// It was read.
    Known(Arc<Document>),
    /// It is there, or may be there, and what it says is not known.
    Unknown {
        /// As what it would be read.
        kind: PolicyKind,
        /// What people call it.
        name: String,
        /// Why it is not known.
        why: Message,
    },
}

impl Paper {
    /// Reads a document; one that is no policy as this engine knows the language is as good as not known.
    pub(super) fn read(document: &Value, kind: PolicyKind, name: &str, arn: Option<&str>) -> Paper {
        match Document::read(document, kind, name, arn) {
            Ok(document) => Paper::Known(Arc::new(document)),
            Err(error) => Paper::Unknown {
                kind,
                name: name.to_owned(),
                why: message!("{name} cannot be read: {error}", "{name} を解釈できません: {error}"),
            },
        }
    }

    /// One that could not be had.
    pub(super) fn missing(missing: &Missing, kind: PolicyKind, name: &str) -> Paper {
        Paper::Unknown {
            kind,
            name: name.to_owned(),
            why: super::verdict::join(&message!("{name} is not known", "{name} は不明です"), &missing.said()),
        }
    }

    /// Of a fact about a document that may be absent.
    pub(super) fn of(fact: &Fact<Option<Value>>, kind: PolicyKind, name: &str) -> Option<Paper> {
        match fact {
            Fact::Known(document) => Some(Paper::read(document.as_ref()?, kind, name, None)),
            Fact::NotAvailable(missing) => Some(Paper::missing(missing, kind, name)),
        }
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Paper::Known(document) => document.name(),
            Paper::Unknown { name, .. } => name,
        }
    }

    /// The document, when it is known.
    pub(super) fn document(&self) -> Option<&Document> {
        match self {
            Paper::Known(document) => Some(document),
            Paper::Unknown { .. } => None,
        }
    }

    /// The policy as a request meets it. `None`: this engine cannot even say that it is not known, which does not happen.
    pub(super) fn held(&self, query: &Query) -> Option<Held> {
        let unsure = |key: &str| query.is_unsure_of(key);
        let (kind, name, why) = match self {
            Paper::Known(document) => match document.before(&unsure, query.open_session()) {
                Ok(reading) => return Some(Held::certain(reading)),
                Err(error) => (document.policy().kind(), self.name(), Message::plain(error)),
            },
            Paper::Unknown { kind, name, why } => (*kind, name.as_str(), why.clone()),
        };
        Some(Held {
            reading: Reading::of_nothing(kind, name)?,
            missing: Some(why),
        })
    }
}
