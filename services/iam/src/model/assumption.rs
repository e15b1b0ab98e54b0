//! What is asked of a session before it is made: names, durations, tags, and what a calling session hands on.
//!
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use super::{
    document, name,
    tags::{self, TagCase, Tags},
};
use crate::error::{IamError, Quota};
use base::Arn;
use policy::PolicyKind;
use std::{ops::RangeInclusive, time::Duration};

/// The shortest session, in seconds.
const SECONDS_MIN: i64 = 900;
/// The longest that a role's session may be asked for.
const ROLE_SECONDS_MAX: i64 = 43_200;
/// The longest that GetSessionToken may be asked for.
const TOKEN_SECONDS_MAX: i64 = 129_600;
/// How long GetSessionToken's credentials of a user last if the call does not say.
const TOKEN_SECONDS_DEFAULT: u64 = 43_200;
/// The longest session that a session makes, and of root.
const HOUR: Duration = Duration::from_secs(3_600);

const ARN_CHARS: RangeInclusive<usize> = 20..=2_048;
const NAME_CHARS: RangeInclusive<usize> = 2..=64;
const EXTERNAL_ID_CHARS: RangeInclusive<usize> = 2..=1_224;
const NAME_PATTERN: &str = r"[\w+=,.@-]*";
const EXTERNAL_ID_PATTERN: &str = r"[\w+=,.@:\/-]*";

/// The longest session policy given with a call.
const POLICY_CHARS_MAX: usize = 2_048;
/// Managed policies given with a call.
pub(crate) const POLICY_ARNS_MAX: usize = 10;

/// Room for session policies and tags together. How AWS packs them it does not say; here it is their characters without
/// white space that count.
const PACKED_CHARS_MAX: usize = 4_096;

/// The ARN of the role that a call wants.
pub(crate) fn parse_role_arn(text: &str) -> Result<Arn, IamError> {
    name::length("roleArn", text, *ARN_CHARS.start(), *ARN_CHARS.end())?;
    Arn::parse(text).ok_or_else(|| IamError::Validation(format!("{text} is invalid")))
}

/// The name of a session, or a source identity.
pub(crate) fn check_name(at: &str, text: &str) -> Result<(), IamError> {
    check_shape(at, text, NAME_CHARS, "_+=,.@-", NAME_PATTERN)
}

pub(crate) fn check_external_id(text: &str) -> Result<(), IamError> {
    check_shape("externalId", text, EXTERNAL_ID_CHARS, "_+=,.@:/-", EXTERNAL_ID_PATTERN)
}

fn check_shape(
    at: &str,
    text: &str,
    chars: RangeInclusive<usize>,
    others: &str,
    pattern: &str,
) -> Result<(), IamError> {
    name::length(at, text, *chars.start(), *chars.end())?;
    match text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c)) {
        true => Ok(()),
        false => {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            Err(IamError::constraint(at, text, constraint))
        }
    }
}

/// How long a role's session is to last, by the call alone.
pub(crate) fn parse_role_seconds(seconds: Option<i64>) -> Result<Duration, IamError> {
    Ok(parse_seconds(seconds, ROLE_SECONDS_MAX)?.unwrap_or(HOUR))
}

/// How long GetSessionToken's credentials are to last. Root's that are asked for longer last an hour.
pub(crate) fn parse_token_seconds(seconds: Option<i64>, root: bool) -> Result<Duration, IamError> {
    let asked = parse_seconds(seconds, TOKEN_SECONDS_MAX)?;
    let asked = asked.unwrap_or(Duration::from_secs(TOKEN_SECONDS_DEFAULT));
    Ok(if root { asked.min(HOUR) } else { asked })
}

fn parse_seconds(seconds: Option<i64>, max: i64) -> Result<Option<Duration>, IamError> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    let refused = |constraint: String| {
        Err(IamError::constraint(
            "durationSeconds",
            &seconds.to_string(),
            constraint,
        ))
    };
    if seconds < SECONDS_MIN {
        return refused(format!("Member must have value greater than or equal to {SECONDS_MIN}"));
    }
    if seconds > max {
        return refused(format!("Member must have value less than or equal to {max}"));
    }
    Ok(Some(Duration::from_secs(seconds.unsigned_abs())))
}

/// Holds the duration against the role's, and against the hour of what temporary credentials may make.
pub(crate) fn check_duration(asked: Duration, role_seconds: u32, temporary: bool) -> Result<(), IamError> {
    let refused = |text: &str| Err(IamError::Validation(text.to_owned()));
    if temporary && asked > HOUR {
        return refused(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        );
    }
    if asked > Duration::from_secs(role_seconds.into()) {
        return refused("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    }
    Ok(())
}

/// The tags of a session: those that the calling session hands on, then the call's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SessionTags {
    pub(crate) tags: Tags,
    /// Which of them a further session inherits.
    pub(crate) transitive_keys: Vec<String>,
}

impl SessionTags {
    /// Checks the tags of a call. `inherited` are the calling session's transitive tags, which nothing overrides.
    pub(crate) fn parse<'a>(
        given: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
        transitive_keys: &[String],
        inherited: Tags,
    ) -> Result<SessionTags, IamError> {
        let given = tags::parse(given, TagCase::Ignored).map_err(in_the_words_of_sts)?;
        tags::parse_keys_at("transitiveTagKeys", transitive_keys)?;
        if !transitive_keys.iter().all(|key| has(&given, key)) {
            return Err(IamError::InvalidParameterValue(
                "The specified transitive tag key must be included in the requested tags.".to_owned(),
            ));
        }
        if given.iter().any(|(key, _)| has(&inherited, key)) {
            return Err(IamError::InvalidParameterValue(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                 from the calling session."
                    .to_owned(),
            ));
        }
        let inherited_keys = inherited.iter().map(|(key, _)| key.clone());
        Ok(SessionTags {
            transitive_keys: inherited_keys.chain(transitive_keys.iter().cloned()).collect(),
            tags: inherited.into_iter().chain(given).collect(),
        })
    }
}

/// The tags that a session hands on.
pub(crate) fn inherited(tags: &Tags, transitive_keys: &[String]) -> Tags {
    let handed_on = |(key, _): &&(String, String)| transitive_keys.iter().any(|other| same(other, key));
    tags.iter().filter(handed_on).cloned().collect()
}

fn has(tags: &Tags, key: &str) -> bool {
    tags.iter().any(|(other, _)| same(other, key))
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// IAM and STS say the same under different codes.
fn in_the_words_of_sts(error: IamError) -> IamError {
    match error {
        IamError::InvalidInput(message) => IamError::InvalidParameterValue(message),
        other => other,
    }
}

/// Checks the session policy of a call.
pub(crate) fn check_policy(document: &str) -> Result<(), IamError> {
    name::length("policy", document, 1, POLICY_CHARS_MAX)?;
    document::check_text("policy", document)?;
    document::parse(document, PolicyKind::Session, Quota::PolicySize).map(drop)
}

/// How much of the room for session policies and tags a call takes, in percent; `None` when it has neither.
pub(crate) fn packed_percent(
    policy: Option<&str>,
    policy_arns: &[&str],
    tags: &Tags,
) -> Result<Option<usize>, IamError> {
    if policy.is_none() && policy_arns.is_empty() && tags.is_empty() {
        return Ok(None);
    }
    let counted = |document: &str| policy::counted_size(document, PolicyKind::Session);
    let tag_chars = |(key, value): &(String, String)| key.chars().count() + value.chars().count();
    let chars = policy.map_or(0, counted)
        + policy_arns.iter().map(|arn| arn.len()).sum::<usize>()
        + tags.iter().map(tag_chars).sum::<usize>();
    match (chars * 100).div_ceil(PACKED_CHARS_MAX) {
        percent if percent > 100 => Err(IamError::PackedPolicyTooLarge { percent }),
        percent => Ok(Some(percent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    fn refused<T>(result: Result<T, IamError>, code: &str, message: &str) {
        let Err(error) = result else {
            panic!("not refused: {message}");
        };
        assert_eq!((error.code().as_ref(), error.message().as_str()), (code, message));
    }

    #[test]
    fn names_are_refused_in_awss_words() {
        let check = |result, message: &str| refused::<()>(result, "ValidationError", message);
        check_name("roleSessionName", "a_1+=,.@-").unwrap();
        check(
            check_name("roleSessionName", "Session1:2"),
            r"1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*",
        );
        check(
            check_name("sourceIdentity", "x"),
            "1 validation error detected: Value 'x' at 'sourceIdentity' failed to satisfy constraint: Member must have length greater than or equal to 2",
        );
        let long = "s".repeat(65);
        check(
            check_name("roleSessionName", &long),
            &format!(
                "1 validation error detected: Value '{long}' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"
            ),
        );
        check_external_id("a:b/c").unwrap();
        check(
            check_external_id("a b"),
            r"1 validation error detected: Value 'a b' at 'externalId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@:\/-]*",
        );
    }

    #[test]
    fn role_arns_need_only_the_shape_of_arns() {
        for text in ["arn:aws:iam::000000000000:role/r", "arn:aws:iam::aws:policy/other"] {
            assert_eq!(parse_role_arn(text).unwrap().as_str(), text);
        }
        for text in [
            "nothing-valid-in-here",
            "arn::b:::something/test-role",
            "arn:a::::something/test-role",
            "arn:a:::something/test-role",
            "arn:a:a::aaaaaaaaaa:",
        ] {
            refused(parse_role_arn(text), "ValidationError", &format!("{text} is invalid"));
        }
    }

    #[test]
    fn durations_have_their_bounds() {
        let secs = Duration::from_secs;
        assert_eq!(parse_role_seconds(None).unwrap(), secs(3_600));
        assert_eq!(parse_role_seconds(Some(43_200)).unwrap(), secs(43_200));
        assert_eq!(parse_token_seconds(None, false).unwrap(), secs(43_200));
        assert_eq!(parse_token_seconds(None, true).unwrap(), secs(3_600));
        assert_eq!(parse_token_seconds(Some(129_600), true).unwrap(), secs(3_600));
        assert_eq!(parse_token_seconds(Some(900), true).unwrap(), secs(900));
        let message = |value, bound| {
            format!(
                "1 validation error detected: Value '{value}' at 'durationSeconds' failed to satisfy constraint: Member must have value {bound}"
            )
        };
        let least = "greater than or equal to 900";
        refused(parse_role_seconds(Some(899)), "ValidationError", &message(899, least));
        refused(
            parse_token_seconds(Some(-1), false),
            "ValidationError",
            &message(-1, least),
        );
        let most = "less than or equal to 43200";
        refused(
            parse_role_seconds(Some(43_201)),
            "ValidationError",
            &message(43_201, most),
        );
        let most = "less than or equal to 129600";
        refused(
            parse_token_seconds(Some(129_601), false),
            "ValidationError",
            &message(129_601, most),
        );
        let hour = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        let own = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        check_duration(secs(7_200), 7_200, false).unwrap();
        check_duration(secs(3_600), 7_200, true).unwrap();
        refused(check_duration(secs(7_200), 7_200, true), "ValidationError", hour);
        refused(check_duration(secs(7_201), 7_200, false), "ValidationError", own);
    }

    fn tags(given: &[(&str, &str)]) -> Tags {
        given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn tags_are_handed_on_and_never_overridden() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let parse = |given: &[(&str, &str)], transitive: &[&str], inherited: &[(&str, &str)]| {
            SessionTags::parse(given.iter().copied(), &keys(transitive), tags(inherited))
        };
        let first = parse(&[("Star", "1"), ("Heart", "1"), ("Sun", "2")], &["star", "Heart"], &[]).unwrap();
        let handed_on = inherited(&first.tags, &first.transitive_keys);
        assert_eq!(handed_on, tags(&[("Star", "1"), ("Heart", "1")]));
        let second = SessionTags::parse([("Moon", "3")].into_iter(), &[], handed_on).unwrap();
        assert_eq!(second.tags, tags(&[("Star", "1"), ("Heart", "1"), ("Moon", "3")]));
        assert_eq!(
            inherited(&second.tags, &second.transitive_keys),
            tags(&[("Star", "1"), ("Heart", "1")])
        );
        let code = "InvalidParameterValue";
        let conflict = "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.";
        refused(parse(&[("STAR", "2")], &[], &[("Star", "1")]), code, conflict);
        refused(
            parse(&[("a", "2")], &["b"], &[]),
            code,
            "The specified transitive tag key must be included in the requested tags.",
        );
        refused(
            parse(&[("a", "2"), ("A", "3")], &[], &[]),
            code,
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        );
        refused(
            parse(&[("aws:a", "2")], &[], &[]),
            code,
            "aws: prefixed tag key names are not allowed for external use.",
        );
    }

    #[test]
    fn policies_are_of_a_size_and_parse() {
        let allow = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        check_policy(allow).unwrap();
        let long = format!("{allow}{}", " ".repeat(2_048));
        assert!(matches!(check_policy(&long), Err(IamError::Validation(_))));
        refused(
            check_policy("{"),
            "MalformedPolicyDocument",
            "This policy contains invalid Json",
        );
        assert!(matches!(
            check_policy(&allow.replace("s3", "ключ")),
            Err(IamError::Validation(_))
        ));
    }

    #[test]
    fn what_is_too_much_together_is_told_in_percent() {
        assert_eq!(packed_percent(None, &[], &Tags::new()).unwrap(), None);
        assert_eq!(packed_percent(None, &[], &tags(&[("k", "")])).unwrap(), Some(1));
        let policy = "x".repeat(2_048);
        assert_eq!(packed_percent(Some(&policy), &[], &Tags::new()).unwrap(), Some(50));
        let tag = |n: usize| (format!("key{n:02}"), "v".repeat(256));
        let many: Tags = (0..10).map(tag).collect();
        refused(
            packed_percent(Some(&policy), &["x"], &many),
            "PackedPolicyTooLarge",
            "Packed size of session tags and session policies consumes 114% of allotted space.",
        );
    }
}
