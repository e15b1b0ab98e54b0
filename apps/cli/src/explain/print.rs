//! How an explanation looks: who and what, why, what nearly matched, and the smallest change that would help.

use super::command::{self, Apply};
use crate::style::{Style, say, wrapped};
use operator::{
    shoseki::decision::{Change, Denial, Explanation, Grounds, Statement},
    text,
};

/// Where the second column of the facts begins.
const NAME_WIDTH: usize = 9;
/// Policies of so many statements together are shown whole.
const STATEMENTS_SHOWN_MAX: usize = 8;
/// Of the values that a statement wants, so many are shown.
const VALUES_SHOWN_MAX: usize = 6;
/// Lines grow no longer than this where they can be broken.
const LINE_MAX: usize = 80;
/// What follows it in an answer is for programs.
const ENCODED: &str = " Encoded authorization failure message:";

/// An explanation on its way to the terminal.
pub(super) struct Page<'a> {
    style: Style,
    why: &'a Explanation,
    /// The words that explain the same again.
    asked_again: &'a str,
    all: bool,
    lines: Vec<String>,
}

impl<'a> Page<'a> {
    pub(super) fn new(why: &'a Explanation, asked_again: &'a str, all: bool) -> Page<'a> {
        Page {
            style: Style::of_stdout(),
            why,
            asked_again,
            all,
            lines: Vec::new(),
        }
    }

    pub(super) fn say(self) {
        for line in self.lines() {
            say(line);
        }
    }

    fn lines(mut self) -> Vec<String> {
        self.call();
        let mut number = 1;
        for (at, denial) in self.why.denials.iter().enumerate() {
            self.denial(at, denial);
            self.statements(denial);
            number = self.changes(denial, number);
        }
        self.lines
    }

    fn title(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.push(self.style.bold(text));
    }

    /// A fact under its name, and what more there is to it below.
    fn fact(&mut self, name: &str, text: &str) {
        let label = self.style.dim(format!("{name:<NAME_WIDTH$}"));
        let indent = " ".repeat(2 + NAME_WIDTH);
        for (at, line) in wrapped(text, 2 + NAME_WIDTH).into_iter().enumerate() {
            self.lines.push(match at {
                0 => format!("  {label}{line}"),
                _ => format!("{indent}{line}"),
            });
        }
    }

    fn call(&mut self) {
        let why = self.why;
        self.title(&format!("{} was refused", why.operation));
        self.fact("call", &format!("{} of {}", why.operation, why.service));
        self.fact("request", &why.request_id);
        self.fact("who", &why.principal.name);
        self.fact("when", &base::Timestamp::from_secs_f64(why.time).to_string());
        self.fact("where", &format!("account {}", why.account));
        self.fact("answer", &why.error_code);
        let message = why.error_message.split(ENCODED).next().unwrap_or_default();
        self.fact("", message);
    }

    fn denial(&mut self, at: usize, denial: &Denial) {
        let why = self.why;
        let count = match why.denials.len() {
            1 => String::new(),
            all => format!(" ({} of {all})", at + 1),
        };
        self.title(&format!("Why: {} is not allowed{count}", denial.action));
        let is_service = denial.principal.account.is_none();
        if denial.request_id != why.request_id {
            let rights = if is_service { "" } else { " with the caller's rights" };
            let inner = format!(
                "{} of {}, which {} calls{rights}",
                denial.operation, denial.service, why.operation
            );
            self.fact("inside", &inner);
        }
        if denial.principal != why.principal {
            self.fact("by", &denial.principal.name);
        }
        self.fact("on", &denial.resource);
        if let Some(owner) = denial.owner.as_ref().filter(|owner| **owner != why.account) {
            self.fact("", &format!("which account {owner} owns"));
        }
        self.fact("because", &because(denial));
    }

    fn statements(&mut self, denial: &Denial) {
        if denial.statements.is_empty() && denial.grants.is_empty() {
            self.title("What the policies say");
            self.lines
                .push("  There was none to ask, neither of the caller nor of the resource.".to_owned());
            return;
        }
        let few = denial.statements.len() <= STATEMENTS_SHOWN_MAX;
        let is_shown = |statement: &&Statement| {
            self.all || few && statement.effect == "Allow" || is_near(statement) || decided(&denial.grounds, statement)
        };
        let shown: Vec<&Statement> = denial.statements.iter().filter(is_shown).collect();
        self.title("What the policies say");
        let mut policy = "";
        for statement in &shown {
            if statement.policy != policy {
                policy = &statement.policy;
                self.lines.push(format!("  {}", called(denial, policy)));
            }
            self.statement(statement, decided(&denial.grounds, statement));
        }
        for grant in &denial.grants {
            self.lines.push(format!("  grant {}", grant.grant_id));
            let wanted = grant.wanted.join(", ");
            self.lines.push(match grant.outcome.as_str() {
                "OtherActions" => format!("    gives other actions: {wanted}"),
                "OtherGrantee" => format!("    is to another: {wanted}"),
                "Unmet" => format!("    its constraints are not met: {wanted}"),
                _ => "    gives it".to_owned(),
            });
        }
        let hidden = denial.statements.len() - shown.len();
        if hidden > 0 {
            let others = if hidden == 1 {
                "statement speaks"
            } else {
                "statements speak"
            };
            let text = format!("  {hidden} more {others} of other things; --all shows them.");
            self.lines.push(self.style.dim(text));
        }
    }

    fn statement(&mut self, statement: &Statement, decided: bool) {
        let effect = match (statement.effect.as_str(), decided) {
            ("Deny", true) => self.style.bad("Deny"),
            (effect, _) => effect.to_owned(),
        };
        let name = match &statement.sid {
            Some(sid) => format!("{} \"{sid}\"", statement.statement + 1),
            None => (statement.statement + 1).to_string(),
        };
        let start = format!("    {name}: {effect}");
        match (statement.outcome.as_str(), decided) {
            ("Matched", true) => self.lines.push(format!("{start}. It matches, and it decided.")),
            ("Matched", false) => self.lines.push(format!("{start}. It matches.")),
            ("Delegates", _) => self.lines.push(format!("{start}, if the account's own policies do.")),
            ("NeverMatches", _) => self.lines.push(format!(
                "{start}. It has no Action or no Resource, so it never matches."
            )),
            _ => self.difference(&start, statement),
        }
    }

    fn difference(&mut self, start: &str, statement: &Statement) {
        let element = statement.element.as_deref().unwrap_or_default();
        if element == "Condition" {
            return self.condition(start, statement);
        }
        let what = match element {
            "Principal" => "for others",
            "NotPrincipal" => "but not for these",
            "Action" => "for other actions",
            "NotAction" => "but not for these actions",
            "Resource" => "for other resources",
            _ => "but not for these resources",
        };
        let wanted = listed(&statement.wanted);
        let line = format!("{start}, {what}: {wanted}");
        if line.chars().count() <= LINE_MAX {
            return self.lines.push(line);
        }
        self.lines.push(format!("{start}, {what}:"));
        self.values("", &statement.wanted);
    }

    fn condition(&mut self, start: &str, statement: &Statement) {
        let operator = statement.operator.as_deref().unwrap_or_default();
        let key = statement.key.as_deref().unwrap_or_default();
        let end = match statement.unreadable {
            true => "with a condition that cannot read the request's value",
            false => "but its condition does not hold",
        };
        self.lines.push(format!("{start}, {end}:"));
        self.lines.push(format!("        {operator} {key}"));
        self.values("wants  ", &statement.wanted);
        match &statement.found {
            Some(found) => self.values("saw    ", found),
            None => self
                .lines
                .push("        saw    nothing: the request has no such key".to_owned()),
        }
    }

    fn values(&mut self, name: &str, values: &[String]) {
        for (at, value) in values.iter().take(VALUES_SHOWN_MAX).enumerate() {
            let name = if at == 0 {
                name.to_owned()
            } else {
                " ".repeat(name.len())
            };
            self.lines.push(format!("        {name}{value}"));
        }
        if values.len() > VALUES_SHOWN_MAX {
            let more = values.len() - VALUES_SHOWN_MAX;
            self.lines
                .push(format!("        {}and {more} more", " ".repeat(name.len())));
        }
    }

    /// The changes, numbered on from `number`. Answers the next number.
    fn changes(&mut self, denial: &Denial, number: usize) -> usize {
        match denial.changes.len() {
            0 => {
                self.title("What would allow it");
                let text =
                    "No change of these policies: the caller cannot be reached by them, or what refuses is AWS's own.";
                self.lines
                    .extend(wrapped(text, 2).into_iter().map(|line| format!("  {line}")));
            }
            1 => self.title("The smallest change that would allow it"),
            all => self.title(&format!("The smallest changes that would allow it: all {all} together")),
        }
        for (at, change) in denial.changes.iter().enumerate() {
            if at > 0 {
                self.lines.push(String::new());
            }
            self.change(denial, change, number + at);
        }
        number + denial.changes.len()
    }

    fn change(&mut self, denial: &Denial, change: &Change, number: usize) {
        let account = account_of(denial, change);
        let account = account.map_or_else(String::new, |account| format!(" (account {account})"));
        let place = match &change.policy {
            Some(policy) => format!("In {}{account}:", called(denial, policy)),
            None => format!("In a new {}{account}:", kind_of(denial, &change.policy_type)),
        };
        self.lines
            .extend(wrapped(&place, 2).into_iter().map(|line| format!("  {line}")));
        let why = change.why.replace('`', "\"");
        self.lines
            .extend(wrapped(&why, 2).into_iter().map(|line| format!("  {line}")));
        self.lines.push(String::new());
        self.patch(change);
        self.result(denial, change);
        self.apply(denial, change, number);
    }

    fn patch(&mut self, change: &Change) {
        let op = |op: &operator::shoseki::decision::PatchOp| {
            let mut members = vec![format!("\"op\": {:?}", op.op), format!("\"path\": {:?}", op.path)];
            let value = op.value.as_ref().map(text::policy_order);
            members.extend(value.map(|value| format!("\"value\": {value}")));
            format!("{{{}}}", members.join(", "))
        };
        let ops: Vec<String> = change.patch.iter().map(op).collect();
        self.block(&text::pretty(&format!("[{}]", ops.join(","))));
    }

    /// The statements that the patch touches, as it leaves them. A patch that adds whole statements shows them itself.
    fn result(&mut self, denial: &Denial, change: &Change) {
        let Some(document) = &change.new_document else { return };
        let statements = text::statements(document);
        let mut touched: Vec<usize> = change
            .patch
            .iter()
            .filter(|op| op.op != "remove" || op.path.matches('/').count() > 2)
            .filter_map(|op| touched(&op.path))
            .collect();
        touched.sort_unstable();
        touched.dedup();
        for index in touched {
            if let Some(statement) = statements.get(index) {
                self.lines.push(String::new());
                self.lines.push(format!("  Statement {} is then", index + 1));
                self.lines.push(String::new());
                self.block(&text::pretty(statement));
            }
        }
        self.lines.extend(wider(change, &statements, &denial.action));
    }

    fn apply(&mut self, denial: &Denial, change: &Change, number: usize) {
        self.lines.push(String::new());
        match command::apply(denial, change) {
            Apply::Words(text) => self.text(text),
            Apply::Command(command) if change.new_document.is_some() => {
                self.lines.push("  This does it:".to_owned());
                self.lines.push(String::new());
                let document = format!("\"$({} --change {number})\"", self.asked_again);
                self.lines.extend(command_lines(&command, &document));
            }
            // A role's trust policy is read by its owner only.
            Apply::Command(command) if change.policy_type == "role trust policy" => {
                self.lines.push("  With the changed document in trust.json, this does it:".to_owned());
                self.lines.push(String::new());
                self.lines.extend(command_lines(&command, "file://trust.json"));
            }
            Apply::Command(_) => self.text(
                "The policy is not, or is no longer, as it was when the call was refused, so the change does not fit it \
                 as it is.",
            ),
        }
    }

    fn text(&mut self, text: &str) {
        self.lines
            .extend(wrapped(text, 2).into_iter().map(|line| format!("  {line}")));
    }

    fn block(&mut self, text: &str) {
        self.lines.extend(text.lines().map(|line| format!("    {line}")));
    }
}

/// The statement that a path leads into, when it does not lead to the whole of it.
fn touched(path: &str) -> Option<usize> {
    let mut parts = path.split('/').skip(1);
    if parts.next() != Some("Statement") {
        return None;
    }
    match (parts.next()?, parts.next()) {
        (index, Some(_)) => index.parse().ok().or(Some(0)),
        (index, None) => index.parse::<usize>().is_err().then_some(0).filter(|_| index != "-"),
    }
}

/// Whose policy a change is of.
fn account_of<'a>(denial: &'a Denial, change: &Change) -> Option<&'a String> {
    match change.policy_type.as_str() {
        "resource-based policy" | "role trust policy" => denial.owner.as_ref(),
        "service control policy" | "resource control policy" => None,
        _ => denial.principal.account.as_ref(),
    }
}

/// Whether a statement that does not match comes close: it speaks of the caller and of the action.
fn is_near(statement: &Statement) -> bool {
    let misses = statement.element.as_deref();
    match statement.outcome.as_str() {
        "Matched" | "Delegates" | "NeverMatches" => true,
        _ => statement.effect == "Allow" && matches!(misses, Some("Condition" | "Resource" | "NotResource")),
    }
}

fn decided(grounds: &Grounds, statement: &Statement) -> bool {
    statement.effect == "Deny"
        && grounds.policy.as_ref() == Some(&statement.policy)
        && grounds.statement == Some(statement.statement)
}

fn because(denial: &Denial) -> String {
    let (grounds, action) = (&denial.grounds, &denial.action);
    let kind = kind_of(denial, &grounds.policy_type);
    if grounds.decision == "ExplicitDeny" {
        let index = grounds
            .statement
            .map_or_else(String::new, |index| format!("statement {}", index + 1));
        let named = grounds
            .sid
            .as_ref()
            .map_or(index.clone(), |sid| format!("{index} \"{sid}\""));
        let policy = called(denial, grounds.policy.as_deref().unwrap_or(kind));
        return format!("{named} of {policy} denies it, and a deny wins over every allow");
    }
    match kind {
        "identity-based policy" => format!("no policy of the caller's own allows {action}"),
        "bucket policy" | "key policy" | "resource-based policy" => match denial.statements.iter().any(of_resource) {
            true => format!("the {kind} does not allow {action} to this caller"),
            false => format!("there is no {kind}, and only it could allow {action} to this caller"),
        },
        "role trust policy" => "the role's trust policy does not let this caller in".to_owned(),
        "permissions boundary" => format!("the permissions boundary does not reach as far as {action}"),
        "session policy" => format!("the session was made with a policy that does not allow {action}"),
        "service control policy" => {
            format!("on one level of the organization no service control policy allows {action}")
        }
        other => format!("no {other} allows {action}"),
    }
}

fn of_resource(statement: &Statement) -> bool {
    statement.policy_type == "resource-based policy"
}

/// The type of a policy, of a resource's by the resource.
fn kind_of<'a>(denial: &Denial, policy_type: &'a str) -> &'a str {
    let service = base::arn::split(&denial.resource).map(|parts| parts.service);
    match (policy_type, service) {
        ("resource-based policy", Some("s3")) => "bucket policy",
        ("resource-based policy", Some("kms")) => "key policy",
        (other, _) => other,
    }
}

/// A policy by where it is kept; the key's own without its ARN, which stands above.
fn called<'a>(denial: &Denial, policy: &'a str) -> &'a str {
    match policy.strip_prefix("key policy of ") {
        Some(key) if key == denial.resource => "the key policy",
        _ => policy,
    }
}

/// Says so when a statement that is extended gives more than was asked.
fn wider(change: &Change, statements: &[String], action: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for op in change.patch.iter().filter(|op| op.path.contains("/Principal")) {
        let statement = touched(&op.path).and_then(|index| statements.get(index));
        let statement: serde_json::Value = statement.and_then(|s| serde_json::from_str(s).ok()).unwrap_or_default();
        let actions: Vec<&str> = match &statement["Action"] {
            serde_json::Value::Array(all) => all.iter().filter_map(|one| one.as_str()).collect(),
            one => one.as_str().into_iter().collect(),
        };
        if actions != [action] && statement["Effect"] == "Allow" {
            let text = format!(
                "Beware: the statement gives more than was asked, {}. A statement for {action} alone gives less.",
                actions.join(", ")
            );
            lines.push(String::new());
            lines.extend(wrapped(&text, 2).into_iter().map(|line| format!("  {line}")));
        }
    }
    lines
}

/// The command over as many lines as it needs, each option with its value.
fn command_lines(command: &str, document: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in command.split(" --") {
        parts.push(if parts.is_empty() {
            part.to_owned()
        } else {
            format!("--{part}")
        });
    }
    if let Some(last) = parts.last_mut() {
        *last = format!("{last} {document}");
    }
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 3 <= LINE_MAX => {
                line.push(' ');
                line.push_str(&part);
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("      {part}"));
            }
            None => lines.push(format!("    {part}")),
        }
    }
    lines
}

/// Values on one line, the first of many.
fn listed(values: &[String]) -> String {
    let mut shown: Vec<String> = values.iter().take(VALUES_SHOWN_MAX).cloned().collect();
    if values.len() > VALUES_SHOWN_MAX {
        shown.push(format!("and {} more", values.len() - VALUES_SHOWN_MAX));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    fn denial() -> Value {
        json!({
            "Service": "kms.amazonaws.com", "Operation": "Decrypt", "RequestId": "r-2",
            "Principal": {"Name": "arn:aws:iam::000000000000:user/alice", "Account": "000000000000"},
            "Action": "kms:Decrypt", "Resource": "arn:aws:kms:us-east-1:111122223333:key/k", "Owner": "111122223333",
            "Grounds": {"Decision": "NothingAllows", "PolicyType": "resource-based policy"},
            "Statements": [
                {"PolicyType": "resource-based policy", "Policy": "key policy of arn:aws:kms:us-east-1:111122223333:key/k",
                 "Statement": 0, "Sid": "Readers", "Effect": "Allow", "Outcome": "Differs", "Element": "Condition",
                 "Operator": "StringEquals", "Key": "kms:CallerAccount", "Wanted": ["111122223333"],
                 "Found": ["000000000000"]},
                {"PolicyType": "identity-based policy", "Policy": "inline policy p of user alice",
                 "Statement": 0, "Effect": "Allow", "Outcome": "Matched"}],
            "Grants": [{"GrantId": "g1", "Outcome": "OtherGrantee", "Wanted": ["arn:aws:iam::111122223333:role/r"]}],
            "Changes": [{
                "PolicyType": "resource-based policy", "Policy": "key policy of arn:aws:kms:us-east-1:111122223333:key/k",
                "Why": "the statement `Readers` lacks only the value",
                "Patch": [{"op": "replace", "path": "/Statement/0/Condition/StringEquals/kms:CallerAccount",
                           "value": ["111122223333", "000000000000"]}],
                "NewDocument": r#"{"Statement":{"Sid":"Readers","Effect":"Allow"}}"#}]
        })
    }

    fn page(change: impl FnOnce(&mut Value)) -> String {
        let mut explanation = json!({
            "RequestId": "r-1", "Time": 0.0, "Service": "s3.amazonaws.com", "Operation": "GetObject",
            "Principal": {"Name": "arn:aws:iam::000000000000:user/alice", "Account": "000000000000"},
            "Account": "000000000000", "ErrorCode": "AccessDenied", "ErrorMessage": "No.", "Denials": [denial()]
        });
        change(&mut explanation);
        let why = Explanation::deserialize(&explanation).unwrap();
        let style = Style::plain();
        let page = Page {
            style,
            ..Page::new(&why, "shoseki explain r-1", false)
        };
        page.lines().join("\n")
    }

    #[test]
    fn a_denial_reads_from_who_to_what_would_help() {
        let expected = r#"GetObject was refused
  call     GetObject of s3.amazonaws.com
  request  r-1
  who      arn:aws:iam::000000000000:user/alice
  when     1970-01-01T00:00:00Z
  where    account 000000000000
  answer   AccessDenied
           No.

Why: kms:Decrypt is not allowed
  inside   Decrypt of kms.amazonaws.com, which GetObject calls with the caller's
           rights
  on       arn:aws:kms:us-east-1:111122223333:key/k
           which account 111122223333 owns
  because  the key policy does not allow kms:Decrypt to this caller

What the policies say
  the key policy
    1 "Readers": Allow, but its condition does not hold:
        StringEquals kms:CallerAccount
        wants  111122223333
        saw    000000000000
  inline policy p of user alice
    1: Allow. It matches.
  grant g1
    is to another: arn:aws:iam::111122223333:role/r

The smallest change that would allow it
  In the key policy (account 111122223333):
  the statement "Readers" lacks only the value

    [
      {
        "op": "replace",
        "path": "/Statement/0/Condition/StringEquals/kms:CallerAccount",
        "value": ["111122223333", "000000000000"]
      }
    ]

  Statement 1 is then

    {
      "Sid": "Readers",
      "Effect": "Allow"
    }

  This does it:

    aws kms put-key-policy --region us-east-1 \
      --key-id arn:aws:kms:us-east-1:111122223333:key/k --policy-name default \
      --policy "$(shoseki explain r-1 --change 1)""#;
        assert_eq!(page(|_| {}), expected);
    }

    #[test]
    fn what_is_said_follows_from_what_is_known() {
        let check = |change: &dyn Fn(&mut Value), expected: &[&str]| {
            let page = page(|explanation| change(&mut explanation["Denials"][0]));
            for line in expected {
                assert!(page.contains(line), "{line}\nis not in\n{page}");
            }
        };
        check(
            &|denial| denial["Changes"] = json!([]),
            &["What would allow it\n  No change of these policies"],
        );
        check(
            &|denial| denial["Changes"][0]["NewDocument"] = Value::Null,
            &["is no longer, as it was when the call was refused"],
        );
        check(
            &|denial| denial["Statements"][0]["Found"] = Value::Null,
            &["saw    nothing: the request has no such key"],
        );
        check(
            &|denial| denial["Statements"] = json!([]),
            &["there is no key policy, and only it"],
        );
        check(
            &|denial| {
                denial["Grounds"] = json!({"Decision": "ExplicitDeny", "PolicyType": "identity-based policy",
                    "Policy": "inline policy p of user alice", "Statement": 0});
                denial["Statements"][1]["Effect"] = "Deny".into();
            },
            &[
                "because  statement 1 of inline policy p of user alice denies it, and a deny",
                "1: Deny. It matches, and it decided.",
            ],
        );
        check(
            &|denial| {
                denial["Changes"][0]["Patch"] =
                    json!([{"op": "add", "path": "/Statement/Principal/Service", "value": "s"}]);
                denial["Changes"][0]["NewDocument"] = r#"{"Statement":{"Effect":"Allow","Action":"kms:*"}}"#.into();
            },
            &["Beware: the statement gives more than was asked, kms:*."],
        );
    }

    #[test]
    fn the_statement_that_a_patch_touches() {
        for (path, expected) in [
            ("", None),
            ("/Statement/-", None),
            ("/Statement/2", None),
            ("/Statement/2/Action/-", Some(2)),
            ("/Statement/Action", Some(0)),
            ("/Statement/Condition/ArnNotEquals", Some(0)),
        ] {
            assert_eq!(touched(path), expected, "{path}");
        }
    }
}
