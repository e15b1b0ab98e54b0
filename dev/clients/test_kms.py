"""KMS as boto3 sees it."""

import json
import re

import pytest
from harness import ACCOUNT, allow, deny_text, policy, refused

KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
VALIDATION = "ValidationException"


@pytest.fixture
def kms(server):
    return server.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key(Description="a key")["KeyMetadata"]


def test_create_key_answers_the_whole_metadata_and_describe_key_the_same(kms, key):
    assert KEY_ID.fullmatch(key["KeyId"])
    assert key["Arn"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key['KeyId']}"
    expected = {
        "AWSAccountId": ACCOUNT,
        "Enabled": True,
        "Description": "a key",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert {name: key[name] for name in expected} == expected
    for form in (key["KeyId"], key["Arn"]):
        assert kms.describe_key(KeyId=form)["KeyMetadata"] == key


def test_list_keys_pages(kms):
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    first = kms.list_keys(Limit=2)
    assert len(first["Keys"]) == 2 and first["Truncated"] is True
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    found = [one for page in pages for one in page["Keys"]]
    assert {one["KeyId"] for one in found} == made and len(found) == 5
    assert all(one["KeyArn"].endswith(one["KeyId"]) for one in found)


def test_the_default_key_policy_delegates_to_the_account(kms, key):
    answer = kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")
    assert json.loads(answer["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
    assert answer["PolicyName"] == "default"
    assert kms.list_key_policies(KeyId=key["KeyId"])["PolicyNames"] == ["default"]


def test_a_policy_that_locks_its_writer_out_is_refused(kms, key):
    closed = policy(allow("kms:Decrypt", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    text = "The new key policy will not allow you to update the key policy in the future."
    with refused("MalformedPolicyDocumentException", text, 400):
        kms.put_key_policy(KeyId=key["KeyId"], Policy=closed)
    with refused("MalformedPolicyDocumentException", text, 400):
        kms.create_key(Policy=closed)
    kms.put_key_policy(KeyId=key["KeyId"], Policy=closed, BypassPolicyLockoutSafetyCheck=True)
    # From here even the account's root may only decrypt: the key policy alone decides.
    with refused("AccessDeniedException", status=400):
        kms.get_key_policy(KeyId=key["KeyId"])
    with refused("AccessDeniedException", status=400):
        kms.put_key_policy(KeyId=key["KeyId"], Policy=closed)


@pytest.mark.parametrize("text", ["{", "[]", '{"Version":"2012-10-17"}', '{"Statement":[{"Effect":"Maybe"}]}'])
def test_a_key_policy_that_is_none_is_refused(kms, key, text):
    with refused("MalformedPolicyDocumentException", status=400):
        kms.put_key_policy(KeyId=key["KeyId"], Policy=text)


@pytest.mark.parametrize("size", [1, 100, 4096])
def test_what_is_encrypted_is_decrypted(kms, key, size):
    plaintext = bytes(range(256)) * 16
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=plaintext[:size], EncryptionContext={"a": "1", "b": "2"})
    assert (sealed["KeyId"], sealed["EncryptionAlgorithm"]) == (key["Arn"], "SYMMETRIC_DEFAULT")
    assert size < len(sealed["CiphertextBlob"]) <= 6144
    again = kms.encrypt(KeyId=key["KeyId"], Plaintext=plaintext[:size], EncryptionContext={"a": "1", "b": "2"})
    assert again["CiphertextBlob"] != sealed["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"})
    assert (opened["Plaintext"], opened["KeyId"]) == (plaintext[:size], key["Arn"])
    assert opened["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"


def test_a_wrong_context_key_or_ciphertext_opens_nothing(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    for context in ({}, {"a": "2"}, {"A": "1"}, {"a": "1", "b": "2"}):
        with refused("InvalidCiphertextException", "", 400):
            kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    for at in (0, len(blob) // 2, len(blob) - 1):
        broken = bytearray(blob)
        broken[at] ^= 1
        with refused("InvalidCiphertextException", "", 400):
            kms.decrypt(CiphertextBlob=bytes(broken), EncryptionContext={"a": "1"})
    for broken in (b"x", b"\x00" * 200, blob[:-1], blob + b"x"):
        with refused("InvalidCiphertextException", "", 400):
            kms.decrypt(CiphertextBlob=broken, EncryptionContext={"a": "1"})
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    text = "The key ID in the request does not identify a CMK that can perform this operation."
    with refused("IncorrectKeyException", text, 400):
        kms.decrypt(CiphertextBlob=blob, KeyId=other, EncryptionContext={"a": "1"})


def test_re_encrypt_moves_to_another_key_and_context(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext={"a": "1"})["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["Arn"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=other,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key["Arn"], other)
    assert moved["SourceEncryptionAlgorithm"] == moved["DestinationEncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", other)


@pytest.mark.parametrize(
    "asked, size", [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)]
)
def test_data_keys_open_to_what_they_were(kms, key, asked, size):
    made = kms.generate_data_key(KeyId=key["KeyId"], EncryptionContext={"a": "1"}, **asked)
    assert (len(made["Plaintext"]), made["KeyId"]) == (size, key["Arn"])
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "1"})
    assert opened["Plaintext"] == made["Plaintext"]
    hidden = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], **asked)
    assert "Plaintext" not in hidden and hidden["KeyId"] == key["Arn"]
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == size
    assert len(kms.generate_random(NumberOfBytes=size)["Plaintext"]) == size
    assert kms.generate_random(NumberOfBytes=32)["Plaintext"] != kms.generate_random(NumberOfBytes=32)["Plaintext"]


def test_limits_are_awss(server, kms, key):
    text = (
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
        "Member must have length less than or equal to 4096"
    )
    with refused(VALIDATION, text, 400):
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * 4097)
    with refused(VALIDATION, status=400):
        kms.generate_data_key(KeyId=key["KeyId"])
    with refused(VALIDATION, status=400):
        kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", NumberOfBytes=32)
    with refused(VALIDATION, status=400):
        kms.generate_random(NumberOfBytes=1025)
    with refused(VALIDATION, "NumberOfBytes is required.", 400):
        kms.generate_random()
    with refused(VALIDATION, re.compile("'pendingWindowInDays'.*greater than or equal to 7"), 400):
        kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=6)
    with refused(VALIDATION, re.compile("'pendingWindowInDays'.*less than or equal to 30"), 400):
        kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=31)


def test_a_key_that_is_not_there_is_not_found(server, kms, key):
    absent = "11111111-2222-3333-4444-555555555555"
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{absent}"
    for form in (absent, arn):
        with refused("NotFoundException", f"Key '{arn}' does not exist", 400):
            kms.describe_key(KeyId=form)
    with refused("NotFoundException", "Invalid keyId 'not-a-key'", 400):
        kms.encrypt(KeyId="not-a-key", Plaintext=b"x")
    with refused("NotFoundException", "Invalid arn us-east-1", 400):
        server.client("kms", "eu-west-1").describe_key(KeyId=key["Arn"])
    with refused("NotFoundException", f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found.", 400):
        kms.describe_key(KeyId="alias/none")


def test_aliases_name_keys_and_can_be_moved(kms, key):
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/log/key"
    kms.create_alias(AliasName="alias/log/key", TargetKeyId=key["KeyId"])
    with refused("AlreadyExistsException", f"An alias with the name {arn} already exists", 400):
        kms.create_alias(AliasName="alias/log/key", TargetKeyId=key["KeyId"])
    text = re.compile('^Alias must start with the prefix "alias/"')
    with refused(VALIDATION, text, 400):
        kms.create_alias(AliasName="log-key", TargetKeyId=key["KeyId"])
    found = kms.list_aliases(KeyId=key["KeyId"])["Aliases"]
    assert [(one["AliasName"], one["AliasArn"], one["TargetKeyId"]) for one in found] == [
        ("alias/log/key", arn, key["KeyId"])
    ]
    for form in ("alias/log/key", arn):
        assert kms.describe_key(KeyId=form)["KeyMetadata"]["Arn"] == key["Arn"]
    blob = kms.encrypt(KeyId="alias/log/key", Plaintext=b"x")["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]
    kms.update_alias(AliasName="alias/log/key", TargetKeyId=other["KeyId"])
    assert kms.describe_key(KeyId="alias/log/key")["KeyMetadata"]["Arn"] == other["Arn"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.delete_alias(AliasName="alias/log/key")
    with refused("NotFoundException", status=400):
        kms.describe_key(KeyId="alias/log/key")
    with refused("NotFoundException", status=400):
        kms.delete_alias(AliasName="alias/log/key")


CRYPTO = {
    "encrypt": lambda kms, key, blob: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "decrypt": lambda kms, key, blob: kms.decrypt(CiphertextBlob=blob),
    "re_encrypt": lambda kms, key, blob: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key),
    "generate_data_key": lambda kms, key, blob: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "generate_data_key_without_plaintext": lambda kms, key, blob: kms.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256"
    ),
}


def test_a_disabled_key_does_no_work_but_can_be_managed(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key["KeyId"])
    found = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert (found["KeyState"], found["Enabled"]) == ("Disabled", False)
    for call in CRYPTO.values():
        with refused("DisabledException", f"{key['Arn']} is disabled.", 400):
            call(kms, key["KeyId"], blob)
    kms.get_key_policy(KeyId=key["KeyId"])
    kms.create_alias(AliasName="alias/of-disabled", TargetKeyId=key["KeyId"])
    kms.disable_key(KeyId=key["KeyId"])
    with refused("KMSInvalidStateException", re.compile(f"^{re.escape(key['Arn'])} is not pending deletion"), 400):
        kms.cancel_key_deletion(KeyId=key["KeyId"])
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.serve("--rehearsal")
def test_a_key_pending_deletion_does_no_work_and_vanishes_when_its_days_are_over(server, kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.create_alias(AliasName="alias/doomed", TargetKeyId=key["KeyId"])
    answer = kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert (answer["KeyId"], answer["KeyState"]) == (key["Arn"], "PendingDeletion")
    assert answer["PendingWindowInDays"] == 7
    days = (answer["DeletionDate"] - server.now()).total_seconds() / 86400
    assert 6.9 < days < 7.1
    for call in CRYPTO.values():
        with refused("KMSInvalidStateException", f"{key['Arn']} is pending deletion.", 400):
            call(kms, key["KeyId"], blob)
    for call in (kms.enable_key, kms.disable_key, kms.schedule_key_deletion):
        with refused("KMSInvalidStateException", f"{key['Arn']} is pending deletion.", 400):
            call(KeyId=key["KeyId"])

    assert kms.cancel_key_deletion(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    found = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert found["KeyState"] == "Disabled" and "DeletionDate" not in found
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"

    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    server.advance("6d")
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    server.advance("2d")
    with refused("NotFoundException", f"Key '{key['Arn']}' does not exist", 400):
        kms.describe_key(KeyId=key["KeyId"])
    assert all(one.get("TargetKeyId") != key["KeyId"] for one in kms.list_aliases()["Aliases"])
    with refused("NotFoundException", status=400):
        kms.describe_key(KeyId="alias/doomed")


def test_iam_counts_only_where_the_key_policy_delegates_to_the_account(server, kms, key):
    user = server.user("user", allow(["kms:Encrypt", "kms:DescribeKey"], "*"))
    stranger = server.user("stranger")
    as_user, as_stranger = server.client("kms", who=user), server.client("kms", who=stranger)
    blob = as_user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    text = deny_text(user, "kms:Decrypt", key["Arn"])
    with refused("AccessDeniedException", text, 400):
        as_user.decrypt(CiphertextBlob=blob, KeyId=key["KeyId"])
    by_ciphertext = text.replace(f"on resource: {key['Arn']}", "on the resource associated with this ciphertext")
    with refused("AccessDeniedException", by_ciphertext, 400):
        as_user.decrypt(CiphertextBlob=blob)
    with refused("AccessDeniedException", deny_text(stranger, "kms:Encrypt", key["Arn"]), 400):
        as_stranger.encrypt(KeyId=key["KeyId"], Plaintext=b"x")

    # Named by the key policy itself, a user needs no IAM policy; not delegated, IAM gives nothing.
    alone = kms.create_key(
        Policy=policy(
            allow("kms:*", Principal={"AWS": stranger.arn}),
            allow(["kms:PutKeyPolicy", "kms:GetKeyPolicy"], Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        )
    )["KeyMetadata"]
    as_stranger.encrypt(KeyId=alone["KeyId"], Plaintext=b"x")
    with refused("AccessDeniedException", deny_text(user, "kms:Encrypt", alone["Arn"], "resource-based"), 400):
        as_user.encrypt(KeyId=alone["KeyId"], Plaintext=b"x")

    # An explicit deny wins over every allow.
    denied = json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    denied["Statement"].append({**allow("kms:Encrypt", Principal={"AWS": user.arn}), "Effect": "Deny"})
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(denied))
    text = re.compile("with an explicit deny in a resource-based policy$")
    with refused("AccessDeniedException", text, 400):
        as_user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")


def test_an_encryption_context_condition_binds(server, kms, key):
    user = server.user("user")
    condition = {"StringLike": {"kms:EncryptionContext:purpose": "log*"}}
    document = json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    document["Statement"].append(allow("kms:GenerateDataKey*", Principal={"AWS": user.arn}, Condition=condition))
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(document))
    as_user = server.client("kms", who=user)
    asked = {"KeyId": key["KeyId"], "KeySpec": "AES_256"}
    assert as_user.generate_data_key(**asked, EncryptionContext={"purpose": "logs", "more": "x"})["Plaintext"]
    assert as_user.generate_data_key_without_plaintext(**asked, EncryptionContext={"purpose": "log"})["KeyId"]
    for context in ({}, {"purpose": "Logs"}, {"Other": "logs"}):
        with refused("AccessDeniedException", status=400):
            as_user.generate_data_key(**asked, EncryptionContext=context)


def test_keys_are_of_their_region(server, kms, key):
    elsewhere = server.client("kms", "eu-west-1")
    assert elsewhere.list_keys()["Keys"] == []
    with refused("NotFoundException", status=400):
        elsewhere.describe_key(KeyId=key["KeyId"])
    assert elsewhere.create_key()["KeyMetadata"]["Arn"].startswith(f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/")


@pytest.mark.parametrize(
    "asked, named",
    [
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "KeySpec SM2"),
        ({"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}, "KeySpec ML_KEM_768"),
        ({"Origin": "AWS_CLOUDHSM"}, "Origin AWS_CLOUDHSM"),
        ({"Origin": "EXTERNAL_KEY_STORE"}, "Origin EXTERNAL_KEY_STORE"),
        ({"CustomKeyStoreId": "cks-1234567890abcdef0"}, "CustomKeyStoreId"),
        ({"XksKeyId": "key"}, "XksKeyId"),
    ],
)
def test_keys_that_are_not_here_are_refused_by_name(kms, asked, named):
    with refused("UnsupportedOperationException", f"{named} is not supported.", 400):
        kms.create_key(**asked)
