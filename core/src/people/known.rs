//! What is known of people: rows that come, go and become unknown, and whose they were.

use std::collections::HashMap;

use super::Full;
use super::cells::NOTHING;
use super::changes::{Changes, Of};
use super::control_row::{Words, row_hash, write};
use super::row::Row;
use super::rows::{Hashed, Rows};

/// Registrations, links and consents by row id, and by device and subject.
pub struct People {
    pub(super) rows: Rows,
    pub(super) words: Words,
    changes: Changes,
    /// By key: the device of the link that is unknown; None if it was no link.
    unknown: HashMap<Box<[u8]>, Option<Box<[u8]>>>,
    unknown_links: HashMap<Box<[u8]>, u32>,
}

impl People {
    /// Nobody yet. The latest `changes_kept_max` changes are told.
    #[must_use]
    pub fn new(words: Words, changes_kept_max: usize) -> Self {
        People {
            rows: Rows::new(),
            words,
            changes: Changes::new(changes_kept_max),
            unknown: HashMap::new(),
            unknown_links: HashMap::new(),
        }
    }

    /// Apply a row, or its deletion; a row that is there already changes nothing.
    ///
    /// # Errors
    ///
    /// Full, if there is no number left for it.
    pub fn apply(&mut self, key: &[u8], row: Option<&Row<'_>>) -> Result<(), Full> {
        let mut found = self.rows.find(key);
        let there = found.number != NOTHING;
        if !self.unknown.is_empty() && self.unknown.contains_key(key) {
            self.know_again(key);
        } else if there {
            if row == Some(&self.rows.row(found.number)) {
                return Ok(());
            }
        } else if row.is_none() {
            return Ok(());
        }
        if there {
            note(&mut self.changes, &self.rows.row(found.number));
            self.rows.remove(key, found);
            found.number = NOTHING;
        }
        if let Some(row) = row {
            note(&mut self.changes, row);
            self.rows.add(key, found, row)?;
        }
        Ok(())
    }

    /// What this row says is unknown until it is applied again; false if it never was.
    pub fn withhold(&mut self, key: &[u8]) -> bool {
        let found = self.rows.find(key);
        if found.number == NOTHING {
            return self.unknown.contains_key(key);
        }
        let row = self.rows.row(found.number);
        note(&mut self.changes, &row);
        let device: Option<Box<[u8]>> = match row {
            Row::Link { device, .. } => Some(Box::from(device)),
            _ => None,
        };
        self.rows.remove(key, found);
        if let Some(device) = &device {
            *self.unknown_links.entry(device.clone()).or_default() += 1;
        }
        self.unknown.insert(key.into(), device);
        true
    }

    /// Whose rows changed.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether a link of the device is unknown.
    #[must_use]
    pub fn is_withheld(&self, device: &[u8]) -> bool {
        self.unknown_links.contains_key(device)
    }

    /// The rows of a device, in no order that means anything.
    pub fn of_device(&self, device: &[u8]) -> impl Iterator<Item = Row<'_>> {
        self.rows.of_device(device).map(|number| self.rows.row(number))
    }

    /// The consents of a subject, likewise.
    pub fn of_subject(&self, subject: &[u8]) -> impl Iterator<Item = Row<'_>> {
        self.rows.of_subject(subject).map(|number| self.rows.row(number))
    }

    /// The hash that was kept with the row under this key, 0 if none; None if there is no row.
    #[must_use]
    pub fn row_hash(&self, key: &[u8]) -> Option<u128> {
        let number = Some(self.rows.find(key).number).filter(|&number| number != NOTHING)?;
        Some(match self.rows.hashed(number) {
            Hashed::Not => 0,
            Hashed::As(hash) => hash,
            Hashed::AsWritten => self.hash_as_written(key, &self.rows.row(number)),
        })
    }

    /// Keep a hash with the row under this key; false if there is none.
    pub fn keep_hash(&mut self, key: &[u8], hash: u128) -> bool {
        let number = self.rows.find(key).number;
        if number == NOTHING {
            return false;
        }
        let written = hash == self.hash_as_written(key, &self.rows.row(number));
        self.rows.keep_hashed(number, if written { Hashed::AsWritten } else { Hashed::As(hash) });
        true
    }

    /// The hash that the row has under its own key, which is its mark's and one byte shorter.
    fn hash_as_written(&self, key: &[u8], row: &Row<'_>) -> u128 {
        let mut value = Vec::with_capacity(320);
        write(row, &self.words, &mut value);
        row_hash(key.get(1..).unwrap_or_default(), &value)
    }

    fn know_again(&mut self, key: &[u8]) {
        let Some(Some(device)) = self.unknown.remove(key) else { return };
        self.changes.note(Of::Device, &device);
        if let Some(links) = self.unknown_links.get_mut(&device) {
            *links = links.saturating_sub(1);
            if *links == 0 {
                self.unknown_links.remove(&device);
            }
        }
    }
}

fn note(changes: &mut Changes, row: &Row<'_>) {
    match row {
        Row::Registration { device, .. } | Row::Link { device, .. } => {
            changes.note(Of::Device, device);
        }
        Row::Consent { subject, .. } => changes.note(Of::Subject, subject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn nobody() -> People {
        let words = |all: &[&str]| all.iter().map(|&word| Box::from(word)).collect();
        People::new(Words { roles: words(&["driver"]), bases: words(&["opt_in"]) }, 9)
    }

    fn link(id: &[u8]) -> Row<'_> {
        Row::Link {
            link: Cow::Borrowed(id),
            device: b"planted-device",
            subject: b"planted-subject",
            secret: Cow::Borrowed(b"planted-secret-of-32-bytes-here!"),
            from_ms: 1,
            to_ms: None,
            role: 0,
        }
    }

    fn holds(people: &People, bytes: &[u8]) -> bool {
        let rows = &people.rows;
        [&rows.cells, &rows.devices.cells, &rows.subjects.cells]
            .iter()
            .any(|cells| cells.holds(bytes))
    }

    #[test]
    fn a_deleted_row_leaves_no_byte_of_its_secret_or_its_people() {
        let mut people = nobody();
        for key in [b"lABCDEFGHIJKLMNOPQRSTUVWXYA".as_slice(), b"odd"] {
            people.apply(key, Some(&link(&key[1..]))).unwrap();
            assert!(holds(&people, b"planted-secret") && holds(&people, b"planted-device"));
            people.apply(key, None).unwrap();
            assert!(!holds(&people, b"planted"));
        }
    }

    #[test]
    fn rows_are_found_though_all_share_a_bucket() {
        let mut people = nobody();
        let rows = &mut people.rows;
        for cells in [&mut rows.cells, &mut rows.devices.cells, &mut rows.subjects.cells] {
            cells.all_in_one_bucket = true;
        }
        let keys: Vec<Vec<u8>> = (0..100u8)
            .map(|n| {
                let id = [b'A' + n / 26, b'A' + n % 26].repeat(13);
                [b"l".as_slice(), &id[..25], b"A"].concat()
            })
            .collect();
        for key in &keys {
            people.apply(key, Some(&link(&key[1..]))).unwrap();
        }
        for key in keys.iter().step_by(2) {
            people.apply(key, None).unwrap();
        }
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(people.row_hash(key).is_some(), place % 2 == 1);
        }
        assert_eq!(people.of_device(b"planted-device").count(), 50);
    }

    #[test]
    fn what_is_held_of_a_hash_as_written_is_that_hash() {
        let mut people = nobody();
        let key = b"lABCDEFGHIJKLMNOPQRSTUVWXYA";
        people.apply(key, Some(&link(&key[1..]))).unwrap();
        assert_eq!(people.row_hash(key), Some(0));
        let hash = people.hash_as_written(key, &link(&key[1..]));
        for one in [hash, 7, hash] {
            assert!(people.keep_hash(key, one));
            assert_eq!(people.row_hash(key), Some(one));
        }
        assert!(!people.keep_hash(b"another", 7));
    }
}
