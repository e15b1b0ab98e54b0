"""The CDK's command line deploys, compares, changes and destroys a stack of its own construct library."""

import pathlib
import subprocess

from harness import ACCOUNT, refused
from tools import NODE_MODULES

APP = pathlib.Path(__file__).parent / "js" / "trail.cjs"


def run(server, folder, *command, **environment):
    """Runs a program, told an endpoint and keys, as its users would be."""
    environment |= server.cli_environment() | {"AWS_REGION": "us-east-1", "CI": "1", "HOME": str(folder)}
    environment |= {"CDK_DISABLE_VERSION_CHECK": "1", "NODE_PATH": str(NODE_MODULES)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def synthesise(server, folder, in_all_regions):
    """The app's templates, in `cdk.out`."""
    settings = {"TRAIL_ACCOUNT": ACCOUNT, "TRAIL_IN_ALL_REGIONS": in_all_regions}
    run(server, folder, "node", APP, CDK_OUTDIR=str(folder / "cdk.out"), **settings)


def cdk(server, folder, *arguments):
    return run(server, folder, NODE_MODULES / ".bin" / "cdk", *arguments, "--app", "cdk.out", "--no-notices")


def test_a_trail_of_the_construct_library_is_deployed_changed_and_destroyed(server, tmp_path):
    trails, stacks = server.client("cloudtrail"), server.client("cloudformation")
    synthesise(server, tmp_path, in_all_regions="yes")
    cdk(server, tmp_path, "deploy", "--require-approval", "never", "--method", "change-set")
    stack = stacks.describe_stacks(StackName="Audit")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    trail = trails.get_trail(Name="audit")["Trail"]
    assert trail["S3BucketName"] == "audit-logs" and trail["IsMultiRegionTrail"] and trail["LogFileValidationEnabled"]
    key = server.client("kms").describe_key(KeyId="alias/audit")["KeyMetadata"]["Arn"]
    assert trail["KmsKeyId"] == key and trails.get_trail_status(Name="audit")["IsLogging"]
    assert "There were no differences" in cdk(server, tmp_path, "diff", "--fail")

    synthesise(server, tmp_path, in_all_regions="no")
    cdk(server, tmp_path, "deploy", "--require-approval", "never", "--method", "direct")
    assert stacks.describe_stacks(StackName="Audit")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    assert not trails.get_trail(Name="audit")["Trail"]["IsMultiRegionTrail"]

    cdk(server, tmp_path, "destroy", "--force")
    with refused("TrailNotFoundException"):
        trails.get_trail(Name="audit")
    assert server.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
