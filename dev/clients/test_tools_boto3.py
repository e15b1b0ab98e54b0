"""boto3's transfer manager: parts and ranges in parallel, told of as they go, whatever kind of file it is given."""

import io
import threading

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from harness import refused
from tools import MIB, PLAIN, digest_of, make_file

PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=8)


@pytest.fixture
def s3(place):
    """A client that reaches the bucket by the place's way."""
    root = place.server.root
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=place.endpoint,
        aws_access_key_id=root.access_key,
        aws_secret_access_key=root.secret_key,
        verify=place.ca,
        config=Config(
            signature_version="s3v4",
            retries={"total_max_attempts": 1},
            proxies={"https": place.proxy.url} if place.proxy else None,
            s3={"addressing_style": "virtual" if place.way.virtual else "path"},
        ),
    )


class Progress:
    """Adds up what the manager says it has moved, from whichever thread."""

    def __init__(self):
        self.bytes, self.calls, self.lock = 0, 0, threading.Lock()

    def __call__(self, count):
        with self.lock:
            self.bytes += count
            self.calls += 1


def test_a_file_goes_up_in_parts_and_comes_down_in_ranges(place, s3):
    size = 32 * MIB + 17
    digest = make_file(place.files / "large", size)
    up, down = Progress(), Progress()
    extra = {"Metadata": {"colour": "blue"}, "ContentType": "x/y", "ChecksumAlgorithm": "SHA256"}
    s3.upload_file(str(place.files / "large"), place.bucket, "a/large", ExtraArgs=extra, Config=PARTS, Callback=up)
    assert up.bytes == size and up.calls > 7
    head = place.head("a/large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-7"') and head["ChecksumSHA256"].endswith("-7") and head["ChecksumType"] == "COMPOSITE"
    assert head["Metadata"] == {"colour": "blue"} and head["ContentType"] == "x/y"
    place.check_sealed()
    s3.download_file(place.bucket, "a/large", str(place.files / "back"), Config=PARTS, Callback=down)
    assert digest_of(place.files / "back") == digest and down.bytes == size
    third = place.head("a/large", PartNumber=3)
    assert third["PartsCount"] == 7 and third["ContentLength"] == 5 * MIB
    last = s3.get_object(Bucket=place.bucket, Key="a/large", PartNumber=7)
    assert last["ContentLength"] == 2 * MIB + 17 and last["ContentRange"] == f"bytes {30 * MIB}-{size - 1}/{size}"


def test_a_large_object_is_copied_part_by_part_into_another_bucket(place, s3):
    size = 16 * MIB
    digest = make_file(place.files / "large", size)
    s3.upload_file(str(place.files / "large"), place.bucket, "large", ExtraArgs={"Metadata": {"a": "b"}}, Config=PARTS)
    s3.create_bucket(Bucket="another")
    progress = Progress()
    source = {"Bucket": place.bucket, "Key": "large"}
    s3.copy(source, "another", "copy of it", Config=PARTS, Callback=progress)
    assert progress.bytes == size and place.digest("copy of it", "another") == digest
    head = s3.head_object(Bucket="another", Key="copy of it")
    assert head["ServerSideEncryption"] == "AES256" and head["ETag"].endswith('-4"')
    # A small one goes in one call, and changes its encryption on the way.
    s3.put_object(Bucket="another", Key="small", Body=b"small", Metadata={"a": "b"})
    s3.copy({"Bucket": "another", "Key": "small"}, place.bucket, "small")
    assert place.head("small")["Metadata"] == {"a": "b"}
    place.check_sealed()


def test_streams_of_unknown_length_go_up_and_a_failure_leaves_nothing(place, s3):
    class Pipe(io.RawIOBase):
        """A stream that cannot be rewound, and may break."""

        def __init__(self, left, breaks):
            self.left, self.breaks = left, breaks

        def readable(self):
            return True

        def readinto(self, buffer):
            if self.left <= 0 and self.breaks:
                raise OSError("the pipe broke")
            count = min(len(buffer), max(self.left, 0))
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    s3.upload_fileobj(Pipe(12 * MIB, breaks=False), place.bucket, "piped", Config=PARTS)
    assert place.head("piped")["ContentLength"] == 12 * MIB
    with pytest.raises(OSError, match="the pipe broke"):
        s3.upload_fileobj(Pipe(12 * MIB, breaks=True), place.bucket, "broken", Config=PARTS)
    assert place.keys() == ["piped"]
    assert "Uploads" not in place.s3.list_multipart_uploads(Bucket=place.bucket)
    with refused("404"):
        s3.download_file(place.bucket, "broken", str(place.files / "broken"))
    assert not (place.files / "broken").exists()


@pytest.mark.parametrize("place", [PLAIN], indirect=True)
def test_the_resource_interface_works_on_a_folder(place, s3):
    root = place.server.root
    session = boto3.session.Session(root.access_key, root.secret_key, region_name="us-east-1")
    bucket = session.resource("s3", endpoint_url=place.endpoint).Bucket(place.bucket)
    for number in range(5):
        bucket.put_object(Key=f"folder/{number}", Body=str(number).encode())
    assert [one.key for one in bucket.objects.filter(Prefix="folder/").limit(3)] == ["folder/0", "folder/1", "folder/2"]
    one = bucket.Object("folder/4")
    one.copy_from(CopySource={"Bucket": place.bucket, "Key": "folder/4"}, MetadataDirective="REPLACE", Metadata={"a": "b"})
    one.reload()
    assert one.metadata == {"a": "b"} and one.get()["Body"].read() == b"4"
    deleted = bucket.objects.filter(Prefix="folder/").delete()
    assert len(deleted[0]["Deleted"]) == 5 and place.keys() == []
    s3.put_object(Bucket=place.bucket, Key="folder/x")
    assert place.keys() == ["folder/x"]
