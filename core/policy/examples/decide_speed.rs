//! Prints how long one decision takes over ten policies of twenty statements with conditions, parsed before.
//!
//! `cargo run --release -p policy --example decide_speed`

use base::AccountId;
use policy::{Context, Policies, Policy, PolicyKind, Principal, Request, ResourceKind, decide};
use std::{error::Error, fmt::Write as _, hint::black_box, sync::Arc, time::Instant};

const POLICIES: usize = 10;
const STATEMENTS: usize = 20;
const ROUNDS: usize = 400;
const DECISIONS: usize = 100;

/// A policy of statements, each as the function writes it.
fn policies(statement: impl Fn(usize) -> String) -> Result<Vec<Arc<Policy>>, Box<dyn Error>> {
    let one = |policy: usize| {
        let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
        for index in 0..STATEMENTS {
            let comma = if index == 0 { "" } else { "," };
            write!(text, "{comma}{}", statement(policy * STATEMENTS + index))?;
        }
        text.push_str("]}");
        Ok(Arc::new(Policy::parse(&text, PolicyKind::Identity)?))
    };
    (0..POLICIES).map(one).collect()
}

/// As many keys as a call of S3 has.
fn context(principal: &Principal) -> Context {
    let mut context = Context::of(principal);
    for (key, value) in [
        ("aws:SourceIp", "203.0.113.7"),
        ("aws:SecureTransport", "true"),
        ("aws:RequestedRegion", "us-east-1"),
        ("aws:CurrentTime", "2026-01-01T00:00:00Z"),
        ("aws:EpochTime", "1767225600"),
        ("aws:UserAgent", "aws-cli/2.0"),
        ("aws:ViaAWSService", "false"),
        ("aws:PrincipalTag/team", "blue"),
        ("aws:ResourceAccount", "111111111111"),
        ("s3:authType", "REST-HEADER"),
        ("s3:signatureversion", "AWS4-HMAC-SHA256"),
        ("s3:signatureAge", "100"),
        ("s3:TlsVersion", "1.3"),
        ("s3:ResourceAccount", "111111111111"),
        ("s3:x-amz-acl", "private"),
    ] {
        context.set(key, value);
    }
    context
}

/// One statement in the manner of those that people write.
fn mixed(n: usize) -> String {
    let effect = if n.is_multiple_of(4) { "Deny" } else { "Allow" };
    let service = ["s3", "ec2", "kms", "cloudtrail", "s3"][n % 5];
    let resource = match n % 3 {
        0 => "*".to_owned(),
        1 => format!("arn:aws:s3:::bucket-{n}/*"),
        _ => format!("arn:aws:s3:::logs-*-{n}/${{aws:username}}/*"),
    };
    let condition = match n % 7 {
        0 => r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#,
        1 => r#"{"Bool":{"aws:SecureTransport":"false"}}"#,
        2 => r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]}}"#,
        3 => r#"{"StringLike":{"s3:x-amz-acl":"bucket-owner-*"}}"#,
        4 => r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ops-*"}}"#,
        5 => r#"{"NumericGreaterThan":{"s3:signatureAge":"600000"},"Null":{"aws:SourceArn":"true"}}"#,
        _ => r#"{"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#,
    };
    let actions = format!(r#"["{service}:Get*","{service}:Put*","{service}:List*"]"#);
    format!(r#"{{"Effect":"{effect}","Action":{actions},"Resource":"{resource}","Condition":{condition}}}"#)
}

fn main() -> Result<(), Box<dyn Error>> {
    let account = AccountId::parse("111111111111")?;
    let principal = Principal::User {
        account,
        arn: "arn:aws:iam::111111111111:user/team/alice".into(),
        id: "AIDAABCDEFGHIJKLMNOPQ".into(),
        name: "alice".into(),
    };
    let context = context(&principal);
    let allow = |action: &str, condition: &str| {
        format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*","Condition":{condition}}}"#)
    };
    let cases = [
        (
            "no action matches",
            policies(|n| {
                allow(
                    &format!(r#"["ec2:Describe*","kms:Decrypt{n}","s3:Put*"]"#),
                    r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
                )
            })?,
        ),
        (
            "all fail on a string",
            policies(|n| {
                allow(
                    r#""s3:Get*""#,
                    &format!(r#"{{"StringEquals":{{"aws:PrincipalTag/team":"red{n}"}}}}"#),
                )
            })?,
        ),
        (
            "all fail on a list of four",
            policies(|n| {
                let values = format!(
                    r#"["arn:aws:iam::1:role/a{n}","arn:aws:iam::1:role/b-*","arn:aws:iam::*:role/c","arn:aws:iam::1:user/*"]"#
                );
                allow(
                    r#""s3:*""#,
                    &format!(r#"{{"ArnLike":{{"aws:PrincipalArn":{values}}}}}"#),
                )
            })?,
        ),
        (
            "all fail on the second condition",
            policies(|_| {
                allow(
                    r#"["s3:GetObject","s3:List*"]"#,
                    r#"{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
                )
            })?,
        ),
        ("mixed", policies(mixed)?),
    ];
    for (name, identity) in &cases {
        let request = Request {
            principal: &principal,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::logs-prod/alice/2026/01/01/file.json.gz",
            owner: None,
            kind: ResourceKind::Bucket,
            context: &context,
        };
        let policies = Policies {
            identity,
            ..Policies::default()
        };
        let mut best = f64::MAX;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for _ in 0..DECISIONS {
                let _ = black_box(decide(black_box(&request), black_box(&policies)));
            }
            best = best.min(start.elapsed().as_secs_f64() / DECISIONS as f64);
        }
        println!("{name}: {:.0} ns per decision", best * 1e9);
    }
    Ok(())
}
