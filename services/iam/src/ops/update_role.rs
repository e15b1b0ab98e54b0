//! UpdateRole: description and longest session; what is not given stays.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html>

use super::role;
use crate::{IamError, table::roles};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateRole;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .maybe_text("description", self.description.as_deref())
            .maybe_number("maxSessionDuration", self.max_session_duration)
    }
}

/// Nothing, but as a result element, which clients look for.
#[derive(Serialize)]
pub(super) struct Output {}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for UpdateRole {
    const NAME: &'static str = "UpdateRole";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        Ok(role::demand(ctx, view, "iam:UpdateRole", &input.role_name)
            .await?
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let mut role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        if let Some(text) = &input.description {
            role.description = role::parse_description(text)?;
        }
        if let Some(seconds) = input.max_session_duration {
            role.max_session_duration = role::parse_session_seconds(seconds)?;
        }
        roles::put_role(txn, &role);
        Ok(QueryResult(Output {}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_its_empty_result() {
        let reply = wire::xml::query_response(ServiceName::Iam, "UpdateRole", &Output {}, "RID").unwrap();
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        assert!(text.contains("<UpdateRoleResult"), "{text}");
    }
}
