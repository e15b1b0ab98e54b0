"""The aws CLI's `s3` commands: files and folders go up, come down, move and vanish as they do on AWS."""

import urllib.request

import pytest
from tools import MIB, PLAIN, SEALED, digest_of, digests, make_file, make_tree


@pytest.fixture
def aws(place):
    """`aws` with the addressing of the place's way."""
    config = place.server.folder / "config"
    style = "virtual" if place.way.virtual else "path"
    # By itself this CLI presigns by Signature Version 2 in us-east-1, which AWS refuses on buckets made since 2020.
    config.write_text(f"[default]\ns3 =\n  addressing_style = {style}\n  signature_version = s3v4\n")
    return lambda *arguments, **more: place.run(
        "aws", *arguments, environment={"AWS_CONFIG_FILE": str(config)}, **more
    )


def test_folders_are_synced_both_ways_and_only_what_changed_goes(place, aws):
    tree = make_tree(place.files / "tree")
    up = ("s3", "sync", tree, f"s3://{place.bucket}/copy/")
    assert aws(*up).stdout.count("upload: ") == len(digests(tree))
    place.check_tree("copy/", tree)
    place.check_sealed()
    assert aws(*up).stdout == ""

    make_file(tree / "a file.txt", 12)
    (tree / "big.bin").unlink()
    done = aws(*up, "--delete").stdout
    assert done.count("upload: ") == 1 and done.count("delete: ") == 1
    place.check_tree("copy/", tree)

    back = place.files / "back"
    aws("s3", "sync", f"s3://{place.bucket}/copy/", back)
    assert digests(back) == digests(tree)
    make_file(back / "only here", 5)
    assert aws("s3", "sync", f"s3://{place.bucket}/copy/", back, "--delete").stdout.startswith("delete: ")
    assert digests(back) == digests(tree)
    assert "Total Objects: 6" in aws("s3", "ls", "--recursive", "--summarize", f"s3://{place.bucket}/copy/").stdout


def test_an_object_is_moved_copied_and_everything_removed(place, aws):
    digest = make_file(place.files / "one", 100_000)
    aws("s3", "cp", place.files / "one", f"s3://{place.bucket}/dir/one", "--metadata", "colour=blue")
    aws("s3", "cp", f"s3://{place.bucket}/dir/one", f"s3://{place.bucket}/dir/two words")
    aws("s3", "mv", f"s3://{place.bucket}/dir/one", f"s3://{place.bucket}/dir/three")
    assert place.keys() == ["dir/three", "dir/two words"]
    assert place.digest("dir/three") == place.digest("dir/two words") == digest
    assert place.head("dir/three")["Metadata"] == {"colour": "blue"}
    place.check_sealed()
    aws("s3", "mv", "--recursive", f"s3://{place.bucket}/dir/", place.files / "down")
    assert digests(place.files / "down") == {"three": digest, "two words": digest} and place.keys() == []
    aws("s3", "cp", "--recursive", place.files / "down", f"s3://{place.bucket}/again/")
    aws("s3", "rm", "--recursive", f"s3://{place.bucket}/again/", "--exclude", "t* words")
    assert place.keys() == ["again/two words"]
    aws("s3", "rb", "--force", f"s3://{place.bucket}")
    assert place.server.client("s3").list_buckets()["Buckets"] == []


def test_a_stream_goes_in_and_comes_out(place, aws):
    aws("s3", "cp", "-", f"s3://{place.bucket}/stream", input="one line\n")
    assert aws("s3", "cp", f"s3://{place.bucket}/stream", "-").stdout == "one line\n"


@pytest.mark.parametrize("place", [PLAIN], indirect=True)
def test_a_presigned_url_gives_the_object_to_whoever_has_it(place, aws):
    place.s3.put_object(Bucket=place.bucket, Key="a key/ü", Body=b"content")
    url = aws("s3", "presign", f"s3://{place.bucket}/a key/ü", "--expires-in", "60").stdout.strip()
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read() == b"content"
    put = place.s3.generate_presigned_url("put_object", {"Bucket": place.bucket, "Key": "from outside"})
    with urllib.request.urlopen(urllib.request.Request(put, b"outside", method="PUT"), timeout=20) as answer:
        assert answer.status == 200
    assert aws("s3", "cp", f"s3://{place.bucket}/from outside", "-").stdout == "outside"


def check_large(place, aws, size):
    digest = make_file(place.files / "large", size)
    aws("s3", "cp", "--no-progress", place.files / "large", f"s3://{place.bucket}/large", "--content-type", "x/y")
    head = place.head("large")
    assert head["ContentLength"] == size and head["ContentType"] == "x/y"
    # The CLI's own part size.
    assert head["ETag"].endswith(f'-{-(-size // (8 * MIB))}"'), head["ETag"]
    place.check_sealed("large")
    assert "Uploads" not in place.s3.list_multipart_uploads(Bucket=place.bucket)
    aws("s3", "cp", "--no-progress", f"s3://{place.bucket}/large", place.files / "back")
    assert digest_of(place.files / "back") == digest
    assert (place.files / "back").stat().st_size == size


def test_a_large_file_goes_up_in_parts_and_down_in_ranges(place, aws):
    check_large(place, aws, 64 * MIB)


@pytest.mark.long
@pytest.mark.parametrize("place", [SEALED], indirect=True)
def test_a_gigabyte_goes_up_in_parts_and_down_in_ranges(place, aws):
    check_large(place, aws, 1024 * MIB)


def test_a_large_object_is_copied_part_by_part(place, aws):
    size = 20 * MIB + 1
    digest = make_file(place.files / "large", size)
    aws("s3", "cp", "--no-progress", place.files / "large", f"s3://{place.bucket}/large")
    aws("s3", "cp", "--no-progress", f"s3://{place.bucket}/large", f"s3://{place.bucket}/copy")
    assert place.digest("copy") == digest
    assert place.head("copy")["ETag"].endswith('-3"')
    place.check_sealed("copy")
