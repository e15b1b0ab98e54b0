"""Object lock as boto3 sees it: what keeps a version, who may end that and when, by the rehearsal's clock."""

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from harness import allow, deny_text, make_bucket, make_trail, poll, refused

PROTECTED = "Access Denied because object protected by object lock."
NO_LOCK = "Bucket is missing Object Lock Configuration"
DAY = timedelta(days=1)

pytestmark = pytest.mark.serve("--rehearsal")


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return "locked"


def after(server, days):
    return (server.now() + days * DAY).replace(microsecond=0)


def put(s3, bucket, key="key", **lock):
    return s3.put_object(Bucket=bucket, Key=key, Body=b"x", **lock)["VersionId"]


def retained(server, s3, bucket, mode, days, key="key"):
    return retained_until(s3, bucket, mode, after(server, days), key)


def retained_until(s3, bucket, mode, until, key="key"):
    return put(s3, bucket, key, ObjectLockMode=mode, ObjectLockRetainUntilDate=until)


def default(s3, bucket, mode, **period):
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": mode, **period}},
        },
    )


# --- the bucket ---


def test_a_bucket_begins_with_object_lock_and_keeps_it(s3, bucket):
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    configuration = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert configuration == {"ObjectLockEnabled": "Enabled"}
    text = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
    with refused("InvalidBucketState", text, 409):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def test_a_bucket_gets_object_lock_when_it_keeps_versions(server, s3):
    make_bucket(server, "plain")
    with refused("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", 404):
        s3.get_object_lock_configuration(Bucket="plain")
    text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
    for status in (None, "Suspended"):
        if status:
            s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": status})
        with refused("InvalidBucketState", text, 409):
            default(s3, "plain", "GOVERNANCE", Days=1)
    s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    default(s3, "plain", "GOVERNANCE", Days=1)
    rule = s3.get_object_lock_configuration(Bucket="plain")["ObjectLockConfiguration"]["Rule"]
    assert rule == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(Bucket="plain", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    assert "Rule" not in s3.get_object_lock_configuration(Bucket="plain")["ObjectLockConfiguration"]


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}},
        {"ObjectLockEnabled": "Enabled", "Rule": {}},
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {}}},
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE"}}},
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}}},
    ],
)
def test_configurations_that_are_none_are_refused(s3, bucket, configuration):
    with refused("MalformedXML", status=400):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)


def test_a_bucket_without_object_lock_locks_nothing(server, s3):
    make_bucket(server, "plain")
    s3.put_object(Bucket="plain", Key="key", Body=b"x")
    until = after(server, 1)
    at = {"Bucket": "plain", "Key": "key"}
    for call in (
        lambda: s3.put_object(**at, Body=b"x", ObjectLockLegalHoldStatus="ON"),
        lambda: retained(server, s3, "plain", "GOVERNANCE", 1),
        lambda: s3.put_object_retention(**at, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until}),
        lambda: s3.get_object_retention(**at),
        lambda: s3.put_object_legal_hold(**at, LegalHold={"Status": "ON"}),
        lambda: s3.get_object_legal_hold(**at),
    ):
        with refused("InvalidRequest", NO_LOCK, 400):
            call()
    text = "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets."
    for bypass in (True, False):
        with refused("InvalidArgument", text, 400):
            s3.delete_object(**at, BypassGovernanceRetention=bypass)
    with refused("InvalidArgument", text, 400):
        s3.delete_objects(Bucket="plain", Delete={"Objects": [{"Key": "key"}]}, BypassGovernanceRetention=True)


# --- retention ---


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_retained_version_stays_until_its_time(server, s3, bucket, mode):
    until = after(server, 10)
    version = retained_until(s3, bucket, mode, until)
    head = s3.head_object(Bucket=bucket, Key="key")
    assert head["ObjectLockMode"] == mode and head["ObjectLockRetainUntilDate"] == until
    with refused("AccessDenied", PROTECTED, 403):
        s3.delete_object(Bucket=bucket, Key="key", VersionId=version)
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "key", "VersionId": version}]})
    assert [(one["Code"], one["Message"], one["VersionId"]) for one in answer["Errors"]] == [
        ("AccessDenied", PROTECTED, version)
    ]
    # It may be hidden and overwritten: the version stays.
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    put(s3, bucket)
    s3.delete_object(Bucket=bucket, Key="key", VersionId=marker)
    assert s3.get_object(Bucket=bucket, Key="key", VersionId=version)["Body"].read() == b"x"
    server.advance("9d")
    with refused("AccessDenied", PROTECTED, 403):
        s3.delete_object(Bucket=bucket, Key="key", VersionId=version)
    server.restart()
    s3 = server.client("s3")
    server.advance("2d")
    s3.delete_object(Bucket=bucket, Key="key", VersionId=version)


def test_governance_is_bypassed_by_who_may_and_says_so(server, s3, bucket):
    version = retained(server, s3, bucket, "GOVERNANCE", 10)
    at = {"Bucket": bucket, "Key": "key", "VersionId": version}
    rights = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:GetObjectRetention"]
    clerk = server.user("clerk", allow(rights))
    chief = server.user("chief", allow([*rights, "s3:BypassGovernanceRetention"]))
    theirs, chiefs = server.client("s3", who=clerk), server.client("s3", who=chief)
    denied = deny_text(clerk, "s3:BypassGovernanceRetention", f'"arn:aws:s3:::{bucket}/key"')
    with refused("AccessDenied", denied, 403):
        theirs.delete_object(**at, BypassGovernanceRetention=True)
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": after(server, 1)}
    longer = {"Mode": "GOVERNANCE", "RetainUntilDate": after(server, 20)}
    stricter = {"Mode": "COMPLIANCE", "RetainUntilDate": after(server, 20)}
    for client in (theirs, chiefs):
        for retention in (shorter, stricter, {}):
            with refused("AccessDenied", PROTECTED, 403):
                client.put_object_retention(**at, Retention=retention)
    theirs.put_object_retention(**at, Retention=longer)
    with refused("AccessDenied", denied, 403):
        theirs.put_object_retention(**at, Retention=shorter, BypassGovernanceRetention=True)
    chiefs.put_object_retention(**at, Retention=shorter, BypassGovernanceRetention=True)
    assert theirs.get_object_retention(**at)["Retention"] == shorter
    chiefs.put_object_retention(**at, Retention={}, BypassGovernanceRetention=True)
    with refused("NoSuchObjectLockConfiguration", status=404):
        theirs.get_object_retention(**at)
    chiefs.put_object_retention(**at, Retention=longer)
    chiefs.delete_object(**at, BypassGovernanceRetention=True)
    with refused("NoSuchVersion", status=404):
        s3.get_object(**at)
    # Where nothing is retained, the word needs no right.
    free = put(s3, bucket)
    theirs.delete_object(Bucket=bucket, Key="key", VersionId=free, BypassGovernanceRetention=True)


def test_compliance_is_bypassed_by_nobody(server, s3, bucket):
    version = retained(server, s3, bucket, "COMPLIANCE", 10)
    at = {"Bucket": bucket, "Key": "key", "VersionId": version}
    for retention in (
        {"Mode": "COMPLIANCE", "RetainUntilDate": after(server, 9)},
        {"Mode": "GOVERNANCE", "RetainUntilDate": after(server, 20)},
        {},
    ):
        with refused("AccessDenied", PROTECTED, 403):
            s3.put_object_retention(**at, Retention=retention, BypassGovernanceRetention=True)
    with refused("AccessDenied", PROTECTED, 403):
        s3.delete_object(**at, BypassGovernanceRetention=True)
    s3.put_object_retention(**at, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": after(server, 20)})
    with refused("BucketNotEmpty", status=409):
        s3.delete_bucket(Bucket=bucket)
    server.advance("11d")
    with refused("AccessDenied", PROTECTED, 403):
        s3.delete_object(**at)
    server.advance("10d")
    s3.delete_object(**at)


def test_a_legal_hold_has_no_end_but_its_own(server, s3, bucket):
    version = put(s3, bucket)
    at = {"Bucket": bucket, "Key": "key", "VersionId": version}
    text = "The specified object does not have a ObjectLock configuration"
    for call in (s3.get_object_legal_hold, s3.get_object_retention):
        with refused("NoSuchObjectLockConfiguration", text, 404):
            call(**at)
    s3.put_object_legal_hold(**at, LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(**at)["LegalHold"] == {"Status": "ON"}
    assert s3.get_object(**at)["ObjectLockLegalHoldStatus"] == "ON"
    server.advance("40d")
    for bypass in (True, False):
        with refused("AccessDenied", PROTECTED, 403):
            s3.delete_object(**at, BypassGovernanceRetention=bypass)
    s3.put_object_legal_hold(**at, LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(**at)["LegalHold"] == {"Status": "OFF"}
    s3.delete_object(**at)
    held = put(s3, bucket, ObjectLockLegalHoldStatus="ON")
    with refused("AccessDenied", PROTECTED, 403):
        s3.delete_object(Bucket=bucket, Key="key", VersionId=held)


def test_markers_are_not_locked(s3, bucket):
    put(s3, bucket)
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    for version in ({}, {"VersionId": marker}):
        with refused("MethodNotAllowed", status=405):
            s3.put_object_legal_hold(Bucket=bucket, Key="key", LegalHold={"Status": "ON"}, **version)
        with refused("MethodNotAllowed", status=405):
            s3.get_object_retention(Bucket=bucket, Key="key", **version)
    with refused("NoSuchKey", status=404):
        s3.get_object_retention(Bucket=bucket, Key="none")


def test_headers_of_a_put_are_whole_or_refused(server, s3, bucket):
    until = after(server, 1)
    both = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
    for lock, text in (
        ({"ObjectLockMode": "GOVERNANCE"}, both),
        ({"ObjectLockRetainUntilDate": until}, both),
        ({"ObjectLockMode": "STRICT", "ObjectLockRetainUntilDate": until}, "Unknown wormMode directive."),
        (
            {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime(2020, 1, 1, tzinfo=timezone.utc)},
            "The retain until date must be in the future!",
        ),
    ):
        with refused("InvalidArgument", text, 400):
            put(s3, bucket, **lock)
    with refused("InvalidArgument", "The retain until date must be in the future!", 400):
        version = put(s3, bucket)
        past = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime(2020, 1, 1, tzinfo=timezone.utc)}
        s3.put_object_retention(Bucket=bucket, Key="key", VersionId=version, Retention=past)
    for wrong in ({"Mode": "GOVERNANCE"}, {"RetainUntilDate": until}, {"Mode": "STRICT", "RetainUntilDate": until}):
        with refused("MalformedXML", status=400):
            s3.put_object_retention(Bucket=bucket, Key="key", Retention=wrong)
    with refused("MalformedXML", status=400):
        s3.put_object_legal_hold(Bucket=bucket, Key="key", LegalHold={"Status": "on"})


def test_what_is_locked_must_be_vouched_for(server, s3, bucket):
    locked = {"x-amz-object-lock-legal-hold": "ON"}
    text = b"Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
    answer = server.call("s3", "PUT", f"/{bucket}/key", locked, b"x")
    assert (answer.status, answer.code) == (400, "InvalidRequest") and text in answer.body
    md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert server.call("s3", "PUT", f"/{bucket}/key", {**locked, "Content-MD5": md5}, b"x").status == 200
    # The bucket's default asks for the same, and without either nothing does.
    assert server.call("s3", "PUT", f"/{bucket}/free", {}, b"x").status == 200
    default(s3, bucket, "GOVERNANCE", Days=1)
    answer = server.call("s3", "PUT", f"/{bucket}/free", {}, b"x")
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    body = b"<LegalHold><Status>ON</Status></LegalHold>"
    answer = server.call("s3", "PUT", f"/{bucket}/free?legal-hold", {}, body)
    assert (answer.status, answer.code) == (400, "InvalidRequest")


@pytest.mark.parametrize("period, days", [({"Days": 3}, 3), ({"Years": 1}, 365)])
def test_new_versions_get_the_default(server, s3, bucket, period, days):
    before = put(s3, bucket)
    default(s3, bucket, "COMPLIANCE", **period)
    version = put(s3, bucket)
    found = s3.get_object_retention(Bucket=bucket, Key="key", VersionId=version)["Retention"]
    assert found["Mode"] == "COMPLIANCE" and abs(found["RetainUntilDate"] - after(server, days)) < timedelta(minutes=1)
    s3.delete_object(Bucket=bucket, Key="key", VersionId=before)
    own = retained(server, s3, bucket, "GOVERNANCE", 1)
    assert s3.head_object(Bucket=bucket, Key="key", VersionId=own)["ObjectLockMode"] == "GOVERNANCE"


# --- policies and the log bucket ---


def test_policies_bound_retention(server, s3, bucket):
    bounds = {
        "NumericLessThan": {"s3:object-lock-remaining-retention-days": "10"},
        "StringEquals": {"s3:object-lock-mode": "GOVERNANCE"},
    }
    clerk = server.user(
        "clerk",
        allow("s3:PutObject"),
        allow("s3:PutObjectRetention", Condition=bounds),
        allow("s3:PutObjectLegalHold", Condition={"StringEquals": {"s3:object-lock-legal-hold": "ON"}}),
    )
    theirs = server.client("s3", who=clerk)
    version = retained(server, theirs, bucket, "GOVERNANCE", 9)
    for mode, days in (("GOVERNANCE", 11), ("COMPLIANCE", 9)):
        with refused("AccessDenied", re.compile("s3:PutObjectRetention"), 403):
            retained(server, theirs, bucket, mode, days)
    at = {"Bucket": bucket, "Key": "key", "VersionId": version}
    with refused("AccessDenied", re.compile("s3:PutObjectRetention"), 403):
        theirs.put_object_retention(**at, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": after(server, 30)})
    theirs.put_object_legal_hold(**at, LegalHold={"Status": "ON"})
    with refused("AccessDenied", re.compile("s3:PutObjectLegalHold"), 403):
        theirs.put_object_legal_hold(**at, LegalHold={"Status": "OFF"})
    plain = server.user("plain", allow("s3:PutObject"))
    with refused("AccessDenied", re.compile("s3:PutObjectRetention"), 403):
        retained(server, server.client("s3", who=plain), bucket, "GOVERNANCE", 1)
    with refused("AccessDenied", re.compile("s3:PutObjectLegalHold"), 403):
        put(server.client("s3", who=plain), bucket, ObjectLockLegalHoldStatus="ON")


def test_a_bucket_with_object_lock_needs_rights_of_its_own(server):
    maker = server.user("maker", allow("s3:CreateBucket"))
    with refused("AccessDenied", re.compile("s3:PutBucketObjectLockConfiguration"), 403):
        server.client("s3", who=maker).create_bucket(Bucket="locked-2", ObjectLockEnabledForBucket=True)


def test_a_log_bucket_keeps_what_is_delivered(server, s3):
    trail = make_trail(server, IsMultiRegionTrail=False)
    s3.put_bucket_versioning(Bucket=trail.bucket, VersioningConfiguration={"Status": "Enabled"})
    default(s3, trail.bucket, "COMPLIANCE", Days=365)
    server.advance("90m")
    keys = poll(lambda: trail.keys() and trail.digests())
    assert keys, server.stderr()[-2000:]
    for key in trail.keys() + trail.digests():
        head = s3.head_object(Bucket=trail.bucket, Key=key)
        if "ObjectLockMode" not in head:
            continue
        assert head["ObjectLockMode"] == "COMPLIANCE"
        with refused("AccessDenied", PROTECTED, 403):
            s3.delete_object(
                Bucket=trail.bucket, Key=key, VersionId=head["VersionId"], BypassGovernanceRetention=True
            )
    assert any("ObjectLockMode" in s3.head_object(Bucket=trail.bucket, Key=key) for key in trail.digests())
    assert any("ObjectLockMode" in s3.head_object(Bucket=trail.bucket, Key=key) for key in trail.keys())
    assert "LatestDeliveryError" not in trail.status()


def test_the_aws_cli_locks(server, bucket):
    target = server.folder / "file"
    target.write_text("x")
    until = after(server, 2).strftime("%Y-%m-%dT%H:%M:%SZ")
    put = server.aws(
        "s3api", "put-object", "--bucket", bucket, "--key", "key", "--body", str(target),
        "--object-lock-mode", "GOVERNANCE", "--object-lock-retain-until-date", until,
    )
    version = json.loads(put.stdout)["VersionId"]
    delete = ["s3api", "delete-object", "--bucket", bucket, "--key", "key", "--version-id", version]
    refusal = server.aws(*delete, check=False)
    assert refusal.returncode != 0 and PROTECTED in refusal.stderr
    server.aws(*delete, "--bypass-governance-retention")
