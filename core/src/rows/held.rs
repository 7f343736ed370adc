//! The records that are held: their readings in lists that all of them share.

use super::texts::Texts;

/// A number of none.
pub const NONE: u32 = u32::MAX;

/// A stretch of a list, by its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Where it begins.
    pub from: usize,
    /// What comes after it.
    pub to: usize,
}

impl Ends {
    /// What of a list lies in it.
    pub fn of<T>(self, all: &[T]) -> &[T] {
        all.get(self.from..self.to).unwrap_or_default()
    }

    /// How long it is.
    #[must_use]
    pub const fn count(self) -> usize {
        self.to - self.from
    }
}

/// What a run's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Of `Held::numbers`.
    Numbers(Ends),
    /// Of `Held::texts`.
    Texts(Ends),
}

/// One series of one record.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// A number of `Held::names`.
    pub signal: u32,
    /// A number of `Held::names`.
    pub unit: u32,
    /// Of `Held::times`.
    pub times: Ends,
    /// As many as times.
    pub values: Values,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was read, and nobody has decided yet.
    Read,
    /// Its rows stay.
    Kept,
    /// Its rows go: another path has to take it, or nobody.
    Dropped,
}

/// One record that was read.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Its own id, of `Held::ids`.
    pub id: Ends,
    /// A number of `Held::words`.
    pub pseudonym: u32,
    /// A number of `Held::names`.
    pub version: u32,
    /// A number of `Held::words`, or NONE.
    pub consent: u32,
    /// A number of `Held::names`, or NONE: it is not known, or there are more than one.
    pub lane: u32,
    /// The number of its shape.
    pub shape: u32,
    /// When its life ends.
    pub expires_ms: i64,
    /// When its topic took it.
    pub appended_ms: i64,
    /// What it weighs in the ledger.
    pub readings: u32,
    /// Of `Held::runs`.
    pub runs: Ends,
    /// How many readings its runs have.
    pub rows: usize,
    /// What becomes of it.
    pub fate: Fate,
}

/// Everything that is held.
#[derive(Default)]
pub struct Held {
    /// In the order in which they came.
    pub records: Vec<Record>,
    /// Those of one record stand together.
    pub runs: Vec<Run>,
    /// Milliseconds.
    pub times: Vec<i64>,
    /// Finite, and no zero has a sign.
    pub numbers: Vec<f64>,
    /// Numbers of `words`.
    pub texts: Vec<u32>,
    /// The ids of records, one behind the other.
    pub ids: Vec<u8>,
    /// Pseudonyms, references of consents, texts of readings: forgotten with the records.
    pub words: Texts,
    /// Signals, units, versions and lanes: they come again, and outlive the records.
    pub names: Texts,
}

/// How far the lists were filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    runs: usize,
    times: usize,
    numbers: usize,
    texts: usize,
    ids: usize,
    words: usize,
    names: usize,
}

impl Held {
    /// How far the lists are filled.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            runs: self.runs.len(),
            times: self.times.len(),
            numbers: self.numbers.len(),
            texts: self.texts.len(),
            ids: self.ids.len(),
            words: self.words.len(),
            names: self.names.len(),
        }
    }

    /// Take back what a record left behind that was not read to its end.
    pub fn roll_back(&mut self, mark: Mark) {
        self.runs.truncate(mark.runs);
        self.times.truncate(mark.times);
        self.numbers.truncate(mark.numbers);
        self.texts.truncate(mark.texts);
        self.ids.truncate(mark.ids);
        self.words.truncate(mark.words);
        self.names.truncate(mark.names);
    }

    /// Forget the records; names stay.
    pub fn clear(&mut self) {
        self.records.clear();
        self.runs.clear();
        self.times.clear();
        self.numbers.clear();
        self.texts.clear();
        self.ids.clear();
        self.words.clear();
    }
}
