"""The console's guided roll-back (seed 003): what is chosen, what stays under the key, and the way back."""

import pytest

from browser import PHONE
from console import Walker
from harness import ACCOUNT, SEVENTEEN_REGIONS, allow, make_trail

HOME = "ap-northeast-1"
PATH = "/rollback"


@pytest.fixture
def server(serve):
    return serve("--rehearsal")


def sealed(server, name, home, bucket):
    """A trail of one Region with its key, whose bucket has the key by default."""
    trail = make_trail(server, name, home, bucket, IsMultiRegionTrail=False)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": trail.key_arn}}
    trail.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return trail


def how(trail):
    """The key of the trail, and the default of its bucket, as the API tells them."""
    [rule] = trail.s3.get_bucket_encryption(Bucket=trail.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    key = trail.cloudtrail.get_trail(Name=trail.name)["Trail"].get("KmsKeyId")
    return key, rule["ApplyServerSideEncryptionByDefault"]


def test_all_regions_are_shown_as_they_are(server):
    sealed(server, "Members", HOME, "members-logs")
    make_trail(server, "plain", "us-east-1", "plain-logs", with_key=False)
    page = Walker(server).open(PATH)
    for region in SEVENTEEN_REGIONS:
        assert f"<th scope=\"row\">{region}</th>" in page.source, region
    fields = page.form(PATH).fields
    assert [value for name, value in fields if name == "trail"] == [f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/Members"]
    assert page.text.count("SSE-S3") >= 17


def test_a_roll_back_is_shown_made_and_taken_back(server):
    server.user("alice", allow("s3:GetObject"), allow("kms:Decrypt"))
    server.user("bob", allow("s3:GetObject"))
    trail = sealed(server, "Members", HOME, "members-logs")
    other = sealed(server, "Members", "eu-west-1", "members-logs-eu")
    server.advance("30m")
    before, untouched = how(trail), how(other)
    pages = Walker(server)
    page = pages.send(pages.open(PATH), PATH, home=HOME)
    assert page.status == 200 and how(trail) == before
    for sentence in [
        "Set the default encryption of the bucket members-logs to AES256.",
        "Take the key away from the trail Members in ap-northeast-1",
        f"Do not delete the key {trail.key_arn}",
        "stay so; readers need kms:Decrypt on it",
        "goes on costing $1.00 a month",
        "No lifecycle rule removes the log files from members-logs",
        "Whoever reads what stays goes on needing kms:Decrypt",
    ]:
        assert sentence in page.text, (sentence, page.text)
    assert "eu-west-1" not in page.text.split("What will be done")[1].split("Readers of")[0]
    readers = page.source.split("Readers of Members")[1]
    row = next(row for row in readers.split("<tr>") if ":user/alice" in row)
    assert row.count("Yes") == 2, row
    row = next(row for row in readers.split("<tr>") if ":user/bob" in row)
    assert ">Yes" in row.replace("</span> ", ">") and "No" in row, row

    done = pages.send(page, PATH)
    assert done.status == 200 and "The change is made." in done.text, done.text
    assert how(trail) == (None, {"SSEAlgorithm": "AES256"}) and how(other) == untouched
    old = [key for key in trail.keys()]
    server.advance("30m")
    [new, *_] = [key for key in trail.keys() if key not in old]
    assert trail.s3.head_object(Bucket=trail.bucket, Key=new)["ServerSideEncryption"] == "AES256"
    assert trail.s3.head_object(Bucket=trail.bucket, Key=old[0])["ServerSideEncryption"] == "aws:kms"

    place = next(link for link in done.links if "/changes/" in link).removeprefix("/console")
    back = pages.send(pages.open(place), place)
    assert "All is as it was before." in back.text, back.text
    assert how(trail) == before


def test_nothing_chosen_is_no_choice_of_all(server):
    trail = sealed(server, "Members", HOME, "members-logs")
    before = how(trail)
    pages = Walker(server)
    page = pages.send(pages.open(PATH), PATH, trail=None)
    assert page.status == 422 and "Choose a trail." in page.text
    page = pages.send(pages.open(PATH), PATH, trail=f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/none")
    assert page.status == 422 and "there is no trail" in page.text
    assert how(trail) == before


def test_where_nothing_is_sealed_there_is_nothing_to_do(server):
    make_trail(server, "plain", "us-east-1", "plain-logs", with_key=False)
    page = Walker(server).open(PATH)
    assert "there is nothing to roll back" in page.text and not [one for one in page.forms if one.action.endswith(PATH)]


def test_who_may_not_is_told_so_and_nothing_is_left_half_done(server):
    trail = sealed(server, "Members", HOME, "members-logs")
    before = how(trail)
    may = ["ec2:DescribeRegions", "cloudtrail:Describe*", "cloudtrail:Get*", "s3:Get*", "s3:List*", "kms:Describe*", "kms:Get*", "kms:List*"]
    pages = Walker(server, server.user("carol", allow(may)))
    page = pages.send(pages.open(PATH), PATH)
    assert page.status == 200
    failed = pages.send(page, PATH)
    assert failed.status == 502 and "AccessDenied" in failed.text and "s3:PutEncryptionConfiguration" in failed.text
    assert how(trail) == before and pages.open("/changes").text.count("Take back") == 0


@pytest.mark.parametrize("window_of", [{}, PHONE], ids=["desktop", "phone"])
def test_the_story_of_seed_003(server, visit, window_of):
    trail = sealed(server, "Members", HOME, "members-logs")
    server.advance("30m")
    before = how(trail)
    window = visit(at=server, **window_of)
    window.to(PATH)
    window.judged()
    page = window.page
    page.get_by_role("button", name="Show what will be done").click()
    assert "Do not delete the key" in window.text()
    window.judged()
    if not window_of:
        window.shown("rollback")
    page.get_by_role("button", name="Make this change").click()
    page.get_by_text("The change is made.").wait_for(timeout=30_000)
    window.judged()
    assert how(trail) == (None, {"SSEAlgorithm": "AES256"})
    page.get_by_role("link", name="Take this change back").click()
    window.judged()
    page.get_by_role("button", name="Take back").click()
    page.get_by_text("All is as it was before.").wait_for(timeout=30_000)
    window.judged()
    assert how(trail) == before
    window.to("/changes")
    window.judged()
