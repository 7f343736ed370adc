//! Lists of one column: read, and kept as the canonical text that the digest is made of.

use crate::cursor::{Cursor, Span};
use crate::unusual::Usual;

/// A canonical text: a stretch of the envelope, or of what was written aside where it differs.
#[derive(Clone, Copy, Debug, Default)]
pub enum Canonical {
    #[default]
    Empty,
    AsSent(Span),
    Aside(Span),
}

/// Follows a list through the text, and copies aside whatever cannot stay as it was sent.
pub struct Copying {
    from: usize,
    /// What is before here is copied or left out.
    copied: usize,
    aside: Option<usize>,
}

impl Copying {
    pub fn from(place: usize) -> Self {
        Copying { from: place, copied: place, aside: None }
    }

    /// Leave out the text between two places.
    pub fn leave_out(&mut self, text: &[u8], from: usize, to: usize, aside: &mut Vec<u8>) {
        if from < to {
            self.copy_to(text, from, aside);
            self.copied = to;
        }
    }

    /// Put other words in place of the text between two places.
    pub fn replace(
        &mut self,
        text: &[u8],
        between: Span,
        aside: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        self.copy_to(text, between.from, aside);
        write(aside);
        self.copied = between.to;
    }

    fn copy_to(&mut self, text: &[u8], to: usize, aside: &mut Vec<u8>) {
        self.aside.get_or_insert(aside.len());
        aside.extend_from_slice(Span { from: self.copied, to }.of(text));
    }

    /// The canonical text up to here.
    pub fn done(mut self, text: &[u8], to: usize, aside: &mut Vec<u8>) -> Canonical {
        let Some(from) = self.aside else {
            return Canonical::AsSent(Span { from: self.from, to });
        };
        self.copy_to(text, to, aside);
        Canonical::Aside(Span { from, to: aside.len() })
    }
}

/// Read a list that is not empty, each of its elements by `element`; the canonical text of all.
#[inline]
pub fn read_list(
    cursor: &mut Cursor<'_>,
    aside: &mut Vec<u8>,
    mut element: impl FnMut(&mut Cursor<'_>, &mut Copying, &mut Vec<u8>) -> Usual<()>,
) -> Usual<Canonical> {
    cursor.skip();
    let mut copying = Copying::from(cursor.place);
    cursor.expect(b'[')?;
    loop {
        skip_uncopied(cursor, &mut copying, aside);
        element(cursor, &mut copying, aside)?;
        skip_uncopied(cursor, &mut copying, aside);
        if !cursor.next_is(b',') {
            break;
        }
    }
    cursor.expect(b']')?;
    Ok(copying.done(cursor.text, cursor.place, aside))
}

#[inline]
fn skip_uncopied(cursor: &mut Cursor<'_>, copying: &mut Copying, aside: &mut Vec<u8>) {
    let from = cursor.place;
    cursor.skip();
    if cursor.place > from {
        copying.leave_out(cursor.text, from, cursor.place, aside);
    }
}
