//! What was typed into the form, and the order that it makes.

use crate::{context::Context, form::Form};
use operator::{
    message,
    message::Message,
    setup::{Order, faults},
    template::Text,
    trail::{DataResource, Definition, EventSelector, Key, Logs, Topic},
};
use std::collections::BTreeMap;

/// What is wrong, by the name of the field it belongs to; what belongs to none is under `""`.
pub(super) type Faults = BTreeMap<&'static str, Vec<Message>>;

/// Where the events of a trail are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    One,
    /// A trail of its own in each of some Regions.
    Each,
}

/// What was typed, or what stands in the form at first.
pub(super) struct Typed {
    pub(super) region: String,
    pub(super) name: String,
    pub(super) scope: Scope,
    pub(super) regions: String,
    /// `All`, `ReadOnly`, `WriteOnly` or `None`.
    pub(super) management: String,
    /// The same for data events, never `None`.
    pub(super) data: String,
    pub(super) s3: String,
    pub(super) lambda: String,
    pub(super) dynamodb: String,
    pub(super) new_bucket: bool,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) sealed: bool,
    pub(super) new_key: bool,
    pub(super) alias: String,
    pub(super) key: String,
    pub(super) readers: String,
    pub(super) console_policies: bool,
    pub(super) validation: bool,
    pub(super) logs: bool,
    pub(super) group: String,
    pub(super) tells: bool,
    pub(super) topic: String,
    /// Management events of a month, for the estimate.
    pub(super) events: String,
}

/// How many management events a month the estimate takes, where nothing else is said.
const EVENTS: &str = "100000";

impl Typed {
    /// The form as it is at first.
    pub(super) fn fresh(c: &Context) -> Typed {
        let account = &c.session.caller.account;
        let region = c.region.clone();
        Typed {
            bucket: format!("cloudtrail-{account}-{region}"),
            name: "audit".to_owned(),
            scope: Scope::All,
            regions: String::new(),
            management: "All".to_owned(),
            data: "All".to_owned(),
            s3: String::new(),
            lambda: String::new(),
            dynamodb: String::new(),
            new_bucket: true,
            prefix: String::new(),
            sealed: true,
            new_key: true,
            alias: "cloudtrail".to_owned(),
            key: String::new(),
            readers: String::new(),
            console_policies: false,
            validation: true,
            logs: false,
            group: "CloudTrail".to_owned(),
            tells: false,
            topic: "cloudtrail".to_owned(),
            events: EVENTS.to_owned(),
            region,
        }
    }

    /// What was sent.
    pub(super) fn of(form: &Form) -> Typed {
        let text = |name: &str| form.get(name).to_owned();
        let one_of = |name: &str, known: &[&str]| match form.get(name) {
            given if known.contains(&given) => given.to_owned(),
            _ => "All".to_owned(),
        };
        Typed {
            region: text("home"),
            name: text("name"),
            scope: match form.get("scope") {
                "one" => Scope::One,
                "each" => Scope::Each,
                _ => Scope::All,
            },
            regions: text("regions"),
            management: one_of("management", &["All", "ReadOnly", "WriteOnly", "None"]),
            data: one_of("data", &["All", "ReadOnly", "WriteOnly"]),
            s3: text("s3"),
            lambda: text("lambda"),
            dynamodb: text("dynamodb"),
            new_bucket: form.get("bucket-is") != "there",
            bucket: text("bucket"),
            prefix: text("prefix"),
            sealed: form.get("sealed") != "no",
            new_key: form.get("key-is") != "there",
            alias: text("alias"),
            key: text("key"),
            readers: text("readers"),
            console_policies: form.get("policies") == "console",
            validation: form.is_on("validation"),
            logs: form.is_on("logs"),
            group: text("group"),
            tells: form.is_on("tells"),
            topic: text("topic"),
            events: text("events"),
        }
    }

    /// Management events of a month.
    pub(super) fn events_a_month(&self) -> Option<u64> {
        self.events.replace([',', '_', ' '], "").parse().ok()
    }

    /// The Regions that get a trail each.
    fn each(&self, c: &Context) -> Vec<String> {
        match words(&self.regions).as_slice() {
            [] => c.regions().to_vec(),
            named => {
                let mut regions: Vec<String> = Vec::new();
                for region in named.iter().map(|region| (*region).to_owned()) {
                    if !regions.contains(&region) {
                        regions.push(region);
                    }
                }
                regions
            }
        }
    }

    /// The order, and what is wrong with what was typed.
    pub(super) fn order(&self, c: &Context) -> (Order, Faults) {
        let mut faults = Faults::new();
        let mut note = |field: &'static str, fault: Option<Message>| {
            faults.entry(field).or_default().extend(fault);
        };
        note("home", faults::of_region(&self.region, c.regions()));
        note("name", faults::of_name(&self.name));
        let per_region = match self.scope {
            Scope::Each => self.each(c),
            Scope::All | Scope::One => Vec::new(),
        };
        for region in &per_region {
            note("regions", faults::of_region(region, c.regions()));
        }
        note("bucket", faults::of_bucket(&self.bucket));
        note("prefix", faults::of_prefix(&self.prefix));
        if self.logs {
            note("group", faults::of_group(&self.group));
        }
        if self.tells {
            note("topic", faults::of_topic(&self.topic));
        }
        if self.sealed && self.new_key {
            note("alias", faults::of_alias(&self.alias));
            for reader in words(&self.readers) {
                note("readers", faults::of_reader(reader));
            }
        }
        if self.sealed && !self.new_key {
            note("key", faults::of_key(&self.key));
        }
        if self.events_a_month().is_none() {
            note(
                "events",
                Some(message!(
                    "This is no number of events.",
                    "イベント数を整数で指定してください。"
                )),
            );
        }
        let (resources, odd) = self.data_resources();
        for (field, fault) in odd {
            note(field, Some(fault));
        }
        if self.management == "None" && resources.is_empty() {
            note(
                "management",
                Some(message!(
                    "A trail records something: choose management events or data events.",
                    "管理イベントかデータイベントの少なくとも一方を選択してください。"
                )),
            );
        }
        faults.retain(|_, all| !all.is_empty());
        let order = Order {
            definition: self.definition(resources),
            // The console's policies are for what is new.
            console_policies: self.console_policies && self.new_bucket && (self.new_key || !self.sealed),
            per_region,
        };
        (order, faults)
    }

    fn definition(&self, resources: Vec<DataResource>) -> Definition {
        let mut trail = Definition {
            name: self.name.clone(),
            region: Some(self.region.clone()),
            all_regions: self.scope == Scope::All,
            global_events: self.scope == Scope::All,
            validation: self.validation,
            key: self.key_of_trail(),
            logs: self.logs.then(|| Logs {
                group: Text::parse(&self.group),
                ..Logs::default()
            }),
            topic: self.tells.then(|| Topic {
                name: Text::parse(&self.topic),
                existing: self.topic.starts_with("arn:"),
                ..Topic::default()
            }),
            event_selectors: self.selectors(resources),
            ..Definition::default()
        };
        trail.bucket.name = Text::parse(&self.bucket);
        trail.bucket.existing = !self.new_bucket;
        trail.bucket.prefix = Some(self.prefix.clone()).filter(|prefix| !prefix.is_empty());
        trail
    }

    fn key_of_trail(&self) -> Option<Key> {
        let readers = words(&self.readers).into_iter().map(Text::parse).collect();
        self.sealed.then(|| match self.new_key {
            true => Key {
                alias: Some(Text::parse(&faults::with_alias(&self.alias))),
                readers,
                ..Key::default()
            },
            false => Key {
                existing: Some(Text::parse(&self.key)),
                readers,
                ..Key::default()
            },
        })
    }

    /// One selector where one is enough: what is all of everything needs none.
    fn selectors(&self, resources: Vec<DataResource>) -> Vec<EventSelector> {
        let management = |data_resources| EventSelector {
            read_write_type: self.management.clone(),
            data_resources,
            ..EventSelector::default()
        };
        let data = |data_resources| EventSelector {
            read_write_type: self.data.clone(),
            include_management_events: false,
            data_resources,
            ..EventSelector::default()
        };
        match (resources.is_empty(), self.management.as_str()) {
            (true, "All") => Vec::new(),
            (true, _) => vec![management(Vec::new())],
            (false, "None") => vec![data(resources)],
            (false, one) if one == self.data => vec![management(resources)],
            (false, _) => vec![management(Vec::new()), data(resources)],
        }
    }

    /// The resources whose data events are recorded, and what of them is none.
    fn data_resources(&self) -> (Vec<DataResource>, Vec<(&'static str, Message)>) {
        let fields: [(&'static str, &str, &str, Arn); 3] = [
            ("s3", "AWS::S3::Object", &self.s3, of_objects),
            ("lambda", "AWS::Lambda::Function", &self.lambda, of_function),
            ("dynamodb", "AWS::DynamoDB::Table", &self.dynamodb, of_table),
        ];
        let (mut resources, mut odd) = (Vec::new(), Vec::new());
        for (field, kind, typed, arn) in fields {
            let mut values = Vec::new();
            for word in words(typed) {
                match arn(word, &self.region) {
                    Some(value) => values.push(Text::parse(&value)),
                    None => odd.push((field, message!("{word} is none of these.", "{word} は指定できません。"))),
                }
            }
            if !values.is_empty() {
                resources.push(DataResource {
                    kind: kind.to_owned(),
                    values,
                });
            }
        }
        (resources, odd)
    }
}

/// Words between blanks, commas and line ends.
pub(super) fn words(text: &str) -> Vec<&str> {
    let parts = text.split(|letter: char| letter.is_whitespace() || letter == ',');
    parts.filter(|word| !word.is_empty()).collect()
}

/// What a data event's resource is called in a selector.
type Arn = fn(&str, &str) -> Option<String>;

fn of_service(word: &str, service: &str) -> Option<String> {
    match word {
        "*" => Some(format!("arn:{{partition}}:{service}")),
        arn if arn.starts_with("arn:") => {
            let mut parts = arn.split(':').skip(2);
            (parts.next() == Some(service)).then(|| arn.to_owned())
        }
        _ => None,
    }
}

/// `bucket`, `bucket/prefix`, an ARN, or `*` for all.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html>
fn of_objects(word: &str, _: &str) -> Option<String> {
    of_service(word, "s3").or_else(|| {
        let word = word.strip_prefix("s3://").unwrap_or(word);
        let bucket = word.split('/').next().unwrap_or_default();
        let path = if word.contains('/') { "" } else { "/" };
        let is_bucket = faults::of_bucket(bucket).is_none() && !word.starts_with("arn:") && !word.contains('*');
        is_bucket.then(|| format!("arn:{{partition}}:s3:::{word}{path}"))
    })
}

fn of_function(word: &str, region: &str) -> Option<String> {
    of_service(word, "lambda")
        .or_else(|| is_plain(word).then(|| format!("arn:{{partition}}:lambda:{region}:{{account}}:function:{word}")))
}

fn of_table(word: &str, region: &str) -> Option<String> {
    of_service(word, "dynamodb")
        .or_else(|| is_plain(word).then(|| format!("arn:{{partition}}:dynamodb:{region}:{{account}}:table/{word}")))
}

fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || b"._-".contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Typed {
        Typed::of(&Form::parse(text.as_bytes()))
    }

    #[test]
    fn data_events_are_named_as_selectors_name_them() {
        let check =
            |arn: Arn, word: &str, expected: Option<&str>| assert_eq!(arn(word, "r").as_deref(), expected, "{word}");
        check(of_objects, "logs", Some("arn:{partition}:s3:::logs/"));
        check(of_objects, "s3://logs/a/b", Some("arn:{partition}:s3:::logs/a/b"));
        check(of_objects, "*", Some("arn:{partition}:s3"));
        check(of_objects, "arn:aws:s3:::logs/", Some("arn:aws:s3:::logs/"));
        check(of_objects, "arn:aws:lambda:::x", None);
        check(of_objects, "No Bucket", None);
        check(of_function, "f", Some("arn:{partition}:lambda:r:{account}:function:f"));
        check(of_function, "*", Some("arn:{partition}:lambda"));
        check(of_table, "t", Some("arn:{partition}:dynamodb:r:{account}:table/t"));
        check(of_table, "t*", None);
    }

    #[test]
    fn selectors_are_as_few_as_they_can_be() {
        let check = |text: &str, expected: &[(&str, bool, usize)]| {
            let typed = typed(text);
            let (resources, odd) = typed.data_resources();
            assert!(odd.is_empty());
            let found = typed.selectors(resources);
            let found: Vec<(&str, bool, usize)> = found
                .iter()
                .map(|one| {
                    let data = one.data_resources.len();
                    (one.read_write_type.as_str(), one.include_management_events, data)
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("management=All", &[]);
        check("management=WriteOnly", &[("WriteOnly", true, 0)]);
        check("management=All&data=All&s3=a-bucket&lambda=*", &[("All", true, 2)]);
        check(
            "management=All&data=WriteOnly&s3=a-bucket",
            &[("All", true, 0), ("WriteOnly", false, 1)],
        );
        check("management=None&data=ReadOnly&dynamodb=t", &[("ReadOnly", false, 1)]);
    }
}
