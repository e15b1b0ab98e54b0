//! From what a caller wrote to a group, and to the rights that a call on it needs.
//!
//! A call on a group is decided on `log-group:NAME:log-stream:` and one on a stream on `log-group:NAME:log-stream:STREAM`, so
//! that both are covered by a policy's `log-group:NAME:*`, and neither by `log-group:NAME`. Calls on tags are decided on the
//! latter.
//!
//! SPEC: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html>

use crate::{
    LogsError,
    error::Thing,
    model::{
        group::LogGroup,
        name::{self, GroupPlace, GroupReference, IDENTIFIER_PATTERN},
        stream::LogStream,
        tags::Tags,
    },
    table,
    violations::Violations,
};
use base::{AccountId, Arn, Region};
use gateway::{Ctx, Demand};
use policy::ResourceKind;
use store::ReadView;

/// A group as a call names it: where it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// How a group is named in the ARN that a call is decided on.
#[derive(Clone, Copy)]
pub(crate) enum On<'a> {
    Group,
    Stream(&'a str),
    Tags,
}

impl Named {
    /// A group of the call's account and Region.
    pub(crate) fn here(ctx: &Ctx, name: &str) -> Named {
        Named {
            account: ctx.account,
            region: ctx.region.clone(),
            name: name.to_owned(),
        }
    }

    fn at(place: GroupPlace<'_>) -> Named {
        Named {
            account: place.account,
            region: place.region,
            name: place.name.to_owned(),
        }
    }

    /// The group that an ARN names, with or without `:*`.
    pub(crate) fn of_arn(arn: &Arn) -> Option<Named> {
        GroupPlace::of(arn).map(Named::at)
    }

    /// The group of a call that takes a name or an identifier, of which exactly one must be given.
    pub(crate) fn parse(ctx: &Ctx, name: Option<&str>, identifier: Option<&str>) -> Result<Named, LogsError> {
        let mut violations = Violations::new();
        if let Some(name) = name {
            violations.group("logGroupName", name);
        }
        if let Some(identifier) = identifier {
            violations.length("logGroupIdentifier", identifier, 1..=2048);
        }
        violations.finish()?;
        match (name, identifier) {
            (Some(_), Some(_)) => Err(LogsError::invalid(
                "LogGroup name and LogGroup identifier are mutually exclusive parameters.",
            )),
            (Some(name), None) => Ok(Named::here(ctx, name)),
            (None, Some(identifier)) => Named::parse_identifier(ctx, "logGroupIdentifier", identifier),
            (None, None) => Err(LogsError::invalid(
                "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must \
                 not be null",
            )),
        }
    }

    /// A group by its name or ARN; the ARN's Region must be the one that is called.
    pub(crate) fn parse_identifier(ctx: &Ctx, at: &str, text: &str) -> Result<Named, LogsError> {
        match GroupReference::parse(text) {
            Some(GroupReference::Name(name)) => Ok(Named::here(ctx, name)),
            Some(GroupReference::Arn(place)) if place.region == ctx.region => Ok(Named::at(place)),
            Some(GroupReference::Arn(_)) => Err(LogsError::NotFound(Thing::Group)),
            None => {
                let mut violations = Violations::new();
                violations.pattern(at, text, IDENTIFIER_PATTERN, false);
                Err(violations.finish().err().unwrap_or(LogsError::NotFound(Thing::Group)))
            }
        }
    }

    pub(crate) async fn find(&self, view: &ReadView<'_>) -> Result<Option<LogGroup>, LogsError> {
        Ok(table::group(view, self.account, &self.region, &self.name).await?)
    }

    /// The group, which must exist.
    pub(crate) async fn group(&self, view: &ReadView<'_>) -> Result<LogGroup, LogsError> {
        self.find(view).await?.ok_or(LogsError::NotFound(Thing::Group))
    }

    fn arn(&self, on: On<'_>) -> Arn {
        match on {
            On::Group => base::arn::log_stream(&self.region, self.account, &self.name, ""),
            On::Stream(stream) => base::arn::log_stream(&self.region, self.account, &self.name, stream),
            On::Tags => base::arn::log_group(&self.region, self.account, &self.name),
        }
    }

    /// What a call needs to be allowed, with the tags of the group, whether it is there or not.
    pub(crate) async fn demand(
        &self,
        view: &ReadView<'_>,
        action: &'static str,
        on: On<'_>,
    ) -> Result<Demand, LogsError> {
        let found = self.find(view).await?;
        let mut demand = Demand::on(action, self.arn(on)).guarded(ResourceKind::Other, self.account, None);
        demand.absent = found.is_none();
        let tags = found.map(|group| group.tags).unwrap_or_default();
        Ok(tags.into_iter().fold(demand, |demand, (key, value)| {
            demand.with(format!("aws:ResourceTag/{key}"), value)
        }))
    }
}

/// A demand with the tags that a call gives.
pub(crate) fn with_request_tags(demand: Demand, tags: &Tags) -> Demand {
    if tags.is_empty() {
        return demand;
    }
    let demand = demand.with_all("aws:TagKeys", tags.keys().cloned().collect());
    tags.iter().fold(demand, |demand, (key, value)| {
        demand.with(format!("aws:RequestTag/{key}"), value.as_str())
    })
}

/// A stream of a group, which must exist.
pub(crate) async fn stream(view: &ReadView<'_>, group: &LogGroup, name: &str) -> Result<LogStream, LogsError> {
    let found = table::stream(view, &group.id, name).await?;
    found.ok_or(LogsError::NotFound(Thing::Stream))
}

/// Names of a group and a stream, by shape.
pub(crate) fn check_names(group: &str, stream: &str) -> Result<(), LogsError> {
    let mut violations = Violations::new();
    violations.group("logGroupName", group);
    violations.stream("logStreamName", stream);
    violations.finish()
}

/// The name of a group, by shape.
pub(crate) fn check_group_name(group: &str) -> Result<(), LogsError> {
    let mut violations = Violations::new();
    violations.group("logGroupName", group);
    violations.finish()
}

/// Whether a name may be given to a new group.
pub(crate) fn check_new_group(group: &str) -> Result<(), LogsError> {
    check_group_name(group)?;
    match name::is_reserved(group) {
        true => Err(LogsError::invalid(
            "Log groups starting with AWS/ are reserved for AWS.",
        )),
        false => Ok(()),
    }
}
