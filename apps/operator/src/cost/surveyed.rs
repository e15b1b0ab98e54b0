//! What a survey tells of a month's costs: the keys that there are, and how often each management event is delivered.

use super::{KeyFacts, ManagementEvents, Usage};
use crate::{
    message,
    message::Message,
    survey::{Fact, Key, Selectors, Survey, Trail},
};
use base::Timestamp;

/// Days between rotations, where KMS does not say.
const ROTATION_DAYS: u32 = 365;
const DAY_SECONDS: u64 = 86_400;

/// The keys and copies of a survey, and what had to be taken to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// The keys of this account, and management events with their copies. Nothing else is known from a survey.
    pub usage: Usage,
    /// What is taken to be so.
    pub assumptions: Vec<Message>,
}

impl Surveyed {
    /// Of a survey, and of so many management events a month in all Regions together.
    pub fn of(survey: &Survey, management_events: u64) -> Surveyed {
        let mut assumptions = Vec::new();
        let keys = survey.keys.values();
        let keys = keys.filter_map(|key| facts(survey, key, &mut assumptions)).collect();
        Surveyed {
            usage: Usage {
                keys,
                management: vec![management(survey, management_events, &mut assumptions)],
                ..Usage::default()
            },
            assumptions,
        }
    }
}

/// What a key's price depends on; nothing when this account does not pay for it, or when too little is known.
fn facts(survey: &Survey, key: &Key, assumptions: &mut Vec<Message>) -> Option<KeyFacts> {
    let name = key.arn.clone();
    let metadata = match &key.metadata {
        Fact::Known(metadata) => metadata,
        Fact::NotAvailable(missing) => {
            let (call, code) = (&missing.call, &missing.code);
            assumptions.push(message!(
                "The key {name} is not counted, for it could not be looked at ({call}: {code}).",
                "キー {name} は参照できなかったため ({call}: {code})、計算に含めていません。"
            ));
            return None;
        }
    };
    let account = key.account();
    if account != survey.account {
        assumptions.push(message!(
            "The key {name} is charged to its own account {account}.",
            "キー {name} の料金は、そのキーのアカウント {account} に課金されます。"
        ));
        return None;
    }
    let aws_managed = metadata.manager == "AWS";
    let is_primary = metadata.primary.as_ref().is_none_or(|primary| *primary == key.arn);
    Some(KeyFacts {
        rotations: if aws_managed {
            0
        } else {
            rotations(survey, key, metadata.created, assumptions)
        },
        replicas: match is_primary {
            true => u32::try_from(metadata.replicas.len()).unwrap_or(u32::MAX),
            false => 0,
        },
        name: Some(name),
        aws_managed,
        pending_deletion: metadata.state.starts_with("Pending") && metadata.state.ends_with("Deletion"),
        hours: None,
    })
}

/// How often a key was rotated, by its age.
fn rotations(survey: &Survey, key: &Key, created: Option<Timestamp>, assumptions: &mut Vec<Message>) -> u32 {
    let name = &key.arn;
    let rotation = match &key.rotation {
        Fact::Known(rotation) => rotation,
        Fact::NotAvailable(missing) => {
            let (call, code) = (&missing.call, &missing.code);
            assumptions.push(message!(
                "The key {name} was never rotated; whether it is could not be read ({call}: {code}).",
                "キー {name} はローテーションされたことがないものとします。設定は読み取れませんでした ({call}: {code})。"
            ));
            return 0;
        }
    };
    let (true, Some(created), Some(now)) = (rotation.enabled, created, survey.made_at) else {
        return 0;
    };
    let days = rotation.period_days.unwrap_or(ROTATION_DAYS).max(1);
    let rotations = now.since(created).as_secs() / DAY_SECONDS / u64::from(days);
    assumptions.push(message!(
        "The key {name} has been rotated every {days} days since it was made.",
        "キー {name} は作成以来 {days} 日ごとにローテーションされているものとします。"
    ));
    u32::try_from(rotations).unwrap_or(u32::MAX)
}

/// Management events with the greatest number of trails that deliver them in one Region.
fn management(survey: &Survey, events: u64, assumptions: &mut Vec<Message>) -> ManagementEvents {
    let delivering = |region: &String| -> Vec<&Trail> {
        let trails = survey.trails.iter();
        trails.filter(|trail| delivers_management(trail, region)).collect()
    };
    let most = survey.regions.iter().map(|region| (region, delivering(region)));
    let most = most.max_by(|(one, a), (other, b)| a.len().cmp(&b.len()).then(other.cmp(one)));
    let Some((region, trails)) = most else {
        return ManagementEvents {
            events,
            ..ManagementEvents::default()
        };
    };
    let copies = trails.len();
    if copies == 0 {
        assumptions.push(message!(
            "No trail delivers management events.",
            "管理イベントを配信する証跡はありません。"
        ));
    }
    let names: Vec<&str> = trails.iter().map(|trail| trail.name.as_str()).collect();
    let names = names.join(", ");
    if copies > 0 {
        assumptions.push(message!(
            "Management events are delivered by {copies} trails ({names}), as in {region}, where they are most; a trail that selects only some of them is counted as one that selects all.",
            "管理イベントは、最も多いリージョン {region} と同じく {copies} 個の証跡 ({names}) によって配信されるものとします。一部だけを選択する証跡も、すべてを選択するものとして数えます。"
        ));
    }
    ManagementEvents {
        region: None,
        events,
        copies: u32::try_from(copies).unwrap_or(u32::MAX),
    }
}

/// Whether a trail delivers management events of a Region. What is not known is taken to be so.
fn delivers_management(trail: &Trail, region: &str) -> bool {
    let logs = trail.status.known().is_none_or(|status| status.is_logging);
    let covers = trail.multi_region || trail.home_region == region;
    logs && covers && trail.selectors.known().is_none_or(selects_management)
}

fn selects_management(selectors: &Selectors) -> bool {
    let basic = selectors
        .basic
        .iter()
        .any(|selector| selector.include_management_events);
    let is_management = |values: &[String]| values.iter().any(|value| value == "Management");
    let mut conditions = selectors.advanced.iter().flat_map(|selector| &selector.field_selectors);
    basic || conditions.any(|field| field.field == "eventCategory" && is_management(&field.equals))
}
