//! The value of one usual purpose record, as our own writers write it: members in their order,
//! without white space or escapes.

use super::decimal;
use super::held::{Ends, Held, Run, Values};
use super::stamp::{Arrived, INSTANT_MS_MAX};
use crate::cursor::{Cursor, Span};
use crate::instants::{self, DAY_MS};
use crate::unusual::{Unusual, Usual};

/// The path under which trouble codes are governed.
pub const TROUBLE_CODES: &[u8] = b"Vehicle.OBD.DTCList";
const VALUE_BYTES_MAX: usize = 512 * 1024;
const RUNS_MAX: usize = 512;
/// Of a signal, a unit, a text or a pseudonym: no longer one is usual, so that few take much memory.
const TEXT_BYTES_MAX: usize = 256;
/// A day of an envelope, and a month that a floor may move a reading by.
const DELTA_MS_MAX: i64 = DAY_MS + 31 * DAY_MS;

/// Read the value: its runs go behind those that are held; the number of its pseudonym.
///
/// # Errors
/// If it is unusual: what it left behind is to be rolled back.
pub fn value(arrived: &Arrived<'_>, held: &mut Held) -> Usual<u32> {
    let text = arrived.value;
    if text.len() > VALUE_BYTES_MAX {
        return Err(Unusual);
    }
    let mut cursor = Cursor::new(text);
    pass(&mut cursor, b"{\"v\":1,\"pseudonym\":")?;
    if string(&mut cursor)?.of(text) != arrived.key {
        return Err(Unusual);
    }
    pass(&mut cursor, b",\"t0\":")?;
    let t0_ms = instants::read(string(&mut cursor)?.of(text))?;
    if !(DELTA_MS_MAX..=INSTANT_MS_MAX - DELTA_MS_MAX).contains(&t0_ms) {
        return Err(Unusual);
    }
    pass(&mut cursor, b",\"series\":{")?;
    let first = held.runs.len();
    if !cursor.word(b"}") {
        loop {
            series(&mut cursor, t0_ms, held, first)?;
            if !cursor.word(b",") {
                break;
            }
        }
        pass(&mut cursor, b"}")?;
    }
    if cursor.word(b",\"dtc\":[") && !cursor.word(b"]") {
        codes(&mut cursor, t0_ms, held, first)?;
    }
    pass(&mut cursor, b"}")?;
    if cursor.place != text.len() {
        return Err(Unusual);
    }
    held.words.code(arrived.key)
}

fn series(cursor: &mut Cursor<'_>, t0_ms: i64, held: &mut Held, first: usize) -> Usual<()> {
    let signal = name(cursor, held)?;
    pass(cursor, b":{\"unit\":")?;
    let unit = name(cursor, held)?;
    pass(cursor, b",\"dt\":[")?;
    let from = held.times.len();
    loop {
        let (delta_ms, end) = decimal::read_whole(cursor.text, cursor.place)?;
        if !(-DELTA_MS_MAX..=DELTA_MS_MAX).contains(&delta_ms) {
            return Err(Unusual);
        }
        cursor.place = end;
        held.times.push(t0_ms + delta_ms);
        if !cursor.word(b",") {
            break;
        }
    }
    let times = Ends { from, to: held.times.len() };
    pass(cursor, b"],\"value\":[")?;
    let values = if cursor.text.get(cursor.place) == Some(&b'"') {
        Values::Texts(texts(cursor, held)?)
    } else {
        Values::Numbers(numbers(cursor, held)?)
    };
    pass(cursor, b"]}")?;
    put(held, Run { signal, unit, times, values }, first)
}

fn numbers(cursor: &mut Cursor<'_>, held: &mut Held) -> Usual<Ends> {
    let from = held.numbers.len();
    loop {
        let number = match cursor.text.get(cursor.place) {
            Some(b't') if cursor.word(b"true") => 1.0,
            Some(b'f') if cursor.word(b"false") => 0.0,
            _ => {
                let (number, end) = decimal::read(cursor.text, cursor.place)?;
                cursor.place = end;
                number
            }
        };
        held.numbers.push(number);
        if !cursor.word(b",") {
            return Ok(Ends { from, to: held.numbers.len() });
        }
    }
}

fn texts(cursor: &mut Cursor<'_>, held: &mut Held) -> Usual<Ends> {
    let from = held.texts.len();
    loop {
        let span = string(cursor)?;
        let code = held.words.code(span.of(cursor.text))?;
        held.texts.push(code);
        if !cursor.word(b",") {
            return Ok(Ends { from, to: held.texts.len() });
        }
    }
}

/// Trouble codes, a run of their own: the list has begun, and is not empty.
fn codes(cursor: &mut Cursor<'_>, t0_ms: i64, held: &mut Held, first: usize) -> Usual<()> {
    let found = texts(cursor, held)?;
    pass(cursor, b"]")?;
    let from = held.times.len();
    held.times.resize(from + found.count(), t0_ms);
    let times = Ends { from, to: held.times.len() };
    let (signal, unit) = (held.names.code(TROUBLE_CODES)?, held.names.code(b"")?);
    put(held, Run { signal, unit, times, values: Values::Texts(found) }, first)
}

/// A run behind those of its record, which begin at `first`: none of them has its signal.
fn put(held: &mut Held, run: Run, first: usize) -> Usual<()> {
    let length = match run.values {
        Values::Numbers(ends) | Values::Texts(ends) => ends.count(),
    };
    let mine = held.runs.get(first..).unwrap_or_default();
    let twice = mine.iter().any(|before| before.signal == run.signal);
    if length != run.times.count() || twice || mine.len() >= RUNS_MAX {
        return Err(Unusual);
    }
    held.runs.push(run);
    Ok(())
}

fn name(cursor: &mut Cursor<'_>, held: &mut Held) -> Usual<u32> {
    let span = string(cursor)?;
    held.names.code(span.of(cursor.text))
}

/// What stands between the quotation marks of a string without escapes; it is sound UTF-8.
fn string(cursor: &mut Cursor<'_>) -> Usual<Span> {
    pass(cursor, b"\"")?;
    let from = cursor.place;
    let mut plain = true;
    loop {
        match cursor.text.get(cursor.place) {
            Some(b'"') => break,
            Some(b'\\' | 0..=0x1f) | None => return Err(Unusual),
            Some(byte) => plain &= byte.is_ascii(),
        }
        cursor.place += 1;
    }
    let span = Span { from, to: cursor.place };
    if span.to - span.from > TEXT_BYTES_MAX {
        return Err(Unusual);
    }
    cursor.place += 1;
    if plain || std::str::from_utf8(span.of(cursor.text)).is_ok() { Ok(span) } else { Err(Unusual) }
}

#[inline]
fn pass(cursor: &mut Cursor<'_>, word: &[u8]) -> Usual<()> {
    if cursor.word(word) { Ok(()) } else { Err(Unusual) }
}
