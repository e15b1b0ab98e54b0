//! CreateLogGroup.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>

use super::shapes::{NoOutput, check_kms_key, check_tags};
use crate::{
    LogsError,
    access::{self, Named, On, with_request_tags},
    error::Thing,
    model::{group::LogGroup, tags::Tags},
    seal, table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(crate) struct CreateLogGroup;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    log_group_name: String,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Tags,
    log_group_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("logGroupName", &self.log_group_name)
            .maybe_text("kmsKeyId", self.kms_key_id.as_deref());
        let params = match self.tags.is_empty() {
            true => params,
            false => params.pairs("tags", &self.tags),
        };
        params
            .maybe_text("logGroupClass", self.log_group_class.as_deref())
            .maybe_flag("deletionProtectionEnabled", self.deletion_protection_enabled)
    }
}

impl Input {
    fn check(&self) -> Result<(), LogsError> {
        access::check_new_group(&self.log_group_name)?;
        let mut violations = Violations::new();
        let classes = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"];
        violations.choice("logGroupClass", self.log_group_class.as_deref(), &classes);
        violations.finish()?;
        check_tags(&self.tags, false)?;
        if let Some(key) = &self.kms_key_id {
            check_kms_key(key)?;
        }
        if self.log_group_class.as_deref().is_some_and(|class| class != "STANDARD") {
            return Err(LogsError::NotImplemented("A logGroupClass other than STANDARD"));
        }
        if self.deletion_protection_enabled == Some(true) {
            return Err(LogsError::NotImplemented("deletionProtectionEnabled"));
        }
        Ok(())
    }
}

impl Operation for CreateLogGroup {
    const NAME: &'static str = "CreateLogGroup";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "log group classes other than STANDARD, deletion protection";
    type Input = Json<Input>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        input.check()?;
        let named = Named::here(ctx, &input.log_group_name);
        let create = named.demand(view, "logs:CreateLogGroup", On::Group).await?;
        let create = with_request_tags(create, &input.tags);
        if input.tags.is_empty() {
            return Ok(create.into());
        }
        let tag = named.demand(view, "logs:TagResource", On::Tags).await?;
        Ok(Demands::All(vec![create, with_request_tags(tag, &input.tags)]))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let named = Named::here(ctx, &input.log_group_name);
        if named.find(&txn.view()).await?.is_some() {
            return Err(LogsError::AlreadyExists(Thing::Group));
        }
        let mut group = LogGroup {
            id: ctx.random().bytes(),
            account: named.account,
            region: named.region,
            name: named.name,
            created: ctx.now(),
            retention_days: None,
            retention_due: None,
            tags: input.tags.clone(),
            kms_key: None,
            key: 0,
            metric_filters: 0,
        };
        seal::new_key(ctx, txn, &mut group, 0, input.kms_key_id.as_deref()).await?;
        table::put_group(txn, &group, None);
        Ok(NoOutput)
    }
}
