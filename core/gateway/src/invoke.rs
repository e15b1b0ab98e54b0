//! The same door for calls that rooms make on operations that they know by name only: see [`crate::calls`].

use crate::{
    Body, Call, CallFailure, Ctx, Operation, PortRefusal, RenderCtx, Reply, Txn,
    authorise::authorise,
    ctx::Inner,
    event::{Outcome, event_of},
    operation::{Parse, Render},
    pipeline::{attempt, nested, note_owner, unparsed},
    refused::auth_reply,
    session,
};
use record::Evident;
use std::sync::Arc;

/// A call that a room makes on an operation that it knows by name only, as a client would write it: parsed, then as
/// [`crate::pipeline::reenter`] with whatever the operation stages. Answered with the id of the call.
pub(crate) async fn invoke<O: Operation>(
    outer: &Ctx,
    txn: &mut Txn,
    inner: Inner,
    call: Call,
) -> (String, Result<Reply, PortRefusal>) {
    let ctx = match outer.inner(O::SERVICE, inner) {
        Ok(ctx) => ctx,
        Err(fault) => return (String::new(), Err(outer.port_fault(O::SERVICE, &fault))),
    };
    if let Some(caller) = ctx.caller.signed()
        && !session::reaches(caller, O::SERVICE, O::NAME)
    {
        // As at the front door: no call, and so no event.
        let failure = CallFailure::reply(auth_reply(O::SERVICE, &session::unknown(caller)));
        return (ctx.request_id, Err(PortRefusal::from_failure(O::SERVICE, failure)));
    }
    let result = match O::Input::parse(&call) {
        Ok(input) => nested_with_stage::<O>(&ctx, txn, input).await,
        Err(reply) => {
            let failure = CallFailure::reply(reply);
            note_owner(&ctx, &call).await;
            if let Some(event) = event_of::<O>(&ctx, unparsed(&call), Outcome::Failed(&failure)) {
                txn.emit(event);
            }
            Err(PortRefusal::from_failure(O::SERVICE, failure))
        }
    };
    outer.notes_denials_of(&ctx);
    let reply = result.map(|output| {
        let render = RenderCtx {
            service: O::SERVICE,
            operation: O::NAME,
            request_id: &ctx.request_id,
        };
        output.render(&render)
    });
    (ctx.request_id, reply)
}

async fn nested_with_stage<O: Operation>(ctx: &Ctx, txn: &mut Txn, input: O::Input) -> Result<O::Output, PortRefusal> {
    if !O::STAGED {
        return nested::<O>(ctx, txn, input).await;
    }
    let input = Arc::new(input);
    let (savepoint, ingested) = (txn.savepoint(), txn.ingested());
    let staged = match authorise::<O>(ctx, txn, Arc::clone(&input)).await {
        Ok(authorized) => O::stage(ctx, txn, &authorized, Body::empty())
            .await
            .map_err(|error| CallFailure::of(&error, O::SERVICE, &ctx.request_id)),
        Err(failure) => Err(failure),
    };
    // Of staging only the events are kept, whichever way it went.
    txn.rollback_to(savepoint);
    txn.forget_ingested_after(ingested);
    let result = match staged {
        Ok(staged) => {
            ctx.reset_notes();
            attempt::<O>(ctx, txn, input, &staged).await
        }
        Err(failure) => {
            if let Some(event) = event_of::<O>(ctx, input.evident(), Outcome::Failed(&failure)) {
                txn.emit(event);
            }
            Err(failure)
        }
    };
    result.map_err(|failure| {
        txn.rollback_to(savepoint);
        txn.forget_ingested_after(ingested);
        PortRefusal::from_failure(O::SERVICE, failure)
    })
}
