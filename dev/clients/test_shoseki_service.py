"""The product's own service as the console uses it: counts of events and of objects, and what they may not tell."""

import collections
import json
import random
from datetime import datetime, timezone

import pytest
from botocore.exceptions import ClientError
from harness import allow, make_bucket, policy

COUNTED = ["Events", "Denied", "Failed"]
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


def ask(server, operation, parameters, who=None, agent=None, region=None):
    headers = {"X-Amz-Target": f"Shoseki_20261101.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    if agent:
        headers["User-Agent"] = agent
    body = json.dumps(parameters).encode()
    return server.call("shoseki", "POST", "/", headers, body, who=who, region=region)


def answer(server, operation, parameters, **more):
    told = ask(server, operation, parameters, **more)
    assert told.status == 200, told.body
    return told.json


def whole(server, operation, parameters, **more):
    """Every answer, to the last token."""
    answers = [answer(server, operation, parameters, **more)]
    while token := answers[-1].get("NextToken"):
        answers.append(answer(server, operation, parameters | {"NextToken": token}, **more))
    return answers


def looked_up(server, **asked):
    """The events that LookupEvents finds, as records."""
    pages = server.client("cloudtrail").get_paginator("lookup_events").paginate(**asked)
    return [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]


def time_of(record):
    return datetime.fromisoformat(record["eventTime"].replace("Z", "+00:00")).timestamp()


def ended(record):
    code = record.get("errorCode", "").rsplit(".", 1)[-1]
    return "Succeeded" if not code else "Denied" if code in DENIED else "Failed"


def counts(records):
    ends = collections.Counter(map(ended, records))
    return [len(records), ends["Denied"], ends["Failed"]]


def values(records, value):
    """By value: how many, how many denied, how many failed; without those that have none."""
    found = collections.defaultdict(list)
    for record in records:
        if value(record):
            found[value(record)].append(record)
    return {name: counts(those) for name, those in found.items()}


def told_values(told, name):
    return {one["Value"]: [one[count] for count in COUNTED] for one in told[name]}


def traffic(server, rounds, seed):
    """Calls of several people with several tools, some refused and some in vain."""
    people = [server.root, server.user("reader", allow(["kms:List*", "s3:List*"])), server.user("nobody")]
    chance = random.Random(seed)
    for _ in range(rounds):
        who = chance.choice(people)
        call = chance.choice([
            lambda c: c("kms").list_keys(),
            lambda c: c("kms").describe_key(KeyId="alias/none"),
            lambda c: c("kms").create_alias(AliasName="alias/x", TargetKeyId="none"),
            lambda c: c("s3").list_buckets(),
            lambda c: c("cloudtrail").describe_trails(),
            lambda c: c("sns").create_topic(Name=f"topic-{chance.randrange(3)}"),
        ])
        agent = chance.choice(["shoseki-console/1.0", "tool/2"])
        try:
            call(lambda service: server.client(service, who=who, user_agent=agent))
        except ClientError:
            pass


# --- SummariseEvents ---


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.serve("--rehearsal")
def test_what_is_counted_is_what_lookup_events_finds(server, seed):
    chance = random.Random(seed)
    for _ in range(3):
        traffic(server, 12, chance.random())
        for name in ["reader", "nobody"]:
            drop_user(server, name)
        # Records tell whole seconds. After this one nothing happens for some minutes.
        to = int(server.now().timestamp()) + 1
        # Some of it is archived by now, and some is not.
        server.advance(chance.choice(["7m", "70m", "3h"]))
    records = looked_up(server, EndTime=datetime.fromtimestamp(to, timezone.utc))
    assert len(records) > 60
    for _ in range(12):
        since = to - chance.choice([600, 5_000, 20_000, 90_000])
        attributes, wanted = [], [record for record in records if since <= time_of(record) <= to]
        sample = chance.choice(wanted or records)
        for key, value in [("EventName", "eventName"), ("EventSource", "eventSource"), ("EventId", "eventID")]:
            if chance.random() < 0.25:
                attributes.append({"AttributeKey": key, "AttributeValue": sample[value]})
                wanted = [record for record in wanted if record[value] == sample[value]]
        asked = {"StartTime": since, "EndTime": to, "Top": 100, "LookupAttributes": attributes}
        if chance.random() < 0.3:
            asked["ReadOnly"] = chance.choice([True, False])
            wanted = [record for record in wanted if record["readOnly"] == asked["ReadOnly"]]
        if chance.random() < 0.3:
            asked["Outcome"] = chance.choice(["Succeeded", "Denied", "Failed"])
            wanted = [record for record in wanted if ended(record) == asked["Outcome"]]
        if chance.random() < 0.4:
            asked["ExcludeReadsBy"] = ["shoseki-console/"]
            wanted = [
                record
                for record in wanted
                if not (record["readOnly"] and record.get("userAgent", "").lstrip("[").startswith("shoseki-console/"))
            ]
        if chance.random() < 0.5:
            asked["Bins"] = chance.randrange(1, 50)
        told = answer(server, "SummariseEvents", asked)
        assert told["Complete"] and not told["ValuesCut"]
        assert [told[count] for count in COUNTED] == counts(wanted), asked
        assert told["ReadOnly"] == sum(record["readOnly"] for record in wanted)
        assert told_values(told, "EventNames") == values(wanted, lambda record: record["eventName"])
        assert told_values(told, "EventSources") == values(wanted, lambda record: record["eventSource"])
        assert told_values(told, "ErrorCodes") == values(wanted, lambda record: record.get("errorCode"))
        assert told["StartTime"] == since
        period, bins = told["PeriodSeconds"], collections.defaultdict(list)
        for record in wanted:
            bins[min((time_of(record) - since) // period, len(told["Bins"]) - 1)].append(record)
        assert [[one["StartTime"], *(one[count] for count in COUNTED)] for one in told["Bins"]] == [
            [since + at * period, *counts(bins[at])] for at in range(len(told["Bins"]))
        ]


def drop_user(server, name):
    iam = server.client("iam")
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for inline in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=inline)
    iam.delete_user(UserName=name)


def test_the_most_frequent_callers_are_told(server):
    reader = server.user("reader", allow("kms:*"))
    for _ in range(3):
        server.client("kms", who=reader).list_keys()
    told = answer(server, "SummariseEvents", {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": "reader"}]})
    assert told["Usernames"] == [{"Value": "reader", "Events": 3, "Denied": 0, "Failed": 0}]
    assert told["EventNames"] == [{"Value": "ListKeys", "Events": 3, "Denied": 0, "Failed": 0}]
    assert answer(server, "SummariseEvents", {"Top": 0})["EventNames"] == []


def test_what_makes_no_question_is_refused(server):
    for parameters, text in [
        ({"Bins": 0}, "Bins must be between 1 and 1000, and is 0."),
        ({"Bins": 5, "PeriodSeconds": 5}, "Give Bins or PeriodSeconds, not both."),
        ({"StartTime": 9, "EndTime": 8}, "StartTime must not be after EndTime."),
        ({"Top": 101}, "Top must be at most 100, and is 101."),
        ({"Outcome": "Odd"}, "Outcome must be Succeeded, Denied or Failed, and is `Odd`."),
        ({"LookupAttributes": [{"AttributeKey": "X", "AttributeValue": "y"}]}, "`X` is no lookup attribute."),
        ({"ExcludeReadsBy": [""]}, "What a user agent begins with must have 1 to 64 bytes."),
        ({"NextToken": "x"}, "NextToken is none of ours, or of another question."),
    ]:
        told = ask(server, "SummariseEvents", parameters)
        assert (told.status, told.code, told.json["message"]) == (400, "ValidationException", text)


def test_counting_needs_the_right_to_look_events_up(server):
    half = server.user("half", allow("shoseki:*"))
    told = ask(server, "SummariseEvents", {}, who=half)
    assert told.code == "AccessDeniedException" and "cloudtrail:LookupEvents" in told.json["message"]
    both = server.user("both", allow(["shoseki:SummariseEvents", "cloudtrail:LookupEvents"]))
    assert answer(server, "SummariseEvents", {}, who=both)["Events"] > 0
    elsewhere = server.user(
        "elsewhere",
        allow("shoseki:*"),
        allow("cloudtrail:LookupEvents", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}),
    )
    assert ask(server, "SummariseEvents", {}, who=elsewhere).code == "AccessDeniedException"
    assert ask(server, "SummariseEvents", {}, who=elsewhere, region="eu-west-1").status == 200


def test_another_account_counts_its_own(server):
    other = server.account("111122223333")
    server.client("kms", who=other).list_keys()
    told = answer(server, "SummariseEvents", {}, who=other)
    assert [one["Value"] for one in told["EventNames"]] == ["ListKeys"]


def test_a_count_is_recorded(server):
    answer(server, "SummariseEvents", {"Bins": 3, "ExcludeReadsBy": ["x/"]}, agent="x/1")
    record = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "SummariseEvents"}])[0]
    assert record["requestParameters"] == {"bins": 3, "excludeReadsBy": ["x/"]}
    assert (record["readOnly"], record["userAgent"]) == (True, "x/1")


# --- SummariseObjects ---


def test_objects_are_counted_by_what_they_have_in_common(server):
    bucket, s3 = make_bucket(server, "things"), server.client("s3")
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    ways = [{}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}, {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": key}]
    chance, objects = random.Random(1), []
    for at in range(40):
        way, size = chance.choice(ways), chance.randrange(100)
        name = chance.choice(["a/x/", "a/y/", "b/", ""]) + f"{at:02}"
        s3.put_object(Bucket=bucket, Key=name, Body=b"x" * size, **way)
        objects.append((name, size, way.get("ServerSideEncryption", "AES256")))
    s3.delete_object(Bucket=bucket, Key=objects.pop()[0])

    def expect(by, prefix=""):
        groups = collections.defaultdict(lambda: [0, 0])
        for name, size, encryption in objects:
            if name.startswith(prefix):
                groups[by(name, encryption)][0] += 1
                groups[by(name, encryption)][1] += size
        return dict(groups)

    def told(by, **asked):
        answers = whole(server, "SummariseObjects", {"Bucket": bucket, **asked})
        groups = collections.defaultdict(lambda: [0, 0])
        for group in (group for one in answers for group in one["Groups"]):
            groups[by(group)][0] += group["Objects"]
            groups[by(group)][1] += group["Bytes"]
            assert group["Oldest"] <= group["Newest"]
        return dict(groups), len(answers)

    assert told(lambda group: 0) == (expect(lambda *_: 0), 1)
    of_folder = lambda name, _: name[: name.find("/") + 1]
    assert told(lambda group: group["Prefix"], GroupBy=["Prefix"], MaxObjects=7) == (expect(of_folder), 6)
    deep = lambda name, _: name[: name.rfind("/") + 1]
    assert told(lambda g: g["Prefix"], GroupBy=["Prefix"], PrefixLevels=2)[0] == expect(deep)
    assert told(lambda g: g["Prefix"], GroupBy=["Prefix"], Prefix="a/")[0] == expect(deep, "a/")
    by_encryption = told(
        lambda g: (g["Encryption"], g.get("KmsKeyId")), GroupBy=["Encryption", "KmsKeyId"], MaxObjects=13
    )[0]
    assert by_encryption == expect(lambda _, encryption: (encryption, None if encryption == "AES256" else key))
    assert told(lambda g: g["Age"], GroupBy=["Age"])[0] == expect(lambda *_: "UnderDay")


@pytest.mark.serve("--rehearsal")
def test_objects_grow_older(server):
    bucket, s3 = make_bucket(server, "ages"), server.client("s3")
    for age, next_comes in [("35d", "15d"), ("20d", "17d"), ("3d", "71h"), ("1h", "1h")]:
        s3.put_object(Bucket=bucket, Key=age, Body=b"")
        server.advance(next_comes)
    told = answer(server, "SummariseObjects", {"Bucket": bucket, "GroupBy": ["Age"]})
    ages = [(group["Age"], group["Objects"]) for group in told["Groups"]]
    assert ages == [("UnderDay", 1), ("UnderWeek", 1), ("UnderMonth", 1), ("UnderQuarter", 1)]


def test_objects_are_counted_for_who_may_list_them(server):
    bucket = make_bucket(server, "guarded")
    server.client("s3").put_object(Bucket=bucket, Key="a/1", Body=b"")
    of_bucket, under = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/a/*"
    only = server.user("only", allow("shoseki:SummariseObjects"))
    told = ask(server, "SummariseObjects", {"Bucket": bucket}, who=only)
    assert told.code == "AccessDeniedException" and "s3:ListBucket" in told.json["message"]
    part = {"StringLike": {"s3:prefix": "a/*"}}
    lister = server.user("lister", allow("shoseki:*"), allow("s3:ListBucket", of_bucket, Condition=part))
    assert ask(server, "SummariseObjects", {"Bucket": bucket}, who=lister).code == "AccessDeniedException"
    assert answer(server, "SummariseObjects", {"Bucket": bucket, "Prefix": "a/"}, who=lister)["Objects"] == 1
    # A listing does not tell how objects are encrypted; getting them does.
    asked = {"Bucket": bucket, "Prefix": "a/", "GroupBy": ["Encryption"]}
    told = ask(server, "SummariseObjects", asked, who=lister)
    assert told.code == "AccessDeniedException" and "s3:GetObject" in told.json["message"]
    server.client("iam").put_user_policy(
        UserName="lister", PolicyName="more", PolicyDocument=policy(allow("s3:GetObject", under))
    )
    assert answer(server, "SummariseObjects", asked, who=lister)["Groups"][0]["Encryption"] == "AES256"
    # The bucket's own policy counts.
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:ListBucket", "Resource": of_bucket, "Condition": part}
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(deny))
    told = ask(server, "SummariseObjects", {"Bucket": bucket, "Prefix": "a/"}, who=server.root)
    assert told.code == "AccessDeniedException"


def test_a_bucket_is_asked_for_where_it_is(server):
    make_bucket(server, "far", "eu-west-1")
    told = ask(server, "SummariseObjects", {"Bucket": "far"})
    assert (told.code, told.json["message"]) == ("ValidationException", "The bucket far is in eu-west-1; ask there.")
    assert answer(server, "SummariseObjects", {"Bucket": "far"}, region="eu-west-1")["Objects"] == 0
    assert ask(server, "SummariseObjects", {"Bucket": "none"}).code == "ResourceNotFoundException"
    for parameters in [{"MaxObjects": 0}, {"PrefixLevels": 1}, {"NextToken": "x"}]:
        told = ask(server, "SummariseObjects", {"Bucket": "far", **parameters}, region="eu-west-1")
        assert told.code == "ValidationException", parameters
