//! Subscriptions as listings show them.

use crate::model::Subscription;
use record::{Evident, Params};
use serde::Serialize;

/// A page of subscriptions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SubscriptionPage {
    subscriptions: Vec<Listed>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    subscription_arn: String,
    owner: String,
    protocol: &'static str,
    endpoint: String,
    topic_arn: String,
}

impl SubscriptionPage {
    pub(super) fn of(all: impl Iterator<Item = Subscription>, next_token: Option<String>) -> SubscriptionPage {
        let listed = |subscription: Subscription| Listed {
            subscription_arn: subscription.listed_arn(),
            owner: subscription.owner.to_string(),
            protocol: subscription.endpoint.protocol.as_str(),
            topic_arn: subscription.at.topic.arn().as_str().to_owned(),
            endpoint: subscription.endpoint.url,
        };
        SubscriptionPage {
            subscriptions: all.map(listed).collect(),
            next_token,
        }
    }
}

impl Evident for SubscriptionPage {
    fn evident(&self) -> Params {
        Params::new()
    }
}
