"""`shoseki trail verify`: as the stock validator where it is to be compatible, and what it finds beyond."""

import base64
import gzip
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import zlib
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from corpus import Case, Endpoint, environment, listing, ours
from harness import ACCOUNT, BINARY, CLEAN, allow, make_trail
from screens import screen
from test_validate_logs import PERIODS, REGIONS, Touch

pytestmark = pytest.mark.serve("--rehearsal")
FORM = "%Y-%m-%dT%H:%M:%SZ"


@pytest.fixture
def sealed(server):
    """A trail with calls of two Regions in each of four digest periods."""
    start = server.now() - timedelta(minutes=1)
    trail = make_trail(server)
    for _ in range(PERIODS):
        for region in REGIONS:
            server.client("kms", region).create_key(Description="something to record")
        server.advance("1h")
    return trail, start


def both(server, *arguments):
    """The stock validator and this one, with the same arguments."""
    stock = server.aws("cloudtrail", "validate-logs", *arguments, check=False)
    own = subprocess.run(
        [BINARY, "trail", "verify", "--compat", *arguments],
        env=server.cli_environment(), capture_output=True, text=True, timeout=60)
    for name in ("stdout", "stderr", "returncode"):
        assert getattr(own, name) == getattr(stock, name), (arguments, name)
    return stock


def test_compat_prints_what_the_stock_validator_prints(server, sealed):
    trail, start = sealed
    times = ["--start-time", start.strftime(FORM), "--end-time", server.now().strftime(FORM)]
    arn = ["--trail-arn", trail.arn]
    for region in REGIONS:
        assert both(server, *arn, *times, "--verbose", "--region", region).returncode == 0
    assert both(server, *arn, "--start-time", "1/2/2020 5pm", "--end-time", times[3]).returncode == 0
    elsewhere = both(server, *arn, *times, "--s3-bucket", trail.bucket, "--s3-prefix", "elsewhere")
    assert "No digests found" in elsewhere.stdout
    touch = Touch(trail)
    for how in ("flip_a_byte", "delete_a_digest", "append_bytes"):
        getattr(touch, how)()
    assert both(server, *arn, *times, "--verbose", "--region", "us-east-1").returncode == 1
    both(server, *arn, *times, "--region", "us-east-1")


def test_compat_fails_as_the_stock_validator_fails(server, sealed):
    trail, start = sealed
    times = ["--start-time", start.strftime(FORM), "--end-time", server.now().strftime(FORM)]
    for arguments in (
        ["--trail-arn", "audit", *times],
        ["--trail-arn", trail.arn.replace("audit", "other"), *times],
        ["--trail-arn", trail.arn, "--start-time", "2026-01-02", "--end-time", "2026-01-01"],
        ["--trail-arn", trail.arn, "--start-time", "some day"],
        ["--trail-arn", trail.arn, *times, "--s3-bucket", "there-is-no-such-bucket"],
    ):
        assert both(server, *arguments).returncode == 255


def test_compat_prints_what_the_stock_validator_printed_of_the_whole_corpus(tmp_path):
    done = subprocess.run([BINARY, "corpus", "write", str(tmp_path / "all")], env=CLEAN, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    cases = [Case(folder) for folder in sorted((tmp_path / "all").iterdir()) if folder.is_dir()]
    endpoint, different = Endpoint(), {}
    try:
        for case in cases:
            endpoint.case = case
            for run in case.runs:
                # What is said without --verbose is a part of what is said with it.
                found, stock = ours(endpoint.url, run, "--compat", "--verbose"), run["stock"]["verbose"]
                # What the AWS CLI says only where its commands share a process, as they do when the corpus is recorded.
                stock = stock | {"stderr": stock["stderr"].replace(" (reached max retries: 0)", "")}
                if found != stock:
                    different[case.name] = found, stock
    finally:
        endpoint.close()
    assert len(cases) > 25 and not different, different


# --- beyond the stock validator ---


def verify(server, *arguments, status=0, end=True, json_output=True, lang="en"):
    """Runs the command up to the server's time, and returns its report."""
    more = ["--end-time", server.now().strftime(FORM)] if end else []
    more += ["--output", "json"] if json_output else ["--lang", lang]
    done = subprocess.run(
        [BINARY, "trail", "verify", *arguments, *more],
        env=server.cli_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout) if json_output else done.stdout


def kinds(report):
    return {
        (chain["region"], finding["kind"], finding["verdict"])
        for chain in report["chains"] for finding in chain["findings"]
    }


def everything(trail):
    """The keys of all log files and digests."""
    pages = trail.s3.get_paginator("list_objects_v2").paginate(Bucket=trail.bucket)
    return {listed["Key"] for listed in pages.search("Contents[]") if listed}


def copied(trail, folder, metadata):
    """The bucket's files by their keys, as `aws s3 sync` writes them, with or without files for the metadata."""
    for listed in trail.s3.get_paginator("list_objects_v2").paginate(Bucket=trail.bucket).search("Contents[]"):
        key = listed["Key"]
        found = trail.s3.get_object(Bucket=trail.bucket, Key=key)
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(found["Body"].read())
        if metadata and found["Metadata"]:
            (folder / f"{key}.metadata.json").write_text(json.dumps(found["Metadata"]))
    return folder


def test_all_regions_are_verified_at_once_from_the_bucket_and_from_a_copy(server, sealed, tmp_path):
    trail, _ = sealed
    keys, cache = tmp_path / "keys.json", tmp_path / "cache"
    report = verify(server, "--save-public-keys", keys, "--cache", cache)
    assert report["verdict"] == "VALID" and kinds(report) == set()
    regions = {chain["region"]: chain for chain in report["chains"]}
    assert len(regions) > 10
    for region in REGIONS:
        chain = regions[region]
        assert chain["digests"]["valid"] == len(trail.digests(region)) == PERIODS
        assert chain["logs"]["valid"] >= 3 and chain["logs"]["invalid"] == chain["logs"]["fromCache"] == 0
        assert chain["coveredFrom"] < chain["coveredTo"] and chain["bytesHashed"] > 0
    # Again, from the cache; a changed file is looked at again all the same.
    again = verify(server, "--cache", cache)
    assert all(chain["logs"]["fromCache"] == chain["logs"]["valid"] for chain in again["chains"])
    assert again["verdict"] == "VALID" and sum(chain["bytesHashed"] for chain in again["chains"]) == 0
    # A copy with its metadata, keys and all, without any server.
    offline = ["--public-keys", keys]
    whole = copied(trail, tmp_path / "whole", metadata=True)
    report = verify(server, "--local", whole, *offline, end=False)
    assert report["verdict"] == "VALID" and kinds(report) == set()
    assert sum(chain["logs"]["valid"] for chain in report["chains"]) >= 6
    # Without metadata the newest digest of each Region is not proven, and the others are.
    bare = copied(trail, tmp_path / "bare", metadata=False)
    report = verify(server, "--local", bare, *offline, end=False, status=3)
    assert report["verdict"] == "INCOMPLETE"
    assert {kind for _, kind, _ in kinds(report)} == {"signatureNotAvailable"}
    assert all(chain["digests"]["unproven"] == 1 for chain in report["chains"])
    # Under another folder: by a path map.
    moved = tmp_path / "moved"
    (moved / "old").mkdir(parents=True)
    (whole / "AWSLogs").rename(moved / "old" / "AWSLogs")
    report = verify(server, "--local", moved, "--s3-prefix", "old", *offline, end=False, status=3)
    assert report["verdict"] == "INVALID" and "moved" in {kind for _, kind, _ in kinds(report)}
    mapped = ["--path-map", f"s3://{trail.bucket}=old", "--s3-prefix", "old"]
    assert verify(server, "--local", moved, *mapped, *offline, end=False)["verdict"] == "VALID"
    Touch(trail).change_the_content()
    report = verify(server, "--cache", cache, status=3)
    assert ("us-east-1", "hashMismatch", "INVALID") in kinds(report)


def test_what_the_stock_validator_does_not_see_is_found(server, sealed):
    trail, _ = sealed
    touch = Touch(trail)
    home = ["--only-region", "us-east-1"]
    # A file that nobody delivered, among those of a covered hour.
    planted = touch.log.rsplit("_", 1)[0] + "_AAAAAAAAAAAAAAAA.json.gz"
    trail.s3.put_object(Bucket=trail.bucket, Key=planted, Body=touch.body(touch.log))
    report = verify(server, *home, status=3)
    assert report["verdict"] == "INCOMPLETE" and kinds(report) == {("us-east-1", "unlisted", "INCOMPLETE")}
    [chain] = report["chains"]
    assert chain["findings"][0]["location"].endswith(planted)
    trail.s3.delete_object(Bucket=trail.bucket, Key=planted)
    # The newest digest and the log files of its hour are gone: what is left is a sound chain.
    for log in trail.read(touch.digests[-1])["logFiles"]:
        trail.s3.delete_object(Bucket=trail.bucket, Key=log["s3Object"])
    trail.s3.delete_object(Bucket=trail.bucket, Key=touch.digests[-1])
    server.advance("1h")
    later = server.now().strftime(FORM)
    newest = trail.digests("us-east-1")[-1]
    trail.s3.delete_object(Bucket=trail.bucket, Key=newest)
    report = verify(server, *home, status=3)
    assert ("us-east-1", "truncatedTail", "INCOMPLETE") in kinds(report), later
    # One in the middle.
    trail.s3.delete_object(Bucket=trail.bucket, Key=touch.digests[1])
    report = verify(server, *home, status=3)
    assert report["verdict"] == "INVALID"
    assert {("us-east-1", "notFound", "INVALID"), ("us-east-1", "gap", "INCOMPLETE")} <= kinds(report)


def test_a_gap_is_explained_by_the_trails_own_events(server, sealed):
    trail, _ = sealed
    cloudtrail = server.client("cloudtrail", "us-east-1")
    cloudtrail.stop_logging(Name=trail.name)
    server.advance("5h")
    cloudtrail.start_logging(Name=trail.name)
    server.advance("2h")
    report = verify(server, *["--only-region", "us-east-1"])
    assert report["verdict"] == "VALID" and kinds(report) == {("us-east-1", "gap", "VALID")}
    [chain] = report["chains"]
    told = {event["eventName"]: event for event in chain["findings"][0]["explainedBy"]}
    assert "StopLogging" in told and told["StopLogging"]["eventId"] and told["StopLogging"]["who"].endswith(":root")
    text = verify(server, *["--only-region", "us-east-1"], json_output=False)
    assert "the trail was stopped or changed" in text and told["StopLogging"]["eventId"] in text
    # The event itself counts only where its file is what was delivered.
    cloudtrail.stop_logging(Name=trail.name)
    server.advance("6h")
    report = verify(server, *["--only-region", "us-east-1"])
    assert ("us-east-1", "truncatedTail", "VALID") in kinds(report)


def test_two_accounts_in_one_bucket(server, sealed):
    trail, _ = sealed
    other = server.account("111111111111")
    policy = json.loads(trail.s3.get_bucket_policy(Bucket=trail.bucket)["Policy"])
    text = json.dumps(policy)
    for statement in list(policy["Statement"]):
        theirs = json.loads(json.dumps(statement).replace(ACCOUNT, other.account))
        theirs["Sid"] = statement.get("Sid", "S") + "Other"
        policy["Statement"].append(theirs)
    assert json.dumps(policy) != text
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=json.dumps(policy))
    theirs = server.client("cloudtrail", "us-east-1", who=other)
    theirs.create_trail(Name="theirs", S3BucketName=trail.bucket, EnableLogFileValidation=True)
    theirs.start_logging(Name="theirs")
    server.advance("3h")
    report = verify(server, "--s3-bucket", trail.bucket)
    assert report["verdict"] == "VALID"
    assert {chain["accountId"] for chain in report["chains"]} == {ACCOUNT, other.account}
    report = verify(server, "--s3-bucket", trail.bucket, "--account-id", other.account)
    assert [(chain["accountId"], chain["trail"]) for chain in report["chains"]] == [(other.account, "theirs")]


def test_what_cannot_be_verified_says_why(server, sealed, tmp_path):
    trail, _ = sealed

    def refused(*arguments):
        done = subprocess.run(
            [BINARY, "trail", "verify", *map(str, arguments)],
            env=server.cli_environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stdout == "", done.stdout + done.stderr
        return done.stderr

    assert "no digests" in refused("--s3-bucket", trail.bucket, "--s3-prefix", "elsewhere")
    assert "NoSuchBucket" in refused("--s3-bucket", "there-is-no-such-bucket")
    assert "is no folder" in refused("--local", tmp_path / "nothing")
    assert "cannot be read" in refused("--start-time", "some day")
    assert "There is no trail" in refused("--trail-arn", trail.arn.replace("audit", "other"))
    (tmp_path / "keys.json").write_text('{"PublicKeyList":[{"Fingerprint":"0","Value":"AAAA"}]}')
    assert "fingerprint" in refused("--local", tmp_path, "--public-keys", tmp_path / "keys.json")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_screens(server, sealed, lang):
    trail, _ = sealed
    Touch(trail).change_the_content()
    regions = [option for region in REGIONS for option in ("--only-region", region)]
    text = verify(server, *regions, status=3, json_output=False, lang=lang)
    suffix = "" if lang == "en" else ".ja"
    screen(f"trail-verify{suffix}", text, mask={r"(?<= )\d+/\d+ +(?=[\dY])": "N/N  "})


def signed_copy(folder, hours, logs, content):
    """A copy of a trail's bucket whose log files all have this content; and the file with its public key."""
    key = rsa.generate_private_key(65537, 2048)
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    fingerprint = hashlib.md5(der).hexdigest()
    packed, log_hash = gzip.compress(content, 6), hashlib.sha256(content).hexdigest()
    start, base = datetime(2026, 1, 5), f"AWSLogs/{ACCOUNT}"
    previous = dict.fromkeys(("previousDigestS3Bucket", "previousDigestS3Object", "previousDigestHashValue", "previousDigestSignature"))

    def write(name, data):
        path = folder / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    for hour in range(hours):
        begin, end = start + timedelta(hours=hour), start + timedelta(hours=hour + 1)
        named = []
        for number in range(logs):
            at = begin + timedelta(minutes=20)
            name = f"{base}/CloudTrail/us-east-1/{at:%Y/%m/%d}/{ACCOUNT}_CloudTrail_us-east-1_{at:%Y%m%dT%H%MZ}_{number:016}.json.gz"
            write(name, packed)
            named.append({"s3Bucket": "b", "s3Object": name, "hashValue": log_hash, "hashAlgorithm": "SHA-256",
                          "newestEventTime": at.strftime(FORM), "oldestEventTime": at.strftime(FORM)})
        place = (f"{base}/CloudTrail-Digest/us-east-1/{end:%Y/%m/%d}/"
                 f"{ACCOUNT}_CloudTrail-Digest_us-east-1_t_us-east-1_{end:%Y%m%dT%H%M%SZ}.json.gz")
        digest = json.dumps({
            "awsAccountId": ACCOUNT, "digestStartTime": begin.strftime(FORM), "digestEndTime": end.strftime(FORM),
            "digestS3Bucket": "b", "digestS3Object": place, "digestPublicKeyFingerprint": fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": None, "oldestEventTime": None,
            **previous, "previousDigestHashAlgorithm": previous["previousDigestHashValue"] and "SHA-256", "logFiles": named,
        }).encode()
        digest_hash = hashlib.sha256(digest).hexdigest()
        text = f"{end.strftime(FORM)}\nb/{place}\n{digest_hash}\n{previous['previousDigestSignature'] or 'null'}"
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
        write(place, gzip.compress(digest))
        write(place + ".metadata.json", json.dumps({"signature": signature, "signature-algorithm": "SHA256withRSA"}).encode())
        previous = {"previousDigestS3Bucket": "b", "previousDigestS3Object": place, "previousDigestHashValue": digest_hash,
                    "previousDigestSignature": signature}
    public = [{"Fingerprint": fingerprint, "Value": base64.b64encode(der).decode()}]
    (folder / "keys.json").write_text(json.dumps({"PublicKeyList": public}))
    return ["--local", folder / "copy", "--public-keys", folder / "keys.json", "--end-time", end.strftime(FORM)]


# A process takes over the greatest size of the one that it was forked from, and pytest's grows with the tests that it ran:
# hence a small process between.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
json.dump({"out": done.stdout.decode(), "status": done.returncode, "peak": peak}, sys.stdout)
"""


def peak_of(*arguments, env=CLEAN):
    """What the command printed, its exit status, and the most memory that it took, in MiB."""
    program = [BINARY, "trail", "verify", *map(str, arguments)]
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, *program], env=env, stdout=subprocess.PIPE, check=True, timeout=60)
    told = json.loads(done.stdout)
    return told["out"], told["status"], told["peak"]


def measured(*arguments):
    out, status, peak = peak_of("--output", "json", *arguments)
    return json.loads(out), status, peak


def test_memory_does_not_grow_with_the_files(tmp_path):
    record = b'{"eventName":"Decrypt","eventSource":"kms.amazonaws.com","eventID":"00000000-0000-4000-8000-000000000000"},'
    content = b'{"Records":[' + record * (4_000_000 // len(record)) + b"{}]}"
    offline = signed_copy(tmp_path, 6, 40, content)
    report, status, peak = measured(*offline, "--memory", "8")
    [chain] = report["chains"]
    assert (status, report["verdict"], chain["logs"]["valid"]) == (0, "VALID", 240), report
    assert chain["bytesHashed"] == 240 * len(content) > 900_000_000
    assert peak < 160, f"{peak} MiB"
    # A log file above the bound is told, not read.
    report, status, _ = measured(*offline, "--file-size-max", "2")
    assert (status, report["verdict"]) == (3, "INCOMPLETE")
    assert kinds(report) == {("us-east-1", "tooLarge", "INCOMPLETE")} and report["chains"][0]["logs"]["unproven"] == 240


def test_an_interrupted_run_goes_on_from_its_cache(tmp_path):
    offline = [str(each) for each in signed_copy(tmp_path, 4, 300, b'{"Records":[' + b'{"a":1},' * 120_000 + b"{}]}")]
    command = [BINARY, "trail", "verify", *offline, "--cache", str(tmp_path / "cache")]
    running = subprocess.Popen(command, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not any(path.stat().st_size for path in (tmp_path / "cache").glob("*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=30)[1]
    if running.returncode == 130:
        assert "the same command goes on from there" in said
    else:
        assert running.returncode == 0, said
    report, status, _ = measured(*offline, "--cache", tmp_path / "cache")
    [chain] = report["chains"]
    assert (status, chain["logs"]["valid"]) == (0, 1200) and chain["logs"]["fromCache"] > 0


def bomb(gib):
    """A gzip member that inflates to so many GiB of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + piece * (1024 * gib) + b"\x03\0" + bytes(8)


def test_bombs_are_told_and_fill_no_memory(tmp_path):
    offline = signed_copy(tmp_path, 12, 2, b'{"Records":[]}')
    digests = sorted((tmp_path / "copy").rglob("*CloudTrail-Digest*.json.gz"))
    logs = sorted((tmp_path / "copy").rglob("*_CloudTrail_*.json.gz"))
    assert (len(digests), len(logs)) == (12, 24)
    packed = bomb(4)
    assert len(packed) < 8 << 20
    for path in [*digests[2:6], logs[-1]]:
        path.write_bytes(packed)
    report, status, peak = measured(*offline)
    assert (status, report["verdict"]) == (3, "INVALID")
    [chain] = report["chains"]
    assert chain["digests"]["invalid"] == 4 and chain["digests"]["valid"] == 8
    assert {("us-east-1", "invalidFormat", "INVALID"), ("us-east-1", "tooLarge", "INCOMPLETE")} <= kinds(report)
    assert peak < 500, f"{peak} MiB"


@pytest.fixture
def cases(tmp_path):
    """Cases of the corpus by name."""

    def read(name):
        command = [BINARY, "corpus", "write", str(tmp_path / name), "--case", name]
        assert subprocess.run(command, env=CLEAN, capture_output=True, timeout=60).returncode == 0
        return Case(tmp_path / name / name)

    return read


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def test_digests_that_are_bombs_fill_no_memory_where_it_is_to_be_compatible(cases, endpoint):
    endpoint.case = case = cases("sound-empty-hours")
    objects = case.objects[case.trail["bucket"]]
    digests = sorted(key for key in objects if "CloudTrail-Digest" in key)
    packed = bomb(4)
    for key in digests[:5]:
        objects[key] = packed, objects[key][1]
    [run] = case.runs
    out, status, peak = peak_of("--compat", *run["arguments"], env=environment(endpoint.url))
    assert status == 1 and "1/6 digest files valid, 5/6 digest files INVALID" in out, out
    assert peak < 500, f"{peak} MiB"


def test_a_listing_that_does_not_go_on_is_told(cases, endpoint):
    endpoint.case = case = cases("sound-empty-hours")
    [run] = case.runs

    def same_token(bucket, objects, query):
        return listing(bucket, objects, {name: value for name, value in query.items() if name not in ("continuation-token", "marker")})

    def new_tokens(bucket, objects, query):
        page, token = same_token(bucket, objects, query), f"token-{len(endpoint.asked)}"
        before, found, rest = page.partition("<NextContinuationToken>")
        return before + found + token + rest[rest.index("<"):] if found else page

    for page in (same_token, new_tokens):
        endpoint.page, endpoint.asked[:] = page, []
        done = ours(endpoint.url, run)
        assert done["exitStatus"] == 1 and "does not go on" in done["stderr"], done
        assert len(endpoint.asked) < 500
    endpoint.page = same_token
    done = ours(endpoint.url, run, "--compat")
    assert done["exitStatus"] == 255 and "The same next token was received twice" in done["stderr"], done


def signed_again(case, key, bucket, **members):
    """Changes members of a digest and signs it with the corpus' own key."""
    folder = pathlib.Path(__file__).parents[2] / "apps/operator/src/corpus/keys"
    private = serialization.load_der_private_key((folder / "signing.pk8").read_bytes(), None)
    body, metadata = case.objects[bucket][key]
    digest = json.loads(gzip.decompress(body)) | members
    text = json.dumps(digest).encode()
    named = "\n".join([
        digest["digestEndTime"], f"{bucket}/{key}", hashlib.sha256(text).hexdigest(), digest["previousDigestSignature"] or "null"])
    signature = private.sign(named.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
    case.objects[bucket][key] = gzip.compress(text), metadata | {"signature": signature}


def test_a_digest_that_names_itself_ends_the_walk(cases, endpoint):
    endpoint.case = case = cases("sound-bucket-changed")
    [run] = case.runs
    [older] = [bucket for bucket in case.objects if bucket != case.trail["bucket"]]
    newest = max(key for key in case.objects[older] if "CloudTrail-Digest" in key)
    itself = {"previousDigestS3Bucket": older, "previousDigestS3Object": newest, "previousDigestSignature": "ab" * 256}
    signed_again(case, newest, older, **itself)
    done = ours(endpoint.url, run, "--output", "json")
    report = json.loads(done["stdout"])
    assert (done["exitStatus"], report["verdict"]) == (3, "INVALID")
    assert ("us-east-1", "notTheOneNamed", "INVALID") in kinds(report)
    done = ours(endpoint.url, run, "--compat")
    assert done["exitStatus"] == 255 and newest in done["stderr"] and "for ever" in done["stderr"], done


def test_a_cache_does_not_count_for_other_bytes_whatever_the_file_system_says(tmp_path):
    offline = signed_copy(tmp_path, 3, 4, b'{"Records":[{"eventName":"Decrypt"}]}' * 50)
    kept = [*offline, "--cache", tmp_path / "cache"]
    assert measured(*kept)[1] == 0
    report, status, _ = measured(*kept)
    [chain] = report["chains"]
    assert status == 0 and chain["logs"]["fromCache"] == 12 and chain["bytesHashed"] == 0
    log = min((tmp_path / "copy").rglob("*_CloudTrail_*.json.gz"))
    body, times = bytearray(log.read_bytes()), log.stat()
    body[len(body) // 2] ^= 1
    log.write_bytes(body)
    os.utime(log, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (log.stat().st_size, log.stat().st_mtime_ns) == (times.st_size, times.st_mtime_ns)
    report, status, _ = measured(*kept)
    [chain] = report["chains"]
    assert (status, report["verdict"]) == (3, "INVALID") and chain["logs"] == {"valid": 11, "invalid": 1, "unproven": 0, "fromCache": 11}


def test_one_regions_end_in_a_copy_is_judged_by_the_others(server, sealed, tmp_path):
    trail, _ = sealed
    keys = tmp_path / "keys.json"
    assert verify(server, "--save-public-keys", keys)["verdict"] == "VALID"
    copy = copied(trail, tmp_path / "copy", metadata=True)
    offline = ["--local", copy, "--public-keys", keys]
    assert verify(server, *offline, end=False)["verdict"] == "VALID"
    region = REGIONS[1]
    for key in trail.digests(region)[-3:]:
        for log in trail.read(key)["logFiles"]:
            (copy / log["s3Object"]).unlink()
        (copy / key).unlink()
    report = verify(server, *offline, end=False, status=3)
    assert report["verdict"] == "INCOMPLETE" and kinds(report) == {(region, "truncatedTail", "INCOMPLETE")}


def test_an_account_and_a_trail_without_anything_are_told(server, sealed, tmp_path):
    trail, _ = sealed
    keys = tmp_path / "keys.json"
    verify(server, "--save-public-keys", keys)
    copy = copied(trail, tmp_path / "copy", metadata=True)
    (copy / "AWSLogs/999999999999/elasticloadbalancing/us-east-1").mkdir(parents=True)
    offline = ["--local", copy, "--public-keys", keys]
    assert verify(server, *offline, end=False)["verdict"] == "VALID", "a folder of another service's"
    (copy / "AWSLogs/999999999999/CloudTrail-Digest").mkdir()
    report = verify(server, *offline, end=False, status=3)
    assert report["verdict"] == "INCOMPLETE" and kinds(report) == {("-", "noDigests", "INCOMPLETE")}
    assert {chain["accountId"] for chain in report["chains"] if chain["verdict"] != "VALID"} == {"999999999999"}
    # Everything that the trail delivered is gone; what it is said to do is not.
    for key in everything(trail):
        trail.s3.delete_object(Bucket=trail.bucket, Key=key)
    for arguments in ([], ["--trail-arn", trail.arn]):
        report = verify(server, *arguments, status=3)
        assert kinds(report) == {("us-east-1", "noDigests", "INCOMPLETE")}
        assert [(chain["trail"], chain["region"]) for chain in report["chains"]] == [(trail.name, "us-east-1")]
        assert "delivered one at" in report["chains"][0]["findings"][0]["message"]


def test_a_stop_that_is_not_the_last_word_does_not_explain_the_end(server, sealed):
    trail, _ = sealed
    home = ["--only-region", "us-east-1"]
    cloudtrail = server.client("cloudtrail", "us-east-1")
    cloudtrail.stop_logging(Name=trail.name)
    server.advance("6h")
    assert kinds(verify(server, *home)) == {("us-east-1", "truncatedTail", "VALID")}
    kept = everything(trail)
    cloudtrail.start_logging(Name=trail.name)
    server.advance("4h")
    assert kinds(verify(server, *home)) == {("us-east-1", "gap", "VALID")}
    for key in everything(trail) - kept:
        trail.s3.delete_object(Bucket=trail.bucket, Key=key)
    report = verify(server, *home, status=3)
    assert kinds(report) == {("us-east-1", "truncatedTail", "VALID"), ("us-east-1", "truncatedTail", "INCOMPLETE")}
    # Whoever may not ask is told so.
    reader = server.user("reader", allow(["s3:*", "kms:Decrypt", "cloudtrail:ListPublicKeys"]))
    done = subprocess.run(
        [BINARY, "trail", "verify", "--s3-bucket", trail.bucket, *home, "--end-time", server.now().strftime(FORM)],
        env=server.cli_environment(who=reader), capture_output=True, text=True, timeout=60)
    assert "GetTrailStatus could not be asked" in done.stdout and "AccessDenied" in done.stdout, done.stdout + done.stderr


def test_a_log_file_that_no_digest_names_is_told_of_one_trail_and_another_trails_is_not(server, sealed):
    trail, _ = sealed
    other = server.client("cloudtrail", "us-east-1")
    other.create_trail(Name="other", S3BucketName=trail.bucket, EnableLogFileValidation=True)
    other.start_logging(Name="other")
    server.client("kms", "us-east-1").create_key(Description="something to record")
    server.advance("2h")
    named = ["--trail-arn", trail.arn, "--only-region", "us-east-1"]
    assert kinds(verify(server, *named)) == set(), "the other trail's log files are its own business"
    touch = Touch(trail)
    planted = touch.log.rsplit("_", 1)[0] + "_AAAAAAAAAAAAAAAA.json.gz"
    trail.s3.put_object(Bucket=trail.bucket, Key=planted, Body=touch.body(touch.log))
    report = verify(server, *named, status=3)
    assert kinds(report) == {("us-east-1", "unlisted", "INCOMPLETE")}
    assert report["chains"][0]["findings"][0]["location"].endswith(planted)
