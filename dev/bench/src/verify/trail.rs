//! A trail of the bench's own: log files of a realistic size, digests signed by a key of its own, and an endpoint in memory.

use anyhow::{Context, Result, anyhow};
use base::{AccountId, Region, Timestamp};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use record::{
    DigestFile, DigestKind, DigestedLogFile, Gzip, LogFileKind, SigningKey, digest_key, log_file_key, sha256_hex,
};
use serde_json::json;
use std::{collections::BTreeMap, convert::Infallible, fmt::Write, path::Path, sync::Arc, sync::mpsc, time::Duration};
use tokio::net::TcpListener;

pub(super) const BUCKET: &str = "bench-trail";
pub(super) const TRAIL_ARN: &str = "arn:aws:cloudtrail:us-east-1:000000000000:trail/bench";
/// Bytes of a log file, inflated: as the 90 MB in 50 files.
const LOG_BYTES: usize = 1_800_000;
/// Log files that differ; the trail repeats them under keys of their own.
const DISTINCT: usize = 48;
const LOGS_PER_HOUR: usize = 60;

/// An object and its user metadata.
struct Object {
    body: Bytes,
    metadata: Vec<(String, String)>,
}

/// The trail.
pub(super) struct Trail {
    objects: BTreeMap<String, Object>,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) logs: usize,
    pub(super) inflated: u64,
    public_keys: String,
}

impl Trail {
    pub(super) fn make(hours: usize) -> Result<Trail> {
        let (key, mut gzip) = (SigningKey::generate()?, Gzip::new());
        let mut files = Vec::new();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..DISTINCT {
            let content = content(&mut random);
            files.push((
                sha256_hex(&content),
                Bytes::from(gzip.compress(&content)?),
                content.len() as u64,
            ));
        }
        let start = Timestamp::from_secs(1_790_000_000);
        let region = Region::us_east_1();
        let (mut objects, mut inflated, mut previous) = (BTreeMap::new(), 0, None::<(String, String, String)>);
        for hour in 0..hours {
            let from = start.plus(Duration::from_secs(3600 * hour as u64));
            let to = from.plus(Duration::from_secs(3600));
            let mut logs = Vec::new();
            for number in 0..LOGS_PER_HOUR {
                let at = hour * LOGS_PER_HOUR + number;
                let (sha256, body, length) = files.get(at % DISTINCT).context("no file")?;
                let delivered = from.plus(Duration::from_secs(60 * number as u64));
                let unique = format!("{at:016}");
                let log = log_file_key(
                    None,
                    None,
                    AccountId::FIRST,
                    &region,
                    LogFileKind::CloudTrail,
                    delivered,
                    &unique,
                );
                logs.push(DigestedLogFile::new(
                    BUCKET,
                    &log,
                    sha256,
                    Some(delivered),
                    Some(delivered),
                ));
                inflated += length;
                let object = Object {
                    body: body.clone(),
                    metadata: Vec::new(),
                };
                objects.insert(log, object);
            }
            let place = digest_key(
                None,
                None,
                AccountId::FIRST,
                &region,
                "bench",
                &region,
                to,
                DigestKind::Standard,
            );
            let fingerprint = key.public_key().fingerprint().to_owned();
            let digest = DigestFile::new(AccountId::FIRST, (from, to), (BUCKET, &place), &fingerprint, logs);
            let digest = match &previous {
                Some((key, sha256, signature)) => digest.after((BUCKET, key), sha256, signature),
                None => digest,
            };
            let json = digest.to_json();
            let sha256 = sha256_hex(&json);
            let signature = key.sign(&record::string_to_sign(&digest, &sha256))?;
            let metadata = vec![
                ("signature".to_owned(), signature.clone()),
                ("signature-algorithm".to_owned(), "SHA256withRSA".to_owned()),
            ];
            let body = Bytes::from(gzip.compress(&json)?);
            objects.insert(place.clone(), Object { body, metadata });
            previous = Some((place, sha256, signature));
        }
        let public_keys = json!({"PublicKeyList": [{
            "Fingerprint": key.public_key().fingerprint(),
            "Value": STANDARD.encode(key.public_key().as_der()),
            "ValidityStartTime": start.as_secs() - 86_400,
            "ValidityEndTime": start.as_secs() + 30 * 86_400,
        }]});
        Ok(Trail {
            objects,
            start,
            end: start.plus(Duration::from_secs(3600 * hours as u64)),
            logs: hours * LOGS_PER_HOUR,
            inflated,
            public_keys: public_keys.to_string(),
        })
    }

    /// Writes the files by their keys, with their metadata beside them, and the public keys.
    pub(super) fn write(&self, folder: &Path, public_keys: &Path) -> Result<()> {
        for (key, object) in &self.objects {
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().context("no folder")?)?;
            std::fs::write(&path, &object.body)?;
            if !object.metadata.is_empty() {
                let metadata: BTreeMap<_, _> = object.metadata.iter().cloned().collect();
                std::fs::write(
                    folder.join(format!("{key}.metadata.json")),
                    serde_json::to_string(&metadata)?,
                )?;
            }
        }
        std::fs::write(public_keys, &self.public_keys)?;
        Ok(())
    }

    /// The log files' bytes.
    pub(super) fn log_files(&self) -> impl Iterator<Item = &Bytes> {
        let logs = self.objects.values().filter(|object| object.metadata.is_empty());
        logs.map(|object| &object.body)
    }

    /// Answers for S3 and CloudTrail on a thread of its own, until the process ends.
    pub(super) fn serve(self: &Arc<Self>) -> Result<String> {
        let trail = Arc::clone(self);
        let (ready, is_ready) = mpsc::sync_channel(1);
        std::thread::Builder::new().name("endpoint".to_owned()).spawn(move || {
            let done = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let done = done.map_err(|fault| anyhow!(fault)).and_then(|runtime| {
                runtime.block_on(async {
                    let listener = TcpListener::bind("127.0.0.1:0").await?;
                    let _ = ready.send(format!("http://{}", listener.local_addr()?));
                    loop {
                        let (stream, _) = listener.accept().await?;
                        stream.set_nodelay(true)?;
                        let trail = Arc::clone(&trail);
                        let answer = service_fn(move |request| {
                            let answer = trail.answer(&request);
                            async move { Ok::<_, Infallible>(answer) }
                        });
                        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
                    }
                })
            });
            let _: Result<()> = done;
        })?;
        is_ready.recv().context("the endpoint did not start")
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok());
        match target {
            Some(target) if target.ends_with("ListPublicKeys") => return plain(self.public_keys.clone()),
            Some(_) => {
                let trail = json!({"TrailARN": TRAIL_ARN, "Name": "bench", "S3BucketName": BUCKET});
                return plain(json!({"trailList": [trail]}).to_string());
            }
            None => {}
        }
        let query = request.uri().query().unwrap_or_default();
        let key = request
            .uri()
            .path()
            .trim_start_matches('/')
            .strip_prefix(BUCKET)
            .unwrap_or_default();
        let key = key.trim_start_matches('/');
        if key.is_empty() {
            return match query.contains("location") {
                true => plain("<LocationConstraint></LocationConstraint>".to_owned()),
                false => self.list(query),
            };
        }
        let Some(object) = self.objects.get(key) else {
            let mut answer = plain("<Error><Code>NoSuchKey</Code><Message>none</Message></Error>".to_owned());
            *answer.status_mut() = http::StatusCode::NOT_FOUND;
            return answer;
        };
        let mut answer = Response::builder().header("etag", "\"0\"");
        for (name, value) in &object.metadata {
            answer = answer.header(format!("x-amz-meta-{name}"), value);
        }
        answer.body(Full::new(object.body.clone())).unwrap_or_default()
    }

    /// A page of a thousand keys, or the folders below a prefix.
    fn list(&self, query: &str) -> Response<Full<Bytes>> {
        let value = |wanted: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value);
            found.unwrap_or_default().replace("%2F", "/").replace("%2f", "/")
        };
        let prefix = value("prefix");
        let after = ["marker", "start-after", "continuation-token"]
            .map(value)
            .into_iter()
            .max()
            .unwrap_or_default();
        let mut text = String::from("<ListBucketResult>");
        let under = self
            .objects
            .range(prefix.clone()..)
            .take_while(|(key, _)| key.starts_with(&prefix));
        if value("delimiter").is_empty() {
            let mut rest = under.filter(|(key, _)| **key > after);
            let page: Vec<_> = rest.by_ref().take(1000).collect();
            for (key, object) in &page {
                let length = object.body.len();
                let _ = write!(
                    text,
                    "<Contents><Key>{key}</Key><ETag>\"0\"</ETag><Size>{length}</Size></Contents>"
                );
            }
            let more = rest.next().is_some();
            let _ = write!(text, "<IsTruncated>{more}</IsTruncated>");
            if let Some((last, _)) = page.last().filter(|_| more) {
                let _ = write!(text, "<NextContinuationToken>{last}</NextContinuationToken>");
            }
        } else {
            let mut folders: Vec<&str> = under
                .filter_map(|(key, _)| key.get(prefix.len()..)?.split_once('/').map(|(folder, _)| folder))
                .collect();
            folders.dedup();
            for folder in folders {
                let _ = write!(
                    text,
                    "<CommonPrefixes><Prefix>{prefix}{folder}/</Prefix></CommonPrefixes>"
                );
            }
        }
        text.push_str("</ListBucketResult>");
        plain(text)
    }
}

fn plain(text: String) -> Response<Full<Bytes>> {
    Response::new(Full::new(text.into()))
}

/// Records as they are, with what differs from call to call.
fn content(random: &mut u64) -> Vec<u8> {
    let mut next = || {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random
    };
    let mut text = String::from("{\"Records\":[");
    while text.len() < LOG_BYTES {
        let (a, b, c) = (next(), next(), next());
        let comma = if text.ends_with('[') { "" } else { "," };
        let user = a % 40;
        let record = json!({
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "principalId": format!("AIDA{user:016}"), "accountId": "000000000000",
                "arn": format!("arn:aws:iam::000000000000:user/user-{user}"), "accessKeyId": format!("AKIA{user:016}"),
                "userName": format!("user-{user}")},
            "eventTime": format!("2026-09-21T{:02}:{:02}:{:02}Z", b % 24, b / 24 % 60, b / 1440 % 60),
            "eventSource": "kms.amazonaws.com", "eventName": if c % 3 == 0 { "GenerateDataKey" } else { "Decrypt" },
            "awsRegion": "us-east-1", "sourceIPAddress": format!("10.1.{}.{}", a % 4, b % 200),
            "userAgent": "aws-cli/1.46.3 md/Botocore#1.44.5 ua/2.1 os/linux lang/python#3.11.7",
            "requestParameters": {"encryptionContext": {"aws:s3:arn": format!("arn:aws:s3:::documents/folder-{}/file-{c}", a % 90)}},
            "responseElements": null, "requestID": format!("{:08x}-{:04x}-4aaa-8aaa-{:012x}", a as u32, b as u16, c >> 16),
            "eventID": format!("{:08x}-{:04x}-4bbb-9bbb-{:012x}", c as u32, a as u16, b >> 16), "readOnly": true,
            "resources": [{"accountId": "000000000000", "type": "AWS::KMS::Key",
                "ARN": format!("arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-{:012}", a % 7)}],
            "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "000000000000",
            "eventCategory": "Management",
        });
        let _ = write!(text, "{comma}{record}");
    }
    text.push_str("]}");
    text.into_bytes()
}
