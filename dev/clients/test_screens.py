"""The means by which screens are tested: masks, golden files, sessions in a terminal."""

import pathlib
import re

import pytest
import screens
from harness import BINARY
from screens import GOLDEN, masked, screen, tmux_session


@pytest.mark.parametrize("text, expected", [
    ("at 2026-11-22T15:49:46Z and 2026-11-22 15:49", "at YYYY-MM-DDThh:mm:ssZ and YYYY-MM-DD hh:mm\n"),
    ('"Version": "2012-10-17", API 2013-11-01', '"Version": "2012-10-17", API 2013-11-01\n'),
    ("AWSLogs/000000000000/CloudTrail/us-east-1/2026/11/22/000000000000_CloudTrail_us-east-1_20261122T1550Z_aB3dE5gH7jK9mN1p.json.gz",
     "AWSLogs/000000000000/CloudTrail/us-east-1/YYYY/MM/DD/000000000000_CloudTrail_us-east-1_YYYYMMDDThhmmZ_RRRRRRRRRRRRRRRR.json.gz\n"),
    ("a 1b2c3d4e-0000-1111-2222-333344445555 b 00000000-aaaa-bbbb-cccc-dddddddddddd a 1b2c3d4e-0000-1111-2222-333344445555",
     "a 00000000-0000-0000-0000-000000000001 b 00000000-0000-0000-0000-000000000002 a 00000000-0000-0000-0000-000000000001\n"),
    ("AKIAIOSFODNN7EXAMPLE|", "AKIA0000000000000001|\n"),
    ("http://127.0.0.1:43211/ in 12.5 s, 3 ms, 0.25秒; 24 hours, 7 days", "http://127.0.0.1:PPPPP/ in N.N s, N.N ms, N.N 秒; 24 hours, 7 days\n"),
    ("wrote /var/tmp/pytest-of-me/pytest-3/popen-gw1/test_x0/before.json.", "wrote TMP/before.json.\n"),
    ("trailing   \n\n", "trailing\n"),
])
def test_masks_hide_what_differs_from_run_to_run_and_nothing_else(text, expected):
    assert masked(text) == expected


def test_a_screen_must_be_the_golden_one(tmp_path, monkeypatch):
    monkeypatch.setattr(screens, "GOLDEN", tmp_path)
    monkeypatch.setattr(screens, "_written", {})
    monkeypatch.delenv("SHOSEKI_BLESS", raising=False)
    with pytest.raises(AssertionError, match="there is no dev/golden/screens/a.ja.txt"):
        screen("a.ja", "証跡  2026-11-22\n")
    assert not list(tmp_path.iterdir()), "only blessing writes"
    monkeypatch.setenv("SHOSEKI_BLESS", "1")
    screen("a.ja", "証跡  2026-11-22\n")
    with pytest.raises(AssertionError, match="two different screens"):
        screen("a.ja", "other\n")
    monkeypatch.delenv("SHOSEKI_BLESS")
    screen("a.ja", "証跡  2027-01-01\n")
    with pytest.raises(AssertionError, match=r"(?s)-証跡  YYYY-MM-DD\n\+証跡 YYYY-MM-DD"):
        screen("a.ja", "証跡 2027-01-01\n")


def test_every_golden_screen_is_of_a_test():
    tests = "\n".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    unknown = [path.name for path in GOLDEN.glob("*.txt") if path.name.split(".")[0] not in tests]
    assert not unknown, f"no test names {unknown}"


def test_a_session_types_waits_and_shows_wide_characters(tmp_path):
    script = 'printf "証跡の名前: "; read name; printf "%s| です\\n" "$name"; sleep 0.1; exit 3'
    with tmux_session(tmp_path, ["bash", "-c", script], size=(40, 8)) as session:
        session.wait_for("証跡の名前:")
        session.type("監査 Enter")
        session.send("Enter")
        assert session.wait_end() == 3
        assert session.capture() == "証跡の名前: 監査 Enter\n監査 Enter| です\n"


def test_a_session_interrupts_and_has_the_size_that_was_asked_for(tmp_path):
    script = "trap 'echo; echo interrupted; exit 130' INT; stty size; for i in $(seq 30); do echo line $i; done; read -t 60 never"
    with tmux_session(tmp_path, ["bash", "-c", script], size=(61, 9)) as session:
        session.wait_for("line 30")
        session.send("C-c")
        session.wait_for(re.compile("^interrupted$", re.M))
        assert session.wait_end() == 130
        assert session.capture(history=True).startswith("9 61\nline 1\n")
    with tmux_session(tmp_path, [BINARY, "--version"]) as session:
        session.wait_for("shoseki 0")
        with pytest.raises(AssertionError, match="ended with 0 before it showed"):
            session.wait_for("never")
