"""Tags of buckets and objects: their limits, their place in reads and writes, and what policies see of them."""

import json
import re

import pytest
from harness import allow, make_bucket, policy, refused


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


def tags(**pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def test_buckets_have_tags(s3, bucket):
    with refused("NoSuchTagSet", "The TagSet does not exist", 404):
        s3.get_bucket_tagging(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(owner="ops", 証跡="はい")})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags(owner="ops", 証跡="はい")
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(a="b")})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags(a="b")
    s3.delete_bucket_tagging(Bucket=bucket)
    s3.delete_bucket_tagging(Bucket=bucket)
    with refused("NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
    # A bucket of the same name begins without.
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(a="b")})
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    with refused("NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)


def test_objects_have_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=x%20y&c")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags(a="1", b="x y", c="")
    for read in (s3.get_object, s3.head_object):
        headers = read(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-amz-tagging-count"] == "3"
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags(z="26")})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags(z="26")
    answer = s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert "x-amz-tagging-count" not in s3.head_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPHeaders"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    with refused("NoSuchKey"):
        s3.get_object_tagging(Bucket=bucket, Key="none")


def test_every_version_has_its_own_tags(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", Tagging="n=1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", Tagging="n=2")["VersionId"]
    assert s3.put_object_tagging(
        Bucket=bucket, Key="k", VersionId=first, Tagging={"TagSet": tags(n="one")}
    )["VersionId"] == first
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=first)["TagSet"] == tags(n="one")
    found = s3.get_object_tagging(Bucket=bucket, Key="k")
    assert (found["VersionId"], found["TagSet"]) == (second, tags(n="2"))
    s3.delete_object(Bucket=bucket, Key="k")
    with refused("MethodNotAllowed"):
        s3.get_object_tagging(Bucket=bucket, Key="k")
    # What lies under the marker is as it was.
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=second)["TagSet"] == tags(n="2")


BAD = [
    (tags(**{"aws:x": "1"}), "InvalidTag", "System tags cannot be added/updated by requester"),
    (tags(a="1") * 2, "InvalidTag", "Cannot provide multiple Tags with the same key"),
    (tags(**{"k" * 129: "1"}), "InvalidTag", "The TagKey you have provided is invalid"),
    (tags(**{"a,b": "1"}), "InvalidTag", "The TagKey you have provided is invalid"),
    (tags(a="v" * 257), "InvalidTag", "The TagValue you have provided is invalid"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad[2])
def test_no_tags_are_refused(s3, bucket, bad):
    given, code, text = bad
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused(code, text, 400):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": given})
    with refused(code, text, 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": given})


def test_too_many_tags_are_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("BadRequest", "Object tags cannot be greater than 10", 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags(**{f"k{n}": "v" for n in range(11)})})
    with refused("BadRequest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="&".join(f"k{n}=v" for n in range(11)))
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(**{f"k{n}": "v" for n in range(50)})})
    with refused("BadRequest"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(**{f"k{n}": "v" for n in range(51)})})
    for header in ("a=1&a=2", "=b", "a=%ff"):
        with refused("InvalidArgument", re.compile("^The header 'x-amz-tagging' shall be encoded as UTF-8"), 400):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging=header)


def test_policies_see_the_tags_that_are_there(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="open", Body=b"x", Tagging="level=open")
    s3.put_object(Bucket=bucket, Key="closed", Body=b"x", Tagging="level=closed")
    open_only = {"StringEquals": {"s3:ExistingObjectTag/level": "open"}}
    reader = server.client("s3", who=server.user("reader", allow("s3:GetObject*", Condition=open_only)))
    assert reader.get_object(Bucket=bucket, Key="open")["Body"].read() == b"x"
    assert reader.get_object_tagging(Bucket=bucket, Key="open")["TagSet"] == tags(level="open")
    for call in (reader.get_object, reader.get_object_tagging):
        with refused("AccessDenied"):
            call(Bucket=bucket, Key="closed")
    s3.put_object_tagging(Bucket=bucket, Key="closed", Tagging={"TagSet": tags(level="open")})
    assert reader.get_object(Bucket=bucket, Key="closed")["Body"].read() == b"x"


def test_policies_see_the_tags_that_are_asked_for(server, s3, bucket):
    asked = {
        "StringEquals": {"s3:RequestObjectTag/level": ["open"]},
        "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["level", "team"]},
    }
    statements = [allow("s3:PutObject"), allow("s3:PutObjectTagging", Condition=asked)]
    writer = server.client("s3", who=server.user("writer", *statements))
    writer.put_object(Bucket=bucket, Key="k", Body=b"x")
    writer.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="level=open&team=a")
    writer.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags(level="open")})
    for wrong in ("level=closed", "team=a", "level=open&other=x"):
        with refused("AccessDenied", re.compile("s3:PutObjectTagging")):
            writer.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging=wrong)
    plain = server.client("s3", who=server.user("plain", allow("s3:PutObject")))
    with refused("AccessDenied", re.compile("s3:PutObjectTagging")):
        plain.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=b")
    by_policy = {**allow("s3:PutObjectTagging", f"arn:aws:s3:::{bucket}/*"), "Principal": "*", "Effect": "Deny"}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(by_policy))
    with refused("AccessDenied"):
        writer.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags(level="open")})


def test_records_show_tags(server, s3, bucket):
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(a="b")})
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "PutBucketTagging"}]
    )["Events"]
    shown = json.loads(events[0]["CloudTrailEvent"])["requestParameters"]
    assert shown["Tagging"] == {"TagSet": {"Tag": [{"Key": "a", "Value": "b"}]}} and shown["tagging"] == ""
