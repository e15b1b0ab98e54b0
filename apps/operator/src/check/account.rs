//! The controls of the account as a whole: one trail that has it is enough.

use super::{
    Ground, Judgement, Resource,
    known::Known,
    selection::{self, Selection},
};
use crate::{
    message,
    message::Message,
    survey::{Alarm, Fact, MetricFilter, Missing, Selectors, Survey, Trail},
};

pub(super) fn resource(survey: &Survey) -> Resource {
    Resource {
        kind: "AWS::::Account",
        id: format!("AWS::::Account:{}", survey.account),
        region: String::new(),
    }
}

/// Which trails can be meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    /// Any: one of a single Region is seen in that Region alone.
    All,
    /// Those of all Regions, which are seen in every Region.
    MultiRegion,
}

/// Whether one of the account's trails, or of its organization's, is so.
fn any_trail(
    ground: &Ground<'_>,
    kinds: Kinds,
    good: impl Fn(&str) -> Message,
    judge: impl Fn(&Trail) -> Known,
) -> Vec<Judgement> {
    let survey = ground.survey;
    let (mut whys, mut unknown) = (Vec::new(), Vec::new());
    for trail in &survey.trails {
        match judge(trail) {
            Known::Yes => return vec![Judgement::of(resource(survey), Known::Yes, good(&trail.name))],
            Known::No(more) => whys.extend(more.iter().map(|why| {
                let (name, ja) = (&trail.name, why.in_language(crate::message::Language::Japanese));
                message!("{name}: {why}", "{name}: {ja}")
            })),
            Known::Unknown(more) => unknown.extend(more),
        }
    }
    // A trail may be where it could not be looked.
    unknown.extend(ground.unseen());
    if kinds == Kinds::All && survey.all_regions == Fact::Known(false) {
        unknown.push(Missing::not_asked("cloudtrail:DescribeTrails"));
    }
    if survey.trails.is_empty() {
        whys.push(message!("There is no trail.", "証跡がありません。"));
    }
    let known = if unknown.is_empty() {
        Known::No(whys)
    } else {
        Known::Unknown(unknown)
    };
    vec![Judgement::of(resource(survey), known, Message::plain(""))]
}

fn is_logging(trail: &Trail) -> Known {
    Known::by(&trail.status, |status| {
        Known::of(status.is_logging, || {
            message!("it is not logging", "ログを記録していません")
        })
    })
}

fn is_multi_region(trail: &Trail) -> Known {
    Known::of(trail.multi_region, || {
        message!("it is of one Region", "単一リージョンの証跡です")
    })
}

fn selects(trail: &Trail, what: impl FnOnce(&Selectors) -> bool, why_not: impl FnOnce(&Selectors) -> Message) -> Known {
    Known::by(&trail.selectors, |selectors| {
        Known::of(what(selectors), || why_not(selectors))
    })
}

fn all_management(trail: &Trail) -> Known {
    let whole = |selectors: &Selectors| selection::management(selectors).is_whole();
    selects(trail, whole, |selectors| {
        match selection::excluded(selectors).join(", ").as_str() {
            "" => message!(
                "it does not log both reads and writes of management",
                "管理イベントの読み取りと書き込みの両方を記録していません"
            ),
            sources => message!(
                "it leaves out the management events of {sources}",
                "{sources} の管理イベントを除外しています"
            ),
        }
    })
}

pub(super) fn multi_region(ground: &Ground<'_>) -> Vec<Judgement> {
    let good = |name: &str| {
        message!(
            "{name} logs the management events of all Regions.",
            "{name} が全リージョンの管理イベントを記録しています。"
        )
    };
    any_trail(ground, Kinds::MultiRegion, good, |trail| {
        Known::all([is_multi_region(trail), is_logging(trail), all_management(trail)])
    })
}

pub(super) fn enabled(ground: &Ground<'_>) -> Vec<Judgement> {
    let good = |name: &str| message!("{name} is logging.", "{name} がログを記録しています。");
    any_trail(ground, Kinds::All, good, is_logging)
}

fn object_selection(
    ground: &Ground<'_>,
    good: impl Fn(&str) -> Message,
    is_enough: impl Fn(Selection) -> bool,
    multi_region: bool,
) -> Vec<Judgement> {
    let partition = &ground.survey.partition;
    let kinds = if multi_region { Kinds::MultiRegion } else { Kinds::All };
    any_trail(ground, kinds, good, |trail| {
        let of_objects = selects(
            trail,
            |selectors| is_enough(selection::objects(selectors, partition)),
            |_| {
                message!(
                    "it does not log these events of the objects of all buckets",
                    "全バケットのオブジェクトについてこのイベントを記録していません"
                )
            },
        );
        let regions = if multi_region {
            is_multi_region(trail)
        } else {
            Known::Yes
        };
        Known::all([regions, is_logging(trail), of_objects])
    })
}

pub(super) fn object_writes(ground: &Ground<'_>) -> Vec<Judgement> {
    let good = |name: &str| {
        message!(
            "{name} logs writes of all objects.",
            "{name} が全オブジェクトの書き込みを記録しています。"
        )
    };
    object_selection(ground, good, |selection| selection.writes, true)
}

pub(super) fn object_reads(ground: &Ground<'_>) -> Vec<Judgement> {
    let good = |name: &str| {
        message!(
            "{name} logs reads of all objects.",
            "{name} が全オブジェクトの読み取りを記録しています。"
        )
    };
    object_selection(ground, good, |selection| selection.reads, true)
}

pub(super) fn object_events(ground: &Ground<'_>) -> Vec<Judgement> {
    let good = |name: &str| {
        message!(
            "{name} logs the events of all objects.",
            "{name} が全オブジェクトのイベントを記録しています。"
        )
    };
    object_selection(ground, good, Selection::is_whole, false)
}

pub(super) fn security_trail(ground: &Ground<'_>) -> Vec<Judgement> {
    let good = |name: &str| message!("{name} has it all.", "{name} がすべてを備えています。");
    any_trail(ground, Kinds::MultiRegion, good, |trail| {
        Known::all([
            is_multi_region(trail),
            is_logging(trail),
            Known::of(trail.global_events, || {
                message!(
                    "it leaves out global services",
                    "グローバルサービスのイベントを含みません"
                )
            }),
            Known::of(trail.validation, || {
                message!("its log files are not validated", "ログファイル検証が無効です")
            }),
            Known::of(trail.kms_key.is_some(), || {
                message!("it has no key", "キーがありません")
            }),
            all_management(trail),
        ])
    })
}

pub(super) fn event_data_stores(ground: &Ground<'_>) -> Vec<Judgement> {
    let mut found: Vec<Judgement> = Vec::new();
    let mut missing: Vec<Missing> = ground.survey.all_regions.missing().cloned().into_iter().collect();
    for (region, facts) in &ground.survey.by_region {
        let stores = match &facts.event_data_stores {
            Fact::Known(stores) => stores,
            Fact::NotAvailable(one) => {
                missing.push(one.clone());
                continue;
            }
        };
        for store in stores {
            if found.iter().any(|judgement| judgement.resource.id == store.arn) {
                continue;
            }
            let resource = Resource {
                kind: "AWS::CloudTrail::EventDataStore",
                id: store.arn.clone(),
                region: region.clone(),
            };
            let known = Known::of(store.kms_key.is_some(), || {
                message!(
                    "It is sealed by CloudTrail's own key.",
                    "CloudTrail の管理するキーで暗号化されています。"
                )
            });
            let good = message!(
                "It is sealed by a key of the account.",
                "アカウントのキーで暗号化されています。"
            );
            found.push(Judgement::of(resource, known, good));
        }
    }
    if !missing.is_empty() {
        found.push(Judgement::of(
            resource(ground.survey),
            Known::Unknown(missing),
            Message::plain(""),
        ));
    }
    found
}

pub(super) fn config_records(ground: &Ground<'_>) -> Vec<Judgement> {
    let judge = |(region, facts): (&String, &crate::survey::RegionFacts)| {
        Known::by(&facts.config_recorders, |recorders| {
            let Some(recorder) = recorders.first() else {
                return Known::No(vec![message!(
                    "There is no recorder in {region}.",
                    "{region} にレコーダーがありません。"
                )]);
            };
            let recording = match recorder.recording {
                Some(is_so) => Known::of(is_so, || {
                    message!(
                        "The recorder in {region} is stopped.",
                        "{region} のレコーダーは停止しています。"
                    )
                }),
                None => Known::Unknown(vec![Missing::not_asked("config:DescribeConfigurationRecorderStatus")]),
            };
            let is_linked = recorder.role.contains(":role/aws-service-role/config.amazonaws.com/");
            let linked = Known::of(is_linked, || {
                message!(
                    "The recorder in {region} does not act as the service-linked role.",
                    "{region} のレコーダーはサービスリンクロールを使っていません。"
                )
            });
            Known::all([recording, linked])
        })
    };
    let unnamed = ground.survey.all_regions.missing().cloned();
    let unnamed = unnamed.map(|missing| Known::Unknown(vec![missing]));
    let known = Known::all(ground.survey.by_region.iter().map(judge).chain(unnamed));
    let good = message!(
        "AWS Config records in all Regions asked.",
        "照会した全リージョンで AWS Config が記録しています。"
    );
    vec![Judgement::of(resource(ground.survey), known, good)]
}

/// The operations whose events a filter has to find.
const CHANGES: [&str; 5] = [
    "CreateTrail",
    "UpdateTrail",
    "DeleteTrail",
    "StartLogging",
    "StopLogging",
];

/// Whether a pattern finds every change of a trail, and leaves out nothing.
fn finds_changes(filter: &MetricFilter) -> bool {
    let pattern: String = filter
        .pattern
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '"')
        .collect();
    let has = |name: &&str| {
        let term = format!("$.eventName={name}");
        pattern.match_indices(&term).any(|(at, _)| {
            let next = pattern[at + term.len()..].chars().next();
            next.is_none_or(|letter| !letter.is_alphanumeric())
        })
    };
    CHANGES.iter().all(has) && !pattern.contains("&&") && !pattern.contains("!=")
}

pub(super) fn changes_watched(ground: &Ground<'_>) -> Vec<Judgement> {
    let survey = ground.survey;
    let good = |name: &str| {
        message!(
            "The log group of {name} is watched.",
            "{name} のロググループが監視されています。"
        )
    };
    any_trail(ground, Kinds::MultiRegion, good, |trail| {
        let Some(group) = survey.log_group_of(trail) else {
            return match &trail.log_group {
                Some(_) => Known::Unknown(vec![Missing::not_asked("logs:DescribeMetricFilters")]),
                None => Known::No(vec![message!("it has no log group", "ロググループがありません")]),
            };
        };
        let watched = Known::by(&group.metric_filters, |filters| {
            let filters: Vec<_> = filters.iter().filter(|filter| finds_changes(filter)).collect();
            if filters.is_empty() {
                return Known::No(vec![message!(
                    "its log group has no metric filter for changes of trails",
                    "証跡の変更を捉えるメトリクスフィルターがありません"
                )]);
            }
            alarmed(survey, &group.region, &filters)
        });
        let recorded = selects(trail, selection::changes_of_trails, |_| {
            message!(
                "it does not log the management events that change trails",
                "証跡を変更する管理イベントを記録していません"
            )
        });
        Known::all([is_multi_region(trail), is_logging(trail), recorded, watched])
    })
}

/// Whether an alarm on a metric of these filters tells someone.
fn alarmed(survey: &Survey, region: &str, filters: &[&MetricFilter]) -> Known {
    let Some(facts) = survey.by_region.get(region) else {
        return Known::Unknown(vec![Missing::not_asked("cloudwatch:DescribeAlarms")]);
    };
    Known::by(&facts.alarms, |alarms| {
        let is_of = |alarm: &&Alarm| {
            let metric = (alarm.namespace.clone(), alarm.metric.clone());
            filters.iter().any(|filter| filter.metrics.contains(&metric))
        };
        let (mut unknown, mut found) = (Vec::new(), false);
        for alarm in alarms.iter().filter(is_of) {
            found = true;
            match told(survey, alarm) {
                Known::Yes => return Known::Yes,
                Known::Unknown(more) => unknown.extend(more),
                Known::No(_) => {}
            }
        }
        match (found, unknown.is_empty()) {
            (false, _) => Known::No(vec![message!(
                "the filter has no alarm",
                "フィルターにアラームがありません"
            )]),
            (true, false) => Known::Unknown(unknown),
            (true, true) => Known::No(vec![message!("the alarm tells nobody", "アラームの通知先がありません")]),
        }
    })
}

fn told(survey: &Survey, alarm: &Alarm) -> Known {
    let nobody = || Known::No(Vec::new());
    let topics = alarm.actions.iter().filter(|action| action.contains(":sns:"));
    let (mut unknown, mut any) = (Vec::new(), false);
    for arn in topics.filter(|_| alarm.actions_enabled) {
        any = true;
        match survey.topics.get(arn).map(|topic| &topic.subscriptions) {
            Some(Fact::Known(all)) if all.iter().any(|one| one.arn != "PendingConfirmation") => return Known::Yes,
            Some(Fact::Known(_)) => {}
            Some(Fact::NotAvailable(missing)) => unknown.push(missing.clone()),
            None => unknown.push(Missing::not_asked("sns:ListSubscriptionsByTopic")),
        }
    }
    if any && !unknown.is_empty() {
        Known::Unknown(unknown)
    } else {
        nobody()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_must_find_every_change() {
        let check = |pattern: &str, expected: bool| {
            let filter = MetricFilter {
                pattern: pattern.to_owned(),
                ..MetricFilter::default()
            };
            assert_eq!(finds_changes(&filter), expected, "{pattern}");
        };
        let all = "{($.eventName=CreateTrail) || ($.eventName=UpdateTrail) || ($.eventName=DeleteTrail) || \
                   ($.eventName = \"StartLogging\") || ($.eventName=StopLogging)}";
        check(all, true);
        check(&all.replace("StopLogging", "StopLoggingNot"), false);
        check(&all.replace("DeleteTrail", "DeleteBucket"), false);
        check(&format!("{{{all} && ($.errorCode NOT EXISTS)}}"), false);
    }
}
