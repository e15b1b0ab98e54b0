"""`shoseki trail setup`: a sealed trail with all it needs, in one command that can be repeated, and is taken back when it fails."""

import json
import signal
import subprocess

import pytest
from harness import ACCOUNT, BINARY, SEVENTEEN_REGIONS, allow, bucket_policy, make_bucket, policy, poll, refused
from operators import Lost, answer, environment, operate
from screens import screen, tmux_session
from test_seeds import seed

TOKYO = "ap-northeast-1"
SETUP = ("trail", "setup", "--name", "audit", "--bucket", "audit-logs", "--key-alias", "alias/audit")
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


@pytest.fixture
def rehearsal(serve):
    return lambda region=TOKYO: serve("--rehearsal", "--region", region)


def trail_of(server, name="audit", region=TOKYO):
    found = server.client("cloudtrail", region).describe_trails(trailNameList=[name])["trailList"]
    return found[0] if found else None


def sealed_files(server, bucket, key, kind="CloudTrail", region=TOKYO, home=TOKYO):
    s3 = server.client("s3", home)
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"AWSLogs/{ACCOUNT}/{kind}/{region}/").get("Contents", [])
    heads = [s3.head_object(Bucket=bucket, Key=item["Key"]) for item in found]
    return [head for head in heads if head.get("SSEKMSKeyId") == key]


def everything(server, region=TOKYO):
    """What there is of all that a set-up makes."""
    kms, logs = server.client("kms", region), server.client("logs", region)
    states = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]]
    return {
        "trails": [trail["Name"] for trail in server.client("cloudtrail", region).describe_trails()["trailList"]],
        "buckets": [bucket["Name"] for bucket in server.client("s3", region).list_buckets()["Buckets"]],
        "keys": [state for state in states if state != "PendingDeletion"],
        "aliases": [alias["AliasName"] for alias in kms.list_aliases()["Aliases"] if "aws/" not in alias["AliasName"]],
        "groups": [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
        "roles": [role["RoleName"] for role in server.client("iam").list_roles()["Roles"]],
        "topics": server.client("sns", region).list_topics()["Topics"],
    }


def writes(server):
    """The names of calls that changed something, by the event history."""
    events = server.client("cloudtrail", TOKYO).lookup_events(
        LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"}])["Events"]
    return [event["EventName"] for event in events]


def test_from_nothing_to_sealed_and_signed_log_files(rehearsal):
    server = rehearsal()
    start = server.now()
    command = (*SETUP, "--logs", "/audit", "--topic", "audit", "--expire-days", "365", "--yes")
    first = operate(server, *command)
    screen("setup.new", first.stdout)
    trail = trail_of(server)
    assert trail["IsMultiRegionTrail"] and trail["LogFileValidationEnabled"] and trail["HomeRegion"] == TOKYO
    key = trail["KmsKeyId"]
    assert server.client("cloudtrail", TOKYO).get_trail_status(Name="audit")["IsLogging"]
    assert server.client("kms", TOKYO).get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    s3 = server.client("s3", TOKYO)
    assert s3.get_bucket_versioning(Bucket="audit-logs")["Status"] == "Enabled"
    assert s3.get_bucket_lifecycle_configuration(Bucket="audit-logs")["Rules"][0]["Expiration"] == {"Days": 365}
    assert set(s3.get_public_access_block(Bucket="audit-logs")["PublicAccessBlockConfiguration"].values()) == {True}
    # The policies let in this trail and no other.
    arn = f"arn:aws:cloudtrail:{TOKYO}:{ACCOUNT}:trail/audit"
    for document in (s3.get_bucket_policy(Bucket="audit-logs")["Policy"],
                     server.client("kms", TOKYO).get_key_policy(KeyId=key)["Policy"]):
        services = [one for one in json.loads(document)["Statement"] if "Service" in one["Principal"]]
        assert services and all(one["Condition"]["StringEquals"]["aws:SourceArn"] == arn for one in services)
    server.client("iam").create_user(UserName="somebody")
    server.advance("2h")
    assert sealed_files(server, "audit-logs", key)
    form = "%Y-%m-%dT%H:%M:%SZ"
    told = server.aws("cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", start.strftime(form),
                      "--end-time", server.now().strftime(form), region=TOKYO).stdout
    assert "digest files valid" in told and "log files valid" in told and "INVALID" not in told, told
    streams = server.client("logs", TOKYO).describe_log_streams(logGroupName="/audit")["logStreams"]
    assert f"{ACCOUNT}_CloudTrail_{TOKYO}" in {stream["logStreamName"] for stream in streams}
    # Again: nothing to do, and nothing done.
    before = writes(server)
    again = operate(server, *command)
    screen("setup.again", again.stdout)
    screen("setup.again.ja", operate(server, "--lang", "ja", *command).stdout)
    assert [name for name in writes(server) if name not in before] == []
    assert len(list(server.folder.glob("shoseki-before-setup-*.json"))) == 1


def test_waiting_proves_the_trail_by_its_first_file(rehearsal):
    server = rehearsal()
    process = subprocess.Popen([BINARY, *SETUP, "--yes", "--wait", "--output", "json"], env=environment(server),
                               cwd=server.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert poll(lambda: trail_of(server) and server.client("cloudtrail", TOKYO).get_trail_status(Name="audit")["IsLogging"])
    server.advance("20m")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    told = json.loads(out)
    assert told["delivered"]["kmsKey"] == told["key"] == trail_of(server)["KmsKeyId"]
    assert told["delivered"]["key"].startswith(f"AWSLogs/{ACCOUNT}/CloudTrail/{TOKYO}/")


def test_nothing_arrives_and_it_says_so(rehearsal):
    server = rehearsal()
    done = operate(server, *SETUP, "--yes", "--wait", "--wait-minutes", "0", status=3)
    assert "No log file has arrived" in done.stdout


def test_the_policies_of_the_console_are_those_of_the_article(rehearsal):
    server = rehearsal()
    user = server.user("user_name", allow("*"))
    operate(server, "trail", "setup", "--name", "all", "--bucket", "cloudtrail-logs-all", "--console-policies", "--yes", who=user)
    key = trail_of(server, "all")["KmsKeyId"]
    found = json.loads(server.client("kms", TOKYO).get_key_policy(KeyId=key)["Policy"])
    assert found == json.loads(seed("000-key-policy.json"))
    found = json.loads(server.client("s3", TOKYO).get_bucket_policy(Bucket="cloudtrail-logs-all")["Policy"])
    assert found == json.loads(seed("000-bucket-policy.json"))
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    assert sealed_files(server, "cloudtrail-logs-all", key)
    again = operate(server, "trail", "setup", "--name", "all", "--bucket", "cloudtrail-logs-all", "--console-policies", "--yes",
                    who=user)
    assert "There is nothing to change" in again.stdout


def test_the_options_say_what_the_trail_is(rehearsal):
    server = rehearsal()
    operate(server, "trail", "setup", "--name", "small", "--bucket", "small-logs", "--single-region", "--no-key",
            "--no-validation", "--prefix", "some/where", "--management-events", "write", "--data-events", "s3", "--yes")
    trail = trail_of(server, "small")
    assert "KmsKeyId" not in trail and trail["S3KeyPrefix"] == "some/where"
    assert not (trail["IsMultiRegionTrail"] or trail["LogFileValidationEnabled"] or trail["IncludeGlobalServiceEvents"])
    selectors = server.client("cloudtrail", TOKYO).get_event_selectors(TrailName="small")["EventSelectors"]
    assert [(one["ReadWriteType"], one["DataResources"]) for one in selectors] == [
        ("WriteOnly", [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}])]
    assert everything(server)["keys"] == []


def test_a_definition_is_made_and_its_readers_can_read(rehearsal):
    server = rehearsal()
    reader = server.user("reader", allow(["s3:GetObject", "s3:ListBucket"]))
    (server.folder / "audit.yaml").write_text(f"""
name: audit
region: {TOKYO}
bucket: {{ name: "logs-{{account}}", encryption: trail_key, bucket_key: true, tags: {{ team: audit }} }}
key: {{ alias: alias/audit, readers: ["{reader.arn}"] }}
logs: {{ retention_days: 30 }}
tags: {{ team: audit }}
event_selectors:
  - ReadWriteType: All
    DataResources: [{{ Type: "AWS::Lambda::Function", Values: ["arn:{{partition}}:lambda"] }}]
""")
    operate(server, "trail", "setup", "--definition", "audit.yaml", "--yes")
    bucket = f"logs-{ACCOUNT}"
    rules = server.client("s3", TOKYO).get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["BucketKeyEnabled"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == trail_of(server)["KmsKeyId"]
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    s3 = server.client("s3", TOKYO, who=reader)
    key = s3.list_objects_v2(Bucket=bucket, Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/")["Contents"][0]["Key"]
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert "There is nothing to change" in operate(server, "trail", "setup", "--definition", "audit.yaml", "--yes").stdout


def test_what_is_there_already_gets_just_the_statements_that_it_lacks(rehearsal):
    server = rehearsal()
    s3, kms = server.client("s3", TOKYO), server.client("kms", TOKYO)
    make_bucket(server, "our-logs", TOKYO)
    own = allow("s3:GetObject", "arn:aws:s3:::our-logs/*", Sid="Ours", Principal={"AWS": ROOT})
    s3.put_bucket_policy(Bucket="our-logs", Policy=policy(own))
    key = kms.create_key(Policy=policy(allow("kms:*", Sid="Root", Principal={"AWS": ROOT})))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/ours", TargetKeyId=key)
    former = s3.get_bucket_policy(Bucket="our-logs")["Policy"], kms.get_key_policy(KeyId=key)["Policy"]
    command = ("trail", "setup", "--name", "audit", "--existing-bucket", "our-logs", "--existing-key", "alias/ours")
    # Without a terminal and without --yes nothing is changed.
    unasked = operate(server, *command, status=1)
    assert "--yes" in unasked.stderr and trail_of(server) is None
    dry = operate(server, *command, "--dry-run")
    screen("setup.adopt", dry.stdout)
    screen("setup.adopt.ja", operate(server, "--lang", "ja", *command, "--dry-run").stdout)
    assert (s3.get_bucket_policy(Bucket="our-logs")["Policy"], kms.get_key_policy(KeyId=key)["Policy"]) == former
    operate(server, *command, "--yes")
    sids = [one["Sid"] for one in json.loads(s3.get_bucket_policy(Bucket="our-logs")["Policy"])["Statement"]]
    assert sids == ["Ours", "AWSCloudTrailAclCheck", "AWSCloudTrailWrite"]
    sids = [one["Sid"] for one in json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"]]
    assert sids == ["Root", "Allow CloudTrail to encrypt log files", "Allow CloudTrail to describe the key"]
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    assert sealed_files(server, "our-logs", key)
    assert "There is nothing to change" in operate(server, *command, "--yes").stdout
    # A second trail in the same bucket needs statements of its own.
    operate(server, "trail", "setup", "--name", "second", *command[4:], "--yes")
    sids = [one["Sid"] for one in json.loads(s3.get_bucket_policy(Bucket="our-logs")["Policy"])["Statement"]]
    assert sids[3:] == ["AWSCloudTrailAclCheck2", "AWSCloudTrailWrite2"]


def wrong(server, *arguments, **more):
    told = answer(server, "trail", "setup", *arguments, "--yes", status=1, **more)
    return {check["about"]: check["says"] for check in told["checks"] if check["outcome"] == "wrong"}


def test_what_would_fail_is_said_before_anything_is_changed(rehearsal):
    server = rehearsal()
    other = server.account("111122223333")
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": TOKYO}}
    server.client("s3", TOKYO, who=other).create_bucket(Bucket="theirs", **elsewhere)
    make_bucket(server, "ours", TOKYO)
    server.client("s3", TOKYO).put_object(Bucket="ours", Key="x", Body=b"x")
    kms = server.client("kms", TOKYO)
    taken = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/taken", TargetKeyId=taken)
    far = server.client("kms", "us-west-2").create_key()["KeyMetadata"]["Arn"]
    before = everything(server)
    assert "theirs is taken" in wrong(server, "--name", "audit", "--bucket", "theirs")["bucket"]
    assert "--existing-bucket ours" in wrong(server, "--name", "audit", "--bucket", "ours")["bucket"]
    assert taken in wrong(server, "--name", "audit", "--key-alias", "alias/taken")["key"]
    assert "no bucket" in wrong(server, "--name", "audit", "--existing-bucket", "nowhere-at-all")["bucket"]
    assert "no key" in wrong(server, "--name", "audit", "--existing-key", "alias/nothing")["key"]
    # A key of another Region is refused before AWS is asked about it.
    asked = len(writes(server))
    found = wrong(server, "--name", "audit", "--existing-key", far)["key"]
    assert "us-west-2" in found and TOKYO in found and "one Region" in found
    assert len(writes(server)) == asked
    # A denial in a policy is not argued with.
    s3 = server.client("s3", TOKYO)
    s3.put_bucket_policy(Bucket="ours", Policy=policy(
        {"Sid": "Never", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::ours/*"}))
    assert "statement Never" in wrong(server, "--name", "audit", "--existing-bucket", "ours")["bucket"]
    assert everything(server) == before


def test_names_and_places_that_are_taken_are_said(rehearsal):
    server = rehearsal()
    operate(server, *SETUP, "--yes")
    found = wrong(server, "--name", "audit", "--bucket", "other-logs", "--key-alias", "alias/other")["trail"]
    assert "S3BucketName: audit-logs, not other-logs" in found
    # A trail of all Regions needs its name and room in each.
    far = server.client("cloudtrail", "eu-west-1")
    make_bucket(server, "far-logs", "eu-west-1")
    server.client("s3", "eu-west-1").put_bucket_policy(Bucket="far-logs", Policy=bucket_policy("far-logs"))
    far.create_trail(Name="far0", S3BucketName="far-logs")
    assert "eu-west-1" in wrong(server, "--name", "far0", "--bucket", "new-logs", "--no-key")["trail"]
    for number in range(1, 4):
        far.create_trail(Name=f"far{number}", S3BucketName="far-logs")
    found = wrong(server, "--name", "wide", "--bucket", "wide-logs", "--no-key")
    assert "eu-west-1" in found["quota"] and "us-east-1" not in found["quota"]
    for number in range(4):
        operate(server, "trail", "setup", "--single-region", "--name", f"more{number}", "--bucket", f"more-{number}", "--no-key", "--yes")
    found = wrong(server, "--single-region", "--name", "sixth", "--bucket", "sixth-logs", "--no-key")
    assert "has 5 trails" in found["quota"]
    with refused("404"):
        server.client("s3", TOKYO).head_bucket(Bucket="sixth-logs")


def test_rights_that_are_missing_are_named_before_anything_is_changed(rehearsal):
    server = rehearsal()
    who = server.user("half", allow(["s3:*", "cloudtrail:Describe*", "kms:Describe*", "kms:List*", "iam:Simulate*", "kms:CreateKey"]))
    found = wrong(server, *SETUP[2:], who=who)
    assert found["rights"] == (
        "The caller's policies do not allow: cloudtrail:CreateTrail, cloudtrail:StartLogging, kms:CreateAlias, kms:EnableKeyRotation.")
    assert everything(server)["buckets"] == []
    # What a role is passed for, and what is done to a key after it was made.
    deny = {"Effect": "Deny", "Action": ["iam:PassRole", "kms:EnableKeyRotation"], "Resource": "*"}
    who = server.user("nearly", allow("*"), deny)
    found = wrong(server, *SETUP[2:], "--logs", who=who)
    assert found["rights"] == "The caller's policies do not allow: iam:PassRole, kms:EnableKeyRotation."
    passes = allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "cloudtrail.amazonaws.com"}})
    others = {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}
    who = server.user("passes", others, passes)
    told = answer(server, *SETUP, "--logs", "--dry-run", who=who)
    assert {check["about"]: check["outcome"] for check in told["checks"]}["rights"] == "good"
    assert set(map(len, everything(server).values())) == {0}


def test_of_a_key_that_is_there_its_policy_says_who_may_change_it(rehearsal):
    server = rehearsal()
    kms = server.client("kms", TOKYO)
    make_bucket(server, "ours", TOKYO)
    who = server.user("keyless", {"Effect": "Allow", "NotAction": "kms:PutKeyPolicy", "Resource": "*"})
    root = {"Sid": "Root", **allow("kms:*"), "Principal": {"AWS": ROOT}}
    named = {"Sid": "Named", **allow("kms:*"), "Principal": {"AWS": who.arn}}
    key = lambda *statements: kms.create_key(Policy=policy(*statements), BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    order = lambda key: ("--name", "audit", "--existing-bucket", "ours", "--existing-key", key)
    assert wrong(server, *order(key(root)), who=who)["rights"] == "The caller's policies do not allow: kms:PutKeyPolicy."
    told = answer(server, "trail", "setup", *order(key(root, named)), "--dry-run", who=who)
    assert {check["about"]: check["outcome"] for check in told["checks"]}["rights"] == "good"
    # Nobody but another may change it: that the caller's own policies allow everything is not enough.
    reads = {"Sid": "Reads", **allow(["kms:Describe*", "kms:Get*", "kms:List*"]), "Principal": {"AWS": ROOT}}
    admin = server.user("admin", allow("*"))
    found = wrong(server, *order(key(reads, named)), who=admin)
    assert found["rights"] == "The caller's policies do not allow: kms:PutKeyPolicy."


def test_readers_are_let_in_by_a_key_that_is_there(rehearsal):
    server = rehearsal()
    kms = server.client("kms", TOKYO)
    make_bucket(server, "ours", TOKYO)
    reader = server.user("reader", allow("s3:*"))
    key = kms.create_key(Policy=policy({"Sid": "Root", **allow("kms:*"), "Principal": {"AWS": ROOT}}))["KeyMetadata"]["Arn"]
    operate(server, "trail", "setup", "--name", "audit", "--existing-bucket", "ours", "--existing-key", key, "--reader", reader.arn, "--yes")
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    s3 = server.client("s3", TOKYO, who=reader)
    found = s3.list_objects_v2(Bucket="ours", Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/")["Contents"]
    assert s3.get_object(Bucket="ours", Key=found[0]["Key"])["SSEKMSKeyId"] == key
    again = operate(server, "trail", "setup", "--name", "audit", "--existing-bucket", "ours", "--existing-key", key, "--reader", reader.arn, "--yes")
    assert "There is nothing to change" in again.stdout
    refusal = operate(server, "template", "--existing-key", key, "--reader", reader.arn, status=None)
    assert refusal.returncode and "--reader is for a key that is made" in refusal.stderr


def test_a_bucket_that_demands_a_seal_is_asked_with_that_of_the_trail(rehearsal):
    server = rehearsal()
    make_bucket(server, "ours", TOKYO)
    sealed = {"Sid": "Sealed", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::ours/*",
              "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}
    server.client("s3", TOKYO).put_bucket_policy(Bucket="ours", Policy=policy(sealed))
    assert "statement Sealed" in wrong(server, "--name", "audit", "--existing-bucket", "ours", "--no-key")["bucket"]
    told = answer(server, "trail", "setup", "--name", "audit", "--existing-bucket", "ours", "--yes")
    says = [check for check in told["checks"] if check["about"] == "bucket"]
    assert [check["outcome"] for check in says] == ["good", "unknown"] and "digests" in says[1]["says"]
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    assert sealed_files(server, "ours", told["key"])


def test_a_failure_in_the_middle_takes_everything_back(rehearsal):
    server = rehearsal()
    before = everything(server)
    # Who may not ask the simulator learns it from the call itself.
    deny = {"Effect": "Deny", "Action": ["cloudtrail:CreateTrail", "iam:SimulatePrincipalPolicy"], "Resource": "*"}
    who = server.user("nearly", allow("*"), deny)
    done = operate(server, *SETUP, "--logs", "--topic", "--yes", who=who, status=1)
    screen("setup.failed", done.stdout + done.stderr)
    assert "AccessDenied" in done.stderr and "All is as it was before" in done.stdout
    assert everything(server) == before
    assert not list(server.folder.glob("shoseki-before-*"))
    told = answer(server, *SETUP, "--yes", who=who, status=1)
    assert told["change"]["outcome"] == "failed" and told["change"]["takenBack"]


def interrupted(server, at):
    """A set-up that is interrupted once it has said that so many steps are done."""
    process = subprocess.Popen([BINARY, *SETUP, "--logs", "--yes"], env=environment(server), cwd=server.folder,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(f"  {at}. done"):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    return process.returncode, "".join(lines) + out, err


@pytest.mark.parametrize("at", [1, 4, 8, 13])
def test_an_interrupted_run_is_finished_by_the_next(rehearsal, at):
    server = rehearsal()
    status, out, err = interrupted(server, at)
    assert status == 130, out + err
    assert "To go on, make the same command again" in out and "trail rollback --undo" in out
    operate(server, *SETUP, "--logs", "--yes")
    found = everything(server)
    assert found["trails"] == ["audit"] and found["keys"] == ["Enabled"] and found["aliases"] == ["alias/audit"]
    assert found["groups"] == ["CloudTrail"] and found["roles"] == ["CloudTrailLogsRole"]
    key = trail_of(server)["KmsKeyId"]
    assert server.client("kms", TOKYO).get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert "There is nothing to change" in operate(server, *SETUP, "--logs", "--yes").stdout


def test_a_trail_in_each_region_with_one_bucket_key_and_role(rehearsal):
    server = rehearsal()
    regions = [TOKYO, "us-east-1", "eu-west-1"]
    command = (*SETUP, "--per-region", ",".join(regions), "--logs", "--yes")
    told = answer(server, *command)
    assert told["trails"] == [f"arn:aws:cloudtrail:{region}:{ACCOUNT}:trail/audit" for region in regions]
    trails = {region: trail_of(server, region=region) for region in regions}
    assert {trail["KmsKeyId"] for trail in trails.values()} == {told["key"]} and f":{TOKYO}:" in told["key"]
    assert {trail["S3BucketName"] for trail in trails.values()} == {"audit-logs"}
    assert {region for region in regions if trails[region]["IncludeGlobalServiceEvents"]} == {"us-east-1"}
    assert trail_of(server, region="us-west-2") is None
    for region in regions:
        server.client("kms", region).list_keys()
    server.advance("20m")
    for region in regions:
        assert sealed_files(server, "audit-logs", told["key"], region=region), region
        assert server.client("logs", region).describe_log_streams(logGroupName="CloudTrail")["logStreams"], region
    assert answer(server, *command)["change"]["outcome"] == "nothingToDo"


def test_all_regions_are_those_that_are_enabled(rehearsal):
    server = rehearsal()
    told = answer(server, *SETUP, "--per-region", "all", "--dry-run")
    assert len(told["trails"]) == len(SEVENTEEN_REGIONS)


# --- prompts ---


def answered(session, *answers):
    for question, given in answers:
        session.wait_for(question)
        session.type(given)
        session.send("Enter")


def test_the_questions_on_a_terminal(rehearsal, tmp_path):
    server = rehearsal()
    with tmux_session(tmp_path, [BINARY, "trail", "setup"], (120, 90), environment(server), server.folder) as session:
        answered(
            session,
            (f"Region [{TOKYO}]:", "moon"),
            (f"moon is no Region", ""),
            ("Name of the trail", "x"),
            ("3 to 128 letters", "audit"),
            ("all Regions, or of", "a"),
            ("Management events", ""),
            ("Data events (none", "s3, lambda"),
            ("Create a new S3 bucket", ""),
            ("Name of the bucket", "prompted-logs"),
            ("Encrypt the log files", ""),
            ("Create a new KMS key", "y"),
            ("Alias of the key", "prompted"),
            ("Sign digests", ""),
            ("CloudWatch Logs, too", "no"),
        )
        session.wait_for("Type yes")
        screen("setup.prompts", session.capture(history=True))
        session.type("yes")
        session.send("Enter")
        assert session.wait_end() == 0, session.capture(history=True)
    trail = trail_of(server)
    assert trail["S3BucketName"] == "prompted-logs" and trail["LogFileValidationEnabled"]
    assert everything(server)["aliases"] == ["alias/prompted"]
    selectors = server.client("cloudtrail", TOKYO).get_event_selectors(TrailName="audit")["EventSelectors"]
    assert [one["Type"] for one in selectors[0]["DataResources"]] == ["AWS::S3::Object", "AWS::Lambda::Function"]


def test_the_questions_in_japanese(rehearsal, tmp_path):
    server = rehearsal()
    japanese = environment(server, LC_ALL="ja_JP.UTF-8")
    with tmux_session(tmp_path, [BINARY, "trail", "setup"], (120, 90), japanese, server.folder) as session:
        answered(
            session,
            ("リージョン [", ""),
            ("証跡の名前", "audit"),
            ("だけにしますか", "one"),
            ("管理イベント", "write"),
            ("データイベント (none", ""),
            ("新しい S3 バケットを作成しますか", "はい"),
            ("バケット名", "prompted-logs"),
            ("KMS キーで暗号化しますか", "no"),
            ("ログファイルの検証", "いいえ"),
            ("CloudWatch Logs にも", "yes"),
            ("ロググループ名", ""),
        )
        session.wait_for("yes と入力")
        screen("setup.prompts.ja", session.capture(history=True))
        session.type("no")
        session.send("Enter")
        assert session.wait_end() == 1
    assert trail_of(server) is None


@pytest.mark.parametrize("end", ["C-c", "C-d"])
def test_the_questions_end_without_a_change(rehearsal, tmp_path, end):
    server = rehearsal()
    with tmux_session(tmp_path, [BINARY, "trail", "setup"], (100, 30), environment(server), server.folder) as session:
        answered(session, ("Region [", ""))
        session.wait_for("Name of the trail")
        session.send(end)
        assert session.wait_end() == 130
        assert "Nothing was changed." in session.capture()
    assert set(map(len, everything(server).values())) == {0}


def test_taking_a_setup_back_ends_its_key_only_with_the_log_files(rehearsal):
    server = rehearsal()
    kms, s3 = server.client("kms", TOKYO), server.client("s3", TOKYO)
    told = answer(server, *SETUP, "--yes")
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    assert sealed_files(server, "audit-logs", told["key"])
    state = lambda: kms.describe_key(KeyId=told["key"])["KeyMetadata"]["KeyState"]
    undo = ("trail", "rollback", "--undo", told["change"]["beforeState"], "--yes")
    undone = answer(server, *undo, status=1)
    assert [call["operation"] for call in undone["left"]] == ["DeleteBucket", "ScheduleKeyDeletion"]
    assert trail_of(server) is None and state() == "Enabled"
    assert "BucketNotEmpty" in operate(server, *undo, status=1).stdout and state() == "Enabled"
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="audit-logs")
    for one in [one for page in pages for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket="audit-logs", Key=one["Key"], VersionId=one["VersionId"])
    assert answer(server, *undo)["left"] == []
    assert state() == "PendingDeletion" and everything(server)["buckets"] == []


def lose(server, operation, *command):
    lost = Lost(server, operation)
    try:
        return operate(server, *command, status=1, AWS_ENDPOINT_URL=lost.endpoint)
    finally:
        assert lost.is_lost
        lost.listener.close()


@pytest.mark.parametrize("operation", ["CloudTrail_20131101.CreateTrail", "PUT /audit-logs HTTP", "TrentService.CreateAlias"])
def test_what_was_made_without_an_answer_is_taken_back_too(rehearsal, operation):
    server = rehearsal()
    before = everything(server)
    done = lose(server, operation, *SETUP, "--yes")
    assert "may have been made" in done.stdout and "All is as it was before" in done.stdout
    assert everything(server) == before


def test_a_key_made_without_an_answer_is_made_once_and_found_again(rehearsal):
    server = rehearsal()
    done = lose(server, "TrentService.CreateKey", *SETUP, "--yes")
    assert "the answer with its name never came" in done.stdout and "trail rollback --undo" in done.stdout
    assert everything(server)["keys"] == ["Enabled"]
    operate(server, *SETUP, "--yes")
    assert everything(server)["keys"] == ["Enabled"] and everything(server)["aliases"] == ["alias/audit"]
