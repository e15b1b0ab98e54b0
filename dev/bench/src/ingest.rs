//! Events from elsewhere, by PutAuditEvents, beside the least that anybody would have to do with the same bytes.

use crate::{
    generator, machine,
    process::{cpu_s, own_cpu_s},
    scenario::signed,
    table::Table,
    target::Target,
};
use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use http::Method;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};
use testkit::{Client, Server, setup::TrailPlan};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "16 clients, each on a connection of its own, each sending its next call of 100 \
records of about 1 KB, with their checksums, when the last was answered; an answer waits until its events are durable. \
Bodies are made and signed before the clock runs, so that the generator, one thread on the same machine, costs little. \
Processor time of the server is that of the whole process. The floor, on one thread: SHA-256 of the body, its JSON, each \
event's text out of it, SHA-256 of that and its JSON, zstd at level 1 of a megabyte at a time, one sync for each of those.";

const CLIENTS: usize = 16;
const BODIES_PER_CLIENT: usize = 12;
const EVENTS: usize = 100;
const SPAN: Duration = Duration::from_secs(5);
const FLOOR_TIME_MIN: Duration = Duration::from_secs(2);
const BLOCK_BYTES: usize = 1 << 20;
const ZSTD_LEVEL: i32 = 1;
const GOAL: f64 = 50_000.0;

/// Loads a server with events.
pub(crate) async fn from_elsewhere(binary: &Path) -> Result<Table> {
    let folder = machine::directory()?;
    let mut server = Server::of(binary, &folder.path().join("data"), &[]);
    server.launch()?;
    let client = server.client()?;
    let channel = channel(&client).await?;
    let target = Target::of("ingest", client).await?;
    let path = format!(
        "/PutAuditEvents?channelArn={}",
        channel.replace(':', "%3A").replace('/', "%2F")
    );
    let bodies: Vec<Vec<String>> = (0..CLIENTS)
        .map(|client| {
            (0..BODIES_PER_CLIENT)
                .map(|number| body(client * BODIES_PER_CLIENT + number))
                .collect()
        })
        .collect();
    let post = |body: &String| {
        let headers = [("content-type", "application/json")];
        signed(
            &target,
            "cloudtrail-data",
            Method::POST,
            &path,
            &headers,
            body.as_bytes(),
        )
    };
    taken_in(
        &target,
        &path,
        bodies.first().and_then(|list| list.first()).context("no body")?,
    )
    .await?;
    let requests = bodies
        .iter()
        .map(|list| list.iter().map(post).collect())
        .collect::<Result<Vec<_>>>()?;
    let (start, used_before) = (Instant::now(), cpu_s(&server)?);
    let cell = generator::run_requests(&target, requests, SPAN).await?;
    let (wall_s, used_s) = (start.elapsed().as_secs_f64(), cpu_s(&server)? - used_before);
    let rate = cell.rate * EVENTS as f64;
    let each_us = used_s / (rate * wall_s) * 1e6;
    let all: Vec<&String> = bodies.iter().flatten().collect();
    let floor_us = floor(&all, folder.path())? * 1e6;
    let bytes: usize = all.iter().map(|body| body.len()).sum();
    let mut table = Table::new(&["events from elsewhere", "found", "goal"]);
    let word = if rate >= GOAL { "reached" } else { "MISSED" };
    table.row(vec![
        "events a second".to_owned(),
        format!("{rate:.0}"),
        format!("at least {GOAL:.0}: {word}"),
    ]);
    for (name, found) in [
        ("bytes of body for each", format!("{}", bytes / (all.len() * EVENTS))),
        ("call, p50 ms", format!("{:.1}", machine::ms(cell.p50))),
        ("call, p99 ms", format!("{:.1}", machine::ms(cell.p99))),
        ("processor time of the server for each, µs", format!("{each_us:.1}")),
        ("events a second of processor time", format!("{:.0}", 1e6 / each_us)),
        ("floor, µs of processor time for each", format!("{floor_us:.1}")),
        ("server, times the floor", format!("{:.2}", each_us / floor_us)),
    ] {
        table.row(vec![name.to_owned(), found, String::new()]);
    }
    Ok(table)
}

/// A channel to a trail that selects all that comes.
async fn channel(client: &Client) -> Result<String> {
    let plan = TrailPlan {
        name: "bench",
        with_key: true,
        multi_region: false,
        validation: false,
        data_bucket: None,
    };
    let trail = client.create_trail(&plan).await?;
    let selectors = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true,
        "DataResources": [{"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodb"]}]}]);
    let input = json!({"TrailName": plan.name, "EventSelectors": selectors});
    client.json("cloudtrail", "PutEventSelectors", &input).await?.ok()?;
    let input = json!({"Name": "bench", "Source": "Custom",
        "Destinations": [{"Type": "AWS_SERVICE", "Location": trail.arn}]});
    let made = client.json("cloudtrail", "CreateChannel", &input).await?.ok()?.json()?;
    let arn = made["ChannelArn"].as_str().context("no ChannelArn")?;
    Ok(arn.to_owned())
}

/// Every event must be taken in, or nothing is measured.
async fn taken_in(target: &Target, path: &str, body: &str) -> Result<()> {
    let headers = [("content-type", "application/json")];
    let payload = sigv4::sign::SignPayload::Bytes(body.as_bytes());
    let head = target
        .client
        .head("cloudtrail-data", &Method::POST, path, &headers, payload)?;
    let body = bytes::Bytes::copy_from_slice(body.as_bytes());
    let answer = target.client.send(Method::POST, path, head, body).await?.ok()?.json()?;
    let count = answer["successful"].as_array().map_or(0, Vec::len);
    ensure!(
        count == EVENTS,
        "of {EVENTS} events {count} were taken in: {}",
        answer["failed"]
    );
    Ok(())
}

/// A call of a hundred records, as CloudTrail writes them of DynamoDB.
fn body(number: usize) -> String {
    let events: Vec<Value> = (0..EVENTS)
        .map(|event| {
            let data = record(number * EVENTS + event).to_string();
            let sum = testkit::setup::base64(digest(&SHA256, data.as_bytes()).as_ref());
            json!({"id": format!("e{event}"), "eventData": data, "eventDataChecksum": sum})
        })
        .collect();
    json!({ "auditEvents": events }).to_string()
}

/// An event of DynamoDB as CloudTrail writes it, by its number.
pub(crate) fn record(number: usize) -> Value {
    let id = |salt: usize| {
        let sum = digest(&SHA256, format!("{salt} {number}").as_bytes());
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        hex
    };
    let uuid = |salt: usize| {
        let hex = id(salt);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        format!(
            "{}-{}-4{}-a{}-{}",
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32)
        )
    };
    let table = format!("orders-{}", number % 40);
    let arn = format!("arn:aws:dynamodb:us-east-1:123456789012:table/{table}");
    let when = base::Clock::system()
        .real_now()
        .minus(Duration::from_secs((number % 3600) as u64));
    let name = ["GetItem", "PutItem", "UpdateItem", "Query"];
    let name = name.get(number % name.len()).copied().unwrap_or_default();
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": format!("AROAEXAMPLEEXAMPLE{:03}:worker-{}", number % 200, number % 1000),
            "arn": format!("arn:aws:sts::123456789012:assumed-role/Orders/worker-{}", number % 1000),
            "accountId": "123456789012", "accessKeyId": format!("ASIAEXAMPLE{:05}EXAM", number % 5000),
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": format!("AROAEXAMPLEEXAMPLE{:03}", number % 200),
                "arn": "arn:aws:iam::123456789012:role/Orders", "accountId": "123456789012", "userName": "Orders"},
                "attributes": {"creationDate": when.iso8601(), "mfaAuthenticated": "false"}}
        },
        "eventTime": when.iso8601(),
        "eventSource": "dynamodb.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": format!("10.{}.{}.{}", number % 7, number % 251, number % 13),
        "userAgent": "aws-sdk-java/2.25.1 Linux/5.10 OpenJDK_64-Bit_Server_VM/17",
        "requestParameters": {"tableName": table, "key": {"id": id(1).get(..24).unwrap_or_default()}},
        "responseElements": Value::Null,
        "requestID": id(2).to_uppercase().get(..52).unwrap_or_default(),
        "eventID": uuid(3),
        "readOnly": number.is_multiple_of(4),
        "resources": [{"accountId": "123456789012", "type": "AWS::DynamoDB::Table", "ARN": arn}],
        "eventType": "AwsApiCall",
        "apiVersion": "2012-08-10",
        "managementEvent": false,
        "recipientAccountId": "123456789012",
        "eventCategory": "Data",
    })
}

/// Processor seconds for each event, on one thread.
fn floor(bodies: &[&String], folder: &Path) -> Result<f64> {
    let mut file = File::create(folder.join("floor"))?;
    let mut packer = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    let (mut block, mut events) = (Vec::with_capacity(BLOCK_BYTES + (1 << 20)), 0_usize);
    let (start, used_before) = (Instant::now(), own_cpu_s()?);
    while start.elapsed() < FLOOR_TIME_MIN {
        for body in bodies {
            ensure!(digest(&SHA256, body.as_bytes()).as_ref().len() == 32);
            let call: Call<'_> = serde_json::from_str(body)?;
            for event in &call.audit_events {
                ensure!(digest(&SHA256, event.event_data.as_bytes()).as_ref().len() == 32);
                let data: Record<'_> = serde_json::from_str(&event.event_data)?;
                ensure!(!data.event_source.is_empty());
                block.extend_from_slice(event.event_data.as_bytes());
                events += 1;
            }
            if block.len() >= BLOCK_BYTES {
                file.write_all(&packer.compress(&block)?)?;
                file.sync_data()?;
                block.clear();
            }
        }
    }
    Ok((own_cpu_s()? - used_before) / events as f64)
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    #[serde(borrow)]
    audit_events: Vec<Event<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    event_data: std::borrow::Cow<'a, str>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    event_source: std::borrow::Cow<'a, str>,
}
