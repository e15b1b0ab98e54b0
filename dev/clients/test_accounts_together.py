"""Several accounts in one server: what they share, whose logs lie where, what each is told, what an organization adds."""

import gzip
import json
import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, ANONYMOUS, SERVICE, allow, make_bucket, policy, poll, refused

A, B, C, D = ACCOUNT, "222222222222", "333333333333", "444444444444"
BOOKS = ["arn:aws:s3:::books", "arn:aws:s3:::books/*"]
READ = ["s3:GetObject", "s3:ListBucket"]
# What S3 tells those who are of neither the owner's account nor its organization.
STRANGER = "Access Denied"


def root_of(account):
    return f"arn:aws:iam::{account}:root"


def to(*principals, **more):
    """The rest of a statement that names these."""
    return {"Principal": {"AWS": list(principals)}, **more}


def where(operator, **keys):
    return {operator: {key.replace("__", ":"): value for key, value in keys.items()}}


def deny(action, resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


@pytest.fixture
def far(server):
    """The root of account B. The first account is A."""
    return server.account(B)


def is_allowed(call, code, message=None):
    """Whether a call succeeds; if not, its refusal must have this code and text."""
    try:
        call()
    except ClientError as error:
        found = error.response["Error"]
        assert found["Code"] == code, found
        assert message is None or found["Message"] == message, found
        return False
    return True


# --- buckets ---


def share_books(server, *statements, owner=None):
    """A bucket with one object, under a policy of these statements or none."""
    s3 = server.client("s3", who=owner)
    s3.create_bucket(Bucket="books")
    s3.put_object(Bucket="books", Key="a", Body=b"A")
    if statements:
        s3.put_bucket_policy(Bucket="books", Policy=policy(*statements))
    return s3


def reads(server, who):
    s3 = server.client("s3", who=who)
    calls = [lambda: s3.get_object(Bucket="books", Key="a"), lambda: s3.list_objects_v2(Bucket="books")]
    found = {is_allowed(call, "AccessDenied", STRANGER) for call in calls}
    assert len(found) == 1
    return found == {True}


def test_a_bucket_of_another_account_needs_both_sides(server, far):
    alice = server.user("alice", allow(READ, BOOKS), of=far)
    bob, barred = server.user("bob", of=far), server.user("barred", allow("s3:*"), deny("s3:*", BOOKS), of=far)
    other = server.account(C)
    everybody = [alice, bob, barred, far, other, ANONYMOUS]
    s3 = share_books(server)
    of_b = where("StringEquals", aws__PrincipalAccount=B)
    for statements, expected in (
        ([], []),
        ([allow(READ, BOOKS, **to(alice.arn))], [alice]),
        ([allow(READ, BOOKS, **to(bob.arn, barred.arn))], []),
        ([allow(READ, BOOKS, **to(root_of(B)))], [alice, far]),
        ([allow(READ, BOOKS, **to(B))], [alice, far]),
        ([allow(READ, BOOKS, **to(other.arn))], [other]),
        ([allow(READ, BOOKS, **to("*", Condition=of_b))], [alice, far]),
        ([allow(READ, BOOKS, **to(B)), deny(READ, BOOKS, **to(alice.arn))], [far]),
        ([allow(READ, BOOKS, **to(B)), deny(READ, BOOKS, **to(root_of(B)))], []),
    ):
        if statements:
            s3.put_bucket_policy(Bucket="books", Policy=policy(*statements))
        assert [who for who in everybody if reads(server, who)] == expected, statements
    assert s3.get_object(Bucket="books", Key="a")["Body"].read() == b"A"


def test_what_a_guest_writes_is_the_guests_until_it_is_handed_over(server, far):
    """Where ACLs count, who puts an object owns it.

    SPEC: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    """
    writer = server.user("writer", allow("s3:*"), of=far)
    s3 = share_books(server, allow(["s3:PutObject", "s3:GetObject"], BOOKS[1], **to(writer.arn)))
    server.aws("s3", "cp", "-", "s3://books/b", input="by B", who=writer)
    assert server.aws("s3", "cp", "s3://books/b", "-", who=writer).stdout == "by B"
    with refused("AccessDenied"):
        s3.get_object(Bucket="books", Key="b")
    s3.delete_object(Bucket="books", Key="b")
    as_writer = server.client("s3", who=writer)
    as_writer.put_object(Bucket="books", Key="c", Body=b"for A", ACL="bucket-owner-full-control")
    assert s3.get_object(Bucket="books", Key="c")["Body"].read() == b"for A"
    s3.put_bucket_ownership_controls(
        Bucket="books", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    as_writer.put_object(Bucket="books", Key="d", Body=b"A's")
    assert s3.get_object(Bucket="books", Key="d")["Body"].read() == b"A's"
    with refused("AccessDenied", STRANGER, 403):
        as_writer.delete_object(Bucket="books", Key="a")
    assert as_writer.list_buckets()["Buckets"] == []


def test_only_the_owners_account_sees_and_changes_a_buckets_policy(server, far):
    """Whoever has the right by both sides is told that this is no method for them.

    SPEC: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
    """
    admin = server.user("admin", allow("s3:*"), of=far)
    s3 = share_books(server, allow(READ, BOOKS, **to(admin.arn)))
    text = s3.get_bucket_policy(Bucket="books")["Policy"]
    as_admin = server.client("s3", who=admin)
    calls = [
        lambda: as_admin.get_bucket_policy(Bucket="books"),
        lambda: as_admin.put_bucket_policy(Bucket="books", Policy=text),
        lambda: as_admin.delete_bucket_policy(Bucket="books"),
    ]
    for call in calls:
        with refused("AccessDenied", STRANGER, 403):
            call()
    s3.put_bucket_policy(Bucket="books", Policy=policy(allow("s3:*", BOOKS, **to(admin.arn))))
    for call in calls:
        with refused("MethodNotAllowed", "The specified method is not allowed against this resource.", 405):
            call()


def test_a_session_that_a_bucket_names_still_needs_the_rights_of_its_role(server, far):
    iam = server.client("iam", who=far)
    starter = server.user("starter", allow("sts:AssumeRole"), of=far)
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", **to(B)})
    sessions = {}
    for name in ("Reader", "Idle"):
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if name == "Reader":
            iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(allow(READ, BOOKS)))
        sessions[name] = server.assume(starter, arn, "job"), arn
    s3 = share_books(server)
    for name, (session, role_arn) in sessions.items():
        for named in (role_arn, session.arn, root_of(B)):
            s3.put_bucket_policy(Bucket="books", Policy=policy(allow(READ, BOOKS, **to(named))))
            assert reads(server, session) == (name == "Reader"), (name, named)
    another = server.assume(starter, sessions["Reader"][1], "another")
    s3.put_bucket_policy(Bucket="books", Policy=policy(allow(READ, BOOKS, **to(sessions["Reader"][0].arn))))
    assert not reads(server, another)


# --- keys ---

USE = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
NOT_YOURS = (
    "because the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based policy explicitly denies access"
)


def own_key(*statements, account=A):
    return policy(allow("kms:*", **to(root_of(account))), *statements)


def test_a_key_of_another_account_needs_both_sides(server, far):
    """Whom the key's policy lets in and the own policies do not is told so; to all others it might not be there."""
    alice, bob = server.user("alice", allow("kms:*"), of=far), server.user("bob", of=far)
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    own = f"on resource: {key} because no identity-based policy allows the kms:"

    def check(who, ending):
        theirs = server.client("kms", who=who)
        for action, call in (
            ("Encrypt", lambda: theirs.encrypt(KeyId=key, Plaintext=b"x")),
            ("GenerateDataKey", lambda: theirs.generate_data_key(KeyId=key, KeySpec="AES_256")),
            ("Decrypt", lambda: theirs.decrypt(KeyId=key, CiphertextBlob=blob)),
            ("DescribeKey", lambda: theirs.describe_key(KeyId=key)),
        ):
            if ending is None:
                call()
                continue
            ends = f"{own}{action} action" if ending == own else ending
            text = f"User: {who.arn} is not authorized to perform: kms:{action} {ends}"
            with refused("AccessDeniedException", text, 400):
                call()

    stranger, of_b = f"on this resource {NOT_YOURS}", where("StringEquals", kms__CallerAccount=B)
    for statements, for_alice, for_bob, for_root in (
        ([], stranger, stranger, stranger),
        ([allow(USE, **to(alice.arn))], None, stranger, stranger),
        ([allow(USE, **to(bob.arn))], stranger, own, stranger),
        ([allow(USE, **to(root_of(B)))], None, own, None),
        ([allow(USE, **to("*", Condition=of_b))], None, own, None),
        ([allow(USE, **to(B)), deny("kms:*", **to(alice.arn))], stranger, own, None),
    ):
        kms.put_key_policy(KeyId=key, Policy=own_key(*statements))
        for who, ending in ((alice, for_alice), (bob, for_bob), (far, for_root)):
            check(who, ending)


def test_a_stranger_cannot_tell_a_foreign_key_from_none(server, far):
    alice = server.user("alice", allow("kms:*"), of=far)
    kms, as_alice = server.client("kms"), server.client("kms", who=alice)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    absent = f"arn:aws:kms:us-east-1:{A}:key/11111111-2222-3333-4444-555555555555"
    for arn in (key, absent):
        text = f"User: {alice.arn} is not authorized to perform: kms:Encrypt on this resource {NOT_YOURS}"
        with refused("AccessDeniedException", text, 400):
            as_alice.encrypt(KeyId=arn, Plaintext=b"x")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    text = f"kms:Decrypt on the resource associated with this ciphertext {NOT_YOURS}"
    with refused("AccessDeniedException", f"User: {alice.arn} is not authorized to perform: {text}", 400):
        as_alice.decrypt(CiphertextBlob=blob)
    # A key's id alone is looked for in the caller's account.
    with refused("NotFoundException", status=400):
        as_alice.encrypt(KeyId=key.rsplit("/", 1)[1], Plaintext=b"x")


def test_a_foreign_key_is_used_by_alias_and_between_accounts_but_never_managed(server, far):
    alice = server.user("alice", allow("kms:*"), of=far)
    kms, theirs = server.client("kms"), server.client("kms", who=alice)
    key = kms.create_key(Policy=own_key(allow("kms:*", **to(B))))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/shared", TargetKeyId=key)
    alias = f"arn:aws:kms:us-east-1:{A}:alias/shared"
    sealed = theirs.encrypt(KeyId=alias, Plaintext=b"secret", EncryptionContext={"k": "v"})
    assert sealed["KeyId"] == key
    own = theirs.create_key()["KeyMetadata"]["Arn"]
    moved = theirs.re_encrypt(
        CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext={"k": "v"}, DestinationKeyId=own
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key, own)
    assert theirs.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"secret"
    with refused("AccessDeniedException"):
        kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])
    assert own not in {one["KeyArn"] for one in kms.list_keys()["Keys"]}
    for operation, more in (
        ("get_key_policy", {}),
        ("put_key_policy", {"Policy": own_key()}),
        ("list_key_policies", {}),
        ("disable_key", {}),
        ("schedule_key_deletion", {}),
    ):
        call = getattr(theirs, operation)
        assert not is_allowed(lambda: call(KeyId=key, **more), "AccessDeniedException"), operation
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_bucket_seals_by_default_with_a_key_of_another_account(server, far):
    """The key is for S3 in one Region only, in the name of B's users (kms:ViaService)."""
    alice = server.user("alice", allow(["s3:*", "kms:*"]), of=far)
    bob = server.user("bob", allow("s3:*"), of=far)
    region = "eu-west-1"
    kms = server.client("kms", region)
    condition = where("StringEquals", kms__ViaService=f"s3.{region}.amazonaws.com", kms__CallerAccount=B)
    shared = own_key(allow(["kms:GenerateDataKey*", "kms:Decrypt"], **to("*", Condition=condition)))
    key = kms.create_key(Policy=shared)["KeyMetadata"]["Arn"]
    s3 = server.client("s3", region, alice)
    s3.create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": region})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket="theirs", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.put_object(Bucket="theirs", Key="a", Body=b"A")["SSEKMSKeyId"] == key
    assert s3.get_object(Bucket="theirs", Key="a")["Body"].read() == b"A"

    with refused("AccessDeniedException"):
        server.client("kms", region, alice).generate_data_key(KeyId=key, KeySpec="AES_256")
    as_bob = server.client("s3", region, bob)
    for action, call in (
        ("GenerateDataKey", lambda s3: s3.put_object(Bucket="theirs", Key="b", Body=b"B")),
        ("Decrypt", lambda s3: s3.get_object(Bucket="theirs", Key="a")),
    ):
        text = f"User: {bob.arn} is not authorized to perform: kms:{action} on resource: {key}"
        with refused("AccessDenied", f"{text} because no identity-based policy allows the kms:{action} action", 403):
            call(as_bob)

    for closed in (own_key(), shared.replace(f"s3.{region}", "s3.us-east-1"), shared.replace(B, C)):
        kms.put_key_policy(KeyId=key, Policy=closed)
        text = f"User: {alice.arn} is not authorized to perform: kms:GenerateDataKey on this resource {NOT_YOURS}"
        with refused("AccessDenied", text, 403):
            s3.put_object(Bucket="theirs", Key="b", Body=b"B")
        text = f"kms:Decrypt on the resource associated with this ciphertext {NOT_YOURS}"
        with refused("AccessDenied", f"User: {alice.arn} is not authorized to perform: {text}", 403):
            s3.get_object(Bucket="theirs", Key="a")


# --- roles ---


def test_a_role_with_an_external_id_opens_the_bucket_of_its_account(server, far):
    s3 = share_books(server)
    iam = server.client("iam")
    named = {"Effect": "Allow", "Action": "sts:AssumeRole", **to(root_of(B))}
    trust = policy({**named, "Condition": where("StringEquals", sts__ExternalId="x-1")})
    guest = iam.create_role(RoleName="Guest", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="Guest", PolicyName="rights", PolicyDocument=policy(allow(READ, BOOKS)))
    alice = server.user("alice", allow("sts:AssumeRole", guest), allow("s3:*"), of=far)
    bob, other = server.user("bob", of=far), server.account(C)
    for who, external in ((alice, {}), (alice, {"ExternalId": "x-2"}), (bob, {"ExternalId": "x-1"})):
        text = f"User: {who.arn} is not authorized to perform: sts:AssumeRole on resource: {guest}"
        with refused("AccessDenied", text, 403):
            server.assume(who, guest, **external)
    assert not reads(server, alice)
    session = server.assume(alice, guest, "job", ExternalId="x-1")
    assert session.arn == server.client("sts", who=session).get_caller_identity()["Arn"]
    assert server.aws("s3", "cp", "s3://books/a", "-", who=session).stdout == "A"
    # Inside the account, refusals are explained.
    text = f'User: {session.arn} is not authorized to perform: s3:PutObject on resource: "{BOOKS[0]}/b" '
    with refused("AccessDenied", f"{text}because no identity-based policy allows the s3:PutObject action", 403):
        server.client("s3", who=session).put_object(Bucket="books", Key="b", Body=b"B")
    # Who may no longer begin a session keeps the one that is open.
    iam.update_assume_role_policy(RoleName="Guest", PolicyDocument=trust.replace(far.arn, other.arn))
    with refused("AccessDenied"):
        server.assume(alice, guest, ExternalId="x-1")
    assert reads(server, session)
    s3.put_bucket_policy(Bucket="books", Policy=policy(deny("s3:GetObject", BOOKS[1], **to(guest))))
    text = f'User: {session.arn} is not authorized to perform: s3:GetObject on resource: "{BOOKS[0]}/a" '
    with refused("AccessDenied", f"{text}with an explicit deny in a resource-based policy", 403):
        server.client("s3", who=session).get_object(Bucket="books", Key="a")


# --- seed 001: one key and one bucket for the log files of several accounts ---

LOGS = "all-logs"
CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"


def trails_of(*accounts):
    return [f"arn:aws:cloudtrail:*:{account}:trail/*" for account in accounts]


def logs_key_policy(owner, accounts, readers=()):
    """The console's statements (seed 000) for several accounts; readers decrypt the log files of their own."""
    decrypt = [
        allow(
            ["kms:Decrypt", "kms:ReEncryptFrom"],
            Sid=f"Enable cross account log decryption {account}",
            **to("*"),
            Condition={"StringEquals": {"kms:CallerAccount": account}, "StringLike": {CONTEXT: trails_of(account)}},
        )
        for account in readers
    ]
    condition = {"StringLike": {CONTEXT: trails_of(*accounts)}}
    return own_key(
        allow("kms:GenerateDataKey*", Principal=SERVICE, Condition=condition),
        allow("kms:DescribeKey", Principal=SERVICE),
        *decrypt,
        account=owner,
    )


def logs_bucket_policy(accounts, *more):
    return policy(
        allow("s3:GetBucketAcl", f"arn:aws:s3:::{LOGS}", Principal=SERVICE),
        allow(
            "s3:PutObject",
            [f"arn:aws:s3:::{LOGS}/AWSLogs/{account}/*" for account in accounts],
            Principal=SERVICE,
            Condition=where("StringEquals", **{"s3__x-amz-acl": "bucket-owner-full-control"}),
        ),
        *more,
    )


class SharedLogs:
    """A bucket and, if wanted, a key of one account, in which trails of several accounts keep their log files."""

    def __init__(self, server, accounts, owner=None, with_key=True, region="us-east-1"):
        self.server, self.region, self.owner = server, region, owner or server.root
        self.s3, self.kms = server.client("s3", region, owner), server.client("kms", region, owner)
        location = {"LocationConstraint": region}
        self.s3.create_bucket(Bucket=LOGS, **({} if region == "us-east-1" else {"CreateBucketConfiguration": location}))
        self.s3.put_bucket_policy(Bucket=LOGS, Policy=logs_bucket_policy(accounts))
        text = logs_key_policy(self.owner.account, accounts)
        self.key = self.kms.create_key(Policy=text)["KeyMetadata"]["Arn"] if with_key else None

    def trail(self, who, home="us-east-1", **more):
        """A started multi-Region trail of an account."""
        cloudtrail = self.server.client("cloudtrail", home, who)
        key = {"KmsKeyId": self.key} if self.key else {}
        more = {"Name": "audit", "S3BucketName": LOGS, "IsMultiRegionTrail": True, **key, **more}
        arn = cloudtrail.create_trail(**more)["TrailARN"]
        cloudtrail.start_logging(Name=arn)
        return arn

    def files(self, account, region="", kind="CloudTrail"):
        prefix = f"AWSLogs/{account}/{kind}/{region}"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=LOGS, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def records(self, account):
        return [record for file in self.files(account) for record in self.read(file)]

    def read(self, file):
        body = self.s3.get_object(Bucket=LOGS, Key=file)["Body"].read()
        return json.loads(gzip.decompress(body))["Records"]


def lookup(server, who, name, region="us-east-1"):
    """The records of an event in an account's event history, newest first."""
    pages = server.client("cloudtrail", region, who).get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
    )
    return [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]


@pytest.mark.serve("--rehearsal")
def test_one_key_and_one_bucket_serve_the_log_files_of_several_accounts_in_all_regions(server, far):
    roots = {A: server.root, B: far, C: server.account(C)}
    busy = ["us-east-1", "eu-west-1", "ap-northeast-1"]
    logs = SharedLogs(server, roots, region="eu-west-1")
    trails = {account: logs.trail(root, home) for (account, root), home in zip(roots.items(), busy)}
    for root in roots.values():
        for region in busy:
            server.client("kms", region, root).list_aliases()
    server.advance("10m")
    every = {account: logs.files(account) for account in roots}
    for account, root in roots.items():
        for region in busy:
            seen = [record for file in logs.files(account, region) for record in logs.read(file)]
            assert "ListAliases" in {record["eventName"] for record in seen}, (account, region)
            assert {(record["recipientAccountId"], record["awsRegion"]) for record in seen} == {(account, region)}
        for file in every[account]:
            head = logs.s3.head_object(Bucket=LOGS, Key=file)
            assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", logs.key)
        status = server.client("cloudtrail", trails[account].split(":")[3], root).get_trail_status(Name=trails[account])
        assert "LatestDeliveryError" not in status and status["LatestDeliveryTime"]
    # The owner of the key sees for which trail each file was sealed.
    calls = lookup(server, server.root, "GenerateDataKey", "eu-west-1")
    contexts = [record["requestParameters"]["encryptionContext"] for record in calls]
    sealed = {context["aws:s3:arn"]: context["aws:cloudtrail:arn"] for context in contexts}
    for account, files in every.items():
        assert files and {sealed[f"arn:aws:s3:::{LOGS}/{file}"] for file in files} == {trails[account]}
    assert {record["userIdentity"]["type"] for record in calls} == {"AWSService"}


def test_an_account_that_a_policy_does_not_list_gets_no_trail(server, far):
    logs = SharedLogs(server, [A, B])
    other = server.account(C)
    logs.trail(far)
    text = f"Insufficient permissions to access S3 bucket {LOGS} or KMS key {logs.key}."
    listed_by = {
        "none": (logs_bucket_policy([A, B]), [A, B]),
        "the bucket": (logs_bucket_policy([A, B, C]), [A, B]),
        "the key": (logs_bucket_policy([A, B]), [A, B, C]),
    }
    for name, (bucket, key) in listed_by.items():
        logs.s3.put_bucket_policy(Bucket=LOGS, Policy=bucket)
        logs.kms.put_key_policy(KeyId=logs.key, Policy=logs_key_policy(A, key))
        with refused("InsufficientEncryptionPolicyException", text, 400):
            logs.trail(other)
        if name == "the bucket":
            logs.trail(other, Name="in-clear", KmsKeyId="")
            continue
        with refused("InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {LOGS}"):
            logs.trail(other, Name="in-clear-too", KmsKeyId="")
    logs.s3.put_bucket_policy(Bucket=LOGS, Policy=logs_bucket_policy([A, B, C]))
    logs.trail(other)


@pytest.mark.serve("--rehearsal")
def test_an_account_reads_and_validates_its_own_log_files_in_anothers_bucket(server, far):
    start = server.now() - timedelta(minutes=1)
    logs = SharedLogs(server, [A, B])
    trails = {A: logs.trail(server.root), B: logs.trail(far, EnableLogFileValidation=True)}
    buckets = [f"arn:aws:s3:::{LOGS}", f"arn:aws:s3:::{LOGS}/AWSLogs/*"]
    see = ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"]
    open_bucket, closed_bucket = logs_bucket_policy([A, B], allow(see, buckets, **to(B))), logs_bucket_policy([A, B])
    open_key, closed_key = logs_key_policy(A, [A, B], [B]), logs_key_policy(A, [A, B])
    may_read, may_decrypt = allow(see, buckets), allow("kms:Decrypt", logs.key)
    may_validate = allow(["cloudtrail:DescribeTrails", "cloudtrail:ListPublicKeys"])
    reader = server.user("reader", may_read, may_decrypt, may_validate, of=far)
    no_decrypt, no_read = server.user("no-decrypt", may_read, of=far), server.user("no-read", may_decrypt, of=far)
    for _ in range(3):
        server.client("kms", who=far).list_aliases()
        server.advance("1h")
    own, others = logs.files(B, "us-east-1")[0], logs.files(A, "us-east-1")[0]

    def get(who, file):
        return server.client("s3", who=who).get_object(Bucket=LOGS, Key=file)["Body"].read()

    decrypt = "is not authorized to perform: kms:Decrypt on"
    not_listed = re.compile(f"{decrypt} the resource associated with this ciphertext {NOT_YOURS}$")
    no_right = re.compile(f"{decrypt} resource: {logs.key} because no identity-based policy allows")
    for who, bucket, key, message in (
        (reader, closed_bucket, open_key, STRANGER),
        (reader, open_bucket, closed_key, not_listed),
        (no_decrypt, open_bucket, open_key, no_right),
        (no_read, open_bucket, open_key, STRANGER),
    ):
        logs.s3.put_bucket_policy(Bucket=LOGS, Policy=bucket)
        logs.kms.put_key_policy(KeyId=logs.key, Policy=key)
        with refused("AccessDenied", message, 403):
            get(who, own)
    # With both sides whole B reads its own; A's files lie open in the bucket, but the key opens to B for B's trails alone.
    assert get(reader, own)[:2] == b"\x1f\x8b"
    with refused("AccessDenied", not_listed, 403):
        get(reader, others)

    form = "%Y-%m-%dT%H:%M:%SZ"
    span = ["--start-time", start.strftime(form), "--end-time", server.now().strftime(form), "--verbose"]
    validate = ["cloudtrail", "validate-logs", *span, "--trail-arn", trails[B]]
    done = server.aws(*validate, who=reader)
    assert "INVALID" not in done.stdout + done.stderr
    (digests, logged) = re.findall(r"(\d+)/(\d+) (?:digest|log) files valid", done.stdout)
    assert digests[0] == digests[1] == str(len(logs.files(B, "us-east-1", "CloudTrail-Digest"))) and int(digests[0]) >= 2
    assert logged[0] == logged[1] and int(logged[0]) >= 2
    logs.kms.put_key_policy(KeyId=logs.key, Policy=closed_key)
    failed = server.aws(*validate, who=reader, check=False)
    assert failed.returncode != 0 and re.search(r"\(AccessDenied\).*kms:Decrypt", failed.stderr)


# --- records: each account's own copy ---


def of_call(records, request_id):
    return [record for record in records if record.get("requestID") == request_id]


def answered(call):
    """The request id of a call, answered or refused, and whether it was answered."""
    try:
        metadata = call()["ResponseMetadata"]
        is_answered = True
    except ClientError as error:
        metadata, is_answered = error.response["ResponseMetadata"], False
    return metadata.get("RequestId") or metadata["HTTPHeaders"]["x-amz-request-id"], is_answered


def check_copies(callers, owners, caller, caller_id, owner):
    """Two records of one call: the caller's names the caller whole, the owner's by id and account alone."""
    assert callers["sharedEventID"] == owners["sharedEventID"]
    assert callers["eventID"] != owners["eventID"]
    assert (callers["recipientAccountId"], owners["recipientAccountId"]) == (caller.account, owner)
    assert callers["userIdentity"]["arn"] == caller.arn and callers["userIdentity"]["accessKeyId"] == caller.access_key
    identity = dict(owners["userIdentity"])
    assert identity.pop("invokedBy", None) == callers["userIdentity"].get("invokedBy")
    assert identity == {"type": "AWSAccount", "principalId": caller_id, "accountId": caller.account}
    own = {"eventID", "recipientAccountId", "userIdentity", "resources"}
    shared = {name for name in callers.keys() | owners.keys()} - own
    assert {name: callers.get(name) for name in shared} == {name: owners.get(name) for name in shared}


@pytest.mark.serve("--rehearsal")
def test_each_account_that_a_call_concerns_gets_its_own_copy(server, far):
    logs = SharedLogs(server, [A, B], with_key=False)
    key = server.client("kms").create_key(Policy=own_key(allow(USE, **to(B))))["KeyMetadata"]["Arn"]
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", **to(B)})
    guest = server.client("iam").create_role(RoleName="Guest", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    share_books(server, allow("s3:PutObject", BOOKS[1], **to(B)))
    for who, value in ((server.root, "arn:aws:s3:::books/"), (far, "arn:aws:s3")):
        arn = logs.trail(who)
        selector = {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": [value]}],
        }
        server.client("cloudtrail", who=who).put_event_selectors(TrailName=arn, EventSelectors=[selector])
    alice = server.user("alice", allow(["s3:*", "kms:*", "sts:*"]), of=far)
    alice_id = server.client("sts", who=alice).get_caller_identity()["UserId"]
    s3, kms, sts = (server.client(service, who=alice) for service in ("s3", "kms", "sts"))
    absent = guest.replace("Guest", "Gone")
    session = {"RoleSessionName": "job"}
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    calls = {
        "put": lambda: s3.put_object(Bucket="books", Key="b", Body=b"B"),
        "seal": lambda: s3.put_object(Bucket="books", Key="c", Body=b"C", **sealed),
        "get": lambda: s3.get_object(Bucket="books", Key="a"),
        "encrypt": lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        "disable": lambda: kms.schedule_key_deletion(KeyId=key),
        "assume": lambda: sts.assume_role(RoleArn=guest, **session),
        "assume none": lambda: sts.assume_role(RoleArn=absent, **session),
        "own": lambda: kms.list_keys(),
    }
    ids = {name: answered(call) for name, call in calls.items()}
    assert {name for name, (_, is_answered) in ids.items() if not is_answered} == {"get", "disable", "assume none"}
    server.advance("10m")
    mine, theirs = logs.records(A), logs.records(B)
    assert {record["recipientAccountId"] for record in mine} == {A}
    assert {record["recipientAccountId"] for record in theirs} == {B}
    found = {name: (of_call(theirs, id), of_call(mine, id)) for name, (id, _) in ids.items()}
    counts = {name: (len(callers), len(owners)) for name, (callers, owners) in found.items()}
    both, callers_only = (1, 1), (1, 0)
    assert counts == {
        "put": both,
        "seal": both,
        "get": both,
        "encrypt": both,
        # SPEC: https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
        "disable": callers_only,
        "assume": both,
        "assume none": callers_only,
        "own": callers_only,
    }
    for name, (callers, owners) in found.items():
        if owners:
            check_copies(callers[0], owners[0], alice, alice_id, A)
        else:
            assert "sharedEventID" not in callers[0], name

    # S3: what the call was on, and whose it is, which a stranger who was refused is not told.
    # SPEC: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-receive-logs-from-multiple-accounts.html
    for name, owner_shown, error in (("put", A, None), ("get", "", "AccessDenied")):
        (callers,), (owners,) = found[name]
        assert callers["eventCategory"] == owners["eventCategory"] == "Data"
        assert callers.get("errorCode") == owners.get("errorCode") == error
        bucket = [one for one in callers["resources"] if one["type"] == "AWS::S3::Bucket"]
        assert bucket == [{"type": "AWS::S3::Bucket", "ARN": BOOKS[0], "accountId": owner_shown}]
        bucket = [one for one in owners["resources"] if one["type"] == "AWS::S3::Bucket"]
        assert bucket == [{"type": "AWS::S3::Bucket", "ARN": BOOKS[0], "accountId": A}]
    for (record,) in found["encrypt"]:
        assert record["resources"] == [{"type": "AWS::KMS::Key", "ARN": key, "accountId": A}]

    # The key's use by S3 in alice's name.
    def uses(records):
        made = [record for record in records if record["eventName"] == "GenerateDataKey"]
        return [one for one in made if one["requestParameters"]["encryptionContext"]["aws:s3:arn"] == f"{BOOKS[0]}/c"]

    ((callers,), (owners,)) = uses(theirs), uses(mine)
    check_copies(callers, owners, alice, alice_id, A)
    assert callers["userIdentity"]["invokedBy"] == "AWS Internal"

    # The event history of each account tells the same.
    for name, event in (("encrypt", "Encrypt"), ("assume", "AssumeRole")):
        for who, (record,) in zip((far, server.root), found[name]):
            assert of_call(lookup(server, who, event), ids[name][0]) == [record]
    for name, event in (("disable", "ScheduleKeyDeletion"), ("assume none", "AssumeRole")):
        assert of_call(lookup(server, server.root, event), ids[name][0]) == []
        (record,) = of_call(lookup(server, far, event), ids[name][0])
        assert record["errorCode"].startswith("AccessDenied")
    assert lookup(server, server.root, "PutObject") == lookup(server, far, "PutObject") == []


# --- an organization ---

MANAGEMENT, OWNER, OUTSIDER = ACCOUNT, "111111111111", D
ORGANIZATION = "o-exampleorgid"
POLICIES = f"arn:aws:organizations::{MANAGEMENT}:policy/{ORGANIZATION}"
OURS = where("StringNotEqualsIfExists", aws__PrincipalOrgID=ORGANIZATION)
NOT_A_SERVICE = where("BoolIfExists", aws__PrincipalIsAWSService="false")


def by_policy(kind, name):
    """The end of a refusal by a policy of the organization."""
    return f"with an explicit deny in a {kind} control policy: {POLICIES}/{kind}_control_policy/p-{name}"


def organization(*, with_exemption):
    """B may not end its trails, C may use S3 alone, and only its own and AWS's services reach its buckets and keys."""
    only_ours = deny(["s3:*", "kms:*"], Principal="*", Condition={**OURS, **(NOT_A_SERVICE if with_exemption else {})})
    attached = (
        ("keep-trails", "service_control", "prod", deny(["cloudtrail:StopLogging", "cloudtrail:DeleteTrail"])),
        ("only-s3", "service_control", "sandbox", allow("s3:*")),
        ("only-ours", "resource_control", "root", only_ours),
        ("keep-books", "resource_control", OWNER, deny("s3:DeleteObject", Principal="*")),
    )
    text = f"""
[organization]
id = "{ORGANIZATION}"
management_account = "{MANAGEMENT}"
accounts = ["{OWNER}"]
detach_full_access = ["sandbox"]
[organization.units]
"prod" = ["{B}"]
"sandbox" = ["{C}"]
"""
    for name, kind, target, statement in attached:
        text += f"""
[[organization.policies]]
id = "p-{name.replace("-", "")}01"
name = "{name}"
type = "{kind}"
targets = ["{target}"]
document = '''{policy(statement)}'''
"""
    return text


@pytest.fixture
def organized(serve, tmp_path):
    """A server with the organization, and the roots of its accounts and of one outside it."""
    config = tmp_path / "shoseki.toml"
    config.write_text(organization(with_exemption=True))
    server = serve("--rehearsal", "--config", str(config))
    others = {account: server.account(account) for account in (OWNER, B, C, OUTSIDER)}
    return server, {MANAGEMENT: server.root, **others}


def test_service_control_policies_bind_members_and_not_the_management_account(organized):
    server, roots = organized
    logs = SharedLogs(server, [MANAGEMENT, B], owner=roots[OWNER])
    trails = {account: logs.trail(roots[account]) for account in (MANAGEMENT, B)}
    admin = server.user("admin", allow("*"), of=roots[B])
    for who in (roots[B], admin):
        cloudtrail = server.client("cloudtrail", who=who)
        for action, call in (("StopLogging", cloudtrail.stop_logging), ("DeleteTrail", cloudtrail.delete_trail)):
            text = f"User: {who.arn} is not authorized to perform: cloudtrail:{action} on resource: {trails[B]}"
            with refused("AccessDeniedException", f"{text} {by_policy('service', 'keeptrails01')}", 400):
                call(Name=trails[B])
    server.client("cloudtrail").stop_logging(Name=trails[MANAGEMENT])

    # Where no policy of a level allows, nobody may.
    admin = server.user("admin", allow("*"), of=server.root)
    server.client("kms", who=admin).create_key()
    s3 = server.client("s3", who=roots[C])
    s3.create_bucket(Bucket="sandboxed")
    text = f"User: {roots[C].arn} is not authorized to perform: kms:CreateKey on resource: * because no service control"
    with refused("AccessDeniedException", f"{text} policy allows the kms:CreateKey action", 400):
        server.client("kms", who=roots[C]).create_key()
    text = f"User: {roots[C].arn} is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::{C}:user/x"
    with refused("AccessDenied", f"{text} because no service control policy allows the iam:CreateUser action", 403):
        server.client("iam", who=roots[C]).create_user(UserName="x")


def test_resource_control_policies_keep_strangers_from_buckets_and_keys(organized):
    server, roots = organized
    insider = server.user("insider", allow(["s3:*", "kms:*"]), of=roots[B])
    stranger = server.user("stranger", allow(["s3:*", "kms:*"]), of=roots[OUTSIDER])
    s3 = share_books(server, allow("s3:*", BOOKS, **to(B, OUTSIDER)), owner=roots[OWNER])
    key_text = own_key(allow(USE, **to(B, OUTSIDER)), account=OWNER)
    key = server.client("kms", who=roots[OWNER]).create_key(Policy=key_text)["KeyMetadata"]["Arn"]
    for who in (roots[B], insider):
        assert reads(server, who)
        server.client("kms", who=who).encrypt(KeyId=key, Plaintext=b"x")
    for who in (roots[OUTSIDER], stranger):
        assert not reads(server, who)
        # The ARN of the policy is for the organization's own.
        # SPEC: https://aws.amazon.com/blogs/security/enhanced-access-denied-error-messages-with-policy-arns
        with refused("AccessDeniedException", re.compile("^(?!.*arn:aws:organizations)"), 400):
            server.client("kms", who=who).encrypt(KeyId=key, Plaintext=b"x")
    # The owner is bound as everybody is, and told by which policy.
    for who in (roots[OWNER], insider):
        text = f'User: {who.arn} is not authorized to perform: s3:DeleteObject on resource: "{BOOKS[0]}/a"'
        with refused("AccessDenied", f"{text} {by_policy('resource', 'keepbooks01')}", 403):
            server.client("s3", who=who).delete_object(Bucket="books", Key="a")
    assert s3.get_object(Bucket="books", Key="a")["Body"].read() == b"A"
    # What the management account owns is not bound.
    mine = server.client("s3")
    mine.create_bucket(Bucket="open")
    mine.put_object(Bucket="open", Key="a", Body=b"A")
    mine.put_bucket_policy(Bucket="open", Policy=policy(allow("s3:*", "arn:aws:s3:::open/*", **to(OUTSIDER))))
    server.client("s3", who=stranger).delete_object(Bucket="open", Key="a")
    key = server.client("kms").create_key(Policy=own_key(allow(USE, **to(OUTSIDER))))["KeyMetadata"]["Arn"]
    server.client("kms", who=stranger).encrypt(KeyId=key, Plaintext=b"x")


def test_resource_control_policies_spare_services_only_where_they_say_so(organized, tmp_path):
    server, roots = organized
    logs = SharedLogs(server, [OWNER, B], owner=roots[OWNER])
    trail = logs.trail(roots[B])
    cloudtrail = server.client("cloudtrail", who=roots[B])
    cloudtrail.describe_trails()
    server.advance("10m")
    before = logs.files(B, "us-east-1")
    assert before and "LatestDeliveryError" not in cloudtrail.get_trail_status(Name=trail)

    (tmp_path / "shoseki.toml").write_text(organization(with_exemption=False))
    server.restart()
    logs.s3, cloudtrail = server.client("s3", who=roots[OWNER]), server.client("cloudtrail", who=roots[B])
    cloudtrail.describe_trails()
    server.advance("10m")
    assert poll(lambda: "LatestDeliveryError" in cloudtrail.get_trail_status(Name=trail))
    assert cloudtrail.get_trail_status(Name=trail)["LatestDeliveryError"] == "AccessDenied"
    assert logs.files(B, "us-east-1") == before
    text = f"Incorrect S3 bucket policy is detected for bucket: {LOGS}"
    with refused("InsufficientS3BucketPolicyException", text, 400):
        logs.trail(roots[B], Name="another")


def test_a_bucket_may_be_for_the_organization_whose_members_are_told_why_not(organized):
    server, roots = organized
    rights = allow("s3:*", "arn:aws:s3:::shelf/*")
    reader, idle = server.user("reader", rights, of=roots[B]), server.user("idle", of=roots[B])
    stranger = server.user("stranger", rights, of=roots[OUTSIDER])
    s3 = server.client("s3")
    s3.create_bucket(Bucket="shelf")
    s3.put_object(Bucket="shelf", Key="a", Body=b"A")
    ours = where("StringEquals", aws__PrincipalOrgID=ORGANIZATION)

    def put(statement):
        s3.put_bucket_policy(Bucket="shelf", Policy=policy({**statement, "Resource": "arn:aws:s3:::shelf/*"}))

    def get(who):
        return server.client("s3", who=who).get_object(Bucket="shelf", Key="a")["Body"].read()

    put(allow("s3:GetObject", Principal="*", Condition=ours))
    for who in (reader, roots[B], roots[C], roots[OWNER]):
        assert get(who) == b"A"
    for who in (stranger, roots[OUTSIDER], ANONYMOUS):
        with refused("AccessDenied", STRANGER, 403):
            get(who)

    def why_not(who, because):
        text = f'User: {who.arn} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::shelf/a" {because}'
        with refused("AccessDenied", text, 403):
            get(who)

    why_not(idle, "because no identity-based policy allows the s3:GetObject action")
    paths = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [f"{ORGANIZATION}/*"]}}
    put(allow("s3:GetObject", **to(B), Condition=paths))
    assert get(reader) == b"A"
    why_not(roots[C], "because no resource-based policy allows the s3:GetObject action")
    put(deny("s3:GetObject", Principal="*", Condition=ours))
    why_not(reader, "with an explicit deny in a resource-based policy")
    with refused("AccessDenied", STRANGER, 403):
        get(stranger)


# --- who is made again under an old name ---


class Named:
    """A user and a role of account B that a bucket, a key and a role of account A name."""

    def __init__(self, server, far):
        self.server, self.far, self.iam = server, far, server.client("iam", who=far)
        self.starter = server.user("starter", allow("sts:AssumeRole"), of=far)
        self.make()
        self.s3 = share_books(server)
        self.kms, self.own_iam = server.client("kms"), server.client("iam")
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", **to(B)})
        self.guest = self.own_iam.create_role(RoleName="Guest", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.name_them()

    def make(self):
        self.user = self.server.user("alice", allow("*"), of=self.far)
        self.user_id = self.iam.get_user(UserName="alice")["User"]["UserId"]
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", **to(B)})
        role = self.iam.create_role(RoleName="Worker", AssumeRolePolicyDocument=trust)["Role"]
        self.iam.put_role_policy(RoleName="Worker", PolicyName="rights", PolicyDocument=policy(allow("*")))
        self.role, self.role_id = role["Arn"], role["RoleId"]
        self.session = self.server.assume(self.starter, self.role)

    def delete(self):
        self.iam.delete_access_key(UserName="alice", AccessKeyId=self.user.access_key)
        self.iam.delete_user_policy(UserName="alice", PolicyName="rights")
        self.iam.delete_user(UserName="alice")
        self.iam.delete_role_policy(RoleName="Worker", PolicyName="rights")
        self.iam.delete_role(RoleName="Worker")

    def name_them(self):
        both = to(self.user.arn, self.role)
        self.s3.put_bucket_policy(Bucket="books", Policy=policy(allow(READ, BOOKS, **both)))
        self.kms.put_key_policy(KeyId=self.key, Policy=own_key(allow(USE, **both)))
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", **both})
        self.own_iam.update_assume_role_policy(RoleName="Guest", PolicyDocument=trust)

    def shown(self):
        """Whom each of the three policies names now."""
        trust = self.own_iam.get_role(RoleName="Guest")["Role"]["AssumeRolePolicyDocument"]
        texts = [
            json.loads(self.s3.get_bucket_policy(Bucket="books")["Policy"]),
            json.loads(self.kms.get_key_policy(KeyId=self.key)["Policy"]),
            trust,
        ]
        return [set(text["Statement"][-1]["Principal"]["AWS"]) for text in texts]

    def uses(self, who):
        kms = self.server.client("kms", who=who)
        return [
            reads(self.server, who),
            is_allowed(lambda: kms.encrypt(KeyId=self.key, Plaintext=b"x"), "AccessDeniedException"),
            is_allowed(lambda: self.server.assume(who, self.guest), "AccessDenied"),
        ]


def test_policies_of_another_account_know_users_and_roles_by_id_alone(server, far):
    named = Named(server, far)
    assert named.shown() == [{named.user.arn, named.role}] * 3
    for who in (named.user, named.session):
        assert named.uses(who) == [True] * 3
    ids = {named.user_id, named.role_id}
    assert [id[:4] for id in sorted(ids)] == ["AIDA", "AROA"]
    named.delete()
    assert named.shown() == [ids] * 3
    named.make()
    assert named.shown() == [ids] * 3, "they are others"
    for who in (named.user, named.session):
        assert named.uses(who) == [False] * 3
    # As it is shown now no policy can be put again.
    # SPEC: https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error
    dead = to(*ids)
    with refused("MalformedPolicy", "Invalid principal in policy", 400):
        named.s3.put_bucket_policy(Bucket="books", Policy=policy(allow(READ, BOOKS, **dead)))
    text = "Policy contains a statement with one or more invalid principals."
    with refused("MalformedPolicyDocumentException", text, 400):
        named.kms.put_key_policy(KeyId=named.key, Policy=own_key(allow(USE, **dead)))
    with refused("MalformedPolicyDocument", re.compile("^Invalid principal in policy"), 400):
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", **dead})
        named.own_iam.update_assume_role_policy(RoleName="Guest", PolicyDocument=trust)
    named.name_them()
    for who in (named.user, named.session):
        assert named.uses(who) == [True] * 3
