//! SNS as other rooms ask it: the same operation, decided and recorded like any other call.

use crate::{
    SnsError,
    error::Missing,
    model::TopicRef,
    ops::{
        publish::{Input, Publish},
        queue,
    },
    table,
};
use base::{Arn, Fault};
use gateway::{
    Boxed, CallFailure, Ctx, PortRefusal, QueryForm, Txn,
    ctx::{By, Inner},
    pipeline::{probe, reenter},
    ports::{ServiceMessage, Topics},
};
use wire::ServiceName;

/// This room, for the composition root to wire.
pub struct SnsTopics;

fn refused(ctx: &Ctx, error: &SnsError) -> PortRefusal {
    let failure = CallFailure::of(error, ServiceName::Sns, &ctx.request_id);
    PortRefusal::from_failure(ServiceName::Sns, failure)
}

/// Where the inner call acts: at the topic.
fn inner(ctx: &Ctx, by: By, topic: &Arn) -> Result<(Inner, TopicRef), PortRefusal> {
    let at = TopicRef::parse("TopicArn", topic.as_str()).map_err(|error| refused(ctx, &error))?;
    let inner = Inner {
        by,
        account: at.account,
        region: at.region.clone(),
    };
    Ok((inner, at))
}

impl Topics for SnsTopics {
    fn publish<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        topic: &'a Arn,
        message: ServiceMessage,
    ) -> Boxed<'a, Result<String, PortRefusal>> {
        Box::pin(async move {
            let (inner, _) = inner(ctx, by, topic)?;
            let input = QueryForm(Input::of(topic.as_str(), message.subject, message.message));
            let output = reenter::<Publish>(ctx, txn, inner, input).await?;
            Ok(output.0.message_id)
        })
    }

    fn may_publish<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        topic: &'a Arn,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async move {
            let (place, at) = inner(ctx, by.clone(), topic)?;
            let input = QueryForm(Input::of(topic.as_str(), None, "probe".to_owned()));
            probe::<Publish>(ctx, txn, place, input).await?;
            let found = table::topic(&txn.view(), &at).await;
            let found = found.map_err(|fault: Fault| ctx.port_fault(ServiceName::Sns, &fault))?;
            let found = found.ok_or_else(|| refused(ctx, &SnsError::NotFound(Missing::Topic)))?;
            let used = queue::data_key_for(ctx, txn, by, &found).await;
            used.map(drop).map_err(|error| refused(ctx, &error))
        })
    }
}
