"""The console's events: what the pages show is what LookupEvents answers, however hostile; filters, pages, one event, files."""

import csv
import io
import json
import random
import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from browser import PHONE
from harness import allow, refused

HOSTILE = "<script>window.hacked = 1</script>\"'><img src=x onerror=\"window.hacked = 1\">"
ROW_LINK = re.compile(r'<th scope="row"><a href="/console/events/([^/"]+)/([^"]+)">')


def looked_up(server, region=None, **asked):
    """All events, newest first, as records."""
    pages = server.client("cloudtrail", region).get_paginator("lookup_events").paginate(**asked)
    return [json.loads(event["CloudTrailEvent"]) | {"_": event} for page in pages for event in page["Events"]]


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def page(window, path, status=200):
    """A page's text as it is sent, for the same session."""
    answer = window.context.request.get(f"{window.server.endpoint}/console{path}")
    assert answer.status == status, f"{path}: {answer.status} {answer.text()[:2000]}"
    return answer.text()


def listed(window, query):
    """The ids of all pages of a list, by its links alone."""
    ids, path, pages = [], f"/events?{query}", 0
    while path:
        text = page(window, path)
        ids += [id for _, id in ROW_LINK.findall(text)]
        onward = re.search(r'<a class="button" rel="next" href="/console([^"]+)"', text)
        path, pages = onward and onward.group(1).replace("&amp;", "&"), pages + 1
        assert pages < 50
    return ids


@pytest.fixture
def busy(server):
    """A server where three people have read and changed things, some of them without the right. Answers the end of that time."""
    choose = random.Random(85)
    people = [server.root, server.user("taro", allow("kms:*")), server.user("hanako", allow("s3:*"))]
    keys = [server.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    server.client("s3").create_bucket(Bucket="a-bucket")
    calls = [
        lambda who: server.client("kms", who=who).describe_key(KeyId=choose.choice(keys)),
        lambda who: server.client("kms", who=who).list_keys(),
        lambda who: server.client("kms", who=who).disable_key(KeyId=choose.choice(keys)),
        lambda who: server.client("kms", who=who).describe_key(KeyId="alias/none"),
        lambda who: server.client("s3", who=who).put_bucket_tagging(Bucket="a-bucket", Tagging={"TagSet": []}),
        lambda who: server.client("cloudtrail", who=who).describe_trails(),
    ]
    for at in range(90):
        if at % 30 == 29:
            server.advance("1h")
        try:
            choose.choice(calls)(choose.choice(people))
        except ClientError:
            pass
    server.advance("2m")
    return server.now() - timedelta(minutes=1)


@pytest.fixture
def rehearsal(serve):
    return serve("--rehearsal")


@pytest.fixture
def server(rehearsal):
    """The clock of this file's servers can be moved."""
    return rehearsal


FILTERS = {
    "event": (["DescribeKey", "ListKeys", "D*", "?istKeys", "None"], "eventName"),
    "source": (["kms", "s3.amazonaws.com", "*trail*"], "eventSource"),
    "who": (["taro", "hanako", "arn:aws:iam::000000000000:user/taro", "tar?"], None),
    "ro": (["true", "false"], "readOnly"),
    "ended": (["errors", "denied", "failed", "succeeded"], None),
    "resource": (["a-bucket", "arn:aws:s3:::a-bucket", "KEY"], None),
    "text": (["DESCRIBEKEY", "a-bucket"], None),
    "ip": (["127.0.0.1", "127.0.0.0/8", "10.0.0.1"], None),
}
DENIED = {"AccessDenied", "AccessDeniedException"}


def fits(record, name, value):
    """Whether a record fits a filter, said again in other words."""
    like = lambda pattern: re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")).fullmatch
    identity = record["userIdentity"]
    code = record.get("errorCode", "")
    if name in ("event", "source"):
        value = f"{value}.amazonaws.com" if name == "source" and not set(value) & set(".*?") else value
        return bool(like(value)(record[FILTERS[name][1]]))
    if name == "who":
        called = [identity.get("userName", ""), identity.get("arn", "")]
        return any(like(value)(one) for one in called)
    if name == "ro":
        return str(record["readOnly"]).lower() == value
    if name == "ended":
        ends = {"errors": code, "denied": code in DENIED, "failed": code and code not in DENIED, "succeeded": not code}
        return bool(ends[value])
    if name == "resource":
        arns = [one["ARN"] for one in record.get("resources", [])]
        return value in arns or f"arn:aws:s3:::{value}" in arns
    if name == "text":
        return value.lower() in json.dumps({k: v for k, v in record.items() if k != "_"}).lower()
    return record["sourceIPAddress"] == "127.0.0.1" and value != "10.0.0.1"


def test_the_list_is_what_lookup_events_answers(visit, server, busy):
    """Over filters chosen at random, alone and together; what is counted over time is the same where it can be."""
    window = visit()
    start = busy - timedelta(hours=5)
    records = looked_up(server, StartTime=start, EndTime=busy)
    key = next(record["resources"][0]["ARN"] for record in records if record.get("resources"))
    span = f"from={iso(start)}&to={iso(busy)}"
    choose = random.Random(8)
    queries = [{}] + [{name: value} for name, (values, _) in FILTERS.items() for value in values]
    queries += [{n: choose.choice(FILTERS[n][0]) for n in choose.sample(sorted(FILTERS), k)} for k in (2, 2, 2, 3, 3, 4)]
    found_some = 0
    for query in queries:
        query = {name: key if value == "KEY" else value for name, value in query.items()}
        expected = [r["eventID"] for r in records if all(fits(r, name, value) for name, value in query.items())]
        text = "&".join([span, *(f"{name}={value}" for name, value in query.items())])
        assert listed(window, text) == expected, query
        found_some += bool(expected)
        shown = page(window, f"/events?{text}")
        if "Patterns, addresses and texts are not counted" not in shown and query.get("ended") != "errors":
            counted = re.search(r"([\d,]+) events, ([\d,]+) denied", shown).groups()
            denied = sum(r["eventID"] in expected and r.get("errorCode") in DENIED for r in records)
            assert counted == (str(len(expected)), str(denied)), query
    assert found_some > 20


def test_pages_go_on_without_script_and_with_it(visit, server, busy):
    start = busy - timedelta(hours=5)
    query = f"from={iso(start)}&to={iso(busy)}"
    expected = [record["eventID"] for record in looked_up(server, StartTime=start, EndTime=busy)]
    assert len(expected) > 90
    plain = visit(java_script_enabled=False)
    plain.to(f"/events?{query}")
    assert plain.page.locator("table.events tbody tr").count() == 50
    plain.page.get_by_role("link", name="Older events").click()
    rows = plain.page.locator("table.events tbody th a")
    assert [href.rsplit("/", 1)[1] for href in rows.evaluate_all("all => all.map((a) => a.href)")] == expected[50:100]
    plain.page.get_by_role("link", name="Back to the newest").click()
    assert plain.page.locator("table.events tbody tr").count() == 50

    window = visit(viewport={"width": 1280, "height": 500})
    window.to(f"/events?{query}")
    end = window.page.get_by_text("That is all of this time.")
    while not end.is_visible():
        window.page.mouse.wheel(0, 3_000)
        window.page.wait_for_timeout(50)
    assert f"{len(expected)}" in window.page.locator("[data-events-status]").inner_text()
    # What was passed long ago is taken out, and is there again when one goes back.
    end.scroll_into_view_if_needed()
    first = window.page.locator("table.events tbody").first
    first.locator("tr.out").wait_for(state="attached")
    assert window.page.locator("table.events tbody tr").count() < len(expected)
    window.page.locator("h1").scroll_into_view_if_needed()
    first.locator("tr.out").wait_for(state="detached")
    assert first.locator("tr").count() == 50
    assert first.locator("th a").first.get_attribute("href").endswith(expected[0])
    window.judged()


def test_the_keyboard_loads_more(visit, server, busy):
    query = f"from={iso(busy - timedelta(hours=5))}&to={iso(busy)}&event=*"
    window = visit(viewport={"width": 1280, "height": 500})
    window.to(f"/events?{query}")
    link = window.page.get_by_role("link", name="Older events")
    link.focus()
    window.page.keyboard.press("Enter")
    window.page.locator("table.events tbody").nth(1).wait_for(state="attached")
    assert window.page.evaluate("document.activeElement.closest('tbody') !== null")


def test_a_denied_call_is_explained(visit, server):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    taro = server.user("taro", allow("s3:*"))
    with refused("AccessDeniedException"):
        server.client("kms", who=taro).describe_key(KeyId=key)
    [record] = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeKey"}])
    window = visit()
    window.to("/events?ended=denied")
    window.judged().shown("events")
    window.page.get_by_role("link", name="DescribeKey").last.click()
    assert window.path == f"/events/us-east-1/{record['eventID']}"
    text = window.text()
    for part in [
        "User taro called DescribeKey of kms.amazonaws.com",
        f"arn:aws:iam::000000000000:user/taro is not allowed kms:DescribeKey on {key}",
        "No identity-based policy allows it.",
        "It is for other actions.",
        "The smallest change that would allow it",
        record["errorMessage"],
        record["requestID"],
    ]:
        assert part in text, part
    assert '"Action": "kms:DescribeKey"' in window.page.locator("figure.diff ins").all_inner_texts()[3]
    window.judged().shown("event")
    # The remedy is one: with it the call is allowed.
    lines = window.page.locator("figure.diff .scroll > *:not(del)").all_inner_texts()
    assert "kms:DescribeKey" in "".join(lines)
    phone = visit(**PHONE, color_scheme="dark", locale="ja-JP")
    phone.to(window.path)
    assert "ユーザー taro が" in phone.text() and "許可する identity-based policy がありません" in phone.text()
    phone.judged()
    phone.to("/events?ended=denied")
    phone.judged()


def test_who_may_less_sees_less_and_why(visit, server):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    reader = server.user("reader", allow("cloudtrail:LookupEvents"))
    nobody = server.user("nobody", allow("s3:*"))
    with refused("AccessDeniedException"):
        server.client("kms", who=nobody).describe_key(KeyId=key)

    def enter(who):
        window = visit(signed_in=False)
        window.to("/sign-in")
        window.page.get_by_label("Access key ID").fill(who.access_key)
        window.page.get_by_label("Secret access key").fill(who.secret_key)
        window.page.get_by_role("button", name="Sign in").click()
        window.page.wait_for_url("**/console/")
        return window

    window = enter(reader)
    assert window.to("/events?event=DescribeKey") == 200
    assert "You may not call shoseki:SummariseEvents" in window.text()
    window.page.locator("table.events").get_by_role("link", name="DescribeKey").click()
    assert "shoseki explain" in window.text() and "was denied" in window.text()
    window.judged()
    place = window.path
    window = enter(nobody)
    assert window.to("/events") == 403
    assert "AccessDenied" in window.text() and "cloudtrail:LookupEvents" in window.text()
    window.judged()
    assert window.to(place) == 403


def test_hostile_records_are_inert(visit, server):
    kms = server.client("kms", user_agent=HOSTILE.replace("\n", ""))
    key = kms.create_key(Description=HOSTILE, Tags=[{"TagKey": "a", "TagValue": "<b>"}])["KeyMetadata"]["KeyId"]
    with refused("NotFoundException"):
        kms.describe_key(KeyId=f"alias/{HOSTILE[:60]}")
    records = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}])
    assert records[0]["requestParameters"]["description"] == HOSTILE and key
    window = visit()
    for path in ["/events", "/events?text=%3Cscript%3E", f"/events?event={HOSTILE.replace('#', '')}&who=%22%3E%3Cb%3E"]:
        assert window.to(path) == 200, path
        window.judged()
    assert window.to(f"/events/us-east-1/{records[0]['eventID']}") == 200
    text = window.text()
    assert text.count(HOSTILE) >= 3
    assert window.page.evaluate("window.hacked") is None and window.page.locator("main img, main script").count() == 0
    window.judged()
    assert window.to("/events/us-east-1/%3Cscript%3Ewindow.hacked=1%3C%2Fscript%3E") == 404
    assert window.to("/events/%3Cscript%3E/x") == 404
    assert window.page.evaluate("window.hacked") is None
    for path in ["/events?from=never", "/events?ip=x/y", "/events?from=1h&to=2h"]:
        assert window.to(path) == 400 and window.page.locator("[aria-invalid]").count() == 1, path
        window.judged()
    assert window.to("/events?next=none") == 400


def test_the_same_place_has_the_same_event_for_ever(visit, server):
    server.client("kms").create_key()
    [record] = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}])
    window = visit()
    place = f"/events/us-east-1/{record['eventID']}"
    window.to(place)
    shown = window.page.locator(".code pre code").last.inner_text()
    assert json.loads(shown) == {name: value for name, value in record.items() if name != "_"}
    arn = record["resources"][0]["ARN"]
    links = window.page.locator("main a").evaluate_all("all => all.map((a) => a.getAttribute('href'))")
    assert f"/console/keys/us-east-1/{arn.rsplit('/', 1)[1]}" in links
    for name, value in [("event", "CreateKey"), ("key", record["userIdentity"]["accessKeyId"])]:
        assert f"/console/events?region=us-east-1&{name}={value}" in links
    server.advance("80d")
    assert window.to(place) == 200
    assert visit(signed_in=False).to(place) == 200  # the page that asks to sign in, and leads here
    server.advance("11d")
    assert window.to(place) == 404 and "90 days" in window.text()


def test_files_have_what_is_asked_for_and_no_formulas(visit, server, busy):
    formula = "=HYPERLINK(\"http://example.com\")"
    server.client("kms", user_agent=formula).create_alias(AliasName="alias/one", TargetKeyId=server.client("kms").create_key()["KeyMetadata"]["KeyId"])
    server.advance("1m")
    end = server.now()
    start = end - timedelta(hours=5)
    window = visit()
    expected = looked_up(server, StartTime=start, EndTime=end)
    span = f"from={iso(start)}&to={iso(end)}"
    expected = [{name: value for name, value in record.items() if name != "_"} for record in expected]

    def file(form, more=""):
        window.to(f"/events?{span}{more}")
        with window.page.expect_download() as coming:
            window.page.get_by_role("link", name={"csv": "CSV", "jsonl": "JSON Lines", "json": "JSON (Records)"}[form]).click()
        name = coming.value.suggested_filename
        assert name.startswith("events-us-east-1-") and name.endswith(f".{form}") and "cut" not in name
        return open(coming.value.path(), newline="", encoding="utf-8").read()

    assert [json.loads(line) for line in file("jsonl").splitlines()] == expected
    assert json.loads(file("json"))["Records"] == expected
    rows = list(csv.DictReader(io.StringIO(file("csv"))))
    assert [row["eventID"] for row in rows] == [record["eventID"] for record in expected]
    [agent] = [row["userAgent"] for row in rows if row["eventName"] == "CreateAlias"]
    assert agent.startswith(f"'{formula}")
    assert all(not value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    some = [json.loads(line) for line in file("jsonl", "&who=taro&ended=errors").splitlines()]
    assert some == [r for r in expected if fits(r, "who", "taro") and r.get("errorCode")] and some
    page(window, "/events/download?format=xlsx", 400)


def test_what_the_console_reads_is_hidden_until_asked_for(visit, server):
    server.client("kms").create_key()
    window = visit()
    for _ in range(3):
        window.to("/events")
    agents = [record["userAgent"] for record in looked_up(server) if record["eventName"] == "SummariseEvents"]
    assert len(agents) == 3 and all(agent.startswith("shoseki-console/") for agent in agents)
    window.to("/events")
    assert window.page.get_by_role("link", name="SummariseEvents").count() == 0
    assert "reads by the console itself were left out" in window.text()
    assert window.page.get_by_role("link", name="CreateKey").count() == 1
    window.page.get_by_role("link", name="Show them").click()
    # One more: the page before.
    assert window.page.locator("table.events").get_by_role("link", name="SummariseEvents").count() == 4


def test_the_picture_leads_to_the_narrower_time(visit, server, busy):
    query = f"from={iso(busy - timedelta(hours=4))}&to={iso(busy)}"
    window = visit()
    window.to(f"/events?{query}")
    told = sum(int(count) for count in re.findall(r"succeeded (\d+)", " ".join(
        window.page.locator("svg.wide a").evaluate_all("all => all.map((a) => a.getAttribute('aria-label'))"))))
    counts = [int(count) for count in re.search(r"(\d+) events, (\d+) denied, (\d+) failed", window.text()).groups()]
    assert told == counts[0] - counts[1] - counts[2] > 0
    window.page.get_by_text("As a table").click()
    row = window.page.locator("figure.chart table tbody tr").first
    in_it = sum(int(cell) for cell in row.locator("td").all_inner_texts())
    row.get_by_role("link").click()
    assert int(re.search(r"(\d+) events, ", window.text()).group(1)) == in_it
    assert window.page.locator("table.events tbody tr").count() == min(in_it, 50) > 0
    window.judged()


def test_events_are_of_a_region(visit, server):
    server.client("kms", "eu-west-1").create_key()
    window = visit()
    window.to("/events?event=CreateKey")
    assert "No event fits." in window.text()
    window.to("/events?event=CreateKey&region=eu-west-1")
    link = window.page.get_by_role("link", name="CreateKey")
    assert "us-east-1" in window.page.get_by_role("link", name="Those of IAM").get_attribute("href")
    link.last.click()
    assert window.path.startswith("/events/eu-west-1/") and "eu-west-1" in window.text()
    window.judged()


def test_what_a_service_does_for_a_caller_is_told(visit, server):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3 = server.client("s3")
    s3.create_bucket(Bucket="sealed")
    s3.put_object(Bucket="sealed", Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    [record] = looked_up(server, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}])
    window = visit()
    window.to(f"/events/us-east-1/{record['eventID']}")
    assert "made the call, with the caller's rights." in window.text()
    assert "GenerateDataKey" in window.text()
    window.judged()


def test_new_events_are_announced_and_move_nothing(visit, server):
    server.client("kms").create_key()
    window = visit()
    with window.page.expect_response("**/console/live*"):
        window.to("/events")
    before = window.page.locator("table.events").inner_text()
    button = window.page.locator("[data-new-events] a")
    server.client("kms").create_key()
    window.page.get_by_text("1 new event", exact=True).wait_for()
    server.client("kms").list_keys()
    window.page.get_by_text("2 new events", exact=True).wait_for()
    assert window.page.locator("table.events").inner_text() == before
    window.judged()
    button.click()
    assert window.page.locator("table.events").get_by_role("link", name="CreateKey").count() == 2
