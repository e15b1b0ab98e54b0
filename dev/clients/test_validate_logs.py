"""`aws cloudtrail validate-logs` agrees with what was delivered, and finds what was touched afterwards."""

import gzip
import json
import re
from datetime import timedelta

import pytest
from harness import bucket_policy, make_bucket, make_trail, refused

pytestmark = pytest.mark.serve("--rehearsal")
REGIONS = ("us-east-1", "ap-northeast-1")
PERIODS = 4


@pytest.fixture
def sealed(server):
    """A trail with calls of two Regions in each of four digest periods."""
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server)
    for _ in range(PERIODS):
        for region in REGIONS:
            server.client("kms", region).create_key(Description="something to record")
        server.advance("1h")
    return trail, start


def counts(output, kind):
    found = re.search(rf"(\d+)/(\d+) {kind} files valid(?:, (\d+)/\d+ {kind} files INVALID)?", output)
    assert found, output
    return tuple(int(number or 0) for number in found.groups())


def test_every_digest_and_log_file_of_two_regions_is_valid(sealed):
    trail, start = sealed
    for region in REGIONS:
        done = trail.validate(region, start)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "INVALID" not in done.stdout + done.stderr
        assert "No log files were delivered" not in done.stderr
        valid, total, _ = counts(done.stdout, "digest")
        assert valid == total == len(trail.digests(region)) >= 3
        valid, total, _ = counts(done.stdout, "log")
        assert valid == total >= 3
        # All that was delivered before the newest digest is in the chain.
        assert total >= len(trail.keys(region=region)) - 1


def test_the_chain_is_signed_hashed_and_named_as_documented(sealed):
    trail, _ = sealed
    keys = trail.digests("us-east-1")
    previous = None
    for key in keys:
        head = trail.s3.head_object(Bucket=trail.bucket, Key=key)
        digest = trail.read(key)
        assert head["Metadata"]["signature-algorithm"] == "SHA256withRSA" == digest["digestSignatureAlgorithm"]
        assert re.fullmatch(r"[0-9a-f]{512}", head["Metadata"]["signature"])
        stamp = digest["digestEndTime"].replace("-", "").replace(":", "")
        assert re.fullmatch(
            rf"AWSLogs/\d{{12}}/CloudTrail-Digest/us-east-1/\d{{4}}/\d\d/\d\d/"
            rf"\d{{12}}_CloudTrail-Digest_us-east-1_audit_us-east-1_{stamp}\.json\.gz",
            key,
        )
        assert (digest["digestS3Bucket"], digest["digestS3Object"]) == (trail.bucket, key)
        if previous is None:
            assert digest["previousDigestS3Object"] is digest["previousDigestSignature"] is None
        else:
            assert digest["previousDigestS3Object"] == previous[0]
            assert digest["previousDigestSignature"] == previous[1]["Metadata"]["signature"]
            assert digest["digestStartTime"] == previous[2]["digestEndTime"]
        previous = key, head, digest


class Touch:
    """Changes an object as its owner could, and keeps what the store says of it otherwise."""

    def __init__(self, trail):
        self.trail = trail
        self.digests = trail.digests("us-east-1")
        listed = [log["s3Object"] for key in self.digests for log in trail.read(key)["logFiles"]]
        self.log = listed[len(listed) // 2]

    def body(self, key):
        return self.trail.s3.get_object(Bucket=self.trail.bucket, Key=key)["Body"].read()

    def write(self, key, body, metadata=None):
        head = self.trail.s3.head_object(Bucket=self.trail.bucket, Key=key)
        self.trail.s3.put_object(
            Bucket=self.trail.bucket, Key=key, Body=body, Metadata=head["Metadata"] if metadata is None else metadata
        )

    def flip_a_byte(self):
        body = bytearray(self.body(self.log))
        body[len(body) // 2] ^= 1
        self.write(self.log, bytes(body))
        return "Log file", self.log, "(?:hash value doesn't match|invalid format)"

    def delete_a_log(self):
        self.trail.s3.delete_object(Bucket=self.trail.bucket, Key=self.log)
        return "Log file", self.log, "not found"

    def delete_a_digest(self):
        self.trail.s3.delete_object(Bucket=self.trail.bucket, Key=self.digests[1])
        return "Digest file", self.digests[1], "not found"

    def swap_a_signature(self):
        other = self.trail.s3.head_object(Bucket=self.trail.bucket, Key=self.digests[0])["Metadata"]
        self.write(self.digests[1], self.body(self.digests[1]), other)
        return "Digest file", self.digests[1], "signature verification failed"

    def change_the_content(self):
        content = json.loads(gzip.decompress(self.body(self.log)))
        content["Records"][0]["sourceIPAddress"] = "203.0.113.7"
        self.write(self.log, gzip.compress(json.dumps(content).encode()))
        return "Log file", self.log, "hash value doesn't match"

    def append_bytes(self):
        self.write(self.log, self.body(self.log) + b"more")
        return "Log file", self.log, "unexpected data after end of compressed stream"


@pytest.mark.parametrize(
    "how", ["flip_a_byte", "delete_a_log", "delete_a_digest", "swap_a_signature", "change_the_content", "append_bytes"]
)
def test_each_way_of_tampering_is_found(sealed, how):
    trail, start = sealed
    kind, key, reason = getattr(Touch(trail), how)()
    done = trail.validate("us-east-1", start)
    assert done.returncode == 1, done.stdout + done.stderr
    line = rf"^{kind}\ts3://{trail.bucket}/{re.escape(key)}\tINVALID: {reason}$"
    assert re.search(line, done.stderr, re.MULTILINE), done.stderr
    assert done.stderr.count("INVALID") == 1
    _, _, invalid = counts(done.stdout, kind.split()[0].lower())
    assert invalid == 1


def test_a_quiet_hour_has_a_digest_without_log_files(server):
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server, with_key=False)
    server.advance("4h")
    quiet = [trail.read(key) for key in trail.digests("eu-north-1")]
    assert len(quiet) >= 3
    assert all(digest["logFiles"] == [] and digest["newestEventTime"] is None for digest in quiet)
    assert trail.validate("eu-north-1", start, check=True).stdout.count("\tvalid") == len(quiet)


def test_a_stopped_trail_gets_a_final_digest_and_a_restart_begins_a_new_chain(server):
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server, with_key=False)
    server.advance("2h")
    trail.cloudtrail.stop_logging(Name=trail.name)
    server.advance("2h")
    stopped = len(trail.digests("us-east-1"))
    server.advance("2h")
    assert len(trail.digests("us-east-1")) == stopped
    trail.cloudtrail.start_logging(Name=trail.name)
    server.advance("2h")
    digests = [trail.read(key) for key in trail.digests("us-east-1")]
    assert len(digests) > stopped
    assert digests[stopped]["previousDigestS3Object"] is None
    done = trail.validate("us-east-1", start)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [record["eventName"] for record in trail.records("us-east-1")]
    assert "StopLogging" in names


def test_a_prefix_is_part_of_every_path_and_validates(server):
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server, prefix="the/logs", IsMultiRegionTrail=False)
    server.advance("2h")
    assert trail.keys() and trail.digests()
    trail.validate("us-east-1", start, check=True)


def test_a_prefix_is_taken_as_it_is_and_checked_as_it_is_used(server):
    """A prefix `p/` means `p//AWSLogs/…`, to the server as to validate-logs; a policy for `p/AWSLogs/…` does not cover it."""
    start = server.now() - timedelta(minutes=1)
    make_bucket(server, "other-logs")
    server.client("s3").put_bucket_policy(Bucket="other-logs", Policy=bucket_policy("other-logs", "p"))
    with refused("InsufficientS3BucketPolicyException", status=400):
        server.client("cloudtrail").create_trail(Name="other", S3BucketName="other-logs", S3KeyPrefix="p/")
    trail = make_trail(server, prefix="p/", IsMultiRegionTrail=False)
    server.advance("2h")
    assert not trail.status().get("LatestDeliveryError")
    assert trail.keys() and trail.digests()
    done = trail.validate("us-east-1", start, check=True)
    valid, total, _ = counts(done.stdout, "log")
    assert valid == total >= 1 and "INVALID" not in done.stdout + done.stderr


def test_a_trail_that_leaves_regions_proves_what_it_delivered_there(server):
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server, with_key=False)
    for region in REGIONS:
        server.client("kms", region).create_key(Description="before")
    server.advance("10m")
    away = "ap-northeast-1"
    delivered = trail.keys(region=away)
    assert delivered
    trail.cloudtrail.update_trail(Name=trail.name, IsMultiRegionTrail=False)
    server.advance("3h")
    listed = {log["s3Object"] for key in trail.digests(away) for log in trail.read(key)["logFiles"]}
    assert set(delivered) <= set(trail.keys(region=away)) == listed
    # The trail is not seen from there any more, so the validator must be told the bucket.
    done = trail.validate(away, start, "--s3-bucket", trail.bucket, check=True)
    valid, total, _ = counts(done.stdout, "log")
    assert valid == total == len(listed)
    trail.validate("us-east-1", start, check=True)


def test_a_month_of_a_validated_multi_region_trail_is_rehearsed(server):
    # How long it may take is the bench's question.
    trail = make_trail(server, with_key=False)
    server.advance("30d")
    assert len(trail.digests()) >= 17 * 24 * 29
