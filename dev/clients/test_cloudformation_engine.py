"""What the work on stacks leaves behind, and what it does not: replaced things, exports, nested stacks."""

import json

from harness import allow, policy
from stacks import Stack, resource, template

# It fails when it is made, and not before.
BROKEN = resource("AWS::Logs::LogStream", LogGroupName="there-is-no-such-group", LogStreamName="s")


def group(name, **more):
    return resource("AWS::Logs::LogGroup", LogGroupName=name) | more


def broken(*after):
    return BROKEN | {"DependsOn": list(after)}


def groups(server):
    return [one["logGroupName"] for one in server.client("logs").describe_log_groups()["logGroups"]]


def test_a_stack_that_is_deleted_as_its_update_failed_leaves_nothing_that_was_replaced(server):
    stack = Stack(server)
    assert stack.create({"G": group("a"), "Kept": group("k", UpdateReplacePolicy="Retain")}) == "CREATE_COMPLETE"
    then = {"G": group("b"), "Kept": group("l", UpdateReplacePolicy="Retain"), "Broken": broken("G", "Kept")}
    assert stack.update(then, DisableRollback=True) == "UPDATE_FAILED"
    assert groups(server) == ["a", "b", "k", "l"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert groups(server) == ["k"]


def test_a_stack_that_never_was_leaves_nothing_that_was_replaced(server):
    stack = Stack(server)
    assert stack.create({"G": group("a"), "Broken": broken("G")}, DisableRollback=True) == "CREATE_FAILED"
    assert stack.update({"G": group("b"), "Broken": broken("G")}) == "ROLLBACK_COMPLETE", stack.reasons()
    assert groups(server) == []


def test_what_was_replaced_and_cannot_be_deleted_is_left_to_the_account(server):
    stack, s3 = Stack(server), server.client("s3")

    def bucket(name):
        return {"B": resource("AWS::S3::Bucket", BucketName=name)}

    assert stack.create(bucket("old-and-full")) == "CREATE_COMPLETE"
    s3.put_object(Bucket="old-and-full", Key="k", Body=b"x")
    assert stack.update(bucket("new-and-empty")) == "UPDATE_COMPLETE"
    row = stack.client.describe_stack_resource(StackName=stack.name, LogicalResourceId="B")["StackResourceDetail"]
    assert (row["PhysicalResourceId"], row["ResourceStatus"]) == ("new-and-empty", "UPDATE_COMPLETE")
    failed = [one["PhysicalResourceId"] for one in stack.events() if one["ResourceStatus"] == "DELETE_FAILED"]
    assert failed == ["old-and-full"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["old-and-full"]


def exporting(**more):
    output = {"Value": "v", "Export": {"Name": "shared"}}
    return json.dumps({"Resources": {"H": resource("AWS::CloudFormation::WaitConditionHandle")} | more, "Outputs": {"O": output}})


USING = template({"T": resource("AWS::SNS::Topic", DisplayName={"Fn::ImportValue": "shared"})})


def test_a_stack_exports_nothing_once_its_deletion_began(server):
    giver, s3 = Stack(server, "giver"), server.client("s3")
    bucket = resource("AWS::S3::Bucket", BucketName="full-of-things")
    assert giver.create(exporting(B=bucket)) == "CREATE_COMPLETE"
    s3.put_object(Bucket="full-of-things", Key="k", Body=b"x")
    assert giver.delete() == "DELETE_FAILED"
    assert giver.client.list_exports()["Exports"] == []
    assert Stack(server, "early").create(USING) == "ROLLBACK_COMPLETE"
    other, taker = Stack(server, "other"), Stack(server, "taker")
    assert (other.create(exporting()), taker.create(USING)) == ("CREATE_COMPLETE", "CREATE_COMPLETE")
    giver.client.delete_stack(StackName=giver.name, RetainResources=["B"])
    assert giver.settle() == "DELETE_COMPLETE"
    assert [one["ExportingStackId"] for one in giver.client.list_exports()["Exports"]] == [other.name]


def test_no_export_goes_while_somebody_begins_to_use_it(server):
    for at in range(4):
        giver, taker = Stack(server, f"giver{at}"), Stack(server, f"taker{at}")
        assert giver.create(exporting()) == "CREATE_COMPLETE"
        taker.name = taker.client.create_stack(StackName=taker.name, TemplateBody=USING)["StackId"]
        giver.client.delete_stack(StackName=giver.name)
        ends = {giver.settle(), taker.settle()}
        assert ends in ({"DELETE_COMPLETE", "ROLLBACK_COMPLETE"}, {"CREATE_COMPLETE"}), (giver.events(), taker.events())
        taker.delete()
        if giver.describe()["StackStatus"] != "DELETE_COMPLETE":
            assert giver.delete() == "DELETE_COMPLETE"


def put(server, name, resources):
    server.client("s3").put_object(Bucket="templates", Key=name, Body=template(resources))


def nested(name, **properties):
    return resource("AWS::CloudFormation::Stack", TemplateURL=f"https://templates.s3.amazonaws.com/{name}", **properties)


def test_more_stacks_than_are_worked_on_at_once_all_come_to_their_end(server):
    server.client("s3").create_bucket(Bucket="templates")
    put(server, "inner.json", {"H": resource("AWS::CloudFormation::WaitConditionHandle")})
    outer = template({"A": nested("inner.json"), "B": nested("inner.json")})
    stacks = [Stack(server, f"s{at}") for at in range(40)]
    for stack in stacks:
        stack.name = stack.client.create_stack(StackName=stack.name, TemplateBody=outer)["StackId"]
    assert {stack.settle() for stack in stacks} == {"CREATE_COMPLETE"}
    assert len(stacks[0].client.list_stacks()["StackSummaries"]) == 100


def test_a_nested_stack_goes_back_to_what_it_was_and_not_to_what_its_template_is_now(server):
    server.client("s3").create_bucket(Bucket="templates")
    put(server, "inner.json", {"G": group("first")})
    stack = Stack(server)
    assert stack.create({"Inner": nested("inner.json")}) == "CREATE_COMPLETE"
    put(server, "inner.json", {"G": group("second")})
    assert stack.update({"Inner": nested("inner.json"), "Broken": broken("Inner")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(server) == ["first"]
    put(server, "new.json", {"G": group("third")})
    then = {"Inner": nested("new.json"), "Broken": broken("Inner")}
    assert stack.update(then) == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(server) == ["first"]
    assert stack.update({"Inner": nested("new.json")}) == "UPDATE_COMPLETE"
    assert groups(server) == ["third"]


def test_a_way_back_goes_on_in_a_nested_stack(server):
    server.client("s3").create_bucket(Bucket="templates")
    # Days can be given and not be taken away.
    blocked = {"Effect": "Deny", "Action": "logs:DeleteRetentionPolicy", "Resource": "*"}
    logs, stack = server.client("logs"), Stack(server, who=server.user("worker", allow("*"), blocked))
    inner = {"G": resource("AWS::Logs::LogGroup", LogGroupName="g")}
    put(server, "inner.json", inner)
    assert stack.create({"Inner": nested("inner.json")}) == "CREATE_COMPLETE"
    child = Stack(server, stack.ids()["Inner"])
    inner["G"]["Properties"]["RetentionInDays"] = 3
    put(server, "inner.json", inner | {"Broken": broken("G")})
    assert stack.update({"Inner": nested("inner.json")}) == "UPDATE_ROLLBACK_FAILED", stack.events()
    assert child.describe()["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    stack.client.continue_update_rollback(StackName=stack.name)
    assert stack.settle() == "UPDATE_ROLLBACK_FAILED"
    server.client("iam").put_user_policy(UserName="worker", PolicyName="rights", PolicyDocument=policy(allow("*")))
    stack.client.continue_update_rollback(StackName=stack.name)
    assert stack.settle() == "UPDATE_ROLLBACK_COMPLETE", stack.reasons()
    assert child.describe()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
