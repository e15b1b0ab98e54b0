//! The attributes of topics and subscriptions: what each may be, and which are not here.

use crate::{
    SnsError,
    model::{
        Subscription, Topic,
        delivery_policy::{SubscriptionDelivery, TopicDelivery},
        filter::{Filter, FilterScope},
        topic::{SignatureVersion, parse_display_name},
        topic_policy,
    },
};
use gateway::{Ctx, principals};
use store::ReadView;

/// The longest way to write a key.
const KEY_ID_LENGTH_MAX: usize = 2_048;
/// The key of AWS's own; this server makes none for SNS.
const AWS_MANAGED_KEY: &str = "alias/aws/sns";

/// The longest delivery policy; one with all its members has some 500 bytes.
const DELIVERY_POLICY_BYTES_MAX: usize = 4 * 1024;

/// What AWS has beside the protocols and features that are here.
const NOT_HERE: [&str; 22] = [
    "ApplicationFailureFeedbackRoleArn",
    "ApplicationSuccessFeedbackRoleArn",
    "ApplicationSuccessFeedbackSampleRate",
    "ArchivePolicy",
    "BeginningArchiveTime",
    "ContentBasedDeduplication",
    "DataProtectionPolicy",
    "FifoThroughputScope",
    "FirehoseFailureFeedbackRoleArn",
    "FirehoseSuccessFeedbackRoleArn",
    "FirehoseSuccessFeedbackSampleRate",
    "HTTPFailureFeedbackRoleArn",
    "HTTPSuccessFeedbackRoleArn",
    "HTTPSuccessFeedbackSampleRate",
    "LambdaFailureFeedbackRoleArn",
    "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate",
    "SQSFailureFeedbackRoleArn",
    "SQSSuccessFeedbackRoleArn",
    "SQSSuccessFeedbackSampleRate",
    "TagPolicy",
    "TracingConfig",
];

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn check_length(delivery_policy: &str) -> Result<(), SnsError> {
    match delivery_policy.len() > DELIVERY_POLICY_BYTES_MAX {
        true => Err(SnsError::invalid("DeliveryPolicy: too long")),
        false => Ok(()),
    }
}

/// Checks a policy with whoever it names, and answers it as it is to be stored.
pub(super) async fn accept_policy(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<String, SnsError> {
    let policy = topic_policy::parse(text)?;
    let identities = &ctx.world().ports()?.identities;
    let is_iams = |name: &str| base::arn::split(name).is_some_and(|parts| parts.service == "iam");
    for name in policy.named_principals().filter(|name| is_iams(name)) {
        if !identities.exists(view, name).await? {
            return Err(topic_policy::principal_not_found());
        }
    }
    Ok(principals::to_ids(ctx, view, text).await?)
}

/// Sets an attribute of a topic.
pub(super) async fn set(
    ctx: &Ctx,
    view: &ReadView<'_>,
    topic: &mut Topic,
    name: &str,
    value: &str,
) -> Result<(), SnsError> {
    match name {
        "Policy" => topic.policy = accept_policy(ctx, view, value).await?,
        "DisplayName" => topic.display_name = parse_display_name(value)?,
        "DeliveryPolicy" => {
            check_length(value)?;
            TopicDelivery::parse(value)?;
            topic.delivery_policy = text(value);
        }
        "KmsMasterKeyId" => {
            if value.len() > KEY_ID_LENGTH_MAX || value.chars().any(char::is_whitespace) {
                return Err(SnsError::invalid("KmsMasterKeyId"));
            }
            if value == AWS_MANAGED_KEY || value.ends_with(&format!(":{AWS_MANAGED_KEY}")) {
                return Err(SnsError::NotImplemented(format!("KmsMasterKeyId {AWS_MANAGED_KEY}")));
            }
            topic.kms_key = text(value);
        }
        "SignatureVersion" => topic.signature_version = Some(SignatureVersion::parse(value)?),
        // What asks for nothing that a topic does not do.
        "FifoTopic" | "ContentBasedDeduplication" if value == "false" => {}
        "TracingConfig" if value == "PassThrough" => {}
        name if name == "FifoTopic" || NOT_HERE.contains(&name) => {
            return Err(SnsError::NotImplemented(name.to_owned()));
        }
        _ => return Err(SnsError::invalid("AttributeName")),
    }
    Ok(())
}

/// Sets an attribute of a subscription. `within` is said before what is wrong with it.
pub(super) fn set_on_subscription(
    subscription: &mut Subscription,
    name: &str,
    value: &str,
    within: &str,
) -> Result<(), SnsError> {
    let scoped = |error| match error {
        SnsError::InvalidParameter(what) => SnsError::InvalidParameter(format!("{within}{what}")),
        other => other,
    };
    match name {
        "RawMessageDelivery" => {
            subscription.raw = match value.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => {
                    return Err(SnsError::InvalidParameter(format!(
                        "{within}RawMessageDelivery: Invalid value [{value}]. Must be true or false."
                    )));
                }
            }
        }
        "DeliveryPolicy" => {
            check_length(value).map_err(scoped)?;
            SubscriptionDelivery::parse(value).map_err(scoped)?;
            subscription.delivery_policy = text(value);
        }
        "FilterPolicy" => subscription.filter_policy = text(value).filter(|text| text != "{}"),
        "FilterPolicyScope" => subscription.filter_scope = FilterScope::parse(value).map_err(scoped)?,
        "RedrivePolicy" | "ReplayPolicy" | "ReplayStatus" | "SubscriptionRoleArn" => {
            return Err(SnsError::NotImplemented(name.to_owned()));
        }
        _ => {
            return Err(match within {
                "" => SnsError::invalid("AttributeName"),
                within => SnsError::InvalidParameter(format!("{within}Unknown attribute {name}")),
            });
        }
    }
    Ok(())
}

/// Checks the filter policy of a subscription under its scope.
pub(super) fn check_filter(subscription: &Subscription, within: &str) -> Result<(), SnsError> {
    let policy = subscription.filter_policy.as_deref();
    policy.map_or(Ok(()), |text| {
        Filter::parse(text, subscription.filter_scope, within).map(drop)
    })
}
