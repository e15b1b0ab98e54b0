//! The port on a store of its own.

use super::*;
use crate::{
    bootstrap::bootstrap_root,
    model::{
        document::{self, Holder},
        group::Group,
        managed_policy::tests::policy,
        role::Role,
        session,
        tags::Tags,
    },
    table::{groups, holdings, managed, roles, sessions},
    work::Housekeeping,
};
use base::{Clock, Random};
use gateway::{ServiceCaller, Settings, ports::Worker, work::Work};
use store::{Maintenance, Options, Store};
use wire::ServiceName;

const ACCOUNT: AccountId = AccountId::FIRST;
const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

fn world(directory: &std::path::Path) -> Arc<World> {
    let random = Random::seeded(5);
    let clock = Clock::manual(Timestamp::from_secs(1_000_000));
    let options = Options {
        block_key: envelope::Key256::generate(&random),
        random: random.clone(),
        clock: clock.clone(),
        cache_bytes: 1 << 20,
    };
    let store = Store::open(store::lock(directory).unwrap(), options).unwrap();
    let root = Arc::new(envelope::RootKey::generate(&random));
    Arc::new(World::new(store, clock, random, Settings::standard(), root))
}

async fn change(world: &Arc<World>, change: impl AsyncFnOnce(&mut Txn)) {
    let caller = ServiceCaller {
        name: "iam.amazonaws.com",
        source_arn: None,
        source_account: ACCOUNT,
    };
    let mut work = Work::begin(world, ServiceName::Iam, caller, Region::us_east_1());
    change(work.parts().1).await;
    work.commit(Maintenance::Bootstrap).await.unwrap();
}

fn bob(id: &str) -> User {
    User {
        account: ACCOUNT,
        name: "Bob".to_owned(),
        path: "/a/".to_owned(),
        id: id.to_owned(),
        created: Timestamp::EPOCH,
        tags: vec![("team".to_owned(), "x".to_owned())],
        boundary: None,
    }
}

fn role(id: &str) -> Role {
    Role {
        account: ACCOUNT,
        name: "R".to_owned(),
        path: "/a/".to_owned(),
        id: id.to_owned(),
        created: Timestamp::EPOCH,
        description: None,
        trust: "{}".to_owned(),
        max_session_duration: 3_600,
        boundary: None,
        tags: Tags::new(),
    }
}

fn group() -> Group {
    Group {
        account: ACCOUNT,
        name: "G".to_owned(),
        path: "/".to_owned(),
        id: "AGPAX".to_owned(),
        created: Timestamp::EPOCH,
    }
}

fn account_row(created: Timestamp) -> table::AccountRow {
    table::AccountRow {
        created,
        name: String::new(),
    }
}

async fn bootstrap(world: &Arc<World>) {
    change(world, async |txn| {
        let keyring = world.keyrings.create(txn, ACCOUNT, &world.random).await.unwrap();
        let now = Timestamp::EPOCH;
        drop(
            bootstrap_root(txn, &keyring, ACCOUNT, &account_row(now), &world.random)
                .await
                .unwrap(),
        );
    })
    .await;
}

async fn find(identities: &IdentityStore, world: &World, id: &str) -> Option<Arc<Credential>> {
    let snapshot = world.snapshot();
    identities.credential(world, &snapshot.view(), id).await.unwrap()
}

/// Where each policy of a principal is kept, the boundary last and in brackets.
async fn held(identities: &IdentityStore, world: &World, principal: &Principal) -> Vec<String> {
    let snapshot = world.snapshot();
    let rights = identities.rights(&snapshot.view(), principal).await.unwrap();
    let name = |policy: &Policy| policy.source().unwrap().name.to_string();
    let own = rights.identity.iter().map(|policy| name(policy));
    let boundary = rights.boundary.iter().map(|policy| format!("({})", name(policy)));
    own.chain(boundary).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_whose_they_are_until_they_change() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = IdentityStore::default();
    let (mut root, mut user) = (None, None);
    change(&world, async |txn| {
        let keyring = world.keyrings.create(txn, ACCOUNT, &world.random).await.unwrap();
        let now = world.clock.now();
        root = Some(
            bootstrap_root(txn, &keyring, ACCOUNT, &account_row(now), &world.random)
                .await
                .unwrap(),
        );
        let owner = Owner::user(&bob("AIDAX"));
        let (key, secret) = AccessKey::generate(&keyring, ACCOUNT, owner, &world.random, now);
        table::add_access_key(txn, &key).await.unwrap();
        table::put_user(txn, &bob("AIDAX"));
        user = Some((key, secret));
    })
    .await;
    let (root, (mut key, secret)) = (root.unwrap(), user.unwrap());

    let found = find(&identities, &world, &root.access_key_id).await.unwrap();
    assert!(found.active && found.secret.expose() == root.secret.expose());
    assert_eq!(found.caller.principal, Principal::Root { account: ACCOUNT });
    assert_eq!(found.caller.principal_id, "000000000000");

    let found = find(&identities, &world, &key.id).await.unwrap();
    assert!(found.active && found.secret.expose() == secret.expose() && found.session_token.is_none());
    assert_eq!(found.caller.principal_id, "AIDAX");
    let arn = |credential: &Credential| credential.caller.principal.arn().unwrap();
    assert_eq!(arn(&found), "arn:aws:iam::000000000000:user/a/Bob");
    let again = find(&identities, &world, &key.id).await.unwrap();
    assert!(Arc::ptr_eq(&found, &again), "the second time it is remembered");

    let rob = User {
        name: "Rob".to_owned(),
        path: "/".to_owned(),
        ..bob("AIDAX")
    };
    change(&world, async |txn| {
        table::users::move_user(txn, &bob("AIDAX"), &rob).await.unwrap()
    })
    .await;
    let moved = find(&identities, &world, &key.id).await.unwrap();
    assert_eq!(arn(&moved), "arn:aws:iam::000000000000:user/Rob");

    key.active = false;
    change(&world, async |txn| table::put_access_key(txn, &key)).await;
    assert!(!find(&identities, &world, &key.id).await.unwrap().active);
    change(&world, async |txn| table::delete_access_key(txn, &key).await.unwrap()).await;
    for id in [
        key.id.as_str(),
        "AKIANOTHERE",
        "ASIANOTHERE",
        "",
        "a/b",
        &"A".repeat(70_000),
    ] {
        assert!(find(&identities, &world, id).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_holds_its_own_policies_and_its_groups() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = IdentityStore::default();
    bootstrap(&world).await;
    let user = bob("AIDAX");
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let customer = policy("P", ALLOW);
    change(&world, async |txn| {
        table::put_user(txn, &user);
        managed::put_policy(txn, &customer);
        groups::put_group(txn, &group());
        groups::add_member(txn, &group(), &user).await.unwrap();
        let mut row = table::PoliciesRow::default();
        document::add_policy(&mut row, Holder::User("Bob"), "p".to_owned(), ALLOW).unwrap();
        holdings::put_inline(txn, ACCOUNT, &user.id, &row);
        holdings::put_inline(txn, ACCOUNT, &group().id, &row);
        let arn = customer.arn();
        holdings::attach(txn, ACCOUNT, &user.id, arn.as_str(), &customer.id)
            .await
            .unwrap();
        holdings::attach(txn, ACCOUNT, &group().id, read_only, "ANPAR")
            .await
            .unwrap();
    })
    .await;
    let all = [
        "inline policy p of user Bob",
        "managed policy arn:aws:iam::000000000000:policy/P",
        "inline policy p of group G",
        "managed policy arn:aws:iam::aws:policy/ReadOnlyAccess",
    ];
    let principal = user.principal();
    for _ in 0..2 {
        assert_eq!(held(&identities, &world, &principal).await, all);
    }
    // A user of the same name that was made later has none of the first one's rights.
    assert!(held(&identities, &world, &bob("AIDAY").principal()).await.is_empty());
    let root = Principal::Root { account: ACCOUNT };
    assert!(held(&identities, &world, &root).await.is_empty());

    // Each change is seen at once, and the policy's own counts follow.
    let bounded = User {
        boundary: Some(read_only.to_owned()),
        ..user.clone()
    };
    change(&world, async |txn| {
        assert!(groups::remove_member(txn, &group(), &user).await.unwrap());
        assert!(!groups::remove_member(txn, &group(), &user).await.unwrap());
        let arn = customer.arn();
        assert_eq!(
            holdings::attached_to(&txn.view(), ACCOUNT, &customer.id).await.unwrap(),
            ["AIDAX"]
        );
        assert!(
            holdings::detach(txn, ACCOUNT, &user.id, arn.as_str(), &customer.id)
                .await
                .unwrap()
        );
        assert!(
            holdings::attached_to(&txn.view(), ACCOUNT, &customer.id)
                .await
                .unwrap()
                .is_empty()
        );
        holdings::move_boundary(txn, ACCOUNT, &user.id, None, bounded.boundary.as_deref())
            .await
            .unwrap();
        table::put_user(txn, &bounded);
    })
    .await;
    assert_eq!(
        held(&identities, &world, &principal).await,
        [
            "inline policy p of user Bob",
            "(managed policy arn:aws:iam::aws:policy/ReadOnlyAccess)"
        ]
    );
    let snapshot = world.snapshot();
    let rights = identities.rights(&snapshot.view(), &principal).await.unwrap();
    assert_eq!(rights.tags, user.tags);
    change(&world, async |txn| {
        assert_eq!(
            holdings::bounded_by(&txn.view(), ACCOUNT, "ANPA2SHOSEKIAAAAAAAA6")
                .await
                .unwrap(),
            ["AIDAX"]
        );
        table::delete_user(txn, &bounded).await.unwrap();
        let left = holdings::bounded_by(&txn.view(), ACCOUNT, "ANPA2SHOSEKIAAAAAAAA6")
            .await
            .unwrap();
        assert!(left.is_empty());
    })
    .await;
    assert!(held(&identities, &world, &principal).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn principals_exist_by_arn_and_are_kept_by_id() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = IdentityStore::default();
    bootstrap(&world).await;
    change(&world, async |txn| {
        table::put_user(txn, &bob("AIDAX"));
        roles::put_role(txn, &role("AROAX"));
    })
    .await;
    let snapshot = world.snapshot();
    let view = snapshot.view();
    for (arn, exists, id) in [
        ("arn:aws:iam::000000000000:user/a/Bob", true, Some("AIDAX")),
        ("arn:aws:iam::000000000000:user/Bob", false, None),
        ("arn:aws:iam::000000000000:user/a/bob", false, None),
        ("arn:aws:iam::000000000000:root", true, None),
        ("000000000000", true, None),
        ("arn:aws:iam::111111111111:root", false, None),
        ("arn:aws:iam::111111111111:user/a/Bob", false, None),
        ("111111111111", false, None),
        ("arn:aws:iam::000000000000:role/a/R", true, Some("AROAX")),
        ("arn:aws:iam::000000000000:role/R", false, None),
        ("arn:aws:sts::000000000000:assumed-role/R/s", true, None),
        ("arn:aws:sts::000000000000:assumed-role/r/s", false, None),
        ("arn:aws:sts::000000000000:assumed-role/R", false, None),
        ("arn:aws-cn:iam::000000000000:root", false, None),
        ("arn:aws:iam::000000000000:user/", false, None),
        ("*", false, None),
    ] {
        assert_eq!(identities.exists(&view, arn).await.unwrap(), exists, "{arn}");
        let found = identities.unique_id(&view, arn).await.unwrap();
        assert_eq!(found.as_deref(), id, "{arn}");
        if let Some(id) = id {
            assert_eq!(identities.arn_of(&view, id).await.unwrap().as_deref(), Some(arn));
        }
    }
    for id in ["AIDAY", "AROAY", "AGPAX", ""] {
        assert_eq!(identities.arn_of(&view, id).await.unwrap(), None, "{id}");
    }
    let all = identities.principals(&view).await.unwrap();
    let arns: Vec<String> = all.iter().filter_map(|(principal, _)| principal.arn()).collect();
    assert_eq!(
        arns,
        [
            "arn:aws:iam::000000000000:root",
            "arn:aws:iam::000000000000:user/a/Bob",
            "arn:aws:sts::000000000000:assumed-role/R/*"
        ]
    );
}

/// A user's row as the first release wrote it, without an entry in the index of ids.
#[tokio::test(flavor = "multi_thread")]
async fn users_of_the_first_release_have_their_rights() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = Arc::new(IdentityStore::default());
    bootstrap(&world).await;
    change(&world, async |txn| {
        let mut row = vec![1, 12];
        row.extend(b"000000000000\x03Bob\x03/a/\x05AIDAX\x00\x00");
        txn.put(b"iam/user/000000000000/bob".to_vec(), row);
        let mut policies = table::PoliciesRow::default();
        document::add_policy(&mut policies, Holder::User("Bob"), "p".to_owned(), ALLOW).unwrap();
        holdings::put_inline(txn, ACCOUNT, "AIDAX", &policies);
    })
    .await;
    assert_eq!(
        held(&identities, &world, &bob("AIDAX").principal()).await,
        ["inline policy p of user Bob"]
    );
    let arn_of = async |id: &str| {
        let snapshot = world.snapshot();
        identities.arn_of(&snapshot.view(), id).await.unwrap()
    };
    assert_eq!(
        arn_of("AIDAX").await.as_deref(),
        Some("arn:aws:iam::000000000000:user/a/Bob")
    );

    // The first round of the worker indexes them, and after it an id without a row is nobody's, without a search.
    let worker = Housekeeping::new(Arc::clone(&identities));
    let due = worker.next_due(&world).await.unwrap();
    assert!(due.is_some_and(|due| due <= world.clock.now()), "{due:?}");
    worker.tick(&world, world.clock.now()).await.unwrap();
    assert_eq!(worker.next_due(&world).await.unwrap(), None);
    assert_eq!(
        arn_of("AIDAX").await.as_deref(),
        Some("arn:aws:iam::000000000000:user/a/Bob")
    );
    change(&world, async |txn| {
        let mut row = vec![1, 12];
        row.extend(b"000000000000\x03Rob\x03/a/\x05AIDAZ\x00\x00");
        txn.put(b"iam/user/000000000000/rob".to_vec(), row);
    })
    .await;
    assert_eq!(arn_of("AIDAZ").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_hold_their_roles_rights_and_go_after_their_end() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = Arc::new(IdentityStore::default());
    bootstrap(&world).await;
    let expires = world.clock.real_now().plus(std::time::Duration::from_secs(900));
    let mut made = None;
    change(&world, async |txn| {
        let keyring = world.keyrings.of(&txn.view(), ACCOUNT).await.unwrap();
        let (stored, secrets) = session::tests::of_role(&keyring, &world.random, expires);
        sessions::put_session(txn, &stored);
        roles::put_role(txn, &role("AROAX"));
        let arn = "arn:aws:iam::aws:policy/SecurityAudit";
        holdings::attach(txn, ACCOUNT, "AROAX", arn, "ANPAS").await.unwrap();
        made = Some((stored, secrets));
    })
    .await;
    let (stored, secrets) = made.unwrap();
    let found = find(&identities, &world, &stored.id).await.unwrap();
    assert_eq!(found.secret.expose(), secrets.secret.expose());
    let token = found.session_token.as_ref().unwrap();
    assert_eq!(token.expose(), secrets.token.expose());
    let session = found.caller.session.as_ref().unwrap();
    assert_eq!(session.expires, expires);
    let issuer = session.issuer.as_ref().unwrap();
    assert_eq!(issuer.role_arn.as_str(), "arn:aws:iam::000000000000:role/a/R");
    let policies = held(&identities, &world, &found.caller.principal).await;
    assert_eq!(policies, ["managed policy arn:aws:iam::aws:policy/SecurityAudit"]);

    let region = Region::us_east_1();
    identities.used(&found.caller, Timestamp::from_secs(9), "s3", &region);
    let worker = Housekeeping::new(Arc::clone(&identities));
    let day = std::time::Duration::from_secs(24 * 3600);
    world.clock.advance(day * 30);
    worker.tick(&world, world.clock.now()).await.unwrap();
    let used = sessions::last_used(&world.snapshot().view(), "AROAX").await.unwrap();
    let expected = LastUsed {
        at: Timestamp::from_secs(9),
        service: "s3".to_owned(),
        region: region.as_str().to_owned(),
    };
    assert_eq!(used, Some(expected));
    // Sessions end in real time, which a rehearsal does not move.
    assert!(find(&identities, &world, &stored.id).await.is_some());
    change(&world, async |txn| {
        roles::delete_role(txn, &role("AROAX")).await.unwrap()
    })
    .await;
    assert!(held(&identities, &world, &found.caller.principal).await.is_empty());
}

/// A session of Bob's by GetSessionToken.
fn session_of_bob(keyring: &envelope::Keyring, random: &Random, expires: Timestamp) -> StoredSession {
    let owner = SessionOwner::Caller(Owner::user(&bob("AIDAX")));
    let (stored, _) = session::tests::of(keyring, random, owner, expires);
    stored
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_follow_their_user_and_end_with_user_or_role() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = IdentityStore::default();
    bootstrap(&world).await;
    let expires = world.clock.real_now().plus(std::time::Duration::from_secs(900));
    let mut made = None;
    change(&world, async |txn| {
        let keyring = world.keyrings.of(&txn.view(), ACCOUNT).await.unwrap();
        let of_user = session_of_bob(&keyring, &world.random, expires);
        let (of_role, _) = session::tests::of_role(&keyring, &world.random, expires);
        table::put_user(txn, &bob("AIDAX"));
        roles::put_role(txn, &role("AROAX"));
        sessions::put_session(txn, &of_user);
        sessions::put_session(txn, &of_role);
        made = Some((of_user.id, of_role.id));
    })
    .await;
    let (of_user, of_role) = made.unwrap();
    let who = async |id: &str| {
        let found = find(&identities, &world, id).await;
        found.map(|credential| credential.caller.principal.arn().unwrap())
    };
    assert_eq!(
        who(&of_user).await.as_deref(),
        Some("arn:aws:iam::000000000000:user/a/Bob")
    );
    assert!(who(&of_role).await.is_some());

    let rob = User {
        name: "Rob".to_owned(),
        path: "/".to_owned(),
        ..bob("AIDAX")
    };
    change(&world, async |txn| {
        table::users::move_user(txn, &bob("AIDAX"), &rob).await.unwrap();
    })
    .await;
    assert_eq!(
        who(&of_user).await.as_deref(),
        Some("arn:aws:iam::000000000000:user/Rob")
    );

    // What is made again under the old name is not whose the sessions are.
    change(&world, async |txn| {
        table::delete_user(txn, &rob).await.unwrap();
        roles::delete_role(txn, &role("AROAX")).await.unwrap();
        table::put_user(
            txn,
            &User {
                id: "AIDAY".to_owned(),
                ..rob
            },
        );
        roles::put_role(txn, &role("AROAY"));
    })
    .await;
    assert_eq!((who(&of_user).await, who(&of_role).await), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_are_known_for_a_day() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = Arc::new(IdentityStore::default());
    bootstrap(&world).await;
    let hours = |n: u64| std::time::Duration::from_secs(3_600 * n);
    let now = world.clock.real_now();
    let ends = [
        now.plus(hours(1)),
        now.minus(hours(23)),
        now.minus(hours(24)),
        now.minus(hours(48)),
    ];
    let mut ids = Vec::new();
    change(&world, async |txn| {
        let keyring = world.keyrings.of(&txn.view(), ACCOUNT).await.unwrap();
        table::put_user(txn, &bob("AIDAX"));
        for end in ends {
            let stored = session_of_bob(&keyring, &world.random, end);
            sessions::put_session(txn, &stored);
            ids.push(stored.id);
        }
    })
    .await;
    let worker = Housekeeping::new(Arc::clone(&identities));
    let due = worker.next_due(&world).await.unwrap();
    assert!(due.is_some_and(|due| due <= world.clock.now()), "{due:?}");
    worker.tick(&world, world.clock.now()).await.unwrap();
    assert_eq!(
        worker.next_due(&world).await.unwrap(),
        None,
        "what is left has not ended long ago"
    );
    let mut known = Vec::new();
    for id in &ids {
        let found = find(&identities, &world, id).await;
        known.push(found.map(|credential| credential.caller.session.as_ref().unwrap().expires <= now));
    }
    assert_eq!(known, [Some(false), Some(true), None, None]);
    let left = sessions::ends(&world.snapshot().view(), 9).await.unwrap();
    assert_eq!(left.len(), 2);

    let found = find(&identities, &world, &ids[0]).await.unwrap();
    let user = SignedCaller {
        principal: found.caller.principal.clone(),
        access_key_id: "AKIAX".to_owned(),
        principal_id: "AIDAX".to_owned(),
        session: None,
    };
    identities.used(&user, Timestamp::EPOCH, "s3", &Region::us_east_1());
    let minute = std::time::Duration::from_secs(60);
    let next = world.clock.now().plus(minute);
    assert_eq!(
        worker.next_due(&world).await.unwrap(),
        Some(next),
        "uses are gathered for a minute"
    );
}

/// What a transaction sees of its own changes may never be committed, so nothing is remembered of it.
#[tokio::test(flavor = "multi_thread")]
async fn rights_seen_in_a_change_are_not_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let identities = IdentityStore::default();
    bootstrap(&world).await;
    change(&world, async |txn| table::put_user(txn, &bob("AIDAX"))).await;
    let principal = bob("AIDAX").principal();
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let caller = ServiceCaller {
        name: "iam.amazonaws.com",
        source_arn: None,
        source_account: ACCOUNT,
    };
    let mut dropped = Work::begin(&world, ServiceName::Iam, caller, Region::us_east_1());
    let (_, txn) = dropped.parts();
    holdings::attach(txn, ACCOUNT, "AIDAX", read_only, "ANPAR")
        .await
        .unwrap();
    let seen = identities.rights(&txn.view(), &principal).await.unwrap();
    assert_eq!(seen.identity.len(), 1);
    drop(dropped);
    change(&world, async |txn| table::put_user(txn, &bob("AIDAX"))).await;
    assert!(held(&identities, &world, &principal).await.is_empty());
}
