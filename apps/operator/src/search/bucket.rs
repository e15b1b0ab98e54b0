//! Log files in a bucket: listed by account and Region from the time that is searched, fetched many at a time.

use super::{
    engine::{Body, Item, ProblemKind},
    far::Far,
    files::may_hold_records,
    query::Matcher,
};
use crate::aws::{Client, Error, elements};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;
use std::{collections::VecDeque, sync::Arc};
use tokio::{
    sync::{
        OwnedSemaphorePermit, Semaphore,
        mpsc::{Receiver, Sender, channel},
    },
    task::JoinHandle,
};
use wire::ServiceName;

/// Objects that are fetched at a time.
const FETCHED: usize = 32;
/// So many KiB of objects are held at once.
const HELD_KIB: u32 = 128 << 10;
/// A larger object is not fetched whole.
const WHOLE_BYTES_MAX: u64 = 16 << 20;
/// A listing may have pages without anything new on them, but not so many in a row.
const IDLE_PAGES_MAX: usize = 100;
/// Prefixes that are listed at a time.
const LISTED: usize = 8;
/// Pages of keys that wait, of each prefix.
const PAGES: usize = 2;
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where log files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InBucket {
    /// The bucket.
    pub bucket: String,
    /// What stands before `AWSLogs/`, or any prefix of keys.
    pub prefix: String,
}

/// The bucket that the trail of this name or ARN writes to. Nothing: there is no such trail.
pub async fn bucket_of_trail(client: &Client, trail: &str) -> Result<Option<InBucket>, Error> {
    let input = json!({"trailNameList": [trail]});
    let found = client.json(ServiceName::CloudTrail, "DescribeTrails", &input).await?;
    let text = |name: &str| found["trailList"][0][name].as_str().map(str::to_owned);
    Ok(text("S3BucketName").map(|bucket| InBucket {
        bucket,
        prefix: text("S3KeyPrefix").unwrap_or_default(),
    }))
}

/// Sends the log files of a bucket, by account, Region and time. An object that cannot be fetched is sent as one that is
/// missing; an error is one of listing.
pub async fn in_bucket(
    client: &Client,
    place: &InBucket,
    matcher: Arc<Matcher>,
    items: &Sender<Item>,
) -> Result<(), Error> {
    let lister = Lister {
        client: client.clone(),
        bucket: place.bucket.clone(),
        matcher,
    };
    let prefixes = lister.prefixes(&place.prefix).await?;
    let mut prefixes = prefixes.into_iter();
    let mut lanes: VecDeque<Receiver<Result<Vec<Listed>, Error>>> = VecDeque::new();
    let room = Arc::new(Semaphore::new(HELD_KIB as usize));
    let mut fetched: VecDeque<JoinHandle<Item>> = VecDeque::new();
    loop {
        while lanes.len() < LISTED
            && let Some(prefix) = prefixes.next()
        {
            let (pages, lane) = channel(PAGES);
            let lister = lister.clone();
            tokio::spawn(async move { lister.list(&prefix, &pages).await });
            lanes.push_back(lane);
        }
        let Some(lane) = lanes.front_mut() else {
            break;
        };
        let Some(page) = lane.recv().await else {
            lanes.pop_front();
            continue;
        };
        for object in page? {
            if fetched.len() >= FETCHED && !hand_on(&mut fetched, items).await {
                return Ok(());
            }
            let Some(held) = room_for(&object, &room, &mut fetched, items).await else {
                return Ok(());
            };
            fetched.push_back(tokio::spawn(fetch(
                lister.client.clone(),
                lister.bucket.clone(),
                object,
                held,
            )));
        }
    }
    while !fetched.is_empty() {
        if !hand_on(&mut fetched, items).await {
            return Ok(());
        }
    }
    Ok(())
}

/// Sends the first of those under way. False: nobody takes any more.
async fn hand_on(fetched: &mut VecDeque<JoinHandle<Item>>, items: &Sender<Item>) -> bool {
    match fetched.pop_front() {
        Some(first) => match first.await {
            Ok(item) => items.send(item).await.is_ok(),
            // It ends so only when the whole program does.
            Err(_) => false,
        },
        None => true,
    }
}

/// Waits for room for an object, in the order of the objects: those before it are handed on meanwhile, or it would wait for ever. None:
/// nobody takes any more.
async fn room_for(
    object: &Listed,
    room: &Arc<Semaphore>,
    fetched: &mut VecDeque<JoinHandle<Item>>,
    items: &Sender<Item>,
) -> Option<OwnedSemaphorePermit> {
    let bytes = object.bytes.min(WHOLE_BYTES_MAX);
    let wanted = u32::try_from(bytes.div_ceil(1024))
        .unwrap_or(HELD_KIB)
        .clamp(1, HELD_KIB);
    loop {
        match Arc::clone(room).try_acquire_many_owned(wanted) {
            Ok(held) => return Some(held),
            Err(_) if fetched.is_empty() => return Arc::clone(room).acquire_many_owned(wanted).await.ok(),
            Err(_) => {
                if !hand_on(fetched, items).await {
                    return None;
                }
            }
        }
    }
}

async fn fetch(client: Client, bucket: String, object: Listed, held: OwnedSemaphorePermit) -> Item {
    let name = format!("s3://{bucket}/{}", object.key);
    if object.bytes > WHOLE_BYTES_MAX {
        let far = Far::new(client, bucket, object.key, object.tag, object.bytes, held);
        let body = Body::Far(Box::new(far));
        return Item { name, body };
    }
    let answer = client.s3(Method::GET, &bucket, &object.key, "", &[], "").await;
    let body = match answer {
        Ok(answer) => Body::Held(answer.body, held),
        Err(error) => Body::Missing(kind_of(&error), error.to_string()),
    };
    Item { name, body }
}

pub(super) fn kind_of(error: &Error) -> ProblemKind {
    match error.refused() {
        Some(refused) if refused.status == 403 || refused.code.contains("Denied") => ProblemKind::Refused,
        // A key that is disabled, deleted or unknown, as S3 passes it on.
        Some(refused) if refused.code.starts_with("KMS.") => ProblemKind::Refused,
        _ => ProblemKind::Unreadable,
    }
}

/// Keys to list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Prefix {
    prefix: String,
    /// Keys up to this one are left out by the service.
    after: String,
    /// Whether keys come in the order of time: those of one account and Region do.
    is_by_time: bool,
}

/// An object as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    key: String,
    bytes: u64,
    tag: String,
}

#[derive(Clone)]
struct Lister {
    client: Client,
    bucket: String,
    matcher: Arc<Matcher>,
}

struct Page {
    objects: Vec<Listed>,
    folders: Vec<String>,
    next: Option<String>,
}

impl Lister {
    /// What is to be listed below this prefix, in order.
    async fn prefixes(&self, prefix: &str) -> Result<Vec<Prefix>, Error> {
        let plain = |prefix: &str| {
            vec![Prefix {
                prefix: prefix.to_owned(),
                after: String::new(),
                is_by_time: false,
            }]
        };
        if prefix.contains("AWSLogs/") {
            return Ok(plain(prefix));
        }
        let start = match prefix.trim_end_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let root = format!("{start}AWSLogs/");
        let mut found = Vec::new();
        for folder in self.folders(&root).await? {
            match is_account(last(&folder)) {
                true => found.extend(self.regions(&folder).await?),
                // An organization's.
                false => {
                    for account in self.folders(&folder).await? {
                        found.extend(self.regions(&account).await?);
                    }
                }
            }
        }
        match found.is_empty() && self.folders(&root).await?.is_empty() {
            true => Ok(plain(prefix)),
            false => Ok(found),
        }
    }

    /// The Regions of an account that are searched.
    async fn regions(&self, account: &str) -> Result<Vec<Prefix>, Error> {
        let query = self.matcher.query();
        let is_meant = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
        if !is_account(last(account)) || !is_meant(&query.accounts, last(account)) {
            return Ok(Vec::new());
        }
        let regions = self.folders(&format!("{account}CloudTrail/")).await?;
        let meant = regions.into_iter().filter(|region| {
            query.regions.is_empty() || query.regions.iter().any(|pattern| pattern.matches(last(region)))
        });
        // A file lies under the day of its delivery, which is not before its events.
        let day = query.since.map(|since| since.date_path());
        Ok(meant
            .map(|prefix| Prefix {
                after: day.as_ref().map_or_else(String::new, |day| format!("{prefix}{day}")),
                prefix,
                is_by_time: true,
            })
            .collect())
    }

    /// The prefixes directly below this one, each with a slash at its end.
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let (mut folders, mut going) = (Vec::new(), Going::default());
        loop {
            let page = self.page(prefix, "", "/", going.token.as_deref()).await?;
            let last = page.folders.last().cloned();
            folders.extend(page.folders);
            if !going.on(prefix, last, page.next)? {
                return Ok(folders);
            }
        }
    }

    /// Sends the log files page by page, to the last that may be of the time that is searched.
    async fn list(&self, prefix: &Prefix, pages: &Sender<Result<Vec<Listed>, Error>>) {
        if let Err(error) = self.pages(prefix, pages).await {
            let _ = pages.send(Err(error)).await;
        }
    }

    async fn pages(&self, prefix: &Prefix, pages: &Sender<Result<Vec<Listed>, Error>>) -> Result<(), Error> {
        let mut going = Going::default();
        loop {
            let page = self
                .page(&prefix.prefix, &prefix.after, "", going.token.as_deref())
                .await?;
            let last = page.objects.last().map(|object| object.key.clone());
            let is_last = prefix.is_by_time && last.as_ref().is_some_and(|last| self.matcher.is_too_late(last));
            let mut meant = page.objects;
            meant.retain(|object| may_hold_records(&object.key) && self.matcher.may_be_in_file(&object.key));
            let more = going.on(&prefix.prefix, last, page.next)?;
            if pages.send(Ok(meant)).await.is_err() || is_last || !more {
                return Ok(());
            }
        }
    }

    async fn page(&self, prefix: &str, after: &str, delimiter: &str, token: Option<&str>) -> Result<Page, Error> {
        let parameters = [
            ("continuation-token", token.unwrap_or_default()),
            ("delimiter", delimiter),
            ("encoding-type", "url"),
            ("list-type", "2"),
            ("prefix", prefix),
            ("start-after", after),
        ];
        let given = parameters.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY_VALUE)))
            .collect();
        let answer = self
            .client
            .s3(Method::GET, &self.bucket, "", &query.join("&"), &[], "")
            .await?;
        let text = answer.text();
        let folders = text.split("<CommonPrefixes>").skip(1);
        let listed = |entry: String| {
            let first = |name: &str| elements(&entry, name).into_iter().next().unwrap_or_default();
            Listed {
                key: decoded(&first("Key")),
                bytes: first("Size").parse().unwrap_or(u64::MAX),
                tag: first("ETag"),
            }
        };
        Ok(Page {
            objects: elements(&text, "Contents").into_iter().map(listed).collect(),
            folders: folders
                .filter_map(|part| elements(part, "Prefix").into_iter().next())
                .map(|folder| decoded(&folder))
                .collect(),
            next: elements(&text, "NextContinuationToken").into_iter().next(),
        })
    }
}

/// How far a listing is. One that does not go on would never end.
#[derive(Default)]
struct Going {
    token: Option<String>,
    reached: Option<String>,
    idle: usize,
}

impl Going {
    /// Takes the last name of a page and the token of the next; whether there is a next.
    fn on(&mut self, prefix: &str, last: Option<String>, next: Option<String>) -> Result<bool, Error> {
        self.idle = if last <= self.reached { self.idle + 1 } else { 0 };
        self.reached = last.max(self.reached.take());
        if next.is_some() && (next == self.token || self.idle >= IDLE_PAGES_MAX) {
            return Err(Error::Unreadable {
                operation: "ListObjectsV2".to_owned(),
                reason: format!("the listing of {prefix} does not go on"),
            });
        }
        self.token = next;
        Ok(self.token.is_some())
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// The name of a folder.
fn last(folder: &str) -> &str {
    folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Refused;

    #[test]
    fn folders_are_read_by_their_names() {
        assert_eq!(last("p/AWSLogs/012345678901/"), "012345678901");
        assert!(is_account("012345678901") && !is_account("o-abcdefghij") && !is_account("01234567890x"));
    }

    #[test]
    fn a_listing_that_does_not_go_on_ends() {
        let some = |text: &str| Some(text.to_owned());
        let mut going = Going::default();
        assert!(going.on("p", some("a"), some("1")).unwrap());
        assert!(going.on("p", some("b"), some("1")).is_err(), "the same token again");
        let mut going = Going::default();
        let pages = (0..).take_while(|page| going.on("p", some("a"), Some(page.to_string())).is_ok());
        assert_eq!(pages.count(), IDLE_PAGES_MAX, "new tokens and nothing new");
        let mut going = Going::default();
        assert!((0..500).all(|page| {
            going
                .on("p", Some(format!("{page:03}")), Some(page.to_string()))
                .unwrap()
        }));
        assert!(!going.on("p", None, None).unwrap());
    }

    #[test]
    fn a_sealed_object_is_one_that_is_refused() {
        let kind = |status: u16, code: &str| {
            let (code, message, request_id) = (code.to_owned(), String::new(), String::new());
            kind_of(&Error::Refused(Refused {
                status,
                code,
                message,
                request_id,
            }))
        };
        assert_eq!(kind(403, "AccessDenied"), ProblemKind::Refused);
        assert_eq!(kind(400, "KMS.DisabledException"), ProblemKind::Refused);
        assert_eq!(kind(404, "NoSuchKey"), ProblemKind::Unreadable);
    }
}
