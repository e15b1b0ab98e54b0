//! PutResourcePolicy: who else may put events into a channel.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutResourcePolicy.html>

use super::resource_policy::{GuardedResource, demand_on, find, shown};
use crate::{ChannelError, model::channel_policy, table::channels};
use base::arn;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn, principals};
use policy::{Authorized, Policy};
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutResourcePolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    resource_arn: String,
    resource_policy: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("resourceArn", &self.resource_arn)
            .text("resourcePolicy", &self.resource_policy)
    }
}

/// Refuses a policy that names an account, user or role that is not there.
async fn check_principals(ctx: &Ctx, view: &ReadView<'_>, policy: &Policy) -> Result<(), ChannelError> {
    let identities = &ctx.world().ports()?.identities;
    let accounts = policy.named_accounts().map(|account| arn::root(account).to_string());
    // Sessions come and go; what can be asked for are accounts, users and roles.
    let lasting = |name: &&str| arn::split(name).is_some_and(|parts| parts.service == "iam");
    let named = policy.named_principals().filter(lasting).map(str::to_owned);
    for name in named.chain(accounts) {
        if !identities.exists(view, &name).await? {
            let text = format!("The policy contains a principal that is not valid: {name}");
            return Err(ChannelError::ResourcePolicyNotValid(text));
        }
    }
    Ok(())
}

impl Operation for PutResourcePolicy {
    const NAME: &'static str = "PutResourcePolicy";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "policies of event data stores and dashboards";
    type Input = Json<Input>;
    type Output = Json<GuardedResource>;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ChannelError> {
        demand_on(ctx, view, "cloudtrail:PutResourcePolicy", &input.resource_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        let mut channel = find(ctx, &txn.view(), &input.resource_arn).await?;
        let policy = channel_policy::parse(&input.resource_policy, channel.arn().as_str())
            .map_err(ChannelError::ResourcePolicyNotValid)?;
        check_principals(ctx, &txn.view(), &policy).await?;
        channel.policy = Some(principals::to_ids(ctx, &txn.view(), &input.resource_policy).await?);
        channels::put(txn, &channel);
        Ok(Json(shown(ctx, &txn.view(), &channel).await?))
    }
}
