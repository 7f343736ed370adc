//! A place in a JSON text, and the few steps by which the usual envelope is read.
//!
//! Strings are taken only if they are plain: printable ASCII without escapes, so that what is
//! written means what it says byte by byte.

use crate::unusual::{Unusual, Usual};

/// A stretch of a text, by its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub from: usize,
    pub to: usize,
}

impl Span {
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.from..self.to).unwrap_or_default()
    }

    pub fn len(self) -> usize {
        self.to - self.from
    }
}

pub struct Cursor<'a> {
    pub text: &'a [u8],
    pub place: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Cursor { text, place: 0 }
    }

    /// Pass over white space.
    #[inline]
    pub fn skip(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.place) {
            self.place += 1;
        }
    }

    /// Pass over white space and this mark, if it is next.
    #[inline]
    pub fn next_is(&mut self, mark: u8) -> bool {
        self.skip();
        let found = self.text.get(self.place) == Some(&mark);
        self.place += usize::from(found);
        found
    }

    /// Pass over white space and this mark.
    #[inline]
    pub fn expect(&mut self, mark: u8) -> Usual<()> {
        if self.next_is(mark) { Ok(()) } else { Err(Unusual) }
    }

    /// Whether nothing is left but white space.
    pub fn is_done(&mut self) -> bool {
        self.skip();
        self.place == self.text.len()
    }

    /// What stands between the quotation marks of a plain string.
    #[inline]
    pub fn string(&mut self) -> Usual<Span> {
        self.expect(b'"')?;
        let from = self.place;
        loop {
            match self.text.get(self.place) {
                Some(b'"') => break,
                Some(b'\\') | None => return Err(Unusual),
                Some(b' '..=b'~') => self.place += 1,
                Some(_) => return Err(Unusual),
            }
        }
        self.place += 1;
        Ok(Span { from, to: self.place - 1 })
    }

    /// A plain string of a length.
    pub fn string_of(&mut self, shortest: usize, longest: usize) -> Usual<Span> {
        let span = self.string()?;
        if (shortest..=longest).contains(&span.len()) { Ok(span) } else { Err(Unusual) }
    }

    /// A plain string that is one of these.
    pub fn one_of(&mut self, words: &[&[u8]]) -> Usual<Span> {
        let span = self.string()?;
        if words.contains(&span.of(self.text)) { Ok(span) } else { Err(Unusual) }
    }

    /// A member's name and the colon behind it.
    #[inline]
    pub fn name(&mut self) -> Usual<&'a [u8]> {
        let span = self.string()?;
        self.expect(b':')?;
        self.text.get(span.from..span.to).ok_or(Unusual)
    }

    /// A whole number of at most 18 digits, not negative.
    #[inline]
    pub fn count(&mut self) -> Usual<i64> {
        self.skip();
        let first = self.place;
        let mut number = 0i64;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.place) {
            number = number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.place += 1;
        }
        let length = self.place - first;
        let padded = length > 1 && self.text.get(first) == Some(&b'0');
        let goes_on = matches!(self.text.get(self.place), Some(b'.' | b'e' | b'E'));
        if length == 0 || length > 18 || padded || goes_on { Err(Unusual) } else { Ok(number) }
    }

    /// Pass over this word, if it is next.
    #[inline]
    pub fn word(&mut self, word: &[u8]) -> bool {
        let found = self.text.get(self.place..).is_some_and(|rest| rest.starts_with(word));
        self.place += if found { word.len() } else { 0 };
        found
    }

    pub fn boolean(&mut self) -> Usual<bool> {
        self.skip();
        if self.word(b"true") {
            return Ok(true);
        }
        if self.word(b"false") { Ok(false) } else { Err(Unusual) }
    }

    /// Read an object's members by `member`, which is told each name and reads what it names.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a [u8]) -> Usual<()>,
    ) -> Usual<()> {
        self.expect(b'{')?;
        if self.next_is(b'}') {
            return Ok(());
        }
        loop {
            let name = self.name()?;
            member(self, name)?;
            if !self.next_is(b',') {
                return self.expect(b'}');
            }
        }
    }
}

/// Members of one object that were seen: a name that stands twice is unusual.
#[derive(Default)]
pub struct Seen(u32);

impl Seen {
    pub fn once(&mut self, member: u32) -> Usual<()> {
        let bit = 1 << member;
        if self.0 & bit != 0 {
            return Err(Unusual);
        }
        self.0 |= bit;
        Ok(())
    }

    pub fn has(&self, member: u32) -> bool {
        self.0 & (1 << member) != 0
    }
}
