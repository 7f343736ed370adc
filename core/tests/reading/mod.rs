//! A batch read back, by a reader that knows Kafka's protocol guide and not the code that writes.

use crc32c::crc32c;

/// A record as a consumer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A batch's fixed fields, and its records.
#[derive(Debug)]
pub struct Batch {
    pub timestamp_ms: i64,
    pub producer: (i64, i16, i32),
    pub records: Vec<Seen>,
    /// As they would be without compression.
    pub records_len: usize,
}

/// Read a whole sealed batch; any field that is not as it must be is a panic.
pub fn read(bytes: &[u8]) -> Batch {
    let mut at = Reader(bytes);
    assert_eq!(at.number::<8>(), 0, "base offset");
    assert_eq!(at.number::<4>(), (bytes.len() - 12) as i64, "length");
    assert_eq!(at.number::<4>() as i32, -1, "leader's epoch");
    assert_eq!(at.number::<1>(), 2, "magic");
    assert_eq!(at.number::<4>() as u32, crc32c(&bytes[21..]), "checksum");
    let attributes = at.number::<2>();
    let last = at.number::<4>();
    let timestamp_ms = at.number::<8>();
    assert_eq!(at.number::<8>(), timestamp_ms, "last time");
    let producer = (at.number::<8>(), at.number::<2>() as i16, at.number::<4>() as i32);
    let count = at.number::<4>();
    assert_eq!(last, count - 1);
    let unpacked = match attributes {
        0 => at.0.to_vec(),
        4 => zstd::decode_all(at.0).unwrap(),
        other => panic!("attributes {other}"),
    };
    let mut rest = Reader(&unpacked);
    let records = (0..count).map(|number| rest.record(number)).collect();
    assert!(rest.0.is_empty(), "bytes behind the last record");
    Batch { timestamp_ms, producer, records, records_len: unpacked.len() }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// Without its sign, if it is shorter than eight bytes.
    fn number<const BYTES: usize>(&mut self) -> i64 {
        self.take(BYTES).iter().fold(0, |number, byte| number << 8 | i64::from(*byte))
    }

    fn varint(&mut self) -> i64 {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = self.take(1)[0];
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return (number >> 1) as i64 ^ -((number & 1) as i64);
            }
        }
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        usize::try_from(self.varint()).ok().map(|length| self.take(length).to_vec())
    }

    fn record(&mut self, number: i64) -> Seen {
        let length = self.varint() as usize;
        let mut body = Reader(self.take(length));
        assert_eq!(body.take(2), [0, 0], "attributes and milliseconds");
        assert_eq!(body.varint(), number, "offset");
        let (key, value) = (body.bytes(), body.bytes());
        let count = body.varint();
        let headers = (0..count).map(|_| (body.bytes().unwrap(), body.bytes().unwrap())).collect();
        assert!(body.0.is_empty(), "bytes behind the last header");
        Seen { key, value, headers }
    }
}
