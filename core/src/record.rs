//! One record of a Kafka batch, in the format of version 2: what it holds, and its bytes.
//!
//! Source: Kafka's protocol guide, "Record"; the record's own attributes are unused there.

use crate::varint;

/// Headers that many records share, encoded once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadyHeaders {
    count: i64,
    bytes: Vec<u8>,
}

impl ReadyHeaders {
    /// Encode one more header behind those that are there.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        self.count += 1;
        put_header(&mut self.bytes, key, value);
    }
}

/// Some of a record's headers, in their place among the others.
#[derive(Clone, Copy, Debug)]
pub enum Headers<'a> {
    /// One header: its key, which is UTF-8, and its value.
    One(&'a [u8], &'a [u8]),
    /// Headers that were encoded before.
    Ready(&'a ReadyHeaders),
}

/// What a record holds. No key, or no value, is another thing than an empty one.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What Kafka compacts by.
    pub key: Option<&'a [u8]>,
    /// None deletes the key on a compacted topic.
    pub value: Option<&'a [u8]>,
    /// In their order.
    pub headers: &'a [Headers<'a>],
}

impl Record<'_> {
    /// The bytes that `put` writes for this record as the batch's `number`-th, counted from 0.
    #[must_use]
    pub fn encoded_len(&self, number: u32) -> usize {
        let body = self.body_len(number);
        varint::len(signed(body)) + body
    }

    /// Append the record's bytes to `to`. Its time is the batch's.
    pub fn put(&self, to: &mut Vec<u8>, number: u32) {
        varint::put(to, signed(self.body_len(number)));
        to.push(0); // attributes
        to.push(0); // milliseconds after the batch's time
        varint::put(to, i64::from(number));
        put_bytes(to, self.key);
        put_bytes(to, self.value);
        varint::put(to, self.header_count());
        for some in self.headers {
            match some {
                Headers::One(key, value) => put_header(to, key, value),
                Headers::Ready(ready) => to.extend_from_slice(&ready.bytes),
            }
        }
    }

    fn body_len(&self, number: u32) -> usize {
        2 + varint::len(i64::from(number))
            + bytes_len(self.key)
            + bytes_len(self.value)
            + varint::len(self.header_count())
            + self.headers.iter().map(Headers::len).sum::<usize>()
    }

    fn header_count(&self) -> i64 {
        self.headers.iter().map(Headers::count).sum()
    }
}

impl Headers<'_> {
    fn len(&self) -> usize {
        match self {
            Headers::One(key, value) => bytes_len(Some(key)) + bytes_len(Some(value)),
            Headers::Ready(ready) => ready.bytes.len(),
        }
    }

    const fn count(&self) -> i64 {
        match self {
            Headers::One(..) => 1,
            Headers::Ready(ready) => ready.count,
        }
    }
}

fn put_header(to: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    put_bytes(to, Some(key));
    put_bytes(to, Some(value));
}

fn put_bytes(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::put(to, -1),
        Some(bytes) => {
            varint::put(to, signed(bytes.len()));
            to.extend_from_slice(bytes);
        }
    }
}

fn bytes_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint::len(signed(bytes.len())) + bytes.len())
}

#[allow(clippy::cast_possible_wrap)] // no slice is longer than half of the address space
const fn signed(length: usize) -> i64 {
    length as i64
}
