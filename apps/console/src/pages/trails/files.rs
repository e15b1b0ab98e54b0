//! The files of a trail in its bucket, by their names: days and hours of one Region, never a whole bucket.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>

use crate::web::escaped;
use base::Timestamp;
use http::Method;
use operator::{
    aws::{Client, Error, elements},
    delivery::{Folder, LogFile},
    survey::{Fact, Missing, Survey, Trail},
};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

pub(super) const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// So many pages of a listing are read of a day: 3,000 files. A log file every five minutes makes 288.
const PAGES_MAX: usize = 3;
/// The newest files are named for minutes so long before the delivery that the trail tells of, at most.
const RECENT: Duration = Duration::from_secs(600);
/// So many of the newest files of a kind are looked at.
const NEWEST: usize = 3;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Events.
    Log,
    /// A digest of log files.
    Digest,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Kind::Log => "CloudTrail",
            Kind::Digest => "CloudTrail-Digest",
        }
    }
}

/// A file that was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) key: String,
    pub(super) bytes: u64,
    /// The time in its name: of a log file the minute of its delivery, of a digest the end of its hour.
    pub(super) time: Timestamp,
}

/// Files of some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// By time.
    pub(super) files: Vec<File>,
    /// Whether these are all; a day may have more than is read.
    pub(super) is_whole: bool,
}

/// Where the files of a trail of one Region are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) bucket: String,
    bucket_region: String,
    /// Up to the account's folder and its slash.
    folder: String,
    pub(super) account: String,
    pub(super) region: String,
    trail: String,
    home: String,
}

impl Place {
    /// Of an organization's trail nothing: its folders are named after the organization.
    pub(super) fn of(survey: &Survey, trail: &Trail, region: &str) -> Result<Place, Missing> {
        if trail.organization {
            return Err(Missing::not_asked("organizations:DescribeOrganization"));
        }
        let bucket_region = survey
            .bucket_of(trail)
            .and_then(|bucket| bucket.region.known())
            .unwrap_or(&trail.home_region);
        let account = trail.account();
        Ok(Place {
            bucket: trail.bucket.clone(),
            bucket_region: bucket_region.clone(),
            folder: format!("{}{account}/", trail.folder()),
            account: account.to_owned(),
            region: region.to_owned(),
            trail: trail.name.clone(),
            home: trail.home_region.clone(),
        })
    }

    #[cfg(test)]
    pub(super) fn named(bucket: &str, folder: &str, region: &str, trail: &str, home: &str) -> Place {
        Place {
            bucket: bucket.to_owned(),
            bucket_region: home.to_owned(),
            folder: folder.to_owned(),
            account: folder.split('/').nth(1).unwrap_or_default().to_owned(),
            region: region.to_owned(),
            trail: trail.to_owned(),
            home: home.to_owned(),
        }
    }

    /// The files of a kind from one time to another, day by day at once.
    pub(super) async fn between(&self, client: &Client, kind: Kind, from: Timestamp, to: Timestamp) -> Fact<Listing> {
        let mut days = Vec::new();
        let mut day = from.floor_to(DAY);
        while day <= to {
            days.push(day);
            day = day.plus(DAY);
        }
        let all = days.into_iter().map(|day| self.day(client, kind, day, from.max(day)));
        let mut whole = Listing {
            files: Vec::new(),
            is_whole: true,
        };
        for answer in together(all).await {
            match answer {
                Ok(listing) => {
                    whole.files.extend(listing.files);
                    whole.is_whole &= listing.is_whole;
                }
                Err(error) => return Fact::NotAvailable(self.missing("s3:ListObjectsV2", &error)),
            }
        }
        whole.files.retain(|file| from <= file.time && file.time <= to);
        whole
            .files
            .sort_by(|one, other| (one.time, &one.key).cmp(&(other.time, &other.key)));
        Fact::Known(whole)
    }

    fn missing(&self, call: &str, error: &Error) -> Missing {
        Missing::of(call, &self.bucket_region, error)
    }

    async fn day(&self, client: &Client, kind: Kind, day: Timestamp, from: Timestamp) -> Result<Listing, Error> {
        let (folder, region) = (&self.folder, &self.region);
        let prefix = format!("{folder}{}/{region}/{}/", kind.folder(), day.date_path());
        let start = match kind {
            Kind::Log => format!("{prefix}{}_CloudTrail_{region}_{}", self.account, from.compact_minute()),
            Kind::Digest => String::new(),
        };
        let client = client.in_region(&self.bucket_region);
        let (mut files, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let mut query = String::new();
            if !token.is_empty() {
                query = format!("continuation-token={}&", escaped(&token));
            }
            query.push_str(&format!("list-type=2&prefix={}", escaped(&prefix)));
            if !start.is_empty() && token.is_empty() {
                query.push_str(&format!("&start-after={}", escaped(&start)));
            }
            let page = client.s3(Method::GET, &self.bucket, "", &query, &[], "").await?.text();
            files.extend(
                elements(&page, "Contents")
                    .iter()
                    .filter_map(|entry| self.file(kind, entry)),
            );
            match elements(&page, "NextContinuationToken").pop() {
                Some(next) => token = next,
                None => return Ok(Listing { files, is_whole: true }),
            }
        }
        Ok(Listing { files, is_whole: false })
    }

    fn file(&self, kind: Kind, entry: &str) -> Option<File> {
        let first = |name: &str| elements(entry, name).into_iter().next();
        let key = first("Key")?;
        let time = match kind {
            Kind::Log => self.time_of_log(&key),
            Kind::Digest => self.end_of_digest(&key),
        }?;
        Some(File {
            bytes: first("Size")?.parse().ok()?,
            key,
            time,
        })
    }

    /// The minute in the name of a log file of this Region.
    pub(super) fn time_of_log(&self, key: &str) -> Option<Timestamp> {
        let name = key.rsplit('/').next()?;
        let rest = name.strip_prefix(&format!("{}_CloudTrail_{}_", self.account, self.region))?;
        let minute = rest.get(..14)?.strip_suffix('Z')?;
        Timestamp::parse_compact(&format!("{minute}00Z"))
    }

    /// The end of the hour of a digest of this trail and Region; of no other, nor of one that was added later.
    pub(super) fn end_of_digest(&self, key: &str) -> Option<Timestamp> {
        let name = key.rsplit('/').next()?;
        let Place {
            account,
            region,
            trail,
            home,
            ..
        } = self;
        let rest = name.strip_prefix(&format!("{account}_CloudTrail-Digest_{region}_{trail}_{home}_"))?;
        Timestamp::parse_compact(rest.strip_suffix(".json.gz")?)
    }

    /// The newest files of a listing, the newest first. When the listing is not whole, or has none, those of the last delivery.
    pub(super) async fn newest(
        &self,
        client: &Client,
        kind: Kind,
        listing: &Fact<Listing>,
        last: Option<Timestamp>,
    ) -> Fact<Vec<(File, Fact<LogFile>)>> {
        let at_hand = match listing {
            Fact::Known(listing) => listing,
            Fact::NotAvailable(missing) => return Fact::NotAvailable(missing.clone()),
        };
        let files = match last {
            Some(last) if !at_hand.is_whole || at_hand.files.is_empty() => {
                match self.between(client, kind, last.minus(RECENT), last.plus(HOUR)).await {
                    Fact::Known(listing) => listing.files,
                    Fact::NotAvailable(missing) => return Fact::NotAvailable(missing),
                }
            }
            _ => at_hand.files.clone(),
        };
        let folder = Folder::new(&self.bucket, &self.bucket_region, None, &self.account, &self.region);
        let looked = files.into_iter().rev().take(NEWEST).map(|file| {
            let folder = &folder;
            async move {
                let looked = folder.look(client, &file.key).await;
                let fact = looked.map_err(|error| self.missing("s3:HeadObject", &error)).into();
                (file, fact)
            }
        });
        Fact::Known(together(looked).await)
    }
}

/// All of them at once, in their order.
pub(super) async fn together<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<Pin<Box<F>>> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_over = true;
        for (one, done) in all.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            match one.as_mut().poll(context) {
                Poll::Ready(output) => *done = Some(output),
                Poll::Pending => is_over = false,
            }
        }
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
