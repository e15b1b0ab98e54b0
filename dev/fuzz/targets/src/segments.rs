//! Any bytes as a sealed stream: no panic, and no segment opens; what was sealed opens as it was.
#![no_main]

use base::Random;
use envelope::{
    Key256,
    segments::{HEADER_BYTES, Opener, Sealer, StreamKey, sealed_len_after},
};
use libfuzzer_sys::fuzz_target;

fn key(double: bool) -> StreamKey {
    let key = Key256::from_bytes([7; 32]);
    match double {
        true => StreamKey::double(key, Key256::from_bytes([8; 32])),
        false => key.into(),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((header, rest)) = data.split_at_checked(HEADER_BYTES) else {
        return;
    };
    let Some((length, body)) = rest.split_first_chunk::<8>() else {
        return;
    };
    for double in [false, true] {
        if let Ok(opener) = Opener::new(&key(double), b"id", header, u64::from_be_bytes(*length)) {
            assert_eq!(sealed_len_after(header, opener.plain_len()), Some(opener.sealed_len()));
            for index in [0, 1, opener.plain_len() / 65_536, u64::MAX] {
                let place = opener.segment(index);
                assert!(place.start <= place.end && place.end <= opener.sealed_len());
                assert!(opener.open_segment(index, &mut body.to_vec()).is_err());
            }
        }
        let (mut sealer, made) = Sealer::new(&key(double), b"id", &Random::seeded(1));
        let (mut sealed, cut) = (Vec::new(), usize::from(length[7]).min(body.len()));
        let (head, tail) = body.split_at(cut);
        sealer.push(head, &mut sealed);
        sealer.push(tail, &mut sealed);
        sealer.finish(&mut sealed);
        let opener = Opener::new(&key(double), b"id", &made, body.len() as u64).expect("its own header");
        let mut opened = Vec::new();
        for (index, segment) in (0..).zip(sealed.chunks_mut(opener.segment_len())) {
            opened.extend_from_slice(opener.open_segment(index, segment).expect("its own segment"));
        }
        assert_eq!(opened, body);
    }
});
