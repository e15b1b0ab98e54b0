"""Checksums: every kind by every call, wrong ones refused, composite and full-object ones of parts, and what tells of them."""

import base64
import hashlib
import random
import zlib

import pytest
from harness import allow, make_bucket, refused

PART = 5 * 1024 * 1024
ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


@pytest.fixture
def s3(server):
    return server.client("s3", request_checksum_calculation="when_required", response_checksum_validation="when_required")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


def body(size, seed=0):
    return random.Random(seed).randbytes(size)


def reflected_crc(content, polynomial, bits):
    """A CRC bit by bit, from its definition, so that it shares nothing with what is tested."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (polynomial if byte & 1 else 0)
        table.append(byte)
    ones = (1 << bits) - 1
    crc = ones
    for byte in content:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return (crc ^ ones).to_bytes(bits // 8, "big")


def digest(algorithm, content):
    return {
        "CRC32": lambda: zlib.crc32(content).to_bytes(4, "big"),
        "CRC32C": lambda: reflected_crc(content, 0x82F63B78, 32),
        "CRC64NVME": lambda: reflected_crc(content, 0x9A6C9329AC4BC9B5, 64),
        "SHA1": lambda: hashlib.sha1(content).digest(),
        "SHA256": lambda: hashlib.sha256(content).digest(),
    }[algorithm]()


def value(algorithm, content):
    return base64.b64encode(digest(algorithm, content)).decode()


def told(answer):
    return {name: answer[name] for name in answer if name.startswith("Checksum")}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_kind_by_every_call(s3, bucket, algorithm):
    name, content = f"Checksum{algorithm}", body(70_000)
    expected = {name: value(algorithm, content), "ChecksumType": "FULL_OBJECT"}
    # Declared ahead, in what the SDK computes, and wrong.
    assert told(s3.put_object(Bucket=bucket, Key="a", Body=content, **{name: expected[name]})) == expected
    if algorithm in ("CRC32", "SHA1", "SHA256"):  # what botocore computes by itself
        assert told(s3.put_object(Bucket=bucket, Key="b", Body=content, ChecksumAlgorithm=algorithm)) == expected
    text = f"The {algorithm} you specified did not match the calculated checksum."
    with refused("BadDigest", text, 400):
        s3.put_object(Bucket=bucket, Key="c", Body=content, **{name: value(algorithm, b"other")})
    with refused("404", status=404):
        s3.head_object(Bucket=bucket, Key="c")
    with refused("InvalidRequest", f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.", 400):
        s3.put_object(Bucket=bucket, Key="c", Body=content, **{name: "AA=="})
    for read in (s3.head_object, s3.get_object):
        assert told(read(Bucket=bucket, Key="a", ChecksumMode="ENABLED")) == expected
        assert told(read(Bucket=bucket, Key="a")) == {}
        assert told(read(Bucket=bucket, Key="a", Range="bytes=0-9", ChecksumMode="ENABLED")) == {}
        assert told(read(Bucket=bucket, Key="a", PartNumber=1, ChecksumMode="ENABLED")) == expected
    assert s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=["Checksum"])["Checksum"] == expected
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="a")["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ([algorithm], "FULL_OBJECT")
    # A copy keeps the kind, and computes the one that is asked for.
    copied = s3.copy_object(Bucket=bucket, Key="d", CopySource=f"{bucket}/a")["CopyObjectResult"]
    assert told(copied) == expected
    s3.put_object(Bucket=bucket, Key="plain", Body=content)
    asked = s3.copy_object(Bucket=bucket, Key="d", CopySource=f"{bucket}/plain", ChecksumAlgorithm=algorithm)
    assert told(asked["CopyObjectResult"]) == expected


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_parts_come_to_what_the_upload_was_begun_with(s3, bucket, algorithm, kind):
    name = f"Checksum{algorithm}"
    where = {"Bucket": bucket, "Key": "key"}
    allowed = {"COMPOSITE": algorithm != "CRC64NVME", "FULL_OBJECT": algorithm.startswith("CRC")}[kind]
    if not allowed:
        text = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        with refused("InvalidRequest", text, 400):
            s3.create_multipart_upload(**where, ChecksumAlgorithm=algorithm, ChecksumType=kind)
        return
    begun = s3.create_multipart_upload(**where, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert (begun["ChecksumAlgorithm"], begun["ChecksumType"]) == (algorithm, kind)
    where["UploadId"] = begun["UploadId"]
    contents = [body(PART, 1), body(5000, 2)]
    parts = []
    for number, content in enumerate(contents, 1):
        sent = {name: value(algorithm, content)}
        with refused("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.", 400):
            s3.upload_part(**where, PartNumber=number, Body=content, **{name: value(algorithm, b"other")})
        answer = s3.upload_part(**where, PartNumber=number, Body=content, **sent)
        assert told(answer) == sent
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **sent})
    other = "SHA1" if algorithm != "SHA1" else "SHA256"
    mismatch = (
        f"Checksum Type mismatch occurred, expected checksum Type: {algorithm.lower()}, "
        f"actual checksum Type: {other.lower()}"
    )
    with refused("InvalidRequest", mismatch, 400):
        s3.upload_part(**where, PartNumber=3, Body=b"x", ChecksumAlgorithm=other)
    listed = s3.list_parts(**where)["Parts"]
    assert [part[name] for part in listed] == [part[name] for part in parts]

    def complete(parts, **more):
        return s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, **more)

    bare = [{key: part[key] for key in ("PartNumber", "ETag")} for part in parts]
    if kind == "COMPOSITE":
        text = (
            f"The upload was created using a {algorithm.lower()} checksum. The complete request must include the "
            "checksum for each part. It was missing for part 1 in the request."
        )
        with refused("InvalidRequest", text, 400):
            complete(bare)
        whole = value(algorithm, b"".join(digest(algorithm, content) for content in contents)) + "-2"
    else:
        whole = value(algorithm, b"".join(contents))
    with refused("InvalidPart", status=400):
        complete([{**parts[0], name: parts[1][name]}, parts[1]])
    text = f"The {algorithm.lower()} you specified did not match the calculated checksum."
    with refused("BadDigest", text, 400):
        complete(parts, **{name: value(algorithm, b"other")})
    opposite = "COMPOSITE" if kind == "FULL_OBJECT" else "FULL_OBJECT"
    text = f"The upload was created using the {kind} checksum mode. The complete request must use the same checksum mode."
    with refused("InvalidRequest", text, 400):
        complete(parts, ChecksumType=opposite)
    expected = {name: whole, "ChecksumType": kind}
    assert told(complete(parts, ChecksumType=kind, **{name: whole})) == expected
    assert told(s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")) == expected
    of_part = told(s3.get_object(Bucket=bucket, Key="key", PartNumber=2, ChecksumMode="ENABLED"))
    assert of_part == ({name: parts[1][name], "ChecksumType": kind} if kind == "COMPOSITE" else {})
    asked = ["Checksum", "ObjectParts", "ETag", "ObjectSize", "StorageClass"]
    attributes = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=asked)
    assert attributes["Checksum"] == {name: whole.removesuffix("-2"), "ChecksumType": kind}
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert (attributes["ObjectSize"], attributes["StorageClass"]) == (PART + 5000, "STANDARD")
    assert attributes["ETag"].endswith("-2") and '"' not in attributes["ETag"]
    if kind == "COMPOSITE":
        sizes = [(one["PartNumber"], one["Size"], one[name]) for one in attributes["ObjectParts"]["Parts"]]
        assert sizes == [(number, len(contents[number - 1]), parts[number - 1][name]) for number in (1, 2)]
        page = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=["ObjectParts"], MaxParts=1)["ObjectParts"]
        assert (page["IsTruncated"], page["NextPartNumberMarker"], len(page["Parts"])) == (True, 1, 1)
        rest = s3.get_object_attributes(
            Bucket=bucket, Key="key", ObjectAttributes=["ObjectParts"], PartNumberMarker=1
        )["ObjectParts"]
        assert [one["PartNumber"] for one in rest["Parts"]] == [2] and not rest["IsTruncated"]
    else:
        assert "Parts" not in attributes["ObjectParts"]


def test_without_a_choice_the_whole_has_a_crc64(s3, bucket):
    contents = [body(PART, 1), b"end"]
    where = {"Bucket": bucket, "Key": "key"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    # Parts may come with whatever the client likes to declare.
    kinds = [{"ChecksumAlgorithm": "CRC32"}, {}]
    parts = []
    for number, (content, kind) in enumerate(zip(contents, kinds), 1):
        answer = s3.upload_part(**where, PartNumber=number, Body=content, **kind)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    expected = {"ChecksumCRC64NVME": value("CRC64NVME", b"".join(contents)), "ChecksumType": "FULL_OBJECT"}
    assert told(s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")) == expected


def test_what_is_not_here_is_refused_by_name(server, s3, bucket):
    for name in ("md5", "sha512", "xxhash3", "xxhash64", "xxhash128"):
        header = {f"x-amz-checksum-{name}": "AAAA"}
        answer = server.call("s3", "PUT", f"/{bucket}/key", headers=header, body=b"x")
        assert (answer.status, answer.code) == (501, "NotImplemented"), name
        answer = server.call("s3", "POST", f"/{bucket}/key?uploads=", headers={"x-amz-checksum-algorithm": name})
        assert (answer.status, answer.code) == (501, "NotImplemented"), name


def test_attributes_need_their_right_and_a_name(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    arn = f"arn:aws:s3:::{bucket}/key"
    asked = {"Bucket": bucket, "Key": "key", "ObjectAttributes": ["ObjectSize"]}
    for name, rights in (("reader", ["s3:GetObject"]), ("asker", ["s3:GetObjectAttributes"])):
        with refused("AccessDenied", status=403):
            server.client("s3", who=server.user(name, allow(rights, arn))).get_object_attributes(**asked)
    both = server.client("s3", who=server.user("both", allow(["s3:GetObject", "s3:GetObjectAttributes"], arn)))
    assert both.get_object_attributes(**asked)["ObjectSize"] == 1
    with refused("InvalidArgument", "Invalid attribute name specified.", 400):
        s3.get_object_attributes(**{**asked, "ObjectAttributes": ["Colour"]})
    with refused("NoSuchKey", status=404):
        s3.get_object_attributes(**{**asked, "Key": "absent"})
