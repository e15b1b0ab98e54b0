//! The operations, one file each, and what they share.

pub(crate) mod begin;
mod cancel_update_stack;
pub mod capabilities;
pub mod checked;
mod continue_update_rollback;
mod create_stack;
mod delete_stack;
mod describe_account_limits;
mod describe_stack_events;
mod describe_stack_resource;
mod describe_stack_resources;
mod describe_stacks;
pub mod find;
mod get_stack_policy;
mod get_template_summary;
mod list_exports;
mod list_imports;
mod list_stack_resources;
mod list_stacks;
mod rollback_stack;
mod set_stack_policy;
pub mod shapes;
pub mod source;
mod update_stack;
mod update_termination_protection;
mod validate_template;

use gateway::Route;

/// Every operation of this room.
pub static OPERATIONS: &[Route] = &[
    Route::of::<cancel_update_stack::CancelUpdateStack>(),
    Route::of::<continue_update_rollback::ContinueUpdateRollback>(),
    Route::of::<create_stack::CreateStack>(),
    Route::of::<delete_stack::DeleteStack>(),
    Route::of::<describe_account_limits::DescribeAccountLimits>(),
    Route::of::<describe_stack_events::DescribeStackEvents>(),
    Route::of::<describe_stack_resource::DescribeStackResource>(),
    Route::of::<describe_stack_resources::DescribeStackResources>(),
    Route::of::<describe_stacks::DescribeStacks>(),
    Route::of::<get_stack_policy::GetStackPolicy>(),
    Route::of::<get_template_summary::GetTemplateSummary>(),
    Route::of::<list_exports::ListExports>(),
    Route::of::<list_imports::ListImports>(),
    Route::of::<list_stack_resources::ListStackResources>(),
    Route::of::<list_stacks::ListStacks>(),
    Route::of::<rollback_stack::RollbackStack>(),
    Route::of::<set_stack_policy::SetStackPolicy>(),
    Route::of::<update_stack::UpdateStack>(),
    Route::of::<update_termination_protection::UpdateTerminationProtection>(),
    Route::of::<validate_template::ValidateTemplate>(),
];
