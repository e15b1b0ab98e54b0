"""A trail that sends its events to a log group under a role: what CreateTrail checks, what arrives, what stops and catches up."""

import json

import pytest
from harness import ACCOUNT, SERVICE, allow, bucket_policy, make_bucket, policy, refused

pytestmark = pytest.mark.serve("--rehearsal", "--delivery-interval", "10m")
GROUP = "trail"
GROUP_ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}"
STREAM = f"{ACCOUNT}_CloudTrail_us-east-1"
NO_GROUP = "CloudTrail cannot validate the specified log group ARN."


def role(server, name, *statements, trust=None):
    iam = server.client("iam")
    document = trust or policy(allow("sts:AssumeRole", Principal=SERVICE) | {"Resource": None})
    document = json.dumps(strip(json.loads(document)))
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=policy(*statements))
    return arn


def strip(document):
    """A trust policy has no resources."""
    for statement in document["Statement"]:
        statement.pop("Resource", None)
    return document


def rights():
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{GROUP_ARN}:log-stream:{STREAM}*")


@pytest.fixture
def bucket(server):
    make_bucket(server, "files")
    server.client("s3").put_bucket_policy(Bucket="files", Policy=bucket_policy("files"))
    return "files"


def create(server, bucket, group, role_arn, name="audit"):
    given = {"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": role_arn}
    given = {key: value for key, value in given.items() if value}
    return server.client("cloudtrail").create_trail(Name=name, S3BucketName=bucket, **given)


def events(server, **arguments):
    pages = server.client("logs").get_paginator("filter_log_events").paginate(logGroupName=GROUP, **arguments)
    return [json.loads(one["message"]) for page in pages for one in page["events"]]


def test_create_trail_checks_group_and_role_in_awss_words(server, bucket):
    logs = server.client("logs")
    good = role(server, "good", rights())
    with refused("InvalidCloudWatchLogsLogGroupArnException", NO_GROUP):
        create(server, bucket, f"{GROUP_ARN}:*", good)
    logs.create_log_group(logGroupName=GROUP)
    with refused("InvalidCloudWatchLogsLogGroupArnException", NO_GROUP):
        create(server, bucket, GROUP_ARN, good)
    with refused("InvalidCloudWatchLogsRoleArnException", "You must specify a role ARN as well as a log group."):
        create(server, bucket, f"{GROUP_ARN}:*", None)
    untrusting = role(server, "untrusting", rights(), trust=policy(allow("sts:AssumeRole", Principal={"AWS": ACCOUNT})))
    denied = "Access denied. Check the trust relationships for your role."
    with refused("InvalidCloudWatchLogsRoleArnException", denied):
        create(server, bucket, f"{GROUP_ARN}:*", untrusting)
    with refused("InvalidCloudWatchLogsRoleArnException", denied):
        create(server, bucket, f"{GROUP_ARN}:*", good.replace("good", "none"))
    powerless = role(server, "powerless", allow("logs:CreateLogStream", f"{GROUP_ARN}:*"))
    with refused(
        "InvalidCloudWatchLogsLogGroupArnException", "Access denied. Check the permissions for your role."
    ):
        create(server, bucket, f"{GROUP_ARN}:*", powerless)
    assert server.client("cloudtrail").describe_trails()["trailList"] == []
    made = create(server, bucket, f"{GROUP_ARN}:*", good)
    assert (made["CloudWatchLogsLogGroupArn"], made["CloudWatchLogsRoleArn"]) == (f"{GROUP_ARN}:*", good)
    shown = server.client("cloudtrail").get_trail(Name="audit")["Trail"]
    assert (shown["CloudWatchLogsLogGroupArn"], shown["CloudWatchLogsRoleArn"]) == (f"{GROUP_ARN}:*", good)
    # The check makes no stream.
    assert logs.describe_log_streams(logGroupName=GROUP)["logStreams"] == []


def test_a_trail_for_one_source_alone_is_trusted_by_its_arn(server, bucket):
    server.client("logs").create_log_group(logGroupName=GROUP)
    source = {"StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/one"}}
    trust = policy(allow("sts:AssumeRole", Principal=SERVICE, Condition=source))
    arn = role(server, "narrow", rights(), trust=trust)
    with refused("InvalidCloudWatchLogsRoleArnException"):
        create(server, bucket, f"{GROUP_ARN}:*", arn, name="other")
    create(server, bucket, f"{GROUP_ARN}:*", arn, name="one")


def test_events_arrive_under_the_role_and_catch_up_when_it_works_again(server, bucket):
    server.client("logs").create_log_group(logGroupName=GROUP)
    arn = role(server, "writer", rights())
    create(server, bucket, f"{GROUP_ARN}:*", arn)
    cloudtrail, kms, iam = server.client("cloudtrail"), server.client("kms"), server.client("iam")
    cloudtrail.start_logging(Name="audit")
    kms.create_key(Description="first")
    server.advance("11m")
    keys = '{ $.eventName = "CreateKey" }'
    assert [one["requestParameters"]["description"] for one in events(server, filterPattern=keys)] == ["first"]
    streams = server.client("logs").describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert [one["logStreamName"] for one in streams] == [STREAM]
    status = cloudtrail.get_trail_status(Name="audit")
    assert status["LatestCloudWatchLogsDeliveryTime"] and "LatestCloudWatchLogsDeliveryError" not in status

    iam.delete_role_policy(RoleName="writer", PolicyName="logs")
    kms.create_key(Description="second")
    server.advance("11m")
    assert len(events(server, filterPattern=keys)) == 1
    assert cloudtrail.get_trail_status(Name="audit")["LatestCloudWatchLogsDeliveryError"]
    iam.put_role_policy(RoleName="writer", PolicyName="logs", PolicyDocument=policy(rights()))
    server.advance("2h")
    assert [one["requestParameters"]["description"] for one in events(server, filterPattern=keys)] == ["first", "second"]
    assert "LatestCloudWatchLogsDeliveryError" not in cloudtrail.get_trail_status(Name="audit")

    # As the service did it: the role assumed, the stream made by the role's session, no PutLogEvents.
    assumed = events(server, filterPattern='{ $.eventName = "AssumeRole" }')[0]
    assert assumed["userIdentity"] == {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
    assert assumed["requestParameters"]["roleArn"] == arn and assumed["sourceIPAddress"] == "cloudtrail.amazonaws.com"
    assert assumed["responseElements"]["credentials"]["accessKeyId"].startswith("ASIA")
    assert assumed["resources"] == [{"ARN": arn, "accountId": ACCOUNT, "type": "AWS::IAM::Role"}]
    made = events(server, filterPattern='{ $.eventName = "CreateLogStream" }')
    assert len(made) == 1 and made[0]["requestParameters"] == {"logGroupName": GROUP, "logStreamName": STREAM}
    identity = made[0]["userIdentity"]
    assert (identity["type"], identity["invokedBy"]) == ("AssumedRole", "cloudtrail.amazonaws.com")
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == arn
    assert events(server, filterPattern='{ $.eventName = "PutLogEvents" }') == []
