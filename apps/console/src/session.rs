//! Who is signed in.

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
};
use base::{Random, Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use operator::message::Language;
use sigv4::sign::Credentials;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A session ends so long after it began, as AWS's console does it by default.
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>
pub(crate) const TIME: Duration = Duration::from_secs(12 * 3600);
/// A session in which nothing is asked for ends after so long.
pub(crate) const IDLE: Duration = Duration::from_secs(3600);
/// So many sessions there may be; the one that was used longest ago makes room.
const SESSIONS_MAX: usize = 1_000;

/// So many of them may be of one principal, for the same reason.
const OWN_MAX: usize = 50;

/// A name that nobody guesses.
pub(crate) fn unguessable(random: &Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<32>())
}

/// Under which a secret name is kept, so that memory that is seen does not sign in.
pub(crate) fn hash(name: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, name.as_bytes()).as_ref());
    hash
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(&hash(one), &hash(other)).is_ok()
}

/// Who is signed in, as STS has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The principal.
    pub arn: String,
}

/// How a browser wants pages to be.
#[derive(Clone, Debug)]
pub(crate) struct Taste {
    /// The Region that is looked at.
    pub(crate) region: String,
    /// As chosen; else as the browser says.
    pub(crate) language: Option<Language>,
    /// As chosen; else as the browser says.
    pub(crate) theme: Option<Theme>,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// A browser that is signed in.
pub(crate) struct Session {
    pub(crate) credentials: Credentials,
    pub(crate) caller: Caller,
    /// What a form must carry.
    pub(crate) token: String,
    pub(crate) since: Timestamp,
    used: Mutex<Timestamp>,
    taste: Mutex<Taste>,
    /// Streams that are open in it.
    pub(crate) streams: AtomicUsize,
    ended: tokio::sync::watch::Sender<bool>,
}

impl Session {
    /// When it ends if nothing more is asked for, in real time.
    pub(crate) fn until(&self) -> Timestamp {
        self.since.plus(TIME).min(lock(&self.used).plus(IDLE))
    }

    pub(crate) fn taste(&self) -> Taste {
        lock(&self.taste).clone()
    }

    pub(crate) fn set_taste(&self, change: impl FnOnce(&mut Taste)) {
        change(&mut lock(&self.taste));
    }

    /// Becomes true when the session is ended.
    pub(crate) fn ended(&self) -> tokio::sync::watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Takes a place for a stream, of so many at most.
    pub(crate) fn open_stream(&self, most: usize) -> bool {
        let more = |open: usize| (open < most).then_some(open + 1);
        self.streams
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    pub(crate) fn close_stream(&self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sessions of a console, by the hash of the name that the browser has.
pub(crate) struct Sessions {
    random: Random,
    all: Mutex<HashMap<[u8; 32], Arc<Session>>>,
}

impl Sessions {
    pub(crate) fn new(random: Random) -> Sessions {
        Sessions {
            random,
            all: Mutex::default(),
        }
    }

    /// Begins one; the name is for the browser.
    pub(crate) fn begin(&self, credentials: Credentials, caller: Caller, region: &str, now: Timestamp) -> String {
        let name = unguessable(&self.random);
        let session_of = caller.clone();
        let session = Session {
            credentials,
            caller,
            token: unguessable(&self.random),
            since: now,
            used: Mutex::new(now),
            taste: Mutex::new(Taste {
                region: region.to_owned(),
                language: None,
                theme: None,
            }),
            streams: AtomicUsize::new(0),
            ended: tokio::sync::watch::Sender::new(false),
        };
        let mut all = lock(&self.all);
        Self::forget_old(&mut all, now);
        let is_own = |session: &Arc<Session>| session.caller.arn == session_of.arn;
        if all.values().filter(|session| is_own(session)).count() >= OWN_MAX {
            let own = all.iter().filter(|(_, session)| is_own(session));
            let oldest = own
                .min_by_key(|(_, session)| *lock(&session.used))
                .map(|(name, _)| *name);
            oldest.and_then(|name| all.remove(&name)).inspect(end);
        }
        if all.len() >= SESSIONS_MAX {
            let oldest = all
                .iter()
                .min_by_key(|(_, session)| *lock(&session.used))
                .map(|(name, _)| *name);
            oldest.and_then(|name| all.remove(&name)).inspect(end);
        }
        all.insert(hash(&name), Arc::new(session));
        name
    }

    fn forget_old(all: &mut HashMap<[u8; 32], Arc<Session>>, now: Timestamp) {
        all.retain(|_, session| {
            let lives = now < session.until();
            if !lives {
                end(session);
            }
            lives
        });
    }

    /// The session of this name, which is used now.
    pub(crate) fn of(&self, name: &str, now: Timestamp) -> Option<Arc<Session>> {
        let mut all = lock(&self.all);
        Self::forget_old(&mut all, now);
        let session = all.get(&hash(name))?;
        *lock(&session.used) = now;
        Some(Arc::clone(session))
    }

    /// Ends the session of this name, wherever it is open.
    pub(crate) fn end(&self, name: &str) {
        let ended = lock(&self.all).remove(&hash(name));
        ended.inspect(end);
    }
}

fn end(session: &Arc<Session>) {
    session.ended.send_replace(true);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Sessions {
        Sessions::new(Random::seeded(1))
    }

    fn begin(sessions: &Sessions, now: Timestamp) -> String {
        begin_as(sessions, "root", now)
    }

    fn begin_as(sessions: &Sessions, who: &str, now: Timestamp) -> String {
        let caller = Caller {
            account: "000000000000".to_owned(),
            arn: format!("arn:aws:iam::000000000000:{who}"),
        };
        sessions.begin(Credentials::new("AKIA", "secret"), caller, "us-east-1", now)
    }

    #[test]
    fn a_session_ends_when_it_is_ended_or_idle_or_old() {
        let start = Timestamp::from_secs_f64(1_000.0);
        let after = |span: Duration| start.plus(span);
        let one = sessions();
        let name = begin(&one, start);
        let session = one.of(&name, start).unwrap();
        let ended = session.ended();
        assert!(one.of("another", start).is_none() && !*ended.borrow());
        one.end(&name);
        assert!(one.of(&name, start).is_none() && *ended.borrow());

        let name = begin(&one, start);
        assert!(one.of(&name, after(IDLE - Duration::from_secs(1))).is_some());
        assert!(one.of(&name, after(IDLE * 2)).is_none());

        let name = begin(&one, start);
        let mut now = start;
        while now < after(TIME) {
            assert!(one.of(&name, now).is_some(), "{now}");
            now = now.plus(IDLE / 2);
        }
        assert!(one.of(&name, now).is_none());
    }

    #[test]
    fn the_longest_unused_makes_room() {
        let one = sessions();
        let at = |second: usize| Timestamp::from_secs_f64(1_000.0 + second as f64);
        let names: Vec<String> = (0..=SESSIONS_MAX)
            .map(|second| begin_as(&one, &format!("user/{second}"), at(second)))
            .collect();
        assert!(one.of(&names[0], at(SESSIONS_MAX)).is_none());
        assert!(one.of(&names[1], at(SESSIONS_MAX)).is_some());
    }

    #[test]
    fn many_sessions_of_one_end_nobody_elses() {
        let one = sessions();
        let at = |second: usize| Timestamp::from_secs_f64(1_000.0 + second as f64);
        let other = begin_as(&one, "user/other", at(0));
        let names: Vec<String> = (1..=2 * OWN_MAX).map(|second| begin(&one, at(second))).collect();
        let live = names
            .iter()
            .filter(|name| one.of(name, at(2 * OWN_MAX)).is_some())
            .count();
        assert_eq!(live, OWN_MAX);
        assert!(one.of(&other, at(2 * OWN_MAX)).is_some());
    }
}
