"""`shoseki check`: the controls on the server and on a foreign endpoint, what puts them right, and the forms of the report."""

import html.parser
import json
import re
import signal
import subprocess
import threading
import xml.etree.ElementTree as ElementTree

import boto3
import pytest
from harness import ACCOUNT, BINARY, CLEAN, PROGRAMS, allow, make_bucket, make_trail, policy
from screens import screen
from stacks import Stack
from test_cloudformation_seeds import TARGET, example, parameters, with_target

FOUND = 3
SVG = "{http://www.w3.org/2000/svg}"
# AWS Config and event data stores are not served here.
NOT_SERVED = {"CloudTrail.10", "Config.1"}


def run(server, *arguments, who=None, region=None, statuses=(0, FOUND)):
    # Real time stands still while the server's is moved.
    at = [] if "--at" in arguments else ["--at", server.now().strftime("%Y-%m-%dT%H:%M:%SZ")]
    done = subprocess.run(
        [BINARY, "check", *at, *arguments], env=server.cli_environment(region, who), cwd=server.folder, capture_output=True,
        text=True, timeout=120,
    )
    assert done.returncode in statuses, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done


def check(server, *arguments, **more):
    """The status of each control, and the document."""
    document = json.loads(run(server, "--output", "json", *arguments, **more).stdout)
    return {control["id"]: control["status"] for control in document["controls"]}, document


def of(statuses, status):
    return {control for control, found in statuses.items() if found == status}


@pytest.fixture
def template_a(serve):
    server = with_target(serve("--rehearsal", "--delivery-interval", "5m", "--aws-behavior", "seeds"))
    stack = Stack(server, "audit")
    assert stack.create(example("a").read_text(), Parameters=parameters()) == "CREATE_COMPLETE", stack.reasons()
    return server


def small(serve, *options, **settings):
    server = serve("--rehearsal", "--delivery-interval", "5m", *options)
    trail = make_trail(server, **settings)
    return server, trail


# --- the seeds' template, and what was broken ---


def test_the_seeds_template_fares_as_the_standards_say(template_a):
    server = template_a
    server.advance("3h")
    statuses, document = check(server)
    standard = {control: status for control, status in statuses.items() if not control.startswith("Shoseki.")}
    assert of(standard, "FAILED") == {"CloudTrail.9", "CloudWatch.5", "S3.5", "S3.17"}
    assert of(standard, "NOT_AVAILABLE") == NOT_SERVED
    assert of(standard, "PASSED") == {
        *(f"CloudTrail.{number}" for number in range(1, 8)), "KMS.3", "KMS.4", "S3.22", "S3.23",
        "cloudtrail-s3-dataevents-enabled", "cloudtrail-security-trail-enabled", "s3-bucket-server-side-encryption-enabled",
    }
    own = {control: status for control, status in statuses.items() if control.startswith("Shoseki.")}
    assert own.pop("Shoseki.Readers") is None, "nobody was named"
    # It keeps log files for 180 days, and nothing was said of how long they are to be kept.
    assert own.pop("Shoseki.Lifecycle") == "WARNING"
    assert set(own.values()) == {"PASSED"}, [one for one in document["findings"] if one["title"].startswith("Nobody")]
    assert check(server, "--retention", "365", "--control", "Shoseki.Lifecycle")[0] == {"Shoseki.Lifecycle": "FAILED"}
    assert check(server, "--retention", "180", "--control", "Shoseki.Lifecycle")[0] == {"Shoseki.Lifecycle": "PASSED"}

    # The same by the numbers that the template's page cites.
    seeds, _ = check(server, "--framework", "seeds")
    assert seeds == {f"CloudTrail.{number}": "PASSED" for number in (1, 2, 4, 5)}
    assert run(server, "--control", "CloudTrail.2,cis-1.2:2.2,PCI.KMS.1").returncode == 0
    assert run(server, "--fail-on", "high").returncode == 0
    assert run(server, "--severity", "medium", "--fail-on", "medium").returncode == FOUND
    assert run(server, "--control", "Config.1").returncode == 0
    assert run(server, "--control", "Config.1", "--strict").returncode == FOUND
    missing = next(one for one in document["findings"] if one["compliance"]["securityControlId"] == "Config.1")
    assert {one["call"] for one in missing["notAvailable"]} == {"config:DescribeConfigurationRecorders"}


def test_a_trail_of_all_regions_is_assessed_once(template_a):
    _, document = check(template_a, "--control", "CloudTrail.4", "--regions", "us-east-1,eu-west-1,ap-northeast-1")
    (finding,) = document["findings"]
    assert finding["resources"] == [
        {"type": "AWS::CloudTrail::Trail", "id": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/CloudTrail", "region": "us-east-1"}
    ]


BROKEN = {
    "validation": (lambda s, t: t.cloudtrail.update_trail(Name=t.name, EnableLogFileValidation=False),
                   {"CloudTrail.4", "cloudtrail-security-trail-enabled"}),
    "key": (lambda s, t: t.cloudtrail.update_trail(Name=t.name, KmsKeyId=""),
            {"CloudTrail.2", "cloudtrail-security-trail-enabled"}),
    "rotation": (lambda s, t: t.kms.disable_key_rotation(KeyId=t.key_arn), {"KMS.4"}),
    "policy": (lambda s, t: t.s3.put_bucket_policy(
        Bucket=t.bucket, Policy=policy(*json.loads(t.s3.get_bucket_policy(Bucket=t.bucket)["Policy"])["Statement"][1:])),
        {"Shoseki.Delivery"}),
    "public": (lambda s, t: (t.s3.delete_public_access_block(Bucket=t.bucket), t.s3.put_bucket_policy(
        Bucket=t.bucket, Policy=policy(*json.loads(t.s3.get_bucket_policy(Bucket=t.bucket)["Policy"])["Statement"],
                                       allow("s3:GetObject", f"arn:aws:s3:::{t.bucket}/*", Principal="*")))),
        {"CloudTrail.6", "Shoseki.BucketOutsiders"}),
    "other account": (lambda s, t: t.kms.create_grant(
        KeyId=t.key_arn, GranteePrincipal="arn:aws:iam::222222222222:root", Operations=["Decrypt"]), {"Shoseki.KeyOutsiders"}),
    "deletion": (lambda s, t: t.kms.schedule_key_deletion(KeyId=t.key_arn, PendingWindowInDays=7),
                 {"KMS.3", "Shoseki.KeyState", "Shoseki.Delivery"}),
    "disabled": (lambda s, t: t.kms.disable_key(KeyId=t.key_arn), {"Shoseki.KeyState", "Shoseki.Delivery"}),
    "digests": (lambda s, t: [t.s3.delete_object(Bucket=t.bucket, Key=key) for key in t.digests("us-east-1")],
                {"Shoseki.DigestTail"}),
}


WHOLE_BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def test_what_is_broken_fails_alone(serve):
    """One thing after the other is broken and put right again by what takes it back."""
    server, trail = small(serve)
    server.account("222222222222")
    trail.kms.enable_key_rotation(KeyId=trail.key_arn)
    trail.s3.put_public_access_block(Bucket=trail.bucket, PublicAccessBlockConfiguration=WHOLE_BLOCK)
    server.advance("130m")
    regions = ["--regions", "us-east-1"]
    before, _ = check(server, *regions)
    assert of(before, "FAILED") == {
        "CloudTrail.5", "CloudTrail.7", "CloudTrail.9", "CloudWatch.5", "S3.5", "S3.17", "S3.22", "S3.23"}
    # A trail of a Region that was not asked may record the objects.
    assert before["cloudtrail-s3-dataevents-enabled"] == "NOT_AVAILABLE"
    kept = json.loads(trail.s3.get_bucket_policy(Bucket=trail.bucket)["Policy"])
    for name, (breaks, expected) in BROKEN.items():
        breaks(server, trail)
        now, _ = check(server, *regions)
        assert of(now, "FAILED") - of(before, "FAILED") == expected, name
        if name != "digests":
            mend(trail, name, kept)
            assert check(server, *regions)[0] == before, name


def mend(trail, name, kept):
    if name in ("validation", "key"):
        trail.cloudtrail.update_trail(Name=trail.name, EnableLogFileValidation=True, KmsKeyId=trail.key_arn)
    elif name == "rotation":
        trail.kms.enable_key_rotation(KeyId=trail.key_arn)
    elif name in ("policy", "public"):
        trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=json.dumps(kept))
        trail.s3.put_public_access_block(Bucket=trail.bucket, PublicAccessBlockConfiguration=WHOLE_BLOCK)
    elif name == "other account":
        (grant,) = trail.kms.list_grants(KeyId=trail.key_arn)["Grants"]
        trail.kms.revoke_grant(KeyId=trail.key_arn, GrantId=grant["GrantId"])
    elif name == "deletion":
        trail.kms.cancel_key_deletion(KeyId=trail.key_arn)
        trail.kms.enable_key(KeyId=trail.key_arn)
    elif name == "disabled":
        trail.kms.enable_key(KeyId=trail.key_arn)


def test_readers_and_those_who_could_tamper_are_told_apart(serve):
    server, trail = small(serve)
    kms = allow(["kms:Decrypt"], trail.key_arn)
    s3 = allow(["s3:GetObject"], f"arn:aws:s3:::{trail.bucket}/*")
    auditor = server.user("auditor", s3, kms).arn
    half = server.user("half", s3).arn
    curious = server.user("curious", s3, kms, allow("s3:DeleteObject", f"arn:aws:s3:::{trail.bucket}/*")).arn
    admin = server.user("admin", allow(["cloudtrail:*", "kms:PutKeyPolicy", "s3:PutBucketPolicy"])).arn
    controls = ["--control", "Shoseki.Readers,Shoseki.OtherReaders,Shoseki.Tampering", "--regions", "us-east-1"]

    def told(*arguments):
        statuses, document = check(server, *controls, *arguments)
        reasons = {one["compliance"]["securityControlId"]: one["compliance"]["statusReasons"] for one in document["findings"]}
        return statuses, {control: " ".join(one["description"] for one in all) for control, all in reasons.items()}

    statuses, reasons = told()
    assert statuses == {"Shoseki.Readers": None, "Shoseki.OtherReaders": "WARNING", "Shoseki.Tampering": "WARNING"}
    assert auditor in reasons["Shoseki.OtherReaders"] and half not in reasons["Shoseki.OtherReaders"]
    statuses, reasons = told("--reader", f"{auditor},{half}", "--administrator", admin)
    assert statuses == {"Shoseki.Readers": "FAILED", "Shoseki.OtherReaders": "FAILED", "Shoseki.Tampering": "FAILED"}
    assert half in reasons["Shoseki.Readers"] and "kms:Decrypt" in reasons["Shoseki.Readers"]
    assert auditor not in reasons["Shoseki.Readers"]
    assert curious in reasons["Shoseki.OtherReaders"] and auditor not in reasons["Shoseki.OtherReaders"]
    assert f"{curious}: s3:DeleteObject" in reasons["Shoseki.Tampering"] and admin not in reasons["Shoseki.Tampering"]
    statuses, _ = told("--reader", f"{auditor},{curious}", "--administrator", f"{admin},{curious}")
    assert set(statuses.values()) == {"PASSED"}


def test_a_caller_who_may_not_ask_is_told_which_call(serve):
    server, trail = small(serve)
    looks = ["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors", "ec2:DescribeRegions"]
    narrow = server.user("narrow", allow(looks))
    statuses, document = check(server, "--regions", "us-east-1", who=narrow)
    asked = {"CloudTrail.1", "CloudTrail.2", "CloudTrail.3", "CloudTrail.4"}
    assert of(statuses, "PASSED") == asked | {"cloudtrail-security-trail-enabled"}
    for finding in document["findings"]:
        if finding["compliance"]["status"] == "NOT_AVAILABLE":
            assert finding["notAvailable"] and all(one["call"] for one in finding["notAvailable"]), finding
    calls = {one["call"] for finding in document["findings"] for one in finding["notAvailable"]}
    assert {"kms:DescribeKey", "cloudtrail:ListTags", "s3:ListObjectsV2"} <= calls


# --- what puts it right ---


def test_what_can_be_put_right_is_and_the_second_check_is_green(serve):
    server, trail = small(serve, "--tls", "auto", with_key=False, IsMultiRegionTrail=False, EnableLogFileValidation=False)
    key = server.client("kms").create_key(Policy=json.dumps(json.loads(policy(
        allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        allow(["kms:GenerateDataKey*", "kms:DescribeKey"], Principal={"Service": "cloudtrail.amazonaws.com"})))))
    key = key["KeyMetadata"]["Arn"]
    make_bucket(server, TARGET)
    writes = allow("s3:PutObject", f"arn:aws:s3:::{TARGET}/*", Principal={"Service": "logging.s3.amazonaws.com"})
    server.client("s3").put_bucket_policy(Bucket=TARGET, Policy=policy(writes))
    trail.cloudtrail.stop_logging(Name=trail.name)
    named = ["--key", key, "--access-log-bucket", TARGET, "--tag", "owner=audit"]
    controls = ["--control", "CloudTrail.1,CloudTrail.2,CloudTrail.3,CloudTrail.4,CloudTrail.7,CloudTrail.9,KMS.4,S3.5,S3.17,S3.22,"
                "S3.23,cloudtrail-s3-dataevents-enabled,cloudtrail-security-trail-enabled"]
    failed = of(check(server, *controls)[0], "FAILED")
    assert len(failed) == 12 and "KMS.4" not in failed, "the key is not the trail's yet"

    refused = run(server, *controls, "--fix", statuses=(1,))
    assert "--yes" in refused.stderr
    shown = run(server, *controls, "--fix", *named, "--dry-run", "--show-commands", statuses=(FOUND,)).stdout
    assert "aws cloudtrail update-trail" in shown and "DenyCallsWithoutTls" in shown
    assert of(check(server, *controls)[0], "FAILED") == failed
    first = run(server, *controls, "--fix", *named, "--yes", "--output", "json")
    statuses = {one["id"]: one["status"] for one in json.loads(first.stdout)["controls"]}
    assert of(statuses, "FAILED") == {"KMS.4"}
    second = run(server, *controls, "--fix", "KMS.4", "--yes", "--output", "json", statuses=(0,))
    statuses = {one["id"]: one["status"] for one in json.loads(second.stdout)["controls"]}
    assert set(statuses.values()) == {"PASSED"}
    selectors = trail.cloudtrail.get_event_selectors(TrailName=trail.name)["EventSelectors"]
    assert selectors[0]["DataResources"] == [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]

    # What keeps it from delivering, and what spoils the key.
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=policy(
        allow("s3:GetBucketAcl", f"arn:aws:s3:::{trail.bucket}", Principal={"Service": "cloudtrail.amazonaws.com"})))
    server.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    own = ["--control", "Shoseki.Delivery,Shoseki.KeyState,KMS.3", "--regions", "us-east-1"]
    assert of(check(server, *own)[0], "FAILED") == {"Shoseki.Delivery", "Shoseki.KeyState", "KMS.3"}
    mended = run(server, *own, "--fix", "--yes", "--output", "json", statuses=(0, FOUND))
    assert of({one["id"]: one["status"] for one in json.loads(mended.stdout)["controls"]}, "FAILED") == set(), mended.stdout

    added = json.loads(trail.s3.get_bucket_policy(Bucket=trail.bucket)["Policy"])["Statement"]
    assert added[-1]["Resource"] == f"arn:aws:s3:::{trail.bucket}/AWSLogs/{ACCOUNT}/*", "for every file to come"
    server.advance("2h")
    assert of(check(server, *own)[0], "FAILED") == set() and not trail.status().get("LatestDeliveryError")

    taken = sorted(server.folder.glob("shoseki-before-fix-*.json"))
    assert len(taken) == 3, taken


def test_nobody_is_locked_out_who_calls_without_tls(serve):
    server, trail = small(serve)
    done = run(server, "--control", "S3.5", "--regions", "us-east-1", "--fix", "--yes")
    assert done.returncode == FOUND and "would lock this caller out" in done.stdout
    assert "DenyCalls" not in trail.s3.get_bucket_policy(Bucket=trail.bucket)["Policy"]


# --- the forms of the report ---


class Page(html.parser.HTMLParser):
    """What a page is made of, and whether its elements are closed."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.seen, self.attributes = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "br"):
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def test_every_form_is_what_it_says(template_a):
    server = template_a
    evil = 'evil"<script>&'
    server.client("cloudtrail").add_tags(
        ResourceId=f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/CloudTrail", TagsList=[{"Key": "a", "Value": "b"}])
    s3 = server.client("s3")
    rule = {"ID": evil, "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=f"cloudtrail-{ACCOUNT}", LifecycleConfiguration={"Rules": [rule]})
    server.advance("3h")
    reader = server.user("auditor").arn
    saved = server.folder / "survey.json"
    run(server, "--save-survey", str(saved), "--retention", "365")
    reports = {}
    for form in ("json", "junit", "sarif", "html"):
        file = server.folder / f"report.{form}"
        told = run(server, "--from", str(saved), "--retention", "365", "--reader", reader, "--output", form, "--out", str(file))
        assert told.stdout == "" and told.returncode == FOUND
        reports[form] = file.read_text()

    findings = json.loads(reports["json"])["findings"]
    count = lambda status: sum(one["compliance"]["status"] == status for one in findings)
    junit = ElementTree.fromstring(reports["junit"])
    assert len(junit.findall(".//testcase")) == len(findings) == int(junit.get("tests"))
    assert len(junit.findall(".//failure")) == count("FAILED") == int(junit.get("failures"))
    assert len(junit.findall(".//skipped")) == count("NOT_AVAILABLE")
    assert any(evil in (failure.text or "") for failure in junit.findall(".//failure"))

    sarif = json.loads(reports["sarif"])
    (ran,) = sarif["runs"]
    rules = [rule["id"] for rule in ran["tool"]["driver"]["rules"]]
    assert sarif["version"] == "2.1.0" and len(set(rules)) == len(rules)
    for result in ran["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert (result["kind"] == "fail") == (result["level"] != "none")
        assert result["message"]["text"] and result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
    assert sum(result["kind"] == "fail" for result in ran["results"]) == count("FAILED")

    page = Page(reports["html"])
    assert page.stack == [] and {"h1", "h2", "caption", "th", "svg", "title", "desc"} <= set(page.seen)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.seen)
    assert not [value for name, value in page.attributes if name in ("src", "href", "onclick")]
    assert ("lang", "en") in page.attributes and evil not in reports["html"] and "url(" not in reports["html"]
    drawing = ElementTree.fromstring(re.search(r"<svg.*?</svg>", reports["html"], re.DOTALL).group().replace(
        "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))
    assert drawing.find(f"{SVG}title").text and "GenerateDataKey" in drawing.find(f"{SVG}desc").text
    assert drawing.findall(f"{SVG}g[@class='good']") and drawing.findall(f"{SVG}g[@class='bad']")

    japanese = run(server, "--lang", "ja", "--from", str(saved), "--output", "html").stdout
    assert ("lang", "ja") in Page(japanese).attributes and "証跡" in japanese
    told = json.loads(run(server, "--lang", "ja", "--from", str(saved), "--output", "json").stdout)
    assert all(one["title"].isascii() for one in told["findings"]), "what machines read is English"

    # A survey is true as of when it was made, and needs nobody.
    alone = subprocess.run([BINARY, "check", "--from", str(saved), "--output", "json"], env=CLEAN, capture_output=True, text=True)
    assert alone.returncode == FOUND and json.loads(alone.stdout)["account"] == ACCOUNT


def test_the_screens(template_a):
    server = template_a
    server.advance("3h")
    for language in ("en", "ja"):
        done = run(server, "--lang", language, "--framework", "seeds,security-hub,shoseki")
        screen("check" if language == "en" else "check.ja", done.stdout)
    help_text = subprocess.run([BINARY, "check", "--help"], env=CLEAN, capture_output=True, text=True).stdout
    screen("check.help", help_text)


def test_what_is_not_understood_is_refused(serve):
    server = serve("--rehearsal")
    wrong = lambda *arguments: run(server, *arguments, statuses=(1, 2))
    assert "no control `CloudTrail.8`" in wrong("--control", "CloudTrail.8").stderr
    assert "cis-3.0" in wrong("--framework", "cis-9").stderr
    assert "RFC 3339" in wrong("--at", "yesterday").stderr
    assert wrong("--from", "x", "--fix").returncode == 2
    assert "cannot read `nowhere.json`" in wrong("--from", "nowhere.json").stderr


# --- a foreign endpoint ---


@pytest.fixture
def moto(tmp_path):
    log = open(tmp_path / "moto.log", "w+")
    process = subprocess.Popen(
        [PROGRAMS / "moto_server", "-H", "127.0.0.1", "-p", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**CLEAN, "HOME": str(tmp_path), "MOTO_ACCOUNT_ID": ACCOUNT},
    )
    place, ready = [], threading.Event()

    def read():
        for line in process.stdout:
            log.write(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                place.append(found.group())
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert ready.wait(30) and place
    yield place[0]
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    reader.join(20)
    log.close()


def test_a_foreign_endpoint_is_checked_as_far_as_it_answers(moto, tmp_path):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1", "endpoint_url": moto}
    s3, kms, cloudtrail = (boto3.client(service, **keys) for service in ("s3", "kms", "cloudtrail"))
    s3.create_bucket(Bucket="logs")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    cloudtrail.create_trail(
        Name="audit", S3BucketName="logs", IsMultiRegionTrail=True, EnableLogFileValidation=True, KmsKeyId=key)
    cloudtrail.start_logging(Name="audit")
    environment = {
        **CLEAN, "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": moto,
    }
    done = subprocess.run(
        [BINARY, "check", "--output", "json", "--regions", "us-east-1"], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == FOUND, done.stdout + done.stderr
    statuses = {one["id"]: one["status"] for one in json.loads(done.stdout)["controls"]}
    assert {"CloudTrail.2", "CloudTrail.3", "CloudTrail.4", "KMS.3"} <= of(statuses, "PASSED"), statuses
    assert {"CloudTrail.5", "CloudTrail.7", "CloudTrail.9", "KMS.4", "S3.5", "Config.1", "Shoseki.Delivery"} <= of(statuses, "FAILED")
