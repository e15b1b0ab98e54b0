//! Stacks: how soon a template of 200 resources in a web of dependencies is there, and gone.

use crate::{machine, process::cpu_s, table::Table};
use anyhow::{Result, bail, ensure};
use serde_json::{Map, Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use testkit::{Client, Server};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "Ten layers of twenty resources (buckets, log groups, topics, keys, roles), each of \
which names two of the layer before it. From the call of CreateStack or DeleteStack to the first answer of DescribeStacks \
that says that it is done; the median of five stacks, each on the same server. Every resource is made by the calls of its own \
service, authorised, recorded and durable.";

const LAYERS: usize = 10;
const WIDTH: usize = 20;
const ROUNDS: usize = 5;
const SECONDS_MAX: f64 = 3.0;
const PATIENCE: Duration = Duration::from_secs(120);

/// Makes and deletes stacks.
pub(crate) async fn stacks(binary: &Path) -> Result<Table> {
    let folder = machine::directory()?;
    let mut server = Server::of(binary, &folder.path().join("data"), &[]);
    server.launch()?;
    let client = server.client()?;
    let template = template().to_string();
    let (mut made, mut deleted) = (Vec::new(), Vec::new());
    let before = cpu_s(&server)?;
    for _ in 0..ROUNDS {
        let parameters = [
            ("StackName", "web"),
            ("TemplateBody", template.as_str()),
            ("Capabilities.member.1", "CAPABILITY_IAM"),
        ];
        made.push(timed(&client, "CreateStack", &parameters, "CREATE_COMPLETE").await?);
        deleted.push(timed(&client, "DeleteStack", &[("StackName", "web")], "DELETE_COMPLETE").await?);
    }
    let cpu_ms = (cpu_s(&server)? - before) * 1_000.0;
    let mut table = Table::new(&["stack of 200 resources", "found", "goal"]);
    for (name, times) in [("made, s", &mut made), ("deleted, s", &mut deleted)] {
        times.sort_unstable();
        let median = times.get(ROUNDS / 2).copied().unwrap_or_default().as_secs_f64();
        let word = if median < SECONDS_MAX { "reached" } else { "MISSED" };
        table.row(vec![
            name.to_owned(),
            format!("{median:.2}"),
            format!("under {SECONDS_MAX:.0} s: {word}"),
        ]);
    }
    let each = cpu_ms / (ROUNDS * 2 * LAYERS * WIDTH) as f64;
    table.row(vec![
        "processor time of the server for each step, ms".to_owned(),
        format!("{each:.2}"),
        String::new(),
    ]);
    server.terminate()?;
    Ok(table)
}

/// Calls, and waits until the stack says so.
async fn timed(client: &Client, operation: &str, parameters: &[(&str, &str)], until: &str) -> Result<Duration> {
    let start = Instant::now();
    let called = client.query("cloudformation", operation, parameters).await?.ok()?;
    let id = called.elements("StackId").pop();
    loop {
        let reply = client
            .query(
                "cloudformation",
                "DescribeStacks",
                &[("StackName", id.as_deref().unwrap_or("web"))],
            )
            .await?;
        // Of a stack that is gone its name tells nothing.
        if reply.code().is_some() && until == "DELETE_COMPLETE" {
            return Ok(start.elapsed());
        }
        let status = reply.ok()?.elements("StackStatus").pop().unwrap_or_default();
        if status == until {
            return Ok(start.elapsed());
        }
        if !status.ends_with("_IN_PROGRESS") {
            bail!("the stack is {status} after {operation}");
        }
        ensure!(start.elapsed() < PATIENCE, "the stack is still {status}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn id(layer: usize, at: usize) -> String {
    format!("L{layer}N{}", at % WIDTH)
}

fn template() -> Value {
    let mut resources = Map::new();
    for layer in 0..LAYERS {
        for at in 0..WIDTH {
            resources.insert(id(layer, at), resource(layer, at));
        }
    }
    json!({"Resources": resources})
}

/// One of five kinds; what it names of the layer before is in a text of its own, or it just waits for it.
fn resource(layer: usize, at: usize) -> Value {
    let before: Vec<String> = match layer {
        0 => Vec::new(),
        layer => vec![id(layer - 1, at * 7 + 3), id(layer - 1, at * 3 + 1)],
    };
    let named = before.first().map_or_else(String::new, |first| format!("${{{first}}}"));
    let tags = json!([{"Key": "of", "Value": {"Fn::Sub": format!("x{named}")}}]);
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let (kind, properties) = match at % 5 {
        0 => ("AWS::S3::Bucket", json!({"Tags": tags})),
        1 => ("AWS::Logs::LogGroup", json!({"RetentionInDays": 90, "Tags": tags})),
        2 => ("AWS::SNS::Topic", json!({"Tags": tags})),
        3 => ("AWS::KMS::Key", json!({"Tags": tags})),
        _ => ("AWS::IAM::Role", json!({"AssumeRolePolicyDocument": trust})),
    };
    let mut resource = json!({"Type": kind, "Properties": properties});
    if let (Some(second), Some(members)) = (before.get(1), resource.as_object_mut()) {
        members.insert("DependsOn".to_owned(), json!(second));
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_of_200_resources_and_short_enough() {
        let template = template();
        assert_eq!(template["Resources"].as_object().unwrap().len(), 200);
        assert!(template.to_string().len() <= 51_200, "{}", template.to_string().len());
    }
}
