"""`shoseki template`: what it writes is deployed by the stock CLI, and makes trails that deliver sealed log files."""

import gzip
import json
import subprocess

import pytest
from harness import ACCOUNT, BINARY, CLEAN, PROGRAMS, poll

FLAGS = ("--name", "audit", "--bucket", "audit-logs-{account}", "--key-alias", "alias/audit", "--logs", "/audit", "--topic", "audit")
KEPT = "--expire-days", "365"


def template(*arguments, environment=None, check=True):
    done = subprocess.run([BINARY, "template", *arguments], env=environment or CLEAN, capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done


@pytest.fixture
def rehearsal(serve):
    return lambda region="us-east-1", name=None: serve("--rehearsal", "--region", region, name=name)


def lint(folder, *texts):
    """cfn-lint, with the warnings that are errors to nobody."""
    files = []
    for index, text in enumerate(texts):
        files.append(folder / f"{index}.yaml")
        files[-1].write_text(text)
    done = subprocess.run(
        [PROGRAMS / "cfn-lint", "--regions", "us-east-1", "--", *map(str, files)],
        env={**CLEAN, "HOME": str(folder)}, capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def log_files(server, bucket, region="us-east-1", home=None):
    """The events of all log files of a Region, each of which must be sealed by a key."""
    s3 = server.client("s3", home or region)
    events = []
    prefix = f"AWSLogs/{ACCOUNT}/CloudTrail/{region}/"
    for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        answer = s3.get_object(Bucket=bucket, Key=found["Key"])
        assert answer["ServerSideEncryption"] == "aws:kms"
        events += json.loads(gzip.decompress(answer["Body"].read()))["Records"]
    return events


def settings(server, region="us-east-1"):
    """All that can be told of the trail `audit`, without what is each deployment's own."""
    cloudtrail, s3 = server.client("cloudtrail", region), server.client("s3", region)
    kms, logs = server.client("kms", region), server.client("logs", region)
    trail = cloudtrail.describe_trails(trailNameList=["audit"])["trailList"][0]
    bucket, key = trail["S3BucketName"], trail["KmsKeyId"]
    group = logs.describe_log_groups(logGroupNamePrefix="/audit")["logGroups"][0]
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    found = {
        "trail": {name: value for name, value in trail.items()},
        "status": cloudtrail.get_trail_status(Name="audit")["IsLogging"],
        "selectors": cloudtrail.get_event_selectors(TrailName="audit").get("EventSelectors"),
        "policy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
        "encryption": encryption,
        "versioning": s3.get_bucket_versioning(Bucket=bucket)["Status"],
        "lifecycle": lifecycle,
        "private": s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        "ownership": s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"],
        "key policy": json.loads(kms.get_key_policy(KeyId=key)["Policy"]),
        "rotation": kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
        "description": metadata["Description"],
        "aliases": [alias["AliasName"] for alias in kms.list_aliases(KeyId=key)["Aliases"]],
        "retention": group["retentionInDays"],
        "role": server.client("iam").get_role_policy(
            RoleName="CloudTrailLogsRole", PolicyName="CloudTrailWritesLogs")["PolicyDocument"],
        "topic": json.loads(server.client("sns", region).get_topic_attributes(
            TopicArn=trail["SnsTopicARN"])["Attributes"]["Policy"]),
    }
    return json.loads(json.dumps(found).replace(key, "KEY"))


def test_the_script_makes_a_trail_that_delivers_sealed_logs(rehearsal):
    server = rehearsal()
    script = template(*FLAGS, *KEPT, "--format", "cli").stdout
    assert "audit is made" in server.bash(script).stdout
    bucket = f"audit-logs-{ACCOUNT}"
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    assert "CreateUser" in {event["eventName"] for event in log_files(server, bucket)}
    streams = server.client("logs").describe_log_streams(logGroupName="/audit")["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == [f"{ACCOUNT}_CloudTrail_us-east-1"]
    # Nothing is made twice, and nothing that is there is taken over.
    before, keys = settings(server), server.client("kms").list_keys()["Keys"]
    again = server.bash(script.replace("AWSCloudTrailWrite", "Other"), check=False)
    assert again.returncode == 1 and "nothing was made" in again.stderr, again.stderr
    for taken in ("trail audit", "key alias/audit", f"bucket {bucket}", "log group /audit", "role CloudTrailLogsRole",
                  f"topic arn:aws:sns:us-east-1:{ACCOUNT}:audit"):
        assert f"the {taken} is there already" in again.stderr, again.stderr
    assert settings(server) == before and server.client("kms").list_keys()["Keys"] == keys
    # The template makes the same.
    by_template = rehearsal(name="template")
    make(by_template, template(*FLAGS, *KEPT).stdout)
    assert settings(by_template) == settings(server)


def test_a_bucket_with_a_bucket_key_takes_sealed_logs(rehearsal, tmp_path):
    server = rehearsal()
    definition = tmp_path / "audit.yaml"
    definition.write_text(f"""
name: audit
bucket: {{ name: audit-logs, encryption: trail_key, bucket_key: true }}
key: {{ readers: ["arn:aws:iam::{ACCOUNT}:user/reader"] }}
""")
    server.client("iam").create_user(UserName="reader")
    make(server, template("--definition", str(definition)).stdout)
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    assert "CreateUser" in {event["eventName"] for event in log_files(server, "audit-logs")}
    s3 = server.client("s3")
    found = s3.list_objects_v2(Bucket="audit-logs", Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/")["Contents"][0]
    assert s3.head_object(Bucket="audit-logs", Key=found["Key"])["BucketKeyEnabled"]


def make(server, text, region="us-east-1", stack="audit", **parameters):
    """A stack of this template, made whole."""
    cloudformation = server.client("cloudformation", region)
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    cloudformation.create_stack(
        StackName=stack, TemplateBody=text, Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    state = poll(lambda: (status := cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
                 != "CREATE_IN_PROGRESS" and status, 60)
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [event.get("ResourceStatusReason") for event in events if event["ResourceStatus"].endswith("FAILED")]
    assert state == "CREATE_COMPLETE", (state, reasons)


def test_per_region_trails_share_bucket_key_and_role(rehearsal, tmp_path):
    server = rehearsal()
    file = tmp_path / "trails.yaml"
    file.write_text(template("--example", "per-region-trail").stdout)
    home, other = "ap-northeast-1", "us-east-1"
    for region in (home, other):
        given = ["--stack-name", "trails", "--template-file", str(file), "--parameter-overrides", f"HomeRegion={home}"]
        server.aws("cloudformation", "deploy", *given, "--capabilities", "CAPABILITY_NAMED_IAM", region=region)
    trails = {
        region: server.client("cloudtrail", region).describe_trails(includeShadowTrails=False)["trailList"] for region in (home, other)
    }
    assert [len(found) for found in trails.values()] == [1, 1]
    assert [found[0]["IncludeGlobalServiceEvents"] for found in trails.values()] == [False, True]
    assert not any(found[0]["IsMultiRegionTrail"] for found in trails.values())
    server.client("kms", home).list_keys()
    server.client("kms", other).list_keys()
    server.client("iam").create_user(UserName="somebody")
    server.advance("20m")
    bucket = f"cloudtrail-{ACCOUNT}"
    # What is of a Region is in that Region's files; what is of none is in one.
    for region in (home, other):
        events = log_files(server, bucket, region, home)
        names = {event["eventName"] for event in events}
        assert "ListKeys" in names and {event["awsRegion"] for event in events} == {region}
        assert ("CreateUser" in names) == (region == other)


def test_a_trail_that_exists_is_made_again_elsewhere(rehearsal, tmp_path):
    first = rehearsal(name="first")
    make(first, template(*FLAGS, *KEPT, "--data-events", "s3").stdout)
    bucket, tag = f"audit-logs-{ACCOUNT}", {"Key": "owner", "Value": "sec: 1 + 1 = @2"}
    first.client("cloudtrail").stop_logging(Name="audit")
    first.client("cloudtrail").update_trail(Name="audit", EnableLogFileValidation=False)
    first.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tag]})
    first.client("logs").put_retention_policy(logGroupName="/audit", retentionInDays=30)
    # It is found from another Region, too, where it has a shadow.
    found = template("--from-trail", "audit", environment=first.cli_environment(region="eu-west-1"))
    assert "note: Written from the trail audit" in found.stderr and "refused" not in found.stderr, found.stderr
    second = rehearsal(name="second")
    make(second, found.stdout)
    assert settings(second) == settings(first)
    assert tag in second.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
    lint(tmp_path, found.stdout)


def test_what_may_not_be_read_is_said_by_name(server):
    make(server, template(*FLAGS).stdout)
    reader = server.user("reader", {"Effect": "Allow", "Action": ["cloudtrail:DescribeTrails"], "Resource": "*"})
    found = template("--from-trail", "audit", environment=server.cli_environment(who=reader))
    for call in ("GetTrailStatus", "GetEventSelectors", "HeadBucket", "DescribeKey", "GetKeyPolicy", "DescribeLogGroups"):
        assert f"{call} was refused" in found.stderr, found.stderr
    assert "AWS::CloudTrail::Trail" in found.stdout
    nobody = server.user("nobody")
    refused = template("--from-trail", "audit", environment=server.cli_environment(who=nobody), check=False)
    assert refused.returncode == 1 and "AccessDenied" in refused.stderr
    absent = template("--from-trail", "other", environment=server.cli_environment(), check=False)
    assert absent.returncode == 1 and "there is no trail `other` in us-east-1" in absent.stderr


def test_credentials_come_by_profiles_roles_and_programs(server, tmp_path):
    make(server, template(*FLAGS).stdout)
    root = server.root
    iam = server.client("iam")
    iam.create_user(UserName="ci")
    iam.put_user_policy(UserName="ci", PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}))
    key = iam.create_access_key(UserName="ci")["AccessKey"]
    iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ci"}, "Action": "sts:AssumeRole"}]}))
    iam.put_role_policy(RoleName="auditor", PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
    printed = json.dumps({"Version": 1, "AccessKeyId": root.access_key, "SecretAccessKey": root.secret_key})
    (tmp_path / "printed").write_text(printed)
    (tmp_path / "config").write_text(f"""
[default]
region = us-east-1
endpoint_url = {server.endpoint}
[profile ci]
aws_access_key_id = {key["AccessKeyId"]}
aws_secret_access_key = {key["SecretAccessKey"]}
[profile audit]
role_arn = arn:aws:iam::{ACCOUNT}:role/auditor
source_profile = ci
region = us-east-1
endpoint_url = {server.endpoint}
[profile program]
credential_process = cat {tmp_path}/printed
region = us-east-1
services = here
[services here]
cloudtrail =
  endpoint_url = {server.endpoint}
""")
    environment = {**CLEAN, "HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / "config")}

    def read(profile, check=True, **more):
        arguments = ("--from-trail", "audit", "--profile", profile)
        return template(*arguments, environment={**environment, **more}, check=check)

    assert "refused" not in read("audit").stderr
    by = {
        json.loads(event["CloudTrailEvent"])["userIdentity"]["type"]
        for event in server.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeTrails"}])["Events"]
    }
    assert "AssumedRole" in by
    assert "TrailBucket" in read("program", AWS_ENDPOINT_URL=server.endpoint).stdout
    absent = read("nobody", check=False)
    assert absent.returncode == 1 and "there is no profile `nobody`" in absent.stderr
    none = read("default", check=False)
    assert none.returncode == 1 and "no credentials are found" in none.stderr


def test_cfn_lint_takes_every_template(tmp_path):
    definition = tmp_path / "audit.yaml"
    definition.write_text("""
name: audit
bucket:
  name: "audit-{account}"
  encryption: trail_key
  bucket_key: true
  access_log: { bucket: access-logs, prefix: trail/ }
  lifecycle: [{ id: end, expire_days: 1095, noncurrent_expire_days: 1, abort_upload_days: 7 }]
key: { rotation_days: 180, multi_region: true, readers: ["arn:aws:iam::{account}:role/auditor"] }
logs: { retention_days: 365 }
topic: {}
event_selectors: [{ DataResources: [{ Type: "AWS::S3::Object", Values: ["arn:aws:s3:::secret/"] }] }]
""")
    lint(
        tmp_path,
        template().stdout,
        template("--definition", str(definition)).stdout,
        template("--existing-bucket", "there", "--no-key", "--single-region").stdout,
        template("--example", "per-region-trail").stdout,
    )


def test_what_cannot_be_written_is_refused_with_what_to_do(tmp_path):
    there = tmp_path / "there.yaml"
    there.write_text("""
bucket: { name: there, existing: true }
key: { existing: "arn:aws:kms:us-east-1:012345678901:key/x" }
logs: { group: there, existing: true }
topic: { name: there, existing: true }
""")
    for option in (("--key-alias", "alias/x"), ("--reader", "arn:aws:iam::012345678901:role/x"), ("--expire-days", "9"),
                   ("--logs", "g"), ("--topic", "t")):
        done = template("--definition", str(there), *option, check=False)
        assert done.returncode == 1 and f"{option[0]} is for a" in done.stderr, done.stderr
        assert "there already" in done.stderr and not done.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("nam: audit\n")
    for arguments, words in [
        (("--definition", str(wrong)), "unknown field `nam`"),
        (("--definition", str(tmp_path / "none.yaml")), "cannot read"),
        (("--name", "a b"), "3 to 128 letters"),
        (("--example", "per-region-trail", "--format", "cli"), "leave --format out"),
        (("--from-trail", "audit"), "give --region"),
    ]:
        done = template(*arguments, environment={**CLEAN, "HOME": str(tmp_path)}, check=False)
        assert done.returncode == 1 and words in done.stderr, done.stderr
    assert "Names may hold {account}" in template("--help").stdout
