//! Any bytes as a ciphertext blob: no panic, and none opens; what was sealed opens as it was and not when it was changed.
#![no_main]

use base::{AccountId, Random, Region};
use envelope::{
    EncryptionContext, Key256,
    ciphertext::{CiphertextHeader, open, parse_header, seal},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (key, context) = (Key256::from_bytes([7; 32]), EncryptionContext::new());
    let _ = parse_header(data);
    assert!(open(&key, data, &context).is_err());
    let Some((&[at, bit], plain)) = data.split_first_chunk::<2>() else {
        return;
    };
    let header = CiphertextHeader {
        account: AccountId::FIRST,
        region: Region::us_east_1(),
        key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
        material_version: u32::from(at),
    };
    let mut blob = seal(&key, &header, &context, plain, &Random::seeded(u64::from(bit)));
    assert_eq!(parse_header(&blob).as_ref(), Ok(&header));
    assert!(open(&key, &blob, &context).is_ok_and(|opened| opened.expose() == plain));
    let place = usize::from(at) % blob.len();
    if let Some(byte) = blob.get_mut(place) {
        *byte ^= 1 << (bit % 8);
    }
    assert!(open(&key, &blob, &context).is_err());
});
