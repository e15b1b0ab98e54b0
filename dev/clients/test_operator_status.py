"""`shoseki trail status`: no trail, no key and a call that failed are three things, in every Region, in two languages."""

import json
import socket
import subprocess

import boto3
import pytest
from harness import (
    BINARY, CLEAN, PROGRAMS, SERVICE, SEVENTEEN_REGIONS, allow, bucket_policy, make_bucket, make_trail, policy, poll,
)
from screens import screen

TOKYO = "ap-northeast-1"
AGES = {r"\b(?:now|\d+ min ago) *(?=\s|$)": "AGE", r"(?:今|\d+ 分前)": "AGE"}


def status(server, *arguments, who=None, region="us-east-1", expect=0):
    done = subprocess.run(
        [BINARY, "trail", "status", *arguments],
        env=server.cli_environment(region, who), cwd=server.folder, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == expect, f"ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout if expect != 1 else done.stderr


def report(server, *arguments, **more):
    return json.loads(status(server, "--output", "json", *arguments, **more))


def kinds(found):
    return [finding["kind"] for finding in found["findings"]]


@pytest.fixture
def members(server):
    """The trail of the article, with its key's alias."""
    trail = make_trail(server, "Members", home=TOKYO, bucket="cm-members-logs")
    trail.kms.create_alias(AliasName="alias/members", TargetKeyId=trail.key_arn)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": trail.key_arn}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    trail.s3.put_bucket_encryption(Bucket=trail.bucket, ServerSideEncryptionConfiguration=rules)
    return trail


def test_a_good_trail_is_seen_in_all_regions(server, members):
    found = report(server)
    assert kinds(found) == []
    assert found["notAvailable"] == []
    assert [entry["region"] for entry in found["regions"]] == SEVENTEEN_REGIONS
    assert all(entry["trails"] == {"known": [members.arn]} for entry in found["regions"])
    [trail] = found["trails"]
    assert trail["homeRegion"] == TOKYO and trail["shadows"] == [r for r in SEVENTEEN_REGIONS if r != TOKYO]
    assert trail["key"] == {"arn": members.key_arn, "alias": "alias/members", "state": {"known": "Enabled"}}
    assert trail["bucketEncryption"]["known"]["algorithm"] == "aws:kms"
    assert trail["status"]["known"]["isLogging"] is True


def test_the_screens(server, members):
    make_bucket(server, "local-logs")
    server.client("s3").put_bucket_policy(Bucket="local-logs", Policy=bucket_policy("local-logs"))
    london = server.client("cloudtrail", "eu-west-2")
    london.create_trail(Name="local", S3BucketName="local-logs")
    screen("trail-status", status(server, expect=3), AGES)
    screen("trail-status.ja", status(server, "--lang", "ja", expect=3), AGES)
    screen("trail-status-one", status(server, "--trail", "Members", "--regions", f"{TOKYO},eu-west-2"), AGES)
    london.start_logging(Name="local")
    status(server)


def test_no_trail_no_key_and_a_refused_call_differ(server):
    plain = make_trail(server, "plain", bucket="plain-logs", with_key=False, IsMultiRegionTrail=False)
    denied = {
        "Effect": "Deny", "Action": "cloudtrail:DescribeTrails", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    }
    rights = ["ec2:DescribeRegions", "cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"]
    operator = server.user("operator", allow(rights), denied)
    arguments = ["--regions", "us-east-1,eu-west-1,eu-west-2"]
    found = report(server, *arguments, who=operator)
    by_region = {entry["region"]: entry["trails"] for entry in found["regions"]}
    assert by_region["us-east-1"] == {"known": [plain.arn]} and by_region["eu-west-2"] == {"known": []}
    assert by_region["eu-west-1"]["notAvailable"]["call"] == "cloudtrail:DescribeTrails"
    assert found["trails"][0]["key"] is None
    needs = [(unread["needs"], unread["regions"]) for unread in found["notAvailable"]]
    assert needs == [("cloudtrail:DescribeTrails", ["eu-west-1"]), ("s3:GetEncryptionConfiguration", ["us-east-1"])]
    screen("trail-status-denied", status(server, *arguments, who=operator), AGES)
    screen("trail-status-denied.ja", status(server, *arguments, "--lang", "ja", who=operator), AGES)


def test_whoever_may_not_ask_whether_it_logs_is_not_told_that_all_is_well(server, members):
    operator = server.user("operator", allow(["ec2:DescribeRegions", "cloudtrail:DescribeTrails"]))
    found = report(server, who=operator, expect=3)
    assert kinds(found) == ["unknown"]
    calls = {unread["call"] for unread in found["notAvailable"]}
    assert calls == {"cloudtrail:GetTrailStatus", "kms:DescribeKey", "kms:ListAliases", "s3:GetBucketEncryption"}


def test_without_the_list_of_regions_those_of_every_account_are_asked(server, members):
    operator = server.user("operator", allow("cloudtrail:*"))
    found = report(server, who=operator)
    assert len(found["regions"]) == 17
    assert "ec2:DescribeRegions" in {unread["call"] for unread in found["notAvailable"]}


def test_whoever_may_nothing_gets_an_error(server, members):
    nobody = server.user("nobody")
    assert "not authorized to perform: cloudtrail:DescribeTrails" in status(server, who=nobody, expect=1)


@pytest.mark.serve("--rehearsal")
def test_errors_of_delivery_are_explained(server, members):
    server.advance("10m")
    members.s3.delete_bucket_policy(Bucket=members.bucket)
    server.advance("10m")
    found = report(server, expect=3)
    assert kinds(found)[0] == "delivery"
    assert found["findings"][0]["code"] == "AccessDenied"
    assert "the policy of the bucket or of the key does not let CloudTrail in" in found["findings"][0]["message"]
    assert "CloudTrail を許可していません" in status(server, "--lang", "ja", expect=3)


def test_keys_and_buckets_that_cannot_be_used_are_found(server, members):
    members.kms.schedule_key_deletion(KeyId=members.key_arn, PendingWindowInDays=7)
    assert "key" in kinds(report(server, expect=3))
    members.cloudtrail.stop_logging(Name="Members")
    for key in members.keys("CloudTrail") + members.digests():
        members.s3.delete_object(Bucket=members.bucket, Key=key)
    members.s3.delete_bucket(Bucket=members.bucket)
    found = report(server, expect=3)
    assert {"notLogging", "bucket", "key"} <= set(kinds(found))
    assert found["trails"][0]["bucketExists"] == {"known": False}


def test_a_trail_that_is_not_there_is_said_to_be_so(server, members):
    text = status(server, "--trail", "Nobody", expect=3)
    assert "There is no trail Nobody in the 17 Regions that answered, of 17." in text
    assert "no trail" in text


def test_everything_about_a_trail_can_be_kept(server, members):
    """Each fact of the file is what the account has; what this server does not have is named as not available."""
    make_log_group(server, members)
    members.s3.put_bucket_lifecycle_configuration(
        Bucket=members.bucket,
        LifecycleConfiguration={"Rules": [{"ID": "end", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1095}}]},
    )
    members.kms.enable_key_rotation(KeyId=members.key_arn)
    members.kms.create_grant(KeyId=members.key_arn, GranteePrincipal=server.root.arn, Operations=["Decrypt"])
    members.cloudtrail.add_tags(ResourceId=members.arn, TagsList=[{"Key": "team", "Value": "audit"}])
    server.user("reader", allow("s3:GetObject"))
    status(server, "--save", "account.json")
    kept = json.loads((server.folder / "account.json").read_text())
    assert (server.folder / "account.json").stat().st_mode & 0o777 == 0o600
    [trail], bucket, key = kept["trails"], kept["buckets"][members.bucket], kept["keys"][members.key_arn]
    assert trail["tags"] == {"known": {"team": "audit"}}
    assert trail["selectors"]["known"]["basic"][0]["readWriteType"] == "All"
    assert bucket["owned"] == {"known": True} and bucket["region"] == {"known": TOKYO}
    assert bucket["policy"]["known"] == json.loads(bucket["policyText"]) == json.loads(bucket_policy(members.bucket))
    assert bucket["lifecycle"]["known"][0]["expireDays"] == 1095
    assert bucket["logging"] == {"known": None} and bucket["objectLock"] == {"known": None}
    assert bucket["policyIsPublic"] == {"known": False}
    assert bucket["acl"]["known"]["grants"][0]["permission"] == "FULL_CONTROL"
    assert key["rotation"]["known"]["enabled"] is True and key["aliases"] == {"known": ["alias/members"]}
    assert key["policy"]["known"] == json.loads(members.kms.get_key_policy(KeyId=members.key_arn)["Policy"])
    assert key["grants"]["known"][0]["Operations"] == ["Decrypt"]
    [group] = kept["logGroups"].values()
    assert group["settings"]["known"]["retentionDays"] == 90
    assert group["metricFilters"]["known"][0]["metrics"] == [["Trails", "Changes"]]
    principals = kept["principals"]["known"]
    [reader] = [user for user in principals["users"] if user["name"] == "reader"]
    assert reader["inline"]["known"]["rights"]["Statement"][0]["Action"] == "s3:GetObject"
    assert [role["name"] for role in principals["roles"]] == ["to-logs"]
    tokyo = kept["byRegion"][TOKYO]
    for fact, call in [
        ("configRecorders", "config:DescribeConfigurationRecorders"),
        ("eventDataStores", "cloudtrail:ListEventDataStores"),
        ("alarms", "cloudwatch:DescribeAlarms"),
    ]:
        assert tokyo[fact]["notAvailable"]["call"] == call
        assert tokyo[fact]["notAvailable"]["code"] not in ("NotAsked", "Unreadable")


def test_who_is_who_is_told_by_lists_where_the_whole_is_denied(server, members):
    iam = server.client("iam")
    managed = iam.create_policy(PolicyName="rights", PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    server.user("reader", allow("s3:GetObject"))
    iam.attach_user_policy(UserName="reader", PolicyArn=managed)
    iam.put_user_permissions_boundary(UserName="reader", PermissionsBoundary=managed)
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="reader")
    trails = ["cloudtrail:*", "kms:*", "s3:*", "ec2:DescribeRegions"]
    lister = server.user("lister", allow([*trails, "iam:List*", "iam:GetUser*", "iam:GetRole*", "iam:GetPolicy*"]))
    blind = server.user("blind", allow(trails))

    def kept(who):
        status(server, "--save", "account.json", who=who)
        return json.loads((server.folder / "account.json").read_text())["principals"]

    whole, listed = kept(server.root)["known"], kept(lister)["known"]
    for principals in (whole, listed):
        [reader] = [user for user in principals["users"] if user["name"] == "reader"]
        assert reader["boundary"] == {"known": managed} and reader["groups"] == {"known": ["readers"]}
        assert reader["attached"] == {"known": [{"name": "rights", "arn": managed}]}
        assert reader["inline"]["known"]["rights"]["Statement"][0]["Action"] == "s3:GetObject"
        assert principals["policies"][managed]["known"]["document"]["Statement"][0]["Action"] == "s3:*"
    by_name = lambda principals: sorted(principals["users"], key=lambda user: user["name"])
    assert by_name(whole) == by_name(listed) and whole["groups"] == listed["groups"]
    missing = kept(blind)["notAvailable"]
    assert (missing["call"], missing["code"]) == ("iam:GetAccountAuthorizationDetails", "AccessDenied")


def test_topics_are_read_and_missed(server, members):
    sns = server.client("sns", TOKYO)
    topic = sns.create_topic(Name="trails")["TopicArn"]
    rights = policy(allow("sns:Publish", topic, Principal=SERVICE))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=rights)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/trails")
    members.cloudtrail.update_trail(Name="Members", SnsTopicName="trails")

    def kept():
        status(server, "--save", "account.json")
        return json.loads((server.folder / "account.json").read_text())["topics"][topic]

    found = kept()
    assert found["settings"]["known"] == {"policy": json.loads(rights), "kmsKey": None}
    assert [entry["protocol"] for entry in found["subscriptions"]["known"]] == ["http"]
    sns.delete_topic(TopicArn=topic)
    assert kept()["settings"] == {"known": None}


def make_log_group(server, trail):
    """The log group of the trail, with a role and a metric filter."""
    logs = server.client("logs", trail.home)
    logs.create_log_group(logGroupName="CloudTrail")
    logs.put_retention_policy(logGroupName="CloudTrail", retentionInDays=90)
    metric = {"metricNamespace": "Trails", "metricName": "Changes", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName="CloudTrail", filterName="changes", filterPattern="{ $.eventName = UpdateTrail }",
        metricTransformations=[metric],
    )
    iam = server.client("iam")
    trust = policy(allow("sts:AssumeRole", Principal=SERVICE)).replace(', "Resource": "*"', "")
    role = iam.create_role(RoleName="to-logs", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="to-logs", PolicyName="rights", PolicyDocument=policy(allow(["logs:CreateLogStream", "logs:PutLogEvents"]))
    )
    group = logs.describe_log_groups()["logGroups"][0]["arn"]
    trail.cloudtrail.update_trail(Name=trail.name, CloudWatchLogsLogGroupArn=group, CloudWatchLogsRoleArn=role)


def test_a_foreign_endpoint(tmp_path):
    """moto_server, which has no shadow trails of ours and knows other errors."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = open(tmp_path / "moto.log", "wb")
    moto = subprocess.Popen(
        [str(PROGRAMS / "moto_server"), "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log, env=CLEAN
    )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        assert poll(listens, 60), (tmp_path / "moto.log").read_text()
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        clients = {name: boto3.client(name, endpoint_url=endpoint, **credentials) for name in ("s3", "kms", "cloudtrail")}
        clients["s3"].create_bucket(Bucket="moto-logs")
        key = clients["kms"].create_key()["KeyMetadata"]["Arn"]
        clients["cloudtrail"].create_trail(
            Name="moto", S3BucketName="moto-logs", IsMultiRegionTrail=True, KmsKeyId=key, EnableLogFileValidation=True
        )
        clients["cloudtrail"].start_logging(Name="moto")
        done = subprocess.run(
            [BINARY, "trail", "status", "--endpoint-url", endpoint, "--output", "json"],
            env={**CLEAN, **keys, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(done.stdout)
        [trail] = found["trails"]
        assert trail["status"]["known"]["isLogging"] is True and trail["key"]["arn"] == key
        assert len(found["regions"]) >= 17
    finally:
        moto.terminate()
        moto.wait(10)
        log.close()
