//! What there is to verify: buckets of trails, and in them accounts and Regions.

use super::{NotVerified, Place, Progress, What, budget, cache, group::Group, source::Source};
use crate::{aws::Client, message};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::Semaphore;
use wire::ServiceName;

/// The sources that are meant, each with what stands before `AWSLogs/`, which is empty or ends in a slash.
pub(super) async fn sources(client: Option<&Client>, what: &What) -> Result<Vec<(Source, String)>, NotVerified> {
    let prefix = |prefix: &Option<String>| match prefix.as_deref().map(|prefix| prefix.trim_matches('/')) {
        None | Some("") => String::new(),
        Some(prefix) => format!("{prefix}/"),
    };
    let calls = what.effort.calls;
    if let Place::Folder(folder, before) = &what.place {
        let source = Source::folder(folder, calls, what.maps.clone(), what.log_bytes_max);
        return Ok(vec![(source, prefix(before))]);
    }
    let Some(client) = client else {
        let message = message!(
            "A bucket can only be read with a Region and credentials.",
            "バケットを読み取るにはリージョンと認証情報が必要です。"
        );
        return Err(NotVerified::Other(message));
    };
    let places = match &what.place {
        Place::Bucket(bucket, before) => [(bucket.clone(), prefix(before))].into(),
        _ => {
            let trails = described(client, what).await?;
            let places = trails
                .into_iter()
                .filter_map(|trail| Some((trail.bucket?, prefix(&trail.prefix))));
            places.collect::<BTreeSet<_>>()
        }
    };
    let mut sources = Vec::new();
    for (bucket, prefix) in places {
        let (maps, bytes_max) = (what.maps.clone(), what.log_bytes_max);
        let source = Source::bucket(client, &bucket, budget(what), calls, maps, bytes_max).await?;
        sources.push((source, prefix));
    }
    Ok(sources)
}

#[derive(Deserialize)]
struct Described {
    #[serde(rename = "trailList", default)]
    trails: Vec<Trail>,
}

#[derive(Deserialize)]
struct Trail {
    #[serde(rename = "TrailARN")]
    arn: Option<String>,
    #[serde(rename = "S3BucketName")]
    bucket: Option<String>,
    #[serde(rename = "S3KeyPrefix")]
    prefix: Option<String>,
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

/// The accounts and Regions with digests in a source.
pub(super) async fn groups(
    source: &Source,
    prefix: &str,
    what: &What,
    progress: &Arc<Progress>,
) -> Result<Vec<Group>, NotVerified> {
    let cores = Arc::new(Semaphore::new(what.effort.cores.max(1)));
    let trail = what.trail.as_deref().and_then(|arn| {
        let name = arn.rsplit('/').next()?;
        Some((name.to_owned(), arn.split(':').nth(3)?.to_owned()))
    });
    let mut groups = Vec::new();
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
        for region in regions {
            if !what.regions.is_empty() && !what.regions.contains(&region) {
                continue;
            }
            groups.push(Group {
                source: source.clone(),
                cache: cache(what, source, &Group::name(&folder, &region))?,
                folder: folder.clone(),
                account: account.clone(),
                organization: organization.clone(),
                region,
                range: (what.start, what.end),
                trail: trail.clone(),
                log_bytes_max: what.log_bytes_max,
                cores: Arc::clone(&cores),
                progress: Arc::clone(progress),
            });
        }
    }
    Ok(groups)
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
