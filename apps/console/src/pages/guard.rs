//! The guard: the baseline that a server keeps, what is so now, and what puts it back.
//!
//! The baseline is a file of the server's; it is shown to the account that it is of. What is so now is asked by calls of who is
//! signed in, and what differs is put back by theirs, too.

use crate::{
    Guard, ROOT,
    change::{self, Carried, Planned},
    context::Context,
    failure::Failure,
    page::{Page, State, code, empty, facts, notice, state, table, time, token},
    router::{Outcome, Route, get, post},
    web::Answer,
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    aws::Client,
    change::{Shown, Step, described},
    guard::{Baseline, Finding, Item, Level, Mode, Schedule, Standing, State as Memory, inspect},
    message,
    message::Message,
    trail::Notation,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// So many runs to come are shown.
const RUNS: usize = 4;

pub(crate) fn routes() -> Vec<Route> {
    vec![get("/guard", show), post("/guard/put-back", put_back)]
}

/// What a server's guard keeps.
struct Kept {
    baseline: Baseline,
    memory: Memory,
    /// The report of its last run, as it wrote it.
    report: Option<Value>,
}

enum Guarded {
    /// The server keeps no guard.
    None,
    /// It is of another account.
    Other,
    Of(Box<Kept>),
}

async fn read(c: &Context) -> Result<Guarded, Failure> {
    let Some(guard) = c.settings().guard.clone() else {
        return Ok(Guarded::None);
    };
    let kept = tokio::task::spawn_blocking(move || kept(&guard)).await;
    let kept = kept.map_err(|_| {
        Failure::Own(message!(
            "The guard's files cannot be read.",
            "ガードのファイルを読み取れません。"
        ))
    })??;
    let role = kept.baseline.role.as_deref().and_then(base::arn::split);
    let own = kept.baseline.account.as_deref().or(role.map(|parts| parts.account));
    Ok(match own == Some(c.session.caller.account.as_str()) {
        true => Guarded::Of(Box::new(kept)),
        false => Guarded::Other,
    })
}

fn kept(guard: &Guard) -> Result<Kept, Failure> {
    let unreadable = |what: &str, why: String| {
        Failure::Own(message!(
            "{what} cannot be used: {why}",
            "{what} を使用できません: {why}"
        ))
    };
    let name = guard.baseline.display().to_string();
    let text = std::fs::read_to_string(&guard.baseline).map_err(|fault| unreadable(&name, fault.to_string()))?;
    let baseline =
        Baseline::parse(&text, Notation::of_name(&name)).map_err(|fault| unreadable(&name, fault.to_string()))?;
    let memory = Memory::read(&guard.state).map_err(|fault| unreadable("guard.state.json", fault))?;
    let report = std::fs::read(&guard.report).ok();
    Ok(Kept {
        baseline,
        memory,
        report: report.and_then(|bytes| serde_json::from_slice(&bytes).ok()),
    })
}

async fn show(c: Arc<Context>) -> Outcome {
    let page = Page::new(&c, message!("Guard", "ガード")).of_all_regions();
    let kept = match read(&c).await? {
        Guarded::None => return Ok(page.with(none(&c))),
        Guarded::Other => {
            return Ok(page.with(notice(
                &c,
                State::Plain,
                &message!(
                    "The guard of this server keeps the settings of another account.",
                    "このサーバーのガードは別のアカウントの設定を管理しています。"
                ),
            )));
        }
        Guarded::Of(kept) => kept,
    };
    let looked = match c.query.is_on("run") {
        true => Some(look(&c, &kept.baseline).await),
        false => None,
    };
    // Whoever may not see the trails is not told of them by a report that the server wrote.
    let may_see = sees(&c, &kept.baseline).await;
    Ok(page.with(html! {
        (baseline(&c, &kept))
        (schedule(&c, &kept))
        section #now aria-live="polite" {
            h2 { (c.t(&message!("What is so now", "現在の状態"))) }
            @match &looked {
                Some(findings) => (now(&c, findings)),
                None => {
                    p { (c.t(&message!(
                        "A dry run looks at everything that the baseline names, by calls of yours that read. It changes nothing.",
                        "試行では、ベースラインの全項目をあなたの権限で読み取ります。何も変更しません。"
                    ))) }
                    form method="get" action={ (ROOT) "/guard" } {
                        input type="hidden" name="run" value="1";
                        div.actions { button.primary type="submit" { (c.t(&message!("Run now, without changing anything", "今すぐ試行 (変更なし)"))) } }
                    }
                }
            }
        }
        (last(&c, &kept, may_see))
    }))
}

fn none(c: &Context) -> Markup {
    let example = "account: \"000000000000\"\nrole: arn:aws:iam::000000000000:role/guard\nmode: report\nschedule:\n  day: saturday\n  time: \"02:00\"\n  time_zone: Asia/Tokyo\nsecure:\n  cloudtrail: true\ntrails:\n  - name: audit\n    home_region: us-east-1\n    key: arn:aws:kms:us-east-1:000000000000:key/…\n";
    html! {
        (empty(c, &message!(
            "This server keeps no guard. A guard looks every week whether trails are as a baseline says, and reports or puts back what differs.",
            "このサーバーではガードが動いていません。ガードは証跡がベースラインどおりかを毎週確認し、差分を報告または復元します。"
        )))
        section {
            h2 { (c.t(&message!("How to start one", "開始方法"))) }
            p { (c.t(&message!(
                "Write a baseline, let the role trust guard.shoseki.amazonaws.com, and start the server with it:",
                "ベースラインを書き、ロールの信頼ポリシーで guard.shoseki.amazonaws.com を許可してから、サーバーを起動します。"
            ))) }
            (code(c, example))
            (code(c, "shoseki serve --guard baseline.yaml"))
            p { (c.t(&message!("Outside a server, and for AWS itself:", "サーバーの外や AWS に対しては:"))) }
            (code(c, "shoseki guard run baseline.yaml --once\nshoseki guard serve baseline.yaml"))
        }
    }
}

fn baseline(c: &Context, kept: &Kept) -> Markup {
    let baseline = &kept.baseline;
    let left_alone: Vec<&str> = baseline
        .exclude_regions
        .iter()
        .chain(&baseline.exclude_resources)
        .map(String::as_str)
        .collect();
    let left_alone = match left_alone.is_empty() {
        true => html! { (c.t(&message!("nothing", "なし"))) },
        false => html! { (left_alone.join(", ")) },
    };
    let rows = [Item::CloudTrail, Item::Config].into_iter().map(|item| {
        let level = match baseline.level(item) {
            Some(level) => state(c, State::Good, &level.named()),
            None => state(c, State::Plain, &message!("not opted in", "オプトインなし")),
        };
        vec![
            html! { (c.t(&item.named())) },
            level,
            html! { (c.t(&kept_so(item, baseline.level(item)))) },
        ]
    });
    let head = [
        message!("Item", "項目"),
        message!("Level", "レベル"),
        message!("What is kept", "維持する内容"),
    ];
    html! {
        section {
            h2 { (c.t(&message!("The baseline", "ベースライン"))) }
            (facts(c, vec![
                (message!("What differs", "差分の扱い"), html! { (c.t(&match baseline.mode {
                    Mode::Report => message!("is reported", "報告する"),
                    Mode::Enforce => message!("is put back", "元に戻す"),
                })) }),
                (message!("Acts as", "実行ロール"), html! { code { (baseline.role.as_deref().unwrap_or_default()) } }),
                (message!("Left alone", "除外"), left_alone),
            ]))
            (table(c, &message!("What the baseline says of each item", "項目ごとのベースライン"), &head, rows.collect()))
            @if !baseline.trails.is_empty() { (trails(c, baseline)) }
        }
    }
}

fn kept_so(item: Item, level: Option<Level>) -> Message {
    match (item, level) {
        (_, None) => message!("It is left alone.", "何もしません。"),
        (Item::CloudTrail, Some(Level::Secure)) => message!(
            "Each trail logs, is of all Regions, signs its files, and is sealed by its key; the bucket's default encryption, too.",
            "各証跡が記録中で、全リージョンを対象とし、検証が有効で、指定キーで暗号化されています。バケットのデフォルト暗号化も同様です。"
        ),
        (Item::CloudTrail, Some(Level::Basic)) => message!(
            "Each trail logs, is of all Regions, signs its files, and is sealed by S3's own keys.",
            "各証跡が記録中で、全リージョンを対象とし、検証が有効で、S3 管理のキーで暗号化されています。"
        ),
        (Item::Config, Some(_)) => message!(
            "The configuration recorder of each Region runs, where AWS Config is there.",
            "AWS Config があるリージョンでは、設定レコーダーが動作しています。"
        ),
    }
}

fn trails(c: &Context, baseline: &Baseline) -> Markup {
    let head = [
        message!("Trail", "証跡"),
        message!("Home Region", "ホームリージョン"),
        message!("Key of the secure level", "セキュアレベルのキー"),
        message!("Bucket's default encryption", "バケットのデフォルト暗号化"),
    ];
    let rows = baseline.trails.iter().map(|trail| {
        let bucket = match (trail.bucket_default, trail.bucket_key) {
            (false, _) => message!("left alone", "対象外"),
            (true, false) => message!("kept", "維持する"),
            (true, true) => message!("kept, with a bucket key", "維持する (バケットキーあり)"),
        };
        vec![
            html! { (trail.name) },
            html! { (trail.home_region) },
            html! { code { (trail.key.as_deref().unwrap_or("–")) } },
            html! { (c.t(&bucket)) },
        ]
    });
    table(
        c,
        &message!("The trails that are kept", "対象の証跡"),
        &head,
        rows.collect(),
    )
}

fn schedule(c: &Context, kept: &Kept) -> Markup {
    let (schedule, memory) = (&kept.baseline.schedule, &kept.memory);
    let mut runs: Vec<Timestamp> = Vec::new();
    // As the guard has it: after its last run, and at once when that time has passed.
    let mut after = memory.since().unwrap_or_else(|| c.now());
    while let Some(run) = schedule.next_after(after).filter(|_| runs.len() < RUNS) {
        let due = if runs.is_empty() { run.max(c.now()) } else { run };
        if runs.last().is_none_or(|last| *last < due) {
            runs.push(due);
        }
        after = run.max(c.now());
    }
    let (day, at, zone) = (day_said(schedule), &schedule.time, &schedule.time_zone);
    let (english, japanese) = (day.0, day.1);
    html! {
        section {
            h2 { (c.t(&message!("When it runs", "実行予定"))) }
            p { (c.t(&message!("Every {english} at {at} by the clocks of {zone}.", "毎週{japanese} {at} ({zone})。"))) }
            ol.runs { @for run in &runs { li { (moment(c, schedule, *run)) } } }
            p.hint { (c.t(&message!(
                "Where clocks go forward over the time it runs as much later; where they go back it runs once, at the earlier time.",
                "夏時間の開始でその時刻がない日はその分遅れて、終了で時刻が二度ある日は早い方で一度だけ実行します。"
            ))) }
            @if !memory.knows(&kept.baseline) {
                (notice(c, State::Plain, &message!(
                    "This baseline has not run yet: its first run only looks, and changes nothing.",
                    "このベースラインはまだ実行されていません。初回は確認のみで、何も変更しません。"
                )))
            }
        }
    }
}

fn day_said(schedule: &Schedule) -> (&'static str, &'static str) {
    use operator::guard::Day;
    match schedule.day {
        Day::Monday => ("Monday", "月曜日"),
        Day::Tuesday => ("Tuesday", "火曜日"),
        Day::Wednesday => ("Wednesday", "水曜日"),
        Day::Thursday => ("Thursday", "木曜日"),
        Day::Friday => ("Friday", "金曜日"),
        Day::Saturday => ("Saturday", "土曜日"),
        Day::Sunday => ("Sunday", "日曜日"),
    }
}

fn moment(c: &Context, schedule: &Schedule, at: Timestamp) -> Markup {
    html! { b { (schedule.shown(at)) } " · UTC " (time(c, at)) }
}

/// Looks at everything that the baseline names, as who is signed in.
async fn look(c: &Context, baseline: &Baseline) -> Vec<Finding> {
    inspect(&c.client(), baseline, c.regions()).await
}

/// Whether the one who is signed in may see each trail of the baseline.
async fn sees(c: &Context, baseline: &Baseline) -> bool {
    let client = c.client();
    let mut proven = false;
    for trail in &baseline.trails {
        let name = json!({ "Name": trail.name });
        let call = operator::change::Call::new("cloudtrail", "GetTrail", &trail.home_region, name);
        match call.send(&client).await {
            Ok(_) => proven = true,
            Err(error) if error.is(&["TrailNotFoundException"]) => {}
            Err(_) => return false,
        }
    }
    proven
}

fn now(c: &Context, findings: &[Finding]) -> Markup {
    let drift = findings.iter().filter(|one| one.standing == Standing::Drift).count();
    let can = findings
        .iter()
        .any(|one| one.standing == Standing::Drift && one.call.is_some());
    html! {
        @if drift == 0 {
            (notice(c, State::Good, &message!("Nothing differs from the baseline.", "ベースラインとの差分はありません。")))
        } @else {
            (notice(c, State::Bad, &message!("{drift} settings differ from the baseline.", "ベースラインと異なる設定が {drift} 件あります。")))
        }
        (found(c, &message!("What was looked at", "確認した内容"), findings.iter().map(|one| Line {
            standing: standing_said(one.standing),
            place: one.resource.clone(),
            region: one.region.clone(),
            setting: one.setting.clone(),
            what: one.what.clone(),
        })))
        @if can {
            form method="post" action={ (ROOT) "/guard/put-back" } {
                (token(c))
                div.actions { button.primary type="submit" { (c.t(&message!("Show what puts it back", "元に戻す変更を表示"))) } }
            }
        }
    }
}

/// One line of a report.
struct Line {
    standing: (State, Message),
    place: String,
    region: String,
    setting: String,
    what: Message,
}

fn found(c: &Context, caption: &Message, lines: impl Iterator<Item = Line>) -> Markup {
    let head = [
        message!("State", "状態"),
        message!("Resource", "リソース"),
        message!("Region", "リージョン"),
        message!("Setting", "設定"),
        message!("What is so", "内容"),
    ];
    let rows = lines.map(|line| {
        let (how, says) = &line.standing;
        vec![
            state(c, *how, says),
            html! { (line.place) },
            html! { (line.region) },
            html! { (line.setting) },
            html! { (c.t(&line.what)) },
        ]
    });
    table(c, caption, &head, rows.collect())
}

fn standing_said(standing: Standing) -> (State, Message) {
    match standing {
        Standing::InOrder => (State::Good, message!("in order", "正常")),
        Standing::Drift => (State::Bad, message!("differs", "差分あり")),
        Standing::PutBack => (State::Good, message!("put back", "復元済み")),
        Standing::Failed => (State::Bad, message!("failed", "失敗")),
        Standing::Skipped => (State::Plain, message!("left alone", "対象外")),
        Standing::Unknown => (State::Unknown, message!("not known", "不明")),
    }
}

/// The report of the guard's last run, as it wrote it.
fn last(c: &Context, kept: &Kept, may_see: bool) -> Markup {
    // What another baseline has found is of another account perhaps.
    let knows = kept.memory.knows(&kept.baseline);
    let ran = kept.memory.since().filter(|_| knows);
    html! {
        section {
            h2 { (c.t(&message!("The last run", "前回の実行"))) }
            @if let Some(at) = ran { p { (moment(c, &kept.baseline.schedule, at)) } }
            @match kept.report.as_ref().filter(|_| knows) {
                None => (empty(c, &message!("It has not run yet.", "まだ実行されていません。"))),
                Some(_) if !may_see => (notice(c, State::Unknown, &message!(
                    "What it found is shown to those who may call cloudtrail:GetTrail for its trails.",
                    "結果は、対象の証跡に cloudtrail:GetTrail を呼び出せる人にだけ表示されます。"
                ))),
                Some(report) => (reported(c, report)),
            }
        }
    }
}

fn reported(c: &Context, kept: &Value) -> Markup {
    if let Some(fault) = kept["failed"].as_str() {
        let fault = message!("It failed: {fault}", "失敗しました: {fault}");
        return notice(c, State::Bad, &fault);
    }
    let report = &kept["report"];
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().into_iter().flatten();
    let lines = findings.map(|one| Line {
        standing: match one["standing"].as_str().unwrap_or_default() {
            "inOrder" => standing_said(Standing::InOrder),
            "drift" => standing_said(Standing::Drift),
            "putBack" => standing_said(Standing::PutBack),
            "failed" => standing_said(Standing::Failed),
            "skipped" => standing_said(Standing::Skipped),
            _ => standing_said(Standing::Unknown),
        },
        place: text(one, "resource"),
        region: text(one, "region"),
        setting: text(one, "setting"),
        what: Message::plain(text(one, "what")),
    });
    html! {
        @if report["dryRun"] == true { (notice(c, State::Plain, &message!("It only looked: it was the first run of its baseline.", "初回の実行のため、確認のみ行いました。"))) }
        (found(c, &message!("What the last run found", "前回の実行結果"), lines))
    }
}

async fn put_back(c: Arc<Context>) -> Outcome {
    let Guarded::Of(kept) = read(&c).await? else {
        return Err(Failure::Bad(message!(
            "There is no guard of this account here.",
            "このアカウントのガードはありません。"
        )));
    };
    let client = c.client();
    let findings = look(&c, &kept.baseline).await;
    let mut steps = Vec::new();
    for finding in findings.iter().filter(|one| one.standing == Standing::Drift) {
        if let Some(step) = step(&client, finding).await {
            steps.push(step);
        }
    }
    let title = message!(
        "Put back what differs from the baseline",
        "ベースラインとの差分を元に戻す"
    );
    let planned = Planned::new(&c, title.clone(), "guard", steps);
    let page = |title: Message| {
        Page::new(&c, title)
            .below(message!("Guard", "ガード"), "/guard")
            .of_all_regions()
    };
    let differs = match change::is_confirmed(&c) {
        false => false,
        true => match change::carry_out(&c, &planned).await? {
            Carried::Done(done) => {
                let told = change::told(&c, &done).await;
                return Ok(page(title).with(html! {
                    (told)
                    p { a href={ (ROOT) "/guard?run=1" } { (c.t(&message!("Look again", "再確認"))) } }
                }));
            }
            Carried::SentBefore => return Ok(Answer::see(&format!("{ROOT}/changes"))),
            Carried::Differs => true,
        },
    };
    Ok(page(title).with(html! {
        @if differs { (notice(&c, State::Warn, &crate::pages::checks::differs())) }
        (change::preview(&c, &planned, "/guard/put-back"))
    }))
}

/// The step that puts a setting back, with what takes that back again.
async fn step(client: &Client, finding: &Finding) -> Option<Step> {
    let call = finding.call.clone()?;
    Some(Step {
        title: described(&call),
        shown: Some(Shown {
            what: finding.what.clone(),
            before: String::new(),
            after: String::new(),
        })
        .filter(|shown| !shown.before.is_empty()),
        undo: operator::guard::undo(client, &call).await,
        call,
        answers: Vec::new(),
    })
}
