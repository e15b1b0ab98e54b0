//! STS AssumeRole: temporary credentials that hold what a role holds.
//!
//! A role that is not there is refused in the words of one whose trust policy says nothing.
//!
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use super::{credentials::Credentials, shapes::Tag, tagging};
use crate::{
    IamError,
    model::{
        arns::{self, PolicyArn},
        assumption::{self, POLICY_ARNS_MAX, SessionTags},
        role::Role,
        session::{SessionFacts, SessionOwner, SessionPolicy, StoredSession},
        tags::Tags,
    },
    table::{managed, roles, sessions},
};
use base::{AccountId, Arn, Fault};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Session, Staged, Txn};
use policy::{Authorized, Policy, Principal, ResourceKind};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::ReadView;
use wire::ServiceName;

/// Of a role that is not there.
const NO_TAGS: &Tags = &Tags::new();

/// The operation.
pub(crate) struct AssumeRole;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    role_arn: String,
    role_session_name: String,
    source_identity: Option<String>,
    external_id: Option<String>,
    duration_seconds: Option<i64>,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    transitive_tag_keys: Vec<String>,
    serial_number: Option<String>,
    token_code: Option<String>,
    #[serde(default)]
    provided_contexts: Vec<ProvidedContext>,
    minimum_session_token_size: Option<i64>,
}

/// A managed session policy.
#[derive(Deserialize)]
struct PolicyDescriptor {
    arn: String,
}

/// Known only to be refused.
#[derive(Deserialize)]
struct ProvidedContext {}

impl Evident for Input {
    fn evident(&self) -> Params {
        let mut params = tagging::evident(Params::new(), &self.tags)
            .text("roleArn", &self.role_arn)
            .text("roleSessionName", &self.role_session_name)
            .maybe_text("sourceIdentity", self.source_identity.as_deref())
            .maybe_text("externalId", self.external_id.as_deref())
            .maybe_text("policy", self.policy.as_deref());
        if !self.policy_arns.is_empty() {
            let arn = |policy: &PolicyDescriptor| Params::new().text("arn", &policy.arn);
            params = params.objects("policyArns", self.policy_arns.iter().map(arn));
        }
        if !self.transitive_tag_keys.is_empty() {
            params = params.texts("transitiveTagKeys", &self.transitive_tag_keys);
        }
        params
            .maybe_text("serialNumber", self.serial_number.as_deref())
            .maybe_number("durationSeconds", self.duration_seconds)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    source_identity: Option<String>,
    assumed_role_user: AssumedRoleUser,
    credentials: Credentials,
    packed_policy_size: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    arn: String,
    assumed_role_id: String,
}

impl Output {
    /// The key of the new session.
    pub(crate) fn access_key_id(&self) -> &str {
        self.credentials.access_key_id()
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        let user = Params::new()
            .text("assumedRoleId", &self.assumed_role_user.assumed_role_id)
            .text("arn", &self.assumed_role_user.arn);
        Params::new()
            .object("credentials", self.credentials.evident())
            .object("assumedRoleUser", user)
            .maybe_number("packedPolicySize", self.packed_policy_size)
            .maybe_text("sourceIdentity", self.source_identity.as_deref())
    }
}

/// A call that can be decided: what it asks for beside what the calling session hands on.
struct Asked {
    arn: Arn,
    tags: SessionTags,
    source_identity: Option<String>,
    policy_arns: Vec<PolicyArn>,
}

impl Input {
    /// What a service asks for.
    pub(crate) fn of_service(role: &str, session_name: &str) -> Input {
        Input {
            role_arn: role.to_owned(),
            role_session_name: session_name.to_owned(),
            source_identity: None,
            external_id: None,
            duration_seconds: None,
            policy: None,
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            serial_number: None,
            token_code: None,
            provided_contexts: Vec::new(),
            minimum_session_token_size: None,
        }
    }

    fn asked(&self, ctx: &Ctx) -> Result<Asked, IamError> {
        self.refuse_unknown()?;
        let arn = assumption::parse_role_arn(&self.role_arn)?;
        assumption::check_name("roleSessionName", &self.role_session_name)?;
        if let Some(id) = &self.external_id {
            assumption::check_external_id(id)?;
        }
        if let Some(policy) = &self.policy {
            assumption::check_policy(policy)?;
        }
        assumption::parse_role_seconds(self.duration_seconds)?;
        let session = session_of(ctx);
        let inherited = session.map(|session| assumption::inherited(&session.tags, &session.transitive_tag_keys));
        let tags = self.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        Ok(Asked {
            arn,
            tags: SessionTags::parse(tags, &self.transitive_tag_keys, inherited.unwrap_or_default())?,
            source_identity: self.parse_source_identity(session)?,
            policy_arns: self.parse_policy_arns()?,
        })
    }

    /// Never left out in silence: a caller that gives one counts on it.
    fn refuse_unknown(&self) -> Result<(), IamError> {
        if self.serial_number.is_some() || self.token_code.is_some() {
            return Err(IamError::NotImplemented(
                "Multi-factor authentication (SerialNumber, TokenCode)",
            ));
        }
        if !self.provided_contexts.is_empty() {
            return Err(IamError::NotImplemented("ProvidedContexts"));
        }
        match self.minimum_session_token_size {
            None | Some(0) => Ok(()),
            Some(_) => Err(IamError::NotImplemented("MinimumSessionTokenSize")),
        }
    }

    /// Once a session has one, all that come of it have it too.
    fn parse_source_identity(&self, session: Option<&Session>) -> Result<Option<String>, IamError> {
        if let Some(identity) = &self.source_identity {
            assumption::check_name("sourceIdentity", identity)?;
        }
        let kept = session.and_then(|session| session.source_identity.as_ref());
        match (kept, &self.source_identity) {
            (Some(kept), Some(given)) if kept != given => Err(IamError::AccessDenied(
                "The source identity that was set for the calling session cannot be changed.",
            )),
            (kept, given) => Ok(kept.or(given.as_ref()).cloned()),
        }
    }

    /// What the record shows of what the calling session hands on.
    fn inherited(&self, session: &Session) -> Params {
        let tags = assumption::inherited(&session.tags, &session.transitive_tag_keys);
        let params = match tags.is_empty() {
            true => Params::new(),
            false => Params::new().pairs("incomingTransitiveTags", tags),
        };
        match self.source_identity {
            Some(_) => params,
            None => params.maybe_text("sourceIdentity", session.source_identity.as_deref()),
        }
    }

    fn parse_policy_arns(&self) -> Result<Vec<PolicyArn>, IamError> {
        if self.policy_arns.len() > POLICY_ARNS_MAX {
            let constraint = format!("Member must have length less than or equal to {POLICY_ARNS_MAX}");
            return Err(IamError::constraint_at("policyArns", constraint));
        }
        let parse = |(n, policy): (usize, &PolicyDescriptor)| {
            PolicyArn::parse(&format!("policyArns.{n}.member.arn"), &policy.arn)
        };
        (1..).zip(&self.policy_arns).map(parse).collect()
    }
}

/// The session that calls, if its credentials are temporary.
fn session_of(ctx: &Ctx) -> Option<&Session> {
    ctx.caller.signed()?.session.as_deref()
}

/// What all demands of a call ask about.
struct Wanted<'a> {
    input: &'a Input,
    asked: &'a Asked,
    owner: AccountId,
    trust: Option<Arc<Policy>>,
    role_tags: &'a Tags,
}

impl Wanted<'_> {
    fn demand(&self, action: &'static str) -> Demand {
        let demand = Demand::on(action, self.asked.arn.clone())
            .guarded(ResourceKind::RoleTrust, self.owner, self.trust.clone())
            .shown_as("AWS::IAM::Role")
            .with("sts:RoleSessionName", &self.input.role_session_name)
            .with_some("sts:ExternalId", self.input.external_id.as_deref())
            .with_some("sts:SourceIdentity", self.asked.source_identity.as_deref());
        let demand = tagging::of_resource(demand, self.role_tags);
        let demand = tagging::of_request(demand, &self.asked.tags.tags);
        match self.asked.tags.transitive_keys.as_slice() {
            [] => demand,
            keys => demand.with_all("sts:TransitiveTagKeys", keys.to_vec()),
        }
    }
}

impl Operation for AssumeRole {
    const NAME: &'static str = "AssumeRole";
    const SERVICE: ServiceName = ServiceName::Sts;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const SHOWS_RESPONSE: bool = true;
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let asked = input.asked(ctx)?;
        if let Some(session) = session_of(ctx) {
            ctx.notes().requested = Some(input.inherited(session));
        }
        if matches!(ctx.caller.principal(), Principal::Root { .. }) {
            return Err(IamError::AccessDenied("Roles may not be assumed by root accounts."));
        }
        let role = roles::by_arn(view, asked.arn.as_str()).await?;
        let named = AccountId::parse(asked.arn.parts().account).unwrap_or(ctx.account);
        let wanted = Wanted {
            input,
            asked: &asked,
            owner: role.as_ref().map_or(named, |role| role.account),
            trust: role.as_ref().map(Role::trust_policy).transpose()?.map(Arc::new),
            role_tags: role.as_ref().map_or(NO_TAGS, |role| &role.tags),
        };
        // Inherited tags and a kept source identity are set anew on this role, and its trust policy must agree.
        let tagging = (!asked.tags.tags.is_empty()).then(|| wanted.demand("sts:TagSession"));
        let naming = asked
            .source_identity
            .is_some()
            .then(|| wanted.demand("sts:SetSourceIdentity"));
        let demands = [wanted.demand("sts:AssumeRole")]
            .into_iter()
            .chain(tagging)
            .chain(naming);
        Ok(Demands::All(demands.collect()))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let asked = input.asked(ctx)?;
        let view = txn.view();
        let role = roles::by_arn(&view, asked.arn.as_str()).await?;
        let role = role.ok_or(Fault::Bug("a role was to be assumed that no policy speaks for"))?;
        let caller = session_of(ctx);
        let duration = assumption::parse_role_seconds(input.duration_seconds)?;
        assumption::check_duration(duration, role.max_session_duration, caller.is_some())?;
        let policy_arns: Vec<&str> = asked.policy_arns.iter().map(PolicyArn::as_str).collect();
        let packed_policy_size = assumption::packed_percent(input.policy.as_deref(), &policy_arns, &asked.tags.tags)?;
        let facts = SessionFacts {
            issued: ctx.now().floor_second(),
            expires: ctx.world().clock.real_now().floor_second().plus(duration),
            mfa: caller.is_some_and(|session| session.mfa),
            source_identity: asked.source_identity.clone(),
            tags: asked.tags.tags,
            transitive_tag_keys: asked.tags.transitive_keys,
            policies: session_policies(&view, &role, input.policy.as_deref(), &asked.policy_arns).await?,
            chained: caller.is_some_and(|session| session.issuer.is_some()),
        };
        let keyring = ctx.world().keyrings.of(&view, role.account).await?;
        let owner = SessionOwner::of_role(&role, &input.role_session_name);
        let (session, secrets) = StoredSession::generate(&keyring, role.account, owner, facts, ctx.random());
        sessions::put_session(txn, &session);
        let arn = arns::session(role.account, &role.name, &input.role_session_name);
        Ok(QueryResult(Output {
            source_identity: asked.source_identity,
            assumed_role_user: AssumedRoleUser {
                arn: arn.as_str().to_owned(),
                assumed_role_id: session.principal_id(),
            },
            credentials: Credentials::of(&session, secrets),
            packed_policy_size,
        }))
    }
}

/// The session policies as they are now: a managed one that changes later does not change the session.
async fn session_policies(
    view: &ReadView<'_>,
    role: &Role,
    document: Option<&str>,
    arns: &[PolicyArn],
) -> Result<Option<Vec<SessionPolicy>>, IamError> {
    if document.is_none() && arns.is_empty() {
        return Ok(None);
    }
    let mut policies: Vec<SessionPolicy> = document.map(SessionPolicy::given).into_iter().collect();
    for arn in arns {
        let found = managed::attachable(view, role.account, arn).await?;
        policies.push(SessionPolicy {
            arn: Some(arn.as_str().to_owned()),
            document: found.document()?.to_owned(),
        });
    }
    Ok(Some(policies))
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, result, shown};
    use super::*;
    use crate::model::session;
    use base::{Random, Timestamp};
    use envelope::Keyring;
    use wire::AwsError;

    const FORM: &str = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fdemo&RoleSessionName=s1";

    fn input(more: &str) -> Input {
        read(&format!("{FORM}{more}"))
    }

    #[test]
    fn the_form_and_the_record_are_awss() {
        let full = input(
            "&Tags.member.1.Key=Project&Tags.member.1.Value=Pegasus&TransitiveTagKeys.member.1=Project&ExternalId=123ABC&SourceIdentity=Alice&DurationSeconds=900&Policy=%7B%7D&PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess",
        );
        assert_eq!(
            shown(&full),
            r#"{"tags":[{"key":"Project","value":"Pegasus"}],"roleArn":"arn:aws:iam::000000000000:role/demo","roleSessionName":"s1","sourceIdentity":"Alice","externalId":"123ABC","policy":"{}","policyArns":[{"arn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}],"transitiveTagKeys":["Project"],"durationSeconds":900}"#
        );
        assert_eq!(
            shown(&input("")),
            r#"{"roleArn":"arn:aws:iam::000000000000:role/demo","roleSessionName":"s1"}"#
        );
        assert_eq!(full.parse_policy_arns().unwrap().len(), 1);
    }

    #[test]
    fn what_is_not_here_is_refused_by_name() {
        for (more, name) in [
            ("&SerialNumber=GAHT12345678", "SerialNumber"),
            ("&TokenCode=123456", "TokenCode"),
            ("&ProvidedContexts.member.1.ProviderArn=a", "ProvidedContexts"),
            ("&MinimumSessionTokenSize=100", "MinimumSessionTokenSize"),
        ] {
            let error = input(more).refuse_unknown().unwrap_err();
            assert_eq!(error.code(), "NotImplemented");
            assert!(error.message().contains(name), "{}", error.message());
        }
        assert!(!shown(&input("&TokenCode=123456")).contains("123456"));
        input("&MinimumSessionTokenSize=0").refuse_unknown().unwrap();
        let many: String = (1..12).map(|n| format!("&PolicyArns.member.{n}.arn=a")).collect();
        assert_eq!(
            input(&many).parse_policy_arns().unwrap_err().message(),
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"
        );
    }

    #[test]
    fn the_answer_is_awss() {
        let random = Random::seeded(1);
        let (stored, secrets) = session::tests::of_role(&Keyring::generate(&random), &random, Timestamp::EPOCH);
        let output = Output {
            source_identity: Some("Alice".to_owned()),
            assumed_role_user: AssumedRoleUser {
                arn: "arn:aws:sts::000000000000:assumed-role/R/s".to_owned(),
                assumed_role_id: stored.principal_id(),
            },
            credentials: Credentials::of(&stored, secrets),
            packed_policy_size: Some(6),
        };
        let answer = result("AssumeRole", &output);
        assert!(answer.starts_with("<SourceIdentity>Alice</SourceIdentity><AssumedRoleUser><Arn>arn:aws:sts::000000000000:assumed-role/R/s</Arn><AssumedRoleId>AROAX:s</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>ASIA"), "{answer}");
        assert!(
            answer.ends_with("</Credentials><PackedPolicySize>6</PackedPolicySize>"),
            "{answer}"
        );
        let record = shown(&output);
        assert!(record.starts_with(r#"{"credentials":{"accessKeyId":"ASIA"#), "{record}");
        assert!(record.ends_with(r#""assumedRoleUser":{"assumedRoleId":"AROAX:s","arn":"arn:aws:sts::000000000000:assumed-role/R/s"},"packedPolicySize":6,"sourceIdentity":"Alice"}"#), "{record}");
    }
}
