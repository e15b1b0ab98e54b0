//! The lines of the stock validator, and its summary.

use super::{
    Raised, Stream,
    date::Date,
    files::{LogVerdict, NamedLog, Range},
};

/// Says lines, sets errors off with blank lines, counts.
pub(crate) struct Report<'a> {
    say: &'a mut (dyn FnMut(Stream, &str) + Send),
    verbose: bool,
    after_blank: bool,
    digests: [Count; 2],
    logs: Count,
    found: Option<(Date, Date)>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    valid: u64,
    invalid: u64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(say: &'a mut (dyn FnMut(Stream, &str) + Send), verbose: bool) -> Report<'a> {
        Report {
            say,
            verbose,
            after_blank: true,
            digests: [Count::default(); 2],
            logs: Count::default(),
            found: None,
        }
    }

    pub(crate) fn has_invalid(&self) -> bool {
        let [standard, backfill] = self.digests;
        standard.invalid + backfill.invalid + self.logs.invalid > 0
    }

    pub(crate) fn begin(&mut self, arn: &str, range: Range) {
        let (start, end) = (range.start.display(), range.end.display());
        let line = format!("Validating log files for trail {arn} between {start} and {end}\n\n");
        (self.say)(Stream::Out, &line);
    }

    /// A digest that is valid, and the times between which it speaks.
    pub(crate) fn digest(
        &mut self,
        is_backfill: bool,
        place: &str,
        window: (Date, Date),
        range: Range,
    ) -> Result<(), Raised> {
        let later = |one: Date, other: Date| one.compare(other).map(|order| order.is_gt());
        // As the stock validator chooses where both are equal.
        let start = if later(range.start, window.0).map_err(Raised::Other)? {
            range.start
        } else {
            window.0
        };
        let end = if later(window.1, range.end).map_err(Raised::Other)? {
            range.end
        } else {
            window.1
        };
        self.found = Some(match self.found {
            None => (start, end),
            Some((from, to)) => (
                if later(from, start).map_err(Raised::Other)? {
                    start
                } else {
                    from
                },
                if later(end, to).map_err(Raised::Other)? {
                    end
                } else {
                    to
                },
            ),
        });
        self.digests[usize::from(is_backfill)].valid += 1;
        let kind = if is_backfill { "(backfill) " } else { "" };
        self.status(&format!("{kind}Digest file\ts3://{place}\tvalid"));
        Ok(())
    }

    /// A digest that is not, by its line.
    pub(crate) fn bad_digest(&mut self, is_backfill: bool, line: &str) {
        self.digests[usize::from(is_backfill)].invalid += 1;
        let kind = if is_backfill { "(backfill) " } else { "" };
        self.error(&format!("{kind}{line}"));
    }

    pub(crate) fn gap(&mut self, is_backfill: bool, from: Date, to: Date) {
        let kind = if is_backfill { "(backfill) " } else { "" };
        let (from, to) = (from.display(), to.display());
        self.error(&format!(
            "{kind}No log files were delivered by CloudTrail between {from} and {to}"
        ));
    }

    pub(crate) fn log(&mut self, log: &NamedLog, verdict: LogVerdict) {
        let NamedLog { bucket, key, .. } = log;
        let line = format!("Log file\ts3://{bucket}/{key}\t");
        let fault = match verdict {
            LogVerdict::Valid => {
                self.logs.valid += 1;
                return self.status(&format!("{line}valid"));
            }
            LogVerdict::Changed => "hash value doesn't match",
            LogVerdict::Trailing => "unexpected data after end of compressed stream",
            LogVerdict::Undecodable => "invalid format",
            LogVerdict::Missing => "not found",
        };
        self.logs.invalid += 1;
        self.error(&format!("{line}INVALID: {fault}"));
    }

    fn status(&mut self, line: &str) {
        if self.verbose {
            self.after_blank = false;
            (self.say)(Stream::Out, &format!("{line}\n"));
        }
    }

    fn error(&mut self, line: &str) {
        let before = if self.after_blank { "" } else { "\n" };
        (self.say)(Stream::Err, &format!("{before}{line}\n\n"));
        self.after_blank = true;
    }

    pub(crate) fn end(&mut self, range: Range) {
        let mut text = String::new();
        if !self.after_blank {
            text.push('\n');
        }
        let (start, end) = (range.start.display(), range.end.display());
        text.push_str(&format!("Results requested for {start} to {end}\n"));
        let [standard, backfill] = self.digests;
        if standard.valid + standard.invalid + backfill.valid + backfill.invalid == 0 {
            text.push_str("No digests found\n");
            return (self.say)(Stream::Out, &text);
        }
        match self.found {
            None => text.push_str("No valid digests found in range\n"),
            Some((from, to)) => {
                let (from, to) = (from.display(), to.display());
                text.push_str(&format!("Results found for {from} to {to}:\n"));
            }
        }
        for (count, name) in [(standard, "digest"), (backfill, "backfill digest"), (self.logs, "log")] {
            let Count { valid, invalid } = count;
            let total = valid + invalid;
            if total > 0 {
                text.push_str(&format!("\n{valid}/{total} {name} files valid"));
            }
            if invalid > 0 {
                text.push_str(&format!(", {invalid}/{total} {name} files INVALID"));
            }
        }
        text.push('\n');
        (self.say)(Stream::Out, &text);
    }

    /// Why the command cannot go on.
    pub(crate) fn fail(&mut self, raised: &Raised) {
        let text = match raised {
            Raised::Client { message, .. } | Raised::Other(message) | Raised::Endless(message) => {
                format!("\n{message}\n")
            }
            Raised::Digest(line) => format!("{line}\n"),
            Raised::NoCredentials => {
                let how = "You can configure credentials by running \"aws configure\".";
                format!("Unable to locate credentials. {how}\n")
            }
        };
        (self.say)(Stream::Err, &text);
    }
}
