//! Any object as a file to be kept: never shown, piece by piece, so that none has to fit into the memory.

use super::object::Asked;
use crate::{context::Context, router::Outcome, web::Answer};
use bytes::Bytes;
use http::Method;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use operator::aws::{self, Client, Error};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// An object is fetched in pieces of so many bytes.
const PIECE_BYTES: u64 = 4 << 20;

pub(super) async fn give(c: Arc<Context>) -> Outcome {
    let asked = Asked::of(&c)?;
    let source = Source {
        client: c.client(),
        bucket: asked.bucket.to_owned(),
        key: asked.key.to_owned(),
        query: asked.query(),
    };
    let first = match source.piece(0, None).await {
        Ok(first) => first,
        // Of nothing there is no part.
        Err(error) if error.is(&["InvalidRange"]) => {
            return Ok(Answer::download(asked.name(), OCTETS, Bytes::new()));
        }
        Err(error) => return Err(error.into()),
    };
    let whole = whole_of(&first);
    let mut answer = Answer::download(asked.name(), OCTETS, first.body.clone());
    if whole > first.body.len() as u64 {
        let etag = first.header("etag").to_owned();
        let (sender, receiver) = channel(1);
        tokio::spawn(source.rest(sender, first.body, etag, whole));
        answer.body = crate::web::AnswerBody::Stream(Pieces(receiver).boxed_unsync());
    }
    Ok(answer)
}

const OCTETS: &str = "application/octet-stream";

/// How long the object is, as the answer with its first part says.
fn whole_of(answer: &aws::Answer) -> u64 {
    let range = answer.header("content-range").rsplit('/').next();
    range.and_then(|size| size.parse().ok()).unwrap_or(0)
}

struct Source {
    client: Client,
    bucket: String,
    key: String,
    query: String,
}

impl Source {
    /// The bytes from here on. `etag` makes sure that they are of the same object.
    async fn piece(&self, from: u64, etag: Option<&str>) -> Result<aws::Answer, Error> {
        let range = format!("bytes={from}-{}", from + PIECE_BYTES - 1);
        let mut headers = vec![("range", range.as_str())];
        headers.extend(etag.map(|etag| ("if-match", etag)));
        self.client
            .s3(Method::GET, &self.bucket, &self.key, &self.query, &headers, "")
            .await
    }

    /// Sends what there is until nobody takes it. An object that another replaces meanwhile is cut off: the browser says so.
    async fn rest(self, to: Sender<io::Result<Bytes>>, first: Bytes, etag: String, whole: u64) {
        let mut at = first.len() as u64;
        if to.send(Ok(first)).await.is_err() {
            return;
        }
        while at < whole {
            let piece = match self.piece(at, Some(&etag)).await {
                Ok(answer) if answer.body.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(answer) => Ok(answer.body),
                Err(error) => Err(io::Error::other(error.to_string())),
            };
            let ends = piece.is_err();
            at += piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
            if to.send(piece).await.is_err() || ends {
                return;
            }
        }
    }
}

struct Pieces(Receiver<io::Result<Bytes>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0
            .poll_recv(task)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
