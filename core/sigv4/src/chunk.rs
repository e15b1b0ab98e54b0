//! Bodies in `aws-chunked` encoding, signed or not, with or without a trailer.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

use crate::{
    AuthFault, Authenticated, Payload, Scope, SignatureMismatch,
    canonical::{self, EMPTY_SHA256},
    keys::SigningKey,
};
use aws_lc_rs::{constant_time, digest, hmac};
use bytes::BytesMut;

/// The largest signed chunk that is taken: it is held in memory until its signature is verified.
pub const CHUNK_BYTES_MAX: u64 = 16 << 20;
/// The smallest signed chunk, other than the last.
pub const CHUNK_BYTES_MIN: u64 = 8192;
/// The longest line of the framing: a chunk's head or a trailer.
const LINE_BYTES_MAX: usize = 1024;
/// The trailer that signs the trailer.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// What followed the chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers {
    /// The declared checksum: header name in lower case, and value.
    pub checksum: Option<(String, String)>,
}

/// The chain of signatures, from the head's through every chunk's to the trailer's.
pub(crate) struct Chain {
    pub(crate) access_key_id: String,
    pub(crate) signing_key: SigningKey,
    pub(crate) time: String,
    pub(crate) scope: Scope,
    pub(crate) previous: String,
}

impl Chain {
    /// The string to sign of the chunk with this hash.
    pub(crate) fn chunk_string(&self, hash: &[u8; 32]) -> String {
        let mut out = self.begin("AWS4-HMAC-SHA256-PAYLOAD");
        canonical::push_lines(&mut out, &[EMPTY_SHA256]);
        canonical::push_hex(&mut out, hash);
        out
    }

    /// The string to sign of a trailer.
    pub(crate) fn trailer_string(&self, name: &str, value: &str) -> String {
        let mut out = self.begin("AWS4-HMAC-SHA256-TRAILER");
        let text = format!("{name}:{value}\n");
        canonical::push_hex(&mut out, &canonical::sha256(text.as_bytes()));
        out
    }

    fn begin(&self, algorithm: &str) -> String {
        let mut out = String::with_capacity(320);
        canonical::push_lines(&mut out, &[algorithm, &self.time]);
        canonical::push_scope(&mut out, &self.scope);
        out.push('\n');
        canonical::push_lines(&mut out, &[&self.previous]);
        out
    }

    /// The signature of a string, which becomes the previous one.
    pub(crate) fn sign(&mut self, string_to_sign: &str) -> &str {
        let tag = hmac::sign(&self.signing_key, string_to_sign.as_bytes());
        self.previous.clear();
        canonical::push_hex(&mut self.previous, &canonical::into_32(tag.as_ref()));
        &self.previous
    }

    fn verify(&mut self, string_to_sign: String, provided: &str) -> Result<(), AuthFault> {
        let expected = self.sign(&string_to_sign);
        if constant_time::verify_slices_are_equal(expected.as_bytes(), provided.as_bytes()).is_ok() {
            return Ok(());
        }
        Err(AuthFault::BadSignature(Box::new(SignatureMismatch {
            access_key_id: self.access_key_id.clone(),
            string_to_sign,
            canonical_request: String::new(),
            signature_provided: provided.to_owned(),
        })))
    }
}

/// Unwraps an aws-chunked body as it comes, in whatever pieces.
///
/// Bytes of signed chunks come out when their signature is verified, bytes of unsigned ones at once. The body as a whole is
/// proven only when [`ChunkDecoder::finish`] succeeds. After an error the decoder stays in error.
pub struct ChunkDecoder {
    state: State,
    line: Vec<u8>,
    /// `None` for unsigned chunks.
    signed: Option<Signed>,
    trailer_name: Option<String>,
    trailers: Trailers,
    /// Bytes of the object that have not been announced by a chunk head yet.
    unannounced: u64,
}

struct Signed {
    chain: Chain,
    /// The signature in the current chunk's head.
    provided: String,
    hash: digest::Context,
    pending: Vec<u8>,
    last_size: Option<u64>,
    trailer_verified: bool,
}

enum State {
    Head,
    Data {
        remaining: u64,
    },
    DataEnd,
    Trailer,
    /// All read; one more CRLF may follow, which some clients send.
    End {
        stray: bool,
    },
    Failed(AuthFault),
}

impl ChunkDecoder {
    /// A decoder for the body of this request; `None` when its payload is not chunked.
    pub fn new(authenticated: &Authenticated) -> Option<ChunkDecoder> {
        let Payload::Chunked {
            signed,
            trailer,
            decoded_length,
        } = authenticated.payload()
        else {
            return None;
        };
        let chain = || Chain {
            access_key_id: authenticated.access_key_id().to_owned(),
            signing_key: authenticated.signing_key.clone(),
            time: authenticated.signed_at_text.clone(),
            scope: authenticated.scope().clone(),
            previous: authenticated.signature().to_owned(),
        };
        Some(ChunkDecoder {
            state: State::Head,
            line: Vec::new(),
            signed: signed.then(|| Signed::new(chain())),
            trailer_name: trailer.clone(),
            trailers: Trailers::default(),
            unannounced: *decoded_length,
        })
    }

    /// A decoder for an unsigned chunked body of an anonymous request, which has no [`Authenticated`].
    pub fn anonymous(trailer_name: Option<String>, decoded_length: u64) -> ChunkDecoder {
        ChunkDecoder {
            state: State::Head,
            line: Vec::new(),
            signed: None,
            trailer_name,
            trailers: Trailers::default(),
            unannounced: decoded_length,
        }
    }

    /// Takes the next bytes of the body and appends what they reveal of the object to `out`.
    pub fn push(&mut self, input: &[u8], out: &mut BytesMut) -> Result<(), AuthFault> {
        if let State::Failed(fault) = &self.state {
            return Err(fault.clone());
        }
        let mut rest = input;
        while !rest.is_empty() {
            if let Err(fault) = self.step(&mut rest, out) {
                self.state = State::Failed(fault.clone());
                return Err(fault);
            }
        }
        Ok(())
    }

    /// The end of the body: everything must have come and been verified.
    pub fn finish(self) -> Result<Trailers, AuthFault> {
        match self.state {
            State::End { .. } if self.line.is_empty() => Ok(self.trailers),
            State::Failed(fault) => Err(fault),
            _ => Err(AuthFault::IncompleteBody),
        }
    }

    fn step(&mut self, rest: &mut &[u8], out: &mut BytesMut) -> Result<(), AuthFault> {
        if let State::Data { remaining } = self.state {
            return self.take_data(remaining, rest, out);
        }
        let Some(line) = self.take_line(rest)? else {
            return Ok(());
        };
        match self.state {
            State::Head => self.begin_chunk(&line),
            State::DataEnd if line == b"\r\n" => {
                self.state = State::Head;
                Ok(())
            }
            State::Trailer => self.take_trailer(&line),
            State::End { stray: false } if line == b"\r\n" => {
                self.state = State::End { stray: true };
                Ok(())
            }
            _ => Err(AuthFault::MalformedChunk),
        }
    }

    /// The next line with its end, `None` while it has not all come.
    fn take_line(&mut self, rest: &mut &[u8]) -> Result<Option<Vec<u8>>, AuthFault> {
        let end = rest.iter().position(|b| *b == b'\n');
        let (head, tail) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
        if self.line.len() + head.len() > LINE_BYTES_MAX {
            return Err(AuthFault::MalformedChunk);
        }
        self.line.extend_from_slice(head);
        *rest = tail;
        Ok(end.map(|_| std::mem::take(&mut self.line)))
    }

    /// `<hex size>[;chunk-signature=<hex>]`
    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), AuthFault> {
        let text = line.strip_suffix(b"\r\n").and_then(|l| std::str::from_utf8(l).ok());
        let text = text.ok_or(AuthFault::MalformedChunk)?;
        let size = match &mut self.signed {
            None => parse_size(text)?,
            Some(signed) => {
                let (size, rest) = text.split_once(';').ok_or(AuthFault::MalformedChunk)?;
                let provided = rest.strip_prefix("chunk-signature=").ok_or(AuthFault::MalformedChunk)?;
                let size = parse_size(size)?;
                signed.begin_chunk(size, provided)?;
                size
            }
        };
        self.unannounced = self.unannounced.checked_sub(size).ok_or(AuthFault::IncompleteBody)?;
        if size > 0 {
            self.state = State::Data { remaining: size };
            return Ok(());
        }
        if self.unannounced > 0 {
            return Err(AuthFault::IncompleteBody);
        }
        self.state = State::Trailer;
        match &mut self.signed {
            Some(signed) => signed.end_chunk(),
            None => Ok(()),
        }
    }

    fn take_data(&mut self, remaining: u64, rest: &mut &[u8], out: &mut BytesMut) -> Result<(), AuthFault> {
        let wanted = usize::try_from(remaining).unwrap_or(usize::MAX).min(rest.len());
        let (data, tail) = rest.split_at(wanted);
        *rest = tail;
        let remaining = remaining.saturating_sub(u64::try_from(wanted).unwrap_or(u64::MAX));
        self.state = match remaining {
            0 => State::DataEnd,
            _ => State::Data { remaining },
        };
        match &mut self.signed {
            None => {
                out.extend_from_slice(data);
                Ok(())
            }
            Some(signed) => signed.take_data(data, remaining == 0, out),
        }
    }

    /// A line after the last chunk. These may end in LF alone, as in AWS's own examples.
    fn take_trailer(&mut self, line: &[u8]) -> Result<(), AuthFault> {
        let text = std::str::from_utf8(line).map_err(|_| AuthFault::MalformedTrailer)?;
        let text = text.trim_ascii();
        if text.is_empty() {
            return self.end_trailers();
        }
        let (name, value) = text.split_once(':').ok_or(AuthFault::MalformedTrailer)?;
        let (name, value) = (name.trim_ascii().to_ascii_lowercase(), value.trim_ascii());
        match (&mut self.signed, &self.trailers.checksum) {
            (_, None) if Some(&name) == self.trailer_name.as_ref() => {
                self.trailers.checksum = Some((name, value.to_owned()));
                Ok(())
            }
            (Some(signed), Some((declared, checksum))) if name == TRAILER_SIGNATURE && !signed.trailer_verified => {
                let string_to_sign = signed.chain.trailer_string(declared, checksum);
                signed.chain.verify(string_to_sign, value)?;
                signed.trailer_verified = true;
                Ok(())
            }
            _ => Err(AuthFault::MalformedTrailer),
        }
    }

    fn end_trailers(&mut self) -> Result<(), AuthFault> {
        if self.trailer_name.is_some() {
            let unverified = self.signed.as_ref().is_some_and(|signed| !signed.trailer_verified);
            match self.trailers.checksum {
                None => return Err(AuthFault::MalformedTrailer),
                // Some clients put an empty line between the trailer and its signature.
                Some(_) if unverified => return Ok(()),
                Some(_) => {}
            }
        }
        self.state = State::End { stray: false };
        Ok(())
    }
}

impl Signed {
    fn new(chain: Chain) -> Signed {
        Signed {
            chain,
            provided: String::new(),
            hash: digest::Context::new(&digest::SHA256),
            pending: Vec::new(),
            last_size: None,
            trailer_verified: false,
        }
    }

    fn begin_chunk(&mut self, size: u64, provided: &str) -> Result<(), AuthFault> {
        if size > CHUNK_BYTES_MAX {
            return Err(AuthFault::ChunkTooLarge { size });
        }
        if let Some(last) = self.last_size.filter(|last| *last < CHUNK_BYTES_MIN && size > 0) {
            return Err(AuthFault::ChunkTooSmall { size: last });
        }
        self.last_size = Some(size);
        self.provided.clear();
        self.provided.push_str(provided);
        Ok(())
    }

    fn take_data(&mut self, data: &[u8], is_end: bool, out: &mut BytesMut) -> Result<(), AuthFault> {
        self.hash.update(data);
        if !is_end {
            self.pending.extend_from_slice(data);
            return Ok(());
        }
        self.end_chunk()?;
        out.extend_from_slice(&self.pending);
        out.extend_from_slice(data);
        self.pending.clear();
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), AuthFault> {
        let hash = std::mem::replace(&mut self.hash, digest::Context::new(&digest::SHA256));
        let string_to_sign = self.chain.chunk_string(&canonical::into_32(hash.finish().as_ref()));
        let provided = std::mem::take(&mut self.provided);
        self.chain.verify(string_to_sign, &provided)
    }
}

/// One to sixteen hexadecimal digits, no sign.
fn parse_size(text: &str) -> Result<u64, AuthFault> {
    let is_size = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(text, 16)
        .ok()
        .filter(|_| is_size)
        .ok_or(AuthFault::MalformedChunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Claim, RequestHead, SigningKeys};
    use base::{Secret, Timestamp};
    use http::{HeaderMap, HeaderName, Method};

    const TIME: &str = "20130524T000000Z";

    /// The request of AWS's chunked examples, verified.
    fn example(headers: &[(&'static str, &str)], signature: &str) -> Authenticated {
        let mut map = HeaderMap::new();
        let fixed = [
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", TIME),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
        ];
        for (name, value) in fixed.iter().chain(headers) {
            map.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders={},\
             Signature={signature}",
            names.join(";")
        );
        map.insert("authorization", authorization.parse().unwrap());
        let head = RequestHead {
            method: &Method::PUT,
            path: "/examplebucket/chunkObject.txt",
            query: "",
            headers: &map,
            host_authority: None,
        };
        let claim = Claim::parse(&head).unwrap().unwrap();
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
        let now = Timestamp::parse_compact(TIME).unwrap();
        claim.verify(&secret, &SigningKeys::new(), now, None).unwrap()
    }

    fn body(signatures: [&str; 3], end: &str) -> Vec<u8> {
        let mut body = Vec::new();
        for (size, signature) in [65536usize, 1024, 0].into_iter().zip(signatures) {
            body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
            body.resize(body.len() + size, b'a');
            if size > 0 {
                body.extend_from_slice(b"\r\n");
            }
        }
        body.extend_from_slice(end.as_bytes());
        body
    }

    fn decode(proof: &Authenticated, body: &[u8]) -> (Result<Trailers, AuthFault>, usize) {
        let mut decoder = ChunkDecoder::new(proof).unwrap();
        let mut out = BytesMut::new();
        for piece in body.chunks(1000) {
            if decoder.push(piece, &mut out).is_err() {
                break;
            }
        }
        (decoder.finish(), out.len())
    }

    const CHUNKS: [&str; 3] = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];

    fn chunked_example() -> Authenticated {
        example(
            &[
                ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
                ("content-length", "66824"),
            ],
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        )
    }

    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html> (example)
    #[test]
    fn the_chunked_example_decodes() {
        let proof = chunked_example();
        let good = body(CHUNKS, "\r\n");
        assert_eq!(good.len(), 66824);
        assert_eq!(decode(&proof, &good), (Ok(Trailers::default()), 66560));
        let mut bad = good.clone();
        bad[70_000 - 3500] = b'b';
        let (result, out) = decode(&proof, &bad);
        assert!(matches!(result, Err(AuthFault::BadSignature(_))));
        assert_eq!(out, 65536);
        for (end, want) in [
            ("", AuthFault::IncompleteBody),
            ("\r", AuthFault::IncompleteBody),
            ("x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n", AuthFault::MalformedTrailer),
            ("\r\nmore\r\n", AuthFault::MalformedChunk),
        ] {
            assert_eq!(decode(&proof, &body(CHUNKS, end)).0, Err(want), "{end:?}");
        }
    }

    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html> (example)
    #[test]
    fn the_trailer_example_decodes() {
        let proof = example(
            &[
                ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
                ("x-amz-trailer", "x-amz-checksum-crc32c"),
            ],
            "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        );
        let chunks = [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ];
        let signature = "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
        let want = Trailers {
            checksum: Some(("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned())),
        };
        for end in ["\r\n\r\n", "\r\n\r\n\r\n"] {
            for middle in ["\r\n", "\n\r\n"] {
                let good = body(
                    chunks,
                    &format!("x-amz-checksum-crc32c:sOO8/Q=={middle}{signature}{end}"),
                );
                assert_eq!(decode(&proof, &good), (Ok(want.clone()), 66560));
            }
        }
        for (end, fault) in [
            (
                format!("x-amz-checksum-crc32:sOO8/Q==\r\n{signature}\r\n\r\n"),
                AuthFault::MalformedTrailer,
            ),
            (format!("{signature}\r\n\r\n"), AuthFault::MalformedTrailer),
            ("\r\n".to_owned(), AuthFault::MalformedTrailer),
            (
                "x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n".to_owned(),
                AuthFault::IncompleteBody,
            ),
            (
                format!("x-amz-checksum-crc32c:sOO8/Q==\r\n{signature}\r\nx-amz-acl:public-read\r\n\r\n"),
                AuthFault::MalformedTrailer,
            ),
        ] {
            assert_eq!(decode(&proof, &body(chunks, &end)).0, Err(fault), "{end:?}");
        }
        let forged = body(
            chunks,
            &format!("x-amz-checksum-crc32c:AAAA/Q==\r\n{signature}\r\n\r\n"),
        );
        assert!(matches!(decode(&proof, &forged).0, Err(AuthFault::BadSignature(_))));
    }

    /// The body that botocore 1.43 makes of `hello world` in chunks of four.
    #[test]
    fn unsigned_framing_is_held_to_its_length_and_trailer() {
        const NAME: &str = "x-amz-checksum-crc32";
        let botocore = "4\r\nhell\r\n4\r\no wo\r\n3\r\nrld\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
        let trailers = Trailers {
            checksum: Some((NAME.to_owned(), "DUoRhQ==".to_owned())),
        };
        for (body, length, want) in [
            (botocore.to_owned(), 11, Ok(trailers)),
            (botocore.to_owned(), 10, Err(AuthFault::IncompleteBody)),
            (botocore.to_owned(), 12, Err(AuthFault::IncompleteBody)),
            (
                botocore.replace("hell\r\n", "hello\r\n"),
                11,
                Err(AuthFault::MalformedChunk),
            ),
            (
                botocore.replace("4\r\no", "+4\r\no"),
                11,
                Err(AuthFault::MalformedChunk),
            ),
            (botocore.replace("0\r\n", "0\n"), 11, Err(AuthFault::MalformedChunk)),
            (
                botocore.replace("crc32:", "crc32c:"),
                11,
                Err(AuthFault::MalformedTrailer),
            ),
            (
                botocore.replace("==\r\n", "==\r\nx:y\r\n"),
                11,
                Err(AuthFault::MalformedTrailer),
            ),
            (format!("{}\r\n", "f".repeat(17)), 11, Err(AuthFault::MalformedChunk)),
            (format!("{}\r\n", "f".repeat(16)), 11, Err(AuthFault::IncompleteBody)),
            ("1".repeat(2000), 11, Err(AuthFault::MalformedChunk)),
            (String::new(), 0, Err(AuthFault::IncompleteBody)),
        ] {
            let mut decoder = ChunkDecoder::anonymous(Some(NAME.to_owned()), length);
            let mut out = BytesMut::new();
            let pushed = decoder.push(body.as_bytes(), &mut out);
            let result = decoder.finish();
            assert_eq!(result, want, "{body:?} {length}");
            assert!(pushed.is_ok() || pushed.err() == result.err());
        }
    }

    #[test]
    fn signed_chunks_have_a_least_and_a_greatest_size() {
        let proof = chunked_example();
        let mut decoder = ChunkDecoder::new(&proof).unwrap();
        let signed = decoder.signed.as_mut().unwrap();
        let size = CHUNK_BYTES_MAX + 1;
        assert_eq!(signed.begin_chunk(size, ""), Err(AuthFault::ChunkTooLarge { size }));
        assert_eq!(signed.begin_chunk(8191, ""), Ok(()));
        assert_eq!(signed.begin_chunk(1, ""), Err(AuthFault::ChunkTooSmall { size: 8191 }));
        assert_eq!(signed.begin_chunk(0, ""), Ok(()));
    }

    fn decoded(pieces: &[&[u8]], length: u64) -> (Vec<u8>, Result<Trailers, AuthFault>) {
        let mut decoder = ChunkDecoder::anonymous(Some("x-amz-checksum-crc32".to_owned()), length);
        let mut out = BytesMut::new();
        for piece in pieces {
            if let Err(fault) = decoder.push(piece, &mut out) {
                return (out.to_vec(), Err(fault));
            }
        }
        (out.to_vec(), decoder.finish())
    }

    proptest::proptest! {
        /// As `dev/fuzz`'s target of this name.
        #[test]
        fn any_bytes_are_read_the_same_in_whatever_pieces(
            body in "([0-4](\r\n)?|a{0,4}|\r\n|;x=|x-amz-checksum-crc32:|\u{0}){0,12}",
            length in 0_u64..9,
            at in 0_usize..60,
        ) {
            let body = body.as_bytes();
            let whole = decoded(&[body], length);
            assert!(whole.0.len() as u64 <= length);
            assert!(whole.1.is_err() || whole.0.len() as u64 == length);
            let (head, tail) = body.split_at(at.min(body.len()));
            assert_eq!(decoded(&[head, tail], length), whole);
            let single: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(decoded(&single, length), whole);
        }
    }
}
