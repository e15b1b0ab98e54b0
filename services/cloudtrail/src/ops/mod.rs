//! The operations, one file each.

mod check;
pub(crate) use check::{PRINCIPAL, as_cloudtrail, seal_of};
pub(crate) use logs::assume;
mod add_tags;
mod channel_shapes;
mod create_channel;
mod create_trail;
mod delete_channel;
mod delete_resource_policy;
mod delete_trail;
mod describe_trails;
mod find;
mod get_channel;
mod get_event_configuration;
mod get_event_selectors;
mod get_insight_selectors;
mod get_resource_policy;
mod get_trail;
mod get_trail_status;
mod list_channels;
mod list_public_keys;
mod list_tags;
mod list_trails;
mod logs;
mod lookup_events;
mod put_audit_events;
mod put_event_configuration;
mod put_event_selectors;
mod put_insight_selectors;
mod put_resource_policy;
mod remove_tags;
mod resource_policy;
mod shapes;
mod start_logging;
mod stop_logging;
mod tagged;
mod topic;
mod update_channel;
mod update_trail;

use gateway::Route;

/// Everything this room answers.
pub static OPERATIONS: &[Route] = &[
    Route::of::<add_tags::AddTags>(),
    Route::of::<create_channel::CreateChannel>(),
    Route::of::<create_trail::CreateTrail>(),
    Route::of::<delete_channel::DeleteChannel>(),
    Route::of::<delete_resource_policy::DeleteResourcePolicy>(),
    Route::of::<delete_trail::DeleteTrail>(),
    Route::of::<describe_trails::DescribeTrails>(),
    Route::of::<get_channel::GetChannel>(),
    Route::of::<get_event_configuration::GetEventConfiguration>(),
    Route::of::<get_event_selectors::GetEventSelectors>(),
    Route::of::<get_insight_selectors::GetInsightSelectors>(),
    Route::of::<get_resource_policy::GetResourcePolicy>(),
    Route::of::<get_trail::GetTrail>(),
    Route::of::<get_trail_status::GetTrailStatus>(),
    Route::of::<list_channels::ListChannels>(),
    Route::of::<list_public_keys::ListPublicKeys>(),
    Route::of::<list_tags::ListTags>(),
    Route::of::<list_trails::ListTrails>(),
    Route::of::<lookup_events::LookupEvents>(),
    Route::of::<put_event_configuration::PutEventConfiguration>(),
    Route::of::<put_audit_events::PutAuditEvents>(),
    Route::of::<put_event_selectors::PutEventSelectors>(),
    Route::of::<put_insight_selectors::PutInsightSelectors>(),
    Route::of::<put_resource_policy::PutResourcePolicy>(),
    Route::of::<remove_tags::RemoveTags>(),
    Route::of::<start_logging::StartLogging>(),
    Route::of::<stop_logging::StopLogging>(),
    Route::of::<update_channel::UpdateChannel>(),
    Route::of::<update_trail::UpdateTrail>(),
];
