"""Every operation, called in every way: by nobody, with a wrong signature, without rights, with just the rights it demands,
by leave of the resource's policy, from another account. What comes out is a golden file.

The rights that an operation demands are found by calling it: the matrix starts with none and is given what each refusal
names. So `demands` is what the server asks for, and the matrix shows an operation that asks for nothing.
"""

import json
import os
import pathlib
import re

import pytest
from botocore.exceptions import ClientError

from authorization import RECIPES, World, guard, unguard
from harness import ANONYMOUS, Principal, allow, policy

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
DEMANDS_MAX = 8
# Answers to HEAD have no text: what these demand is told here, and proven by the call that has just that right.
SILENT = {
    "s3:HeadBucket": ("s3:ListBucket", "arn:aws:s3:::bucket-N"),
    "s3:HeadObject": ("s3:GetObject", "arn:aws:s3:::bucket-N/object-N"),
}
# Answers of calls that were let in: what was asked for cannot be done, but the caller may ask.
REFUSED = re.compile(r"^(AccessDenied|AuthorizationError|UnauthorizedOperation|403)")
NAMED = re.compile(r"not authorized to perform: (\S+) on resource: \"?([^\"\s]+)\"?")


def operations():
    lines = (GOLDEN / "operations.txt").read_text().splitlines()
    return [":".join(line.split()[:2]) for line in lines]


def call(server, name, who, parameters):
    """Makes the call and tells how it ended: `ok`, or the error's code; and the error's text."""
    service, operation = name.split(":")
    if service == "shoseki":
        answer = shoseki_call(server, operation, who, parameters)
        return ("ok", "") if answer.status == 200 else (answer.code, answer.json.get("message", ""))
    client = server.client(service, who=who)
    try:
        answer = getattr(client, method_of(client, operation))(**parameters)
        # The call itself needs nothing; each object does.
        refused = answer.get("Errors", []) if operation == "DeleteObjects" else []
        return (refused[0]["Code"], refused[0]["Message"]) if refused else ("ok", "")
    except ClientError as error:
        found = error.response["Error"]
        return found["Code"], found.get("Message", "")


def method_of(client, operation):
    return next(method for method, name in client.meta.method_to_api_mapping.items() if name == operation)


def shoseki_call(server, operation, who, parameters):
    headers = {"X-Amz-Target": f"Shoseki_20261101.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    body = json.dumps(parameters).encode()
    if who is ANONYMOUS:
        return server.send("POST", "/", headers, body)
    return server.call("shoseki", "POST", "/", headers, body, who=who)


class Matrix:
    def __init__(self, server):
        self.server = server
        self.world = World(server)
        self.subject = server.user("subject")
        made = shoseki_call(server, "CreateAccount", server.root, {}).json
        self.stranger_account = made["Account"]
        root = Principal(made["AccessKeyId"], made["SecretAccessKey"])
        iam = server.client("iam", who=root)
        arn = iam.create_user(UserName="stranger")["User"]["Arn"]
        iam.put_user_policy(UserName="stranger", PolicyName="all", PolicyDocument=policy(allow("*")))
        key = iam.create_access_key(UserName="stranger")["AccessKey"]
        self.stranger = Principal(key["AccessKeyId"], key["SecretAccessKey"], "stranger")
        self.stranger_arn = arn
        self.wrong = Principal(server.root.access_key, "wrong" * 8)

    def rights(self, statements):
        iam = self.server.client("iam")
        if statements:
            iam.put_user_policy(UserName="subject", PolicyName="rights", PolicyDocument=policy(*statements))
        else:
            try:
                iam.delete_user_policy(UserName="subject", PolicyName="rights")
            except iam.exceptions.NoSuchEntityException:
                pass

    def demands_of(self, name):
        """How a call without rights ends, what it demanded in turn, and how it ends with all of that."""
        self.rights([])
        first, demands = None, []
        for _ in range(DEMANDS_MAX):
            parameters = RECIPES[name](self.world)
            code, text = call(self.server, name, self.subject, parameters)
            first = first or code
            found = NAMED.search(text)
            demand = found.groups() if found else SILENT.get(name)
            if not REFUSED.match(code) or demand is None or demand in demands:
                return first, demands, code
            demands.append(demand)
            # The next call has other names; the right is given on the whole kind of thing.
            self.rights([allow(action, widened(resource)) for action, resource in demands])
        raise AssertionError(f"{name} demands without end: {demands}")

    def row(self, name):
        recipe = RECIPES[name]
        nobody, _ = call(self.server, name, ANONYMOUS, recipe(self.world))
        wrong, _ = call(self.server, name, self.wrong, recipe(self.world))
        denied, demands, identity = self.demands_of(name)
        self.rights([])
        parameters = recipe(self.world)
        by_resource = across = "-"
        if guard(self.world, name, parameters, self.server_arn("subject")):
            by_resource, _ = call(self.server, name, self.subject, parameters)
            unguard(self.world, name, parameters)
        parameters = recipe(self.world)
        outside, _ = call(self.server, name, self.stranger, parameters)
        parameters = recipe(self.world)
        if guard(self.world, name, parameters, self.stranger_arn):
            across, _ = call(self.server, name, self.stranger, parameters)
            unguard(self.world, name, parameters)
        shown = " ".join(f"{action}@{general(resource)}" for action, resource in demands)
        return [name, nobody, wrong, denied, identity, by_resource, outside, across, shown or "nothing"]

    def server_arn(self, user):
        return f"arn:aws:iam::000000000000:user/{user}"


def widened(resource):
    """The resource with a wildcard for what the next call names otherwise."""
    return re.sub(r"(arn:aws:[a-z0-9]+:[^:]*:[^:]*:)([a-z-]*[/:]?).*", r"\1\2*", resource) if resource != "*" else "*"


def general(resource):
    """The resource without what differs from run to run."""
    resource = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", resource)
    resource = re.sub(r"mrk-[0-9a-f]{32}", "<id>", resource)
    return re.sub(r"\b(?!east|west)([a-z]+)-\d+\b", r"\1-N", resource)


HEAD = [
    "operation", "nobody", "wrong signature", "denied", "by identity", "by resource", "other account", "by both", "demands"
]


@pytest.mark.serve("--rehearsal")
def test_every_operation_in_every_way(server):
    names = operations()
    assert sorted(set(names) - set(RECIPES)) == [], "operations without a recipe in authorization.py"
    assert sorted(set(RECIPES) - set(names)) == [], "recipes of operations that are not there"
    matrix = Matrix(server)
    rows = [matrix.row(name) for name in sorted(names)]
    check_laws(rows)
    text = "\n".join(" | ".join(row) for row in [HEAD, *rows]) + "\n"
    golden = GOLDEN / "authorization.txt"
    if os.environ.get("SHOSEKI_BLESS"):
        golden.write_text(text)
    assert text.splitlines() == golden.read_text().splitlines(), "run `cargo xtask bless` and read the difference"


def check_laws(rows):
    """What must be so whatever the golden file says."""
    exempt = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
    for name, nobody, wrong, denied, identity, by_resource, _, across, demands in rows:
        assert nobody != "ok", f"{name} is open to everybody"
        assert wrong != "ok", f"{name} takes any signature"
        if name not in exempt:
            assert REFUSED.match(denied), f"{name} does not refuse who has no rights: {denied}"
            assert not REFUSED.match(identity), f"{name} refuses who has all the rights it names: {identity}"
            assert demands != "nothing", f"{name} demands nothing"
        assert by_resource == "-" or not REFUSED.match(by_resource) or name in BEYOND_RESOURCE, name
        assert across == "-" or not REFUSED.match(across) or name in NEVER_ACROSS, name


# What a resource's policy cannot give by itself: the alias has none, the grant says who retires it, a replica is made by a
# right on no key, and a primary moves with a right on each of two keys.
BEYOND_RESOURCE = {
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:UpdateAlias",
    "kms:UpdatePrimaryRegion",
}
# SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html>
NEVER_ACROSS = {
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DeleteImportedKeyMaterial",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyLastUsage",
    "kms:GetKeyPolicy",
    "kms:GetParametersForImport",
    "kms:ImportKeyMaterial",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
    "kms:UpdatePrimaryRegion",
}
