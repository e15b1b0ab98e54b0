//! Filling log files from the journal: one pass over opened blocks, each record copied once, into its Region's file.

use base::{Fault, Region, Timestamp};
use gateway::journal;
use record::{LOG_FILE_BYTES_MAX, LogFile};
use std::{collections::BTreeMap, ops::ControlFlow};
use store::{EntryRef, Journal, Visitor};

/// All files of a round together are at most about so long, before compression.
const ROUND_BYTES_MAX: usize = 64 << 20;

/// How long what is filled may get, in bytes before compression.
#[derive(Clone, Copy)]
pub struct Limits {
    /// One file.
    file: usize,
    /// All files of a round; their buffers stay in memory until they are delivered.
    round: usize,
}

impl Limits {
    /// AWS's for a file.
    pub const STANDARD: Limits = Limits {
        file: LOG_FILE_BYTES_MAX,
        round: ROUND_BYTES_MAX,
    };
}

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

    /// The first sequence from `next` on that any Region wants: what only Regions wanted that are held back by now is not
    /// read again.
    pub fn first_from(&self, next: u64) -> u64 {
        next.max(self.first())
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

/// Whose files are filled.
#[derive(Clone, Copy)]
pub struct Of<'a> {
    /// The trail's id.
    pub trail: &'a str,
    /// Whether digests will name the files.
    pub validation: bool,
}

impl Of<'_> {
    fn file(self, buffer: Vec<u8>) -> LogFile {
        let file = LogFile::in_buffer(buffer);
        if self.validation { file } else { file.unproven() }
    }
}

/// Reads on from `from` and fills files with what a trail selected, until one is full, or all together are. Blocks its
/// thread.
pub fn round(
    journal: &Journal,
    of: Of<'_>,
    from: u64,
    cut: u64,
    starts: &Starts,
    spare: Spare,
    limits: Limits,
) -> Result<Round, Fault> {
    let mut fill = Fill {
        of,
        after: starts.after,
        slots: Vec::new(),
        last: 0,
        limits,
        room: limits.file,
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
    of: Of<'a>,
    after: u64,
    slots: Vec<Slot>,
    /// That of the last entry: entries of one Region come in runs.
    last: usize,
    limits: Limits,
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
        let full = bytes > self.room || self.bytes + bytes > self.limits.round;
        if full && self.bytes > 0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, entry: EntryRef<'_>) -> Result<(), Fault> {
        let seq = entry.pos.seq;
        if !entry.selected.contains(self.of.trail) {
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
            file: self.of.file(self.spare.take()),
            first: seq,
            first_time: entry.time,
            last: seq,
        });
        filled.file.push(json, time);
        filled.last = seq;
        let room = self.limits.file.saturating_sub(filled.file.len_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Clock, Random};
    use envelope::Key256;
    use std::time::Duration;
    use store::{JournalEntry, Options, Selection, Store};

    const RECORD_BYTES: usize = 5_000;
    const SMALL: Limits = Limits {
        file: 300_000,
        round: 400_000,
    };
    const OF: Of<'_> = Of {
        trail: "t",
        validation: true,
    };
    const HERE: &str = "us-east-1";
    const AWAY: &str = "eu-west-1";

    struct Fixture {
        _dir: tempfile::TempDir,
        store: Store,
        clock: Clock,
    }

    impl Fixture {
        fn new() -> Fixture {
            let dir = tempfile::tempdir().unwrap();
            let clock = Clock::manual(Timestamp::from_secs(1_000));
            let options = Options {
                block_key: Key256::from_bytes([7; 32]),
                random: Random::os(),
                clock: clock.clone(),
                cache_bytes: 1 << 20,
            };
            let store = Store::open(store::lock(dir.path()).unwrap(), options).unwrap();
            Fixture {
                _dir: dir,
                store,
                clock,
            }
        }

        /// An entry whose record is a number and its padding; answers its block.
        async fn add(&self, trail: &str, region: &str, number: usize, bytes: usize) -> u64 {
            let time = postcard::to_allocvec(&Timestamp::from_secs(number as i64)).unwrap();
            let mut payload = vec![1];
            payload.extend_from_slice(&u32::try_from(time.len()).unwrap().to_be_bytes());
            payload.extend_from_slice(&time);
            payload.extend_from_slice(format!("{number}{}", " ".repeat(bytes)).as_bytes());
            let entry = JournalEntry {
                selected: vec![Selection {
                    trail: trail.to_owned(),
                    generation: 1,
                }],
                management: true,
                account: "000000000000".to_owned(),
                region: region.to_owned(),
                payload: payload.into(),
            };
            self.store.begin().record(vec![entry]).commit().await.unwrap().seq
        }
    }

    /// The numbers in a file.
    fn numbers(file: LogFile) -> Vec<usize> {
        let json = file.finish(&mut record::Gzip::new()).unwrap().json;
        let records = record::parse_records(&json).unwrap();
        records
            .iter()
            .map(|record| record.get().trim().parse().unwrap())
            .collect()
    }

    fn region(text: &str) -> Region {
        Region::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_long_backlog_is_cut_into_files_in_order_none_too_long() {
        let fixture = Fixture::new();
        // More than twice a file in one Region, some in another, and what others selected.
        let mut expected = BTreeMap::from([(region(HERE), Vec::new()), (region(AWAY), Vec::new())]);
        for number in 0..170 {
            let place = if number % 17 < 13 { HERE } else { AWAY };
            fixture.add("t", place, number, RECORD_BYTES).await;
            fixture.add("other", place, number, 10).await;
            expected.get_mut(&region(place)).unwrap().push(number);
        }
        let (journal, mut spare) = (fixture.store.journal(), Spare::default());
        let (mut found, mut from, mut rounds): (BTreeMap<Region, Vec<usize>>, _, _) = (BTreeMap::new(), 1, 0);
        loop {
            let cut = journal.head();
            let round = round(&journal, OF, from, cut, &Starts::after(0), spare, SMALL).unwrap();
            spare = round.spare;
            let all: usize = round.files.values().map(|filled| filled.file.len_bytes()).sum();
            assert!(all <= SMALL.round, "{all}");
            for (region, filled) in round.files {
                assert!(filled.file.len_bytes() <= SMALL.file && filled.first <= filled.last);
                found.entry(region).or_default().extend(numbers(filled.file));
            }
            rounds += 1;
            match round.next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert!(rounds >= 3);
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn a_region_is_read_from_its_own_start_and_not_at_all_when_it_is_held_back() {
        let fixture = Fixture::new();
        let mut blocks = Vec::new();
        for number in 0..6 {
            blocks.push(
                fixture
                    .add("t", if number % 2 == 0 { HERE } else { AWAY }, number, 1)
                    .await,
            );
        }
        let journal = fixture.store.journal();
        let read = |starts: &Starts| {
            let round = round(
                &journal,
                OF,
                starts.first(),
                journal.head(),
                starts,
                Spare::default(),
                SMALL,
            )
            .unwrap();
            assert!(round.next.is_none());
            let files = round.files.into_iter();
            files
                .map(|(region, filled)| (region, numbers(filled.file)))
                .collect::<BTreeMap<_, _>>()
        };
        let mut starts = Starts::after(blocks[3]);
        assert_eq!(starts.first(), blocks[3] + 1);
        assert_eq!(read(&starts), [(region(HERE), vec![4]), (region(AWAY), vec![5])].into());
        starts.read(region(HERE), blocks[1]);
        assert_eq!(starts.first(), blocks[1]);
        assert_eq!(
            read(&starts),
            [(region(HERE), vec![2, 4]), (region(AWAY), vec![5])].into()
        );
        starts.hold(region(AWAY));
        assert_eq!(read(&starts), [(region(HERE), vec![2, 4])].into());
        // Refused again, the one that was behind leaves nothing to read but what nobody has looked at.
        assert_eq!(starts.first_from(blocks[2]), blocks[2]);
        starts.hold(region(HERE));
        assert_eq!(starts.first_from(blocks[2]), blocks[3] + 1);
        assert_eq!(starts.first_from(blocks[5]), blocks[5]);
    }

    #[tokio::test]
    async fn what_is_too_old_is_counted_by_region() {
        let fixture = Fixture::new();
        let mut blocks = Vec::new();
        for number in 0..6 {
            blocks.push(fixture.add("t", if number < 4 { HERE } else { AWAY }, number, 1).await);
            fixture.clock.advance(Duration::from_secs(10));
        }
        let journal = fixture.store.journal();
        let count = |region, before| {
            let range = (blocks[0], journal.head());
            count_older(&journal, "t", region, range, Timestamp::from_secs(before)).unwrap()
        };
        assert_eq!(count(Some(HERE), 1_020), (blocks[3], 3));
        assert_eq!(count(Some(AWAY), 1_040), (blocks[5], 1));
        assert_eq!(count(None, 2_000), (journal.head() + 1, 6));
        assert_eq!(count(None, 999), (blocks[0], 0));
    }
}
