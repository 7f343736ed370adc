//! A record batch of version 2, whole but for what only its sender knows: time, producer, checksum.
//!
//! Source: Kafka's protocol guide, "Record Batch". Whoever sends it seals it, see `seal`.

use std::io;

use zstd::bulk::Compressor;

/// Bytes before the first record.
pub const HEADER_LEN: usize = 61;
/// From here on the checksum counts.
const CRC_FROM: usize = 21;
/// What of a batch its length does not count: the base offset, and the length itself.
const LENGTH_FROM: usize = 12;
const MAGIC: u8 = 2;
const ZSTD: i16 = 4;
/// That of Kafka's own clients.
const ZSTD_LEVEL: i32 = 3;

/// How the records of a batch are compressed.
pub enum Compression {
    /// As they are.
    None,
    /// As one Zstandard frame, unless it is not shorter.
    Zstd(Box<Compressor<'static>>),
}

impl Compression {
    /// Zstandard, at the level of Kafka's own clients.
    ///
    /// # Errors
    /// If the library refuses its context: memory is out.
    pub fn zstd() -> io::Result<Self> {
        Ok(Self::Zstd(Box::new(Compressor::new(ZSTD_LEVEL)?)))
    }
}

/// A batch as `RecordBatches::take` gives it.
#[derive(Debug)]
pub struct RecordBatch {
    /// How many records it holds: at least one.
    pub count: u32,
    /// The first `HEADER_LEN` bytes.
    pub header: [u8; HEADER_LEN],
    /// The records, compressed or not.
    pub records: Vec<u8>,
}

impl RecordBatch {
    /// Finish a batch of `count` encoded records.
    ///
    /// # Errors
    /// If compression fails: memory is out.
    pub(crate) fn finish(
        count: u32,
        records: Vec<u8>,
        compression: &mut Compression,
    ) -> io::Result<Self> {
        let (records, attributes) = match compression {
            Compression::None => (records, 0),
            Compression::Zstd(compressor) => {
                let shorter = compressor.compress(&records)?;
                if shorter.len() < records.len() { (shorter, ZSTD) } else { (records, 0) }
            }
        };
        let header = unsealed(attributes, count, records.len())?;
        Ok(Self { count, header, records })
    }
}

fn unsealed(attributes: i16, count: u32, records_len: usize) -> io::Result<[u8; HEADER_LEN]> {
    let length = i32::try_from(HEADER_LEN - LENGTH_FROM + records_len).map_err(io::Error::other)?;
    let last = count.saturating_sub(1);
    let mut header = Vec::with_capacity(HEADER_LEN);
    header.extend_from_slice(&0_i64.to_be_bytes()); // base offset: the broker's
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&(-1_i32).to_be_bytes()); // leader's epoch: the broker's
    header.push(MAGIC);
    header.extend_from_slice(&0_u32.to_be_bytes()); // checksum
    header.extend_from_slice(&attributes.to_be_bytes());
    header.extend_from_slice(&last.to_be_bytes());
    header.extend_from_slice(&[0; 16]); // base and last time
    header.extend_from_slice(&(-1_i64).to_be_bytes()); // producer
    header.extend_from_slice(&(-1_i16).to_be_bytes()); // its epoch
    header.extend_from_slice(&(-1_i32).to_be_bytes()); // base sequence
    header.extend_from_slice(&count.to_be_bytes());
    <[u8; HEADER_LEN]>::try_from(header).map_err(|_| io::Error::other("a header of another length"))
}

/// Who sends a batch, and when: what `seal` writes into it.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Milliseconds UTC; the broker's own time overrides it where a topic says so.
    pub timestamp_ms: i64,
    /// As the broker gave it; -1 for a producer that is not idempotent.
    pub producer_id: i64,
    /// As the broker gave it; -1 as above.
    pub producer_epoch: i16,
    /// Of the batch's first record; -1 as above.
    pub base_sequence: i32,
}

/// Write time and producer into a whole batch, and the checksum over it. Sealing again replaces them.
///
/// # Errors
/// None if `batch` is too short to be one.
#[must_use]
pub fn seal(batch: &mut [u8], sender: &Sender) -> Option<()> {
    batch.get_mut(27..35)?.copy_from_slice(&sender.timestamp_ms.to_be_bytes());
    batch.get_mut(35..43)?.copy_from_slice(&sender.timestamp_ms.to_be_bytes());
    batch.get_mut(43..51)?.copy_from_slice(&sender.producer_id.to_be_bytes());
    batch.get_mut(51..53)?.copy_from_slice(&sender.producer_epoch.to_be_bytes());
    batch.get_mut(53..57)?.copy_from_slice(&sender.base_sequence.to_be_bytes());
    batch.get(..HEADER_LEN)?;
    let checksum = crc32c::crc32c(batch.get(CRC_FROM..)?);
    batch.get_mut(17..CRC_FROM)?.copy_from_slice(&checksum.to_be_bytes());
    Some(())
}
