//! The proof: every digest's signature, every link of the chains, every log file's hash; and that a change shows.

use super::{delivered::Bucket, print::Printer, setup::Stage};
use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use record::{
    PublicKey,
    verify::{FileKind, Findings, Location, chain},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Instant};
use wire::ServiceName;

/// The public keys that CloudTrail publishes, Region by Region.
pub(super) async fn public_keys(stage: &Stage) -> Result<BTreeMap<String, Vec<PublicKey>>> {
    let regions = stage.root.query(ServiceName::Ec2, "DescribeRegions", &[]).await?;
    let mut keys = BTreeMap::new();
    for region in crate::client::elements(&regions, "regionName") {
        let client = stage.root.in_region(&region);
        let answer = client
            .json(ServiceName::CloudTrail, "ListPublicKeys", &json!({}))
            .await?;
        let list = answer["PublicKeyList"]
            .as_array()
            .context("ListPublicKeys gives no list")?;
        let mut of_region = Vec::new();
        for key in list {
            let der = STANDARD.decode(key["Value"].as_str().unwrap_or_default())?;
            of_region.push(PublicKey::from_pkcs1_der(&der));
        }
        keys.insert(region, of_region);
    }
    Ok(keys)
}

type Keys = BTreeMap<String, Vec<PublicKey>>;

/// Verifies the chain of one Region, from its newest digest back to its beginning.
fn verify_region(stage: &Stage, bucket: &Bucket, keys: &Keys, region: &str) -> Result<Findings> {
    let digests = bucket.digests().filter(|(_, delivered)| delivered.region == region);
    let listed: Vec<Location> = digests.map(|(key, _)| Location::new(&stage.logs_bucket, key)).collect();
    let newest = listed.last().with_context(|| format!("{region} has no digest"))?;
    let keys = keys.get(region).map(Vec::as_slice).unwrap_or_default();
    Ok(chain(bucket, keys, newest.clone(), &listed, None))
}

pub(super) fn verify(print: &Printer, stage: &Stage, bucket: &Bucket, keys: &Keys) -> Result<()> {
    print.chapter("Is it all there, and unchanged?");
    let started = Instant::now();
    let (mut digests, mut logs) = (0, 0);
    for region in keys.keys() {
        let findings = verify_region(stage, bucket, keys, region)?;
        if let Some(problem) = findings.problems().next() {
            anyhow::bail!("{problem}");
        }
        digests += findings.digests().valid;
        logs += findings.logs().valid;
    }
    ensure!(digests == bucket.digests().count(), "some digests are in no chain");
    print.holds(format!(
        "{digests} digests in {} Regions: each signed, each naming the one before it",
        keys.len()
    ));
    print.holds(format!("{logs} log files: each as its digest says"));
    let late = bucket.logs().count().saturating_sub(logs);
    let waiting = if late > 0 {
        format!("; {late} more wait for their digest")
    } else {
        String::new()
    };
    print.line("", format!("verified in {} ms{waiting}", started.elapsed().as_millis()));
    Ok(())
}

/// Changes one bit of one log file, in a copy, and verifies again.
pub(super) fn tamper(print: &Printer, stage: &Stage, bucket: &Bucket, keys: &Keys) -> Result<()> {
    print.chapter("And if somebody changes one byte of one log file?");
    let (key, region) = bucket
        .logs()
        .filter(|(key, delivered)| is_digested(stage, bucket, keys, &delivered.region, key))
        .max_by_key(|(_, delivered)| delivered.file.body.len())
        .map(|(key, delivered)| (key.clone(), delivered.region.clone()))
        .context("no digest names a log file")?;
    let mut copy = bucket.clone();
    let body = copy
        .0
        .get_mut(&key)
        .map(|delivered| &mut delivered.file.body)
        .context("the log file is gone")?;
    let middle = body.len() / 2;
    let byte = body.get_mut(middle).context("the log file is empty")?;
    *byte ^= 1;
    print.line(
        "Changed",
        format!(
            "byte {middle} of a copy of …{}",
            key.rsplit('_').next().unwrap_or_default()
        ),
    );
    let findings = verify_region(stage, &copy, keys, &region)?;
    let problems: Vec<String> = findings.problems().map(ToString::to_string).collect();
    for problem in &problems {
        print.alarm(problem.replace('\t', "  "));
    }
    let found = findings.problems().map(|checked| &checked.location.key).eq([&key]);
    ensure!(found, "the change was not found as what it is: {problems:?}");
    print.holds("found, and nothing else is accused");
    Ok(())
}

fn is_digested(stage: &Stage, bucket: &Bucket, keys: &Keys, region: &str, key: &str) -> bool {
    verify_region(stage, bucket, keys, region).is_ok_and(|findings| {
        findings
            .checked
            .iter()
            .any(|checked| checked.kind == FileKind::Log && checked.location.key == key)
    })
}
