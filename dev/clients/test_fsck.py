"""`shoseki fsck`: a directory that was used is clean, and every kind of damage is found and named; repair loses nothing."""

import json
import os
import random

import pytest
from harness import make_trail

BODY = random.Random(5).randbytes(300_000)


def fsck(server, *options, expected=None):
    done = server.run("fsck", "--json", "--data-dir", str(server.data_dir), *options, check=False)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["clean"] == (done.returncode == 0) == (report["found"] == 0)
    if expected is not None:
        assert [(one["kind"], one["repair"]) for one in report["findings"]] == expected, report
    return report


def blobs(server):
    return sorted(path for path in (server.data_dir / "blobs").rglob("*") if path.is_file())


def change(path, at, flip):
    content = bytearray(path.read_bytes())
    content[at] ^= flip
    path.write_bytes(content)


@pytest.fixture
def used(server):
    """A server that keeps a little of everything, and its client of S3."""
    s3, kms = server.client("s3"), server.client("kms")
    s3.create_bucket(Bucket="things")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/one", TargetKeyId=key)
    kms.create_grant(KeyId=key, GranteePrincipal=server.user("grantee").arn, Operations=["Decrypt"], Name="g")
    doomed = kms.create_key()["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    for name, body in {"small": b"x", "large": BODY, "empty": b""}.items():
        s3.put_object(Bucket="things", Key=name, Body=body)
        s3.put_object(Bucket="things", Key=f"kms/{name}", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    server.account("111122223333")
    return server


def read_all(server):
    s3 = server.client("s3")
    for name, body in {"small": b"x", "large": BODY, "empty": b""}.items():
        for key in (name, f"kms/{name}"):
            assert s3.get_object(Bucket="things", Key=key)["Body"].read() == body


def use_everything(server):
    """Versions, parts, every kind of seal, and keys of every origin."""
    s3, kms = server.client("s3"), server.client("kms")
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    kms.enable_key_rotation(KeyId=key)
    kms.rotate_key_on_demand(KeyId=key)
    kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    gone = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    seals = {
        "none": {},
        "kms": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key},
        "bucket-key": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "BucketKeyEnabled": True},
        "dsse": {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": key},
        "customer": customer,
        "gone": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": gone},
    }
    for name, seal in seals.items():
        for size in (0, 100, 200_000):
            s3.put_object(Bucket="versions", Key=name, Body=BODY[:size], **seal)
        upload = s3.create_multipart_upload(Bucket="versions", Key=f"{name}/parts", **seal)["UploadId"]
        again = customer if name == "customer" else {}
        parts = []
        for number, body in [(1, b"p" * 5_242_880), (3, b"last")]:
            made = s3.upload_part(
                Bucket="versions", Key=f"{name}/parts", UploadId=upload, PartNumber=number, Body=body, **again
            )
            parts.append({"PartNumber": number, "ETag": made["ETag"]})
        if name != "kms":
            s3.complete_multipart_upload(
                Bucket="versions", Key=f"{name}/parts", UploadId=upload, MultipartUpload={"Parts": parts}, **again
            )
    s3.delete_object(Bucket="versions", Key="none")
    old = s3.list_object_versions(Bucket="versions", Prefix="dsse/parts")["Versions"][-1]
    s3.delete_object(Bucket="versions", Key=old["Key"], VersionId=old["VersionId"])
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)


@pytest.mark.serve("--rehearsal", "--tls", "auto")
def test_what_was_used_is_clean(used):
    make_trail(used, IsMultiRegionTrail=False)
    use_everything(used)
    used.client("s3").put_object(Bucket="things", Key="large", Body=BODY)
    used.client("s3").delete_object(Bucket="things", Key="kms/empty")
    used.advance("2h")
    used.run("rootkey", "rotate", "--data-dir", str(used.data_dir))
    used.advance("9d")
    assert used.stop() == 0
    report = fsck(used, expected=[])
    looked = report["looked_at"]
    assert looked["objects"] >= 6 and looked["keyrings"] == 2 and looked["access keys"] >= 2
    assert looked["blobs"] == 13 and looked["bytes"] > 5 * 5_242_880
    assert looked["journal entries"] + looked["history entries"] > 50 and looked["history blocks"] > 0
    assert looked["history terms"] > looked["history entries"]
    # Of six uploads of two parts each one is not completed, and one was deleted with its version.
    assert looked["parts"] == 10 and looked["uploads"] == 1 and looked["delete markers"] == 1
    assert looked["objects under a customer's key"] == looked["objects whose KMS key is gone"] == 4
    assert len(report["notes"]) == 2 and "SSE-C" in "".join(report["notes"])
    assert looked["KMS keys"] >= 2 and looked["signing keys"] == 1
    told = used.run("fsck", "--data-dir", str(used.data_dir)).stdout
    assert told.endswith("clean\n") and "objects" in told


def test_it_is_clean_after_a_kill(used):
    used.stop(9)
    fsck(used, expected=[])


def test_a_directory_in_use_or_none_is_not_checked(used):
    command = ["fsck", "--data-dir", str(used.data_dir)]
    done = used.run(*command, check=False)
    assert done.returncode == 2 and "in use" in done.stderr, done.stderr
    done = used.run("fsck", "--data-dir", str(used.folder / "none"), check=False)
    assert done.returncode == 2 and "no data directory" in done.stderr, done.stderr
    assert not (used.folder / "none").exists()
    assert used.is_alive()


def test_bit_rot_cut_and_loss_of_blobs_are_found_and_nothing_is_taken_away(used):
    used.stop()
    first, second = blobs(used)
    for at in (0, 70_000, first.stat().st_size - 1):
        change(first, at, 4)
        report = fsck(used, "--repair", expected=[("damaged", "none")])
        assert "does not open" in report["findings"][0]["what"]
        assert "s3/object/things/" in report["findings"][0]["place"]
        change(first, at, 4)
    fsck(used, expected=[])
    whole = first.read_bytes()
    for bytes_ in (whole[:-1], whole + b"x", b""):
        first.write_bytes(bytes_)
        report = fsck(used, "--repair", expected=[("damaged", "none")])
        assert str(len(whole)) in report["findings"][0]["what"]
    first.write_bytes(second.read_bytes())
    second.unlink()
    report = fsck(used, "--repair")
    assert sorted(one["kind"] for one in report["findings"]) == sorted(
        ["missing"] + ["damaged"] * (len(whole) // 65_552 + 1)
    )
    assert first.exists()


def test_an_orphan_is_removed_when_that_is_asked_for(used):
    used.stop()
    name = "ab" + "0" * 30
    (used.data_dir / "blobs" / "ab").mkdir(exist_ok=True)
    (used.data_dir / "blobs" / "ab" / name).write_bytes(b"left behind")
    strange = used.data_dir / "blobs" / "ab" / "note.txt"
    strange.write_text("by hand")
    before = blobs(used)
    report = fsck(used)
    assert sorted((one["kind"], one["repair"]) for one in report["findings"]) == [
        ("orphan", "possible"),
        ("unknown", "none"),
    ]
    assert blobs(used) == before
    assert sorted((one["kind"], one["repair"]) for one in fsck(used, "--repair")["findings"]) == [
        ("orphan", "done"),
        ("unknown", "none"),
    ]
    assert blobs(used) == [path for path in before if path.name != name]
    strange.unlink()
    fsck(used, expected=[])
    used.start()
    read_all(used)


def test_another_root_key_is_no_check(used):
    used.stop()
    key = used.data_dir / "root.key"
    text = key.read_text()
    key.write_text("nonsense")
    done = used.run("fsck", "--data-dir", str(used.data_dir), check=False)
    assert done.returncode == 2 and "root.key" in done.stderr, done.stderr
    key.write_text(text)
    os.chmod(key, 0o600)
    fsck(used, expected=[])
