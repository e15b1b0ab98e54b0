"""S3 as boto3 and the aws CLI see it: buckets, objects, listings, conditions, encryption, policies."""

import base64
import hashlib
import json
import random
import re
import socket
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest
from harness import ACCOUNT, ANONYMOUS, SEVENTEEN_REGIONS, allow, deny_text, make_bucket, policy, poll, refused

# Spaces, plus, percent, several scripts, empty path parts, and what XML, URLs and query strings would like to eat.
ODD_KEYS = [
    "a b",
    "a+b",
    "a%20b",
    "a%",
    "a&b=c;d?e#f",
    "a//b",
    "/leading",
    "trailing/",
    "証跡/日本語 ファイル.txt",
    "é-e\u0301",
    "<xml>&amp;\"'</xml>",
    "~tilde_under-dash.dot!*'()",
    "back\\slash|pipe^caret`tick{brace}[bracket]",
    "emoji-🗝",
    "tab\tnewline\n",
    "k" * 1024,
]


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


def body(size, seed=0):
    return random.Random(seed).randbytes(size)


# --- buckets ---


def test_buckets_are_made_found_listed_and_deleted(server, s3):
    assert s3.create_bucket(Bucket="first-bucket")["Location"] == "/first-bucket"
    make_bucket(server, "second-bucket", "eu-west-1")
    listed = s3.list_buckets()
    assert [one["Name"] for one in listed["Buckets"]] == ["first-bucket", "second-bucket"]
    assert abs(listed["Buckets"][0]["CreationDate"] - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert len(listed["Owner"]["ID"]) == 64
    assert s3.get_bucket_location(Bucket="first-bucket")["LocationConstraint"] is None
    away = server.client("s3", "eu-west-1")
    assert away.get_bucket_location(Bucket="second-bucket")["LocationConstraint"] == "eu-west-1"
    assert away.head_bucket(Bucket="second-bucket")["BucketRegion"] == "eu-west-1"
    acl = s3.get_bucket_acl(Bucket="first-bucket")
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Owner"]["ID"] == listed["Owner"]["ID"] == acl["Grants"][0]["Grantee"]["ID"]
    s3.put_object(Bucket="first-bucket", Key="a")
    with refused("BucketNotEmpty", status=409):
        s3.delete_bucket(Bucket="first-bucket")
    s3.delete_object(Bucket="first-bucket", Key="a")
    s3.delete_bucket(Bucket="first-bucket")
    with refused("NoSuchBucket", "The specified bucket does not exist", 404):
        s3.list_objects_v2(Bucket="first-bucket")
    with refused("404", status=404):
        s3.head_bucket(Bucket="first-bucket")


def test_bucket_names_and_places_that_do_not_fit_are_refused(server, s3):
    away = server.client("s3", "eu-west-1")
    for name in ("ab", "has_underscore", "-dash", "dots..dots", "192.168.1.1", "x" * 64):
        answer = server.call("s3", "PUT", f"/{name}")
        assert (answer.status, answer.code) == (400, "InvalidBucketName"), name
    text = "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."
    with refused("IllegalLocationConstraintException", text, 400):
        away.create_bucket(Bucket="elsewhere")
    with refused("InvalidLocationConstraint", "The specified location-constraint is not valid", 400):
        s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "mars-north-1"})
    make_bucket(server, "elsewhere", "eu-west-1")
    with refused("BucketAlreadyOwnedByYou", status=409):
        make_bucket(server, "elsewhere", "eu-west-1")
    s3.create_bucket(Bucket="here")
    s3.create_bucket(Bucket="here")


def test_a_bucket_of_another_region_is_told_as_aws_tells_it(server):
    make_bucket(server, "in-ireland", "eu-west-1")
    answer = server.call("s3", "GET", "/in-ireland?list-type=2", region="us-east-1")
    assert answer.code in ("PermanentRedirect", "AuthorizationHeaderMalformed")
    assert answer.headers["x-amz-bucket-region"] == "eu-west-1"
    # The CLI follows by itself, and so it finds the bucket from any Region.
    for region in ("us-east-1", "ap-northeast-1"):
        found = server.aws("s3api", "get-bucket-location", "--bucket", "in-ireland", region=region)
        assert json.loads(found.stdout)["LocationConstraint"] == "eu-west-1"


# --- objects ---


@pytest.mark.parametrize("encryption", ["AES256", "aws:kms"])
@pytest.mark.parametrize("size", [0, 1, 100 * 1024, 5 * 1024 * 1024 + 3])
def test_what_is_put_is_got(s3, bucket, size, encryption):
    content = body(size)
    put = s3.put_object(Bucket=bucket, Key="key", Body=content, ServerSideEncryption=encryption)
    got = s3.get_object(Bucket=bucket, Key="key")
    assert got["Body"].read() == content
    assert got["ContentLength"] == size and got["ETag"] == put["ETag"]
    assert got["ServerSideEncryption"] == put["ServerSideEncryption"] == encryption
    md5 = f'"{hashlib.md5(content).hexdigest()}"'
    assert re.fullmatch(r'"[0-9a-f]{32}"', put["ETag"])
    assert (put["ETag"] == md5) is (encryption == "AES256")
    assert put["ChecksumCRC32"]
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == put["ChecksumCRC32"] and head["ETag"] == put["ETag"]
    assert head["ContentLength"] == size and head["AcceptRanges"] == "bytes"


def test_metadata_and_content_headers_come_back(s3, bucket):
    given = {
        "ContentType": "text/plain; charset=utf-8",
        "ContentEncoding": "gzip",
        "ContentLanguage": "ja",
        "ContentDisposition": 'attachment; filename="a.txt"',
        "CacheControl": "no-store",
        "Metadata": {"colour": "blue", "with-dash": "a b"},
    }
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", **given)
    for answer in (s3.head_object(Bucket=bucket, Key="key"), s3.get_object(Bucket=bucket, Key="key")):
        assert {name: answer[name] for name in given} == given
        assert abs(answer["LastModified"] - datetime.now(timezone.utc)) < timedelta(minutes=1)
    s3.put_object(Bucket=bucket, Key="key", Body=b"y")
    assert s3.head_object(Bucket=bucket, Key="key")["Metadata"] == {}
    assert s3.head_object(Bucket=bucket, Key="key")["ContentType"] == "binary/octet-stream"
    with refused("MetadataTooLarge", status=400):
        s3.put_object(Bucket=bucket, Key="key", Body=b"y", Metadata={"big": "x" * 2049})


@pytest.mark.parametrize("size", [1000, 300_000])
@pytest.mark.parametrize(
    "header, first, last",
    [("bytes=0-9", 0, 9), ("bytes=990-", 990, None), ("bytes=-5", -5, None), ("bytes=500-99999999", 500, None)],
)
def test_a_range_is_that_part(s3, bucket, size, header, first, last):
    content = body(size)
    s3.put_object(Bucket=bucket, Key="key", Body=content)
    answer = s3.get_object(Bucket=bucket, Key="key", Range=header)
    expected = content[first : None if last is None else last + 1]
    assert answer["Body"].read() == expected
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    start = size + first if first < 0 else first
    assert answer["ContentRange"] == f"bytes {start}-{start + len(expected) - 1}/{size}"


def test_a_range_across_segments_of_a_sealed_object_is_that_part(s3, bucket):
    content = body(300_000)
    s3.put_object(Bucket=bucket, Key="key", Body=content, ServerSideEncryption="aws:kms")
    for first, last in ((65_535, 65_536), (65_536, 131_071), (1, 299_998), (299_999, 299_999), (131_000, 262_200)):
        got = s3.get_object(Bucket=bucket, Key="key", Range=f"bytes={first}-{last}")["Body"].read()
        assert got == content[first : last + 1]
    for header in ("bytes=300000-", "bytes=999999-9999999"):
        with refused("InvalidRange", "The requested range is not satisfiable", 416):
            s3.get_object(Bucket=bucket, Key="key", Range=header)
    # A range that is none is ignored, as HTTP says.
    assert len(s3.get_object(Bucket=bucket, Key="key", Range="bytes=9-1")["Body"].read()) == 300_000


def test_conditions_are_kept(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"x")["ETag"]
    earlier, later = datetime.now(timezone.utc) - timedelta(days=1), datetime.now(timezone.utc) + timedelta(hours=1)
    for call in (s3.get_object, s3.head_object):
        call(Bucket=bucket, Key="key", IfMatch=etag)
        call(Bucket=bucket, Key="key", IfNoneMatch='"other"')
        call(Bucket=bucket, Key="key", IfModifiedSince=earlier)
        call(Bucket=bucket, Key="key", IfUnmodifiedSince=later)
        # Of the pair, the tag decides.
        call(Bucket=bucket, Key="key", IfMatch=etag, IfUnmodifiedSince=earlier)
        code = "PreconditionFailed" if call == s3.get_object else "412"
        with refused(code, status=412):
            call(Bucket=bucket, Key="key", IfMatch='"other"')
        with refused(code, status=412):
            call(Bucket=bucket, Key="key", IfUnmodifiedSince=earlier)
        with refused("304", status=304):
            call(Bucket=bucket, Key="key", IfNoneMatch=etag)
        with refused("304", status=304):
            call(Bucket=bucket, Key="key", IfModifiedSince=later - timedelta(minutes=59))
    text = "At least one of the pre-conditions you specified did not hold"
    with refused("PreconditionFailed", text, 412):
        s3.put_object(Bucket=bucket, Key="key", Body=b"y", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="new", Body=b"y", IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"x"


def test_what_is_not_there_is_not_found(s3, bucket):
    with refused("NoSuchKey", "The specified key does not exist.", 404):
        s3.get_object(Bucket=bucket, Key="none")
    with refused("404", status=404):
        s3.head_object(Bucket=bucket, Key="none")
    with refused("NoSuchBucket", "The specified bucket does not exist", 404):
        s3.get_object(Bucket="no-such-bucket", Key="none")
    assert s3.delete_object(Bucket=bucket, Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_a_checksum_is_compared_kept_and_told(s3, bucket, algorithm):
    try:
        put = s3.put_object(Bucket=bucket, Key="key", Body=b"hello", ChecksumAlgorithm=algorithm)
    except Exception as error:
        if type(error).__name__ in ("MissingDependencyException", "UnsupportedChecksumError"):
            # This algorithm needs awscrt in the client; the server is asked with a value made elsewhere.
            known = {"CRC32C": "mnG7TA==", "CRC64NVME": "M3eFcAZSQlc="}[algorithm]
            put = s3.put_object(Bucket=bucket, Key="key", Body=b"hello", **{f"Checksum{algorithm}": known})
        else:
            raise
    told = put[f"Checksum{algorithm}"]
    assert s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")[f"Checksum{algorithm}"] == told
    assert f"Checksum{algorithm}" not in s3.head_object(Bucket=bucket, Key="key")
    wrong = base64.b64encode(bytes(len(base64.b64decode(told)))).decode()
    text = f"The {algorithm} you specified did not match the calculated checksum."
    with refused("BadDigest", text, 400):
        s3.put_object(Bucket=bucket, Key="other", Body=b"hello", **{f"Checksum{algorithm}": wrong})
    with refused("404"):
        s3.head_object(Bucket=bucket, Key="other")


def test_a_wrong_content_md5_is_refused(s3, bucket):
    right = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    for encryption in ("AES256", "aws:kms"):
        s3.put_object(Bucket=bucket, Key="key", Body=b"hello", ContentMD5=right, ServerSideEncryption=encryption)
        with refused("BadDigest", "The Content-MD5 you specified did not match what we received.", 400):
            s3.put_object(Bucket=bucket, Key="key", Body=b"hello", ContentMD5=wrong, ServerSideEncryption=encryption)
    with refused("InvalidDigest", status=400):
        s3.put_object(Bucket=bucket, Key="key", Body=b"hello", ContentMD5="nonsense")


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key[:20]))
def test_an_odd_key_is_put_got_listed_presigned_and_deleted(s3, bucket, key):
    content = key.encode()
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == content
    for listed in (s3.list_objects(Bucket=bucket), s3.list_objects_v2(Bucket=bucket)):
        assert [one["Key"] for one in listed["Contents"]] == [key]
    assert s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    assert fetch(url)[1] == content
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    assert [one["Key"] for one in deleted["Deleted"]] == [key]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_that_is_too_long_is_refused(s3, bucket):
    with refused("KeyTooLongError", status=400):
        s3.put_object(Bucket=bucket, Key="k" * 1025, Body=b"x")


# --- listings ---


@pytest.fixture
def shelf(s3, bucket):
    keys = ["a/1", "a/2", "a/b/3", "b", "b+c d", "c/4", "あ/5", "z"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return sorted(keys, key=str.encode)


def test_listings_keep_byte_order_and_tell_each_object(s3, bucket, shelf):
    for listed in (s3.list_objects(Bucket=bucket), s3.list_objects_v2(Bucket=bucket, FetchOwner=True)):
        assert [one["Key"] for one in listed["Contents"]] == shelf
        assert listed["IsTruncated"] is False and listed["Name"] == bucket and listed["MaxKeys"] == 1000
        for one in listed["Contents"]:
            assert one["Size"] == len(one["Key"].encode()) and one["StorageClass"] == "STANDARD"
            assert one["ETag"] == f'"{hashlib.md5(one["Key"].encode()).hexdigest()}"'
            assert len(one["Owner"]["ID"]) == 64


def test_a_prefix_and_a_delimiter_fold_a_listing(s3, bucket, shelf):
    for call in (s3.list_objects, s3.list_objects_v2):
        listed = call(Bucket=bucket, Delimiter="/")
        assert [one["Key"] for one in listed["Contents"]] == ["b", "b+c d", "z"]
        assert [one["Prefix"] for one in listed["CommonPrefixes"]] == ["a/", "c/", "あ/"]
        listed = call(Bucket=bucket, Prefix="a/", Delimiter="/")
        assert [one["Key"] for one in listed["Contents"]] == ["a/1", "a/2"]
        assert [one["Prefix"] for one in listed["CommonPrefixes"]] == ["a/b/"]
        assert [one["Key"] for one in call(Bucket=bucket, Prefix="b")["Contents"]] == ["b", "b+c d"]
        assert "Contents" not in call(Bucket=bucket, Prefix="nothing")
    assert s3.list_objects_v2(Bucket=bucket, Delimiter="/")["KeyCount"] == 6


@pytest.mark.parametrize("call", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_together_are_the_whole(s3, bucket, shelf, call, delimiter, size):
    whole = getattr(s3, call)(Bucket=bucket, **({"Delimiter": delimiter} if delimiter else {}))
    keys, prefixes = [], []
    pages = s3.get_paginator(call).paginate(
        Bucket=bucket, PaginationConfig={"PageSize": size}, **({"Delimiter": delimiter} if delimiter else {})
    )
    for page in pages:
        found = [one["Key"] for one in page.get("Contents", [])]
        folded = [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        assert 1 <= len(found) + len(folded) <= size
        keys += found
        prefixes += folded
    assert keys == [one["Key"] for one in whole["Contents"]]
    assert prefixes == [one["Prefix"] for one in whole.get("CommonPrefixes", [])]


def test_a_listing_starts_after_its_marker_also_where_no_such_key_is(s3, bucket, shelf):
    assert [one["Key"] for one in s3.list_objects(Bucket=bucket, Marker="a/2")["Contents"]] == shelf[2:]
    assert [one["Key"] for one in s3.list_objects(Bucket=bucket, Marker="a/1x")["Contents"]] == shelf[1:]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, StartAfter="b")["Contents"]] == shelf[4:]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    with refused("InvalidArgument", status=400):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="nonsense")


def test_delete_objects_tells_each_and_can_be_quiet(s3, bucket, shelf):
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/1"}, {"Key": "none"}]})
    assert sorted(one["Key"] for one in answer["Deleted"]) == ["a/1", "none"]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/2"}], "Quiet": True})
    assert "Deleted" not in answer and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket, Prefix="a/")["KeyCount"] == 1


def test_delete_objects_tells_which_ones_a_caller_may_not_delete(server, s3, bucket, shelf):
    user = server.user("user", allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/a/*"))
    objects = {"Objects": [{"Key": "a/1"}, {"Key": "z"}]}
    answer = server.client("s3", who=user).delete_objects(Bucket=bucket, Delete=objects)
    assert [one["Key"] for one in answer["Deleted"]] == ["a/1"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("z", "AccessDenied")]
    assert s3.head_object(Bucket=bucket, Key="z")["ContentLength"] == 1


# --- ways in ---


def fetch(url, method="GET", data=None, headers=None):
    request = urllib.request.Request(url, method=method, data=data, headers=headers or {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("encryption", [None, "aws:kms"])
def test_presigned_urls_put_get_and_head(s3, bucket, encryption):
    extra = {"ServerSideEncryption": encryption} if encryption else {}
    headers = {"x-amz-server-side-encryption": encryption} if encryption else {}
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a key", **extra}, ExpiresIn=60)
    assert fetch(put, "PUT", b"presigned", {"Content-Type": "", **headers})[0] == 200
    get = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "a key", "ResponseContentType": "text/x-test"}, ExpiresIn=60
    )
    assert fetch(get) == (200, b"presigned")
    head = s3.generate_presigned_url("head_object", Params={"Bucket": bucket, "Key": "a key"}, ExpiresIn=60)
    assert fetch(head, "HEAD")[0] == 200
    # A presigned URL is for what it names.
    status, answer = fetch(get.replace("/a%20key", "/another"))
    assert status == 403 and b"SignatureDoesNotMatch" in answer
    status, answer = fetch(get, "DELETE")
    assert status == 403 and b"SignatureDoesNotMatch" in answer
    assert s3.head_object(Bucket=bucket, Key="a key")["ServerSideEncryption"] == (encryption or "AES256")


def test_virtual_host_addressing_works(server, bucket, monkeypatch):
    """Names under .localhost mean this machine; not every resolver knows, so the test tells it."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: resolve("127.0.0.1" if str(host).endswith("localhost") else host, *rest, **more),
    )
    _, port = server.address
    s3 = server.client("s3", endpoint=f"http://localhost:{port}", s3={"addressing_style": "virtual"})
    hosts = []
    s3.meta.events.register("before-send.s3.*", lambda request, **_: hosts.append(request.url))
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"virtual")
    assert s3.get_object(Bucket=bucket, Key="a b/ü")["Body"].read() == b"virtual"
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a b/ü"]
    s3.create_bucket(Bucket="dotted.name")
    s3.put_object(Bucket="dotted.name", Key="k", Body=b"x")
    assert any(url.startswith(f"http://{bucket}.localhost:{port}/") for url in hosts)
    assert server.client("s3").get_object(Bucket=bucket, Key="a b/ü")["Body"].read() == b"virtual"


@pytest.mark.serve("--domain", "example.test")
def test_virtual_hosts_hang_under_the_domain_that_was_chosen(server, bucket):
    for start in (f"{bucket}.s3.", f"{bucket}.s3.us-east-1."):
        host = {"Host": f"{start}example.test"}
        assert server.call("s3", "PUT", "/a%20key", host, b"by host").status == 200, host
        assert server.call("s3", "GET", "/a%20key", host).body == b"by host"
        assert server.client("s3").get_object(Bucket=bucket, Key="a key")["Body"].read() == b"by host"
        assert server.call("s3", "DELETE", "/a%20key", host).status == 204
        assert b"<Name>bucket</Name>" in server.call("s3", "GET", "/?list-type=2", host).body
    for host in ("example.test", "s3.example.test", "s3.us-east-1.example.test"):
        assert b"<Name>bucket</Name>" in server.call("s3", "GET", f"/{bucket}?list-type=2", {"Host": host}).body


def test_the_cli_copies_lists_and_removes(server, bucket):
    (server.folder / "a file.txt").write_bytes(body(100_000))
    server.aws("s3", "cp", "a file.txt", f"s3://{bucket}/in a/folder.txt")
    assert "100000 folder.txt" in server.aws("s3", "ls", f"s3://{bucket}/in a/").stdout
    server.aws("s3", "cp", f"s3://{bucket}/in a/folder.txt", "back.txt")
    assert (server.folder / "back.txt").read_bytes() == body(100_000)
    server.aws("s3", "rm", "--recursive", f"s3://{bucket}/")
    assert server.aws("s3", "ls", f"s3://{bucket}/", check=False).stdout == ""


# --- encryption and policies ---


def test_bucket_encryption_has_a_default_and_can_be_set_and_deleted(server, s3, bucket):
    def rule():
        found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert len(found) == 1 and found[0]["BucketKeyEnabled"] is False
        return found[0]["ApplyServerSideEncryptionByDefault"]

    def put(*rules):
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": list(rules)})

    assert rule() == {"SSEAlgorithm": "AES256"}
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    kms = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    put(kms)
    assert rule() == kms["ApplyServerSideEncryptionByDefault"]
    for wrong in ([], [kms, kms]):
        with refused("MalformedXML", status=400):
            put(*wrong)
    text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
    with refused("InvalidArgument", text, 400):
        put({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": key}})
    assert rule() == kms["ApplyServerSideEncryptionByDefault"]
    for _ in range(2):
        assert s3.delete_bucket_encryption(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert rule() == {"SSEAlgorithm": "AES256"}


def test_request_headers_beat_the_bucket_default_which_beats_sse_s3(server, s3, bucket):
    kms = server.client("kms")
    one, two = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))

    def sealed(**asked):
        s3.put_object(Bucket=bucket, Key="key", Body=b"x", **asked)
        head = s3.head_object(Bucket=bucket, Key="key")
        return head["ServerSideEncryption"], head.get("SSEKMSKeyId")

    assert sealed() == ("AES256", None)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": one}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
    assert sealed() == ("aws:kms", one)
    assert sealed(ServerSideEncryption="AES256") == ("AES256", None)
    kms.create_alias(AliasName="alias/two", TargetKeyId=two)
    for form in (two, two.split("/")[1], "alias/two"):
        assert sealed(ServerSideEncryption="aws:kms", SSEKMSKeyId=form) == ("aws:kms", two)
    s3.delete_bucket_encryption(Bucket=bucket)
    algorithm, managed = sealed(ServerSideEncryption="aws:kms")
    assert algorithm == "aws:kms"
    described = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (described["Arn"], described["KeyManager"]) == (managed, "AWS")


def test_a_key_that_cannot_be_used_refuses_the_put(server, s3, bucket):
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.disable_key(KeyId=key["KeyId"])
    asked = {"Bucket": bucket, "Key": "key", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    with refused("KMS.DisabledException", f"{key['Arn']} is disabled.", 400):
        s3.put_object(**asked, SSEKMSKeyId=key["Arn"])
    absent = key["Arn"].rsplit("/", 1)[0] + "/11111111-2222-3333-4444-555555555555"
    with refused("KMS.NotFoundException", f"Key '{absent}' does not exist", 400):
        s3.put_object(**asked, SSEKMSKeyId=absent)
    with refused("KMS.NotFoundException", "Invalid keyId 'nonsense'", 400):
        s3.put_object(**asked, SSEKMSKeyId="nonsense")
    elsewhere = server.client("kms", "eu-west-1").create_key()["KeyMetadata"]["Arn"]
    with refused("KMS.NotFoundException", "Invalid arn eu-west-1", 400):
        s3.put_object(**asked, SSEKMSKeyId=elsewhere)
    user = server.user("user", allow("s3:PutObject"))
    good = kms.create_key()["KeyMetadata"]["Arn"]
    with refused("AccessDenied", deny_text(user, "kms:GenerateDataKey", good), 403):
        server.client("s3", who=user).put_object(**asked, SSEKMSKeyId=good)
    with refused("404"):
        s3.head_object(Bucket=bucket, Key="key")


def test_s3_asks_the_key_in_the_callers_name_and_says_so(server, s3, bucket):
    """kms:ViaService and the object's ARN in the encryption context, as a key policy can demand them."""
    kms = server.client("kms")
    user = server.user("user", allow("s3:*"))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    document = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    condition = {
        "StringEquals": {
            "kms:ViaService": "s3.us-east-1.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/allowed",
        }
    }
    actions = ["kms:GenerateDataKey", "kms:Decrypt"]
    document["Statement"].append(allow(actions, Principal={"AWS": user.arn}, Condition=condition))
    kms.put_key_policy(KeyId=key, Policy=json.dumps(document))
    as_user = server.client("s3", who=user)
    asked = {"Bucket": bucket, "Body": b"x", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    as_user.put_object(Key="allowed", **asked)
    assert as_user.get_object(Bucket=bucket, Key="allowed")["Body"].read() == b"x"
    with refused("AccessDenied", status=403):
        as_user.put_object(Key="other", **asked)
    with refused("AccessDeniedException", status=400):
        server.client("kms", who=user).generate_data_key(
            KeyId=key, KeySpec="AES_256", EncryptionContext={"aws:s3:arn": f"arn:aws:s3:::{bucket}/allowed"}
        )
    # The client's own context is bound as well.
    context = base64.b64encode(b'{"project":"x"}').decode()
    s3.put_object(Key="with-context", SSEKMSEncryptionContext=context, **asked)
    assert s3.get_object(Bucket=bucket, Key="with-context")["Body"].read() == b"x"


def test_bucket_policies_are_kept_as_sent_and_bind(server, s3, bucket):
    with refused("NoSuchBucketPolicy", "The bucket policy does not exist", 404):
        s3.get_bucket_policy(Bucket=bucket)
    user = server.user("user")
    as_user = server.client("s3", who=user)
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"x")
    s3.put_object(Bucket=bucket, Key="closed/a", Body=b"x")
    text = deny_text(user, "s3:GetObject", f'"arn:aws:s3:::{bucket}/open/a"')
    with refused("AccessDenied", text, 403):
        as_user.get_object(Bucket=bucket, Key="open/a")
    written = policy(
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": user.arn}),
        {**allow("s3:*", f"arn:aws:s3:::{bucket}/closed/*", Principal={"AWS": user.arn}), "Effect": "Deny"},
        allow(
            "s3:ListBucket",
            f"arn:aws:s3:::{bucket}",
            Principal={"AWS": user.arn},
            Condition={"StringLike": {"s3:prefix": "open/*"}},
        ),
    )
    assert s3.put_bucket_policy(Bucket=bucket, Policy=written)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(written)
    assert as_user.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"x"
    with refused("AccessDenied", re.compile("with an explicit deny in a resource-based policy"), 403):
        as_user.get_object(Bucket=bucket, Key="closed/a")
    assert as_user.list_objects_v2(Bucket=bucket, Prefix="open/")["KeyCount"] == 1
    for prefix in ("", "closed/"):
        with refused("AccessDenied", status=403):
            as_user.list_objects_v2(Bucket=bucket, Prefix=prefix)
    # Without s3:ListBucket an absent key is not told from a forbidden one.
    with refused("AccessDenied", status=403):
        as_user.get_object(Bucket=bucket, Key="absent")
    s3.delete_bucket_policy(Bucket=bucket)
    with refused("AccessDenied", status=403):
        as_user.get_object(Bucket=bucket, Key="open/a")


@pytest.mark.parametrize(
    "text", ["not json", "{}", "[]", '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}', '{"Statement":"x"}']
)
def test_a_bucket_policy_that_is_none_is_refused(s3, bucket, text):
    with refused("MalformedPolicy", status=400):
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)


def deny_if(bucket, action, condition):
    start = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{bucket}/*"}
    return policy({**start, "Condition": condition})


def test_a_policy_can_deny_by_the_page_that_links_to_it(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    condition = {"StringLike": {"aws:Referer": "http://elsewhere.test/*"}}
    s3.put_bucket_policy(Bucket=bucket, Policy=deny_if(bucket, "s3:GetObject", condition))
    for referer, status in (("http://elsewhere.test/page", 403), ("http://here.test/page", 200)):
        assert server.call("s3", "GET", f"/{bucket}/key", {"Referer": referer}).status == status, referer
    assert server.call("s3", "GET", f"/{bucket}/key").status == 200


def test_a_policy_can_demand_signed_bodies_of_presigned_urls_too(server, s3, bucket):
    condition = {"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}
    s3.put_bucket_policy(Bucket=bucket, Policy=deny_if(bucket, "s3:PutObject", condition))
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "key"})
    status, answer = fetch(url, "PUT", b"x")
    assert status == 403 and b"<Code>AccessDenied</Code>" in answer
    assert server.call("s3", "PUT", f"/{bucket}/key", body=b"x").status == 200


@pytest.mark.serve("--aws-behavior", "current")
def test_today_a_new_bucket_has_no_acls(s3, bucket):
    with refused("InvalidBucketAclWithObjectOwnership", status=400):
        s3.create_bucket(Bucket="with-acl", ACL="public-read")
    with refused("AccessControlListNotSupported", status=400):
        s3.put_object(Bucket=bucket, Key="key", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", ACL="bucket-owner-full-control")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [bucket]


def test_a_policy_can_demand_the_encryption_header(server, s3, bucket):
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny))
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", ServerSideEncryption="aws:kms")
    for asked in ({}, {"ServerSideEncryption": "AES256"}):
        with refused("AccessDenied", status=403):
            s3.put_object(Bucket=bucket, Key="key", Body=b"x", **asked)


def test_nobody_unsigned_gets_in_without_a_policy_that_says_so(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"public")
    anyone = server.client("s3", who=ANONYMOUS)
    for call in (anyone.get_object, anyone.delete_object):
        with refused("AccessDenied", status=403):
            call(Bucket=bucket, Key="key")
    with refused("AccessDenied", status=403):
        anyone.list_buckets()
    open_to_all = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*")
    with refused("AccessDenied", status=403):
        # New buckets block policies that are public; one for fixed addresses is not.
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(open_to_all))
    local = allow(
        "s3:GetObject",
        f"arn:aws:s3:::{bucket}/*",
        Principal="*",
        Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}},
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(local))
    assert anyone.get_object(Bucket=bucket, Key="key")["Body"].read() == b"public"
    with refused("AccessDenied", status=403):
        anyone.put_object(Bucket=bucket, Key="key", Body=b"x")


def test_a_public_policy_in_disguise_is_blocked(s3, bucket):
    disguise = {"StringEquals": {"aws:PrincipalAccount": "anonymous"}}
    for action in ("s3:GetObject", "s3:PutObject"):
        statement = allow(action, f"arn:aws:s3:::{bucket}/*", Principal="*", Condition=disguise)
        with refused("AccessDenied", status=403):
            s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement))
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)


def test_an_unsigned_call_that_makes_no_sense_is_in_the_owners_history(server, bucket):
    answer = server.send("PUT", f"/{bucket}?encryption", {"Content-Type": "application/xml"}, b"<not xml")
    assert answer.status in (400, 403) and answer.code
    asked = [{"AttributeKey": "EventName", "AttributeValue": "PutBucketEncryption"}]
    found = poll(lambda: server.client("cloudtrail").lookup_events(LookupAttributes=asked)["Events"])
    record = json.loads(found[0]["CloudTrailEvent"])
    assert record["errorCode"] == answer.code
    assert record["userIdentity"]["accountId"] == "anonymous"
    assert record["recipientAccountId"] == ACCOUNT


def test_unsigned_uploads_are_decoded_and_compared_like_signed_ones(server, s3, bucket):
    local = {"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}
    statement = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*", Principal="*", Condition=local)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement))
    chunked = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    for crc, status in (("NhCmhg==", 200), ("AAAAAA==", 400)):
        sent = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n".encode()
        assert server.send("PUT", f"/{bucket}/key", chunked, sent).status == status
    got = s3.get_object(Bucket=bucket, Key="key")
    assert got["Body"].read() == b"hello" and got.get("ContentEncoding", "") == ""
    of_another = {"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()}
    answer = server.send("PUT", f"/{bucket}/key", of_another, b"false")
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"hello"


def test_every_answer_carries_its_request_ids(server, s3, bucket):
    answer = s3.list_buckets()["ResponseMetadata"]
    assert answer["RequestId"] and answer["HostId"]
    failed = server.call("s3", "GET", f"/{bucket}/none")
    assert failed.headers["content-type"].startswith("application/xml")
    shown = re.search(rb"<RequestId>([^<]+)</RequestId>", failed.body).group(1).decode()
    assert failed.headers["x-amz-request-id"] == shown and failed.headers["x-amz-id-2"]
    for client in (server.client("kms"), server.client("sts"), server.client("ec2")):
        name = {"kms": "list_keys", "sts": "get_caller_identity", "ec2": "describe_regions"}[client.meta.service_model.service_name]
        assert getattr(client, name)()["ResponseMetadata"]["RequestId"]


# --- what a later release brings ---

BY_NAME = {
    "PutBucketWebsite": {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}},
    "PutBucketCors": {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}},
    "PutBucketNotificationConfiguration": {"NotificationConfiguration": {}},
    "PutBucketAccelerateConfiguration": {"AccelerateConfiguration": {"Status": "Enabled"}},
    "PutBucketRequestPayment": {"RequestPaymentConfiguration": {"Payer": "Requester"}},
    "DeleteBucketReplication": {},
    "RestoreObject": {"Key": "k"},
    "SelectObjectContent": {
        "Key": "k",
        "Expression": "SELECT *",
        "ExpressionType": "SQL",
        "InputSerialization": {"CSV": {}},
        "OutputSerialization": {"CSV": {}},
    },
    "GetObjectTorrent": {"Key": "k"},
    "RenameObject": {"Key": "k", "RenameSource": "/bucket/other"},
}


@pytest.mark.parametrize("operation", BY_NAME)
def test_an_operation_that_comes_later_says_so_by_name(s3, bucket, operation):
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    with refused("NotImplemented", re.compile(operation), 501):
        getattr(s3, method)(Bucket=bucket, **BY_NAME[operation])


def test_settings_that_come_later_say_so_by_name(s3, bucket):
    for asked in (
        {"ServerSideEncryption": "aws:fsx"},
        {"StorageClass": "GLACIER"},
    ):
        with refused("NotImplemented", status=501):
            s3.put_object(Bucket=bucket, Key="key", Body=b"x", **asked)
    with refused("404"):
        s3.head_object(Bucket=bucket, Key="key")


def test_buckets_of_all_regions_share_one_list(server, s3):
    for region in SEVENTEEN_REGIONS:
        make_bucket(server, f"in-{region}", region)
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [f"in-{region}" for region in SEVENTEEN_REGIONS]
