"""The checks' pages: findings as `shoseki check` has them, each with what puts it right, made by the page and then gone."""

import html
import json
import re

import pytest
from browser import PHONE
from harness import allow, make_trail
from test_console_frame import Plain
from test_console_policy import fields_of
from test_operator_check import check, of


def signed_in(server, who=None):
    client = Plain(server)
    assert client.sign_in(who or server.root)[0].status == 303
    return client


def report(client, query=""):
    answer, text = client.ask("GET", f"/checks/report.json?run=1{query}")
    assert answer.status == 200 and answer.headers["content-disposition"].startswith("attachment")
    return json.loads(text)


def links(page):
    """The findings that the page leads to: control and where its page is."""
    found = re.findall(r'href="/console(/checks/finding\?[^"]*)">([^<]*)</a>', page)
    return {control: html.unescape(place) for place, control in found}


def test_the_page_finds_what_the_command_finds(server):
    make_trail(server, with_key=False)
    client = signed_in(server)
    statuses, _ = check(server)
    document = report(client)
    assert {one["id"]: one["status"] for one in document["controls"]} == statuses
    answer, page = client.ask("GET", "/checks?run=1")
    assert answer.status == 200 and of(statuses, "FAILED") | of(statuses, "NOT_AVAILABLE") <= set(links(page))
    assert "The trail audit" in page
    # By framework: no control of another.
    document = report(client, "&framework=cis-3.0")
    assert {one["id"] for one in document["controls"]} < set(statuses) and len(document["controls"]) >= 3
    assert client.ask("GET", "/checks?run=1&framework=nope")[0].status == 400
    assert {one["severity"] for one in report(client, "&severity=CRITICAL")["controls"]} == {"CRITICAL"}


def test_nothing_is_read_before_it_is_asked_for(server):
    client = signed_in(server)
    answer, page = client.ask("GET", "/checks")
    assert answer.status == 200 and "Run the check" in page and "/checks/finding" not in page


def test_a_finding_is_put_right_and_gone(server):
    trail = make_trail(server)
    trail.cloudtrail.update_trail(Name="audit", EnableLogFileValidation=False)
    client = signed_in(server)
    place = links(client.ask("GET", "/checks?run=1")[1])["CloudTrail.4"]
    answer, page = client.ask("GET", place)
    assert answer.status == 200 and "Failed" in page and "Why it matters" in page
    answer, page = client.ask("POST", "/checks/fix", fields_of(page, "/checks/fix"))
    assert answer.status == 200 and "UpdateTrail" in page
    assert not trail.cloudtrail.get_trail(Name="audit")["Trail"]["LogFileValidationEnabled"]
    answer, page = client.ask("POST", "/checks/fix", fields_of(page, "/checks/fix"))
    assert answer.status == 200 and "The change is made" in page, page
    assert trail.cloudtrail.get_trail(Name="audit")["Trail"]["LogFileValidationEnabled"]
    assert "CloudTrail.4" not in links(client.ask("GET", "/checks?run=1")[1])
    answer, page = client.ask("GET", place)
    assert answer.status == 200 and "Passed" in page and "/checks/fix" not in page


def test_what_may_not_be_read_is_named_and_never_passes(server):
    make_trail(server)
    who = server.user("half", allow(["ec2:DescribeRegions", "cloudtrail:DescribeTrails", "cloudtrail:GetTrail*"]))
    client = signed_in(server, who)
    document = report(client)
    missing = [one for one in document["findings"] if one["compliance"]["status"] == "NOT_AVAILABLE"]
    assert any(call["call"] == "cloudtrail:GetEventSelectors" for one in missing for call in one["notAvailable"])
    _, page = client.ask("GET", "/checks?run=1")
    assert "Not available" in page and "You may not call" in page


@pytest.mark.parametrize("how", [{}, PHONE, {"color_scheme": "dark", "locale": "ja-JP"}], ids=["desktop", "phone", "dark-japanese"])
def test_checks_are_for_everybody(visit, server, how):
    make_trail(server, name="evil-trail", with_key=False)
    window = visit(**how)
    window.to("/checks")
    window.judged()
    window.page.locator("main button.primary").click()
    window.judged()
    if how == {}:
        window.shown("checks")
    window.page.get_by_role("link", name="CloudTrail.2").first.click()
    window.judged()
