"""The authorisation cases of dev/cases that the wire can set, before the real binary (format: dev/cases/README.md).

Each case has accounts, buckets and keys of its own, whose numbers and names take the place of those in the case. What is
expected comes from the case files alone. Those under an organization are set up before there is one, for its policies bind the
roots that set up; then their server starts again with it.
"""

import json
import pathlib
import re
import tomllib
from collections import namedtuple

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import Server

FOLDER = pathlib.Path(__file__).parent.parent / "cases" / "cases"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ACCOUNTS = ["111111111111", "222222222222", "333333333333"]
# Beside the inline policies of the case: what opens a role's session.
OPENER = "session-opener"
TYPES = {
    "boundary": "a permissions boundary",
    "identity": "an identity-based policy",
    "rcp": "a resource control policy",
    "resource": "a resource-based policy",
    "scp": "a service control policy",
    "session": "a session policy",
    "trust": "the role trust policy",
}
MANAGEMENT, ORGANIZATION = "999999999999", "o-exampleorgid"
FULL_ACCESS = {"full", "rcp_full"}
# Condition keys that the server sets by itself, or that a call's parameters set together with another key.
SET_ANYWAY = re.compile(
    "aws:MultiFactorAuthPresent|aws:PrincipalOrgID|aws:RequestedRegion|aws:SecureTransport|aws:SourceIp|aws:TagKeys|"
    "aws:TokenIssueTime|aws:UserAgent|aws:ViaAWSService|kms:CallerAccount|kms:EncryptionContextKeys|"
    "kms:GrantIsForAWSResource|kms:KeySpec|kms:KeyUsage|kms:ResourceAliases|s3:authType|s3:signatureAge",
    re.I,
)

Keys = namedtuple("Keys", "access secret token", defaults=[None])
NOBODY = Keys("", "")


def read_cases():
    cases = []
    for path in sorted(FOLDER.glob("*.toml")):
        file = tomllib.loads(path.read_text())
        cases += [resolve(path.stem, file, case) for case in file["case"] if case.get("server")]
    return cases


def resolve(stem, file, case):
    """A case with its file's defaults, and its policies as pairs of a document and the ARN of a managed policy."""
    defaults, policies, arns = (file.get(name, {}) for name in ("defaults", "policies", "arns"))
    context = {**defaults.get("context", {}), **case.get("context", {})}
    whole = {**defaults, **case, "context": context, "file": stem, "policies": policies, "arns": arns}

    def pair(name):
        return policies.get(name, name).replace('"CONDITION"', case.get("condition", "")), arns.get(name)

    for field in ("identity", "session"):
        whole[field] = [pair(name) for name in whole.get(field, [])]
    for field in ("boundary", "resource"):
        whole[field] = pair(whole[field]) if field in whole else None
    return whole


def is_organized(case):
    return "scp" in case or "rcp" in case


CASES = read_cases()
PLAIN = [at for at, case in enumerate(CASES) if not is_organized(case)]
ORGANIZED = [at for at, case in enumerate(CASES) if is_organized(case)]


def ids(numbers):
    return [f"{CASES[number]['file']}-{CASES[number]['name']}" for number in numbers]


def member(number):
    """The account whose organization has the case's policies."""
    return f"8{number:011d}"


def policy_id(name, arns):
    return arns[name].rsplit("/")[-1] if name in arns else f"p-{name:x<8}"


def organization():
    """A configuration file: below the root a chain of units for each case, one for each level of its policies."""
    units, detached, attached = [], [], {}
    for number in ORGANIZED:
        case, path = CASES[number], ""
        levels = {kind: case.get(kind, []) for kind in ("scp", "rcp")}
        depth = max(map(len, levels.values()))
        for level in range(depth):
            path = f"{path}/l{level}" if path else f"c{number}"
            units.append(f'"{path}" = ["{member(number)}"]' if level == depth - 1 else f'"{path}" = []')
            for kind, policies in levels.items():
                names = policies[level] if level < len(policies) else ["full"]
                if kind == "scp" and not FULL_ACCESS & set(names):
                    detached.append(path)
                for name in set(names) - FULL_ACCESS:
                    policy = (kind, name, case["policies"][name], policy_id(name, case["arns"]))
                    attached.setdefault(policy, []).append(path)
    lines = ["[organization]", f'id = "{ORGANIZATION}"', f'management_account = "{MANAGEMENT}"']
    lines += [f"detach_full_access = {json.dumps(detached)}", "[organization.units]", *units]
    for (kind, name, text, id), targets in attached.items():
        word = {"scp": "service_control", "rcp": "resource_control"}[kind]
        lines += ["[[organization.policies]]", f'id = "{id}"', f'name = "{name}"', f'type = "{word}"']
        lines += [f"targets = {json.dumps(targets)}", f"document = '''{text}'''"]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    yield from running(Server(tmp_path_factory.mktemp("cases") / "server"))


@pytest.fixture(scope="module")
def organized(tmp_path_factory):
    """Each case under an organization with its caller's keys, on a server that has the organization now."""
    folder = tmp_path_factory.mktemp("organized")
    (folder / "organization.toml").write_text(organization())
    for server in running(Server(folder / "server")):
        stages = {number: Stage(server, CASES[number], number) for number in ORGANIZED}
        callers = {number: (stage, stage.set_up()) for number, stage in stages.items()}
        server.options += ["--config", str(folder / "organization.toml")]
        server.restart()
        yield callers


def running(server):
    yield server.start()
    end = server.stop()
    assert not server.complaints() and end == 0, "\n".join(server.complaints())


def client(server, service, keys, region=None):
    settings = {"retries": {"total_max_attempts": 1}, "signature_version": "s3v4" if service == "s3" else None}
    if keys == NOBODY:
        settings["signature_version"] = UNSIGNED
    return boto3.client(
        service,
        region_name=region or server.region,
        endpoint_url=server.endpoint,
        aws_access_key_id=keys.access or "none",
        aws_secret_access_key=keys.secret or "none",
        aws_session_token=keys.token,
        config=Config(**{name: value for name, value in settings.items() if value}),
    )


class Stage:
    """A case with everything set up for it."""

    def __init__(self, server, case, number):
        self.server, self.case = server, case
        self.names = {"amzn-": f"amzn{number}-"}
        self.roots, self.clients = {}, {}
        for account in ACCOUNTS:
            if any(account in part for part in self.texts()):
                self.make_account(account, member(number) if is_organized(case) and account == ACCOUNTS[0] else None)
        self.on, self.who = self.real(case["on"]), self.real(case["who"])
        self.owner = self.real(case.get("owner") or (case["on"].split(":") + [""] * 5)[4] or ACCOUNTS[0])
        _, is_s3, path = self.on.partition("arn:aws:s3:::")
        self.bucket = path.split("/")[0] if is_s3 else None
        self.ciphertext = None

    def texts(self):
        """All in which the case may name an account."""
        case = self.case
        named = [case["boundary"] or "", case["resource"] or "", *case["identity"], *case["session"]]
        return [json.dumps(part) for part in (named, case.get("grants", []), case["context"])] + [
            case[field] for field in ("on", "who", "owner") if field in case
        ]

    def make_account(self, account, number):
        wanted = ["--account", number] if number else []
        folder = str(self.server.data_dir)
        printed = self.server.run("account", "create", "--json", "--data-dir", folder, *wanted).stdout
        made = json.loads(printed)
        self.names[account] = made["Account"]
        self.roots[made["Account"]] = Keys(made["AccessKeyId"], made["SecretAccessKey"])

    def real(self, text):
        """The text with this stage's accounts, buckets and key for those of the case."""
        for name, real in self.names.items():
            text = text.replace(name, real)
        return text

    def as_root(self, service, account=None):
        return self.client(service, self.roots[account or self.owner])

    def client(self, service, keys):
        if (service, keys) not in self.clients:
            self.clients[service, keys] = client(self.server, service, keys)
        return self.clients[service, keys]

    # --- setting up ---

    def set_up(self):
        """Principals first, for resource policies may name them; the resource's policy last, for it may deny the root."""
        if self.bucket:
            self.make_bucket()
        if ":key/" in self.case["on"]:
            self.make_key()
        self.make_others()
        keys = self.make_caller()
        self.make_grants()
        self.put_resource_policy()
        return keys

    def make_bucket(self):
        s3 = self.as_root("s3")
        s3.create_bucket(Bucket=self.bucket)
        name = self.on.removeprefix("arn:aws:s3:::").partition("/")[2]
        if name and self.case["action"] != "s3:PutObject":
            s3.put_object(Bucket=self.bucket, Key=name, Body=b"x")

    def make_key(self):
        tags = [{"TagKey": key, "TagValue": value} for key, value in self.keys_under("aws:ResourceTag/").items()]
        kms = self.as_root("kms")
        self.names[KEY_ID] = kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
        self.on = self.real(self.case["on"])
        sealed = kms.encrypt(KeyId=self.on, Plaintext=b"x", EncryptionContext=self.encryption_context())
        self.ciphertext = sealed["CiphertextBlob"]
        for alias in self.case["context"].get("kms:ResourceAliases", []):
            kms.create_alias(AliasName=alias, TargetKeyId=self.on)

    def make_others(self):
        """Users and roles that the resource's policy, the grants or the request name."""
        case = self.case
        texts = [grant["to"] for grant in case.get("grants", [])] + [case["on"], *(case["resource"] or [""])[:1]]
        text = self.real("\n".join(texts))
        users = set(re.findall(r"arn:aws:iam::(\d{12}):user/([\w+=.@/-]+)(?=[\"\n]|$)", text))
        roles = set(re.findall(r"arn:aws:iam::(\d{12}):role/([\w+=.@-]+)(?=[\"\n]|$)", text))
        roles |= set(re.findall(r"arn:aws:sts::(\d{12}):assumed-role/([\w+=.@-]+)/", text))
        tags = [{"Key": key, "Value": value} for key, value in self.keys_under("iam:ResourceTag/").items()]
        for account, whole in users:
            path, _, name = f"/{whole}".rpartition("/")
            if self.who != f"arn:aws:iam::{account}:user/{whole}" and case["action"] != "iam:CreateUser":
                self.as_root("iam", account).create_user(UserName=name, Path=f"{path}/", Tags=tags)
        if boundary := case["context"].get("iam:PermissionsBoundary"):
            allows = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": allows})
            self.make_managed(self.as_root("iam"), boundary.rsplit("/")[-1], document)
        for account, name in roles:
            own = self.who.startswith(f"arn:aws:sts::{account}:assumed-role/{name}/")
            if not own and not (case["action"] == "sts:AssumeRole" and self.on.endswith(f"{account}:role/{name}")):
                self.make_role(account, name)

    def make_role(self, account, name, path="/", **more):
        trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        self.as_root("iam", account).create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document, **more)

    def make_caller(self):
        who, account = self.who, (self.who.split(":") + [""] * 5)[4]
        if who == "anonymous":
            return NOBODY
        if who.endswith(":root"):
            return self.roots[account]
        iam = self.as_root("iam", account)
        tags = [{"Key": key, "Value": value} for key, value in self.case.get("tags", {}).items()]
        more = {"Tags": tags} if tags else {}
        if ":user/" in who:
            path, _, name = who.partition(":user")[2].rpartition("/")
            iam.create_user(UserName=name, Path=path + "/", **more)
            self.give(iam, account, "user", name)
            made = iam.create_access_key(UserName=name)["AccessKey"]
            return Keys(made["AccessKeyId"], made["SecretAccessKey"])
        _, role, session = who.split(":", 5)[5].split("/")
        path = self.case.get("role_path", "/")
        self.make_role(account, role, path, **more)
        self.give(iam, account, "role", role)
        return self.open_session(account, f"arn:aws:iam::{account}:role{path}{role}", session)

    def give(self, iam, account, kind, name):
        """The case's identity policies and boundary to a user or a role."""
        holder = {f"{kind.title()}Name": name}
        for at, (text, arn) in enumerate(self.case["identity"]):
            if arn:
                made = self.make_managed(iam, self.real(arn).rsplit("/")[-1], text)
                getattr(iam, f"attach_{kind}_policy")(**holder, PolicyArn=made)
            else:
                put = getattr(iam, f"put_{kind}_policy")
                put(**holder, PolicyName=f"p{at}", PolicyDocument=self.real(text))
        if self.case["boundary"]:
            made = self.make_managed(iam, "boundary", self.case["boundary"][0])
            getattr(iam, f"put_{kind}_permissions_boundary")(**holder, PermissionsBoundary=made)

    def make_managed(self, iam, name, text):
        return iam.create_policy(PolicyName=name, PolicyDocument=self.real(text))["Policy"]["Arn"]

    def open_session(self, account, role, name):
        iam = self.as_root("iam", account)
        iam.create_user(UserName=OPENER)
        opens = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": opens})
        iam.put_user_policy(UserName=OPENER, PolicyName="opens", PolicyDocument=document)
        made = iam.create_access_key(UserName=OPENER)["AccessKey"]
        sts = client(self.server, "sts", Keys(made["AccessKeyId"], made["SecretAccessKey"]))
        more = {"Policy": self.real(self.case["session"][0][0])} if self.case["session"] else {}
        given = sts.assume_role(RoleArn=role, RoleSessionName=name, **more)["Credentials"]
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def make_grants(self):
        for grant in self.case.get("grants", []):
            operations = [action.removeprefix("kms:") for action in grant["actions"]]
            more = {"Constraints": grant["constraints"]} if "constraints" in grant else {}
            to = self.real(grant["to"])
            self.as_root("kms").create_grant(KeyId=self.on, GranteePrincipal=to, Operations=operations, **more)

    def put_resource_policy(self):
        if not self.case["resource"]:
            return
        text = self.real(self.case["resource"][0])
        if self.bucket:
            self.as_root("s3").put_bucket_policy(Bucket=self.bucket, Policy=text)
        elif ":key/" in self.on:
            self.as_root("kms").put_key_policy(KeyId=self.on, Policy=text, BypassPolicyLockoutSafetyCheck=True)
        else:
            name = self.on.rsplit("/")[-1]
            self.as_root("iam").create_role(RoleName=name, AssumeRolePolicyDocument=text)

    # --- the call ---

    def keys_under(self, start):
        """The condition keys that begin so, by the rest of their names."""
        values = self.case["context"].items()
        return {key.removeprefix(start): self.real(value) for key, value in values if key.startswith(start)}

    def encryption_context(self):
        return self.keys_under("kms:EncryptionContext:")

    def call(self, keys):
        service, action = self.case["action"].split(":")
        caller = client(self.server, service, keys, self.case["context"].get("aws:RequestedRegion"))
        known = {"bucket": self.bucket, "key": self.on, "name": self.on.rsplit("/")[-1]}
        parameters, used = self.parameters(f"{service}:{action}", known)
        for key, value in self.case["context"].items():
            assert value == [] or key in used or SET_ANYWAY.fullmatch(key), f"nothing sets {key}"
        if "aws:Referer" in used:
            caller.meta.events.register("before-sign.s3", self.add_referer)
        operation = {"ListBucket": "list_objects_v2"}.get(action) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower()
        return getattr(caller, operation)(**parameters)

    def add_referer(self, request, **_):
        request.headers.add_header("Referer", self.case["context"]["aws:Referer"])

    def parameters(self, action, known):
        """What the operation is called with, and the condition keys that this sets."""
        context, used = self.case["context"], set()

        def given(**names):
            found = {name: context[key] for name, key in names.items() if key in context and context[key] != []}
            used.update(names[name] for name in found)
            return found

        def under(start):
            used.update(key for key in context if key.startswith(start))
            return self.keys_under(start)

        if action.startswith("s3:"):
            parameters = {"Bucket": known["bucket"]}
            if "Object" in action:
                parameters["Key"] = self.on.partition("/")[2]
            if action == "s3:ListBucket":
                parameters |= given(Prefix="s3:prefix", Delimiter="s3:delimiter", MaxKeys="s3:max-keys")
                parameters |= {name: int(value) for name, value in parameters.items() if name == "MaxKeys"}
            if action == "s3:PutObject":
                parameters |= {"Body": b"x"}
                parameters |= given(ACL="s3:x-amz-acl", ServerSideEncryption="s3:x-amz-server-side-encryption")
            given(Referer="aws:Referer")
            return parameters, used
        if action.startswith("iam:"):
            under("iam:ResourceTag/")
            tags = [{"Key": key, "Value": value} for key, value in under("aws:RequestTag/").items()]
            boundary = given(PermissionsBoundary="iam:PermissionsBoundary")
            boundary = {name: self.real(arn) for name, arn in boundary.items()}
            return {"UserName": known["name"], **boundary, **({"Tags": tags} if tags else {})}, used
        if action == "sts:AssumeRole":
            tags = [{"Key": key, "Value": value} for key, value in under("aws:RequestTag/").items()]
            parameters = {"RoleArn": self.on, "RoleSessionName": "run", **({"Tags": tags} if tags else {})}
            parameters |= given(RoleSessionName="sts:RoleSessionName", ExternalId="sts:ExternalId")
            parameters |= given(SourceIdentity="sts:SourceIdentity", TransitiveTagKeys="sts:TransitiveTagKeys")
            return parameters, used
        if action == "kms:CreateKey":
            tags = [{"TagKey": key, "TagValue": value} for key, value in under("aws:RequestTag/").items()]
            return {"Tags": tags}, used
        if action.startswith(("cloudtrail:", "ec2:")) or action == "kms:ListKeys":
            return {}, used
        under("aws:ResourceTag/")
        parameters = {"KeyId": known["key"], **given(KeyId="kms:RequestAlias")}
        pairs = under("kms:EncryptionContext:")
        if action == "kms:Decrypt":
            parameters |= {"CiphertextBlob": self.ciphertext, "EncryptionContext": pairs}
        if action == "kms:Encrypt":
            parameters |= {"Plaintext": b"x", "EncryptionContext": pairs}
        if action.startswith("kms:GenerateDataKey"):
            parameters |= {"KeySpec": "AES_256", "EncryptionContext": pairs}
        if action == "kms:CreateGrant":
            parameters |= {"GranteePrincipal": self.who, "Operations": ["Decrypt"]}
            parameters |= given(Operations="kms:GrantOperations")
        return parameters, used

    # --- what is expected ---

    def message_end(self):
        """How the documentation ends the message of the case's denial; only "Access Denied" to strangers of S3 and STS."""
        action, deny = self.case["action"], self.case["deny"]
        stranger = f":{self.owner}:" not in self.who
        if stranger and action.startswith("s3:"):
            return "Access Denied"
        if stranger and action.startswith("sts:"):
            return f"is not authorized to perform: {action} on resource: {self.on}"
        by_resource = deny.removeprefix("no ").split(":")[0].split(" ")[0] in ("resource", "rcp")
        if stranger and action.startswith("kms:") and by_resource:
            return "no resource-based policies allow access, or a resource-based policy explicitly denies access"
        if deny.startswith("no "):
            _, bare = TYPES[deny.removeprefix("no ")].split(" ", 1)
            return f"because no {bare} allows the {action} action"
        kind, _, nth = deny.split(": ")[0].partition(" ")
        arn = None
        if kind == "identity":
            arn = self.case["identity"][int(nth or 0)][1]
        elif kind == "boundary":
            arn = f"arn:aws:iam::{self.who.split(':')[4]}:policy/boundary"
        elif kind in ("scp", "rcp"):
            name = [name for level in self.case[kind] for name in level][int(nth or 0)]
            word = {"scp": "service_control_policy", "rcp": "resource_control_policy"}[kind]
            id = policy_id(name, self.case["arns"])
            arn = f"arn:aws:organizations::{MANAGEMENT}:policy/{ORGANIZATION}/{word}/{id}"
        return f"with an explicit deny in {TYPES[kind]}" + (f": {self.real(arn)}" if arn else "")


@pytest.mark.parametrize("number", PLAIN, ids=ids(PLAIN))
def test_case(server, number):
    stage = Stage(server, CASES[number], number)
    judge(stage, stage.set_up())


@pytest.mark.parametrize("number", ORGANIZED, ids=ids(ORGANIZED))
def test_case_under_an_organization(organized, number):
    judge(*organized[number])


def judge(stage, keys):
    case, refusal = stage.case, None
    try:
        stage.call(keys)
    except ClientError as error:
        refusal = error.response["Error"]
    if "allow" in case:
        assert refusal is None, f"{case['source']}: expected allow = {case['allow']}, got {refusal}"
        return
    assert refusal is not None, f"{case['source']}: expected deny = {case['deny']}, was allowed"
    assert refusal["Code"] in ("AccessDenied", "AccessDeniedException"), refusal
    text = refusal["Message"].split(" Encoded authorization failure message:")[0]
    assert text.endswith(stage.message_end()), f"{case['source']}: {text}"


def test_enough_cases_come_before_the_server():
    assert len(CASES) >= 100
