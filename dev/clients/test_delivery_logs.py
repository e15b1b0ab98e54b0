"""Delivery to CloudWatch Logs beside the log files: each goes on when the other cannot. A broken role is in test_trail_to_logs.py."""

import json

import pytest
from harness import ACCOUNT, allow, bucket_policy, make_trail, policy, refused

pytestmark = pytest.mark.serve("--rehearsal")
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:*"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/to-logs"
STREAM = f"{ACCOUNT}_CloudTrail_us-east-1"
TRUST = policy({"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sts:AssumeRole"})
STREAMS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:log-stream:{ACCOUNT}_CloudTrail_us-east-1*"
RIGHTS = policy(allow(["logs:CreateLogStream", "logs:PutLogEvents"], STREAMS))


@pytest.fixture
def iam(server):
    return server.client("iam")


@pytest.fixture
def logged(server, iam):
    """A trail with a log group and a role."""
    server.client("logs").create_log_group(logGroupName="trails")
    iam.create_role(RoleName="to-logs", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="to-logs", PolicyName="write", PolicyDocument=RIGHTS)
    return make_trail(server, with_key=False, CloudWatchLogsLogGroupArn=GROUP, CloudWatchLogsRoleArn=ROLE)


def in_group(server):
    """The records in the stream."""
    pages = server.client("logs").get_paginator("filter_log_events")
    pages = pages.paginate(logGroupName="trails", logStreamNames=[STREAM])
    return [json.loads(event["message"]) for page in pages for event in page["events"]]


def made(records):
    texts = [record["requestParameters"]["description"] for record in records if record["eventName"] == "CreateKey"]
    return sorted(texts)


def test_every_event_of_every_region_is_in_the_home_regions_stream(server, logged):
    for region in ("us-east-1", "eu-west-1"):
        server.client("kms", region).create_key(Description=region)
    server.advance("10m")
    records = in_group(server)
    assert made(records) == ["eu-west-1", "us-east-1"]
    ids = [record["eventID"] for record in records]
    assert len(ids) == len(set(ids))
    delivered = {record["eventID"]: record for record in logged.records()}
    assert delivered and all(record == delivered[record["eventID"]] for record in records if record["eventID"] in delivered)
    assert set(delivered) <= set(ids)
    status = logged.status()
    assert status["LatestCloudWatchLogsDeliveryTime"] and "LatestCloudWatchLogsDeliveryError" not in status
    described = logged.cloudtrail.get_trail(Name=logged.name)["Trail"]
    assert (described["CloudWatchLogsLogGroupArn"], described["CloudWatchLogsRoleArn"]) == (GROUP, ROLE)


def test_the_role_is_assumed_once_an_hour_and_put_log_events_makes_no_event(server, logged):
    for number in range(6):
        server.client("kms").create_key(Description=str(number))
        server.advance("10m")
    server.advance("10m")
    records = in_group(server)
    assert len(made(records)) == 6
    assert "PutLogEvents" not in {record["eventName"] for record in records}
    assumed = [
        record
        for record in records
        if record["eventName"] == "AssumeRole" and record["userIdentity"].get("invokedBy") == "cloudtrail.amazonaws.com"
    ]
    # Seventy minutes: not more than two sessions of an hour.
    assert 1 <= len(assumed) <= 2
    assert [record["eventName"] for record in records].count("CreateLogStream") == 1


def test_a_closed_bucket_does_not_hold_the_group_back(server, logged):
    server.advance("10m")
    logged.s3.delete_bucket_policy(Bucket=logged.bucket)
    server.client("kms").create_key(Description="into the group")
    server.advance("10m")
    assert made(in_group(server)) == ["into the group"] and made(logged.records()) == []
    status = logged.status()
    assert status["LatestDeliveryError"] == "AccessDenied" and "LatestCloudWatchLogsDeliveryError" not in status
    logged.s3.put_bucket_policy(Bucket=logged.bucket, Policy=bucket_policy(logged.bucket))
    server.advance("10m")
    assert made(in_group(server)) == made(logged.records()) == ["into the group"]


def test_a_group_that_is_gone_is_told_and_one_taken_away_ends_delivery(server, logged):
    server.advance("10m")
    server.client("logs").delete_log_group(logGroupName="trails")
    server.client("kms").create_key(Description="without a group")
    server.advance("10m")
    assert logged.status()["LatestCloudWatchLogsDeliveryError"] == "ResourceNotFoundException"
    server.client("logs").create_log_group(logGroupName="trails")
    server.advance("10m")
    assert made(in_group(server)) == ["without a group"]
    changed = logged.cloudtrail.update_trail(
        Name=logged.name, CloudWatchLogsLogGroupArn="", CloudWatchLogsRoleArn=""
    )
    assert "CloudWatchLogsLogGroupArn" not in changed and "CloudWatchLogsRoleArn" not in changed
    server.client("kms").create_key(Description="into the bucket alone")
    server.advance("10m")
    assert made(in_group(server)) == ["without a group"]
    assert made(logged.records()) == ["into the bucket alone", "without a group"]


def test_whoever_gives_a_role_away_must_be_allowed_to_pass_it(server, logged):
    update = allow("cloudtrail:UpdateTrail", logged.arn)
    half, whole = server.user("half", update), server.user("whole", update, allow("iam:PassRole", ROLE))
    with refused("AccessDeniedException", status=400):
        server.client("cloudtrail", who=half).update_trail(Name=logged.name, CloudWatchLogsRoleArn=ROLE)
    server.client("cloudtrail", who=half).update_trail(Name=logged.name, IncludeGlobalServiceEvents=True)
    server.client("cloudtrail", who=whole).update_trail(Name=logged.name, CloudWatchLogsRoleArn=ROLE)
