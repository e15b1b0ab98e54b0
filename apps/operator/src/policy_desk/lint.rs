//! What is wrong with a policy, what the service would refuse, and what people do not mean.

use super::{
    action, condition_key,
    place::{Place, Places},
    said,
    target::Target,
};
use crate::{message, message::Message};
use policy::{Malformed, ParseError, Policy, PolicyKind, ResourceFault};
use serde_json::{Map, Value};

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The service refuses the policy.
    Refused,
    /// It is taken, and most likely not what is meant.
    Warning,
    /// To be known.
    Note,
}

/// Something about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How much it matters.
    pub weight: Weight,
    /// The element: `Statement[1].Action`.
    pub path: String,
    /// Where that stands.
    pub place: Place,
    /// What is so.
    pub what: Message,
    /// The code of the error that the service answers, when it refuses.
    pub code: Option<&'static str>,
}

/// A policy that was looked at.
#[derive(Debug)]
pub struct Ruled {
    /// The remarks, those that matter most first, then by their places.
    pub remarks: Vec<Remark>,
    /// The document, when it is a policy that the service takes, as far as that can be told from the document alone.
    pub document: Option<Value>,
}

/// Looks at a policy's text.
pub fn lint(text: &str, target: &Target) -> Ruled {
    let places = Places::of(text);
    let policy = match Policy::parse(text, target.kind()) {
        Ok(policy) => policy,
        Err(error) => {
            return Ruled {
                remarks: vec![refused(&places, target.kind(), &error)],
                document: None,
            };
        }
    };
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let mut desk = Desk {
        places: &places,
        target,
        remarks: Vec::new(),
    };
    desk.faults_of_resources(&policy, &document);
    desk.version(&policy, &document);
    for (path, statement) in statements(&document) {
        desk.statement(&path, statement);
    }
    let mut remarks = desk.remarks;
    remarks.sort_by_key(|remark| (remark.weight, remark.place));
    let is_taken = remarks.iter().all(|remark| remark.weight != Weight::Refused);
    Ruled {
        document: is_taken.then_some(document),
        remarks,
    }
}

/// What the parser found, at its place.
fn refused(places: &Places<'_>, kind: PolicyKind, error: &ParseError) -> Remark {
    let at = error.at.as_str();
    let place = match &error.what {
        Malformed::NotJson { offset } | Malformed::InvalidCharacter { offset } => places.at_byte(*offset),
        Malformed::DuplicateField { name } | Malformed::UnknownField { name } => places.of_member(at, name),
        Malformed::UnknownOperator { name } | Malformed::InvalidConditionKey { key: name } => {
            places.of_member(at, name)
        }
        Malformed::InvalidAction { text }
        | Malformed::InvalidConditionValue { text, .. }
        | Malformed::InvalidEffect { text }
        | Malformed::InvalidPartition { text, .. }
        | Malformed::InvalidPrincipal { text, .. }
        | Malformed::InvalidResource { text } => places.of_text(at, text),
        _ => places.of_path(at),
    };
    Remark {
        weight: Weight::Refused,
        path: at.to_owned(),
        place,
        what: said::said(&error.what),
        code: Some(said::code(kind, &error.what)),
    }
}

/// The statements of a document, with their paths as the parser has them.
fn statements(document: &Value) -> Vec<(String, &Map<String, Value>)> {
    match &document["Statement"] {
        Value::Array(all) => {
            let numbered = all.iter().enumerate();
            numbered
                .filter_map(|(index, one)| Some((format!("Statement[{index}]"), one.as_object()?)))
                .collect()
        }
        Value::Object(one) => vec![("Statement".to_owned(), one)],
        _ => Vec::new(),
    }
}

/// The texts of a member that is one text or a list of them.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A condition of a statement.
struct Test<'a> {
    operator: &'a str,
    key: &'a str,
    values: Vec<&'a str>,
}

fn tests(statement: &Map<String, Value>) -> Vec<Test<'_>> {
    let operators = statement.get("Condition").and_then(Value::as_object);
    let keyed = operators.into_iter().flatten().flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| Test {
            operator,
            key,
            values: texts(Some(values)),
        })
    });
    keyed.collect()
}

impl Test<'_> {
    fn is_of(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.key.eq_ignore_ascii_case(key))
    }

    /// The operator without what is before and after it: `stringequals`.
    fn plain(&self) -> String {
        let operator = self.operator.to_ascii_lowercase();
        let operator = operator.rsplit(':').next().unwrap_or_default();
        operator.trim_end_matches("ifexists").to_owned()
    }

    /// Whether it holds for some callers only, and not also where the key is absent.
    fn narrows(&self) -> bool {
        let operator = self.operator.to_ascii_lowercase();
        let positive = !self.plain().contains("not") && self.plain() != "null";
        positive && !operator.ends_with("ifexists") && !operator.starts_with("forallvalues:")
    }
}

struct Desk<'a> {
    places: &'a Places<'a>,
    target: &'a Target,
    remarks: Vec<Remark>,
}

impl Desk<'_> {
    fn remark(&mut self, weight: Weight, path: &str, place: Place, what: Message) {
        self.remarks.push(Remark {
            weight,
            path: path.to_owned(),
            place,
            what,
            code: None,
        });
    }

    fn warn(&mut self, path: &str, what: Message) {
        let place = self.places.of_path(path);
        self.remark(Weight::Warning, path, place, what);
    }

    fn warn_of_text(&mut self, path: &str, text: &str, what: Message) {
        let place = self.places.of_text(path, text);
        self.remark(Weight::Warning, path, place, what);
    }

    /// What S3 refuses beyond the grammar.
    fn faults_of_resources(&mut self, policy: &Policy, document: &Value) {
        let Target::Bucket { name } = self.target else { return };
        for (statement, (path, _)) in policy.statements().iter().zip(statements(document)) {
            let resources: Vec<&str> = statement.resources().collect();
            let what = match policy::check_statement(name, statement.actions(), resources.iter().copied()) {
                Ok(()) => continue,
                Err(ResourceFault::ActionWithoutResource) => message!(
                    "an action applies to none of the statement's resources: actions on objects need `arn:aws:s3:::{name}/*`, those on the bucket `arn:aws:s3:::{name}`",
                    "どのリソースにも当てはまらないアクションがあります。オブジェクトの操作には `arn:aws:s3:::{name}/*`、バケットの操作には `arn:aws:s3:::{name}` が必要です"
                ),
                Err(ResourceFault::Foreign) => message!(
                    "a resource is neither the bucket {name} nor in it",
                    "バケット {name} 以外のリソースがあります"
                ),
            };
            let path = format!("{path}.Resource");
            self.remarks.push(Remark {
                weight: Weight::Refused,
                place: self.places.of_path(&path),
                path,
                what,
                code: Some("MalformedPolicy"),
            });
        }
    }

    fn version(&mut self, policy: &Policy, document: &Value) {
        if document["Version"] == "2012-10-17" {
            return;
        }
        let has_variable = policy.document().contains("${");
        let place = self.places.of_path("Version");
        match has_variable {
            true => self.remark(
                Weight::Warning,
                "Version",
                place,
                message!(
                    "without `\"Version\": \"2012-10-17\"` variables such as ${{aws:username}} are plain text",
                    "`\"Version\": \"2012-10-17\"` がないと、${{aws:username}} などの変数はただの文字列になります"
                ),
            ),
            false => self.remark(
                Weight::Note,
                "Version",
                place,
                message!(
                    "the version is not 2012-10-17: newer elements are not understood",
                    "バージョンが 2012-10-17 ではないため、新しい要素は解釈されません"
                ),
            ),
        }
    }

    fn statement(&mut self, path: &str, statement: &Map<String, Value>) {
        let tests = tests(statement);
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        self.principals(path, statement, allows, &tests);
        self.actions(path, statement, allows);
        self.resources(path, statement, allows);
        for test in &tests {
            self.test(path, test, allows);
        }
    }

    fn principals(&mut self, path: &str, statement: &Map<String, Value>, allows: bool, tests: &[Test<'_>]) {
        if statement.contains_key("NotPrincipal") {
            let at = format!("{path}.NotPrincipal");
            self.warn(&at, match allows {
                true => message!(
                    "`Allow` with `NotPrincipal` lets in everybody else, also those without a signature",
                    "`Allow` と `NotPrincipal` の組み合わせは、署名のない呼び出しも含め、それ以外の全員を許可します"
                ),
                false => message!(
                    "`NotPrincipal` must name the account and the session beside each role, or they are denied, too; test `aws:PrincipalArn` with `ArnNotLike` instead",
                    "`NotPrincipal` ではロールに加えてアカウントとセッションも列挙しないと、それらも拒否されます。代わりに `aws:PrincipalArn` を `ArnNotLike` で調べてください"
                ),
            });
        }
        let Some(principal) = statement.get("Principal").filter(|_| allows) else {
            return;
        };
        let at = format!("{path}.Principal");
        let everyone = principal == "*" || texts(principal.get("AWS")).contains(&"*");
        const NARROW: [&str; 11] = [
            "aws:PrincipalAccount",
            "aws:PrincipalArn",
            "aws:PrincipalOrgID",
            "aws:PrincipalOrgPaths",
            "aws:SourceAccount",
            "aws:SourceArn",
            "aws:SourceIp",
            "aws:SourceVpc",
            "aws:SourceVpce",
            "aws:userid",
            "kms:CallerAccount",
        ];
        let narrowed = tests
            .iter()
            .any(|test| test.narrows() && (test.is_of(&NARROW) || test.is_of(&["kms:ViaService"])));
        if everyone && !narrowed {
            self.warn_of_text(
                &at,
                "*",
                message!(
                    "everybody in the world is let in, and no condition narrows it",
                    "世界中の誰でも許可され、絞り込む条件がありません"
                ),
            );
        }
        self.services(&at, principal, tests);
        for name in texts(principal.get("AWS")) {
            let is_id = ["AIDA", "AROA"].iter().any(|begin| name.starts_with(begin)) && !name.contains(':');
            if is_id {
                self.warn_of_text(
                    &at,
                    name,
                    message!(
                        "`{name}` is the id of a user or role that is there no more: nobody is meant by it",
                        "`{name}` は削除されたユーザーまたはロールの ID で、誰にも当てはまりません"
                    ),
                );
            }
        }
    }

    /// A service that acts for anybody must be told for whom.
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
    fn services(&mut self, at: &str, principal: &Value, tests: &[Test<'_>]) {
        const SOURCE: [&str; 5] = [
            "aws:SourceArn",
            "aws:SourceAccount",
            "aws:SourceOrgID",
            "aws:SourceOrgPaths",
            "sts:ExternalId",
        ];
        // Services that take a role act for the account that the role is of.
        const FOR_ITSELF: [&str; 2] = ["ec2.amazonaws.com", "lambda.amazonaws.com"];
        let is_told = tests.iter().any(|test| {
            test.narrows()
                && (test.is_of(&SOURCE) || test.key.to_ascii_lowercase().starts_with("kms:encryptioncontext:"))
        });
        if is_told {
            return;
        }
        for service in texts(principal.get("Service")) {
            if !FOR_ITSELF.contains(&service) {
                self.warn_of_text(at, service, message!(
                    "{service} is let in on behalf of anybody: no condition tests `aws:SourceArn` or `aws:SourceAccount`, so that other accounts could use it (confused deputy)",
                    "{service} が誰の代理でも許可されます。`aws:SourceArn` や `aws:SourceAccount` の条件がないため、他のアカウントから悪用されるおそれがあります (混乱した代理)"
                ));
            }
        }
    }

    fn actions(&mut self, path: &str, statement: &Map<String, Value>, allows: bool) {
        let kind = self.target.kind();
        for element in ["Action", "NotAction"] {
            let at = format!("{path}.{element}");
            for name in texts(statement.get(element)) {
                let service = name.split_once(':').map(|(service, _)| service.to_ascii_lowercase());
                let foreign = match (kind, service.as_deref()) {
                    (PolicyKind::KeyPolicy, Some(service)) => service != "kms" && service != "*",
                    (PolicyKind::Trust, Some(service)) => service != "sts" && service != "*",
                    _ => false,
                };
                if foreign {
                    self.warn_of_text(
                        &at,
                        name,
                        message!(
                            "`{name}` is of another service: in this policy it does nothing",
                            "`{name}` は別のサービスのアクションで、このポリシーでは効果がありません"
                        ),
                    );
                } else if action::exists(name) == Some(false) {
                    self.warn_of_text(
                        &at,
                        name,
                        message!(
                            "`{name}` matches no action that there is",
                            "`{name}` に当てはまるアクションはありません"
                        ),
                    );
                }
            }
        }
        if allows && statement.contains_key("NotAction") {
            self.warn(&format!("{path}.NotAction"), message!(
                "`Allow` with `NotAction` allows all other actions, also those that are yet to come",
                "`Allow` と `NotAction` の組み合わせは、今後追加されるものも含め、それ以外のすべてのアクションを許可します"
            ));
        }
        if kind == PolicyKind::KeyPolicy && !statement.contains_key("Action") && !statement.contains_key("NotAction") {
            self.warn(
                path,
                message!(
                    "a statement without `Action` is saved, and does nothing",
                    "`Action` のないステートメントは保存されますが、効果がありません"
                ),
            );
        }
    }

    fn resources(&mut self, path: &str, statement: &Map<String, Value>, allows: bool) {
        let at = format!("{path}.Resource");
        let named = texts(statement.get("Resource"));
        match self.target.kind() {
            PolicyKind::KeyPolicy if named.is_empty() && !statement.contains_key("NotResource") => self.warn(
                path,
                message!(
                    "a statement without `Resource` is saved, and does nothing; `*` is this key",
                    "`Resource` のないステートメントは保存されますが、効果がありません。このキー自身は `*` で表します"
                ),
            ),
            PolicyKind::KeyPolicy => {
                for name in named.iter().filter(|name| !self.target.is_about(name)) {
                    self.warn_of_text(
                        &at,
                        name,
                        message!(
                            "`{name}` is not this key: in a key policy `*` is the key itself",
                            "`{name}` はこのキーではありません。キーポリシーではキー自身を `*` で表します"
                        ),
                    );
                }
            }
            PolicyKind::Identity if allows && named.contains(&"*") => {
                let actions = texts(statement.get("Action"));
                let everything = actions.iter().any(|action| ["*", "*:*"].contains(action));
                let hands_over = actions
                    .iter()
                    .any(|action| action::matches(&action.to_ascii_lowercase(), "iam:passrole"));
                if everything {
                    self.warn(
                        &at,
                        message!(
                            "everything is allowed on everything",
                            "すべてのリソースへのすべての操作が許可されます"
                        ),
                    );
                } else if hands_over {
                    self.warn(
                        &at,
                        message!(
                            "`iam:PassRole` on `*` hands over every role of the account",
                            "`*` への `iam:PassRole` は、アカウントのすべてのロールを渡せることになります"
                        ),
                    );
                }
            }
            _ => {}
        }
    }

    fn test(&mut self, path: &str, test: &Test<'_>, allows: bool) {
        let (operator, key) = (test.operator, test.key);
        let at = format!("{path}.Condition.{operator}.{key}");
        if condition_key::exists(key) == Some(false) {
            let plainly = match allows {
                true => message!(
                    "there is no condition key `{key}`: the statement never matches, as no call has it",
                    "条件キー `{key}` は存在しません。どの呼び出しにもないため、このステートメントは一致しません"
                ),
                false => message!(
                    "there is no condition key `{key}`: no call has it, so that the statement does not deny what it should, or denies all",
                    "条件キー `{key}` は存在しません。どの呼び出しにもないため、意図どおりに拒否されません"
                ),
            };
            self.warn(&at, plainly);
        }
        let literal = [
            "stringequals",
            "stringnotequals",
            "stringequalsignorecase",
            "stringnotequalsignorecase",
        ];
        if literal.contains(&test.plain().as_str()) {
            for value in test.values.iter().filter(|value| value.contains(['*', '?'])) {
                self.warn_of_text(&at, value, message!(
                    "{operator} takes `{value}` letter by letter; StringLike knows `*` and `?`",
                    "{operator} は `{value}` を文字どおり比較します。`*` や `?` を使うには StringLike にしてください"
                ));
            }
        }
        let lower = operator.to_ascii_lowercase();
        let of_set = lower.starts_with("forallvalues:") || lower.starts_with("foranyvalue:");
        let many = condition_key::has_many(key);
        if many && !of_set && test.plain() != "null" {
            self.warn(&at, message!(
                "`{key}` has several values in one call: say ForAnyValue: or ForAllValues: before {operator}",
                "`{key}` は一つの呼び出しに複数の値を持ちます。{operator} の前に ForAnyValue: か ForAllValues: を付けてください"
            ));
        }
        if allows && lower.starts_with("forallvalues:") {
            self.warn(
                &at,
                message!(
                    "ForAllValues is true also when `{key}` is absent: in an `Allow` it lets in calls without it",
                    "ForAllValues は `{key}` がない呼び出しでも真になります。`Allow` ではその呼び出しも許可されます"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Target {
        Target::Bucket {
            name: "logs".to_owned(),
        }
    }

    fn key() -> Target {
        Target::Key {
            arn: "arn:aws:kms:eu-west-1:111122223333:key/k".to_owned(),
        }
    }

    /// Each remark: how much it matters, the text that stands where it points, and words of it.
    fn check(target: &Target, text: &str, expected: &[(Weight, &str, &str)]) {
        let ruled = lint(text, target);
        let there = |place: Place| -> String {
            let line = text.split('\n').nth(place.line - 1).unwrap();
            line.chars().skip(place.column - 1).collect()
        };
        assert_eq!(ruled.remarks.len(), expected.len(), "{text}: {:#?}", ruled.remarks);
        for (found, (weight, at, words)) in ruled.remarks.iter().zip(expected) {
            let (stands, what) = (there(found.place), found.what.to_string());
            assert_eq!(found.weight, *weight, "{text}: {found:?}");
            assert!(stands.starts_with(at), "{text}: {found:?} at {stands}");
            assert!(what.contains(words), "{text}: {found:?}");
        }
        let refused = expected.iter().any(|one| one.0 == Weight::Refused);
        assert_eq!(ruled.document.is_none(), refused, "{text}");
    }

    #[test]
    fn what_the_service_refuses_has_its_place() {
        use Weight::Refused;
        let check_key = |text: &str, at: &str, words: &str| check(&key(), text, &[(Refused, at, words)]);
        check_key(
            "{\n \"Version\": \"2012-10-17\"\n \"Statement\": []\n}",
            "\"Statement\"",
            "no JSON",
        );
        check_key(
            "{\n \"Statement\": [{\n  \"Effect\": \"allow\"}]}",
            "\"allow\"",
            "effect",
        );
        check_key(
            "{\"Statement\": [{\"Effect\":\"Deny\",\"Sid\":\"a\",\"Effect\":\"Allow\"}]}",
            "\"Effect\":\"Allow\"",
            "twice",
        );
        let bucket = |text: &str, at: &str, words: &str| check(&bucket(), text, &[(Refused, at, words)]);
        bucket(
            "{\"Version\":\"2012-10-17\",\"Statement\": [{\"Effect\":\"Allow\",\"Principal\":\"*\",\n\"Action\":[\"s3:GetObject\",\n  \"nope\"],\"Resource\":\"arn:aws:s3:::logs/*\"}]}",
            "\"nope\"",
            "nope",
        );
        bucket(
            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\n\"Resource\":\"arn:aws:s3:::logs\"}]}",
            "\"Resource\"",
            "applies to none",
        );
        bucket(
            "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\n\"Resource\":\"*\",\"Condition\":{\"StringIs\":{\"a:b\":1}}}}",
            "\"StringIs\"",
            "operator",
        );
    }

    #[test]
    fn what_is_not_meant_is_warned_of() {
        use Weight::Warning;
        let with =
            |rest: &str| format!("{{\"Version\":\"2012-10-17\",\"Statement\":{{\"Effect\":\"Allow\",\n{rest}}}}}");
        let to =
            "\"Principal\":{\"Service\":\"cloudtrail.amazonaws.com\"},\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"";
        let deputy = (Warning, "\"cloudtrail.amazonaws.com\"", "confused deputy");
        check(&key(), &with(to), &[deputy]);
        let told = format!("{to},\"Condition\":{{\"StringEquals\":{{\"aws:SourceArn\":\"a\"}}}}");
        check(&key(), &with(&told), &[]);
        check(
            &key(),
            &with(&told.replace("\"a\"", "\"a*\"")),
            &[(Warning, "\"a*\"", "letter by letter")],
        );
        let typed = with(&told.replace("SourceArn", "SourceArm"));
        check(&key(), &typed, &[deputy, (Warning, "\"aws:SourceArm\"", "SourceArm")]);
        let own = "\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":[\"kms:Decrpyt\",\"s3:Get*\"],\"Resource\":\"arn:aws:kms:eu-west-1:111122223333:key/other\"";
        check(
            &key(),
            &with(own),
            &[
                (Warning, "\"kms:Decrpyt\"", "no action"),
                (Warning, "\"s3:Get*\"", "another service"),
                (Warning, "\"arn:aws:kms", "not this key"),
            ],
        );
        let open = "\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::logs/*\"";
        let world = (Warning, "\"*\"", "everybody in the world");
        check(&bucket(), &with(open), &[world]);
        let set =
            format!("{open},\"Condition\":{{\"ForAllValues:StringEquals\":{{\"aws:PrincipalOrgPaths\":[\"o\"]}}}}");
        check(
            &bucket(),
            &with(&set),
            &[world, (Warning, "\"aws:PrincipalOrgPaths\"", "also when")],
        );
        let not = open.replace("\"Principal\":\"*\"", "\"NotPrincipal\":{\"AWS\":\"111122223333\"}");
        check(
            &bucket(),
            &with(&not),
            &[(Warning, "\"NotPrincipal\"", "everybody else")],
        );
    }
}
