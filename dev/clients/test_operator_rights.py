"""The operator of the roll-back article: just the rights that the article names, each needed for just its step."""

import json

import pytest
from harness import ACCOUNT, SEVENTEEN_REGIONS, allow, make_trail, policy
from test_seeds import seed

TOKYO = "ap-northeast-1"
BUCKET = "cm-members-cloudtrail-123456789012"
CLOUD_SHELL = "arn:aws:iam::aws:policy/AWSCloudShellFullAccess"
RIGHTS = {
    "regions": "ec2:DescribeRegions",
    "trails": "cloudtrail:DescribeTrails",
    "update": "cloudtrail:UpdateTrail",
    "encryption": "s3:GetEncryptionConfiguration",
    "reset": "s3:PutEncryptionConfiguration",
}
NAMES = "aws cloudtrail describe-trails --trail-name-list Members --query 'trailList[].S3BucketName' --output text"
UPDATE = f'aws cloudtrail update-trail --name Members --kms-key-id "" --region {TOKYO}'
EVERY_REGION = "".join(f"{region}: 有効\n" for region in SEVENTEEN_REGIONS)
NO_REGION = "".join(f"{region}: 無効\n" for region in SEVENTEEN_REGIONS)


@pytest.fixture
def article(server):
    """The account of the article: the trail under its key, the bucket's default under the same key, the operator."""
    trail = make_trail(server, "Members", home=TOKYO, bucket=BUCKET)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": trail.key_arn}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    trail.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=rules)
    operator = server.user("operator")
    server.client("iam").attach_user_policy(UserName="operator", PolicyArn=CLOUD_SHELL)
    return server, trail, operator


def give(server, *actions):
    document = policy(*(allow(action) for action in actions))
    server.client("iam").put_user_policy(UserName="operator", PolicyName="rights", PolicyDocument=document)


def run(server, operator, script):
    done = server.bash(script, region=TOKYO, who=operator, check=False)
    return done.stdout


def steps(server, operator):
    """Each step of the article, and whether it did what the article shows."""
    regions = json.loads(server.aws("ec2", "describe-regions", who=operator, check=False).stdout or '{"Regions":[]}')
    return {
        "regions": len(regions["Regions"]) == 17,
        "trails": run(server, operator, NAMES) == f"{BUCKET}\n",
        "encryption": run(server, operator, seed("003-check-bucket.sh")) == "SSE-KMS is enabled\n",
        "update": '"TrailARN"' in run(server, operator, UPDATE),
        "reset": server.bash(seed("003-reset-bucket.sh"), region=TOKYO, who=operator, check=False).returncode == 0,
    }


def test_with_just_the_rights_of_the_article_the_whole_roll_back_succeeds(article):
    server, trail, operator = article
    give(server, *RIGHTS.values())
    assert run(server, operator, seed("003-check-trails.sh")) == EVERY_REGION
    assert steps(server, operator) == dict.fromkeys(RIGHTS, True)
    assert run(server, operator, seed("003-check-trails.sh")) == NO_REGION
    assert run(server, operator, seed("003-check-bucket.sh")) == "SSE-S3 is enabled\n"
    assert "KmsKeyId" not in trail.cloudtrail.get_trail(Name="Members")["Trail"]


@pytest.mark.parametrize("missing", RIGHTS)
def test_each_right_that_is_taken_away_stops_just_its_step(article, missing):
    server, trail, operator = article
    give(server, *(action for step, action in RIGHTS.items() if step != missing))
    assert steps(server, operator) == {step: step != missing for step in RIGHTS}
    if missing == "update":
        assert trail.cloudtrail.get_trail(Name="Members")["Trail"]["KmsKeyId"] == trail.key_arn


def test_the_operator_can_do_nothing_else(article):
    server, trail, operator = article
    give(server, *RIGHTS.values())
    key = trail.key_arn
    for call in [
        ["cloudtrail", "stop-logging", "--name", "Members"],
        ["cloudtrail", "delete-trail", "--name", "Members"],
        ["cloudtrail", "get-trail-status", "--name", "Members"],
        ["cloudtrail", "lookup-events"],
        ["s3api", "list-objects-v2", "--bucket", BUCKET],
        ["s3api", "get-object", "--bucket", BUCKET, "--key", "x", "out"],
        ["s3api", "get-bucket-policy", "--bucket", BUCKET],
        ["s3api", "delete-bucket-policy", "--bucket", BUCKET],
        ["s3api", "list-buckets"],
        ["kms", "describe-key", "--key-id", key],
        ["kms", "schedule-key-deletion", "--key-id", key],
        ["kms", "get-key-policy", "--key-id", key, "--policy-name", "default"],
        ["iam", "list-users"],
        ["iam", "create-access-key", "--user-name", "operator"],
        ["sts", "assume-role", "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/any", "--role-session-name", "any"],
    ]:
        done = server.aws(*call, region=TOKYO, who=operator, check=False)
        assert done.returncode != 0 and "AccessDenied" in done.stderr, (call, done.stdout, done.stderr)
