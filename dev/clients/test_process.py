"""The process: start, stop, restart, one at a time, settings, TLS, the rehearsal clock, and what lies on the disk."""

import json
import os
import re
import signal
import stat
import subprocess
import threading
import time

import pytest
from harness import BINARY, SEVENTEEN_REGIONS, allow, make_bucket, make_trail, policy, refused


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# --- first start, restart, stop ---


def test_the_first_start_makes_root_key_and_credentials_and_tells_the_key_once(server):
    root = server.root
    assert re.fullmatch(r"AKIA[A-Z0-9]{16}", root.access_key) and len(root.secret_key) == 40
    assert mode(server.data_dir / "credentials") == mode(server.data_dir / "root.key") == 0o600
    printed = "\n".join(server.printed)
    assert printed.count(root.access_key) >= 1 and root.secret_key in printed
    assert root.secret_key not in server.stderr()
    before = len(server.printed)
    server.restart()
    assert server.root == root
    assert root.secret_key not in "\n".join(server.printed[before:])


def test_a_restart_keeps_everything(serve):
    server = serve("--delivery-interval", "1s", "--digest-interval", "2s")
    trail = make_trail(server)
    user = server.user("alice", allow("s3:GetObject"))
    sealed = trail.kms.encrypt(KeyId=trail.key_arn, Plaintext=b"kept")["CiphertextBlob"]
    trail.kms.create_alias(AliasName="alias/kept", TargetKeyId=trail.key_arn)
    for key, size in (("small", 10), ("large", 3_000_000)):
        trail.s3.put_object(Bucket=trail.bucket, Key=key, Body=b"k" * size, ServerSideEncryption="aws:kms")
    server.restart()
    assert trail.cloudtrail.get_trail(Name="audit")["Trail"]["KmsKeyId"] == trail.key_arn
    assert trail.status()["IsLogging"] is True
    assert trail.kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"kept"
    assert trail.kms.describe_key(KeyId="alias/kept")["KeyMetadata"]["Arn"] == trail.key_arn
    for key, size in (("small", 10), ("large", 3_000_000)):
        assert trail.s3.get_object(Bucket=trail.bucket, Key=key)["Body"].read() == b"k" * size
    assert server.client("sts", who=user).get_caller_identity()["Arn"] == user.arn
    asked = [{"AttributeKey": "EventName", "AttributeValue": "CreateAlias"}]
    assert len(trail.cloudtrail.lookup_events(LookupAttributes=asked)["Events"]) == 1


def test_real_time_delivery_needs_no_rehearsal(serve):
    server = serve("--delivery-interval", "1s", "--digest-interval", "2s")
    trail = make_trail(server, IsMultiRegionTrail=False)
    end = time.monotonic() + 30
    while time.monotonic() < end and len(trail.digests()) < 2:
        time.sleep(0.2)
    assert trail.keys() and len(trail.digests()) >= 2
    names = {record["eventName"] for record in trail.records()}
    assert "ListObjects" not in names, "listing is a data event, which this trail does not select"
    assert names


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_also_under_load(server, how):
    """Every answer that a client saw before the end is there after the next start."""
    make_bucket(server, "bucket")
    answered, stop = [], threading.Event()

    def work(number):
        client = server._new_client("s3", "us-east-1", server.root, server.endpoint, {})
        for item in range(10_000):
            if stop.is_set():
                return
            try:
                client.put_object(Bucket="bucket", Key=f"{number}-{item}", Body=b"x")
                answered.append(f"{number}-{item}")
            except Exception:
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    [thread.start() for thread in threads]
    time.sleep(0.7)
    assert server.stop(how) == 0
    stop.set()
    [thread.join() for thread in threads]
    server.start()
    pages = server.client("s3").get_paginator("list_objects_v2").paginate(Bucket="bucket")
    kept = {one["Key"] for page in pages for one in page.get("Contents", [])}
    assert answered and set(answered) <= kept


def killed_once(server, round_number):
    """Puts objects and keys under load, kills -9, starts again: all that was answered is there, whole."""
    answered, stop = {}, threading.Event()

    def work(number):
        s3 = server._new_client("s3", "us-east-1", server.root, server.endpoint, {})
        kms = server._new_client("kms", "us-east-1", server.root, server.endpoint, {})
        for item in range(10_000):
            if stop.is_set():
                return
            name, size = f"{round_number}-{number}-{item}", 40_000 if item % 3 == 0 else 40
            try:
                s3.put_object(Bucket="bucket", Key=name, Body=name.encode().ljust(size))
                answered[name] = ("object", size)
                key = kms.create_key(Description=name)["KeyMetadata"]["KeyId"]
                answered[key] = ("key", name)
            except Exception:
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    [thread.start() for thread in threads]
    time.sleep(0.15 + 0.01 * (round_number % 30))
    server.stop(signal.SIGKILL)
    stop.set()
    [thread.join() for thread in threads]
    server.start()
    s3, kms = server.client("s3"), server.client("kms")
    for name, (kind, value) in answered.items():
        if kind == "object":
            body = s3.get_object(Bucket="bucket", Key=name)["Body"].read()
            assert body == name.encode().ljust(value)
        else:
            assert kms.describe_key(KeyId=name)["KeyMetadata"]["Description"] == value
    return answered


def check_kills(server, rounds):
    make_bucket(server, "bucket")
    described = set()
    for number in range(rounds):
        answered = killed_once(server, number)
        described |= {value for kind, value in answered.values() if kind == "key"}
    # No answer without its event: every acknowledged key is in the event history.
    asked = [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]
    pages = server.client("cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=asked)
    seen = {
        (json.loads(event["CloudTrailEvent"])["requestParameters"] or {}).get("description")
        for page in pages
        for event in page["Events"]
    }
    assert described and described <= seen


def test_kill_minus_9_loses_no_answered_call(server):
    check_kills(server, 5)



def test_a_second_process_on_the_same_data_directory_is_refused(server, serve):
    second = serve(name="second", ready=False, data_dir=server.data_dir)
    command = [BINARY, "serve", "--data-dir", str(server.data_dir), "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, env=second.environment, capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 101), done
    assert str(server.data_dir) in done.stdout + done.stderr
    assert "panicked" not in done.stderr and "ready" not in done.stdout
    assert server.is_alive()


def test_an_address_in_use_is_told(server, serve):
    other = serve(name="other", ready=False)
    address = "{}:{}".format(*server.address)
    command = [BINARY, "serve", "--data-dir", str(other.data_dir), "--listen", address]
    done = subprocess.run(command, env=other.environment, capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 101) and address in done.stdout + done.stderr
    assert "panicked" not in done.stderr


# --- settings ---


def exported(server, data_dir=None):
    done = server.run("env", "--data-dir", str(data_dir or server.data_dir))
    return dict(re.findall(r"^export (\w+)=['\"]?([^'\"\n]*)['\"]?$", done.stdout, re.MULTILINE))


def test_env_prints_what_a_shell_needs(server):
    found = exported(server)
    assert found["AWS_ENDPOINT_URL"] == server.endpoint
    assert found["AWS_ACCESS_KEY_ID"] == server.root.access_key
    assert found["AWS_SECRET_ACCESS_KEY"] == server.root.secret_key
    assert found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert "AWS_CA_BUNDLE" not in found
    script = f'eval "$({BINARY} env --data-dir {server.data_dir})" && aws sts get-caller-identity --output text'
    assert ":root" in server.bash(script, environment=server.environment).stdout


def test_env_without_a_server_says_so_and_how_to_start_one(server):
    def refusal(data_dir):
        done = server.run("env", "--data-dir", str(data_dir), check=False)
        assert done.returncode not in (0, 101) and done.stdout == "", done
        assert str(data_dir) in done.stderr and "shoseki serve" in done.stderr, done.stderr

    refusal(server.folder / "none")
    server.stop(signal.SIGKILL)
    refusal(server.data_dir)
    server.start()
    assert server.stop() == 0
    refusal(server.data_dir)


def test_regions_can_be_enabled_beside_the_standard_ones(serve, tmp_path):
    config = tmp_path / "shoseki.toml"
    config.write_text('regions = ["af-south-1", "me-south-1"]\n')
    server = serve("--config", str(config), "--rehearsal")
    found = server.client("ec2").describe_regions()["Regions"]
    names = sorted(one["RegionName"] for one in found)
    assert names == sorted([*SEVENTEEN_REGIONS, "af-south-1", "me-south-1"])
    assert {one["OptInStatus"] for one in found if one["RegionName"] == "af-south-1"} == {"opted-in"}
    trail = make_trail(server, with_key=False)
    key = server.client("kms", "af-south-1").create_key()["KeyMetadata"]["Arn"]
    assert key.startswith("arn:aws:kms:af-south-1:")
    assert server.client("sts", "af-south-1").get_caller_identity()["Account"]
    assert server.client("cloudtrail", "af-south-1").describe_trails()["trailList"][0]["TrailARN"] == trail.arn
    server.advance("10m")
    assert "CreateKey" in {record["eventName"] for record in trail.records("af-south-1/")}


def test_flags_win_over_the_environment_which_wins_over_the_file(serve, tmp_path):
    config = tmp_path / "shoseki.toml"
    config.write_text('region = "eu-west-1"\ndelivery_interval = "3s"\n')
    in_file = serve("--config", str(config), name="file")
    assert exported(in_file)["AWS_DEFAULT_REGION"] == "eu-west-1"
    environment = {"SHOSEKI_REGION": "ap-northeast-1", "SHOSEKI_CONFIG": str(config)}
    in_environment = serve(name="environment", environment=environment)
    assert exported(in_environment)["AWS_DEFAULT_REGION"] == "ap-northeast-1"
    flagged = serve("--region", "us-west-2", "--config", str(config), name="flag", environment=environment)
    assert exported(flagged)["AWS_DEFAULT_REGION"] == "us-west-2"


@pytest.mark.parametrize(
    "options",
    [
        ["--region", "mars-north-1"],
        ["--delivery-interval", "soon"],
        ["--delivery-interval", "0s"],
        ["--aws-behavior", "tomorrow"],
        ["--account", "12"],
        ["--tls", "maybe"],
        ["--listen", "nowhere"],
        ["--config", "/no/such/file.toml"],
        ["--no-such-flag"],
    ],
)
def test_a_wrong_setting_is_told_and_nothing_is_started(serve, options):
    server = serve(ready=False)
    command = [BINARY, "serve", "--data-dir", str(server.data_dir), *options]
    if "--listen" not in options:
        command += ["--listen", "127.0.0.1:0"]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 101), done
    assert options[-1] in done.stderr or options[0].strip("-") in done.stderr, done.stderr
    assert "panicked" not in done.stderr


def test_an_unknown_setting_in_the_file_is_told(serve, tmp_path):
    server = serve(ready=False)
    (tmp_path / "shoseki.toml").write_text('regoin = "eu-west-1"\n')
    command = [BINARY, "serve", "--data-dir", str(server.data_dir), "--config", str(tmp_path / "shoseki.toml")]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 101) and "regoin" in done.stderr


# --- TLS ---


@pytest.mark.serve("--tls", "auto")
def test_tls_works_with_the_ca_bundle_and_secure_transport_tells_the_truth(server):
    assert server.endpoint.startswith("https://127.0.0.1:")
    found = exported(server)
    assert found["AWS_CA_BUNDLE"] == str(server.data_dir / "ca.pem")
    assert found["AWS_ENDPOINT_URL"] == server.endpoint
    script = f'eval "$({BINARY} env --data-dir {server.data_dir})" && aws s3 mb s3://by-cli && aws s3 ls'
    assert "by-cli" in server.bash(script, environment=server.environment).stdout

    make_bucket(server, "bucket")
    s3 = server.client("s3")
    # Over TLS boto3 sends chunks with the checksum in a trailer.
    for size in (0, 1, 100_000, 5_000_000):
        content = os.urandom(size)
        put = s3.put_object(Bucket="bucket", Key="key", Body=content, ServerSideEncryption="aws:kms")
        assert put["ChecksumCRC32"]
        got = s3.get_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
        assert got["Body"].read() == content and got.get("ContentEncoding", "") == ""
    check_transport(s3, is_secure=True)


def test_without_tls_secure_transport_tells_the_truth_too(server):
    make_bucket(server, "bucket")
    server.client("s3").put_object(Bucket="bucket", Key="key", Body=b"x")
    check_transport(server.client("s3"), is_secure=False)


def check_transport(s3, is_secure):
    """Root cannot be kept from changing the policy, so it can turn the statement round."""
    for denied in (True, False):
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::bucket/*",
            "Condition": {"Bool": {"aws:SecureTransport": str(denied).lower()}},
        }
        s3.put_bucket_policy(Bucket="bucket", Policy=policy(statement))
        if denied == is_secure:
            with refused("AccessDenied", re.compile("explicit deny in a resource-based policy"), 403):
                s3.get_object(Bucket="bucket", Key="key")
        else:
            s3.get_object(Bucket="bucket", Key="key")["Body"].read()


@pytest.mark.serve("--tls", "auto", "--rehearsal")
def test_a_trail_under_a_tls_only_bucket_policy_delivers(server):
    trail = make_trail(server)
    document = json.loads(trail.s3.get_bucket_policy(Bucket=trail.bucket)["Policy"])
    document["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{trail.bucket}", f"arn:aws:s3:::{trail.bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=json.dumps(document))
    start = server.now()
    server.advance("2h")
    assert trail.keys() and not trail.status().get("LatestDeliveryError")
    trail.validate("us-east-1", start, check=True)


# --- the rehearsal clock ---


def test_the_clock_moves_only_in_rehearsal(server):
    done = server.run("clock", "advance", "1h", "--data-dir", str(server.data_dir), check=False)
    assert done.returncode not in (0, 101) and "rehearsal" in (done.stdout + done.stderr).lower()
    assert server.is_alive()


@pytest.mark.serve("--rehearsal")
def test_domain_time_moves_and_stays_moved_while_signatures_keep_real_time(server):
    server.advance("30d")
    made = server.client("kms").create_key()["KeyMetadata"]["CreationDate"]
    assert abs((made - server.now()).total_seconds()) < 60
    server.restart()
    made = server.client("kms").create_key()["KeyMetadata"]["CreationDate"]
    assert abs((made - server.now()).total_seconds()) < 60
    done = server.run("clock", "advance", "backwards", "--data-dir", str(server.data_dir), check=False)
    assert done.returncode not in (0, 101)


@pytest.mark.serve("--rehearsal")
def test_a_rehearsed_directory_opens_only_for_rehearsal(server):
    server.advance("1d")
    assert server.stop() == 0
    command = [BINARY, "serve", "--data-dir", str(server.data_dir), "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 101) and "rehearsal" in (done.stdout + done.stderr).lower()
    server.start()


# --- what lies on the disk ---


@pytest.mark.serve("--rehearsal")
def test_no_plaintext_of_object_key_or_secret_is_in_the_data_directory(server):
    """Markers go in by every way that takes a secret; then every file is searched, and every delivered record."""
    trail = make_trail(server)
    small, large, plain = (os.urandom(24).hex().encode() for _ in range(3))
    trail.s3.put_object(Bucket=trail.bucket, Key="small", Body=small)
    trail.s3.put_object(Bucket=trail.bucket, Key="large", Body=large * 40_000, ServerSideEncryption="aws:kms")
    trail.s3.put_object(Bucket=trail.bucket, Key="own", Body=small, ServerSideEncryption="aws:kms", SSEKMSKeyId=trail.key_arn)
    trail.kms.encrypt(KeyId=trail.key_arn, Plaintext=plain)
    data_key = trail.kms.generate_data_key(KeyId=trail.key_arn, KeySpec="AES_256")["Plaintext"]
    user = server.user("alice")
    for key in ("small", "large", "own"):
        trail.s3.get_object(Bucket=trail.bucket, Key=key)["Body"].read()
    server.advance("2h")
    logs = b"".join(json.dumps(trail.read(key)).encode() for key in trail.keys())
    server.restart()
    secrets = {
        "an object": small,
        "a large object": large,
        "a KMS plaintext": plain,
        "a data key": data_key,
        "a user's secret": user.secret_key.encode(),
    }
    files = [path for path in server.data_dir.rglob("*") if path.is_file() and path.name not in ("credentials", "root.key")]
    assert files
    for path in files:
        content = path.read_bytes()
        for what, secret in secrets.items():
            for form in {secret, secret.hex().encode()}:
                assert form not in content, f"{what} is in {path}"
    for what in ("an object", "a KMS plaintext", "a user's secret"):
        assert secrets[what] not in logs, f"{what} is in a delivered log file"
        assert secrets[what].decode() not in server.stderr()
    # No file of the store can be read by others.
    assert all(mode(path) & 0o077 == 0 for path in (server.data_dir / "credentials", server.data_dir / "root.key"))


def test_the_demo_plays_to_its_end(tmp_path, server):
    environment = {**server.environment, "HOME": str(tmp_path)}
    begin = time.monotonic()
    done = subprocess.run(
        [BINARY, "demo", "--exit"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "panicked" not in done.stderr
    # 10 s is the release build's bound.
    assert time.monotonic() - begin < 30


def test_the_demo_goes_on_serving_and_its_last_lines_can_be_pasted(tmp_path, server):
    environment = {**server.environment, "HOME": str(tmp_path)}
    demo = subprocess.Popen(
        [BINARY, "demo"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        told = []
        for line in demo.stdout:
            told.append(line)
            if "Ctrl-C" in line:
                break
        found = re.findall(r"^  ((?:export|aws) .*)$", "".join(told), re.MULTILINE)
        assert [line.split("=")[0].split()[-1] for line in found[:2]] == ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"]
        assert len(found) == 3 and found[2].startswith("aws cloudtrail validate-logs "), told[-12:]
        endpoint = re.search(r"AWS_ENDPOINT_URL=(\S+)", found[0]).group(1)
        assert endpoint in "".join(told[:5])
        pasted = server.bash("\n".join(found), environment=environment).stdout
        assert re.search(r"(\d+)/\1 digest files valid", pasted), pasted
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
        assert "panicked" not in demo.stderr.read()
    finally:
        if demo.poll() is None:
            demo.kill()
        demo.wait()
