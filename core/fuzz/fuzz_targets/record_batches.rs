//! Records put into batches, and read back by a reader that knows Kafka's protocol guide alone.
#![no_main]

#[allow(dead_code)] // fields that only other tests read
#[path = "../../tests/reading/mod.rs"]
mod reading;

use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use reading::{Seen, read};
use roadfade_core::record::{Headers, Record};
use roadfade_core::record_batch::{Compression, Sender, seal};
use roadfade_core::record_batches::{Lane, RecordBatches};

#[derive(Arbitrary, Debug)]
struct Given {
    topic: u8,
    partition: u8,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Arbitrary, Debug)]
struct Whole {
    compressed: bool,
    batch_bytes: u16,
    records: Vec<Given>,
    sealed: Vec<u8>,
}

const SENDER: Sender =
    Sender { timestamp_ms: 1, producer_id: 77, producer_epoch: 3, base_sequence: 9 };

fuzz_target!(|whole: Whole| {
    let _ = seal(&mut whole.sealed.clone(), &SENDER);
    let compression =
        if whole.compressed { Compression::zstd().expect("zstd") } else { Compression::None };
    let batch_bytes_max = usize::from(whole.batch_bytes);
    let mut batches = RecordBatches::new(batch_bytes_max, compression);
    let mut taken: BTreeMap<Lane, Vec<Seen>> = BTreeMap::new();
    for given in whole.records {
        let lane =
            Lane { topic: u32::from(given.topic % 3), partition: u32::from(given.partition % 3) };
        let headers: Vec<_> = given.headers.iter().map(|(k, v)| Headers::One(k, v)).collect();
        let (key, value) = (given.key.as_deref(), given.value.as_deref());
        if batches.append(lane, &Record { key, value, headers: &headers }).is_ok() {
            let seen = Seen { key: given.key, value: given.value, headers: given.headers };
            taken.entry(lane).or_default().push(seen);
        }
    }
    let mut found: BTreeMap<Lane, Vec<Seen>> = BTreeMap::new();
    for (lane, batch) in batches.take().expect("memory") {
        let mut bytes = [&batch.header[..], &batch.records].concat();
        seal(&mut bytes, &SENDER).expect("a whole batch");
        let told = read(&bytes);
        assert!(61 + told.records_len <= batch_bytes_max);
        found.entry(lane).or_default().extend(told.records);
    }
    assert_eq!(found, taken);
});
