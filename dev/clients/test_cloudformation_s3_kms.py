"""Buckets, bucket policies, keys, aliases and replica keys as resources of a stack: made, changed, read and deleted."""

import json

import pytest

import stacks
from harness import ACCOUNT, allow, refused
from stacks import get, template

pytestmark = pytest.mark.serve("--rehearsal")

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
KEY_POLICY = {"Version": "2012-10-17", "Statement": [allow("kms:*", Principal=ROOT)]}


class Stack(stacks.Stack):
    """A stack that is made at once, with its status and what becomes of its resource `R`."""

    def __init__(self, server, resources, name="s", who=None, region=None, **more):
        super().__init__(server, name, who, region)
        self.status = self.create(resources, **more)

    def resource(self, logical_id="R"):
        return self.ids()[logical_id]

    def failure(self, logical_id="R"):
        return self.reasons().get(logical_id)

    def drift(self, logical_id="R"):
        """How each path differs, or the status when nothing does."""
        found = self.client.detect_stack_resource_drift(StackName=self.name, LogicalResourceId=logical_id)
        drift = found["StackResourceDrift"]
        if drift["StackResourceDriftStatus"] != "MODIFIED":
            return drift["StackResourceDriftStatus"]
        return {one["PropertyPath"]: one["DifferenceType"] for one in drift["PropertyDifferences"]}


def bucket(**properties):
    return {"R": {"Type": "AWS::S3::Bucket", "Properties": properties}}


def key(**properties):
    return {"R": {"Type": "AWS::KMS::Key", "Properties": properties}}


def tags(**pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


RULES = [
    {"Id": "one", "Status": "Enabled", "ExpirationInDays": 180, "NoncurrentVersionExpirationInDays": 1},
    {"Id": "two", "Status": "Disabled", "Prefix": "a&b/", "ExpirationDate": "2040-01-01T00:00:00Z",
     "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
     "TagFilters": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": "10", "ObjectSizeLessThan": "20"},
    {"Id": "three", "Status": "Enabled", "ExpiredObjectDeleteMarker": "true",
     "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "7"}},
]
FULL = {
    "BucketName": "full",
    "VersioningConfiguration": {"Status": "Enabled"},
    "BucketEncryption": {"ServerSideEncryptionConfiguration": [
        {"BucketKeyEnabled": True,
         "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/some"}},
    ]},
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": False, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True,
    },
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    "AccessControl": "PublicRead",
    "LifecycleConfiguration": {"Rules": RULES},
    "LoggingConfiguration": {
        "DestinationBucketName": "target", "LogFilePrefix": "p/",
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    },
    "ObjectLockEnabled": "true",
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}},
    },
    "Tags": tags(a="1", b="2"),
}


def settings(s3, name):
    """What S3 tells of a bucket."""
    grants = s3.get_bucket_acl(Bucket=name)["Grants"]
    return {
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        "encryption": s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0],
        "lifecycle": told(s3.get_bucket_lifecycle_configuration, name, "Rules"),
        "logging": s3.get_bucket_logging(Bucket=name).get("LoggingEnabled"),
        "ownership": told(s3.get_bucket_ownership_controls, name, "OwnershipControls"),
        "block": told(s3.get_public_access_block, name, "PublicAccessBlockConfiguration"),
        "lock": told(s3.get_object_lock_configuration, name, "ObjectLockConfiguration"),
        "tags": {one["Key"]: one["Value"] for one in told(s3.get_bucket_tagging, name, "TagSet") or []},
        "groups": {grant["Grantee"]["URI"].rsplit("/", 1)[1] for grant in grants if "URI" in grant["Grantee"]},
    }


def told(ask, name, member):
    try:
        return ask(Bucket=name)[member]
    except ask.__self__.exceptions.ClientError as error:
        assert error.response["Error"]["Code"].startswith("NoSuch") or "NotFound" in error.response["Error"]["Code"]
        return None


def test_a_bucket_has_all_that_its_template_says(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="target")
    stack = Stack(server, bucket(**FULL), Tags=tags(a="stack", c="3"))
    assert stack.status == "CREATE_COMPLETE", stack.failure()
    assert stack.resource() == "full"
    found = settings(s3, "full")
    assert found["versioning"] == "Enabled"
    assert found["encryption"]["BucketKeyEnabled"] is True
    assert found["encryption"]["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/some",
    }
    one, two, three = found["lifecycle"]
    assert (one["Expiration"], one["NoncurrentVersionExpiration"]) == ({"Days": 180}, {"NoncurrentDays": 1})
    assert two["Filter"] == {"And": {
        "Prefix": "a&b/", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 10, "ObjectSizeLessThan": 20,
    }}
    assert two["NoncurrentVersionExpiration"] == {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}
    assert (two["Status"], two["Expiration"]["Date"].year) == ("Disabled", 2040)
    assert three["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert three["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert found["logging"] == {
        "TargetBucket": "target", "TargetPrefix": "p/",
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    }
    assert found["ownership"] == {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    assert found["block"] == FULL["PublicAccessBlockConfiguration"]
    assert found["lock"] == FULL["ObjectLockConfiguration"]
    assert found["tags"] == {"a": "1", "b": "2", "c": "3"}
    assert found["groups"] == {"AllUsers"}
    assert stack.delete() == "DELETE_COMPLETE"
    with refused("NoSuchBucket"):
        s3.get_bucket_versioning(Bucket="full")


def test_a_bucket_changes_with_its_template(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="target")
    full = {name: value for name, value in FULL.items() if not name.startswith("ObjectLock")}
    stack = Stack(server, bucket(**full))
    new = settings(s3, "target")
    changed = {
        **full, "AccessControl": "LogDeliveryWrite", "Tags": tags(b="3"),
        "VersioningConfiguration": {"Status": "Suspended"},
        "LifecycleConfiguration": {"Rules": [{"Id": "four", "Status": "Enabled", "ExpirationInDays": 5}]},
        "LoggingConfiguration": {"LogFilePrefix": "own/"},
    }
    assert stack.update(bucket(**changed)) == "UPDATE_COMPLETE", stack.failure()
    found = settings(s3, "full")
    assert (found["groups"], found["tags"], found["versioning"]) == ({"LogDelivery"}, {"b": "3"}, "Suspended")
    assert [rule["ID"] for rule in found["lifecycle"]] == ["four"]
    assert found["logging"] == {"TargetBucket": "full", "TargetPrefix": "own/"}
    with refused("ValidationError", "No updates are to be performed."):
        stack.update(bucket(**changed))
    # What a template says no more goes.
    assert stack.update(bucket(BucketName="full")) == "UPDATE_COMPLETE", stack.failure()
    found = settings(s3, "full")
    assert found.pop("versioning") == "Suspended" and new.pop("versioning") is None, "versions are never off again"
    assert found == new
    # Another name is another bucket, and the old one goes.
    assert stack.update(bucket(BucketName="other")) == "UPDATE_COMPLETE", stack.failure()
    assert stack.resource() == "other"
    assert {one["Name"] for one in s3.list_buckets()["Buckets"]} == {"target", "other"}


def test_a_lock_begins_and_does_not_end(server):
    s3 = server.client("s3")
    versions = {"Status": "Enabled"}
    stack = Stack(server, bucket(BucketName="locked", VersioningConfiguration=versions))
    locked = {"BucketName": "locked", "VersioningConfiguration": versions, "ObjectLockEnabled": True}
    assert stack.update(bucket(**locked)) == "UPDATE_COMPLETE", stack.failure()
    assert s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"
    }
    assert stack.update(bucket(**{**locked, "ObjectLockEnabled": False})) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Object Lock cannot be disabled on a bucket that has it" in stack.failure()


def test_a_bucket_without_a_name_gets_one_and_tells_where_it_is(server):
    names = ("Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL")
    outputs = {name: get("MyBucket", name) for name in names}
    text = template({"MyBucket": {"Type": "AWS::S3::Bucket"}}, **outputs)
    stack = Stack(server, text, region="eu-central-1", name="My-Stack")
    assert stack.status == "CREATE_COMPLETE"
    name = stack.resource("MyBucket")
    start, _, random = name.rpartition("-")
    assert start == "my-stack-mybucket" and len(random) == 12 and name == name.lower()
    assert stack.outputs() == {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.eu-central-1.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.eu-central-1.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website.eu-central-1.amazonaws.com",
    }
    where = server.client("s3", "eu-central-1").get_bucket_location(Bucket=name)
    assert where["LocationConstraint"] == "eu-central-1"


ACL_REFUSED = (
    'Resource handler returned message: "Bucket cannot have ACLs set with ObjectOwnership\'s BucketOwnerEnforced setting. '
    "Add OwnershipControls with an ObjectOwnership of BucketOwnerPreferred or ObjectWriter, or remove AccessControl "
    "(Service: S3, Status Code: 400, Request ID: "
)


def test_an_acl_needs_ownership_controls_today_and_did_not_once(serve):
    plain = {"BucketName": "logs", "AccessControl": "LogDeliveryWrite"}
    owned = {**plain, "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}}
    now = serve("--rehearsal", "--aws-behavior", "current")
    stack = Stack(now, bucket(**plain))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert stack.failure().startswith(ACL_REFUSED), stack.failure()
    assert stack.delete() == "DELETE_COMPLETE"
    assert Stack(now, bucket(**owned)).status == "CREATE_COMPLETE"
    assert settings(now.client("s3"), "logs")["groups"] == {"LogDelivery"}
    then = serve("--rehearsal", "--aws-behavior", "seeds")
    assert Stack(then, bucket(**plain)).status == "CREATE_COMPLETE"
    assert settings(then.client("s3"), "logs")["groups"] == {"LogDelivery"}
    owned["BucketName"] = "more-logs"
    assert Stack(then, bucket(**owned), name="t").status == "CREATE_COMPLETE"


def test_a_bucket_that_is_there_is_not_taken(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="mine")
    stack = Stack(server, bucket(BucketName="mine"))
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = stack.failure()
    assert reason.startswith(
        'Resource handler returned message: "mine already exists (Service: S3, Status Code: 0, Request ID: null)'
    ), reason
    assert reason.endswith("HandlerErrorCode: AlreadyExists)")
    s3.head_bucket(Bucket="mine")


def test_a_bucket_with_objects_stays(server):
    s3 = server.client("s3")
    stack = Stack(server, bucket(BucketName="kept"))
    s3.put_object(Bucket="kept", Key="k", Body=b"b")
    assert stack.delete() == "DELETE_FAILED"
    reason = stack.failure()
    assert reason.startswith(
        'Resource handler returned message: "The bucket you tried to delete is not empty (Service: S3, Status Code: 409, '
    ), reason
    assert reason.endswith("HandlerErrorCode: GeneralServiceException)")
    s3.delete_object(Bucket="kept", Key="k")
    assert stack.delete() == "DELETE_COMPLETE"


def test_properties_are_held_against_the_type(server):
    wrong = {"Foo": 1, "VersioningConfiguration": {}, "ReplicationConfiguration": {}, "ObjectLockEnabled": "perhaps"}
    stack = Stack(server, bucket(**wrong))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert stack.failure() == "\n".join([
        "Properties validation failed for resource R with message:",
        "#: extraneous key [Foo] is not permitted",
        "#/ReplicationConfiguration: ReplicationConfiguration is a property of AWS::S3::Bucket that this server does not "
        "support",
        "#/ObjectLockEnabled: expected type: Boolean, found: String",
        "#/VersioningConfiguration: required key [Status] not found",
    ])
    assert server.client("s3").list_buckets()["Buckets"] == []


def bucket_policy(sid, name={"Ref": "B"}):
    statement = {
        "Sid": sid, "Effect": "Allow", "Principal": ROOT, "Action": "s3:GetObject",
        "Resource": {"Fn::Sub": "arn:aws:s3:::${B}/*"},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        "B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket"}},
        "R": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": name, "PolicyDocument": document}},
    }


def test_a_bucket_policy_lives_with_its_stack(server):
    s3 = server.client("s3")
    stack = Stack(server, bucket_policy("one"))
    assert (stack.status, stack.resource()) == ("CREATE_COMPLETE", "bucket"), stack.failure()

    def sid():
        return json.loads(s3.get_bucket_policy(Bucket="bucket")["Policy"])["Statement"][0]["Sid"]

    assert sid() == "one"
    assert stack.update(bucket_policy("two")) == "UPDATE_COMPLETE"
    assert sid() == "two"
    # A second one on the same bucket would be lost with the first.
    other = {"R": json.loads(json.dumps(bucket_policy("three")["R"]).replace("${B}", "bucket").replace('{"Ref": "B"}', '"bucket"'))}
    second = Stack(server, other, name="second")
    assert (second.status, second.failure().split(" (RequestToken")[0]) == (
        "ROLLBACK_COMPLETE",
        'Resource handler returned message: "The bucket policy already exists on bucket bucket."',
    )
    assert sid() == "two"
    s3.delete_bucket_policy(Bucket="bucket")
    assert stack.delete() == "DELETE_COMPLETE", "what is gone already is no failure"


def test_a_key_is_made_and_changed(server):
    kms = server.client("kms")
    stack = Stack(server, key(
        Description="d", EnableKeyRotation="true", RotationPeriodInDays="100", MultiRegion=True, KeyPolicy=KEY_POLICY,
        PendingWindowInDays=7, Tags=tags(a="1"),
    ), Tags=tags(stack="s"))
    assert stack.status == "CREATE_COMPLETE", stack.failure()
    found = stack.resource()
    told = kms.describe_key(KeyId=found)["KeyMetadata"]
    assert found.startswith("mrk-") and (told["Description"], told["Enabled"]) == ("d", True)
    rotation = kms.get_key_rotation_status(KeyId=found)
    assert (rotation["KeyRotationEnabled"], rotation["RotationPeriodInDays"]) == (True, 100)
    assert json.loads(kms.get_key_policy(KeyId=found)["Policy"]) == KEY_POLICY
    assert pairs(kms, found) == {"a": "1", "stack": "s"}

    changed = {"Description": "e", "Enabled": False, "MultiRegion": True, "Tags": tags(b="2"), "PendingWindowInDays": 9}
    assert stack.update(key(**changed)) == "UPDATE_COMPLETE", stack.failure()
    assert stack.resource() == found
    told = kms.describe_key(KeyId=found)["KeyMetadata"]
    assert (told["Description"], told["KeyState"]) == ("e", "Disabled")
    assert kms.get_key_rotation_status(KeyId=found)["KeyRotationEnabled"] is False
    assert json.loads(kms.get_key_policy(KeyId=found)["Policy"])["Id"] == "key-default"
    assert pairs(kms, found) == {"b": "2", "stack": "s"}, "the stack keeps its tags"

    # What makes it what it is cannot change, and the key is not replaced for it.
    assert stack.update(key(**{**changed, "MultiRegion": False})) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.failure().startswith(
        'Resource handler returned message: "You cannot change the values of the KeySpec, KeyUsage, Origin, or MultiRegion '
        'properties of an AWS::KMS::Key resource." (RequestToken: '
    ) and stack.failure().endswith("HandlerErrorCode: InvalidRequest)")
    assert stack.update(key(**{**changed, "EnableKeyRotation": True})) == "UPDATE_ROLLBACK_COMPLETE"
    assert "You cannot change the EnableKeyRotation property while the Enabled property is false." in stack.failure()
    assert stack.update(key(**{**changed, "EnableKeyRotation": True, "Enabled": True})) == "UPDATE_COMPLETE"
    assert kms.get_key_rotation_status(KeyId=found)["KeyRotationEnabled"] is True

    assert stack.delete() == "DELETE_COMPLETE"
    told = kms.describe_key(KeyId=found)["KeyMetadata"]
    assert (told["KeyState"], (told["DeletionDate"] - server.now()).days) == ("PendingDeletion", 8)


def pairs(kms, found):
    return {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=found)["Tags"]}


def test_a_key_is_what_its_properties_say(server):
    kms = server.client("kms")
    resources = {**key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY"), "Hollow": key(Origin="EXTERNAL")["R"]}
    stack = Stack(server, template(resources, Arn=get("R", "Arn"), KeyId=get("R", "KeyId")))
    assert stack.status == "CREATE_COMPLETE", stack.failure()
    told = kms.describe_key(KeyId=stack.resource())["KeyMetadata"]
    assert (told["KeySpec"], told["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert stack.outputs() == {"Arn": told["Arn"], "KeyId": told["KeyId"]}
    assert kms.describe_key(KeyId=stack.resource("Hollow"))["KeyMetadata"]["KeyState"] == "PendingImport"
    wrong = Stack(server, key(KeySpec="SM2"), name="wrong")
    assert (wrong.status, "KeySpec SM2 is not supported." in wrong.failure()) == ("ROLLBACK_COMPLETE", True)


def alias(target, name="alias/named"):
    value = {"Ref": target} if target in ("One", "Two") else target
    return {
        "One": key()["R"], "Two": key()["R"],
        "R": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": name, "TargetKeyId": value}},
    }


def test_an_alias_names_a_key_of_the_stack(server):
    kms = server.client("kms")
    stack = Stack(server, alias("One"))
    assert (stack.status, stack.resource()) == ("CREATE_COMPLETE", "alias/named"), stack.failure()

    def target():
        return kms.describe_key(KeyId="alias/named")["KeyMetadata"]["KeyId"]

    one, two = stack.resource("One"), stack.resource("Two")
    assert target() == one
    assert stack.update(alias("Two")) == "UPDATE_COMPLETE"
    assert target() == two
    arn = kms.describe_key(KeyId=one)["KeyMetadata"]["Arn"]
    assert stack.update(alias(arn)) == "UPDATE_COMPLETE"
    assert target() == one
    taken = Stack(server, {"R": {
        "Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/named", "TargetKeyId": one},
    }}, name="taken")
    assert taken.status == "ROLLBACK_COMPLETE" and taken.failure().endswith("HandlerErrorCode: AlreadyExists)")
    assert stack.update(alias("One", "alias/another")) == "UPDATE_COMPLETE"
    assert {one["AliasName"] for one in kms.list_aliases()["Aliases"]} == {"alias/another"}
    kms.delete_alias(AliasName="alias/another")
    assert stack.delete() == "DELETE_COMPLETE", "what is gone already is no failure"


def test_a_replica_is_made_in_the_region_of_its_stack(server):
    home, away = server.client("kms", "us-east-1"), server.client("kms", "eu-west-1")
    primary = home.create_key(MultiRegion=True)["KeyMetadata"]

    def replica(**more):
        properties = {"PrimaryKeyArn": primary["Arn"], "KeyPolicy": KEY_POLICY, **more}
        return {"R": {"Type": "AWS::KMS::ReplicaKey", "Properties": properties}}

    stack = Stack(server, replica(Enabled=False, Description="d", Tags=tags(a="1")), region="eu-west-1")
    assert stack.status == "CREATE_COMPLETE", stack.failure()
    assert stack.resource() == primary["KeyId"]
    told = away.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]
    assert told["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    assert (told["Description"], told["KeyState"], pairs(away, primary["KeyId"])) == ("d", "Disabled", {"a": "1"})
    assert stack.update(replica(Tags=tags(a="2"), PendingWindowInDays=7)) == "UPDATE_COMPLETE", stack.failure()
    told = away.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]
    assert (told["Description"], told["KeyState"], pairs(away, primary["KeyId"])) == ("", "Enabled", {"a": "2"})
    assert stack.delete() == "DELETE_COMPLETE"
    assert away.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    wrong = Stack(server, {"R": {
        "Type": "AWS::KMS::ReplicaKey", "Properties": {"PrimaryKeyArn": "mrk-1", "KeyPolicy": KEY_POLICY},
    }}, name="wrong")
    assert (wrong.status, "Invalid arn mrk-1" in wrong.failure()) == ("ROLLBACK_COMPLETE", True)


def test_calls_are_made_with_the_rights_of_who_asked(server):
    who = server.user("maker", allow("cloudformation:*"), allow("s3:CreateBucket"))
    stack = Stack(server, bucket(BucketName="bucket", Tags=tags(a="1")), who=who)
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = stack.failure()
    assert f"{who.arn} is not authorized to perform: s3:PutBucketTagging on resource" in reason, reason
    assert reason.endswith("HandlerErrorCode: AccessDenied)")
    assert server.client("s3").list_buckets()["Buckets"] == [], "a step that fails leaves nothing"


@pytest.mark.parametrize("behavior", ["current", "seeds"])
def test_a_bucket_is_no_wider_after_a_roll_back_than_before(serve, behavior):
    server = serve("--rehearsal", "--aws-behavior", behavior)
    s3, stack = server.client("s3"), Stack(server, bucket(BucketName="kept"))
    before = settings(s3, "kept")
    assert before["block"] and all(before["block"].values())
    wider = bucket(
        BucketName="kept",
        PublicAccessBlockConfiguration={"BlockPublicAcls": False},
        OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
    )
    s3.create_bucket(Bucket="taken")
    wider["Failing"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taken"}, "DependsOn": "R"}
    assert stack.update(wider) == "UPDATE_ROLLBACK_COMPLETE"
    assert settings(s3, "kept") == before
