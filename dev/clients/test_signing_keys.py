"""The keys that sign digests: replaced in time, listed for their range, and those that a late digest needs."""

from datetime import timedelta

import pytest
from harness import bucket_policy, make_trail, policy

pytestmark = pytest.mark.serve("--rehearsal", "--delivery-interval", "6h", "--digest-interval", "1d")
DAY = timedelta(days=1)


def fingerprints(trail, **between):
    return [key["Fingerprint"] for key in trail.cloudtrail.list_public_keys(**between)["PublicKeyList"]]


def signers(trail):
    """The keys of the digests, in order, each once."""
    used = [trail.read(key)["digestPublicKeyFingerprint"] for key in trail.digests("us-east-1")]
    return list(dict.fromkeys(used))


def test_a_chain_goes_on_over_new_keys_and_each_is_listed_for_its_time(server):
    start = server.now()
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    for _ in range(4):
        trail.s3.get_bucket_policy(Bucket=trail.bucket)
        server.advance("13d")
    now = server.now()
    used = signers(trail)
    assert len(used) == 3
    listed = trail.cloudtrail.list_public_keys(StartTime=start, EndTime=now)["PublicKeyList"]
    assert [key["Fingerprint"] for key in listed] == used
    for older, newer in zip(listed, listed[1:]):
        assert older["ValidityStartTime"] < newer["ValidityStartTime"] < older["ValidityEndTime"]
        assert older["ValidityEndTime"] - newer["ValidityStartTime"] >= 9 * DAY
    assert all(key["ValidityEndTime"] - key["ValidityStartTime"] >= 30 * DAY for key in listed)
    # A range is told the keys whose validity touches it; without one it is now.
    assert fingerprints(trail, StartTime=start, EndTime=start + 5 * DAY) == used[:1]
    assert fingerprints(trail, StartTime=start + 25 * DAY, EndTime=start + 26 * DAY) == used[:2]
    assert fingerprints(trail, EndTime=start + 2 * DAY) == used[:1]
    assert fingerprints(trail) == used[2:]
    assert fingerprints(trail, StartTime=start + 45 * DAY) == used[1:]
    assert fingerprints(trail, StartTime=start - 9 * DAY, EndTime=start - 8 * DAY) == []
    done = trail.validate("us-east-1", start, check=True)
    assert "INVALID" not in done.stdout + done.stderr
    total = len(trail.digests("us-east-1"))
    assert total > 50 and f"{total}/{total} digest files valid" in done.stdout


def test_digests_that_come_late_are_signed_with_the_keys_of_their_time(server):
    start = server.now()
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    server.advance("15d")
    service = {"Service": "cloudtrail.amazonaws.com"}
    objects = f"arn:aws:s3:::{trail.bucket}/*"
    denied = {"Effect": "Deny", "Principal": service, "Action": "s3:PutObject", "Resource": objects}
    shut = policy(denied)
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=shut)
    server.advance("10d")
    before = signers(trail)
    assert len(before) == 1 and trail.status()["LatestDigestDeliveryError"] == "AccessDenied"
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("25h")
    used = signers(trail)
    assert used[:1] == before and len(used) == 2
    late = [trail.read(key) for key in trail.digests("us-east-1")]
    keys = {key["Fingerprint"]: key for key in trail.cloudtrail.list_public_keys(StartTime=start)["PublicKeyList"]}
    for digest in late:
        key = keys[digest["digestPublicKeyFingerprint"]]
        assert f"{key['ValidityStartTime']:%FT%TZ}" < digest["digestEndTime"] < f"{key['ValidityEndTime']:%FT%TZ}"
    done = trail.validate("us-east-1", start, check=True)
    assert "INVALID" not in done.stdout + done.stderr


def test_a_spent_key_is_still_listed_and_the_directory_is_whole(server):
    """After seventy days the first key's private half is forgotten; what it signed is still proven."""
    start = server.now()
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    for _ in range(6):
        server.advance("14d")
    used = signers(trail)
    assert fingerprints(trail, StartTime=start, EndTime=start + DAY) == used[:1]
    done = trail.validate("us-east-1", start, "--end-time", f"{start + 3 * DAY:%FT%TZ}", check=True)
    assert "digest files valid" in done.stdout and "INVALID" not in done.stdout + done.stderr
    server.run("rootkey", "rotate", "--data-dir", str(server.data_dir))
    server.advance("1d")
    assert signers(trail)[: len(used)] == used
    server.stop()
    told = server.run("fsck", "--data-dir", str(server.data_dir))
    assert "signing keys" in told.stdout + told.stderr
