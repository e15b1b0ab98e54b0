"""The policy desk: faults at their places, questions answered as the server then decides, and policies put by the page."""

import html
import json
import random
import re

import pytest
from botocore.exceptions import ClientError
from browser import PHONE
from harness import ACCOUNT, allow, make_bucket, make_trail, policy
from test_console_frame import Plain

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
BUCKET = "desk"
CASES = 12


def fields_of(text, action):
    """What the form that goes there would send."""
    [form] = [one for one in re.findall(r"<form.*?</form>", text, re.S) if f'action="/console{action}"' in one]
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {html.unescape(name): html.unescape(value) for name, value in pairs}


class Desk(Plain):
    def __init__(self, server, who=None):
        super().__init__(server)
        assert self.sign_in(who or server.root)[0].status == 303
        self.form_token = self.token("/policy")

    def look(self, whose, text, **question):
        answer, page = self.ask("POST", "/policy", {"token": self.form_token, **whose, "text": text, **question})
        assert answer.status == 200, page
        return page

    def preview(self, whose, text):
        return self.ask("POST", "/policy/apply", {"token": self.form_token, **whose, "text": text})

    def put(self, whose, text):
        answer, page = self.preview(whose, text)
        assert answer.status == 200, page
        answer, page = self.ask("POST", "/policy/apply", fields_of(page, "/policy/apply"))
        assert answer.status == 200, page
        return page


def remarks(page):
    found = re.findall(r'data-line="(\d+)" data-column="(\d+)".*?<p>(.*?)</p>', page, re.S)
    return [(int(line), int(column), html.unescape(re.sub("<[^>]*>", "", what))) for line, column, what in found]


def answers(page):
    return dict(re.findall(r'data-when="(\w+)" data-allowed="(\w+)"', page))


@pytest.fixture
def bucket(server):
    make_bucket(server, BUCKET)
    server.client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"a")
    return {"kind": "bucket", "name": BUCKET}


def test_faults_have_their_places_and_their_codes(server, bucket):
    desk = Desk(server)
    text = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",\n  "Action": ["s3:GetObject",\n    "nope"], "Resource": "*"}]}'
    page = desk.look(bucket, text)
    [(line, column, what)] = remarks(page)
    assert (line, column) == (3, 5) and "nope" in what and "MalformedPolicy" in what
    assert 'aria-invalid="true"' in page
    # What is refused is not offered to be made, and the service refuses it in the same words.
    answer, page = desk.preview(bucket, text)
    assert answer.status == 400 and "change-digest" not in page
    with pytest.raises(ClientError) as refusal:
        server.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=text)
    assert refusal.value.response["Error"]["Code"] == "MalformedPolicy"


def test_what_is_not_meant_is_warned_of(server, bucket):
    statement = allow("s3:GetObjects", f"arn:aws:s3:::{BUCKET}/*", Principal={"Service": "cloudtrail.amazonaws.com"})
    text = json.dumps(json.loads(policy(statement)), indent=1)
    page = Desk(server).look(bucket, text)
    found = remarks(page)
    lines = text.split("\n")
    [deputy] = [one for one in found if "confused deputy" in one[2]]
    assert lines[deputy[0] - 1][deputy[1] - 1:].startswith('"cloudtrail')
    [nothing] = [one for one in found if "matches no action" in one[2]]
    assert lines[nothing[0] - 1][nothing[1] - 1:].startswith('"s3:GetObjects"')


def test_a_policy_is_put_as_it_was_shown_and_taken_back(server, bucket):
    desk = Desk(server)
    text = policy(allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*", Principal=ROOT))
    first = policy(allow("s3:PutObject", f"arn:aws:s3:::{BUCKET}/*", Principal=ROOT))
    server.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=first)
    before = server.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]
    _, shown = desk.preview(bucket, text)
    assert server.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"] == before, "a preview changes nothing"
    sent = fields_of(shown, "/policy/apply")
    # Somebody else puts another policy between preview and confirmation.
    other = policy(allow("s3:*", [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"], Principal=ROOT))
    server.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=other)
    _, page = desk.ask("POST", "/policy/apply", sent)
    assert "no longer what was shown" in page
    assert json.loads(server.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]) == json.loads(other)
    page = desk.put(bucket, text)
    assert "The change is made" in page
    assert json.loads(server.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]) == json.loads(text)


def test_a_key_policy_that_locks_out_cannot_be_made(server):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    desk = Desk(server)
    alice = server.user("alice")
    text = policy(allow("kms:Decrypt", Principal={"AWS": alice.arn}))
    answer, page = desk.preview({"kind": "key", "name": key}, text)
    assert answer.status == 200 and "change-digest" not in page and "MalformedPolicyDocumentException" in page
    with pytest.raises(ClientError) as refusal:
        server.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=text)
    assert refusal.value.response["Error"]["Code"] == "MalformedPolicyDocumentException"


def test_policies_of_iam_are_put_too(server):
    iam = server.client("iam")
    alice = server.user("alice", allow("s3:ListAllMyBuckets"))
    desk = Desk(server)
    [name] = iam.list_user_policies(UserName="alice")["PolicyNames"]
    inline = {"kind": "user", "name": "alice", "policy": name}
    text = policy(allow("kms:ListKeys"))
    question = {"who": alice.arn, "action": "kms:ListKeys", "resource": "*"}
    assert answers(desk.look(inline, text, **question)) == {"now": "no", "then": "yes"}
    assert "The change is made" in desk.put(inline, text)
    assert iam.get_user_policy(UserName="alice", PolicyName=name)["PolicyDocument"] == json.loads(text)
    server.client("kms", who=alice).list_keys()
    trust = allow("sts:AssumeRole", Principal={"Service": "guard.shoseki.amazonaws.com"})
    del trust["Resource"]
    iam.create_role(RoleName="keeper", AssumeRolePolicyDocument=policy(trust))
    trust["Principal"] = {"AWS": alice.arn}
    assert "The change is made" in desk.put({"kind": "role", "name": "keeper"}, policy(trust))
    managed = iam.create_policy(PolicyName="m", PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="alice", PolicyArn=managed)
    assert "The change is made" in desk.put({"kind": "managed", "name": managed}, policy(allow("sns:ListTopics")))
    assert iam.get_policy(PolicyArn=managed)["Policy"]["DefaultVersionId"] == "v2"


def random_policy(dice, users):
    who = [user.arn for user in users]
    def statement(number):
        one = {
            "Sid": f"S{number}", "Effect": dice.choice(["Allow", "Allow", "Deny"]),
            "Principal": dice.choice([{"AWS": dice.choice(who)}, {"AWS": who}, ROOT]),
            "Action": dice.choice(["s3:GetObject", "s3:Get*", "s3:PutObject", ["s3:GetObject", "s3:PutObject"]]),
            "Resource": dice.choice([f"arn:aws:s3:::{BUCKET}/*", f"arn:aws:s3:::{BUCKET}/a", f"arn:aws:s3:::{BUCKET}/b*"]),
        }
        if dice.random() < 0.4:
            one["Condition"] = dice.choice([
                {"StringEquals": {"aws:username": "alice"}},
                {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/b*"}},
                {"Bool": {"aws:SecureTransport": "false"}},
                {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
            ])
        return one
    return policy(*(statement(number) for number in range(dice.randint(1, 3))))


def may_get(server, who):
    try:
        server.client("s3", who=who).get_object(Bucket=BUCKET, Key="a")
        return "yes"
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return "no"


def test_the_answer_is_what_the_server_then_does(server, bucket):
    """Random policies: what the page says of a reader, and of the access matrix, is what becomes of the call afterwards."""
    dice = random.Random(8)
    users = [server.user("alice"), server.user("bob", allow("s3:GetObject"))]
    desk = Desk(server)
    told = []
    for case in range(CASES):
        text = random_policy(dice, users)
        for user in users:
            # The server speaks without TLS here.
            question = {"who": user.arn, "action": "s3:GetObject", "resource": f"arn:aws:s3:::{BUCKET}/a", "context": "aws:SecureTransport=false"}
            page = desk.look(bucket, text, **question)
            found = answers(page)
            assert found["now"] == may_get(server, user), (case, user.arn)
            told.append((user, found["then"]))
        server.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=text)
        for user, expected in told[-2:]:
            assert may_get(server, user) == expected, (case, user.arn, text)
    assert {answer for _, answer in told} == {"yes", "no"}


def test_the_matrix_names_what_changes(server):
    trail = make_trail(server)
    desk = Desk(server)
    reader = server.user("reader", allow("s3:GetObject"))
    document = json.loads(server.client("kms").get_key_policy(KeyId=trail.key_arn, PolicyName="default")["Policy"])
    document["Statement"].append({"Sid": "Reader", **allow("kms:Decrypt", Principal={"AWS": reader.arn})})
    page = desk.look({"kind": "key", "name": trail.key_arn}, json.dumps(document))
    rows = [one for one in re.findall(r"<tr>.*?</tr>", page, re.S) if reader.arn in one]
    assert any("→" in row and "newly" in row for row in rows)
    document["Statement"] = [one for one in document["Statement"] if "Service" not in one.get("Principal", {})]
    page = desk.look({"kind": "key", "name": trail.key_arn}, json.dumps(document))
    assert "InsufficientEncryptionPolicyException" in page or "AccessDenied" in page


def test_hostile_texts_are_inert(visit, server, bucket):
    window = visit()
    evil = '"><script>document.title="hit"</script>'
    window.to(f"/policy?kind=bucket&name={BUCKET}")
    window.page.get_by_label("The policy", exact=True).fill(json.dumps({"Statement": [{"Sid": evil, "Effect": evil}]}))
    window.page.get_by_text("Ask: may X do Y on Z?").click()
    window.page.get_by_label("Who: an ARN").fill(evil)
    window.page.get_by_label("Does what").fill(evil)
    window.page.get_by_label("With what").fill(evil)
    window.page.get_by_role("button", name="Look at it").click()
    assert window.page.title() != "hit" and evil in window.text() and "is no principal" in window.text()
    window.judged()
    assert window.to("/policy?kind=bucket&name=%3Cb%3E") in (400, 404)


@pytest.mark.parametrize("how", [{}, PHONE, {"color_scheme": "dark", "locale": "ja-JP"}], ids=["desktop", "phone", "dark-japanese"])
def test_the_desk_is_for_everybody(visit, server, how):
    trail = make_trail(server)
    window = visit(**how)
    window.to("/policy")
    window.judged()
    assert window.to(f"/policy?kind=key&region=us-east-1&id={trail.key_arn}") == 200
    window.judged()
    if how == {}:
        window.shown("policy")
    window.page.locator('button[formaction$="/policy/apply"]').click()
    window.judged()
