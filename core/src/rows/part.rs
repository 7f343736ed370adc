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

/// As `ordered` has no finite float.
const NO_NUMBER: u64 = u64::MAX;

/// What a row is sorted by within its pseudonym: ranks, and a number as `ordered` has it.
///
/// Rows that are equal in all of it are equal in every column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    time: i64,
    signal: u32,
    record: u32,
    number: u64,
    text: u32,
    unit: u32,
    /// Its record among those of the part.
    nth: u32,
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
    put_values(&mut part, &rows);
    part.record = ranks.ids.column(rows.iter().map(|row| row.record));
    part.signal = ranks.signals.column(rows.iter().map(|row| row.signal));
    part.unit = ranks.units.column(rows.iter().map(|row| row.unit));
    part.text = ranks.words.column(rows.iter().map(|row| row.text));
    let of_record = |ranks: Ranks, what: fn(&Record) -> u32| {
        let by_record: Vec<u32> = records.iter().map(|record| ranks.at(what(record))).collect();
        let of_row = |row: &Row| by_record.get(row.nth as usize).copied().unwrap_or(NONE);
        ranks.column(rows.iter().map(of_row))
    };
    part.pseudonym = of_record(ranks.people, |record| record.pseudonym);
    part.policy_version = of_record(ranks.versions, |record| record.version);
    part.lane = of_record(ranks.lanes, |record| record.lane);
    part.consent = of_record(ranks.consents, |record| record.consent);
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
        for run in record.runs.of(&held.runs) {
            let begun = Row {
                record: ranks.ids.at(nth),
                signal: ranks.signals.at(run.signal),
                unit: ranks.units.at(run.unit),
                nth,
                ..Row::default()
            };
            let to = *from + run.times.count();
            fill(rows.get_mut(*from..to).ok_or(Unusual)?, held, run, begun, &ranks.words);
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

fn fill(there: &mut [Row], held: &Held, run: &Run, begun: Row, words: &Ranks) {
    let times = run.times.of(&held.times);
    for (place, (row, &time)) in there.iter_mut().zip(times).enumerate() {
        let (number, text) = match run.values {
            // Rows without a number come after those with one, and so do rows without a text.
            Values::Numbers(ends) => (ordered(ends.of(&held.numbers).get(place)), NONE),
            Values::Texts(ends) => {
                (NO_NUMBER, ends.of(&held.texts).get(place).map_or(NONE, |&word| words.at(word)))
            }
        };
        *row = Row { time, number, text, ..begun };
    }
}

fn put_values(part: &mut Part, rows: &[Row]) {
    part.times.reserve(rows.len() * 8);
    part.numbers.reserve(rows.len() * 8);
    for row in rows {
        part.times.extend_from_slice(&(row.time * 1_000).to_le_bytes());
        let number = if row.number == NO_NUMBER { 0.0 } else { number_of(row.number) };
        part.numbers.extend_from_slice(&number.to_le_bytes());
    }
    part.has_number = Valid::of(rows.iter().map(|row| row.number != NO_NUMBER));
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

/// The float of such a number.
fn number_of(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

fn small(number: usize) -> Usual<u32> {
    u32::try_from(number).map_err(|_| Unusual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_ordered_as_floats_and_come_back(one in any::<f64>(), other in any::<f64>()) {
            prop_assume!(one.is_finite() && other.is_finite());
            let (first, second) = (ordered(Some(&one)), ordered(Some(&other)));
            prop_assert_eq!(one.total_cmp(&other), first.cmp(&second));
            prop_assert_eq!(number_of(first).to_bits(), one.to_bits());
            prop_assert_ne!(first, NO_NUMBER);
        }
    }
}
