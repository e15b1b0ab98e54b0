"""Event selectors, basic and advanced: what is taken, what is told, and what a trail then gets."""

import gzip
import json

import pytest
from harness import ACCOUNT, allow, bucket_policy, make_bucket, make_trail, policy, refused

pytestmark = pytest.mark.serve("--rehearsal")
INVALID = "InvalidEventSelectorsException"
BASIC = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


def field(name, **operators):
    return {"Field": name, **operators}


def selector(*fields, name=None):
    named = {"Name": name} if name is not None else {}
    return {**named, "FieldSelectors": list(fields)}


MANAGEMENT = field("eventCategory", Equals=["Management"])
DATA = field("eventCategory", Equals=["Data"])
NETWORK = field("eventCategory", Equals=["NetworkActivity"])
OBJECTS = field("resources.type", Equals=["AWS::S3::Object"])


def gathered(server, trail, act, region=""):
    """What a trail's new files tell of what happens in between, without the clock that is moved for it."""
    server.advance("10m")
    settled = set(trail.keys(region=region))
    act()
    server.advance("10m")
    new = [record for key in trail.keys(region=region) if key not in settled for record in trail.read(key)["Records"]]
    return [record for record in new if record["eventName"] != "AdvanceClock"]


def test_each_kind_of_selector_replaces_the_other(server):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    cloudtrail = trail.cloudtrail
    advanced = [
        selector(MANAGEMENT, field("readOnly", Equals=["false"]), name="changes"),
        selector(
            DATA,
            OBJECTS,
            field("eventName", Equals=["PutObject"], NotStartsWith=["Get", "Head"]),
            field("resources.ARN", StartsWith=["arn:aws:s3:::a-bucket/"], NotEndsWith=[".tmp"]),
        ),
        selector(NETWORK, field("eventSource", Equals=["kms.amazonaws.com"])),
    ]
    put = cloudtrail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=advanced)
    assert (put["TrailARN"], put["AdvancedEventSelectors"]) == (trail.arn, advanced)
    assert "EventSelectors" not in put
    got = cloudtrail.get_event_selectors(TrailName=trail.arn)
    assert got["AdvancedEventSelectors"] == advanced and "EventSelectors" not in got
    assert cloudtrail.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"] is True
    record = next(record for record in gathered(server, trail, lambda: cloudtrail.put_event_selectors(
        TrailName="audit", AdvancedEventSelectors=advanced)) if record["eventName"] == "PutEventSelectors")
    told = record["requestParameters"]
    assert told["advancedEventSelectors"][0] == {
        "name": "changes",
        "fieldSelectors": [
            {"field": "eventCategory", "equals": ["Management"]},
            {"field": "readOnly", "equals": ["false"]},
        ],
    }
    assert record["responseElements"]["advancedEventSelectors"] == told["advancedEventSelectors"]

    server.restart()
    cloudtrail = trail.cloudtrail
    assert cloudtrail.get_event_selectors(TrailName="audit")["AdvancedEventSelectors"] == advanced
    put = cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[BASIC])
    assert put["EventSelectors"] == [BASIC] and "AdvancedEventSelectors" not in put
    assert cloudtrail.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"] is False
    with refused(INVALID, "You can use either AdvancedEventSelectors or EventSelectors, but not both."):
        cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[BASIC], AdvancedEventSelectors=advanced)
    for nothing in ({}, {"EventSelectors": []}, {"AdvancedEventSelectors": []}):
        with refused(INVALID):
            cloudtrail.put_event_selectors(TrailName="audit", **nothing)
    assert cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"] == [BASIC]


def test_what_advanced_selectors_may_say(server):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    put = trail.cloudtrail.put_event_selectors

    def of_type(kind, *more):
        return selector(DATA, field("resources.type", Equals=[kind]), *more)

    for kind in (
        "AWS::S3::Object",
        "AWS::S3::AccessPoint",
        "AWS::Lambda::Function",
        "AWS::DynamoDB::Table",
        "AWS::DynamoDB::Stream",
        "AWS::SNS::Topic",
        "AWS::SNS::PlatformEndpoint",
        "AWS::SQS::Queue",
        "AWS::CloudTrail::Channel",
        "AWS::Bedrock::AgentAlias",
    ):
        put(TrailName="audit", AdvancedEventSelectors=[of_type(kind)])
    many = [f"arn:aws:s3:::bucket-{number}/" for number in range(498)]
    full = of_type("AWS::S3::Object", field("resources.ARN", StartsWith=many))
    put(TrailName="audit", AdvancedEventSelectors=[full])

    for wrong, text in (
        (selector(OBJECTS), "An advanced event selector must have the field eventCategory."),
        (selector(field("eventCategory", Equals=["Insight"])), "Value Insight for field eventCategory is invalid."),
        (selector(DATA), "An event selector of category Data must have the field resources.type."),
        (of_type("AWS::KMS::Key"), "Value AWS::KMS::Key for field resources.type is invalid."),
        (of_type("AWS::S3::Object", DATA), "Field eventCategory is given more than once in an advanced event selector."),
        (
            selector(MANAGEMENT, field("eventName", Equals=["CreateKey"])),
            "Field eventName is not valid for event selectors of category Management.",
        ),
        (
            selector(MANAGEMENT, field("eventSource", NotEquals=["s3.amazonaws.com"])),
            "Value s3.amazonaws.com for field eventSource is invalid.",
        ),
        (
            selector(DATA, OBJECTS, field("readOnly", NotEquals=["true"])),
            "Field readOnly can only use the Equals operator.",
        ),
        (selector(DATA, OBJECTS, field("readOnly", Equals=["no"])), "Value no for field readOnly is invalid."),
        (
            selector(DATA, OBJECTS, field("resources.ARN", Equals=["arn:aws:s3:::bucket"])),
            "Value arn:aws:s3:::bucket for field resources.ARN is invalid.",
        ),
        (
            selector(NETWORK, field("eventSource", Equals=["iam.amazonaws.com"])),
            "Value iam.amazonaws.com for field eventSource is invalid.",
        ),
        (
            selector(DATA, OBJECTS, field("awsRegion", Equals=["us-east-1"])),
            "Field awsRegion is not valid for the event selectors of a trail.",
        ),
    ):
        with refused(INVALID, text, 400):
            put(TrailName="audit", AdvancedEventSelectors=[wrong])
    with refused(INVALID, status=400):
        put(TrailName="audit", AdvancedEventSelectors=[full, selector(MANAGEMENT)])
    kept = trail.cloudtrail.get_event_selectors(TrailName="audit")["AdvancedEventSelectors"]
    assert kept == [full]


def test_advanced_selectors_choose_what_is_delivered(server):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    for bucket in ("watched", "unwatched"):
        make_bucket(server, bucket)
    trail.cloudtrail.put_event_selectors(
        TrailName="audit",
        AdvancedEventSelectors=[
            selector(
                DATA,
                OBJECTS,
                field("resources.ARN", StartsWith=["arn:aws:s3:::watched/"], NotStartsWith=["arn:aws:s3:::watched/tmp/"]),
                field("eventName", NotEquals=["GetObject"]),
            ),
            selector(
                DATA,
                OBJECTS,
                field("readOnly", Equals=["true"]),
                field("resources.ARN", Equals=["arn:aws:s3:::watched/secret"]),
                field("userIdentity.arn", EndsWith=[":user/alice"]),
            ),
        ],
    )
    alice = server.user("alice", allow("s3:*"))

    def act():
        for who in (server.root, alice):
            s3 = server.client("s3", who=who)
            for bucket in ("watched", "unwatched"):
                for key in ("secret", "tmp/x"):
                    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
                    s3.get_object(Bucket=bucket, Key=key)
                    s3.delete_object(Bucket=bucket, Key=key)
            s3.list_objects_v2(Bucket="watched")

    told = [
        (record["eventName"], record["requestParameters"].get("key"), record["userIdentity"]["arn"].split(":")[-1])
        for record in gathered(server, trail, act)
    ]
    assert sorted(told) == [
        ("DeleteObject", "secret", "root"),
        ("DeleteObject", "secret", "user/alice"),
        ("GetObject", "secret", "user/alice"),
        ("ListObjects", None, "root"),
        ("ListObjects", None, "user/alice"),
        ("PutObject", "secret", "root"),
        ("PutObject", "secret", "user/alice"),
    ]


def test_object_level_logging_is_data_resources_without_management_events(server):
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    make_bucket(server, "important")
    make_bucket(server, "another")
    chosen = {
        "ReadWriteType": "WriteOnly",
        "IncludeManagementEvents": False,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::important/"]}],
    }
    trail.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[chosen])

    def act():
        for bucket in ("important", "another"):
            trail.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
            trail.s3.get_object(Bucket=bucket, Key="k")
        make_bucket(server, "a-management-event")

    told = [(record["eventName"], record["requestParameters"]["bucketName"]) for record in gathered(server, trail, act)]
    assert told == [("PutObject", "important")]


def test_callers_and_owners_trails_each_choose_by_their_own_selectors(server):
    """Each account gets its copy, and its trails decide about that copy alone."""
    root = server.account("111122223333")
    ours = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    s3 = server.client("s3")
    theirs = server.client("cloudtrail", who=root)
    make_bucket(server, "their-logs")
    there = server.client("s3", who=root)
    there.create_bucket(Bucket="their-own-logs")
    text = bucket_policy("their-own-logs").replace(ACCOUNT, root.account)
    there.put_bucket_policy(Bucket="their-own-logs", Policy=text)
    theirs.create_trail(Name="theirs", S3BucketName="their-own-logs")
    theirs.start_logging(Name="theirs")
    make_bucket(server, "shared")
    arn = f"arn:aws:iam::{root.account}:root"
    s3.put_bucket_policy(
        Bucket="shared",
        Policy=policy(allow("s3:*", Principal={"AWS": arn}, Resource=["arn:aws:s3:::shared", "arn:aws:s3:::shared/*"])),
    )
    ours.cloudtrail.put_event_selectors(
        TrailName="audit", AdvancedEventSelectors=[selector(DATA, OBJECTS, field("eventName", Equals=["GetObject"]))]
    )
    theirs.put_event_selectors(
        TrailName="theirs", AdvancedEventSelectors=[selector(DATA, OBJECTS, field("readOnly", Equals=["false"]))]
    )

    s3.put_object(Bucket="shared", Key="k", Body=b"x")

    def act():
        there.put_object(Bucket="shared", Key="theirs", Body=b"x")
        there.get_object(Bucket="shared", Key="k")
        s3.get_object(Bucket="shared", Key="k")

    told = gathered(server, ours, act)
    assert [(record["eventName"], record["userIdentity"]["accountId"]) for record in told] == [
        ("GetObject", root.account),
        ("GetObject", ACCOUNT),
    ]
    pages = there.list_objects_v2(Bucket="their-own-logs", Prefix=f"AWSLogs/{root.account}/CloudTrail/")["Contents"]
    bodies = [there.get_object(Bucket="their-own-logs", Key=item["Key"])["Body"].read() for item in pages]
    records = [record for body in bodies for record in json.loads(gzip.decompress(body))["Records"]]
    calls = [record for record in records if record["requestParameters"].get("bucketName") == "shared"]
    assert [(record["eventName"], record["recipientAccountId"]) for record in calls] == [("PutObject", root.account)]


def test_global_events_go_where_they_belong(server):
    home = make_trail(server, with_key=False, IsMultiRegionTrail=False)
    settings = {"with_key": False, "IsMultiRegionTrail": False}
    away = make_trail(server, "away", "eu-west-1", "away-logs", **settings)
    deaf = make_trail(server, "deaf", "us-east-1", "deaf-logs", IncludeGlobalServiceEvents=False, **settings)
    iam = server.client("iam")

    def names(trail):
        return [record["eventName"] for record in trail.records()]

    gathered(server, home, lambda: iam.create_user(UserName="somebody"))
    assert "CreateUser" in names(home)
    assert "CreateUser" not in names(away) and "CreateUser" not in names(deaf)
    assert "AdvanceClock" in names(deaf)


def test_a_trail_of_its_own_bucket_can_leave_its_deliveries_out(server):
    """Without RecursiveLogging the deliveries of log files make no events for the next file."""
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False, EnableLogFileValidation=False)
    everything = [selector(DATA, OBJECTS)]
    trail.cloudtrail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=everything)
    assert trail.cloudtrail.get_trail(Name="audit")["Trail"]["RecursiveLogging"] is True

    def deliveries():
        told = gathered(server, trail, lambda: trail.s3.put_object(Bucket=trail.bucket, Key="mine", Body=b"x"))
        keys = [record["requestParameters"]["key"] for record in told if record["eventName"] == "PutObject"]
        assert "mine" in keys
        return [key for key in keys if key != "mine"]

    assert deliveries()
    updated = trail.cloudtrail.update_trail(Name="audit", RecursiveLogging=False)
    assert updated["RecursiveLogging"] is False
    server.advance("10m")
    assert deliveries() == []
    assert trail.cloudtrail.get_trail(Name="audit")["Trail"]["RecursiveLogging"] is False
