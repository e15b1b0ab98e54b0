"""The guard's page: its baseline and runs, a dry run by who is signed in, and what differs put back."""

import html

import pytest
from browser import PHONE
from harness import allow
from test_console_frame import Plain
from test_console_policy import fields_of
from test_operator_guard import guarded as guarded_server, is_sealed


def signed_in(server, who=None):
    client = Plain(server)
    assert client.sign_in(who or server.root)[0].status == 303
    return client


@pytest.fixture
def guarded(serve, tmp_path):
    """A server with a guard; its trail has a name in its baseline and is as it should be."""
    return guarded_server(serve, tmp_path)


def test_without_a_guard_it_says_how_to_start_one(visit, server):
    window = visit()
    window.to("/guard")
    assert "shoseki serve --guard" in window.text()
    window.judged()


def test_the_baseline_and_its_next_run(guarded):
    server, trail = guarded
    client = signed_in(server)
    answer, page = client.ask("GET", "/guard")
    text = html.unescape(page)
    assert answer.status == 200 and trail.key_arn in text and "JST" in text and "Asia/Tokyo" in text
    assert "has not run yet" in text and "Saturday" in text
    server.advance("8d")
    _, page = client.ask("GET", "/guard")
    assert "What the last run found" in page


def test_a_dry_run_changes_nothing_and_what_differs_is_put_back(guarded):
    server, trail = guarded
    trail.cloudtrail.update_trail(Name="Members", KmsKeyId="")
    client = signed_in(server)
    _, page = client.ask("GET", "/guard?run=1")
    assert "differs" in page and not is_sealed(trail)[0]
    _, page = client.ask("POST", "/guard/put-back", fields_of(page, "/guard/put-back"))
    assert not is_sealed(trail)[0] and "UpdateTrail" in page
    _, page = client.ask("POST", "/guard/put-back", fields_of(page, "/guard/put-back"))
    assert "The change is made" in page and is_sealed(trail)[0]
    _, page = client.ask("GET", "/guard?run=1")
    assert "Nothing differs" in page


def test_who_may_not_see_the_trail_is_not_told_of_it_by_the_report(guarded):
    server, _ = guarded
    server.advance("8d")
    client = signed_in(server, server.user("nobody", allow("s3:ListAllMyBuckets")))
    _, page = client.ask("GET", "/guard")
    assert "cloudtrail:GetTrail" in page and "What the last run found" not in page


def test_another_account_sees_nothing_of_it(guarded):
    server, trail = guarded
    other = server.account("444455556666")
    _, page = signed_in(server, other).ask("GET", "/guard")
    assert "another account" in page and trail.key_arn not in page


@pytest.mark.parametrize("how", [{}, PHONE, {"color_scheme": "dark", "locale": "ja-JP"}], ids=["desktop", "phone", "dark-japanese"])
def test_the_guard_is_for_everybody(visit, guarded, how):
    server, _ = guarded
    window = visit(at=server, **how)
    window.to("/guard")
    window.judged()
    if how == {}:
        window.shown("guard")
    window.to("/guard?run=1")
    window.judged()
