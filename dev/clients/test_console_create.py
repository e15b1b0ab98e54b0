"""The console sets up a sealed trail: the form, what it shows before anything is made, and that what it says is what the API answers."""

import html
import json
import re
import pytest

from browser import PHONE
from console import Walker
from harness import ACCOUNT, allow, refused

HOME = "ap-northeast-1"
BUCKET = f"cloudtrail-{ACCOUNT}-{HOME}"
PATH = "/trails/create"


@pytest.fixture
def server(serve):
    return serve("--rehearsal")


def calls(server, region=HOME):
    """The names of the calls that changed something, the latest first."""
    events = server.client("cloudtrail", region).lookup_events(
        LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
    )["Events"]
    return [event["EventName"] for event in events]


def fresh(pages):
    return pages.open(f"{PATH}?region={HOME}")


def shown(pages, **typed):
    page = pages.send(fresh(pages), PATH, home=HOME, bucket=BUCKET, **typed)
    assert page.status == 200, page.text
    return page


def made(pages, **typed):
    page = pages.send(shown(pages, **typed), PATH)
    assert page.status == 200 and "The change is made." in page.text, page.text
    return page


def documents(page):
    """The policies that the page shows as JSON."""
    found = []
    for text in page.codes:
        if text.lstrip().startswith("{") and '"Statement"' in text:
            document = json.loads(text)
            found += [document] if "Statement" in document else []
    return found


def test_nothing_is_made_before_it_was_shown_and_then_just_that(server):
    pages = Walker(server)
    page = shown(pages, management="WriteOnly", s3="data-bucket/in/\nother-bucket", data="ReadOnly", logs="on")
    cloudtrail, kms, s3 = (server.client(name, HOME) for name in ("cloudtrail", "kms", "s3"))
    assert cloudtrail.describe_trails()["trailList"] == [] and kms.list_aliases()["Aliases"] == []
    assert "CreateTrail" not in calls(server)
    # What each statement is for stands beside it, in sentences and as JSON; who reads; what it costs.
    assert "CloudTrail seals each file that it delivers" in page.text
    assert "CloudTrail delivers log files and digests" in page.text
    assert f"arn:aws:iam::{ACCOUNT}:root" in page.text and "Who will be able to read the log files" in page.text
    assert "$1.00" in page.text and "100,000 management events a month" in page.text
    policies = documents(page)

    page = pages.send(page, PATH)
    assert page.status == 200 and "The change is made." in page.text, page.text
    [trail] = cloudtrail.describe_trails()["trailList"]
    assert (trail["Name"], trail["HomeRegion"], trail["S3BucketName"]) == ("audit", HOME, BUCKET)
    assert trail["IsMultiRegionTrail"] and trail["LogFileValidationEnabled"] and trail["CloudWatchLogsLogGroupArn"]
    key_policy = json.loads(kms.get_key_policy(KeyId=trail["KmsKeyId"], PolicyName="default")["Policy"])
    bucket_policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert key_policy in policies and bucket_policy in policies
    [alias] = kms.list_aliases(KeyId=trail["KmsKeyId"])["Aliases"]
    assert alias["AliasName"] == "alias/cloudtrail"
    first, second = cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"]
    assert (first["ReadWriteType"], first["IncludeManagementEvents"], first["DataResources"]) == ("WriteOnly", True, [])
    assert (second["ReadWriteType"], second["IncludeManagementEvents"]) == ("ReadOnly", False)
    assert second["DataResources"] == [
        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::data-bucket/in/", "arn:aws:s3:::other-bucket/"]}
    ]
    assert cloudtrail.get_trail_status(Name="audit")["IsLogging"]


def test_the_trail_is_seen_to_begin(server):
    pages = Walker(server)
    page = made(pages)
    assert "A log file is delivered ? Not yet" in page.text and "A digest is signed ? Not yet" in page.text, page.text
    server.client("kms", HOME).create_key(Description="the first")
    server.advance("20m")
    later = pages.open(f"/made/{HOME}/audit")
    # What the page itself reads is no proof.
    assert re.search(r"An event is recorded ✓ Yes (CreateKey|\w+Clock)", later.text), later.text
    assert "A log file is delivered ✓ Yes" in later.text
    server.advance("2h")
    last = pages.open(f"/made/{HOME}/audit")
    assert "Not yet" not in last.text and "A digest is signed ✓ Yes" in last.text
    status = server.client("cloudtrail", HOME).get_trail_status(Name="audit")
    assert status["LatestDigestDeliveryTime"].strftime("%Y-%m-%d %H:%M:%S") in last.text


def test_the_six_statements_of_seed_000(server):
    pages = Walker(server)
    page = shown(pages, policies="console")
    for sentence in [
        "may do everything with the key (kms:*)",
        "may have data keys made (kms:GenerateDataKey*)",
        f"Everybody of the account {ACCOUNT} may decrypt (kms:Decrypt)",
        "It allows nothing that statement 4 does not.",
    ]:
        assert sentence in page.text, page.text
    pages.send(page, PATH)
    [trail] = server.client("cloudtrail", HOME).describe_trails()["trailList"]
    policy = json.loads(server.client("kms", HOME).get_key_policy(KeyId=trail["KmsKeyId"], PolicyName="default")["Policy"])
    assert policy["Id"] == "Key policy created by CloudTrail"
    assert [one["Sid"] for one in policy["Statement"]] == [
        "Enable IAM User Permissions", "Allow CloudTrail to encrypt logs", "Allow CloudTrail to describe key",
        "Allow principals in the account to decrypt log files", "Allow alias creation during setup",
        "Enable cross account log decryption",
    ]


def test_readers_are_those_that_can_read(server):
    alice, bob = server.user("alice", allow("s3:GetObject")), server.user("bob", allow("s3:GetObject"))
    pages = Walker(server)
    page = shown(pages, readers=alice.arn)
    before, after = page.text.split("who does not read", 1) if "who does not read" in page.text else page.text.split("will not", 1)
    assert alice.arn in before and bob.arn not in before.split("Who reads, and why")[1] and bob.arn in after
    pages.send(page, PATH)
    server.advance("20m")
    s3 = server.client("s3", HOME)
    key = next(one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"] if "/CloudTrail/" in one["Key"])
    assert server.client("s3", HOME, alice).get_object(Bucket=BUCKET, Key=key)["ServerSideEncryption"] == "aws:kms"
    with refused("AccessDenied"):
        server.client("s3", HOME, bob).get_object(Bucket=BUCKET, Key=key)


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(server):
    pages = Walker(server)
    empty = fresh(pages)
    for typed, field, says in [
        ({"name": "a b"}, "name", "A name has 3 to 128 letters"),
        ({"home": "mars-1"}, "home", "mars-1 is no Region"),
        ({"bucket": "Upper"}, "bucket", "A bucket's name has"),
        ({"prefix": "logs/"}, "prefix", "no slash at its end"),
        ({"alias": "aws/mine"}, "alias", "does not begin with aws/"),
        ({"readers": "alice"}, "readers", "alice is no ARN"),
        ({"s3": "no bucket!"}, "s3", "is none of these"),
        ({"key-is": "there", "key": ""}, "key", "Which key is it?"),
        ({"key-is": "there", "key": "alias/nowhere"}, "key", "alias/nowhere"),
        ({"management": "None", "lambda": ""}, "management", "A trail records something"),
        ({"bucket-is": "there", "bucket": "nowhere-bucket"}, "bucket", "nowhere-bucket"),
        ({"scope": "each", "regions": "mars-1"}, "regions", "mars-1 is no Region"),
        ({"events": "many"}, "events", "no number"),
    ]:
        typed = {"home": HOME, "bucket": BUCKET, "lambda": "kept-function", **typed}
        page = pages.send(empty, PATH, **typed)
        assert page.status == 422, (typed, page.text)
        error = page.source.split(f'id="{field}-error"', 1)
        assert len(error) == 2 and says in html.unescape(error[1].split("</p>")[0]), (typed, page.text)
        kept = dict(page.form(PATH).fields)
        for name, value in typed.items():
            assert kept[name] == value, (typed, name)
    assert server.client("cloudtrail", HOME).describe_trails()["trailList"] == []
    assert server.client("s3").list_buckets()["Buckets"] == []


def test_a_plan_that_is_no_longer_what_was_shown_is_shown_again(server):
    pages = Walker(server)
    page = shown(pages)
    server.client("s3", HOME).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HOME})
    again = pages.send(page, PATH)
    assert again.status == 409 and "not any more what was shown" in again.text
    assert server.client("cloudtrail", HOME).describe_trails()["trailList"] == []
    done = pages.send(again, PATH)
    assert "The change is made." in done.text
    # The same form once more does nothing.
    aliases = len(server.client("kms", HOME).list_keys()["Keys"])
    assert pages.send(again, PATH).status == 409
    assert len(server.client("kms", HOME).list_keys()["Keys"]) == aliases


def test_what_was_typed_can_be_changed_after_it_was_shown(server):
    pages = Walker(server)
    page = shown(pages, name="first-name", scope="one")
    form = next(one for one in page.forms if one.buttons == [("edit", "on")])
    back = pages.fill(PATH, [*form.fields, ("edit", "on")])
    kept = dict(back.form(PATH).fields)
    assert back.status == 200 and kept["name"] == "first-name" and kept["scope"] == "one"


def test_a_set_up_that_fails_is_taken_back(server):
    """The caller may simulate and read everything and make keys and buckets, but no trail."""
    may = ["kms:*", "s3:*", "iam:Get*", "iam:List*", "ec2:*", "cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*", "sts:*"]
    carol = server.user("carol", allow(may))
    pages = Walker(server, carol)
    page = shown(pages)
    failed = pages.send(page, PATH)
    assert failed.status == 502 and "AccessDenied" in failed.text and "taken back" in failed.text, failed.text
    assert server.client("s3").list_buckets()["Buckets"] == []
    keys = server.client("kms", HOME)
    states = [keys.describe_key(KeyId=one["KeyId"])["KeyMetadata"]["KeyState"] for one in keys.list_keys()["Keys"]]
    assert states == ["PendingDeletion"] and keys.list_aliases()["Aliases"] == []
    assert "CreateTrail" not in [one for one in calls(server) if one == "StartLogging"]


def test_a_change_is_taken_back_by_who_made_it(server):
    alice = server.user("alice", allow("*"))
    pages = Walker(server, alice)
    page = made(pages)
    place = next(link for link in page.links if "/changes/" in link).removeprefix("/console")
    other = Walker(server, server.user("bob", allow("*")))
    assert other.open(place).status == 404 and "Set up the trail audit" not in other.open("/changes").text
    assert "Set up the trail audit" in pages.open("/changes").text
    assert Walker(server).open(place).status == 200, "the account's root may"
    preview = pages.open(place)
    assert "Delete the trail audit" in preview.text
    assert len(server.client("cloudtrail", HOME).describe_trails()["trailList"]) == 1
    done = pages.send(preview, place)
    assert "All is as it was before." in done.text, done.text
    assert server.client("cloudtrail", HOME).describe_trails()["trailList"] == []
    assert server.client("s3").list_buckets()["Buckets"] == []
    assert pages.send(preview, place).status == 409
    assert "Taken back" in pages.open("/changes").text
    # Files are for the server's owner alone.
    folder = server.data_dir / "console" / ACCOUNT
    [file] = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700


def test_what_others_changed_since_is_not_overwritten(server):
    pages = Walker(server)
    s3 = server.client("s3", HOME)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HOME})
    policy = {"Version": "2012-10-17", "Statement": [
        {"Sid": "Ours", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    page = shown(pages, bucket_is="there")
    # A diff of what is there: the statement that stays, and those that are new.
    assert "<ins>" in page.source and "Ours" in page.text
    done = pages.send(page, PATH)
    assert "The change is made." in done.text
    theirs = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert theirs["Statement"][0]["Sid"] == "Ours" and len(theirs["Statement"]) == 3
    theirs["Statement"].append({"Sid": "Later", "Effect": "Deny", "Principal": "*", "Action": "s3:PutBucketAcl", "Resource": f"arn:aws:s3:::{BUCKET}"})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(theirs))
    place = next(link for link in done.links if "/changes/" in link).removeprefix("/console")
    back = pages.send(pages.open(place), place)
    assert "somebody has changed it since" in back.text
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == theirs
    last = pages.send(pages.open(place), place, overwrite="on")
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == policy, last.text


def test_names_are_text_wherever_they_stand(server):
    pages = Walker(server)
    hostile = '"><script>alert(1)</script>'
    page = pages.send(fresh(pages), PATH, home=HOME, name=hostile, readers=hostile, group=hostile, logs="on", s3=hostile)
    assert page.status == 422 and "<script>alert" not in page.source
    assert dict(page.form(PATH).fields)["name"] == hostile


def test_a_trail_in_each_region(server):
    pages = Walker(server)
    made(pages, scope="each", regions=f"{HOME} us-east-1 eu-west-1")
    for region in [HOME, "us-east-1", "eu-west-1"]:
        [trail] = server.client("cloudtrail", region).describe_trails(includeShadowTrails=False)["trailList"]
        assert trail["S3BucketName"] == BUCKET and not trail["IsMultiRegionTrail"]
    page = pages.open(f"/made/us-east-1/audit")
    assert page.status == 200 and "How far it has come" in page.text


@pytest.mark.parametrize("how", [{}, PHONE], ids=["desktop", "phone"])
def test_the_story_of_seed_000(server, visit, how):
    """Open, fill in, look, make, and see the trail work: in a browser."""
    window = visit(at=server, **how)
    window.to(f"{PATH}?region={HOME}")
    window.judged()
    page = window.page
    page.get_by_label("Name", exact=True).fill("trail-all")
    page.get_by_label("Name of the bucket").fill("cloudtrail-logs-all")
    page.get_by_label("Alias of the new key").fill("cloudtrail-key")
    page.get_by_label("What AWS's console writes").check()
    if not how:
        window.shown("create")
    page.get_by_role("button", name="Show what will be made").click()
    assert "Allow CloudTrail to encrypt logs" in window.text()
    window.judged()
    if not how:
        window.shown("create-preview")
    page.get_by_role("button", name="Make this change").click()
    page.get_by_text("The change is made.").wait_for(timeout=30_000)
    window.judged()
    if not how:
        window.shown("create-made")
    trail = server.client("cloudtrail", HOME).get_trail(Name="trail-all")["Trail"]
    assert trail["S3BucketName"] == "cloudtrail-logs-all" and trail["KmsKeyId"]
    # The line goes on by itself: an event, then the first file and the first digest.
    page.locator('.live-status:not(:empty)').wait_for()
    server.client("kms", HOME).create_key(Description="an event")
    server.advance("2h")
    for kind in ["event", "LogFile", "Digest"]:
        page.locator(f'[data-first="{kind}"] span[data-done]').wait_for(timeout=30_000)
    window.judged()
    page.get_by_role("link", name="Look again").click()
    assert "Not yet" not in window.text()
    window.judged()


def test_the_form_in_japanese_and_dark(server, visit):
    window = visit(at=server, locale="ja-JP", color_scheme="dark", **PHONE)
    window.to(PATH)
    assert "証跡の作成" in window.text()
    window.judged()
