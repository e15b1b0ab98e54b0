"""restic keeps a repository in a bucket: what it backed up, it checks, restores and forgets."""

import json

import pytest
from tools import MIB, PLAIN, digests, make_file, make_tree


@pytest.fixture
def restic(place):
    style = "dns" if place.way.virtual else "path"
    always = ["--repo", f"s3:{place.endpoint}/{place.bucket}/backups", "--no-cache", "-o", f"s3.bucket-lookup={style}"]
    if place.ca:
        always += ["--cacert", place.ca]

    def run(*arguments, password="not a secret", **more):
        return place.run("restic", *always, *arguments, environment={"RESTIC_PASSWORD": password}, **more)

    return run


def test_what_is_backed_up_is_restored_byte_by_byte(place, restic):
    restic("init")
    tree = make_tree(place.files)
    make_file(tree / "large.bin", 10 * MIB)
    restic("backup", tree)
    before = digests(tree)
    make_file(tree / "a file.txt", 1000)
    make_file(tree / "new", 70_000)
    (tree / "deep/y+z&.txt").unlink()
    restic("backup", tree)
    first, second = (one["id"] for one in json.loads(restic("snapshots", "--json").stdout))
    place.check_sealed()
    check_restored(place, restic, tree, first, before)
    restic("forget", "--keep-last", "1", "--prune")
    assert place.keys("backups/snapshots/") == [f"backups/snapshots/{second}"]
    assert "no errors were found" in restic("check", "--read-data").stdout
    check_restored(place, restic, tree, second, digests(tree))


def check_restored(place, restic, tree, snapshot, expected):
    target = place.server.folder / snapshot
    restic("restore", snapshot, "--target", target)
    assert digests(target / tree.relative_to("/")) == expected


@pytest.mark.parametrize("place", [PLAIN], indirect=True)
def test_a_repository_is_made_once_and_opens_with_its_password_only(place, restic):
    restic("init")
    said = restic("init", check=False)
    assert said.returncode != 0 and "already" in said.stderr, said.stderr
    said = restic("snapshots", check=False, password="another")
    assert said.returncode != 0 and "wrong password" in said.stderr
    assert not place.keys("backups/locks/")
