//! A stack's events: each is a row, and is told to the stack's topics.

use crate::{
    model::stack::{ResourceStatus, StackRef, StackStatus},
    table::{self, EventRow, Seal},
};
use base::{Arn, Fault};
use gateway::{Ctx, Txn, ctx::By, ports::ServiceMessage};

/// The service's principal.
pub const PRINCIPAL: &str = "cloudformation.amazonaws.com";

/// The type of a stack.
pub(crate) const STACK_TYPE: &str = "AWS::CloudFormation::Stack";

/// Who is told of a stack's events, with whose rights, and by which token they are known.
#[derive(Clone)]
pub(crate) struct Told {
    /// `NotificationARNs`
    pub(crate) topics: Vec<String>,
    /// With whose rights they are told.
    pub(crate) by: By,
    /// `ClientRequestToken` of the operation.
    pub(crate) token: Option<String>,
}

/// What happened.
pub(crate) struct Happened<'a> {
    pub(crate) logical_id: &'a str,
    pub(crate) physical_id: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) status: &'static str,
    pub(crate) reason: Option<&'a str>,
    /// The properties, as JSON without secrets.
    pub(crate) properties: Option<&'a str>,
}

impl<'a> Happened<'a> {
    /// Something happened to a resource.
    pub(crate) fn resource(
        logical_id: &'a str,
        type_name: &'a str,
        status: ResourceStatus,
        physical_id: Option<&'a str>,
    ) -> Happened<'a> {
        Happened {
            logical_id,
            physical_id: physical_id.unwrap_or_default(),
            type_name,
            status: status.as_str(),
            reason: None,
            properties: None,
        }
    }

    pub(crate) fn because(mut self, reason: Option<&'a str>) -> Happened<'a> {
        self.reason = reason;
        self
    }

    pub(crate) fn with(mut self, properties: Option<&'a str>) -> Happened<'a> {
        self.properties = properties;
        self
    }
}

/// Writes the event of a stack itself, and tells it.
pub(crate) async fn tell(
    ctx: &Ctx,
    txn: &mut Txn,
    seal: &Seal,
    at: &StackRef,
    told: &Told,
    (status, reason): (StackStatus, Option<&str>),
) -> Result<(), Fault> {
    let arn = at.arn();
    let happened = Happened {
        logical_id: &at.name,
        physical_id: arn.as_str(),
        type_name: STACK_TYPE,
        status: status.as_str(),
        reason,
        properties: None,
    };
    happened.write(ctx, txn, seal, at, told).await
}

impl Happened<'_> {
    /// Writes the event, and tells it. A topic that refuses does not hear of it: it holds nothing up.
    pub(crate) async fn write(
        self,
        ctx: &Ctx,
        txn: &mut Txn,
        seal: &Seal,
        at: &StackRef,
        told: &Told,
    ) -> Result<(), Fault> {
        let event = EventRow {
            id: base::ids::uuid(ctx.random()),
            at: ctx.now(),
            logical_id: self.logical_id.to_owned(),
            physical_id: self.physical_id.to_owned(),
            type_name: self.type_name.to_owned(),
            status: self.status.to_owned(),
            reason: self.reason.map(str::to_owned),
            token: told.token.clone(),
            sealed: Vec::new(),
        };
        for topic in &told.topics {
            let Some(topic) = Arn::parse(topic) else { continue };
            let message = ServiceMessage {
                subject: Some("AWS CloudFormation Notification".to_owned()),
                message: message(at, &event, self.properties),
            };
            let topics = &ctx.world().ports()?.topics;
            if let Err(refusal) = topics.publish(ctx, txn, told.by.clone(), &topic, message).await {
                tracing::debug!(stack = %at.arn(), code = refusal.code, "a topic was not told of a stack's event");
            }
        }
        table::put_event(txn, seal, at, event, self.properties)
    }
}

/// A notification's text, one `Name='value'` a line.
///
/// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-add-tags.html>, the form as it is sent.
fn message(at: &StackRef, event: &EventRow, properties: Option<&str>) -> String {
    let lines = [
        ("StackId", at.arn().as_str()),
        ("Timestamp", &event.at.iso8601_millis()),
        ("EventId", &event.id),
        ("LogicalResourceId", &event.logical_id),
        ("Namespace", at.account.as_str()),
        ("PhysicalResourceId", &event.physical_id),
        ("ResourceProperties", properties.unwrap_or("null")),
        ("ResourceStatus", &event.status),
        ("ResourceStatusReason", event.reason.as_deref().unwrap_or_default()),
        ("ResourceType", &event.type_name),
        ("StackName", &at.name),
        ("ClientRequestToken", event.token.as_deref().unwrap_or("null")),
    ]
    .map(|(name, value)| format!("{name}='{value}'\n"));
    lines.concat()
}
