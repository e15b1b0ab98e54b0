"""What a stack keeps secret stays untold: values of `NoEcho` parameters and access keys' secrets."""

import json

from stacks import Stack, get, ref, resource, template

SECRET = "hush-very-quiet"
NO_ECHO = {"Parameters": {"Secret": {"Type": "String", "NoEcho": True}}}


def given(value=SECRET):
    return {"Parameters": [{"ParameterKey": "Secret", "ParameterValue": value}]}


def with_secret(resources, **more):
    return json.dumps({**NO_ECHO, "Resources": resources, **more})


def test_tags_of_secrets_are_not_shown_by_change_sets(server):
    stack = Stack(server)
    body = with_secret({"Topic": resource("AWS::SNS::Topic", Tags=[{"Key": "k", "Value": ref("Secret")}], DisplayName="a")})
    assert stack.create(body, **given("before-secret")) == "CREATE_COMPLETE"
    name = {"StackName": stack.name, "ChangeSetName": "c"}
    stack.client.create_change_set(**name, UsePreviousTemplate=True, **given("after-secret"))
    told = stack.client.describe_change_set(**name, IncludePropertyValues=True)
    details = told["Changes"][0]["ResourceChange"]["Details"]
    assert {detail["ChangeSource"] for detail in details} == {"ParameterReference", "DirectModification"}
    for detail in details:
        assert detail["Target"]["Attribute"] == "Tags" and "Name" not in detail["Target"]
        for side in ("BeforeValue", "AfterValue"):
            assert json.loads(detail["Target"][side]) == [{"Key": "k", "Value": "****"}]
    assert "-secret" not in json.dumps(told, default=str)
    # The stack's own tags are no secret.
    stack.client.delete_change_set(**name)
    tags = [{"Key": "team", "Value": "blue"}]
    stack.client.create_change_set(**name, UsePreviousTemplate=True, Tags=tags, Parameters=[{"ParameterKey": "Secret", "UsePreviousValue": True}])
    told = stack.client.describe_change_set(**name, IncludePropertyValues=True)
    [detail] = told["Changes"][0]["ResourceChange"]["Details"]
    assert json.loads(detail["Target"]["AfterValue"]) == tags


def test_a_refusal_does_not_tell_the_secret_that_it_is_of(server):
    server.client("iam").create_user(UserName=SECRET)
    user = with_secret({"User": resource("AWS::IAM::User", UserName=ref("Secret"))})
    stack = Stack(server)
    topic = server.client("sns").create_topic(Name="told")["TopicArn"]
    assert stack.create(user, **given(), NotificationARNs=[topic]) == "ROLLBACK_COMPLETE"
    reason = stack.reasons("CREATE_FAILED")["User"]
    assert "****" in reason and SECRET not in reason
    rows = stack.client.describe_stack_resources(StackName=stack.name)["StackResources"]
    assert SECRET not in json.dumps([stack.events(), stack.describe(), rows], default=str)


def test_an_access_keys_secret_is_not_shown_where_it_is_used(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="templates")
    inner = json.dumps({"Parameters": {"Word": {"Type": "String"}}, "Resources": {"T": resource("AWS::SNS::Topic")}})
    s3.put_object(Bucket="templates", Key="inner.json", Body=inner)
    word = {"Fn::Sub": "is ${Key.SecretAccessKey}"}
    resources = {
        "User": resource("AWS::IAM::User", UserName="u"),
        "Key": resource("AWS::IAM::AccessKey", UserName=ref("User")),
        "Topic": resource("AWS::SNS::Topic", DisplayName=get("Key", "SecretAccessKey")),
        "Inner": resource("AWS::CloudFormation::Stack", TemplateURL="https://templates.s3.amazonaws.com/inner.json", Parameters={"Word": word}),
    }
    stack = Stack(server)
    body = template(resources, Secret=get("Key", "SecretAccessKey"))
    assert stack.create(body) == "CREATE_COMPLETE", stack.reasons()
    secret = stack.outputs()["Secret"]
    shown = {one["LogicalResourceId"]: json.loads(one["ResourceProperties"]) for one in stack.events() if "ResourceProperties" in one}
    assert shown["Topic"] == {"DisplayName": "****"}
    assert shown["Inner"]["Parameters"] == {"Word": "is ****"}
    assert secret not in json.dumps(stack.events(), default=str)
    # Nor by a change set that changes what uses it.
    resources["Topic"] = resource("AWS::SNS::Topic", DisplayName={"Fn::Join": ["", ["x", get("Key", "SecretAccessKey")]]})
    name = {"StackName": stack.name, "ChangeSetName": "c"}
    changed = template(resources, Secret=get("Key", "SecretAccessKey"))
    stack.client.create_change_set(**name, TemplateBody=changed, Capabilities=["CAPABILITY_NAMED_IAM"])
    told = json.dumps(stack.client.describe_change_set(**name, IncludePropertyValues=True), default=str)
    assert "x****" in told and secret not in told
