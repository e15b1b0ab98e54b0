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
from datetime import timedelta

import botocore.session
import jsonschema
import pytest
from botocore.exceptions import ClientError

from authorization import RECIPES, World
from full_calls import FULL
from harness import ACCOUNT, ANONYMOUS, Principal, allow, make_trail, policy
from test_authorization_matrix import method_of, shoseki_call

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / "record.schema.json").read_text()))
DATA = ["AWS::S3::Object", "AWS::SNS::Topic", "AWS::CloudTrail::Channel"]


def _selector(category, *kinds):
    fields = [{"Field": "eventCategory", "Equals": [category]}]
    return {"FieldSelectors": fields + [{"Field": "resources.type", "Equals": [kind]} for kind in kinds]}


EVERYTHING = [_selector("Management"), *(_selector("Data", kind) for kind in DATA)]


# --- making records and reading them ---


class Recorded(World):
    """What recipes work on, beside a trail that selects everything and that no recipe takes away."""

    def __init__(self, server):
        super().__init__(server)
        self.own = make_trail(server)
        self.own.cloudtrail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=EVERYTHING)

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
            # A stream has an answer in each line.
            told = json.loads(answer.body.splitlines()[0]) if operation == "SubscribeEvents" else answer.json
            return told, answer.headers["x-amzn-requestid"]
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
    # The events are records of their own.
    "cloudtrail-data:PutAuditEvents": {"auditEvents"},
    # A template may hold anything.
    **{
        f"cloudformation:{name}": {"templateBody"}
        for name in ("CreateChangeSet", "CreateStack", "GetTemplateSummary", "UpdateStack", "ValidateTemplate")
    },
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
        given = {lower_camel(member) for member in asked}
        found += [f"requestParameters.{member} was not given" for member, one in known.items() if one == [] and member not in given]
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
        calls.append((name, category, (rest or [None])[0], parameters, request))
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
        if category == "no":
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


# --- AWS's examples ---


def _pending_key(w):
    key = w.new_key()
    w.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return {"KeyId": key}


def _imported(w):
    parcel = w.parcel()
    made = w.client("kms").import_key_material(**parcel)
    return {"KeyId": parcel["KeyId"], "KeyMaterialId": made["KeyMaterialId"]}


def _assumed(w):
    arn = w.client("iam").get_role(RoleName=w.role())["Role"]["Arn"]
    trust = allow(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], Principal={"AWS": ACCOUNT})
    del trust["Resource"]
    w.client("iam").update_assume_role_policy(RoleName=arn.rsplit("/", 1)[1], PolicyDocument=policy(trust))
    tags = [{"Key": "Email", "Value": "johndoe@example.com"}, {"Key": "CostCenter", "Value": "12345"}]
    return {
        "RoleArn": arn,
        "RoleSessionName": "Role2WithTags",
        "SourceIdentity": "JohnDoe",
        "Tags": tags,
        "TransitiveTagKeys": ["Email", "CostCenter"],
        "DurationSeconds": 3600,
    }


CONTEXT = {"Department": "Engineering", "Project": "Alpha"}
OPEN = policy(allow("kms:*", Principal={"AWS": ACCOUNT}))
# The examples' calls, where they are not those of the matrix.
EXAMPLE_CALLS = {
    "kms:CancelKeyDeletion": _pending_key,
    "kms:CreateGrant": lambda w: {
        "KeyId": w.key,
        "GranteePrincipal": w.user_arn,
        "Operations": ["Encrypt", "RetireGrant"],
        "Constraints": {"EncryptionContextSubset": CONTEXT},
    },
    "kms:CreateKey": lambda w: {"Policy": OPEN},
    "kms:Decrypt": lambda w: {
        "CiphertextBlob": w.client("kms").encrypt(KeyId=w.key, Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"],
        "KeyId": w.key,
        "EncryptionContext": CONTEXT,
    },
    "kms:DeleteImportedKeyMaterial": _imported,
    "kms:Encrypt": lambda w: {"KeyId": w.key, "Plaintext": b"x", "EncryptionContext": CONTEXT},
    "kms:GenerateDataKey": lambda w: {"KeyId": w.key, "KeySpec": "AES_256", "EncryptionContext": CONTEXT},
    "kms:GenerateDataKeyPair": lambda w: {"KeyId": w.key, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": CONTEXT},
    "kms:GenerateDataKeyPairWithoutPlaintext": lambda w: {
        "KeyId": w.key,
        "KeyPairSpec": "ECC_NIST_P256",
        "EncryptionContext": CONTEXT,
    },
    "kms:ImportKeyMaterial": lambda w: {
        **w.parcel(),
        "ValidTo": w.server.now() + timedelta(days=30),
        "ExpirationModel": "KEY_MATERIAL_EXPIRES",
    },
    "kms:ListAliases": lambda w: {"Limit": 5},
    "kms:ListGrants": lambda w: {"KeyId": w.key, "Limit": 10},
    "kms:PutKeyPolicy": lambda w: {"KeyId": w.new_key(), "PolicyName": "default", "Policy": OPEN},
    "kms:ReEncrypt": lambda w: {
        "CiphertextBlob": w.client("kms").encrypt(KeyId=w.key, Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"],
        "SourceEncryptionContext": CONTEXT,
        "DestinationKeyId": w.new_key(),
        "DestinationEncryptionContext": {"Level": "3A"},
    },
    "kms:ReplicateKey": lambda w: {"KeyId": w.regional_key(), "ReplicaRegion": "eu-west-1"},
    "sts:AssumeRole": _assumed,
    "s3:ListObjects": lambda w: {"Bucket": w.bucket, "Prefix": ""},
    "cloudtrail:UpdateTrail": lambda w: {"Name": "none"},
}
TYPES = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}


def differences(example, value, place, newer):
    """Where a value is not of an example's names and types, both ways; `newer` are names that it may have besides."""
    if example == "pairs":
        good = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
        return [] if good else [f"{place} is {value!r}, not pairs"]
    if isinstance(example, list) and isinstance(value, list):
        return [one for item in value for one in differences(example[0], item, f"{place}[]", newer)]
    if isinstance(example, dict) and isinstance(value, dict):
        found = [f"{place}.{name} is missing" for name in example if name not in value]
        for name, item in value.items():
            at = f"{place}.{name}"
            if name in example:
                found += differences(example[name], item, at, newer)
            elif at not in newer:
                found.append(f"{at} is in no example")
        return found
    told = TYPES.get(type(value), type(value).__name__)
    return [] if example == told else [f"{place} is {told}, not {example}"]


def differences_of_record(example, record):
    newer = set(example.get("newer", ()))
    found = []
    for member in ("requestParameters", "responseElements", "additionalEventData"):
        if member in example:
            found += differences(example[member], record[member], member, newer)
        elif member in record:
            found.append(f"{member} is in no example")
    for member in ("errorCode", "errorMessage"):
        expected = example.get(member, "").format(account=ACCOUNT) or None
        if record.get(member) != expected:
            found.append(f"{member} is {record.get(member)!r}")
    types = [one["type"] for one in record.get("resources", [])]
    return found + ([] if types == example["resources"] else [f"resources are {types}"])


@pytest.mark.serve("--rehearsal")
def test_records_are_as_in_the_examples_of_aws(server):
    """A user makes the calls of AWS's published examples; every member has the example's name and type."""
    examples = tomllib.loads((pathlib.Path(__file__).parent / "record_examples.toml").read_text())
    world = Recorded(server)
    user = server.user("alice", allow("*"))
    calls = []
    for service, operations in examples.items():
        for operation, example in operations.items():
            if operation == "page":
                continue
            name = f"{service}:{operation}"
            parameters = EXAMPLE_CALLS.get(name, RECIPES[name])(world)
            calls.append((name, example, world.call(name, parameters, user)[1]))
    own = by_request(world.records())
    found = []
    for name, example, request in calls:
        (record,) = own[request]
        assert record["userIdentity"] == {
            "type": "IAMUser",
            "principalId": record["userIdentity"]["principalId"],
            "arn": user.arn,
            "accountId": ACCOUNT,
            "accessKeyId": user.access_key,
            "userName": "alice",
        }
        found += [f"{name}: {one}" for one in differences_of_record(example, record)]
    assert not found, "\n".join(found)


# --- what is never in a record ---


def forms(secret):
    """How a secret could stand in text: as it is, as base64 wherever it begins, as hexadecimal."""
    data = secret.encode() if isinstance(secret, str) else bytes(secret)
    found = {data.hex()}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + data).decode()
        # Without the characters that what stands before and behind takes part in.
        middle = coded[4 if shift else 0 : len(coded) - 4]
        found |= {middle, middle.replace("+", "-").replace("/", "_")}
    try:
        found.add(data.decode())
    except UnicodeDecodeError:
        pass
    return {form for form in found if len(form) >= 12}


def secrets_in(value, shape):
    """The values in an answer whose shape is secret, or of bytes."""
    if value is None or shape is None:
        return
    if shape.metadata.get("sensitive") or shape.type_name == "blob":
        yield value.read() if hasattr(value, "read") else value
    elif shape.type_name == "structure":
        for name, inner in shape.members.items():
            yield from secrets_in(value.get(name), inner)
    elif shape.type_name == "list":
        for item in value:
            yield from secrets_in(item, shape.member)


def with_secrets(name, parameters, marker):
    """The call with the marker in each member that is secret or bytes, one call for each; and the members' names."""
    shape = operation_model(name).input_shape
    for member, inner in (shape.members if shape else {}).items():
        if inner.metadata.get("sensitive") or inner.type_name == "blob":
            value = marker if inner.type_name == "blob" else marker.decode()
            more = {}
            if member.endswith("SSECustomerKey"):
                more = {member.replace("Key", "Algorithm"): "AES256"}
            yield member, {**parameters, **more, member: value}


@pytest.mark.serve("--rehearsal")
def test_no_secret_is_in_a_record_or_on_the_disk(server):
    """Every member of every operation that is secret or bytes is sent with a marker in it, and every secret that comes back
    is remembered; none stands in any record, in any of its forms, and no marker on the disk."""
    world = Recorded(server)
    marker = f"MARKER{secrets.token_hex(13)}".encode()
    told, tried = [], []
    for name in golden_operations():
        if name.startswith("shoseki:"):
            continue
        model = operation_model(name)
        for member, parameters in with_secrets(name, RECIPES[name](world), marker):
            answer, _ = world.call(name, parameters)
            told += list(secrets_in(answer, model.output_shape))
            tried.append(f"{name}.{member}")
    for name in ("iam:CreateAccessKey", "sts:GetSessionToken", "kms:GenerateDataKeyPair", "kms:DeriveSharedSecret"):
        answer, _ = world.call(name, RECIPES[name](world))
        told += list(secrets_in(answer, operation_model(name).output_shape))
    # botocore does not mark what IAM and STS give out.
    key = world.client("iam").create_access_key(UserName=world.user())["AccessKey"]
    session = world.client("sts").get_session_token()["Credentials"]
    told += [key["SecretAccessKey"], session["SecretAccessKey"]]
    made = shoseki_call(server, "CreateAccount", server.root, {}).json
    told += [made["SecretAccessKey"], server.root.secret_key]
    where = {"Bucket": world.bucket, "Key": world.object()}
    url = world.client("s3").generate_presigned_url("get_object", Params=where)
    assert server.send("GET", url[len(server.endpoint) :], {}).status == 200
    told.append(re.search("X-Amz-Signature=([0-9a-f]{64})", url).group(1))
    # Not so few that this finds nothing because it looks at nothing.
    assert {"kms:Encrypt.Plaintext", "kms:ImportKeyMaterial.ImportToken", "s3:PutObject.SSECustomerKey"} <= set(tried)
    assert len(tried) > 30 and len(told) > 10

    records = world.records()
    text = json.dumps(records, ensure_ascii=False)
    shown = [form for secret in (marker, *told) for form in forms(secret) if form in text]
    assert not shown, shown
    presigned = [one for one in records if (one.get("additionalEventData") or {}).get("AuthenticationMethod") == "QueryString"]
    assert presigned and "X-Amz-Expires" in presigned[0]["requestParameters"]
    server.stop()
    files = [path for path in server.data_dir.rglob("*") if path.is_file() and path.name != "credentials"]
    assert len(files) > 3
    needles = [form.encode() for form in forms(marker)]
    for path in files:
        data = path.read_bytes()
        assert not any(needle in data for needle in needles), path


# --- who called, and over what ---


@pytest.mark.serve("--rehearsal", "--tls", "auto")
def test_callers_and_connections(server):
    """Each kind of caller over TLS: what the record says of it and of the connection, and what of calls that follow."""
    world = Recorded(server)
    bucket = world.bucket
    world.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": world.key}}]
        },
    )
    user = server.user("alice", allow("*"))
    session = server.client("sts", who=user).get_session_token()["Credentials"]
    temporary = Principal(session["AccessKeyId"], session["SecretAccessKey"], "alice", token=session["SessionToken"])
    role = _assumed(world)
    name = role["RoleArn"].rsplit("/", 1)[1]
    world.client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("*")))
    assumed = server.assume(user, role["RoleArn"], "session", SourceIdentity="Alice")
    callers = {"root": server.root, "user": user, "temporary": temporary, "role": assumed}
    requests = {}
    for name, who in callers.items():
        answer = server.client("s3", who=who).put_object(Bucket=bucket, Key=name, Body=b"x")
        requests[name] = answer["ResponseMetadata"]["RequestId"]
    with pytest.raises(ClientError) as refusal:
        server.client("s3", who=ANONYMOUS).get_object(Bucket=bucket, Key="root")
    requests["anonymous"] = refusal.value.response["ResponseMetadata"]["RequestId"]
    records = world.records()
    assert not [one for record in records for one in mistakes(record)]
    own = {name: [one for one in records if one.get("requestID") == request] for name, request in requests.items()}
    for name, (record,) in own.items():
        tls = record["tlsDetails"]
        assert tls["tlsVersion"] == "TLSv1.3" and tls["clientProvidedHostHeader"] == record["requestParameters"]["Host"]
        assert set(tls) == {"tlsVersion", "cipherSuite", "clientProvidedHostHeader", "keyExchange"}
        assert record["additionalEventData"]["CipherSuite"] == tls["cipherSuite"]
        assert record["userAgent"].startswith("[Boto3/") and record["sourceIPAddress"] == "127.0.0.1"
        if name != "anonymous":
            assert record["additionalEventData"]["SSEApplied"] == "Default_SSE_KMS"
    identities = {name: record["userIdentity"] for name, (record,) in own.items()}
    assert identities["anonymous"] == {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    assert "sessionContext" not in identities["user"] and set(identities["temporary"]["sessionContext"]) == {"attributes"}
    assert identities["temporary"]["accessKeyId"] == session["AccessKeyId"]
    context = identities["role"]["sessionContext"]
    assert context["sessionIssuer"]["arn"] == role["RoleArn"] and context["sourceIdentity"] == "Alice"
    assert identities["root"]["arn"] == server.root.arn
    # S3's calls of KMS: as each caller, by forward access, and over no connection of theirs.
    forwarded = [one for one in records if one["eventName"] == "GenerateDataKey" and "type" in one["userIdentity"]]
    for name in callers:
        same = {**identities[name], "invokedBy": "AWS Internal"}
        (record,) = [one for one in forwarded if one["userIdentity"] == same]
        assert "tlsDetails" not in record and record["sourceIPAddress"] == record["userAgent"] == "AWS Internal"
    services = [one for one in records if one["userIdentity"].get("type") == "AWSService"]
    assert {one["sourceIPAddress"] for one in services} == {"cloudtrail.amazonaws.com"}


@pytest.mark.serve("--rehearsal")
def test_what_cannot_be_parsed_is_recorded_with_what_it_names(server):
    world = Recorded(server)
    requests = []
    for path, body in (("?encryption", b"<no"), ("?tagging", b""), ("/key?acl", b"<Other/>"), ("/key?retention", b"<")):
        answer = server.call("s3", "PUT", f"/{world.bucket}{path}", body=body)
        assert answer.status == 400, answer.body
        requests.append((answer.headers["x-amz-request-id"], path))
    own = by_request(world.records())
    for request, path in requests:
        (record,) = own[request]
        shown = record["requestParameters"]
        assert shown["bucketName"] == world.bucket and shown["Host"] and "errorCode" in record, record
        assert shown.get("key") == ("key" if path.startswith("/key") else None)


@pytest.mark.serve("--rehearsal")
def test_what_kms_does_by_itself(server):
    """Rotation, expiry, deletion and synchronisation make the events of AWS's examples."""
    world = World(server)
    kms = world.client("kms")
    rotated, deleted = world.new_key(), world.new_key()
    related = kms.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    kms.replicate_key(KeyId=related, ReplicaRegion="eu-west-1")
    kms.rotate_key_on_demand(KeyId=rotated)
    parcel = {**world.parcel(), "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": server.now() + timedelta(days=2)}
    kms.import_key_material(**parcel)
    kms.schedule_key_deletion(KeyId=deleted, PendingWindowInDays=7)
    server.advance("8d")
    materials = {"previousKeyMaterialId", "currentKeyMaterialId"}
    expected = {
        "RotateKey": (rotated, "AwsServiceEvent", None, {"rotationType", "keyOrigin", "keyId"} | materials),
        "DeleteKey": (deleted, "AwsServiceEvent", {"keyId": deleted}, None),
        "DeleteExpiredKeyMaterial": (parcel["KeyId"], "AwsServiceEvent", None, {"keyId", "keyMaterialId"}),
        "SynchronizeMultiRegionKey": (related, "AwsApiCall", {"keyId": related}, None),
    }
    for name, (key, kind, answered, details) in expected.items():
        asked = [{"AttributeKey": "EventName", "AttributeValue": name}]
        (event,) = world.client("cloudtrail").lookup_events(LookupAttributes=asked)["Events"]
        record = json.loads(event["CloudTrailEvent"])
        assert record["userIdentity"] == {"accountId": ACCOUNT, "invokedBy": "AWS Internal"}
        assert record["sourceIPAddress"] == record["userAgent"] == "AWS Internal" and record["readOnly"] is False
        assert record["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]
        assert (record["eventType"], record["requestParameters"], record["responseElements"]) == (kind, None, answered)
        assert set(record.get("serviceEventDetails", {})) == (details or set()), name
        assert ("requestID" in record) == (kind == "AwsApiCall") and not mistakes(record)
