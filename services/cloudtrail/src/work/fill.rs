//! Filling log files from the journal: one pass over opened blocks, each record copied once, into its Region's file.

use base::{Fault, Region, Timestamp};
use gateway::journal;
use record::{LOG_FILE_BYTES_MAX, LogFile};
use std::{collections::BTreeMap, ops::ControlFlow};
use store::{EntryRef, Journal, Visitor};

/// All files of a round together are at most about so long, before compression.
const ROUND_BYTES_MAX: usize = 64 << 20;

/// From where each Region of a trail is read.
#[derive(Clone, Debug)]
pub struct Starts {
    /// Entries up to here were looked at before; a Region that is not named is read after it.
    pub after: u64,
    /// `None` for a Region that is held back.
    regions: BTreeMap<Region, Option<u64>>,
}

impl Starts {
    pub fn after(after: u64) -> Starts {
        Starts {
            after,
            regions: BTreeMap::new(),
        }
    }

    /// A Region is read from here.
    pub fn read(&mut self, region: Region, from: u64) {
        self.regions.insert(region, Some(from));
    }

    /// A Region is not read.
    pub fn hold(&mut self, region: Region) {
        self.regions.insert(region, None);
    }

    /// Whether something was said of a Region.
    pub fn knows(&self, region: &Region) -> bool {
        self.regions.contains_key(region)
    }

    /// The Regions, each with whether it is read.
    pub fn regions(&self) -> impl Iterator<Item = (&Region, bool)> {
        self.regions.iter().map(|(region, from)| (region, from.is_some()))
    }

    /// The first sequence that any Region wants.
    pub fn first(&self) -> u64 {
        let known = self.regions.values().flatten().copied();
        known.chain([self.after + 1]).min().unwrap_or(self.after + 1)
    }
}

/// A file that is filled.
pub struct Filled {
    pub file: LogFile,
    /// The block of the first entry in it.
    pub first: u64,
    /// When that was committed.
    pub first_time: Timestamp,
    /// The block of the last entry in it, all of whose entries of this Region are in it.
    pub last: u64,
}

/// Buffers of files that are delivered, to be filled again: fresh memory costs a page fault for every four kilobytes.
#[derive(Default)]
pub struct Spare(Vec<Vec<u8>>);

impl Spare {
    pub fn put(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.0.push(buffer);
        // The longest are worth keeping, and all together no more than a round.
        self.0.sort_by_key(|buffer| std::cmp::Reverse(buffer.capacity()));
        let mut room = ROUND_BYTES_MAX;
        self.0.retain(|buffer| {
            let fits = buffer.capacity() <= room;
            room -= if fits { buffer.capacity() } else { 0 };
            fits
        });
    }

    fn take(&mut self) -> Vec<u8> {
        if self.0.is_empty() {
            Vec::new()
        } else {
            self.0.remove(0)
        }
    }
}

/// Some of the journal, in a file for each Region.
pub struct Round {
    pub files: BTreeMap<Region, Filled>,
    /// The sequence to read on from; `None` at the end.
    pub next: Option<u64>,
    pub spare: Spare,
}

/// Reads on from `from` and fills files with what a trail selected, until one is full, or all together are. Blocks its
/// thread.
pub fn round(
    journal: &Journal,
    trail: &str,
    from: u64,
    cut: u64,
    starts: &Starts,
    spare: Spare,
) -> Result<Round, Fault> {
    let mut fill = Fill {
        trail,
        after: starts.after,
        slots: Vec::new(),
        last: 0,
        room: LOG_FILE_BYTES_MAX,
        bytes: 0,
        spare,
    };
    for (region, from) in &starts.regions {
        fill.slots.push(Slot {
            region: region.clone(),
            from: *from,
            filled: None,
        });
    }
    let next = journal.visit(from, cut, &mut fill)?;
    let files = fill
        .slots
        .into_iter()
        .filter_map(|slot| Some((slot.region, slot.filled?)));
    Ok(Round {
        files: files.collect(),
        next,
        spare: fill.spare,
    })
}

/// A Region and its file.
struct Slot {
    region: Region,
    from: Option<u64>,
    filled: Option<Filled>,
}

struct Fill<'a> {
    trail: &'a str,
    after: u64,
    slots: Vec<Slot>,
    /// That of the last entry: entries of one Region come in runs.
    last: usize,
    /// What fits into the fullest file.
    room: usize,
    /// The length of all files.
    bytes: usize,
    spare: Spare,
}

impl Fill<'_> {
    /// Where the Region's slot is.
    fn slot(&mut self, region: &str) -> Result<usize, Fault> {
        if self
            .slots
            .get(self.last)
            .is_some_and(|slot| slot.region.as_str() == region)
        {
            return Ok(self.last);
        }
        self.last = match self.slots.iter().position(|slot| slot.region.as_str() == region) {
            Some(at) => at,
            None => {
                let region =
                    Region::parse(region).map_err(|e| Fault::corrupt_by("the Region of a journal entry", e))?;
                self.slots.push(Slot {
                    region,
                    from: Some(self.after + 1),
                    filled: None,
                });
                self.slots.len() - 1
            }
        };
        Ok(self.last)
    }
}

impl Visitor for Fill<'_> {
    fn block(&mut self, _: u64, _: Timestamp, bytes: usize) -> ControlFlow<()> {
        // A record in a file is shorter than its entry in the block, so a block that fits here fits into the file.
        let full = bytes > self.room || self.bytes + bytes > ROUND_BYTES_MAX;
        if full && self.bytes > 0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, entry: EntryRef<'_>) -> Result<(), Fault> {
        let seq = entry.pos.seq;
        if !entry.selected.contains(self.trail) {
            return Ok(());
        }
        let at = self.slot(entry.region)?;
        let Some(slot) = self
            .slots
            .get_mut(at)
            .filter(|slot| slot.from.is_some_and(|from| from <= seq))
        else {
            return Ok(());
        };
        let (time, json) = journal::decode_record(entry.payload)?;
        let filled = slot.filled.get_or_insert_with(|| Filled {
            file: LogFile::in_buffer(self.spare.take()),
            first: seq,
            first_time: entry.time,
            last: seq,
        });
        filled.file.push(json, time);
        filled.last = seq;
        let room = LOG_FILE_BYTES_MAX.saturating_sub(filled.file.len_bytes());
        self.room = self.room.min(room);
        self.bytes += json.len() + 1;
        Ok(())
    }
}

/// Counts the entries of a trail, of one Region or of all, in blocks committed at `before` or earlier, and says where the younger begin.
/// Blocks its thread.
pub fn count_older(
    journal: &Journal,
    trail: &str,
    region: Option<&str>,
    (from, cut): (u64, u64),
    before: Timestamp,
) -> Result<(u64, u64), Fault> {
    struct Count<'a> {
        trail: &'a str,
        region: Option<&'a str>,
        before: Timestamp,
        count: u64,
    }
    impl Visitor for Count<'_> {
        fn block(&mut self, _: u64, time: Timestamp, _: usize) -> ControlFlow<()> {
            match time <= self.before {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        }

        fn entry(&mut self, entry: EntryRef<'_>) -> Result<(), Fault> {
            let counts = self.region.is_none_or(|region| entry.region == region) && entry.selected.contains(self.trail);
            self.count += u64::from(counts);
            Ok(())
        }
    }
    let mut count = Count {
        trail,
        region,
        before,
        count: 0,
    };
    let next = journal.visit(from, cut, &mut count)?;
    Ok((next.unwrap_or(cut + 1), count.count))
}
