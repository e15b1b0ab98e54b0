"""Versions of objects as boto3 and the aws CLI see them: what a put and a delete make, what names them, how they are listed."""

import json
import re
import urllib.parse
import xml.etree.ElementTree as xml

import pytest
from harness import ANONYMOUS, allow, deny_text, make_bucket, make_trail, policy, poll, refused


@pytest.fixture
def s3(server):
    return server.client("s3")


def versioned(server, name="bucket", status="Enabled"):
    make_bucket(server, name)
    set_versioning(server, name, status)
    return name


def set_versioning(server, bucket, status):
    server.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


@pytest.fixture
def bucket(server):
    return versioned(server)


def put(s3, bucket, key, body=b"x"):
    return s3.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId")


def read(s3, bucket, key, version=None):
    more = {"VersionId": version} if version else {}
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def listed(s3, bucket, **more):
    """(key, id, latest, is a marker) of all, in the order of the document."""
    page = s3.list_object_versions(Bucket=bucket, **more)
    entries = [(one, False) for one in page.get("Versions", [])] + [(one, True) for one in page.get("DeleteMarkers", [])]
    return [(one["Key"], one["VersionId"], one["IsLatest"], marker) for one, marker in entries]


# --- the bucket's state ---


def test_versioning_is_switched_on_and_suspended_but_never_off(server, s3):
    make_bucket(server, "plain")
    assert "Status" not in s3.get_bucket_versioning(Bucket="plain")
    for status in ("Suspended", "Enabled", "Suspended"):
        set_versioning(server, "plain", status)
        assert s3.get_bucket_versioning(Bucket="plain")["Status"] == status
    for wrong in ("enabled", "Disabled"):
        with refused("MalformedXML", status=400):
            set_versioning(server, "plain", wrong)
    with refused("IllegalVersioningConfigurationException", "The Versioning element must be specified", 400):
        s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={})
    with refused("NotImplemented", re.compile("MfaDelete"), 501):
        s3.put_bucket_versioning(
            Bucket="plain", VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"}
        )
    with refused("NotImplemented", re.compile("x-amz-mfa"), 501):
        s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"}, MFA="serial 123456")
    assert s3.get_bucket_versioning(Bucket="plain")["Status"] == "Suspended"
    with refused("NoSuchBucket", status=404):
        s3.get_bucket_versioning(Bucket="none-such")


# --- puts, reads, deletes ---


def test_each_put_is_a_version_and_each_delete_a_marker(s3, bucket):
    ids = [put(s3, bucket, "key", body) for body in (b"one", b"two", b"three")]
    assert len(set(ids)) == 3 and all(re.fullmatch(r"[A-Za-z0-9._]{32}", one) for one in ids)
    got = s3.get_object(Bucket=bucket, Key="key")
    assert (got["Body"].read(), got["VersionId"]) == (b"three", ids[2])
    for one, body in zip(ids, (b"one", b"two", b"three")):
        assert read(s3, bucket, "key", one) == body
        head = s3.head_object(Bucket=bucket, Key="key", VersionId=one)
        assert (head["VersionId"], head["ContentLength"]) == (one, len(body))
    deleted = s3.delete_object(Bucket=bucket, Key="key")
    marker = deleted["VersionId"]
    assert deleted["DeleteMarker"] is True and marker not in ids
    assert listed(s3, bucket) == [
        ("key", ids[2], False, False),
        ("key", ids[1], False, False),
        ("key", ids[0], False, False),
        ("key", marker, True, True),
    ]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    # A version is deleted for good; the marker too, and then what it stood above is back.
    gone = s3.delete_object(Bucket=bucket, Key="key", VersionId=ids[1])
    assert (gone["VersionId"], "DeleteMarker" in gone) == (ids[1], False)
    with refused("NoSuchVersion", "The specified version does not exist.", 404):
        read(s3, bucket, "key", ids[1])
    gone = s3.delete_object(Bucket=bucket, Key="key", VersionId=marker)
    assert (gone["VersionId"], gone["DeleteMarker"]) == (marker, True)
    assert read(s3, bucket, "key") == b"three"
    s3.delete_object(Bucket=bucket, Key="key", VersionId=ids[2])
    assert read(s3, bucket, "key") == b"one"
    s3.delete_object(Bucket=bucket, Key="key", VersionId=ids[0])
    with refused("NoSuchKey", status=404):
        read(s3, bucket, "key")
    assert listed(s3, bucket) == []


def test_a_delete_of_nothing_makes_a_marker_and_a_delete_of_no_version_changes_nothing(s3, bucket):
    first = s3.delete_object(Bucket=bucket, Key="never")
    assert first["DeleteMarker"] is True
    second = s3.delete_object(Bucket=bucket, Key="never")
    assert second["VersionId"] != first["VersionId"]
    s3.delete_object(Bucket=bucket, Key="never", VersionId=second["VersionId"])
    again = s3.delete_object(Bucket=bucket, Key="never", VersionId=second["VersionId"])
    assert again["VersionId"] == second["VersionId"] and "DeleteMarker" not in again
    assert listed(s3, bucket) == [("never", first["VersionId"], True, True)]


def test_what_is_told_of_delete_markers(server, s3, bucket):
    put(s3, bucket, "key")
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    for method in ("GET", "HEAD"):
        plain = server.call("s3", method, f"/{bucket}/key")
        assert plain.status == 404
        assert (plain.headers["x-amz-delete-marker"], plain.headers["x-amz-version-id"]) == ("true", marker)
        named = server.call("s3", method, f"/{bucket}/key?versionId={marker}")
        assert named.status == 405
        assert named.headers["x-amz-delete-marker"] == "true" and named.headers["allow"] == "DELETE"
        assert "last-modified" in named.headers
    assert b"<Method>GET</Method><ResourceType>DeleteMarker</ResourceType>" in server.call(
        "s3", "GET", f"/{bucket}/key?versionId={marker}"
    ).body
    missing = server.call("s3", "GET", f"/{bucket}/none")
    assert missing.status == 404 and "x-amz-delete-marker" not in missing.headers


def test_ids_that_can_be_none_are_refused(s3, bucket):
    put(s3, bucket, "key")
    for wrong in ("abc", "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"):
        with refused("InvalidArgument", "Invalid version id specified", 400):
            s3.get_object(Bucket=bucket, Key="key", VersionId=wrong)
        with refused("InvalidArgument", "Invalid version id specified", 400):
            s3.delete_object(Bucket=bucket, Key="key", VersionId=wrong)
        with refused("400", status=400):
            s3.head_object(Bucket=bucket, Key="key", VersionId=wrong)
    with refused("NoSuchVersion", status=404):
        s3.get_object(Bucket=bucket, Key="key", VersionId="null")


def test_the_null_version(server, s3):
    bucket = make_bucket(server, "bucket")
    assert put(s3, bucket, "key", b"before") is None
    got = s3.get_object(Bucket=bucket, Key="key", VersionId="null")
    assert got["Body"].read() == b"before" and "VersionId" not in got
    set_versioning(server, bucket, "Enabled")
    assert s3.get_object(Bucket=bucket, Key="key")["VersionId"] == "null"
    own = put(s3, bucket, "key", b"own")
    assert listed(s3, bucket) == [("key", own, True, False), ("key", "null", False, False)]
    set_versioning(server, bucket, "Suspended")
    # AWS names no version in the answer to a put while versioning is suspended.
    assert put(s3, bucket, "key", b"after") is None
    assert listed(s3, bucket) == [("key", "null", True, False), ("key", own, False, False)]
    assert read(s3, bucket, "key", "null") == b"after"
    deleted = s3.delete_object(Bucket=bucket, Key="key")
    assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, "null")
    assert listed(s3, bucket) == [("key", own, False, False), ("key", "null", True, True)]
    s3.delete_object(Bucket=bucket, Key="key", VersionId="null")
    assert read(s3, bucket, "key") == b"own"


def test_a_bucket_with_versions_is_not_empty(s3, bucket):
    first = put(s3, bucket, "key")
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    text = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
    for version in (first, marker):
        with refused("BucketNotEmpty", text, 409):
            s3.delete_bucket(Bucket=bucket)
        s3.delete_object(Bucket=bucket, Key="key", VersionId=version)
    s3.delete_bucket(Bucket=bucket)


def test_versions_outlive_a_restart(server, bucket):
    s3 = server.client("s3")
    small, large = put(s3, bucket, "key", b"small"), put(s3, bucket, "key", b"large" * 100_000)
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    before = listed(s3, bucket)
    server.restart()
    s3 = server.client("s3")
    assert listed(s3, bucket) == before and marker in str(before)
    assert read(s3, bucket, "key", small) == b"small"
    assert read(s3, bucket, "key", large) == b"large" * 100_000


def test_many_are_deleted_by_version(s3, bucket):
    ids = [put(s3, bucket, "key", body) for body in (b"one", b"two")]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "key"}, {"Key": "other"}]})
    by_key = {one["Key"]: one for one in answer["Deleted"]}
    assert all(one["DeleteMarker"] and "VersionId" not in one for one in by_key.values())
    marker = by_key["key"]["DeleteMarkerVersionId"]
    objects = [{"Key": "key", "VersionId": marker}, {"Key": "key", "VersionId": ids[0]}, {"Key": "key", "VersionId": "no"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert answer["Deleted"] == [
        {"Key": "key", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker},
        {"Key": "key", "VersionId": ids[0]},
    ]
    assert answer["Errors"] == [
        {
            "Key": "key",
            "VersionId": "no",
            "Code": "NoSuchVersion",
            "Message": "The specified version does not exist.",
        }
    ]
    assert read(s3, bucket, "key") == b"two"


# --- listings ---


def fill(s3, bucket):
    """Some keys with some versions each; the order in which a listing shows them."""
    expected = []
    for key, count in (("a/1", 3), ("a/2", 1), ("b", 2), ("c é&<>", 4), ("d/x/y", 2)):
        made = [(put(s3, bucket, key, str(n).encode()), False) for n in range(count)]
        if count > 2:
            made.append((s3.delete_object(Bucket=bucket, Key=key)["VersionId"], True))
        expected += [(key, id, at == 0, marker) for at, (id, marker) in enumerate(reversed(made))]
    return expected


def pages(s3, bucket, **more):
    """Every page as (key, id, latest, is marker) in the order of the document, and its common prefixes."""
    name = "{http://s3.amazonaws.com/doc/2006-03-01/}"
    bodies = []
    s3.meta.events.register("before-parse.s3.ListObjectVersions", lambda response_dict, **_: bodies.append(response_dict["body"]))
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **more):
        root = xml.fromstring(bodies[-1])
        rows = [
            (
                one.find(f"{name}Key").text,
                one.find(f"{name}VersionId").text,
                one.find(f"{name}IsLatest").text == "true",
                one.tag == f"{name}DeleteMarker",
            )
            for one in root
            if one.tag in (f"{name}Version", f"{name}DeleteMarker")
        ]
        found.append((rows, [one["Prefix"] for one in page.get("CommonPrefixes", [])]))
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_pages_of_versions_are_exact(server, s3, bucket, size):
    expected = fill(s3, bucket)
    found = pages(s3, bucket, PaginationConfig={"PageSize": size})
    decoded = [(key, id, latest, marker) for rows, _ in found for key, id, latest, marker in rows]
    # botocore asks for encoded keys by itself.
    assert [(urllib.parse.unquote_plus(key), *rest) for key, *rest in decoded] == [
        (key, *rest) for key, *rest in expected
    ]
    assert all(len(rows) == size for rows, _ in found[:-1]) and 0 < len(found[-1][0]) <= size


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_versions_fold_into_common_prefixes(s3, bucket, size):
    expected = fill(s3, bucket)
    found = pages(s3, bucket, Delimiter="/", PaginationConfig={"PageSize": size})
    assert [prefix for _, prefixes in found for prefix in prefixes] == ["a/", "d/"]
    assert sum(len(rows) for rows, _ in found) == len([one for one in expected if "/" not in one[0]])
    assert all(len(rows) + len(prefixes) == size for rows, prefixes in found[:-1])
    within = pages(s3, bucket, Prefix="d/", Delimiter="/")
    assert within == [([], ["d/x/"])]
    only = [row[0] for rows, _ in pages(s3, bucket, Prefix="a/") for row in rows]
    assert set(only) == {"a/1", "a/2"}


def test_the_page_says_of_itself_what_aws_says(s3, bucket):
    first, second = put(s3, bucket, "k", b"1"), put(s3, bucket, "k", b"2")
    page = s3.list_object_versions(Bucket=bucket, MaxKeys=1)
    assert (page["IsTruncated"], page["NextKeyMarker"], page["NextVersionIdMarker"]) == (True, "k", second)
    assert (page["KeyMarker"], page["VersionIdMarker"], page["MaxKeys"], page["Name"]) == ("", "", 1, bucket)
    one = page["Versions"][0]
    assert (one["ETag"], one["Size"], one["StorageClass"], one["IsLatest"]) == (
        '"c81e728d9d4c2f636f067f89cc14862c"',
        1,
        "STANDARD",
        True,
    )
    assert len(one["Owner"]["ID"]) == 64 and one["ChecksumAlgorithm"] == ["CRC32"]
    rest = s3.list_object_versions(Bucket=bucket, KeyMarker="k", VersionIdMarker=second)
    assert [one["VersionId"] for one in rest["Versions"]] == [first]
    assert (rest["KeyMarker"], rest["VersionIdMarker"], rest["IsTruncated"]) == ("k", second, False)
    # Behind the key when no version is named.
    assert "Versions" not in s3.list_object_versions(Bucket=bucket, KeyMarker="k")
    assert s3.list_object_versions(Bucket=bucket, MaxKeys=0)["IsTruncated"] is False
    with refused("InvalidArgument", "A version-id marker cannot be specified without a key marker.", 400):
        s3.list_object_versions(Bucket=bucket, VersionIdMarker=first)
    with refused("InvalidArgument", "Invalid version id specified", 400):
        s3.list_object_versions(Bucket=bucket, KeyMarker="k", VersionIdMarker="x")


def test_a_listing_goes_on_where_its_version_was(s3, bucket):
    """People empty a bucket page by page: the marker's version is gone when the next page is asked for."""
    expected = fill(s3, bucket)
    seen = []
    after = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=2, **after)
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
            seen.append((one["Key"], one["VersionId"]))
        if not page["IsTruncated"]:
            break
        after = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert sorted(seen) == sorted((key, id) for key, id, _, _ in expected)
    s3.delete_bucket(Bucket=bucket)


# --- rights and records ---


def test_versions_need_rights_of_their_own(server, s3, bucket):
    old, new = put(s3, bucket, "key", b"old"), put(s3, bucket, "key", b"new")
    objects = f"arn:aws:s3:::{bucket}/*"
    plain = server.user("plain", allow(["s3:GetObject", "s3:DeleteObject", "s3:ListBucket"]))
    mine = server.client("s3", who=plain)
    assert read(mine, bucket, "key") == b"new"
    resource = f'"arn:aws:s3:::{bucket}/key"'
    with refused("AccessDenied", deny_text(plain, "s3:GetObjectVersion", resource), 403):
        read(mine, bucket, "key", old)
    with refused("AccessDenied", deny_text(plain, "s3:DeleteObjectVersion", resource), 403):
        mine.delete_object(Bucket=bucket, Key="key", VersionId=old)
    with refused("AccessDenied", deny_text(plain, "s3:ListBucketVersions", f'"arn:aws:s3:::{bucket}"'), 403):
        mine.list_object_versions(Bucket=bucket)
    one = {"StringEquals": {"s3:VersionId": old}}
    narrow = server.user("narrow", allow("s3:GetObjectVersion", objects, Condition=one))
    theirs = server.client("s3", who=narrow)
    assert read(theirs, bucket, "key", old) == b"old"
    with refused("AccessDenied", status=403):
        read(theirs, bucket, "key", new)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            allow(
                "s3:ListBucketVersions",
                f"arn:aws:s3:::{bucket}",
                Principal={"AWS": plain.arn},
                Condition={"StringEquals": {"s3:prefix": "k"}},
            )
        ),
    )
    assert len(mine.list_object_versions(Bucket=bucket, Prefix="k")["Versions"]) == 2
    with refused("AccessDenied", status=403):
        mine.list_object_versions(Bucket=bucket)
    with refused("AccessDenied", status=403):
        server.client("s3", who=ANONYMOUS).list_object_versions(Bucket=bucket)


@pytest.mark.serve("--rehearsal")
def test_records_name_the_version(server, s3):
    trail = make_trail(server, IsMultiRegionTrail=False)
    bucket = versioned(server)
    trail.cloudtrail.put_event_selectors(
        TrailName=trail.name,
        EventSelectors=[
            {
                "ReadWriteType": "All",
                "IncludeManagementEvents": True,
                "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{bucket}/"]}],
            }
        ],
    )
    version = put(s3, bucket, "key")
    read(s3, bucket, "key", version)
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="key", VersionId=marker)
    s3.list_object_versions(Bucket=bucket)
    server.advance("15m")

    def found():
        records = [one for one in trail.records() if (one.get("requestParameters") or {}).get("bucketName") == bucket]
        return records if any(one["eventName"] == "ListObjectVersions" for one in records) else None

    by_name = {}
    for record in poll(found):
        by_name.setdefault(record["eventName"], []).append(record)
    assert by_name["PutObject"][0]["responseElements"]["x-amz-version-id"] == version
    assert by_name["GetObject"][0]["requestParameters"]["versionId"] == version
    answers = [one["responseElements"] for one in by_name["DeleteObject"]]
    assert [(one["x-amz-version-id"], one["x-amz-delete-marker"]) for one in answers] == [(marker, "true")] * 2
    named = [one["requestParameters"].get("versionId") for one in by_name["DeleteObject"]]
    assert named == [None, marker]
    switched = by_name["PutBucketVersioning"][0]
    assert switched["requestParameters"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert by_name["ListObjectVersions"][0]["readOnly"] is True


def test_the_aws_cli_lists_and_removes_versions(server, s3, bucket):
    for body in (b"one", b"two"):
        put(s3, bucket, "key", body)
    server.aws("s3", "rm", f"s3://{bucket}/key")
    answer = json.loads(server.aws("s3api", "list-object-versions", "--bucket", bucket).stdout)
    assert len(answer["Versions"]) == 2 and len(answer["DeleteMarkers"]) == 1
    oldest = answer["Versions"][-1]["VersionId"]
    target = server.folder / "old"
    server.aws("s3api", "get-object", "--bucket", bucket, "--key", "key", "--version-id", oldest, str(target))
    assert target.read_bytes() == b"one"
