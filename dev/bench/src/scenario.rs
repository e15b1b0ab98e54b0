//! The calls that are measured.

use crate::{generator::Cell, machine::ms, target::Target};
use anyhow::{Context, Result};
use clap::ValueEnum;
use http::Method;
use testkit::{SignPayload, load::content_of, setup::base64, write_request};

/// Objects that one client writes to, one after another.
const KEYS_PER_CLIENT: usize = 64;

/// The object that is read.
pub(crate) const OBJECT_BYTES: usize = 4096;
pub(crate) const BUCKET: &str = "bench";
pub(crate) const OBJECT_PATH: &str = "/bench/object";

/// A call to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// S3 GetObject, 4 KiB, SSE-KMS.
    Get,
    /// S3 PutObject, 4 KiB, SSE-KMS.
    Put,
    /// S3 PutObject, no bytes, SSE-S3.
    PutEmpty,
    /// KMS Encrypt of 32 bytes.
    Encrypt,
    /// KMS DescribeKey.
    DescribeKey,
    /// STS GetCallerIdentity.
    CallerIdentity,
}

/// What has to be reached at 16 clients.
struct Goal {
    times_moto: Option<f64>,
    of_floor: f64,
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Scenario::Get => "S3 GET 4 KiB, SSE-KMS",
            Scenario::Put => "S3 PUT 4 KiB, SSE-KMS",
            Scenario::PutEmpty => "S3 PUT 0 B, SSE-S3",
            Scenario::Encrypt => "KMS Encrypt",
            Scenario::DescribeKey => "KMS DescribeKey",
            Scenario::CallerIdentity => "STS GetCallerIdentity",
        }
    }

    fn goal(self) -> Goal {
        let (times_moto, of_floor) = match self {
            Scenario::Get | Scenario::Encrypt => (Some(50.0), 0.5),
            Scenario::Put => (Some(30.0), 0.25),
            Scenario::PutEmpty => (None, 0.25),
            Scenario::DescribeKey | Scenario::CallerIdentity => (None, 0.5),
        };
        Goal { times_moto, of_floor }
    }

    /// Signed requests for one client, to be sent in turn. Good for the five minutes that a signature is.
    pub(crate) fn requests(self, target: &Target, client: usize) -> Result<Vec<Vec<u8>>> {
        let key = target.key_arn.as_str();
        let sealed = [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", key),
        ];
        match self {
            Scenario::Get => signed(target, "s3", Method::GET, OBJECT_PATH, &[], b"").map(|one| vec![one]),
            Scenario::Put => {
                let content = content_of(3, OBJECT_BYTES);
                let put = |n| signed(target, "s3", Method::PUT, &path("sealed", client, n), &sealed, &content);
                (0..KEYS_PER_CLIENT).map(put).collect()
            }
            Scenario::PutEmpty => {
                let put = |n| signed(target, "s3", Method::PUT, &path("empty", client, n), &[], b"");
                (0..KEYS_PER_CLIENT).map(put).collect()
            }
            Scenario::Encrypt => {
                let input = format!("{{\"KeyId\":\"{key}\",\"Plaintext\":\"{}\"}}", base64(&[7; 32]));
                json(target, "Encrypt", &input).map(|one| vec![one])
            }
            Scenario::DescribeKey => {
                json(target, "DescribeKey", &format!("{{\"KeyId\":\"{key}\"}}")).map(|one| vec![one])
            }
            Scenario::CallerIdentity => {
                let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
                let form = b"Action=GetCallerIdentity&Version=2011-06-15";
                signed(target, "sts", Method::POST, "/", &headers, form).map(|one| vec![one])
            }
        }
    }

    /// The row of the table.
    pub(crate) fn row(self, clients: usize, ours: &Cell, moto: Option<&Cell>, floor: &Cell) -> Vec<String> {
        let times_moto = moto.map(|moto| ours.rate / moto.rate);
        let of_floor = ours.rate / floor.rate;
        let text = |value: Option<f64>, decimals: usize| value.map_or("–".to_owned(), |v| format!("{v:.decimals$}"));
        vec![
            self.name().to_owned(),
            clients.to_string(),
            text(Some(ours.rate), 0),
            text(Some(ms(ours.p50)), 2),
            text(Some(ms(ours.p99)), 2),
            text(moto.map(|cell| cell.rate), 0),
            text(moto.map(|cell| ms(cell.p50)), 2),
            text(times_moto, 1),
            text(Some(floor.rate), 0),
            text(Some(of_floor * 100.0), 0),
            if clients == 16 {
                self.judge(times_moto, of_floor)
            } else {
                String::new()
            },
        ]
    }

    fn judge(self, times_moto: Option<f64>, of_floor: f64) -> String {
        let goal = self.goal();
        let word = |reached: bool| if reached { "reached" } else { "MISSED" };
        let floor = format!("{:.0} % {}", goal.of_floor * 100.0, word(of_floor >= goal.of_floor));
        match (goal.times_moto, times_moto) {
            (Some(wanted), Some(found)) => format!("{wanted:.0}x {}, {floor}", word(found >= wanted)),
            _ => floor,
        }
    }
}

fn path(folder: &str, client: usize, number: usize) -> String {
    format!("/{BUCKET}/{folder}/{client}/{number}")
}

pub(crate) fn json(target: &Target, operation: &str, input: &str) -> Result<Vec<u8>> {
    let name = format!("TrentService.{operation}");
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", name.as_str()),
    ];
    signed(target, "kms", Method::POST, "/", &headers, input.as_bytes())
}

pub(crate) fn signed(
    target: &Target,
    service: &str,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Vec<u8>> {
    let mut head = target
        .client
        .head(service, &method, path, headers, SignPayload::Bytes(body))
        .context("signing")?;
    head.insert(http::header::CONTENT_LENGTH, body.len().into());
    Ok(write_request(&method, path, &head, body))
}
