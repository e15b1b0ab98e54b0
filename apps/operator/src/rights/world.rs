//! The policies of a survey before this product's policy engine.

use super::{
    papers::Paper,
    proposed::{Proposal, Proposed},
    query::{Asker, Query},
    someone::{self, Kind, Someone},
    trace::Traced,
    verdict::{Holdings, Verdict, join, pick, reason, side},
};
use crate::{
    message,
    message::Message,
    survey::{Bucket, Fact, Key, Missing, MissingKind, Survey},
};
use base::AccountId;
use policy::{Check, Context, Grant, Grounds, Policies, PolicyKind, Request, ResourceKind, decide};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// An account as a survey found it, or as it would be after a change, in which any call can be decided.
#[derive(Debug)]
pub struct World {
    survey: Survey,
    account: AccountId,
    bucket_policies: BTreeMap<String, Paper>,
    key_policies: BTreeMap<String, Paper>,
    principals: BTreeMap<String, Someone>,
}

/// What stands for an account whose number is not known.
const NOBODY: &str = "000000000000";

impl World {
    /// The world of a survey.
    pub fn of(survey: &Survey) -> World {
        let account = AccountId::parse(&survey.account).unwrap_or(AccountId::FIRST);
        let paper = |bucket: &Bucket| {
            let name = format!("bucket policy of {}", bucket.name);
            Paper::of(&bucket.policy, PolicyKind::BucketPolicy, &name)
        };
        let buckets = survey.buckets.iter();
        let keys = survey.keys.iter().map(|(arn, key)| (arn.clone(), key_paper(key)));
        World {
            account,
            bucket_policies: buckets
                .filter_map(|(name, bucket)| Some((name.clone(), paper(bucket)?)))
                .collect(),
            key_policies: keys.collect(),
            principals: someone::of_survey(survey),
            survey: survey.clone(),
        }
    }

    /// The world after a change.
    pub fn with(&self, proposed: &Proposed) -> World {
        World::of(&proposed.applied_to(&self.survey))
    }

    /// The world with another policy of a key, named by its ARN.
    pub fn with_policy_of_key(&self, key: &str, document: &Value) -> World {
        self.with(&Proposed::one(Proposal::KeyPolicy {
            key: key.to_owned(),
            document: document.clone(),
        }))
    }

    /// The world with another policy of a bucket, or with none.
    pub fn with_policy_of_bucket(&self, bucket: &str, document: Option<&Value>) -> World {
        self.with(&Proposed::one(Proposal::BucketPolicy {
            bucket: bucket.to_owned(),
            document: document.cloned(),
        }))
    }

    /// The survey that it is of; of a changed world, changed.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// What limits all answers: what may deny beside the policies that were read.
    pub fn remarks(&self) -> Vec<Message> {
        let mut remarks = vec![message!(
            "Control policies of an organization (SCP, RCP) and VPC endpoint policies are not read: where they deny, less is allowed than said here",
            "組織の制御ポリシー (SCP, RCP) と VPC エンドポイントポリシーは読み取りません。それらが拒否する場合、許可はここで述べるより少なくなります"
        )];
        if let Fact::NotAvailable(missing) = &self.survey.principals {
            remarks.push(join(
                &message!(
                    "The users and roles of the account are not known",
                    "アカウントのユーザーとロールは不明です"
                ),
                &missing.said(),
            ));
        }
        let unread = self.bucket_policies.values().chain(self.key_policies.values());
        remarks.extend(unread.filter_map(|paper| match paper {
            Paper::Known(_) => None,
            Paper::Unknown { why, .. } => Some(why.clone()),
        }));
        remarks
    }

    /// Whether a principal may do something, by a call of its own over TLS.
    ///
    /// `principal` is the ARN of a root, user, role or session, the name of a service, or `*` for a caller without a signature.
    /// A role stands for whoever took it, under any session name. The context's keys count beside those that follow from the
    /// caller; what only a real call would have (address, MFA, time of signing) makes the answer unknown where a policy asks.
    pub fn may(&self, principal: &str, action: &str, resource: &str, context: &Context) -> Verdict {
        let Some(someone) = self.someone(principal) else {
            return Verdict::unknown(message!(
                "`{principal}` is no principal",
                "`{principal}` はプリンシパルではありません"
            ));
        };
        let query = self.query(&someone, action, resource);
        self.decide(&query.with_all(context), &someone)
    }

    /// What every statement that is read for a question makes of it, as [`World::may`] decides it with each doubt against the
    /// caller. Nothing when the principal is none.
    pub fn trace(&self, principal: &str, action: &str, resource: &str, context: &Context) -> Option<Vec<Traced>> {
        let someone = self.someone(principal)?;
        let query = self.query(&someone, action, resource).with_all(context);
        let paper = self.paper_of(&query);
        let holdings = self.holdings(&query, &someone, paper);
        let identity = side(&holdings.identity, false);
        let boundary = holdings.boundary.as_ref().map(|held| pick(held, false));
        let resource = holdings.resource.as_ref().map(|held| pick(held, false));
        let grants = self.grants(&query).unwrap_or_default();
        let trace = policy::explain(&Check {
            request: request(&query),
            policies: Policies {
                identity: &identity,
                boundary: boundary.as_deref(),
                resource: resource.as_deref(),
                grants: &grants,
                ..Policies::default()
            },
        });
        Some(super::trace::told(&trace))
    }

    fn paper_of(&self, query: &Query) -> Option<&Paper> {
        match query.kind {
            ResourceKind::Bucket => bucket_of(&query.resource).and_then(|bucket| self.bucket_policy(bucket)),
            ResourceKind::KmsKey => self.key_policy(&query.resource),
            ResourceKind::Other | ResourceKind::RoleTrust => None,
        }
    }

    fn holdings(&self, query: &Query, who: &Someone, resource: Option<&Paper>) -> Holdings {
        Holdings {
            identity: who.identity.iter().filter_map(|paper| paper.held(query)).collect(),
            boundary: who.boundary.as_ref().and_then(|paper| paper.held(query)),
            resource: resource.and_then(|paper| paper.held(query)),
        }
    }

    /// Who an ARN, a service's name or `*` is.
    pub(super) fn someone(&self, name: &str) -> Option<Someone> {
        if let Some(known) = self.principals.get(name) {
            return Some(known.clone());
        }
        if name == "*" || name == "anonymous" {
            return Some(Someone::anonymous());
        }
        if name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn") {
            return Some(Someone::service(name));
        }
        if name == self.account.as_str() || name == base::arn::root(self.account).as_str() {
            return Some(Someone::root(self.account));
        }
        let parts = base::arn::split(name);
        let account = parts.map_or(name, |parts| parts.account);
        if let Some(role) = parts.and_then(|parts| self.role_of_session(&parts)) {
            let mut session = Someone::stranger(name, Kind::Role, Message::plain(""))?;
            session.identity = role.identity;
            session.boundary = role.boundary;
            return Some(session);
        }
        if account != self.account.as_str() {
            return Someone::stranger(
                name,
                Kind::OtherAccount,
                message!(
                    "account {account} decides by its own policies, which cannot be seen here",
                    "アカウント {account} 自身のポリシー次第です (ここからは見えません)"
                ),
            );
        }
        let kind = match name.contains(":user/") {
            true => Kind::User,
            false => Kind::Role,
        };
        let why = message!("{name} is not in what was read", "{name} は読み取った内容にありません");
        let why = match &self.survey.principals {
            Fact::Known(_) => why,
            Fact::NotAvailable(missing) => join(&why, &missing.said()),
        };
        Someone::stranger(name, kind, why)
    }

    /// The role of `arn:aws:sts::A:assumed-role/NAME/SESSION`, which has no path.
    fn role_of_session(&self, parts: &base::arn::ArnParts<'_>) -> Option<Someone> {
        let (role, _) = parts.resource.strip_prefix("assumed-role/")?.split_once('/')?;
        let mut roles = self.principals.values().filter(|one| one.kind == Kind::Role);
        roles.find(|one| one.name.ends_with(&format!("/{role}"))).cloned()
    }

    /// The root, users and roles of the account.
    pub(crate) fn known_principals(&self) -> Vec<String> {
        let root = base::arn::root(self.account).to_string();
        std::iter::once(root).chain(self.principals.keys().cloned()).collect()
    }

    /// Everybody who is known: the root, users and roles of the account, whom the policies of buckets and keys name beside them
    /// (services left out, which act for trails), and `*` for callers without a signature.
    pub(crate) fn everyone_known(&self) -> Vec<String> {
        let mut everyone: BTreeSet<String> = self.known_principals().into_iter().collect();
        let own = self.account.as_str();
        let papers = self.bucket_policies.values().chain(self.key_policies.values());
        let named = super::readers::named_in(papers.filter_map(Paper::document));
        let is_other = |name: &String| !name.contains(".amazonaws.com") && name != own && self.someone(name).is_some();
        everyone.extend(named.into_iter().filter(is_other));
        everyone.insert("*".to_owned());
        everyone.into_iter().collect()
    }

    /// The users and roles of the survey.
    pub(super) fn principals(&self) -> impl Iterator<Item = &Someone> {
        self.principals.values()
    }

    /// The account of the survey.
    pub(super) fn account(&self) -> AccountId {
        self.account
    }

    /// A bucket's policy.
    pub(super) fn bucket_policy(&self, bucket: &str) -> Option<&Paper> {
        self.bucket_policies.get(bucket)
    }

    /// A key's policy.
    pub(super) fn key_policy(&self, arn: &str) -> Option<&Paper> {
        self.key_policies.get(arn)
    }

    /// The question of somebody's own call, with what is known of both sides.
    pub(super) fn query(&self, who: &Someone, action: &str, resource: &str) -> Query {
        let mut query = Query::new(who.principal.clone(), action, resource, self.owner_of(resource));
        query.all_tags = who.all_tags;
        for (key, value) in &who.tags {
            query.context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
        }
        if let Some(now) = self.survey.made_at {
            query.context.set("aws:CurrentTime", now.iso8601());
            query.context.set("aws:EpochTime", now.as_secs().to_string());
        }
        if let Some(region) = self.region_of(resource) {
            query.context.set("aws:RequestedRegion", region);
        }
        if let Some(key) = self
            .survey
            .keys
            .get(resource)
            .filter(|_| query.kind == ResourceKind::KmsKey)
        {
            describe_key(&mut query, key);
        }
        let caller = who.principal.account().unwrap_or(query.owner);
        if query.kind == ResourceKind::KmsKey {
            query.context.set("kms:CallerAccount", caller.as_str());
        }
        query
    }

    fn owner_of(&self, resource: &str) -> AccountId {
        let nobody = || AccountId::parse(NOBODY).unwrap_or(self.account);
        if let Some(bucket) = bucket_of(resource) {
            let known = self.survey.buckets.get(bucket);
            return match known.map(|bucket| &bucket.owned) {
                Some(Fact::Known(false)) => nobody(),
                _ => self.account,
            };
        }
        let parts = base::arn::split(resource);
        let account = parts.and_then(|parts| AccountId::parse(parts.account).ok());
        account.unwrap_or(self.account)
    }

    fn region_of(&self, resource: &str) -> Option<String> {
        match bucket_of(resource) {
            Some(bucket) => self.survey.buckets.get(bucket)?.region.known().cloned(),
            None => {
                let region = base::arn::split(resource)?.region;
                (!region.is_empty()).then(|| region.to_owned())
            }
        }
    }

    /// Decides a question by all that was read.
    pub(super) fn decide(&self, query: &Query, who: &Someone) -> Verdict {
        let resource = self.paper_of(query);
        // As the services do: who may not ask is not told of states.
        let by_policies = self.decide_by(query, who, resource);
        match by_policies.is_no() {
            true => by_policies,
            false => self.of_state(query).unwrap_or(by_policies),
        }
    }

    /// What is refused whatever policies say: the use of a key that is not enabled, a bucket that is not there, what Block
    /// Public Access takes away.
    fn of_state(&self, query: &Query) -> Option<Verdict> {
        if query.kind == ResourceKind::KmsKey {
            let key = self.survey.keys.get(&query.resource)?;
            let arn = &key.arn;
            if key.is_gone() {
                return Some(Verdict::by_state(message!(
                    "there is no key {arn}",
                    "キー {arn} は存在しません"
                )));
            }
            let state = match &key.metadata {
                Fact::Known(metadata) => &metadata.state,
                Fact::NotAvailable(missing) if uses_key(&query.action) && was_asked(missing) => {
                    let unread = message!("the state of the key is not known", "キーの状態は不明です");
                    return Some(Verdict::unknown(join(&unread, &missing.said())));
                }
                Fact::NotAvailable(_) => return None,
            };
            if uses_key(&query.action) && state != "Enabled" && !state.is_empty() {
                return Some(Verdict::by_state(message!(
                    "the key is {state}",
                    "キーの状態は {state} です"
                )));
            }
            return None;
        }
        let bucket = self.survey.buckets.get(bucket_of(&query.resource)?)?;
        let name = &bucket.name;
        if bucket.exists == Fact::Known(false) {
            return Some(Verdict::by_state(message!(
                "there is no bucket {name}",
                "バケット {name} は存在しません"
            )));
        }
        let is_foreign = query.asker != Asker::Service && query.principal.account() != Some(query.owner);
        let is_public = match &bucket.policy_is_public {
            Fact::Known(told) => told.unwrap_or(false),
            Fact::NotAvailable(_) => bucket.policy.found().is_some_and(policy::is_public),
        };
        if !is_foreign || !is_public {
            return None;
        }
        match &bucket.public_access_block {
            Fact::Known(block) => block.filter(|block| block.restrict_public_buckets).map(|_| {
                Verdict::no(message!(
                    "Block Public Access of {name} keeps other accounts out while the bucket policy is public",
                    "{name} のブロックパブリックアクセスが、公開ポリシーの間は他アカウントを拒否しています"
                ))
            }),
            Fact::NotAvailable(missing) if !was_asked(missing) => None,
            Fact::NotAvailable(missing) => {
                let unread = message!(
                    "whether Block Public Access of {name} keeps other accounts out is not known",
                    "{name} のブロックパブリックアクセスが他アカウントを拒否するかどうかは不明です"
                );
                Some(Verdict::unknown(join(&unread, &missing.said())))
            }
        }
    }

    /// Decides a question by the caller's policies and this one of the resource.
    pub(super) fn decide_by(&self, query: &Query, who: &Someone, resource: Option<&Paper>) -> Verdict {
        let holdings = self.holdings(query, who, resource);
        let grants = self.grants(query);
        let hopeful = self.court(query, &holdings, grants.as_ref().map(Vec::as_slice), true);
        if grants.is_ok() && holdings.all_certain() {
            return match hopeful.allowed {
                true => Verdict::yes(hopeful.why),
                false => Verdict::no(hopeful.why),
            };
        }
        let fearful = self.court(query, &holdings, grants.as_ref().map(Vec::as_slice), false);
        match (hopeful.allowed, fearful.allowed) {
            (true, true) => Verdict::yes(fearful.why),
            (false, false) => Verdict::no(hopeful.why),
            _ => {
                let doubts = [&fearful.grounds, &hopeful.grounds];
                let doubt = doubts.into_iter().find_map(|grounds| holdings.doubt(grounds));
                Verdict::unknown(doubt.or_else(|| grants.err()).unwrap_or(fearful.why))
            }
        }
    }

    fn court(
        &self,
        query: &Query,
        holdings: &Holdings,
        grants: Result<&[Arc<Grant>], &Message>,
        hopeful: bool,
    ) -> Ruling {
        let identity = side(&holdings.identity, hopeful);
        let boundary = holdings.boundary.as_ref().map(|held| pick(held, hopeful));
        let resource = holdings.resource.as_ref().map(|held| pick(held, hopeful));
        let supposed = supposed_grant(query);
        let grants = match grants {
            Ok(grants) => grants,
            Err(_) if hopeful => supposed.as_slice(),
            Err(_) => &[],
        };
        let check = Check {
            request: request(query),
            policies: Policies {
                identity: &identity,
                boundary: boundary.as_deref(),
                resource: resource.as_deref(),
                grants,
                ..Policies::default()
            },
        };
        let decision = decide(&check.request, &check.policies);
        Ruling {
            allowed: decision.is_allowed(),
            why: reason(&check, &decision),
            grounds: decision.grounds().clone(),
        }
    }

    /// The grants of a key as a call meets them; the error says why they are not known.
    fn grants(&self, query: &Query) -> Result<Vec<Arc<Grant>>, Message> {
        let key = self.survey.keys.get(&query.resource);
        match key.map(|key| &key.grants) {
            None => Ok(Vec::new()),
            Some(Fact::NotAvailable(missing)) => Err(missing.said()),
            Some(Fact::Known(grants)) => Ok(grants
                .iter()
                .filter_map(|grant| grant_of(grant, &query.context))
                .collect()),
        }
    }
}

/// A decision with its grounds in words.
struct Ruling {
    allowed: bool,
    why: Message,
    grounds: Grounds,
}

fn key_paper(key: &Key) -> Paper {
    let name = format!("key policy of {}", key.arn);
    match &key.policy {
        Fact::Known(document) => Paper::read(document, PolicyKind::KeyPolicy, &name, None),
        Fact::NotAvailable(missing) => Paper::missing(missing, PolicyKind::KeyPolicy, &name),
    }
}

fn request(query: &Query) -> Request<'_> {
    Request {
        principal: &query.principal,
        action: &query.action,
        resource: &query.resource,
        owner: Some(query.owner),
        kind: query.kind,
        context: &query.context,
    }
}

/// The condition keys that follow from what a key is.
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>
fn describe_key(query: &mut Query, key: &Key) {
    if let Fact::Known(metadata) = &key.metadata {
        let known = [
            ("kms:KeySpec", &metadata.spec),
            ("kms:CustomerMasterKeySpec", &metadata.spec),
            ("kms:KeyUsage", &metadata.usage),
            ("kms:CustomerMasterKeyUsage", &metadata.usage),
            ("kms:KeyOrigin", &metadata.origin),
        ];
        for (name, value) in known.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.context.set(name, value.as_str());
        }
        query.context.set("kms:MultiRegion", metadata.multi_region.to_string());
    }
    if let Fact::Known(aliases) = &key.aliases {
        query
            .context
            .set_all("kms:ResourceAliases", aliases.iter().map(String::as_str));
    }
    if let Fact::Known(tags) = &key.tags {
        for (name, value) in tags {
            query.context.set(format!("aws:ResourceTag/{name}"), value.as_str());
        }
        query.all_resource_tags = true;
    }
}

/// A grant that may be there: to who asks, of what is asked.
fn supposed_grant(query: &Query) -> Vec<Arc<Grant>> {
    let grantee = match &query.principal {
        policy::Principal::Service { name } => Some(name.clone()),
        principal => principal.arn(),
    };
    let grant = grantee.and_then(|grantee| Grant::new("that may be there", &grantee, [query.action.as_str()]));
    grant.into_iter().map(Arc::new).collect()
}

/// A grant of ListGrants before a call with this context.
/// SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>
fn grant_of(grant: &Value, context: &Context) -> Option<Arc<Grant>> {
    let id = grant["GrantId"].as_str()?;
    let operations = grant["Operations"].as_array()?.iter().filter_map(Value::as_str);
    let actions: Vec<String> = operations.map(|operation| format!("kms:{operation}")).collect();
    let given = Grant::new(
        id,
        grant["GranteePrincipal"].as_str()?,
        actions.iter().map(String::as_str),
    )?;
    let pairs = |kind: &str| grant["Constraints"][kind].as_object();
    let has = |name: &str, value: &Value| {
        let found = context.get(&format!("kms:EncryptionContext:{name}"));
        found.is_some_and(|found| found.len() == 1 && Some(found.concat().as_str()) == value.as_str())
    };
    let subset = pairs("EncryptionContextSubset");
    let equals = pairs("EncryptionContextEquals");
    let count = context.get("kms:EncryptionContextKeys").map_or(0, <[String]>::len);
    let met = subset.is_none_or(|pairs| pairs.iter().all(|(name, value)| has(name, value)))
        && equals.is_none_or(|pairs| pairs.len() == count && pairs.iter().all(|(name, value)| has(name, value)));
    Some(Arc::new(match met {
        true => given,
        false => given.unmet("the call's encryption context is another"),
    }))
}

/// The bucket of an ARN of S3.
pub(super) fn bucket_of(resource: &str) -> Option<&str> {
    let parts = base::arn::split(resource).filter(|parts| parts.service == "s3")?;
    Some(
        parts
            .resource
            .split_once('/')
            .map_or(parts.resource, |(bucket, _)| bucket),
    )
}

/// Whether it was tried to read a fact. Of what was not even asked, as in a folder of policies alone, policies decide.
fn was_asked(missing: &Missing) -> bool {
    missing.kind() != MissingKind::NotAsked
}

/// Whether an action needs an enabled key.
fn uses_key(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    [
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "ReEncrypt",
        "Sign",
        "Verify",
        "CreateGrant",
    ]
    .iter()
    .any(|used| name.starts_with(used))
}
