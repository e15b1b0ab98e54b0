//! What the gateway asks of IAM: whose an access key is, what principals hold, who exists.

mod remembered;
mod rights;
mod roles;
#[cfg(test)]
mod tests;

use crate::{
    bootstrap,
    model::{
        access_key::AccessKey,
        name::UserName,
        session::{SessionOwner, StoredSession},
        user::{Owner, User},
    },
    table::{self, LastUsed},
};
use base::{AccountId, Arn, Fault, Region, Timestamp};
use gateway::{
    Boxed, Ctx, Session, SessionIssuer, SignedCaller, Txn, World,
    ports::{AccountFacts, Credential, Identities, NewAccessKey, Rights},
};
use policy::{Policy, PolicyKind, PolicySource, Principal};
use remembered::Remembered;
use rights::Gatherer;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use store::{ReadView, Stored};

/// The longest access key id.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>
const ACCESS_KEY_ID_CHARS_MAX: usize = 128;

/// IAM as the gateway asks it. Remembers opened secrets and parsed policies, each with the bytes of the row that tells
/// whether they are still so, and nothing remembered outlives a change.
#[derive(Default)]
pub struct IdentityStore {
    credentials: Remembered<Arc<Credential>>,
    rights: Remembered<Arc<Rights>>,
    used: Mutex<HashMap<String, LastUsed>>,
}

impl IdentityStore {
    async fn find_credential(
        &self,
        world: &World,
        view: &ReadView<'_>,
        id: &str,
    ) -> Result<Option<Arc<Credential>>, Fault> {
        if id.len() > ACCESS_KEY_ID_CHARS_MAX || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        if id.starts_with("ASIA") {
            return self.find_session(world, view, id).await;
        }
        let Some(row) = table::access_key_row(view, id).await? else {
            self.credentials.forget(id);
            return Ok(None);
        };
        if let Some(credential) = self.credentials.of(id, &row) {
            return Ok(Some(credential));
        }
        let key = AccessKey::decode(&row)?;
        let keyring = world.keyrings.of(view, key.account).await?;
        let credential = Arc::new(Credential {
            caller: Arc::new(SignedCaller {
                principal: key.owner.principal(key.account),
                access_key_id: key.id.clone(),
                principal_id: key.owner.principal_id(key.account),
                session: None,
            }),
            secret: key.open(&keyring)?,
            active: key.active,
            session_token: None,
        });
        self.credentials.remember(id, row, Arc::clone(&credential));
        Ok(Some(credential))
    }

    /// Temporary credentials, ended or not: the gateway tells which. Those of a role or user that is no more are none, so
    /// that no policy that still names it lets them in.
    async fn find_session(
        &self,
        world: &World,
        view: &ReadView<'_>,
        id: &str,
    ) -> Result<Option<Arc<Credential>>, Fault> {
        let Some(row) = table::sessions::session_row(view, id).await? else {
            self.credentials.forget(id);
            return Ok(None);
        };
        if let Some(credential) = self.credentials.of(id, &row)
            && is_as_it_was(view, &credential.caller.principal).await?
        {
            return Ok(Some(credential));
        }
        let mut stored = StoredSession::decode(&row)?;
        stored.owner = match session_owner(view, stored.owner).await? {
            Some(owner) => owner,
            None => return Ok(None),
        };
        let keyring = world.keyrings.of(view, stored.account).await?;
        let secrets = stored.open(&keyring)?;
        let credential = Arc::new(Credential {
            caller: Arc::new(SignedCaller {
                principal: stored.principal(),
                access_key_id: stored.id.clone(),
                principal_id: stored.principal_id(),
                session: Some(Arc::new(session_of(&stored)?)),
            }),
            secret: secrets.secret,
            active: true,
            session_token: Some(secrets.token),
        });
        self.credentials.remember(id, row, Arc::clone(&credential));
        Ok(Some(credential))
    }

    async fn find_rights(&self, view: &ReadView<'_>, principal: &Principal) -> Result<Arc<Rights>, Fault> {
        let (account, id) = match principal {
            Principal::User { account, id, .. } => (*account, id),
            Principal::Session { account, role_id, .. } => (*account, role_id),
            Principal::Anonymous | Principal::Root { .. } | Principal::Service { .. } => {
                return Ok(Arc::new(Rights::default()));
            }
        };
        let epoch = table::epoch(view, account).await?;
        if let Some(rights) = epoch.as_ref().and_then(|epoch| self.rights.of(id, epoch)) {
            return Ok(rights);
        }
        let mut gatherer = Gatherer::new(view);
        let rights = match principal {
            Principal::Session { .. } => match table::roles::by_id(view, id).await? {
                Some(role) => gatherer.of_role(&role).await?,
                None => Rights::default(),
            },
            _ => match table::users::by_id(view, id).await? {
                Some(user) => gatherer.of_user(&user).await?,
                None => Rights::default(),
            },
        };
        let rights = Arc::new(rights);
        if let Some(epoch) = epoch {
            self.rights.remember(id, epoch, Arc::clone(&rights));
        }
        Ok(rights)
    }

    /// Takes what was noted of uses since the last time.
    pub(crate) fn take_used(&self) -> HashMap<String, LastUsed> {
        std::mem::take(&mut self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there is something to take.
    pub(crate) fn has_uses(&self) -> bool {
        !self.used.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn note_use(&self, id: &str, used: &LastUsed) {
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(id) {
            Some(known) => *known = used.clone(),
            None => drop(all.insert(id.to_owned(), used.clone())),
        }
    }
}

/// Whether the role or user of a session is still there, under the name and path that the session knows.
async fn is_as_it_was(view: &ReadView<'_>, principal: &Principal) -> Result<bool, Fault> {
    Ok(match principal {
        Principal::Session { role_id, .. } => table::id(view, role_id).await?.is_some(),
        Principal::User { id, .. } => {
            let user = table::users::by_id(view, id).await?;
            user.is_some_and(|user| user.principal() == *principal)
        }
        Principal::Anonymous | Principal::Root { .. } | Principal::Service { .. } => true,
    })
}

/// Whom the credentials of a session speak for now; `None` when the role or user is no more.
async fn session_owner(view: &ReadView<'_>, owner: SessionOwner) -> Result<Option<SessionOwner>, Fault> {
    match &owner {
        SessionOwner::Role { id, .. } => Ok(table::id(view, id).await?.map(|_| owner)),
        SessionOwner::Caller(Owner::User { id, .. }) => {
            let user = table::users::by_id(view, id).await?;
            Ok(user.map(|user| SessionOwner::Caller(Owner::user(&user))))
        }
        SessionOwner::Caller(Owner::Root) => Ok(Some(owner)),
    }
}

/// What a session is besides whose.
fn session_of(stored: &StoredSession) -> Result<Session, Fault> {
    let facts = &stored.facts;
    let parse = |(n, given): (usize, &crate::model::session::SessionPolicy)| {
        let name: Arc<str> = match &given.arn {
            Some(arn) => format!("session policy {arn}").into(),
            None => format!("session policy {} of {}", n + 1, stored.principal_id()).into(),
        };
        let source = PolicySource {
            arn: given.arn.as_deref().map(Arc::from),
            name: Arc::clone(&name),
        };
        // A managed policy may be larger than a document given with the call.
        let kind = match given.arn {
            Some(_) => PolicyKind::PermissionsBoundary,
            None => PolicyKind::Session,
        };
        rights::parse(&given.document, kind, source).map(Arc::new)
    };
    let policies = match &facts.policies {
        None => None,
        Some(given) => Some(
            given
                .iter()
                .enumerate()
                .map(parse)
                .collect::<Result<Vec<Arc<Policy>>, Fault>>()?,
        ),
    };
    let issuer = match &stored.owner {
        SessionOwner::Caller(_) => None,
        SessionOwner::Role { id, path, name, .. } => Some(SessionIssuer {
            role_id: id.clone(),
            role_arn: base::arn::role(stored.account, path, name),
            account: stored.account,
            role_name: name.clone(),
        }),
    };
    Ok(Session {
        issued: facts.issued,
        expires: facts.expires,
        mfa: facts.mfa,
        source_identity: facts.source_identity.clone(),
        tags: facts.tags.clone(),
        transitive_tag_keys: facts.transitive_tag_keys.clone(),
        policies,
        chained: facts.chained,
        issuer,
    })
}

/// What an ARN of IAM or STS names.
pub(crate) enum Named {
    Root,
    User(User),
    Role(crate::model::role::Role),
    /// A session of a role that exists.
    Session,
}

/// What an ARN (or an account's twelve digits) names, if it exists.
pub(crate) async fn named(view: &ReadView<'_>, arn: &str) -> Result<Option<Named>, Fault> {
    if let Ok(account) = AccountId::parse(arn) {
        return root_of(view, account).await;
    }
    let Some(parts) = base::arn::split(arn) else {
        return Ok(None);
    };
    let ("aws", "", Ok(account)) = (parts.partition, parts.region, AccountId::parse(parts.account)) else {
        return Ok(None);
    };
    let (kind, rest) = parts.resource.split_once('/').unwrap_or((parts.resource, ""));
    match (parts.service, kind) {
        ("iam", "root") if parts.resource == "root" => root_of(view, account).await,
        ("iam", "user") => {
            let Some(Ok(name)) = rest.rsplit('/').next().map(UserName::parse) else {
                return Ok(None);
            };
            let user = table::user(view, account, &name).await?;
            Ok(user.filter(|user| user.arn().as_str() == arn).map(Named::User))
        }
        ("iam", "role") => Ok(table::roles::by_arn(view, arn).await?.map(Named::Role)),
        ("sts", "assumed-role") => {
            let Some((name, session)) = rest.split_once('/') else {
                return Ok(None);
            };
            let role = table::roles::role(view, account, name).await?;
            let same = |role: &crate::model::role::Role| role.name == name && !session.is_empty();
            Ok(role.filter(same).map(|_| Named::Session))
        }
        _ => Ok(None),
    }
}

async fn root_of(view: &ReadView<'_>, account: AccountId) -> Result<Option<Named>, Fault> {
    Ok(table::account(view, account).await?.map(|_| Named::Root))
}

async fn unique_id(view: &ReadView<'_>, arn: &str) -> Result<Option<String>, Fault> {
    Ok(match named(view, arn).await? {
        Some(Named::User(user)) => Some(user.id),
        Some(Named::Role(role)) => Some(role.id),
        Some(Named::Root | Named::Session) | None => None,
    })
}

async fn arn_of(view: &ReadView<'_>, id: &str) -> Result<Option<String>, Fault> {
    let arn: Option<Arn> = if id.starts_with("AROA") {
        table::roles::by_id(view, id).await?.map(|role| role.arn())
    } else if id.starts_with("AIDA") {
        table::users::by_id(view, id).await?.map(|user| user.arn())
    } else {
        None
    };
    Ok(arn.map(|arn| arn.as_str().to_owned()))
}

async fn create_account(ctx: &Ctx, txn: &mut Txn, account: &AccountFacts) -> Result<Option<NewAccessKey>, Fault> {
    if table::account(&txn.view(), account.id).await?.is_some() {
        return Ok(None);
    }
    let keyring = ctx.world().keyrings.create(txn, account.id, ctx.random()).await?;
    let row = table::AccountRow {
        created: account.created.floor_second(),
        name: account.name.clone(),
    };
    let root = bootstrap::bootstrap_root(txn, &keyring, account.id, &row, ctx.random()).await?;
    Ok(Some(NewAccessKey {
        id: root.access_key_id,
        secret: root.secret,
    }))
}

async fn accounts(view: &ReadView<'_>) -> Result<Vec<AccountFacts>, Fault> {
    let rows = table::accounts(view).await?;
    let facts = |(id, row): (AccountId, table::AccountRow)| AccountFacts {
        id,
        created: row.created,
        name: row.name,
    };
    Ok(rows.into_iter().map(facts).collect())
}

async fn principals(view: &ReadView<'_>) -> Result<Vec<(Principal, Arc<Rights>)>, Fault> {
    let mut gatherer = Gatherer::new(view);
    let mut all = Vec::new();
    for (account, _) in table::accounts(view).await? {
        all.push((Principal::Root { account }, Arc::default()));
        for user in table::users(view, account).await? {
            let rights = gatherer.of_user(&user).await?;
            all.push((user.principal(), Arc::new(rights)));
        }
        for role in table::roles::roles(view, account).await? {
            let rights = gatherer.of_role(&role).await?;
            all.push((role.session("*"), Arc::new(rights)));
        }
    }
    Ok(all)
}

impl Identities for IdentityStore {
    fn credential<'a>(
        &'a self,
        world: &'a World,
        view: &'a ReadView<'a>,
        access_key_id: &'a str,
    ) -> Boxed<'a, Result<Option<Arc<Credential>>, Fault>> {
        Box::pin(self.find_credential(world, view, access_key_id))
    }

    fn rights<'a>(&'a self, view: &'a ReadView<'a>, principal: &'a Principal) -> Boxed<'a, Result<Arc<Rights>, Fault>> {
        Box::pin(self.find_rights(view, principal))
    }

    fn exists<'a>(&'a self, view: &'a ReadView<'a>, arn: &'a str) -> Boxed<'a, Result<bool, Fault>> {
        Box::pin(async move { Ok(named(view, arn).await?.is_some()) })
    }

    fn unique_id<'a>(&'a self, view: &'a ReadView<'a>, arn: &'a str) -> Boxed<'a, Result<Option<String>, Fault>> {
        Box::pin(unique_id(view, arn))
    }

    fn arn_of<'a>(&'a self, view: &'a ReadView<'a>, id: &'a str) -> Boxed<'a, Result<Option<String>, Fault>> {
        Box::pin(arn_of(view, id))
    }

    fn used(&self, caller: &SignedCaller, at: Timestamp, service: &'static str, region: &Region) {
        let used = LastUsed {
            at,
            service: service.to_owned(),
            region: region.as_str().to_owned(),
        };
        match &caller.principal {
            Principal::Session { role_id, .. } => self.note_use(role_id, &used),
            _ if caller.session.is_none() => self.note_use(&caller.access_key_id, &used),
            _ => {}
        }
    }

    fn create_account<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        account: &'a AccountFacts,
    ) -> Boxed<'a, Result<Option<NewAccessKey>, Fault>> {
        Box::pin(create_account(ctx, txn, account))
    }

    fn accounts<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<AccountFacts>, Fault>> {
        Box::pin(accounts(view))
    }

    fn principals<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<(Principal, Arc<Rights>)>, Fault>> {
        Box::pin(principals(view))
    }
}
