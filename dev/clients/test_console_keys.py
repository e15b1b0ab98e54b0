"""The console's pages of keys: what they protect, what their deletion would take away, and changes of their state."""

import html
import json
import random
import re
import urllib.parse

import pytest
from browser import PHONE
from console import signed_in, words
from harness import allow, key_policy, make_bucket, make_trail, refused

pytestmark = pytest.mark.serve("--rehearsal")
REGION = "us-east-1"


def place(key_id, region=REGION):
    return f"/keys/{region}/{key_id}"


def counted(page):
    """What a key's page says to lie under it: objects and bytes."""
    found = re.search(r'data-objects="(\d+)" data-bytes="(\d+)"', page)
    assert found, words(page)
    return int(found[1]), int(found[2])


def put(server, bucket, key, body, kms_key=None):
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    server.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **sealed)


def described(server, key):
    return server.client("kms").describe_key(KeyId=key)["KeyMetadata"]


def test_deletion_warns_of_what_is_there_and_wants_the_name(server):
    trail = make_trail(server)
    trail.kms.create_alias(AliasName="alias/logs", TargetKeyId=trail.key_arn)
    key_id = trail.key_arn.rsplit("/", 1)[1]
    make_bucket(server, "others")
    for number in range(3):
        put(server, "others", f"sealed-{number}", b"x" * (number + 1), trail.key_arn)
    put(server, "others", "plain", b"1234")
    server.advance("10m")
    pages = signed_in(server)
    path = f"{place(key_id)}/delete"
    shown = pages.get(path)
    logs = trail.keys("CloudTrail")
    sizes = [trail.s3.head_object(Bucket=trail.bucket, Key=key)["ContentLength"] for key in logs]
    sealed = [key for key in logs if trail.s3.head_object(Bucket=trail.bucket, Key=key).get("SSEKMSKeyId") == trail.key_arn]
    assert logs and sealed == logs
    assert counted(shown) == (3 + len(logs), 6 + sum(sizes))
    text = words(shown)
    assert "can never be opened again" in text and "audit: no more log files" in text
    assert "others" in text and trail.bucket in text

    for wrong in ({"name": "alias/other", "days": "7"}, {"name": "alias/logs", "days": "6"}, {"name": "alias/logs", "days": "31"}, {"name": "", "days": "7"}):
        pages.post(path, wrong, status=400)
    preview = pages.post(path, {"name": "alias/logs", "days": "7"})
    assert counted(preview) == counted(shown) and "ScheduleKeyDeletion" in preview
    assert described(server, trail.key_arn)["KeyState"] == "Enabled", "nothing is done before it is confirmed"
    answer, made = pages.confirm(path, preview)
    assert answer.status == 200 and "The change is made" in made, words(made)
    metadata = described(server, trail.key_arn)
    assert metadata["KeyState"] == "PendingDeletion"
    assert 6.9 < (metadata["DeletionDate"] - server.now()).total_seconds() / 86_400 <= 7
    answer, again = pages.confirm(path, preview)
    assert answer.status == 409, words(again)
    page = pages.get(place(key_id))
    assert "This key is deleted on" in page and "Cancel the deletion" in page

    preview = pages.post(f"{place(key_id)}/state", {"do": "cancel"})
    answer, _ = pages.confirm(f"{place(key_id)}/state", preview)
    assert answer.status == 200 and described(server, trail.key_arn)["KeyState"] == "Enabled"


def test_counts_equal_what_the_api_tells(server):
    chance = random.Random(8)
    kms = server.client("kms")
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3)]
    for bucket in ("first-bucket", "second-bucket"):
        make_bucket(server, bucket)
    pages = signed_in(server)
    for _ in range(3):
        for number in range(12):
            bucket, size = chance.choice(["first-bucket", "second-bucket"]), chance.randrange(2_000)
            put(server, bucket, f"k{chance.randrange(20)}/{number}", b"x" * size, chance.choice([*keys, None]))
        truth = {key: [0, 0] for key in keys}
        for bucket in ("first-bucket", "second-bucket"):
            s3 = server.client("s3")
            for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                under = s3.head_object(Bucket=bucket, Key=item["Key"]).get("SSEKMSKeyId")
                if under in truth:
                    truth[under][0] += 1
                    truth[under][1] += item["Size"]
        for key in keys:
            assert list(counted(pages.get(place(key.rsplit("/", 1)[1])))) == truth[key]
        listed = pages.get("/keys")
        for key in keys:
            row = next(row for row in re.findall(r"<tr>.*?</tr>", listed, re.DOTALL) if key.rsplit("/", 1)[1] in row)
            assert words(re.findall(r"<td>.*?</td>", row, re.DOTALL)[-1]).split()[0] == str(truth[key][0])


def test_a_list_is_paged_by_the_api(server):
    kms = server.client("kms")
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(27)}
    pages, seen, path = signed_in(server), [], "/keys"
    for _ in range(3):
        page = pages.get(path)
        seen += re.findall(r'href="/console/keys/us-east-1/([0-9a-f-]{36})"', page)
        more = re.search(r'href="/console(/keys\?[^"]*marker=[^"]*)"', page)
        if not more:
            break
        path = html.unescape(more[1])
    assert len(seen) == len(set(seen)) == 27 and set(seen) == made


def test_state_and_rotation_are_changed_and_told(server):
    key = server.client("kms").create_key()["KeyMetadata"]
    kms, pages, path = server.client("kms"), signed_in(server), place(key["KeyId"])

    def make(part, does):
        preview = pages.post(f"{path}/{part}", {"do": does})
        answer, made = pages.confirm(f"{path}/{part}", preview)
        assert answer.status == 200 and "The change is made" in made, words(made)

    make("rotation", "on")
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    make("rotation", "now")
    page = words(pages.get(path))
    assert "every 365 days" in page and "ON_DEMAND" in page
    make("rotation", "off")
    assert not kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    make("state", "disable")
    assert described(server, key["KeyId"])["KeyState"] == "Disabled" and "Disabled" in pages.get(path)
    make("state", "enable")
    assert described(server, key["KeyId"])["KeyState"] == "Enabled"
    pages.post(f"{path}/state", {"do": "nonsense"}, status=400)


def test_what_may_not_be_read_is_named_and_a_refused_change_says_so(server):
    key = server.client("kms").create_key()["KeyMetadata"]
    who = server.user("looker", allow(["kms:DescribeKey", "kms:ListKeys"]))
    pages = signed_in(server, who)
    text = words(pages.get(place(key["KeyId"])))
    assert "Enabled" in text
    for call in ("kms:GetKeyPolicy", "kms:ListGrants", "kms:ListAliases", "s3:ListBuckets"):
        assert f"You may not call {call}" in text, (call, text)
    preview = pages.post(f"{place(key['KeyId'])}/state", {"do": "disable"})
    _, made = pages.confirm(f"{place(key['KeyId'])}/state", preview)
    assert "not authorized to perform: kms:DisableKey" in html.unescape(made)
    assert described(server, key["KeyId"])["KeyState"] == "Enabled"
    pages.get(place("00000000-0000-0000-0000-000000000000"), status=404)
    pages.get(place(key["KeyId"], "nowhere"), status=404)


def test_hostile_names_are_text(server, visit):
    script = "<script>document.title='got'</script>"
    kms = server.client("kms")
    key = kms.create_key(Description=script)["KeyMetadata"]
    grant = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=server.root.arn, Operations=["Decrypt"], Name="x")
    statement = {"Sid": script, "Effect": "Allow", "Principal": {"AWS": server.root.arn}, "Action": "kms:*", "Resource": "*"}
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    window = visit()
    assert window.to(place(key["KeyId"])) == 200
    assert script in window.text() and grant["GrantId"] in window.text()
    assert "got" not in window.page.title()
    window.judged()
    for path in (f"/keys/{urllib.parse.quote(script, safe='')}/x", f"/keys/{REGION}/{urllib.parse.quote(script, safe='')}"):
        assert window.to(path) == 404
        assert "got" not in window.page.title()


def test_key_pages_for_everybody(server, visit):
    trail = make_trail(server)
    trail.kms.create_alias(AliasName="alias/logs", TargetKeyId=trail.key_arn)
    trail.kms.rotate_key_on_demand(KeyId=trail.key_arn)
    server.advance("10m")
    key_id = trail.key_arn.rsplit("/", 1)[1]
    for how in (PHONE, {"color_scheme": "dark", "locale": "ja-JP"}, {}):
        window = visit(**how)
        for path in ("/keys", f"{place(key_id)}/delete", place(key_id)):
            assert window.to(path) == 200, path
            window.judged()
    window.shown("key")
    window.page.get_by_role("link", name="Delete…").click()
    window.page.get_by_label("The key's alias or id").fill("alias/logs")
    window.page.get_by_label("Waiting period").select_option("7")
    window.page.get_by_role("button", name="Show what will be done").click()
    window.judged().shown("key-deletion")
    assert "can never be opened again" in window.text()
    assert described(server, trail.key_arn)["KeyState"] == "Enabled"
