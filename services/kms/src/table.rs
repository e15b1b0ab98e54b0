//! The rows of this room. The only file that knows how they are keyed.
//!
//! | row | key | what |
//! |---|---|---|
//! | key | `kms/key/ACCOUNT/REGION/ID` | [`Key`] |
//! | policy | `kms/policy/ACCOUNT/REGION/ID` | the key policy's text, as sent |
//! | alias | `kms/alias/ACCOUNT/REGION/NAME` | [`Alias`] |
//! | due | `kms/due/MICROSECONDS/ACCOUNT/REGION/ID` | [`Due`]; a key's deletion, by time |
//! | expiry | `kms/expire/MICROSECONDS/ACCOUNT/REGION/ID` | [`Due`]; when the first of its material expires |
//! | rotation | `kms/rotate/MICROSECONDS/ACCOUNT/REGION/ID` | [`Due`]; when its material is replaced |
//! | adopted | `kms/rotate-adopted` | that the keys of earlier releases have their rotation rows |
//! | grant | `kms/grant/ACCOUNT/REGION/ID/GRANT` | [`Grant`] |
//! | grant by request | `kms/grant-request/ACCOUNT/REGION/ID/DIGEST` | [`Named`]; of a grant with a name |
//! | grant by retirer | `kms/retirable/REGION/PRINCIPAL\|ACCOUNT/ID/GRANT` | [`Retirable`] |
//!
//! INVARIANT: a key has its policy row; an alias is listed in its key's row and in no other; a key that is pending deletion
//! has its due row, and no other has, and so with expiry and rotation; related keys of several Regions agree in what they
//! share; a key's row counts its grants, and a grant has the rows it is found by.

mod check;

pub use check::{CHECKS, open_data_key};

use crate::model::{
    Alias, AliasName, Grant, GrantId, GrantsMark, Key, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, Material,
    MaterialId, Origin, PolicyDigest, Rotation, Tag, WrappedMaterial,
};
use aws_lc_rs::digest;
use base::{AccountId, Fault, Region, Timestamp};
use envelope::WrappedKey;
use gateway::{
    Txn,
    rotation::{Renewal, SealedRows},
};
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, Stored};

impl Stored for Key {
    const VERSION: u8 = 3;
    type Ancestor = KeyV2;
}

/// The rows that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[SealedRows {
    prefix: "kms/key/",
    renew: renew_key,
}];

fn renew_key(renewal: &Renewal, _: &[u8], row: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let mut key = Key::decode(row)?;
    let (mut changed, mut lost) = (false, None);
    for material in key.material.iter_mut().chain(&mut key.staged) {
        let purpose = Material::purpose(&key.id, material.version);
        let Some(wrapped) = &material.wrapped else { continue };
        match wrapped.renew(key.account, &purpose, renewal) {
            Ok(None) => {}
            Ok(renewed) => {
                material.wrapped = renewed;
                changed = true;
            }
            // A version that opens no more takes none of the others with it.
            Err(fault) => lost = Some(fault),
        }
    }
    match (changed, lost) {
        (true, _) => key.encode().map(Some),
        (false, Some(fault)) => Err(fault),
        (false, None) => Ok(None),
    }
}

/// A key when every key was symmetric, of one Region and of material made here that was never replaced.
#[derive(Serialize, Deserialize)]
pub struct KeyV2 {
    account: AccountId,
    region: Region,
    id: KeyId,
    created: Timestamp,
    description: String,
    manager: KeyManager,
    state: KeyState,
    policy: PolicyDigest,
    material: Vec<MaterialV2>,
    tags: Vec<Tag>,
    aliases: Vec<String>,
    grants: Option<GrantsMark>,
}

/// Its material, and that of the keys before it.
#[derive(Serialize, Deserialize)]
struct MaterialV2 {
    version: u32,
    id: MaterialId,
    created: Timestamp,
    wrapped: WrappedKey,
}

impl Stored for KeyV2 {
    const VERSION: u8 = 2;
    type Ancestor = KeyV1;
}

impl From<MaterialV2> for Material {
    fn from(old: MaterialV2) -> Material {
        Material {
            version: old.version,
            id: old.id,
            created: old.created,
            wrapped: Some(WrappedMaterial::Key(old.wrapped)),
            rotation: None,
            import: None,
        }
    }
}

impl From<KeyV2> for Key {
    fn from(old: KeyV2) -> Key {
        Key {
            account: old.account,
            region: old.region,
            id: old.id,
            created: old.created,
            description: old.description,
            manager: old.manager,
            state: old.state,
            policy: old.policy,
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            material: old.material.into_iter().map(Material::from).collect(),
            staged: None,
            rotation: match old.manager {
                KeyManager::Aws => Rotation::yearly(old.created),
                KeyManager::Customer => Rotation::off(),
            },
            multi_region: None,
            tags: old.tags,
            aliases: old.aliases,
            grants: old.grants,
        }
    }
}

/// A key before there were grants.
#[derive(Serialize, Deserialize)]
pub struct KeyV1 {
    account: AccountId,
    region: Region,
    id: KeyId,
    created: Timestamp,
    description: String,
    manager: KeyManager,
    state: KeyState,
    policy: PolicyDigest,
    material: Vec<MaterialV2>,
    tags: Vec<Tag>,
    aliases: Vec<String>,
}

impl Stored for KeyV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<KeyV1> for KeyV2 {
    fn from(old: KeyV1) -> KeyV2 {
        KeyV2 {
            account: old.account,
            region: old.region,
            id: old.id,
            created: old.created,
            description: old.description,
            manager: old.manager,
            state: old.state,
            policy: old.policy,
            material: old.material,
            tags: old.tags,
            aliases: old.aliases,
            grants: None,
        }
    }
}

impl Stored for Alias {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What becomes of a key by itself at a moment that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueKind {
    /// It is deleted.
    Delete,
    /// Some of its material expires.
    Expire,
    /// Its material is replaced.
    Rotate,
}

impl DueKind {
    const ALL: [DueKind; 3] = [DueKind::Delete, DueKind::Expire, DueKind::Rotate];

    const fn prefix(self) -> &'static str {
        match self {
            DueKind::Delete => "kms/due/",
            DueKind::Expire => "kms/expire/",
            DueKind::Rotate => "kms/rotate/",
        }
    }

    /// When it is due to a key.
    fn at(self, key: &Key) -> Option<Timestamp> {
        match self {
            DueKind::Delete => key.state.deletion_date(),
            DueKind::Expire => key.expires(),
            DueKind::Rotate => key.rotation_due(),
        }
    }
}

/// A key to which something is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// The owner.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// Which.
    pub key: KeyId,
}

impl Stored for Due {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for Grant {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// The grant that a request with a name made.
#[derive(Serialize, Deserialize)]
struct Named {
    grant: GrantId,
}

impl Stored for Named {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// Where a grant is that its retiring principal may retire.
#[derive(Serialize, Deserialize)]
struct Retirable {
    account: AccountId,
    key: KeyId,
    grant: GrantId,
}

impl Stored for Retirable {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// One account in one Region: what ids and alias names are unique in.
#[derive(Clone, Copy)]
pub struct Shelf<'a> {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: &'a Region,
}

impl Shelf<'_> {
    fn row(&self, kind: &str, name: &str) -> Vec<u8> {
        format!("kms/{kind}/{}/{}/{name}", self.account, self.region).into_bytes()
    }
}

impl Key {
    /// Its account and Region.
    pub fn shelf(&self) -> Shelf<'_> {
        Shelf {
            account: self.account,
            region: &self.region,
        }
    }

    fn row(&self, kind: &str) -> Vec<u8> {
        self.shelf().row(kind, self.id.as_str())
    }
}

impl Due {
    /// Where the key is.
    pub fn shelf(&self) -> Shelf<'_> {
        Shelf {
            account: self.account,
            region: &self.region,
        }
    }

    fn row(&self, kind: DueKind) -> Vec<u8> {
        // Zero-padded, so that byte order is time order.
        let micros = u64::try_from(self.at.as_micros()).unwrap_or(0);
        format!(
            "{}{micros:020}/{}/{}/{}",
            kind.prefix(),
            self.account,
            self.region,
            self.key
        )
        .into_bytes()
    }

    /// Whether it is of this key as the key is now.
    pub fn is_of(&self, kind: DueKind, key: &Key) -> bool {
        kind.at(key) == Some(self.at)
    }

    fn of(kind: DueKind, key: &Key) -> Option<Due> {
        Some(Due {
            at: kind.at(key)?,
            account: key.account,
            region: key.region.clone(),
            key: key.id.clone(),
        })
    }
}

/// A key.
pub async fn key(view: &ReadView<'_>, shelf: Shelf<'_>, id: &KeyId) -> Result<Option<Key>, Fault> {
    view.get_row(&shelf.row("key", id.as_str())).await
}

/// Whether there is such a key.
pub async fn has_key(view: &ReadView<'_>, shelf: Shelf<'_>, id: &KeyId) -> Result<bool, Fault> {
    Ok(view.get(&shelf.row("key", id.as_str())).await?.is_some())
}

/// A page of a shelf's keys, by id.
pub async fn keys(view: &ReadView<'_>, shelf: Shelf<'_>, after: Option<&str>, limit: usize) -> Result<Vec<Key>, Fault> {
    let after = after.map(|id| shelf.row("key", id));
    let rows = view.scan_rows(&shelf.row("key", ""), after.as_deref(), limit).await?;
    Ok(rows.into_iter().map(|(_, key)| key).collect())
}

/// Writes a key, new or changed. `before` is what it was.
pub fn put_key(txn: &mut Txn, key: &Key, before: Option<&Key>) {
    for kind in DueKind::ALL {
        let was = before.and_then(|before| Due::of(kind, before));
        let is = Due::of(kind, key);
        if was != is {
            if let Some(was) = was {
                txn.delete(was.row(kind));
            }
            if let Some(is) = is {
                txn.put_row(is.row(kind), &is);
            }
        }
    }
    txn.put_row(key.row("key"), key);
}

/// The keys of other Regions that are one with a key.
pub async fn related(view: &ReadView<'_>, of: &Key) -> Result<Vec<Key>, Fault> {
    let mut found = Vec::new();
    for region in of.related() {
        let shelf = Shelf {
            account: of.account,
            region: &region,
        };
        let related = key(view, shelf, &of.id).await?;
        found
            .push(related.ok_or_else(|| Fault::corrupt(format!("key `{}` has no related key in {region}", of.arn())))?);
    }
    Ok(found)
}

/// Writes a key that changed, and what it shares into its related keys in other Regions.
pub async fn put_shared(txn: &mut Txn, now: &Key, before: &Key) -> Result<(), Fault> {
    put_key(txn, now, Some(before));
    for was in related(&txn.view(), now).await? {
        let mut is = was.clone();
        is.take_shared(now);
        put_key(txn, &is, Some(&was));
    }
    Ok(())
}

/// Writes the text of a key's policy; the key's row must name its digest.
pub fn put_policy(txn: &mut Txn, key: &Key, text: &str) {
    txn.put(key.row("policy"), text.to_owned().into_bytes());
}

/// The text of a key's policy.
pub async fn policy_text(view: &ReadView<'_>, key: &Key) -> Result<String, Fault> {
    let row = view.get(&key.row("policy")).await?;
    let row = row.ok_or_else(|| Fault::corrupt(format!("key `{}` has no policy", key.arn())))?;
    let text = String::from_utf8(row.to_vec()).map_err(|e| Fault::corrupt_by("a key policy", e))?;
    if policy_digest(&text) != key.policy {
        return Err(Fault::corrupt(format!(
            "the policy of key `{}` is not the one it names",
            key.arn()
        )));
    }
    Ok(text)
}

/// How a key's row names its policy.
pub fn policy_digest(text: &str) -> PolicyDigest {
    PolicyDigest(sha256(text))
}

fn sha256(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    out
}

/// Removes a key with its material, its policy, its aliases and its grants.
pub async fn delete_key(txn: &mut Txn, key: &Key) -> Result<(), Fault> {
    if key.grants.is_some() {
        loop {
            let page = grants(&txn.view(), key, None, GRANTS_READ_MAX).await?;
            if page.is_empty() {
                break;
            }
            for grant in &page {
                delete_grant(txn, key, grant);
            }
        }
    }
    for name in &key.aliases {
        txn.delete(key.shelf().row("alias", name));
    }
    for kind in DueKind::ALL {
        if let Some(due) = Due::of(kind, key) {
            txn.delete(due.row(kind));
        }
    }
    txn.delete(key.row("policy"));
    txn.delete(key.row("key"));
    Ok(())
}

/// Writes when a key is rotated, for one whose row was written before there were rotations.
pub fn put_rotation_due(txn: &mut Txn, key: &Key) {
    if let Some(due) = Due::of(DueKind::Rotate, key) {
        txn.put_row(due.row(DueKind::Rotate), &due);
    }
}

const ADOPTED_ROW: &str = "kms/rotate-adopted";

/// Whether the managed keys of earlier releases have been given their place in the schedule of rotations.
pub async fn is_adopted(view: &ReadView<'_>) -> Result<bool, Fault> {
    Ok(view.get(ADOPTED_ROW.as_bytes()).await?.is_some())
}

/// Says that they have.
pub fn put_adopted(txn: &mut Txn) {
    txn.put(ADOPTED_ROW.as_bytes().to_vec(), vec![1]);
}

/// A page of every account's keys in every Region, each with its row's key.
pub async fn every_key(view: &ReadView<'_>, after: Option<&[u8]>, limit: usize) -> Result<Vec<(Vec<u8>, Key)>, Fault> {
    let rows = view.scan_rows(b"kms/key/", after, limit).await?;
    Ok(rows.into_iter().map(|(row, key)| (row.to_vec(), key)).collect())
}

/// Forgets what was due to a key that is no more, or no longer due.
pub fn delete_due(txn: &mut Txn, kind: DueKind, due: &Due) {
    txn.delete(due.row(kind));
}

/// What is due first, up to `limit`.
pub async fn dues(view: &ReadView<'_>, kind: DueKind, limit: usize) -> Result<Vec<Due>, Fault> {
    let rows = view.scan_rows(kind.prefix().as_bytes(), None, limit).await?;
    Ok(rows.into_iter().map(|(_, due)| due).collect())
}

/// What an alias stands for.
pub async fn alias(view: &ReadView<'_>, shelf: Shelf<'_>, name: &str) -> Result<Option<Alias>, Fault> {
    view.get_row(&shelf.row("alias", name)).await
}

/// A page of a shelf's aliases with their names, by name.
pub async fn aliases(
    view: &ReadView<'_>,
    shelf: Shelf<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Alias)>, Fault> {
    let prefix = shelf.row("alias", "");
    let after = after.map(|name| shelf.row("alias", name));
    let rows = view.scan_rows(&prefix, after.as_deref(), limit).await?;
    Ok(rows
        .into_iter()
        .map(|(row, alias)| (tail(&row, &prefix), alias))
        .collect())
}

fn tail(row: &[u8], prefix: &[u8]) -> String {
    String::from_utf8_lossy(row.get(prefix.len()..).unwrap_or_default()).into_owned()
}

/// Writes an alias, new or changed; its key's row must list it.
pub fn put_alias(txn: &mut Txn, shelf: Shelf<'_>, name: &AliasName, alias: &Alias) {
    txn.put_row(shelf.row("alias", name.as_str()), alias);
}

/// Removes an alias; its key's row must no longer list it.
pub fn delete_alias(txn: &mut Txn, shelf: Shelf<'_>, name: &AliasName) {
    txn.delete(shelf.row("alias", name.as_str()));
}

/// How many grants are read at a time.
const GRANTS_READ_MAX: usize = 1000;

impl Key {
    fn grant_row(&self, id: &str) -> Vec<u8> {
        self.shelf().row("grant", &format!("{}/{id}", self.id))
    }

    fn request_row(&self, request: &str) -> Vec<u8> {
        let digest: String = sha256(request).iter().map(|byte| format!("{byte:02x}")).collect();
        self.shelf().row("grant-request", &format!("{}/{digest}", self.id))
    }

    fn retirable_row(&self, principal: &str, grant: &GrantId) -> Vec<u8> {
        let place = format!("{}/{}/{grant}", self.account, self.id);
        retirable_row(&self.region, principal, &place)
    }
}

/// A principal has no `|`, so none is the beginning of another.
fn retirable_row(region: &Region, principal: &str, place: &str) -> Vec<u8> {
    format!("kms/retirable/{region}/{principal}|{place}").into_bytes()
}

/// A grant of a key.
pub async fn grant(view: &ReadView<'_>, key: &Key, id: &GrantId) -> Result<Option<Grant>, Fault> {
    match key.grants {
        None => Ok(None),
        Some(_) => view.get_row(&key.grant_row(id.as_str())).await,
    }
}

/// The grant that a request of this name and these terms made, if it is still there.
pub async fn grant_of_request(view: &ReadView<'_>, key: &Key, request: &str) -> Result<Option<GrantId>, Fault> {
    let named: Option<Named> = view.get_row(&key.request_row(request)).await?;
    Ok(named.map(|named| named.grant))
}

/// A page of a key's grants, by id.
pub async fn grants(view: &ReadView<'_>, key: &Key, after: Option<&str>, limit: usize) -> Result<Vec<Grant>, Fault> {
    if key.grants.is_none() {
        return Ok(Vec::new());
    }
    let after = after.map(|id| key.grant_row(id));
    let rows = view.scan_rows(&key.grant_row(""), after.as_deref(), limit).await?;
    Ok(rows.into_iter().map(|(_, grant)| grant).collect())
}

/// Every grant of a key, by id.
pub async fn all_grants(view: &ReadView<'_>, key: &Key) -> Result<Vec<Grant>, Fault> {
    let mut all: Vec<Grant> = Vec::new();
    loop {
        let after = all.last().map(|grant| grant.id.to_string());
        let page = grants(view, key, after.as_deref(), GRANTS_READ_MAX).await?;
        let ended = page.len() < GRANTS_READ_MAX;
        all.extend(page);
        if ended {
            return Ok(all);
        }
    }
}

/// A page of the grants in a Region that a principal may retire, of any account's keys, each with its key and the name by
/// which the next page begins.
pub async fn retirable(
    view: &ReadView<'_>,
    region: &Region,
    principal: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Key, Grant)>, Fault> {
    let prefix = retirable_row(region, principal, "");
    let after = after.map(|place| retirable_row(region, principal, place));
    let rows: Vec<(_, Retirable)> = view.scan_rows(&prefix, after.as_deref(), limit).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (row, at) in rows {
        let shelf = Shelf {
            account: at.account,
            region,
        };
        let lost = || Fault::corrupt(format!("grant `{}` is retirable and is not there", at.grant));
        let key = key(view, shelf, &at.key).await?.ok_or_else(lost)?;
        let grant = grant(view, &key, &at.grant).await?.ok_or_else(lost)?;
        found.push((tail(&row, &prefix), key, grant));
    }
    Ok(found)
}

/// Writes a new grant; its key's row must count it.
pub fn put_grant(txn: &mut Txn, key: &Key, grant: &Grant) {
    txn.put_row(key.grant_row(grant.id.as_str()), grant);
    if let Some(request) = grant.request() {
        let named = Named {
            grant: grant.id.clone(),
        };
        txn.put_row(key.request_row(&request), &named);
    }
    if let Some(principal) = &grant.retiring {
        let retirable = Retirable {
            account: key.account,
            key: key.id.clone(),
            grant: grant.id.clone(),
        };
        txn.put_row(key.retirable_row(principal, &grant.id), &retirable);
    }
}

/// Removes a grant; its key's row must no longer count it.
pub fn delete_grant(txn: &mut Txn, key: &Key, grant: &Grant) {
    txn.delete(key.grant_row(grant.id.as_str()));
    if let Some(request) = grant.request() {
        txn.delete(key.request_row(&request));
    }
    if let Some(principal) = &grant.retiring {
        txn.delete(key.retirable_row(principal, &grant.id));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use base::Random;
    use envelope::{Key256, wrap_under};

    /// A key with one of everything but grants.
    pub(crate) fn key() -> Key {
        let random = Random::seeded(7);
        let id = KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
        let (keyring, fresh) = (Key256::generate(&random), Key256::generate(&random));
        let material = Material {
            version: 1,
            id: crate::model::MaterialId::generate(&random),
            created: Timestamp::from_secs(1_700_000_000),
            wrapped: Some(WrappedMaterial::Key(wrap_under(
                &keyring,
                &fresh,
                &Material::purpose(&id, 1),
                &random,
            ))),
            rotation: None,
            import: None,
        };
        Key {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::us_east_1(),
            id,
            created: Timestamp::from_secs(1_700_000_000),
            description: "d".to_owned(),
            manager: KeyManager::Customer,
            state: KeyState::PendingDeletion {
                deletion_date: Timestamp::from_secs(1_800_000_000),
            },
            policy: policy_digest("{}"),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            material: vec![material],
            staged: None,
            rotation: Rotation::off(),
            multi_region: None,
            tags: vec![Tag {
                key: "k".to_owned(),
                value: "v".to_owned(),
            }],
            aliases: vec!["alias/a".to_owned()],
            grants: None,
        }
    }

    /// As 0.1 wrote it.
    const KEY_V1: &str = "010c3131313132323232333333330975732d656173742d312431323334616263642d313261622d333463642d353665662d31\
        32333435363738393061628080f28183898506016401038080c489e5c5b20644136fa355b3678a1146ad16f7e8649e94fb4f\
        c21fe77e8310c060f61caaff8a01017a0786b127a9d7b2cad8ed51528891fd641a359f29f44c6bd8cac846aaf615e28080f2\
        81838985065101a993be3d99134be983c16016e1e0e2a6a665081da4cd508913650858806021f952117dc6dd107fe702db0c\
        2e4ffeb2e9f343da48efce70abb1f4c79a68218b100cd88a631bcc81f789156e348b21651801016b01760107616c6961732f\
        61";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn keys_of_earlier_releases_open() {
        assert_eq!(Key::decode(&bytes(KEY_V1)).unwrap(), key());
        // The version after it wrote the same, and a mark of grants behind it.
        let unmarked = KEY_V1.strip_prefix("01").unwrap();
        let stamp = "07".repeat(16);
        let marked = Key {
            grants: Some(GrantsMark {
                count: 1,
                stamp: [7; 16],
            }),
            ..key()
        };
        assert_eq!(
            Key::decode(&bytes(&format!("02{unmarked}0101{stamp}"))).unwrap(),
            marked
        );
        assert_eq!(Key::decode(&bytes(&format!("02{unmarked}00"))).unwrap(), key());
        assert_eq!(Key::decode(&marked.encode().unwrap()).unwrap(), marked);
        // The keys that AWS manages are rotated every year; nobody had asked for it.
        let mut managed = KeyV2::decode(&bytes(KEY_V1)).unwrap();
        managed.manager = KeyManager::Aws;
        managed.state = KeyState::Enabled;
        let managed = Key::decode(&managed.encode().unwrap()).unwrap();
        assert_eq!(managed.rotation, Rotation::yearly(managed.created));
        assert!(Due::of(DueKind::Rotate, &managed).is_some() && Due::of(DueKind::Rotate, &key()).is_none());
    }

    /// Were a version that opens no more to hold up the others, they would be lost with the keyring that is given up.
    #[test]
    fn a_version_that_is_lost_takes_no_other_with_it() {
        let random = Random::seeded(1);
        let keyring = envelope::Keyring::new(Key256::generate(&random), vec![Key256::generate(&random)]);
        let (current, older) = (
            envelope::Keyring::from(keyring.current().clone()),
            envelope::Keyring::from(keyring.keys().nth(1).unwrap().clone()),
        );
        let clear = crate::model::ClearMaterial::Key(Key256::generate(&random));
        let mut key = key();
        let purpose = |version: u32| Material::purpose(&key.id, version);
        let wrap = |purpose: &str| Some(WrappedMaterial::wrap(&older, &clear, purpose, &random));
        let version = |version: u32, purpose: &str| Material {
            version,
            wrapped: wrap(purpose),
            ..key.material[0].clone()
        };
        let versions = vec![
            version(1, &purpose(1)),
            version(2, "another place"),
            version(3, &purpose(3)),
        ];
        key.material = versions;
        let renewal = Renewal::new(vec![(key.account, keyring)], AccountId::FIRST, random.clone());
        let renewed = renew_key(&renewal, b"", &key.encode().unwrap()).unwrap().unwrap();
        let opens: Vec<bool> = Key::decode(&renewed)
            .unwrap()
            .material
            .iter()
            .map(|one| {
                let purpose = Material::purpose(&key.id, one.version);
                one.wrapped.as_ref().unwrap().unwrap(&current, &purpose).is_ok()
            })
            .collect();
        assert_eq!(opens, [true, false, true]);
        // What is left is told, and is not sealed anew again and again.
        assert!(renew_key(&renewal, b"", &renewed).is_err());
    }

    #[test]
    fn no_principal_finds_the_grants_of_another() {
        let region = Region::us_east_1();
        let prefix = |principal: &str| retirable_row(&region, principal, "");
        let row = retirable_row(&region, "arn:aws:sts::1:assumed-role/r/session", "1/k/g");
        assert!(row.starts_with(&prefix("arn:aws:sts::1:assumed-role/r/session")));
        for other in ["arn:aws:sts::1:assumed-role/r/s", "arn:aws:sts::1:assumed-role/r", ""] {
            assert!(!row.starts_with(&prefix(other)), "{other}");
        }
    }

    #[test]
    fn dues_sort_by_time() {
        let due = |secs: i64| Due {
            at: Timestamp::from_secs(secs),
            account: AccountId::FIRST,
            region: Region::us_east_1(),
            key: KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap(),
        };
        let rows: Vec<Vec<u8>> = [-1, 0, 9, 10, 4_102_444_800]
            .map(|secs| due(secs).row(DueKind::Delete))
            .to_vec();
        assert!(rows.is_sorted());
    }
}
