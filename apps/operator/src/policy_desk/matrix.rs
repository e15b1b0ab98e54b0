//! Who may read, write, administer and delete, before a change and after it.

use crate::{
    rights::{Allowed, Verdict, World},
    survey::Trail,
};
use policy::Context;

/// So many resources of a kind are looked at; more make no table.
const RESOURCES_MAX: usize = 6;

/// What is asked of each principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `read`, `write`, `administer` or `delete`.
    pub right: &'static str,
    /// The actions that it takes, with the resource of each: all of them are needed.
    pub needs: Vec<(&'static str, String)>,
}

/// One principal's answers, in the order of the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The ARN, an account's number, or `*` for callers without a signature.
    pub principal: String,
    /// Before and after.
    pub cells: Vec<(Verdict, Verdict)>,
}

impl Row {
    /// Whether an answer is another one after the change.
    pub fn is_changed(&self) -> bool {
        self.cells.iter().any(|(before, after)| before.allowed != after.allowed)
    }

    /// Whether anything is, or may be, allowed.
    pub fn is_any(&self) -> bool {
        let open = |verdict: &Verdict| verdict.allowed != Allowed::No;
        self.cells.iter().any(|(before, after)| open(before) || open(after))
    }
}

/// Who may do what with one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// The key's ARN, the bucket's name, or the log files' place.
    pub resource: String,
    /// What is asked.
    pub columns: Vec<Column>,
    /// Everybody who may do any of it, before or after.
    pub rows: Vec<Row>,
    /// How many others may do nothing.
    pub others: usize,
}

/// Who may do what with these keys (by ARN), buckets, and the log files of the trails in them.
pub fn matrix(before: &World, after: &World, keys: &[String], buckets: &[String]) -> Vec<Matrix> {
    let mut all = Vec::new();
    for key in keys.iter().take(RESOURCES_MAX) {
        all.push(table(before, after, key.clone(), of_key(key), None));
    }
    for bucket in buckets.iter().take(RESOURCES_MAX) {
        all.push(table(before, after, bucket.clone(), of_bucket(bucket, ""), None));
        let survey = before.survey();
        let trails = survey.trails.iter().filter(|trail| trail.bucket == *bucket);
        for trail in trails.take(RESOURCES_MAX) {
            let place = format!("s3://{bucket}/{}", trail.folder());
            all.push(table(before, after, place, of_trail(trail), Some(trail)));
        }
    }
    all
}

fn of_key(arn: &str) -> Vec<Column> {
    let column = |right, action| Column {
        right,
        needs: vec![(action, arn.to_owned())],
    };
    vec![
        column("read", "kms:Decrypt"),
        column("write", "kms:GenerateDataKey"),
        column("administer", "kms:PutKeyPolicy"),
        column("delete", "kms:ScheduleKeyDeletion"),
    ]
}

fn of_bucket(bucket: &str, folder: &str) -> Vec<Column> {
    let object = base::arn::object(bucket, &format!("{folder}example")).to_string();
    let column = |right, action, resource: &str| Column {
        right,
        needs: vec![(action, resource.to_owned())],
    };
    vec![
        column("read", "s3:GetObject", &object),
        column("write", "s3:PutObject", &object),
        column("administer", "s3:PutBucketPolicy", base::arn::bucket(bucket).as_str()),
        column("delete", "s3:DeleteObject", &object),
    ]
}

/// Whoever reads log files opens them, too.
fn of_trail(trail: &Trail) -> Vec<Column> {
    let mut columns = of_bucket(&trail.bucket, &trail.folder());
    if let (Some(read), Some(key)) = (columns.first_mut(), &trail.kms_key) {
        read.needs.push(("kms:Decrypt", key.clone()));
    }
    columns
}

fn table(before: &World, after: &World, resource: String, columns: Vec<Column>, trail: Option<&Trail>) -> Matrix {
    let mut everyone = before.everyone_known();
    everyone.extend(after.everyone_known());
    everyone.sort();
    everyone.dedup();
    let context = Context::new();
    let answer = |world: &World, who: &str, column: &Column| {
        if let Some(trail) = trail.filter(|_| column.right == "read") {
            // Log files are opened with the encryption context that CloudTrail gave them.
            return Some(world.reader_in(trail, &trail.home_region, who)?.reads());
        }
        let each = column
            .needs
            .iter()
            .map(|(action, resource)| world.may(who, action, resource, &context));
        each.reduce(Verdict::and)
    };
    let mut rows = Vec::new();
    let mut others = 0;
    for who in everyone {
        let cells = columns
            .iter()
            .filter_map(|column| Some((answer(before, &who, column)?, answer(after, &who, column)?)));
        let row = Row {
            cells: cells.collect(),
            principal: who,
        };
        match row.is_any() {
            true => rows.push(row),
            false => others += 1,
        }
    }
    Matrix {
        resource,
        columns,
        rows,
        others,
    }
}
