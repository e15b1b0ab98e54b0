//! What is asked for, as a file.

use super::{
    asked::{Asked, Ended, address},
    list::resource,
    look::{Entry, Found, Reach, look},
};
use crate::{ROOT, context::Context, failure::Failure, page::number, router::Outcome, web::Answer};
use maud::{Markup, html};
use operator::{message, shoseki::EventsSummary};
use std::{sync::Arc, time::Duration};

/// What a file has at most, and how long is looked for it.
const REACH: Reach = Reach {
    events: 10_000,
    calls: 250,
    time: Duration::from_secs(20),
};

/// The files that are offered.
pub(super) fn offer(c: &Context, asked: &Asked, counted: Option<&EventsSummary>) -> Markup {
    let most = number(REACH.events as u64);
    let forms = [("csv", "CSV"), ("jsonl", "JSON Lines"), ("json", "JSON (Records)")];
    let (from, to) = (asked.from.iso8601(), asked.to.iso8601());
    let place = |form: &str| {
        let page = address(c, &[("format", form), ("from", &from), ("to", &to)]);
        page.replacen(&format!("{ROOT}/events?"), &format!("{ROOT}/events/download?"), 1)
    };
    let is_more = counted.is_some_and(|counted| {
        let fitting = match asked.ended {
            Ended::Errors => counted.denied + counted.failed,
            Ended::Any | Ended::As(_) => counted.events,
        };
        fitting > REACH.events as u64
    });
    html! {
        section {
            h2 { (c.t(&message!("Download", "ダウンロード"))) }
            ul.downloads { @for (form, name) in &forms { li { a.button download href=(place(form)) { (name) } } } }
            p.aside {
                (c.t(&message!(
                    "A file has the newest {most} events at most; the name of one that does not have all says back to when it goes.",
                    "1 ファイルには新しい順に最大 {most} 件が入ります。途中で切れた場合は、どこまでさかのぼったかがファイル名に入ります。"
                )))
                @if is_more { " " b { (c.t(&message!("Here there are more.", "今回はこれを超えています。"))) } }
            }
        }
    }
}

pub(super) async fn give(c: Arc<Context>) -> Outcome {
    let asked = Asked::of(&c.query, c.now());
    if let Some((_, says)) = asked.wrong.first() {
        return Err(Failure::Bad(says.clone()));
    }
    let (ending, content_type, written): (_, _, fn(&Found) -> String) = match c.query.get("format") {
        "csv" => ("csv", "text/csv; charset=utf-8", csv),
        "jsonl" => ("jsonl", "application/jsonl", lines),
        "json" => ("json", "application/json", records),
        _ => {
            return Err(Failure::Bad(message!(
                "The format is csv, jsonl or json.",
                "format は csv、jsonl、json のいずれかです。"
            )));
        }
    };
    let mut found = look(&c.client(), &asked, None, REACH).await?;
    let more = found.entries.len() > REACH.events;
    found.entries.truncate(REACH.events);
    if more {
        found.back_to = found.entries.last().and_then(|entry| entry.event().time());
    }
    let cut = match found.back_to.filter(|_| more || found.next.is_some()) {
        Some(back_to) => format!("-cut-at-{}", back_to.compact()),
        None => String::new(),
    };
    let name = format!(
        "events-{}-{}-{}{cut}.{ending}",
        c.region,
        asked.from.compact(),
        asked.to.compact()
    );
    Ok(Answer::download(&name, content_type, written(&found)))
}

fn lines(found: &Found) -> String {
    let mut out = String::new();
    for entry in &found.entries {
        out.push_str(&entry.cloud_trail_event);
        out.push('\n');
    }
    out
}

/// As a log file is.
fn records(found: &Found) -> String {
    let all: Vec<&str> = found
        .entries
        .iter()
        .map(|entry| entry.cloud_trail_event.as_str())
        .collect();
    format!("{{\"Records\":[{}]}}\n", all.join(",\n"))
}

fn csv(found: &Found) -> String {
    const HEAD: [&str; 13] = [
        "eventTime",
        "eventID",
        "eventSource",
        "eventName",
        "readOnly",
        "principal",
        "userName",
        "accessKeyId",
        "resource",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
    ];
    let mut out = HEAD.join(",") + "\r\n";
    for entry in &found.entries {
        let cells: Vec<String> = row(entry).iter().map(|value| cell(value)).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn row(entry: &Entry) -> [String; 13] {
    let event = entry.event();
    let maybe = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().into_owned();
    [
        event.time_text().into_owned(),
        entry.event_id.clone(),
        event.source().into_owned(),
        entry.event_name.clone(),
        event
            .read_only()
            .map(|read_only| read_only.to_string())
            .unwrap_or_default(),
        event.principal().into_owned(),
        entry.username.clone().unwrap_or_default(),
        entry.access_key_id.clone().unwrap_or_default(),
        resource(entry),
        event.source_ip().into_owned(),
        event.user_agent().into_owned(),
        maybe(event.error_code()),
        maybe(event.error_message()),
    ]
}

/// A cell that no spreadsheet takes for a formula: one that begins as formulas do gets an apostrophe before it.
///
/// SPEC: <https://owasp.org/www-community/attacks/CSV_Injection>
fn cell(value: &str) -> String {
    let is_formula = value
        .trim_start_matches([' ', '"', '\''])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let safe = if is_formula {
        format!("'{value}")
    } else {
        value.to_owned()
    };
    match safe.contains([',', '"', '\r', '\n', '\t', ';']) || is_formula {
        true => format!("\"{}\"", safe.replace('"', "\"\"")),
        false => safe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let check = |value: &str, expected: &str| assert_eq!(cell(value), expected, "{value}");
        check("plain", "plain");
        check("a,b", "\"a,b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("=1+1", "\"'=1+1\"");
        check("@SUM(A1)", "\"'@SUM(A1)\"");
        check("-2", "\"'-2\"");
        check("\t=1", "\"'\t=1\"");
        check("  =1", "\"'  =1\"");
        check("10.0.0.1", "10.0.0.1");
    }
}
