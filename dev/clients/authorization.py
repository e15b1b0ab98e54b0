"""How each operation is called: for the authorisation matrix, which calls every one of them in every way.

A recipe makes what its call needs (as the owner's root) and returns the call's parameters. It is asked anew for every
call, for what a call deletes or makes is gone or taken the next time.
"""

import itertools
import json
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from harness import ACCOUNT, allow, bucket_policy, key_policy, policy

TRUST = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
IDLE = policy(allow("none:Such"))


def metric_filter(group):
    metric = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    return {"logGroupName": group, "filterName": "f", "filterPattern": "x", "metricTransformations": [metric]}


@dataclass
class World:
    """What recipes work on: root's clients, names never used before, things made once."""

    server: object
    numbers: itertools.count = field(default_factory=itertools.count)
    made: dict = field(default_factory=dict)

    def client(self, service):
        return self.server.client(service)

    def name(self, kind):
        return f"{kind}-{next(self.numbers)}"

    def once(self, what, make):
        if what not in self.made:
            self.made[what] = make()
        return self.made[what]

    # --- things ---

    def new_key(self):
        return self.client("kms").create_key()["KeyMetadata"]["Arn"]

    @property
    def key(self):
        return self.once("key", self.new_key)

    def external_key(self):
        return self.client("kms").create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]

    def regional_key(self, *replicas):
        """A new key of several Regions."""
        key = self.client("kms").create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
        for region in replicas:
            self.client("kms").replicate_key(KeyId=key, ReplicaRegion=region)
        return key

    def parcel(self):
        """Material on its way to a new key."""
        key = self.external_key()
        asked = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
        given = self.client("kms").get_parameters_for_import(KeyId=key, **asked)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        return {
            "KeyId": key,
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": serialization.load_der_public_key(given["PublicKey"]).encrypt(b"x" * 32, oaep),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }

    def new_bucket(self):
        name = self.name("bucket")
        self.client("s3").create_bucket(Bucket=name)
        return name

    @property
    def bucket(self):
        return self.once("bucket", self.new_bucket)

    def object(self):
        key = self.name("object")
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=b"x")
        return key

    def special_key(self, spec, usage):
        def make():
            return self.client("kms").create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]

        return self.once(f"key {spec} {usage}", make)

    @property
    def signing_key(self):
        return self.special_key("ECC_NIST_P256", "SIGN_VERIFY")

    @property
    def mac_key(self):
        return self.special_key("HMAC_256", "GENERATE_VERIFY_MAC")

    @property
    def agreeing_key(self):
        return self.special_key("ECC_NIST_P256", "KEY_AGREEMENT")

    def signed(self):
        asked = {"KeyId": self.signing_key, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
        return asked | {"Signature": self.client("kms").sign(**asked)["Signature"]}

    def coded(self):
        asked = {"KeyId": self.mac_key, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
        return asked | {"Mac": self.client("kms").generate_mac(**asked)["Mac"]}

    def agreed(self):
        public = self.client("kms").get_public_key(KeyId=self.agreeing_key)["PublicKey"]
        return {"KeyId": self.agreeing_key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public}

    @property
    def locked_bucket(self):
        def make():
            name = self.name("locked")
            self.client("s3").create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
            return name

        return self.once("locked bucket", make)

    def held(self):
        """An object with a retention and a legal hold."""
        key = self.name("held")
        self.client("s3").put_object(
            Bucket=self.locked_bucket,
            Key=key,
            Body=b"x",
            ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate="2099-01-01T00:00:00Z",
            ObjectLockLegalHoldStatus="ON",
        )
        return {"Bucket": self.locked_bucket, "Key": key}
    def upload(self):
        """An upload with a part, and the names that calls on it need."""
        where = {"Bucket": self.bucket, "Key": self.name("upload")}
        where["UploadId"] = self.client("s3").create_multipart_upload(**where)["UploadId"]
        self.client("s3").upload_part(**where, PartNumber=1, Body=b"x")
        return where

    def completion(self):
        where = self.upload()
        parts = self.client("s3").list_parts(**where)["Parts"]
        named = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
        return {**where, "MultipartUpload": {"Parts": named}}

    def alias(self):
        name = "alias/" + self.name("alias")
        self.client("kms").create_alias(AliasName=name, TargetKeyId=self.key)
        return name

    def sealed(self):
        return self.client("kms").encrypt(KeyId=self.key, Plaintext=b"x")["CiphertextBlob"]

    def grant(self):
        return self.client("kms").create_grant(
            KeyId=self.key, GranteePrincipal=self.user_arn, Operations=["Decrypt"], RetiringPrincipal=self.user_arn
        )

    def settled(self):
        """No rotation of the root key is at work, so that the next can begin."""
        while self.server.json_call("shoseki", "Shoseki_20261101.DescribeRootKey", b"{}").json["InProgress"]:
            time.sleep(0.1)
        return {}

    def log_bucket(self):
        name = self.name("logs")
        self.client("s3").create_bucket(Bucket=name)
        self.client("s3").put_bucket_policy(Bucket=name, Policy=bucket_policy(name))
        return name

    def ending_bucket(self):
        name = self.new_bucket()
        self.client("s3").put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=ENDING)
        return name

    def owned_bucket(self):
        name = self.new_bucket()
        controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        self.client("s3").put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)
        return name

    def tagged_bucket(self):
        name = self.new_bucket()
        self.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": TAG})
        return name

    @property
    def logs(self):
        return self.once("logs", self.log_bucket)

    def trail(self):
        """A trail; the one before it goes, for a Region has room for five."""
        if "trail" in self.made:
            self.drop_trails()
        self.made["trail"] = self.name("trail")
        self.client("cloudtrail").create_trail(Name=self.made["trail"], S3BucketName=self.logs)
        return self.made["trail"]

    def trail_arn(self):
        return f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{self.trail()}"

    def log_group(self):
        """A new log group with a metric filter."""
        name = self.name("group")
        self.client("logs").create_log_group(logGroupName=name)
        self.client("logs").put_metric_filter(**metric_filter(name))
        return {"logGroupName": name}

    def log_group_arn(self):
        return f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{self.log_group()['logGroupName']}"

    def log_stream(self):
        stream = self.log_group() | {"logStreamName": self.name("stream")}
        self.client("logs").create_log_stream(**stream)
        return stream

    def key_for_logs(self):
        def make():
            rights = policy(
                allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
                allow(["kms:GenerateDataKey", "kms:Decrypt"], Principal={"Service": "logs.us-east-1.amazonaws.com"}),
            )
            return self.client("kms").create_key(Policy=rights)["KeyMetadata"]["Arn"]

        return self.once("key for logs", make)

    def drop_trails(self):
        cloudtrail = self.client("cloudtrail")
        for trail in cloudtrail.describe_trails()["trailList"]:
            cloudtrail.delete_trail(Name=trail["TrailARN"])
        self.made.pop("trail", None)

    def no_trail(self):
        self.drop_trails()
        return self.name("trail")

    @property
    def channel(self):
        """The ARN of a channel to a trail that may be gone by now; what it is for is asked of nobody here."""
        return self.once("channel", self.new_channel)

    def new_channel(self):
        made = self.client("cloudtrail").create_channel(Name=self.name("channel"), **self.leading())
        return made["ChannelArn"]

    def leading(self):
        trail = self.client("cloudtrail").get_trail(Name=self.trail())["Trail"]
        return {"Source": "Custom", "Destinations": [{"Type": "AWS_SERVICE", "Location": trail["TrailARN"]}]}

    def doomed_channel(self):
        """A channel that may go: the one made before, if it is still there, for an account may have 25."""
        arn = self.made.get("doomed channel")
        if arn not in [one["ChannelArn"] for one in self.client("cloudtrail").list_channels()["Channels"]]:
            arn = self.made["doomed channel"] = self.new_channel()
        return arn

    def guarded_channel(self):
        """The channel with a policy."""
        statement = allow("cloudtrail-data:PutAuditEvents", self.channel, Principal={"AWS": ACCOUNT})
        self.client("cloudtrail").put_resource_policy(ResourceArn=self.channel, ResourcePolicy=policy(statement))
        return self.channel

    def activity(self):
        """An event for a channel that leads to a trail that logs."""
        self.client("cloudtrail").update_channel(Channel=self.channel, Destinations=self.leading()["Destinations"])
        self.client("cloudtrail").start_logging(Name=self.made["trail"])
        event = {
            "version": "1",
            "userIdentity": {"type": "Customer", "principalId": "c"},
            "eventSource": "shop.example.com",
            "eventName": "Buy",
            "eventTime": "2020-01-01T00:00:00Z",
            "UID": "u",
            "recipientAccountId": ACCOUNT,
        }
        return {"channelArn": self.channel, "auditEvents": [{"id": "1", "eventData": json.dumps(event)}]}

    def topic(self):
        return self.client("sns").create_topic(Name=self.name("topic"))["TopicArn"]

    def subscription(self):
        """One that nobody confirms."""
        asked = {"Protocol": "http", "Endpoint": "http://localhost:9/", "ReturnSubscriptionArn": True}
        return self.client("sns").subscribe(TopicArn=self.topic(), **asked)["SubscriptionArn"]

    def user(self):
        name = self.name("user")
        self.client("iam").create_user(UserName=name)
        return name

    @property
    def user_arn(self):
        def make():
            return self.client("iam").get_user(UserName=self.user())["User"]["Arn"]

        return self.once("user arn", make)

    def group(self):
        name = self.name("group")
        self.client("iam").create_group(GroupName=name)
        return name

    def role(self):
        name = self.name("role")
        self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        return name

    def managed(self):
        made = self.client("iam").create_policy(PolicyName=self.name("policy"), PolicyDocument=IDLE)
        return made["Policy"]["Arn"]

    def managed_with_two(self):
        arn = self.managed()
        self.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=IDLE)
        return arn

    def access_key(self, user):
        return self.client("iam").create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]

    def with_inline(self, kind):
        name = getattr(self, kind)()
        put = getattr(self.client("iam"), f"put_{kind}_policy")
        put(**{f"{kind.title()}Name": name, "PolicyName": "p", "PolicyDocument": IDLE})
        return name

    def with_attached(self, kind):
        name, arn = getattr(self, kind)(), self.managed()
        getattr(self.client("iam"), f"attach_{kind}_policy")(**{f"{kind.title()}Name": name, "PolicyArn": arn})
        return {f"{kind.title()}Name": name, "PolicyArn": arn}

    def with_boundary(self, kind):
        name = getattr(self, kind)()
        put = getattr(self.client("iam"), f"put_{kind}_permissions_boundary")
        put(**{f"{kind.title()}Name": name, "PermissionsBoundary": self.managed()})
        return name

    def member(self):
        user, group = self.user(), self.group()
        self.client("iam").add_user_to_group(UserName=user, GroupName=group)
        return {"UserName": user, "GroupName": group}


ENDING = {"Rules": [{"ID": "end", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]}
TEMPLATE = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
TAG = [{"Key": "k", "Value": "v"}]


def _inline(kind):
    """The four operations on an inline policy of a user, group or role."""
    named = f"{kind.title()}Name"
    title = kind.title()
    return {
        f"iam:Put{title}Policy": lambda w: {named: getattr(w, kind)(), "PolicyName": "p", "PolicyDocument": IDLE},
        f"iam:Get{title}Policy": lambda w: {named: w.with_inline(kind), "PolicyName": "p"},
        f"iam:Delete{title}Policy": lambda w: {named: w.with_inline(kind), "PolicyName": "p"},
        f"iam:List{title}Policies": lambda w: {named: w.with_inline(kind)},
        f"iam:Attach{title}Policy": lambda w: {named: getattr(w, kind)(), "PolicyArn": w.managed()},
        f"iam:Detach{title}Policy": lambda w: w.with_attached(kind),
        f"iam:ListAttached{title}Policies": lambda w: {named: getattr(w, kind)()},
    }


def _entity(kind):
    """What users and roles have in common."""
    named = f"{kind.title()}Name"
    title = kind.title()
    return {
        f"iam:Get{title}": lambda w: {named: getattr(w, kind)()},
        f"iam:Delete{title}": lambda w: {named: getattr(w, kind)()},
        f"iam:Tag{title}": lambda w: {named: getattr(w, kind)(), "Tags": TAG},
        f"iam:Untag{title}": lambda w: {named: getattr(w, kind)(), "TagKeys": ["k"]},
        f"iam:List{title}Tags": lambda w: {named: getattr(w, kind)()},
        f"iam:Put{title}PermissionsBoundary": lambda w: {named: getattr(w, kind)(), "PermissionsBoundary": w.managed()},
        f"iam:Delete{title}PermissionsBoundary": lambda w: {named: w.with_boundary(kind)},
    }


RECIPES = {
    "cloudformation:CancelUpdateStack": lambda w: {"StackName": w.name("stack")},
    "cloudformation:ContinueUpdateRollback": lambda w: {"StackName": w.name("stack")},
    "cloudformation:CreateStack": lambda w: {"StackName": w.name("stack"), "TemplateBody": TEMPLATE},
    "cloudformation:DeleteStack": lambda w: {"StackName": w.name("stack")},
    "cloudformation:DescribeStackEvents": lambda w: {"StackName": w.name("stack")},
    "cloudformation:DescribeStackResource": lambda w: {"StackName": w.name("stack"), "LogicalResourceId": "Topic"},
    "cloudformation:DescribeStackResources": lambda w: {"StackName": w.name("stack")},
    "cloudformation:DescribeStacks": lambda w: {},
    "cloudformation:ListStackResources": lambda w: {"StackName": w.name("stack")},
    "cloudformation:ListStacks": lambda w: {},
    "cloudformation:RollbackStack": lambda w: {"StackName": w.name("stack")},
    "cloudformation:UpdateStack": lambda w: {"StackName": w.name("stack"), "TemplateBody": TEMPLATE},
    "cloudformation:DescribeAccountLimits": lambda w: {},
    "cloudformation:GetStackPolicy": lambda w: {"StackName": w.name("stack")},
    "cloudformation:GetTemplateSummary": lambda w: {"TemplateBody": TEMPLATE},
    "cloudformation:ListExports": lambda w: {},
    "cloudformation:ListImports": lambda w: {"ExportName": w.name("export")},
    "cloudformation:SetStackPolicy": lambda w: {"StackName": w.name("stack"), "StackPolicyBody": "{}"},
    "cloudformation:UpdateTerminationProtection": lambda w: {"StackName": w.name("stack"), "EnableTerminationProtection": True},
    "cloudformation:ValidateTemplate": lambda w: {"TemplateBody": TEMPLATE},
    "cloudformation:CreateChangeSet": lambda w: {"StackName": w.name("stack"), "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": TEMPLATE},
    "cloudformation:DeleteChangeSet": lambda w: {"StackName": w.name("stack"), "ChangeSetName": "c"},
    "cloudformation:DescribeChangeSet": lambda w: {"StackName": w.name("stack"), "ChangeSetName": "c"},
    "cloudformation:DescribeStackDriftDetectionStatus": lambda w: {"StackDriftDetectionId": "none"},
    "cloudformation:DescribeStackResourceDrifts": lambda w: {"StackName": w.name("stack")},
    "cloudformation:DetectStackDrift": lambda w: {"StackName": w.name("stack")},
    "cloudformation:DetectStackResourceDrift": lambda w: {"StackName": w.name("stack"), "LogicalResourceId": "Topic"},
    "cloudformation:ExecuteChangeSet": lambda w: {"StackName": w.name("stack"), "ChangeSetName": "c"},
    "cloudformation:GetTemplate": lambda w: {"StackName": w.name("stack")},
    "cloudformation:ListChangeSets": lambda w: {"StackName": w.name("stack")},
    "cloudtrail:CreateChannel": lambda w: {"Name": w.name("channel"), **w.leading()},
    "cloudtrail:DeleteChannel": lambda w: {"Channel": w.doomed_channel()},
    "cloudtrail:DeleteResourcePolicy": lambda w: {"ResourceArn": w.guarded_channel()},
    "cloudtrail:GetChannel": lambda w: {"Channel": w.channel},
    "cloudtrail:GetResourcePolicy": lambda w: {"ResourceArn": w.guarded_channel()},
    "cloudtrail:ListChannels": lambda w: {},
    "cloudtrail:PutResourcePolicy": lambda w: {
        "ResourceArn": w.channel,
        "ResourcePolicy": policy(allow("cloudtrail-data:PutAuditEvents", w.channel, Principal={"AWS": ACCOUNT})),
    },
    "cloudtrail:UpdateChannel": lambda w: {"Channel": w.channel, "Name": w.name("channel")},
    "cloudtrail:AddTags": lambda w: {"ResourceId": w.trail_arn(), "TagsList": [{"Key": "stage"}]},
    "cloudtrail:CreateTrail": lambda w: {"Name": w.no_trail(), "S3BucketName": w.logs},
    "cloudtrail:DeleteTrail": lambda w: {"Name": w.trail()},
    "cloudtrail:DescribeTrails": lambda w: {},
    "cloudtrail:GetEventConfiguration": lambda w: {"TrailName": w.trail()},
    "cloudtrail:GetEventSelectors": lambda w: {"TrailName": w.trail()},
    "cloudtrail:GetInsightSelectors": lambda w: {"TrailName": w.trail()},
    "cloudtrail:GetTrail": lambda w: {"Name": w.trail()},
    "cloudtrail:GetTrailStatus": lambda w: {"Name": w.trail()},
    "cloudtrail:ListPublicKeys": lambda w: {},
    "cloudtrail:ListTags": lambda w: {"ResourceIdList": [w.trail_arn()]},
    "cloudtrail:ListTrails": lambda w: {},
    "cloudtrail:LookupEvents": lambda w: {"MaxResults": 1},
    "cloudtrail:PutEventConfiguration": lambda w: {"TrailName": w.trail(), "AggregationConfigurations": []},
    "cloudtrail:PutEventSelectors": lambda w: {
        "TrailName": w.trail(),
        "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}],
    },
    "cloudtrail:PutInsightSelectors": lambda w: {"TrailName": w.trail(), "InsightSelectors": []},
    "cloudtrail:RemoveTags": lambda w: {"ResourceId": w.trail_arn(), "TagsList": [{"Key": "stage"}]},
    "cloudtrail:StartLogging": lambda w: {"Name": w.trail()},
    "cloudtrail:StopLogging": lambda w: {"Name": w.trail()},
    "cloudtrail:UpdateTrail": lambda w: {"Name": w.trail(), "IncludeGlobalServiceEvents": True},
    "cloudtrail-data:PutAuditEvents": lambda w: w.activity(),
    # --- CloudWatch Logs ---
    "logs:AssociateKmsKey": lambda w: w.log_group() | {"kmsKeyId": w.key_for_logs()},
    "logs:CreateLogGroup": lambda w: {"logGroupName": w.name("group"), "tags": {"stage": "test"}},
    "logs:CreateLogStream": lambda w: w.log_group() | {"logStreamName": w.name("stream")},
    "logs:DeleteLogGroup": lambda w: w.log_group(),
    "logs:DeleteLogStream": lambda w: w.log_stream(),
    "logs:DeleteMetricFilter": lambda w: w.log_group() | {"filterName": "f"},
    "logs:DeleteRetentionPolicy": lambda w: w.log_group(),
    "logs:DescribeLogGroups": lambda w: {},
    "logs:DescribeLogStreams": lambda w: w.log_group(),
    "logs:DescribeMetricFilters": lambda w: w.log_group(),
    "logs:DisassociateKmsKey": lambda w: w.log_group(),
    "logs:FilterLogEvents": lambda w: w.log_group(),
    "logs:GetLogEvents": lambda w: w.log_stream(),
    "logs:ListTagsForResource": lambda w: {"resourceArn": w.log_group_arn()},
    "logs:ListTagsLogGroup": lambda w: w.log_group(),
    "logs:PutLogEvents": lambda w: w.log_stream() | {"logEvents": [{"timestamp": int(time.time() * 1000), "message": "x"}]},
    "logs:PutMetricFilter": lambda w: metric_filter(w.log_group()["logGroupName"]),
    "logs:PutRetentionPolicy": lambda w: w.log_group() | {"retentionInDays": 1},
    "logs:TagLogGroup": lambda w: w.log_group() | {"tags": {"stage": "test"}},
    "logs:TagResource": lambda w: {"resourceArn": w.log_group_arn(), "tags": {"stage": "test"}},
    "logs:TestMetricFilter": lambda w: {"filterPattern": "x", "logEventMessages": ["x"]},
    "logs:UntagLogGroup": lambda w: w.log_group() | {"tags": ["stage"]},
    "logs:UntagResource": lambda w: {"resourceArn": w.log_group_arn(), "tagKeys": ["stage"]},
    "ec2:DescribeRegions": lambda w: {},
    "kms:CancelKeyDeletion": lambda w: {"KeyId": w.new_key()},
    "kms:CreateAlias": lambda w: {"AliasName": "alias/" + w.name("new"), "TargetKeyId": w.key},
    "kms:CreateGrant": lambda w: {"KeyId": w.key, "GranteePrincipal": w.user_arn, "Operations": ["Decrypt"]},
    "kms:CreateKey": lambda w: {"BypassPolicyLockoutSafetyCheck": True},
    "kms:Decrypt": lambda w: {"CiphertextBlob": w.sealed(), "KeyId": w.key},
    "kms:DeleteAlias": lambda w: {"AliasName": w.alias()},
    "kms:DeleteImportedKeyMaterial": lambda w: {"KeyId": w.external_key()},
    "kms:DeriveSharedSecret": lambda w: w.agreed(),
    "kms:DescribeKey": lambda w: {"KeyId": w.key},
    "kms:DisableKey": lambda w: {"KeyId": w.new_key()},
    "kms:DisableKeyRotation": lambda w: {"KeyId": w.key},
    "kms:EnableKey": lambda w: {"KeyId": w.key},
    "kms:EnableKeyRotation": lambda w: {"KeyId": w.key},
    "kms:Encrypt": lambda w: {"KeyId": w.key, "Plaintext": b"x"},
    "kms:GenerateDataKey": lambda w: {"KeyId": w.key, "KeySpec": "AES_256"},
    "kms:GenerateDataKeyPair": lambda w: {"KeyId": w.key, "KeyPairSpec": "ECC_NIST_P256"},
    "kms:GenerateDataKeyPairWithoutPlaintext": lambda w: {"KeyId": w.key, "KeyPairSpec": "ECC_NIST_P256"},
    "kms:GenerateDataKeyWithoutPlaintext": lambda w: {"KeyId": w.key, "KeySpec": "AES_256"},
    "kms:GenerateMac": lambda w: {"KeyId": w.mac_key, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"},
    "kms:GenerateRandom": lambda w: {"NumberOfBytes": 1},
    "kms:GetKeyLastUsage": lambda w: {"KeyId": w.key},
    "kms:GetKeyPolicy": lambda w: {"KeyId": w.key, "PolicyName": "default"},
    "kms:GetKeyRotationStatus": lambda w: {"KeyId": w.key},
    "kms:GetParametersForImport": lambda w: {
        "KeyId": w.external_key(),
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "WrappingKeySpec": "RSA_2048",
    },
    "kms:GetPublicKey": lambda w: {"KeyId": w.signing_key},
    "kms:ImportKeyMaterial": lambda w: w.parcel(),
    "kms:ListAliases": lambda w: {},
    "kms:ListGrants": lambda w: {"KeyId": w.key},
    "kms:ListKeyPolicies": lambda w: {"KeyId": w.key},
    "kms:ListKeyRotations": lambda w: {"KeyId": w.key},
    "kms:ListKeys": lambda w: {},
    "kms:ListResourceTags": lambda w: {"KeyId": w.key},
    "kms:ListRetirableGrants": lambda w: {"RetiringPrincipal": w.user_arn},
    "kms:PutKeyPolicy": lambda w: {
        "KeyId": w.new_key(),
        "PolicyName": "default",
        "Policy": key_policy(),
        "BypassPolicyLockoutSafetyCheck": True,
    },
    "kms:ReEncrypt": lambda w: {"CiphertextBlob": w.sealed(), "DestinationKeyId": w.key},
    "kms:ReplicateKey": lambda w: {
        "KeyId": w.regional_key(),
        "ReplicaRegion": "eu-west-1",
        "BypassPolicyLockoutSafetyCheck": True,
    },
    "kms:RetireGrant": lambda w: {"GrantToken": w.grant()["GrantToken"]},
    "kms:RevokeGrant": lambda w: {"KeyId": w.key, "GrantId": w.grant()["GrantId"]},
    "kms:RotateKeyOnDemand": lambda w: {"KeyId": w.new_key()},
    "kms:ScheduleKeyDeletion": lambda w: {"KeyId": w.new_key(), "PendingWindowInDays": 7},
    "kms:Sign": lambda w: {"KeyId": w.signing_key, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"},
    "kms:TagResource": lambda w: {"KeyId": w.key, "Tags": [{"TagKey": "k", "TagValue": "v"}]},
    "kms:UntagResource": lambda w: {"KeyId": w.key, "TagKeys": ["k"]},
    "kms:UpdateAlias": lambda w: {"AliasName": w.alias(), "TargetKeyId": w.key},
    "kms:UpdateKeyDescription": lambda w: {"KeyId": w.key, "Description": "d"},
    "kms:UpdatePrimaryRegion": lambda w: {"KeyId": w.regional_key("eu-west-1"), "PrimaryRegion": "eu-west-1"},
    "kms:Verify": lambda w: w.signed(),
    "kms:VerifyMac": lambda w: w.coded(),
    "s3:AbortMultipartUpload": lambda w: w.upload(),
    "s3:CompleteMultipartUpload": lambda w: w.completion(),
    "s3:CopyObject": lambda w: {"Bucket": w.bucket, "Key": w.name("copy"), "CopySource": f"{w.bucket}/{w.object()}"},
    "s3:CreateBucket": lambda w: {"Bucket": w.name("made")},
    "s3:CreateMultipartUpload": lambda w: {"Bucket": w.bucket, "Key": w.name("upload")},
    "s3:DeleteBucket": lambda w: {"Bucket": w.new_bucket()},
    "s3:DeleteBucketEncryption": lambda w: {"Bucket": w.bucket},
    "s3:DeleteBucketPolicy": lambda w: {"Bucket": w.log_bucket()},
    "s3:DeleteObject": lambda w: {"Bucket": w.bucket, "Key": w.object()},
    "s3:DeleteObjects": lambda w: {"Bucket": w.bucket, "Delete": {"Objects": [{"Key": w.object()}]}},
    "s3:GetBucketAcl": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketEncryption": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketLocation": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketLogging": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketPolicy": lambda w: {"Bucket": w.log_bucket()},
    "s3:GetBucketVersioning": lambda w: {"Bucket": w.bucket},
    "s3:GetObjectLegalHold": lambda w: w.held(),
    "s3:GetObjectLockConfiguration": lambda w: {"Bucket": w.locked_bucket},
    "s3:GetObjectRetention": lambda w: w.held(),
    "s3:GetObject": lambda w: {"Bucket": w.bucket, "Key": w.object()},
    "s3:GetObjectAttributes": lambda w: {"Bucket": w.bucket, "Key": w.object(), "ObjectAttributes": ["ETag"]},
    "s3:HeadBucket": lambda w: {"Bucket": w.bucket},
    "s3:HeadObject": lambda w: {"Bucket": w.bucket, "Key": w.object()},
    "s3:ListBuckets": lambda w: {},
    "s3:ListObjectVersions": lambda w: {"Bucket": w.bucket},
    "s3:ListMultipartUploads": lambda w: {"Bucket": w.bucket},
    "s3:ListObjects": lambda w: {"Bucket": w.bucket},
    "s3:ListObjectsV2": lambda w: {"Bucket": w.bucket},
    "s3:ListParts": lambda w: w.upload(),
    "s3:PutBucketEncryption": lambda w: {
        "Bucket": w.bucket,
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    },
    "s3:PutBucketPolicy": lambda w: (lambda name: {"Bucket": name, "Policy": bucket_policy(name)})(w.new_bucket()),
    "s3:PutBucketLogging": lambda w: {"Bucket": w.bucket, "BucketLoggingStatus": {}},
    "s3:PutBucketVersioning": lambda w: {
        "Bucket": w.locked_bucket,
        "VersioningConfiguration": {"Status": "Enabled"},
    },
    "s3:PutObjectLegalHold": lambda w: {**w.held(), "LegalHold": {"Status": "OFF"}},
    "s3:PutObjectLockConfiguration": lambda w: {
        "Bucket": w.locked_bucket,
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"},
    },
    "s3:PutObjectRetention": lambda w: {
        **w.held(),
        "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": "2030-01-01T00:00:00Z"},
        "BypassGovernanceRetention": True,
    },
    "s3:PutObject": lambda w: {"Bucket": w.bucket, "Key": w.name("put"), "Body": b"x"},
    "s3:UploadPartCopy": lambda w: {**w.upload(), "PartNumber": 2, "CopySource": f"{w.bucket}/{w.object()}"},
    "s3:UploadPart": lambda w: {**w.upload(), "PartNumber": 2, "Body": b"x"},
    "s3:DeleteBucketOwnershipControls": lambda w: {"Bucket": w.bucket},
    "s3:DeleteBucketLifecycle": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketLifecycleConfiguration": lambda w: {"Bucket": w.ending_bucket()},
    "s3:PutBucketLifecycleConfiguration": lambda w: {"Bucket": w.new_bucket(), "LifecycleConfiguration": ENDING},
    "s3:DeleteBucketTagging": lambda w: {"Bucket": w.bucket},
    "s3:DeleteObjectTagging": lambda w: {"Bucket": w.bucket, "Key": w.object()},
    "s3:DeletePublicAccessBlock": lambda w: {"Bucket": w.new_bucket()},
    "s3:GetBucketAccelerateConfiguration": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketAnalyticsConfiguration": lambda w: {"Bucket": w.bucket, "Id": "none"},
    "s3:GetBucketCors": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketIntelligentTieringConfiguration": lambda w: {"Bucket": w.bucket, "Id": "none"},
    "s3:GetBucketInventoryConfiguration": lambda w: {"Bucket": w.bucket, "Id": "none"},
    "s3:GetBucketMetricsConfiguration": lambda w: {"Bucket": w.bucket, "Id": "none"},
    "s3:GetBucketNotificationConfiguration": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketOwnershipControls": lambda w: {"Bucket": w.owned_bucket()},
    "s3:GetBucketPolicyStatus": lambda w: {"Bucket": w.log_bucket()},
    "s3:GetBucketReplication": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketRequestPayment": lambda w: {"Bucket": w.bucket},
    "s3:GetBucketTagging": lambda w: {"Bucket": w.tagged_bucket()},
    "s3:GetBucketWebsite": lambda w: {"Bucket": w.bucket},
    "s3:GetObjectAcl": lambda w: {"Bucket": w.bucket, "Key": w.object()},
    "s3:GetObjectTagging": lambda w: {"Bucket": w.bucket, "Key": w.object()},
    "s3:GetPublicAccessBlock": lambda w: {"Bucket": w.bucket},
    "s3:ListBucketAnalyticsConfigurations": lambda w: {"Bucket": w.bucket},
    "s3:ListBucketIntelligentTieringConfigurations": lambda w: {"Bucket": w.bucket},
    "s3:ListBucketInventoryConfigurations": lambda w: {"Bucket": w.bucket},
    "s3:ListBucketMetricsConfigurations": lambda w: {"Bucket": w.bucket},
    "s3:PutBucketAcl": lambda w: {"Bucket": w.bucket, "ACL": "private"},
    "s3:PutBucketOwnershipControls": lambda w: {
        "Bucket": w.new_bucket(),
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
    },
    "s3:PutBucketTagging": lambda w: {"Bucket": w.bucket, "Tagging": {"TagSet": TAG}},
    "s3:PutObjectAcl": lambda w: {"Bucket": w.bucket, "Key": w.object(), "ACL": "private"},
    "s3:PutObjectTagging": lambda w: {"Bucket": w.bucket, "Key": w.object(), "Tagging": {"TagSet": TAG}},
    "s3:PutPublicAccessBlock": lambda w: {
        "Bucket": w.new_bucket(),
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
    },
    "sts:AssumeRole": lambda w: {
        "RoleArn": w.client("iam").get_role(RoleName=w.role())["Role"]["Arn"],
        "RoleSessionName": "matrix",
    },
    "sts:DecodeAuthorizationMessage": lambda w: {"EncodedMessage": "none"},
    "sts:GetAccessKeyInfo": lambda w: {"AccessKeyId": w.server.root.access_key},
    "sts:GetCallerIdentity": lambda w: {},
    "sts:GetSessionToken": lambda w: {},
    "shoseki:AdvanceClock": lambda w: {"Seconds": 1},
    "shoseki:CreateAccount": lambda w: {},
    "shoseki:DescribeAccess": lambda w: {"KeyId": w.key},
    "shoseki:DescribeRootKey": lambda w: {},
    "shoseki:ExplainDecision": lambda w: {"Id": "none"},
    "shoseki:ListAccounts": lambda w: {},
    "shoseki:RotateRootKey": lambda w: w.settled(),
    "shoseki:SubscribeEvents": lambda w: {"UpToNow": True, "TrailARNs": [w.trail_arn()]},
    "shoseki:SummariseEvents": lambda w: {},
    "shoseki:SummariseObjects": lambda w: {"Bucket": w.bucket, "GroupBy": ["Encryption"]},
    # --- IAM ---
    **_inline("user"),
    **_inline("group"),
    **_inline("role"),
    **_entity("user"),
    **_entity("role"),
    "iam:AddUserToGroup": lambda w: {"UserName": w.user(), "GroupName": w.group()},
    "iam:CreateAccessKey": lambda w: {"UserName": w.user()},
    "iam:CreateAccountAlias": lambda w: {"AccountAlias": w.name("account")},
    "iam:CreateGroup": lambda w: {"GroupName": w.name("made")},
    "iam:CreatePolicy": lambda w: {"PolicyName": w.name("made"), "PolicyDocument": IDLE},
    "iam:CreatePolicyVersion": lambda w: {"PolicyArn": w.managed(), "PolicyDocument": IDLE},
    "iam:CreateRole": lambda w: {"RoleName": w.name("made"), "AssumeRolePolicyDocument": TRUST},
    "iam:CreateServiceLinkedRole": lambda w: {"AWSServiceName": "cloudtrail.amazonaws.com"},
    "iam:CreateUser": lambda w: {"UserName": w.name("made")},
    "iam:DeleteAccessKey": lambda w: (lambda user: {"UserName": user, "AccessKeyId": w.access_key(user)})(w.user()),
    "iam:DeleteAccountAlias": lambda w: {"AccountAlias": "none"},
    "iam:DeleteGroup": lambda w: {"GroupName": w.group()},
    "iam:DeletePolicy": lambda w: {"PolicyArn": w.managed()},
    "iam:DeletePolicyVersion": lambda w: {"PolicyArn": w.managed_with_two(), "VersionId": "v2"},
    "iam:GetAccessKeyLastUsed": lambda w: {"AccessKeyId": w.access_key(w.user())},
    "iam:GetAccountAuthorizationDetails": lambda w: {"MaxItems": 1},
    "iam:GetAccountSummary": lambda w: {},
    "iam:GetContextKeysForCustomPolicy": lambda w: {"PolicyInputList": [IDLE]},
    "iam:GetContextKeysForPrincipalPolicy": lambda w: {"PolicySourceArn": w.user_arn},
    "iam:GetGroup": lambda w: {"GroupName": w.group()},
    "iam:GetPolicy": lambda w: {"PolicyArn": w.managed()},
    "iam:GetPolicyVersion": lambda w: {"PolicyArn": w.managed(), "VersionId": "v1"},
    "iam:ListAccessKeys": lambda w: {"UserName": w.user()},
    "iam:ListAccountAliases": lambda w: {},
    "iam:ListEntitiesForPolicy": lambda w: {"PolicyArn": w.managed()},
    "iam:ListGroups": lambda w: {},
    "iam:ListGroupsForUser": lambda w: {"UserName": w.user()},
    "iam:ListPolicies": lambda w: {"MaxItems": 1},
    "iam:ListPolicyTags": lambda w: {"PolicyArn": w.managed()},
    "iam:ListPolicyVersions": lambda w: {"PolicyArn": w.managed()},
    "iam:ListRoles": lambda w: {"MaxItems": 1},
    "iam:ListUsers": lambda w: {"MaxItems": 1},
    "iam:RemoveUserFromGroup": lambda w: w.member(),
    "iam:SetDefaultPolicyVersion": lambda w: {"PolicyArn": w.managed_with_two(), "VersionId": "v2"},
    "iam:SimulateCustomPolicy": lambda w: {"PolicyInputList": [IDLE], "ActionNames": ["s3:GetObject"]},
    "iam:SimulatePrincipalPolicy": lambda w: {"PolicySourceArn": w.user_arn, "ActionNames": ["s3:GetObject"]},
    "iam:TagPolicy": lambda w: {"PolicyArn": w.managed(), "Tags": TAG},
    "iam:UntagPolicy": lambda w: {"PolicyArn": w.managed(), "TagKeys": ["k"]},
    "iam:UpdateAccessKey": lambda w: (
        lambda user: {"UserName": user, "AccessKeyId": w.access_key(user), "Status": "Inactive"}
    )(w.user()),
    "iam:UpdateAssumeRolePolicy": lambda w: {"RoleName": w.role(), "PolicyDocument": TRUST},
    "iam:UpdateGroup": lambda w: {"GroupName": w.group(), "NewGroupName": w.name("renamed")},
    "iam:UpdateRole": lambda w: {"RoleName": w.role(), "Description": "d"},
    "iam:UpdateRoleDescription": lambda w: {"RoleName": w.role(), "Description": "d"},
    "iam:UpdateUser": lambda w: {"UserName": w.user(), "NewUserName": w.name("renamed")},
}
RECIPES["iam:TagRole"] = lambda w: {"RoleName": w.role(), "Tags": TAG}


# What a topic's policy can speak of.
TOPIC_ACTIONS = [
    "SNS:AddPermission",
    "SNS:DeleteTopic",
    "SNS:GetTopicAttributes",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
    "SNS:RemovePermission",
    "SNS:SetTopicAttributes",
    "SNS:Subscribe",
]

RECIPES |= {
    "sns:AddPermission": lambda w: {
        "TopicArn": w.topic(), "Label": "label", "AWSAccountId": [ACCOUNT], "ActionName": ["Publish"]
    },
    "sns:ConfirmSubscription": lambda w: {"TopicArn": w.topic(), "Token": "none"},
    "sns:CreateTopic": lambda w: {"Name": w.name("topic")},
    "sns:DeleteTopic": lambda w: {"TopicArn": w.topic()},
    "sns:GetSubscriptionAttributes": lambda w: {"SubscriptionArn": w.subscription()},
    "sns:GetTopicAttributes": lambda w: {"TopicArn": w.topic()},
    "sns:ListSubscriptions": lambda w: {},
    "sns:ListSubscriptionsByTopic": lambda w: {"TopicArn": w.topic()},
    "sns:ListTagsForResource": lambda w: {"ResourceArn": w.topic()},
    "sns:ListTopics": lambda w: {},
    "sns:Publish": lambda w: {"TopicArn": w.topic(), "Message": "message"},
    "sns:PublishBatch": lambda w: {
        "TopicArn": w.topic(), "PublishBatchRequestEntries": [{"Id": "one", "Message": "message"}]
    },
    "sns:RemovePermission": lambda w: {"TopicArn": w.topic(), "Label": "label"},
    "sns:SetSubscriptionAttributes": lambda w: {
        "SubscriptionArn": w.subscription(), "AttributeName": "RawMessageDelivery", "AttributeValue": "true"
    },
    "sns:SetTopicAttributes": lambda w: {
        "TopicArn": w.topic(), "AttributeName": "DisplayName", "AttributeValue": "name"
    },
    "sns:Subscribe": lambda w: {"TopicArn": w.topic(), "Protocol": "http", "Endpoint": "http://localhost:9/"},
    "sns:TagResource": lambda w: {"ResourceArn": w.topic(), "Tags": TAG},
    "sns:Unsubscribe": lambda w: {"SubscriptionArn": w.subscription()},
    "sns:UntagResource": lambda w: {"ResourceArn": w.topic(), "TagKeys": ["key"]},
}


def guard(world, name, parameters, who):
    """Lets the policy of what the call is about name a principal of whatever account. False when it has none."""
    service = name.split(":")[0]
    if service == "s3" and "Bucket" in parameters and name != "s3:CreateBucket":
        bucket = parameters["Bucket"]
        statement = allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"], Principal={"AWS": who})
        world.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(statement))
        return True
    if service == "kms":
        key = parameters.get("KeyId") or parameters.get("TargetKeyId") or world.key
        if name in KEYLESS:
            return False
        mine = allow("kms:*", Principal={"AWS": ACCOUNT})
        statement = allow("kms:*", Principal={"AWS": who})
        world.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy(mine, statement))
        return True
    if service == "cloudtrail-data":
        channel = parameters["channelArn"]
        statement = allow(name, channel, Principal={"AWS": who})
        world.client("cloudtrail").put_resource_policy(ResourceArn=channel, ResourcePolicy=policy(statement))
        return True
    if service == "sns" and name.replace("sns", "SNS").replace("PublishBatch", "Publish") in TOPIC_ACTIONS:
        topic = parameters["TopicArn"]
        document = policy(allow(TOPIC_ACTIONS, topic, Principal={"AWS": who}))
        world.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
        return True
    if name == "sts:AssumeRole":
        role = parameters["RoleArn"].rsplit("/", 1)[1]
        trust = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"}
        world.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=policy(trust))
        return True
    return False


# KMS operations that are about no key.
KEYLESS = {"kms:CreateKey", "kms:GenerateRandom", "kms:ListAliases", "kms:ListKeys", "kms:ListRetirableGrants"}


def unguard(world, name, parameters):
    """Takes the named principals out again, so that the next call meets what is there by default."""
    if name == "cloudtrail-data:PutAuditEvents":
        world.client("cloudtrail").delete_resource_policy(ResourceArn=parameters["channelArn"])
    elif name.startswith("kms:"):
        key = parameters.get("KeyId") or parameters.get("TargetKeyId") or world.key
        mine = policy(allow("kms:*", Principal={"AWS": ACCOUNT}))
        world.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=mine)
    elif name.startswith("s3:") and parameters.get("Bucket") == world.made.get("bucket"):
        world.client("s3").delete_bucket_policy(Bucket=parameters["Bucket"])
