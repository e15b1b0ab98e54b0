//! A sequence against the real binary.

use super::{
    generate::{self, BUCKETS, Step},
    lifecycle::{Expiration, Rule, UNTOLD},
    listing::{Entry, Listing},
    model::{Answer, Bucket, Condition, Item, Model, Operation, Retention, UploadAt, Versioning},
};
use crate::choices::Choices;
use anyhow::{Context, Result, ensure};
use base::{Clock, Timestamp};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use testkit::{Client, Reply, Server};

const DAY: u64 = 86_400;

/// A server and what it must be like.
struct Run {
    server: Server,
    client: Client,
    model: Model,
    outcomes: Outcomes,
    /// Domain time minus real time when the sequence began.
    offset: Duration,
}

/// How often each operation ended how.
pub type Outcomes = BTreeMap<String, u64>;

/// Runs a sequence. The error of a disagreement says what was done, step by step.
pub async fn run(seed: u64, steps: usize) -> Result<Outcomes> {
    let server = Server::start(&["--rehearsal"])?;
    let mut run = Run {
        client: server.client()?,
        server,
        model: Model::default(),
        outcomes: Outcomes::new(),
        offset: Duration::ZERO,
    };
    run.begin_at_noon().await?;
    let mut choices = Choices::seeded(seed);
    let mut done = Vec::new();
    for _ in 0..steps {
        let step = generate::step(&mut choices, &run.model);
        done.push(shown(&step));
        run.step(&step)
            .await
            .with_context(|| format!("seed {seed}, step {}:\n{}", done.len(), done.join("\n")))?;
    }
    run.look(&Listing {
        max_keys: 3,
        ..Listing::default()
    })
    .await
    .with_context(|| format!("seed {seed}, at the end:\n{}", done.join("\n")))?;
    run.server.assert_calm()?;
    Ok(run.outcomes)
}

/// An answer without most of its bytes.
fn cut(answer: &Answer) -> String {
    format!("{answer:?}").chars().take(2000).collect()
}

/// A step without its bytes.
fn shown(step: &Step) -> String {
    match step {
        Step::Do(
            bucket,
            Operation::Put {
                key,
                body,
                condition,
                retention,
            },
        ) => {
            format!(
                "{bucket}: Put {key:?}, {} bytes, {condition:?}, {retention:?}",
                body.len()
            )
        }
        Step::Do(bucket, Operation::Part { upload, number, body }) => {
            format!("{bucket}: Part {number} of {upload:?}, {} bytes", body.len())
        }
        Step::Do(bucket, operation) => format!("{bucket}: {operation:?}"),
        other => format!("{other:?}"),
    }
}

impl Run {
    /// So that no midnight comes by itself.
    async fn begin_at_noon(&mut self) -> Result<()> {
        let day = i64::try_from(DAY)?;
        let to_noon = 1 + (day + day / 2 - Clock::system().real_now().as_secs().rem_euclid(day)) % day;
        self.offset = Duration::from_secs(u64::try_from(to_noon)?);
        self.advance(self.offset).await
    }

    async fn advance(&self, span: Duration) -> Result<()> {
        let input = json!({"Seconds": span.as_secs()});
        self.client.json("shoseki", "AdvanceClock", &input).await?.ok()?;
        Ok(())
    }

    /// Days pass; what ends by rules must be what ends in the model.
    async fn days_pass(&mut self, days: u64) -> Result<()> {
        self.advance(Duration::from_secs(days * DAY)).await?;
        for outcome in self.model.advance(days) {
            *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
        }
        let all = Listing {
            max_keys: 1000,
            ..Listing::default()
        };
        for bucket in BUCKETS {
            let known = self.model.buckets.get(bucket);
            let has_untold = known.is_some_and(|known| known.keys.values().flatten().any(|one| one.id == UNTOLD));
            if !has_untold {
                continue;
            }
            for entry in self.versions(bucket, &all).await? {
                if let Entry::Version {
                    key,
                    id,
                    latest: true,
                    object: None,
                } = entry
                {
                    self.model.learn(bucket, &key, &id);
                }
            }
        }
        self.look(&all).await
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Do(bucket, operation) => {
                let answer = self.send(bucket, operation).await?;
                let expected = self.model.apply(bucket, operation, &answer);
                for answer in std::iter::once(&answer).chain(&answer.parts) {
                    let outcome = format!("{} {} {}", operation.name(), answer.status, answer.code);
                    *self.outcomes.entry(outcome.trim().to_owned()).or_default() += 1;
                }
                ensure!(
                    answer == expected,
                    "the server answered\n{}\nand should have answered\n{}",
                    cut(&answer),
                    cut(&expected)
                );
                Ok(())
            }
            Step::Kill => {
                self.server.kill9()?;
                self.server.launch()?;
                self.client = self.server.client()?;
                Ok(())
            }
            Step::Restart => {
                self.server.restart()?;
                self.client = self.server.client()?;
                Ok(())
            }
            Step::Advance { days } => self.days_pass(*days).await,
            Step::Look(listing) => self.look(listing).await,
        }
    }

    async fn send(&self, bucket: &str, operation: &Operation) -> Result<Answer> {
        let at = |item: &Item, sub: &str| path(bucket, &item.key, sub, item.version.as_deref());
        let call = async |method: Method, path: String, headers: &[(&str, &str)], body: Vec<u8>| {
            self.client.s3(method, &path, headers, Bytes::from(body)).await
        };
        let reply = match operation {
            Operation::CreateBucket { lock } => {
                let headers = [("x-amz-bucket-object-lock-enabled", if *lock { "true" } else { "false" })];
                call(Method::PUT, format!("/{bucket}"), &headers, Vec::new()).await?
            }
            Operation::DeleteBucket => call(Method::DELETE, format!("/{bucket}"), &[], Vec::new()).await?,
            Operation::PutVersioning { enabled } => {
                let status = if *enabled { "Enabled" } else { "Suspended" };
                let body = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
                call(Method::PUT, format!("/{bucket}?versioning"), &[], body.into()).await?
            }
            Operation::PutLifecycle { rules } if rules.is_empty() => {
                call(Method::DELETE, format!("/{bucket}?lifecycle"), &[], Vec::new()).await?
            }
            Operation::PutLifecycle { rules } => {
                let body = lifecycle(rules);
                let sum = md5(body.as_bytes());
                let headers = [("content-md5", sum.as_str())];
                call(Method::PUT, format!("/{bucket}?lifecycle"), &headers, body.into()).await?
            }
            Operation::Put {
                key,
                body,
                condition,
                retention,
            } => {
                let mut headers = conditional(condition);
                headers.push(("content-md5", md5(body)));
                if let Some(retention) = retention {
                    headers.push(("x-amz-object-lock-mode", mode(*retention).to_owned()));
                    headers.push(("x-amz-object-lock-retain-until-date", self.until(*retention)));
                }
                let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                call(Method::PUT, path(bucket, key, "", None), &headers, body.clone()).await?
            }
            Operation::Copy {
                key,
                from,
                source,
                changes,
            } => {
                let directive = if *changes { "REPLACE" } else { "COPY" };
                let source = path(from, &source.key, "", source.version.as_deref());
                let headers = [
                    ("x-amz-copy-source", source.as_str()),
                    ("x-amz-metadata-directive", directive),
                ];
                let reply = call(Method::PUT, path(bucket, key, "", None), &headers, Vec::new()).await?;
                let etag = reply.elements("ETag").into_iter().next();
                let source = reply.header("x-amz-copy-source-version-id").map(str::to_owned);
                return Ok(Answer {
                    etag: etag.filter(|_| reply.status.is_success()),
                    source,
                    ..answer(&reply)
                });
            }
            Operation::Get { key, version } => {
                let path = path(bucket, key, "", version.as_deref());
                let reply = call(Method::GET, path, &[], Vec::new()).await?;
                let mut answer = answer(&reply);
                if reply.status.is_success() {
                    answer.body = Some(reply.body.to_vec());
                }
                return Ok(answer);
            }
            Operation::Delete {
                item,
                condition,
                bypass,
            } => {
                let mut headers = conditional(condition);
                if *bypass {
                    headers.push(("x-amz-bypass-governance-retention", "true".to_owned()));
                }
                let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                call(Method::DELETE, at(item, ""), &headers, Vec::new()).await?
            }
            Operation::DeleteMany { items } => return self.delete_many(bucket, items).await,
            Operation::Retain {
                item,
                retention,
                bypass,
            } => {
                let body = format!(
                    "<Retention><Mode>{}</Mode><RetainUntilDate>{}</RetainUntilDate></Retention>",
                    mode(*retention),
                    self.until(*retention)
                );
                let sum = md5(body.as_bytes());
                let headers = [
                    ("content-md5", sum.as_str()),
                    (
                        "x-amz-bypass-governance-retention",
                        if *bypass { "true" } else { "false" },
                    ),
                ];
                call(Method::PUT, at(item, "retention"), &headers, body.into()).await?
            }
            Operation::Begin { key } => {
                let path = format!("/{bucket}/{}?uploads", encode(key));
                let reply = call(Method::POST, path, &[], Vec::new()).await?;
                let upload = reply.elements("UploadId").into_iter().next();
                return Ok(Answer {
                    upload,
                    ..answer(&reply)
                });
            }
            Operation::Part { upload, number, body } => {
                let path = format!("{}&partNumber={number}", upload_path(bucket, upload));
                call(Method::PUT, path, &[], body.clone()).await?
            }
            Operation::Complete {
                upload,
                parts,
                condition,
            } => {
                let one = |(number, tag): &(u32, String)| {
                    format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
                };
                let parts: String = parts.iter().map(one).collect();
                let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
                let headers = conditional(condition);
                let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let reply = call(Method::POST, upload_path(bucket, upload), &headers, body.into()).await?;
                let etag = reply.elements("ETag").into_iter().next();
                // An error of a part names the part's.
                let etag = etag.filter(|_| reply.status.is_success());
                return Ok(Answer { etag, ..answer(&reply) });
            }
            Operation::Abort { upload } => call(Method::DELETE, upload_path(bucket, upload), &[], Vec::new()).await?,
            Operation::Hold { item, on } => {
                let status = if *on { "ON" } else { "OFF" };
                let body = format!("<LegalHold><Status>{status}</Status></LegalHold>");
                let sum = md5(body.as_bytes());
                call(
                    Method::PUT,
                    at(item, "legal-hold"),
                    &[("content-md5", sum.as_str())],
                    body.into(),
                )
                .await?
            }
        };
        Ok(answer(&reply))
    }

    async fn delete_many(&self, bucket: &str, items: &[Item]) -> Result<Answer> {
        let one = |item: &Item| {
            let version = item.version.as_ref();
            let version = version.map_or(String::new(), |id| format!("<VersionId>{id}</VersionId>"));
            format!("<Object><Key>{}</Key>{version}</Object>", item.key)
        };
        let body = format!("<Delete>{}</Delete>", items.iter().map(one).collect::<String>());
        let sum = md5(body.as_bytes());
        let path = format!("/{bucket}?delete");
        let reply = self
            .client
            .s3(Method::POST, &path, &[("content-md5", sum.as_str())], body)
            .await?;
        let mut whole = answer(&reply);
        if !reply.status.is_success() {
            return Ok(whole);
        }
        let text = reply.text();
        let mut deleted: VecDeque<String> = inner(&text, &["Deleted"]).into_iter().map(|(_, text)| text).collect();
        let mut errors: VecDeque<String> = inner(&text, &["Error"]).into_iter().map(|(_, text)| text).collect();
        for item in items {
            let is_it = |text: &String| {
                field(text, "Key").as_deref() == Some(&item.key) && field(text, "VersionId") == item.version
            };
            let part = if deleted.front().is_some_and(is_it) {
                let text = deleted.pop_front().unwrap_or_default();
                let marker = field(&text, "DeleteMarker").is_some();
                let id = field(&text, "DeleteMarkerVersionId").or_else(|| field(&text, "VersionId"));
                Answer {
                    status: 204,
                    // Where the bucket never kept versions the id is only what was sent.
                    version: id.filter(|_| self.keeps_versions(bucket)),
                    marker,
                    ..Answer::default()
                }
            } else {
                let text = errors.pop_front().filter(is_it).context("an item was not answered")?;
                let code = field(&text, "Code").unwrap_or_default();
                Answer {
                    status: if code == "AccessDenied" { 403 } else { 404 },
                    code,
                    ..Answer::default()
                }
            };
            whole.parts.push(part);
        }
        ensure!(
            deleted.is_empty() && errors.is_empty(),
            "more was answered than asked: {text}"
        );
        Ok(whole)
    }

    fn keeps_versions(&self, bucket: &str) -> bool {
        let bucket = self.model.buckets.get(bucket);
        bucket.is_some_and(|bucket| bucket.versioning != Versioning::Off)
    }

    /// A day's beginning, counted from now, as a date of domain time.
    fn until(&self, retention: Retention) -> String {
        let days = Duration::from_secs(DAY * retention.until);
        let now: Timestamp = Clock::system().real_now();
        now.plus(self.offset).plus(days).iso8601()
    }

    /// Everything that can be listed, and every version's bytes.
    async fn look(&self, listing: &Listing) -> Result<()> {
        for bucket in BUCKETS {
            let Some(expected) = self.model.buckets.get(bucket) else {
                continue;
            };
            let found = self.objects(bucket, listing).await?;
            let objects = expected.objects(listing);
            ensure!(
                found == objects,
                "{bucket}, {listing:?}: the server lists\n{found:?}\nand should list\n{objects:?}"
            );
            let found = self.versions(bucket, listing).await?;
            let versions = expected.versions(listing);
            ensure!(
                found == versions,
                "{bucket}, {listing:?}: the server lists the versions\n{found:?}\nand should list\n{versions:?}"
            );
            self.read_all(bucket, expected).await?;
            self.look_at_uploads(bucket, expected).await?;
        }
        Ok(())
    }

    async fn read_all(&self, bucket: &str, expected: &Bucket) -> Result<()> {
        for (key, versions) in &expected.keys {
            for version in versions {
                let Some(object) = &version.object else { continue };
                let reply = self
                    .client
                    .get_object(&path(bucket, key, "", Some(&version.id)))
                    .await?
                    .ok()?;
                ensure!(
                    reply.body == object.body,
                    "{bucket}/{key} {} has other bytes",
                    version.id
                );
            }
        }
        Ok(())
    }

    async fn look_at_uploads(&self, bucket: &str, expected: &Bucket) -> Result<()> {
        let query = format!("/{bucket}?uploads");
        let reply = self.client.s3(Method::GET, &query, &[], Bytes::new()).await?.ok()?;
        let mut found: Vec<(String, String)> = inner(&reply.text(), &["Upload"])
            .into_iter()
            .map(|(_, text)| {
                let key = field(&text, "Key").unwrap_or_default();
                (key, field(&text, "UploadId").unwrap_or_default())
            })
            .collect();
        found.sort();
        let mut uploads: Vec<(String, String)> = expected
            .uploads
            .iter()
            .map(|(id, upload)| (upload.key.clone(), id.clone()))
            .collect();
        uploads.sort();
        ensure!(
            found == uploads,
            "{bucket}: the server has the uploads\n{found:?}\nand should have\n{uploads:?}"
        );
        for (id, upload) in &expected.uploads {
            let at = UploadAt {
                key: upload.key.clone(),
                id: id.clone(),
            };
            let path = upload_path(bucket, &at);
            let reply = self.client.s3(Method::GET, &path, &[], Bytes::new()).await?.ok()?;
            let number = |text: &str| field(text, "PartNumber").and_then(|number| number.parse::<u32>().ok());
            let found: Vec<_> = inner(&reply.text(), &["Part"])
                .into_iter()
                .map(|(_, text)| (number(&text), field(&text, "ETag"), size_of(&text)))
                .collect();
            let parts: Vec<_> = upload
                .parts
                .iter()
                .map(|(number, (tag, body))| (Some(*number), Some(tag.clone()), body.len()))
                .collect();
            ensure!(
                found == parts,
                "{bucket}, {at:?}: the server has the parts\n{found:?}\nand should have\n{parts:?}"
            );
        }
        Ok(())
    }

    async fn objects(&self, bucket: &str, listing: &Listing) -> Result<Vec<Entry>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let query = format!("/{bucket}?list-type=2{}{after}", parameters(listing));
            let reply = self.client.s3(Method::GET, &query, &[], Bytes::new()).await?.ok()?;
            let text = reply.text();
            // Keys and prefixes stand apart in the document, and are in one order in the bucket.
            let mut page: Vec<Entry> = inner(&text, &["Contents", "CommonPrefixes"])
                .into_iter()
                .map(|(_, text)| match field(&text, "Prefix") {
                    Some(prefix) => Entry::Prefix(prefix),
                    None => Entry::Object {
                        key: field(&text, "Key").unwrap_or_default(),
                        etag: field(&text, "ETag").unwrap_or_default(),
                        size: size_of(&text),
                    },
                })
                .collect();
            page.sort_by_key(|entry| name_of(entry).to_owned());
            let truncated = field(&text, "IsTruncated").as_deref() == Some("true");
            ensure!(
                page.len() == listing.max_keys || !truncated,
                "a page that is not the last has {} items: {text}",
                page.len()
            );
            all.extend(page);
            match field(&text, "NextContinuationToken") {
                Some(token) if truncated => after = format!("&continuation-token={}", encode(&token)),
                _ => return Ok(all),
            }
        }
    }

    async fn versions(&self, bucket: &str, listing: &Listing) -> Result<Vec<Entry>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let query = format!("/{bucket}?versions{}{after}", parameters(listing));
            let reply = self.client.s3(Method::GET, &query, &[], Bytes::new()).await?.ok()?;
            let text = reply.text();
            let mut page: Vec<Entry> = inner(&text, &["Version", "DeleteMarker", "CommonPrefixes"])
                .into_iter()
                .map(|(name, text)| match name {
                    "CommonPrefixes" => Entry::Prefix(field(&text, "Prefix").unwrap_or_default()),
                    _ => Entry::Version {
                        key: field(&text, "Key").unwrap_or_default(),
                        id: field(&text, "VersionId").unwrap_or_default(),
                        latest: field(&text, "IsLatest").as_deref() == Some("true"),
                        object: field(&text, "ETag").map(|etag| (etag, size_of(&text))),
                    },
                })
                .collect();
            page.sort_by_key(|entry| name_of(entry).to_owned());
            let truncated = field(&text, "IsTruncated").as_deref() == Some("true");
            ensure!(
                page.len() == listing.max_keys || !truncated,
                "a page that is not the last has {} items: {text}",
                page.len()
            );
            all.extend(page);
            match (truncated, field(&text, "NextKeyMarker")) {
                (true, Some(key)) => {
                    after = format!("&key-marker={}", encode(&key));
                    if let Some(version) = field(&text, "NextVersionIdMarker") {
                        after.push_str(&format!("&version-id-marker={version}"));
                    }
                }
                (true, None) => anyhow::bail!("a page says that there is more, and not where: {text}"),
                (false, _) => return Ok(all),
            }
        }
    }
}

fn lifecycle(rules: &[Rule]) -> String {
    let number = |name: &str, number: Option<u64>| match number {
        Some(number) => format!("<{name}>{number}</{name}>"),
        None => String::new(),
    };
    let one = |(place, rule): (usize, &Rule)| {
        let status = if rule.enabled { "Enabled" } else { "Disabled" };
        let expiration = rule.expiration.map(|ends| match ends {
            Expiration::Days(days) => format!("<Expiration><Days>{days}</Days></Expiration>"),
            Expiration::Marker => {
                "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>".to_owned()
            }
        });
        let noncurrent = rule.noncurrent.map(|ends| {
            let days = number("NoncurrentDays", Some(ends.days));
            let newer = number("NewerNoncurrentVersions", ends.newer.map(|newer| newer as u64));
            format!("<NoncurrentVersionExpiration>{days}{newer}</NoncurrentVersionExpiration>")
        });
        let abort = rule.abort.map(|days| {
            let days = number("DaysAfterInitiation", Some(days));
            format!("<AbortIncompleteMultipartUpload>{days}</AbortIncompleteMultipartUpload>")
        });
        format!(
            "<Rule><ID>{place}</ID><Filter><Prefix>{}</Prefix></Filter><Status>{status}</Status>{}{}{}</Rule>",
            rule.prefix,
            expiration.unwrap_or_default(),
            noncurrent.unwrap_or_default(),
            abort.unwrap_or_default()
        )
    };
    let rules: String = rules.iter().enumerate().map(one).collect();
    format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>")
}

fn name_of(entry: &Entry) -> &str {
    match entry {
        Entry::Prefix(name) | Entry::Object { key: name, .. } | Entry::Version { key: name, .. } => name,
    }
}

fn size_of(text: &str) -> usize {
    field(text, "Size")
        .and_then(|size| size.parse().ok())
        .unwrap_or(usize::MAX)
}

fn parameters(listing: &Listing) -> String {
    let delimiter = listing
        .delimiter
        .map_or(String::new(), |one| format!("&delimiter={one}"));
    format!(
        "&max-keys={}&prefix={}{delimiter}",
        listing.max_keys,
        encode(&listing.prefix)
    )
}

fn mode(retention: Retention) -> &'static str {
    if retention.compliance {
        "COMPLIANCE"
    } else {
        "GOVERNANCE"
    }
}

fn conditional(condition: &Condition) -> Vec<(&'static str, String)> {
    match condition {
        Condition::None => Vec::new(),
        Condition::Absent => vec![("if-none-match", "*".to_owned())],
        Condition::Match(tag) => vec![("if-match", tag.clone())],
    }
}

fn answer(reply: &Reply) -> Answer {
    let text = |name| reply.header(name).map(str::to_owned);
    Answer {
        status: reply.status.as_u16(),
        code: match reply.status.is_success() {
            true => String::new(),
            false => reply.code().unwrap_or_default(),
        },
        version: text("x-amz-version-id"),
        marker: reply.header("x-amz-delete-marker") == Some("true"),
        etag: text("etag"),
        ..Answer::default()
    }
}

fn upload_path(bucket: &str, upload: &UploadAt) -> String {
    format!("/{bucket}/{}?uploadId={}", encode(&upload.key), encode(&upload.id))
}

fn path(bucket: &str, key: &str, sub: &str, version: Option<&str>) -> String {
    let version = version.map(|id| format!("versionId={}", encode(id)));
    let query: Vec<String> = [(!sub.is_empty()).then(|| sub.to_owned()), version]
        .into_iter()
        .flatten()
        .collect();
    match query.is_empty() {
        true => format!("/{bucket}/{}", encode(key)),
        false => format!("/{bucket}/{}?{}", encode(key), query.join("&")),
    }
}

fn encode(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

fn md5(body: &[u8]) -> String {
    let mut md5 = sigv4::checksum::Md5::new();
    md5.update(body);
    testkit::setup::base64(&md5.finish())
}

/// The contents of all elements of these names, in the document's order. Enough of XML for what the server writes.
fn inner(xml: &str, names: &[&'static str]) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut rest = xml;
    loop {
        let next = names
            .iter()
            .filter_map(|name| rest.find(&format!("<{name}>")).map(|at| (at, *name)))
            .min();
        let Some((at, name)) = next else { return found };
        let start = at + name.len() + 2;
        let (_, after) = rest.split_at(start);
        let end = after.find(&format!("</{name}>")).unwrap_or(after.len());
        let (text, after) = after.split_at(end);
        found.push((name, text.to_owned()));
        rest = after;
    }
}

/// The text of the first element of this name.
fn field(xml: &str, name: &'static str) -> Option<String> {
    let (_, text) = inner(xml, &[name]).into_iter().next()?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Some(text.replace("&amp;", "&"))
}
