//! Conditional reads and writes.
//!
//! SPEC: RFC 9110, section 13.2.2, with S3's two exceptions: a satisfied `If-Match` outweighs `If-Unmodified-Since`, and
//! an unsatisfied `If-None-Match` outweighs `If-Modified-Since`.

use super::etag;
use base::Timestamp;

/// The conditional headers of a request, as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// `If-Match`
    pub if_match: Option<String>,
    /// `If-None-Match`
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`; a date that cannot be read is as good as absent.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`
    pub if_unmodified_since: Option<Timestamp>,
}

/// What the conditions say of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The read goes on.
    Proceed,
    /// 304: the caller's copy is good.
    NotModified,
    /// 412, by the named header.
    Failed(&'static str),
}

impl Preconditions {
    /// Decides a read of an object with this tag, last modified then.
    pub fn of_read(&self, tag: &str, modified: Timestamp) -> Verdict {
        // HTTP dates have whole seconds.
        let modified = modified.floor_second();
        match (&self.if_match, self.if_unmodified_since) {
            (Some(header), _) if !etag::listed(header, tag) => return Verdict::Failed("If-Match"),
            (None, Some(since)) if modified > since => return Verdict::Failed("If-Unmodified-Since"),
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(header), _) if etag::listed(header, tag) => Verdict::NotModified,
            (None, Some(since)) if modified <= since => Verdict::NotModified,
            _ => Verdict::Proceed,
        }
    }
}

/// The condition of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteCondition {
    /// `If-None-Match: *`: only where there is no object.
    Absent,
    /// `If-Match: "tag"`: only over the object with this tag; `*` is any.
    Tag(String),
}

/// Why a write may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteRefusal {
    /// `If-Match` and there is no object.
    NoObject,
    /// The object is not as the condition wants it; the header that says so.
    Failed(&'static str),
}

impl WriteCondition {
    /// The `If-Match` header.
    pub fn if_match(&self) -> Option<&str> {
        match self {
            WriteCondition::Tag(tag) => Some(tag),
            WriteCondition::Absent => None,
        }
    }

    /// The `If-None-Match` header.
    pub fn if_none_match(&self) -> Option<&'static str> {
        match self {
            WriteCondition::Tag(_) => None,
            WriteCondition::Absent => Some("*"),
        }
    }

    /// Decides a write over what is there.
    pub fn allows(&self, existing_tag: Option<&str>) -> Result<(), WriteRefusal> {
        match (self, existing_tag) {
            (WriteCondition::Absent, None) => Ok(()),
            (WriteCondition::Absent, Some(_)) => Err(WriteRefusal::Failed("If-None-Match")),
            (WriteCondition::Tag(_), None) => Err(WriteRefusal::NoObject),
            (WriteCondition::Tag(wanted), Some(tag)) if etag::listed(wanted, tag) => Ok(()),
            (WriteCondition::Tag(_), Some(_)) => Err(WriteRefusal::Failed("If-Match")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_follow_the_table() {
        let at = |s| Some(Timestamp::from_secs(s));
        let check = |m: Option<&str>, n: Option<&str>, modified, unmodified, expected| {
            let conditions = Preconditions {
                if_match: m.map(str::to_owned),
                if_none_match: n.map(str::to_owned),
                if_modified_since: modified,
                if_unmodified_since: unmodified,
            };
            let verdict = conditions.of_read("t", Timestamp::from_micros(100_500_000));
            assert_eq!(verdict, expected, "{conditions:?}");
        };
        check(None, None, None, None, Verdict::Proceed);
        check(Some("t"), None, None, None, Verdict::Proceed);
        check(Some("x"), None, None, None, Verdict::Failed("If-Match"));
        check(None, None, None, at(99), Verdict::Failed("If-Unmodified-Since"));
        check(None, None, None, at(100), Verdict::Proceed);
        check(Some("t"), None, None, at(99), Verdict::Proceed);
        check(None, Some("t"), None, None, Verdict::NotModified);
        check(None, Some("x"), None, None, Verdict::Proceed);
        check(None, None, at(100), None, Verdict::NotModified);
        check(None, None, at(99), None, Verdict::Proceed);
        check(None, Some("x"), at(100), None, Verdict::Proceed);
        check(None, Some("t"), at(99), None, Verdict::NotModified);
        check(Some("x"), Some("t"), None, None, Verdict::Failed("If-Match"));
    }

    #[test]
    fn writes_follow_the_table() {
        let tag = |t: &str| WriteCondition::Tag(t.to_owned());
        assert_eq!(WriteCondition::Absent.allows(None), Ok(()));
        assert_eq!(
            WriteCondition::Absent.allows(Some("t")),
            Err(WriteRefusal::Failed("If-None-Match"))
        );
        assert_eq!(tag("\"t\"").allows(Some("t")), Ok(()));
        assert_eq!(tag("x").allows(Some("t")), Err(WriteRefusal::Failed("If-Match")));
        assert_eq!(tag("t").allows(None), Err(WriteRefusal::NoObject));
    }
}
