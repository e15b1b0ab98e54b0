"""The tamper corpus (`shoseki corpus write`, docs/tamper-corpus.md): what the AWS CLI prints about each case is what is
recorded, and `shoseki trail verify` prints the same where it is to be compatible."""

import json
import os
import pathlib
import subprocess

import pytest
from corpus import Case, Endpoint, Stock, ours
from harness import BINARY, CLEAN

OWN = pathlib.Path(__file__).parents[2] / "apps/operator/src/corpus/own.json"
RECORDED = pathlib.Path(__file__).parents[2] / "apps/operator/src/corpus/stock.json"


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "all"
    done = subprocess.run(
        [BINARY, "corpus", "write", str(folder), "--output", "json"], env=CLEAN, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    written = [case["name"] for case in json.loads(done.stdout)]
    assert len(written) >= 25 and written == [case["name"] for case in json.loads((folder / "corpus.json").read_text())["cases"]]
    return [Case(folder / name) for name in written]


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def test_the_stock_validator_prints_what_is_recorded(cases, endpoint):
    stock, printed = Stock(endpoint.url), {}
    try:
        for case in cases:
            endpoint.case = case
            printed[case.name] = [
                {"quiet": stock.validate(run), "verbose": stock.validate(run, "--verbose")} for run in case.runs
            ]
    finally:
        stock.close()
    if os.environ.get("SHOSEKI_BLESS"):
        recorded = {"validator": stock.version, "cases": printed}
        RECORDED.write_text(json.dumps(recorded, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
        return
    for case in cases:
        assert [run["stock"] for run in case.runs] == printed[case.name], f"{case.name}: if that is meant: cargo xtask bless"
    # What is sound passes, and much of what is not does not.
    statuses = {case.name: max(run["quiet"]["exitStatus"] for run in printed[case.name]) for case in cases}
    assert all(statuses[case.name] == 0 for case in cases if case.facts["valid"])
    assert sum(status != 0 for status in statuses.values()) > 40


def test_trail_verify_prints_the_same_where_it_is_to_be_compatible(cases, endpoint):
    for case in cases:
        endpoint.case = case
        for run in case.runs:
            assert ours(endpoint.url, run, "--compat") == run["stock"]["quiet"], case.name
            assert ours(endpoint.url, run, "--compat", "--verbose") == run["stock"]["verbose"], case.name


def test_the_same_corpus_is_written_each_time_and_never_over_other_files(tmp_path):
    def write(folder, *more, status=0):
        done = subprocess.run(
            [BINARY, "corpus", "write", str(folder), "--case", "log-second-member", *more],
            env=CLEAN, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def files(folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    said = write(tmp_path / "one", "--lang", "ja").stdout
    assert said.startswith("1 件のケース (うち正常なもの 0 件)"), said
    write(tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two") != {}
    assert "is not empty" in write(tmp_path / "one", status=1).stderr
    assert "there is no case named other" in write(tmp_path / "three", "--case", "other", status=1).stderr
    assert not (tmp_path / "three").exists()


def test_what_trail_verify_says_by_itself_is_recorded_and_right_for_every_case(cases, endpoint):
    said = {}
    for case in cases:
        endpoint.case = case
        said[case.name] = [verdict(ours(endpoint.url, run, "--only-region", run["region"], "--output", "json")) for run in case.runs]
        for run in said[case.name]:
            # Nothing that is not in order passes, nothing stops the command, and the exit status is that of the verdict.
            assert run["exitStatus"] == (0 if case.facts["valid"] else 3), (case.name, run)
            assert (run["verdict"] == "VALID") == case.facts["valid"], (case.name, run)
    if os.environ.get("SHOSEKI_BLESS"):
        OWN.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
        return
    for case in cases:
        assert [run["own"] for run in case.runs] == said[case.name], f"{case.name}: if that is meant: cargo xtask bless"


def verdict(done):
    assert done["stdout"], done
    report = json.loads(done["stdout"])
    findings = {found["kind"] for chain in report["chains"] for found in chain["findings"]}
    return {"exitStatus": done["exitStatus"], "verdict": report["verdict"], "findings": sorted(findings)}


def test_a_region_that_lost_all_its_digests_is_told(cases, endpoint):
    endpoint.case = case = next(case for case in cases if case.name == "sound-two-regions")
    run, other = case.runs
    bucket = case.trail["bucket"]
    objects = case.objects[bucket]

    def verify():
        arguments = ["--region", run["region"], "--s3-bucket", bucket, "--end-time", run["endTime"]]
        done = ours(endpoint.url, {"arguments": arguments}, "--output", "json")
        report = json.loads(done["stdout"])
        return done["exitStatus"], {chain["region"]: [found["kind"] for found in chain["findings"]] for chain in report["chains"]}

    assert verify() == (0, {run["region"]: [], other["region"]: []})
    kept = {key: value for key, value in objects.items() if f"/CloudTrail-Digest/{other['region']}/" not in key}
    assert len(kept) < len(objects)
    try:
        case.objects[bucket] = kept
        assert verify() == (3, {run["region"]: [], other["region"]: ["noDigests"]})
    finally:
        case.objects[bucket] = objects
