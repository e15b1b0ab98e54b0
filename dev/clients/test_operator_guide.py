"""docs/operator-guide.md, done as a reader would do it: every command of it, in its order, on one server."""

import os
import pathlib
import re

from harness import ACCOUNT, BINARY

GUIDE = pathlib.Path(__file__).parents[2] / "docs" / "operator-guide.md"
HOME = "ap-northeast-1"


def sections():
    """The guide's headings and the commands under each; what begins with `$` is for the reader's own shell."""
    found = {}
    for part in re.split(r"^## ", GUIDE.read_text(), flags=re.M)[1:]:
        found[part.splitlines()[0]] = re.findall(r"^```sh\n(.*?)^```", part, flags=re.M | re.S)
    return found


def reader(server, folder):
    """Somebody with the binary and the aws CLI on the path, and the settings that `shoseki env` prints."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "shoseki").symlink_to(pathlib.Path(BINARY).resolve())
    environment = server.cli_environment()
    environment |= {"PATH": f"{programs}{os.pathsep}{environment['PATH']}", "DATA_DIR": str(server.data_dir)}
    return lambda script: server.bash(f"set -eu\n{script}", environment=environment).stdout


def test_the_guide_works_as_it_is_written(serve, tmp_path):
    server = serve("--rehearsal", "--region", HOME)
    do = reader(server, tmp_path)
    for heading, blocks in sections().items():
        for block in blocks:
            said = do(block)
            assert said.strip(), f"{heading}: nothing was said by\n{block}"
        look = {
            "A sealed trail from nothing": sealed_from_nothing,
            "Sealing a trail that exists": sealed_later,
            "Rolling it back": rolled_back_and_forth,
        }.get(heading)
        if look:
            look(server)
    assert {"A sealed trail from nothing", "Sealing a trail that exists", "Rolling it back"} <= sections().keys()


def trail(server, name):
    return server.client("cloudtrail").describe_trails(trailNameList=[name])["trailList"][0]


def bucket_default(server, name):
    bucket = trail(server, name)["S3BucketName"]
    rules = server.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return rules[0]["ApplyServerSideEncryptionByDefault"]


def sealed_from_nothing(server):
    made = trail(server, "Members")
    assert made["IsMultiRegionTrail"] and made["LogFileValidationEnabled"] and made["KmsKeyId"]
    s3 = server.client("s3")
    keys = [
        found["Key"]
        for found in s3.list_objects_v2(Bucket=made["S3BucketName"], Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/")["Contents"]
    ]
    assert keys
    for key in keys:
        head = s3.head_object(Bucket=made["S3BucketName"], Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", made["KmsKeyId"])


def sealed_later(server):
    assert trail(server, "older")["KmsKeyId"] == trail(server, "Members")["KmsKeyId"]
    assert bucket_default(server, "older") == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": trail(server, "Members")["KmsKeyId"],
    }


def rolled_back_and_forth(server):
    """The section ends with the roll-back undone."""
    assert trail(server, "Members")["KmsKeyId"] == trail(server, "older")["KmsKeyId"]
    names = [event["EventName"] for event in server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UpdateTrail"}]
    )["Events"]]
    # `older` was sealed, `Members` rolled back, and put back.
    assert len(names) == 3


def rights(name):
    """A policy that the guide prints, by the words before it."""
    text = GUIDE.read_text()
    found = re.search(rf"{re.escape(name)}.*?```json\n(.*?)```", text, flags=re.S)
    assert found, f"the guide has no policy after: {name}"
    return found.group(1)


def test_who_only_looks_needs_no_more_rights_than_the_guide_says(serve, tmp_path):
    server = serve("--rehearsal", "--region", HOME)
    do = reader(server, tmp_path)
    do("shoseki trail setup --name audit --bucket audit-logs --logs --yes")
    do('shoseki clock advance 3h --data-dir "$DATA_DIR"')
    user = server.user("auditor")
    policy = rights("Rights to look").replace("BUCKET", "audit-logs").replace("111122223333", ACCOUNT)
    server.client("iam").put_user_policy(UserName="auditor", PolicyName="look", PolicyDocument=policy)
    environment = {**server.cli_environment(who=user)}
    end = (server.now()).strftime("%Y-%m-%dT%H:%M:%SZ")
    for command, statuses in [
        ("trail status", {0}),
        ("check", {0, 3}),
        ("plan --delete-key alias/cloudtrail", {3}),
        (f"trail verify --end-time {end}", {0}),
        ("search --trail audit --since 1d --limit 5", {0}),
        ("trail rollback --dry-run", {0}),
        ("cost", {0}),
    ]:
        done = server._finish([BINARY, *command.split()], environment, False, None)
        assert done.returncode in statuses, f"{command}: {done.returncode} {done.stdout}{done.stderr}"
        denied = [line for line in (done.stdout + done.stderr).splitlines() if "AccessDenied" in line]
        assert not denied, f"{command}: {denied}"
