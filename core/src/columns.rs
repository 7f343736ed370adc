//! An envelope's columns: read, typed and judged by the signals' ranges.

use crate::cursor::{Cursor, Seen, Span};
use crate::lists::{Canonical, read_list};
use crate::number::{self, Number};
use crate::paths::Paths;
use crate::tables::Kind;
use crate::unusual::{Unusual, Usual};

/// Readings up to ten minutes after t0 are usual.
pub const SPAN_MS: i64 = 600_000;
const COLUMNS_MAX: usize = 256;
const READINGS_PER_COLUMN_MAX: usize = 2_000;
const UNIT_MAX: usize = 32;

/// A stretch of times or values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    pub from: usize,
    pub to: usize,
}

impl Stretch {
    pub fn len(self) -> usize {
        self.to - self.from
    }

    pub fn of<T>(self, all: &[T]) -> &[T] {
        all.get(self.from..self.to).unwrap_or_default()
    }
}

/// One column: its path's number, its readings, and its canonical text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Column {
    pub known: u16,
    /// The place in a tally row; None: counted, and kept by no output.
    pub place: Option<u16>,
    pub times: Stretch,
    pub values: Stretch,
    pub unit: Span,
    pub times_text: Canonical,
    pub values_text: Canonical,
}

/// The columns of one envelope; kept from one to the next, so that nothing is allocated.
#[derive(Default)]
pub struct Columns {
    /// In the order of their paths.
    pub all: Vec<Column>,
    /// Milliseconds after t0.
    pub times: Vec<i32>,
    /// Numbers; 0 and 1 for booleans, the place among the allowed ones for words.
    pub values: Vec<Number>,
    /// Canonical texts that differ from what was sent.
    pub aside: Vec<u8>,
    /// Readings of columns that no output keeps.
    pub not_collected: usize,
    last_times: (Span, Stretch, Canonical),
}

impl Columns {
    pub fn clear(&mut self) {
        self.all.clear();
        self.times.clear();
        self.values.clear();
        self.aside.clear();
        self.not_collected = 0;
        self.last_times = Default::default();
    }

    /// Read ``series``.
    pub fn read(&mut self, cursor: &mut Cursor<'_>, paths: &mut Paths) -> Usual<()> {
        cursor.object(|cursor, path| {
            let known = paths.number(path, self.all.len())?;
            let column = self.column(cursor, paths, known)?;
            self.all.push(column);
            if self.all.len() > COLUMNS_MAX { Err(Unusual) } else { Ok(()) }
        })?;
        if !self.all.is_sorted_by(|one, other| one.known < other.known) {
            self.all.sort_unstable_by_key(|column| column.known);
            if !self.all.is_sorted_by(|one, other| one.known < other.known) {
                return Err(Unusual);
            }
        }
        Ok(())
    }

    /// All readings, those that no output keeps included.
    pub fn readings(&self) -> usize {
        self.all.iter().map(|column| column.times.len()).sum()
    }

    fn column(&mut self, cursor: &mut Cursor<'_>, paths: &Paths, known: u16) -> Usual<Column> {
        let collected = paths.get(known)?.collected.as_ref();
        let mut seen = Seen::default();
        let place = collected.map(|signal| signal.place);
        let mut column = Column { known, place, ..Column::default() };
        let mut count = 0;
        cursor.object(|cursor, name| match name {
            b"unit" => {
                seen.once(0)?;
                column.unit = cursor.string_of(0, UNIT_MAX)?;
                let wrong =
                    collected.is_some_and(|signal| signal.unit != column.unit.of(cursor.text));
                if wrong { Err(Unusual) } else { Ok(()) }
            }
            b"dt" => {
                seen.once(1)?;
                (column.times, column.times_text) = self.read_times(cursor)?;
                Ok(())
            }
            b"value" => {
                seen.once(2)?;
                let from = self.values.len();
                column.values_text = match collected {
                    Some(signal) => self.read_values(cursor, &signal.kind)?,
                    None => self.read_unkept(cursor, &mut count)?,
                };
                column.values = Stretch { from, to: self.values.len() };
                Ok(())
            }
            _ => Err(Unusual),
        })?;
        if collected.is_some() {
            count = column.values.len();
        } else {
            self.not_collected += count;
        }
        let whole = seen.has(0) && seen.has(1) && seen.has(2) && count == column.times.len();
        if whole && count <= READINGS_PER_COLUMN_MAX { Ok(column) } else { Err(Unusual) }
    }

    /// Columns mostly share their times: what is written alike is read once.
    fn read_times(&mut self, cursor: &mut Cursor<'_>) -> Usual<(Stretch, Canonical)> {
        cursor.skip();
        let (written, stretch, text) = self.last_times;
        if written.len() > 0 && cursor.word(written.of(cursor.text)) {
            return Ok((stretch, text));
        }
        let (start, from) = (cursor.place, self.times.len());
        let times = &mut self.times;
        let text = read_list(cursor, &mut self.aside, |cursor, _, _| {
            let delta = cursor.count()?;
            if delta > SPAN_MS {
                return Err(Unusual);
            }
            times.push(i32::try_from(delta).map_err(|_| Unusual)?);
            Ok(())
        })?;
        let stretch = Stretch { from, to: self.times.len() };
        self.last_times = (Span { from: start, to: cursor.place }, stretch, text);
        Ok((stretch, text))
    }

    fn read_values(&mut self, cursor: &mut Cursor<'_>, kind: &Kind) -> Usual<Canonical> {
        let (values, aside) = (&mut self.values, &mut self.aside);
        match kind {
            Kind::Float { low, high } => read_list(cursor, aside, |cursor, copying, aside| {
                let value = read_number(cursor, copying, aside)?;
                values.push(value);
                let float = value.float();
                if *low <= float && float <= *high { Ok(()) } else { Err(Unusual) }
            }),
            Kind::Whole { low, high } => read_list(cursor, aside, |cursor, copying, aside| {
                let value = read_number(cursor, copying, aside)?;
                values.push(value);
                let fits = value.scale == 0 && (*low..=*high).contains(&value.mantissa);
                if fits { Ok(()) } else { Err(Unusual) }
            }),
            Kind::Boolean => read_list(cursor, aside, |cursor, _, _| {
                values.push(Number::whole(i64::from(cursor.boolean()?)));
                Ok(())
            }),
            Kind::Word(allowed) => read_list(cursor, aside, |cursor, _, _| {
                let word = cursor.string()?.of(cursor.text);
                let place = allowed.iter().position(|one| one.as_bytes() == word).ok_or(Unusual)?;
                values.push(Number::whole(i64::try_from(place).map_err(|_| Unusual)?));
                Ok(())
            }),
        }
    }

    /// Values that are counted and left: no more is asked of them than a canonical text.
    fn read_unkept(&mut self, cursor: &mut Cursor<'_>, count: &mut usize) -> Usual<Canonical> {
        read_list(cursor, &mut self.aside, |cursor, copying, aside| {
            *count += 1;
            match cursor.text.get(cursor.place) {
                Some(b'"') => cursor.string().map(|_| ()),
                Some(b't' | b'f') => cursor.boolean().map(|_| ()),
                Some(b'n') => {
                    if cursor.word(b"null") {
                        Ok(())
                    } else {
                        Err(Unusual)
                    }
                }
                _ => read_number(cursor, copying, aside).map(|_| ()),
            }
        })
    }
}

#[inline]
fn read_number(
    cursor: &mut Cursor<'_>,
    copying: &mut crate::lists::Copying,
    aside: &mut Vec<u8>,
) -> Usual<Number> {
    let start = cursor.place;
    let read = number::read(cursor.text, start)?;
    cursor.place = read.end;
    if let Some(end) = read.canonical_end {
        copying.leave_out(cursor.text, end, read.end, aside);
    } else {
        let between = Span { from: start, to: read.end };
        copying.replace(cursor.text, between, aside, |out| read.number.write(out));
    }
    Ok(read.number)
}
