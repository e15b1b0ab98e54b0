"""Change sets, `deploy`, stack policies, drift and templates in buckets, with the stock CLI and boto3."""

import json
import re
import time

import pytest

from harness import allow, make_bucket, policy, poll, refused

ALLOW_ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


def topics(**titles):
    """A template of topics by logical id, each with its title."""
    named = {id: {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": title}} for id, title in titles.items()}
    return json.dumps({"Resources": named})


class Stack:
    """A stack, of which every step is waited for."""

    def __init__(self, server, name="stack", who=None):
        self.name = name
        self.api = server.client("cloudformation", who=who)

    def create(self, template, **more):
        self.api.create_stack(StackName=self.name, TemplateBody=template, **more)
        return self.settled()

    def update(self, template, **more):
        self.api.update_stack(StackName=self.name, TemplateBody=template, **more)
        return self.settled()

    def settled(self):
        while True:
            status = self.api.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return status

    def plan(self, template=None, name="changes", kind="UPDATE", **more):
        """Makes a change set and tells it."""
        given = {"TemplateBody": template} if template else {"UsePreviousTemplate": True}
        asked = {"StackName": self.name, "ChangeSetName": name, "ChangeSetType": kind, **given, **more}
        self.api.create_change_set(**asked)
        return self.described(name)

    def described(self, name="changes", **more):
        return self.api.describe_change_set(StackName=self.name, ChangeSetName=name, **more)

    def execute(self, name="changes"):
        self.api.execute_change_set(StackName=self.name, ChangeSetName=name)
        return self.settled()

    def reasons(self, status):
        events = self.api.describe_stack_events(StackName=self.name)["StackEvents"]
        return {one["LogicalResourceId"]: one.get("ResourceStatusReason") for one in events if one["ResourceStatus"] == status}


@pytest.fixture
def stack(server):
    return Stack(server)


def changes(described):
    """Each change as `ACTION ID REPLACEMENT`, with its details as `ATTRIBUTE NAME RECREATION EVALUATION SOURCE ENTITY`."""
    found = {}
    for change in described["Changes"]:
        one = change["ResourceChange"]
        details = [
            (
                detail["Target"]["Attribute"],
                detail["Target"].get("Name"),
                detail["Target"]["RequiresRecreation"],
                detail["Evaluation"],
                detail["ChangeSource"],
                detail.get("CausingEntity"),
            )
            for detail in one["Details"]
        ]
        found[one["LogicalResourceId"]] = (one["Action"], one.get("Replacement"), details)
    return found


def test_a_change_set_makes_a_stack(stack):
    """CREATE: the stack is only reviewed until the change set is executed, and is there as others then."""
    found = stack.plan(topics(One="1"), kind="CREATE", Description="first", Tags=[{"Key": "k", "Value": "v"}])
    assert (found["Status"], found["ExecutionStatus"], found["Description"]) == ("CREATE_COMPLETE", "AVAILABLE", "first")
    assert changes(found) == {"One": ("Add", None, [])}
    assert stack.settled() == "REVIEW_IN_PROGRESS"
    assert stack.reasons("REVIEW_IN_PROGRESS") == {"stack": "User Initiated"}
    with refused("ValidationError", "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."):
        stack.api.get_template_summary(StackName="stack")
    with refused("ValidationError", f"Stack:{found['StackId']} is in REVIEW_IN_PROGRESS state and can not be updated."):
        stack.plan(topics(One="2"), name="other")
    assert stack.execute() == "CREATE_COMPLETE"
    told = stack.api.describe_stacks(StackName="stack")["Stacks"][0]
    assert told["ChangeSetId"] == found["ChangeSetId"] and told["Tags"] == [{"Key": "k", "Value": "v"}]
    by_id = stack.api.describe_change_set(ChangeSetName=found["ChangeSetId"])
    assert by_id["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert stack.api.list_change_sets(StackName="stack")["Summaries"] == []
    text = f"ChangeSet [{found['ChangeSetId']}] cannot be executed in its current execution status of [EXECUTE_COMPLETE]"
    with refused("InvalidChangeSetStatus", text):
        stack.api.execute_change_set(ChangeSetName=found["ChangeSetId"])
    with refused("ValidationError", "Stack [stack] already exists and cannot be created again with the changeSet [again]."):
        stack.plan(topics(One="1"), name="again", kind="CREATE")


def test_a_reviewed_stack_is_deleted_or_created(stack, server):
    first = stack.plan(topics(One="1"), kind="CREATE")
    stack.plan(topics(One="1", Two="2"), name="second", kind="CREATE")
    listed = stack.api.list_change_sets(StackName="stack")["Summaries"]
    assert [one["ChangeSetName"] for one in listed] == ["changes", "second"]
    stack.api.create_stack(StackName="stack", TemplateBody=topics(One="1"))
    assert stack.settled() == "CREATE_COMPLETE"
    assert stack.api.describe_change_set(ChangeSetName=first["ChangeSetId"])["ExecutionStatus"] == "OBSOLETE"
    other = Stack(server, "other")
    other.plan(topics(One="1"), kind="CREATE")
    other.api.delete_stack(StackName="other")
    other.api.get_waiter("stack_delete_complete").wait(StackName="other", WaiterConfig={"Delay": 1})
    with refused("ValidationError", "Stack [other] does not exist"):
        other.described()


def test_what_was_executed_takes_the_other_change_sets_with_it(server, stack):
    """Of change sets the one that was executed last is kept; contents go with them."""
    assert stack.create(topics(One="1")) == "CREATE_COMPLETE"
    sets = [stack.plan(topics(One=title), name=name) for title, name in (("2", "a"), ("3", "b"))]
    assert stack.execute("a") == "UPDATE_COMPLETE"
    a, b = (found["ChangeSetId"] for found in sets)
    assert stack.api.describe_change_set(ChangeSetName=a)["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert stack.api.get_template(ChangeSetName=a)["TemplateBody"] == json.loads(topics(One="2"))
    for call in (stack.api.describe_change_set, stack.api.get_template):
        with refused("ChangeSetNotFound", f"ChangeSet [{b}] does not exist", 404):
            call(ChangeSetName=b)
    # An update by itself overtakes them, and the next one forgets what was overtaken.
    c = stack.plan(topics(One="4"), name="c")["ChangeSetId"]
    assert stack.update(topics(One="5")) == "UPDATE_COMPLETE"
    assert stack.api.describe_change_set(ChangeSetName=c)["ExecutionStatus"] == "OBSOLETE"
    assert stack.update(topics(One="6")) == "UPDATE_COMPLETE"
    for gone in (a, c):
        with refused("ChangeSetNotFound", f"ChangeSet [{gone}] does not exist", 404):
            stack.api.describe_change_set(ChangeSetName=gone)
    server.stop()
    assert json.loads(server.run("fsck", "--json", "--data-dir", str(server.data_dir)).stdout)["findings"] == []


def test_a_change_set_that_changes_nothing_fails(stack):
    assert stack.create(topics(One="1")) == "CREATE_COMPLETE"
    found = stack.plan(topics(One="1"))
    assert (found["Status"], found["StatusReason"], found["ExecutionStatus"]) == ("FAILED", NO_CHANGES, "UNAVAILABLE")
    with refused("InvalidChangeSetStatus", f"ChangeSet [{found['ChangeSetId']}] cannot be executed in its current status of [FAILED]"):
        stack.execute()
    with refused("AlreadyExistsException", "ChangeSet [changes] already exists"):
        stack.plan(topics(One="2"))
    stack.api.delete_change_set(StackName="stack", ChangeSetName="changes")
    with refused("ChangeSetNotFound", "ChangeSet [changes] does not exist", 404):
        stack.described()
    stack.api.delete_change_set(StackName="stack", ChangeSetName="changes")


NESTED = json.dumps({"Resources": {"S": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://t.s3.amazonaws.com/t"}}}})


def test_what_change_sets_refuse(stack):
    with refused("ValidationError", "Stack [none] does not exist"):
        stack.api.describe_change_set(StackName="none", ChangeSetName="c")
    with refused("ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN."):
        stack.api.delete_change_set(ChangeSetName="c")
    asked = {"StackName": "stack", "ChangeSetName": "c", "TemplateBody": topics(One="1"), "ChangeSetType": "CREATE"}
    for more in [
        {"ChangeSetType": "IMPORT", "ResourcesToImport": [{"ResourceType": "AWS::SNS::Topic", "LogicalResourceId": "One", "ResourceIdentifier": {"TopicArn": "a"}}]},
        {"IncludeNestedStacks": True, "TemplateBody": NESTED},
        {"ImportExistingResources": True},
    ]:
        with refused("NotImplemented"):
            stack.api.create_change_set(**{**asked, **more})
    role = {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}, "RoleName": "r"}}}}
    with refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]"):
        stack.api.create_change_set(**{**asked, "TemplateBody": json.dumps(role)})
    with refused("ValidationError", "Stack [stack] does not exist"):
        stack.api.describe_change_set(StackName="stack", ChangeSetName="c")


TELLING = """
Parameters:
  Title: {Type: String, Default: a}
  Secret: {Type: String, NoEcho: true, Default: hush}
Resources:
  Fixed: {Type: AWS::SNS::Topic, Properties: {TopicName: NAME, DisplayName: !Ref Secret}}
  ByParameter: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "x ${Title}"}}
  ByReference: {Type: AWS::SNS::TopicPolicy, Properties: {Topics: [!Ref Fixed], PolicyDocument: {Version: "2012-10-17", Statement: [
    {Effect: Allow, Principal: "*", Action: "sns:Publish", Resource: !Ref Fixed}]}}}
  Gone: {Type: AWS::SNS::Topic, DeletionPolicy: Retain}
"""


def test_details_tell_what_changes_and_why(stack):
    """An update by parameter, by the template, by reference to what is made anew, and by what is gone."""
    assert stack.create(TELLING.replace("NAME", "one")) == "CREATE_COMPLETE"
    text = TELLING.replace("NAME", "two").split("  Gone")[0]
    given = [{"ParameterKey": "Title", "ParameterValue": "b"}, {"ParameterKey": "Secret", "ParameterValue": "other"}]
    found = stack.plan(text, Parameters=given)
    static, dynamic = "Static", "Dynamic"
    assert changes(found) == {
        "ByParameter": (
            "Modify",
            "False",
            [
                ("Properties", "DisplayName", "Never", static, "ParameterReference", "Title"),
                ("Properties", "DisplayName", "Never", dynamic, "DirectModification", None),
            ],
        ),
        "ByReference": (
            "Modify",
            "False",
            [
                ("Properties", "PolicyDocument", "Never", static, "ResourceReference", "Fixed"),
                ("Properties", "Topics", "Never", static, "ResourceReference", "Fixed"),
            ],
        ),
        "Fixed": (
            "Modify",
            "True",
            [
                ("Properties", "DisplayName", "Never", static, "ParameterReference", "Secret"),
                ("Properties", "DisplayName", "Never", dynamic, "DirectModification", None),
                ("Properties", "TopicName", "Always", static, "DirectModification", None),
            ],
        ),
        "Gone": ("Remove", None, []),
    }
    actions = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"].get("PolicyAction") for one in found["Changes"]}
    assert actions == {"ByParameter": None, "ByReference": None, "Fixed": "ReplaceAndDelete", "Gone": "Retain"}
    assert {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]} == {"Title": "b", "Secret": "****"}
    shown = stack.described(IncludePropertyValues=True)
    assert "hush" not in str(shown) and "other" not in str(shown["Changes"])
    one = next(one["ResourceChange"] for one in shown["Changes"] if one["ResourceChange"]["LogicalResourceId"] == "ByReference")
    assert json.loads(one["AfterContext"])["Properties"]["Topics"] == ["{{changeSet:KNOWN_AFTER_APPLY}}"]
    titled = next(one["ResourceChange"] for one in shown["Changes"] if one["ResourceChange"]["LogicalResourceId"] == "ByParameter")
    target = titled["Details"][0]["Target"]
    assert (target["Path"], target["BeforeValue"], target["AfterValue"]) == ("/Properties/DisplayName", "x a", "x b")
    assert stack.execute() == "UPDATE_COMPLETE"
    arn = stack.api.describe_stack_resource(StackName="stack", LogicalResourceId="Fixed")["StackResourceDetail"]["PhysicalResourceId"]
    assert arn.endswith(":two")
    kept = stack.api.get_template(StackName="stack")
    assert kept["TemplateBody"] == text and kept["StagesAvailable"] == ["Original", "Processed"]


def deploy(server, *arguments, **more):
    """`aws cloudformation deploy`, which names its change set by the second: never twice in one."""
    second = int(time.time())
    poll(lambda: int(time.time()) > second)
    return server.aws("cloudformation", "deploy", *arguments, **more)


def test_deploy_of_the_cli(server, tmp_path):
    """`aws cloudformation deploy` as it is: made, not changed, changed by parameters and tags, through a bucket."""
    file = tmp_path / "template.yaml"
    file.write_text(
        "Parameters: {Title: {Type: String, Default: first}}\n"
        "Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Title}}}\n"
        "Outputs: {Arn: {Value: !Ref Topic, Export: {Name: topic}}}\n"
    )
    given = ["--stack-name", "deployed", "--template-file", str(file)]
    assert "Successfully created/updated stack - deployed" in deploy(server, *given).stdout
    same = deploy(server, *given, "--no-fail-on-empty-changeset")
    assert "No changes to deploy. Stack deployed is up to date" in same.stdout
    more = ["--parameter-overrides", "Title=second", "--tags", "team=audit"]
    make_bucket(server, "templates")
    done = deploy(server, *given, *more, "--s3-bucket", "templates", "--force-upload")
    assert "Successfully created/updated stack - deployed" in done.stdout
    api, sns = server.client("cloudformation"), server.client("sns")
    told = api.describe_stacks(StackName="deployed")["Stacks"][0]
    assert told["StackStatus"] == "UPDATE_COMPLETE" and told["Tags"] == [{"Key": "team", "Value": "audit"}]
    arn = told["Outputs"][0]["OutputValue"]
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "second"
    assert {"Key": "team", "Value": "audit"} in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]
    exports = api.list_exports()["Exports"]
    assert exports == [{"ExportingStackId": told["StackId"], "Name": "topic", "Value": arn}]
    with refused("ValidationError", "Export 'topic' is not imported by any stack."):
        api.list_imports(ExportName="topic")
    user = Stack(server, "user")
    importing = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::ImportValue": "topic"}]}]}}}}}
    assert user.plan(json.dumps(importing), kind="CREATE")["Status"] == "CREATE_COMPLETE"
    assert user.execute() == "CREATE_COMPLETE"
    assert api.list_imports(ExportName="topic")["Imports"] == ["user"]


def test_a_role_does_what_the_caller_may_not(server, tmp_path):
    """`deploy --role-arn`: the resources are made with the role's rights, which the caller must be allowed to pass."""
    iam = server.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="maker", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="maker", PolicyName="p", PolicyDocument=policy(allow("sns:*")))
    who = server.user("deployer", allow("cloudformation:*"))
    file = tmp_path / "template.json"
    file.write_text(topics(One="1"))
    given = ["--stack-name", "deployed", "--template-file", str(file), "--role-arn", role]
    failed = deploy(server, *given, who=who, check=False)
    assert failed.returncode != 0 and "iam:PassRole" in failed.stderr
    iam.put_user_policy(UserName="deployer", PolicyName="more", PolicyDocument=policy(allow("iam:PassRole", role)))
    assert "Successfully created" in deploy(server, *given, who=who).stdout
    plain = Stack(server, "plain", who=who)
    plain.plan(topics(One="1"), kind="CREATE")
    assert plain.execute() == "ROLLBACK_COMPLETE"
    assert "SNS:CreateTopic" in plain.reasons("CREATE_FAILED")["One"]


def test_stack_policies_guard_resources(stack):
    """What a policy does not allow fails and is rolled back; a policy for one update lifts it."""
    guarded = {"Statement": [ALLOW_ALL, {**ALLOW_ALL, "Effect": "Deny", "Action": "Update:Modify", "Resource": "LogicalResourceId/One"}]}
    assert stack.create(topics(One="1", Two="1"), StackPolicyBody=json.dumps(guarded)) == "CREATE_COMPLETE"
    assert json.loads(stack.api.get_stack_policy(StackName="stack")["StackPolicyBody"]) == guarded
    assert stack.update(topics(One="2", Two="2")) == "UPDATE_ROLLBACK_COMPLETE"
    text = "Action denied by stack policy: Statement [#2] does not allow [Update:Modify] for resource [LogicalResourceId/One];"
    assert stack.reasons("UPDATE_FAILED")["One"] == text
    assert stack.update(topics(One="1", Two="2")) == "UPDATE_COMPLETE"
    during = json.dumps({"Statement": [ALLOW_ALL]})
    assert stack.update(topics(One="2", Two="2"), StackPolicyDuringUpdateBody=during) == "UPDATE_COMPLETE"
    deletes = {"Statement": {**ALLOW_ALL, "Action": ["Update:Modify", "Update:Replace"]}}
    stack.api.set_stack_policy(StackName="stack", StackPolicyBody=json.dumps(deletes))
    assert stack.update(topics(One="2")) == "UPDATE_ROLLBACK_COMPLETE"
    stack.api.set_stack_policy(StackName="stack", StackPolicyBody="{}")
    assert "StackPolicyBody" not in stack.api.get_stack_policy(StackName="stack")
    assert stack.update(topics(One="2")) == "UPDATE_COMPLETE"
    with refused("ValidationError", "Error validating stack policy: Invalid stack policy"):
        stack.api.set_stack_policy(StackName="stack", StackPolicyBody="no policy")
    with refused("ValidationError", "You cannot specify both StackPolicyURL and StackPolicyBody"):
        stack.api.set_stack_policy(StackName="stack", StackPolicyBody="{}", StackPolicyURL="http://localhost/b/k")


def test_termination_protection(stack):
    assert stack.create(topics(One="1")) == "CREATE_COMPLETE"
    protect = lambda on: stack.api.update_termination_protection(StackName="stack", EnableTerminationProtection=on)
    assert protect(True)["StackId"]
    assert stack.api.describe_stacks(StackName="stack")["Stacks"][0]["EnableTerminationProtection"] is True
    with refused("ValidationError", "Stack [stack] cannot be deleted while TerminationProtection is enabled"):
        stack.api.delete_stack(StackName="stack")
    protect(False)
    stack.api.delete_stack(StackName="stack")


# A trail as seed 003 has it, in a bucket that is sealed with its key.
SEALED_TRAIL = """
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy: {Version: 2012-10-17, Statement: [
        {Effect: Allow, Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}, Action: "kms:*", Resource: "*"},
        {Effect: Allow, Principal: {Service: cloudtrail.amazonaws.com}, Action: ["kms:GenerateDataKey*", "kms:DescribeKey"], Resource: "*"}]}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: drifting-logs
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms", KMSMasterKeyID: !GetAtt Key.Arn}
  BucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument: {Version: 2012-10-17, Statement: [
        {Effect: Allow, Principal: {Service: cloudtrail.amazonaws.com}, Action: s3:GetBucketAcl, Resource: !GetAtt Bucket.Arn},
        {Effect: Allow, Principal: {Service: cloudtrail.amazonaws.com}, Action: s3:PutObject, Resource: !Sub "${Bucket.Arn}/*",
         Condition: {StringEquals: {"s3:x-amz-acl": bucket-owner-full-control}}}]}
  Trail:
    Type: AWS::CloudTrail::Trail
    DependsOn: BucketPolicy
    Properties: {TrailName: drifting, IsLogging: true, S3BucketName: !Ref Bucket, KMSKeyId: !Ref Key, EnableLogFileValidation: true}
"""


def drifts(stack, **asked):
    id = stack.api.detect_stack_drift(StackName=stack.name, **asked)["StackDriftDetectionId"]
    told = stack.api.describe_stack_drift_detection_status(StackDriftDetectionId=id)
    assert told["DetectionStatus"] == "DETECTION_COMPLETE", told
    found = stack.api.describe_stack_resource_drifts(StackName=stack.name)["StackResourceDrifts"]
    return told, {one["LogicalResourceId"]: one for one in found}


def differences(one):
    return [
        (each["PropertyPath"], each["DifferenceType"], each["ExpectedValue"], each["ActualValue"])
        for each in one["PropertyDifferences"]
    ]


def test_the_roll_back_of_seed_003_is_drift(server, stack):
    """A trail without its key and a bucket with AES256 are no longer as the template says, and the stack tells it."""
    assert stack.create(SEALED_TRAIL) == "CREATE_COMPLETE"
    told, found = drifts(stack)
    assert (told["StackDriftStatus"], told["DriftedStackResourceCount"]) == ("IN_SYNC", 0), found
    assert {id: one["StackResourceDriftStatus"] for id, one in found.items()} == dict.fromkeys(
        ["Bucket", "BucketPolicy", "Key", "Trail"], "IN_SYNC"
    )
    server.aws("cloudtrail", "update-trail", "--name", "drifting", "--kms-key-id", "")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    server.client("s3").put_bucket_encryption(Bucket="drifting-logs", ServerSideEncryptionConfiguration={"Rules": [rule]})
    told, found = drifts(stack)
    assert (told["StackDriftStatus"], told["DriftedStackResourceCount"]) == ("DRIFTED", 2)
    resources = stack.api.describe_stack_resources(StackName="stack")["StackResources"]
    ids = {one["LogicalResourceId"]: one for one in resources}
    assert [each[:2] for each in differences(found["Trail"])] == [("/KMSKeyId", "REMOVE")]
    assert differences(found["Trail"])[0][2:] == (ids["Key"]["PhysicalResourceId"], "null")
    path = "/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault"
    assert (f"{path}/SSEAlgorithm", "NOT_EQUAL", "aws:kms", "AES256") in differences(found["Bucket"])
    assert found["BucketPolicy"]["StackResourceDriftStatus"] == "IN_SYNC"
    assert ids["Trail"]["DriftInformation"]["StackResourceDriftStatus"] == "MODIFIED"
    described = stack.api.describe_stacks(StackName="stack")["Stacks"][0]
    assert described["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    listed = stack.api.list_stacks()["StackSummaries"][0]
    assert listed["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    only = stack.api.describe_stack_resource_drifts(StackName="stack", StackResourceDriftStatusFilters=["MODIFIED"])
    assert [one["LogicalResourceId"] for one in only["StackResourceDrifts"]] == ["Bucket", "Trail"]
    one = stack.api.detect_stack_resource_drift(StackName="stack", LogicalResourceId="Trail")["StackResourceDrift"]
    assert one["StackResourceDriftStatus"] == "MODIFIED" and "KMSKeyId" in one["ExpectedProperties"]


def test_what_was_deleted_is_drift_and_what_cannot_be_read_is_told(server, stack):
    assert stack.create(topics(One="1", Two="2")) == "CREATE_COMPLETE"
    resource = stack.api.describe_stack_resource(StackName="stack", LogicalResourceId="One")["StackResourceDetail"]
    server.client("sns").delete_topic(TopicArn=resource["PhysicalResourceId"])
    told, found = drifts(stack)
    assert told["StackDriftStatus"] == "DRIFTED"
    assert {id: one["StackResourceDriftStatus"] for id, one in found.items()} == {"One": "DELETED", "Two": "IN_SYNC"}
    blind = Stack(server, who=server.user("blind", allow("cloudformation:*")))
    id = blind.api.detect_stack_drift(StackName="stack", LogicalResourceIds=["Two"])["StackDriftDetectionId"]
    told = blind.api.describe_stack_drift_detection_status(StackDriftDetectionId=id)
    assert (told["DetectionStatus"], told["DetectionStatusReason"]) == (
        "DETECTION_FAILED",
        "Failed to detect drift on resource [Two]",
    )
    with refused("ValidationError", "Resource None does not exist for stack stack"):
        stack.api.detect_stack_resource_drift(StackName="stack", LogicalResourceId="None")


def test_templates_are_read_from_buckets_as_the_caller(server):
    """TemplateURL in the forms of this server and of AWS; who may not read the object may not use it."""
    make_bucket(server, "templates")
    server.client("s3").put_object(Bucket="templates", Key="a/t.json", Body=topics(One="x" * 60_000).encode())
    host, port = server.address
    api = server.client("cloudformation")
    for url in [
        f"http://{host}:{port}/templates/a/t.json",
        "https://s3.us-east-1.amazonaws.com/templates/a/t.json",
        "https://templates.s3.amazonaws.com/a/t.json",
    ]:
        assert api.validate_template(TemplateURL=url)["Parameters"] == [], url
    with refused("ValidationError", "TemplateURL must be a supported URL."):
        api.validate_template(TemplateURL="https://example.com/t.json")
    with refused("ValidationError", re.compile("^S3 error: The specified key does not exist.")):
        api.validate_template(TemplateURL="https://templates.s3.amazonaws.com/none")
    who = server.user("validator", allow("cloudformation:*"))
    with refused("ValidationError", re.compile("S3 error: .*s3:GetObject")):
        server.client("cloudformation", who=who).validate_template(TemplateURL="https://templates.s3.amazonaws.com/a/t.json")
    with refused("ValidationError", re.compile("Member must have length less than or equal to 51200$")):
        api.validate_template(TemplateBody=topics(One="x" * 60_000))


def test_a_summary_tells_what_a_template_asks_for(server):
    template = """
AWSTemplateFormatVersion: 2010-09-09
Description: of everything
Metadata: {Of: this}
Parameters: {P: {Type: String, AllowedValues: [a, b], Default: a, Description: which}}
Resources:
  T: {Type: AWS::SNS::Topic}
  R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  U: {Type: AWS::SNS::Topic}
"""
    api = server.client("cloudformation")
    found = api.get_template_summary(TemplateBody=template)
    assert found["Parameters"] == [
        {
            "ParameterKey": "P",
            "DefaultValue": "a",
            "ParameterType": "String",
            "NoEcho": False,
            "Description": "which",
            "ParameterConstraints": {"AllowedValues": ["a", "b"]},
        }
    ]
    assert found["ResourceTypes"] == ["AWS::SNS::Topic", "AWS::IAM::Role"]
    assert found["Capabilities"] == ["CAPABILITY_IAM"]
    assert found["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert (found["Version"], json.loads(found["Metadata"]), found["Description"]) == ("2010-09-09", {"Of": "this"}, "of everything")
    assert api.validate_template(TemplateBody=template)["Capabilities"] == ["CAPABILITY_IAM"]
    unknown = json.dumps({"Resources": {"X": {"Type": "AWS::EC2::Instance"}}})
    with refused("ValidationError", "Template format error: Unrecognized resource types: [AWS::EC2::Instance]"):
        api.validate_template(TemplateBody=unknown)
    lenient = {"TreatUnrecognizedResourceTypesAsWarnings": True}
    found = api.get_template_summary(TemplateBody=unknown, TemplateSummaryConfig=lenient)
    assert found["Warnings"] == {"UnrecognizedResourceTypes": ["AWS::EC2::Instance"]}


def test_a_loop_is_shown_expanded(stack):
    text = """
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "A,B"}}
Resources:
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - Topic${Name}: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Name}}
"""
    found = stack.plan(text, kind="CREATE")
    assert sorted(changes(found)) == ["TopicA", "TopicB"]
    assert stack.execute() == "CREATE_COMPLETE"
    processed = stack.api.get_template(StackName="stack", TemplateStage="Processed")["TemplateBody"]
    assert sorted(processed["Resources"]) == ["TopicA", "TopicB"] and "Transform" not in processed
    by_set = stack.api.get_template(ChangeSetName=found["ChangeSetId"])["TemplateBody"]
    assert by_set == text


def test_what_is_kept_is_sealed_and_stays_consistent(server, stack):
    """Change sets and drift hold a secret parameter: no file shows it, `fsck` finds nothing, and a restart reads it all."""
    secret = "0f5c-never-in-clear"
    text = """
Parameters: {S: {Type: String, NoEcho: true}, Title: {Type: String, NoEcho: true, Default: title}}
Resources: {T: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Title}}}
Outputs: {O: {Value: !Ref S}}
"""
    given = [{"ParameterKey": "S", "ParameterValue": secret}]
    first = stack.plan(text, kind="CREATE", Parameters=given)
    assert stack.execute() == "CREATE_COMPLETE"
    topic = stack.api.describe_stack_resources(StackName="stack")["StackResources"][0]["PhysicalResourceId"]
    server.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="other")
    told, found = drifts(stack)
    assert told["StackDriftStatus"] == "DRIFTED"
    assert differences(found["T"]) == [("/DisplayName", "NOT_EQUAL", "****", "****")]
    changed = [{"ParameterKey": "S", "ParameterValue": secret + "-2"}]
    stack.plan(text, name="second", Parameters=changed)
    assert secret not in str(stack.described("second", IncludePropertyValues=True))
    server.stop()
    for file in server.data_dir.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    done = server.run("fsck", "--data-dir", str(server.data_dir), check=False)
    assert done.returncode == 0, done.stdout
    server.start()
    stack.api = server.client("cloudformation")
    assert stack.api.describe_change_set(ChangeSetName=first["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert stack.execute("second") == "UPDATE_COMPLETE"
