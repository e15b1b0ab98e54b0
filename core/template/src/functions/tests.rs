//! Functions and what each makes, of one template that has a little of all.

use serde_json::{Value, json};

use crate::*;

struct Made;

impl Known for Made {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        (logical_id != "Later").then(|| Value::from(format!("ref-{logical_id}")))
    }

    fn attribute(&self, logical_id: &str, name: &str) -> Result<Value, Unknown> {
        match (logical_id, name) {
            ("Later", _) => Err(Unknown::NotYet),
            (_, "None") => Err(Unknown::NoSuchAttribute),
            _ => Ok(Value::from(format!("{logical_id}:{name}"))),
        }
    }

    fn export(&self, name: &str) -> Option<String> {
        (name == "shared-key").then(|| "key-1".to_owned())
    }

    fn is_secret(&self, _: &str, name: &str) -> bool {
        name == "Password"
    }
}

fn resource(logical_id: &str, properties: Value) -> Resource {
    Resource {
        logical_id: logical_id.to_owned(),
        type_name: "AWS::S3::Bucket".to_owned(),
        properties,
        condition: None,
        depends_on: Vec::new(),
        deletion_policy: None,
        update_replace_policy: None,
        metadata: None,
        creation_policy: None,
        update_policy: None,
    }
}

fn parameter(name: &str, kind: &str, default: &str) -> ParameterDeclaration {
    ParameterDeclaration {
        name: name.to_owned(),
        kind: kind.to_owned(),
        default: Some(default.to_owned()),
        ..ParameterDeclaration::default()
    }
}

fn template(extended: bool) -> Template {
    Template {
        transforms: if extended {
            vec!["AWS::LanguageExtensions".to_owned()]
        } else {
            Vec::new()
        },
        parameters: vec![
            parameter("Env", "String", "dev"),
            parameter("Days", "Number", "90"),
            parameter("Names", "CommaDelimitedList", "a, b ,c"),
            ParameterDeclaration {
                no_echo: true,
                ..parameter("Word", "String", "open sesame")
            },
        ],
        mappings: json!({"Map": {"eu-west-1": {"Days": 30, "Zones": ["x", "y"]}, "dev": {"Days": "7"}}}),
        conditions: vec![
            ("IsDev".to_owned(), json!({"Fn::Equals": [{"Ref": "Env"}, "dev"]})),
            ("IsProd".to_owned(), json!({"Fn::Not": [{"Condition": "IsDev"}]})),
        ],
        resources: vec![resource("Bucket", json!({})), resource("Later", json!({}))],
        ..Template::default()
    }
}

fn pseudo() -> Pseudo {
    Pseudo {
        account_id: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        stack_name: "web".to_owned(),
        stack_id: "arn:aws:cloudformation:eu-west-1:111122223333:stack/web/1".to_owned(),
        notification_arns: vec!["arn:one".to_owned()],
    }
}

fn evaluated(value: &Value, extended: bool) -> Result<Value, EvaluateError> {
    let (template, pseudo) = (template(extended), pseudo());
    let parameters = template.bind(&[], None).unwrap();
    let scope = Scope::new(&template, &parameters, &pseudo).unwrap();
    scope.evaluate(value, &Made)
}

#[test]
fn functions_make_what_the_reference_says() {
    let cases = [
        (json!({"Ref": "Env"}), json!("dev")),
        (json!({"Ref": "Days"}), json!("90")),
        (json!({"Ref": "Names"}), json!(["a", "b", "c"])),
        (json!({"Ref": "Bucket"}), json!("ref-Bucket")),
        (json!({"Ref": "AWS::Partition"}), json!("aws")),
        (json!({"Ref": "AWS::NotificationARNs"}), json!(["arn:one"])),
        (json!({"Fn::GetAtt": ["Bucket", "Arn"]}), json!("Bucket:Arn")),
        (json!({"Fn::GetAtt": "Bucket.Outputs.Key"}), json!("Bucket:Outputs.Key")),
        (json!({"Fn::GetAtt": ["Bucket", {"Ref": "Env"}]}), json!("Bucket:dev")),
        (
            json!({"Fn::Sub": "${Env}-${Bucket}-${Bucket.Arn}-${!Env}-$x-${"}),
            json!("dev-ref-Bucket-Bucket:Arn-${Env}-$x-${"),
        ),
        (
            json!({"Fn::Sub": ["${a}${b}${AWS::Region}", {"a": 1, "b": true}]}),
            json!("1trueeu-west-1"),
        ),
        (
            json!({"Fn::Join": ["-", ["a", 1, true, {"Ref": "AWS::NoValue"}, {"Ref": "Env"}]]}),
            json!("a-1-true-dev"),
        ),
        (json!({"Fn::Join": ["|", {"Ref": "Names"}]}), json!("a|b|c")),
        (json!({"Fn::Split": [",", "a,,b"]}), json!(["a", "", "b"])),
        (json!({"Fn::Select": ["1", {"Ref": "Names"}]}), json!("b")),
        (json!({"Fn::Select": [0, [["x"], "y"]]}), json!(["x"])),
        (json!({"Fn::If": ["IsDev", 1, 2]}), json!(1)),
        (
            json!({"a": {"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}, "b": [1, {"Ref": "AWS::NoValue"}]}),
            json!({"b": [1]}),
        ),
        (
            json!({"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "Days"]}),
            json!(30),
        ),
        (
            json!({"Fn::FindInMap": ["Map", "eu-west-1", "Zones"]}),
            json!(["x", "y"]),
        ),
        (json!({"Fn::ImportValue": {"Fn::Sub": "shared-key"}}), json!("key-1")),
        (json!({"Fn::Base64": {"Fn::Sub": "${Env}!"}}), json!("ZGV2IQ==")),
        (
            json!({"Fn::GetAZs": ""}),
            json!(["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ),
        (
            json!({"Fn::Select": [0, {"Fn::GetAZs": "us-east-1"}]}),
            json!("us-east-1a"),
        ),
        (
            json!({"Fn::Cidr": ["10.1.2.3/24", 3, 5]}),
            json!(["10.1.2.0/27", "10.1.2.32/27", "10.1.2.64/27"]),
        ),
        (
            json!({"Fn::Cidr": ["fd00:0:0:a00::/56", 2, 64]}),
            json!(["fd00:0:0:a00::/64", "fd00:0:0:a01::/64"]),
        ),
        (
            json!({"Condition": {"StringEquals": {"a": 1.5}}}),
            json!({"Condition": {"StringEquals": {"a": 1.5}}}),
        ),
        (json!({"Ref": "AWS::NoValue"}), Value::Null),
    ];
    for (value, is) in cases {
        assert_eq!(evaluated(&value, false), Ok(is), "{value}");
    }
    let cases = [
        (json!({"Fn::Length": {"Ref": "Names"}}), json!(3)),
        (
            json!({"Fn::ToJsonString": {"a": [{"Ref": "Env"}, 1]}}),
            json!("{\"a\":[\"dev\",1]}"),
        ),
        (
            json!({"Fn::FindInMap": ["Map", {"Fn::Sub": "${Env}x"}, "Days", {"DefaultValue": 1}]}),
            json!(1),
        ),
    ];
    for (value, is) in cases {
        assert_eq!(evaluated(&value, true), Ok(is), "{value}");
    }
}

#[test]
fn what_has_no_value_is_refused_in_awss_words() {
    let cases = [
        (
            json!({"Fn::Select": [3, ["a"]]}),
            "Template error: Fn::Select cannot select nonexistent value at index 3",
        ),
        (
            json!({"Fn::FindInMap": ["Map", "a", "b"]}),
            "Template error: Unable to get mapping for Map::a::b",
        ),
        (json!({"Fn::ImportValue": "none"}), "No export named none found"),
        (
            json!({"Fn::If": ["No", 1, 2]}),
            "Template error: unresolved condition dependency No in Fn::If",
        ),
        (
            json!({"Fn::GetAtt": ["Bucket", "None"]}),
            "Template error: resource Bucket does not support attribute type None in Fn::GetAtt",
        ),
        (
            json!({"Fn::Sub": "${Names}"}),
            "Template error: variable Names in Fn::Sub expression does not resolve to a string",
        ),
    ];
    for (value, message) in cases {
        assert_eq!(
            evaluated(&value, false),
            Err(EvaluateError::Refused(TemplateError(message.to_owned()))),
            "{value}"
        );
    }
    for value in [json!({"Ref": "Later"}), json!({"Fn::Sub": "${Later.Arn}"})] {
        assert_eq!(evaluated(&value, false), Err(EvaluateError::NotYet("Later".to_owned())));
    }
}

#[test]
fn secrets_are_not_shown_and_do_not_stand_in_the_way() {
    let (mut template, pseudo) = (template(false), pseudo());
    template.parameters.push(ParameterDeclaration {
        no_echo: true,
        ..parameter("Words", "CommaDelimitedList", "one,two")
    });
    let parameters = template.bind(&[], None).unwrap();
    let scope = Scope::new(&template, &parameters, &pseudo).unwrap();
    let secret = json!({"Ref": "Word"});
    let cases = [
        (secret.clone(), json!("open sesame"), json!("****")),
        (json!({"Fn::Sub": "a ${Word}"}), json!("a open sesame"), json!("a ****")),
        (
            json!([{"Fn::Select": [1, {"Fn::Split": [" ", secret]}]}, "b"]),
            json!(["sesame", "b"]),
            json!(["****", "b"]),
        ),
        (json!({"Ref": "Words"}), json!(["one", "two"]), json!("****")),
        (
            json!({"Fn::Sub": ["${x}!", {"x": {"Fn::Join": ["", {"Ref": "Words"}]}}]}),
            json!("onetwo!"),
            json!("****!"),
        ),
        (
            json!({"Fn::Sub": "a ${Bucket.Password}"}),
            json!("a Bucket:Password"),
            json!("a ****"),
        ),
        (
            json!({"Fn::GetAtt": ["Bucket", "Password"]}),
            json!("Bucket:Password"),
            json!("****"),
        ),
    ];
    for (value, is, shown) in cases {
        assert_eq!(scope.evaluate(&value, &Made), Ok(is), "{value}");
        assert_eq!(scope.evaluate_shown(&value, &Made), Ok(shown), "{value}");
    }
    let refused = scope
        .evaluate(&json!({"Fn::FindInMap": ["Map", secret, "x"]}), &Made)
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Template error: Unable to get mapping for Map::****::x"
    );
}
