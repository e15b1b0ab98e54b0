"""Several accounts; why a call was refused, and the change that would allow it; who can do what, now and after a change."""

import json
import shlex

import boto3
import pytest
from botocore.exceptions import ClientError
from harness import (
    ACCOUNT,
    BINARY,
    SERVICE,
    Principal,
    allow,
    bucket_policy,
    key_policy,
    make_bucket,
    make_trail,
    policy,
    refused,
)

OTHER = "111122223333"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def shoseki(server, *arguments, check=True):
    return server.run(*arguments, "--data-dir", str(server.data_dir), check=check)


def told(server, *arguments):
    return json.loads(shoseki(server, *arguments, "--json").stdout)


def make_account(server, account=OTHER, *options):
    made = told(server, "account", "create", "--account", account, *options)
    return Principal(made["AccessKeyId"], made["SecretAccessKey"])


def refusal(call, **arguments):
    """The request id of a call that must be refused."""
    try:
        call(**arguments)
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
        return metadata.get("RequestId") or metadata["HTTPHeaders"]["x-amz-request-id"]
    raise AssertionError("the call was not refused")


def paste(server, page, who=None):
    """Runs the commands that the page prints, with `shoseki` on the PATH."""
    folder = server.folder / "bin"
    folder.mkdir(exist_ok=True)
    script = folder / "shoseki"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(BINARY)} "$@"\n')
    script.chmod(0o755)
    commands, taken = [], False
    for line in page.splitlines():
        taken = line.startswith("    aws ") or (taken and commands[-1].endswith("\\"))
        if taken:
            commands.append(line.strip())
    assert commands, page
    text = "\n".join(commands)
    server.bash(f'PATH="{folder}:$PATH"\nset -e\n{text}', who=who)
    return text


def explain_and_repair(server, request_id, retry, who=None, rounds=1):
    """Follows the printed advice, and once more for each further refusal, until the call succeeds."""
    for _ in range(rounds):
        page = shoseki(server, "explain", request_id).stdout
        paste(server, page, who)
        try:
            return retry()
        except ClientError as error:
            metadata = error.response["ResponseMetadata"]
            request_id = metadata.get("RequestId") or metadata["HTTPHeaders"]["x-amz-request-id"]
            last = f"{error}\n{page}"
    raise AssertionError(last)


# --- accounts ---


def test_an_account_is_made_and_listed_and_its_root_can_call(server):
    root = make_account(server, OTHER, "--name", "The Auditors")
    assert server.client("sts", who=root).get_caller_identity()["Account"] == OTHER
    accounts = told(server, "account", "list")["Accounts"]
    assert [(one["Id"], one["Name"], one["First"]) for one in accounts] == [
        (ACCOUNT, "", True),
        (OTHER, "The Auditors", False),
    ]
    listed = shoseki(server, "account", "list").stdout.splitlines()
    assert listed[2].split()[:3] == [OTHER, "The", "Auditors"]
    again = shoseki(server, "account", "create", "--account", OTHER, check=False)
    assert again.returncode == 1
    assert f"AccountAlreadyExistsException: Account {OTHER} already exists." in again.stderr


def test_what_is_printed_for_a_new_account_can_be_pasted(server):
    page = shoseki(server, "account", "create", "--name", "b").stdout
    exports = [line.strip() for line in page.splitlines() if line.startswith("  export ")]
    script = "\n".join([*exports, "aws sts get-caller-identity --query Account --output text"])
    account = server.bash(script, environment=server.environment).stdout.strip()
    assert len(account) == 12 and account != ACCOUNT and account in page
    lines = [line.strip() for line in page.splitlines()]
    profile = "\n".join(lines[lines.index("[profile b]") : lines.index("[profile b]") + 5])
    config = server.folder / "config"
    config.write_text(profile + "\n")
    environment = {**server.environment, "AWS_CONFIG_FILE": str(config)}
    command = "aws --profile b sts get-caller-identity --query Account --output text"
    assert server.bash(command, environment=environment).stdout.strip() == account


def test_bad_numbers_and_names_are_refused(server):
    for option, value in (("--account", "12"), ("--name", "x" * 51), ("--name", "a\tb")):
        done = shoseki(server, "account", "create", option, value, check=False)
        assert done.returncode == 1 and "ValidationException" in done.stderr, done.stderr


def test_the_products_own_service_is_for_the_first_root_alone_and_its_record_shows_no_secret(server):
    other = make_account(server)
    alice = server.user("alice")
    for operation, body in (
        ("CreateAccount", "{}"),
        ("ListAccounts", "{}"),
        ("ExplainDecision", '{"Id": "x"}'),
        ("DescribeAccess", '{"Trail": "x"}'),
    ):
        for who in (other, alice):
            answer = server.json_call("shoseki", f"Shoseki_20261101.{operation}", body.encode(), who=who)
            assert (answer.status, answer.code) == (400, "AccessDeniedException"), operation
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateAccount"}]
    )["Events"]
    records = [json.loads(event["CloudTrailEvent"]) for event in events]
    (made,) = [record for record in records if not record.get("errorCode")]
    assert made["responseElements"] == {"account": OTHER, "accessKeyId": other.access_key}
    assert other.secret_key not in json.dumps(records)


def test_accounts_are_listed_in_pages(server):
    numbers = sorted(make_account(server, f"{digit}" * 12) and f"{digit}" * 12 for digit in range(1, 6))
    found, token = [], None
    while True:
        body = {"MaxResults": 2, **({"NextToken": token} if token else {})}
        answer = server.json_call("shoseki", "Shoseki_20261101.ListAccounts", json.dumps(body).encode()).json
        assert len(answer["Accounts"]) <= 2
        found += [one["Id"] for one in answer["Accounts"]]
        token = answer.get("NextToken")
        if not token:
            break
    assert found == [ACCOUNT, *numbers]


# --- explain ---


def test_a_user_without_policies_is_explained_and_the_command_repairs_it(server):
    bob = server.user("bob")
    kms = server.client("kms", who=bob)
    request_id = refusal(kms.list_keys)
    page = shoseki(server, "explain", request_id).stdout
    assert page.startswith("ListKeys was refused")
    for line in (
        f"who      {bob.arn}",
        "because  no policy of the caller's own allows kms:ListKeys",
        "In a new identity-based policy",
        "aws iam put-user-policy --user-name bob",
    ):
        assert line in page, page
    explain_and_repair(server, request_id, kms.list_keys)


def test_a_read_that_kms_refuses_is_explained_inside_and_repaired(server):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    make_bucket(server, "data")
    server.client("s3").put_object(
        Bucket="data", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    alice = server.user("alice", allow("s3:GetObject"))
    s3 = server.client("s3", who=alice)
    request_id = refusal(s3.get_object, Bucket="data", Key="k")
    why = told(server, "explain", request_id)
    (denial,) = why["Denials"]
    assert (why["Operation"], denial["Operation"], denial["Action"]) == ("GetObject", "Decrypt", "kms:Decrypt")
    page = shoseki(server, "explain", request_id).stdout
    assert "inside   Decrypt of kms.amazonaws.com, which GetObject calls with the caller's" in page
    assert "In inline policy rights of user alice" in page
    answer = explain_and_repair(server, request_id, lambda: s3.get_object(Bucket="data", Key="k"))
    assert answer["Body"].read() == b"x"
    # The same refusal is found by the ids of its events, the call's and the inner call's.
    for name in ("Decrypt", "GetObject"):
        for event in server.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
        )["Events"]:
            record = json.loads(event["CloudTrailEvent"])
            if record.get("errorCode"):
                assert told(server, "explain", record["eventID"])["Denials"][0]["Action"] == "kms:Decrypt"


def test_a_condition_says_what_it_wanted_and_what_it_saw(server):
    kms = server.client("kms")
    alice = server.user("alice")
    key = kms.create_key(
        Policy=policy(
            allow("kms:*", Principal=ROOT),
            allow(
                "kms:Encrypt",
                Sid="Only Europe",
                Principal={"AWS": alice.arn},
                Condition={"StringEquals": {"kms:EncryptionContext:place": "europe"}},
            ),
        )
    )["KeyMetadata"]["KeyId"]
    encrypt = {"KeyId": key, "Plaintext": b"x", "EncryptionContext": {"place": "mars"}}
    mine = server.client("kms", who=alice)
    request_id = refusal(mine.encrypt, **encrypt)
    page = shoseki(server, "explain", request_id).stdout
    near = page[page.index('2 "Only Europe"') :]
    assert near.splitlines()[:4] == [
        '2 "Only Europe": Allow, but its condition does not hold:',
        "        StringEquals kms:EncryptionContext:place",
        "        wants  europe",
        "        saw    mars",
    ]
    explain_and_repair(server, request_id, lambda: mine.encrypt(**encrypt))


def test_an_explicit_deny_is_named_and_can_be_made_to_spare(server):
    make_bucket(server, "data")
    deny = {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject"}
    server.client("s3").put_object(Bucket="data", Key="k", Body=b"x")
    server.client("s3").put_bucket_policy(
        Bucket="data", Policy=policy({**deny, "Resource": "arn:aws:s3:::data/*"})
    )
    alice = server.user("alice", allow("s3:*"))
    s3 = server.client("s3", who=alice)
    request_id = refusal(s3.get_object, Bucket="data", Key="k")
    page = shoseki(server, "explain", request_id).stdout
    assert 'because  statement 1 "Closed" of bucket policy of data denies it' in page
    assert '1 "Closed": Deny. It matches, and it decided.' in page
    explain_and_repair(server, request_id, lambda: s3.get_object(Bucket="data", Key="k"))
    refusal(server.client("s3", who=server.user("bob", allow("s3:*"))).get_object, Bucket="data", Key="k")


def test_a_role_is_repaired_by_a_policy_of_its_own(server):
    alice = server.user("alice", allow("sts:AssumeRole"))
    trust = {"Effect": "Allow", "Principal": {"AWS": alice.arn}, "Action": "sts:AssumeRole"}
    role = server.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    credentials = server.client("sts", who=alice).assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    def kms():
        return boto3.client(
            "kms",
            region_name="us-east-1",
            endpoint_url=server.endpoint,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    request_id = refusal(kms().list_keys)
    page = shoseki(server, "explain", request_id).stdout
    assert "aws iam put-role-policy --role-name reader" in page
    explain_and_repair(server, request_id, kms().list_keys)


def test_a_trust_policy_that_lets_another_in_is_explained_by_names(server):
    alice, bob = server.user("alice"), server.user("bob", allow("sts:AssumeRole"))
    trust = {"Effect": "Allow", "Principal": {"AWS": alice.arn}, "Action": "sts:AssumeRole"}
    role = server.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    request_id = refusal(server.client("sts", who=bob).assume_role, RoleArn=role, RoleSessionName="session")
    page = shoseki(server, "explain", request_id).stdout
    assert "because  the role's trust policy does not let this caller in" in page
    assert f"1: Allow, for others: {alice.arn}" in page and "AIDA" not in page
    assert f"lacks only the principal {bob.arn}" in page
    assert "aws iam update-assume-role-policy --role-name reader" in page


def test_two_accounts_need_both_sides_and_each_is_told(server):
    other = make_account(server)
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    kms = server.client("kms", who=other)
    request_id = refusal(kms.encrypt, KeyId=key, Plaintext=b"x")
    page = shoseki(server, "explain", request_id).stdout
    assert f"which account {ACCOUNT} owns" in page
    assert "because  the key policy does not allow kms:Encrypt to this caller" in page
    explain_and_repair(server, request_id, lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))


@pytest.mark.parametrize("with_key", [False, True])
def test_a_trails_refusals_are_explained_and_the_commands_make_it_possible(server, with_key):
    make_bucket(server, "logs")
    arguments = {"Name": "audit", "S3BucketName": "logs"}
    if with_key:
        server.client("s3").put_bucket_policy(Bucket="logs", Policy=bucket_policy("logs"))
        arguments["KmsKeyId"] = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    create = server.client("cloudtrail").create_trail
    request_id = refusal(create, **arguments)
    why = told(server, "explain", request_id)
    code, action, service = (
        ("InsufficientEncryptionPolicyException", "kms:DescribeKey", "kms.amazonaws.com")
        if with_key
        else ("InsufficientS3BucketPolicyException", "s3:GetBucketAcl", "s3.amazonaws.com")
    )
    assert why["ErrorCode"] == code
    (denial,) = why["Denials"]
    assert (denial["Action"], denial["Service"]) == (action, service)
    assert denial["Principal"]["Name"] == "cloudtrail.amazonaws.com"
    page = shoseki(server, "explain", request_id).stdout
    assert f"inside   {denial['Operation']} of {service}, which CreateTrail calls" in page
    assert "by       cloudtrail.amazonaws.com" in page
    made = explain_and_repair(server, request_id, lambda: create(**arguments), rounds=4)
    assert made["Name"] == "audit"


def test_an_encoded_message_is_explained(server):
    bob = server.user("bob")
    try:
        server.client("ec2", who=bob).describe_regions()
        raise AssertionError("the call was not refused")
    except ClientError as error:
        message = error.response["Error"]["Message"].rsplit(" ", 1)[-1]
    page = shoseki(server, "explain", message).stdout
    assert page.startswith("DescribeRegions was refused") and message not in page


def test_what_is_not_known_is_said_with_its_reasons(server):
    allowed = server.client("kms").list_keys()["ResponseMetadata"]["RequestId"]
    for id in ("nonsense", allowed):
        done = shoseki(server, "explain", id, check=False)
        assert done.returncode == 1
        assert "ResourceNotFoundException: No refused call is known by this id." in done.stderr


def test_a_change_is_of_the_policy_as_it_is_now(server):
    alice = server.user("alice", allow("s3:GetObject"))
    request_id = refusal(server.client("kms", who=alice).list_keys)
    changed = json.loads(shoseki(server, "explain", request_id, "--change", "1").stdout)
    assert changed["Statement"][0]["Action"] == ["s3:GetObject", "kms:ListKeys"]
    # A patch goes by places: of a document that somebody has changed since it would hit another statement.
    document = policy(allow("ec2:*"), allow("s3:GetObject"))
    server.client("iam").put_user_policy(UserName="alice", PolicyName="rights", PolicyDocument=document)
    done = shoseki(server, "explain", request_id, "--change", "1", check=False)
    assert done.returncode == 1 and "no longer as it was" in done.stderr
    server.client("iam").delete_user_policy(UserName="alice", PolicyName="rights")
    done = shoseki(server, "explain", request_id, "--change", "1", check=False)
    assert done.returncode == 1 and "no longer as it was" in done.stderr
    assert "as it was when the call was refused" in shoseki(server, "explain", request_id).stdout
    done = shoseki(server, "explain", request_id, "--change", "7", check=False)
    assert done.returncode == 1 and "none has the number 7" in done.stderr


# --- access ---


def row(answer, name, after=False):
    (principal,) = [one for one in answer["Principals"] if one["Name"].endswith(name)]
    return {cell["Right"] for cell in principal["ChangedAccess" if after else "Access"] if cell["Allowed"]}


EVERYTHING = {"ReadAndDecrypt", "Deliver", "Administer", "Delete"}


def test_the_matrix_of_an_object_is_what_calls_meet(server):
    """Each cell about reading is tried by a real call."""
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    make_bucket(server, "data")
    server.client("s3").put_object(
        Bucket="data", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    users = {
        "reader": server.user("reader", allow("s3:GetObject"), allow("kms:Decrypt", key)),
        "half": server.user("half", allow("s3:GetObject")),
        "nobody": server.user("nobody"),
        "only-kms": server.user("only-kms", allow("kms:Decrypt")),
    }
    answer = told(server, "access", "--object", "s3://data/k")
    assert answer["Target"]["KeyArn"] == key
    assert row(answer, ":root") == EVERYTHING
    for name, who in users.items():
        rights = row(answer, f"user/{name}")
        call = server.client("s3", who=who).get_object
        if "ReadAndDecrypt" in rights:
            assert call(Bucket="data", Key="k")["Body"].read() == b"x"
        else:
            refusal(call, Bucket="data", Key="k")
    assert row(answer, "user/reader") == {"ReadAndDecrypt"}
    assert row(answer, "user/half") == {"OnlyRead"}
    assert row(answer, "user/nobody") == row(answer, "user/only-kms") == set()
    assert row(answer, "anonymous (no signature)") == row(answer, "any other AWS account") == set()
    page = shoseki(server, "access", "--object", "s3://data/k").stdout
    assert "user/half" in page and "user/nobody" not in page
    assert "2 users and roles can do nothing with it; --all shows them." in page
    assert "user/nobody" in shoseki(server, "access", "--object", "s3://data/k", "--all").stdout


def test_a_proposed_bucket_policy_shows_who_gains_before_it_is_put(server):
    make_account(server)
    make_bucket(server, "data")
    server.client("s3").put_object(Bucket="data", Key="k", Body=b"x")
    alice = server.user("alice", allow("s3:GetObject"))
    change = server.folder / "policy.json"
    proposed = policy(
        {
            "Sid": "NotAlice",
            "Effect": "Deny",
            "Principal": {"AWS": alice.arn},
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::data/*",
        },
        allow("s3:GetObject", "arn:aws:s3:::data/*", Principal={"AWS": OTHER}),
    )
    change.write_text(proposed)
    answer = told(server, "access", "--object", "s3://data/k", "--with-change", str(change))
    assert row(answer, "user/alice") == {"ReadAndDecrypt"} and row(answer, "user/alice", after=True) == set()
    assert row(answer, f"{OTHER}:root", after=True) == {"ReadAndDecrypt"}
    page = shoseki(server, "access", "--object", "s3://data/k", "--with-change", str(change)).stdout
    assert f"1 loses read+decrypt:\n    user/alice of {ACCOUNT}" in page
    assert f"1 gains read+decrypt:\n    root of {OTHER}" in page
    assert 'no, denied by statement 1 "NotAlice" of the proposed bucket policy' in " ".join(page.split())
    # And so it comes.
    server.client("s3").put_bucket_policy(Bucket="data", Policy=proposed)
    after = told(server, "access", "--object", "s3://data/k")
    for name in ("user/alice", f"{OTHER}:root"):
        assert row(after, name) == row(answer, name, after=True)


@pytest.mark.serve("--rehearsal")
def test_who_loses_the_logs_if_the_trail_gets_this_key(server):
    """Seed 001's warning: readers need the right to decrypt before the trail gets the key."""
    trail = make_trail(server, with_key=False, IsMultiRegionTrail=False, EnableLogFileValidation=False)
    readers = {name: server.user(name, allow("s3:GetObject")) for name in ("carol", "dave")}
    key = server.client("kms").create_key(
        Policy=policy(
            *json.loads(key_policy())["Statement"],
            allow("kms:Decrypt", Principal={"AWS": readers["carol"].arn}),
        )
    )["KeyMetadata"]["Arn"]
    change = server.folder / "change.json"
    change.write_text(json.dumps({"KmsKeyId": key}))
    answer = told(server, "access", "--trail", trail.name, "--with-change", str(change))
    assert answer["ChangedTarget"]["KeyArn"] == key and "KeyArn" not in answer["Target"]
    assert row(answer, "user/carol", after=True) == {"ReadAndDecrypt"}
    assert row(answer, "user/dave") == {"ReadAndDecrypt"} and row(answer, "user/dave", after=True) == {"OnlyRead"}
    assert row(answer, SERVICE["Service"]) == row(answer, SERVICE["Service"], after=True) == {"Deliver"}
    page = shoseki(server, "access", "--trail", trail.name, "--with-change", str(change)).stdout
    assert f"1 loses read+decrypt:\n    user/dave of {ACCOUNT}" in page
    trail.cloudtrail.update_trail(Name=trail.name, KmsKeyId=key)
    server.advance("10m")
    log = trail.keys()[-1]
    assert server.client("s3", who=readers["carol"]).get_object(Bucket=trail.bucket, Key=log)["Body"].read()
    refusal(server.client("s3", who=readers["dave"]).get_object, Bucket=trail.bucket, Key=log)
    of_object = told(server, "access", "--object", f"s3://{trail.bucket}/{log}")
    assert row(of_object, "user/dave") == {"OnlyRead"} and "Deliver" in row(of_object, SERVICE["Service"])


def test_a_key_that_shuts_the_service_out_is_seen_before(server):
    trail = make_trail(server)
    change = server.folder / "change.json"
    change.write_text(policy(allow("kms:*", Principal=ROOT)))
    for target in (("--key", trail.key_arn), ("--trail", trail.arn)):
        answer = told(server, "access", *target, "--with-change", str(change))
        assert "Deliver" in row(answer, SERVICE["Service"])
        assert row(answer, SERVICE["Service"], after=True) == set()
    root_only = json.loads(policy(allow("s3:*", f"arn:aws:s3:::{trail.bucket}/*", Principal=ROOT)))
    change.write_text(json.dumps({"BucketPolicy": root_only}))
    answer = told(server, "access", "--trail", trail.arn, "--with-change", str(change))
    assert row(answer, SERVICE["Service"], after=True) == set()


def test_what_cannot_be_asked_is_refused_with_words(server):
    make_bucket(server, "data")
    change = server.folder / "change.json"
    change.write_text('{"Statement": [{"Effect": "Maybe"}]}')
    for arguments, words in (
        (("--trail", "nothing"), "There is no trail nothing."),
        (("--key", "alias/nothing"), "There is no key alias/nothing in us-east-1."),
        (("--object", "s3://no-such-bucket/k"), "There is no bucket no-such-bucket."),
        (("--object", "data/k"), "Object must be s3://BUCKET/KEY"),
        (("--object", "s3://data/k", "--with-change", str(change)), "The proposed bucket policy is none"),
    ):
        done = shoseki(server, "access", *arguments, check=False)
        assert done.returncode == 1 and words in done.stderr, done.stderr
    assert "There is no such object" in shoseki(server, "access", "--object", "s3://data/k").stdout


# --- the organization ---


ORGANIZATION = f"""
[organization]
id = "o-exampleorgid"
management_account = "{ACCOUNT}"
[organization.units]
"prod" = ["{OTHER}"]
[[organization.policies]]
name = "no-keys"
type = "service_control"
targets = ["prod"]
document = '''{{"Version": "2012-10-17", "Statement": [
  {{"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:CreateKey", "Resource": "*"}}]}}'''
[[organization.policies]]
name = "only-ours"
type = "resource_control"
targets = ["root"]
file = "rcp.json"
"""
RCP = policy(
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }
)


def test_the_organization_of_the_file_binds_its_members(serve, tmp_path):
    (tmp_path / "rcp.json").write_text(RCP)
    config = tmp_path / "shoseki.toml"
    config.write_text(ORGANIZATION)
    server = serve("--config", str(config))
    other, stranger = make_account(server), make_account(server, "444455556666")
    with refused("AccessDeniedException"):
        server.client("kms", who=other).create_key()
    request_id = refusal(server.client("kms", who=other).create_key)
    page = shoseki(server, "explain", request_id).stdout
    assert 'statement 1 "NoKeys" of service control policy no-keys (p-' in page
    assert "Change it in the server's configuration file" in page
    server.client("kms").create_key()
    listed = told(server, "account", "list")["Accounts"]
    paths = {one["Id"]: one.get("OrganizationPath", "") for one in listed}
    assert paths[ACCOUNT] == "o-exampleorgid/r-exam/" and paths[OTHER].startswith("o-exampleorgid/r-exam/ou-exam-")
    assert paths["444455556666"] == ""
    s3 = server.client("s3", who=other)
    s3.create_bucket(Bucket="theirs")
    s3.put_object(Bucket="theirs", Key="k", Body=b"x")
    # Block Public Access leaves a policy for named accounts alone.
    everyone = allow("s3:GetObject", "arn:aws:s3:::theirs/*", Principal={"AWS": [ACCOUNT, "444455556666"]})
    s3.put_bucket_policy(Bucket="theirs", Policy=policy(everyone))
    assert server.client("s3").get_object(Bucket="theirs", Key="k")["Body"].read() == b"x"
    with refused("AccessDenied"):
        server.client("s3", who=stranger).get_object(Bucket="theirs", Key="k")
    answer = told(server, "access", "--object", "s3://theirs/k")
    assert row(answer, f"{ACCOUNT}:root") == {"ReadAndDecrypt"} and row(answer, "444455556666:root") == set()


def test_a_slip_in_the_organization_is_named_with_its_place(serve, tmp_path):
    (tmp_path / "rcp.json").write_text(RCP.replace("Deny", "Denied"))
    config = tmp_path / "shoseki.toml"
    config.write_text(ORGANIZATION)
    server = serve("--config", str(config), ready=False)
    done = server.run("serve", "--data-dir", str(server.data_dir), "--config", str(config), check=False)
    assert done.returncode == 1
    place = f'configuration file `{config}`, `organization.policies[1] ("only-ours"), file `{tmp_path}/rcp.json``'
    assert place in done.stderr and "at `Statement[0].Effect`" in done.stderr, done.stderr
