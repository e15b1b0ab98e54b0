"""Temporary credentials: assumed roles, GetSessionToken, and what services, policies and records make of them."""

import json
import re
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness import ACCOUNT, PROGRAMS, Principal, allow, deny_text, make_bucket, make_trail, policy, refused

OTHER = "222222222222"


@dataclass(frozen=True)
class Session:
    """Temporary credentials with what came with them."""

    access_key: str
    secret_key: str
    token: str
    arn: str = ""
    answer: dict = None

    def __hash__(self):
        return hash(self.access_key)


def client(server, who, service, region="us-east-1", **config):
    """A client of a session, which the harness's own clients do not know."""
    config = {"signature_version": "s3v4", **config} if service == "s3" else config
    ca = server.data_dir / "ca.pem"
    return boto3.session.Session().client(
        service,
        region_name=region,
        endpoint_url=server.endpoint,
        aws_access_key_id=who.access_key,
        aws_secret_access_key=who.secret_key,
        aws_session_token=who.token,
        verify=str(ca) if ca.exists() else None,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def sts_of(server, who):
    return client(server, who, "sts") if isinstance(who, Session) else server.client("sts", who=who)


def trust(*principals, action="sts:AssumeRole", **more):
    return policy({"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": action, **more})


def make_role(server, name, trust_policy, *statements, who=None, **more):
    """A role, with an inline policy if statements are given. Returns its ARN."""
    iam = server.client("iam", who=who)
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy, **more)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(*statements))
    return arn


def credentials(answer):
    found = answer["Credentials"]
    user = answer.get("AssumedRoleUser", {})
    return Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], user.get("Arn", ""), answer)


def assume(server, who, arn, name="session-1", **more):
    return credentials(sts_of(server, who).assume_role(RoleArn=arn, RoleSessionName=name, **more))


def cannot_assume(server, who, arn, reason=None, action="sts:AssumeRole", name="session-1", **more):
    """The refusal, in the words of a policy; `reason` is the end of its text."""
    start = f"User: {who.arn} is not authorized to perform: {action} on resource: {arn}"
    with refused("AccessDenied", f"{start} {reason}" if reason else start, 403):
        sts_of(server, who).assume_role(RoleArn=arn, RoleSessionName=name, **more)


def no_policy(kind, action="sts:AssumeRole"):
    return f"because no {kind} policy allows the {action} action"


def other_account(server, number=OTHER):
    made = server.run("account", "create", "--account", number, "--json", "--data-dir", str(server.data_dir))
    made = json.loads(made.stdout)
    return Principal(made["AccessKeyId"], made["SecretAccessKey"])


def far_user(server, root, name, *statements):
    """A user of another account."""
    iam = server.client("iam", who=root)
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return FarUser(key["AccessKeyId"], key["SecretAccessKey"], name, arn)


@dataclass(frozen=True)
class FarUser:
    access_key: str
    secret_key: str
    name: str
    arn: str


@pytest.fixture
def alice(server):
    """A user who may do with STS whatever roles let her."""
    return server.user("alice", allow(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]))


# --- who a session is ---


def test_a_role_is_assumed_and_its_session_tells_who_it_is(server, alice):
    arn = make_role(server, "Reader", trust(alice.arn), Path="/team/")
    before = datetime.now(timezone.utc)
    session = assume(server, alice, arn, "job-7")
    answer = session.answer
    assert session.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/job-7"
    assert re.fullmatch(r"AROA[A-Z0-9]{17}:job-7", answer["AssumedRoleUser"]["AssumedRoleId"])
    assert re.fullmatch(r"ASIA[A-Z0-9]{16}", session.access_key) and len(session.secret_key) == 40
    assert re.fullmatch(r"[A-Za-z0-9+/=]{200,}", session.token)
    assert timedelta(seconds=3590) < answer["Credentials"]["Expiration"] - before < timedelta(seconds=3610)
    assert "PackedPolicySize" not in answer and "SourceIdentity" not in answer
    found = client(server, session, "sts").get_caller_identity()
    assert (found["Arn"], found["UserId"]) == (session.arn, answer["AssumedRoleUser"]["AssumedRoleId"])
    assert found["Account"] == ACCOUNT


def test_a_token_belongs_to_its_key(server, alice):
    arn = make_role(server, "Reader", trust(alice.arn), allow("s3:ListAllMyBuckets"))
    one, two = assume(server, alice, arn), assume(server, alice, arn)
    assert client(server, one, "s3").list_buckets()["Buckets"] == []
    for token, s3_code in ((two.token, "InvalidToken"), (one.token[:-1], "InvalidToken"), (None, "InvalidAccessKeyId")):
        bad = Session(one.access_key, one.secret_key, token)
        with refused("InvalidClientTokenId", status=403):
            client(server, bad, "sts").get_caller_identity()
        with refused("UnrecognizedClientException", status=400):
            client(server, bad, "kms").list_keys()
        with refused(s3_code):
            client(server, bad, "s3").list_buckets()
    with refused("InvalidClientTokenId"):
        client(server, Session(alice.access_key, alice.secret_key, one.token), "sts").get_caller_identity()


# --- who may assume a role ---


def test_trust_and_identity_policies_decide_who_assumes_a_role(server, alice):
    bob = server.user("bob")
    named = make_role(server, "Named", trust(bob.arn))
    opened = make_role(server, "Opened", trust(ACCOUNT))
    closed = make_role(server, "Closed", trust(alice.arn))
    assume(server, bob, named)
    assume(server, alice, opened)
    cannot_assume(server, bob, opened, no_policy("identity-based"))
    cannot_assume(server, bob, closed, no_policy("role trust"))
    denied = {"Effect": "Deny", "Principal": {"AWS": bob.arn}, "Action": "sts:AssumeRole"}
    server.client("iam").update_assume_role_policy(
        RoleName="Named", PolicyDocument=policy({**denied, "Effect": "Allow"}, denied)
    )
    cannot_assume(server, bob, named, "with an explicit deny in the role trust policy")
    with refused("AccessDenied", "Roles may not be assumed by root accounts.", 403):
        assume(server, server.root, opened)


def test_a_role_that_is_not_there_is_refused_like_one_that_does_not_trust(server, alice):
    there = make_role(server, "There", trust(ACCOUNT, action="sts:TagSession"))
    for arn in (there, f"arn:aws:iam::{ACCOUNT}:role/Gone", f"arn:aws:iam::{ACCOUNT}:user/alice"):
        cannot_assume(server, alice, arn, no_policy("role trust"))
    # A role is found by its whole ARN.
    make_role(server, "Deep", trust(ACCOUNT), Path="/a/")
    assume(server, alice, f"arn:aws:iam::{ACCOUNT}:role/a/Deep")
    cannot_assume(server, alice, f"arn:aws:iam::{ACCOUNT}:role/Deep", no_policy("role trust"))
    cannot_assume(server, alice, f"arn:aws:iam::{ACCOUNT}:role/a/deep", no_policy("role trust"))


@pytest.mark.parametrize(
    "key, value, given, wrong",
    [
        ("sts:ExternalId", "123ABC", {"ExternalId": "123ABC"}, [{}, {"ExternalId": "123abc"}]),
        ("sts:RoleSessionName", "${aws:username}", {"name": "alice"}, [{"name": "bob"}]),
    ],
)
def test_a_trust_policy_tests_what_the_call_says(server, alice, key, value, given, wrong):
    arn = make_role(server, "Careful", trust(alice.arn, Condition={"StringEquals": {key: value}}))
    assume(server, alice, arn, **given)
    for more in wrong:
        cannot_assume(server, alice, arn, no_policy("role trust"), **more)


def test_a_trust_policy_that_names_a_user_dies_with_the_user(server):
    bob = server.user("bob")
    arn = make_role(server, "Named", trust(bob.arn))
    assume(server, bob, arn)
    iam = server.client("iam")
    iam.delete_access_key(UserName="bob", AccessKeyId=bob.access_key)
    iam.delete_user(UserName="bob")
    again = server.user("bob", allow("sts:AssumeRole"))
    cannot_assume(server, again, arn, no_policy("role trust"))


VALUE = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}"
PATTERN = r"Member must satisfy regular expression pattern: [\w+=,.@-]*"


@pytest.mark.parametrize(
    "more, code, message",
    [
        ({"RoleArn": "nothing-valid-in-here"}, "ValidationError", "nothing-valid-in-here is invalid"),
        ({"RoleSessionName": "Session1:2"}, "ValidationError", VALUE.format("Session1:2", "roleSessionName", PATTERN)),
        (
            {"RoleSessionName": "s" * 65},
            "ValidationError",
            VALUE.format("s" * 65, "roleSessionName", "Member must have length less than or equal to 64"),
        ),
        ({"SourceIdentity": "a:b"}, "ValidationError", VALUE.format("a:b", "sourceIdentity", PATTERN)),
        (
            {"DurationSeconds": 43201},
            "ValidationError",
            VALUE.format(43201, "durationSeconds", "Member must have value less than or equal to 43200"),
        ),
        (
            {"DurationSeconds": 3601},
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
        (
            {"Tags": [{"Key": "SomeKey", "Value": "a"}], "TransitiveTagKeys": ["Other"]},
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        ),
        (
            {"Tags": [{"Key": "SomeKey", "Value": "a"}, {"Key": "somekey", "Value": "b"}]},
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        ({"Policy": "{"}, "MalformedPolicyDocument", "This policy contains invalid Json"),
        (
            {"Policy": policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"})},
            "MalformedPolicyDocument",
            None,
        ),
        (
            {"Policy": policy(allow("s3:*", f"arn:aws:s3:::{'b' * 2048}"))},
            "ValidationError",
            re.compile("at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"),
        ),
        (
            {
                "Policy": policy(allow("s3:*", f"arn:aws:s3:::{'b' * 1900}")),
                "Tags": [{"Key": f"key{n}", "Value": "v" * 256} for n in range(10)],
            },
            "PackedPolicyTooLarge",
            re.compile(r"Packed size of session tags and session policies consumes \d+% of allotted space\."),
        ),
        (
            {"PolicyArns": [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/gone"}]},
            "NoSuchEntity",
            f"Policy arn:aws:iam::{ACCOUNT}:policy/gone does not exist or is not attachable.",
        ),
        ({"SerialNumber": "GAHT12345678", "TokenCode": "123456"}, "NotImplemented", re.compile("SerialNumber")),
    ],
)
def test_a_call_that_asks_for_the_impossible_is_refused_in_awss_words(server, alice, more, code, message):
    arn = make_role(server, "Reader", trust(alice.arn, action=["sts:AssumeRole", "sts:TagSession"]))
    with refused(code, message):
        server.client("sts", who=alice).assume_role(**{"RoleArn": arn, "RoleSessionName": "session-1", **more})


def test_operations_that_are_not_here_are_refused_by_name(server):
    for name in (
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "GetFederationToken",
        "GetWebIdentityToken",
        "GetDelegatedAccessToken",
    ):
        body = f"Action={name}&Version=2011-06-15".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = server.call("sts", "POST", "/", headers, body)
        assert answer.status == 400 and name.encode() in answer.body, answer.body


# --- how long ---


def test_sessions_last_as_long_as_they_may(server, alice):
    arn = make_role(server, "Long", trust(ACCOUNT), allow("sts:*"), MaxSessionDuration=7200)
    two_hours = assume(server, alice, arn, DurationSeconds=7200)
    left = two_hours.answer["Credentials"]["Expiration"] - datetime.now(timezone.utc)
    assert timedelta(seconds=7190) < left <= timedelta(seconds=7200)
    chained = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    token = credentials(server.client("sts", who=alice).get_session_token())
    for who in (two_hours, token):
        with refused("ValidationError", chained):
            assume(server, who, arn, DurationSeconds=3601)
        assume(server, who, arn, DurationSeconds=3600)


# --- what a session may do ---


def test_a_session_has_its_roles_rights_and_not_its_makers(server, alice):
    make_bucket(server, "books")
    server.client("iam").put_user_policy(UserName="alice", PolicyName="s3", PolicyDocument=policy(allow("s3:*")))
    arn = make_role(server, "Reader", trust(alice.arn), allow("s3:GetObject", "arn:aws:s3:::books/*"))
    server.client("s3").put_object(Bucket="books", Key="a", Body=b"A")
    s3 = client(server, assume(server, alice, arn), "s3")
    assert s3.get_object(Bucket="books", Key="a")["Body"].read() == b"A"
    with refused("AccessDenied", re.compile("assumed-role/Reader/session-1 is not authorized to .* s3:PutObject")):
        s3.put_object(Bucket="books", Key="b", Body=b"B")
    # What the role loses its sessions lose at once.
    server.client("iam").delete_role_policy(RoleName="Reader", PolicyName="rights")
    with refused("AccessDenied"):
        s3.get_object(Bucket="books", Key="a")


def test_session_policies_narrow_a_session(server, alice):
    iam = server.client("iam")
    arn = make_role(server, "Wide", trust(alice.arn), allow(["s3:*", "kms:*"]))
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    listing = iam.create_policy(PolicyName="Listing", PolicyDocument=policy(allow("kms:ListKeys")))["Policy"]["Arn"]
    inline = policy(allow("kms:ListAliases"))
    for more, allowed in (
        ({}, {"list_keys", "list_aliases", "create_key"}),
        ({"Policy": inline}, {"list_aliases"}),
        ({"PolicyArns": [{"arn": listing}]}, {"list_keys"}),
        ({"Policy": inline, "PolicyArns": [{"arn": listing}]}, {"list_keys", "list_aliases"}),
        ({"PolicyArns": [{"arn": administrator}]}, {"list_keys", "list_aliases", "create_key"}),
    ):
        session = assume(server, alice, arn, **more)
        assert ("PackedPolicySize" in session.answer) == bool(more)
        kms = client(server, session, "kms")
        for call in ("list_keys", "list_aliases", "create_key"):
            if call in allowed:
                getattr(kms, call)()
                continue
            with refused("AccessDeniedException", re.compile("because no session policy allows the kms:")):
                getattr(kms, call)()
    but_keys = policy(allow("*"), {**allow("kms:ListKeys"), "Effect": "Deny"})
    with refused("AccessDeniedException", re.compile("with an explicit deny in a session policy")):
        client(server, assume(server, alice, arn, Policy=but_keys), "kms").list_keys()
    # A session policy gives nothing that the role has not.
    with refused("AccessDeniedException", re.compile("because no session policy allows")):
        client(server, assume(server, alice, arn, Policy=policy(allow("sts:*"))), "kms").list_keys()
    poor = make_role(server, "Poor", trust(alice.arn))
    with refused("AccessDeniedException", re.compile("because no identity-based policy allows")):
        client(server, assume(server, alice, poor, Policy=policy(allow("*"))), "kms").list_keys()


def test_a_boundary_and_a_resource_policy_meet_a_session(server, alice):
    make_bucket(server, "books")
    boundary = server.client("iam").create_policy(PolicyName="Edge", PolicyDocument=policy(allow("s3:Get*")))
    edge = boundary["Policy"]["Arn"]
    arn = make_role(server, "Bounded", trust(alice.arn), allow("s3:*"), PermissionsBoundary=edge)
    session = assume(server, alice, arn)
    s3 = client(server, session, "s3")
    server.client("s3").put_object(Bucket="books", Key="a", Body=b"A")
    s3.get_object(Bucket="books", Key="a")
    with refused("AccessDenied", re.compile("because no permissions boundary allows the s3:PutObject action")):
        s3.put_object(Bucket="books", Key="a", Body=b"")

    def open_to(principal):
        statement = allow("s3:PutObject", "arn:aws:s3:::books/*", Principal={"AWS": principal})
        server.client("s3").put_bucket_policy(Bucket="books", Policy=policy(statement))

    # The role is named and still bounded; the session itself is not.
    open_to(arn)
    with refused("AccessDenied", re.compile("because no permissions boundary allows")):
        s3.put_object(Bucket="books", Key="a", Body=b"")
    open_to(session.arn)
    s3.put_object(Bucket="books", Key="a", Body=b"")


def test_kms_and_sse_kms_by_session(server, alice):
    make_bucket(server, "vault")
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    arn = make_role(server, "Keeper", trust(alice.arn), allow("s3:*"), allow("kms:Decrypt", key))
    server.client("s3").put_object(
        Bucket="vault", Key="a", Body=b"A", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    session = assume(server, alice, arn)
    s3, kms = client(server, session, "s3"), client(server, session, "kms")
    assert s3.get_object(Bucket="vault", Key="a")["Body"].read() == b"A"
    with refused("AccessDenied", re.compile("kms:GenerateDataKey")):
        s3.put_object(Bucket="vault", Key="b", Body=b"B", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    blob = server.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    by_session = client(server, assume(server, alice, arn, Policy=policy(allow("s3:*"))), "s3")
    with refused("AccessDenied", re.compile("kms:Decrypt .* because no session policy allows")):
        by_session.get_object(Bucket="vault", Key="a")


def test_presigned_urls_of_sessions(server, alice):
    make_bucket(server, "books")
    arn = make_role(server, "Reader", trust(alice.arn), allow("s3:*", "arn:aws:s3:::books/*"))
    s3 = client(server, assume(server, alice, arn), "s3")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "books", "Key": "a"})
    got = s3.generate_presigned_url("get_object", Params={"Bucket": "books", "Key": "a"})
    assert "X-Amz-Security-Token=" in got

    def fetch(url, data=None):
        request = urllib.request.Request(url, data=data, method="PUT" if data else "GET")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    assert fetch(put, b"hello")[0] == 200
    assert fetch(got) == (200, b"hello")
    without = re.sub(r"&?X-Amz-Security-Token=[^&]*", "", got)
    assert fetch(without)[0] in (400, 403)
    server.client("iam").delete_role_policy(RoleName="Reader", PolicyName="rights")
    assert fetch(got)[0] == 403


# --- tags ---

TAGGING = ["sts:AssumeRole", "sts:TagSession"]


def tag_list(**tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_session_tags_need_a_right_and_make_principal_tags(server, alice):
    plain = make_role(server, "Plain", trust(alice.arn))
    cannot_assume(
        server, alice, plain, no_policy("role trust", "sts:TagSession"), "sts:TagSession", Tags=tag_list(team="red")
    )
    by_tag = {"StringEquals": {"aws:PrincipalTag/Team": "red"}}
    arn = make_role(
        server,
        "Tagged",
        trust(alice.arn, action=TAGGING),
        allow("kms:ListKeys", Condition=by_tag),
        Tags=tag_list(Team="blue"),
    )
    red = assume(server, alice, arn, Tags=tag_list(team="red"))
    assert 0 < red.answer["PackedPolicySize"] <= 100
    client(server, red, "kms").list_keys()
    for tags in ([], tag_list(team="green"), tag_list(other="red")):
        with refused("AccessDeniedException"):
            client(server, assume(server, alice, arn, Tags=tags), "kms").list_keys()


def test_a_trust_policy_says_which_tags_may_be_passed(server, alice):
    condition = {
        "StringLike": {"aws:RequestTag/project": "*"},
        "StringEquals": {"aws:RequestTag/department": ["engineering", "marketing"]},
        "ForAllValues:StringEquals": {
            "aws:TagKeys": ["project", "department"],
            "sts:TransitiveTagKeys": ["project"],
        },
    }
    document = policy(
        {"Effect": "Allow", "Principal": {"AWS": alice.arn}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": alice.arn}, "Action": "sts:TagSession", "Condition": condition},
    )
    arn = make_role(server, "Abac", document)
    both = tag_list(project="x", department="marketing")
    assume(server, alice, arn)
    assume(server, alice, arn, Tags=both, TransitiveTagKeys=["project"])
    for more in (
        {"Tags": tag_list(project="x")},
        {"Tags": tag_list(project="x", department="sales")},
        {"Tags": both + tag_list(more="x")},
        {"Tags": both, "TransitiveTagKeys": ["project", "department"]},
    ):
        cannot_assume(server, alice, arn, no_policy("role trust", "sts:TagSession"), "sts:TagSession", **more)


def test_transitive_tags_are_handed_on_and_others_are_not(server, alice):
    first = make_role(server, "First", trust(ACCOUNT, action=TAGGING), allow("sts:*"))
    gated = [
        allow(f"kms:List{tag}", Condition={"StringEquals": {f"aws:PrincipalTag/{tag}": "1"}})
        for tag in ("Keys", "Aliases")
    ]
    second = make_role(
        server, "Second", trust(ACCOUNT, action=TAGGING), allow("sts:*"), *gated, Tags=tag_list(keys="own")
    )
    silent = make_role(server, "Silent", trust(ACCOUNT))
    one = assume(server, alice, first, Tags=tag_list(Keys="1", Aliases="1"), TransitiveTagKeys=["keys"])
    two = assume(server, one, second)
    kms = client(server, two, "kms")
    kms.list_keys()
    with refused("AccessDeniedException"):
        kms.list_aliases()
    conflict = (
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
        "calling session."
    )
    for who in (one, two):
        with refused("InvalidParameterValue", conflict):
            assume(server, who, second, Tags=tag_list(KEYS="2"))
    # Inherited tags are tags: the role must let its callers tag.
    cannot_assume(server, two, silent, no_policy("role trust", "sts:TagSession"), "sts:TagSession")
    three = assume(server, assume(server, two, first), second, Tags=tag_list(Aliases="1"))
    client(server, three, "kms").list_keys()
    client(server, three, "kms").list_aliases()


# --- source identity ---


def test_a_source_identity_is_set_once_and_kept(server, alice):
    naming = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    condition = {"StringEquals": {"sts:SourceIdentity": "Alice"}}
    first = make_role(server, "First", trust(alice.arn, action=naming, Condition=condition), allow("sts:*"))
    by_identity = allow("kms:ListKeys", Condition={"StringEquals": {"aws:SourceIdentity": "Alice"}})
    second = make_role(server, "Second", trust(first, action=naming), allow("sts:*"), by_identity)
    silent = make_role(server, "Silent", trust(ACCOUNT))
    for more in ({}, {"SourceIdentity": "Bob"}):
        cannot_assume(server, alice, first, no_policy("role trust"), **more)
    one = assume(server, alice, first, SourceIdentity="Alice")
    assert one.answer["SourceIdentity"] == "Alice"
    two = assume(server, one, second)
    assert two.answer["SourceIdentity"] == "Alice"
    client(server, two, "kms").list_keys()
    assume(server, one, second, SourceIdentity="Alice")
    with refused("AccessDenied", re.compile("source identity"), 403):
        assume(server, one, second, SourceIdentity="Mallory")
    action = "sts:SetSourceIdentity"
    cannot_assume(server, two, silent, no_policy("role trust", action), action)


# --- the end of a session ---


@pytest.mark.serve("--rehearsal")
def test_sessions_are_revoked_by_the_time_of_their_issue(server):
    alice = server.user("alice", allow("sts:AssumeRole"))
    arn = make_role(server, "Reader", trust(alice.arn), allow("kms:ListKeys"))
    old = client(server, assume(server, alice, arn), "kms")
    old.list_keys()
    server.advance("2s")
    older = {"DateLessThan": {"aws:TokenIssueTime": server.now().strftime("%Y-%m-%dT%H:%M:%SZ")}}
    revoke = {**allow("*", Condition=older), "Effect": "Deny"}
    server.client("iam").put_role_policy(RoleName="Reader", PolicyName="revoke", PolicyDocument=policy(revoke))
    with refused("AccessDeniedException", re.compile("with an explicit deny in an identity-based policy")):
        old.list_keys()
    server.advance("2s")
    client(server, assume(server, alice, arn), "kms").list_keys()
    # A rehearsal does not end sessions.
    server.advance("30d")
    client(server, assume(server, alice, arn), "kms").list_keys()


def test_a_session_ends_with_its_role(server, alice):
    make_bucket(server, "books")
    arn = make_role(server, "Reader", trust(alice.arn))
    statement = allow("s3:ListBucket", "arn:aws:s3:::books", Principal={"AWS": arn})
    server.client("s3").put_bucket_policy(Bucket="books", Policy=policy(statement))
    session = assume(server, alice, arn)
    client(server, session, "s3").list_objects_v2(Bucket="books")
    iam = server.client("iam")
    iam.delete_role(RoleName="Reader")

    def is_ended():
        with refused("InvalidClientTokenId", status=403):
            client(server, session, "sts").get_caller_identity()
        with refused("UnrecognizedClientException"):
            client(server, session, "kms").list_keys()
        with refused("InvalidAccessKeyId", status=403):
            client(server, session, "s3").list_objects_v2(Bucket="books")

    is_ended()
    make_role(server, "Reader", trust(alice.arn), allow("*"))
    is_ended()
    server.restart()
    is_ended()


def test_sessions_outlive_a_restart(server, alice):
    arn = make_role(server, "Reader", trust(alice.arn, action=TAGGING), allow("kms:ListKeys"))
    session = assume(server, alice, arn, Tags=tag_list(a="b"), Policy=policy(allow("kms:List*")))
    server.restart()
    client(server, session, "kms").list_keys()
    with refused("AccessDeniedException", re.compile("session policy|identity-based policy")):
        client(server, session, "kms").create_key()


@pytest.mark.serve("--rehearsal")
def test_roles_and_keys_remember_their_last_use(server):
    alice = server.user("alice", allow("sts:AssumeRole"))
    arn = make_role(server, "Reader", trust(alice.arn), allow("kms:ListKeys"))
    client(server, assume(server, alice, arn), "kms", "eu-west-1").list_keys()
    server.advance("2m")
    used = server.client("iam").get_role(RoleName="Reader")["Role"]["RoleLastUsed"]
    assert used["Region"] == "eu-west-1"
    assert abs(used["LastUsedDate"] - server.now()) < timedelta(minutes=5)


# --- GetSessionToken ---


def test_get_session_token_gives_a_users_rights_but_for_iam_and_sts(server):
    user = server.user("bob", allow("*"))
    sts = server.client("sts", who=user)
    token = credentials(sts.get_session_token(DurationSeconds=900))
    found = client(server, token, "sts").get_caller_identity()
    assert (found["Arn"], found["UserId"]) == (user.arn, sts.get_caller_identity()["UserId"])
    client(server, token, "kms").list_keys()
    client(server, token, "s3").list_buckets()
    with refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403):
        client(server, token, "iam").list_users()
    with refused("InvalidClientTokenId"):
        client(server, token, "sts").get_access_key_info(AccessKeyId=user.access_key)
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", 403):
        client(server, token, "sts").get_session_token()
    arn = make_role(server, "Reader", trust(ACCOUNT), allow("iam:ListUsers"))
    session = assume(server, token, arn)
    client(server, session, "iam").list_users()
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", 403):
        client(server, session, "sts").get_session_token()
    for more, code in (
        ({"DurationSeconds": 129601}, "ValidationError"),
        ({"SerialNumber": "GAHT12345678", "TokenCode": "123456"}, "NotImplemented"),
    ):
        with refused(code):
            sts.get_session_token(**more)


def test_get_session_token_needs_no_right_and_follows_its_user(server):
    user = server.user("bob")
    iam = server.client("iam")
    token = credentials(server.client("sts", who=user).get_session_token())
    left = token.answer["Credentials"]["Expiration"] - datetime.now(timezone.utc)
    assert timedelta(seconds=43190) < left <= timedelta(seconds=43200)
    with refused("AccessDeniedException", re.compile("because no identity-based policy")):
        client(server, token, "kms").list_keys()
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=policy(allow("kms:ListKeys")))
    client(server, token, "kms").list_keys()
    iam.update_user(UserName="bob", NewUserName="rob", NewPath="/new/")
    arn = f"arn:aws:iam::{ACCOUNT}:user/new/rob"
    assert client(server, token, "sts").get_caller_identity()["Arn"] == arn
    client(server, token, "kms").list_keys()
    iam.delete_user_policy(UserName="rob", PolicyName="p")
    iam.delete_access_key(UserName="rob", AccessKeyId=user.access_key)
    client(server, token, "sts").get_caller_identity()
    iam.delete_user(UserName="rob")
    with refused("InvalidClientTokenId"):
        client(server, token, "sts").get_caller_identity()


def test_roots_session_token_lasts_an_hour_at_most(server):
    token = credentials(server.client("sts").get_session_token(DurationSeconds=43200))
    left = token.answer["Credentials"]["Expiration"] - datetime.now(timezone.utc)
    assert left <= timedelta(seconds=3600)
    assert client(server, token, "sts").get_caller_identity()["Arn"] == server.root.arn
    make_role(server, "Reader", trust(ACCOUNT))
    with refused("AccessDenied", "Roles may not be assumed by root accounts."):
        assume(server, token, f"arn:aws:iam::{ACCOUNT}:role/Reader")


# --- the other operations ---


def test_get_access_key_info_tells_the_account_of_any_key(server, alice):
    far = other_account(server)
    arn = make_role(server, "Reader", trust(alice.arn))
    session = assume(server, alice, arn)
    sts = server.client("sts")
    for key, account in (
        (server.root.access_key, ACCOUNT),
        (alice.access_key, ACCOUNT),
        (session.access_key, ACCOUNT),
        (far.access_key, OTHER),
    ):
        assert sts.get_access_key_info(AccessKeyId=key)["Account"] == account
    assert server.client("sts", who=far).get_access_key_info(AccessKeyId=alice.access_key)["Account"] == ACCOUNT
    with refused("InvalidClientTokenId", status=403):
        sts.get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    with refused("ValidationError"):
        sts.get_access_key_info(AccessKeyId="AKIA-NOT-AN-ACCESS-KEY")
    with refused("AccessDenied", deny_text(alice, "sts:GetAccessKeyInfo", "*")):
        server.client("sts", who=alice).get_access_key_info(AccessKeyId=alice.access_key)


def test_decode_authorization_message_tells_why_a_call_was_refused(server, alice):
    reader = server.user("reader", allow("sts:DecodeAuthorizationMessage"))
    sts = server.client("sts", who=reader)

    def decode(message):
        return json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])

    with pytest.raises(ClientError) as error:
        server.client("kms", who=alice).list_keys()
    request_id = error.value.response["ResponseMetadata"]["RequestId"]
    message = decode(request_id)
    assert (message["allowed"], message["explicitDeny"]) == (False, False)
    assert message["matchedStatements"] == message["failures"] == {"items": []}
    context = message["context"]
    assert (context["action"], context["principal"]["arn"], context["principal"]["name"]) == (
        "kms:ListKeys",
        alice.arn,
        "alice",
    )
    assert context["principal"]["id"].startswith("AIDA")
    conditions = context["conditions"]["items"]
    keys = {item["key"]: [value["value"] for value in item["values"]["items"]] for item in conditions}
    assert keys["aws:username"] == ["alice"] and keys["aws:PrincipalAccount"] == [ACCOUNT]
    assert message["trace"] and message["changes"]

    deny = {**allow("ec2:*"), "Effect": "Deny", "Sid": "NoEc2"}
    server.client("iam").put_user_policy(UserName="alice", PolicyName="no", PolicyDocument=policy(deny))
    with pytest.raises(ClientError) as error:
        server.client("ec2", who=alice).describe_regions()
    encoded = re.search(r"Encoded authorization failure message: (\S+)", error.value.response["Error"]["Message"])
    message = decode(encoded.group(1))
    assert message["explicitDeny"] is True and message["context"]["action"] == "ec2:DescribeRegions"
    assert message["matchedStatements"]["items"] == [{"statementId": "NoEc2", "effect": "DENY"}]

    far = other_account(server)
    for who, text in ((reader, "nothing"), (far, request_id), (far, encoded.group(1))):
        with refused("InvalidAuthorizationMessageException", status=400):
            server.client("sts", who=who).decode_authorization_message(EncodedMessage=text)
    with refused("AccessDenied"):
        server.client("sts", who=alice).decode_authorization_message(EncodedMessage=request_id)


# --- across accounts ---


def test_a_role_of_another_account_needs_both_accounts(server):
    far = other_account(server)
    alice = server.user("alice", allow("sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/*"))
    bob = server.user("bob")
    document = trust(ACCOUNT, Condition={"StringEquals": {"sts:ExternalId": "x1"}})
    arn = make_role(server, "Guest", document, allow("s3:*"), who=far)
    session = assume(server, alice, arn, ExternalId="x1")
    assert session.arn == f"arn:aws:sts::{OTHER}:assumed-role/Guest/session-1"
    found = client(server, session, "sts").get_caller_identity()
    assert (found["Account"], found["Arn"]) == (OTHER, session.arn)
    s3 = client(server, session, "s3")
    s3.create_bucket(Bucket="far-books")
    s3.put_object(Bucket="far-books", Key="a", Body=b"A")
    assert [b["Name"] for b in server.client("s3", who=far).list_buckets()["Buckets"]] == ["far-books"]
    assert server.client("s3").list_buckets()["Buckets"] == []
    # Strangers are told nothing: not whether the role is there, nor which side refused.
    cannot_assume(server, alice, arn)
    cannot_assume(server, bob, arn, ExternalId="x1")
    cannot_assume(server, alice, f"arn:aws:iam::{OTHER}:role/Gone", ExternalId="x1")
    cannot_assume(server, alice, "arn:aws:iam::333333333333:role/Gone")
    named = make_role(server, "Named", trust(bob.arn), who=far)
    cannot_assume(server, bob, named)


def test_a_denial_across_accounts_shows_nothing_of_the_other_account(server):
    far = other_account(server)
    alice = server.user("alice", allow(["sts:AssumeRole", "sts:DecodeAuthorizationMessage"]))
    secret = {"StringEquals": {"sts:ExternalId": "very-secret"}}
    arn = make_role(server, "Guest", trust(ACCOUNT, Condition=secret), who=far)
    with pytest.raises(ClientError) as error:
        assume(server, alice, arn)
    request_id = error.value.response["ResponseMetadata"]["RequestId"]
    decoded = server.client("sts", who=alice).decode_authorization_message(EncodedMessage=request_id)["DecodedMessage"]
    assert "very-secret" not in decoded and json.loads(decoded)["changes"] == []


# --- records ---


def delivered(trail, name):
    """The delivered records of an event, oldest first."""
    records = [record for record in trail.records() if record["eventName"] == name]
    return sorted(records, key=lambda record: (record["eventTime"], record["requestID"]))


@pytest.mark.serve("--rehearsal")
def test_records_tell_of_sessions(server):
    trail = make_trail(server)
    alice = server.user("alice", allow("sts:*"))
    iam = server.client("iam")
    naming = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    arn = make_role(server, "Reader", trust(ACCOUNT, action=naming), allow(["kms:*", "sts:*"]), Path="/team/")
    role_id = iam.get_role(RoleName="Reader")["Role"]["RoleId"]
    more = {"SourceIdentity": "Alice", "Tags": tag_list(team="red"), "TransitiveTagKeys": ["team"]}
    session = assume(server, alice, arn, "job-7", DurationSeconds=900, **more)
    client(server, session, "kms").list_keys()
    assume(server, session, arn, "job-8")
    token = credentials(server.client("sts", who=alice).get_session_token())
    client(server, token, "sts").get_caller_identity()
    with refused("AccessDeniedException"):
        client(server, token, "kms").list_keys()
    server.advance("10m")

    first, second = delivered(trail, "AssumeRole")
    if first["requestParameters"]["roleSessionName"] != "job-7":
        first, second = second, first
    assert first["readOnly"] is True and first["userIdentity"]["arn"] == alice.arn
    assert first["requestParameters"] == {
        "tags": [{"key": "team", "value": "red"}],
        "roleArn": arn,
        "roleSessionName": "job-7",
        "sourceIdentity": "Alice",
        "transitiveTagKeys": ["team"],
        "durationSeconds": 900,
    }
    answer = first["responseElements"]
    assert answer["credentials"]["accessKeyId"] == session.access_key
    assert answer["credentials"]["sessionToken"] == session.token
    assert set(answer["credentials"]) == {"accessKeyId", "sessionToken", "expiration"}
    assert re.fullmatch(r"[A-Z][a-z]{2} \d+, \d{4}, \d+:\d\d:\d\d [AP]M", answer["credentials"]["expiration"])
    assert answer["assumedRoleUser"] == {"assumedRoleId": f"{role_id}:job-7", "arn": session.arn}
    assert answer["sourceIdentity"] == "Alice" and answer["packedPolicySize"] == session.answer["PackedPolicySize"]
    assert first["resources"] == [{"ARN": arn, "accountId": ACCOUNT, "type": "AWS::IAM::Role"}]
    assert second["requestParameters"] == {
        "roleArn": arn,
        "roleSessionName": "job-8",
        "incomingTransitiveTags": {"team": "red"},
        "sourceIdentity": "Alice",
    }

    by_role, by_token = sorted(delivered(trail, "ListKeys"), key=lambda record: "errorCode" in record)
    issued = by_role["userIdentity"]["sessionContext"]["attributes"].pop("creationDate")
    assert abs(datetime.fromisoformat(issued) - datetime.fromisoformat(first["eventTime"])) < timedelta(seconds=2)
    assert by_role["userIdentity"] == {
        "type": "AssumedRole",
        "principalId": f"{role_id}:job-7",
        "arn": session.arn,
        "accountId": ACCOUNT,
        "accessKeyId": session.access_key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": arn,
                "accountId": ACCOUNT,
                "userName": "Reader",
            },
            "attributes": {"mfaAuthenticated": "false"},
            "sourceIdentity": "Alice",
        },
    }
    user = by_token["userIdentity"]
    assert (user["type"], user["userName"], user["accessKeyId"]) == ("IAMUser", "alice", token.access_key)
    assert user["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    (made,) = delivered(trail, "GetSessionToken")
    assert made["readOnly"] is False
    assert made["responseElements"]["credentials"]["accessKeyId"] == token.access_key
    everything = json.dumps(trail.records())
    for who in (session, token):
        assert who.secret_key not in everything, "no record shows a secret"


def lookup(server, who, name):
    found = server.client("cloudtrail", who=who).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
    )
    return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]


def test_both_accounts_record_an_assumed_role_and_only_the_callers_a_refusal(server):
    far = other_account(server)
    alice = server.user("alice", allow("sts:AssumeRole"))
    user_id = server.client("sts", who=alice).get_caller_identity()["UserId"]
    arn = make_role(server, "Guest", trust(ACCOUNT), who=far)
    session = assume(server, alice, arn)
    with refused("AccessDenied"):
        assume(server, alice, f"arn:aws:iam::{OTHER}:role/Gone")
    mine, theirs = lookup(server, server.root, "AssumeRole"), lookup(server, far, "AssumeRole")
    assert sorted(record.get("errorCode", "") for record in mine) == ["", "AccessDenied"]
    (granted,) = [record for record in mine if "errorCode" not in record]
    (copy,) = theirs
    assert granted["userIdentity"]["arn"] == alice.arn
    assert copy["userIdentity"] == {"type": "AWSAccount", "principalId": user_id, "accountId": ACCOUNT}
    assert granted["sharedEventID"] == copy["sharedEventID"] and granted["eventID"] != copy["eventID"]
    assert (granted["recipientAccountId"], copy["recipientAccountId"]) == (ACCOUNT, OTHER)
    assert copy["responseElements"]["assumedRoleUser"]["arn"] == session.arn


# --- the aws CLI ---


def test_the_aws_cli_assumes_roles_by_profile(server, alice, tmp_path):
    make_bucket(server, "books")
    first = make_role(server, "First", trust(alice.arn), allow("sts:AssumeRole"))
    condition = {"StringEquals": {"sts:ExternalId": "x1"}}
    second = make_role(server, "Second", trust(first, Condition=condition), allow("s3:*"))
    config, keys = tmp_path / "config", tmp_path / "credentials"
    keys.write_text(
        f"[alice]\naws_access_key_id={alice.access_key}\naws_secret_access_key={alice.secret_key}\n"
    )
    config.write_text(
        f"[profile alice]\nregion=us-east-1\n"
        f"[profile first]\nrole_arn={first}\nsource_profile=alice\nregion=us-east-1\n"
        f"[profile second]\nrole_arn={second}\nsource_profile=first\nexternal_id=x1\nrole_session_name=deep\n"
        f"region=us-east-1\ns3 =\n  signature_version = s3v4\n"
    )
    environment = server.cli_environment()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        del environment[name]
    environment |= {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(keys), "HOME": str(tmp_path)}
    assert str(PROGRAMS) in environment["PATH"]

    def aws(script):
        return server.bash(script, environment=environment).stdout

    arn = json.loads(aws("aws sts get-caller-identity --profile second"))["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Second/deep"
    aws("echo hello > hello.txt && aws s3 cp hello.txt s3://books/hello.txt --profile second")
    assert aws("aws s3 cp s3://books/hello.txt - --profile second") == "hello\n"
    url = aws("aws s3 presign s3://books/hello.txt --profile second").strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"hello\n"
    call = f"aws sts assume-role --role-arn {first} --role-session-name by-hand --duration-seconds 900"
    answer = json.loads(aws(f"{call} --profile alice"))
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/First/by-hand")
