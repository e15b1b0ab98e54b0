//! What lies under the keys of a Region, as SummariseObjects counts it: so many buckets, so many objects of each.

use crate::{
    context::Context,
    page::{State, bytes, link, not_available, notice, number, table, time},
    pages::buckets,
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    aws::Client,
    message,
    message::Message,
    shoseki::{GroupBy, ObjectGroup, ObjectsQuestion, ObjectsSummary, summarise_objects},
    survey::{Fact, Missing},
};
use tokio::task::JoinSet;

/// How far is counted.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// So many buckets of the Region are looked at.
    buckets: usize,
    /// So many calls for each, which count 10,000 objects a call.
    calls: usize,
}

/// For a list of keys.
pub(super) const LIST: Limits = Limits { buckets: 20, calls: 1 };
/// For one key.
pub(super) const ONE: Limits = Limits { buckets: 50, calls: 5 };

/// What was counted.
pub(super) struct Protected {
    /// By bucket: what was counted, or why not.
    buckets: Vec<(String, Fact<ObjectsSummary>)>,
    /// Why buckets could not be listed.
    missing: Option<Missing>,
    /// Whether the Region has more buckets.
    more: bool,
}

/// Objects that have something in common.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) oldest: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
}

impl Sum {
    fn of<'a>(groups: impl Iterator<Item = &'a ObjectGroup>) -> Sum {
        groups.fold(Sum::default(), |sum, group| Sum {
            objects: sum.objects.saturating_add(group.objects),
            bytes: sum.bytes.saturating_add(group.bytes),
            oldest: sum.oldest.into_iter().chain([group.oldest]).min(),
            newest: sum.newest.into_iter().chain([group.newest]).max(),
        })
    }
}

impl Protected {
    fn groups<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a str, &'a ObjectGroup)> {
        self.buckets.iter().flat_map(move |(bucket, counted)| {
            let groups = counted.known().map(|summary| summary.groups.as_slice());
            let groups = groups.unwrap_or_default().iter();
            let under = groups.filter(move |group| group.kms_key_id.as_deref() == Some(key));
            under.map(|group| (bucket.as_str(), group))
        })
    }

    /// What was counted under a key.
    pub(super) fn of(&self, key: &str) -> Sum {
        Sum::of(self.groups(key).map(|(_, group)| group))
    }

    /// Whether there may be more than was counted.
    pub(super) fn is_at_least(&self) -> bool {
        let partial = |counted: &Fact<ObjectsSummary>| match counted {
            Fact::Known(summary) => summary.next_token.is_some(),
            Fact::NotAvailable(_) => true,
        };
        self.more || self.missing.is_some() || self.buckets.iter().any(|(_, counted)| partial(counted))
    }
}

/// Counts what lies in the buckets of the client's Region, by key and age.
pub(super) async fn count(client: &Client, limits: Limits) -> Protected {
    let listed = buckets::in_region(client, limits.buckets).await;
    let (names, more) = match listed {
        Ok(listed) => listed,
        Err(error) => {
            return Protected {
                buckets: Vec::new(),
                missing: Some(Missing::of("s3:ListBuckets", client.region(), &error)),
                more: false,
            };
        }
    };
    let mut counting = JoinSet::new();
    for bucket in names {
        let client = client.clone();
        counting.spawn(async move {
            let counted = of_bucket(&client, &bucket, limits.calls).await;
            (bucket, counted)
        });
    }
    let mut buckets = counting.join_all().await;
    buckets.sort_by(|(one, _), (other, _)| one.cmp(other));
    Protected {
        buckets,
        missing: None,
        more,
    }
}

async fn of_bucket(client: &Client, bucket: &str, calls: usize) -> Fact<ObjectsSummary> {
    let mut question = ObjectsQuestion {
        bucket: bucket.to_owned(),
        group_by: vec![GroupBy::KmsKeyId, GroupBy::Age],
        ..ObjectsQuestion::default()
    };
    let mut all: Option<ObjectsSummary> = None;
    for _ in 0..calls {
        let page = match summarise_objects(client, &question).await {
            Ok(page) => page,
            Err(error) => {
                return Fact::NotAvailable(Missing::of("shoseki:SummariseObjects", client.region(), &error));
            }
        };
        question.next_token.clone_from(&page.next_token);
        all = Some(match all {
            Some(all) => all.and(page),
            None => page,
        });
        if question.next_token.is_none() {
            break;
        }
    }
    match all {
        Some(all) => Fact::Known(all),
        None => Fact::NotAvailable(Missing::not_asked("shoseki:SummariseObjects")),
    }
}

/// How far was counted, where that is not to the end.
pub(super) fn limits(c: &Context, protected: &Protected) -> Markup {
    let cut = protected
        .buckets
        .iter()
        .filter_map(|(bucket, counted)| counted.known().map(|summary| (bucket, summary)))
        .filter(|(_, summary)| summary.next_token.is_some());
    let refused = protected
        .buckets
        .iter()
        .filter_map(|(bucket, counted)| counted.missing().map(|missing| (bucket, missing)));
    html! {
        @if let Some(missing) = &protected.missing { p { (not_available(c, missing)) } }
        @if protected.is_at_least() {
            ul.limits {
                @for (bucket, summary) in cut {
                    @let count = number(summary.objects);
                    li { (c.t(&message!("{bucket}: the first {count} objects were counted; there are more.", "{bucket}: 最初の {count} オブジェクトまで数えました。続きがあります。"))) }
                }
                @for (bucket, missing) in refused { li { (bucket) ": " (not_available(c, missing)) } }
                @if protected.more {
                    @let count = protected.buckets.len();
                    li { (c.t(&message!("The first {count} buckets of the Region were looked at; there are more.", "リージョンの最初の {count} バケットを調べました。ほかにもあります。"))) }
                }
            }
        }
    }
}

/// An age as SummariseObjects names it, in words.
fn age(name: &str) -> Message {
    match name {
        "UnderDay" => message!("less than a day", "1 日未満"),
        "UnderWeek" => message!("1 to 7 days", "1〜7 日"),
        "UnderMonth" => message!("7 to 30 days", "7〜30 日"),
        "UnderQuarter" => message!("30 to 90 days", "30〜90 日"),
        "UnderYear" => message!("90 to 365 days", "90〜365 日"),
        "Older" => message!("a year or more", "1 年以上"),
        other => Message::plain(other),
    }
}

/// What lies under a key: in all, and by bucket and age.
pub(super) fn told(c: &Context, protected: &Protected, key: &str) -> Markup {
    let sum = protected.of(key);
    let (objects, size) = (number(sum.objects), bytes(sum.bytes));
    let says = match (sum.objects, protected.is_at_least()) {
        (0, false) => message!(
            "No object lies under this key.",
            "このキーで暗号化されたオブジェクトはありません。"
        ),
        (0, true) => message!(
            "No object was found under this key, but not all could be looked at.",
            "このキーで暗号化されたオブジェクトは見つかりませんでしたが、すべては調べられていません。"
        ),
        (_, false) => message!(
            "{objects} objects of {size} lie under this key.",
            "このキーで暗号化されたオブジェクトは {objects} 個、{size} です。"
        ),
        (_, true) => message!(
            "At least {objects} objects of {size} lie under this key.",
            "このキーで暗号化されたオブジェクトは少なくとも {objects} 個、{size} です。"
        ),
    };
    let rows = protected.groups(key).map(|(bucket, group)| {
        vec![
            link(&buckets::place(bucket), bucket),
            html! { (c.t(&age(group.age.as_deref().unwrap_or_default()))) },
            html! { (number(group.objects)) },
            html! { (bytes(group.bytes)) },
            time(c, group.oldest),
            time(c, group.newest),
        ]
    });
    let head = [
        message!("Bucket", "バケット"),
        message!("Age", "経過"),
        message!("Objects", "オブジェクト数"),
        message!("Size", "サイズ"),
        message!("Oldest", "最古"),
        message!("Newest", "最新"),
    ];
    let rows: Vec<_> = rows.collect();
    html! {
        p.protects data-objects=(sum.objects) data-bytes=(sum.bytes) { (c.t(&says)) }
        @if !rows.is_empty() {
            (table(c, &message!("Objects under this key, by bucket and age", "このキーで暗号化されたオブジェクト (バケットと経過時間別)"), &head, rows))
        }
        (limits(c, protected))
        @if sum.objects > 0 {
            (notice(c, State::Plain, &message!("Latest versions are counted; older versions may lie under the key, too, and so may data that is not in S3.", "最新バージョンだけを数えています。古いバージョンや S3 以外のデータにもこのキーが使われている可能性があります。")))
        }
    }
}
