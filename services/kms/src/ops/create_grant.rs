//! CreateGrant. A grant counts at once.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>

use crate::{
    access, conditions,
    conditions::Asking,
    error::KmsError,
    model::{
        Constraint, Grant, GrantId, GrantTerms, Key, KeyRef,
        grant::{parse_name, parse_principal},
        state::Act,
    },
    ops::shapes,
    principals, table, tokens,
};
use base::{Arn, Fault};
use envelope::EncryptionContext;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// CreateGrant.
pub struct CreateGrant;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGrantInput {
    key_id: String,
    grantee_principal: Option<String>,
    retiring_principal: Option<String>,
    operations: Vec<String>,
    constraints: Option<GrantConstraints>,
    #[serde(default)]
    grant_tokens: Vec<String>,
    name: Option<String>,
    #[serde(default)]
    dry_run: bool,
    grantee_service_principal: Option<String>,
    retiring_service_principal: Option<String>,
}

/// What requests must meet for the grant to allow them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantConstraints {
    encryption_context_subset: Option<EncryptionContext>,
    encryption_context_equals: Option<EncryptionContext>,
    source_arn: Option<String>,
}

impl CreateGrantInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    /// What AWS knows and this server does not is refused by name.
    fn refuse_unsupported(&self) -> Result<(), KmsError> {
        let source_arn = self.constraints.as_ref().and_then(|all| all.source_arn.as_ref());
        let given = [
            ("GranteeServicePrincipal", self.grantee_service_principal.is_some()),
            ("RetiringServicePrincipal", self.retiring_service_principal.is_some()),
            ("The grant constraint SourceArn", source_arn.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((what, _)) => Err(KmsError::Unsupported(format!("{what} is not supported."))),
            None => Ok(()),
        }
    }

    fn grantee(&self) -> Result<&str, KmsError> {
        self.grantee_principal.as_deref().ok_or_else(|| {
            let text = "You must specify either GranteePrincipal or GranteeServicePrincipal.";
            KmsError::Validation(text.to_owned())
        })
    }

    fn terms(&self) -> Result<GrantTerms, KmsError> {
        self.refuse_unsupported()?;
        parse_principal("granteePrincipal", self.grantee()?)?;
        if let Some(retiring) = &self.retiring_principal {
            parse_principal("retiringPrincipal", retiring)?;
        }
        if let Some(name) = &self.name {
            parse_name(name)?;
        }
        let constraints = self.constraints.as_ref();
        Ok(GrantTerms {
            operations: GrantTerms::parse_operations(&self.operations)?,
            constraint: Constraint::parse(
                constraints.and_then(|all| all.encryption_context_equals.as_ref()),
                constraints.and_then(|all| all.encryption_context_subset.as_ref()),
            )?,
        })
    }

    /// The grant that is asked for, as if it were new.
    async fn grant(&self, ctx: &Ctx, view: &ReadView<'_>, key: &Key) -> Result<Grant, KmsError> {
        let terms = self.terms()?;
        let retiring = match &self.retiring_principal {
            Some(retiring) => Some(principals::keep(ctx, view, retiring).await?),
            None => None,
        };
        Ok(Grant {
            id: GrantId::generate(ctx.random()),
            key: key.id.clone(),
            name: self.name.clone(),
            created: ctx.now(),
            issuer: ctx.caller.account().ok_or(Fault::Bug("a grant is made by nobody"))?,
            grantee: principals::keep(ctx, view, self.grantee()?).await?,
            retiring,
            operations: terms.operations,
            constraint: terms.constraint,
        })
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGrantOutput {
    grant_token: String,
    grant_id: GrantId,
    /// The record shows it, the answer does not.
    #[serde(skip)]
    key: Arn,
}

impl Evident for GrantConstraints {
    fn evident(&self) -> Params {
        let mut params = Params::new();
        if let Some(pairs) = &self.encryption_context_subset {
            params = params.pairs("encryptionContextSubset", pairs.iter());
        }
        if let Some(pairs) = &self.encryption_context_equals {
            params = params.pairs("encryptionContextEquals", pairs.iter());
        }
        params.maybe_text("sourceArn", self.source_arn.as_deref())
    }
}

impl Evident for CreateGrantInput {
    fn evident(&self) -> Params {
        let mut params = Params::new().text("keyId", &self.key_id);
        if let Some(constraints) = &self.constraints {
            params = params.object("constraints", constraints.evident());
        }
        params
            .texts("operations", &self.operations)
            .maybe_text("granteePrincipal", self.grantee_principal.as_deref())
            .maybe_text("granteeServicePrincipal", self.grantee_service_principal.as_deref())
            .maybe_text("retiringPrincipal", self.retiring_principal.as_deref())
            .maybe_text("retiringServicePrincipal", self.retiring_service_principal.as_deref())
            .maybe_text("name", self.name.as_deref())
    }
}

impl Evident for CreateGrantOutput {
    fn evident(&self) -> Params {
        Params::new()
            .text("grantId", self.grant_id.as_str())
            .text("keyId", self.key.as_str())
    }
}

impl Operation for CreateGrant {
    const NAME: &'static str = "CreateGrant";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "GranteeServicePrincipal, RetiringServicePrincipal, the constraint SourceArn";
    type Input = Json<CreateGrantInput>;
    type Output = Json<CreateGrantOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let (named, terms) = (input.named()?, input.terms()?);
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let demand = access::demand_grant_named(ctx, view, &named, &terms).await?;
        let demand = conditions::with_grant(demand, &terms, input.grantee()?, input.retiring_principal.as_deref());
        Ok(conditions::with_grant_is_for_aws_resource(demand, Asking::of(ctx)).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::CreateGrant)?;
        input.terms()?.permit(&before)?;
        let new = input.grant(ctx, &txn.view(), &before).await?;
        let repeated = match new.request() {
            Some(request) => table::grant_of_request(&txn.view(), &before, &request).await?,
            None => None,
        };
        let mut key = before.clone();
        if repeated.is_none() {
            key.add_grant(ctx.random())?;
        }
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let grant_id = match repeated {
            Some(id) => id,
            None => {
                table::put_key(txn, &key, Some(&before));
                table::put_grant(txn, &key, &new);
                new.id
            }
        };
        Ok(Json(CreateGrantOutput {
            grant_token: tokens::issue(ctx, &txn.view(), &key, &grant_id).await?,
            grant_id,
            key: key.arn(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    fn input(members: &str) -> CreateGrantInput {
        let key = r#""KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","Operations":["Decrypt"]"#;
        wire::json::parse(format!("{{{key}{members}}}").as_bytes()).unwrap()
    }

    #[test]
    fn service_principals_are_refused_by_name() {
        let check = |members: &str, code: &str, message: &str| {
            let error = input(members).terms().unwrap_err();
            assert_eq!(
                (error.code().as_ref(), error.message().as_str()),
                (code, message),
                "{members}"
            );
        };
        let unsupported = "UnsupportedOperationException";
        check(
            r#","GranteeServicePrincipal":"s3.amazonaws.com""#,
            unsupported,
            "GranteeServicePrincipal is not supported.",
        );
        check(
            r#","GranteePrincipal":"a","RetiringServicePrincipal":"s3.amazonaws.com""#,
            unsupported,
            "RetiringServicePrincipal is not supported.",
        );
        check(
            r#","GranteePrincipal":"a","Constraints":{"SourceArn":"arn:aws:s3:::b"}"#,
            unsupported,
            "The grant constraint SourceArn is not supported.",
        );
        check(
            "",
            "ValidationException",
            "You must specify either GranteePrincipal or GranteeServicePrincipal.",
        );
    }

    #[test]
    fn the_record_shows_the_grant_and_no_token() {
        let members = r#","GranteePrincipal":"arn:g","RetiringPrincipal":"arn:r","Name":"n","GrantTokens":["t"],
            "Constraints":{"EncryptionContextSubset":{"a":"1"}}"#;
        let mut out = Vec::new();
        input(members).evident().write_to(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"keyId":"1234abcd-12ab-34cd-56ef-1234567890ab","constraints":{"encryptionContextSubset":{"a":"1"}},"operations":["Decrypt"],"granteePrincipal":"arn:g","retiringPrincipal":"arn:r","name":"n"}"#
        );
        let output = CreateGrantOutput {
            grant_token: "t".to_owned(),
            grant_id: GrantId::generate(&base::Random::seeded(1)),
            key: base::arn::any(),
        };
        let mut out = Vec::new();
        output.evident().write_to(&mut out);
        let expected = format!(r#"{{"grantId":"{}","keyId":"*"}}"#, output.grant_id);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
