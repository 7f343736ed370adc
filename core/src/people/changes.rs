//! Whose rows changed lately: `processors/changes.py`, in Rust.

use std::collections::VecDeque;

/// Whose rows: a device's (registrations, links), or a subject's (consents).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A device's.
    Device,
    /// A subject's.
    Subject,
}

/// The latest changes, at most `kept_max` of them.
pub struct Changes {
    position: u64,
    kept: VecDeque<(Of, Box<[u8]>)>,
    kept_max: usize,
}

impl Changes {
    /// None yet.
    #[must_use]
    pub fn new(kept_max: usize) -> Self {
        Changes { position: 0, kept: VecDeque::new(), kept_max }
    }

    /// How many changes there have been.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Tell readers of one more.
    pub fn note(&mut self, of: Of, name: &[u8]) {
        self.position += 1;
        while self.kept.len() >= self.kept_max {
            if self.kept.pop_front().is_none() {
                return;
            }
        }
        self.kept.push_back((of, name.into()));
    }

    /// The changes after `position`, oldest first; None if not all of them are kept.
    #[must_use]
    pub fn since(&self, position: u64) -> Option<impl Iterator<Item = (Of, &[u8])>> {
        let missed = usize::try_from(self.position.saturating_sub(position)).ok()?;
        let passed_over = self.kept.len().checked_sub(missed)?;
        Some(self.kept.iter().skip(passed_over).map(|(of, name)| (*of, &**name)))
    }
}
