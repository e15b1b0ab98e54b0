//! What policies cost: one decision, a call by somebody with many of them, and the matrix of who can read something.

use crate::{
    generator, machine,
    scenario::{OBJECT_PATH, Scenario},
    table::Table,
    target::Target,
};
use anyhow::{Context as _, Result, ensure};
use base::AccountId;
use policy::{Context, Policies, Policy, PolicyKind, Principal, Request, ResourceKind};
use serde_json::{Value, json};
use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use testkit::{Client, Credentials, Server};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "One decision: 10 parsed policies of 20 statements, each statement with two \
conditions, one core, no server; the mix has a tenth of the statements match action and resource, as policies of several \
services do; in `all conditions` every statement is read up to its last condition. Enforcement: S3 GET of 4 KiB under \
SSE-KMS (two decisions a call) by 16 clients, by root and in turn by a user with ten attached policies of 20 statements, \
seven pairs, the median of the ratios. Access: `DescribeAccess` of one object over 1,000 users with 50 attached policies \
among them.";

const POLICIES: usize = 10;
const STATEMENTS: usize = 20;
const DECISION_GOAL_US: f64 = 5.0;
const DECISION_TIME: Duration = Duration::from_millis(400);
const PAIRS: usize = 7;
const ENFORCEMENT_GOAL: f64 = 0.9;
const PRINCIPALS: usize = 1_000;
const MANAGED_POLICIES: usize = 50;
const ACCESS_GOAL_S: f64 = 2.0;

/// Which statements are read how far.
#[derive(Clone, Copy)]
enum Mix {
    /// None speaks of the action.
    OtherActions,
    /// One in ten speaks of action and resource.
    Mixed,
    /// All do, and fail on their last condition.
    AllConditions,
}

impl Mix {
    const ALL: [Mix; 3] = [Mix::OtherActions, Mix::Mixed, Mix::AllConditions];

    fn name(self) -> &'static str {
        match self {
            Mix::OtherActions => "one decision, other actions, us",
            Mix::Mixed => "one decision, mixed, us",
            Mix::AllConditions => "one decision, all conditions, us",
        }
    }

    fn speaks(self, number: usize) -> bool {
        match self {
            Mix::OtherActions => false,
            Mix::Mixed => number.is_multiple_of(10),
            Mix::AllConditions => true,
        }
    }
}

/// A statement that never allows `s3:GetObject` of the object measured: its last condition does not hold.
fn statement(number: usize, speaks: bool) -> Value {
    let action = if speaks { "s3:GetObject" } else { "ec2:Run*" };
    json!({
        "Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::bench/*",
        "Condition": {
            "Bool": {"aws:SecureTransport": ["true", "false"]},
            "StringLike": {"aws:PrincipalArn": format!("arn:aws:iam::*:user/n{number}*")},
        },
    })
}

/// The text of a policy that allows nothing.
fn idle_policy(first: usize, mix: Mix) -> String {
    let statements: Vec<Value> = (first..first + STATEMENTS)
        .map(|number| statement(number, mix.speaks(number)))
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// The time of one decision over parsed policies, in microseconds.
fn decision_us(mix: Mix) -> Result<f64> {
    let policies: Vec<Arc<Policy>> = (0..POLICIES)
        .map(|n| Policy::parse(&idle_policy(n * STATEMENTS, mix), PolicyKind::Identity).map(Arc::new))
        .collect::<Result<_, _>>()?;
    let principal = Principal::User {
        account: AccountId::FIRST,
        arn: "arn:aws:iam::000000000000:user/reader".to_owned(),
        id: "AIDAABCDEFGHIJKLMNOPQ".to_owned(),
        name: "reader".to_owned(),
    };
    let mut context = Context::of(&principal);
    for (key, value) in [
        ("aws:CurrentTime", "2026-01-01T00:00:00Z"),
        ("aws:EpochTime", "1767225600"),
        ("aws:RequestedRegion", "us-east-1"),
        ("aws:SecureTransport", "false"),
        ("aws:SourceIp", "127.0.0.1"),
        ("aws:UserAgent", "bench"),
        ("aws:ViaAWSService", "false"),
    ] {
        context.set(key, value);
    }
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::bench/object",
        owner: Some(AccountId::FIRST),
        kind: ResourceKind::Bucket,
        context: &context,
    };
    let given = Policies {
        identity: &policies,
        ..Policies::default()
    };
    ensure!(
        !policy::decide(&request, &given).is_allowed(),
        "the policies measured allow"
    );
    let (start, mut rounds) = (Instant::now(), 0_u32);
    while start.elapsed() < DECISION_TIME {
        for _ in 0..1_000 {
            black_box(policy::decide(black_box(&request), black_box(&given))).denial();
        }
        rounds += 1_000;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds))
}

/// Measures all of it.
pub(crate) async fn costs(binary: &Path) -> Result<Table> {
    let mut table = Table::new(&["policies", "found", "goal"]);
    for mix in Mix::ALL {
        let found = decision_us(mix)?;
        let word = if found < DECISION_GOAL_US { "reached" } else { "MISSED" };
        table.row(vec![
            mix.name().to_owned(),
            format!("{found:.2}"),
            format!("under {DECISION_GOAL_US} us: {word}"),
        ]);
    }
    let folder = machine::directory()?;
    let mut server = Server::of(binary, &folder.path().join("data"), &[]);
    server.launch()?;
    let root = Target::of("root", server.client()?).await?;
    let share = enforcement(&root).await?;
    let word = if share >= ENFORCEMENT_GOAL { "reached" } else { "MISSED" };
    table.row(vec![
        "S3 GET with enforcement, % of root's".to_owned(),
        format!("{:.0}", share * 100.0),
        format!("at least {:.0} %: {word}", ENFORCEMENT_GOAL * 100.0),
    ]);
    let seconds = access(&root.client).await?;
    let word = if seconds < ACCESS_GOAL_S { "reached" } else { "MISSED" };
    table.row(vec![
        format!("access over {PRINCIPALS} principals, {MANAGED_POLICIES} policies, s"),
        format!("{seconds:.2}"),
        format!("under {ACCESS_GOAL_S} s: {word}"),
    ]);
    Ok(table)
}

async fn managed_policy(client: &Client, name: &str, document: &str) -> Result<String> {
    let input = [("PolicyName", name), ("PolicyDocument", document)];
    let made = client.query("iam", "CreatePolicy", &input).await?.ok()?;
    made.elements("Arn").into_iter().next().context("no ARN of the policy")
}

async fn attach(client: &Client, user: &str, arn: &str) -> Result<()> {
    let input = [("UserName", user), ("PolicyArn", arn)];
    client.query("iam", "AttachUserPolicy", &input).await?.ok().map(drop)
}

/// The rate of a user with many policies, as a share of root's.
async fn enforcement(root: &Target) -> Result<f64> {
    let client = &root.client;
    let credentials: Credentials = client.create_user("reader", None).await?;
    for number in 0..POLICIES {
        let mut document: Value = serde_json::from_str(&idle_policy(number * STATEMENTS, Mix::Mixed))?;
        let last = json!({"Effect": "Allow", "Action": ["s3:GetObject", "kms:Decrypt"], "Resource": "*"});
        if number == POLICIES - 1
            && let Some(slot) = document.pointer_mut(&format!("/Statement/{}", STATEMENTS - 1))
        {
            *slot = last;
        }
        let arn = managed_policy(client, &format!("enforced-{number}"), &document.to_string()).await?;
        attach(client, "reader", &arn).await?;
    }
    let user = root.by("reader", client.with_credentials(credentials));
    user.client.get_object(OBJECT_PATH).await?.ok()?;
    let mut shares = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let span = Duration::from_secs(1);
        let free = generator::run(root, Scenario::Get, 16, span).await?.rate;
        let bound = generator::run(&user, Scenario::Get, 16, span).await?.rate;
        shares.push(bound / free);
    }
    shares.sort_by(f64::total_cmp);
    shares.get(PAIRS / 2).copied().context("no pairs")
}

/// Seconds that the matrix over many principals takes.
async fn access(client: &Client) -> Result<f64> {
    let mut arns = Vec::with_capacity(MANAGED_POLICIES);
    for number in 0..MANAGED_POLICIES {
        let document = idle_policy(number, Mix::AllConditions);
        arns.push(managed_policy(client, &format!("many-{number}"), &document).await?);
    }
    for number in 0..PRINCIPALS - 2 {
        let name = format!("principal-{number}");
        client
            .query("iam", "CreateUser", &[("UserName", name.as_str())])
            .await?
            .ok()?;
        for step in [0, 17] {
            let arn = arns.get((number + step) % MANAGED_POLICIES).context("no policy")?;
            attach(client, &name, arn).await?;
        }
    }
    let start = Instant::now();
    let input = json!({"Object": "s3://bench/object"});
    client.json("shoseki", "DescribeAccess", &input).await?.ok()?;
    Ok(start.elapsed().as_secs_f64())
}
