//! Whose policies are simulated, and the policies.

use crate::{
    IamError,
    error::{Entity, Quota},
    model::{
        arns::PolicyArn,
        context_keys::{self, KeyUse},
        document::{self, Holder},
        group::Group,
        name::UserName,
        role::{Role, session_principal},
        spans::{self, Span},
        user::User,
    },
    ops::holder::Held,
    table::{self, groups, holdings, managed, roles},
};
use base::{AccountId, Arn, Fault, arn};
use gateway::{Ctx, Demand, Demands};
use policy::{Context, Policy, PolicyKind, Principal, ResourceKind};
use std::sync::Arc;
use store::ReadView;

/// What AWS's simulator puts where a caller's id or name is not known.
pub(super) const STUB: &str = "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR";

/// A policy that is simulated, with what answers tell of it.
pub(super) struct Source {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) policy: Arc<Policy>,
    pub(super) spans: Vec<Span>,
    pub(super) keys: Vec<Vec<KeyUse>>,
}

impl Source {
    fn of(id: String, kind: &'static str, policy: Policy) -> Source {
        Source {
            id,
            kind,
            spans: spans::spans(policy.document()),
            keys: context_keys::by_statement(policy.document()),
            policy: Arc::new(policy),
        }
    }

    /// An identity policy that is stored, or given with the call.
    pub(super) fn identity(id: String, text: &str) -> Result<Source, IamError> {
        Ok(Source::of(id, "IAM Policy", parse_given(text, PolicyKind::Identity)?))
    }

    pub(super) fn boundary(id: String, text: &str) -> Result<Source, IamError> {
        let policy = parse_given(text, PolicyKind::PermissionsBoundary)?;
        Ok(Source::of(id, "Permissions Boundary Policy", policy))
    }

    pub(super) fn resource(text: &str, kind: PolicyKind) -> Result<Source, IamError> {
        let policy = parse_given(text.trim_start(), kind)?;
        Ok(Source::of("ResourcePolicy".to_owned(), "Resource Policy", policy))
    }
}

/// A document that AWS refuses as `MalformedPolicyDocument` where it is to be kept is here an invalid input.
fn parse_given(text: &str, kind: PolicyKind) -> Result<Policy, IamError> {
    document::parse(text, kind, Quota::PolicySize).map_err(|error| match error {
        IamError::MalformedPolicyDocument(words) => IamError::InvalidInput(words),
        IamError::LimitExceeded(_) => {
            IamError::InvalidInput(format!("Maximum policy size of {} bytes exceeded", kind.size_max()))
        }
        other => other,
    })
}

/// The policies of `PolicyInputList`.
pub(super) fn inputs(texts: &[String]) -> Result<Vec<Source>, IamError> {
    let source = |(n, text): (usize, &String)| {
        document::check_text(&format!("policyInputList.{n}.member"), text)?;
        Source::identity(format!("PolicyInputList.{n}"), text)
    };
    (1..).zip(texts).map(source).collect()
}

/// What an ARN of a user, group or role says.
pub(super) struct EntityArn<'a> {
    text: &'a str,
    pub(super) account: AccountId,
    kind: EntityKind,
    name: &'a str,
    /// With the slashes around it.
    path: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntityKind {
    Group,
    Role,
    User,
}

impl EntityArn<'_> {
    pub(super) fn parse(text: &str) -> Option<EntityArn<'_>> {
        let parts = arn::split(text)?;
        if (parts.partition, parts.service, parts.region) != (arn::PARTITION, "iam", "") {
            return None;
        }
        let account = AccountId::parse(parts.account).ok()?;
        let (kind, rest) = parts.resource.split_once('/')?;
        let kind = match kind {
            "group" => EntityKind::Group,
            "role" => EntityKind::Role,
            "user" => EntityKind::User,
            _ => return None,
        };
        let name = rest.rsplit('/').next().filter(|name| !name.is_empty())?;
        let path = parts
            .resource
            .strip_suffix(name)?
            .trim_start_matches(char::is_alphabetic);
        Some(EntityArn {
            text,
            account,
            kind,
            name,
            path,
        })
    }

    /// The same of `PolicySourceArn`.
    pub(super) fn parse_source(text: &str) -> Result<EntityArn<'_>, IamError> {
        crate::model::name::length_of("policySourceArn", text, 20, 2_048)?;
        EntityArn::parse(text).ok_or_else(|| not_clear(text))
    }

    fn not_found(&self) -> IamError {
        let name = self.name.to_owned();
        IamError::NoSuchEntity(match self.kind {
            EntityKind::Group => Entity::Group(name),
            EntityKind::Role => Entity::Role(name),
            EntityKind::User => Entity::User(name),
        })
    }

    /// Who calls under this ARN if nobody has it.
    pub(super) fn supposed(&self) -> (Principal, Context) {
        let principal = match self.kind {
            EntityKind::Role => session_principal(self.account, self.path, self.name, STUB, STUB),
            EntityKind::Group | EntityKind::User => Principal::User {
                account: self.account,
                arn: self.text.to_owned(),
                id: STUB.to_owned(),
                name: self.name.to_owned(),
            },
        };
        let mut context = Context::of(&principal);
        if self.kind == EntityKind::Group {
            context.set_all("aws:username", Vec::<String>::new());
        }
        (principal, context)
    }
}

pub(super) fn not_clear(text: &str) -> IamError {
    IamError::InvalidInput(format!(
        "Invalid Entity Arn: {text} does not clearly define entity type and name."
    ))
}

/// A user, group or role that exists.
pub(super) enum Holding {
    Group(Group),
    Role(Role),
    User(User),
}

impl Holding {
    /// What has exactly this ARN.
    pub(super) async fn find(view: &ReadView<'_>, arn: &EntityArn<'_>) -> Result<Option<Holding>, IamError> {
        let found = match arn.kind {
            EntityKind::Group => groups::group(view, arn.account, arn.name).await?.map(Holding::Group),
            EntityKind::Role => roles::role(view, arn.account, arn.name).await?.map(Holding::Role),
            EntityKind::User => {
                let name = UserName::parse(arn.name)?;
                table::user(view, arn.account, &name).await?.map(Holding::User)
            }
        };
        Ok(found.filter(|found| found.arn().as_str() == arn.text))
    }

    /// The same, which must exist.
    pub(super) async fn existing(view: &ReadView<'_>, arn: &EntityArn<'_>) -> Result<Holding, IamError> {
        Holding::find(view, arn).await?.ok_or_else(|| arn.not_found())
    }

    fn arn(&self) -> Arn {
        match self {
            Holding::Group(group) => group.arn(),
            Holding::Role(role) => role.arn(),
            Holding::User(user) => user.arn(),
        }
    }

    fn held(&self) -> Held<'_> {
        match self {
            Holding::Group(group) => group.into(),
            Holding::Role(role) => role.into(),
            Holding::User(user) => user.into(),
        }
    }

    /// Who calls; `None` of a group, which cannot.
    pub(super) fn principal(&self) -> Option<(Principal, Context)> {
        let (principal, tags) = match self {
            Holding::Group(_) => return None,
            Holding::Role(role) => (role.session(STUB), &role.tags),
            Holding::User(user) => (user.principal(), &user.tags),
        };
        let mut context = Context::of(&principal);
        for (key, value) in tags {
            context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
        }
        Some((principal, context))
    }

    /// The identity policies; of a user those of its groups too.
    pub(super) async fn policies(&self, view: &ReadView<'_>) -> Result<Vec<Source>, IamError> {
        let mut sources = held(view, self.held()).await?;
        if let Holding::User(user) = self {
            for group in groups::groups_of(view, user).await? {
                sources.extend(held(view, Held::from(&group)).await?);
            }
        }
        Ok(sources)
    }

    pub(super) async fn boundary(&self, view: &ReadView<'_>) -> Result<Option<Source>, IamError> {
        let arn = match self {
            Holding::Group(_) => None,
            Holding::Role(role) => role.boundary.as_deref(),
            Holding::User(user) => user.boundary.as_deref(),
        };
        match arn {
            Some(arn) => {
                let (name, text) = managed_text(view, arn).await?;
                Source::boundary(name, &text).map(Some)
            }
            None => Ok(None),
        }
    }
}

async fn held(view: &ReadView<'_>, held: Held<'_>) -> Result<Vec<Source>, IamError> {
    let (kind, holder) = match held.holder {
        Holder::Group(name) => ("group", name),
        Holder::Role(name) => ("role", name),
        Holder::User(name) => ("user", name),
    };
    let mut sources = Vec::new();
    for (name, text) in holdings::inline(view, held.account, held.id).await?.policies {
        sources.push(Source::identity(format!("{kind}_{holder}_{name}"), &text)?);
    }
    for arn in holdings::attached(view, held.account, held.id).await? {
        let (name, text) = managed_text(view, &arn).await?;
        sources.push(Source::identity(name, &text)?);
    }
    Ok(sources)
}

/// The name and the document of a managed policy that somebody has.
async fn managed_text(view: &ReadView<'_>, arn: &str) -> Result<(String, String), Fault> {
    let missing = || Fault::corrupt(format!("the managed policy {arn} is in use and missing"));
    let parsed = PolicyArn::of(arn).ok_or_else(missing)?;
    let found = managed::find(view, &parsed).await?.ok_or_else(missing)?;
    Ok((found.name().to_owned(), found.document()?.to_owned()))
}

/// The demand on whose policies are read. What another account has is that account's: nobody here may.
pub(in crate::ops) async fn demands(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    arn: &str,
) -> Result<Demands, IamError> {
    let arn = EntityArn::parse_source(arn)?;
    let demand = Demand::on(action, Arn::parse(arn.text).unwrap_or_else(arn::any));
    if arn.account != ctx.account {
        return Ok(demand.guarded(ResourceKind::Other, arn.account, None).into());
    }
    let tags = match Holding::find(view, &arn).await? {
        Some(Holding::User(user)) => user.tags,
        Some(Holding::Role(role)) => role.tags,
        Some(Holding::Group(_)) | None => Vec::new(),
    };
    Ok(crate::ops::tagging::of_resource(demand, &tags).into())
}
