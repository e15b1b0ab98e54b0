//! SimulatePrincipalPolicy and SimulateCustomPolicy: what policies would decide, without a call being made.
//!
//! Decided by the same crate as real calls, from the same rows. What a simulation cannot know (the address, the time, the
//! keys of the resource) it takes from `ContextEntries` alone, and tells what it would have needed.

mod judge;
mod shapes;
mod source;

pub(super) use shapes::{Input, Output, missing};
pub(super) use source::demands;

use super::page::{page_of, parse_max_items};
use crate::{
    IamError,
    model::{context_keys, document, name},
};
use base::{AccountId, Fault, arn};
use gateway::{Ctx, Settings};
use policy::{Context, Policy, PolicyKind, Principal, ResourceKind};
use source::{EntityArn, Holding, STUB, Source, not_clear};
use std::sync::Arc;
use store::ReadView;

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
const ACTION_CHARS: (usize, usize) = (3, 128);
const RESOURCE_CHARS: (usize, usize) = (1, 2_048);
const CONTEXT_KEY_CHARS: (usize, usize) = (5, 256);

/// How often one page may meet a statement with a resource, which bounds its time and its size. A page of fewer actions
/// than asked for is allowed.
const MEETINGS_MAX: usize = 50_000;

const CONTEXT_KEY_TYPES: [&str; 12] = [
    "string",
    "stringList",
    "numeric",
    "numericList",
    "boolean",
    "booleanList",
    "ip",
    "ipList",
    "binary",
    "binaryList",
    "date",
    "dateList",
];

/// All on which the decisions of one call hang.
struct Scene {
    principal: Principal,
    /// What follows from who calls.
    context: Context,
    /// What the call says, which counts before it.
    given: Context,
    identity: Vec<Arc<Policy>>,
    /// Of `identity`, in the same order.
    sources: Vec<Source>,
    boundary: Option<Source>,
    resource: Option<Source>,
    resources: Vec<String>,
    /// Who owns what names no owner.
    owner: AccountId,
    /// `None` outside an organization.
    service_control: Option<Vec<Vec<Arc<Policy>>>>,
    /// An identity policy that allows everything.
    everything: [Arc<Policy>; 1],
}

impl Scene {
    /// How many actions a page can hold.
    fn actions_max(&self) -> Result<usize, IamError> {
        let levels = self.service_control.iter().flatten().flatten();
        let beside = [&self.boundary, &self.resource].into_iter().flatten();
        let policies = self
            .identity
            .iter()
            .chain(levels)
            .chain(beside.map(|source| &source.policy));
        let statements: usize = policies.map(|policy| policy.statements().len()).sum();
        match MEETINGS_MAX / (statements * self.resources.len()).max(1) {
            0 => Err(IamError::InvalidInput(
                "Too many statements and resources for one simulation.".to_owned(),
            )),
            actions => Ok(actions),
        }
    }

    fn names_resources(&self) -> bool {
        self.resources.iter().any(|resource| resource != "*")
    }

    /// Without a resource policy there is one account: nothing is known of what another would say.
    fn owner_of(&self, resource: &str) -> AccountId {
        let own = self.principal.account().unwrap_or(self.owner);
        if self.resource.is_none() {
            return own;
        }
        let named = arn::split(resource).and_then(|parts| AccountId::parse(parts.account).ok());
        named.unwrap_or(self.owner)
    }

    /// The rules of keys and roles hold only when their policies are given.
    fn kind_of(&self, action: &str, resource: &str) -> ResourceKind {
        match (&self.resource, arn::split(resource).map(|parts| parts.service)) {
            (None, _) => ResourceKind::Other,
            (_, Some("s3")) => ResourceKind::Bucket,
            (_, Some("kms")) => ResourceKind::KmsKey,
            (_, Some("iam")) if is_assume(action) => ResourceKind::RoleTrust,
            _ => ResourceKind::Other,
        }
    }
}

fn is_assume(action: &str) -> bool {
    action
        .get(..4)
        .is_some_and(|vendor| vendor.eq_ignore_ascii_case("sts:"))
}

/// Simulates: the policies of a user, group or role (`Some`) with those given, or those given alone.
pub(super) async fn simulate(
    ctx: &Ctx,
    view: &ReadView<'_>,
    input: &Input,
    policies_of: Option<&str>,
) -> Result<Output, IamError> {
    refuse_what_is_not_here(input)?;
    let actions = parse_actions(&input.action_names)?;
    let scene = scene(ctx, view, input, policies_of).await?;
    let numbered: Vec<(String, String)> = (0..).map(|n: usize| format!("{n:06}")).zip(actions).collect();
    let limit = parse_max_items(input.max_items)?.min(scene.actions_max()?);
    let page = page_of(numbered, |(at, _)| at, limit, input.marker.as_deref());
    Ok(Output {
        evaluation_results: page
            .items
            .iter()
            .map(|(_, action)| judge::evaluate(&scene, action))
            .collect(),
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}

/// Every context key in the policies of a user, group or role (`Some`) and in those given.
pub(super) async fn context_keys_of(
    view: &ReadView<'_>,
    policies_of: Option<&str>,
    given: &[String],
) -> Result<Vec<String>, IamError> {
    let mut sources = match policies_of {
        Some(arn) => {
            let holding = Holding::existing(view, &EntityArn::parse_source(arn)?).await?;
            holding.policies(view).await?
        }
        None => Vec::new(),
    };
    sources.extend(source::inputs(given)?);
    Ok(context_keys::all(sources.iter().map(|source| source.policy.document())))
}

fn refuse_what_is_not_here(input: &Input) -> Result<(), IamError> {
    match input {
        Input {
            policy_exclusion_list: Some(_),
            ..
        } => Err(IamError::NotImplemented("PolicyExclusionList")),
        Input {
            resource_handling_option: Some(_),
            ..
        } => Err(IamError::NotImplemented("ResourceHandlingOption")),
        _ => Ok(()),
    }
}

async fn scene(ctx: &Ctx, view: &ReadView<'_>, input: &Input, policies_of: Option<&str>) -> Result<Scene, IamError> {
    let holding = match policies_of {
        Some(arn) => Some(Holding::existing(view, &EntityArn::parse_source(arn)?).await?),
        None => None,
    };
    let mut sources = match &holding {
        Some(holding) => holding.policies(view).await?,
        None => Vec::new(),
    };
    sources.extend(source::inputs(&input.policy_input_list)?);
    let resources = parse_resources(&input.resource_arns)?;
    let (principal, mut context) = caller(ctx, view, input, holding.as_ref(), policies_of).await?;
    let settings = &ctx.world().settings;
    set_organization(settings, &principal, &mut context);
    let account = principal.account().unwrap_or(ctx.account);
    Ok(Scene {
        identity: sources.iter().map(|source| Arc::clone(&source.policy)).collect(),
        sources,
        boundary: boundary(view, input, holding.as_ref()).await?,
        resource: resource_policy(input, &resources)?,
        owner: parse_owner(input.resource_owner.as_deref())?.unwrap_or(account),
        service_control: policies_of.and_then(|_| service_control(settings, &principal)),
        given: parse_context(input)?,
        everything: [everything()?],
        principal,
        context,
        resources,
    })
}

fn service_control(settings: &Settings, principal: &Principal) -> Option<Vec<Vec<Arc<Policy>>>> {
    let organization = settings.organization.as_ref()?;
    organization.member(principal.account())?;
    Some(organization.service_control(principal).to_vec())
}

fn set_organization(settings: &Settings, principal: &Principal, context: &mut Context) {
    let organization = settings.organization.as_ref();
    if let Some((organization, member)) = organization.and_then(|all| Some((all, all.member(principal.account())?))) {
        context.set("aws:PrincipalOrgID", organization.id.as_str());
        context.set_all("aws:PrincipalOrgPaths", [member.path.as_str()]);
    }
}

fn everything() -> Result<Arc<Policy>, Fault> {
    const TEXT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let parsed = Policy::parse(TEXT, PolicyKind::Identity);
    parsed
        .map(Arc::new)
        .map_err(|_| Fault::Bug("the policy that allows everything is broken"))
}

/// Who calls: `CallerArn`, else whose policies are simulated, else nobody in particular of the caller's account.
async fn caller(
    ctx: &Ctx,
    view: &ReadView<'_>,
    input: &Input,
    holding: Option<&Holding>,
    policies_of: Option<&str>,
) -> Result<(Principal, Context), IamError> {
    let invalid = |why: &str| IamError::InvalidInput(format!("Invalid caller - Caller {why}"));
    if let Some(text) = &input.caller_arn {
        let arn = EntityArn::parse(text);
        let arn = arn.ok_or_else(|| invalid("must be an IAM user, role or group in this context."))?;
        let known = Holding::find(view, &arn).await?.filter(|_| arn.account == ctx.account);
        return Ok(known
            .and_then(|known| known.principal())
            .unwrap_or_else(|| arn.supposed()));
    }
    if let Some(known) = holding.and_then(Holding::principal) {
        return Ok(known);
    }
    if let Some(arn) = policies_of.and_then(EntityArn::parse) {
        return Ok(arn.supposed());
    }
    if input.resource_policy.is_some() {
        return Err(invalid("cannot be null or empty."));
    }
    let principal = Principal::User {
        account: ctx.account,
        arn: arn::user(ctx.account, "/", STUB).as_str().to_owned(),
        id: STUB.to_owned(),
        name: STUB.to_owned(),
    };
    let mut context = Context::new();
    context.set("aws:PrincipalAccount", ctx.account.as_str());
    context.set("aws:userid", STUB);
    Ok((principal, context))
}

/// The boundary that is given counts in the place of the one that is there.
async fn boundary(view: &ReadView<'_>, input: &Input, holding: Option<&Holding>) -> Result<Option<Source>, IamError> {
    match (input.permissions_boundary_policy_input_list.as_slice(), holding) {
        ([], Some(holding)) => holding.boundary(view).await,
        ([], None) => Ok(None),
        ([text], _) => {
            document::check_text("permissionsBoundaryPolicyInputList.1.member", text)?;
            Source::boundary("PermissionsBoundaryPolicyInputList.1".to_owned(), text).map(Some)
        }
        _ => Err(IamError::InvalidInput(
            "Only one permissions boundary policy can be simulated.".to_owned(),
        )),
    }
}

fn resource_policy(input: &Input, resources: &[String]) -> Result<Option<Source>, IamError> {
    let Some(text) = &input.resource_policy else {
        return Ok(None);
    };
    document::check_text("resourcePolicy", text)?;
    if let Some(any) = resources.iter().find(|resource| *resource == "*") {
        return Err(not_clear(any));
    }
    let service = resources
        .first()
        .and_then(|resource| arn::split(resource))
        .map(|parts| parts.service);
    let kind = match service {
        Some("s3") => PolicyKind::BucketPolicy,
        Some("iam") if input.action_names.iter().all(|action| is_assume(action)) => PolicyKind::Trust,
        // Of all kinds the least particular in what it may say.
        _ => PolicyKind::KeyPolicy,
    };
    Source::resource(text, kind).map(Some)
}

fn parse_owner(text: Option<&str>) -> Result<Option<AccountId>, IamError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let root = |account: &AccountId| arn::root(*account).as_str() == text;
    let account = arn::split(text).and_then(|parts| AccountId::parse(parts.account).ok());
    match account.filter(root) {
        Some(account) => Ok(Some(account)),
        None => Err(IamError::InvalidInput(format!(
            "'{text}' is not a valid as a Resource Owner."
        ))),
    }
}

fn parse_actions(names: &[String]) -> Result<Vec<String>, IamError> {
    let (min, max) = ACTION_CHARS;
    if names.is_empty() {
        return Err(missing("actionNames"));
    }
    let letters = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    for name in names {
        if !(min..=max).contains(&name.chars().count()) {
            let constraint = format!(
                "Member must satisfy constraint: [Member must have length less than or equal to {max}, Member must have \
                 length greater than or equal to {min}]"
            );
            return Err(IamError::constraint_at("actionNames", constraint));
        }
        let shaped = name
            .split_once(':')
            .is_some_and(|(vendor, action)| letters(vendor) && letters(action));
        if !shaped {
            return Err(IamError::InvalidInput(format!("Invalid Action Name: {name}")));
        }
    }
    Ok(names.to_vec())
}

fn parse_resources(arns: &[String]) -> Result<Vec<String>, IamError> {
    if arns.is_empty() {
        return Ok(vec!["*".to_owned()]);
    }
    let (min, max) = RESOURCE_CHARS;
    for text in arns {
        name::length_of("resourceArns", text, min, max)?;
        if text != "*" && arn::split(text).is_none() {
            return Err(IamError::InvalidInput(format!(
                "ResourceNames are not in a valid ARN format: {text}."
            )));
        }
    }
    Ok(arns.to_vec())
}

fn parse_context(input: &Input) -> Result<Context, IamError> {
    let (min, max) = CONTEXT_KEY_CHARS;
    let mut context = Context::new();
    for (n, entry) in (1..).zip(&input.context_entries) {
        let at = |member: &str| format!("contextEntries.{n}.member.{member}");
        let name = entry.context_key_name.as_deref();
        let name = name.ok_or_else(|| missing(&at("contextKeyName")))?;
        name::length_of(&at("contextKeyName"), name, min, max)?;
        if let Some(kind) = entry.context_key_type.as_deref()
            && !CONTEXT_KEY_TYPES.contains(&kind)
        {
            let constraint = format!("Member must satisfy enum value set: [{}]", CONTEXT_KEY_TYPES.join(", "));
            return Err(IamError::constraint(&at("contextKeyType"), kind, constraint));
        }
        context.set_all(name.to_owned(), entry.context_key_values.iter().map(String::as_str));
    }
    Ok(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn what_is_asked_is_refused_in_awss_words() {
        let message = |result: Result<(), IamError>| result.unwrap_err().message();
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            message(parse_resources(&texts(&["arn:aws:s3:::b", "k"])).map(drop)),
            "ResourceNames are not in a valid ARN format: k."
        );
        assert_eq!(parse_resources(&[]).unwrap(), ["*"]);
        assert_eq!(
            message(parse_owner(Some("123456789012")).map(drop)),
            "'123456789012' is not a valid as a Resource Owner."
        );
        let owner = parse_owner(Some("arn:aws:iam::123456789012:root")).unwrap();
        assert_eq!(
            owner.map(|account| account.as_str().to_owned()).as_deref(),
            Some("123456789012")
        );
        for name in ["s3GetObject", "s3:", "s3:*", ":GetObject"] {
            assert_eq!(
                message(parse_actions(&texts(&[name])).map(drop)),
                format!("Invalid Action Name: {name}")
            );
        }
        assert!(message(parse_actions(&texts(&["a"])).map(drop)).contains("greater than or equal to 3"));
        assert!(message(parse_actions(&[]).map(drop)).contains("Member must not be null"));
    }

    #[test]
    fn entities_are_named_by_their_own_arns_alone() {
        for (text, ok) in [
            ("arn:aws:iam::000000000000:user/a/b/Bob", true),
            ("arn:aws:iam::000000000000:group/G", true),
            ("arn:aws:iam::000000000000:role/R", true),
            ("arn:aws:iam::000000000000:role/", false),
            ("arn:aws:iam::000000000000:root", false),
            ("arn:aws:iam::000000000000:policy/P", false),
            ("arn:aws:sts::000000000000:assumed-role/R/s", false),
            ("arn:aws:iam::aws:user/Bob", false),
        ] {
            assert_eq!(EntityArn::parse(text).is_some(), ok, "{text}");
        }
        let arn = EntityArn::parse("arn:aws:iam::000000000000:role/a/R").unwrap();
        let (principal, _) = arn.supposed();
        assert!(
            matches!(principal, Principal::Session { role_arn, .. } if role_arn == "arn:aws:iam::000000000000:role/a/R")
        );
    }
}
