//! What else a Region has: recorders of AWS Config and event data stores.

use super::{
    ask::{self, Asker, together, when},
    trail::Seen,
};
use crate::aws::Service;
use crate::survey::{ConfigRecorder, EventDataStore, Fact, Missing, RegionFacts};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::ServiceName::CloudTrail;

/// What was seen of each Region, and what else it has.
pub(super) async fn facts(asker: &Asker, seen: &[Seen], full: bool) -> BTreeMap<String, RegionFacts> {
    let regions = seen.iter().map(|Seen { region, trails }| {
        let asker = asker.in_region(region);
        let trails = trails
            .as_ref()
            .map(|trails| trails.iter().map(|trail| trail.arn.clone()).collect());
        async move {
            let (config_recorders, event_data_stores) = tokio::join!(
                when(full, "config:DescribeConfigurationRecorders", recorders(&asker)),
                when(full, "cloudtrail:ListEventDataStores", stores(&asker)),
            );
            let facts = RegionFacts {
                trails,
                config_recorders,
                event_data_stores,
                alarms: Fact::NotAvailable(Missing::not_asked("cloudwatch:DescribeAlarms")),
            };
            (asker.region().to_owned(), facts)
        }
    });
    let regions: Vec<_> = regions.collect();
    together(regions).await.into_iter().collect()
}

async fn recorders(asker: &Asker) -> Result<Vec<ConfigRecorder>, Missing> {
    let input = json!({});
    let (recorders, states) = tokio::join!(
        asker.json(Service::CONFIG, "DescribeConfigurationRecorders", &input),
        asker.json(Service::CONFIG, "DescribeConfigurationRecorderStatus", &input),
    );
    let (recorders, states) = (recorders?, states.unwrap_or_default());
    let states = states["ConfigurationRecordersStatus"].as_array();
    let state_of = |name: &str| states?.iter().find(|state| state["name"] == *name);
    let recorder = |found: &Value| {
        let name = ask::text(&found["name"]).unwrap_or_default();
        let state = state_of(&name);
        let group = &found["recordingGroup"];
        ConfigRecorder {
            role: ask::text(&found["roleARN"]).unwrap_or_default(),
            all_supported: group["allSupported"] == true,
            global_resources: group["includeGlobalResourceTypes"] == true,
            recording: state.and_then(|state| state["recording"].as_bool()),
            last_status: state.and_then(|state| ask::text(&state["lastStatus"])),
            name,
        }
    };
    let found = recorders["ConfigurationRecorders"].as_array().into_iter().flatten();
    Ok(found.map(recorder).collect())
}

async fn stores(asker: &Asker) -> Result<Vec<EventDataStore>, Missing> {
    let tokens = ("NextToken", "NextToken");
    let listed = asker
        .json_list(CloudTrail, "ListEventDataStores", &json!({}), "EventDataStores", tokens)
        .await?;
    // The list has neither the key nor the Regions.
    let whole = together(listed.into_iter().filter_map(|listed| {
        let arn = ask::text(&listed["EventDataStoreArn"])?;
        let asker = asker.clone();
        Some(async move {
            let input = json!({ "EventDataStore": arn });
            asker.json(CloudTrail, "GetEventDataStore", &input).await
        })
    }));
    whole
        .await
        .into_iter()
        .map(|found| found.map(|found| store(&found)))
        .collect()
}

fn store(found: &Value) -> EventDataStore {
    let text = |name: &str| ask::text(&found[name]).unwrap_or_default();
    EventDataStore {
        arn: text("EventDataStoreArn"),
        name: text("Name"),
        status: text("Status"),
        kms_key: ask::text(&found["KmsKeyId"]),
        multi_region: found["MultiRegionEnabled"] == true,
        organization: found["OrganizationEnabled"] == true,
        termination_protection: found["TerminationProtectionEnabled"] == true,
        retention_days: ask::number(&found["RetentionPeriod"]),
    }
}
