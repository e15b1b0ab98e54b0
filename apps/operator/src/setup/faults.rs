//! What is wrong with a single answer of somebody who sets up a trail, in words for that answer's place.

use crate::{
    message,
    message::Message,
    template::Text,
    trail::{Definition, Key},
};

/// With a trail's name.
pub fn of_name(name: &str) -> Option<Message> {
    let named = Definition {
        name: name.to_owned(),
        ..Definition::default()
    };
    named.check().err().map(|_| {
        message!(
            "A name has 3 to 128 letters, digits, dots, underscores and hyphens; it begins and ends with a letter or digit.",
            "名前は 3〜128 文字の英数字、ピリオド、アンダースコア、ハイフンで、先頭と末尾は英数字にしてください。"
        )
    })
}

/// With a Region, of those that are enabled.
pub fn of_region(region: &str, enabled: &[String]) -> Option<Message> {
    let known = enabled.iter().any(|one| one == region);
    let list = enabled.join(", ");
    (!known).then(|| {
        message!(
            "{region} is no Region that is enabled. There are: {list}.",
            "{region} は有効なリージョンではありません。有効なリージョン: {list}。"
        )
    })
}

/// With a bucket's name.
pub fn of_bucket(name: &str) -> Option<Message> {
    let mut named = Definition::default();
    named.bucket.name = Text::parse(name);
    named.check().err().map(|_| {
        message!(
            "A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens.",
            "バケット名は 3〜63 文字の英小文字、数字、ピリオド、ハイフンにしてください。"
        )
    })
}

/// With a prefix; empty is none.
pub fn of_prefix(prefix: &str) -> Option<Message> {
    let mut named = Definition::default();
    named.bucket.prefix = Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty());
    named.check().err().map(|_| {
        message!(
            "A prefix has at most 200 characters, no slash at its end, and none of *, ? and ${{.",
            "プレフィックスは 200 文字以内で、末尾にスラッシュを付けず、*、?、${{ を含めないでください。"
        )
    })
}

/// An alias with its `alias/`, which people leave out.
pub fn with_alias(answer: &str) -> String {
    let alias = answer.strip_prefix("alias/").unwrap_or(answer);
    format!("alias/{alias}")
}

/// With a key's alias, with or without `alias/`.
pub fn of_alias(alias: &str) -> Option<Message> {
    let named = Definition {
        key: Some(Key {
            alias: Some(Text::parse(&with_alias(alias))),
            ..Key::default()
        }),
        ..Definition::default()
    };
    named.check().err().map(|_| {
        message!(
            "An alias has letters, digits, slashes, underscores and hyphens, and does not begin with aws/.",
            "エイリアスは英数字、スラッシュ、アンダースコア、ハイフンで、aws/ で始めることはできません。"
        )
    })
}

/// With an existing key's ARN, id or alias.
pub fn of_key(key: &str) -> Option<Message> {
    key.is_empty()
        .then(|| message!("Which key is it?", "キーを指定してください。"))
}

/// With a log group's name.
pub fn of_group(name: &str) -> Option<Message> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/#{}".contains(c);
    let fits = (1..=512).contains(&name.len()) && name.chars().all(plain);
    (!fits).then(|| {
        message!(
            "A log group's name has letters, digits, dots, underscores, hyphens, slashes and #.",
            "ロググループ名は英数字、ピリオド、アンダースコア、ハイフン、スラッシュ、# にしてください。"
        )
    })
}

/// With the name of a topic that is made, or the ARN of one that is there.
pub fn of_topic(name: &str) -> Option<Message> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let is_name = (1..=256).contains(&name.len()) && name.chars().all(plain);
    let is_arn = base::arn::split(name).is_some_and(|parts| parts.service == "sns");
    (!is_name && !is_arn).then(|| {
        message!(
            "A topic's name has at most 256 letters, digits, underscores and hyphens.",
            "トピック名は 256 文字以内の英数字、アンダースコア、ハイフンにしてください。"
        )
    })
}

/// With the ARN of a user, a role or an account's root who is to read log files.
pub fn of_reader(arn: &str) -> Option<Message> {
    let is_somebody = base::arn::split(arn).is_some_and(|parts| {
        let kind = parts.resource.split('/').next().unwrap_or_default();
        parts.service == "iam" && matches!(kind, "root" | "user" | "role") && !arn.contains('*')
    });
    (!is_somebody).then(|| {
        message!(
            "{arn} is no ARN of a user, a role or an account's root.",
            "{arn} はユーザー、ロール、アカウントのルートの ARN ではありません。"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_looked_at_one_by_one() {
        let check = |fault: Option<Message>, expected: bool| assert_eq!(fault.is_some(), expected, "{fault:?}");
        check(of_name("audit"), false);
        check(of_name("a"), true);
        check(of_bucket("Logs"), true);
        check(of_bucket("logs-{account}"), false);
        check(of_prefix(""), false);
        check(of_prefix("a/"), true);
        check(of_alias("alias/audit"), false);
        check(of_alias("aws/s3"), true);
        check(of_group("CloudTrail/a"), false);
        check(of_group("a b"), true);
        check(of_topic("arn:aws:sns:eu-west-1:111111111111:t"), false);
        check(of_topic("a b"), true);
        check(of_reader("arn:aws:iam::111111111111:role/auditor"), false);
        check(of_reader("alice"), true);
        check(of_reader("arn:aws:iam::111111111111:user/*"), true);
    }
}
