"""Block Public Access, object ownership and ACLs: what they refuse, and that they count in decisions."""

import json
import re

import pytest
from harness import ACCOUNT, ANONYMOUS, allow, make_bucket, policy, refused

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
SWITCHES = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
OTHER = "111122223333"


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


def switch(s3, bucket, **on):
    block = {name: on.get(name, False) for name in SWITCHES}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)


def owned(s3, bucket, ownership="ObjectWriter"):
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})


def granted(answer):
    return [(g["Grantee"].get("URI") or g["Grantee"]["ID"], g["Permission"]) for g in answer["Grants"]]


def public(bucket):
    return policy({**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": "*"})


# --- Block Public Access ---


def test_a_new_bucket_blocks_all_and_the_block_can_be_changed(s3, bucket):
    found = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert found == dict.fromkeys(SWITCHES, True)
    # A switch that is not named is off.
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    found = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert found == {**dict.fromkeys(SWITCHES, False), "IgnorePublicAcls": True}
    s3.delete_public_access_block(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    text = "The public access block configuration was not found"
    with refused("NoSuchPublicAccessBlockConfiguration", text, 404):
        s3.get_public_access_block(Bucket=bucket)


def test_the_block_of_an_account_is_refused_by_name(server):
    headers = {"x-amz-account-id": ACCOUNT}
    answer = server.call("s3", "GET", "/v20180820/configuration/publicAccessBlock", headers)
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert b"GetPublicAccessBlock" in answer.body and b"S3 Control" in answer.body


def test_a_public_policy_is_blocked_admitted_and_restricted(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("AccessDenied", re.compile("BlockPublicPolicy setting in S3 Block Public Access")):
        s3.put_bucket_policy(Bucket=bucket, Policy=public(bucket))
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy_status(Bucket=bucket)
    switch(s3, bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=public(bucket))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    stranger = server.client("s3", who=server.account(OTHER))
    anyone = server.client("s3", who=ANONYMOUS)
    assert anyone.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert stranger.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    switch(s3, bucket, RestrictPublicBuckets=True)
    own = server.client("s3", who=server.user("own"))
    assert own.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    for who in (anyone, stranger):
        with refused("AccessDenied"):
            who.get_object(Bucket=bucket, Key="k")
    # A policy that names its callers is not public, and nothing is restricted.
    named = {**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": OTHER}}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(named))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    assert stranger.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


# --- ownership ---


@pytest.mark.serve("--aws-behavior", "current")
def test_ownership_controls_of_a_new_bucket(s3, bucket):
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    with refused("AccessControlListNotSupported", "The bucket does not allow ACLs", 400):
        s3.put_bucket_acl(Bucket=bucket, ACL="private")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("AccessControlListNotSupported"):
        s3.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    own = s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    assert granted(s3.get_object_acl(Bucket=bucket, Key="k")) == [(own, "FULL_CONTROL")]
    # What gives the owner no more than the owner has is taken, as AWS takes it.
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantFullControl=f"id={own}")
    with refused("AccessControlListNotSupported"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f"id={own}")
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    with refused("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", 404):
        s3.get_bucket_ownership_controls(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="private")


def test_acls_stand_in_the_way_of_switching_them_off(s3, bucket):
    with refused("OwnershipControlsNotFoundError"):
        s3.get_bucket_ownership_controls(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="log-delivery-write")
    text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
    with refused("InvalidBucketAclWithObjectOwnership", text, 400):
        owned(s3, bucket, "BucketOwnerEnforced")
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    owned(s3, bucket, "BucketOwnerEnforced")
    for bad in ([], [{"ObjectOwnership": "ObjectWriter"}] * 2, [{"ObjectOwnership": "Mine"}]):
        with refused("MalformedXML"):
            s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": bad})


def test_objects_of_other_accounts_are_theirs_until_handed_over(server, s3, bucket):
    other = server.client("s3", who=server.account(OTHER))
    writes = {**allow("s3:Put*", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": OTHER}}
    reads = {**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": ACCOUNT}}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(writes, reads))
    own = s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    other.put_object(Bucket=bucket, Key="theirs", Body=b"x")
    for call in (s3.get_object, s3.get_object_acl):
        with refused("AccessDenied"):
            call(Bucket=bucket, Key="theirs")
    found = other.get_object_acl(Bucket=bucket, Key="theirs")
    assert found["Owner"]["ID"] != own and granted(found) == [(found["Owner"]["ID"], "FULL_CONTROL")]
    other.put_object_acl(Bucket=bucket, Key="theirs", ACL="bucket-owner-full-control")
    assert s3.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"x"
    assert s3.get_object_acl(Bucket=bucket, Key="theirs")["Owner"]["ID"] == found["Owner"]["ID"]
    # Whoever pays for it may always delete it.
    other.put_object(Bucket=bucket, Key="theirs", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="theirs")
    owned(s3, bucket, "BucketOwnerPreferred")
    other.put_object(Bucket=bucket, Key="given", Body=b"x", ACL="bucket-owner-full-control")
    assert s3.get_object_acl(Bucket=bucket, Key="given")["Owner"]["ID"] == own
    # With ACLs off, all is the bucket owner's, also what was not.
    other.put_object(Bucket=bucket, Key="theirs", Body=b"x")
    owned(s3, bucket, "BucketOwnerEnforced")
    assert s3.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"x"


# --- ACLs ---


def test_public_acls_open_what_they_say_and_no_more(server, s3, bucket):
    anyone = server.client("s3", who=ANONYMOUS)
    text = re.compile("because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access")
    for call, more in ((s3.put_object, {"Key": "k", "Body": b"x"}), (s3.put_bucket_acl, {})):
        with refused("AccessDenied", text, 403):
            call(Bucket=bucket, ACL="public-read", **more)
    with refused("AccessDenied", text):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f"uri={ALL_USERS}")
    switch(s3, bucket)
    s3.put_object(Bucket=bucket, Key="open*", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="open-not", Body=b"x")
    assert anyone.get_object(Bucket=bucket, Key="open*")["Body"].read() == b"x"
    for call in (
        lambda: anyone.get_object(Bucket=bucket, Key="open-not"),
        lambda: anyone.get_object_acl(Bucket=bucket, Key="open*"),
        lambda: anyone.list_objects_v2(Bucket=bucket),
        lambda: anyone.put_object(Bucket=bucket, Key="new", Body=b"x"),
    ):
        with refused("AccessDenied"):
            call()
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert len(anyone.list_objects_v2(Bucket=bucket)["Contents"]) == 2
    anyone.put_object(Bucket=bucket, Key="new", Body=b"new")
    with refused("AccessDenied"):
        anyone.get_object(Bucket=bucket, Key="new")
    switch(s3, bucket, IgnorePublicAcls=True)
    for call in (
        lambda: anyone.get_object(Bucket=bucket, Key="open*"),
        lambda: anyone.list_objects_v2(Bucket=bucket),
    ):
        with refused("AccessDenied"):
            call()
    # They are ignored, not gone.
    assert (ALL_USERS, "READ") in granted(s3.get_bucket_acl(Bucket=bucket))
    switch(s3, bucket)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny))
    with refused("AccessDenied"):
        anyone.get_object(Bucket=bucket, Key="open*")


def test_authenticated_read_is_for_who_has_an_account(server, s3, bucket):
    switch(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="authenticated-read")
    assert (AUTHENTICATED, "READ") in granted(s3.get_object_acl(Bucket=bucket, Key="k"))
    root = server.account(OTHER)
    assert server.client("s3", who=root).get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    without = server.user("without", of=root)
    reader = server.user("reader", allow("s3:GetObject"), of=root)
    assert server.client("s3", who=reader).get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    for who in (ANONYMOUS, without):
        with refused("AccessDenied"):
            server.client("s3", who=who).get_object(Bucket=bucket, Key="k")


def test_grants_name_accounts_by_canonical_id(server, s3, bucket):
    root = server.account(OTHER)
    other = server.client("s3", who=root)
    own, theirs = (client.list_buckets()["Owner"]["ID"] for client in (s3, other))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'id="{theirs}"', GrantFullControl=f"id={own}")
    assert granted(s3.get_object_acl(Bucket=bucket, Key="k")) == [(own, "FULL_CONTROL"), (theirs, "READ")]
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied"):
        other.get_object_acl(Bucket=bucket, Key="k")
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": theirs}, "Permission": "READ_ACP"},
        {"Grantee": {"Type": "CanonicalUser", "ID": theirs}, "Permission": "WRITE"},
    ]
    document = {"Owner": {"ID": own}, "Grants": grants}
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=document)
    assert granted(other.get_bucket_acl(Bucket=bucket)) == [(theirs, "READ_ACP"), (theirs, "WRITE")]
    other.put_object(Bucket=bucket, Key="put", Body=b"x")
    with refused("AccessDenied"):
        other.list_objects_v2(Bucket=bucket)
    # The owner's own rights do not hang on the ACL.
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    with refused("AccessDenied"):
        other.get_bucket_acl(Bucket=bucket)


def test_what_no_acl_can_be_is_refused(server, s3, bucket):
    own = s3.list_buckets()["Owner"]["ID"]
    with refused("InvalidArgument", "Invalid id"):
        s3.put_bucket_acl(Bucket=bucket, GrantRead="id=nobody")
    with refused("InvalidArgument", "Invalid group uri"):
        s3.put_bucket_acl(Bucket=bucket, GrantRead="uri=http://acs.amazonaws.com/groups/global/Friends")
    with refused("UnresolvableGrantByEmailAddress", status=400):
        s3.put_bucket_acl(Bucket=bucket, GrantRead="emailAddress=a@example.com")
    with refused("InvalidArgument", "Argument format not recognized"):
        s3.put_bucket_acl(Bucket=bucket, GrantRead="everyone")
    with refused("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed"):
        s3.put_bucket_acl(Bucket=bucket, ACL="private", GrantRead=f"id={own}")
    with refused("AccessDenied"):
        s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": {"ID": "f" * 64}, "Grants": []})
    with refused("NotImplemented", re.compile("aws-exec-read")):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="aws-exec-read")
    answer = server.call("s3", "PUT", f"/{bucket}?acl")
    assert (answer.status, answer.code) == (400, "MissingSecurityHeader")
    answer = server.call("s3", "PUT", f"/{bucket}?acl", {"x-amz-acl": "private"}, b"<a/>")
    assert (answer.status, answer.code) == (400, "UnexpectedContent")
    answer = server.call("s3", "PUT", f"/{bucket}?acl", body=b"<AccessControlPolicy/>")
    assert (answer.status, answer.code) == (400, "MalformedACLError")
    with refused("InvalidBucketAclWithBlockPublicAccessError", status=400):
        s3.create_bucket(Bucket="open-bucket", ACL="public-read")


def test_an_acl_of_a_version_is_its_own(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    switch(s3, bucket)
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    s3.put_object_acl(Bucket=bucket, Key="k", VersionId=first, ACL="public-read")
    assert (ALL_USERS, "READ") in granted(s3.get_object_acl(Bucket=bucket, Key="k", VersionId=first))
    assert (ALL_USERS, "READ") not in granted(s3.get_object_acl(Bucket=bucket, Key="k", VersionId=second))
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_policies_see_what_is_granted(server, s3, bucket):
    switch(s3, bucket)
    statement = allow(["s3:PutObject", "s3:PutObjectAcl"], Condition={"StringEquals": {"s3:x-amz-acl": "public-read"}})
    writer = server.client("s3", who=server.user("writer", statement))
    writer.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read")
    with refused("AccessDenied"):
        writer.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f"uri={ALL_USERS}")
    writer.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    with refused("AccessDenied"):
        writer.put_object_acl(Bucket=bucket, Key="k", ACL="private")


def test_records_show_grants(server, s3, bucket):
    s3.put_bucket_acl(Bucket=bucket, GrantWrite=f"uri={LOG_DELIVERY}")
    assert granted(s3.get_bucket_acl(Bucket=bucket)) == [(LOG_DELIVERY, "WRITE")]
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "PutBucketAcl"}]
    )["Events"]
    shown = json.loads(events[0]["CloudTrailEvent"])["requestParameters"]
    assert shown["x-amz-grant-write"] == f"uri={LOG_DELIVERY}" and shown["acl"] == ""
