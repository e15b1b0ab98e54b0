"""The resource types of IAM, Logs, SNS and CloudTrail: made, changed in place, replaced, deleted, read for drift; why they fail."""

import json
import re

import pytest
from harness import ACCOUNT, SERVICE, Principal, allow, bucket_policy, key_policy, make_bucket, policy, refused
from stacks import Stack, get, ref, resource, template
from test_sns import confirmed, endpoint  # noqa: F401

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": SERVICE, "Action": "sts:AssumeRole"}],
}
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
OTHER = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"


def document(action, on="*"):
    return json.loads(policy(allow(action, on)))


def tags(**pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def handler_text(message, service, status, code):
    """The reason of an event whose handler was refused by a service."""
    unique = "[0-9a-f-]{36}"
    return re.compile(
        rf'^Resource handler returned message: "{re.escape(message)} \(Service: {service}, Status Code: {status}, '
        rf'Request ID: {unique}\) \(SDK Attempt Count: 1\)" \(RequestToken: {unique}, HandlerErrorCode: {code}\)$'
    )


# --- IAM ---


def test_a_role_is_made_changed_replaced_and_deleted(server):
    iam, stack = server.client("iam"), Stack(server)
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document("s3:*")))["Policy"]["Arn"]

    def role(**properties):
        return {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, **properties)}

    first = role(
        RoleName="first",
        Path="/team/",
        Description="one",
        MaxSessionDuration=7200,
        PermissionsBoundary=boundary,
        ManagedPolicyArns=[READ_ONLY],
        Policies=[{"PolicyName": "a", "PolicyDocument": document("s3:GetObject")}],
        Tags=tags(team="x", kept="1"),
    )
    outputs = {"Arn": get("Role", "Arn"), "Id": get("Role", "RoleId"), "Name": ref("Role")}
    assert stack.create(template(first, **outputs)) == "CREATE_COMPLETE", stack.reasons()
    made = iam.get_role(RoleName="first")["Role"]
    assert stack.outputs() == {"Arn": made["Arn"], "Id": made["RoleId"], "Name": "first"}
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/first"
    assert (made["Description"], made["MaxSessionDuration"]) == ("one", 7200)
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert made["AssumeRolePolicyDocument"] == TRUST
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {"team": "x", "kept": "1"}
    assert stack.drift() == {"Role": ("IN_SYNC", [])}

    trust = json.loads(json.dumps(TRUST).replace("cloudtrail", "s3"))
    second = role(
        RoleName="first",
        Path="/team/",
        ManagedPolicyArns=[OTHER],
        Policies=[
            {"PolicyName": "a", "PolicyDocument": document("s3:PutObject")},
            {"PolicyName": "b", "PolicyDocument": document("kms:Decrypt")},
        ],
        Tags=tags(Team="y", kept="1"),
    )
    second["Role"]["Properties"]["AssumeRolePolicyDocument"] = trust
    assert stack.update(template(second, **outputs)) == "UPDATE_COMPLETE", stack.reasons()
    changed = iam.get_role(RoleName="first")["Role"]
    assert changed["RoleId"] == made["RoleId"]
    assert changed["AssumeRolePolicyDocument"] == trust
    assert "Description" not in changed and "PermissionsBoundary" not in changed
    assert changed["MaxSessionDuration"] == 3600
    assert {tag["Key"]: tag["Value"] for tag in changed["Tags"]} == {"Team": "y", "kept": "1"}
    attached = iam.list_attached_role_policies(RoleName="first")["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [OTHER]
    assert iam.list_role_policies(RoleName="first")["PolicyNames"] == ["a", "b"]
    assert iam.get_role_policy(RoleName="first", PolicyName="a")["PolicyDocument"] == document("s3:PutObject")
    assert stack.drift() == {"Role": ("IN_SYNC", [])}
    iam.detach_role_policy(RoleName="first", PolicyArn=OTHER)
    iam.update_role(RoleName="first", Description="nobody asked for it", MaxSessionDuration=7200)
    status, differences = stack.drift()["Role"]
    assert status == "MODIFIED" and [how for _, how in differences] == ["REMOVE"], differences
    iam.attach_role_policy(RoleName="first", PolicyArn=OTHER)

    # A name that the template gives cannot be had twice.
    named = role(RoleName="first", Path="/elsewhere/")
    assert stack.update(template(named, **outputs)) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.reasons()["Role"] == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename first and update the stack again."
    )
    assert iam.get_role(RoleName="first")["Role"]["RoleId"] == made["RoleId"]

    # Without a name it gets one of the stack's, the logical id and letters, and the named one goes.
    assert stack.update(template(role(), **outputs)) == "UPDATE_COMPLETE", stack.reasons()
    name = stack.outputs()["Name"]
    assert re.fullmatch("stack-Role-[0-9A-Za-z]{12}", name), name
    assert {one["RoleName"] for one in iam.list_roles()["Roles"]} == {name}
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    assert iam.list_roles()["Roles"] == []


def test_what_could_not_be_replaced_stays_however_often_it_is_tried(server):
    iam, stack = server.client("iam"), Stack(server)

    def role(**properties):
        return {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, **properties)}

    def there():
        return {one["RoleName"]: one["RoleId"] for one in iam.list_roles()["Roles"]}

    assert stack.create(role(RoleName="first")) == "CREATE_COMPLETE", stack.reasons()
    before = there()
    for _ in range(2):
        assert stack.update(role(RoleName="first", Path="/x/"), DisableRollback=True) == "UPDATE_FAILED"
    assert stack.update(role(RoleName="first", Description="d"), DisableRollback=True) == "UPDATE_COMPLETE"
    assert stack.update(role(RoleName="first", Description="e", Path="/x/"), DisableRollback=True) == "UPDATE_FAILED"
    stack.client.rollback_stack(StackName=stack.name)
    assert stack.settle() == "UPDATE_ROLLBACK_COMPLETE", stack.reasons()
    assert there() == before
    assert iam.get_role(RoleName="first")["Role"]["Description"] == "d"
    # One that took its place goes when what comes after fails, and the old one is taken up again.
    nobody = resource("AWS::IAM::Policy", depends_on="Role", PolicyName="p", PolicyDocument=document("s3:*"))
    assert stack.update(role(RoleName="second") | {"Policy": nobody}) == "UPDATE_ROLLBACK_COMPLETE"
    assert there() == before
    assert stack.update(role(RoleName="third")) == "UPDATE_COMPLETE", stack.reasons()
    assert list(there()) == ["third"]
    assert stack.delete() == "DELETE_COMPLETE" and there() == {}


def test_policies_of_one_stack_stand_on_roles_users_and_groups(server):
    iam, stack = server.client("iam"), Stack(server)

    def resources(name, actions, *holders):
        return {
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST),
            "User": resource("AWS::IAM::User"),
            "Group": resource("AWS::IAM::Group"),
            "Policy": resource(
                "AWS::IAM::Policy",
                PolicyName=name,
                PolicyDocument=document(actions),
                **{f"{holder}s": [ref(holder)] for holder in holders},
            ),
        }

    assert stack.create(resources("p", "s3:GetObject", "Role", "User")) == "CREATE_COMPLETE", stack.reasons()
    ids = stack.ids()
    assert re.fullmatch("stack-Poli-[0-9A-Za-z]{12}", ids["Policy"]), ids
    assert iam.list_role_policies(RoleName=ids["Role"])["PolicyNames"] == ["p"]
    assert iam.list_user_policies(UserName=ids["User"])["PolicyNames"] == ["p"]
    assert stack.drift()["Policy"] == ("IN_SYNC", [])
    assert stack.update(resources("q", "s3:PutObject", "User", "Group")) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.ids() == ids
    assert iam.list_role_policies(RoleName=ids["Role"])["PolicyNames"] == []
    assert iam.list_user_policies(UserName=ids["User"])["PolicyNames"] == ["q"]
    found = iam.get_group_policy(GroupName=ids["Group"], PolicyName="q")["PolicyDocument"]
    assert found == document("s3:PutObject")
    iam.delete_user_policy(UserName=ids["User"], PolicyName="q")
    status, differences = stack.drift()["Policy"]
    assert status == "MODIFIED" and differences in ([("/Users", "REMOVE")], [("/Users/0", "REMOVE")])
    # Somebody must have it; what failed is undone.
    assert stack.update(resources("q", "s3:PutObject")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "At least one of [Groups,Roles,Users] must be non-empty." in stack.reasons()["Policy"]
    assert iam.list_group_policies(GroupName=ids["Group"])["PolicyNames"] == ["q"]
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()


def test_a_managed_policy_has_versions_and_makes_room_for_them(server):
    iam, stack = server.client("iam"), Stack(server)

    def resources(action, holder="Role", **more):
        return {
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST),
            "Group": resource("AWS::IAM::Group"),
            "Policy": resource(
                "AWS::IAM::ManagedPolicy",
                PolicyDocument=document(action),
                **{f"{holder}s": [ref(holder)]},
                **more,
            ),
        }

    outputs = {"Arn": ref("Policy"), "Version": get("Policy", "DefaultVersionId"), "Id": get("Policy", "PolicyId")}
    named = {"ManagedPolicyName": "managed", "Path": "/a/", "Description": "d"}
    assert stack.create(template(resources("s3:A0", **named), **outputs)) == "CREATE_COMPLETE", stack.reasons()
    arn = f"arn:aws:iam::{ACCOUNT}:policy/a/managed"
    made = iam.get_policy(PolicyArn=arn)["Policy"]
    assert stack.outputs() == {"Arn": arn, "Version": "v1", "Id": made["PolicyId"]}
    assert (made["Description"], made["AttachmentCount"]) == ("d", 1)
    for number in range(1, 7):
        changed = resources(f"s3:A{number}", "Group" if number == 6 else "Role", **named)
        assert stack.update(template(changed, **outputs)) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.outputs()["Version"] == "v7"
    versions = [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]]
    assert versions == ["v7", "v6", "v5", "v4", "v3"]
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert (len(entities["PolicyRoles"]), len(entities["PolicyGroups"])) == (0, 1)
    assert stack.drift()["Policy"] == ("IN_SYNC", [])
    assert stack.update(template(resources("s3:A6"), **outputs)) == "UPDATE_COMPLETE", stack.reasons()
    (only,) = iam.list_policies(Scope="Local")["Policies"]
    assert only["PolicyName"].startswith("stack-Policy-") and only["Arn"] == stack.outputs()["Arn"]
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_a_user_its_groups_and_its_key(server):
    iam, stack = server.client("iam"), Stack(server)

    def resources(status="Active", serial=0, path="/", groups=("A",), **more):
        user = resource("AWS::IAM::User", UserName="deployer", Path=path, Groups=[ref(one) for one in groups], **more)
        return {
            "A": resource("AWS::IAM::Group", GroupName="a", ManagedPolicyArns=[READ_ONLY]),
            "B": resource("AWS::IAM::Group", Policies=[{"PolicyName": "p", "PolicyDocument": document("s3:*")}]),
            "User": user,
            "Key": resource("AWS::IAM::AccessKey", UserName=ref("User"), Status=status, Serial=serial),
        }

    outputs = {"Id": ref("Key"), "Secret": get("Key", "SecretAccessKey"), "Arn": get("User", "Arn")}
    inline = {"PolicyName": "own", "PolicyDocument": document("kms:List*")}
    body = template(resources(Policies=[inline], Tags=tags(a="1")), **outputs)
    assert stack.create(body) == "CREATE_COMPLETE", stack.reasons()
    told = stack.outputs()
    deployer = Principal(told["Id"], told["Secret"], "deployer")
    assert server.client("sts", who=deployer).get_caller_identity()["Arn"] == told["Arn"]
    # The secret is kept sealed and is in no record.
    assert not [path for path in server.data_dir.rglob("*") if path.is_file() and told["Secret"].encode() in path.read_bytes()]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="deployer")["Groups"]] == ["a"]
    assert stack.is_in_sync()

    changed = template(resources(status="Inactive", path="/moved/", groups=["B"], Tags=tags(a="2")), **outputs)
    assert stack.update(changed) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.outputs()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/moved/deployer"
    assert stack.outputs()["Id"] == told["Id"]
    with refused("InvalidClientTokenId"):
        server.client("sts", who=deployer).get_caller_identity()
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="deployer")["Groups"]] == [stack.ids()["B"]]
    assert iam.list_user_policies(UserName="deployer")["PolicyNames"] == []
    assert iam.get_user(UserName="deployer")["User"]["Tags"] == tags(a="2")

    # Counting up the serial makes another key.
    assert stack.update(template(resources(serial=1, path="/moved/"), **outputs)) == "UPDATE_COMPLETE"
    (key,) = iam.list_access_keys(UserName="deployer")["AccessKeyMetadata"]
    assert key["AccessKeyId"] == stack.outputs()["Id"] != told["Id"]
    iam.update_access_key(UserName="deployer", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert stack.drift()["Key"] == ("MODIFIED", [("/Status", "NOT_EQUAL")])
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    assert iam.list_users()["Users"] == [] and iam.list_groups()["Groups"] == []


def test_what_iam_refuses_is_the_reason_and_leaves_nothing(server):
    iam = server.client("iam")
    iam.create_role(RoleName="taken", AssumeRolePolicyDocument=json.dumps(TRUST))
    stack = Stack(server, "twice")
    role = resource("AWS::IAM::Role", RoleName="taken", AssumeRolePolicyDocument=TRUST)
    assert stack.create({"Group": resource("AWS::IAM::Group", GroupName="g"), "Role": role | {"DependsOn": "Group"}}) == (
        "ROLLBACK_COMPLETE"
    )
    expected = handler_text("Role with name taken already exists.", "Iam", 409, "AlreadyExists")
    assert expected.match(stack.reasons()["Role"]), stack.reasons()
    assert iam.list_groups()["Groups"] == []
    password = resource("AWS::IAM::User", LoginProfile={"Password": "p"})
    stack = Stack(server, "password")
    assert stack.create({"User": password}) == "ROLLBACK_COMPLETE"
    assert "LoginProfile is a property of AWS::IAM::User that this server does not support" in stack.reasons()["User"]
    # What others gave the role stays, and so does the role.
    stack = Stack(server, "held")
    assert stack.create({"Role": resource("AWS::IAM::Role", RoleName="held", AssumeRolePolicyDocument=TRUST)}) == (
        "CREATE_COMPLETE"
    )
    iam.attach_role_policy(RoleName="held", PolicyArn=READ_ONLY)
    assert stack.delete() == "DELETE_FAILED"
    assert "Cannot delete entity, must detach all policies first." in stack.reasons()["Role"]
    iam.detach_role_policy(RoleName="held", PolicyArn=READ_ONLY)
    # One that is gone already is deleted.
    iam.delete_role(RoleName="held")
    assert stack.delete() == "DELETE_COMPLETE"


# --- Logs ---


def test_log_groups_and_streams(server):
    logs, kms, stack = server.client("logs"), server.client("kms"), Stack(server)
    service = {"Service": "logs.us-east-1.amazonaws.com"}
    rights = policy(allow("kms:*", Principal={"AWS": ACCOUNT}), allow("kms:*", Principal=service))
    key = kms.create_key(Policy=rights)["KeyMetadata"]["Arn"]

    def resources(stream="s", name="group", **more):
        return {
            "Group": resource("AWS::Logs::LogGroup", LogGroupName=name, **more),
            "Stream": resource("AWS::Logs::LogStream", LogGroupName=ref("Group"), LogStreamName=stream),
        }

    body = template(resources(RetentionInDays="90", KmsKeyId=key, Tags=tags(a="1")), Arn=get("Group", "Arn"))
    assert stack.create(body) == "CREATE_COMPLETE", stack.reasons()
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group"
    assert stack.outputs() == {"Arn": f"{arn}:*"}
    assert stack.ids() == {"Group": "group", "Stream": "s"}
    (group,) = logs.describe_log_groups()["logGroups"]
    assert (group["retentionInDays"], group["kmsKeyId"]) == (90, key)
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1"}
    assert stack.is_in_sync()
    assert stack.update(resources(stream="t", RetentionInDays=7, Tags=tags(b="2"))) == "UPDATE_COMPLETE", stack.reasons()
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 7 and "kmsKeyId" not in group
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    assert [one["logStreamName"] for one in logs.describe_log_streams(logGroupName="group")["logStreams"]] == ["t"]
    logs.delete_retention_policy(logGroupName="group")
    assert stack.drift()["Group"] == ("MODIFIED", [("/RetentionInDays", "REMOVE")])
    logs.delete_log_stream(logGroupName="group", logStreamName="t")
    assert stack.drift()["Stream"] == ("DELETED", [])
    assert stack.update(resources(name="other", stream="t")) == "UPDATE_COMPLETE", stack.reasons()
    assert [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]] == ["other"]
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    assert logs.describe_log_groups()["logGroups"] == []


def test_what_logs_refuses_is_the_reason(server):
    server.client("logs").create_log_group(logGroupName="CloudTrail")
    for name, properties, expected in [
        (
            "taken",
            {"LogGroupName": "CloudTrail"},
            "Resource handler returned message: \"Resource of type 'AWS::Logs::LogGroup' with identifier "
            "'{\"/properties/LogGroupName\":\"CloudTrail\"}' already exists.\"",
        ),
        ("days", {"RetentionInDays": 2}, "Member must satisfy enum value set: [1, 3, 5"),
        ("class", {"LogGroupClass": "INFREQUENT_ACCESS"}, "A logGroupClass other than STANDARD is not implemented"),
        ("protected", {"DataProtectionPolicy": {}}, "#/DataProtectionPolicy: DataProtectionPolicy is a property of"),
        ("unknown", {"Retention": 1}, "#: extraneous key [Retention] is not permitted"),
    ]:
        stack = Stack(server, name)
        assert stack.create({"Group": resource("AWS::Logs::LogGroup", **properties)}) == "ROLLBACK_COMPLETE", name
        assert expected in stack.reasons()["Group"], stack.reasons()
    assert [one["logGroupName"] for one in server.client("logs").describe_log_groups()["logGroups"]] == ["CloudTrail"]


# --- SNS ---


@pytest.mark.serve("--sns-endpoints", "any")
@pytest.mark.serve("--sns-endpoints", "loopback")
def test_topics_policies_and_subscriptions(server):
    sns, stack = server.client("sns"), Stack(server)
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:news"

    def resources(action="SNS:Publish", with_policy=True, subscription=None, **topic):
        made = {"Topic": resource("AWS::SNS::Topic", **topic)}
        if with_policy:
            statement = allow(action, ref("Topic"), Principal=SERVICE)
            made["Policy"] = resource(
                "AWS::SNS::TopicPolicy",
                PolicyDocument={"Version": "2012-10-17", "Statement": [statement]},
                Topics=[ref("Topic")],
            )
        if subscription:
            made["Subscription"] = resource("AWS::SNS::Subscription", TopicArn=ref("Topic"), **subscription)
        return made

    def attributes():
        return sns.get_topic_attributes(TopicArn=arn)["Attributes"]

    first_policy = json.loads(
        sns.get_topic_attributes(TopicArn=sns.create_topic(Name="plain")["TopicArn"])["Attributes"]["Policy"]
    )
    hook = {"Protocol": "http", "Endpoint": "http://127.0.0.1:9/a"}
    body = template(
        resources(
            TopicName="news",
            DisplayName="News",
            SignatureVersion=2,
            Tags=tags(a="1"),
            Subscription=[hook],
            subscription={
                "Protocol": "http",
                "Endpoint": "http://127.0.0.1:9/b",
                "FilterPolicy": {"kind": ["a"]},
                "RawMessageDelivery": True,
            },
        ),
        Name=get("Topic", "TopicName"),
        Arn=get("Topic", "TopicArn"),
        Subscription=ref("Subscription"),
    )
    assert stack.create(body) == "CREATE_COMPLETE", stack.reasons()
    told = stack.outputs()
    assert (told["Arn"], told["Name"], stack.ids()["Topic"]) == (arn, "news", arn)
    assert told["Subscription"].startswith(f"{arn}:")
    made = attributes()
    assert (made["DisplayName"], made["SignatureVersion"]) == ("News", "2")
    assert json.loads(made["Policy"])["Statement"][0]["Action"] == "SNS:Publish"
    assert made["SubscriptionsPending"] == "2"
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags(a="1")
    subscription = sns.get_subscription_attributes(SubscriptionArn=told["Subscription"])["Attributes"]
    assert (json.loads(subscription["FilterPolicy"]), subscription["RawMessageDelivery"]) == ({"kind": ["a"]}, "true")
    drift = stack.drift()
    assert drift["Policy"] == drift["Subscription"] == ("IN_SYNC", [])

    changed = resources(
        ["SNS:Publish", "SNS:Subscribe"],
        TopicName="news",
        Tags=tags(b="2"),
        subscription={
            "Protocol": "http",
            "Endpoint": "http://127.0.0.1:9/b",
            "FilterPolicy": {"kind": ["b"]},
            "FilterPolicyScope": "MessageBody",
        },
    )
    assert stack.update(changed) == "UPDATE_COMPLETE", stack.reasons()
    made = attributes()
    assert (made["DisplayName"], made["SignatureVersion"]) == ("", "1")
    assert json.loads(made["Policy"])["Statement"][0]["Action"] == ["SNS:Publish", "SNS:Subscribe"]
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags(b="2")
    subscription = sns.get_subscription_attributes(SubscriptionArn=told["Subscription"])["Attributes"]
    assert (json.loads(subscription["FilterPolicy"]), subscription["RawMessageDelivery"]) == ({"kind": ["b"]}, "false")
    assert subscription["FilterPolicyScope"] == "MessageBody"
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(first_policy).replace("plain", "news"))
    assert stack.drift()["Policy"] == ("DELETED", [])

    assert stack.update(resources(TopicName="news", with_policy=False)) == "UPDATE_COMPLETE", stack.reasons()
    assert json.loads(attributes()["Policy"]) == json.loads(json.dumps(first_policy).replace("plain", "news"))
    assert stack.update(resources(with_policy=False)) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.ids()["Topic"].startswith(f"arn:aws:sns:us-east-1:{ACCOUNT}:stack-Topic-")
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    assert [one["TopicArn"] for one in sns.list_topics()["Topics"]] == [arn.replace("news", "plain")]


def test_what_sns_refuses_is_the_reason(server):
    server.client("sns").create_topic(Name="taken")
    mail = {"Protocol": "email", "Endpoint": "a@example.com"}
    for name, properties, expected in [
        ("taken", {"TopicName": "taken"}, "Resource of type 'AWS::SNS::Topic' with identifier"),
        ("fifo", {"FifoTopic": True}, "FifoTopic is a property of AWS::SNS::Topic that this server does not support"),
        ("mail", {"Subscription": [mail]}, "Protocol email is not implemented by this server."),
        ("version", {"SignatureVersion": "3"}, "Invalid parameter: Attributes Reason: SignatureVersion"),
    ]:
        stack = Stack(server, name)
        assert stack.create({"Topic": resource("AWS::SNS::Topic", **properties)}) == "ROLLBACK_COMPLETE", name
        assert expected in stack.reasons()["Topic"], stack.reasons()
    assert len(server.client("sns").list_topics()["Topics"]) == 1


# --- CloudTrail ---


@pytest.fixture
def bucket(server):
    make_bucket(server, "files")
    server.client("s3").put_bucket_policy(Bucket="files", Policy=bucket_policy("files"))
    return "files"


def log_role(name, group):
    """A log group and the role with which CloudTrail writes it."""
    stream = {"Fn::Sub": f"arn:aws:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{group}}}:log-stream:*"}
    rights = {
        "PolicyName": "write",
        "PolicyDocument": document(["logs:CreateLogStream", "logs:PutLogEvents"], stream),
    }
    return {
        group: resource("AWS::Logs::LogGroup"),
        name: resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, Policies=[rights]),
    }


def test_a_trail_is_made_changed_replaced_and_deleted(server, bucket):
    cloudtrail, kms, stack = server.client("cloudtrail"), server.client("kms"), Stack(server)
    key = kms.create_key(Policy=key_policy())["KeyMetadata"]
    kms.create_alias(AliasName="alias/trail", TargetKeyId=key["KeyId"])
    topic = server.client("sns").create_topic(Name="files")["TopicArn"]
    publish = policy(allow("SNS:Publish", topic, Principal=SERVICE))
    server.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=publish)

    def resources(name="audit", logging=True, with_logs=True, **more):
        logs = {
            "CloudWatchLogsLogGroupArn": get("Group", "Arn"),
            "CloudWatchLogsRoleArn": get("Role", "Arn"),
        }
        trail = resource(
            "AWS::CloudTrail::Trail",
            TrailName=name,
            IsLogging=logging,
            S3BucketName=bucket,
            **(logs if with_logs else {}),
            **more,
        )
        return log_role("Role", "Group") | {"Trail": trail}

    basic = [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}], "IncludeManagementEvents": True}]
    first = resources(
        KMSKeyId="alias/trail",
        SnsTopicName="files",
        S3KeyPrefix="",
        EnableLogFileValidation="true",
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EventSelectors=basic,
        Tags=tags(a="1", b="1"),
    )
    arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"
    body = template(first, Arn=get("Trail", "Arn"), Topic=get("Trail", "SnsTopicArn"))
    assert stack.create(body) == "CREATE_COMPLETE", stack.reasons()
    assert stack.outputs() == {"Arn": arn, "Topic": topic}
    made = cloudtrail.get_trail(Name="audit")["Trail"]
    assert (made["KmsKeyId"], made["SnsTopicName"], made["IsMultiRegionTrail"]) == (key["Arn"], "files", True)
    assert made["LogFileValidationEnabled"] and made["CloudWatchLogsLogGroupArn"].endswith(":*")
    assert cloudtrail.get_trail_status(Name="audit")["IsLogging"]
    assert cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"][0]["DataResources"] == basic[0]["DataResources"]
    assert stack.is_in_sync()
    for said in (key["KeyId"], key["Arn"], f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/trail"):
        first["Trail"]["Properties"]["KMSKeyId"] = said
        assert stack.update(template(first)) == "UPDATE_COMPLETE", stack.reasons()
        assert stack.drift()["Trail"] == ("IN_SYNC", []), said

    # The roll-back of seed 003 shows.
    cloudtrail.update_trail(Name="audit", KmsKeyId="")
    cloudtrail.stop_logging(Name="audit")
    assert stack.drift()["Trail"] == ("MODIFIED", [("/IsLogging", "NOT_EQUAL"), ("/KMSKeyId", "REMOVE")])
    cloudtrail.update_trail(Name="audit", KmsKeyId=key["KeyId"])
    cloudtrail.start_logging(Name="audit")

    advanced = [{"Name": "all", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
    second = resources(logging=False, with_logs=False, AdvancedEventSelectors=advanced, S3KeyPrefix="", Tags=tags(b="2"))
    assert stack.update(second) == "UPDATE_COMPLETE", stack.reasons()
    changed = cloudtrail.get_trail(Name="audit")["Trail"]
    assert not {"KmsKeyId", "SnsTopicName", "CloudWatchLogsRoleArn", "CloudWatchLogsLogGroupArn"} & set(changed)
    assert (changed["IsMultiRegionTrail"], changed["LogFileValidationEnabled"]) == (False, False)
    assert not cloudtrail.get_trail_status(Name="audit")["IsLogging"]
    assert cloudtrail.get_event_selectors(TrailName="audit")["AdvancedEventSelectors"] == advanced
    (told,) = cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert told["TagsList"] == tags(b="2")
    assert stack.drift()["Trail"] == ("IN_SYNC", [])

    third = resources("renamed", with_logs=False)
    assert stack.update(third) == "UPDATE_COMPLETE", stack.reasons()
    assert [one["Name"] for one in cloudtrail.describe_trails()["trailList"]] == ["renamed"]
    (selector,) = cloudtrail.get_event_selectors(TrailName="renamed")["EventSelectors"]
    assert selector["ReadWriteType"] == "All"
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    assert cloudtrail.describe_trails()["trailList"] == []


def test_a_channel_sends_to_trails(server, bucket):
    cloudtrail, stack = server.client("cloudtrail"), Stack(server)

    def resources(*trails, source="Custom", kind="AWS_SERVICE", **more):
        made = {
            name: resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName=bucket) for name in ("One", "Two")
        }
        destinations = [{"Type": kind, "Location": get(name, "Arn")} for name in trails]
        return made | {"Channel": resource("AWS::CloudTrail::Channel", Source=source, Destinations=destinations, **more)}

    assert stack.create(resources("One", Name="inlet", Tags=tags(a="1"))) == "CREATE_COMPLETE", stack.reasons()
    arn = stack.ids()["Channel"]
    made = cloudtrail.get_channel(Channel=arn)
    assert (made["Name"], made["Source"], len(made["Destinations"])) == ("inlet", "Custom", 1)
    assert stack.is_in_sync()
    assert stack.update(resources("One", "Two", Name="outlet", Tags=tags(b="2"))) == "UPDATE_COMPLETE", stack.reasons()
    made = cloudtrail.get_channel(Channel=arn)
    assert (made["Name"], len(made["Destinations"])) == ("outlet", 2)
    (told,) = cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert told["TagsList"] == tags(b="2")
    cloudtrail.delete_channel(Channel=arn)
    assert stack.drift()["Channel"] == ("DELETED", [])
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    stack = Stack(server, "lake")
    assert stack.create(resources("One", kind="EVENT_DATA_STORE")) == "ROLLBACK_COMPLETE"
    assert "The destination type EVENT_DATA_STORE is not implemented by this server." in stack.reasons()["Channel"]
    assert cloudtrail.describe_trails()["trailList"] == []


def test_what_cloudtrail_refuses_is_the_reason(server, bucket):
    make_bucket(server, "closed")

    def trail(**properties):
        return {"Trail": resource("AWS::CloudTrail::Trail", **({"IsLogging": True, "S3BucketName": bucket} | properties))}

    closed = "Invalid request provided: Incorrect S3 bucket policy is detected for bucket: closed"
    stack = Stack(server, "closed")
    assert stack.create(trail(S3BucketName="closed")) == "ROLLBACK_COMPLETE"
    assert handler_text(closed, "CloudTrail", 400, "InvalidRequest").match(stack.reasons()["Trail"]), stack.reasons()
    for name, properties, expected in [
        ("insights", {"InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]}, "InsightSelectors is not implemented"),
        ("organization", {"IsOrganizationTrail": True}, "IsOrganizationTrail is not implemented by this server."),
        (
            "aggregation",
            {"AggregationConfigurations": [{"EventCategory": "Data", "Templates": ["API_ACTIVITY"]}]},
            "AggregationConfigurations is not implemented by this server.",
        ),
        ("nothing", {"S3BucketName": "no-such-bucket"}, "S3 bucket no-such-bucket does not exist!"),
        ("half", {"CloudWatchLogsRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}, "You must specify a log group as well"),
    ]:
        stack = Stack(server, name)
        assert stack.create(trail(**properties)) == "ROLLBACK_COMPLETE", name
        assert expected in stack.reasons()["Trail"], stack.reasons()
    without = {"Trail": resource("AWS::CloudTrail::Trail", S3BucketName=bucket)}
    stack = Stack(server, "required")
    assert stack.create(without) == "ROLLBACK_COMPLETE"
    assert "#: required key [IsLogging] not found" in stack.reasons()["Trail"]
    assert server.client("cloudtrail").describe_trails()["trailList"] == []


# --- whose rights ---


def test_a_stack_has_its_callers_rights_and_no_more(server, bucket):
    """CreateTrail through CloudFormation needs iam:PassRole for the role that it names, as without it."""
    service = {"StringEquals": {"iam:PassedToService": "cloudtrail.amazonaws.com"}}
    everything_else = [
        allow(["cloudformation:*", "cloudtrail:*", "logs:*"]),
        allow(["iam:CreateRole", "iam:PutRolePolicy", "iam:GetRole", "iam:DeleteRole*"]),
    ]
    one = server.user("one", *everything_else)
    passing = allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/*", Condition=service)
    two = server.user("two", *everything_else, passing)
    resources = log_role("Role", "Group") | {
        "Trail": resource(
            "AWS::CloudTrail::Trail",
            IsLogging=True,
            S3BucketName=bucket,
            CloudWatchLogsLogGroupArn=get("Group", "Arn"),
            CloudWatchLogsRoleArn=get("Role", "Arn"),
        )
    }
    stack = Stack(server, "refused", who=one)
    assert stack.create(resources) == "ROLLBACK_COMPLETE"
    reason = stack.reasons()["Trail"]
    assert "is not authorized to perform: iam:PassRole on resource" in reason and "HandlerErrorCode: AccessDenied" in reason
    stack = Stack(server, "allowed", who=two)
    assert stack.create(resources) == "CREATE_COMPLETE", stack.reasons()
    role = stack.ids()["Role"]
    # The calls are the caller's, by CloudFormation.
    found = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTrail"}]
    )["Events"]
    made = [json.loads(event["CloudTrailEvent"]) for event in found]
    made = [event for event in made if "errorCode" not in event]
    assert [event["userIdentity"]["userName"] for event in made] == ["two"]
    assert {event["userIdentity"]["invokedBy"] for event in made} == {"cloudformation.amazonaws.com"}
    assert {event["sourceIPAddress"] for event in made} == {"cloudformation.amazonaws.com"}
    assert made[0]["requestParameters"]["cloudWatchLogsRoleArn"].endswith(role)


# --- what is somebody else's ---


def test_policies_that_are_there_are_in_the_way_and_stay(server):
    iam, sns = server.client("iam"), server.client("sns")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(document("s3:GetObject")))
    topic = sns.create_topic(Name="t")["TopicArn"]
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [allow("SNS:Publish", topic, Principal=SERVICE)]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=theirs)

    def inline(name):
        return {"Policy": resource("AWS::IAM::Policy", PolicyName=name, PolicyDocument=document("s3:*"), Roles=["r"])}

    stack = Stack(server, "inline")
    assert stack.create(inline("p")) == "ROLLBACK_COMPLETE"
    assert "Role r already has a policy p." in stack.reasons()["Policy"]
    # So it is when a policy takes another name, and the other names are free.
    stack = Stack(server, "renamed")
    assert stack.create(inline("q")) == "CREATE_COMPLETE", stack.reasons()
    assert stack.update(inline("p")) == "UPDATE_ROLLBACK_COMPLETE"
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["p", "q"]
    assert stack.update(inline("s")) == "UPDATE_COMPLETE", stack.reasons()
    # Under another logical id it is another policy, and the first one is not lost.
    assert stack.update({"Other": inline("s")["Policy"]}) == "UPDATE_ROLLBACK_COMPLETE"
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["p", "s"]
    assert iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"] == document("s3:GetObject")

    statement = allow("SNS:Subscribe", topic, Principal=SERVICE)
    policy_of_topic = resource(
        "AWS::SNS::TopicPolicy", PolicyDocument={"Version": "2012-10-17", "Statement": [statement]}, Topics=[topic]
    )
    stack = Stack(server, "topic")
    assert stack.create({"Policy": policy_of_topic}) == "ROLLBACK_COMPLETE"
    assert f"The topic policy already exists on topic {topic}." in stack.reasons()["Policy"]
    assert json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]) == json.loads(theirs)


def test_a_subscription_that_is_confirmed_is_not_taken(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    topic = sns.create_topic(Name="t")["TopicArn"]
    theirs = confirmed(sns, topic, where)
    hook = resource("AWS::SNS::Subscription", TopicArn=topic, Protocol="http", Endpoint=where.url + "/hook")
    stack = Stack(server)
    assert stack.create({"Hook": hook}) == "ROLLBACK_COMPLETE"
    assert f"identifier '{theirs}' already exists." in stack.reasons()["Hook"]
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
    assert [one["SubscriptionArn"] for one in sns.list_subscriptions()["Subscriptions"]] == [theirs]


def test_what_a_stack_attaches_to_its_own_is_no_drift(server):
    iam, stack = server.client("iam"), Stack(server)
    inline = [{"PolicyName": "own", "PolicyDocument": document("s3:GetObject")}]
    made = {
        "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, Policies=inline, ManagedPolicyArns=[READ_ONLY]),
        "Policy": resource("AWS::IAM::Policy", PolicyName="p", PolicyDocument=document("s3:*"), Roles=[ref("Role")]),
        "Managed": resource("AWS::IAM::ManagedPolicy", PolicyDocument=document("s3:*"), Roles=[ref("Role")]),
    }
    assert stack.create(made) == "CREATE_COMPLETE", stack.reasons()
    assert stack.is_in_sync(), stack.drift()
    iam.attach_role_policy(RoleName=stack.ids()["Role"], PolicyArn=OTHER)
    assert stack.drift()["Role"] == ("MODIFIED", [("/ManagedPolicyArns/0", "ADD")])


def test_a_channel_without_its_name_gets_one(server, bucket):
    cloudtrail, stack = server.client("cloudtrail"), Stack(server)

    def resources(**more):
        trail = resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName=bucket)
        to = [{"Type": "AWS_SERVICE", "Location": get("Trail", "Arn")}]
        return {"Trail": trail, "Channel": resource("AWS::CloudTrail::Channel", Source="Custom", Destinations=to, **more)}

    assert stack.create(resources(Name="inlet")) == "CREATE_COMPLETE", stack.reasons()
    assert stack.update(resources()) == "UPDATE_COMPLETE", stack.reasons()
    assert cloudtrail.get_channel(Channel=stack.ids()["Channel"])["Name"].startswith("stack-Channel-")
