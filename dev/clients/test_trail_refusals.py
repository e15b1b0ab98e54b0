"""CreateTrail and UpdateTrail refuse with AWS's exceptions and, where it is known, AWS's text."""

import re

import pytest
from harness import ACCOUNT, bucket_policy, key_policy, make_bucket, make_trail, refused


@pytest.fixture
def bucket(server):
    make_bucket(server, "trail-bucket")
    server.client("s3").put_bucket_policy(Bucket="trail-bucket", Policy=bucket_policy("trail-bucket"))
    return "trail-bucket"


@pytest.fixture
def cloudtrail(server):
    return server.client("cloudtrail")


def test_a_missing_bucket_is_refused(cloudtrail, bucket):
    text = "S3 bucket no-such-bucket does not exist!"
    with refused("S3BucketDoesNotExistException", text, 400):
        cloudtrail.create_trail(Name="audit", S3BucketName="no-such-bucket")
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket)
    with refused("S3BucketDoesNotExistException", text, 400):
        cloudtrail.update_trail(Name="audit", S3BucketName="no-such-bucket")
    assert cloudtrail.get_trail(Name="audit")["Trail"]["S3BucketName"] == bucket


def test_a_missing_key_is_refused(cloudtrail, bucket):
    for key in (
        f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
        "11111111-2222-3333-4444-555555555555",
        "alias/no-such-alias",
    ):
        with refused("KmsKeyNotFoundException", status=400):
            cloudtrail.create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=key)
    with refused("InvalidKmsKeyIdException", status=400):
        cloudtrail.create_trail(Name="audit", S3BucketName=bucket, KmsKeyId="arn:aws:kms:nonsense")


def test_a_key_in_another_region_than_the_bucket_is_refused(server, cloudtrail, bucket):
    elsewhere = server.client("kms", "eu-west-1").create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
    with refused("KmsKeyNotFoundException", status=400):
        cloudtrail.create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=elsewhere)
    # The bucket's Region counts, not the trail's.
    here = server.client("kms").create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
    made = server.client("cloudtrail", "eu-west-1").create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=here)
    assert made["KmsKeyId"] == here
    with refused("KmsKeyNotFoundException", status=400):
        server.client("cloudtrail", "eu-west-1").update_trail(Name="audit", KmsKeyId=elsewhere)


def test_a_key_that_cannot_seal_is_refused(server, cloudtrail, bucket):
    kms = server.client("kms")
    key = kms.create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=key)
    with refused("KmsException", status=400):
        cloudtrail.create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KmsException", status=400):
        cloudtrail.create_trail(Name="audit", S3BucketName=bucket, KmsKeyId=key)


def test_a_key_may_be_named_by_id_arn_and_alias_and_is_answered_as_arn(server, cloudtrail, bucket):
    kms = server.client("kms")
    key = kms.create_key(Policy=key_policy())["KeyMetadata"]
    kms.create_alias(AliasName="alias/trails", TargetKeyId=key["KeyId"])
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket)
    for form in (key["KeyId"], key["Arn"], "alias/trails", f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/trails"):
        assert cloudtrail.update_trail(Name="audit", KmsKeyId=form)["KmsKeyId"] == key["Arn"]
        assert "KmsKeyId" not in cloudtrail.update_trail(Name="audit", KmsKeyId="")


def test_the_sixth_trail_of_a_region_is_refused(server, cloudtrail, bucket):
    for number in range(5):
        cloudtrail.create_trail(Name=f"trail-{number}", S3BucketName=bucket)
    text = f"User: {ACCOUNT} already has 5 trails in us-east-1."
    with refused("MaximumNumberOfTrailsExceededException", text, 400):
        cloudtrail.create_trail(Name="trail-5", S3BucketName=bucket)
    server.client("cloudtrail", "us-west-2").create_trail(Name="trail-5", S3BucketName=bucket)
    cloudtrail.delete_trail(Name="trail-0")
    cloudtrail.create_trail(Name="trail-6", S3BucketName=bucket)


def test_a_trail_for_all_regions_needs_room_in_each(server, cloudtrail, bucket):
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket)
    for number in range(5):
        server.client("cloudtrail", "eu-west-1").create_trail(Name=f"trail-{number}", S3BucketName=bucket)
    text = f"User: {ACCOUNT} already has 5 trails in eu-west-1."
    with refused("MaximumNumberOfTrailsExceededException", text, 400):
        cloudtrail.create_trail(Name="everywhere", S3BucketName=bucket, IsMultiRegionTrail=True)
    with refused("MaximumNumberOfTrailsExceededException", text, 400):
        cloudtrail.update_trail(Name="audit", IsMultiRegionTrail=True)
    assert cloudtrail.get_trail(Name="audit")["Trail"]["IsMultiRegionTrail"] is False
    server.client("cloudtrail", "eu-west-1").delete_trail(Name="trail-0")
    assert cloudtrail.update_trail(Name="audit", IsMultiRegionTrail=True)["IsMultiRegionTrail"] is True
    # What is everywhere already needs no room beside itself.
    cloudtrail.update_trail(Name="audit", IsMultiRegionTrail=True)


def test_a_trail_for_all_regions_needs_its_name_in_each(server, cloudtrail, bucket):
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket)
    server.client("cloudtrail", "eu-west-1").create_trail(Name="audit", S3BucketName=bucket)
    server.client("cloudtrail", "eu-west-1").create_trail(Name="other", S3BucketName=bucket)
    with refused("TrailAlreadyExistsException", f"Trail audit already exists for customer: {ACCOUNT}", 400):
        cloudtrail.update_trail(Name="audit", IsMultiRegionTrail=True)
    with refused("TrailAlreadyExistsException", f"Trail other already exists for customer: {ACCOUNT}", 400):
        cloudtrail.create_trail(Name="other", S3BucketName=bucket, IsMultiRegionTrail=True)
    assert cloudtrail.get_trail(Name="audit")["Trail"]["IsMultiRegionTrail"] is False


CHARACTERS = (
    "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
    "periods (.), hyphens (-), and underscores (_)."
)


@pytest.mark.parametrize(
    "name, text",
    [
        ("a", "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 1 characters."),
        ("ab", "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters."),
        (
            "a" * 129,
            "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.",
        ),
        ("-trail", "Trail name must starts with a letter or number."),
        ("trail.", "Trail name must ends with a letter or number."),
        ("my trail", CHARACTERS),
        ("my/trail", CHARACTERS),
        ("証跡の名前", "Trail name must starts with a letter or number."),
        ("a証跡a", CHARACTERS),
        ("my-_trail", None),
        ("my--trail", None),
        ("my..trail", None),
        ("192.168.5.4", None),
    ],
)
def test_a_bad_name_is_refused(cloudtrail, bucket, name, text):
    with refused("InvalidTrailNameException", text, 400):
        cloudtrail.create_trail(Name=name, S3BucketName=bucket)


def test_names_at_the_limits_are_taken(cloudtrail, bucket):
    for name in ("abc", "a" * 128, "A.b_c-1"):
        assert cloudtrail.create_trail(Name=name, S3BucketName=bucket)["Name"] == name


def test_a_name_is_taken_once_per_region_shadow_trails_included(server, cloudtrail, bucket):
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket, IsMultiRegionTrail=True)
    for region in ("us-east-1", "eu-west-1"):
        with refused("TrailAlreadyExistsException", f"Trail audit already exists for customer: {ACCOUNT}", 400):
            server.client("cloudtrail", region).create_trail(Name="audit", S3BucketName=bucket)


def test_malformed_settings_are_refused(cloudtrail, bucket):
    with refused("InvalidS3PrefixException", status=400):
        cloudtrail.create_trail(Name="audit", S3BucketName=bucket, S3KeyPrefix="p" * 201)
    with refused("InvalidS3BucketNameException", status=400):
        cloudtrail.create_trail(Name="audit", S3BucketName="Not_A_Bucket!")
    text = "Multi-Region trail must include global service events."
    with refused("InvalidParameterCombinationException", text, 400):
        cloudtrail.create_trail(
            Name="audit", S3BucketName=bucket, IsMultiRegionTrail=True, IncludeGlobalServiceEvents=False
        )
    # The policy allows the path without a prefix only.
    text = f"Incorrect S3 bucket policy is detected for bucket: {bucket}"
    with refused("InsufficientS3BucketPolicyException", text, 400):
        cloudtrail.create_trail(Name="audit", S3BucketName=bucket, S3KeyPrefix="elsewhere")


def test_an_unknown_trail_is_refused_by_all_that_name_one(cloudtrail):
    text = re.compile(rf"^Unknown trail: .*nothing for the user: {ACCOUNT}$")
    for call, name in (
        (cloudtrail.update_trail, "Name"),
        (cloudtrail.delete_trail, "Name"),
        (cloudtrail.get_trail, "Name"),
        (cloudtrail.get_trail_status, "Name"),
        (cloudtrail.start_logging, "Name"),
        (cloudtrail.stop_logging, "Name"),
        (cloudtrail.get_event_selectors, "TrailName"),
    ):
        with refused("TrailNotFoundException", text, 400):
            call(**{name: "nothing"})
    assert cloudtrail.describe_trails(trailNameList=["nothing"])["trailList"] == []


def test_a_shadow_trail_can_be_seen_but_not_changed(server):
    trail = make_trail(server, home="ap-northeast-1")
    away = server.client("cloudtrail", "us-west-2")
    for name in (trail.name, trail.arn):
        for call in (away.update_trail, away.delete_trail, away.start_logging, away.stop_logging):
            with refused("InvalidHomeRegionException", status=400):
                call(Name=name)
        seen = away.describe_trails(trailNameList=[name])["trailList"]
        assert [(one["TrailARN"], one["HomeRegion"]) for one in seen] == [(trail.arn, "ap-northeast-1")]
    assert away.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert trail.status("us-west-2")["IsLogging"] is True


def test_a_caller_without_the_right_is_denied_with_awss_text(server, bucket):
    nobody = server.user("nobody")
    text = re.compile(
        rf"^User: {re.escape(nobody.arn)} is not authorized to perform: cloudtrail:CreateTrail on resource: "
        rf"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit because no identity-based policy allows the "
        r"cloudtrail:CreateTrail action$"
    )
    with refused("AccessDeniedException", text, 400):
        server.client("cloudtrail", who=nobody).create_trail(Name="audit", S3BucketName=bucket)
