"""The template language through the stock clients: parameters, conditions, mappings, functions, loops, exports, refusals."""

import json
import re

import pytest

from harness import ACCOUNT, poll, refused

REGION = "us-east-1"
HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
TOPIC = {"Type": "AWS::SNS::Topic"}
ON_THE_SPOT = {"Delay": 0, "MaxAttempts": 60}


def body(resources=None, **sections):
    """A template; of nothing but a handle where no resources are given."""
    return json.dumps({"Resources": {"Handle": HANDLE} if resources is None else resources, **sections})


def given(**values):
    """Parameters; `None` stands for the previous value."""
    return [
        {"ParameterKey": name, "UsePreviousValue": True} if value is None else {"ParameterKey": name, "ParameterValue": value}
        for name, value in values.items()
    ]


@pytest.fixture
def cfn(server):
    return server.client("cloudformation")


def deploy(cfn, name, template, parameters=(), update=False, **more):
    """Makes or changes a stack, and describes it."""
    call = cfn.update_stack if update else cfn.create_stack
    call(StackName=name, TemplateBody=template, Parameters=list(parameters), **more)
    waiter = cfn.get_waiter("stack_update_complete" if update else "stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig=ON_THE_SPOT)
    return cfn.describe_stacks(StackName=name)["Stacks"][0]


def outputs(stack):
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def logical_ids(cfn, name):
    return sorted(each["LogicalResourceId"] for each in cfn.describe_stack_resources(StackName=name)["StackResources"])


def reasons(cfn, name):
    """What the events of the stack itself say of why."""
    events = cfn.describe_stack_events(StackName=name)["StackEvents"]
    return [event.get("ResourceStatusReason", "") for event in events if event["LogicalResourceId"] == name]


# --- functions ---

FUNCTIONS = [
    ({"Ref": "Env"}, "dev"),
    ({"Ref": "AWS::AccountId"}, ACCOUNT),
    ({"Ref": "AWS::Region"}, REGION),
    ({"Ref": "AWS::StackName"}, "functions"),
    ({"Ref": "AWS::Partition"}, "aws"),
    ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
    ({"Ref": "Topic"}, f"arn:aws:sns:{REGION}:{ACCOUNT}:functions-topic"),
    ({"Fn::GetAtt": ["Topic", "TopicName"]}, "functions-topic"),
    ({"Fn::GetAtt": "Topic.TopicName"}, "functions-topic"),
    ({"Fn::Sub": "${Env}/${Topic.TopicName}/${AWS::Region}/${!Env}"}, f"dev/functions-topic/{REGION}/${{Env}}"),
    ({"Fn::Sub": ["${a}-${b}", {"a": {"Ref": "Env"}, "b": 3}]}, "dev-3"),
    ({"Fn::Join": [":", ["a", {"Ref": "Env"}, 1, True]]}, "a:dev:1:true"),
    ({"Fn::Join": ["|", {"Ref": "List"}]}, "a|b|c"),
    ({"Fn::Join": ["|", {"Fn::Split": [",", "x,,y"]}]}, "x||y"),
    ({"Fn::Select": [1, {"Ref": "List"}]}, "b"),
    ({"Fn::Select": ["0", {"Fn::GetAZs": ""}]}, f"{REGION}a"),
    ({"Fn::If": ["IsDev", "yes", "no"]}, "yes"),
    ({"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "name"]}, "virginia"),
    ({"Fn::Join": ["", {"Fn::FindInMap": ["Map", REGION, "list"]}]}, "12"),
    ({"Fn::Base64": {"Fn::Sub": "${Env}"}}, "ZGV2"),
    ({"Fn::Select": [2, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]}, "10.0.2.0/24"),
]


def test_functions_make_outputs(cfn):
    values = {f"O{number}": {"Value": value} for number, (value, _) in enumerate(FUNCTIONS)}
    template = body(
        {"Topic": {**TOPIC, "Properties": {"TopicName": {"Fn::Sub": "${AWS::StackName}-topic"}}}},
        Parameters={
            "Env": {"Type": "String", "Default": "dev"},
            "List": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
        },
        Conditions={"IsDev": {"Fn::Equals": [{"Ref": "Env"}, "dev"]}},
        Mappings={"Map": {REGION: {"name": "virginia", "list": ["1", "2"]}}},
        Outputs=values,
    )
    made = outputs(deploy(cfn, "functions", template))
    assert made == {f"O{number}": is_ for number, (_, is_) in enumerate(FUNCTIONS)}


# --- parameters ---


BROKEN = [
    ({"AllowedValues": ["a", "b"]}, "c", "Parameter 'P' must be one of AllowedValues"),
    ({"AllowedPattern": "[a-z]+"}, "a1", "Parameter 'P' must match pattern [a-z]+"),
    ({"MinLength": 2}, "a", "Parameter 'P' must contain at least 2 characters"),
    ({"MaxLength": 2}, "abc", "Parameter 'P' must contain at most 2 characters"),
    ({"Type": "Number"}, "x", "Parameter 'P' must be a number."),
    ({"Type": "Number", "MinValue": 5}, "4", "Parameter 'P' must be a number not less than 5"),
    ({"Type": "Number", "MaxValue": 5}, "6", "Parameter 'P' must be a number not greater than 5"),
    (
        {"MinLength": 2, "ConstraintDescription": "two letters or more."},
        "a",
        "Parameter P failed to satisfy constraint: two letters or more.",
    ),
    ({}, None, "Parameters: [P] must have values"),
    ({"Type": "AWS::EC2::VPC::Id"}, "vpc-1", re.compile("AWS::EC2::VPC::Id, which is not supported here")),
    ({"Type": "AWS::SSM::Parameter::Value<String>"}, "/a", re.compile("not supported here")),
    ({"Type": "Strin"}, "a", re.compile("Unrecognized parameter type: Strin|Strin")),
]


def test_a_parameter_that_breaks_its_constraint_makes_no_stack(cfn):
    for declared, value, message in BROKEN:
        template = body(Parameters={"P": {"Type": "String", **declared}})
        parameters = given(P=value) if value is not None else []
        with refused("ValidationError", message, 400):
            cfn.create_stack(StackName="s", TemplateBody=template, Parameters=parameters)
    with refused("ValidationError", "Stack with id s does not exist"):
        cfn.describe_stacks(StackName="s")


def test_parameters_that_are_not_declared_are_refused(cfn):
    with refused("ValidationError", "Parameters: [A, B] do not exist in the template", 400):
        cfn.create_stack(StackName="s", TemplateBody=body(), Parameters=given(A="1", B="2"))


def test_values_of_before_are_used(server, cfn):
    def template(description):
        return body(
            {"Topic": {**TOPIC, "Properties": {"DisplayName": {"Fn::Sub": "${Word} ${Plain}"}}}},
            Description=description,
            Parameters={"Word": {"Type": "String", "MinLength": 4}, "Plain": {"Type": "String", "Default": "x"}},
            Outputs={"Topic": {"Value": {"Ref": "Topic"}}},
        )

    deploy(cfn, "s", template("one"), given(Word="first", Plain="a"))
    stack = deploy(cfn, "s", template("two"), given(Word=None, Plain="b"), update=True)
    topic = server.client("sns").get_topic_attributes(TopicArn=outputs(stack)["Topic"])["Attributes"]
    assert topic["DisplayName"] == "first b"
    # Without a value and without the previous one the default counts.
    deploy(cfn, "s", template("three"), given(Word=None), update=True)
    topic = server.client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    assert topic["DisplayName"] == "first x"
    with refused("ValidationError", re.compile("not in the previous template")):
        cfn.create_stack(StackName="other", TemplateBody=template("four"), Parameters=given(Word=None))


def test_secrets_are_shown_to_nobody_and_are_nowhere_on_the_disk(server, cfn):
    def template(description):
        return body(
            {"Handle": HANDLE, "Other": {**HANDLE, "Condition": "Knows"}},
            Description=description,
            Parameters={"Word": {"Type": "String", "NoEcho": True}, "Plain": {"Type": "String"}},
            Conditions={"Knows": {"Fn::Equals": [{"Ref": "Word"}, {"Fn::Join": ["-", ["open", "sesame", "now"]]}]}},
        )

    secret = "open-sesame-now"
    stack = deploy(cfn, "secret", template("one"), given(Word=secret, Plain="a"))
    shown = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert shown == {"Word": "****", "Plain": "a"} and logical_ids(cfn, "secret") == ["Handle", "Other"]
    with refused("ValidationError") as wrong:
        deploy(cfn, "secret", template("two"), given(Word=secret), update=True)
    assert secret not in wrong["Message"]
    answers = (
        cfn.describe_stacks(StackName="secret"),
        cfn.describe_stack_resources(StackName="secret"),
        cfn.get_template_summary(StackName="secret"),
        cfn.describe_stack_events(StackName="secret"),
        server.client("cloudtrail").lookup_events(),
    )
    for answer in answers:
        assert secret not in json.dumps(answer, default=str)
    server.stop()
    files = [path for path in server.folder.rglob("*") if path.is_file()]
    assert files and [path for path in files if secret.encode() in path.read_bytes()] == []


def test_a_template_says_which_parameters_it_has(cfn):
    template = body(
        Description="said",
        Parameters={
            "A": {"Type": "String", "Default": "d", "Description": "the first"},
            "B": {"Type": "CommaDelimitedList", "NoEcho": True},
        },
    )
    said = cfn.validate_template(TemplateBody=template)
    assert said["Description"] == "said"
    assert sorted(said["Parameters"], key=lambda each: each["ParameterKey"]) == [
        {"ParameterKey": "A", "DefaultValue": "d", "NoEcho": False, "Description": "the first"},
        {"ParameterKey": "B", "NoEcho": True},
    ]


def test_rules_are_kept(cfn):
    template = body(
        Parameters={"Env": {"Type": "String"}, "Names": {"Type": "CommaDelimitedList", "Default": "a,b"}},
        Rules={
            "OnlyKnown": {
                "RuleCondition": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
                "Assertions": [
                    {"Assert": {"Fn::EachMemberIn": [{"Ref": "Names"}, ["a", "b"]]}, "AssertDescription": "only a and b"}
                ],
            }
        },
    )
    deploy(cfn, "rules", template, given(Env="dev", Names="c"))
    with refused("ValidationError", re.compile("only a and b"), 400):
        cfn.create_stack(StackName="broken", TemplateBody=template, Parameters=given(Env="prod", Names="a,c"))


# --- conditions ---


def test_conditions_decide_what_is_made(cfn):
    template = body(
        {
            "Always": {
                **TOPIC,
                "DependsOn": ["Prod"],
                "Properties": {
                    "DisplayName": {"Fn::If": ["IsProd", {"Fn::GetAtt": ["Prod", "TopicName"]}, {"Ref": "AWS::NoValue"}]}
                },
            },
            "Prod": {**TOPIC, "Condition": "IsProd", "Properties": {"TopicName": "prod"}},
            "Either": {**HANDLE, "Condition": "ProdOrEast"},
            "Never": {**HANDLE, "Condition": "ProdAndNot"},
        },
        Parameters={"Env": {"Type": "String", "AllowedValues": ["dev", "prod"]}},
        Conditions={
            "ProdAndNot": {"Fn::And": [{"Condition": "IsProd"}, {"Fn::Not": [{"Condition": "IsProd"}]}]},
            "ProdOrEast": {"Fn::Or": [{"Condition": "IsProd"}, {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}]},
            "IsProd": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
        },
        Outputs={"Prod": {"Condition": "IsProd", "Value": {"Ref": "Prod"}}, "Always": {"Value": {"Ref": "Always"}}},
    )
    stack = deploy(cfn, "conditions", template, given(Env="dev"))
    assert logical_ids(cfn, "conditions") == ["Always", "Either"] and set(outputs(stack)) == {"Always"}
    stack = deploy(cfn, "conditions", template, given(Env="prod"), update=True)
    assert logical_ids(cfn, "conditions") == ["Always", "Either", "Prod"] and set(outputs(stack)) == {"Always", "Prod"}
    stack = deploy(cfn, "conditions", template, given(Env="dev"), update=True)
    assert logical_ids(cfn, "conditions") == ["Always", "Either"] and set(outputs(stack)) == {"Always"}


def test_what_is_not_to_be_cannot_be_referred_to(cfn):
    template = body(
        {"A": {**TOPIC, "Condition": "No"}, "B": {**TOPIC, "Properties": {"DisplayName": {"Ref": "A"}}}},
        Conditions={"No": {"Fn::Equals": ["a", "b"]}},
    )
    with refused(
        "ValidationError", "Template format error: Unresolved resource dependencies [A] in the Resources block of the template"
    ):
        cfn.create_stack(StackName="s", TemplateBody=template)


# --- exports ---


def test_exports_are_imported_and_kept_while_they_are(cfn):
    exporting = body(
        {"Topic": TOPIC},
        Outputs={"Arn": {"Value": {"Ref": "Topic"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-arn"}}}},
    )
    importing = body(
        Outputs={"Seen": {"Value": {"Fn::ImportValue": {"Fn::Sub": "${Of}-arn"}}}},
        Parameters={"Of": {"Type": "String", "Default": "exporting"}},
    )
    stack = deploy(cfn, "exporting", exporting)
    assert [(each["Name"], each["ExportingStackId"]) for each in cfn.list_exports()["Exports"]] == [
        ("exporting-arn", stack["StackId"])
    ]
    with refused("ValidationError", re.compile("is not imported by any stack")):
        cfn.list_imports(ExportName="exporting-arn")
    assert outputs(deploy(cfn, "importing", importing))["Seen"] == outputs(stack)["Arn"]
    assert cfn.list_imports(ExportName="exporting-arn")["Imports"] == ["importing"]
    cfn.delete_stack(StackName="exporting")
    in_use = re.compile("xport exporting-arn .*is in use by importing")
    assert poll(lambda: [why for why in reasons(cfn, "exporting") if in_use.search(why)])
    assert cfn.list_exports()["Exports"]
    for name in ("importing", "exporting"):
        cfn.delete_stack(StackName=name)
        cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=ON_THE_SPOT)
    assert cfn.list_exports()["Exports"] == []


def test_what_nobody_exports_cannot_be_imported(cfn):
    template = body(Outputs={"O": {"Value": {"Fn::ImportValue": "nothing"}}})
    cfn.create_stack(StackName="s", TemplateBody=template)
    assert poll(lambda: cfn.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE")
    assert "No export named nothing found. Rollback requested by user." in reasons(cfn, "s")


# --- language extensions ---


def test_loops_are_written_out(cfn):
    template = body(
        {
            "Fn::ForEach::Topics": [
                "Name",
                {"Ref": "Names"},
                {"Topic${Name}": {**TOPIC, "Properties": {"TopicName": {"Fn::Join": ["-", ["t", {"Ref": "Name"}]]}}}},
            ]
        },
        Transform="AWS::LanguageExtensions",
        Parameters={"Names": {"Type": "CommaDelimitedList", "Default": "red,blue"}},
        Outputs={
            "Fn::ForEach::Of": [
                "Name",
                {"Ref": "Names"},
                {"Name${Name}": {"Value": {"Fn::GetAtt": [{"Fn::Sub": "Topic${Name}"}, "TopicName"]}}},
            ],
            "Length": {"Value": {"Fn::Sub": ["${n}", {"n": {"Fn::Length": {"Ref": "Names"}}}]}},
            "Json": {"Value": {"Fn::ToJsonString": {"a": [{"Ref": "Topicred"}]}}},
        },
    )
    with refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"):
        cfn.create_stack(StackName="loops", TemplateBody=template)
    expand = {"Capabilities": ["CAPABILITY_AUTO_EXPAND"]}
    stack = deploy(cfn, "loops", template, **expand)
    assert logical_ids(cfn, "loops") == ["Topicblue", "Topicred"]
    assert outputs(stack) == {
        "Namered": "t-red",
        "Nameblue": "t-blue",
        "Length": "2",
        "Json": json.dumps({"a": [f"arn:aws:sns:{REGION}:{ACCOUNT}:t-red"]}, separators=(",", ":")),
    }
    deploy(cfn, "loops", template, given(Names="red,green"), update=True, **expand)
    assert logical_ids(cfn, "loops") == ["Topicgreen", "Topicred"]


def test_other_transforms_are_refused_by_name(cfn):
    for transform in ("AWS::Serverless-2016-10-31", "AWS::Include", "Own"):
        template = body(Transform=transform)
        with refused("ValidationError", re.compile(re.escape(transform))):
            cfn.create_stack(StackName="s", TemplateBody=template, Capabilities=["CAPABILITY_AUTO_EXPAND"])


# --- what is wrong with a template ---

UNRESOLVED = "Template format error: Unresolved resource dependencies [{}] in the Resources block of the template"


FAULTS = [
    (body({"A": {**TOPIC, "Properties": {"DisplayName": {"Ref": "X"}}}}), UNRESOLVED.format("X")),
    (body({"A": {**TOPIC, "Properties": {"DisplayName": {"Fn::GetAtt": ["X", "Y"]}}}}), None),
    (body({"A": {**TOPIC, "Properties": {"DisplayName": {"Fn::Sub": "${X}"}}}}), UNRESOLVED.format("X")),
    (body({"A": {**TOPIC, "DependsOn": "X"}}), UNRESOLVED.format("X")),
    (
        body(Outputs={"O": {"Value": {"Ref": "X"}}}),
        "Unresolved resource dependencies [X] in the Outputs block of the template",
    ),
    (
        body({"A": {"Properties": {}}}),
        "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
    ),
    (body({"my-bad-id": HANDLE}), "Template format error: Resource name my-bad-id is non alphanumeric."),
    (body({}), "Template format error: At least one Resources member must be defined."),
    (body("x"), "Template format error: Any Resources member must be an object."),
    (body({"A": {**HANDLE, "Invalid": 1}}), "Invalid template resource property 'Invalid'"),
    ("Resources: [", re.compile(r"^Template format error: YAML not well-formed\. \(line \d+, column \d+\)$")),
    ('{"Resources": }', re.compile(r"^Template format error: JSON not well-formed\. \(line 1, column \d+\)$")),
    ("text", "Template format error: unsupported structure."),
    (
        body({"A": {"Type": "AWS::No::Such"}}),
        re.compile(r"^Template format error: Unrecognized resource types: \[AWS::No::Such\]$"),
    ),
    (
        body({"A": {**TOPIC, "Properties": {"DisplayName": {"Fn::If": ["C", "a", "b"]}}}}),
        "Template error: unresolved condition dependency C in Fn::If",
    ),
    (
        body({"A": {**TOPIC, "Properties": {"DisplayName": {"Fn::GetAtt": ["A"]}}}}),
        "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
        "attribute",
    ),
    (body(Outputs={"O": {"Value": None}}), "[/Outputs/O/Value] 'null' values are not allowed in templates"),
    (
        body({"A": {**HANDLE, "DependsOn": "B"}, "B": {**HANDLE, "DependsOn": "A"}}),
        "Circular dependency between resources: [A, B]",
    ),
    (
        body(Conditions={"C": {"Fn::Equals": [{"Ref": "Handle"}, "x"]}}),
        re.compile(r"Unresolved dependencies \[Handle\]\. Cannot reference resources in the Conditions block"),
    ),
    ("Resources:\n  A:\n    Type: AWS::SNS::Topic\n  A:\n    Type: AWS::SNS::Topic\n", re.compile("line 4")),
]


def test_a_faulty_template_is_refused_by_each_operation_in_the_same_words(cfn):
    for template, message in FAULTS:
        with refused("ValidationError", message, 400) as by_validation:
            cfn.validate_template(TemplateBody=template)
        with refused("ValidationError", message, 400) as by_creation:
            cfn.create_stack(StackName="s", TemplateBody=template)
        assert by_validation["Message"] == by_creation["Message"]


def test_a_mapping_that_has_no_such_key_makes_no_stack(cfn):
    template = body(
        {"A": {**TOPIC, "Properties": {"DisplayName": {"Fn::FindInMap": ["Map", {"Ref": "Key"}, "x"]}}}},
        Parameters={"Key": {"Type": "String"}},
        Mappings={"Map": {"a": {"x": "y"}}},
    )
    with refused("ValidationError", "Template error: Unable to get mapping for Map::C::x", 400):
        cfn.create_stack(StackName="s", TemplateBody=template, Parameters=given(Key="C"))


# --- the aws CLI, with short tags ---

SHORT = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Env: {Type: String, AllowedValues: [dev, prod]}
  Names: {Type: CommaDelimitedList, Default: ""}
Mappings:
  Days: {dev: {Kept: 7}, prod: {Kept: 90}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsBig: !And [!Condition IsProd, !Not [!Equals [!Join ["", !Ref Names], ""]]]
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub "${AWS::StackName}/${Env}"
      RetentionInDays: !FindInMap [Days, !Ref Env, Kept]
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !If [IsBig, !Select [0, !Ref Names], !Ref AWS::NoValue]
  Policy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Principal: {AWS: !Ref AWS::AccountId}, Action: "sns:Publish", Resource: !Ref Topic}
Outputs:
  Group: {Value: !GetAtt Group.Arn}
  Topic: {Value: !GetAtt Topic.TopicName}
"""


def test_the_aws_cli_makes_and_changes_what_is_written_with_short_tags(server, tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(SHORT)
    template = ("--template-body", f"file://{path}")
    said = json.loads(server.aws("cloudformation", "validate-template", *template).stdout)
    assert [each["ParameterKey"] for each in said["Parameters"]] == ["Env", "Names"]

    def stack(verb, *parameters, check=True):
        call = ("cloudformation", f"{verb}-stack", "--stack-name", "short", *template, "--parameters", *parameters)
        return server.aws(*call, check=check)

    def wait(verb):
        waiter = server.client("cloudformation").get_waiter(f"stack_{verb}_complete")
        waiter.wait(StackName="short", WaiterConfig=ON_THE_SPOT)
        groups = server.client("logs").describe_log_groups()["logGroups"]
        return {group["logGroupName"]: group["retentionInDays"] for group in groups}

    stack("create", "ParameterKey=Env,ParameterValue=dev")
    assert wait("create") == {"short/dev": 7}
    stack("update", "ParameterKey=Env,ParameterValue=prod", r"ParameterKey=Names,ParameterValue=Big\,Small")
    assert wait("update") == {"short/prod": 90}
    sns = server.client("sns")
    topics = [sns.get_topic_attributes(TopicArn=each["TopicArn"])["Attributes"] for each in sns.list_topics()["Topics"]]
    assert [each["DisplayName"] for each in topics] == ["Big"]
    assert json.loads(topics[0]["Policy"])["Version"] == "2012-10-17"
    wrong = stack("update", "ParameterKey=Env,ParameterValue=test", check=False)
    assert wrong.returncode != 0 and "Parameter 'Env' must be one of AllowedValues" in wrong.stderr
