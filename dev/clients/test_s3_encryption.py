"""Which encryption an object gets and what that costs: the golden table `s3_encryption.toml`, bucket keys, SSE-C, DSSE-KMS."""

import base64
import hashlib
import json
import pathlib
import re
import tomllib

import pytest
from harness import (
    ACCOUNT,
    ANONYMOUS,
    SERVICE,
    allow,
    bucket_policy,
    deny_text,
    key_policy,
    make_bucket,
    make_trail,
    policy,
    refused,
)

TABLE = tomllib.loads((pathlib.Path(__file__).parent / "s3_encryption.toml").read_text())
CUSTOMER_KEY = bytes(range(32))
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": CUSTOMER_KEY}
KMS = {"ServerSideEncryption": "aws:kms"}


def md5_of(key):
    return base64.b64encode(hashlib.md5(key).digest()).decode()


def set_default(s3, bucket, algorithm="aws:kms", key=None, bucket_key=False, blocked=None):
    by_default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    rule = {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": bucket_key}
    if blocked:
        rule["BlockedEncryptionTypes"] = {"EncryptionType": [blocked]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def rule_of(s3, bucket):
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return rule


def bucket_with_keys(server, name="sealed", key=None):
    """A bucket whose default is SSE-KMS under a key of ours, by bucket keys."""
    key = key or server.client("kms").create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
    set_default(server.client("s3"), make_bucket(server, name), key=key, bucket_key=True)
    return name, key


class Seen:
    """What a trail with data events saw, once the clock has moved on."""

    def __init__(self, server):
        self.server = server
        self.trail = make_trail(server, bucket="seen-by-trail", with_key=False, EnableLogFileValidation=False)
        self.trail.cloudtrail.put_event_selectors(
            TrailName=self.trail.name,
            EventSelectors=[{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}],
        )
        self.read = set()

    def records(self):
        """Those that were not read before."""
        self.server.advance("10m")
        new = [key for key in self.trail.keys(region="us-east-1") if key not in self.read]
        self.read.update(new)
        return [record for key in new for record in self.trail.read(key)["Records"]]


def kms_calls(records, names):
    """KMS's events as the table writes them: `GenerateDataKey BUCKET bucket`, by the bucket that they are for."""
    calls = {}
    for record in records:
        context = (record.get("requestParameters") or {}).get("encryptionContext") or {}
        if record["eventSource"] == "kms.amazonaws.com" and "aws:s3:arn" in context:
            arn = context["aws:s3:arn"].removeprefix("arn:aws:s3:::")
            key = names.get(record["resources"][0]["ARN"], "AWS")
            text = f"{record['eventName']} {key} {'object' if '/' in arn else 'bucket'}"
            calls.setdefault(arn.split("/")[0], []).append(text)
    return calls


# --- the golden table ---


def told(answer, names):
    """How an answer says the object is sealed."""
    if "SSECustomerAlgorithm" in answer:
        assert answer["SSECustomerKeyMD5"] == md5_of(CUSTOMER_KEY)
        return "SSE-C " + answer["SSECustomerAlgorithm"]
    words = [answer["ServerSideEncryption"]]
    if "SSEKMSKeyId" in answer:
        words.append(names.get(answer["SSEKMSKeyId"], "AWS"))
    if "BucketKeyEnabled" in answer:
        assert answer["BucketKeyEnabled"] is True, "the header is told when it is on only"
        words.append("bucket-key")
    return " ".join(words)


def put(s3, bucket, asked):
    return s3.put_object(Bucket=bucket, Key="k", Body=b"content", **asked)


def copy(s3, bucket, asked):
    return s3.copy_object(Bucket=bucket, Key="k", CopySource="copy-sources/k", **asked)


def multipart(s3, bucket, asked):
    customer = {name: value for name, value in asked.items() if name.startswith("SSECustomer")}
    started = s3.create_multipart_upload(Bucket=bucket, Key="k", **asked)
    upload = {"Bucket": bucket, "Key": "k", "UploadId": started["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"content", **customer)
    kept = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "SSECustomerAlgorithm", "SSECustomerKeyMD5")
    assert {name: part.get(name) for name in kept} == {name: started.get(name) for name in kept}
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    return started


OPERATIONS = {
    "put": (put, "PutObject"),
    "copy": (copy, "CopyObject"),
    "multipart": (multipart, "CreateMultipartUpload"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.serve("--rehearsal")
def test_the_table_of_precedence(server, operation):
    run, event = OPERATIONS[operation]
    s3, kms = server.client("s3"), server.client("kms")
    arns = {name: kms.create_key()["KeyMetadata"]["Arn"] for name in ("DEFAULT", "ASKED")}
    names = {arn: name for name, arn in arns.items()}
    put(s3, make_bucket(server, "copy-sources"), {})
    seen = Seen(server)
    with_arns = lambda asked: {name: arns.get(value, value) for name, value in asked.items()}
    answers = {}
    for row in TABLE["rows"]:
        bucket = make_bucket(server, f"{row['default']}--{row['ask']}")
        if default := TABLE["defaults"][row["default"]]:
            set_default(s3, bucket, **with_arns(default))
        asked = with_arns(TABLE["asks"][row["ask"]]) | (CUSTOMER if row["ask"] == "sse-c" else {})
        answer = run(s3, bucket, asked)
        customer = CUSTOMER if row["ask"] == "sse-c" else {}
        read = s3.get_object(Bucket=bucket, Key="k", **customer)
        assert read["Body"].read() == b"content"
        head = s3.head_object(Bucket=bucket, Key="k", **customer)
        forms = {told(one, names) for one in (answer, read, head)}
        assert len(forms) == 1, f"{bucket}: answers disagree: {forms}"
        answers[bucket] = forms.pop()
        is_md5 = read["ETag"].strip('"') == hashlib.md5(b"content").hexdigest()
        assert operation == "multipart" or is_md5 == (answers[bucket] == "AES256"), bucket
    records = seen.records()
    applied = {
        record["requestParameters"]["bucketName"]: record["additionalEventData"]["SSEApplied"]
        for record in records
        if record["eventName"] == event
    }
    calls = kms_calls(records, names)
    wrong = []
    for row in TABLE["rows"]:
        bucket = f"{row['default']}--{row['ask']}"
        found = (answers[bucket], applied[bucket], calls.get(bucket, []))
        key = row["sealed"].split()[1] if "kms" in row["sealed"] else ""
        asked_of_kms = [call.replace("KEY", key) for call in TABLE["calls"][row["calls"]][operation]]
        expected = (row["sealed"], row["applied"], asked_of_kms)
        if found != expected:
            wrong.append(f"{bucket}: {found}, expected {expected}")
    assert not wrong, "\n".join(wrong)


def test_the_table_is_whole():
    rows = [(row["default"], row["ask"]) for row in TABLE["rows"]]
    assert sorted(rows) == sorted((default, ask) for default in TABLE["defaults"] for ask in TABLE["asks"])


# --- what a bucket says ---


def test_defaults_are_put_shown_and_taken_back(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    fresh = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    assert rule_of(s3, bucket) == fresh
    for algorithm, key, bucket_key in (
        ("aws:kms", "alias/not-looked-at", True),
        ("aws:kms", None, False),
        ("aws:kms:dsse", "11111111-2222-3333-4444-555555555555", False),
        ("AES256", None, True),
    ):
        set_default(s3, bucket, algorithm, key, bucket_key)
        by_default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
        assert rule_of(s3, bucket) == {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": bucket_key}
    for blocked in ("SSE-C", "NONE"):
        set_default(s3, bucket, "aws:kms", bucket_key=True, blocked=blocked)
        assert rule_of(s3, bucket)["BlockedEncryptionTypes"] == {"EncryptionType": [blocked]}
    for _ in range(2):
        s3.delete_bucket_encryption(Bucket=bucket)
        assert rule_of(s3, bucket) == fresh


def test_a_default_that_makes_no_sense_is_refused(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
    with refused("InvalidArgument", text, 400):
        set_default(s3, bucket, "AES256", "k")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    for rules in ([], [rule, rule], [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "SSE-C"}}]):
        with refused("MalformedXML", status=400):
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    with refused("MalformedXML", status=400):
        set_default(s3, bucket, "AES256", blocked="SSE-S3")


def test_the_default_seals_no_old_object_again(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    put(s3, bucket, {})
    set_default(s3, bucket, bucket_key=True)
    assert told(s3.head_object(Bucket=bucket, Key="k"), {}) == "AES256"
    put(s3, bucket, {})
    set_default(s3, bucket, "aws:kms:dsse")
    assert told(s3.head_object(Bucket=bucket, Key="k"), {}) == "aws:kms AWS bucket-key"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"


# --- bucket keys ---


@pytest.mark.serve("--rehearsal")
def test_a_requester_asks_kms_once_in_a_window(server):
    bucket, key = bucket_with_keys(server)
    s3, seen, names = server.client("s3"), Seen(server), {key: "K"}
    rights = [allow("s3:*"), allow("kms:*")]
    ann = server.client("s3", who=server.user("ann", *rights))
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    iam = server.client("iam")
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="role", PolicyName="rights", PolicyDocument=policy(*rights))
    caller = server.user("caller", allow("sts:AssumeRole"))
    sessions = [server.assume(caller, role, name) for name in ("one", "two")]
    scoped = server.assume(caller, role, "scoped", Policy=policy(*rights))
    seen.records()

    def calls(*clients):
        for number, client in enumerate(clients):
            for body in (b"a", b"b" * 100_000):
                client.put_object(Bucket=bucket, Key=f"{number}", Body=body)
                assert client.get_object(Bucket=bucket, Key=f"{number}")["Body"].read() == body
        return kms_calls(seen.records(), names).get(bucket, [])

    once = ["GenerateDataKey K bucket", "Decrypt K bucket"]
    assert calls(s3, s3) == once
    # Each requester asks for himself: a user, a role whatever its session is called, a session with a policy of its own.
    assert calls(s3, ann) == once * 2
    assert calls(*[server.client("s3", who=who) for who in sessions]) == once
    assert calls(*[server.client("s3", who=who) for who in (sessions[0], scoped)]) == once * 2
    # Another context is another bucket key.
    context = {"SSEKMSEncryptionContext": base64.b64encode(b'{"a": "b"}').decode()}
    for number in range(2):
        s3.put_object(Bucket=bucket, Key="c", Body=b"c", ServerSideEncryption="aws:kms", SSEKMSKeyId=key, **context)
        s3.put_object(Bucket=bucket, Key="d", Body=b"d")
    assert kms_calls(seen.records(), names)[bucket] == ["GenerateDataKey K bucket"] * 2


@pytest.mark.serve("--rehearsal")
def test_a_key_that_is_disabled_is_used_until_the_window_ends(server):
    bucket, key = bucket_with_keys(server)
    s3, kms = server.client("s3"), server.client("kms")
    put(s3, bucket, {})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
    kms.disable_key(KeyId=key)
    put(s3, bucket, {})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
    # Who asks for the first time asks KMS.
    other = server.client("s3", who=server.user("other", allow("s3:*"), allow("kms:*")))
    disabled = refused("KMS.DisabledException", f"{key} is disabled.", 400)
    with disabled:
        other.get_object(Bucket=bucket, Key="k")
    server.advance("4m")
    put(s3, bucket, {})
    server.advance("1m")
    with refused("KMS.DisabledException", f"{key} is disabled.", 400):
        put(s3, bucket, {})
    with refused("KMS.DisabledException", f"{key} is disabled.", 400):
        s3.get_object(Bucket=bucket, Key="k")
    kms.enable_key(KeyId=key)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"


@pytest.mark.serve("--rehearsal")
def test_with_bucket_keys_a_key_policy_sees_the_bucket_and_no_object(server):
    def key_with(*statements):
        root = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
        return server.client("kms").create_key(Policy=policy(root, *statements))["KeyMetadata"]["Arn"]

    def deny(arn):
        return {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Resource": "*",
            "Condition": {"StringLike": {"kms:EncryptionContext:aws:s3:arn": arn}},
        }

    s3 = server.client("s3")
    # A deny of the object, which works without bucket keys, no longer meets anything.
    bucket, key = bucket_with_keys(server, "objects", key_with(deny("arn:aws:s3:::objects/*")))
    put(s3, bucket, {})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
    with refused("AccessDenied", re.compile("kms:GenerateDataKey .* with an explicit deny in a resource-based policy"), 403):
        put(s3, bucket, {"BucketKeyEnabled": False})
    # One of the bucket does.
    bucket, key = bucket_with_keys(server, "whole", key_with(deny("arn:aws:s3:::whole")))
    with refused("AccessDenied", re.compile("kms:GenerateDataKey .* with an explicit deny in a resource-based policy"), 403):
        put(s3, bucket, {})
    put(s3, bucket, {"BucketKeyEnabled": False})


def test_who_may_seal_by_a_bucket_key_may_not_open_by_it(server):
    bucket, key = bucket_with_keys(server)
    writer = server.user("writer", allow("s3:*"), allow("kms:GenerateDataKey", key))
    reader = server.user("reader", allow("s3:*"), allow("kms:Decrypt", key))
    for_writer, for_reader = (server.client("s3", who=who) for who in (writer, reader))
    put(for_writer, bucket, {})
    with refused("AccessDenied", deny_text(writer, "kms:Decrypt", key), 403):
        for_writer.get_object(Bucket=bucket, Key="k")
    assert for_reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
    with refused("AccessDenied", deny_text(reader, "kms:GenerateDataKey", key), 403):
        put(for_reader, bucket, {})
    # What one of them asked for in time is nobody else's.
    stranger = server.user("stranger", allow("s3:*"))
    with refused("AccessDenied", deny_text(stranger, "kms:Decrypt", key), 403):
        server.client("s3", who=stranger).get_object(Bucket=bucket, Key="k")


def test_bucket_keyed_objects_open_after_a_restart(server):
    bucket, _ = bucket_with_keys(server)
    for number, size in enumerate((0, 10, 200_000)):
        server.client("s3").put_object(Bucket=bucket, Key=f"{number}", Body=b"x" * size)
    server.restart()
    for number, size in enumerate((0, 10, 200_000)):
        assert server.client("s3").get_object(Bucket=bucket, Key=f"{number}")["Body"].read() == b"x" * size


# --- bucket keys and trails ---


def service_key(server, actions, condition=None):
    root = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    more = {"Condition": condition} if condition else {}
    service = allow(actions, Principal=SERVICE, **more)
    describe = allow("kms:DescribeKey", Principal=SERVICE)
    return server.client("kms").create_key(Policy=policy(root, service, describe))["KeyMetadata"]["Arn"]


@pytest.mark.serve("--rehearsal")
def test_a_trail_into_a_bucket_with_bucket_keys_needs_decrypt_and_a_policy_for_the_bucket(server):
    bucket, _ = bucket_with_keys(server, "trail-logs")
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))
    cloudtrail = server.client("cloudtrail")
    generate, both = "kms:GenerateDataKey*", ["kms:GenerateDataKey*", "kms:Decrypt"]
    of_objects = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/*"}}
    of_bucket = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
    refusals = [
        service_key(server, generate),
        service_key(server, "kms:Decrypt"),
        service_key(server, both, of_objects),
    ]
    for key in refusals:
        with refused("InsufficientEncryptionPolicyException", status=400):
            cloudtrail.create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=key)
    key = service_key(server, both, of_bucket)
    arn = cloudtrail.create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=key)["TrailARN"]
    for wrong in refusals:
        with refused("InsufficientEncryptionPolicyException", status=400):
            cloudtrail.update_trail(Name="audit", KmsKeyId=wrong)
    cloudtrail.start_logging(Name="audit")
    server.advance("30m")
    status = cloudtrail.get_trail_status(Name=arn)
    assert not status.get("LatestDeliveryError"), status
    s3 = server.client("s3")
    logs = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="AWSLogs/")["Contents"]]
    assert len(logs) > 1
    # The trail's own key, by a bucket key because the bucket has them on.
    assert {told(s3.head_object(Bucket=bucket, Key=log), {key: "TRAIL"}) for log in logs} == {"aws:kms TRAIL bucket-key"}
    contexts = {
        json.dumps(json.loads(event["CloudTrailEvent"])["requestParameters"]["encryptionContext"], sort_keys=True)
        for event in cloudtrail.lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]
        )["Events"]
        if json.loads(event["CloudTrailEvent"]).get("errorCode") is None
        and json.loads(event["CloudTrailEvent"])["resources"][0]["ARN"] == key
    }
    assert contexts == {json.dumps({"aws:cloudtrail:arn": arn, "aws:s3:arn": f"arn:aws:s3:::{bucket}"}, sort_keys=True)}


def test_without_bucket_keys_a_trail_needs_no_decrypt(server):
    bucket = make_bucket(server, "trail-logs")
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))
    of_objects = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/*"}}
    key = service_key(server, "kms:GenerateDataKey*", of_objects)
    server.client("cloudtrail").create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=key)


# --- SSE-C ---


def customer(key=CUSTOMER_KEY, **other):
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key, **other}


def test_an_object_of_sse_c_opens_with_its_key_only(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    for size in (0, 10, 200_000):
        body = bytes(range(256)) * (size // 256 + 1)
        answer = s3.put_object(Bucket=bucket, Key="k", Body=body, **customer())
        assert told(answer, {}) == "SSE-C AES256" and answer["ETag"].strip('"') != hashlib.md5(body).hexdigest()
        assert s3.get_object(Bucket=bucket, Key="k", **customer())["Body"].read() == body
        piece = s3.get_object(Bucket=bucket, Key="k", Range="bytes=5-100", **customer())
        assert piece["Body"].read() == body[5:101]
    head = s3.head_object(Bucket=bucket, Key="k", **customer())
    assert head["SSECustomerKeyMD5"] == md5_of(CUSTOMER_KEY)
    text = (
        "The object was stored using a form of Server Side Encryption. "
        "The correct parameters must be provided to retrieve the object."
    )
    with refused("InvalidRequest", text, 400):
        s3.get_object(Bucket=bucket, Key="k")
    with refused("400", status=400):
        s3.head_object(Bucket=bucket, Key="k")
    text = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
    with refused("AccessDenied", text, 403):
        s3.get_object(Bucket=bucket, Key="k", **customer(b"0" * 32))
    with refused("403", status=403):
        s3.head_object(Bucket=bucket, Key="k", **customer(b"0" * 32))
    put(s3, bucket, {})
    for call in (s3.get_object, s3.head_object):
        with refused("InvalidRequest" if call == s3.get_object else "400", status=400):
            call(Bucket=bucket, Key="k", **customer())
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer())
    s3.delete_object(Bucket=bucket, Key="k")


def test_parts_come_with_the_key_that_the_upload_began_with(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    upload = {"Bucket": bucket, "Key": "k"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, **customer())["UploadId"]
    text = (
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
        "encryption parameters."
    )
    with refused("InvalidRequest", text, 400):
        s3.upload_part(**upload, PartNumber=1, Body=b"x")
    text = "The provided encryption parameters did not match the ones used originally."
    with refused("InvalidRequest", text, 400):
        s3.upload_part(**upload, PartNumber=1, Body=b"x", **customer(b"0" * 32))
    bodies = [b"a" * (5 << 20), b"b" * 70_000]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body, **customer())["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k", **customer())["Body"].read() == b"".join(bodies)
    with refused("AccessDenied", status=403):
        s3.get_object(Bucket=bucket, Key="k", **customer(b"0" * 32))
    # A part of an upload without a customer's key takes none.
    upload["UploadId"] = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    with refused("InvalidRequest", status=400):
        s3.upload_part(**upload, PartNumber=1, Body=b"x", **customer())


@pytest.mark.parametrize("asked", [{**KMS, "BucketKeyEnabled": True}, {"ServerSideEncryption": "aws:kms:dsse"}])
def test_objects_of_parts_open_whole_and_in_pieces(server, asked):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    upload = {"Bucket": bucket, "Key": "k"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, **asked)["UploadId"]
    bodies = [bytes([number]) * (5 << 20) for number in (1, 2)] + [b"end" * 30_000]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    server.restart()
    s3, whole = server.client("s3"), b"".join(bodies)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == whole
    for start, end in ((0, 10), ((5 << 20) - 7, (5 << 20) + 70_000), (len(whole) - 3, len(whole))):
        piece = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={start}-{end - 1}")["Body"].read()
        assert piece == whole[start:end]


def copy_customer(key=CUSTOMER_KEY):
    return {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": key}


def test_a_copy_is_sealed_anew(server):
    """What the source was sealed with says nothing of its copy; a customer's key is needed for each side."""
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    other, body = b"k" * 32, b"content" * 20_000
    kinds = {
        "s3": {"ServerSideEncryption": "AES256"},
        "kms": KMS,
        "bucket-key": {**KMS, "BucketKeyEnabled": True},
        "dsse": {"ServerSideEncryption": "aws:kms:dsse"},
        "sse-c": customer(),
    }
    for name, asked in kinds.items():
        s3.put_object(Bucket=bucket, Key=name, Body=body, **asked)
    for name in kinds:
        source = {"CopySource": f"{bucket}/{name}"} | (copy_customer() if name == "sse-c" else {})
        s3.copy_object(Bucket=bucket, Key="copy", **source)
        assert told(s3.head_object(Bucket=bucket, Key="copy"), {}) == "AES256"
        for to, asked in {**kinds, "sse-c": customer(other)}.items():
            s3.copy_object(Bucket=bucket, Key="copy", **source, **asked)
            read = s3.get_object(Bucket=bucket, Key="copy", **(customer(other) if to == "sse-c" else {}))
            assert read["Body"].read() == body, (name, to)
    with refused("AccessDenied", status=403):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/sse-c", **copy_customer(other))
    with refused("InvalidRequest", status=400):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/sse-c")
    with refused("InvalidRequest", status=400):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/s3", **copy_customer())
    # An object may be copied onto itself to be sealed anew.
    s3.copy_object(Bucket=bucket, Key="s3", CopySource=f"{bucket}/s3", **kinds["dsse"])
    assert told(s3.head_object(Bucket=bucket, Key="s3"), {}) == "aws:kms:dsse AWS"
    # A bucket that blocks customers' keys blocks them for copies and uploads too, and still reads them.
    set_default(s3, bucket, "AES256", blocked="SSE-C")
    blocked = re.compile("because this bucket has blocked upload requests")
    with refused("AccessDenied", blocked, 403):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/s3", **customer())
    with refused("AccessDenied", blocked, 403):
        s3.create_multipart_upload(Bucket=bucket, Key="copy", **customer())
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/sse-c", **copy_customer())
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body


def test_a_copy_needs_the_right_to_open_and_the_right_to_seal(server):
    bucket, key = bucket_with_keys(server)
    source, key_of_source = bucket_with_keys(server, "source")
    put(server.client("s3"), source, {})
    opener = server.user("opener", allow("s3:*"), allow("kms:Decrypt", key_of_source), allow("kms:Decrypt", key))
    sealer = server.user("sealer", allow("s3:*"), allow("kms:GenerateDataKey", key))
    both = server.user("both", allow("s3:*"), allow("kms:GenerateDataKey", key), allow("kms:Decrypt", key_of_source))
    arguments = {"Bucket": bucket, "Key": "k", "CopySource": f"{source}/k"}
    with refused("AccessDenied", deny_text(opener, "kms:GenerateDataKey", key), 403):
        server.client("s3", who=opener).copy_object(**arguments)
    with refused("AccessDenied", deny_text(sealer, "kms:Decrypt", key_of_source), 403):
        server.client("s3", who=sealer).copy_object(**arguments)
    for _ in range(2):
        answer = server.client("s3", who=both).copy_object(**arguments)
        assert told(answer, {key: "K"}) == "aws:kms K bucket-key"


ALGORITHM = "x-amz-server-side-encryption-customer-algorithm"
KEY = "x-amz-server-side-encryption-customer-key"
MD5 = "x-amz-server-side-encryption-customer-key-MD5"
SSE = "x-amz-server-side-encryption"
SPECIFYING = "Requests specifying Server Side Encryption with Customer provided keys must provide "
ENCODED = base64.b64encode(CUSTOMER_KEY).decode()


@pytest.mark.parametrize(
    "headers, code, text",
    [
        (
            {KEY: ENCODED, MD5: md5_of(CUSTOMER_KEY)},
            "InvalidArgument",
            SPECIFYING + "a valid encryption algorithm.",
        ),
        (
            {ALGORITHM: "AES256", MD5: md5_of(CUSTOMER_KEY)},
            "InvalidArgument",
            SPECIFYING + "an appropriate secret key.",
        ),
        (
            {ALGORITHM: "AES256", KEY: ENCODED},
            "InvalidArgument",
            SPECIFYING + "the client calculated MD5 of the secret key.",
        ),
        (
            {ALGORITHM: "AES256", KEY: ENCODED, MD5: md5_of(b"another")},
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.",
        ),
        (
            {ALGORITHM: "AES256", KEY: base64.b64encode(b"short").decode(), MD5: md5_of(b"short")},
            "InvalidArgument",
            "The secret key was invalid for the specified algorithm.",
        ),
        (
            {ALGORITHM: "AES128", KEY: ENCODED, MD5: md5_of(CUSTOMER_KEY)},
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
        ),
        (
            {SSE: "AES256", ALGORITHM: "AES256", KEY: ENCODED, MD5: md5_of(CUSTOMER_KEY)},
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ),
        (
            {SSE: "rot13"},
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
        ),
    ],
)
def test_headers_that_do_not_fit_are_refused(server, headers, code, text):
    make_bucket(server, "bucket")
    answer = server.call("s3", "PUT", "/bucket/k", headers, b"x")
    assert (answer.status, answer.code) == (400, code)
    told = answer.body.decode()
    assert f"<Message>{text}</Message>" in told
    # S3 names this header whichever is wrong.
    assert f"<ArgumentName>{SSE}</ArgumentName>" in told
    assert ENCODED not in told
    # Nothing was stored.
    with refused("NoSuchKey", status=404):
        server.client("s3").get_object(Bucket="bucket", Key="k")


def test_reads_take_no_encryption_header_of_sse_s3_and_kms(server):
    make_bucket(server, "bucket")
    put(server.client("s3"), "bucket", {})
    answer = server.call("s3", "GET", "/bucket/k", {SSE: "AES256"})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.serve("--rehearsal")
def test_a_customers_key_is_nowhere(server):
    seen, s3, bucket = Seen(server), server.client("s3"), make_bucket(server, "bucket")
    key = bytes(range(100, 132))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer(key))
    s3.get_object(Bucket=bucket, Key="k", **customer(key))
    with refused("AccessDenied", status=403):
        s3.get_object(Bucket=bucket, Key="k", **customer(CUSTOMER_KEY))
    records = [one for one in seen.records() if (one.get("requestParameters") or {}).get("bucketName") == bucket]
    by_name = {record["eventName"]: record for record in records}
    assert by_name["PutObject"]["requestParameters"][ALGORITHM] == "AES256"
    assert by_name["PutObject"]["additionalEventData"]["SSEApplied"] == "SSE_C"
    assert by_name["GetObject"]["requestParameters"][ALGORITHM] == "AES256"
    forms = [key, base64.b64encode(key), key.hex().encode()]
    assert not any(form in json.dumps(records).encode() for form in forms)
    server.stop()
    for path in [server.log, *server.data_dir.rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            assert not any(form in content for form in forms), path
    server.start()


def test_a_policy_can_refuse_customers_keys(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    condition = {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}
    deny_put(server, bucket, condition)
    with refused("AccessDenied", status=403):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer())
    put(s3, bucket, {})


def test_a_bucket_can_block_customers_keys(server):
    user = server.user("user", allow("s3:*"))
    s3, bucket = server.client("s3", who=user), make_bucket(server, "bucket")
    s3.put_object(Bucket=bucket, Key="old", Body=b"old", **customer())
    set_default(server.client("s3"), bucket, "AES256", blocked="SSE-C")
    text = (
        f'User: {user.arn} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{bucket}/k" because this '
        "bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). "
        "Please specify a different server-side encryption type"
    )
    with refused("AccessDenied", text, 403):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer())
    put(s3, bucket, {})
    assert s3.get_object(Bucket=bucket, Key="old", **customer())["Body"].read() == b"old"
    set_default(server.client("s3"), bucket, "AES256", blocked="NONE")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer())


# --- DSSE-KMS ---


def test_two_layers_open_whole_and_in_parts(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    asked = {"ServerSideEncryption": "aws:kms:dsse"}
    for size in (0, 1, 32_768, 65_536, 65_537, 1_000_003):
        body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        s3.put_object(Bucket=bucket, Key=f"{size}", Body=body, **asked)
        assert s3.get_object(Bucket=bucket, Key=f"{size}")["Body"].read() == body
        if size > 65_536:
            for start, end in ((0, 1), (65_530, 65_536), (size - 1, size)):
                piece = s3.get_object(Bucket=bucket, Key=f"{size}", Range=f"bytes={start}-{end - 1}")
                assert piece["Body"].read() == body[start:end]
    server.restart()
    assert len(server.client("s3").get_object(Bucket=bucket, Key="1000003")["Body"].read()) == 1_000_003


# --- policies on headers ---


def deny_put(server, bucket, condition):
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": condition,
    }
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(deny))


SSE_KEY = "s3:x-amz-server-side-encryption"
KMS_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"


@pytest.mark.parametrize(
    "condition, allowed",
    [
        # Without the header the condition key is absent, even though the bucket's default seals by KMS.
        ({"Null": {SSE_KEY: "true"}}, {"aes", "kms", "kms-key", "dsse"}),
        ({"StringNotEquals": {SSE_KEY: "aws:kms"}}, {"kms", "kms-key"}),
        ({"StringNotEqualsIfExists": {SSE_KEY: "aws:kms"}}, {"kms", "kms-key"}),
        (
            {"StringNotEquals": {SSE_KEY: "aws:kms"}, "Null": {SSE_KEY: "false"}},
            {"nothing", "kms", "kms-key", "sse-c"},
        ),
        ({"StringNotEquals": {SSE_KEY: ["aws:kms", "aws:kms:dsse"]}}, {"kms", "kms-key", "dsse"}),
        ({"StringEquals": {SSE_KEY: "AES256"}}, {"nothing", "kms", "kms-key", "dsse", "sse-c"}),
        # The key as it was sent, not what it resolves to.
        ({"StringNotEquals": {KMS_KEY: "alias/asked"}}, {"kms-key"}),
        (
            {"StringEquals": {KMS_KEY: "alias/asked"}},
            {"nothing", "aes", "kms", "dsse", "sse-c"},
        ),
        ({"Null": {KMS_KEY: "true"}}, {"kms-key"}),
        ({"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}, {"nothing", "aes", "kms", "kms-key", "dsse"}),
        ({"StringNotEquals": {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}}, {"sse-c"}),
    ],
)
def test_policies_see_the_headers_and_not_the_default(server, condition, allowed):
    kms = server.client("kms")
    kms.create_alias(AliasName="alias/asked", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    asks = {
        "nothing": {},
        "aes": {"ServerSideEncryption": "AES256"},
        "kms": KMS,
        "kms-key": {**KMS, "SSEKMSKeyId": "alias/asked"},
        "dsse": {"ServerSideEncryption": "aws:kms:dsse"},
        "sse-c": customer(),
    }
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    set_default(s3, bucket)
    deny_put(server, bucket, condition)
    found = set()
    for name, asked in asks.items():
        answer = None
        try:
            answer = put(s3, bucket, asked)
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
        found |= {name} if answer else set()
    assert found == allowed


@pytest.mark.serve("--rehearsal")
@pytest.mark.parametrize(
    "with_key, condition, code",
    [
        # A trail without a key sends AES256, its digests too; one with a key sends it with its log files.
        (False, {"StringNotEquals": {SSE_KEY: "aws:kms"}}, "AccessDenied"),
        (False, {"Null": {SSE_KEY: "true"}}, None),
        (True, {"StringNotEquals": {SSE_KEY: "aws:kms"}}, None),
        (True, {"StringEquals": {SSE_KEY: "aws:kms"}}, "AccessDenied"),
        (True, {"StringNotEquals": {KMS_KEY: "another"}}, "AccessDenied"),
        (True, {"Bool": {"aws:SecureTransport": "false"}}, None),
    ],
)
def test_deny_policies_meet_deliveries_too(server, with_key, condition, code):
    trail = make_trail(server, with_key=with_key)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{trail.bucket}/*",
        "Condition": condition,
    }
    statements = json.loads(bucket_policy(trail.bucket))["Statement"]
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=policy(*statements, deny))
    server.advance("70m")
    status = trail.status()
    assert status.get("LatestDeliveryError") == code, status
    is_kms_only = condition == {"StringNotEquals": {SSE_KEY: "aws:kms"}}
    # Digest files are SSE-S3 whatever the trail's key is.
    digests = "AccessDenied" if is_kms_only or (code and KMS_KEY in str(condition)) else None
    assert status.get("LatestDigestDeliveryError") == digests, status


# --- keys in every state ---


def states(server):
    """A key in each state, by name, with what S3 tells of it."""
    kms = server.client("kms")
    keys = {name: kms.create_key()["KeyMetadata"]["Arn"] for name in ("disabled", "pending", "no-right")}
    kms.disable_key(KeyId=keys["disabled"])
    kms.schedule_key_deletion(KeyId=keys["pending"], PendingWindowInDays=7)
    gone = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    away = server.client("kms", "eu-west-1").create_key()["KeyMetadata"]["Arn"]
    rsa = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    hmac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    return [
        (keys["disabled"], "KMS.DisabledException", f"{keys['disabled']} is disabled."),
        (keys["pending"], "KMS.KMSInvalidStateException", f"{keys['pending']} is pending deletion."),
        (gone, "KMS.NotFoundException", f"Key '{gone}' does not exist"),
        ("nonsense", "KMS.NotFoundException", "Invalid keyId 'nonsense'"),
        (away, "KMS.NotFoundException", "Invalid arn eu-west-1"),
        (rsa, "KMS.InvalidKeyUsageException", None),
        (hmac, "KMS.InvalidKeyUsageException", None),
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", ["request", "default", "bucket key", "dsse"])
def test_a_key_that_cannot_seal_refuses_writes(server, kind, operation):
    s3, run = server.client("s3"), OPERATIONS[operation][0]
    put(s3, make_bucket(server, "copy-sources"), {})
    for number, (key, code, text) in enumerate(states(server)):
        bucket = make_bucket(server, f"bucket-{number}")
        asked = {}
        match kind:
            case "request":
                asked = {**KMS, "SSEKMSKeyId": key}
            case "dsse":
                asked = {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": key}
            case _:
                set_default(s3, bucket, key=key, bucket_key=kind == "bucket key")
        with refused(code, text, 400):
            run(s3, bucket, asked)
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
        assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize("kind", ["aws:kms", "bucket key", "aws:kms:dsse"])
@pytest.mark.serve("--rehearsal")
def test_a_key_that_cannot_open_refuses_reads_until_it_can(server, kind):
    s3, kms = server.client("s3"), server.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    bucket = make_bucket(server, "bucket")
    asked = {"SSEKMSKeyId": key, "ServerSideEncryption": "aws:kms" if kind == "bucket key" else kind}
    put(s3, bucket, asked | ({"BucketKeyEnabled": True} if kind == "bucket key" else {}))

    def read():
        server.advance("5m")
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"

    read()
    kms.disable_key(KeyId=key)
    with refused("KMS.DisabledException", f"{key} is disabled.", 400):
        read()
    # What opens nothing asks no key.
    assert s3.head_object(Bucket=bucket, Key="k")["SSEKMSKeyId"] == key
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMS.KMSInvalidStateException", f"{key} is pending deletion.", 400):
        read()
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    read()
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    server.advance("8d")
    text = (
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are "
        "not allowed to access."
    )
    with refused("AccessDenied", text, 403):
        read()
    assert s3.head_object(Bucket=bucket, Key="k")["SSEKMSKeyId"] == key
    s3.delete_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("kind", ["aws:kms", "bucket key", "aws:kms:dsse"])
def test_no_right_in_any_of_the_policies(server, kind):
    """No right of its own, a deny in the key policy, a key policy that leaves nothing to IAM."""
    kms, root = server.client("kms"), f"arn:aws:iam::{ACCOUNT}:root"
    bucket = make_bucket(server, "bucket")
    if kind == "bucket key":
        set_default(server.client("s3"), bucket, bucket_key=True)
    plain, open_ = server.user("plain", allow("s3:*")), server.user("open", allow("s3:*"), allow("kms:*"))
    delegating = kms.create_key()["KeyMetadata"]["Arn"]
    deny = {"Effect": "Deny", "Principal": {"AWS": open_.arn}, "Action": "kms:*", "Resource": "*"}
    denying = kms.create_key(Policy=policy(allow("kms:*", Principal={"AWS": root}), deny))["KeyMetadata"]["Arn"]
    silent_policy = policy(allow("kms:*", Principal={"AWS": server.user("keeper").arn}))
    silent = kms.create_key(Policy=silent_policy, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    start = "User: {} is not authorized to perform: kms:{} on resource: {} "
    for who, key, end in (
        (plain, delegating, "because no identity-based policy allows the kms:{} action"),
        (open_, denying, "with an explicit deny in a resource-based policy"),
        (open_, silent, "because no resource-based policy allows the kms:{} action"),
    ):
        asked = {"ServerSideEncryption": "aws:kms" if kind == "bucket key" else kind, "SSEKMSKeyId": key}
        s3 = server.client("s3", who=who)
        with refused("AccessDenied", (start + end).format(who.arn, "GenerateDataKey", key, "GenerateDataKey"), 403):
            put(s3, bucket, asked)
        if key != silent:
            put(server.client("s3"), bucket, asked)
            with refused("AccessDenied", (start + end).format(who.arn, "Decrypt", key, "Decrypt"), 403):
                s3.get_object(Bucket=bucket, Key="k")
            assert s3.head_object(Bucket=bucket, Key="k")["SSEKMSKeyId"] == key


def test_nobody_unsigned_seals_or_opens_by_kms(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    put(s3, bucket, {})
    for key, asked in (("kms", KMS), ("bucket-key", {**KMS, "BucketKeyEnabled": True}), ("dsse", {"ServerSideEncryption": "aws:kms:dsse"})):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x", **asked)
    local = {"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}
    everything = allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*", Principal="*", Condition=local)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(everything))
    anyone = server.client("s3", who=ANONYMOUS)
    text = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
    for key in ("kms", "bucket-key", "dsse"):
        with refused("InvalidArgument", text, 400):
            anyone.get_object(Bucket=bucket, Key=key)
    with refused("InvalidArgument", text, 400):
        put(anyone, bucket, KMS)
    assert anyone.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"


# --- aws/s3 ---


def test_the_managed_key_is_made_on_first_use_and_serves_its_account_through_s3(server):
    s3, kms = server.client("s3"), server.client("kms")
    aliases = lambda: [one["AliasName"] for one in kms.list_aliases()["Aliases"] if "TargetKeyId" in one]
    assert "alias/aws/s3" not in aliases()
    bucket = make_bucket(server, "bucket")
    key = put(s3, bucket, KMS)["SSEKMSKeyId"]
    assert "alias/aws/s3" in aliases()
    described = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (described["Arn"], described["KeyManager"]) == (key, "AWS")
    # A user of the account without any right of KMS's own, through S3.
    user = server.user("user", allow("s3:*"))
    theirs = server.client("s3", who=user)
    for asked in ({**KMS}, {**KMS, "BucketKeyEnabled": True}, {"ServerSideEncryption": "aws:kms:dsse"}):
        assert put(theirs, bucket, asked)["SSEKMSKeyId"] == key
        assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
    # Not directly, and not from another account.
    everything = server.user("everything", allow("*"))
    with refused("AccessDeniedException", status=400):
        server.client("kms", who=everything).generate_data_key(KeyId=key, KeySpec="AES_256")
    other = server.account("111111111111")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow("s3:*", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": other.arn})))
    with refused("AccessDenied", re.compile("kms:Decrypt"), 403):
        server.client("s3", who=other).get_object(Bucket=bucket, Key="k")
    # A header without a key means the caller's own managed key; the bucket's default its owner's.
    own = put(server.client("s3", who=other), bucket, KMS)["SSEKMSKeyId"]
    assert own.split(":")[4] == "111111111111"
    set_default(s3, bucket)
    with refused("AccessDenied", re.compile("kms:GenerateDataKey"), 403):
        put(server.client("s3", who=other), bucket, {})


# --- who could read it ---


def access(server, object_):
    """`shoseki access`, and who of all it says may read and who may write."""
    told = server.run("access", "--object", object_, "--json", "--data-dir", str(server.data_dir)).stdout
    answer = json.loads(told)
    rights = {
        one["Name"].rsplit("/", 1)[-1]: {cell["Right"] for cell in one["Access"] if cell["Allowed"]}
        for one in answer["Principals"]
    }
    return answer, rights


@pytest.mark.parametrize("kind", ["aws:kms", "bucket key", "aws:kms:dsse"])
def test_access_is_what_calls_meet(server, kind):
    """Who may open by the bucket's context, by the object's, and what each of them meets."""
    s3 = server.client("s3")
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    bucket = make_bucket(server, "data")
    algorithm = "aws:kms" if kind == "bucket key" else kind
    set_default(s3, bucket, algorithm, key, bucket_key=kind == "bucket key")
    put(s3, bucket, {})
    for name, arn in (("by-bucket", f"arn:aws:s3:::{bucket}"), ("by-object", f"arn:aws:s3:::{bucket}/k")):
        condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": arn}}
        user = server.user(name, allow("s3:*"), allow(["kms:Decrypt", "kms:GenerateDataKey"], key, Condition=condition))
        answer, rights = access(server, f"s3://{bucket}/k")
        may = (name == "by-bucket") == (kind == "bucket key")
        assert answer["Target"]["KeyArn"] == key
        assert any("bucket keys" in note for note in answer["Target"].get("Notes", [])) == (kind == "bucket key")
        assert ("ReadAndDecrypt" in rights[name], "OnlyRead" in rights[name], "Deliver" in rights[name]) == (may, not may, may)
        theirs = server.client("s3", who=user)
        for call, arguments in ((theirs.get_object, {}), (theirs.put_object, {"Body": b"content"})):
            if may:
                call(Bucket=bucket, Key="k", **arguments)
            else:
                with refused("AccessDenied", re.compile("kms:"), 403):
                    call(Bucket=bucket, Key="k", **arguments)


def test_access_says_that_a_customers_key_is_needed(server):
    s3, bucket = server.client("s3"), make_bucket(server, "data")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer())
    answer, rights = access(server, f"s3://{bucket}/k")
    assert any("SSE-C" in note for note in answer["Target"].get("Notes", [])), answer
    assert "KeyArn" not in answer["Target"]


@pytest.mark.serve("--rehearsal")
def test_access_to_a_trail_in_a_bucket_with_bucket_keys(server):
    bucket, _ = bucket_with_keys(server, "trail-logs")
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))
    of_bucket = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
    key = service_key(server, ["kms:GenerateDataKey*", "kms:Decrypt"], of_bucket)
    server.client("cloudtrail").create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=key)
    told = json.loads(server.run("access", "--trail", "audit", "--json", "--data-dir", str(server.data_dir)).stdout)
    services = {one["Name"]: one for one in told["Principals"] if "cloudtrail" in one["Name"]}
    assert services and all(
        {cell["Right"]: cell["Allowed"] for cell in one["Access"]}["Deliver"] for one in services.values()
    ), services


# --- without TLS ---


@pytest.mark.serve("--tls", "off")
def test_without_tls_a_customers_key_is_taken_from_this_machine_only(server):
    """AWS takes none in clear. `--tls off` is for the loopback, and from there nobody else has seen the key."""
    assert server.endpoint.startswith("http:")
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer())
    assert s3.get_object(Bucket=bucket, Key="k", **customer())["Body"].read() == b"x"
