//! Names of services: which are here, and which could be any's.

/// The services of whose events nobody else may tell: the first labels of their sources.
#[derive(Clone, Copy, Debug)]
pub struct Served<'a>(pub &'a [&'a str]);

impl Served<'_> {
    /// Whether a source is a service that is here, however its name is written: other case, with a Region, as FIPS endpoint.
    pub(crate) fn has(&self, source: &str) -> bool {
        let folded = source.trim().trim_end_matches('.').to_ascii_lowercase();
        let Some(labels) = amazons(&folded) else {
            return self.0.contains(&folded.as_str());
        };
        labels
            .split('.')
            .any(|label| self.0.contains(&label.strip_suffix("-fips").unwrap_or(label)))
    }
}

/// What stands before one of AWS's domains; `None` for other names. The name is in lower case.
pub(crate) fn amazons(source: &str) -> Option<&str> {
    [".amazonaws.com", ".amazonaws.com.cn", ".aws.amazon.com", ".api.aws"]
        .iter()
        .find_map(|domain| source.strip_suffix(domain))
}

/// Whether a text is a DNS name in lower case, as every service's source is.
pub(crate) fn is_dns_name(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}
