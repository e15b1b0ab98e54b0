//! The operations, one file each; those on tags of one kind share a file.

mod account_alias;
mod account_details;
mod add_user_to_group;
pub(crate) mod assume_role;
mod attach_group_policy;
mod attach_role_policy;
mod attach_user_policy;
mod create_access_key;
mod create_group;
mod create_policy;
mod create_policy_version;
mod create_role;
mod create_service_linked_role;
mod create_user;
mod credentials;
mod decode_authorization_message;
mod delete_access_key;
mod delete_group;
mod delete_group_policy;
mod delete_policy;
mod delete_policy_version;
mod delete_role;
mod delete_role_permissions_boundary;
mod delete_role_policy;
mod delete_user;
mod delete_user_permissions_boundary;
mod delete_user_policy;
mod detach_group_policy;
mod detach_role_policy;
mod detach_user_policy;
mod find;
mod get_access_key_info;
mod get_access_key_last_used;
mod get_account_authorization_details;
mod get_account_summary;
mod get_caller_identity;
mod get_context_keys_for_custom_policy;
mod get_context_keys_for_principal_policy;
mod get_group;
mod get_group_policy;
mod get_policy;
mod get_policy_version;
mod get_role;
mod get_role_policy;
mod get_session_token;
mod get_user;
mod get_user_policy;
mod group;
mod holder;
mod list_access_keys;
mod list_attached_group_policies;
mod list_attached_role_policies;
mod list_attached_user_policies;
mod list_entities_for_policy;
mod list_group_policies;
mod list_groups;
mod list_groups_for_user;
mod list_policies;
mod list_policy_versions;
mod list_role_policies;
mod list_roles;
mod list_user_policies;
mod list_users;
mod managed;
mod page;
mod policy_tags;
mod put_group_policy;
mod put_role_permissions_boundary;
mod put_role_policy;
mod put_user_permissions_boundary;
mod put_user_policy;
mod remove_user_from_group;
mod role;
mod role_tags;
mod set_default_policy_version;
mod shapes;
mod simulate_custom_policy;
mod simulate_principal_policy;
mod simulation;
mod tagging;
mod update_access_key;
mod update_assume_role_policy;
mod update_group;
mod update_role;
mod update_role_description;
mod update_user;
mod user_tags;

use gateway::Route;

/// Everything this room answers.
pub static OPERATIONS: &[Route] = &[
    Route::of::<add_user_to_group::AddUserToGroup>(),
    Route::of::<assume_role::AssumeRole>(),
    Route::of::<attach_group_policy::AttachGroupPolicy>(),
    Route::of::<attach_role_policy::AttachRolePolicy>(),
    Route::of::<attach_user_policy::AttachUserPolicy>(),
    Route::of::<create_access_key::CreateAccessKey>(),
    Route::of::<account_alias::CreateAccountAlias>(),
    Route::of::<create_group::CreateGroup>(),
    Route::of::<create_policy::CreatePolicy>(),
    Route::of::<create_policy_version::CreatePolicyVersion>(),
    Route::of::<create_role::CreateRole>(),
    Route::of::<create_service_linked_role::CreateServiceLinkedRole>(),
    Route::of::<create_user::CreateUser>(),
    Route::of::<decode_authorization_message::DecodeAuthorizationMessage>(),
    Route::of::<delete_access_key::DeleteAccessKey>(),
    Route::of::<account_alias::DeleteAccountAlias>(),
    Route::of::<delete_group::DeleteGroup>(),
    Route::of::<delete_group_policy::DeleteGroupPolicy>(),
    Route::of::<delete_policy::DeletePolicy>(),
    Route::of::<delete_policy_version::DeletePolicyVersion>(),
    Route::of::<delete_role::DeleteRole>(),
    Route::of::<delete_role_permissions_boundary::DeleteRolePermissionsBoundary>(),
    Route::of::<delete_role_policy::DeleteRolePolicy>(),
    Route::of::<delete_user::DeleteUser>(),
    Route::of::<delete_user_permissions_boundary::DeleteUserPermissionsBoundary>(),
    Route::of::<delete_user_policy::DeleteUserPolicy>(),
    Route::of::<detach_group_policy::DetachGroupPolicy>(),
    Route::of::<detach_role_policy::DetachRolePolicy>(),
    Route::of::<detach_user_policy::DetachUserPolicy>(),
    Route::of::<get_access_key_info::GetAccessKeyInfo>(),
    Route::of::<get_access_key_last_used::GetAccessKeyLastUsed>(),
    Route::of::<get_account_authorization_details::GetAccountAuthorizationDetails>(),
    Route::of::<get_account_summary::GetAccountSummary>(),
    Route::of::<get_caller_identity::GetCallerIdentity>(),
    Route::of::<get_context_keys_for_custom_policy::GetContextKeysForCustomPolicy>(),
    Route::of::<get_context_keys_for_principal_policy::GetContextKeysForPrincipalPolicy>(),
    Route::of::<get_group::GetGroup>(),
    Route::of::<get_group_policy::GetGroupPolicy>(),
    Route::of::<get_policy::GetPolicy>(),
    Route::of::<get_policy_version::GetPolicyVersion>(),
    Route::of::<get_role::GetRole>(),
    Route::of::<get_role_policy::GetRolePolicy>(),
    Route::of::<get_session_token::GetSessionToken>(),
    Route::of::<get_user::GetUser>(),
    Route::of::<get_user_policy::GetUserPolicy>(),
    Route::of::<list_access_keys::ListAccessKeys>(),
    Route::of::<account_alias::ListAccountAliases>(),
    Route::of::<list_attached_group_policies::ListAttachedGroupPolicies>(),
    Route::of::<list_attached_role_policies::ListAttachedRolePolicies>(),
    Route::of::<list_attached_user_policies::ListAttachedUserPolicies>(),
    Route::of::<list_entities_for_policy::ListEntitiesForPolicy>(),
    Route::of::<list_group_policies::ListGroupPolicies>(),
    Route::of::<list_groups::ListGroups>(),
    Route::of::<list_groups_for_user::ListGroupsForUser>(),
    Route::of::<list_policies::ListPolicies>(),
    Route::of::<policy_tags::ListPolicyTags>(),
    Route::of::<list_policy_versions::ListPolicyVersions>(),
    Route::of::<list_role_policies::ListRolePolicies>(),
    Route::of::<role_tags::ListRoleTags>(),
    Route::of::<list_roles::ListRoles>(),
    Route::of::<list_user_policies::ListUserPolicies>(),
    Route::of::<user_tags::ListUserTags>(),
    Route::of::<list_users::ListUsers>(),
    Route::of::<put_group_policy::PutGroupPolicy>(),
    Route::of::<put_role_permissions_boundary::PutRolePermissionsBoundary>(),
    Route::of::<put_role_policy::PutRolePolicy>(),
    Route::of::<put_user_permissions_boundary::PutUserPermissionsBoundary>(),
    Route::of::<put_user_policy::PutUserPolicy>(),
    Route::of::<remove_user_from_group::RemoveUserFromGroup>(),
    Route::of::<set_default_policy_version::SetDefaultPolicyVersion>(),
    Route::of::<simulate_custom_policy::SimulateCustomPolicy>(),
    Route::of::<simulate_principal_policy::SimulatePrincipalPolicy>(),
    Route::of::<policy_tags::TagPolicy>(),
    Route::of::<role_tags::TagRole>(),
    Route::of::<user_tags::TagUser>(),
    Route::of::<policy_tags::UntagPolicy>(),
    Route::of::<role_tags::UntagRole>(),
    Route::of::<user_tags::UntagUser>(),
    Route::of::<update_access_key::UpdateAccessKey>(),
    Route::of::<update_assume_role_policy::UpdateAssumeRolePolicy>(),
    Route::of::<update_group::UpdateGroup>(),
    Route::of::<update_role::UpdateRole>(),
    Route::of::<update_role_description::UpdateRoleDescription>(),
    Route::of::<update_user::UpdateUser>(),
];
