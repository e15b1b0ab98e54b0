"""`shoseki guard`: the weekly maintenance of seed 003, by hand, as a service, and inside the server on its own clock."""

import json
import signal
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from harness import ACCOUNT, BINARY, allow, make_trail, policy, poll
from screens import screen
from test_operator_rollback import BUCKET, HOME, tool

GUARD = "guard.shoseki.amazonaws.com"
RIGHTS = ["cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:UpdateTrail", "cloudtrail:StartLogging"]
RIGHTS += ["s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration", "ec2:DescribeRegions"]


def key_policy():
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    service = {"Service": "cloudtrail.amazonaws.com"}
    return policy(
        allow("kms:*", Principal=root), allow(["kms:GenerateDataKey*", "kms:DescribeKey", "kms:Decrypt"], Principal=service)
    )


def members(server):
    """The secure account of seed 003: a trail in Tokyo with a key, whose bucket's default is the same key."""
    trail = make_trail(server, "Members", HOME, BUCKET)
    trail.kms.put_key_policy(KeyId=trail.key_arn, PolicyName="default", Policy=key_policy())
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": trail.key_arn}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    trail.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
    return trail


def role(server, rights=RIGHTS, name="maintenance"):
    iam = server.client("iam")
    trust = [allow("sts:AssumeRole", **{"Principal": {"Service": GUARD}}), allow("sts:AssumeRole", Principal={"AWS": ACCOUNT})]
    trust = policy(*[{key: value for key, value in statement.items() if key != "Resource"} for statement in trust])
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(allow(rights)))
    return arn


def baseline(server, trail, role_arn=None, file="baseline.json", **changes):
    document = {
        "account": ACCOUNT,
        "mode": "enforce",
        "basic": {"cloudtrail": True, "config": True},
        "secure": {"cloudtrail": True, "config": True},
        "trails": [{"name": "Members", "home_region": HOME, "key": trail.key_arn, "bucket_key": True}],
        **({"role": role_arn} if role_arn else {}),
        **changes,
    }
    path = server.folder / file
    path.write_text(json.dumps(document))
    return str(path)


def is_sealed(trail):
    rule = trail.s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    key = trail.cloudtrail.get_trail(Name="Members")["Trail"].get("KmsKeyId")
    return key == trail.key_arn, rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms" and rule["BucketKeyEnabled"]


def roll_back(server):
    tool(server, "trail", "rollback", "--yes", "--count-max", "0")


def guard(server, *arguments, **more):
    return tool(server, "guard", *arguments, **more)


def keeper(server):
    """Whoever runs the guard: the rights are those of the role, and root may assume none."""
    return server.user("keeper", allow("sts:AssumeRole"))


@pytest.mark.serve("--region", HOME)
def test_the_first_run_only_looks_the_next_puts_back_and_config_is_skipped_by_name(server):
    trail = members(server)
    path, who = baseline(server, trail, role(server)), keeper(server)
    roll_back(server)
    first = guard(server, "run", path, "--once", who=who, check=3)
    assert is_sealed(trail) == (False, False)
    screen("guard-run-first.en", first.stdout)
    second = guard(server, "run", path, "--once", "--lang", "ja", who=who)
    assert is_sealed(trail) == (True, True)
    screen("guard-run.ja", second.stdout)
    third = json.loads(guard(server, "run", path, "--once", "--output", "json", who=who).stdout)
    assert {finding["standing"] for finding in third["findings"]} == {"inOrder", "skipped"}
    config = [finding for finding in third["findings"] if finding["item"] == "config"]
    assert len(config) == 17 and all("AWS Config is not there" in finding["what"] for finding in config)
    baseline(server, trail, role(server, name="other"))
    roll_back(server)
    changed = json.loads(guard(server, "run", path, "--output", "json", who=who, check=3).stdout)
    assert changed["dryRun"] is True, "a changed baseline is new"
    baseline(server, trail, role(server, name="third"))
    guard(server, "run", path, "--enforce-first", who=who)
    assert is_sealed(trail) == (True, True)


@pytest.mark.serve("--region", HOME)
def test_basic_alone_goes_back_to_sse_s3_and_the_rest_is_put_right(server):
    trail = members(server)
    trail.cloudtrail.update_trail(
        Name="Members", EnableLogFileValidation=False, IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False)
    trail.cloudtrail.stop_logging(Name="Members")
    path = baseline(server, trail, secure={}, basic={"cloudtrail": True})
    guard(server, "run", path, "--once", "--enforce-first")
    assert is_sealed(trail) == (False, False)
    found = trail.cloudtrail.get_trail(Name="Members")["Trail"]
    assert found["LogFileValidationEnabled"] and found["IsMultiRegionTrail"] and found["IncludeGlobalServiceEvents"]
    assert trail.status()["IsLogging"]


@pytest.mark.serve("--region", HOME)
def test_what_is_opted_out_or_excluded_stays_rolled_back(server):
    trail = members(server)
    roll_back(server)
    for number, change in enumerate((
        {"secure": {}, "basic": {}},
        {"exclude_regions": [HOME]},
        {"exclude_resources": ["Members"]},
        {"exclude_resources": [trail.arn]},
    )):
        path = baseline(server, trail, file=f"{number}.json", **change)
        guard(server, "run", path, "--once", "--enforce-first")
        assert is_sealed(trail) == (False, False), change
    path = baseline(server, trail, file="bucket.json", exclude_resources=[BUCKET])
    guard(server, "run", path, "--once", "--enforce-first")
    assert is_sealed(trail) == (True, False)


@pytest.mark.serve("--region", HOME)
def test_a_right_that_the_role_lacks_is_named(server):
    trail = members(server)
    roll_back(server)
    arn = role(server, [right for right in RIGHTS if right != "cloudtrail:UpdateTrail"])
    path, who = baseline(server, trail, arn), keeper(server)
    report = json.loads(guard(server, "run", path, "--enforce-first", "--output", "json", who=who, check=1).stdout)
    (failed,) = [finding for finding in report["findings"] if finding["standing"] == "failed"]
    assert "cloudtrail:UpdateTrail" in failed["what"] and failed["setting"] == "KmsKeyId"
    assert is_sealed(trail) == (False, True)
    blind = role(server, ["s3:GetEncryptionConfiguration", "ec2:DescribeRegions"], name="blind")
    report = json.loads(guard(server, "run", baseline(server, trail, blind), "--output", "json", who=who, check=3).stdout)
    assert "cloudtrail:GetTrail" in [finding["setting"] for finding in report["findings"] if finding["standing"] == "unknown"]
    nobody = guard(server, "run", baseline(server, trail, f"arn:aws:iam::{ACCOUNT}:role/nobody"), who=who, check=1)
    assert "cannot be assumed" in nobody.stderr and "AccessDenied" in nobody.stderr


@pytest.mark.serve("--region", HOME)
def test_show_says_what_the_baseline_means_and_when_it_runs(server):
    trail = members(server)
    path = baseline(server, trail, exclude_regions=["eu-west-1"])
    mask = {r"\d{4}-\d\d-\d\d 02:00 JST \(.*?\)": "SATURDAY 02:00 JST"}
    for language in ("en", "ja"):
        screen(f"guard-show.{language}", guard(server, "show", path, "--lang", language).stdout, mask)
    shown = json.loads(guard(server, "show", path, "--output", "json").stdout)
    runs = [datetime.fromisoformat(run) for run in shown["nextRuns"]]
    assert all(run.weekday() == 4 and run.hour == 17 for run in runs), "Saturday 02:00 in Tokyo is Friday 17:00 in UTC"
    assert shown["firstRunIsDry"] is True
    wrong = server.folder / "wrong.yaml"
    wrong.write_text("secure: { cloudtrail: true }\n")
    assert "no trail is named" in guard(server, "show", str(wrong), check=1).stderr


@pytest.mark.serve("--region", HOME)
def test_the_service_catches_up_once_and_stops_when_told(server):
    trail = members(server)
    path = baseline(server, trail)
    guard(server, "run", path, "--once")
    roll_back(server)
    state = server.folder / "baseline.json.state.json"
    text = json.loads(state.read_text())
    long_ago = datetime.now(timezone.utc) - timedelta(days=30)
    state.write_text(json.dumps({**text, "lastRun": long_ago.strftime("%Y-%m-%dT%H:%M:%SZ")}))
    process = subprocess.Popen(
        [BINARY, "guard", "serve", path], env=server.cli_environment(HOME), cwd=server.folder, stdout=subprocess.PIPE, text=True
    )
    try:
        lines = []
        while "Next run" not in "".join(lines[1:]):
            line = process.stdout.readline()
            assert line, lines
            lines.append(line)
        assert is_sealed(trail) == (True, True)
        assert sum("put back" in line and "Members (" in line for line in lines) == 1, lines
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 0 and "Stopped." in out
    finally:
        process.kill()
        process.wait(30)
    assert json.loads(state.read_text())["lastRun"] > text["lastRun"][:10]


def guarded(serve, tmp_path, **changes):
    """A server that guards itself by this baseline; it is started before there is anything to guard."""
    key = f"arn:aws:kms:{HOME}:{ACCOUNT}:key/"
    path = tmp_path / "guard.json"
    # Weeks pass: there are to be few log files and digests.
    rarely = ("--delivery-interval", "1d", "--digest-interval", "1d")
    plain = serve("--region", HOME, "--rehearsal", *rarely, name="guarded")
    trail = members(plain)
    arn = role(plain)
    assert trail.key_arn.startswith(key)
    path.write_text(open(baseline(plain, trail, arn, **changes)).read())
    plain.stop()
    plain.options += ["--guard", str(path)]
    plain.start()
    return plain, trail


def report(server):
    path = server.data_dir / "guard.report.json"
    return json.loads(path.read_text()) if path.exists() else None


def test_next_saturday_the_server_overwrites_a_roll_back(serve, tmp_path):
    server, trail = guarded(serve, tmp_path)
    server.advance("8d")
    first = report(server)
    assert first["report"]["dryRun"] is True and datetime.fromisoformat(first["at"]).hour == 17
    roll_back(server)
    assert is_sealed(trail) == (False, False)
    server.advance("7d")
    assert is_sealed(trail) == (True, True)
    events = trail.cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UpdateTrail"}])
    latest = json.loads(events["Events"][0]["CloudTrailEvent"])
    assert latest["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "maintenance"
    assert latest["requestParameters"] == {"name": "Members", "kmsKeyId": trail.key_arn}


def test_what_could_not_be_put_back_is_tried_again_before_the_next_week(serve, tmp_path):
    server, trail = guarded(serve, tmp_path)
    server.advance("8d")
    assert report(server)["report"]["dryRun"] is True
    roll_back(server)
    iam = server.client("iam")
    deny = policy({"Effect": "Deny", "Action": "cloudtrail:UpdateTrail", "Resource": "*"})
    iam.put_role_policy(RoleName="maintenance", PolicyName="not", PolicyDocument=deny)
    server.advance("7d")
    assert "failed" in {finding["standing"] for finding in report(server)["report"]["findings"]}
    assert is_sealed(trail) == (False, True)
    iam.delete_role_policy(RoleName="maintenance", PolicyName="not")
    server.advance("1d")
    assert is_sealed(trail) == (True, True)


def test_what_is_opted_out_is_not_overwritten_and_a_role_without_trust_is_reported(serve, tmp_path):
    server, trail = guarded(serve, tmp_path, secure={}, basic={})
    roll_back(server)
    server.advance("15d")
    assert report(server)["report"]["findings"] and is_sealed(trail) == (False, False)
    server.client("iam").delete_role_policy(RoleName="maintenance", PolicyName="rights")
    server.client("iam").delete_role(RoleName="maintenance")
    server.advance("7d")
    assert "AccessDenied" in report(server)["failed"]
    assert server.is_alive()


def test_a_guard_that_never_ran_remembers_over_a_restart_since_when_it_owes_a_run(serve, tmp_path):
    server, _ = guarded(serve, tmp_path)
    file = server.data_dir / "guard.state.json"
    assert poll(file.exists)
    since = json.loads(file.read_text())["since"]
    server.advance("2d")
    server.stop()
    assert json.loads(file.read_text())["since"] == since
    server.start()
    server.advance("6d")
    assert report(server)["report"]["dryRun"] is True and json.loads(file.read_text())["since"] == since
