//! The operations, one file each, and what they share.

pub(crate) mod begin;
mod cancel_update_stack;
pub mod capabilities;
mod change_sets;
pub mod checked;
mod continue_update_rollback;
mod create_change_set;
mod create_stack;
mod delete_change_set;
mod delete_stack;
mod describe_account_limits;
mod describe_change_set;
mod describe_stack_drift_detection_status;
mod describe_stack_events;
mod describe_stack_resource;
mod describe_stack_resource_drifts;
mod describe_stack_resources;
mod describe_stacks;
mod detect_stack_drift;
mod detect_stack_resource_drift;
mod drifts;
mod execute_change_set;
pub mod find;
mod foreseen;
mod get_stack_policy;
mod get_template;
mod get_template_summary;
mod list_change_sets;
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
    Route::of::<create_change_set::CreateChangeSet>(),
    Route::of::<create_stack::CreateStack>(),
    Route::of::<delete_change_set::DeleteChangeSet>(),
    Route::of::<delete_stack::DeleteStack>(),
    Route::of::<describe_account_limits::DescribeAccountLimits>(),
    Route::of::<describe_change_set::DescribeChangeSet>(),
    Route::of::<describe_stack_drift_detection_status::DescribeStackDriftDetectionStatus>(),
    Route::of::<describe_stack_events::DescribeStackEvents>(),
    Route::of::<describe_stack_resource::DescribeStackResource>(),
    Route::of::<describe_stack_resource_drifts::DescribeStackResourceDrifts>(),
    Route::of::<describe_stack_resources::DescribeStackResources>(),
    Route::of::<describe_stacks::DescribeStacks>(),
    Route::of::<detect_stack_drift::DetectStackDrift>(),
    Route::of::<detect_stack_resource_drift::DetectStackResourceDrift>(),
    Route::of::<execute_change_set::ExecuteChangeSet>(),
    Route::of::<get_stack_policy::GetStackPolicy>(),
    Route::of::<get_template::GetTemplate>(),
    Route::of::<get_template_summary::GetTemplateSummary>(),
    Route::of::<list_change_sets::ListChangeSets>(),
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
