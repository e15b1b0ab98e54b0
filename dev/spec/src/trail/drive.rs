//! A sequence against the real binary.

use super::{
    audit,
    generate::{self, Act, Change, Door, KeyState, Step},
    model::{AWAY, DATA, HOME, Kind, Model, NAMES, Outcomes, Selectors, Trail},
};
use crate::choices::Choices;
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{
    Client, Reply, Server,
    setup::{ACCOUNT, trail_bucket_policy, trail_key_policy},
};

/// Longer than the default ones, for less to sign and to read.
const INTERVALS: &[&str] = &["--rehearsal", "--delivery-interval", "10m", "--digest-interval", "2h"];

/// A server and what its trails must do.
pub struct Run {
    server: Server,
    client: Client,
    key: String,
    pub(super) model: Model,
    pub(super) outcomes: Outcomes,
}

/// A bucket of a trail.
pub fn bucket(name: usize, which: usize) -> String {
    format!(
        "{}-{}",
        NAMES.get(name).unwrap_or(&"none"),
        if which == 0 { "a" } else { "b" }
    )
}

fn arn(name: usize) -> String {
    format!(
        "arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/{}",
        NAMES.get(name).unwrap_or(&"none")
    )
}

/// Runs a sequence and audits what came of it. An error says what was done, step by step.
pub async fn run(seed: u64, steps: usize) -> Result<Outcomes> {
    let server = Server::start(INTERVALS)?;
    let client = server.client()?;
    let key = client.create_key(Some(&trail_key_policy())).await?;
    let mut run = Run {
        server,
        client,
        key,
        model: Model::default(),
        outcomes: Outcomes::new(),
    };
    run.client.create_bucket(DATA).await?;
    for (name, which) in run.buckets() {
        run.client.create_bucket(&bucket(name, which)).await?;
        run.door(name, which, Door::Open).await?;
    }
    let mut choices = Choices::seeded(seed);
    let mut done = Vec::new();
    let said = |done: &[String]| format!("seed {seed}, step {}:\n{}", done.len(), done.join("\n"));
    for _ in 0..steps {
        let step = generate::step(&mut choices, &run.model);
        done.push(format!("{step:?}"));
        run.step(step).await.with_context(|| said(&done))?;
    }
    run.end().await.with_context(|| said(&done))?;
    run.server.assert_calm()?;
    Ok(run.outcomes)
}

const MANAGED: Kind = Kind {
    management: true,
    read_only: false,
    kms: false,
};

impl Run {
    fn buckets(&self) -> Vec<(usize, usize)> {
        (0..NAMES.len())
            .flat_map(|name| [0, 1].map(|which| (name, which)))
            .collect()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn count(&mut self, what: impl Into<String>) {
        *self.outcomes.entry(what.into()).or_default() += 1;
    }

    /// A call was answered: the model hears of it, after what it changed.
    fn note(&mut self, reply: &Reply, name: &str, kind: Kind, region: &str) -> Result<()> {
        let id = reply.request_id().context("no request id")?.to_owned();
        self.model.call(&(id, name.to_owned()), kind, region);
        let outcome = reply.code().unwrap_or_else(|| "done".to_owned());
        self.count(format!("{name}: {outcome}"));
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Act(act, away) => self.act(act, away).await,
            Step::Create {
                name,
                multi_region,
                validation,
                key,
                recursive,
                bucket: which,
            } => {
                let mut input = json!({"Name": NAMES.get(name), "S3BucketName": bucket(name, which),
                    "IsMultiRegionTrail": multi_region, "EnableLogFileValidation": validation, "RecursiveLogging": recursive});
                if key && let Some(members) = input.as_object_mut() {
                    members.insert("KmsKeyId".to_owned(), Value::from(self.key.as_str()));
                }
                let reply = self.client.json("cloudtrail", "CreateTrail", &input).await?;
                if reply.status == 200 {
                    self.model.set(
                        name,
                        Trail {
                            multi_region,
                            ..Trail::default()
                        },
                    );
                    self.model.named(name).ever_unproven |= !validation;
                }
                self.note(&reply, "CreateTrail", MANAGED, HOME)
            }
            Step::Update(name, change) => self.update(name, change).await,
            Step::Select(name, selectors) => {
                let input = json!({"TrailName": NAMES.get(name), "EventSelectors": [shape(name, selectors)]});
                let reply = self
                    .client
                    .json("cloudtrail", "PutEventSelectors", &input)
                    .await?
                    .ok()?;
                if let Some(trail) = self.model.trail(name) {
                    self.model.set(name, Trail { selectors, ..trail });
                }
                self.note(&reply, "PutEventSelectors", MANAGED, HOME)
            }
            Step::Start(name) => {
                let reply = self.named("StartLogging", name).await?;
                if let Some(trail) = self.model.trail(name) {
                    self.model.set(name, Trail { logging: true, ..trail });
                }
                self.note(&reply, "StartLogging", MANAGED, HOME)
            }
            Step::Stop(name) => {
                let reply = self.named("StopLogging", name).await?;
                if let Some(trail) = self.model.trail(name) {
                    // The call that stops a trail is the last that it selects.
                    let id = reply.request_id().context("no request id")?.to_owned();
                    let call = (id, "StopLogging".to_owned());
                    self.model.select(name, trail, &call, MANAGED, HOME);
                    self.model.set(
                        name,
                        Trail {
                            logging: false,
                            ..trail
                        },
                    );
                }
                self.note(&reply, "StopLogging", MANAGED, HOME)
            }
            Step::Delete(name) => {
                let reply = self.named("DeleteTrail", name).await?;
                self.model.named(name).trail = None;
                self.note(&reply, "DeleteTrail", MANAGED, HOME)
            }
            Step::Door(name, which, door) => self.door(name, which, door).await,
            Step::Key(state) => self.key(state).await,
            Step::Advance { minutes } => self.advance(minutes).await,
            Step::Kill => {
                self.server.kill9()?;
                self.server.launch()?;
                self.client = self.server.client()?;
                self.count("killed");
                Ok(())
            }
            Step::Restart => {
                self.server.restart()?;
                self.client = self.server.client()?;
                Ok(())
            }
        }
    }

    async fn named(&self, operation: &str, name: usize) -> Result<Reply> {
        let input = json!({"Name": NAMES.get(name)});
        self.client.json("cloudtrail", operation, &input).await?.ok()
    }

    async fn update(&mut self, name: usize, change: Change) -> Result<()> {
        let mut input = json!({"Name": NAMES.get(name)});
        let (member, value) = match change {
            Change::Validation(on) => ("EnableLogFileValidation", Value::from(on)),
            Change::MultiRegion(on) => ("IsMultiRegionTrail", Value::from(on)),
            Change::Bucket(which) => ("S3BucketName", Value::from(bucket(name, which))),
            Change::Key(on) => ("KmsKeyId", Value::from(if on { self.key.as_str() } else { "" })),
        };
        if let Some(members) = input.as_object_mut() {
            members.insert(member.to_owned(), value);
        }
        let reply = self.client.json("cloudtrail", "UpdateTrail", &input).await?;
        if reply.status == 200
            && let Some(trail) = self.model.trail(name)
        {
            if let Change::MultiRegion(multi_region) = change {
                self.model.set(name, Trail { multi_region, ..trail });
            }
            self.model.named(name).ever_unproven |= matches!(change, Change::Validation(false));
        }
        self.note(&reply, "UpdateTrail", MANAGED, HOME)
    }

    async fn act(&mut self, act: Act, away: bool) -> Result<()> {
        let client = self.client.in_region(if away { AWAY } else { HOME });
        let region = if away { AWAY } else { HOME };
        let (service, operation, read_only) = match act {
            Act::ListKeys => ("kms", "ListKeys", true),
            Act::CreateKey => ("kms", "CreateKey", false),
            Act::DescribeTrails => ("cloudtrail", "DescribeTrails", true),
            Act::GetBucketPolicy | Act::PutBucketTagging | Act::PutObject | Act::GetObject => {
                return self.act_on_bucket(act).await;
            }
        };
        let reply = client.json(service, operation, &json!({})).await?.ok()?;
        let kind = Kind {
            management: true,
            read_only,
            kms: service == "kms",
        };
        self.note(&reply, operation, kind, region)
    }

    async fn act_on_bucket(&mut self, act: Act) -> Result<()> {
        let tags = "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>";
        let (method, path, body, name) = match act {
            Act::GetBucketPolicy => (Method::GET, format!("/{DATA}?policy"), "", "GetBucketPolicy"),
            Act::PutBucketTagging => (Method::PUT, format!("/{DATA}?tagging"), tags, "PutBucketTagging"),
            Act::PutObject => (Method::PUT, format!("/{DATA}/object"), "content", "PutObject"),
            _ => (Method::GET, format!("/{DATA}/object"), "", "GetObject"),
        };
        let kind = Kind {
            management: path.contains('?'),
            read_only: method == Method::GET,
            kms: false,
        };
        let reply = self
            .client
            .s3(method, &path, &[], Bytes::from_static(body.as_bytes()))
            .await?;
        self.note(&reply, name, kind, HOME)
    }

    async fn door(&mut self, name: usize, which: usize, door: Door) -> Result<()> {
        let bucket = bucket(name, which);
        let mut policy = trail_bucket_policy(&bucket);
        let start = format!("arn:aws:s3:::{bucket}/AWSLogs/{ACCOUNT}");
        let closed = match door {
            Door::Open => None,
            Door::Closed => Some(format!("arn:aws:s3:::{bucket}/*")),
            Door::NoLogs => Some(format!("{start}/CloudTrail/*")),
            Door::NoLogsOfAway => Some(format!("{start}/CloudTrail/{AWAY}/*")),
            Door::NoDigests => Some(format!("{start}/CloudTrail-Digest/*")),
        };
        if let (Some(resource), Some(Value::Array(statements))) = (closed, policy.get_mut("Statement")) {
            let service = json!({"Service": "cloudtrail.amazonaws.com"});
            statements
                .push(json!({"Effect": "Deny", "Principal": service, "Action": "s3:PutObject", "Resource": resource}));
        }
        let reply = self.client.put_bucket_policy(&bucket, &policy).await?.ok()?;
        self.note(&reply, "PutBucketPolicy", MANAGED, HOME)
    }

    async fn key(&mut self, state: KeyState) -> Result<()> {
        let mut policy = trail_key_policy();
        if state == KeyState::Refusing
            && let Some(Value::Array(statements)) = policy.get_mut("Statement")
        {
            statements.truncate(1);
        }
        let able = if state == KeyState::Disabled {
            "DisableKey"
        } else {
            "EnableKey"
        };
        let key = Value::from(self.key.as_str());
        let kind = Kind { kms: true, ..MANAGED };
        for (operation, input) in [
            (able, json!({"KeyId": key})),
            (
                "PutKeyPolicy",
                json!({"KeyId": key, "PolicyName": "default", "Policy": policy.to_string()}),
            ),
        ] {
            let reply = self.client.json("kms", operation, &input).await?.ok()?;
            self.note(&reply, operation, kind, HOME)?;
        }
        Ok(())
    }

    async fn advance(&mut self, minutes: u64) -> Result<()> {
        let input = json!({"Seconds": minutes * 60});
        self.client.json("shoseki", "AdvanceClock", &input).await?.ok()?;
        Ok(())
    }

    /// Everything is put right, trails catch up, a quiet hour passes, trails are deleted; then all that lies in the buckets
    /// is held against the model.
    async fn end(&mut self) -> Result<()> {
        for (name, which) in self.buckets() {
            self.door(name, which, Door::Open).await?;
        }
        self.key(KeyState::Usable).await?;
        self.advance(135).await?;
        self.all_is_well().await?;
        self.quiet_hour().await?;
        for name in 0..NAMES.len() {
            if self.model.trail(name).is_some() {
                self.step(Step::Delete(name)).await?;
            }
        }
        self.advance(6 * 60).await?;
        for name in 0..NAMES.len() {
            audit::audit(self, name)
                .await
                .with_context(|| format!("what trail {} left", NAMES.get(name).unwrap_or(&"none")))?;
        }
        Ok(())
    }

    /// No trail has an error left.
    async fn all_is_well(&mut self) -> Result<()> {
        for name in 0..NAMES.len() {
            let Some(trail) = self.model.trail(name) else { continue };
            for region in [HOME, AWAY] {
                if region == AWAY && !trail.multi_region {
                    continue;
                }
                let input = json!({"Name": arn(name)});
                let client = self.client.in_region(region);
                let reply = client.json("cloudtrail", "GetTrailStatus", &input).await?.ok()?;
                let kind = Kind {
                    read_only: true,
                    ..MANAGED
                };
                self.note(&reply, "GetTrailStatus", kind, region)?;
                let status = reply.json()?;
                ensure!(
                    status.get("IsLogging") == Some(&Value::from(trail.logging)),
                    "{} in {region}: {status}",
                    arn(name)
                );
                for error in ["LatestDeliveryError", "LatestDigestDeliveryError"] {
                    ensure!(status.get(error).is_none(), "{} in {region}: {status}", arn(name));
                }
            }
        }
        Ok(())
    }

    /// With no caller, a trail makes at most one log file for each Region and interval, also one that logs its own bucket
    /// and key.
    async fn quiet_hour(&mut self) -> Result<()> {
        let before = self.files().await?;
        self.advance(60).await?;
        let mut seen = BTreeSet::new();
        for file in self.files().await?.difference(&before) {
            // `…/ACCOUNT_CloudTrail_REGION_TIME_SUFFIX.json.gz`
            let Some((place, _)) = file.rsplit_once('_') else {
                bail!("`{file}` has no suffix");
            };
            ensure!(
                seen.insert(place.to_owned()),
                "two files of one Region and interval: `{file}`"
            );
            self.count("file of a quiet hour");
        }
        Ok(())
    }

    /// Every log file: bucket and key.
    async fn files(&self) -> Result<BTreeSet<String>> {
        let mut files = BTreeSet::new();
        for (name, which) in self.buckets() {
            let bucket = bucket(name, which);
            let keys = self
                .client
                .list_keys(&bucket, &format!("AWSLogs/{ACCOUNT}/CloudTrail/"))
                .await?;
            files.extend(keys.into_iter().map(|key| format!("{bucket}/{key}")));
        }
        Ok(files)
    }
}

/// An event selector as PutEventSelectors takes it.
fn shape(name: usize, selectors: Selectors) -> Value {
    let values: Vec<String> = [DATA.to_owned(), bucket(name, 0), bucket(name, 1)]
        .iter()
        .map(|bucket| format!("arn:aws:s3:::{bucket}/"))
        .collect();
    let data = json!([{"Type": "AWS::S3::Object", "Values": values}]);
    match selectors {
        Selectors::Management => json!({"ReadWriteType": "All", "IncludeManagementEvents": true}),
        Selectors::Reads => json!({"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}),
        Selectors::Writes => json!({"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}),
        Selectors::WithoutKms => json!({"ReadWriteType": "All", "IncludeManagementEvents": true,
            "ExcludeManagementEventSources": ["kms.amazonaws.com"]}),
        Selectors::Data => {
            json!({"ReadWriteType": "All", "IncludeManagementEvents": false, "DataResources": data})
        }
        Selectors::Everything => json!({"ReadWriteType": "All", "IncludeManagementEvents": true,
            "DataResources": data}),
    }
}
