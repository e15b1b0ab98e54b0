//! ExplainDecision: why a call was refused, found by its request id, by the id of its event, or by the encoded message
//! that its answer carried.

use crate::{ShosekiError, access, current, model::explained::Explained};
use gateway::{
    Ctx, Demands, EventClass, Json, Operation, Staged, Txn,
    decision::{self, Explanation},
};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// Longer texts are no id and no message of ours.
const ID_CHARS_MAX: usize = 4_096;

/// The operation.
pub(crate) struct ExplainDecision;

/// Its input.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExplainDecisionRequest {
    /// A request id, an event id or an encoded message.
    id: String,
}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExplainDecisionResponse {
    explanation: Explained,
}

impl Evident for ExplainDecisionRequest {
    fn evident(&self) -> Params {
        let id: String = self.id.chars().take(ID_CHARS_MAX).collect();
        Params::new().text("id", id)
    }
}

impl Evident for ExplainDecisionResponse {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ExplainDecision {
    const NAME: &'static str = "ExplainDecision";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ExplainDecisionRequest>;
    type Output = Json<ExplainDecisionResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(access::demands(ctx, "shoseki:ExplainDecision"))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let view = txn.view();
        let why = find(ctx, &view, input.id.trim()).await?;
        let mut why = why.ok_or(ShosekiError::ExplanationNotFound)?;
        let mut documents = Vec::with_capacity(why.denials.len());
        for denied in &mut why.denials {
            current::name_principals(ctx, &view, denied).await?;
            documents.push(current::documents(ctx, &view, denied).await?);
        }
        Ok(Json(ExplainDecisionResponse {
            explanation: Explained::of(why, documents),
        }))
    }
}

async fn find(ctx: &Ctx, view: &ReadView<'_>, id: &str) -> Result<Option<Explanation>, ShosekiError> {
    if id.is_empty() || id.len() > ID_CHARS_MAX {
        return Err(ShosekiError::Validation(format!(
            "Id must have 1 to {ID_CHARS_MAX} characters."
        )));
    }
    if let Some(found) = decision::find(view, id).await? {
        return Ok(Some(found));
    }
    // A message opens for the account whose call it answered; who may ask here may ask for all of them.
    for account in ctx.world().ports()?.identities.accounts(view).await? {
        if let Some(request_id) = decision::decode(ctx.world(), view, account.id, id).await? {
            return Ok(decision::find(view, &request_id).await?);
        }
    }
    Ok(None)
}
