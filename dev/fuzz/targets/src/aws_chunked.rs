//! Any bytes as an `aws-chunked` body: no panic, no more bytes than were declared, and the same whatever pieces it comes in.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use sigv4::{AuthFault, ChunkDecoder, Trailers};

fn decoded(pieces: &[&[u8]], trailer: bool, length: u64) -> (Vec<u8>, Result<Trailers, AuthFault>) {
    let name = trailer.then(|| "x-amz-checksum-crc32".to_owned());
    let mut decoder = ChunkDecoder::anonymous(name, length);
    let mut out = BytesMut::new();
    for piece in pieces {
        if let Err(fault) = decoder.push(piece, &mut out) {
            return (out.to_vec(), Err(fault));
        }
    }
    (out.to_vec(), decoder.finish())
}

fuzz_target!(|data: &[u8]| {
    let [choice, length, at, body @ ..] = data else { return };
    let (trailer, length) = (choice & 1 == 1, u64::from(*length));
    let whole = decoded(&[body], trailer, length);
    assert!(whole.0.len() as u64 <= length);
    assert!(whole.1.is_err() || whole.0.len() as u64 == length);
    let (head, tail) = body.split_at(usize::from(*at).min(body.len()));
    assert_eq!(decoded(&[head, tail], trailer, length), whole);
    let single: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(decoded(&single, trailer, length), whole);
});
