use super::*;
use crate::survey::{KeyMetadata, RegionFacts, Rotation};
use base::Timestamp;

const KEY: &str = "arn:aws:kms:eu-west-1:000000000000:key/0";

fn known_status() -> Status {
    Status {
        is_logging: true,
        latest_delivery_time: Timestamp::parse("2026-11-22T15:00:00Z"),
        ..Status::default()
    }
}

fn missing(call: &str, region: &str, code: &str) -> Missing {
    Missing {
        call: call.to_owned(),
        region: region.to_owned(),
        code: code.to_owned(),
        message: String::new(),
    }
}

fn not_asked<T>() -> Fact<T> {
    Fact::NotAvailable(Missing::not_asked("x:Y"))
}

fn trail() -> Trail {
    Trail {
        name: "audit".to_owned(),
        arn: "arn:aws:cloudtrail:eu-west-1:000000000000:trail/audit".to_owned(),
        home_region: "eu-west-1".to_owned(),
        multi_region: true,
        organization: false,
        global_events: true,
        bucket: "logs".to_owned(),
        prefix: String::new(),
        kms_key: Some(KEY.to_owned()),
        validation: true,
        log_group: None,
        log_role: None,
        topic: None,
        seen_in: vec!["eu-west-1".to_owned(), "eu-west-2".to_owned()],
        status: Fact::Known(known_status()),
        selectors: not_asked(),
        insights: not_asked(),
        tags: not_asked(),
    }
}

fn bucket() -> Bucket {
    Bucket {
        name: "logs".to_owned(),
        exists: Fact::Known(true),
        owned: not_asked(),
        region: not_asked(),
        policy: not_asked(),
        policy_text: String::new(),
        policy_is_public: not_asked(),
        encryption: Fact::Known(Some(Encryption {
            algorithm: "AES256".to_owned(),
            key: None,
            bucket_key: false,
        })),
        public_access_block: not_asked(),
        acl: not_asked(),
        versioning: not_asked(),
        lifecycle: not_asked(),
        logging: not_asked(),
        ownership: not_asked(),
        object_lock: not_asked(),
        tags: not_asked(),
    }
}

fn key(state: &str) -> Key {
    Key {
        arn: KEY.to_owned(),
        region: "eu-west-1".to_owned(),
        metadata: Fact::Known(KeyMetadata {
            state: state.to_owned(),
            ..KeyMetadata::default()
        }),
        policy: not_asked(),
        rotation: Fact::Known(Rotation::default()),
        aliases: Fact::Known(vec!["alias/audit".to_owned()]),
        grants: not_asked(),
        tags: not_asked(),
    }
}

/// Two Regions: the home of a trail and its shadow.
fn survey() -> Survey {
    let trail = trail();
    let regions = ["eu-west-1", "eu-west-2"].map(str::to_owned);
    let facts = |region: &String| {
        let facts = RegionFacts {
            trails: Fact::Known(vec![trail.arn.clone()]),
            config_recorders: not_asked(),
            event_data_stores: not_asked(),
            alarms: not_asked(),
        };
        (region.clone(), facts)
    };
    Survey {
        account: "000000000000".to_owned(),
        partition: "aws".to_owned(),
        caller: "arn:aws:iam::000000000000:root".to_owned(),
        made_at: Timestamp::parse("2026-11-22T15:05:00Z"),
        by_region: regions.iter().map(facts).collect(),
        regions: regions.to_vec(),
        all_regions: Fact::Known(true),
        trails: vec![trail],
        buckets: BTreeMap::from([("logs".to_owned(), bucket())]),
        keys: BTreeMap::from([(KEY.to_owned(), key("Enabled"))]),
        log_groups: BTreeMap::new(),
        topics: BTreeMap::new(),
        principals: not_asked(),
    }
}

fn kinds(survey: &Survey) -> Vec<FindingKind> {
    let report = report(survey, None);
    report.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_good_trail_has_no_findings() {
    let report = report(&survey(), None);
    assert_eq!(report.findings, []);
    assert_eq!(report.not_available, []);
    let trail = &report.trails[0];
    assert_eq!(trail.shadows, ["eu-west-2"]);
    assert_eq!(trail.key.as_ref().map(KeyReport::name), Some("alias/audit"));
}

#[test]
fn what_is_no_good_is_found() {
    let check = |change: fn(&mut Survey), expected: &[FindingKind]| {
        let mut survey = survey();
        change(&mut survey);
        assert_eq!(kinds(&survey), expected);
    };
    let status = |survey: &mut Survey, change: fn(&mut Status)| {
        let mut status = known_status();
        change(&mut status);
        survey.trails[0].status = Fact::Known(status);
    };
    let mut stopped = survey();
    status(&mut stopped, |status| status.is_logging = false);
    assert_eq!(kinds(&stopped), [FindingKind::NotLogging]);
    let mut failing = survey();
    status(&mut failing, |status| {
        status.latest_delivery_error = Some("AccessDenied".to_owned());
        status.latest_notification_error = Some("AuthorizationError".to_owned());
    });
    assert_eq!(kinds(&failing), [FindingKind::Delivery, FindingKind::Notification]);
    check(
        |survey| survey.keys = BTreeMap::from([(KEY.to_owned(), key("PendingDeletion"))]),
        &[FindingKind::Key],
    );
    check(
        |survey| {
            let mut gone = key("");
            gone.metadata = Fact::NotAvailable(missing("kms:DescribeKey", "eu-west-1", "NotFoundException"));
            survey.keys = BTreeMap::from([(KEY.to_owned(), gone)]);
        },
        &[FindingKind::Key],
    );
    check(
        |survey| {
            let mut gone = bucket();
            gone.exists = Fact::Known(false);
            survey.buckets = BTreeMap::from([("logs".to_owned(), gone)]);
        },
        &[FindingKind::Bucket],
    );
    check(|survey| survey.trails.clear(), &[FindingKind::NoTrail]);
    check(
        |survey| {
            let denied = missing("cloudtrail:GetTrailStatus", "eu-west-1", "AccessDeniedException");
            survey.trails[0].status = Fact::NotAvailable(denied);
        },
        &[FindingKind::Unknown],
    );
}

#[test]
fn a_trail_that_was_asked_for_and_is_not_there_is_found() {
    let report = report(&survey(), Some(&["audit".to_owned(), "Members".to_owned()]));
    let said: Vec<String> = report
        .findings
        .iter()
        .map(|finding| finding.message.to_string())
        .collect();
    assert_eq!(
        said,
        ["There is no trail Members in the 2 Regions that answered, of 2."]
    );
}

#[test]
fn what_was_denied_is_named_once_with_its_regions() {
    let mut survey = survey();
    for region in ["eu-west-1", "eu-west-2"] {
        let denied = missing("cloudtrail:DescribeTrails", region, "AccessDeniedException");
        survey.by_region.get_mut(region).unwrap().trails = Fact::NotAvailable(denied);
    }
    let report = report(&survey, None);
    let [unread] = report.not_available.as_slice() else {
        unreachable!("{:?}", report.not_available)
    };
    assert_eq!(unread.regions, ["eu-west-1", "eu-west-2"]);
    assert_eq!(unread.needs.as_deref(), Some("cloudtrail:DescribeTrails"));
    assert_eq!(
        unread.message.to_string(),
        "cloudtrail:DescribeTrails in eu-west-1, eu-west-2 was refused (AccessDeniedException): the caller needs the \
         right cloudtrail:DescribeTrails"
    );
}

#[test]
fn a_saved_survey_is_the_same_when_it_is_read_back() {
    let survey = survey();
    let text = serde_json::to_string_pretty(&survey).unwrap();
    assert_eq!(serde_json::from_str::<Survey>(&text).unwrap(), survey);
    assert!(text.contains("2026-11-22T15:00:00.000Z"));
}
