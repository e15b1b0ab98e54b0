//! Real calls, of several services in several Regions, by callers who may and one who may not.

use super::{print::Printer, setup::Stage};
use crate::client::Client;
use anyhow::{Context, Result, bail};
use http::Method;
use operator::aws::Error;
use serde_json::json;
use std::time::Instant;
use wire::ServiceName;

const DOCUMENTS: usize = 30;
const SECRETS: usize = 20;
const REGIONS: [&str; 4] = ["us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"];
/// How often each of the services without a bucket or key is asked in each Region.
const QUESTIONS: usize = 4;
const DENIALS: usize = 6;

/// One round of calls. Each of them is in the journal, durably, when it is answered.
pub(super) async fn round(print: &Printer, stage: &Stage, round: usize) -> Result<()> {
    print.chapter(if round == 0 {
        "Calls, and an hour"
    } else {
        "More calls, and another hour"
    });
    let started = Instant::now();
    let mut count = documents(stage, round).await?;
    count += secrets(stage).await?;
    for region in REGIONS {
        count += questions(&stage.alice.in_region(region), &stage.root.in_region(region)).await?;
    }
    let (denied, words) = denials(stage, round).await?;
    let per_second = (count + denied) as f64 / started.elapsed().as_secs_f64();
    let total = count + denied;
    print.line(
        "Calls",
        format!(
            "{total} of S3, KMS, IAM, STS and EC2 in {} Regions, one after the other ({per_second:.0}/s)",
            REGIONS.len()
        ),
    );
    print.line("Denied", format!("{denied} of them, such as:"));
    print.quote(words);
    Ok(())
}

async fn documents(stage: &Stage, round: usize) -> Result<usize> {
    for number in 0..DOCUMENTS {
        let key = document(round, number);
        let text = format!("Document {number} of round {round}. ").repeat(40);
        let put = stage
            .alice
            .s3(Method::PUT, &stage.documents_bucket, &key, "", &[], text.clone())
            .await?;
        if put.header("x-amz-server-side-encryption") != "aws:kms" {
            bail!("a document was not sealed as its bucket says");
        }
        let got = stage
            .alice
            .s3(Method::GET, &stage.documents_bucket, &key, "", &[], "")
            .await?;
        if got.body != text {
            bail!("a document did not come back as it was put");
        }
    }
    Ok(2 * DOCUMENTS)
}

fn document(round: usize, number: usize) -> String {
    format!("round {round}/document-{number:02}.txt")
}

async fn secrets(stage: &Stage) -> Result<usize> {
    for number in 0..SECRETS {
        let context = json!({ "purpose": "demo", "number": number.to_string() });
        let input = json!({ "KeyId": stage.key_arn, "Plaintext": "c2VjcmV0", "EncryptionContext": context });
        let sealed = stage.alice.json(ServiceName::Kms, "Encrypt", &input).await?;
        let input = json!({ "CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context });
        let opened = stage.alice.json(ServiceName::Kms, "Decrypt", &input).await?;
        if opened["Plaintext"] != "c2VjcmV0" {
            bail!("a secret did not come back as it was sealed");
        }
    }
    Ok(2 * SECRETS)
}

async fn questions(alice: &Client, root: &Client) -> Result<usize> {
    for _ in 0..QUESTIONS {
        alice.query(ServiceName::Sts, "GetCallerIdentity", &[]).await?;
        root.query(ServiceName::Ec2, "DescribeRegions", &[]).await?;
        root.json(ServiceName::Kms, "ListKeys", &json!({})).await?;
    }
    root.in_region("us-east-1")
        .query(ServiceName::Iam, "GetUser", &[])
        .await?;
    Ok(3 * QUESTIONS + 1)
}

/// What bob tries. He may read the bucket, but neither open what is in it nor stop the trail; in AWS's words.
async fn denials(stage: &Stage, round: usize) -> Result<(usize, String)> {
    let mut words = String::new();
    for number in 0..DENIALS {
        let key = document(round, number);
        let read = stage
            .bob
            .s3(Method::GET, &stage.documents_bucket, &key, "", &[], "")
            .await;
        let read = expect_denied(read.map(drop), "reading a document without the right to its key")?;
        let stop = stage
            .bob
            .json(ServiceName::CloudTrail, "StopLogging", &json!({ "Name": stage.trail }))
            .await;
        let stop = expect_denied(stop.map(drop), "stopping the trail")?;
        // One of each, over the two rounds.
        words = if round == 0 { read } else { stop };
    }
    Ok((2 * DENIALS, words))
}

fn expect_denied(outcome: Result<(), Error>, what: &str) -> Result<String> {
    let Err(error) = outcome else {
        bail!("{what} was allowed")
    };
    match error.refused() {
        Some(refused) if refused.code.starts_with("AccessDenied") => Ok(refused.to_string()),
        Some(refused) => bail!("{what} was refused, but not for want of rights: {refused}"),
        None => Err(error).with_context(|| what.to_owned()),
    }
}
