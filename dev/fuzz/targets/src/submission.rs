//! Any bytes as the eventData of PutAuditEvents: no panic; what is taken in is one line of JSON that a log file can hold, says
//! by which channel it came, and tells of no service that is served.
#![no_main]

use base::{AccountId, Arn, Region, Timestamp};
use libfuzzer_sys::fuzz_target;
use record::{Admission, Served, Submission};

const CHANNEL: &str = "arn:aws:cloudtrail:us-east-1:000000000000:channel/c";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(submission) = Submission::parse(text.to_owned(), Served(&["kms", "s3"])) else {
        return;
    };
    let (channel, region) = (Arn::parse(CHANNEL).unwrap(), Region::us_east_1());
    let under = Admission {
        channel: &channel,
        account: AccountId::FIRST,
        region: &region,
        regions: &[],
        now: Timestamp::from_secs(4_000_000_000),
    };
    let Ok(taken) = submission.admit(&under, "ours".to_owned()) else {
        return;
    };
    let file = [b"{\"Records\":[".as_slice(), taken.json(), b"]}"].concat();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let found = &file["Records"][0];
    assert!(!taken.json().contains(&b'\n'));
    assert_eq!(found["metadata"]["channelARN"], CHANNEL);
    assert_eq!(found["eventID"], "ours");
    assert_eq!(found["recipientAccountId"], AccountId::FIRST.as_str());
    for served in ["kms.amazonaws.com", "s3.amazonaws.com"] {
        assert_ne!(found["eventSource"], served);
    }
});
