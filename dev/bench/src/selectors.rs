//! What selection costs: one event against the compiled selectors of an account.

use crate::table::Table;
use anyhow::{Context as _, Result, ensure};
use base::{AccountId, Arn, Region};
use cloudtrail::selection::{
    AdvancedEventSelector, Compiled, EventSelectors, FieldSelector, LoggedTrail, parse_advanced,
};
use gateway::ports::Candidate;
use record::{EventCategory, Resource};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};
use store::Selection;

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "One event against an account's five trails, the most that a Region has, with 500 \
values each in their advanced event selectors, the most that a trail has; one core, no server, the least of five runs. \
`prefixes`: one selector of 498 beginnings of ARNs; `names`: 100 selectors, each of one event name and one bucket; `mixed`: \
whole values, beginnings and ends of names, sources and ARNs, wanted and unwanted. Half of the events are selected by no trail.";

const TRAILS: usize = 5;
const VALUES: usize = 500;
const GOAL_US: f64 = 1.0;
const RUNS: usize = 5;
const RUN_TIME: Duration = Duration::from_millis(200);
const NAMES: [&str; 8] = [
    "GetObject",
    "PutObject",
    "DeleteObject",
    "HeadObject",
    "CopyObject",
    "UploadPart",
    "GetObjectTagging",
    "PutObjectAcl",
];

/// How a trail's values are spread.
#[derive(Clone, Copy)]
enum Mix {
    Prefixes,
    Names,
    Mixed,
}

impl Mix {
    const ALL: [Mix; 3] = [Mix::Prefixes, Mix::Names, Mix::Mixed];

    fn name(self) -> &'static str {
        match self {
            Mix::Prefixes => "prefixes",
            Mix::Names => "names",
            Mix::Mixed => "mixed",
        }
    }

    /// The selectors of a trail; each trail has others.
    fn selectors(self, trail: usize) -> Vec<AdvancedEventSelector> {
        let many = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<Vec<_>>();
        match self {
            Mix::Prefixes => vec![selector(vec![FieldSelector {
                starts_with: many(VALUES - 2, &|number| format!("{}data/", bucket(trail, number))),
                ..field("resources.ARN")
            }])],
            Mix::Names => (0..VALUES / 5)
                .map(|number| {
                    selector(vec![
                        FieldSelector {
                            equals: many(2, &|other| format!("Operation{number}Of{other}")),
                            ..field("eventName")
                        },
                        FieldSelector {
                            starts_with: vec![bucket(trail, number)],
                            ..field("resources.ARN")
                        },
                    ])
                })
                .collect(),
            Mix::Mixed => vec![selector(vec![
                FieldSelector {
                    equals: NAMES.map(str::to_owned).to_vec(),
                    not_ends_with: many(20, &|number| format!("Nothing{number}")),
                    ..field("eventName")
                },
                FieldSelector {
                    not_equals: many(20, &|number| format!("service{number}.amazonaws.com")),
                    ..field("eventSource")
                },
                FieldSelector {
                    equals: many(150, &|number| format!("{}exact", bucket(trail, number))),
                    starts_with: many(150, &|number| format!("{}data/", bucket(trail, number))),
                    ends_with: many(50, &|number| format!(".kind{number}")),
                    not_starts_with: many(50, &|number| format!("{}data/tmp/", bucket(trail, number))),
                    not_ends_with: many(50, &|number| format!(".tmp{number}")),
                    ..field("resources.ARN")
                },
            ])],
        }
    }
}

fn bucket(trail: usize, number: usize) -> String {
    format!("arn:aws:s3:::a-bucket-of-some-length-{trail}-{number}/")
}

fn field(name: &str) -> FieldSelector {
    FieldSelector {
        field: name.to_owned(),
        ..FieldSelector::default()
    }
}

fn selector(more: Vec<FieldSelector>) -> AdvancedEventSelector {
    let equals = |name: &str, value: &str| FieldSelector {
        equals: vec![value.to_owned()],
        ..field(name)
    };
    let mut field_selectors = vec![
        equals("eventCategory", "Data"),
        equals("resources.type", "AWS::S3::Object"),
    ];
    field_selectors.extend(more);
    AdvancedEventSelector {
        name: None,
        field_selectors,
    }
}

/// Events a second, for each mix.
pub(crate) fn rates() -> Result<Table> {
    let mut table = Table::new(&["selectors", "us/event", "events/s", "selected", "goal"]);
    for mix in Mix::ALL {
        let (seconds, share) = measure(mix)?;
        let micros = seconds * 1e6;
        table.row(vec![
            mix.name().to_owned(),
            format!("{micros:.2}"),
            format!("{:.0}", 1.0 / seconds),
            format!("{:.0} %", share * 100.0),
            format!("{} {GOAL_US} us", if micros < GOAL_US { "under" } else { "NOT under" }),
        ]);
    }
    Ok(table)
}

/// Seconds an event, and the share of events that some trail selects.
fn measure(mix: Mix) -> Result<(f64, f64)> {
    let trails: Vec<EventSelectors> = (0..TRAILS)
        .map(|trail| parse_advanced(mix.selectors(trail)).map(EventSelectors::Advanced))
        .collect::<Result<_, _>>()
        .map_err(|fault| anyhow::anyhow!(fault.0))?;
    let compiled = Compiled::of(trails.iter().enumerate().map(|(number, selectors)| LoggedTrail {
        account: AccountId::FIRST,
        selection: Selection {
            trail: format!("0192f0c1-2b5e-7000-8000-00000000000{number}"),
            generation: 1,
        },
        only_in: None,
        include_global: true,
        recursive: true,
        stopped_by: None,
        selectors,
    }));
    let region = Region::us_east_1();
    let resources: Vec<[Resource; 2]> = (0..256).map(resources_of).collect::<Result<_>>()?;
    let events: Vec<Candidate<'_>> = resources
        .iter()
        .enumerate()
        .map(|(number, resources)| event(number, &region, resources))
        .collect();
    let hits = events.iter().filter(|event| !compiled.select(event).is_empty()).count();
    ensure!(
        !matches!(mix, Mix::Prefixes | Mix::Mixed) || hits > 0,
        "no event is selected"
    );
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        let (start, mut count) = (Instant::now(), 0.0);
        while start.elapsed() < RUN_TIME {
            for event in &events {
                black_box(compiled.select(black_box(event)));
            }
            count += 256.0;
        }
        least = least.min(start.elapsed().as_secs_f64() / count);
    }
    let share = |count: usize| u32::try_from(count).map(f64::from);
    Ok((least, share(hits)? / share(events.len())?))
}

/// An object of one of the buckets, in every other event of one that no selector names.
fn resources_of(number: usize) -> Result<[Resource; 2]> {
    let bucket = match number.is_multiple_of(2) {
        true => bucket(number % TRAILS, number % 100),
        false => format!("arn:aws:s3:::a-bucket-of-nobody-{number}/"),
    };
    let resource = |resource_type: &'static str, text: &str| -> Result<Resource> {
        Ok(Resource {
            arn: Arn::parse(text).context("an ARN")?,
            account_id: Some(AccountId::FIRST),
            resource_type: resource_type.into(),
        })
    };
    Ok([
        resource(
            "AWS::S3::Object",
            &format!("{bucket}data/2026/11/22/object-{number}.json.gz"),
        )?,
        resource("AWS::S3::Bucket", bucket.trim_end_matches('/'))?,
    ])
}

fn event<'a>(number: usize, region: &'a Region, resources: &'a [Resource; 2]) -> Candidate<'a> {
    Candidate {
        account: AccountId::FIRST,
        region,
        category: EventCategory::Data,
        read_only: number.is_multiple_of(3),
        event_source: "s3.amazonaws.com",
        event_name: NAMES.get(number % NAMES.len()).copied().unwrap_or("GetObject"),
        event_type: "AwsApiCall",
        error_code: None,
        user_arn: Some("arn:aws:iam::000000000000:user/alice".into()),
        invoked_by: None,
        from_console: false,
        vpc_endpoint: None,
        resource_type: Some("AWS::S3::Object"),
        resources,
        global: false,
        request_id: Some("4442587FB7D0A2F9"),
    }
}
