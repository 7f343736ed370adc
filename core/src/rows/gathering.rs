//! A write's records of one output: read a topic-partition at a time, judged, kept, laid out.

use std::collections::BTreeMap;

use blake2b_simd::Params;

use super::held::{Ends, Fate, Held, NONE, Record, Run, Values};
use super::judging::Judging;
use super::part::{Part, part};
use super::reader;
use super::stamp::{self, Arrived};
use crate::unusual::{Unusual, Usual};

const DIGEST_BYTES: usize = 16;

/// What is held between `begin` and `take`.
pub struct Gathering {
    output: Box<[u8]>,
    /// The records.
    pub held: Held,
    /// What plans let through.
    pub judging: Judging,
    /// Of what is remembered from one write to the next: beyond it, all is forgotten.
    remembered_max: usize,
    /// Where the records begin that were read since `begin_batch`.
    batch: usize,
}

impl Gathering {
    /// Nothing is held yet.
    #[must_use]
    pub fn new(output: &[u8], remembered_max: usize) -> Self {
        let (held, judging) = (Held::default(), Judging::default());
        Self { output: output.into(), held, judging, remembered_max, batch: 0 }
    }

    /// Begin a write: whatever another one left is gone. Whether what was taught is forgotten, too.
    pub fn begin(&mut self) -> bool {
        self.held.clear();
        self.batch = 0;
        self.judging.forget_refused();
        let forgets = self.held.names.len() + self.judging.remembered() > self.remembered_max;
        if forgets {
            self.held.names.clear();
            self.judging.clear();
        }
        forgets
    }

    /// Begin another topic-partition.
    pub fn begin_batch(&mut self) {
        self.batch = self.held.records.len();
    }

    /// Read one record behind the others.
    ///
    /// # Errors
    /// If it is unusual: nothing of it is held then.
    pub fn read(&mut self, arrived: &Arrived<'_>, appended_ms: i64) -> Usual<()> {
        let mark = self.held.mark();
        let read = self.record(arrived, appended_ms);
        match read {
            Ok(record) => self.held.records.push(record),
            Err(Unusual) => self.held.roll_back(mark),
        }
        read.map(|_| ())
    }

    fn record(&mut self, arrived: &Arrived<'_>, appended_ms: i64) -> Usual<Record> {
        let held = &mut self.held;
        let said = stamp::stamp(arrived, &self.output)?;
        let (from, first) = (held.ids.len(), held.runs.len());
        let pseudonym = reader::value(arrived, held)?;
        held.ids.extend_from_slice(said.id);
        let runs = Ends { from: first, to: held.runs.len() };
        let before = held.records.last();
        let version = before.map_or(NONE, |record| record.version);
        let version = held.names.likely(said.version, version)?;
        let like_before = held.records.last().filter(|record| {
            record.version == version && same_shape(record.runs.of(&held.runs), runs.of(&held.runs))
        });
        let shape = match like_before {
            Some(record) => record.shape,
            None => self.judging.shape(version, runs.of(&held.runs))?,
        };
        Ok(Record {
            id: Ends { from, to: held.ids.len() },
            pseudonym,
            version,
            consent: stamp::consent(&said, held)?,
            lane: NONE,
            shape,
            expires_ms: said.expires_ms,
            appended_ms,
            readings: said.readings,
            runs,
            rows: runs.of(&held.runs).iter().map(|run| run.times.count()).sum(),
            fate: Fate::Read,
        })
    }

    /// The records that were read since `begin_batch`.
    #[must_use]
    pub fn batch(&self) -> &[Record] {
        self.held.records.get(self.batch..).unwrap_or_default()
    }

    /// Note each record's lane; those that no lane has room for are dropped.
    pub fn judge(&mut self, now_ms: i64) {
        for place in self.batch..self.held.records.len() {
            let Some(record) = self.held.records.get(place) else { continue };
            let found = self.judging.lane(&self.held, record, now_ms);
            if let Some(record) = self.held.records.get_mut(place) {
                match found {
                    Ok(lane) => record.lane = lane,
                    Err(Unusual) => record.fate = Fate::Dropped,
                }
            }
        }
    }

    /// The 16 bytes under which a record's id is remembered.
    #[must_use]
    pub fn digest(&self, record: &Record) -> [u8; DIGEST_BYTES] {
        let hash = Params::new().hash_length(DIGEST_BYTES).hash(record.id.of(&self.held.ids));
        let mut digest = [0; DIGEST_BYTES];
        digest.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        digest
    }

    /// Keep the records at these places since `begin_batch`: how many rows and readings they have.
    ///
    /// # Errors
    /// If one of them was not read, or dropped: who counts it as kept would lose it.
    pub fn keep(&mut self, places: &[usize]) -> Usual<(usize, u64)> {
        let (mut rows, mut readings) = (0, 0);
        for place in places {
            let record = self.batch.checked_add(*place).and_then(|n| self.held.records.get_mut(n));
            let record = record.filter(|record| record.fate == Fate::Read).ok_or(Unusual)?;
            record.fate = Fate::Kept;
            rows += record.rows;
            readings += u64::from(record.readings);
        }
        Ok((rows, readings))
    }

    /// The parts that the kept records make, by when they end; nothing is held any more then.
    ///
    /// # Errors
    /// If there are more rows than Arrow can number.
    pub fn take(&mut self) -> Usual<Vec<Part>> {
        let mut by_end = BTreeMap::<i64, Vec<&Record>>::new();
        let records = self.held.records.iter();
        for record in records.filter(|record| record.fate == Fate::Kept && record.rows > 0) {
            by_end.entry(record.expires_ms).or_default().push(record);
        }
        let held = &self.held;
        let parts = by_end.iter().map(|(&end_ms, of_end)| part(held, of_end, end_ms)).collect();
        drop(by_end);
        self.held.clear();
        self.batch = 0;
        parts
    }
}

/// Whether runs differ in times and values alone.
fn same_shape(some: &[Run], others: &[Run]) -> bool {
    let kind = |run: &Run| (run.signal, run.unit, matches!(run.values, Values::Texts(_)));
    some.iter().map(kind).eq(others.iter().map(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VALUE: &[u8] = br#"{"v":1,"pseudonym":"P","t0":"2026-11-22T10:00:00Z","series":{"Vehicle.Speed":{"unit":"km/h","dt":[0,-1000],"value":[43.5,44]},"A":{"unit":"","dt":[0],"value":["x"]}},"dtc":["P0301"]}"#;
    const HEADERS: [(&[u8], &[u8]); 6] = [
        (b"ce_id", b"one"),
        (b"expires_at", b"2026-12-22T00:00:00Z"),
        (b"policy_version", b"1-0123456789ab"),
        (b"purpose", b"study"),
        (b"readings", b"4"),
        (b"other", b"\xff"),
    ];

    fn read(key: &[u8], value: &[u8], headers: &[(&[u8], &[u8])]) -> (Usual<()>, Usual<Vec<Part>>) {
        let mut gathering = Gathering::new(b"study", 100);
        let found = gathering.read(&Arrived { key, value, headers }, 5);
        let all: Vec<usize> = (0..gathering.batch().len()).collect();
        gathering.keep(&all).unwrap();
        (found, gathering.take())
    }

    #[test]
    fn a_usual_record_has_its_rows_in_order() {
        let (found, parts) = read(b"P", VALUE, &HEADERS);
        assert_eq!(found, Ok(()));
        let parts = parts.unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].rows, parts[0].appended_ms), (4, (5, 5)));
        assert_eq!(parts[0].signal.data, b"AVehicle.OBD.DTCListVehicle.Speed");
        assert_eq!(parts[0].has_number.bits, [0b1001]);
    }

    #[test]
    fn an_unusual_record_leaves_nothing_behind() {
        let other = br#"{"v":1,"pseudonym":"P","t0":"2026-11-22T10:00:00Z","series":{"S":{"unit":"","dt":[0],"value":[1e999]}}}"#;
        let mut gathering = Gathering::new(b"study", 100);
        gathering.read(&Arrived { key: b"P", value: VALUE, headers: &HEADERS }, 5).unwrap();
        let before = gathering.held.mark();
        for (key, value, headers) in [
            (b"P", &other[..], &HEADERS[..]),
            (b"Q", VALUE, &HEADERS),
            (b"P", VALUE, &HEADERS[1..]),
        ] {
            assert_eq!(gathering.read(&Arrived { key, value, headers }, 5), Err(Unusual));
            assert_eq!(gathering.held.mark(), before);
        }
        assert_eq!(gathering.held.words.code(b"not seen yet"), Ok(3));
    }

    #[test]
    fn what_stands_where_another_name_stood_before_is_read_as_it_is() {
        let value_of = |signal: &str, unit: &str| {
            format!(
                r#"{{"v":1,"pseudonym":"P","t0":"2026-11-22T10:00:00Z","series":{{"{signal}":{{"unit":"{unit}","dt":[0],"value":[1]}}}}}}"#
            )
        };
        let names = [("AB", "u"), ("A", "u"), ("ABC", ""), ("ABC", "u"), ("ABC", "u"), ("", "A")];
        let mut gathering = Gathering::new(b"study", 100);
        for (signal, unit) in names {
            let value = value_of(signal, unit);
            let arrived = Arrived { key: b"P", value: value.as_bytes(), headers: &HEADERS };
            gathering.read(&arrived, 5).unwrap();
        }
        let held = &gathering.held;
        let text = |code| std::str::from_utf8(held.names.get(code)).unwrap();
        let read: Vec<_> = held.runs.iter().map(|run| (text(run.signal), text(run.unit))).collect();
        assert_eq!(read, names);
        let shapes: Vec<_> = held.records.iter().map(|record| record.shape).collect();
        assert_eq!(shapes, [0, 1, 2, 3, 3, 4]);
    }

    #[test]
    fn what_was_not_read_is_not_kept_in_silence() {
        let mut gathering = Gathering::new(b"study", 100);
        gathering.read(&Arrived { key: b"P", value: VALUE, headers: &HEADERS }, 5).unwrap();
        assert_eq!(gathering.keep(&[1]), Err(Unusual));
        assert_eq!(gathering.keep(&[0]), Ok((4, 4)));
        assert_eq!(gathering.keep(&[0]), Err(Unusual));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            key in proptest::collection::vec(any::<u8>(), 0..4),
            value in proptest::collection::vec(any::<u8>(), 0..300),
            header in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = read(&key, &value, &[(b"expires_at", &header), (&header, &value)]);
        }

        #[test]
        fn damaged_records_are_read_or_unusual(
            places in proptest::collection::vec((0..VALUE.len(), any::<u8>()), 1..4),
            bad in (0..6usize, proptest::collection::vec(any::<u8>(), 0..30)),
        ) {
            let mut value = VALUE.to_vec();
            for (place, byte) in places {
                value[place] = byte;
            }
            let mut headers = HEADERS;
            headers[bad.0].1 = &bad.1;
            let _ = read(b"P", &value, &HEADERS);
            let _ = read(b"P", VALUE, &headers);
        }
    }
}
