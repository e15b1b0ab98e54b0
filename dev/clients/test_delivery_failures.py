"""What stops delivery, one failure a test: what is missing meanwhile, what the status says, what catches up, what the chain says.

A disabled key, a closed or deleted bucket, a turned key policy and the loss after 30 days are in test_keys_and_readers.py.
"""

import json
from datetime import timedelta

import pytest
from harness import ACCOUNT, allow, bucket_policy, key_policy, make_bucket, make_trail, policy

pytestmark = pytest.mark.serve("--rehearsal", "--delivery-interval", "10m")
HOME = "us-east-1"


def deny(action, resource, **more):
    return {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource, **more}


def with_deny(bucket, *statements):
    given = json.loads(bucket_policy(bucket))["Statement"]
    return policy(*given, *statements)


@pytest.fixture
def start(server):
    return server.now() - timedelta(minutes=1)


def made(trail, region=""):
    """How often each key that tests made is in the log files."""
    found = {}
    for record in trail.records(region):
        if record["eventName"] == "CreateKey":
            text = record["requestParameters"]["description"]
            found[text] = found.get(text, 0) + 1
    return found


def make_key(trail, text, region=HOME):
    trail.server.client("kms", region).create_key(Description=text)


def listed(trail, region=HOME):
    """The log files that the digests name, each once."""
    names = [log["s3Object"] for key in trail.digests(region) for log in trail.read(key)["logFiles"]]
    assert len(names) == len(set(names))
    return set(names)


def valid(trail, start, region=HOME):
    done = trail.validate(region, start, "--s3-bucket", trail.bucket)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "INVALID" not in done.stdout + done.stderr
    return done


def test_a_key_that_is_being_deleted_stops_delivery_until_it_is_saved(server, start):
    trail = make_trail(server, IsMultiRegionTrail=False)
    server.advance("10m")
    before = trail.keys()
    trail.kms.schedule_key_deletion(KeyId=trail.key_arn, PendingWindowInDays=7)
    make_key(trail, "while it goes")
    server.advance("30m")
    assert trail.keys() == before
    assert trail.status()["LatestDeliveryError"] == "KMS.KMSInvalidStateException"
    trail.kms.cancel_key_deletion(KeyId=trail.key_arn)
    trail.kms.enable_key(KeyId=trail.key_arn)
    server.advance("10m")
    assert not trail.status().get("LatestDeliveryError")
    assert made(trail) == {"while it goes": 1}
    server.advance("1h")
    valid(trail, start)


def test_a_key_that_is_gone_is_replaced_and_nothing_is_lost(server, start):
    trail = make_trail(server, IsMultiRegionTrail=False)
    server.advance("10m")
    old = set(trail.keys())
    trail.kms.schedule_key_deletion(KeyId=trail.key_arn, PendingWindowInDays=7)
    make_key(trail, "while it goes")
    server.advance("8d")
    assert set(trail.keys()) == old
    assert "LatestDeliveryError" in trail.status()
    other = trail.kms.create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
    trail.cloudtrail.update_trail(Name=trail.name, KmsKeyId=other)
    server.advance("2h")
    assert not trail.status().get("LatestDeliveryError")
    new = [key for key in trail.keys() if key not in old]
    records = [record for key in new for record in trail.read(key)["Records"]]
    names = [record["eventName"] for record in records]
    assert "ScheduleKeyDeletion" in names and "UpdateTrail" in names
    texts = [record["requestParameters"].get("description") for record in records if record["eventName"] == "CreateKey"]
    assert texts.count("while it goes") == 1
    assert {trail.s3.head_object(Bucket=trail.bucket, Key=key)["SSEKMSKeyId"] for key in new} == {other}


def test_a_key_policy_without_its_statement_stops_delivery_until_it_is_back(server, start):
    trail = make_trail(server, IsMultiRegionTrail=False)
    server.advance("10m")
    before = trail.keys()
    root_only = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    trail.kms.put_key_policy(KeyId=trail.key_arn, Policy=root_only)
    make_key(trail, "without the statement")
    server.advance("20m")
    assert trail.keys() == before
    assert trail.status()["LatestDeliveryError"] == "AccessDenied"
    trail.kms.put_key_policy(KeyId=trail.key_arn, Policy=key_policy())
    server.advance("1h")
    assert not trail.status().get("LatestDeliveryError")
    assert made(trail) == {"without the statement": 1}
    refused = [record for record in trail.records() if record["eventName"] == "GenerateDataKey" and "errorCode" in record]
    assert refused and refused[0]["userIdentity"]["invokedBy"] == "cloudtrail.amazonaws.com"
    server.advance("1h")
    assert listed(trail) <= set(trail.keys())
    valid(trail, start)


def test_a_deny_of_unencrypted_puts_stops_a_trail_without_a_key_until_it_has_one(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    server.advance("10m")
    before = trail.keys()
    unsealed = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    denied = deny("s3:PutObject", f"arn:aws:s3:::{trail.bucket}/AWSLogs/{ACCOUNT}/CloudTrail/*", Condition=unsealed)
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=with_deny(trail.bucket, denied))
    make_key(trail, "unsealed")
    server.advance("20m")
    assert trail.keys() == before
    assert trail.status()["LatestDeliveryError"] == "AccessDenied"
    key = trail.kms.create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
    trail.cloudtrail.update_trail(Name=trail.name, KmsKeyId=key)
    server.advance("2h")
    assert not trail.status().get("LatestDeliveryError")
    assert made(trail)["unsealed"] == 1
    new = [name for name in trail.keys() if name not in before]
    assert {trail.s3.head_object(Bucket=trail.bucket, Key=name)["ServerSideEncryption"] for name in new} == {"aws:kms"}
    # Digests are SSE-S3 in this behaviour, and the policy lets them in.
    assert not trail.status().get("LatestDigestDeliveryError")
    valid(trail, start)


def test_one_regions_refusal_holds_no_other_region_back(server, start):
    trail = make_trail(server, with_key=False)
    away = "eu-west-1"
    server.advance("10m")
    closed = deny("s3:PutObject", f"arn:aws:s3:::{trail.bucket}/AWSLogs/{ACCOUNT}/CloudTrail/{away}/*")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=with_deny(trail.bucket, closed))
    for round in range(3):
        make_key(trail, f"here {round}")
        make_key(trail, f"away {round}", away)
        server.advance("10m")
    assert made(trail) == {f"here {round}": 1 for round in range(3)}
    assert not trail.status().get("LatestDeliveryError")
    assert trail.status(away)["LatestDeliveryError"] == "AccessDenied"
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("10m")
    assert made(trail) == {f"{where} {round}": 1 for where in ("here", "away") for round in range(3)}
    assert not trail.status(away).get("LatestDeliveryError")
    server.advance("2h")
    valid(trail, start)
    valid(trail, start, away)


def test_a_deleted_bucket_that_is_made_again_gets_what_was_kept(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    trail.s3.delete_bucket(Bucket=trail.bucket)
    make_key(trail, "without a bucket")
    server.advance("2h")
    status = trail.status()
    assert status["LatestDeliveryError"] == status["LatestDigestDeliveryError"] == "NoSuchBucket"
    make_bucket(server, trail.bucket)
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("3h")
    status = trail.status()
    assert "LatestDeliveryError" not in status and "LatestDigestDeliveryError" not in status
    assert made(trail) == {"without a bucket": 1}
    valid(trail, start)


def test_what_was_selected_before_logging_stopped_is_delivered_and_what_comes_after_is_not(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    make_key(trail, "before")
    trail.cloudtrail.stop_logging(Name=trail.name)
    make_key(trail, "while stopped")
    server.advance("10m")
    assert made(trail) == {"before": 1}
    status = trail.status()
    assert status["IsLogging"] is False and status["StopLoggingTime"]
    trail.cloudtrail.start_logging(Name=trail.name)
    make_key(trail, "after")
    server.advance("2h")
    assert made(trail) == {"before": 1, "after": 1}
    assert listed(trail) <= set(trail.keys())
    valid(trail, start)


def test_narrowed_selectors_hold_for_what_comes_and_not_for_what_was_selected(server):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    trail.kms.list_keys()
    make_key(trail, "before")
    only_reads = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}
    trail.cloudtrail.put_event_selectors(TrailName=trail.name, EventSelectors=[only_reads])
    make_key(trail, "after")
    trail.kms.list_aliases()
    server.advance("10m")
    assert made(trail) == {"before": 1}
    names = [record["eventName"] for record in trail.records()]
    assert "ListKeys" in names and "ListAliases" in names


# --- digests that come late ---


def test_files_that_come_after_the_last_digest_are_in_a_backfill_digest(server, start):
    """Logging stops while log files are refused; digests are not, so the last one of the chain is signed without them."""
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    server.advance("10m")
    closed = deny("s3:PutObject", f"arn:aws:s3:::{trail.bucket}/AWSLogs/{ACCOUNT}/CloudTrail/*")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=with_deny(trail.bucket, closed))
    make_key(trail, "late")
    trail.cloudtrail.stop_logging(Name=trail.name)
    server.advance("2h")
    standard = trail.digests()
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("3h")
    assert made(trail) == {"late": 1}
    backfill = [key for key in trail.digests() if key not in standard]
    assert len(backfill) == 1 and backfill[0].endswith("_backfill.json.gz")
    head = trail.s3.head_object(Bucket=trail.bucket, Key=backfill[0])["Metadata"]
    assert head["backfill-generation-timestamp"].endswith("Z") and head["signature"]
    digest = trail.read(backfill[0])
    assert digest["previousDigestS3Object"] is digest["previousDigestSignature"] is None
    assert set(trail.keys()) == listed(trail)
    done = valid(trail, start)
    assert "1/1 backfill digest files valid" in done.stdout
    assert f"(backfill) Digest file\ts3://{trail.bucket}/{backfill[0]}\tvalid" in done.stdout

    # A second one names the first as the one before it.
    trail.cloudtrail.start_logging(Name=trail.name)
    server.advance("10m")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=with_deny(trail.bucket, closed))
    make_key(trail, "later")
    trail.cloudtrail.stop_logging(Name=trail.name)
    server.advance("2h")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("3h")
    second = [key for key in trail.digests() if key.endswith("_backfill.json.gz")][-1]
    digest = trail.read(second)
    assert digest["previousDigestS3Object"] == backfill[0]
    assert digest["previousDigestSignature"] == head["signature"]
    assert set(trail.keys()) == listed(trail)
    assert "2/2 backfill digest files valid" in valid(trail, start).stdout

    # And it is looked at: a late file that is changed is found.
    late = digest["logFiles"][0]["s3Object"]
    trail.s3.put_object(Bucket=trail.bucket, Key=late, Body=b"other")
    done = trail.validate(HOME, start)
    assert done.returncode == 1 and f"Log file\ts3://{trail.bucket}/{late}\tINVALID" in done.stderr


@pytest.mark.long
@pytest.mark.serve("--rehearsal", "--delivery-interval", "1h", "--digest-interval", "1d")
def test_digests_refused_for_a_month_are_given_up_and_their_files_are_backfilled(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    make_key(trail, "unproven")
    closed = deny("s3:PutObject", f"arn:aws:s3:::{trail.bucket}/AWSLogs/{ACCOUNT}/CloudTrail-Digest/*")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=with_deny(trail.bucket, closed))
    server.advance("10d")
    assert made(trail) == {"unproven": 1} and trail.digests() == []
    assert trail.status()["LatestDigestDeliveryError"] == "AccessDenied"
    server.advance("22d")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("3d")
    assert not trail.status().get("LatestDigestDeliveryError")
    assert any(key.endswith("_backfill.json.gz") for key in trail.digests())
    make_key(trail, "after")
    server.advance("2d")
    assert set(trail.keys()) == listed(trail)
    valid(trail, start)


def test_refused_digests_are_signed_in_order_when_they_may_be(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    server.advance("2h")
    before = trail.digests()
    closed = deny("s3:PutObject", f"arn:aws:s3:::{trail.bucket}/AWSLogs/{ACCOUNT}/CloudTrail-Digest/*")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=with_deny(trail.bucket, closed))
    make_key(trail, "unproven")
    server.advance("3h")
    assert trail.digests() == before
    assert trail.status()["LatestDigestDeliveryError"] == "AccessDenied"
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=bucket_policy(trail.bucket))
    server.advance("2h")
    digests = [trail.read(key) for key in trail.digests()]
    for older, newer in zip(digests, digests[1:]):
        assert newer["digestStartTime"] == older["digestEndTime"]
        assert newer["previousDigestS3Object"] == older["digestS3Object"]
    assert not any("_backfill" in key for key in trail.digests())
    assert listed(trail) <= set(trail.keys())
    done = valid(trail, start)
    assert "No log files were delivered" not in done.stderr


# --- chains that end and begin ---


def test_a_restart_within_the_hour_ends_one_chain_and_starts_another_at_the_same_moment(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    server.advance("90m")
    trail.cloudtrail.stop_logging(Name=trail.name)
    server.advance("10m")
    trail.cloudtrail.start_logging(Name=trail.name)
    server.advance("3h")
    digests = [trail.read(key) for key in trail.digests()]
    starting = [digest for digest in digests if digest["previousDigestSignature"] is None]
    assert len(starting) == 2
    last_of_the_first = digests[digests.index(starting[1]) - 1]
    assert last_of_the_first["digestEndTime"] == starting[1]["digestStartTime"]
    assert listed(trail) <= set(trail.keys())
    valid(trail, start)


def test_validation_off_ends_the_chain_and_on_starts_one(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    make_key(trail, "proven")
    server.advance("10m")
    proven = set(trail.keys())
    trail.cloudtrail.update_trail(Name=trail.name, EnableLogFileValidation=False)
    make_key(trail, "unproven")
    server.advance("3h")
    unproven = set(trail.keys()) - proven
    assert len(trail.digests()) == 1 and listed(trail) == proven and unproven
    trail.cloudtrail.update_trail(Name=trail.name, EnableLogFileValidation=True)
    make_key(trail, "proven again")
    server.advance("2h")
    digests = [trail.read(key) for key in trail.digests()]
    assert [digest["previousDigestSignature"] is None for digest in digests][:2] == [True, True]
    assert not listed(trail) & unproven and listed(trail) > proven
    valid(trail, start)


def test_a_deleted_trail_gets_its_files_and_a_final_digest(server, start):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    make_key(trail, "last")
    trail.cloudtrail.delete_trail(Name=trail.name)
    make_key(trail, "never")
    server.advance("3h")
    assert made(trail) == {"last": 1}
    assert listed(trail) == set(trail.keys())
    digests = trail.digests()
    valid(trail, start)
    server.advance("3h")
    assert trail.digests() == digests


# --- notices ---


def test_a_topic_that_is_gone_is_told_and_stops_no_file(server):
    sns = server.client("sns")
    topic = sns.create_topic(Name="log-files")["TopicArn"]
    service = {"Service": "cloudtrail.amazonaws.com"}
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=policy(allow("SNS:Publish", topic, Principal=service))
    )
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False, SnsTopicName="log-files")
    server.advance("10m")
    status = trail.status()
    assert trail.keys() and status["LatestNotificationTime"] == status["LatestDeliveryTime"]
    assert "LatestNotificationError" not in status and status["LatestNotificationAttemptSucceeded"]
    sns.delete_topic(TopicArn=topic)
    make_key(trail, "without a topic")
    server.advance("10m")
    later = trail.status()
    assert made(trail) == {"without a topic": 1}
    assert later["LatestDeliveryTime"] > status["LatestDeliveryTime"] and "LatestDeliveryError" not in later
    assert later["LatestNotificationTime"] == status["LatestNotificationTime"]
    assert later["LatestNotificationError"]
    assert later["LatestNotificationAttemptTime"] > later["LatestNotificationAttemptSucceeded"]
