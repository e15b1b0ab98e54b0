"""The CDK's command line deploys, compares, changes and destroys a stack of its own construct library."""

import pathlib
import subprocess

from harness import ACCOUNT, refused
from tools import NODE_MODULES

APP = pathlib.Path(__file__).parent / "js" / "trail.cjs"


def cdk(server, folder, *arguments, in_all_regions="yes"):
    """Runs a command of the CDK on the app. It is told an endpoint and keys, as its users would."""
    environment = server.cli_environment() | {
        "AWS_REGION": "us-east-1",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "HOME": str(folder),
        "NODE_PATH": str(NODE_MODULES),
        "TRAIL_ACCOUNT": ACCOUNT,
        "TRAIL_IN_ALL_REGIONS": in_all_regions,
    }
    environment.pop("AWS_MAX_ATTEMPTS", None)
    done = subprocess.run(
        [NODE_MODULES / ".bin" / "cdk", *arguments, "--app", f"node {APP}", "--output", folder / "cdk.out", "--no-notices"],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_trail_of_the_construct_library_is_deployed_changed_and_destroyed(server, tmp_path):
    trails, stacks = server.client("cloudtrail"), server.client("cloudformation")
    cdk(server, tmp_path, "deploy", "--require-approval", "never", "--method", "change-set")
    stack = stacks.describe_stacks(StackName="Audit")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    trail = trails.get_trail(Name="audit")["Trail"]
    assert trail["S3BucketName"] == "audit-logs" and trail["IsMultiRegionTrail"] and trail["LogFileValidationEnabled"]
    key = server.client("kms").describe_key(KeyId="alias/audit")["KeyMetadata"]["Arn"]
    assert trail["KmsKeyId"] == key and trails.get_trail_status(Name="audit")["IsLogging"]
    assert "There were no differences" in cdk(server, tmp_path, "diff", "--fail")

    cdk(server, tmp_path, "deploy", "--require-approval", "never", "--method", "direct", in_all_regions="no")
    assert stacks.describe_stacks(StackName="Audit")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    assert not trails.get_trail(Name="audit")["Trail"]["IsMultiRegionTrail"]

    cdk(server, tmp_path, "destroy", "--force")
    with refused("TrailNotFoundException"):
        trails.get_trail(Name="audit")
    assert server.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
