"""`shoseki ingest`: a real account's files come in by a channel; what is told of services that are here does not."""

import gzip
import json
import os
import subprocess

import pytest
from harness import ACCOUNT, BINARY, allow
from test_channels import activity, make_channel, managed, record, trail, written  # noqa: F401

pytestmark = pytest.mark.serve("--rehearsal")


def ingest(server, *arguments, input=None, check=True, environment=None):
    done = subprocess.run(
        [BINARY, "ingest", *map(str, arguments), "--data-dir", str(server.data_dir)],
        env={**server.environment, **(environment or {})},
        cwd=server.folder,
        input=input,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def summary(done):
    return json.loads(done.stdout)


def test_a_real_accounts_files_come_in(server, trail):  # noqa: F811
    channel = make_channel(server, trail)
    logs = server.folder / "AWSLogs"
    (logs / "2026").mkdir(parents=True)
    # Two gzip files and one plain, of several calls each; what this server does itself is told by nobody else.
    theirs = [record(server, name=f"Invoke{n}") for n in range(150)]
    tables = [written(server, f"PutItem{n}") for n in range(60)]
    own = [record(server, "kms.amazonaws.com", "Decrypt")] * 7 + [managed(server, "X", eventSource="s3.amazonaws.com")] * 5
    (logs / "2026" / "a.json.gz").write_bytes(gzip.compress(json.dumps({"Records": theirs + own}).encode()))
    pieces = [gzip.compress(json.dumps(one).encode() + b"\n") for one in tables]
    (logs / "2026" / "b.json.gz").write_bytes(b"".join(pieces))
    (logs / "c.json").write_text(json.dumps({"Records": [managed(server, "CreateFunction20150331")]}, indent=2))
    (logs / "readme.txt").write_text("not JSON")
    state = server.folder / "state"
    told = summary(ingest(server, logs, "--json", "--state", state))
    assert (told["Channel"], told["Accepted"], told["Refused"], told["Files"]) == (channel, 211, 12, 3)
    by_reason = {one["Reason"]: (one["Code"], one["Count"]) for one in told["RefusedByReason"]}
    assert sorted(by_reason.values()) == [("InvalidEventSource", 5), ("InvalidEventSource", 7)]
    assert any(reason.startswith("kms.amazonaws.com is a service of this server") for reason in by_reason)

    # Again: nothing is left to do, until a file has grown.
    told = summary(ingest(server, logs, "--json", "--state", state))
    assert (told["Accepted"], told["Files"], told["FilesTakenInBefore"]) == (0, 0, 3)
    (logs / "c.json").write_text(json.dumps([managed(server, "UpdateFunctionCode20150331v2")] * 2))
    told = summary(ingest(server, logs, "--json", "--state", state))
    assert (told["Accepted"], told["FilesTakenInBefore"]) == (2, 2)

    server.advance("10m")
    names = [one.get("eventName") for one in trail.records() if one.get("metadata", {}).get("channelARN") == channel]
    expected = [one["eventName"] for one in theirs + tables]
    expected += ["CreateFunction20150331"] + 2 * ["UpdateFunctionCode20150331v2"]
    assert sorted(names) == sorted(expected)


def test_standard_input_and_what_is_said_of_it(server, trail):  # noqa: F811
    make_channel(server, trail, "lines")
    lines = "".join(json.dumps(one) + "\n" for one in [record(server), activity(server), record(server, eventTime="x")])
    done = ingest(server, input=lines, check=False)
    # Something was refused that was not to be expected.
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stdout.startswith("2 accepted, 1 refused"), done.stdout
    assert "InvalidData  eventTime is not a time" in " ".join(done.stdout.split("\n")), done.stdout
    done = ingest(server, "-", "--channel", "lines", "--json", input=json.dumps({"Records": [record(server)]}))
    assert summary(done)["Accepted"] == 1
    done = ingest(server, input=lines[:-30], check=False)
    assert done.returncode == 1 and "2 accepted" in done.stdout and "Not read to its end: standard input" in done.stdout
    done = ingest(server, server.folder / "nothing", check=False)
    assert done.returncode == 1 and "cannot read" in done.stderr
    done = ingest(server, "--channel", "other", input="", check=False)
    assert done.returncode == 1 and "there is no channel `other`" in done.stderr
    long = record(server, requestParameters={"x": "x" * 600_000})
    told = summary(ingest(server, "--json", input=json.dumps([long, record(server)]), check=False))
    assert (told["Accepted"], told["RefusedByReason"][0]["Code"]) == (1, "FieldTooLong")


def test_records_of_no_known_schema_are_refused_and_the_others_come_in(server, trail):  # noqa: F811
    make_channel(server, trail)
    unknown = [record(server, eventVersion="2.0")] * 100
    told = summary(ingest(server, "--json", input=json.dumps(unknown + [record(server)]), check=False))
    assert (told["Accepted"], told["Refused"]) == (1, 100)
    [reason] = told["RefusedByReason"]
    assert (reason["Code"], reason["Count"]) == ("ChannelUnsupportedSchema", 100)


def test_a_file_is_known_by_what_it_holds(server, trail):  # noqa: F811
    make_channel(server, trail)
    log, state = server.folder / "log.json", server.folder / "state"

    def bring():
        told = summary(ingest(server, log, "--json", "--state", state))
        return told["Accepted"], told["FilesTakenInBefore"]

    log.write_text(json.dumps(record(server, name="Invoke1")))
    before = log.stat()
    assert (bring(), bring()) == ((1, 0), (0, 1))
    # Another was rotated to its place, as long and as old.
    log.write_text(log.read_text().replace("Invoke1", "Invoke2"))
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert log.stat().st_size == before.st_size
    assert (bring(), bring()) == ((1, 0), (0, 1))
    os.utime(log)
    assert bring() == (0, 1)


def test_it_needs_a_right_of_its_own(server, trail):  # noqa: F811
    channel = make_channel(server, trail)

    def as_user(name, *actions):
        who = server.user(name, allow(list(actions), channel))
        keys = {"SHOSEKI_ACCESS_KEY_ID": who.access_key, "SHOSEKI_SECRET_ACCESS_KEY": who.secret_key}
        lines = json.dumps(record(server))
        return ingest(server, "--channel", channel, "--json", input=lines, check=False, environment=keys)

    done = as_user("teller", "cloudtrail-data:PutAuditEvents")
    assert done.returncode == 1 and "shoseki:IngestEvents" in done.stderr and summary(done)["Accepted"] == 0
    done = as_user("bringer", "cloudtrail-data:PutAuditEvents", "shoseki:IngestEvents")
    assert done.returncode == 0 and summary(done)["Accepted"] == 1
    assert ACCOUNT in channel


def test_a_server_that_goes_away_is_told_and_what_was_answered_stays(server, trail):  # noqa: F811
    make_channel(server, trail)
    state = server.folder / "state"
    one, two = server.folder / "1.json", server.folder / "2.json"
    one.write_text(json.dumps(record(server)))
    two.write_text(json.dumps(record(server)))
    assert summary(ingest(server, one, "--state", state, "--json"))["Accepted"] == 1
    server.stop()
    done = ingest(server, one, two, "--state", state, "--json", "--channel", "arn:aws:x", check=False)
    assert done.returncode == 1
    server.start()
    told = summary(ingest(server, one, two, "--state", state, "--json"))
    assert (told["Accepted"], told["FilesTakenInBefore"]) == (1, 1)
