"""Users, groups, their policies and boundaries, the account's summaries, and the policy simulator."""

import json
import re
import urllib.parse

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, allow, deny_text, poll, policy, refused

AWS_READ = "arn:aws:iam::aws:policy/ReadOnlyAccess"
AWS_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def deny(action, resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


def arn(kind, name):
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def make_policies(iam, count, start="p"):
    """Customer managed policies, by ARN."""
    document = policy(allow("kms:ListKeys"))
    made = [iam.create_policy(PolicyName=f"{start}{n:02}", PolicyDocument=document) for n in range(count)]
    return [one["Policy"]["Arn"] for one in made]


def pages(call, member, size=2, **arguments):
    """All items of a listing, read in pages of `size`, each of which but the last is full."""
    items, marker = [], {}
    while True:
        page = call(MaxItems=size, **arguments, **marker)
        items += page[member]
        if not page["IsTruncated"]:
            assert "Marker" not in page
            return items
        assert len(page[member]) == size
        marker = {"Marker": page["Marker"]}


def allowed(call, **arguments):
    """Whether the policies let this call through, whatever comes of it."""
    try:
        call(**arguments)
    except ClientError as error:
        return "AccessDenied" not in error.response["Error"]["Code"]
    return True


# --- users ---


def test_a_renamed_user_keeps_keys_policies_tags_and_groups(server):
    iam = server.client("iam")
    user = server.user("alice", allow("kms:ListKeys"), allow("iam:GetUser", arn("user", "staff/Alicia")))
    before = iam.get_user(UserName="alice")["User"]
    iam.tag_user(UserName="alice", Tags=[{"Key": "team", "Value": "blue"}])
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.update_user(UserName="alice", NewUserName="Alicia", NewPath="/staff/")
    after = iam.get_user(UserName="alicia")["User"]
    assert (after["UserName"], after["Path"], after["Arn"]) == ("Alicia", "/staff/", arn("user", "staff/Alicia"))
    assert (after["UserId"], after["CreateDate"]) == (before["UserId"], before["CreateDate"])
    assert after["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert server.client("kms", who=user).list_keys()["Keys"] == []
    assert server.client("sts", who=user).get_caller_identity()["Arn"] == after["Arn"]
    assert server.client("iam", who=user).get_user()["User"]["UserName"] == "Alicia"
    [key] = iam.list_access_keys(UserName="Alicia")["AccessKeyMetadata"]
    assert (key["UserName"], key["AccessKeyId"]) == ("Alicia", user.access_key)
    assert [one["UserName"] for one in iam.get_group(GroupName="readers")["Users"]] == ["Alicia"]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="Alicia")["Groups"]] == ["readers"]
    with refused("NoSuchEntity", "The user with name alice cannot be found.", 404):
        iam.get_user(UserName="alice")
    iam.create_user(UserName="alice")
    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == []


def test_a_name_is_taken_in_any_case_but_may_change_its_own(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    iam.create_user(UserName="bob")
    with refused("EntityAlreadyExists", "User with name Bob already exists.", 409):
        iam.update_user(UserName="alice", NewUserName="Bob")
    with refused("EntityAlreadyExists", "User with name ALICE already exists.", 409):
        iam.create_user(UserName="ALICE")
    iam.update_user(UserName="ALICE", NewUserName="Alice")
    assert [one["UserName"] for one in iam.list_users()["Users"]] == ["Alice", "bob"]
    with refused("ValidationError", re.compile("The specified value for newUserName is invalid")):
        iam.update_user(UserName="Alice", NewUserName="a b")
    with refused("ValidationError", re.compile("The specified value for newPath is invalid")):
        iam.update_user(UserName="Alice", NewPath="/a")


def test_renaming_needs_the_right_on_both_names(server):
    iam = server.client("iam")
    iam.create_user(UserName="bob")
    clerk = server.user("clerk", allow("iam:UpdateUser", arn("user", "bob")))
    with refused("AccessDenied", deny_text(clerk, "iam:UpdateUser", arn("user", "robert")), 403):
        server.client("iam", who=clerk).update_user(UserName="bob", NewUserName="robert")
    names = [arn("user", "bob"), arn("user", "robert")]
    iam.put_user_policy(
        UserName="clerk", PolicyName="rights", PolicyDocument=policy(allow("iam:UpdateUser", names))
    )
    server.client("iam", who=clerk).update_user(UserName="bob", NewUserName="robert")
    assert iam.get_user(UserName="robert")["User"]["UserName"] == "robert"


def test_tags_are_put_listed_and_taken_off(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice", Tags=[{"Key": "Team", "Value": "red"}])
    iam.tag_user(UserName="alice", Tags=[{"Key": "team", "Value": "blue"}, {"Key": "age", "Value": ""}])
    expected = [{"Key": "age", "Value": ""}, {"Key": "team", "Value": "blue"}]
    assert iam.list_user_tags(UserName="alice")["Tags"] == expected
    assert iam.get_user(UserName="alice")["User"]["Tags"] == expected
    iam.untag_user(UserName="alice", TagKeys=["TEAM", "none"])
    assert iam.list_user_tags(UserName="alice")["Tags"] == expected[:1]
    many = [{"Key": f"k{n:02}", "Value": "v"} for n in range(49)]
    iam.tag_user(UserName="alice", Tags=many)
    assert pages(iam.list_user_tags, "Tags", 20, UserName="alice") == [expected[0], *many]
    with refused("LimitExceeded", "Cannot exceed quota for TagsPerUser: 50", 409):
        iam.tag_user(UserName="alice", Tags=[{"Key": "one-more", "Value": "v"}])
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    words = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    with refused("InvalidInput", words, 400):
        iam.tag_user(UserName="alice", Tags=twice)
    with refused("NoSuchEntity", "The user with name nobody cannot be found.", 404):
        iam.list_user_tags(UserName="nobody")


def test_tagging_is_bound_by_the_tags_of_the_request_and_of_the_user(server):
    iam = server.client("iam")
    iam.create_user(UserName="red", Tags=[{"Key": "team", "Value": "red"}])
    iam.create_user(UserName="blue", Tags=[{"Key": "team", "Value": "blue"}])
    condition = {
        "StringEquals": {"iam:ResourceTag/team": "red", "aws:ResourceTag/team": "red", "aws:RequestTag/level": "1"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["level"]},
    }
    clerk = server.user(
        "clerk",
        allow("iam:TagUser", Condition=condition),
        allow("iam:UntagUser", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["level"]}}),
    )
    as_clerk = server.client("iam", who=clerk)
    as_clerk.tag_user(UserName="red", Tags=[{"Key": "level", "Value": "1"}])
    for name, tags in [("blue", {"level": "1"}), ("red", {"level": "2"}), ("red", {"level": "1", "team": "x"})]:
        with refused("AccessDenied", status=403):
            as_clerk.tag_user(UserName=name, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    as_clerk.untag_user(UserName="red", TagKeys=["level"])
    with refused("AccessDenied", status=403):
        as_clerk.untag_user(UserName="red", TagKeys=["team"])


def test_managed_policies_are_attached_listed_and_taken_off(server):
    iam = server.client("iam")
    user = server.user("alice")
    kms = server.client("kms", who=user)
    arns = make_policies(iam, 11)
    with refused("AccessDeniedException"):
        kms.list_keys()
    iam.attach_user_policy(UserName="ALICE", PolicyArn=arns[0])
    iam.attach_user_policy(UserName="alice", PolicyArn=arns[0])
    assert kms.list_keys()["Keys"] == []
    for one in arns[1:10]:
        iam.attach_user_policy(UserName="alice", PolicyArn=one)
    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10", 409):
        iam.attach_user_policy(UserName="alice", PolicyArn=arns[10])
    found = pages(iam.list_attached_user_policies, "AttachedPolicies", 3, UserName="alice")
    assert found == [{"PolicyName": f"p{n:02}", "PolicyArn": arns[n]} for n in range(10)]
    assert iam.list_attached_user_policies(UserName="alice", PathPrefix="/x/")["AttachedPolicies"] == []
    for one in arns[:10]:
        iam.detach_user_policy(UserName="alice", PolicyArn=one)
    with refused("AccessDeniedException"):
        kms.list_keys()
    with refused("NoSuchEntity", f"Policy {arns[0]} was not found.", 404):
        iam.detach_user_policy(UserName="alice", PolicyArn=arns[0])
    missing = arn("policy", "none")
    with refused("NoSuchEntity", f"Policy {missing} does not exist or is not attachable.", 404):
        iam.attach_user_policy(UserName="alice", PolicyArn=missing)


def test_attaching_is_bound_by_the_policy_and_the_boundary(server):
    iam = server.client("iam")
    for name in ("free", "bound"):
        iam.create_user(UserName=name)
    iam.put_user_permissions_boundary(UserName="bound", PermissionsBoundary=AWS_READ)
    actions = ["iam:AttachUserPolicy", "iam:DetachUserPolicy"]
    condition = {"ArnEquals": {"iam:PolicyARN": AWS_READ}, "StringEquals": {"iam:PermissionsBoundary": AWS_READ}}
    clerk = server.user("clerk", allow(actions, Condition=condition))
    as_clerk = server.client("iam", who=clerk)
    as_clerk.attach_user_policy(UserName="bound", PolicyArn=AWS_READ)
    as_clerk.detach_user_policy(UserName="bound", PolicyArn=AWS_READ)
    for name, policy_arn in [("free", AWS_READ), ("bound", AWS_ADMIN)]:
        with refused("AccessDenied", deny_text(clerk, "iam:AttachUserPolicy", arn("user", name)), 403):
            as_clerk.attach_user_policy(UserName=name, PolicyArn=policy_arn)


def test_a_boundary_limits_at_once_and_grants_nothing(server):
    iam = server.client("iam")
    user = server.user("alice", allow(["kms:ListKeys", "iam:ListUsers"]))
    kms, as_user = server.client("kms", who=user), server.client("iam", who=user)
    document = policy(allow("kms:*"))
    boundary = iam.create_policy(PolicyName="only-kms", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=boundary)
    kms.list_keys()
    with refused("AccessDenied", re.compile("because no permissions boundary allows the iam:ListUsers action$"), 403):
        as_user.list_users()
    with refused("AccessDeniedException", re.compile("because no identity-based policy allows")):
        kms.list_aliases()
    shown = iam.get_user(UserName="alice")["User"]["PermissionsBoundary"]
    assert shown == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
    assert "PermissionsBoundary" not in next(u for u in iam.list_users()["Users"] if u["UserName"] == "alice")
    with refused("DeleteConflict", status=409):
        iam.delete_policy(PolicyArn=boundary)
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=AWS_ADMIN)
    as_user.list_users()
    iam.delete_policy(PolicyArn=boundary)
    iam.delete_user_permissions_boundary(UserName="alice")
    assert "PermissionsBoundary" not in iam.get_user(UserName="alice")["User"]
    with refused("NoSuchEntity", status=404):
        iam.delete_user_permissions_boundary(UserName="alice")
    missing = arn("policy", "none")
    with refused("NoSuchEntity", f"Scope ARN: {missing} does not exist or is not attachable.", 404):
        iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=missing)
    with refused("InvalidInput", "ARN longpolicynamebutnoarn is not valid.", 400):
        iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary="longpolicynamebutnoarn")


def test_whoever_may_make_users_only_with_a_boundary_makes_none_without(server):
    iam = server.client("iam")
    actions = ["iam:CreateUser", "iam:PutUserPermissionsBoundary", "iam:PutUserPolicy"]
    clerk = server.user(
        "clerk", allow(actions, Condition={"StringEquals": {"iam:PermissionsBoundary": AWS_READ}})
    )
    as_clerk = server.client("iam", who=clerk)
    made = as_clerk.create_user(UserName="bound", PermissionsBoundary=AWS_READ)["User"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == AWS_READ
    as_clerk.put_user_policy(UserName="bound", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    for call, arguments in [
        (as_clerk.create_user, {"UserName": "free"}),
        (as_clerk.create_user, {"UserName": "free", "PermissionsBoundary": AWS_ADMIN}),
        (as_clerk.put_user_permissions_boundary, {"UserName": "bound", "PermissionsBoundary": AWS_ADMIN}),
        (as_clerk.put_user_policy, {"UserName": "clerk", "PolicyName": "p", "PolicyDocument": policy(allow("*"))}),
        (as_clerk.delete_user_permissions_boundary, {"UserName": "bound"}),
    ]:
        with refused("AccessDenied", status=403):
            call(**arguments)
    iam.delete_user_policy(UserName="bound", PolicyName="p")
    iam.delete_user(UserName="bound")


def test_the_boundary_that_is_put_is_the_condition_key(server):
    iam = server.client("iam")
    no_admin = deny("iam:*", Condition={"StringEquals": {"iam:PermissionsBoundary": AWS_ADMIN}})
    as_clerk = server.client("iam", who=server.user("clerk", allow("iam:*"), no_admin))
    iam.create_user(UserName="alice")
    put = lambda boundary: as_clerk.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=boundary)
    with refused("AccessDenied", status=403):
        put(AWS_ADMIN)
    put(AWS_READ)
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=AWS_ADMIN)
    put(AWS_READ)  # In the place of the one that may not be put.


def test_a_user_is_deleted_only_when_it_holds_nothing(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice", PermissionsBoundary=AWS_READ)
    iam.create_group(GroupName="readers")
    key = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    iam.attach_user_policy(UserName="alice", PolicyArn=AWS_READ)
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    hindrances = [
        ("must delete access keys first", lambda: iam.delete_access_key(UserName="alice", AccessKeyId=key)),
        ("must delete policies first", lambda: iam.delete_user_policy(UserName="alice", PolicyName="p")),
        ("must detach all policies first", lambda: iam.detach_user_policy(UserName="alice", PolicyArn=AWS_READ)),
        (
            "must remove users from group first",
            lambda: iam.remove_user_from_group(GroupName="readers", UserName="alice"),
        ),
    ]
    for words, remedy in hindrances:
        with refused("DeleteConflict", f"Cannot delete entity, {words}.", 409):
            iam.delete_user(UserName="alice")
        remedy()
    iam.delete_user(UserName="alice")
    assert iam.get_group(GroupName="readers")["Users"] == []


def test_access_keys_are_paged_and_tell_that_they_were_never_used(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    made = [iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"] for _ in range(2)]
    found = pages(iam.list_access_keys, "AccessKeyMetadata", 1, UserName="alice")
    assert [one["AccessKeyId"] for one in found] == made
    used = iam.get_access_key_last_used(AccessKeyId=made[0])
    assert (used["UserName"], used["AccessKeyLastUsed"]) == ("alice", {"ServiceName": "N/A", "Region": "N/A"})
    unknown = "AKIAAAAAAAAAAAAAAAAA"
    with refused("NoSuchEntity", f"The Access Key with id {unknown} cannot be found.", 404):
        iam.get_access_key_last_used(AccessKeyId=unknown)


@pytest.mark.serve("--rehearsal")
def test_an_access_key_tells_when_where_and_for_what_it_was_used(server):
    user = server.user("alice", allow("kms:ListKeys"))
    server.client("kms", "eu-west-1", user).list_keys()
    server.advance("2m")

    def used():
        found = server.client("iam").get_access_key_last_used(AccessKeyId=user.access_key)["AccessKeyLastUsed"]
        return found if "LastUsedDate" in found else None

    found = poll(used)
    assert (found["ServiceName"], found["Region"]) == ("kms", "eu-west-1")
    assert abs((server.now() - found["LastUsedDate"]).total_seconds()) < 300


# --- groups ---


def test_groups_are_made_renamed_listed_and_deleted(server):
    iam = server.client("iam")
    made = iam.create_group(GroupName="Admins", Path="/staff/")["Group"]
    assert (made["GroupName"], made["Path"], made["Arn"]) == ("Admins", "/staff/", arn("group", "staff/Admins"))
    assert re.fullmatch(r"AGPA[A-Z0-9]{17}", made["GroupId"])
    assert iam.get_group(GroupName="admins")["Group"] == made
    with refused("EntityAlreadyExists", "Group with name ADMINS already exists.", 409):
        iam.create_group(GroupName="ADMINS")
    for name in ("b", "c", "d"):
        iam.create_group(GroupName=name)
    iam.update_group(GroupName="admins", NewGroupName="chiefs", NewPath="/")
    renamed = iam.get_group(GroupName="chiefs")["Group"]
    assert (renamed["GroupId"], renamed["Arn"]) == (made["GroupId"], arn("group", "chiefs"))
    with refused("EntityAlreadyExists", "Group with name B already exists.", 409):
        iam.update_group(GroupName="chiefs", NewGroupName="B")
    assert [one["GroupName"] for one in pages(iam.list_groups, "Groups", 3)] == ["b", "c", "chiefs", "d"]
    assert iam.list_groups(PathPrefix="/staff/")["Groups"] == []
    iam.delete_group(GroupName="CHIEFS")
    for call in (iam.get_group, iam.delete_group, iam.list_group_policies, iam.list_attached_group_policies):
        with refused("NoSuchEntity", "The group with name chiefs cannot be found.", 404):
            call(GroupName="chiefs")
    with refused("ValidationError", re.compile("The specified value for groupName is invalid")):
        iam.create_group(GroupName="a b")


def test_members_are_paged_and_have_the_groups_rights_at_once(server):
    iam = server.client("iam")
    iam.create_group(GroupName="readers")
    users = [server.user(name) for name in ("ann", "Bob", "cyd")]
    kms = server.client("kms", who=users[1])
    iam.put_group_policy(GroupName="readers", PolicyName="keys", PolicyDocument=policy(allow("kms:ListKeys")))
    iam.attach_group_policy(GroupName="readers", PolicyArn=AWS_READ)
    with refused("AccessDeniedException"):
        kms.list_keys()
    for user in users:
        iam.add_user_to_group(GroupName="readers", UserName=user.name)
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    kms.list_keys()
    server.client("iam", who=users[1]).list_users()
    assert [one["UserName"] for one in pages(iam.get_group, "Users", GroupName="readers")] == ["ann", "Bob", "cyd"]
    iam.put_group_policy(GroupName="readers", PolicyName="no", PolicyDocument=policy(deny("kms:ListKeys")))
    with refused("AccessDeniedException", re.compile("with an explicit deny in an identity-based policy$")):
        kms.list_keys()
    iam.delete_group_policy(GroupName="readers", PolicyName="no")
    kms.list_keys()
    iam.remove_user_from_group(GroupName="readers", UserName="bob")
    with refused("AccessDeniedException"):
        kms.list_keys()
    with refused("NoSuchEntity", "User Bob is not in group readers.", 404):
        iam.remove_user_from_group(GroupName="readers", UserName="Bob")


def test_a_user_is_in_ten_groups_at_most(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    for n in range(11):
        iam.create_group(GroupName=f"g{n:02}")
    for n in range(10):
        iam.add_user_to_group(GroupName=f"g{n:02}", UserName="alice")
    with refused("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10", 409):
        iam.add_user_to_group(GroupName="g10", UserName="alice")
    iam.add_user_to_group(GroupName="g09", UserName="alice")
    found = pages(iam.list_groups_for_user, "Groups", 4, UserName="alice")
    assert [one["GroupName"] for one in found] == [f"g{n:02}" for n in range(10)]


def test_group_policies_are_kept_listed_and_bounded(server):
    iam = server.client("iam")
    iam.create_group(GroupName="readers")
    text = '{ "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"} }'
    for name in ("c", "A", "b"):
        iam.put_group_policy(GroupName="Readers", PolicyName=name, PolicyDocument=text)
    assert pages(iam.list_group_policies, "PolicyNames", GroupName="readers") == ["A", "b", "c"]
    found = iam.get_group_policy(GroupName="readers", PolicyName="A")
    assert (found["GroupName"], found["PolicyName"], found["PolicyDocument"]) == ("readers", "A", json.loads(text))
    long = policy(allow("s3:" + "x" * 5_100))
    with refused("LimitExceeded", "Maximum policy size of 5120 bytes exceeded for group readers", 409):
        iam.put_group_policy(GroupName="readers", PolicyName="long", PolicyDocument=long)
    for call in (iam.get_group_policy, iam.delete_group_policy):
        with refused("NoSuchEntity", "The group policy with name none cannot be found.", 404):
            call(GroupName="readers", PolicyName="none")
    arns = make_policies(iam, 11)
    for one in arns[:10]:
        iam.attach_group_policy(GroupName="readers", PolicyArn=one)
    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerGroup: 10", 409):
        iam.attach_group_policy(GroupName="readers", PolicyArn=arns[10])
    found = pages(iam.list_attached_group_policies, "AttachedPolicies", 4, GroupName="readers")
    assert [one["PolicyArn"] for one in found] == arns[:10]
    with refused("NoSuchEntity", f"Policy {arns[10]} was not found.", 404):
        iam.detach_group_policy(GroupName="readers", PolicyArn=arns[10])


def test_a_group_is_deleted_only_when_it_holds_nothing(server):
    iam = server.client("iam")
    iam.create_group(GroupName="readers")
    iam.create_user(UserName="alice")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.attach_group_policy(GroupName="readers", PolicyArn=AWS_READ)
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    for words, remedy in [
        ("remove users from group", lambda: iam.remove_user_from_group(GroupName="readers", UserName="alice")),
        ("detach all policies", lambda: iam.detach_group_policy(GroupName="readers", PolicyArn=AWS_READ)),
        ("delete policies", lambda: iam.delete_group_policy(GroupName="readers", PolicyName="p")),
    ]:
        with refused("DeleteConflict", f"Cannot delete entity, must {words} first.", 409):
            iam.delete_group(GroupName="readers")
        remedy()
    iam.delete_group(GroupName="readers")
    assert iam.list_groups()["Groups"] == []


def test_rights_on_groups_are_by_the_groups_arn(server):
    iam = server.client("iam")
    iam.create_group(GroupName="readers", Path="/staff/")
    iam.create_user(UserName="alice")
    readers = arn("group", "staff/readers")
    clerk = server.user(
        "clerk",
        allow(["iam:AddUserToGroup", "iam:GetGroup", "iam:UpdateGroup"], readers),
        allow("iam:AttachGroupPolicy", readers, Condition={"ArnEquals": {"iam:PolicyARN": AWS_READ}}),
    )
    as_clerk = server.client("iam", who=clerk)
    as_clerk.add_user_to_group(GroupName="READERS", UserName="alice")
    as_clerk.get_group(GroupName="readers")
    as_clerk.attach_group_policy(GroupName="readers", PolicyArn=AWS_READ)
    with refused("AccessDenied", deny_text(clerk, "iam:AttachGroupPolicy", readers), 403):
        as_clerk.attach_group_policy(GroupName="readers", PolicyArn=AWS_ADMIN)
    with refused("AccessDenied", deny_text(clerk, "iam:UpdateGroup", arn("group", "staff/writers")), 403):
        as_clerk.update_group(GroupName="readers", NewGroupName="writers")
    with refused("AccessDenied", deny_text(clerk, "iam:ListGroups", arn("group", "")), 403):
        as_clerk.list_groups()


# --- the account ---


def test_the_summary_counts_what_is_there(server):
    iam = server.client("iam")
    server.user("alice")
    iam.create_group(GroupName="readers")
    [made] = make_policies(iam, 1)
    iam.attach_user_policy(UserName="alice", PolicyArn=made)
    found = iam.get_account_summary()["SummaryMap"]
    expected = {
        "Users": 1,
        "UsersQuota": 5000,
        "Groups": 1,
        "GroupsQuota": 300,
        "Roles": 0,
        "RolesQuota": 1000,
        "Policies": 1,
        "PoliciesQuota": 1500,
        "PolicyVersionsInUse": 1,
        "GroupsPerUserQuota": 10,
        "AccessKeysPerUserQuota": 2,
        "AttachedPoliciesPerUserQuota": 10,
        "VersionsPerPolicyQuota": 5,
        "PolicySizeQuota": 6144,
        "UserPolicySizeQuota": 2048,
        "GroupPolicySizeQuota": 5120,
        "RolePolicySizeQuota": 10240,
        "AssumeRolePolicySizeQuota": 2048,
        "AccountAccessKeysPresent": 1,
        "AccountMFAEnabled": 0,
    }
    assert found == {**found, **expected}
    with refused("AccessDenied", status=403):
        server.client("iam", who=server.user("nobody")).get_account_summary()


def test_the_authorization_details_show_everybody_with_all_they_hold(server):
    iam = server.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    [made] = make_policies(iam, 1, "own")
    iam.create_policy_version(PolicyArn=made, PolicyDocument=policy(allow("s3:*")), SetAsDefault=True)
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="g", PolicyDocument=policy(allow("kms:*")))
    iam.create_user(UserName="alice", Path="/a/", PermissionsBoundary=AWS_READ, Tags=[{"Key": "k", "Value": "v"}])
    iam.put_user_policy(UserName="alice", PolicyName="u", PolicyDocument=policy(allow("s3:*")))
    iam.attach_user_policy(UserName="alice", PolicyArn=made)
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName="worker", PolicyArn=AWS_ADMIN)
    found = iam.get_account_authorization_details()
    [user] = found["UserDetailList"]
    assert (user["Arn"], user["GroupList"], user["Tags"]) == (
        arn("user", "a/alice"),
        ["readers"],
        [{"Key": "k", "Value": "v"}],
    )
    assert user["UserPolicyList"] == [{"PolicyName": "u", "PolicyDocument": json.loads(policy(allow("s3:*")))}]
    assert user["AttachedManagedPolicies"] == [{"PolicyName": "own00", "PolicyArn": made}]
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"] == AWS_READ
    [group] = found["GroupDetailList"]
    assert [one["PolicyName"] for one in group["GroupPolicyList"]] == ["g"]
    [role] = found["RoleDetailList"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert (role["InstanceProfileList"], role["RolePolicyList"]) == ([], [])
    assert role["AttachedManagedPolicies"] == [{"PolicyName": "AdministratorAccess", "PolicyArn": AWS_ADMIN}]
    policies = {one["PolicyName"]: one for one in found["Policies"]}
    assert sorted(policies) == ["AdministratorAccess", "ReadOnlyAccess", "own00"]
    own = policies["own00"]
    assert (own["AttachmentCount"], own["DefaultVersionId"]) == (1, "v2")
    assert policies["ReadOnlyAccess"]["PermissionsBoundaryUsageCount"] == 1
    versions = [(one["VersionId"], one["IsDefaultVersion"]) for one in own["PolicyVersionList"]]
    assert versions == [("v2", True), ("v1", False)]
    assert own["PolicyVersionList"][0]["Document"] == json.loads(policy(allow("s3:*")))
    paged = {}
    for page in iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2}):
        lists = [page[name] for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")]
        assert 0 < sum(map(len, lists)) <= 2
        for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
            paged[name] = paged.get(name, []) + page[name]
    assert paged == {name: found[name] for name in paged}
    only = iam.get_account_authorization_details(Filter=["Role", "LocalManagedPolicy"])
    assert [len(only[name]) for name in paged] == [0, 0, 1, 1]


def test_documents_are_percent_encoded_on_the_wire(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    text = policy(allow("s3:*", "arn:aws:s3:::b/*"))
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=text)
    body = "Action=GetAccountAuthorizationDetails&Version=2010-05-08"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.call("iam", "POST", "/", headers, body.encode())
    assert urllib.parse.quote(text, safe="-._~").encode() in answer.body


def test_an_account_has_one_alias(server):
    iam = server.client("iam")
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="first")
    iam.create_account_alias(AccountAlias="second")
    assert iam.list_account_aliases()["AccountAliases"] == ["second"]
    with refused("EntityAlreadyExists", "The account alias second already exists.", 409):
        iam.create_account_alias(AccountAlias="second")
    with refused("NoSuchEntity", "The account alias first cannot be found.", 404):
        iam.delete_account_alias(AccountAlias="first")
    with refused("ValidationError", re.compile("at 'accountAlias' failed to satisfy constraint"), 400):
        iam.create_account_alias(AccountAlias="No-Capitals")
    iam.delete_account_alias(AccountAlias="second")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_calls_are_recorded_as_cloudtrail_shows_them(server):
    iam, cloudtrail = server.client("iam"), server.client("cloudtrail")
    group = iam.create_group(GroupName="readers")["Group"]
    iam.create_user(UserName="alice")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.tag_user(UserName="alice", Tags=[{"Key": "k", "Value": "v"}])
    iam.attach_user_policy(UserName="alice", PolicyArn=AWS_READ)
    iam.update_user(UserName="alice", NewUserName="bob")
    iam.simulate_custom_policy(PolicyInputList=[policy(allow("s3:*"))], ActionNames=["s3:GetObject"])

    def event(name):
        asked = [{"AttributeKey": "EventName", "AttributeValue": name}]
        [found] = poll(lambda: cloudtrail.lookup_events(LookupAttributes=asked)["Events"])
        return json.loads(found["CloudTrailEvent"])

    made = event("CreateGroup")
    assert (made["requestParameters"], made["readOnly"]) == ({"groupName": "readers"}, False)
    shown = made["responseElements"]["group"]
    assert (shown["groupId"], shown["arn"], shown["path"]) == (group["GroupId"], group["Arn"], "/")
    for name, asked in [
        ("AddUserToGroup", {"groupName": "readers", "userName": "alice"}),
        ("TagUser", {"userName": "alice", "tags": [{"key": "k", "value": "v"}]}),
        ("AttachUserPolicy", {"userName": "alice", "policyArn": AWS_READ}),
        ("UpdateUser", {"userName": "alice", "newUserName": "bob"}),
    ]:
        found = event(name)
        assert (found["requestParameters"], found["responseElements"]) == (asked, None), name
    simulated = event("SimulateCustomPolicy")
    assert (simulated["requestParameters"]["actionNames"], simulated["readOnly"]) == (["s3:GetObject"], True)


# --- the policy simulator ---


def simulate(iam, source, *actions, **more):
    return iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=list(actions), **more)["EvaluationResults"]


def test_simulations_decide_as_the_calls_themselves(server):
    iam = server.client("iam")
    [boundary] = [
        iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow(["iam:*", "s3:*"])))["Policy"]["Arn"]
    ]
    iam.create_group(GroupName="staff")
    user = server.user(
        "alice",
        allow(["iam:Get*", "kms:ListKeys"]),
        allow("iam:TagUser", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"),
        deny("iam:GetGroup", arn("group", "secret")),
        allow("iam:ListRoles", Condition={"StringEquals": {"aws:PrincipalTag/level": "1"}}),
    )
    iam.tag_user(UserName="alice", Tags=[{"Key": "level", "Value": "1"}])
    iam.put_group_policy(GroupName="staff", PolicyName="g", PolicyDocument=policy(allow("iam:ListGroups")))
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    as_user, kms = server.client("iam", who=user), server.client("kms", who=user)
    tags = [{"Key": "level", "Value": "1"}]
    calls = [
        ("iam:GetUser", user.arn, lambda: as_user.get_user(UserName="alice")),
        ("iam:GetGroup", arn("group", "staff"), lambda: as_user.get_group(GroupName="staff")),
        ("iam:GetGroup", arn("group", "secret"), lambda: as_user.get_group(GroupName="secret")),
        ("iam:ListUsers", arn("user", ""), lambda: as_user.list_users()),
        ("iam:ListGroups", arn("group", ""), lambda: as_user.list_groups()),
        ("iam:ListRoles", arn("role", ""), lambda: as_user.list_roles()),
        ("iam:TagUser", user.arn, lambda: as_user.tag_user(UserName="alice", Tags=tags)),
        ("iam:TagUser", arn("user", "bob"), lambda: as_user.tag_user(UserName="bob", Tags=tags)),
        ("kms:ListKeys", "*", lambda: kms.list_keys()),
        ("iam:GetAccountSummary", "*", lambda: as_user.get_account_summary()),
    ]

    def check():
        decisions = set()
        for action, resource, call in calls:
            [found] = simulate(iam, user.arn, action, ResourceArns=[resource])
            assert (found["EvalDecision"] == "allowed") == allowed(call), (action, resource, found)
            decisions.add(found["EvalDecision"])
        return decisions

    assert check() == {"allowed", "explicitDeny", "implicitDeny"}
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=boundary)
    assert check() == {"allowed", "explicitDeny", "implicitDeny"}
    [found] = simulate(iam, user.arn, "kms:ListKeys")
    assert found["EvalDecision"] == "implicitDeny"
    assert found["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    [found] = simulate(
        iam, user.arn, "kms:ListKeys", PermissionsBoundaryPolicyInputList=[policy(allow("kms:*"))]
    )
    assert found["EvalDecision"] == "allowed"
    assert found["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}


def test_simulations_tell_the_statements_that_decided(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    text = '{\n  "Version":"2012-10-17",\n  "Statement":{\n    "Effect":"Allow",\n    "Action":"s3:PutObject",\n    "Resource":"*"\n  }\n}'
    iam.put_user_policy(UserName="alice", PolicyName="put", PolicyDocument=text)
    two = policy(allow("s3:GetObject"), deny("s3:GetObject", "arn:aws:s3:::secret/*")).replace(" ", "")
    iam.put_group_policy(GroupName="staff", PolicyName="get", PolicyDocument=two)
    iam.attach_user_policy(UserName="alice", PolicyArn=AWS_READ)
    first, second = two.index("[{") + 2, two.index("},{") + 2

    def matched(result):
        return [
            (one["SourcePolicyId"], one["SourcePolicyType"], one["StartPosition"], one["EndPosition"])
            for one in result["MatchedStatements"]
        ]

    [put, get] = simulate(iam, arn("user", "alice"), "s3:PutObject", "s3:GetObject")
    place = ({"Line": 3, "Column": 16}, {"Line": 7, "Column": 4})
    assert matched(put) == [("user_alice_put", "IAM Policy", *place)]
    assert (put["EvalActionName"], put["EvalResourceName"]) == ("s3:PutObject", "*")
    assert "ResourceSpecificResults" not in put and "EvalDecisionDetails" not in put
    sources = {one[0]: one for one in matched(get)}
    assert sorted(sources) == ["ReadOnlyAccess", "group_staff_get"]
    assert sources["group_staff_get"][2:] == ({"Line": 1, "Column": first}, {"Line": 1, "Column": second})
    both = ["arn:aws:s3:::open/k", "arn:aws:s3:::secret/k"]
    [get] = simulate(iam, arn("user", "alice"), "s3:GetObject", ResourceArns=both)
    assert (get["EvalDecision"], get["EvalDecisionDetails"]) == ("explicitDeny", {})
    assert get["EvalResourceName"] == "arn:${Partition}:s3:::${BucketName}/${KeyName}"
    [denied] = matched(get)
    assert denied[:3] == ("group_staff_get", "IAM Policy", {"Line": 1, "Column": second})
    by_resource = [(one["EvalResourceName"], one["EvalResourceDecision"]) for one in get["ResourceSpecificResults"]]
    assert by_resource == list(zip(both, ["allowed", "explicitDeny"]))
    [one] = simulate(iam, arn("user", "alice"), "s3:GetObject", ResourceArns=both[:1])
    assert (one["EvalResourceName"], one["EvalDecision"]) == (both[0], "allowed")
    [given] = simulate(iam, arn("user", "alice"), "kms:Encrypt", PolicyInputList=[policy(allow("kms:*"))])
    assert [one[0] for one in matched(given)] == ["PolicyInputList.1"]
    [group] = simulate(iam, arn("group", "staff"), "s3:GetObject")
    assert [one[0] for one in matched(group)] == ["group_staff_get"]


def test_simulations_tell_the_keys_that_they_miss(server):
    iam = server.client("iam")
    conditions = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringLike": {"s3:prefix": "${aws:username}/*"}}
    documents = [
        policy(allow("s3:ListBucket", Condition=conditions)),
        policy(allow("kms:*", "arn:aws:kms:*:*:key/${aws:PrincipalTag/key}")),
    ]
    found = iam.get_context_keys_for_custom_policy(PolicyInputList=documents)["ContextKeyNames"]
    keys = ["aws:MultiFactorAuthPresent", "s3:prefix", "aws:username"]
    assert found == [*keys, "aws:PrincipalTag/key"]
    [result] = iam.simulate_custom_policy(PolicyInputList=documents, ActionNames=["s3:ListBucket"])[
        "EvaluationResults"
    ]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", keys)
    entries = [
        {"ContextKeyName": "aws:multifactorauthpresent", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"},
        {"ContextKeyName": "s3:prefix", "ContextKeyValues": ["alice/x"], "ContextKeyType": "string"},
        {"ContextKeyName": "aws:username", "ContextKeyValues": ["alice"], "ContextKeyType": "string"},
    ]
    [result] = iam.simulate_custom_policy(
        PolicyInputList=documents, ActionNames=["s3:ListBucket"], ContextEntries=entries
    )["EvaluationResults"]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/x"
    [result] = iam.simulate_custom_policy(
        PolicyInputList=documents, ActionNames=["kms:Encrypt"], ResourceArns=[key]
    )["EvaluationResults"]
    assert result["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:PrincipalTag/key"]
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    iam.put_group_policy(GroupName="staff", PolicyName="g", PolicyDocument=documents[0])
    source = arn("user", "alice")
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=source)["ContextKeyNames"] == keys
    more = iam.get_context_keys_for_principal_policy(PolicySourceArn=source, PolicyInputList=documents[1:])
    assert more["ContextKeyNames"] == [*keys, "aws:PrincipalTag/key"]
    [result] = simulate(iam, source, "s3:ListBucket")
    assert result["MissingContextValues"] == keys[:2], "the user's own name is known"


def test_simulations_take_a_resources_policy(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    source, other = arn("user", "alice"), "arn:aws:iam::123456789012:root"
    objects = "arn:aws:s3:::production/*"
    bucket = policy(allow("s3:Put*", objects, Principal={"AWS": source}))
    asked = {"ActionNames": ["s3:PutObject"], "ResourceArns": ["arn:aws:s3:::production/t"], "ResourcePolicy": bucket}
    boundary = [policy(allow("iam:*"))]
    [same] = iam.simulate_custom_policy(
        PolicyInputList=boundary, CallerArn=source, PermissionsBoundaryPolicyInputList=boundary, **asked
    )["EvaluationResults"]
    assert (same["EvalDecision"], same["EvalDecisionDetails"]) == ("allowed", {})
    assert same["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    [statement] = same["MatchedStatements"]
    assert (statement["SourcePolicyId"], statement["SourcePolicyType"]) == ("ResourcePolicy", "Resource Policy")
    [across] = iam.simulate_principal_policy(
        PolicySourceArn=source, ResourceOwner=other, PermissionsBoundaryPolicyInputList=boundary, **asked
    )["EvaluationResults"]
    assert across["EvalDecision"] == "implicitDeny"
    assert across["EvalDecisionDetails"] == {
        "IAM Policy": "implicitDeny",
        "Resource Policy": "allowed",
        "Permissions Boundary Policy": "implicitDeny",
    }
    assert across["MatchedStatements"] == []
    assert across["ResourceSpecificResults"][0]["EvalDecisionDetails"] == across["EvalDecisionDetails"]
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    [across] = iam.simulate_principal_policy(PolicySourceArn=source, ResourceOwner=other, **asked)[
        "EvaluationResults"
    ]
    assert across["EvalDecision"] == "allowed"
    with refused("InvalidInput", "Invalid caller - Caller cannot be null or empty.", 400):
        iam.simulate_custom_policy(PolicyInputList=boundary, **asked)


def test_simulations_are_paged_and_refuse_what_is_wrong(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    source, given = arn("user", "alice"), [policy(allow("s3:Get*"))]
    actions = ["s3:GetObject", "s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl"]
    found = pages(iam.simulate_custom_policy, "EvaluationResults", PolicyInputList=given, ActionNames=actions)
    assert [one["EvalActionName"] for one in found] == actions
    resources = [f"arn:aws:s3:::b{n}" for n in range(900)]
    large = [policy(*[allow("kms:*")] * 25)]
    page = iam.simulate_custom_policy(PolicyInputList=large, ActionNames=actions, ResourceArns=resources)
    assert page["IsTruncated"] and len(page["EvaluationResults"]) == 2
    with refused("InvalidInput", "Too many statements and resources for one simulation.", 400):
        iam.simulate_custom_policy(PolicyInputList=large * 3, ActionNames=actions, ResourceArns=resources)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
    unclear = f"Invalid Entity Arn: {session} does not clearly define entity type and name."

    def principal(**more):
        return iam.simulate_principal_policy(**{"PolicySourceArn": source, "ActionNames": actions[:1], **more})

    for arguments, code, message in [
        ({"PolicySourceArn": session}, "InvalidInput", unclear),
        ({"PolicySourceArn": arn("role", "none")}, "NoSuchEntity", "The role with name none cannot be found."),
        ({"PolicySourceArn": arn("group", "none")}, "NoSuchEntity", "The group with name none cannot be found."),
        ({"ResourceArns": ["bucket"]}, "InvalidInput", "ResourceNames are not in a valid ARN format: bucket."),
        ({"ResourceOwner": ACCOUNT}, "InvalidInput", f"'{ACCOUNT}' is not a valid as a Resource Owner."),
        (
            {"CallerArn": session},
            "InvalidInput",
            "Invalid caller - Caller must be an IAM user, role or group in this context.",
        ),
        ({"PolicyInputList": ["{"]}, "InvalidInput", re.compile("(?i)json|syntax")),
        ({"MaxItems": 1001}, "ValidationError", re.compile("less than or equal to 1000")),
        (
            {"ResourceHandlingOption": "EC2-VPC-EBS"},
            "NotImplemented",
            "ResourceHandlingOption is not implemented by this server.",
        ),
    ]:
        with refused(code, message):
            principal(**arguments)
    assert principal(CallerArn=arn("user", "bob"))["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"


def test_simulating_needs_the_right_on_whose_policies_are_read(server):
    iam = server.client("iam")
    iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "red"}])
    iam.create_user(UserName="bob")
    actions = ["iam:SimulatePrincipalPolicy", "iam:GetContextKeysForPrincipalPolicy"]
    clerk = server.user("clerk", allow(actions, Condition={"StringEquals": {"iam:ResourceTag/team": "red"}}))
    as_clerk = server.client("iam", who=clerk)
    simulate(as_clerk, arn("user", "alice"), "s3:GetObject")
    as_clerk.get_context_keys_for_principal_policy(PolicySourceArn=arn("user", "alice"))
    with refused("AccessDenied", deny_text(clerk, "iam:SimulatePrincipalPolicy", arn("user", "bob")), 403):
        simulate(as_clerk, arn("user", "bob"), "s3:GetObject")
    with refused("AccessDenied", status=403):
        as_clerk.simulate_custom_policy(PolicyInputList=[policy(allow("s3:*"))], ActionNames=["s3:GetObject"])
    with refused("AccessDenied", status=403):
        simulate(iam, "arn:aws:iam::123456789012:user/alice", "s3:GetObject")


def test_simulations_obey_the_organization(serve, tmp_path):
    config = tmp_path / "shoseki.toml"
    document = policy(allow("*"), deny("kms:ScheduleKeyDeletion"))
    config.write_text(
        '[organization]\nid = "o-exampleorgid"\nmanagement_account = "111111111111"\n'
        f'accounts = ["{ACCOUNT}"]\n\n[[organization.policies]]\nname = "keep-keys"\n'
        f"type = \"service_control\"\ntargets = [\"root\"]\ndocument = '''{document}'''\n"
    )
    server = serve("--config", str(config))
    user = server.user("alice", allow("kms:*"))
    iam = server.client("iam")
    [kept, listed] = simulate(iam, user.arn, "kms:ScheduleKeyDeletion", "kms:ListKeys")
    assert (kept["EvalDecision"], listed["EvalDecision"]) == ("explicitDeny", "allowed")
    assert kept["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    assert listed["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}
    assert kept["MatchedStatements"] == []
    key = server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    with refused("AccessDeniedException", re.compile("explicit deny in a service control policy")):
        server.client("kms", who=user).schedule_key_deletion(KeyId=key)
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}
    iam.put_user_policy(
        UserName="alice", PolicyName="rights", PolicyDocument=policy(allow("kms:ListKeys", Condition=condition))
    )
    [listed] = simulate(iam, user.arn, "kms:ListKeys")
    assert listed["EvalDecision"] == "allowed"
