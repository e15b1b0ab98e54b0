//! The rooms that these tests have no use for: a call on one fails.

use super::Others;
use base::{Arn, Fault, Region};
use gateway::{
    Boxed, Ctx, PortRefusal, RoleSession, ServiceCaller, Txn,
    ctx::By,
    ports::{LogEvent, Logs, Roles},
};
use store::ReadView;
use wire::ServiceName;

fn absent(ctx: &Ctx, service: ServiceName) -> PortRefusal {
    ctx.port_fault(service, &Fault::Bug("this room is not here"))
}

impl Roles for Others {
    fn assume_role<'a>(
        &'a self,
        ctx: &'a Ctx,
        _: &'a mut Txn,
        _: ServiceCaller,
        _: Region,
        _: &'a str,
        _: &'a str,
    ) -> Boxed<'a, Result<RoleSession, PortRefusal>> {
        Box::pin(async { Err(absent(ctx, ServiceName::Sts)) })
    }
}

impl Logs for Others {
    fn exists<'a>(&'a self, _: &'a ReadView<'a>, _: &'a Arn) -> Boxed<'a, Result<bool, Fault>> {
        Box::pin(async { Ok(false) })
    }

    fn check<'a>(
        &'a self,
        ctx: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async { Err(absent(ctx, ServiceName::Logs)) })
    }

    fn put_events<'a>(
        &'a self,
        ctx: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: &'a str,
        _: Vec<LogEvent>,
    ) -> Boxed<'a, Result<usize, PortRefusal>> {
        Box::pin(async { Err(absent(ctx, ServiceName::Logs)) })
    }
}
