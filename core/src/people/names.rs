//! Ids of devices, or of subjects, as numbers: `processors/compact/names.py`, in Rust.
//!
//! Each is held once, with the first of its rows, for as long as somebody holds it. Names of up to
//! 64 bytes lie in cells of a multiple of eight; a longer one lies by itself.

use std::collections::HashMap;

use super::Full;
use super::cells::{Cells, NOTHING, Number, get, put};

const NAME_BYTES_MAX: usize = 64;
const STEP: usize = 8;
/// In no UTF-8 text.
const PAD: u8 = 0xff;
/// The head of the rows, and how many hold the name.
const PAYLOAD: usize = 8;
const HOLDERS_AT: usize = 4;

/// Each name's head is the owner's to use, and begins as NOTHING.
pub struct Names {
    pub cells: Cells,
    long: HashMap<Box<[u8]>, Number>,
    long_texts: HashMap<Number, Box<[u8]>>,
}

impl Names {
    pub fn new() -> Self {
        let kinds: Vec<_> = (1..=NAME_BYTES_MAX / STEP).map(|n| (n * STEP, PAYLOAD)).collect();
        Names { cells: Cells::new(&kinds), long: HashMap::new(), long_texts: HashMap::new() }
    }

    /// The name's number, NOTHING if nobody holds it.
    pub fn find(&self, name: &[u8]) -> Number {
        let mut room = [PAD; NAME_BYTES_MAX];
        match padded(name, &mut room) {
            Some(key) => self.cells.find(key),
            None => self.long.get(name).copied().unwrap_or(NOTHING),
        }
    }

    /// The name's number, held once more than before, and its head until now.
    ///
    /// `head` is put in its place, if one is given.
    pub fn hold(&mut self, name: &[u8], head: Number) -> Result<(Number, Number), Full> {
        let number = self.number(name)?;
        let payload = self.cells.payload_mut(number);
        let before = get(payload, 0);
        if head != NOTHING {
            put(payload, 0, head);
        }
        put(payload, HOLDERS_AT, get(payload, HOLDERS_AT) + 1);
        Ok((number, before))
    }

    /// Hold it once less; it is forgotten when nobody holds it.
    pub fn release(&mut self, number: Number) {
        let payload = self.cells.payload_mut(number);
        let holders = get(payload, HOLDERS_AT);
        put(payload, HOLDERS_AT, holders.saturating_sub(1));
        if holders > 1 {
            return;
        }
        match self.long_texts.remove(&number) {
            None => self.cells.remove(number),
            Some(name) => {
                self.long.remove(&name);
                self.cells.remove_apart(number);
            }
        }
    }

    /// The name.
    pub fn text(&self, number: Number) -> &[u8] {
        if let Some(name) = self.long_texts.get(&number) {
            return name;
        }
        let key = self.cells.key(number);
        let length = key.iter().rposition(|&byte| byte != PAD).map_or(0, |last| last + 1);
        key.get(..length).unwrap_or_default()
    }

    /// What was put there last.
    pub fn head(&self, number: Number) -> Number {
        get(self.cells.payload(number), 0)
    }

    /// Put a number of the owner's there.
    pub fn set_head(&mut self, number: Number, head: Number) {
        put(self.cells.payload_mut(number), 0, head);
    }

    fn number(&mut self, name: &[u8]) -> Result<Number, Full> {
        let mut room = [PAD; NAME_BYTES_MAX];
        if let Some(key) = padded(name, &mut room) {
            let number = self.cells.find(key);
            let kind = key.len() / STEP - 1;
            return if number == NOTHING { self.cells.add(kind, key) } else { Ok(number) };
        }
        if let Some(&number) = self.long.get(name) {
            return Ok(number);
        }
        let number = self.cells.add_apart(0, &[PAD; STEP])?;
        self.long.insert(name.into(), number);
        self.long_texts.insert(number, name.into());
        Ok(number)
    }
}

/// A name up to the next multiple of eight bytes; None if it is too long for a cell.
fn padded<'a>(name: &[u8], room: &'a mut [u8; NAME_BYTES_MAX]) -> Option<&'a [u8]> {
    room.get_mut(..name.len())?.copy_from_slice(name);
    room.get(..name.len().div_ceil(STEP).max(1) * STEP)
}
