//! Log files that were changed after their digest was signed.

use super::{
    case::Case,
    maker::{Draft, HOME, Maker, hour},
};
use base::Fault;
use std::time::Duration;

const NAMED: &str = "The log file is named as invalid.";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "log-byte-changed",
        valid: false,
        done: "One byte of a log file's content was changed, and it was compressed again.",
        careful: NAMED,
        make: byte_changed,
    },
    Case {
        name: "log-record-removed",
        valid: false,
        done: "A record was cut out of a log file, which is still well formed.",
        careful: NAMED,
        make: record_removed,
    },
    Case {
        name: "log-gzip-byte-flipped",
        valid: false,
        done: "A bit of a log file's checksum was flipped: it inflates, and its end does not agree.",
        careful: NAMED,
        make: gzip_byte_flipped,
    },
    Case {
        name: "log-second-member",
        valid: false,
        done: "A second gzip member was appended to a log file. Some readers read both.",
        careful: "The log file has bytes after its end.",
        make: second_member,
    },
    Case {
        name: "log-trailing-bytes",
        valid: false,
        done: "Bytes that are no gzip were appended to a log file.",
        careful: "The log file has bytes after its end.",
        make: trailing_bytes,
    },
    Case {
        name: "log-empty-member-first",
        valid: false,
        done: "An empty gzip member was put before a log file's own.",
        careful: "The log file has bytes after its end.",
        make: empty_member_first,
    },
    Case {
        name: "log-cut-short",
        valid: false,
        done: "The second half of a log file is missing.",
        careful: NAMED,
        make: cut_short,
    },
    Case {
        name: "log-cut-checksum",
        valid: false,
        done: "The last four bytes of a log file are missing: all of the content is there, its length is not.",
        careful: NAMED,
        make: cut_checksum,
    },
    Case {
        name: "log-emptied",
        valid: false,
        done: "A log file was overwritten with nothing.",
        careful: NAMED,
        make: emptied,
    },
    Case {
        name: "log-plain",
        valid: false,
        done: "A log file lies there inflated: the right content without its gzip.",
        careful: NAMED,
        make: plain,
    },
    Case {
        name: "log-deleted",
        valid: false,
        done: "A log file was deleted.",
        careful: "The log file is not there.",
        make: deleted,
    },
    Case {
        name: "logs-deleted",
        valid: false,
        done: "All log files were deleted, and all digests left.",
        careful: "No log file is there.",
        make: all_deleted,
    },
    Case {
        name: "logs-swapped",
        valid: false,
        done: "Two log files changed places.",
        careful: "Both log files are named as invalid.",
        make: swapped,
    },
    Case {
        name: "log-renamed",
        valid: false,
        done: "A log file lies at another key.",
        careful: "The log file is not there.",
        make: renamed,
    },
    Case {
        name: "log-delivered-twice",
        valid: false,
        done: "The digests of two hours name the same log file; both are well signed.",
        careful: "Every file agrees, and a log file is named twice.",
        make: delivered_twice,
    },
    Case {
        name: "log-hash-upper-case",
        valid: false,
        done: "A well signed digest has a log file's hash in upper case, which the format does not.",
        careful: "The hash is not in the form in which digests have it.",
        make: hash_upper_case,
    },
    Case {
        name: "log-hash-of-another-kind",
        valid: false,
        done: "A well signed digest says that the log file's hash is MD5; the value is the SHA-256.",
        careful: "The digest names a hash that digests do not use.",
        make: hash_algorithm,
    },
    Case {
        name: "log-added",
        valid: false,
        done: "A log file lies in the folder that no digest names.",
        careful: "The log file is proven by nothing.",
        make: added,
    },
    Case {
        name: "log-in-no-bucket",
        valid: false,
        done: "A well signed digest names a log file in a bucket that does not exist.",
        careful: "The log file is not there; the other files are valid.",
        make: in_no_bucket,
    },
    Case {
        name: "log-zlib",
        valid: false,
        done: "A log file is compressed by zlib's own format instead of gzip.",
        careful: NAMED,
        make: zlib,
    },
    Case {
        name: "log-entry-without-place",
        valid: false,
        done: "A well signed digest has an entry that names no key.",
        careful: "The entry is named as invalid; the other files are valid.",
        make: entry_without_place,
    },
    Case {
        name: "log-entry-without-hash",
        valid: false,
        done: "A well signed digest has an entry without a hash.",
        careful: "The entry is named as invalid; the other files are valid.",
        make: entry_without_hash,
    },
    Case {
        name: "log-overwritten-by-digest",
        valid: false,
        done: "A log file was overwritten with a digest file.",
        careful: NAMED,
        make: overwritten,
    },
];

/// Three sound hours, and the key of the first log file of the second.
fn with_log(maker: &mut Maker) -> Result<String, Fault> {
    let digests = maker.hours(3)?;
    maker.log_of_digest(&digests[1], 0)
}

fn byte_changed(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.change_content(&log, |content| content.replacen("192.0.2.7", "192.0.2.8", 1))
}

fn record_removed(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.change_content(&log, |content| {
        let mut file: serde_json::Value = serde_json::from_str(&content).unwrap_or_default();
        if let Some(records) = file["Records"].as_array_mut() {
            records.remove(1);
        }
        file.to_string()
    })
}

fn gzip_byte_flipped(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.change(&log, |object| {
        let checksum = object.body.len() - 8;
        object.body[checksum] ^= 1;
    })
}

fn second_member(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    let member = maker.compress(b"{\"Records\":[]}")?;
    maker.change(&log, |object| object.body.extend(member))
}

fn trailing_bytes(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.change(&log, |object| object.body.extend(b"see also"))
}

fn empty_member_first(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    let member = maker.compress(b"")?;
    maker.change(&log, |object| object.body.splice(0..0, member).for_each(drop))
}

fn cut_short(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.change(&log, |object| object.body.truncate(object.body.len() / 2))
}

fn cut_checksum(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.change(&log, |object| object.body.truncate(object.body.len() - 4))
}

fn emptied(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.change(&log, |object| object.body.clear())
}

fn plain(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    let content = maker.content(&log)?;
    maker.change(&log, |object| object.body = content.into_bytes())
}

fn deleted(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    maker.remove(&log).map(drop)
}

fn all_deleted(maker: &mut Maker) -> Result<(), Fault> {
    for digest in maker.hours(3)? {
        for log in maker.logs_of(&digest)? {
            maker.remove(&log)?;
        }
    }
    Ok(())
}

fn swapped(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    let keys = [
        maker.log_of_digest(&digests[0], 0)?,
        maker.log_of_digest(&digests[1], 1)?,
    ];
    let one = maker.remove(&keys[0])?;
    let two = maker.remove(&keys[1])?;
    maker.put(&keys[0], two.body, two.metadata);
    maker.put(&keys[1], one.body, one.metadata);
    Ok(())
}

fn renamed(maker: &mut Maker) -> Result<(), Fault> {
    let log = with_log(maker)?;
    let object = maker.remove(&log)?;
    maker.put(&log.replace("_corpus", "_renamed"), object.body, object.metadata);
    Ok(())
}

fn delivered_twice(maker: &mut Maker) -> Result<(), Fault> {
    let log = maker.log(HOME, 0, 0)?;
    Draft::of(0).naming(vec![log.clone()]).put(maker)?;
    Draft::of(1).naming(vec![log]).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn hash_upper_case(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let mut log = maker.log(HOME, 1, 0)?;
    log.hash_value.make_ascii_uppercase();
    Draft::of(1).naming(vec![log]).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn hash_algorithm(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let mut log = maker.log(HOME, 1, 0)?;
    log.hash_algorithm = "MD5".to_owned();
    Draft::of(1).naming(vec![log]).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn added(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    let delivered = hour(1).plus(Duration::from_secs(900));
    maker.log_of(HOME, delivered, b"{\"Records\":[]}").map(drop)
}

fn in_no_bucket(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let mut log = maker.log(HOME, 1, 0)?;
    log.s3_bucket = "there-is-no-such-bucket".to_owned();
    Draft::of(1).naming(vec![log]).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn zlib(maker: &mut Maker) -> Result<(), Fault> {
    use std::io::Write;
    let log = with_log(maker)?;
    let content = maker.content(&log)?;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let written = zlib.write_all(content.as_bytes()).and_then(|()| zlib.finish());
    maker.change(&log, |object| object.body = written.unwrap_or_default())
}

/// Three hours; in the digest of the second, a member of its one entry has another name.
fn with_entry(maker: &mut Maker, from: &'static str, to: &'static str) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let logs = vec![maker.log(HOME, 1, 0)?];
    let rewrite = move |content: String| content.replacen(from, to, 1);
    Draft::of(1).naming(logs).rewritten(rewrite).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn entry_without_place(maker: &mut Maker) -> Result<(), Fault> {
    with_entry(maker, "\"s3Object\":", "\"object\":")
}

fn entry_without_hash(maker: &mut Maker) -> Result<(), Fault> {
    with_entry(maker, "\"hashValue\":", "\"hash\":")
}

fn overwritten(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    let log = maker.log_of_digest(&digests[1], 0)?;
    let place = (maker.bucket.to_owned(), digests[0].clone());
    let digest = maker.objects.get(&place).cloned();
    maker.change(&log, |object| {
        object.body = digest.map(|digest| digest.body).unwrap_or_default()
    })
}
