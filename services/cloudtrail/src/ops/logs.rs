//! A trail's log group: whether its role may be assumed and may write there.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/send-cloudtrail-events-to-cloudwatch-logs.html>

use super::{as_cloudtrail, create_trail::Input};
use crate::{
    CloudTrailError,
    model::trail::{LogsTarget, Trail},
};
use base::{Arn, Fault};
use gateway::{Ctx, Demand, PortRefusal, RoleSession, Txn, ctx::By};

/// The session's name in AWS's records.
const SESSION: &str = "CLOUDWATCH_LOGS_DELIVERY_SESSION";

const ROLE_WITHOUT_GROUP: &str = "You must specify a log group as well as a role ARN.";
const GROUP_WITHOUT_ROLE: &str = "You must specify a role ARN as well as a log group.";
const GROUP_UNKNOWN: &str = "CloudTrail cannot validate the specified log group ARN.";
const GROUP_DENIED: &str = "Access denied. Check the permissions for your role.";
const ROLE_DENIED: &str = "Access denied. Check the trust relationships for your role.";

/// Whoever gives CloudTrail a role must be allowed to pass it.
pub(super) fn pass_role(input: &Input) -> Option<Demand> {
    let role = Arn::parse(input.cloud_watch_logs_role_arn.as_deref()?)?;
    let demand = Demand::on("iam:PassRole", role);
    Some(demand.with("iam:PassedToService", super::PRINCIPAL))
}

/// What the trail has, as the input changes it: an absent member leaves it, an empty one takes it away.
fn target(trail: &Trail, input: &Input) -> Result<Option<LogsTarget>, CloudTrailError> {
    let changed = |given: &Option<String>, own: Option<&str>| {
        let text = given.as_deref().or(own)?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let own = trail.logs.as_ref();
    let group = changed(
        &input.cloud_watch_logs_log_group_arn,
        own.map(|logs| logs.group.as_str()),
    );
    let role = changed(&input.cloud_watch_logs_role_arn, own.map(|logs| logs.role.as_str()));
    match (group, role) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(CloudTrailError::InvalidCloudWatchLogsRoleArn(GROUP_WITHOUT_ROLE)),
        (None, Some(_)) => Err(CloudTrailError::InvalidCloudWatchLogsLogGroupArn(ROLE_WITHOUT_GROUP)),
        (Some(group), Some(role)) => {
            let group =
                group_of(trail, &group).ok_or(CloudTrailError::InvalidCloudWatchLogsLogGroupArn(GROUP_UNKNOWN))?;
            Ok(Some(LogsTarget { group, role }))
        }
    }
}

/// A group of the trail's account in its home Region: `arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*`.
fn group_of(trail: &Trail, text: &str) -> Option<Arn> {
    let arn = Arn::parse(text)?;
    let parts = arn.parts();
    let name = parts.resource.strip_prefix("log-group:")?.strip_suffix(":*")?;
    let own = parts.service == "logs" && parts.region == trail.home.as_str() && parts.account == trail.account.as_str();
    (own && !name.is_empty()).then(|| arn.clone())
}

/// Sets the trail's log group and role as the input says, and proves that the group is there, that the role can be assumed,
/// and that it may make and write the stream.
pub(super) async fn check(ctx: &Ctx, txn: &mut Txn, trail: &mut Trail, input: &Input) -> Result<(), CloudTrailError> {
    trail.logs = target(trail, input)?;
    let Some(logs) = &trail.logs else {
        return Ok(());
    };
    let session = assume(ctx, txn, trail, &logs.role)
        .await?
        .map_err(|_| CloudTrailError::InvalidCloudWatchLogsRoleArn(ROLE_DENIED))?;
    let port = &ctx.world().ports()?.logs;
    if !port.exists(&txn.view(), &logs.group).await? {
        return Err(CloudTrailError::InvalidCloudWatchLogsLogGroupArn(GROUP_UNKNOWN));
    }
    port.check(ctx, txn, By::Role(session), &logs.group, &trail.log_stream())
        .await
        .map_err(|_| CloudTrailError::InvalidCloudWatchLogsLogGroupArn(GROUP_DENIED))
}

/// Assumes the trail's role, as CloudTrail on behalf of the trail, in its home Region.
pub(crate) async fn assume(
    ctx: &Ctx,
    txn: &mut Txn,
    trail: &Trail,
    role: &str,
) -> Result<Result<RoleSession, PortRefusal>, Fault> {
    let roles = &ctx.world().ports()?.roles;
    let (service, home) = (as_cloudtrail(trail), trail.home.clone());
    Ok(roles.assume_role(ctx, txn, service, home, role, SESSION).await)
}
