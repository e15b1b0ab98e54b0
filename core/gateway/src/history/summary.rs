//! Summaries: how many events there are, over time and by what they were, without reading the events.
//!
//! Beside a block's heads lies a summary of it: a version byte and the postcard of its different texts and of one [`Row`] for
//! each entry. A million events are some four thousand small sections, opened in a fraction of a second. Blocks of releases
//! before summaries have none: of those the records are read, which takes far longer and so ends an answer sooner.

use super::{
    Attribute, Found, Query,
    pack::{Heads, Packed},
    walk::{Walk, Walker},
};
use base::{Fault, Timestamp};
use bytes::Bytes;
use record::IndexFields;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::{borrow::Cow, collections::HashMap, ops::ControlFlow, time::Duration};
use store::{EntryPos, History, HistoryView, StoredBlock};

const VERSION: u8 = 1;
/// So much of a user agent is kept.
const AGENT_BYTES_MAX: usize = 64;
/// So many different values are told apart in one answer.
const VALUES_MAX: usize = 50_000;

/// What one answer may take, in the time that it takes to count a block by its summary.
const WORK: u32 = 20_000;
const BLOCK_WORK: u32 = 1;
const HEADS_WORK: u32 = 4;
/// Of a block without a summary, and of a piece of the journal.
const RECORDS_WORK: u32 = 40;

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedAs {
    /// Without an error code.
    Succeeded,
    /// With one that says that a right was missing.
    Denied,
    /// With another one.
    Failed,
}

impl EndedAs {
    /// By its `errorCode`, which is empty when there is none.
    pub fn of(error_code: &str) -> EndedAs {
        // EC2's codes stand behind whose fault it was.
        match error_code.rsplit('.').next().unwrap_or_default() {
            "" => EndedAs::Succeeded,
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "AuthorizationErrorException"
            | "Forbidden"
            | "NotAuthorized"
            | "NotAuthorizedException"
            | "UnauthorizedException"
            | "UnauthorizedOperation" => EndedAs::Denied,
            _ => EndedAs::Failed,
        }
    }
}

/// What must hold of an event besides the query.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// It has all of these attributes too.
    pub also: Vec<(Attribute, String)>,
    /// Whether it changed nothing.
    pub read_only: Option<bool>,
    /// How it ended.
    pub ended: Option<EndedAs>,
    /// It is no read by a client whose user agent begins with one of these, of at most 64 bytes.
    pub exclude_reads_by: Vec<String>,
}

/// How it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long a bin is; more than nothing. The first begins with the query's start, and the last has its end too.
    pub period: Duration,
    /// How many bins there are; at least one.
    pub bins: usize,
}

/// How many events there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// However they ended.
    pub events: u64,
    /// Those that were denied.
    pub denied: u64,
    /// Those that failed otherwise.
    pub failed: u64,
}

impl Counts {
    fn of(ended: EndedAs) -> Counts {
        let mut counts = Counts::default();
        counts.count(ended);
        counts
    }

    fn add(&mut self, other: &Counts) {
        self.events += other.events;
        self.denied += other.denied;
        self.failed += other.failed;
    }

    fn count(&mut self, ended: EndedAs) {
        self.events += 1;
        match ended {
            EndedAs::Succeeded => {}
            EndedAs::Denied => self.denied += 1,
            EndedAs::Failed => self.failed += 1,
        }
    }
}

/// Where counting broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What stands before this position is not counted: with it as the query's `before` counting goes on.
    pub before: EntryPos,
    /// When what was counted last was committed.
    pub committed: Timestamp,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All of it.
    pub all: Counts,
    /// How many events changed nothing.
    pub read_only: u64,
    /// By when they happened.
    pub bins: Vec<Counts>,
    /// By `eventName`, in no order.
    pub names: Vec<(String, Counts)>,
    /// By `eventSource`, in no order.
    pub sources: Vec<(String, Counts)>,
    /// By the caller's name, in no order; events without one are not here.
    pub users: Vec<(String, Counts)>,
    /// By `errorCode`, in no order.
    pub errors: Vec<(String, Counts)>,
    /// Where counting broke off, when there was too much to do.
    pub cut: Option<Cut>,
    /// Whether there were so many different values that some were not told apart, and are in none of the lists.
    pub values_cut: bool,
}

/// Counts the events that the query and the filter want. Blocks its thread, for about a second at most.
pub fn summarise(history: &History, query: &Query, filter: &Filter, plan: Plan) -> Result<Summary, Fault> {
    summarise_within(history, query, filter, plan, WORK)
}

/// The same with so much work.
pub(super) fn summarise_within(
    history: &History,
    query: &Query,
    filter: &Filter,
    plan: Plan,
    work: u32,
) -> Result<Summary, Fault> {
    let mut counting = Counting {
        query,
        filter,
        plan,
        work,
        by_heads: query
            .attribute
            .iter()
            .chain(&filter.also)
            .any(|(attribute, _)| !is_summarised(*attribute)),
        tally: Tally::new(plan.bins),
        cut: None,
    };
    Walk::new(history, query).run(&mut counting)?;
    Ok(counting.tally.summary(counting.cut))
}

/// Whether a user agent, as a record has it, is of a client whose user agent begins with one of these.
pub fn reads_by(agent: &str, agents: &[String]) -> bool {
    // S3 writes it in brackets.
    let agent = agent.strip_prefix('[').unwrap_or(agent);
    agents.iter().any(|prefix| agent.starts_with(prefix.as_str()))
}

/// Whether a summary tells by itself of an attribute.
fn is_summarised(attribute: Attribute) -> bool {
    match attribute {
        Attribute::EventName | Attribute::EventSource | Attribute::ReadOnly | Attribute::Username => true,
        Attribute::AccessKeyId | Attribute::EventId | Attribute::ResourceName | Attribute::ResourceType => false,
    }
}

/// What a record tells that its index fields do not: its `errorCode` and its `userAgent`, empty when it has none.
pub fn told_of(json: &[u8]) -> (Cow<'_, str>, Cow<'_, str>) {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told<'r> {
        #[serde(borrow, default)]
        error_code: Text<'r>,
        #[serde(borrow, default)]
        user_agent: Text<'r>,
    }
    #[derive(Default, Deserialize)]
    #[serde(untagged)]
    enum Text<'r> {
        #[serde(borrow)]
        Lent(&'r str),
        Own(String),
        /// What came from elsewhere in another form.
        Other(IgnoredAny),
        #[default]
        None,
    }
    impl<'r> Text<'r> {
        fn text(self) -> Cow<'r, str> {
            match self {
                Text::Lent(text) => Cow::Borrowed(text),
                Text::Own(text) => Cow::Owned(text),
                Text::Other(_) | Text::None => Cow::Borrowed(""),
            }
        }
    }
    let told: Told<'_> = serde_json::from_slice(json).unwrap_or_default();
    (told.error_code.text(), told.user_agent.text())
}

#[derive(Serialize, Deserialize)]
struct Stored<'t> {
    /// The first is empty, and stands for none.
    #[serde(borrow)]
    texts: Vec<&'t str>,
    rows: Vec<Row>,
}

/// An entry. Texts are told by their place.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Row {
    /// Microseconds since the event of the row before happened, or since the epoch.
    after: i64,
    name: u32,
    source: u32,
    user: u32,
    error: u32,
    agent: u32,
    read_only: bool,
}

/// The summary of a block with these entries.
pub(super) fn encode(entries: &[Packed]) -> Result<Vec<u8>, Fault> {
    let told: Vec<_> = entries.iter().map(|entry| told_of(&entry.json)).collect();
    let (mut texts, mut places) = (vec![""], HashMap::from([("", 0)]));
    let (mut rows, mut before) = (Vec::with_capacity(entries.len()), 0);
    for (entry, (error, agent)) in entries.iter().zip(&told) {
        let mut place = |text| {
            *places.entry(text).or_insert_with(|| {
                texts.push(text);
                u32::try_from(texts.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let index = &entry.index;
        let time = index.event_time.as_micros();
        rows.push(Row {
            after: time.wrapping_sub(before),
            name: place(&index.event_name),
            source: place(&index.event_source),
            user: place(index.user_name.as_deref().unwrap_or_default()),
            error: place(error),
            agent: place(beginning(agent, AGENT_BYTES_MAX)),
            read_only: index.read_only,
        });
        before = time;
    }
    postcard::to_extend(&Stored { texts, rows }, vec![VERSION])
        .map_err(|e| Fault::io("encoding the summary of a history block", e))
}

/// As many whole characters as so many bytes hold.
fn beginning(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rfind(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Whether a stored summary is that of a block with these entries.
pub(super) fn agrees(stored: &[u8], entries: &[Packed]) -> Result<bool, Fault> {
    Ok(stored == encode(entries)?)
}

fn parse(plain: &[u8]) -> Result<Stored<'_>, Fault> {
    let Some((&VERSION, plain)) = plain.split_first() else {
        return Err(odd());
    };
    postcard::from_bytes(plain).map_err(|e| Fault::corrupt_by("the summary of a history block", e))
}

fn odd() -> Fault {
    Fault::corrupt("the summary of a history block")
}

/// What is counted of an event.
struct Fact<'f> {
    time: Timestamp,
    name: &'f str,
    source: &'f str,
    user: &'f str,
    error: &'f str,
    agent: &'f str,
    read_only: bool,
}

struct Counting<'c> {
    query: &'c Query,
    filter: &'c Filter,
    plan: Plan,
    /// What may still be done.
    work: u32,
    /// Whether an attribute is asked for of which summaries tell nothing.
    by_heads: bool,
    tally: Tally,
    cut: Option<Cut>,
}

impl Counting<'_> {
    /// Notes work that was done. When no more may be, counting breaks off before this position.
    fn did(&mut self, work: u32, before: EntryPos, committed: Timestamp) -> ControlFlow<()> {
        self.work = self.work.saturating_sub(work);
        if self.work > 0 {
            return ControlFlow::Continue(());
        }
        self.cut = Some(Cut { before, committed });
        ControlFlow::Break(())
    }

    /// Counts an event of which the index fields are at hand.
    fn whole(&mut self, pos: EntryPos, index: &IndexFields, error: &str, agent: &str) {
        let also = |(attribute, value): &(Attribute, String)| attribute.matches(index, value);
        if self.query.wants(pos, index) && self.filter.also.iter().all(also) {
            self.fact(&Fact {
                time: index.event_time,
                name: &index.event_name,
                source: &index.event_source,
                user: index.user_name.as_deref().unwrap_or_default(),
                error,
                agent,
                read_only: index.read_only,
            });
        }
    }

    /// Counts an event that has the attributes asked for.
    fn fact(&mut self, fact: &Fact<'_>) {
        let Some(ended) = self.wanted(fact) else { return };
        for (kind, value) in fact.values() {
            self.tally.value(kind, value, &Counts::of(ended));
        }
        self.tally
            .count(fact.read_only, ended, bin_of(self.query.start, fact.time, self.plan));
    }

    /// How an event ended, when it is wanted.
    fn wanted(&self, fact: &Fact<'_>) -> Option<EndedAs> {
        let ended = EndedAs::of(fact.error);
        let unwanted = self.filter.read_only.is_some_and(|wanted| wanted != fact.read_only)
            || self.filter.ended.is_some_and(|wanted| wanted != ended)
            || (fact.read_only && reads_by(fact.agent, &self.filter.exclude_reads_by));
        (!unwanted).then_some(ended)
    }

    /// Counts what has the attributes asked for, all of which the summary tells.
    fn by_summary(&mut self, block: &StoredBlock, stored: &Stored<'_>) -> Result<(), Fault> {
        // Positions are in the heads alone; a block is met whole, or from the position on at which an answer was cut, which
        // is a block's first.
        if self.query.before.is_some_and(|before| block.about.last >= before) {
            return Err(Fault::Bug("a summary is counted from its middle on"));
        }
        let text = |place: u32| stored.texts.get(place as usize).copied().ok_or_else(odd);
        // Values are looked up once for a block, not once for each row.
        let mut values = vec![[Counts::default(); KINDS]; stored.texts.len()];
        let mut time = 0_i64;
        for row in &stored.rows {
            time = time.wrapping_add(row.after);
            let happened = Timestamp::from_micros(time);
            if happened < self.query.start || happened > self.query.end {
                continue;
            }
            let fact = Fact {
                time: happened,
                name: text(row.name)?,
                source: text(row.source)?,
                user: text(row.user)?,
                error: text(row.error)?,
                agent: text(row.agent)?,
                read_only: row.read_only,
            };
            let mut asked = self.query.attribute.iter().chain(&self.filter.also);
            if !asked.all(|(attribute, value)| fact.has(*attribute, value)) {
                continue;
            }
            let Some(ended) = self.wanted(&fact) else { continue };
            for (kind, place) in [row.name, row.source, row.user, row.error].into_iter().enumerate() {
                let kinds = values.get_mut(place as usize);
                if let Some(counts) = kinds.and_then(|kinds| kinds.get_mut(kind)) {
                    counts.count(ended);
                }
            }
            self.tally
                .count(fact.read_only, ended, bin_of(self.query.start, happened, self.plan));
        }
        for (value, kinds) in stored.texts.iter().zip(&values) {
            for (kind, counts) in kinds.iter().enumerate() {
                self.tally.value(kind, value, counts);
            }
        }
        Ok(())
    }

    /// Counts what the index fields say is wanted; how it ended the summary tells.
    fn by_heads(&mut self, heads: &Bytes, stored: &Stored<'_>) -> Result<(), Fault> {
        let heads = Heads::parse(heads)?.entries;
        if heads.len() != stored.rows.len() {
            return Err(odd());
        }
        let text = |place: u32| stored.texts.get(place as usize).copied().ok_or_else(odd);
        for (head, row) in heads.iter().zip(&stored.rows) {
            self.whole(head.pos, &head.index, text(row.error)?, text(row.agent)?);
        }
        Ok(())
    }

    /// Counts by the records themselves.
    fn by_records(&mut self, view: &HistoryView, block: &StoredBlock) -> Result<(), Fault> {
        let (heads, bodies) = (view.heads(block)?, view.bodies(block)?);
        for entry in super::pack::entries_of(&heads, &bodies)? {
            let (error, agent) = told_of(&entry.json);
            self.whole(entry.pos, &entry.index, &error, &agent);
        }
        Ok(())
    }
}

impl Walker for Counting<'_> {
    fn waiting(&mut self, found: Found, _: Timestamp) -> Result<ControlFlow<()>, Fault> {
        let (error, agent) = told_of(&found.json);
        self.whole(found.pos, &found.index, &error, &agent);
        Ok(ControlFlow::Continue(()))
    }

    fn piece(&mut self, before: EntryPos, committed: Timestamp) -> ControlFlow<()> {
        self.did(RECORDS_WORK, before, committed)
    }

    fn block(&mut self, view: &HistoryView, block: &StoredBlock) -> Result<ControlFlow<()>, Fault> {
        let is_split = self.query.before.is_some_and(|before| block.about.last >= before);
        let work = match view.summary(block)? {
            None => {
                self.by_records(view, block)?;
                RECORDS_WORK
            }
            Some(summary) if self.by_heads || is_split => {
                self.by_heads(&view.heads(block)?, &parse(&summary)?)?;
                HEADS_WORK
            }
            Some(summary) => {
                self.by_summary(block, &parse(&summary)?)?;
                BLOCK_WORK
            }
        };
        Ok(self.did(work, block.about.first, block.about.committed.0))
    }
}

/// Of how many kinds the values are that are counted: names, sources, users and errors.
const KINDS: usize = 4;

impl Fact<'_> {
    /// Its value of each kind.
    fn values(&self) -> impl Iterator<Item = (usize, &str)> {
        [self.name, self.source, self.user, self.error].into_iter().enumerate()
    }

    /// Whether it has an attribute of which summaries tell.
    fn has(&self, attribute: Attribute, wanted: &str) -> bool {
        match attribute {
            Attribute::EventName => self.name == wanted,
            Attribute::EventSource => self.source == wanted,
            Attribute::ReadOnly => self.read_only.to_string().eq_ignore_ascii_case(wanted),
            Attribute::Username => !self.user.is_empty() && self.user == wanted,
            Attribute::AccessKeyId | Attribute::EventId | Attribute::ResourceName | Attribute::ResourceType => false,
        }
    }
}

fn bin_of(start: Timestamp, time: Timestamp, plan: Plan) -> usize {
    let bin = time.since(start).as_micros() / plan.period.as_micros().max(1);
    usize::try_from(bin)
        .unwrap_or(usize::MAX)
        .min(plan.bins.saturating_sub(1))
}

/// Counts by value, each value told by its place among all that were seen.
#[derive(Default)]
struct Tally {
    summary: Summary,
    places: HashMap<Box<str>, usize>,
    kinds: [Vec<Counts>; KINDS],
}

impl Tally {
    fn new(bins: usize) -> Tally {
        let summary = Summary {
            bins: vec![Counts::default(); bins],
            ..Summary::default()
        };
        Tally {
            summary,
            ..Tally::default()
        }
    }

    fn count(&mut self, read_only: bool, ended: EndedAs, bin: usize) {
        self.summary.all.count(ended);
        self.summary.read_only += u64::from(read_only);
        if let Some(bin) = self.summary.bins.get_mut(bin) {
            bin.count(ended);
        }
    }

    fn value(&mut self, kind: usize, value: &str, counts: &Counts) {
        if value.is_empty() || counts.events == 0 {
            return;
        }
        let Some(place) = self.place(value) else {
            self.summary.values_cut = true;
            return;
        };
        let Some(kind) = self.kinds.get_mut(kind) else { return };
        if kind.len() <= place {
            kind.resize(place + 1, Counts::default());
        }
        if let Some(sum) = kind.get_mut(place) {
            sum.add(counts);
        }
    }

    fn place(&mut self, value: &str) -> Option<usize> {
        if let Some(place) = self.places.get(value) {
            return Some(*place);
        }
        let place = self.places.len();
        if place >= VALUES_MAX {
            return None;
        }
        self.places.insert(value.into(), place);
        Some(place)
    }

    fn summary(self, cut: Option<Cut>) -> Summary {
        let mut values = vec![""; self.places.len()];
        for (value, place) in &self.places {
            if let Some(slot) = values.get_mut(*place) {
                *slot = value;
            }
        }
        let told = |counts: &Vec<Counts>| -> Vec<(String, Counts)> {
            let pairs = values.iter().zip(counts).filter(|(_, counts)| counts.events > 0);
            pairs.map(|(value, counts)| ((*value).to_owned(), *counts)).collect()
        };
        let [names, sources, users, errors] = self.kinds.each_ref().map(told);
        Summary {
            names,
            sources,
            users,
            errors,
            cut,
            ..self.summary
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_tells_is_read_whatever_its_form() {
        let check = |json: &str, error: &str, agent: &str| {
            let told = told_of(json.as_bytes());
            assert_eq!((told.0.as_ref(), told.1.as_ref()), (error, agent), "{json}");
        };
        check(
            r#"{"a":[1],"errorCode":"AccessDenied","userAgent":"x/1"}"#,
            "AccessDenied",
            "x/1",
        );
        check(r#"{"userAgent":"a\"b"}"#, "", "a\"b");
        check(r#"{"errorCode":null,"userAgent":null}"#, "", "");
        check(r#"{"errorCode":7,"userAgent":"x"}"#, "", "x");
        check("", "", "");
    }

    #[test]
    fn codes_say_how_an_event_ended() {
        let check = |code: &str, expected| assert_eq!(EndedAs::of(code), expected, "{code}");
        check("", EndedAs::Succeeded);
        check("AccessDenied", EndedAs::Denied);
        check("Client.UnauthorizedOperation", EndedAs::Denied);
        check("NoSuchBucket", EndedAs::Failed);
        check("AccessDeniedish", EndedAs::Failed);
    }

    #[test]
    fn agents_are_told_by_their_beginning() {
        let agents = ["console/".to_owned()];
        assert!(reads_by("console/1", &agents) && reads_by("[console/1]", &agents));
        assert!(!reads_by("a console/1", &agents) && !reads_by("console/", &[]));
        assert_eq!(beginning("añb", 2), "a");
        assert_eq!(beginning("añb", 3), "añ");
        assert_eq!(beginning("añb", 30), "añb");
    }

    #[test]
    fn the_last_bin_has_its_end_too() {
        let plan = Plan {
            period: Duration::from_secs(10),
            bins: 3,
        };
        let bin = |secs| bin_of(Timestamp::from_secs(100), Timestamp::from_secs(secs), plan);
        assert_eq!([100, 109, 110, 129, 130, 99].map(bin), [0, 0, 1, 2, 2, 0]);
    }
}
