//! The rows of one part, in the order of every part, as columns that Arrow takes as they are.

use super::held::{Ends, Held, NONE, Record, Run, Values};
use super::ranks::{Coded, Ranks, Valid};
use crate::unusual::{Unusual, Usual};

/// The rows of records that end together, column by column.
#[allow(missing_docs)] // the names are those of the store's columns
#[derive(Default)]
pub struct Part {
    pub expires_ms: i64,
    pub rows: usize,
    /// When topics took the earliest and the latest of its records.
    pub appended_ms: (i64, i64),
    pub record: Coded,
    pub pseudonym: Coded,
    pub signal: Coded,
    pub text: Coded,
    pub unit: Coded,
    pub policy_version: Coded,
    pub lane: Coded,
    pub consent: Coded,
    /// Microseconds, eight bytes each.
    pub times: Vec<u8>,
    /// Eight bytes each; 0 if a row has a text.
    pub numbers: Vec<u8>,
    /// Which rows have a number.
    pub has_number: Valid,
}

/// What a row is sorted by within its pseudonym, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    time: i64,
    signal: u32,
    record: u32,
    number: u64,
    text: u32,
    unit: u32,
    /// Its record among those of the part, its run, and its place in that.
    nth: u32,
    run: u32,
    place: u32,
}

/// The ranks of everything that a part's rows name.
struct AllRanks {
    ids: Ranks,
    people: Ranks,
    signals: Ranks,
    units: Ranks,
    words: Ranks,
    versions: Ranks,
    lanes: Ranks,
    consents: Ranks,
}

impl AllRanks {
    fn of(held: &Held, records: &[&Record]) -> Usual<Self> {
        let runs = || records.iter().flat_map(|record| record.runs.of(&held.runs));
        let texts = runs().filter_map(texts_of).flat_map(|ends| ends.of(&held.texts)).copied();
        Ok(AllRanks {
            ids: Ranks::of_ids(records, &held.ids)?,
            people: Ranks::of(records.iter().map(|record| record.pseudonym), &held.words)?,
            signals: Ranks::of(runs().map(|run| run.signal), &held.names)?,
            units: Ranks::of(runs().map(|run| run.unit), &held.names)?,
            words: Ranks::of(texts, &held.words)?,
            versions: Ranks::of(records.iter().map(|record| record.version), &held.names)?,
            lanes: Ranks::of(records.iter().map(|record| record.lane), &held.names)?,
            consents: Ranks::of(records.iter().map(|record| record.consent), &held.words)?,
        })
    }
}

/// Lay out the rows of records that end together.
///
/// # Errors
/// If they are more than Arrow can number.
pub fn part(held: &Held, records: &[&Record], expires_ms: i64) -> Usual<Part> {
    let ranks = AllRanks::of(held, records)?;
    let rows = in_order(held, records, &ranks)?;
    let appended = || records.iter().map(|record| record.appended_ms);
    let appended_ms = (appended().min().unwrap_or(0), appended().max().unwrap_or(0));
    let mut part = Part { expires_ms, rows: rows.len(), appended_ms, ..Part::default() };
    put_values(&mut part, held, &rows);
    let of_record = |row: &Row, what: fn(&Record) -> u32| {
        records.get(row.nth as usize).map_or(NONE, |record| what(record))
    };
    let of_run =
        |row: &Row, what: fn(&Run) -> u32| held.runs.get(row.run as usize).map_or(NONE, what);
    part.record = ranks.ids.column(rows.iter().map(|row| row.nth));
    part.pseudonym =
        ranks.people.column(rows.iter().map(|row| of_record(row, |one| one.pseudonym)));
    part.signal = ranks.signals.column(rows.iter().map(|row| of_run(row, |run| run.signal)));
    part.unit = ranks.units.column(rows.iter().map(|row| of_run(row, |run| run.unit)));
    part.text = ranks.words.column(rows.iter().map(|row| word(held, row)));
    part.policy_version =
        ranks.versions.column(rows.iter().map(|row| of_record(row, |one| one.version)));
    part.lane = ranks.lanes.column(rows.iter().map(|row| of_record(row, |one| one.lane)));
    part.consent = ranks.consents.column(rows.iter().map(|row| of_record(row, |one| one.consent)));
    Ok(part)
}

/// All rows, sorted: by pseudonym first, which needs no comparing, as it is known how many each has.
fn in_order(held: &Held, records: &[&Record], ranks: &AllRanks) -> Usual<Vec<Row>> {
    let bounds = bounds(records, &ranks.people)?;
    let mut rows = vec![Row::default(); bounds.last().copied().unwrap_or(0)];
    let mut next = bounds.clone();
    for (nth, record) in records.iter().enumerate() {
        let nth = small(nth)?;
        let from = next.get_mut(ranks.people.at(record.pseudonym) as usize).ok_or(Unusual)?;
        for (number, run) in (record.runs.from..).zip(record.runs.of(&held.runs)) {
            let begun = Row {
                record: ranks.ids.at(nth),
                signal: ranks.signals.at(run.signal),
                unit: ranks.units.at(run.unit),
                nth,
                run: small(number)?,
                ..Row::default()
            };
            let to = *from + run.times.count();
            fill(rows.get_mut(*from..to).ok_or(Unusual)?, held, run, begun, &ranks.words)?;
            *from = to;
        }
    }
    for ends in bounds.windows(2) {
        if let [from, to] = *ends {
            rows.get_mut(from..to).ok_or(Unusual)?.sort_unstable();
        }
    }
    Ok(rows)
}

/// Where the rows of each pseudonym begin, by rank; and where the last ones end.
fn bounds(records: &[&Record], people: &Ranks) -> Usual<Vec<usize>> {
    let mut bounds = vec![0; people.different + 1];
    for record in records {
        let place = people.at(record.pseudonym) as usize + 1;
        *bounds.get_mut(place).ok_or(Unusual)? += record.rows;
    }
    let mut total = 0;
    for bound in &mut bounds {
        total += *bound;
        *bound = total;
    }
    i32::try_from(total).map_err(|_| Unusual)?;
    Ok(bounds)
}

fn fill(there: &mut [Row], held: &Held, run: &Run, begun: Row, words: &Ranks) -> Usual<()> {
    let times = run.times.of(&held.times);
    for (place, (row, &time)) in there.iter_mut().zip(times).enumerate() {
        let (number, text) = match run.values {
            // Rows without a number come after those with one, and so do rows without a text.
            Values::Numbers(ends) => (ordered(ends.of(&held.numbers).get(place)), NONE),
            Values::Texts(ends) => {
                (u64::MAX, ends.of(&held.texts).get(place).map_or(NONE, |&word| words.at(word)))
            }
        };
        *row = Row { time, number, text, place: small(place)?, ..begun };
    }
    Ok(())
}

fn put_values(part: &mut Part, held: &Held, rows: &[Row]) {
    part.times.reserve(rows.len() * 8);
    part.numbers.reserve(rows.len() * 8);
    for row in rows {
        part.times.extend_from_slice(&(row.time * 1_000).to_le_bytes());
        let run = held.runs.get(row.run as usize).map(|run| run.values);
        let number = match run {
            Some(Values::Numbers(ends)) => ends.of(&held.numbers).get(row.place as usize).copied(),
            _ => None,
        };
        part.has_number.push(number.is_some());
        part.numbers.extend_from_slice(&number.unwrap_or(0.0).to_le_bytes());
    }
}

fn word(held: &Held, row: &Row) -> u32 {
    let ends = held.runs.get(row.run as usize).and_then(texts_of);
    ends.and_then(|ends| ends.of(&held.texts).get(row.place as usize).copied()).unwrap_or(NONE)
}

fn texts_of(run: &Run) -> Option<Ends> {
    match run.values {
        Values::Texts(ends) => Some(ends),
        Values::Numbers(_) => None,
    }
}

/// A finite float as a whole number of the same order.
fn ordered(number: Option<&f64>) -> u64 {
    let bits = number.map_or(0, |number| number.to_bits());
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn small(number: usize) -> Usual<u32> {
    u32::try_from(number).map_err(|_| Unusual)
}
