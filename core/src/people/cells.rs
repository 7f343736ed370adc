//! Cells of bytes found by their keys: `processors/compact/cells.py`, in Rust.
//!
//! A cell has a key and a payload, and a number of four bytes. Linear hashing (W. Litwin, 1980):
//! no growth is ever long. Cells lie in chunks that never move. Buckets are found by a hash that
//! is keyed in each process: whoever chooses keys cannot choose buckets.

use std::hash::{BuildHasher, RandomState};

use super::Full;

/// Of a cell: its kind in the lowest bits, then its place among those of its kind, from 1.
pub type Number = u32;

/// No number; the end of a chain.
pub const NOTHING: Number = 0;
const KIND_BITS: u32 = 3;
const KIND: Number = (1 << KIND_BITS) - 1;
/// Bytes of the number of the next cell in a bucket, which every cell begins with.
const KEY_AT: usize = 4;
/// Cells in a bucket, on average, before another one is made.
const PER_BUCKET: usize = 2;
const FIRST_BUCKETS: usize = 8;
const CELLS_A_CHUNK: usize = 1024;

/// The kind of a cell with this number.
pub fn kind_of(number: Number) -> usize {
    (number & KIND) as usize
}

/// The cells of one kind.
struct Run {
    key: usize,
    size: usize,
    chunks: Vec<Box<[u8]>>,
    free: Number,
    used: usize,
}

impl Run {
    fn at(&self, number: Number) -> &[u8] {
        let place = (number >> KIND_BITS) as usize;
        let from = place % CELLS_A_CHUNK * self.size;
        let chunk = self.chunks.get(place / CELLS_A_CHUNK);
        chunk.and_then(|chunk| chunk.get(from..from + self.size)).unwrap_or_default()
    }

    fn at_mut(&mut self, number: Number) -> &mut [u8] {
        let place = (number >> KIND_BITS) as usize;
        let from = place % CELLS_A_CHUNK * self.size;
        let chunk = self.chunks.get_mut(place / CELLS_A_CHUNK);
        chunk.and_then(|chunk| chunk.get_mut(from..from + self.size)).unwrap_or_default()
    }

    /// A place that no cell has, in zeros but for its head.
    fn take(&mut self, kind: usize) -> Result<Number, Full> {
        if self.free != NOTHING {
            let number = self.free;
            self.free = get(self.at(number), 0);
            return Ok(number);
        }
        let place = u32::try_from(self.used + 1).map_err(|_| Full)?;
        if place > Number::MAX >> KIND_BITS {
            return Err(Full);
        }
        self.used += 1;
        if self.used / CELLS_A_CHUNK >= self.chunks.len() {
            self.chunks.push(vec![0; CELLS_A_CHUNK * self.size].into());
        }
        Ok(place << KIND_BITS | u32::try_from(kind).unwrap_or_default())
    }
}

/// Cells of up to eight kinds; a key is in one of them at most.
pub struct Cells {
    runs: Vec<Run>,
    heads: Vec<Number>,
    mask: usize,
    /// The bucket that is divided next; those before it are divided under this mask already.
    split: usize,
    count: usize,
    hashing: RandomState,
    #[cfg(test)]
    pub all_in_one_bucket: bool,
}

impl Cells {
    /// Empty; by kind: the bytes of a key, and of what comes with it.
    pub fn new(kinds: &[(usize, usize)]) -> Self {
        let run = |&(key, payload): &(usize, usize)| Run {
            key,
            size: KEY_AT + key + payload,
            chunks: Vec::new(),
            free: NOTHING,
            used: 0,
        };
        Cells {
            runs: kinds.iter().map(run).collect(),
            heads: vec![NOTHING; FIRST_BUCKETS],
            mask: FIRST_BUCKETS - 1,
            split: 0,
            count: 0,
            hashing: RandomState::new(),
            #[cfg(test)]
            all_in_one_bucket: false,
        }
    }

    /// The key of the cell with this number.
    pub fn key(&self, number: Number) -> &[u8] {
        let Some(run) = self.runs.get(kind_of(number)) else { return &[] };
        run.at(number).get(KEY_AT..KEY_AT + run.key).unwrap_or_default()
    }

    /// What comes with the key.
    pub fn payload(&self, number: Number) -> &[u8] {
        let Some(run) = self.runs.get(kind_of(number)) else { return &[] };
        run.at(number).get(KEY_AT + run.key..).unwrap_or_default()
    }

    /// The same, to be changed.
    pub fn payload_mut(&mut self, number: Number) -> &mut [u8] {
        let Some(run) = self.runs.get_mut(kind_of(number)) else { return &mut [] };
        let key = run.key;
        run.at_mut(number).get_mut(KEY_AT + key..).unwrap_or_default()
    }

    /// The number of the cell with this key, or NOTHING.
    pub fn find(&self, key: &[u8]) -> Number {
        let mut number = self.head(self.bucket(self.hashed(key)));
        while number != NOTHING && self.key(number) != key {
            number = self.next(number);
        }
        number
    }

    /// A new cell with this key, which none has; its payload is zeros.
    pub fn add(&mut self, kind: usize, key: &[u8]) -> Result<Number, Full> {
        let number = self.add_apart(kind, key)?;
        let bucket = self.bucket(self.hashed(key));
        let head = self.head(bucket);
        self.set_next(number, head);
        self.set_head(bucket, number);
        self.count += 1;
        if self.count > PER_BUCKET * self.heads.len() {
            self.grow();
        }
        Ok(number)
    }

    /// A new cell that is found by its number only.
    pub fn add_apart(&mut self, kind: usize, key: &[u8]) -> Result<Number, Full> {
        let run = self.runs.get_mut(kind).ok_or(Full)?;
        let number = run.take(kind)?;
        put(run.at_mut(number), 0, NOTHING);
        put_bytes(run.at_mut(number), KEY_AT, key);
        Ok(number)
    }

    /// Take a cell that `add` made out of its bucket, and forget all it held.
    pub fn remove(&mut self, number: Number) {
        let bucket = self.bucket(self.hashed(self.key(number)));
        let (mut before, mut found) = (NOTHING, self.head(bucket));
        while found != number && found != NOTHING {
            (before, found) = (found, self.next(found));
        }
        let after = self.next(number);
        if before == NOTHING {
            self.set_head(bucket, after);
        } else {
            self.set_next(before, after);
        }
        self.count -= 1;
        self.remove_apart(number);
    }

    /// Forget all that a cell held that `add_apart` made.
    pub fn remove_apart(&mut self, number: Number) {
        let Some(run) = self.runs.get_mut(kind_of(number)) else { return };
        let free = std::mem::replace(&mut run.free, number);
        let cell = run.at_mut(number);
        cell.fill(0);
        put(cell, 0, free);
    }

    fn next(&self, number: Number) -> Number {
        self.runs.get(kind_of(number)).map_or(NOTHING, |run| get(run.at(number), 0))
    }

    fn set_next(&mut self, number: Number, next: Number) {
        if let Some(run) = self.runs.get_mut(kind_of(number)) {
            put(run.at_mut(number), 0, next);
        }
    }

    fn head(&self, bucket: usize) -> Number {
        self.heads.get(bucket).copied().unwrap_or(NOTHING)
    }

    fn set_head(&mut self, bucket: usize, number: Number) {
        if let Some(head) = self.heads.get_mut(bucket) {
            *head = number;
        }
    }

    #[allow(clippy::cast_possible_truncation)] // any part of a hash is one
    fn hashed(&self, key: &[u8]) -> usize {
        #[cfg(test)]
        if self.all_in_one_bucket {
            return 7;
        }
        self.hashing.hash_one(key) as usize
    }

    fn bucket(&self, hashed: usize) -> usize {
        let bucket = hashed & self.mask;
        if bucket >= self.split { bucket } else { hashed & (2 * self.mask + 1) }
    }

    /// Divide one bucket between itself and a new last one.
    fn grow(&mut self) {
        let bit = self.mask + 1;
        let (mut stays, mut goes) = (NOTHING, NOTHING);
        let mut number = self.head(self.split);
        while number != NOTHING {
            let after = self.next(number);
            let chain =
                if self.hashed(self.key(number)) & bit == 0 { &mut stays } else { &mut goes };
            let next = std::mem::replace(chain, number);
            self.set_next(number, next);
            number = after;
        }
        self.set_head(self.split, stays);
        self.heads.push(goes);
        self.split += 1;
        if self.split == bit {
            (self.mask, self.split) = (2 * self.mask + 1, 0);
        }
    }

    /// Whether these bytes stand anywhere, in a living cell or in a dead one.
    #[cfg(test)]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let mut chunks = self.runs.iter().flat_map(|run| &run.chunks);
        chunks.any(|chunk| chunk.windows(bytes.len()).any(|part| part == bytes))
    }

    /// Bytes of all chunks.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.runs.iter().flat_map(|run| &run.chunks).map(|chunk| chunk.len()).sum()
    }
}

/// A number of 32 bits in a cell; zero if there is none.
pub fn get(cell: &[u8], at: usize) -> u32 {
    let bytes = cell.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_le_bytes)
}

/// Write one.
pub fn put(cell: &mut [u8], at: usize, number: u32) {
    put_bytes(cell, at, &number.to_le_bytes());
}

/// An instant or another number of 64 bits in a cell.
pub fn get_i64(cell: &[u8], at: usize) -> i64 {
    let bytes = cell.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, i64::from_le_bytes)
}

/// Write bytes into a cell.
pub fn put_bytes(cell: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(there) = cell.get_mut(at..at + bytes.len()) {
        there.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_growth_touches_more_than_one_bucket() {
        let mut cells = Cells::new(&[(8, 0)]);
        for number in 0..20_000u64 {
            let before = cells.heads.clone();
            cells.add(0, &number.to_be_bytes()).unwrap();
            let changed = before.iter().zip(&cells.heads).filter(|(one, other)| one != other);
            assert!(number % 500 != 0 || changed.count() <= 2);
        }
        assert!((0..20_000u64).all(|number| cells.find(&number.to_be_bytes()) != NOTHING));
    }

    #[test]
    fn room_that_was_given_back_is_used_again() {
        let mut cells = Cells::new(&[(8, 4)]);
        for number in 0..5_000u64 {
            let made = cells.add(0, &number.to_be_bytes()).unwrap();
            assert_eq!(cells.payload(made), [0; 4]);
            cells.payload_mut(made).fill(9);
            cells.remove(made);
        }
        assert_eq!(cells.room(), CELLS_A_CHUNK * 16);
    }
}
