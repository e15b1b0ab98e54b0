//! Subscribe: asks an endpoint whether it wants a topic's messages.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>

use super::{
    attributes, find, queue,
    shapes::{Entries, Pair},
    tokens,
};
use crate::{
    SnsError,
    model::{
        Kind, Protocol, Subscription, SubscriptionRef, TopicRef,
        endpoint::{Endpoint, permits},
        filter::FilterScope,
    },
    resolve::Resolver,
    table,
};
use gateway::{Body, Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct Subscribe;

/// A name that is not resolved within this time is taken for one that is not.
const RESOLVE_TIME_MAX: Duration = Duration::from_secs(3);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    topic_arn: String,
    protocol: String,
    endpoint: Option<String>,
    #[serde(default)]
    attributes: Entries<Pair>,
    #[serde(default)]
    return_subscription_arn: bool,
}

/// Whether the endpoint is somewhere where messages may be sent to.
type Reachable = bool;

impl Input {
    fn endpoint(&self) -> Result<Endpoint, SnsError> {
        Endpoint::parse(Protocol::parse(&self.protocol)?, self.endpoint.as_deref().unwrap_or(""))
    }

    fn subscription(&self, ctx: &Ctx, topic: &TopicRef) -> Result<Subscription, SnsError> {
        let mut new = Subscription {
            at: SubscriptionRef {
                topic: topic.clone(),
                id: base::ids::uuid(ctx.random()),
            },
            owner: ctx.account,
            principal: ctx.caller.principal().arn().unwrap_or_default(),
            endpoint: self.endpoint()?,
            created: ctx.now(),
            confirmed: None,
            raw: false,
            filter_policy: None,
            filter_scope: FilterScope::default(),
            delivery_policy: None,
        };
        for (name, value) in self.attributes.pairs() {
            attributes::set_on_subscription(&mut new, name, value, "Attributes Reason: ")?;
        }
        attributes::check_filter(&new, "Attributes Reason: ")?;
        Ok(new)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("topicArn", &self.topic_arn)
            .text("protocol", &self.protocol)
            .maybe_text("endpoint", self.endpoint.as_deref());
        self.attributes
            .evident(params)
            .flag("returnSubscriptionArn", self.return_subscription_arn)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    subscription_arn: String,
}

impl Output {
    fn of(subscription: &Subscription, named: bool) -> Output {
        let arn = match named {
            true => subscription.at.arn().as_str().to_owned(),
            false => "pending confirmation".to_owned(),
        };
        Output { subscription_arn: arn }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("subscriptionArn", &self.subscription_arn)
    }
}

/// Whether a host is at an address that is sent to. Delivery asks again, of the address that it then connects to.
async fn is_reachable(ctx: &Ctx, endpoint: &Endpoint) -> Reachable {
    let setting = ctx.settings().sns_endpoints;
    let resolver = ctx.world().kept::<Resolver>();
    match tokio::time::timeout(RESOLVE_TIME_MAX, resolver.resolve(setting, endpoint)).await {
        Ok(Ok(found)) => found.iter().any(|address| permits(setting, address.ip())),
        _ => false,
    }
}

impl Operation for Subscribe {
    const NAME: &'static str = "Subscribe";
    const SERVICE: ServiceName = ServiceName::Sns;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const STAGED: bool = true;
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = SnsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, SnsError> {
        let (at, protocol) = (
            find::here(ctx, "TopicArn", &input.topic_arn)?,
            Protocol::parse(&input.protocol)?,
        );
        let demand = find::demand(ctx, view, "SNS:Subscribe", &at).await?;
        let endpoint = input.endpoint.as_deref().unwrap_or("");
        Ok(demand
            .with("sns:Protocol", protocol.as_str())
            .with("sns:Endpoint", endpoint)
            .into())
    }

    async fn stage(ctx: &Ctx, _: &mut Txn, input: &Authorized<Self::Input>, _: Body) -> Result<Staged, SnsError> {
        Ok(Staged::of(is_reachable(ctx, &input.endpoint()?).await))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, SnsError> {
        let at = find::here(ctx, "TopicArn", &input.topic_arn)?;
        let view = txn.view();
        let topic = find::topic(&view, &at).await?;
        let mut new = input.subscription(ctx, &topic.at)?;
        if !*staged.get::<Reachable>()? {
            return Err(SnsError::invalid(format!(
                "Endpoint Reason: {} is at no address that this server sends messages to (its setting sns_endpoints is {})",
                new.endpoint.host,
                ctx.settings().sns_endpoints.as_str()
            )));
        }
        let others = find::others(&view, &new).await?;
        if let Some(existing) = &others.same {
            let same = Subscription {
                at: existing.at.clone(),
                principal: existing.principal.clone(),
                endpoint: existing.endpoint.clone(),
                created: existing.created,
                confirmed: existing.confirmed.clone(),
                ..new.clone()
            };
            if same != *existing && !input.attributes.entry.is_empty() {
                return Err(SnsError::invalid(
                    "Attributes Reason: Subscription already exists with different attributes",
                ));
            }
            if existing.confirmed.is_some() {
                return Ok(QueryResult(Output::of(existing, true)));
            }
            // It is asked again once it was asked.
            if table::is_being_asked(&view, &existing.at).await? {
                return Ok(QueryResult(Output::of(existing, input.return_subscription_arn)));
            }
            new = Subscription {
                created: ctx.now(),
                ..existing.clone()
            };
        } else {
            others.check_room(&new)?;
        }
        table::put_subscription(txn, &new);
        let token = tokens::make(ctx, txn, &topic, &new, None);
        let message = queue::confirmation(ctx, txn, &topic, &new, Kind::SubscriptionConfirmation, token).await?;
        table::put_asked(txn, &new.at, message);
        Ok(QueryResult(Output::of(&new, input.return_subscription_arn)))
    }
}
