"""Drift of buckets, bucket policies, keys, aliases and replica keys: what was changed by hand is told by its property."""

import pytest

from test_cloudformation_s3_kms import FULL, KEY_POLICY, Stack, alias, bucket, bucket_policy, key, tags

pytestmark = pytest.mark.serve("--rehearsal")


def test_drift_of_a_bucket_is_told_by_property(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="target")
    full = {name: value for name, value in FULL.items() if not name.startswith("ObjectLock")}
    stack = Stack(server, bucket(**full))
    aes = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket="full", ServerSideEncryptionConfiguration=aes)
    rule = "/BucketEncryption/ServerSideEncryptionConfiguration/0"
    assert stack.drift() == {
        f"{rule}/BucketKeyEnabled": "NOT_EQUAL",
        f"{rule}/ServerSideEncryptionByDefault/SSEAlgorithm": "NOT_EQUAL",
        f"{rule}/ServerSideEncryptionByDefault/KMSMasterKeyID": "REMOVE",
    }
    s3.delete_public_access_block(Bucket="full")
    s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Suspended"})
    s3.put_bucket_logging(Bucket="full", BucketLoggingStatus={})
    s3.delete_bucket_lifecycle(Bucket="full")
    s3.put_bucket_acl(Bucket="full", ACL="private")
    found = {path.split("/")[1] for path in stack.drift()}
    assert found == {
        "BucketEncryption", "PublicAccessBlockConfiguration", "VersioningConfiguration", "LoggingConfiguration",
        "LifecycleConfiguration",
    }, "an ACL cannot be read back"
    s3.delete_bucket(Bucket="full")
    assert stack.drift() == "DELETED"


def test_a_locked_bucket_is_in_sync(server):
    server.client("s3").create_bucket(Bucket="target")
    stack = Stack(server, bucket(**FULL), Tags=tags(a="stack", c="3"))
    assert stack.drift() == "IN_SYNC", stack.failure()


def test_drift_of_a_bucket_policy(server):
    s3 = server.client("s3")
    stack = Stack(server, bucket_policy("one"))
    assert stack.drift() == "IN_SYNC"
    text = s3.get_bucket_policy(Bucket="bucket")["Policy"].replace("s3:GetObject", "s3:PutObject")
    s3.put_bucket_policy(Bucket="bucket", Policy=text)
    assert stack.drift() == {"/PolicyDocument/Statement/0/Action": "NOT_EQUAL"}
    s3.delete_bucket_policy(Bucket="bucket")
    assert stack.drift() == "DELETED"


def test_drift_of_a_key(server):
    kms = server.client("kms")
    resources = {
        **key(Description="d", EnableKeyRotation=True, RotationPeriodInDays=100, KeyPolicy=KEY_POLICY, Tags=tags(a="1")),
        "Plain": key()["R"],
        "Hollow": key(Origin="EXTERNAL")["R"],
        "Off": key(Enabled=False, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["R"],
    }
    stack = Stack(server, resources)
    assert {stack.drift(name) for name in resources} == {"IN_SYNC"}
    found = stack.resource()
    kms.update_key_description(KeyId=found, Description="by hand")
    kms.enable_key_rotation(KeyId=found, RotationPeriodInDays=200)
    assert stack.drift() == {"/Description": "NOT_EQUAL"}, "the period cannot be read back"
    kms.disable_key_rotation(KeyId=found)
    kms.tag_resource(KeyId=found, Tags=[{"TagKey": "a", "TagValue": "2"}])
    kms.enable_key(KeyId=stack.resource("Off"))
    assert stack.drift() == {
        "/Description": "NOT_EQUAL", "/EnableKeyRotation": "NOT_EQUAL", "/Tags/0/Value": "NOT_EQUAL",
    }
    assert stack.drift("Off") == {"/Enabled": "NOT_EQUAL"}
    kms.schedule_key_deletion(KeyId=found)
    assert stack.drift() == "DELETED"


def test_drift_of_an_alias(server):
    kms = server.client("kms")
    stack = Stack(server, alias("One"))
    assert stack.drift() == "IN_SYNC"
    arn = kms.describe_key(KeyId=stack.resource("One"))["KeyMetadata"]["Arn"]
    stack.update(alias(arn))
    assert stack.drift() == "IN_SYNC", "the same key, by its ARN"
    kms.update_alias(AliasName="alias/named", TargetKeyId=stack.resource("Two"))
    assert stack.drift() == {"/TargetKeyId": "NOT_EQUAL"}
    kms.delete_alias(AliasName="alias/named")
    assert stack.drift() == "DELETED"


def test_drift_of_a_replica(server):
    home, away = server.client("kms", "us-east-1"), server.client("kms", "eu-west-1")
    primary = home.create_key(MultiRegion=True)["KeyMetadata"]
    properties = {"PrimaryKeyArn": primary["Arn"], "KeyPolicy": KEY_POLICY, "Description": "d"}
    stack = Stack(server, {"R": {"Type": "AWS::KMS::ReplicaKey", "Properties": properties}}, region="eu-west-1")
    assert stack.drift() == "IN_SYNC"
    away.disable_key(KeyId=primary["KeyId"])
    assert stack.drift() == "IN_SYNC", "the template does not say whether it is enabled"
    away.update_key_description(KeyId=primary["KeyId"], Description="e")
    assert stack.drift() == {"/Description": "NOT_EQUAL"}
