//! Any change of any file of a copy is found; nothing is found where nothing was changed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use base::{AccountId, Region, Timestamp};
use base64::{Engine, engine::general_purpose::STANDARD};
use operator::verify::{Effort, FindingKind, Place, Progress, PublicKeys, Report, Verdict, What, verify};
use proptest::prelude::*;
use record::{
    DigestFile, DigestKind, DigestedLogFile, Gzip, LogFileKind, SigningKey, digest_key, log_file_key, sha256_hex,
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

const HOURS: u64 = 4;
const HOUR: Duration = Duration::from_secs(3600);

struct Chain {
    files: BTreeMap<String, Vec<u8>>,
    keys: PublicKeys,
    end: Timestamp,
}

static CHAIN: LazyLock<Chain> = LazyLock::new(chain);

/// A chain of four digests with two log files each, with the metadata beside the digests.
fn chain() -> Chain {
    let (key, mut gzip) = (SigningKey::generate().unwrap(), Gzip::new());
    let (start, region) = (Timestamp::from_secs(1_800_000_000), Region::us_east_1());
    let mut files = BTreeMap::new();
    let mut previous: Option<(String, String, String)> = None;
    for hour in 0..HOURS {
        let from = start.plus(HOUR * u32::try_from(hour).unwrap());
        let named = (0..2).map(|number| {
            let content = format!("{{\"Records\":[{{\"eventID\":\"{hour}-{number}\"}}]}}").repeat(20);
            let at = from.plus(Duration::from_secs(1200));
            let suffix = format!("{number:016}");
            let name = log_file_key(
                None,
                None,
                AccountId::FIRST,
                &region,
                LogFileKind::CloudTrail,
                at,
                &suffix,
            );
            files.insert(name.clone(), gzip.compress(content.as_bytes()).unwrap());
            DigestedLogFile::new("b", &name, &sha256_hex(content.as_bytes()), Some(at), Some(at))
        });
        let named = named.collect();
        let end = from.plus(HOUR);
        let place = digest_key(
            None,
            None,
            AccountId::FIRST,
            &region,
            "t",
            &region,
            end,
            DigestKind::Standard,
        );
        let fingerprint = key.public_key().fingerprint().to_owned();
        let digest = DigestFile::new(AccountId::FIRST, (from, end), ("b", &place), &fingerprint, named);
        let digest = match &previous {
            Some((key, sha256, signature)) => digest.after(("b", key), sha256, signature),
            None => digest,
        };
        let sha256 = sha256_hex(&digest.to_json());
        let signature = key.sign(&record::string_to_sign(&digest, &sha256)).unwrap();
        let metadata = format!(r#"{{"signature":"{signature}","signature-algorithm":"SHA256withRSA"}}"#);
        files.insert(place.clone(), gzip.compress(&digest.to_json()).unwrap());
        files.insert(format!("{place}.metadata.json"), metadata.into_bytes());
        previous = Some((place, sha256, signature));
    }
    let public = key.public_key();
    let (fingerprint, value) = (public.fingerprint(), STANDARD.encode(public.as_der()));
    let keys = format!(r#"{{"PublicKeyList":[{{"Fingerprint":"{fingerprint}","Value":"{value}"}}]}}"#);
    Chain {
        files,
        keys: PublicKeys::read(&keys).unwrap(),
        end: start.plus(HOUR * u32::try_from(HOURS).unwrap()),
    }
}

fn verified(files: &BTreeMap<String, Vec<u8>>) -> Report {
    let folder = tempfile::tempdir().unwrap();
    for (key, body) in files {
        let path = folder.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    }
    let what = what(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let mut keys = CHAIN.keys.clone();
    let progress = Arc::new(Progress::default());
    let report = runtime
        .unwrap()
        .block_on(verify(None, &what, &mut keys, false, CHAIN.end, &progress));
    report.unwrap()
}

fn what(folder: &Path) -> What {
    What {
        place: Place::Folder(folder.to_owned(), None),
        trail: None,
        account: None,
        regions: Vec::new(),
        start: None,
        end: Some(CHAIN.end),
        maps: Vec::new(),
        log_bytes_max: 1 << 20,
        cache: None,
        effort: Effort {
            calls: 8,
            bytes: 1 << 20,
            cores: 2,
        },
    }
}

#[test]
fn what_was_not_changed_is_valid() {
    let report = verified(&CHAIN.files);
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    let [chain] = report.chains.as_slice() else {
        unreachable!("one chain")
    };
    assert_eq!((chain.digests.valid, chain.logs.valid), (HOURS, 2 * HOURS));
    assert!(chain.findings.is_empty());
}

#[test]
fn a_pair_that_was_taken_away_is_found_by_what_names_it() {
    let mut files = CHAIN.files.clone();
    let digests: Vec<String> = files
        .keys()
        .filter(|key| key.contains("Digest") && key.ends_with(".gz"))
        .cloned()
        .collect();
    files.remove(&digests[1]);
    files.remove(&format!("{}.metadata.json", digests[1]));
    let report = verified(&files);
    let kinds: Vec<_> = report.chains[0].findings.iter().map(|finding| finding.kind).collect();
    // Its log files are then named by nobody.
    assert_eq!(kinds, [FindingKind::NotFound, FindingKind::Gap]);
    assert_eq!(report.verdict, Verdict::Invalid);
}

#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Append(Vec<u8>),
    Cut(usize),
    Remove,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(Change::Append),
        any::<usize>().prop_map(Change::Cut),
        Just(Change::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_change_of_a_log_or_digest_goes_unseen(which in any::<prop::sample::Index>(), change in change()) {
        let mut files = CHAIN.files.clone();
        let keys: Vec<String> = files.keys().filter(|key| key.ends_with(".gz")).cloned().collect();
        let key = keys[which.index(keys.len())].clone();
        let body = files.get_mut(&key).unwrap();
        let mut is_idle = false;
        match change {
            Change::Flip(at, bit) => {
                let at = at % body.len();
                // Bytes of the gzip header that say when and where it was packed mean nothing.
                is_idle = matches!(at, 4..=9);
                // The flags may add parts to the header that are passed over.
                is_idle |= at == 3;
                body[at] ^= 1 << bit;
            }
            Change::Append(more) => body.extend(more),
            Change::Cut(at) => body.truncate(at % body.len()),
            Change::Remove => {
                files.remove(&key);
            }
        }
        let report = verified(&files);
        let newest = CHAIN.files.keys().rfind(|key| key.contains("Digest") && key.ends_with(".gz")).unwrap();
        prop_assert!(is_idle || report.verdict != Verdict::Valid || (key == *newest && !files.contains_key(&key)), "{} {:?}", key, report);
    }
}
