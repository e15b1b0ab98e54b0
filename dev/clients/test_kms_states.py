"""Every operation on a key in every state that it can be in: kms_states.toml says how each must end."""

import itertools
import os
import pathlib
import tomllib

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from harness import ACCOUNT, allow, policy

TABLE = tomllib.loads((pathlib.Path(__file__).parent / "kms_states.toml").read_text())
THERE = "eu-west-1"

# What an operation is called on, where not on a symmetric key.
SIGNING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
KINDS = {
    "DeriveSharedSecret": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
    "GenerateMac": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    "VerifyMac": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    "GetPublicKey": SIGNING,
    "Sign": SIGNING,
    "Verify": SIGNING,
    "ReplicateKey": {"MultiRegion": True},
    "UpdatePrimaryRegion": {"MultiRegion": True},
}
OF_IMPORTED = {"DeleteImportedKeyMaterial", "GetParametersForImport", "ImportKeyMaterial"}
NEEDS_REPLICA = {"UpdatePrimaryRegion"}

SIGN = {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
MAC = {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
WRAPPING = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
TAGS = [{"TagKey": "a", "TagValue": "b"}]
NUMBERS = itertools.count()


def material_of(kind):
    """Fresh material for a key of the kind, as it is before it is wrapped."""
    if kind.get("KeySpec") != "ECC_NIST_P256":
        return os.urandom(32)
    form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form)


class World:
    def __init__(self, server):
        self.server, self.kms = server, server.client("kms")
        self.user = server.user("grantee").arn
        self.other = self.kms.create_key()["KeyMetadata"]["Arn"]

    def alias(self, key):
        name = f"alias/a{next(NUMBERS)}"
        self.kms.create_alias(AliasName=name, TargetKeyId=key)
        return name

    def grant(self, key):
        return self.kms.create_grant(KeyId=key, GranteePrincipal=self.user, Operations=["DescribeKey"])

    def sealed(self, key):
        return self.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]

    def parcel(self, key, material, kms=None):
        given = (kms or self.kms).get_parameters_for_import(KeyId=key, **WRAPPING)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        return {
            "KeyId": key,
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": serialization.load_der_public_key(given["PublicKey"]).encrypt(material, oaep),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }

    def make(self, operation, state, imported):
        """A key for the operation, in use, with its material; and what was brought to it."""
        kind = dict(KINDS.get(operation, {}))
        if state == "PendingReplicaDeletion":
            kind["MultiRegion"] = True
        if imported:
            kind["Origin"] = "EXTERNAL"
        key = self.kms.create_key(**kind)["KeyMetadata"]["Arn"]
        material = material_of(kind)
        if imported:
            self.kms.import_key_material(**self.parcel(key, material))
        # A primary with a replica is never pending deletion itself.
        if state == "PendingReplicaDeletion" or (operation in NEEDS_REPLICA and state != "PendingDeletion"):
            self.kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
            if imported:
                there = self.server.client("kms", THERE)
                there.import_key_material(**self.parcel(key.replace("us-east-1", THERE), material, there))
        return key, material

    def enter(self, key, state):
        if state == "Disabled":
            self.kms.disable_key(KeyId=key)
        elif state in ("PendingDeletion", "PendingReplicaDeletion"):
            self.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        elif state == "PendingImport":
            self.kms.delete_imported_key_material(KeyId=key)
        found = self.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        assert found == state, f"{key} is {found} and not {state}"


# How each operation is called; asked while the key is in use.
CALLS = {
    "CancelKeyDeletion": lambda w, key, _: {"KeyId": key},
    "CreateAlias": lambda w, key, _: {"AliasName": f"alias/n{next(NUMBERS)}", "TargetKeyId": key},
    "CreateGrant": lambda w, key, _: {"KeyId": key, "GranteePrincipal": w.user, "Operations": ["DescribeKey"]},
    "Decrypt": lambda w, key, _: {"CiphertextBlob": w.sealed(key)},
    "DeleteAlias": lambda w, key, _: {"AliasName": w.alias(key)},
    "DeleteImportedKeyMaterial": lambda w, key, _: {"KeyId": key},
    "DeriveSharedSecret": lambda w, key, _: {
        "KeyId": key,
        "KeyAgreementAlgorithm": "ECDH",
        "PublicKey": w.kms.get_public_key(KeyId=key)["PublicKey"],
    },
    "DescribeKey": lambda w, key, _: {"KeyId": key},
    "DisableKey": lambda w, key, _: {"KeyId": key},
    "DisableKeyRotation": lambda w, key, _: {"KeyId": key},
    "EnableKey": lambda w, key, _: {"KeyId": key},
    "EnableKeyRotation": lambda w, key, _: {"KeyId": key},
    "Encrypt": lambda w, key, _: {"KeyId": key, "Plaintext": b"x"},
    "GenerateDataKey": lambda w, key, _: {"KeyId": key, "KeySpec": "AES_256"},
    "GenerateDataKeyPair": lambda w, key, _: {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": lambda w, key, _: {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyWithoutPlaintext": lambda w, key, _: {"KeyId": key, "KeySpec": "AES_256"},
    "GenerateMac": lambda w, key, _: {"KeyId": key, **MAC},
    "GetKeyLastUsage": lambda w, key, _: {"KeyId": key},
    "GetKeyPolicy": lambda w, key, _: {"KeyId": key},
    "GetKeyRotationStatus": lambda w, key, _: {"KeyId": key},
    "GetParametersForImport": lambda w, key, _: {"KeyId": key, **WRAPPING},
    "GetPublicKey": lambda w, key, _: {"KeyId": key},
    "ImportKeyMaterial": lambda w, key, material: w.parcel(key, material),
    "ListAliases": lambda w, key, _: {"KeyId": key},
    "ListGrants": lambda w, key, _: {"KeyId": key},
    "ListKeyPolicies": lambda w, key, _: {"KeyId": key},
    "ListKeyRotations": lambda w, key, _: {"KeyId": key},
    "ListResourceTags": lambda w, key, _: {"KeyId": key},
    "PutKeyPolicy": lambda w, key, _: {"KeyId": key, "Policy": policy(allow("kms:*", Principal={"AWS": ACCOUNT}))},
    "ReEncrypt": lambda w, key, _: {"CiphertextBlob": w.sealed(key), "DestinationKeyId": w.other},
    "ReEncrypt, destination": lambda w, key, _: {"CiphertextBlob": w.sealed(w.other), "DestinationKeyId": key},
    "ReplicateKey": lambda w, key, _: {"KeyId": key, "ReplicaRegion": "sa-east-1"},
    "RetireGrant": lambda w, key, _: {"GrantToken": w.grant(key)["GrantToken"]},
    "RevokeGrant": lambda w, key, _: {"KeyId": key, "GrantId": w.grant(key)["GrantId"]},
    "RotateKeyOnDemand": lambda w, key, _: {"KeyId": key},
    "ScheduleKeyDeletion": lambda w, key, _: {"KeyId": key, "PendingWindowInDays": 7},
    "Sign": lambda w, key, _: {"KeyId": key, **SIGN},
    "TagResource": lambda w, key, _: {"KeyId": key, "Tags": TAGS},
    "UntagResource": lambda w, key, _: {"KeyId": key, "TagKeys": ["a"]},
    "UpdateAlias": lambda w, key, _: {"AliasName": w.alias(w.other), "TargetKeyId": key},
    "UpdateAlias, source": lambda w, key, _: {"AliasName": w.alias(key), "TargetKeyId": w.other},
    "UpdateKeyDescription": lambda w, key, _: {"KeyId": key, "Description": "d"},
    "UpdatePrimaryRegion": lambda w, key, _: {"KeyId": key, "PrimaryRegion": THERE},
    "Verify": lambda w, key, _: {"KeyId": key, **SIGN, "Signature": w.kms.sign(KeyId=key, **SIGN)["Signature"]},
    "VerifyMac": lambda w, key, _: {"KeyId": key, **MAC, "Mac": w.kms.generate_mac(KeyId=key, **MAC)["Mac"]},
}


def method_of(client, operation):
    return getattr(client, next(name for name, of in client.meta.method_to_api_mapping.items() if of == operation))


def ends(world, row, state, imported):
    """How the call ends: `ok`, or the error's code and text; with the key it was made on."""
    operation = row.partition(",")[0]
    key, material = world.make(operation, state, imported)
    parameters = CALLS[row](world, key, material)
    world.enter(key, state)
    try:
        method_of(world.kms, operation)(**parameters)
    except ClientError as error:
        found = error.response["Error"]
        return [found["Code"], found.get("Message", "")], key
    return "ok", key


def check(server, rows, is_imported):
    world, wrong = World(server), []
    for row, expected in rows.items():
        footnotes = expected.split()
        assert len(footnotes) == len(TABLE["states"]), row
        for state, footnote in zip(TABLE["states"], footnotes):
            found, key = ends(world, row, state, is_imported(row, state))
            wanted = "ok" if footnote == "ok" else [text.format(key=key) for text in TABLE["footnotes"][footnote]]
            if found != wanted:
                wrong.append(f"{row} of a key that is {state}: {found}, not {wanted}")
    assert not wrong, "\n".join(wrong)


def test_every_operation_meets_every_state(server):
    rows = TABLE["operations"]
    assert set(rows) == set(CALLS)
    check(server, rows, lambda row, state: row in OF_IMPORTED or state == "PendingImport")


def test_keys_with_imported_material_differ_where_the_table_says_so(server):
    """And nowhere else: the rest of the rows are the same for them, but for what asks for material of AWS's own."""
    same = {row: cells for row, cells in TABLE["operations"].items() if row not in TABLE["imported"]}
    # A rotation on demand needs material that waits for it, which is another test's.
    same.pop("RotateKeyOnDemand")
    # GetKeyRotationStatus fails in PendingImport alone, where the first test has been.
    check(server, {**same, **TABLE["imported"]}, lambda row, state: True)


def test_the_table_has_every_operation_on_a_key(server):
    """Of the model, less what this server refuses by name."""
    client = server.client("kms")
    model = client.meta.service_model
    on_keys = {"KeyId", "TargetKeyId", "CiphertextBlob", "AliasName", "GrantToken"}
    wanted = set()
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        if shape and on_keys & set(shape.members):
            wanted.add(operation)
    refused = {"Encapsulate", "Decapsulate"}
    assert wanted - {row.partition(",")[0] for row in CALLS} <= refused


@pytest.mark.serve("--rehearsal")
def test_the_states_are_those_that_a_key_passes_through(server):
    """A replica and a moved primary are in use when their call is answered: nobody meets Creating or Updating."""
    kms, there = server.client("kms"), server.client("kms", THERE)
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    assert kms.replicate_key(KeyId=key, ReplicaRegion=THERE)["ReplicaKeyMetadata"]["KeyState"] == "Enabled"
    kms.update_primary_region(KeyId=key, PrimaryRegion=THERE)
    assert {of.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for of in (kms, there)} == {"Enabled"}
