"""`shoseki rootkey rotate`: everything goes on opening while the root key is changed, and after a kill at any moment."""

import json
import random
import re
import signal
import threading
import time
from datetime import timedelta

import pytest
from harness import ACCOUNT, Principal, allow, make_trail, poll, policy

TARGET = "Shoseki_20261101."


def rotate(server, *options):
    done = server.run("rootkey", "rotate", "--json", "--data-dir", str(server.data_dir), *options)
    return json.loads(done.stdout)


def state(server, who=None):
    return server.json_call("shoseki", TARGET + "DescribeRootKey", b"{}", **({"who": who} if who else {})).json


def settled(server):
    poll(lambda: not state(server)["InProgress"])


def root_keys(server):
    return {path.name: path.read_text() for path in sorted(server.data_dir.glob("root.key*"))}


class Things:
    """One of everything that hangs from the root key, and that it can still be used."""

    def __init__(self, server):
        self.server = server
        kms, s3, iam = (server.client(name) for name in ("kms", "s3", "iam"))
        self.key = kms.create_key()["KeyMetadata"]["Arn"]
        self.sealed = kms.encrypt(KeyId=self.key, Plaintext=b"secret")["CiphertextBlob"]
        self.hmac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
        self.mac = kms.generate_mac(KeyId=self.hmac, MacAlgorithm="HMAC_SHA_256", Message=b"m")["Mac"]
        s3.create_bucket(Bucket="things")
        self.bodies = {"small": b"s" * 100, "large": random.Random(1).randbytes(300_000)}
        for name, body in self.bodies.items():
            s3.put_object(Bucket="things", Key=name, Body=body)
            s3.put_object(
                Bucket="things", Key=f"{name}-kms", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=self.key
            )
        self.user = server.user("user", allow("*"))
        role = iam.create_role(
            RoleName="role",
            AssumeRolePolicyDocument=policy(
                {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
            ),
        )["Role"]["Arn"]
        iam.put_role_policy(RoleName="role", PolicyName="all", PolicyDocument=policy(allow("*")))
        self.session = server.assume(self.user, role)
        self.other = server.account("111122223333")
        self.other_key = server.client("kms", who=self.other).create_key()["KeyMetadata"]["Arn"]
        self.other_sealed = self._encrypt(self.other_key, self.other)

    def _encrypt(self, key, who):
        return self.server.client("kms", who=who).encrypt(KeyId=key, Plaintext=b"other")["CiphertextBlob"]

    def check(self):
        """Who signs with each secret, and what opens."""
        for who in (self.server.root, self.user, self.session):
            kms, s3 = self.server.client("kms", who=who), self.server.client("s3", who=who)
            assert kms.decrypt(CiphertextBlob=self.sealed)["Plaintext"] == b"secret"
            kms.verify_mac(KeyId=self.hmac, MacAlgorithm="HMAC_SHA_256", Message=b"m", Mac=self.mac)
            for name, body in self.bodies.items():
                for key in (name, f"{name}-kms"):
                    assert s3.get_object(Bucket="things", Key=key)["Body"].read() == body, key
        other = self.server.client("kms", who=self.other)
        assert other.decrypt(CiphertextBlob=self.other_sealed)["Plaintext"] == b"other"


@pytest.mark.parametrize("options", [(), ("--root-only",)])
def test_everything_opens_after_a_rotation_and_the_older_root_key_opens_nothing(server, options):
    things = Things(server)
    before = root_keys(server)
    store_key = (server.data_dir / "store.key").read_bytes()
    done = rotate(server, *options)
    assert (done["Rotations"], done["InProgress"], done["RowsUnreadable"]) == (1, False, 0)
    assert done["Keyrings"] == (options == ())
    # The root's, the user's and the session's secrets, two keys and two KMS materials at least.
    assert done["RowsSealedAnew"] >= 8 if options == () else done["RowsSealedAnew"] == 0
    after = root_keys(server)
    assert list(after) == ["root.key"] and after != before
    assert (server.data_dir / "root.key").stat().st_mode & 0o777 == 0o600
    assert (server.data_dir / "store.key").read_bytes() != store_key
    things.check()
    server.restart()
    things.check()
    assert state(server)["Rotations"] == 1
    shown = server.run("rootkey", "status", "--data-dir", str(server.data_dir)).stdout
    assert "rotation 1 begun" in shown and "done" in shown

    assert server.stop() == 0
    new = (server.data_dir / "root.key").read_text()
    (server.data_dir / "root.key").write_text(before["root.key"])
    refused = server.run("serve", "--data-dir", str(server.data_dir), "--listen", "127.0.0.1:0", check=False)
    assert refused.returncode == 1 and "belong together" in refused.stderr, refused.stderr
    (server.data_dir / "root.key").write_text(new)
    server.start()
    things.check()


def test_a_data_directory_is_rotated_again_and_again(server):
    things = Things(server)
    for number in range(1, 4):
        assert rotate(server)["Rotations"] == number
        things.check()


@pytest.mark.serve("--rehearsal")
def test_digests_are_signed_on_with_the_same_keys(server):
    trail = make_trail(server, "trail", bucket="logs")
    server.advance("2h")
    rotate(server)
    server.advance("2h")
    checked = trail.validate("us-east-1", server.now() - timedelta(hours=6)).stdout
    found = re.search(r"(\d+)/(\d+) digest files valid", checked)
    assert found and found[1] == found[2] and int(found[1]) >= 3, checked
    regions = server.client("cloudtrail").list_public_keys()["PublicKeyList"]
    assert len({key["Fingerprint"] for key in regions}) == len(regions) == 1


def test_calls_go_on_while_the_root_key_is_changed(server):
    things = Things(server)
    stop, failures, done = threading.Event(), [], []

    def work(number):
        s3, kms = server.client("s3"), server.client("kms", who=things.user)
        while not stop.is_set():
            name = f"{number}-{len(done)}"
            body = name.encode() * 20_000
            try:
                s3.put_object(Bucket="things", Key=name, Body=body)
                assert s3.get_object(Bucket="things", Key=name)["Body"].read() == body
                key = kms.create_key()["KeyMetadata"]["KeyId"]
                sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
                done.append((name, body, sealed))
            except Exception as error:
                failures.append(repr(error))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    for number in range(1, 4):
        assert rotate(server)["Rotations"] == number
    stop.set()
    for worker in workers:
        worker.join()
    assert failures == [] and len(done) > 10
    things.check()
    server.restart()
    things.check()
    for name, body, sealed in done:
        assert server.client("s3").get_object(Bucket="things", Key=name)["Body"].read() == body
        assert server.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"


def test_a_kill_at_any_moment_of_a_rotation_leaves_a_directory_that_opens_and_goes_on(server):
    things = Things(server)
    moments = random.Random(7)
    begun = 0
    for _ in range(8):
        settled(server)
        answer = server.json_call("shoseki", TARGET + "RotateRootKey", b"{}")
        assert answer.status == 200, answer.body
        begun += 1
        time.sleep(moments.uniform(0, 1.5))
        server.stop(signal.SIGKILL)
        server.start()
        things.check()
        assert state(server)["Rotations"] == begun
    settled(server)
    assert list(root_keys(server)) == ["root.key"]
    things.check()


def test_only_the_first_accounts_root_may_and_one_at_a_time(server):
    things = Things(server)
    for who in (things.other, Principal(things.other.access_key, "wrong" * 8)):
        refused = server.json_call("shoseki", TARGET + "RotateRootKey", b"{}", who=who)
        assert refused.status in (400, 403) and state(server)["Rotations"] == 0
    first = server.json_call("shoseki", TARGET + "RotateRootKey", b"{}")
    second = server.json_call("shoseki", TARGET + "RotateRootKey", b"{}")
    assert first.json["Rotation"] == 1
    assert second.code == "RotationInProgressException"
    settled(server)
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "RotateRootKey"}]
    )["Events"]
    shown = [json.loads(event["CloudTrailEvent"]) for event in events]
    assert [event.get("errorCode") for event in shown].count(None) == 1
    good = next(event for event in shown if "errorCode" not in event)
    assert good["requestParameters"] == {"keyrings": True} and good["responseElements"] == {"rotation": 1}
