//! The canonical request and the string to sign: the one text that signer and verifier must agree on to the byte.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>

use aws_lc_rs::digest;
use http::HeaderMap;
use std::borrow::Cow;

/// The algorithm of every signature made or accepted here.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of every credential scope.
pub(crate) const TERMINATOR: &str = "aws4_request";
/// The payload word of a body that is not signed.
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// SHA-256 of nothing, in hexadecimal.
pub(crate) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The parts of a canonical request.
pub(crate) struct Canonical<'a> {
    pub(crate) method: &'a str,
    /// As sent, percent-encoded.
    pub(crate) path: &'a str,
    /// As sent, percent-encoded.
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) host: Option<&'a [u8]>,
    /// Joined by `;`.
    pub(crate) signed_headers: &'a str,
    /// The hash in hexadecimal, or the word of `x-amz-content-sha256`.
    pub(crate) payload: &'a str,
    /// S3 encodes the path once and keeps it as it is; the others encode it twice and normalise it.
    pub(crate) is_s3: bool,
}

impl Canonical<'_> {
    /// The canonical request. Bytes, because header values need not be text.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(768);
        out.extend_from_slice(self.method.as_bytes());
        out.push(b'\n');
        match self.is_s3 {
            true => push_path_once(&mut out, self.path),
            false => push_path_twice(&mut out, self.path),
        }
        out.push(b'\n');
        push_query(&mut out, self.query);
        out.push(b'\n');
        for name in self.signed_headers.split(';') {
            self.push_header(&mut out, name);
        }
        out.push(b'\n');
        out.extend_from_slice(self.signed_headers.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.payload.as_bytes());
        out
    }

    fn push_header(&self, out: &mut Vec<u8>, name: &str) {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        if name == "host" {
            push_trimmed(out, self.host.unwrap_or_default());
        } else {
            for (i, value) in self.headers.get_all(name).iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                push_trimmed(out, value.as_bytes());
            }
        }
        out.push(b'\n');
    }
}

/// `AWS4-HMAC-SHA256\n<time>\n<date>/<region>/<service>/aws4_request\n<hash of the canonical request>`
pub(crate) fn string_to_sign(time: &str, scope: &crate::Scope, canonical: &[u8]) -> String {
    let mut out = String::with_capacity(176);
    push_lines(&mut out, &[ALGORITHM, time]);
    push_scope(&mut out, scope);
    out.push('\n');
    push_hex(&mut out, &sha256(canonical));
    out
}

/// Appends each line with its `\n`.
pub(crate) fn push_lines(out: &mut String, lines: &[&str]) {
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
}

/// Appends `date/region/service/aws4_request`.
pub(crate) fn push_scope(out: &mut String, scope: &crate::Scope) {
    for part in [&scope.date, &scope.region, &scope.service] {
        out.push_str(part);
        out.push('/');
    }
    out.push_str(TERMINATOR);
}

/// Appends lower-case hexadecimal.
pub(crate) fn push_hex(out: &mut String, hash: &[u8; 32]) {
    out.push_str(std::str::from_utf8(&hex32(hash)).unwrap_or_default());
}

/// Lower-case hexadecimal, without an allocation.
pub(crate) fn hex32(hash: &[u8; 32]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
        if let [high, low] = pair {
            *high = hex_digit(byte >> 4, b'a');
            *low = hex_digit(byte & 15, b'a');
        }
    }
    text
}

fn hex_digit(nibble: u8, letter: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => letter + nibble - 10,
    }
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    into_32(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The 32 bytes of a SHA-256 or HMAC-SHA-256; the length is the algorithm's, so the fallback is not reached.
pub(crate) fn into_32(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}

/// Trims, and makes one space of every inner run of blanks.
fn push_trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty());
    for (i, word) in words.enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

fn push_encoded(out: &mut Vec<u8>, byte: u8) {
    if is_unreserved(byte) {
        out.push(byte);
    } else {
        out.extend_from_slice(&[b'%', hex_digit(byte >> 4, b'A'), hex_digit(byte & 15, b'A')]);
    }
}

fn push_encoded_path(out: &mut Vec<u8>, bytes: impl Iterator<Item = u8>) {
    for byte in bytes {
        match byte {
            b'/' => out.push(b'/'),
            other => push_encoded(out, other),
        }
    }
}

/// S3: what the path says, encoded once, whatever way the client chose to encode it. Not normalised: `a//b/../c` is a key.
fn push_path_once(out: &mut Vec<u8>, path: &str) {
    if path.is_empty() {
        out.push(b'/');
    }
    if path.bytes().all(|b| b == b'/' || is_unreserved(b)) {
        out.extend_from_slice(path.as_bytes());
    } else {
        push_encoded_path(out, Decoded::path(path));
    }
}

/// All others: dot segments and empty segments removed, then the sent (encoded) path encoded again.
fn push_path_twice(out: &mut Vec<u8>, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    for segment in &segments {
        out.push(b'/');
        push_encoded_path(out, segment.bytes());
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
}

/// A name or value of a query in canonical encoding.
type Part<'a> = Cow<'a, [u8]>;

/// Pairs sorted by encoded name, then encoded value; `X-Amz-Signature` left out.
fn push_query(out: &mut Vec<u8>, query: &str) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(Part<'_>, Part<'_>)> = raw_pairs(query)
        .map(|(name, value)| (recode(name), recode(value)))
        .filter(|(name, _)| name.as_ref() != b"X-Amz-Signature")
        .collect();
    pairs.sort_unstable();
    for (i, (name, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// The pairs of a query, still encoded. A name without `=` has the empty value; empty pairs do not count.
pub(crate) fn raw_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The part of a query in canonical encoding; borrowed when the client sent it so.
fn recode(part: &str) -> Part<'_> {
    if part.bytes().all(is_unreserved) {
        return Cow::Borrowed(part.as_bytes());
    }
    let mut out = Vec::with_capacity(part.len() + 8);
    for byte in Decoded::query(part) {
        push_encoded(&mut out, byte);
    }
    Cow::Owned(out)
}

/// A query part as text, `None` when it is not UTF-8.
pub(crate) fn decode_query(part: &str) -> Option<Cow<'_, str>> {
    if !part.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return Some(Cow::Borrowed(part));
    }
    String::from_utf8(Decoded::query(part).collect()).ok().map(Cow::Owned)
}

/// Text in SigV4's percent-encoding, `/` included.
pub(crate) fn encode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        push_encoded(&mut out, byte);
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Percent-decoded bytes. A `%` without two hexadecimal digits stands for itself; in queries `+` is a space.
struct Decoded<'a> {
    rest: &'a [u8],
    plus_is_space: bool,
}

impl<'a> Decoded<'a> {
    fn path(text: &'a str) -> Self {
        Decoded {
            rest: text.as_bytes(),
            plus_is_space: false,
        }
    }

    fn query(text: &'a str) -> Self {
        Decoded {
            rest: text.as_bytes(),
            plus_is_space: true,
        }
    }
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let [b'%', high, low, rest @ ..] = self.rest
            && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
        {
            self.rest = rest;
            return Some(high << 4 | low);
        }
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(if self.plus_is_space && *first == b'+' {
            b' '
        } else {
            *first
        })
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(push: impl Fn(&mut Vec<u8>, &str), rows: &[(&str, &str)]) {
        for (input, want) in rows {
            let mut out = Vec::new();
            push(&mut out, input);
            assert_eq!(String::from_utf8_lossy(&out), *want, "{input}");
        }
    }

    #[test]
    fn s3_paths_are_encoded_once_and_not_normalised() {
        check(
            push_path_once,
            &[
                ("", "/"),
                ("/", "/"),
                ("/b/a//../k", "/b/a//../k"),
                ("/b/a%20b", "/b/a%20b"),
                ("/b/a+b", "/b/a%2Bb"),
                ("/b/%e3%81%82", "/b/%E3%81%82"),
                ("/b/a%2Fb", "/b/a/b"),
                ("/b/$x", "/b/%24x"),
                ("/b/%7e%41", "/b/~A"),
                ("/b/100%", "/b/100%25"),
                ("/b/%zz", "/b/%25zz"),
            ],
        );
    }

    #[test]
    fn other_paths_are_normalised_and_encoded_twice() {
        check(
            push_path_twice,
            &[
                ("", "/"),
                ("/", "/"),
                ("//", "/"),
                ("/a/../b", "/b"),
                ("/a/./b/", "/a/b/"),
                ("/../..", "/"),
                ("/a%20b", "/a%2520b"),
            ],
        );
    }

    #[test]
    fn queries_are_sorted_by_encoded_name_then_value() {
        check(
            push_query,
            &[
                ("", ""),
                ("lifecycle", "lifecycle="),
                ("b=2&a=1&a=0", "a=0&a=1&b=2"),
                ("prefix=a%2fb&x=a+b", "prefix=a%2Fb&x=a%20b"),
                ("X-Amz-Signature=1&X-Amz-Date=2", "X-Amz-Date=2"),
                ("a=b=c&&", "a=b%3Dc"),
                ("a%=1", "a%25=1"),
            ],
        );
    }

    #[test]
    fn header_values_lose_their_needless_blanks() {
        check(
            |out, v| push_trimmed(out, v.as_bytes()),
            &[("  a   b \t c ", "a b c"), ("", ""), ("\"a   b\"", "\"a b\"")],
        );
    }
}
