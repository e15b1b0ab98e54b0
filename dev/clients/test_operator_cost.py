"""`shoseki cost`: estimates of a month."""

import json
import subprocess

from harness import BINARY, CLEAN, make_trail


def cost(*arguments, **environment):
    return subprocess.run(
        [BINARY, "cost", *arguments], env={**CLEAN, **environment}, capture_output=True, text=True, timeout=60)


def test_a_key_and_its_readers_cost_two_dollars_and_nine_cents():
    flags = "--keys", "1", "--rotations", "1", "--objects-read", "50000"
    done = cost(*flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert "$1.00 × (1 key + 1 rotation) = $2.00" in done.stdout
    assert "max(0, 50,000 − 20,000) × $0.03 ÷ 10,000 = $0.09" in done.stdout
    assert "Total: $2.09\n" in done.stdout
    estimate = json.loads(cost(*flags, "--output", "json", "--lang", "ja").stdout)
    assert estimate["total"] == "2.09" and estimate["lines"][0]["amount"] == "2.00"
    assert "storage of log files in S3, and requests to S3" in estimate["notCounted"]
    assert "合計: $2.09\n" in cost(*flags, LC_ALL="ja_JP.UTF-8").stdout


def test_prices_can_be_printed_changed_and_given_back(tmp_path):
    table = tmp_path / "prices.toml"
    table.write_text(cost("--show-prices").stdout)
    flags = "--management-events", "150000", "--copies", "3", "--data-events", "2000000"
    assert "Total: $8.00" in cost(*flags).stdout
    assert cost(*flags, "--prices", str(table)).stdout == cost(*flags).stdout
    table.write_text(table.read_text().replace('"2.00"', '"1.00"'))
    assert "Total: $5.00" in cost(*flags, "--prices", str(table)).stdout
    table.write_text(table.read_text().replace("amount", "amounts"))
    refused = cost("--prices", str(table))
    assert refused.returncode == 1 and "unknown field `amounts`" in refused.stderr, refused.stderr
    assert cost("--prices", str(tmp_path / "none")).returncode == 1


def test_what_cannot_be_is_refused():
    for flags in (["--rotations", "1"], ["--keys", "-1"], ["--keys", "1", "--hours", "731"], ["--keys", "1.5"]):
        assert cost(*flags).returncode == 2, flags


def test_a_survey_tells_the_keys_and_the_copies(serve, tmp_path):
    server = serve("--rehearsal")
    key = make_trail(server).key_arn
    server.client("kms").enable_key_rotation(KeyId=key)
    make_trail(server, "second", bucket="second-logs", with_key=False)

    def priced(*more):
        done = subprocess.run(
            [BINARY, "cost", "--survey", "--management-events", "100000", *more],
            env=server.cli_environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    estimate = json.loads(priced("--output", "json"))
    lines = {line["what"]: line["formula"] for line in estimate["lines"]}
    assert [name for name in lines if key in name] and estimate["total"] == "3.00", lines
    assert lines["further copies of management events"] == "100,000 × (2 − 1) copies × $2.00 ÷ 100,000 = $2.00"
    assert any("2 trails (audit, second)" in assumption for assumption in estimate["assumptions"])
    # A trail that stands still copies nothing; a key that waits for its deletion costs nothing.
    server.client("cloudtrail").stop_logging(Name="second")
    assert "first copy of 100,000 events: $0.00" in priced()
    server.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert "pending deletion: $0.00" in priced() and "Total: $0.00" in priced()
