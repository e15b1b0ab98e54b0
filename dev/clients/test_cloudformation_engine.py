"""What the work on stacks leaves behind, and what it does not: replaced things, exports, nested stacks."""

import json

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
