//! Records gathered into batches, one open batch for each partition of each topic.
//!
//! What is held is bounded, and a part of it can be taken back: a caller that fails halfway leaves
//! no record behind.

use std::collections::BTreeMap;
use std::io;

use crate::record::Record;
use crate::record_batch::{Compression, HEADER_LEN, RecordBatch};

/// Why a record was not taken. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It alone is larger than a batch may be: it can never be sent.
    Oversized,
    /// As much is held as may be: take the batches, then append it again.
    Full,
}

/// Where a record goes: a topic, numbered by the caller, and one of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// The caller's number of the topic.
    pub topic: u32,
    /// As Kafka numbers them, from 0.
    pub partition: u32,
}

/// How much is held, at most, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one batch with its header, before compression.
    pub batch_bytes: usize,
    /// Of all records together, before compression.
    pub held_bytes: usize,
}

#[derive(Default)]
struct Open {
    count: u32,
    records: Vec<u8>,
}

/// The batches of one lane, as records came.
#[derive(Default)]
struct Gathered {
    full: Vec<Open>,
    /// Empty before the first record, and after a roll-back to there.
    open: Open,
    /// Which mark `marked` belongs to; before the first there is none.
    mark: u64,
    marked: Extent,
}

/// How far a lane was filled.
#[derive(Clone, Copy, Default)]
struct Extent {
    full: usize,
    count: u32,
    bytes: usize,
}

/// The batches that are being filled.
pub struct RecordBatches {
    limits: Limits,
    compression: Compression,
    lanes: BTreeMap<Lane, Gathered>,
    held_bytes: usize,
    mark: u64,
    marked_bytes: usize,
}

impl RecordBatches {
    /// Nothing is held yet.
    #[must_use]
    pub const fn new(limits: Limits, compression: Compression) -> Self {
        Self {
            limits,
            compression,
            lanes: BTreeMap::new(),
            held_bytes: 0,
            mark: 1,
            marked_bytes: 0,
        }
    }

    /// The bytes of all records that are held, before compression.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Take a record behind those of its lane.
    ///
    /// # Errors
    /// If it is not taken; what is held is as before then.
    pub fn append(&mut self, lane: Lane, record: &Record<'_>) -> Result<(), Refused> {
        if HEADER_LEN + record.encoded_len(0) > self.limits.batch_bytes {
            return Err(Refused::Oversized);
        }
        // The longest that its number can make it: how many precede it is not known yet.
        if self.held_bytes + record.encoded_len(u32::MAX) > self.limits.held_bytes {
            return Err(Refused::Full);
        }
        let gathered = self.lanes.entry(lane).or_default();
        gathered.note(self.mark);
        self.held_bytes += gathered.append(record, self.limits.batch_bytes);
        Ok(())
    }

    /// Note what is held now, for `roll_back`. A later mark, or `take`, replaces this one.
    pub const fn mark(&mut self) {
        self.mark += 1;
        self.marked_bytes = self.held_bytes;
    }

    /// Forget every record that came after the last mark; all of them, if none was set since `take`.
    pub fn roll_back(&mut self) {
        for gathered in self.lanes.values_mut() {
            if gathered.mark == self.mark {
                gathered.roll_back();
            }
        }
        self.held_bytes = self.marked_bytes;
    }

    /// Finish and hand over all batches: by lane, those of one in the order of their records.
    ///
    /// # Errors
    /// If compression fails, which is when memory is out. Nothing is held any more then, either.
    pub fn take(&mut self) -> io::Result<Vec<(Lane, RecordBatch)>> {
        let lanes = std::mem::take(&mut self.lanes);
        self.held_bytes = 0;
        self.mark();
        let mut taken = Vec::with_capacity(lanes.len());
        for (lane, mut gathered) in lanes {
            gathered.full.push(gathered.open);
            for batch in gathered.full.into_iter().filter(|batch| batch.count > 0) {
                let finished =
                    RecordBatch::finish(batch.count, batch.records, &mut self.compression)?;
                taken.push((lane, finished));
            }
        }
        Ok(taken)
    }
}

impl Gathered {
    /// Note how far this lane is filled, unless it was noted at this mark already.
    fn note(&mut self, mark: u64) {
        if self.mark != mark {
            self.mark = mark;
            self.marked = Extent {
                full: self.full.len(),
                count: self.open.count,
                bytes: self.open.records.len(),
            };
        }
    }

    /// How many bytes the record takes.
    fn append(&mut self, record: &Record<'_>, batch_bytes: usize) -> usize {
        let bytes = HEADER_LEN + self.open.records.len() + record.encoded_len(self.open.count);
        if bytes > batch_bytes {
            self.full.push(std::mem::take(&mut self.open));
        }
        let before = self.open.records.len();
        record.put(&mut self.open.records, self.open.count);
        self.open.count += 1;
        self.open.records.len() - before
    }

    fn roll_back(&mut self) {
        // What was open at the mark may be full by now, and others opened after it.
        if let Some(was_open) = self.full.drain(self.marked.full..).next() {
            self.open = was_open;
        }
        self.open.count = self.marked.count;
        self.open.records.truncate(self.marked.bytes);
    }
}
