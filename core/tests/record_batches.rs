//! Whatever is appended, marked, rolled back and taken, in whatever order: a reader of the batches
//! sees what a plain list of records would hold.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod reading;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use reading::{Seen, read};
use roadfade_core::record::{Headers, ReadyHeaders, Record};
use roadfade_core::record_batch::{Compression, HEADER_LEN, RecordBatch, Sender, seal};
use roadfade_core::record_batches::{Lane, Oversized, RecordBatches};

const SENDER: Sender = Sender {
    timestamp_ms: 1_788_000_000_123,
    producer_id: 77,
    producer_epoch: 3,
    base_sequence: 9,
};

#[derive(Clone, Debug)]
enum Step {
    Append(Lane, Seen),
    Take,
}

type Held = BTreeMap<Lane, Vec<Seen>>;

fn any_seen() -> impl Strategy<Value = Seen> {
    let bytes = || vec(any::<u8>(), 0..90);
    (option::of(bytes()), option::of(bytes()), vec((bytes(), bytes()), 0..4))
        .prop_map(|(key, value, headers)| Seen { key, value, headers })
}

fn any_step() -> impl Strategy<Value = Step> {
    let lane = (0_u32..2, 0_u32..3).prop_map(|(topic, partition)| Lane { topic, partition });
    prop_oneof![
        12 => (lane, any_seen()).prop_map(|(lane, seen)| Step::Append(lane, seen)),
        1 => Just(Step::Take),
    ]
}

fn append(to: &mut RecordBatches, lane: Lane, seen: &Seen) -> Result<(), Oversized> {
    // The first two are ready, the others are not: the bytes must not tell.
    let mut ready = ReadyHeaders::default();
    for (key, value) in seen.headers.iter().take(2) {
        ready.push(key, value);
    }
    let mut headers = vec![Headers::Ready(&ready)];
    headers.extend(seen.headers.iter().skip(2).map(|(key, value)| Headers::One(key, value)));
    let record =
        Record { key: seen.key.as_deref(), value: seen.value.as_deref(), headers: &headers };
    to.append(lane, &record)
}

fn sealed(batch: &RecordBatch) -> Vec<u8> {
    let mut whole = [&batch.header[..], &batch.records].concat();
    seal(&mut whole, &SENDER).unwrap();
    whole
}

fn check_taken(batches: &mut RecordBatches, expected: &Held, batch_bytes_max: usize) {
    let mut seen = Held::new();
    for (lane, batch) in batches.take().unwrap() {
        let told = read(&sealed(&batch));
        assert_eq!(told.timestamp_ms, SENDER.timestamp_ms);
        assert_eq!(told.producer, (77, 3, 9));
        assert_eq!(told.records.len(), batch.count as usize);
        assert!(HEADER_LEN + told.records_len <= batch_bytes_max);
        assert!(!told.records.is_empty());
        seen.entry(lane).or_default().extend(told.records);
    }
    let expected: Held =
        expected.clone().into_iter().filter(|(_, some)| !some.is_empty()).collect();
    assert_eq!(seen, expected);
}

fn walk(steps: &[Step], batch_bytes_max: usize, compression: Compression) {
    let mut batches = RecordBatches::new(batch_bytes_max, compression);
    let mut held = Held::new();
    for step in steps {
        match step {
            Step::Append(lane, seen) => {
                if append(&mut batches, *lane, seen).is_ok() {
                    held.entry(*lane).or_default().push(seen.clone());
                }
            }
            Step::Take => {
                check_taken(&mut batches, &held, batch_bytes_max);
                held.clear();
            }
        }
    }
    check_taken(&mut batches, &held, batch_bytes_max);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_sees_the_records_that_were_kept(steps in vec(any_step(), 0..60)) {
        walk(&steps, 700, Compression::None);
        walk(&steps, 700, Compression::zstd().unwrap());
    }

    #[test]
    fn what_a_record_takes_is_what_it_said(seen in any_seen(), number in any::<u32>()) {
        let headers: Vec<_> = seen.headers.iter().map(|(k, v)| Headers::One(k, v)).collect();
        let record =
            Record { key: seen.key.as_deref(), value: seen.value.as_deref(), headers: &headers };
        let mut bytes = Vec::new();
        record.put(&mut bytes, number);
        prop_assert_eq!(bytes.len(), record.encoded_len(number));
    }

    #[test]
    fn bytes_that_are_no_batch_are_refused_or_sealed_and_never_a_panic(mut bytes in vec(any::<u8>(), 0..90)) {
        let long_enough = bytes.len() >= HEADER_LEN;
        prop_assert_eq!(seal(&mut bytes, &SENDER).is_some(), long_enough);
    }
}

const LANE: Lane = Lane { topic: 0, partition: 0 };

fn value_of(length: usize) -> Seen {
    Seen { key: None, value: Some(vec![b'x'; length]), headers: Vec::new() }
}

fn batches_of(batch_bytes_max: usize) -> RecordBatches {
    RecordBatches::new(batch_bytes_max, Compression::None)
}

#[test]
fn a_batch_is_as_large_as_allowed_and_no_byte_larger() {
    // A header of 61 bytes, and a record with 9 bytes beside its value.
    let one = value_of(1_015);
    let mut batches = batches_of(61 + 1_024 - 1);
    assert_eq!(append(&mut batches, LANE, &one), Err(Oversized));
    let mut batches = batches_of(61 + 1_024);
    assert_eq!(append(&mut batches, LANE, &one), Ok(()));
    assert_eq!(append(&mut batches, LANE, &value_of(0)), Ok(()));
    let counts: Vec<_> = batches.take().unwrap().iter().map(|(_, batch)| batch.count).collect();
    assert_eq!(counts, [1, 1]);
}

#[test]
fn a_batch_that_compression_would_lengthen_is_sent_as_it_is() {
    let mut batches = RecordBatches::new(700, Compression::zstd().unwrap());
    append(&mut batches, LANE, &value_of(1)).unwrap();
    append(&mut batches, Lane { topic: 1, partition: 0 }, &value_of(500)).unwrap();
    let taken = batches.take().unwrap();
    let attributes: Vec<_> = taken.iter().map(|(_, batch)| batch.header[22]).collect();
    assert_eq!(attributes, [0, 4]);
}

#[test]
fn sealing_again_replaces_what_a_failed_send_left() {
    let mut batches = batches_of(700);
    append(&mut batches, LANE, &value_of(10)).unwrap();
    let mut whole = sealed(&batches.take().unwrap()[0].1);
    seal(&mut whole, &Sender { producer_id: 78, base_sequence: 0, ..SENDER }).unwrap();
    assert_eq!(read(&whole).producer, (78, 3, 0));
}
