"""The console's frame: who gets in, what a page may do, how it looks to everybody."""

import concurrent.futures
import http.client
import json
import re
import urllib.parse

import pytest

from browser import PHONE, link
from harness import allow, refused

SESSION_COOKIE = r"shoseki-console-\d+"


class Plain:
    """A client that is no browser: it sends what it is told."""

    def __init__(self, server):
        self.server = server
        self.cookies = {}

    def ask(self, method, path, fields=None, **headers):
        connection = http.client.HTTPConnection(*self.server.address, timeout=20)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, f"/console{path}", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("set-cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return answer, text

    def token(self, path="/"):
        return re.search(r'name="token" value="([^"]+)"', self.ask("GET", path)[1]).group(1)

    def sign_in(self, principal, **more):
        fields = {"token": self.token("/sign-in"), "key": principal.access_key, "secret": principal.secret_key}
        fields |= {"session": principal.token} if principal.token else {}
        return self.ask("POST", "/sign-in", fields | more)


def is_in(client):
    answer, _ = client.ask("GET", "/")
    assert answer.status in (200, 303), answer.status
    return answer.status == 200


def test_a_link_signs_in_once(visit, server):
    place = link(server)
    window = visit(signed_in=False)
    window.page.goto(place)
    assert window.path == "/" and "root" in window.page.inner_text("header")
    other = visit(signed_in=False)
    other.page.goto(place)
    assert "was used" in other.text() and other.path.startswith("/sign-in")
    other.judged()


def test_a_key_signs_in_and_out(visit, server):
    window = visit(signed_in=False)
    window.to("/trails?region=eu-west-1")
    assert window.path.startswith("/sign-in?next=")
    window.judged().shown("sign-in")
    window.page.get_by_label("Access key ID").fill(server.root.access_key)
    window.page.get_by_label("Secret access key").fill(server.root.secret_key)
    window.page.get_by_role("button", name="Sign in").click()
    assert window.path == "/trails?region=eu-west-1"
    [stolen] = [one for one in window.context.cookies() if re.fullmatch(SESSION_COOKIE, one["name"])]
    assert stolen["httpOnly"] and stolen["sameSite"] == "Strict" and stolen["path"] == "/console"
    thief = Plain(server)
    thief.cookies = {stolen["name"]: stolen["value"]}
    assert is_in(thief)
    window.page.get_by_role("button", name="Sign out").click()
    assert window.path.startswith("/sign-in")
    # What was taken before is worth nothing now.
    assert not is_in(thief)


def test_each_call_is_recorded_as_who_is_signed_in(server):
    alice = server.user("alice", allow("cloudtrail:*"), allow("ec2:DescribeRegions"))
    client = Plain(server)
    answer, _ = client.sign_in(alice)
    assert answer.status == 303 and is_in(client)
    [window] = server.client("cloudtrail").get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeTrails"}]
    )
    records = [json.loads(event["CloudTrailEvent"]) for event in window["Events"]]
    assert records and all(record["userIdentity"]["arn"] == alice.arn for record in records)


@pytest.mark.parametrize("key, secret", [("AKIAIOSFODNN7EXAMPLE", "x" * 40), (None, "wrong"), (None, None)])
def test_a_wrong_key_does_not_sign_in(server, key, secret):
    client = Plain(server)
    fields = {"token": client.token("/sign-in"), "key": key or server.root.access_key}
    answer, text = client.ask("POST", "/sign-in", fields | ({"secret": secret} if secret else {}))
    assert answer.status in (400, 403) and not is_in(client)
    assert server.root.secret_key not in text and (secret is None or secret not in text)


def test_wrong_keys_are_counted_and_the_right_one_waits_too(server):
    client = Plain(server)
    token = client.token("/sign-in")
    wrong = {"token": token, "key": server.root.access_key, "secret": "wrong"}

    def one(_):
        other = Plain(server)
        other.cookies = dict(client.cookies)
        return other.ask("POST", "/sign-in", wrong)[0].status

    # Side by side as well as one after the other: each try counts before it is answered.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))
    assert sorted(answers) == [403] * 10 + [429] * 14
    answer, text = client.sign_in(server.root)
    assert answer.status == 429 and "Wait" in text and not is_in(client)


def test_what_another_site_sends_changes_nothing(server):
    client = Plain(server)
    client.sign_in(server.root)
    token = client.token()

    def theme(**headers):
        _, text = client.ask("GET", "/")
        return re.search(r'data-theme="(\w+)"', text)

    for fields, headers in [
        ({"theme": "dark"}, {}),
        ({"theme": "dark", "token": "x" * 43}, {}),
        ({"theme": "dark", "token": token}, {"Origin": "https://elsewhere.example"}),
        ({"theme": "dark", "token": token}, {"Origin": "null"}),
        ({"theme": "dark", "token": token}, {"Sec_Fetch_Site": "cross-site"}),
        ({"theme": "dark", "token": token}, {"Sec_Fetch_Site": "same-site"}),
    ]:
        answer, text = client.ask("POST", "/taste", fields, **headers)
        assert answer.status == 403 and "Nothing was changed" in text, (fields, headers)
        assert theme() is None
    # A GET with the same fields is no way in.
    assert client.ask("GET", f"/taste?theme=dark&token={token}")[0].status == 404 and theme() is None
    answer, _ = client.ask("POST", "/taste", {"theme": "dark", "token": token}, Origin=server.endpoint, Sec_Fetch_Site="same-origin")
    assert answer.status == 303 and theme().group(1) == "dark"
    # Another session's token is not this one's.
    other = Plain(server)
    other.sign_in(server.root)
    assert other.ask("POST", "/taste", {"theme": "dark", "token": token})[0].status == 403


def test_signing_in_cannot_be_done_for_somebody_else(server):
    """A form of another site that signs a browser in as its own author lacks the cookie that comes with this one's form."""
    client = Plain(server)
    fields = {"token": client.token("/sign-in"), "key": server.root.access_key, "secret": server.root.secret_key}
    client.cookies = {}
    assert client.ask("POST", "/sign-in", fields)[0].status == 403 and not is_in(client)


def test_a_browser_is_sent_nowhere_else(server):
    for place in ["https://elsewhere.example/", "//elsewhere.example", "/console/../x\\@elsewhere.example", "javascript:alert(1)"]:
        client = Plain(server)
        answer, _ = client.sign_in(server.root, next=place)
        assert answer.status == 303 and answer.headers["location"] == "/console/", place
        token = client.token()
        answer, _ = client.ask("POST", "/taste", {"token": token, "back": place})
        assert answer.headers["location"].startswith("/console"), place


def test_a_key_that_is_taken_back_ends_the_session(server):
    alice = server.user("alice", allow("cloudtrail:*"), allow("ec2:DescribeRegions"))
    client = Plain(server)
    client.sign_in(alice)
    assert is_in(client)
    server.client("iam").update_access_key(UserName="alice", AccessKeyId=alice.access_key, Status="Inactive")
    assert not is_in(client)
    server.client("iam").update_access_key(UserName="alice", AccessKeyId=alice.access_key, Status="Active")
    assert not is_in(client)


def test_headers_keep_pages_to_themselves(server):
    client = Plain(server)
    for path in ["/sign-in", "/", "/nowhere"]:
        answer, text = client.ask("GET", path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
        assert "<style" not in text and " style=" not in text and " onclick" not in text
    client.sign_in(server.root)
    answer, text = client.ask("GET", "/nowhere")
    assert answer.status == 404 and "There is no such page" in text
    for method in ["PUT", "DELETE", "OPTIONS"]:
        assert client.ask(method, "/")[0].status == 405
    assert client.ask("HEAD", "/")[0].status == 200


def test_an_unknown_region_is_told_and_ends_no_session(server):
    client = Plain(server)
    client.sign_in(server.root)
    for path in ["/events?region=xx-nowhere-9", "/keys/xx-nowhere-9/key", "/trails/xx-nowhere-9/audit", "/keys?region=%0d%0ax"]:
        answer, text = client.ask("GET", path)
        assert answer.status == 404 and "There is no Region of this name here" in text, path
    answer, _ = client.ask("POST", "/taste", {"token": client.token(), "region": "xx-nowhere-9"})
    assert answer.status == 400 and is_in(client)
    assert client.ask("GET", "/keys?region=eu-west-1")[0].status == 200


def test_a_browser_at_the_root_finds_the_console(server):
    def ask(**headers):
        connection = http.client.HTTPConnection(*server.address)
        connection.request("GET", "/", headers=headers)
        return connection.getresponse()

    answer = ask(Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status == 303 and answer.headers["location"] == "/console/"
    # For everybody else it is S3's.
    assert ask(Accept="*/*").status == 403


def test_a_bucket_named_console_is_still_a_bucket(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="console")
    s3.put_object(Bucket="console", Key="trails", Body=b"an object")
    assert s3.get_object(Bucket="console", Key="trails")["Body"].read() == b"an object"
    presigned = s3.generate_presigned_url("get_object", Params={"Bucket": "console", "Key": "trails"})
    connection = http.client.HTTPConnection(*server.address)
    connection.request("GET", presigned.removeprefix(server.endpoint))
    assert connection.getresponse().read() == b"an object"
    with refused("NoSuchKey"):
        s3.get_object(Bucket="console", Key="sign-in")


@pytest.mark.parametrize("how", [{}, PHONE, {"color_scheme": "dark"}, {"locale": "ja-JP"}], ids=["desktop", "phone", "dark", "japanese"])
def test_the_overview_is_for_everybody(visit, how):
    window = visit(**how)
    window.judged()
    if how.get("locale"):
        assert window.page.locator("html").get_attribute("lang") == "ja" and "概要" in window.text()
    # The keyboard reaches the content past the navigation.
    window.page.keyboard.press("Tab")
    window.page.keyboard.press("Enter")
    assert window.page.evaluate("document.activeElement.id") == "main"


def test_language_and_theme_are_kept_for_the_session(visit):
    window = visit()
    window.page.get_by_role("button", name="日本語").click()
    assert "概要" in window.text()
    window.page.get_by_role("button", name="ダーク").click()
    assert window.page.locator("html").get_attribute("data-theme") == "dark"
    window.judged()
    assert window.to("/sign-in") == 200
    assert window.to("/") == 200 and "概要" in window.text()


@pytest.mark.parametrize("wrong, told", [
    ("document.querySelector('h1').style.color = '#bbb'", "color-contrast"),
    ("document.querySelector('main').append(document.createElement('input'))", "label"),
    ("document.querySelector('h1').style.width = '3000px'", "3000 pixels wide|pixels wide"),
    ("document.querySelector('main').setAttribute('onclick', 'x()')", "Content Security Policy|violates"),
    ("new Image().src = 'http://127.0.0.1:1/'", "elsewhere|violates"),
])
def test_the_judge_of_pages_sees_what_is_wrong(visit, wrong, told):
    window = visit(**PHONE)
    window.page.evaluate(wrong)
    window.page.wait_for_timeout(100)
    with pytest.raises(AssertionError, match=told):
        window.judged()
    window.faults.clear()
