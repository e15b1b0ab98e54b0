"""Calls with every member that the server takes, for what the record of a call must show of it.

As in `authorization.py` a recipe makes what its call needs and returns its parameters; the calls succeed.
"""

from datetime import datetime, timedelta, timezone

from authorization import ENDING, IDLE, TAG, TRUST
from harness import ACCOUNT, allow, key_policy, policy

CONTEXT = {"Department": "Engineering", "Project": "Alpha"}
KMS_TAG = [{"TagKey": "k", "TagValue": "v"}]
LONG_AGO = datetime(2015, 8, 17, tzinfo=timezone.utc)
FAR_OFF = datetime(2099, 1, 1, tzinfo=timezone.utc)


def _object(w, **more):
    return {"Bucket": w.bucket, "Key": w.object(), "ExpectedBucketOwner": ACCOUNT, **more}


def _write(w, **more):
    return {
        "Bucket": w.owned_bucket(),
        "Key": w.name("written"),
        "ACL": "private",
        "StorageClass": "STANDARD",
        "Tagging": "a=b",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": w.key,
        "SSEKMSEncryptionContext": "eyJhIjoiYiJ9",
        "BucketKeyEnabled": True,
        "Metadata": {"colour": "blue"},
        "ContentType": "text/plain",
        "ExpectedBucketOwner": ACCOUNT,
        **more,
    }


def _held():
    return {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": FAR_OFF, "ObjectLockLegalHoldStatus": "ON"}


def _kept(w):
    """A version that its retention alone keeps."""
    where = {"Bucket": w.locked_bucket, "Key": w.name("kept")}
    retention = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": FAR_OFF}
    return {**where, "VersionId": w.client("s3").put_object(**where, Body=b"x", **retention)["VersionId"]}


def _sealed(w):
    sealed = w.client("kms").encrypt(KeyId=w.key, Plaintext=b"x", EncryptionContext=CONTEXT)
    return sealed["CiphertextBlob"]


def _managed(w, **more):
    return {"PolicyName": w.name("full"), "PolicyDocument": IDLE, "Path": "/p/", "Description": "d", "Tags": TAG, **more}


def _trail(w, **more):
    """Every member of CreateTrail and UpdateTrail but those that go on to other services."""
    key = w.client("kms").create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
    return {
        "S3BucketName": w.logs,
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": True,
        "EnableLogFileValidation": True,
        "KmsKeyId": key,
        **more,
    }


FULL = [
    ("cloudtrail:CreateTrail", lambda w: _trail(w, Name=w.no_trail())),
    ("cloudtrail:UpdateTrail", lambda w: _trail(w, Name=w.trail())),
    ("cloudtrail:DescribeTrails", lambda w: {"trailNameList": ["audit"], "includeShadowTrails": False}),
    (
        "cloudtrail:LookupEvents",
        lambda w: {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}],
            "StartTime": LONG_AGO,
            "EndTime": datetime.now(timezone.utc),
            "MaxResults": 1,
        },
    ),
    ("cloudtrail:ListPublicKeys", lambda w: {"StartTime": LONG_AGO, "EndTime": datetime.now(timezone.utc)}),
    ("ec2:DescribeRegions", lambda w: {"RegionNames": ["us-east-1"], "AllRegions": True}),
    (
        "kms:CreateKey",
        lambda w: {
            "Description": "d",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "Origin": "AWS_KMS",
            "MultiRegion": True,
            "Policy": policy(allow("kms:*", Principal={"AWS": ACCOUNT})),
            "BypassPolicyLockoutSafetyCheck": True,
            "Tags": KMS_TAG,
        },
    ),
    (
        "kms:CreateGrant",
        lambda w: {
            "KeyId": w.key,
            "GranteePrincipal": w.user_arn,
            "RetiringPrincipal": w.user_arn,
            "Operations": ["Decrypt", "RetireGrant"],
            "Constraints": {"EncryptionContextSubset": CONTEXT},
        },
    ),
    ("kms:Decrypt", lambda w: {"CiphertextBlob": _sealed(w), "KeyId": w.key, "EncryptionContext": CONTEXT}),
    (
        "kms:Encrypt",
        lambda w: {
            "KeyId": w.key,
            "Plaintext": b"x",
            "EncryptionContext": CONTEXT,
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        },
    ),
    ("kms:EnableKeyRotation", lambda w: {"KeyId": w.new_key(), "RotationPeriodInDays": 180}),
    ("kms:GenerateDataKey", lambda w: {"KeyId": w.key, "NumberOfBytes": 32, "EncryptionContext": CONTEXT}),
    (
        "kms:GenerateDataKeyPair",
        lambda w: {"KeyId": w.key, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": CONTEXT},
    ),
    (
        "kms:ImportKeyMaterial",
        lambda w: {
            **w.parcel(),
            "ValidTo": w.server.now() + timedelta(days=30),
            "ExpirationModel": "KEY_MATERIAL_EXPIRES",
            "ImportType": "NEW_KEY_MATERIAL",
            "KeyMaterialDescription": "d",
        },
    ),
    ("kms:ListAliases", lambda w: {"KeyId": w.key, "Limit": 5}),
    ("kms:ListGrants", lambda w: {"KeyId": w.key, "GranteePrincipal": w.user_arn, "Limit": 5}),
    ("kms:ListKeys", lambda w: {"Limit": 1}),
    ("kms:ListKeyPolicies", lambda w: {"KeyId": w.key, "Limit": 1}),
    ("kms:ListResourceTags", lambda w: {"KeyId": w.key, "Limit": 1}),
    ("kms:ListKeyRotations", lambda w: {"KeyId": w.key, "Limit": 1, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}),
    ("kms:ListRetirableGrants", lambda w: {"RetiringPrincipal": w.user_arn, "Limit": 1}),
    (
        "kms:ReEncrypt",
        lambda w: {
            "CiphertextBlob": _sealed(w),
            "SourceKeyId": w.key,
            "SourceEncryptionContext": CONTEXT,
            "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "DestinationKeyId": w.new_key(),
            "DestinationEncryptionContext": {"Level": "3A"},
            "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        },
    ),
    (
        "kms:ReplicateKey",
        lambda w: {
            "KeyId": w.regional_key(),
            "ReplicaRegion": "eu-west-1",
            "Policy": policy(allow("kms:*", Principal={"AWS": ACCOUNT})),
            "Description": "d",
            "Tags": KMS_TAG,
        },
    ),
    (
        "iam:CreateUser",
        lambda w: {"UserName": w.name("full"), "Path": "/p/", "Tags": TAG, "PermissionsBoundary": w.managed()},
    ),
    ("iam:CreateGroup", lambda w: {"GroupName": w.name("full"), "Path": "/p/"}),
    (
        "iam:CreateRole",
        lambda w: {
            "RoleName": w.name("full"),
            "Path": "/p/",
            "AssumeRolePolicyDocument": TRUST,
            "Description": "d",
            "MaxSessionDuration": 7200,
            "PermissionsBoundary": w.managed(),
            "Tags": TAG,
        },
    ),
    ("iam:CreatePolicy", _managed),
    (
        "iam:CreatePolicyVersion",
        lambda w: {"PolicyArn": w.managed(), "PolicyDocument": IDLE, "SetAsDefault": True},
    ),
    ("iam:UpdateUser", lambda w: {"UserName": w.user(), "NewUserName": w.name("full"), "NewPath": "/q/"}),
    ("iam:UpdateGroup", lambda w: {"GroupName": w.group(), "NewGroupName": w.name("full"), "NewPath": "/q/"}),
    ("iam:UpdateRole", lambda w: {"RoleName": w.role(), "Description": "d", "MaxSessionDuration": 7200}),
    ("iam:ListUsers", lambda w: {"PathPrefix": "/p/", "MaxItems": 1}),
    ("iam:ListRoles", lambda w: {"PathPrefix": "/p/", "MaxItems": 1}),
    ("iam:ListGroups", lambda w: {"PathPrefix": "/p/", "MaxItems": 1}),
    (
        "iam:ListPolicies",
        lambda w: {
            "Scope": "Local",
            "OnlyAttached": True,
            "PathPrefix": "/p/",
            "PolicyUsageFilter": "PermissionsPolicy",
            "MaxItems": 1,
        },
    ),
    (
        "iam:ListEntitiesForPolicy",
        lambda w: {
            "PolicyArn": w.managed(),
            "EntityFilter": "User",
            "PathPrefix": "/p/",
            "PolicyUsageFilter": "PermissionsPolicy",
            "MaxItems": 1,
        },
    ),
    ("iam:ListAttachedUserPolicies", lambda w: {"UserName": w.user(), "PathPrefix": "/p/", "MaxItems": 1}),
    ("iam:GetAccountAuthorizationDetails", lambda w: {"Filter": ["User"], "MaxItems": 1}),
    (
        "iam:SimulateCustomPolicy",
        lambda w: {
            "PolicyInputList": [IDLE],
            "ActionNames": ["s3:GetObject"],
            "ResourceArns": ["arn:aws:s3:::b/k"],
            "ContextEntries": [
                {"ContextKeyName": "aws:username", "ContextKeyValues": ["alice"], "ContextKeyType": "string"}
            ],
        },
    ),
    ("sts:GetSessionToken", lambda w: {"DurationSeconds": 900}),
    (
        "s3:CreateBucket",
        lambda w: {
            "Bucket": w.name("full"),
            "ACL": "private",
            "ObjectLockEnabledForBucket": True,
            "ObjectOwnership": "ObjectWriter",
        },
    ),
    ("s3:PutObject", lambda w: _write(w, Body=b"x")),
    (
        "s3:PutObject",
        lambda w: {"Bucket": w.locked_bucket, "Key": w.name("full"), "Body": b"x", **_held()},
    ),
    ("s3:CreateMultipartUpload", _write),
    (
        "s3:CopyObject",
        lambda w: _write(
            w,
            CopySource=f"{w.bucket}/{w.object()}",
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
            ExpectedSourceBucketOwner=ACCOUNT,
        ),
    ),
    ("s3:UploadPart", lambda w: {**w.upload(), "PartNumber": 2, "Body": b"x", "ExpectedBucketOwner": ACCOUNT}),
    (
        "s3:UploadPartCopy",
        lambda w: {
            **w.upload(),
            "PartNumber": 2,
            "CopySource": f"{w.bucket}/{w.object()}",
            "CopySourceRange": "bytes=0-0",
        },
    ),
    (
        "s3:GetObject",
        lambda w: _object(w, VersionId="null", ResponseContentType="text/html", ResponseCacheControl="no-cache"),
    ),
    ("s3:HeadObject", lambda w: _object(w, VersionId="null", ChecksumMode="ENABLED")),
    (
        "s3:GetObjectAttributes",
        lambda w: _object(w, VersionId="null", ObjectAttributes=["ETag", "ObjectSize"], MaxParts=1, PartNumberMarker=0),
    ),
    ("s3:GetObjectTagging", lambda w: _object(w, VersionId="null")),
    ("s3:GetObjectAcl", lambda w: _object(w, VersionId="null")),
    ("s3:PutObjectTagging", lambda w: _object(w, VersionId="null", Tagging={"TagSet": TAG})),
    ("s3:DeleteObjectTagging", lambda w: _object(w, VersionId="null")),
    ("s3:DeleteObject", lambda w: _object(w, VersionId="null")),
    (
        "s3:DeleteObject",
        lambda w: {**_kept(w), "BypassGovernanceRetention": True},
    ),
    (
        "s3:ListObjects",
        lambda w: {"Bucket": w.bucket, "Prefix": "p", "Delimiter": "/", "Marker": "m", "MaxKeys": 1, "EncodingType": "url"},
    ),
    (
        "s3:ListObjectsV2",
        lambda w: {
            "Bucket": w.bucket,
            "Prefix": "p",
            "Delimiter": "/",
            "StartAfter": "m",
            "MaxKeys": 1,
            "FetchOwner": True,
            "EncodingType": "url",
            "ExpectedBucketOwner": ACCOUNT,
        },
    ),
    (
        "s3:ListObjectVersions",
        lambda w: {"Bucket": w.bucket, "Prefix": "p", "Delimiter": "/", "KeyMarker": "m", "MaxKeys": 1},
    ),
    (
        "s3:ListMultipartUploads",
        lambda w: {"Bucket": w.bucket, "Prefix": "p", "Delimiter": "/", "KeyMarker": "m", "MaxUploads": 1},
    ),
    ("s3:ListParts", lambda w: {**w.upload(), "MaxParts": 1, "PartNumberMarker": 0}),
    ("s3:ListBuckets", lambda w: {"Prefix": "b", "MaxBuckets": 1, "BucketRegion": "us-east-1"}),
    ("s3:DeleteObjects", lambda w: {"Bucket": w.bucket, "Delete": {"Objects": [{"Key": w.object()}], "Quiet": True}}),
    (
        "s3:PutBucketLifecycleConfiguration",
        lambda w: {"Bucket": w.new_bucket(), "LifecycleConfiguration": ENDING, "ExpectedBucketOwner": ACCOUNT},
    ),
    ("s3:PutBucketAcl", lambda w: {"Bucket": w.owned_bucket(), "ACL": "private", "ExpectedBucketOwner": ACCOUNT}),
]
