"""rclone: what it copies, compares and lists is what is there."""

import os

import pytest
from tools import MIB, SEALED, digest_of, digests, make_file, make_tree


@pytest.fixture
def rclone(place):
    """`rclone` with a remote `s3:`; it takes no settings from anywhere else."""
    settings = {
        "type": "s3",
        # As AWS it sends checksums in trailers, which its SDK does over TLS only.
        "provider": "AWS" if place.way.tls else "Other",
        "env_auth": "true",
        "region": "us-east-1",
        "endpoint": place.endpoint,
        "force_path_style": str(not place.way.virtual).lower(),
    }
    if place.key_arn:
        # It must be told, on AWS too, or it takes every ETag for an MD5.
        settings |= {"server_side_encryption": "aws:kms", "sse_kms_key_id": place.key_arn}
    config = place.server.folder / "rclone.conf"
    config.write_text("[s3]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
    trust = ["--ca-cert", place.ca] if place.ca else []
    always = ["--config", config, "--retries", "1", "--low-level-retries", "1", *trust]
    return lambda *arguments, **more: place.run("rclone", *always, *arguments, **more)


def test_folders_are_copied_checked_and_synced_with_their_times(place, rclone):
    tree = make_tree(place.files / "tree")
    os.utime(tree / "a file.txt", (1_500_000_000.123456789, 1_500_000_000.123456789))
    remote = f"s3:{place.bucket}/copy"
    rclone("copy", tree, remote)
    place.check_tree("copy/", tree)
    place.check_sealed()
    assert place.head("copy/a file.txt")["Metadata"]["mtime"].startswith("1500000000.12345")
    rclone("check", "--download", tree, remote)
    # By checksum alone it must find nothing to do.
    assert "Copied (" not in rclone("sync", "--checksum", "-v", tree, remote).stderr

    make_file(tree / "a file.txt", 11, seed=1)
    (tree / "empty").unlink()
    said = rclone("check", tree, remote, check=False)
    assert said.returncode == 1 and "2 differences found" in said.stderr, said.stderr
    said = rclone("sync", "-v", tree, remote).stderr
    assert said.count("Copied (") == 1 and said.count(": Deleted") == 1, said
    place.check_tree("copy/", tree)

    back = place.files / "back"
    rclone("sync", remote, back)
    assert digests(back) == digests(tree)
    assert int((back / "deep/y+z&.txt").stat().st_mtime) == int((tree / "deep/y+z&.txt").stat().st_mtime)
    listed = rclone("lsf", "-R", "--files-only", remote).stdout.splitlines()
    assert sorted(listed) == sorted(digests(tree))


def test_objects_are_moved_and_copied_within_the_server(place, rclone):
    """A new time, a move and a copy are CopyObject: no byte travels."""
    digest = make_file(place.files / "one", 100_000)
    rclone("copyto", place.files / "one", f"s3:{place.bucket}/one")
    rclone("touch", "--timestamp", "2020-02-02T02:02:02", f"s3:{place.bucket}/one")
    assert place.head("one")["Metadata"]["mtime"].startswith("1580608922")
    said = rclone("copyto", "-v", f"s3:{place.bucket}/one", f"s3:{place.bucket}/two and a half").stderr
    assert "server-side copy" in said, said
    rclone("moveto", f"s3:{place.bucket}/one", f"s3:{place.bucket}/three")
    assert place.keys() == ["three", "two and a half"]
    assert place.digest("three") == place.digest("two and a half") == digest
    assert place.head("three")["Metadata"]["mtime"].startswith("1580608922")
    place.check_sealed()
    rclone("purge", f"s3:{place.bucket}")
    assert place.s3.list_buckets()["Buckets"] == []


def test_a_large_file_goes_up_in_small_parts_and_is_copied_in_parts(place, rclone):
    size = 33 * MIB + 5
    digest = make_file(place.files / "large", size)
    small = ["--s3-chunk-size", "5Mi", "--s3-upload-cutoff", "5Mi", "--s3-upload-concurrency", "3", "--s3-copy-cutoff", "6Mi"]
    rclone("copyto", *small, place.files / "large", f"s3:{place.bucket}/large")
    assert place.head("large")["ContentLength"] == size and place.head("large")["ETag"].endswith('-7"')
    rclone("copyto", *small, f"s3:{place.bucket}/large", f"s3:{place.bucket}/copy")
    assert place.digest("large") == place.digest("copy") == digest
    # It keeps the MD5 of a file in parts in the metadata, and checks what comes back by it.
    assert "md5chksum" in place.head("copy")["Metadata"]
    rclone("copyto", "--multi-thread-streams", "4", "--multi-thread-cutoff", "5Mi", f"s3:{place.bucket}/copy", place.files / "back")
    assert digest_of(place.files / "back") == digest
    # A pipe has no length: it goes in parts too.
    rclone("rcat", *small, f"s3:{place.bucket}/piped", input="x" * 6 * MIB)
    assert place.head("piped")["ContentLength"] == 6 * MIB
    place.check_sealed()
    assert "Uploads" not in place.s3.list_multipart_uploads(Bucket=place.bucket)


@pytest.mark.parametrize("place", [SEALED], indirect=True)
def test_old_versions_are_listed_fetched_and_cleaned_up(place, rclone):
    remote = f"s3:{place.bucket}"
    rclone("backend", "versioning", remote, "Enabled")
    assert place.s3.get_bucket_versioning(Bucket=place.bucket)["Status"] == "Enabled"
    old = make_file(place.files / "a.txt", 100)
    rclone("copy", place.files, remote)
    new = make_file(place.files / "a.txt", 101)
    rclone("copy", place.files, remote)
    names = rclone("lsf", "--s3-versions", remote).stdout.split()
    assert len(names) == 2 and "a.txt" in names
    dated = next(name for name in names if name != "a.txt")
    rclone("copyto", "--s3-versions", f"{remote}/{dated}", place.server.folder / "old")
    assert digest_of(place.server.folder / "old") == old and place.digest("a.txt") == new
    rclone("deletefile", f"{remote}/a.txt")
    assert rclone("lsf", remote).stdout == "" and place.keys() == []
    rclone("backend", "cleanup-hidden", remote)
    found = place.s3.list_object_versions(Bucket=place.bucket)
    assert not found.get("Versions")
