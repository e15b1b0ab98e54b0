"""Every exception of KMS, raised by the stock client: its code, its text, its status."""

import re
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from harness import ACCOUNT, allow, deny_text, policy

ABSENT = "11111111-2222-3333-4444-555555555555"
ABSENT_ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{ABSENT}"
NO_GRANT = "0" * 64
SIGN = {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
MAC = {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
VALIDATION = "ValidationException"
ONE_ERROR = "1 validation error detected: "

# Exceptions of AWS's model that nothing here can raise.
NOT_HERE = {
    "no custom key stores": """
        CloudHsmClusterInUseException CloudHsmClusterInvalidConfigurationException CloudHsmClusterNotActiveException
        CloudHsmClusterNotFoundException CloudHsmClusterNotRelatedException CustomKeyStoreHasCMKsException
        CustomKeyStoreInvalidStateException CustomKeyStoreNameInUseException CustomKeyStoreNotFoundException
        IncorrectTrustAnchorException XksKeyAlreadyInUseException XksKeyInvalidConfigurationException XksKeyNotFoundException
        XksProxyIncorrectAuthenticationCredentialException XksProxyInvalidConfigurationException
        XksProxyInvalidResponseException XksProxyUriEndpointInUseException XksProxyUriInUseException
        XksProxyUriUnreachableException XksProxyVpcEndpointServiceInUseException
        XksProxyVpcEndpointServiceInvalidConfigurationException XksProxyVpcEndpointServiceNotFoundException
    """,
    "nothing that a key needs is elsewhere": "DependencyTimeoutException KeyUnavailableException",
    "a fault of ours": "KMSInternalException",
    "what AWS says so is told as ValidationException": "InvalidAliasNameException",
    "raised in test_kms_lifecycle.py, where the clock moves": "ConflictException ExpiredImportTokenException",
}


class World:
    """Keys of every kind, each made once."""

    def __init__(self, server):
        self.server = server
        # The client checks lengths itself; here the server is to.
        self.kms = server.client("kms", parameter_validation=False)
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.other = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.disabled = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.sealed = self.kms.encrypt(KeyId=self.key, Plaintext=b"x")["CiphertextBlob"]
        self.kms.disable_key(KeyId=self.disabled)
        self.doomed = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.kms.schedule_key_deletion(KeyId=self.doomed, PendingWindowInDays=7)
        self.signing = self.make("ECC_NIST_P256", "SIGN_VERIFY")
        self.rsa = self.make("RSA_2048", "ENCRYPT_DECRYPT")
        self.mac = self.make("HMAC_256", "GENERATE_VERIFY_MAC")
        self.agreeing = self.make("ECC_NIST_P256", "KEY_AGREEMENT")
        self.ed25519 = self.make("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
        self.ml_dsa = self.make("ML_DSA_44", "SIGN_VERIFY")
        self.waiting = self.kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
        self.kms.create_alias(AliasName="alias/taken", TargetKeyId=self.key)
        self.user = server.user("user")
        self.grant = self.kms.create_grant(KeyId=self.key, GranteePrincipal=self.user.arn, Operations=["Decrypt"])
        self.as_user = server.client("kms", who=self.user)
        self.elsewhere = server.client("kms", "eu-west-1")

    def make(self, spec, usage):
        return self.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]

    def bring(self, material=b"x" * 32, **more):
        """Brings key material, wrapped as it should be."""
        asked = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
        parameters = self.kms.get_parameters_for_import(KeyId=self.waiting, **asked)
        hash_ = hashes.SHA256()
        public = load_der_public_key(parameters["PublicKey"])
        brought = {
            "KeyId": self.waiting,
            "ImportToken": parameters["ImportToken"],
            "EncryptedKeyMaterial": public.encrypt(material, padding.OAEP(padding.MGF1(hash_), hash_, None)),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }
        return self.kms.import_key_material(**brought | more)

    def tags(self, *names):
        return [{"TagKey": name, "TagValue": "v"} for name in names]

    def give(self, key, **more):
        asked = {"KeyId": key, "GranteePrincipal": self.user.arn, "Operations": ["Decrypt"]} | more
        return self.kms.create_grant(**asked)


@dataclass
class Row:
    code: str
    text: object
    call: object

    def text_of(self, world):
        return self.text(world) if callable(self.text) else self.text


def rows():
    row = Row
    yield row("NotFoundException", f"Key '{ABSENT_ARN}' does not exist", lambda w: w.kms.describe_key(KeyId=ABSENT))
    yield row("NotFoundException", f"Key '{ABSENT_ARN}' does not exist", lambda w: w.kms.describe_key(KeyId=ABSENT_ARN))
    for bad in ("fake-key-id", "134f2428cec14b25a1ae9048164dba47", "mrk-fake-key-id"):
        yield row("NotFoundException", f"Invalid keyId '{bad}'", lambda w, bad=bad: w.kms.describe_key(KeyId=bad))
        yield row("NotFoundException", f"Invalid keyId '{bad}'", lambda w, bad=bad: w.kms.generate_mac(KeyId=bad, **MAC))
        yield row("NotFoundException", f"Invalid keyId '{bad}'", lambda w, bad=bad: w.kms.sign(KeyId=bad, **SIGN))
    # An alias does not name a key everywhere.
    for call in (
        lambda w: w.kms.list_grants(KeyId="alias/taken"),
        lambda w: w.kms.tag_resource(KeyId="alias/taken", Tags=w.tags("a")),
        lambda w: w.kms.update_key_description(KeyId="alias/taken", Description="d"),
    ):
        yield row("NotFoundException", "Invalid keyId 'alias/taken'", call)
    yield row("NotFoundException", "Invalid arn us-east-1", lambda w: w.elsewhere.describe_key(KeyId=w.key))
    absent_alias = f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found."
    yield row("NotFoundException", absent_alias, lambda w: w.kms.describe_key(KeyId="alias/none"))
    yield row("NotFoundException", absent_alias, lambda w: w.kms.delete_alias(AliasName="alias/none"))
    absent_grant = f"Grant '{NO_GRANT}' does not exist"
    yield row("NotFoundException", absent_grant, lambda w: w.kms.revoke_grant(KeyId=w.key, GrantId=NO_GRANT))
    no_policy = "No such policy exists"
    yield row("NotFoundException", no_policy, lambda w: w.kms.get_key_policy(KeyId=w.key, PolicyName="other"))

    def is_disabled(w):
        return f"{w.disabled} is disabled."

    yield row("DisabledException", is_disabled, lambda w: w.kms.encrypt(KeyId=w.disabled, Plaintext=b"x"))
    pair = {"KeyPairSpec": "ECC_NIST_P256"}
    yield row("DisabledException", is_disabled, lambda w: w.kms.generate_data_key_pair(KeyId=w.disabled, **pair))

    def is_doomed(w):
        return f"{w.doomed} is pending deletion."

    for call in (
        lambda w: w.kms.encrypt(KeyId=w.doomed, Plaintext=b"x"),
        lambda w: w.kms.tag_resource(KeyId=w.doomed, Tags=w.tags("a")),
        lambda w: w.kms.untag_resource(KeyId=w.doomed, TagKeys=["a"]),
        lambda w: w.kms.update_key_description(KeyId=w.doomed, Description="d"),
        lambda w: w.kms.generate_data_key_pair(KeyId=w.doomed, **pair),
    ):
        yield row("KMSInvalidStateException", is_doomed, call)
    not_doomed = "is not pending deletion."
    yield row(
        "KMSInvalidStateException",
        lambda w: f"{w.key} {not_doomed}",
        lambda w: w.kms.cancel_key_deletion(KeyId=w.key),
    )

    def is_waiting(w):
        return f"{w.waiting} is pending import."

    yield row("KMSInvalidStateException", is_waiting, lambda w: w.kms.encrypt(KeyId=w.waiting, Plaintext=b"x"))
    yield row("KMSInvalidStateException", is_waiting, lambda w: w.kms.enable_key(KeyId=w.waiting))
    yield row("IncorrectKeyMaterialException", None, lambda w: w.bring(b"x" * 31))
    yield row("InvalidImportTokenException", None, lambda w: w.bring(ImportToken=b"no token"))
    yield row("InvalidCiphertextException", "", lambda w: w.bring(EncryptedKeyMaterial=b"x" * 256))
    no_date = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
    yield row(VALIDATION, no_date, lambda w: w.bring(ExpirationModel="KEY_MATERIAL_EXPIRES"))
    wrapping = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    for kind, call in (
        ("key", lambda w: w.kms.get_parameters_for_import(KeyId=w.key, **wrapping)),
        ("key", lambda w: w.kms.delete_imported_key_material(KeyId=w.key)),
    ):
        yield row(
            "UnsupportedOperationException",
            lambda w, kind=kind: f"{getattr(w, kind)} origin is AWS_KMS which is not valid for this operation.",
            call,
        )
    yield row(
        "UnsupportedOperationException",
        lambda w: f"{w.waiting} origin is EXTERNAL which is not valid for this operation.",
        lambda w: w.kms.enable_key_rotation(KeyId=w.waiting),
    )
    yield row(
        "UnsupportedOperationException",
        lambda w: f"{w.key} is not a multi-region primary key.",
        lambda w: w.kms.replicate_key(KeyId=w.key, ReplicaRegion="eu-west-1"),
    )

    public = {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x"}
    for kind, usage, operation, call in (
        ("key", "ENCRYPT_DECRYPT", "GenerateMac", lambda w: w.kms.generate_mac(KeyId=w.key, **MAC)),
        ("key", "ENCRYPT_DECRYPT", "VerifyMac", lambda w: w.kms.verify_mac(KeyId=w.key, **MAC, Mac=b"x")),
        ("mac", "GENERATE_VERIFY_MAC", "Sign", lambda w: w.kms.sign(KeyId=w.mac, **SIGN)),
        ("key", "ENCRYPT_DECRYPT", "Verify", lambda w: w.kms.verify(KeyId=w.key, **SIGN, Signature=b"x")),
        ("agreeing", "KEY_AGREEMENT", "Sign", lambda w: w.kms.sign(KeyId=w.agreeing, **SIGN)),
        ("signing", "SIGN_VERIFY", "Encrypt", lambda w: w.kms.encrypt(KeyId=w.signing, Plaintext=b"x")),
        ("mac", "GENERATE_VERIFY_MAC", "GenerateDataKey", lambda w: w.kms.generate_data_key(KeyId=w.mac, KeySpec="AES_256")),
        ("signing", "SIGN_VERIFY", "GenerateDataKeyPair", lambda w: w.kms.generate_data_key_pair(KeyId=w.signing, **pair)),
        ("signing", "SIGN_VERIFY", "DeriveSharedSecret", lambda w: w.kms.derive_shared_secret(KeyId=w.signing, **public)),
        ("mac", "GENERATE_VERIFY_MAC", "ReEncrypt", lambda w: w.kms.re_encrypt(CiphertextBlob=w.sealed, DestinationKeyId=w.mac)),
    ):
        yield row(
            "InvalidKeyUsageException",
            lambda w, kind=kind, usage=usage, operation=operation: (
                f"{getattr(w, kind)} key usage is {usage} which is not valid for {operation}."
            ),
            call,
        )
    for algorithm, spec, call in (
        ("HMAC_SHA_512", "HMAC_256", lambda w: w.kms.generate_mac(KeyId=w.mac, Message=b"x", MacAlgorithm="HMAC_SHA_512")),
        (
            "HMAC_SHA_224",
            "HMAC_256",
            lambda w: w.kms.verify_mac(KeyId=w.mac, Message=b"x", MacAlgorithm="HMAC_SHA_224", Mac=b"x"),
        ),
        (
            "ECDSA_SHA_384",
            "ECC_NIST_P256",
            lambda w: w.kms.sign(KeyId=w.signing, Message=b"x", SigningAlgorithm="ECDSA_SHA_384"),
        ),
        (
            "RSASSA_PSS_SHA_256",
            "ECC_NIST_P256",
            lambda w: w.kms.verify(KeyId=w.signing, Message=b"x", SigningAlgorithm="RSASSA_PSS_SHA_256", Signature=b"x"),
        ),
        ("SYMMETRIC_DEFAULT", "RSA_2048", lambda w: w.kms.encrypt(KeyId=w.rsa, Plaintext=b"x")),
        ("SYMMETRIC_DEFAULT", "RSA_2048", lambda w: w.kms.generate_data_key(KeyId=w.rsa, KeySpec="AES_256")),
        (
            "RSAES_OAEP_SHA_1",
            "SYMMETRIC_DEFAULT",
            lambda w: w.kms.encrypt(KeyId=w.key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_1"),
        ),
    ):
        yield row("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {spec}.", call)

    incorrect = "The key ID in the request does not identify a CMK that can perform this operation."
    for kind in ("other", "mac", "signing", "rsa"):
        yield row(
            "IncorrectKeyException",
            incorrect,
            lambda w, kind=kind: w.kms.decrypt(KeyId=getattr(w, kind), CiphertextBlob=w.sealed),
        )
    yield row("InvalidCiphertextException", "", lambda w: w.kms.decrypt(CiphertextBlob=b"nothing that was sealed"))
    context = {"EncryptionContext": {"a": "1"}}
    yield row("InvalidCiphertextException", "", lambda w: w.kms.decrypt(CiphertextBlob=w.sealed, **context))
    oaep = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    yield row("InvalidCiphertextException", "", lambda w: w.kms.decrypt(KeyId=w.rsa, CiphertextBlob=b"x" * 256, **oaep))
    yield row("KMSInvalidSignatureException", "", lambda w: w.kms.verify(KeyId=w.signing, **SIGN, Signature=b"x"))
    yield row("KMSInvalidMacException", "", lambda w: w.kms.verify_mac(KeyId=w.mac, **MAC, Mac=b"x"))

    for kind in ("key", "mac"):
        unsupported = "UnsupportedOperationException"
        yield row(unsupported, "", lambda w, kind=kind: w.kms.get_public_key(KeyId=getattr(w, kind)))
    for what, call in (
        ("KeySpec SM2", lambda w: w.make("SM2", "SIGN_VERIFY")),
        ("KeyPairSpec SM2", lambda w: w.kms.generate_data_key_pair(KeyId=w.key, KeyPairSpec="SM2")),
        ("KeyPairSpec ML_KEM_512", lambda w: w.kms.generate_data_key_pair(KeyId=w.key, KeyPairSpec="ML_KEM_512")),
        (
            "SigningAlgorithm ED25519_PH_SHA_512",
            lambda w: w.kms.sign(
                KeyId=w.ed25519, Message=b"x" * 64, MessageType="DIGEST", SigningAlgorithm="ED25519_PH_SHA_512"
            ),
        ),
        (
            "MessageType EXTERNAL_MU",
            lambda w: w.kms.sign(
                KeyId=w.ml_dsa, Message=b"x" * 64, MessageType="EXTERNAL_MU", SigningAlgorithm="ML_DSA_SHAKE_256"
            ),
        ),
        (
            "DryRunModifiers",
            lambda w: w.kms.decrypt(CiphertextBlob=w.sealed, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"]),
        ),
        (
            "GranteeServicePrincipal",
            lambda w: w.kms.create_grant(
                KeyId=w.key, GranteeServicePrincipal="s3.amazonaws.com", Operations=["Decrypt"]
            ),
        ),
    ):
        yield row("UnsupportedOperationException", f"{what} is not supported.", call)
    recipient = {"Recipient": {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"x"}}
    nitro = "Recipient (Nitro Enclaves attestation) is not supported."
    for call in (
        lambda w: w.kms.decrypt(CiphertextBlob=w.sealed, **recipient),
        lambda w: w.kms.generate_data_key(KeyId=w.key, KeySpec="AES_256", **recipient),
        lambda w: w.kms.generate_data_key_pair(KeyId=w.key, **pair, **recipient),
        lambda w: w.kms.generate_random(NumberOfBytes=1, **recipient),
        lambda w: w.kms.derive_shared_secret(KeyId=w.agreeing, **public, **recipient),
    ):
        yield row("UnsupportedOperationException", nitro, call)

    too_long = f"{ONE_ERROR}Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
    yield row(VALIDATION, too_long, lambda w: w.kms.encrypt(KeyId=w.key, Plaintext=b"x" * 4097))
    yield row(VALIDATION, "NumberOfBytes is required.", lambda w: w.kms.generate_random())
    for size, constraint in ((0, "greater than or equal to 1"), (1025, "less than or equal to 1024")):
        yield row(
            VALIDATION,
            f"{ONE_ERROR}Value '{size}' at 'numberOfBytes' failed to satisfy constraint: Member must have value {constraint}",
            lambda w, size=size: w.kms.generate_random(NumberOfBytes=size),
        )
    no_usage = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
    yield row(VALIDATION, no_usage, lambda w: w.kms.create_key(KeySpec="HMAC_256"))
    for spec, usage in (
        ("RSA_2048", "KEY_AGREEMENT"),
        ("RSA_2048", "GENERATE_VERIFY_MAC"),
        ("ECC_NIST_P256", "ENCRYPT_DECRYPT"),
        ("ECC_SECG_P256K1", "KEY_AGREEMENT"),
        ("HMAC_256", "ENCRYPT_DECRYPT"),
        ("SYMMETRIC_DEFAULT", "SIGN_VERIFY"),
        ("ML_DSA_44", "KEY_AGREEMENT"),
    ):
        text = f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        yield row(VALIDATION, text, lambda w, spec=spec, usage=usage: w.make(spec, usage))
    both = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated."
    specs = {"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048"}
    yield row(VALIDATION, both, lambda w: w.kms.create_key(**specs, KeyUsage="SIGN_VERIFY"))
    for text, call in (
        ("Value 'HMAC_random' at 'keySpec'", lambda w: w.make("HMAC_random", "GENERATE_VERIFY_MAC")),
        ("Value 'RANDOM' at 'keyUsage'", lambda w: w.make("HMAC_256", "RANDOM")),
        ("Value 'INVALID' at 'macAlgorithm'", lambda w: w.kms.generate_mac(KeyId=w.mac, Message=b"x", MacAlgorithm="INVALID")),
        (
            "Value 'INVALID' at 'signingAlgorithm'",
            lambda w: w.kms.sign(KeyId=w.signing, Message=b"x", SigningAlgorithm="INVALID"),
        ),
        ("Value 'INVALID' at 'messageType'", lambda w: w.kms.sign(KeyId=w.signing, **SIGN, MessageType="INVALID")),
        ("Value 'DES' at 'keyPairSpec'", lambda w: w.kms.generate_data_key_pair(KeyId=w.key, KeyPairSpec="DES")),
    ):
        whole = f"^{ONE_ERROR}{text} failed to satisfy constraint: Member must satisfy enum value set: \\["
        yield row(VALIDATION, re.compile(whole), call)
    yield row(
        VALIDATION,
        f"{ONE_ERROR}Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: "
        "[HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]",
        lambda w: w.kms.verify_mac(KeyId=w.mac, Message=b"x", MacAlgorithm="INVALID", Mac=b"x"),
    )
    digest = "Digest is invalid length for algorithm ECDSA_SHA_256."
    yield row(VALIDATION, digest, lambda w: w.kms.sign(KeyId=w.signing, **SIGN, MessageType="DIGEST"))
    yield row(
        VALIDATION,
        "Message type DIGEST is incompatible with key spec ML_DSA_44.",
        lambda w: w.kms.sign(KeyId=w.ml_dsa, Message=b"x", MessageType="DIGEST", SigningAlgorithm="ML_DSA_SHAKE_256"),
    )
    for algorithm, size in (("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)):
        yield row(
            VALIDATION,
            f"Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {size} bytes.",
            lambda w, algorithm=algorithm, size=size: w.kms.encrypt(
                KeyId=w.rsa, Plaintext=b"x" * (size + 1), EncryptionAlgorithm=algorithm
            ),
        )
    prefix = (
        'Alias must start with the prefix "alias/". Please see '
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
    )
    yield row(VALIDATION, prefix, lambda w: w.kms.create_alias(AliasName="name", TargetKeyId=w.key))
    same = "The alias can stand only for a KMS key of the same type and key usage as its current one."
    for kind in ("signing", "mac", "rsa"):
        yield row(
            VALIDATION,
            same,
            lambda w, kind=kind: w.kms.update_alias(AliasName="alias/taken", TargetKeyId=getattr(w, kind)),
        )
    window = f"{ONE_ERROR}Value '5' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value greater than or equal to 7"
    yield row(VALIDATION, window, lambda w: w.kms.schedule_key_deletion(KeyId=w.key, PendingWindowInDays=5))
    for listing in (
        lambda w, **more: w.kms.list_keys(**more),
        lambda w, **more: w.kms.list_aliases(**more),
        lambda w, **more: w.kms.list_grants(KeyId=w.key, **more),
        lambda w, **more: w.kms.list_key_policies(KeyId=w.key, **more),
        lambda w, **more: w.kms.list_resource_tags(KeyId=w.key, **more),
        lambda w, **more: w.kms.list_retirable_grants(RetiringPrincipal=w.user.arn, **more),
    ):
        limit = f"{ONE_ERROR}Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000"
        yield row(VALIDATION, limit, lambda w, listing=listing: listing(w, Limit=1001))
        yield row("InvalidMarkerException", None, lambda w, listing=listing: listing(w, Marker="no marker"))
    tokens = f"{ONE_ERROR}Value at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10"
    yield row(VALIDATION, tokens, lambda w: w.kms.describe_key(KeyId=w.key, GrantTokens=["x"] * 11))

    yield row("TagException", "Duplicate tag keys", lambda w: w.kms.tag_resource(KeyId=w.key, Tags=w.tags("a", "a")))
    reserved = "Tags beginning with aws: are reserved"
    yield row("TagException", reserved, lambda w: w.kms.tag_resource(KeyId=w.key, Tags=w.tags("aws:x")))
    yield row("TagException", reserved, lambda w: w.kms.create_key(Tags=w.tags("AWS:x")))
    many = [str(n) for n in range(51)]
    yield row("TagException", "Too many tags", lambda w: w.kms.tag_resource(KeyId=w.key, Tags=w.tags(*many)))
    long = "k" * 129
    tag_length = f"{ONE_ERROR}Value '{long}' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128"
    yield row(VALIDATION, tag_length, lambda w: w.kms.tag_resource(KeyId=w.key, Tags=w.tags(long)))

    def fill_aliases(w):
        for n in range(51):
            w.kms.create_alias(AliasName=f"alias/{n}", TargetKeyId=w.other)

    yield row("LimitExceededException", None, fill_aliases)
    taken = f"An alias with the name arn:aws:kms:us-east-1:{ACCOUNT}:alias/taken already exists"
    yield row("AlreadyExistsException", taken, lambda w: w.kms.create_alias(AliasName="alias/taken", TargetKeyId=w.key))
    yield row(
        "NotAuthorizedException", "", lambda w: w.kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=w.key)
    )
    malformed = "MalformedPolicyDocumentException"
    closed = policy(allow("kms:Decrypt", Principal={"AWS": ACCOUNT}))
    lockout = "The new key policy will not allow you to update the key policy in the future."
    yield row(malformed, lockout, lambda w: w.kms.put_key_policy(KeyId=w.key, Policy=closed))
    nobody = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}))
    principals = "Policy contains a statement with one or more invalid principals."
    yield row(malformed, principals, lambda w: w.kms.put_key_policy(KeyId=w.key, Policy=nobody))
    yield row(malformed, None, lambda w: w.kms.put_key_policy(KeyId=w.key, Policy="{"))
    yield row("InvalidArnException", "Invalid arn arn:aws:s3:::b", lambda w: w.kms.describe_key(KeyId="arn:aws:s3:::b"))
    yield row(
        "InvalidArnException", None, lambda w: w.give(w.key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/nobody")
    )
    yield row("InvalidGrantTokenException", None, lambda w: w.kms.describe_key(KeyId=w.key, GrantTokens=["x"]))
    yield row("InvalidGrantTokenException", None, lambda w: w.kms.sign(KeyId=w.signing, **SIGN, GrantTokens=["x"]))
    yield row("InvalidGrantIdException", None, lambda w: w.kms.revoke_grant(KeyId=w.key, GrantId="x"))

    foreign = (
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are "
        "not allowed to access."
    )
    yield row("AccessDeniedException", foreign, lambda w: w.elsewhere.decrypt(CiphertextBlob=w.sealed))
    yield row(
        "AccessDeniedException",
        lambda w: deny_text(w.user, "kms:Sign", w.signing),
        lambda w: w.as_user.sign(KeyId=w.signing, **SIGN),
    )
    # Who may not use a key does not learn its state, nor what it is for.
    for kind in ("disabled", "doomed", "mac"):
        yield row(
            "AccessDeniedException",
            lambda w, kind=kind: deny_text(w.user, "kms:Sign", getattr(w, kind)),
            lambda w, kind=kind: w.as_user.sign(KeyId=getattr(w, kind), **SIGN),
        )


def call_of(row, world):
    """How the call ended: code, text, status."""
    try:
        row.call(world)
    except ClientError as error:
        found = error.response["Error"]
        return found["Code"], found.get("Message", ""), error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "no error", "", 200


def fits(text, wanted):
    if wanted is None:
        return bool(text)
    return wanted.search(text) is not None if isinstance(wanted, re.Pattern) else text == wanted


def test_every_error_has_its_code_and_its_text(server):
    world, wrong = World(server), []
    for row in rows():
        code, text, status = call_of(row, world)
        wanted = row.text_of(world)
        if code != row.code or not fits(text, wanted) or status != 400:
            wrong.append(f"wanted {row.code}: {wanted!r}\n found {code}: {text!r} ({status})")
    assert not wrong, "\n".join(wrong)


def test_every_exception_of_the_model_is_raised_or_cannot_be(server):
    model = server.client("kms").meta.service_model
    known = {name for name in model.shape_names if model.shape_for(name).metadata.get("exception")}
    raised = {row.code for row in rows()} | {"DryRunOperationException"}
    elsewhere = {name for names in NOT_HERE.values() for name in names.split()}
    assert known - raised - elsewhere == set(), "neither raised nor told why not"
    assert raised & elsewhere == set(), "raised, and told that it cannot be"
    assert elsewhere - known == set(), "not of the model"


# How each operation with a trial is called so that it would succeed.
TRIALS = {
    "CreateGrant": lambda w: {"KeyId": w.key, "GranteePrincipal": w.user.arn, "Operations": ["Encrypt"]},
    "Decrypt": lambda w: {"CiphertextBlob": w.sealed},
    "DeriveSharedSecret": lambda w: {
        "KeyId": w.agreeing,
        "KeyAgreementAlgorithm": "ECDH",
        "PublicKey": w.kms.get_public_key(KeyId=w.agreeing)["PublicKey"],
    },
    "Encrypt": lambda w: {"KeyId": w.key, "Plaintext": b"x"},
    "GenerateDataKey": lambda w: {"KeyId": w.key, "KeySpec": "AES_256"},
    "GenerateDataKeyPair": lambda w: {"KeyId": w.key, "KeyPairSpec": "RSA_4096"},
    "GenerateDataKeyPairWithoutPlaintext": lambda w: {"KeyId": w.key, "KeyPairSpec": "RSA_4096"},
    "GenerateDataKeyWithoutPlaintext": lambda w: {"KeyId": w.key, "KeySpec": "AES_256"},
    "GenerateMac": lambda w: {"KeyId": w.mac, **MAC},
    "ReEncrypt": lambda w: {"CiphertextBlob": w.sealed, "DestinationKeyId": w.other},
    "RetireGrant": lambda w: {"GrantToken": w.grant["GrantToken"]},
    "RevokeGrant": lambda w: {"KeyId": w.key, "GrantId": w.grant["GrantId"]},
    "Sign": lambda w: {"KeyId": w.signing, **SIGN},
    "Verify": lambda w: {
        "KeyId": w.signing,
        **SIGN,
        "Signature": w.kms.sign(KeyId=w.signing, **SIGN)["Signature"],
    },
    "VerifyMac": lambda w: {"KeyId": w.mac, **MAC, "Mac": w.kms.generate_mac(KeyId=w.mac, **MAC)["Mac"]},
}


def method_of(client, operation):
    return getattr(client, next(name for name, of in client.meta.method_to_api_mapping.items() if of == operation))


def test_a_trial_says_what_would_be_and_does_nothing(server):
    world = World(server)
    model = world.kms.meta.service_model
    with_trial = {
        name for name in model.operation_names if "DryRun" in model.operation_model(name).input_shape.members
    }
    # Those of ML-KEM keys are not here.
    assert with_trial - set(TRIALS) == {"Encapsulate", "Decapsulate"}
    text = "The request would have succeeded, but the DryRun option is set."
    grants = len(world.kms.list_grants(KeyId=world.key)["Grants"])
    for name, asked in TRIALS.items():
        trial = Row("", "", lambda w, name=name, asked=asked: method_of(w.kms, name)(**asked(w), DryRun=True))
        assert call_of(trial, world) == ("DryRunOperationException", text, 400), name
        # Whoever may not, is told so in a trial too.
        parameters = asked(world)
        denied = Row("", "", lambda w, name=name, p=parameters: method_of(w.as_user, name)(**p, DryRun=True))
        if name not in ("Decrypt", "RetireGrant"):
            assert call_of(denied, world)[0] == "AccessDeniedException", name
    assert len(world.kms.list_grants(KeyId=world.key)["Grants"]) == grants
    # A trial meets every check that the call itself would meet.
    disabled = Row("", "", lambda w: w.kms.encrypt(KeyId=w.disabled, Plaintext=b"x", DryRun=True))
    assert call_of(disabled, world)[0] == "DisabledException"
    wrong_use = Row("", "", lambda w: w.kms.sign(KeyId=w.mac, **SIGN, DryRun=True))
    assert call_of(wrong_use, world)[0] == "InvalidKeyUsageException"
    # What would not open is told in a trial.
    other = {"other": "context"}
    decrypt = Row("", "", lambda w: w.kms.decrypt(CiphertextBlob=w.sealed, EncryptionContext=other, DryRun=True))
    assert call_of(decrypt, world)[0] == "InvalidCiphertextException"
    again = {"SourceEncryptionContext": other, "DestinationKeyId": world.key, "DryRun": True}
    re_encrypt = Row("", "", lambda w: w.kms.re_encrypt(CiphertextBlob=w.sealed, **again))
    assert call_of(re_encrypt, world)[0] == "InvalidCiphertextException"


def test_operations_that_are_not_here_are_refused_by_name(server):
    for name in ("CreateCustomKeyStore", "DescribeCustomKeyStores", "Encapsulate", "Decapsulate", "NoSuchThing"):
        headers = {"X-Amz-Target": f"TrentService.{name}", "Content-Type": "application/x-amz-json-1.1"}
        answer = server.call("kms", "POST", "/", headers, b"{}")
        assert (answer.status, answer.code) == (400, "UnknownOperationException")
        assert answer.json["message"] == f"The operation {name} is not implemented."
