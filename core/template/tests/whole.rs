//! Properties of the whole language: what is read can be evaluated, and what a resource waits for is all that it needs.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use template::{EvaluateError, Known, Pseudo, Scope, Template, TemplateError, Unknown};

const RESOURCES: usize = 8;
const CONDITIONS: usize = 4;

/// Knows only what is listed.
struct Made<'a>(BTreeSet<&'a str>);

impl Known for Made<'_> {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        self.0
            .contains(logical_id)
            .then(|| json!(format!("id-of-{logical_id}")))
    }

    fn attribute(&self, logical_id: &str, name: &str) -> Result<Value, Unknown> {
        match self.0.contains(logical_id) {
            true => Ok(json!(format!("{name}-of-{logical_id}"))),
            false => Err(Unknown::NotYet),
        }
    }

    fn export(&self, name: &str) -> Option<String> {
        Some(format!("export-{name}"))
    }
}

/// A value of a resource that refers only to resources below `below`, so that no template of them has a cycle.
fn value(below: usize) -> BoxedStrategy<Value> {
    let id = move || (0..below.max(1)).prop_map(|at| format!("R{at}"));
    let referring = match below {
        0 => Just(json!({"Ref": "P"})).boxed(),
        _ => prop_oneof![
            id().prop_map(|id| json!({"Ref": id})),
            id().prop_map(|id| json!({"Fn::GetAtt": [id, "Arn"]})),
            id().prop_map(|id| json!({"Fn::GetAtt": format!("{id}.Outputs.X")})),
            id().prop_map(|id| json!({"Fn::Sub": format!("${{AWS::Region}}-${{{id}}}-${{{id}.Arn}}-${{P}}-${{!L}}")})),
        ]
        .boxed(),
    };
    let leaf = prop_oneof![
        2 => prop_oneof![Just(json!(true)), Just(json!(7)), Just(json!(1.5)), Just(json!("text"))],
        1 => prop_oneof![Just(json!({"Ref": "P"})), Just(json!({"Ref": "AWS::StackName"})), Just(json!({"Ref": "AWS::NoValue"}))],
        1 => Just(json!({"Fn::FindInMap": ["M", {"Ref": "P"}, "K"]})),
        1 => Just(json!({"Fn::ImportValue": {"Fn::Sub": "${P}-x"}})),
        3 => referring,
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let text = inner
            .clone()
            .prop_map(|value| json!({"Fn::Join": ["-", ["a", "b", {"Ref": "P"}]], "of": value}));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-Z][a-z]{1,3}", inner.clone(), 2..4).prop_map(|members| json!(members)),
            (0..CONDITIONS, inner.clone(), inner.clone())
                .prop_map(|(condition, then, otherwise)| json!({"Fn::If": [format!("C{condition}"), then, otherwise]})),
            inner.clone().prop_map(|value| json!({"Fn::Select": [0, [value, "x"]]})),
            text.prop_map(|mut value| json!([value["Fn::Join"].take(), value["of"].take()])),
        ]
    })
    .boxed()
}

fn template() -> impl Strategy<Value = Value> {
    let conditions = prop::collection::vec((any::<bool>(), 0..CONDITIONS), CONDITIONS);
    let resources: Vec<_> = (0..RESOURCES)
        .map(|at| {
            (
                value(at),
                prop::option::of(0..CONDITIONS),
                prop::collection::vec(0..at.max(1), 0..2),
            )
        })
        .collect();
    (
        conditions,
        resources,
        Just((0..RESOURCES).collect::<Vec<_>>()).prop_shuffle(),
    )
        .prop_map(|(conditions, resources, order)| {
            let conditions: serde_json::Map<_, _> = conditions
                .into_iter()
                .enumerate()
                .map(|(at, (negated, of))| {
                    let equals = json!({"Fn::Equals": [{"Ref": "P"}, "a"]});
                    let expression = match (negated, of < at) {
                        (true, true) => json!({"Fn::Not": [{"Condition": format!("C{of}")}]}),
                        (false, true) => json!({"Fn::And": [{"Condition": format!("C{of}")}, equals]}),
                        (true, false) => json!({"Fn::Not": [equals]}),
                        (false, false) => equals,
                    };
                    (format!("C{at}"), expression)
                })
                .collect();
            let written = order.iter().map(|at| {
                let (value, condition, depends_on) = &resources[*at];
                let mut resource = json!({"Type": "T", "Properties": {"P": value}});
                if let Some(condition) = condition {
                    resource["Condition"] = json!(format!("C{condition}"));
                }
                if *at > 0 {
                    resource["DependsOn"] = depends_on.iter().map(|on| format!("R{on}")).collect();
                }
                (format!("R{at}"), resource)
            });
            json!({
                "Parameters": {"P": {"Type": "String", "Default": "a"}},
                "Mappings": {"M": {"a": {"K": "v"}}},
                "Conditions": conditions,
                "Resources": written.collect::<serde_json::Map<_, _>>(),
            })
        })
}

/// Whether a function is left in a value.
fn has_function(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_function),
        Value::Object(members) => {
            members.keys().any(|name| name == "Ref" || name.starts_with("Fn::")) || members.values().any(has_function)
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_resource_needs_only_what_it_waits_for(document in template()) {
        let template = Template::parse(&document.to_string()).map_err(|refusal| TestCaseError::fail(refusal.0))?;
        let parameters = template.bind(&[], None).unwrap();
        let pseudo = Pseudo { region: "us-east-1".to_owned(), stack_name: "s".to_owned(), ..Pseudo::default() };
        let template = template.expanded(&parameters, &pseudo).unwrap();
        let scope = match Scope::new(&template, &parameters, &pseudo) {
            Ok(scope) => scope,
            // What is not to be is referred to.
            Err(TemplateError(said)) => {
                prop_assert!(said.starts_with("Template format error: Unresolved resource dependencies ["), "{said}");
                return Ok(());
            }
        };
        let mut made = BTreeSet::new();
        for node in scope.resources() {
            prop_assert!(node.dependencies.iter().all(|id| made.contains(id)));
            let known = Made(node.dependencies.iter().copied().collect());
            match scope.evaluate(&node.resource.properties, &known) {
                Ok(value) => prop_assert!(!has_function(&value), "{value}"),
                Err(EvaluateError::NotYet(id)) => prop_assert!(false, "{} does not wait for {id}", node.resource.logical_id),
                Err(EvaluateError::Refused(TemplateError(said))) => {
                    // Of `Fn::Select` of what `AWS::NoValue` left out.
                    prop_assert!(said.contains("Fn::Select"), "{said}");
                }
            }
            made.insert(node.resource.logical_id.as_str());
        }
        let held = template.resources.iter().filter(|resource| {
            resource.condition.as_deref().is_none_or(|condition| scope.condition(condition) == Some(true))
        });
        prop_assert_eq!(held.count(), made.len());
    }
}
