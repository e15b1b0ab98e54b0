//! `{ … }`: questions to JSON.
//!
//! A comparison is true when one of the values that its selector finds satisfies it; a selector that finds nothing, or an
//! array or object, satisfies none. `NOT EXISTS` asks for what is not there.

use super::{
    PatternFault,
    condition::{Condition, Seen},
    scan::Scan,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Parentheses go no deeper.
const DEPTH_MAX: usize = 64;

/// A question to JSON.
#[derive(Debug)]
pub(crate) struct Json(Expression);

#[derive(Debug)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Question(Selector, Question),
}

#[derive(Debug)]
enum Question {
    Compare(Condition),
    IsNull,
    IsTrue,
    IsFalse,
    Exists,
    NotExists,
}

/// A way into JSON, with its text.
#[derive(Debug)]
struct Selector {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Name(String),
    Index(usize),
    /// Every member or element.
    Each,
}

impl Json {
    pub(super) fn parse(text: &str) -> Result<Json, PatternFault> {
        let mut scan = Scan::new(text);
        scan.expect("{")?;
        let expression = any(&mut scan, 0)?;
        scan.expect("}")?;
        scan.skip_spaces();
        match scan.is_empty() {
            true => Ok(Json(expression)),
            false => Err(PatternFault::Invalid),
        }
    }

    /// What is no JSON object is meant by no question.
    pub(super) fn matches(&self, message: &str) -> bool {
        parsed(message).is_some_and(|root| self.0.holds(&root))
    }

    pub(super) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        if let Some(root) = parsed(message) {
            self.0.extract(&root, &mut found);
        }
        found
    }
}

fn parsed(message: &str) -> Option<Value> {
    // The first character decides for most texts that are none.
    let text = message.trim_start();
    text.starts_with('{').then(|| serde_json::from_str(text).ok())?
}

/// Whether a text is a selector.
pub(super) fn is_selector(text: &str) -> bool {
    let mut scan = Scan::new(text);
    selector(&mut scan).is_ok() && scan.is_empty()
}

fn any(scan: &mut Scan<'_>, depth: usize) -> Result<Expression, PatternFault> {
    let mut parts = vec![all(scan, depth)?];
    while taken(scan, "||") {
        parts.push(all(scan, depth)?);
    }
    Ok(Expression::Any(parts))
}

fn all(scan: &mut Scan<'_>, depth: usize) -> Result<Expression, PatternFault> {
    let mut parts = vec![one(scan, depth)?];
    while taken(scan, "&&") {
        parts.push(one(scan, depth)?);
    }
    Ok(Expression::All(parts))
}

fn taken(scan: &mut Scan<'_>, text: &str) -> bool {
    scan.skip_spaces();
    scan.take(text)
}

fn one(scan: &mut Scan<'_>, depth: usize) -> Result<Expression, PatternFault> {
    scan.skip_spaces();
    if scan.take("(") {
        if depth >= DEPTH_MAX {
            return Err(PatternFault::Invalid);
        }
        let inner = any(scan, depth + 1)?;
        scan.expect(")")?;
        return Ok(inner);
    }
    let selector = selector(scan)?;
    Ok(Expression::Question(selector, question(scan)?))
}

fn question(scan: &mut Scan<'_>) -> Result<Question, PatternFault> {
    if scan.word("NOT") {
        return match scan.word("EXISTS") {
            true => Ok(Question::NotExists),
            false => Err(PatternFault::Invalid),
        };
    }
    if scan.word("EXISTS") {
        return Ok(Question::Exists);
    }
    if !scan.word("IS") {
        return Condition::parse(scan, "(){},").map(Question::Compare);
    }
    let words = [
        ("NULL", Question::IsNull),
        ("TRUE", Question::IsTrue),
        ("FALSE", Question::IsFalse),
    ];
    let found = words.into_iter().find(|(word, _)| scan.word(word));
    found.map(|(_, question)| question).ok_or(PatternFault::Invalid)
}

fn selector(scan: &mut Scan<'_>) -> Result<Selector, PatternFault> {
    if !scan.take("$") {
        return Err(PatternFault::Invalid);
    }
    let mut selector = Selector {
        text: "$".to_owned(),
        steps: Vec::new(),
    };
    loop {
        let dotted = scan.take(".");
        if dotted {
            selector.text.push('.');
        }
        let step = if scan.take("[") {
            bracketed(scan, &mut selector.text)?
        } else if dotted {
            let name = scan.run(|c| !c.is_whitespace() && !"[](){}=!<>&|.,\"'".contains(c));
            selector.text.push_str(name);
            match name {
                "" => return Err(PatternFault::Invalid),
                "*" => Step::Each,
                name => Step::Name(name.to_owned()),
            }
        } else {
            break;
        };
        selector.steps.push(step);
    }
    match selector.steps.is_empty() {
        true => Err(PatternFault::Invalid),
        false => Ok(selector),
    }
}

/// What stands between brackets: a number, a star, or a name in quotes.
fn bracketed(scan: &mut Scan<'_>, text: &mut String) -> Result<Step, PatternFault> {
    let step = match scan.peek() {
        Some(quote @ ('"' | '\'')) => {
            let name = scan.quoted(quote)?;
            text.push_str(&format!("[{quote}{name}{quote}]"));
            Step::Name(name)
        }
        Some('*') => {
            scan.take("*");
            text.push_str("[*]");
            Step::Each
        }
        _ => {
            let index = scan.run(|c| c.is_ascii_digit());
            text.push_str(&format!("[{index}]"));
            Step::Index(index.parse().map_err(|_| PatternFault::Invalid)?)
        }
    };
    match scan.take("]") {
        true => Ok(step),
        false => Err(PatternFault::Invalid),
    }
}

impl Expression {
    fn holds(&self, root: &Value) -> bool {
        match self {
            Expression::All(parts) => parts.iter().all(|part| part.holds(root)),
            Expression::Any(parts) => parts.iter().any(|part| part.holds(root)),
            Expression::Question(selector, Question::NotExists) => selector.find(root).is_empty(),
            Expression::Question(selector, question) => {
                selector.find(root).into_iter().any(|value| question.holds(value))
            }
        }
    }

    fn extract(&self, root: &Value, found: &mut BTreeMap<String, String>) {
        match self {
            Expression::All(parts) | Expression::Any(parts) => {
                parts.iter().for_each(|part| part.extract(root, found));
            }
            Expression::Question(selector, _) => {
                if let Some(value) = selector.find(root).first() {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    found.insert(selector.text.clone(), text);
                }
            }
        }
    }
}

impl Question {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Question::IsNull => value.is_null(),
            Question::IsTrue => *value == Value::Bool(true),
            Question::IsFalse => *value == Value::Bool(false),
            Question::Exists => true,
            Question::NotExists => false,
            Question::Compare(condition) => match value {
                Value::String(text) => condition.holds(&Seen::Text(text)),
                Value::Number(number) => match number.as_f64() {
                    Some(as_number) => condition.holds(&Seen::Number(as_number, &number.to_string())),
                    None => condition.holds(&Seen::Other(&number.to_string())),
                },
                Value::Bool(flag) => condition.holds(&Seen::Other(if *flag { "true" } else { "false" })),
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            },
        }
    }
}

impl Selector {
    /// Every value that the selector leads to.
    fn find<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![root];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.of(value)).collect();
        }
        found
    }
}

impl Step {
    fn of<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Step::Name(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Step::Index(index), Value::Array(elements)) => elements.get(*index).into_iter().collect(),
            (Step::Each, Value::Array(elements)) => elements.iter().collect(),
            (Step::Each, Value::Object(members)) => members.values().collect(),
            _ => Vec::new(),
        }
    }
}
