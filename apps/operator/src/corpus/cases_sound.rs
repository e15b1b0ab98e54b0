//! Trails with which all is in order.

use super::{
    case::Case,
    maker::{By, Draft, HOME, Maker, Status, hour},
};
use base::Fault;
use record::DigestedLogFile;
use std::time::Duration;

const VALID: &str = "All is valid.";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "sound",
        valid: true,
        done: "Three hours with two log files each, of one Region.",
        careful: VALID,
        make: sound,
    },
    Case {
        name: "sound-empty-hours",
        valid: true,
        done: "Six hours; in the second, third and fifth nothing happened, so their digests name no log file.",
        careful: VALID,
        make: empty_hours,
    },
    Case {
        name: "sound-nothing-happened",
        valid: true,
        done: "Three digests without a log file.",
        careful: VALID,
        make: nothing_happened,
    },
    Case {
        name: "sound-two-regions",
        valid: true,
        done: "A trail of all Regions: a chain in each of two Regions, in one bucket. Two runs.",
        careful: VALID,
        make: two_regions,
    },
    Case {
        name: "sound-prefix",
        valid: true,
        done: "The trail has a prefix with characters that mean something in regular expressions.",
        careful: VALID,
        make: prefix,
    },
    Case {
        name: "sound-organization",
        valid: true,
        done: "An organization's trail; the files are those of a member account.",
        careful: VALID,
        make: organization,
    },
    Case {
        name: "sound-two-keys",
        valid: true,
        done: "Between the second and the third hour the signing key changes; both public keys are published.",
        careful: VALID,
        make: two_keys,
    },
    Case {
        name: "sound-backfill",
        valid: true,
        done: "A log file that came late is named by a backfill digest of the second hour.",
        careful: "All is valid, the backfill digest too.",
        make: backfill,
    },
    Case {
        name: "sound-restart",
        valid: true,
        done: "Logging was stopped after the second hour and started two hours later: a new chain.",
        careful: "All is valid; there is a gap of two hours, which StopLogging and StartLogging explain.",
        make: restart,
    },
    Case {
        name: "sound-stopped",
        valid: true,
        done: "Logging was stopped after the second hour, and never started again.",
        careful: "All is valid; that nothing follows is explained by StopLogging and by the trail's state.",
        make: stopped,
    },
    Case {
        name: "sound-odd-names",
        valid: true,
        done: "The trail's name has dots and signs, and so have the names of its log files, which also have spaces and letters beyond ASCII.",
        careful: VALID,
        make: odd_names,
    },
    Case {
        name: "sound-neighbour",
        valid: true,
        done: "Another trail, whose name begins with this one's, writes to the same bucket; its digests are signed by a key that nobody published.",
        careful: "All is valid; the other trail's digests are none of its business.",
        make: neighbour,
    },
    Case {
        name: "sound-bucket-changed",
        valid: true,
        done: "The trail got another bucket before the third hour; the chain goes on there.",
        careful: VALID,
        make: bucket_changed,
    },
    Case {
        name: "sound-recompressed",
        valid: true,
        done: "A log file was inflated and compressed anew at another level; a digest was, too. Hashes are over what is inside.",
        careful: VALID,
        make: recompressed,
    },
    Case {
        name: "sound-spaced-json",
        valid: true,
        done: "The second digest's JSON is written over many lines, and was signed so.",
        careful: VALID,
        make: spaced_json,
    },
    Case {
        name: "sound-upper-case-signature",
        valid: true,
        done: "The second digest's signature stands in its metadata in upper case.",
        careful: VALID,
        make: upper_case_signature,
    },
    Case {
        name: "log-of-many-bytes",
        valid: true,
        done: "A log file of 24 MiB that compresses to a few kilobytes: a validator should not need memory for all of it.",
        careful: VALID,
        make: many_bytes,
    },
    Case {
        name: "log-without-records",
        valid: true,
        done: "A log file that holds no record.",
        careful: VALID,
        make: without_records,
    },
    Case {
        name: "sound-gzip-fields",
        valid: true,
        done: "A log file's gzip header has a file name, a comment and a time, as the command gzip writes.",
        careful: VALID,
        make: gzip_fields,
    },
    Case {
        name: "digest-of-many-bytes",
        valid: true,
        done: "A digest of 8 MiB, nearly all of it spaces.",
        careful: VALID,
        make: many_bytes_of_digest,
    },
];

fn sound(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3).map(drop)
}

fn empty_hours(maker: &mut Maker) -> Result<(), Fault> {
    for (number, logs) in [2, 0, 0, 1, 0, 2].into_iter().enumerate() {
        maker.hour(number as i64, logs)?;
    }
    maker.look_at(6);
    Ok(())
}

fn nothing_happened(maker: &mut Maker) -> Result<(), Fault> {
    for number in 0..3 {
        maker.hour(number, 0)?;
    }
    Ok(())
}

fn two_regions(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    for number in 0..3 {
        maker.hour_in("eu-west-1", number, 1)?;
    }
    maker.runs.push(maker.looked_at("eu-west-1", 0, 3));
    Ok(())
}

fn prefix(maker: &mut Maker) -> Result<(), Fault> {
    maker.trail.prefix = Some("logs.2026/a+b (c)");
    maker.hours(3).map(drop)
}

fn organization(maker: &mut Maker) -> Result<(), Fault> {
    maker.trail.organization = Some("o-corpus1234");
    maker.runs[0].account = Some("444455556666");
    maker.hours(3).map(drop)
}

fn two_keys(maker: &mut Maker) -> Result<(), Fault> {
    maker.keys.clear();
    maker.publish(By::Signing, -700, 20)?;
    maker.publish(By::Next, -220, 500)?;
    maker.hours(2)?;
    let logs = vec![maker.log(HOME, 2, 0)?];
    Draft::of(2).naming(logs).signed_by(By::Next).put(maker).map(drop)
}

fn backfill(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    let late = maker.log(HOME, 1, 7)?;
    Draft::of(1).backfill().naming(vec![late]).put(maker).map(drop)
}

fn restart(maker: &mut Maker) -> Result<(), Fault> {
    let moment = Duration::from_secs(90);
    maker.hour(0, 2)?;
    let logs = vec![
        maker.log(HOME, 1, 0)?,
        maker.control_log("StopLogging", hour(2).minus(moment))?,
    ];
    Draft::of(1).naming(logs).put(maker)?;
    let logs = vec![
        maker.control_log("StartLogging", hour(4).plus(moment))?,
        maker.log(HOME, 4, 1)?,
    ];
    Draft::of(4).naming(logs).starting().put(maker)?;
    maker.hour(5, 1)?;
    maker.look_at(6);
    Ok(())
}

fn stopped(maker: &mut Maker) -> Result<(), Fault> {
    let at = hour(2).minus(Duration::from_secs(90));
    maker.hour(0, 2)?;
    let logs = vec![maker.log(HOME, 1, 0)?, maker.control_log("StopLogging", at)?];
    Draft::of(1).naming(logs).put(maker)?;
    maker.status = Some(Status {
        is_logging: false,
        started: hour(-200),
        stopped: Some(at),
        digest_delivered: hour(2).plus(Duration::from_secs(120)),
    });
    maker.look_at(6);
    Ok(())
}

fn odd_names(maker: &mut Maker) -> Result<(), Fault> {
    maker.trail.name = "au.dit_trail-1".to_owned();
    let account = maker.trail.account;
    let folder = format!("AWSLogs/{account}/CloudTrail/{HOME}/2026/01/05");
    for number in 0..3 {
        let mut logs = Vec::new();
        for name in ["a b+c&d=e", "証跡 é", "%41?x#y", "trailing."] {
            let key = format!("{folder}/{number} {name}.json.gz");
            let delivered = hour(number).plus(Duration::from_secs(600));
            logs.push(maker.log_at(&key, delivered, b"{\"Records\":[]}")?);
        }
        Draft::of(number).naming(logs).put(maker)?;
    }
    Ok(())
}

fn neighbour(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    maker.links.clear();
    for number in 0..3 {
        Draft::of(number)
            .of_trail("audit_2")
            .signed_by(By::Foreign)
            .put(maker)?;
    }
    Ok(())
}

fn bucket_changed(maker: &mut Maker) -> Result<(), Fault> {
    maker.buckets.insert("audit-logs-before", "eu-west-1");
    maker.bucket = "audit-logs-before";
    maker.hours(2)?;
    maker.bucket = super::maker::BUCKET;
    maker.hour(2, 2).map(drop)
}

fn recompressed(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    let log = maker.log_of_digest(&digests[1], 0)?;
    for key in [&log, &digests[1]] {
        let content = maker.content(key)?;
        maker.change(key, |object| object.body = stored(content.as_bytes()))?;
    }
    Ok(())
}

/// One gzip member that does not compress: header, stored blocks, CRC-32 and length.
fn stored(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    // Writing to memory does not fail.
    let written = gzip.write_all(content).and_then(|()| gzip.finish());
    written.unwrap_or_default()
}

fn spaced_json(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 2)?;
    let logs = vec![maker.log(HOME, 1, 0)?];
    let spaced = |content: String| content.replace(",\"", ",\r\n\t\"").replace("\":", "\" : ") + "\n";
    Draft::of(1).naming(logs).rewritten(spaced).put(maker)?;
    maker.hour(2, 2).map(drop)
}

fn upper_case_signature(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    maker.change(&digests[1], |object| {
        if let Some(signature) = object.metadata.get_mut(record::SIGNATURE_METADATA) {
            signature.make_ascii_uppercase();
        }
    })
}

fn many_bytes(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let content = format!("{{\"Records\":[{{\"padding\":\"{}\"}}]}}", " ".repeat(24 << 20));
    let log: DigestedLogFile = maker.log_of(HOME, hour(1).plus(Duration::from_secs(600)), content.as_bytes())?;
    Draft::of(1).naming(vec![log]).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn gzip_fields(maker: &mut Maker) -> Result<(), Fault> {
    use std::io::Write;
    let digests = maker.hours(3)?;
    let log = maker.log_of_digest(&digests[1], 0)?;
    let content = maker.content(&log)?;
    let header = flate2::GzBuilder::new()
        .filename("events.json")
        .comment("as written")
        .mtime(1_767_604_471);
    let mut gzip = header.write(Vec::new(), flate2::Compression::best());
    let written = gzip.write_all(content.as_bytes()).and_then(|()| gzip.finish());
    maker.change(&log, |object| object.body = written.unwrap_or_default())
}

fn many_bytes_of_digest(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 2)?;
    let logs = vec![maker.log(HOME, 1, 0)?];
    let padded = |content: String| format!("{content}{}", " ".repeat(8 << 20));
    Draft::of(1).naming(logs).rewritten(padded).put(maker)?;
    maker.hour(2, 2).map(drop)
}

fn without_records(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let log = maker.log_of(HOME, hour(1).plus(Duration::from_secs(600)), b"{\"Records\":[]}")?;
    Draft::of(1).naming(vec![log]).put(maker)?;
    maker.hour(2, 1).map(drop)
}
