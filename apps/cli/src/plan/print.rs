//! A plan for people.

use crate::{
    operate::tr,
    style::{Style, say, wrapped},
};
use operator::{
    message::Language,
    plan::{Counted, Files, Part, Plan, ReaderChange, Refusal, TrailOutcome, Unreadable},
    rights::Allowed,
};

/// So many principals of one kind are named; of more only how many.
const NAMED_MAX: usize = 20;

struct Screen {
    style: Style,
    language: Language,
}

/// Prints a plan.
pub(super) fn print(plan: &Plan, language: Language) {
    let screen = Screen {
        style: Style::of_stdout(),
        language,
    };
    screen.changes(plan);
    screen.trails(plan);
    screen.readers(plan);
    screen.objects(plan);
    screen.rest(plan);
    let account = &plan.account;
    say("");
    say(match plan.breaks {
        true => screen.style.bad(tr!(
            language,
            "Something would break in account {account}.",
            "アカウント {account} で問題が起きます。"
        )),
        false => screen.style.good(tr!(
            language,
            "Nothing would break in account {account}, as far as is known.",
            "アカウント {account} では、分かる範囲で問題は起きません。"
        )),
    });
}

impl Screen {
    fn heading(&self, english: &str, japanese: &str) {
        say("");
        let text = match self.language {
            Language::English => english,
            Language::Japanese => japanese,
        };
        say(self.style.bold(text));
    }

    fn item(&self, mark: &str, text: &str) {
        let mut lines = wrapped(text, 6).into_iter();
        say(format!("  {mark} {}", lines.next().unwrap_or_default()));
        for line in lines {
            say(format!("      {line}"));
        }
    }

    fn more(&self, text: &str) {
        for line in wrapped(text, 6) {
            say(format!("      {}", self.style.dim(line)));
        }
    }

    fn mark(&self, is_good: bool) -> String {
        match is_good {
            true => self.style.good("✓"),
            false => self.style.bad("✗"),
        }
    }

    fn changes(&self, plan: &Plan) {
        say(self.style.bold(tr!(self.language, "The changes", "変更内容")));
        for change in &plan.changes {
            let is_good = change.refused.as_ref().is_none_or(|refusal| !refusal.certain) && change.may();
            self.item(&self.mark(is_good), change.what.in_language(self.language));
            if let Some(refusal) = &change.refused {
                self.refusal(&change.call, refusal);
            }
            if change.allowed.allowed != Allowed::Yes {
                let (call, why) = (&change.call, change.allowed.why.in_language(self.language));
                let certain = change.allowed.is_no();
                self.more(&match certain {
                    true => tr!(
                        self.language,
                        "you may not call {call}: {why}",
                        "{call} を呼び出せません: {why}"
                    ),
                    false => tr!(
                        self.language,
                        "whether you may call {call} is not known: {why}",
                        "{call} を呼び出せるかは不明です: {why}"
                    ),
                });
            }
        }
    }

    fn refusal(&self, call: &str, refusal: &Refusal) {
        let (code, why) = (&refusal.code, refusal.why.in_language(self.language));
        self.more(&match refusal.certain {
            true => tr!(
                self.language,
                "{call} would be refused with {code}: {why}",
                "{call} は {code} で拒否されます: {why}"
            ),
            false => tr!(
                self.language,
                "{call} may be refused with {code}: {why}",
                "{call} は {code} で拒否される可能性があります: {why}"
            ),
        });
    }

    fn trails(&self, plan: &Plan) {
        self.heading("Trails", "証跡");
        if plan.trails.is_empty() {
            self.item("-", &tr!(self.language, "there are none", "ありません"));
        }
        for trail in &plan.trails {
            self.trail(trail);
        }
    }

    fn trail(&self, trail: &TrailOutcome) {
        let name = &trail.name;
        let stops: Vec<&str> = trail
            .parts()
            .filter(|(_, part)| part.stops())
            .map(|(what, _)| what)
            .collect();
        let text = match (stops.is_empty(), trail.breaks()) {
            (false, _) => {
                let stops: Vec<String> = stops.iter().map(|what| self.part_name(what)).collect();
                let stops = stops.join(", ");
                tr!(self.language, "{name}: stops: {stops}", "{name}: 停止: {stops}")
            }
            (true, true) => tr!(self.language, "{name}: breaks", "{name}: 問題あり"),
            (true, false) => tr!(self.language, "{name}: goes on as before", "{name}: 影響なし"),
        };
        self.item(&self.mark(!trail.breaks()), &text);
        for (what, part) in trail.parts() {
            self.part(what, part);
        }
        if trail.validation_ends {
            self.more(&tr!(
                self.language,
                "no digests any more: later log files cannot be proved",
                "ダイジェストが作られなくなり、以後のログファイルは検証できません"
            ));
        }
        if let Some(refusal) = trail.update_trail.as_ref().filter(|_| !trail.changed) {
            let (code, certain) = (&refusal.code, refusal.certain);
            self.more(&match certain {
                true => tr!(
                    self.language,
                    "any later UpdateTrail would be refused with {code}",
                    "以後の UpdateTrail は {code} で拒否されます"
                ),
                false => tr!(
                    self.language,
                    "a later UpdateTrail may be refused with {code}",
                    "以後の UpdateTrail は {code} で拒否される可能性があります"
                ),
            });
        }
    }

    fn part_name(&self, what: &str) -> String {
        match (self.language, what) {
            (Language::Japanese, "log files") => "ログファイル",
            (Language::Japanese, "digests") => "ダイジェスト",
            (Language::Japanese, "log group") => "ロググループ",
            (Language::Japanese, "topic") => "トピック",
            (_, what) => what,
        }
        .to_owned()
    }

    fn part(&self, what: &str, part: &Part) {
        let what = self.part_name(what);
        if part.starts() {
            self.more(&tr!(
                self.language,
                "{what}: would work again",
                "{what}: 再び動作します"
            ));
        }
        let Some(refusal) = part.error.as_ref().filter(|_| part.after != Allowed::Yes) else {
            return;
        };
        let (code, why) = (&refusal.code, refusal.why.in_language(self.language));
        self.more(&match (refusal.certain, part.before) {
            (true, Allowed::No) => tr!(
                self.language,
                "{what}: refused as now: {code}: {why}",
                "{what}: 現在と同じく拒否: {code}: {why}"
            ),
            (true, _) => tr!(
                self.language,
                "{what}: error {code}: {why}",
                "{what}: エラー {code}: {why}"
            ),
            (false, _) => tr!(self.language, "{what}: not known: {why}", "{what}: 不明: {why}"),
        });
    }

    fn readers(&self, plan: &Plan) {
        self.heading("Readers of the log files", "ログファイルの読み取り");
        let count = plan.readers_unchanged;
        if plan.readers.is_empty() {
            self.item(
                "-",
                &tr!(
                    self.language,
                    "nobody's reading changes ({count} as before)",
                    "変化なし ({count})"
                ),
            );
            return;
        }
        for change in plan.readers.iter().take(NAMED_MAX) {
            self.reader(change);
        }
        let more = plan.readers.len().saturating_sub(NAMED_MAX);
        if more > 0 {
            self.item(
                "-",
                &tr!(
                    self.language,
                    "and {more} more (--output json has all)",
                    "他 {more} (全件は --output json)"
                ),
            );
        }
        self.item("-", &tr!(self.language, "{count} as before", "変化なし: {count}"));
    }

    fn reader(&self, change: &ReaderChange) {
        let (who, before, after) = (&change.principal, self.word(change.before), self.word(change.after));
        let trail = &change.trail;
        self.item(
            &self.mark(!change.loses()),
            &tr!(
                self.language,
                "{who}: {before} → {after} ({trail})",
                "{who}: {before} → {after} ({trail})"
            ),
        );
        let files = match change.files {
            Files::All => String::new(),
            Files::Existing => tr!(self.language, "files that are there: ", "既存のファイル: "),
            Files::ToCome => tr!(self.language, "files to come: ", "今後のファイル: "),
        };
        self.more(&format!("{files}{}", change.prefixes.join(", ")));
        self.more(change.why.in_language(self.language));
    }

    fn word(&self, allowed: Allowed) -> String {
        match allowed {
            Allowed::Yes => tr!(self.language, "reads", "読める"),
            Allowed::No => tr!(self.language, "does not read", "読めない"),
            Allowed::Unknown => tr!(self.language, "not known", "不明"),
        }
    }

    fn objects(&self, plan: &Plan) {
        if plan.objects.is_empty() {
            return;
        }
        self.heading("Objects that only the key opens", "そのキーでのみ開けるオブジェクト");
        for objects in &plan.objects {
            self.counted(objects);
        }
        self.more(&tr!(
            self.language,
            "Older versions are not counted.",
            "旧バージョンは数えていません。"
        ));
    }

    fn counted(&self, objects: &Unreadable) {
        let (bucket, total, looked_at) = (&objects.bucket, objects.total(), objects.looked_at);
        let text = match objects.at_least {
            true => tr!(
                self.language,
                "s3://{bucket}: at least {total} ({looked_at} looked at)",
                "s3://{bucket}: 少なくとも {total} 件 (確認 {looked_at} 件)"
            ),
            false => tr!(
                self.language,
                "s3://{bucket}: {total} of {looked_at}",
                "s3://{bucket}: {looked_at} 件中 {total} 件"
            ),
        };
        self.item(&self.mark(total == 0), &text);
        let kinds = [
            (&objects.log_files, tr!(self.language, "log files", "ログファイル")),
            (&objects.digests, tr!(self.language, "digests", "ダイジェスト")),
            (&objects.others, tr!(self.language, "other objects", "その他")),
        ];
        for (counted, what) in kinds.iter().filter(|(counted, _)| counted.objects > 0) {
            self.more(&format!("{what}: {}", self.ages(counted)));
        }
        if let Some(missing) = &objects.missing {
            self.more(missing.said().in_language(self.language));
        }
        for (code, count) in &objects.refused {
            self.more(&tr!(
                self.language,
                "{count} could not be looked at: s3:HeadObject {code}",
                "{count} 件は確認できません: s3:HeadObject {code}"
            ));
        }
    }

    fn ages(&self, counted: &Counted) -> String {
        let ages = counted.by_age.iter();
        let ages: Vec<String> = ages
            .map(|(age, count)| format!("{} {count}", age.said().in_language(self.language)))
            .collect();
        format!("{} ({})", counted.objects, ages.join(", "))
    }

    fn rest(&self, plan: &Plan) {
        if !plan.lockouts.is_empty() {
            self.heading("Locked out", "ロックアウト");
        }
        for lockout in &plan.lockouts {
            self.item(
                &self.mark(false),
                &format!("{}: {}", lockout.resource, lockout.why.in_language(self.language)),
            );
        }
        if !plan.lifecycle.is_empty() {
            self.heading("Lifecycle", "ライフサイクル");
        }
        for effect in &plan.lifecycle {
            let (bucket, rule, what) = (&effect.bucket, &effect.rule, effect.what.in_language(self.language));
            self.item(&self.mark(false), &format!("{bucket} \"{rule}\": {what}"));
        }
        self.heading("Cost of a month", "1 か月の費用");
        let (before, after) = (plan.cost.before, plan.cost.after);
        self.item(
            "-",
            &tr!(self.language, "keys: {before} → {after}", "キー: {before} → {after}"),
        );
        for remark in &plan.cost.remarks {
            self.more(remark.in_language(self.language));
        }
        self.heading("To be known", "注意");
        for remark in &plan.remarks {
            self.item("-", remark.in_language(self.language));
        }
    }
}
