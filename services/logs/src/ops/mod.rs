//! The operations, one file each; those on tags of one kind share a file.

mod associate_kms_key;
pub(crate) mod create_log_group;
pub(crate) mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod delete_metric_filter;
mod delete_retention_policy;
mod describe_log_groups;
mod describe_log_streams;
mod describe_metric_filters;
mod disassociate_kms_key;
mod filter_log_events;
mod get_log_events;
mod log_group_tags;
pub(crate) mod put_log_events;
mod put_metric_filter;
mod put_retention_policy;
mod resource_tags;
mod shapes;
mod test_metric_filter;

use gateway::Route;

/// Every operation of this room.
pub static OPERATIONS: &[Route] = &[
    Route::of::<associate_kms_key::AssociateKmsKey>(),
    Route::of::<create_log_group::CreateLogGroup>(),
    Route::of::<create_log_stream::CreateLogStream>(),
    Route::of::<delete_log_group::DeleteLogGroup>(),
    Route::of::<delete_log_stream::DeleteLogStream>(),
    Route::of::<delete_metric_filter::DeleteMetricFilter>(),
    Route::of::<delete_retention_policy::DeleteRetentionPolicy>(),
    Route::of::<describe_log_groups::DescribeLogGroups>(),
    Route::of::<describe_log_streams::DescribeLogStreams>(),
    Route::of::<describe_metric_filters::DescribeMetricFilters>(),
    Route::of::<disassociate_kms_key::DisassociateKmsKey>(),
    Route::of::<filter_log_events::FilterLogEvents>(),
    Route::of::<get_log_events::GetLogEvents>(),
    Route::of::<resource_tags::ListTagsForResource>(),
    Route::of::<log_group_tags::ListTagsLogGroup>(),
    Route::of::<put_log_events::PutLogEvents>(),
    Route::of::<put_metric_filter::PutMetricFilter>(),
    Route::of::<put_retention_policy::PutRetentionPolicy>(),
    Route::of::<log_group_tags::TagLogGroup>(),
    Route::of::<resource_tags::TagResource>(),
    Route::of::<test_metric_filter::TestMetricFilter>(),
    Route::of::<log_group_tags::UntagLogGroup>(),
    Route::of::<resource_tags::UntagResource>(),
];
