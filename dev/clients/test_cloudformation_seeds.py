"""The templates of seed 004, as examples/cloudformation has them: what they did when they were written, and what they do today.

A is the whole sample; B a trail for each Region, whose references point outside it; C the bucket; D log group and role; E the key.
"""

import json
import pathlib

import pytest
from harness import ACCOUNT, Trail, allow, make_bucket, policy, refused
from stacks import NAMED, Stack

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "cloudformation"
BUCKET = f"cloudtrail-{ACCOUNT}"
TARGET = "access-logs"
UNRESOLVED = (
    "Template format error: Unresolved resource dependencies [ResCloudTrailBucketPolicy, ResCloudTrailLogGroup, "
    "ResCloudTrailCloudWatchLogsRole, ResCloudTrailBucket, ResCloudTrailKey] in the Resources block of the template"
)


def example(letter):
    names = {"a": "full", "b": "per-region-trail", "c": "bucket", "d": "logs", "e": "key"}
    return EXAMPLES / f"{names[letter]}.yaml"


def parameters():
    return [{"ParameterKey": "PrmExampleAccessLogBucket", "ParameterValue": TARGET}]


def with_target(server):
    """The bucket that the templates' bucket sends its access logs to; it lets S3 write them."""
    make_bucket(server, TARGET)
    write = allow("s3:PutObject", f"arn:aws:s3:::{TARGET}/*", Principal={"Service": "logging.s3.amazonaws.com"})
    server.client("s3").put_bucket_policy(Bucket=TARGET, Policy=policy(write))
    return server


@pytest.fixture
def seeds(serve):
    return with_target(serve("--rehearsal", "--delivery-interval", "5m", "--aws-behavior", "seeds"))


def test_the_whole_sample_deploys_and_its_trail_tells_of_the_stack(seeds):
    server = seeds
    given = ["--parameters", f"ParameterKey=PrmExampleAccessLogBucket,ParameterValue={TARGET}"]
    create = ["create-stack", "--stack-name", "audit", "--template-body", f"file://{example('a')}", *given]
    told = server.aws("cloudformation", *create, check=False)
    assert "(InsufficientCapabilitiesException)" in told.stderr
    assert "Requires capabilities : [CAPABILITY_NAMED_IAM]" in told.stderr
    start = server.now()
    server.aws("cloudformation", *create, "--capabilities", *NAMED)
    server.aws("cloudformation", "wait", "stack-create-complete", "--stack-name", "audit")
    stack = Stack(server, "audit")
    assert stack.ids()["ResCloudTrailBucket"] == BUCKET
    key_id = stack.ids()["ResCloudTrailKey"]
    assert key_id.startswith("mrk-")
    assert stack.is_in_sync()

    # What the stack does from now on is in the trail's files.
    longer = example("a").read_text().replace("RetentionInDays: 90", "RetentionInDays: 365")
    assert stack.update(longer, Parameters=parameters()) == "UPDATE_COMPLETE", stack.reasons()
    server.advance("11m")
    home = "us-east-1"
    key_arn = f"arn:aws:kms:{home}:{ACCOUNT}:key/{key_id}"
    trail = Trail(server, "CloudTrail", home, BUCKET, key_arn, f"arn:aws:cloudtrail:{home}:{ACCOUNT}:trail/CloudTrail")
    records = trail.records()
    (changed,) = [record for record in records if record["eventName"] == "PutRetentionPolicy"]
    assert changed["requestParameters"] == {"logGroupName": "CloudTrail", "retentionInDays": 365}
    assert changed["userIdentity"]["type"] == "Root"
    assert changed["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"
    assert changed["sourceIPAddress"] == changed["userAgent"] == "cloudformation.amazonaws.com"
    (asked,) = [record for record in records if record["eventName"] == "UpdateStack"]
    assert "invokedBy" not in asked["userIdentity"] and asked["sourceIPAddress"] == "127.0.0.1"
    # S3's data events too, as the sample selects them.
    server.client("s3").put_object(Bucket=TARGET, Key="mine", Body=b"x")

    server.advance("2h")
    assert [one for one in trail.records() if one["eventName"] == "PutObject" and one["requestParameters"]["key"] == "mine"]
    files = trail.keys()
    for key in (files[0], files[-1]):
        head = server.client("s3").head_object(Bucket=BUCKET, Key=key)
        assert (head["ServerSideEncryption"], head.get("SSEKMSKeyId")) == ("aws:kms", key_arn)
    validated = trail.validate(home, start)
    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert "digest files valid" in validated.stdout and "INVALID" not in validated.stdout
    found = server.client("logs").filter_log_events(
        logGroupName="CloudTrail", filterPattern='{ $.eventName = "PutRetentionPolicy" }'
    )["events"]
    assert [json.loads(event["message"])["eventID"] for event in found] == [changed["eventID"]]

    # A bucket that holds something stays, and its stack says so.
    assert stack.delete() == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in stack.reasons("DELETE_FAILED")["ResCloudTrailBucket"]
    assert server.client("cloudtrail").describe_trails()["trailList"] == []
    assert server.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_the_parts_deploy_together(seeds):
    stack = Stack(seeds, "bucket")
    assert stack.create(example("c").read_text(), Parameters=parameters()) == "CREATE_COMPLETE", stack.reasons()
    assert Stack(seeds, "logs").create(example("d").read_text()) == "CREATE_COMPLETE"
    assert Stack(seeds, "key").create(example("e").read_text()) == "CREATE_COMPLETE"
    with refused("AlreadyExistsException", "Stack [key] already exists"):
        Stack(seeds, "key").create(example("e").read_text())
    # What has a name of its own is there once.
    again = Stack(seeds, "again")
    assert again.create(example("d").read_text()) == "ROLLBACK_COMPLETE"
    reasons = again.reasons()
    assert "already exists" in reasons.get("ResCloudTrailLogGroup", "") + reasons.get("ResCloudTrailCloudWatchLogsRole", "")
    assert seeds.client("iam").get_role(RoleName="CloudTrailLogsRole")
    for name in ("logs", "bucket", "key"):
        assert Stack(seeds, name).delete() == "DELETE_COMPLETE"
    assert [one["Name"] for one in seeds.client("s3").list_buckets()["Buckets"]] == [TARGET]


def test_the_trail_of_each_region_points_outside_itself(seeds):
    body = example("b").read_text()
    cloudformation = seeds.client("cloudformation")
    with refused("ValidationError", UNRESOLVED, status=400):
        cloudformation.create_stack(StackName="trail", TemplateBody=body)
    with refused("ValidationError", UNRESOLVED, status=400):
        cloudformation.validate_template(TemplateBody=body)
    assert cloudformation.describe_stacks()["Stacks"] == []


def test_today_the_buckets_acl_is_refused_and_nothing_is_left(serve):
    server = with_target(serve("--aws-behavior", "current"))
    stack = Stack(server, "audit")
    assert stack.create(example("a").read_text(), Parameters=parameters()) == "ROLLBACK_COMPLETE"
    reason = stack.reasons("CREATE_FAILED")["ResCloudTrailBucket"]
    assert "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting" in reason, reason
    assert "OwnershipControls" in reason, "the reason says what to change"
    assert [one["Name"] for one in server.client("s3").list_buckets()["Buckets"]] == [TARGET]
    assert server.client("iam").list_roles()["Roles"] == []
    assert server.client("logs").describe_log_groups()["logGroups"] == []
    assert server.client("cloudtrail").describe_trails()["trailList"] == []
    assert server.client("kms").list_aliases()["Aliases"] == []
    # Said who owns the bucket's objects, it is as it was.
    repaired = example("a").read_text().replace(
        "      AccessControl: LogDeliveryWrite\n",
        "      AccessControl: LogDeliveryWrite\n"
        "      OwnershipControls:\n        Rules:\n          - ObjectOwnership: BucketOwnerPreferred\n",
    )
    assert stack.delete() == "DELETE_COMPLETE"
    stack = Stack(server, "audit")
    assert stack.create(repaired, Parameters=parameters()) == "CREATE_COMPLETE", stack.reasons()
