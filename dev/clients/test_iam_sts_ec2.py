"""The parts of STS, IAM and EC2 that a trail and a second principal need."""

import json
import re

import pytest
from harness import ACCOUNT, SEVENTEEN_REGIONS, allow, policy, refused


def test_get_caller_identity_tells_who_calls_and_needs_no_right(server):
    root = server.client("sts").get_caller_identity()
    assert (root["Account"], root["UserId"], root["Arn"]) == (ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    user = server.user("reader")
    found = server.client("sts", "eu-west-1", user).get_caller_identity()
    assert (found["Account"], found["Arn"]) == (ACCOUNT, user.arn)
    assert re.fullmatch(r"AIDA[A-Z0-9]{17}", found["UserId"])
    denied = {**allow("sts:GetCallerIdentity"), "Effect": "Deny"}
    server.client("iam").put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=policy(denied))
    assert server.client("sts", who=user).get_caller_identity()["Arn"] == user.arn


def test_users_are_made_found_and_deleted(server):
    iam = server.client("iam")
    made = iam.create_user(UserName="alice", Path="/staff/")["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
    assert (made["UserName"], made["Path"]) == ("alice", "/staff/")
    assert re.fullmatch(r"AIDA[A-Z0-9]{17}", made["UserId"])
    assert iam.get_user(UserName="alice")["User"] == made
    with refused("EntityAlreadyExists", "User with name alice already exists.", 409):
        iam.create_user(UserName="alice")
    iam.delete_user(UserName="alice")
    for call in (iam.get_user, iam.delete_user, iam.create_access_key):
        with refused("NoSuchEntity", "The user with name alice cannot be found.", 404):
            call(UserName="alice")
    again = iam.create_user(UserName="alice")["User"]
    assert again["UserId"] != made["UserId"], "a new user of an old name is another principal"


def test_an_access_key_signs_at_once_and_its_secret_is_told_once(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    assert re.fullmatch(r"AKIA[A-Z0-9]{16}", key["AccessKeyId"]) and len(key["SecretAccessKey"]) == 40
    assert (key["UserName"], key["Status"]) == ("alice", "Active")
    iam.create_access_key(UserName="alice")
    with refused("LimitExceeded", status=409):
        iam.create_access_key(UserName="alice")
    with refused("DeleteConflict", status=409):
        iam.delete_user(UserName="alice")


def test_a_user_sees_itself(server):
    user = server.user("alice", allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/alice"))
    assert server.client("iam", who=user).get_user()["User"]["UserName"] == "alice"
    with refused("AccessDenied", status=403):
        server.client("iam", who=user).create_user(UserName="bob")


def test_a_user_policy_counts_at_once_and_a_broken_one_is_refused(server):
    iam = server.client("iam")
    user = server.user("alice")
    kms = server.client("kms", who=user)
    with refused("AccessDeniedException", status=400):
        kms.list_keys()
    iam.put_user_policy(UserName="alice", PolicyName="keys", PolicyDocument=policy(allow("kms:List*")))
    assert kms.list_keys()["Keys"] == []
    deny = {**allow("kms:ListKeys"), "Effect": "Deny"}
    iam.put_user_policy(UserName="alice", PolicyName="no-keys", PolicyDocument=policy(deny))
    with refused("AccessDeniedException", re.compile("with an explicit deny in an identity-based policy"), 400):
        kms.list_keys()
    for broken in ("{", json.dumps({"Version": "2012-10-17"}), policy(allow("kms:List*", Principal="*"))):
        with refused("MalformedPolicyDocument", status=400):
            iam.put_user_policy(UserName="alice", PolicyName="broken", PolicyDocument=broken)


def test_describe_regions_answers_the_17_regions_of_a_default_account(server):
    ec2 = server.client("ec2")
    found = ec2.describe_regions()["Regions"]
    assert sorted(one["RegionName"] for one in found) == SEVENTEEN_REGIONS
    for one in found:
        assert one["Endpoint"] == f"ec2.{one['RegionName']}.amazonaws.com"
        assert one["OptInStatus"] == "opt-in-not-required"


def test_describe_regions_honours_names_all_regions_and_filters(server):
    ec2 = server.client("ec2", "eu-west-1")

    def names(**asked):
        return sorted(one["RegionName"] for one in ec2.describe_regions(**asked)["Regions"])

    assert names(RegionNames=["us-east-1", "eu-west-1"]) == ["eu-west-1", "us-east-1"]
    everything = ec2.describe_regions(AllRegions=True)["Regions"]
    assert len(everything) > 17
    more = [one for one in everything if one["RegionName"] not in SEVENTEEN_REGIONS]
    assert {one["OptInStatus"] for one in more} == {"not-opted-in"}
    assert names(Filters=[{"Name": "region-name", "Values": ["eu-*"]}]) == [
        region for region in SEVENTEEN_REGIONS if region.startswith("eu-")
    ]
    assert names(Filters=[{"Name": "opt-in-status", "Values": ["not-opted-in"]}], AllRegions=True) == sorted(
        one["RegionName"] for one in more
    )
    assert names(Filters=[{"Name": "endpoint", "Values": ["ec2.us-west-1.amazonaws.com"]}]) == ["us-west-1"]
    with refused("InvalidParameterValue", status=400):
        ec2.describe_regions(RegionNames=["mars-north-1"])


def test_describe_regions_needs_its_right(server):
    with refused("UnauthorizedOperation", status=403):
        server.client("ec2", who=server.user("nobody")).describe_regions()
    user = server.user("somebody", allow("ec2:DescribeRegions"))
    assert len(server.client("ec2", who=user).describe_regions()["Regions"]) == 17


@pytest.mark.serve("--account", "123456789012", "--region", "eu-central-1")
def test_the_first_accounts_id_can_be_chosen_at_the_first_start(server):
    found = server.client("sts").get_caller_identity()
    assert (found["Account"], found["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:root")
    key = server.client("kms", "eu-central-1").create_key()["KeyMetadata"]
    assert key["Arn"].startswith("arn:aws:kms:eu-central-1:123456789012:key/")
