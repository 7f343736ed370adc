//! The usual envelope: read strictly, with the digest of what it says.
//!
//! Whatever `telemetry/wire/envelope.py` allows and is not usual is for the exact path, as is all
//! that it refuses. Which is which nobody has to know here.

use crate::columns::Columns;
use crate::cursor::{Cursor, Seen, Span};
use crate::instants;
use crate::lists::Canonical;
use crate::paths::Paths;
use crate::unusual::{Unusual, Usual};

const BYTES_MAX: usize = 256 * 1024;
const READINGS_MAX: usize = 10_000;
const CODES_MAX: usize = 64;
const OPAQUE_MAX: usize = 64;
const ID_MIN: usize = 16;
pub const DIGEST_BYTES: usize = 16;

/// One envelope: who, when, and what its text says.
pub struct Envelope {
    pub id: Span,
    pub device: Span,
    /// The source that it names.
    pub source: Option<Span>,
    pub t0_ms: i64,
    pub trip_started_ms: Option<i64>,
    pub content: [u8; DIGEST_BYTES],
}

/// Members as they stand in the text; what is absent is not part of what is said.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // each says that a member is there
struct Members {
    id: Option<Span>,
    device: Option<Span>,
    boot: Option<Span>,
    seat: Option<Span>,
    source: Option<Span>,
    sequence: Option<Span>,
    t0: Option<(Span, i64)>,
    quality: Option<Span>,
    trip: Option<Span>,
    trip_started: Option<(Span, i64)>,
    version: bool,
    has_series: bool,
    has_frames: bool,
    has_codes: bool,
}

/// What the reading of one envelope fills; kept from one to the next.
#[derive(Default)]
pub struct Sheet {
    pub columns: Columns,
    pub codes: Vec<Span>,
    text: Vec<u8>,
}

impl Sheet {
    /// Read one raw record's value.
    pub fn read(&mut self, value: &[u8], paths: &mut Paths) -> Usual<Envelope> {
        if value.len() > BYTES_MAX {
            return Err(Unusual);
        }
        self.columns.clear();
        self.codes.clear();
        let mut cursor = Cursor::new(value);
        let members = self.members(&mut cursor, paths)?;
        let readings = self.columns.readings() + self.codes.len();
        if !cursor.is_done() || !members.version || readings == 0 || readings > READINGS_MAX {
            return Err(Unusual);
        }
        let (_, t0_ms) = members.t0.ok_or(Unusual)?;
        let (id, device) = (members.id.ok_or(Unusual)?, members.device.ok_or(Unusual)?);
        let trip_started_ms = members.trip_started.map(|(_, instant_ms)| instant_ms);
        let content = self.digest(value, &members, paths)?;
        let source = members.source;
        Ok(Envelope { id, device, source, t0_ms, trip_started_ms, content })
    }

    fn members(&mut self, cursor: &mut Cursor<'_>, paths: &mut Paths) -> Usual<Members> {
        let mut found = Members::default();
        let mut seen = Seen::default();
        cursor.object(|cursor, name| match name {
            b"v" => {
                seen.once(0)?;
                found.version = cursor.count()? == 1;
                Ok(())
            }
            b"id" => {
                seen.once(1)?;
                found.id = Some(cursor.string_of(ID_MIN, OPAQUE_MAX)?);
                Ok(())
            }
            b"device" => {
                seen.once(2)?;
                found.device = Some(cursor.string_of(1, OPAQUE_MAX)?);
                Ok(())
            }
            b"boot" => {
                seen.once(3)?;
                found.boot = Some(cursor.string_of(0, OPAQUE_MAX)?);
                Ok(())
            }
            b"seq" => {
                seen.once(4)?;
                cursor.skip();
                let from = cursor.place;
                cursor.count()?;
                found.sequence = Some(Span { from, to: cursor.place });
                Ok(())
            }
            b"resend" => {
                seen.once(5)?;
                cursor.boolean().map(|_| ())
            }
            b"sent_at" => {
                seen.once(6)?;
                instant(cursor).map(|_| ())
            }
            b"seat" => {
                seen.once(7)?;
                found.seat = Some(cursor.one_of(&[b"driver", b"passenger", b"unknown"])?);
                Ok(())
            }
            b"clock" => {
                seen.once(8)?;
                read_clock(cursor, &mut found)
            }
            b"trip" => {
                seen.once(9)?;
                read_trip(cursor, &mut found)
            }
            b"frames" => {
                seen.once(10)?;
                found.has_frames = true;
                cursor.expect(b'[')?;
                cursor.expect(b']')
            }
            b"dtc" => {
                seen.once(11)?;
                found.has_codes = true;
                read_codes(cursor, &mut self.codes)
            }
            b"series" => {
                seen.once(12)?;
                found.has_series = true;
                self.columns.read(cursor, paths)
            }
            b"source" => {
                seen.once(13)?;
                found.source = Some(cursor.string()?);
                Ok(())
            }
            _ => Err(Unusual),
        })?;
        Ok(found)
    }

    /// The digest of `telemetry/wire/envelope_content.py`: names in order, no spaces, plain numbers.
    fn digest(&mut self, value: &[u8], said: &Members, paths: &Paths) -> Usual<[u8; DIGEST_BYTES]> {
        let out = &mut self.text;
        out.clear();
        let quoted = |name: &[u8], span: Option<Span>, out: &mut Vec<u8>| {
            if let Some(span) = span {
                out.extend_from_slice(name);
                out.extend_from_slice(span.of(value));
                out.push(b'"');
            }
        };
        quoted(b",\"boot\":\"", said.boot, out);
        out.extend_from_slice(b",\"clock\":{");
        quoted(b"\"quality\":\"", said.quality, out);
        out.extend_from_slice(if said.quality.is_some() { b"," } else { b"" });
        quoted(b"\"t0\":\"", said.t0.map(|(span, _)| span), out);
        out.push(b'}');
        quoted(b",\"device\":\"", said.device, out);
        if said.has_codes {
            out.extend_from_slice(b",\"dtc\":");
            write_words(value, &self.codes, out);
        }
        out.extend_from_slice(if said.has_frames { b",\"frames\":[]" } else { b"" });
        quoted(b",\"id\":\"", said.id, out);
        quoted(b",\"seat\":\"", said.seat, out);
        if let Some(sequence) = said.sequence {
            out.extend_from_slice(b",\"seq\":");
            out.extend_from_slice(sequence.of(value));
        }
        if said.has_series {
            out.extend_from_slice(b",\"series\":");
            write_columns(value, &self.columns, paths, out)?;
        }
        quoted(b",\"source\":\"", said.source, out);
        if said.trip.is_some() {
            quoted(b",\"trip\":{\"id\":\"", said.trip, out);
            quoted(b",\"started\":\"", said.trip_started.map(|(span, _)| span), out);
            out.push(b'}');
        }
        out.extend_from_slice(b",\"v\":1}");
        if let Some(first) = out.first_mut() {
            *first = b'{';
        }
        let digest = blake2b_simd::Params::new().hash_length(DIGEST_BYTES).hash(out);
        digest.as_bytes().try_into().map_err(|_| Unusual)
    }
}

/// These words, each between quotation marks, as a list.
pub fn write_words(value: &[u8], words: &[Span], out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, word) in words.iter().enumerate() {
        out.extend_from_slice(if place > 0 { b",\"" } else { b"\"" });
        out.extend_from_slice(word.of(value));
        out.push(b'"');
    }
    out.push(b']');
}

fn write_columns(value: &[u8], columns: &Columns, paths: &Paths, out: &mut Vec<u8>) -> Usual<()> {
    out.push(b'{');
    let text = |canonical: Canonical, out: &mut Vec<u8>| match canonical {
        Canonical::Empty => {}
        Canonical::AsSent(span) => out.extend_from_slice(span.of(value)),
        Canonical::Aside(span) => out.extend_from_slice(span.of(&columns.aside)),
    };
    for (place, column) in columns.all.iter().enumerate() {
        out.extend_from_slice(if place > 0 { b",\"" } else { b"\"" });
        out.extend_from_slice(&paths.get(column.known)?.path);
        out.extend_from_slice(b"\":{\"dt\":");
        text(column.times_text, out);
        out.extend_from_slice(b",\"unit\":\"");
        out.extend_from_slice(column.unit.of(value));
        out.extend_from_slice(b"\",\"value\":");
        text(column.values_text, out);
        out.push(b'}');
    }
    out.push(b'}');
    Ok(())
}

fn instant(cursor: &mut Cursor<'_>) -> Usual<(Span, i64)> {
    let span = cursor.string()?;
    Ok((span, instants::read(span.of(cursor.text))?))
}

fn read_clock(cursor: &mut Cursor<'_>, found: &mut Members) -> Usual<()> {
    let mut seen = Seen::default();
    cursor.object(|cursor, name| match name {
        b"t0" => {
            seen.once(0)?;
            found.t0 = Some(instant(cursor)?);
            Ok(())
        }
        b"quality" => {
            seen.once(1)?;
            found.quality = Some(cursor.one_of(&[b"gnss", b"ntp", b"rtc", b"none"])?);
            Ok(())
        }
        _ => Err(Unusual),
    })
}

fn read_trip(cursor: &mut Cursor<'_>, found: &mut Members) -> Usual<()> {
    let mut seen = Seen::default();
    cursor.object(|cursor, name| match name {
        b"id" => {
            seen.once(0)?;
            found.trip = Some(cursor.string_of(0, OPAQUE_MAX)?);
            Ok(())
        }
        b"started" => {
            seen.once(1)?;
            found.trip_started = Some(instant(cursor)?);
            Ok(())
        }
        _ => Err(Unusual),
    })?;
    if found.trip.is_some() { Ok(()) } else { Err(Unusual) }
}

fn read_codes(cursor: &mut Cursor<'_>, codes: &mut Vec<Span>) -> Usual<()> {
    cursor.expect(b'[')?;
    if cursor.next_is(b']') {
        return Ok(());
    }
    loop {
        let code = cursor.string()?;
        if codes.len() == CODES_MAX || !is_trouble_code(code.of(cursor.text)) {
            return Err(Unusual);
        }
        codes.push(code);
        if !cursor.next_is(b',') {
            return cursor.expect(b']');
        }
    }
}

/// A code as SAE J2012 writes it.
fn is_trouble_code(text: &[u8]) -> bool {
    matches!(text, [b'P' | b'C' | b'B' | b'U', b'0'..=b'3', rest @ ..]
        if rest.len() == 3 && rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')))
}
