//! Changes of JSON documents, as RFC 6902 writes them. The order of members is kept.
//!
//! SPEC: <https://www.rfc-editor.org/rfc/rfc6902>, <https://www.rfc-editor.org/rfc/rfc6901>

use crate::json::{self, Json, Letters};
use serde::{Deserialize, Serialize};

/// One operation of a JSON patch. Of the six of the RFC the three that a change of a policy needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchOp {
    /// `add`, `replace` or `remove`.
    pub op: Op,
    /// A JSON pointer; empty for the whole document, `-` at its end for the place behind a list's last item.
    pub path: String,
    /// The value to add or to put in place; none for `remove`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
}

/// What a [`PatchOp`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Puts a member, or an item before the one at this place.
    Add,
    /// Takes away what is there.
    Remove,
    /// Puts another value in the place of what is there.
    Replace,
}

/// The document after the operations, without white space between its parts; `None` when it is no JSON, or an operation
/// finds no such place or no value. An empty text is a document that is not there yet: its first operation adds the whole.
pub fn apply_patch(document: &str, patch: &[PatchOp]) -> Option<String> {
    let mut json = match document.trim().is_empty() {
        true => Json::Null,
        false => json::parse(document).ok()?,
    };
    for op in patch {
        let value = op.value.as_ref().map(Json::from);
        apply(&mut json, op.op, &op.path, value)?;
    }
    // A document that keeps to Latin 1 may have to.
    let letters = match document.chars().all(|c| c <= '\u{ff}') {
        true => Letters::Latin1,
        false => Letters::All,
    };
    Some(json.print(letters))
}

fn apply(json: &mut Json, op: Op, path: &str, value: Option<Json>) -> Option<()> {
    let Some((parent, last)) = path.rsplit_once('/') else {
        return match (path, op) {
            ("", Op::Add | Op::Replace) => {
                *json = value?;
                Some(())
            }
            _ => None,
        };
    };
    let last = unescaped(last);
    match (find(json, parent)?, op) {
        (Json::List(items), Op::Add) => {
            let place = match last.as_str() {
                "-" => items.len(),
                _ => index(&last).filter(|place| *place <= items.len())?,
            };
            items.insert(place, value?);
        }
        (Json::List(items), Op::Replace) => *items.get_mut(index(&last)?)? = value?,
        (Json::List(items), Op::Remove) => {
            let place = index(&last).filter(|place| *place < items.len())?;
            items.remove(place);
        }
        (Json::Object(members), _) => {
            let place = members.iter().position(|(name, _)| *name == last);
            match (op, place) {
                (Op::Add | Op::Replace, Some(place)) => members.get_mut(place)?.1 = value?,
                (Op::Add, None) => members.push((last, value?)),
                (Op::Remove, Some(place)) => {
                    members.remove(place);
                }
                (Op::Replace | Op::Remove, None) => return None,
            }
        }
        _ => return None,
    }
    Some(())
}

/// The value at a pointer.
fn find<'a>(json: &'a mut Json, path: &str) -> Option<&'a mut Json> {
    let mut at = json;
    for part in path.split('/').skip(1) {
        let part = unescaped(part);
        at = match at {
            Json::List(items) => items.get_mut(index(&part)?)?,
            Json::Object(members) => &mut members.iter_mut().find(|(name, _)| *name == part)?.1,
            Json::Null | Json::Text(..) => return None,
        };
    }
    Some(at)
}

/// Digits without a zero in front.
fn index(part: &str) -> Option<usize> {
    let plain = part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
    plain.then(|| part.parse().ok())?
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A member's name as a part of a pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, patch: &str, expected: Option<&str>) {
        let patch: Vec<PatchOp> = serde_json::from_str(patch).unwrap();
        assert_eq!(
            apply_patch(document, &patch).as_deref(),
            expected,
            "{document} {patch:?}"
        );
        let written = serde_json::to_string(&patch).unwrap();
        assert_eq!(serde_json::from_str::<Vec<PatchOp>>(&written).unwrap(), patch);
    }

    #[test]
    fn operations_do_what_the_rfc_says() {
        const D: &str = r#"{ "b": [1, "x"], "a": {"c/d": null, "~": 1.50} }"#;
        for (patch, expected) in [
            (r#"[]"#, Some(r#"{"b":[1,"x"],"a":{"c/d":null,"~":1.5}}"#)),
            (
                r#"[{"op":"add","path":"/b/-","value":true}]"#,
                Some(r#"{"b":[1,"x",true],"a":{"c/d":null,"~":1.5}}"#),
            ),
            (
                r#"[{"op":"add","path":"/b/0","value":[]},{"op":"remove","path":"/a"}]"#,
                Some(r#"{"b":[[],1,"x"]}"#),
            ),
            (
                r#"[{"op":"replace","path":"/a/c~1d","value":"証"},{"op":"remove","path":"/a/~0"},{"op":"remove","path":"/b/1"}]"#,
                Some(r#"{"b":[1],"a":{"c/d":"\u8a3c"}}"#),
            ),
            (
                r#"[{"op":"add","path":"","value":{"z":"\n\"\\"}}]"#,
                Some(r#"{"z":"\n\"\\"}"#),
            ),
            (r#"[{"op":"remove","path":""}]"#, None),
            (r#"[{"op":"remove","path":"/c"}]"#, None),
            (r#"[{"op":"replace","path":"/c","value":1}]"#, None),
            (r#"[{"op":"add","path":"/b/3","value":1}]"#, None),
            (r#"[{"op":"add","path":"/b/01","value":1}]"#, None),
            (r#"[{"op":"add","path":"/c/d","value":1}]"#, None),
            (r#"[{"op":"add","path":"/c"}]"#, None),
            (r#"[{"op":"add","path":"c","value":1}]"#, None),
        ] {
            check(D, patch, expected);
        }
        check("", r#"[{"op":"add","path":"","value":{}}]"#, Some("{}"));
        check("{", r#"[]"#, None);
    }
}
