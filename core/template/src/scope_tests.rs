//! Conditions, rules, dependencies and outputs, of one template each.

use serde_json::{Value, json};

use crate::*;

/// A template of conditions, resources and outputs, as JSON: of a resource `Properties`, `Condition` and `DependsOn`.
fn template(conditions: Value, resources: Value, outputs: Value) -> Template {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let resource = |(id, value): (&String, &Value)| Resource {
        logical_id: id.clone(),
        type_name: "AWS::SNS::Topic".to_owned(),
        properties: value.get("Properties").cloned().unwrap_or_else(|| json!({})),
        condition: text(value, "Condition"),
        depends_on: value
            .get("DependsOn")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|id| id.as_str().map(str::to_owned))
            .collect(),
        deletion_policy: None,
        update_replace_policy: None,
        metadata: None,
        creation_policy: None,
        update_policy: None,
    };
    let output = |(name, value): (&String, &Value)| Output {
        name: name.clone(),
        value: value["Value"].clone(),
        description: None,
        export: value.get("Export").cloned(),
        condition: text(value, "Condition"),
    };
    Template {
        parameters: ["Env", "List"].map(parameter).into(),
        conditions: conditions.as_object().unwrap().clone().into_iter().collect(),
        resources: resources.as_object().unwrap().iter().map(resource).collect(),
        outputs: outputs.as_object().unwrap().iter().map(output).collect(),
        mappings: json!({"M": {"dev": {"k": "v"}}}),
        ..Template::default()
    }
}

fn parameter(name: &str) -> ParameterDeclaration {
    let (kind, default) = if name == "Env" {
        ("String", "dev")
    } else {
        ("CommaDelimitedList", "a,b")
    };
    ParameterDeclaration {
        name: name.to_owned(),
        kind: kind.to_owned(),
        default: Some(default.to_owned()),
        ..ParameterDeclaration::default()
    }
}

fn with_scope<T>(template: &Template, then: impl FnOnce(&Scope<'_>) -> T) -> Result<T, String> {
    let parameters = template.bind(&[], None).unwrap();
    let pseudo = Pseudo {
        region: "eu-west-1".to_owned(),
        ..Pseudo::default()
    };
    match Scope::new(template, &parameters, &pseudo) {
        Ok(scope) => Ok(then(&scope)),
        Err(TemplateError(message)) => Err(message),
    }
}

#[test]
fn conditions_are_decided() {
    let equals = json!({"Fn::Equals": [{"Ref": "Env"}, "dev"]});
    let no = json!({"Fn::Equals": ["a", "b"]});
    let cases = [
        (equals.clone(), Ok(true)),
        (json!({"Fn::Not": [equals]}), Ok(false)),
        (json!({"Fn::And": [equals, no]}), Ok(false)),
        (json!({"Fn::Or": [no, equals]}), Ok(true)),
        (json!({"Fn::Not": [{"Condition": "Other"}]}), Ok(true)),
        (json!({"Fn::Equals": [1, "1"]}), Ok(true)),
        (json!({"Fn::Equals": [true, "true"]}), Ok(true)),
        (
            json!({"Fn::Equals": [{"Fn::FindInMap": ["M", {"Ref": "Env"}, "k"]}, "v"]}),
            Ok(true),
        ),
        (
            json!({"Fn::Equals": [{"Fn::Join": ["", {"Ref": "List"}]}, {"Fn::Sub": "ab"}]}),
            Ok(true),
        ),
        (
            json!({"Fn::Equals": [{"Fn::Select": [0, {"Fn::Split": ["-", "x-y"]}]}, "x"]}),
            Ok(true),
        ),
        (
            json!({"Fn::Equals": [{"Ref": "R"}, "x"]}),
            Err(
                "Template format error: Unresolved dependencies [R]. Cannot reference resources in the Conditions block of the \
                 template",
            ),
        ),
        (
            json!({"Fn::Equals": [{"Fn::GetAtt": ["R", "Arn"]}, "x"]}),
            Err("Template error: Cannot use Fn::GetAtt in Conditions."),
        ),
        (
            json!({"Fn::Equals": [{"Fn::ImportValue": "x"}, "x"]}),
            Err("Template error: Cannot use Fn::ImportValue in Conditions."),
        ),
        (
            json!({"Fn::Equals": [{"Ref": "List"}, "x"]}),
            Err("Template error: every Fn::Equals object requires a list of 2 string parameters."),
        ),
        (
            json!({"Fn::Equals": ["x"]}),
            Err("Template error: every Fn::Equals object requires a list of 2 string parameters."),
        ),
        (
            json!({"Fn::And": [equals]}),
            Err(
                "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.",
            ),
        ),
        (
            json!({"Fn::Or": vec![no; 11]}),
            Err("Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters."),
        ),
        (
            json!({"Condition": "None"}),
            Err("Template error: unresolved condition dependency None in Condition"),
        ),
        (
            json!({"Condition": "C"}),
            Err("Circular dependency between conditions: [C]"),
        ),
        (
            json!(true),
            Err("Template format error: Conditions can only be boolean operations on parameters and other conditions"),
        ),
    ];
    for (condition, is) in cases {
        let conditions = json!({"C": condition, "Other": {"Fn::Equals": ["a", "b"]}});
        let template = template(conditions, json!({"R": {}}), json!({}));
        let decided = with_scope(&template, |scope| scope.condition("C").unwrap());
        assert_eq!(
            decided.as_ref().map_err(String::as_str),
            is.as_ref().map_err(|is| *is),
            "{condition}"
        );
    }
}

#[test]
fn resources_come_after_what_they_need() {
    let no = json!({"No": {"Fn::Equals": ["a", "b"]}});
    let cases = [
        // In the order of the template where nothing else says.
        (json!({"A": {}, "B": {}, "C": {}}), Ok("A B C")),
        (
            json!({"A": {"Properties": {"x": {"Ref": "C"}}}, "B": {}, "C": {}}),
            Ok("B C A(C)"),
        ),
        (
            json!({"A": {"DependsOn": ["B"]}, "B": {"Properties": {"x": [{"Fn::GetAtt": ["C", "Arn"]}]}}, "C": {}}),
            Ok("C B(C) A(B)"),
        ),
        (
            json!({"A": {"Properties": {"x": {"Fn::Sub": "${B}-${C.Arn}-${!D}-${Env}-${AWS::Region}"}}}, "B": {}, "C": {}, "D": {}}),
            Ok("B C A(B C) D"),
        ),
        (
            json!({"A": {"Properties": {"x": {"Fn::Sub": ["${B}", {"B": {"Ref": "C"}}]}}}, "B": {}, "C": {}}),
            Ok("B C A(C)"),
        ),
        // Only the branch that holds counts, and what is not to be is not waited for.
        (
            json!({"A": {"Properties": {"x": {"Fn::If": ["No", {"Ref": "B"}, {"Ref": "C"}]}}}, "B": {}, "C": {}}),
            Ok("B C A(C)"),
        ),
        (json!({"A": {"DependsOn": ["B"]}, "B": {"Condition": "No"}}), Ok("A")),
        (
            json!({"A": {"Properties": {"x": [{"Ref": "B"}, {"Fn::GetAtt": ["C", "Arn"]}, {"Ref": "B"}]}}, "B": {"Condition": "No"}, "C": {"Condition": "No"}}),
            Err(
                "Template format error: Unresolved resource dependencies [B, C] in the Resources block of the template",
            ),
        ),
        (
            json!({"A": {"DependsOn": ["B"]}, "B": {"DependsOn": ["A"]}, "C": {}}),
            Err("Circular dependency between resources: [A, B]"),
        ),
    ];
    for (resources, is) in cases {
        let template = template(no.clone(), resources, json!({}));
        let order = with_scope(&template, |scope| {
            let written = |node: &Node<'_>| match node.dependencies.as_slice() {
                [] => node.resource.logical_id.clone(),
                on => format!("{}({})", node.resource.logical_id, on.join(" ")),
            };
            scope.resources().iter().map(written).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(order.as_deref().map_err(String::as_str), is, "{:?}", template.resources);
    }
}

#[test]
fn outputs_and_imports_are_of_what_is_to_be() {
    let no = json!({"No": {"Fn::Equals": ["a", "b"]}});
    let import = |name: Value| json!({"Fn::ImportValue": name});
    let resources = json!({
        "A": {"Properties": {"x": import(json!({"Fn::Sub": "${Env}-key"})), "y": import(json!("two")), "z": import(json!("two"))}},
        "B": {"Condition": "No", "Properties": {"x": import(json!("never"))}},
    });
    let outputs = json!({"O": {"Value": import(json!("three"))}, "P": {"Condition": "No", "Value": {"Ref": "B"}}});
    let template_of = |outputs| template(no.clone(), resources.clone(), outputs);
    let (names, imported) = with_scope(&template_of(outputs), |scope| {
        let names: Vec<String> = scope.outputs().map(|output| output.name.clone()).collect();
        (names, scope.exports_imported())
    })
    .unwrap();
    assert_eq!(names, ["O"]);
    assert_eq!(imported, Ok(["dev-key", "two", "three"].map(str::to_owned).into()));
    assert_eq!(
        with_scope(&template_of(json!({"P": {"Value": {"Ref": "B"}}})), |_| ()),
        Err("Unresolved resource dependencies [B] in the Outputs block of the template".to_owned())
    );
    let by_resource = json!({"O": {"Value": import(json!({"Ref": "A"}))}});
    assert_eq!(
        with_scope(&template_of(by_resource), |scope| scope.exports_imported()).unwrap(),
        Err(TemplateError(
            "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs"
                .to_owned()
        ))
    );
}

#[test]
fn references_are_named_once_and_through_branches_that_hold() {
    let yes = json!({"Yes": {"Fn::Equals": ["a", "a"]}});
    let template = template(yes, json!({"A": {}, "B": {}}), json!({}));
    let value = json!({
        "a": {"Fn::Sub": "${Env}${A.Arn}${AWS::Region}"},
        "b": {"Fn::If": ["Yes", {"Ref": "A"}, {"Ref": "B"}]},
        "c": [{"Ref": "A"}, {"Ref": "AWS::NoValue"}, {"Fn::GetAtt": ["B", {"Ref": "Env"}]}],
        "d": {"Fn::ImportValue": "x"},
    });
    let found = with_scope(&template, |scope| scope.references(&value)).unwrap();
    assert_eq!(
        found,
        [
            Reference::Parameter("Env".to_owned()),
            Reference::Attribute("A".to_owned(), "Arn".to_owned()),
            Reference::Resource("A".to_owned()),
            Reference::Attribute("B".to_owned(), "dev".to_owned()),
            Reference::Import(json!("x")),
        ]
    );
}

#[test]
fn rules_are_kept() {
    let dev = json!({"Fn::Equals": [{"Ref": "Env"}, "dev"]});
    let never = json!({"Fn::Equals": ["a", "b"]});
    let cases = [
        (None, dev.clone(), Ok(())),
        (Some(never.clone()), never.clone(), Ok(())),
        (Some(dev), never.clone(), Err("Template error: Rule R: said")),
        (None, json!({"Fn::Contains": [["prod", "dev"], {"Ref": "Env"}]}), Ok(())),
        (
            None,
            json!({"Fn::Not": [{"Fn::Contains": [{"Ref": "List"}, ""]}]}),
            Ok(()),
        ),
        (
            None,
            json!({"Fn::EachMemberEquals": [["a", "b"], "a"]}),
            Err("Template error: Rule R: said"),
        ),
        (
            None,
            json!({"Fn::EachMemberIn": [{"Ref": "List"}, ["a", "b", "c"]]}),
            Ok(()),
        ),
        (
            None,
            json!({"Fn::RefAll": "AWS::EC2::VPC::Id"}),
            Err("Template error: Fn::RefAll is not supported here: it asks for things of services that are not here"),
        ),
        (
            None,
            json!({"Fn::Equals": [{"Ref": "A"}, "x"]}),
            Err(
                "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Rules block of the template",
            ),
        ),
        (
            None,
            json!({"Condition": "C"}),
            Err("Template error: Condition cannot be used in Rules"),
        ),
    ];
    for (condition, assertion, is) in cases {
        let mut template = template(json!({"C": never}), json!({"A": {}}), json!({}));
        template.rules.push(Rule {
            name: "R".to_owned(),
            condition,
            assertions: vec![(assertion.clone(), Some("said".to_owned()))],
        });
        let kept = with_scope(&template, |scope| scope.check_rules()).unwrap();
        assert_eq!(kept, is.map_err(|is| TemplateError(is.to_owned())), "{assertion}");
    }
}

#[test]
fn values_are_looked_at_before_anything_is_made() {
    let of = |value: Value| json!({"A": {"Properties": {"x": value}}, "B": {}});
    let cases = [
        (
            of(json!({"Fn::Sub": "${B.Arn}"})),
            json!({"O": {"Value": {"Ref": "A"}}}),
            Ok(()),
        ),
        (
            of(json!({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]})),
            json!({}),
            Err("Template error: Unable to get mapping for M::eu-west-1::k"),
        ),
        (
            of(json!([{"Ref": "B"}, {"Fn::Select": [2, {"Ref": "List"}]}])),
            json!({}),
            Err("Template error: Fn::Select cannot select nonexistent value at index 2"),
        ),
        (
            of(json!({"Fn::If": ["None", {"Ref": "B"}, {"Fn::Join": ["", [{"Ref": "B"}, {"Fn::ImportValue": "x"}]]}]})),
            json!({}),
            Ok(()),
        ),
        (
            of(json!(1)),
            json!({"O": {"Value": {"Ref": "List"}}}),
            Err("Template format error: The Value field of every Outputs member must evaluate to a String."),
        ),
        (
            of(json!(1)),
            json!({"O": {"Value": "v", "Export": {"Fn::Join": ["/", {"Ref": "List"}]}}}),
            Err(
                "Template format error: Output O is malformed. The Name field of every Export member must be specified, and consist only of alphanumeric characters, colons, or hyphens.",
            ),
        ),
        (
            of(json!(1)),
            json!({"O": {"Value": "v", "Export": {"Fn::Join": ["", [""]]}}}),
            Err(
                "Template format error: Output O is malformed. The Name field of every Export member must be specified, and consist only of alphanumeric characters, colons, or hyphens.",
            ),
        ),
        (
            of(json!(1)),
            json!({"O": {"Value": "v", "Export": {"Ref": "List"}}}),
            Err(
                "Template format error: Output O is malformed. The Name field of every Export member must be specified, and consist only of alphanumeric characters, colons, or hyphens.",
            ),
        ),
        (
            of(json!(1)),
            json!({"O": {"Value": "v", "Export": {"Fn::Join": ["-", {"Ref": "List"}]}}}),
            Ok(()),
        ),
    ];
    for (resources, outputs, is) in cases {
        let template = template(json!({"None": {"Fn::Equals": ["a", "b"]}}), resources.clone(), outputs);
        let checked = with_scope(&template, |scope| scope.check_values()).unwrap();
        assert_eq!(checked, is.map_err(|is| TemplateError(is.to_owned())), "{resources}");
    }
}
