//! How a change looks.

use super::{Planned, State, StepDone};
use crate::{
    operate::{Access, Output, tr},
    style::{Style, say, say_aside, wrapped},
};
use operator::{
    aws::Error,
    change::{
        Back, Call, Overtaken, Shown, Step, TakenBack, deletes_events, described,
        diff::{Line, hunks, pretty},
    },
    message::{Language, Message},
    text,
};
use serde_json::Value;
use std::{fmt::Display, path::Path};

/// Where the words of a change go, how, and in which language.
pub(crate) struct Screen {
    pub(super) language: Language,
    style: Style,
    to_stderr: bool,
}

impl Screen {
    pub(crate) fn new(output: Output, language: Language) -> Screen {
        let to_stderr = output == Output::Json;
        Screen {
            language,
            style: if to_stderr {
                Style::of_stderr()
            } else {
                Style::of_stdout()
            },
            to_stderr,
        }
    }

    pub(crate) fn say(&self, line: impl Display) {
        match self.to_stderr {
            true => say_aside(line),
            false => say(line),
        }
    }

    /// What went wrong, always on standard error.
    pub(super) fn complain(&self, line: &str) {
        say_aside(format_args!("shoseki: {line}"));
    }

    pub(super) fn heading(&self, text: &str) {
        self.say(self.style.bold(text));
    }

    pub(super) fn remark(&self, text: &str) {
        self.say(self.style.dim(text));
    }

    fn text<'a>(&self, message: &'a Message) -> &'a str {
        message.in_language(self.language)
    }

    /// A text for people in lines after a mark.
    pub(super) fn marked(&self, mark: &str, text: &str) {
        let indent = mark.chars().count();
        for (at, line) in wrapped(text, indent).iter().enumerate() {
            match at {
                0 => self.say(format!("{mark}{line}")),
                _ => self.say(format!("{:indent$}{line}", "")),
            }
        }
    }

    pub(super) fn plan(&self, planned: &Planned, with_commands: bool) {
        let (language, account) = (self.language, &planned.account);
        self.say(self.style.bold(self.text(&planned.title)));
        self.say(
            self.style
                .dim(tr!(language, "account {account}", "アカウント {account}")),
        );
        if !planned.warnings.is_empty() {
            self.say(format!(
                "\n{}",
                self.style.bold(tr!(language, "To be known before", "注意"))
            ));
        }
        for warning in &planned.warnings {
            self.marked("  ! ", self.text(warning));
        }
        if !planned.steps.is_empty() {
            self.say(format!(
                "\n{}",
                self.style.bold(tr!(language, "What will be done", "行う変更"))
            ));
        }
        for (at, step) in planned.steps.iter().enumerate() {
            self.step(at, step, with_commands);
        }
        self.say("");
    }

    fn step(&self, at: usize, step: &Step, with_commands: bool) {
        self.marked(&format!("  {}. ", at + 1), self.text(&step.title));
        if let Some(shown) = &step.shown {
            self.difference(shown);
        }
        if with_commands {
            self.say(self.style.dim(format!("     $ {}", step.call.command())));
        }
    }

    /// The call itself, where there is no text before and after.
    pub(super) fn numbered_call(&self, at: usize, call: &Call, with_commands: bool) {
        self.marked(&format!("  {}. ", at + 1), self.text(&described(call)));
        for line in text::policy(&readable(&call.input).to_string()).lines() {
            self.say(self.style.dim(format!("     {line}")));
        }
        if with_commands {
            self.say(self.style.dim(format!("     $ {}", call.command())));
        }
    }

    fn difference(&self, shown: &Shown) {
        let names = (tr!(self.language, "now", "現在"), tr!(self.language, "then", "変更後"));
        self.compared(&shown.what, (&shown.before, &shown.after), names);
    }

    /// What somebody else has changed: what was known of it, and what is there.
    pub(super) fn overtaken(&self, overtaken: &Overtaken) {
        let names = (
            tr!(self.language, "as this change knows it", "この変更が把握している内容"),
            tr!(self.language, "as it is", "実際の内容"),
        );
        self.compared(&overtaken.what, (&overtaken.expected, &overtaken.found), names);
    }

    fn compared(&self, what: &Message, (before, after): (&str, &str), (was, is): (String, String)) {
        let (before, after) = (pretty(before), pretty(after));
        let hunks = hunks(&before, &after);
        if hunks.is_empty() {
            return;
        }
        let what = self.text(what);
        self.say(self.style.bold(format!("     --- {what} ({was})")));
        self.say(self.style.bold(format!("     +++ {what} ({is})")));
        for hunk in hunks {
            let range = |(start, count): (usize, usize)| match count {
                1 => start.to_string(),
                count => format!("{start},{count}"),
            };
            let head = format!("     @@ -{} +{} @@", range(hunk.before), range(hunk.after));
            self.say(self.style.dim(head));
            for line in hunk.lines {
                match line {
                    Line::Same(text) => self.say(format!("      {text}")),
                    Line::Gone(text) => self.say(self.style.bad(format!("     -{text}"))),
                    Line::New(text) => self.say(self.style.good(format!("     +{text}"))),
                }
            }
        }
    }

    pub(super) fn kept_in(&self, path: &Path) {
        let path = path.display();
        self.say(tr!(
            self.language,
            "What takes the change back is kept in {path}",
            "変更前の状態を {path} に保存します"
        ));
    }

    pub(super) fn made(&self, at: usize, title: &Message) {
        let done = self.style.good(tr!(self.language, "done", "完了"));
        self.say(format!("  {}. {done}: {}", at + 1, self.text(title)));
    }

    pub(super) fn waiting(&self, at: usize, error: &Error, seconds: u64) {
        let number = at + 1;
        let error = error.message();
        let error = self.text(&error);
        self.say(tr!(
            self.language,
            "  {number}. not yet ({error}): tried again in {seconds} s, for what was just made is not known everywhere at once",
            "  {number}. 未完了 ({error}): 作成直後の設定が行き渡るのを待ち、{seconds} 秒後に再試行します"
        ));
    }

    pub(super) fn all_made(&self, path: &Path, access: &Access) {
        self.say(tr!(
            self.language,
            "The change is made. To take it back:",
            "変更が完了しました。元に戻すには:"
        ));
        self.say(format!("  {}", undo_command(path, access)));
    }

    /// The steps by what became of them.
    fn account_for(&self, steps: &[StepDone]) {
        let words = |state: State| match state {
            State::Made => self.style.good(tr!(self.language, "made", "実行済み")),
            State::NotMade => tr!(self.language, "not made", "未実行"),
            State::Failed => self.style.bad(tr!(self.language, "failed", "失敗")),
            State::Unsure => self.style.bad(tr!(
                self.language,
                "failed, and may have been made",
                "失敗(実行された可能性あり)"
            )),
        };
        for (at, step) in steps.iter().enumerate() {
            self.say(format!(
                "  {}. {}: {}",
                at + 1,
                words(step.state),
                self.text(&step.title)
            ));
        }
    }

    pub(super) fn stopped(&self, steps: &[StepDone]) {
        self.say(tr!(
            self.language,
            "Interrupted between two steps:",
            "ステップの間で中断しました:"
        ));
        self.account_for(steps);
    }

    pub(super) fn failed(&self, steps: &[StepDone], at: usize, error: &Error) {
        let number = at + 1;
        let error = error.message();
        let error = self.text(&error);
        self.complain(&tr!(
            self.language,
            "step {number} failed: {error}",
            "ステップ {number} が失敗しました: {error}"
        ));
        self.account_for(steps);
    }

    pub(super) fn how_to_go_on(&self, path: &Path, access: &Access) {
        self.say(tr!(
            self.language,
            "To go on, make the same command again:",
            "続行するには、同じコマンドをもう一度実行します:"
        ));
        self.say(format!("  {}", this_command()));
        self.say(tr!(
            self.language,
            "To take back what was made:",
            "行った変更を元に戻すには:"
        ));
        self.say(format!("  {}", undo_command(path, access)));
    }

    pub(super) fn back(&self, call: &Call, back: &Back) {
        let language = self.language;
        let call = described(call);
        let call = self.text(&call);
        match back {
            Back::Made => self.say(format!("  {}: {call}", self.style.good(tr!(language, "done", "完了")))),
            Back::NotThere => {
                self.say(format!(
                    "  {}: {call}",
                    self.style.good(tr!(language, "not there", "存在しません"))
                ));
            }
            Back::Nameless => self.say(format!(
                "  {}: {call}",
                self.style.bad(tr!(
                    language,
                    "cannot be done here, for the answer with its name never came",
                    "実行できません(名前を含む応答が得られませんでした)"
                ))
            )),
            Back::Failed(error) => self.say(format!(
                "  {}: {call}\n    {}",
                self.style.bad(tr!(language, "failed", "失敗")),
                self.text(&error.message())
            )),
            Back::Overtaken(overtaken) => {
                let what = tr!(
                    language,
                    "left, for somebody has changed it since",
                    "変更後に他者が変更したため未実行"
                );
                self.say(format!("  {}: {call}", self.style.bad(what)));
                self.overtaken(overtaken);
            }
            Back::Held => self.say(format!(
                "  {}: {call}",
                self.style.bad(tr!(
                    language,
                    "not tried, for what failed before needs it",
                    "未実行(失敗した項目に必要なため)"
                ))
            )),
            Back::Kept => self.say(format!(
                "  {}: {call}",
                self.style.bold(tr!(language, "not done", "実行しません"))
            )),
        }
    }

    /// The keys and log groups that stay, and how they are ended when nobody needs them any more.
    fn kept(&self, taken: &TakenBack) {
        let language = self.language;
        for call in taken.kept() {
            let key = call.input["KeyId"].as_str().unwrap_or_default();
            let group = call.input["logGroupName"].as_str().unwrap_or_default();
            self.say(match deletes_events(call) {
                true => tr!(
                    language,
                    "The log group {group} stays, for there are events in it, or it cannot be told whether there are. \
                     With --delete-logs it is deleted with them; or delete it by:",
                    "ロググループ {group} は残します。イベントが記録されているか、有無を確認できないためです。\
                     イベントごと削除するには --delete-logs を指定するか、次のコマンドで削除してください:"
                ),
                false => tr!(
                    language,
                    "The key {key} stays: the trail may have sealed log files with it, which nobody could read without it. It goes on costing. \
                     When none of them is needed any more, end it by:",
                    "鍵 {key} は残します。この鍵で暗号化されたログファイルがあると、削除後は誰も読めなくなるためです (料金は引き続き発生します)。\
                     不要になったら次のコマンドで削除してください:"
                ),
            });
            self.say(format!("  {}", call.command()));
        }
    }

    pub(super) fn taken_back(&self, taken: &TakenBack, path: &Path, access: &Access) {
        let language = self.language;
        self.kept(taken);
        if taken.is_whole() {
            if taken.kept().next().is_none() {
                self.say(tr!(language, "All is as it was before.", "すべて元に戻りました。"));
            } else {
                self.say(tr!(
                    language,
                    "Everything else is as it was before.",
                    "それ以外はすべて元に戻りました。"
                ));
            }
            return;
        }
        let left = taken.left.len();
        self.say(tr!(
            language,
            "This is not taken back ({left}):",
            "元に戻っていないもの ({left} 件):"
        ));
        for call in &taken.left {
            self.say(format!("  - {}", self.text(&described(call))));
        }
        if taken.tried.iter().any(|(_, back)| matches!(back, Back::Overtaken(_))) {
            self.say(tr!(
                language,
                "What somebody else has changed is replaced with --overwrite: their change is lost.",
                "他者が変更したものも元に戻すには --overwrite を指定します (他者の変更は失われます)。"
            ));
        }
        self.say(tr!(language, "To try again:", "もう一度試すには:"));
        self.say(format!("  {}", undo_command(path, access)));
    }
}

/// An input with its policies as documents, not as texts in quotes.
fn readable(input: &Value) -> Value {
    let Value::Object(members) = input else {
        return input.clone();
    };
    let member = |(name, value): (&String, &Value)| {
        let document = value
            .as_str()
            .filter(|_| name.starts_with("Policy"))
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
            .filter(Value::is_object);
        (name.clone(), document.unwrap_or_else(|| value.clone()))
    };
    Value::Object(members.iter().map(member).collect())
}

/// The command that takes a change back.
fn undo_command(path: &Path, access: &Access) -> String {
    let mut words = ["shoseki", "trail", "rollback", "--undo"].map(str::to_owned).to_vec();
    words.push(path.display().to_string());
    let options = [
        ("--profile", &access.profile),
        ("--region", &access.region),
        ("--endpoint-url", &access.endpoint_url),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            words.extend([name.to_owned(), value.clone()]);
        }
    }
    joined(words)
}

/// The command of this run, without the name of a file that is there now.
fn this_command() -> String {
    let mut words = vec!["shoseki".to_owned()];
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        match word.as_str() {
            "--before-state" => drop(given.next()),
            word if word.starts_with("--before-state=") => {}
            word => words.push(word.to_owned()),
        }
    }
    joined(words)
}

/// Words for a POSIX shell.
fn joined(words: Vec<String>) -> String {
    let is_plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&b))
    };
    let quoted = words.into_iter().map(|word| match is_plain(&word) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}
