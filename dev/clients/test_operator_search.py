"""`shoseki search`: against a plain reading of the same records, in every source, with what is damaged, sealed or wrong."""

import contextlib
import csv
import fnmatch
import gzip
import io
import ipaddress
import json
import random
import re
import signal
import subprocess
import sys
import threading

import boto3
import pytest
from corpus import PAGE, Bucket, Endpoint, environment, listing
from harness import ACCOUNT, BINARY, CLEAN, PROGRAMS, allow, make_trail, policy
from screens import screen, tmux_session


def search(*arguments, environment=None, check=True, input=None, status=0):
    done = subprocess.run(
        [BINARY, "search", *map(str, arguments)], env=environment or CLEAN, input=input, capture_output=True, timeout=60
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert not check or done.returncode == status, f"{arguments}: {done.returncode}\n{out}{err}"
    done.out, done.err = out, err
    return done


def found(*arguments, **more):
    return [json.loads(line) for line in search(*arguments, "--output", "jsonl", **more).out.splitlines()]


# --- records of our own, and a plain reading of them ---

EVENTS = [("s3", "GetObject", True), ("s3", "PutObject", False), ("kms", "Decrypt", True), ("iam", "DeleteUser", False),
          ("signin", "ConsoleLogin", False), ("cloudtrail", "UpdateTrail", False)]
REGIONS = ["us-east-1", "ap-northeast-1", "eu-west-1"]


def make_record(dice, number):
    source, name, read_only = dice.choice(EVENTS)
    who = dice.choice(["taro", "hanako", "花子", "o\"brien"])
    kind = dice.choice(["IAMUser", "AssumedRole", "Root", "AWSService"])
    identity = {
        "IAMUser": {"type": "IAMUser", "userName": who, "arn": f"arn:aws:iam::{ACCOUNT}:user/{who}", "accountId": ACCOUNT,
                    "accessKeyId": f"AKIAEXAMPLE{dice.randrange(3):09}"},
        "AssumedRole": {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Auditor/{who}", "accountId": ACCOUNT,
                        "sessionContext": {"sessionIssuer": {"userName": "Auditor", "arn": f"arn:aws:iam::{ACCOUNT}:role/Auditor"}}},
        "Root": {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
        "AWSService": {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"},
    }[kind]
    bucket = f"bucket-{dice.randrange(4)}"
    record = {
        "eventVersion": "1.11", "userIdentity": identity,
        "eventTime": f"2026-11-{dice.randrange(10, 20)}T{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}Z",
        "eventSource": f"{source}.amazonaws.com", "eventName": name, "awsRegion": dice.choice(REGIONS),
        "sourceIPAddress": dice.choice(["10.1.2.3", "10.9.0.1", "203.0.113.5", "2001:db8::1", "cloudtrail.amazonaws.com"]),
        "userAgent": dice.choice(["aws-cli/2.31", "Boto3 <\"{}\"> \\ ,]", "証跡/1.0"]),
        "requestParameters": dice.choice([None, {"bucketName": bucket, "nested": [{"Records": [{"eventName": "ConsoleLogin"}]}]}]),
        "responseElements": None, "eventID": f"{number:08x}-0000-4000-8000-000000000000", "readOnly": read_only,
        "recipientAccountId": dice.choice([ACCOUNT, "111111111111"]),
    }
    if dice.random() < 0.4:
        record["resources"] = [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/k"}]
    if dice.random() < 0.3:
        record |= {"errorCode": dice.choice(["AccessDenied", "NoSuchKey"]), "errorMessage": "denied, \"twice\"\nhere"}
    return record


def strings(value):
    if isinstance(value, str):
        yield value
    for inner in value if isinstance(value, list) else value.values() if isinstance(value, dict) else []:
        yield from strings(inner)


def fits(pattern, text):
    """Of wildcards only * and ?."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def names(record):
    identity = record["userIdentity"]
    issuer = identity.get("sessionContext", {}).get("sessionIssuer", {})
    found = [identity.get(name) for name in ("arn", "userName", "accessKeyId", "principalId", "invokedBy")]
    found += [issuer.get(name) for name in ("arn", "userName", "principalId")]
    found += [identity["arn"].rsplit("/", 1)[1]] if "/" in identity.get("arn", "") else []
    return [name for name in found if name] + (["root"] if identity["type"] == "Root" else [])


def in_network(network, text):
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(network)
    except ValueError:
        return fits(network, text)


TESTS = {
    "--since": lambda record, value: record["eventTime"] >= value,
    "--until": lambda record, value: record["eventTime"] < value,
    "--principal": lambda record, value: any(fits(value, name) for name in names(record)),
    "--event": lambda record, value: fits(value, record["eventName"]),
    "--source": lambda record, value: fits(value if "." in value else value + ".amazonaws.com", record["eventSource"]),
    "--resource": lambda record, value: any(fits(value, text) for text in [
        *[resource["ARN"] for resource in record.get("resources", [])],
        *strings([record["requestParameters"], record["responseElements"]])]),
    "--error": lambda record, value: "errorCode" in record and fits(value or "*", record["errorCode"]),
    "--source-ip": lambda record, value: in_network(value, record["sourceIPAddress"]),
    "--in-region": lambda record, value: fits(value, record["awsRegion"]),
    "--account": lambda record, value: record["recipientAccountId"] == value,
    "--read-only": lambda record, value: record["readOnly"],
    "--write-only": lambda record, value: not record["readOnly"],
    "--text": lambda record, value: value.lower() in json.dumps(record, ensure_ascii=False).lower(),
}
VALUES = {
    "--since": ["2026-11-12T00:00:00Z", "2026-11-15T12:30:00Z"],
    "--until": ["2026-11-18T00:00:00Z", "2026-11-16T07:00:00Z"],
    "--principal": ["taro", "arn:aws:iam::*:user/*", "AKIAEXAMPLE000000001", "Auditor", "root", "花子", "o\"brien", "*/Auditor", "roo?"],
    "--event": ["GetObject", "*Object", "ConsoleLogin", "Get*", "Nothing", "?ecrypt"],
    "--source": ["s3", "kms.amazonaws.com", "*.amazonaws.com"],
    "--resource": ["arn:aws:s3:::bucket-1/*", "bucket-2", "ConsoleLogin"],
    "--error": ["", "AccessDenied", "NoSuch*"],
    "--source-ip": ["10.0.0.0/8", "203.0.113.5", "2001:db8::/32", "cloudtrail.*"],
    "--in-region": ["us-east-1", "*-*-1", "ap-*"],
    "--account": [ACCOUNT, "111111111111"],
    "--read-only": [""],
    "--write-only": [""],
    "--text": ["証跡", "BOTO3", "deleteuser", "nothing like it"],
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A copy of a bucket, in every form that files have, and its records in the order of the files."""
    folder, dice, records = tmp_path_factory.mktemp("corpus"), random.Random(7), []
    for file in range(12):
        some = [make_record(dice, file * 100 + n) for n in range(dice.randrange(0, 25))]
        whole = json.dumps({"Records": some}, ensure_ascii=file % 2 == 0, indent=1 if file == 5 else None)
        lines = "".join(json.dumps(record) + "\n" for record in some)
        place = folder / f"2026/11/{10 + file}"
        place.mkdir(parents=True)
        match file % 4:
            case 0 | 1:
                (place / "log.json.gz").write_bytes(gzip.compress(whole.encode()))
            case 2:
                (place / "log.json").write_text(whole, encoding="utf-8")
            case 3:
                half = lines.encode()[: len(lines) // 2]
                (place / "log.jsonl.gz").write_bytes(gzip.compress(half) + gzip.compress(lines.encode()[len(half):]))
        records += some
    digest = {"digestStartTime": "x", "logFiles": []}
    name = f"{ACCOUNT}_CloudTrail-Digest_us-east-1_audit_us-east-1_20261119T000000Z.json.gz"
    (folder / name).write_bytes(gzip.compress(json.dumps(digest).encode()))
    (folder / "notes.txt").write_text("no records")
    return folder, records


def test_every_filter_finds_what_a_plain_reading_finds(corpus):
    folder, records = corpus
    assert found("--files", folder) == records, "all, as they are, in the order of the files"
    for option, values in VALUES.items():
        for value in values:
            given = [option, value] if value else [option]
            expected = [record for record in records if TESTS[option](record, value)]
            assert found("--files", folder, *given) == expected, given


def test_filters_together_are_all_and_values_of_one_are_any(corpus):
    folder, records = corpus
    dice, some = random.Random(11), 0
    for _ in range(60):
        given, expected = [], records
        for option in dice.sample([name for name in TESTS if name != "--write-only"], dice.randrange(1, 4)):
            single = option in ("--since", "--until", "--read-only")
            values = dice.sample(VALUES[option], 1 if single else min(len(VALUES[option]), dice.randrange(1, 3)))
            given += [part for value in values for part in ([option, value] if value else [option])]
            expected = [record for record in expected if any(TESTS[option](record, value) for value in values)]
        assert found("--files", folder, *given) == expected, given
        some += bool(expected)
    assert some > 15, "the filters of this test find something often enough"


def test_orders_limits_and_forms(corpus):
    folder, records = corpus
    by_time = sorted(records, key=lambda record: (record["eventTime"], record["eventID"]))
    assert found("--files", folder, "--order", "oldest") == by_time
    assert found("--files", folder, "--order", "newest", "--limit", 7) == by_time[::-1][:7]
    assert found("--files", folder, "--limit", 9) == records[:9]
    assert json.loads(search("--files", folder, "--output", "json").out) == {"Records": records}
    assert json.loads(search("--files", folder, "--output", "json", "--event", "Nothing").out) == {"Records": []}
    again = search("--files", folder, "--output", "json", "--order", "oldest", "--limit", 3).out
    assert found("--files", "-", input=again.encode()) == by_time[:3], "what it writes it reads"
    text = search("--files", folder, "--output", "csv").out
    assert text.count("\r\n") == len(records) + 1
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["eventID"] for row in rows] == [record["eventID"] for record in records]
    assert [row["errorMessage"] for row in rows] == [record.get("errorMessage", "") for record in records]
    assert [row["userAgent"] for row in rows] == [record["userAgent"] for record in records]
    assert search("--files", folder, "--count").out == f"{len(records)}\n"
    assert json.loads(search("--files", folder, "--count", "--output", "json").out) == {"count": len(records)}


def test_numbers_over_time_and_by_field(corpus):
    folder, records = corpus
    histogram = json.loads(search("--files", folder, "--histogram", "1d", "--output", "json").out)
    days = {}
    for record in records:
        days[record["eventTime"][:10]] = days.get(record["eventTime"][:10], 0) + 1
    assert {bar["from"][:10]: bar["count"] for bar in histogram["bars"] if bar["count"]} == days
    assert histogram["stepSeconds"] == 86400 and len(histogram["bars"]) == 10
    groups = json.loads(search("--files", folder, "--group-by", "event", "--output", "json").out)["groups"]
    counts = {}
    for record in records:
        counts[record["eventName"]] = counts.get(record["eventName"], 0) + 1
    assert groups == [{"value": name, "count": count} for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    by_error = search("--files", folder, "--group-by", "error", "--output", "csv").out.split("\r\n")
    assert f",{sum('errorCode' not in record for record in records)}" in by_error
    assert "(none)" in search("--files", folder, "--group-by", "error").out


def test_screens(corpus, tmp_path):
    folder, _ = corpus
    for language in ("en", "ja"):
        arguments = ("--lang", language, "--files", folder)
        screen(f"search-table.{language}", search(*arguments, "--error", "AccessDenied", "--limit", 12).out)
        screen(f"search-histogram.{language}", search(*arguments, "--histogram").out)
        screen(f"search-groups.{language}", search(*arguments, "--group-by", "principal").out)
        with tmux_session(tmp_path, [BINARY, "search", *arguments, "--source", "s3", "--limit", "5"], size=(70, 20)) as session:
            assert session.wait_end() == 0
            shown = session.capture()
            assert all(len(line) <= 70 for line in shown.splitlines()) and "…" in shown
            screen(f"search-terminal.{language}", shown)
    piped = search("--files", folder, environment={**CLEAN, "NO_COLOR": ""})
    assert "\x1b" not in piped.out + piped.err, "no colours in a pipe"


def test_what_is_damaged_is_named_and_all_else_searched(corpus, tmp_path):
    _, records = corpus
    text = json.dumps({"Records": records[:40]}).encode()
    whole = gzip.compress(text)
    (tmp_path / "1-good.json.gz").write_bytes(whole)
    (tmp_path / "2-cut.json.gz").write_bytes(whole[: len(whole) - 300])
    flipped = bytearray(whole)
    flipped[-8] ^= 1
    (tmp_path / "3-flipped.json.gz").write_bytes(flipped)
    (tmp_path / "4-appended.json.gz").write_bytes(whole + b"more")
    (tmp_path / "5-text.json").write_bytes(b"this is no log")
    (tmp_path / "6-cut.json").write_bytes(text[:-3])
    (tmp_path / "7-good.json.gz").write_bytes(whole)
    done = search("--files", tmp_path, tmp_path / "8-absent.json", "--output", "jsonl", "--duplicates", status=1)
    for name in ("2-cut", "3-flipped", "4-appended", "5-text", "6-cut"):
        assert re.search(rf"{name}\S* is damaged: ", done.err), done.err
    assert re.search(r"8-absent.json cannot be read: No such file", done.err) and "6 files could not" in done.err
    assert "good" not in done.err
    count = len(done.out.splitlines())
    assert count >= 5 * 40, "what comes before the damage is searched"
    assert all(json.loads(line) in records[:40] for line in done.out.splitlines())


def test_wrong_usage_is_refused_with_what_to_do(corpus):
    folder, _ = corpus
    for arguments, words in [
        (("--since", "yesterday"), "write 2026-11-22T15:04:05Z"),
        (("--since", "2026-11-03", "--until", "2026-11-01"), "--since is not before --until"),
        (("--lookup", "--calls-per-second", "0", "--region", "us-east-1"), "must be more than 0"),
    ]:
        given = arguments if "--lookup" in arguments else ("--files", folder, *arguments)
        assert words in search(*given, status=2, environment={**CLEAN, "HOME": str(folder)}).err
    for arguments in [("--source-ip", "10.0.0.0/40"), ("--histogram", "1y"), ("--read-only", "--write-only"), ("--bucket", "b"),
                      ("--count", "--histogram"), ("--group-by", "colour")]:
        search("--files", folder, *arguments, status=2)


def test_standard_input_and_a_reader_that_goes(corpus):
    _, records = corpus
    lines = "".join(json.dumps(record) + "\n" for record in records) * 200
    assert len(found("--files", "-", "--duplicates", "--event", "ConsoleLogin", input=lines.encode())) == 200 * sum(
        record["eventName"] == "ConsoleLogin" for record in records)
    assert len(found("--limit", 3, input=gzip.compress(lines.encode()))) == 3
    done = subprocess.run(["bash", "-c", f"'{BINARY}' search --output jsonl | head -1; echo ${{PIPESTATUS[0]}}"], env=CLEAN,
                          input=lines.encode(), capture_output=True, timeout=60)
    assert done.stdout.decode().splitlines()[1:] == ["0"] and b"panicked" not in done.stderr


# --- on a server ---


@pytest.mark.serve("--rehearsal")
def test_a_bucket_a_copy_of_it_and_the_event_history_tell_the_same(server, tmp_path):
    trail = make_trail(server, prefix="p")
    for n in range(30):
        server.client("iam").create_user(UserName=f"user-{n}")
    nobody = server.user("nobody")
    server.client("kms", "eu-west-1").create_key()
    server.aws("iam", "list-users", who=nobody, check=False)
    server.advance("20m")
    environment = server.cli_environment()
    expected = sorted(record["eventID"] for record in trail.records() if record["eventName"] == "CreateUser")
    assert len(expected) == 31
    ids = lambda records: sorted(record["eventID"] for record in records)
    query = ("--event", "CreateUser")
    assert ids(found("--trail", "audit", *query, environment=environment)) == expected
    assert ids(found("--bucket", trail.bucket, "--prefix", "p", *query, environment=environment)) == expected
    assert ids(found("--lookup", "--calls-per-second", 50, *query, environment=environment)) == expected
    server.aws("s3", "cp", "--recursive", f"s3://{trail.bucket}", str(tmp_path / "copy"))
    assert ids(found("--files", tmp_path / "copy", *query)) == expected
    everything = found("--bucket", trail.bucket, "--prefix", "p", environment=environment)
    assert {record["awsRegion"] for record in everything} >= {"us-east-1", "eu-west-1"}
    assert found("--files", tmp_path / "copy") == everything, "a copy of a bucket is in the same order"
    in_europe = found("--trail", "audit", "--in-region", "eu-*", environment=environment)
    assert in_europe == [record for record in everything if record["awsRegion"] == "eu-west-1"] and in_europe
    denied = found("--trail", "audit", "--error", "AccessDenied", "--principal", "nobody", environment=environment)
    assert [record["eventName"] for record in denied] == ["ListUsers"]
    # Nothing before the trail, nothing tomorrow; the days are left out by the service.
    assert found("--trail", "audit", "--since", "2099-01-01", environment=environment) == []
    assert found("--trail", "audit", "--until", "2020-01-01", environment=environment) == []
    assert found("--trail", "audit", "--account", "111111111111", environment=environment) == []
    regions = ids(found("--lookup", "--all-regions", "--calls-per-second", 50, "--event", "CreateKey", environment=environment))
    assert len(regions) == 2, "of both Regions"


@pytest.mark.serve("--rehearsal")
def test_files_that_may_not_be_opened_are_named(server):
    trail = make_trail(server)
    server.advance("10m")
    reader = server.user("reader", allow(["s3:ListBucket", "s3:GetObject"]), allow("cloudtrail:DescribeTrails"))
    done = search("--trail", "audit", environment=server.cli_environment(who=reader), status=1)
    key = trail.keys()[0]
    assert f"s3://{trail.bucket}/{key} may not be opened: AccessDenied" in done.err and "kms:Decrypt" in done.err
    japanese = search("--lang", "ja", "--trail", "audit", environment=server.cli_environment(who=reader), status=1)
    assert "開く権限がありません" in japanese.err
    stranger = server.user("stranger")
    refused = search("--bucket", trail.bucket, environment=server.cli_environment(who=stranger), status=1)
    assert "could not be listed" in refused.err and "AccessDenied" in refused.err
    absent = search("--trail", "other", environment=server.cli_environment(), status=1)
    assert "there is no trail `other` in us-east-1" in absent.err


def test_wrong_usage_and_what_cannot_be_listed_is_said_and_how_to_go_on(server, tmp_path):
    environment = server.cli_environment()
    for language, words in [("en", "is no time"), ("ja", "時刻として読めません")]:
        done = search("--lang", language, "--lookup", "--since", "foo", environment=environment, status=2)
        assert words in done.err and done.out == ""
    done = search("--lookup", "--calls-per-second", "0", environment=environment, status=2)
    assert "--calls-per-second" in done.err
    # However soon the listing fails, its failure is the command's.
    for _ in range(5):
        done = search("--bucket", "no-such-bucket-here", "--output", "jsonl", environment=environment, status=1)
        assert "no-such-bucket-here" in done.err and "NoSuchBucket" in done.err
    nowhere = {name: value for name, value in environment.items() if "REGION" not in name}
    nowhere["HOME"] = str(tmp_path)
    done = search("--lang", "ja", "--lookup", environment=nowhere, status=1)
    assert "リージョンが指定されていません" in done.err and "--region" in done.err


def test_values_that_would_act_on_a_terminal_are_shown_harmless_and_kept_in_json(tmp_path):
    evil = "ev\x1b]0;title\x07\x1b[2J\u202eil\u009b"
    record = {"eventTime": "2026-11-22T10:00:00Z", "eventName": "GetObject", "eventSource": "s3.amazonaws.com",
              "userAgent": evil, "userIdentity": {"type": "IAMUser", "userName": evil + "\nroot"}}
    path = tmp_path / "evil.json"
    path.write_text(json.dumps({"Records": [record]}, ensure_ascii=False))
    for arguments in [[], ["--group-by", "user-agent"], ["--group-by", "principal"]]:
        out = search("--files", path, *arguments).out
        assert not set("\x1b\x07\u202e\u009b") & set(out) and "ev\ufffd" in out and "\nroot" not in out, repr(out)
    assert found("--files", path) == [record]
    assert list(csv.DictReader(io.StringIO(search("--files", path, "--output", "csv").out)))[0]["userAgent"] == evil


# --- what is found again, cut off, far away or odd ---


def test_an_event_of_two_files_is_given_once_and_how_many_were_is_said(corpus, tmp_path):
    _, records = corpus
    some = records[:30]
    changed = some[4] | {"eventName": "Other"}
    one, other = json.dumps({"Records": some}), json.dumps({"Records": [*some[10:], changed]})
    (tmp_path / "1.json").write_text(one)
    (tmp_path / "2.json.gz").write_bytes(gzip.compress(other.encode()))
    assert found("--files", tmp_path) == [*some, changed], "the first of each; one that differs is another"
    assert found("--files", tmp_path, "--duplicates") == [*some, *some[10:], changed]
    for form in ("jsonl", "json", "csv", "text"):
        assert "20 records were found again" in search("--files", tmp_path, "--output", form).err
    assert json.loads(search("--files", tmp_path, "--output", "json").out) == {"Records": [*some, changed]}
    assert search("--files", tmp_path, "--count").out == "31\n"
    assert search("--files", tmp_path, "--count", "--duplicates").out == "51\n"
    assert len(found("--files", tmp_path, "--order", "oldest")) == 31
    for summary in ("--histogram", "--group-by=event"):
        told = json.loads(search("--files", tmp_path, summary, "--output", "json").out)
        assert sum(each["count"] for each in told.get("bars") or told["groups"]) == 31
    assert "found again" not in search("--files", tmp_path / "1.json").err


def test_a_record_that_is_no_text_does_not_end_its_file(tmp_path):
    record = lambda number: json.dumps({"eventName": "GetKey", "eventID": str(number), "userAgent": "agent"}).encode()
    text = b'{"Records":[' + b",".join([record(1), record(2).replace(b"agent", b"\xff\xfe"), record(3)]) + b"]}"
    (tmp_path / "odd.json.gz").write_bytes(gzip.compress(text))
    done = search("--files", tmp_path, "--event", "GetKey", "--output", "jsonl", status=1)
    assert [json.loads(line)["eventID"] for line in done.out.splitlines()] == ["1", "3"]
    assert re.search(r"odd.json.gz: records that are no JSON in UTF-8 were left out: 1, the first at byte \d+", done.err), done.err
    assert "レコードを除きました" in search("--lang", "ja", "--files", tmp_path, status=1).err


def test_an_interruption_is_said_and_what_was_found_is_given(corpus):
    _, records = corpus
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    running = subprocess.Popen(
        [BINARY, "search", "--files", "-", "--duplicates", "--output", "jsonl"], env=CLEAN,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = []

    def read():
        for line in running.stdout:
            if not out:
                running.send_signal(signal.SIGINT)
            out.append(line)

    reader = threading.Thread(target=read)
    reader.start()
    # Its input does not end by itself.
    with contextlib.suppress(BrokenPipeError):
        while running.poll() is None:
            running.stdin.write(lines)
    reader.join(30)
    err = running.stderr.read()
    assert running.wait(30) == 130 and b"Interrupted after" in err, err
    assert json.loads(out[0]) == records[0] and all(json.loads(line) for line in out), "no record is cut"
    for stream in (running.stdout, running.stderr):
        stream.close()
    with contextlib.suppress(BrokenPipeError):
        running.stdin.close()


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def log_name(day, number, region="us-east-1"):
    return (f"AWSLogs/{ACCOUNT}/CloudTrail/{region}/2026/{day // 28 + 1:02}/{day % 28 + 1:02}/"
            f"{ACCOUNT}_CloudTrail_{region}_2026{day // 28 + 1:02}{day % 28 + 1:02}T1200Z_{number:016}.json.gz")


def test_until_alone_lists_no_more_than_it_needs(endpoint):
    def file(day):
        at = f"2026-{day // 28 + 1:02}-{day % 28 + 1:02}T11:55:00Z"
        return gzip.compress(json.dumps({"Records": [{"eventTime": at, "eventName": "GetKey", "eventID": str(day)}]}).encode())

    endpoint.case = Bucket("logs", {log_name(day, 0): file(day) for day in range(280)})
    given = ("--bucket", "logs", "--region", "us-east-1", "--until", "2026-01-03")
    assert [record["eventID"] for record in found(*given, environment=environment(endpoint.url))] == ["0", "1", "2"]
    listed = [path for path in endpoint.asked if "list-type=2" in path and "delimiter" not in path]
    # To the end of the day after it, which is looked into for what came late, and a page more.
    assert 0 < len(listed) <= 5 // PAGE + 2, listed
    fetched = [path for path in endpoint.asked if path.endswith(".gz")]
    assert len(fetched) <= 5


def test_a_bucket_whose_listing_does_not_go_on_is_told(endpoint):
    endpoint.case = Bucket("logs", {log_name(day, 0): gzip.compress(b'{"Records":[]}') for day in range(12)})
    endpoint.page = lambda bucket, objects, query: listing(
        bucket, objects, {name: value for name, value in query.items() if name != "continuation-token"})
    done = search("--bucket", "logs", "--region", "us-east-1", environment=environment(endpoint.url), status=1)
    assert "does not go on" in done.err and len(endpoint.asked) < 100


MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
json.dump([done.stdout.decode(), done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024], sys.stdout)
"""


def test_memory_does_not_grow_with_the_objects_of_a_bucket(endpoint):
    line = json.dumps({"eventName": "GetKey", "eventID": "same", "userAgent": "x" * 900}).encode() + b"\n"
    huge = line * (80_000_000 // len(line)) + json.dumps({"eventName": "PutKey", "eventID": "last"}).encode()
    middling = line * (12_000_000 // len(line))
    objects = {f"AWSLogs/big/{number}.json": huge for number in range(3)}
    objects |= {f"AWSLogs/big/m{number:02}.json": middling for number in range(24)}
    endpoint.case = Bucket("logs", objects)
    command = [BINARY, "search", "--bucket", "logs", "--prefix", "AWSLogs/big/", "--event", "PutKey", "--duplicates", "--output", "jsonl"]
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, *command], stdout=subprocess.PIPE, check=True, timeout=60,
                          env={**environment(endpoint.url), "AWS_DEFAULT_REGION": "us-east-1"})
    out, status, peak = json.loads(done.stdout)
    assert status == 0 and [json.loads(line)["eventID"] for line in out.splitlines()] == ["last"] * 3
    assert peak < 300, f"{peak} MiB for 528 MB"


# --- a foreign endpoint ---


@pytest.fixture
def moto(tmp_path):
    log = open(tmp_path / "moto.log", "w+")
    process = subprocess.Popen(
        [PROGRAMS / "moto_server", "-H", "127.0.0.1", "-p", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**CLEAN, "HOME": str(tmp_path), "MOTO_ACCOUNT_ID": ACCOUNT},
    )
    place, ready = [], threading.Event()

    def read():
        for line in process.stdout:
            log.write(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                place.append(found.group())
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert ready.wait(30) and place
    yield place[0]
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    reader.join(20)
    log.close()


def test_a_bucket_of_a_foreign_endpoint_is_searched(corpus, moto):
    _, records = corpus
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1", "endpoint_url": moto}
    s3, cloudtrail = (boto3.client(name, **keys) for name in ("s3", "cloudtrail"))
    s3.create_bucket(Bucket="moto-logs")
    cloudtrail.create_trail(Name="moto", S3BucketName="moto-logs", S3KeyPrefix="a b")
    by_day = [records[start:start + 40] for start in range(0, len(records), 40)]
    for day, some in enumerate(by_day):
        body = gzip.compress(json.dumps({"Records": some}).encode())
        s3.put_object(Bucket="moto-logs", Key=f"a b/{log_name(day, day)}", Body=body)
    # Larger than what is fetched whole.
    rare = {"eventName": "Rare", "eventID": "rare", "eventTime": "2026-02-01T00:00:00Z"}
    filler = json.dumps({"eventName": "Filler", "userAgent": "x" * 4000}) + "\n"
    text = filler * (20_000_000 // len(filler)) + json.dumps(rare)
    s3.put_object(Bucket="moto-logs", Key="a b/" + log_name(27, 9).replace(".json.gz", ".json"), Body=text.encode())
    environment = {**CLEAN, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
                   "AWS_ENDPOINT_URL": moto}
    for place in (["--trail", "moto"], ["--bucket", "moto-logs", "--prefix", "a b"]):
        for given in (["--event", "GetObject"], ["--error", "AccessDenied"], ["--event", "Rare"]):
            expected = [record for record in [*records, rare]
                        if record["eventName"] == given[1] or record.get("errorCode") == given[1]]
            assert found(*place, *given, environment=environment) == expected, (place, given)
    refused = search("--lookup", "--calls-per-second", "50", environment=environment, check=False)
    assert refused.returncode in (0, 1) and "panicked" not in refused.err
