//! ListGrants: the grants of a key. ListRetirableGrants answers in the same shape.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html>

use crate::{
    access::{self, Reach},
    conditions::{self, Asking},
    error::KmsError,
    model::{Constraint, Grant, GrantId, Key, KeyRef, grant::parse_principal, state::Act},
    ops::shapes::{self, Paging},
    principals, table,
};
use base::{Arn, arn};
use envelope::EncryptionContext;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

/// Grants on a page that asks for no number.
pub(crate) const LIMIT_DEFAULT: usize = 50;
/// Grants on a page.
pub(crate) const LIMIT_MAX: usize = 100;

/// ListGrants.
pub struct ListGrants;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGrantsInput {
    key_id: String,
    grant_id: Option<String>,
    grantee_principal: Option<String>,
    grantee_service_principal: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

impl ListGrantsInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn paging(&self) -> Result<Paging, KmsError> {
        Paging::parse(self.limit, self.marker.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)
    }

    fn grant_id(&self) -> Result<Option<GrantId>, KmsError> {
        self.grant_id.as_deref().map(GrantId::parse).transpose()
    }

    fn check(&self) -> Result<(), KmsError> {
        self.paging()?;
        self.grant_id()?;
        if let Some(grantee) = &self.grantee_principal {
            parse_principal("granteePrincipal", grantee)?;
        }
        match self.grantee_service_principal {
            None => Ok(()),
            Some(_) => Err(KmsError::Unsupported(
                "GranteeServicePrincipal is not supported.".to_owned(),
            )),
        }
    }

    /// A page of the grants that pass the filters: one more than the page, if there are so many.
    async fn read(&self, ctx: &Ctx, view: &ReadView<'_>, key: &Key, paging: &Paging) -> Result<Vec<Grant>, KmsError> {
        let after = paging.after.as_deref();
        let grantee = match &self.grantee_principal {
            None => None,
            Some(grantee) => match principals::keep(ctx, view, grantee).await {
                Ok(kept) => Some(kept),
                // One that is no more, asked for by what is shown of it; of one that never was there is no grant.
                Err(KmsError::InvalidGrantPrincipal { text }) => Some(text),
                Err(other) => return Err(other),
            },
        };
        let mut found = match (self.grant_id()?, &grantee) {
            (Some(id), _) => table::grant(view, key, &id).await?.into_iter().collect(),
            (None, None) => table::grants(view, key, after, paging.read_max()).await?,
            (None, Some(_)) => table::all_grants(view, key).await?,
        };
        found.retain(|grant| {
            grantee.as_ref().is_none_or(|grantee| grant.grantee == *grantee)
                && after.is_none_or(|after| grant.id.as_str() > after)
        });
        found.truncate(paging.read_max());
        Ok(found)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGrantsOutput {
    pub(crate) grants: Vec<GrantListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_marker: Option<String>,
    pub(crate) truncated: bool,
}

/// What KMS tells of a grant.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantListEntry {
    key_id: Arn,
    grant_id: GrantId,
    /// Empty for a grant without a name.
    name: String,
    creation_date: EpochSeconds,
    grantee_principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_principal: Option<String>,
    issuing_account: Arn,
    operations: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<GrantListConstraints>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GrantListConstraints {
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_context_subset: Option<EncryptionContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_context_equals: Option<EncryptionContext>,
}

impl From<Constraint> for GrantListConstraints {
    fn from(constraint: Constraint) -> GrantListConstraints {
        match constraint {
            Constraint::Equals(pairs) => GrantListConstraints {
                encryption_context_equals: Some(pairs),
                ..GrantListConstraints::default()
            },
            Constraint::Subset(pairs) => GrantListConstraints {
                encryption_context_subset: Some(pairs),
                ..GrantListConstraints::default()
            },
        }
    }
}

impl GrantListEntry {
    /// What is told of a grant of a key.
    pub(crate) async fn of(
        ctx: &Ctx,
        view: &ReadView<'_>,
        key: &Key,
        grant: Grant,
    ) -> Result<GrantListEntry, KmsError> {
        let retiring_principal = match &grant.retiring {
            Some(retiring) => Some(principals::show(ctx, view, retiring).await?),
            None => None,
        };
        Ok(GrantListEntry {
            key_id: key.arn(),
            grant_id: grant.id,
            name: grant.name.unwrap_or_default(),
            creation_date: EpochSeconds(grant.created),
            grantee_principal: principals::show(ctx, view, &grant.grantee).await?,
            retiring_principal,
            issuing_account: arn::root(grant.issuer),
            operations: grant.operations.iter().map(|one| one.as_str()).collect(),
            constraints: grant.constraint.map(GrantListConstraints::from),
        })
    }
}

impl Evident for ListGrantsInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("keyId", &self.key_id)
            .maybe_text("grantId", self.grant_id.as_deref())
            .maybe_text("granteePrincipal", self.grantee_principal.as_deref())
            .maybe_text("granteeServicePrincipal", self.grantee_service_principal.as_deref());
        shapes::evident_paging(params, self.limit, self.marker.as_deref())
    }
}

impl Evident for ListGrantsOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListGrants {
    const NAME: &'static str = "ListGrants";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "GranteeServicePrincipal";
    type Input = Json<ListGrantsInput>;
    type Output = Json<ListGrantsOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.check()?;
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:ListGrants", &named, Reach::AnyAccount).await?;
        Ok(conditions::with_grant_is_for_aws_resource(demand, Asking::of(ctx)).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let (view, paging) = (txn.view(), input.paging()?);
        let key = access::find(ctx, &view, &input.named()?).await?;
        key.permit(Act::ListGrants)?;
        let mut found = input.read(ctx, &view, &key, &paging).await?;
        let next_marker = paging.cut(&mut found, |grant| grant.id.as_str());
        let mut grants = Vec::with_capacity(found.len());
        for grant in found {
            grants.push(GrantListEntry::of(ctx, &view, &key, grant).await?);
        }
        Ok(Json(ListGrantsOutput {
            grants,
            truncated: next_marker.is_some(),
            next_marker,
        }))
    }
}
