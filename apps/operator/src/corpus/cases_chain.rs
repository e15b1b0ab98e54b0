//! Chains that were cut, forged, moved or put together wrong.

use super::{
    case::Case,
    maker::{By, Draft, HOME, Maker, PublishedKey, Status, hour},
};
use base::Fault;
use std::{collections::BTreeMap, time::Duration};

const MOVED: &str = "The digest does not lie where it was written.";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "chain-digest-deleted",
        valid: false,
        done: "A digest in the middle was deleted; its log files are left.",
        careful: "The digest is not there; its hour is proven by nothing.",
        make: digest_deleted,
    },
    Case {
        name: "chain-pair-deleted",
        valid: false,
        done: "A digest in the middle was deleted together with its log files.",
        careful: "The digest is not there; its hour is proven by nothing.",
        make: pair_deleted,
    },
    Case {
        name: "chain-oldest-deleted",
        valid: false,
        done: "The oldest digest was deleted.",
        careful: "The digest is not there.",
        make: oldest_deleted,
    },
    Case {
        name: "chain-tail-cut",
        valid: false,
        done: "The three newest of six digests were deleted with their log files.",
        careful: "The chain ends earlier than it may.",
        make: tail_cut,
    },
    Case {
        name: "chain-cut-after-stop",
        valid: false,
        done: "Logging was stopped after the second hour and started two hours later; all that came after the start was deleted.",
        careful: "The trail's state tells of a later start and a later digest: the chain ends earlier than it may.",
        make: cut_after_stop,
    },
    Case {
        name: "chain-start-cut",
        valid: false,
        done: "A chain reached into the time that is looked at, and another began after a stop; the end of the first was deleted with its log files.",
        careful: "The chain before the time that is looked at does not reach the one that begins in it, and nothing explains that.",
        make: start_cut,
    },
    Case {
        name: "chain-all-deleted",
        valid: false,
        done: "All digests were deleted; the log files are left.",
        careful: "Nothing proves the log files.",
        make: all_deleted,
    },
    Case {
        name: "chain-hour-left-out",
        valid: false,
        done: "A well signed chain has no digest for its second hour: the third names the first as the one before.",
        careful: "No digest covers the hour.",
        make: hour_left_out,
    },
    Case {
        name: "chain-cut-in-the-middle",
        valid: false,
        done: "A well signed digest in the middle names no previous one, although logging was not stopped.",
        careful: "The chain starts anew without a reason.",
        make: cut_in_the_middle,
    },
    Case {
        name: "chain-previous-hash-wrong",
        valid: false,
        done: "A well signed digest names the previous one with a wrong hash.",
        careful: "The previous digest is not the one that is named.",
        make: previous_hash_wrong,
    },
    Case {
        name: "chain-previous-signature-wrong",
        valid: false,
        done: "A well signed digest names the previous one with another's signature.",
        careful: "The previous digest is not the one that is named.",
        make: previous_signature_wrong,
    },
    Case {
        name: "chain-digest-replaced",
        valid: false,
        done: "A digest was replaced by another of the same hour, well signed by the same key, that names no log file.",
        careful: "The digest is not the one that the next digest names.",
        make: digest_replaced,
    },
    Case {
        name: "chain-forged",
        valid: false,
        done: "All was made anew without some events, and signed by a foreign key whose fingerprint the digests name.",
        careful: "No digest is signed by a published key.",
        make: forged,
    },
    Case {
        name: "chain-forged-fingerprint",
        valid: false,
        done: "All was made anew and signed by a foreign key; the digests claim the published key's fingerprint.",
        careful: "No signature agrees.",
        make: forged_fingerprint,
    },
    Case {
        name: "chain-forged-newest",
        valid: false,
        done: "The newest digest was replaced by one that a foreign key signed.",
        careful: "The newest digest is signed by no published key; the others are valid.",
        make: forged_newest,
    },
    Case {
        name: "key-not-pkcs1",
        valid: false,
        done: "The published key is the right one in another form (SubjectPublicKeyInfo), under the fingerprint of that form.",
        careful: "The key cannot be used, or it is read in this form too.",
        make: key_spki,
    },
    Case {
        name: "key-garbage",
        valid: false,
        done: "What is published under the digests' fingerprint is no key.",
        careful: "The key cannot be used.",
        make: key_garbage,
    },
    Case {
        name: "key-of-another-fingerprint",
        valid: false,
        done: "A foreign key is published under the fingerprint of the right one, and the digests are signed by the foreign key.",
        careful: "The fingerprint is not that of the key.",
        make: key_under_false_fingerprint,
    },
    Case {
        name: "key-expired",
        valid: false,
        done: "The only published key stopped being valid a month before the digests.",
        careful: "There is no public key for the time.",
        make: key_expired,
    },
    Case {
        name: "key-of-another-time",
        valid: false,
        done: "The digests' key is published, but for another time; the one published for their time signed nothing.",
        careful: "No public key of the time has the fingerprint.",
        make: key_of_another_time,
    },
    Case {
        name: "moved-bucket",
        valid: false,
        done: "All files were copied to another bucket, which is looked at.",
        careful: "The digests do not lie where they were written; a validator that is told of the move can go on.",
        make: moved_bucket,
    },
    Case {
        name: "moved-digest",
        valid: false,
        done: "A digest lies at the key that belongs to the next hour, where there was none.",
        careful: MOVED,
        make: moved_digest,
    },
    Case {
        name: "moved-digests-reordered",
        valid: false,
        done: "Two digests changed places.",
        careful: "Neither lies where it was written.",
        make: reordered,
    },
    Case {
        name: "moved-region",
        valid: false,
        done: "The digests of one Region were copied to the keys of another.",
        careful: MOVED,
        make: moved_region,
    },
    Case {
        name: "moved-to-another-trail",
        valid: false,
        done: "A digest in the middle was renamed, as if it were of another trail.",
        careful: "The digest is not there.",
        make: other_trail,
    },
    Case {
        name: "moved-newest-to-another-trail",
        valid: false,
        done: "The three newest of six digests were renamed, as if they were of another trail.",
        careful: "The chain ends earlier than it may.",
        make: newest_to_other_trail,
    },
    Case {
        name: "moved-copy-beside-newest",
        valid: false,
        done: "A copy of the newest digest lies beside it under a longer name.",
        careful: "The copy does not lie where it was written; the chain is valid.",
        make: copy_beside,
    },
    Case {
        name: "chain-previous-elsewhere",
        valid: false,
        done: "A well signed digest names as the previous one a key that is no digest's, where nothing is.",
        careful: "The previous digest is not there, and hours are missing.",
        make: previous_elsewhere,
    },
    Case {
        name: "chain-previous-in-no-bucket",
        valid: false,
        done: "A well signed digest names as the previous one a digest in a bucket that does not exist.",
        careful: "The previous digest is not there, and hours are missing.",
        make: previous_in_no_bucket,
    },
    Case {
        name: "clock-end-before-start",
        valid: false,
        done: "A well signed digest ends before it starts.",
        careful: "The digest's times cannot be.",
        make: end_before_start,
    },
    Case {
        name: "clock-far-future",
        valid: true,
        done: "Beside the chain lies a well signed digest of the year 2099.",
        careful: "All is valid; the digest of the future lies outside of what was asked for.",
        make: far_future,
    },
    Case {
        name: "clock-window-too-long",
        valid: false,
        done: "A well signed digest says that it covers ten hours.",
        careful: "The digest overlaps those before it.",
        make: window_too_long,
    },
];

fn digest_deleted(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    maker.remove(&digests[1]).map(drop)
}

fn pair_deleted(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    delete_pair(maker, &digests[1])
}

fn delete_pair(maker: &mut Maker, digest: &str) -> Result<(), Fault> {
    for log in maker.logs_of(digest)? {
        maker.remove(&log)?;
    }
    maker.remove(digest).map(drop)
}

fn oldest_deleted(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    maker.remove(&digests[0]).map(drop)
}

fn tail_cut(maker: &mut Maker) -> Result<(), Fault> {
    maker.look_at(6);
    let digests = maker.hours(6)?;
    digests.iter().skip(3).try_for_each(|digest| delete_pair(maker, digest))
}

/// Two hours, a stop, two hours without logging, and two hours of a new chain.
fn restarted(maker: &mut Maker, first: i64) -> Result<Vec<String>, Fault> {
    let moment = Duration::from_secs(90);
    let mut digests: Vec<String> = (first..1)
        .map(|number| maker.hour(number, 2))
        .collect::<Result<_, _>>()?;
    let logs = vec![
        maker.log(HOME, 1, 0)?,
        maker.control_log("StopLogging", hour(2).minus(moment))?,
    ];
    digests.push(Draft::of(1).naming(logs).put(maker)?);
    let logs = vec![
        maker.control_log("StartLogging", hour(4).plus(moment))?,
        maker.log(HOME, 4, 1)?,
    ];
    digests.push(Draft::of(4).naming(logs).starting().put(maker)?);
    digests.push(maker.hour(5, 1)?);
    maker.status = Some(Status {
        is_logging: true,
        started: hour(4).plus(moment),
        stopped: Some(hour(2).minus(moment)),
        digest_delivered: hour(6).plus(moment),
    });
    maker.look_at(6);
    Ok(digests)
}

fn cut_after_stop(maker: &mut Maker) -> Result<(), Fault> {
    let digests = restarted(maker, 0)?;
    digests.iter().skip(2).try_for_each(|digest| delete_pair(maker, digest))
}

fn start_cut(maker: &mut Maker) -> Result<(), Fault> {
    let digests = restarted(maker, -3)?;
    // Those of the hours -1 to 1.
    digests
        .iter()
        .skip(2)
        .take(3)
        .try_for_each(|digest| delete_pair(maker, digest))
}

fn all_deleted(maker: &mut Maker) -> Result<(), Fault> {
    for digest in maker.hours(3)? {
        maker.remove(&digest)?;
    }
    Ok(())
}

fn hour_left_out(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 2)?;
    maker.log(HOME, 1, 0)?;
    maker.hour(2, 2).map(drop)
}

fn cut_in_the_middle(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 2)?;
    let logs = vec![maker.log(HOME, 1, 0)?];
    Draft::of(1).naming(logs).starting().put(maker)?;
    maker.hour(2, 2).map(drop)
}

fn previous_hash_wrong(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(2)?;
    let logs = vec![maker.log(HOME, 2, 0)?];
    let edit = |digest: &mut record::DigestFile| {
        digest.previous_digest_hash_value = Some(record::sha256_hex(b"another digest"));
    };
    Draft::of(2).naming(logs).edited(edit).put(maker).map(drop)
}

fn previous_signature_wrong(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let first = maker.links.get(HOME).cloned();
    maker.hour(1, 1)?;
    let logs = vec![maker.log(HOME, 2, 0)?];
    let edit = |digest: &mut record::DigestFile| digest.previous_digest_signature = first.map(|link| link.signature);
    Draft::of(2).naming(logs).edited(edit).put(maker).map(drop)
}

fn digest_replaced(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 2)?;
    let first = maker.links.get(HOME).cloned();
    let second = maker.hour(1, 2)?;
    maker.hour(2, 2)?;
    for log in maker.logs_of(&second)? {
        maker.remove(&log)?;
    }
    let draft = Draft::of(1);
    let draft = match first {
        Some(link) => draft.after(link),
        None => draft,
    };
    draft.put(maker).map(drop)
}

fn forged(maker: &mut Maker) -> Result<(), Fault> {
    for number in 0..3 {
        let logs = vec![maker.log(HOME, number, 0)?];
        Draft::of(number).naming(logs).signed_by(By::Foreign).put(maker)?;
    }
    Ok(())
}

fn forged_fingerprint(maker: &mut Maker) -> Result<(), Fault> {
    for number in 0..3 {
        let logs = vec![maker.log(HOME, number, 0)?];
        forge(maker, Draft::of(number).naming(logs))?;
    }
    Ok(())
}

/// Signed by the foreign key, under the published fingerprint.
fn forge(maker: &mut Maker, draft: Draft) -> Result<(), Fault> {
    let known = maker
        .keys
        .first()
        .map(|key| key.fingerprint.clone())
        .unwrap_or_default();
    let claim = move |digest: &mut record::DigestFile| digest.digest_public_key_fingerprint = known;
    draft.signed_by(By::Foreign).edited(claim).put(maker).map(drop)
}

fn forged_newest(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(2)?;
    let logs = vec![maker.log(HOME, 2, 0)?];
    Draft::of(2).naming(logs).signed_by(By::Foreign).put(maker).map(drop)
}

/// The DER of a SubjectPublicKeyInfo around a PKCS#1 key of 2048 bits: the header says RSA and the lengths.
const SPKI_HEADER: [u8; 24] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    0x03, 0x82, 0x01, 0x0f, 0x00,
];

fn key_spki(maker: &mut Maker) -> Result<(), Fault> {
    let mut fingerprint = String::new();
    for key in &mut maker.keys {
        key.der.splice(0..0, SPKI_HEADER);
        key.fingerprint = record::PublicKey::from_pkcs1_der(&key.der).fingerprint().to_owned();
        fingerprint.clone_from(&key.fingerprint);
    }
    for number in 0..3 {
        let logs = vec![maker.log(HOME, number, 0)?];
        let claimed = fingerprint.clone();
        let claim = |digest: &mut record::DigestFile| digest.digest_public_key_fingerprint = claimed;
        Draft::of(number).naming(logs).edited(claim).put(maker)?;
    }
    Ok(())
}

fn key_garbage(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    let garble = |key: &mut PublishedKey| key.der = b"this is no key".to_vec();
    maker.keys.iter_mut().for_each(garble);
    Ok(())
}

fn key_under_false_fingerprint(maker: &mut Maker) -> Result<(), Fault> {
    maker.publish(By::Foreign, -200, 520)?;
    for number in 0..3 {
        let logs = vec![maker.log(HOME, number, 0)?];
        forge(maker, Draft::of(number).naming(logs))?;
    }
    let known = maker.keys.remove(0);
    for key in &mut maker.keys {
        key.fingerprint.clone_from(&known.fingerprint);
    }
    Ok(())
}

fn key_expired(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    for key in &mut maker.keys {
        (key.from, key.until) = (hour(-1440), hour(-720));
    }
    Ok(())
}

fn key_of_another_time(maker: &mut Maker) -> Result<(), Fault> {
    key_expired(maker)?;
    maker.publish(By::Next, -200, 520)
}

fn moved_bucket(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    maker.buckets.insert("copied-logs", "eu-west-1");
    let files: Vec<_> = maker
        .objects
        .iter()
        .map(|(place, object)| (place.clone(), object.clone()))
        .collect();
    for ((_, key), object) in files {
        maker.objects.insert(("copied-logs".to_owned(), key), object);
    }
    let home = maker.bucket.to_owned();
    maker.objects.retain(|(bucket, _), _| *bucket != home);
    for run in &mut maker.runs {
        run.bucket = Some("copied-logs");
    }
    Ok(())
}

fn moved_digest(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    let object = maker.remove(&digests[2])?;
    let key = digests[2].replace("121431Z", "131431Z");
    maker.put(&key, object.body, object.metadata);
    maker.look_at(4);
    Ok(())
}

fn reordered(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(4)?;
    maker.look_at(4);
    let [one, two] = [maker.remove(&digests[1])?, maker.remove(&digests[2])?];
    maker.put(&digests[1], two.body, two.metadata);
    maker.put(&digests[2], one.body, one.metadata);
    Ok(())
}

fn moved_region(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    for digest in digests {
        let object = maker.remove(&digest)?;
        let (before, name) = digest.rsplit_once('/').unwrap_or_default();
        let folder = before.replace(HOME, "eu-west-1");
        let name = name.replacen(HOME, "eu-west-1", 1);
        maker.put(&format!("{folder}/{name}"), object.body, object.metadata);
    }
    maker.runs = vec![maker.looked_at("eu-west-1", 0, 3)];
    Ok(())
}

fn rename_to_other_trail(maker: &mut Maker, digest: &str) -> Result<(), Fault> {
    let object = maker.remove(digest)?;
    maker.put(&digest.replace("_audit_", "_other_"), object.body, object.metadata);
    Ok(())
}

fn other_trail(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    rename_to_other_trail(maker, &digests[1])
}

fn newest_to_other_trail(maker: &mut Maker) -> Result<(), Fault> {
    maker.look_at(6);
    let digests = maker.hours(6)?;
    digests
        .iter()
        .skip(3)
        .try_for_each(|digest| rename_to_other_trail(maker, digest))
}

fn end_before_start(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let logs = vec![maker.log(HOME, 1, 0)?];
    let edit = |digest: &mut record::DigestFile| {
        digest.digest_start_time = hour(3).iso8601();
    };
    Draft::of(1).naming(logs).edited(edit).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn far_future(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(3)?;
    let links: BTreeMap<_, _> = maker.links.clone();
    // 2099-01-05T09:14:31Z
    let hours = (4_071_374_071 - 1_767_604_471) / 3600 - 1;
    Draft::of(hours).starting().put(maker)?;
    maker.links = links;
    Ok(())
}

fn window_too_long(maker: &mut Maker) -> Result<(), Fault> {
    maker.hour(0, 1)?;
    let logs = vec![maker.log(HOME, 1, 0)?];
    let edit = |digest: &mut record::DigestFile| digest.digest_start_time = hour(-8).iso8601();
    Draft::of(1).naming(logs).edited(edit).put(maker)?;
    maker.hour(2, 1).map(drop)
}

fn copy_beside(maker: &mut Maker) -> Result<(), Fault> {
    let digests = maker.hours(3)?;
    let place = (maker.bucket.to_owned(), digests[2].clone());
    if let Some(digest) = maker.objects.get(&place).cloned() {
        let key = digests[2].replace("_20260105T", "_copy_20260105T");
        maker.put(&key, digest.body, digest.metadata);
    }
    Ok(())
}

fn previous_elsewhere(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(2)?;
    let logs = vec![maker.log(HOME, 2, 0)?];
    let edit =
        |digest: &mut record::DigestFile| digest.previous_digest_s3_object = Some("elsewhere/nothing".to_owned());
    Draft::of(2).naming(logs).edited(edit).put(maker).map(drop)
}

fn previous_in_no_bucket(maker: &mut Maker) -> Result<(), Fault> {
    maker.hours(2)?;
    let logs = vec![maker.log(HOME, 2, 0)?];
    let edit =
        |digest: &mut record::DigestFile| digest.previous_digest_s3_bucket = Some("there-is-no-such-bucket".to_owned());
    Draft::of(2).naming(logs).edited(edit).put(maker).map(drop)
}
