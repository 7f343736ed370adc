//! Records of a control topic that are usual rows, taken one after the other.
//!
//! `bus/view.py` and `roadfade/in_force/control_views.py` say what has to be done with a record;
//! the first that is anything but a usual row is theirs again.

use super::cells::NOTHING;
use super::control_row::{read, row_hash};
use super::known::People;
use super::row::Row;
use super::row_keys::ID_CHARS;
use super::rows::Hashed;
use crate::unusual::{Unusual, Usual};

/// A partition of a topic, and what belongs there.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What marks the topic's keys among those of others; not zero.
    pub mark: u8,
    /// Whether registrations belong to the topic.
    pub registrations: bool,
    /// Whether links do.
    pub links: bool,
    /// Whether consents do.
    pub consents: bool,
    /// The partition, from 0.
    pub partition: u32,
    /// Of so many.
    pub partitions: u32,
}

/// How the contents of a partition changed: its rows, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// How many more there are.
    pub rows: u32,
    /// Modulo 2^128.
    pub digest: u128,
}

impl People {
    /// Take a usual row; anything else is unusual, and nothing of it is taken.
    ///
    /// # Errors
    ///
    /// Unusual, for all that Python has to judge.
    pub fn take_usual(
        &mut self,
        place: &Place,
        key: &[u8],
        value: &[u8],
        change: &mut Change,
    ) -> Usual<()> {
        let mut marked = [place.mark; ID_CHARS + 1];
        match marked.get_mut(1..) {
            Some(id) if id.len() == key.len() => id.copy_from_slice(key),
            _ => return Err(Unusual),
        }
        let row = read(value, &self.words)?;
        let belongs = match &row {
            Row::Registration { .. } => place.registrations,
            Row::Link { link, .. } => place.links && **link == *key,
            Row::Consent { consent, .. } => place.consents && **consent == *key,
        };
        if !belongs || partition_for(key, place.partitions) != Some(place.partition) {
            return Err(Unusual);
        }
        let before = self.row_hash(&marked);
        self.apply(&marked, Some(&row)).map_err(|_| Unusual)?;
        let number = self.rows.find(&marked).number;
        if number == NOTHING {
            return Err(Unusual);
        }
        self.rows.keep_hashed(number, Hashed::AsWritten);
        change.rows += u32::from(before.is_none());
        let now = row_hash(key, value);
        change.digest = change.digest.wrapping_sub(before.unwrap_or(0)).wrapping_add(now);
        Ok(())
    }
}

/// As `bus/partitions.py`: Kafka's murmur2 of a key.
fn partition_for(key: &[u8], partitions: u32) -> Option<u32> {
    const FACTOR: u32 = 0x5bd1_e995;
    let (words, rest) = key.split_at_checked(key.len() / 4 * 4)?;
    let mut hashed = 0x9747_b28c ^ u32::try_from(key.len()).ok()?;
    for word in words.chunks_exact(4) {
        let word = u32::from_le_bytes(word.try_into().ok()?).wrapping_mul(FACTOR);
        hashed = hashed.wrapping_mul(FACTOR) ^ (word ^ word >> 24).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let last = rest.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
        hashed = (hashed ^ last).wrapping_mul(FACTOR);
    }
    hashed = (hashed ^ hashed >> 13).wrapping_mul(FACTOR);
    ((hashed ^ hashed >> 15) & 0x7fff_ffff).checked_rem(partitions)
}
