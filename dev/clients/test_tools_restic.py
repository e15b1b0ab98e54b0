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
    snapshots = json.loads(restic("snapshots", "--json").stdout)
    assert len(snapshots) == 2
    assert "no errors were found" in restic("check", "--read-data").stdout
    place.check_sealed()
    for snapshot, expected in zip(snapshots, [before, digests(tree)], strict=True):
        target = place.server.folder / snapshot["short_id"]
        restic("restore", snapshot["short_id"], "--target", target)
        assert digests(target / tree.relative_to("/")) == expected

    restic("forget", "--keep-last", "1", "--prune")
    assert [one["id"] for one in json.loads(restic("snapshots", "--json").stdout)] == [snapshots[1]["id"]]
    assert "no errors were found" in restic("check", "--read-data").stdout


@pytest.mark.parametrize("place", [PLAIN], indirect=True)
def test_a_repository_is_made_once_and_opens_with_its_password_only(place, restic):
    restic("init")
    said = restic("init", check=False)
    assert said.returncode != 0 and "already" in said.stderr, said.stderr
    said = restic("snapshots", check=False, password="another")
    assert said.returncode != 0 and "wrong password" in said.stderr
    assert not place.keys("backups/locks/")
