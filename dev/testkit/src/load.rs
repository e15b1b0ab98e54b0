//! Writers that remember what they were told.
//!
//! A [`Writer`] makes calls one after another on things that only it names. Before each call it writes down what the call
//! would change; a good answer makes that the truth, a lost answer leaves it open. [`Writer::check`] then looks: a thing is
//! as it was told, or, where an answer was lost, wholly as before the call or wholly as after it.

use crate::{
    Client, Reply,
    setup::{base64, from_base64, string_at},
};
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

/// An object of this size is not kept inline.
const LARGE_BYTES: usize = 200 * 1024;
/// An object of at most this size is.
const SMALL_BYTES_MAX: u64 = 3_000;

/// A key has at most 50 aliases, and eight writers may share one.
const ALIASES_MAX: usize = 5;

/// What all writers of a test write to.
#[derive(Clone, Debug)]
pub struct Place {
    /// The bucket for objects.
    pub bucket: String,
    /// The key that seals objects and plaintexts, and that aliases are for.
    pub key_arn: String,
}

/// Where a call's event is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// In the event history and in the log files.
    Management,
    /// In the log files of a trail that takes object calls.
    Data,
}

/// A call that was answered, so that its event must be somewhere.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The id that the event carries.
    pub request_id: String,
    /// The operation.
    pub name: &'static str,
    /// Where its event is.
    pub class: Class,
}

/// How a server may fail a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// By being gone; an answer with a 5xx is a fault.
    Gone,
    /// Also by answering 5xx: that call's effect is open, and the writer stops.
    Answering,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
    /// `etag` is known once a call that made it was answered.
    Object {
        content: u64,
        bytes: usize,
        etag: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Alias(String),
    /// By its ARN.
    Key(String),
    Object(String),
    User(String),
}

#[derive(Debug)]
struct Fate {
    told: State,
    /// What an unanswered call would have made of it.
    open: Option<State>,
    /// Whether anything happened since the last check.
    touched: bool,
}

struct Ciphertext {
    blob: String,
    plaintext: Vec<u8>,
    touched: bool,
}

/// How a call ended.
enum Ended {
    Answered(Reply),
    /// The server is gone, or failing in a way that the test allows.
    Lost,
}

/// One writer, its things and what it was told of them.
pub struct Writer {
    number: usize,
    place: Place,
    failing: Failing,
    dice: Dice,
    steps: u64,
    things: BTreeMap<Thing, Fate>,
    ciphertexts: Vec<Ciphertext>,
    answered: Vec<Answered>,
}

impl Writer {
    /// The writer of this number; what it does is a function of number and seed, as far as the server answers.
    pub fn new(number: usize, seed: u64, place: Place, failing: Failing) -> Writer {
        Writer {
            number,
            place,
            failing,
            dice: Dice::new(seed.wrapping_mul(1_000_003).wrapping_add(number as u64)),
            steps: 0,
            things: BTreeMap::new(),
            ciphertexts: Vec::new(),
            answered: Vec::new(),
        }
    }

    /// Every call that was answered so far.
    pub fn answered(&self) -> &[Answered] {
        &self.answered
    }

    /// How many things and ciphertexts it keeps watch of.
    pub fn watched(&self) -> usize {
        self.things.len() + self.ciphertexts.len()
    }

    /// Makes calls until the server fails. An answer that is not the expected one is an error.
    pub async fn work(&mut self, client: &Client) -> Result<()> {
        while self.step(client).await? {}
        Ok(())
    }

    /// Makes one call. Answers whether the server can be asked again.
    pub async fn step(&mut self, client: &Client) -> Result<bool> {
        self.steps += 1;
        let name = format!("w{}-{}", self.number, self.steps);
        match self.dice.below(100) {
            0..30 => self.put(client, name, false).await,
            30..42 => self.put(client, name, true).await,
            42..50 => match self.pick(|thing| matches!(thing, Thing::Object(_))) {
                Some(Thing::Object(key)) => self.put(client, key, false).await,
                _ => self.put(client, name, false).await,
            },
            50..58 => match self.pick(|thing| matches!(thing, Thing::Object(_))) {
                Some(thing) => self.delete(client, thing).await,
                None => self.put(client, name, true).await,
            },
            58..71 => self.encrypt(client, &name).await,
            71..75 => self.create_key(client, &name).await,
            75..91 => match self.alias_to_delete() {
                Some(thing) => self.delete(client, thing).await,
                None => self.create_alias(client, name).await,
            },
            _ => self.create_user(client, name).await,
        }
    }

    /// More often than not when there are any, and always before there are too many.
    fn alias_to_delete(&mut self) -> Option<Thing> {
        let is_alias = |thing: &Thing| matches!(thing, Thing::Alias(_));
        let there = self
            .things
            .iter()
            .filter(|(thing, fate)| is_alias(thing) && fate.told != State::Absent)
            .count();
        let wanted = there >= ALIASES_MAX || self.dice.below(5) < 2;
        wanted.then(|| self.pick(is_alias)).flatten()
    }

    async fn put(&mut self, client: &Client, key: String, large: bool) -> Result<bool> {
        let bytes = if large {
            LARGE_BYTES
        } else {
            usize::try_from(self.dice.below(SMALL_BYTES_MAX))?
        };
        let content = self.dice.next();
        let with_key = self.dice.below(2) == 0;
        let path = self.path(&key);
        let thing = self.begin(
            Thing::Object(key),
            State::Object {
                content,
                bytes,
                etag: None,
            },
        );
        let key_arn = with_key.then(|| self.place.key_arn.clone());
        let reply = client
            .put_object(&path, content_of(content, bytes), key_arn.as_deref())
            .await;
        let Ended::Answered(reply) = self.note("PutObject", Class::Data, reply)? else {
            return Ok(false);
        };
        let etag = reply.ok()?.header("etag").map(ToOwned::to_owned);
        ensure!(etag.is_some(), "no ETag for {path}");
        self.settle(&thing, State::Object { content, bytes, etag });
        Ok(true)
    }

    async fn delete(&mut self, client: &Client, thing: Thing) -> Result<bool> {
        let thing = self.begin(thing, State::Absent);
        let ended = match &thing {
            Thing::Object(key) => {
                let reply = client.s3(Method::DELETE, &self.path(key), &[], Bytes::new()).await;
                self.note("DeleteObject", Class::Data, reply)?
            }
            Thing::Alias(name) => {
                let reply = client.json("kms", "DeleteAlias", &json!({"AliasName": name})).await;
                self.note("DeleteAlias", Class::Management, reply)?
            }
            Thing::Key(_) | Thing::User(_) => bail!("keys and users are not deleted"),
        };
        let Ended::Answered(reply) = ended else {
            return Ok(false);
        };
        reply.ok()?;
        self.settle(&thing, State::Absent);
        Ok(true)
    }

    async fn encrypt(&mut self, client: &Client, name: &str) -> Result<bool> {
        let plaintext = format!("plaintext of {name}").into_bytes();
        let input = json!({"KeyId": self.place.key_arn, "Plaintext": base64(&plaintext),
            "EncryptionContext": {"writer": self.number.to_string()}});
        let reply = client.json("kms", "Encrypt", &input).await;
        let Ended::Answered(reply) = self.note("Encrypt", Class::Management, reply)? else {
            return Ok(false);
        };
        let blob = string_at(&reply.ok()?.json()?, "/CiphertextBlob")?;
        self.ciphertexts.push(Ciphertext {
            blob,
            plaintext,
            touched: true,
        });
        Ok(true)
    }

    /// The server names a key, so one whose answer was lost is nobody's.
    async fn create_key(&mut self, client: &Client, name: &str) -> Result<bool> {
        let reply = client.json("kms", "CreateKey", &json!({"Description": name})).await;
        let Ended::Answered(reply) = self.note("CreateKey", Class::Management, reply)? else {
            return Ok(false);
        };
        let arn = string_at(&reply.ok()?.json()?, "/KeyMetadata/Arn")?;
        let thing = self.begin(Thing::Key(arn), State::Present);
        self.settle(&thing, State::Present);
        Ok(true)
    }

    async fn create_alias(&mut self, client: &Client, name: String) -> Result<bool> {
        let name = format!("alias/{name}");
        let thing = self.begin(Thing::Alias(name.clone()), State::Present);
        let input = json!({"AliasName": name, "TargetKeyId": self.place.key_arn});
        let reply = client.json("kms", "CreateAlias", &input).await;
        self.created("CreateAlias", &thing, reply)
    }

    async fn create_user(&mut self, client: &Client, name: String) -> Result<bool> {
        let thing = self.begin(Thing::User(name.clone()), State::Present);
        let reply = client.query("iam", "CreateUser", &[("UserName", &name)]).await;
        self.created("CreateUser", &thing, reply)
    }

    fn created(&mut self, name: &'static str, thing: &Thing, reply: Result<Reply>) -> Result<bool> {
        let Ended::Answered(reply) = self.note(name, Class::Management, reply)? else {
            return Ok(false);
        };
        reply.ok()?;
        self.settle(thing, State::Present);
        Ok(true)
    }

    /// Checks what happened since the last check, or everything there ever was.
    pub async fn check(&mut self, client: &Client, everything: bool) -> Result<()> {
        let due: Vec<Thing> = self
            .things
            .iter()
            .filter(|(_, fate)| everything || fate.touched)
            .map(|(thing, _)| thing.clone())
            .collect();
        for thing in due {
            self.check_thing(client, &thing).await?;
        }
        for at in 0..self.ciphertexts.len() {
            if self.ciphertexts.get(at).is_some_and(|one| everything || one.touched) {
                self.check_ciphertext(client, at).await?;
            }
        }
        Ok(())
    }

    async fn check_thing(&mut self, client: &Client, thing: &Thing) -> Result<()> {
        let reply = match thing {
            Thing::Object(key) => self.ask("GetObject", Class::Data, client.get_object(&self.path(key)).await)?,
            Thing::Alias(name) | Thing::Key(name) => {
                let reply = client.json("kms", "DescribeKey", &json!({"KeyId": name})).await;
                self.ask("DescribeKey", Class::Management, reply)?
            }
            Thing::User(name) => {
                let reply = client.query("iam", "GetUser", &[("UserName", name)]).await;
                self.ask("GetUser", Class::Management, reply)?
            }
        };
        let fate = self.things.get_mut(thing).context("a thing without a fate")?;
        let candidates = [Some(fate.told.clone()), fate.open.take()];
        let found = candidates
            .into_iter()
            .flatten()
            .find_map(|state| seen(&state, thing, &reply));
        let found =
            found.with_context(|| format!("{thing:?} was told to be {:?}, and is: {}", fate.told, reply.describe()))?;
        *fate = Fate {
            told: found,
            open: None,
            touched: false,
        };
        Ok(())
    }

    async fn check_ciphertext(&mut self, client: &Client, at: usize) -> Result<()> {
        let one = self.ciphertexts.get_mut(at).context("no such ciphertext")?;
        one.touched = false;
        let plaintext = one.plaintext.clone();
        let input = json!({"CiphertextBlob": one.blob, "EncryptionContext": {"writer": self.number.to_string()}});
        let reply = client.json("kms", "Decrypt", &input).await;
        let opened = self.ask("Decrypt", Class::Management, reply)?.ok()?.json()?;
        ensure!(
            from_base64(&string_at(&opened, "/Plaintext")?)? == plaintext,
            "a ciphertext opens to something else than `{}`",
            String::from_utf8_lossy(&plaintext)
        );
        Ok(())
    }

    /// An answer that must come.
    fn ask(&mut self, name: &'static str, class: Class, reply: Result<Reply>) -> Result<Reply> {
        match self.note(
            name,
            class,
            reply.map_err(|error| error.context(format!("{name} was not answered"))),
        )? {
            Ended::Answered(reply) => Ok(reply),
            Ended::Lost => bail!("{name} was not answered"),
        }
    }

    fn note(&mut self, name: &'static str, class: Class, reply: Result<Reply>) -> Result<Ended> {
        let Ok(reply) = reply else {
            return Ok(Ended::Lost);
        };
        if reply.status.is_server_error() {
            ensure!(
                self.failing == Failing::Answering,
                "{name} was answered {}",
                reply.describe()
            );
            ensure!(
                reply.code().is_some(),
                "{name}: no code of AWS's in {}",
                reply.describe()
            );
            return Ok(Ended::Lost);
        }
        let request_id = reply
            .request_id()
            .with_context(|| format!("{name}: an answer without a request id"))?;
        self.answered.push(Answered {
            request_id: request_id.to_owned(),
            name,
            class,
        });
        Ok(Ended::Answered(reply))
    }

    /// Writes down what is about to be asked for.
    fn begin(&mut self, thing: Thing, state: State) -> Thing {
        let fate = Fate {
            told: State::Absent,
            open: None,
            touched: true,
        };
        let fate = self.things.entry(thing.clone()).or_insert(fate);
        fate.open = Some(state);
        fate.touched = true;
        thing
    }

    fn settle(&mut self, thing: &Thing, state: State) {
        if let Some(fate) = self.things.get_mut(thing) {
            fate.told = state;
            fate.open = None;
        }
    }

    /// One of its things that is there, if the first few throws find any.
    fn pick(&mut self, wanted: impl Fn(&Thing) -> bool) -> Option<Thing> {
        let there = |(_, fate): &(&Thing, &Fate)| fate.open.is_none() && fate.told != State::Absent;
        let mut found: Vec<&Thing> = self
            .things
            .iter()
            .filter(|(thing, _)| wanted(thing))
            .filter(there)
            .map(|(thing, _)| thing)
            .collect();
        if found.is_empty() {
            return None;
        }
        let at = usize::try_from(self.dice.next()).unwrap_or(0) % found.len();
        Some(found.swap_remove(at).clone())
    }

    fn path(&self, key: &str) -> String {
        format!("/{}/{key}", self.place.bucket)
    }
}

/// The state, made complete, if the answer is that of a thing in this state.
fn seen(state: &State, thing: &Thing, reply: &Reply) -> Option<State> {
    match state {
        State::Absent => {
            let code = match thing {
                Thing::Alias(_) | Thing::Key(_) => "NotFoundException",
                Thing::Object(_) => "NoSuchKey",
                Thing::User(_) => "NoSuchEntity",
            };
            (reply.code().as_deref() == Some(code)).then_some(State::Absent)
        }
        State::Present => (reply.status == StatusCode::OK).then_some(State::Present),
        State::Object { content, bytes, etag } => {
            let found = reply.header("etag")?;
            let same = reply.status == StatusCode::OK
                && etag.as_deref().is_none_or(|etag| etag == found)
                && reply.body == content_of(*content, *bytes);
            same.then(|| State::Object {
                content: *content,
                bytes: *bytes,
                etag: Some(found.to_owned()),
            })
        }
    }
}

/// Bytes that tell themselves apart from all others at every place.
pub fn content_of(seed: u64, bytes: usize) -> Bytes {
    let mut dice = Dice::new(seed);
    let mut out = Vec::with_capacity(bytes + 8);
    while out.len() < bytes {
        out.extend_from_slice(&dice.next().to_le_bytes());
    }
    out.truncate(bytes);
    Bytes::from(out)
}

/// A small reproducible generator (splitmix64), for what need not be secret.
pub struct Dice(u64);

impl Dice {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next 64 bits.
    #[expect(clippy::should_implement_trait, reason = "it has no end, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Less than `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

/// What all writers are asked to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Make calls until the server fails.
    Work,
    /// Check what happened since the last check.
    CheckRecent,
    /// Check everything there ever was.
    CheckAll,
}

/// Has every writer do the job, all at the same time.
pub async fn all(writers: Vec<Writer>, client: &Client, job: Job) -> Result<Vec<Writer>> {
    join(start(writers, client, job)).await
}

/// Starts the job of every writer, to be joined later.
pub fn start(writers: Vec<Writer>, client: &Client, job: Job) -> Vec<JoinHandle<Result<Writer>>> {
    let one = |mut writer: Writer| {
        let client = client.clone();
        tokio::spawn(async move {
            match job {
                Job::Work => writer.work(&client).await?,
                Job::CheckRecent => writer.check(&client, false).await?,
                Job::CheckAll => writer.check(&client, true).await?,
            }
            Ok(writer)
        })
    };
    writers.into_iter().map(one).collect()
}

/// Waits for all of them.
pub async fn join(jobs: Vec<JoinHandle<Result<Writer>>>) -> Result<Vec<Writer>> {
    let mut back = Vec::with_capacity(jobs.len());
    for job in jobs {
        back.push(job.await??);
    }
    Ok(back)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check of everything else: half of an object, other bytes, another tag or a missing thing is seen.
    #[test]
    fn only_the_whole_of_it_is_seen() {
        let thing = Thing::Object("key".to_owned());
        let object = |etag: Option<&str>| State::Object {
            content: 5,
            bytes: 300,
            etag: etag.map(ToOwned::to_owned),
        };
        let reply = |status: u16, body: Bytes| {
            let mut headers = http::HeaderMap::new();
            headers.insert("etag", http::HeaderValue::from_static("\"a\""));
            Reply {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body,
            }
        };
        let check = |state: &State, reply: &Reply, right: bool| {
            assert_eq!(
                seen(state, &thing, reply).is_some(),
                right,
                "{state:?} {}",
                reply.status
            );
        };
        let whole = reply(200, content_of(5, 300));
        let missing = reply(404, Bytes::from("<Error><Code>NoSuchKey</Code></Error>"));
        check(&object(None), &whole, true);
        check(&object(Some("\"a\"")), &whole, true);
        check(&object(Some("\"b\"")), &whole, false);
        check(&object(None), &reply(200, content_of(5, 299)), false);
        check(&object(None), &reply(200, content_of(6, 300)), false);
        check(&object(None), &missing, false);
        check(&State::Absent, &missing, true);
        check(&State::Absent, &whole, false);
        check(
            &State::Absent,
            &reply(403, Bytes::from("<Error><Code>AccessDenied</Code></Error>")),
            false,
        );
    }
}
