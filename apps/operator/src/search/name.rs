//! The names of log files.

/// What the name of a log file says.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogName<'a> {
    /// Whose events are in it.
    pub(super) account: &'a str,
    /// The Region of its events.
    pub(super) region: &'a str,
    /// When it was delivered: `20261122T1549Z`.
    pub(super) delivered: &'a str,
}

impl<'a> LogName<'a> {
    /// Of a key or a path that ends with `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM.json.gz`, with or without `.gz`.
    pub(super) fn parse(key: &'a str) -> Option<LogName<'a>> {
        let name = key.rsplit(['/', '\\']).next()?;
        let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".json")?;
        let mut parts = stem.split('_');
        let found = LogName {
            account: parts.next()?,
            region: parts
                .next()
                .filter(|kind| *kind == "CloudTrail")
                .and_then(|_| parts.next())?,
            delivered: parts.next()?,
        };
        let is_account = found.account.len() == 12 && found.account.bytes().all(|byte| byte.is_ascii_digit());
        let form = "dddddddTddddZ".len() + 1;
        let is_time = found.delivered.len() == form && found.delivered.is_ascii() && found.delivered.ends_with('Z');
        (is_account && is_time && parts.next().is_some() && parts.next().is_none()).then_some(found)
    }

    /// `20261122T1549`.
    pub(super) fn minute_text(&self) -> String {
        self.delivered.trim_end_matches('Z').to_owned()
    }
}

/// Whether a name is that of a file beside the logs: digests and their likes are no records.
pub(super) fn is_digest(key: &str) -> bool {
    let name = key.rsplit(['/', '\\']).next().unwrap_or_default();
    name.contains("_CloudTrail-Digest_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let key = "p/AWSLogs/012345678901/CloudTrail/us-east-1/2026/11/22/\
                   012345678901_CloudTrail_us-east-1_20261122T1550Z_aB3dE5gH7jK9mN1p.json.gz";
        let name = LogName::parse(key).unwrap();
        assert_eq!(
            (name.account, name.region, name.delivered),
            ("012345678901", "us-east-1", "20261122T1550Z")
        );
        assert_eq!(name.minute_text(), "20261122T1550");
        for other in [
            "012345678901_CloudTrail-Digest_us-east-1_a_us-east-1_20261122T1550Z.json.gz",
            "012345678901_CloudTrail_us-east-1_20261122T1550Z.json.gz",
            "x_CloudTrail_us-east-1_20261122T1550Z_aB3dE5gH7jK9mN1p.json.gz",
            "events.json",
            "",
        ] {
            assert_eq!(LogName::parse(other), None, "{other}");
        }
        assert!(is_digest(
            "a/012345678901_CloudTrail-Digest_us-east-1_a_us-east-1_20261122T1550Z.json.gz"
        ));
        assert!(!is_digest(key));
    }
}
