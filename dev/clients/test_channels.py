"""Channels: events from elsewhere come in, and none passes for one that the server saw."""

import base64
import hashlib
import json
import re
import signal
from datetime import timedelta
from urllib.parse import quote

import pytest
from harness import ACCOUNT, allow, make_trail, policy, refused

pytestmark = pytest.mark.serve("--rehearsal")
STRANGER = "111122223333"
FORM = "%Y-%m-%dT%H:%M:%SZ"
# Seed 000 wants Lambda's Invoke, seed 004 DynamoDB's data events.
SELECTORS = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [
            {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
            {"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodb"]},
        ],
    }
]


def record(server, source="lambda.amazonaws.com", name="Invoke", **changes):
    """A record as AWS's Lambda has it written."""
    made = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "accountId": "444455556666", "userName": "theirs"},
        "eventTime": server.now().strftime(FORM),
        "eventSource": source,
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "agent",
        "requestParameters": {"functionName": "f"},
        "responseElements": None,
        "eventID": "11111111-2222-3333-4444-555555555555",
        "readOnly": False,
        "resources": [
            {
                "accountId": "444455556666",
                "type": "AWS::Lambda::Function",
                "ARN": "arn:aws:lambda:us-east-1:444455556666:function:f",
            }
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": "444455556666",
        "eventCategory": "Data",
        **changes,
    }
    return {name: value for name, value in made.items() if value != "absent"}


def written(server, name, **changes):
    """A record of DynamoDB."""
    table = "arn:aws:dynamodb:us-east-1:444455556666:table/orders"
    resources = [{"accountId": "444455556666", "type": "AWS::DynamoDB::Table", "ARN": table}]
    return record(server, "dynamodb.amazonaws.com", name, resources=resources, **changes)


def managed(server, name, **changes):
    """A management event of Lambda."""
    more = {"resources": "absent", "managementEvent": True, "eventCategory": "Management"}
    return record(server, name=name, **{**more, **changes})


def activity(server, name="Buy", **changes):
    """An event of a shop, in AWS's schema for integrations."""
    return {
        "version": "1.0",
        "userIdentity": {"type": "Customer", "principalId": "c-1", "details": {"tier": "gold"}},
        "eventSource": "shop.example.com",
        "eventName": name,
        "eventTime": server.now().strftime(FORM),
        "UID": "u-1",
        "requestParameters": {"item": "x"},
        "recipientAccountId": ACCOUNT,
        **changes,
    }


def make_channel(server, trail, name="channel", region=None, **more):
    destinations = [{"Type": "AWS_SERVICE", "Location": trail.arn}]
    cloudtrail = server.client("cloudtrail", region)
    return cloudtrail.create_channel(Name=name, Source="Custom", Destinations=destinations, **more)["ChannelArn"]


def put(server, channel, *events, who=None, region=None, **more):
    sent = [{"id": f"e{n}", "eventData": json.dumps(event)} for n, event in enumerate(events)]
    client = server.client("cloudtrail-data", region=region, who=who)
    return client.put_audit_events(channelArn=channel, auditEvents=sent, **more)


def refusals(answer):
    return {one["id"]: one["errorCode"] for one in answer["failed"]}


@pytest.fixture
def trail(server):
    trail = make_trail(server, with_key=False)
    trail.cloudtrail.put_event_selectors(TrailName=trail.name, EventSelectors=SELECTORS)
    return trail


def test_channels_are_made_changed_listed_and_deleted(server, trail):
    cloudtrail = server.client("cloudtrail")
    made = cloudtrail.create_channel(
        Name="one",
        Source="Custom",
        Destinations=[{"Type": "AWS_SERVICE", "Location": trail.arn}],
        Tags=[{"Key": "k", "Value": "v"}],
    )
    arn = made["ChannelArn"]
    assert re.fullmatch(rf"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/[0-9a-f-]{{36}}", arn)
    assert (made["Name"], made["Source"], made["Tags"]) == ("one", "Custom", [{"Key": "k", "Value": "v"}])
    assert made["Destinations"] == [{"Type": "AWS_SERVICE", "Location": trail.arn}]
    for reference in (arn, arn.rsplit("/", 1)[1]):
        found = cloudtrail.get_channel(Channel=reference)
        assert (found["Name"], found["IngestionStatus"]) == ("one", {})
    changed = cloudtrail.update_channel(Channel=arn, Name="two")
    assert (changed["ChannelArn"], changed["Name"]) == (arn, "two")
    others = [make_channel(server, trail, f"more-{n}") for n in range(4)]
    pages = [cloudtrail.list_channels(MaxResults=2)]
    while token := pages[-1].get("NextToken"):
        pages.append(cloudtrail.list_channels(MaxResults=2, NextToken=token))
    assert [len(page["Channels"]) for page in pages] == [2, 2, 1]
    assert {one["ChannelArn"] for page in pages for one in page["Channels"]} == {arn, *others}
    # In another Region it is not there.
    with refused("ChannelNotFoundException"):
        server.client("cloudtrail", "eu-west-1").get_channel(Channel=arn)
    cloudtrail.delete_channel(Channel=arn)
    with refused("ChannelNotFoundException"):
        cloudtrail.get_channel(Channel=arn)
    with refused("ChannelNotFound"):
        put(server, arn, activity(server))


def test_what_is_wrong_with_a_channel_is_said(server, trail):
    cloudtrail = server.client("cloudtrail")
    there = [{"Type": "AWS_SERVICE", "Location": trail.arn}]

    def create(code, message=None, name="channel", source="Custom", destinations=there, **more):
        with refused(code, message):
            cloudtrail.create_channel(Name=name, Source=source, Destinations=destinations, **more)

    create("InvalidParameterException", name="a b")
    create("InvalidSourceException", source="Nobody")
    store = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/x"
    create(
        "UnsupportedOperationException",
        re.compile("EVENT_DATA_STORE"),
        destinations=[{"Type": "EVENT_DATA_STORE", "Location": store}],
    )
    for place in ("lambda", trail.arn.replace(ACCOUNT, STRANGER), trail.arn + "x", store):
        create("InvalidParameterException", destinations=[{"Type": "AWS_SERVICE", "Location": place}])
    create("InvalidTagParameterException", Tags=[{"Key": "k"}, {"Key": "k"}])
    # A trail of one Region is there alone.
    local = trail.cloudtrail.create_trail(Name="local", S3BucketName=trail.bucket)["TrailARN"]
    with refused("InvalidParameterException", re.compile("another Region")):
        server.client("cloudtrail", "eu-west-1").create_channel(
            Name="channel", Source="Custom", Destinations=[{"Type": "AWS_SERVICE", "Location": local}]
        )
    cloudtrail.create_channel(Name="github", Source="GitHub", Destinations=there)
    create("ChannelAlreadyExistsException", name="github")
    create("ChannelAlreadyExistsException", source="GitHub")
    for n in range(24):
        make_channel(server, trail, f"channel-{n}")
    create("ChannelMaxLimitExceededException")
    with refused("ChannelARNInvalidException"):
        cloudtrail.get_channel(Channel=trail.arn)
    with refused("InvalidNextTokenException"):
        cloudtrail.list_channels(NextToken="nonsense")


def test_a_channels_policy_lets_another_account_in(server, trail):
    channel = make_channel(server, trail)
    cloudtrail = server.client("cloudtrail")
    stranger = server.account(STRANGER)

    def statement(action="cloudtrail-data:PutAuditEvents", resource=channel, **more):
        return allow(action, resource, Principal={"AWS": STRANGER}, **more)

    def put_policy(*statements):
        return cloudtrail.put_resource_policy(ResourceArn=channel, ResourcePolicy=policy(*statements))

    with refused("ResourcePolicyNotFoundException"):
        cloudtrail.get_resource_policy(ResourceArn=channel)
    with refused("ChannelInsufficientPermission"):
        put(server, channel, activity(server), who=stranger)
    for bad in (
        statement("cloudtrail:GetChannel"),
        statement(resource="*"),
        allow("cloudtrail-data:PutAuditEvents", channel, Principal={"AWS": "999999999999"}),
        allow("cloudtrail-data:PutAuditEvents", channel, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}),
    ):
        with refused("ResourcePolicyNotValidException"):
            put_policy(bad)
    with refused("ResourceTypeNotSupportedException"):
        cloudtrail.put_resource_policy(ResourceArn=trail.arn, ResourcePolicy=policy(statement()))
    with refused("ResourceARNNotValidException"):
        cloudtrail.get_resource_policy(ResourceArn="arn:aws:s3:::bucket")
    with refused("ResourceNotFoundException"):
        cloudtrail.get_resource_policy(ResourceArn=channel[:-1] + ("0" if channel[-1] != "0" else "1"))

    asked = statement(Condition={"StringEquals": {"cloudtrail:ExternalId": "secret-7"}})
    answer = put_policy(asked)
    assert answer["ResourceArn"] == channel
    assert json.loads(answer["ResourcePolicy"])["Statement"] == [asked]
    assert cloudtrail.get_resource_policy(ResourceArn=channel)["ResourcePolicy"] == answer["ResourcePolicy"]
    for wrong in ({}, {"externalId": "secret-8"}):
        with refused("AccessDeniedException", status=403):
            put(server, channel, activity(server), who=stranger, **wrong)
    given = put(server, channel, activity(server), who=stranger, externalId="secret-7")
    assert (len(given["successful"]), given["failed"]) == (1, [])
    # The same account may tell what it did, not what services of AWS saw.
    with refused("AccessDeniedException", re.compile("shoseki:IngestEvents")):
        put(server, channel, record(server), who=stranger, externalId="secret-7")
    put_policy(statement(), statement("shoseki:IngestEvents"))
    assert len(put(server, channel, record(server), who=stranger)["successful"]) == 1
    cloudtrail.delete_resource_policy(ResourceArn=channel)
    with refused("ChannelInsufficientPermission"):
        put(server, channel, activity(server), who=stranger)


def test_records_of_a_service_need_a_right_of_their_own(server, trail):
    channel = make_channel(server, trail)
    teller = server.user("teller", allow("cloudtrail-data:PutAuditEvents", channel))
    assert len(put(server, channel, activity(server), who=teller)["successful"]) == 1
    with refused("AccessDeniedException", re.compile(r"shoseki:IngestEvents on resource: " + re.escape(channel))):
        put(server, channel, activity(server), record(server), who=teller)
    both = server.user("both", allow(["cloudtrail-data:PutAuditEvents", "shoseki:IngestEvents"], channel))
    assert len(put(server, channel, record(server), who=both)["successful"]) == 1


def test_a_call_is_checked_as_a_whole_and_event_by_event(server, trail):
    channel = make_channel(server, trail)
    good = json.dumps(activity(server))
    summed = base64.b64encode(hashlib.sha256(good.encode()).digest()).decode()

    def send(body, path=None, **more):
        path = path or f"/PutAuditEvents?channelArn={quote(channel, safe='')}"
        text = json.dumps(body).encode()
        return server.call("cloudtrail-data", "POST", path, {"Content-Type": "application/json"}, text, **more)

    def check(body, status, code, path=None):
        answer = send(body, path)
        assert (answer.status, answer.headers.get("x-amzn-errortype")) == (status, code), answer.body

    one = {"id": "a", "eventData": good}
    check({"auditEvents": [one, one]}, 400, "DuplicatedAuditEventId")
    check({"auditEvents": []}, 400, "ValidationException")
    check({"auditEvents": [{**one, "id": f"e{n}"} for n in range(101)]}, 400, "ValidationException")
    check({"auditEvents": [{**one, "id": "not so"}]}, 400, "ValidationException")
    check({"auditEvents": [{"id": "a"}]}, 400, "ValidationException")
    check({}, 400, "ValidationException")
    check([], 400, "SerializationException")
    check({"auditEvents": [one]}, 400, "ValidationException", "/PutAuditEvents")
    check({"auditEvents": [one]}, 400, "InvalidChannelARN", f"/PutAuditEvents?channelArn={quote(trail.arn, safe='')}")
    check({"auditEvents": [one]}, 400, "ChannelNotFound", "/PutAuditEvents?channelArn=none")
    check({"auditEvents": [one]}, 404, "UnknownOperationException", "/PutEvents?channelArn=none")
    unknown = json.dumps(record(server, eventVersion="2.0"))
    check({"auditEvents": [{"id": "a", "eventData": unknown}]}, 400, "ChannelUnsupportedSchema")
    check({"auditEvents": [{"id": "a", "eventData": "x" * 1_100_000}]}, 413, "RequestEntityTooLargeException")
    answer = send({"auditEvents": [one]}, who=type(server.root)("AKIANOBODY0000000000", "x"))
    assert (answer.status, answer.code) == (403, "UnrecognizedClientException")
    signed = server.sign("cloudtrail-data", "POST", "/PutAuditEvents?channelArn=x", {}, b"{}")
    answer = server.send("POST", "/PutAuditEvents?channelArn=x", signed, b"[]")
    assert (answer.status, answer.code) == (403, "InvalidSignatureException")

    events = {
        "ok": (good, summed),
        "sum": (good, summed[::-1]),
        "json": ("{", None),
        "long": (json.dumps(activity(server, eventName="n" * 1025)), None),
        "none": (json.dumps(activity(server, UID=None)), None),
        "who": (json.dumps(activity(server, recipientAccountId=STRANGER)), None),
        "own": (json.dumps(record(server, source="kms.amazonaws.com")), None),
        "aws": (json.dumps(activity(server, eventSource="sqs.amazonaws.com")), None),
        "mark": (json.dumps(record(server, metadata={"channelARN": "x"})), None),
        "late": (json.dumps(record(server, eventTime=(server.now() + timedelta(hours=1)).strftime(FORM))), None),
        "old": (json.dumps(record(server, eventVersion="0.9")), None),
        "good": (json.dumps(record(server)), None),
    }
    sent = [
        {"id": name, "eventData": data, **({"eventDataChecksum": checksum} if checksum else {})}
        for name, (data, checksum) in events.items()
    ]
    answer = server.client("cloudtrail-data").put_audit_events(channelArn=channel.rsplit("/")[1], auditEvents=sent)
    assert [one["id"] for one in answer["successful"]] == ["ok", "good"]
    assert refusals(answer) == {
        "sum": "InvalidChecksum",
        "json": "InvalidData",
        "long": "FieldTooLong",
        "none": "FieldNotFound",
        "who": "InvalidRecipient",
        "own": "InvalidEventSource",
        "aws": "InvalidEventSource",
        "mark": "InvalidData",
        "late": "InvalidData",
        "old": "InvalidData",
    }
    status = server.client("cloudtrail").get_channel(Channel=channel)["IngestionStatus"]
    assert status["LatestIngestionSuccessEventID"] == answer["successful"][-1]["eventID"]
    assert (status["LatestIngestionErrorCode"], status["LatestIngestionAttemptEventID"]) == ("InvalidData", "old")


def test_what_came_in_is_selected_delivered_sealed_and_proven(server, trail):
    start = server.now() - timedelta(minutes=1)
    # A second trail wants the same and is not the channel's: it gets nothing of it.
    settings = {"IsMultiRegionTrail": False, "EnableLogFileValidation": False}
    make_trail(server, "other", bucket="other-logs", with_key=False, **settings)
    channel = make_channel(server, trail)
    invoke, item = record(server), written(server, "PutItem", awsRegion="eu-west-1")
    queue = [{"type": "AWS::SQS::Queue", "ARN": "arn:aws:sqs:us-east-1:444455556666:q"}]
    message = record(server, "sqs.amazonaws.com", "SendMessage", resources=queue)
    made = managed(server, "CreateFunction20150331", userIdentity={"type": "Root", "accessKeyId": "AKIATHEIRS"})
    answer = put(server, channel, invoke, item, message, made, activity(server))
    assert answer["failed"] == []
    ids = [one["eventID"] for one in answer["successful"]]
    server.advance("1h")

    found = {one["eventID"]: one for one in trail.records()}
    # Nothing selects the queue's event.
    assert [one in found for one in ids] == [True, True, False, True, True]
    metadata = found[ids[0]].pop("metadata")
    assert metadata["channelARN"] == channel
    assert metadata["originalEventID"] == invoke["eventID"]
    assert metadata["originalRecipientAccountId"] == "444455556666"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["ingestionTime"])
    assert found[ids[0]] == {**invoke, "eventID": ids[0], "recipientAccountId": ACCOUNT}
    told = found[ids[4]]
    assert (told["eventCategory"], told["eventType"]) == ("ActivityAuditLog", "ActivityLog")
    assert (told["eventData"], told["metadata"]["channelARN"]) == (activity(server, eventTime=told["eventTime"]), channel)
    # An event of another Region that the trail covers is in that Region's files.
    assert ids[1] in [one["eventID"] for one in trail.records("eu-west-1")]
    done = trail.validate("us-east-1", start, check=True)
    assert "INVALID" not in done.stdout + done.stderr and "log files valid" in done.stdout
    other = type(trail)(server, "other", "us-east-1", "other-logs", None)
    assert other.keys() and not set(ids) & {one["eventID"] for one in other.records()}

    # Management events show in the history, with their mark; nothing else does.
    lookup = server.client("cloudtrail").lookup_events
    by = [{"AttributeKey": "AccessKeyId", "AttributeValue": "AKIATHEIRS"}]
    [event] = lookup(LookupAttributes=by)["Events"]
    assert (event["EventId"], event["Username"]) == (ids[3], "root")
    assert json.loads(event["CloudTrailEvent"])["metadata"]["channelARN"] == channel
    for hidden in (ids[0], ids[4]):
        assert lookup(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": hidden}])["Events"] == []


def test_what_happened_long_ago_is_found_when_it_happened(server, trail):
    channel = make_channel(server, trail)
    lookup = server.client("cloudtrail").lookup_events
    times = {days: server.now() - timedelta(days=days) for days in (100, 60, 30)}
    for days, time in times.items():
        put(server, channel, managed(server, f"Ago{days}", eventTime=time.strftime(FORM)))
    # Digests of two days in all Regions are not what is asked for here.
    trail.cloudtrail.stop_logging(Name=trail.name)

    def names(**range):
        by = [{"AttributeKey": "Username", "AttributeValue": "theirs"}]
        return [one["EventName"] for one in lookup(LookupAttributes=by, **range)["Events"]]

    def check():
        around = {"StartTime": times[60] - timedelta(days=1), "EndTime": times[60] + timedelta(days=1)}
        assert names(**around) == ["Ago60"]
        assert sorted(names()) == ["Ago30", "Ago60"]

    check()
    # So it is when the events have left the journal.
    server.advance("2d")
    check()


def test_the_call_is_a_data_event_of_its_channel(server, trail):
    channel = make_channel(server, trail)
    selector = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::CloudTrail::Channel"]},
    ]
    trail.cloudtrail.put_event_selectors(TrailName=trail.name, AdvancedEventSelectors=[{"FieldSelectors": selector}])
    put(server, channel, activity(server), activity(server, UID=None))
    server.advance("10m")
    [event] = [one for one in trail.records() if one.get("eventName") == "PutAuditEvents"]
    assert event["eventSource"] == "cloudtrail-data.amazonaws.com"
    assert event["requestParameters"] == {"channelArn": channel}
    [failed] = event["responseElements"]["failed"]
    assert (failed["id"], failed["errorCode"]) == ("e1", "FieldNotFound")
    assert event["resources"] == [{"accountId": ACCOUNT, "type": "AWS::CloudTrail::Channel", "ARN": channel}]


def test_a_channel_without_a_trail_takes_nothing_in(server, trail):
    channel, abroad = make_channel(server, trail), make_channel(server, trail, region="eu-west-1")
    never = trail.cloudtrail.create_trail(Name="never", S3BucketName=trail.bucket)["TrailARN"]

    def check(text, to=channel, region=None):
        for event in (activity(server), record(server)):
            with refused("UnsupportedOperationException", re.compile(text)):
                put(server, to, event, region=region)

    trail.cloudtrail.stop_logging(Name=trail.name)
    check("destination logs")
    server.client("cloudtrail").update_channel(
        Channel=channel, Destinations=[{"Type": "AWS_SERVICE", "Location": arn} for arn in (never, trail.arn)]
    )
    check("destination logs")
    trail.cloudtrail.start_logging(Name=trail.name)
    # One that logs is enough.
    for to, region in ((channel, None), (abroad, "eu-west-1")):
        assert len(put(server, to, activity(server), region=region)["successful"]) == 1
    trail.cloudtrail.update_trail(Name=trail.name, IsMultiRegionTrail=False)
    assert len(put(server, channel, activity(server))["successful"]) == 1
    check("destination covers the channel's Region", abroad, "eu-west-1")
    trail.cloudtrail.delete_trail(Name=trail.name)
    check("destination exists", abroad, "eu-west-1")
    server.advance("10m")
    # All that was accepted is there.
    assert len([one for one in trail.records() if one.get("eventType") == "ActivityLog"]) == 3


def test_a_channels_tags_decide(server, trail):
    other, tagged = make_channel(server, trail), make_channel(server, trail, "tagged", Tags=[{"Key": "env", "Value": "prod"}])
    cloudtrail = server.client("cloudtrail")
    prod = {"StringEquals": {"aws:ResourceTag/env": "prod"}}
    deny = {"Effect": "Deny", "Action": ["cloudtrail:*", "cloudtrail-data:*"], "Resource": "*", "Condition": prod}
    who = server.user("who", allow(["cloudtrail:*", "cloudtrail-data:*"]), deny)
    theirs = server.client("cloudtrail", who=who)
    calls = (
        lambda arn: put(server, arn, activity(server), who=who),
        lambda arn: theirs.get_channel(Channel=arn),
        lambda arn: theirs.get_channel(Channel=arn.rsplit("/", 1)[1]),
        lambda arn: theirs.update_channel(Channel=arn, Name=arn[-8:]),
        lambda arn: theirs.put_resource_policy(
            ResourceArn=arn, ResourcePolicy=policy(allow("cloudtrail-data:PutAuditEvents", arn, Principal={"AWS": ACCOUNT}))
        ),
        lambda arn: theirs.get_resource_policy(ResourceArn=arn),
        lambda arn: theirs.delete_resource_policy(ResourceArn=arn),
        lambda arn: theirs.add_tags(ResourceId=arn, TagsList=[{"Key": "a", "Value": "b"}]),
        lambda arn: theirs.list_tags(ResourceIdList=[arn]),
        lambda arn: theirs.remove_tags(ResourceId=arn, TagsList=[{"Key": "env"}]),
        lambda arn: theirs.delete_channel(Channel=arn),
    )
    for call in calls:
        with refused("AccessDeniedException", re.compile("explicit deny")):
            call(tagged)
        call(other)
    cloudtrail.remove_tags(ResourceId=tagged, TagsList=[{"Key": "env"}])
    assert len(put(server, tagged, activity(server), who=who)["successful"]) == 1

    # So do those that a new one is to have, which takes the right to give tags.
    def make(name, who, *tags):
        destinations = [{"Type": "AWS_SERVICE", "Location": trail.arn}]
        client = server.client("cloudtrail", who=who)
        return client.create_channel(Name=name, Source="Custom", Destinations=destinations, Tags=list(tags))

    maker = server.user("maker", allow("cloudtrail:CreateChannel"))
    make("plain", maker)
    env = {"Key": "env", "Value": "prod"}
    with refused("AccessDeniedException", re.compile("cloudtrail:AddTags")):
        make("made", maker, env)
    asked = {"StringEquals": {"aws:RequestTag/env": "test"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["env"]}}
    tester = server.user("tester", allow(["cloudtrail:CreateChannel", "cloudtrail:AddTags"], Condition=asked))
    for tags in ([env], [{"Key": "env", "Value": "test"}, {"Key": "more"}], []):
        with refused("AccessDeniedException", re.compile("cloudtrail:CreateChannel")):
            make("made", tester, *tags)
    make("made", tester, {"Key": "env", "Value": "test"})


def test_what_was_answered_survives_a_crash(server, trail):
    channel = make_channel(server, trail)
    ids = []
    for n in range(5):
        answer = put(server, channel, *[record(server, name=f"Invoke{n}") for _ in range(20)])
        ids += [one["eventID"] for one in answer["successful"]]
    server.stop(signal.SIGKILL)
    server.start()
    server.advance("10m")
    assert set(ids) <= {one["eventID"] for one in trail.records()}
    assert len(ids) == 100
