//! Entity tags.

use base::Random;

/// The tag of an object whose MD5 is known: the MD5 in hexadecimal.
pub fn of_md5(md5: [u8; 16]) -> String {
    hex::encode(md5)
}

/// The tag of an object under a KMS key: random, so that it tells nothing of the content.
pub fn random(random: &Random) -> String {
    hex::encode(random.bytes::<16>())
}

/// As headers and listings carry it.
pub fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// Whether a header such as `If-Match` names the tag: `*`, or a list of tags with or without quotes.
pub fn listed(header: &str, etag: &str) -> bool {
    header.split(',').map(str::trim).any(|item| {
        let item = item.strip_prefix("W/").unwrap_or(item);
        item == "*" || item.trim_matches('"') == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_list_tags() {
        let check = |header, expected| assert_eq!(listed(header, "abc"), expected, "{header}");
        check("*", true);
        check("\"abc\"", true);
        check("abc", true);
        check("\"x\", \"abc\"", true);
        check("W/\"abc\"", true);
        check("\"abcd\"", false);
        check("", false);
    }

    #[test]
    fn an_md5_is_its_own_tag() {
        assert_eq!(of_md5([0xab; 16]), "ab".repeat(16));
        assert_eq!(quoted("a"), "\"a\"");
        assert_eq!(random(&Random::seeded(1)).len(), 32);
    }
}
