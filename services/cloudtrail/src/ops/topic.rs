//! `SnsTopicName` of CreateTrail and UpdateTrail: a name or an ARN, and whether CloudTrail may publish to the topic.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html>

use super::check::as_cloudtrail;
use crate::{CloudTrailError, model::trail::Trail};
use base::{AccountId, Arn, Region, arn};
use gateway::{Ctx, Txn, ctx::By};

/// What AWS takes for a topic's name, and for the whole of the parameter.
const LENGTH_MAX: usize = 256;

/// Sets the topic that a caller wrote (`None`: the trail's own stays; empty: none), and proves that CloudTrail may publish to it, by
/// the decision that delivery will meet.
pub(super) async fn check(
    ctx: &Ctx,
    txn: &mut Txn,
    trail: &mut Trail,
    wanted: Option<&str>,
) -> Result<(), CloudTrailError> {
    match wanted {
        None => {}
        Some("") => trail.sns_topic = None,
        Some(text) => trail.sns_topic = Some(parse(trail, text)?),
    }
    let Some(topic) = &trail.sns_topic else {
        return Ok(());
    };
    let by = By::Service(as_cloudtrail(trail));
    let allowed = ctx.world().ports()?.topics.may_publish(ctx, txn, by, topic).await;
    allowed.map_err(|refusal| match refusal.status {
        500.. => CloudTrailError::from(refusal),
        _ => CloudTrailError::InsufficientSnsTopicPolicy,
    })
}

/// A name is one of the trail's account in its home Region.
fn parse(trail: &Trail, text: &str) -> Result<Arn, CloudTrailError> {
    let invalid = || CloudTrailError::InvalidSnsTopicName(text.to_owned());
    let named = |name: &str| {
        (1..=LENGTH_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let Some(parts) = arn::split(text) else {
        return match named(text) {
            true => Ok(arn::topic(&trail.home, trail.account, text)),
            false => Err(invalid()),
        };
    };
    let place = (Region::parse(parts.region), AccountId::parse(parts.account));
    match place {
        (Ok(region), Ok(account))
            if parts.service == "sns"
                && parts.partition == arn::PARTITION
                && text.len() <= LENGTH_MAX
                && named(parts.resource) =>
        {
            Ok(arn::topic(&region, account, parts.resource))
        }
        _ => Err(invalid()),
    }
}

/// How answers name a topic besides its ARN: by its name, and one of another account or Region by its ARN.
pub(super) fn shown(trail: &Trail, topic: &Arn) -> String {
    let parts = topic.parts();
    match *topic == arn::topic(&trail.home, trail.account, parts.resource) {
        true => parts.resource.to_owned(),
        false => topic.as_str().to_owned(),
    }
}
