"""CopyObject and UploadPartCopy as boto3 sees them: what is kept, what is sealed anew, conditions, rights, accounts, Regions."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import allow, make_bucket, poll, policy, refused

MIB = 1024 * 1024
PART = 5 * MIB


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


def body(size, seed=0):
    return random.Random(seed).randbytes(size)


def source(bucket, key="from", **more):
    return {"Bucket": bucket, "Key": key, **more}


@pytest.mark.parametrize("size", [0, 1, 100 * 1024, PART + 3])
def test_a_copy_has_the_bytes_and_what_the_directive_says(s3, bucket, size):
    content = body(size)
    told = {"ContentType": "text/x-a", "CacheControl": "no-store", "Metadata": {"a": "1"}}
    s3.put_object(Bucket=bucket, Key="from", Body=content, **told)
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket))
    got = s3.get_object(Bucket=bucket, Key="to")
    assert got["Body"].read() == content
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/x-a", "no-store", {"a": "1"})
    assert copied["CopyObjectResult"]["ETag"] == got["ETag"] == s3.head_object(Bucket=bucket, Key="from")["ETag"]
    assert copied["CopyObjectResult"]["LastModified"].replace(microsecond=0) == got["LastModified"]
    s3.copy_object(
        Bucket=bucket, Key="to", CopySource=source(bucket), MetadataDirective="REPLACE", ContentType="text/x-b"
    )
    got = s3.get_object(Bucket=bucket, Key="to")
    assert (got["ContentType"], got["Metadata"]) == ("text/x-b", {}) and "CacheControl" not in got
    with refused("InvalidArgument", "Unknown metadata directive.", 400):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket), MetadataDirective="KEEP")


def test_a_copy_onto_itself_must_change_something(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"x", Metadata={"a": "1"})
    text = (
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes."
    )
    with refused("InvalidRequest", text, 400):
        s3.copy_object(Bucket=bucket, Key="from", CopySource=source(bucket))
    s3.copy_object(Bucket=bucket, Key="from", CopySource=source(bucket), MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert s3.head_object(Bucket=bucket, Key="from")["Metadata"] == {"b": "2"}
    s3.copy_object(Bucket=bucket, Key="from", CopySource=source(bucket), ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket=bucket, Key="from")["ServerSideEncryption"] == "aws:kms"


def test_a_copy_is_sealed_as_its_request_or_its_bucket_says(server, s3, bucket):
    """Rows: how the source is sealed, what the copy asks for, what the target's bucket does by default."""
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    by_default = make_bucket(server, "by-default")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=by_default, ServerSideEncryptionConfiguration={"Rules": [rule]})
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    aes = {"ServerSideEncryption": "AES256"}
    content = body(50_000)
    for name, sealed in (("plain", {}), ("kms", kms)):
        s3.put_object(Bucket=bucket, Key=name, Body=content, **sealed)
    for name in ("plain", "kms"):
        for target, asked, expected in [
            (bucket, {}, "AES256"),
            (bucket, kms, "aws:kms"),
            (bucket, aes, "AES256"),
            (by_default, {}, "aws:kms"),
            (by_default, aes, "AES256"),
        ]:
            case = (name, target, asked, expected)
            copied = s3.copy_object(Bucket=target, Key="to", CopySource=source(bucket, name), **asked)
            assert copied["ServerSideEncryption"] == expected, case
            assert copied.get("SSEKMSKeyId") == (key if expected == "aws:kms" else None), case
            got = s3.get_object(Bucket=target, Key="to")
            assert (got["Body"].read(), got["ServerSideEncryption"]) == (content, expected), case


def test_conditions_on_the_source(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="from", Body=b"x")
    at = s3.head_object(Bucket=bucket, Key="from")["LastModified"]

    def copy(**more):
        return s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket), **more)

    for failing in (
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": put["ETag"]},
        {"CopySourceIfModifiedSince": at},
        {"CopySourceIfUnmodifiedSince": at.replace(year=at.year - 1)},
    ):
        with refused("PreconditionFailed", status=412):
            copy(**failing)
    copy(CopySourceIfMatch=put["ETag"])
    copy(CopySourceIfNoneMatch='"other"', CopySourceIfUnmodifiedSince=at)
    with refused("PreconditionFailed", status=412):
        copy(IfNoneMatch="*")
    with refused("NoSuchKey", status=404):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket, "absent"))
    with refused("NoSuchBucket", status=404):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source("no-such-bucket"))


def test_versions_of_the_source(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="from", Body=b"old")["VersionId"]
    new = s3.put_object(Bucket=bucket, Key="from", Body=b"new")["VersionId"]
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket, VersionId=old))
    assert copied["CopySourceVersionId"] == old and copied["VersionId"] not in (old, new)
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"old"
    assert s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket))["CopySourceVersionId"] == new
    # An older version becomes the latest by a copy onto itself.
    s3.copy_object(Bucket=bucket, Key="from", CopySource=source(bucket, VersionId=old))
    assert s3.get_object(Bucket=bucket, Key="from")["Body"].read() == b"old"
    marker = s3.delete_object(Bucket=bucket, Key="from")["VersionId"]
    text = "The source of a copy request may not specifically refer to a delete marker by version id."
    with refused("InvalidRequest", text, 400):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket, VersionId=marker))
    with refused("NoSuchKey", status=404):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket))


def test_across_regions_and_accounts(server, s3, bucket):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.put_object(Bucket=bucket, Key="from", Body=b"x" * 1000, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    make_bucket(server, "in-ireland", "eu-west-1")
    away = server.client("s3", "eu-west-1")
    away.copy_object(Bucket="in-ireland", Key="to", CopySource=source(bucket), ServerSideEncryption="aws:kms")
    got = away.get_object(Bucket="in-ireland", Key="to")
    assert got["Body"].read() == b"x" * 1000 and ":eu-west-1:" in got["SSEKMSKeyId"]
    # Another account copies what it is let read into a bucket of its own.
    s3.put_object(Bucket=bucket, Key="open", Body=b"shared")
    other = server.account("111111111111")
    theirs = server.client("s3", who=other)
    theirs.create_bucket(Bucket="theirs")
    with refused("AccessDenied", status=403):
        theirs.copy_object(Bucket="theirs", Key="to", CopySource=source(bucket, "open"))
    statement = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/open", Principal={"AWS": other.account})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement))
    theirs.copy_object(Bucket="theirs", Key="to", CopySource=source(bucket, "open"))
    assert theirs.get_object(Bucket="theirs", Key="to")["Body"].read() == b"shared"
    with refused("AccessDenied", status=403):
        theirs.copy_object(Bucket="theirs", Key="to", CopySource=source(bucket, "open"), CopySourceIfMatch="x", ExpectedSourceBucketOwner=other.account)


def test_rights_on_both_sides_and_their_conditions(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"x")
    arn = f"arn:aws:s3:::{bucket}"
    read, write = allow("s3:GetObject", f"{arn}/from"), allow("s3:PutObject", f"{arn}/to")

    def copy(name, *statements, **more):
        who = server.client("s3", who=server.user(name, *statements))
        return who.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket), **more)

    with refused("AccessDenied", status=403):
        copy("reader", read)
    with refused("AccessDenied", status=403):
        copy("writer", write)
    copy("both", read, write)
    only = {"StringEquals": {"s3:x-amz-copy-source": f"{bucket}/from", "s3:x-amz-metadata-directive": "REPLACE"}}
    narrow = allow("s3:PutObject", f"{arn}/to", Condition=only)
    with refused("AccessDenied", status=403):
        copy("narrow", read, narrow)
    copy("narrower", read, narrow, MetadataDirective="REPLACE")


def test_ranges_become_parts(s3, bucket):
    content = body(PART + 1000)
    s3.put_object(Bucket=bucket, Key="from", Body=content, ServerSideEncryption="aws:kms")
    where = {"Bucket": bucket, "Key": "to"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    ranges = [(0, PART - 1), (100, PART + 999)]
    parts = []
    for number, (first, last) in enumerate(ranges, 1):
        made = s3.upload_part_copy(
            **where, PartNumber=number, CopySource=source(bucket), CopySourceRange=f"bytes={first}-{last}"
        )
        parts.append({"PartNumber": number, "ETag": made["CopyPartResult"]["ETag"]})
    text = f"Range specified is not valid for source object of size: {len(content)}"
    with refused("InvalidArgument", text, 400):
        s3.upload_part_copy(**where, PartNumber=3, CopySource=source(bucket), CopySourceRange="bytes=0-99999999")
    with refused("InvalidArgument", status=400):
        s3.upload_part_copy(**where, PartNumber=3, CopySource=source(bucket), CopySourceRange="bytes=5-")
    whole = s3.upload_part_copy(**where, PartNumber=3, CopySource=source(bucket))["CopyPartResult"]["ETag"]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts + [{"PartNumber": 3, "ETag": whole}]})
    expected = b"".join(content[first : last + 1] for first, last in ranges) + content
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == expected
    # An object of parts is copied in one piece.
    s3.copy_object(Bucket=bucket, Key="again", CopySource=source(bucket, "to"))
    got = s3.get_object(Bucket=bucket, Key="again")
    assert got["Body"].read() == expected and "-" not in got["ETag"]


def test_customers_keys_on_both_sides(s3, bucket):
    old, new = ({"Algorithm": "AES256", "Key": letter * 32} for letter in "ab")
    sealed = {f"SSECustomer{name}": value for name, value in old.items()}
    s3.put_object(Bucket=bucket, Key="from", Body=b"secret", **sealed)
    with refused("InvalidRequest", status=400):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket))
    opened = {f"CopySourceSSECustomer{name}": value for name, value in old.items()}
    anew = {f"SSECustomer{name}": value for name, value in new.items()}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket), **opened, **anew)
    assert s3.get_object(Bucket=bucket, Key="to", **anew)["Body"].read() == b"secret"
    where = {"Bucket": bucket, "Key": "parts"}
    where["UploadId"] = s3.create_multipart_upload(**where, **anew)["UploadId"]
    with refused("InvalidRequest", status=400):
        s3.upload_part(**where, PartNumber=1, Body=b"x")
    part = s3.upload_part(**where, PartNumber=1, Body=b"x", **anew)
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    with refused("400", status=400):
        s3.head_object(Bucket=bucket, Key="parts")
    assert s3.get_object(Bucket=bucket, Key="parts", **anew)["Body"].read() == b"x"


def test_copies_free_what_they_replace(server, s3, bucket):
    blobs = lambda: len(list((server.data_dir / "blobs").glob("*/*")))
    s3.put_object(Bucket=bucket, Key="from", Body=body(MIB))
    for _ in range(3):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source(bucket))
    poll(lambda: blobs() == 2)


def test_a_source_that_is_replaced_meanwhile_is_copied_as_it_is_now(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="busy")
    s3.put_object(Bucket="busy", Key="source", Body=b"0" * 40_000)
    upload = s3.create_multipart_upload(Bucket="busy", Key="parts")["UploadId"]
    end = time.time() + 6

    def repeat(act):
        while time.time() < end:
            act()

    def put(digit):
        s3.put_object(Bucket="busy", Key="source", Body=digit * 40_000)

    def copy(key):
        s3.copy_object(Bucket="busy", Key=key, CopySource="busy/source")
        assert len(set(s3.get_object(Bucket="busy", Key=key)["Body"].read())) == 1

    def copy_part():
        s3.upload_part_copy(Bucket="busy", Key="parts", UploadId=upload, PartNumber=1, CopySource="busy/source")

    acts = [lambda: put(b"1"), lambda: put(b"2"), lambda: copy("a"), lambda: copy("b"), copy_part]
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(repeat, act) for act in acts]:
            done.result()
