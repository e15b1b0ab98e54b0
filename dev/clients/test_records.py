"""The records themselves: every operation's, held against the published schema, against botocore's models and against the
names and types of AWS's own examples; and what must never be in one.

That a record of any other test is of the schema is seen to by the server under test, whose debug build refuses to journal
one that is not. Here the same schema is read by a validator that is not ours.
"""

import base64
import gzip
import json
import pathlib
import re
import secrets
import tomllib

import botocore.session
import jsonschema
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from authorization import RECIPES, World
from full_calls import FULL
from harness import ACCOUNT, ANONYMOUS, allow, make_trail, policy
from test_authorization_matrix import method_of, shoseki_call

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / "record.schema.json").read_text()))
EVERYTHING = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
    }
]


# --- making records and reading them ---


class Recorded(World):
    """What recipes work on, beside a trail that selects everything and that no recipe takes away."""

    def __init__(self, server):
        super().__init__(server)
        self.own = make_trail(server)
        self.own.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=EVERYTHING)

    def drop_trails(self):
        cloudtrail = self.client("cloudtrail")
        for trail in cloudtrail.describe_trails()["trailList"]:
            if trail["Name"] != "audit":
                cloudtrail.delete_trail(Name=trail["TrailARN"])
        self.made.pop("trail", None)

    def call(self, name, parameters, who=None):
        """Makes the call, whatever comes of it; its answer or its error, and its request's id."""
        service, operation = name.split(":")
        if service == "shoseki":
            answer = shoseki_call(self.server, operation, self.server.root, parameters)
            return answer.json, answer.headers["x-amzn-requestid"]
        client = self.server.client(service, who=who)
        try:
            answer = getattr(client, method_of(client, operation))(**parameters)
        except ClientError as error:
            answer = error.response
        return answer, answer["ResponseMetadata"]["RequestId"]

    def records(self):
        """Every record that was delivered, with the minute's clock moved on so that all are."""
        self.server.advance("20m")
        found = []
        for key in self.own.keys():
            body = self.own.s3.get_object(Bucket=self.own.bucket, Key=key)["Body"].read()
            found += json.loads(gzip.decompress(body))["Records"]
        return found


def by_request(records):
    """The caller's own record of each request: port calls within it have ids of their own or none."""
    found = {}
    for record in records:
        if "invokedBy" not in record["userIdentity"]:
            found.setdefault(record.get("requestID"), []).append(record)
    return found


def mistakes(record):
    return [f"{error.json_path}: {error.message}"[:300] for error in SCHEMA.iter_errors(record)]


# --- what AWS's models say of names and types ---

_MODELS = {}


def operation_model(name):
    service, operation = name.split(":")
    if service not in _MODELS:
        _MODELS[service] = botocore.session.get_session().get_service_model(service)
    return _MODELS[service].operation_model(operation)


def lower_camel(name):
    return name[:1].lower() + name[1:]


# What stands in no record though its shape is not marked as secret: what was sealed, and what proves.
WITHHELD = {"blob"}
KINDS = {
    "string": str,
    "timestamp": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "list": list,
    "map": dict,
    "structure": dict,
}


def strangers(value, shape, place, rename=lower_camel):
    """Where a recorded value is not of its shape: members it has not, types it is not, what it must not show."""
    kind = shape.type_name
    if value is None:
        return []
    if shape.metadata.get("sensitive") or kind in WITHHELD:
        return [f"{place} shows what is secret"]
    if not isinstance(value, KINDS[kind]) or (kind in ("integer", "long") and isinstance(value, bool)):
        return [f"{place} is {type(value).__name__}, not {kind}"]
    found = []
    if kind == "structure":
        members = {rename(member): shape for member, shape in shape.members.items()}
        for name, item in value.items():
            if name not in members:
                found.append(f"{place}.{name} is no member of {shape.name}")
            else:
                found += strangers(item, members[name], f"{place}.{name}", rename)
    elif kind == "list":
        for item in value:
            found += strangers(item, shape.member, f"{place}[]", rename)
    return found


def unsaid(asked, shown, shape, place, rename=lower_camel):
    """What was asked and is not shown, though it may be."""
    found = []
    for member, item in asked.items():
        inner = shape.members[member]
        if inner.metadata.get("sensitive") or inner.type_name in WITHHELD:
            continue
        name = rename(member)
        if name not in (shown or {}):
            found.append(f"{place}.{name} was asked and is not shown")
        elif inner.type_name == "structure":
            found += unsaid(item, shown[name], inner, f"{place}.{name}", rename)
    return found


# S3 writes members of its own, as they are on the wire.
S3_PATH = {"Bucket": "bucketName", "Key": "key"}
# The names that S3 gives what comes in a body; the rest of a body has its own element's name.
S3_BODY = {"Policy": "bucketPolicy"}


def s3_names(model):
    """How S3 shows each member of an input, and the names that the request's line adds."""
    names = {}
    for member, shape in (model.input_shape.members if model.input_shape else {}).items():
        at = shape.serialization
        wire = at.get("name", member)
        names[member] = S3_PATH.get(member) or S3_BODY.get(member) or wire
    query = model.http["requestUri"].partition("?")[2]
    return names, {part.partition("=")[0] for part in query.split("&") if part}


# What is shown though it is no member of the input: EC2 has a form of its own for lists.
BESIDE_INPUT = {"ec2:DescribeRegions": {"regionSet"}}
# What was asked and is not shown so, as in AWS's records.
UNSHOWN = {
    "ec2:DescribeRegions": {"regionNames"},
    "kms:GenerateRandom": {"numberOfBytes"},
    "kms:RetireGrant": {"keyId", "grantId", "grantToken"},
}
# What is answered and is shown though the call only reads.
SHOWN = {"sts:AssumeRole"}
# Events that S3 names otherwise than its operations.
EVENT_NAMES = {
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "ListBucketAnalyticsConfigurations": "ListAnalyticsConfigurations",
    "ListBucketIntelligentTieringConfigurations": "ListIntelligentTieringConfigurations",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurations",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurations",
    "ListObjectsV2": "ListObjects",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}


def event_name(name):
    service, operation = name.split(":")
    return EVENT_NAMES.get(operation, operation) if service == "s3" else operation


def golden_operations():
    lines = (ROOT / "dev" / "golden" / "operations.txt").read_text().splitlines()
    return {":".join(line.split()[:2]): line.split()[2:] for line in lines}


def check_head(name, category, reads, record):
    """Names and classes that follow from the operation alone."""
    service, _ = name.split(":")
    found = mistakes(record)
    expected = {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": event_name(name),
        "readOnly": reads == "read",
        "eventCategory": category.title(),
        "eventType": "AwsApiCall",
    }
    found += [f"{key} is {record[key]!r}" for key, value in expected.items() if record[key] != value]
    if record["readOnly"] and name not in SHOWN and record["responseElements"] is not None:
        found.append("a call that only reads shows what it answered")
    return found


def check_json(name, asked, record):
    """Members against the models of a service whose names are lower camel case."""
    model = operation_model(name)
    shown, beside = record["requestParameters"] or {}, BESIDE_INPUT.get(name, set())
    known = {member: value for member, value in shown.items() if member not in beside}
    found = []
    if model.input_shape:
        found += strangers(known, model.input_shape, "requestParameters")
        left = {member: value for member, value in asked.items() if lower_camel(member) not in UNSHOWN.get(name, ())}
        found += unsaid(left, shown, model.input_shape, "requestParameters")
    elif known:
        found.append(f"requestParameters of nothing: {known}")
    if record["responseElements"] and "errorCode" not in record:
        found += check_answer(name, model, record["responseElements"])
    return found


# KMS writes the key's ARN since December 2022, also of calls that answer nothing.
KEY_ONLY = {"keyId"}


def check_answer(name, model, shown):
    members = set(model.output_shape.members) if model.output_shape else set()
    if name.startswith("kms:") and "KeyId" not in members:
        shown = {member: value for member, value in shown.items() if member not in KEY_ONLY}
    if model.output_shape is None:
        return [f"responseElements of nothing: {shown}"] if shown else []
    return strangers(shown, model.output_shape, "responseElements")


def check_s3(name, asked, record):
    model = operation_model(name)
    names, flags = s3_names(model)
    shown = record["requestParameters"]
    allowed = {*names.values(), *flags, "Host", "bucketName", "key", "list-type"}
    found = [f"requestParameters.{member} is no name of S3's" for member in shown if member not in allowed]
    for member in asked:
        shape = model.input_shape.members[member]
        on_line = member in S3_PATH or shape.serialization.get("location") == "querystring"
        # Of headers S3's own are shown, but not a user's metadata.
        shows = on_line or (names[member].startswith("x-amz-") and shape.type_name != "map")
        if shows and not shape.metadata.get("sensitive") and names[member] not in shown:
            found.append(f"{names[member]} was asked and is not shown")
    additional = record["additionalEventData"]
    for member in ("SignatureVersion", "AuthenticationMethod", "x-amz-id-2", "bytesTransferredIn", "bytesTransferredOut"):
        if member not in additional:
            found.append(f"additionalEventData.{member} is missing")
    return found + check_s3_resources(record)


def check_s3_resources(record):
    asked, shown = record["requestParameters"], record.get("resources", [])
    bucket = f"arn:aws:s3:::{asked.get('bucketName')}"
    whole = {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": bucket}
    if "bucketName" not in asked:
        expected = []
    elif "key" in asked:
        expected = [{"type": "AWS::S3::Object", "ARN": f"{bucket}/{asked['key']}"}, whole]
    elif record["eventCategory"] == "Data":
        expected = [{"type": "AWS::S3::Object", "ARNPrefix": f"{bucket}/"}, whole]
    else:
        expected = [whole]
    if any(one not in shown for one in expected) or shown[:1] != expected[:1]:
        return [f"resources are {shown}"]
    return []


def check_kms_key(name, record):
    """Calls on a key tell which, by its ARN."""
    shown = record["requestParameters"] or {}
    keys = [one["ARN"] for one in record.get("resources", []) if one["type"] == "AWS::KMS::Key"]
    if name != "kms:ListAliases" and shown.get("keyId", "").startswith("arn:") and shown["keyId"] not in keys:
        return [f"resources {keys} lack {shown['keyId']}"]
    return []


@pytest.mark.serve("--rehearsal")
def test_the_record_of_every_operation(server):
    """Every operation is called once by root; its record is found by its request's id, and is AWS's in every name."""
    world = Recorded(server)
    calls, failed = [], []
    golden = golden_operations()
    for name, (category, *rest) in golden.items():
        parameters = RECIPES[name](world)
        answer, request = world.call(name, parameters)
        calls.append((name, category, rest[0], parameters, request))
    for name, recipe in FULL:
        category, *rest = golden[name]
        parameters = recipe(world)
        answer, request = world.call(name, parameters)
        if "Error" in answer:
            failed.append(f"{name}: {answer['Error']}")
        calls.append((name, category, rest[0], parameters, request))
    records = world.records()
    found = failed + [f"{record['eventName']}: {mistake}" for record in records for mistake in mistakes(record)]
    own = by_request(records)
    for name, category, reads, parameters, request in calls:
        if category == "none":
            continue
        # One of DeleteObjects has one of DeleteObject beside it for each object.
        made = [one for one in own.get(request, []) if one["eventName"] == event_name(name)]
        if len(made) != 1:
            found.append(f"{name} made {len(made)} records")
            continue
        (record,) = made
        wrong = check_head(name, category, reads, record)
        if name.startswith("s3:"):
            wrong += check_s3(name, parameters, record)
        elif not name.startswith("shoseki:"):
            wrong += check_json(name, parameters, record)
        if name.startswith("kms:"):
            wrong += check_kms_key(name, record)
        found += [f"{name}: {mistake}" for mistake in wrong]
    assert not found, "\n".join(found)


def test_the_schema_finds_mistakes():
    """The mistakes that the server's own reading of the schema finds, by a validator of others."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA.schema)
    golden = json.loads((ROOT / "dev" / "golden" / "record_mistakes.json").read_text())
    assert mistakes(golden["record"]) == []
    for mistake in golden["mistakes"]:
        record = json.loads(json.dumps(golden["record"]))
        for pointer, value in mistake.items():
            *parents, name = pointer.split("/")[1:]
            place = record
            for parent in parents:
                place = place[parent]
            if value == "(none)":
                del place[name]
            else:
                place[name] = value
        assert mistakes(record), mistake
