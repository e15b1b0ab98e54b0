//! Log files that no digest names.

use super::{
    cache,
    group::{Chain, Group, LogIndex, finding},
    judge,
    report::{FINDINGS_MAX, FindingKind, Verdict},
};
use crate::{aws::Error, message};
use base::Timestamp;
use std::time::Duration;
use tokio::task::JoinSet;

/// A log file is named for the minute of its delivery; the digest's window is of the delivery, to the second. So near its ends the
/// name does not tell.
const NEAR: Duration = Duration::from_secs(15 * 60);
/// So many digests of other trails are read at once.
const AT_ONCE: usize = 64;

/// The times that a group's digests speak of.
struct Covered {
    windows: Vec<(Timestamp, Timestamp)>,
    from: Option<Timestamp>,
    /// Where a digest is bad or missing, what it named is not known.
    has_bad: bool,
}

impl Covered {
    fn of(chains: &[Chain], from: Option<Timestamp>) -> Covered {
        let is_bad = |chain: &Chain| chain.report.digests.invalid + chain.report.digests.unproven > 0;
        Covered {
            windows: chains.iter().flat_map(|chain| chain.windows.clone()).collect(),
            from,
            has_bad: chains.iter().any(is_bad),
        }
    }

    /// Whether a log file of this time should be named by a digest: those of a covered time, and those before the first digest and
    /// between two, where nothing proves them. What is newer than the newest digest may still be named.
    fn should_name(&self, at: Timestamp) -> bool {
        let is_inside = |at: Timestamp| self.windows.iter().any(|(start, end)| *start <= at && at < *end);
        let around = [at.minus(NEAR), at, at.plus(NEAR)].map(is_inside);
        if around.iter().all(|inside| *inside) {
            return true;
        }
        let is_meant = self.from.is_none_or(|from| at >= from);
        let is_before_the_end = self.windows.iter().any(|(start, _)| at < *start);
        !self.has_bad && is_meant && is_before_the_end && around.iter().all(|inside| !*inside)
    }
}

impl Group {
    /// Tells of log files that no digest names, at the group's first chain.
    pub(super) async fn unlisted(
        &self,
        chains: &mut [Chain],
        logs: &mut LogIndex,
        others: &[String],
    ) -> Result<(), Error> {
        if logs.values().all(|entry| entry.named > 0) {
            return Ok(());
        }
        self.name_those_of(others, logs).await;
        let covered = Covered::of(chains, self.range.0);
        let prefix = self.log_folder();
        let mut unlisted = Vec::new();
        self.source
            .list(&prefix, &self.logs_after(), |listed| {
                let entry = logs.get(&cache::name(&[&listed.key]));
                let is_unnamed = entry.is_some_and(|entry| entry.named == 0);
                let time = self.time_of_log(&listed.key);
                if is_unnamed && time.is_none_or(|time| covered.should_name(time)) {
                    unlisted.push(listed.key);
                }
                unlisted.len() < FINDINGS_MAX
            })
            .await?;
        let Some(first) = chains.first_mut() else {
            return Ok(());
        };
        for key in unlisted {
            let message = message!(
                "No digest names the log file: nothing proves it.",
                "どのダイジェストもこのログファイルを指していません。証明するものがありません。"
            );
            let location = self.location(&key);
            first
                .report
                .find(finding(FindingKind::Unlisted, Verdict::Incomplete, location, message));
        }
        Ok(())
    }

    /// Whether there are log files that no digest of other trails names.
    pub(super) async fn has_unnamed(&self, others: &[String], logs: &mut LogIndex) -> bool {
        self.name_those_of(others, logs).await;
        logs.values().any(|entry| entry.named == 0)
    }

    /// Marks the log files that digests of other trails name. Whether those are sound is for those who look at them to judge.
    async fn name_those_of(&self, others: &[String], logs: &mut LogIndex) {
        let mut under_way = JoinSet::new();
        let mut keys = others.iter();
        loop {
            while under_way.len() < AT_ONCE
                && let Some(key) = keys.next()
            {
                let (source, key) = (self.source.clone(), key.clone());
                let cores = std::sync::Arc::clone(&self.cores);
                under_way.spawn(async move { judge::names(&source, &key, &cores).await });
            }
            let Some(named) = under_way.join_next().await else {
                return;
            };
            for name in named.unwrap_or_default() {
                if let Some(entry) = logs.get_mut(&name) {
                    entry.named += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + minutes * 60)
    }

    #[test]
    fn what_no_digest_names_is_told_where_one_should() {
        let windows = [(60, 120), (120, 180), (360, 420)].map(|(start, end)| (at(start), at(end)));
        let covered = |has_bad: bool| Covered {
            windows: windows.to_vec(),
            from: Some(at(0)),
            has_bad,
        };
        for (minute, expected, though_bad) in [
            (-10, false, false),
            (20, true, false),
            (50, false, false),
            (100, true, true),
            (118, true, true),
            (170, false, false),
            (270, true, false),
            (390, true, true),
            (415, false, false),
            (600, false, false),
        ] {
            assert_eq!(covered(false).should_name(at(minute)), expected, "{minute}");
            assert_eq!(
                covered(true).should_name(at(minute)),
                though_bad,
                "{minute} with a bad digest"
            );
        }
    }
}
