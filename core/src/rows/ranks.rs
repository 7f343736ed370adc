//! Columns of texts as codes of their sorted, different texts; a bit says whether a row has one.

use super::held::{NONE, Record};
use super::texts::Texts;
use crate::unusual::{Unusual, Usual};

/// Which of some values are there: a bit each, from the lowest of each byte on.
#[derive(Default)]
pub struct Valid {
    /// By value; beyond the last one they are 0.
    pub bits: Vec<u8>,
    /// How many are not there.
    pub nulls: usize,
}

impl Valid {
    /// Of these, in order.
    pub fn of(there: impl Iterator<Item = bool>) -> Self {
        let mut valid = Valid::default();
        let (mut byte, mut rows) = (0u8, 0usize);
        for one in there {
            byte |= u8::from(one) << (rows % 8);
            rows += 1;
            valid.nulls += usize::from(!one);
            if rows % 8 == 0 {
                valid.bits.push(std::mem::take(&mut byte));
            }
        }
        if rows % 8 != 0 {
            valid.bits.push(byte);
        }
        valid
    }
}

/// A column of texts.
#[derive(Default)]
pub struct Coded {
    /// By row, four bytes each, little-endian; 0 if it has none.
    pub codes: Vec<u8>,
    /// Which rows have one.
    pub valid: Valid,
    /// Where each text begins in `data`, and where the last one ends: four bytes each.
    pub offsets: Vec<u8>,
    /// The texts, one behind the other.
    pub data: Vec<u8>,
    /// How many different texts there are.
    pub different: usize,
}

/// The texts of one column, sorted: by number, the place in that order.
pub struct Ranks {
    places: Vec<u32>,
    offsets: Vec<u8>,
    data: Vec<u8>,
    /// How many texts there are.
    pub different: usize,
}

impl Ranks {
    /// Of the texts of these numbers; NONE has none.
    ///
    /// # Errors
    /// If they are more, or longer, than Arrow can number.
    pub fn of(numbers: impl Iterator<Item = u32>, texts: &Texts) -> Usual<Self> {
        let mut places = vec![NONE; texts.len()];
        let mut used = vec![];
        for number in numbers.filter(|&number| number != NONE) {
            let place = places.get_mut(number as usize).ok_or(Unusual)?;
            if *place == NONE {
                *place = 0;
                used.push(number);
            }
        }
        used.sort_unstable_by_key(|&number| texts.get(number));
        let mut ranks = Ranks { places, offsets: vec![0; 4], data: vec![], different: 0 };
        for &number in &used {
            let rank = ranks.add(texts.get(number))?;
            *ranks.places.get_mut(number as usize).ok_or(Unusual)? = rank;
        }
        Ok(ranks)
    }

    /// Of ids: one for each record, and two may be equal.
    ///
    /// # Errors
    /// As `of`.
    pub fn of_ids(records: &[&Record], ids: &[u8]) -> Usual<Self> {
        let mut used: Vec<(&[u8], usize)> =
            records.iter().enumerate().map(|(nth, record)| (record.id.of(ids), nth)).collect();
        used.sort_unstable();
        let places = vec![NONE; records.len()];
        let mut ranks = Ranks { places, offsets: vec![0; 4], data: vec![], different: 0 };
        let mut before = None;
        for (id, nth) in used {
            let rank = match before {
                Some((same, rank)) if same == id => rank,
                _ => ranks.add(id)?,
            };
            before = Some((id, rank));
            *ranks.places.get_mut(nth).ok_or(Unusual)? = rank;
        }
        Ok(ranks)
    }

    fn add(&mut self, text: &[u8]) -> Usual<u32> {
        let rank = u32::try_from(self.different).map_err(|_| Unusual)?;
        self.data.extend_from_slice(text);
        let end = i32::try_from(self.data.len()).map_err(|_| Unusual)?;
        self.offsets.extend_from_slice(&end.to_le_bytes());
        self.different += 1;
        Ok(rank)
    }

    /// The rank of a number's text; NONE if it has none.
    #[must_use]
    pub fn at(&self, number: u32) -> u32 {
        self.places.get(number as usize).copied().unwrap_or(NONE)
    }

    /// The column of rows with these ranks; NONE: a row has none.
    pub fn column(self, ranks: impl Iterator<Item = u32> + Clone) -> Coded {
        let mut codes = Vec::with_capacity(ranks.size_hint().0 * 4);
        let mut whole = true;
        for rank in ranks.clone() {
            whole &= rank != NONE;
            codes.extend_from_slice(&(if rank == NONE { 0 } else { rank }).to_le_bytes());
        }
        // Bits are asked for only if one is 0.
        let valid =
            if whole { Valid::default() } else { Valid::of(ranks.map(|rank| rank != NONE)) };
        let Ranks { offsets, data, different, .. } = self;
        Coded { codes, valid, offsets, data, different }
    }
}
