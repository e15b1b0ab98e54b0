"""What somebody else changes between a plan and its call, or before it is taken back, is never replaced unawares; and interruptions."""

import json
import signal
import subprocess

import pytest
from harness import ACCOUNT, BINARY, allow, bucket_policy, make_bucket, make_trail, policy, poll
from operators import Gate, answer, environment, operate
from screens import screen, tmux_session

TOKYO = "ap-northeast-1"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
SETUP = ("trail", "setup", "--name", "audit", "--bucket", "audit-logs", "--key-alias", "alias/audit")
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": ROOT, "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::our-logs"}


@pytest.fixture
def ours(serve):
    """A bucket and a key that somebody else looks after, too."""
    server = serve("--rehearsal", "--region", TOKYO)
    make_bucket(server, "our-logs", TOKYO)
    key = server.client("kms", TOKYO).create_key(Policy=policy(
        {"Sid": "Root", **allow("kms:*"), "Principal": ROOT}))["KeyMetadata"]["Arn"]
    server.client("kms", TOKYO).create_alias(AliasName="alias/ours", TargetKeyId=key)
    server.key = key
    return server


ADOPT = ("trail", "setup", "--name", "audit", "--existing-bucket", "our-logs", "--existing-key", "alias/ours")


def key_policy(server):
    return json.loads(server.client("kms", TOKYO).get_key_policy(KeyId=server.key)["Policy"])


def bucket_statements(server, bucket="our-logs"):
    return json.loads(server.client("s3", TOKYO).get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]


def trails(server):
    return [trail["Name"] for trail in server.client("cloudtrail", TOKYO).describe_trails()["trailList"]]


def confirmed_after(server, tmp_path, command, meanwhile):
    """What the command says whose change is confirmed after something else has happened. It must fail."""
    with tmux_session(tmp_path, [BINARY, *command], (150, 200), environment(server), server.folder) as session:
        session.wait_for("Type yes")
        meanwhile()
        session.type("yes")
        session.send("Enter")
        assert session.wait_end() == 1
        return session.capture(history=True)


def test_a_key_policy_that_changed_after_the_plan_is_not_replaced(ours, tmp_path):
    kms = ours.client("kms", TOKYO)
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Principal": ROOT, "Action": "kms:DescribeKey", "Resource": "*"}

    def change():
        document = key_policy(ours)
        document["Statement"].append(theirs)
        kms.put_key_policy(KeyId=ours.key, Policy=json.dumps(document))

    shown = confirmed_after(ours, tmp_path, ADOPT, change)
    screen("setup.overtaken", shown)
    assert "somebody has changed the policy of the key" in shown and '+      "Sid": "Theirs"' in shown
    assert [one["Sid"] for one in key_policy(ours)["Statement"]] == ["Root", "Theirs"]
    assert trails(ours) == []
    # A plan that has seen it goes on.
    operate(ours, *ADOPT, "--yes")
    assert {"Root", "Theirs"} < {one["Sid"] for one in key_policy(ours)["Statement"]} and trails(ours) == ["audit"]


def test_a_bucket_policy_that_changed_after_the_plan_is_not_replaced_and_the_rest_is_taken_back(ours, tmp_path):
    s3 = ours.client("s3", TOKYO)
    shown = confirmed_after(ours, tmp_path, ADOPT, lambda: s3.put_bucket_policy(Bucket="our-logs", Policy=policy(THEIRS)))
    assert "somebody has changed the policy of the bucket our-logs" in shown
    assert bucket_statements(ours) == [THEIRS]
    # The first step, which was made, is taken back.
    assert [one["Sid"] for one in key_policy(ours)["Statement"]] == ["Root"] and trails(ours) == []


def test_a_trail_that_got_another_key_after_the_plan_keeps_it(serve, tmp_path):
    server = serve("--rehearsal", "--region", TOKYO)
    trail = make_trail(server, "Members", TOKYO, "members-logs")
    other = server.client("kms", TOKYO).create_key(Policy=server.client("kms", TOKYO).get_key_policy(KeyId=trail.key_arn)["Policy"])
    other = other["KeyMetadata"]["Arn"]
    change = lambda: trail.cloudtrail.update_trail(Name="Members", KmsKeyId=other)
    shown = confirmed_after(server, tmp_path, ("trail", "rollback", "--count-max", "0"), change)
    assert "somebody has changed the trail Members" in shown
    assert trail.cloudtrail.get_trail(Name="Members")["Trail"]["KmsKeyId"] == other


def test_taking_back_leaves_what_others_have_changed_and_replaces_it_when_told(ours):
    s3 = ours.client("s3", TOKYO)
    s3.put_bucket_policy(Bucket="our-logs", Policy=policy(THEIRS))
    file = answer(ours, *ADOPT, "--yes")["change"]["beforeState"]
    made = bucket_statements(ours)
    later = {**THEIRS, "Sid": "Later"}
    s3.put_bucket_policy(Bucket="our-logs", Policy=policy(*made, later))
    undo = ("trail", "rollback", "--undo", file, "--yes")
    done = operate(ours, *undo, status=1)
    screen("rollback.overtaken", done.stdout)
    screen("rollback.overtaken.ja", operate(ours, "--lang", "ja", *undo, status=1).stdout)
    assert "somebody has changed it since" in done.stdout and '+      "Sid": "Later"' in done.stdout
    assert bucket_statements(ours) == [*made, later]
    # What nobody else has touched is taken back.
    assert trails(ours) == [] and [one["Sid"] for one in key_policy(ours)["Statement"]] == ["Root"]
    told = answer(ours, *undo, status=1)
    (left,) = told["left"]
    assert left["operation"] == "PutBucketPolicy" and [one["ended"] for one in told["tried"]] == ["overtaken"]
    assert answer(ours, *undo, "--overwrite")["left"] == []
    assert bucket_statements(ours) == [THEIRS]


def test_a_key_and_a_default_encryption_that_others_have_set_are_left_when_a_rollback_is_taken_back(serve):
    server = serve("--rehearsal", "--region", TOKYO)
    trail = make_trail(server, "Members", TOKYO, "members-logs")
    by_key = lambda key: {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}]}
    trail.s3.put_bucket_encryption(Bucket="members-logs", ServerSideEncryptionConfiguration=by_key(trail.key_arn))
    file = answer(server, "trail", "rollback", "--yes", "--count-max", "0")["change"]["beforeState"]
    kms = server.client("kms", TOKYO)
    other = kms.create_key(Policy=kms.get_key_policy(KeyId=trail.key_arn)["Policy"])["KeyMetadata"]["Arn"]
    trail.cloudtrail.update_trail(Name="Members", KmsKeyId=other)
    trail.s3.put_bucket_encryption(Bucket="members-logs", ServerSideEncryptionConfiguration=by_key(other))
    keys = lambda: (
        trail.cloudtrail.get_trail(Name="Members")["Trail"]["KmsKeyId"],
        trail.s3.get_bucket_encryption(Bucket="members-logs")["ServerSideEncryptionConfiguration"]["Rules"][0][
            "ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"])
    undo = ("trail", "rollback", "--undo", file, "--yes")
    assert {one["ended"] for one in answer(server, *undo, status=1)["tried"]} == {"overtaken"}
    assert keys() == (other, other)
    answer(server, *undo, "--overwrite")
    assert keys() == (trail.key_arn, trail.key_arn)


def test_a_policy_that_others_have_added_to_keeps_the_bucket_of_a_set_up(serve):
    server = serve("--rehearsal", "--region", TOKYO)
    file = answer(server, *SETUP, "--yes")["change"]["beforeState"]
    made = bucket_statements(server, "audit-logs")
    theirs = {**THEIRS, "Resource": "arn:aws:s3:::audit-logs"}
    server.client("s3", TOKYO).put_bucket_policy(Bucket="audit-logs", Policy=policy(*made, theirs))
    told = answer(server, "trail", "rollback", "--undo", file, "--yes", status=1)
    ended = {one["call"]["operation"]: one["ended"] for one in told["tried"]}
    assert (ended["DeleteBucketPolicy"], ended["DeleteBucket"], ended["DeleteTrail"]) == ("overtaken", "held", "made")
    assert bucket_statements(server, "audit-logs") == [*made, theirs]


def test_a_log_group_with_events_stays_until_it_is_told_to_go(serve):
    server = serve("--rehearsal", "--region", TOKYO)
    file = answer(server, *SETUP, "--logs", "/audit", "--yes")["change"]["beforeState"]
    groups = lambda: [group["logGroupName"] for group in server.client("logs", TOKYO).describe_log_groups()["logGroups"]]
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    undo = ("trail", "rollback", "--undo", file)
    copy = server.folder / "again.json"
    copy.write_bytes((server.folder / file).read_bytes())
    warned = operate(server, *undo, "--dry-run").stdout
    assert "There are events in the log group /audit: it stays, unless --delete-logs is given." in " ".join(warned.split())
    assert "they are deleted with it" in operate(server, *undo, "--dry-run", "--delete-logs").stdout
    done = operate(server, *undo, "--yes", status=1)
    assert "The log group /audit stays" in done.stdout and "aws logs delete-log-group" in done.stdout
    assert groups() == ["/audit"] and trails(server) == []
    operate(server, "trail", "rollback", "--undo", str(copy), "--yes", "--delete-logs", status=1)
    assert groups() == []


def test_a_log_group_without_events_is_taken_back_with_the_rest(serve):
    server = serve("--rehearsal", "--region", TOKYO)
    file = answer(server, *SETUP, "--logs", "/audit", "--yes")["change"]["beforeState"]
    assert "events" not in operate(server, "trail", "rollback", "--undo", file, "--dry-run").stdout
    operate(server, "trail", "rollback", "--undo", file, "--yes", status=None)
    assert server.client("logs", TOKYO).describe_log_groups()["logGroups"] == []


QUESTIONS = ("Region [", "Name of the trail", "all Regions, or of", "Management events", "Data events (none", "Create a new S3 bucket",
             "Name of the bucket", "Encrypt the log files", "Create a new KMS key", "Alias of the key", "Sign digests", "CloudWatch Logs, too")


def test_an_interruption_between_the_questions_and_the_confirmation_ends_the_command(serve, tmp_path):
    server = serve("--rehearsal", "--region", TOKYO)
    gate = Gate(server, "HEAD /")
    place = {**environment(server), "AWS_ENDPOINT_URL": gate.endpoint}
    try:
        with tmux_session(tmp_path, [BINARY, "trail", "setup"], (120, 90), place, server.folder) as session:
            for question in QUESTIONS:
                session.wait_for(question)
                session.send("Enter")
            assert gate.held.wait(20)
            session.send("C-c")
            assert session.wait_end(10) == 130
    finally:
        gate.close()
    assert trails(server) == []


def test_a_step_that_fails_while_it_is_interrupted_ends_with_130(serve):
    server = serve("--rehearsal", "--region", TOKYO)
    make_trail(server, "Members", TOKYO, "members-logs")
    who = server.user("half", allow("*"), {"Effect": "Deny", "Action": "cloudtrail:UpdateTrail", "Resource": "*"})
    gate = Gate(server, "CloudTrail_20131101.UpdateTrail")
    place = {**environment(server, who), "AWS_ENDPOINT_URL": gate.endpoint}
    process = subprocess.Popen([BINARY, "trail", "rollback", "--yes", "--count-max", "0"], env=place, cwd=server.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert gate.held.wait(20)
        process.send_signal(signal.SIGINT)
        assert "Interrupted" in process.stderr.readline() + process.stderr.readline()
        gate.open.set()
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(30)
        gate.close()
    assert process.returncode == 130 and "AccessDenied" in err, out + err


def test_who_waits_no_longer_for_the_proof_is_told_once(serve):
    server = serve("--rehearsal", "--region", TOKYO)
    process = subprocess.Popen([BINARY, *SETUP, "--yes", "--wait"], env=environment(server), cwd=server.folder,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    listed = lambda: "ListObjects" in json.dumps(server.client("cloudtrail", TOKYO).lookup_events()["Events"][:1], default=str)
    try:
        for line in process.stdout:
            if "--undo" in line:
                break
        poll(listed, 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(20)
    assert process.returncode == 130 and "No longer waited for" in out, out + err
    assert "in flight" not in err, err
