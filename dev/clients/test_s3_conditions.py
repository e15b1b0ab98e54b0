"""Conditional reads, writes and deletes, and presigned URLs, as AWS answers them."""

import hashlib
import http.client
import re
import time
import urllib.parse
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from harness import allow, make_bucket, policy, refused

FAILED = "At least one of the pre-conditions you specified did not hold"
ABSENT = "The specified key does not exist."


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


@pytest.fixture
def versioned(server, s3):
    make_bucket(server, "versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    return "versioned"


def http_date(moment):
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


# --- reads ---


def test_reads_follow_rfc_9110_and_aws_precedence(server, s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"hello")
    tag, other = put["ETag"], '"0123456789abcdef0123456789abcdef"'
    changed = s3.head_object(Bucket=bucket, Key="key")["LastModified"]
    then, before = http_date(changed), http_date(changed - timedelta(days=1))
    table = [
        ({}, 200),
        ({"If-Match": tag}, 200),
        ({"If-Match": tag.strip('"')}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": f"{other}, {tag}"}, 200),
        ({"If-Match": other}, 412),
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": other}, 200),
        ({"If-Modified-Since": before}, 200),
        ({"If-Modified-Since": then}, 304),
        ({"If-Unmodified-Since": then}, 200),
        ({"If-Unmodified-Since": before}, 412),
        # A tag that fits outweighs a date that does not, and the other way round.
        ({"If-Match": tag, "If-Unmodified-Since": before}, 200),
        ({"If-None-Match": tag, "If-Modified-Since": before}, 304),
        ({"If-None-Match": other, "If-Modified-Since": then}, 200),
        ({"If-Match": tag, "If-None-Match": tag}, 304),
        ({"If-Match": other, "If-None-Match": other}, 412),
        # What is no date is no condition.
        ({"If-Modified-Since": "soon"}, 200),
        ({"If-Unmodified-Since": "soon"}, 200),
        ({"If-Match": tag, "Range": "bytes=0-1"}, 206),
        ({"If-Match": other, "Range": "bytes=0-1"}, 412),
        ({"If-None-Match": tag, "Range": "bytes=9-"}, 304),
    ]
    for headers, status in table:
        for method in ("GET", "HEAD"):
            answer = server.call("s3", method, f"/{bucket}/key", headers)
            assert answer.status == status, (method, headers)
            if status == 304:
                assert answer.headers["etag"] == tag and answer.body == b""
            if status == 412 and method == "GET":
                assert answer.code == "PreconditionFailed" and FAILED.encode() in answer.body


def test_a_refused_read_names_its_condition(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    for headers, name in (
        ({"If-Match": '"x"'}, "If-Match"),
        ({"If-Unmodified-Since": "Mon, 17 Aug 2015 14:01:31 GMT"}, "If-Unmodified-Since"),
    ):
        answer = server.call("s3", "GET", f"/{bucket}/key", headers)
        assert f"<Condition>{name}</Condition>".encode() in answer.body
    # Without an object there is nothing to compare.
    assert server.call("s3", "GET", f"/{bucket}/none", {"If-None-Match": "*"}).status == 404


def test_conditions_look_at_the_version_that_is_read(server, s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="key", Body=b"old")
    s3.put_object(Bucket=versioned, Key="key", Body=b"new")
    path = f"/{versioned}/key?versionId={old['VersionId']}"
    assert server.call("s3", "GET", path, {"If-Match": old["ETag"]}).body == b"old"
    not_modified = server.call("s3", "GET", path, {"If-None-Match": old["ETag"]})
    assert (not_modified.status, not_modified.headers["x-amz-version-id"]) == (304, old["VersionId"])
    assert server.call("s3", "GET", f"/{versioned}/key", {"If-Match": old["ETag"]}).status == 412


# --- writes ---


@pytest.mark.parametrize("name", ["bucket", "versioned"])
def test_a_write_only_where_there_is_nothing(s3, name, request):
    bucket = request.getfixturevalue(name)
    at = {"Bucket": bucket, "Key": "key"}
    s3.put_object(**at, Body=b"first", IfNoneMatch="*")
    with refused("PreconditionFailed", FAILED, 412):
        s3.put_object(**at, Body=b"second", IfNoneMatch="*")
    assert s3.get_object(**at)["Body"].read() == b"first"
    s3.delete_object(**at)
    s3.put_object(**at, Body=b"third", IfNoneMatch="*")
    assert s3.get_object(**at)["Body"].read() == b"third"


@pytest.mark.parametrize("name", ["bucket", "versioned"])
def test_a_write_only_over_what_is_known(s3, name, request):
    bucket = request.getfixturevalue(name)
    at = {"Bucket": bucket, "Key": "key"}
    with refused("NoSuchKey", ABSENT, 404):
        s3.put_object(**at, Body=b"x", IfMatch='"d41d8cd98f00b204e9800998ecf8427e"')
    first = s3.put_object(**at, Body=b"first")["ETag"]
    with refused("PreconditionFailed", FAILED, 412):
        s3.put_object(**at, Body=b"x", IfMatch='"d41d8cd98f00b204e9800998ecf8427e"')
    second = s3.put_object(**at, Body=b"second", IfMatch=first)["ETag"]
    with refused("PreconditionFailed", FAILED, 412):
        s3.put_object(**at, Body=b"x", IfMatch=first)
    s3.delete_object(**at)
    with refused("NoSuchKey", ABSENT, 404):
        s3.put_object(**at, Body=b"x", IfMatch=second)


def test_conditions_that_aws_does_not_take_either(server, s3, bucket):
    for headers, name, more in (
        ({"If-None-Match": '"tag"'}, "If-None-Match", "We don't accept the provided value of If-None-Match header"),
        ({"If-Match": "*"}, "If-Match", "We don't accept the provided value of If-Match header for this API"),
        (
            {"If-Match": '"tag"', "If-None-Match": "*"},
            "If-Match,If-None-Match",
            "Multiple conditional request headers present in the request",
        ),
    ):
        answer = server.call("s3", "PUT", f"/{bucket}/key", headers, b"x")
        assert (answer.status, answer.code) == (501, "NotImplemented")
        assert f"<Header>{name}</Header>".encode() in answer.body and more.encode() in answer.body
    assert server.call("s3", "HEAD", f"/{bucket}/key").status == 404


def test_of_many_writers_one_is_first(server, bucket):
    """All ask for an absent key at once: one gets it, in memory and on the disk."""
    bodies = [bytes([n]) * size for size in (10, 200_000) for n in range(8)]

    def write(body):
        client = server.client("s3")
        try:
            client.put_object(Bucket=bucket, Key="key", Body=body, IfNoneMatch="*")
            return body
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
            return None

    server.client("s3")
    with ThreadPoolExecutor(16) as pool:
        won = [body for body in pool.map(write, bodies) if body is not None]
    assert len(won) == 1
    assert server.client("s3").get_object(Bucket=bucket, Key="key")["Body"].read() == won[0]


def test_a_counter_by_compare_and_swap_loses_nothing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="counter", Body=b"0")

    def count(_):
        client = server.client("s3")
        for _ in range(200):
            got = client.get_object(Bucket=bucket, Key="counter")
            number = int(got["Body"].read()) + 1
            try:
                client.put_object(Bucket=bucket, Key="counter", Body=str(number).encode(), IfMatch=got["ETag"])
                return
            except ClientError as error:
                assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
        raise AssertionError("never got through")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(24)))
    assert s3.get_object(Bucket=bucket, Key="counter")["Body"].read() == b"24"


def test_policies_may_ask_for_conditions(server, s3, bucket):
    objects = f"arn:aws:s3:::{bucket}/*"
    careful = server.user(
        "careful",
        allow("s3:PutObject", objects, Condition={"Null": {"s3:if-none-match": "false"}}),
        allow("s3:DeleteObject", objects, Condition={"Null": {"s3:if-match": "false"}}),
    )
    theirs = server.client("s3", who=careful)
    with refused("AccessDenied", status=403):
        theirs.put_object(Bucket=bucket, Key="key", Body=b"x")
    put = theirs.put_object(Bucket=bucket, Key="key", Body=b"x", IfNoneMatch="*")
    with refused("AccessDenied", status=403):
        theirs.delete_object(Bucket=bucket, Key="key")
    # Comparing a tag tells the tag: it needs the right to read.
    with refused("AccessDenied", re.compile("s3:GetObject "), 403):
        theirs.delete_object(Bucket=bucket, Key="key", IfMatch=put["ETag"])
    theirs.delete_object(Bucket=bucket, Key="key", IfMatch="*")


# --- deletes ---


@pytest.mark.parametrize("name", ["bucket", "versioned"])
def test_deletes_only_of_what_is_known(s3, name, request):
    bucket = request.getfixturevalue(name)
    at = {"Bucket": bucket, "Key": "key"}
    for condition in ("*", '"tag"'):
        with refused("NoSuchKey", ABSENT, 404):
            s3.delete_object(**at, IfMatch=condition)
    tag = s3.put_object(**at, Body=b"x")["ETag"]
    with refused("PreconditionFailed", FAILED, 412):
        s3.delete_object(**at, IfMatch='"tag"')
    s3.delete_object(**at, IfMatch=tag)
    with refused("NoSuchKey", ABSENT, 404):
        s3.delete_object(**at, IfMatch=tag)
    s3.put_object(**at, Body=b"x")
    s3.delete_object(**at, IfMatch="*")
    for header in ("x-amz-if-match-size", "x-amz-if-match-last-modified-time"):
        with refused("NotImplemented", re.compile(header), 501):
            if header.endswith("size"):
                s3.delete_object(**at, IfMatchSize=1)
            else:
                s3.delete_object(**at, IfMatchLastModifiedTime="2026-01-01T00:00:00Z")


def test_many_deletes_each_with_its_condition(s3, bucket):
    tags = {key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode())["ETag"] for key in "abc"}
    objects = [
        {"Key": "a", "ETag": tags["a"]},
        {"Key": "b", "ETag": tags["a"]},
        {"Key": "c", "ETag": "*"},
        {"Key": "none", "ETag": "*"},
    ]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [one["Key"] for one in answer["Deleted"]] == ["a", "c"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("b", "PreconditionFailed"), ("none", "NoSuchKey")]
    for more in ({"Size": 1}, {"LastModifiedTime": "2026-01-01T00:00:00Z"}):
        with refused("NotImplemented", re.compile(next(iter(more))), 501):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b", **more}]})
    assert s3.head_object(Bucket=bucket, Key="b")


# --- presigned URLs ---


def fetch(url, method="GET", body=None, headers=None):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def presigned(client, operation, seconds=60, **parameters):
    return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)


def test_urls_for_each_method(s3, versioned):
    at = {"Bucket": versioned, "Key": "a key/with é+&"}
    status, headers, _ = fetch(presigned(s3, "put_object", **at), "PUT", b"hello")
    assert (status, headers["etag"]) == (200, f'"{hashlib.md5(b"hello").hexdigest()}"')
    first = headers["x-amz-version-id"]
    assert fetch(presigned(s3, "get_object", **at))[2] == b"hello"
    status, headers, body = fetch(presigned(s3, "head_object", **at), "HEAD")
    assert (status, headers["content-length"], body) == (200, "5", b"")
    fetch(presigned(s3, "put_object", **at), "PUT", b"second")
    assert fetch(presigned(s3, "get_object", **at, VersionId=first))[2] == b"hello"
    assert fetch(presigned(s3, "get_object", **at), headers={"Range": "bytes=0-2"})[::2] == (206, b"sec")
    status, headers, _ = fetch(presigned(s3, "delete_object", **at), "DELETE")
    assert (status, headers["x-amz-delete-marker"]) == (204, "true")
    marker = headers["x-amz-version-id"]
    assert fetch(presigned(s3, "get_object", **at))[0] == 404
    assert fetch(presigned(s3, "delete_object", **at, VersionId=marker), "DELETE")[0] == 204
    assert fetch(presigned(s3, "get_object", **at))[2] == b"second"
    listing = fetch(presigned(s3, "list_object_versions", Bucket=versioned, Prefix="a"))
    assert listing[0] == 200 and first.encode() in listing[2]


def test_a_part_comes_by_a_url(s3, bucket):
    at = {"Bucket": bucket, "Key": "parts"}
    upload = s3.create_multipart_upload(**at)["UploadId"]
    status, headers, _ = fetch(presigned(s3, "upload_part", **at, UploadId=upload, PartNumber=1), "PUT", b"a part")
    assert status == 200
    # A URL is for its part and its upload.
    other = presigned(s3, "upload_part", **at, UploadId=upload, PartNumber=2).replace("partNumber=2", "partNumber=3")
    assert fetch(other, "PUT", b"x")[0] == 403
    parts = {"Parts": [{"PartNumber": 1, "ETag": headers["etag"]}]}
    s3.complete_multipart_upload(**at, UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(**at)["Body"].read() == b"a part"


def test_urls_are_for_their_method_path_and_parameters(s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    url = presigned(s3, "get_object", Bucket=bucket, Key="key")
    for method in ("PUT", "DELETE", "HEAD"):
        status, _, body = fetch(url, method)
        assert status == 403 and (method == "HEAD" or b"<Code>SignatureDoesNotMatch</Code>" in body)
    for changed in (
        url.replace("/key?", "/other?"),
        url + "&versionId=null",
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
    ):
        status, _, body = fetch(changed)
        assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body


def test_urls_override_what_is_told(s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", ContentType="text/plain", CacheControl="no-store")
    overrides = {
        "ResponseContentType": "application/json",
        "ResponseContentDisposition": 'attachment; filename="a b.json"',
        "ResponseCacheControl": "max-age=1",
        "ResponseContentLanguage": "ja",
        "ResponseContentEncoding": "identity",
        "ResponseExpires": "Thu, 01 Jan 2032 00:00:00 GMT",
    }
    _, headers, _ = fetch(presigned(s3, "get_object", Bucket=bucket, Key="key", **overrides))
    shown = ["content-type", "content-disposition", "cache-control", "content-language", "content-encoding", "expires"]
    assert [headers[name] for name in shown] == list(overrides.values())


def test_urls_end(s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    url = presigned(s3, "get_object", 1, Bucket=bucket, Key="key")
    assert fetch(url)[0] == 200
    time.sleep(2.1)
    status, _, body = fetch(url)
    assert status == 403 and b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in body
    week = 7 * 24 * 3600
    assert fetch(presigned(s3, "get_object", week, Bucket=bucket, Key="key"))[0] == 200
    status, _, body = fetch(presigned(s3, "get_object", week + 1, Bucket=bucket, Key="key"))
    assert status == 400 and b"<Code>AuthorizationQueryParametersError</Code>" in body


def test_urls_of_sessions_carry_their_token(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    iam = server.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=policy(allow("s3:GetObject")))
    user = server.user("someone", allow("sts:AssumeRole"))
    session = server.client("s3", who=server.assume(user, role))
    url = presigned(session, "get_object", Bucket=bucket, Key="key")
    assert "X-Amz-Security-Token=" in url
    assert fetch(url)[::2] == (200, b"x")
    without = re.sub("&X-Amz-Security-Token=[^&]*", "", url)
    assert fetch(without)[0] == 403
    assert fetch(presigned(session, "put_object", Bucket=bucket, Key="key"), "PUT", b"y")[0] == 403


def test_what_is_signed_into_a_url_counts(s3, bucket):
    """botocore writes some headers into the query, and signs the others, which the sender must then send."""
    url = presigned(
        s3,
        "put_object",
        Bucket=bucket,
        Key="key",
        ServerSideEncryption="AES256",
        Metadata={"a": "1"},
        ContentType="text/x",
    )
    crc = b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode()
    query = {name.lower() for name in urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)}
    signed = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";")
    headers = {
        name: value
        for name, value in (
            ("content-type", "text/x"),
            ("x-amz-server-side-encryption", "AES256"),
            ("x-amz-meta-a", "1"),
        )
        if name in signed
    }
    assert headers or query & {"x-amz-meta-a"}
    assert fetch(url, "PUT", b"hello", headers)[0] == 200
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert head["Metadata"] == {"a": "1"} and head["ContentType"] == "text/x"
    if "content-type" in signed:
        assert fetch(url, "PUT", b"hello", {**headers, "content-type": "text/y"})[0] == 403
    checked = presigned(s3, "put_object", Bucket=bucket, Key="sum", ChecksumCRC32=crc)
    sums = {"x-amz-checksum-crc32": crc} if "x-amz-checksum-crc32" in checked.split("SignedHeaders=")[1] else {}
    assert fetch(checked, "PUT", b"hello", sums)[0] == 200
    status, _, body = fetch(checked, "PUT", b"other", sums)
    assert status == 400 and b"<Code>BadDigest</Code>" in body


def test_conditions_go_with_urls(s3, bucket):
    url = presigned(s3, "put_object", Bucket=bucket, Key="key")
    assert fetch(url, "PUT", b"one", {"If-None-Match": "*"})[0] == 200
    assert fetch(url, "PUT", b"two", {"If-None-Match": "*"})[0] == 412
    tag = s3.head_object(Bucket=bucket, Key="key")["ETag"]
    assert fetch(presigned(s3, "get_object", Bucket=bucket, Key="key"), headers={"If-None-Match": tag})[0] == 304
