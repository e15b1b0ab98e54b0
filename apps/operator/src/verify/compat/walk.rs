//! The walk from the newest digest back, with the stock validator's own turns.

use super::{
    Raised,
    date::Date,
    files::{Ahead, Files, LogVerdict, NamedLog, Range, ReadDigest, date_in, is_backfill, raised},
    report::Report,
    stock::{self, Unsigned},
};
use crate::aws::Client;
use jiff::civil::Date as Day;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
};
use wire::ServiceName;

/// So many findings may wait for those before them.
const WAITING_MAX: usize = 2048;
/// Members without which a digest is none.
const REQUIRED: [&str; 6] = [
    "digestPublicKeyFingerprint",
    "digestS3Bucket",
    "digestS3Object",
    "previousDigestSignature",
    "digestEndTime",
    "digestStartTime",
];
const HOUR: i64 = 3600;

/// Which digests are meant.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) account: String,
    pub(crate) organization: Option<String>,
    pub(crate) region: String,
    pub(crate) home_region: String,
    pub(crate) trail: String,
}

/// What the walk found, in order.
enum Item {
    Digest {
        is_backfill: bool,
        place: String,
        window: (Date, Date),
    },
    BadDigest {
        is_backfill: bool,
        line: String,
    },
    Gap {
        is_backfill: bool,
        from: Date,
        to: Date,
    },
    Log(NamedLog, JoinHandle<Result<LogVerdict, Raised>>),
    Failed(Raised),
}

/// A listing: the place of its standard and of its backfill keys.
#[derive(Default)]
struct Lists {
    keys: [Vec<String>; 2],
}

/// The walk's state.
pub(crate) struct Walk {
    client: Client,
    files: Files,
    chain: Chain,
    range: Range,
    today: Day,
    /// By bucket and end.
    lists: HashMap<(String, String), Lists>,
}

/// The state of one of the two chains.
struct State {
    is_backfill: bool,
    bucket: String,
    list: (String, String),
    key: Option<String>,
    end: Option<Date>,
    last_start: Option<Date>,
    public_keys: HashMap<String, Value>,
    ahead: Ahead,
    /// The digests that were followed: none is followed twice.
    followed: HashSet<(String, String)>,
    found: Sender<Item>,
}

/// Why a digest was left.
enum Turn {
    /// The callback says so only where another digest follows.
    Gap,
    Missing,
    Invalid(String),
}

impl Walk {
    pub(crate) fn new(client: Client, files: Files, chain: Chain, range: Range, today: Day) -> Walk {
        Walk {
            client,
            files,
            chain,
            range,
            today,
            lists: HashMap::new(),
        }
    }

    /// Walks both chains and reports in order.
    pub(crate) async fn run(mut self, report: &mut Report<'_>) -> Result<(), Raised> {
        let range = self.range;
        let (sender, receiver) = channel(WAITING_MAX);
        let walking = tokio::spawn(async move {
            for is_backfill in [false, true] {
                if let Err(raised) = self.traverse(is_backfill, &sender).await {
                    let _ = sender.send(Item::Failed(raised)).await;
                    return;
                }
            }
        });
        let told = tell(receiver, report, range).await;
        walking.abort();
        told
    }

    async fn traverse(&mut self, is_backfill: bool, found: &Sender<Item>) -> Result<(), Raised> {
        let Range { start, end } = self.range;
        let bucket = self.chain.bucket.clone();
        let client = self.client.clone();
        let public_keys = async {
            match is_backfill {
                true => Ok(HashMap::new()),
                false => public_keys(&client, start, end.plus(2 * HOUR)).await,
            }
        };
        // Asked for together; what fails first is what the stock validator asks first.
        let (list, public_keys) = tokio::join!(self.load(&bucket, end), public_keys);
        let (list, public_keys) = (list?, public_keys?);
        let keys = self.keys(&list, is_backfill).clone();
        let ahead = Ahead::new(self.files.clone(), &bucket, keys);
        let mut state = State {
            is_backfill,
            bucket,
            list,
            key: None,
            end: None,
            last_start: None,
            public_keys,
            ahead,
            followed: HashSet::new(),
            found: found.clone(),
        };
        (state.key, state.end) = self.older(&state.list, is_backfill, None)?;
        state.last_start = state.end;
        while let (Some(key), Some(last_start)) = (state.key.clone(), state.last_start) {
            if start.compare(last_start).map_err(Raised::Other)?.is_gt() {
                break;
            }
            let turn = match self.step(&mut state, &key).await {
                Ok(()) => continue,
                Err(Raised::Client { code, .. }) if code == "NoSuchKey" => Turn::Missing,
                Err(raised @ (Raised::Client { .. } | Raised::NoCredentials | Raised::Endless(_))) => {
                    return Err(raised);
                }
                Err(Raised::Digest(line)) => Turn::Invalid(line),
                Err(Raised::Other(said)) => {
                    let (bucket, key) = (&state.bucket, state.key.as_deref().unwrap_or("None"));
                    Turn::Invalid(format!("Digest file\ts3://{bucket}/{key}\tINVALID: {said}"))
                }
            };
            self.turn(&mut state, turn).await?;
        }
        Ok(())
    }

    /// One digest: reads it, reports it and its log files, and chooses the next.
    async fn step(&mut self, state: &mut State, key: &str) -> Result<(), Raised> {
        let digest = state.ahead.digest(&state.bucket, key).await?;
        state.end = Some(self.verified(state, key, &digest).await?);
        let start = self.date(&digest.json["digestStartTime"])?.normalized();
        state.last_start = Some(start);
        state
            .give(
                &self.files,
                &digest,
                (
                    self.date(&digest.json["digestStartTime"])?,
                    self.date(&digest.json["digestEndTime"])?,
                ),
            )
            .await;
        let previous = |name: &str| digest.json.get(name).filter(|value| !value.is_null());
        let (Some(bucket), Some(previous)) = (previous("previousDigestS3Bucket"), previous("previousDigestS3Object"))
        else {
            return self.turn(state, Turn::Gap).await;
        };
        let (bucket, previous) = (stock::printed(bucket), stock::printed(previous));
        if !state.followed.insert((bucket.clone(), previous.clone())) {
            let said = format!(
                "The digest s3://{bucket}/{previous} is named as the previous one a second time: the AWS CLI would go around for ever"
            );
            return Err(Raised::Endless(said));
        }
        state.key = Some(previous);
        if bucket != state.bucket {
            state.bucket = bucket.clone();
            let end = state.end.unwrap_or(self.range.end);
            state.list = self.load(&bucket, end).await?;
            let keys = self.keys(&state.list, state.is_backfill).clone();
            state.ahead = Ahead::new(self.files.clone(), &bucket, keys);
        }
        Ok(())
    }

    /// Leaves a digest for the next listed one that is older, and says why.
    async fn turn(&mut self, state: &mut State, turn: Turn) -> Result<(), Raised> {
        let last = state.key.clone().unwrap_or_default();
        let is_backfill = state.is_backfill;
        let (next, end) = self.older(&state.list, is_backfill, Some(&last))?;
        let said = match turn {
            Turn::Gap => match (end, state.last_start) {
                (Some(from), Some(to)) => Some(Item::Gap { is_backfill, from, to }),
                _ => None,
            },
            Turn::Missing => {
                let line = format!("Digest file\ts3://{}/{last}\tINVALID: not found", state.bucket);
                Some(Item::BadDigest { is_backfill, line })
            }
            Turn::Invalid(line) => Some(Item::BadDigest { is_backfill, line }),
        };
        if let Some(item) = said {
            let _ = state.found.send(item).await;
        }
        (state.key, state.end) = (next, end);
        Ok(())
    }

    /// Takes keys from the end of the list until one is older than `than`; without it, the last.
    fn older(
        &mut self,
        list: &(String, String),
        is_backfill: bool,
        than: Option<&str>,
    ) -> Result<(Option<String>, Option<Date>), Raised> {
        let today = self.today;
        let read = |text: &str| Date::read(text, today).map_err(Raised::Other);
        let keys = self.keys(list, is_backfill);
        if keys.is_empty() {
            return Ok((None, None));
        }
        let before = than.map(|key| read(&date_in(key))).transpose()?;
        while let Some(key) = keys.pop() {
            let date = read(&date_in(&key))?.normalized();
            let is_older = match before {
                None => true,
                Some(before) => date.compare(before).map_err(Raised::Other)?.is_lt(),
            };
            if is_older {
                return Ok((Some(key), Some(date)));
            }
        }
        Ok((None, None))
    }

    fn keys(&mut self, list: &(String, String), is_backfill: bool) -> &mut Vec<String> {
        let lists = self.lists.entry(list.clone()).or_default();
        &mut lists.keys[usize::from(is_backfill)]
    }

    /// Lists the digests of a bucket, once.
    async fn load(&mut self, bucket: &str, end: Date) -> Result<(String, String), Raised> {
        let place = (bucket.to_owned(), end.compact());
        if self.lists.contains_key(&place) {
            return Ok(place);
        }
        let start = self.range.start;
        let names = Names::new(&self.chain);
        let (first, last) = (start.compact(), end.plus(HOUR).compact());
        let marker = format!(
            "{}{}/{}{}.json.gz",
            names.folder,
            start.plus(-60).folder(),
            names.file,
            start.plus(-60).compact()
        );
        let mut lists = Lists::default();
        let prefix = names.folder.trim_end_matches('/').to_owned();
        self.files
            .list(bucket, &prefix, &marker, |key| {
                if !names.fits(&key) {
                    return true;
                }
                let date = date_in(&key);
                if date > last {
                    return false;
                }
                if date >= first {
                    lists.keys[usize::from(is_backfill(&key))].push(key);
                }
                true
            })
            .await?;
        self.lists.insert(place.clone(), lists);
        Ok(place)
    }

    /// Verifies a digest's place, key and signature; answers with its end.
    async fn verified(&mut self, state: &mut State, key: &str, digest: &ReadDigest) -> Result<Date, Raised> {
        let (bucket, json) = (state.bucket.clone(), &digest.json);
        let bad = |what: &str| Raised::Digest(format!("Digest file\ts3://{bucket}/{key}\tINVALID: {what}"));
        if REQUIRED.iter().any(|name| json.get(name).is_none()) {
            return Err(bad("invalid format"));
        }
        if json["digestS3Bucket"] != *bucket || json["digestS3Object"] != *key {
            return Err(bad("has been moved from its original location"));
        }
        let fingerprint = &json["digestPublicKeyFingerprint"];
        if fingerprint.is_array() || fingerprint.is_object() {
            let said = format!("unhashable type: '{}'", stock::type_name(fingerprint));
            return Err(Raised::Other(said));
        }
        let fingerprint = stock::printed(fingerprint);
        if !state.public_keys.contains_key(&fingerprint) && state.is_backfill {
            let made = self.date(&json!(digest.made))?.normalized();
            let more = public_keys(&self.client, made.plus(-HOUR), made.plus(HOUR)).await?;
            state.public_keys.extend(more);
        }
        let Some(public_key) = state.public_keys.get(&fingerprint) else {
            let region = &self.chain.home_region;
            return Err(bad(&format!(
                "public key not found in region {region} for fingerprint {fingerprint}"
            )));
        };
        let text = format!(
            "{}\n{bucket}/{key}\n{}\n{}",
            stock::printed(&json["digestEndTime"]),
            digest.sha256,
            match &json["previousDigestSignature"] {
                Value::Null => "null".to_owned(),
                signature => stock::printed(signature),
            }
        );
        let value = public_key.as_str().unwrap_or_default();
        match stock::verify(value, &text, &digest.signature) {
            Ok(()) => self.date(&json["digestEndTime"]).map(Date::normalized),
            Err(Unsigned::KeyUnreadable) => Err(bad(&format!(
                "Unable to load PKCS #1 key with fingerprint {fingerprint}"
            ))),
            Err(Unsigned::Wrong) => Err(bad("signature verification failed")),
            Err(Unsigned::Other(said)) => Err(Raised::Other(said.to_owned())),
        }
    }

    fn date(&self, value: &Value) -> Result<Date, Raised> {
        let Value::String(text) = value else {
            let kind = stock::type_name(value);
            let said = format!("Parser must be a string or character stream, not {kind}");
            return Err(Raised::Other(said));
        };
        Date::read(text, self.today).map_err(Raised::Other)
    }
}

async fn public_keys(client: &Client, start: Date, end: Date) -> Result<HashMap<String, Value>, Raised> {
    let input = json!({"StartTime": start.epoch(), "EndTime": end.epoch()});
    let asked = client.ask(ServiceName::CloudTrail, "ListPublicKeys", &input).await;
    let listed: PublicKeys = asked.map_err(|error| raised("ListPublicKeys", error))?;
    if listed.keys.is_empty() {
        let (start, end) = (start.display(), end.display());
        return Err(Raised::Other(format!("No public keys found between {start} and {end}")));
    }
    let keys = listed.keys.into_iter();
    Ok(keys.map(|key| (key.fingerprint, key.value)).collect())
}

#[derive(Deserialize)]
struct PublicKeys {
    #[serde(rename = "PublicKeyList", default)]
    keys: Vec<ListedKey>,
}

#[derive(Deserialize)]
struct ListedKey {
    #[serde(rename = "Fingerprint")]
    fingerprint: String,
    #[serde(rename = "Value")]
    value: Value,
}

impl State {
    /// Reports a digest, and sends for its log files.
    async fn give(&self, files: &Files, digest: &ReadDigest, window: (Date, Date)) {
        let json = &digest.json;
        let place = format!(
            "{}/{}",
            stock::printed(&json["digestS3Bucket"]),
            stock::printed(&json["digestS3Object"])
        );
        let item = Item::Digest {
            is_backfill: self.is_backfill,
            place,
            window,
        };
        let _ = self.found.send(item).await;
        let logs = match json.get("logFiles") {
            None => return self.fail("'logFiles'".to_owned()).await,
            Some(Value::Array(logs)) => logs,
            // What counts as nothing there.
            Some(Value::Null | Value::Bool(false)) => return,
            Some(Value::Object(members)) if members.is_empty() => return,
            Some(Value::String(text)) if text.is_empty() => return,
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => return,
            Some(other) => {
                let kind = stock::type_name(other);
                return self.fail(format!("'{kind}' object is not iterable")).await;
            }
        };
        for log in logs {
            let text = |name: &str| log.get(name).map(stock::printed);
            let (Some(bucket), Some(key)) = (text("s3Bucket"), text("s3Object")) else {
                let missing = if log.get("s3Bucket").is_none() {
                    "s3Bucket"
                } else {
                    "s3Object"
                };
                return self.fail(format!("'{missing}'")).await;
            };
            let named = NamedLog {
                bucket,
                key,
                hash: text("hashValue"),
            };
            let (files, asked) = (files.clone(), named.clone());
            // Room in the channel first: what is under way stays bounded by it.
            let Ok(room) = self.found.reserve().await else {
                return;
            };
            room.send(Item::Log(named, tokio::spawn(async move { files.log(asked).await })));
        }
    }

    async fn fail(&self, said: String) {
        let _ = self.found.send(Item::Failed(Raised::Other(said))).await;
    }
}

async fn tell(mut found: Receiver<Item>, report: &mut Report<'_>, range: Range) -> Result<(), Raised> {
    while let Some(item) = found.recv().await {
        match item {
            Item::Digest {
                is_backfill,
                place,
                window,
            } => report.digest(is_backfill, &place, window, range)?,
            Item::BadDigest { is_backfill, line } => report.bad_digest(is_backfill, &line),
            Item::Gap { is_backfill, from, to } => report.gap(is_backfill, from, to),
            Item::Log(named, task) => {
                let verdict = task.await.unwrap_or(Ok(LogVerdict::Undecodable))?;
                report.log(&named, verdict);
            }
            Item::Failed(raised) => return Err(raised),
        }
    }
    Ok(())
}

/// How the digests of a chain are named.
struct Names {
    folder: String,
    file: String,
}

impl Names {
    fn new(chain: &Chain) -> Names {
        let Chain {
            account,
            region,
            trail,
            home_region,
            ..
        } = chain;
        let prefix = chain.prefix.as_ref().map(|prefix| format!("{prefix}/"));
        let organization = chain.organization.as_ref().map(|id| format!("{id}/"));
        let (prefix, organization) = (prefix.unwrap_or_default(), organization.unwrap_or_default());
        Names {
            folder: format!("{prefix}AWSLogs/{organization}{account}/CloudTrail-Digest/{region}/"),
            file: format!("{account}_CloudTrail-Digest_{region}_{trail}_{home_region}_"),
        }
    }

    /// Whether a key is `FOLDER/N/N/N/FILE….json.gz`.
    fn fits(&self, key: &str) -> bool {
        let Some(mut rest) = key.strip_prefix(self.folder.as_str()) else {
            return false;
        };
        for _ in 0..3 {
            let Some((digits, after)) = rest.split_once('/') else {
                return false;
            };
            if digits.is_empty() || !digits.chars().all(char::is_numeric) {
                return false;
            }
            rest = after;
        }
        let name = rest
            .strip_prefix(self.file.as_str())
            .and_then(|name| name.strip_suffix(".json.gz"));
        name.is_some_and(|name| !name.is_empty() && !name.contains('\n'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_chain_are_known() {
        let chain = Chain {
            bucket: "b".to_owned(),
            prefix: Some("p/q".to_owned()),
            account: "000000000000".to_owned(),
            organization: None,
            region: "eu-west-1".to_owned(),
            home_region: "us-east-1".to_owned(),
            trail: "audit".to_owned(),
        };
        let names = Names::new(&chain);
        let folder = "p/q/AWSLogs/000000000000/CloudTrail-Digest/eu-west-1/";
        let file = "000000000000_CloudTrail-Digest_eu-west-1_audit_us-east-1_";
        assert_eq!((names.folder.as_str(), names.file.as_str()), (folder, file));
        assert!(names.fits(&format!("{folder}2015/08/17/{file}20150817T140131Z.json.gz")));
        assert!(names.fits(&format!("{folder}2015/08/17/{file}20150817T140131Z_backfill.json.gz")));
        for other in [
            format!("{folder}2015/08/{file}20150817T140131Z.json.gz"),
            format!("{folder}2015/08/17/x{file}20150817T140131Z.json.gz"),
            format!("{folder}2015/08/17/{file}.json.gz"),
            format!("{folder}2015/08/17/{file}20150817T140131Z.json"),
            format!("x{folder}2015/08/17/{file}20150817T140131Z.json.gz"),
        ] {
            assert!(!names.fits(&other), "{other}");
        }
    }
}
