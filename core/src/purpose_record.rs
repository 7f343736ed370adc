//! Purpose records: the JSON that one route leaves of one envelope, and what it leaves with.

use crate::columns::{Columns, Stretch};
use crate::cursor::Span;
use crate::devices::{Headers, Stamp};
use crate::envelope::write_words;
use crate::instants;
use crate::number::Number;
use crate::paths::Paths;
use crate::register::{Form, Register};
use crate::registers::Work;
use crate::tables::{Kind, RouteStep};

const ID_BYTES: usize = 16;

/// One purpose record, ready for its topic. Headers: the id, the fixed ones, the end, the readings.
pub struct Record<'a> {
    /// The number of the route that it leaves through.
    pub route: u32,
    /// Of its topic.
    pub partition: u32,
    /// The pseudonym.
    pub key: &'a [u8],
    /// The record as JSON.
    pub value: &'a [u8],
    /// Hexadecimal.
    pub id: &'a [u8],
    /// Headers that many links share.
    pub fixed: &'a Headers,
    /// Headers of this link alone.
    pub own: &'a Headers,
    /// When its life ends, as a header says it.
    pub expires_at: &'a [u8],
    /// How many it stands for.
    pub readings: usize,
}

/// Where records go.
pub trait Sink {
    /// Take one record.
    fn put(&mut self, record: &Record<'_>);
}

/// What is written of one envelope, so that routes that keep the same write it once.
#[derive(Default)]
pub struct Writer {
    /// The record that was written last.
    pub out: Vec<u8>,
    texts: Vec<u8>,
    /// By register: the list of its values.
    values: Vec<Option<Span>>,
    /// Lists of floored times, by times and floor.
    times: Vec<(Stretch, i64, Span)>,
}

/// What a record is written of, but for its route.
pub struct Source<'a> {
    /// The text.
    pub envelope: &'a [u8],
    /// Times and values of every register.
    pub columns: &'a Columns,
    /// Trouble codes, as they stand in the text.
    pub codes: &'a [Span],
    /// The registers.
    pub work: &'a Work,
    /// What words a signal allows.
    pub paths: &'a Paths,
    /// What times are counted from.
    pub t0_ms: i64,
    /// No time lies above this.
    pub high_ms: i64,
}

impl Writer {
    /// Begin another envelope.
    pub fn clear(&mut self) {
        self.texts.clear();
        self.values.clear();
        self.times.clear();
    }

    /// Write a route's record into `out`; how many readings it stands for. 0: there is none.
    pub fn write(&mut self, route: &RouteStep, stamp: &Stamp, source: &Source<'_>) -> usize {
        let start_ms = source.t0_ms.div_euclid(route.floor_ms) * route.floor_ms;
        self.out.clear();
        self.out.extend_from_slice(b"{\"v\":1,\"pseudonym\":\"");
        self.out.extend_from_slice(&stamp.text);
        self.out.extend_from_slice(b"\",\"t0\":\"");
        instants::write(start_ms, &mut self.out);
        self.out.extend_from_slice(b"\",\"series\":{");
        let mut readings = 0;
        for column in &route.columns {
            let Ok(register) = source.work.register(column.register) else { continue };
            if register.len() == 0 {
                continue;
            }
            if readings > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&column.head);
            let times = self.times_text(&register, route.floor_ms, source);
            self.out.extend_from_slice(times.of(&self.texts));
            self.out.extend_from_slice(b",\"value\":");
            let values = self.values_text(column.register, &register, source);
            self.out.extend_from_slice(values.of(&self.texts));
            self.out.push(b'}');
            readings += if column.mesh { 2 } else { 1 } * register.len();
        }
        self.out.push(b'}');
        if route.trouble_codes && !source.codes.is_empty() {
            self.out.extend_from_slice(b",\"dtc\":");
            write_words(source.envelope, source.codes, &mut self.out);
            readings += source.codes.len();
        }
        self.out.push(b'}');
        readings
    }

    fn times_text(&mut self, register: &Register, floor_ms: i64, source: &Source<'_>) -> Span {
        let known = self
            .times
            .iter()
            .find(|(times, floor, _)| (*times, *floor) == (register.times, floor_ms));
        if let Some((_, _, text)) = known {
            return *text;
        }
        let from = self.texts.len();
        let times = register.times.of(&source.columns.times);
        write_floored(times, source, floor_ms, &mut self.texts);
        let text = Span { from, to: self.texts.len() };
        self.times.push((register.times, floor_ms, text));
        text
    }

    fn values_text(&mut self, number: u32, register: &Register, source: &Source<'_>) -> Span {
        let number = number as usize;
        if self.values.len() <= number {
            self.values.resize(source.work.registers.len(), None);
        }
        if let Some(Some(text)) = self.values.get(number) {
            return *text;
        }
        let from = self.texts.len();
        write_values(register, source, &mut self.texts);
        let text = Span { from, to: self.texts.len() };
        if let Some(known) = self.values.get_mut(number) {
            *known = Some(text);
        }
        text
    }
}

/// The list of times after the floored t0, floored themselves.
fn write_floored(times: &[i32], source: &Source<'_>, floor_ms: i64, out: &mut Vec<u8>) {
    let into_ms = source.t0_ms.rem_euclid(floor_ms);
    out.push(b'[');
    if into_ms + source.high_ms < floor_ms {
        for _ in times {
            out.extend_from_slice(b"0,");
        }
    } else {
        let mut digits = itoa::Buffer::new();
        // Neighbours mostly share a bin.
        let (mut bin_ms, mut text) = (i64::MIN, "");
        for &delta in times {
            let after_ms = into_ms + i64::from(delta);
            if !(bin_ms..bin_ms.saturating_add(floor_ms)).contains(&after_ms) || text.is_empty() {
                bin_ms = after_ms.div_euclid(floor_ms) * floor_ms;
                text = digits.format(bin_ms);
            }
            out.extend_from_slice(text.as_bytes());
            out.push(b',');
        }
    }
    if let Some(last) = out.last_mut() {
        *last = b']';
    }
}

fn write_values(register: &Register, source: &Source<'_>, out: &mut Vec<u8>) {
    out.push(b'[');
    for &value in register.values.of(&source.columns.values) {
        match register.form {
            Form::Whole => value.write(out),
            Form::Float => value.write_float(out),
            Form::Boolean => {
                out.extend_from_slice(if value.mantissa == 0 { b"false" } else { b"true" });
            }
            Form::Word(known) => write_word(source.paths, known, value, out),
            Form::Cell => write_cell(&source.work.cells, value, out),
        }
        out.push(b',');
    }
    if let Some(last) = out.last_mut() {
        *last = b']';
    }
}

fn write_word(paths: &Paths, known: u16, value: Number, out: &mut Vec<u8>) {
    let collected = paths.get(known).ok().and_then(|one| one.collected.as_ref());
    if let Some(Kind::Word(allowed)) = collected.map(|signal| &signal.kind) {
        let word = usize::try_from(value.mantissa).ok().and_then(|place| allowed.get(place));
        out.push(b'"');
        out.extend_from_slice(word.map_or(b"", |word| word.as_bytes()));
        out.push(b'"');
    }
}

fn write_cell(cells: &[u8], value: Number, out: &mut Vec<u8>) {
    let from = usize::try_from(value.mantissa).unwrap_or(usize::MAX);
    let to = from.saturating_add(usize::from(value.scale));
    out.push(b'"');
    out.extend_from_slice(cells.get(from..to).unwrap_or_default());
    out.push(b'"');
}

/// The id of a record: keyed `BLAKE2b` of the envelope's content, hexadecimal.
#[must_use]
pub fn record_id(key: &[u8], content: &[u8]) -> [u8; 2 * ID_BYTES] {
    let digest = blake2b_simd::Params::new().hash_length(ID_BYTES).key(key).hash(content);
    let mut text = [0; 2 * ID_BYTES];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest.as_bytes()) {
        for (digit, half) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = if half < 10 { b'0' + half } else { b'a' + half - 10 };
        }
    }
    text
}
