//! Purpose records put into record batches: Python touches none of them.

use pyo3::prelude::*;

use super::outcomes::Fallible;
use super::record_batches::refusal;
use crate::purpose_record::{Record as PurposeRecord, Sink};
use crate::record::{Headers, Record};
use crate::record_batches::{Lane, Oversized, RecordBatches};

/// Puts each record into the batch of its topic and partition.
pub struct Gathered<'a> {
    pub batches: &'a mut RecordBatches,
    /// The number of each route's topic.
    pub topics: &'a [u32],
    pub failed: Option<Oversized>,
}

impl Sink for Gathered<'_> {
    fn put(&mut self, record: &PurposeRecord<'_>) {
        let Some(&topic) = self.topics.get(record.route as usize) else { return };
        let mut digits = itoa::Buffer::new();
        let headers = [
            Headers::One(b"ce_id", record.id),
            Headers::Ready(&record.fixed.ready),
            Headers::Ready(&record.own.ready),
            Headers::One(b"expires_at", record.expires_at),
            Headers::One(b"readings", digits.format(record.readings).as_bytes()),
        ];
        let whole = Record { key: Some(record.key), value: Some(record.value), headers: &headers };
        let lane = Lane { topic, partition: record.partition };
        if self.failed.is_none() {
            self.failed = self.batches.append(lane, &whole).err();
        }
    }
}

impl Fallible for Gathered<'_> {
    fn failed(&mut self) -> Option<PyErr> {
        self.failed.take().map(refusal)
    }
}
