//! From ARNs to topics and subscriptions, and to the demands of calls on them.

use crate::{
    SnsError,
    error::Missing,
    model::{
        Subscription, SubscriptionRef, Topic, TopicRef,
        subscription::{FILTER_POLICIES_PER_TOPIC_MAX, SUBSCRIPTIONS_PER_TOPIC_MAX},
    },
    table,
};
use base::Fault;
use gateway::{Caller, Ctx, Demand};
use policy::{Policy, PolicyKind, ResourceKind};
use std::sync::Arc;
use store::ReadView;

/// How records name a topic's type.
pub(super) const TOPIC_TYPE: &str = "AWS::SNS::Topic";

/// Reads the ARN of a topic of this call's Region.
pub(super) fn here(ctx: &Ctx, parameter: &str, text: &str) -> Result<TopicRef, SnsError> {
    let topic = TopicRef::parse(parameter, text)?;
    match topic.region == ctx.region {
        true => Ok(topic),
        false => Err(SnsError::invalid(parameter)),
    }
}

/// Reads the ARN of a subscription of this call's Region.
pub(super) fn subscription_here(ctx: &Ctx, text: &str) -> Result<SubscriptionRef, SnsError> {
    let at = SubscriptionRef::parse(text)?;
    match at.topic.region == ctx.region {
        true => Ok(at),
        false => Err(SnsError::invalid("SubscriptionArn")),
    }
}

/// The topic.
pub(super) async fn topic(view: &ReadView<'_>, at: &TopicRef) -> Result<Topic, SnsError> {
    table::topic(view, at).await?.ok_or(SnsError::NotFound(Missing::Topic))
}

/// The subscription.
pub(super) async fn subscription(view: &ReadView<'_>, at: &SubscriptionRef) -> Result<Subscription, SnsError> {
    table::subscription(view, at)
        .await?
        .ok_or(SnsError::NotFound(Missing::Subscription))
}

/// The stored policy of a topic. One that does not parse is corruption, so that a broken `Deny` opens no door.
fn policy_of(topic: &Topic) -> Result<Arc<Policy>, Fault> {
    Policy::parse_composed(&topic.policy, PolicyKind::TopicPolicy)
        .map(Arc::new)
        .map_err(|error| Fault::corrupt_by("the policy of a topic", error))
}

/// The demand of a call on a topic. Of a topic that is not there its account decides; a service is told that at once.
pub(super) async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    at: &TopicRef,
) -> Result<Demand, SnsError> {
    let found = table::topic(view, at).await?;
    let demand = Demand::on(action, at.arn());
    match found {
        Some(topic) => {
            let demand = demand.guarded(ResourceKind::Other, at.account, Some(policy_of(&topic)?));
            Ok(topic.tags.iter().fold(demand, |demand, (key, value)| {
                demand.with(format!("aws:ResourceTag/{key}"), value)
            }))
        }
        None if matches!(ctx.caller, Caller::Service(_)) => Err(SnsError::NotFound(Missing::Topic)),
        None => {
            let mut demand = demand.guarded(ResourceKind::Other, at.account, None);
            demand.absent = true;
            Ok(demand)
        }
    }
}

/// The demand of a call on a subscription: of its owner's, whose own policies decide, or else on its topic.
pub(super) async fn demand_on_subscription(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    at: &SubscriptionRef,
) -> Result<Demand, SnsError> {
    let found = table::subscription(view, at).await?;
    match found.filter(|subscription| ctx.caller.account() == Some(subscription.owner)) {
        Some(subscription) if subscription.owner != at.topic.account => {
            Ok(Demand::on(action, at.topic.arn()).guarded(ResourceKind::Other, subscription.owner, None))
        }
        _ => demand(ctx, view, action, &at.topic).await,
    }
}

/// The other subscriptions of a topic, as one more of it sees them.
pub(super) struct Others {
    /// That of the same owner to the same endpoint.
    pub(super) same: Option<Subscription>,
    count: usize,
    filtered: usize,
}

/// Reads what there is beside a subscription, a page at a time.
pub(super) async fn others(view: &ReadView<'_>, of: &Subscription) -> Result<Others, Fault> {
    let mut others = Others {
        same: None,
        count: 0,
        filtered: 0,
    };
    let mut after: Option<String> = None;
    loop {
        let page = table::subscriptions(view, &of.at.topic, after.as_deref(), table::PAGE).await?;
        let is_last = page.len() < table::PAGE;
        after = page.last().map(|last| last.at.id.clone());
        for other in page.into_iter().filter(|other| other.at.id != of.at.id) {
            others.count += 1;
            others.filtered += usize::from(other.filter_policy.is_some());
            if other.endpoint.url == of.endpoint.url && other.owner == of.owner {
                others.same = others.same.or(Some(other));
            }
        }
        if is_last {
            return Ok(others);
        }
    }
}

impl Others {
    /// Whether one more fits beside them.
    pub(super) fn check_room(&self, of: &Subscription) -> Result<(), SnsError> {
        if self.count >= SUBSCRIPTIONS_PER_TOPIC_MAX {
            return Err(SnsError::SubscriptionLimitExceeded);
        }
        match of.filter_policy.is_some() && self.filtered >= FILTER_POLICIES_PER_TOPIC_MAX {
            true => Err(SnsError::FilterPolicyLimitExceeded),
            false => Ok(()),
        }
    }
}
