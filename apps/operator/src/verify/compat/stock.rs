//! Files as the stock validator takes them: zlib's reading of gzip, python-rsa's reading of keys and signatures, Python's
//! reading of JSON. Where they are laxer than this tool is otherwise, they are so here.

use crate::verify::content::NoContent;
use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RsaParameters, UnparsedPublicKey,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use serde_json::Value;

/// How a gzip member ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With the last byte.
    Whole,
    /// Before the last byte.
    Trailing,
    /// Not at all: the bytes end first. What came out until then counts.
    CutShort,
}

/// Inflates the first gzip member piece by piece, as zlib does, and stops with an error above so many bytes.
pub(crate) fn inflate_within(gzip: &[u8], bytes_max: u64, mut take: impl FnMut(&[u8])) -> Result<Ended, NoContent> {
    let body = match after_header(gzip)? {
        Some(start) => gzip.get(start..).unwrap_or_default(),
        None => return Ok(Ended::CutShort),
    };
    let mut stream = Decompress::new(false);
    let mut buffer = vec![0; 64 * 1024];
    let mut crc = Crc::new();
    loop {
        let (read, written) = (stream.total_in(), stream.total_out());
        let rest = body.get(read as usize..).unwrap_or_default();
        let status = stream
            .decompress(rest, &mut buffer, FlushDecompress::None)
            .map_err(|_| NoContent::Damaged)?;
        if stream.total_out() > bytes_max {
            return Err(NoContent::TooLong);
        }
        let piece = buffer
            .get(..(stream.total_out() - written) as usize)
            .unwrap_or_default();
        crc.update(piece);
        take(piece);
        if status == Status::StreamEnd {
            break;
        }
        if stream.total_in() == read && piece.is_empty() {
            return Ok(Ended::CutShort);
        }
    }
    let trailer = body.get(stream.total_in() as usize..).unwrap_or_default();
    let expected = [crc.sum().to_le_bytes(), (stream.total_out() as u32).to_le_bytes()].concat();
    // What is there of the sums must be right, whole sum by whole sum.
    let agrees = |at: std::ops::Range<usize>| trailer.get(at.clone()).is_none_or(|sum| Some(sum) == expected.get(at));
    if !agrees(0..4) || !agrees(4..8) {
        return Err(NoContent::Damaged);
    }
    Ok(match trailer.len() {
        0..8 => Ended::CutShort,
        8 => Ended::Whole,
        _ => Ended::Trailing,
    })
}

/// Where the deflated bytes begin; nothing when the bytes end before.
fn after_header(gzip: &[u8]) -> Result<Option<usize>, NoContent> {
    let begins = [0x1f, 0x8b, 8];
    let same = gzip.iter().zip(begins).all(|(byte, expected)| *byte == expected);
    if !same {
        return Err(NoContent::Damaged);
    }
    let Some(&flags) = gzip.get(3) else {
        return Ok(None);
    };
    if flags & 0xe0 != 0 {
        return Err(NoContent::Damaged);
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let Some(&[low, high]) = gzip.get(at..at + 2) else {
            return Ok(None);
        };
        at += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let Some(end) = gzip.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0)) else {
                return Ok(None);
            };
            at += end + 1;
        }
    }
    if flags & 2 != 0 {
        let Some(sum) = gzip.get(at..at + 2) else {
            return Ok(None);
        };
        let mut crc = Crc::new();
        crc.update(&gzip[..at]);
        if sum != (crc.sum() as u16).to_le_bytes() {
            return Err(NoContent::Damaged);
        }
        at += 2;
    }
    Ok((gzip.len() >= at).then_some(at))
}

/// JSON as Python reads it: `NaN` and the infinities are numbers there, here they are null.
pub(crate) fn json(text: &[u8]) -> Option<Value> {
    let strict = serde_json::from_slice(text);
    strict.ok().or_else(|| {
        let text = std::str::from_utf8(text).ok()?;
        let lax = without_infinities(text)?;
        serde_json::from_str(&lax).ok()
    })
}

fn without_infinities(text: &str) -> Option<String> {
    let mut lax = String::with_capacity(text.len());
    let mut found = false;
    for (place, part) in text.split('"').enumerate() {
        // A quotation mark after an odd number of backslashes does not end a string; those files are left as they are.
        if part.ends_with('\\') && place % 2 == 1 {
            return None;
        }
        if place > 0 {
            lax.push('"');
        }
        if place % 2 == 1 {
            lax.push_str(part);
            continue;
        }
        let plain = part
            .replace("-Infinity", "null")
            .replace("Infinity", "null")
            .replace("NaN", "null");
        found |= plain != part;
        lax.push_str(&plain);
    }
    found.then_some(lax)
}

/// A JSON value as Python's `str()` prints it.
pub(crate) fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(quoted).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("'{name}': {}", quoted(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        other => printed(other),
    }
}

/// What Python calls the type of a JSON value.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Why a signature does not count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// The key is no PKCS#1 key.
    KeyUnreadable,
    /// It is not of this key and text.
    Wrong,
    /// Python says so.
    Other(&'static str),
}

/// Verifies a signature in hex. The hash that is used is the one that the signature names.
pub(crate) fn verify(key_base64: &str, text: &str, signature_hex: &str) -> Result<(), Unsigned> {
    let der = STANDARD
        .decode(key_base64)
        .map_err(|_| Unsigned::Other("Incorrect padding"))?;
    match aws_lc_rs::rsa::PublicKey::from_der(&der) {
        Ok(key) if key.as_ref() == der => {}
        _ => return Err(Unsigned::KeyUnreadable),
    }
    if !signature_hex.is_ascii() {
        return Err(Unsigned::Other("string argument should contain only ASCII characters"));
    }
    let signature = match hex::decode(signature_hex) {
        Ok(signature) => signature,
        Err(hex::FromHexError::OddLength) => return Err(Unsigned::Other("Odd-length string")),
        Err(_) => return Err(Unsigned::Other("Non-hexadecimal digit found")),
    };
    let ways: [&RsaParameters; 4] = [
        &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        &RSA_PKCS1_2048_8192_SHA384,
        &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    ];
    let good = |way: &'static RsaParameters| {
        let key = UnparsedPublicKey::new(way, &der);
        key.verify(text.as_bytes(), &signature).is_ok()
    };
    match ways.into_iter().any(good) {
        true => Ok(()),
        false => Err(Unsigned::Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use record::Gzip;

    fn inflated(gzip: &[u8]) -> Result<(Vec<u8>, Ended), NoContent> {
        let mut out = Vec::new();
        let ended = inflate_within(gzip, u64::MAX, |piece| out.extend_from_slice(piece))?;
        Ok((out, ended))
    }

    #[test]
    fn members_end_as_zlib_has_them_end() {
        let plain = b"{\"Records\":[]}".repeat(100);
        let gzip = Gzip::new().compress(&plain).unwrap();
        let with = |tail: &[u8]| [gzip.as_slice(), tail].concat();
        assert_eq!(inflated(&gzip), Ok((plain.clone(), Ended::Whole)));
        assert_eq!(inflated(&with(b"x")), Ok((plain.clone(), Ended::Trailing)));
        // Without its sums a member is not whole, and what it holds counts.
        assert_eq!(inflated(&gzip[..gzip.len() - 8]), Ok((plain.clone(), Ended::CutShort)));
        assert_eq!(inflated(&gzip[..gzip.len() - 1]), Ok((plain, Ended::CutShort)));
        assert_eq!(inflated(b""), Ok((Vec::new(), Ended::CutShort)));
        assert_eq!(inflated(&gzip[..5]), Ok((Vec::new(), Ended::CutShort)));
        assert_eq!(inflated(b"plain"), Err(NoContent::Damaged));
        let mut wrong_sum = gzip.clone();
        wrong_sum[gzip.len() - 6] ^= 1;
        assert_eq!(inflated(&wrong_sum), Err(NoContent::Damaged));
        let mut reserved = gzip;
        reserved[3] = 0x80;
        assert_eq!(inflated(&reserved), Err(NoContent::Damaged));
    }

    #[test]
    fn a_header_with_all_parts_is_skipped() {
        let gzip = Gzip::new().compress(b"x").unwrap();
        let mut head = vec![0x1f, 0x8b, 8, 4 | 8 | 16 | 2, 0, 0, 0, 0, 0, 255, 2, 0, b'e', b'e'];
        head.extend_from_slice(b"name\0comment\0");
        let mut crc = Crc::new();
        crc.update(&head);
        head.extend_from_slice(&(crc.sum() as u16).to_le_bytes());
        head.extend_from_slice(&gzip[10..]);
        assert_eq!(inflated(&head), Ok((b"x".to_vec(), Ended::Whole)));
    }

    #[test]
    fn python_prints_and_reads_values_its_own_way() {
        let value = json(br#"{"a":NaN,"b":"NaN","c":[-Infinity,1.5,true]}"#).unwrap();
        assert_eq!(printed(&value), "{'a': None, 'b': 'NaN', 'c': [None, 1.5, True]}");
        assert_eq!(json(b"{\"a\":nan}"), None);
        assert_eq!(type_name(&value["c"]), "list");
    }

    proptest! {
        #[test]
        fn inflating_agrees_with_another_inflater(plain in prop::collection::vec(0_u8..4, 0..4000), cut in 0_usize..600) {
            let gzip = Gzip::new().compress(&plain).unwrap();
            prop_assert_eq!(inflated(&gzip), Ok((plain, Ended::Whole)));
            let short = &gzip[..cut.min(gzip.len() - 1)];
            prop_assert_eq!(inflated(short).map(|found| found.1), Ok(Ended::CutShort));
        }
    }
}
