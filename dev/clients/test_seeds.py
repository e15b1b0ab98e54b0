"""What the source documents show, done with their own commands and policies."""

import json
import pathlib

import pytest
from harness import ACCOUNT, SEVENTEEN_REGIONS, allow, make_bucket, make_trail, refused

SEEDS = pathlib.Path(__file__).parent / "seeds"


def seed(name):
    return (SEEDS / name).read_text()


# --- seed 003: the roll-back article ---


def test_the_rollback_article_prints_17_regions_enabled_then_disabled(server):
    """The article's shell commands as they are, by bash and the aws CLI; only the account in the bucket's name differs."""
    tokyo, bucket = "ap-northeast-1", "cm-members-cloudtrail-123456789012"
    trail = make_trail(server, "Members", home=tokyo, bucket=bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": trail.key_arn}
    trail.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )

    def run(script):
        return server.bash(script, region=tokyo).stdout

    assert run(seed("003-check-trails.sh")) == "".join(f"{region}: 有効\n" for region in SEVENTEEN_REGIONS)
    update = json.loads(run(f'aws cloudtrail update-trail --name Members --kms-key-id "" --region {tokyo}'))
    assert "KmsKeyId" not in update
    assert update["TrailARN"] == trail.arn
    assert run(seed("003-check-trails.sh")) == "".join(f"{region}: 無効\n" for region in SEVENTEEN_REGIONS)

    names = "aws cloudtrail describe-trails --trail-name-list Members --query 'trailList[].S3BucketName' --output text"
    assert run(names) == f"{bucket}\n"
    assert run(seed("003-check-bucket.sh")) == "SSE-KMS is enabled\n"
    assert run(seed("003-reset-bucket.sh")) == ""
    assert run(seed("003-check-bucket.sh")) == "SSE-S3 is enabled\n"


# --- seed 002: which key seals what ---


@pytest.mark.parametrize("behavior", ["seeds", "current"])
@pytest.mark.parametrize("with_key", [True, False], ids=["trail with key 2", "trail without key"])
def test_log_digest_and_plain_put_are_sealed_as_the_table_says(serve, with_key, behavior):
    """Bucket default key 1; the trail's own choice beats it, and a digest is SSE-S3, or today as its trail's log files.

    Read with head-object.
    """
    server = serve("--rehearsal", "--aws-behavior", behavior)
    trail = make_trail(server, with_key=with_key)
    key_1 = trail.kms.create_key(Description="key 1")["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_1}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": False}]}
    trail.s3.put_bucket_encryption(Bucket=trail.bucket, ServerSideEncryptionConfiguration=rules)
    trail.s3.put_object(Bucket=trail.bucket, Key="plain.txt", Body=b"by someone else")
    server.advance("2h")

    def sealed(key):
        head = json.loads(server.aws("s3api", "head-object", "--bucket", trail.bucket, "--key", key).stdout)
        return head["ServerSideEncryption"], head.get("SSEKMSKeyId")

    logs, digests = trail.keys(), trail.digests()
    assert logs and digests
    of_logs = ("aws:kms", trail.key_arn) if with_key else ("AES256", None)
    of_digests = of_logs if behavior == "current" else ("AES256", None)
    for files, expected in ((logs, of_logs), (digests, of_digests)):
        assert sealed(files[0]) == sealed(files[-1]) == expected
        for key in files:
            assert trail.s3.head_object(Bucket=trail.bucket, Key=key)["ServerSideEncryption"] == expected[0], key
    assert sealed("plain.txt") == ("aws:kms", key_1)
    found = trail.s3.get_bucket_encryption(Bucket=trail.bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"] == default


@pytest.mark.serve("--rehearsal")
def test_an_object_level_trail_logs_only_the_chosen_objects(server):
    """ObjectLevelLogging of the console: AWS::S3::Object with a bucket path, management events off."""
    trail = make_trail(server)
    for bucket in ("important", "other"):
        make_bucket(server, bucket)
    selector = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": False,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::important/"]}],
    }
    server.advance("10m")
    before = len(trail.records())
    trail.cloudtrail.put_event_selectors(TrailName=trail.name, EventSelectors=[selector])
    server.advance("10m")
    settled = set(trail.keys())
    for bucket in ("important", "other"):
        trail.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
        trail.s3.get_object(Bucket=bucket, Key="a")
    trail.kms.list_aliases()
    server.advance("10m")
    assert before
    new = [record for key in trail.keys() if key not in settled for record in trail.read(key)["Records"]]
    seen = [(record["eventName"], record["requestParameters"]["bucketName"]) for record in new]
    assert sorted(seen) == [("GetObject", "important"), ("PutObject", "important")]
    assert {record["eventCategory"] for record in new} == {"Data"}
    assert all(record["managementEvent"] is False for record in new)


# --- seed 000: the two policies that the console writes ---

TOKYO = "ap-northeast-1"
BUCKET = "cloudtrail-logs-all"
ENCRYPT, DESCRIBE = "Allow CloudTrail to encrypt logs", "Allow CloudTrail to describe key"
ACL_CHECK, WRITE = "AWSCloudTrailAclCheck20150319", "AWSCloudTrailWrite20150319"


def without(text, *sids):
    document = json.loads(text)
    document["Statement"] = [statement for statement in document["Statement"] if statement["Sid"] not in sids]
    return json.dumps(document)


class Console:
    """What the console makes: the user who is named in the key policy, the key, the bucket."""

    def __init__(self, server, key_without=(), bucket_without=()):
        server.client("iam").create_user(UserName="user_name")
        self.cloudtrail = server.client("cloudtrail", TOKYO)
        self.kms, self.s3 = server.client("kms", TOKYO), server.client("s3", TOKYO)
        text = seed("000-key-policy.json")
        text = without(text, *key_without) if key_without else text
        self.key = self.kms.create_key(Policy=text)["KeyMetadata"]
        make_bucket(server, BUCKET, TOKYO)
        text = seed("000-bucket-policy.json")
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=without(text, *bucket_without) if bucket_without else text)

    def create(self, **more):
        return self.cloudtrail.create_trail(Name="all-logs", S3BucketName=BUCKET, IsMultiRegionTrail=True, **more)


@pytest.mark.serve("--rehearsal")
def test_the_consoles_policies_as_they_are_let_a_trail_be_created_and_deliver(server):
    console = Console(server)
    for form in ("KeyId", "Arn"):
        made = console.create(KmsKeyId=console.key[form])
        assert made["KmsKeyId"] == console.key["Arn"]
        console.cloudtrail.delete_trail(Name="all-logs")
    console.create(KmsKeyId=console.key["Arn"])
    console.cloudtrail.start_logging(Name="all-logs")
    server.advance("10m")
    listed = console.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/")
    assert listed["KeyCount"] > 0
    head = console.s3.head_object(Bucket=BUCKET, Key=listed["Contents"][0]["Key"])
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", console.key["Arn"])
    assert json.loads(console.kms.get_key_policy(KeyId=console.key["KeyId"])["Policy"]) == json.loads(
        seed("000-key-policy.json")
    )
    assert json.loads(console.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == json.loads(
        seed("000-bucket-policy.json")
    )


BUCKET_REFUSED = "InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {BUCKET}"
KEY_REFUSED = "InsufficientEncryptionPolicyException", f"Insufficient permissions to access S3 bucket {BUCKET} or KMS key "


@pytest.mark.parametrize(
    "key_without, bucket_without, with_key, expected",
    [
        ([ENCRYPT], [], True, KEY_REFUSED),
        ([DESCRIBE], [], True, KEY_REFUSED),
        ([], [WRITE], True, KEY_REFUSED),
        ([], [ACL_CHECK], True, BUCKET_REFUSED),
        ([], [ACL_CHECK], False, BUCKET_REFUSED),
        ([], [WRITE], False, BUCKET_REFUSED),
    ],
    ids=["no encrypt", "no describe", "no write, key", "no acl check, key", "no acl check", "no write"],
)
def test_each_needed_statement_that_is_missing_refuses_the_trail(server, key_without, bucket_without, with_key, expected):
    console = Console(server, key_without, bucket_without)
    code, text = expected
    text += f"{console.key['Arn']}." if expected is KEY_REFUSED else ""
    with refused(code, text, 400):
        console.create(**({"KmsKeyId": console.key["Arn"]} if with_key else {}))
    assert console.cloudtrail.describe_trails()["trailList"] == []

    # The same check is made on every update: the trail is made under whole policies, which then lose the statement.
    console.s3.put_bucket_policy(Bucket=BUCKET, Policy=seed("000-bucket-policy.json"))
    console.kms.put_key_policy(KeyId=console.key["KeyId"], Policy=seed("000-key-policy.json"))
    console.create()
    if bucket_without:
        console.s3.put_bucket_policy(
            Bucket=BUCKET, Policy=without(seed("000-bucket-policy.json"), *bucket_without)
        )
    if key_without:
        console.kms.put_key_policy(
            KeyId=console.key["KeyId"], Policy=without(seed("000-key-policy.json"), *key_without)
        )
    with refused(code, text, 400):
        change = {"KmsKeyId": console.key["Arn"]} if with_key else {"EnableLogFileValidation": True}
        console.cloudtrail.update_trail(Name="all-logs", **change)
    found = console.cloudtrail.get_trail(Name="all-logs")["Trail"]
    assert "KmsKeyId" not in found and found["LogFileValidationEnabled"] is False


def test_a_bucket_policy_without_any_statement_for_the_service_refuses_the_trail(server):
    make_bucket(server, "bare-bucket")
    text = "Incorrect S3 bucket policy is detected for bucket: bare-bucket"
    with refused("InsufficientS3BucketPolicyException", text, 400):
        server.client("cloudtrail").create_trail(Name="all-logs", S3BucketName="bare-bucket")


def test_a_key_policy_that_names_a_user_who_does_not_exist_is_refused(server):
    """The console's policy names `user_name`; before that user is made, no key can carry it."""
    kms = server.client("kms", TOKYO)
    code = "MalformedPolicyDocumentException"
    text = "Policy contains a statement with one or more invalid principals."
    with refused(code, text, 400):
        kms.create_key(Policy=seed("000-key-policy.json"))
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with refused(code, text, 400):
        kms.put_key_policy(KeyId=key, Policy=seed("000-key-policy.json"))
    server.client("iam").create_user(UserName="user_name")
    kms.put_key_policy(KeyId=key, Policy=seed("000-key-policy.json"))


def test_statements_that_the_trail_does_not_need_may_be_missing(server):
    console = Console(
        server,
        key_without=[
            "Allow principals in the account to decrypt log files",
            "Allow alias creation during setup",
            "Enable cross account log decryption",
        ],
    )
    assert console.create(KmsKeyId=console.key["Arn"])["KmsKeyId"] == console.key["Arn"]


# --- seed 001: who can open a log file ---


@pytest.mark.serve("--rehearsal")
def test_the_consoles_key_policy_lets_any_reader_of_the_account_open_log_files_and_nothing_else(server):
    """Statement 4 allows Decrypt to the account's principals for CloudTrail's context only; no IAM right is needed."""
    console = Console(server)
    console.create(KmsKeyId=console.key["Arn"])
    console.cloudtrail.start_logging(Name="all-logs")
    reader = server.user("reader", allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*"))
    console.s3.put_object(
        Bucket=BUCKET, Key="private", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=console.key["Arn"]
    )
    server.advance("10m")
    log = console.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/")["Contents"][0]["Key"]
    as_reader = server.client("s3", TOKYO, reader)
    assert as_reader.get_object(Bucket=BUCKET, Key=log)["Body"].read()[:2] == b"\x1f\x8b"
    with refused("AccessDenied", status=403):
        as_reader.get_object(Bucket=BUCKET, Key="private")


@pytest.mark.serve("--rehearsal")
def test_one_key_serves_the_log_files_of_all_regions(server):
    trail = make_trail(server)
    for region in ("eu-west-1", "sa-east-1"):
        server.client("kms", region).create_key()
    server.advance("10m")
    for region in ("us-east-1", "eu-west-1", "sa-east-1"):
        keys = trail.keys(region=region)
        assert keys, region
        head = trail.s3.head_object(Bucket=trail.bucket, Key=keys[0])
        assert head["SSEKMSKeyId"] == trail.key_arn
