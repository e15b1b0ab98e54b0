"""The console's pages of trails: what they show is what the APIs answer, what is broken is named, what is changed is shown first."""

import json
import re
import subprocess
from datetime import timedelta

import pytest
from browser import PHONE
from console import signed_in, words
from harness import ACCOUNT, BINARY, allow, bucket_policy, make_trail
from test_validate_logs import Touch

pytestmark = pytest.mark.serve("--rehearsal")
HOURS = 4
PAGE = "/trails/us-east-1/audit"


@pytest.fixture
def trail(server):
    """A sealed trail with something to record in each of some hours."""
    trail = make_trail(server)
    for _ in range(HOURS):
        trail.kms.create_key(Description="something to record")
        server.advance("1h")
    return trail


@pytest.fixture
def fresh(server):
    """One that has delivered nothing yet."""
    return make_trail(server)


def hours(text):
    """The state of each hour of the chain."""
    [strip] = re.findall(r'<ol class="strip".*?</ol>', text, re.DOTALL)
    return re.findall(r'<span class="visually-hidden">\S+ ([^<]+)</span>', strip)


def section(text, name):
    """The words of a section, up to the next."""
    return words(re.search(rf'id="{name}".*?(?=<section|</main)', text, re.DOTALL).group(0))


def test_a_healthy_trail_is_shown_as_the_apis_tell_it(server, trail):
    text = signed_in(server).get(PAGE)
    assert 'id="problems"' not in text
    status = trail.status()
    for name in ("LatestDeliveryTime", "LatestDigestDeliveryTime"):
        assert status[name].strftime("%Y-%m-%d %H:%M:%S") in words(text), name
    # The files of the day are counted as a listing counts them.
    logs = trail.keys(region="us-east-1")
    sizes = {item["Key"]: item["Size"] for item in trail.s3.list_objects_v2(Bucket=trail.bucket)["Contents"]}
    total = sum(sizes[key] for key in logs)
    assert f"{len(logs)} log files, {total / 1024:.1f} KiB" in words(text) if total >= 1024 else f"{total} B" in words(text)
    # Each digest of the Region is an hour of the chain; none is said to be more than there.
    digests = trail.digests("us-east-1")
    states = hours(text)
    assert states.count("present") == len(digests) and set(states) <= {"present", "none expected", "not due yet"}
    # What the newest files are sealed by is what HeadObject says.
    for key in sorted(logs)[-3:] + sorted(digests)[-3:]:
        head = trail.s3.head_object(Bucket=trail.bucket, Key=key)
        [row] = [row for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if key in row and "CloudTrail " in row]
        assert head["ServerSideEncryption"] in words(row)
        assert (head.get("SSEKMSKeyId", "no key") in row) == ("SSEKMSKeyId" in head)
    assert "All read and write management events." in section(text, "selectors")


def test_the_list_has_all_regions_and_names_those_that_did_not_answer(server, fresh):
    make_trail(server, "second", "eu-west-1", "second-logs", with_key=False, IsMultiRegionTrail=False)
    text = words(signed_in(server).get("/trails"))
    assert "2 trails, asked for in 17 Regions" in text and "could not be asked" not in text
    assert "audit" in text and "second-logs" in text and "SSE-S3 only" in text
    here = {"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}}
    alice = server.user(
        "alice", allow("cloudtrail:DescribeTrails", Condition=here), allow(["cloudtrail:GetTrailStatus", "ec2:DescribeRegions"])
    )
    text = words(signed_in(server, alice).get("/trails"))
    assert "16 Regions could not be asked" in text and "eu-west-1" in text and "second-logs" not in text
    assert "You may not call s3:GetBucketEncryption" in text


def test_a_broken_bucket_policy_is_explained_and_fixed(server, trail):
    policy = json.loads(bucket_policy(trail.bucket))
    policy["Statement"] = [one for one in policy["Statement"] if one["Action"] != "s3:PutObject"]
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=json.dumps(policy))
    trail.kms.create_key()
    server.advance("1h")
    assert trail.status()["LatestDeliveryError"] == "AccessDenied"
    pages = signed_in(server)
    text = pages.get(PAGE)
    problems = section(text, "problems")
    assert "Log files are not delivered (AccessDenied): the policy of the bucket" in problems
    assert "s3:PutObject" in problems and f"Fix: Let CloudTrail in by the policy of the bucket {trail.bucket}" in problems
    shown = pages.post(f"{PAGE}/settings", {"action": "fix", "control": "Shoseki.Delivery"})
    assert "PutBucketPolicy" in shown
    # Showing has changed nothing.
    assert json.loads(trail.s3.get_bucket_policy(Bucket=trail.bucket)["Policy"]) == policy
    answer, text = pages.confirm(f"{PAGE}/settings", shown)
    assert answer.status == 200, words(text)
    server.advance("1h")
    assert "LatestDeliveryError" not in trail.status()
    assert 'id="problems"' not in pages.get(PAGE)


def test_a_file_that_was_changed_is_shown_with_its_place(server, trail, visit):
    Touch(trail).flip_a_byte()
    command = [BINARY, "trail", "verify", "--trail-arn", trail.arn, "--region", "us-east-1", "--output", "json"]
    report = json.loads(subprocess.run(command, env=server.cli_environment(), capture_output=True, text=True).stdout)
    [place] = [one["location"] for chain in report["chains"] for one in chain["findings"] if one["verdict"] == "INVALID"]
    window = visit()
    assert window.to(PAGE) == 200
    assert window.page.locator(".strip .hour.bad").count() == 0
    window.page.get_by_role("link", name="Verify this time").click()
    window.page.locator("#verdict").wait_for()
    # Put into the page, which is still the trail's.
    assert window.path.startswith(PAGE) and "/verify" not in window.path
    assert "Invalid" in window.page.inner_text("#verdict")
    assert window.page.locator(".strip .hour.bad").count() == 1
    assert place in window.page.inner_text("#verified")
    window.judged().shown("trail-tampered")


def test_a_digest_that_was_deleted_is_missing(server, trail):
    digests = sorted(trail.digests("us-east-1"))
    gone = digests[len(digests) // 2]
    trail.s3.delete_object(Bucket=trail.bucket, Key=gone)
    pages = signed_in(server)
    # The page does not yet know whether one was there; an hour that the trail logged in has none.
    assert hours(pages.get(PAGE)).count("missing") == 1
    text = pages.get(f"{PAGE}/verify")
    states = hours(text)
    assert states.count("missing") == 1 and "valid" in states and "broken" not in states
    assert "Invalid" in words(text) and f"s3://{trail.bucket}/{gone}" in words(text)


def test_a_stop_that_the_trail_tells_of_explains_the_gap(server, trail):
    trail.cloudtrail.stop_logging(Name="audit")
    server.advance("3h")
    trail.cloudtrail.start_logging(Name="audit")
    trail.kms.create_key()
    server.advance("2h")
    states = hours(signed_in(server).get(f"{PAGE}/verify"))
    assert "explained gap" in states and "missing" not in states and states.count("valid") >= HOURS


def test_a_page_is_good_for_everybody(server, trail, visit):
    for how in ({}, PHONE, {"color_scheme": "dark", "locale": "ja-JP"}):
        window = visit(**how)
        for path in ("/trails", PAGE, f"{PAGE}/verify", f"{PAGE}/readers", f"{PAGE}/checks", f"{PAGE}/settings"):
            assert window.to(path) == 200, path
            window.judged()
    window = visit()
    window.to("/trails")
    window.shown("trails")
    window.to(PAGE)
    window.shown("trail")
    window.page.get_by_text("Who can read the log files", exact=True).click()
    window.page.locator("#readers table").wait_for()
    assert f"arn:aws:iam::{ACCOUNT}:root" in window.page.inner_text("#readers")
    window.judged()


@pytest.mark.parametrize("action, fields, is_so", [
    ("stop", {}, lambda trail: trail.status()["IsLogging"] is False),
    ("validation", {"on": "no"}, lambda trail: trail.cloudtrail.get_trail(Name="audit")["Trail"]["LogFileValidationEnabled"] is False),
    ("selectors", {"management": "yes", "s3": "arn:aws:s3:::some-bucket/"}, lambda trail: trail.cloudtrail.get_event_selectors(
        TrailName="audit")["EventSelectors"][0]["DataResources"] == [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::some-bucket/"]}]),
    ("delete", {}, lambda trail: trail.cloudtrail.describe_trails()["trailList"] == []),
])
def test_a_setting_is_changed_once_it_was_shown(server, fresh, action, fields, is_so):
    pages = signed_in(server)
    path = f"{PAGE}/settings"
    shown = pages.post(path, {"action": action, **fields})
    assert "aws cloudtrail" in words(shown) and not is_so(fresh)
    answer, text = pages.confirm(path, shown)
    assert answer.status == 200 and is_so(fresh), words(text)
    # The same form again changes nothing.
    assert pages.confirm(path, shown)[0].status in (200, 404)


def test_a_trail_gets_a_key_and_readers_are_looked_at_first(server):
    trail = make_trail(server, with_key=False)
    bob = server.user("bob", allow("s3:GetObject"))
    pages = signed_in(server)
    path = f"{PAGE}/settings"
    order = {"action": "encrypt", "key-from": "new", "alias": "alias/sealed"}
    shown = pages.post(path, order)
    # Bob reads now and would not: that is said, and nothing can be confirmed.
    assert bob.arn in words(shown) and 'name="change-digest"' not in shown
    shown = pages.post(path, order | {"readers": bob.arn})
    answer, text = pages.confirm(path, shown)
    assert answer.status == 200, words(text)
    assert trail.cloudtrail.get_trail(Name="audit")["Trail"]["KmsKeyId"].startswith("arn:aws:kms:us-east-1")
    server.advance("1h")
    assert bob.arn in words(pages.get(f"{PAGE}/readers"))


def test_what_there_is_not_and_what_one_may_not_see_has_a_page(server, fresh):
    pages = signed_in(server)
    assert "no trail nothing" in words(pages.get("/trails/us-east-1/nothing", status=404))
    pages.get("/trails/nowhere/audit", status=404)
    pages.get(f"{PAGE}?from=yesterdaynoon", status=400)
    alice = server.user("alice", allow("s3:ListBucket"))
    answer, text = signed_in(server, alice).ask("GET", PAGE)
    assert answer.status == 403 and "AccessDenied" in words(text)
    reader = server.user("reader", allow(["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"]))
    text = words(signed_in(server, reader).get(PAGE))
    assert "You may not call cloudtrail:GetEventSelectors" in text and "You may not call s3:ListObjectsV2" in text


def test_names_and_selectors_are_text(server):
    make_trail(server)
    hostile = "<script>alert(1)</script>\"'"
    server.client("cloudtrail").put_event_selectors(TrailName="audit", AdvancedEventSelectors=[
        {"Name": hostile, "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}])
    pages = signed_in(server)
    for path in (PAGE, f"{PAGE}/settings"):
        text = pages.get(path)
        assert "<script>alert(1)</script>" in words(text) and "<script>alert" not in text


def test_time_that_is_asked_for_is_bounded(server, fresh):
    now = server.now()
    form = "%Y-%m-%dT%H:%M:%SZ"
    pages = signed_in(server)
    long_ago = (now - timedelta(days=400)).strftime(form)
    pages.get(f"{PAGE}/verify?from={long_ago}&to={now.strftime(form)}", status=400)
    early = words(pages.get(f"{PAGE}?from={long_ago}&to={(now - timedelta(days=399)).strftime(form)}"))
    assert "0 log files" in early


def test_a_trail_that_was_deleted_is_taken_back_as_it_was(server, fresh):
    def state():
        [found] = fresh.cloudtrail.describe_trails()["trailList"]
        selectors = fresh.cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"]
        return found, selectors, fresh.status()["IsLogging"], fresh.cloudtrail.list_tags(ResourceIdList=[fresh.arn])["ResourceTagList"]

    values = ["arn:aws:s3:::some-bucket/"]
    fresh.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[
        {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": [{"Type": "AWS::S3::Object", "Values": values}]}])
    fresh.cloudtrail.add_tags(ResourceId=fresh.arn, TagsList=[{"Key": "team", "Value": "security"}])
    before = state()
    pages = signed_in(server)
    answer, text = pages.confirm(f"{PAGE}/settings", pages.post(f"{PAGE}/settings", {"action": "delete"}))
    assert answer.status == 200 and fresh.cloudtrail.describe_trails()["trailList"] == []
    [kept] = set(re.findall(r'href="/console(/changes/[^"/]+)"', pages.get("/changes")))
    answer, text = pages.confirm(kept, pages.get(kept))
    assert answer.status == 200, words(text)
    assert state() == before
