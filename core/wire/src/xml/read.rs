//! XML in: a hardened reader for S3's bodies.

use crate::{
    WireFault,
    tree::{Lists, Node, Value},
};
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesDecl, BytesRef, BytesStart, Event},
};
use serde::de::DeserializeOwned;

/// The longest document that is read: room for DeleteObjects and CompleteMultipartUpload at their largest.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The deepest nesting of elements.
const DEPTH_MAX: usize = 32;

/// The most elements and attributes.
const NODES_MAX: usize = 200_000;

const UNFIT: WireFault = WireFault::Malformed("not well-formed XML");

/// Reads a document, whatever its root is called. DTDs, entities beyond XML's five, processing instructions and
/// encodings other than UTF-8 are refused; namespaces are not looked at.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, WireFault> {
    let (_, root) = document(body)?;
    T::deserialize(Value::root(root, Lists::Repeated))
}

/// The same, with the root's name asked for.
pub fn parse_as<T: DeserializeOwned>(root: &str, body: &[u8]) -> Result<T, WireFault> {
    match document(body)? {
        (name, node) if name == root => T::deserialize(Value::root(node, Lists::Repeated)),
        _ => Err(WireFault::Malformed("another root element")),
    }
}

fn document(body: &[u8]) -> Result<(String, Node), WireFault> {
    if body.len() > BODY_BYTES_MAX {
        return Err(WireFault::TooLarge {
            bytes_max: BODY_BYTES_MAX,
        });
    }
    let text = std::str::from_utf8(body).map_err(|_| WireFault::Malformed("not UTF-8"))?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut builder = Builder::default();
    loop {
        match reader.read_event().map_err(|_| UNFIT)? {
            Event::Eof => return builder.finish(),
            event => builder.take(event)?,
        }
    }
}

/// The elements that are open, and the root once it is closed.
#[derive(Default)]
struct Builder {
    open: Vec<(String, Node)>,
    root: Option<(String, Node)>,
    nodes: usize,
    begun: bool,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), WireFault> {
        let first = !std::mem::replace(&mut self.begun, true);
        match event {
            Event::Decl(declaration) if first => is_utf8(&declaration),
            Event::Start(start) => self.start(&start),
            Event::Empty(start) => {
                self.start(&start)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(&reference),
            Event::Comment(_) => Ok(()),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => Err(UNFIT),
        }
    }

    fn count(&mut self) -> Result<(), WireFault> {
        self.nodes = self.nodes.saturating_add(1);
        match self.nodes > NODES_MAX {
            true => Err(WireFault::Malformed("too many elements")),
            false => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), WireFault> {
        if self.root.is_some() || self.open.len() >= DEPTH_MAX {
            return Err(UNFIT);
        }
        self.count()?;
        let mut node = Node::default();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| UNFIT)?;
            let name: &str = attribute.key.as_ref();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            self.count()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| UNFIT)?;
            let value = Node {
                text: Some(value.into_owned()),
                ..Node::default()
            };
            node.children.insert(format!("@{name}"), vec![value]);
        }
        let name: &str = start.local_name().into_inner();
        if name.is_empty() {
            return Err(UNFIT);
        }
        self.open.push((name.to_owned(), node));
        Ok(())
    }

    /// The reader has checked that the tag closes the innermost open element.
    fn end(&mut self) -> Result<(), WireFault> {
        let (name, node) = self.open.pop().ok_or(UNFIT)?;
        let has_elements = node.children.keys().any(|name| !name.starts_with('@'));
        if has_elements && node.text.as_deref().is_some_and(|text| !text.trim().is_empty()) {
            return Err(WireFault::Malformed("text between elements"));
        }
        match self.open.last_mut() {
            Some((_, parent)) => parent.children.entry(name).or_default().push(node),
            None => self.root = Some((name, node)),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), WireFault> {
        match self.open.last_mut() {
            Some((_, node)) => node.text.get_or_insert_default().push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(UNFIT),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), WireFault> {
        if self.open.is_empty() {
            return Err(UNFIT);
        }
        if let Some(char) = reference.resolve_char_ref().map_err(|_| UNFIT)? {
            return self.text(char.encode_utf8(&mut [0; 4]));
        }
        self.text(resolve_xml_entity(&reference.xml10_content()).ok_or(UNFIT)?)
    }

    fn finish(self) -> Result<(String, Node), WireFault> {
        match (self.root, self.open.is_empty()) {
            (Some(root), true) => Ok(root),
            _ => Err(UNFIT),
        }
    }
}

fn is_utf8(declaration: &BytesDecl<'_>) -> Result<(), WireFault> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(_) => Err(WireFault::Malformed("not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorReply, ServiceName};
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Input {
        rule: Vec<Rule>,
        quiet: Option<bool>,
        grantee: Option<Grantee>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Rule {
        id: String,
        days: Option<u32>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Grantee {
        #[serde(rename = "@xsi:type")]
        kind: String,
        #[serde(rename = "ID")]
        id: String,
    }

    #[test]
    fn well_formed_documents_are_read() {
        let check = |body: &str, expected| assert_eq!(parse::<Input>(body.as_bytes()), Ok(expected), "{body}");
        let rule = |id: &str, days| Rule {
            id: id.to_owned(),
            days,
        };
        let rules = |rule| Input {
            rule,
            ..Input::default()
        };
        check("<X/>", Input::default());
        check(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<X xmlns=\"urn:a\"> <!-- c --> </X>\n",
            Input::default(),
        );
        check(
            "<X><Rule><Id>a&amp;&#x41;&#66;&lt;</Id></Rule></X>",
            rules(vec![rule("a&AB<", None)]),
        );
        check(
            "<X><Rule><Id><![CDATA[<&]]></Id><Days> 7 </Days></Rule></X>",
            rules(vec![rule("<&", Some(7))]),
        );
        check(
            "<s:X xmlns:s=\"u\"><s:Rule><s:Id>a</s:Id></s:Rule></s:X>",
            rules(vec![rule("a", None)]),
        );
        check(
            "<X><Rule><Id>a</Id></Rule><Quiet>true</Quiet><Rule><Id/></Rule></X>",
            Input {
                rule: vec![rule("a", None), rule("", None)],
                quiet: Some(true),
                grantee: None,
            },
        );
        check(
            "<X><Grantee xmlns:xsi=\"u\" xsi:type=\"Canonical&quot;User\"><ID>i</ID></Grantee></X>",
            Input {
                grantee: Some(Grantee {
                    kind: "Canonical\"User".to_owned(),
                    id: "i".to_owned(),
                }),
                ..Input::default()
            },
        );
    }

    #[test]
    fn what_is_odd_is_malformed() {
        let check = |body: &str| {
            let fault = parse::<Input>(body.as_bytes()).expect_err(body);
            assert_eq!(
                ErrorReply::of_wire(&fault, ServiceName::S3).code,
                "MalformedXML",
                "{body}"
            );
        };
        let deep = format!("{}{}", "<X>".repeat(40), "</X>".repeat(40));
        let deeper = "<X>".repeat(100_000);
        for body in [
            "",
            "x",
            "{}",
            "<X>",
            "</X>",
            "<X></Y>",
            "<X/><X/>",
            "<X/>x",
            "<X a=\"1\" a=\"2\"/>",
            "<X a=b/>",
            "<X>&lol;</X>",
            "<X>&#0;</X>",
            "<X>& </X>",
            "<!DOCTYPE X><X/>",
            "<!DOCTYPE X [<!ENTITY a \"b\">]><X>&a;</X>",
            "<?php ?><X/>",
            "<X><?xml version=\"1.0\"?></X>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><X/>",
            "<X>text<Quiet>true</Quiet></X>",
            "<X>text</X>",
            "<X><Quiet>maybe</Quiet></X>",
            "<X><Quiet>true</Quiet><Quiet>true</Quiet></X>",
            "<X><Rule>a</Rule></X>",
            "<X><Rule/></X>",
            "<X><Rule><Id><b/></Id></Rule></X>",
            "<X><Rule><Id>a</Id><Other/></Rule></X>",
            "<X><Rule><Id>a</Id><Days>-1</Days></Rule></X>",
            deep.as_str(),
            deeper.as_str(),
        ] {
            check(body);
        }
        assert!(parse::<Input>(b"<X>\xff</X>").is_err());
        assert!(parse_as::<Input>("Y", b"<X/>").is_err());
        assert!(parse_as::<Input>("X", b"<X/>").is_ok());
    }

    #[test]
    fn sizes_are_limited() {
        let long = format!("<X>{}</X>", " ".repeat(BODY_BYTES_MAX));
        assert!(matches!(
            parse::<Input>(long.as_bytes()),
            Err(WireFault::TooLarge { .. })
        ));
        let many = format!("<X>{}</X>", "<a/>".repeat(NODES_MAX));
        assert!(parse::<Input>(many.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in any::<Vec<u8>>(), text in "[<>/!?&;#\\[\\]\"= xaRuleIdDays1-]{0,80}") {
            let _ = parse::<Input>(&body);
            let _ = parse::<Input>(text.as_bytes());
            let _ = parse::<Input>(format!("<X>{text}</X>").as_bytes());
        }
    }
}
