"""The life of a KMS key as boto3 sees it: several Regions, rotation, material that is brought, deletion."""

import hmac
import json
import os
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from harness import ACCOUNT, allow, bucket_policy, deny_text, poll, policy, refused

HERE, THERE, FAR = "us-east-1", "eu-west-1", "ap-northeast-1"
UNSUPPORTED = "UnsupportedOperationException"
STATE = "KMSInvalidStateException"
ON = {"HMAC_256": "GENERATE_VERIFY_MAC", "RSA_2048": "SIGN_VERIFY", "ECC_NIST_P256": "SIGN_VERIFY"}

pytestmark = pytest.mark.serve("--rehearsal")


@pytest.fixture
def kms(server):
    return server.client("kms")


@pytest.fixture
def there(server):
    return server.client("kms", THERE)


def describe(kms, key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]


def state(kms, key):
    return describe(kms, key)["KeyState"]


def events(server, name, region=HERE, count=1):
    """The records of this name in a Region, newest first; waits for so many."""

    def ask():
        asked = [{"AttributeKey": "EventName", "AttributeValue": name}]
        found = server.client("cloudtrail", region).lookup_events(LookupAttributes=asked)["Events"]
        return [json.loads(event["CloudTrailEvent"]) for event in found]

    return poll(lambda: len(found := ask()) >= count and found) or ask()


def sealed(kms, key, text=b"x"):
    return kms.encrypt(KeyId=key, Plaintext=text)["CiphertextBlob"]


# --- several Regions ---


def test_a_key_of_several_regions_is_one_key_with_a_life_of_its_own_in_each(server, kms, there):
    made = kms.create_key(MultiRegion=True, Description="primary", Tags=[{"TagKey": "a", "TagValue": "1"}])["KeyMetadata"]
    key = made["KeyId"]
    assert re.fullmatch("mrk-[0-9a-f]{32}", key)
    at = {region: f"arn:aws:kms:{region}:{ACCOUNT}:key/{key}" for region in (HERE, THERE, FAR)}
    alone = {"MultiRegionKeyType": "PRIMARY", "PrimaryKey": {"Arn": at[HERE], "Region": HERE}, "ReplicaKeys": []}
    assert made["MultiRegion"] is True and made["MultiRegionConfiguration"] == alone
    before = sealed(kms, key)

    tags = [{"TagKey": "b", "TagValue": "2"}]
    answer = kms.replicate_key(KeyId=at[HERE], ReplicaRegion=THERE, Description="replica", Tags=tags)
    kms.replicate_key(KeyId=key, ReplicaRegion=FAR)
    replica = describe(there, key)
    assert answer["ReplicaTags"] == tags
    assert json.loads(answer["ReplicaPolicy"]) == json.loads(there.get_key_policy(KeyId=key)["Policy"])
    assert (replica["KeyState"], replica["Enabled"], replica["Description"]) == ("Enabled", True, "replica")
    related = {
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": {"Arn": at[HERE], "Region": HERE},
        "ReplicaKeys": [{"Arn": at[FAR], "Region": FAR}, {"Arn": at[THERE], "Region": THERE}],
    }
    assert replica["MultiRegionConfiguration"] == related
    assert describe(kms, key)["MultiRegionConfiguration"] == {**related, "MultiRegionKeyType": "PRIMARY"}
    shared = ("KeyId", "KeySpec", "KeyUsage", "Origin", "CurrentKeyMaterialId", "MultiRegion")
    assert [replica[name] for name in shared] == [describe(kms, key)[name] for name in shared]
    assert answer["ReplicaKeyMetadata"]["Arn"] == at[THERE]

    # What one seals the other opens, also what was sealed before there was another.
    assert there.decrypt(CiphertextBlob=before)["Plaintext"] == b"x"
    blob = there.encrypt(KeyId=key, Plaintext=b"y", EncryptionContext={"a": "1"})
    assert blob["KeyId"] == at[THERE]
    opened = kms.decrypt(CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"a": "1"}, KeyId=at[HERE])
    assert (opened["Plaintext"], opened["KeyId"]) == (b"y", at[HERE])

    # Their own: state, description, alias, tags, policy, grants.
    there.disable_key(KeyId=key)
    there.create_alias(AliasName="alias/there", TargetKeyId=key)
    assert state(kms, key) == "Enabled" and kms.encrypt(KeyId=key, Plaintext=b"z")
    with refused("DisabledException", f"{at[THERE]} is disabled.", 400):
        there.decrypt(CiphertextBlob=before)
    assert kms.list_aliases(KeyId=key)["Aliases"] == []
    assert there.list_resource_tags(KeyId=key)["Tags"] == tags
    assert describe(kms, key)["Description"] == "primary"

    # Recorded in both Regions.
    (replicated,) = [one for one in events(server, "ReplicateKey", count=2) if one["requestParameters"]["keyId"] == at[HERE]]
    assert replicated["requestParameters"]["replicaRegion"] == THERE and replicated["awsRegion"] == HERE
    assert replicated["responseElements"]["replicaKeyMetadata"]["arn"] == at[THERE]
    (created,) = events(server, "CreateKey", THERE)
    assert created["responseElements"]["keyMetadata"]["arn"] == at[THERE]
    assert created["userIdentity"]["invokedBy"] == "AWS Internal" and created["requestParameters"]["multiRegion"] is True


def test_what_cannot_be_replicated_is_refused(server, kms, there):
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]
    single = kms.create_key()["KeyMetadata"]
    kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)
    replica = key["Arn"].replace(HERE, THERE)
    with refused("AlreadyExistsException", status=400):
        kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)
    with refused("AlreadyExistsException", status=400):
        kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=HERE)
    with refused(UNSUPPORTED, f"{replica} is not a multi-region primary key.", 400):
        there.replicate_key(KeyId=key["KeyId"], ReplicaRegion=FAR)
    with refused(UNSUPPORTED, f"{single['Arn']} is not a multi-region primary key.", 400):
        kms.replicate_key(KeyId=single["KeyId"], ReplicaRegion=FAR)
    with refused(UNSUPPORTED, re.compile("af-south-1"), 400):
        kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion="af-south-1")
    with refused("ValidationException", re.compile("'replicaRegion' failed to satisfy constraint"), 400):
        kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion="nowhere")
    locked = policy(allow("kms:Decrypt", Principal={"AWS": ACCOUNT}))
    with refused("MalformedPolicyDocumentException", status=400):
        kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=FAR, Policy=locked)
    # Nothing of what was refused is there.
    with refused("NotFoundException", status=400):
        server.client("kms", FAR).describe_key(KeyId=key["KeyId"])
    assert len(describe(kms, key["KeyId"])["MultiRegionConfiguration"]["ReplicaKeys"]) == 1


def test_who_may_replicate_and_make_keys_of_several_regions(server, kms, there):
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]
    where = lambda region: {"StringEquals": {"aws:RequestedRegion": region}}
    halves = server.user("halves", allow("kms:ReplicateKey"), allow("kms:CreateKey", Condition=where(HERE)))
    with refused("AccessDeniedException", deny_text(halves, "kms:CreateKey", "*"), 400):
        server.client("kms", who=halves).replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)
    (record,) = events(server, "CreateKey", THERE)
    assert record["errorCode"] == "AccessDenied" or record["errorCode"] == "AccessDeniedException"
    maker = server.user("maker", allow("kms:CreateKey"))
    with refused("AccessDeniedException", deny_text(maker, "kms:ReplicateKey", key["Arn"]), 400):
        server.client("kms", who=maker).replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)

    there_only = {"StringEquals": {"kms:ReplicaRegion": THERE, "kms:MultiRegionKeyType": "PRIMARY"}}
    replicator = server.user("replicator", allow("kms:ReplicateKey", Condition=there_only), allow("kms:CreateKey"))
    as_replicator = server.client("kms", who=replicator)
    with refused("AccessDeniedException", status=400):
        as_replicator.replicate_key(KeyId=key["KeyId"], ReplicaRegion=FAR)
    as_replicator.replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)
    tagless, tags = server.user("tagless", allow(["kms:ReplicateKey", "kms:CreateKey"])), [{"TagKey": "a", "TagValue": "b"}]
    with refused("AccessDeniedException", deny_text(tagless, "kms:TagResource", "*"), 400):
        server.client("kms", who=tagless).replicate_key(KeyId=key["KeyId"], ReplicaRegion=FAR, Tags=tags)

    # The role with which KMS keeps the keys alike is made with the first of them.
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
    with refused("AccessDeniedException", deny_text(maker, "iam:CreateServiceLinkedRole", role), 400):
        server.client("kms", who=maker).create_key(MultiRegion=True)
    whole = server.user("whole", allow(["kms:CreateKey", "iam:CreateServiceLinkedRole"]))
    server.client("kms", who=whole).create_key(MultiRegion=True)

    # What a key is, conditions see.
    multi = {"Bool": {"kms:MultiRegion": "true"}}
    none = server.user("none", allow("kms:*"), {**allow("kms:*", Condition=multi), "Effect": "Deny"})
    with refused("AccessDeniedException", re.compile("explicit deny"), 400):
        server.client("kms", who=none).encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    replicas = {"StringEquals": {"kms:MultiRegionKeyType": "REPLICA"}}
    reader = server.user("reader", allow("kms:Encrypt", Condition=replicas))
    with refused("AccessDeniedException", status=400):
        server.client("kms", who=reader).encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    assert server.client("kms", THERE, who=reader).encrypt(KeyId=key["KeyId"], Plaintext=b"x")


def test_the_primary_moves(server, kms, there):
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    arn = describe(kms, key)["Arn"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    with refused("NotFoundException", status=400):
        kms.update_primary_region(KeyId=key, PrimaryRegion=FAR)
    with refused(UNSUPPORTED, status=400):
        kms.update_primary_region(KeyId=key, PrimaryRegion=HERE)
    with refused(UNSUPPORTED, f"{arn.replace(HERE, THERE)} is not a multi-region primary key.", 400):
        there.update_primary_region(KeyId=key, PrimaryRegion=HERE)

    # The right is needed on both keys.
    here_only = allow("kms:UpdatePrimaryRegion", Condition={"StringEquals": {"aws:RequestedRegion": HERE}})
    half = server.user("half", here_only)
    text = deny_text(half, "kms:UpdatePrimaryRegion", arn.replace(HERE, THERE))
    with refused("AccessDeniedException", text, 400):
        server.client("kms", who=half).update_primary_region(KeyId=key, PrimaryRegion=THERE)
    to_there = {"StringEquals": {"kms:PrimaryRegion": THERE}}
    mover = server.user("mover", allow("kms:UpdatePrimaryRegion", Condition=to_there))
    server.client("kms", who=mover).update_primary_region(KeyId=key, PrimaryRegion=THERE)

    configurations = [describe(one, key)["MultiRegionConfiguration"] for one in (kms, there)]
    assert [one["MultiRegionKeyType"] for one in configurations] == ["REPLICA", "PRIMARY"]
    assert all(one["PrimaryKey"]["Region"] == THERE for one in configurations)
    assert all([of["Region"] for of in one["ReplicaKeys"]] == [HERE] for one in configurations)
    moved = [one for one in events(server, "UpdatePrimaryRegion", count=4) if "errorCode" not in one]
    (inner,) = [one for one in events(server, "UpdatePrimaryRegion", THERE, 3) if "errorCode" not in one]
    assert moved[0]["requestParameters"] == {"keyId": key, "primaryRegion": THERE}
    assert moved[0]["responseElements"] == {"keyId": arn}
    assert inner["userIdentity"]["invokedBy"] == "AWS Internal" and inner["awsRegion"] == THERE

    there.replicate_key(KeyId=key, ReplicaRegion=FAR)
    # The rotation went with it.
    with refused(UNSUPPORTED, f"{arn} is not a multi-region primary key.", 400):
        kms.disable_key_rotation(KeyId=key)
    server.advance("101d")
    rotations = [one.list_key_rotations(KeyId=key)["Rotations"] for one in (kms, there, server.client("kms", FAR))]
    assert [len(found) for found in rotations] == [1, 1, 1]
    assert len(events(server, "RotateKey", THERE)) == 1 and events(server, "RotateKey", HERE, 0) == []


def test_a_primary_outlives_its_replicas(server, kms, there):
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]
    name, arn = key["KeyId"], key["Arn"]
    kms.replicate_key(KeyId=name, ReplicaRegion=THERE)
    kms.replicate_key(KeyId=name, ReplicaRegion=FAR)
    far = server.client("kms", FAR)
    blob = sealed(kms, name)

    answer = kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=10)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingReplicaDeletion", 10)
    assert "DeletionDate" not in answer
    found = describe(kms, name)
    assert (found["KeyState"], found["PendingDeletionWindowInDays"]) == ("PendingReplicaDeletion", 10)
    with refused(STATE, status=400):
        kms.encrypt(KeyId=name, Plaintext=b"x")
    with refused(STATE, status=400):
        kms.replicate_key(KeyId=name, ReplicaRegion="sa-east-1")
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.cancel_key_deletion(KeyId=name)
    assert state(kms, name) == "Disabled"
    kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=10)

    # It waits for as long as there is a replica.
    server.advance("40d")
    assert state(kms, name) == "PendingReplicaDeletion"
    assert there.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
    server.advance("8d")
    with refused("NotFoundException", status=400):
        describe(there, name)
    assert [one["Region"] for one in describe(kms, name)["MultiRegionConfiguration"]["ReplicaKeys"]] == [FAR]
    assert state(kms, name) == "PendingReplicaDeletion"
    far.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
    server.advance("7d")
    server.advance("1h")
    found = describe(kms, name)
    assert found["KeyState"] == "PendingDeletion" and found["MultiRegionConfiguration"]["ReplicaKeys"] == []
    days = (found["DeletionDate"] - server.now()).total_seconds() / 86400
    assert 9.8 < days < 10.1
    server.advance("11d")
    with refused("NotFoundException", f"Key '{arn}' does not exist", 400):
        describe(kms, name)
    (deleted,) = events(server, "DeleteKey")
    assert deleted["eventType"] == "AwsServiceEvent" and deleted["responseElements"] == {"keyId": arn}
    assert len(events(server, "DeleteKey", THERE)) == len(events(server, "DeleteKey", FAR)) == 1


def test_a_deleted_replica_can_be_made_again(server, kms, there):
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    blob = sealed(there, key)
    there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("AlreadyExistsException", status=400):
        kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    server.advance("8d")
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


# --- rotation ---


def test_material_is_replaced_by_itself_and_what_was_sealed_stays_readable(server, kms):
    key = kms.create_key()["KeyMetadata"]
    name = key["KeyId"]
    off = kms.get_key_rotation_status(KeyId=name)
    assert off["KeyRotationEnabled"] is False and "NextRotationDate" not in off and off["KeyId"] == key["Arn"]
    first = sealed(kms, name, b"first")
    kms.enable_key_rotation(KeyId=name, RotationPeriodInDays=90)
    on = kms.get_key_rotation_status(KeyId=name)
    assert (on["KeyRotationEnabled"], on["RotationPeriodInDays"]) == (True, 90)
    assert abs(on["NextRotationDate"] - server.now() - timedelta(days=90)) < timedelta(minutes=5)
    assert kms.list_key_rotations(KeyId=name)["Rotations"] == []
    (initial,) = kms.list_key_rotations(KeyId=name, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert initial == {"KeyId": key["Arn"], "KeyMaterialId": key["CurrentKeyMaterialId"], "KeyMaterialState": "CURRENT"}

    server.advance("91d")
    rotated = describe(kms, name)
    assert rotated["CurrentKeyMaterialId"] != key["CurrentKeyMaterialId"]
    assert kms.get_key_rotation_status(KeyId=name)["NextRotationDate"] - on["NextRotationDate"] == timedelta(days=90)
    (one,) = kms.list_key_rotations(KeyId=name)["Rotations"]
    assert (one["RotationType"], one["KeyMaterialState"]) == ("AUTOMATIC", "CURRENT")
    assert one["KeyMaterialId"] == rotated["CurrentKeyMaterialId"]
    opened = kms.decrypt(CiphertextBlob=first)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"first", key["CurrentKeyMaterialId"])
    second = kms.encrypt(KeyId=name, Plaintext=b"second")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=second)["KeyMaterialId"] == rotated["CurrentKeyMaterialId"]

    (event,) = events(server, "RotateKey")
    assert event["eventType"] == "AwsServiceEvent" and event["userIdentity"] == {
        "accountId": ACCOUNT,
        "invokedBy": "AWS Internal",
    }
    assert event["serviceEventDetails"] == {
        "rotationType": "AUTOMATIC",
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": key["CurrentKeyMaterialId"],
        "currentKeyMaterialId": rotated["CurrentKeyMaterialId"],
        "keyId": name,
    }
    assert event["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key["Arn"]}]

    # Every period, also when time passes in one stride.
    server.advance("270d")
    assert len(kms.list_key_rotations(KeyId=name)["Rotations"]) == 4
    kms.disable_key_rotation(KeyId=name)
    server.advance("400d")
    assert len(kms.list_key_rotations(KeyId=name)["Rotations"]) == 4
    assert server.restart() and server.client("kms").decrypt(CiphertextBlob=first)["Plaintext"] == b"first"


def test_a_key_that_is_not_in_use_is_rotated_when_it_is_again(server, kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    count = lambda: len(kms.list_key_rotations(KeyId=key)["Rotations"])
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    kms.disable_key(KeyId=key)
    server.advance("366d")
    assert count() == 0 and kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    with refused("DisabledException", status=400):
        kms.disable_key_rotation(KeyId=key)
    kms.enable_key(KeyId=key)
    assert poll(lambda: count() == 1)

    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    pending = kms.get_key_rotation_status(KeyId=key)
    assert pending["KeyRotationEnabled"] is False and "NextRotationDate" not in pending
    with refused(STATE, status=400):
        kms.enable_key_rotation(KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_replicas_are_rotated_with_their_primary(server, kms, there):
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    replica = describe(there, key)["Arn"]
    for call in (there.enable_key_rotation, there.rotate_key_on_demand):
        with refused(UNSUPPORTED, f"{replica} is not a multi-region primary key.", 400):
            call(KeyId=key)
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    assert there.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 90
    kms.rotate_key_on_demand(KeyId=key)
    blob = sealed(kms, key)
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    server.advance("91d")
    blob = sealed(there, key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    types = [[one["RotationType"] for one in of.list_key_rotations(KeyId=key)["Rotations"]] for of in (kms, there)]
    assert types == [["ON_DEMAND", "AUTOMATIC"]] * 2
    # One that is made later has the old material too.
    kms.replicate_key(KeyId=key, ReplicaRegion=FAR)
    assert server.client("kms", FAR).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_key_is_rotated_on_demand_25_times(server, kms):
    key = kms.create_key()["KeyMetadata"]
    name = key["KeyId"]
    kms.enable_key_rotation(KeyId=name, RotationPeriodInDays=90)
    scheduled = kms.get_key_rotation_status(KeyId=name)["NextRotationDate"]
    blobs = []
    for _ in range(25):
        blobs.append(sealed(kms, name))
        assert kms.rotate_key_on_demand(KeyId=name)["KeyId"] == key["Arn"]
    text = (
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed "
        f"for this key: {key['Arn']}"
    )
    with refused("LimitExceededException", text, 400):
        kms.rotate_key_on_demand(KeyId=name)
    assert kms.get_key_rotation_status(KeyId=name)["NextRotationDate"] == scheduled
    assert len({kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] for blob in blobs}) == 25

    pages = kms.get_paginator("list_key_rotations").paginate(KeyId=name, PaginationConfig={"PageSize": 10})
    found = [page["Rotations"] for page in pages]
    assert [len(page) for page in found] == [10, 10, 5]
    states = [one["KeyMaterialState"] for page in found for one in page]
    assert states == ["NON_CURRENT"] * 24 + ["CURRENT"]
    dates = [one["RotationDate"] for page in found for one in page]
    assert dates == sorted(dates)
    everything = kms.list_key_rotations(KeyId=name, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert len(everything) == 26 and "RotationDate" not in everything[0]
    details = [event["serviceEventDetails"] for event in events(server, "RotateKey", count=25)]
    assert {one["rotationType"] for one in details} == {"ON_DEMAND"}


def test_a_rotation_on_demand_keeps_clear_of_the_next_automatic_one(server, kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    server.advance("89d")
    server.advance("1425m")
    with refused("ConflictException", status=400):
        kms.rotate_key_on_demand(KeyId=key)
    server.advance("20m")
    kms.rotate_key_on_demand(KeyId=key)


def test_what_cannot_be_rotated_is_refused(server):
    # The client checks lengths itself; here the server is to.
    kms = server.client("kms", parameter_validation=False)
    calls = (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand, kms.get_key_rotation_status)
    for spec, usage in ON.items():
        key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
        for call in (*calls, kms.list_key_rotations):
            with refused(UNSUPPORTED, status=400):
                call(KeyId=key)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for days in (89, 2561):
        with refused("ValidationException", re.compile("'rotationPeriodInDays' failed to satisfy constraint"), 400):
            kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=days)
    with refused("ValidationException", re.compile("'includeKeyMaterial' failed to satisfy constraint"), 400):
        kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="SOME")
    with refused("InvalidMarkerException", status=400):
        kms.list_key_rotations(KeyId=key, Marker="x!")


def test_a_rotation_period_is_a_condition(server, kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    short = {"NumericLessThanEquals": {"kms:RotationPeriodInDays": "180"}}
    user = server.client("kms", who=server.user("rotator", allow("kms:EnableKeyRotation", Condition=short)))
    with refused("AccessDeniedException", status=400):
        user.enable_key_rotation(KeyId=key)
    user.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)


# --- material that is brought ---


def external(kms, **more):
    return kms.create_key(Origin="EXTERNAL", **more)["KeyMetadata"]


def wrap(parameters, material, algorithm="RSAES_OAEP_SHA_256"):
    """The material as its owner would wrap it with tools of their own."""
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    public = serialization.load_der_public_key(parameters["PublicKey"])
    if algorithm.startswith("RSAES"):
        return public.encrypt(material, oaep)
    aes = os.urandom(32)
    return public.encrypt(aes, oaep) + keywrap.aes_key_wrap_with_padding(aes, material)


def bring(kms, key, material, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", **more):
    parameters = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    more = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", **more}
    return kms.import_key_material(
        KeyId=key,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=wrap(parameters, material, algorithm),
        **more,
    )


def test_brought_material_works_goes_and_comes_back_as_the_same(server, kms):
    key = external(kms)
    name = key["KeyId"]
    assert (key["KeyState"], key["Origin"], key["Enabled"]) == ("PendingImport", "EXTERNAL", False)
    assert "CurrentKeyMaterialId" not in key and "ExpirationModel" not in key
    with refused(STATE, f"{key['Arn']} is pending import.", 400):
        kms.encrypt(KeyId=name, Plaintext=b"x")
    material, other = os.urandom(32), os.urandom(32)
    answer = bring(kms, name, material, KeyMaterialDescription="ours")
    assert answer["KeyId"] == key["Arn"] and re.fullmatch("[0-9a-f]{64}", answer["KeyMaterialId"])
    found = describe(kms, name)
    assert (found["KeyState"], found["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert found["CurrentKeyMaterialId"] == answer["KeyMaterialId"]
    blob = sealed(kms, name)

    # Only the same again.
    for wrong in (other, material[:31], material + b"x"):
        with refused("IncorrectKeyMaterialException", status=400):
            bring(kms, name, wrong)
    gone = kms.delete_imported_key_material(KeyId=name)
    assert gone["KeyMaterialId"] == answer["KeyMaterialId"]
    assert state(kms, name) == "PendingImport" and "ExpirationModel" not in describe(kms, name)
    with refused(STATE, f"{key['Arn']} is pending import.", 400):
        kms.decrypt(CiphertextBlob=blob)
    kms.delete_imported_key_material(KeyId=name)
    with refused("IncorrectKeyMaterialException", status=400):
        bring(kms, name, other)
    again = bring(kms, name, material, "RSAES_OAEP_SHA_1", "RSA_3072", KeyMaterialId=answer["KeyMaterialId"])
    assert again["KeyMaterialId"] == answer["KeyMaterialId"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    (entry,) = kms.list_key_rotations(KeyId=name, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert (entry["ImportState"], entry["KeyMaterialDescription"]) == ("IMPORTED", "ours")

    (record,) = [one for one in events(server, "ImportKeyMaterial", count=6) if "errorCode" not in one][:1]
    assert record["responseElements"] == {"keyId": key["Arn"], "keyMaterialId": answer["KeyMaterialId"]}
    assert "encryptedKeyMaterial" not in json.dumps(record) and "importToken" not in json.dumps(record)
    server.restart()
    assert server.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_brought_material_expires(server, kms):
    key = external(kms)["KeyId"]
    material = os.urandom(32)
    with refused("ValidationException", "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES", 400):
        bring(kms, key, material, ExpirationModel="KEY_MATERIAL_EXPIRES")
    for wrong in (server.now() - timedelta(days=1), server.now() + timedelta(days=366)):
        with refused("ValidationException", status=400):
            bring(kms, key, material, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=wrong)
    with refused("ValidationException", status=400):
        bring(kms, key, material, ValidTo=server.now() + timedelta(days=9))
    until = server.now() + timedelta(days=10)
    identity = bring(kms, key, material, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=until)["KeyMaterialId"]
    found = describe(kms, key)
    assert found["ExpirationModel"] == "KEY_MATERIAL_EXPIRES" and abs(found["ValidTo"] - until) < timedelta(seconds=2)
    blob = sealed(kms, key)
    server.advance("11d")
    assert state(kms, key) == "PendingImport"
    (event,) = events(server, "DeleteExpiredKeyMaterial")
    assert event["serviceEventDetails"] == {"keyId": key, "keyMaterialId": identity}
    bring(kms, key, material)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert "ValidTo" not in describe(kms, key)


def test_a_token_is_of_one_key_and_one_day(server, kms):
    key, other = external(kms)["KeyId"], external(kms)["KeyId"]
    asked = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    one, two = (kms.get_parameters_for_import(KeyId=of, **asked) for of in (key, other))
    hours = (one["ParametersValidTo"] - server.now()).total_seconds() / 3600
    assert 23.9 < hours < 24.1
    forever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    material = os.urandom(32)

    def send(of, token, encrypted):
        kms.import_key_material(KeyId=of, ImportToken=token, EncryptedKeyMaterial=encrypted, **forever)

    with refused("InvalidImportTokenException", status=400):
        send(key, two["ImportToken"], wrap(two, material))
    with refused("InvalidImportTokenException", status=400):
        send(key, b"no token", wrap(one, material))
    for wrong in (b"x", wrap(two, material), wrap(one, material, "RSA_AES_KEY_WRAP_SHA_256")):
        with refused("InvalidCiphertextException", status=400):
            send(key, one["ImportToken"], wrong)
    server.advance("25h")
    with refused("ExpiredImportTokenException", status=400):
        send(key, one["ImportToken"], wrap(one, material))
    assert state(kms, key) == "PendingImport"

    ours = kms.create_key()["KeyMetadata"]
    text = f"{ours['Arn']} origin is AWS_KMS which is not valid for this operation."
    with refused(UNSUPPORTED, text, 400):
        kms.get_parameters_for_import(KeyId=ours["KeyId"], **asked)
    with refused(UNSUPPORTED, text, 400):
        kms.delete_imported_key_material(KeyId=ours["KeyId"])
    with refused(UNSUPPORTED, re.compile("RSAES_PKCS1_V1_5"), 400):
        kms.get_parameters_for_import(KeyId=key, **{**asked, "WrappingAlgorithm": "RSAES_PKCS1_V1_5"})
    text = f"{describe(kms, key)['Arn']} origin is EXTERNAL which is not valid for this operation."
    with refused(UNSUPPORTED, text, 400):
        kms.enable_key_rotation(KeyId=key)


def test_brought_material_is_rotated_on_demand(server, kms):
    key = external(kms)["KeyId"]
    first, second = os.urandom(32), os.urandom(32)
    old = bring(kms, key, first)["KeyMaterialId"]
    blob = sealed(kms, key)
    with refused(STATE, status=400):
        kms.rotate_key_on_demand(KeyId=key)
    new = bring(kms, key, second, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    listed = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [(one["KeyMaterialId"], one["KeyMaterialState"]) for one in listed] == [
        (old, "CURRENT"),
        (new, "PENDING_ROTATION"),
    ]
    assert describe(kms, key)["CurrentKeyMaterialId"] == old
    kms.rotate_key_on_demand(KeyId=key)
    assert describe(kms, key)["CurrentKeyMaterialId"] == new
    fresh = sealed(kms, key)
    # Every material must be there.
    kms.delete_imported_key_material(KeyId=key, KeyMaterialId=old)
    for text in (blob, fresh):
        with refused(STATE, status=400):
            kms.decrypt(CiphertextBlob=text)
    bring(kms, key, first)
    assert [kms.decrypt(CiphertextBlob=text)["Plaintext"] for text in (blob, fresh)] == [b"x", b"x"]
    with refused("NotFoundException", status=400):
        kms.delete_imported_key_material(KeyId=key, KeyMaterialId="0" * 64)


def test_brought_material_is_brought_to_every_region(server, kms, there):
    key = external(kms, MultiRegion=True)["KeyId"]
    first, second = os.urandom(32), os.urandom(32)
    bring(kms, key, first)
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    assert (state(kms, key), state(there, key)) == ("Enabled", "PendingImport")
    blob = sealed(kms, key)
    with refused("IncorrectKeyMaterialException", status=400):
        bring(there, key, second)
    bring(there, key, first)
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    bring(kms, key, second, ImportType="NEW_KEY_MATERIAL")
    states = lambda of: [
        one["KeyMaterialState"]
        for one in of.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    ]
    assert states(kms) == ["CURRENT", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"]
    with refused(STATE, status=400):
        kms.rotate_key_on_demand(KeyId=key)
    bring(there, key, second, ImportType="EXISTING_KEY_MATERIAL")
    assert states(kms) == states(there) == ["CURRENT", "PENDING_ROTATION"]
    # What a replica gives up while it waits for its rotation, it can have again.
    waiting = there.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"][1]
    there.delete_imported_key_material(KeyId=key, KeyMaterialId=waiting["KeyMaterialId"])
    assert states(kms) == states(there) == ["CURRENT", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"]
    bring(there, key, second)
    kms.rotate_key_on_demand(KeyId=key)
    assert state(there, key) == "Enabled"
    assert kms.decrypt(CiphertextBlob=sealed(there, key))["Plaintext"] == b"x"
    # One Region's loss is its own.
    there.delete_imported_key_material(KeyId=key)
    assert (state(kms, key), state(there, key)) == ("Enabled", "PendingImport")


def test_key_pairs_and_hmac_keys_can_be_brought(kms):
    mac = kms.create_key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    material = os.urandom(32)
    bring(kms, mac, material)
    asked = {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
    assert kms.generate_mac(KeyId=mac, **asked)["Mac"] == hmac.digest(material, b"m", "sha256")
    with refused("IncorrectKeyMaterialException", status=400):
        bring(kms, mac, os.urandom(32), ImportType="NEW_KEY_MATERIAL")

    pairs = {
        "ECC_NIST_P256": (ec.generate_private_key(ec.SECP256R1()), "RSAES_OAEP_SHA_256"),
        "RSA_2048": (rsa.generate_private_key(65537, 2048), "RSA_AES_KEY_WRAP_SHA_256"),
    }
    form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    told = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    for spec, (pair, algorithm) in pairs.items():
        key = kms.create_key(Origin="EXTERNAL", KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        with refused("IncorrectKeyMaterialException", status=400):
            bring(kms, key, os.urandom(32), algorithm)
        bring(kms, key, pair.private_bytes(*form), algorithm)
        assert kms.get_public_key(KeyId=key)["PublicKey"] == pair.public_key().public_bytes(*told)


# --- deletion, and what becomes unreadable ---


def test_what_a_deleted_key_sealed_is_lost(server, kms):
    s3 = server.client("s3")
    key = kms.create_key()["KeyMetadata"]
    s3.create_bucket(Bucket="lost")
    s3.put_object(Bucket="lost", Key="a", Body=b"text", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"])
    get = lambda: s3.get_object(Bucket="lost", Key="a")["Body"].read()
    put = lambda: s3.put_object(Bucket="lost", Key="b", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"])
    assert get() == b"text"

    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    for call in (get, put):
        with refused("KMS.KMSInvalidStateException", f"{key['Arn']} is pending deletion.", 400):
            call()
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    for call in (get, put):
        with refused("KMS.DisabledException", f"{key['Arn']} is disabled.", 400):
            call()
    kms.enable_key(KeyId=key["KeyId"])
    assert get() == b"text"

    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    server.advance("8d")
    with refused("KMS.NotFoundException", f"Key '{key['Arn']}' does not exist", 400):
        put()
    lost = (
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not "
        "allowed to access."
    )
    with refused("AccessDenied", lost):
        get()
    # The object is listed, and its name and length are still told.
    assert s3.head_object(Bucket="lost", Key="a")["ContentLength"] == 4
    (event,) = events(server, "DeleteKey")
    assert event["resources"][0]["ARN"] == key["Arn"] and event["userIdentity"]["invokedBy"] == "AWS Internal"


def test_windows_are_of_7_to_30_days(server, kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for days, limit in ((6, "greater than or equal to 7"), (31, "less than or equal to 30")):
        text = (
            f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: "
            f"Member must have value {limit}"
        )
        with refused("ValidationException", text, 400):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    assert kms.schedule_key_deletion(KeyId=key)["PendingWindowInDays"] == 30


# --- keys for S3 and CloudTrail ---


@pytest.mark.parametrize("spec", list(ON))
def test_s3_and_trails_take_symmetric_keys_only(server, kms, spec):
    s3 = server.client("s3")
    key = kms.create_key(KeySpec=spec, KeyUsage=ON[spec])["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="picky")
    text = f"{key} key usage is {ON[spec]} which is not valid for GenerateDataKey."
    with refused("KMS.InvalidKeyUsageException", text, 400):
        s3.put_object(Bucket="picky", Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.put_bucket_policy(Bucket="picky", Policy=bucket_policy("picky"))
    service = {"Service": "cloudtrail.amazonaws.com"}
    document = policy(allow("kms:*", Principal={"AWS": ACCOUNT}), allow("kms:*", Principal=service))
    kms.put_key_policy(KeyId=key, Policy=document)
    with refused("KmsException", text, 400):
        server.client("cloudtrail").create_trail(Name="trail", S3BucketName="picky", KmsKeyId=key)


def test_the_key_that_aws_manages(server, kms):
    s3 = server.client("s3")
    assert kms.list_keys()["Keys"] == []
    s3.create_bucket(Bucket="managed")
    s3.put_object(Bucket="managed", Key="a", Body=b"text", ServerSideEncryption="aws:kms")
    (alias,) = [one for one in kms.list_aliases()["Aliases"] if one["AliasName"] == "alias/aws/s3"]
    name = alias["TargetKeyId"]
    key = describe(kms, "alias/aws/s3")
    assert (key["KeyManager"], key["KeyState"], key["KeyId"]) == ("AWS", "Enabled", name)

    # Nobody changes it, and it is used through S3 alone.
    denied = {
        "kms:DisableKey": lambda: kms.disable_key(KeyId=name),
        "kms:ScheduleKeyDeletion": lambda: kms.schedule_key_deletion(KeyId=name),
        "kms:EnableKeyRotation": lambda: kms.enable_key_rotation(KeyId=name),
        "kms:DisableKeyRotation": lambda: kms.disable_key_rotation(KeyId=name),
        "kms:RotateKeyOnDemand": lambda: kms.rotate_key_on_demand(KeyId=name),
        "kms:PutKeyPolicy": lambda: kms.put_key_policy(KeyId=name, Policy=policy(allow("kms:*", Principal="*"))),
        "kms:CreateGrant": lambda: kms.create_grant(KeyId=name, GranteePrincipal=server.root.arn, Operations=["Decrypt"]),
        "kms:Encrypt": lambda: kms.encrypt(KeyId=name, Plaintext=b"x"),
        "kms:TagResource": lambda: kms.tag_resource(KeyId=name, Tags=[{"TagKey": "a", "TagValue": "b"}]),
        "kms:UpdateKeyDescription": lambda: kms.update_key_description(KeyId=name, Description="mine"),
    }
    for action, call in denied.items():
        with refused("AccessDeniedException", deny_text(server.root, action, key["Arn"], "resource-based"), 400):
            call()
    with refused("NotAuthorizedException", status=400):
        kms.delete_alias(AliasName="alias/aws/s3")

    # Of its account alone: another's principal has no way in, whatever its bucket allows.
    other = server.account("111122223333")
    everyone = policy(allow("s3:*", ["arn:aws:s3:::managed", "arn:aws:s3:::managed/*"], Principal={"AWS": "111122223333"}))
    s3.put_bucket_policy(Bucket="managed", Policy=everyone)
    with refused("AccessDenied", status=403):
        server.client("s3", who=other).get_object(Bucket="managed", Key="a")
    with refused("AccessDeniedException", status=400):
        server.client("kms", who=other).describe_key(KeyId=key["Arn"])

    # It is rotated every year.
    status = kms.get_key_rotation_status(KeyId=name)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)
    server.advance("366d")
    assert len(kms.list_key_rotations(KeyId=name)["Rotations"]) == 1
    assert s3.get_object(Bucket="managed", Key="a")["Body"].read() == b"text"
