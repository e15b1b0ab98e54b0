//! Static faults of templates, in AWS's words.
#![allow(clippy::unwrap_used, clippy::panic)]

use template::{Template, TemplateError};

/// Reads the template and compares the refusal; `""` for none.
#[track_caller]
fn check(text: &str, refusal: &str) {
    match Template::parse(text) {
        Ok(_) => assert_eq!("", refusal, "{text}"),
        Err(TemplateError(said)) => assert_eq!(said, refusal, "{text}"),
    }
}

/// A template with one bucket, whose property `P` is the value.
fn property(value: &str) -> String {
    format!(
        "Parameters: {{Given: {{Type: String}}}}\nConditions: {{C: !Equals [a, b]}}\nMappings: {{M: {{a: {{b: c}}}}}}\nResources:\n  A: {{Type: AWS::S3::Bucket}}\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      P: {value}\n"
    )
}

const BUCKET: &str = "Resources: {B: {Type: AWS::S3::Bucket}}\n";

#[test]
fn documents() {
    for (text, refusal) in [
        ("", "Template format error: unsupported structure."),
        ("# nothing\n", "Template format error: unsupported structure."),
        ("template.yaml", "Template format error: unsupported structure."),
        ("[1, 2]", "Template format error: unsupported structure."),
        ("null", "Template format error: unsupported structure."),
        (
            "a: b: c",
            "Template format error: YAML not well-formed. (line 1, column 5)",
        ),
        (
            "a: 'b",
            "Template format error: YAML not well-formed. (line 1, column 4)",
        ),
        (
            "Resources:\n\tB: c",
            "Template format error: YAML not well-formed. (line 2, column 1)",
        ),
        (
            "Resources:\n  B:\n  \tC: d",
            "Template format error: YAML not well-formed. (line 3, column 3)",
        ),
        (
            "Action:'x'\nb: c",
            "Template format error: YAML not well-formed. (line 2, column 2)",
        ),
        (
            "a: 1\nb: 2\na: 3",
            "Template format error: YAML not well-formed. (line 3, column 1)",
        ),
        (
            "a: {b: 1, 'b': 2}",
            "Template format error: YAML not well-formed. (line 1, column 11)",
        ),
        (
            "a: 1\n---\nb: 2",
            "Template format error: YAML not well-formed. (line 2, column 1)",
        ),
        (
            "a: !Nothing x",
            "Template format error: YAML not well-formed. (line 1, column 4)",
        ),
        (
            "a: !!binary YQ==",
            "Template format error: YAML not well-formed. (line 1, column 4)",
        ),
        (
            "a: !!timestamp 2001-12-14",
            "Template format error: YAML not well-formed. (line 1, column 4)",
        ),
        (
            "a: !!set {x}",
            "Template format error: YAML not well-formed. (line 1, column 4)",
        ),
        (
            "? [a]\n: b",
            "Template format error: YAML not well-formed. (line 1, column 3)",
        ),
        (
            "? {a: b}\n: c",
            "Template format error: YAML not well-formed. (line 1, column 3)",
        ),
        (
            "~: c",
            "Template format error: YAML not well-formed. (line 1, column 1)",
        ),
        (
            "a: &x 1\nb: *x",
            "Template error: YAML aliases are not allowed in CloudFormation templates",
        ),
        (
            "a: {<<: {b: c}}",
            "Template error: YAML merge keys (<<) are not allowed in CloudFormation templates",
        ),
        (
            "Mappings: {myMap: {us-east-1: {32: x}}}",
            "Template format error: [/Mappings/myMap/us-east-1] map keys must be strings; received numeric [32] instead",
        ),
        (
            "Mappings: {M: [{}, {yes: x}]}",
            "Template format error: [/Mappings/M/1] map keys must be strings; received boolean [true] instead",
        ),
        ("{", "Template format error: JSON not well-formed. (line 1, column 1)"),
        ("{\"a\": 1,}", "Invalid template property or properties [a]"),
        (
            "{\"a\": !Ref b}",
            "Template format error: JSON not well-formed. (line 1, column 7)",
        ),
        ("{\"a\": [1, ] , \n}", "Invalid template property or properties [a]"),
        ("{\"a\": \"\\\",}\",}", "Invalid template property or properties [a]"),
        (
            "{\"a\": [1,], \"b\" 2}",
            "Template format error: JSON not well-formed. (line 1, column 17)",
        ),
        (
            "{\"a\": 1 \"b\"}",
            "Template format error: JSON not well-formed. (line 1, column 9)",
        ),
        (
            "{\n \"é\": 1 x}",
            "Template format error: JSON not well-formed. (line 2, column 9)",
        ),
        (
            "{\"a\": 1,\n \"a\": 2}",
            "Template format error: JSON not well-formed. (line 2, column 4)",
        ),
        (
            "{} x",
            "Template format error: JSON not well-formed. (line 1, column 4)",
        ),
    ] {
        check(text, refusal);
    }
    let anchor = format!("Metadata: &unused {{a: b}}\n{BUCKET}");
    check(&anchor, "");
    check(&format!("\u{feff}---\n{BUCKET}...\n"), "");
    check(
        &"a: ".repeat(3),
        "Template format error: YAML not well-formed. (line 1, column 5)",
    );
    let deep = format!("a: {}", "[".repeat(120));
    check(
        &deep,
        "Template format error: nested more than 100 levels deep. (line 1, column 103)",
    );
    check(
        &format!("{BUCKET}Metadata:\n  Long: {}", "x".repeat(1_000_000)),
        "Template may not exceed 1000000 bytes in size.",
    );
}

#[test]
fn sections() {
    for (text, refusal) in [
        (
            "Description: nothing",
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "Resources: {}",
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "Resources: []",
            "Template format error: Any Resources member must be an object.",
        ),
        (
            "Resources: x",
            "Template format error: Any Resources member must be an object.",
        ),
        ("Resources:", "[/Resources] 'null' values are not allowed in templates"),
    ] {
        check(text, refusal);
    }
    for (more, refusal) in [
        ("", ""),
        ("AWSTemplateFormatVersion: 2010-09-09", ""),
        ("AWSTemplateFormatVersion: '2010-09-09'", ""),
        (
            "AWSTemplateFormatVersion: 2012-10-17",
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
        ),
        (
            "AWSTemplateFormatVersion: {Ref: A}",
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
        ),
        (
            "AWSTemplateFormatVersio: 2010-09-09",
            "Invalid template property or properties [AWSTemplateFormatVersio]",
        ),
        (
            "outputs: {}\nB: {}",
            "Invalid template property or properties [outputs, B]",
        ),
        ("Hooks: {}", "The section Hooks of a template is not supported here"),
        (
            "Description: [a]",
            "Template format error: Every Description member must be a string.",
        ),
        ("Description: 5", ""),
        (
            "Transform: [[a]]",
            "Template format error: Every Transform member must be a string or an object.",
        ),
        (
            "Transform: {Name: {Ref: A}}",
            "Key Name of transform definition must be a string.",
        ),
        // Transforms are looked at when they are applied.
        ("Transform: AWS::Serverless-2016-10-31\nGlobals: {}", ""),
        (
            "Mappings: x",
            "Template format error: Any Mappings member must be an object.",
        ),
        (
            "Mappings: {M: x}",
            "Template format error: Every Mappings member M must be a map",
        ),
        (
            "Mappings: {M: {A: x}}",
            "Template format error: Every Mappings member A must be a map",
        ),
        (
            "Mappings: {M: {A: {K: {L: x}}}}",
            "Template format error: Every Mappings attribute must be a String or a List.",
        ),
        (
            "Mappings: {M: {A: {K: {Ref: P}}}}",
            "Template format error: Every Mappings attribute must be a String or a List.",
        ),
        (
            "Mappings: {M: {A: {K: [[a]]}}}",
            "Template format error: Every Mappings attribute must be a String or a List.",
        ),
        ("Mappings: {M: {us-east-1: {K: [a, 1], L: true, M.m-m: 2}}}", ""),
        (
            "Mappings: {m-m: {A: {K: v}}}",
            "Template format error: Mapping name m-m is non alphanumeric.",
        ),
        (
            "Mappings: {M: {A: {a_b: v}}}",
            "Template format error: Mappings element name 'a_b' must be non-empty and can contain only alphanumerics, '-' or '.'",
        ),
        (
            "Rules: {R: x}",
            "Template format error: Any Rules member must be an object.",
        ),
        (
            "Rules: {R: {Assertion: []}}",
            "Invalid template rule property 'Assertion'",
        ),
        (
            "Rules: {R: {RuleCondition: !Equals [a, a]}}",
            "Template format error: Rule R must contain a list of Assertions.",
        ),
        (
            "Rules: {R: {Assertions: [x]}}",
            "Template format error: Every assertion of rule R must contain an Assert member.",
        ),
        (
            "Rules: {R: {Assertions: [{Assert: !Contains [[a], a], AssertDescription: d}]}}",
            "",
        ),
    ] {
        check(&format!("{BUCKET}{more}"), refusal);
    }
    check(
        &format!("{BUCKET}Description: {}", "x".repeat(1025)),
        "Template format error: 'Description' length is greater than 1024.",
    );
}

#[test]
fn parameters() {
    for (declaration, refusal) in [
        ("P: {Type: String}", ""),
        (
            "P: {Type: String, Default: 5, NoEcho: 'true', MinLength: '1', MaxLength: 2, AllowedPattern: x, Description: d}",
            "",
        ),
        (
            "P: {Type: Number, MinValue: 1.5, MaxValue: '7', AllowedValues: [1, 2], ConstraintDescription: c}",
            "",
        ),
        (
            "P: String",
            "Template format error: Every Parameters object must contain a Type member.",
        ),
        (
            "P: {Default: x}",
            "Template format error: Every Parameters object must contain a Type member.",
        ),
        (
            "P: {Type: [String]}",
            "Template format error: Every Type member must be a string.",
        ),
        (
            "P-P: {Type: String}",
            "Template format error: Parameter name P-P is non alphanumeric.",
        ),
        (
            "P: {Type: String, DefaultValue: x}",
            "Invalid template parameter property 'DefaultValue'",
        ),
        (
            "P: {Type: String, Default: !Sub x}",
            "Template format error: Every Default member must be a string.",
        ),
        (
            "P: {Type: String, Default: [x]}",
            "Template format error: Every Default member must be a string.",
        ),
        (
            "P: {Type: String, AllowedValues: x}",
            "Template format error: Every AllowedValues member must be a list.",
        ),
        (
            "P: {Type: String, AllowedValues: [{}]}",
            "Template format error: Every AllowedValues value must be a string.",
        ),
        (
            "P: {Type: String, MinLength: x}",
            "Template format error: Every MinLength member must be an integer.",
        ),
        (
            "P: {Type: Number, MaxValue: x}",
            "Template format error: Every MaxValue member must be a number.",
        ),
        (
            "P: {Type: String, NoEcho: 7}",
            "Template format error: Every NoEcho member must be a boolean.",
        ),
        (
            "P: {Type: String, Default: '{{resolve:ssm:name:1}}'}",
            "Template error: dynamic references are not supported here: {{resolve:ssm:name:1}}",
        ),
        (
            "B: {Type: String}",
            "Template format error: Resource name B is also the name of a parameter.",
        ),
    ] {
        check(&format!("{BUCKET}Parameters: {{{declaration}}}"), refusal);
    }
}

#[test]
fn resources() {
    for (resource, refusal) in [
        ("A: {Type: AWS::S3::Bucket}", ""),
        (
            "Type: AWS::S3::Bucket",
            "Template format error: [/Resources/Type] resource definition is malformed",
        ),
        (
            "A: {Properties: {}}",
            "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
        ),
        (
            "A: {Type: !Ref T}",
            "Template format error: [/Resources/A] Every Type member must be a string.",
        ),
        (
            "my-bad-id: {Type: AWS::S3::Bucket}",
            "Template format error: Resource name my-bad-id is non alphanumeric.",
        ),
        (
            "A: {Type: T, Invalid: x}",
            "Invalid template resource property 'Invalid'",
        ),
        (
            "A: {Type: T, Properties: []}",
            "Template format error: [/Resources/A] Every Properties member must be an object.",
        ),
        (
            "A: {Type: T, Properties: {X: }}",
            "[/Resources/A/Type/X] 'null' values are not allowed in templates",
        ),
        (
            "A: {Type: T, Properties: {X: [{Y: ~}]}}",
            "[/Resources/A/Type/X/0/Y] 'null' values are not allowed in templates",
        ),
        (
            "A: {Type: T, Properties: }",
            "[/Resources/A/Properties] 'null' values are not allowed in templates",
        ),
        (
            "A: {Type: T, DependsOn: [null]}",
            "[/Resources/A/DependsOn/0] 'null' values are not allowed in templates",
        ),
        (
            "A: {Type: T, DependsOn: {Ref: B}}",
            "Template format error: DependsOn must be a string or list of strings.",
        ),
        (
            "A: {Type: T, DependsOn: [{Ref: B}]}",
            "Template format error: Every DependsOn value must be a string.",
        ),
        (
            "A: {Type: T, Condition: [x]}",
            "Template format error: Every Condition member must be a string.",
        ),
        ("A: {Type: T, DeletionPolicy: Retain, UpdateReplacePolicy: Delete}", ""),
        ("A: {Type: T, DeletionPolicy: RetainExceptOnCreate}", ""),
        ("A: {Type: AWS::RDS::DBInstance, DeletionPolicy: Snapshot}", ""),
        (
            "A: {Type: T, DeletionPolicy: retain}",
            "Template format error: Unrecognized DeletionPolicy retain for resource A",
        ),
        (
            "A: {Type: T, UpdateReplacePolicy: RetainExceptOnCreate}",
            "Template format error: Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A",
        ),
        (
            "A: {Type: T, DeletionPolicy: {Ref: P}}",
            "Template format error: Every DeletionPolicy member must be a string.",
        ),
        (
            "A: {Type: AWS::S3::Bucket, DeletionPolicy: Snapshot}",
            "Template error: resource type AWS::S3::Bucket does not support deletion policy Snapshot",
        ),
        (
            "A: {Type: T, Condition: C}",
            "Template format error: Unresolved condition dependency C in the Resources block of the template",
        ),
    ] {
        check(&format!("Resources:\n  {resource}"), refusal);
    }
}

#[test]
fn outputs() {
    for (output, refusal) in [
        ("O: {Value: x}", ""),
        ("O: {Value: 5, Description: d, Export: {Name: a-b:C}}", ""),
        (
            "O: {Value: !GetAtt B.Arn, Export: {Name: !Sub '${AWS::StackName}-x'}}",
            "",
        ),
        (
            "O: x",
            "Template format error: Every Outputs member must contain a Value object",
        ),
        (
            "O: {}",
            "Template format error: Every Outputs member must contain a Value object",
        ),
        (
            "O: {Value: null}",
            "[/Outputs/O/Value] 'null' values are not allowed in templates",
        ),
        ("O: {Value: x, Name: y}", "Invalid template output property 'Name'"),
        (
            "o-o: {Value: x}",
            "Template format error: Output name o-o is non alphanumeric.",
        ),
        (
            "O: {Value: [x]}",
            "Template format error: The Value field of every Outputs member must evaluate to a String.",
        ),
        (
            "O: {Value: {a: b}}",
            "Template format error: The Value field of every Outputs member must evaluate to a String.",
        ),
        (
            "O: {Value: x, Export: {}}",
            "Template format error: Output O is malformed. The Name field of every Export member must be specified, and consist \
             only of alphanumeric characters, colons, or hyphens.",
        ),
        (
            "O: {Value: x, Export: {Name: a/b}}",
            "Template format error: Output O is malformed. The Name field of every Export member must be specified, and consist \
             only of alphanumeric characters, colons, or hyphens.",
        ),
        (
            "O: {Value: x, Export: {Name: !Ref B}}",
            "Template format error: Output O is malformed. The Name field of Export must not depend on any resources, imported \
             values, or Fn::GetAZs.",
        ),
        (
            "O: {Value: x, Condition: C}",
            "Template format error: Unresolved condition dependency C in the Outputs block of the template",
        ),
        (
            "O: {Value: !Ref X}",
            "Unresolved resource dependencies [X] in the Outputs block of the template",
        ),
        (
            "O: {Value: !Sub '${X}${Y}${X}'}",
            "Unresolved resource dependencies [X, Y] in the Outputs block of the template",
        ),
        (
            "O: {Value: !GetAtt X.Arn}",
            "Template error: instance of Fn::GetAtt references undefined resource X",
        ),
    ] {
        check(&format!("{BUCKET}Outputs: {{{output}}}"), refusal);
    }
}

#[test]
fn functions() {
    const GET_ATT: &str = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute";
    const JOIN: &str = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of \
                        strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.";
    const SUB: &str = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string \
                       as first argument, and an optional second argument to specify a mapping of values to replace in the string";
    const SELECT: &str =
        "Template error: Fn::Select requires a list argument with two elements: an integer index and a list";
    const SPLIT: &str = "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string \
                         to be split or a function that returns a string to be split.";
    const FIND: &str = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the \
                        attribute for return value";
    for (value, refusal) in [
        ("!Ref A", ""),
        ("!Ref Given", ""),
        ("!Ref AWS::Region", ""),
        (
            "{Ref: [A]}",
            "Template error: every Ref object must have a single String value.",
        ),
        (
            "!Ref ''",
            "Template error: every Ref object must have a single String value.",
        ),
        // With a brother it is no function.
        ("{Ref: Nothing, Other: x}", ""),
        ("!GetAtt A.Arn", ""),
        ("!GetAtt A.B.C", ""),
        ("!GetAtt [A, Arn]", ""),
        ("{Fn::GetAtt: A.Arn}", ""),
        ("{Fn::GetAtt: [A, {Ref: Given}]}", ""),
        (
            "!GetAtt A",
            "Template error: if specifying one argument to Fn::GetAtt, that argument must be a non-empty string in format \
             <LogicalId>.<Attribute>",
        ),
        ("!GetAtt [A]", GET_ATT),
        ("!GetAtt [A, '']", GET_ATT),
        ("!GetAtt [A, B, C]", GET_ATT),
        (
            "!GetAtt Given.Arn",
            "Template error: instance of Fn::GetAtt references undefined resource Given",
        ),
        ("!Sub x", ""),
        ("!Sub '${A}-${A.Arn}-${Given}-${AWS::Region}-${!X}'", ""),
        ("!Sub ['${V}', {V: !Ref A}]", ""),
        ("!Sub [x]", SUB),
        ("!Sub {a: b}", SUB),
        ("!Sub [x, [y]]", SUB),
        (
            "!Sub ['${V}', {V: [x]}]",
            "Template error: every value of the context object of every Fn::Sub object must be a string or a function that returns \
             a string",
        ),
        (
            "!Sub '${a b}'",
            "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and \
             colons",
        ),
        (
            "!Sub '${X.Arn}'",
            "Template error: instance of Fn::Sub references invalid resource attribute X.Arn",
        ),
        (
            "!Sub '${aws:InstanceId}'",
            "Template format error: Unresolved resource dependencies [aws:InstanceId] in the Resources block of the template",
        ),
        ("!Join [',', [a, b]]", ""),
        ("!Join [',', !GetAZs '']", ""),
        ("!Join [',', a]", JOIN),
        ("!Join [!Ref A, []]", JOIN),
        ("!Select [0, [a]]", ""),
        ("!Select ['1', !GetAZs '']", ""),
        ("!Select [x, [a]]", SELECT),
        ("!Select [-1, [a]]", SELECT),
        ("!Split [',', !Ref A]", ""),
        ("!Split [',']", SPLIT),
        ("!If [C, a, b]", ""),
        (
            "!If [!Ref C, a, b]",
            "Template error: Fn::If requires a list argument with the first element being a condition",
        ),
        (
            "!If [C, a]",
            "Template error: Fn::If requires a list argument with three elements",
        ),
        (
            "!If [D, a, b]",
            "Template error: unresolved condition dependency D in Fn::If",
        ),
        (
            "!Equals [a, b]",
            "Template error: Fn::Equals cannot be partially collapsed",
        ),
        ("!FindInMap [M, a, b]", ""),
        ("!FindInMap [!Ref Given, a, b]", ""),
        ("!FindInMap [M, a]", FIND),
        ("!FindInMap [M, !Sub a, b]", FIND),
        ("!FindInMap [M, !FindInMap [M, a, b], !Ref Given]", ""),
        (
            "{Fn::Sub: x, Other: y}",
            "Template error: Fn::Sub must be the only member of its object",
        ),
        ("!FindInMap [M, a, b, {DefaultValue: x}]", FIND),
        (
            "!FindInMap [N, a, b]",
            "Template error: Mapping named 'N' is not present in the 'Mappings' section of template.",
        ),
        ("!Base64 x", ""),
        (
            "!Base64 [x]",
            "Template error: every Fn::Base64 object must have a String-typed value.",
        ),
        (
            "!GetAZs {a: b}",
            "Template error: every Fn::GetAZs object must have a single String value.",
        ),
        ("!ImportValue x", ""),
        ("!ImportValue {Fn::Sub: '${AWS::StackName}-x'}", ""),
        (
            "!ImportValue [x]",
            "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string",
        ),
        (
            "!ImportValue {Ref: A}",
            "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs",
        ),
        (
            "!ImportValue {Fn::ImportValue: x}",
            "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs",
        ),
        ("!Cidr [10.0.0.0/16, 2, 8]", ""),
        (
            "{Fn::Uppercase: x}",
            "Template format error: Encountered unsupported function: Fn::Uppercase Supported functions are: [Fn::Base64, \
             Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, Fn::Equals, Fn::If, \
             Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, Fn::ValueOf, \
             Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]",
        ),
        (
            "!Contains [[a], a]",
            "Template error: Fn::Contains can only be used in Rules",
        ),
        (
            "{Fn::Transform: {Name: AWS::Include, Parameters: {}}}",
            "The transform AWS::Include is not supported here",
        ),
        (
            "{Fn::Transform: Own, Other: x}",
            "The transform Own is not supported here",
        ),
        (
            "!Transform {Name: {Ref: A}}",
            "Key Name of transform definition must be a string.",
        ),
        (
            "a{{resolve:secretsmanager:s:SecretString:p}}b",
            "Template error: dynamic references are not supported here: {{resolve:secretsmanager:s:SecretString:p}}",
        ),
        (
            "!Sub '{{resolve:ssm:/${Given}/x}}'",
            "Template error: dynamic references are not supported here: {{resolve:ssm:/${Given}/x}}",
        ),
        // What looks like a condition of the language is one of a policy.
        ("{Statement: [{Condition: {Bool: {'aws:SecureTransport': false}}}]}", ""),
        ("{Condition: NoCondition}", ""),
    ] {
        check(&property(value), refusal);
    }
}

#[test]
fn conditions() {
    for (conditions, refusal) in [
        ("A: !Equals [!Ref Given, x]", ""),
        (
            "A: !And [!Condition B, !Not [{Condition: B}]]\n  B: !Or [!Equals [a, b], !Equals [!FindInMap [M, a, b], c]]",
            "",
        ),
        ("A: {Condition: B}\n  B: !Equals [a, b]", ""),
        (
            "A: yes",
            "Template format error: Conditions can only be boolean operations on parameters and other conditions",
        ),
        (
            "A: !Ref Given",
            "Template format error: Conditions can only be boolean operations on parameters and other conditions",
        ),
        (
            "A: !Equals [a]",
            "Template error: every Fn::Equals object requires a list of 2 string parameters.",
        ),
        (
            "A: !Equals [[a], b]",
            "Template error: every Fn::Equals object requires a list of 2 string parameters.",
        ),
        (
            "A: !And [!Equals [a, b]]",
            "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.",
        ),
        (
            "A: !Not [!Equals [a, b], !Equals [a, b]]",
            "Template error: every Fn::Not object requires one boolean parameter.",
        ),
        (
            "A: !Not [!Condition B]",
            "Template error: unresolved condition dependency B in Condition",
        ),
        (
            "A: !Equals [!Ref Bucket, !GetAtt Bucket.Arn]\n  B: !Equals [!Ref Nothing, '${Bucket}']",
            "Template format error: Unresolved dependencies [Bucket, Nothing]. Cannot reference resources in the Conditions block of \
             the template",
        ),
        (
            "A: !Equals [!GetAZs '', y]",
            "Template error: Cannot use Fn::GetAZs in Conditions.",
        ),
        (
            "A: !Equals [!ImportValue x, y]",
            "Template error: Cannot use Fn::ImportValue in Conditions.",
        ),
        (
            "A: !Not [!Condition B]\n  B: !And [!Condition A, !Condition C]\n  C: !Equals [a, b]\n  D: !Not [!Condition A]",
            "Template format error: Circular dependency between conditions: [A, B, D]",
        ),
        (
            "a-b: !Equals [a, b]",
            "Template format error: Condition name a-b is non alphanumeric.",
        ),
    ] {
        check(
            &format!(
                "Parameters: {{Given: {{Type: String}}}}\nMappings: {{M: {{a: {{b: c}}}}}}\nConditions:\n  {conditions}\nResources: \
                 {{Bucket: {{Type: AWS::S3::Bucket}}}}"
            ),
            refusal,
        );
    }
}

#[test]
fn dependencies() {
    for (resources, refusal) in [
        ("A: {Type: T, DependsOn: B}\n  B: {Type: T}", ""),
        (
            "A: {Type: T, DependsOn: [X, B, Y]}\n  B: {Type: T, Properties: {P: !Ref Z, Q: !Ref X}}",
            "Template format error: Unresolved resource dependencies [X, Y, Z] in the Resources block of the template",
        ),
        // A parameter is no resource.
        (
            "A: {Type: T, DependsOn: Given}",
            "Template format error: Unresolved resource dependencies [Given] in the Resources block of the template",
        ),
        (
            "A: {Type: T, Metadata: {M: !Ref X}}",
            "Template format error: Unresolved resource dependencies [X] in the Resources block of the template",
        ),
        (
            "A: {Type: T, Properties: {P: !Ref AWS::Nothing}}",
            "Template format error: Unresolved resource dependencies [AWS::Nothing] in the Resources block of the template",
        ),
        (
            "A: {Type: T, DependsOn: A}",
            "Circular dependency between resources: [A]",
        ),
        (
            "A: {Type: T, DependsOn: B}\n  B: {Type: T, Properties: {P: !GetAtt A.Arn}}\n  C: {Type: T}",
            "Circular dependency between resources: [A, B]",
        ),
        // What depends on a cycle is told with it; what a cycle depends on is not.
        (
            "D: {Type: T, Properties: {P: !Sub '${A}'}}\n  A: {Type: T, DependsOn: [B, C]}\n  B: {Type: T, DependsOn: A}\n  C: {Type: T}",
            "Circular dependency between resources: [D, A, B]",
        ),
        // Whether this is a cycle depends on values.
        (
            "A: {Type: T, Properties: {P: !If [C, !Ref B, x]}}\n  B: {Type: T, DependsOn: A}",
            "",
        ),
        (
            "A: {Type: T, DependsOn: B, Condition: C}\n  B: {Type: T, DependsOn: A}",
            "",
        ),
    ] {
        check(
            &format!(
                "Parameters: {{Given: {{Type: String}}}}\nConditions: {{C: !Equals [!Ref Given, a]}}\nResources:\n  {resources}"
            ),
            refusal,
        );
    }
}

#[test]
fn limits() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let resource = |at| format!("  R{at}: {{Type: AWS::S3::Bucket}}\n");
    check(&format!("Resources:\n{}", many(500, &resource)), "");
    check(
        &format!("Resources:\n{}", many(501, &resource)),
        "Template format error: Number of resources, 501, is greater than maximum allowed, 500",
    );
    let parameter = |at| format!("  P{at}: {{Type: String}}\n");
    check(&format!("{BUCKET}Parameters:\n{}", many(200, &parameter)), "");
    check(
        &format!("{BUCKET}Parameters:\n{}", many(201, &parameter)),
        "Template format error: Parameters count 201 is greater than max allowed 200",
    );
    let output = |at| format!("  O{at}: {{Value: x}}\n");
    check(&format!("{BUCKET}Outputs:\n{}", many(200, &output)), "");
    check(
        &format!("{BUCKET}Outputs:\n{}", many(201, &output)),
        "Template format error: Outputs count 201 is greater than max allowed 200",
    );
    let mapping = |at| format!("  M{at}: {{a: {{b: c}}}}\n");
    check(&format!("{BUCKET}Mappings:\n{}", many(200, &mapping)), "");
    check(
        &format!("{BUCKET}Mappings:\n{}", many(201, &mapping)),
        "Template format error: Mappings count 201 is greater than max allowed 200",
    );
    let name = "N".repeat(256);
    check(
        &format!("Resources: {{{name}: {{Type: T}}}}"),
        &format!("Template format error: Resource name {name} is longer than 255 characters."),
    );
}
