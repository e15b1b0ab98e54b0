//! Any text as a template: no panic; the same text is the same template or the same refusal, with a place that is in the text.
//! What is one is bound to its defaults, expanded and evaluated without a panic; each resource stands after what it depends on.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use template::{Given, Known, Pseudo, Scope, Template, TemplateError, Unknown};

/// Everything is made and has every attribute.
struct All;

impl Known for All {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        Some(Value::from(logical_id))
    }

    fn attribute(&self, logical_id: &str, name: &str) -> Result<Value, Unknown> {
        Ok(Value::from(format!("{logical_id}.{name}")))
    }

    fn export(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Template::parse(text);
    assert_eq!(read, Template::parse(text));
    match read {
        Ok(template) => evaluate(&template),
        Err(TemplateError(said)) => {
            assert!(!said.is_empty());
            let place = said.split_once("well-formed. (line ").map(|(_, place)| place);
            if let Some((line, _)) = place.and_then(|place| place.split_once(',')) {
                let line: usize = line.parse().unwrap();
                assert!(line <= text.split(['\n', '\r']).count() + 1, "{said}");
            }
        }
    }
});

fn evaluate(template: &Template) {
    let given: Vec<Given> = template
        .parameters
        .iter()
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| Given { name: parameter.name.clone(), value: Some("1".to_owned()), use_previous: false })
        .collect();
    let Ok(parameters) = template.bind(&given, None) else { return };
    let pseudo = Pseudo {
        account_id: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        stack_name: "s".to_owned(),
        stack_id: "arn:aws:cloudformation:us-east-1:000000000000:stack/s/1".to_owned(),
        notification_arns: Vec::new(),
    };
    let Ok(template) = template.expanded(&parameters, &pseudo) else { return };
    assert!(template.unexpanded.is_none());
    let Ok(scope) = Scope::new(&template, &parameters, &pseudo) else { return };
    let mut made = HashSet::new();
    for node in scope.resources() {
        assert!(node.dependencies.iter().all(|id| made.contains(id)));
        made.insert(node.resource.logical_id.as_str());
        let _ = scope.evaluate(&node.resource.properties, &All);
    }
    for output in scope.outputs() {
        let _ = scope.evaluate(&output.value, &All);
    }
    let _ = scope.exports_imported();
}
