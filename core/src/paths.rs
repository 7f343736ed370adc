//! The known signals by path: which of them are collected, and where.

use rustc_hash::FxHashMap;

use crate::tables::{Kind, Tables};
use crate::unusual::{Unusual, Usual};

/// A known path. Their order is that of the paths, so that canonical texts can be put in order.
pub struct Known {
    /// The path as it stands in JSON.
    pub path: Vec<u8>,
    /// None: no output keeps it.
    pub collected: Option<Collected>,
}

/// What is known of a signal that some output keeps.
pub struct Collected {
    /// Its place in a tally row.
    pub place: u16,
    pub unit: Vec<u8>,
    pub kind: Kind,
}

pub struct Paths {
    known: Vec<Known>,
    by_path: FxHashMap<Vec<u8>, u16>,
    /// By a column's number in its envelope: which one stood there last.
    last_there: Vec<u16>,
}

impl Paths {
    /// The paths of these tables, of which the signals are taken; None if there are too many.
    pub fn of(tables: &mut Tables) -> Option<Self> {
        let mut known: Vec<Known> = Vec::new();
        for (place, signal) in tables.signals.drain(..).enumerate() {
            let place = u16::try_from(place).ok()?;
            let unit = signal.unit.into_bytes();
            let collected = Some(Collected { place, unit, kind: signal.kind });
            known.push(Known { path: signal.path.into_bytes(), collected });
        }
        let unkept = tables.not_collected.drain(..);
        known.extend(unkept.map(|path| Known { path: path.into_bytes(), collected: None }));
        known.sort_by(|one, other| one.path.cmp(&other.path));
        let mut by_path = FxHashMap::default();
        for (number, one) in known.iter().enumerate() {
            by_path.insert(one.path.clone(), u16::try_from(number).ok()?);
        }
        Some(Paths { known, by_path, last_there: Vec::new() })
    }

    pub fn get(&self, number: u16) -> Usual<&Known> {
        self.known.get(usize::from(number)).ok_or(Unusual)
    }

    /// The number of a path that is an envelope's `nth` column. Devices mostly keep an order.
    pub fn number(&mut self, path: &[u8], nth: usize) -> Usual<u16> {
        let last = self.last_there.get(nth).copied();
        if let Some(number) = last {
            if self.get(number)?.path == path {
                return Ok(number);
            }
        }
        let number = *self.by_path.get(path).ok_or(Unusual)?;
        if nth == self.last_there.len() {
            self.last_there.push(number);
        } else if let Some(there) = self.last_there.get_mut(nth) {
            *there = number;
        }
        Ok(number)
    }
}
