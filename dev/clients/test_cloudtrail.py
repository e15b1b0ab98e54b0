"""CloudTrail as boto3 sees it: trails, status, selectors, event history, public keys; and the records themselves."""

import base64
import hashlib
import json
import re
from datetime import timedelta

import pytest
from harness import ACCOUNT, allow, make_bucket, make_trail, poll, refused

pytestmark = pytest.mark.serve("--rehearsal")
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"


def test_a_trail_is_made_found_changed_and_deleted(server):
    trail = make_trail(server, IsMultiRegionTrail=False, EnableLogFileValidation=False)
    cloudtrail = trail.cloudtrail
    expected = {
        "Name": "audit",
        "S3BucketName": "audit-logs",
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": False,
        "HomeRegion": "us-east-1",
        "TrailARN": ARN,
        "LogFileValidationEnabled": False,
        "KmsKeyId": trail.key_arn,
        "HasCustomEventSelectors": False,
        "HasInsightSelectors": False,
        "IsOrganizationTrail": False,
        "RecursiveLogging": True,
    }
    for name in ("audit", ARN):
        assert cloudtrail.get_trail(Name=name)["Trail"] == expected
        assert cloudtrail.describe_trails(trailNameList=[name])["trailList"] == [expected]
    assert cloudtrail.describe_trails()["trailList"] == [expected]
    listed = {"TrailARN": ARN, "Name": "audit", "HomeRegion": "us-east-1"}
    assert server.client("cloudtrail", "sa-east-1").list_trails()["Trails"] == [listed]

    changed = cloudtrail.update_trail(Name=ARN, IsMultiRegionTrail=True, EnableLogFileValidation=True, KmsKeyId="")
    assert changed["IsMultiRegionTrail"] is changed["LogFileValidationEnabled"] is True
    assert "KmsKeyId" not in changed and "S3KeyPrefix" not in changed and "HomeRegion" not in changed
    shadow = server.client("cloudtrail", "sa-east-1").describe_trails()["trailList"]
    assert [(one["TrailARN"], one["HomeRegion"]) for one in shadow] == [(ARN, "us-east-1")]
    cloudtrail.update_trail(Name="audit", IsMultiRegionTrail=False)
    assert server.client("cloudtrail", "sa-east-1").describe_trails()["trailList"] == []

    cloudtrail.delete_trail(Name="audit")
    assert cloudtrail.describe_trails()["trailList"] == []
    with refused("TrailNotFoundException", status=400):
        cloudtrail.get_trail(Name="audit")
    trail.s3.head_bucket(Bucket=trail.bucket)


def test_a_new_trail_logs_nothing_until_it_is_started_and_tells_its_status(server):
    trail = make_trail(server)
    trail.cloudtrail.stop_logging(Name="audit")
    other = trail.cloudtrail.create_trail(Name="second", S3BucketName=trail.bucket)
    status = trail.cloudtrail.get_trail_status(Name=other["Name"])
    assert status["IsLogging"] is False
    for name in ("TimeLoggingStarted", "TimeLoggingStopped", "LatestDeliveryAttemptTime"):
        assert status[name] == ""
    assert "StartLoggingTime" not in status and "LatestDeliveryTime" not in status

    for _ in range(2):
        trail.cloudtrail.start_logging(Name="audit")
    server.advance("2h")
    status = trail.status()
    assert status["IsLogging"] is True
    assert abs(status["StartLoggingTime"] - (server.now() - timedelta(hours=2))) < timedelta(minutes=2)
    assert status["StartLoggingTime"] < status["LatestDeliveryTime"] <= server.now()
    assert status["StartLoggingTime"] < status["LatestDigestDeliveryTime"] <= server.now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["TimeLoggingStarted"])
    assert not status.get("LatestDeliveryError") and not status.get("LatestDigestDeliveryError")
    trail.cloudtrail.stop_logging(Name=ARN)
    status = trail.status()
    assert status["IsLogging"] is False and status["StopLoggingTime"] > status["StartLoggingTime"]


def test_event_selectors_are_kept_and_a_wrong_one_is_refused(server):
    trail = make_trail(server)
    cloudtrail = trail.cloudtrail
    default = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    assert cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"] == [default]
    chosen = {
        **default,
        "ReadWriteType": "WriteOnly",
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
        "ExcludeManagementEventSources": ["kms.amazonaws.com"],
    }
    put = cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[chosen])
    assert put["EventSelectors"] == [chosen] and put["TrailARN"] == ARN
    assert cloudtrail.get_event_selectors(TrailName=ARN)["EventSelectors"] == [chosen]
    assert cloudtrail.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"] is True

    def s3_values(*values):
        return {**default, "DataResources": [{"Type": "AWS::S3::Object", "Values": list(values)}]}

    text = "Value arn:aws:s3:::*/* for DataResources.Values is invalid."
    with refused("InvalidEventSelectorsException", text, 400):
        cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[s3_values("arn:aws:s3:::*/*")])
    for wrong in (
        [s3_values("arn:aws:s3:::no-slash")],
        [{**default, "DataResources": [{"Type": "AWS::No::Thing", "Values": ["arn:aws:s3"]}]}],
        [{**default, "ExcludeManagementEventSources": ["s3.amazonaws.com"]}],
        [default] * 6,
        [s3_values(*[f"arn:aws:s3:::bucket-{number}/" for number in range(251)])],
    ):
        with refused("InvalidEventSelectorsException", status=400):
            cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=wrong)
    assert cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"] == [chosen]


def test_selectors_choose_what_is_delivered(server):
    trail = make_trail(server)
    selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}
    selector["ExcludeManagementEventSources"] = ["kms.amazonaws.com"]
    trail.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[selector])
    server.advance("10m")
    settled = set(trail.keys())
    trail.kms.create_key(Description="excluded")
    trail.cloudtrail.describe_trails()
    make_bucket(server, "a-write-event")
    server.advance("10m")
    new = [record for key in trail.keys() if key not in settled for record in trail.read(key)["Records"]]
    # Moving the rehearsal clock is a write event of its own.
    new = [record for record in new if record["eventName"] != "AdvanceClock"]
    assert [(record["eventName"], record["readOnly"]) for record in new] == [("CreateBucket", False)]


def test_lookup_events_finds_a_call_by_name_user_and_id(server):
    alice = server.user("alice", allow("kms:*"))
    kms = server.client("kms", who=alice)
    key = kms.create_key(Description="to be found")["KeyMetadata"]
    kms.create_alias(AliasName="alias/found", TargetKeyId=key["KeyId"])
    with refused("AccessDeniedException"):
        server.client("cloudtrail", who=alice).describe_trails()
    cloudtrail = server.client("cloudtrail")

    def look(name, value, **more):
        asked = [{"AttributeKey": name, "AttributeValue": value}]
        return poll(lambda: cloudtrail.lookup_events(LookupAttributes=asked, **more)["Events"])

    by_user = look("Username", "alice")
    assert [event["EventName"] for event in by_user] == ["DescribeTrails", "CreateAlias", "CreateKey"]
    alias = look("EventName", "CreateAlias")[0]
    assert alias == by_user[1]
    assert (alias["Username"], alias["EventSource"]) == ("alice", "kms.amazonaws.com")
    assert (alias["ReadOnly"], alias["AccessKeyId"]) == ("false", alice.access_key)
    record = json.loads(alias["CloudTrailEvent"])
    assert record["requestParameters"] == {"aliasName": "alias/found", "targetKeyId": key["KeyId"]}
    assert look("EventId", alias["EventId"]) == [alias]
    assert look("EventSource", "kms.amazonaws.com")[0]["EventName"] == "CreateAlias"
    assert look("ResourceName", key["Arn"])
    assert {event["ReadOnly"] for event in look("ReadOnly", "true")} == {"true"}
    assert look("AccessKeyId", alice.access_key) == by_user
    refusal = json.loads(by_user[0]["CloudTrailEvent"])
    assert refusal["errorCode"] in ("AccessDenied", "AccessDeniedException") and alice.arn in refusal["errorMessage"]
    # It needs no trail, and pages.
    page = cloudtrail.lookup_events(MaxResults=1)
    assert len(page["Events"]) == 1
    following = cloudtrail.lookup_events(MaxResults=1, NextToken=page["NextToken"])["Events"]
    assert following[0]["EventId"] != page["Events"][0]["EventId"]


def test_lookup_events_refuses_what_makes_no_sense(server):
    cloudtrail = server.client("cloudtrail")
    now = server.now()
    with refused("InvalidTimeRangeException", status=400):
        cloudtrail.lookup_events(StartTime=now, EndTime=now - timedelta(hours=1))
    with refused("InvalidNextTokenException", status=400):
        cloudtrail.lookup_events(NextToken="nonsense")
    two = [{"AttributeKey": "EventName", "AttributeValue": "a"}, {"AttributeKey": "Username", "AttributeValue": "b"}]
    with refused("InvalidLookupAttributesException", status=400):
        cloudtrail.lookup_events(LookupAttributes=two)
    assert cloudtrail.lookup_events(StartTime=now + timedelta(days=1), EndTime=now + timedelta(days=2))["Events"] == []


def test_event_history_ends_after_90_days(server):
    server.client("kms").create_key(Description="old")
    asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]}
    cloudtrail = server.client("cloudtrail")
    assert cloudtrail.lookup_events(**asked)["Events"]
    server.advance("91d")
    assert cloudtrail.lookup_events(**asked)["Events"] == []


def test_public_keys_are_pkcs1_with_their_md5_as_fingerprint(server):
    start = server.now()
    trail = make_trail(server)
    server.advance("2h")
    used = {trail.read(key)["digestPublicKeyFingerprint"] for key in trail.digests("us-east-1")}
    keys = trail.cloudtrail.list_public_keys(StartTime=start, EndTime=server.now())["PublicKeyList"]
    for key in keys:
        assert base64.b64encode(key["Value"]).startswith(b"MIIBCgKCAQEA")
        assert hashlib.md5(key["Value"]).hexdigest() == key["Fingerprint"]
        assert key["ValidityStartTime"] < key["ValidityEndTime"]
    assert used <= {key["Fingerprint"] for key in keys}
    elsewhere = server.client("cloudtrail", "eu-west-1").list_public_keys(StartTime=start, EndTime=server.now())
    assert not used & {key["Fingerprint"] for key in elsewhere["PublicKeyList"]}
    with refused("InvalidTimeRangeException", status=400):
        trail.cloudtrail.list_public_keys(StartTime=server.now(), EndTime=start)


ALWAYS = {
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "requestParameters",
    "responseElements",
    "eventID",
    "readOnly",
    "eventType",
    "eventCategory",
    "managementEvent",
    "recipientAccountId",
}


def test_every_delivered_record_has_the_required_fields(server):
    """Many kinds of calls, several identities, some refused, data events too; every file and record is read back."""
    trail = make_trail(server)
    everything = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
    }
    trail.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[everything])
    alice = server.user("alice")
    trail.s3.put_object(
        Bucket=trail.bucket, Key="sealed", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=trail.key_arn
    )
    trail.s3.get_object(Bucket=trail.bucket, Key="sealed")
    with refused("NoSuchKey"):
        trail.s3.get_object(Bucket=trail.bucket, Key="absent")
    with refused("AccessDenied"):
        server.client("s3", who=alice).get_object(Bucket=trail.bucket, Key="sealed")
    server.client("sts", "eu-west-1").get_caller_identity()
    server.client("ec2", "eu-west-1").describe_regions()
    server.advance("10m")

    records = trail.records()
    ids = [record["eventID"] for record in records]
    assert len(ids) == len(set(ids))
    for record in records:
        assert ALWAYS - record.keys() == set(), record
        assert record["eventVersion"] in ("1.08", "1.09", "1.10", "1.11")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", record["eventID"])
        assert record["eventSource"].endswith(".amazonaws.com")
        assert record["recipientAccountId"] == ACCOUNT
        assert record["managementEvent"] is (record["eventCategory"] == "Management")
        assert ("errorCode" in record) == ("errorMessage" in record)
    for region in ("us-east-1", "eu-west-1"):
        assert {record["awsRegion"] for record in trail.records(f"{region}/")} == {region}
    for key in trail.keys():
        assert re.fullmatch(
            rf"AWSLogs/{ACCOUNT}/CloudTrail/[a-z0-9-]+/\d{{4}}/\d\d/\d\d/"
            rf"{ACCOUNT}_CloudTrail_[a-z0-9-]+_\d{{8}}T\d{{4}}Z_[0-9A-Za-z]{{16}}\.json\.gz",
            key,
        )

    def one(name, **more):
        found = [
            record
            for record in records
            if record["eventName"] == name and all(record.get(field) == value for field, value in more.items())
        ]
        assert found, (name, more)
        return found[0]

    put = one("PutObject", eventCategory="Data")
    assert put["requestParameters"]["key"] == "sealed" and put["readOnly"] is False
    assert put["additionalEventData"]["SSEApplied"] == "SSE_KMS"
    assert one("GetObject", errorCode="NoSuchKey")["userIdentity"]["type"] == "Root"
    denied = one("GetObject", errorCode="AccessDenied")
    assert denied["userIdentity"]["arn"] == alice.arn and denied["userIdentity"]["userName"] == "alice"
    root = one("StartLogging")["userIdentity"]
    assert (root["type"], root["arn"]) == ("Root", f"arn:aws:iam::{ACCOUNT}:root")
    by_s3 = [
        record
        for record in records
        if record["eventName"] == "GenerateDataKey" and record["userIdentity"].get("type") == "Root"
    ]
    assert by_s3[0]["requestParameters"]["encryptionContext"]["aws:s3:arn"] == f"arn:aws:s3:::{trail.bucket}/sealed"
    assert by_s3[0]["sourceIPAddress"] == by_s3[0]["userAgent"] == "AWS Internal"
    server.advance("10m")
    records = trail.records()
    by_service = [
        record
        for record in records
        if record["eventName"] == "GenerateDataKey" and record["userIdentity"].get("type") == "AWSService"
    ]
    assert by_service[-1]["userIdentity"]["invokedBy"] == "cloudtrail.amazonaws.com"
    assert by_service[-1]["requestParameters"]["encryptionContext"]["aws:cloudtrail:arn"] == trail.arn
    secret = one("CreateAccessKey")["responseElements"]
    assert alice.secret_key not in json.dumps(records) and alice.access_key in json.dumps(secret)


def test_without_any_caller_a_delivery_does_not_feed_itself(server):
    """A trail that logs its own key and bucket makes at most one file per Region and interval."""
    trail = make_trail(server, IsMultiRegionTrail=False, EnableLogFileValidation=False)
    everything = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{trail.bucket}/"]}],
    }
    trail.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[everything])
    server.advance("10m")
    before = len(trail.keys())
    server.advance("1h")
    assert len(trail.keys()) - before <= 13
