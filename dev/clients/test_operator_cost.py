"""`shoseki cost`: estimates of a month. It calls nobody, so there is no server here."""

import json
import subprocess

from harness import BINARY, CLEAN


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
