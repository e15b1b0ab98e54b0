"""`aws cloudtrail create-subscription` and `update-subscription` with no more than AWS asks for."""

import json

import pytest
from harness import ACCOUNT, ANONYMOUS, allow, refused

pytestmark = pytest.mark.serve("--rehearsal")
S3_TEMPLATE = "policy/S3/AWSCloudTrail-S3BucketPolicy-2014-12-17.json"
SNS_TEMPLATE = "policy/SNS/AWSCloudTrail-SnsTopicPolicy-2014-12-17.json"


def configuration(done):
    """What the command prints of the trails."""
    text = done.stdout.split("CloudTrail configuration:\n", 1)[1]
    return json.JSONDecoder().raw_decode(text)[0]["trailList"]


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_a_subscription_is_made_and_changed(server, region):
    """Bucket, policy, trail and the start of logging in one command, in the Region that is called."""
    arguments = ["--name", "audit", "--s3-new-bucket", "audit-logs", "--s3-prefix", "pre"]
    done = server.aws("cloudtrail", "create-subscription", *arguments, region=region)
    assert "Setting up new S3 bucket audit-logs..." in done.stdout
    assert "Logs will be delivered to audit-logs:pre\n" in done.stdout
    [trail] = configuration(done)
    assert (trail["S3BucketName"], trail["S3KeyPrefix"], trail["HomeRegion"]) == ("audit-logs", "pre", region)
    policy = json.loads(server.client("s3", region).get_bucket_policy(Bucket="audit-logs")["Policy"])
    assert policy["Statement"][1]["Resource"] == f"arn:aws:s3:::audit-logs/pre/AWSLogs/{ACCOUNT}/*"
    cloudtrail = server.client("cloudtrail", region)
    assert cloudtrail.get_trail_status(Name="audit")["IsLogging"] is True
    server.client("kms", region).create_key(Description="something to record")
    server.advance("10m")
    status = cloudtrail.get_trail_status(Name="audit")
    assert "LatestDeliveryTime" in status and "LatestDeliveryError" not in status
    listed = server.client("s3", region).list_objects_v2(Bucket="audit-logs")["Contents"]
    assert all(item["Key"].startswith(f"pre/AWSLogs/{ACCOUNT}/CloudTrail/{region}/") for item in listed)

    arguments = ["--name", "audit", "--s3-new-bucket", "other-logs", "--include-global-service-events", "false"]
    done = server.aws("cloudtrail", "update-subscription", *arguments, region=region)
    [trail] = configuration(done)
    assert (trail["S3BucketName"], trail["S3KeyPrefix"]) == ("other-logs", "pre")
    assert trail["IncludeGlobalServiceEvents"] is False
    done = server.aws("cloudtrail", "update-subscription", "--name", "audit", "--s3-use-bucket", "audit-logs", region=region)
    assert configuration(done)[0]["S3BucketName"] == "audit-logs"


def test_a_subscription_with_a_new_topic(server):
    """The topic's policy lets CloudTrail publish, beside what the topic was made with."""
    arguments = ["--name", "audit", "--s3-new-bucket", "audit-logs", "--sns-new-topic", "audit-notices"]
    done = server.aws("cloudtrail", "create-subscription", *arguments)
    [trail] = configuration(done)
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:audit-notices"
    assert trail["SnsTopicARN"] == arn
    attributes = server.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    own, added = json.loads(attributes["Policy"])["Statement"]
    assert added["Principal"] == {"Service": "cloudtrail.amazonaws.com"} and added["Resource"] == arn
    assert own != added
    server.advance("10m")
    status = server.client("cloudtrail").get_trail_status(Name="audit")
    assert "LatestNotificationTime" in status and "LatestNotificationError" not in status
    other = ["--name", "a b", "--s3-new-bucket", "other-logs", "--sns-new-topic", "more"]
    failed = server.aws("cloudtrail", "create-subscription", *other, check=False)
    assert failed.returncode != 0
    assert [one["TopicArn"] for one in server.client("sns").list_topics()["Topics"]] == [arn]


def test_what_fails_is_rolled_back_by_the_command(server):
    arguments = ["--name", "a b", "--s3-new-bucket", "audit-logs"]
    done = server.aws("cloudtrail", "create-subscription", *arguments, check=False)
    assert done.returncode != 0 and "InvalidTrailNameException" in done.stderr
    assert server.client("s3").list_buckets()["Buckets"] == []


def test_the_templates_are_read_by_those_who_sign_and_may(server):
    bucket = "awscloudtrail-policy-us-east-1"
    s3 = server.client("s3")
    for key, place in ((S3_TEMPLATE, "<BucketName>"), (SNS_TEMPLATE, "<SNSTopicName>")):
        got = s3.get_object(Bucket=bucket, Key=key)
        body = got["Body"].read()
        assert place in body.decode() and json.loads(body)["Version"] == "2012-10-17"
        head = s3.head_object(Bucket=bucket, Key=key)
        assert (head["ContentLength"], head["ETag"]) == (len(body), got["ETag"])
        part = s3.get_object(Bucket=bucket, Key=key, Range="bytes=2-9")
        assert (part["Body"].read(), part["ContentRange"]) == (body[2:10], f"bytes 2-9/{len(body)}")
        with refused("304"):
            s3.get_object(Bucket=bucket, Key=key, IfNoneMatch=got["ETag"])
    reader = server.user("reader", allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    assert server.client("s3", who=reader).get_object(Bucket=bucket, Key=S3_TEMPLATE)["ContentLength"] > 0
    for who in (server.user("nobody"), ANONYMOUS):
        with refused("AccessDenied", status=403):
            server.client("s3", who=who).get_object(Bucket=bucket, Key=S3_TEMPLATE)
    # Everything else is nobody's.
    for call in (
        lambda: s3.get_object(Bucket=bucket, Key="policy/other.json"),
        lambda: s3.get_object(Bucket=bucket, Key=S3_TEMPLATE, VersionId="null"),
        lambda: s3.list_objects_v2(Bucket=bucket),
        lambda: s3.put_object(Bucket=bucket, Key=S3_TEMPLATE, Body=b"x"),
        lambda: s3.delete_object(Bucket=bucket, Key=S3_TEMPLATE),
        lambda: s3.get_bucket_policy(Bucket=bucket),
        lambda: s3.delete_bucket(Bucket=bucket),
    ):
        with refused("AccessDenied", status=403):
            call()
    with refused("BucketAlreadyExists", status=409):
        s3.create_bucket(Bucket=bucket)
    assert s3.list_buckets()["Buckets"] == []
    s3.create_bucket(Bucket="awscloudtrail-policy-of-mine")


def test_reading_a_template_is_recorded_as_a_read_of_anothers_object(server):
    from harness import make_trail

    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    everything = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": False}
    everything["DataResources"] = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
    trail.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[everything])
    bucket = "awscloudtrail-policy-us-east-1"
    trail.s3.get_object(Bucket=bucket, Key=S3_TEMPLATE)
    server.advance("10m")
    told = [record for record in trail.records() if record["requestParameters"].get("bucketName") == bucket]
    assert [(record["eventName"], record["recipientAccountId"]) for record in told] == [("GetObject", ACCOUNT)]
    assert f"arn:aws:s3:::{bucket}/{S3_TEMPLATE}" in [resource["ARN"] for resource in told[0]["resources"]]
    assert "sharedEventID" not in told[0]
