//! Asks an operation what it needs, and the policies whether the one who asks may.
//!
//! [`Asker`] is everything about who asks that a decision hangs on; the pipeline makes it of the call's caller, rooms of a
//! caller whose next call they must foresee (a key policy's lockout check) or of any principal (who could read this?).

use crate::{
    CallFailure, Caller, Ctx, Demand, Demands, Operation, Settings, Txn,
    decision::{self, Denied},
    ports::Rights,
};
use base::{AccountId, Fault};
use policy::{Authorized, Check, Context, Decision, Policies, Policy, Principal, Request};
use std::sync::Arc;
use store::ReadView;

/// Who asks, with all they hold and the condition keys that each of their demands has.
pub struct Asker {
    principal: Principal,
    rights: Arc<Rights>,
    session_policies: Option<Vec<Arc<Policy>>>,
    context: Context,
}

impl Asker {
    /// The caller of a call.
    pub async fn of(ctx: &Ctx, view: &ReadView<'_>) -> Result<Asker, Fault> {
        let principal = ctx.caller.principal();
        let rights = ctx.world.ports()?.identities.rights(view, &principal).await?;
        let mut context = Context::of(&principal);
        set_place(&mut context, ctx);
        set_caller(&mut context, ctx);
        let session = ctx.caller.signed().and_then(|caller| caller.session.as_deref());
        set_tags(&mut context, &rights.tags);
        if let Some(session) = session {
            set_tags(&mut context, &session.tags);
            context.set("aws:TokenIssueTime", session.issued.iso8601());
            context.set("aws:MultiFactorAuthPresent", if session.mfa { "true" } else { "false" });
            if let Some(identity) = &session.source_identity {
                context.set("aws:SourceIdentity", identity.as_str());
            }
        }
        set_organization(&mut context, &ctx.world.settings, &principal);
        Ok(Asker {
            session_policies: session.and_then(|session| session.policies.clone()),
            principal,
            rights,
            context,
        })
    }

    /// A principal that might call: over TLS, itself, with no session policy, from no known address.
    pub fn supposed(settings: &Settings, principal: Principal, rights: Arc<Rights>, more: Context) -> Asker {
        let mut context = Context::of(&principal);
        context.set("aws:SecureTransport", "true");
        context.set("aws:ViaAWSService", "false");
        set_tags(&mut context, &rights.tags);
        set_organization(&mut context, settings, &principal);
        for (key, values) in more.iter() {
            context.set_all(key.to_owned(), values.iter().map(String::as_str));
        }
        Asker {
            principal,
            rights,
            session_policies: None,
            context,
        }
    }

    /// Who asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Puts a demand before its judges. `account` owns what has no owner of its own.
    pub fn check<T>(
        &self,
        settings: &Settings,
        account: AccountId,
        demand: &Demand,
        judge: impl FnOnce(&Check<'_>) -> T,
    ) -> T {
        let context = self.context_of(settings, account, demand);
        judge(&self.check_in(settings, account, demand, &context))
    }

    /// Decides a demand.
    pub fn decide(&self, settings: &Settings, account: AccountId, demand: &Demand) -> Decision {
        self.check(settings, account, demand, |check| {
            policy::decide(&check.request, &check.policies)
        })
    }

    fn context_of(&self, settings: &Settings, account: AccountId, demand: &Demand) -> Context {
        let mut context = self.context.clone();
        for (key, values) in &demand.context {
            context.set_all(key.clone(), values.iter().map(String::as_str));
        }
        let owner = demand.owner.unwrap_or(account);
        context.set("aws:ResourceAccount", owner.as_str());
        let organization = settings.organization.as_ref();
        if let Some((organization, member)) = organization.and_then(|all| Some((all, all.member(Some(owner))?))) {
            context.set("aws:ResourceOrgID", organization.id.as_str());
            context.set_all("aws:ResourceOrgPaths", [member.path.as_str()]);
        }
        context
    }

    fn check_in<'a>(
        &'a self,
        settings: &'a Settings,
        account: AccountId,
        demand: &'a Demand,
        context: &'a Context,
    ) -> Check<'a> {
        let owner = demand.owner.unwrap_or(account);
        let organization = settings.organization.as_ref();
        Check {
            request: Request {
                principal: &self.principal,
                action: demand.action,
                resource: demand.resource.as_str(),
                owner: Some(owner),
                kind: demand.kind,
                context,
            },
            policies: Policies {
                identity: &self.rights.identity,
                boundary: self.rights.boundary.as_deref(),
                session: self.session_policies.as_deref(),
                resource: demand.resource_policy.as_deref(),
                service_control: organization.map_or(&[], |all| all.service_control(&self.principal)),
                resource_control: organization
                    .filter(|_| !demand.uncontrolled)
                    .map_or(&[], |all| all.resource_control(demand.action, owner)),
                grants: &demand.grants,
            },
        }
    }
}

fn set_tags(context: &mut Context, tags: &[(String, String)]) {
    for (key, value) in tags {
        context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
    }
}

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
fn set_place(context: &mut Context, ctx: &Ctx) {
    let now = ctx.now();
    context.set("aws:CurrentTime", now.iso8601());
    context.set("aws:EpochTime", now.as_secs().to_string());
    context.set("aws:RequestedRegion", ctx.region.as_str());
    context.set("aws:SecureTransport", if ctx.source.secure { "true" } else { "false" });
}

fn set_caller(context: &mut Context, ctx: &Ctx) {
    context.set("aws:ViaAWSService", "false");
    match &ctx.caller {
        Caller::Anonymous | Caller::Signed(_) => {
            context.set("aws:SourceIp", ctx.source.address.as_str());
            if !ctx.source.user_agent.is_empty() {
                context.set("aws:UserAgent", ctx.source.user_agent.as_str());
            }
            if let Some(referer) = &ctx.source.referer {
                context.set("aws:Referer", referer.as_str());
            }
        }
        Caller::Forwarded { services, .. } => {
            context.set("aws:ViaAWSService", "true");
            context.set_all("aws:CalledVia", services.iter().copied());
            if let (Some(first), Some(last)) = (services.first(), services.last()) {
                context.set("aws:CalledViaFirst", *first);
                context.set("aws:CalledViaLast", *last);
            }
        }
        // A role in a service's hands: no client's address, and nobody on whose behalf.
        Caller::Role(_) => {}
        Caller::Service(service) => {
            if let Some(arn) = &service.source_arn {
                context.set("aws:SourceArn", arn.as_str());
            }
            context.set("aws:SourceAccount", service.source_account.as_str());
            let organization = ctx.world.settings.organization.as_ref();
            let source = Some(service.source_account);
            if let Some((organization, member)) = organization.and_then(|all| Some((all, all.member(source)?))) {
                context.set("aws:SourceOrgID", organization.id.as_str());
                context.set_all("aws:SourceOrgPaths", [member.path.as_str()]);
            }
        }
    }
}

fn set_organization(context: &mut Context, settings: &Settings, principal: &Principal) {
    let organization = settings.organization.as_ref();
    if let Some((organization, member)) = organization.and_then(|all| Some((all, all.member(principal.account())?))) {
        context.set("aws:PrincipalOrgID", organization.id.as_str());
        context.set_all("aws:PrincipalOrgPaths", [member.path.as_str()]);
    }
}

/// Whether the caller could do this too, decided as the call itself would be: for rooms that must foresee a call.
pub async fn would_allow(ctx: &Ctx, view: &ReadView<'_>, demand: &Demand) -> Result<bool, Fault> {
    let asker = Asker::of(ctx, view).await?;
    Ok(asker.decide(&ctx.world.settings, ctx.account, demand).is_allowed())
}

/// Authorises a call, or refuses it in AWS's words and notes why.
pub(crate) async fn authorise<O: Operation>(
    ctx: &Ctx,
    txn: &Txn,
    input: Arc<O::Input>,
) -> Result<Authorized<O::Input>, CallFailure> {
    let view = txn.view();
    let failed = |fault: Fault| CallFailure::fault(&fault, O::SERVICE, &ctx.request_id);
    let demands = O::demands(ctx, &view, &input)
        .await
        .map_err(|error| CallFailure::of(&error, O::SERVICE, &ctx.request_id))?;
    let demands = match demands {
        Demands::Exempt(exemption) => return Ok(policy::authorize_exempt(input, exemption)),
        Demands::All(demands) => demands,
    };
    crate::event::note_demands(ctx, &demands);
    let asker = Asker::of(ctx, &view).await.map_err(failed)?;
    let settings = &ctx.world.settings;
    let contexts: Vec<Context> = demands
        .iter()
        .map(|demand| asker.context_of(settings, ctx.account, demand))
        .collect();
    let checks: Vec<Check<'_>> = demands
        .iter()
        .zip(&contexts)
        .map(|(demand, context)| asker.check_in(settings, ctx.account, demand, context))
        .collect();
    let refusal = match policy::authorize(input, &checks) {
        Ok(authorized) => return Ok(authorized),
        Err(refusal) => refusal,
    };
    let refused = demands.get(refusal.check).zip(checks.get(refusal.check));
    // What has no room among the denials that are kept is not worked out either.
    if let Some((_, check)) = refused.filter(|_| ctx.has_room_for_denials()) {
        let denied = Arc::new(Denied::of(ctx, O::NAME, check));
        ctx.notes().denials.push(denied);
    }
    let sealed = decision::encoded(ctx, &view).await.map_err(failed)?;
    let demand = refused.map(|(demand, _)| demand);
    Err(crate::event::denied(
        ctx,
        demand,
        &asker.principal,
        &refusal.denial,
        sealed,
    ))
}
