//! CreatePolicyVersion: a new version of a managed policy.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html>

use super::managed::{self, OneVersion, VersionShape};
use crate::{IamError, error::Entity, model::document, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreatePolicyVersion;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    policy_arn: String,
    policy_document: String,
    set_as_default: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("policyArn", &self.policy_arn)
            .text("policyDocument", &self.policy_document)
            .maybe_flag("setAsDefault", self.set_as_default)
    }
}

impl Operation for CreatePolicyVersion {
    const NAME: &'static str = "CreatePolicyVersion";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<OneVersion>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        managed::demands(ctx, view, "iam:CreatePolicyVersion", &input.policy_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let arn = managed::parse_arn(&input.policy_arn)?;
        document::check_managed(&input.policy_document)?;
        let found = table::managed::changeable(&txn.view(), ctx.account, &arn).await;
        let mut policy = found.map_err(|error| match error {
            IamError::NoSuchEntity(_) => IamError::NoSuchEntity(Entity::AttachablePolicy(arn.as_str().to_owned())),
            other => other,
        })?;
        let default = input.set_as_default.unwrap_or(false);
        let number = policy.add_version(input.policy_document.clone(), default, ctx.now())?;
        table::managed::put_policy(txn, &policy);
        let version = policy.version(&format!("v{number}"))?;
        Ok(QueryResult(OneVersion {
            policy_version: VersionShape::listed(&policy, version),
        }))
    }
}
