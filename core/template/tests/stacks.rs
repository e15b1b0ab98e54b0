//! From the text of a template to the resources of a stack.
#![allow(clippy::unwrap_used, clippy::panic)]

use template::{Given, Pseudo, Scope, Template, TemplateError};

/// The order in which the resources are made, each with what it depends on: `A B(A) C(A,B)`; or the refusal.
fn order(text: &str, given: &[(&str, &str)]) -> String {
    let made = || -> Result<String, TemplateError> {
        let template = Template::parse(text)?;
        let given: Vec<Given> = given
            .iter()
            .map(|(name, value)| Given {
                name: (*name).to_owned(),
                value: Some((*value).to_owned()),
                use_previous: false,
            })
            .collect();
        let parameters = template.bind(&given, None)?;
        let pseudo = Pseudo {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            stack_name: "stack".to_owned(),
            ..Pseudo::default()
        };
        let template = template.expanded(&parameters, &pseudo)?;
        let scope = Scope::new(&template, &parameters, &pseudo)?;
        let nodes = scope.resources().iter().map(|node| match node.dependencies.as_slice() {
            [] => node.resource.logical_id.clone(),
            depends => format!("{}({})", node.resource.logical_id, depends.join(",")),
        });
        Ok(nodes.collect::<Vec<_>>().join(" "))
    };
    made().unwrap_or_else(|TemplateError(said)| said)
}

#[track_caller]
fn check(text: &str, given: &[(&str, &str)], expected: &str) {
    assert_eq!(order(text, given), expected, "{text}");
}

#[test]
fn what_is_depended_on_is_made_first() {
    for (resources, expected) in [
        ("B: {Type: T, DependsOn: A}\n  A: {Type: T}", "A B(A)"),
        (
            "B: {Type: T, Properties: {P: [!Sub '${A}-${C.Arn}']}}\n  C: {Type: T, DependsOn: A}\n  A: {Type: T}",
            "A C(A) B(C,A)",
        ),
        ("B: {Type: T, Metadata: {M: !Ref A}}\n  A: {Type: T}", "A B(A)"),
    ] {
        check(&format!("Resources:\n  {resources}"), &[], expected);
    }
}

#[test]
fn cycles_by_the_conditions_that_hold_are_refused() {
    let text = "Parameters: {P: {Type: String}}\nConditions: {C: !Equals [!Ref P, yes]}\nResources:\n  A: {Type: T, Properties: {P: \
                !If [C, !Ref B, x]}}\n  B: {Type: T, DependsOn: A}\n  D: {Type: T, DependsOn: D, Condition: C}\n  E: {Type: T}";
    // An unquoted yes is a boolean.
    check(text, &[("P", "yes")], "A B(A) E");
    check(
        text,
        &[("P", "true")],
        "Circular dependency between resources: [A, B, D]",
    );
}

#[test]
fn language_extensions_are_applied_and_checked() {
    let text = |body: &str| {
        format!(
            "Transform: AWS::LanguageExtensions\nParameters: {{Names: {{Type: CommaDelimitedList, Default: 'a,b'}}, Policy: {{Type: \
             String, Default: Retain}}}}\nResources:\n  Fn::ForEach::Topics:\n    - Name\n    - !Ref Names\n    - \
             'Topic${{Name}}': {body}\n"
        )
    };
    check(&text("{Type: T, DeletionPolicy: !Ref Policy}"), &[], "Topica Topicb");
    check(&text("{Type: T}"), &[("Names", "x,y,z")], "Topicx Topicy Topicz");
    check(
        &text("{Type: T, DeletionPolicy: !Ref Policy}"),
        &[("Policy", "Keep")],
        "Template format error: Unrecognized DeletionPolicy Keep for resource Topica",
    );
    check(
        &text("{Type: T, Properties: {P: !Ref Nothing}}"),
        &[],
        "Template format error: Unresolved resource dependencies [Nothing] in the Resources block of the template",
    );
    check(
        &text("{Type: T, Properties: {P: !Length [!Ref Names]}}"),
        &[("Names", "q")],
        "Topicq",
    );
    for (transform, refusal) in [
        (
            "AWS::Serverless-2016-10-31",
            "The transform AWS::Serverless-2016-10-31 is not supported here",
        ),
        ("[AWS::LanguageExtensions, Own]", "No transform named Own found."),
    ] {
        check(
            &format!("Transform: {transform}\nResources: {{A: {{Type: T}}}}"),
            &[],
            refusal,
        );
    }
}

/// The templates of the examples folder.
fn example(name: &str) -> String {
    std::fs::read_to_string(format!(
        "{}/../../examples/cloudformation/{name}.yaml",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

#[test]
fn examples_are_templates() {
    let target = [("PrmExampleAccessLogBucket", "access-logs")];
    check(
        &example("full"),
        &target,
        "ResCloudTrailBucket ResCloudTrailBucketPolicy(ResCloudTrailBucket) ResCloudTrailLogGroup ResCloudTrailCloudWatchLogsRole \
         ResCloudTrailCloudWatchLogsRolePolicy(ResCloudTrailLogGroup,ResCloudTrailCloudWatchLogsRole) ResCloudTrailKey ResCloudTrailKeyAlias(ResCloudTrailKey) \
         ResCloudTrail(ResCloudTrailBucket,ResCloudTrailBucketPolicy,ResCloudTrailLogGroup,ResCloudTrailCloudWatchLogsRole,\
         ResCloudTrailCloudWatchLogsRolePolicy,ResCloudTrailKey)",
    );
    check(
        &example("bucket"),
        &target,
        "ResCloudTrailBucket ResCloudTrailBucketPolicy(ResCloudTrailBucket)",
    );
    check(
        &example("logs"),
        &[],
        "ResCloudTrailLogGroup ResCloudTrailCloudWatchLogsRole ResCloudTrailCloudWatchLogsRolePolicy(ResCloudTrailLogGroup,\
         ResCloudTrailCloudWatchLogsRole)",
    );
    check(
        &example("key"),
        &[],
        "ResCloudTrailKey ResCloudTrailKeyAlias(ResCloudTrailKey)",
    );
}

/// It tells of five things that only other templates make.
#[test]
fn the_example_of_each_region_is_refused() {
    check(
        &example("per-region-trail"),
        &[],
        "Template format error: Unresolved resource dependencies [ResCloudTrailBucketPolicy, ResCloudTrailLogGroup, \
         ResCloudTrailCloudWatchLogsRole, ResCloudTrailBucket, ResCloudTrailKey] in the Resources block of the template",
    );
}

/// What is written without quotes in the examples stays what it is.
#[test]
fn dates_and_numbers_of_the_examples() {
    let template = Template::parse(&example("full")).unwrap();
    assert_eq!(template.format_version.as_deref(), Some("2010-09-09"));
    let names: Vec<&str> = template
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    assert_eq!(names, ["PrmExampleAccessLogBucket"]);
    let policy = &template
        .resources
        .iter()
        .find(|resource| resource.logical_id == "ResCloudTrailBucketPolicy")
        .unwrap()
        .properties;
    assert_eq!(policy["PolicyDocument"]["Version"], "2012-10-17");
    let group = &template
        .resources
        .iter()
        .find(|resource| resource.logical_id == "ResCloudTrailLogGroup")
        .unwrap()
        .properties;
    assert_eq!(group["RetentionInDays"], 90);
}
