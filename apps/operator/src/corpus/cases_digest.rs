//! Digests that were changed, or that were made wrong.

use super::{
    case::Case,
    maker::{Draft, HOME, Maker},
};
use base::Fault;
use record::{BACKFILL_METADATA, SIGNATURE_ALGORITHM_METADATA, SIGNATURE_METADATA};
use std::collections::BTreeMap;

const NAMED: &str = "The digest is named as invalid, and the chain goes on before it.";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "digest-byte-changed",
        valid: false,
        done: "One letter of a digest's content was changed, and it was compressed again.",
        careful: NAMED,
        make: byte_changed,
    },
    Case {
        name: "digest-log-renounced",
        valid: false,
        done: "A log file was deleted, and its entry was cut out of the digest.",
        careful: NAMED,
        make: log_renounced,
    },
    Case {
        name: "digest-gzip-byte-flipped",
        valid: false,
        done: "A bit of a digest's gzip was flipped.",
        careful: NAMED,
        make: gzip_byte_flipped,
    },
    Case {
        name: "digest-cut-short",
        valid: false,
        done: "The second half of a digest is missing.",
        careful: NAMED,
        make: cut_short,
    },
    Case {
        name: "digest-second-member",
        valid: false,
        done: "A second gzip member was appended to a digest.",
        careful: "The digest has bytes after its end.",
        make: second_member,
    },
    Case {
        name: "digest-trailing-bytes",
        valid: false,
        done: "Bytes that are no gzip were appended to a digest.",
        careful: "The digest has bytes after its end.",
        make: trailing_bytes,
    },
    Case {
        name: "digest-not-gzip",
        valid: false,
        done: "A digest lies there inflated.",
        careful: NAMED,
        make: not_gzip,
    },
    Case {
        name: "digest-not-json",
        valid: false,
        done: "A digest holds text that is no JSON.",
        careful: NAMED,
        make: not_json,
    },
    Case {
        name: "digest-not-an-object",
        valid: false,
        done: "A digest holds a JSON array.",
        careful: NAMED,
        make: not_an_object,
    },
    Case {
        name: "digest-without-fingerprint",
        valid: false,
        done: "A well signed digest lacks its key's fingerprint.",
        careful: NAMED,
        make: without_fingerprint,
    },
    Case {
        name: "digest-without-previous-signature",
        valid: false,
        done: "A well signed digest lacks the previous signature, null or other.",
        careful: NAMED,
        make: without_previous_signature,
    },
    Case {
        name: "digest-without-log-files",
        valid: false,
        done: "A well signed digest has no member for log files.",
        careful: NAMED,
        make: without_log_files,
    },
    Case {
        name: "digest-null-log-files",
        valid: false,
        done: "A well signed digest has null for its log files.",
        careful: NAMED,
        make: null_log_files,
    },
    Case {
        name: "digest-member-twice",
        valid: false,
        done: "A well signed digest has its log files twice, first none and then two: readers differ on which counts.",
        careful: NAMED,
        make: member_twice,
    },
    Case {
        name: "digest-time-is-no-time",
        valid: false,
        done: "A well signed digest's start time is a word.",
        careful: NAMED,
        make: no_time,
    },
    Case {
        name: "digest-of-another-account",
        valid: false,
        done: "A well signed digest says that it is of another account than its key says.",
        careful: "The account in the digest is not that of its place.",
        make: other_account,
    },
    Case {
        name: "digest-time-is-a-number",
        valid: false,
        done: "A well signed digest's end time is a number.",
        careful: NAMED,
        make: number_for_time,
    },
    Case {
        name: "digest-byte-order-mark",
        valid: false,
        done: "A well signed digest begins with a byte order mark, which JSON does not allow.",
        careful: NAMED,
        make: byte_order_mark,
    },
    Case {
        name: "digest-not-utf8",
        valid: false,
        done: "A digest's content is in UTF-16.",
        careful: NAMED,
        make: not_utf8,
    },
    Case {
        name: "digest-text-after",
        valid: false,
        done: "A second JSON object follows the first in a digest, which was signed so.",
        careful: NAMED,
        make: text_after,
    },
    Case {
        name: "digest-log-files-no-list",
        valid: false,
        done: "A well signed digest has an empty object for its log files.",
        careful: NAMED,
        make: log_files_no_list,
    },
    Case {
        name: "signature-missing",
        valid: false,
        done: "A digest has lost the metadata with its signature, as copies made by some tools do.",
        careful: NAMED,
        make: signature_missing,
    },
    Case {
        name: "signature-algorithm-missing",
        valid: false,
        done: "A digest has lost the metadata with the name of its signature's algorithm.",
        careful: NAMED,
        make: algorithm_missing,
    },
    Case {
        name: "signature-algorithm-other",
        valid: false,
        done: "The metadata of a digest names another algorithm than that of its signature.",
        careful: "The algorithm is not that of digests.",
        make: algorithm_other,
    },
    Case {
        name: "signature-not-hex",
        valid: false,
        done: "The signature in a digest's metadata is no hex.",
        careful: NAMED,
        make: signature_not_hex,
    },
    Case {
        name: "signature-of-odd-length",
        valid: false,
        done: "The signature in a digest's metadata has lost its last letter.",
        careful: NAMED,
        make: signature_odd,
    },
    Case {
        name: "signature-empty",
        valid: false,
        done: "The signature in a digest's metadata is empty.",
        careful: NAMED,
        make: signature_empty,
    },
    Case {
        name: "signature-with-zeros",
        valid: false,
        done: "Two zeros were put before a digest's signature: the same number, of another length.",
        careful: NAMED,
        make: signature_with_zeros,
    },
    Case {
        name: "signature-bit-flipped",
        valid: false,
        done: "One bit of a digest's signature was flipped.",
        careful: NAMED,
        make: signature_bit,
    },
    Case {
        name: "signatures-swapped",
        valid: false,
        done: "The signatures of two digests changed places.",
        careful: "Both digests are named as invalid.",
        make: signatures_swapped,
    },
    Case {
        name: "signature-over-sha512",
        valid: false,
        done: "A digest is signed by the right key, over SHA-512 instead of SHA-256.",
        careful: "The algorithm is not that of digests.",
        make: over_sha512,
    },
    Case {
        name: "backfill-without-time",
        valid: false,
        done: "A backfill digest has lost the metadata with the time at which it was made.",
        careful: "The backfill digest is named as invalid.",
        make: backfill_without_time,
    },
    Case {
        name: "backfill-byte-changed",
        valid: false,
        done: "One letter of a backfill digest was changed.",
        careful: "The backfill digest is named as invalid.",
        make: backfill_changed,
    },
    Case {
        name: "backfill-log-deleted",
        valid: false,
        done: "The log file that a backfill digest names was deleted.",
        careful: "The log file is not there.",
        make: backfill_log_deleted,
    },
];

/// Three sound hours, and the key of the digest of the second.
fn with_digest(maker: &mut Maker) -> Result<String, Fault> {
    let mut digests = maker.hours(3)?;
    Ok(digests.swap_remove(1))
}

/// Three hours of which the second is this one.
fn with_draft(maker: &mut Maker, second: impl FnOnce(Draft) -> Draft) -> Result<(), Fault> {
    maker.hour(0, 2)?;
    let logs = vec![maker.log(HOME, 1, 0)?, maker.log(HOME, 1, 1)?];
    second(Draft::of(1).naming(logs)).put(maker)?;
    maker.hour(2, 2).map(drop)
}

/// Changes the metadata of the second digest.
fn with_metadata(maker: &mut Maker, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    maker.change(&digest, |object| change(&mut object.metadata))
}

/// Changes the signature of the second digest.
fn with_signature(maker: &mut Maker, change: impl FnOnce(&mut String)) -> Result<(), Fault> {
    with_metadata(maker, |metadata| {
        change(metadata.entry(SIGNATURE_METADATA.to_owned()).or_default());
    })
}

fn byte_changed(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    maker.change_content(&digest, |content| {
        content.replacen("newestEventTime\":\"2026", "newestEventTime\":\"2025", 1)
    })
}

fn log_renounced(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    let log = maker.log_of_digest(&digest, 1)?;
    maker.remove(&log)?;
    maker.change_content(&digest, |content| match content.rsplit_once(",{\"s3Bucket\"") {
        Some((kept, _)) => format!("{kept}]}}"),
        None => content,
    })
}

fn gzip_byte_flipped(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    maker.change(&digest, |object| {
        let checksum = object.body.len() - 8;
        object.body[checksum] ^= 1;
    })
}

fn cut_short(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    maker.change(&digest, |object| object.body.truncate(object.body.len() / 2))
}

fn second_member(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    let member = maker.compress(b"{\"logFiles\":[]}")?;
    maker.change(&digest, |object| object.body.extend(member))
}

fn trailing_bytes(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    maker.change(&digest, |object| object.body.extend(b"see also"))
}

fn not_gzip(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    let content = maker.content(&digest)?;
    maker.change(&digest, |object| object.body = content.into_bytes())
}

fn not_json(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    maker.change_content(&digest, |content| content.replacen('{', "(", 1))
}

fn not_an_object(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    maker.change_content(&digest, |content| format!("[{content}]"))
}

fn without_fingerprint(maker: &mut Maker) -> Result<(), Fault> {
    let rewrite = |content: String| content.replacen("\"digestPublicKeyFingerprint\":", "\"digestPublicKey\":", 1);
    with_draft(maker, |draft| draft.rewritten(rewrite))
}

fn without_previous_signature(maker: &mut Maker) -> Result<(), Fault> {
    let rewrite = |content: String| content.replacen("\"previousDigestSignature\":", "\"previousDigestSeal\":", 1);
    with_draft(maker, |draft| draft.rewritten(rewrite))
}

fn without_log_files(maker: &mut Maker) -> Result<(), Fault> {
    let rewrite = |content: String| content.replacen("\"logFiles\":", "\"files\":", 1);
    with_draft(maker, |draft| draft.rewritten(rewrite))
}

fn null_log_files(maker: &mut Maker) -> Result<(), Fault> {
    let rewrite = |content: String| match content.split_once("\"logFiles\":") {
        Some((before, _)) => format!("{before}\"logFiles\":null}}"),
        None => content,
    };
    with_draft(maker, |draft| draft.rewritten(rewrite))
}

fn member_twice(maker: &mut Maker) -> Result<(), Fault> {
    let rewrite = |content: String| content.replacen("\"logFiles\":", "\"logFiles\":[],\"logFiles\":", 1);
    with_draft(maker, |draft| draft.rewritten(rewrite))
}

fn no_time(maker: &mut Maker) -> Result<(), Fault> {
    with_draft(maker, |draft| {
        draft.edited(|digest| digest.digest_start_time = "yesterday-ish".to_owned())
    })
}

fn other_account(maker: &mut Maker) -> Result<(), Fault> {
    with_draft(maker, |draft| {
        draft.edited(|digest| digest.aws_account_id = "444455556666".to_owned())
    })
}

fn number_for_time(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 2)?;
    let logs = vec![maker.log(HOME, 1, 0)?];
    // The text that is signed has the number as it stands.
    let edit = |digest: &mut record::DigestFile| digest.digest_end_time = "1767611671".to_owned();
    let rewrite = |content: String| content.replacen("\"1767611671\"", "1767611671", 1);
    Draft::of(1).naming(logs).edited(edit).rewritten(rewrite).put(maker)?;
    maker.hour(2, 2).map(drop)
}

fn byte_order_mark(maker: &mut Maker) -> Result<(), Fault> {
    with_draft(maker, |draft| draft.rewritten(|content| format!("\u{feff}{content}")))
}

fn not_utf8(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_digest(maker)?;
    let content = maker.content(&digest)?;
    let wide: Vec<u8> = content.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let body = maker.compress(&wide)?;
    maker.change(&digest, |object| object.body = body)
}

fn text_after(maker: &mut Maker) -> Result<(), Fault> {
    with_draft(maker, |draft| {
        draft.rewritten(|content| format!("{content}\n{{\"logFiles\":[]}}"))
    })
}

fn log_files_no_list(maker: &mut Maker) -> Result<(), Fault> {
    let rewrite = |content: String| match content.split_once("\"logFiles\":") {
        Some((before, _)) => format!("{before}\"logFiles\":{{}}}}"),
        None => content,
    };
    with_draft(maker, |draft| draft.rewritten(rewrite))
}

fn signature_missing(maker: &mut Maker) -> Result<(), Fault> {
    with_metadata(maker, |metadata| {
        metadata.remove(SIGNATURE_METADATA);
    })
}

fn algorithm_missing(maker: &mut Maker) -> Result<(), Fault> {
    with_metadata(maker, |metadata| {
        metadata.remove(SIGNATURE_ALGORITHM_METADATA);
    })
}

fn algorithm_other(maker: &mut Maker) -> Result<(), Fault> {
    with_metadata(maker, |metadata| {
        metadata.insert(SIGNATURE_ALGORITHM_METADATA.to_owned(), "MD5withRSA".to_owned());
    })
}

fn signature_not_hex(maker: &mut Maker) -> Result<(), Fault> {
    with_signature(maker, |signature| signature.replace_range(0..2, "no"))
}

fn signature_odd(maker: &mut Maker) -> Result<(), Fault> {
    with_signature(maker, |signature| {
        signature.pop();
    })
}

fn signature_empty(maker: &mut Maker) -> Result<(), Fault> {
    with_signature(maker, String::clear)
}

fn signature_with_zeros(maker: &mut Maker) -> Result<(), Fault> {
    with_signature(maker, |signature| signature.insert_str(0, "00"))
}

fn signature_bit(maker: &mut Maker) -> Result<(), Fault> {
    with_signature(maker, |signature| {
        let flipped = match signature.pop() {
            Some('0') => '1',
            Some('1') => '0',
            Some('2'..='9') => '1',
            _ => '2',
        };
        signature.push(flipped);
    })
}

fn signatures_swapped(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(4)?;
    maker.look_at(4);
    let [one, two] = [maker.remove(&digests[1])?, maker.remove(&digests[2])?];
    maker.put(&digests[1], one.body, two.metadata);
    maker.put(&digests[2], two.body, one.metadata);
    Ok(())
}

fn over_sha512(maker: &mut Maker) -> Result<(), Fault> {
    with_draft(maker, Draft::signed_over_sha512)
}

fn with_backfill(maker: &mut Maker) -> Result<String, Fault> {
    maker.hours(3)?;
    let late = maker.log(HOME, 1, 7)?;
    Draft::of(1).backfill().naming(vec![late]).put(maker)
}

fn backfill_without_time(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_backfill(maker)?;
    maker.change(&digest, |object| {
        object.metadata.remove(BACKFILL_METADATA);
    })
}

fn backfill_changed(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_backfill(maker)?;
    maker.change_content(&digest, |content| content.replacen("SHA-256", "SHA-257", 1))
}

fn backfill_log_deleted(maker: &mut Maker) -> Result<(), Fault> {
    let digest = with_backfill(maker)?;
    let log = maker.log_of_digest(&digest, 0)?;
    maker.remove(&log).map(drop)
}
