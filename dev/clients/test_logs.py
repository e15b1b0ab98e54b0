"""CloudWatch Logs as boto3 sees it: groups, streams, events, patterns, retention, tags, keys, metric filters."""

import json
import random
import string

import pytest
from harness import ACCOUNT, allow, deny_text, policy, refused

GROUP = "/app/one"
ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group"
DAY = 86_400_000
INVALID = "InvalidParameterException"
MISSING = "ResourceNotFoundException"
NO_GROUP = "The specified log group does not exist."
NO_STREAM = "The specified log stream does not exist."


@pytest.fixture
def logs(server):
    return server.client("logs")


@pytest.fixture
def stream(logs):
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    return {"logGroupName": GROUP, "logStreamName": "s"}


def millis(server):
    return int(server.now().timestamp() * 1000)


def event(time, message):
    return {"timestamp": time, "message": message}


def messages(answer):
    return [one["message"] for one in answer["events"]]


def all_pages(client, operation, member, **arguments):
    pages = client.get_paginator(operation).paginate(**arguments)
    return [one for page in pages for one in page[member]]


# --- groups and streams ---


def test_groups_are_made_listed_by_name_and_deleted(logs):
    names = ["a/1", "a/2", "a/3", "b/1", "b_2"]
    for name in reversed(names):
        logs.create_log_group(logGroupName=name)
    found = logs.describe_log_groups()["logGroups"]
    assert [one["logGroupName"] for one in found] == names
    assert found[0] == {
        "logGroupName": "a/1",
        "creationTime": found[0]["creationTime"],
        "metricFilterCount": 0,
        "arn": f"{ARN}:a/1:*",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": f"{ARN}:a/1",
        "deletionProtectionEnabled": False,
    }
    listed = all_pages(logs, "describe_log_groups", "logGroups", PaginationConfig={"PageSize": 2})
    assert [one["logGroupName"] for one in listed] == names
    by_prefix = logs.describe_log_groups(logGroupNamePrefix="a/", limit=2)
    assert [one["logGroupName"] for one in by_prefix["logGroups"]] == ["a/1", "a/2"]
    with refused(INVALID, "The specified nextToken is invalid."):
        logs.describe_log_groups(logGroupNamePrefix="b", nextToken=by_prefix["nextToken"])
    by_pattern = logs.describe_log_groups(logGroupNamePattern="/1")["logGroups"]
    assert [one["logGroupName"] for one in by_pattern] == ["a/1", "b/1"]
    by_identifier = logs.describe_log_groups(logGroupIdentifiers=["b_2", f"{ARN}:a/3"])["logGroups"]
    assert [one["logGroupName"] for one in by_identifier] == ["a/3", "b_2"]
    logs.delete_log_group(logGroupName="a/1")
    assert len(logs.describe_log_groups()["logGroups"]) == 4
    with refused(MISSING, NO_GROUP, 400):
        logs.delete_log_group(logGroupName="a/1")
    assert logs.describe_log_groups(logGroupNamePrefix="none")["logGroups"] == []
    assert "nextToken" not in logs.describe_log_groups(limit=4)


def test_what_cannot_be_a_group_or_a_stream_is_refused_in_awss_words(logs, stream):
    with refused("ResourceAlreadyExistsException", "The specified log group already exists", 400):
        logs.create_log_group(logGroupName=GROUP)
    with refused("ResourceAlreadyExistsException", "The specified log stream already exists", 400):
        logs.create_log_stream(**stream)
    with refused(MISSING, NO_GROUP):
        logs.create_log_stream(logGroupName="none", logStreamName="s")
    with refused(MISSING, NO_STREAM):
        logs.delete_log_stream(logGroupName=GROUP, logStreamName="none")
    with refused(
        INVALID,
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    ):
        logs.create_log_group(logGroupName="a b")
    with refused(INVALID, "Log groups starting with AWS/ are reserved for AWS."):
        logs.create_log_group(logGroupName="aws/x")
    with refused(
        INVALID,
        "1 validation error detected: Value 'a:b' at 'logStreamName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [^:*]*",
    ):
        logs.create_log_stream(logGroupName=GROUP, logStreamName="a:b")
    with refused(
        INVALID,
        "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less "
        "than or equal to 50",
    ):
        logs.describe_log_groups(limit=51)
    with refused(
        INVALID, "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
    ):
        logs.describe_log_groups(logGroupNamePrefix="a", logGroupNamePattern="b")
    with refused("InvalidOperationException", "A logGroupClass other than STANDARD is not implemented by this server."):
        logs.create_log_group(logGroupName="x", logGroupClass="INFREQUENT_ACCESS")
    with refused("UnknownOperationException"):
        logs.describe_subscription_filters(logGroupName=GROUP)


def test_streams_are_listed_by_name_and_by_their_newest_event(server, logs):
    now = millis(server)
    logs.create_log_group(logGroupName=GROUP)
    for n, name in enumerate(["d", "a", "c", "b", "none"]):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
        if name != "none":
            logs.put_log_events(logGroupName=GROUP, logStreamName=name, logEvents=[event(now - 10 + n, "x")])

    def listed(**arguments):
        found = all_pages(
            logs, "describe_log_streams", "logStreams", logGroupName=GROUP, PaginationConfig={"PageSize": 2}, **arguments
        )
        return [one["logStreamName"] for one in found]

    assert listed() == ["a", "b", "c", "d", "none"]
    assert listed(descending=True) == ["none", "d", "c", "b", "a"]
    assert listed(orderBy="LastEventTime") == ["none", "d", "a", "c", "b"]
    assert listed(orderBy="LastEventTime", descending=True) == ["b", "c", "a", "d", "none"]
    assert listed(logStreamNamePrefix="n") == ["none"]
    one = logs.describe_log_streams(logGroupIdentifier=f"{ARN}:{GROUP}", logStreamNamePrefix="a")["logStreams"][0]
    assert one["arn"] == f"{ARN}:{GROUP}:log-stream:a"
    assert (one["firstEventTimestamp"], one["lastEventTimestamp"], one["storedBytes"]) == (now - 9, now - 9, 0)
    assert one["lastIngestionTime"] >= now and one["uploadSequenceToken"]
    with refused(INVALID, "Cannot order by LastEventTime with a logStreamNamePrefix."):
        logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", logStreamNamePrefix="a")
    with refused(MISSING, NO_GROUP):
        logs.describe_log_streams(logGroupName="none")
    # A later event moves its stream; a deleted one is gone from both orders.
    logs.put_log_events(logGroupName=GROUP, logStreamName="d", logEvents=[event(now, "y")])
    logs.delete_log_stream(logGroupName=GROUP, logStreamName="a")
    assert listed(orderBy="LastEventTime", descending=True) == ["d", "b", "c", "none"]


# --- events ---


def test_put_log_events_holds_to_awss_limits(server, logs, stream):
    now = millis(server)

    def put(*events):
        return logs.put_log_events(**stream, logEvents=list(events))

    answer = put(event(now, "a"), event(now, "b"))
    assert answer["nextSequenceToken"].isdigit() and "rejectedLogEventsInfo" not in answer
    logs.put_log_events(**stream, logEvents=[event(now, "c")], sequenceToken="whatever")
    with refused(INVALID, "Log events in a single PutLogEvents request must be in chronological order."):
        put(event(now, "a"), event(now - 1, "b"))
    with refused(INVALID, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."):
        put(event(now - DAY - 1, "a"), event(now, "b"))
    with refused(INVALID, "Upload too large: 1048577 bytes exceeds limit of 1048576"):
        put(event(now, "x" * 524_262), event(now, "x" * 524_263))
    with refused(INVALID, "Log event too large: 1048577 bytes exceeds limit of 1048576"):
        put(event(now, "x" * 1_048_551))
    with refused(INVALID):
        put(*[event(now, "x")] * 10_001)
    # As large as may be, and of characters that JSON writes long.
    put(event(now, '"' * 1_048_550))
    put(*[event(now, "x")] * 10_000)
    old, ahead = now - 14 * DAY - 60_000, now + 2 * 3_600_000 + 60_000
    answer = put(event(ahead - 1, "x"), event(ahead, "y"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}
    answer = put(event(old, "x"), event(old + 120_000, "kept"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert messages(logs.get_log_events(**stream, startFromHead=True, limit=2)) == ["kept", "a"]
    with refused(MISSING, NO_STREAM):
        logs.put_log_events(logGroupName=GROUP, logStreamName="none", logEvents=[event(now, "x")])
    with refused(MISSING, NO_GROUP):
        logs.put_log_events(logGroupName="none", logStreamName="s", logEvents=[event(now, "x")])
    group = logs.describe_log_groups()["logGroups"][0]
    assert group["storedBytes"] == 3 * 27 + 1_048_576 + 10_000 * 27 + 30


def test_get_log_events_goes_both_ways_and_its_tokens_stand_still_at_the_ends(server, logs, stream):
    now = millis(server)
    empty = logs.get_log_events(**stream, startFromHead=True)
    assert empty["events"] == []
    times = [now - 1000 + 10 * n for n in range(25)]
    # Out of order between the calls, in order inside each.
    for part in (times[10:20], times[:10], times[20:]):
        logs.put_log_events(**stream, logEvents=[event(time, str(times.index(time))) for time in part])
    # Whoever waited at the end of an empty stream hears of what comes.
    assert len(logs.get_log_events(**stream, nextToken=empty["nextForwardToken"])["events"]) == 25

    found, answer = [], logs.get_log_events(**stream, startFromHead=True, limit=10)
    first = answer
    while answer["events"]:
        found += messages(answer)
        answer = logs.get_log_events(**stream, limit=10, nextToken=answer["nextForwardToken"])
    assert found == [str(n) for n in range(25)]
    again = logs.get_log_events(**stream, nextToken=answer["nextForwardToken"])
    assert again["events"] == [] and again["nextForwardToken"] == answer["nextForwardToken"]
    back = logs.get_log_events(**stream, limit=10, nextToken=answer["nextBackwardToken"])
    assert messages(back) == [str(n) for n in range(15, 25)]
    start = logs.get_log_events(**stream, nextToken=first["nextBackwardToken"])
    assert start["events"] == [] and start["nextBackwardToken"] == first["nextBackwardToken"]

    last = logs.get_log_events(**stream, limit=3)
    assert messages(last) == ["22", "23", "24"]
    assert messages(logs.get_log_events(**stream, limit=3, nextToken=last["nextBackwardToken"])) == ["19", "20", "21"]
    assert logs.get_log_events(**stream, nextToken=last["nextForwardToken"])["events"] == []
    between = logs.get_log_events(**stream, startTime=times[5], endTime=times[8])
    assert messages(between) == ["5", "6", "7"]
    assert between["events"][0]["timestamp"] == times[5] and between["events"][0]["ingestionTime"] >= now
    for token in ("x", "f/1/s", last["nextForwardToken"].replace("/s", "0/s"), "f/" + "0" * 56 + "/s"):
        with refused(INVALID, "The specified nextToken is invalid."):
            logs.get_log_events(**stream, nextToken=token)
    with refused(MISSING, NO_STREAM):
        logs.get_log_events(logGroupName=GROUP, logStreamName="none")


def test_many_events_are_read_back_whole_in_pages_of_a_mebibyte(server, logs, stream):
    chance = random.Random(7)
    now = millis(server)
    sent = []
    for batch in range(8):
        part = sorted(now - chance.randrange(3_600_000) for _ in range(2_000))
        part = [event(time, f"{batch}:{n} " + "".join(chance.choices(string.ascii_letters, k=100))) for n, time in enumerate(part)]
        logs.put_log_events(**stream, logEvents=part)
        sent += part
    found, answer = [], logs.get_log_events(**stream, startFromHead=True)
    pages = 0
    while answer["events"]:
        assert sum(len(one["message"]) + 26 for one in answer["events"]) <= 1_048_576
        found += answer["events"]
        pages += 1
        answer = logs.get_log_events(**stream, nextToken=answer["nextForwardToken"])
    assert pages >= 2
    expected = sorted(sent, key=lambda one: one["timestamp"])
    assert [(one["timestamp"], one["message"]) for one in found] == [(one["timestamp"], one["message"]) for one in expected]
    backward, answer = [], logs.get_log_events(**stream, limit=5_000)
    while answer["events"]:
        backward = answer["events"] + backward
        answer = logs.get_log_events(**stream, limit=5_000, nextToken=answer["nextBackwardToken"])
    assert backward == found


def test_filter_log_events_finds_over_all_streams_in_one_order(server, logs):
    now = millis(server)
    logs.create_log_group(logGroupName=GROUP)
    for stream in "abc":
        logs.create_log_stream(logGroupName=GROUP, logStreamName=f"{stream}1")
    for n in range(60):
        level = "ERROR" if n % 3 == 0 else "INFO"
        message = json.dumps({"n": n, "level": level, "user": {"type": "Root" if n % 10 == 0 else "IAMUser"}})
        logs.put_log_events(
            logGroupName=GROUP, logStreamName=f"{'abc'[n % 3]}1", logEvents=[event(now - 1000 + n // 2, message)]
        )

    def found(**arguments):
        events = all_pages(logs, "filter_log_events", "events", logGroupName=GROUP, **arguments)
        assert len({one["eventId"] for one in events}) == len(events)
        assert [one["timestamp"] for one in events] == sorted(one["timestamp"] for one in events)
        return [json.loads(one["message"])["n"] for one in events]

    everything = found(PaginationConfig={"PageSize": 7})
    assert sorted(everything) == list(range(60)) and everything == found()
    assert found(filterPattern="ERROR") == [n for n in everything if n % 3 == 0]
    assert found(filterPattern='{ $.level = "ERROR" && $.n >= 30 }', PaginationConfig={"PageSize": 3}) == [
        n for n in everything if n % 3 == 0 and n >= 30
    ]
    assert found(filterPattern='{ $.user.type = "Root" }') == [n for n in everything if n % 10 == 0]
    assert found(logStreamNames=["a1"]) == [n for n in everything if n % 3 == 0]
    assert found(logStreamNamePrefix="b") == [n for n in everything if n % 3 == 1]
    assert sorted(found(startTime=now - 995, endTime=now - 990)) == list(range(10, 22))
    page = logs.filter_log_events(logGroupName=GROUP, limit=1)
    assert page["searchedLogStreams"] == [] and page["events"][0]["logStreamName"].endswith("1")
    with refused(INVALID, "The specified nextToken is invalid."):
        logs.filter_log_events(logGroupName=GROUP, filterPattern="x", nextToken=page["nextToken"])
    with refused(INVALID, "Invalid filter pattern"):
        logs.filter_log_events(logGroupName=GROUP, filterPattern="{ $.a = ")
    with refused("InvalidOperationException"):
        logs.filter_log_events(logGroupName=GROUP, filterPattern="%a.b%")
    with refused(MISSING, NO_STREAM):
        logs.filter_log_events(logGroupName=GROUP, logStreamNames=["none"])
    with refused(INVALID):
        logs.filter_log_events(logGroupName=GROUP, logStreamNames=["a1"], logStreamNamePrefix="a")
    # The CLI goes through the pages by itself.
    told = server.aws("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", "ERROR", "--page-size", "6")
    assert len(json.loads(told.stdout)["events"]) == 20


def test_more_than_a_call_may_hold_is_read_in_order_all_the_same(server, logs):
    """Twenty megabytes of events that begin at the same moment, in many streams and in one: each is told once, in order."""
    now, hour = millis(server) - 7_200_000, 3_600_000
    logs.create_log_group(logGroupName=GROUP)
    names = [f"s{n}" for n in range(9)] + ["one"]
    for name in names:
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
    sent = {}

    def put(name, tag):
        at = {"logGroupName": GROUP, "logStreamName": name}
        events = [event(now + k * hour // 4, f"{name} {tag} {k} " + "x" * 200_000) for k in range(5)]
        logs.put_log_events(**at, logEvents=events)
        sent.update({" ".join(one["message"].split()[:3]): one["timestamp"] for one in events})

    for name in names[:-1]:
        put(name, 0)
    for tag in range(11):
        put("one", tag)

    def told(events):
        return [(one["timestamp"], " ".join(one["message"].split()[:3])) for one in events]

    found = told(all_pages(logs, "filter_log_events", "events", logGroupName=GROUP, startTime=now + 1))
    assert [time for time, _ in found] == sorted(time for time, _ in found)
    assert sorted(found) == sorted((time, tag) for tag, time in sent.items() if time > now)
    ones = sorted((time, tag) for tag, time in sent.items() if tag.startswith("one"))
    stream = {"logGroupName": GROUP, "logStreamName": "one"}
    forward, answer = [], logs.get_log_events(**stream, startFromHead=True)
    while answer["events"]:
        forward += told(answer["events"])
        answer = logs.get_log_events(**stream, nextToken=answer["nextForwardToken"])
    backward, answer = [], logs.get_log_events(**stream)
    while answer["events"]:
        backward = told(answer["events"]) + backward
        answer = logs.get_log_events(**stream, nextToken=answer["nextBackwardToken"])
    assert forward == backward and sorted(forward) == ones
    assert [time for time, _ in forward] == [time for time, _ in ones]


# --- retention and deletion ---


def size_of_rows(server):
    """What every row with events says of itself, by the check of the closed directory."""
    done = server.run("fsck", "--json", "--data-dir", str(server.data_dir), check=False)
    report = json.loads(done.stdout)
    assert report["clean"], report["findings"]
    return report


def count(server, what):
    return size_of_rows(server)["looked_at"].get(what, 0)


@pytest.mark.serve("--rehearsal")
def test_retention_hides_at_once_and_deletes_with_time(server, logs, stream):
    now = millis(server)
    logs.put_log_events(**stream, logEvents=[event(now - 4 * DAY, "old")])
    logs.put_log_events(**stream, logEvents=[event(now - DAY, "young")])
    logs.create_log_stream(logGroupName=GROUP, logStreamName="t")
    logs.put_log_events(logGroupName=GROUP, logStreamName="t", logEvents=[event(now, "other")])
    days = "[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]"
    with refused(
        INVALID,
        "1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy "
        f"enum value set: {days}",
    ):
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=2)
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=3)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 3
    assert messages(logs.get_log_events(**stream)) == ["young"]
    assert messages(logs.filter_log_events(logGroupName=GROUP)) == ["young", "other"]
    answer = logs.put_log_events(**stream, logEvents=[event(now - 4 * DAY, "late")])
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    # The worker has been there, and what it deleted counts no more.
    server.advance("1s")
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 31 + 31
    server.advance("10d")
    assert logs.filter_log_events(logGroupName=GROUP)["events"] == []
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0
    logs.delete_retention_policy(logGroupName=GROUP)
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    logs.put_log_events(**stream, logEvents=[event(millis(server), "new")])
    server.advance("30d")
    assert messages(logs.get_log_events(**stream)) == ["new"]
    with refused(MISSING, NO_GROUP):
        logs.put_retention_policy(logGroupName="none", retentionInDays=3)
    server.stop()
    assert count(server, "log events") == 1


@pytest.mark.serve("--rehearsal")
def test_events_that_were_taken_under_a_longer_retention_stay(server, logs, stream):
    """However soon the longer one comes: no sweep that began with the shorter one deletes them."""
    # There is something for each sweep to do.
    for n in range(10):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=f"t{n}")
    kept = []
    for n in range(10):
        old = [event(millis(server) - 3 * DAY, f"old {n}")]
        logs.put_log_events(logGroupName=GROUP, logStreamName=f"t{n}", logEvents=old)
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
        assert messages(logs.filter_log_events(logGroupName=GROUP)) == []
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=365)
        answer = logs.put_log_events(**stream, logEvents=[event(millis(server) - 2 * DAY, f"new {n}")])
        assert "rejectedLogEventsInfo" not in answer
        kept.append(f"new {n}")
        server.advance("1s")
    server.advance("2d")
    assert messages(logs.get_log_events(**stream)) == kept


@pytest.mark.serve("--rehearsal")
def test_what_is_deleted_is_gone_and_its_space_with_it(server, logs, stream):
    now = millis(server)
    for n in range(3):
        logs.put_log_events(**stream, logEvents=[event(now + m, "x" * 100) for m in range(5_000)])
    logs.create_log_stream(logGroupName=GROUP, logStreamName="t")
    logs.put_log_events(logGroupName=GROUP, logStreamName="t", logEvents=[event(now, "t")])
    logs.delete_log_stream(**stream)
    logs.create_log_stream(**stream)
    assert logs.get_log_events(**stream)["events"] == []
    assert messages(logs.filter_log_events(logGroupName=GROUP)) == ["t"]
    logs.create_log_group(logGroupName="kept")
    logs.put_metric_filter(**METRIC)
    logs.delete_log_group(logGroupName=GROUP)
    logs.create_log_group(logGroupName=GROUP)
    assert logs.describe_log_streams(logGroupName=GROUP)["logStreams"] == []
    assert logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"] == []
    logs.create_log_stream(**stream)
    server.advance("1s")
    server.stop()
    counts = size_of_rows(server)["looked_at"]
    assert counts.get("log groups") == 2 and counts.get("log streams") == 1 and counts.get("log keys") == 2, counts
    assert "log events" not in counts


# --- tags ---


def test_tags_by_name_and_by_arn_are_the_same(logs):
    logs.create_log_group(logGroupName=GROUP, tags={"a": "1"})
    arn = f"{ARN}:{GROUP}"
    logs.tag_log_group(logGroupName=GROUP, tags={"b": "2", "c": ""})
    logs.tag_resource(resourceArn=arn, tags={"a": "3"})
    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"a": "3", "b": "2", "c": ""}
    logs.untag_log_group(logGroupName=GROUP, tags=["b", "none"])
    logs.untag_resource(resourceArn=arn, tagKeys=["c"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "3"}
    with refused("TooManyTagsException"):
        logs.tag_resource(resourceArn=arn, tags={str(n): "x" for n in range(50)})
    with refused(INVALID):
        logs.tag_resource(resourceArn=arn, tags={"aws:x": "y"})
    with refused(INVALID):
        logs.tag_resource(resourceArn=arn, tags={"a*": "y"})
    with refused(MISSING, NO_GROUP):
        logs.list_tags_for_resource(resourceArn=f"{ARN}:none")


# --- rights ---


def test_rights_are_those_of_group_stream_and_tag(server, logs, stream):
    now = millis(server)
    logs.create_log_group(logGroupName="other", tags={"team": "x"})
    writer = server.user("writer", allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{ARN}:{GROUP}:log-stream:w*"))
    mine = server.client("logs", who=writer)
    mine.create_log_stream(logGroupName=GROUP, logStreamName="w1")
    mine.put_log_events(logGroupName=GROUP, logStreamName="w1", logEvents=[event(now, "x")])
    denied = "AccessDeniedException"
    with refused(denied, deny_text(writer, "logs:PutLogEvents", f"{ARN}:{GROUP}:log-stream:s")):
        mine.put_log_events(**stream, logEvents=[event(now, "x")])
    with refused(denied, deny_text(writer, "logs:DescribeLogGroups", f"{ARN}::log-stream:")):
        mine.describe_log_groups()
    reader = server.client("logs", who=server.user("reader", allow("logs:*", f"{ARN}:{GROUP}:*")))
    assert messages(reader.filter_log_events(logGroupName=GROUP)) == ["x"]
    assert messages(reader.get_log_events(logGroupName=GROUP, logStreamName="w1")) == ["x"]
    with refused(denied):
        reader.filter_log_events(logGroupName="other")
    with refused(denied):
        reader.list_tags_for_resource(resourceArn=f"{ARN}:{GROUP}")
    tagged = {"StringEquals": {"aws:ResourceTag/team": "x"}}
    team = server.client("logs", who=server.user("team", allow("logs:*", Condition=tagged)))
    team.create_log_stream(logGroupName="other", logStreamName="s")
    with refused(denied):
        team.delete_log_stream(**stream)
    keys = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    maker = server.client("logs", who=server.user("maker", allow(["logs:CreateLogGroup", "logs:TagResource"], Condition=keys)))
    maker.create_log_group(logGroupName="made", tags={"team": "y"})
    with refused(denied):
        maker.create_log_group(logGroupName="made2", tags={"cost": "y"})
    # A group of another account is not reached by its ARN.
    stranger = server.client("logs", who=server.account("111122223333"))
    with refused(denied):
        stranger.filter_log_events(logGroupIdentifier=f"{ARN}:{GROUP}")
    assert stranger.describe_log_groups()["logGroups"] == []
    assert server.client("logs", "eu-west-1").describe_log_groups()["logGroups"] == []


def recorded(server, name):
    found = server.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
    return [json.loads(one["CloudTrailEvent"]) for one in found["Events"]]


def test_calls_are_recorded_but_for_events_that_are_put(server, logs, stream):
    logs.put_log_events(**stream, logEvents=[event(millis(server), "secret")])
    logs.filter_log_events(logGroupName=GROUP, filterPattern="secret")
    made = recorded(server, "CreateLogStream")[0]
    assert made["eventSource"] == "logs.amazonaws.com" and made["readOnly"] is False and made["managementEvent"] is True
    assert made["requestParameters"] == {"logGroupName": GROUP, "logStreamName": "s"}
    assert made["responseElements"] is None
    read = recorded(server, "FilterLogEvents")[0]
    assert read["readOnly"] is True and read["requestParameters"] == {"logGroupName": GROUP, "filterPattern": "secret"}
    assert recorded(server, "PutLogEvents") == []


# --- encryption ---

LOGS = {"Service": "logs.us-east-1.amazonaws.com"}


def key_for_logs(server, *actions):
    context = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"}}
    document = policy(
        allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        allow(list(actions or ("kms:GenerateDataKey*", "kms:Decrypt")), Principal=LOGS, Condition=context),
    )
    return server.client("kms").create_key(Policy=document)["KeyMetadata"]["Arn"]


def no_key(group):
    return f"The specified KMS key does not exist or is not allowed to be used with Arn '{ARN}:{group}'"


@pytest.mark.serve("--rehearsal")
def test_a_group_under_a_kms_key_opens_only_while_the_key_may_be_used(server, logs):
    kms, now = server.client("kms"), millis(server)
    stranger = kms.create_key()["KeyMetadata"]["Arn"]
    with refused("AccessDeniedException", no_key("k")):
        logs.create_log_group(logGroupName="k", kmsKeyId=stranger)
    with refused("AccessDeniedException", no_key("k")):
        logs.create_log_group(logGroupName="k", kmsKeyId=key_for_logs(server, "kms:GenerateDataKey*"))
    with refused(INVALID, no_key("k")):
        logs.create_log_group(logGroupName="k", kmsKeyId=stranger[:-12] + "000000000000")
    with refused(INVALID):
        logs.create_log_group(logGroupName="k", kmsKeyId="alias/x")
    assert logs.describe_log_groups()["logGroups"] == []
    key = key_for_logs(server)
    logs.create_log_group(logGroupName="k", kmsKeyId=key)
    stream = {"logGroupName": "k", "logStreamName": "s"}
    logs.create_log_stream(**stream)
    logs.put_log_events(**stream, logEvents=[event(now, "sealed")])
    assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == key
    made = recorded(server, "GenerateDataKey")[0]
    assert made["userIdentity"] == {"type": "AWSService", "invokedBy": "logs.us-east-1.amazonaws.com"}
    assert made["requestParameters"]["encryptionContext"] == {"aws:logs:arn": f"{ARN}:k"}
    assert made["requestParameters"]["keyId"] == key and made["resources"][0]["ARN"] == key

    kms.disable_key(KeyId=key)
    server.advance("6m")
    with refused(INVALID, no_key("k")):
        logs.get_log_events(**stream)
    with refused(INVALID, no_key("k")):
        logs.filter_log_events(logGroupName="k")
    with refused(INVALID, no_key("k")):
        logs.put_log_events(**stream, logEvents=[event(now, "more")])
    kms.enable_key(KeyId=key)
    assert messages(logs.get_log_events(**stream)) == ["sealed"]

    # Without the key: what comes is readable whatever becomes of it, what was there is not.
    logs.disassociate_kms_key(logGroupName="k")
    assert "kmsKeyId" not in logs.describe_log_groups()["logGroups"][0]
    logs.put_log_events(**stream, logEvents=[event(now + 1, "plain")])
    assert messages(logs.get_log_events(**stream)) == ["sealed", "plain"]
    kms.put_key_policy(
        KeyId=key, PolicyName="default", Policy=policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    )
    server.advance("6m")
    with refused("AccessDeniedException", no_key("k")):
        logs.get_log_events(**stream)
    assert messages(logs.get_log_events(**stream, startTime=now + 1, limit=1)) == ["plain"]
    other = key_for_logs(server)
    logs.associate_kms_key(logGroupName="k", kmsKeyId=other)
    logs.put_log_events(**stream, logEvents=[event(now + 2, "again")])
    assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == other
    with refused(MISSING, NO_GROUP):
        logs.associate_kms_key(logGroupName="none", kmsKeyId=other)
    with refused("InvalidOperationException"):
        logs.associate_kms_key(resourceIdentifier=f"arn:aws:logs:us-east-1:{ACCOUNT}:query-result:*", kmsKeyId=other)


def test_events_are_on_the_disk_only_sealed_and_outlive_a_rotation(server, logs, stream):
    # zstd leaves such a text as it is, so it would show.
    secret = "".join(random.Random(3).choices(string.ascii_letters, k=300))
    logs.put_log_events(**stream, logEvents=[event(millis(server), secret)])
    server.run("rootkey", "rotate", "--data-dir", str(server.data_dir))
    assert messages(logs.get_log_events(**stream)) == [secret]
    server.restart()
    logs = server.client("logs")
    assert messages(logs.get_log_events(**stream)) == [secret]
    server.stop()
    for path in server.data_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret[:32].encode() not in content, path
            assert secret[-32:].encode() not in content, path
    assert count(server, "log events") == 1


# --- metric filters ---

METRIC = {
    "logGroupName": GROUP,
    "filterName": "root",
    "filterPattern": '{ $.userIdentity.type = "Root" }',
    "metricTransformations": [{"metricName": "RootUse", "metricNamespace": "CIS", "metricValue": "1", "defaultValue": 0.0}],
}


def test_metric_filters_are_checked_kept_and_shown(logs, stream):
    logs.put_metric_filter(**METRIC)
    found = logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]
    assert found == [{**METRIC, "creationTime": found[0]["creationTime"], "applyOnTransformedLogs": False}]
    logs.put_metric_filter(**{**METRIC, "filterPattern": "ERROR"})
    for n in range(4):
        logs.put_metric_filter(**{**METRIC, "filterName": f"n{n}", "metricTransformations": [
            {"metricName": "Bytes", "metricNamespace": "CIS", "metricValue": "$bytes", "unit": "Bytes",
             "dimensions": {"Status": "$status"}}
        ], "filterPattern": "[ip, ..., status, bytes]"})
    assert logs.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 5
    logs.create_log_group(logGroupName="z")
    logs.put_metric_filter(**{**METRIC, "logGroupName": "z"})
    by_metric = all_pages(logs, "describe_metric_filters", "metricFilters", metricName="RootUse", metricNamespace="CIS",
                          PaginationConfig={"PageSize": 1})
    assert [(one["logGroupName"], one["filterPattern"]) for one in by_metric] == [
        (GROUP, "ERROR"), ("z", METRIC["filterPattern"])
    ]
    names = all_pages(logs, "describe_metric_filters", "metricFilters", logGroupName=GROUP, filterNamePrefix="n",
                      PaginationConfig={"PageSize": 3})
    assert [one["filterName"] for one in names] == ["n0", "n1", "n2", "n3"]
    logs.delete_metric_filter(logGroupName=GROUP, filterName="n0")
    assert logs.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 4
    with refused(MISSING, "The specified metric filter does not exist."):
        logs.delete_metric_filter(logGroupName=GROUP, filterName="n0")
    with refused(INVALID, "Invalid metric filter pattern"):
        logs.put_metric_filter(**{**METRIC, "filterPattern": '"event": "x"'})
    with refused(INVALID):
        logs.put_metric_filter(**{**METRIC, "metricTransformations": [
            {"metricName": "x", "metricNamespace": "y", "metricValue": "$nothing"}
        ]})
    with refused(MISSING, NO_GROUP):
        logs.describe_metric_filters(logGroupName="none")


def test_a_pattern_can_be_tried(logs):
    line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534'
    other = line.replace(" 200 ", " 500 ")
    answer = logs.test_metric_filter(
        filterPattern="[ip, identity, user_id, timestamp, request, status_code = 5*, size]", logEventMessages=[line, other]
    )
    assert answer["matches"] == [
        {
            "eventNumber": 2,
            "eventMessage": other,
            "extractedValues": {
                "$ip": "127.0.0.1", "$identity": "-", "$user_id": "frank", "$timestamp": "10/Oct/2000:13:25:15 -0700",
                "$request": "GET /apache_pb.gif HTTP/1.0", "$status_code": "500", "$size": "1534",
            },
        }
    ]
    answer = logs.test_metric_filter(filterPattern="{ $.latency > 1.5 }", logEventMessages=['{"latency": 2}', '{"latency": 1}'])
    assert [(one["eventNumber"], one["extractedValues"]) for one in answer["matches"]] == [(1, {"$.latency": "2"})]
    with refused(INVALID, "Invalid metric filter pattern"):
        logs.test_metric_filter(filterPattern="{", logEventMessages=["x"])
