//! Records gathered into batches, one open batch for each partition of each topic.
//!
//! What is held is what a slice of records makes: who gathers bounds the slice.

use std::collections::BTreeMap;
use std::io;

use crate::record::Record;
use crate::record_batch::{Compression, HEADER_LEN, RecordBatch};

/// A record that alone is larger than a batch may be: it can never be sent, and was not taken.
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
    open: Open,
}

/// The batches that are being filled.
pub struct RecordBatches {
    batch_bytes_max: usize,
    compression: Compression,
    lanes: BTreeMap<Lane, Gathered>,
}

impl RecordBatches {
    /// Nothing is held yet. A batch with its header takes at most so many bytes, uncompressed.
    #[must_use]
    pub const fn new(batch_bytes_max: usize, compression: Compression) -> Self {
        Self { batch_bytes_max, compression, lanes: BTreeMap::new() }
    }

    /// Take a record behind those of its lane.
    ///
    /// # Errors
    /// If no batch can hold it; what is held is as before then.
    pub fn append(&mut self, lane: Lane, record: &Record<'_>) -> Result<(), Oversized> {
        if HEADER_LEN + record.encoded_len(0) > self.batch_bytes_max {
            return Err(Oversized);
        }
        self.lanes.entry(lane).or_default().append(record, self.batch_bytes_max);
        Ok(())
    }

    /// Finish and hand over all batches: by lane, those of one in the order of their records.
    ///
    /// # Errors
    /// If compression fails, which is when memory is out. Nothing is held any more then, either.
    pub fn take(&mut self) -> io::Result<Vec<(Lane, RecordBatch)>> {
        let lanes = std::mem::take(&mut self.lanes);
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
    fn append(&mut self, record: &Record<'_>, batch_bytes_max: usize) {
        let bytes = HEADER_LEN + self.open.records.len() + record.encoded_len(self.open.count);
        if bytes > batch_bytes_max {
            self.full.push(std::mem::take(&mut self.open));
        }
        record.put(&mut self.open.records, self.open.count);
        self.open.count += 1;
    }
}
