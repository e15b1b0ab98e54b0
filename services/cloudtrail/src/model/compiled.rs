//! The selectors of all logging trails in the form in which events are matched against them: one event in well under a
//! microsecond, however many values there are.
//!
//! Values, beginnings and ends are numbered once for an account, so that an event's text is looked up once for all of its
//! trails and compared as numbers (`symbols`); selectors that differ in one list of values alone become one; selectors of
//! data events are found by the type of the event's resource; and of many only those are looked at that want a value which
//! the event has (`rules`).
//!
//! `dev/spec` says the same slowly, and a test compares them.

mod rules;
mod symbols;

use super::{
    advanced::{AdvancedEventSelector, Field, FieldSelector},
    selector::{DataResource, EventSelector, EventSelectors, ReadWriteType, S3_OBJECT},
};
use base::{AccountId, Region};
use gateway::ports::Candidate;
use record::EventCategory;
use rules::Rules;
use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};
use store::Selection;
use symbols::{Numbering, Symbols, Value};

/// The type of the resource that a call on a bucket has where its data event is one of objects.
const S3_BUCKET: &str = "AWS::S3::Bucket";

/// What selection needs to know of a trail.
pub struct LoggedTrail<'a> {
    /// Its owner.
    pub account: AccountId,
    /// What entries name that it selected.
    pub selection: Selection,
    /// The one Region that it covers; `None`: all.
    pub only_in: Option<&'a Region>,
    /// Whether events of global services are wanted.
    pub include_global: bool,
    /// Whether CloudTrail's own deliveries are wanted.
    pub recursive: bool,
    /// Of a trail that does not log: the request that stopped it, whose own event is the last it selects.
    pub stopped_by: Option<&'a str>,
    /// What it selects.
    pub selectors: &'a EventSelectors,
}

/// The trails of all accounts, compiled.
#[derive(Default)]
pub struct Compiled {
    accounts: HashMap<AccountId, Account>,
}

/// The trails of an account, which has the numbers of its values.
#[derive(Default)]
struct Account {
    symbols: Symbols,
    trails: Vec<Compact>,
    management: Vec<Of>,
    network: Vec<Of>,
    data: HashMap<Box<str>, Vec<Of>>,
}

/// What a trail is beside its rules.
struct Compact {
    selection: Selection,
    only_in: Option<Region>,
    include_global: bool,
    recursive: bool,
    stopped_by: Option<Box<str>>,
}

/// The rules of one of the account's trails.
struct Of {
    trail: usize,
    rules: Rules,
}

impl Compiled {
    /// Compiles the trails that log, or whose last event may still come.
    pub fn of<'a>(trails: impl IntoIterator<Item = LoggedTrail<'a>>) -> Compiled {
        let mut accounts: HashMap<AccountId, (Account, Numbering)> = HashMap::new();
        for trail in trails {
            let (account, numbering) = accounts.entry(trail.account).or_default();
            account.add(trail, numbering);
        }
        let done = |(id, (account, numbering)): (AccountId, (Account, Numbering))| {
            let symbols = numbering.done();
            (id, Account { symbols, ..account })
        };
        Compiled {
            accounts: accounts.into_iter().map(done).collect(),
        }
    }

    /// The trails that select the event.
    pub fn select(&self, event: &Candidate<'_>) -> Vec<Selection> {
        let Some(account) = self.accounts.get(&event.account) else {
            return Vec::new();
        };
        let chosen = account.choose(event);
        let trails = chosen.into_iter().filter_map(|trail| account.trails.get(trail));
        trails.map(|trail| trail.selection.clone()).collect()
    }
}

impl Account {
    fn add(&mut self, trail: LoggedTrail<'_>, numbering: &mut Numbering) {
        let place = self.trails.len();
        let mut plain = Plain::default();
        match trail.selectors {
            EventSelectors::Basic(selectors) => selectors.iter().for_each(|selector| plain.add_basic(selector)),
            EventSelectors::Advanced(selectors) => selectors.iter().for_each(|selector| plain.add_advanced(selector)),
        }
        let mut rules = |plain: Vec<PlainRule>| Of {
            trail: place,
            rules: Rules::of(&merged(plain), numbering),
        };
        let of_management = rules(plain.management);
        let of_network = rules(plain.network);
        let of_data: Vec<_> = plain
            .data
            .into_iter()
            .map(|(of_type, plain)| (of_type, rules(plain)))
            .collect();
        self.management.push(of_management);
        self.network.push(of_network);
        for (of_type, rules) in of_data {
            self.data.entry(of_type.into()).or_default().push(rules);
        }
        self.trails.push(Compact {
            selection: trail.selection,
            only_in: trail.only_in.cloned(),
            include_global: trail.include_global,
            recursive: trail.recursive,
            stopped_by: trail.stopped_by.map(Box::from),
        });
    }

    /// The places of the trails that select the event, each once.
    fn choose(&self, event: &Candidate<'_>) -> Vec<usize> {
        let mut chosen = Vec::new();
        match event.category {
            EventCategory::Management => self.choose_by(&self.management, &Asked::of(self, event, None), &mut chosen),
            EventCategory::NetworkActivity => {
                self.choose_by(&self.network, &Asked::of(self, event, None), &mut chosen);
            }
            EventCategory::Data => {
                let mut types: Vec<&str> = Vec::with_capacity(2);
                let told = event.resources.iter().map(|resource| &*resource.resource_type);
                for of_type in event.resource_type.into_iter().chain(told) {
                    if types.contains(&of_type) {
                        continue;
                    }
                    types.push(of_type);
                    if let Some(rules) = self.data.get(of_type) {
                        self.choose_by(rules, &Asked::of(self, event, Some(of_type)), &mut chosen);
                    }
                }
            }
            // A channel names the trails that get what happened outside of AWS: that is their selection.
            EventCategory::ActivityAuditLog => {
                let all = self.trails.iter().enumerate();
                chosen.extend(all.filter(|(_, trail)| trail.may_select(event)).map(|(place, _)| place));
            }
            // Trails have no selectors of Insights events.
            EventCategory::Insight => {}
        }
        chosen
    }

    fn choose_by(&self, rules: &[Of], asked: &Asked<'_>, chosen: &mut Vec<usize>) {
        for of in rules {
            if chosen.contains(&of.trail)
                || !self
                    .trails
                    .get(of.trail)
                    .is_some_and(|trail| trail.may_select(asked.event))
            {
                continue;
            }
            if of.rules.want(asked) {
                chosen.push(of.trail);
            }
        }
    }
}

impl Compact {
    fn may_select(&self, event: &Candidate<'_>) -> bool {
        self.only_in.as_ref().is_none_or(|region| region == event.region)
            && (self.include_global || !event.global)
            && (self.recursive || !is_delivery(event))
            && self
                .stopped_by
                .as_deref()
                .is_none_or(|request| event.request_id == Some(request))
    }
}

/// Whether CloudTrail made the event by delivering.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-recursive-logging.html>
fn is_delivery(event: &Candidate<'_>) -> bool {
    event.invoked_by == Some("cloudtrail.amazonaws.com")
        && matches!(
            (event.event_source, event.event_name),
            ("s3.amazonaws.com", "PutObject") | ("logs.amazonaws.com", "PutLogEvents")
        )
}

/// An event with what its rules compare, each looked up at most once.
struct Asked<'a> {
    event: &'a Candidate<'a>,
    symbols: &'a Symbols,
    of_type: Option<&'a str>,
    /// By field.
    texts: [OnceCell<Option<Value<'a>>>; 7],
    arns: OnceCell<Vec<Value<'a>>>,
}

impl<'a> Asked<'a> {
    fn of(account: &'a Account, event: &'a Candidate<'a>, of_type: Option<&'a str>) -> Asked<'a> {
        Asked {
            event,
            symbols: &account.symbols,
            of_type,
            texts: Default::default(),
            arns: OnceCell::new(),
        }
    }

    fn value(&self, text: impl Into<Cow<'a, str>>) -> Value<'a> {
        Value::of(text.into(), self.symbols)
    }

    /// The ARNs that `resources.ARN` is compared with: of the resources of the type that the selector names. A call on a
    /// bucket that makes a data event of objects is one on the bucket's whole.
    fn arns(&self) -> &[Value<'a>] {
        self.arns.get_or_init(|| {
            let of_type = self.of_type.unwrap_or("");
            let mut arns: Vec<_> = arns_of(self.event, of_type).map(|arn| self.value(arn)).collect();
            if arns.is_empty() && of_type == S3_OBJECT {
                arns.extend(arns_of(self.event, S3_BUCKET).map(|arn| self.value(format!("{arn}/"))));
            }
            if arns.is_empty() {
                arns.extend(
                    self.event
                        .resources
                        .iter()
                        .map(|resource| self.value(resource.arn.as_str())),
                );
            }
            arns
        })
    }

    /// The text of a field that an event has at most once.
    fn text(&self, field: Text) -> Option<&Value<'a>> {
        let event = self.event;
        let text = match field {
            Text::Name => Some(event.event_name),
            Text::Source => Some(event.event_source),
            Text::Type => Some(event.event_type),
            Text::Console => event.from_console.then_some("true"),
            Text::Error => event.error_code,
            Text::Endpoint => event.vpc_endpoint,
            Text::User => event.user_arn.as_deref(),
            Text::Arn => None,
        };
        let known = self.texts.get(field as usize)?;
        known.get_or_init(|| text.map(|text| self.value(text))).as_ref()
    }

    /// What the event has of a field.
    fn values(&self, field: Text) -> impl Iterator<Item = &Value<'a>> {
        let arns = match field {
            Text::Arn => self.arns(),
            _ => &[],
        };
        self.text(field).into_iter().chain(arns)
    }

    /// Whether the field of the event passes.
    fn passes(&self, field: Text, matcher: &Matcher) -> bool {
        match field {
            // One of several resources is enough.
            Text::Arn => match self.arns() {
                [] => matcher.passes(None),
                arns => arns.iter().any(|arn| matcher.passes(Some(arn))),
            },
            one => matcher.passes(self.text(one)),
        }
    }
}

/// The ARNs of an event's resources of a type.
fn arns_of<'a>(event: &'a Candidate<'a>, of_type: &'a str) -> impl Iterator<Item = &'a str> {
    let found = event
        .resources
        .iter()
        .filter(move |resource| resource.resource_type == of_type);
    found.map(|resource| resource.arn.as_str())
}

/// The fields that are compared as text, the cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Text {
    Name,
    Source,
    Type,
    Console,
    Error,
    Endpoint,
    User,
    Arn,
}

impl Text {
    fn of(field: Field) -> Option<Text> {
        Some(match field {
            Field::EventSource => Text::Source,
            Field::EventName => Text::Name,
            Field::EventType => Text::Type,
            Field::SessionCredentialFromConsole => Text::Console,
            Field::UserIdentityArn => Text::User,
            Field::ResourcesArn => Text::Arn,
            Field::ErrorCode => Text::Error,
            Field::VpcEndpointId => Text::Endpoint,
            Field::EventCategory | Field::ReadOnly | Field::ResourcesType => return None,
        })
    }
}

/// Some values of a field, as selectors write them.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Values {
    equals: BTreeSet<String>,
    starts: BTreeSet<String>,
    ends: BTreeSet<String>,
}

impl Values {
    fn of(equals: &[String], starts: &[String], ends: &[String]) -> Values {
        let set = |values: &[String]| values.iter().cloned().collect();
        Values {
            equals: set(equals),
            starts: set(starts),
            ends: set(ends),
        }
    }

    fn is_empty(&self) -> bool {
        self.equals.is_empty() && self.starts.is_empty() && self.ends.is_empty()
    }

    fn join(&mut self, other: Values) {
        self.equals.extend(other.equals);
        self.starts.extend(other.starts);
        self.ends.extend(other.ends);
    }
}

/// What a field must meet, and what it must not.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Conditions {
    wanted: Values,
    unwanted: Values,
}

/// One selector before it is compiled; its category and resource type say where it stands.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct PlainRule {
    read_only: Option<bool>,
    texts: BTreeMap<Text, Conditions>,
}

#[derive(Default)]
struct Plain {
    management: Vec<PlainRule>,
    network: Vec<PlainRule>,
    data: BTreeMap<String, Vec<PlainRule>>,
}

impl Plain {
    fn add_basic(&mut self, selector: &EventSelector) {
        let read_only = match selector.read_write_type {
            ReadWriteType::All => None,
            ReadWriteType::ReadOnly => Some(true),
            ReadWriteType::WriteOnly => Some(false),
        };
        let rule = |field: Text, conditions: Conditions| PlainRule {
            read_only,
            texts: [(field, conditions)].into(),
        };
        if selector.include_management_events {
            let excluded = Conditions {
                unwanted: Values::of(&selector.exclude_management_event_sources, &[], &[]),
                ..Conditions::default()
            };
            self.management.push(rule(Text::Source, excluded));
        }
        for resource in &selector.data_resources {
            let of_type = &resource.resource_type;
            let rules = self.data.entry(of_type.clone()).or_default();
            if resource.values.iter().any(|value| DataResource::is_all(of_type, value)) {
                rules.push(PlainRule {
                    read_only,
                    ..PlainRule::default()
                });
            } else if !resource.values.is_empty() {
                let wanted = match of_type.as_str() {
                    S3_OBJECT => Values::of(&[], &resource.values, &[]),
                    _ => Values::of(&resource.values, &[], &[]),
                };
                let named = Conditions {
                    wanted,
                    ..Conditions::default()
                };
                rules.push(rule(Text::Arn, named));
            }
        }
    }

    fn add_advanced(&mut self, selector: &AdvancedEventSelector) {
        let mut rule = PlainRule::default();
        let (mut category, mut of_type) = ("", "");
        for told in &selector.field_selectors {
            match Field::parse(&told.field) {
                Some(Field::EventCategory) => category = told.equals.first().map_or("", String::as_str),
                Some(Field::ResourcesType) => of_type = told.equals.first().map_or("", String::as_str),
                Some(Field::ReadOnly) => rule.read_only = read_only(told),
                Some(field) => {
                    if let Some(text) = Text::of(field) {
                        rule.texts.insert(text, conditions(told));
                    }
                }
                None => {}
            }
        }
        match category {
            "Management" => self.management.push(rule),
            "NetworkActivity" => self.network.push(rule),
            "Data" => self.data.entry(of_type.to_owned()).or_default().push(rule),
            _ => {}
        }
    }
}

/// Both words are the same as none.
fn read_only(told: &FieldSelector) -> Option<bool> {
    let has = |word: &str| told.equals.iter().any(|value| value == word);
    (has("true") != has("false")).then(|| has("true"))
}

fn conditions(told: &FieldSelector) -> Conditions {
    Conditions {
        wanted: Values::of(&told.equals, &told.starts_with, &told.ends_with),
        unwanted: Values::of(&told.not_equals, &told.not_starts_with, &told.not_ends_with),
    }
}

/// Fewer rules that want the same: those that differ only in what they want of one field become one.
fn merged(mut rules: Vec<PlainRule>) -> Vec<PlainRule> {
    for field in [Text::Arn, Text::Name, Text::User, Text::Source, Text::Endpoint] {
        let mut groups: BTreeMap<PlainRule, Option<Values>> = BTreeMap::new();
        for mut rule in rules {
            match rule.texts.get_mut(&field) {
                Some(conditions) if !conditions.wanted.is_empty() => {
                    let wanted = std::mem::take(&mut conditions.wanted);
                    let group = groups.entry(rule).or_insert_with(|| Some(Values::default()));
                    if let Some(all) = group {
                        all.join(wanted);
                    }
                }
                // It wants every text of this field that the group's conditions leave.
                _ => {
                    rule.texts.entry(field).or_default();
                    groups.insert(rule, None);
                }
            }
        }
        let whole = |(mut rule, wanted): (PlainRule, Option<Values>)| {
            if let (Some(conditions), Some(wanted)) = (rule.texts.get_mut(&field), wanted) {
                conditions.wanted = wanted;
            }
            rule.texts.retain(|_, conditions| *conditions != Conditions::default());
            rule
        };
        rules = groups.into_iter().map(whole).collect();
    }
    rules
}

/// One selector, or several that became one.
struct Rule {
    read_only: Option<bool>,
    texts: Vec<(Text, Matcher)>,
}

impl Rule {
    fn of(rule: &PlainRule, numbering: &mut Numbering) -> Rule {
        Rule {
            read_only: rule.read_only,
            texts: rule
                .texts
                .iter()
                .map(|(field, conditions)| (*field, Matcher::of(conditions, numbering)))
                .collect(),
        }
    }

    fn wants(&self, asked: &Asked<'_>) -> bool {
        self.read_only
            .is_none_or(|read_only| read_only == asked.event.read_only)
            && self.texts.iter().all(|(field, matcher)| asked.passes(*field, matcher))
    }
}

/// The conditions on a field.
struct Matcher {
    /// `None` when anything is wanted.
    wanted: Option<Set>,
    unwanted: Option<Set>,
}

impl Matcher {
    fn of(conditions: &Conditions, numbering: &mut Numbering) -> Matcher {
        let mut set = |values: &Values| (!values.is_empty()).then(|| Set::of(values, numbering));
        Matcher {
            wanted: set(&conditions.wanted),
            unwanted: set(&conditions.unwanted),
        }
    }

    /// Whether a field passes that may be absent.
    fn passes(&self, value: Option<&Value<'_>>) -> bool {
        let has = |set: &Option<Set>| set.as_ref().map(|set| value.is_some_and(|value| set.has(value)));
        // Most events are not wanted: that first.
        has(&self.wanted) != Some(false) && has(&self.unwanted) != Some(true)
    }
}

/// Values of a field, by their numbers.
#[derive(Default)]
struct Set {
    whole: Vec<u32>,
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Set {
    fn of(values: &Values, numbering: &mut Numbering) -> Set {
        let mut set = Set {
            whole: values.equals.iter().map(|value| numbering.whole(value)).collect(),
            starts: values.starts.iter().map(|value| numbering.start(value)).collect(),
            ends: values.ends.iter().map(|value| numbering.end(value)).collect(),
        };
        for numbers in [&mut set.whole, &mut set.starts, &mut set.ends] {
            numbers.sort_unstable();
        }
        set
    }

    fn has(&self, value: &Value<'_>) -> bool {
        let any = |wanted: &[u32], has: &[u32]| has.iter().any(|number| wanted.binary_search(number).is_ok());
        (!self.whole.is_empty() && any(&self.whole, value.whole().as_slice()))
            || (!self.starts.is_empty() && any(&self.starts, value.starts()))
            || (!self.ends.is_empty() && any(&self.ends, value.ends()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::advanced::parse_advanced;
    use record::Resource;

    fn resource(of_type: &str, arn: &str) -> Resource {
        Resource {
            arn: base::Arn::parse(arn).unwrap(),
            account_id: Some(AccountId::FIRST),
            resource_type: of_type.to_owned().into(),
        }
    }

    fn event<'a>(region: &'a Region, resources: &'a [Resource]) -> Candidate<'a> {
        Candidate {
            account: AccountId::FIRST,
            region,
            category: EventCategory::Data,
            read_only: true,
            event_source: "s3.amazonaws.com",
            event_name: "GetObject",
            event_type: "AwsApiCall",
            error_code: None,
            user_arn: Some("arn:aws:iam::123456789012:user/alice".into()),
            invoked_by: None,
            from_console: false,
            vpc_endpoint: None,
            resource_type: Some(S3_OBJECT),
            resources,
            global: false,
            request_id: Some("request"),
        }
    }

    fn trail(selectors: &EventSelectors) -> LoggedTrail<'_> {
        LoggedTrail {
            account: AccountId::FIRST,
            selection: Selection {
                trail: "one".to_owned(),
                generation: 1,
            },
            only_in: None,
            include_global: true,
            recursive: true,
            stopped_by: None,
            selectors,
        }
    }

    fn is_selected(trail: LoggedTrail<'_>, event: &Candidate<'_>) -> bool {
        !Compiled::of([trail]).select(event).is_empty()
    }

    fn basic(resource_type: &str, values: &[&str]) -> EventSelectors {
        EventSelectors::Basic(vec![EventSelector {
            include_management_events: false,
            data_resources: vec![DataResource {
                resource_type: resource_type.to_owned(),
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
            ..EventSelector::standard()
        }])
    }

    /// Each row: a field, then what it must meet and what it must not, by operator.
    fn advanced(rows: &[&[(&str, &str, &[&str])]]) -> EventSelectors {
        let selector = |rows: &&[(&str, &str, &[&str])]| {
            let mut fields: Vec<FieldSelector> = Vec::new();
            for (field, operator, values) in *rows {
                if fields.last().is_none_or(|last| last.field != *field) {
                    fields.push(FieldSelector {
                        field: (*field).to_owned(),
                        ..FieldSelector::default()
                    });
                }
                let last = fields.last_mut().unwrap();
                let list = match *operator {
                    "=" => &mut last.equals,
                    "^" => &mut last.starts_with,
                    "$" => &mut last.ends_with,
                    "!=" => &mut last.not_equals,
                    "!^" => &mut last.not_starts_with,
                    _ => &mut last.not_ends_with,
                };
                list.extend(values.iter().map(|value| (*value).to_owned()));
            }
            AdvancedEventSelector {
                name: None,
                field_selectors: fields,
            }
        };
        EventSelectors::Advanced(parse_advanced(rows.iter().map(selector).collect()).unwrap())
    }

    const DATA: (&str, &str, &[&str]) = ("eventCategory", "=", &["Data"]);
    const OBJECTS: (&str, &str, &[&str]) = ("resources.type", "=", &[S3_OBJECT]);

    #[test]
    fn a_prefix_selects_the_objects_under_it() {
        let region = Region::us_east_1();
        let check = |value: &str, arn: &str, expected: bool| {
            let of_type = if arn.contains('/') { S3_OBJECT } else { S3_BUCKET };
            let resources = [resource(of_type, arn)];
            let selectors = basic(S3_OBJECT, &[value]);
            let event = event(&region, &resources);
            assert_eq!(is_selected(trail(&selectors), &event), expected, "{value} {arn}");
        };
        check("arn:aws:s3", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3:::", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3:::b/", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3:::b/", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::b/", "arn:aws:s3:::bb/k", false);
        check("arn:aws:s3:::b/", "arn:aws:s3:::bb", false);
        check("arn:aws:s3:::b/x", "arn:aws:s3:::b/xyz", true);
        check("arn:aws:s3:::b/x", "arn:aws:s3:::b/a", false);
        check("arn:aws:s3:::b/x", "arn:aws:s3:::b", false);
    }

    #[test]
    fn functions_are_exact_and_an_event_of_two_types_is_found_by_either() {
        let region = Region::us_east_1();
        let function = "arn:aws:lambda:us-east-1:123456789012:function:hello";
        let invoked = [resource("AWS::Lambda::Function", function)];
        let mut of_lambda = event(&region, &invoked);
        of_lambda.resource_type = None;
        for (value, expected) in [
            (function, true),
            ("arn:aws:lambda", true),
            (&format!("{function}2"), false),
        ] {
            let selectors = basic("AWS::Lambda::Function", &[value]);
            assert_eq!(is_selected(trail(&selectors), &of_lambda), expected, "{value}");
        }
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/t";
        let stream = format!("{table}/stream/1");
        let both = [
            resource("AWS::DynamoDB::Table", table),
            resource("AWS::DynamoDB::Stream", &stream),
        ];
        let mut of_stream = event(&region, &both);
        of_stream.resource_type = Some("AWS::DynamoDB::Stream");
        for of_type in ["AWS::DynamoDB::Table", "AWS::DynamoDB::Stream"] {
            let selectors = advanced(&[&[DATA, ("resources.type", "=", &[of_type])]]);
            assert!(is_selected(trail(&selectors), &of_stream), "{of_type}");
        }
        let selectors = advanced(&[&[DATA, ("resources.type", "=", &["AWS::SNS::Topic"])]]);
        assert!(!is_selected(trail(&selectors), &of_stream));
    }

    // The example of AWS's page on several conditions for a field.
    #[test]
    fn the_example_of_several_conditions_is_decided_as_aws_says() {
        let region = Region::us_east_1();
        let selectors = advanced(&[&[
            DATA,
            OBJECTS,
            ("resources.ARN", "=", &["arn:aws:s3:::bucket/object1"]),
            ("resources.ARN", "^", &["arn:aws:s3:::bucket/"]),
            ("resources.ARN", "$", &["object3"]),
            ("resources.ARN", "!^", &["arn:aws:s3:::bucket/deselect"]),
            ("resources.ARN", "!$", &["object5"]),
            ("resources.ARN", "!=", &["arn:aws:s3:::bucket/object6"]),
        ]]);
        for (object, expected) in [
            ("bucket/object1", true),
            ("bucket/object2", true),
            ("bucket1/object3", true),
            ("bucket1/object4", false),
            ("bucket/deselectObject4", false),
            ("bucket/object5", false),
            ("bucket/object6", false),
        ] {
            let resources = [resource(S3_OBJECT, &format!("arn:aws:s3:::{object}"))];
            let event = event(&region, &resources);
            assert_eq!(is_selected(trail(&selectors), &event), expected, "{object}");
        }
    }

    #[test]
    fn selectors_that_become_one_want_no_more_and_no_less() {
        let region = Region::us_east_1();
        let in_bucket = |bucket: &'static str| ("resources.ARN", "^", bucket);
        let (a, b) = (in_bucket("arn:aws:s3:::a/"), in_bucket("arn:aws:s3:::b/"));
        let selectors = advanced(&[
            &[DATA, OBJECTS, ("eventName", "=", &["PutObject"]), (a.0, a.1, &[a.2])],
            &[DATA, OBJECTS, ("eventName", "=", &["GetObject"]), (b.0, b.1, &[b.2])],
            &[DATA, OBJECTS, ("readOnly", "=", &["false"]), (b.0, b.1, &[b.2])],
        ]);
        for (name, read_only, bucket, expected) in [
            ("PutObject", false, "a", true),
            ("PutObject", false, "b", true),
            ("GetObject", true, "a", false),
            ("GetObject", true, "b", true),
            ("HeadObject", true, "b", false),
            ("DeleteObject", false, "a", false),
            ("DeleteObject", false, "b", true),
        ] {
            let resources = [resource(S3_OBJECT, &format!("arn:aws:s3:::{bucket}/k"))];
            let mut event = event(&region, &resources);
            event.event_name = name;
            event.read_only = read_only;
            assert_eq!(is_selected(trail(&selectors), &event), expected, "{name} {bucket}");
        }
    }

    #[test]
    fn region_global_events_deliveries_and_the_last_event_are_minded() {
        let (here, there) = (Region::us_east_1(), Region::parse("eu-west-1").unwrap());
        let selectors = EventSelectors::standard();
        let mut event = event(&here, &[]);
        event.category = EventCategory::Management;
        assert!(is_selected(trail(&selectors), &event));
        let at = |region| LoggedTrail {
            only_in: Some(region),
            ..trail(&selectors)
        };
        assert!(is_selected(at(&here), &event) && !is_selected(at(&there), &event));
        let last = |request| LoggedTrail {
            stopped_by: Some(request),
            ..trail(&selectors)
        };
        assert!(is_selected(last("request"), &event) && !is_selected(last("another"), &event));
        event.global = true;
        let local = LoggedTrail {
            include_global: false,
            ..trail(&selectors)
        };
        assert!(!is_selected(local, &event) && is_selected(trail(&selectors), &event));
        event.global = false;
        event.category = EventCategory::Data;
        (event.event_name, event.invoked_by) = ("PutObject", Some("cloudtrail.amazonaws.com"));
        let all = basic(S3_OBJECT, &["arn:aws:s3"]);
        let quiet = LoggedTrail {
            recursive: false,
            ..trail(&all)
        };
        assert!(is_selected(trail(&all), &event) && !is_selected(quiet, &event));
    }
}
