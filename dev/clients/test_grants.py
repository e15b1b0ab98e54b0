"""Grants of KMS keys, and key policies whose principals come and go, as boto3 sees them."""

import base64
import json
import re
from dataclasses import dataclass

import boto3
import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, allow, deny_text, make_bucket, policy, poll, refused

VALIDATION = "ValidationException"
DENIED = "AccessDeniedException"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
GRANT_ID = re.compile(r"[0-9a-f]{64}")
ID = re.compile(r"AIDA[A-Z0-9]{17}")


@pytest.fixture
def kms(server):
    return server.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


def grants(kms, key, **filters):
    return kms.list_grants(KeyId=key, **filters)["Grants"]


CALLS = {
    "Encrypt": lambda kms, key, blob, **more: kms.encrypt(KeyId=key, Plaintext=b"x", **more),
    "Decrypt": lambda kms, key, blob, **more: kms.decrypt(CiphertextBlob=blob, **more),
    "GenerateDataKey": lambda kms, key, blob, **more: kms.generate_data_key(KeyId=key, KeySpec="AES_256", **more),
    "GenerateDataKeyWithoutPlaintext": lambda kms, key, blob, **more: kms.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256", **more
    ),
    "DescribeKey": lambda kms, key, blob, **more: kms.describe_key(KeyId=key, **more),
    "ReEncryptFrom ReEncryptTo": lambda kms, key, blob, **more: kms.re_encrypt(
        CiphertextBlob=blob, DestinationKeyId=key, **more
    ),
}


def allowed(call):
    """Whether policies let the call be made."""
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == DENIED, error
        return False
    return True


# --- what a grant gives ---


def test_a_grant_allows_its_operations_to_its_grantee_and_nothing_else(server, kms, key):
    alice, bob = server.user("alice"), server.user("bob")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    as_alice, as_bob = server.client("kms", who=alice), server.client("kms", who=bob)
    for granted in CALLS:
        made = kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=granted.split())
        assert GRANT_ID.fullmatch(made["GrantId"]) and made["GrantToken"]
        for name, call in CALLS.items():
            assert allowed(lambda: call(as_alice, key, blob)) == (name == granted), f"{name} by a grant of {granted}"
            assert not allowed(lambda: call(as_bob, key, blob))
        kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
        assert not allowed(lambda: CALLS[granted](as_alice, key, blob))
    with refused(DENIED, deny_text(alice, "kms:Encrypt", key), 400):
        as_alice.encrypt(KeyId=key, Plaintext=b"x")


def test_re_encrypt_needs_a_grant_on_either_side(server, kms, key):
    alice = server.user("alice")
    other = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    move = lambda: server.client("kms", who=alice).re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)
    kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["ReEncryptFrom"])
    assert not allowed(move)
    kms.create_grant(KeyId=other, GranteePrincipal=alice.arn, Operations=["ReEncryptTo"])
    assert allowed(move)


def test_a_grant_needs_no_key_policy_and_yields_to_a_deny(server, kms):
    alice = server.user("alice")
    manage = ["kms:CreateGrant", "kms:PutKeyPolicy", "kms:Encrypt", "kms:RevokeGrant"]
    own = [{"Sid": "own", **allow(manage, Principal={"AWS": ROOT})}]
    key = kms.create_key(Policy=policy(*own))["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Decrypt"])
    decrypt = lambda: server.client("kms", who=alice).decrypt(CiphertextBlob=blob)
    assert decrypt()["Plaintext"] == b"x"
    deny = {**allow("kms:Decrypt", Principal={"AWS": alice.arn}), "Effect": "Deny"}
    kms.put_key_policy(KeyId=key, Policy=policy(*own, deny))
    with refused(DENIED, re.compile("with an explicit deny in a resource-based policy$"), 400):
        decrypt()


def test_a_grant_to_an_account_is_to_its_root(server, kms):
    alice = server.user("alice", allow("kms:*"))
    manage = allow(["kms:CreateGrant", "kms:PutKeyPolicy", "kms:DescribeKey"], Principal={"AWS": ROOT})
    key = kms.create_key(Policy=policy(manage))["KeyMetadata"]["Arn"]
    kms.create_grant(KeyId=key, GranteePrincipal=ROOT, Operations=["Encrypt"])
    assert allowed(lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))
    assert not allowed(lambda: server.client("kms", who=alice).encrypt(KeyId=key, Plaintext=b"x"))


def test_a_grant_counts_for_calls_that_s3_makes_on_a_users_behalf(server, kms, key):
    alice = server.user("alice", allow("s3:*"))
    bucket = make_bucket(server, "sealed-for-alice")
    sealed = {"Bucket": bucket, "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    as_alice = server.client("s3", who=alice)
    with refused("AccessDenied", re.compile("kms:GenerateDataKey"), 403):
        as_alice.put_object(**sealed, Body=b"x")
    kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["GenerateDataKey"])
    as_alice.put_object(**sealed, Body=b"x")
    with refused("AccessDenied", re.compile("kms:Decrypt"), 403):
        as_alice.get_object(Bucket=bucket, Key="k")
    pairs = {"aws:s3:arn": f"arn:aws:s3:::{bucket}/k"}
    kms.create_grant(
        KeyId=key, GranteePrincipal=alice.arn, Operations=["Decrypt"], Constraints={"EncryptionContextSubset": pairs}
    )
    assert as_alice.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    as_alice.put_object(**{**sealed, "Key": "other"}, Body=b"x")
    with refused("AccessDenied", re.compile("kms:Decrypt"), 403):
        as_alice.get_object(Bucket=bucket, Key="other")


def test_grants_outlive_a_restart_and_are_of_one_key(server, kms, key):
    alice = server.user("alice")
    other = kms.create_key()["KeyMetadata"]["Arn"]
    made = kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt"])
    server.restart()
    kms, as_alice = server.client("kms"), server.client("kms", who=alice)
    as_alice.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    assert not allowed(lambda: as_alice.encrypt(KeyId=other, Plaintext=b"x", GrantTokens=[made["GrantToken"]]))
    assert [one["GrantId"] for one in grants(kms, key)] == [made["GrantId"]] and grants(kms, other) == []


# --- constraints ---


@pytest.mark.parametrize("kind", ["EncryptionContextEquals", "EncryptionContextSubset"])
def test_constraints_match_names_and_values_in_their_exact_case(server, kms, key, kind):
    alice = server.user("alice")
    as_alice = server.client("kms", who=alice)
    pairs = {"Department": "IT", "Stage": "Test"}
    operations = ["Encrypt", "Decrypt", "DescribeKey"]
    kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=operations, Constraints={kind: pairs})
    subset = kind == "EncryptionContextSubset"
    for context, expected in [
        (pairs, True),
        (dict(reversed(pairs.items())), True),
        ({**pairs, "Purpose": "x"}, subset),
        ({"Department": "IT"}, False),
        ({"department": "IT", "Stage": "Test"}, False),
        ({"Department": "it", "Stage": "Test"}, False),
        ({}, False),
    ]:
        seal = lambda: as_alice.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)
        assert allowed(seal) == expected, f"{kind} {context}"
        if expected:
            blob = seal()["CiphertextBlob"]
            assert as_alice.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
    as_alice.describe_key(KeyId=key)


def test_a_constraint_has_one_kind_few_pairs_and_short_values(server, kms, key):
    alice = server.user("alice")
    asked = {"KeyId": key, "GranteePrincipal": alice.arn, "Operations": ["Decrypt"]}
    for kind in ("EncryptionContextEquals", "EncryptionContextSubset"):
        kms.create_grant(**asked, Constraints={kind: {str(n): "v" * 384 for n in range(8)}})
        for pairs in ({str(n): "v" for n in range(9)}, {"a": "v" * 385}):
            with refused(VALIDATION, status=400):
                kms.create_grant(**asked, Constraints={kind: pairs})
    with refused(VALIDATION, status=400):
        both = {"EncryptionContextEquals": {"a": "1"}, "EncryptionContextSubset": {"a": "1"}}
        kms.create_grant(**asked, Constraints=both)


# --- what CreateGrant takes ---


def test_operations_are_those_that_the_key_has(server, kms, key):
    asked = {"KeyId": key, "GranteePrincipal": server.user("alice").arn}
    every = """Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo CreateGrant
        RetireGrant DescribeKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext""".split()
    kms.create_grant(**asked, Operations=every)
    assert sorted(grants(kms, key)[0]["Operations"]) == sorted(every)
    for other in "Sign Verify GetPublicKey GenerateMac VerifyMac DeriveSharedSecret PutKeyPolicy decrypt".split():
        with refused(VALIDATION, re.compile(other), 400):
            kms.create_grant(**asked, Operations=["Decrypt", other])
    with refused(VALIDATION, status=400):
        kms.create_grant(**asked, Operations=[])


def test_principals_must_exist(server, kms, key):
    alice = server.user("alice")
    for text in (
        f"arn:aws:iam::{ACCOUNT}:user/nobody",
        f"arn:aws:iam::{ACCOUNT}:role/nobody",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/nobody/session",
        "arn:aws:iam::111122223333:root",
        f"arn:aws:iam::{ACCOUNT}:group/all",
        "s3.amazonaws.com",
        ACCOUNT,
        "alice",
    ):
        wrong = f"ARN does not refer to a valid principal: {text}"
        with refused("InvalidArnException", wrong, 400):
            kms.create_grant(KeyId=key, GranteePrincipal=text, Operations=["Decrypt"])
        with refused("InvalidArnException", wrong, 400):
            kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, RetiringPrincipal=text, Operations=["Decrypt"])
    with refused(VALIDATION, status=400):
        kms.create_grant(KeyId=key, GranteePrincipal="a b", Operations=["Decrypt"])
    with refused(VALIDATION, status=400):
        kms.create_grant(KeyId=key, Operations=["Decrypt"])
    assert grants(kms, key) == []


def test_service_principals_are_refused_by_name(kms, key):
    service = {"KeyId": key, "GranteeServicePrincipal": "s3.amazonaws.com", "Operations": ["Decrypt"]}
    with refused("UnsupportedOperationException", "GranteeServicePrincipal is not supported.", 400):
        kms.create_grant(**service, Constraints={"SourceArn": "arn:aws:s3:us-east-1:111122223333:bucket"})


def test_a_name_makes_a_repeated_request_one_grant(server, kms, key):
    alice, bob = server.user("alice"), server.user("bob")
    asked = {"KeyId": key, "GranteePrincipal": alice.arn, "Operations": ["Encrypt", "Decrypt"]}
    first, again = kms.create_grant(**asked, Name="once"), kms.create_grant(**asked, Name="once")
    assert first["GrantId"] == again["GrantId"] and first["GrantToken"] != again["GrantToken"]
    reordered = {**asked, "Operations": ["Decrypt", "Encrypt"]}
    assert kms.create_grant(**reordered, Name="once")["GrantId"] == first["GrantId"]
    as_alice = server.client("kms", who=alice)
    for token in (first["GrantToken"], again["GrantToken"]):
        as_alice.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[token])
    others = [
        kms.create_grant(**asked, Name="twice"),
        kms.create_grant(**{**asked, "Operations": ["Encrypt"]}, Name="once"),
        kms.create_grant(**{**asked, "GranteePrincipal": bob.arn}, Name="once"),
        kms.create_grant(**asked, RetiringPrincipal=bob.arn, Name="once"),
        kms.create_grant(**asked, Constraints={"EncryptionContextSubset": {"a": "1"}}, Name="once"),
        kms.create_grant(**asked),
        kms.create_grant(**asked),
    ]
    ids = {first["GrantId"], *(one["GrantId"] for one in others)}
    assert len(ids) == 8 and {one["GrantId"] for one in grants(kms, key)} == ids
    kms.revoke_grant(KeyId=key, GrantId=first["GrantId"])
    assert kms.create_grant(**asked, Name="once")["GrantId"] not in ids
    for name in ("a b", "x" * 257):
        with refused(VALIDATION, status=400):
            kms.create_grant(**asked, Name=name)


def test_a_trial_makes_and_takes_nothing(server, kms, key):
    alice = server.user("alice")
    asked = {"KeyId": key, "GranteePrincipal": alice.arn, "Operations": ["Encrypt"]}
    text = "The request would have succeeded, but the DryRun option is set."
    with refused("DryRunOperationException", text, 400):
        kms.create_grant(**asked, DryRun=True)
    assert grants(kms, key) == []
    made = kms.create_grant(**asked)
    for call in (kms.revoke_grant, kms.retire_grant):
        with refused("DryRunOperationException", text, 400):
            call(KeyId=key, GrantId=made["GrantId"], DryRun=True)
    assert len(grants(kms, key)) == 1
    with refused(DENIED, status=400):
        server.client("kms", who=alice).create_grant(**asked, DryRun=True)


# --- tokens ---


def test_tokens_are_of_grants_that_are_there(server, kms, key):
    alice = server.user("alice")
    as_alice = server.client("kms", who=alice)
    operations = [name for names in CALLS for name in names.split()]
    made = kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=[*operations, "CreateGrant"])
    token = made["GrantToken"]
    raw = bytearray(base64.b64decode(token))
    assert made["GrantId"].encode() not in raw
    raw[-1] ^= 1
    altered = base64.b64encode(bytes(raw)).decode()
    other_account = base64.b64encode(b"\x01" + b"999999999999" + bytes(raw[13:])).decode()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    calls = {
        **CALLS,
        "CreateGrant": lambda kms, key, blob, **more: kms.create_grant(
            KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt"], **more
        ),
    }
    gone = kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt"])
    kms.revoke_grant(KeyId=key, GrantId=gone["GrantId"])
    elsewhere = server.client("kms", "eu-west-1")
    there = elsewhere.create_key()["KeyMetadata"]["KeyId"]
    abroad = elsewhere.create_grant(KeyId=there, GranteePrincipal=alice.arn, Operations=["Encrypt"])["GrantToken"]
    for name, call in calls.items():
        call(as_alice, key, blob, GrantTokens=[token])
        call(as_alice, key, blob, GrantTokens=[token] * 10)
        for wrong in (altered, other_account, "AAAA", "not base64", gone["GrantToken"], abroad):
            with refused("InvalidGrantTokenException", status=400):
                call(as_alice, key, blob, GrantTokens=[token, wrong])
        with refused(VALIDATION, status=400):
            call(as_alice, key, blob, GrantTokens=[token] * 11)


def test_a_token_gives_nothing_to_others(server, kms, key):
    alice, bob = server.user("alice"), server.user("bob")
    token = kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt"])["GrantToken"]
    with refused(DENIED, deny_text(bob, "kms:Encrypt", key), 400):
        server.client("kms", who=bob).encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[token])


# --- grants of grants ---


def test_who_may_make_grants_by_a_grant_makes_none_that_is_wider(server, kms, key):
    alice, bob = server.user("alice"), server.user("bob")
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=alice.arn,
        Operations=["Decrypt", "CreateGrant"],
        Constraints={"EncryptionContextSubset": {"Department": "IT"}},
    )
    as_alice = server.client("kms", who=alice)
    equals, subset = "EncryptionContextEquals", "EncryptionContextSubset"
    for operations, constraints, expected in [
        (["Decrypt"], {subset: {"Department": "IT"}}, True),
        (["Decrypt", "CreateGrant"], {equals: {"Department": "IT"}}, True),
        (["Decrypt"], {subset: {"Department": "IT", "Purpose": "Test"}}, True),
        (["Decrypt"], {}, False),
        (["Decrypt"], {subset: {"Purpose": "Test"}}, False),
        (["Decrypt"], {subset: {"Department": "it"}}, False),
        (["Decrypt", "Encrypt"], {subset: {"Department": "IT"}}, False),
        (["RetireGrant"], {subset: {"Department": "IT"}}, False),
    ]:
        make = lambda: as_alice.create_grant(
            KeyId=key, GranteePrincipal=bob.arn, Operations=operations, Constraints=constraints
        )
        assert allowed(make) == expected, f"{operations} {constraints}"

    # Bob got CreateGrant with the exact context: what he hands on is exact too.
    as_bob = server.client("kms", who=bob)
    hand_on = lambda kind: as_bob.create_grant(
        KeyId=key, GranteePrincipal=alice.arn, Operations=["Decrypt"], Constraints={kind: {"Department": "IT"}}
    )
    assert allowed(lambda: hand_on(equals)) and not allowed(lambda: hand_on(subset))

    # Leave from a policy has no such bounds, and needs none of the rights that it gives.
    carol = server.user("carol", allow("kms:CreateGrant"))
    as_carol = server.client("kms", who=carol)
    as_carol.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"])
    assert not allowed(lambda: as_carol.encrypt(KeyId=key, Plaintext=b"x"))
    as_bob.encrypt(KeyId=key, Plaintext=b"x")


# --- retiring and revoking ---


def test_who_may_retire_a_grant(server, kms, key):
    """Its retiring principal, its grantee if it says so, the account and whom the account's IAM lets; nobody else."""
    grantee, retirer, bystander = server.user("grantee"), server.user("retirer"), server.user("bystander")
    manager = server.user("manager", allow("kms:RetireGrant", key))
    revoker = server.user("revoker", allow("kms:RevokeGrant", key))
    root = server.root
    everyone = [grantee, retirer, bystander, manager, revoker, root]
    for retiring, operations, expected in [
        (None, ["Encrypt"], {"manager", "root"}),
        (None, ["Encrypt", "RetireGrant"], {"grantee", "manager", "root"}),
        (retirer, ["Encrypt"], {"retirer", "manager", "root"}),
        (retirer, ["RetireGrant"], {"grantee", "retirer", "manager", "root"}),
    ]:
        for by_token in (True, False):
            for who in everyone:
                named = {"RetiringPrincipal": retiring.arn} if retiring else {}
                made = kms.create_grant(KeyId=key, GranteePrincipal=grantee.arn, Operations=operations, **named)
                given = {"GrantToken": made["GrantToken"]} if by_token else {"KeyId": key, "GrantId": made["GrantId"]}
                found = allowed(lambda: server.client("kms", who=who).retire_grant(**given))
                assert found == (who.name in expected), f"{who.name} of {expected}"
                left = {one["GrantId"] for one in grants(kms, key)}
                assert (made["GrantId"] in left) != found
    made = kms.create_grant(KeyId=key, GranteePrincipal=grantee.arn, Operations=["RetireGrant"])
    with refused(DENIED, deny_text(bystander, "kms:RetireGrant", key), 400):
        server.client("kms", who=bystander).retire_grant(GrantToken=made["GrantToken"])


def test_a_deny_in_iam_keeps_a_retiring_principal_from_retiring(server, kms, key):
    grantee = server.user("grantee")
    retirer = server.user("retirer", {**allow("kms:RetireGrant"), "Effect": "Deny"})
    made = kms.create_grant(
        KeyId=key, GranteePrincipal=grantee.arn, RetiringPrincipal=retirer.arn, Operations=["Encrypt"]
    )
    with refused(DENIED, re.compile("with an explicit deny in an identity-based policy"), 400):
        server.client("kms", who=retirer).retire_grant(GrantToken=made["GrantToken"])


def test_a_key_policy_says_nothing_of_retiring(server, kms, key):
    grantee, stranger = server.user("grantee"), server.user("stranger")
    document = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    document["Statement"].append(allow("kms:RetireGrant", Principal={"AWS": stranger.arn}))
    document["Statement"].append({**allow("kms:RetireGrant", Principal={"AWS": grantee.arn}), "Effect": "Deny"})
    kms.put_key_policy(KeyId=key, Policy=json.dumps(document))
    made = kms.create_grant(KeyId=key, GranteePrincipal=grantee.arn, Operations=["RetireGrant"])
    assert not allowed(lambda: server.client("kms", who=stranger).retire_grant(GrantToken=made["GrantToken"]))
    assert allowed(lambda: server.client("kms", who=grantee).retire_grant(GrantToken=made["GrantToken"]))


def test_a_grant_to_retire_is_named_by_token_or_by_key_and_id(kms, key):
    made = kms.create_grant(KeyId=key, GranteePrincipal=ROOT, Operations=["Encrypt"])
    both = {"KeyId": key, "GrantId": made["GrantId"]}
    for given in ({}, {"KeyId": key}, {"GrantId": made["GrantId"]}, {**both, "GrantToken": made["GrantToken"]}):
        with refused(VALIDATION, status=400):
            kms.retire_grant(**given)
    with refused("NotFoundException", status=400):
        kms.retire_grant(KeyId=key, GrantId="0" * 64)
    with refused("InvalidGrantIdException", status=400):
        kms.retire_grant(KeyId=key, GrantId="nonsense")
    with refused("InvalidGrantTokenException", status=400):
        kms.retire_grant(GrantToken="nonsense")
    kms.retire_grant(KeyId=key.split("/")[1], GrantId=made["GrantId"])
    with refused("InvalidGrantTokenException", status=400):
        kms.retire_grant(GrantToken=made["GrantToken"])


def test_who_manages_a_key_revokes_its_grants(server, kms, key):
    alice = server.user("alice")
    revoker = server.user("revoker", allow("kms:RevokeGrant", key))
    made = kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt", "RetireGrant"])
    asked = {"KeyId": key, "GrantId": made["GrantId"]}
    with refused(DENIED, deny_text(alice, "kms:RevokeGrant", key), 400):
        server.client("kms", who=alice).revoke_grant(**asked)
    server.client("kms", who=revoker).revoke_grant(**asked)
    assert not allowed(lambda: server.client("kms", who=alice).encrypt(KeyId=key, Plaintext=b"x"))
    with refused("NotFoundException", status=400):
        kms.revoke_grant(**asked)
    with refused("InvalidGrantIdException", status=400):
        kms.revoke_grant(KeyId=key, GrantId="nonsense")
    with refused("NotFoundException", "Key '" + key[:-1] + ("0" if key[-1] != "0" else "1") + "' does not exist", 400):
        kms.revoke_grant(**{**asked, "KeyId": key[:-1] + ("0" if key[-1] != "0" else "1")})


# --- listing ---


def test_a_grant_is_listed_as_it_was_made(server, kms, key):
    alice, bob = server.user("alice"), server.user("bob")
    made = kms.create_grant(
        KeyId=key.split("/")[1],
        GranteePrincipal=alice.arn,
        RetiringPrincipal=bob.arn,
        Operations=["Decrypt", "RetireGrant"],
        Constraints={"EncryptionContextSubset": {"a": "1"}},
        Name="mine",
    )
    (found,) = grants(kms, key)
    assert abs((found.pop("CreationDate") - server.now()).total_seconds()) < 60
    assert found == {
        "KeyId": key,
        "GrantId": made["GrantId"],
        "Name": "mine",
        "GranteePrincipal": alice.arn,
        "RetiringPrincipal": bob.arn,
        "IssuingAccount": ROOT,
        "Operations": ["Decrypt", "RetireGrant"],
        "Constraints": {"EncryptionContextSubset": {"a": "1"}},
    }
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt"])
    (bare,) = grants(kms, key)
    assert bare["Name"] == "" and not {"RetiringPrincipal", "Constraints"} & set(bare)


def test_listings_page_and_filter(server, kms, key):
    alice, bob = server.user("alice"), server.user("bob")
    retired = {"RetiringPrincipal": bob.arn}
    made = {alice.arn: set(), bob.arn: set()}
    for n in range(120):
        who = (alice, bob)[n % 2].arn
        made[who].add(kms.create_grant(KeyId=key, GranteePrincipal=who, Operations=["Encrypt"], **retired)["GrantId"])
    every = made[alice.arn] | made[bob.arn]

    def pages(operation, size, **asked):
        found = list(kms.get_paginator(operation).paginate(**asked, PaginationConfig={"PageSize": size}))
        return [len(page["Grants"]) for page in found], [one["GrantId"] for page in found for one in page["Grants"]]

    listings = {"list_grants": {"KeyId": key}, "list_retirable_grants": {"RetiringPrincipal": bob.arn}}
    for operation, asked in listings.items():
        for size, expected in ((50, [50, 50, 20]), (1000, [100, 20])):
            sizes, ids = pages(operation, size, **asked)
            assert sizes == expected and len(ids) == len(set(ids)) and set(ids) == every
    sizes, ids = pages("list_grants", 25, KeyId=key, GranteePrincipal=alice.arn)
    assert sizes == [25, 25, 10] and set(ids) == made[alice.arn]
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 50
    one = next(iter(made[bob.arn]))
    assert [found["GrantId"] for found in grants(kms, key, GrantId=one)] == [one]
    assert grants(kms, key, GrantId=one, GranteePrincipal=alice.arn) == []
    assert grants(kms, key, GrantId="0" * 64) == []
    with refused("InvalidMarkerException", status=400):
        kms.list_grants(KeyId=key, Marker="%%%")
    with refused(VALIDATION, status=400):
        kms.list_grants(KeyId=key, Limit=1001)
    with refused("NotFoundException", status=400):
        kms.list_grants(KeyId="alias/none")


def test_retirable_grants_are_of_all_keys_of_the_region_and_of_one_principal(server, kms, key):
    alice = server.user("alice")
    bob = server.user("bob", allow("kms:ListRetirableGrants", f"arn:aws:iam::{ACCOUNT}:user/*"))
    other = kms.create_key()["KeyMetadata"]["Arn"]
    there = server.client("kms", "eu-west-1")
    abroad = there.create_key()["KeyMetadata"]["Arn"]
    asked = {"GranteePrincipal": alice.arn, "Operations": ["Encrypt"], "RetiringPrincipal": bob.arn}
    ids = {client.create_grant(KeyId=one, **asked)["GrantId"] for client, one in ((kms, key), (kms, other))}
    there.create_grant(KeyId=abroad, **asked)
    kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt"], RetiringPrincipal=alice.arn)
    as_bob = server.client("kms", who=bob)
    found = as_bob.list_retirable_grants(RetiringPrincipal=bob.arn)["Grants"]
    assert {one["GrantId"] for one in found} == ids and {one["KeyId"] for one in found} == {key, other}
    for one in found:
        as_bob.retire_grant(KeyId=one["KeyId"], GrantId=one["GrantId"])
    assert as_bob.list_retirable_grants(RetiringPrincipal=bob.arn)["Grants"] == []
    with refused(DENIED, status=400):
        server.client("kms", who=alice).list_retirable_grants(RetiringPrincipal=alice.arn)
    with refused(DENIED, status=400):
        as_bob.list_retirable_grants(RetiringPrincipal=ROOT)
    with refused("InvalidArnException", status=400):
        kms.list_retirable_grants(RetiringPrincipal="arn:aws:iam::111122223333:root")
    with refused(VALIDATION, status=400):
        kms.list_retirable_grants()


def test_listing_grants_is_a_right_of_the_key(server, kms, key):
    alice = server.user("alice")
    kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["DescribeKey"])
    with refused(DENIED, deny_text(alice, "kms:ListGrants", key), 400):
        server.client("kms", who=alice).list_grants(KeyId=key)


# --- states ---


@pytest.mark.serve("--rehearsal")
def test_states_of_a_key_and_its_grants(server, kms, key):
    alice = server.user("alice")
    asked = {"KeyId": key, "GranteePrincipal": alice.arn, "Operations": ["Encrypt"], "RetiringPrincipal": alice.arn}
    first, second, third = (kms.create_grant(**asked) for _ in range(3))
    kms.disable_key(KeyId=key)
    with refused("DisabledException", f"{key} is disabled.", 400):
        kms.create_grant(**asked)
    with refused("DisabledException", f"{key} is disabled.", 400):
        server.client("kms", who=alice).encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[first["GrantToken"]])
    kms.revoke_grant(KeyId=key, GrantId=first["GrantId"])
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException", f"{key} is pending deletion.", 400):
        kms.create_grant(**asked)
    kms.retire_grant(GrantToken=second["GrantToken"])
    assert [one["GrantId"] for one in grants(kms, key)] == [third["GrantId"]]
    assert len(kms.list_retirable_grants(RetiringPrincipal=alice.arn)["Grants"]) == 1
    server.advance("8d")
    with refused("NotFoundException", f"Key '{key}' does not exist", 400):
        kms.list_grants(KeyId=key)
    assert kms.list_retirable_grants(RetiringPrincipal=alice.arn)["Grants"] == []
    with refused("InvalidGrantTokenException", status=400):
        kms.retire_grant(GrantToken=third["GrantToken"])


# --- condition keys ---


def test_condition_keys_of_grants(server, kms, key):
    alice, bob = server.user("alice"), server.user("bob")
    equals, subset = "EncryptionContextEquals", "EncryptionContextSubset"
    asked = {"KeyId": key, "GranteePrincipal": alice.arn, "Operations": ["Encrypt", "Decrypt"]}
    some = {**asked, "Constraints": {subset: {"Department": "IT", "Stage": "Test"}}}
    retired = {**asked, "RetiringPrincipal": bob.arn}
    for n, (condition, request, expected) in enumerate(
        [
            ({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "Decrypt"]}}, asked, True),
            ({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}, asked, False),
            ({"ForAnyValue:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}, asked, True),
            ({"StringEquals": {"kms:GrantConstraintType": subset}}, some, True),
            ({"StringEquals": {"kms:GrantConstraintType": equals}}, some, False),
            ({"Null": {"kms:GrantConstraintType": "true"}}, asked, True),
            ({"StringEquals": {"kms:GranteePrincipal": alice.arn}}, asked, True),
            ({"StringEquals": {"kms:GranteePrincipal": bob.arn}}, asked, False),
            ({"StringEquals": {"kms:RetiringPrincipal": bob.arn}}, retired, True),
            ({"StringEquals": {"kms:RetiringPrincipal": bob.arn}}, asked, False),
            ({"Bool": {"kms:GrantIsForAWSResource": "true"}}, asked, False),
            ({"Bool": {"kms:GrantIsForAWSResource": "false"}}, asked, True),
            ({"StringEquals": {"kms:EncryptionContext:Department": "IT"}}, some, True),
            ({"StringEquals": {"kms:EncryptionContext:Department": "HR"}}, some, False),
            ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["Department", "Stage"]}}, some, True),
            ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["Department"]}}, some, False),
            ({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:KeyUsage": "ENCRYPT_DECRYPT"}}, asked, True),
            ({"StringEquals": {"kms:CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"}}, asked, True),
            ({"StringEquals": {"kms:CallerAccount": ACCOUNT}}, asked, True),
            ({"Null": {"kms:ViaService": "true", "kms:MultiRegionKeyType": "true"}}, asked, True),
        ]
    ):
        who = server.user(f"maker{n}", allow("kms:CreateGrant", key, Condition=condition))
        assert allowed(lambda: server.client("kms", who=who).create_grant(**request)) == expected, condition


def test_condition_keys_that_are_set_only_where_aws_sets_them(server, kms, key):
    absent = lambda action, *keys: allow(action, Condition={"Null": {one: "true" for one in keys}})
    user = server.user(
        "user",
        absent("kms:ListKeys", "kms:CallerAccount"),
        absent("kms:ListAliases", "kms:CallerAccount"),
        absent("kms:GenerateRandom", "kms:CallerAccount"),
        absent("kms:ListRetirableGrants", "kms:CallerAccount"),
        absent("kms:PutKeyPolicy", "kms:BypassPolicyLockoutSafetyCheck"),
        absent("kms:CreateKey", "kms:BypassPolicyLockoutSafetyCheck", "kms:MultiRegionKeyType"),
    )
    as_user = server.client("kms", who=user)
    as_user.list_keys()
    as_user.list_aliases()
    as_user.generate_random(NumberOfBytes=1)
    as_user.list_retirable_grants(RetiringPrincipal=user.arn)
    document = kms.get_key_policy(KeyId=key)["Policy"]
    as_user.put_key_policy(KeyId=key, Policy=document)
    as_user.create_key()
    for bypass in (True, False):
        with refused(DENIED, status=400):
            as_user.put_key_policy(KeyId=key, Policy=document, BypassPolicyLockoutSafetyCheck=bypass)
        with refused(DENIED, status=400):
            as_user.create_key(BypassPolicyLockoutSafetyCheck=bypass)


def test_keys_are_told_apart_by_tag_and_alias(server, kms):
    """Attribute-based access: aws:ResourceTag and kms:ResourceAliases of the key, kms:RequestAlias of the request."""
    red = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]["Arn"]
    blue = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "blue"}])["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/of-blue", TargetKeyId=blue)
    may = lambda name, condition: server.client("kms", who=server.user(name, allow("kms:Encrypt", Condition=condition)))
    by_tag = may("by-tag", {"StringEquals": {"aws:ResourceTag/team": "red"}})
    by_alias = may("by-alias", {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/of-blue"}})
    by_name = may("by-name", {"StringEquals": {"kms:RequestAlias": "alias/of-blue"}})
    for client, asked, expected in [
        (by_tag, red, True),
        (by_tag, blue, False),
        (by_alias, blue, True),
        (by_alias, "alias/of-blue", True),
        (by_alias, red, False),
        (by_name, "alias/of-blue", True),
        (by_name, blue, False),
    ]:
        assert allowed(lambda: client.encrypt(KeyId=asked, Plaintext=b"x")) == expected, asked
    only_red = {"StringEquals": {"aws:RequestTag/team": "red"}, "ForAllValues:StringEquals": {"aws:TagKeys": "team"}}
    maker = server.user("maker", allow(["kms:CreateKey", "kms:TagResource"], Condition=only_red))
    make = lambda **tags: server.client("kms", who=maker).create_key(
        Tags=[{"TagKey": name, "TagValue": value} for name, value in tags.items()]
    )
    assert allowed(lambda: make(team="red"))
    assert not allowed(lambda: make(team="blue")) and not allowed(lambda: make(team="red", more="x"))


# --- records ---


def test_records_of_grants(server, kms, key):
    alice = server.user("alice")
    key_id = key.split("/")[1]
    kept, token, revoked = (
        kms.create_grant(
            KeyId=key_id,
            GranteePrincipal=alice.arn,
            Operations=["Encrypt", "RetireGrant"],
            Constraints={"EncryptionContextSubset": {"ContextKey1": "Value1"}},
        )
        for _ in range(3)
    )
    server.client("kms", who=alice).retire_grant(GrantToken=token["GrantToken"])
    kms.revoke_grant(KeyId=key_id, GrantId=revoked["GrantId"])
    kms.list_grants(KeyId=key_id, Limit=10)
    cloudtrail = server.client("cloudtrail")

    def record(name):
        asked = [{"AttributeKey": "EventName", "AttributeValue": name}]
        found = poll(lambda: cloudtrail.lookup_events(LookupAttributes=asked)["Events"])
        return json.loads(found[-1]["CloudTrailEvent"])

    made = record("CreateGrant")
    assert made["requestParameters"] == {
        "keyId": key_id,
        "constraints": {"encryptionContextSubset": {"ContextKey1": "Value1"}},
        "operations": ["Encrypt", "RetireGrant"],
        "granteePrincipal": alice.arn,
    }
    assert made["responseElements"] == {"grantId": kept["GrantId"], "keyId": key}
    assert made["readOnly"] is False
    assert made["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]
    retired = record("RetireGrant")
    assert retired["requestParameters"] is None and retired["responseElements"] is None
    assert retired["additionalEventData"] == {"grantId": token["GrantId"]}
    assert retired["userIdentity"]["userName"] == "alice" and retired["resources"][0]["ARN"] == key
    taken = record("RevokeGrant")
    assert taken["requestParameters"] == {"keyId": key_id, "grantId": revoked["GrantId"]}
    assert taken["responseElements"] is None and taken["readOnly"] is False
    listed = record("ListGrants")
    assert listed["requestParameters"] == {"keyId": key_id, "limit": 10} and listed["readOnly"] is True


# --- principals that are no more ---


def forget_user(server, name):
    iam = server.client("iam")
    for one in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=one)
    for one in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=one["AccessKeyId"])
    iam.delete_user(UserName=name)


def test_a_user_made_again_inherits_no_key_policy(server, kms):
    alice = server.user("alice")
    text = (
        '{ "Version" : "2012-10-17",\n\t"Id":"' + alice.arn + '", "Statement":['
        f'{{"Effect":"Allow","Principal":{{"AWS":"{ROOT}"}},"Action":"kms:*","Resource":"*"}},\n'
        f'{{"Effect":"Allow","Principal":{{"AWS":["{alice.arn}", "{ACCOUNT}"]}},'
        '"Action":["kms:Encrypt"],"Resource":"*"}]}'
    )
    key = kms.create_key(Policy=text)["KeyMetadata"]["Arn"]
    assert kms.get_key_policy(KeyId=key)["Policy"] == text
    server.client("kms", who=alice).encrypt(KeyId=key, Plaintext=b"x")

    forget_user(server, "alice")
    left = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    (left_id, other) = left["Statement"][1]["Principal"]["AWS"]
    assert ID.fullmatch(left_id) and other == ACCOUNT and left["Id"] == alice.arn
    assert kms.get_key_policy(KeyId=key)["Policy"] == text.replace(f'["{alice.arn}"', f'["{left_id}"')

    again = server.user("alice")
    assert again.arn == alice.arn
    assert json.loads(kms.get_key_policy(KeyId=key)["Policy"]) == left
    with refused(DENIED, deny_text(again, "kms:Encrypt", key), 400):
        server.client("kms", who=again).encrypt(KeyId=key, Plaintext=b"x")

    # What is left of a principal cannot be put back; the new one can be named.
    wrong = "Policy contains a statement with one or more invalid principals."
    with refused("MalformedPolicyDocumentException", wrong, 400):
        kms.put_key_policy(KeyId=key, Policy=json.dumps(left))
    kms.put_key_policy(KeyId=key, Policy=text)
    assert kms.get_key_policy(KeyId=key)["Policy"] == text
    server.client("kms", who=again).encrypt(KeyId=key, Plaintext=b"x")


def test_a_user_made_again_inherits_no_grant(server, kms, key):
    alice = server.user("alice")
    asked = {"GranteePrincipal": alice.arn, "RetiringPrincipal": alice.arn, "Operations": ["Encrypt"]}
    made = kms.create_grant(KeyId=key, **asked)
    forget_user(server, "alice")
    (left,) = grants(kms, key)
    assert ID.fullmatch(left["GranteePrincipal"]) and left["RetiringPrincipal"] == left["GranteePrincipal"]
    again = server.user("alice")
    as_again = server.client("kms", who=again)
    assert grants(kms, key)[0]["GranteePrincipal"] == left["GranteePrincipal"]
    assert not allowed(lambda: as_again.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]]))
    assert not allowed(lambda: as_again.retire_grant(GrantToken=made["GrantToken"]))
    assert grants(kms, key, GranteePrincipal=again.arn) == []
    assert len(grants(kms, key, GranteePrincipal=left["GranteePrincipal"])) == 1
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])


def test_a_policy_that_names_who_is_not_there_is_refused(server, kms, key):
    for principal in (f"arn:aws:iam::{ACCOUNT}:user/nobody", "AIDAAAAAAAAAAAAAAAAAA", "111122223333"):
        text = policy(allow("kms:*", Principal={"AWS": [ROOT, principal]}))
        with refused("MalformedPolicyDocumentException", re.compile("invalid principals"), 400):
            kms.put_key_policy(KeyId=key, Policy=text)


def test_a_bucket_policy_names_no_id_that_is_nobodys(server):
    s3 = server.client("s3")
    bucket = make_bucket(server, "bkt-1")
    alice = server.user("alice")
    put = lambda who: s3.put_bucket_policy(
        Bucket=bucket, Policy=policy(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": who}))
    )
    principal = lambda: json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"][0]["Principal"]["AWS"]
    put(server.client("iam").get_user(UserName="alice")["User"]["UserId"])
    assert principal() == alice.arn
    forget_user(server, "alice")
    left = principal()
    assert ID.fullmatch(left)
    for nobody in (left, "AIDAAAAAAAAAAAAAAAAAA", "AROAAAAAAAAAAAAAAAAAA"):
        with refused("MalformedPolicy", "Invalid principal in policy", 400):
            put(nobody)
    assert principal() == left


@pytest.mark.parametrize("name", ["kms:EncryptionContext:a", "aws:RequestTag/a"])
def test_a_set_operator_on_a_condition_key_of_one_value_is_refused(kms, key, name):
    condition = {"ForAllValues:StringEquals": {name: "1"}}
    bound = allow("kms:Encrypt", Principal={"AWS": "*"}, Condition=condition)
    text = policy(allow("kms:*", Principal={"AWS": ROOT}), bound)
    with refused("MalformedPolicyDocumentException", re.compile("^OverlyPermissiveCondition"), 400):
        kms.put_key_policy(KeyId=key, Policy=text)


# --- several accounts ---

OTHER = "111122223333"


@dataclass(frozen=True)
class Member:
    """A principal of another account."""

    access_key: str
    secret_key: str
    name: str
    account: str = OTHER

    @property
    def arn(self):
        return f"arn:aws:iam::{self.account}:" + ("root" if self.name == "root" else f"user/{self.name}")


def other_account(server):
    done = server.run("account", "create", "--account", OTHER, "--json", "--data-dir", str(server.data_dir))
    made = json.loads(done.stdout)
    return Member(made["AccessKeyId"], made["SecretAccessKey"], "root")


def member(server, root, name, *statements):
    iam = server.client("iam", who=root)
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Member(key["AccessKeyId"], key["SecretAccessKey"], name)


def test_a_grant_reaches_into_another_account_and_needs_no_policy_there(server, kms, key):
    root = other_account(server)
    alice, bob = member(server, root, "alice"), member(server, root, "bob", allow("kms:*"))
    made = kms.create_grant(KeyId=key, GranteePrincipal=alice.arn, Operations=["Encrypt", "RetireGrant"])
    as_alice, as_bob = server.client("kms", who=alice), server.client("kms", who=bob)
    assert as_alice.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])["KeyId"] == key
    assert not allowed(lambda: as_bob.encrypt(KeyId=key, Plaintext=b"x"))
    assert not allowed(lambda: as_bob.retire_grant(KeyId=key, GrantId=made["GrantId"]))
    assert grants(kms, key)[0]["GranteePrincipal"] == alice.arn
    as_alice.retire_grant(KeyId=key, GrantId=made["GrantId"])
    assert not allowed(lambda: as_alice.encrypt(KeyId=key, Plaintext=b"x"))
    # Whether a key or a grant of another account exists is not told.
    for absent in (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555", key):
        assert not allowed(lambda: as_bob.retire_grant(KeyId=absent, GrantId="0" * 64))
        assert not allowed(lambda: as_bob.revoke_grant(KeyId=absent, GrantId="0" * 64))
        assert not allowed(lambda: as_bob.list_grants(KeyId=absent))


def test_a_stranger_is_told_the_same_of_keys_that_are_there_and_not(server, kms, key):
    root = other_account(server)
    kms.create_alias(AliasName="alias/there", TargetKeyId=key)
    place = key.rsplit("key/")[0]
    pairs = [
        (key, place + "key/11111111-2222-3333-4444-555555555555"),
        (place + "alias/there", place + "alias/gone"),
    ]
    facts = {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "aws:ResourceAccount": ACCOUNT}}
    named = {"StringLike": {"kms:RequestAlias": "alias/*"}}
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    calls = [
        lambda kms, key: kms.describe_key(KeyId=key),
        lambda kms, key: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda kms, key: kms.decrypt(KeyId=key, CiphertextBlob=blob),
    ]
    # Whatever the stranger's own policies ask, short of tags and aliases of the key.
    rights = {
        "all": [allow("kms:*")],
        "none": [],
        "facts": [allow("kms:*", Condition=facts)],
        "named": [allow("kms:*", Condition=named)],
        "not-named": [allow("kms:*"), {**allow("kms:*", Condition=named), "Effect": "Deny"}],
    }
    texts = set()
    for name, statements in rights.items():
        stranger = server.client("kms", who=member(server, root, name, *statements))
        for call in calls:
            for there, absent in pairs:
                told = []
                for one in (there, absent):
                    with pytest.raises(ClientError) as error:
                        call(stranger, one)
                    found = error.value.response["Error"]
                    text = re.sub(r"arn:aws:kms:\S+", "KEY", found["Message"])
                    told.append((found["Code"], text))
                assert told[0] == told[1] and told[0][0] == DENIED, (name, there)
                texts.add(told[0][1])
    assert any("on this resource because the resource does not exist in this Region" in text for text in texts)


def test_another_account_makes_grants_where_both_sides_let_it(server, kms, key):
    root = other_account(server)
    maker = member(server, root, "maker", allow(["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]))
    manager = member(server, root, "manager", allow("kms:RetireGrant"))
    as_maker = server.client("kms", who=maker)
    asked = {"KeyId": key, "GranteePrincipal": maker.arn, "Operations": ["Encrypt"]}
    assert not allowed(lambda: as_maker.create_grant(**asked))
    document = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    document["Statement"].append(
        allow(["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], Principal={"AWS": root.arn})
    )
    kms.put_key_policy(KeyId=key, Policy=json.dumps(document))
    first, second, third = (as_maker.create_grant(**asked) for _ in range(3))
    assert {one["IssuingAccount"] for one in grants(as_maker, key)} == {root.arn}
    as_maker.encrypt(KeyId=key, Plaintext=b"x")
    as_maker.revoke_grant(KeyId=key, GrantId=first["GrantId"])
    # The account that made a grant may retire it, and hand that on by its own IAM; so may the key's.
    assert not allowed(lambda: as_maker.retire_grant(GrantToken=second["GrantToken"]))
    server.client("kms", who=manager).retire_grant(GrantToken=second["GrantToken"])
    kms.retire_grant(GrantToken=third["GrantToken"])
    assert grants(kms, key) == []


def test_a_retiring_principal_of_another_account_finds_its_grants(server, kms, key):
    root = other_account(server)
    manager = member(server, root, "manager", allow(["kms:RetireGrant", "kms:ListRetirableGrants"]))
    made = kms.create_grant(KeyId=key, GranteePrincipal=ROOT, RetiringPrincipal=root.arn, Operations=["Encrypt"])
    as_manager = server.client("kms", who=manager)
    (found,) = as_manager.list_retirable_grants(RetiringPrincipal=root.arn)["Grants"]
    assert (found["GrantId"], found["KeyId"]) == (made["GrantId"], key)
    with refused("InvalidArnException", status=400):
        as_manager.list_retirable_grants(RetiringPrincipal=ROOT)
    as_manager.retire_grant(KeyId=key, GrantId=made["GrantId"])
    assert grants(kms, key) == []


def test_a_key_policy_keeps_users_of_other_accounts_by_id(server, kms):
    root = other_account(server)
    alice = member(server, root, "alice", allow("kms:*"))
    text = policy(allow("kms:*", Principal={"AWS": ROOT}), allow("kms:Encrypt", Principal={"AWS": alice.arn}))
    key = kms.create_key(Policy=text)["KeyMetadata"]["Arn"]
    assert kms.get_key_policy(KeyId=key)["Policy"] == text
    server.client("kms", who=alice).encrypt(KeyId=key, Plaintext=b"x")
    iam = server.client("iam", who=root)
    iam.delete_user_policy(UserName="alice", PolicyName="rights")
    iam.delete_access_key(UserName="alice", AccessKeyId=alice.access_key)
    iam.delete_user(UserName="alice")
    again = member(server, root, "alice", allow("kms:*"))
    assert not allowed(lambda: server.client("kms", who=again).encrypt(KeyId=key, Plaintext=b"x"))
    assert ID.search(kms.get_key_policy(KeyId=key)["Policy"])


# --- roles ---


def assume(server, name, session="session"):
    """A role with no rights of its own, the ARN of a session of it, and that session's client."""
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ROOT}})
    role = server.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    starter = server.user(f"starter-of-{name}", allow("sts:AssumeRole"))
    made = server.client("sts", who=starter).assume_role(RoleArn=role["Arn"], RoleSessionName=session)
    given = made["Credentials"]
    client = boto3.client(
        "kms",
        region_name=server.region,
        endpoint_url=server.endpoint,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    return role, made["AssumedRoleUser"]["Arn"], client


def test_a_grant_to_a_role_is_to_its_sessions_and_one_to_a_session_to_no_other(server, kms, key):
    role, session_arn, client = assume(server, "worker")
    for grantee in (role["Arn"], session_arn):
        made = kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Encrypt", "RetireGrant"])
        assert grants(kms, key)[0]["GranteePrincipal"] == grantee
        client.encrypt(KeyId=key, Plaintext=b"x")
        client.retire_grant(GrantToken=made["GrantToken"])
        assert not allowed(lambda: client.encrypt(KeyId=key, Plaintext=b"x"))
    other = session_arn.replace("/session", "/another")
    kms.create_grant(KeyId=key, GranteePrincipal=other, Operations=["Encrypt"])
    assert not allowed(lambda: client.encrypt(KeyId=key, Plaintext=b"x"))


def test_a_role_made_again_inherits_neither_key_policy_nor_grant(server, kms):
    role, _, client = assume(server, "worker")
    text = policy(allow("kms:*", Principal={"AWS": ROOT}), allow("kms:Encrypt", Principal={"AWS": role["Arn"]}))
    key = kms.create_key(Policy=text)["KeyMetadata"]["Arn"]
    kms.create_grant(KeyId=key, GranteePrincipal=role["Arn"], Operations=["DescribeKey"])
    client.encrypt(KeyId=key, Plaintext=b"x")
    client.describe_key(KeyId=key)
    server.client("iam").delete_role(RoleName="worker")
    assert role["RoleId"] in kms.get_key_policy(KeyId=key)["Policy"]
    assert grants(kms, key)[0]["GranteePrincipal"] == role["RoleId"]
    forget_user(server, "starter-of-worker")
    again, _, client = assume(server, "worker")
    assert again["Arn"] == role["Arn"] and again["RoleId"] != role["RoleId"]
    assert not allowed(lambda: client.encrypt(KeyId=key, Plaintext=b"x"))
    assert not allowed(lambda: client.describe_key(KeyId=key))
