"""Who can read, what a disabled key or a closed bucket does to delivery, and that nothing is lost by it."""

from datetime import timedelta

import pytest
from harness import ACCOUNT, allow, bucket_policy, deny_text, make_trail, policy, refused

pytestmark = pytest.mark.serve("--rehearsal")


def test_a_reader_needs_both_the_s3_right_and_the_key_right(server):
    trail = make_trail(server)
    server.advance("10m")
    log = trail.keys("CloudTrail", "us-east-1")[0]
    read = allow("s3:GetObject", f"arn:aws:s3:::{trail.bucket}/*")
    decrypt = allow("kms:Decrypt", trail.key_arn)
    s3_only, both = server.user("s3-only", read), server.user("both", read, decrypt)
    kms_only = server.user("kms-only", decrypt)

    text = deny_text(s3_only, "kms:Decrypt", trail.key_arn)
    with refused("AccessDenied", text, 403):
        server.client("s3", who=s3_only).get_object(Bucket=trail.bucket, Key=log)
    text = deny_text(kms_only, "s3:GetObject", f'"arn:aws:s3:::{trail.bucket}/{log}"')
    with refused("AccessDenied", text, 403):
        server.client("s3", who=kms_only).get_object(Bucket=trail.bucket, Key=log)
    answer = server.client("s3", who=both).get_object(Bucket=trail.bucket, Key=log)
    assert answer["Body"].read()[:2] == b"\x1f\x8b"
    assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", trail.key_arn)
    # A HEAD opens nothing, so it asks no key.
    assert server.client("s3", who=s3_only).head_object(Bucket=trail.bucket, Key=log)["SSEKMSKeyId"] == trail.key_arn

    # Reads and refusals are in the trail, with the key's refusal beside the reader's call.
    server.advance("10m")
    seen = [
        (record["eventName"], record["userIdentity"].get("userName"), record.get("errorCode"))
        for record in trail.records("us-east-1")
    ]
    assert ("Decrypt", "both", None) in seen
    assert any(name == "Decrypt" and who == "s3-only" and error for name, who, error in seen)


def test_a_disabled_key_stops_reading_and_delivery_and_both_come_back_whole(server):
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server)
    server.advance("1h")
    delivered = trail.keys()
    trail.kms.disable_key(KeyId=trail.key_arn)
    with refused("KMS.DisabledException", f"{trail.key_arn} is disabled.", 400):
        trail.s3.get_object(Bucket=trail.bucket, Key=delivered[0])
    trail.kms.create_alias(AliasName="alias/while-disabled", TargetKeyId=trail.key_arn)
    server.advance("2h")
    assert trail.keys() == delivered, "nothing may be delivered, least of all under another key"
    assert trail.status()["LatestDeliveryError"] == "KMS.DisabledException"

    trail.kms.enable_key(KeyId=trail.key_arn)
    server.advance("2h")
    assert not trail.status().get("LatestDeliveryError")
    assert len(trail.keys()) > len(delivered)
    names = [(record["eventName"], (record["requestParameters"] or {}).get("aliasName")) for record in trail.records()]
    assert ("DisableKey", None) in names and ("EnableKey", None) in names
    assert names.count(("CreateAlias", "alias/while-disabled")) == 1
    for key in trail.keys():
        assert trail.s3.head_object(Bucket=trail.bucket, Key=key)["SSEKMSKeyId"] == trail.key_arn
    server.advance("1h")
    done = trail.validate("us-east-1", start)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_closed_bucket_stops_delivery_and_it_catches_up(server):
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server, with_key=False)
    server.advance("1h")
    delivered, digests = trail.keys(), trail.digests()
    trail.s3.delete_bucket_policy(Bucket=trail.bucket)
    trail.kms.create_key(Description="while closed")
    server.advance("2h")
    assert trail.keys() == delivered and trail.digests() == digests
    status = trail.status()
    assert status["LatestDeliveryError"] == "AccessDenied"
    assert status["LatestDigestDeliveryError"] == "AccessDenied"
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("2h")
    status = trail.status()
    assert not status.get("LatestDeliveryError") and not status.get("LatestDigestDeliveryError")
    descriptions = [(record["requestParameters"] or {}).get("description") for record in trail.records()]
    assert descriptions.count("while closed") == 1
    done = trail.validate("us-east-1", start)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_deleted_bucket_shows_in_the_status(server):
    trail = make_trail(server, with_key=False, EnableLogFileValidation=False)
    trail.s3.delete_bucket(Bucket=trail.bucket)
    server.advance("10m")
    assert trail.status()["LatestDeliveryError"] == "NoSuchBucket"


def test_a_key_policy_that_turns_against_the_service_stops_delivery(server):
    trail = make_trail(server)
    server.advance("10m")
    delivered = trail.keys()
    root_only = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    trail.kms.put_key_policy(KeyId=trail.key_arn, Policy=root_only)
    server.advance("20m")
    assert trail.keys() == delivered
    assert trail.status()["LatestDeliveryError"] == "AccessDenied"


def test_a_bucket_policy_may_hold_the_service_to_one_trail(server):
    """By aws:SourceArn, as AWS recommends: another trail's ARN stops delivery, its own lets it go on."""
    trail = make_trail(server)
    server.advance("10m")
    wrong = {"StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/another"}}
    right = {"StringEquals": {"aws:SourceArn": trail.arn}}
    service = {"Service": "cloudtrail.amazonaws.com"}

    def only(condition):
        return policy(
            allow("s3:GetBucketAcl", f"arn:aws:s3:::{trail.bucket}", Principal=service),
            allow("s3:PutObject", f"arn:aws:s3:::{trail.bucket}/AWSLogs/*", Principal=service, Condition=condition),
        )

    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=only(wrong))
    server.advance("10m")
    assert trail.status()["LatestDeliveryError"] == "AccessDenied"
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=only(right))
    server.advance("10m")
    assert not trail.status().get("LatestDeliveryError")


def test_a_deleted_key_makes_its_log_files_unreadable(server):
    trail = make_trail(server, IsMultiRegionTrail=False, EnableLogFileValidation=False)
    server.advance("10m")
    log = trail.keys()[0]
    trail.cloudtrail.update_trail(Name=trail.name, KmsKeyId="")
    trail.kms.schedule_key_deletion(KeyId=trail.key_arn, PendingWindowInDays=7)
    with refused("KMS.KMSInvalidStateException", f"{trail.key_arn} is pending deletion.", 400):
        trail.s3.get_object(Bucket=trail.bucket, Key=log)
    server.advance("8d")
    # S3 relays what KMS says of a ciphertext whose key is gone.
    gone = (
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
        "or you are not allowed to access."
    )
    with refused("AccessDenied", gone, 403):
        trail.s3.get_object(Bucket=trail.bucket, Key=log)
    assert trail.s3.head_object(Bucket=trail.bucket, Key=log)["SSEKMSKeyId"] == trail.key_arn


@pytest.mark.serve("--rehearsal", "--delivery-interval", "1h")
def test_what_a_closed_bucket_kept_out_for_a_month_is_lost_and_said_to_be(server):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False, EnableLogFileValidation=False)
    server.advance("2h")
    trail.s3.delete_bucket_policy(Bucket=trail.bucket)
    trail.kms.create_key(Description="while closed")
    server.advance("32d")
    error = trail.status().get("LatestDeliveryError")
    assert error and "lost" in error, error

    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    trail.kms.create_key(Description="after")
    server.advance("2h")
    made = [record for record in trail.records() if record["eventName"] == "CreateKey"]
    assert "after" in {record["requestParameters"]["description"] for record in made}
