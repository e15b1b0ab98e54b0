"""Multipart uploads as boto3 sees them: parts, their tags, limits, listings, sealing, rights, and what is freed."""

import hashlib
import io
import pathlib
import random
from concurrent.futures import ThreadPoolExecutor

import boto3.s3.transfer
import pytest
from harness import ACCOUNT, allow, make_bucket, make_trail, policy, poll, refused

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


def begin(s3, bucket, key="key", **more):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]


def put(s3, bucket, upload, number, content, key="key", **more):
    answer = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=content, **more)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(s3, bucket, upload, parts, key="key", **more):
    named = {"Parts": parts}
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=named, **more)


def blobs(server):
    """The files of sealed bytes that are there."""
    return sorted(path.name for path in (server.data_dir / "blobs").glob("*/*"))


def md5_of_md5s(contents):
    digests = b"".join(hashlib.md5(content).digest() for content in contents)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(contents)}"'


@pytest.mark.parametrize("encryption", ["AES256", "aws:kms"])
def test_parts_become_an_object_that_is_read_whole_by_range_and_by_part(s3, bucket, encryption):
    contents = [body(PART, 1), body(PART + 12345, 2), body(1000, 3)]
    whole = b"".join(contents)
    headers = {"ContentType": "text/x-parts", "Metadata": {"a": "b"}}
    upload = begin(s3, bucket, ServerSideEncryption=encryption, **headers)
    # Numbers may have gaps, and parts come in any order.
    numbers = [2, 5, 9]
    parts = [put(s3, bucket, upload, number, content) for number, content in reversed(list(zip(numbers, contents)))]
    done = complete(s3, bucket, upload, parts[::-1])
    assert (done["Bucket"], done["Key"], done["ServerSideEncryption"]) == (bucket, "key", encryption)
    assert done["ETag"].endswith('-3"')
    if encryption == "AES256":
        assert done["ETag"] == md5_of_md5s(contents)
    got = s3.get_object(Bucket=bucket, Key="key")
    assert got["Body"].read() == whole
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == ("text/x-parts", {"a": "b"}, done["ETag"])
    edges = [0, 1, PART - 1, PART, PART + 1, 2 * PART + 12344, 2 * PART + 12345, len(whole) - 1]
    for first in edges:
        for last in [one for one in edges if one >= first]:
            ranged = s3.get_object(Bucket=bucket, Key="key", Range=f"bytes={first}-{last}")
            assert ranged["Body"].read() == whole[first : last + 1], (first, last)
    for number, content in zip(numbers, contents):
        got = s3.get_object(Bucket=bucket, Key="key", PartNumber=number)
        assert got["Body"].read() == content
        assert (got["PartsCount"], got["ResponseMetadata"]["HTTPStatusCode"]) == (3, 206)
        head = s3.head_object(Bucket=bucket, Key="key", PartNumber=number)
        assert (head["ContentLength"], head["PartsCount"]) == (len(content), 3)
    with refused("InvalidPartNumber", "The requested partnumber is not satisfiable", 416):
        s3.get_object(Bucket=bucket, Key="key", PartNumber=3)
    assert "PartsCount" not in s3.head_object(Bucket=bucket, Key="key")
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [(one["Key"], one["Size"], one["ETag"]) for one in listed] == [("key", len(whole), done["ETag"])]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_completing_again_answers_the_same_and_another_way_does_not(s3, bucket):
    upload = begin(s3, bucket)
    parts = [put(s3, bucket, upload, 1, body(PART)), put(s3, bucket, upload, 2, b"end")]
    done = complete(s3, bucket, upload, parts)
    again = complete(s3, bucket, upload, parts)
    assert {k: v for k, v in again.items() if k != "ResponseMetadata"} == {
        k: v for k, v in done.items() if k != "ResponseMetadata"
    }
    with refused("NoSuchUpload", status=404):
        complete(s3, bucket, upload, parts[:1])
    with refused("NoSuchUpload", status=404):
        put(s3, bucket, upload, 3, b"late")
    s3.put_object(Bucket=bucket, Key="key", Body=b"other")
    with refused("NoSuchUpload", status=404):
        complete(s3, bucket, upload, parts)


def test_what_does_not_fit_is_refused_with_awss_words(s3, bucket):
    upload = begin(s3, bucket)
    small, last = put(s3, bucket, upload, 1, b"small"), put(s3, bucket, upload, 2, b"last")
    with refused("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400) as error:
        complete(s3, bucket, upload, [small, last])
    assert (error["ProposedSize"], error["MinSizeAllowed"], error["PartNumber"]) == ("5", "5242880", "1")
    with refused("InvalidPartOrder", status=400):
        complete(s3, bucket, upload, [last, small])
    with refused("InvalidPartOrder", status=400):
        complete(s3, bucket, upload, [small, small])
    with refused("InvalidPart", status=400) as error:
        complete(s3, bucket, upload, [{**small, "ETag": '"' + "0" * 32 + '"'}])
    assert error["UploadId"] == upload
    with refused("InvalidPart", status=400):
        complete(s3, bucket, upload, [{"PartNumber": 3, "ETag": small["ETag"]}])
    with refused("MalformedXML", status=400):
        complete(s3, bucket, upload, [])
    text = "Part number must be an integer between 1 and 10000, inclusive"
    for number in (0, 10001):
        with refused("InvalidArgument", text, 400):
            put(s3, bucket, upload, number, b"")
    text = "The provided 'x-amz-mp-object-size' header value 6 does not match what was computed: 5"
    with refused("InvalidRequest", text, 400):
        complete(s3, bucket, upload, [small], MpuObjectSize=6)
    gone = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    for wrong in ("nonsense", upload[:-1] + "g", "0" * 48):
        with refused("NoSuchUpload", gone, 404):
            s3.list_parts(Bucket=bucket, Key="key", UploadId=wrong)
    with refused("NoSuchUpload", gone, 404):
        s3.list_parts(Bucket=bucket, Key="other-key", UploadId=upload)
    complete(s3, bucket, upload, [small], MpuObjectSize=5)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"small"


def test_conditions_hold_at_completion(s3, bucket):
    upload = begin(s3, bucket)
    part = put(s3, bucket, upload, 1, b"new")
    old = s3.put_object(Bucket=bucket, Key="key", Body=b"old")
    with refused("PreconditionFailed", status=412):
        complete(s3, bucket, upload, [part], IfNoneMatch="*")
    with refused("PreconditionFailed", status=412):
        complete(s3, bucket, upload, [part], IfMatch='"other"')
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"old"
    complete(s3, bucket, upload, [part], IfMatch=old["ETag"])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"new"


def test_parts_are_listed_in_pages(s3, bucket):
    upload = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    named = [put(s3, bucket, upload, number, b"x" * number, ChecksumAlgorithm="SHA256") for number in (1, 3, 4, 7)]
    page = s3.list_parts(Bucket=bucket, Key="key", UploadId=upload, MaxParts=3)
    assert [part["PartNumber"] for part in page["Parts"]] == [1, 3, 4]
    assert (page["IsTruncated"], page["NextPartNumberMarker"], page["MaxParts"]) == (True, 4, 3)
    assert (page["ChecksumAlgorithm"], page["ChecksumType"]) == ("SHA256", "COMPOSITE")
    assert [part["ETag"] for part in page["Parts"]] == [part["ETag"] for part in named[:3]]
    assert [part["Size"] for part in page["Parts"]] == [1, 3, 4]
    assert all(len(part["ChecksumSHA256"]) == 44 for part in page["Parts"])
    assert len(page["Owner"]["ID"]) == 64 and page["Initiator"]["ID"] == page["Owner"]["ID"]
    rest = s3.list_parts(Bucket=bucket, Key="key", UploadId=upload, PartNumberMarker=4)
    assert [part["PartNumber"] for part in rest["Parts"]] == [7] and not rest["IsTruncated"]
    put(s3, bucket, upload, 3, b"replaced", ChecksumAlgorithm="SHA256")
    parts = s3.list_parts(Bucket=bucket, Key="key", UploadId=upload)["Parts"]
    assert [part["Size"] for part in parts] == [1, 8, 4, 7]


def test_uploads_are_listed_by_key_and_time_in_pages(s3, bucket):
    keys = ["a", "a", "a/b", "a/c", "b é", "b é", "c"]
    begun = [(key, begin(s3, bucket, key)) for key in keys]

    def pages(**more):
        found, prefixes, markers = [], [], {}
        while True:
            page = s3.list_multipart_uploads(Bucket=bucket, **markers, **more)
            found += [(one["Key"], one["UploadId"]) for one in page.get("Uploads", [])]
            prefixes += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
            if not page["IsTruncated"]:
                return found, prefixes
            markers = {"KeyMarker": page["NextKeyMarker"]}
            if page.get("NextUploadIdMarker"):
                markers["UploadIdMarker"] = page["NextUploadIdMarker"]

    for size in (1, 2, 3, 1000):
        assert pages(MaxUploads=size) == (begun, []), size
        folded = [one for one in begun if not one[0].startswith("a/")]
        assert pages(MaxUploads=size, Delimiter="/") == (folded, ["a/"]), size
        assert pages(MaxUploads=size, Prefix="a/") == ([one for one in begun if one[0].startswith("a/")], []), size
    after = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a")
    assert [one["Key"] for one in after["Uploads"]] == keys[2:]
    assert after["Uploads"][0]["Initiated"] and after["Uploads"][0]["StorageClass"] == "STANDARD"


def test_what_is_replaced_aborted_left_out_or_deleted_is_freed(server, s3, bucket):
    upload = begin(s3, bucket)
    first = put(s3, bucket, upload, 1, body(PART, 1))
    put(s3, bucket, upload, 2, body(PART, 2))
    assert len(blobs(server)) == 2
    first = put(s3, bucket, upload, 1, body(PART, 3))
    poll(lambda: len(blobs(server)) == 2)
    put(s3, bucket, upload, 3, b"small")
    complete(s3, bucket, upload, [first])
    poll(lambda: len(blobs(server)) == 1)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body(PART, 3)
    other = begin(s3, bucket, "other")
    put(s3, bucket, other, 1, body(PART, 4), key="other")
    s3.abort_multipart_upload(Bucket=bucket, Key="other", UploadId=other)
    with refused("NoSuchUpload", status=404):
        s3.abort_multipart_upload(Bucket=bucket, Key="other", UploadId=other)
    poll(lambda: len(blobs(server)) == 1)
    s3.delete_object(Bucket=bucket, Key="key")
    poll(lambda: blobs(server) == [])
    # A bucket with an upload goes, and what came of it with it.
    left = begin(s3, bucket)
    put(s3, bucket, left, 1, body(PART, 5))
    s3.delete_bucket(Bucket=bucket)
    poll(lambda: blobs(server) == [])


def test_versions_of_parts_stand_beside_each_other(server, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = []
    for seed in (1, 2):
        upload = begin(s3, bucket)
        parts = [put(s3, bucket, upload, 1, body(PART, seed)), put(s3, bucket, upload, 2, b"end")]
        versions.append(complete(s3, bucket, upload, parts)["VersionId"])
    for seed, version in zip((1, 2), versions):
        got = s3.get_object(Bucket=bucket, Key="key", VersionId=version)
        assert got["Body"].read() == body(PART, seed) + b"end"
    s3.delete_object(Bucket=bucket, Key="key", VersionId=versions[0])
    poll(lambda: len(blobs(server)) == 1)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body(PART, 2) + b"end"


def test_a_reader_outlives_an_object_of_parts(server, s3, bucket):
    contents = [body(PART, seed) for seed in range(4)]
    upload = begin(s3, bucket)
    parts = [put(s3, bucket, upload, number, content) for number, content in enumerate(contents, 1)]
    complete(s3, bucket, upload, parts)
    got = s3.get_object(Bucket=bucket, Key="key")["Body"]
    begun = got.read(1000)
    s3.put_object(Bucket=bucket, Key="key", Body=b"other")
    s3.delete_object(Bucket=bucket, Key="key")
    assert begun + got.read() == b"".join(contents)
    poll(lambda: blobs(server) == [])


def test_uploads_outlive_a_restart(server, s3, bucket):
    upload = begin(s3, bucket, ServerSideEncryption="aws:kms")
    parts = [put(s3, bucket, upload, 1, body(PART))]
    server.restart()
    s3 = server.client("s3")
    parts.append(put(s3, bucket, upload, 2, b"end"))
    complete(s3, bucket, upload, parts)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body(PART) + b"end"


def test_the_transfer_manager_and_many_parts_at_once(s3, bucket, tmp_path):
    content = body(23 * MIB + 17)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=6)
    s3.upload_fileobj(io.BytesIO(content), bucket, "managed", Config=config)
    target = pathlib.Path(tmp_path / "got")
    s3.download_file(bucket, "managed", str(target), Config=config)
    assert target.read_bytes() == content
    # Parts of one upload that come at once do not conflict.
    upload = begin(s3, bucket)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda number: put(s3, bucket, upload, number, body(1000, number)), range(1, 33)))
    assert [part["PartNumber"] for part in s3.list_parts(Bucket=bucket, Key="key", UploadId=upload)["Parts"]] == list(
        range(1, 33)
    )
    assert len({part["ETag"] for part in parts}) == 32


def test_rights_of_each_call(server, s3, bucket):
    arn = f"arn:aws:s3:::{bucket}"
    upload = begin(s3, bucket)
    part = put(s3, bucket, upload, 1, b"x")

    def check(action, resource, call):
        who = server.user(action.split(":")[1].lower(), allow(action, resource))
        other = server.user("no" + action.split(":")[1].lower(), allow("s3:GetObject", resource))
        with refused("AccessDenied", status=403):
            call(server.client("s3", who=other))
        call(server.client("s3", who=who))

    where = {"Bucket": bucket, "Key": "key", "UploadId": upload}
    check("s3:ListMultipartUploadParts", f"{arn}/key", lambda client: client.list_parts(**where))
    check("s3:ListBucketMultipartUploads", arn, lambda client: client.list_multipart_uploads(Bucket=bucket))
    check("s3:AbortMultipartUpload", f"{arn}/key", lambda client: client.abort_multipart_upload(**where))
    writer = server.client("s3", who=server.user("writer", allow("s3:PutObject", f"{arn}/key")))
    upload = begin(writer, bucket)
    part = put(writer, bucket, upload, 1, b"x")
    initiator = s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiator"]
    assert initiator == {"ID": f"arn:aws:iam::{ACCOUNT}:user/writer", "DisplayName": "writer"}
    complete(writer, bucket, upload, [part])


def test_parts_under_kms_need_both_rights(server, s3, bucket):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    put_right = allow("s3:*")
    maker = server.client("s3", who=server.user("maker", put_right, allow("kms:GenerateDataKey", key)))
    upload = begin(maker, bucket, **sealed)
    with refused("AccessDenied", status=403):
        put(maker, bucket, upload, 1, b"x")
    with refused("AccessDenied", status=403):
        maker.list_parts(Bucket=bucket, Key="key", UploadId=upload)
    opener = server.client("s3", who=server.user("opener", put_right, allow("kms:Decrypt", key)))
    with refused("AccessDenied", status=403):
        begin(opener, bucket, **sealed)
    part = put(opener, bucket, upload, 1, b"x")
    done = complete(maker, bucket, upload, [part])
    assert done["SSEKMSKeyId"] == key
    assert opener.get_object(Bucket=bucket, Key="key")["Body"].read() == b"x"


@pytest.mark.serve("--rehearsal")
def test_events_tell_of_uploads(server):
    trail = make_trail(server)
    data = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::bucket/"]}
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [data]}
    server.client("cloudtrail").put_event_selectors(TrailName="audit", EventSelectors=[selector])
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    upload = begin(s3, bucket, ServerSideEncryption="aws:kms")
    part = put(s3, bucket, upload, 1, b"x")
    s3.list_parts(Bucket=bucket, Key="key", UploadId=upload)
    complete(s3, bucket, upload, [part])
    s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId=begin(s3, bucket))
    s3.list_multipart_uploads(Bucket=bucket)
    server.advance("20m")
    names = ["CreateMultipartUpload", "UploadPart", "ListParts", "CompleteMultipartUpload", "AbortMultipartUpload"]

    def found():
        events = {one["eventName"]: one for one in trail.records() if one["eventSource"] == "s3.amazonaws.com"}
        return events if {*names, "ListMultipartUploads"} <= set(events) else None

    events = poll(found)
    for name in names:
        event = events[name]
        assert (event["managementEvent"], event["eventCategory"]) == (False, "Data"), name
        assert event["requestParameters"]["key"] == "key"
        assert sorted(one["type"] for one in event["resources"]) == ["AWS::S3::Bucket", "AWS::S3::Object"], name
    assert events["UploadPart"]["requestParameters"]["partNumber"] == "1"
    assert events["UploadPart"]["requestParameters"]["uploadId"] == upload
    assert events["UploadPart"]["additionalEventData"]["SSEApplied"] == "SSE_KMS"
    assert events["ListMultipartUploads"]["managementEvent"] is True
    kms = [one for one in trail.records() if one["eventSource"] == "kms.amazonaws.com"]
    mine = [one for one in kms if (one["requestParameters"] or {}).get("encryptionContext") == {"aws:s3:arn": "arn:aws:s3:::bucket/key"}]
    assert sorted(one["eventName"] for one in mine) == ["Decrypt", "Decrypt", "GenerateDataKey"]
