//! What there is to verify: buckets of trails, and in them accounts and Regions.

use super::{
    NotVerified, Place, Progress, What,
    asked::{self, Trail},
    budget, cache,
    group::{Chain, Group},
    report::{ChainReport, Finding, FindingKind, Verdict},
    source::Source,
};
use crate::{aws::Client, message};
use base::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::Semaphore;
use wire::ServiceName;

/// Where to look, and what is known of the trails that are meant.
pub(super) struct Found {
    /// Each with what stands before `AWSLogs/`, which is empty or ends in a slash.
    pub(super) sources: Vec<(Source, String)>,
    /// As they are described, where they were asked for.
    pub(super) trails: Vec<Trail>,
}

/// What there is in a source.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
    /// Of accounts that should have digests and have neither these nor log files.
    pub(super) bare: Vec<Chain>,
}

/// The sources that are meant.
pub(super) async fn sources(client: Option<&Client>, what: &What) -> Result<Found, NotVerified> {
    let prefix = |prefix: &Option<String>| match prefix.as_deref().map(|prefix| prefix.trim_matches('/')) {
        None | Some("") => String::new(),
        Some(prefix) => format!("{prefix}/"),
    };
    let calls = what.effort.calls;
    if let Place::Folder(folder, before) = &what.place {
        let source = Source::folder(folder, calls, what.maps.clone(), what.log_bytes_max);
        return Ok(Found {
            sources: vec![(source, prefix(before))],
            trails: Vec::new(),
        });
    }
    let Some(client) = client else {
        let message = message!(
            "A bucket can only be read with a Region and credentials.",
            "バケットを読み取るにはリージョンと認証情報が必要です。"
        );
        return Err(NotVerified::Other(message));
    };
    let (places, trails) = match &what.place {
        Place::Bucket(bucket, before) => ([(bucket.clone(), prefix(before))].into(), Vec::new()),
        _ => {
            let trails = described(client, what).await?;
            let place = |trail: &Trail| Some((trail.bucket.clone()?, prefix(&trail.prefix)));
            (trails.iter().filter_map(place).collect::<BTreeSet<_>>(), trails)
        }
    };
    let mut sources = Vec::new();
    for (bucket, prefix) in places {
        let (maps, bytes_max) = (what.maps.clone(), what.log_bytes_max);
        let source = Source::bucket(client, &bucket, budget(what), calls, maps, bytes_max).await?;
        sources.push((source, prefix));
    }
    Ok(Found { sources, trails })
}

#[derive(Deserialize)]
struct Described {
    #[serde(rename = "trailList", default)]
    trails: Vec<Trail>,
}

async fn described(client: &Client, what: &What) -> Result<Vec<Trail>, NotVerified> {
    let described: Described = client
        .ask(ServiceName::CloudTrail, "DescribeTrails", &json!({}))
        .await?;
    let mut trails = described.trails;
    let region = client.region().to_owned();
    match &what.trail {
        Some(arn) => {
            trails.retain(|trail| trail.arn.as_ref() == Some(arn));
            match trails.is_empty() {
                true => Err(NotVerified::Other(message!(
                    "There is no trail {arn} in {region}.",
                    "{region} に証跡 {arn} がありません。"
                ))),
                false => Ok(trails),
            }
        }
        None if trails.is_empty() => Err(NotVerified::Other(message!(
            "There is no trail in {region}: name a bucket.",
            "{region} に証跡がありません。バケットを指定してください。"
        ))),
        None => Ok(trails),
    }
}

/// The accounts and Regions in a source.
pub(super) async fn groups(
    source: &Source,
    prefix: &str,
    what: &What,
    trails: &[Trail],
    progress: &Arc<Progress>,
) -> Result<Groups, NotVerified> {
    let cores = Arc::new(Semaphore::new(what.effort.turns()));
    let trail = what.trail.as_deref().and_then(asked::parts);
    let mut found = Groups::default();
    for (organization, account) in accounts(source, prefix).await? {
        if what.account.as_ref().is_some_and(|wanted| *wanted != account) {
            continue;
        }
        let organization_folder = organization.as_ref().map(|id| format!("{id}/")).unwrap_or_default();
        let folder = format!("{prefix}AWSLogs/{organization_folder}{account}/");
        // Where there are log files there should be digests, too.
        let (digests, logs) = (format!("{folder}CloudTrail-Digest/"), format!("{folder}CloudTrail/"));
        let (digests, logs) = tokio::try_join!(source.folders(&digests), source.folders(&logs))?;
        let regions: BTreeSet<String> = digests.into_iter().chain(logs).collect();
        let is_of_trail = trail.is_none_or(|[_, owner, _]| organization.is_some() || owner == account);
        if regions.is_empty() && is_of_trail && what.regions.is_empty() {
            let is_meant = organization.is_some() || what.account.is_some();
            found
                .bare
                .extend(bare(source, &folder, (&organization, &account), what, is_meant).await?);
        }
        for region in regions {
            if !what.regions.is_empty() && !what.regions.contains(&region) {
                continue;
            }
            let is_of_all_regions = trails.iter().any(|trail| trail.is_of_all_regions);
            found.groups.push(Group {
                source: source.clone(),
                cache: Arc::new(cache(what, source, &Group::name(&folder, &region))?),
                folder: folder.clone(),
                account: account.clone(),
                organization: organization.clone(),
                range: (what.start, what.end),
                trail: trail.map(|[home, _, name]| (name.to_owned(), home.to_owned())),
                is_trails: is_of_trail && trail.is_some_and(|[home, ..]| is_of_all_regions || home == region),
                region,
                log_bytes_max: what.log_bytes_max,
                cores: Arc::clone(&cores),
                progress: Arc::clone(progress),
            });
        }
    }
    Ok(found)
}

/// An account's folder without a Region of CloudTrail's in it. Other services write to folders of accounts, too: what CloudTrail made for
/// itself tells that there was something, or that the account is meant.
async fn bare(
    source: &Source,
    folder: &str,
    (organization, account): (&Option<String>, &String),
    what: &What,
    is_meant: bool,
) -> Result<Option<Chain>, NotVerified> {
    let is_cloudtrails = |name: &String| ["CloudTrail", "CloudTrail-Digest"].contains(&name.as_str());
    if !is_meant && !source.folders(folder).await?.iter().any(is_cloudtrails) {
        return Ok(None);
    }
    let mut report = ChainReport {
        account_id: account.clone(),
        organization_id: organization.clone(),
        region: "-".to_owned(),
        trail: "-".to_owned(),
        home_region: "-".to_owned(),
        ..ChainReport::default()
    };
    report.find(Finding {
        kind: FindingKind::NoDigests,
        verdict: Verdict::Incomplete,
        location: Some(format!("{}/{folder}", source.name())),
        from: what.start.map(Timestamp::iso8601),
        to: what.end.map(Timestamp::iso8601),
        explained_by: Vec::new(),
        message: message!(
            "The account's folder has neither digests nor log files: there are none yet, or all were removed.",
            "アカウントのフォルダーにダイジェストもログファイルもありません。まだないか、すべて削除されています。"
        ),
    });
    Ok(Some(Chain::bare(report)))
}

/// The accounts under `AWSLogs/`, with the organization of an organization trail's.
async fn accounts(source: &Source, prefix: &str) -> Result<Vec<(Option<String>, String)>, NotVerified> {
    let is_account = |name: &str| name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
    let mut found = Vec::new();
    for name in source.folders(&format!("{prefix}AWSLogs/")).await? {
        if is_account(&name) {
            found.push((None, name));
        } else if name.starts_with("o-") {
            let members = source.folders(&format!("{prefix}AWSLogs/{name}/")).await?;
            let members = members.into_iter().filter(|member| is_account(member));
            found.extend(members.map(|member| (Some(name.clone()), member)));
        }
    }
    Ok(found)
}
