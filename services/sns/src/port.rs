//! SNS as other rooms ask it.

use crate::error::{Missing, SnsError};
use base::Arn;
use gateway::{
    Boxed, CallFailure, Ctx, PortRefusal, Txn,
    ctx::By,
    ports::{ServiceMessage, Topics},
};
use wire::ServiceName;

/// This room, for the composition root to wire.
pub struct SnsTopics;

fn no_topic(ctx: &Ctx) -> PortRefusal {
    let error = SnsError::NotFound(Missing::Topic);
    PortRefusal::from_failure(
        ServiceName::Sns,
        CallFailure::of(&error, ServiceName::Sns, &ctx.request_id),
    )
}

impl Topics for SnsTopics {
    fn publish<'a>(
        &'a self,
        ctx: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: ServiceMessage,
    ) -> Boxed<'a, Result<String, PortRefusal>> {
        Box::pin(async move { Err(no_topic(ctx)) })
    }

    fn may_publish<'a>(
        &'a self,
        ctx: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async move { Err(no_topic(ctx)) })
    }
}
