//! Services that act under roles: the same AssumeRole, decided by the role's trust policy and recorded.

use super::IdentityStore;
use crate::ops::assume_role::{AssumeRole, Input};
use base::{Fault, Region};
use gateway::{
    Boxed, Ctx, PortRefusal, QueryForm, RoleSession, ServiceCaller, Txn,
    ctx::{By, Inner},
    pipeline::reenter,
    ports::Roles,
};
use wire::ServiceName;

impl Roles for IdentityStore {
    fn assume_role<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        service: ServiceCaller,
        region: Region,
        role: &'a str,
        session_name: &'a str,
    ) -> Boxed<'a, Result<RoleSession, PortRefusal>> {
        Box::pin(async move {
            let inner = Inner {
                by: By::Service(service.clone()),
                account: service.source_account,
                region,
            };
            let input = QueryForm(Input::of_service(role, session_name));
            let assumed = reenter::<AssumeRole>(ctx, txn, inner, input).await?.0;
            let found = self
                .find_session(ctx.world(), &txn.view(), assumed.access_key_id())
                .await;
            let made = found.and_then(|found| found.ok_or(Fault::Bug("a role that was assumed has no session")));
            let credential = made.map_err(|fault| ctx.port_fault(ServiceName::Sts, &fault))?;
            Ok(RoleSession {
                caller: std::sync::Arc::clone(&credential.caller),
                service,
            })
        })
    }
}
