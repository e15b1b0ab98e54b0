"""SubscribeEvents: events as they are committed, what trails deliver, and when the stream ends."""

import time

import pytest
from harness import allow, bucket_policy, make_trail, policy
from streams import Stream, names, subscribed
from test_shoseki_service import answer, ask, looked_up


def test_events_come_as_they_are_committed_and_in_order(server):
    kms = server.client("kms")
    with subscribed(server) as stream:
        assert stream.until_event("SubscribeEvents"), "its own call is the first thing after it"
        keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)]
        kms.schedule_key_deletion(KeyId=keys[0])
        lines = stream.until_event("ScheduleKeyDeletion")
    made = [line["Event"]["Record"] for line in lines if "Event" in line]
    assert [record["eventName"] for record in made] == ["CreateKey"] * 5 + ["ScheduleKeyDeletion"]
    assert [record["responseElements"]["keyMetadata"]["keyId"] for record in made[:5]] == keys
    # What is told is what LookupEvents finds.
    found = {record["eventID"]: record for record in looked_up(server)}
    assert all(found[record["eventID"]] == record for record in made)


def test_the_call_is_recorded_once(server):
    with subscribed(server, {"ExcludeReadOnly": True}) as stream:
        server.client("kms").create_key()
        stream.until_event("CreateKey")
    told = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "SubscribeEvents"}])
    assert [(record["requestParameters"], record["readOnly"]) for record in told] == [({"excludeReadOnly": True}, True)]


def test_only_what_is_asked_for_is_told(server):
    def calls():
        for region in ["us-east-1", "eu-west-1"]:
            kms = server.client("kms", region, user_agent="shoseki-console/1")
            kms.list_keys()
            server.client("kms", region, user_agent="tool/1").list_aliases()
            kms.create_key()
            server.client("sns", region).create_topic(Name="t")

    questions = {
        ("us-east-1", "all"): {},
        ("eu-west-1", "writes"): {"Regions": ["eu-west-1"], "ExcludeReadOnly": True},
        ("both", "sns"): {"Regions": ["us-east-1", "eu-west-1"], "EventSources": ["sns.amazonaws.com"]},
        ("us-east-1", "others"): {"ExcludeReadsBy": ["shoseki-console/"]},
        ("us-east-1", "none"): {"NoEvents": True},
    }
    begin = Stream(server, {}).opened["Position"]
    calls()
    told = {}
    for name, question in questions.items():
        with subscribed(server, {**question, "After": begin, "UpToNow": True}) as stream:
            lines = stream.rest()
        assert lines[-1]["End"]["Reason"] == "UpToNow"
        told[name] = [one for one in names(lines) if one != "SubscribeEvents"]
    assert told == {
        ("us-east-1", "all"): ["ListKeys", "ListAliases", "CreateKey", "CreateTopic"],
        ("eu-west-1", "writes"): ["CreateKey", "CreateTopic"],
        ("both", "sns"): ["CreateTopic", "CreateTopic"],
        ("us-east-1", "others"): ["ListAliases", "CreateKey", "CreateTopic"],
        ("us-east-1", "none"): [],
    }


def test_a_stream_goes_on_behind_a_position(server):
    kms, seen = server.client("kms"), []
    position = Stream(server, {}).opened["Position"]
    for _ in range(4):
        kms.create_key()
        with subscribed(server, {"After": position, "ExcludeReadOnly": True}) as stream:
            kms.create_key()
            # Breaks off in the middle of what is there.
            line = stream.until(lambda line: "Event" in line)[-1]["Event"]
            seen.append(line["Record"]["eventID"])
            position = line["Position"]
    with subscribed(server, {"After": position, "ExcludeReadOnly": True, "UpToNow": True}) as stream:
        seen += [line["Event"]["Record"]["eventID"] for line in stream.rest() if "Event" in line]
    made = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}])
    assert seen == [record["eventID"] for record in reversed(made)] and len(seen) == 8


def test_another_accounts_events_are_not_told(server):
    other = server.account("111122223333")
    with subscribed(server, {"ExcludeReadOnly": True}, who=other) as stream:
        server.client("kms").create_key()
        server.client("sns", who=other).create_topic(Name="t")
        assert names(stream.until_event("CreateTopic")) == ["CreateTopic"]


def test_a_stream_needs_the_rights_to_what_it_tells(server):
    trail = "arn:aws:cloudtrail:us-east-1:000000000000:trail/sealed"
    here = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    who = server.user("who", allow("shoseki:*"), allow("cloudtrail:LookupEvents", Condition=here))
    for parameters, action in [
        ({"Regions": ["us-east-1", "eu-west-1"]}, "cloudtrail:LookupEvents"),
        ({"TrailARNs": [trail]}, "cloudtrail:GetTrailStatus"),
    ]:
        stream = Stream(server, parameters, who=who)
        assert (stream.code, action in stream.message) == ("AccessDeniedException", True), parameters
    assert Stream(server, {}, who=who).opened
    nobody = server.user("nobody", allow("cloudtrail:*"))
    assert Stream(server, {}, who=nobody).code == "AccessDeniedException"


def test_what_makes_no_subscription_is_refused(server):
    for parameters, text in [
        ({"Regions": ["nowhere-1"]}, "`nowhere-1` is no Region that is enabled."),
        ({"TrailARNs": ["sealed"]}, "`sealed` is no trail of this account."),
        ({"After": "x"}, "After is no position of ours."),
        ({"After": "ffffffff-"}, "After is a position that has not come yet."),
        ({"ExcludeReadsBy": ["x" * 65]}, "What a user agent begins with must have 1 to 64 bytes."),
    ]:
        told = ask(server, "SubscribeEvents", parameters)
        assert (told.status, told.code, told.json["message"]) == (400, "ValidationException", text)


def test_so_many_streams_of_one_key_are_open(server):
    streams = [Stream(server, {"NoEvents": True}) for _ in range(64)]
    assert Stream(server, {"NoEvents": True}).code == "LimitExceededException"
    assert Stream(server, {"NoEvents": True}, who=server.user("other", allow("*"))).opened
    streams.pop().close()
    end = time.monotonic() + 5
    while not (again := Stream(server, {"NoEvents": True})).opened and time.monotonic() < end:
        time.sleep(0.1)
    assert again.opened
    for stream in [*streams, again]:
        stream.close()


# --- the end ---


def test_a_stream_ends_when_the_right_or_the_key_is_taken_back(server):
    iam = server.client("iam")
    with_right = server.user("right", allow("shoseki:*"), allow("cloudtrail:*"))
    with_key = server.user("key", allow("*"))
    with subscribed(server, who=with_right) as right, subscribed(server, who=with_key) as key:
        only = policy(allow("shoseki:*"))
        iam.put_user_policy(UserName="right", PolicyName="rights", PolicyDocument=only)
        iam.update_access_key(UserName="key", AccessKeyId=with_key.access_key, Status="Inactive")
        assert right.rest()[-1]["End"] == {
            "Reason": "AccessDenied",
            "Message": "The caller may not cloudtrail:LookupEvents any more.",
        }
        assert key.rest()[-1]["End"]["Reason"] == "ExpiredToken"


def test_a_stop_ends_streams_and_waits_for_none(server):
    with subscribed(server) as read, subscribed(server):
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 5
        assert read.rest()[-1]["End"]["Reason"] == "ServerStopping"


# --- trails, and what is lost ---


@pytest.mark.serve("--rehearsal")
def test_the_first_file_and_the_first_digest_are_told(server):
    arn = "arn:aws:cloudtrail:us-east-1:000000000000:trail/sealed"
    with subscribed(server, {"TrailARNs": [arn], "NoEvents": True}) as stream:
        assert stream.next()["Trail"] == {"TrailARN": arn, "Exists": False, "IsLogging": False}
        trail = make_trail(server, "sealed")
        assert trail.arn == arn
        server.advance("10m")
        file = stream.until(lambda line: "Delivery" in line)[-1]["Delivery"]
        assert (file["Kind"], file["TrailARN"], file["Bucket"]) == ("LogFile", arn, trail.bucket)
        assert trail.s3.head_object(Bucket=trail.bucket, Key=file["Key"])["ContentEncoding"] == "gzip"
        server.advance("70m")
        digest = stream.until(lambda line: line.get("Delivery", {}).get("Kind") == "Digest")[-1]["Delivery"]
        assert "signature" in trail.s3.head_object(Bucket=trail.bucket, Key=digest["Key"])["Metadata"]
        # Another stream learns how it stands.
        with subscribed(server, {"TrailARNs": [arn], "NoEvents": True}) as later:
            stands = later.next()["Trail"]
        assert stands["Exists"] and stands["IsLogging"]
        assert stands["LatestDeliveryTime"] >= file["Time"] and stands["LatestDigestDeliveryTime"] >= digest["Time"]
        # What is refused is told too.
        nobody = bucket_policy(trail.bucket).replace("s3:PutObject", "s3:PutObjectAcl")
        trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=nobody)
        server.client("kms").list_keys()
        server.advance("10m")
        refused = stream.until(lambda line: line.get("Delivery", {}).get("Error"))[-1]["Delivery"]
        assert (refused["Error"], refused["Kind"], "Key" in refused) == ("AccessDenied", "LogFile", False)


@pytest.mark.serve("--rehearsal")
def test_what_the_journal_let_go_of_is_told_to_be_lost(server):
    kms = server.client("kms")
    begin = Stream(server, {}).opened["Position"]
    kms.create_key()
    server.advance("3h")
    kms.list_keys()
    with subscribed(server, {"After": begin, "UpToNow": True}) as stream:
        assert stream.opened["Position"] == begin
        lines = stream.rest()
    lost = lines[0]["Lost"]
    assert lost["From"] == begin and "CreateKey" not in names(lines) and "ListKeys" in names(lines)
    with subscribed(server, {"After": lost["To"], "UpToNow": True}) as stream:
        assert not any("Lost" in line for line in stream.rest())
    assert answer(server, "SummariseEvents", {})["Complete"]
