"""With whose rights stacks are made, what limits and protects them, and which requests are the same."""

import json

from harness import Principal, allow, make_bucket, policy, refused
from stacks import NAMED, Stack, ref, resource, template

TRUST = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "cloudformation.amazonaws.com"}})
TOPIC = resource("AWS::SNS::Topic", DisplayName="one")
OTHER = resource("AWS::SNS::Topic", DisplayName="two")


def admin_role(server, who=None):
    """A role that CloudFormation may assume, with all rights."""
    iam = server.client("iam", who=who)
    role = iam.create_role(RoleName="admin", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="admin", PolicyName="all", PolicyDocument=policy(allow("*")))
    return role


def nested(server, body, authority="templates.s3.amazonaws.com", path="inner"):
    make_bucket(server, "templates")
    server.client("s3").put_object(Bucket="templates", Key="inner", Body=body)
    return resource("AWS::CloudFormation::Stack", TemplateURL=f"https://{authority}/{path}")


def test_a_role_of_another_account_is_passed_by_nobody(server):
    role = admin_role(server, server.account("111122223333"))
    api = server.client("cloudformation")
    text = "Cross-account pass role is not allowed."
    given = {"StackName": "s", "TemplateBody": template({"T": TOPIC}), "RoleARN": role}
    with refused("AccessDenied", text, 403):
        api.create_stack(**given)
    with refused("AccessDenied", text, 403):
        api.create_change_set(ChangeSetName="c", ChangeSetType="CREATE", **given)
    stack = Stack(server, "s")
    assert stack.create({"T": TOPIC}, RoleARN=admin_role(server)) == "CREATE_COMPLETE"
    with refused("AccessDenied", text, 403):
        api.update_stack(**given)
    with refused("AccessDenied", text, 403):
        api.delete_stack(StackName="s", RoleARN=role)
    assert stack.describe()["StackStatus"] == "CREATE_COMPLETE"


def test_a_session_without_mfa_makes_no_users_through_a_stack(server):
    user = server.user("alice", allow("*"))
    given = server.client("sts", who=user).get_session_token()["Credentials"]
    session = Principal(given["AccessKeyId"], given["SecretAccessKey"], "alice", user.account, given["SessionToken"])
    stack = Stack(server, who=session)
    key = resource("AWS::IAM::AccessKey", UserName=ref("User"))
    assert stack.create({"User": resource("AWS::IAM::User"), "Key": key}) == "ROLLBACK_COMPLETE"
    assert "The security token included in the request is invalid" in stack.reasons()["User"]
    assert [one["UserName"] for one in server.client("iam").list_users()["Users"]] == ["alice"]
    topics = Stack(server, "topics", who=session)
    assert topics.create({"T": TOPIC}) == "CREATE_COMPLETE"
    # With the rights of a role that is passed the session's own do not matter, as on AWS.
    ruled = Stack(server, "ruled", who=session)
    assert ruled.create({"User": resource("AWS::IAM::User")}, RoleARN=admin_role(server)) == "CREATE_COMPLETE"


def test_resource_types_limit_the_template(server):
    limit = {"ForAllValues:StringEquals": {"cloudformation:ResourceTypes": ["AWS::SNS::*", "AWS::CloudFormation::Stack"]},
             "Null": {"cloudformation:ResourceTypes": "false"}}
    rights = allow(["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:CreateChangeSet"], Condition=limit)
    free = allow(["cloudformation:Describe*", "cloudformation:ExecuteChangeSet", "iam:PassRole", "s3:GetObject"])
    stack = Stack(server, who=server.user("alice", rights, free))
    role, types = admin_role(server), ["AWS::SNS::*", "AWS::CloudFormation::Stack"]
    users = {"T": TOPIC, "U": resource("AWS::IAM::User")}
    text = "Resource type AWS::IAM::User is not allowed by parameter ResourceTypes [AWS::SNS::*, AWS::CloudFormation::Stack]"
    with refused("ValidationError", text):
        stack.create(users, RoleARN=role, ResourceTypes=types)
    assert stack.create({"T": TOPIC}, RoleARN=role, ResourceTypes=types) == "CREATE_COMPLETE"
    with refused("ValidationError", text):
        stack.update(users, ResourceTypes=types)
    planned = {"StackName": stack.name, "TemplateBody": template(users), "Capabilities": NAMED, "ResourceTypes": types}
    with refused("ValidationError", text):
        stack.client.create_change_set(ChangeSetName="c", **planned)
    # A nested stack is held to the same, and what goes is to be allowed too.
    inner = nested(server, template({"U": resource("AWS::IAM::User")}))
    outer = Stack(server, "outer", who=server.root)
    assert outer.create({"Inner": inner}, ResourceTypes=types) == "ROLLBACK_COMPLETE"
    assert text in outer.reasons()["Inner"]
    owned = Stack(server, "owned")
    assert owned.create(users) == "CREATE_COMPLETE"
    with refused("ValidationError", text):
        owned.update({"T": TOPIC}, ResourceTypes=types)
    assert owned.update({"T": OTHER, "U": users["U"]}, ResourceTypes=["AWS::*"]) == "UPDATE_COMPLETE"


def test_who_overrides_a_stack_policy_may_set_one(server):
    guarded = policy({"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"})
    opened = policy({"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"})
    root = Stack(server)
    assert root.create({"T": TOPIC}, StackPolicyBody=guarded) == "CREATE_COMPLETE"
    updates = allow(["cloudformation:UpdateStack", "cloudformation:Describe*", "sns:*"])
    alice = Stack(server, root.name, who=server.user("alice", updates))
    for member in ("StackPolicyBody", "StackPolicyDuringUpdateBody"):
        with refused("AccessDenied") as told:
            alice.update({"T": OTHER}, **{member: opened})
        assert "cloudformation:SetStackPolicy" in told["Message"]
    bob = Stack(server, root.name, who=server.user("bob", updates, allow("cloudformation:SetStackPolicy")))
    assert bob.update({"T": OTHER}, StackPolicyDuringUpdateBody=opened) == "UPDATE_COMPLETE"
    assert alice.update({"T": TOPIC}) == "UPDATE_ROLLBACK_COMPLETE"


def test_the_parts_of_a_protected_stack_are_protected(server):
    outer = Stack(server, "outer")
    inner = nested(server, template({"T": TOPIC}))
    assert outer.create({"Inner": inner}, EnableTerminationProtection=True) == "CREATE_COMPLETE"
    part = Stack(server, outer.ids()["Inner"])
    assert part.describe()["EnableTerminationProtection"] is True
    with refused("ValidationError"):
        part.client.delete_stack(StackName=part.name)
    assert part.describe()["StackStatus"] == "CREATE_COMPLETE"
    # An update of the outer stack still takes it away.
    assert outer.update({"T": OTHER}) == "UPDATE_COMPLETE", outer.reasons()
    assert part.describe()["StackStatus"] == "DELETE_COMPLETE"


def test_a_token_is_of_one_request(server):
    stack, token = Stack(server), {"ClientRequestToken": "commit-1"}
    body = {"Parameters": {"Name": {"Type": "String"}},
            "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": ref("Name")}}}}
    given = lambda name: {"Parameters": [{"ParameterKey": "Name", "ParameterValue": name}], **token}
    body = json.dumps(body)
    assert stack.create(body, **given("one")) == "CREATE_COMPLETE"
    same = stack.client.create_stack(StackName="stack", TemplateBody=body, Capabilities=NAMED, **given("one"))
    assert same["StackId"] == stack.name
    text = "Client request token [commit-1] already exists for another request"
    with refused("TokenAlreadyExistsException", text, 400):
        stack.update(body, **given("two"))
    with refused("TokenAlreadyExistsException", text, 400):
        stack.client.create_stack(StackName="stack", TemplateBody=body, Capabilities=NAMED, **given("two"))
    token["ClientRequestToken"] = "commit-2"
    assert stack.update(body, **given("two")) == "UPDATE_COMPLETE"
    assert stack.update(body, **given("two")) == "UPDATE_COMPLETE"
    with refused("TokenAlreadyExistsException"):
        stack.update(body, **given("one"))
    assert stack.describe()["Parameters"][0]["ParameterValue"] == "two"


def test_a_stack_whose_deletion_failed_is_there(server):
    stack = Stack(server)
    assert stack.create({"B": resource("AWS::S3::Bucket", BucketName="full")}) == "CREATE_COMPLETE"
    server.client("s3").put_object(Bucket="full", Key="k", Body=b"x")
    assert stack.delete() == "DELETE_FAILED"
    found = stack.client.describe_stack_resources(PhysicalResourceId="full")["StackResources"]
    assert [one["StackId"] for one in found] == [stack.name]
    protect = lambda on: stack.client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=on)
    protect(True)
    with refused("ValidationError"):
        stack.client.delete_stack(StackName=stack.name)
    protect(False)
    server.client("s3").delete_object(Bucket="full", Key="k")
    assert stack.delete() == "DELETE_COMPLETE"
    for change in (lambda: protect(True), lambda: stack.client.set_stack_policy(StackName=stack.name, StackPolicyBody="{}")):
        with refused("ValidationError", f"Stack [{stack.name}] does not exist"):
            change()


def test_nested_templates_are_named_by_the_servers_own_host(server):
    port = server.endpoint.rsplit(":", 1)[1]
    host = f"shoseki.test:{port}"
    innermost = resource("AWS::CloudFormation::Stack", TemplateURL=f"http://{host}/templates/innermost")
    inner = nested(server, template({"In": innermost}), host, "templates/inner")
    server.client("s3").put_object(Bucket="templates", Key="innermost", Body=template({"T": TOPIC}))
    form = f"Action=CreateStack&Version=2010-05-15&StackName=outer&TemplateURL=http%3A%2F%2F{host}%2Ftemplates%2Fouter"
    server.client("s3").put_object(Bucket="templates", Key="outer", Body=template({"Inner": inner}))
    headers = {"host": host, "content-type": "application/x-www-form-urlencoded"}
    answer = server.call("cloudformation", "POST", headers=headers, body=form.encode())
    assert answer.status == 200, answer.body
    outer = Stack(server, "outer")
    assert outer.settle() == "CREATE_COMPLETE", outer.reasons()
    assert len(server.client("sns").list_topics()["Topics"]) == 1
