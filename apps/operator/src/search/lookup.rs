//! The event history: LookupEvents, at the pace that AWS allows.

use super::{
    engine::{Body, Item, ProblemKind},
    pattern::Wildcard,
    query::Query,
};
use crate::aws::{Client, Error, elements};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{sync::mpsc::Sender, task::JoinSet, time::Instant};
use wire::ServiceName;

/// Calls a second that AWS answers, in each Region of an account.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>
pub const RATE_OF_AWS: f64 = 2.0;
/// Events in an answer, at most.
const PAGE: u32 = 50;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// Where.
    pub regions: Vec<String>,
    /// Calls a second in each Region.
    pub calls_per_second: f64,
}

/// The Regions of the account.
pub async fn regions(client: &Client) -> Result<Vec<String>, Error> {
    let answer = client.query(ServiceName::Ec2, "DescribeRegions", &[]).await?;
    let mut regions = elements(&answer, "regionName");
    regions.sort();
    Ok(regions)
}

/// Sends the management events of the last 90 days that may be meant, a file for each page: of all Regions as they answer, in
/// each the newest first. A Region that cannot be asked is sent as a file that is missing.
pub async fn in_history(client: &Client, lookup: &Lookup, query: &Query, items: &Sender<Item>) {
    let input = input(query);
    let pause = Duration::try_from_secs_f64(1.0 / lookup.calls_per_second).unwrap_or(Duration::ZERO);
    let mut tasks = JoinSet::new();
    for region in &lookup.regions {
        let (client, input, items) = (client.in_region(region), input.clone(), items.clone());
        tasks.spawn(async move { in_region(&client, input, pause, &items).await });
    }
    while tasks.join_next().await.is_some() {}
}

async fn in_region(client: &Client, mut input: Value, pause: Duration, items: &Sender<Item>) {
    let name = format!("LookupEvents in {}", client.region());
    let mut next = Instant::now();
    loop {
        tokio::time::sleep_until(next).await;
        next = Instant::now() + pause;
        let page = match client.json(ServiceName::CloudTrail, "LookupEvents", &input).await {
            Ok(page) => page,
            Err(error) => {
                let kind = match error.refused() {
                    Some(_) => ProblemKind::Refused,
                    None => ProblemKind::Unreadable,
                };
                let body = Body::Missing(kind, error.to_string());
                let _ = items.send(Item { name, body }).await;
                return;
            }
        };
        let events = page["Events"].as_array().into_iter().flatten();
        let records = events.filter_map(|event| event["CloudTrailEvent"].as_str());
        let text = records.fold(String::new(), |text, record| text + record + "\n");
        let body = Body::Bytes(text.into());
        if items
            .send(Item {
                name: name.clone(),
                body,
            })
            .await
            .is_err()
        {
            return;
        }
        match page["NextToken"].as_str() {
            // A service that gives the same page for ever would be asked for ever.
            Some(token) if input["NextToken"].as_str() == Some(token) => {
                let reason = format!("LookupEvents gives the token of the page it answers again: {token}");
                let body = Body::Missing(ProblemKind::Unreadable, reason);
                let _ = items.send(Item { name, body }).await;
                return;
            }
            Some(token) => input["NextToken"] = token.into(),
            None => return,
        }
    }
}

/// The call that leaves out most by itself: it takes one attribute.
fn input(query: &Query) -> Value {
    let mut input = json!({ "MaxResults": PAGE });
    if let Some(since) = query.since {
        input["StartTime"] = since.as_secs().into();
    }
    if let Some(until) = query.until {
        // A second later: the answer is looked at again, and none may be missing.
        input["EndTime"] = (until.as_secs() + 1).into();
    }
    let one = |list: &[Wildcard]| match list {
        [one] => one.literal().map(str::to_owned),
        _ => None,
    };
    let is_key = |text: &String| text.len() >= 16 && ["AKIA", "ASIA"].iter().any(|start| text.starts_with(start));
    let source = one(&query.sources).map(|source| match source.contains('.') {
        true => source,
        false => source + ".amazonaws.com",
    });
    let attributes = [
        ("AccessKeyId", one(&query.principals).filter(is_key)),
        ("EventName", one(&query.events)),
        ("EventSource", source),
        ("ReadOnly", query.read_only.map(|read_only| read_only.to_string())),
    ];
    if let Some((name, Some(value))) = attributes.into_iter().find(|(_, value)| value.is_some()) {
        input["LookupAttributes"] = json!([{"AttributeKey": name, "AttributeValue": value}]);
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_asks_for_what_leaves_out_most() {
        let wild = |text: &str| vec![Wildcard::new(text)];
        let attribute = |query: Query| {
            let input = input(&query);
            let of = |name: &str| {
                input["LookupAttributes"][0][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            format!("{}={}", of("AttributeKey"), of("AttributeValue"))
        };
        assert_eq!(
            attribute(Query {
                events: wild("GetObject"),
                ..Query::default()
            }),
            "EventName=GetObject"
        );
        assert_eq!(
            attribute(Query {
                events: wild("Get*"),
                ..Query::default()
            }),
            "="
        );
        assert_eq!(
            attribute(Query {
                events: wild("Get*"),
                sources: wild("kms"),
                ..Query::default()
            }),
            "EventSource=kms.amazonaws.com"
        );
        assert_eq!(
            attribute(Query {
                principals: wild("taro"),
                read_only: Some(true),
                ..Query::default()
            }),
            "ReadOnly=true"
        );
        let key = wild("AKIAIOSFODNN7EXAMPLE");
        assert_eq!(
            attribute(Query {
                principals: key,
                ..Query::default()
            }),
            "AccessKeyId=AKIAIOSFODNN7EXAMPLE"
        );
    }
}
