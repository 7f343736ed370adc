//! Texts, each kept once and numbered as they came.

use rustc_hash::FxHashMap;

use crate::unusual::{Unusual, Usual};

/// Texts by number, and numbers by text.
#[derive(Default)]
pub struct Texts {
    all: Vec<Box<[u8]>>,
    codes: FxHashMap<Box<[u8]>, u32>,
}

impl Texts {
    /// The number of a text, a new one for a new text.
    ///
    /// # Errors
    /// If there are as many as can be numbered.
    pub fn code(&mut self, text: &[u8]) -> Usual<u32> {
        if let Some(&code) = self.codes.get(text) {
            return Ok(code);
        }
        let code = u32::try_from(self.all.len()).map_err(|_| Unusual)?;
        self.all.push(text.into());
        self.codes.insert(text.into(), code);
        Ok(code)
    }

    /// The text of a number; nothing for a number of none.
    #[must_use]
    pub fn get(&self, code: u32) -> &[u8] {
        self.known(code).unwrap_or_default()
    }

    /// The text of a number that was given out.
    #[must_use]
    pub fn known(&self, code: u32) -> Option<&[u8]> {
        self.all.get(code as usize).map(|text| &**text)
    }

    /// The number of a text, which most likely is this one.
    ///
    /// # Errors
    /// As `code`.
    pub fn likely(&mut self, text: &[u8], likely: u32) -> Usual<u32> {
        if self.known(likely) == Some(text) { Ok(likely) } else { self.code(text) }
    }

    /// Forget the newest, so that so many are left.
    pub fn truncate(&mut self, length: usize) {
        for text in self.all.drain(length.min(self.all.len())..) {
            self.codes.remove(&text);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Forget all of them: numbers begin anew.
    pub fn clear(&mut self) {
        self.all.clear();
        self.codes.clear();
    }
}
