//! What a subscriber is told, from the moment its call is answered until something ends it.
//!
//! It reads the journal from its own place on, woken by commits, so that what it holds in memory does not grow with what happens: a
//! reader that is slow stays behind, and what the journal lets go of meanwhile it is told to have lost. What trails deliver it hears
//! of in the process, and in doubt reads again how they stand. Beside that, whether the caller still may is decided anew.

mod line;
mod open;

pub(crate) use line::Place;

use crate::ShosekiError;
use base::{Arn, Fault, Region};
use bytes::{Bytes, BytesMut};
use gateway::{Ctx, Deliveries, Delivery, Demand, NoLonger, history, journal, still_allowed};
use http_body::{Body, Frame};
use line::Ending;
use open::Open;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};
use store::{Page, Placed};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::Instant,
};

/// A line comes at least so often.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Whether the caller still may is decided anew so often.
const DECIDE_EVERY: Duration = Duration::from_secs(5);
/// Lines are sent in pieces of about this size, of which so many wait for a slow reader.
const PIECE_BYTES: usize = 32 << 10;
const PIECES_WAITING: usize = 4;
/// The journal is read in pieces of about this size.
const READ_BYTES: usize = 256 << 10;

/// What is wanted.
pub(crate) struct Asked {
    /// Events of these Regions; none without any.
    pub(crate) regions: Vec<Region>,
    /// Of these sources; of all without any.
    pub(crate) sources: Vec<String>,
    pub(crate) exclude_read_only: bool,
    pub(crate) exclude_reads_by: Vec<String>,
    pub(crate) trails: Vec<Arn>,
    /// From behind this place on; without it, from now on.
    pub(crate) after: Option<Place>,
    /// Whether it ends with what there is now.
    pub(crate) up_to_now: bool,
}

/// A subscription that is about to begin.
pub(crate) struct Feed {
    ctx: Ctx,
    demands: Vec<Demand>,
    asked: Asked,
    now: Place,
    deliveries: broadcast::Receiver<Arc<Delivery>>,
    open: Open,
}

impl Feed {
    /// Takes a place among those that are open. `now` is where the call stands.
    pub(crate) fn new(ctx: &Ctx, asked: Asked, demands: Vec<Demand>, now: Place) -> Result<Feed, ShosekiError> {
        let access_key = ctx.caller.signed().map(|caller| caller.access_key_id.as_str());
        let open = Open::take(ctx.world(), access_key.unwrap_or_default()).ok_or(ShosekiError::LimitExceeded)?;
        Ok(Feed {
            // Before the state of the trails is read: what comes in between is told twice rather than never.
            deliveries: ctx.world().kept::<Deliveries>().listen(),
            ctx: ctx.lasting(),
            demands,
            asked,
            now,
            open,
        })
    }

    /// Begins, in a task that ends with the body.
    pub(crate) fn begin(self) -> Lines {
        let (out, lines) = mpsc::channel(PIECES_WAITING);
        tokio::spawn(self.run(out));
        Lines(lines)
    }

    async fn run(self, out: mpsc::Sender<Bytes>) {
        let Feed {
            ctx,
            demands,
            asked,
            now,
            deliveries,
            open,
        } = self;
        let mut stopping = ctx.world().stopping();
        let end = {
            let mut telling = Telling {
                ctx: &ctx,
                through: asked.after.unwrap_or(now),
                now,
                asked: &asked,
                out: &out,
                piece: BytesMut::new(),
                due: Instant::now() + HEARTBEAT,
            };
            tokio::select! {
                // An error says that whoever stops the server is gone.
                _ = stopping.wait_for(|stop| *stop) => Ending::Stopping,
                () = out.closed() => return,
                ending = watch_over(&ctx, &demands) => ending,
                ended = telling.run(deliveries) => match ended {
                    Ok(ending) => ending,
                    Err(Stop::Gone) => return,
                    Err(Stop::Fault(fault)) => {
                        tracing::error!(error = %gateway::error::Chain(&fault), "a stream of events failed");
                        Ending::Fault
                    }
                },
            }
        };
        // A reader that does not read is not waited for.
        let _ = out.try_send(end.line());
        drop(open);
    }
}

/// Decides again and again whether the caller may; ends when not.
async fn watch_over(ctx: &Ctx, demands: &[Demand]) -> Ending {
    loop {
        let left = ctx
            .credentials_end()
            .map(|end| end.since(ctx.world().clock.real_now()) + Duration::from_millis(1));
        tokio::time::sleep(left.map_or(DECIDE_EVERY, |left| left.min(DECIDE_EVERY))).await;
        match still_allowed(ctx, demands).await {
            Ok(Ok(())) => {}
            Ok(Err(NoLonger::Credentials)) => return Ending::Credentials,
            Ok(Err(NoLonger::Allowed(action))) => return Ending::Denied(action),
            Err(fault) => {
                tracing::error!(error = %gateway::error::Chain(&fault), "whether a stream may go on cannot be decided");
                return Ending::Fault;
            }
        }
    }
}

/// Why telling stops.
enum Stop {
    /// Nobody reads any more.
    Gone,
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

struct Telling<'t> {
    ctx: &'t Ctx,
    asked: &'t Asked,
    /// Where the call stands.
    now: Place,
    /// Everything up to here is told.
    through: Place,
    out: &'t mpsc::Sender<Bytes>,
    piece: BytesMut,
    /// When a line is due although nothing happens.
    due: Instant,
}

impl Telling<'_> {
    async fn run(&mut self, mut deliveries: broadcast::Receiver<Arc<Delivery>>) -> Result<Ending, Stop> {
        let journal = self.ctx.world().journal();
        let mut head = journal.watch();
        line::open(&mut self.piece, self.through, self.ctx.now(), HEARTBEAT);
        self.trails().await?;
        loop {
            let end = match self.asked.up_to_now {
                true => self.now.seq(),
                false => *head.borrow_and_update(),
            };
            self.events_through(end).await?;
            if self.asked.up_to_now {
                return Ok(Ending::UpToNow);
            }
            tokio::select! {
                changed = head.changed() => match changed {
                    Ok(()) => {}
                    Err(_) => return Ok(Ending::Stopping),
                },
                heard = deliveries.recv() => match heard {
                    Ok(delivery) => self.delivery(&delivery).await?,
                    // So much was delivered at once: how the trails stand now says what counts.
                    Err(RecvError::Lagged(_)) => self.trails().await?,
                    Err(RecvError::Closed) => return Ok(Ending::Stopping),
                },
                () = tokio::time::sleep_until(self.due) => {
                    line::heartbeat(&mut self.piece, self.through, self.ctx.now());
                    self.send().await?;
                }
            }
        }
    }

    /// Tells what is wanted of everything that was committed up to a sequence.
    async fn events_through(&mut self, end: u64) -> Result<(), Stop> {
        while self.through.seq() < end || !self.through.is_whole() {
            if self.asked.regions.is_empty() {
                self.through = Place::after_all_of(end.max(self.through.seq()));
                break;
            }
            let from = self.through.next_seq();
            let page = self.read(from, end).await?;
            // Asked for after the page was read: what is there still was there then.
            let dropped = self.dropped().await?;
            if dropped >= from {
                let lost_to = Place::after_all_of(dropped);
                line::lost(&mut self.piece, self.through, lost_to);
                self.through = lost_to;
                continue;
            }
            for placed in &page.entries {
                self.event(placed).await?;
            }
            let through = page.next.map_or(end, |next| next.saturating_sub(1));
            self.through = Place::after_all_of(through.max(from));
        }
        self.send().await
    }

    async fn read(&self, from: u64, end: u64) -> Result<Page, Fault> {
        let journal = self.ctx.world().journal();
        tokio::task::spawn_blocking(move || journal.read(from, end, READ_BYTES))
            .await
            .map_err(|error| Fault::io("reading the journal", error))?
    }

    async fn dropped(&self) -> Result<u64, Fault> {
        let world = self.ctx.world();
        let snapshot = world.snapshot();
        world.ports()?.trails.journal_dropped(&snapshot.view()).await
    }

    async fn event(&mut self, placed: &Placed) -> Result<(), Stop> {
        let (entry, place) = (&placed.entry, Place::of(placed.pos));
        let of_region = |region: &Region| region.as_str() == entry.region;
        if place <= self.through
            || !entry.management
            || entry.account != self.ctx.account.as_str()
            || !self.asked.regions.iter().any(of_region)
        {
            return Ok(());
        }
        let journal::Entry { index, json } = journal::decode(&entry.payload)?;
        let by_own = || history::reads_by(&history::told_of(&json).1, &self.asked.exclude_reads_by);
        let unwanted = (index.read_only && (self.asked.exclude_read_only || by_own()))
            || !(self.asked.sources.is_empty() || self.asked.sources.contains(&index.event_source));
        if unwanted {
            return Ok(());
        }
        line::event(&mut self.piece, place, &json);
        match self.piece.len() >= PIECE_BYTES {
            true => self.send().await,
            false => Ok(()),
        }
    }

    /// Tells how the trails stand that were asked for.
    async fn trails(&mut self) -> Result<(), Stop> {
        let world = self.ctx.world();
        for trail in &self.asked.trails {
            let snapshot = world.snapshot();
            let ports = world.ports()?;
            let standing = ports.trails.standing(world, &snapshot.view(), trail).await?;
            line::trail(&mut self.piece, trail, standing);
        }
        self.send().await
    }

    async fn delivery(&mut self, delivery: &Delivery) -> Result<(), Stop> {
        if !self.asked.trails.contains(&delivery.trail) {
            return Ok(());
        }
        line::delivery(&mut self.piece, delivery);
        self.send().await
    }

    /// Sends what there is; waits for a reader that is slow.
    async fn send(&mut self) -> Result<(), Stop> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = self.piece.split().freeze();
        self.out.send(piece).await.map_err(|_| Stop::Gone)?;
        self.due = Instant::now() + HEARTBEAT;
        Ok(())
    }
}

/// The body of the answer.
pub(crate) struct Lines(mpsc::Receiver<Bytes>);

impl Body for Lines {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
