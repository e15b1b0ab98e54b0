"""Lifecycle rules, and what they really end, on the rehearsal clock: as seeds 003 and 004 have them, and all else."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from harness import make_bucket, refused

REHEARSAL = pytest.mark.serve("--rehearsal")


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


def put_rules(s3, bucket, *rules):
    rules = [{"ID": f"rule{n}", "Status": "Enabled", "Filter": {}, **rule} for n, rule in enumerate(rules)]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def keys(s3, bucket):
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def versions(s3, bucket):
    found = s3.list_object_versions(Bucket=bucket)
    return (
        sorted((one["Key"], one["VersionId"]) for one in found.get("Versions", [])),
        sorted(one["Key"] for one in found.get("DeleteMarkers", [])),
    )


# --- the configuration ---


def test_rules_come_back_as_they_were_put(s3, bucket):
    with refused("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    rules = [
        {"ID": "a", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 180}},
        {
            "ID": "b",
            "Status": "Disabled",
            "Filter": {
                "And": {"Prefix": "p", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 9}
            },
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 3},
        },
        {"ID": "c", "Status": "Enabled", "Prefix": "old/", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        {
            "ID": "d",
            "Status": "Enabled",
            "Filter": {"Prefix": "x"},
            "Expiration": {"Date": datetime(2040, 1, 1, tzinfo=timezone.utc)},
        },
        {"ID": "e", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket=bucket)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


def test_a_transition_is_refused_by_name(s3, bucket):
    with refused("NotImplemented", re.compile("Transition"), 501):
        put_rules(s3, bucket, {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]})
    with refused("InvalidArgument", "'Days' for Expiration action must be a positive integer", 400):
        put_rules(s3, bucket, {"Expiration": {"Days": 0}})
    with refused("InvalidArgument", "'Date' must be at midnight GMT"):
        put_rules(s3, bucket, {"Expiration": {"Date": datetime(2040, 1, 1, 1, tzinfo=timezone.utc)}})


def test_the_header_tells_when_and_by_which_rule(server, s3, bucket):
    put_rules(s3, bucket, {"Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}})
    answer = s3.put_object(Bucket=bucket, Key="logs/a", Body=b"x")
    midnight = server.now().replace(hour=0, minute=0, second=0, microsecond=0)
    expected = f'expiry-date="{(midnight + timedelta(days=4)):%a, %d %b %Y %H:%M:%S GMT}", rule-id="rule0"'
    assert answer["Expiration"] == expected
    assert s3.get_object(Bucket=bucket, Key="logs/a")["Expiration"] == expected
    assert s3.head_object(Bucket=bucket, Key="logs/a")["Expiration"] == expected
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="other", Body=b"x")


# --- what ends ---


@REHEARSAL
def test_seed_003_files_end_after_three_years(server, s3, bucket):
    put_rules(s3, bucket, {"Expiration": {"Days": 1095}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_object(Bucket=bucket, Key="large", Body=bytes(100_000))
    server.advance("1095d")
    assert keys(s3, bucket) == ["k", "large"]
    server.advance("1d")
    assert keys(s3, bucket) == []
    with refused("NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    assert versions(s3, bucket) == ([], [])


@REHEARSAL
def test_seed_004_current_after_180_days_and_noncurrent_after_one(server, s3, bucket):
    versioned(s3, bucket)
    put_rules(s3, bucket, {"Expiration": {"Days": 180}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    last = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    assert len(versions(s3, bucket)[0]) == 2
    server.advance("2d")
    assert versions(s3, bucket) == ([("k", last)], [])
    server.advance("178d")
    assert keys(s3, bucket) == ["k"]
    server.advance("1d")
    # The object is under a marker now, and can still be had back.
    assert keys(s3, bucket) == []
    assert versions(s3, bucket) == ([("k", last)], ["k"])
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=last)["Body"].read() == b"2"
    server.advance("2d")
    assert versions(s3, bucket)[0] == []
    # The marker is the last that is left; it ends by the same rule when it is old enough.
    server.advance("181d")
    assert versions(s3, bucket) == ([], [])


@REHEARSAL
def test_only_what_the_filter_holds_ends(server, s3, bucket):
    put_rules(
        s3,
        bucket,
        {"Filter": {"Prefix": "a/"}, "Expiration": {"Days": 1}},
        {"Filter": {"Tag": {"Key": "end", "Value": "yes"}}, "Expiration": {"Days": 1}},
        {"Filter": {"ObjectSizeGreaterThan": 1000}, "Expiration": {"Days": 1}},
        {"Filter": {"Prefix": "off/"}, "Expiration": {"Days": 1}, "Status": "Disabled"},
    )
    s3.put_object(Bucket=bucket, Key="a/1", Body=b"x")
    s3.put_object(Bucket=bucket, Key="b/1", Body=b"x")
    s3.put_object(Bucket=bucket, Key="off/1", Body=b"x")
    s3.put_object(Bucket=bucket, Key="big", Body=bytes(1001))
    s3.put_object(Bucket=bucket, Key="tagged", Body=b"x", Tagging="end=yes")
    s3.put_object(Bucket=bucket, Key="tagged-later", Body=b"x", Tagging="end=no")
    server.advance("2d")
    assert keys(s3, bucket) == ["b/1", "off/1", "tagged-later"]
    s3.put_object_tagging(Bucket=bucket, Key="tagged-later", Tagging={"TagSet": [{"Key": "end", "Value": "yes"}]})
    server.advance("1d")
    assert keys(s3, bucket) == ["b/1", "off/1"]


@REHEARSAL
def test_the_newest_noncurrent_versions_stay(server, s3, bucket):
    versioned(s3, bucket)
    ends = {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}
    put_rules(s3, bucket, {"NoncurrentVersionExpiration": ends})
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"] for _ in range(6)]
    server.advance("2d")
    assert versions(s3, bucket)[0] == sorted(("k", one) for one in ids[-3:])


@REHEARSAL
def test_a_version_is_noncurrent_since_the_upload_over_it_was_complete(server, s3, bucket):
    # The new object is as old as its upload; what it lies over became noncurrent only now.
    versioned(s3, bucket)
    put_rules(s3, bucket, {"NoncurrentVersionExpiration": {"NoncurrentDays": 2}})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    at = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    part = s3.upload_part(**at, PartNumber=1, Body=b"2")["ETag"]
    server.advance("3d")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.complete_multipart_upload(**at, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    server.advance("2d")
    assert ("k", first) in versions(s3, bucket)[0]
    server.advance("1d")
    assert len(versions(s3, bucket)[0]) == 1


@REHEARSAL
def test_markers_without_anything_beneath_end(server, s3, bucket):
    versioned(s3, bucket)
    put_rules(s3, bucket, {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="kept")
    s3.delete_object(Bucket=bucket, Key="bare")
    server.advance("1d")
    assert versions(s3, bucket)[1] == ["kept"]
    for one in s3.list_object_versions(Bucket=bucket)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    server.advance("1d")
    assert versions(s3, bucket) == ([], [])


@REHEARSAL
def test_unfinished_uploads_end(server, s3, bucket):
    put_rules(s3, bucket, {"Filter": {"Prefix": "a/"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}})
    for key in ("a/1", "b/1"):
        upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=bytes(100_000))
    server.advance("3d")
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 2
    server.advance("1d")
    assert [one["Key"] for one in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["b/1"]


@REHEARSAL
def test_what_object_lock_protects_stays(server, s3):
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    put_rules(s3, "locked", {"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    until = server.now() + timedelta(days=10)
    held = s3.put_object(Bucket="locked", Key="held", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    kept = s3.put_object(
        Bucket="locked", Key="kept", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
    )["VersionId"]
    s3.put_object(Bucket="locked", Key="free", Body=b"x")
    server.advance("5d")
    assert keys(s3, "locked") == []
    assert versions(s3, "locked")[0] == [("held", held), ("kept", kept)]
    server.advance("8d")
    assert versions(s3, "locked")[0] == [("held", held)]


@REHEARSAL
def test_many_objects_end_and_a_restart_forgets_nothing(server, s3, bucket):
    put_rules(s3, bucket, {"Expiration": {"Days": 1}})
    for n in range(600):
        s3.put_object(Bucket=bucket, Key=f"{n:04}", Body=b"x")
    server.restart()
    server.advance("2d")
    assert keys(server.client("s3"), bucket) == []


@REHEARSAL
def test_a_key_with_more_versions_than_a_page_ends_whole(server, s3, bucket):
    versioned(s3, bucket)
    put_rules(s3, bucket, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}})
    for number in range(1_205):
        s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % number)
    server.advance("3d")
    left = s3.list_object_versions(Bucket=bucket)["Versions"]
    bodies = [s3.get_object(Bucket=bucket, Key="k", VersionId=one["VersionId"])["Body"].read() for one in left]
    assert bodies == [b"1204", b"1203", b"1202"]
