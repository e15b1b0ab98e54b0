"""What KMS's key pairs and HMAC keys make, opened and checked by the Python `cryptography` package, which knows nothing of
the server's library."""

import hashlib
import json
import re
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from harness import allow, deny_text, policy, refused

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
RSA_SIGNING = [f"RSASSA_{scheme}_SHA_{bits}" for scheme in ("PKCS1_V1_5", "PSS") for bits in HASHES]
SIGNING = {
    "RSA_2048": RSA_SIGNING,
    "RSA_3072": RSA_SIGNING,
    "RSA_4096": RSA_SIGNING,
    "ECC_NIST_P256": ["ECDSA_SHA_256"],
    "ECC_NIST_P384": ["ECDSA_SHA_384"],
    "ECC_NIST_P521": ["ECDSA_SHA_512"],
    "ECC_SECG_P256K1": ["ECDSA_SHA_256"],
    "ECC_NIST_EDWARDS25519": ["ED25519_SHA_512", "ED25519_PH_SHA_512"],
    "ML_DSA_44": ["ML_DSA_SHAKE_256"],
    "ML_DSA_65": ["ML_DSA_SHAKE_256"],
    "ML_DSA_87": ["ML_DSA_SHAKE_256"],
}
OAEP = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
MACS = {"HMAC_224": hashlib.sha224, "HMAC_256": hashlib.sha256, "HMAC_384": hashlib.sha384, "HMAC_512": hashlib.sha512}
MESSAGE = b"what is signed"


@pytest.fixture
def kms(server):
    return server.client("kms")


def make(kms, spec, usage, **more):
    return kms.create_key(KeySpec=spec, KeyUsage=usage, **more)["KeyMetadata"]


def public_of(kms, key):
    return load_der_public_key(kms.get_public_key(KeyId=key["KeyId"])["PublicKey"])


def check_signature(public, algorithm, signature, message=MESSAGE):
    """Raises unless the signature is one of the message."""
    if algorithm.startswith("ECDSA"):
        public.verify(signature, message, ec.ECDSA(HASHES[algorithm[-3:]]))
    elif "PSS" in algorithm:
        hash_ = HASHES[algorithm[-3:]]
        public.verify(signature, message, padding.PSS(padding.MGF1(hash_), padding.PSS.DIGEST_LENGTH), hash_)
    elif "PKCS1" in algorithm:
        public.verify(signature, message, padding.PKCS1v15(), HASHES[algorithm[-3:]])
    else:
        public.verify(signature, message)


KINDS = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", {"EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"]}),
    ("RSA_2048", "ENCRYPT_DECRYPT", {"EncryptionAlgorithms": OAEP}),
    ("ECC_NIST_P256", "KEY_AGREEMENT", {"KeyAgreementAlgorithms": ["ECDH"]}),
    ("ECC_NIST_P384", "KEY_AGREEMENT", {"KeyAgreementAlgorithms": ["ECDH"]}),
    ("ECC_NIST_P521", "KEY_AGREEMENT", {"KeyAgreementAlgorithms": ["ECDH"]}),
    *[(spec, "GENERATE_VERIFY_MAC", {"MacAlgorithms": [f"HMAC_SHA_{spec[-3:]}"]}) for spec in MACS],
    *[(spec, "SIGN_VERIFY", {"SigningAlgorithms": found}) for spec, found in SIGNING.items() if spec != "RSA_4096"],
]


def test_a_key_tells_its_algorithms(kms):
    for spec, usage, algorithms in KINDS:
        key = make(kms, spec, usage)
        found = {name: sorted(value) for name, value in key.items() if name.endswith("Algorithms")}
        assert found == {name: sorted(value) for name, value in algorithms.items()}, spec
        assert (key["KeySpec"], key["CustomerMasterKeySpec"], key["KeyUsage"]) == (spec, spec, usage)
        assert (key["KeyState"], key["Enabled"], key["Origin"]) == ("Enabled", True, "AWS_KMS")
        assert ("CurrentKeyMaterialId" in key) == (spec == "SYMMETRIC_DEFAULT")
        assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] == key
        if spec.startswith(("SYMMETRIC", "HMAC")):
            with refused("UnsupportedOperationException", "", 400):
                kms.get_public_key(KeyId=key["KeyId"])
            continue
        told = kms.get_public_key(KeyId=key["KeyId"])
        assert told["KeyId"] == key["Arn"]
        for name in ("KeySpec", "CustomerMasterKeySpec", "KeyUsage", *algorithms):
            assert told[name] == key[name], (spec, name)
        public = load_der_public_key(told["PublicKey"])
        again = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert again == told["PublicKey"], f"{spec}: not the one encoding that others write"
        if spec.startswith("RSA"):
            assert public.key_size == int(spec[4:]) and public.public_numbers().e == 65537
        if spec in CURVES:
            assert isinstance(public.curve, CURVES[spec])


@pytest.mark.parametrize("spec", [spec for spec in SIGNING if spec not in ("RSA_3072", "RSA_4096")])
def test_signatures_are_those_of_the_standards(kms, spec):
    key = make(kms, spec, "SIGN_VERIFY")
    public = public_of(kms, key)
    for algorithm in SIGNING[spec]:
        if algorithm == "ED25519_PH_SHA_512":
            continue
        asked = {"KeyId": key["KeyId"], "SigningAlgorithm": algorithm}
        signed = kms.sign(**asked, Message=MESSAGE)
        assert (signed["KeyId"], signed["SigningAlgorithm"]) == (key["Arn"], algorithm)
        check_signature(public, algorithm, signed["Signature"])
        verified = kms.verify(**asked, Message=MESSAGE, Signature=signed["Signature"])
        assert (verified["KeyId"], verified["SignatureValid"]) == (key["Arn"], True)
        assert verified["SigningAlgorithm"] == algorithm

        if algorithm.endswith(tuple(HASHES)) and not algorithm.startswith(("ED", "ML")):
            digest = hashlib.new(f"sha{algorithm[-3:]}", MESSAGE).digest()
            of_digest = kms.sign(**asked, Message=digest, MessageType="DIGEST")["Signature"]
            check_signature(public, algorithm, of_digest)
            assert kms.verify(**asked, Message=digest, MessageType="DIGEST", Signature=of_digest)["SignatureValid"]
            assert kms.verify(**asked, Message=MESSAGE, Signature=of_digest)["SignatureValid"]
            # Only PKCS #1 v1.5 signs without chance.
            assert (of_digest == signed["Signature"]) == ("PKCS1" in algorithm)
            with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}.", 400):
                kms.sign(**asked, Message=digest[1:], MessageType="DIGEST")
            with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}.", 400):
                kms.verify(**asked, Message=digest + b"x", MessageType="DIGEST", Signature=of_digest)

        wrong = bytearray(signed["Signature"])
        wrong[len(wrong) // 2] ^= 1
        for message, signature in [
            (b"another", signed["Signature"]),
            (MESSAGE, bytes(wrong)),
            (MESSAGE, signed["Signature"][:-1]),
            (MESSAGE, b"x"),
        ]:
            with refused("KMSInvalidSignatureException", "", 400):
                kms.verify(**asked, Message=message, Signature=signature)

    other = make(kms, spec, "SIGN_VERIFY")
    algorithm = next(one for one in SIGNING[spec] if one != "ED25519_PH_SHA_512")
    signature = kms.sign(KeyId=key["KeyId"], Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    with refused("KMSInvalidSignatureException", "", 400):
        kms.verify(KeyId=other["KeyId"], Message=MESSAGE, Signature=signature, SigningAlgorithm=algorithm)


def test_the_longest_message_is_4096_bytes(kms):
    key = make(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    asked = {"KeyId": key["KeyId"], "SigningAlgorithm": "ECDSA_SHA_256"}
    check_signature(public_of(kms, key), "ECDSA_SHA_256", kms.sign(**asked, Message=b"x" * 4096)["Signature"], b"x" * 4096)
    text = re.compile("Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096")
    with refused("ValidationException", text, 400):
        kms.sign(**asked, Message=b"x" * 4097)


@pytest.mark.parametrize("algorithm, hash_", list(zip(OAEP, (hashes.SHA1(), hashes.SHA256()))))
def test_rsa_opens_what_others_sealed_and_others_what_it_sealed(kms, algorithm, hash_):
    oaep = padding.OAEP(padding.MGF1(hash_), hash_, None)
    key = make(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    size = 256 - 2 * hash_.digest_size - 2
    asked = {"KeyId": key["KeyId"], "EncryptionAlgorithm": algorithm}
    sealed = public_of(kms, key).encrypt(b"from outside", oaep)
    opened = kms.decrypt(**asked, CiphertextBlob=sealed)
    assert (opened["Plaintext"], opened["KeyId"], opened["EncryptionAlgorithm"]) == (b"from outside", key["Arn"], algorithm)
    assert "KeyMaterialId" not in opened

    made = kms.encrypt(**asked, Plaintext=b"x" * size)
    assert (made["KeyId"], made["EncryptionAlgorithm"], len(made["CiphertextBlob"])) == (key["Arn"], algorithm, 256)
    assert kms.decrypt(**asked, CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == b"x" * size
    text = f"Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {size} bytes."
    with refused("ValidationException", text, 400):
        kms.encrypt(**asked, Plaintext=b"x" * (size + 1))

    broken = bytearray(sealed)
    broken[9] ^= 1
    for blob in (bytes(broken), sealed[1:], b"x"):
        with refused("InvalidCiphertextException", "", 400):
            kms.decrypt(**asked, CiphertextBlob=blob)
    other = next(one for one in OAEP if one != algorithm)
    with refused("InvalidCiphertextException", "", 400):
        kms.decrypt(KeyId=key["KeyId"], EncryptionAlgorithm=other, CiphertextBlob=sealed)
    with refused("ValidationException", status=400):
        kms.decrypt(EncryptionAlgorithm=algorithm, CiphertextBlob=sealed)
    with refused("ValidationException", status=400):
        kms.encrypt(**asked, Plaintext=b"x", EncryptionContext={"a": "1"})


def test_re_encrypt_goes_between_symmetric_keys_and_rsa(kms):
    key = make(kms, "RSA_2048", "ENCRYPT_DECRYPT")["KeyId"]
    symmetric = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=symmetric["KeyId"], Plaintext=b"secret", EncryptionContext={"a": "1"})["CiphertextBlob"]
    out = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=key,
        DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256",
    )
    assert (out["SourceEncryptionAlgorithm"], out["DestinationEncryptionAlgorithm"]) == (
        "SYMMETRIC_DEFAULT",
        "RSAES_OAEP_SHA_256",
    )
    assert "SourceKeyMaterialId" in out and "DestinationKeyMaterialId" not in out
    of_rsa = {"SourceKeyId": key, "SourceEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    back = kms.re_encrypt(CiphertextBlob=out["CiphertextBlob"], **of_rsa, DestinationKeyId=symmetric["KeyId"])
    assert kms.decrypt(CiphertextBlob=back["CiphertextBlob"])["Plaintext"] == b"secret"
    with refused("ValidationException", status=400):
        kms.re_encrypt(
            CiphertextBlob=out["CiphertextBlob"],
            SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
            DestinationKeyId=symmetric["KeyId"],
        )
    long = kms.encrypt(KeyId=symmetric["KeyId"], Plaintext=b"x" * 191)["CiphertextBlob"]
    text = "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."
    with refused("ValidationException", text, 400):
        kms.re_encrypt(
            CiphertextBlob=long, DestinationKeyId=key, DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256"
        )


@pytest.mark.parametrize("spec", MACS)
def test_codes_are_of_the_key_and_the_message(kms, spec):
    key, other = (make(kms, spec, "GENERATE_VERIFY_MAC") for _ in range(2))
    algorithm = f"HMAC_SHA_{spec[-3:]}"
    asked = {"KeyId": key["KeyId"], "MacAlgorithm": algorithm}
    made = kms.generate_mac(**asked, Message=MESSAGE)
    assert (made["KeyId"], made["MacAlgorithm"]) == (key["Arn"], algorithm)
    assert len(made["Mac"]) == MACS[spec]().digest_size
    assert kms.generate_mac(**asked, Message=MESSAGE)["Mac"] == made["Mac"]
    verified = kms.verify_mac(**asked, Message=MESSAGE, Mac=made["Mac"])
    assert (verified["KeyId"], verified["MacValid"], verified["MacAlgorithm"]) == (key["Arn"], True, algorithm)
    for message, code in [(b"another", made["Mac"]), (MESSAGE, made["Mac"][:-1]), (MESSAGE, b"x")]:
        with refused("KMSInvalidMacException", "", 400):
            kms.verify_mac(**asked, Message=message, Mac=code)
    with refused("KMSInvalidMacException", "", 400):
        kms.verify_mac(KeyId=other["KeyId"], MacAlgorithm=algorithm, Message=MESSAGE, Mac=made["Mac"])


PAIRS = ["RSA_2048", *CURVES, "ECC_NIST_EDWARDS25519"]


@pytest.mark.parametrize("spec", PAIRS)
def test_data_key_pairs_are_pairs(kms, spec):
    key = kms.create_key()["KeyMetadata"]
    asked = {"KeyId": key["KeyId"], "KeyPairSpec": spec, "EncryptionContext": {"a": "1"}}
    made = kms.generate_data_key_pair(**asked)
    assert (made["KeyId"], made["KeyPairSpec"]) == (key["Arn"], spec)
    assert made["KeyMaterialId"] == key["CurrentKeyMaterialId"]
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public == made["PublicKey"]
    if spec in CURVES:
        assert isinstance(private.curve, CURVES[spec])
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext={"a": "1"})
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    with refused("InvalidCiphertextException", "", 400):
        kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])
    hidden = kms.generate_data_key_pair_without_plaintext(**asked)
    assert "PrivateKeyPlaintext" not in hidden and hidden["PublicKey"] != made["PublicKey"]
    opened = kms.decrypt(CiphertextBlob=hidden["PrivateKeyCiphertextBlob"], EncryptionContext={"a": "1"})
    private = load_der_private_key(opened["Plaintext"], None)
    assert private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == hidden["PublicKey"]


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_a_secret_is_shared_with_who_holds_the_other_key(kms, spec):
    key = make(kms, spec, "KEY_AGREEMENT")
    peer = ec.generate_private_key(CURVES[spec]())
    of_peer = peer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    asked = {"KeyId": key["KeyId"], "KeyAgreementAlgorithm": "ECDH"}
    made = kms.derive_shared_secret(**asked, PublicKey=of_peer)
    assert made["SharedSecret"] == peer.exchange(ec.ECDH(), public_of(kms, key))
    assert (made["KeyId"], made["KeyAgreementAlgorithm"], made["KeyOrigin"]) == (key["Arn"], "ECDH", "AWS_KMS")
    # Two keys of KMS agree as well.
    other = make(kms, spec, "KEY_AGREEMENT")
    publics = [kms.get_public_key(KeyId=one["KeyId"])["PublicKey"] for one in (key, other)]
    one = kms.derive_shared_secret(**asked, PublicKey=publics[1])["SharedSecret"]
    asked["KeyId"] = other["KeyId"]
    assert kms.derive_shared_secret(**asked, PublicKey=publics[0])["SharedSecret"] == one
    foreign = ec.generate_private_key(ec.SECP256K1()).public_key()
    point = peer.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for bad in (foreign.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), point, b"x", of_peer[:-1]):
        with refused("ValidationException", status=400):
            kms.derive_shared_secret(**asked, PublicKey=bad)


def test_a_key_of_several_regions_works_alike_in_each(server, kms):
    there = server.client("kms", "eu-west-1")

    def replicated(spec, usage):
        key = make(kms, spec, usage, MultiRegion=True)["KeyId"]
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
        return key

    signing = {"KeyId": replicated("RSA_2048", "SIGN_VERIFY"), "SigningAlgorithm": "RSASSA_PSS_SHA_256", "Message": MESSAGE}
    public = kms.get_public_key(KeyId=signing["KeyId"])["PublicKey"]
    assert there.get_public_key(KeyId=signing["KeyId"])["PublicKey"] == public
    signature = there.sign(**signing)["Signature"]
    check_signature(load_der_public_key(public), "RSASSA_PSS_SHA_256", signature)
    assert kms.verify(**signing, Signature=signature)["SignatureValid"]
    codes = {"KeyId": replicated("HMAC_256", "GENERATE_VERIFY_MAC"), "MacAlgorithm": "HMAC_SHA_256", "Message": MESSAGE}
    assert kms.generate_mac(**codes)["Mac"] == there.generate_mac(**codes)["Mac"]
    sealing = {"KeyId": replicated("RSA_2048", "ENCRYPT_DECRYPT"), "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    sealed = kms.encrypt(**sealing, Plaintext=b"x")["CiphertextBlob"]
    assert there.decrypt(**sealing, CiphertextBlob=sealed)["Plaintext"] == b"x"


@pytest.mark.serve("--rehearsal")
def test_keys_are_the_same_after_a_restart(server, kms):
    signing, codes = make(kms, "RSA_2048", "SIGN_VERIFY"), make(kms, "HMAC_384", "GENERATE_VERIFY_MAC")
    signed = {"KeyId": signing["KeyId"], "Message": MESSAGE, "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}
    coded = {"KeyId": codes["KeyId"], "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_384"}
    signature, code = kms.sign(**signed)["Signature"], kms.generate_mac(**coded)["Mac"]
    public = kms.get_public_key(KeyId=signing["KeyId"])["PublicKey"]
    server.stop()
    server.start()
    kms = server.client("kms")
    assert kms.sign(**signed)["Signature"] == signature and kms.generate_mac(**coded)["Mac"] == code
    assert kms.get_public_key(KeyId=signing["KeyId"])["PublicKey"] == public
    # Gone with the key: nothing kept in memory signs on.
    kms.schedule_key_deletion(KeyId=signing["KeyId"], PendingWindowInDays=7)
    with refused("KMSInvalidStateException", f"{signing['Arn']} is pending deletion.", 400):
        kms.sign(**signed)
    server.advance("8d")
    for call in (lambda: kms.sign(**signed), lambda: kms.get_public_key(KeyId=signing["KeyId"])):
        with refused("NotFoundException", f"Key '{signing['Arn']}' does not exist", 400):
            call()


def test_the_server_answers_while_it_makes_rsa_keys(server, kms):
    """Six keys of 4,096 bits take seconds of a processor; who reads, or wants a key of another kind, does not wait for
    them."""
    made, waits = [], []
    symmetric = kms.create_key()["KeyMetadata"]["KeyId"]

    def work():
        made.append(make(server.client("kms"), "RSA_4096", "SIGN_VERIFY"))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        begun = time.monotonic()
        kms.list_keys(Limit=1)
        kms.generate_data_key_pair(KeyId=symmetric, KeyPairSpec="ECC_NIST_P256")
        waits.append(time.monotonic() - begun)
    for thread in threads:
        thread.join()
    assert len(made) == 6 and len(waits) >= 10
    assert sorted(waits)[len(waits) // 2] < 0.25, f"median {sorted(waits)[len(waits) // 2]}, worst {max(waits)}"
    asked = {"KeyId": made[0]["KeyId"], "Message": MESSAGE, "SigningAlgorithm": "RSASSA_PSS_SHA_512"}
    check_signature(public_of(kms, made[0]), "RSASSA_PSS_SHA_512", kms.sign(**asked)["Signature"])


# --- who may ---


def grant_by_policy(kms, key, who, action, condition):
    document = json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    document["Statement"].append(allow(action, Principal={"AWS": who.arn}, Condition={"StringEquals": condition}))
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(document))


def test_conditions_on_how_a_key_is_used(server, kms):
    user = server.user("user")
    as_user = server.client("kms", who=user)
    signing = make(kms, "RSA_2048", "SIGN_VERIFY")
    condition = {"kms:SigningAlgorithm": "RSASSA_PSS_SHA_256", "kms:MessageType": "RAW"}
    grant_by_policy(kms, signing, user, ["kms:Sign", "kms:Verify"], condition)
    asked = {"KeyId": signing["KeyId"], "Message": b"x" * 32}
    signature = as_user.sign(**asked, SigningAlgorithm="RSASSA_PSS_SHA_256")["Signature"]
    assert as_user.verify(**asked, SigningAlgorithm="RSASSA_PSS_SHA_256", Signature=signature)["SignatureValid"]
    for more in (
        {"SigningAlgorithm": "RSASSA_PSS_SHA_384"},
        {"SigningAlgorithm": "RSASSA_PSS_SHA_256", "MessageType": "DIGEST"},
    ):
        with refused("AccessDeniedException", deny_text(user, "kms:Sign", signing["Arn"]), 400):
            as_user.sign(**asked, **more)

    codes = make(kms, "HMAC_256", "GENERATE_VERIFY_MAC")
    grant_by_policy(kms, codes, user, "kms:GenerateMac", {"kms:MacAlgorithm": "HMAC_SHA_256"})
    asked = {"KeyId": codes["KeyId"], "Message": b"x"}
    assert as_user.generate_mac(**asked, MacAlgorithm="HMAC_SHA_256")["Mac"]
    with refused("AccessDeniedException", status=400):
        as_user.generate_mac(**asked, MacAlgorithm="HMAC_SHA_512")

    symmetric = kms.create_key()["KeyMetadata"]
    condition = {"kms:DataKeyPairSpec": "ECC_NIST_P256", "kms:EncryptionContext:a": "1"}
    grant_by_policy(kms, symmetric, user, "kms:GenerateDataKeyPair*", condition)
    asked = {"KeyId": symmetric["KeyId"], "EncryptionContext": {"a": "1"}}
    assert as_user.generate_data_key_pair(**asked, KeyPairSpec="ECC_NIST_P256")["PublicKey"]
    assert as_user.generate_data_key_pair_without_plaintext(**asked, KeyPairSpec="ECC_NIST_P256")["PublicKey"]
    for more in ({"KeyPairSpec": "ECC_NIST_P384"}, {"KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": {"a": "2"}}):
        with refused("AccessDeniedException", status=400):
            as_user.generate_data_key_pair(**asked | more)

    sealing = make(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    grant_by_policy(kms, sealing, user, "kms:Encrypt", {"kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_256"})
    asked = {"KeyId": sealing["KeyId"], "Plaintext": b"x"}
    assert as_user.encrypt(**asked, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    with refused("AccessDeniedException", status=400):
        as_user.encrypt(**asked, EncryptionAlgorithm="RSAES_OAEP_SHA_1")

    agreeing = make(kms, "ECC_NIST_P256", "KEY_AGREEMENT")
    public = kms.get_public_key(KeyId=agreeing["KeyId"])["PublicKey"]
    grant_by_policy(kms, agreeing, user, "kms:DeriveSharedSecret", {"kms:KeyAgreementAlgorithm": "none"})
    asked = {"KeyId": agreeing["KeyId"], "KeyAgreementAlgorithm": "ECDH", "PublicKey": public}
    with refused("AccessDeniedException", status=400):
        as_user.derive_shared_secret(**asked)
    grant_by_policy(kms, agreeing, user, "kms:DeriveSharedSecret", {"kms:KeyAgreementAlgorithm": "ECDH"})
    assert as_user.derive_shared_secret(**asked)["SharedSecret"]


def test_conditions_on_what_a_key_is(server, kms):
    of_ecc = {**allow("kms:CreateKey"), "Condition": {"StringLike": {"kms:KeySpec": "ECC_*", "kms:KeyUsage": "SIGN_*"}}}
    of_usage = {**allow("kms:DescribeKey"), "Condition": {"StringEquals": {"kms:KeyUsage": "SIGN_VERIFY"}}}
    user = server.user("user", of_ecc, of_usage)
    as_user = server.client("kms", who=user)
    key = make(as_user, "ECC_NIST_P256", "SIGN_VERIFY")
    assert as_user.describe_key(KeyId=key["KeyId"])["KeyMetadata"] == key
    for spec, usage in (("RSA_2048", "SIGN_VERIFY"), ("ECC_NIST_P256", "KEY_AGREEMENT")):
        with refused("AccessDeniedException", deny_text(user, "kms:CreateKey", "*"), 400):
            make(as_user, spec, usage)
    other = kms.create_key()["KeyMetadata"]
    with refused("AccessDeniedException", deny_text(user, "kms:DescribeKey", other["Arn"]), 400):
        as_user.describe_key(KeyId=other["KeyId"])


def test_grants_allow_what_their_key_can_do(server, kms):
    user = server.user("user")
    as_user = server.client("kms", who=user)

    def give(key, *operations, **more):
        return kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=user.arn, Operations=list(operations), **more)

    signing = make(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    asked = {"KeyId": signing["KeyId"], "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}
    with refused("AccessDeniedException", deny_text(user, "kms:Sign", signing["Arn"]), 400):
        as_user.sign(**asked)
    token = give(signing, "Sign", "GetPublicKey", "DescribeKey")["GrantToken"]
    signature = as_user.sign(**asked, GrantTokens=[token])["Signature"]
    assert as_user.get_public_key(KeyId=signing["KeyId"], GrantTokens=[token])["KeyUsage"] == "SIGN_VERIFY"
    with refused("AccessDeniedException", deny_text(user, "kms:Verify", signing["Arn"]), 400):
        as_user.verify(**asked, Signature=signature)
    with refused("InvalidGrantTokenException", status=400):
        as_user.sign(**asked, GrantTokens=["not a token"])

    codes = make(kms, "HMAC_256", "GENERATE_VERIFY_MAC")
    give(codes, "GenerateMac")
    assert as_user.generate_mac(KeyId=codes["KeyId"], Message=b"x", MacAlgorithm="HMAC_SHA_256")["Mac"]

    symmetric = kms.create_key()["KeyMetadata"]
    give(symmetric, "GenerateDataKeyPair", Constraints={"EncryptionContextSubset": {"a": "1"}})
    asked = {"KeyId": symmetric["KeyId"], "KeyPairSpec": "ECC_NIST_P256"}
    assert as_user.generate_data_key_pair(**asked, EncryptionContext={"a": "1"})["PublicKey"]
    with refused("AccessDeniedException", status=400):
        as_user.generate_data_key_pair(**asked)

    for key, operation in (
        (signing, "Decrypt"),
        (signing, "GenerateMac"),
        (codes, "GetPublicKey"),
        (symmetric, "Sign"),
        (symmetric, "GetPublicKey"),
    ):
        with refused("ValidationException", re.compile(f"Operation {operation} is not valid for a grant on"), 400):
            give(key, operation)
    with refused("ValidationException", status=400):
        give(signing, "Sign", Constraints={"EncryptionContextEquals": {"a": "1"}})


def test_records_show_the_algorithm_and_no_message(server, kms):
    key = make(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    kms.sign(KeyId=key["KeyId"], Message=b"never to be recorded", SigningAlgorithm="ECDSA_SHA_256")
    symmetric = kms.create_key()["KeyMetadata"]
    pair = kms.generate_data_key_pair(KeyId=symmetric["KeyId"], KeyPairSpec="ECC_NIST_P256", EncryptionContext={"a": "1"})
    cloudtrail = server.client("cloudtrail")

    def event(name):
        attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
        return json.loads(cloudtrail.lookup_events(LookupAttributes=attributes)["Events"][0]["CloudTrailEvent"])

    found = event("Sign")
    assert found["requestParameters"] == {
        "messageType": "RAW",
        "keyId": key["KeyId"],
        "signingAlgorithm": "ECDSA_SHA_256",
    }
    assert found["responseElements"] is None and found["readOnly"] is True
    assert [one["ARN"] for one in found["resources"]] == [key["Arn"]]
    found = event("GenerateDataKeyPair")
    assert found["requestParameters"] == {
        "keyPairSpec": "ECC_NIST_P256",
        "encryptionContext": {"a": "1"},
        "keyId": symmetric["KeyId"],
    }
    assert found["responseElements"] is None
    assert found["additionalEventData"] == {"keyMaterialId": pair["KeyMaterialId"]}


# --- tags and descriptions ---


def test_tags_are_put_replaced_and_taken(kms):
    key = kms.create_key(Tags=[{"TagKey": "a", "TagValue": "1"}])["KeyMetadata"]["KeyId"]

    def tags():
        answer = kms.list_resource_tags(KeyId=key)
        assert answer["Truncated"] is False and "NextMarker" not in answer
        return {tag["TagKey"]: tag["TagValue"] for tag in answer["Tags"]}

    assert tags() == {"a": "1"}
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "A", "TagValue": ""}])
    assert tags() == {"a": "2", "A": ""}
    kms.untag_resource(KeyId=key, TagKeys=["a", "never there"])
    assert tags() == {"A": ""}
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": f"k{n:02}", "TagValue": "v"} for n in range(49)])
    with refused("TagException", "Too many tags", 400):
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "one more", "TagValue": "v"}])
    pages = list(kms.get_paginator("list_resource_tags").paginate(KeyId=key, PaginationConfig={"PageSize": 20}))
    assert [len(page["Tags"]) for page in pages] == [20, 20, 10]
    found = [tag["TagKey"] for page in pages for tag in page["Tags"]]
    assert sorted(found) == sorted(["A", *(f"k{n:02}" for n in range(49))])


def test_who_may_tag_what(server, kms):
    condition = {
        "StringEquals": {"aws:ResourceTag/team": "blue", "aws:RequestTag/cost": "1"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["cost"]},
    }
    taking = {"StringEquals": {"aws:ResourceTag/team": "blue"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["cost"]}}
    user = server.user(
        "user",
        {**allow("kms:TagResource"), "Condition": condition},
        {**allow("kms:UntagResource"), "Condition": taking},
    )
    as_user = server.client("kms", who=user)
    blue, red = (kms.create_key(Tags=[{"TagKey": "team", "TagValue": team}])["KeyMetadata"] for team in ("blue", "red"))
    cost = [{"TagKey": "cost", "TagValue": "1"}]
    as_user.tag_resource(KeyId=blue["KeyId"], Tags=cost)
    with refused("AccessDeniedException", deny_text(user, "kms:TagResource", red["Arn"]), 400):
        as_user.tag_resource(KeyId=red["KeyId"], Tags=cost)
    with refused("AccessDeniedException", status=400):
        as_user.tag_resource(KeyId=blue["KeyId"], Tags=[{"TagKey": "cost", "TagValue": "2"}])
    with refused("AccessDeniedException", status=400):
        as_user.tag_resource(KeyId=blue["KeyId"], Tags=[*cost, {"TagKey": "team", "TagValue": "red"}])
    with refused("AccessDeniedException", status=400):
        as_user.untag_resource(KeyId=blue["KeyId"], TagKeys=["team"])
    as_user.untag_resource(KeyId=blue["KeyId"], TagKeys=["cost"])
    assert [tag["TagKey"] for tag in kms.list_resource_tags(KeyId=blue["KeyId"])["Tags"]] == ["team"]


def test_a_description_changes(kms):
    key = kms.create_key(Description="before")["KeyMetadata"]["KeyId"]
    kms.update_key_description(KeyId=key, Description="after")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "after"
    kms.update_key_description(KeyId=key, Description="")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == ""
    with refused("ValidationException", re.compile("'description'.*less than or equal to 8192"), 400):
        kms.update_key_description(KeyId=key, Description="x" * 8193)


# --- what a key was last used for ---


@pytest.mark.serve("--rehearsal")
def test_a_key_tells_its_last_use(server, kms):
    key, other = (kms.create_key()["KeyMetadata"] for _ in range(2))

    def last(of=key):
        return kms.get_key_last_usage(KeyId=of["KeyId"])

    answer = last()
    assert answer["KeyLastUsage"] == {} and answer["KeyId"] == key["KeyId"]
    assert answer["KeyCreationDate"] == answer["TrackingStartDate"] == key["CreationDate"]
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    found = last()["KeyLastUsage"]
    assert (found["Operation"], found["KmsRequestId"]) == ("Encrypt", sealed["ResponseMetadata"]["RequestId"])
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "Encrypt"}]
    )["Events"]
    assert found["CloudTrailEventId"] == events[0]["EventId"] and found["Timestamp"] == events[0]["EventTime"]
    # What did not succeed, and what is no use of the key, does not count.
    with refused("DryRunOperationException"):
        kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], DryRun=True)
    with refused("InvalidKeyUsageException"):
        kms.generate_mac(KeyId=key["KeyId"], Message=b"x", MacAlgorithm="HMAC_SHA_256")
    kms.describe_key(KeyId=key["KeyId"])
    assert last()["KeyLastUsage"] == found and last(other)["KeyLastUsage"] == {}
    # Of both keys at once.
    kms.re_encrypt(CiphertextBlob=sealed["CiphertextBlob"], DestinationKeyId=other["KeyId"])
    assert last()["KeyLastUsage"]["Operation"] == last(other)["KeyLastUsage"]["Operation"] == "ReEncrypt"
    # By a service on a principal's behalf.
    s3 = server.client("s3")
    s3.create_bucket(Bucket="last-use")
    s3.put_object(Bucket="last-use", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=other["Arn"])
    assert last(other)["KeyLastUsage"]["Operation"] == "GenerateDataKey"
    with refused("NotFoundException", "Invalid keyId 'alias/a'", 400):
        kms.get_key_last_usage(KeyId="alias/a")
    server.advance("91d")
    answer = last()
    assert answer["KeyLastUsage"] == {} and answer["TrackingStartDate"] > answer["KeyCreationDate"]
