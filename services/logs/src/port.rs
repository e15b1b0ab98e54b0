//! CloudWatch Logs as other rooms ask it.

use base::{Arn, Fault};
use gateway::{
    Boxed, Ctx, PortRefusal, Txn,
    ctx::By,
    ports::{LogEvent, Logs},
};
use store::ReadView;
use wire::ServiceName;

/// This room, for the composition root to wire. No operation makes a log group yet, so there is none.
pub struct LogGroups;

fn no_such_group() -> PortRefusal {
    PortRefusal {
        service: ServiceName::Logs,
        code: "ResourceNotFoundException".to_owned(),
        message: "The specified log group does not exist.".to_owned(),
        status: 400,
        denied: false,
    }
}

impl Logs for LogGroups {
    fn exists<'a>(&'a self, _: &'a ReadView<'a>, _: &'a Arn) -> Boxed<'a, Result<bool, Fault>> {
        Box::pin(async { Ok(false) })
    }

    fn check<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async { Err(no_such_group()) })
    }

    fn put_events<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: &'a str,
        _: Vec<LogEvent>,
    ) -> Boxed<'a, Result<usize, PortRefusal>> {
        Box::pin(async { Err(no_such_group()) })
    }
}
