//! Where the statements of a policy document stand in its text, as the policy simulator tells it.

use serde::Serialize;

/// A place in a text. Lines and columns count from one; a column is that of the character behind the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A statement's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// The places of the statements, in order, of a document that parses.
///
/// AWS tells where its reader stood: in a list, a statement begins behind the bracket or behind the statement before it;
/// one that is alone begins behind its own brace. Each ends behind its closing brace.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>, the examples.
pub(crate) fn spans(document: &str) -> Vec<Span> {
    let mut reader = Reader {
        at: Position { line: 1, column: 1 },
        depth: 0,
        string: None,
        escaped: false,
        name: String::new(),
        expected: false,
        statements: None,
        spans: Vec::new(),
    };
    for c in document.chars() {
        reader.read(c);
    }
    reader.spans
}

struct Reader {
    /// Behind what was read.
    at: Position,
    depth: usize,
    /// The string that is being read, as written.
    string: Option<String>,
    escaped: bool,
    /// The string that was read last, as written.
    name: String,
    /// What opens next is the value of `Statement`.
    expected: bool,
    /// How deep statements are, and where the next begins.
    statements: Option<(usize, Position)>,
    spans: Vec<Span>,
}

impl Reader {
    fn read(&mut self, c: char) {
        match c {
            '\n' => {
                self.at.line += 1;
                self.at.column = 1;
            }
            _ => self.at.column += 1,
        }
        if let Some(mut string) = self.string.take() {
            match c {
                '"' if !self.escaped => self.name = string,
                c => {
                    self.escaped = c == '\\' && !self.escaped;
                    string.push(c);
                    self.string = Some(string);
                }
            }
            return;
        }
        match c {
            '"' => self.string = Some(String::new()),
            ':' if self.depth == 1 => self.expected = is_statement(&self.name),
            '{' | '[' => self.open(c),
            '}' | ']' => self.close(),
            _ => {}
        }
    }

    fn open(&mut self, c: char) {
        self.depth += 1;
        if std::mem::take(&mut self.expected) {
            let deeper = usize::from(c == '[');
            self.statements = Some((self.depth + deeper, self.at));
        }
    }

    fn close(&mut self) {
        if let Some((depth, start)) = self.statements {
            if self.depth == depth {
                self.spans.push(Span { start, end: self.at });
                self.statements = Some((depth, self.at));
            }
            if self.depth <= 2 {
                self.statements = None;
            }
        }
        self.depth = self.depth.saturating_sub(1);
    }
}

/// Whether a member's name is `Statement`, perhaps written with escapes.
fn is_statement(name: &str) -> bool {
    name == "Statement" || serde_json::from_str::<String>(&format!("\"{name}\"")).is_ok_and(|name| name == "Statement")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(document: &str, expected: &[[usize; 4]]) {
        let span = |span: &Span| [span.start.line, span.start.column, span.end.line, span.end.column];
        let found: Vec<_> = spans(document).iter().map(span).collect();
        assert_eq!(found, expected, "{document}");
    }

    #[test]
    fn places_are_those_of_awss_examples() {
        check(
            "{\n  \"Version\":\"2012-10-17\",\n  \"Statement\":{\n    \"Effect\":\"Allow\",\n    \"Action\":\"s3:PutObject\",\n    \"Resource\":\"arn:aws:s3:::my-test-bucket\"\n  }\n}",
            &[[3, 16, 7, 4]],
        );
        check(
            "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }\n  ]\n}",
            &[[3, 17, 8, 6]],
        );
        check(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow"},{"Effect":"Deny"}]}"#,
            &[[1, 38, 1, 56], [1, 56, 1, 74]],
        );
    }

    #[test]
    fn names_and_brackets_in_strings_do_not_count() {
        check(
            r#"{"Id":"Statement","Statement":{"Sid":"}]\"{","Condition":{"A":{"b":["c"]}}}}"#,
            &[[1, 32, 1, 76]],
        );
        check(r#"{"\u0053tatement":[{}],"Id":"[{"}"#, &[[1, 20, 1, 22]]);
    }

    proptest! {
        #[test]
        fn each_statement_is_where_it_is_told(
            sids in proptest::collection::vec("[a-z{}:,\"\\[\\]\\\\]{0,6}", 1..5),
            pretty in any::<bool>(),
        ) {
            let statements: Vec<_> = sids.iter().map(|sid| serde_json::json!({ "Sid": sid })).collect();
            let document = serde_json::json!({ "Id": "Statement", "Statement": statements, "Version": "2012-10-17" });
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
            let text = text.unwrap();
            let offset = |position: Position| -> usize {
                let before: usize = text.split_inclusive('\n').take(position.line - 1).map(str::len).sum();
                before + position.column - 1
            };
            let found: Vec<serde_json::Value> = spans(&text)
                .iter()
                .map(|span| text[offset(span.start)..offset(span.end)].trim_start_matches([',', '\n', ' ']))
                .map(|statement| serde_json::from_str(statement).unwrap())
                .collect();
            prop_assert_eq!(found, statements);
        }
    }
}
