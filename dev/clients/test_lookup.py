"""LookupEvents: every attribute, pages that stay what they are while events come and are archived, 90 days, refusals."""

import json
from datetime import timedelta

import pytest
from harness import allow, make_bucket, make_trail, refused

KEYS = ["AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "ResourceName", "ResourceType", "Username"]


def ask(server, key=None, value=None, region=None, **more):
    asked = {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]} if key else {}
    pages = server.client("cloudtrail", region).get_paginator("lookup_events").paginate(**asked, **more)
    return [event for page in pages for event in page["Events"]]


def values(event, key):
    """The values of an attribute by which an event must be found, read from its record."""
    record = json.loads(event["CloudTrailEvent"])
    identity = record["userIdentity"]
    arns = [resource["ARN"] for resource in record.get("resources", [])]
    return {
        "AccessKeyId": {identity.get("accessKeyId")},
        "EventId": {record["eventID"]},
        "EventName": {record["eventName"]},
        "EventSource": {record["eventSource"]},
        "ReadOnly": {str(record["readOnly"]).lower()},
        "ResourceName": {name for arn in arns for name in (arn, arn.removeprefix("arn:aws:s3:::"))},
        "ResourceType": {resource["type"] for resource in record.get("resources", [])},
        "Username": {event.get("Username")},
    }[key] - {None}


def history(server):
    """What the check of a stopped server's directory counts; it must find nothing wrong."""
    assert server.stop() == 0
    report = json.loads(server.run("fsck", "--json", "--data-dir", str(server.data_dir)).stdout)
    assert report["clean"], report
    return report["looked_at"]


def make_events(server):
    alice = server.user("alice", allow("*"))
    kms, s3 = server.client("kms", who=alice), server.client("s3", who=alice)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.describe_key(KeyId=key)
    s3.create_bucket(Bucket="looked-up")
    s3.put_object(Bucket="looked-up", Key="a", Body=b"a", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.delete_bucket_policy(Bucket="looked-up")
    with refused("NotFoundException"):
        kms.describe_key(KeyId="00000000-0000-0000-0000-000000000000")
    server.client("kms", "eu-west-1").list_keys()


@pytest.mark.serve("--rehearsal")
def test_every_attribute_finds_what_has_it_in_the_journal_and_in_the_archive(server):
    make_events(server)
    everything = ask(server)[1:]  # The first is the lookup's own first page's, or later.
    end = max(event["EventTime"] for event in everything)
    wanted = {}
    for key in KEYS:
        for value in {value for event in everything for value in values(event, key)}:
            wanted[key, value] = [event["EventId"] for event in everything if value in values(event, key)]
    assert {key for key, _ in wanted} == set(KEYS) and len(wanted) > 25
    assert ("ResourceName", "looked-up") in wanted and ("ResourceName", "arn:aws:s3:::looked-up") in wanted

    def check():
        known = {event["EventId"] for event in everything}
        for (key, value), ids in wanted.items():
            found = [event["EventId"] for event in ask(server, key, value, EndTime=end + timedelta(seconds=1))]
            assert [event for event in found if event in known] == ids, (key, value)
        for key in KEYS:
            assert ask(server, key, "none has this") == []
        assert ask(server, "ReadOnly", "TRUE", MaxResults=1, EndTime=end)[0]["ReadOnly"] == "true"
        assert ask(server, "EventName", "createkey") == []

    check()
    server.advance("2h")
    check()
    elsewhere = [event["EventName"] for event in ask(server, region="eu-west-1")]
    assert "ListKeys" in elsewhere and "CreateBucket" not in elsewhere
    looked = history(server)
    assert looked["history entries"] > 20 and looked["history terms"] > looked["history blocks"] >= 2


@pytest.mark.serve("--rehearsal")
def test_pages_stay_what_they_are_while_events_come_and_are_archived(server):
    kms = server.client("kms")
    for number in range(12):
        kms.create_key(Description=str(number))
        if number == 5:
            server.advance("2h")
    cloudtrail = server.client("cloudtrail")
    asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}], "MaxResults": 2}
    before = [event["EventId"] for event in ask(server, "EventName", "CreateKey")]
    assert len(before) == 12
    seen, token, turns = [], None, 0
    while True:
        page = cloudtrail.lookup_events(**asked, **({"NextToken": token} if token else {}))
        seen += [event["EventId"] for event in page["Events"]]
        token = page.get("NextToken")
        if not token:
            break
        turns += 1
        kms.create_key(Description="later")
        if turns % 2:
            server.advance("61m")
        elif turns == 4:
            server.restart()
            cloudtrail, kms = server.client("cloudtrail"), server.client("kms")
    assert seen == before
    assert len(ask(server, "EventName", "CreateKey")) == 12 + turns
    with refused("InvalidNextTokenException"):
        page = cloudtrail.lookup_events(**asked)
        cloudtrail.lookup_events(MaxResults=2, NextToken=page["NextToken"])
    assert history(server)["history entries"] >= 12


@pytest.mark.serve("--rehearsal", "--event-history", "10d")
def test_the_history_reaches_back_as_far_as_it_is_set_and_frees_what_is_older(server):
    kms = server.client("kms")
    kms.create_key(Description="first")
    server.advance("6d")
    start = server.now()
    kms.create_key(Description="second")
    both = ask(server, "EventName", "CreateKey")
    assert len(both) == 2
    assert [event["EventId"] for event in ask(server, "EventName", "CreateKey", StartTime=start)] == [both[0]["EventId"]]
    assert [event["EventId"] for event in ask(server, "EventName", "CreateKey", EndTime=start)] == [both[1]["EventId"]]
    server.advance("5d")
    # Asking for more than there is gives what there is.
    found = ask(server, "EventName", "CreateKey", StartTime=start - timedelta(days=30))
    assert [event["EventId"] for event in found] == [both[0]["EventId"]]
    server.advance("6d")
    assert ask(server, "EventName", "CreateKey") == []
    server.advance("12d")
    looked = history(server)
    assert looked["history entries"] + looked["journal entries"] < 20


@pytest.mark.serve("--rehearsal")
def test_what_is_delivered_and_archived_leaves_the_journal(server):
    trail = make_trail(server, IsMultiRegionTrail=False)
    make_bucket(server, "written")
    for number in range(30):
        trail.s3.put_object(Bucket="written", Key=str(number), Body=b"x")
    server.advance("3h")
    delivered = {record["eventID"] for record in trail.records("us-east-1")}
    found = {event["EventId"] for event in ask(server)}
    assert len(delivered & found) > 5
    server.advance("2h")  # What was just read of the trail's files is archived too.
    looked = history(server)
    # What the last hour's deliveries made waits.
    assert looked["journal entries"] < 40 < looked["history entries"], looked


def test_what_makes_no_sense_is_refused_by_its_name(server):
    cloudtrail = server.client("cloudtrail", parameter_validation=False)
    now = server.now()
    hour = timedelta(hours=1)

    def by(key, value):
        return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}

    for code, asked in [
        ("InvalidTimeRangeException", {"StartTime": now, "EndTime": now - hour}),
        ("InvalidMaxResultsException", {"MaxResults": 0}),
        ("InvalidMaxResultsException", {"MaxResults": 51}),
        ("InvalidNextTokenException", {"NextToken": "nonsense"}),
        ("InvalidNextTokenException", {"NextToken": "1-0-0123456789abcdef"}),
        ("InvalidLookupAttributesException", by("Username", "")),
        ("InvalidLookupAttributesException", by("Username", "x" * 2001)),
        ("InvalidLookupAttributesException", by("Username", "_" * 1001)),
        ("InvalidEventCategoryException", {"EventCategory": "management"}),
        ("UnsupportedOperationException", {"EventCategory": "insight"}),
    ]:
        with refused(code, status=400):
            cloudtrail.lookup_events(**asked)
    assert cloudtrail.lookup_events(**by("Username", "x" * 2000))["Events"] == []
    assert cloudtrail.lookup_events(**by("Username", "_ ,\n" * 250))["Events"] == []
    assert cloudtrail.lookup_events(StartTime=now - hour, EndTime=now - hour)["Events"] == []
    with refused("InvalidLookupAttributesException", status=400):
        cloudtrail.lookup_events(**by("Colour", "red"))
