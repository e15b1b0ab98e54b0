"""`shoseki trail rollback`: the procedure of seed 003 in one command, its before-state, and what a killed run leaves."""

import json
import os
import pathlib
import signal
import stat
import subprocess

import pytest
from harness import ACCOUNT, BINARY, SEVENTEEN_REGIONS, allow, make_trail
from operators import Gate
from screens import screen, tmux_session

HOME = "ap-northeast-1"
BUCKET = "cm-members-cloudtrail-123456789012"
SEEDS = pathlib.Path(__file__).parent / "seeds"


def tool(server, *arguments, who=None, check=True, environment=None):
    done = subprocess.run(
        [BINARY, *arguments], env={**server.cli_environment(HOME, who), **(environment or {})}, cwd=server.folder,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )
    assert check is False or done.returncode == (0 if check is True else check), f"{done.returncode}: {done.stdout}{done.stderr}"
    return done


def rollback(server, *arguments, **more):
    return tool(server, "trail", "rollback", *arguments, **more)


@pytest.fixture
def members(server):
    """The secure account of seed 003: a trail in Tokyo with a key, whose bucket's default is the same key."""
    trail = make_trail(server, "Members", HOME, BUCKET)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": trail.key_arn}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    trail.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
    return trail


def settings(trail):
    """What DescribeTrails and GetBucketEncryption answer, byte for byte."""
    server = trail.server
    trails = server.json_call(
        "cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.DescribeTrails", b"{}", region=trail.home
    )
    encryption = server.call("s3", "GET", f"/{trail.bucket}?encryption=", region=trail.home)
    assert (trails.status, encryption.status) == (200, 200)
    return trails.body, encryption.body


def seed(trail, name):
    return trail.server.bash((SEEDS / name).read_text(), region=HOME).stdout


def changes(server):
    """The calls that changed trails and buckets, with what they asked for."""
    names = {"UpdateTrail", "PutBucketEncryption"}
    found = []
    for name in names:
        attribute = [{"AttributeKey": "EventName", "AttributeValue": name}]
        events = server.client("cloudtrail", HOME).lookup_events(LookupAttributes=attribute)["Events"]
        records = [json.loads(event["CloudTrailEvent"]) for event in events]
        found += [(name, json.dumps(record["requestParameters"], sort_keys=True)) for record in records]
    return sorted(found)


def before_file(server):
    (path,) = server.folder.glob("shoseki-before-*.json")
    return path


def test_one_command_does_what_the_procedure_by_hand_does(serve):
    done = {}
    for way in ("hand", "tool"):
        server = serve("--region", HOME, name=way)
        trail = make_trail(server, "Members", HOME, BUCKET)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": trail.key_arn}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]}
        trail.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=rules)
        earlier = changes(server)
        if way == "hand":
            server.aws("cloudtrail", "update-trail", "--name", "Members", "--kms-key-id", "", "--region", HOME)
            assert seed(trail, "003-reset-bucket.sh") == ""
        else:
            rollback(server, "--yes")
        made = [change for change in changes(server) if change not in earlier]
        answer = trail.cloudtrail.describe_trails(trailNameList=["Members"])["trailList"][0]
        encryption = trail.s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
        done[way] = (answer, encryption, [name for name, _ in made], [json.loads(text).get("kmsKeyId") for _, text in made])
        for region in SEVENTEEN_REGIONS:
            seen = server.client("cloudtrail", region).describe_trails(trailNameList=["Members"])["trailList"]
            assert [shadow.get("KmsKeyId") for shadow in seen] == [None]
        assert seed(trail, "003-check-bucket.sh") == "SSE-S3 is enabled\n"
    assert done["hand"] == done["tool"]


@pytest.mark.serve("--region", HOME)
def test_the_screens_show_the_check_loop_the_change_and_what_stays(members):
    server = members.server
    keep = str(server.folder / "before.json")
    rules = [{"ID": "three-years", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1095}}]
    members.s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})
    members.s3.put_object(Bucket=BUCKET, Key=f"AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz", Body=b"1")
    members.s3.put_object(
        Bucket=BUCKET, Key=f"AWSLogs/{ACCOUNT}/CloudTrail/y.json.gz", Body=b"1", ServerSideEncryption="AES256"
    )
    before = settings(members)
    for language in ("en", "ja"):
        shown = rollback(server, "--dry-run", "--show-commands", "--lang", language).stdout
        screen(f"rollback-dry-run.{language}", shown)
        assert settings(members) == before
    unasked = rollback(server, check=1)
    assert "--yes" in unasked.stderr and settings(members) == before
    assert not list(server.folder.glob("shoseki-before-*"))
    screen("rollback.en", rollback(server, "--yes", "--before-state", keep).stdout)
    assert stat.S_IMODE(os.stat(keep).st_mode) == 0o600
    assert "secret" not in pathlib.Path(keep).read_text().lower()
    assert settings(members) != before
    again = rollback(server, "--yes", "--lang", "ja").stdout
    assert "変更はありません" in again and again.count(": 無効") == 0 and again.count("無効") == len(SEVENTEEN_REGIONS)
    screen("rollback-undo-dry-run.ja", rollback(server, "--undo", keep, "--dry-run", "--lang", "ja").stdout)
    screen("rollback-undo.en", rollback(server, "--undo", keep, "--yes").stdout)
    assert settings(members) == before, "what the two calls answer is as it was, byte for byte"
    assert "nothing to take back" in rollback(server, "--undo", keep, "--yes").stdout


@pytest.mark.serve("--region", HOME)
def test_json_has_the_state_before_and_after_and_the_calls(members):
    server = members.server
    answer = json.loads(rollback(server, "--yes", "--output", "json", "--count-max", "0").stdout)
    assert answer["change"]["outcome"] == "made"
    assert [step["state"] for step in answer["change"]["steps"]] == ["made", "made"]
    assert [region["region"] for region in answer["before"]["regions"]] == SEVENTEEN_REGIONS
    assert all(region["trails"] == {"known": {"Members": True}} for region in answer["before"]["regions"])
    assert all(region["trails"] == {"known": {"Members": False}} for region in answer["after"]["regions"])
    undone = json.loads(rollback(server, "--undo", answer["change"]["beforeState"], "--yes", "--output", "json").stdout)
    assert (undone["outcome"], undone["left"]) == ("made", [])


@pytest.mark.serve("--region", HOME)
def test_objects_under_the_key_are_counted_and_a_bound_is_said_to_be_one(members):
    server = members.server
    for number in range(7):
        members.s3.put_object(Bucket=BUCKET, Key=f"AWSLogs/{ACCOUNT}/CloudTrail/{number}.json.gz", Body=b"1")
    of = lambda *more: " ".join(rollback(server, "--dry-run", *more).stdout.split())
    assert "7 of 7 log and digest files looked at" in of() and "At least" not in of()
    assert "At least 3 of 3 log" in of("--count-max", "3")
    assert "7 of 7 log" in of("--count-max", "7") and "At least" not in of("--count-max", "7")
    assert "looked at" not in of("--count-max", "0")


@pytest.mark.serve("--region", HOME)
def test_regions_trails_and_bucket_defaults_can_be_left_out(members):
    server = members.server
    trails = [members]
    for region in ("us-east-1", "eu-west-1"):
        trails.append(make_trail(server, f"own-{region}", region, f"own-{region}", IsMultiRegionTrail=False))
    sealed = lambda: {trail.name for trail in trails if trail.cloudtrail.get_trail(Name=trail.arn)["Trail"].get("KmsKeyId")}
    all_names = {trail.name for trail in trails}
    rollback(server, "--yes", "--exclude-regions", f"{HOME},eu-west-1")
    assert sealed() == all_names - {"own-us-east-1"}
    rollback(server, "--yes", "--exclude-trail", "Members")
    assert sealed() == {"Members"}
    rollback(server, "--yes", "--regions", HOME, "--keep-bucket-default")
    assert sealed() == set()
    rule = members.s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms" and rule["BucketKeyEnabled"] is True
    for wrong, said in ((["--trail", "Menbers"], "Menbers"), (["--exclude-regions", "ap-northeast-9"], "ap-northeast-9")):
        assert said in rollback(server, "--yes", *wrong, check=1).stderr


@pytest.mark.serve("--region", HOME)
def test_the_rights_of_the_article_are_enough_and_what_is_missing_is_named(members):
    server = members.server
    read = ["cloudtrail:DescribeTrails", "s3:GetEncryptionConfiguration", "ec2:DescribeRegions"]
    who = server.user("operator", allow([*read, "cloudtrail:UpdateTrail", "s3:PutEncryptionConfiguration"]))
    shown = " ".join(rollback(server, "--dry-run", who=who).stdout.split())
    assert "is not known: s3:ListObjectsV2 was answered with AccessDenied" in shown
    assert "kms:DescribeKey was answered with AccessDenied" in shown
    half = server.user("half", allow([*read, "s3:PutEncryptionConfiguration"]))
    failed = rollback(server, "--yes", who=half, check=1)
    assert "step 2 failed: AccessDenied" in failed.stderr and "cloudtrail:UpdateTrail" in failed.stderr
    assert "1. made" in failed.stdout and "2. failed" in failed.stdout
    assert "shoseki trail rollback --yes" in failed.stdout and "trail rollback --undo shoseki-before-rollback-" in failed.stdout
    assert seed(members, "003-check-bucket.sh") == "SSE-S3 is enabled\n"
    before_file(server).rename(server.folder / "first.json")
    rollback(server, "--yes", who=who)
    assert "KmsKeyId" not in members.cloudtrail.get_trail(Name="Members")["Trail"], "the same command goes on"


@pytest.mark.serve("--region", HOME)
def test_a_file_of_another_account_or_format_changes_nothing(members):
    server = members.server
    other = server.account("222222222222")
    rollback(server, "--yes")
    after = settings(members)
    path = before_file(server)
    refusal = rollback(server, "--undo", str(path), "--yes", who=other, check=1)
    assert f"of the account {ACCOUNT}" in refusal.stderr and "222222222222" in refusal.stderr
    newer = server.folder / "newer.json"
    newer.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    assert "the format 2" in rollback(server, "--undo", str(newer), "--yes", check=1).stderr
    taken = rollback(server, "--yes", "--trail", "Members", "--before-state", str(path))
    assert "nothing to change" in taken.stdout.lower()
    assert settings(members) == after


@pytest.mark.serve("--region", HOME)
@pytest.mark.parametrize("operation", ["CloudTrail_20131101.UpdateTrail", f"PUT /{BUCKET}"], ids=["trail", "bucket"])
def test_what_a_killed_run_leaves_takes_everything_back(members, operation):
    server = members.server
    before = settings(members)
    gate = Gate(server, operation)
    environment = {**server.cli_environment(HOME), "AWS_ENDPOINT_URL": gate.endpoint}
    command = [BINARY, "trail", "rollback", "--yes", "--count-max", "0"]
    process = subprocess.Popen(command, env=environment, cwd=server.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert gate.held.wait(30), "the call was made, and its answer is held back"
        process.kill()
    finally:
        process.kill()
        process.wait(30)
        gate.close()
    assert settings(members) != before, "the server has done what the killed process never heard of"
    path = before_file(server)
    assert len(list(server.folder.glob(".shoseki*"))) == 0
    rollback(server, "--undo", str(path), "--yes")
    assert settings(members) == before


@pytest.mark.serve("--region", HOME)
def test_an_interrupted_run_ends_the_call_in_flight_and_says_how_to_go_on(members):
    server = members.server
    before = settings(members)
    gate = Gate(server, f"PUT /{BUCKET}")
    environment = {**server.cli_environment(HOME), "AWS_ENDPOINT_URL": gate.endpoint}
    process = subprocess.Popen(
        [BINARY, "trail", "rollback", "--yes", "--count-max", "0"], env=environment, cwd=server.folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        assert gate.held.wait(30)
        process.send_signal(signal.SIGINT)
        first = process.stderr.readline() + process.stderr.readline()
        assert "Interrupted" in first, first
        gate.open.set()
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(30)
        gate.close()
    assert process.returncode == 130, out
    assert "1. made" in out and "2. not made" in out, out
    assert "shoseki trail rollback --yes --count-max 0" in out and "--undo shoseki-before-rollback-" in out
    assert "KmsKeyId" in members.cloudtrail.get_trail(Name="Members")["Trail"]
    assert seed(members, "003-check-bucket.sh") == "SSE-S3 is enabled\n"
    rollback(server, "--undo", str(before_file(server)), "--yes")
    assert settings(members) == before


@pytest.mark.serve("--region", HOME)
def test_on_a_terminal_only_yes_is_yes(members):
    server = members.server
    before = settings(members)
    command = [BINARY, "trail", "rollback", "--count-max", "0"]
    environment = server.cli_environment(HOME)
    for answer, status in (("no", 1), ("", 1), (None, 130)):
        with tmux_session(server.folder, command, size=(120, 70), environment=environment, cwd=server.folder) as session:
            session.wait_for("Type yes")
            if answer is None:
                session.send("C-c")
            else:
                session.type(answer)
                session.send("Enter")
            session.wait_for("Nothing was changed.")
            assert session.wait_end() == status
        assert settings(members) == before
    with tmux_session(server.folder, command, size=(120, 70), environment=environment, cwd=server.folder) as session:
        session.wait_for("Type yes")
        session.type("yes")
        session.send("Enter")
        assert session.wait_end() == 0
    assert settings(members) != before
