//! Records gathered into batches, one open batch for each partition of each topic.
//!
//! A part of what is held can be taken back: a caller that fails halfway leaves no record behind.
//! How much may be held its caller decides, who asks how much it is.

use std::collections::BTreeMap;
use std::io;

use crate::record::Record;
use crate::record_batch::{Compression, HEADER_LEN, RecordBatch};

/// A record alone is larger than a batch may be: it was not taken, and can never be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oversized;

/// Where a record goes: a topic, numbered by the caller, and one of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// The caller's number of the topic.
    pub topic: u32,
    /// As Kafka numbers them, from 0.
    pub partition: u32,
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
    /// The most bytes of one batch with its header, before compression.
    batch_bytes_max: usize,
    compression: Compression,
    lanes: BTreeMap<Lane, Gathered>,
    held_bytes: usize,
    mark: u64,
    marked_bytes: usize,
}

impl RecordBatches {
    /// Nothing is held yet.
    #[must_use]
    pub const fn new(batch_bytes_max: usize, compression: Compression) -> Self {
        Self {
            batch_bytes_max,
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
    pub fn append(&mut self, lane: Lane, record: &Record<'_>) -> Result<(), Oversized> {
        if HEADER_LEN + record.encoded_len(0) > self.batch_bytes_max {
            return Err(Oversized);
        }
        let gathered = self.lanes.entry(lane).or_default();
        gathered.note(self.mark);
        self.held_bytes += gathered.append(record, self.batch_bytes_max);
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

    /// Forget every record.
    pub fn clear(&mut self) {
        self.lanes.clear();
        self.held_bytes = 0;
        self.mark();
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
