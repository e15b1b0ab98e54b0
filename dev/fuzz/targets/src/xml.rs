//! Any bytes as an XML body: no panic, and what was read is read again from what is written of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

/// A document with one of everything that S3's have.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Document {
    text: Option<String>,
    number: Option<u64>,
    flag: Option<bool>,
    #[serde(rename = "Rule")]
    rules: Vec<Rule>,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Rule {
    id: String,
    more: Option<Box<Document>>,
}

fuzz_target!(|data: &[u8]| {
    let named = wire::xml::parse_as::<Document>("Document", data);
    let Ok(document) = wire::xml::parse::<Document>(data) else {
        assert!(named.is_err());
        return;
    };
    if let Ok(named) = named {
        assert_eq!(named, document);
    }
    // What XML has no characters for is refused when it is written.
    if let Ok(text) = wire::xml::s3_document("Document", &document)
        && let Ok(again) = wire::xml::parse_as::<Document>("Document", text.as_bytes())
    {
        assert_eq!(wire::xml::s3_document("Document", &again).ok(), Some(text));
    }
});
