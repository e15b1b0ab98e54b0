//! The operations, one file each, and what they share.

mod add_permission;
mod attributes;
mod confirm_subscription;
mod create_topic;
mod delete_topic;
mod find;
mod get_subscription_attributes;
mod get_topic_attributes;
mod list_subscriptions;
mod list_subscriptions_by_topic;
mod list_tags_for_resource;
mod list_topics;
mod listed;
pub(crate) mod publish;
mod publish_batch;
pub(crate) mod queue;
mod remove_permission;
mod sent;
mod set_subscription_attributes;
mod set_topic_attributes;
mod shapes;
mod subscribe;
mod tag_resource;
mod tagging;
mod tokens;
mod unsubscribe;
mod untag_resource;

use gateway::Route;

/// Every operation of this room.
pub static OPERATIONS: &[Route] = &[
    Route::of::<add_permission::AddPermission>(),
    Route::of::<confirm_subscription::ConfirmSubscription>(),
    Route::of::<create_topic::CreateTopic>(),
    Route::of::<delete_topic::DeleteTopic>(),
    Route::of::<get_subscription_attributes::GetSubscriptionAttributes>(),
    Route::of::<get_topic_attributes::GetTopicAttributes>(),
    Route::of::<list_subscriptions::ListSubscriptions>(),
    Route::of::<list_subscriptions_by_topic::ListSubscriptionsByTopic>(),
    Route::of::<list_tags_for_resource::ListTagsForResource>(),
    Route::of::<list_topics::ListTopics>(),
    Route::of::<publish::Publish>(),
    Route::of::<publish_batch::PublishBatch>(),
    Route::of::<remove_permission::RemovePermission>(),
    Route::of::<set_subscription_attributes::SetSubscriptionAttributes>(),
    Route::of::<set_topic_attributes::SetTopicAttributes>(),
    Route::of::<subscribe::Subscribe>(),
    Route::of::<tag_resource::TagResource>(),
    Route::of::<unsubscribe::Unsubscribe>(),
    Route::of::<untag_resource::UntagResource>(),
];
