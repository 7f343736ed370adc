//! What consents ask, as small numbers: `processors/compact/terms.py`, in Rust.

use std::collections::HashMap;

use super::cells::Number;

/// Purpose, basis, recipient and notice.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    pub purpose: Box<[u8]>,
    pub basis: u8,
    pub recipient: Option<Box<[u8]>>,
    pub notice: Box<[u8]>,
}

/// The number of what had none left, and is kept by row.
const BY_ITSELF: u16 = 0;
const NUMBERS_MAX: usize = 1 << 16;

/// Numbers of 16 bits; a number once given stays.
pub struct Terms {
    asked: Vec<Asked>,
    numbers: HashMap<Asked, u16>,
    by_itself: HashMap<Number, Asked>,
    numbers_max: usize,
}

impl Terms {
    pub fn new() -> Self {
        let (numbers, by_itself) = (HashMap::new(), HashMap::new());
        Terms { asked: Vec::new(), numbers, by_itself, numbers_max: NUMBERS_MAX }
    }

    /// The number of what a row asks.
    pub fn number(&mut self, asked: Asked, row: Number) -> u16 {
        if let Some(&number) = self.numbers.get(&asked) {
            return number;
        }
        match u16::try_from(self.asked.len() + 1) {
            Ok(number) if usize::from(number) < self.numbers_max => {
                self.asked.push(asked.clone());
                self.numbers.insert(asked, number);
                number
            }
            _ => {
                self.by_itself.insert(row, asked);
                BY_ITSELF
            }
        }
    }

    /// What a row asks under its number.
    pub fn of(&self, row: Number, number: u16) -> Option<&Asked> {
        match usize::from(number).checked_sub(1) {
            Some(place) => self.asked.get(place),
            None => self.by_itself.get(&row),
        }
    }

    /// The row is gone.
    pub fn forget(&mut self, row: Number) {
        if !self.by_itself.is_empty() {
            self.by_itself.remove(&row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_number_left_is_kept_by_row() {
        let mut terms = Terms { numbers_max: 3, ..Terms::new() };
        let asked = |n: u8| Asked {
            purpose: [n].into(),
            basis: 0,
            recipient: None,
            notice: b"n".as_slice().into(),
        };
        let numbers: Vec<u16> = (0..5).map(|n| terms.number(asked(n), u32::from(n))).collect();
        for (n, &number) in (0u8..).zip(&numbers) {
            assert!(terms.of(u32::from(n), number) == Some(&asked(n)));
        }
        terms.forget(4);
        assert!(terms.of(4, numbers[4]).is_none());
    }
}
