"""What happens, as it happens, in the console: the stream, its end, and the part of a page that shows it."""

import contextlib
import http.client
import json
import re
import time
import urllib.parse

import pytest
from browser import PHONE, link
from harness import allow
from test_shoseki_service import looked_up


class Events:
    """The server-sent events of a page."""

    def __init__(self, server, cookie, query="", last=None):
        self.connection = http.client.HTTPConnection(*server.address, timeout=30)
        headers = {"Cookie": cookie} | ({"Last-Event-ID": last} if last else {})
        self.connection.request("GET", f"/console/live?{query}", headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def next(self):
        """The next event: its name, its data, its id; none at the end."""
        fields = {}
        while line := self.response.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "event" in fields:
                return fields["event"], json.loads(fields["data"]), fields.get("id")
            else:
                fields = {}
        return None

    def until(self, wanted, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            event = self.next()
            assert event is not None, "the stream has ended"
            if wanted(*event):
                return event
        raise AssertionError(f"it did not come in {seconds} s")

    def close(self):
        self.response.close()
        self.connection.close()


def told_of(name):
    return lambda kind, data, _: kind == "event" and data["text"].startswith(f"{name} ")


def cookie_of(server):
    """The cookie of a new session of root."""
    parts = urllib.parse.urlsplit(link(server))
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        answer.read()
        cookies = [line.split(";")[0] for line in answer.headers.get_all("set-cookie")]
    return next(cookie for cookie in cookies if not cookie.endswith("="))


@contextlib.contextmanager
def live(server, cookie, query="", last=None):
    events = Events(server, cookie, query, last)
    try:
        yield events
    finally:
        events.close()


def test_events_are_told_to_a_session_and_to_nobody_else(server):
    with live(server, "") as nobody:
        assert nobody.status in (303, 403) or nobody.response.headers["content-type"].startswith("text/html")
    with live(server, cookie_of(server)) as events:
        assert events.response.headers["content-type"] == "text/event-stream"
        assert events.next()[0] == "begin"
        server.client("kms").list_keys()
        server.client("kms").create_key()
        name, data, position = events.next()
        assert (name, data["text"]) == (
            "event",
            f"CreateKey (kms.amazonaws.com) by {server.root.arn} in us-east-1",
        ), "reads are left out"
        assert data["id"] == looked_up(server, LookupAttributes=[
            {"AttributeKey": "EventName", "AttributeValue": "CreateKey"}
        ])[0]["eventID"]
    # A browser that lost the stream goes on where it was.
    server.client("sns").create_topic(Name="meanwhile")
    with live(server, cookie_of(server), last=position) as events:
        assert events.next()[0] == "begin" and told_of("CreateTopic")(*events.next())
    with live(server, cookie_of(server), last="ffffffffff-") as events:
        assert events.next()[0] == "begin", "a position of another server's is as good as none"
    made = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "SubscribeEvents"}])
    assert len([record for record in made if record.get("errorCode") is None]) == 3
    assert all(record["userAgent"].startswith("shoseki-console/") for record in made)


def test_a_stream_ends_with_its_session_and_places_are_given_back(server):
    cookie = cookie_of(server)
    streams = [Events(server, cookie) for _ in range(8)]
    assert Events(server, cookie).status == 429
    streams.pop().close()
    end = time.monotonic() + 10
    while (again := Events(server, cookie)).status == 429 and time.monotonic() < end:
        time.sleep(0.1)
    assert again.status == 200
    page = server.send("GET", "/console/", {"Host": "localhost", "Cookie": cookie})
    token = re.search(r'name="token" value="([^"]+)"', page.body.decode()).group(1)
    body = urllib.parse.urlencode({"token": token}).encode()
    form = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Host": "localhost"}
    assert server.send("POST", "/console/sign-out", form, body).status in (200, 303)
    for stream in [*streams, again]:
        name, data, _ = stream.until(lambda name, *_: name == "over")
        assert data["text"] == "The session has ended." and stream.next() is None
        stream.close()


def test_a_stop_waits_for_no_page(server):
    with live(server, cookie_of(server)) as events:
        assert events.next()[0] == "begin"
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 5


@pytest.mark.serve("--rehearsal")
def test_what_happens_is_shown_while_the_page_is_open(server, visit):
    for how in ({}, PHONE):
        window = visit(**how)
        window.to("/")
        panel = window.page.locator("section.live")
        window.page.locator(".live-status").filter(has_text=re.compile("^Live")).wait_for()
        server.client("sns", "eu-west-1").create_topic(Name="topic")
        line = panel.locator(".live-lines li").first
        line.filter(has_text="CreateTopic (sns.amazonaws.com)").wait_for()
        assert "eu-west-1" in line.inner_text()
        window.judged()


def test_without_the_right_the_page_says_so(server, visit):
    who = server.user("who", allow(["cloudtrail:*", "ec2:DescribeRegions", "s3:*", "kms:*"]))
    window = visit(signed_in=False)
    window.to("/sign-in")
    window.page.get_by_label("Access key ID").fill(who.access_key)
    window.page.get_by_label("Secret access key").fill(who.secret_key)
    window.page.get_by_role("button", name="Sign in").click()
    window.page.locator(".live-status").filter(has_text="no live connection").wait_for()
    window.judged()
