"""`shoseki trail encrypt`: a key for a trail that is there, with the readers looked at before the trail gets it."""

import json
import subprocess

import pytest
from harness import ACCOUNT, BINARY, allow, make_trail, policy, poll, refused
from operators import answer, environment, operate
from screens import screen, tmux_session

TOKYO = "ap-northeast-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ENCRYPT = ("trail", "encrypt", "--name", "audit")


@pytest.fixture
def trail(serve):
    """A trail whose log files are sealed by S3's own keys, and have arrived."""
    server = serve("--rehearsal", "--region", TOKYO)
    trail = make_trail(server, home=TOKYO, with_key=False)
    server.client("iam").create_user(UserName="somebody")
    server.advance("10m")
    assert trail.keys()
    return trail


def key_of(trail):
    return trail.cloudtrail.get_trail(Name=trail.name)["Trail"].get("KmsKeyId")


def reader(trail, name, *more):
    return trail.server.user(name, allow(["s3:GetObject", "s3:ListBucket"]), *more)


def newest(trail, who):
    """Reads the newest log file of the trail's Region as somebody."""
    key = sorted(trail.keys(region=TOKYO))[-1]
    return trail.server.client("s3", TOKYO, who=who).get_object(Bucket=trail.bucket, Key=key)


def deliver(trail):
    trail.server.client("iam").create_user(UserName=f"u{len(trail.keys())}")
    trail.server.client("kms", TOKYO).list_keys()
    trail.server.advance("10m")


def outcome(told, about):
    return [check["outcome"] for check in told["checks"] if check["about"] == about]


def test_the_key_comes_with_its_policy_and_seals_the_next_files(trail):
    server = trail.server
    auditor = reader(trail, "auditor", allow("kms:Decrypt"))
    done = operate(server, *ENCRYPT, "--yes")
    screen("encrypt.new", done.stdout)
    key = key_of(trail)
    assert server.client("kms", TOKYO).get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    deliver(trail)
    assert newest(trail, auditor)["SSEKMSKeyId"] == key
    # Again: nothing to do, and a file proves it.
    again = operate(server, *ENCRYPT, "--yes", "--wait", "--wait-minutes", "0")
    assert "There is nothing to change" in again.stdout and f"is sealed by {key}" in again.stdout
    screen("encrypt.again.ja", operate(server, "--lang", "ja", *ENCRYPT, "--yes").stdout)


def test_whoever_would_lose_access_is_named_before_the_trail_gets_the_key(trail):
    server = trail.server
    loser = reader(trail, "loser")
    reader(trail, "keeper", allow("kms:Decrypt"))
    server.user("nobody", allow("iam:ListUsers"))
    told = answer(server, *ENCRYPT, "--yes", status=1)
    assert [one["arn"] for one in told["losers"]] == [loser.arn] and told["readersKnown"]
    assert key_of(trail) is None
    assert not server.client("kms", TOKYO).list_keys()["Keys"]
    screen("encrypt.loss", operate(server, *ENCRYPT, "--yes", status=1).stdout)
    screen("encrypt.loss.ja", operate(server, "--lang", "ja", *ENCRYPT, "--yes", status=1).stdout)
    # The key's policy may give the right.
    told = answer(server, *ENCRYPT, "--reader", loser.arn, "--yes")
    assert told["losers"] == [] and told["key"] == key_of(trail)
    deliver(trail)
    assert newest(trail, loser)["SSEKMSKeyId"] == told["key"]


def test_a_loss_that_is_meant_is_made(trail):
    server = trail.server
    loser = reader(trail, "loser")
    before = newest(trail, loser)
    assert before["ServerSideEncryption"] == "AES256"
    operate(server, *ENCRYPT, "--allow-loss", "--yes")
    deliver(trail)
    with refused("AccessDenied"):
        newest(trail, loser)


def test_a_loss_is_asked_about_on_a_terminal(trail, tmp_path):
    server = trail.server
    reader(trail, "loser")
    with tmux_session(tmp_path, [BINARY, *ENCRYPT], (120, 100), environment(server), server.folder) as session:
        session.wait_for("Type yes")
        screen("encrypt.prompt", session.capture(history=True))
        session.type("no")
        session.send("Enter")
        assert session.wait_end() == 1
    assert key_of(trail) is None
    japanese = environment(server, LANG="ja_JP.UTF-8", LC_ALL="")
    with tmux_session(tmp_path, [BINARY, *ENCRYPT], (120, 100), japanese, server.folder) as session:
        session.wait_for("yes と入力")
        session.type("yes")
        session.send("Enter")
        assert session.wait_end() == 0, session.capture(history=True)
    assert key_of(trail)


def test_waiting_proves_the_change_by_a_file_that_came_after_it(trail):
    server = trail.server
    process = subprocess.Popen([BINARY, *ENCRYPT, "--yes", "--wait", "--output", "json"], env=environment(server),
                               cwd=server.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    known = trail.keys()
    assert poll(lambda: key_of(trail))
    deliver(trail)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    told = json.loads(out)
    assert told["delivered"]["key"] not in known and told["delivered"]["kmsKey"] == key_of(trail)


def test_a_file_that_came_before_proves_nothing(trail):
    done = operate(trail.server, *ENCRYPT, "--yes", "--wait", "--wait-minutes", "0", status=3)
    assert "No log file has arrived" in done.stdout and key_of(trail)


def test_a_key_that_is_there_gets_just_what_it_lacks(trail):
    server, kms = trail.server, trail.kms
    auditor = reader(trail, "auditor")
    key = kms.create_key(Policy=policy(allow("kms:*", Sid="Root", Principal={"AWS": ROOT})))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/ours", TargetKeyId=key)
    command = (*ENCRYPT, "--key", "alias/ours", "--reader", auditor.arn)
    screen("encrypt.existing", operate(server, *command, "--dry-run").stdout)
    operate(server, *command, "--yes")
    sids = [one["Sid"] for one in json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"]]
    assert sids == ["Root", "Allow CloudTrail to encrypt log files", "Allow CloudTrail to describe the key",
                    "Allow readers to decrypt log files"]
    deliver(trail)
    assert newest(trail, auditor)["SSEKMSKeyId"] == key
    assert "There is nothing to change" in operate(server, *command, "--yes").stdout


def test_the_bucket_default_goes_with_it(trail):
    server, s3 = trail.server, trail.s3
    operate(server, *ENCRYPT, "--bucket-default", "--yes")
    rules = s3.get_bucket_encryption(Bucket=trail.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_of(trail)}
    s3.put_object(Bucket=trail.bucket, Key="other", Body=b"x")
    assert s3.head_object(Bucket=trail.bucket, Key="other")["SSEKMSKeyId"] == key_of(trail)
    assert answer(server, *ENCRYPT, "--bucket-default", "--yes")["change"]["outcome"] == "nothingToDo"


def test_what_cannot_seal_is_refused_before_anything_is_changed(trail):
    server, kms = trail.server, trail.kms
    far = server.client("kms", "eu-west-1").create_key()["KeyMetadata"]["Arn"]
    off = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=off)
    pair = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    denying = {"Sid": "Never", "Effect": "Deny", "Principal": {"Service": "cloudtrail.amazonaws.com"},
               "Action": "kms:GenerateDataKey*", "Resource": "*"}
    closed = kms.create_key(Policy=policy(allow("kms:*", Principal={"AWS": ROOT}), denying))["KeyMetadata"]["Arn"]

    def said(key):
        told = answer(server, *ENCRYPT, "--key", key, "--yes", status=1)
        return [check["says"] for check in told["checks"] if check["outcome"] == "wrong"]

    assert "eu-west-1" in said(far)[0] and "one Region" in said(far)[0]
    assert "Disabled" in said(off)[0]
    assert "cannot seal log files" in said(pair)[0]
    assert "statement Never" in said(closed)[0]
    assert "no key alias/none" in said("alias/none")[0]
    assert key_of(trail) is None
    missing = operate(server, "trail", "encrypt", "--name", "other", "--yes", status=1)
    assert "there is no trail `other`" in missing.stderr


def test_readers_that_may_not_be_listed_are_not_taken_for_none(trail):
    server = trail.server
    deny = {"Effect": "Deny", "Action": ["iam:GetAccountAuthorizationDetails", "iam:List*"], "Resource": "*"}
    who = server.user("blind", allow("*"), deny)
    told = answer(server, *ENCRYPT, "--yes", who=who, status=1)
    assert not told["readersKnown"] and outcome(told, "readers") == ["unknown"]
    assert key_of(trail) is None
    assert answer(server, *ENCRYPT, "--allow-loss", "--yes", who=who)["key"] == key_of(trail)


def test_a_failure_takes_the_key_back(trail):
    server, kms = trail.server, trail.kms
    deny = {"Effect": "Deny", "Action": ["cloudtrail:UpdateTrail", "iam:SimulatePrincipalPolicy"], "Resource": "*"}
    who = server.user("nearly", allow("*"), deny)
    done = operate(server, *ENCRYPT, "--yes", who=who, status=1)
    assert "UpdateTrail" in done.stderr and key_of(trail) is None
    states = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]]
    assert states == ["PendingDeletion"]
    assert not [alias for alias in kms.list_aliases()["Aliases"] if alias["AliasName"] == "alias/cloudtrail"]


def test_taking_it_back_keeps_the_key_that_seals_log_files(trail):
    server, kms = trail.server, trail.kms
    told = answer(server, *ENCRYPT, "--allow-loss", "--yes")
    deliver(trail)
    assert newest(trail, None)["SSEKMSKeyId"] == told["key"]
    undo = ("trail", "rollback", "--undo", told["change"]["beforeState"], "--yes")
    shown = operate(server, *undo).stdout
    assert "Everything else is as it was before" in shown and "aws kms schedule-key-deletion" in shown
    assert key_of(trail) is None
    assert kms.describe_key(KeyId=told["key"])["KeyMetadata"]["KeyState"] == "Enabled"
    assert newest(trail, None)["Body"].read()
    assert "nothing to take back" in operate(server, *undo).stdout


def test_a_trail_that_stays_keeps_its_key_and_policy(trail):
    server, kms = trail.server, trail.kms
    key = kms.create_key(Policy=policy(allow("kms:*", Sid="Root", Principal={"AWS": ROOT})))["KeyMetadata"]["Arn"]
    told = answer(server, *ENCRYPT, "--key", key, "--allow-loss", "--yes")
    after = kms.get_key_policy(KeyId=key)["Policy"]
    who = server.user("nearly", allow("*"), {"Effect": "Deny", "Action": "cloudtrail:UpdateTrail", "Resource": "*"})
    undo = ("trail", "rollback", "--undo", told["change"]["beforeState"], "--yes")
    undone = answer(server, *undo, who=who, status=1)
    assert [one["ended"] for one in undone["tried"]] == ["failed", "held"] and len(undone["left"]) == 2
    assert key_of(trail) == key and kms.get_key_policy(KeyId=key)["Policy"] == after
    assert answer(server, *undo)["left"] == []
    assert key_of(trail) is None and kms.get_key_policy(KeyId=key)["Policy"] != after


def test_a_bucket_policy_that_cannot_be_read_is_not_taken_for_nobody(trail):
    server = trail.server
    who = server.user("blind", allow("*"), {"Effect": "Deny", "Action": "s3:GetBucketPolicy", "Resource": "*"})
    told = answer(server, *ENCRYPT, "--yes", who=who, status=1)
    assert not told["readersKnown"] and outcome(told, "readers")[0] == "unknown"
    assert key_of(trail) is None


def test_a_bucket_default_is_put_back_whole_or_not_touched(trail):
    server, s3, kms = trail.server, trail.s3, trail.kms
    key = kms.create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": key},
            "BucketKeyEnabled": False, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    s3.put_bucket_encryption(Bucket=trail.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    encryption = lambda: s3.get_bucket_encryption(Bucket=trail.bucket)["ServerSideEncryptionConfiguration"]
    before = encryption()
    command = (*ENCRYPT, "--bucket-default", "--allow-loss", "--yes")
    blind = server.user("blind", allow("*"), {"Effect": "Deny", "Action": "s3:GetEncryptionConfiguration", "Resource": "*"})
    assert "bucket" in [check["about"] for check in answer(server, *command, who=blind, status=1)["checks"]
                        if check["outcome"] == "wrong"]
    assert encryption() == before and key_of(trail) is None
    told = answer(server, *command)
    assert encryption()["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    operate(server, "trail", "rollback", "--undo", told["change"]["beforeState"], "--yes")
    assert encryption() == before
