"""What tools read of every bucket: answered as AWS answers for a bucket without it. To put it is refused by name."""

import re

import pytest
from harness import make_bucket, refused


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(server):
    return make_bucket(server, "bucket")


ABSENT = {
    "get_bucket_cors": ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    "get_bucket_website": (
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    ),
    "get_bucket_replication": (
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
    ),
    "get_bucket_tagging": ("NoSuchTagSet", "The TagSet does not exist"),
    "get_bucket_policy": ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "get_bucket_lifecycle_configuration": (
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
    ),
}

EMPTY = {
    "get_bucket_accelerate_configuration": {},
    "get_bucket_notification_configuration": {},
    "get_bucket_request_payment": {"Payer": "BucketOwner"},
    "list_bucket_analytics_configurations": {"IsTruncated": False},
    "list_bucket_intelligent_tiering_configurations": {"IsTruncated": False},
    "list_bucket_inventory_configurations": {"IsTruncated": False},
    "list_bucket_metrics_configurations": {"IsTruncated": False},
}


@pytest.mark.parametrize("read", ABSENT)
def test_a_bucket_without_it_says_so(s3, bucket, read):
    code, text = ABSENT[read]
    with refused(code, text, 404):
        getattr(s3, read)(Bucket=bucket)
    with refused("NoSuchBucket"):
        getattr(s3, read)(Bucket="no-such-bucket")


@pytest.mark.parametrize("read", EMPTY)
def test_a_bucket_without_it_answers_that_there_is_nothing(s3, bucket, read):
    answer = getattr(s3, read)(Bucket=bucket)
    answer.pop("ResponseMetadata")
    assert answer == EMPTY[read]
    with refused("NoSuchBucket"):
        getattr(s3, read)(Bucket="no-such-bucket")


@pytest.mark.parametrize("kind", ["analytics", "intelligent_tiering", "inventory", "metrics"])
def test_no_configuration_of_any_id_is_there(s3, bucket, kind):
    with refused("NoSuchConfiguration", "The specified configuration does not exist.", 404):
        getattr(s3, f"get_bucket_{kind}_configuration")(Bucket=bucket, Id="any")


def test_reads_need_their_right(server, s3, bucket):
    nobody = server.client("s3", who=server.user("nobody"))
    rights = {
        "get_bucket_cors": "s3:GetBucketCORS",
        "get_bucket_replication": "s3:GetReplicationConfiguration",
        "get_bucket_accelerate_configuration": "s3:GetAccelerateConfiguration",
        "list_bucket_inventory_configurations": "s3:GetInventoryConfiguration",
        "get_public_access_block": "s3:GetBucketPublicAccessBlock",
        "get_bucket_ownership_controls": "s3:GetBucketOwnershipControls",
    }
    for read, action in rights.items():
        with refused("AccessDenied", re.compile(f"not authorized to perform: {action} on")):
            getattr(nobody, read)(Bucket=bucket)


def test_posts_of_forms_and_selects_are_refused_by_name(server, s3, bucket):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = server.call("s3", "POST", f"/{bucket}", headers, b"--x--")
    assert (answer.status, answer.code) == (501, "NotImplemented") and b"PostObject" in answer.body
    answer = server.call("s3", "POST", f"/{bucket}/k?select&select-type=2", body=b"<a/>")
    assert (answer.status, answer.code) == (501, "NotImplemented") and b"SelectObjectContent" in answer.body
