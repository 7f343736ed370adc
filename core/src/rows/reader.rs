//! The value of one usual purpose record, as our own writers write it: members in their order,
//! without white space or escapes.

use super::decimal;
use super::held::{Ends, Held, NONE, Run, Values};
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
    if !mark(&mut cursor, b'}') {
        loop {
            series(&mut cursor, t0_ms, held, first)?;
            if !mark(&mut cursor, b',') {
                break;
            }
        }
        pass(&mut cursor, b"}")?;
    }
    if pass(&mut cursor, b",\"dtc\":[").is_ok() && !mark(&mut cursor, b']') {
        codes(&mut cursor, t0_ms, held, first)?;
    }
    pass(&mut cursor, b"}")?;
    if cursor.place != text.len() {
        return Err(Unusual);
    }
    held.words.code(arrived.key)
}

fn series(cursor: &mut Cursor<'_>, t0_ms: i64, held: &mut Held, first: usize) -> Usual<()> {
    // Most likely it is what the record before has in its place.
    let likely = likely(held, first);
    let signal = name(cursor, held, likely.0)?;
    pass(cursor, b":{\"unit\":")?;
    let unit = name(cursor, held, likely.1)?;
    pass(cursor, b",\"dt\":[")?;
    let from = held.times.len();
    loop {
        let (delta_ms, end) = decimal::read_whole(cursor.text, cursor.place)?;
        if !(-DELTA_MS_MAX..=DELTA_MS_MAX).contains(&delta_ms) {
            return Err(Unusual);
        }
        cursor.place = end;
        held.times.push(t0_ms + delta_ms);
        if !mark(cursor, b',') {
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
        if !mark(cursor, b',') {
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
        if !mark(cursor, b',') {
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

/// Signal and unit of the run in the same place of the record before; NONE without one.
fn likely(held: &Held, first: usize) -> (u32, u32) {
    let before = held.records.last().map(|record| record.runs);
    let nth = held.runs.len() - first;
    let run = before.and_then(|runs| runs.of(&held.runs).get(nth));
    run.map_or((NONE, NONE), |run| (run.signal, run.unit))
}

/// The number of a name, which most likely is this one.
#[inline]
fn name(cursor: &mut Cursor<'_>, held: &mut Held, likely: u32) -> Usual<u32> {
    let rest = cursor.text.get(cursor.place..).unwrap_or_default();
    let known = held.names.known(likely);
    let found = known.filter(|known| is_string(rest, known));
    if let Some(known) = found {
        cursor.place += known.len() + 2;
        return Ok(likely);
    }
    let span = string(cursor)?;
    held.names.code(span.of(cursor.text))
}

/// Whether a text begins with this one between quotation marks.
#[inline]
fn is_string(text: &[u8], between: &[u8]) -> bool {
    let [b'"', rest @ ..] = text else { return false };
    rest.get(between.len()) == Some(&b'"') && rest.starts_with(between)
}

/// What stands between the quotation marks of a string without escapes; it is sound UTF-8.
fn string(cursor: &mut Cursor<'_>) -> Usual<Span> {
    pass(cursor, b"\"")?;
    let from = cursor.place;
    let rest = cursor.text.get(from..).unwrap_or_default();
    let length =
        rest.iter().take(TEXT_BYTES_MAX + 1).position(|&byte| byte == b'"').ok_or(Unusual)?;
    let span = Span { from, to: from + length };
    let found = span.of(cursor.text);
    // All of it is looked at, whatever comes: that is faster than to stop.
    if found.iter().filter(|&&byte| byte == b'\\' || byte < 0x20).count() > 0 {
        return Err(Unusual);
    }
    cursor.place = span.to + 1;
    let sound = found.is_ascii() || std::str::from_utf8(found).is_ok();
    if sound { Ok(span) } else { Err(Unusual) }
}

/// Pass over this word, or stay.
#[inline]
fn pass<const N: usize>(cursor: &mut Cursor<'_>, word: &[u8; N]) -> Usual<()> {
    let rest = cursor.text.get(cursor.place..).and_then(<[u8]>::first_chunk::<N>);
    if rest != Some(word) {
        return Err(Unusual);
    }
    cursor.place += N;
    Ok(())
}

/// Whether this mark is next; it is passed over then.
#[inline]
fn mark(cursor: &mut Cursor<'_>, mark: u8) -> bool {
    let found = cursor.text.get(cursor.place) == Some(&mark);
    cursor.place += usize::from(found);
    found
}
