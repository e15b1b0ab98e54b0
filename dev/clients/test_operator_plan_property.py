"""`shoseki plan` says what then happens: random policies are planned, applied, and what the server does is compared.

Each case has a number, and is the same in every run; `SHOSEKI_PLAN_CASES` has how many are tried, `SHOSEKI_PLAN_FIRST` the first.
"""

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, SERVICE, allow, bucket_policy, key_policy, make_trail, policy

CASES = int(os.environ.get("SHOSEKI_PLAN_CASES", "40"))
FIRST = int(os.environ.get("SHOSEKI_PLAN_FIRST", "0"))
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"
BUCKET = "arn:aws:s3:::audit-logs"


def user_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"

# --- random policies ---

SOURCES = [TRAIL, TRAIL.replace("audit", "other"), TRAIL.replace("us-east-1", "*"), f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"]
ACCOUNTS = [ACCOUNT, "444455556666"]
CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"


def common_condition(dice):
    """An operator, a key and its values, of those that both kinds of policies have."""
    return dice.choice(
        [
            lambda: ("StringEquals", "aws:SourceArn", dice.choice(SOURCES)),
            lambda: ("ArnLike", "aws:SourceArn", dice.choice(SOURCES)),
            lambda: ("StringNotEquals", "aws:SourceArn", dice.choice(SOURCES)),
            lambda: ("ArnNotLikeIfExists", "aws:SourceArn", dice.choice(SOURCES)),
            lambda: ("StringEquals", "aws:SourceAccount", dice.sample(ACCOUNTS, dice.randint(1, 2))),
            lambda: ("StringEqualsIfExists", "aws:SourceAccount", dice.choice(ACCOUNTS)),
            lambda: ("Null", "aws:SourceArn", dice.choice(["true", "false"])),
            lambda: ("ArnLike", "aws:PrincipalArn", dice.choice([user_arn("a*"), ROLE, "arn:aws:iam::*:user/*"])),
            lambda: ("ArnNotEquals", "aws:PrincipalArn", dice.choice([user_arn("auditor"), ROLE, ROOT])),
            lambda: ("StringEquals", "aws:PrincipalAccount", dice.choice(ACCOUNTS)),
            lambda: ("Bool", "aws:PrincipalIsAWSService", dice.choice(["true", "false"])),
            lambda: ("BoolIfExists", "aws:ViaAWSService", dice.choice(["true", "false"])),
            lambda: ("StringEquals", "aws:username", dice.sample(["auditor", "half", "edge"], 2)),
            lambda: ("StringEquals", "aws:PrincipalTag/team", dice.choice(["audit", "web"])),
            lambda: ("StringEquals", "aws:PrincipalServiceName", dice.choice([SERVICE["Service"], "s3.amazonaws.com"])),
            lambda: ("StringEquals", "aws:RequestedRegion", dice.choice(["us-east-1", "eu-west-1"])),
            lambda: ("StringEquals", "aws:ResourceAccount", dice.choice(ACCOUNTS)),
            lambda: ("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
            lambda: ("DateGreaterThan", "aws:CurrentTime", dice.choice(["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])),
        ]
    )()


def key_condition(dice):
    trails = [TRAIL, f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*", "arn:aws:cloudtrail:*:444455556666:trail/*"]
    return dice.choice(
        [
            lambda: ("StringLike", CONTEXT, dice.choice(trails)),
            lambda: ("StringEquals", CONTEXT, dice.choice(trails)),
            lambda: ("StringNotLike", CONTEXT, dice.choice(trails)),
            lambda: ("Null", CONTEXT, dice.choice(["true", "false"])),
            lambda: ("StringEquals", "kms:ViaService", dice.choice(["s3.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"])),
            lambda: ("StringNotEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com"),
            lambda: ("StringEquals", "kms:CallerAccount", dice.choice(ACCOUNTS)),
            lambda: ("StringLike", "kms:EncryptionContext:aws:s3:arn", dice.choice([f"{BUCKET}/*", f"{BUCKET}/other/*"])),
            lambda: ("ForAllValues:StringEquals", "kms:EncryptionContextKeys", ["aws:s3:arn", "aws:cloudtrail:arn"]),
            lambda: ("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", dice.choice(["aws:s3:arn", "team"])),
            lambda: ("StringEquals", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
            lambda: ("StringEquals", "kms:KeySpec", dice.choice(["SYMMETRIC_DEFAULT", "RSA_2048"])),
            lambda: ("ForAnyValue:StringEquals", "kms:ResourceAliases", dice.choice(["alias/trail", "alias/other"])),
            lambda: ("StringEquals", "aws:ResourceTag/team", dice.choice(["audit", "web"])),
        ]
    )()


def bucket_condition(dice):
    return dice.choice(
        [
            lambda: ("StringEquals", "s3:x-amz-acl", dice.choice(["bucket-owner-full-control", "private"])),
            lambda: ("StringNotEquals", "s3:x-amz-acl", "bucket-owner-full-control"),
            lambda: ("StringEquals", "s3:x-amz-server-side-encryption", dice.choice(["aws:kms", "AES256"])),
            lambda: ("StringNotEquals", "s3:x-amz-server-side-encryption", "aws:kms"),
            lambda: ("Null", "s3:x-amz-server-side-encryption", dice.choice(["true", "false"])),
            lambda: ("StringEquals", "s3:ResourceAccount", dice.choice(ACCOUNTS)),
            lambda: ("StringLike", "s3:x-amz-server-side-encryption-aws-kms-key-id", f"arn:aws:kms:*:{ACCOUNT}:key/*"),
        ]
    )()


def conditions(dice, own):
    found = {}
    for _ in range(dice.choice([0, 1, 1, 2])):
        operator, key, values = (own if dice.random() < 0.5 else common_condition)(dice)
        found.setdefault(operator, {})[key] = values
    return {"Condition": found} if found else {}


def who(dice):
    people = [user_arn("auditor"), user_arn("half"), user_arn("edge"), ROLE, ROOT]
    sessions = [f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/session", f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/other"]
    return dice.choice(
        [
            lambda: {"Principal": SERVICE},
            lambda: {"Principal": SERVICE},
            lambda: {"Principal": {**SERVICE, "AWS": dice.choice(people)}},
            lambda: {"Principal": {"AWS": dice.sample(people, dice.randint(1, 2))}},
            lambda: {"Principal": {"AWS": dice.choice(people)}},
            lambda: {"Principal": {"AWS": dice.choice(sessions)}},
            lambda: {"Principal": {"AWS": "*"}},
            lambda: {"Principal": "*"},
        ]
    )()


def key_statement(dice, effect):
    actions = ["kms:*", "kms:GenerateDataKey*", "kms:DescribeKey", "kms:Decrypt", "kms:De*", "kms:Encrypt", "kms:PutKeyPolicy"]
    action = {"Action": dice.sample(actions, dice.randint(1, 3))}
    if effect == "Deny" and dice.random() < 0.2:
        action = {"NotAction": ["kms:Put*", "kms:DescribeKey", "kms:Get*"]}
    return {"Effect": effect, **who(dice), **action, "Resource": "*", **conditions(dice, key_condition)}


def bucket_statement(dice, effect):
    folders = ["", f"AWSLogs/{ACCOUNT}/", f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/", f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/"]
    folders += [f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/", "other/"]
    actions = ["s3:GetObject", "s3:PutObject", "s3:Get*", "s3:GetBucketAcl", "s3:*"]
    resource = {"Resource": [BUCKET, *(f"{BUCKET}/{folder}*" for folder in dice.sample(folders, dice.randint(1, 2)))]}
    if dice.random() < 0.1:
        resource = {"NotResource": [f"{BUCKET}/other/*"]}
    action = {"Action": dice.sample(actions, dice.randint(1, 2))}
    statement = {"Effect": effect, **who(dice), **action, **resource, **conditions(dice, bucket_condition)}
    if effect == "Deny" and dice.random() < 0.15:
        del statement["Principal"]
        statement["NotPrincipal"] = {"AWS": [ROOT, user_arn("auditor")], **(SERVICE if dice.random() < 0.5 else {})}
    return statement


def varied(dice, given, statement):
    """A policy that works, less or more of it, changed somewhat."""
    statements = json.loads(given)["Statement"]
    kept = [one for one in statements if dice.random() < 0.8]
    for one in kept:
        if dice.random() < 0.2 and one["Principal"] == SERVICE:
            one.setdefault("Condition", {}).setdefault("StringEquals", {})["aws:SourceArn"] = dice.choice(SOURCES)
    more = [statement(dice, "Allow" if dice.random() < 0.6 else "Deny") for _ in range(dice.randint(0, 3))]
    whole = kept + more
    dice.shuffle(whole)
    return policy(*(whole or statements))


# --- what is compared ---


class Scene:
    """A trail that has delivered, principals who may read or not, and the survey of it all."""

    def __init__(self, server):
        self.server = server
        self.trail = make_trail(server, IsMultiRegionTrail=False)
        kms = self.trail.kms
        kms.create_alias(AliasName="alias/trail", TargetKeyId=self.trail.key_arn)
        kms.tag_resource(KeyId=self.trail.key_arn, Tags=[{"TagKey": "team", "TagValue": "audit"}])
        reads = [allow("s3:GetObject", f"{BUCKET}/*"), allow("kms:Decrypt")]
        iam = server.client("iam")
        self.readers = {
            ROOT: server.root,
            user_arn("auditor"): server.user("auditor", *reads),
            user_arn("half"): server.user("half", allow("s3:GetObject")),
            user_arn("edge"): server.user("edge", *reads),
            user_arn("nobody"): server.user("nobody"),
        }
        iam.tag_user(UserName="auditor", Tags=[{"Key": "team", "Value": "audit"}])
        edge = iam.create_policy(PolicyName="edge", PolicyDocument=policy(allow("s3:*"), allow("kms:De*")))
        iam.put_user_permissions_boundary(UserName="edge", PermissionsBoundary=edge["Policy"]["Arn"])
        trust = policy({"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"})
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName="reader", PolicyName="reads", PolicyDocument=policy(*reads))
        taker = server.user("taker", allow("sts:AssumeRole"))
        self.readers[ROLE] = server.assume(taker, ROLE)
        self.good = (key_policy(), bucket_policy("audit-logs"))
        server.advance("10m")
        self.log = self.trail.keys()[0]
        self.survey = server.folder / "survey.json"
        done = self.plan(["--save-survey", str(self.survey)], *self.good)
        assert not done["breaks"], done
        self.before = self.read_by_all()
        assert self.before == {arn: arn not in (user_arn("half"), user_arn("nobody")) for arn in self.readers}

    def plan(self, options, key, bucket, *more):
        files = {}
        for name, text in ("key", key), ("bucket", bucket):
            files[name] = self.server.folder / f"{name}.json"
            files[name].write_text(text)
        arguments = [f"--key-policy=alias/trail={files['key']}", f"--bucket-policy=audit-logs={files['bucket']}"]
        environment = self.server.cli_environment()
        if "--save-survey" in options:
            arguments += ["--endpoint-url", self.server.endpoint, "--regions", "us-east-1"]
        command = ["plan", *arguments, *options, *more, "--output", "json"]
        saved, self.server.environment = self.server.environment, environment
        done = self.server.run(*command, check=False)
        self.server.environment = saved
        assert done.returncode in (0, 3), done.stdout + done.stderr
        planned = json.loads(done.stdout)
        assert planned["breaks"] == (done.returncode == 3)
        return planned

    def reads(self, arn):
        s3 = self.server.client("s3", who=self.readers[arn])
        try:
            s3.get_object(Bucket="audit-logs", Key=self.log)["Body"].read()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
            return False
        return True

    def read_by_all(self):
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(self.readers, pool.map(self.reads, self.readers)))

    def put(self, key, bucket):
        """Puts the policies; of one that is refused the code."""
        kms, s3 = self.trail.kms, self.trail.s3
        put_bucket = code_of(lambda: s3.put_bucket_policy(Bucket="audit-logs", Policy=bucket))
        return code_of(lambda: kms.put_key_policy(KeyId=self.trail.key_arn, Policy=key)), put_bucket

    def update(self, key):
        return code_of(lambda: self.trail.cloudtrail.update_trail(Name="audit", KmsKeyId=key))

    def restore(self):
        assert self.put(*self.good) == (None, None)
        assert self.update(self.trail.key_arn) is None
        self.server.advance("10m")
        status = self.trail.status()
        assert not status.get("LatestDeliveryError"), status


def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def agrees(what, told, found):
    """`told` is the plan's refusal, or nothing; what is not certain is not compared."""
    if told and not told["certain"]:
        return 1
    expected = told["code"] if told else None
    assert expected == found, f"{what}: planned {told}, and it was {found}"
    return 0


def check(scene, number):
    """Plans, applies, compares. Answers how many things were not known."""
    dice = random.Random(number)
    key = varied(dice, scene.good[0], key_statement) if dice.random() < 0.8 else scene.good[0]
    bucket = varied(dice, scene.good[1], bucket_statement) if dice.random() < 0.7 else scene.good[1]
    without_key = dice.random() < 0.25
    more = ["--trail", "audit", "--set", "key=none"] if without_key else []
    planned = scene.plan(["--from", str(scene.survey)], key, bucket, *more)
    told = [change.get("refused") for change in planned["changes"]]
    [trail] = planned["trails"]
    found = scene.put(key, bucket)
    unknown = agrees("PutKeyPolicy", told[0], found[0]) + agrees("PutBucketPolicy", told[1], found[1])
    if found != (None, None):
        scene.restore()
        return unknown
    updated = scene.update("" if without_key else scene.trail.key_arn)
    unknown += agrees("UpdateTrail", trail.get("updateTrail"), updated)
    after = {change["principal"]: change for change in planned["readers"] if change["files"] != "toCome"}
    for arn, reads in scene.read_by_all().items():
        change = after.get(arn)
        if change and change["after"] == "unknown":
            unknown += 1
            continue
        assert reads == (change["after"] == "yes" if change else scene.before[arn]), f"{arn}: {change}, and reads: {reads}"
    if without_key and updated:
        # The trail has its key still, and the plan is of one without.
        scene.restore()
        return unknown
    with_digest = number % 4 == 0
    scene.server.advance("1h" if with_digest else "10m")
    status = scene.trail.status()
    unknown += agrees("delivery", trail["logFiles"].get("error"), status.get("LatestDeliveryError"))
    if with_digest:
        unknown += agrees("digest", trail["digests"].get("error"), status.get("LatestDigestDeliveryError"))
    scene.restore()
    return unknown


@pytest.mark.serve("--rehearsal", "--delivery-interval", "10m")
def test_what_is_planned_happens(server):
    scene = Scene(server)
    unknown, wrong = 0, []
    for number in range(FIRST, FIRST + CASES):
        try:
            unknown += check(scene, number)
        except AssertionError as error:
            key, bucket = (server.folder / f"{name}.json" for name in ("key", "bucket"))
            text = str(error).splitlines()[0]
            wrong.append(f"case {number}: {text}\n  key: {key.read_text()}\n  bucket: {bucket.read_text()}")
            scene.restore()
    assert not wrong, f"{len(wrong)} of {CASES} disagree\n" + "\n".join(wrong[:5])
    # Much must be known, or the comparison is worth nothing: there are nine or ten things in every case.
    assert unknown < CASES * 2, unknown
