"""The switch `aws_behavior`: what the documents of the seeds say (the default), and what AWS does today.

Each place has a row in SEMANTICS.md and a test for both values; those of digest files are in test_seeds.py.
"""

import pytest
from harness import make_bucket, refused

SEEDS = pytest.mark.serve("--aws-behavior", "seeds")
CURRENT = pytest.mark.serve("--aws-behavior", "current")
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
BLOCKED = {"EncryptionType": ["SSE-C"]}


def rule_of(s3, bucket):
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return rule


def put_rule(s3, bucket, **more):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, **more}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


@SEEDS
def test_seeds_a_new_bucket_takes_customers_keys_and_says_nothing_of_them(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    for _ in range(2):
        assert "BlockedEncryptionTypes" not in rule_of(s3, bucket)
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)
        put_rule(s3, bucket)
    put_rule(s3, bucket, BlockedEncryptionTypes=BLOCKED)
    with refused("AccessDenied", status=403):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)
    s3.delete_bucket_encryption(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)


@CURRENT
def test_current_a_new_bucket_refuses_customers_keys_until_its_owner_takes_them(server):
    s3, bucket = server.client("s3"), make_bucket(server, "bucket")
    text = (
        f'User: {server.root.arn} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{bucket}/k" because '
        "this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). "
        "Please specify a different server-side encryption type"
    )

    def is_blocked():
        assert rule_of(s3, bucket)["BlockedEncryptionTypes"] == BLOCKED
        with refused("AccessDenied", text, 403):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)

    is_blocked()
    put_rule(s3, bucket, BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
    assert rule_of(s3, bucket)["BlockedEncryptionTypes"] == {"EncryptionType": ["NONE"]}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)
    # A configuration that says nothing of it is that of a new bucket.
    put_rule(s3, bucket)
    is_blocked()
    put_rule(s3, bucket, BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
    s3.delete_bucket_encryption(Bucket=bucket)
    is_blocked()
    # What is there can be read.
    assert s3.get_object(Bucket=bucket, Key="k", **CUSTOMER)["Body"].read() == b"x"


@SEEDS
def test_seeds_a_new_bucket_takes_acls(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="logs", ACL="log-delivery-write")
    s3.put_object(Bucket="logs", Key="k", Body=b"x", ACL="private")


@CURRENT
def test_current_a_new_bucket_has_no_acls(server):
    s3 = server.client("s3")
    with refused("InvalidBucketAclWithObjectOwnership", status=400):
        s3.create_bucket(Bucket="logs", ACL="log-delivery-write")
    make_bucket(server, "logs")
    with refused("AccessControlListNotSupported", status=400):
        s3.put_object(Bucket="logs", Key="k", Body=b"x", ACL="private")
    s3.put_object(Bucket="logs", Key="k", Body=b"x", ACL="bucket-owner-full-control")
