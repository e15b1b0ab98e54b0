//! The operations, one file each.

mod create_access_key;
mod create_user;
mod delete_access_key;
mod delete_user;
mod delete_user_policy;
mod find;
mod get_caller_identity;
mod get_user;
mod get_user_policy;
mod list_access_keys;
mod list_user_policies;
mod list_users;
mod page;
mod put_user_policy;
mod shapes;
mod update_access_key;

use gateway::Route;

/// Everything this room answers.
pub const OPERATIONS: &[Route] = &[
    Route::of::<create_access_key::CreateAccessKey>(),
    Route::of::<create_user::CreateUser>(),
    Route::of::<delete_access_key::DeleteAccessKey>(),
    Route::of::<delete_user::DeleteUser>(),
    Route::of::<delete_user_policy::DeleteUserPolicy>(),
    Route::of::<get_caller_identity::GetCallerIdentity>(),
    Route::of::<get_user::GetUser>(),
    Route::of::<get_user_policy::GetUserPolicy>(),
    Route::of::<list_access_keys::ListAccessKeys>(),
    Route::of::<list_user_policies::ListUserPolicies>(),
    Route::of::<list_users::ListUsers>(),
    Route::of::<put_user_policy::PutUserPolicy>(),
    Route::of::<update_access_key::UpdateAccessKey>(),
];
