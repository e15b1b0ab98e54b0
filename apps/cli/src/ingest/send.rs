//! From batches to calls, several at a time, each repeated until it is answered or hopeless.

use super::{read::UnderWay, state::Known, tally::Tally};
use crate::client::{Client, Refused};
use anyhow::{Context, Error, Result};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

/// AWS's limits of a call.
const EVENTS_MAX: usize = 100;
const BODY_BYTES_MAX: usize = 1_000_000;
/// A call that fails is repeated so often, after twice as long each time.
const REPEATS_MAX: u32 = 6;
const REPEAT_AFTER: Duration = Duration::from_millis(200);

/// Records of one file on their way, as the body of a call.
pub(crate) struct Batch {
    under_way: Arc<UnderWay>,
    body: String,
    events: usize,
}

const HEAD: &str = "{\"auditEvents\":[";

impl Batch {
    /// No records yet.
    pub(crate) fn of(under_way: &Arc<UnderWay>) -> Batch {
        Batch {
            under_way: Arc::clone(under_way),
            body: HEAD.to_owned(),
            events: 0,
        }
    }

    /// All of a file has been read.
    pub(crate) fn end_of(under_way: Arc<UnderWay>) -> Batch {
        Batch::of(&under_way)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Whether one more would be within the limits. A record is escaped once more, which seldom doubles it; one that has a
    /// call for itself is sent however long it is, so that the server says what is wrong with it.
    pub(crate) fn has_room_for(&self, record: &str) -> bool {
        self.events == 0 || (self.events < EVENTS_MAX && self.body.len() + 2 * record.len() < BODY_BYTES_MAX)
    }

    pub(crate) fn add(&mut self, record: &str) {
        if self.events > 0 {
            self.body.push(',');
        }
        self.body
            .push_str(&format!("{{\"id\":\"{}\",\"eventData\":", self.events));
        // Text as JSON cannot fail.
        self.body.push_str(&serde_json::to_string(record).unwrap_or_default());
        self.body.push('}');
        self.events += 1;
    }
}

/// Each file that was answered whole, or why a call was not.
type Finished = Result<Option<Known>>;

/// Starts one sender for each client. Batches go in at one end; what came of files comes out at the other, which ends when
/// all is done.
pub(crate) fn start(
    clients: Vec<Client>,
    channel: &str,
    tally: Arc<Mutex<Tally>>,
    waiting: usize,
) -> (mpsc::Sender<Batch>, mpsc::UnboundedReceiver<Finished>) {
    let (to_send, batches) = mpsc::channel(waiting);
    let (finished, done) = mpsc::unbounded_channel();
    let batches = Arc::new(AsyncMutex::new(batches));
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("channelArn", channel)
        .finish();
    for client in clients {
        let (batches, finished) = (Arc::clone(&batches), finished.clone());
        let (query, tally) = (query.clone(), Arc::clone(&tally));
        tokio::spawn(async move {
            loop {
                let next = batches.lock().await.recv().await;
                let Some(batch) = next else { return };
                if let Err(error) = send(&client, &query, &batch, &tally).await {
                    let _ = finished.send(Err(error));
                    // What waits is not sent: the reader finds the door closed.
                    batches.lock().await.close();
                    return;
                }
                if batch.under_way.finish() {
                    let _ = finished.send(Ok(batch.under_way.file.get().cloned()));
                }
            }
        });
    }
    (to_send, done)
}

async fn send(client: &Client, query: &str, batch: &Batch, tally: &Mutex<Tally>) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let body = format!("{}]}}", batch.body);
    let mut wait = REPEAT_AFTER;
    for repeat in 0.. {
        let answer = client.rest_json("/PutAuditEvents", query, body.clone()).await;
        match answer {
            Ok(answer) => {
                count(&answer, &mut tally.lock().unwrap_or_else(PoisonError::into_inner));
                return Ok(());
            }
            Err(error) => match error.refused() {
                // What is wrong with the call as a whole is wrong with each of the records that it is about.
                Some(refused) if is_about_the_events(refused, batch.events) => {
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.refuse_all(&refused.code, &refused.message, batch.events as u64);
                    return Ok(());
                }
                Some(refused) if refused.status < 500 && refused.code != "ThrottlingException" => {
                    return Err(error).context("the server refused a call");
                }
                _ if repeat == REPEATS_MAX => return Err(error.into()),
                _ => {}
            },
        }
        tally.lock().unwrap_or_else(PoisonError::into_inner).repeated_calls += 1;
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    Err(Error::msg("a call was repeated without end"))
}

/// A call is of an unknown schema when each of its events is; it is too long by no fault of one of several.
fn is_about_the_events(refused: &Refused, events: usize) -> bool {
    match refused.code.as_str() {
        "ChannelUnsupportedSchema" => true,
        "RequestEntityTooLargeException" => events == 1,
        _ => false,
    }
}

fn count(answer: &Value, tally: &mut Tally) {
    tally.accepted += answer["successful"].as_array().map_or(0, Vec::len) as u64;
    for failed in answer["failed"].as_array().into_iter().flatten() {
        let text = |name: &str| failed[name].as_str().unwrap_or_default();
        tally.refuse(text("errorCode"), text("errorMessage"));
    }
}
