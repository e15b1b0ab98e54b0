"""`shoseki plan`: what would break, said before it does."""

import json
import socket
import subprocess

import boto3
import pytest
from harness import ACCOUNT, BINARY, CLEAN, PROGRAMS, SERVICE, allow, bucket_policy, key_policy, make_trail, policy, poll
from screens import screen

pytestmark = pytest.mark.serve("--rehearsal", "--delivery-interval", "10m")
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def run(server, *arguments, who=None, check=None):
    """The command's finished process, called as `who`."""
    saved, server.environment = server.environment, server.cli_environment(who=who)
    try:
        done = server.run("plan", *arguments, check=False)
    finally:
        server.environment = saved
    assert check is None or done.returncode == check, f"{done.returncode}: {done.stdout}{done.stderr}"
    return done


def plan(server, *arguments, who=None):
    done = run(server, "--regions", "us-east-1", *arguments, "--output", "json", who=who)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    planned = json.loads(done.stdout)
    assert planned["breaks"] == (done.returncode == 3)
    return planned


def file(server, name, text):
    path = server.folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


@pytest.fixture
def trail(server):
    trail = make_trail(server, IsMultiRegionTrail=False)
    trail.kms.create_alias(AliasName="alias/trail", TargetKeyId=trail.key_arn)
    server.advance("10m")
    return trail


def test_the_deletion_of_a_key_counts_what_it_would_close(server, trail):
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": trail.key_arn}
    trail.s3.put_object(Bucket=trail.bucket, Key="reports/one", Body=b"12345", **sealed)
    trail.s3.put_object(Bucket=trail.bucket, Key="reports/two", Body=b"1", ServerSideEncryption="AES256")
    server.advance("1h")
    logs, digests = trail.keys(), trail.digests()
    assert logs and digests
    planned = plan(server, "--delete-key", "alias/trail")
    [found] = planned["objects"]
    assert (found["bucket"], found["key"], found["atLeast"]) == (trail.bucket, trail.key_arn, False)
    counted = {kind: found[kind]["objects"] for kind in ("logFiles", "digests", "others")}
    # Digests are sealed with SSE-S3, whatever the trail's key is.
    assert counted == {"logFiles": len(logs), "digests": 0, "others": 1}
    assert found["others"]["bytes"] == 5 and sum(found["logFiles"]["byAge"].values()) == len(logs)
    assert found["lookedAt"] == len(logs) + len(digests) + 2
    [outcome] = planned["trails"]
    assert outcome["logFiles"]["error"]["code"] == "KMS.NotFoundException"
    assert outcome["updateTrail"]["code"] == "KmsKeyNotFoundException"
    lost = {change["principal"]: (change["before"], change["after"]) for change in planned["readers"]}
    assert lost[ROOT] == ("yes", "no")
    assert (planned["cost"]["before"], planned["cost"]["after"]) == ("1.00", "0.00")
    few = plan(server, "--delete-key", trail.key_arn, "--count-max", "2")["objects"][0]
    assert few["atLeast"] and few["lookedAt"] == 2
    assert plan(server, "--delete-key", trail.key_arn, "--count-max", "0")["objects"] == []
    disabled = plan(server, "--disable-key", trail.key_arn)
    assert disabled["trails"][0]["logFiles"]["error"]["code"] == "KMS.DisabledException"
    assert disabled["objects"][0]["logFiles"]["objects"] == len(logs)


def test_who_locks_everybody_out_is_told(server, trail):
    nobody = file(server, "nobody.json", policy(allow("kms:*", Principal=SERVICE)))
    planned = plan(server, "--key-policy", f"alias/trail={nobody}")
    [lockout] = planned["lockouts"]
    assert lockout["nobody"] and lockout["caller"] and lockout["still"] == []
    assert planned["changes"][0]["refused"]["code"] == "MalformedPolicyDocumentException"
    server.user("admin")
    admin = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/admin"}
    only_admin = file(server, "admin.json", policy(allow("kms:*", Principal=admin)))
    [lockout] = plan(server, "--key-policy", f"alias/trail={only_admin}")["lockouts"]
    assert not lockout["nobody"] and lockout["caller"] and lockout["still"] == [admin["AWS"]]
    good = file(server, "good.json", key_policy())
    assert not plan(server, "--key-policy", f"alias/trail={good}")["breaks"]


def test_a_trail_without_key_or_proof_and_its_readers(server, trail):
    half = server.user("half", allow("s3:GetObject"))
    planned = plan(server, "--trail", "audit", "--set", "key=none", "--set", "validation=off")
    [outcome] = planned["trails"]
    assert outcome["changed"] and outcome["validationEnds"] and outcome["logFiles"]["after"] == "yes"
    assert "updateTrail" not in outcome and "digests" not in outcome
    # Who could not open the files to come reads them now; those that are there keep their key.
    changes = {change["principal"]: change for change in planned["readers"]}
    assert set(changes) == {half.arn} and changes[half.arn]["files"] == "toCome"
    assert (changes[half.arn]["before"], changes[half.arn]["after"]) == ("no", "yes")
    elsewhere = trail.s3.create_bucket(Bucket="other-logs") and plan(server, "--trail", trail.arn, "--set", "bucket=other-logs")
    assert elsewhere["trails"][0]["updateTrail"]["code"] == "InsufficientS3BucketPolicyException"
    assert elsewhere["trails"][0]["logFiles"]["error"]["code"] == "AccessDenied"


def test_buckets_policies_encryption_and_lifecycle(server, trail):
    closed = plan(server, "--bucket-policy", "audit-logs=none")
    assert closed["trails"][0]["logFiles"]["error"]["code"] == "AccessDenied"
    assert {right["action"] for right in closed["trails"][0]["missing"]} == {"s3:GetBucketAcl", "s3:PutObject"}
    rule = {"ID": "sweep", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    lifecycle = file(server, "lifecycle.json", {"Rules": [rule, {**rule, "ID": "off", "Status": "Disabled"}]})
    [effect] = plan(server, "--lifecycle", f"audit-logs={lifecycle}")["lifecycle"]
    assert (effect["rule"], effect["expireDays"], effect["trail"]) == ("sweep", 30, "audit")
    trail.s3.put_public_access_block(
        Bucket="audit-logs", PublicAccessBlockConfiguration={"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    )
    everyone = allow("s3:GetObject", "arn:aws:s3:::audit-logs/*", Principal="*")
    public = file(server, "public.json", policy(*json.loads(bucket_policy("audit-logs"))["Statement"], everyone))
    [change] = plan(server, "--bucket-policy", f"audit-logs={public}")["changes"]
    assert change["refused"]["code"] == "AccessDenied" and change["allowed"]["allowed"] == "yes"
    assert not plan(server, "--bucket-encryption", "audit-logs=AES256")["breaks"]
    assert not plan(server, "--bucket-encryption", "audit-logs=alias/trail")["breaks"]


def test_a_saved_survey_gives_the_same_plan_without_a_call(server, trail):
    saved = server.folder / "survey.json"
    closed = file(server, "closed.json", policy(allow("kms:*", Principal={"AWS": ROOT})))
    change = ["--key-policy", f"alias/trail={closed}"]
    live = plan(server, *change, "--save-survey", str(saved))
    server.stop()
    offline = json.loads(server.run("plan", *change, "--from", str(saved), "--output", "json", check=False).stdout)
    assert live == offline and live["breaks"]
    assert live["trails"][0]["updateTrail"]["code"] == "InsufficientEncryptionPolicyException"
    server.start()
    assert "already there" in run(server, *change, "--save-survey", str(saved), check=1).stderr


def test_a_folder_of_what_the_aws_cli_printed(server, trail):
    folder = server.folder / "account"
    folder.mkdir()
    server.user("half", allow("s3:GetObject"))
    server.user("auditor", allow("s3:GetObject"), allow("kms:Decrypt"))
    printed = {
        "trails.json": ["cloudtrail", "describe-trails"],
        "account-authorization-details.json": ["iam", "get-account-authorization-details"],
    }
    for name, command in printed.items():
        (folder / name).write_text(server.aws(*command, "--output", "json").stdout)
    (folder / "bucket-policy.audit-logs.json").write_text(bucket_policy("audit-logs"))
    (folder / f"key-policy.{trail.key_arn.split('/')[1]}.json").write_text(key_policy())
    closed = file(server, "closed.json", policy(allow("kms:*", Principal={"AWS": ROOT})))
    server.stop()

    def offline(*arguments):
        return server.run("plan", "--from", str(folder), *arguments, "--output", "json", check=False)

    planned = json.loads(offline("--bucket-policy", "audit-logs=none").stdout)
    [outcome] = planned["trails"]
    assert (outcome["logFiles"]["before"], outcome["logFiles"]["after"]) == ("yes", "no")
    # Whether the key has grants is not in the folder: they might let CloudTrail in.
    planned = json.loads(offline("--key-policy", f"{trail.key_arn}={closed}").stdout)
    assert planned["trails"][0]["logFiles"]["after"] == "unknown"
    assert "kms:ListGrants" in planned["trails"][0]["logFiles"]["error"]["why"]
    (folder / "trails.json").unlink()
    assert "trails.json" in offline("--bucket-policy", "audit-logs=none").stderr
    server.start()


def test_what_may_not_be_read_is_named_and_not_guessed(server, trail):
    reads = ["cloudtrail:*", "kms:DescribeKey", "kms:ListAliases", "ec2:DescribeRegions", "s3:ListAllMyBuckets", "s3:ListBucket"]
    who = server.user("looker", allow(reads))
    good = file(server, "good.json", key_policy())
    planned = plan(server, "--key-policy", f"{trail.key_arn}={good}", who=who)
    remarks = " ".join(planned["remarks"])
    assert "s3:GetBucketPolicy" in remarks and "iam:GetAccountAuthorizationDetails" in remarks
    [outcome] = planned["trails"]
    assert outcome["logFiles"]["after"] == "unknown" and not outcome["logFiles"]["error"]["certain"]
    assert "s3:GetBucketPolicy" in outcome["logFiles"]["error"]["why"]
    assert planned["changes"][0]["allowed"]["allowed"] != "yes"
    assert "s3:HeadObject" not in remarks
    blind = plan(server, "--delete-key", trail.key_arn, who=who)["objects"][0]
    assert blind["atLeast"] and blind["refused"], blind


def test_wrong_usage_and_unknown_names(server, trail):
    assert "required" in run(server, check=2).stderr
    assert "NAME=VALUE" in run(server, "--bucket-policy", "x", check=2).stderr
    assert "--set" in run(server, "--trail", "audit", check=2).stderr
    assert "no trail nothing" in run(server, "--trail", "nothing", "--set", "key=none", check=1).stderr
    assert "no setting `colour`" in run(server, "--trail", "audit", "--set", "colour=red", check=1).stderr
    assert "on or off" in run(server, "--trail", "audit", "--set", "validation=perhaps", check=1).stderr
    assert "cannot read" in run(server, "--key-policy", "alias/trail=absent.json", check=1).stderr


MOTO = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def moto(tmp_path):
    """The address of a foreign endpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    command = [str(PROGRAMS / "moto_server"), "-H", address[0], "-p", str(address[1])]
    with open(tmp_path / "moto.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=CLEAN)

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(address) == 0

    try:
        assert poll(listens, 60), (tmp_path / "moto.log").read_text()
        yield f"http://{address[0]}:{address[1]}"
    finally:
        process.terminate()
        process.wait(10)


def test_a_foreign_endpoint(moto, tmp_path):
    account = "123456789012"
    names = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    s3, kms, cloudtrail = (boto3.client(name, endpoint_url=moto, **names) for name in ("s3", "kms", "cloudtrail"))
    s3.create_bucket(Bucket="moto-logs")
    s3.put_bucket_policy(Bucket="moto-logs", Policy=bucket_policy("moto-logs").replace(ACCOUNT, account))
    key = kms.create_key(Policy=key_policy().replace(ACCOUNT, account))["KeyMetadata"]["Arn"]
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    s3.put_object(Bucket="moto-logs", Key=f"AWSLogs/{account}/CloudTrail/us-east-1/one.json.gz", Body=b"1", **sealed)
    s3.put_object(Bucket="moto-logs", Key="other", Body=b"1")
    cloudtrail.create_trail(Name="moto", S3BucketName="moto-logs", KmsKeyId=key)

    def planned(*arguments):
        command = [BINARY, "plan", "--endpoint-url", moto, "--regions", "us-east-1", "--output", "json", *arguments]
        environment = {**CLEAN, **MOTO, "HOME": str(tmp_path)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 3), done.stdout + done.stderr
        return json.loads(done.stdout)

    deleted = planned("--delete-key", key)
    [found] = deleted["objects"]
    assert (found["logFiles"]["objects"], found["others"]["objects"], found["lookedAt"]) == (1, 0, 2)
    [outcome] = deleted["trails"]
    assert outcome["logFiles"]["before"] == "yes" and outcome["logFiles"]["error"]["code"] == "KMS.NotFoundException"
    closed = planned("--bucket-policy", "moto-logs=none")
    assert closed["breaks"] and closed["trails"][0]["logFiles"]["error"]["code"] == "AccessDenied"


def test_screens(server, trail):
    half = server.user("half", allow("s3:GetObject"))
    closed = file(server, "closed.json", policy(allow("kms:Encrypt", Principal={"AWS": half.arn})))
    arguments = ["--regions", "us-east-1"]
    for language in ("en", "ja"):
        spoken = [*arguments, "--lang", language]
        text = run(server, *spoken, "--key-policy", f"alias/trail={closed}", check=3).stdout
        screen(f"plan-key-policy.{language}", text)
        screen(f"plan-delete-key.{language}", run(server, *spoken, "--delete-key", "alias/trail", check=3).stdout)
        text = run(server, *spoken, "--bucket-encryption", "audit-logs=AES256", check=0).stdout
        screen(f"plan-nothing.{language}", text)
