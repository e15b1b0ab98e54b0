//! Answers as small as the browser takes them.

use crate::web::{Answer, AnswerBody};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, header};
use std::io::Write;

/// What is shorter is sent as it is.
const BYTES_MIN: usize = 1_024;

/// The answer, compressed when the browser accepts it and it is text at hand.
pub(crate) fn compressed(mut answer: Answer, accepted: bool) -> Answer {
    let AnswerBody::Bytes(body) = &answer.body else {
        return answer;
    };
    let content_type = answer.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_text = content_type.starts_with("text/") || content_type.starts_with("application/j");
    if !is_text || body.len() < BYTES_MIN {
        return answer;
    }
    answer
        .headers
        .append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !accepted {
        return answer;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    if let Ok(packed) = written {
        answer.body = AnswerBody::Bytes(packed.into());
        answer
            .headers
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}
