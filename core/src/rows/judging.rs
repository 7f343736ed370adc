//! Whether a record's plan has a lane with room for all of it.
//!
//! What a lane lets through is taught for each *shape*: a version, and signals with their units and
//! kinds. `sinks/port/allowed.py` decides what that is, and alone says why a record may not stay.

use rustc_hash::FxHashMap;

use super::held::{Held, NONE, Record, Run, Values};
use super::lengths::{Length, later};
use super::stamp::INSTANT_MS_MAX;
use crate::instants::DAY_MS;
use crate::unusual::{Unusual, Usual};

/// Part of a step by which a multiple of it may be off.
const OFF_STEP_MAX: f64 = 1e-6;

/// What one column of a lane lets through.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    /// Numbers between bounds, if there are any, and multiples of a step; 0: of nothing.
    Numbers {
        /// None is below.
        low: Option<f64>,
        /// None is above.
        high: Option<f64>,
        /// See above.
        step: f64,
    },
    /// Texts that this asker says yes to.
    Texts(u32),
}

/// A lane that holds a shape: for each of its runs, columns of which one has to fit.
#[derive(Clone, Debug)]
pub struct Lane {
    /// A number of names.
    pub name: u32,
    /// Times are multiples of it.
    pub floor_ms: i64,
    /// How long a reading may be kept.
    pub length: Length,
    /// In the order of the shape's runs.
    pub columns: Vec<Vec<Column>>,
}

/// A version, and what its records hold.
pub struct Shape {
    /// A number of names.
    pub version: u32,
    /// Signal, unit, and whether it holds texts.
    pub runs: Vec<(u32, u32, bool)>,
    /// None: nobody said yet.
    pub lanes: Option<Vec<Lane>>,
}

/// What was taught, by shape; and the answers on texts, by asker.
#[derive(Default)]
pub struct Judging {
    shapes: Vec<Shape>,
    numbers: FxHashMap<Box<[u32]>, u32>,
    answers: FxHashMap<u32, FxHashMap<Box<[u8]>, bool>>,
    key: Vec<u32>,
}

impl Judging {
    /// The number of the shape of a record with these runs.
    ///
    /// # Errors
    /// If there are as many as can be numbered.
    pub fn shape(&mut self, version: u32, runs: &[Run]) -> Usual<u32> {
        self.key.clear();
        self.key.push(version);
        for run in runs {
            self.key.extend([run.signal, run.unit, u32::from(is_text(run))]);
        }
        if let Some(&number) = self.numbers.get(&*self.key) {
            return Ok(number);
        }
        let number = u32::try_from(self.shapes.len()).map_err(|_| Unusual)?;
        let runs = runs.iter().map(|run| (run.signal, run.unit, is_text(run))).collect();
        self.shapes.push(Shape { version, runs, lanes: None });
        self.numbers.insert(self.key.as_slice().into(), number);
        Ok(number)
    }

    /// How much is remembered: shapes, their runs, and texts.
    #[must_use]
    pub fn remembered(&self) -> usize {
        let shapes: usize = self.shapes.iter().map(|shape| 1 + shape.runs.len()).sum();
        shapes + self.answers.values().map(FxHashMap::len).sum::<usize>()
    }

    /// Forget which texts nobody may keep: they are somebody's words, and not a policy's.
    pub fn forget_refused(&mut self) {
        for answers in self.answers.values_mut() {
            answers.retain(|_, yes| *yes);
        }
    }

    /// Forget everything: shapes are numbered anew.
    pub fn clear(&mut self) {
        self.shapes.clear();
        self.numbers.clear();
        self.answers.clear();
    }

    /// The shapes of these records that nobody taught yet.
    #[must_use]
    pub fn unknown(&self, records: &[Record]) -> Vec<(u32, &Shape)> {
        let mut numbers: Vec<u32> = records.iter().map(|record| record.shape).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let shapes = numbers.into_iter().filter_map(|n| Some((n, self.shapes.get(n as usize)?)));
        shapes.filter(|(_, shape)| shape.lanes.is_none()).collect()
    }

    /// Learn which lanes hold a shape; false if there is no such shape, or a lane is none.
    pub fn teach(&mut self, shape: u32, lanes: Vec<Lane>) -> bool {
        let Some(shape) = self.shapes.get_mut(shape as usize) else { return false };
        let sound = |lane: &Lane| lane.floor_ms > 0 && lane.columns.len() == shape.runs.len();
        if !lanes.iter().all(sound) {
            return false;
        }
        shape.lanes = Some(lanes);
        true
    }

    /// Texts of these records that nobody judged yet: who is to be asked, and numbers of words.
    #[must_use]
    pub fn unjudged(&self, held: &Held, records: &[Record]) -> Vec<(u32, u32)> {
        let mut found = vec![];
        for record in records {
            for lane in self.lanes(record) {
                for (run, columns) in record.runs.of(&held.runs).iter().zip(&lane.columns) {
                    let Values::Texts(ends) = run.values else { continue };
                    for asker in columns.iter().filter_map(asker) {
                        let known = self.answers.get(&asker);
                        let is_new = |word: &&u32| {
                            known.is_none_or(|known| !known.contains_key(held.words.get(**word)))
                        };
                        let new = ends.of(&held.texts).iter().filter(is_new);
                        found.extend(new.map(|&word| (asker, word)));
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Learn what an asker says of a text.
    pub fn answer(&mut self, asker: u32, text: &[u8], yes: bool) {
        self.answers.entry(asker).or_default().insert(text.into(), yes);
    }

    /// The lane that has room for all of a record that came when it did: NONE if more than one
    /// name does.
    ///
    /// # Errors
    /// If none has: another path has to say why, or that one has.
    pub fn lane(&self, held: &Held, record: &Record, now_ms: i64) -> Usual<u32> {
        let arrived_ms = now_ms.max(record.appended_ms);
        let mut names =
            self.lanes(record).iter().filter(|lane| self.fits(held, record, lane, arrived_ms));
        let first = names.next().ok_or(Unusual)?.name;
        Ok(if names.all(|lane| lane.name == first) { first } else { NONE })
    }

    fn lanes(&self, record: &Record) -> &[Lane] {
        let shape = self.shapes.get(record.shape as usize);
        shape.and_then(|shape| shape.lanes.as_deref()).unwrap_or_default()
    }

    fn fits(&self, held: &Held, record: &Record, lane: &Lane, arrived_ms: i64) -> bool {
        let runs = record.runs.of(&held.runs);
        let mut latest_ms = None;
        for (run, columns) in runs.iter().zip(&lane.columns) {
            let times = run.times.of(&held.times);
            let fits = columns.iter().any(|column| self.holds(held, run, column));
            if !fits || times.iter().any(|time| time % lane.floor_ms != 0) {
                return false;
            }
            latest_ms = latest_ms.max(times.iter().max().copied());
        }
        // Nothing of it is stored, if it has no readings.
        latest_ms.is_none_or(|latest_ms| ends_in_time(record, lane, latest_ms, arrived_ms))
    }

    fn holds(&self, held: &Held, run: &Run, column: &Column) -> bool {
        match (column, run.values) {
            (Column::Numbers { low, high, step }, Values::Numbers(ends)) => {
                ends.of(&held.numbers).iter().all(|&number| {
                    low.is_none_or(|low| number >= low)
                        && high.is_none_or(|high| number <= high)
                        && (*step == 0.0 || is_multiple(number, *step))
                })
            }
            (Column::Texts(asker), Values::Texts(ends)) => {
                let Some(known) = self.answers.get(asker) else { return false };
                let mut words = ends.of(&held.texts).iter();
                words.all(|&word| known.get(held.words.get(word)) == Some(&true))
            }
            _ => false,
        }
    }
}

fn is_text(run: &Run) -> bool {
    matches!(run.values, Values::Texts(_))
}

fn asker(column: &Column) -> Option<u32> {
    match column {
        Column::Texts(asker) => Some(*asker),
        Column::Numbers { .. } => None,
    }
}

fn ends_in_time(record: &Record, lane: &Lane, latest_ms: i64, arrived_ms: i64) -> bool {
    let began_ms = latest_ms.saturating_add(lane.floor_ms).min(INSTANT_MS_MAX);
    latest_ms <= arrived_ms.saturating_add(DAY_MS)
        && later(began_ms, lane.length).is_ok_and(|end_ms| record.expires_ms <= end_ms)
}

fn is_multiple(number: f64, step: f64) -> bool {
    let parts = number / step;
    (parts - parts.round_ties_even()).abs() <= OFF_STEP_MAX + parts.abs() * 1e-12
}
